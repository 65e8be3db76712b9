/* Binds FROM: relations, inlined views, set-returning functions.
 *
 * A scope is one node and the names of its columns.  The first relation makes
 * the node; a function of the rows to its left (LATERAL, as every function in
 * FROM is) becomes a flatmap over it, so that
 *
 *     FROM pages p, jsonb_array_elements(p.body->'works') AS w
 *
 * is flatmap(pages).  A second relation would be a join, refused by name.
 */
#include "processors/sql/bind.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static bool bind_item(cu_sql *s, const cu_ctes *ctes, const cu_ast_from *f,
                      bool outer, cu_scope *scope);

void cu_scope_add(cu_sql *s, cu_scope *scope, const char *rel, const char *name,
                  cu_type type, uint32_t at)
{
    if (scope->n_cols == scope->cap) {
        uint32_t cap = scope->cap ? 2 * scope->cap : 16;
        cu_scope_col *more = cu_arena_calloc(s->arena, cap, sizeof(*more));
        if (scope->n_cols)
            memcpy(more, scope->cols, scope->n_cols * sizeof(*more));
        scope->cols = more;
        scope->cap = cap;
    }
    scope->cols[scope->n_cols++] = (cu_scope_col){rel, name, type, at, false};
}

static bool add_rel(cu_sql *s, cu_scope *scope, const char *rel, cu_pos pos)
{
    for (uint32_t i = 0; i < scope->n_rels; i++)
        if (strcmp(scope->rels[i], rel) == 0) {
            cu_sql_error(s, pos, STATE('4', '2', '7', '1', '2'), NULL,
                         "table name \"%s\" specified more than once", rel);
            return false;
        }
    if (scope->n_rels == scope->cap_rels) {
        uint32_t cap = scope->cap_rels ? 2 * scope->cap_rels : 8;
        const char **more = cu_arena_calloc(s->arena, cap, sizeof(*more));
        if (scope->n_rels)
            memcpy(more, scope->rels, scope->n_rels * sizeof(*more));
        scope->rels = more;
        scope->cap_rels = cap;
    }
    scope->rels[scope->n_rels++] = rel;
    return true;
}

/* The relation's node becomes the scope's; its columns get their names. */
static bool adopt(cu_sql *s, cu_scope *scope, const cu_ast_from *f,
                  const char *rel, cu_node *node)
{
    if (scope->node) {
        cu_sql_refuse(s, f->pos, "a join of two relations");
        return false;
    }
    scope->node = node;
    if (!add_rel(s, scope, rel, f->pos))
        return false;
    if (f->n_columns > node->schema->n) {
        cu_sql_error(s, f->pos, STATE('4', '2', 'P', '1', '0'), NULL,
                     "table \"%s\" has %u columns available but %u columns "
                     "specified",
                     rel, node->schema->n, f->n_columns);
        return false;
    }
    for (uint32_t i = 0; i < node->schema->n; i++)
        cu_scope_add(s, scope, rel,
                     i < f->n_columns ? f->columns[i]
                                      : node->schema->fields[i].name,
                     node->schema->fields[i].type, i);
    return true;
}

/* --- names of relations --------------------------------------------------- */

static cu_node *renamed(cu_sql *s, cu_node *n, const char *const *names,
                        uint32_t n_names)
{
    if (n_names == 0)
        return n;
    uint32_t count = n->schema->n;
    cu_expr **exprs = cu_arena_calloc(s->arena, count, sizeof(*exprs));
    const char **all = cu_arena_calloc(s->arena, count, sizeof(*all));
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = cu_expr_col(s->arena, i, n->schema->fields[i].type, n->pos);
        all[i] = i < n_names ? names[i] : n->schema->fields[i].name;
    }
    return cu_node_project(s, n, exprs, all, count);
}

static cu_node *inlined(cu_sql *s, const cu_ctes *ctes,
                        const cu_ast_select *sel, const char *const *names,
                        uint32_t n_names, cu_pos pos, const char *what)
{
    cu_bound q;
    if (!cu_bind_query(s, ctes, sel, false, &q))
        return NULL;
    if (n_names > q.node->schema->n) {
        cu_sql_error(s, pos, STATE('4', '2', 'P', '1', '0'), NULL,
                     "%s has %u columns available but %u columns specified",
                     what, q.node->schema->n, n_names);
        return NULL;
    }
    return renamed(s, q.node, names, n_names);
}

