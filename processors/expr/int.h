/* Private to processors/expr: what its files know of each other. */
#ifndef CU_EXPR_INT_H
#define CU_EXPR_INT_H

#include "processors/expr/prog.h"
#include "processors/expr/text.h"

/* --- types in signatures (types.c) ----------------------------------- */

/* PostgreSQL's type category, 'P' for pseudo kinds, 'X' for unknown. */
char cu_type_category(cu_type t);
/* The type that its category prefers: boolean, double precision, text, … */
bool cu_type_preferred(cu_type t);
/* cu_type_name() that knows the pseudo kinds and drops the typmod. */
const char *cu_sig_name(cu_type t, char out[64]);
bool cu_type_untyped(cu_type t); /* unknown or a bare NULL */
cu_type cu_array_type(unsigned elem);
/* The common type of CASE, UNION, …; false when categories differ: then
 * *clash is the type that does not fit *out. */
bool cu_common_type(const cu_type *types, uint32_t n, cu_type *out,
                    cu_type *clash);
bool cu_type_is_pseudo(cu_type t);

/* --- casts (cast.c) -------------------------------------------------- */

/* The cast function between two kinds in this context; NULL when there is
 * none. Equal types have no cast: check first. */
const cu_func *cu_cast_find(cu_type from, cu_type to, cu_cast_context ctx);
bool cu_cast_exists(cu_type from, cu_type to, cu_cast_context ctx);
/* The catalog's cast entry for two kinds, whatever the context. */
const cu_func *cu_cast_kernel(cu_type from, cu_type to);

/* --- the catalog (catalog.c) ----------------------------------------- */

/* Functions of one name: [*first, *first + result) of cu_func_all(). */
uint32_t cu_func_named(const char *name, uint32_t *first);
cu_type cu_func_arg_type(const cu_func *f, uint32_t i);
cu_type cu_func_result_type(const cu_func *f);

typedef struct cu_catalog_part {
    const cu_func *funcs;
    uint32_t n;
} cu_catalog_part;

/* One part per subject, each beside its kernels. */
extern const cu_catalog_part cu_part_compare, cu_part_logic, cu_part_arith,
    cu_part_float, cu_part_numeric, cu_part_convert, cu_part_convert_text,
    cu_part_text, cu_part_text_case, cu_part_text_edit, cu_part_text_search,
    cu_part_like, cu_part_encode, cu_part_jsonb, cu_part_jsonb_build,
    cu_part_datetime, cu_part_datetime_field, cu_part_array, cu_part_any,
    cu_part_set, cu_part_aggregate, cu_part_window, cu_part_regex,
    cu_part_text_format, cu_part_to_char, cu_part_to_date, cu_part_to_number,
    cu_part_trig, cu_part_number_more, cu_part_lookup3, cu_part_bits,
    cu_part_array_more, cu_part_datetime_make, cu_part_jsonb_edit, cu_part_path,
    cu_part_series, cu_part_record;

/* Sets of other files than set.c. */
typedef int cu_set_fn(const cu_func *f, const cu_value *args, uint32_t n_args,
                      cu_arena *a, cu_set_rows *out, cu_err *err);
cu_set_fn cu_regex_set, cu_text_parts_set, cu_jsonpath_set, cu_series_set,
    cu_record_set, cu_rows_from_set;

/* The same constant to the last bit that shows: 1.0 is not 1.00. */
bool cu_value_same(const cu_value *a, const cu_value *b);

/* --- printing -------------------------------------------------------- */

/* 'text' with quotes doubled. */
void cu_put_quoted(cu_buf *out, cu_slice s);

/* Compares two values of one type, given by their addresses in columns: SQL
 * equality (0) and ORDER BY order. */
typedef int cu_compare(const void *a, const void *b);
cu_compare *cu_compare_of(cu_type t);

/* --- helpers for kernels --------------------------------------------- */

/* Text results: start, then append to c->scratch and close each row in
 * cu_call_next() order, then finish. Returned and passed: where a row
 * starts. Rows made NULL in between take no text. */
size_t cu_text_start(cu_call *c);
size_t cu_text_row(cu_call *c, uint32_t row, size_t start);
void cu_text_finish(cu_call *c);
/* Makes the row NULL in a call's output. */
void cu_call_null(cu_call *c, uint32_t row);
/* cu_call_fail() with the words and SQLSTATE of a failed function. */
void cu_call_fail_err(cu_call *c, uint32_t row, const cu_err *err);
/* Runs the kernel of `f` (one argument) on n values, for casts of array
 * elements. The first fault goes to `err`; `faults` is working memory. */
int cu_call_on_values(const cu_call *outer, const cu_func *f, cu_type to,
                      const cu_value *in, uint32_t n, cu_value *out,
                      cu_row_faults *faults, cu_err *err);
/* The session's zone. */
const cu_zone *cu_call_zone(const cu_call *c);

#endif
