/* numeric: exact decimal numbers with PostgreSQL's scale rules.
 *
 * The fast form is a 128-bit integer and a scale; what does not fit goes
 * to base-10000 digits in an arena.  Results always return to the fast form
 * when they fit, so that equal values have one representation per scale.
 * select_div_scale, rounding half away from zero, NaN and infinities are
 * PostgreSQL 15's.  Errors: 22003 overflow, 22012 division by zero, 22P02.
 */
#ifndef CU_ROWS_NUMERIC_H
#define CU_ROWS_NUMERIC_H

#include "rows/type.h"

int cu_numeric_in(cu_slice text, cu_arena *a, cu_numeric *out, cu_err *err);
void cu_numeric_out(const cu_numeric *n, cu_buf *out);
cu_numeric cu_numeric_from_int8(int64_t v);
cu_numeric cu_numeric_from_int128(__int128 v, uint16_t scale);
/* Shortest text of the double, as PostgreSQL's cast does (15 digits). */
int cu_numeric_from_float8(double v, cu_arena *a, cu_numeric *out, cu_err *err);
double cu_numeric_to_float8(const cu_numeric *n);
/* Rounds half away from zero; 22003 "bigint out of range". */
int cu_numeric_to_int8(const cu_numeric *n, int64_t *out, cu_err *err);
/* numeric(p,s): rounds to s, checks p. */
int cu_numeric_fit(const cu_numeric *n, int precision, int scale, cu_arena *a,
                   cu_numeric *out, cu_err *err);

int cu_numeric_add(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err);
int cu_numeric_sub(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err);
int cu_numeric_mul(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err);
int cu_numeric_div(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err);
int cu_numeric_mod(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                   cu_numeric *out, cu_err *err);
int cu_numeric_power(const cu_numeric *x, const cu_numeric *y, cu_arena *a,
                     cu_numeric *out, cu_err *err);
int cu_numeric_sqrt(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                    cu_err *err);
int cu_numeric_exp(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                   cu_err *err);
int cu_numeric_ln(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                  cu_err *err);
cu_numeric cu_numeric_neg(const cu_numeric *x);
cu_numeric cu_numeric_abs(const cu_numeric *x);
int cu_numeric_sign(const cu_numeric *x);
/* round/trunc to `digits` (may be negative); ceil, floor. */
int cu_numeric_round(const cu_numeric *x, int digits, cu_arena *a,
                     cu_numeric *out, cu_err *err);
int cu_numeric_trunc(const cu_numeric *x, int digits, cu_arena *a,
                     cu_numeric *out, cu_err *err);
int cu_numeric_ceil(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                    cu_err *err);
int cu_numeric_floor(const cu_numeric *x, cu_arena *a, cu_numeric *out,
                     cu_err *err);
/* NaN equals NaN and is largest: <0, 0, >0. */
int cu_numeric_cmp(const cu_numeric *x, const cu_numeric *y);
/* A copy whose digits live in `a`. */
cu_numeric cu_numeric_copy(const cu_numeric *n, cu_arena *a);
/* Byte-exact serial form, for row bytes and accumulators. */
void cu_numeric_put(const cu_numeric *n, cu_buf *out);
int cu_numeric_get(cu_scan *from, cu_arena *a, cu_numeric *out);

#endif
