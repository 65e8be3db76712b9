/* Set-returning functions: one argument row gives many rows.
 *
 * All are strict: a NULL argument gives no rows.  The order is that of
 * PostgreSQL (objects by key length, then bytes), and the same for the same
 * argument always, so that a retraction finds the rows that it undoes.
 */
#include "base/assert.h"
#include "processors/expr/kernel.h"
#include "rows/array.h"
#include "rows/json.h"

enum { MOST_ROWS = 10 * 1000 * 1000 };

typedef cu_set_fn set_fn;

static int bad_argument(cu_err *err, const char *what, const char *name)
{
    cu_fail(err, CU_DATA, 0, what, name);
    if (err)
        err->sqlstate = CU_E_PARAMETER;
    return CU_DATA;
}

static void make_rows(cu_arena *a, cu_set_rows *out, size_t n)
{
    out->n = (uint32_t)n;
    out->values = cu_arena_calloc(a, n * out->n_cols, sizeof(*out->values));
}

static cu_value slice_value(uint8_t kind, cu_slice s)
{
    return (cu_value){.type = CU_TYPE(kind), .null = !s.data, .s = s};
}

/* --- jsonb ----------------------------------------------------------- */

static int array_elements(const cu_func *f, const cu_value *args,
                          uint32_t n_args, cu_arena *a, cu_set_rows *out,
                          cu_err *err)
{
    const cu_slice json = cu_json_trim(args[0].s);
    const cu_json_kind kind = cu_json_kind_of(json);
    cu_slice name, value;
    (void)n_args;
    if (kind != CU_JSON_ARRAY)
        return bad_argument(err, "cannot extract elements from %s",
                            kind == CU_JSON_OBJECT ? "an object" : "a scalar");
    make_rows(a, out, cu_json_array_length(json));
    cu_json_iter it = cu_json_iter_of(json);
    for (uint32_t i = 0; cu_json_next(&it, &name, &value) && i < out->n; i++) {
        if (f->result == CU_T_TEXT)
            value = cu_json_text(value, a);
        out->values[i] = slice_value(f->result, value);
    }
    return 0;
}

static size_t count_members(cu_slice object)
{
    cu_json_iter it = cu_json_iter_of(object);
    cu_slice name, value;
    size_t n = 0;
    while (cu_json_next(&it, &name, &value))
        n++;
    return n;
}

static int members(const cu_func *f, const cu_value *args, uint32_t n_args,
                   cu_arena *a, cu_set_rows *out, cu_err *err)
{
    cu_slice json = cu_json_trim(args[0].s), name, value;
    const bool keys_only = out->n_cols == 1;
    const bool text = strcmp(f->name, "jsonb_each") != 0;
    (void)n_args;
    if (cu_json_kind_of(json) != CU_JSON_OBJECT) {
        if (!keys_only)
            return bad_argument(err, "cannot call %s on a non-object", f->name);
        return bad_argument(err,
                            cu_json_kind_of(json) == CU_JSON_ARRAY
                                ? "cannot call %s on an array"
                                : "cannot call %s on a scalar",
                            f->name);
    }
    json = cu_json_canonical_copy(json, a); /* every key once, in order */
    make_rows(a, out, count_members(json));
    cu_json_iter it = cu_json_iter_of(json);
    cu_value *v = out->values;
    while (cu_json_next(&it, &name, &value)) {
        *v++ = slice_value(CU_T_TEXT, cu_json_unescape(name, a));
        if (keys_only)
            continue;
        if (text)
            *v++ = slice_value(CU_T_TEXT, cu_json_text(value, a));
        else
            *v++ = slice_value(CU_T_JSONB, value);
    }
    return 0;
}

/* --- arrays, series -------------------------------------------------- */

static int unnest(const cu_func *f, const cu_value *args, uint32_t n_args,
                  cu_arena *a, cu_set_rows *out, cu_err *err)
{
    (void)f;
    (void)n_args;
    (void)err;
    make_rows(a, out, cu_array_length(args[0].s));
    cu_array_iter it = cu_array_iter_of(args[0].s);
    for (uint32_t i = 0; i < out->n; i++)
        cu_array_next(&it, a, &out->values[i]);
    return 0;
}

static int64_t integer(const cu_value *v)
{
    return v->type.kind == CU_T_INT4 ? v->i4 : v->i8;
}

