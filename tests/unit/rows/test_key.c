/* The order and the equality of keys, for every type. */
#include "rows/key.h"

#include "rows/json.h"
#include "tests/unit/rows/help.h"

#include <criterion/criterion.h>

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

/* What ORDER BY says about two values. */
static int order_of(const cu_value *a, const cu_value *b, uint16_t flags)
{
    if (a->null || b->null) {
        int nulls_last = a->null - b->null;
        return flags & CU_NULLS_FIRST ? -nulls_last : nulls_last;
    }
    int order = sign(cu_value_cmp(a, b));
    return flags & CU_DESC ? -order : order;
}

Test(key, memcmp_order_is_order_by_order_for_every_type_and_direction)
{
    struct noise noise = {1};
    for (size_t t = 0; t < n_all_types; t++) {
        cu_type type = type_named(all_types[t]);
        cu_arena *a = cu_arena_new(0);
        for (int i = 0; i < 3000; i++) {
            uint16_t flags = (uint16_t)noise_below(&noise, 4);
            cu_value x = noise_value(&noise, type, a);
            cu_value y = noise_value(&noise, type, a);
            cu_buf kx = {0}, ky = {0};
            cu_key_encode_value(&x, flags, &kx);
            cu_key_encode_value(&y, flags, &ky);
            int by_key = sign(
                cu_slice_cmp(cu_buf_slice(&kx), cu_buf_slice(&ky)));
            cr_assert_eq(by_key, order_of(&x, &y, flags),
                         "%s, round %d, flags %u: keys say %d", all_types[t], i,
                         flags, by_key);
            cu_buf_free(&kx);
            cu_buf_free(&ky);
        }
        cu_arena_free(a);
    }
}

Test(key, no_key_is_a_prefix_of_a_different_key)
{
    struct noise noise = {2};
    for (size_t t = 0; t < n_all_types; t++) {
        cu_type type = type_named(all_types[t]);
        cu_arena *a = cu_arena_new(0);
        for (int i = 0; i < 1000; i++) {
            cu_value x = noise_value(&noise, type, a);
            cu_value y = noise_value(&noise, type, a);
            cu_buf kx = {0}, ky = {0};
            cu_key_encode_value(&x, 0, &kx);
            cu_key_encode_value(&y, 0, &ky);
            bool prefix = kx.len < ky.len && !memcmp(kx.data, ky.data, kx.len);
            cr_assert(!prefix, "%s, round %d", all_types[t], i);
            cu_buf_free(&kx);
            cu_buf_free(&ky);
        }
        cu_arena_free(a);
    }
}

Test(key, decoding_gives_an_equal_value_with_the_same_key)
{
    struct noise noise = {3};
    for (size_t t = 0; t < n_all_types; t++) {
        cu_type type = type_named(all_types[t]);
        cu_arena *a = cu_arena_new(0);
        for (int i = 0; i < 1000; i++) {
            uint16_t flags = (uint16_t)noise_below(&noise, 4);
            cu_value x = noise_value(&noise, type, a), y;
            cu_buf kx = {0}, ky = {0};
            cu_err err = {0};
            cu_key_encode_value(&x, flags, &kx);
            int rc = cu_key_decode(cu_buf_slice(&kx), &type, &flags, 1, a, &y,
                                   &err);
            cr_assert_eq(rc, 0, "%s: %s", all_types[t], err.msg);
            cr_assert_eq(order_of(&x, &y, 0), 0, "%s, round %d", all_types[t],
                         i);
            cu_key_encode_value(&y, flags, &ky);
            cr_assert(cu_slice_eq(cu_buf_slice(&kx), cu_buf_slice(&ky)));
            cu_buf_free(&kx);
            cu_buf_free(&ky);
        }
        cu_arena_free(a);
    }
}

Test(key, damaged_keys_are_refused_not_read_past_their_end)
{
    struct noise noise = {4};
    cu_arena *a = cu_arena_new(0);
    for (int i = 0; i < 20000; i++) {
        cu_type type = type_named(
            all_types[noise_below(&noise, (uint32_t)n_all_types)]);
        cu_value x = noise_value(&noise, type, a), y;
        cu_buf key = {0};
        cu_err err = {0};
        cu_key_encode_value(&x, 0, &key);
        size_t len = noise_below(&noise, (uint32_t)key.len + 1);
        char *damaged = malloc(len + 1); /* its own block: ASan watches */
        memcpy(damaged, key.data, len);
        if (len && noise_below(&noise, 2))
            damaged[noise_below(&noise, (uint32_t)len)] ^=
                (char)(1 << noise_below(&noise, 8));
        int rc = cu_key_decode(cu_slice_n(damaged, len), &type, NULL, 1, a, &y,
                               &err);
        cr_assert(rc == 0 || rc == CU_CORRUPT);
        if (len < key.len && !rc)
            cr_assert(len > 0);
        free(damaged);
        cu_buf_free(&key);
        cu_arena_reset(a);
    }
    cu_arena_free(a);
}

/* --- equality ----------------------------------------------------------- */

static void expect_same_group(const char *type, const char *x, const char *y,
                              bool same)
{
    cu_arena *a = cu_arena_new(0);
    cu_value vx = value_of(a, type, x), vy = value_of(a, type, y);
    cu_buf kx = {0}, ky = {0};
    cu_key_encode_value(&vx, 0, &kx);
    cu_key_encode_value(&vy, 0, &ky);
    cr_expect_eq(cu_slice_eq(cu_buf_slice(&kx), cu_buf_slice(&ky)), same,
                 "%s: %s and %s", type, x, y);
    cu_buf_free(&kx);
    cu_buf_free(&ky);
    cu_arena_free(a);
}

