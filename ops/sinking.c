/* Sinks at work: one thread per view that a postgres table takes.
 *
 *   view's topic --reader--> rows --one transaction--> table
 *                                                  +-> cupel_offsets
 *
 * K1 PostgreSQL alone says how far a table is loaded; the reader begins there.
 *    A batch moves positions only from where it found them, so two owners, a
 *    kill or a restart neither repeat nor skip a record.
 * K2 a session that met an error is over: its batch is dropped, positions are
 *    read again.  So a COMMIT whose answer was lost needs no guess.
 * K3 an outage pauses; views never wait for a sink.  With --drain it is given
 *    up after a minute, and a run again goes on.
 *
 * The log keeps a group `<app>.sink.<view>` too.  It is behind PostgreSQL's
 * positions, shows the lag in Kafka's tools, and tells one thing: a position
 * in PostgreSQL without one in the log was made with another log (a state
 * folder or topic that is gone).  An upsert then loads everything again; an
 * append would double, and stops.
 *
 *   idle --owner--> session: open, prepare, read, apply … --error--> pause
 */
#include "ops/sink.h"

#include "base/alloc.h"
#include "base/diag.h"

enum {
    POLL_MS = 200,
    FILL_MS = 20,
    LINGER_US = 200000,
    NAP_US = 50000,
    PAUSE_US = 500000,
    MOST_PAUSE_US = 15000000,
    GIVE_UP_US = 60000000,
    MEASURE_US = 1000000,
    NOTE_US = 5000000,
    BEREFT_US = 15000000, /* a session of the group, and a bit */
    READER_BYTES = 4 << 20,
};

struct cu_sinking {
    cu_running *run;
    const cu_view_def *view;
    cu_arena *arena;
    cu_pg_plan plan;
    const char *topic, *group;
    int32_t n_parts;
    pthread_t thread;
    bool started;
    cu_err err; /* why its thread ended, valid after join */
    /* Told to others. */
    pthread_mutex_t lock;
    char status[240];
    _Atomic int64_t written, deleted, rejected, lag;
    _Atomic bool draining; /* `goals` are set */
    _Atomic bool drained;
    int64_t *goals;
    /* The thread's own. */
    cu_pg *pg;
    cu_reader *reader;
    cu_sink_rows rows;
    cu_sink_letters letters;
    int64_t *at, *stored; /* read up to; committed in PostgreSQL */
    int64_t *again;       /* ends when the session began */
    struct cu_pg_move *moves;
    int64_t first_us; /* when the batch began */
    int64_t measured_us, noted_us;
    int64_t outage_us; /* since when nothing works; 0: it does */
    int64_t other_us;  /* since when a drain finds another owner; 0: none */
    bool worked;       /* some session was prepared */
};

static bool stopping(const cu_sinking *k)
{
    return atomic_load(&k->run->stop_sinks) != 0;
}

static void tell(cu_sinking *k, const char *text)
{
    size_t n = strlen(text);
    n = n < sizeof(k->status) - 1 ? n : sizeof(k->status) - 1;
    pthread_mutex_lock(&k->lock);
    memcpy(k->status, text, n);
    k->status[n] = 0;
    pthread_mutex_unlock(&k->lock);
}

static void sleep_until(cu_sinking *k, int64_t mono_us)
{
    cu_env *env = k->run->c->env;
    while (!stopping(k)) {
        int64_t left = mono_us - cu_mono_us(env);
        if (left <= 0)
            return;
        env->vt->sleep_us(env, left < NAP_US ? left : NAP_US);
    }
}

/* --- a session ------------------------------------------------------------ */

static void let_go(cu_sinking *k)
{
    if (k->reader)
        k->reader->vt->reader_close(k->reader);
    k->reader = NULL;
    cu_pg_close(k->pg);
    k->pg = NULL;
    cu_sink_letters_close(&k->letters);
    cu_sink_rows_clear(&k->rows);
}

static cu_part part_of(const cu_sinking *k, int32_t i)
{
    return (cu_part){k->topic, i};
}

