/* Binds UNION and VALUES, and filters that bound a row_number(). */
#include "processors/sql/bind.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

/* --- VALUES
 * ------------------------------------------------------------------- */

static bool bind_rows(cu_sql *s, const cu_ast_select *sel, cu_expr ***rows,
                      uint32_t n_cols)
{
    static const cu_scope nothing;
    cu_bind b = {.sql = s, .scope = &nothing, .clause = "VALUES"};
    bool good = true;
    for (uint32_t r = 0; r < sel->n_values; r++) {
        if (sel->values[r].n != n_cols) {
            cu_sql_error(
                s, sel->values[r].n ? sel->values[r].at[0]->pos : sel->pos,
                STATE('4', '2', '6', '0', '1'), NULL,
                "VALUES lists must all be the same length");
            return false;
        }
        rows[r] = cu_arena_calloc(s->arena, n_cols, sizeof(**rows));
        for (uint32_t c = 0; c < n_cols; c++) {
            rows[r][c] = cu_bind_expr(&b, sel->values[r].at[c]);
            good = good && rows[r][c];
        }
    }
    return good;
}

static bool bind_values(cu_sql *s, const cu_ast_select *sel, cu_bound *out)
{
    uint32_t n_cols = sel->values[0].n;
    cu_expr ***rows = cu_arena_calloc(s->arena, sel->n_values, sizeof(*rows));
    if (!bind_rows(s, sel, rows, n_cols))
        return false;
    cu_schema *schema = cu_schema_new(s->arena, n_cols);
    cu_expr **col = cu_arena_calloc(s->arena, sel->n_values, sizeof(*col));
    for (uint32_t c = 0; c < n_cols; c++) {
        cu_err err = {0};
        for (uint32_t r = 0; r < sel->n_values; r++)
            col[r] = rows[r][c];
        cu_field *f = &schema->fields[c];
        f->name = cu_arena_printf(s->arena, "column%u", c + 1);
        if (cu_expr_unify(s->arena, col, sel->n_values, "VALUES", &f->type,
                          &err)) {
            cu_bind_problem(s, sel->values[0].at[c]->pos, &err, NULL);
            return false;
        }
        for (uint32_t r = 0; r < sel->n_values; r++)
            rows[r][c] = col[r];
    }
    out->node = cu_node_values(s, schema, rows, sel->n_values, sel->pos);
    out->n_visible = n_cols;
    return true;
}

/* --- UNION
 * ---------------------------------------------------------------------- */

static cu_expr **columns_of(cu_sql *s, const cu_node *n)
{
    cu_expr **out = cu_arena_calloc(s->arena, n->schema->n, sizeof(*out));
    for (uint32_t i = 0; i < n->schema->n; i++)
        out[i] = cu_expr_col(s->arena, i, n->schema->fields[i].type, n->pos);
    return out;
}

static bool same_types(const cu_node *n, const cu_schema *schema)
{
    for (uint32_t i = 0; i < schema->n; i++)
        if (!cu_type_same(n->schema->fields[i].type, schema->fields[i].type))
            return false;
    return true;
}

/* An untyped literal among the targets of a plain SELECT takes the type of the
 * other side; by now its node has settled it as text. */
static cu_expr *untyped(cu_sql *s, const cu_ast_select *sel, uint32_t i,
                        uint32_t n)
{
    if (sel->set != CU_SET_NONE || sel->n_values || sel->n_targets != n ||
        sel->distinct || sel->distinct_on.n || sel->group_by.n)
        return NULL;
    const cu_ast_expr *e = sel->targets[i].expr;
    if (e->kind == CU_A_NULL)
        return cu_expr_literal(s->arena, CU_NULL_SLICE, e->pos);
    if (e->kind == CU_A_STRING)
        return cu_expr_literal(s->arena, cu_slice_of(e->text), e->pos);
    return NULL;
}

/* Both sides with common types; the left side's names. */
static bool unite(cu_sql *s, const cu_ast_select *sel, cu_node *side[2],
                  const cu_schema **out)
{
    uint32_t n = side[0]->schema->n;
    if (side[1]->schema->n != n) {
        cu_sql_error(s, sel->right->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "each UNION query must have the same number of columns");
        return false;
    }
    cu_expr **exprs[2] = {columns_of(s, side[0]), columns_of(s, side[1])};
    cu_schema *schema = cu_schema_new(s->arena, n);
    const char **names = cu_arena_calloc(s->arena, n, sizeof(*names));
    for (uint32_t i = 0; i < n; i++) {
        cu_expr *pair[2] = {untyped(s, sel->left, i, n),
                            untyped(s, sel->right, i, n)};
        cu_err err = {0};
        for (int k = 0; k < 2; k++)
            if (pair[k] == NULL)
                pair[k] = exprs[k][i];
        names[i] = side[0]->schema->fields[i].name;
        schema->fields[i].name = names[i];
        if (cu_expr_unify(s->arena, pair, 2, "UNION", &schema->fields[i].type,
                          &err)) {
            cu_bind_problem(s, sel->right->pos, &err, NULL);
            return false;
        }
        exprs[0][i] = pair[0];
        exprs[1][i] = pair[1];
    }
    for (int k = 0; k < 2; k++)
        if (!same_types(side[k], schema))
            side[k] = cu_node_project(s, side[k], exprs[k], names, n);
    *out = schema;
    return true;
}

