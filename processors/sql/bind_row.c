/* Rows in expressions: (a, b) < (c, d), IS NULL, IS DISTINCT FROM.
 *
 * A row is no value here; comparisons of rows are comparisons of their parts,
 * as the standard and PostgreSQL define them:
 *
 *     (a, b) =  (c, d)    a = c AND b = d
 *     (a, b) <> (c, d)    a <> c OR b <> d
 *     (a, b) <  (c, d)    a < c, or a = c and b < d: decided by the first pair
 *                         that is not equal, NULL when that one is
 *     (a, b) IS NULL      all are NULL; IS NOT NULL: none is
 */
#include "processors/sql/bind_rel.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

/* CASE WHEN a <> c THEN a < c WHEN a = c THEN rest ELSE NULL END. */
static cu_expr *ordered(cu_sql *s, const char *strict, const char *op,
                        cu_expr **l, cu_expr **r, uint32_t n, cu_pos pos)
{
    cu_type t = CU_TYPE(CU_T_BOOL);
    cu_expr *rest = cu_rel_call(s, op, l[n - 1], r[n - 1], pos);
    for (uint32_t i = n - 1; rest && i-- > 0;) {
        cu_expr **args = cu_arena_calloc(s->arena, 5, sizeof(*args));
        args[0] = cu_rel_call(s, "<>", l[i], r[i], pos);
        args[1] = cu_rel_call(s, strict, l[i], r[i], pos);
        args[2] = cu_rel_call(s, "=", l[i], r[i], pos);
        args[3] = rest;
        args[4] = cu_rel_null(s, t, pos);
        if (args[0] == NULL || args[1] == NULL || args[2] == NULL)
            return NULL;
        rest = cu_expr_nary(s->arena, CU_E_CASE, t, args, 5, pos);
    }
    return rest;
}

static cu_expr *pairwise(cu_sql *s, const char *op, cu_expr_kind kind,
                         cu_expr **l, cu_expr **r, uint32_t n, cu_pos pos)
{
    cu_expr **parts = cu_arena_calloc(s->arena, n + 1, sizeof(*parts));
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = cu_rel_call(s, op, l[i], r[i], pos);
        if (parts[i] == NULL)
            return NULL;
    }
    return n == 1 ? parts[0]
                  : cu_expr_nary(s->arena, kind, CU_TYPE(CU_T_BOOL), parts, n,
                                 pos);
}

cu_expr *cu_rel_rows(cu_sql *s, const char *op, cu_expr **l, cu_expr **r,
                     uint32_t n, cu_pos pos)
{
    if (strcmp(op, "=") == 0)
        return pairwise(s, op, CU_E_AND, l, r, n, pos);
    if (strcmp(op, "<>") == 0)
        return pairwise(s, op, CU_E_OR, l, r, n, pos);
    if (strcmp(op, "<") == 0 || strcmp(op, "<=") == 0)
        return ordered(s, "<", op, l, r, n, pos);
    if (strcmp(op, ">") == 0 || strcmp(op, ">=") == 0)
        return ordered(s, ">", op, l, r, n, pos);
    cu_sql_error(s, pos, STATE('0', 'A', '0', '0', '0'),
                 "Row comparison operators must be associated with btree "
                 "operator families.",
                 "could not determine interpretation of row comparison "
                 "operator %s",
                 op);
    return NULL;
}

static cu_expr **parts_of(cu_bind *b, const cu_ast_expr *row)
{
    cu_expr **out = cu_arena_calloc(b->sql->arena, row->args.n + 1,
                                    sizeof(*out));
    bool good = true;
    for (uint32_t i = 0; i < row->args.n; i++) {
        out[i] = cu_bind_expr(b, row->args.at[i]);
        good = good && out[i];
    }
    return good ? out : NULL;
}

/* Both sides are rows of one length? */
static bool alike(cu_bind *b, const cu_ast_expr *e)
{
    const cu_ast_expr *l = e->args.at[0];
    const cu_ast_expr *r = e->args.n > 1 ? e->args.at[1] : l;
    if (l->kind != CU_A_ROW || r->kind != CU_A_ROW) {
        cu_sql_refuse(b->sql, e->pos, "this comparison of rows");
        return false;
    }
    if (l->args.n == r->args.n && l->args.n > 0)
        return true;
    if (l->args.n == r->args.n)
        cu_sql_error(b->sql, e->pos, STATE('0', 'A', '0', '0', '0'), NULL,
                     "cannot compare rows of zero length");
    else
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "unequal number of entries in row expressions");
    return false;
}

cu_expr *cu_bind_row_compare(cu_bind *b, const cu_ast_expr *e)
{
    /* (a, b) = (SELECT …) is = ANY of it, but for the number of rows. */
    if (!alike(b, e))
        return NULL;
    cu_expr **l = parts_of(b, e->args.at[0]), **r = parts_of(b, e->args.at[1]);
    if (l == NULL || r == NULL)
        return NULL;
    return cu_rel_rows(b->sql, e->text, l, r, e->args.at[0]->args.n, e->pos);
}

cu_expr *cu_bind_row_null(cu_bind *b, const cu_ast_expr *e)
{
    const cu_ast_expr *row = e->args.at[0];
    cu_expr **l = parts_of(b, row);
    if (l == NULL)
        return NULL;
    if (row->args.n == 0)
        return cu_rel_true(b->sql, e->pos);
    cu_expr **parts = cu_arena_calloc(b->sql->arena, row->args.n,
                                      sizeof(*parts));
    for (uint32_t i = 0; i < row->args.n; i++) {
        parts[i] = cu_rel_call(b->sql, e->flag ? "is_not_null" : "is_null",
                               l[i], NULL, e->pos);
        if (parts[i] == NULL)
            return NULL;
    }
    return cu_rel_and(b->sql, parts, row->args.n);
}

cu_expr *cu_bind_row_distinct(cu_bind *b, const cu_ast_expr *e)
{
    if (!alike(b, e))
        return NULL;
    cu_expr **l = parts_of(b, e->args.at[0]), **r = parts_of(b, e->args.at[1]);
    if (l == NULL || r == NULL)
        return NULL;
    bool same = e->flag;
    return pairwise(b->sql, same ? "is_not_distinct_from" : "is_distinct_from",
                    same ? CU_E_AND : CU_E_OR, l, r, e->args.at[0]->args.n,
                    e->pos);
}
