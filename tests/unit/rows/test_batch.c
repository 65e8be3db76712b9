/* Batches: making, copying, selecting, consolidating, text tables. */
#include "rows/batch.h"
#include "tests/unit/rows/help.h"

#include <criterion/criterion.h>

static cu_batch *parse(cu_arena *a, const char *schema, const char *rows)
{
    cu_batch *b;
    cu_err err = {0};
    cr_assert_eq(cu_batch_parse(a, schema, rows, &b, &err), 0, "%s", err.msg);
    return b;
}

static void expect_print(const cu_batch *b, const char *expected)
{
    cu_buf out = {0};
    cu_batch_print(b, &out);
    cu_buf_put_u8(&out, 0);
    cr_expect_str_eq(out.data, expected);
    cu_buf_free(&out);
}

Test(batch, a_text_table_parses_and_prints_the_same)
{
    cu_arena *a = cu_arena_new(0);
    const char *rows = "+1 | 1 'a b' 2024-01-01 1.50\n"
                       "-2 | null it's infinity null\n"
                       "+1 | -7 '' null 0.00\n"
                       "+1 | 0 'null' null NaN\n"
                       "+1 | 2 '|' null 1\n";
    expect_print(parse(a, "i:int s:text d:date n:numeric", rows), rows);
    cu_arena_free(a);
}

Test(batch, the_weight_may_be_left_out)
{
    cu_arena *a = cu_arena_new(0);
    expect_print(parse(a, "i:int", "  7\n| 8\n-1 | 9"),
                 "+1 | 7\n+1 | 8\n-1 | 9\n");
    cr_expect_null(parse(a, "i:int", "7\n8\n")->weights);
    cu_arena_free(a);
}

Test(batch, a_schema_text_takes_types_of_several_words)
{
    cu_arena *a = cu_arena_new(0);
    cu_schema *s;
    cu_err err = {0};
    int rc = cu_schema_parse(a,
                             "i:int not null d:double precision "
                             "t:timestamp(3) with time zone n:numeric(12,2)[]",
                             &s, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    cr_assert_eq(s->n, 4);
    char name[64];
    cr_expect(s->fields[0].not_null);
    cr_expect(!s->fields[1].not_null);
    cr_expect_str_eq(cu_type_name(s->fields[1].type, name), "double precision");
    cr_expect_str_eq(cu_type_name(s->fields[2].type, name),
                     "timestamp(3) with time zone");
    cr_expect_str_eq(cu_type_name(s->fields[3].type, name), "numeric(12,2)[]");
    cr_expect_eq(cu_schema_find(s, CU_LIT("t")), 2);
    cr_expect_eq(cu_schema_find(s, CU_LIT("x")), -1);
    cr_expect_eq(cu_schema_parse(a, "i int", &s, &err), CU_USAGE);
    cr_expect_eq(cu_schema_parse(a, "i:money", &s, &err), CU_UNSUPPORTED);
    cu_arena_free(a);
}

Test(batch, a_bad_table_says_which_row_and_column)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b;
    cu_err err = {0};
    cr_expect_eq(cu_batch_parse(a, "i:int", "1\nx\n", &b, &err), CU_DATA);
    cr_expect_str_eq(err.msg, "row 1, i: invalid input syntax for type "
                              "integer: \"x\"");
    cr_expect_eq(cu_batch_parse(a, "i:int j:int", "1", &b, &err), CU_USAGE);
    cr_expect_eq(cu_batch_parse(a, "i:int", "1 2", &b, &err), CU_USAGE);
    cr_expect_eq(cu_batch_parse(a, "i:int", "+0 | 1", &b, &err), CU_USAGE);
    cu_arena_free(a);
}

