/* jsonb: changing it. jsonb_set, jsonb_set_lax, jsonb_insert, #-,
 * jsonb_pretty, jsonb_object.
 *
 * A change copies the text around the place that the path names; of an
 * object with a name twice only the last counts, so the target is made
 * canonical first.
 */
#include "processors/expr/kernel.h"
#include "rows/array.h"
#include "rows/json.h"

#define E_ARRAY_SUBSCRIPT CU_SQLSTATE('2', '2', '0', '2', 'E')
#define E_NULL            CU_SQLSTATE('2', '2', '0', '0', '4')
#define E_INVALID_TEXT    CU_SQLSTATE('2', '2', 'P', '0', '2')

typedef enum manner { SET, CREATE, BEFORE, AFTER, REMOVE } manner;

/* One change of one value. */
typedef struct change {
    cu_call *c;
    uint32_t row;
    manner how;
    const cu_slice *path;
    uint32_t n;
    cu_slice value; /* the new one */
    cu_buf *out;
    bool failed;
} change;

static bool is_container(cu_slice json)
{
    const cu_json_kind kind = cu_json_kind_of(json);
    return kind == CU_JSON_OBJECT || kind == CU_JSON_ARRAY;
}

static void put_change(change *w, cu_slice json, uint32_t level);

/* Between two elements or members. */
static void comma(change *w, bool *first)
{
    if (!*first)
        cu_buf_put_str(w->out, ", ");
    *first = false;
}

static void put_member(change *w, cu_slice name, bool *first)
{
    comma(w, first);
    cu_buf_put_slice(w->out, name);
    cu_buf_put_str(w->out, ": ");
}

/* --- objects --------------------------------------------------------- */

/* The last step leads to a member that is there. */
static void member_there(change *w, cu_slice name, bool *first)
{
    if (w->how == BEFORE || w->how == AFTER) {
        cu_call_fail(w->c, w->row, CU_E_PARAMETER,
                     "cannot replace existing key");
        w->failed = true;
    } else if (w->how != REMOVE) {
        put_member(w, name, first);
        cu_buf_put_slice(w->out, w->value);
    }
}

static void put_object(change *w, cu_slice json, uint32_t level)
{
    cu_json_iter it = cu_json_iter_of(json);
    const bool last = level + 1 == w->n;
    cu_slice name, value;
    bool first = true, met = false;
    cu_buf_put_u8(w->out, '{');
    while (cu_json_next(&it, &name, &value)) {
        const bool here = !met &&
                          cu_slice_eq(cu_json_unescape(name, w->c->arena),
                                      w->path[level]);
        met = met || here;
        if (here && last) {
            member_there(w, name, &first);
            continue;
        }
        put_member(w, name, &first);
        if (here)
            put_change(w, value, level + 1);
        else
            cu_buf_put_slice(w->out, value);
    }
    if (!met && last && w->how != SET && w->how != REMOVE) {
        comma(w, &first);
        cu_json_put_string(w->out, w->path[level]);
        cu_buf_put_str(w->out, ": ");
        cu_buf_put_slice(w->out, w->value);
    }
    cu_buf_put_u8(w->out, '}');
}

/* --- arrays ---------------------------------------------------------- */

/* The place that a step means: 0 … n, -1 before the first; false after a
 * fault. */
static bool place_of(change *w, uint32_t level, int64_t n, int64_t *out)
{
    int32_t i;
    if (cu_int4_in(w->path[level], &i, NULL)) {
        cu_call_fail(w->c, w->row, E_INVALID_TEXT,
                     "path element at position %u is not an integer: "
                     "\"%.*s\"",
                     level + 1, (int)w->path[level].len, w->path[level].data);
        w->failed = true;
        return false;
    }
    *out = i;
    if (i < 0)
        *out = n + i < 0 ? -1 : n + i;
    else if (i > n)
        *out = n;
    return true;
}

static void put_new(change *w, bool *first)
{
    comma(w, first);
    cu_buf_put_slice(w->out, w->value);
}

