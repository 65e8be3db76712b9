/* Which process of an app runs its collectors and sinks.
 *
 * Processes of one app subscribe to `<app>.collectors` in a group of that
 * name; the one that is given its partition collects, the others wait.  A
 * collector that was fenced by a new owner closes and waits too.  On the
 * embedded log there is one process, and it is the owner.
 */
#include "ops/run.h"

#include "base/alloc.h"
#include "base/diag.h"

enum { POLL_MS = 100, PAUSE_US = 500000 };

struct cu_owner {
    cu_running *run;
    cu_reader *reader; /* NULL: always the owner */
    pthread_t thread;
    _Atomic bool stop;
    _Atomic cu_owning state;
};

static void *listen_for_it(void *ctx)
{
    struct cu_owner *o = ctx;
    while (!atomic_load(&o->stop)) {
        cu_poll p;
        cu_err err = {0};
        if (cu_log_poll(o->reader, POLL_MS, &p, &err)) {
            cu_debug("collectors' group: %s", err.msg);
            cu_env *env = o->run->c->env;
            env->vt->sleep_us(env, PAUSE_US);
            continue;
        }
        if (p.kind == CU_POLL_ASSIGNED)
            atomic_store(&o->state, p.n_parts ? CU_OWNING_YES : CU_OWNING_NO);
        else if (p.kind == CU_POLL_REVOKED)
            atomic_store(&o->state, CU_OWNING_UNKNOWN);
    }
    return NULL;
}

static int join_group(struct cu_owner *o, cu_err *err)
{
    cu_running *r = o->run;
    cu_log *log = r->app->log;
    const char *topic = cu_arena_printf(r->c->arena, "%s.collectors",
                                        r->app->name);
    cu_topic_spec spec = {.name = topic, .partitions = 1, .compact = true};
    int rc = log->vt->topic_ensure(log, &spec, err);
    if (rc && rc != CU_EXISTS)
        return rc;
    cu_err_clear(err);
    cu_reader_opts ro = {.group = topic, .topics = &topic, .n_topics = 1};
    rc = log->vt->reader_open(log, &ro, &o->reader, err);
    if (rc)
        return rc;
    if (pthread_create(&o->thread, NULL, listen_for_it, o)) {
        o->reader->vt->reader_close(o->reader);
        o->reader = NULL;
        return cu_fail(err, CU_IO, 0, "cannot start a thread");
    }
    return 0;
}

int cu_owner_open(cu_running *r, cu_err *err)
{
    struct cu_owner *o = cu_calloc(1, sizeof(*o));
    o->run = r;
    o->state = CU_OWNING_YES;
    r->owner = o;
    if ((r->n_collecting == 0 && r->n_sinking == 0) ||
        strcmp(r->app->log->vt->name, "kafka") != 0)
        return 0;
    o->state = CU_OWNING_UNKNOWN;
    return join_group(o, err);
}

cu_owning cu_owner_state(const cu_running *r)
{
    return r->owner ? atomic_load(&r->owner->state) : CU_OWNING_YES;
}

bool cu_owner_shared(const cu_running *r)
{
    return r->owner && r->owner->reader;
}

void cu_owner_close(cu_running *r)
{
    struct cu_owner *o = r->owner;
    if (o == NULL)
        return;
    if (o->reader) {
        atomic_store(&o->stop, true);
        pthread_join(o->thread, NULL);
        o->reader->vt->reader_close(o->reader);
    }
    cu_free(o);
    r->owner = NULL;
}
