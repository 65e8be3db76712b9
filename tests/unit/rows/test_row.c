/* Row bytes: what goes in comes out, and damage is noticed. */
#include "rows/key.h"
#include "tests/unit/rows/help.h"

#include <criterion/criterion.h>

static cu_schema *wide_schema(cu_arena *a)
{
    cu_schema *s = cu_schema_new(a, (uint32_t)n_all_types);
    for (uint32_t i = 0; i < s->n; i++) {
        s->fields[i].name = all_types[i];
        s->fields[i].type = type_named(all_types[i]);
    }
    return s;
}

static cu_batch *noise_batch(struct noise *n, cu_arena *a, uint32_t rows)
{
    cu_batch *b = cu_batch_new(a, wide_schema(a), rows);
    for (uint32_t r = 0; r < rows; r++) {
        cu_batch_add(b, 1);
        for (uint32_t c = 0; c < b->n_cols; c++) {
            cu_value v = noise_value(n, b->cols[c].type, a);
            cu_col_set(a, &b->cols[c], r, b->capacity, &v);
        }
    }
    cu_batch_seal(b);
    return b;
}

Test(row, every_type_survives_the_round_trip_byte_for_byte)
{
    struct noise noise = {11};
    for (int round = 0; round < 30; round++) {
        cu_arena *a = cu_arena_new(0);
        cu_batch *b = noise_batch(&noise, a, 40);
        cu_batch *back = cu_batch_new(a, b->schema, 40);
        cu_buf bytes = {0}, again = {0};
        cu_err err = {0};
        for (uint32_t r = 0; r < b->n_rows; r++) {
            cu_buf_clear(&bytes);
            cu_buf_clear(&again);
            cu_row_encode(b, r, NULL, b->n_cols, &bytes);
            int rc = cu_row_decode(cu_buf_slice(&bytes), back, -3, true, &err);
            cr_assert_eq(rc, 0, "%s", err.msg);
            cu_row_encode(back, r, NULL, back->n_cols, &again);
            cr_assert(cu_slice_eq(cu_buf_slice(&bytes), cu_buf_slice(&again)),
                      "round %d row %u", round, r);
            cr_assert_eq(cu_batch_weight(back, r), -3);
        }
        cu_batch_seal(back);
        for (uint32_t r = 0; r < b->n_rows; r++)
            for (uint32_t c = 0; c < b->n_cols; c++) {
                cu_value x = cu_batch_value(b, r, c);
                cu_value y = cu_batch_value(back, r, c);
                cr_assert_eq(cu_value_cmp(&x, &y), 0);
            }
        cu_buf_free(&bytes);
        cu_buf_free(&again);
        cu_arena_free(a);
    }
}

Test(row, one_and_one_point_zero_are_different_rows)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b;
    cu_err err = {0};
    cu_batch_parse(a, "n:numeric", "1.0\n1.00\n", &b, &err);
    cu_buf x = {0}, y = {0};
    cu_row_encode(b, 0, NULL, 1, &x);
    cu_row_encode(b, 1, NULL, 1, &y);
    cr_expect(!cu_slice_eq(cu_buf_slice(&x), cu_buf_slice(&y)));
    cu_buf_free(&x);
    cu_buf_free(&y);
    cu_arena_free(a);
}

Test(row, some_columns_in_another_order_make_a_row_of_their_own)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b;
    cu_err err = {0};
    cu_batch_parse(a, "a:int b:text c:bool", "1 x t\n", &b, &err);
    static const uint16_t cols[] = {2, 1};
    cu_schema *s;
    cu_schema_parse(a, "c:bool b:text", &s, &err);
    cu_batch *to = cu_batch_new(a, s, 1);
    cu_buf bytes = {0}, text = {0};
    cu_row_encode(b, 0, cols, 2, &bytes);
    cr_assert_eq(cu_row_decode(cu_buf_slice(&bytes), to, 1, false, &err), 0);
    cu_batch_seal(to);
    cu_batch_print(to, &text);
    cr_expect(cu_slice_is(cu_buf_slice(&text), "+1 | t x\n"));
    cu_buf_free(&bytes);
    cu_buf_free(&text);
    cu_arena_free(a);
}

Test(row, a_column_added_later_reads_null)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b;
    cu_err err = {0};
    cu_batch_parse(a, "a:int b:text", "1 x\n", &b, &err);
    cu_schema *s;
    cu_schema_parse(a, "a:int b:text c:int8 d:text", &s, &err);
    cu_batch *to = cu_batch_new(a, s, 1);
    cu_buf bytes = {0}, text = {0};
    cu_row_encode(b, 0, NULL, 2, &bytes);
    cr_assert_eq(cu_row_decode(cu_buf_slice(&bytes), to, 1, false, &err), 0);
    cu_batch_seal(to);
    cu_batch_print(to, &text);
    cr_expect(cu_slice_is(cu_buf_slice(&text), "+1 | 1 x null null\n"));
    cr_expect_eq(cu_row_decode(cu_buf_slice(&bytes),
                               cu_batch_new(a, cu_schema_new(a, 0), 1), 1,
                               false, &err),
                 CU_CORRUPT, "fewer columns than the row has");
    cu_buf_free(&bytes);
    cu_buf_free(&text);
    cu_arena_free(a);
}

Test(row, damaged_rows_are_refused_and_add_nothing)
{
    struct noise noise = {12};
    cu_arena *a = cu_arena_new(0);
    for (int i = 0; i < 4000; i++) {
        cu_batch *b = noise_batch(&noise, a, 1);
        cu_batch *to = cu_batch_new(a, b->schema, 1);
        cu_buf bytes = {0};
        cu_err err = {0};
        cu_row_encode(b, 0, NULL, b->n_cols, &bytes);
        size_t len = noise_below(&noise, (uint32_t)bytes.len);
        char *damaged = malloc(bytes.len);
        memcpy(damaged, bytes.data, bytes.len);
        if (noise_below(&noise, 2)) {
            damaged[len] ^= (char)(1 << noise_below(&noise, 8));
            len = bytes.len;
        }
        int rc = cu_row_decode(cu_slice_n(damaged, len), to, 1, true, &err);
        cr_assert(rc == 0 || rc == CU_CORRUPT);
        cr_assert_eq(to->n_rows, rc ? 0 : 1);
        cr_assert(len == bytes.len || rc, "a shortened row must not fit");
        free(damaged);
        cu_buf_free(&bytes);
        cu_arena_reset(a);
    }
    cu_arena_free(a);
}
