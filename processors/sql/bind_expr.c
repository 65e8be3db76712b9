/* Binds expressions: names to columns, operators to the catalog.
 *
 * Works on one tree, depth first; a problem is added to the list and NULL
 * returned, and siblings are still tried, so that one statement shows all its
 * faults.  Aggregates and windows become column numbers above CU_AGG_BASE
 * that the select resolves later (bind_group.c).
 */
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_time.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { MAX_DEPTH = 400 };

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

void cu_bind_problem(cu_sql *s, cu_pos pos, const cu_err *err, const char *hint)
{
    uint32_t state = err->sqlstate ? err->sqlstate
                                   : STATE('4', '2', '0', '0', '0');
    const char *shown = NULL;
    if (hint && strchr(hint, '('))
        shown = cu_arena_printf(s->arena, "There is %s.", hint);
    else if (hint && *hint)
        shown = cu_arena_printf(s->arena, "Perhaps you meant \"%s\".", hint);
    cu_sql_error(s, pos, state, shown, "%s", err->msg);
}

cu_expr *cu_bind_called(cu_sql *s, const char *name, cu_expr **args, uint32_t n,
                        cu_pos pos)
{
    cu_err err = {0};
    cu_expr *out = NULL;
    char hint[120] = "";
    if (cu_expr_call(s->arena, name, args, n, pos, &out, hint, &err)) {
        cu_bind_problem(s, pos, &err, hint);
        return NULL;
    }
    return out;
}

/* All arguments bound, or NULL when one failed. */
static cu_expr **bind_all(cu_bind *b, const cu_ast_list *l)
{
    cu_expr **out = cu_arena_calloc(b->sql->arena, l->n + 1, sizeof(*out));
    bool good = true;
    for (uint32_t i = 0; i < l->n; i++) {
        out[i] = cu_bind_expr(b, l->at[i]);
        good = good && out[i];
    }
    return good ? out : NULL;
}

cu_expr *cu_bind_settle(cu_bind *b, cu_expr *e)
{
    if (e == NULL || e->type.kind != CU_T_UNKNOWN)
        return e;
    cu_err err = {0};
    cu_expr *out = NULL;
    if (cu_expr_cast(b->sql->arena, e, CU_TYPE(CU_T_TEXT), CU_CAST_IMPLICIT,
                     &out, &err)) {
        cu_bind_problem(b->sql, e->pos, &err, NULL);
        return NULL;
    }
    return out;
}

static cu_expr *to_type(cu_bind *b, cu_expr *e, cu_type t, cu_cast_context c)
{
    cu_err err = {0};
    cu_expr *out = NULL;
    if (cu_expr_cast(b->sql->arena, e, t, c, &out, &err)) {
        cu_bind_problem(b->sql, e->pos, &err, NULL);
        return NULL;
    }
    out->pos = e->pos;
    return out;
}

static cu_expr *as_bool(cu_bind *b, cu_expr *e, const char *what)
{
    if (e == NULL)
        return NULL;
    if (e->type.kind == CU_T_UNKNOWN)
        return to_type(b, e, CU_TYPE(CU_T_BOOL), CU_CAST_IMPLICIT);
    if (e->type.kind == CU_T_BOOL)
        return e;
    char name[64];
    cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '4'), NULL,
                 "argument of %s must be type boolean, not type %s", what,
                 cu_type_name(e->type, name));
    return NULL;
}

cu_expr *cu_bind_bool(cu_bind *b, const cu_ast_expr *e, const char *what)
{
    return as_bool(b, cu_bind_expr(b, e), what);
}

/* --- leaves --------------------------------------------------------------- */

static cu_expr *constant(cu_bind *b, const cu_value *v, cu_pos pos)
{
    return cu_expr_const(b->sql->arena, v, pos);
}