static bool order_by_output(cu_sql *s, const cu_ast_select *sel, cu_bound *out)
{
    out->order = cu_arena_calloc(s->arena, sel->order.n + 1,
                                 sizeof(*out->order));
    for (uint32_t i = 0; i < sel->order.n; i++) {
        const cu_ast_sort *o = &sel->order.at[i];
        int at = -1;
        int32_t number = 0;
        cu_err err = {0};
        if (o->expr->kind == CU_A_COLUMN && o->expr->n_names == 1)
            at = cu_schema_find(out->node->schema,
                                cu_slice_of(o->expr->names[0]));
        else if (o->expr->kind == CU_A_NUMBER &&
                 cu_int4_in(cu_slice_of(o->expr->text), &number, &err) == 0 &&
                 number >= 1 && (uint32_t)number <= out->n_visible)
            at = number - 1;
        if (at < 0) {
            cu_sql_error(s, o->expr->pos, STATE('0', 'A', '0', '0', '0'),
                         "Only result column names can be used here.",
                         "this ORDER BY over a UNION is not supported");
            return false;
        }
        bool first = o->nulls == 1 || (o->nulls == 0 && o->desc);
        out->order[out->n_order++] = (cu_key_col){
            (uint16_t)at,
            (uint16_t)((o->desc ? CU_DESC : 0) | (first ? CU_NULLS_FIRST : 0))};
    }
    return true;
}

bool cu_bind_set(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                 cu_bound *out)
{
    if (sel->n_values)
        return bind_values(s, sel, out) && order_by_output(s, sel, out);
    if (sel->set != CU_SET_UNION) {
        cu_sql_refuse(s, sel->pos, "%s",
                      sel->set == CU_SET_EXCEPT ? "EXCEPT" : "INTERSECT");
        return false;
    }
    cu_bound left, right;
    bool good = cu_bind_query(s, ctes, sel->left, false, &left);
    good = cu_bind_query(s, ctes, sel->right, false, &right) && good;
    if (!good)
        return false;
    cu_node *side[2] = {left.node, right.node};
    const cu_schema *schema;
    if (!unite(s, sel, side, &schema))
        return false;
    cu_node **inputs = cu_arena_dup(s->arena, side, sizeof(side));
    out->node = cu_node_union(s, inputs, 2, schema);
    if (!sel->set_all)
        out->node = cu_node_distinct(s, out->node);
    out->n_visible = schema->n;
    return order_by_output(s, sel, out);
}

/* --- WHERE rn <= n over a row_number()
 * ------------------------------------------------ */

/* The numbered rank whose number column `col` of `n` is, through plain
 * projections. */
static cu_node *rank_behind(cu_node *n, uint32_t col)
{
    while (n->kind == CU_N_PROJECT && n->project.exprs[col]->kind == CU_E_COL) {
        col = n->project.exprs[col]->col;
        n = n->inputs[0];
    }
    if (n->kind == CU_N_RANK && n->rank.numbered && col == n->schema->n - 1)
        return n;
    return NULL;
}

/* `col <= 10`, `col < 11`, `col = 1`: how many rows can pass; -1: no such
 * bound. */
static int64_t bound_of(cu_sql *s, const cu_expr *e, uint32_t *col)
{
    if (e->kind != CU_E_CALL || e->n_args != 2 ||
        e->args[0]->kind != CU_E_COL || !cu_expr_is_const(e->args[1]))
        return -1;
    cu_err err = {0};
    cu_value v;
    cu_expr *wide;
    if (cu_expr_cast(s->arena, e->args[1], CU_TYPE(CU_T_INT8),
                     CU_CAST_ASSIGNMENT, &wide, &err) ||
        cu_expr_fold(s->arena, wide, &v, &err) || v.null || v.i8 < 1)
        return -1;
    *col = e->args[0]->col;
    if (strcmp(e->func->name, "<=") == 0 || strcmp(e->func->name, "=") == 0)
        return v.i8;
    if (strcmp(e->func->name, "<") == 0 && v.i8 > 1)
        return v.i8 - 1;
    return -1;
}

static void push_bound(cu_sql *s, cu_node *in, const cu_expr *e)
{
    if (e->kind == CU_E_AND) {
        for (uint32_t i = 0; i < e->n_args; i++)
            push_bound(s, in, e->args[i]);
        return;
    }
    uint32_t col;
    int64_t most = bound_of(s, e, &col);
    cu_node *rank = most < 0 ? NULL : rank_behind(in, col);
    if (rank && (rank->rank.limit < 0 || most < rank->rank.limit))
        rank->rank.limit = most;
}

cu_node *cu_bind_filter(cu_sql *s, cu_node *in, cu_expr *predicate)
{
    push_bound(s, in, predicate);
    return cu_node_filter(s, in, predicate);
}
