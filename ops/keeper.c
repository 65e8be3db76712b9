/* Housekeeping, about once a second, in a thread of its own: a compaction or
 * a slow broker must hold up neither the workers nor Ctrl-C. */
#include "ops/lag.h"
#include "ops/run.h"

#include "base/alloc.h"
#include "base/diag.h"

enum { PERIOD_US = 1000000, NAP_US = 50000 };

struct cu_keeper {
    cu_running *run;
    pthread_t thread;
    _Atomic bool stop;
    cu_code told; /* the last trouble that was told of, not every second */
};

static void trouble(struct cu_keeper *k, const char *what, const cu_err *err)
{
    if (k->told != err->code)
        cu_warn("%s: %s", what, err->msg);
    k->told = err->code;
}

static void measure(struct cu_keeper *k)
{
    cu_running *r = k->run;
    cu_runtime *rt = cu_engine_runtime(r->app->engine);
    cu_arena *a = cu_arena_new(0);
    cu_err err = {0};
    cu_lag lag;
    uint32_t n;
    const char **topics = cu_lag_inputs(cu_runtime_stages(rt), a, &n);
    if (cu_lag_read(r->app->log, r->app->name, topics, n, a, &lag, &err) == 0)
        atomic_store(&cu_runtime_counts(rt)->lag, lag.total);
    else if ((err.flags & CU_RETRY) == 0)
        trouble(k, "cannot measure the lag", &err);
    cu_arena_free(a);
}

static void *keep(void *ctx)
{
    struct cu_keeper *k = ctx;
    cu_log *log = k->run->app->log;
    cu_env *env = k->run->c->env;
    int64_t due = 0;
    while (!atomic_load(&k->stop)) {
        if (cu_mono_us(env) < due) {
            env->vt->sleep_us(env, NAP_US);
            continue;
        }
        cu_err err = {0};
        if (log->vt->maintain(log, &err))
            trouble(k, "the log cannot clean up", &err);
        measure(k);
        due = cu_mono_us(env) + PERIOD_US;
    }
    return NULL;
}

int cu_keeper_start(cu_running *r, cu_err *err)
{
    struct cu_keeper *k = cu_calloc(1, sizeof(*k));
    k->run = r;
    if (pthread_create(&k->thread, NULL, keep, k)) {
        cu_free(k);
        return cu_fail(err, CU_IO, 0, "cannot start a thread");
    }
    r->keeper = k;
    return 0;
}

void cu_keeper_stop(cu_running *r)
{
    struct cu_keeper *k = r->keeper;
    if (k == NULL)
        return;
    atomic_store(&k->stop, true);
    pthread_join(k->thread, NULL);
    cu_free(k);
    r->keeper = NULL;
}
