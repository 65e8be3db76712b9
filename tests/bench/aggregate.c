/* GROUP BY in memory and over RocksDB, state written at every commit. */
#include "tests/bench/bench.h"

#include "base/alloc.h"
#include "base/env.h"
#include "processors/operators/op.h"
#include "processors/sql/sql.h"
#include "rows/text.h"

typedef struct groups {
    uint64_t n;       /* how many there are */
    uint32_t batches; /* different ones, in memory */
    uint32_t rounds;  /* of all batches, in a run */
    uint32_t commit;  /* batches between commits */
    bool deletes;     /* every other round takes back what the last brought */
    bool percentile;  /* the median, too */
} groups;

typedef struct grouping {
    const groups *g;
    bench_folder folder;
    cu_kv *kv;
    cu_store *store;
    cu_space *space;
    cu_program *program;
    cu_expr_env expr_env;
    cu_op_env env;
    cu_pipeline *pipeline;
    cu_op *tap;
    cu_arena *arena; /* of the batches */
    cu_batch **batches;
    uint64_t state, emitted;
} grouping;

static int take_letter(void *ctx, const cu_letter *l, cu_err *err)
{
    (void)ctx;
    return cu_fail(err, CU_DATA, 0, "%s", l->message);
}

static int count_rows(void *ctx, const cu_batch *b, cu_err *err)
{
    grouping *x = ctx;
    (void)err;
    x->emitted += b->n_sel;
    return 0;
}

static bool is_aggregate(void *ctx, cu_node *n)
{
    if (n->kind == CU_N_AGGREGATE)
        *(cu_node **)ctx = n;
    return true;
}

static const cu_func *percentile_disc(void)
{
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    for (uint32_t i = 0; i < n; i++)
        if (all[i]->agg == CU_AGG_PERCENTILE_DISC &&
            all[i]->args[0] == CU_T_FLOAT8)
            return all[i];
    return NULL;
}

/* max(v) becomes the median of v, of the same type. */
static void to_median(grouping *x, cu_node *node)
{
    cu_agg_call *calls = cu_arena_dup(x->program->arena, node->aggregate.calls,
                                      node->aggregate.n_calls * sizeof(*calls));
    cu_key_col *order = cu_arena_calloc(x->program->arena, 1, sizeof(*order));
    cu_value *half = cu_arena_calloc(x->program->arena, 1, sizeof(*half));
    order->col = (uint16_t)calls[1].arg;
    *half = (cu_value){.type = CU_TYPE(CU_T_FLOAT8), .f8 = 0.5};
    calls[1].func = percentile_disc();
    calls[1].n_order = 1;
    calls[1].order = order;
    calls[1].direct = half;
    node->aggregate.calls = calls;
}

static void commit(grouping *x)
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

/* Keys from `first` on, or, below 0, at random. */
static cu_batch *make_batch(grouping *x, int64_t first)
{
    const cu_schema *schema = x->pipeline->entries[0].node->schema;
    cu_batch *b = cu_batch_new(x->arena, schema, CU_BATCH_ROWS);
    for (uint32_t i = 0; i < CU_BATCH_ROWS; i++) {
        uint64_t z = bench_draw(&x->state);
        cu_value v[] = {{.type = schema->fields[0].type},
                        {.type = schema->fields[1].type}};
        v[0].i8 = first < 0 ? (int64_t)(z % x->g->n) : first + i;
        v[1].i8 = (int64_t)(z >> 32) % 1000;
        uint32_t row = cu_batch_add(b, 1);
        for (uint32_t k = 0; k < 2; k++)
            cu_col_set(x->arena, &b->cols[k], row, b->capacity, &v[k]);
    }
    for (uint32_t k = 0; k < 2; k++)
        b->cols[k].valid = NULL; /* a decoder makes none either */
    cu_batch_seal(b);
    return b;
}

static void push(grouping *x, const cu_batch *b)
{
    cu_err err = {0};
    bench_check(cu_op_push(x->pipeline->entries[0].op, 0, b, &err), &err,
                "push");
}

/* The same rows, taken back. */
static void push_back(grouping *x, const cu_batch *b)
{
    int32_t weights[CU_BATCH_ROWS];
    cu_batch minus = *b;
    for (uint32_t i = 0; i < CU_BATCH_ROWS; i++)
        weights[i] = -1;
    minus.weights = weights;
    push(x, &minus);
}

