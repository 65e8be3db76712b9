/* Columns that nobody above needs, dropped from a finished plan.
 *
 * What an operator keeps, and what an exchange sends, are whole rows of its
 * input; so above all the inputs of joins, ranks, windows, sessions and
 * aggregates are worth narrowing.  Columns cost nothing where nothing is
 * kept, so everything else stays as it was bound.
 *
 *     down   each node is told which of its columns are asked for by any of
 *            its parents, and asks its inputs
 *     up     each node is made again over its new inputs, its numbers mapped;
 *            an input that still has too much gets a projection on top
 *
 *     project(id, x)              project(id, x)
 *       join on k = k               join on k = k
 *         source o (id, k, v)         project(id, k)
 *         source r (k, x)               source o
 *                                     source r
 *
 * P1 the root's columns all stay: a view's schema is what was written.
 * P2 a table's rows and a view's rows are whole: they come from elsewhere.
 * P3 history() and changelog() compare whole rows, late rows are shown whole:
 *    below these nothing is dropped.
 * P4 "by arrival" tells rows apart that look the same.  Where such rows can
 *    be taken back it must be said which one: by its key, which stays, or by
 *    all of it.
 *
 * P5 Where a partition may be idle a row may be late behind an exchange, for
 *    what closes there: rows stay whole up to it, to be shown.
 *
 * At the end equal subtrees become one node (bind_unite.c).
 */
#include "processors/sql/bind_prune.h"

#include "base/assert.h"
#include "processors/sql/bind_node.h"

cu_pruned *cu_prune_part(const cu_pruner *p, const cu_node *n)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->parts[i].old == n)
            return &p->parts[i];
    return NULL;
}

static void collect(cu_pruner *p, const cu_node *n)
{
    if (cu_prune_part(p, n))
        return;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        collect(p, n->inputs[i]);
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 32;
        cu_pruned *more = cu_arena_calloc(p->s->arena, p->cap, sizeof(*more));
        if (p->n)
            memcpy(more, p->parts, p->n * sizeof(*more));
        p->parts = more;
    }
    p->parts[p->n++] = (cu_pruned){
        .old = n,
        .asked = cu_arena_calloc(p->s->arena, n->schema->n + 1, sizeof(bool))};
}

/* --- up ------------------------------------------------------------------- */

static void keep_start(const cu_pruner *p, cu_pruned *me)
{
    uint32_t n = me->old->schema->n;
    me->kept = cu_arena_calloc(p->s->arena, n + 1, sizeof(*me->kept));
    me->map = cu_arena_calloc(p->s->arena, n + 1, sizeof(*me->map));
    for (uint32_t i = 0; i < n; i++)
        me->map[i] = UINT32_MAX;
}

static void keep(cu_pruned *me, uint32_t col)
{
    me->map[col] = me->n;
    me->kept[me->n++] = (uint16_t)col;
}

static uint16_t *mapped(const cu_pruner *p, const uint16_t *cols, uint32_t n,
                        const uint32_t *map)
{
    uint16_t *out = cu_arena_calloc(p->s->arena, n + 1, sizeof(*out));
    for (uint32_t i = 0; i < n; i++) {
        CU_ASSERT(map[cols[i]] != UINT32_MAX);
        out[i] = (uint16_t)map[cols[i]];
    }
    return out;
}

static const cu_key_col *mapped_order(const cu_pruner *p,
                                      const cu_key_col *order, uint32_t n,
                                      const uint32_t *map)
{
    cu_key_col *out = cu_arena_calloc(p->s->arena, n + 1, sizeof(*out));
    for (uint32_t i = 0; i < n; i++) {
        CU_ASSERT(map[order[i].col] != UINT32_MAX);
        out[i] = (cu_key_col){(uint16_t)map[order[i].col], order[i].flags};
    }
    return out;
}

/* A column + 1, 0: none; none when it is gone. */
static uint16_t mapped_mark(const cu_pruned *me, uint16_t col)
{
    return col && me->map[col - 1] != UINT32_MAX
               ? (uint16_t)(me->map[col - 1] + 1)
               : 0;
}