static const char *unknown_hint(cu_sql *s, const char *name)
{
    const cu_program *p = s->program;
    const char **known = cu_arena_calloc(
        s->arena, p->n_tables + p->n_views + s->n_views + 1, sizeof(*known));
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_tables; i++)
        known[n++] = p->tables[i]->name;
    for (uint32_t i = 0; i < p->n_views; i++)
        if (p->views[i]->has_topic)
            known[n++] = p->views[i]->name;
    for (uint32_t i = 0; i < s->n_views; i++)
        known[n++] = s->views[i].name;
    return cu_sql_nearest(s, name, known, n);
}

static cu_node *named_relation(cu_sql *s, const cu_ctes *ctes,
                               const cu_ast_from *f)
{
    for (const cu_ctes *c = ctes; c; c = c->outer)
        for (uint32_t i = c->n; i-- > 0;)
            if (strcmp(c->at[i].name, f->name) == 0) {
                /* A CTE sees those before it. */
                cu_ctes *seen = cu_arena_calloc(s->arena, 1, sizeof(*seen));
                *seen = (cu_ctes){c->outer, c->at, i};
                return inlined(s, seen, c->at[i].select, c->at[i].columns,
                               c->at[i].n_columns, c->at[i].pos, f->name);
            }
    for (uint32_t i = 0; i < s->n_views; i++) {
        const cu_sql_view *v = &s->views[i];
        if (strcmp(v->name, f->name) == 0)
            return inlined(s, NULL, v->select, v->columns, v->n_columns, f->pos,
                           v->name);
    }
    const cu_view_def *v = cu_program_view(s->program, f->name);
    if (v && v->has_topic)
        return cu_node_view(s, v, f->pos);
    const cu_table_def *t = cu_program_table(s->program, f->name);
    if (t && t->is_sink) {
        cu_sql_refuse(s, f->pos, "reading from \"%s\", which is written,",
                      t->name);
        return NULL;
    }
    if (t)
        return cu_node_source(s, t, f->pos);
    cu_sql_error(s, f->pos, STATE('4', '2', 'P', '0', '1'),
                 unknown_hint(s, f->name), "relation \"%s\" does not exist",
                 f->name);
    return NULL;
}

/* --- functions
 * ---------------------------------------------------------------- */

/* A row of nothing, for functions that stand first. */
static cu_node *one_row(cu_sql *s, cu_pos pos)
{
    cu_schema *schema = cu_schema_new(s->arena, 1);
    schema->fields[0] = (cu_field){.name = "?column?",
                                   .type = CU_TYPE(CU_T_INT4)};
    cu_value zero = {.type = CU_TYPE(CU_T_INT4)};
    cu_expr ***rows = cu_arena_calloc(s->arena, 1, sizeof(*rows));
    rows[0] = cu_arena_calloc(s->arena, 1, sizeof(**rows));
    rows[0][0] = cu_expr_const(s->arena, &zero, pos);
    return cu_node_values(s, schema, rows, 1, pos);
}

static bool refuse_function(cu_sql *s, const cu_ast_expr *call)
{
    const char *name = call->names[call->n_names - 1];
    if (cu_func_exists(name, CU_FUNC_SET))
        return false;
    static const char *const own[] = {
        "tumble",  "hop",  "session", "cumulate",     "changelog", "late_rows",
        "history", "asof", "lookup",  "dead_letters", "watermark", "surrogate"};
    bool known = cu_func_exists(name, CU_FUNC_SCALAR) ||
                 cu_bind_postgres_has(name);
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        known = known || strcmp(own[i], name) == 0;
    if (known) {
        cu_sql_refuse(s, call->pos, "%s() in FROM", name);
        return true;
    }
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    const char **sets = cu_arena_calloc(s->arena, n + 1, sizeof(*sets));
    uint32_t n_sets = 0;
    for (uint32_t i = 0; i < n; i++)
        if (all[i]->kind == CU_FUNC_SET)
            sets[n_sets++] = all[i]->name;
    cu_sql_error(s, call->pos, STATE('4', '2', '8', '8', '3'),
                 cu_sql_nearest(s, name, sets, n_sets),
                 "function %s() does not exist", name);
    return true;
}

/* A function of one column is named by its alias, unless its result has a name
 * (jsonb_array_elements: value); the alias means the column even then. */
