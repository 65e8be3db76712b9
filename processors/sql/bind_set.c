/* Binds VALUES, UNION, INTERSECT and EXCEPT.
 *
 * INTERSECT and EXCEPT are one aggregate over both sides, each marked:
 *
 *     union all (left, true, false | right, false, true)
 *       -> by all columns: nl = rows of left, nr = rows of right
 *       -> INTERSECT  nl > 0 and nr > 0         ALL: least(nl, nr) times
 *          EXCEPT     nl > 0 and nr = 0         ALL: nl - nr times
 */
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

/* --- VALUES --------------------------------------------------------------- */

static bool bind_rows(cu_sql *s, const cu_ast_select *sel, cu_expr ***rows,
                      uint32_t n_cols)
{
    const cu_scope nothing = {.outer = s->outer};
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

static bool has_query(const cu_ast_expr *e)
{
    if (e == NULL || e->kind == CU_A_SUBQUERY)
        return e != NULL;
    for (uint32_t i = 0; i < e->args.n; i++)
        if (has_query(e->args.at[i]))
            return true;
    return false;
}

static bool any_query(const cu_ast_select *sel)
{
    for (uint32_t r = 0; r < sel->n_values; r++)
        for (uint32_t c = 0; c < sel->values[r].n; c++)
            if (has_query(sel->values[r].at[c]))
                return true;
    return false;
}

/* VALUES (a), (b) with subqueries is SELECT a UNION ALL SELECT b. */
static const cu_ast_select *as_selects(cu_sql *s, const cu_ast_select *sel)
{
    cu_ast_select *all = NULL;
    for (uint32_t r = 0; r < sel->n_values; r++) {
        const cu_ast_list *row = &sel->values[r];
        cu_ast_select *one = cu_arena_calloc(s->arena, 1, sizeof(*one));
        one->pos = sel->pos;
        one->n_targets = row->n;
        one->targets = cu_arena_calloc(s->arena, row->n + 1,
                                       sizeof(*one->targets));
        for (uint32_t c = 0; c < row->n; c++)
            one->targets[c] = (cu_ast_target){
                row->at[c], cu_arena_printf(s->arena, "column%u", c + 1),
                row->at[c]->pos};
        if (all == NULL) {
            all = one;
            continue;
        }
        cu_ast_select *two = cu_arena_calloc(s->arena, 1, sizeof(*two));
        *two = (cu_ast_select){.pos = sel->pos,
                               .set = CU_SET_UNION,
                               .set_all = true,
                               .left = all,
                               .right = one};
        all = two;
    }
    return all;
}

static bool same_length(cu_sql *s, const cu_ast_select *sel)
{
    for (uint32_t r = 1; r < sel->n_values; r++)
        if (sel->values[r].n != sel->values[0].n) {
            cu_sql_error(s, sel->pos, STATE('4', '2', '6', '0', '1'), NULL,
                         "VALUES lists must all be the same length");
            return false;
        }
    return true;
}

static bool bind_values(cu_sql *s, const cu_ctes *ctes,
                        const cu_ast_select *sel, cu_bound *out)
{
    if (any_query(sel))
        return same_length(s, sel) &&
               cu_bind_query(s, ctes, as_selects(s, sel), false, out);
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

/* --- UNION ---------------------------------------------------------------- */

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

static const char *word_of(const cu_ast_select *sel)
{
    return sel->set == CU_SET_UNION       ? "UNION"
           : sel->set == CU_SET_INTERSECT ? "INTERSECT"
                                          : "EXCEPT";
}

/* Both sides with common types; the left side's names. */
static bool unite(cu_sql *s, const cu_ast_select *sel, cu_node *side[2],
                  const cu_schema **out)
{
    uint32_t n = side[0]->schema->n;
    if (side[1]->schema->n != n) {
        cu_sql_error(s, sel->right->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "each %s query must have the same number of columns",
                     word_of(sel));
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
        if (cu_expr_unify(s->arena, pair, 2, word_of(sel),
                          &schema->fields[i].type, &err)) {
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

/* --- INTERSECT, EXCEPT ---------------------------------------------------- */

/* A side with two boolean columns more: of left, of right. */
static cu_node *marked(cu_sql *s, cu_node *n, bool right)
{
    cu_expr **marks = cu_arena_calloc(s->arena, 2, sizeof(*marks));
    for (int k = 0; k < 2; k++) {
        cu_value v = {.type = CU_TYPE(CU_T_BOOL), .b = right == (k == 1)};
        marks[k] = cu_expr_const(s->arena, &v, n->pos);
    }
    return cu_rel_append(s, n, marks, 2);
}

/* By all columns: how many rows of left and of right there are. */
static cu_node *counted(cu_sql *s, cu_node *side[2], uint32_t n)
{
    cu_node *both[2] = {marked(s, side[0], false), marked(s, side[1], true)};
    cu_node **inputs = cu_arena_dup(s->arena, both, sizeof(both));
    cu_node *all = cu_node_union(s, inputs, 2, both[0]->schema);
    cu_schema *schema = cu_schema_new(s->arena, n + 2);
    for (uint32_t i = 0; i < n + 2; i++) {
        schema->fields[i] = both[0]->schema->fields[i];
        schema->fields[i].not_null = schema->fields[i].not_null &&
                                     both[1]->schema->fields[i].not_null;
    }
    all->schema = schema;
    cu_agg_call *calls = cu_arena_calloc(s->arena, 2, sizeof(*calls));
    for (uint32_t k = 0; k < 2; k++) {
        char hint[120] = "";
        cu_err err = {0};
        calls[k] = (cu_agg_call){.arg = -1, .filter = (int32_t)(n + k)};
        if (cu_func_resolve(s->arena, "count", CU_FUNC_AGGREGATE, NULL, 0,
                            &calls[k].func, &calls[k].result, hint, &err)) {
            cu_bind_problem(s, all->pos, &err, hint);
            return NULL;
        }
    }
    return cu_node_aggregate(s, all, n, calls, 2, false);
}

/* Every row as often as the bigint in its last column says. */
static cu_node *repeated(cu_sql *s, cu_node *in)
{
    uint32_t last = in->schema->n - 1;
    cu_expr **args = cu_arena_calloc(s->arena, 2, sizeof(*args));
    args[0] = cu_rel_int8(s, 1, in->pos);
    args[1] = cu_rel_col(s, in, last);
    const cu_func *series;
    cu_type t;
    char hint[120] = "";
    cu_err err = {0};
    if (cu_func_resolve(s->arena, "generate_series", CU_FUNC_SET, args, 2,
                        &series, &t, hint, &err)) {
        cu_bind_problem(s, in->pos, &err, hint);
        return NULL;
    }
    cu_type types[CU_FUNC_ARGS] = {args[0]->type, args[1]->type};
    cu_field fields[CU_FUNC_ARGS];
    uint32_t n = cu_set_columns(series, types, 2, fields);
    return cu_node_flatmap(s, in, series, args, 2, fields, n, false, false);
}

static cu_expr *less(cu_sql *s, cu_node *n, uint32_t nl, bool intersect)
{
    cu_expr *l = cu_rel_col(s, n, nl), *r = cu_rel_col(s, n, nl + 1);
    if (!intersect)
        return cu_rel_call(s, "-", l, r, n->pos);
    return cu_rel_case(s, cu_rel_call(s, "<", l, r, n->pos),
                       cu_rel_col(s, n, nl), cu_rel_col(s, n, nl + 1));
}

static cu_node *met(cu_sql *s, const cu_ast_select *sel, cu_node *side[2],
                    uint32_t n)
{
    bool intersect = sel->set == CU_SET_INTERSECT;
    cu_node *c = counted(s, side, n);
    if (c == NULL)
        return NULL;
    cu_pos pos = c->pos;
    cu_expr *none = cu_rel_int8(s, 0, pos);
    if (sel->set_all) {
        cu_expr *times = less(s, c, n, intersect);
        cu_node *more = cu_rel_append(s, c, &times, 1);
        more = repeated(s, more);
        return more ? cu_rel_pick(s, more, NULL, n) : NULL;
    }
    cu_expr *conj[2] = {cu_rel_call(s, ">", cu_rel_col(s, c, n), none, pos),
                        cu_rel_call(s, intersect ? ">" : "=",
                                    cu_rel_col(s, c, n + 1), none, pos)};
    c = cu_node_filter(s, c, cu_rel_and(s, conj, 2));
    return cu_rel_pick(s, c, NULL, n);
}

bool cu_bind_set(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                 cu_bound *out)
{
    if (sel->n_values)
        return bind_values(s, ctes, sel, out) && order_by_output(s, sel, out);
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
    if (sel->set != CU_SET_UNION) {
        out->node = met(s, sel, side, schema->n);
        if (out->node == NULL)
            return false;
    } else {
        out->node = cu_node_union(s, inputs, 2, schema);
        if (!sel->set_all)
            out->node = cu_bind_distinct(s, out->node);
    }
    out->n_visible = schema->n;
    return order_by_output(s, sel, out);
}
