/* A transactional producer as kafka_txn.c shows it to the runtime.
 *
 *   append  into a queue, of which some leaves at once
 *   mark    kept, with the generation of the moment
 *   commit  produce ... | marks | end
 *           a failure before `end` aborts; none, or a second `end`, is doubt
 *
 * Between the steps other processes may run, and this one may die.
 */
#include "tests/simulation/client.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { TRANSACTION_US = 10000000, RECORD_OVERHEAD = 70 };

typedef enum state { IDLE, OPEN, DEAD } state;

typedef struct queued {
    sim_part *part;
    cu_record r;
} queued;

typedef struct held_mark {
    sim_mark m;
    uint64_t member, generation;
} held_mark;

typedef struct touched {
    sim_part *part;
    int64_t end;
} touched;

typedef struct writer {
    cu_writer base;
    sim_client *c;
    sim_id *id;
    uint64_t epoch;
    state state;
    cu_err death;
    cu_arena *a; /* of the transaction */
    queued *queue;
    size_t n_queued, cap_queued, sent;
    held_mark *marks;
    size_t n_marks, cap_marks;
    touched *touched;
    size_t n_touched, cap_touched;
    bool fenced; /* a record was refused */
} writer;

static int die(writer *w, int code, const char *why, cu_err *err)
{
    w->state = DEAD;
    cu_fail(&w->death, (cu_code)code, CU_FATAL, "transaction of %s: %s",
            w->id->name, why);
    if (err)
        *err = w->death;
    return code;
}

static int killed(writer *w, cu_err *err)
{
    return die(w, CU_STOPPED, "the process was killed", err);
}

static int dead(writer *w, cu_err *err)
{
    if (err)
        *err = w->death;
    return w->death.code;
}

static void clear(writer *w)
{
    w->n_queued = w->sent = w->n_marks = w->n_touched = 0;
    w->fenced = false;
    w->queue = NULL;
    w->marks = NULL;
    w->touched = NULL;
    w->cap_queued = w->cap_marks = w->cap_touched = 0;
    cu_arena_reset(w->a);
}

/* Room for one more in an array of the transaction. */
static void *grow(writer *w, void *old, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return old;
    *cap = *cap ? 2 * *cap : 16;
    void *more = cu_arena_calloc(w->a, *cap, size);
    if (n)
        memcpy(more, old, n * size);
    return more;
}

int sim_writer_open(cu_log *log, const char *txn_id, cu_writer **out,
                    cu_err *err)
{
    sim_client *c = (sim_client *)log;
    sim_fate f = sim_pass(c, "init");
    bool up = f != SIM_KILLED && sim_reach(c, 3 * TRANSACTION_US);
    if (c->dead)
        return sim_dead(err);
    if (!up)
        return sim_down(err);
    writer *w = cu_calloc(1, sizeof(*w));
    w->base.vt = log->vt;
    w->c = c;
    w->a = cu_arena_new(0);
    w->id = sim_id_of(c->broker, txn_id);
    w->epoch = sim_init(c->broker, w->id);
    if (f == SIM_NO_ANSWER) /* asked once more */
        w->epoch = sim_init(c->broker, w->id);
    *out = &w->base;
    return 0;
}

int sim_begin(cu_writer *base, cu_err *err)
{
    writer *w = (writer *)base;
    if (w->state == DEAD)
        return dead(w, err);
    CU_ASSERT(w->state == IDLE);
    w->state = OPEN;
    return 0;
}

/* --- append, mark --------------------------------------------------------- */

static void produce_one(writer *w)
{
    queued *q = &w->queue[w->sent++];
    if (!sim_produce(w->c->broker, w->id, w->epoch, q->part, &q->r)) {
        w->fenced = true;
        return;
    }
    for (size_t i = 0; i < w->n_touched; i++)
        if (w->touched[i].part == q->part) {
            w->touched[i].end = q->part->end;
            return;
        }
    w->touched = grow(w, w->touched, w->n_touched, &w->cap_touched,
                      sizeof(*w->touched));
    w->touched[w->n_touched++] = (touched){q->part, q->part->end};
}

static bool is_up(const writer *w)
{
    return cu_mono_us(w->c->env) >= w->c->broker->down_until_us;
}

