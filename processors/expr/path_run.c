/* jsonpath: walking. PostgreSQL's rules, mode by mode:
 *
 *   lax      an array in place of its elements is unwrapped (once), a value
 *            in place of an array is one of one; what is not there is not
 *            found
 *   strict   both are errors, but below .** and within subscripts' range
 *
 * A chain is run item by item, depth first, so that what is found comes in
 * order and a test stops at the first.  An error ends the run, unless it is
 * silent; within predicates it makes them unknown.
 */
#include "processors/expr/path_int.h"

#include "base/assert.h"
#include "processors/expr/kernel.h"

#include <math.h>
#include <stdio.h>

#define E_MEMBER    CU_SQLSTATE('2', '2', '0', '3', 'A')
#define E_OBJECT    CU_SQLSTATE('2', '2', '0', '3', 'C')
#define E_ARRAY     CU_SQLSTATE('2', '2', '0', '3', '9')
#define E_SUBSCRIPT CU_SQLSTATE('2', '2', '0', '3', '3')
#define E_NUMBER    CU_SQLSTATE('2', '2', '0', '3', 'B')
#define E_NUMERIC   CU_SQLSTATE('2', '2', '0', '3', '6')
#define E_UNDEFINED CU_SQLSTATE('4', '2', '7', '0', '4')

typedef cu_jsonpath_node node;
typedef cu_jsonpath_state state;
typedef cu_jsonpath_result result;

static result walk(state *s, const node *n, const cu_item *x, cu_items *found,
                   bool unwrap);

/* --- errors ---------------------------------------------------------- */

static void report(state *s, uint32_t sqlstate, const char *format, va_list ap)
{
    if (s->rc)
        return;
    cu_fail(s->err, CU_DATA, 0, "%s", cu_arena_vprintf(s->a, format, ap));
    if (s->err)
        s->err->sqlstate = sqlstate;
    s->rc = CU_DATA;
}

result cu_jsonpath_fail(state *s, uint32_t sqlstate, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    if (s->throws)
        report(s, sqlstate, format, ap);
    va_end(ap);
    return CU_PATH_ERROR;
}

void cu_jsonpath_fail_hard(state *s, uint32_t sqlstate, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    report(s, sqlstate, format, ap);
    va_end(ap);
}

/* --- going on -------------------------------------------------------- */

static bool lax(const state *s)
{
    return !s->path->strict;
}

/* What follows `n`, on `x`; or `x` is found. */
static result go_on(state *s, const node *next, const cu_item *x,
                    cu_items *found)
{
    if (next)
        return walk(s, next, x, found, lax(s));
    if (found)
        cu_items_add(found, x, s->a);
    return CU_PATH_OK;
}

/* What the children of a container are walked with. */
typedef struct descent {
    const node *next;
    uint32_t from, to; /* levels; UINT32_MAX: the last */
    bool ignores, unwrap;
} descent;

static bool is_container(const cu_item *x)
{
    return x->kind == CU_JSON_ARRAY || x->kind == CU_JSON_OBJECT;
}

static result child(state *s, const descent *d, const cu_item *x,
                    cu_items *found)
{
    if (!d->next) {
        if (found)
            cu_items_add(found, x, s->a);
        return CU_PATH_OK;
    }
    const bool before = s->ignores;
    s->ignores = s->ignores || d->ignores;
    result r = walk(s, d->next, x, found, d->unwrap);
    s->ignores = before;
    return r;
}

/* The elements or members of `x`, `level` steps below where it began. */
static result children(state *s, const descent *d, const cu_item *x,
                       uint32_t level, cu_items *found)
{
    cu_json_iter it = cu_json_iter_of(x->s);
    cu_slice name, value;
    result all = CU_PATH_NOT_FOUND;
    if (level > d->to)
        return all;
    const bool leaves = d->from == UINT32_MAX && d->to == UINT32_MAX;
    while (cu_json_next(&it, &name, &value)) {
        const cu_item v = cu_item_of(value, x->base, s->a);
        if (level >= d->from || (leaves && !is_container(&v))) {
            result r = child(s, d, &v, found);
            if (r == CU_PATH_ERROR || (r == CU_PATH_OK && !found))
                return r;
            all = r == CU_PATH_OK ? r : all;
        }
        if (level < d->to && is_container(&v)) {
            result r = children(s, d, &v, level + 1, found);
            if (r == CU_PATH_ERROR || (r == CU_PATH_OK && !found))
                return r;
            all = r == CU_PATH_OK ? r : all;
        }
    }
    return all;
}

