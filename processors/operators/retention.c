#include "processors/operators/retention.h"

enum { TIME_BYTES = 8 };

int cu_retention_open(cu_retention *r, cu_op *op, uint16_t col, int64_t us,
                      cu_err *err)
{
    cu_space *space = op->env->space;
    *r = (cu_retention){.op = op,
                        .on = true,
                        .col = (uint16_t)(col - 1),
                        .us = us,
                        .horizon = INT64_MIN,
                        .low = INT64_MIN};
    r->index = cu_space_table(space, cu_node_state_table(op->node, 1));
    r->meta = cu_space_table(space, cu_node_state_table(op->node, 2));
    int rc = cu_mark_read(op, r->meta, &r->horizon, err);
    r->swept = r->horizon;
    return rc;
}

void cu_retention_close(cu_retention *r)
{
    cu_buf_free(&r->scratch);
}

void cu_retention_see(cu_retention *r, int64_t ts_us)
{
    if (ts_us > r->horizon && ts_us != INT64_MAX)
        r->horizon = ts_us;
}

static bool is_over(const cu_retention *r, int64_t time)
{
    return time != INT64_MAX && r->horizon != INT64_MIN &&
           cu_instant_add(time, r->us) <= r->horizon;
}

/* INT64_MAX: no row, or one that never leaves. */
static int time_of(const cu_retention *r, cu_slice row, int64_t *time,
                   cu_err *err)
{
    *time = INT64_MAX;
    if (!row.data)
        return 0;
    cu_batch *b = cu_batch_new(r->op->arena, r->op->node->schema, 1);
    int rc = cu_row_decode(row, b, 1, false, err);
    if (!rc && (!cu_instant_at(&b->cols[r->col], 0, time) ||
                !cu_instant_finite(*time)))
        *time = INT64_MAX;
    return rc;
}

int cu_retention_over(cu_retention *r, cu_slice row, bool *over, cu_err *err)
{
    int64_t time;
    *over = false;
    int rc = r->on ? time_of(r, row, &time, err) : 0;
    if (r->on && !rc)
        *over = is_over(r, time);
    return rc;
}

static cu_slice entry(cu_retention *r, int64_t time, cu_slice key)
{
    cu_buf_clear(&r->scratch);
    cu_instant_put_be(&r->scratch, time);
    cu_buf_put_slice(&r->scratch, key);
    return cu_buf_slice(&r->scratch);
}

int cu_retention_move(cu_retention *r, cu_slice key, cu_slice old, cu_slice now,
                      cu_err *err)
{
    int64_t from, to;
    if (!r->on)
        return 0;
    int rc = time_of(r, old, &from, err);
    rc = rc ? rc : time_of(r, now, &to, err);
    if (rc || from == to)
        return rc;
    if (from != INT64_MAX)
        cu_table_del(r->index, entry(r, from, key));
    if (to != INT64_MAX)
        cu_table_put(r->index, entry(r, to, key), CU_LIT(""));
    r->low = to < r->low ? to : r->low;
    return 0;
}

int cu_retention_take(cu_retention *r, cu_slice *keys, uint32_t most,
                      uint32_t *n, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    cu_buf low = {0};
    *n = 0;
    if (!r->on || r->horizon == INT64_MIN ||
        (r->low != INT64_MIN && !is_over(r, r->low)))
        return 0;
    cu_instant_put_be(&low, r->low);
    int rc = cu_table_scan(r->index, cu_buf_slice(&low), CU_NULL_SLICE, false,
                           &it, err);
    cu_buf_free(&low);
    if (rc)
        return rc;
    r->low = INT64_MAX;
    while (cu_table_iter_next(it, &key, &value)) {
        int64_t time = cu_instant_of_be(key);
        if (*n == most || !is_over(r, time)) {
            r->low = time;
            break;
        }
        keys[(*n)++] = cu_arena_slice(r->op->arena, key);
    }
    rc = cu_table_iter_close(it, err);
    for (uint32_t i = 0; i < *n && !rc; i++) {
        cu_table_del(r->index, keys[i]);
        keys[i] = cu_slice_n(keys[i].data + TIME_BYTES,
                             keys[i].len - TIME_BYTES);
    }
    return rc;
}

void cu_retention_settle(cu_retention *r)
{
    if (!r->on || r->horizon == r->swept)
        return;
    r->swept = r->horizon;
    cu_mark_write(r->meta, r->swept);
}