/* The last step leads to an element that is there. */
static void element_there(change *w, cu_slice value, bool *first)
{
    if (w->how != REMOVE && w->how != AFTER)
        put_new(w, first);
    if (w->how == BEFORE || w->how == AFTER) {
        comma(w, first);
        cu_buf_put_slice(w->out, value);
    }
    if (w->how == AFTER)
        put_new(w, first);
}

static void put_array(change *w, cu_slice json, uint32_t level)
{
    const int64_t n = (int64_t)cu_json_array_length(json);
    const bool last = level + 1 == w->n;
    const bool adds = last && w->how != SET && w->how != REMOVE;
    cu_json_iter it = cu_json_iter_of(json);
    cu_slice name, value;
    bool first = true;
    int64_t at;
    if (!place_of(w, level, n, &at))
        return;
    cu_buf_put_u8(w->out, '[');
    if (adds && at < 0)
        put_new(w, &first);
    for (int64_t k = 0; cu_json_next(&it, &name, &value); k++) {
        if (k == at && last) {
            element_there(w, value, &first);
            continue;
        }
        comma(w, &first);
        if (k == at)
            put_change(w, value, level + 1);
        else
            cu_buf_put_slice(w->out, value);
    }
    if (adds && at == n)
        put_new(w, &first);
    cu_buf_put_u8(w->out, ']');
}

static void put_change(change *w, cu_slice json, uint32_t level)
{
    if (!w->path[level].data) {
        cu_call_fail(w->c, w->row, E_NULL,
                     "path element at position %u is null", level + 1);
        w->failed = true;
        return;
    }
    if (cu_json_kind_of(json) == CU_JSON_OBJECT)
        put_object(w, json, level);
    else if (cu_json_kind_of(json) == CU_JSON_ARRAY)
        put_array(w, json, level);
    else
        cu_buf_put_slice(w->out, json);
}

/* --- one row --------------------------------------------------------- */

/* The path's steps; a NULL is an absent one. */
static void read_path(change *w, cu_slice array)
{
    const uint32_t n = cu_array_length(array);
    cu_slice *steps = cu_arena_calloc(w->c->arena, n + 1, sizeof(*steps));
    cu_array_iter it = cu_array_iter_of(array);
    cu_value v;
    w->path = steps;
    while (w->n < n && cu_array_next(&it, w->c->arena, &v))
        steps[w->n++] = v.null ? CU_NULL_SLICE : v.s;
}

/* The changed value at the end of c->scratch; false after a fault. */
static bool edit(cu_call *c, uint32_t row, cu_slice target, cu_slice path,
                 cu_slice value, manner how)
{
    change w = {
        .c = c, .row = row, .how = how, .value = value, .out = c->scratch};
    target = cu_json_trim(target);
    if (!is_container(target)) {
        cu_call_fail(c, row, CU_E_PARAMETER,
                     how == REMOVE ? "cannot delete path in scalar"
                                   : "cannot set path in scalar");
        return false;
    }
    /* Nothing to be found in an empty one, whatever the path is like. */
    cu_json_iter it = cu_json_iter_of(target);
    cu_slice name, first;
    const bool empty = !cu_json_next(&it, &name, &first);
    if (empty && (how == SET || how == REMOVE)) {
        cu_buf_put_slice(c->scratch, target);
        return true;
    }
    read_path(&w, path);
    if (w.n == 0)
        cu_buf_put_slice(c->scratch, target);
    else
        put_change(&w, cu_json_canonical_copy(target, c->arena), 0);
    return !w.failed;
}

static cu_slice slice_at(const cu_call *c, uint32_t k, uint32_t row)
{
    return CU_COL(c->args[k], cu_slice)[cu_col_at(c->args[k], row)];
}

static bool flag_at(const cu_call *c, uint32_t k, uint32_t row)
{
    return CU_COL(c->args[k], uint8_t)[cu_col_at(c->args[k], row)];
}

