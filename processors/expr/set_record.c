/* jsonb_to_record and jsonb_to_recordset: members as columns of types that
 * the statement declares.
 *
 * The binder adds two constants to the argument: the columns' names (text[])
 * and their types (cu_record_types).  A member becomes its column by its
 * text, through the type's input; JSON null, or no such member, is NULL.
 * Only jsonb takes the JSON itself, and an array the elements of one.
 */
#include "processors/expr/kernel.h"
#include "rows/array.h"
#include "rows/json.h"

#define E_INVALID_TEXT CU_SQLSTATE('2', '2', 'P', '0', '2')

static int refuse(cu_err *err, uint32_t sqlstate, const char *what)
{
    cu_fail(err, CU_DATA, 0, "%s", what);
    if (err)
        err->sqlstate = sqlstate;
    return CU_DATA;
}

cu_value cu_record_types(cu_arena *a, const cu_type *types, uint32_t n)
{
    cu_slice bytes = cu_slice_n(cu_arena_dup(a, types, n * sizeof(*types)),
                                n * sizeof(*types));
    return (cu_value){.type = CU_TYPE(CU_T_BYTEA), .s = bytes};
}

static int array_of(cu_slice json, cu_type t, cu_arena *a, cu_value *out,
                    cu_err *err);

static int column_of(cu_slice json, cu_type t, cu_arena *a, cu_value *out,
                     cu_err *err)
{
    const cu_json_kind kind = json.data ? cu_json_kind_of(json) : CU_JSON_NULL;
    *out = (cu_value){.type = t, .null = kind == CU_JSON_NULL};
    if (out->null)
        return 0;
    if (t.kind == CU_T_JSONB) {
        out->s = json;
        return 0;
    }
    if (t.kind == CU_T_ARRAY && kind != CU_JSON_STRING)
        return array_of(json, t, a, out, err);
    return cu_value_in(t, cu_json_text(json, a), NULL, a, out, err);
}

static int array_of(cu_slice json, cu_type t, cu_arena *a, cu_value *out,
                    cu_err *err)
{
    cu_slice name, value;
    const cu_type elem = {
        .kind = t.elem, .precision = t.precision, .scale = t.scale};
    if (cu_json_kind_of(json) != CU_JSON_ARRAY)
        return refuse(err, E_INVALID_TEXT, "expected JSON array");
    const size_t n = cu_json_array_length(json);
    cu_value *v = cu_arena_calloc(a, n + 1, sizeof(*v));
    cu_json_iter it = cu_json_iter_of(json);
    for (uint32_t i = 0; cu_json_next(&it, &name, &value) && i < n; i++) {
        if (t.elem != CU_T_JSONB && cu_json_kind_of(value) == CU_JSON_ARRAY)
            return refuse(err, CU_E_FEATURE,
                          "an array of more than one dimension is not "
                          "supported");
        if (column_of(value, elem, a, &v[i], err))
            return err ? (int)err->code : CU_DATA;
    }
    out->s = cu_array_make(a, CU_TYPE(t.elem), v, (uint32_t)n);
    return 0;
}

/* Row `row` from an object. */
static int put_row(cu_slice object, const cu_value *names, const cu_type *types,
                   cu_arena *a, cu_set_rows *out, uint32_t row, cu_err *err)
{
    cu_value *to = &out->values[(size_t)row * out->n_cols], name;
    cu_array_iter it = cu_array_iter_of(names->s);
    for (uint32_t c = 0; c < out->n_cols && cu_array_next(&it, a, &name); c++) {
        cu_slice member = CU_NULL_SLICE;
        if (object.data)
            member = cu_json_member(object, name.s, a);
        if (column_of(member, types[c], a, &to[c], err))
            return err ? (int)err->code : CU_DATA;
    }
    return 0;
}

static int one(const cu_value *args, const cu_type *types, cu_arena *a,
               cu_set_rows *out, cu_err *err)
{
    cu_slice json = CU_NULL_SLICE;
    out->n = 1;
    out->values = cu_arena_calloc(a, out->n_cols + 1, sizeof(*out->values));
    if (!args[0].null) {
        json = cu_json_trim(args[0].s);
        if (cu_json_kind_of(json) == CU_JSON_ARRAY)
            return refuse(err, CU_E_PARAMETER,
                          "cannot call jsonb_to_record on an array");
        if (cu_json_kind_of(json) != CU_JSON_OBJECT)
            return refuse(err, CU_E_PARAMETER,
                          "cannot call jsonb_to_record on a scalar");
    }
    return put_row(json, &args[1], types, a, out, 0, err);
}

static int many(const cu_value *args, const cu_type *types, cu_arena *a,
                cu_set_rows *out, cu_err *err)
{
    cu_slice name, value;
    if (args[0].null)
        return 0;
    const cu_slice json = cu_json_trim(args[0].s);
    if (cu_json_kind_of(json) != CU_JSON_ARRAY)
        return refuse(err, CU_E_PARAMETER,
                      "cannot call jsonb_to_recordset on a non-array");
    const uint32_t n = (uint32_t)cu_json_array_length(json);
    out->values = cu_arena_calloc(a, (size_t)n * out->n_cols + 1,
                                  sizeof(*out->values));
    cu_json_iter it = cu_json_iter_of(json);
    for (; cu_json_next(&it, &name, &value) && out->n < n; out->n++) {
        if (cu_json_kind_of(value) != CU_JSON_OBJECT)
            return refuse(err, CU_E_PARAMETER,
                          "argument of jsonb_to_recordset must be an array of "
                          "objects");
        if (put_row(value, &args[1], types, a, out, out->n, err))
            return err ? (int)err->code : CU_DATA;
    }
    return 0;
}

bool cu_set_is_record(const cu_func *f)
{
    return f->kind == CU_FUNC_SET && f->result == CU_T_ANY &&
           f->args[0] == CU_T_JSONB;
}

int cu_record_set(const cu_func *f, const cu_value *args, uint32_t n_args,
                  cu_arena *a, cu_set_rows *out, cu_err *err)
{
    cu_type types[CU_RECORD_COLUMNS];
    out->n_cols = (uint32_t)(args[2].s.len / sizeof(*types));
    memcpy(types, args[2].s.data, args[2].s.len);
    (void)n_args;
    if (strcmp(f->name, "jsonb_to_record") == 0)
        return one(args, types, a, out, err);
    return many(args, types, a, out, err);
}

#define RECORD(nm, text)                                                    \
    {                                                                       \
        .name = nm, .kind = CU_FUNC_SET, .n_args = 1, .args = {CU_T_JSONB}, \
        .result = CU_T_ANY, .doc = text                                     \
    }

static const cu_func list[] = {
    RECORD("jsonb_to_record", "members as columns: AS t(a int, b text)"),
    RECORD("jsonb_to_recordset",
           "a row for each object of an array: AS t(a int, b text)"),
};
CU_PART(cu_part_record, list);