static cu_expr *bind_number(cu_bind *b, const cu_ast_expr *e)
{
    cu_slice text = cu_slice_of(e->text);
    cu_value v = {.type = CU_TYPE(CU_T_INT4)};
    cu_err err = {0};
    if (cu_int4_in(text, &v.i4, &err) == 0)
        return constant(b, &v, e->pos);
    v.type = CU_TYPE(CU_T_INT8);
    if (cu_int8_in(text, &v.i8, &err) == 0)
        return constant(b, &v, e->pos);
    err = (cu_err){0};
    if (cu_value_in(CU_TYPE(CU_T_NUMERIC), text, NULL, b->sql->arena, &v,
                    &err)) {
        cu_bind_problem(b->sql, e->pos, &err, NULL);
        return NULL;
    }
    return constant(b, &v, e->pos);
}

static bool rel_known(const cu_scope *s, const char *rel)
{
    for (; s; s = s->outer)
        for (uint32_t i = 0; i < s->n_rels; i++)
            if (strcmp(s->rels[i], rel) == 0)
                return true;
    return false;
}

/* In FROM, but not for this part of it. */
static bool rel_around(const cu_scope *s, const char *rel)
{
    for (; s; s = s->outer)
        if (s->around && rel_known(s->around, rel))
            return true;
    return false;
}

static cu_expr *no_column(cu_bind *b, const cu_ast_expr *e, const char *rel,
                          const char *name)
{
    const cu_scope *s = b->scope;
    if (rel && !rel_known(s, rel) && rel_around(s, rel)) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', 'P', '0', '1'),
                     cu_arena_printf(b->sql->arena,
                                     "There is an entry for table \"%s\", but "
                                     "it cannot be referenced from this part "
                                     "of the query.",
                                     rel),
                     "invalid reference to FROM-clause entry for table \"%s\"",
                     rel);
        return NULL;
    }
    if (rel && !rel_known(s, rel)) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', 'P', '0', '1'),
                     cu_sql_nearest(b->sql, rel, s->rels, s->n_rels),
                     "missing FROM-clause entry for table \"%s\"", rel);
        return NULL;
    }
    if (rel == NULL && cu_bind_refuse_row(b, e))
        return NULL;
    const char **known = cu_arena_calloc(b->sql->arena, s->n_cols + 1,
                                         sizeof(*known));
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_cols; i++)
        if (rel == NULL || strcmp(rel, s->cols[i].rel) == 0)
            known[n++] = s->cols[i].name;
    const char *shown = rel ? cu_arena_printf(b->sql->arena, "%s.%s", rel, name)
                            : cu_arena_printf(b->sql->arena, "\"%s\"", name);
    cu_sql_error(b->sql, e->pos, STATE('4', '2', '7', '0', '3'),
                 cu_sql_nearest(b->sql, name, known, n),
                 "column %s does not exist", shown);
    return NULL;
}

/* What a name means in one scope; *twice: more than one column. */
static const cu_scope_col *find_column(const cu_scope *s, const char *rel,
                                       const char *name, bool *twice)
{
    const cu_scope_col *found = NULL;
    for (uint32_t i = 0; i < s->n_cols; i++) {
        const cu_scope_col *c = &s->cols[i];
        if (strcmp(c->name, name) || (rel ? strcmp(c->rel, rel) : c->hidden))
            continue;
        *twice = *twice || found;
        found = c;
    }
    for (uint32_t i = 0; !found && !rel && i < s->n_cols; i++)
        if (s->cols[i].scalar && strcmp(s->cols[i].rel, name) == 0)
            found = &s->cols[i];
    return found;
}

static cu_expr *bind_column(cu_bind *b, const cu_ast_expr *e)
{
    if (e->n_names > 2) {
        cu_sql_refuse(b->sql, e->pos, "a column name with a schema");
        return NULL;
    }
    const char *name = e->names[e->n_names - 1];
    const char *rel = e->n_names == 2 ? e->names[0] : NULL;
    for (const cu_scope *s = b->scope; s; s = s->outer) {
        bool twice = false;
        const cu_scope_col *c = find_column(s, rel, name, &twice);
        if (twice) {
            cu_sql_error(b->sql, e->pos, STATE('4', '2', '7', '0', '2'), NULL,
                         "column reference \"%s\" is ambiguous", name);
            return NULL;
        }
        if (c == NULL)
            continue;
        cu_expr *out = cu_scope_expr(b->sql, c, e->pos);
        return s == b->scope ? out : cu_rel_ref(b->sql, s, out);
    }
    return no_column(b, e, rel, name);
}

