/* Collectors at work: one thread per collected table.
 *
 * A collector steps until its pass is committed, then sleeps until its
 * schedule wakes it.  An outage pauses it with growing pauses; whatever else
 * goes wrong ends its thread and with it the run.
 */
#include "ops/run.h"

#include "base/alloc.h"
#include "base/diag.h"

enum {
    STEP_MS = 200,
    NAP_US = 50000,
    PAUSE_US = 500000,
    MOST_PAUSE_US = 30000000
};

static bool wanted(const cu_table_def *t, const char *const *names,
                   uint32_t n_names)
{
    if (t->http == NULL && t->files == NULL)
        return false;
    for (uint32_t i = 0; i < n_names; i++)
        if (strcmp(names[i], t->name) == 0)
            return true;
    return n_names == 0;
}

static void tell(void *ctx, const char *line)
{
    cu_collecting *k = ctx;
    cu_print(k->run->c->out, "%s\n", line);
}

static int open_one(cu_running *r, cu_collecting *k, cu_err *err)
{
    const cu_table_def *t = k->table;
    cu_arena *a = r->c->arena;
    const char *app = r->app->name;
    if (t->http && k->client == NULL)
        k->client = cu_http_curl();
    cu_collector_opts o = {
        .app = app,
        .table = t->name,
        .topic = t->topic,
        .partitions = t->partitions > 0 ? t->partitions : 1,
        .dead_letter_topic = t->dead_letter_topic
                                 ? t->dead_letter_topic
                                 : cu_arena_printf(a, "%s.dlq", app),
        .cursor_topic = cu_arena_printf(a, "%s.collectors", app),
        .txn_id = cu_arena_printf(a, "%s.c.%s", app, t->name),
        .http = t->http,
        .files = t->files,
        .log = r->app->log,
        .env = r->c->env,
        .client = k->client,
        .dry_run = r->dry_run,
        .follow = !r->c->o.drain,
        .limit = r->c->o.limit > 0 ? r->c->o.limit : 0,
        .tell = r->dry_run ? tell : NULL,
        .ctx = k};
    return cu_collector_open(&o, &k->collector, err);
}

int cu_collecting_open(cu_running *r, const char *const *names,
                       uint32_t n_names, bool dry_run, cu_err *err)
{
    const cu_program *p = r->app->program;
    r->collecting = cu_calloc(p->n_tables + 1, sizeof(*r->collecting));
    for (uint32_t i = 0; i < p->n_tables; i++) {
        if (!wanted(p->tables[i], names, n_names))
            continue;
        cu_collecting *k = &r->collecting[r->n_collecting++];
        k->table = p->tables[i];
        k->run = r;
        pthread_mutex_init(&k->lock, NULL);
    }
    r->dry_run = dry_run;
    return cu_owner_open(r, err);
}

static void publish_status(cu_collecting *k)
{
    cu_buf b = {0};
    cu_collector_counts counts;
    cu_collector_status(k->collector, &b);
    cu_collector_counts_get(k->collector, &counts);
    pthread_mutex_lock(&k->lock);
    k->counts = counts;
    size_t n = b.len < sizeof(k->status) - 1 ? b.len : sizeof(k->status) - 1;
    if (n)
        memcpy(k->status, b.data, n);
    k->status[n] = 0;
    pthread_mutex_unlock(&k->lock);
    cu_buf_free(&b);
}

static bool stopping(cu_running *r)
{
    return atomic_load(&r->stop) != 0;
}

/* Sleeps in slices, so that a stop is heard. */
static void sleep_until(cu_running *r, int64_t mono_us)
{
    cu_env *env = r->c->env;
    while (!stopping(r)) {
        int64_t left = mono_us - cu_mono_us(env);
        if (left <= 0)
            return;
        env->vt->sleep_us(env, left < 100000 ? left : 100000);
    }
}

static void let_go(cu_collecting *k)
{
    if (k->collector)
        cu_collector_close(k->collector);
    k->collector = NULL;
}

