/* Records of one input, through everything that reads it.
 *
 * A table's records are decoded once per worker and pushed to every entry
 * that reads the table; blocks of an exchange likewise.  Rows that an
 * instance has applied before (it was ahead when the worker started) are
 * left out for it.
 *
 * Watermarks: each row carries its partition's watermark as it was before the
 * row, so that lateness never depends on how records were cut into batches
 * (decision 14).  Where the reader's time is ahead of the partition's (the
 * partition was idle, or time has ended) the rows carry the reader's.
 */
#include "processors/runtime/time.h"

#include "processors/runtime/letters.h"
#include "processors/runtime/sabotage.h"
#include "processors/runtime/snapshot.h"

/* The batch without the rows that the sub has applied already. */
static const cu_batch *unseen(cu_worker *w, const cu_batch *b, int64_t next)
{
    if (b->n_sel == 0 ||
        b->records[b->origins[cu_batch_row(b, 0)]].offset >= next)
        return b;
    uint16_t *sel = cu_arena_alloc(w->arena, b->n_sel * sizeof(*sel));
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        if (b->records[b->origins[row]].offset >= next)
            sel[n++] = (uint16_t)row;
    }
    return cu_batch_select(w->arena, b, sel, n);
}

static int64_t event_time(const cu_col *c, uint32_t row)
{
    if (c->type.kind == CU_T_DATE)
        return (int64_t)CU_COL(c, int32_t)[cu_col_at(c, row)] * 86400000000;
    return CU_COL(c, int64_t)[cu_col_at(c, row)];
}

/* Takes the rows out that are stamped beyond the clock + max_future. */
static int clamp(cu_worker *w, cu_feed_in *in, cu_batch *b, cu_pending *counts,
                 bool fresh, cu_err *err)
{
    const cu_table_def *t = in->table;
    if (t->watermark_col < 0 || t->max_future_us == 0)
        return 0;
    const cu_col *c = &b->cols[t->watermark_col];
    int64_t now = w->expr_env.now_us, room = INT64_MAX - 1 - now;
    int64_t most = now + (t->max_future_us < room ? t->max_future_us : room);
    uint16_t *sel = cu_arena_alloc(b->arena, CU_BATCH_ROWS * sizeof(*sel));
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        if (cu_col_is_null(c, row) || event_time(c, row) <= most) {
            sel[n++] = (uint16_t)row;
            continue;
        }
        counts->applied--;
        counts->late++;
        cu_snapshot_fault(in, b->records[b->origins[row]].offset);
        int rc = !fresh ? 0
                        : cu_letter_future(w, t, &b->records[b->origins[row]],
                                           event_time(c, row), err);
        if (rc)
            return rc;
    }
    if (n == b->n_sel)
        return 0;
    b->sel = sel;
    b->n_sel = n;
    return 0;
}

/* Stamps every row and moves the input's watermark. */
static void stamp(cu_feed_in *in, cu_batch *b)
{
    int32_t col = in->table->watermark_col;
    if (col < 0 || b->n_rows == 0)
        return;
    int64_t *marks = cu_arena_alloc(b->arena, b->n_rows * sizeof(*marks));
    const cu_col *c = &b->cols[col];
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        marks[row] = in->watermark_us;
        if (cu_col_is_null(c, row))
            continue;
        int64_t ts = event_time(c, row);
        if (ts == CU_TS_INFINITY || ts == CU_TS_MINUS_INFINITY ||
            ts <= in->max_ts_us)
            continue;
        in->max_ts_us = ts;
        in->watermark_us = ts - in->table->watermark_delay_us;
    }
    b->marks = marks;
}

/* The batch with no row stamped below the reader's own time. */
static const cu_batch *restamp(cu_worker *w, const cu_batch *b, int64_t mark)
{
    int64_t *marks = cu_arena_alloc(w->arena, b->n_rows * sizeof(*marks));
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        marks[row] = b->marks[row] > mark ? b->marks[row] : mark;
    }
    cu_batch *out = cu_arena_dup(w->arena, b, sizeof(*b));
    out->marks = marks;
    return out;
}

