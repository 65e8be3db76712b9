/* An inner join of a stream with a table of one row a key, state written at
 * every commit; every fifth change takes an older row back. */
#include "tests/bench/bench.h"

#include "base/alloc.h"
#include "base/env.h"
#include "processors/operators/op.h"
#include "rows/text.h"

typedef struct joining_arg {
    uint64_t n;       /* keys */
    bool skewed;      /* each second row has a key of the first quarter … */
    uint32_t batches; /* in a run */
    uint32_t commit;  /* batches between commits */
    uint32_t lag;     /* rows between coming and going */
} joining_arg;

typedef struct stream_row {
    int64_t k, v;
} stream_row;

typedef struct joining {
    const joining_arg *g;
    bench_folder folder;
    cu_kv *kv;
    cu_store *store;
    cu_space *space;
    cu_arena *nodes, *arena;
    cu_expr_env expr_env;
    cu_op_env env;
    cu_pipeline *pipeline;
    cu_op *tap;
    cu_batch **batches;
    stream_row *live; /* a ring */
    uint64_t first, last, cap;
    uint64_t state, emitted;
} joining;

static int take_letter(void *ctx, const cu_letter *l, cu_err *err)
{
    (void)ctx;
    return cu_fail(err, CU_DATA, 0, "%s", l->message);
}

static int count_rows(void *ctx, const cu_batch *b, cu_err *err)
{
    joining *x = ctx;
    (void)err;
    x->emitted += b->n_sel;
    return 0;
}

static void commit(joining *x)
{
    cu_err err = {0};
    cu_kv_batch batch = {0};
    cu_progress progress = {.instance = "bench", .txn_id = "bench"};
    bench_check(cu_pipeline_commit(x->pipeline, &err), &err, "commit");
    cu_space_to_batch(x->space, 0, &progress, &batch);
    bench_check(x->kv->vt->write(x->kv, &batch, false, &err), &err, "write");
    cu_space_committed(x->space, 0);
    cu_kv_batch_free(&batch);
}

static void push(joining *x, unsigned entry, cu_batch *b)
{
    cu_err err = {0};
    for (uint32_t k = 0; k < b->n_cols; k++)
        b->cols[k].valid = NULL; /* a decoder makes none either */
    cu_batch_seal(b);
    bench_check(cu_op_push(x->pipeline->entries[entry].op, 0, b, &err), &err,
                "push");
}

/* --- rows ---------------------------------------------------------------- */

static cu_batch *empty(joining *x)
{
    return cu_batch_new(x->arena, x->pipeline->entries[0].node->schema,
                        CU_BATCH_ROWS);
}

static void add(joining *x, cu_batch *b, stream_row r, int32_t w)
{
    cu_value v = {.type = CU_TYPE(CU_T_INT8)};
    uint32_t row = cu_batch_add(b, w);
    v.i8 = r.k;
    cu_col_set(x->arena, &b->cols[0], row, b->capacity, &v);
    v.i8 = r.v;
    cu_col_set(x->arena, &b->cols[1], row, b->capacity, &v);
}

/* Skewed keys: half of the rows have any, a quarter one of the first quarter,
 * and so on: key k has about n / k times the rows of the last. */
static stream_row draw(joining *x)
{
    uint64_t z = bench_draw(&x->state), n = x->g->n;
    stream_row r = {(int64_t)(z % n), (int64_t)(x->last)};
    if (x->g->skewed) {
        uint64_t top = n;
        for (uint64_t s = z >> 32; (s & 1) && top > 1; s >>= 1)
            top /= 4;
        r.k = (int64_t)(z % top);
    }
    x->live[x->last++ % x->cap] = r;
    return r;
}

static stream_row oldest(joining *x)
{
    return x->live[x->first++ % x->cap];
}

/* Everything of the last run goes, the rows to be taken back come, and the
 * batches of the next run are made. */
static void prepare(void *ctx)
{
    joining *x = ctx;
    while (x->first < x->last) {
        cu_arena_reset(x->arena);
        cu_batch *b = empty(x);
        while (b->n_rows < CU_BATCH_ROWS && x->first < x->last)
            add(x, b, oldest(x), -1);
        push(x, 0, b);
    }
    commit(x);
    for (uint32_t i = 0; i < x->g->lag; i += CU_BATCH_ROWS) {
        cu_arena_reset(x->arena);
        cu_batch *b = empty(x);
        while (b->n_rows < CU_BATCH_ROWS)
            add(x, b, draw(x), 1);
        push(x, 0, b);
    }
    commit(x);
    cu_arena_reset(x->arena);
    for (uint32_t i = 0; i < x->g->batches; i++) {
        cu_batch *b = x->batches[i] = empty(x);
        for (uint32_t k = 0; k < CU_BATCH_ROWS; k++) {
            if (k % 5 == 4)
                add(x, b, oldest(x), -1);
            else
                add(x, b, draw(x), 1);
        }
    }
    bench_settle();
}

