#include "processors/engine/engine.h"

#include "base/alloc.h"
#include "base/diag.h"
#include "processors/engine/pressure.h"

/* A sanitizer's memory is not the app's. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEASURED false
#else
#define MEASURED true
#endif

struct cu_engine {
    cu_engine_opts o;
    cu_env *env;
    cu_arena *arena;
    const char *folder, *instance;
    bool embedded;
    cu_lock *lock;
    cu_kv *kv;
    cu_log *log;
    cu_store *store;
    cu_runtime *runtime;
    cu_memory_plan memory;
    cu_pressure pressure;
};

enum { MOST_FOLDERS = 64, DEFAULT_BYTES = 256 << 20 };

cu_memory_plan cu_memory_shares(size_t bytes, bool embedded)
{
    bytes = bytes ? bytes : DEFAULT_BYTES;
    return (cu_memory_plan){
        .block_cache = bytes / 16 * 3,
        .memtables = bytes / 32 * 3,
        .operators = bytes / 16 * 3,
        .tables = bytes / 16,
        .log = embedded ? bytes / 8 : bytes / 4,
    };
}

static int take_folder(cu_engine *e, const char *folder, cu_err *err)
{
    int rc = e->env->vt->make_dirs(e->env, folder, err);
    if (rc)
        return rc;
    const char *lock = cu_path_join(e->arena, folder, "lock");
    rc = e->env->vt->lock(e->env, lock, &e->lock, err);
    if (rc == 0)
        e->folder = folder;
    return rc;
}

/* Kafka: the first folder DIR/<n> that nobody holds. */
static int first_free(cu_engine *e, const char *dir, int *n, cu_err *err)
{
    int rc = CU_BUSY;
    for (*n = 0; *n < MOST_FOLDERS; ++*n) {
        cu_err_clear(err);
        rc = take_folder(e, cu_arena_printf(e->arena, "%s/%d", dir, *n), err);
        if (rc != CU_BUSY)
            return rc;
    }
    return rc;
}

static const char *host_name(cu_engine *e)
{
    cu_err ignored = {0};
    cu_slice name = {0};
    if (e->env->vt->read_file(e->env, "/proc/sys/kernel/hostname", 256,
                              e->arena, &name, &ignored))
        return "host";
    while (name.len && (unsigned char)name.data[name.len - 1] <= ' ')
        name.len--;
    return name.len ? cu_arena_strn(e->arena, name.data, name.len) : "host";
}

static int choose_folder(cu_engine *e, cu_err *err)
{
    const char *dir = e->o.state_dir;
    if (dir == NULL)
        dir = cu_arena_printf(e->arena, ".cupel/%s", e->o.program->app);
    e->instance = e->o.instance;
    if (e->embedded) {
        int rc = take_folder(e, dir, err);
        if (rc == CU_BUSY)
            cu_err_note(err, "app %s is already running: ", e->o.program->app);
        if (e->instance == NULL)
            e->instance = "local";
        return rc;
    }
    int n;
    int rc = first_free(e, dir, &n, err);
    if (rc == 0 && e->instance == NULL)
        e->instance = cu_arena_printf(e->arena, "%s-%d", host_name(e), n);
    return rc;
}

static int open_kv(cu_engine *e, cu_err *err)
{
    cu_kv_opts o = {.wal = e->embedded,
                    .read_only = e->o.read_only,
                    .cache_bytes = e->memory.block_cache,
                    .memtable_bytes = e->memory.memtables,
                    .sync_every_ms = e->embedded ? 1000 : 0};
    return cu_kv_open_rocks(cu_path_join(e->arena, e->folder, "db"), &o, &e->kv,
                            err);
}