static void fill(grouping *x)
{
    uint64_t rows = 0;
    for (uint64_t k = 0; k < x->g->n; k += CU_BATCH_ROWS) {
        cu_arena_reset(x->arena);
        push(x, make_batch(x, (int64_t)k));
        rows += CU_BATCH_ROWS;
        if (rows % (64 * CU_BATCH_ROWS) == 0)
            commit(x);
    }
    commit(x);
}

static void make_batches(grouping *x)
{
    cu_arena_reset(x->arena);
    for (uint32_t i = 0; i < x->g->batches; i++)
        x->batches[i] = make_batch(x, -1);
}

static void *open_groups(const bench_case *c)
{
    grouping *x = cu_calloc(1, sizeof(*x));
    cu_node *node = NULL;
    cu_err err = {0};
    x->g = c->arg;
    x->arena = cu_arena_new(1 << 20);
    bench_folder_open(&x->folder);
    x->kv = bench_kv_open(&x->folder);
    x->store = cu_store_new(x->kv, 32 << 20);
    bench_check(cu_space_open(x->store, 1, 0, &x->space, &err), &err, "space");
    x->program = bench_compile(
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
        "CREATE FOREIGN TABLE t (k bigint, v bigint) SERVER k OPTIONS "
        "(topic 't', format 'json');"
        "CREATE MATERIALIZED VIEW c AS SELECT k, count(*) AS n, sum(v) AS s "
        "FROM t GROUP BY k;"
        "CREATE MATERIALIZED VIEW m AS SELECT k, count(*) AS n, max(v) AS s "
        "FROM t GROUP BY k;");
    cu_node_walk(x->program->views[x->g->percentile]->root, is_aggregate,
                 &node);
    if (x->g->percentile)
        to_median(x, node);
    if (x->g->deletes)
        node->inputs[0]->append_only = false;
    x->expr_env = (cu_expr_env){.env = bench_env(), .zone = cu_zone_utc()};
    x->env = (cu_op_env){.space = x->space,
                         .expr = &x->expr_env,
                         .ctx = x,
                         .letter = take_letter,
                         .cache_bytes = 16 << 20};
    bench_check(cu_pipeline_open(node, &x->env, &x->pipeline, &err), &err,
                "pipeline");
    x->tap = cu_tap_new(count_rows, NULL, x);
    cu_op_connect(x->pipeline->root, x->tap, 0);
    fill(x);
    x->batches = cu_calloc(x->g->batches, sizeof(*x->batches));
    make_batches(x);
    return x;
}

static void prepare(void *ctx)
{
    make_batches(ctx);
    bench_settle();
}

static uint64_t run_groups(void *ctx)
{
    grouping *x = ctx;
    uint32_t n = x->g->batches * x->g->rounds;
    for (uint32_t i = 0; i < n; i++) {
        const cu_batch *b = x->batches[i % x->g->batches];
        if (x->g->deletes && i / x->g->batches % 2)
            push_back(x, b);
        else
            push(x, b);
        if ((i + 1) % x->g->commit == 0)
            commit(x);
    }
    return (uint64_t)n * CU_BATCH_ROWS;
}

static void close_groups(void *ctx)
{
    grouping *x = ctx;
    cu_pipeline_close(x->pipeline);
    cu_op_close(x->tap);
    cu_space_close(x->space);
    cu_store_free(x->store);
    x->kv->vt->close(x->kv);
    cu_program_free(x->program);
    cu_arena_free(x->arena);
    cu_free(x->batches);
    bench_folder_close(&x->folder);
    cu_free(x);
}

static const groups hot = {
    .n = 1000, .batches = 64, .rounds = 16, .commit = 1024};
static const groups cold = {
    .n = 1 << 20, .batches = 200, .rounds = 1, .commit = 100};
static const groups deletes = {
    .n = 1000, .batches = 64, .rounds = 16, .commit = 16, .deletes = true};
static const groups medians = {.n = 1000,
                               .batches = 64,
                               .rounds = 4,
                               .commit = 16,
                               .deletes = true,
                               .percentile = true};

const bench_case bench_aggregate[] = {
    {"aggregate_hot", "count and sum, 1 k groups in memory", 25, &hot,
     open_groups, NULL, run_groups, close_groups},
    {"aggregate_cold", "the same, 1 M groups in RocksDB", 2000, &cold,
     open_groups, prepare, run_groups, close_groups},
    {"aggregate_deletes", "1 k groups, every row taken back again", 0, &deletes,
     open_groups, NULL, run_groups, close_groups},
    {"aggregate_percentile", "the median, 1 k groups, rows taken back", 0,
     &medians, open_groups, NULL, run_groups, close_groups},
    {0},
};