/* `n` itself on each element. */
static result unwrapped(state *s, const node *n, const cu_item *x,
                        cu_items *found)
{
    const descent d = {.next = n, .from = 1, .to = 1};
    return children(s, &d, x, 1, found);
}

result cu_jsonpath_walk(state *s, const node *n, const cu_item *x,
                        cu_items *found)
{
    return walk(s, n, x, found, lax(s));
}

result cu_jsonpath_walk_unwrapped(state *s, const node *n, const cu_item *x,
                                  cu_items *found)
{
    cu_items raw = {.n = 0};
    if (!lax(s))
        return cu_jsonpath_walk(s, n, x, found);
    result r = cu_jsonpath_walk(s, n, x, &raw);
    if (r == CU_PATH_ERROR)
        return r;
    for (uint32_t i = 0; i < raw.n; i++)
        if (raw.at[i].kind == CU_JSON_ARRAY)
            unwrapped(s, NULL, &raw.at[i], found);
        else
            cu_items_add(found, &raw.at[i], s->a);
    return r;
}

/* --- members --------------------------------------------------------- */

static result key(state *s, const node *n, const cu_item *x, cu_items *found,
                  bool unwrap)
{
    if (x->kind == CU_JSON_OBJECT) {
        cu_slice value = cu_json_member(x->s, n->text, s->a);
        if (value.data) {
            const cu_item v = cu_item_of(value, x->base, s->a);
            return go_on(s, n->next, &v, found);
        }
        if (s->ignores)
            return CU_PATH_NOT_FOUND;
        return cu_jsonpath_fail(s, E_MEMBER,
                                "JSON object does not contain key \"%.*s\"",
                                (int)n->text.len, n->text.data);
    }
    if (unwrap && x->kind == CU_JSON_ARRAY)
        return unwrapped(s, n, x, found);
    if (s->ignores)
        return CU_PATH_NOT_FOUND;
    return cu_jsonpath_fail(
        s, E_MEMBER,
        "jsonpath member accessor can only be applied to an "
        "object");
}

static result any_key(state *s, const node *n, const cu_item *x,
                      cu_items *found, bool unwrap)
{
    if (x->kind == CU_JSON_OBJECT) {
        const descent d = {n->next, 1, 1, false, lax(s)};
        return children(s, &d, x, 1, found);
    }
    if (unwrap && x->kind == CU_JSON_ARRAY)
        return unwrapped(s, n, x, found);
    if (s->ignores)
        return CU_PATH_NOT_FOUND;
    return cu_jsonpath_fail(s, E_OBJECT,
                            "jsonpath wildcard member accessor can only be "
                            "applied to an object");
}

static result any(state *s, const node *n, const cu_item *x, cu_items *found)
{
    result all = CU_PATH_NOT_FOUND;
    if (n->from == 0) {
        const bool before = s->ignores;
        s->ignores = true;
        all = go_on(s, n->next, x, found);
        s->ignores = before;
        if (all == CU_PATH_ERROR || (all == CU_PATH_OK && !found))
            return all;
    }
    if (!is_container(x))
        return all;
    const descent d = {n->next, n->from, n->to, true, lax(s)};
    return children(s, &d, x, 1, found);
}

/* --- elements -------------------------------------------------------- */

static result any_element(state *s, const node *n, const cu_item *x,
                          cu_items *found)
{
    if (x->kind == CU_JSON_ARRAY) {
        const descent d = {n->next, 1, 1, false, lax(s)};
        return children(s, &d, x, 1, found);
    }
    if (lax(s))
        return go_on(s, n->next, x, found);
    if (s->ignores)
        return CU_PATH_NOT_FOUND;
    return cu_jsonpath_fail(
        s, E_ARRAY,
        "jsonpath wildcard array accessor can only be applied "
        "to an array");
}