/* Schema, key and times of the new node, by what is kept. */
static void finish(const cu_pruner *p, cu_pruned *me)
{
    cu_node *n = me->now;
    const cu_node *old = me->old;
    cu_schema *schema = cu_schema_new(p->s->arena, me->n);
    bool whole = true;
    for (uint32_t i = 0; i < me->n; i++)
        schema->fields[i] = old->schema->fields[me->kept[i]];
    if (me->n < old->schema->n)
        n->schema = schema;
    for (uint32_t i = 0; i < old->n_key; i++)
        whole = whole && me->map[old->key[i]] != UINT32_MAX;
    n->n_key = whole ? old->n_key : 0;
    n->key = n->n_key ? mapped(p, old->key, old->n_key, me->map) : NULL;
    n->time = mapped_mark(me, old->time);
    n->windows.start = mapped_mark(me, old->windows.start);
    n->windows.end = mapped_mark(me, old->windows.end);
    n->windows.anchor = mapped_mark(me, old->windows.anchor);
}

static bool changes(void *ctx, const cu_expr *e)
{
    (void)ctx;
    return cu_expr_is_volatile(e);
}

/* Merged with a projection that is there already, unless what that computes
 * must be computed once. */
static cu_node *on_top(const cu_pruner *p, cu_node *in, const uint32_t *cols,
                       uint32_t n)
{
    if (!cu_rel_own_any(in, changes, NULL))
        return cu_rel_pick(p->s, in, cols, n);
    cu_expr **exprs = cu_arena_calloc(p->s->arena, n + 1, sizeof(*exprs));
    const char **names = cu_arena_calloc(p->s->arena, n + 1, sizeof(*names));
    for (uint32_t i = 0; i < n; i++) {
        exprs[i] = cu_rel_col(p->s, in, cols[i]);
        names[i] = in->schema->fields[cols[i]].name;
    }
    return cu_node_project(p->s, in, exprs, names, n);
}

/* An input with a projection on top, when it has more than is asked for:
 * cols[0..n) of the old input are wanted. Fills `map` from old numbers. */
static cu_node *narrowed(const cu_pruner *p, const cu_pruned *in,
                         const bool *wanted, uint32_t *map, uint32_t *n_cols)
{
    cu_arena *a = p->s->arena;
    uint32_t *cols = cu_arena_calloc(a, in->n + 1, sizeof(*cols));
    uint32_t n = 0;
    for (uint32_t i = 0; i < in->n; i++)
        if (wanted[in->kept[i]])
            cols[n++] = i;
    if (n == 0 && in->n)
        cols[n++] = 0;
    for (uint32_t i = 0; i < in->old->schema->n; i++)
        map[i] = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++)
        map[in->kept[cols[i]]] = i;
    *n_cols = n;
    return n == in->n ? in->now : on_top(p, in->now, cols, n);
}

/* What this node alone wants of its i-th input. */
static cu_node *narrow(const cu_pruner *p, const cu_pruned *me, uint32_t i,
                       uint32_t *map, uint32_t *n_cols)
{
    const cu_node *n = me->old;
    bool join = n->kind == CU_N_JOIN || n->kind == CU_N_ASOF ||
                n->kind == CU_N_LOOKUP;
    cu_pruned alone[2] = {{.old = n->inputs[join ? 0 : i]},
                          {.old = n->inputs[join ? 1 : i]}};
    for (int k = 0; k < 2; k++)
        alone[k].asked = cu_arena_calloc(
            p->s->arena, alone[k].old->schema->n + 1, sizeof(bool));
    cu_ask_alone(me, &alone[0], &alone[1]);
    return narrowed(p, cu_prune_part(p, n->inputs[i]),
                    alone[join ? i : 0].asked, map, n_cols);
}

/* Do its rows stand somewhere, or go through an exchange? */
static bool narrows(const cu_node *n)
{
    switch (n->kind) {
    case CU_N_AGGREGATE:
    case CU_N_RANK:
    case CU_N_OVER:
    case CU_N_SESSION:
    case CU_N_SURROGATE:
    case CU_N_BUFFER:
    case CU_N_TEMPORAL:
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
    case CU_N_UNION:
        return true;
    default:
        return false;
    }
}

