/* Reading views and tables from outside a worker (query, bootstrap tools).
 *
 * A view is read through spaces of one's own on the same store: committed
 * rows only, whatever the owning worker is doing (S3).  A table is read from
 * its topic, judged like a worker judges it, without letters.
 */
#include "processors/runtime/int.h"

int cu_view_scan(cu_runtime *rt, const cu_view_def *v,
                 int (*push)(void *ctx, const cu_batch *b, cu_err *err),
                 void *ctx, cu_err *err)
{
    const cu_stage *s = cu_stages_of_view(&rt->stages, v);
    uint32_t id = rt->stage_ids[s->index];
    for (int32_t p = 0; p < s->partitions; p++) {
        cu_space *space;
        int rc = cu_space_open(rt->o.store, id, (uint16_t)p, &space, err);
        if (rc)
            return rc;
        rc = cu_materialize_scan(space, s->root, push, ctx, err);
        cu_space_close(space);
        if (rc)
            return rc;
    }
    return 0;
}

typedef struct reading {
    cu_runtime *rt;
    cu_decode_ctx *decode;
    cu_reader *reader;
    cu_arena *arena;
    int (*push)(void *ctx, const cu_batch *b, cu_err *err);
    void *ctx;
} reading;

static int read_records(reading *r, const cu_poll *p, cu_err *err)
{
    cu_pending counts = {0};
    size_t i = 0;
    while (i < p->n) {
        uint32_t n = p->n - i < CU_BATCH_ROWS ? (uint32_t)(p->n - i)
                                              : CU_BATCH_ROWS;
        cu_arena_reset(r->arena);
        cu_batch *b;
        int rc = cu_decode_batch(r->decode, &p->records[i], n, r->arena, NULL,
                                 NULL, &counts, &b, err);
        if (rc == 0 && b->n_sel)
            rc = r->push(r->ctx, b, err);
        if (rc)
            return rc;
        i += n;
    }
    return 0;
}

static int read_partition(reading *r, cu_part part, cu_err *err)
{
    cu_log *log = r->rt->o.log;
    int64_t end;
    cu_position at = {.part = part};
    int rc = log->vt->end_offset(log, part, false, &end, err);
    if (rc == 0)
        rc = log->vt->offset_at(log, part, CU_OLDEST, &at.next, err);
    if (rc || at.next >= end)
        return rc;
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    rc = log->vt->reader_open(log, &o, &r->reader, err);
    while (rc == 0 && at.next < end) {
        cu_poll p;
        rc = cu_log_poll(r->reader, 1000, &p, err);
        if (rc)
            break;
        if (p.kind == CU_POLL_RECORDS)
            rc = read_records(r, &p, err);
        if (p.kind == CU_POLL_RECORDS || p.kind == CU_POLL_END)
            at.next = p.next;
    }
    if (r->reader)
        r->reader->vt->reader_close(r->reader);
    r->reader = NULL;
    return rc;
}

int cu_table_read(cu_runtime *rt, const cu_table_def *t,
                  int (*push)(void *ctx, const cu_batch *b, cu_err *err),
                  void *ctx, cu_err *err)
{
    cu_expr_env env = {.env = rt->o.env, .zone = cu_zone_utc()};
    env.now_us = cu_wall_us(rt->o.env) - CU_PG_EPOCH_US;
    reading r = {.rt = rt, .push = push, .ctx = ctx};
    int rc = cu_decode_open(t, &env, &r.decode, err);
    r.arena = cu_arena_new(64 * 1024);
    for (int32_t p = 0; rc == 0 && p < rt->partitions[t->index]; p++)
        rc = read_partition(&r, (cu_part){t->topic, p}, err);
    cu_arena_free(r.arena);
    cu_decode_close(r.decode);
    return rc;
}