/* `mark`: the sender's watermark before these rows. */
static int push_subs(cu_worker *w, cu_feed_in *in, const cu_batch *b,
                     int64_t mark, cu_err *err)
{
    for (uint32_t k = 0; k < in->n_subs; k++) {
        cu_sub *s = &in->subs[k];
        int64_t next = s->instance->slots[s->slot].next;
        int64_t here = cu_entry_watermark(s->entry);
        const cu_batch *mine = in->table ? unseen(w, b, next) : b;
        if (mine->marks && here > mark)
            mine = restamp(w, mine, here);
        int rc = cu_op_push(s->entry, 0, mine, err);
        if (rc) {
            cu_err_note(err, "stage %s[%d]: ", s->instance->stage->name,
                        (int)s->instance->partition);
            return rc;
        }
    }
    return 0;
}

static int push_watermark(cu_feed_in *in, int64_t before, cu_err *err)
{
    if (in->watermark_us == before)
        return 0;
    for (uint32_t k = 0; k < in->n_subs; k++) {
        int rc = cu_op_watermark(in->subs[k].entry, 0, in->watermark_us, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* A record and who reads it. */
typedef struct hearing {
    cu_worker *worker;
    cu_feed_in *in;
    bool fresh; /* letters have not been written yet */
} hearing;

static int reject(void *ctx, const cu_table_def *t, const cu_record *r,
                  const cu_faults *faults, cu_err *err)
{
    const hearing *h = ctx;
    cu_snapshot_fault(h->in, r->offset);
    return h->fresh ? cu_letter_record(h->worker, t, r, faults, err) : 0;
}

#ifdef CU_SABOTAGE
cu_sabotage cu_sabotage_now;

void cu_sabotage_read(cu_env *env)
{
    const char *name = env->vt->variable(env, "CUPEL_SABOTAGE");
    if (name && strcmp(name, "restore-to-lso") == 0)
        cu_sabotage_now = CU_SABOTAGE_STABLE;
    else if (name && strcmp(name, "no-seek") == 0)
        cu_sabotage_now = CU_SABOTAGE_GO_ON;
}

/* What the simulation must notice: see sabotage.h. */
static void lose_row(cu_batch *b)
{
    static unsigned n;
    if (CU_SABOTAGED(CU_SABOTAGE_LOSE_ROW) && ++n % 5 == 0 && b->n_sel &&
        b->sel == NULL)
        b->n_sel = b->n_rows = b->n_rows - 1;
}
#else
static void lose_row(cu_batch *b)
{
    (void)b;
}
#endif

/* Records of one batch that all lie on one side of `settled`. */
static int feed_rows(cu_worker *w, cu_feed_in *in, const cu_record *records,
                     uint32_t n, cu_err *err)
{
    cu_pending replayed = {0};
    bool fresh = records[0].offset >= in->settled;
    hearing h = {w, in, fresh};
    cu_pending *counts = fresh ? &in->pending : &replayed;
    cu_arena_reset(w->arena);
    cu_batch *b;
    int rc = cu_decode_batch(in->decode, records, n, w->arena, reject, &h,
                             counts, &b, err);
    if (rc == 0)
        rc = clamp(w, in, b, counts, fresh, err);
    if (rc)
        return rc;
    int64_t before = in->watermark_us;
    stamp(in, b);
    lose_row(b);
    rc = push_subs(w, in, b, before, err);
    return rc ? rc : push_watermark(in, before, err);
}

static int feed_table(cu_worker *w, cu_feed_in *in, const cu_poll *p,
                      cu_err *err)
{
    bool snapshots = in->table->mode == CU_MODE_SNAPSHOT;
    size_t i = CU_SABOTAGED(CU_SABOTAGE_CUT) && p->n > 1 &&
               p->records[0].offset > 0;
    while (i < p->n) {
        cu_slice mark = snapshots ? cu_snapshot_mark(&p->records[i])
                                  : CU_NULL_SLICE;
        if (mark.data) {
            int rc = cu_snapshot_feed(w, in, &p->records[i], mark, err);
            if (rc)
                return rc;
            i++;
            continue;
        }
        bool fresh = p->records[i].offset >= in->settled;
        uint32_t n = 1;
        while (i + n < p->n && n < CU_BATCH_ROWS &&
               (p->records[i + n].offset >= in->settled) == fresh &&
               !(snapshots && cu_snapshot_mark(&p->records[i + n]).data))
            n++;
        int rc = feed_rows(w, in, &p->records[i], n, err);
        if (rc)
            return rc;
        i += n;
    }
    return 0;
}

static int feed_block(cu_worker *w, cu_feed_in *in, const cu_record *r,
                      cu_err *err)
{
    cu_block_head h;
    cu_batch *b;
    cu_arena_reset(w->arena);
    int rc = cu_block_decode(r->value, in->exchange->root->schema, w->arena, &h,
                             &b, err);
    if (rc) {
        char part[300];
        cu_err_note(
            err, "%s offset %lld: ", cu_part_name(r->part, part, sizeof(part)),
            (long long)r->offset);
        return rc;
    }
    int64_t before = in->watermark_us, sender = INT64_MAX;
    if (h.source < in->n_upstream)
        sender = in->upstream[h.source].watermark_us;
    cu_time_hear(in, h.source, h.watermark_us, h.idle);
    if (b)
        rc = push_subs(w, in, b, sender, err);
    return rc ? rc : push_watermark(in, before, err);
}

static int feed_blocks(cu_worker *w, cu_feed_in *in, const cu_poll *p,
                       cu_err *err)
{
    for (size_t i = 0; i < p->n; i++) {
        const cu_record *r = &p->records[i];
        if (r->offset < in->settled && in->n_subs == 1)
            continue;
        int rc = feed_block(w, in, r, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Everything below `next` is applied by all who hear this input. */
static void advance(cu_worker *w, cu_feed_in *in, int64_t next)
{
    if (next <= in->next)
        return;
    in->next = next;
    w->moved = true;
    for (uint32_t k = 0; k < w->n_instances; k++) {
        cu_instance *i = w->instances[k];
        for (uint32_t s = 0; s < i->n_slots; s++) {
            if (i->slots[s].in != in || i->slots[s].next >= next)
                continue;
            i->slots[s].next = next;
            i->moved = true;
        }
    }
}

static int feed_input(cu_worker *w, cu_feed_in *in, const cu_poll *p,
                      cu_err *err)
{
    in->at_end = false;
    if (in->table)
        in->idle = false; /* an exchange's marks say what it is */
    in->heard_ms = cu_mono_ms(w->rt->o.env);
    int rc = in->table ? feed_table(w, in, p, err) : feed_blocks(w, in, p, err);
    if (rc == 0)
        advance(w, in, p->next);
    return rc;
}

int cu_feed_records(cu_worker *w, const cu_poll *p, cu_err *err)
{
    cu_feed_in *in = cu_worker_input(w, p->part.topic, p->part.partition);
    if (in == NULL || p->n == 0)
        return 0;
    cu_worker_tick(w);
    for (size_t i = 0; i < p->n; i++) {
        if (p->records[i].timestamp_ms > w->newest_ms)
            w->newest_ms = p->records[i].timestamp_ms;
        w->bytes += (int64_t)p->records[i].value.len;
    }
    int rc = 0;
    for (; in && rc == 0; in = in->twin)
        if (in->n_subs)
            rc = feed_input(w, in, p, err);
    w->rows += (int64_t)p->n;
    return rc;
}

void cu_feed_end(cu_worker *w, const cu_poll *p)
{
    cu_feed_in *in = cu_worker_input(w, p->part.topic, p->part.partition);
    for (; in; in = in->twin) {
        if (in->n_subs == 0)
            continue;
        advance(w, in, p->next);
        in->at_end = true;
    }
}