static int series(const cu_func *f, const cu_value *args, uint32_t n_args,
                  cu_arena *a, cu_set_rows *out, cu_err *err)
{
    const int64_t from = integer(&args[0]), to = integer(&args[1]);
    const int64_t step = n_args == 3 ? integer(&args[2]) : 1;
    if (step == 0)
        return bad_argument(err, "%s", "step size cannot equal zero");
    __int128 n = ((__int128)to - from) / step + 1;
    if (step > 0 ? from > to : from < to)
        n = 0;
    if (n > MOST_ROWS) {
        cu_fail(err, CU_LIMIT, 0,
                "generate_series of more than %d rows is not supported",
                MOST_ROWS);
        if (err)
            err->sqlstate = CU_SQLSTATE('5', '4', '0', '0', '0');
        return CU_LIMIT;
    }
    make_rows(a, out, (size_t)n);
    for (uint32_t i = 0; i < out->n; i++) {
        cu_value *v = &out->values[i];
        v->type = CU_TYPE(f->result);
        if (f->result == CU_T_INT4)
            v->i4 = (int32_t)(from + (int64_t)i * step);
        else
            v->i8 = from + (int64_t)i * step;
    }
    return 0;
}

/* --- the doors ------------------------------------------------------- */

#define SET(nm, res, text, ...)                                           \
    {                                                                     \
        .name = nm, .kind = CU_FUNC_SET, .n_args = CU_COUNT(__VA_ARGS__), \
        .strict = true, .args = {__VA_ARGS__}, .result = res, .doc = text \
    }
#define J  CU_T_JSONB
#define T  CU_T_TEXT
#define I4 CU_T_INT4
#define I8 CU_T_INT8

static const cu_func list[] = {
    SET("jsonb_array_elements", J, "a row for each element", J),
    SET("jsonb_array_elements_text", T, "a row for each element, as text", J),
    SET("jsonb_each", J, "key and value of each member", J),
    SET("jsonb_each_text", T, "key and value of each member, as text", J),
    SET("jsonb_object_keys", T, "the key of each member", J),
    SET("unnest", CU_T_ANYELEMENT, "a row for each element", CU_T_ANYARRAY),
    SET("generate_series", I4, "x, x + 1, … y", I4, I4),
    SET("generate_series", I4, "x, x + z, … y", I4, I4, I4),
    SET("generate_series", I8, "x, x + 1, … y", I8, I8),
    SET("generate_series", I8, "x, x + z, … y", I8, I8, I8),
};
CU_PART(cu_part_set, list);

static bool starts(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static set_fn *function_of(const cu_func *f)
{
    if (f == cu_func_rows_from())
        return cu_rows_from_set;
    if (cu_set_is_record(f))
        return cu_record_set;
    if (starts(f->name, "regexp_"))
        return cu_regex_set;
    if (starts(f->name, "jsonb_path_query"))
        return cu_jsonpath_set;
    if (starts(f->name, "string_to_table"))
        return cu_text_parts_set;
    if (starts(f->name, "jsonb_array_elements"))
        return array_elements;
    if (starts(f->name, "jsonb_"))
        return members;
    if (starts(f->name, "unnest") && f->result == CU_T_ANYELEMENT)
        return unnest;
    const bool whole = f->result == CU_T_INT4 || f->result == CU_T_INT8;
    return whole && starts(f->name, "generate_series") ? series : cu_series_set;
}

uint32_t cu_set_columns(const cu_func *f, const cu_type *arg_types,
                        uint32_t n_args, cu_field out[CU_FUNC_ARGS])
{
    CU_ASSERT(f->kind == CU_FUNC_SET);
    CU_ASSERT(n_args <= CU_FUNC_ARGS);
    if (cu_set_is_record(f) || f == cu_func_rows_from())
        return 0;
    for (uint32_t i = 0; f->result == CU_T_ANY && i < n_args; i++)
        out[i] = (cu_field){f->name, CU_TYPE(arg_types[i].elem), false};
    if (f->result == CU_T_ANY)
        return n_args;
    if (starts(f->name, "jsonb_each")) {
        out[0] = (cu_field){"key", CU_TYPE(T), true};
        out[1] = (cu_field){"value", CU_TYPE(f->result), f->result == J};
        return 2;
    }
    out[0] = (cu_field){f->name, cu_func_result_type(f), false};
    if (starts(f->name, "jsonb_array_elements"))
        out[0].name = "value";
    if (f->result == CU_T_ANYELEMENT)
        out[0].type = CU_TYPE(arg_types[0].elem);
    return 1;
}

int cu_set_call(const cu_func *f, const cu_value *args, uint32_t n_args,
                cu_arena *a, cu_set_rows *out, cu_err *err)
{
    cu_field cols[CU_FUNC_ARGS];
    cu_type types[CU_FUNC_ARGS] = {{.kind = CU_T_NULL}};
    CU_ASSERT(n_args <= CU_FUNC_ARGS);
    for (uint32_t i = 0; i < n_args; i++)
        types[i] = args[i].type;
    *out = (cu_set_rows){.n_cols = cu_set_columns(f, types, n_args, cols),
                         .memo = out->memo};
    for (uint32_t i = 0; i < n_args && f->strict; i++)
        if (args[i].null)
            return 0;
    return function_of(f)(f, args, n_args, a, out, err);
}
