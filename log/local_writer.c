/* Writers of the embedded log: transactions that become one write.
 *
 *     idle --begin--> open --commit--> idle
 *                      |  \--commit fails--> failed --abort--> idle
 *                      \--abort--> idle
 *     any --killed by a fault point--> dead
 *
 * append() encodes at once into the blocks of its partition; offsets are
 * given at commit, where the base goes into the key.  So a record is copied
 * twice (block, kv batch) and touched once.
 *
 *     pile (one per partition written to)
 *       bytes   [ block ][ block ][ block under way ]
 *       blocks  where each starts, its info
 *
 * Under commit_lock: attempt, members and topics are checked, offsets given,
 * everything written with one kv write, then published to memory and the
 * readers woken.  A reader can never see ends without blocks (local.c, 1).
 */
#include "log/local.h"

#include "base/alloc.h"
#include "base/assert.h"

enum {
    KEEP_BYTES = 4 << 20,      /* a larger buffer goes after its transaction */
    RECORD_OVERHEAD = 61 + 40, /* a batch's head and a record's varints */
    HEADER_OVERHEAD = 10,
};
#define MAX_TXN_BYTES ((size_t)1 << 30)

typedef struct span { /* a block in a pile */
    size_t at, len;
    cu_block_info info;
} span;

typedef struct pile {
    cu_local_part *p;
    cu_buf bytes;
    cu_block_writer block; /* under way when `building` */
    bool building, touched;
    span *blocks;
    size_t n_blocks, cap_blocks;
    int64_t n_records;
} pile;

typedef struct target { /* a topic this writer has used */
    cu_local_topic *topic;
    pile **piles; /* by partition; NULL: not used yet */
} target;

typedef struct mark {
    cu_local_group *group;
    uint64_t member, generation;
    cu_local_part *p;
    int64_t next;
} mark;

typedef struct writer {
    cu_writer base;
    cu_local *l;
    cu_local_id *id;
    uint64_t attempt;
    enum { IDLE, OPEN, FAILED, DEAD } state;
    cu_map *targets; /* topic name -> target */
    uint64_t n_deletes;
    pile *last;
    pile **touched; /* in order of the first append */
    size_t n_touched, cap_touched;
    size_t n_bytes;
    mark *marks;
    size_t n_marks, cap_marks;
    cu_kv_batch state_batch, batch;
} writer;

/* --- piles -------------------------------------------------------------- */

static void end_block(pile *d)
{
    if (!d->building)
        return;
    if (d->n_blocks == d->cap_blocks) {
        d->cap_blocks = d->cap_blocks ? d->cap_blocks * 2 : 4;
        d->blocks = cu_realloc(d->blocks, d->cap_blocks * sizeof(*d->blocks));
    }
    cu_block_end(&d->block);
    d->blocks[d->n_blocks++] = (span){
        d->block.at, cu_block_size_bytes(&d->block), d->block.info};
    d->building = false;
}

static void empty_pile(pile *d)
{
    if (d->bytes.cap > KEEP_BYTES)
        cu_buf_free(&d->bytes);
    cu_buf_clear(&d->bytes);
    d->n_blocks = 0;
    d->n_records = 0;
    d->building = d->touched = false;
}

static void free_target(target *t)
{
    for (int32_t i = 0; i < t->topic->n_parts; i++) {
        pile *d = t->piles[i];
        if (!d)
            continue;
        cu_buf_free(&d->bytes);
        cu_free(d->blocks);
        cu_free(d);
    }
    cu_free(t->piles);
    cu_free(t);
}

static void forget_targets(writer *w)
{
    void *t;
    for (size_t at = 0; cu_map_next(w->targets, &at, NULL, &t);)
        free_target(t);
    cu_map_reset(w->targets);
    w->last = NULL;
}