Test(batch, bitmaps_and_weights_appear_only_when_needed)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b = parse(a, "i:int s:text", "1 a\n2 null\n");
    cr_expect_null(b->cols[0].valid);
    cr_expect_not_null(b->cols[1].valid);
    cr_expect_null(b->weights);
    cr_expect(cu_col_is_null(&b->cols[1], 1));
    cr_expect(!cu_col_is_null(&b->cols[1], 0));
    cu_batch_clear(b);
    cr_expect_eq(b->n_rows, 0);
    cr_expect_null(b->cols[1].valid);
    uint32_t row = cu_batch_add(b, -4);
    cr_expect_eq(row, 0);
    cr_expect(cu_col_is_null(&b->cols[0], 0));
    cr_expect_eq(cu_batch_weight(b, 0), -4);
    cu_arena_free(a);
}

Test(batch, a_filled_batch_crosses_the_words_of_its_bitmap)
{
    cu_arena *a = cu_arena_new(0);
    cu_schema *s;
    cu_err err = {0};
    cu_schema_parse(a, "i:int8", &s, &err);
    cu_batch *b = cu_batch_new(a, s, CU_BATCH_ROWS);
    for (int64_t i = 0; i < CU_BATCH_ROWS; i++) {
        uint32_t row = cu_batch_add(b, 1);
        if (i % 65 == 0)
            continue;
        CU_COL(&b->cols[0], int64_t)[row] = i;
        cu_col_set_valid(&b->cols[0], row);
    }
    cu_batch_seal(b);
    for (uint32_t i = 0; i < CU_BATCH_ROWS; i++) {
        cr_assert_eq(cu_col_is_null(&b->cols[0], i), i % 65 == 0);
        cr_assert_eq(CU_COL(&b->cols[0], int64_t)[i], i % 65 ? i : 0);
    }
    cu_arena_free(a);
}

Test(batch, select_shows_the_chosen_rows_and_copy_owns_them)
{
    cu_arena *a = cu_arena_new(0), *other = cu_arena_new(0);
    cu_batch *b = parse(a, "i:int s:text n:numeric",
                        "+1 | 1 a 1e50\n-1 | 2 bb 2\n+3 | null null null\n");
    static const uint16_t sel[] = {1, 2};
    cu_batch *some = cu_batch_select(a, b, sel, 2);
    const char *expected = "-1 | 2 bb 2\n+3 | null null null\n";
    expect_print(some, expected);
    cu_batch *copy = cu_batch_copy(other, some);
    cu_batch *whole = cu_batch_copy(other, b);
    cu_arena_free(a); /* nothing of it may be left in the copies */
    expect_print(copy, expected);
    cr_expect_eq(CU_COL(&whole->cols[2], cu_numeric)[0].form, CU_NUM_BIG);
    cr_expect(cu_batch_bytes(whole) > 3 * (4 + 16 + 32));
    cu_arena_free(other);
}

Test(batch, a_copy_of_a_constant_column_stays_one)
{
    cu_arena *a = cu_arena_new(0), *other = cu_arena_new(0);
    cu_batch *b = parse(a, "i:int s:text t:text", "1 x y\n2 x y\n3 x y\n");
    cu_value word = cu_batch_value(b, 0, 1);
    cu_value null = {.type = word.type, .null = true};
    b->cols[1] = cu_col_const(a, &word);
    b->cols[2] = cu_col_const(a, &null);
    static const uint16_t sel[] = {1, 2};
    cu_batch *copy = cu_batch_copy(other, cu_batch_select(a, b, sel, 2));
    cu_arena_free(a);
    expect_print(copy, "+1 | 2 x null\n+1 | 3 x null\n");
    cr_expect_eq(copy->cols[1].form, CU_CONST);
    cu_arena_free(other);
}

Test(batch, gather_and_flatten_follow_nulls_and_constants)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b = parse(a, "i:int s:text", "1 a\nnull b\n3 null\n");
    static const uint16_t rows[] = {2, 1, 1, 0};
    cu_batch *out = cu_batch_new(a, b->schema, 4);
    for (int i = 0; i < 4; i++)
        cu_batch_add(out, 1);
    for (int c = 0; c < 2; c++)
        out->cols[c] = cu_col_gather(a, &b->cols[c], rows, 4);
    cu_batch_seal(out);
    expect_print(out, "+1 | 3 null\n+1 | null b\n+1 | null b\n+1 | 1 a\n");
    cu_value nothing = value_of(a, "text", "null");
    cu_value seven = value_of(a, "int", "7");
    cu_col nulls = cu_col_const(a, &nothing), sevens = cu_col_const(a, &seven);
    out->cols[0] = cu_col_flatten(a, &sevens, 4);
    out->cols[1] = cu_col_gather(a, &nulls, rows, 4);
    expect_print(out, "+1 | 7 null\n+1 | 7 null\n+1 | 7 null\n+1 | 7 null\n");
    cr_expect_eq(out->cols[0].form, CU_FLAT);
    cu_arena_free(a);
}