/* A subscript's value; false after an error. */
static bool place(state *s, const node *n, const cu_item *x, int32_t *out)
{
    cu_items found = {.n = 0};
    cu_numeric whole;
    int64_t v;
    if (cu_jsonpath_walk(s, n, x, &found) == CU_PATH_ERROR)
        return false;
    if (found.n != 1 || found.at[0].kind != CU_JSON_NUMBER) {
        cu_jsonpath_fail(
            s, E_SUBSCRIPT,
            "jsonpath array subscript is not a single numeric value");
        return false;
    }
    if (cu_numeric_trunc(&found.at[0].num, 0, s->a, &whole, NULL) ||
        cu_numeric_to_int8(&whole, &v, NULL) || v < INT32_MIN ||
        v > INT32_MAX) {
        cu_jsonpath_fail(s, E_SUBSCRIPT,
                         "jsonpath array subscript is out of integer range");
        return false;
    }
    *out = (int32_t)v;
    return true;
}

/* Elements from to to of `x`, which has `size` of them. */
static result elements(state *s, const node *n, const cu_item *x, int32_t from,
                       int32_t to, cu_items *found)
{
    result all = CU_PATH_NOT_FOUND;
    for (int64_t i = from; i <= to; i++) {
        if (!n->next && !found)
            return CU_PATH_OK;
        cu_item v = *x;
        if (x->kind == CU_JSON_ARRAY)
            v = cu_item_of(cu_json_element(x->s, i), x->base, s->a);
        result r = go_on(s, n->next, &v, found);
        if (r == CU_PATH_ERROR || (r == CU_PATH_OK && !found))
            return r;
        all = r == CU_PATH_OK ? r : all;
    }
    return all;
}

static result subscripts(state *s, const node *n, const cu_item *x,
                         int32_t size, cu_items *found)
{
    result all = CU_PATH_NOT_FOUND;
    for (uint32_t k = 0; k < n->n_args; k += 2) {
        int32_t from, to;
        if (!place(s, n->args[k], x, &from))
            return CU_PATH_ERROR;
        to = from;
        if (n->args[k + 1] && !place(s, n->args[k + 1], x, &to))
            return CU_PATH_ERROR;
        if (!s->ignores && (from < 0 || from > to || to >= size))
            return cu_jsonpath_fail(
                s, E_SUBSCRIPT, "jsonpath array subscript is out of bounds");
        result r = elements(s, n, x, from < 0 ? 0 : from,
                            to >= size ? size - 1 : to, found);
        if (r == CU_PATH_ERROR || (r == CU_PATH_OK && !found))
            return r;
        all = r == CU_PATH_OK ? r : all;
    }
    return all;
}

static result index_of(state *s, const node *n, const cu_item *x,
                       cu_items *found)
{
    const bool array = x->kind == CU_JSON_ARRAY;
    if (!array && !lax(s)) {
        if (s->ignores)
            return CU_PATH_NOT_FOUND;
        return cu_jsonpath_fail(
            s, E_ARRAY,
            "jsonpath array accessor can only be applied to "
            "an array");
    }
    const int32_t size = array ? (int32_t)cu_json_array_length(x->s) : 1;
    const int64_t before = s->last;
    s->last = size - 1;
    result r = subscripts(s, n, x, size, found);
    s->last = before;
    return r;
}

/* --- values ---------------------------------------------------------- */

static bool variable(state *s, const node *n, cu_item *out)
{
    cu_slice value = CU_NULL_SLICE;
    if (s->vars.data)
        value = cu_json_member(s->vars, n->text, s->a);
    if (!value.data) {
        cu_jsonpath_fail_hard(s, E_UNDEFINED,
                              "could not find jsonpath variable \"%.*s\"",
                              (int)n->text.len, n->text.data);
        return false;
    }
    *out = cu_item_of(value, 1, s->a);
    return true;
}

