/* Bytes to rows: records through the codecs, values through their types. */
#include "tests/bench/bench.h"

#include "base/alloc.h"
#include "rows/numeric.h"
#include "rows/text.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORDS = 8 * CU_BATCH_ROWS };

/* A format, and of how many columns the rows are kept. */
typedef struct how {
    cu_format format;
    uint32_t kept;
} how;

typedef struct decoding {
    bool kept[8];
    cu_arena *arena, *batch_arena;
    cu_schema *schema;
    cu_decoder *decoder;
    cu_buf bytes;
    size_t ends[RECORDS + 1];
} decoding;

static void *open_decoder(const bench_case *c)
{
    const how *h = c->arg;
    cu_format format = h->format;
    decoding *d = cu_calloc(1, sizeof(*d));
    cu_err err = {0};
    uint64_t state = 1;
    d->arena = cu_arena_new(0);
    d->batch_arena = cu_arena_new(1 << 20);
    bench_check(cu_schema_parse(d->arena, BENCH_BID, &d->schema, &err), &err,
                "schema");
    cu_codec_col cols[8] = {0};
    for (uint32_t i = 0; i < d->schema->n; i++) {
        cols[i].name = d->schema->fields[i].name;
        cols[i].type = d->schema->fields[i].type;
    }
    cu_codec_spec spec = {.format = format,
                          .cols = cols,
                          .n_cols = d->schema->n,
                          .csv_by_position = true};
    bench_check(cu_decoder_open(&spec, d->schema, &d->decoder, &err), &err,
                "decoder");
    for (uint32_t i = 0; i < h->kept; i++)
        d->kept[i] = true;
    cu_decoder_keep(d->decoder, d->kept);
    for (size_t i = 0; i < RECORDS; i++) {
        if (format == CU_FORMAT_JSON)
            bench_bid_json(&state, 1000, &d->bytes);
        else
            bench_bid_csv(&state, &d->bytes);
        d->ends[i + 1] = d->bytes.len;
    }
    return d;
}

static uint64_t run_decoder(void *ctx)
{
    decoding *d = ctx;
    cu_faults faults;
    for (size_t i = 0; i < RECORDS; i += CU_BATCH_ROWS) {
        cu_arena_reset(d->batch_arena);
        cu_batch *b = cu_batch_new_some(d->batch_arena, d->schema,
                                        CU_BATCH_ROWS, d->kept);
        for (size_t k = i; k < i + CU_BATCH_ROWS; k++) {
            cu_input in = {.topic = "t"};
            in.value = cu_slice_n(d->bytes.data + d->ends[k],
                                  d->ends[k + 1] - d->ends[k]);
            if (!cu_decode(d->decoder, &in, b, &faults)) {
                fprintf(stderr, "bench: a record was refused: %s\n",
                        faults.n ? faults.items[0].message : "");
                exit(1);
            }
        }
        cu_batch_seal(b);
        bench_keep(b);
    }
    return RECORDS;
}

static void close_decoder(void *ctx)
{
    decoding *d = ctx;
    cu_decoder_close(d->decoder);
    cu_buf_free(&d->bytes);
    cu_arena_free(d->arena);
    cu_arena_free(d->batch_arena);
    cu_free(d);
}

/* --- single values ------------------------------------------------------- */

typedef struct texts {
    cu_arena *arena;
    cu_slice at[CU_BATCH_ROWS];
} texts;

static void *open_numbers(const bench_case *c)
{
    (void)c;
    texts *t = cu_calloc(1, sizeof(*t));
    uint64_t state = 1;
    t->arena = cu_arena_new(0);
    for (size_t i = 0; i < CU_BATCH_ROWS; i++) {
        unsigned cents = (unsigned)(bench_draw(&state) % 10000000);
        t->at[i] = cu_slice_of(
            cu_arena_printf(t->arena, "%u.%02u", cents / 100, cents % 100));
    }
    return t;
}

static void *open_times(const bench_case *c)
{
    texts *t = open_numbers(c);
    uint64_t state = 1;
    for (size_t i = 0; i < CU_BATCH_ROWS; i++) {
        uint64_t x = bench_draw(&state);
        t->at[i] = cu_slice_of(cu_arena_printf(
            t->arena, "2024-%02u-%02uT%02u:%02u:%02u.%03uZ",
            1 + (unsigned)(x % 12), 1 + (unsigned)(x >> 8) % 28,
            (unsigned)(x >> 16) % 24, (unsigned)(x >> 24) % 60,
            (unsigned)(x >> 32) % 60, (unsigned)(x >> 40) % 1000));
    }
    return t;
}

static uint64_t run_numbers(void *ctx)
{
    texts *t = ctx;
    cu_numeric n;
    cu_err err = {0};
    int rc = 0;
    for (size_t i = 0; i < CU_BATCH_ROWS; i++) {
        rc |= cu_numeric_in(t->at[i], t->arena, &n, &err);
        bench_keep(&n);
    }
    bench_check(rc, &err, "numeric");
    return CU_BATCH_ROWS;
}

static uint64_t run_times(void *ctx)
{
    texts *t = ctx;
    int64_t us;
    cu_err err = {0};
    int rc = 0;
    for (size_t i = 0; i < CU_BATCH_ROWS; i++) {
        rc |= cu_timestamptz_in(t->at[i], NULL, &us, &err);
        bench_keep(&us);
    }
    bench_check(rc, &err, "timestamptz");
    return CU_BATCH_ROWS;
}

static void close_texts(void *ctx)
{
    texts *t = ctx;
    cu_arena_free(t->arena);
    cu_free(t);
}

static const how json = {CU_FORMAT_JSON, 7}, csv = {CU_FORMAT_CSV, 7};
static const how json2 = {CU_FORMAT_JSON, 2}, csv2 = {CU_FORMAT_CSV, 2};

const bench_case bench_decode[] = {
    {"json_decode", "a JSON record of 200 B to 7 columns", 120, &json,
     open_decoder, NULL, run_decoder, close_decoder},
    {"csv_decode", "a CSV record of 150 B to 7 columns", 120, &csv,
     open_decoder, NULL, run_decoder, close_decoder},
    {"json_decode_2", "the same with 2 columns that are read", 0, &json2,
     open_decoder, NULL, run_decoder, close_decoder},
    {"csv_decode_2", "the same with 2 columns that are read", 0, &csv2,
     open_decoder, NULL, run_decoder, close_decoder},
    {"numeric_in", "text to numeric", 0, NULL, open_numbers, NULL, run_numbers,
     close_texts},
    {"timestamptz_in", "text to timestamptz", 0, NULL, open_times, NULL,
     run_times, close_texts},
    {0},
};
