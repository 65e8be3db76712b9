/* jsonpath: predicates, in three values.  An error within one makes it
 * unknown; in strict mode any error does, in lax mode one that is met before
 * something true. */
#include "processors/expr/path_int.h"

#include "processors/expr/kernel.h"

typedef cu_jsonpath_node node;
typedef cu_jsonpath_state state;
typedef cu_truth compare_fn(state *s, const node *n, const cu_item *x,
                            const cu_item *y);

/* --- comparing two items --------------------------------------------- */

static bool is_container(const cu_item *x)
{
    return x->kind == CU_JSON_ARRAY || x->kind == CU_JSON_OBJECT;
}

static bool holds(cu_jsonpath_kind kind, int order)
{
    switch (kind) {
    case CU_PATH_EQ:
        return order == 0;
    case CU_PATH_NE:
        return order != 0;
    case CU_PATH_LT:
        return order < 0;
    case CU_PATH_LE:
        return order <= 0;
    case CU_PATH_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static cu_truth compared(state *s, const node *n, const cu_item *x,
                         const cu_item *y)
{
    int order = 0;
    (void)s;
    if (x->kind != y->kind) {
        if (x->kind == CU_JSON_NULL || y->kind == CU_JSON_NULL)
            return n->kind == CU_PATH_NE ? CU_TRUE : CU_FALSE;
        return CU_UNKNOWN;
    }
    if (is_container(x))
        return CU_UNKNOWN;
    if (x->kind == CU_JSON_BOOL)
        order = x->b - y->b;
    else if (x->kind == CU_JSON_NUMBER)
        order = cu_numeric_cmp(&x->num, &y->num);
    else if (x->kind == CU_JSON_STRING)
        order = cu_slice_cmp(x->s, y->s);
    return holds(n->kind, order) ? CU_TRUE : CU_FALSE;
}

static cu_truth starts(state *s, const node *n, const cu_item *x,
                       const cu_item *y)
{
    (void)s;
    (void)n;
    if (x->kind != CU_JSON_STRING || y->kind != CU_JSON_STRING)
        return CU_UNKNOWN;
    return x->s.len >= y->s.len && !memcmp(x->s.data, y->s.data, y->s.len)
               ? CU_TRUE
               : CU_FALSE;
}

static cu_truth like(state *s, const node *n, const cu_item *x,
                     const cu_item *y)
{
    cu_regex *regex;
    bool hit = false;
    (void)y;
    if (x->kind != CU_JSON_STRING)
        return CU_UNKNOWN;
    cu_err err = {0};
    if (cu_regex_get(s->opts->memo, n->text, n->options, &regex, &err) ||
        cu_regex_test(regex, x->s, &hit, &err))
        cu_jsonpath_fail_hard(s, err.sqlstate, "%s", err.msg);
    return hit ? CU_TRUE : CU_FALSE;
}

/* --- over all pairs -------------------------------------------------- */

/* Errors in what is compared do not end the run. */
static bool operand(state *s, const node *n, const cu_item *x, bool unwrap,
                    cu_items *out)
{
    const bool before = s->throws;
    s->throws = false;
    cu_jsonpath_result r = unwrap ? cu_jsonpath_walk_unwrapped(s, n, x, out)
                                  : cu_jsonpath_walk(s, n, x, out);
    s->throws = before;
    return r != CU_PATH_ERROR;
}

/* Any pair for which it is true; `right` NULL: it has one side only. */
static cu_truth pairs(state *s, const node *n, const node *right,
                      bool unwrap_right, const cu_item *x, compare_fn *test)
{
    cu_items l = {.n = 0}, r = {.n = 0};
    bool error = false, found = false;
    if (!operand(s, n->args[0], x, true, &l) ||
        (right && !operand(s, right, x, unwrap_right, &r)))
        return CU_UNKNOWN;
    const uint32_t times = right ? r.n : 1;
    for (uint32_t i = 0; i < l.n; i++)
        for (uint32_t k = 0; k < times; k++) {
            cu_truth t = test(s, n, &l.at[i], right ? &r.at[k] : NULL);
            if (t == CU_UNKNOWN && s->path->strict)
                return t;
            if (t == CU_TRUE && !s->path->strict)
                return t;
            error = error || t == CU_UNKNOWN;
            found = found || t == CU_TRUE;
        }
    if (found)
        return CU_TRUE;
    return error ? CU_UNKNOWN : CU_FALSE;
}

/* --- predicates ------------------------------------------------------ */

static cu_truth exists(state *s, const node *n, const cu_item *x)
{
    cu_items found = {.n = 0};
    const bool before = s->throws, strict = s->path->strict;
    s->throws = false;
    cu_jsonpath_result r = cu_jsonpath_walk(s, n->args[0], x,
                                            strict ? &found : NULL);
    s->throws = before;
    if (r == CU_PATH_ERROR)
        return CU_UNKNOWN;
    if (strict)
        return found.n ? CU_TRUE : CU_FALSE;
    return r == CU_PATH_OK ? CU_TRUE : CU_FALSE;
}

/* The second side is looked at only when the first does not decide. */
static cu_truth logic(state *s, const node *n, const cu_item *x)
{
    const cu_truth decides = n->kind == CU_PATH_AND ? CU_FALSE : CU_TRUE;
    const cu_truth l = cu_jsonpath_test(s, n->args[0], x);
    if (l == decides)
        return l;
    const cu_truth r = cu_jsonpath_test(s, n->args[1], x);
    return r == decides || l != CU_UNKNOWN ? r : l;
}

cu_truth cu_jsonpath_test(state *s, const node *n, const cu_item *x)
{
    cu_truth t;
    switch (n->kind) {
    case CU_PATH_AND:
    case CU_PATH_OR:
        return logic(s, n, x);
    case CU_PATH_NOT:
        t = cu_jsonpath_test(s, n->args[0], x);
        return t == CU_UNKNOWN ? t : t == CU_TRUE ? CU_FALSE : CU_TRUE;
    case CU_PATH_IS_UNKNOWN:
        t = cu_jsonpath_test(s, n->args[0], x);
        return t == CU_UNKNOWN ? CU_TRUE : CU_FALSE;
    case CU_PATH_EXISTS:
        return exists(s, n, x);
    case CU_PATH_STARTS_WITH:
        return pairs(s, n, n->args[1], false, x, starts);
    case CU_PATH_LIKE_REGEX:
        return pairs(s, n, NULL, false, x, like);
    default:
        return pairs(s, n, n->args[1], true, x, compared);
    }
}
