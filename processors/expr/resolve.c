/* Which function a call means: PostgreSQL's overload resolution.
 *
 * In order: a signature that matches exactly; then, among those that the
 * arguments can be cast to implicitly, the one with the most exact matches,
 * then with the most preferred types; then untyped literals choose a
 * category (strings win) and its preferred type; at last untyped literals
 * are taken to be of the type of the others.  What is left after each
 * step but the last must be one, or the call is ambiguous (42725).
 *
 * Pseudo kinds never match exactly.  ANYELEMENT and ANYARRAY must agree;
 * COMPATIBLE and COMPATIBLEARRAY are unified first.
 */
#include "base/assert.h"
#include "processors/expr/int.h"

#include <ctype.h>
#include <stdio.h>

#define SQL_UNDEFINED         CU_SQLSTATE('4', '2', '8', '8', '3')
#define SQL_AMBIGUOUS         CU_SQLSTATE('4', '2', '7', '2', '5')
#define SQL_UNSUPPORTED       CU_SQLSTATE('0', 'A', '0', '0', '0')
#define SQL_DATATYPE_MISMATCH CU_SQLSTATE('4', '2', '8', '0', '4')

enum { MOST_CANDIDATES = 64, MOST_ARGS = 128 };

typedef struct call_types {
    const cu_type *of;
    uint32_t n;
} call_types;

typedef struct candidates {
    const cu_func *f[MOST_CANDIDATES];
    uint32_t n;
} candidates;

static int sql_fail(cu_err *err, uint32_t sqlstate, const char *text)
{
    cu_fail(err, CU_SQL, 0, "%s", text);
    if (err)
        err->sqlstate = sqlstate;
    return CU_SQL;
}

static int unsupported(cu_err *err, const char *what)
{
    cu_fail(err, CU_UNSUPPORTED, 0, "%s is not supported", what);
    if (err)
        err->sqlstate = SQL_UNSUPPORTED;
    return CU_UNSUPPORTED;
}

/* --- can these arguments be passed to this signature? ---------------- */

static bool can_coerce(cu_type from, cu_type to)
{
    switch (to.kind) {
    case CU_T_ANY:
    case CU_T_ANYELEMENT:
    case CU_T_COMPATIBLE:
        return true;
    case CU_T_NONARRAY:
        return from.kind != CU_T_ARRAY;
    case CU_T_EACHARRAY:
    case CU_T_ANYARRAY:
    case CU_T_COMPATIBLEARRAY:
        return from.kind == CU_T_ARRAY || cu_type_untyped(from);
    default:
        return cu_cast_exists(from, to, CU_CAST_IMPLICIT);
    }
}

/* The type that the pseudo kinds of `f` stand for in this call. */
static bool bind_element(const cu_func *f, call_types t, cu_type *elem)
{
    cu_type known[MOST_ARGS], clash;
    uint32_t n = 0;
    bool compatible = false;
    for (uint32_t i = 0; i < t.n; i++) {
        unsigned kind = cu_func_arg_type(f, i).kind;
        bool array = kind == CU_T_ANYARRAY || kind == CU_T_COMPATIBLEARRAY;
        if (kind < CU_T_ANYELEMENT || kind == CU_T_NONARRAY ||
            kind == CU_T_EACHARRAY)
            continue;
        compatible = compatible || kind >= CU_T_COMPATIBLE;
        if (cu_type_untyped(t.of[i]))
            continue;
        if (array && t.of[i].kind != CU_T_ARRAY)
            return false;
        known[n++] = array ? CU_TYPE(t.of[i].elem) : t.of[i];
    }
    *elem = CU_TYPE(CU_T_UNKNOWN);
    if (n == 0) {
        if (compatible)
            *elem = CU_TYPE(CU_T_TEXT);
        return true;
    }
    if (!cu_common_type(known, n, elem, &clash))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (compatible ? !cu_cast_exists(known[i], *elem, CU_CAST_IMPLICIT)
                       : !cu_type_same(known[i], *elem))
            return false;
    elem->precision = 0;
    elem->scale = -1;
    return true;
}

