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
 *
 * (SELECT a, b …) is a row too: each column is a scalar subquery, and equal
 * subtrees become one (bind_unite.c).
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

/* (SELECT a, b …) where a row must be. */
static bool is_query(const cu_ast_expr *e)
{
    return e->kind == CU_A_SUBQUERY && e->sub == CU_SUB_SCALAR;
}

static cu_expr **parts_of(cu_bind *b, const cu_ast_expr *row, uint32_t *n)
{
    if (is_query(row))
        return cu_bind_row_query(b, row, n);
    *n = row->args.n;
    cu_expr **out = cu_arena_calloc(b->sql->arena, row->args.n + 1,
                                    sizeof(*out));
    bool good = true;
    for (uint32_t i = 0; i < row->args.n; i++) {
        out[i] = cu_bind_expr(b, row->args.at[i]);
        good = good && out[i];
    }
    return good ? out : NULL;
}

/* Both sides' parts: rows of one length. As in PostgreSQL a subquery is a row
 * at the right side of an operator alone. */
static bool both(cu_bind *b, const cu_ast_expr *e, cu_expr **side[2],
                 uint32_t *n)
{
    uint32_t counts[2] = {0, 0};
    bool good = true, rows = e->args.n == 2;
    for (uint32_t i = 0; i < 2 && rows; i++)
        rows = e->args.at[i]->kind == CU_A_ROW || is_query(e->args.at[i]);
    if (!rows) {
        cu_sql_refuse(b->sql, e->pos, "this comparison of rows");
        return false;
    }
    const bool queried = is_query(e->args.at[1]);
    if (is_query(e->args.at[0]) || (queried && e->kind != CU_A_OP)) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "subquery must return only one column");
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        side[i] = parts_of(b, e->args.at[i], &counts[i]);
        good = good && side[i];
    }
    if (!good)
        return false;
    *n = counts[0];
    if (counts[0] == counts[1] && counts[0] > 0)
        return true;
    if (counts[0] == counts[1])
        cu_sql_error(b->sql, e->pos, STATE('0', 'A', '0', '0', '0'), NULL,
                     "cannot compare rows of zero length");
    else if (queried)
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "subquery has too %s columns",
                     counts[1] > counts[0] ? "many" : "few");
    else
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "unequal number of entries in row expressions");
    return false;
}

cu_expr *cu_bind_row_compare(cu_bind *b, const cu_ast_expr *e)
{
    cu_expr **side[2];
    uint32_t n;
    if (!both(b, e, side, &n))
        return NULL;
    return cu_rel_rows(b->sql, e->text, side[0], side[1], n, e->pos);
}

cu_expr *cu_bind_row_null(cu_bind *b, const cu_ast_expr *e)
{
    const cu_ast_expr *row = e->args.at[0];
    uint32_t n;
    cu_expr **l = parts_of(b, row, &n);
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
    cu_expr **side[2];
    uint32_t n;
    if (!both(b, e, side, &n))
        return NULL;
    bool same = e->flag;
    return pairwise(b->sql, same ? "is_not_distinct_from" : "is_distinct_from",
                    same ? CU_E_AND : CU_E_OR, side[0], side[1], n, e->pos);
}