static uint64_t run_join(void *ctx)
{
    joining *x = ctx;
    for (uint32_t i = 0; i < x->g->batches; i++) {
        push(x, 0, x->batches[i]);
        if ((i + 1) % x->g->commit == 0)
            commit(x);
    }
    return (uint64_t)x->g->batches * CU_BATCH_ROWS;
}

/* --- the join ------------------------------------------------------------ */

static cu_node *make_node(joining *x, cu_node_kind kind, const char *schema)
{
    cu_err err = {0};
    cu_schema *s;
    cu_node *n = cu_arena_calloc(x->nodes, 1, sizeof(*n));
    bench_check(cu_schema_parse(x->nodes, schema, &s, &err), &err, "schema");
    n->kind = kind;
    n->schema = s;
    return n;
}

static cu_node *make_plan(joining *x)
{
    static const uint16_t key[] = {0};
    cu_node *n = make_node(x, CU_N_JOIN, "k:int8 v:int8 k2:int8 w:int8");
    n->n_inputs = 2;
    n->inputs = cu_arena_calloc(x->nodes, 2, sizeof(*n->inputs));
    n->inputs[0] = make_node(x, CU_N_SOURCE, "k:int8 v:int8");
    n->inputs[1] = make_node(x, CU_N_SOURCE, "k:int8 w:int8");
    n->join.kind = CU_JOIN_INNER;
    n->join.n_keys = 1;
    n->join.left = n->join.right = key;
    return n;
}

static void fill(joining *x)
{
    for (uint64_t k = 0; k < x->g->n;) {
        cu_arena_reset(x->arena);
        cu_batch *b = empty(x);
        for (; b->n_rows < CU_BATCH_ROWS && k < x->g->n; k++)
            add(x, b, (stream_row){(int64_t)k, (int64_t)(k * 7)}, 1);
        push(x, 1, b);
        if (k / CU_BATCH_ROWS % 64 == 0)
            commit(x);
    }
    commit(x);
}

static void *open_join(const bench_case *c)
{
    joining *x = cu_calloc(1, sizeof(*x));
    cu_err err = {0};
    x->g = c->arg;
    x->nodes = cu_arena_new(0);
    x->arena = cu_arena_new(1 << 20);
    bench_folder_open(&x->folder);
    x->kv = bench_kv_open(&x->folder);
    x->store = cu_store_new(x->kv, 32 << 20);
    bench_check(cu_space_open(x->store, 1, 0, &x->space, &err), &err, "space");
    x->expr_env = (cu_expr_env){.env = bench_env(), .zone = cu_zone_utc()};
    x->env = (cu_op_env){.space = x->space,
                         .expr = &x->expr_env,
                         .ctx = x,
                         .letter = take_letter,
                         .cache_bytes = 16 << 20};
    bench_check(cu_pipeline_open(make_plan(x), &x->env, &x->pipeline, &err),
                &err, "pipeline");
    x->tap = cu_tap_new(count_rows, NULL, x);
    cu_op_connect(x->pipeline->root, x->tap, 0);
    fill(x);
    x->batches = cu_calloc(x->g->batches, sizeof(*x->batches));
    x->cap = x->g->lag + (uint64_t)(x->g->batches + 1) * CU_BATCH_ROWS;
    x->live = cu_calloc(x->cap, sizeof(*x->live));
    return x;
}

static void close_join(void *ctx)
{
    joining *x = ctx;
    cu_pipeline_close(x->pipeline);
    cu_op_close(x->tap);
    cu_space_close(x->space);
    cu_store_free(x->store);
    x->kv->vt->close(x->kv);
    cu_arena_free(x->nodes);
    cu_arena_free(x->arena);
    cu_free(x->batches);
    cu_free(x->live);
    bench_folder_close(&x->folder);
    cu_free(x);
}

static const joining_arg hot = {1000, false, 100, 20, 30000};
static const joining_arg cold = {1 << 20, false, 100, 50, 60000};
static const joining_arg skewed = {1 << 20, true, 100, 50, 60000};

const bench_case bench_join[] = {
    {"join_hot", "stream and table, 1 k keys in memory", 0, &hot, open_join,
     prepare, run_join, close_join},
    {"join_cold", "the same, 1 M keys in RocksDB", 0, &cold, open_join, prepare,
     run_join, close_join},
    {"join_skewed", "the same, most rows of a few keys", 0, &skewed, open_join,
     prepare, run_join, close_join},
    {0},
};