static bool accepts(const cu_func *f, call_types t)
{
    if (f->variadic ? t.n < f->n_args : t.n != f->n_args)
        return false;
    for (uint32_t i = 0; i < t.n; i++)
        if (!can_coerce(t.of[i], cu_func_arg_type(f, i)))
            return false;
    cu_type elem;
    return bind_element(f, t, &elem);
}

/* --- choosing -------------------------------------------------------- */

static bool exact(const cu_func *f, call_types t)
{
    if (f->variadic || f->n_args != t.n)
        return false;
    for (uint32_t i = 0; i < t.n; i++)
        if (!cu_type_same(cu_func_arg_type(f, i), t.of[i]))
            return false;
    return true;
}

static uint32_t score(const cu_func *f, call_types t, bool or_preferred)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t.n; i++) {
        cu_type want = cu_func_arg_type(f, i);
        if (cu_type_untyped(t.of[i]))
            continue;
        n += cu_type_same(want, t.of[i]) ||
             (or_preferred && cu_type_preferred(want) &&
              cu_type_category(want) == cu_type_category(t.of[i]));
    }
    return n;
}

static void keep_best(candidates *c, call_types t, bool or_preferred)
{
    uint32_t best = 0, n = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t s = score(c->f[i], t, or_preferred);
        if (s > best) {
            best = s;
            n = 0;
        }
        if (s == best)
            c->f[n++] = c->f[i];
    }
    c->n = n;
}

/* The category that an untyped argument is taken to have; 0: none. */
static char slot_category(const candidates *c, uint32_t slot, bool *preferred)
{
    char category = 0;
    bool conflict = false;
    *preferred = false;
    for (uint32_t i = 0; i < c->n; i++) {
        cu_type want = cu_func_arg_type(c->f[i], slot);
        char has = cu_type_category(want);
        if (!category || has == category) {
            category = has;
            *preferred = *preferred || cu_type_preferred(want);
        } else if (has == 'S') {
            category = has;
            *preferred = cu_type_preferred(want);
        } else {
            conflict = conflict || category != 'S';
        }
    }
    return conflict && category != 'S' ? 0 : category;
}

/* False when some untyped argument has no category. */
static bool keep_categories(candidates *c, call_types t)
{
    candidates left = {.n = 0};
    char category[MOST_ARGS] = {0};
    bool preferred[MOST_ARGS] = {false};
    for (uint32_t i = 0; i < t.n; i++) {
        if (!cu_type_untyped(t.of[i]))
            continue;
        category[i] = slot_category(c, i, &preferred[i]);
        if (!category[i])
            return false;
    }
    for (uint32_t k = 0; k < c->n; k++) {
        bool keep = true;
        for (uint32_t i = 0; i < t.n && keep; i++) {
            cu_type want = cu_func_arg_type(c->f[k], i);
            if (category[i])
                keep = cu_type_category(want) == category[i] &&
                       (!preferred[i] || cu_type_preferred(want));
        }
        if (keep)
            left.f[left.n++] = c->f[k];
    }
    if (left.n)
        *c = left;
    return true;
}

/* Untyped arguments are taken to be of the type of all the others. */
static const cu_func *by_known_type(const candidates *c, call_types t)
{
    cu_type types[MOST_ARGS], known = CU_TYPE(CU_T_UNKNOWN);
    const cu_func *found = NULL;
    for (uint32_t i = 0; i < t.n; i++) {
        if (cu_type_untyped(t.of[i]))
            continue;
        if (!cu_type_untyped(known) && !cu_type_same(known, t.of[i]))
            return NULL;
        known = t.of[i];
    }
    if (cu_type_untyped(known))
        return NULL;
    for (uint32_t i = 0; i < t.n; i++)
        types[i] = known;
    for (uint32_t i = 0; i < c->n; i++) {
        if (!accepts(c->f[i], (call_types){types, t.n}))
            continue;
        if (found)
            return NULL;
        found = c->f[i];
    }
    return found;
}