static void keep(cu_arena *a, queued *q, const cu_record *r)
{
    q->r = *r;
    q->r.key = cu_arena_slice(a, r->key);
    q->r.value = cu_arena_slice(a, r->value);
    if (sim_client_broken == SIM_MANGLE && r->value.len &&
        strstr(r->part.topic, ".dlq"))
        q->r.value.len--;
    cu_header *h = cu_arena_calloc(a, r->n_headers + 1, sizeof(*h));
    for (uint32_t i = 0; i < r->n_headers; i++)
        h[i] = (cu_header){cu_arena_slice(a, r->headers[i].name),
                           cu_arena_slice(a, r->headers[i].value)};
    q->r.headers = h;
}

int sim_append(cu_writer *base, const cu_record *r, cu_err *err)
{
    writer *w = (writer *)base;
    if (w->state == DEAD)
        return dead(w, err);
    CU_ASSERT(w->state == OPEN);
    sim_part *p = sim_part_of(w->c->broker, r->part);
    if (p == NULL)
        return sim_no_part(r->part, err);
    size_t size = r->key.len + r->value.len + RECORD_OVERHEAD;
    if ((int64_t)size > p->topic->max_record_bytes)
        return cu_fail(err, CU_LIMIT, 0, "larger than topic %s takes",
                       p->topic->name);
    w->queue = grow(w, w->queue, w->n_queued, &w->cap_queued,
                    sizeof(*w->queue));
    w->queue[w->n_queued].part = p;
    keep(w->a, &w->queue[w->n_queued++], r);
    if (!sim_chance(w->c->rng, 20) || !is_up(w))
        return 0;
    if (sim_pass(w->c, "produce") == SIM_KILLED)
        return killed(w, err);
    while (w->sent < w->n_queued && is_up(w))
        produce_one(w);
    return 0;
}

int sim_mark_reader(cu_writer *base, cu_reader *reader, cu_part part,
                    int64_t next, cu_err *err)
{
    writer *w = (writer *)base;
    held_mark m = {.m = {.next = next}};
    if (w->state == DEAD)
        return dead(w, err);
    CU_ASSERT(w->state == OPEN);
    int rc = sim_reader_generation(reader, part, &m.m.group, &m.m.part,
                                   &m.member, &m.generation, err);
    if (rc) {
        if (err)
            err->flags = CU_ABORT;
        return rc;
    }
    w->marks = grow(w, w->marks, w->n_marks, &w->cap_marks, sizeof(*w->marks));
    w->marks[w->n_marks++] = m;
    return 0;
}

bool sim_attach(cu_writer *base, const cu_kv_batch *b)
{
    (void)base, (void)b;
    return false;
}

/* --- commit --------------------------------------------------------------- */

static int flush(writer *w, cu_err *err)
{
    sim_fate f = sim_pass(w->c, "produce");
    bool up = f != SIM_KILLED && sim_reach(w->c, TRANSACTION_US);
    if (w->c->dead)
        return killed(w, err);
    size_t most = w->n_queued;
    if (f == SIM_NO_REQUEST && w->n_queued > w->sent)
        most = w->sent + sim_below(w->c->rng, (uint32_t)(most - w->sent));
    while (up && w->sent < most) {
        if (sim_chance(w->c->rng, 10) &&
            sim_pass(w->c, "produce") == SIM_KILLED)
            return killed(w, err);
        produce_one(w);
    }
    if (w->fenced)
        return die(w, CU_FENCED, "a newer producer has its id", err);
    if (!up || w->sent < w->n_queued)
        return cu_fail(err, CU_TIMEOUT, CU_ABORT,
                       "transaction of %s: a record was not delivered",
                       w->id->name);
    return sim_pass(w->c, "flushed") == SIM_KILLED ? killed(w, err) : 0;
}

