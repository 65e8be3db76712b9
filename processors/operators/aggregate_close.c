/* Closing of groups.
 *
 * State keys begin with the group's first column, so that what the watermark
 * has passed is the beginning of every table: it is deleted key by key, from
 * the earliest group on, and the walk ends at the first open one.  `low` says
 * where that was; the next walk starts there (and not at what RocksDB still
 * has to throw away), and none is made before the watermark reaches it.
 *
 * A NULL time and the infinities never close.
 *
 * The key "" of table 0 holds the watermark of the last expiry:
 *   u8 1 | u64le us
 * so that after a restart a row that comes for a forgotten group is late, as
 * it would have been before.
 */
#include "processors/operators/aggregate_close.h"

#include "processors/operators/instant.h"

enum { CHUNK = 1024 };

static cu_table *table_of(const cu_closer *c, unsigned k)
{
    return cu_space_table(c->op->env->space,
                          cu_node_state_table(c->op->node, k));
}

static uint32_t n_group_of(const cu_node *n)
{
    if (n->kind == CU_N_RANK)
        return n->rank.n_partition;
    return n->kind == CU_N_OVER ? n->over.n_partition : n->aggregate.n_group;
}

int cu_closer_open(cu_closer *c, cu_op *op, const cu_closing *rule,
                   const uint16_t *group, cu_err *err)
{
    *c = (cu_closer){.op = op,
                     .rule = rule,
                     .on = rule->on,
                     .mark = INT64_MIN,
                     .low = INT64_MIN};
    if (!rule->on)
        return 0;
    CU_ASSERT(n_group_of(op->node) > 0);
    c->col = group[0];
    c->type = op->node->inputs[0]->schema->fields[group[0]].type;
    return cu_mark_read(op, table_of(c, 0), &c->mark, err);
}

void cu_closer_mark(cu_closer *c, int64_t ts_us)
{
    if (ts_us > c->mark)
        c->mark = ts_us;
}

static bool is_closed(const cu_closer *c, int64_t us)
{
    return cu_instant_finite(us) &&
           cu_instant_plus(us, c->rule->delay, c->rule->lateness_us) <= c->mark;
}

bool cu_closer_has_closed(const cu_closer *c, cu_slice group_key)
{
    int64_t us;
    return cu_instant_of_key(c->type, group_key, &us) && is_closed(c, us);
}

static int tell_late(cu_closer *c, const cu_batch *b, uint32_t row, int64_t us,
                     cu_err *err)
{
    const cu_op_env *env = c->op->env;
    if (!env->late || cu_batch_weight(b, row) < 0)
        return 0;
    bool is_end = c->rule->delay.months == 0 && c->rule->delay.days == 0 &&
                  c->rule->delay.us == 0;
    cu_late late = {.batch = b,
                    .row = row,
                    .window_start_us = is_end ? INT64_MIN : us,
                    .window_end_us = cu_instant_plus(us, c->rule->delay, 0),
                    .watermark_us = c->mark};
    return env->late(env->ctx, &late, err);
}

int cu_closer_sift(cu_closer *c, const cu_batch **batch, cu_err *err)
{
    const cu_batch *b = *batch;
    const cu_col *col = &b->cols[c->col];
    uint16_t *sel = cu_arena_alloc(c->op->arena, b->n_sel * sizeof(*sel));
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        int64_t us = INT64_MAX;
        if (cu_instant_at(col, row, &us) && is_closed(c, us)) {
            int rc = tell_late(c, b, row, us, err);
            if (rc)
                return rc;
            continue;
        }
        if (us < c->low && cu_instant_finite(us))
            c->low = us;
        sel[n++] = (uint16_t)row;
    }
    if (n < b->n_sel)
        *batch = cu_batch_select(c->op->arena, b, sel, n);
    return 0;
}

/* --- expiry -------------------------------------------------------------- */

typedef struct sweep {
    cu_slice keys[CHUNK];
    uint32_t n;
    int64_t next; /* the first open instant; INT64_MAX: none */
    bool done;
    uint64_t n_deleted;
} sweep;

/* The next closed keys from `from` on. */
static int gather(cu_closer *c, cu_table *t, cu_slice from, sweep *s,
                  cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    int64_t us;
    s->n = 0;
    s->done = true;
    s->next = INT64_MAX;
    int rc = cu_table_scan(t, from, CU_NULL_SLICE, false, &it, err);
    if (rc)
        return rc;
    while (cu_table_iter_next(it, &key, &value)) {
        if (key.len == 0)
            continue;
        bool known = cu_instant_of_key(c->type, key, &us);
        if (known && us == INT64_MIN)
            continue; /* it never closes */
        if (!known || !is_closed(c, us)) {
            s->next = known ? us : INT64_MAX;
            break;
        }
        if (s->n == CHUNK) {
            s->done = false;
            break;
        }
        s->keys[s->n++] = cu_arena_slice(c->op->arena, key);
    }
    return cu_table_iter_close(it, err);
}

static int sweep_table(cu_closer *c, unsigned k, sweep *s,
                       void (*forget)(void *ctx, cu_slice key), void *ctx,
                       cu_err *err)
{
    cu_table *t = table_of(c, k);
    cu_buf from = {0};
    int rc = 0;
    s->done = false;
    cu_instant_key(c->type, c->low, &from);
    if (c->low == INT64_MIN)
        cu_buf_clear(&from);
    while (!rc && !s->done) {
        cu_arena_reset(c->op->arena);
        rc = gather(c, t, cu_buf_slice(&from), s, err);
        c->op->n_keys += s->n;
        s->n_deleted += s->n;
        for (uint32_t i = 0; i < s->n && !rc; i++) {
            if (k == 0)
                forget(ctx, s->keys[i]);
            cu_table_del(t, s->keys[i]);
        }
        if (s->n) {
            cu_buf_clear(&from);
            cu_buf_put_slice(&from, s->keys[s->n - 1]);
        }
    }
    cu_buf_free(&from);
    return rc;
}

int cu_closer_expire(cu_closer *c, unsigned n_tables,
                     void (*forget)(void *ctx, cu_slice key), void *ctx,
                     cu_err *err)
{
    if (c->mark == INT64_MIN || (c->low != INT64_MIN && !is_closed(c, c->low)))
        return 0;
    sweep *s = cu_calloc(1, sizeof(*s));
    int rc = 0;
    for (unsigned k = n_tables; k-- > 0 && !rc;)
        rc = sweep_table(c, k, s, forget, ctx, err);
    if (!rc)
        c->low = s->next; /* of table 0, the last */
    if (!rc && (s->n_deleted || c->forgot))
        cu_mark_write(table_of(c, 0), c->mark);
    c->forgot = false;
    cu_free(s);
    return rc;
}