Test(key, what_sql_calls_equal_has_one_key)
{
    expect_same_group("float8", "-0", "0", true);
    expect_same_group("float4", "-0", "0", true);
    expect_same_group("float8", "NaN", "NaN", true);
    expect_same_group("numeric", "1.0", "1.00", true);
    expect_same_group("numeric", "-0.0", "0", true);
    expect_same_group("numeric", "NaN", "NaN", true);
    expect_same_group("numeric", "1e40", "10e39", true);
    expect_same_group("numeric", "1.0", "1.01", false);
    expect_same_group("interval", "24 hours", "1 day", true);
    expect_same_group("interval", "1 mon", "30 days", true);
    expect_same_group("interval", "1 year", "365 days", false);
    expect_same_group("jsonb", "{\"a\":1,\"b\":2}", "{\"b\":2.0,\"a\":1}",
                      true);
    expect_same_group("jsonb", "{\"a\":1,\"a\":2}", "{\"a\":2}", true);
    expect_same_group("jsonb", "\"\\u0061\"", "\"a\"", true);
    expect_same_group("jsonb", "[1,2]", "[2,1]", false);
    expect_same_group("text", "null", "null", true);
    expect_same_group("text", "null", "", false);
    expect_same_group("int4[]", "{1,NULL}", "{1,NULL}", true);
    expect_same_group("int4[]", "{1,NULL}", "{1}", false);
}

/* --- batches ------------------------------------------------------------ */

static void expect_same_keys(const char *schema, const char *rows,
                             const cu_key_col *cols, uint32_t n)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b;
    cu_err err = {0};
    cr_assert_eq(cu_batch_parse(a, schema, rows, &b, &err), 0, "%s", err.msg);
    cu_keys keys;
    memset(&keys, 0, sizeof(keys));
    for (int round = 0; round < 2; round++) { /* the memory is used again */
        cu_keys_encode(b, cols, n, &keys);
        cr_assert_eq(keys.n, b->n_sel);
        for (uint32_t i = 0; i < keys.n; i++) {
            cu_buf one = {0};
            cu_key_encode(b, cu_batch_row(b, i), cols, n, &one);
            cr_expect(cu_slice_eq(cu_keys_at(&keys, i), cu_buf_slice(&one)));
            cr_expect_eq(keys.hash[i], cu_hash(cu_buf_slice(&one)));
            cu_buf_free(&one);
        }
    }
    cu_buf_free(&keys.bytes);
    cu_arena_free(a);
}

Test(key, a_batch_of_keys_is_the_keys_of_its_rows)
{
    static const cu_key_col cols[] = {
        {2, 0}, {0, CU_DESC}, {1, CU_NULLS_FIRST}};
    expect_same_keys("a:int b:text c:timestamptz",
                     "1 x 2024-01-01\n"
                     "null '' 2024-01-02\n"
                     "-5 null null\n"
                     "7 'a long text with more bytes' 1999-12-31\n",
                     cols, 3);
    expect_same_keys("a:numeric b:jsonb c:bytea",
                     "1.50 {} \\x00ff\n"
                     "null [1] null\n"
                     "-7 null \\x\n",
                     cols, 3);
    expect_same_keys("a:bool b:uuid c:interval",
                     "t a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 '1 day'\n"
                     "f null null\n",
                     cols, 3);
}

Test(key, only_live_rows_get_keys)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b;
    cu_err err = {0};
    cu_batch_parse(a, "a:text", "x\ny\nz\n", &b, &err);
    static const uint16_t sel[] = {0, 2};
    static const cu_key_col col[] = {{0, 0}};
    cu_batch *some = cu_batch_select(a, b, sel, 2);
    cu_keys keys;
    memset(&keys, 0, sizeof(keys));
    cu_keys_encode(some, col, 1, &keys);
    cr_assert_eq(keys.n, 2);
    cr_expect(cu_slice_eq(cu_keys_at(&keys, 1), cu_slice_n("\x01z\0\0", 4)));
    cu_buf_free(&keys.bytes);
    cu_arena_free(a);
}

Test(key, a_constant_column_stands_for_every_row)
{
    cu_arena *a = cu_arena_new(0);
    cu_batch *b;
    cu_err err = {0};
    cu_batch_parse(a, "a:int", "1\n2\n", &b, &err);
    cu_value seven = value_of(a, "int", "7");
    b->cols[0] = cu_col_const(a, &seven);
    static const cu_key_col col[] = {{0, 0}};
    cu_keys keys;
    memset(&keys, 0, sizeof(keys));
    cu_keys_encode(b, col, 1, &keys);
    cr_expect(cu_slice_eq(cu_keys_at(&keys, 0), cu_keys_at(&keys, 1)));
    cr_expect(
        cu_slice_eq(cu_keys_at(&keys, 1), cu_slice_n("\x01\x80\0\0\x07", 5)));
    cu_buf_free(&keys.bytes);
    cu_arena_free(a);
}

Test(key, the_end_of_a_prefix_is_the_next_byte_string)
{
    cu_buf key = {0};
    cu_buf_put(&key, "ab\xff\xff", 4);
    cr_assert(cu_key_after_prefix(&key));
    cr_expect(cu_slice_is(cu_buf_slice(&key), "ac"));
    cu_buf_clear(&key);
    cu_buf_put(&key, "\xff\xff", 2);
    cr_expect(!cu_key_after_prefix(&key));
    cu_buf_free(&key);
}
