/* Exchange blocks: every type round trip, damage is noticed. */
#include "base/alloc.h"
#include "processors/runtime/int.h"

#include <criterion/criterion.h>

static cu_arena *a;

static void open_arena(void)
{
    a = cu_arena_new(0);
}

static void free_arena(void)
{
    cu_arena_free(a);
}

TestSuite(block, .init = open_arena, .fini = free_arena);

static cu_batch *parse(const char *schema, const char *rows)
{
    cu_batch *b = NULL;
    cu_err err = {0};
    cr_assert_eq(cu_batch_parse(a, schema, rows, &b, &err), 0, "%s", err.msg);
    return b;
}

static const char every_type[] =
    "b:bool i2:smallint i4:int i8:bigint f4:real f8:float8 n:numeric s:text "
    "d:date ts:timestamp tz:timestamptz iv:interval u:uuid j:jsonb";
static const char some_rows[] =
    "+1 | t 1 2 3 1.5 2.5 12.340 x 2024-01-02 '2024-01-02 03:04:05' "
    "'2024-01-02 03:04:05+00' '1 day' "
    "00000000-0000-0000-0000-000000000001 '{\"a\": 1}'\n"
    "-2 | null null null null null null null null null null null null null "
    "null\n"
    "+3 | f -1 -2 -3 NaN -0 99999999999999999999999999999999999999999.5 '' "
    "infinity -infinity infinity '-1 mon' "
    "ffffffff-ffff-ffff-ffff-ffffffffffff '[1, 2]'\n";

static cu_slice text_of(const cu_batch *b)
{
    cu_buf out = {0};
    cu_batch_print(b, &out);
    cu_slice s = cu_slice_of(cu_arena_strn(a, out.data, out.len));
    cu_buf_free(&out);
    return s;
}

static cu_slice encode(const cu_batch *b)
{
    cu_block_head h = {.source = 2, .total = 5, .watermark_us = -77};
    cu_buf out = {0};
    cu_block_encode(&h, b, &out);
    cu_slice s = cu_arena_slice(a, cu_buf_slice(&out));
    cu_buf_free(&out);
    return s;
}

