/* Queries: libpg_query's tree -> ours. */
#include "processors/sql/parse_int.h"

/* --- FROM ---------------------------------------------------------------- */

static void alias_of(cu_parse *p, const PgQuery__Alias *a, cu_ast_from *f)
{
    if (!a)
        return;
    f->alias = cu_parse_str(p, a->aliasname);
    f->columns = cu_parse_names(p, a->colnames, a->n_colnames);
    f->n_columns = (uint32_t)a->n_colnames;
}

static void table(cu_parse *p, const PgQuery__RangeVar *r, cu_ast_from *f)
{
    f->kind = CU_F_TABLE;
    f->pos = cu_parse_pos(p, r->location);
    f->name = cu_parse_relation(p, r);
    alias_of(p, r->alias, f);
}

static void subquery(cu_parse *p, const PgQuery__RangeSubselect *r,
                     cu_ast_from *f)
{
    f->kind = CU_F_SUBQUERY;
    f->lateral = r->lateral;
    f->select = cu_parse_query(p, r->subquery);
    if (f->select)
        f->pos = f->select->pos;
    alias_of(p, r->alias, f);
}

/* AS t(a int, b text) */
static void definitions(cu_parse *p, PgQuery__Node *const *list, size_t n,
                        cu_ast_from *f)
{
    f->defs = cu_arena_calloc(p->s->arena, n, sizeof(*f->defs));
    for (size_t i = 0; i < n; i++) {
        const PgQuery__ColumnDef *c = list[i]->column_def;
        cu_ast_column *to = &f->defs[f->n_defs++];
        to->pos = cu_parse_pos(p, c->location);
        to->name = cu_parse_str(p, c->colname);
        to->type = *cu_parse_type(p, c->type_name);
    }
}

/* f(…), or f(…) AS (a int, …) of ROWS FROM. */
static void one_function(cu_parse *p, const PgQuery__Node *n, cu_ast_from *f)
{
    f->kind = CU_F_FUNCTION;
    bool list = n && n->node_case == PG_QUERY__NODE__NODE_LIST &&
                n->list->n_items > 0;
    if (list)
        f->call = cu_parse_expr(p, n->list->items[0]);
    if (f->call)
        f->pos = f->call->pos;
    const PgQuery__Node *typed = list && n->list->n_items > 1
                                     ? n->list->items[1]
                                     : NULL;
    if (typed && typed->node_case == PG_QUERY__NODE__NODE_LIST)
        definitions(p, typed->list->items, typed->list->n_items, f);
    if (f->call && f->call->kind != CU_A_CALL)
        cu_parse_refuse(p, f->pos, "this expression in FROM");
}

static void function(cu_parse *p, const PgQuery__RangeFunction *r,
                     cu_ast_from *f)
{
    size_t n = r->n_functions;
    one_function(p, n ? r->functions[0] : NULL, f);
    f->lateral = r->lateral;
    f->ordinality = r->ordinality;
    f->more = cu_arena_calloc(p->s->arena, n + 1, sizeof(*f->more));
    for (size_t i = 1; i < n; i++) {
        cu_ast_from *more = cu_arena_calloc(p->s->arena, 1, sizeof(*more));
        one_function(p, r->functions[i], more);
        f->more[f->n_more++] = more;
    }
    if (r->n_coldeflist)
        definitions(p, r->coldeflist, r->n_coldeflist, f);
    alias_of(p, r->alias, f);
}

static cu_ast_from *from(cu_parse *p, const PgQuery__Node *n);

static cu_ast_join join_kind(cu_parse *p, const PgQuery__JoinExpr *j)
{
    switch (j->jointype) {
    case PG_QUERY__JOIN_TYPE__JOIN_LEFT:
        return CU_J_LEFT;
    case PG_QUERY__JOIN_TYPE__JOIN_RIGHT:
        return CU_J_RIGHT;
    case PG_QUERY__JOIN_TYPE__JOIN_FULL:
        return CU_J_FULL;
    case PG_QUERY__JOIN_TYPE__JOIN_INNER:
        break;
    default:
        cu_parse_refuse(p, p->at, "this kind of join");
        break;
    }
    bool bare = !j->quals && !j->n_using_clause && !j->is_natural;
    return bare ? CU_J_CROSS : CU_J_INNER;
}