/* Nothing of the transaction is left. */
static void clear(writer *w)
{
    for (size_t i = 0; i < w->n_touched; i++)
        empty_pile(w->touched[i]);
    w->n_touched = w->n_marks = w->n_bytes = 0;
    cu_kv_batch_clear(&w->state_batch);
    cu_kv_batch_clear(&w->batch);
    if (w->batch.ops.cap > KEEP_BYTES)
        cu_kv_batch_free(&w->batch);
}

static int find_target(writer *w, cu_part part, target **out, cu_err *err)
{
    void **slot = cu_map_get(w->targets, cu_slice_of(part.topic));
    if (!slot) {
        cu_local_part *p = NULL;
        pthread_mutex_lock(&w->l->lock);
        int rc = cu_local_find(w->l, part.topic, 0, &p, err);
        pthread_mutex_unlock(&w->l->lock);
        if (rc)
            return rc;
        target *t = cu_calloc(1, sizeof(*t));
        t->topic = p->topic;
        t->piles = cu_calloc((size_t)p->topic->n_parts, sizeof(*t->piles));
        bool fresh;
        slot = cu_map_put(w->targets, cu_slice_of(part.topic), &fresh);
        *slot = t;
    }
    *out = *slot;
    return 0;
}

static int find_pile(writer *w, cu_part part, pile **out, cu_err *err)
{
    target *t;
    int rc = find_target(w, part, &t, err);
    if (rc)
        return rc;
    if (part.partition < 0 || part.partition >= t->topic->n_parts)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "topic %s has no partition %d; it has %d, counted "
                       "from 0",
                       part.topic, (int)part.partition, (int)t->topic->n_parts);
    pile **d = &t->piles[part.partition];
    if (!*d) {
        *d = cu_calloc(1, sizeof(**d));
        (*d)->p = &t->topic->parts[part.partition];
    }
    *out = w->last = *d;
    return 0;
}

static void touch(writer *w, pile *d)
{
    if (w->n_touched == w->cap_touched) {
        w->cap_touched = w->cap_touched ? w->cap_touched * 2 : 8;
        w->touched = cu_realloc(w->touched,
                                w->cap_touched * sizeof(*w->touched));
    }
    w->touched[w->n_touched++] = d;
    d->touched = true;
}

/* --- begin, append, mark, attach ----------------------------------------- */

/* Under either lock. */
static int check_attempt(const writer *w, cu_err *err)
{
    if (w->attempt == w->id->attempt)
        return 0;
    return cu_fail(err, CU_FENCED, CU_FATAL,
                   "transaction id %s: a newer writer was opened with it",
                   w->id->name);
}

static int wrong_state(const writer *w, cu_err *err)
{
    if (w->state == DEAD)
        return cu_fail(err, CU_STOPPED, CU_FATAL,
                       "the writer of %s was stopped at a fault point",
                       w->id->name);
    CU_ASSERT(w->state == FAILED); /* else begin() was forgotten */
    return cu_fail(err, CU_USAGE, CU_ABORT,
                   "the transaction of %s failed and must be aborted",
                   w->id->name);
}

int cu_local_begin(cu_writer *base, cu_err *err)
{
    writer *w = (writer *)base;
    CU_ASSERT(w->state != OPEN);
    if (w->state != IDLE)
        return wrong_state(w, err);
    pthread_mutex_lock(&w->l->lock);
    int rc = check_attempt(w, err);
    bool moved = w->n_deletes != w->l->n_deletes;
    w->n_deletes = w->l->n_deletes;
    pthread_mutex_unlock(&w->l->lock);
    if (rc)
        return rc;
    if (moved) /* a topic of that name may be another one now */
        forget_targets(w);
    w->state = OPEN;
    return 0;
}

static int too_large(const pile *d, size_t size, cu_err *err)
{
    return cu_fail(err, CU_LIMIT, 0,
                   "a record of %zu bytes is larger than topic %s takes "
                   "(%lld bytes)",
                   size, d->p->topic->name,
                   (long long)d->p->topic->max_record_bytes);
}

