/* jsonb: making it. to_jsonb, jsonb_build_*, ||, -, jsonb_strip_nulls.
 *
 * The result is JSON text again; it need not be canonical (two members of
 * one name are fine, the last wins), only valid.
 */
#include "processors/expr/kernel.h"
#include "rows/array.h"
#include "rows/json.h"
#include "rows/numeric.h"

#include <math.h>

/* --- values as JSON -------------------------------------------------- */

static bool is_finite(const cu_value *v)
{
    if (v->type.kind == CU_T_FLOAT4)
        return isfinite(v->f4);
    if (v->type.kind == CU_T_FLOAT8)
        return isfinite(v->f8);
    return v->type.kind != CU_T_NUMERIC || v->num.form <= CU_NUM_BIG;
}

/* ISO 8601 with a T, and the offset of UTC for timestamptz. */
static void put_timestamp(const cu_value *v, cu_buf *out)
{
    const size_t start = out->len;
    cu_buf_put_u8(out, '"');
    cu_timestamp_out(v->i8, out);
    if (v->i8 != CU_TS_INFINITY && v->i8 != CU_TS_MINUS_INFINITY) {
        char *blank = memchr(out->data + start, ' ', out->len - start);
        *blank = 'T';
        if (v->type.kind == CU_T_TIMESTAMPTZ) {
            char tail[8];
            char *era = memchr(blank, ' ',
                               out->len - (size_t)(blank - out->data));
            size_t at = era ? (size_t)(era - out->data) : out->len;
            size_t n = out->len - at;
            memcpy(tail, out->data + at, n);
            out->len = at;
            cu_buf_put_str(out, "+00:00");
            cu_buf_put(out, tail, n);
        }
    }
    cu_buf_put_u8(out, '"');
}

static void put_array(cu_slice array, cu_arena *a, cu_buf *out)
{
    cu_array_iter it = cu_array_iter_of(array);
    cu_value v;
    bool first = true;
    cu_buf_put_u8(out, '[');
    while (cu_array_next(&it, a, &v)) {
        if (!first)
            cu_buf_put_str(out, ", ");
        cu_jsonb_put(&v, a, out);
        first = false;
    }
    cu_buf_put_u8(out, ']');
}

/* Values whose text is a JSON string: appended, then quoted in place. */
static void put_quoted(const cu_value *v, cu_arena *a, cu_buf *out)
{
    const size_t start = out->len;
    cu_value_out(v, NULL, out);
    cu_slice text = cu_arena_slice(
        a, (cu_slice){out->data + start, out->len - start});
    out->len = start;
    cu_json_put_string(out, text);
}

void cu_jsonb_put(const cu_value *v, cu_arena *a, cu_buf *out)
{
    if (v->null) {
        cu_buf_put_str(out, "null");
        return;
    }
    switch (v->type.kind) {
    case CU_T_BOOL:
        cu_buf_put_str(out, v->b ? "true" : "false");
        break;
    case CU_T_INT2:
    case CU_T_INT4:
    case CU_T_INT8:
    case CU_T_FLOAT4:
    case CU_T_FLOAT8:
    case CU_T_NUMERIC:
        if (is_finite(v))
            cu_value_out(v, NULL, out);
        else
            put_quoted(v, a, out);
        break;
    case CU_T_TEXT:
        cu_json_put_string(out, v->s);
        break;
    case CU_T_JSONB:
        cu_buf_put_slice(out, v->s);
        break;
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        put_timestamp(v, out);
        break;
    case CU_T_ARRAY:
        put_array(v->s, a, out);
        break;
    default:
        put_quoted(v, a, out);
        break;
    }
}

static void put_arg(cu_call *c, uint32_t k, uint32_t row)
{
    cu_value v = cu_col_value(c->args[k], row);
    cu_jsonb_put(&v, c->arena, c->scratch);
}

