/* Set-returning functions in a select list: they move to FROM.
 *
 *     SELECT id, unnest(tags), generate_series(1, 2) FROM t
 *       is   SELECT id, s."0", s."1"
 *            FROM t, ROWS FROM (unnest(tags), generate_series(1, 2)) AS s
 *
 * as PostgreSQL evaluates it: all functions of a list step together, the
 * shorter ones go on with NULL, and a row whose functions all give nothing
 * is gone.  Behind GROUP BY, aggregates and OVER the list is computed first:
 *
 *     SELECT k, unnest(array_agg(x)) FROM t GROUP BY k
 *       is   SELECT i.k, s."0" FROM (SELECT k, array_agg(x) AS … GROUP BY k) i,
 *            unnest(…) AS s
 *
 * The tree is changed before it is bound; names in it that SQL cannot write
 * begin with \1.
 */
#include "processors/sql/bind_rel.h"

#define INNER "\1inner"

typedef struct found {
    cu_sql *s;
    const cu_ast_expr **at;
    uint32_t n;
    bool late; /* aggregates or OVER beside them */
} found;

static const char *last_name(const cu_ast_expr *e)
{
    return e->names[e->n_names - 1];
}

static bool is_set(const cu_ast_expr *e)
{
    const unsigned others = CU_FUNC_SCALAR | CU_FUNC_OPERATOR |
                            CU_FUNC_AGGREGATE | CU_FUNC_WINDOW;
    return e->kind == CU_A_CALL && !e->over && !e->distinct && !e->filter &&
           !e->order.n && !e->within_group &&
           cu_func_exists(last_name(e), CU_FUNC_SET) &&
           !cu_func_exists(last_name(e), others);
}

static bool is_late(const cu_ast_expr *e)
{
    return e->kind == CU_A_GROUPING ||
           (e->kind == CU_A_CALL &&
            (e->over || e->star || e->within_group ||
             cu_func_exists(last_name(e), CU_FUNC_AGGREGATE)));
}

/* Where PostgreSQL has no set-returning function. */
static bool is_closed(const cu_ast_expr *e)
{
    return e->kind == CU_A_CASE || e->kind == CU_A_COALESCE ||
           e->kind == CU_A_SUBQUERY || is_late(e);
}

static bool any_late(const cu_ast_expr *e)
{
    if (e == NULL || e->kind == CU_A_SUBQUERY)
        return false;
    if (is_late(e))
        return true;
    for (uint32_t i = 0; i < e->args.n; i++)
        if (any_late(e->args.at[i]))
            return true;
    return false;
}

static void find(found *f, const cu_ast_expr *e)
{
    if (e == NULL || is_closed(e))
        return;
    if (is_set(e)) {
        f->at = cu_sql_grow(f->s->arena, f->at, f->n, sizeof(*f->at));
        f->at[f->n++] = e;
        return;
    }
    for (uint32_t i = 0; i < e->args.n; i++)
        find(f, e->args.at[i]);
}

/* --- the functions as an item of FROM ------------------------------------- */

static cu_ast_expr *column(cu_sql *s, const char *rel, const char *name,
                           cu_pos pos)
{
    cu_ast_expr *e = cu_arena_calloc(s->arena, 1, sizeof(*e));
    e->kind = CU_A_COLUMN;
    e->pos = pos;
    e->n_names = 2;
    e->names = cu_arena_calloc(s->arena, 2, sizeof(*e->names));
    e->names[0] = rel;
    e->names[1] = name;
    return e;
}

static int32_t number_of(const found *f, const cu_ast_expr *e)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (f->at[i] == e)
            return (int32_t)i;
    return -1;
}