static const cu_func *select_one(candidates *c, call_types t)
{
    keep_best(c, t, false);
    if (c->n > 1)
        keep_best(c, t, true);
    if (c->n == 1)
        return c->f[0];
    bool untyped = false;
    for (uint32_t i = 0; i < t.n; i++)
        untyped = untyped || cu_type_untyped(t.of[i]);
    if (!untyped)
        return NULL;
    if (keep_categories(c, t) && c->n == 1)
        return c->f[0];
    return by_known_type(c, t);
}

/* An operator's untyped side first tries the type of the other side. */
static const cu_func *exact_binary(const candidates *c, call_types t)
{
    cu_type both[2];
    if (t.n != 2 || cu_type_untyped(t.of[0]) == cu_type_untyped(t.of[1]))
        return NULL;
    both[0] = both[1] = cu_type_untyped(t.of[0]) ? t.of[1] : t.of[0];
    for (uint32_t i = 0; i < c->n; i++)
        if (exact(c->f[i], (call_types){both, 2}))
            return c->f[i];
    return NULL;
}

/* --- what is said when there is none --------------------------------- */

static bool is_operator_name(const char *name)
{
    return !isalpha((unsigned char)name[0]) && name[0] != '_';
}

/* The nearest known name, or the signature of one overload. */
static void fill_hint(const char *name, unsigned kinds, char hint[120])
{
    uint32_t first, n = cu_func_named(name, &first), all_n;
    const cu_func *const *all = cu_func_all(&all_n);
    const cu_func *near = NULL;
    size_t best = strlen(name) / 3 + 2;
    hint[0] = '\0';
    if (is_operator_name(name))
        return;
    for (uint32_t i = first; i < first + n; i++) {
        if (!(all[i]->kind & kinds))
            continue;
        cu_buf text = {0};
        char type[64];
        cu_buf_printf(&text, "%s(", name);
        for (uint32_t k = 0; k < all[i]->n_args; k++)
            cu_buf_printf(&text, "%s%s", k ? ", " : "",
                          cu_sig_name(cu_func_arg_type(all[i], k), type));
        snprintf(hint, 120, "%.*s)", (int)text.len, text.data);
        cu_buf_free(&text);
        return;
    }
    for (uint32_t i = 0; i < all_n; i++) {
        if (!(all[i]->kind & kinds) || is_operator_name(all[i]->name))
            continue;
        size_t d = cu_edit_distance(name, all[i]->name);
        if (d < best) {
            best = d;
            near = all[i];
        }
    }
    if (near)
        snprintf(hint, 120, "%s", near->name);
}

/* "= ANY" of two types that do not compare speaks of its operator. */
static const char *operator_of(const char *name)
{
    static const char *const signs[][2] = {
        {"eq", "="},  {"ne", "<>"}, {"lt", "<"},
        {"le", "<="}, {"gt", ">"},  {"ge", ">="},
    };
    if (strncmp(name, "any_", 4) && strncmp(name, "all_", 4))
        return NULL;
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
        if (!strcmp(name + 4, signs[i][0]))
            return signs[i][1];
    return NULL;
}