static cu_expr *bind_clock(cu_bind *b, const cu_ast_expr *e)
{
    cu_expr *now = cu_expr_nary(b->sql->arena, CU_E_NOW,
                                CU_TYPE(CU_T_TIMESTAMPTZ), NULL, 0, e->pos);
    if (strcmp(e->text, "current_date") == 0)
        return to_type(b, now, CU_TYPE(CU_T_DATE), CU_CAST_EXPLICIT);
    if (strcmp(e->text, "localtimestamp") == 0)
        return to_type(b, now, CU_TYPE(CU_T_TIMESTAMP), CU_CAST_EXPLICIT);
    if (strcmp(e->text, "current_timestamp") == 0)
        return now;
    cu_sql_refuse(b->sql, e->pos, "%s", e->text);
    return NULL;
}

/* --- operators ------------------------------------------------------------ */

static cu_expr *bind_logic(cu_bind *b, const cu_ast_expr *e)
{
    bool and = e->kind == CU_A_AND;
    cu_expr **args = bind_all(b, &e->args);
    if (args == NULL)
        return NULL;
    for (uint32_t i = 0; i < e->args.n; i++) {
        args[i] = as_bool(b, args[i], and? "AND" : "OR");
        if (args[i] == NULL)
            return NULL;
    }
    return cu_expr_nary(b->sql->arena, and? CU_E_AND : CU_E_OR,
                        CU_TYPE(CU_T_BOOL), args, e->args.n, e->pos);
}

static cu_expr *negate(cu_bind *b, cu_expr *e, cu_pos pos)
{
    return e ? cu_bind_called(b->sql, "not", &e, 1, pos) : NULL;
}

static cu_expr *nary_bool(cu_bind *b, cu_expr_kind kind, cu_expr **args,
                          uint32_t n, cu_pos pos)
{
    for (uint32_t i = 0; i < n; i++)
        if (args[i] == NULL)
            return NULL;
    if (n == 1)
        return args[0];
    return cu_expr_nary(b->sql->arena, kind, CU_TYPE(CU_T_BOOL), args, n, pos);
}

static cu_expr *bind_op(cu_bind *b, const cu_ast_expr *e)
{
    for (uint32_t i = 0; i < e->args.n; i++)
        if (e->args.at[i]->kind == CU_A_ROW)
            return cu_bind_row_compare(b, e);
    cu_expr **args = bind_all(b, &e->args);
    return args ? cu_bind_called(b->sql, e->text, args, e->args.n, e->pos)
                : NULL;
}

/* x IN (constants): two or more take a type in common with x, when there is
 * one, as PostgreSQL makes an array of them.  False after a problem. */
static bool common_items(cu_bind *b, cu_expr **args, uint32_t n)
{
    cu_expr **same = cu_arena_calloc(b->sql->arena, n, sizeof(*same));
    uint32_t count = 1;
    cu_type t;
    cu_err err = {0};
    same[0] = args[0];
    for (uint32_t i = 1; i < n; i++)
        if (cu_expr_is_const(args[i]))
            same[count++] = args[i];
    if (count < 3)
        return true;
    if (cu_expr_unify(b->sql->arena, same, count, "IN", &t, &err)) {
        if (err.sqlstate == STATE('4', '2', '8', '0', '4'))
            return true; /* none: each is compared by itself */
        cu_bind_problem(b->sql, args[1]->pos, &err, NULL);
        return false;
    }
    count = 1;
    for (uint32_t i = 1; i < n; i++)
        if (cu_expr_is_const(args[i]))
            args[i] = same[count++];
    return true;
}

static cu_expr *bind_in(cu_bind *b, const cu_ast_expr *e)
{
    uint32_t n = e->args.n - 1;
    cu_expr **parts = cu_arena_calloc(b->sql->arena, n, sizeof(*parts));
    bool rows = e->args.at[0]->kind == CU_A_ROW;
    cu_expr **args = rows ? NULL : bind_all(b, &e->args);
    if (!rows && (args == NULL || !common_items(b, args, n + 1)))
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        cu_ast_expr eq = {.kind = CU_A_OP, .pos = e->pos, .text = "="};
        cu_ast_expr *pair[2] = {e->args.at[0], e->args.at[i + 1]};
        cu_expr *sides[2] = {rows ? NULL : args[0], rows ? NULL : args[i + 1]};
        eq.args = (cu_ast_list){pair, 2};
        parts[i] = rows ? bind_op(b, &eq)
                        : cu_bind_called(b->sql, "=", sides, 2, e->pos);
        if (parts[i] == NULL)
            return NULL;
    }
    cu_expr *any = nary_bool(b, CU_E_OR, parts, n, e->pos);
    return e->flag ? negate(b, any, e->pos) : any;
}