static void change_rows(cu_call *c, manner without, manner with)
{
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        manner how = without;
        if (c->n_args == 4 && flag_at(c, 3, r))
            how = with;
        cu_slice value = CU_NULL_SLICE;
        if (c->n_args > 2)
            value = slice_at(c, 2, r);
        if (edit(c, r, slice_at(c, 0, r), slice_at(c, 1, r), value, how))
            at = cu_text_row(c, r, at);
        else
            c->scratch->len = at;
    }
    cu_text_finish(c);
}

static void set(cu_call *c)
{
    change_rows(c, c->n_args == 3 ? CREATE : SET, CREATE);
}

static void insert(cu_call *c)
{
    change_rows(c, BEFORE, AFTER);
}

static void remove_path(cu_call *c)
{
    change_rows(c, REMOVE, REMOVE);
}

/* --- jsonb_set_lax --------------------------------------------------- */

/* What a NULL as the new value means: how to change; or the row is done. */
static bool lax_null(cu_call *c, uint32_t row, manner *how, cu_slice *value)
{
    static const char wrong[] = "null_value_treatment must be \"delete_key\", "
                                "\"return_target\", \"use_json_null\", or "
                                "\"raise_exception\"";
    cu_slice what = CU_LIT("use_json_null");
    if (c->n_args == 5)
        what = slice_at(c, 4, row);
    *value = CU_LIT("null");
    if (cu_slice_is(what, "use_json_null"))
        return true;
    if (cu_slice_is(what, "delete_key")) {
        *how = REMOVE;
        return true;
    }
    if (cu_slice_is(what, "return_target"))
        cu_buf_put_slice(c->scratch, slice_at(c, 0, row));
    else if (cu_slice_is(what, "raise_exception"))
        cu_call_fail(c, row, E_NULL, "JSON value must not be null");
    else
        cu_call_fail(c, row, CU_E_PARAMETER, "%s", wrong);
    return false;
}

static bool lax_row(cu_call *c, uint32_t r)
{
    const bool null = cu_col_is_null(c->args[2], r);
    manner how = c->n_args < 4 || flag_at(c, 3, r) ? CREATE : SET;
    cu_slice value = null ? CU_NULL_SLICE : slice_at(c, 2, r);
    if (c->n_args == 5 && cu_col_is_null(c->args[4], r)) {
        cu_call_fail(c, r, CU_E_PARAMETER,
                     "null_value_treatment must be \"delete_key\", "
                     "\"return_target\", \"use_json_null\", or "
                     "\"raise_exception\"");
        return false;
    }
    const size_t before = c->scratch->len;
    if (null && !lax_null(c, r, &how, &value))
        return c->scratch->len > before;
    return edit(c, r, slice_at(c, 0, r), slice_at(c, 1, r), value, how);
}

/* Not strict, so the bookkeeping of text results is done here: rows that
 * have no value are NULL before anything is put. */
static void set_lax(cu_call *c)
{
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        if (cu_col_is_null(c->args[0], r) || cu_col_is_null(c->args[1], r) ||
            (c->n_args > 3 && cu_col_is_null(c->args[3], r)))
            cu_call_null(c, r);
    }
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (lax_row(c, r))
            at = cu_text_row(c, r, at);
        else
            c->scratch->len = at;
    }
    cu_text_finish(c);
}

/* --- jsonb_pretty ---------------------------------------------------- */

static void new_line(cu_buf *out, int depth)
{
    cu_buf_put_u8(out, '\n');
    for (int i = 0; i < depth * 4; i++)
        cu_buf_put_u8(out, ' ');
}

/* Of a canonical value. */
static void put_pretty(cu_slice json, int depth, cu_buf *out)
{
    if (!is_container(json)) {
        cu_buf_put_slice(out, json);
        return;
    }
    cu_json_iter it = cu_json_iter_of(json);
    cu_slice name, value;
    bool first = true;
    cu_buf_put_u8(out, it.object ? '{' : '[');
    while (cu_json_next(&it, &name, &value)) {
        if (!first)
            cu_buf_put_u8(out, ',');
        first = false;
        new_line(out, depth + 1);
        if (it.object) {
            cu_buf_put_slice(out, name);
            cu_buf_put_str(out, ": ");
        }
        put_pretty(value, depth + 1, out);
    }
    new_line(out, depth);
    cu_buf_put_u8(out, it.object ? '}' : ']');
}