static result literal(state *s, const node *n, cu_items *found)
{
    cu_item v = {.kind = CU_JSON_NULL};
    if (n->kind == CU_PATH_VARIABLE && !variable(s, n, &v))
        return CU_PATH_ERROR;
    if (n->kind == CU_PATH_BOOL)
        v = cu_item_bool(n->flag ? CU_TRUE : CU_FALSE);
    else if (n->kind == CU_PATH_NUMBER)
        v = cu_item_number(n->number);
    else if (n->kind == CU_PATH_STRING)
        v = cu_item_text(n->text);
    else if (n->kind == CU_PATH_LAST)
        v = cu_item_number(cu_numeric_from_int8(s->last));
    return go_on(s, n->next, &v, found);
}

/* --- methods --------------------------------------------------------- */

static result size(state *s, const node *n, const cu_item *x, cu_items *found)
{
    int64_t v = 1;
    if (x->kind == CU_JSON_ARRAY)
        v = (int64_t)cu_json_array_length(x->s);
    else if (!lax(s) && s->ignores)
        return CU_PATH_NOT_FOUND;
    else if (!lax(s))
        return cu_jsonpath_fail(
            s, E_ARRAY,
            "jsonpath item method .size() can only be applied "
            "to an array");
    const cu_item number = cu_item_number(cu_numeric_from_int8(v));
    return go_on(s, n->next, &number, found);
}

static result number_method(state *s, const node *n, const cu_item *x,
                            cu_items *found)
{
    cu_numeric v = x->num;
    const char *name = n->kind == CU_PATH_ABS     ? "abs"
                       : n->kind == CU_PATH_FLOOR ? "floor"
                                                  : "ceiling";
    cu_err err = {0};
    int rc = 0;
    if (x->kind != CU_JSON_NUMBER)
        return cu_jsonpath_fail(
            s, E_NUMERIC,
            "jsonpath item method .%s() can only be applied "
            "to a numeric value",
            name);
    if (n->kind == CU_PATH_ABS)
        v = cu_numeric_abs(&x->num);
    else if (n->kind == CU_PATH_FLOOR)
        rc = cu_numeric_floor(&x->num, s->a, &v, &err);
    else
        rc = cu_numeric_ceil(&x->num, s->a, &v, &err);
    if (rc)
        return cu_jsonpath_fail(s, err.sqlstate, "%s", err.msg);
    const cu_item number = cu_item_number(v);
    return go_on(s, n->next, &number, found);
}

static result to_double(state *s, const node *n, const cu_item *x,
                        cu_items *found)
{
    double v = 0;
    cu_item number = *x;
    if (x->kind == CU_JSON_NUMBER) {
        cu_buf text = {0};
        cu_numeric_out(&x->num, &text);
        const int rc = cu_float8_in(cu_buf_slice(&text), &v, NULL);
        cu_buf_free(&text);
        if (rc || !isfinite(v))
            return cu_jsonpath_fail(s, E_NUMERIC,
                                    "numeric argument of jsonpath item method "
                                    ".double() is out of range for type double "
                                    "precision");
    } else if (x->kind != CU_JSON_STRING) {
        return cu_jsonpath_fail(s, E_NUMERIC,
                                "jsonpath item method .double() can only be "
                                "applied to a string or numeric value");
    } else if (cu_float8_in(x->s, &v, NULL) || !isfinite(v) ||
               cu_numeric_from_float8(v, s->a, &number.num, NULL)) {
        return cu_jsonpath_fail(s, E_NUMERIC,
                                "string argument of jsonpath item method "
                                ".double() is not a valid representation of a "
                                "double precision number");
    } else {
        number = cu_item_number(number.num);
    }
    return go_on(s, n->next, &number, found);
}

static result keyvalue(state *s, const node *n, const cu_item *x,
                       cu_items *found)
{
    result all = CU_PATH_NOT_FOUND;
    if (x->kind != CU_JSON_OBJECT)
        return cu_jsonpath_fail(s, E_OBJECT,
                                "jsonpath item method .keyvalue() can only be "
                                "applied to an object");
    const cu_items pairs = cu_item_keyvalues(s, x);
    for (uint32_t i = 0; i < pairs.n; i++) {
        pairs.at[i].base = s->next_base++;
        result r = go_on(s, n->next, &pairs.at[i], found);
        if (r == CU_PATH_ERROR || (r == CU_PATH_OK && !found))
            return r;
        all = r == CU_PATH_OK ? r : all;
    }
    return all;
}