static int refuse(const char *name, call_types t, bool ambiguous, cu_err *err)
{
    char x[64], y[64];
    cu_buf text = {0};
    const char *sign = operator_of(name);
    const char *tail = ambiguous ? "is not unique" : "does not exist";
    cu_type right = t.n == 2 ? t.of[1] : CU_TYPE(CU_T_UNKNOWN);
    if (sign && right.kind == CU_T_ARRAY)
        right = CU_TYPE(right.elem);
    if ((sign || is_operator_name(name)) && t.n == 2) {
        cu_buf_printf(&text, "operator %s: %s %s %s", tail,
                      cu_sig_name(t.of[0], x), sign ? sign : name,
                      cu_sig_name(right, y));
    } else if (is_operator_name(name) && t.n == 1) {
        cu_buf_printf(&text, "operator %s: %s %s", tail, name,
                      cu_sig_name(t.of[0], x));
    } else {
        cu_buf_printf(&text, "function %s(", name);
        for (uint32_t i = 0; i < t.n; i++)
            cu_buf_printf(&text, "%s%s", i ? ", " : "",
                          cu_sig_name(t.of[i], x));
        cu_buf_printf(&text, ") %s", tail);
    }
    cu_buf_put_u8(&text, 0);
    int rc = sql_fail(err, ambiguous ? SQL_AMBIGUOUS : SQL_UNDEFINED,
                      text.data);
    cu_buf_free(&text);
    return rc;
}

/* --- the two doors --------------------------------------------------- */

/* GREATEST, LEAST and ARRAY[] have the error of a construct, not of a call. */
static const char *construct_of(const char *name)
{
    if (!strcmp(name, "greatest"))
        return "GREATEST";
    if (!strcmp(name, "least"))
        return "LEAST";
    return strcmp(name, "array") ? NULL : "ARRAY";
}

static cu_type bound_type(cu_type sig, cu_type elem)
{
    switch (sig.kind) {
    case CU_T_ANYELEMENT:
    case CU_T_COMPATIBLE:
        return elem;
    case CU_T_ANYARRAY:
    case CU_T_COMPATIBLEARRAY:
        return cu_array_type(elem.kind);
    default:
        return sig;
    }
}

/* Casts the arguments to what `f` takes and says what it returns. */
static int apply(cu_arena *a, const cu_func *f, cu_expr **args, call_types t,
                 cu_type *result, cu_err *err)
{
    cu_type elem;
    bool bound = bind_element(f, t, &elem);
    CU_ASSERT(bound);
    for (uint32_t i = 0; i < t.n; i++) {
        cu_type want = bound_type(cu_func_arg_type(f, i), elem);
        if (want.kind == CU_T_EACHARRAY)
            want = t.of[i];
        if (want.kind == CU_T_ANY || want.kind == CU_T_NONARRAY)
            want = cu_type_untyped(t.of[i]) ? CU_TYPE(CU_T_TEXT) : t.of[i];
        if (cu_type_untyped(want) ||
            (want.kind == CU_T_ARRAY && want.elem == CU_T_UNKNOWN))
            return sql_fail(err, SQL_DATATYPE_MISMATCH,
                            "could not determine polymorphic type because "
                            "input has type unknown");
        if (want.kind == CU_T_ARRAY && want.elem == CU_T_ARRAY)
            return unsupported(err, "an array of more than one dimension");
        if (cu_expr_cast(a, args[i], want, CU_CAST_IMPLICIT, &args[i], err))
            return CU_SQL;
    }
    *result = bound_type(cu_func_result_type(f), elem);
    if (result->kind == CU_T_ARRAY && result->elem == CU_T_ARRAY)
        return unsupported(err, "an array of more than one dimension");
    return 0;
}

static const cu_func *choose(const char *name, unsigned kinds, call_types t,
                             bool *ambiguous)
{
    candidates c = {.n = 0};
    uint32_t all_n, first, n = cu_func_named(name, &first);
    const cu_func *const *all = cu_func_all(&all_n);
    const cu_func *f = NULL;
    *ambiguous = false;
    for (uint32_t i = first; i < first + n; i++) {
        if (!(all[i]->kind & kinds))
            continue;
        if (exact(all[i], t))
            return all[i];
        CU_ASSERT(c.n < MOST_CANDIDATES);
        c.f[c.n++] = all[i];
    }
    if (is_operator_name(name))
        f = exact_binary(&c, t);
    if (f)
        return f;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c.n; i++)
        if (accepts(c.f[i], t))
            c.f[kept++] = c.f[i];
    c.n = kept;
    if (c.n <= 1)
        return c.n ? c.f[0] : NULL;
    f = select_one(&c, t);
    *ambiguous = !f;
    return f;
}

