/* Binds functions in FROM: f(…), ROWS FROM (f(…), g(…)), and the functions of
 * a select list, which bind_srf.c puts there.
 *
 *     ROWS FROM (f(x), g(y)) AS t    one item: a function that runs both beside
 *                                    each other (processors/expr/set_rows.c)
 *     LEFT JOIN f(x) ON …            a LATERAL subquery
 *     jsonb_populate_record(NULL::r, x)
 *                                    jsonb_to_record(x) AS (the columns of r)
 *
 * Columns of a select list's functions have no name that SQL could write.
 */
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

typedef cu_from_binder binder;

/* One function of the item. */
typedef struct called {
    const cu_ast_from *f;
    const char *name;
    cu_item it; /* its func and arguments */
    const cu_field *fields;
    uint32_t n;
} called;

static bool refuse_function(cu_sql *s, const cu_ast_expr *call)
{
    const char *name = call->names[call->n_names - 1];
    if (cu_func_exists(name, CU_FUNC_SET))
        return false;
    bool known = cu_func_exists(name, CU_FUNC_SCALAR) ||
                 cu_bind_is_relation(name);
    if (cu_bind_postgres_has(name)) {
        cu_bind_refuse_known(s, call->pos, name);
        return true;
    }
    if (known) {
        cu_sql_refuse(s, call->pos, "%s() in FROM", name);
        return true;
    }
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    const char **sets = cu_arena_calloc(s->arena, n + CU_BIND_RELATIONS,
                                        sizeof(*sets));
    uint32_t n_sets = CU_BIND_RELATIONS;
    memcpy(sets, cu_bind_relations, sizeof(cu_bind_relations));
    for (uint32_t i = 0; i < n; i++)
        if (all[i]->kind == CU_FUNC_SET)
            sets[n_sets++] = all[i]->name;
    cu_sql_error(s, call->pos, STATE('4', '2', '8', '8', '3'),
                 cu_sql_nearest(s, name, sets, n_sets),
                 "function %s() does not exist", name);
    return true;
}

static bool arguments(binder *b, const cu_ast_expr *call, cu_item *it)
{
    cu_sql *s = b->s;
    cu_bind bind = {.sql = s, .scope = b->scope, .clause = "functions in FROM"};
    bool good = true;
    cu_ast_list args;
    if (!cu_bind_named(&bind, call, &args))
        return false;
    if (args.n > CU_FUNC_ARGS) {
        cu_sql_refuse(s, call->pos,
                      "a function in FROM of more than %d arguments",
                      CU_FUNC_ARGS);
        return false;
    }
    it->n_args = args.n;
    it->args = cu_arena_calloc(s->arena, it->n_args + 1, sizeof(*it->args));
    for (uint32_t i = 0; i < it->n_args; i++) {
        it->args[i] = cu_bind_expr(&bind, args.at[i]);
        good = good && it->args[i];
    }
    return good;
}

/* --- jsonb_populate_record, jsonb_populate_recordset ---------------------- */

static bool is_populate(const char *name)
{
    return strncmp(name, "jsonb_populate_record", 21) == 0;
}

/* The relation in NULL::relation. */
static const char *base_of(const cu_ast_expr *call)
{
    const cu_ast_expr *base = call->args.n == 2 ? call->args.at[0] : NULL;
    if (!base || base->kind != CU_A_CAST || base->type->array ||
        base->args.at[0]->kind != CU_A_NULL)
        return NULL;
    return base->type->name;
}

static bool populate(binder *b, const cu_ast_from *f, called *c)
{
    cu_sql *s = b->s;
    const cu_ast_expr *call = f->call;
    const char *name = c->name, *base = base_of(call);
    if (!base) {
        cu_sql_error(
            s, call->pos, STATE('0', 'A', '0', '0', '0'),
            cu_arena_printf(s->arena, "Write %s(NULL::relation, x).", name),
            "%s() of another row than NULL is not supported", name);
        return false;
    }
    cu_ast_from of = {.kind = CU_F_TABLE, .pos = call->pos, .name = base};
    cu_ast_expr json = *call;
    json.args = (cu_ast_list){call->args.at + 1, 1};
    cu_node *like = cu_from_named(s, b->ctes, &of);
    if (!like || !arguments(b, &json, &c->it))
        return false;
    cu_err err = {0};
    char hint[120] = "";
    cu_type result;
    if (cu_func_resolve(
            s->arena,
            strcmp(name, "jsonb_populate_record") == 0 ? "jsonb_to_record"
                                                       : "jsonb_to_recordset",
            CU_FUNC_SET, c->it.args, 1, &c->it.func, &result, hint, &err)) {
        cu_bind_problem(s, call->pos, &err, hint);
        return false;
    }
    if (like->schema->n > CU_RECORD_COLUMNS) {
        cu_sql_refuse(s, call->pos, "%s() of more than %d columns", name,
                      CU_RECORD_COLUMNS);
        return false;
    }
    cu_bind_record_like(s, like->schema, call->pos, &c->it, &c->fields, &c->n);
    return true;
}

