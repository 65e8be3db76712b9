/* What happens to rows in memory: expressions, keys, blocks of an exchange. */
#include "tests/bench/bench.h"

#include "base/alloc.h"
#include "base/env.h"
#include "processors/expr/prog.h"
#include "processors/runtime/block.h"
#include "rows/key.h"
#include "rows/numeric.h"

#include <string.h>

typedef struct computing {
    cu_arena *arena, *scratch;
    cu_batch *batch;
    cu_expr_env env;
    cu_prog *prog;
    cu_row_faults faults;
    cu_keys keys;
    cu_buf block;
} computing;

/* --- the rows ------------------------------------------------------------ */

static void set(cu_batch *b, uint32_t row, uint32_t col, cu_value v)
{
    v.type = b->schema->fields[col].type;
    cu_col_set(b->arena, &b->cols[col], row, b->capacity, &v);
}

/* a b c: bigint, s: text of 12 bytes, p: numeric, t: timestamptz,
 * j: jsonb of 4 members. */
static computing *open_rows(void)
{
    computing *c = cu_calloc(1, sizeof(*c));
    cu_err err = {0};
    cu_schema *schema;
    uint64_t state = 1;
    c->arena = cu_arena_new(0);
    c->scratch = cu_arena_new(1 << 20);
    bench_check(cu_schema_parse(c->arena,
                                "a:int8 b:int8 c:int8 s:text p:numeric "
                                "t:timestamptz j:jsonb",
                                &schema, &err),
                &err, "schema");
    cu_batch *b = c->batch = cu_batch_new(c->arena, schema, CU_BATCH_ROWS);
    for (uint32_t i = 0; i < CU_BATCH_ROWS; i++) {
        uint64_t x = bench_draw(&state);
        const char *s = cu_arena_printf(c->arena, "name-%07llu",
                                        (unsigned long long)x % 10000000);
        const char *j = cu_arena_printf(
            c->arena,
            "{\"id\": %u, \"title\": \"%s\", \"year\": %u, \"lang\": \"en\"}",
            (unsigned)x % 1000, s, 1900 + (unsigned)(x >> 20) % 120);
        uint32_t row = cu_batch_add(b, 1);
        set(b, row, 0, (cu_value){.i8 = (int64_t)(x % 100000)});
        set(b, row, 1, (cu_value){.i8 = (int64_t)(x >> 20) % 1000});
        set(b, row, 2, (cu_value){.i8 = (int64_t)(x >> 40) % 1000});
        set(b, row, 3, (cu_value){.s = cu_slice_of(s)});
        set(b, row, 4,
            (cu_value){.num = cu_numeric_from_int128((int)x % 100000, 2)});
        set(b, row, 5, (cu_value){.i8 = (int64_t)(x >> 10)});
        set(b, row, 6, (cu_value){.s = cu_slice_of(j)});
    }
    cu_batch_seal(b);
    return c;
}

static void close_rows(void *ctx)
{
    computing *c = ctx;
    if (c->prog)
        cu_prog_free(c->prog);
    cu_buf_free(&c->keys.bytes);
    cu_buf_free(&c->block);
    cu_arena_free(c->arena);
    cu_arena_free(c->scratch);
    cu_free(c);
}

/* --- expressions --------------------------------------------------------- */

static const cu_pos nowhere = {-1, -1};

static cu_expr *col(computing *c, const char *name)
{
    int at = cu_schema_find(c->batch->schema, cu_slice_of(name));
    return cu_expr_col(c->arena, (uint32_t)at,
                       c->batch->schema->fields[at].type, nowhere);
}

static cu_expr *literal(computing *c, const char *text)
{
    return cu_expr_literal(c->arena, cu_slice_of(text), nowhere);
}

static cu_expr *call(computing *c, const char *op, cu_expr *x, cu_expr *y)
{
    cu_expr *args[] = {x, y}, *out;
    char hint[120];
    cu_err err = {0};
    bench_check(cu_expr_call(c->arena, op, args, 2, nowhere, &out, hint, &err),
                &err, op);
    return out;
}

static computing *compile(computing *c, cu_expr *e)
{
    cu_err err = {0};
    c->env = (cu_expr_env){.env = bench_env(), .zone = cu_zone_utc()};
    bench_check(
        cu_prog_compile(&e, 1, c->batch->schema, &c->env, &c->prog, &err), &err,
        "expression");
    return c;
}

/* a * 2 + b - c > 1000 */
static void *open_operators(const bench_case *bc)
{
    (void)bc;
    computing *c = open_rows();
    cu_expr *e = call(c, "*", col(c, "a"), literal(c, "2"));
    e = call(c, "-", call(c, "+", e, col(c, "b")), col(c, "c"));
    return compile(c, call(c, ">", e, literal(c, "1000")));
}

/* j->>'title' */
static void *open_member(const bench_case *bc)
{
    (void)bc;
    computing *c = open_rows();
    return compile(c, call(c, "->>", col(c, "j"), literal(c, "title")));
}

static uint64_t run_filter(void *ctx)
{
    computing *c = ctx;
    uint16_t sel[CU_BATCH_ROWS];
    cu_arena_reset(c->scratch);
    uint32_t n = cu_prog_filter(c->prog, c->batch, c->scratch, sel, &c->faults);
    bench_keep(&n);
    return CU_BATCH_ROWS;
}

static uint64_t run_project(void *ctx)
{
    computing *c = ctx;
    cu_col out;
    cu_arena_reset(c->scratch);
    cu_prog_run(c->prog, c->batch, c->scratch, &out, &c->faults);
    bench_keep(&out);
    return CU_BATCH_ROWS;
}

/* --- keys and blocks ----------------------------------------------------- */

static void *open_keys(const bench_case *bc)
{
    (void)bc;
    return open_rows();
}

static uint64_t run_keys(void *ctx)
{
    static const cu_key_col cols[] = {{0, 0}, {3, 0}};
    computing *c = ctx;
    cu_keys_encode(c->batch, cols, 2, &c->keys);
    bench_keep(&c->keys);
    return CU_BATCH_ROWS;
}

static uint64_t run_block(void *ctx)
{
    computing *c = ctx;
    cu_block_head h = {.total = 1, .watermark_us = 7};
    cu_batch *out;
    cu_err err = {0};
    cu_arena_reset(c->scratch);
    cu_buf_clear(&c->block);
    cu_block_encode(&h, c->batch, &c->block);
    bench_check(cu_block_decode(cu_buf_slice(&c->block), c->batch->schema,
                                c->scratch, &h, &out, &err),
                &err, "block");
    bench_keep(out);
    return CU_BATCH_ROWS;
}

const bench_case bench_compute[] = {
    {"filter", "WHERE a * 2 + b - c > 1000", 10, NULL, open_operators, NULL,
     run_filter, close_rows},
    {"json_member", "j->>'title' of a 60 B object", 0, NULL, open_member, NULL,
     run_project, close_rows},
    {"key_hash", "key bytes and hash of (bigint, text)", 20, NULL, open_keys,
     NULL, run_keys, close_rows},
    {"exchange", "block of 7 columns, encode and decode", 60, NULL, open_keys,
     NULL, run_block, close_rows},
    {0},
};
