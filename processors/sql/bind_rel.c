/* Small makers that joins and subqueries share: expressions and nodes.
 *
 * Columns of expressions come in three kinds: plain ones (below CU_AGG_BASE)
 * of the node or of the items of FROM, found things (aggregates, windows,
 * subqueries) and refs (from CU_OUTER_BASE on) to columns of outer queries.
 * Maps of numbers concern the plain ones alone.
 */
#include "processors/sql/bind_rel.h"

#include "processors/sql/bind_node.h"

cu_expr *cu_rel_rewrite(cu_sql *s, cu_expr *e, cu_col_fn *fn, void *ctx)
{
    if (e == NULL)
        return NULL;
    if (e->kind == CU_E_COL)
        return fn(ctx, e);
    if (e->n_args == 0)
        return e;
    cu_expr *out = cu_arena_dup(s->arena, e, sizeof(*e));
    out->args = cu_arena_calloc(s->arena, e->n_args, sizeof(*out->args));
    for (uint32_t i = 0; i < e->n_args; i++)
        out->args[i] = cu_rel_rewrite(s, e->args[i], fn, ctx);
    return out;
}

typedef struct mapping {
    cu_sql *s;
    const uint32_t *map;
    uint32_t from, by;
} mapping;

static cu_expr *renumber(const mapping *m, cu_expr *col, uint32_t to)
{
    return to == col->col ? col
                          : cu_expr_col(m->s->arena, to, col->type, col->pos);
}

static cu_expr *shift_one(void *ctx, cu_expr *col)
{
    const mapping *m = ctx;
    if (col->col < m->from || col->col >= CU_AGG_BASE)
        return col;
    return renumber(m, col, col->col + m->by);
}

cu_expr *cu_rel_shift(cu_sql *s, cu_expr *e, uint32_t from, uint32_t by)
{
    mapping m = {.s = s, .from = from, .by = by};
    return by ? cu_rel_rewrite(s, e, shift_one, &m) : e;
}

static cu_expr *map_one(void *ctx, cu_expr *col)
{
    const mapping *m = ctx;
    return col->col >= CU_AGG_BASE ? col : renumber(m, col, m->map[col->col]);
}

cu_expr *cu_rel_mapped(cu_sql *s, cu_expr *e, const uint32_t *map)
{
    mapping m = {.s = s, .map = map};
    return map ? cu_rel_rewrite(s, e, map_one, &m) : e;
}

bool cu_rel_uses(const cu_expr *e, uint32_t lo, uint32_t hi)
{
    if (e->kind == CU_E_COL && e->col >= lo && e->col < hi)
        return true;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (cu_rel_uses(e->args[i], lo, hi))
            return true;
    return false;
}

/* --- refs ----------------------------------------------------------------- */

bool cu_rel_means(const cu_sql *s, const cu_expr *e, uint32_t id)
{
    if (e->kind == CU_E_COL && cu_rel_is_ref(e->col))
        return id == 0 || s->refs[e->col - CU_OUTER_BASE].scope == id;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (cu_rel_means(s, e->args[i], id))
            return true;
    return false;
}

typedef bool expr_test(void *ctx, const cu_expr *e);

static bool any_of(cu_expr *const *list, uint32_t n, expr_test *test, void *ctx)
{
    for (uint32_t i = 0; i < n; i++)
        if (test(ctx, list[i]))
            return true;
    return false;
}

bool cu_rel_own_any(const cu_node *n, bool (*test)(void *, const cu_expr *),
                    void *ctx)
{
    switch (n->kind) {
    case CU_N_FILTER:
        return test(ctx, n->filter.predicate);
    case CU_N_PROJECT:
        return any_of(n->project.exprs, n->schema->n, test, ctx);
    case CU_N_FLATMAP:
        return any_of(n->flatmap.args, n->flatmap.n_args, test, ctx);
    case CU_N_VALUES:
        for (uint32_t r = 0; r < n->values.n; r++)
            if (any_of(n->values.rows[r], n->schema->n, test, ctx))
                return true;
        return false;
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
        return n->join.residual && test(ctx, n->join.residual);
    default:
        return false;
    }
}

bool cu_rel_tree_any(const cu_node *n, bool (*test)(void *, const cu_expr *),
                     void *ctx)
{
    if (cu_rel_own_any(n, test, ctx))
        return true;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (cu_rel_tree_any(n->inputs[i], test, ctx))
            return true;
    return false;
}