/* In the log, how far PostgreSQL is; of some partitions, or all. */
static int note(cu_sinking *k, const int64_t *next, const bool *some,
                cu_err *err)
{
    cu_log *log = k->run->app->log;
    cu_arena *a = cu_arena_new(0);
    cu_positions p = {0};
    p.at = cu_arena_calloc(a, (size_t)k->n_parts, sizeof(*p.at));
    for (int32_t i = 0; i < k->n_parts; i++)
        if (some == NULL || some[i])
            p.at[p.n++] = (cu_position){part_of(k, i), next[i]};
    int rc = p.n ? log->vt->group_alter(log, k->group, &p, err) : 0;
    cu_arena_free(a);
    k->noted_us = cu_mono_us(k->run->c->env);
    return rc;
}

/* A position that this log cannot have given. */
static int foreign(cu_sinking *k, int32_t i, int64_t oldest, cu_err *err)
{
    const cu_pg_plan *p = &k->plan;
    if (!p->upsert)
        return cu_fail(
            err, CU_HISTORY, 0,
            "postgres %s: table %s was loaded from an earlier topic %s, whose "
            "log is gone; to load it anew, empty it and DELETE FROM "
            "cupel_offsets WHERE app = '%s' AND view = '%s'",
            p->table->server->name, p->target, k->topic, k->run->app->name,
            k->view->name);
    cu_warn("postgres %s: table %s was loaded from an earlier topic %s: its "
            "rows are written again, and those that are in it alone stay",
            p->table->server->name, p->target, k->topic);
    return cu_pg_set_position(k->pg, i, k->stored[i], oldest, err);
}

/* Where partition i is read from. */
static int settle_part(cu_sinking *k, int32_t i, bool known, cu_err *err)
{
    cu_log *log = k->run->app->log;
    int64_t oldest;
    int rc = log->vt->offset_at(log, part_of(k, i), CU_OLDEST, &oldest, err);
    if (rc == 0)
        rc = log->vt->end_offset(log, part_of(k, i), false, &k->again[i], err);
    if (rc)
        return rc;
    int64_t had = k->stored[i];
    if (had < 0)
        rc = cu_pg_set_position(k->pg, i, -1, oldest, err);
    else if (!known || had > k->again[i])
        rc = foreign(k, i, oldest, err);
    else
        oldest = had;
    k->stored[i] = k->at[i] = oldest;
    return rc;
}

/* A position stands in the log before PostgreSQL has any, and after it was
 * found that PostgreSQL's is another log's. */
static int settle(cu_sinking *k, cu_err *err)
{
    cu_log *log = k->run->app->log;
    bool *known = cu_calloc(2 * (size_t)k->n_parts, sizeof(*known));
    bool *fresh = known + k->n_parts;
    int rc = 0;
    for (int32_t i = 0; rc == 0 && i < k->n_parts; i++) {
        int64_t off;
        rc = log->vt->committed(log, k->group, part_of(k, i), &off, err);
        known[i] = rc == 0 && off >= 0;
        fresh[i] = rc == 0 && off < 0 && k->stored[i] < 0;
        if (rc == 0)
            rc = log->vt->offset_at(log, part_of(k, i), CU_OLDEST, &k->at[i],
                                    err);
    }
    if (rc == 0)
        rc = note(k, k->at, fresh, err);
    for (int32_t i = 0; rc == 0 && i < k->n_parts; i++)
        rc = settle_part(k, i, known[i] || fresh[i], err);
    for (int32_t i = 0; i < k->n_parts; i++)
        fresh[i] = !known[i] && !fresh[i];
    if (rc == 0)
        rc = note(k, k->stored, fresh, err);
    cu_free(known);
    return rc;
}

static int open_reader(cu_sinking *k, cu_err *err)
{
    cu_log *log = k->run->app->log;
    cu_position *from = cu_calloc((size_t)k->n_parts, sizeof(*from));
    for (int32_t i = 0; i < k->n_parts; i++)
        from[i] = (cu_position){part_of(k, i), k->stored[i]};
    cu_reader_opts o = {.parts = from,
                        .n_parts = (size_t)k->n_parts,
                        .max_bytes = READER_BYTES};
    int rc = log->vt->reader_open(log, &o, &k->reader, err);
    cu_free(from);
    return rc;
}

static int open_session(cu_sinking *k, cu_err *err)
{
    cu_running *r = k->run;
    cu_pg_opts o = {.plan = &k->plan,
                    .app = r->app->name,
                    .instance = cu_engine_instance(r->app->engine),
                    .topic = k->topic,
                    .partitions = k->n_parts,
                    .env = r->c->env,
                    .stop = &r->stop_sinks};
    int rc = cu_pg_open(&o, &k->pg, err);
    if (rc == 0)
        rc = cu_pg_prepare(k->pg, k->stored, err);
    if (rc == 0)
        rc = settle(k, err);
    if (rc == 0)
        rc = open_reader(k, err);
    if (rc == 0)
        k->worked = true;
    return rc;
}

