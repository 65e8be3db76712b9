/* A whole engine under the thread sanitizer.
 *
 *     feeder --> t (4 partitions) --> 3 workers --> by_g --exchange--> totals
 *
 * One thread appends records, three own a worker each (two of them come and
 * go, so that partitions change hands), the main thread does what a running
 * app does meanwhile: scans views, asks how far it is, has the log clean up.
 * At the end every count must be exact.
 *
 *   tsan_engine [rocks]     state and log in RocksDB instead of memory
 *
 * Exit 0, 1 for a wrong count, or the sanitizer's code.
 */
#include "processors/engine/engine.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PARTS = 4, GROUPS = 20, TXNS = 1000, PER_TXN = 40, WORKERS = 3 };

static const char sql[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE t (id bigint NOT NULL, g int, v int, CONSTRAINT "
    "small CHECK (v < 1000)) SERVER k OPTIONS (topic 't', format 'json', "
    "partitions '4');"
    "CREATE MATERIALIZED VIEW by_g AS SELECT g, count(*) AS n, sum(v) AS s "
    "FROM t GROUP BY g;"
    "CREATE MATERIALIZED VIEW totals AS SELECT sum(n)::bigint AS n, "
    "sum(s)::bigint AS s, count(*) AS groups FROM by_g;";

typedef struct world {
    char folder[256];
    cu_env *env;
    cu_kv *kv;
    cu_log *log;
    cu_program *program;
    cu_engine *engine;
    _Atomic bool fed, stop;
    _Atomic int64_t n_bad;
} world;

typedef struct actor {
    world *w;
    uint32_t index;
    pthread_t thread;
} actor;

static void check(int rc, const cu_err *err, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, err->msg);
    exit(1);
}

static void expect(int64_t got, int64_t want, const char *what)
{
    if (got == want)
        return;
    fprintf(stderr, "%s: %lld, not %lld\n", what, (long long)got,
            (long long)want);
    exit(1);
}

/* --- the threads --------------------------------------------------------- */

/* Every 50th record is bad: letters are written under load, too. */
static void append(world *w, cu_writer *writer, int64_t id)
{
    char value[100];
    cu_err err = {0};
    bool bad = id % 50 == 49;
    snprintf(value, sizeof(value), "{\"id\":%lld,\"g\":%lld,\"v\":%lld}",
             (long long)id, (long long)(id % GROUPS),
             (long long)(bad ? 5000 : id % 7));
    cu_record r = {.part = {"t", (int32_t)(id % PARTS)},
                   .timestamp_ms = id,
                   .value = cu_slice_of(value)};
    check(cu_log_append(writer, &r, &err), &err, "append");
    atomic_fetch_add(&w->n_bad, bad);
}

static void *feed(void *arg)
{
    world *w = ((actor *)arg)->w;
    cu_err err = {0};
    cu_writer *writer;
    int64_t id = 0;
    check(w->log->vt->writer_open(w->log, "feeder", &writer, &err), &err,
          "feeder");
    for (int t = 0; t < TXNS; t++) {
        check(writer->vt->begin(writer, &err), &err, "begin");
        for (int i = 0; i < PER_TXN; i++)
            append(w, writer, id++);
        check(writer->vt->commit(writer, 1000, NULL, NULL, &err), &err,
              "commit");
        usleep(2000);
    }
    writer->vt->writer_close(writer);
    atomic_store(&w->fed, true);
    return NULL;
}

/* The first worker stays; the others leave after some steps. */
static void *work(void *arg)
{
    actor *a = arg;
    world *w = a->w;
    while (!atomic_load(&w->stop)) {
        cu_err err = {0};
        cu_worker *worker;
        check(cu_worker_open(cu_engine_runtime(w->engine), a->index, &worker,
                             &err),
              &err, "worker");
        for (uint32_t i = 0; !atomic_load(&w->stop); i++) {
            bool busy;
            if (a->index > 0 && i > 60 * a->index && !atomic_load(&w->fed))
                break;
            check(cu_worker_step(worker, 5, &busy, &err), &err, "step");
        }
        check(cu_worker_commit(worker, &err), &err, "last commit");
        cu_worker_close(worker);
    }
    return NULL;
}

/* --- looking on ---------------------------------------------------------- */

typedef struct seen {
    int64_t rows, n, s;
    int64_t by_g[GROUPS], sum[GROUPS];
} seen;

static int see_group(void *ctx, const cu_batch *b, cu_err *err)
{
    seen *x = ctx;
    (void)err;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        int32_t g = cu_batch_value(b, row, 0).i4;
        x->rows++;
        x->by_g[g] += cu_batch_value(b, row, 1).i8;
        x->sum[g] += cu_batch_value(b, row, 2).i8;
    }
    return 0;
}

static int see_total(void *ctx, const cu_batch *b, cu_err *err)
{
    seen *x = ctx;
    (void)err;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        x->n += cu_batch_value(b, row, 0).i8;
        x->s += cu_batch_value(b, row, 1).i8;
        x->rows += cu_batch_value(b, row, 2).i8;
    }
    return 0;
}

