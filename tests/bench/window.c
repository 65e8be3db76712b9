/* Windows of time: stateless ones on batches in memory, sessions over RocksDB
 * with rows in order, closed by a watermark behind them. */
#include "tests/bench/bench.h"

#include "base/alloc.h"
#include "base/env.h"
#include "processors/operators/op.h"

enum {
    BATCHES = 64,      /* between commits, and of a burst of sessions */
    PARTITIONS = 1000, /* of a burst */
    STEP_US = 1000,
    GAP_US = 30000000,
};

typedef struct windows {
    cu_node_kind kind;
    cu_window_kind window;
    uint32_t rounds; /* of BATCHES batches, in a run */
} windows;

typedef struct windowing {
    const windows *w;
    bench_folder folder;
    cu_kv *kv;
    cu_store *store;
    cu_space *space;
    cu_arena *nodes, *arena;
    cu_expr_env expr_env;
    cu_op_env env;
    cu_node *node;
    cu_op *op, *tap;
    int64_t now;    /* of the next row */
    int64_t bursts; /* done */
    uint64_t state, emitted;
} windowing;

static int count_rows(void *ctx, const cu_batch *b, cu_err *err)
{
    windowing *x = ctx;
    (void)err;
    x->emitted += b->n_sel;
    return 0;
}

static cu_schema *schema(windowing *x, const char *text)
{
    cu_schema *s;
    cu_err err = {0};
    bench_check(cu_schema_parse(x->nodes, text, &s, &err), &err, "schema");
    return s;
}

#define ROW "p:int8 v:int8 t:timestamp"

static void make_node(windowing *x)
{
    static const uint16_t by_p[] = {0};
    cu_node *in = cu_arena_calloc(x->nodes, 1, sizeof(*in));
    cu_node *n = cu_arena_calloc(x->nodes, 1, sizeof(*n));
    in->kind = CU_N_SOURCE;
    in->schema = schema(x, ROW);
    n->kind = x->w->kind;
    n->id = 1;
    n->inputs = cu_arena_dup(x->nodes, &in, sizeof(cu_node *));
    n->n_inputs = 1;
    if (n->kind == CU_N_SESSION) {
        n->schema = schema(x, ROW " a:timestamp");
        n->session.mode = CU_SESSION_ANCHOR;
        n->session.partition = by_p;
        n->session.n_partition = 1;
        n->session.time = 2;
        n->session.gap_us = GAP_US;
        n->session.late = true;
    } else {
        n->schema = schema(x, ROW " s:timestamp e:timestamp");
        n->window.kind = x->w->window;
        n->window.time = 2;
        n->window.size.us = 600000000;
        n->window.slide.us = 150000000;
        n->window.late = true;
    }
    x->node = n;
}

/* Rows in the order of time, over the partitions of the burst. */
static cu_batch *make_batch(windowing *x)
{
    cu_batch *b = cu_batch_new(x->arena, x->node->inputs[0]->schema,
                               CU_BATCH_ROWS);
    int64_t *marks = cu_arena_alloc(x->arena, CU_BATCH_ROWS * sizeof(*marks));
    for (uint32_t i = 0; i < CU_BATCH_ROWS; i++) {
        uint64_t z = bench_draw(&x->state);
        uint32_t row = cu_batch_add(b, 1);
        CU_COL(&b->cols[0], int64_t)
        [row] = x->bursts * PARTITIONS + (int64_t)(z % PARTITIONS);
        CU_COL(&b->cols[1], int64_t)[row] = (int64_t)(z >> 40);
        CU_COL(&b->cols[2], int64_t)[row] = x->now;
        marks[row] = x->now - STEP_US;
        x->now += STEP_US;
    }
    for (uint32_t k = 0; k < 3; k++)
        b->cols[k].valid = NULL; /* a decoder makes none either */
    b->marks = marks;
    cu_batch_seal(b);
    return b;
}

static void commit(windowing *x)
{
    cu_err err = {0};
    cu_kv_batch batch = {0};
    cu_progress progress = {.instance = "bench", .txn_id = "bench"};
    bench_check(cu_op_watermark(x->op, 0, x->now - STEP_US, &err), &err,
                "watermark");
    bench_check(cu_op_commit(x->op, &err), &err, "commit");
    cu_space_to_batch(x->space, 0, &progress, &batch);
    bench_check(x->kv->vt->write(x->kv, &batch, false, &err), &err, "write");
    cu_space_committed(x->space, 0);
    cu_kv_batch_free(&batch);
}

static void *open_windows(const bench_case *c)
{
    windowing *x = cu_calloc(1, sizeof(*x));
    cu_err err = {0};
    x->w = c->arg;
    x->nodes = cu_arena_new(0);
    x->arena = cu_arena_new(1 << 20);
    bench_folder_open(&x->folder);
    x->kv = bench_kv_open(&x->folder);
    x->store = cu_store_new(x->kv, 32 << 20);
    bench_check(cu_space_open(x->store, 1, 0, &x->space, &err), &err, "space");
    x->expr_env = (cu_expr_env){.env = bench_env()};
    x->env = (cu_op_env){.space = x->space, .expr = &x->expr_env, .ctx = x};
    make_node(x);
    bench_check(cu_op_open(x->node, &x->env, &x->op, &err), &err, "open");
    x->tap = cu_tap_new(count_rows, NULL, x);
    cu_op_connect(x->op, x->tap, 0);
    return x;
}

static uint64_t run_windows(void *ctx)
{
    windowing *x = ctx;
    cu_err err = {0};
    for (uint32_t r = 0; r < x->w->rounds; r++) {
        cu_arena_reset(x->arena);
        for (uint32_t i = 0; i < BATCHES; i++)
            bench_check(cu_op_push(x->op, 0, make_batch(x), &err), &err,
                        "push");
        commit(x);
        x->bursts++;
    }
    return (uint64_t)x->w->rounds * BATCHES * CU_BATCH_ROWS;
}

static void close_windows(void *ctx)
{
    windowing *x = ctx;
    cu_op_close(x->op);
    cu_op_close(x->tap);
    cu_space_close(x->space);
    cu_store_free(x->store);
    x->kv->vt->close(x->kv);
    cu_arena_free(x->nodes);
    cu_arena_free(x->arena);
    bench_folder_close(&x->folder);
    cu_free(x);
}

static const windows tumble = {CU_N_WINDOW, CU_WINDOW_TUMBLE, 32};
static const windows hop = {CU_N_WINDOW, CU_WINDOW_HOP, 16};
static const windows session = {CU_N_SESSION, CU_WINDOW_TUMBLE, 8};

const bench_case bench_window[] = {
    {"tumble_hot", "a row into its window, its making included", 0, &tumble,
     open_windows, NULL, run_windows, close_windows},
    {"hop_hot", "a row into four windows", 0, &hop, open_windows, NULL,
     run_windows, close_windows},
    {"session_append", "rows in order, 1 k sessions of 65 rows, closed", 0,
     &session, open_windows, NULL, run_windows, close_windows},
    {0},
};