static void to_jsonb(cu_call *c)
{
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        put_arg(c, 0, r);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void build_array(cu_call *c)
{
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_buf_put_u8(c->scratch, '[');
        for (uint32_t k = 0; k < c->n_args; k++) {
            if (k)
                cu_buf_put_str(c->scratch, ", ");
            put_arg(c, k, r);
        }
        cu_buf_put_u8(c->scratch, ']');
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

bool cu_jsonb_put_name(const cu_value *v, cu_arena *a, cu_buf *out)
{
    const size_t start = out->len;
    if (v->type.kind == CU_T_ARRAY || v->type.kind == CU_T_JSONB)
        return false;
    cu_jsonb_put(v, a, out);
    if (out->data[start] == '"')
        return true;
    cu_slice text = cu_arena_slice(
        a, (cu_slice){out->data + start, out->len - start});
    out->len = start;
    cu_json_put_string(out, text);
    return true;
}

/* A key is the JSON of a scalar, in quotes. False after a fault. */
static bool put_key(cu_call *c, uint32_t k, uint32_t row)
{
    cu_value v = cu_col_value(c->args[k], row);
    if (v.null) {
        cu_call_fail(c, row, CU_E_PARAMETER,
                     "argument %u: key must not be null", k + 1);
        return false;
    }
    if (!cu_jsonb_put_name(&v, c->arena, c->scratch)) {
        cu_call_fail(c, row, CU_E_PARAMETER,
                     "key value must be scalar, not array, composite, or "
                     "json");
        return false;
    }
    return true;
}

static bool put_object(cu_call *c, uint32_t row)
{
    if (c->n_args % 2) {
        cu_call_fail(c, row, CU_E_PARAMETER,
                     "argument list must have even number of elements");
        return false;
    }
    cu_buf_put_u8(c->scratch, '{');
    for (uint32_t k = 0; k < c->n_args; k += 2) {
        if (k)
            cu_buf_put_str(c->scratch, ", ");
        if (!put_key(c, k, row))
            return false;
        cu_buf_put_str(c->scratch, ": ");
        put_arg(c, k + 1, row);
    }
    cu_buf_put_u8(c->scratch, '}');
    return true;
}

static void build_object(cu_call *c)
{
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (put_object(c, r))
            at = cu_text_row(c, r, at);
        else
            c->scratch->len = at;
    }
    cu_text_finish(c);
}

/* --- || -------------------------------------------------------------- */

/* What stands between the brackets of a container. */
static cu_slice inside(cu_slice json)
{
    return cu_json_trim((cu_slice){json.data + 1, json.len - 2});
}

/* Two objects make one; anything else becomes an array of one and joins. */
static void put_joined(cu_slice x, cu_slice y, cu_buf *out)
{
    x = cu_json_trim(x);
    y = cu_json_trim(y);
    const cu_json_kind kx = cu_json_kind_of(x), ky = cu_json_kind_of(y);
    const bool objects = kx == CU_JSON_OBJECT && ky == CU_JSON_OBJECT;
    cu_slice p = objects || kx == CU_JSON_ARRAY ? inside(x) : x;
    cu_slice q = objects || ky == CU_JSON_ARRAY ? inside(y) : y;
    cu_buf_put_u8(out, objects ? '{' : '[');
    cu_buf_put_slice(out, p);
    if (p.len && q.len)
        cu_buf_put_str(out, ", ");
    cu_buf_put_slice(out, q);
    cu_buf_put_u8(out, objects ? '}' : ']');
}

static void join(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, y, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        put_joined(CU_AT(x, r), CU_AT(y, r), c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* --- - (minus) ------------------------------------------------------- */

/* Names (or string elements) to leave out; or the element number `at`. */
typedef struct removal {
    const cu_slice *names;
    uint32_t n;
    bool by_place;
    int64_t at;
} removal;

static bool removed(const removal *w, cu_slice string, int64_t place,
                    cu_arena *a)
{
    if (w->by_place)
        return place == w->at;
    if (string.data == NULL || cu_json_kind_of(string) != CU_JSON_STRING)
        return false;
    cu_slice text = cu_json_unescape(string, a);
    for (uint32_t i = 0; i < w->n; i++)
        if (cu_slice_eq(text, w->names[i]))
            return true;
    return false;
}

static void put_without(cu_slice json, const removal *w, cu_arena *a,
                        cu_buf *out)
{
    cu_json_iter it = cu_json_iter_of(json);
    const bool object = cu_json_kind_of(json) == CU_JSON_OBJECT;
    cu_slice name, value;
    bool first = true;
    cu_buf_put_u8(out, object ? '{' : '[');
    for (int64_t k = 0; cu_json_next(&it, &name, &value); k++) {
        if (removed(w, object ? name : value, k, a))
            continue;
        if (!first)
            cu_buf_put_str(out, ", ");
        if (object) {
            cu_buf_put_slice(out, name);
            cu_buf_put_str(out, ": ");
        }
        cu_buf_put_slice(out, value);
        first = false;
    }
    cu_buf_put_u8(out, object ? '}' : ']');
}

/* False after a fault. */
static bool remove_from(cu_call *c, uint32_t row, cu_slice json, removal *w)
{
    json = cu_json_trim(json);
    const cu_json_kind kind = cu_json_kind_of(json);
    const char *wrong = NULL;
    if (kind != CU_JSON_OBJECT && kind != CU_JSON_ARRAY)
        wrong = "cannot delete from scalar";
    else if (kind == CU_JSON_OBJECT && w->by_place)
        wrong = "cannot delete from object using integer index";
    if (wrong) {
        cu_call_fail(c, row, CU_E_PARAMETER, "%s", wrong);
        return false;
    }
    if (w->by_place && w->at < 0)
        w->at += (int64_t)cu_json_array_length(json);
    put_without(json, w, c->arena, c->scratch);
    return true;
}

static void remove_name(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, name, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        removal w = {.names = &CU_AT(name, r), .n = 1};
        if (remove_from(c, r, CU_AT(x, r), &w))
            at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void remove_names(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, names, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_array_iter it = cu_array_iter_of(CU_AT(names, r));
        const uint32_t n = cu_array_length(CU_AT(names, r));
        cu_slice *list = cu_arena_calloc(c->arena, n, sizeof(*list));
        removal w = {.names = list};
        cu_value v;
        while (cu_array_next(&it, c->arena, &v))
            if (!v.null)
                list[w.n++] = v.s;
        if (remove_from(c, r, CU_AT(x, r), &w))
            at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void remove_place(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, place, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        removal w = {.by_place = true, .at = CU_AT(place, r)};
        if (remove_from(c, r, CU_AT(x, r), &w))
            at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* --- jsonb_strip_nulls ----------------------------------------------- */

/* Of a canonical value, so that a name occurs once. Nulls in arrays stay. */
static void put_stripped(cu_slice json, cu_buf *out)
{
    const cu_json_kind kind = cu_json_kind_of(json);
    if (kind != CU_JSON_OBJECT && kind != CU_JSON_ARRAY) {
        cu_buf_put_slice(out, json);
        return;
    }
    const bool object = kind == CU_JSON_OBJECT;
    cu_json_iter it = cu_json_iter_of(json);
    cu_slice name, value;
    bool first = true;
    cu_buf_put_u8(out, object ? '{' : '[');
    while (cu_json_next(&it, &name, &value)) {
        if (object && cu_json_kind_of(value) == CU_JSON_NULL)
            continue;
        if (!first)
            cu_buf_put_str(out, ", ");
        if (object) {
            cu_buf_put_slice(out, name);
            cu_buf_put_str(out, ": ");
        }
        put_stripped(value, out);
        first = false;
    }
    cu_buf_put_u8(out, object ? '}' : ']');
}

static void strip_nulls(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_json_canonical(CU_AT(x, r), c->scratch);
        cu_slice canonical = cu_arena_slice(
            c->arena, (cu_slice){c->scratch->data + at, c->scratch->len - at});
        c->scratch->len = at;
        put_stripped(canonical, c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

#define J CU_T_JSONB
#define BUILD(nm, ker, text)                                               \
    {                                                                      \
        .name = nm, .kind = CU_FUNC_SCALAR, .n_args = 0, .variadic = true, \
        .args = {CU_T_ANY}, .result = J, .kernel = ker, .doc = text        \
    }

static const cu_func list[] = {
    CU_FN("to_jsonb", J, to_jsonb, "any value as JSON", CU_T_ANYELEMENT),
    BUILD("jsonb_build_object", build_object, "an object of names and values"),
    BUILD("jsonb_build_array", build_array, "an array of values"),
    CU_OP("||", J, join, "objects merged, arrays joined", J, J),
    CU_OP("-", J, remove_name, "without the member or string", J, CU_T_TEXT),
    CU_OP("-", J, remove_place, "without the element", J, CU_T_INT4),
    {CU_ENTRY(CU_FUNC_OPERATOR, "-", J, remove_names,
              "without the members or strings", J, CU_T_ARRAY),
     .array_elem = CU_T_TEXT},
    CU_FN("jsonb_strip_nulls", J, strip_nulls, "without members that are null",
          J),
};
CU_PART(cu_part_jsonb_build, list);