/* As Kafka weighs them, so that both transports refuse the same records. */
static size_t weight(const cu_record *r)
{
    size_t size = r->key.len + r->value.len + RECORD_OVERHEAD;
    for (uint32_t i = 0; i < r->n_headers; i++)
        size += r->headers[i].name.len + r->headers[i].value.len +
                HEADER_OVERHEAD;
    return size;
}

int cu_local_append(cu_writer *base, const cu_record *r, cu_err *err)
{
    writer *w = (writer *)base;
    if (w->state != OPEN)
        return wrong_state(w, err);
    pile *d = w->last;
    if (!d || d->p->n != r->part.partition ||
        strcmp(d->p->topic->name, r->part.topic)) {
        int rc = find_pile(w, r->part, &d, err);
        if (rc)
            return rc;
    }
    size_t size = weight(r);
    if (size > (size_t)d->p->topic->max_record_bytes)
        return too_large(d, size, err);
    if (d->p->topic->compact && !r->key.data)
        return cu_fail(err, CU_DATA, 0,
                       "topic %s is compacted: its records need a key",
                       d->p->topic->name);
    if (w->n_bytes + size > MAX_TXN_BYTES) {
        w->state = FAILED;
        return cu_fail(err, CU_LIMIT, CU_ABORT,
                       "the transaction of %s is larger than 1 GiB; commit "
                       "more often",
                       w->id->name);
    }
    if (!d->touched)
        touch(w, d);
    if (d->building && cu_block_size_bytes(&d->block) >= CU_LOCAL_BLOCK_BYTES)
        end_block(d);
    if (!d->building) {
        cu_block_start(&d->block, &d->bytes);
        d->building = true;
    }
    cu_block_add(&d->block, d->block.next_rel, r);
    d->n_records++;
    w->n_bytes += size;
    return 0;
}

int cu_local_mark(cu_writer *base, cu_reader *reader, cu_part part,
                  int64_t next, cu_err *err)
{
    writer *w = (writer *)base;
    if (w->state != OPEN)
        return wrong_state(w, err);
    CU_ASSERT(next >= 0);
    cu_local_part *p = NULL;
    pthread_mutex_lock(&w->l->lock);
    const cu_local_member *m = cu_local_reader_member(reader, part, &p);
    mark fresh = {0};
    if (m)
        fresh = (mark){m->group, m->id, m->generation, p, next};
    pthread_mutex_unlock(&w->l->lock);
    if (!m && !cu_local_reader_grouped(reader))
        return cu_fail(err, CU_USAGE, 0,
                       "a reader without a group has no position to keep");
    if (!m)
        return cu_fail(err, CU_FENCED, CU_ABORT,
                       "%s[%d] is not this group reader's partition (any "
                       "more)",
                       part.topic, (int)part.partition);
    for (size_t i = 0; i < w->n_marks; i++) {
        if (w->marks[i].p == p && w->marks[i].group == fresh.group) {
            w->marks[i] = fresh;
            return 0;
        }
    }
    if (w->n_marks == w->cap_marks) {
        w->cap_marks = w->cap_marks ? w->cap_marks * 2 : 8;
        w->marks = cu_realloc(w->marks, w->cap_marks * sizeof(*w->marks));
    }
    w->marks[w->n_marks++] = fresh;
    return 0;
}

bool cu_local_attach(cu_writer *base, const cu_kv_batch *b)
{
    writer *w = (writer *)base;
    if (!w->l->carry_state)
        return false;
    if (w->state == OPEN)
        cu_kv_batch_add(&w->state_batch, b);
    return true;
}

/* --- commit -------------------------------------------------------------- */