/* (a JOIN b …) AS j is (SELECT * FROM a JOIN b …) AS j. */
static void named_join(cu_parse *p, const PgQuery__Alias *alias, cu_ast_from *f)
{
    cu_arena *a = p->s->arena;
    cu_ast_select *q = cu_arena_calloc(a, 1, sizeof(*q));
    cu_ast_expr *star = cu_arena_calloc(a, 1, sizeof(*star));
    *star = (cu_ast_expr){.kind = CU_A_COLUMN, .pos = f->pos, .star = true};
    q->pos = f->pos;
    q->targets = cu_arena_calloc(a, 1, sizeof(*q->targets));
    q->targets[q->n_targets++] = (cu_ast_target){star, NULL, f->pos};
    q->from = cu_arena_calloc(a, 1, sizeof(*q->from));
    q->from[q->n_from++] = cu_arena_dup(a, f, sizeof(*f));
    *f = (cu_ast_from){.kind = CU_F_SUBQUERY, .pos = f->pos, .select = q};
    alias_of(p, alias, f);
}

static void join(cu_parse *p, const PgQuery__JoinExpr *j, cu_ast_from *f)
{
    f->kind = CU_F_JOIN;
    f->left = from(p, j->larg);
    if (f->left)
        f->pos = p->at = f->left->pos;
    f->right = from(p, j->rarg);
    f->join = join_kind(p, j);
    f->on = cu_parse_expr(p, j->quals);
    f->natural = j->is_natural;
    f->using_columns = cu_parse_names(p, j->using_clause, j->n_using_clause);
    f->n_using = (uint32_t)j->n_using_clause;
    if (j->join_using_alias)
        cu_parse_refuse(p, f->pos, "an alias of USING");
    if (j->alias)
        named_join(p, j->alias, f);
}

static cu_ast_from *from(cu_parse *p, const PgQuery__Node *n)
{
    if (!n || !cu_parse_enter(p))
        return NULL;
    cu_pos at = p->at;
    cu_ast_from *f = cu_arena_calloc(p->s->arena, 1, sizeof *f);
    f->pos = at;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
        table(p, n->range_var, f);
        break;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
        subquery(p, n->range_subselect, f);
        break;
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
        function(p, n->range_function, f);
        break;
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
        join(p, n->join_expr, f);
        break;
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
        cu_parse_refuse(p, cu_parse_pos(p, n->range_table_sample->location),
                        "TABLESAMPLE");
        break;
    default:
        cu_parse_refuse(p, at, "XMLTABLE");
        break;
    }
    p->at = at;
    cu_parse_leave(p);
    return f;
}

/* --- the clauses --------------------------------------------------------- */

static void ctes(cu_parse *p, const PgQuery__WithClause *w, cu_ast_select *out)
{
    cu_pos pos = cu_parse_pos(p, w->location);
    if (w->recursive)
        cu_parse_refuse(p, pos, "WITH RECURSIVE");
    out->ctes = cu_arena_calloc(p->s->arena, w->n_ctes, sizeof *out->ctes);
    for (size_t i = 0; i < w->n_ctes; i++) {
        const PgQuery__CommonTableExpr *c = w->ctes[i]->common_table_expr;
        cu_ast_cte *to = &out->ctes[out->n_ctes++];
        to->pos = cu_parse_pos(p, c->location);
        to->name = cu_parse_str(p, c->ctename);
        to->columns = cu_parse_names(p, c->aliascolnames, c->n_aliascolnames);
        to->n_columns = (uint32_t)c->n_aliascolnames;
        if (c->search_clause || c->cycle_clause)
            cu_parse_refuse(p, to->pos, "SEARCH and CYCLE");
        const PgQuery__Node *q = c->ctequery;
        if (q && q->node_case == PG_QUERY__NODE__NODE_SELECT_STMT)
            to->select = cu_parse_query(p, q);
        else
            cu_parse_refuse(p, to->pos, "a WITH query that changes data");
    }
}

static void targets(cu_parse *p, const PgQuery__SelectStmt *s,
                    cu_ast_select *out)
{
    size_t n = s->n_target_list;
    out->targets = cu_arena_calloc(p->s->arena, n ? n : 1,
                                   sizeof *out->targets);
    for (size_t i = 0; i < n; i++) {
        const PgQuery__ResTarget *r = s->target_list[i]->res_target;
        cu_ast_target *to = &out->targets[out->n_targets++];
        to->pos = cu_parse_pos(p, r->location);
        if (i == 0)
            out->pos = to->pos;
        to->name = r->name[0] ? cu_parse_str(p, r->name) : NULL;
        to->expr = cu_parse_expr(p, r->val);
    }
}

static void distinct(cu_parse *p, const PgQuery__SelectStmt *s,
                     cu_ast_select *out)
{
    if (!s->n_distinct_clause)
        return;
    /* Plain DISTINCT is a list of one empty node. */
    const PgQuery__Node *first = s->distinct_clause[0];
    if (first->node_case == PG_QUERY__NODE__NODE__NOT_SET)
        out->distinct = true;
    else
        out->distinct_on = cu_parse_list(p, s->distinct_clause,
                                         s->n_distinct_clause);
}

