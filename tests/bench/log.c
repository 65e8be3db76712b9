/* The embedded log over RocksDB: small records in, small records out. */
#include "tests/bench/bench.h"

#include "base/alloc.h"
#include "log/log.h"

enum { RECORDS = 200000, PER_TXN = 10000, TOPIC_RECORDS = 100000 };

typedef struct logging {
    bench_folder folder;
    cu_kv *kv;
    cu_log *log;
    cu_writer *writer;
    uint64_t appended;
    int64_t from; /* where the next run reads */
} logging;

static void append(logging *l, uint64_t n)
{
    cu_err err = {0};
    char key[9] = "key-0000", value[101];
    memset(value, 'v', 100);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = l->appended++;
        if (i % PER_TXN == 0)
            bench_check(l->writer->vt->begin(l->writer, &err), &err, "begin");
        for (int d = 0; d < 4; d++)
            key[7 - d] = "0123456789abcdef"[at >> (4 * d) & 15];
        cu_record r = {.part = {"t", 0},
                       .timestamp_ms = (int64_t)(1700000000000 + at / 16),
                       .key = cu_slice_n(key, 8),
                       .value = cu_slice_n(value, 100)};
        bench_check(cu_log_append(l->writer, &r, &err), &err, "append");
        if ((i + 1) % PER_TXN == 0)
            bench_check(
                l->writer->vt->commit(l->writer, 1000, NULL, NULL, &err), &err,
                "commit");
    }
}

static void *open_log(const bench_case *c)
{
    logging *l = cu_calloc(1, sizeof(*l));
    cu_err err = {0};
    (void)c;
    bench_folder_open(&l->folder);
    l->kv = bench_kv_open(&l->folder);
    cu_log_local_opts o = {
        .kv = l->kv, .env = bench_env(), .carry_state = true};
    bench_check(cu_log_open_local(&o, &l->log, &err), &err, "log");
    cu_topic_spec spec = {.name = "t", .partitions = 1};
    bench_check(l->log->vt->topic_ensure(l->log, &spec, &err), &err, "topic");
    bench_check(l->log->vt->writer_open(l->log, "bench", &l->writer, &err),
                &err, "writer");
    return l;
}

static void forget(void *ctx)
{
    logging *l = ctx;
    cu_err err = {0};
    cu_part part = {"t", 0};
    bench_check(
        l->log->vt->delete_records(l->log, part, (int64_t)l->appended, &err),
        &err, "delete");
    bench_settle();
}

static uint64_t run_append(void *ctx)
{
    append(ctx, RECORDS);
    return RECORDS;
}

static void fill(void *ctx)
{
    logging *l = ctx;
    cu_err err = {0};
    l->from = (int64_t)l->appended;
    append(l, RECORDS);
    bench_check(l->kv->vt->flush(l->kv, &err), &err, "flush");
    bench_settle();
}

static uint64_t run_read(void *ctx)
{
    logging *l = ctx;
    cu_err err = {0};
    cu_position at = {{"t", 0}, l->from};
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    cu_reader *r;
    cu_poll p = {0};
    uint64_t n = 0, bytes = 0;
    bench_check(l->log->vt->reader_open(l->log, &o, &r, &err), &err, "reader");
    while (p.kind != CU_POLL_END) {
        bench_check(cu_log_poll(r, 0, &p, &err), &err, "poll");
        if (p.kind != CU_POLL_RECORDS)
            continue;
        for (size_t i = 0; i < p.n; i++)
            bytes += p.records[i].value.len;
        n += p.n;
    }
    bench_keep(&bytes);
    r->vt->reader_close(r);
    return n;
}

static void close_log(void *ctx)
{
    logging *l = ctx;
    l->writer->vt->writer_close(l->writer);
    l->log->vt->close(l->log);
    l->kv->vt->close(l->kv);
    bench_folder_close(&l->folder);
    cu_free(l);
}

const bench_case bench_log[] = {
    {"log_append", "records of 108 B, 10,000 a transaction", 0, NULL, open_log,
     forget, run_append, close_log},
    {"log_read", "the same records, from RocksDB", 100, NULL, open_log, fill,
     run_read, close_log},
    {0},
};