/* --- applying ------------------------------------------------------------- */

static int on_rejected(void *ctx, uint32_t row, const cu_pg_refusal *why,
                       cu_err *err)
{
    cu_sinking *k = ctx;
    (void)err;
    cu_sink_rows_reject(&k->rows, &k->rows.rows[k->rows.live[row]].record, why);
    return 0;
}

static int on_committing(void *ctx, cu_err *err)
{
    cu_sinking *k = ctx;
    return cu_sink_letters_put(&k->letters, k->rows.bad, k->rows.n_bad, err);
}

static int apply(cu_sinking *k, cu_err *err)
{
    cu_pg_applied done = {0};
    uint32_t n = 0, undecodable = k->rows.n_bad;
    for (int32_t i = 0; i < k->n_parts; i++)
        if (k->at[i] != k->stored[i])
            k->moves[n++] = (struct cu_pg_move){i, k->stored[i], k->at[i]};
    cu_sink_rows_seal(&k->rows);
    cu_pg_batch b = {k->rows.sent, k->rows.n_live, k->moves, n};
    cu_pg_heard heard = {on_rejected, on_committing, k};
    int rc = cu_pg_apply(k->pg, &b, &heard, &done, err);
    if (rc)
        return rc;
    memcpy(k->stored, k->at, (size_t)k->n_parts * sizeof(*k->at));
    atomic_fetch_add(&k->written, done.written);
    atomic_fetch_add(&k->deleted, done.deleted);
    atomic_fetch_add(&k->rejected, done.rejected + undecodable);
    cu_sink_rows_clear(&k->rows);
    return 0;
}

static int read_some(cu_sinking *k, cu_poll_kind *kind, cu_err *err)
{
    cu_poll p;
    int64_t wait = k->rows.n_seen ? FILL_MS : POLL_MS;
    int rc = cu_log_poll(k->reader, atomic_load(&k->draining) ? FILL_MS : wait,
                         &p, err);
    if (rc)
        return rc;
    *kind = p.kind;
    if (p.kind == CU_POLL_RECORDS && k->rows.n_seen == 0)
        k->first_us = cu_mono_us(k->run->c->env);
    for (size_t i = 0; p.kind == CU_POLL_RECORDS && i < p.n; i++)
        cu_sink_rows_add(&k->rows, &p.records[i]);
    if ((p.kind == CU_POLL_RECORDS || p.kind == CU_POLL_END) &&
        p.next > k->at[p.part.partition])
        k->at[p.part.partition] = p.next;
    return 0;
}

/* Once a second: how far there is to go. */
static int measure(cu_sinking *k, int64_t now, cu_err *err)
{
    cu_log *log = k->run->app->log;
    int64_t lag = 0;
    if (now - k->measured_us < MEASURE_US)
        return 0;
    for (int32_t i = 0; i < k->n_parts; i++) {
        int64_t end;
        int rc = log->vt->end_offset(log, part_of(k, i), false, &end, err);
        if (rc)
            return rc;
        lag += end > k->at[i] ? end - k->at[i] : 0;
    }
    atomic_store(&k->lag, lag);
    k->measured_us = now;
    return now - k->noted_us < NOTE_US ? 0 : note(k, k->stored, NULL, err);
}

static bool at_goals(const cu_sinking *k)
{
    if (!atomic_load(&k->draining) || k->rows.n_seen)
        return false;
    for (int32_t i = 0; i < k->n_parts; i++)
        if (k->at[i] < k->goals[i])
            return false;
    return true;
}

static int step(cu_sinking *k, cu_err *err)
{
    cu_poll_kind kind = CU_POLL_IDLE;
    int rc = k->reader ? 0 : open_session(k, err);
    if (rc == 0)
        rc = read_some(k, &kind, err);
    if (rc)
        return rc;
    int64_t now = cu_mono_us(k->run->c->env);
    bool due = kind != CU_POLL_RECORDS || cu_sink_rows_full(&k->rows) ||
               now - k->first_us > LINGER_US;
    if (k->rows.n_seen && due) {
        tell(k, "writing");
        rc = apply(k, err);
    }
    if (rc == 0)
        rc = measure(k, now, err);
    if (rc)
        return rc;
    tell(k, atomic_load(&k->lag) ? "behind" : "up to date");
    if (at_goals(k)) {
        rc = note(k, k->stored, NULL, err);
        atomic_store(&k->lag, 0);
        atomic_store(&k->drained, true);
    }
    return rc;
}

