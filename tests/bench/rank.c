/* Top-N with rows that go again, and window functions over partitions that
 * grow at their ends; 1,000 partitions over RocksDB. */
#include "tests/bench/bench.h"

#include "base/alloc.h"
#include "base/env.h"
#include "processors/operators/op.h"

enum {
    PARTITIONS = 1000,
    HELD = 1 << 16, /* rows that may go again */
    ROUNDS = 200,   /* batches of a run */
    COMMIT = 20,    /* batches between commits */
};

typedef struct ranking {
    cu_node_kind kind;
    const char *columns; /* added to the input's */
    cu_agg agg;
    cu_win win;
} ranking;

typedef struct held {
    int64_t p, o, v;
} held;

typedef struct ranked {
    const ranking *r;
    bench_folder folder;
    cu_kv *kv;
    cu_store *store;
    cu_space *space;
    cu_arena *nodes, *arena;
    cu_expr_env expr_env;
    cu_op_env env;
    cu_func func;
    cu_node *node;
    cu_op *op, *tap;
    held *rows;
    uint64_t n_rows, state, emitted;
} ranked;

#define ROW "p:int8 o:int8 v:int8"

static int count_rows(void *ctx, const cu_batch *b, cu_err *err)
{
    ranked *x = ctx;
    (void)err;
    x->emitted += b->n_sel;
    return 0;
}

static cu_schema *schema(ranked *x, const char *text)
{
    cu_schema *s;
    cu_err err = {0};
    bench_check(cu_schema_parse(x->nodes, text, &s, &err), &err, "schema");
    return s;
}

static void make_call(ranked *x, cu_node *n)
{
    cu_over_call *c = cu_arena_calloc(x->nodes, 1, sizeof(*c));
    x->func = (cu_func){
        .name = "call", .agg = (uint8_t)x->r->agg, .win = (uint8_t)x->r->win};
    c->func = &x->func;
    c->n_args = 1;
    c->args[0] = 2;
    c->filter = -1;
    c->frame.end = CU_BOUND_CURRENT;
    c->result = n->schema->fields[3].type;
    n->over.calls = c;
    n->over.n_calls = 1;
}

static void make_node(ranked *x)
{
    static const uint16_t by_p[] = {0};
    static const cu_key_col by_o[] = {{1, 0}};
    cu_node *in = cu_arena_calloc(x->nodes, 1, sizeof(*in));
    cu_node *n = cu_arena_calloc(x->nodes, 1, sizeof(*n));
    in->kind = CU_N_SOURCE;
    in->schema = schema(x, ROW);
    n->kind = x->r->kind;
    n->id = 1;
    n->inputs = cu_arena_dup(x->nodes, &in, sizeof(cu_node *));
    n->n_inputs = 1;
    n->schema = schema(x, x->r->columns);
    x->node = n;
    if (n->kind == CU_N_RANK) {
        n->rank.partition = by_p;
        n->rank.n_partition = 1;
        n->rank.order = by_o;
        n->rank.n_order = 1;
        n->rank.limit = 10;
    } else {
        n->over.partition = by_p;
        n->over.n_partition = 1;
        n->over.order = by_o;
        n->over.n_order = 1;
        make_call(x, n);
    }
}

static void add(ranked *x, cu_batch *b, const held *h, int32_t w)
{
    const int64_t values[] = {h->p, h->o, h->v};
    uint32_t row = cu_batch_add(b, w);
    (void)x;
    for (uint32_t k = 0; k < 3; k++)
        CU_COL(&b->cols[k], int64_t)[row] = values[k];
}

/* Every fifth row of a top-N is one that goes; half of the rows are of any
 * group, a quarter of the first quarter of them, and so on. */
static cu_batch *make_batch(ranked *x)
{
    cu_batch *b = cu_batch_new(x->arena, x->node->inputs[0]->schema,
                               CU_BATCH_ROWS);
    bool top = x->node->kind == CU_N_RANK;
    for (uint32_t i = 0; i < CU_BATCH_ROWS; i++) {
        uint64_t z = bench_draw(&x->state), groups = PARTITIONS;
        held *h = &x->rows[top ? z % HELD : 0];
        if (top && i % 5 == 0 && h->p >= 0) {
            add(x, b, h, -1);
            h->p = -1;
            continue;
        }
        for (uint64_t coin = z >> 50; top && groups > 4 && !(coin & 1);
             coin >>= 1)
            groups /= 4;
        held row = {(int64_t)((z >> 20) % groups),
                    top ? (int64_t)(z >> 34) % 100000 : (int64_t)x->n_rows,
                    (int64_t)(z >> 40) % 1000};
        x->n_rows++;
        add(x, b, &row, 1);
        if (top && h->p < 0)
            *h = row;
    }
    for (uint32_t k = 0; k < 3; k++)
        b->cols[k].valid = NULL; /* a decoder makes none either */
    cu_batch_seal(b);
    return b;
}

static void commit(ranked *x)
{
    cu_err err = {0};
    cu_kv_batch batch = {0};
    cu_progress progress = {.instance = "bench", .txn_id = "bench"};
    bench_check(cu_op_commit(x->op, &err), &err, "commit");
    cu_space_to_batch(x->space, 0, &progress, &batch);
    bench_check(x->kv->vt->write(x->kv, &batch, false, &err), &err, "write");
    cu_space_committed(x->space, 0);
    cu_kv_batch_free(&batch);
}

static void *open_ranked(const bench_case *c)
{
    ranked *x = cu_calloc(1, sizeof(*x));
    cu_err err = {0};
    x->r = c->arg;
    x->nodes = cu_arena_new(0);
    x->arena = cu_arena_new(1 << 20);
    x->rows = cu_calloc(HELD, sizeof(*x->rows));
    for (uint32_t i = 0; i < HELD; i++)
        x->rows[i].p = -1;
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

static uint64_t run_ranked(void *ctx)
{
    ranked *x = ctx;
    cu_err err = {0};
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        cu_arena_reset(x->arena);
        bench_check(cu_op_push(x->op, 0, make_batch(x), &err), &err, "push");
        if (i % COMMIT == 0)
            commit(x);
    }
    return (uint64_t)ROUNDS * CU_BATCH_ROWS;
}

static void close_ranked(void *ctx)
{
    ranked *x = ctx;
    cu_op_close(x->op);
    cu_op_close(x->tap);
    cu_space_close(x->space);
    cu_store_free(x->store);
    x->kv->vt->close(x->kv);
    cu_arena_free(x->nodes);
    cu_arena_free(x->arena);
    cu_free(x->rows);
    bench_folder_close(&x->folder);
    cu_free(x);
}

static const ranking topn = {.kind = CU_N_RANK, .columns = ROW};
static const ranking lag = {
    .kind = CU_N_OVER, .columns = ROW " l:int8", .win = CU_WIN_LAG};
static const ranking sum = {
    .kind = CU_N_OVER, .columns = ROW " s:numeric", .agg = CU_AGG_SUM};

const bench_case bench_rank[] = {
    {"rank_topn_hot", "top 10 of 1 k skewed groups, a fifth goes again", 0,
     &topn, open_ranked, NULL, run_ranked, close_ranked},
    {"over_lag", "lag over 1 k partitions that grow", 0, &lag, open_ranked,
     NULL, run_ranked, close_ranked},
    {"over_running_sum", "a running sum over the same", 0, &sum, open_ranked,
     NULL, run_ranked, close_ranked},
    {0},
};