static void name_columns(cu_sql *s, cu_scope *scope, const cu_ast_from *f,
                         const char *rel, uint32_t first, uint32_t n)
{
    const cu_schema *schema = scope->node->schema;
    for (uint32_t i = 0; i < schema->n - first; i++) {
        const char *name = schema->fields[first + i].name;
        if (i < f->n_columns)
            name = f->columns[i];
        else if (n == 1 && i == 0 && f->alias && strcmp(name, "value"))
            name = f->alias;
        cu_scope_add(s, scope, rel, name, schema->fields[first + i].type,
                     first + i);
        scope->cols[scope->n_cols - 1].scalar = n == 1 && !f->ordinality;
    }
}

static bool bind_function(cu_sql *s, const cu_ast_from *f, bool outer,
                          cu_scope *scope)
{
    const cu_ast_expr *call = f->call;
    if (refuse_function(s, call))
        return false;
    if (scope->node == NULL)
        scope->node = one_row(s, f->pos);
    cu_bind b = {.sql = s, .scope = scope, .clause = "functions in FROM"};
    cu_expr **args = cu_arena_calloc(s->arena, call->args.n + 1, sizeof(*args));
    cu_type types[CU_FUNC_ARGS] = {0};
    bool good = true;
    for (uint32_t i = 0; i < call->args.n; i++) {
        args[i] = cu_bind_expr(&b, call->args.at[i]);
        good = good && args[i];
    }
    if (!good)
        return false;
    const char *name = call->names[call->n_names - 1];
    const cu_func *func;
    cu_type result;
    char hint[120] = "";
    cu_err err = {0};
    if (cu_func_resolve(s->arena, name, CU_FUNC_SET, args, call->args.n, &func,
                        &result, hint, &err)) {
        cu_bind_problem(s, call->pos, &err, hint);
        return false;
    }
    for (uint32_t i = 0; i < call->args.n && i < CU_FUNC_ARGS; i++)
        types[i] = args[i]->type;
    cu_field fields[4];
    uint32_t n = cu_set_columns(func, types, fields);
    uint32_t first = scope->node->schema->n;
    const char *rel = f->alias ? f->alias : name;
    scope->node = cu_node_flatmap(s, scope->node, func, args, call->args.n,
                                  fields, n, f->ordinality, outer);
    if (!add_rel(s, scope, rel, f->pos))
        return false;
    name_columns(s, scope, f, rel, first, n);
    return true;
}

/* --- joins that are flatmaps -------------------------------------------------
 */

static bool is_true(const cu_ast_expr *e)
{
    return e == NULL || (e->kind == CU_A_BOOL && e->flag);
}

static bool bind_join(cu_sql *s, const cu_ctes *ctes, const cu_ast_from *f,
                      cu_scope *scope)
{
    bool plain = f->join == CU_J_CROSS || f->join == CU_J_INNER;
    bool outer = f->join == CU_J_LEFT;
    if (f->right->kind != CU_F_FUNCTION || !(plain || outer) || f->natural ||
        f->n_using || !is_true(f->on)) {
        cu_sql_refuse(s, f->pos, "JOIN");
        return false;
    }
    return bind_item(s, ctes, f->left, false, scope) &&
           bind_item(s, ctes, f->right, outer, scope);
}

static bool bind_item(cu_sql *s, const cu_ctes *ctes, const cu_ast_from *f,
                      bool outer, cu_scope *scope)
{
    cu_node *n;
    switch (f->kind) {
    case CU_F_TABLE:
        n = named_relation(s, ctes, f);
        return n && adopt(s, scope, f, f->alias ? f->alias : f->name, n);
    case CU_F_SUBQUERY:
        n = inlined(s, ctes, f->select, NULL, 0, f->pos, "a subquery");
        return n && adopt(s, scope, f, f->alias ? f->alias : "subquery", n);
    case CU_F_FUNCTION:
        return bind_function(s, f, outer, scope);
    case CU_F_JOIN:
        return bind_join(s, ctes, f, scope);
    }
    return false;
}

bool cu_bind_from(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                  cu_scope *out)
{
    *out = (cu_scope){0};
    if (sel->n_from == 0) {
        out->node = one_row(s, sel->pos);
        return true;
    }
    for (uint32_t i = 0; i < sel->n_from; i++)
        if (!bind_item(s, ctes, sel->from[i], false, out))
            return false;
    return true;
}
