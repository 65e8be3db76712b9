/* Binds subqueries in expressions; bind_attach.c makes joins of them later.
 *
 * Until the clause that holds them is planned they are column numbers above
 * CU_SUB_BASE.  The query inside sees the scope outside: what it means there
 * becomes a ref (a column number above CU_OUTER_BASE).  The left side of IN,
 * ANY and ALL is such a ref too, so that all of them come down to a condition
 * over the subquery's rows.
 */
#include "processors/sql/bind_node.h"
#include "processors/sql/bind_rel.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static cu_expr *add_sub(cu_bind *b, cu_sub sub)
{
    cu_subs *subs = b->scope->subs;
    cu_arena *a = b->sql->arena;
    cu_sub *kept = cu_arena_dup(a, &sub, sizeof(sub));
    subs->at = cu_sql_grow(a, subs->at, subs->n, sizeof(*subs->at));
    subs->at[subs->n] = kept;
    return cu_expr_col(a, CU_SUB_BASE + subs->n++, sub.type, sub.pos);
}

static bool bind_inner(cu_bind *b, const cu_ast_expr *e, bool keep_order,
                       cu_bound *out)
{
    cu_sql *s = b->sql;
    const cu_scope *outer = s->outer, *siblings = s->siblings;
    s->outer = b->scope;
    s->siblings = NULL;
    bool good = cu_bind_query(s, b->scope->ctes, e->select, keep_order, out);
    s->outer = outer;
    s->siblings = siblings;
    return good;
}

/* Subqueries may stand in this clause. */
static bool allowed(cu_bind *b, const cu_ast_expr *e)
{
    if (b->scope && b->scope->subs)
        return true;
    cu_sql_refuse(b->sql, e->pos, "a subquery in %s", b->clause);
    return false;
}

static bool one_column(cu_bind *b, const cu_ast_expr *e, const cu_bound *q)
{
    if (q->n_visible == 1)
        return true;
    cu_sql_error(b->sql, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                 "subquery must return only one column");
    return false;
}

static cu_node *cut(cu_sql *s, const cu_bound *q)
{
    return cu_node_rank(s, q->node, NULL, 0, q->order, q->n_order, q->limit,
                        q->offset, false);
}

/* Of how many rows LIMIT leaves only none or some matters. */
static cu_expr *bind_exists(cu_bind *b, const cu_ast_expr *e)
{
    cu_bound q;
    if (!bind_inner(b, e, true, &q))
        return NULL;
    cu_node *n = q.offset > 0 || q.limit == 0 ? cut(b->sql, &q) : q.node;
    return add_sub(b, (cu_sub){.use = CU_USE_EXISTS,
                               .pos = e->pos,
                               .node = n,
                               .type = CU_TYPE(CU_T_BOOL)});
}

static cu_expr *bind_scalar(cu_bind *b, const cu_ast_expr *e)
{
    cu_bound q;
    if (!bind_inner(b, e, false, &q) || !one_column(b, e, &q))
        return NULL;
    return add_sub(b, (cu_sub){.use = CU_USE_SCALAR,
                               .pos = e->pos,
                               .node = q.node,
                               .type = q.node->schema->fields[0].type});
}

cu_expr **cu_bind_row_query(cu_bind *b, const cu_ast_expr *e, uint32_t *n)
{
    cu_sql *s = b->sql;
    cu_bound q;
    if (!allowed(b, e) || !bind_inner(b, e, false, &q))
        return NULL;
    *n = q.n_visible;
    cu_expr **out = cu_arena_calloc(s->arena, *n + 1, sizeof(*out));
    for (uint32_t i = 0; i < *n; i++)
        out[i] = add_sub(b, (cu_sub){.use = CU_USE_SCALAR,
                                     .pos = e->pos,
                                     .node = cu_rel_pick(s, q.node, &i, 1),
                                     .type = q.node->schema->fields[i].type});
    return out;
}