static cu_expr *range(cu_bind *b, cu_expr *x, cu_expr *lo, cu_expr *hi,
                      cu_pos pos)
{
    cu_expr *low[2] = {x, lo}, *high[2] = {x, hi};
    cu_expr **parts = cu_arena_calloc(b->sql->arena, 2, sizeof(*parts));
    parts[0] = cu_bind_called(b->sql, ">=", low, 2, pos);
    parts[1] = cu_bind_called(b->sql, "<=", high, 2, pos);
    return nary_bool(b, CU_E_AND, parts, 2, pos);
}

static cu_expr *bind_between(cu_bind *b, const cu_ast_expr *e)
{
    cu_expr **a = bind_all(b, &e->args);
    if (a == NULL)
        return NULL;
    cu_expr *in = range(b, a[0], a[1], a[2], e->pos);
    if (in && e->symmetric) {
        cu_expr **both = cu_arena_calloc(b->sql->arena, 2, sizeof(*both));
        both[0] = in;
        both[1] = range(b, a[0], a[2], a[1], e->pos);
        in = nary_bool(b, CU_E_OR, both, 2, e->pos);
    }
    return e->flag ? negate(b, in, e->pos) : in;
}

/* --- special forms -------------------------------------------------------- */

static cu_expr *unified(cu_bind *b, cu_expr_kind kind, cu_expr **args,
                        uint32_t n, cu_pos pos, const char *what)
{
    cu_err err = {0};
    cu_type t;
    if (cu_expr_unify(b->sql->arena, args, n, what, &t, &err)) {
        cu_bind_problem(b->sql, pos, &err, NULL);
        return NULL;
    }
    return cu_expr_nary(b->sql->arena, kind, t, args, n, pos);
}

static cu_expr *bind_when(cu_bind *b, const cu_ast_expr *e, uint32_t i)
{
    const cu_ast_expr *operand = e->args.at[0];
    if (operand == NULL)
        return cu_bind_bool(b, e->args.at[i], "CASE/WHEN");
    cu_ast_expr eq = {.kind = CU_A_OP, .pos = e->args.at[i]->pos, .text = "="};
    cu_ast_expr *pair[2] = {e->args.at[0], e->args.at[i]};
    eq.args = (cu_ast_list){pair, 2};
    return bind_op(b, &eq);
}

/* args of the ast: [operand], when, then, …, else; results are unified. */
static cu_expr *bind_case(cu_bind *b, const cu_ast_expr *e)
{
    uint32_t n = e->args.n - 1, pairs = (n - 1) / 2;
    cu_expr **args = cu_arena_calloc(b->sql->arena, n, sizeof(*args));
    cu_expr **results = cu_arena_calloc(b->sql->arena, pairs + 1,
                                        sizeof(*results));
    bool good = true;
    for (uint32_t i = 0; i < pairs; i++) {
        args[2 * i] = bind_when(b, e, 1 + 2 * i);
        results[i] = cu_bind_expr(b, e->args.at[2 + 2 * i]);
        good = good && args[2 * i] && results[i];
    }
    const cu_ast_expr *other = e->args.at[n];
    results[pairs] = other ? cu_bind_expr(b, other)
                           : cu_expr_literal(b->sql->arena, CU_NULL_SLICE,
                                             e->pos);
    if (!good || results[pairs] == NULL)
        return NULL;
    cu_expr *u = unified(b, CU_E_CASE, results, pairs + 1, e->pos, "CASE");
    if (u == NULL)
        return NULL;
    for (uint32_t i = 0; i < pairs; i++)
        args[2 * i + 1] = results[i];
    args[n - 1] = results[pairs];
    return cu_expr_nary(b->sql->arena, CU_E_CASE, u->type, args, n, e->pos);
}