/* --- the thread ----------------------------------------------------------- */

/* True: it was an outage, and is waited out. */
static bool paused(cu_sinking *k, const cu_err *err, int64_t *pause)
{
    cu_env *env = k->run->c->env;
    int64_t now = cu_mono_us(env);
    char text[sizeof(k->status)];
    if (err->code == CU_FENCED) {
        sleep_until(k, now + PAUSE_US);
        return true;
    }
    /* A statement that fails in mid run: the table may have been dropped;
     * preparing it anew tells. */
    bool again = err->flags & CU_RETRY || (err->code == CU_IO && k->worked);
    if (k->outage_us == 0)
        k->outage_us = now;
    if (!again || (k->run->c->o.drain && now - k->outage_us > GIVE_UP_US))
        return false;
    cu_buf b = {0};
    cu_buf_printf(&b, "%.200s, retrying", err->msg);
    cu_buf_put_u8(&b, 0);
    memcpy(text, b.data, b.len < sizeof(text) ? b.len : sizeof(text));
    text[sizeof(text) - 1] = 0;
    cu_buf_free(&b);
    tell(k, text);
    cu_warn("sink %s: %s; trying again in %.1f s", k->view->name, err->msg,
            (double)*pause / 1e6);
    sleep_until(k, now + *pause);
    *pause = *pause * 2 < MOST_PAUSE_US ? *pause * 2 : MOST_PAUSE_US;
    return true;
}

/* A drain leaves a table to another process that lives: one that was killed
 * is the owner until its session ends. */
static bool is_left(cu_sinking *k, cu_owning own, int64_t now)
{
    if (own != CU_OWNING_NO || !atomic_load(&k->draining))
        return false;
    if (k->other_us == 0)
        k->other_us = now;
    return now - k->other_us > BEREFT_US;
}

static bool owned(cu_sinking *k)
{
    cu_running *r = k->run;
    cu_owning own = cu_owner_state(r);
    int64_t now = cu_mono_us(r->c->env);
    if (own == CU_OWNING_YES) {
        k->other_us = 0;
        return true;
    }
    let_go(k);
    tell(k, "another process loads it");
    if (is_left(k, own, now))
        atomic_store(&k->drained, true);
    else
        sleep_until(k, now + NAP_US);
    return false;
}

static void *sink(void *ctx)
{
    cu_sinking *k = ctx;
    int64_t pause = PAUSE_US;
    while (!stopping(k) && !atomic_load(&k->drained)) {
        cu_err err = {0};
        if (!owned(k))
            continue;
        int rc = step(k, &err);
        if (rc == 0) {
            pause = PAUSE_US;
            k->outage_us = 0;
            continue;
        }
        let_go(k);
        if (rc != CU_STOPPED && !paused(k, &err, &pause)) {
            k->err = err;
            atomic_store(&k->run->failed, true);
            break;
        }
    }
    let_go(k);
    return NULL;
}

/* --- all of them ---------------------------------------------------------- */

static void open_one(cu_running *r, const cu_view_def *v, cu_sinking *k)
{
    cu_runtime *rt = cu_engine_runtime(r->app->engine);
    cu_arena *a = cu_arena_new(0);
    pthread_mutex_init(&k->lock, NULL);
    k->run = r;
    k->view = v;
    k->arena = a;
    k->topic = v->topic;
    k->group = cu_arena_printf(a, "%s.sink.%s", r->app->name, v->name);
    k->n_parts = cu_runtime_view_partitions(rt, v);
    size_t n = (size_t)k->n_parts;
    k->goals = cu_arena_calloc(a, n, sizeof(*k->goals));
    k->at = cu_arena_calloc(a, n, sizeof(*k->at));
    k->stored = cu_arena_calloc(a, n, sizeof(*k->stored));
    k->again = cu_arena_calloc(a, n, sizeof(*k->again));
    k->moves = cu_arena_calloc(a, n, sizeof(*k->moves));
    cu_pg_plan_make(v, a, &k->plan);
    k->letters = (cu_sink_letters){
        .run = r,
        .view = v,
        .txn_id = cu_arena_printf(a, "%s.s.%s", r->app->name, v->name),
        .again = k->again};
}