/* The new input and the map of its numbers. */
static cu_node *input_of(const cu_pruner *p, const cu_pruned *me, uint32_t i,
                         uint32_t **map, uint32_t *n_cols)
{
    const cu_pruned *in = cu_prune_part(p, me->old->inputs[i]);
    *map = in->map;
    *n_cols = in->n;
    if (!narrows(me->old))
        return in->now;
    *map = cu_arena_calloc(p->s->arena, in->old->schema->n + 1, sizeof(**map));
    return narrow(p, me, i, *map, n_cols);
}

static void count_uses(const cu_expr *e, uint32_t *uses)
{
    if (e->kind == CU_E_COL)
        uses[e->col]++;
    for (uint32_t i = 0; i < e->n_args; i++)
        count_uses(e->args[i], uses);
}

static cu_expr *below(void *ctx, cu_expr *col)
{
    const cu_node *project = ctx;
    return project->project.exprs[col->col];
}

/* A projection over one of plain columns, or of values used once, needs the
 * other no more. */
static void fold(const cu_pruner *p, cu_node *n)
{
    cu_node *in = n->inputs[0];
    uint32_t count = n->schema->n;
    if (in->kind != CU_N_PROJECT || cu_rel_own_any(in, changes, NULL))
        return;
    uint32_t *uses = cu_arena_calloc(p->s->arena, in->schema->n + 1,
                                     sizeof(*uses));
    for (uint32_t i = 0; i < count; i++)
        count_uses(n->project.exprs[i], uses);
    for (uint32_t i = 0; i < in->schema->n; i++)
        if (uses[i] > 1 && in->project.exprs[i]->n_args)
            return;
    for (uint32_t i = 0; i < count; i++)
        n->project.exprs[i] = cu_rel_rewrite(p->s, n->project.exprs[i], below,
                                             in);
    n->inputs[0] = in->inputs[0];
}

/* The same columns under the same names. */
static bool adds_nothing(const cu_node *n)
{
    const cu_schema *in = n->inputs[0]->schema;
    if (n->schema->n != in->n)
        return false;
    for (uint32_t i = 0; i < in->n; i++)
        if (n->project.exprs[i]->kind != CU_E_COL ||
            n->project.exprs[i]->col != i ||
            strcmp(n->schema->fields[i].name, in->fields[i].name) != 0)
            return false;
    return true;
}

static void build_project(cu_pruner *p, cu_pruned *me, const uint32_t *map)
{
    const cu_node *old = me->old;
    for (uint32_t i = 0; i < old->schema->n; i++)
        if (me->asked[i])
            keep(me, i);
    cu_expr **exprs = cu_arena_calloc(p->s->arena, me->n + 1, sizeof(*exprs));
    for (uint32_t i = 0; i < me->n; i++)
        exprs[i] = cu_rel_mapped(p->s, old->project.exprs[me->kept[i]], map);
    me->now->project.exprs = exprs;
}

static void build_aggregate(cu_pruner *p, cu_pruned *me, const uint32_t *map)
{
    const cu_node *old = me->old;
    uint32_t n_group = old->aggregate.n_group, n = 0;
    cu_agg_call *calls = cu_arena_calloc(
        p->s->arena, old->aggregate.n_calls + 1, sizeof(*calls));
    for (uint32_t i = 0; i < n_group; i++)
        keep(me, i);
    for (uint32_t i = 0; i < old->aggregate.n_calls; i++) {
        if (!me->asked[n_group + i])
            continue;
        keep(me, n_group + i);
        cu_agg_call *c = &calls[n++];
        *c = old->aggregate.calls[i];
        c->arg = c->arg < 0 ? -1 : (int32_t)map[c->arg];
        c->filter = c->filter < 0 ? -1 : (int32_t)map[c->filter];
        c->second = c->has_second ? (uint16_t)map[c->second] : 0;
        c->order = mapped_order(p, c->order, c->n_order, map);
    }
    me->now->aggregate.group = mapped(p, old->aggregate.group, n_group, map);
    me->now->aggregate.calls = calls;
    me->now->aggregate.n_calls = n;
}