/* A copy with the functions replaced by their columns. */
static cu_ast_expr *replaced(const found *f, cu_ast_expr *e)
{
    cu_arena *a = f->s->arena;
    if (e == NULL || is_closed(e))
        return e;
    int32_t i = number_of(f, e);
    if (i >= 0)
        return column(f->s, CU_SRF_REL, cu_arena_printf(a, "%d", i), e->pos);
    i = e->kind == CU_A_FIELD ? number_of(f, e->args.at[0]) : -1;
    if (i >= 0)
        return column(f->s, CU_SRF_REL, cu_arena_printf(a, "%d.%s", i, e->text),
                      e->pos);
    cu_ast_expr *copy = cu_arena_dup(a, e, sizeof(*e));
    copy->args.at = cu_arena_calloc(a, e->args.n + 1, sizeof(*copy->args.at));
    for (uint32_t k = 0; k < e->args.n; k++)
        copy->args.at[k] = replaced(f, e->args.at[k]);
    return copy;
}

static cu_ast_from *functions(const found *f, cu_ast_expr *const *calls)
{
    cu_arena *a = f->s->arena;
    cu_ast_from *all = cu_arena_calloc(a, f->n, sizeof(*all));
    for (uint32_t i = 0; i < f->n; i++) {
        all[i].kind = CU_F_FUNCTION;
        all[i].pos = f->at[i]->pos;
        all[i].lateral = true;
        all[i].call = calls[i];
    }
    all->alias = CU_SRF_REL;
    all->n_more = f->n - 1;
    all->more = cu_arena_calloc(a, f->n, sizeof(*all->more));
    for (uint32_t i = 1; i < f->n; i++)
        all->more[i - 1] = &all[i];
    return all;
}

/* Columns that a list asks of a function: one, or those of a field. */
static bool whole_rows(const found *f, const cu_ast_expr *e, bool field)
{
    if (e == NULL || is_closed(e))
        return false;
    if (number_of(f, e) >= 0)
        return !field && strncmp(last_name(e), "jsonb_each", 10) == 0;
    for (uint32_t i = 0; i < e->args.n; i++)
        if (whole_rows(f, e->args.at[i], e->kind == CU_A_FIELD))
            return true;
    return false;
}

static const char *name_of(const cu_ast_target *t)
{
    if (t->name)
        return t->name;
    return t->expr->kind == CU_A_FIELD ? t->expr->text : cu_bind_name(t->expr);
}

static void targets(const found *f, const cu_ast_select *sel,
                    cu_ast_select *out)
{
    out->targets = cu_arena_dup(f->s->arena, sel->targets,
                                sel->n_targets * sizeof(*out->targets));
    for (uint32_t i = 0; i < sel->n_targets; i++) {
        cu_ast_target *t = &out->targets[i];
        if (t->expr->kind == CU_A_COLUMN)
            continue;
        t->name = name_of(t);
        t->expr = replaced(f, t->expr);
    }
}

static void add_from(cu_sql *s, cu_ast_select *out, cu_ast_from *item)
{
    cu_ast_from **from = cu_arena_calloc(s->arena, out->n_from + 1,
                                         sizeof(*from));
    if (out->n_from)
        memcpy(from, out->from, out->n_from * sizeof(*from));
    from[out->n_from++] = item;
    out->from = from;
}

static void beside(const found *f, cu_ast_select *out)
{
    cu_ast_expr **calls = cu_arena_calloc(f->s->arena, f->n, sizeof(*calls));
    for (uint32_t i = 0; i < f->n; i++)
        calls[i] = cu_arena_dup(f->s->arena, f->at[i], sizeof(**calls));
    targets(f, out, out);
    add_from(f->s, out, functions(f, calls));
}

/* --- behind GROUP BY ------------------------------------------------------ */

static void add_target(cu_sql *s, cu_ast_select *q, cu_ast_expr *e,
                       const char *name)
{
    q->targets = cu_sql_grow(s->arena, q->targets, q->n_targets,
                             sizeof(*q->targets));
    q->targets[q->n_targets++] = (cu_ast_target){e, name, e->pos};
}