/* Under commit_lock. */
static int check_commit(const writer *w, cu_err *err)
{
    int rc = check_attempt(w, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < w->n_touched; i++) {
        const cu_local_topic *t = w->touched[i]->p->topic;
        if (t->deleted)
            return cu_fail(err, CU_NOT_FOUND, CU_ABORT,
                           "topic %s was deleted while it was written to",
                           t->name);
    }
    for (size_t i = 0; i < w->n_marks; i++) {
        const mark *m = &w->marks[i];
        if (!cu_local_holds(m->group, m->member, m->generation))
            return cu_fail(err, CU_FENCED, CU_ABORT,
                           "group %s: %s[%d] belongs to another reader now",
                           m->group->name, m->p->topic->name, (int)m->p->n);
    }
    return 0;
}

/* The pile's blocks and the partition's new ends into the batch. */
static void put_pile(writer *w, pile *d, int64_t now_ms, cu_local_part *ends)
{
    char key[CU_LOCAL_RECORD_KEY];
    *ends = *d->p;
    for (size_t i = 0; i < d->n_blocks; i++) {
        span *b = &d->blocks[i];
        char *bytes = d->bytes.data + b->at;
        if (b->info.max_ms > ends->high_ms)
            ends->high_ms = b->info.max_ms;
        b->info.high_ms = ends->high_ms;
        b->info.written_ms = now_ms;
        cu_block_seal(bytes, b->len, &b->info);
        cu_kv_batch_put(
            &w->batch,
            cu_local_record_key(key, d->p->topic->id, d->p->n, ends->end),
            cu_slice_n(bytes, b->len));
        if (ends->oldest_known && ends->oldest_ms == INT64_MAX)
            ends->oldest_ms = b->info.max_ms; /* there was no block */
        ends->end += b->info.span;
        ends->dirty_bytes += b->info.n_bytes;
    }
    CU_ASSERT(ends->end == d->p->end + d->n_records); /* L1 */
    cu_local_put_part(&w->batch, ends);
}

static void build(writer *w, cu_local_part *ends)
{
    int64_t now_ms = cu_wall_us(w->l->env) / 1000;
    for (size_t i = 0; i < w->n_touched; i++)
        put_pile(w, w->touched[i], now_ms, &ends[i]);
    for (size_t i = 0; i < w->n_marks; i++) {
        const mark *m = &w->marks[i];
        cu_local_put_position(&w->batch, m->group, m->p, m->next);
    }
    cu_kv_batch_add(&w->batch, &w->state_batch);
}

/* What was written is now true for everybody. */
static void publish(writer *w, const cu_local_part *ends)
{
    cu_local *l = w->l;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < w->n_touched; i++)
        cu_local_publish(w->touched[i]->p, &ends[i]);
    for (size_t i = 0; i < w->n_marks; i++) {
        const mark *m = &w->marks[i];
        cu_local_position(m->group, m->p, true)->next = m->next;
    }
    pthread_cond_broadcast(&l->wake);
    pthread_mutex_unlock(&l->lock);
}

static void tell_ends(const writer *w, const cu_local_part *ends, cu_arena *a,
                      cu_positions *out)
{
    if (!out)
        return;
    *out = (cu_positions){NULL, w->n_touched};
    if (w->n_touched)
        out->at = cu_arena_calloc(a, w->n_touched, sizeof(*out->at));
    for (size_t i = 0; i < w->n_touched; i++)
        out->at[i] = (cu_position){cu_local_name(w->touched[i]->p),
                                   ends[i].end};
}

static int killed(writer *w, cu_err *err)
{
    w->state = DEAD;
    return cu_fail(err, CU_STOPPED, CU_FATAL,
                   "stopped at a fault point of the commit of %s", w->id->name);
}

/* Under commit_lock. The faults are where a killed process would be: what
 * was written stays written, and memory agrees with it. */