typedef struct meaning {
    const cu_sql *s;
    uint32_t id;
} meaning;

static bool means_one(void *ctx, const cu_expr *e)
{
    const meaning *m = ctx;
    return cu_rel_means(m->s, e, m->id);
}

bool cu_rel_tree_means(const cu_sql *s, const cu_node *n, uint32_t id)
{
    meaning m = {s, id};
    return cu_rel_tree_any(n, means_one, &m);
}

bool cu_rel_own_means(const cu_sql *s, const cu_node *n, uint32_t id)
{
    meaning m = {s, id};
    return cu_rel_own_any(n, means_one, &m);
}

cu_expr *cu_rel_ref(cu_sql *s, const cu_scope *scope, cu_expr *expr)
{
    bool early = scope->map == NULL;
    uint32_t i = 0;
    while (i < s->n_refs &&
           !(s->refs[i].scope == scope->id && s->refs[i].early == early &&
             cu_expr_same(s->refs[i].expr, expr)))
        i++;
    if (i == s->n_refs) {
        if (s->n_refs == s->cap_refs) {
            uint32_t cap = s->cap_refs ? 2 * s->cap_refs : 16;
            cu_outer_ref *more = cu_arena_calloc(s->arena, cap, sizeof(*more));
            if (s->n_refs)
                memcpy(more, s->refs, s->n_refs * sizeof(*more));
            s->refs = more;
            s->cap_refs = cap;
        }
        s->refs[s->n_refs++] = (cu_outer_ref){scope->id, expr, early};
    }
    return cu_expr_col(s->arena, CU_OUTER_BASE + i, expr->type, expr->pos);
}

cu_expr *cu_rel_meant(cu_sql *s, const cu_outer_ref *r, const uint32_t *map)
{
    return r->early ? cu_rel_mapped(s, r->expr, map) : r->expr;
}

/* --- conditions ----------------------------------------------------------- */

cu_expr **cu_rel_conjuncts(cu_sql *s, cu_expr *e, cu_expr **list, uint32_t *n)
{
    if (e == NULL)
        return list;
    if (e->kind == CU_E_AND) {
        for (uint32_t i = 0; i < e->n_args; i++)
            list = cu_rel_conjuncts(s, e->args[i], list, n);
        return list;
    }
    list = cu_sql_grow(s->arena, list, *n, sizeof(cu_expr *));
    list[(*n)++] = e;
    return list;
}

cu_expr *cu_rel_and(cu_sql *s, cu_expr **conj, uint32_t n)
{
    if (n == 0)
        return NULL;
    if (n == 1)
        return conj[0];
    cu_expr **all = cu_arena_dup(s->arena, conj, n * sizeof(*conj));
    return cu_expr_nary(s->arena, CU_E_AND, CU_TYPE(CU_T_BOOL), all, n,
                        conj[0]->pos);
}

cu_expr *cu_rel_call(cu_sql *s, const char *name, cu_expr *a, cu_expr *b,
                     cu_pos pos)
{
    cu_expr *args[2] = {a, b};
    return cu_bind_called(s, name, args, b ? 2 : 1, pos);
}

cu_expr *cu_rel_int8(cu_sql *s, int64_t v, cu_pos pos)
{
    cu_value value = {.type = CU_TYPE(CU_T_INT8), .i8 = v};
    return cu_expr_const(s->arena, &value, pos);
}

cu_expr *cu_rel_true(cu_sql *s, cu_pos pos)
{
    cu_value value = {.type = CU_TYPE(CU_T_BOOL), .b = true};
    return cu_expr_const(s->arena, &value, pos);
}

cu_expr *cu_rel_null(cu_sql *s, cu_type type, cu_pos pos)
{
    cu_value value = {.type = type, .null = true};
    return cu_expr_const(s->arena, &value, pos);
}

cu_expr *cu_rel_case(cu_sql *s, cu_expr *w, cu_expr *t, cu_expr *e)
{
    cu_expr **args = cu_arena_calloc(s->arena, 3, sizeof(*args));
    args[0] = w;
    args[1] = t;
    args[2] = e;
    return cu_expr_nary(s->arena, CU_E_CASE, t->type, args, 3, t->pos);
}