static void pretty(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        put_pretty(cu_json_canonical_copy(CU_AT(x, r), c->arena), 0,
                   c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* --- jsonb_object ---------------------------------------------------- */

static bool put_pair(cu_call *c, uint32_t row, const cu_value *name,
                     const cu_value *value, bool first)
{
    if (name->null) {
        cu_call_fail(c, row, E_NULL, "null value not allowed for object key");
        return false;
    }
    if (!first)
        cu_buf_put_str(c->scratch, ", ");
    cu_json_put_string(c->scratch, name->s);
    cu_buf_put_str(c->scratch, ": ");
    if (value->null)
        cu_buf_put_str(c->scratch, "null");
    else
        cu_json_put_string(c->scratch, value->s);
    return true;
}

/* Names and values in turn; or names and values in two arrays. */
static bool put_pairs(cu_call *c, uint32_t row)
{
    const cu_slice names = slice_at(c, 0, row);
    const bool two = c->n_args == 2;
    const uint32_t n = cu_array_length(names);
    cu_array_iter it = cu_array_iter_of(names), other = it;
    if (two)
        other = cu_array_iter_of(slice_at(c, 1, row));
    if (two ? other.n != n : n % 2) {
        cu_call_fail(c, row, E_ARRAY_SUBSCRIPT,
                     two ? "mismatched array dimensions"
                         : "array must have even number of elements");
        return false;
    }
    cu_value name, value;
    bool good = true;
    cu_buf_put_u8(c->scratch, '{');
    for (uint32_t k = 0; good && cu_array_next(&it, c->arena, &name); k++) {
        cu_array_next(two ? &other : &it, c->arena, &value);
        good = put_pair(c, row, &name, &value, k == 0);
    }
    cu_buf_put_u8(c->scratch, '}');
    return good;
}

static void object(cu_call *c)
{
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (put_pairs(c, r))
            at = cu_text_row(c, r, at);
        else
            c->scratch->len = at;
    }
    cu_text_finish(c);
}

/* --- the catalog's part ---------------------------------------------- */

#define J CU_T_JSONB
#define T CU_T_TEXT
#define B CU_T_BOOL
#define P CU_T_ARRAY /* of text */
#define PATHED(k, nm, res, ker, text, ...)                            \
    {                                                                 \
        CU_ENTRY(k, nm, res, ker, text, __VA_ARGS__), .array_elem = T \
    }
#define FN(nm, ker, text, ...) \
    PATHED(CU_FUNC_SCALAR, nm, J, ker, text, __VA_ARGS__)
#define LAX(text, ...)                                                       \
    {                                                                        \
        .name = "jsonb_set_lax", .kind = CU_FUNC_SCALAR,                     \
        .n_args = CU_COUNT(__VA_ARGS__), .args = {__VA_ARGS__}, .result = J, \
        .kernel = set_lax, .doc = text, .array_elem = T                      \
    }

static const cu_func list[] = {
    FN("jsonb_set", set, "with z at the path, made when it is not there", J, P,
       J),
    FN("jsonb_set", set, "the same; false: not made", J, P, J, B),
    LAX("jsonb_set that takes a NULL as a JSON null", J, P, J),
    LAX("the same; false: not made", J, P, J, B),
    LAX("the same; what a NULL does", J, P, J, B, T),
    FN("jsonb_insert", insert, "with z put in before the path's place", J, P,
       J),
    FN("jsonb_insert", insert, "the same; true: after it", J, P, J, B),
    PATHED(CU_FUNC_OPERATOR, "#-", J, remove_path,
           "without what the path leads to", J, P),
    FN("jsonb_delete_path", remove_path, "without what the path leads to", J,
       P),
    CU_FN("jsonb_pretty", T, pretty, "indented text", J),
    FN("jsonb_object", object, "of names and values in turn", P),
    FN("jsonb_object", object, "of names and their values", P, P),
};
CU_PART(cu_part_jsonb_edit, list);