Test(block, rows_of_every_type_come_back_with_their_weights)
{
    cu_batch *b = parse(every_type, some_rows), *back = NULL;
    cu_block_head h;
    cu_err err = {0};
    int rc = cu_block_decode(encode(b), b->schema, a, &h, &back, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    cr_expect(cu_slice_eq(text_of(b), text_of(back)), "%s", text_of(back).data);
    cr_expect_eq(h.source, 2);
    cr_expect_eq(h.total, 5);
    cr_expect_eq(h.watermark_us, -77);
}

Test(block, only_live_rows_travel)
{
    cu_batch *b = parse("i:int s:text", "1 a\n2 b\n3 c\n4 d"), *back = NULL;
    const uint16_t sel[] = {1, 3};
    const cu_batch *some = cu_batch_select(a, b, sel, 2);
    cu_block_head h;
    cu_err err = {0};
    cr_assert_eq(cu_block_decode(encode(some), b->schema, a, &h, &back, &err),
                 0);
    cr_expect_str_eq(text_of(back).data, "+1 | 2 b\n+1 | 4 d\n");
}

Test(block, a_mark_has_no_rows)
{
    cu_batch *b = parse("i:int", "1"), *back = b;
    cu_block_head h;
    cu_err err = {0};
    cr_assert_eq(cu_block_decode(encode(NULL), b->schema, a, &h, &back, &err),
                 0);
    cr_expect_null(back);
    cr_expect_eq(h.watermark_us, -77);
}

Test(block, rows_carry_the_watermark_they_came_with)
{
    cu_batch *b = parse("i:int", "1\n2\n3"), *back = NULL;
    const int64_t marks[] = {INT64_MIN, -5, INT64_MAX};
    const uint16_t sel[] = {1, 2};
    b->marks = marks;
    cu_block_head h = {.source = 1, .total = 2, .idle = true}, got;
    cu_buf out = {0};
    cu_err err = {0};
    cu_block_encode(&h, cu_batch_select(a, b, sel, 2), &out);
    cu_slice bytes = cu_buf_slice(&out);
    cr_assert_eq(cu_block_decode(bytes, b->schema, a, &got, &back, &err), 0);
    cr_expect_eq(back->marks[0], -5);
    cr_expect_eq(back->marks[1], INT64_MAX);
    cr_expect(got.idle);
    cr_assert_eq(cu_block_decode(encode(b), b->schema, a, &got, &back, &err),
                 0);
    cr_expect_not(got.idle);
    cu_buf_free(&out);
}

Test(block, every_flipped_bit_is_noticed)
{
    cu_batch *b = parse("i:int s:text n:numeric", "1 abc 2.50\nnull x null");
    cu_slice good = encode(b);
    char *bytes = cu_arena_dup(a, good.data, good.len);
    for (size_t i = 0; i < good.len * 8; i++) {
        bytes[i / 8] = (char)(bytes[i / 8] ^ (1 << (i % 8)));
        cu_block_head h;
        cu_batch *back;
        cu_err err = {0};
        int rc = cu_block_decode((cu_slice){bytes, good.len}, b->schema, a, &h,
                                 &back, &err);
        cr_assert_eq(rc, CU_CORRUPT, "bit %zu went unnoticed", i);
        bytes[i / 8] = (char)(bytes[i / 8] ^ (1 << (i % 8)));
    }
}

Test(block, a_cut_block_is_noticed)
{
    cu_batch *b = parse("i:int s:text", "1 abc\n2 defg");
    cu_slice good = encode(b);
    for (size_t len = 0; len < good.len; len++) {
        cu_block_head h;
        cu_batch *back;
        cu_err err = {0};
        int rc = cu_block_decode((cu_slice){good.data, len}, b->schema, a, &h,
                                 &back, &err);
        cr_assert_eq(rc, CU_CORRUPT, "a cut at %zu went unnoticed", len);
    }
}

Test(block, a_constant_column_is_spread)
{
    cu_batch *b = parse("i:bigint s:text n:int", "1 a 1\n2 b 2"), *back = NULL;
    cu_value five = {.type = CU_TYPE(CU_T_INT8), .i8 = 5};
    cu_value same = {.type = CU_TYPE(CU_T_TEXT), .s = CU_LIT("same")};
    cu_block_head h;
    cu_err err = {0};
    b->cols[0] = cu_col_const(a, &five);
    b->cols[1] = cu_col_const(a, &same);
    cr_assert_eq(cu_block_decode(encode(b), b->schema, a, &h, &back, &err), 0);
    cr_expect_str_eq(text_of(back).data, "+1 | 5 same 1\n+1 | 5 same 2\n");
}

Test(block, texts_of_any_length_come_back)
{
    for (size_t len = 0; len < 300; len++) {
        cu_batch *b = parse("s:text", "x\ny"), *back = NULL;
        cu_block_head h;
        cu_err err = {0};
        char *text = cu_arena_alloc(a, len + 1);
        memset(text, 'z', len);
        CU_COL(&b->cols[0], cu_slice)[0] = cu_slice_n(text, len);
        cr_assert_eq(cu_block_decode(encode(b), b->schema, a, &h, &back, &err),
                     0);
        const cu_slice *s = back->cols[0].data;
        cr_expect(cu_slice_eq(s[0], cu_slice_n(text, len)));
        cr_expect(cu_slice_is(s[1], "y"));
    }
}

/* Behind a checksum that fits, nothing is believed either. */
Test(block, a_damaged_block_with_a_good_checksum_reads_no_strange_bytes)
{
    cu_batch *b = parse("i:int s:text n:numeric", "1 abc 2.50\nnull x null");
    cu_slice good = encode(b);
    for (size_t i = 0; i < (good.len - 8) * 8; i++) {
        cu_buf bad = {0};
        cu_buf_put(&bad, good.data, good.len - 8);
        bad.data[i / 8] = (char)(bad.data[i / 8] ^ (1 << (i % 8)));
        cu_buf_put_u64le(&bad, cu_hash(cu_buf_slice(&bad)));
        cu_block_head h;
        cu_batch *back = NULL;
        cu_err err = {0};
        int rc = cu_block_decode(cu_buf_slice(&bad), b->schema, a, &h, &back,
                                 &err);
        cr_assert(rc == 0 || rc == CU_CORRUPT);
        if (back)
            text_of(back); /* touches every value */
        cu_buf_free(&bad);
    }
}