/* --- arithmetic ------------------------------------------------------ */

static const char *sign_of(cu_jsonpath_kind kind)
{
    static const char *const signs[] = {"+", "-", "*", "/", "%", "+", "-"};
    return signs[kind - CU_PATH_ADD];
}

static bool operand(state *s, const node *n, uint32_t side, const cu_item *x,
                    cu_numeric *out)
{
    cu_items found = {.n = 0};
    if (cu_jsonpath_walk_unwrapped(s, n->args[side], x, &found) ==
        CU_PATH_ERROR)
        return false;
    if (found.n != 1 || found.at[0].kind != CU_JSON_NUMBER) {
        cu_jsonpath_fail(s, CU_E_SINGLETON,
                         "%s operand of jsonpath operator %s is not a single "
                         "numeric value",
                         side ? "right" : "left", sign_of(n->kind));
        return false;
    }
    *out = found.at[0].num;
    return true;
}

typedef int binary_fn(const cu_numeric *, const cu_numeric *, cu_arena *,
                      cu_numeric *, cu_err *);

static result arithmetic(state *s, const node *n, const cu_item *x,
                         cu_items *found)
{
    static binary_fn *const functions[] = {cu_numeric_add, cu_numeric_sub,
                                           cu_numeric_mul, cu_numeric_div,
                                           cu_numeric_mod};
    cu_numeric l, r, v;
    cu_err err = {0};
    if (!operand(s, n, 0, x, &l) || !operand(s, n, 1, x, &r))
        return CU_PATH_ERROR;
    if (functions[n->kind - CU_PATH_ADD](&l, &r, s->a, &v, &err))
        return cu_jsonpath_fail(s, err.sqlstate, "%s", err.msg);
    const cu_item number = cu_item_number(v);
    return go_on(s, n->next, &number, found);
}

static result unary(state *s, const node *n, const cu_item *x, cu_items *found)
{
    cu_items list = {.n = 0};
    result all = CU_PATH_NOT_FOUND;
    if (cu_jsonpath_walk_unwrapped(s, n->args[0], x, &list) == CU_PATH_ERROR)
        return CU_PATH_ERROR;
    for (uint32_t i = 0; i < list.n; i++) {
        const bool number = list.at[i].kind == CU_JSON_NUMBER;
        if (!found && !n->next) {
            if (number)
                return CU_PATH_OK;
            continue;
        }
        if (!number)
            return cu_jsonpath_fail(
                s, E_NUMBER,
                "operand of unary jsonpath operator %s is not "
                "a numeric value",
                sign_of(n->kind));
        cu_item v = cu_item_number(list.at[i].num);
        if (n->kind == CU_PATH_MINUS)
            v.num = cu_numeric_neg(&v.num);
        result r = go_on(s, n->next, &v, found);
        if (r == CU_PATH_ERROR || (r == CU_PATH_OK && !found))
            return r;
        all = r == CU_PATH_OK ? r : all;
    }
    return all;
}

/* --- one node -------------------------------------------------------- */

static result filter(state *s, const node *n, const cu_item *x, cu_items *found)
{
    const cu_item *before = s->current;
    s->current = x;
    cu_truth t = cu_jsonpath_test(s, n->args[0], x);
    s->current = before;
    return t == CU_TRUE ? go_on(s, n->next, x, found) : CU_PATH_NOT_FOUND;
}

static result truth(state *s, const node *n, const cu_item *x, cu_items *found)
{
    const cu_item v = cu_item_bool(cu_jsonpath_test(s, n, x));
    return go_on(s, n->next, &v, found);
}

/* These are applied to the elements of an array, in lax mode. */
static bool unwraps(cu_jsonpath_kind kind)
{
    return kind == CU_PATH_FILTER || kind == CU_PATH_ABS ||
           kind == CU_PATH_DOUBLE || kind == CU_PATH_FLOOR ||
           kind == CU_PATH_CEILING || kind == CU_PATH_KEYVALUE;
}