static cu_expr *bind_coalesce(cu_bind *b, const cu_ast_expr *e)
{
    cu_expr **args = bind_all(b, &e->args);
    if (args == NULL)
        return NULL;
    return unified(b, CU_E_COALESCE, args, e->args.n, e->pos, "COALESCE");
}

static cu_expr *bind_call_of(cu_bind *b, const char *name, const cu_ast_expr *e)
{
    cu_expr **args = bind_all(b, &e->args);
    return args ? cu_bind_called(b->sql, name, args, e->args.n, e->pos) : NULL;
}

/* ARRAY[…]::t[]: the cast is of each element; ARRAY[] has no type without. */
static cu_expr *bind_array_as(cu_bind *b, const cu_ast_expr *e, cu_type t)
{
    if (e->args.n == 0) {
        cu_expr *none = cu_expr_literal(b->sql->arena, CU_LIT("{}"), e->pos);
        return to_type(b, none, t, CU_CAST_EXPLICIT);
    }
    cu_expr **args = bind_all(b, &e->args);
    for (uint32_t i = 0; args && i < e->args.n; i++) {
        if (args[i]->type.kind == CU_T_ARRAY) {
            cu_sql_refuse(b->sql, args[i]->pos,
                          "an array of more than one dimension");
            return NULL;
        }
        args[i] = to_type(b, args[i], CU_TYPE(t.elem), CU_CAST_EXPLICIT);
        if (args[i] == NULL)
            return NULL;
    }
    return args ? cu_bind_called(b->sql, "array", args, e->args.n, e->pos)
                : NULL;
}

static cu_expr *bind_array(cu_bind *b, const cu_ast_expr *e)
{
    if (e->args.n)
        return bind_call_of(b, "array", e);
    cu_sql_error(b->sql, e->pos, STATE('4', '2', 'P', '1', '8'),
                 "Explicitly cast to the desired type, for example "
                 "ARRAY[]::integer[].",
                 "cannot determine type of empty array");
    return NULL;
}

static cu_expr *bind_cast(cu_bind *b, const cu_ast_expr *e)
{
    cu_type t;
    if (e->args.at[0]->kind == CU_A_ARRAY && e->type->array)
        return cu_bind_type(b->sql, e->type, &t)
                   ? bind_array_as(b, e->args.at[0], t)
                   : NULL;
    cu_expr *arg = cu_bind_expr(b, e->args.at[0]);
    if (!cu_bind_type(b->sql, e->type, &t) || arg == NULL)
        return NULL;
    return to_type(b, arg, t, CU_CAST_EXPLICIT);
}