static bool is_null(const PgQuery__Node *n)
{
    return n->node_case == PG_QUERY__NODE__NODE_A_CONST && n->a_const->isnull;
}

static void values(cu_parse *p, const PgQuery__SelectStmt *s,
                   cu_ast_select *out)
{
    if (!s->n_values_lists)
        return;
    out->values = cu_arena_calloc(p->s->arena, s->n_values_lists,
                                  sizeof *out->values);
    for (size_t i = 0; i < s->n_values_lists; i++) {
        const PgQuery__List *row = s->values_lists[i]->list;
        out->values[out->n_values++] = cu_parse_list(p, row->items,
                                                     row->n_items);
    }
    const cu_ast_list *first = &out->values[0];
    if (first->n && first->at[0])
        out->pos = first->at[0]->pos;
}

static void windows(cu_parse *p, const PgQuery__SelectStmt *s,
                    cu_ast_select *out)
{
    size_t n = s->n_window_clause;
    out->windows = cu_arena_calloc(p->s->arena, n ? n : 1,
                                   sizeof *out->windows);
    for (size_t i = 0; i < n; i++)
        cu_parse_window(p, s->window_clause[i]->window_def, &out->windows[i]);
    out->n_windows = (uint32_t)n;
}

static void plain(cu_parse *p, const PgQuery__SelectStmt *s, cu_ast_select *out)
{
    targets(p, s, out);
    distinct(p, s, out);
    if (s->into_clause)
        cu_parse_refuse(p, out->pos, "SELECT INTO");
    size_t n = s->n_from_clause;
    out->from = cu_arena_calloc(p->s->arena, n ? n : 1, sizeof(void *));
    for (size_t i = 0; i < n; i++)
        out->from[out->n_from++] = from(p, s->from_clause[i]);
    out->where = cu_parse_expr(p, s->where_clause);
    out->group_by = cu_parse_list(p, s->group_clause, s->n_group_clause);
    for (uint32_t i = 0; i < out->group_by.n; i++)
        out->grouping_sets = out->grouping_sets ||
                             (out->group_by.at[i] &&
                              out->group_by.at[i]->kind == CU_A_GROUPING_SET);
    out->group_distinct = s->group_distinct;
    out->having = cu_parse_expr(p, s->having_clause);
    windows(p, s, out);
    values(p, s, out);
}

static void set_operation(cu_parse *p, const PgQuery__SelectStmt *s,
                          cu_ast_select *out)
{
    out->set = s->op == PG_QUERY__SET_OPERATION__SETOP_UNION ? CU_SET_UNION
               : s->op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT
                   ? CU_SET_INTERSECT
                   : CU_SET_EXCEPT;
    out->set_all = s->all;
    out->left = cu_parse_select(p, s->larg);
    if (out->left)
        out->pos = out->left->pos;
    out->right = cu_parse_select(p, s->rarg);
}

static void limits(cu_parse *p, const PgQuery__SelectStmt *s,
                   cu_ast_select *out)
{
    out->order = cu_parse_sorts(p, s->sort_clause, s->n_sort_clause);
    if (s->limit_count && !is_null(s->limit_count)) /* LIMIT ALL */
        out->limit = cu_parse_expr(p, s->limit_count);
    if (s->limit_offset && !is_null(s->limit_offset))
        out->offset = cu_parse_expr(p, s->limit_offset);
    out->with_ties = s->limit_option ==
                     PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES;
    if (s->n_locking_clause)
        cu_parse_refuse(p, out->pos, "FOR UPDATE");
}

cu_ast_select *cu_parse_select(cu_parse *p, const PgQuery__SelectStmt *s)
{
    if (!s || !cu_parse_enter(p))
        return NULL;
    cu_pos at = p->at;
    cu_ast_select *out = cu_arena_calloc(p->s->arena, 1, sizeof *out);
    out->pos = at;
    if (s->with_clause)
        ctes(p, s->with_clause, out);
    p->at = at;
    bool set = s->op != PG_QUERY__SET_OPERATION__SETOP_NONE &&
               s->op != PG_QUERY__SET_OPERATION__SET_OPERATION_UNDEFINED;
    if (set)
        set_operation(p, s, out);
    else
        plain(p, s, out);
    limits(p, s, out);
    p->at = at;
    cu_parse_leave(p);
    return out;
}

cu_ast_select *cu_parse_query(cu_parse *p, const PgQuery__Node *n)
{
    if (n && n->node_case == PG_QUERY__NODE__NODE_SELECT_STMT)
        return cu_parse_select(p, n->select_stmt);
    cu_parse_refuse(p, p->at, "this statement as a query");
    return NULL;
}