Test(batch, consolidate_adds_up_and_sorts_what_is_left)
{
    cu_arena *a = cu_arena_new(0);
    const cu_batch *in[] = {
        parse(a, "k:text n:int", "+1 | b 1\n+1 | a 1\n+1 | c null\n"),
        parse(a, "k:text n:int", "-1 | b 1\n+2 | a 1\n-1 | d 4\n+1 | a 2\n"),
    };
    cu_batch **out;
    cr_assert_eq(cu_batch_consolidate(a, in, 2, &out), 1);
    /* Row bytes: the null bitmap first, then n, then k. */
    expect_print(out[0], "+3 | a 1\n+1 | a 2\n-1 | d 4\n+1 | c null\n");
    const cu_batch *nothing[] = {parse(a, "i:int", "+1 | 1\n-1 | 1\n")};
    cr_expect_eq(cu_batch_consolidate(a, nothing, 1, &out), 0);
    cr_expect_eq(cu_batch_consolidate(a, nothing, 0, &out), 0);
    cu_arena_free(a);
}

Test(batch, consolidate_does_not_depend_on_the_cuts)
{
    struct noise noise = {21};
    for (int round = 0; round < 20; round++) {
        cu_arena *a = cu_arena_new(0);
        cu_schema *s;
        cu_err err = {0};
        cu_schema_parse(a, "k:int v:text", &s, &err);
        cu_batch *parts[8], *all = cu_batch_new(a, s, CU_BATCH_ROWS);
        for (int i = 0; i < 8; i++)
            parts[i] = cu_batch_new(a, s, CU_BATCH_ROWS);
        for (int i = 0; i < 500; i++) {
            int32_t w = (int32_t)noise_below(&noise, 3) - 1;
            if (!w)
                continue;
            uint32_t row = cu_batch_add(all, w);
            cu_value k = value_of(a, "int", "1");
            k.i4 = (int32_t)noise_below(&noise, 30);
            cu_value v = value_of(a, "text",
                                  noise_below(&noise, 2) ? "x" : "y");
            cu_col_set(a, &all->cols[0], row, all->capacity, &k);
            cu_col_set(a, &all->cols[1], row, all->capacity, &v);
            cu_batch_append(parts[noise_below(&noise, 8)], all, row, w);
        }
        cu_batch_seal(all);
        const cu_batch *one[] = {all};
        cu_batch **x, **y;
        for (int i = 0; i < 8; i++)
            cu_batch_seal(parts[i]);
        uint32_t nx = cu_batch_consolidate(a, one, 1, &x);
        uint32_t ny = cu_batch_consolidate(a, (const cu_batch *const *)parts, 8,
                                           &y);
        cr_assert_eq(nx, ny);
        cu_buf text = {0};
        for (uint32_t i = 0; i < nx; i++) {
            cu_buf_clear(&text);
            cu_batch_print(x[i], &text);
            cu_buf_put_u8(&text, 0);
            expect_print(y[i], text.data);
        }
        cu_buf_free(&text);
        cu_arena_free(a);
    }
}

Test(batch, a_weight_beyond_32_bits_takes_several_rows)
{
    cu_arena *a = cu_arena_new(0);
    const cu_batch *in[] = {
        parse(a, "i:int", "+2147483647 | 1\n+2147483647 | 1\n+2 | 1\n")};
    cu_batch **out;
    cr_assert_eq(cu_batch_consolidate(a, in, 1, &out), 1);
    expect_print(out[0], "+2147483647 | 1\n+2147483647 | 1\n+2 | 1\n");
    cu_arena_free(a);
}
