/* jsonb: looking inside. -> ->> #> #>> @> <@ ? ?| ?& and friends.
 *
 * Values are raw JSON text (rows/json.h); what is found is a slice of it,
 * not a copy.  PostgreSQL keeps a bare scalar as an array of one, and shows
 * it: '1'::jsonb -> 0 is 1. So do we.
 */
#include "processors/expr/kernel.h"
#include "rows/array.h"
#include "rows/json.h"

static bool is_object(cu_slice json)
{
    return cu_json_kind_of(json) == CU_JSON_OBJECT;
}

static bool is_array(cu_slice json)
{
    return cu_json_kind_of(json) == CU_JSON_ARRAY;
}

static cu_slice member(cu_slice json, cu_slice key, cu_arena *a)
{
    json = cu_json_trim(json);
    return is_object(json) ? cu_json_member(json, key, a) : CU_NULL_SLICE;
}

static cu_slice element(cu_slice json, int64_t i)
{
    json = cu_json_trim(json);
    if (is_array(json))
        return cu_json_element(json, i);
    return !is_object(json) && (i == 0 || i == -1) ? json : CU_NULL_SLICE;
}

/* What was found, as jsonb or as text; absent becomes NULL. */
static inline void found(cu_call *c, uint32_t row, cu_slice json, bool text)
{
    if (json.data && text)
        json = cu_json_text(json, c->arena);
    CU_OUT(cu_slice, c)[row] = json;
    if (!json.data)
        cu_call_null(c, row);
}

static inline void member_rows(cu_call *c, bool text)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, key, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        found(c, r, member(CU_AT(x, r), CU_AT(key, r), c->arena), text);
}

static inline void element_rows(cu_call *c, bool text)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, at, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        found(c, r, element(CU_AT(x, r), CU_AT(at, r)), text);
}

static void get_member(cu_call *c)
{
    member_rows(c, false);
}

static void get_member_text(cu_call *c)
{
    member_rows(c, true);
}

static void get_element(cu_call *c)
{
    element_rows(c, false);
}

static void get_element_text(cu_call *c)
{
    element_rows(c, true);
}

/* --- paths ----------------------------------------------------------- */

/* One step: a member's name or an element's number. */
static cu_slice step(cu_slice json, cu_slice key, cu_arena *a)
{
    json = cu_json_trim(json);
    if (is_object(json))
        return cu_json_member(json, key, a);
    int32_t i;
    if (!is_array(json) || cu_int4_in(key, &i, NULL))
        return CU_NULL_SLICE;
    return cu_json_element(json, i);
}

static inline void path_rows(cu_call *c, bool text)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, path, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_array_iter it = cu_array_iter_of(CU_AT(path, r));
        cu_slice json = CU_AT(x, r);
        cu_value key;
        while (json.data && cu_array_next(&it, c->arena, &key))
            json = key.null ? CU_NULL_SLICE : step(json, key.s, c->arena);
        found(c, r, json, text);
    }
}

static inline void extract_rows(cu_call *c, bool text)
{
    CU_ARG(cu_slice, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_slice json = CU_AT(x, r);
        for (uint32_t k = 1; json.data && k < c->n_args; k++)
            json = step(json,
                        CU_COL(c->args[k], cu_slice)[cu_col_at(c->args[k], r)],
                        c->arena);
        found(c, r, json, text);
    }
}

/* x[k] is a path of one step: a number may name a member, and a scalar has
 * nothing inside (unlike for ->, where it is an array of one). */
static void at_name(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, key, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        found(c, r, step(CU_AT(x, r), CU_AT(key, r), c->arena), false);
}

static void at_number(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, at, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_buf_clear(c->scratch);
        cu_int8_out(CU_AT(at, r), c->scratch);
        found(c, r, step(CU_AT(x, r), cu_buf_slice(c->scratch), c->arena),
              false);
    }
}

static void get_path(cu_call *c)
{
    path_rows(c, false);
}

static void get_path_text(cu_call *c)
{
    path_rows(c, true);
}

static void extract_path(cu_call *c)
{
    extract_rows(c, false);
}

static void extract_path_text(cu_call *c)
{
    extract_rows(c, true);
}

/* --- questions ------------------------------------------------------- */

static bool string_is(cu_slice json, cu_slice want, cu_arena *a)
{
    return cu_json_kind_of(json) == CU_JSON_STRING &&
           cu_slice_eq(cu_json_unescape(json, a), want);
}

