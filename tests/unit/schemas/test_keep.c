/* Columns that nobody reads: checked like all, not kept.
 *
 * The other tests of this folder decode every record with three masks as well
 * (decode.h); here are many records in one batch, good and broken ones, with
 * random masks.
 */
#include "tests/unit/schemas/decode.h"

#include "base/alloc.h"

#define COLUMNS                                                             \
    "i2:smallint i4:int i8:bigint not null f4:float4 f8:float8 n:numeric "  \
    "m:numeric(8,2) t:text v:varchar(4) b:boolean d:date ts:timestamp "     \
    "tz:timestamptz iv:interval u:uuid j:jsonb by:bytea a:int[] at:text[] " \
    "e:timestamptz o:bigint h:text not null"
enum { N_COLUMNS = 22, RECORDS = 200 };

static table *every_type(void)
{
    table *t = table_new(COLUMNS);
    cr_assert_eq(t->spec.n_cols, N_COLUMNS);
    table_col(t, "e")->encoding = CU_ENC_EPOCH_MILLIS;
    table_col(t, "o")->from = CU_FROM_OFFSET;
    table_col(t, "h")->from = CU_FROM_HEADER;
    table_col(t, "h")->path = "h";
    table_header(t, "h", "x");
    return t;
}

/* What stands for a column: mostly good, now and then not. */
static const char *const values[] = {
    "1",
    "-7",
    "40000",
    "12345678901",
    "1e3",
    "3.25",
    "123456.789",
    "12345678.9",
    "null",
    "true",
    "\"\"",
    "\"x\"",
    "\"12\"",
    "\"a\\n\\u00e4b\"",
    "\"12345\"",
    "\"2024-02-29\"",
    "\"2024-02-30\"",
    "\"2024-05-06T07:08:09.123Z\"",
    "\"2024-05-06 25:00:00\"",
    "\"1 day 02:00\"",
    "\"6f1c3f52-0d6e-4a53-8c39-9a7b0c1d2e3f\"",
    "[1, 2, null]",
    "[\"a\\t\", \"b\"]",
    "[1, \"x\"]",
    "[[1]]",
    "{\"k\": [1, {\"z\": null}]}",
    "1700000000123",
    "99999999999999999999999999",
    "\"\\\\x00ff\"",
    "\"infinity\"",
};
/* A good value for each column that comes from the record. */
static const char *const good[] = {
    "1",
    "2",
    "3",
    "1.5",
    "2.5",
    "7.1",
    "8.25",
    "\"t\"",
    "\"v\"",
    "true",
    "\"2024-01-02\"",
    "\"2024-01-02 03:04:05\"",
    "\"2024-01-02T03:04:05Z\"",
    "\"1 day\"",
    "\"6f1c3f52-0d6e-4a53-8c39-9a7b0c1d2e3f\"",
    "{\"a\": 1}",
    "\"\\\\x01\"",
    "[1, 2]",
    "[\"a\"]",
    "1700000000123",
};

static void put_record(dice *d, const table *t, cu_buf *out)
{
    cu_buf_clear(out);
    for (uint32_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        const char *v = good[i];
        if (roll(d, 40) == 0)
            v = values[roll(d, sizeof(values) / sizeof(*values))];
        else if (roll(d, 10) == 0 && i != 2)
            v = "null";
        cu_buf_printf(out, "%s\"%s\": %s", i ? ", " : "{", t->cols[i].name, v);
    }
    cu_buf_put_str(out, "}");
    if (roll(d, 40) == 0)
        mutate(d, out, "\"\\{}[],:0tn ");
}

typedef struct records {
    cu_slice at[RECORDS];
} records;

static records *draw(dice *d, const table *t)
{
    records *r = cu_arena_calloc(t->a, 1, sizeof(*r));
    cu_buf b = {0};
    for (uint32_t i = 0; i < RECORDS; i++) {
        put_record(d, t, &b);
        r->at[i] = cu_arena_slice(t->a, cu_buf_slice(&b));
    }
    cu_buf_free(&b);
    return r;
}

/* All records into one batch; what was said of each goes to `said`. */
static cu_batch *decode_all(table *t, cu_decoder *d, const records *r,
                            const bool *kept, cu_buf *said)
{
    cu_batch *b = cu_batch_new_some(t->a, t->schema, RECORDS, kept);
    for (uint32_t i = 0; i < RECORDS; i++) {
        cu_input in = t->in;
        in.value = r->at[i];
        in.offset = i;
        bool row = cu_decode(d, &in, b, &t->faults);
        cu_buf_printf(said, "%u %s\n", i, row ? "row" : "no row");
        put_faults(&t->faults, said);
    }
    cu_batch_seal(b);
    return b;
}

static void expect_same(cu_buf *a, cu_buf *b)
{
    cu_buf_put_u8(a, 0);
    cu_buf_put_u8(b, 0);
    cr_expect_str_eq(a->data, b->data);
    cu_buf_free(a);
    cu_buf_free(b);
}

static void with_mask(table *t, const records *r, const cu_batch *all,
                      const cu_buf *said, const bool *kept)
{
    cu_decoder *d;
    cu_buf now = {0}, before = {0};
    cr_assert_eq(0, cu_decoder_open(&t->spec, t->schema, &d, &t->err));
    cu_decoder_keep(d, kept);
    cu_batch *some = decode_all(t, d, r, kept, &now);
    cu_buf_put_slice(&before, cu_buf_slice(said));
    expect_same(&now, &before);
    now = before = (cu_buf){0};
    cu_batch_print(some, &now);
    cu_batch_print(narrowed(t->a, all, kept), &before);
    expect_same(&now, &before);
    cu_decoder_close(d);
}

Test(keep, random_records_and_masks_give_the_same_faults_and_values)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        table *t = every_type();
        dice d = {seed * 7919};
        expect_text(table_open(t), "");
        const records *r = draw(&d, t);
        cu_buf said = {0};
        const cu_batch *all = decode_all(t, t->d, r, NULL, &said);
        cr_expect_gt(all->n_rows, RECORDS / 8);
        cr_expect_lt(all->n_rows, RECORDS);
        for (uint32_t k = 0; k < 8; k++) {
            bool kept[N_COLUMNS];
            for (uint32_t i = 0; i < N_COLUMNS; i++)
                kept[i] = roll(&d, 8) >= k;
            with_mask(t, r, all, &said, kept);
        }
        cu_buf_free(&said);
        table_free(t);
    }
}

Test(keep, what_is_not_kept_takes_no_memory_of_the_batch)
{
    table *t = table_new("id:bigint t:text n:numeric a:text[]");
    bool kept[] = {true, false, false, false};
    cu_decoder *d;
    cr_assert_eq(0, cu_decoder_open(&t->spec, t->schema, &d, &t->err));
    cu_decoder_keep(d, kept);
    cu_batch *b = cu_batch_new_some(t->a, t->schema, RECORDS, kept);
    size_t before = cu_arena_used_bytes(t->a);
    for (uint32_t i = 0; i < RECORDS; i++) {
        cu_input in = t->in;
        in.value = cu_slice_of(
            "{\"id\": 1, \"t\": \"a\\tb\", \"n\": "
            "1234567890123456789012345678901234567890.5, \"a\": [\"x\\n\"]}");
        cr_assert(cu_decode(d, &in, b, &t->faults));
    }
    cr_expect_eq(cu_arena_used_bytes(t->a), before);
    cu_decoder_close(d);
    table_free(t);
}
