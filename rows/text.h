/* PostgreSQL's text forms, in and out, for every type.
 *
 * Input functions accept what PostgreSQL 15's accept (surrounding blanks,
 * infinities, all ISO forms; 'now', 'today', 'yesterday' and their kin are
 * refused: data must not depend on the clock).  Failures carry PostgreSQL's
 * SQLSTATE and words: `invalid input syntax for type integer: "abc"`,
 * `value "99999" is out of range for type smallint`.
 * Output is byte for byte psql's with DateStyle ISO, YMD, IntervalStyle
 * postgres, bytea_output hex, extra_float_digits 1.
 */
#ifndef CU_ROWS_TEXT_H
#define CU_ROWS_TEXT_H

#include "rows/type.h"

/* Time zone rules read from the tzdata package's TZif files (never the C
 * library's). Immutable after open. */
typedef struct cu_zone cu_zone;
struct cu_env;
/* "Europe/Oslo", "UTC", "+02", "PST8PDT"; CU_DATA 22023 for unknown names.
 * Cached for the process; never freed by the caller. Thread: any. */
int cu_zone_open(struct cu_env *env, cu_slice name, const cu_zone **out,
                 cu_err *err);
const cu_zone *cu_zone_utc(void);
const char *cu_zone_name(const cu_zone *z);
/* Offset from UTC in seconds that holds at a UTC instant (us since 2000). */
int32_t cu_zone_offset_at(const cu_zone *z, int64_t utc_us);
/* Local microseconds -> UTC as PostgreSQL resolves gaps and overlaps. */
int64_t cu_zone_to_utc(const cu_zone *z, int64_t local_us);
/* The abbreviation that holds then ("CET", or "+02"). */
const char *cu_zone_abbreviation(const cu_zone *z, int64_t utc_us);

/* Text -> value of type `t` (typmod applied: rounding, length check).
 * `zone` for timestamptz without an offset (NULL: UTC).  Slices are put in
 * the arena only when they differ from the input's bytes, else borrowed. */
int cu_value_in(cu_type t, cu_slice text, const cu_zone *zone, cu_arena *a,
                cu_value *out, cu_err *err);
/* Appends the text; a NULL value appends nothing. */
void cu_value_out(const cu_value *v, const cu_zone *zone, cu_buf *out);
/* One value of a column, without boxing. */
struct cu_col;
void cu_col_out(const struct cu_col *c, uint32_t row, const cu_zone *zone,
                cu_buf *out);

/* The typed ones, for decoders and casts. */
int cu_bool_in(cu_slice text, uint8_t *out, cu_err *err);
int cu_int2_in(cu_slice text, int16_t *out, cu_err *err);
int cu_int4_in(cu_slice text, int32_t *out, cu_err *err);
int cu_int8_in(cu_slice text, int64_t *out, cu_err *err);
int cu_float4_in(cu_slice text, float *out, cu_err *err);
int cu_float8_in(cu_slice text, double *out, cu_err *err);
int cu_date_in(cu_slice text, int32_t *out, cu_err *err);
int cu_time_in(cu_slice text, int64_t *out, cu_err *err);
int cu_timestamp_in(cu_slice text, int64_t *out, cu_err *err);
int cu_timestamptz_in(cu_slice text, const cu_zone *zone, int64_t *out,
                      cu_err *err);
int cu_interval_in(cu_slice text, cu_interval *out, cu_err *err);
int cu_uuid_in(cu_slice text, cu_uuid *out, cu_err *err);
int cu_bytea_in(cu_slice text, cu_arena *a, cu_slice *out, cu_err *err);
void cu_int8_out(int64_t v, cu_buf *out);
void cu_float4_out(float v, cu_buf *out);
void cu_float8_out(double v, cu_buf *out);
void cu_timestamp_out(int64_t v, cu_buf *out);
void cu_timestamptz_out(int64_t v, const cu_zone *zone, cu_buf *out);
void cu_date_out(int32_t v, cu_buf *out);
void cu_interval_out(const cu_interval *v, cu_buf *out);
/* RFC 3339 in UTC, "2024-01-01T00:00:00Z", fraction only when not zero. */
void cu_rfc3339_out(int64_t ts, cu_buf *out);

#endif