int cu_sinking_open(cu_running *r, cu_err *err)
{
    const cu_program *p = r->app->program;
    int rc = 0;
    r->sinking = cu_calloc(p->n_views + 1, sizeof(*r->sinking));
    for (uint32_t i = 0; rc == 0 && i < p->n_views; i++) {
        if (!cu_view_is_loaded(p->views[i]))
            continue;
        cu_sinking *k = &r->sinking[r->n_sinking++];
        open_one(r, p->views[i], k);
        rc = cu_sink_rows_open(&k->rows, &k->plan, err);
    }
    return rc;
}

static int start_one(cu_sinking *k, cu_err *err)
{
    if (pthread_create(&k->thread, NULL, sink, k))
        return cu_fail(err, CU_IO, 0, "cannot start a thread");
    k->started = true;
    return 0;
}

int cu_sinking_start(cu_running *r, cu_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < r->n_sinking; i++)
        rc = start_one(&r->sinking[i], err);
    return rc;
}

/* Before a drain that is not the first. */
static void forget_drain(cu_sinking *k)
{
    if (!atomic_load(&k->drained))
        return;
    pthread_join(k->thread, NULL);
    k->started = false;
    atomic_store(&k->draining, false);
    atomic_store(&k->drained, false);
}

int cu_sinking_drain(cu_running *r, cu_err *err)
{
    cu_log *log = r->app->log;
    for (uint32_t i = 0; i < r->n_sinking; i++) {
        cu_sinking *k = &r->sinking[i];
        forget_drain(k);
        for (int32_t n = 0; n < k->n_parts; n++) {
            int rc = log->vt->end_offset(log, part_of(k, n), false,
                                         &k->goals[n], err);
            if (rc)
                return rc;
        }
        atomic_store(&k->draining, true);
        int rc = k->started ? 0 : start_one(k, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Is there a relation of the view's letters? */
static bool letters_are_read(const cu_running *r, const cu_view_def *v)
{
    const cu_program *p = r->app->program;
    for (uint32_t i = 0; i < p->n_tables; i++)
        if (p->tables[i]->letters == CU_LETTERS_DEAD &&
            strcmp(p->tables[i]->letters_of, v->name) == 0)
            return true;
    return false;
}

int64_t cu_sinking_letters(const cu_running *r)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < r->n_sinking; i++)
        if (letters_are_read(r, r->sinking[i].view))
            n += atomic_load(&r->sinking[i].rejected);
    return n;
}

bool cu_sinking_drained(const cu_running *r)
{
    for (uint32_t i = 0; i < r->n_sinking; i++)
        if (!atomic_load(&r->sinking[i].drained))
            return false;
    return true;
}

void cu_sinking_stop(cu_running *r)
{
    atomic_store(&r->stop_sinks, 1);
    for (uint32_t i = 0; i < r->n_sinking; i++) {
        cu_sinking *k = &r->sinking[i];
        if (k->started)
            pthread_join(k->thread, NULL);
        k->started = false;
    }
}

void cu_sinking_close(cu_running *r)
{
    for (uint32_t i = 0; i < r->n_sinking; i++) {
        cu_sinking *k = &r->sinking[i];
        cu_sink_rows_close(&k->rows);
        pthread_mutex_destroy(&k->lock);
        cu_arena_free(k->arena);
    }
    cu_free(r->sinking);
    r->sinking = NULL;
    r->n_sinking = 0;
}

cu_sink_look cu_sinking_look(cu_running *r, uint32_t i)
{
    cu_sinking *k = &r->sinking[i];
    cu_sink_look l = {.view = k->view,
                      .written = atomic_load(&k->written),
                      .deleted = atomic_load(&k->deleted),
                      .rejected = atomic_load(&k->rejected),
                      .lag = atomic_load(&k->lag)};
    pthread_mutex_lock(&k->lock);
    memcpy(l.status, k->status, sizeof(l.status));
    pthread_mutex_unlock(&k->lock);
    return l;
}

bool cu_sinking_error(const cu_running *r, cu_err *err)
{
    for (uint32_t i = 0; i < r->n_sinking; i++)
        if (r->sinking[i].err.code) {
            *err = r->sinking[i].err;
            cu_err_note(err, "view %s: ", r->sinking[i].view->name);
            return true;
        }
    return false;
}
