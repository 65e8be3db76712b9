/* Operators over an input that has extra columns at its end.
 *
 * Decorrelation computes a subquery for all outside rows at once: the extra
 * columns say for which.  They come out behind the operator's own columns,
 * and take part in what it does per group:
 *
 *     aggregate by (g) -> by (g, extra)    rank, over, session: partition too
 *     flatmap, window, …                   row by row: they just pass
 */
#include "processors/sql/bind_node.h"
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_unnest.h"

/* cols[0..n) and the extra columns. */
static uint16_t *and_extra(cu_sql *s, const uint16_t *cols, uint32_t n,
                           uint32_t first, uint32_t n_extra)
{
    uint16_t *out = cu_arena_calloc(s->arena, n + n_extra + 1, sizeof(*out));
    for (uint32_t i = 0; i < n + n_extra; i++)
        out[i] = i < n ? cols[i] : (uint16_t)(first + i - n);
    return out;
}

/* The output's own columns, then the extra ones that stand at `at`. */
static cu_node *extra_last(cu_sql *s, cu_node *n, uint32_t at, uint32_t n_extra)
{
    uint32_t all = n->schema->n, k = 0;
    uint32_t *cols = cu_arena_calloc(s->arena, all + 1, sizeof(*cols));
    for (uint32_t i = 0; i < all; i++)
        if (i < at || i >= at + n_extra)
            cols[k++] = i;
    for (uint32_t i = 0; i < n_extra; i++)
        cols[k++] = at + i;
    return cu_rel_pick(s, n, cols, all);
}

static const cu_key_col *moved_order(cu_sql *s, const cu_key_col *order,
                                     uint32_t n, uint32_t by)
{
    cu_key_col *out = cu_arena_calloc(s->arena, n + 1, sizeof(*out));
    for (uint32_t i = 0; i < n; i++)
        out[i] = (cu_key_col){(uint16_t)(order[i].col + by), order[i].flags};
    return out;
}

/* project(group…, extra…, all of the input) -> aggregate by the first ones. */
static cu_node *widen_aggregate(cu_sql *s, const cu_node *n, cu_node *in)
{
    uint32_t w = n->inputs[0]->schema->n, n_extra = in->schema->n - w;
    uint32_t n_group = n->aggregate.n_group, by = n_group + n_extra, k = 0;
    uint32_t n_calls = n->aggregate.n_calls;
    uint32_t *cols = cu_arena_calloc(s->arena, by + w + 1, sizeof(*cols));
    for (uint32_t i = 0; i < n_group; i++)
        cols[k++] = n->aggregate.group[i];
    for (uint32_t i = 0; i < n_extra; i++)
        cols[k++] = w + i;
    for (uint32_t i = 0; i < w; i++)
        cols[k++] = i;
    cu_agg_call *calls = cu_arena_calloc(s->arena, n_calls + 1, sizeof(*calls));
    for (uint32_t i = 0; i < n_calls; i++) {
        cu_agg_call *c = &calls[i];
        *c = n->aggregate.calls[i];
        c->arg = c->arg < 0 ? -1 : c->arg + (int32_t)by;
        c->filter = c->filter < 0 ? -1 : c->filter + (int32_t)by;
        c->second = (uint16_t)(c->second + by);
        c->order = moved_order(s, c->order, c->n_order, by);
    }
    cu_node *p = cu_rel_pick(s, in, cols, k);
    cu_node *out = cu_node_aggregate(s, p, by, calls, n_calls, false);
    cu_schema *names = cu_schema_new(s->arena, out->schema->n);
    for (uint32_t i = 0; i < out->schema->n; i++)
        names->fields[i] = out->schema->fields[i];
    for (uint32_t i = 0; i < n_calls; i++)
        names->fields[by + i].name = n->schema->fields[n_group + i].name;
    out->schema = names;
    if (n_group)
        out->aggregate.closing = n->aggregate.closing;
    return extra_last(s, out, n_group, n_extra);
}

/* The schema of `n` over a wider input. */
static const cu_schema *widen_schema(cu_sql *s, const cu_node *n,
                                     const cu_node *in)
{
    uint32_t w = n->inputs[0]->schema->n, own = n->schema->n - w;
    cu_schema *out = cu_schema_new(s->arena, in->schema->n + own);
    for (uint32_t i = 0; i < in->schema->n; i++)
        out->fields[i] = i < w ? n->schema->fields[i] : in->schema->fields[i];
    for (uint32_t i = 0; i < own; i++)
        out->fields[in->schema->n + i] = n->schema->fields[w + i];
    return out;
}

static void widen_key(cu_sql *s, cu_node *out, const cu_node *n, uint32_t w,
                      uint32_t n_extra)
{
    if (n->n_key == 0 && !n->single)
        return;
    uint16_t *key = and_extra(s, n->key, n->n_key, w, n_extra);
    for (uint32_t i = 0; i < n->n_key; i++)
        if (key[i] >= w)
            key[i] = (uint16_t)(key[i] + n_extra);
    out->key = key;
    out->n_key = n->n_key + n_extra;
    out->single = false;
}

static void move_column(uint16_t *col, uint32_t w, uint32_t by)
{
    if (*col > w)
        *col = (uint16_t)(*col + by);
}

cu_node *cu_rel_widened(cu_sql *s, const cu_node *n, cu_node *in)
{
    uint32_t w = n->inputs[0]->schema->n, more = in->schema->n - w;
    if (n->kind == CU_N_AGGREGATE)
        return widen_aggregate(s, n, in);
    cu_node *out = cu_arena_dup(s->arena, n, sizeof(*n));
    out->inputs = cu_arena_dup(s->arena, &in, sizeof(cu_node *));
    out->schema = widen_schema(s, n, in);
    widen_key(s, out, n, w, more);
    move_column(&out->time, w, more);
    move_column(&out->windows.start, w, more);
    move_column(&out->windows.end, w, more);
    move_column(&out->windows.anchor, w, more);
    if (n->kind == CU_N_RANK) {
        out->rank.partition = and_extra(s, n->rank.partition,
                                        n->rank.n_partition, w, more);
        out->rank.n_partition += more;
    } else if (n->kind == CU_N_OVER) {
        out->over.partition = and_extra(s, n->over.partition,
                                        n->over.n_partition, w, more);
        out->over.n_partition += more;
    } else if (n->kind == CU_N_SESSION) {
        out->session.partition = and_extra(s, n->session.partition,
                                           n->session.n_partition, w, more);
        out->session.n_partition += more;
    }
    return extra_last(s, out, w, more);
}