/* --- one function --------------------------------------------------------- */

static bool bind_one(binder *b, const cu_ast_from *f, called *c)
{
    cu_sql *s = b->s;
    const cu_ast_expr *call = f->call;
    cu_type types[CU_FUNC_ARGS] = {0}, result;
    char hint[120] = "";
    cu_err err = {0};
    *c = (called){.f = f, .name = call->names[call->n_names - 1]};
    if (is_populate(c->name))
        return populate(b, f, c);
    if (refuse_function(s, call) || !arguments(b, call, &c->it))
        return false;
    cu_item *it = &c->it;
    if (cu_func_resolve(s->arena, c->name, CU_FUNC_SET, it->args, it->n_args,
                        &it->func, &result, hint, &err)) {
        cu_bind_problem(s, call->pos, &err, hint);
        return false;
    }
    for (uint32_t i = 0; i < it->n_args; i++)
        types[i] = it->args[i]->type;
    cu_field *own = cu_arena_calloc(s->arena, CU_FUNC_ARGS, sizeof(*own));
    c->fields = own;
    c->n = cu_set_columns(it->func, types, it->n_args, own);
    return cu_bind_record(s, f, it, &c->fields, &c->n);
}

/* --- several beside each other -------------------------------------------- */

static bool beside(cu_sql *s, const called *c, uint32_t n, cu_pos pos,
                   cu_item *it, cu_field **fields, uint32_t *n_fields)
{
    const cu_func *funcs[CU_FUNC_ARGS];
    uint32_t counts[CU_FUNC_ARGS], at = 1, all = 0;
    for (uint32_t i = 0; i < n; i++)
        at += c[i].it.n_args;
    if (n >= CU_FUNC_ARGS || at > CU_FUNC_ARGS) {
        cu_sql_refuse(s, pos,
                      "functions beside each other of more than %d arguments",
                      CU_FUNC_ARGS - 1);
        return false;
    }
    it->args = cu_arena_calloc(s->arena, CU_FUNC_ARGS, sizeof(*it->args));
    it->n_args = 1;
    for (uint32_t i = 0; i < n; i++) {
        funcs[i] = c[i].it.func;
        counts[i] = c[i].it.n_args;
        all += c[i].n;
        for (uint32_t k = 0; k < counts[i]; k++)
            it->args[it->n_args++] = c[i].it.args[k];
    }
    const cu_value names = cu_rows_from_names(s->arena, funcs, counts, n);
    it->args[0] = cu_expr_const(s->arena, &names, pos);
    it->func = cu_func_rows_from();
    *fields = cu_arena_calloc(s->arena, all + 1, sizeof(**fields));
    *n_fields = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < c[i].n; k++) {
            cu_field *to = &(*fields)[(*n_fields)++];
            *to = c[i].fields[k];
            to->not_null = false;
        }
    return true;
}

/* --- names ---------------------------------------------------------------- */

/* A function of one column is named by its alias, unless its result has a name
 * (jsonb_array_elements: value); the alias means the column even then. */
static void name_columns(binder *b, const cu_ast_from *f, const char *rel,
                         const cu_field *fields, uint32_t n, uint32_t first)
{
    const bool single = n == 1 && !f->n_defs && !f->n_more &&
                        !is_populate(f->call->names[0]);
    for (uint32_t i = 0; i < n + f->ordinality; i++) {
        const char *name = i < n ? fields[i].name : "ordinality";
        if (i < f->n_columns)
            name = f->columns[i];
        else if (single && i == 0 && f->alias && strcmp(name, "value"))
            name = f->alias;
        cu_scope_add(b->s, b->scope, rel, name,
                     i < n ? fields[i].type : CU_TYPE(CU_T_INT8), first + i);
        b->scope->cols[b->scope->n_cols - 1].scalar = single && !f->ordinality;
    }
}

