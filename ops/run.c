/* cupel run: collectors, workers, drain, reports.
 *
 *   main thread     waits, shows the status, decides when it is over
 *   collectors      one thread each: the world -> bronze
 *   workers         one thread each: log -> rows -> log
 *   sinks           one thread each: log -> PostgreSQL
 *
 * With --drain: when every collector has committed one full pass, the ends of
 * all inputs are noted; when the group's positions have passed them, workers
 * commit, write the reports they own, and the summary is printed.  --final
 * then ends the time of all tables, and waits once more.  What sinks put aside
 * goes once more through the views that read it.  Without --drain,
 * the same happens at SIGTERM but for waiting: what is read is committed.
 */
#include "ops/run.h"

#include "base/alloc.h"
#include "base/diag.h"
#include "ops/attach.h"
#include "ops/http.h"
#include "ops/needs.h"

enum { POLL_MS = 20, TICK_US = 10000 };

static bool stopping(cu_running *r)
{
    return atomic_load(&r->stop) != 0;
}

static bool asked_to_stop(cu_running *r)
{
    return r->c->env->vt->stop_requested(r->c->env) > 0;
}

static void *work(void *ctx)
{
    cu_working *k = ctx;
    cu_running *r = k->run;
    while (!stopping(r)) {
        bool busy;
        int rc = cu_worker_step(k->worker, POLL_MS, &busy, &k->err);
        if (rc) {
            atomic_store(&r->failed, true);
            return NULL;
        }
    }
    /* A stop is no crash: what was read is committed. */
    if (cu_worker_commit(k->worker, &k->err))
        atomic_store(&r->failed, true);
    return NULL;
}