/* NULL whenever one of the columns is NULL? */
static bool strict_in(const cu_expr *e, uint32_t lo, uint32_t hi)
{
    if (e->kind == CU_E_COL)
        return e->col >= lo && e->col < hi;
    if (e->kind != CU_E_CALL || !e->func->strict)
        return false;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (strict_in(e->args[i], lo, hi))
            return true;
    return false;
}

bool cu_rel_rejects(const cu_expr *e, uint32_t lo, uint32_t hi)
{
    if (e->kind == CU_E_AND || e->kind == CU_E_OR) {
        for (uint32_t i = 0; i < e->n_args; i++)
            if (cu_rel_rejects(e->args[i], lo, hi) != (e->kind == CU_E_OR))
                return e->kind == CU_E_AND;
        return e->kind == CU_E_OR;
    }
    if (e->kind == CU_E_CALL && strcmp(e->func->name, "is_not_null") == 0)
        return strict_in(e->args[0], lo, hi);
    return strict_in(e, lo, hi);
}

bool cu_rel_total(const cu_expr *e)
{
    if (e->kind == CU_E_CALL && !e->func->total)
        return false;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!cu_rel_total(e->args[i]))
            return false;
    return true;
}

/* --- nodes ---------------------------------------------------------------- */

cu_expr *cu_rel_col(cu_sql *s, const cu_node *n, uint32_t col)
{
    return cu_expr_col(s->arena, col, n->schema->fields[col].type, n->pos);
}

static void count_uses(const cu_expr *e, uint32_t *uses)
{
    if (e->kind == CU_E_COL && e->col < CU_AGG_BASE)
        uses[e->col]++;
    for (uint32_t i = 0; i < e->n_args; i++)
        count_uses(e->args[i], uses);
}

static cu_expr *below_one(void *ctx, cu_expr *col)
{
    const cu_node *below = ctx;
    return col->col < CU_AGG_BASE ? below->project.exprs[col->col] : col;
}

cu_node *cu_rel_project(cu_sql *s, cu_node *in, cu_expr **exprs,
                        const char *const *names, uint32_t n)
{
    if (in->kind != CU_N_PROJECT)
        return cu_node_project(s, in, exprs, names, n);
    uint32_t *uses = cu_arena_calloc(s->arena, in->schema->n + 1,
                                     sizeof(*uses));
    for (uint32_t i = 0; i < n; i++)
        count_uses(exprs[i], uses);
    for (uint32_t i = 0; i < in->schema->n; i++)
        if (uses[i] > 1 && in->project.exprs[i]->n_args)
            return cu_node_project(s, in, exprs, names, n);
    cu_expr **own = cu_arena_calloc(s->arena, n + 1, sizeof(*own));
    for (uint32_t i = 0; i < n; i++)
        own[i] = cu_rel_rewrite(s, exprs[i], below_one, in);
    return cu_node_project(s, in->inputs[0], own, names, n);
}

cu_node *cu_rel_append(cu_sql *s, cu_node *in, cu_expr **more, uint32_t n)
{
    if (n == 0)
        return in;
    uint32_t own = in->schema->n;
    cu_expr **exprs = cu_arena_calloc(s->arena, own + n, sizeof(*exprs));
    const char **names = cu_arena_calloc(s->arena, own + n, sizeof(*names));
    for (uint32_t i = 0; i < own; i++) {
        exprs[i] = cu_rel_col(s, in, i);
        names[i] = in->schema->fields[i].name;
    }
    for (uint32_t i = 0; i < n; i++) {
        exprs[own + i] = more[i];
        names[own + i] = more[i]->kind == CU_E_COL && more[i]->col < own
                             ? names[more[i]->col]
                             : cu_arena_printf(s->arena, "k%u", own + i + 1);
    }
    return cu_rel_project(s, in, exprs, names, own + n);
}

cu_node *cu_rel_pick(cu_sql *s, cu_node *in, const uint32_t *cols, uint32_t n)
{
    bool same = n == in->schema->n;
    cu_expr **exprs = cu_arena_calloc(s->arena, n + 1, sizeof(*exprs));
    const char **names = cu_arena_calloc(s->arena, n + 1, sizeof(*names));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = cols ? cols[i] : i;
        same = same && c == i;
        exprs[i] = cu_rel_col(s, in, c);
        names[i] = in->schema->fields[c].name;
    }
    return same ? in : cu_rel_project(s, in, exprs, names, n);
}

cu_node *cu_rel_one_row(cu_sql *s, cu_pos pos)
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
