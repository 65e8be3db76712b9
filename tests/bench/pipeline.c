/* The whole of it: an engine on the embedded log, one worker, JSON in. */
#include "tests/bench/bench.h"

#include "base/alloc.h"
#include "base/env.h"
#include "processors/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLES(partitions)                                           \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                    \
    "CREATE SERVER b FOREIGN DATA WRAPPER blackhole;"                \
    "CREATE FOREIGN TABLE bid (" BENCH_BID_SQL ") SERVER k OPTIONS " \
    "(topic 'bid', format 'json', partitions '" partitions "');"

typedef struct job {
    const char *sql;
    uint64_t n_auctions;
    uint64_t rows; /* of a run */
    uint64_t warm; /* rows before the first run */
    int32_t partitions;
} job;

typedef struct running {
    const job *j;
    bench_folder folder;
    cu_program *program;
    cu_engine *engine;
    cu_worker *worker;
    cu_writer *writer;
    uint64_t state, fed;
} running;

/* As another program would: transactions of a thousand records. */
static void feed(running *r, uint64_t n)
{
    cu_err err = {0};
    cu_buf value = {0};
    for (uint64_t i = 0; i < n; i++) {
        if (i % 1000 == 0)
            bench_check(r->writer->vt->begin(r->writer, &err), &err, "begin");
        cu_buf_clear(&value);
        bench_bid_json(&r->state, r->j->n_auctions, &value);
        uint64_t at = r->fed++;
        cu_record rec = {
            .part = {"bid", (int32_t)(at / 1000) % r->j->partitions},
            .timestamp_ms = (int64_t)(1700000000000 + at / 100),
            .value = cu_buf_slice(&value)};
        bench_check(cu_log_append(r->writer, &rec, &err), &err, "append");
        if (i % 1000 == 999 || i + 1 == n)
            bench_check(
                r->writer->vt->commit(r->writer, 1000, NULL, NULL, &err), &err,
                "commit");
    }
    cu_buf_free(&value);
}

static uint64_t n_in(running *r)
{
    cu_counts *c = cu_runtime_counts(cu_engine_runtime(r->engine));
    return (uint64_t)atomic_load(&c->tables[0].in);
}

static bool drained(running *r)
{
    cu_drain *d;
    cu_err err = {0};
    bool done;
    cu_runtime *rt = cu_engine_runtime(r->engine);
    bench_check(cu_drain_begin(rt, &d, &err), &err, "drain");
    bench_check(cu_drain_done(d, &done, &err), &err, "drain");
    cu_drain_free(d);
    return done;
}

/* As `cupel run --drain`: commits come on their own. */
static void work(running *r)
{
    cu_err err = {0};
    bool done = false;
    while (!done) {
        bool busy;
        bench_check(cu_worker_step(r->worker, 20, &busy, &err), &err, "worker");
        done = !busy && n_in(r) == r->fed && drained(r);
    }
}

static void *open_job(const bench_case *c)
{
    running *r = cu_calloc(1, sizeof(*r));
    cu_err err = {0};
    r->j = c->arg;
    r->state = 1;
    bench_folder_open(&r->folder);
    r->program = bench_compile(r->j->sql);
    cu_engine_opts o = {
        .program = r->program, .env = bench_env(), .state_dir = r->folder.path};
    bench_check(cu_engine_open(&o, &r->engine, &err), &err, "engine");
    cu_log *log = cu_engine_log(r->engine);
    bench_check(log->vt->writer_open(log, "feeder", &r->writer, &err), &err,
                "writer");
    bench_check(
        cu_worker_open(cu_engine_runtime(r->engine), 0, &r->worker, &err), &err,
        "worker");
    for (uint64_t n = 0; n < r->j->warm; n += 100000) {
        feed(r, 100000);
        work(r);
    }
    return r;
}

static void prepare(void *ctx)
{
    running *r = ctx;
    cu_err err = {0};
    cu_kv *kv = cu_engine_kv(r->engine);
    feed(r, r->j->rows);
    bench_check(kv->vt->flush(kv, &err), &err, "flush");
    bench_settle();
}

static uint64_t run_job(void *ctx)
{
    running *r = ctx;
    work(r);
    return r->j->rows;
}

static void close_job(void *ctx)
{
    running *r = ctx;
    cu_counts *c = cu_runtime_counts(cu_engine_runtime(r->engine));
    if (atomic_load(&c->tables[0].applied) != (int64_t)r->fed) {
        fprintf(stderr, "bench: not every row was applied\n");
        exit(1);
    }
    cu_worker_close(r->worker);
    r->writer->vt->writer_close(r->writer);
    cu_engine_close(r->engine);
    cu_program_free(r->program);
    bench_folder_close(&r->folder);
    cu_free(r);
}

#define COUNT                                                           \
    "CREATE MATERIALIZED VIEW v AS SELECT auction, count(*) AS n FROM " \
    "bid GROUP BY auction;"

static const job blackhole = {
    TABLES("1") "CREATE FOREIGN TABLE hole (" BENCH_BID_SQL ") SERVER b;"
                "CREATE MATERIALIZED VIEW v WITH (into = 'hole') AS SELECT * "
                "FROM bid;",
    1000, 200000, 0, 1};
static const job hot = {TABLES("1") COUNT, 1000, 200000, 0, 1};
static const job cold = {TABLES("1") COUNT, 1000000, 100000, 1000000, 1};
static const job rekeyed = {TABLES("4") COUNT, 1000, 200000, 0, 4};

const bench_case bench_pipeline[] = {
    {"json_to_blackhole", "embedded log, JSON, 7 columns, no output", 800,
     &blackhole, open_job, prepare, run_job, close_job},
    {"json_hot_count", "count by 1 k keys to a silver topic", 667, &hot,
     open_job, prepare, run_job, close_job},
    {"json_cold_count", "count by 1 M keys to a silver topic", 5000, &cold,
     open_job, prepare, run_job, close_job},
    {"json_rekeyed_count", "4 partitions, an exchange, count by 1 k keys", 0,
     &rekeyed, open_job, prepare, run_job, close_job},
    {0},
};
