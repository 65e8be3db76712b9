/* JSON values as raw, validated slices: walk, extract, compare, print.
 *
 * A jsonb value is the source's JSON text, validated once when it enters.
 * Extraction returns sub-slices without copying.  The canonical form
 * (PostgreSQL's jsonb: keys by length then bytes, the last duplicate wins,
 * one space after ':' and ',', numbers as numeric prints them) is built only to
 * compare, group or show a whole value.
 */
#ifndef CU_ROWS_JSON_H
#define CU_ROWS_JSON_H

#include "rows/type.h"

typedef enum cu_json_kind {
    CU_JSON_NULL,
    CU_JSON_BOOL,
    CU_JSON_NUMBER,
    CU_JSON_STRING,
    CU_JSON_ARRAY,
    CU_JSON_OBJECT
} cu_json_kind;

/* Of a trimmed, valid value. */
cu_json_kind cu_json_kind_of(cu_slice json);
/* As jsonb_typeof() says it: "null", "boolean", "number", … */
cu_slice cu_json_kind_name(cu_json_kind kind);
/* Without surrounding white space. */
cu_slice cu_json_trim(cu_slice json);
/* Strict RFC 8259 check with PostgreSQL's extra rules (no U+0000, no lone
 * surrogates, valid UTF-8, depth <= `max_depth`). *at: byte of the fault. */
bool cu_json_validate(cu_slice json, unsigned max_depth, size_t *at);
/* The member `key` (already unescaped; the last duplicate wins) / element i
 * (negative from the end); absent slice when there is none. */
cu_slice cu_json_member(cu_slice object, cu_slice key, cu_arena *a);
cu_slice cu_json_element(cu_slice array, int64_t i);
size_t cu_json_array_length(cu_slice array);

/* Iteration: `cu_json_iter it = cu_json_iter_of(value)`; array elements or
 * object members in order; key is the raw string with its quotes. */
typedef struct cu_json_iter {
    const char *p, *end;
    bool object;
} cu_json_iter;
cu_json_iter cu_json_iter_of(cu_slice container);
bool cu_json_next(cu_json_iter *it, cu_slice *key, cu_slice *value);

/* What ->> gives: strings unescaped (borrowed when nothing is escaped),
 * scalars their canonical text, containers their canonical form; JSON null
 * gives an absent slice. */
cu_slice cu_json_text(cu_slice json, cu_arena *a);
/* The content of a JSON string (with its quotes), unescaped. */
cu_slice cu_json_unescape(cu_slice string, cu_arena *a);
/* Appends a quoted, escaped JSON string. */
void cu_json_put_string(cu_buf *out, cu_slice s);
/* Appends PostgreSQL's jsonb text of the value. */
void cu_json_canonical(cu_slice json, cu_buf *out);
/* The same, as a slice in the arena. */
cu_slice cu_json_canonical_copy(cu_slice json, cu_arena *a);
/* PostgreSQL's jsonb order; 0 when equal. */
int cu_json_cmp(cu_slice a, cu_slice b);
/* Bytes equal for equal jsonb, ordered like cu_json_cmp where cheap. */
void cu_json_key(cu_slice json, cu_buf *out);
/* a @> b */
bool cu_json_contains(cu_slice a, cu_slice b);
/* One value as a JSON value for silver topics: numbers as PostgreSQL prints
 * them, NaN and infinities as strings, timestamps RFC 3339 UTC, bytea
 * as \x hex text, jsonb canonical, arrays as JSON arrays, NULL as null. */
struct cu_col;
void cu_json_put_value(const struct cu_col *c, uint32_t row, cu_buf *out);

#endif