static result method(state *s, const node *n, const cu_item *x, cu_items *found)
{
    const cu_item type = cu_item_text(cu_item_type(x));
    switch (n->kind) {
    case CU_PATH_TYPE:
        return go_on(s, n->next, &type, found);
    case CU_PATH_SIZE:
        return size(s, n, x, found);
    case CU_PATH_DOUBLE:
        return to_double(s, n, x, found);
    case CU_PATH_KEYVALUE:
        return keyvalue(s, n, x, found);
    default:
        return number_method(s, n, x, found);
    }
}

static result walk(state *s, const node *n, const cu_item *x, cu_items *found,
                   bool unwrap)
{
    if (unwrap && unwraps(n->kind) && x->kind == CU_JSON_ARRAY)
        return unwrapped(s, n, x, found);
    switch (n->kind) {
    case CU_PATH_ROOT:
        return go_on(s, n->next, &s->root, found);
    case CU_PATH_CURRENT:
        return go_on(s, n->next, s->current, found);
    case CU_PATH_VARIABLE:
    case CU_PATH_LAST:
    case CU_PATH_NULL:
    case CU_PATH_BOOL:
    case CU_PATH_NUMBER:
    case CU_PATH_STRING:
        return literal(s, n, found);
    case CU_PATH_KEY:
        return key(s, n, x, found, unwrap);
    case CU_PATH_ANY_KEY:
        return any_key(s, n, x, found, unwrap);
    case CU_PATH_ANY_ELEMENT:
        return any_element(s, n, x, found);
    case CU_PATH_INDEX:
        return index_of(s, n, x, found);
    case CU_PATH_ANY:
        return any(s, n, x, found);
    case CU_PATH_FILTER:
        return filter(s, n, x, found);
    case CU_PATH_TYPE:
    case CU_PATH_SIZE:
    case CU_PATH_ABS:
    case CU_PATH_DOUBLE:
    case CU_PATH_FLOOR:
    case CU_PATH_CEILING:
    case CU_PATH_KEYVALUE:
        return method(s, n, x, found);
    case CU_PATH_ADD:
    case CU_PATH_SUB:
    case CU_PATH_MUL:
    case CU_PATH_DIV:
    case CU_PATH_MOD:
        return arithmetic(s, n, x, found);
    case CU_PATH_PLUS:
    case CU_PATH_MINUS:
        return unary(s, n, x, found);
    case CU_PATH_EQ:
    case CU_PATH_NE:
    case CU_PATH_LT:
    case CU_PATH_LE:
    case CU_PATH_GT:
    case CU_PATH_GE:
    case CU_PATH_AND:
    case CU_PATH_OR:
    case CU_PATH_NOT:
    case CU_PATH_IS_UNKNOWN:
    case CU_PATH_EXISTS:
    case CU_PATH_STARTS_WITH:
    case CU_PATH_LIKE_REGEX:
        break;
    }
    return truth(s, n, x, found);
}

/* --- the door -------------------------------------------------------- */

int cu_jsonpath_run(const cu_jsonpath *p, cu_slice json,
                    const cu_jsonpath_opts *opts, cu_arena *a,
                    cu_jsonpath_found *out, cu_err *err)
{
    state s = {.path = p,
               .opts = opts,
               .a = a,
               .last = -1,
               .ignores = !p->strict,
               .throws = !opts->silent,
               .next_base = 2,
               .err = err};
    cu_items found = {.n = 0};
    *out = (cu_jsonpath_found){.n = 0};
    json = p->ordered ? cu_json_canonical_copy(json, a) : json;
    s.vars = p->ordered && opts->vars.data
                 ? cu_json_canonical_copy(opts->vars, a)
                 : opts->vars;
    s.root = cu_item_of(json, 0, a);
    s.current = &s.root;
    const bool first = opts->only_test && !p->strict;
    result r = cu_jsonpath_walk(&s, p->root, &s.root, first ? NULL : &found);
    if (s.rc)
        return s.rc;
    out->failed = r == CU_PATH_ERROR;
    out->any = first ? r == CU_PATH_OK : found.n > 0;
    out->items = cu_arena_calloc(a, found.n + 1, sizeof(*out->items));
    while (out->n < found.n && !opts->only_test) {
        out->items[out->n] = cu_item_json(&found.at[out->n], a);
        out->n++;
    }
    return 0;
}