int cu_func_resolve(cu_arena *a, const char *name, unsigned kinds,
                    cu_expr **args, uint32_t n_args, const cu_func **func,
                    cu_type *result, char hint[120], cu_err *err)
{
    cu_type types[MOST_ARGS];
    bool ambiguous;
    if (hint)
        hint[0] = '\0';
    if (n_args > MOST_ARGS)
        return unsupported(err, "a call with more than 128 arguments");
    const char *construct = construct_of(name);
    if (construct && cu_expr_unify(a, args, n_args, construct, &types[0], err))
        return CU_SQL;
    for (uint32_t i = 0; i < n_args; i++)
        types[i] = args[i]->type;
    call_types t = {types, n_args};
    *func = choose(name, kinds, t, &ambiguous);
    if (!*func) {
        if (hint)
            fill_hint(name, kinds, hint);
        return refuse(name, t, ambiguous, err);
    }
    return apply(a, *func, args, t, result, err);
}

/* PostgreSQL has a comparison for two different types of one of these
 * families; ours casts, which must not show in the type of NULLIF. */
static bool comparable_uncast(cu_type a, cu_type b)
{
    static const uint8_t family[CU_KINDS] = {
        [CU_T_INT2] = 1,      [CU_T_INT4] = 1,        [CU_T_INT8] = 1,
        [CU_T_FLOAT4] = 2,    [CU_T_FLOAT8] = 2,      [CU_T_DATE] = 3,
        [CU_T_TIMESTAMP] = 3, [CU_T_TIMESTAMPTZ] = 3,
    };
    return a.kind < CU_KINDS && b.kind < CU_KINDS && family[a.kind] &&
           family[a.kind] == family[b.kind];
}

/* NULLIF(a, b) = CASE WHEN a = b THEN NULL ELSE a END, of the type that a
 * has when it is compared. */
static int nullif(cu_arena *a, cu_expr **args, cu_pos pos, cu_expr **out,
                  char hint[120], cu_err *err)
{
    cu_expr *sides[2] = {args[0], args[1]}, *equal;
    if (cu_expr_call(a, "=", sides, 2, pos, &equal, hint, err))
        return CU_SQL;
    cu_expr *kept = comparable_uncast(args[0]->type, args[1]->type) ? args[0]
                                                                    : sides[0];
    cu_value none = {.type = kept->type, .null = true};
    cu_expr *arms[3] = {equal, cu_expr_const(a, &none, pos), kept};
    *out = cu_expr_nary(a, CU_E_CASE, kept->type, arms, 3, pos);
    return 0;
}

int cu_expr_call(cu_arena *a, const char *name, cu_expr **args, uint32_t n,
                 cu_pos pos, cu_expr **out, char hint[120], cu_err *err)
{
    unsigned kinds = CU_FUNC_SCALAR | CU_FUNC_OPERATOR;
    const cu_func *f;
    cu_type type;
    if (n == 2 && !strcmp(name, "nullif"))
        return nullif(a, args, pos, out, hint, err);
    if (n == 2 &&
        (!strcmp(name, "is_distinct_from") ||
         !strcmp(name, "is_not_distinct_from")) &&
        cu_func_resolve(a, "=", CU_FUNC_OPERATOR, args, n, &f, &type, hint,
                        err))
        return CU_SQL;
    int rc = cu_func_resolve(a, name, kinds, args, n, &f, &type, hint, err);
    if (rc)
        return rc;
    *out = cu_expr_nary(a, CU_E_CALL, type, args, n, pos);
    (*out)->func = f;
    return 0;
}