static cu_expr *bind_array(cu_bind *b, const cu_ast_expr *e)
{
    cu_bound q;
    if (!bind_inner(b, e, true, &q) || !one_column(b, e, &q))
        return NULL;
    cu_type t = q.node->schema->fields[0].type;
    if (t.kind == CU_T_ARRAY) {
        cu_sql_refuse(b->sql, e->pos, "an array of arrays");
        return NULL;
    }
    bool limited = q.limit >= 0 || q.offset > 0;
    if (limited && q.n_order == 0) {
        cu_sql_error(b->sql, e->pos, STATE('0', 'A', '0', '0', '0'),
                     "Add ORDER BY: without it the rows that stay are "
                     "arbitrary.",
                     "LIMIT without ORDER BY is not supported");
        return NULL;
    }
    cu_type array = {.kind = CU_T_ARRAY, .elem = t.kind, .scale = -1};
    return add_sub(b, (cu_sub){.use = CU_USE_ARRAY,
                               .pos = e->pos,
                               .node = limited ? cut(b->sql, &q) : q.node,
                               .n_order = q.n_order,
                               .order = q.order,
                               .type = array});
}

/* --- IN, ANY, ALL --------------------------------------------------------- */

static bool is_constant(const cu_expr *e)
{
    return e->kind == CU_E_CONST || cu_expr_is_const(e);
}

/* What stands left of IN, seen from inside. */
static cu_expr **left_side(cu_bind *b, const cu_ast_expr *e, uint32_t *n)
{
    cu_sql *s = b->sql;
    const cu_ast_expr *left = e->args.at[0];
    bool row = left->kind == CU_A_ROW;
    *n = row ? left->args.n : 1;
    cu_expr **out = cu_arena_calloc(s->arena, *n + 1, sizeof(*out));
    for (uint32_t i = 0; i < *n; i++) {
        out[i] = cu_bind_expr(b, row ? left->args.at[i] : left);
        if (out[i] == NULL)
            return NULL;
        if (!is_constant(out[i]))
            out[i] = cu_rel_ref(s, b->scope, out[i]);
    }
    return out;
}

static cu_expr *bind_any_all(cu_bind *b, const cu_ast_expr *e)
{
    cu_sql *s = b->sql;
    uint32_t n;
    cu_bound q;
    cu_expr **l = left_side(b, e, &n);
    if (!bind_inner(b, e, false, &q) || l == NULL)
        return NULL;
    if (q.n_visible != n) {
        cu_sql_error(s, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "subquery has too %s columns",
                     q.n_visible > n ? "many" : "few");
        return NULL;
    }
    cu_expr **r = cu_arena_calloc(s->arena, n + 1, sizeof(*r));
    for (uint32_t i = 0; i < n; i++)
        r[i] = cu_rel_col(s, q.node, i);
    const char *op = e->text ? e->text : "=";
    cu_expr *test = n == 1 ? cu_rel_call(s, op, l[0], r[0], e->pos)
                           : cu_rel_rows(s, op, l, r, n, e->pos);
    if (test == NULL)
        return NULL;
    if (test->type.kind != CU_T_BOOL) {
        cu_sql_error(s, e->pos, STATE('4', '2', '8', '0', '4'), NULL,
                     "op ANY/ALL (array) requires operator to yield boolean");
        return NULL;
    }
    return add_sub(b,
                   (cu_sub){.use = e->flag ? CU_USE_ALL : CU_USE_ANY,
                            .pos = e->pos,
                            .node = q.node,
                            .test = test,
                            .equal = n == 1 && !e->flag && strcmp(op, "=") == 0,
                            .type = CU_TYPE(CU_T_BOOL)});
}

cu_expr *cu_bind_subquery(cu_bind *b, const cu_ast_expr *e)
{
    if (!allowed(b, e))
        return NULL;
    switch (e->sub) {
    case CU_SUB_EXISTS:
        return bind_exists(b, e);
    case CU_SUB_SCALAR:
        return bind_scalar(b, e);
    case CU_SUB_ARRAY:
        return bind_array(b, e);
    case CU_SUB_IN:
        return bind_any_all(b, e);
    }
    return NULL;
}