static int commit_locked(writer *w, cu_local_part *ends, cu_err *err)
{
    cu_local *l = w->l;
    int rc = check_commit(w, err);
    if (rc)
        return rc;
    if (w->n_touched + w->n_marks + w->state_batch.n_ops == 0)
        return 0;
    build(w, ends);
    if (cu_fault(l->env, "log_before_commit"))
        return killed(w, err);
    rc = cu_local_write(l, &w->batch, l->sync_commit, "cannot commit", err);
    if (rc) {
        if (err)
            err->flags |= CU_ABORT;
        return rc;
    }
    publish(w, ends);
    if (cu_fault(l->env, "log_after_commit"))
        return killed(w, err);
    return 0;
}

int cu_local_commit(cu_writer *base, int64_t timeout_ms, cu_arena *a,
                    cu_positions *ends, cu_err *err)
{
    writer *w = (writer *)base;
    (void)timeout_ms; /* a write to the local disk has no deadline */
    if (w->state != OPEN)
        return wrong_state(w, err);
    cu_local_part *fresh = cu_calloc(w->n_touched + 1, sizeof(*fresh));
    for (size_t i = 0; i < w->n_touched; i++)
        end_block(w->touched[i]);
    pthread_mutex_lock(&w->l->commit_lock);
    int rc = commit_locked(w, fresh, err);
    pthread_mutex_unlock(&w->l->commit_lock);
    if (!rc) {
        tell_ends(w, fresh, a, ends);
        clear(w);
        w->state = IDLE;
    } else if (w->state == OPEN) {
        w->state = FAILED;
    }
    cu_free(fresh);
    return rc;
}

int cu_local_abort(cu_writer *base, cu_err *err)
{
    writer *w = (writer *)base;
    if (w->state == DEAD)
        return wrong_state(w, err);
    clear(w);
    w->state = IDLE;
    return 0;
}

/* --- opening, fencing, closing ------------------------------------------- */

/* The next attempt of an id, stored before anybody hears of it. */
static int new_attempt(cu_local *l, const char *txn_id, cu_local_id **out,
                       uint64_t *attempt, cu_err *err)
{
    cu_kv_batch b = {0};
    cu_local_lock2(l);
    cu_local_id *id = cu_local_id_get(l, txn_id);
    uint64_t next = id->attempt + 1;
    pthread_mutex_unlock(&l->lock);
    cu_local_put_id(&b, txn_id, next);
    int rc = cu_local_write(l, &b, false, "cannot open a writer", err);
    if (!rc) {
        pthread_mutex_lock(&l->lock);
        id->attempt = next;
        pthread_mutex_unlock(&l->lock);
    }
    pthread_mutex_unlock(&l->commit_lock);
    cu_kv_batch_free(&b);
    *out = id;
    *attempt = next;
    return rc;
}

int cu_local_fence(cu_log *log, const char *txn_id, cu_err *err)
{
    cu_local_id *id;
    uint64_t attempt;
    return new_attempt((cu_local *)log, txn_id, &id, &attempt, err);
}

int cu_local_writer_open(cu_log *log, const char *txn_id, cu_writer **out,
                         cu_err *err)
{
    cu_local *l = (cu_local *)log;
    cu_local_id *id;
    uint64_t attempt;
    int rc = new_attempt(l, txn_id, &id, &attempt, err);
    if (rc)
        return rc;
    writer *w = cu_calloc(1, sizeof(*w));
    w->base.vt = log->vt;
    w->l = l;
    w->id = id;
    w->attempt = attempt;
    w->targets = cu_map_new();
    pthread_mutex_lock(&l->lock);
    w->n_deletes = l->n_deletes;
    l->n_open++;
    pthread_mutex_unlock(&l->lock);
    *out = &w->base;
    return 0;
}

void cu_local_writer_close(cu_writer *base)
{
    writer *w = (writer *)base;
    pthread_mutex_lock(&w->l->lock);
    w->l->n_open--;
    pthread_mutex_unlock(&w->l->lock);
    clear(w);
    forget_targets(w);
    cu_map_free(w->targets);
    cu_free(w->touched);
    cu_free(w->marks);
    cu_kv_batch_free(&w->state_batch);
    cu_kv_batch_free(&w->batch);
    cu_free(w);
}