static void build_join(cu_pruner *p, cu_pruned *me, const uint32_t *l,
                       const uint32_t *r, uint32_t n_left)
{
    const cu_node *old = me->old;
    cu_node *n = me->now;
    uint32_t own = old->inputs[0]->schema->n;
    uint32_t more = old->inputs[1]->schema->n;
    uint32_t *both = cu_arena_calloc(p->s->arena, own + more + 1,
                                     sizeof(*both));
    for (uint32_t i = 0; i < own; i++)
        both[i] = l[i];
    for (uint32_t i = 0; i < more; i++)
        both[own + i] = r[i] == UINT32_MAX ? r[i] : r[i] + n_left;
    for (uint32_t i = 0; i < old->schema->n; i++)
        if (both[i] != UINT32_MAX)
            keep(me, i);
    n->join.left = mapped(p, old->join.left, old->join.n_keys, l);
    n->join.right = mapped(p, old->join.right, old->join.n_keys, r);
    if (old->join.left_time)
        n->join.left_time = (uint16_t)(l[old->join.left_time - 1] + 1);
    if (old->join.right_time)
        n->join.right_time = (uint16_t)(r[old->join.right_time - 1] + 1);
    if (old->join.residual)
        n->join.residual = cu_rel_mapped(p->s, old->join.residual, both);
}

static void build_over(cu_pruner *p, cu_pruned *me, const uint32_t *map)
{
    const cu_node *old = me->old;
    cu_node *n = me->now;
    uint32_t own = old->inputs[0]->schema->n, k = 0;
    cu_over_call *calls = cu_arena_calloc(p->s->arena, old->over.n_calls + 1,
                                          sizeof(*calls));
    for (uint32_t i = 0; i < old->over.n_calls; i++) {
        if (!me->asked[own + i])
            continue;
        keep(me, own + i);
        cu_over_call *c = &calls[k++];
        *c = old->over.calls[i];
        for (uint32_t j = 0; j < c->n_args; j++)
            c->args[j] = (uint16_t)map[c->args[j]];
        c->filter = c->filter < 0 ? -1 : (int32_t)map[c->filter];
    }
    n->over.calls = calls;
    n->over.n_calls = k;
    if (k == 0) { /* nothing that it adds is asked for */
        me->now = n->inputs[0];
        return;
    }
    n->over.partition = mapped(p, old->over.partition, old->over.n_partition,
                               map);
    n->over.order = mapped_order(p, old->over.order, old->over.n_order, map);
}

static void build_rank(cu_pruner *p, cu_pruned *me, const uint32_t *map)
{
    const cu_node *old = me->old;
    cu_node *n = me->now;
    uint32_t own = old->inputs[0]->schema->n;
    n->rank.partition = mapped(p, old->rank.partition, old->rank.n_partition,
                               map);
    n->rank.order = mapped_order(p, old->rank.order, old->rank.n_order, map);
    if (!old->rank.numbered)
        return;
    n->rank.numbered = me->asked[own];
    if (n->rank.numbered)
        keep(me, own);
    else if (n->rank.limit < 0 && n->rank.offset == 0)
        me->now = n->inputs[0];
}