/* Arguments that are no constants are columns of the query inside. */
static cu_ast_expr *called_over(cu_sql *s, const cu_ast_expr *call,
                                cu_ast_select *in)
{
    cu_ast_expr *copy = cu_arena_dup(s->arena, call, sizeof(*call));
    copy->args.at = cu_arena_calloc(s->arena, call->args.n + 1,
                                    sizeof(*copy->args.at));
    for (uint32_t i = 0; i < call->args.n; i++) {
        cu_ast_expr *e = call->args.at[i];
        copy->args.at[i] = e;
        if (e->kind == CU_A_STRING || e->kind == CU_A_NUMBER)
            continue;
        const char *name = cu_arena_printf(s->arena, "\1arg%u", in->n_targets);
        add_target(s, in, e, name);
        copy->args.at[i] = column(s, INNER, name, e->pos);
    }
    return copy;
}

/* Only functions alone in their targets, or their fields. */
static bool alone(const found *f, const cu_ast_expr *e)
{
    if (number_of(f, e) >= 0)
        return true;
    return e->kind == CU_A_FIELD && number_of(f, e->args.at[0]) >= 0;
}

static bool holds(const found *f, const cu_ast_expr *e)
{
    found own = {.s = f->s};
    find(&own, e);
    return own.n > 0;
}

/* `out` becomes the query outside. False: not of this shape. */
static bool wrapped(const found *f, cu_ast_select *out)
{
    cu_sql *s = f->s;
    cu_ast_select *in = cu_arena_dup(s->arena, out, sizeof(*out));
    cu_ast_expr **calls = cu_arena_calloc(s->arena, f->n, sizeof(*calls));
    cu_ast_target *shown = cu_arena_calloc(s->arena, out->n_targets,
                                           sizeof(*shown));
    if (out->distinct || out->distinct_on.n)
        return false;
    for (uint32_t i = 0; i < out->order.n; i++)
        if (out->order.at[i].expr->kind != CU_A_NUMBER &&
            (out->order.at[i].expr->kind != CU_A_COLUMN ||
             out->order.at[i].expr->n_names != 1))
            return false;
    in->targets = NULL;
    in->n_targets = 0;
    in->ctes = NULL;
    in->n_ctes = 0;
    in->order = (cu_ast_sorts){0};
    in->limit = in->offset = NULL;
    in->with_ties = false;
    for (uint32_t i = 0; i < out->n_targets; i++) {
        const cu_ast_target *t = &out->targets[i];
        shown[i] = (cu_ast_target){NULL, name_of(t), t->pos};
        const bool star = t->expr->kind == CU_A_COLUMN && t->expr->star;
        if (holds(f, t->expr) ? !alone(f, t->expr) : star)
            return false;
        if (holds(f, t->expr)) {
            shown[i].expr = replaced(f, t->expr);
            continue;
        }
        const char *name = cu_arena_printf(s->arena, "\1col%u", i);
        add_target(s, in, t->expr, name);
        shown[i].expr = column(s, INNER, name, t->pos);
    }
    for (uint32_t i = 0; i < f->n; i++)
        calls[i] = called_over(s, f->at[i], in);
    cu_ast_from *item = cu_arena_calloc(s->arena, 1, sizeof(*item));
    *item = (cu_ast_from){
        .kind = CU_F_SUBQUERY, .pos = out->pos, .select = in, .alias = INNER};
    *out = (cu_ast_select){.pos = out->pos,
                           .targets = shown,
                           .n_targets = out->n_targets,
                           .order = out->order,
                           .limit = out->limit,
                           .offset = out->offset,
                           .with_ties = out->with_ties};
    add_from(s, out, item);
    add_from(s, out, functions(f, calls));
    return true;
}

const cu_ast_select *cu_bind_srf(cu_sql *s, const cu_ast_select *sel)
{
    found f = {.s = s};
    bool rows = false, late = sel->group_by.n || sel->having;
    for (uint32_t i = 0; i < sel->n_targets; i++) {
        find(&f, sel->targets[i].expr);
        late = late || any_late(sel->targets[i].expr);
    }
    for (uint32_t i = 0; i < sel->n_targets && f.n; i++)
        rows = rows || whole_rows(&f, sel->targets[i].expr, false);
    if (f.n == 0 || rows)
        return sel;
    cu_ast_select *out = cu_arena_dup(s->arena, sel, sizeof(*sel));
    if (!late)
        beside(&f, out);
    else if (!wrapped(&f, out))
        return sel;
    return out;
}