static int open_workers(cu_running *r, cu_err *err)
{
    uint32_t n = r->c->o.workers ? r->c->o.workers : 1;
    r->working = cu_calloc(n, sizeof(*r->working));
    for (uint32_t i = 0; i < n; i++) {
        cu_working *k = &r->working[r->n_working++];
        k->run = r;
        int rc = cu_worker_open(cu_engine_runtime(r->app->engine), i,
                                &k->worker, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int start_workers(cu_running *r, cu_err *err)
{
    for (uint32_t i = 0; i < r->n_working; i++) {
        cu_working *k = &r->working[i];
        if (pthread_create(&k->thread, NULL, work, k))
            return cu_fail(err, CU_IO, 0, "cannot start a thread");
        k->started = true;
    }
    return 0;
}

static void join_workers(cu_running *r)
{
    for (uint32_t i = 0; i < r->n_working; i++) {
        if (r->working[i].started)
            pthread_join(r->working[i].thread, NULL);
        r->working[i].started = false;
    }
}

/* What the workers have published goes into the warehouse. */
static int drain_sinks(cu_running *r, bool *drained, cu_err *err)
{
    cu_env *env = r->c->env;
    int rc = cu_sinking_drain(r, err);
    while (rc == 0 && !cu_sinking_drained(r)) {
        *drained = !asked_to_stop(r);
        if (!*drained || atomic_load(&r->failed))
            break;
        cu_status_tick(r, -1);
        env->vt->sleep_us(env, TICK_US);
    }
    return rc;
}

/* The first error of a thread. */
static int thread_error(cu_running *r, cu_err *err)
{
    for (uint32_t i = 0; i < r->n_collecting; i++)
        if (r->collecting[i].err.code) {
            *err = r->collecting[i].err;
            return cu_err_note(err, "table %s: ", r->collecting[i].table->name);
        }
    for (uint32_t i = 0; i < r->n_working; i++)
        if (r->working[i].err.code) {
            *err = r->working[i].err;
            return err->code;
        }
    if (cu_sinking_error(r, err))
        return err->code;
    return 0;
}

static bool all_workers(cu_running *r, bool (*are)(const cu_worker *))
{
    for (uint32_t i = 0; i < r->n_working; i++)
        if (!are(r->working[i].worker))
            return false;
    return true;
}

/* Waits until everything that was there went through, once all workers `are`
 * so far.  The group's positions may say so before this process has restored
 * what it owns. */
static int wait_through(cu_running *r, bool (*are)(const cu_worker *),
                        bool *done, cu_err *err)
{
    cu_env *env = r->c->env;
    cu_drain *d = NULL;
    int rc = 0;
    *done = false;
    while (rc == 0 && !*done && !asked_to_stop(r) && !atomic_load(&r->failed)) {
        if (d == NULL && cu_collecting_passed(r) && all_workers(r, are))
            rc = cu_drain_begin(cu_engine_runtime(r->app->engine), &d, err);
        if (rc == 0 && d && all_workers(r, are))
            rc = cu_drain_done(d, done, err);
        if (rc && (err->flags & CU_RETRY)) {
            cu_err_clear(err); /* an outage: the workers tell of it */
            rc = 0;
        }
        cu_status_tick(r, d ? cu_drain_left(d) : -1);
        if (!*done)
            env->vt->sleep_us(env, TICK_US);
    }
    if (d)
        cu_drain_free(d);
    return rc;
}

static int wait_drained(cu_running *r, bool *done, cu_err *err)
{
    cu_runtime *rt = cu_engine_runtime(r->app->engine);
    int rc = wait_through(r, cu_worker_settled, done, err);
    if (rc || !*done)
        return rc;
    cu_runtime_end(rt, r->c->o.final ? CU_ENDING_TIME : CU_ENDING_OUTPUT);
    if (r->c->o.final)
        rc = wait_through(r, cu_worker_ended, done, err);
    return rc;
}

/* Views over the letters that sinks wrote meanwhile take them; what comes of
 * that goes to the sinks, until nothing is new. */
static int drain_letters(cu_running *r, bool *drained, cu_err *err)
{
    int64_t seen = 0, now = cu_sinking_letters(r);
    int rc = 0;
    while (rc == 0 && *drained && now > seen && !atomic_load(&r->failed)) {
        seen = now;
        atomic_store(&r->stop, 0);
        rc = start_workers(r, err);
        if (rc == 0)
            rc = wait_through(r, cu_worker_settled, drained, err);
        atomic_store(&r->stop, 1);
        join_workers(r);
        if (rc == 0 && *drained)
            rc = drain_sinks(r, drained, err);
        now = cu_sinking_letters(r);
    }
    return rc;
}

static void wait_stopped(cu_running *r)
{
    while (!asked_to_stop(r) && !atomic_load(&r->failed)) {
        cu_status_tick(r, -1);
        r->c->env->vt->sleep_us(r->c->env, 10 * TICK_US);
    }
}

static int write_reports(cu_running *r, uint32_t *n, cu_err *err)
{
    *n = 0;
    for (uint32_t i = 0; i < r->n_working; i++) {
        uint32_t mine;
        int rc = cu_worker_reports(r->working[i].worker, &mine, err);
        if (rc)
            return rc;
        *n += mine;
    }
    return 0;
}

/* What is asked through the socket and over HTTP while threads work. */
typedef struct serving {
    cu_attached *attached;
    cu_http_server *http;
} serving;

static int serve(cu_running *r, serving *s, cu_err *err)
{
    const cu_options *o = &r->c->o;
    int rc = cu_attach_serve(r->c, r->app, &s->attached, err);
    if (rc == 0 && (o->listen || !o->drain))
        rc = cu_http_serve(r, o->listen, &s->http, err);
    return rc;
}

static void stop_serving(serving *s)
{
    if (s->http)
        cu_http_stop(s->http);
    if (s->attached)
        cu_attach_stop(s->attached);
}

/* Everything is open before anybody may ask, and before a thread starts. */
static int start(cu_running *r, serving *s, cu_err *err)
{
    int rc = cu_needs_met(r->c, r->app, err);
    if (rc == 0)
        rc = cu_sinking_open(r, err);
    if (rc == 0)
        rc = cu_collecting_open(r, NULL, 0, false, err);
    if (rc == 0)
        rc = open_workers(r, err);
    if (rc == 0)
        rc = serve(r, s, err);
    if (rc == 0)
        rc = cu_keeper_start(r, err);
    if (rc == 0)
        rc = cu_collecting_start(r, err);
    if (rc == 0)
        rc = cu_sinking_start(r, err);
    return rc ? rc : start_workers(r, err);
}

static int run(cu_running *r, serving *s, cu_err *err)
{
    int rc = start(r, s, err);
    bool drained = false;
    if (rc == 0 && r->c->o.drain)
        rc = wait_drained(r, &drained, err);
    else if (rc == 0)
        wait_stopped(r);
    atomic_store(&r->stop, 1);
    cu_collecting_join(r);
    join_workers(r);
    if (rc == 0 && drained)
        rc = drain_sinks(r, &drained, err);
    if (rc == 0 && drained)
        rc = drain_letters(r, &drained, err);
    cu_sinking_stop(r);
    cu_keeper_stop(r);
    cu_status_end(r);
    if (rc == 0)
        rc = thread_error(r, err);
    uint32_t n_reports = 0;
    if (rc == 0 && (drained || !r->c->o.drain))
        rc = write_reports(r, &n_reports, err);
    if (rc == 0)
        cu_summary_print(r, n_reports);
    if (rc == 0 && r->c->o.drain && !drained)
        return cu_fail(err, CU_STOPPED, 0,
                       "interrupted before everything was read; run it again "
                       "to go on");
    return rc;
}

static void close_running(cu_running *r)
{
    for (uint32_t i = 0; i < r->n_working; i++)
        if (r->working[i].worker)
            cu_worker_close(r->working[i].worker);
    cu_free(r->working);
    cu_sinking_close(r);
    cu_collecting_close(r);
}

int cu_cmd_run(cu_cmd *c)
{
    cu_app *app;
    uint32_t n_paths;
    if (c->n_words > cu_app_paths(c) && c->n_words > 1)
        return cu_usage(c, "there is no file or folder \"%s\"",
                        c->words[cu_app_paths(c)]);
    if (c->o.final && !c->o.drain)
        return cu_usage(c, "--final says when time ends: it goes with --drain");
    int rc = cu_app_open(c, &app, &n_paths);
    if (rc)
        return rc;
    cu_running r = {.c = c, .app = app};
    cu_err err = {0};
    serving s = {0};
    r.started_us = cu_mono_us(c->env);
    rc = run(&r, &s, &err);
    stop_serving(&s);
    close_running(&r);
    if (rc)
        rc = cu_tell(c, &err);
    cu_app_close(c, app);
    return rc;
}