static cu_expr *bind_is_bool(cu_bind *b, const cu_ast_expr *e)
{
    char *name = cu_arena_printf(b->sql->arena, "is_%s", e->text);
    for (char *p = name; *p; p++)
        if (*p == ' ')
            *p = '_';
    char *what = cu_arena_printf(b->sql->arena, "IS %s", e->text);
    for (char *p = what; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    cu_expr *arg = cu_bind_bool(b, e->args.at[0], what);
    return arg ? cu_bind_called(b->sql, name, &arg, 1, e->pos) : NULL;
}

/* x AT TIME ZONE z is timezone(z, x). */
static cu_expr *bind_zone(cu_bind *b, const cu_ast_expr *e)
{
    cu_expr **args = bind_all(b, &e->args);
    cu_expr *swapped[2] = {args ? args[1] : NULL, args ? args[0] : NULL};
    return args ? cu_bind_called(b->sql, "timezone", swapped, 2, e->pos) : NULL;
}

static cu_expr *bind_true(cu_bind *b, const cu_ast_expr *e)
{
    cu_value v = {.type = CU_TYPE(CU_T_BOOL), .b = e->flag};
    return constant(b, &v, e->pos);
}

static cu_expr *bind_name(cu_bind *b, const cu_ast_expr *e)
{
    cu_expr *param = cu_bind_param_name(b, e);
    return param ? param : bind_column(b, e);
}

static cu_expr *bind_is_null(cu_bind *b, const cu_ast_expr *e)
{
    if (e->args.at[0]->kind == CU_A_ROW)
        return cu_bind_row_null(b, e);
    return bind_call_of(b, e->flag ? "is_not_null" : "is_null", e);
}

static cu_expr *bind_is_distinct(cu_bind *b, const cu_ast_expr *e)
{
    if (e->args.at[0]->kind == CU_A_ROW || e->args.at[1]->kind == CU_A_ROW)
        return cu_bind_row_distinct(b, e);
    return bind_call_of(
        b, e->flag ? "is_not_distinct_from" : "is_distinct_from", e);
}

static cu_expr *bind_index(cu_bind *b, const cu_ast_expr *e)
{
    bool first;
    cu_expr *x = cu_bind_first(b, e, &first);
    return first ? x : cu_bind_index(b, e);
}

static cu_expr *refuse_kind(cu_bind *b, const cu_ast_expr *e)
{
    const char *what = e->kind == CU_A_ROW ? "a row value here"
                       : e->kind == CU_A_GROUPING_SET
                           ? "grouping sets here"
                           : "a named argument of this function";
    cu_sql_refuse(b->sql, e->pos, "%s", what);
    return NULL;
}

static cu_expr *bind_kind(cu_bind *b, const cu_ast_expr *e)
{
    switch (e->kind) {
    case CU_A_NULL:
        return cu_expr_literal(b->sql->arena, CU_NULL_SLICE, e->pos);
    case CU_A_BOOL:
        return bind_true(b, e);
    case CU_A_NUMBER:
        return bind_number(b, e);
    case CU_A_STRING:
        return cu_expr_literal(b->sql->arena, cu_slice_of(e->text), e->pos);
    case CU_A_COLUMN:
        return bind_name(b, e);
    case CU_A_CALL:
        return cu_bind_call(b, e);
    case CU_A_OP:
    case CU_A_LIKE:
        return bind_op(b, e);
    case CU_A_ANY:
        return cu_bind_any(b, e);
    case CU_A_IN:
        return bind_in(b, e);
    case CU_A_BETWEEN:
        return bind_between(b, e);
    case CU_A_AND:
    case CU_A_OR:
        return bind_logic(b, e);
    case CU_A_NOT:
        return negate(b, cu_bind_bool(b, e->args.at[0], "NOT"), e->pos);
    case CU_A_CASE:
        return bind_case(b, e);
    case CU_A_COALESCE:
        return bind_coalesce(b, e);
    case CU_A_NULLIF:
        return bind_call_of(b, "nullif", e);
    case CU_A_GREATEST:
        return bind_call_of(b, "greatest", e);
    case CU_A_LEAST:
        return bind_call_of(b, "least", e);
    case CU_A_IS_NULL:
        return bind_is_null(b, e);
    case CU_A_IS_BOOL:
        return bind_is_bool(b, e);
    case CU_A_IS_DISTINCT:
        return bind_is_distinct(b, e);
    case CU_A_CAST:
        return bind_cast(b, e);
    case CU_A_ARRAY:
        return bind_array(b, e);
    case CU_A_INDEX:
        return bind_index(b, e);
    case CU_A_GROUPING:
        return cu_bind_grouping(b, e);
    case CU_A_PARAM:
        return cu_bind_param(b, e);
    case CU_A_CLOCK:
        return bind_clock(b, e);
    case CU_A_AT_TIME_ZONE:
        return bind_zone(b, e);
    case CU_A_SUBQUERY:
        return cu_bind_subquery(b, e);
    case CU_A_FIELD:
        return cu_bind_field(b, e);
    case CU_A_GROUPING_SET:
    case CU_A_ROW:
    case CU_A_NAMED:
        return refuse_kind(b, e);
    }
    return NULL;
}

cu_expr *cu_bind_expr(cu_bind *b, const cu_ast_expr *e)
{
    if (++b->depth > MAX_DEPTH) {
        b->depth--;
        cu_sql_error(b->sql, e->pos, STATE('5', '4', '0', '0', '1'), NULL,
                     "this expression is nested more than %d levels deep",
                     MAX_DEPTH);
        return NULL;
    }
    cu_expr *out = bind_kind(b, e);
    b->depth--;
    return out;
}