/* Functions of a select list: 0, or 0.key and 0.value, then 1, … */
static void name_hidden(binder *b, const called *c, uint32_t n, uint32_t first)
{
    cu_arena *a = b->s->arena;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < c[i].n; k++) {
            const cu_field *f = &c[i].fields[k];
            cu_scope_add(b->s, b->scope, CU_SRF_REL,
                         c[i].n == 1 ? cu_arena_printf(a, "%u", i)
                                     : cu_arena_printf(a, "%u.%s", i, f->name),
                         f->type, first++);
            b->scope->cols[b->scope->n_cols - 1].hidden = true;
        }
}

static bool names_fit(cu_sql *s, const cu_ast_from *f, const char *rel,
                      uint32_t n)
{
    if (f->n_columns <= n)
        return true;
    cu_sql_error(s, f->pos, STATE('4', '2', 'P', '1', '0'), NULL,
                 "table \"%s\" has %u columns available but %u columns "
                 "specified",
                 rel, n, f->n_columns);
    return false;
}

/* --- the item ------------------------------------------------------------- */

/* LEFT JOIN f(…) ON …: the function as a LATERAL subquery. */
static cu_expr *as_ref(void *ctx, cu_expr *col)
{
    binder *b = ctx;
    return col->col < CU_AGG_BASE ? cu_rel_ref(b->s, b->scope, col) : col;
}

static bool as_lateral(binder *b, cu_item *it)
{
    cu_sql *s = b->s;
    for (uint32_t i = 0; i < it->n_args; i++) {
        if (cu_rel_uses(it->args[i], CU_SUB_BASE, CU_OUTER_BASE)) {
            cu_sql_refuse(s, it->pos,
                          "a subquery in an argument of a function in a LEFT "
                          "JOIN with a condition");
            return false;
        }
        it->args[i] = cu_rel_rewrite(s, it->args[i], as_ref, b);
    }
    cu_node *n = cu_node_flatmap(s, cu_rel_one_row(s, it->pos), it->func,
                                 it->args, it->n_args, it->fields,
                                 it->n - it->ordinality, it->ordinality, false);
    uint32_t *cols = cu_arena_calloc(s->arena, it->n + 1, sizeof(*cols));
    for (uint32_t i = 0; i < it->n; i++)
        cols[i] = i + 1;
    it->node = cu_rel_pick(s, n, cols, it->n);
    it->kind = cu_rel_tree_means(s, n, b->scope->id) ? CU_I_LATERAL
                                                     : CU_I_RELATION;
    return true;
}

static bool bind_all(binder *b, const cu_ast_from *f, called *c, cu_item *it)
{
    cu_field *fields;
    bool good = bind_one(b, f, &c[0]);
    for (uint32_t i = 0; i < f->n_more; i++)
        good = bind_one(b, f->more[i], &c[i + 1]) && good;
    if (!good)
        return false;
    it->func = c[0].it.func;
    it->args = c[0].it.args;
    it->n_args = c[0].it.n_args;
    it->fields = c[0].fields;
    it->n = c[0].n;
    if (f->n_more == 0)
        return true;
    good = beside(b->s, c, f->n_more + 1, f->pos, it, &fields, &it->n);
    it->fields = fields;
    return good;
}

bool cu_from_function(cu_from_binder *b, const cu_ast_from *f, bool condition,
                      cu_from_items *to)
{
    cu_sql *s = b->s;
    cu_item it = {.kind = CU_I_FUNCTION, .pos = f->pos};
    called *c = cu_arena_calloc(s->arena, f->n_more + 1, sizeof(*c));
    if (to->n_items == 0 && !condition)
        cu_from_add(b, to,
                    (cu_item){.kind = CU_I_RELATION,
                              .pos = f->pos,
                              .n = 1,
                              .node = cu_rel_one_row(s, f->pos)});
    if (!bind_all(b, f, c, &it))
        return false;
    uint32_t n = it.n, first = b->width;
    it.ordinality = f->ordinality;
    it.n += f->ordinality;
    if (condition && !as_lateral(b, &it))
        return false;
    const char *rel = f->alias ? f->alias : c[0].name;
    cu_from_add(b, to, it);
    if (!cu_from_rel(s, b->scope, rel, f->pos) || !names_fit(s, f, rel, it.n))
        return false;
    if (strcmp(rel, CU_SRF_REL) == 0)
        name_hidden(b, c, f->n_more + 1, first);
    else
        name_columns(b, f, rel, it.fields, n, first);
    return true;
}