static int open_log(cu_engine *e, const char *brokers, cu_err *err)
{
    if (e->embedded) {
        cu_log_local_opts o = {.kv = e->kv,
                               .env = e->env,
                               .carry_state = true,
                               .sync_commit = e->o.sync_commit,
                               .memory_bytes = e->memory.log};
        return cu_log_open_local(&o, &e->log, err);
    }
    cu_log_kafka_opts o = {.brokers = brokers,
                           .client_id = e->instance,
                           .properties = e->o.properties,
                           .n_properties = e->o.n_properties,
                           .env = e->env,
                           .memory_bytes = e->memory.log,
                           .at_least_once = e->o.program->at_least_once};
    return cu_log_open_kafka(&o, &e->log, err);
}

static int open_parts(cu_engine *e, const char *brokers, cu_err *err)
{
    int rc = 0;
    if (e->o.kv) {
        e->kv = e->o.kv;
        e->log = e->o.log;
        e->folder = "";
        e->instance = e->o.instance ? e->o.instance : "local";
        e->embedded = e->o.log_carries_state;
    } else {
        rc = choose_folder(e, err);
        if (rc == 0)
            rc = open_kv(e, err);
        if (rc == 0)
            rc = open_log(e, brokers, err);
    }
    if (rc)
        return rc;
    e->store = cu_store_new(e->kv, e->memory.tables);
    cu_runtime_opts o = {.program = e->o.program,
                         .log = e->log,
                         .store = e->store,
                         .env = e->env,
                         .instance = e->instance,
                         .static_member = !e->embedded && !e->o.kv &&
                                          !e->o.leaves,
                         .log_carries_state = e->embedded,
                         .commit_interval_ms = e->o.commit_interval_ms,
                         .memory_bytes = e->memory.operators,
                         .never_idle = e->o.never_idle,
                         .as_it_was = e->o.as_it_was,
                         .pressed = e->o.pressed,
                         .pressed_ctx = e->o.pressed_ctx};
    if (MEASURED && !e->o.kv && !e->o.read_only && !o.pressed) {
        cu_pressure_init(&e->pressure, e->env,
                         e->o.memory_bytes ? e->o.memory_bytes : DEFAULT_BYTES);
        o.pressed = cu_pressure_ask;
        o.pressed_ctx = &e->pressure;
    }
    return cu_runtime_open(&o, &e->runtime, err);
}

int cu_engine_open(const cu_engine_opts *opts, cu_engine **out, cu_err *err)
{
    cu_engine *e = cu_calloc(1, sizeof(*e));
    e->o = *opts;
    e->env = opts->env;
    e->arena = cu_arena_new(0);
    const char *brokers = opts->brokers ? opts->brokers
                                        : opts->program->brokers;
    e->embedded = brokers == NULL;
    e->memory = cu_memory_shares(opts->memory_bytes, e->embedded);
    int rc = open_parts(e, brokers, err);
    if (rc) {
        cu_engine_close(e);
        return rc;
    }
    *out = e;
    return 0;
}

void cu_engine_close(cu_engine *e)
{
    if (e->runtime)
        cu_runtime_close(e->runtime);
    if (e->store)
        cu_store_free(e->store);
    if (e->log && e->log != e->o.log)
        e->log->vt->close(e->log);
    if (e->kv && e->kv != e->o.kv) {
        cu_err ignored = {0};
        e->kv->vt->flush(e->kv, &ignored);
        e->kv->vt->close(e->kv);
    }
    if (e->lock)
        e->env->vt->unlock(e->env, e->lock);
    cu_arena_free(e->arena);
    cu_free(e);
}

cu_env *cu_engine_env(cu_engine *e)
{
    return e->env;
}

cu_log *cu_engine_log(cu_engine *e)
{
    return e->log;
}

cu_kv *cu_engine_kv(cu_engine *e)
{
    return e->kv;
}

cu_runtime *cu_engine_runtime(cu_engine *e)
{
    return e->runtime;
}

const cu_program *cu_engine_program(const cu_engine *e)
{
    return e->o.program;
}

const char *cu_engine_folder(const cu_engine *e)
{
    return e->folder;
}

const char *cu_engine_instance(const cu_engine *e)
{
    return e->instance;
}

bool cu_engine_embedded(const cu_engine *e)
{
    return e->embedded;
}