static int send_marks(writer *w, cu_err *err)
{
    sim_fate f = w->n_marks ? sim_pass(w->c, "marks") : SIM_GO;
    bool up = f != SIM_KILLED && sim_reach(w->c, TRANSACTION_US);
    if (w->c->dead)
        return killed(w, err);
    if (!up || f == SIM_NO_REQUEST)
        return die(w, CU_IN_DOUBT, "input positions got no answer", err);
    for (size_t i = 0; i < w->n_marks; i++) {
        const held_mark *m = &w->marks[i];
        if (!sim_is_current(m->m.group, m->member, m->generation) &&
            sim_client_broken != SIM_STRANGER &&
            sim_client_broken != SIM_OUTSIDE) {
            w->c->broker->n_fenced++;
            return cu_fail(err, CU_FENCED, CU_ABORT,
                           "transaction of %s: another generation owns %s[%d]",
                           w->id->name, m->m.part->topic->name,
                           (int)m->m.part->n);
        }
        if (sim_client_broken == SIM_OUTSIDE)
            sim_position_set((sim_mark){m->m.group, m->m.part, m->m.next,
                                        ++w->c->broker->stamp});
        else if (!sim_add_mark(w->c->broker, w->id, w->epoch, m->m))
            return die(w, CU_FENCED, "a newer producer has its id", err);
    }
    return w->n_marks && sim_pass(w->c, "marked") == SIM_KILLED ? killed(w, err)
                                                                : 0;
}

static void send_late(writer *w, bool commit)
{
    sim_late *l = cu_arena_calloc(w->c->broker->arena, 1, sizeof(*l));
    *l = (sim_late){w->c->broker->late, w->id, w->epoch, commit,
                    cu_mono_us(w->c->env) + 1000 +
                        sim_below(w->c->rng, 3000000)};
    w->c->broker->late = l;
}

/* The end of a transaction, once on the wire or more often. */
static int send_end(writer *w, bool commit, cu_err *err)
{
    sim_broker *b = w->c->broker;
    sim_fate f = sim_pass(w->c, commit ? "end" : "abort");
    int64_t since = cu_mono_us(w->c->env);
    bool up = f != SIM_KILLED && sim_reach(w->c, TRANSACTION_US);
    if (w->c->dead)
        return killed(w, err);
    if (!up)
        return die(w, CU_IN_DOUBT, "its end got no answer", err);
    bool twice = f != SIM_GO || cu_mono_us(w->c->env) - since > 1000000;
    if (f == SIM_LATE)
        send_late(w, commit);
    if (f == SIM_NO_REQUEST && sim_chance(w->c->rng, 50))
        return die(w, CU_IN_DOUBT, "its end got no answer", err);
    if (f == SIM_LATE && sim_chance(w->c->rng, 30) &&
        sim_client_broken != SIM_GUARD)
        return die(w, CU_IN_DOUBT, "its end is on its way", err);
    if (!sim_end(b, w->id, w->epoch, commit))
        return die(w, CU_FENCED, "a newer producer has its id", err);
    if (sim_pass(w->c, "ended") == SIM_KILLED)
        return killed(w, err);
    if (twice && sim_client_broken != SIM_GUARD)
        return die(w, CU_IN_DOUBT, "its end was sent twice", err);
    return 0;
}

static void report_ends(writer *w, cu_arena *a, cu_positions *ends)
{
    ends->n = 0;
    ends->at = cu_arena_calloc(a, w->n_touched + 1, sizeof(*ends->at));
    for (size_t i = 0; i < w->n_touched; i++)
        ends->at[ends->n++] = (cu_position){
            {w->touched[i].part->topic->name, w->touched[i].part->n},
            w->touched[i].end};
}

int sim_commit(cu_writer *base, int64_t timeout_ms, cu_arena *a,
               cu_positions *ends, cu_err *err)
{
    writer *w = (writer *)base;
    (void)timeout_ms;
    if (w->state == DEAD)
        return dead(w, err);
    CU_ASSERT(w->state == OPEN);
    int rc = 0;
    if (w->n_queued + w->n_marks > 0) {
        rc = flush(w, err);
        if (rc == 0)
            rc = send_marks(w, err);
        if (rc == 0)
            rc = send_end(w, true, err);
    }
    if (rc)
        return rc;
    if (ends)
        report_ends(w, a, ends);
    clear(w);
    w->state = IDLE;
    return 0;
}

int sim_abort(cu_writer *base, cu_err *err)
{
    writer *w = (writer *)base;
    if (w->state == DEAD)
        return dead(w, err);
    bool told = w->sent && sim_client_broken != SIM_NO_ABORT;
    int rc = told ? send_end(w, false, err) : 0;
    clear(w);
    if (rc == 0)
        w->state = IDLE;
    return rc;
}

void sim_writer_close(cu_writer *base)
{
    writer *w = (writer *)base;
    if (!w->c->dead && w->state == OPEN && w->sent && is_up(w))
        sim_end(w->c->broker, w->id, w->epoch, false);
    cu_arena_free(w->a);
    cu_free(w);
}