/* A member's name, or a string element, or the string itself. */
static bool has_key(cu_slice json, cu_slice key, cu_arena *a)
{
    cu_slice name, value;
    json = cu_json_trim(json);
    if (is_object(json))
        return cu_json_member(json, key, a).data != NULL;
    if (!is_array(json))
        return string_is(json, key, a);
    cu_json_iter it = cu_json_iter_of(json);
    while (cu_json_next(&it, &name, &value))
        if (string_is(value, key, a))
            return true;
    return false;
}

static void has_key_kernel(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, key, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        CU_OUT(uint8_t, c)
    [r] = has_key(CU_AT(x, r), CU_AT(key, r), c->arena);
}

/* NULL keys are left out: ?| of none is false, ?& of none is true. */
static void has_keys(cu_call *c, bool all)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, keys, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_array_iter it = cu_array_iter_of(CU_AT(keys, r));
        cu_value key;
        bool result = all;
        while (result == all && cu_array_next(&it, c->arena, &key))
            if (!key.null)
                result = has_key(CU_AT(x, r), key.s, c->arena);
        CU_OUT(uint8_t, c)[r] = result;
    }
}

static void has_any(cu_call *c)
{
    has_keys(c, false);
}

static void has_all(cu_call *c)
{
    has_keys(c, true);
}

static uint8_t contains(cu_slice x, cu_slice y)
{
    return cu_json_contains(x, y);
}

static uint8_t contained(cu_slice x, cu_slice y)
{
    return cu_json_contains(y, x);
}

CU_BINARY_ROWS(contains_kernel, cu_slice, cu_slice, uint8_t, contains)
CU_BINARY_ROWS(contained_kernel, cu_slice, cu_slice, uint8_t, contained)

static cu_slice type_of(cu_slice json)
{
    return cu_json_kind_name(cu_json_kind_of(cu_json_trim(json)));
}

CU_UNARY_ROWS(typeof_kernel, cu_slice, cu_slice, type_of)

static void array_length(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_slice json = cu_json_trim(CU_AT(x, r));
        if (is_array(json))
            CU_OUT(int32_t, c)[r] = (int32_t)cu_json_array_length(json);
        else
            cu_call_fail(c, r, CU_E_PARAMETER,
                         "cannot get array length of a %s",
                         is_object(json) ? "non-array" : "scalar");
    }
}

#define J  CU_T_JSONB
#define T  CU_T_TEXT
#define I4 CU_T_INT4
#define B  CU_T_BOOL
#define KEYED(k, nm, res, ker, text, ...)                             \
    {                                                                 \
        CU_ENTRY(k, nm, res, ker, text, __VA_ARGS__), .array_elem = T \
    }
#define PATH(nm, res, ker, text)                                             \
    {                                                                        \
        CU_ENTRY(CU_FUNC_SCALAR, nm, res, ker, text, J, T), .variadic = true \
    }

static const cu_func list[] = {
    CU_OP("->", J, get_member, "member", J, T),
    CU_OP("->", J, get_element, "element, from 0, negative: from the end", J,
          I4),
    CU_OP("->>", T, get_member_text, "member as text", J, T),
    CU_OP("->>", T, get_element_text, "element as text", J, I4),
    CU_FN("subscript", J, at_name, "x['member']", J, T),
    CU_FN("subscript", J, at_number, "x[element], from 0", J, I4),
    KEYED(CU_FUNC_OPERATOR, "#>", J, get_path, "what a path leads to", J,
          CU_T_ARRAY),
    KEYED(CU_FUNC_OPERATOR, "#>>", T, get_path_text,
          "what a path leads to, as text", J, CU_T_ARRAY),
    PATH("jsonb_extract_path", J, extract_path, "what the names lead to"),
    PATH("jsonb_extract_path_text", T, extract_path_text,
         "what the names lead to, as text"),
    CU_OP("@>", B, contains_kernel, "x contains y", J, J),
    CU_OP("<@", B, contained_kernel, "x is contained in y", J, J),
    CU_OP("?", B, has_key_kernel, "there is such a key or string", J, T),
    CU_FN("jsonb_exists", B, has_key_kernel, "there is such a key or string", J,
          T),
    KEYED(CU_FUNC_OPERATOR, "?|", B, has_any, "there is any of the keys", J,
          CU_T_ARRAY),
    KEYED(CU_FUNC_OPERATOR, "?&", B, has_all, "there are all of the keys", J,
          CU_T_ARRAY),
    CU_FN("jsonb_typeof", T, typeof_kernel,
          "object, array, string, number, boolean or null", J),
    CU_FN("jsonb_array_length", I4, array_length, "elements of an array", J),
};
CU_PART(cu_part_jsonb, list);