static void scan(world *w, const char *view, cu_view_push *push, seen *x)
{
    cu_err err = {0};
    *x = (seen){0};
    check(cu_view_scan(cu_engine_runtime(w->engine),
                       cu_program_view(w->program, view), push, x, &err),
          &err, "scan");
}

/* Until everything went through. */
static void look_on(world *w)
{
    cu_err err = {0};
    cu_drain *d = NULL;
    bool done = false;
    while (!done) {
        seen x;
        scan(w, "by_g", see_group, &x);
        scan(w, "totals", see_total, &x);
        check(w->log->vt->maintain(w->log, &err), &err, "maintain");
        if (!d && atomic_load(&w->fed))
            check(cu_drain_begin(cu_engine_runtime(w->engine), &d, &err), &err,
                  "drain");
        if (d)
            check(cu_drain_done(d, &done, &err), &err, "drain");
        usleep(5000);
    }
    cu_drain_free(d);
}

static void verify(world *w)
{
    int64_t n[GROUPS] = {0}, sum[GROUPS] = {0}, all_n = 0, all_s = 0;
    int64_t total = (int64_t)TXNS * PER_TXN;
    for (int64_t id = 0; id < total; id++) {
        if (id % 50 == 49)
            continue;
        n[id % GROUPS]++;
        sum[id % GROUPS] += id % 7;
        all_n++;
        all_s += id % 7;
    }
    seen x;
    scan(w, "by_g", see_group, &x);
    expect(x.rows, GROUPS, "groups");
    for (int g = 0; g < GROUPS; g++) {
        expect(x.by_g[g], n[g], "rows of a group");
        expect(x.sum[g], sum[g], "sum of a group");
    }
    scan(w, "totals", see_total, &x);
    expect(x.n, all_n, "rows");
    expect(x.s, all_s, "sum");
    expect(x.rows, GROUPS, "groups in the totals");
    cu_counts *c = cu_runtime_counts(cu_engine_runtime(w->engine));
    expect(atomic_load(&c->tables[0].in), total, "records in");
    expect(atomic_load(&c->tables[0].applied), all_n, "rows applied");
    expect(atomic_load(&c->tables[0].dead), atomic_load(&w->n_bad), "letters");
}

/* --- opening and closing ------------------------------------------------- */

static cu_program *compile(void)
{
    static const char *const path = "app.sql";
    cu_env *env = cu_env_sim(1);
    cu_err err = {0};
    check(env->vt->write_file(env, path, cu_slice_of(sql), &err), &err, "SQL");
    cu_sql_opts o = {.env = env, .app = "app", .paths = &path, .n_paths = 1};
    cu_sql_problems problems = {0};
    cu_program *p;
    check(cu_sql_compile(&o, &p, &problems, &err), &err, "SQL");
    cu_sql_problems_free(&problems);
    env->vt->close(env);
    return p;
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void open_world(world *w, bool rocks)
{
    cu_err err = {0};
    w->program = compile();
    w->env = cu_env_real(false);
    cu_engine_opts o = {
        .program = w->program, .env = w->env, .commit_interval_ms = 20};
    if (rocks) {
        const char *root = getenv("TMPDIR");
        snprintf(w->folder, sizeof(w->folder), "%s/cupel-tsan-XXXXXX",
                 root ? root : P_tmpdir);
        if (mkdtemp(w->folder) == NULL)
            exit(1);
        o.state_dir = w->folder;
    } else {
        w->kv = cu_kv_open_memory(1);
        cu_log_local_opts lo = {
            .kv = w->kv, .env = w->env, .carry_state = true};
        check(cu_log_open_local(&lo, &w->log, &err), &err, "log");
        o.kv = w->kv;
        o.log = w->log;
        o.log_carries_state = true;
    }
    check(cu_engine_open(&o, &w->engine, &err), &err, "engine");
    w->log = cu_engine_log(w->engine);
}

static void close_world(world *w)
{
    cu_engine_close(w->engine);
    if (w->kv) {
        w->log->vt->close(w->log);
        w->kv->vt->close(w->kv);
    } else {
        nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    cu_program_free(w->program);
    w->env->vt->close(w->env);
}

int main(int argc, char **argv)
{
    static world w;
    actor actors[WORKERS + 1];
    open_world(&w, argc > 1 && strcmp(argv[1], "rocks") == 0);
    for (uint32_t i = 0; i <= WORKERS; i++) {
        actors[i] = (actor){.w = &w, .index = i};
        if (pthread_create(&actors[i].thread, NULL, i < WORKERS ? work : feed,
                           &actors[i]))
            return 1;
    }
    look_on(&w);
    atomic_store(&w.stop, true);
    for (uint32_t i = 0; i <= WORKERS; i++)
        pthread_join(actors[i].thread, NULL);
    verify(&w);
    close_world(&w);
    return 0;
}