/* Column numbers of the input in a node that passes its columns on. */
static void build_own(cu_pruner *p, cu_pruned *me, const uint32_t *map)
{
    const cu_node *old = me->old;
    cu_node *n = me->now;
    switch (n->kind) {
    case CU_N_FILTER:
        n->filter.predicate = cu_rel_mapped(p->s, old->filter.predicate, map);
        break;
    case CU_N_FLATMAP:
        n->flatmap.args = cu_arena_calloc(p->s->arena, n->flatmap.n_args + 1,
                                          sizeof(*n->flatmap.args));
        for (uint32_t i = 0; i < n->flatmap.n_args; i++)
            n->flatmap.args[i] = cu_rel_mapped(p->s, old->flatmap.args[i], map);
        break;
    case CU_N_EXPAND:
        n->expand.group = mapped(p, old->expand.group, n->expand.n_group, map);
        break;
    case CU_N_WATERMARK:
        n->watermark.col = (uint16_t)map[old->watermark.col];
        break;
    case CU_N_WINDOW:
        n->window.time = (uint16_t)map[old->window.time];
        break;
    case CU_N_SESSION:
        n->session.time = (uint16_t)map[old->session.time];
        n->session.partition = mapped(p, old->session.partition,
                                      n->session.n_partition, map);
        break;
    case CU_N_BUFFER:
        n->buffer.col = (uint16_t)map[old->buffer.col];
        break;
    case CU_N_TEMPORAL:
        if (old->temporal.from)
            n->temporal.from = (uint16_t)(map[old->temporal.from - 1] + 1);
        if (old->temporal.until)
            n->temporal.until = (uint16_t)(map[old->temporal.until - 1] + 1);
        break;
    case CU_N_HISTORY:
        n->history.key = mapped(p, old->history.key, n->history.n_key, map);
        break;
    case CU_N_SURROGATE:
        n->surrogate.key = mapped(p, old->surrogate.key, n->surrogate.n_key,
                                  map);
        break;
    default:
        break;
    }
}

static void build_passing(cu_pruner *p, cu_pruned *me, const uint32_t *map)
{
    const cu_node *old = me->old;
    uint32_t own = old->inputs[0]->schema->n;
    for (uint32_t i = 0; i < own; i++)
        if (map[i] != UINT32_MAX)
            keep(me, i);
    if (old->kind == CU_N_OVER) {
        build_over(p, me, map);
        return;
    }
    if (old->kind == CU_N_RANK) {
        build_rank(p, me, map);
        return;
    }
    for (uint32_t i = own; i < old->schema->n; i++)
        keep(me, i);
    build_own(p, me, map);
}

static void build(cu_pruner *p, cu_pruned *me)
{
    const cu_node *old = me->old;
    uint32_t **maps = cu_arena_calloc(p->s->arena, old->n_inputs + 1,
                                      sizeof(*maps));
    uint32_t *widths = cu_arena_calloc(p->s->arena, old->n_inputs + 1,
                                       sizeof(*widths));
    keep_start(p, me);
    me->now = cu_arena_dup(p->s->arena, old, sizeof(*old));
    cu_node *made = me->now;
    made->inputs = cu_arena_calloc(p->s->arena, old->n_inputs + 1,
                                   sizeof(*made->inputs));
    for (uint32_t i = 0; i < old->n_inputs; i++)
        made->inputs[i] = input_of(p, me, i, &maps[i], &widths[i]);
    switch (old->kind) {
    case CU_N_SOURCE:
    case CU_N_VIEW:
    case CU_N_VALUES:
        for (uint32_t i = 0; i < old->schema->n; i++)
            keep(me, i);
        break;
    case CU_N_PROJECT:
        build_project(p, me, maps[0]);
        break;
    case CU_N_AGGREGATE:
        build_aggregate(p, me, maps[0]);
        break;
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
        build_join(p, me, maps[0], maps[1], widths[0]);
        break;
    case CU_N_UNION:
        for (uint32_t i = 0; i < old->schema->n; i++)
            if (maps[0][i] != UINT32_MAX)
                keep(me, i);
        break;
    default:
        build_passing(p, me, maps[0]);
        break;
    }
    if (me->now != made)
        return;
    finish(p, me);
    if (made->kind != CU_N_PROJECT)
        return;
    fold(p, made);
    if (adds_nothing(made))
        me->now = made->inputs[0];
}

cu_node *cu_bind_prune(cu_sql *s, cu_node *root)
{
    cu_pruner p = {.s = s};
    collect(&p, root);
    cu_ask_all(&p.parts[p.n - 1]); /* P1 */
    for (uint32_t i = p.n; i-- > 0;) {
        cu_ask_some(&p.parts[i]);
        cu_ask(&p, &p.parts[i]);
    }
    for (uint32_t i = 0; i < p.n; i++)
        build(&p, &p.parts[i]);
    return cu_bind_unite(s, p.parts[p.n - 1].now);
}