/* Opens the collector when this process owns the collectors.  False: another
 * one does; wait, or (in a drain) leave it to that one. */
static bool ready(cu_collecting *k, bool *leave, int *rc, cu_err *err)
{
    cu_running *r = k->run;
    cu_owning own = cu_owner_state(r);
    *leave = false;
    *rc = 0;
    if (own == CU_OWNING_YES) {
        if (k->collector == NULL)
            *rc = open_one(r, k, err);
        return *rc == 0;
    }
    let_go(k);
    *leave = own == CU_OWNING_NO && r->c->o.drain;
    if (!*leave)
        sleep_until(r, cu_mono_us(r->c->env) + NAP_US);
    return false;
}

static void *collect(void *ctx)
{
    cu_collecting *k = ctx;
    cu_running *r = k->run;
    cu_env *env = r->c->env;
    int64_t pause = PAUSE_US;
    while (!stopping(r)) {
        cu_collect_state state = CU_COLLECT_WORKING;
        int64_t wake = 0;
        cu_err err = {0};
        bool leave;
        int rc;
        if (ready(k, &leave, &rc, &err)) {
            rc = cu_collector_step(k->collector, STEP_MS, &state, &wake, &err);
            publish_status(k);
        } else if (leave) {
            atomic_store(&k->passed, true);
            return NULL;
        } else if (rc == 0) {
            continue;
        }
        if (rc == CU_FENCED && cu_owner_shared(r)) {
            let_go(k); /* the group will say who goes on */
            sleep_until(r, cu_mono_us(env) + PAUSE_US);
            continue;
        }
        /* A drain gives up on a world that does not answer: run it again. */
        if (rc && (err.flags & CU_RETRY) && !r->c->o.drain) {
            cu_warn("%s: %s; trying again in %.1f s", k->table->name, err.msg,
                    (double)pause / 1e6);
            sleep_until(r, cu_mono_us(env) + pause);
            pause = pause * 2 < MOST_PAUSE_US ? pause * 2 : MOST_PAUSE_US;
            continue;
        }
        if (rc) {
            k->err = err;
            atomic_store(&r->failed, true);
            return NULL;
        }
        pause = PAUSE_US;
        if (state == CU_COLLECT_PASSED) {
            atomic_store(&k->passed, true);
            if (r->c->o.drain || wake == 0)
                return NULL;
        }
        if (state != CU_COLLECT_WORKING)
            sleep_until(r, wake);
    }
    return NULL;
}

int cu_collecting_start(cu_running *r, cu_err *err)
{
    for (uint32_t i = 0; i < r->n_collecting; i++) {
        cu_collecting *k = &r->collecting[i];
        if (pthread_create(&k->thread, NULL, collect, k))
            return cu_fail(err, CU_IO, 0, "cannot start a thread");
        k->started = true;
        if (!r->dry_run)
            continue;
        pthread_join(k->thread, NULL); /* one after the other, to be read */
        k->started = false;
    }
    return 0;
}

bool cu_collecting_passed(cu_running *r)
{
    for (uint32_t i = 0; i < r->n_collecting; i++)
        if (!atomic_load(&r->collecting[i].passed))
            return false;
    return true;
}

void cu_collecting_join(cu_running *r)
{
    for (uint32_t i = 0; i < r->n_collecting; i++) {
        cu_collecting *k = &r->collecting[i];
        if (k->started)
            pthread_join(k->thread, NULL);
        k->started = false;
        if (k->collector)
            publish_status(k);
    }
}

void cu_collecting_close(cu_running *r)
{
    for (uint32_t i = 0; i < r->n_collecting; i++) {
        cu_collecting *k = &r->collecting[i];
        if (k->collector)
            cu_collector_close(k->collector);
        if (k->client)
            k->client->vt->close(k->client);
        pthread_mutex_destroy(&k->lock);
    }
    cu_owner_close(r);
    cu_free(r->collecting);
    r->collecting = NULL;
    r->n_collecting = 0;
}
