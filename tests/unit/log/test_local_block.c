/* Blocks of records: round trips, gaps, shared headers, damage. */
#include "log/local_block.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const cu_part part = {"orders", 3};

static const cu_header h1[] = {{CU_LIT("a"), CU_LIT("1")}};
static const cu_header h2[] = {{CU_LIT("a"), CU_LIT("1")},
                               {CU_LIT("b"), {NULL, 0}}};

/* rel, time, key, value, headers */
static const struct {
    int64_t rel, ms;
    cu_slice key, value;
    const cu_header *h;
    uint32_t n_h;
} rows[] = {
    {0, 1700000000000, CU_LIT("k"), CU_LIT("v"), NULL, 0},
    {1, 1700000000000, {NULL, 0}, CU_LIT(""), h1, 1},
    {5, 1600000000000, CU_LIT(""), {NULL, 0}, h1, 1},
    {6, -5, {NULL, 0}, {NULL, 0}, h2, 2},
    {7, INT64_MAX, CU_LIT("x\0y"), CU_LIT("z"), h2, 1},
    {8, INT64_MIN, CU_LIT("k"), CU_LIT("v"), NULL, 0},
    {9, 0, CU_LIT("k"), CU_LIT("v"), NULL, 0},
};
enum { N = sizeof(rows) / sizeof(*rows) };

/* Of what was read last; small blocks leave it empty. */
static cu_buf space;

static cu_buf encode(void)
{
    cu_buf out = {0};
    cu_block_writer w;
    cu_block_start(&w, &out);
    for (size_t i = 0; i < N; i++) {
        cu_record r = {.timestamp_ms = rows[i].ms,
                       .key = rows[i].key,
                       .value = rows[i].value,
                       .headers = rows[i].h,
                       .n_headers = rows[i].n_h};
        cu_block_add(&w, rows[i].rel, &r);
    }
    cu_block_end(&w);
    w.info.high_ms = w.info.max_ms;
    w.info.written_ms = 77;
    cu_block_seal(out.data, out.len, &w.info);
    return out;
}

static void expect_row(const cu_record *r, size_t i)
{
    cr_assert_eq(r->offset, 100 + rows[i].rel);
    cr_assert_eq(r->timestamp_ms, rows[i].ms);
    cr_assert(cu_slice_eq(r->key, rows[i].key));
    cr_assert(cu_slice_eq(r->value, rows[i].value));
    cr_assert_eq(r->n_headers, rows[i].n_h);
    for (uint32_t k = 0; k < r->n_headers; k++) {
        cr_assert(cu_slice_eq(r->headers[k].name, rows[i].h[k].name));
        cr_assert(cu_slice_eq(r->headers[k].value, rows[i].h[k].value));
    }
}

Test(block, every_shape_of_record_comes_back)
{
    cu_buf b = encode();
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    for (size_t portion = 1; portion <= N; portion++) {
        cu_block_reader r;
        cu_record out[N];
        cr_assert_eq(
            cu_block_open(&r, cu_buf_slice(&b), part, 100, &space, &err), 0);
        cr_assert_eq(r.info.n, N);
        cr_assert_eq(r.info.span, 10);
        cr_assert_eq(r.info.max_ms, INT64_MAX);
        cr_assert_eq(r.info.first_ms, 1700000000000);
        cr_assert_eq(r.info.written_ms, 77);
        size_t seen = 0, n = 1;
        while (n > 0) {
            cr_assert_eq(cu_block_read(&r, 0, out, portion, a, &n, &err), 0);
            cr_assert_leq(n, portion);
            for (size_t i = 0; i < n; i++)
                expect_row(&out[i], seen++);
        }
        cr_assert_eq(seen, N);
    }
    cu_arena_free(a);
    cu_buf_free(&b);
}

Test(block, reading_may_start_in_the_middle_or_in_a_gap)
{
    cu_buf b = encode();
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    for (int64_t from = 95; from <= 111; from++) {
        cu_block_reader r;
        cu_record out[N];
        size_t n, first = 0;
        while (first < N && 100 + rows[first].rel < from)
            first++;
        cr_assert_eq(
            cu_block_open(&r, cu_buf_slice(&b), part, 100, &space, &err), 0);
        cr_assert_eq(cu_block_read(&r, from, out, N, a, &n, &err), 0);
        cr_assert_eq(n, N - first);
        for (size_t i = 0; i < n; i++)
            expect_row(&out[i], first + i);
    }
    cu_arena_free(a);
    cu_buf_free(&b);
}

Test(block, equal_headers_are_stored_once)
{
    cu_header h[] = {{CU_LIT("a-long-header-name"), CU_LIT("and its value")}};
    cu_record r = {.key = CU_LIT("k"), .headers = h, .n_headers = 1};
    cu_buf out = {0};
    cu_block_writer w;
    cu_block_start(&w, &out);
    cu_block_add(&w, 0, &r);
    size_t first = out.len;
    for (int64_t i = 1; i <= 100; i++)
        cu_block_add(&w, i, &r);
    cr_assert_leq((out.len - first) / 100, 4);
    cu_buf_free(&out);
}

Test(block, any_flipped_byte_is_noticed)
{
    cu_buf b = encode();
    for (size_t i = 0; i < b.len; i++) {
        cu_block_reader r;
        cu_err err = {0};
        b.data[i] ^= 0x20;
        cr_assert_eq(
            cu_block_open(&r, cu_buf_slice(&b), part, 100, &space, &err),
            CU_CORRUPT, "byte %zu", i);
        cr_assert_not_null(strstr(err.msg, "orders[3] at offset 100"), "%s",
                           err.msg);
        b.data[i] ^= 0x20;
    }
    cu_buf_free(&b);
}

Test(block, any_cut_block_is_noticed)
{
    cu_buf b = encode();
    for (size_t len = 0; len < b.len; len++) {
        cu_block_reader r;
        cu_err err = {0};
        cr_assert_eq(
            cu_block_open(&r, cu_slice_n(b.data, len), part, 100, &space, &err),
            CU_CORRUPT);
    }
    cu_buf_free(&b);
}

/* The checksum guards against disks; lengths are checked all the same. */
Test(block, a_malformed_body_with_a_right_checksum_is_refused_not_followed)
{
    cu_buf good = encode();
    cu_arena *a = cu_arena_new(0);
    uint64_t seed = 1;
    size_t refused = 0;
    for (int round = 0; round < 20000; round++) {
        cu_buf b = {0};
        cu_buf_put_slice(&b, cu_buf_slice(&good));
        for (int k = 0; k < 3; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            b.data[57 + (seed >> 33) % (b.len - 57)] = (char)(seed >> 25);
        }
        cu_block_info info = {
            .n = N, .span = 10, .n_bytes = (uint32_t)(b.len - 57)};
        cu_block_seal(b.data, b.len, &info);
        cu_block_reader r;
        cu_record out[N];
        cu_err err = {0};
        size_t n = 1;
        cr_assert_eq(
            cu_block_open(&r, cu_buf_slice(&b), part, 100, &space, &err), 0);
        while (n > 0 && !cu_block_read(&r, 0, out, N, a, &n, &err)) {
            for (size_t i = 0; i < n; i++) {
                cr_assert(out[i].offset >= 100 && out[i].offset < 110);
                cr_assert(out[i].value.len <= b.len);
            }
        }
        refused += err.code == CU_CORRUPT;
        cu_arena_reset(a);
        cu_buf_free(&b);
    }
    cr_assert_gt(refused, 1000);
    cu_arena_free(a);
    cu_buf_free(&good);
}

/* A block large enough to be packed: one text, many times. */
static cu_buf encode_packed(uint32_t n, cu_block_info *info)
{
    cu_buf out = {0};
    cu_block_writer w;
    cu_block_start(&w, &out);
    for (uint32_t i = 0; i < n; i++) {
        char key[32];
        snprintf(key, sizeof(key), "key %u", i);
        cu_record r = {.timestamp_ms = i,
                       .key = cu_slice_of(key),
                       .value = CU_LIT("the same words again and again")};
        cu_block_add(&w, i, &r);
    }
    size_t before = out.len;
    cu_block_end(&w);
    cr_assert_lt(out.len, before / 2);
    cu_block_seal(out.data, out.len, &w.info);
    *info = w.info;
    return out;
}

Test(block, a_large_block_is_packed_and_comes_back)
{
    cu_block_info info;
    cu_buf b = encode_packed(1000, &info);
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    cu_block_reader r;
    cu_record out[1000];
    size_t n;
    cr_assert_eq(cu_block_open(&r, cu_buf_slice(&b), part, 100, &space, &err),
                 0);
    cr_assert_eq(cu_block_read(&r, 0, out, 1000, a, &n, &err), 0);
    cr_assert_eq(n, 1000);
    for (size_t i = 0; i < n; i++) {
        char key[32];
        snprintf(key, sizeof(key), "key %zu", i);
        cr_assert_eq(out[i].offset, 100 + (int64_t)i);
        cr_assert(cu_slice_eq(out[i].key, cu_slice_of(key)));
        cr_assert(cu_slice_eq(out[i].value,
                              CU_LIT("the same words again and again")));
    }
    cu_arena_free(a);
    cu_buf_free(&b);
    cu_buf_free(&space);
}

Test(block, what_does_not_shrink_stays_as_it_is)
{
    cu_buf out = {0};
    cu_block_writer w;
    char noise[4096];
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof(noise); i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        noise[i] = (char)(seed >> 56);
    }
    cu_record r = {.value = cu_slice_n(noise, sizeof(noise))};
    cu_block_start(&w, &out);
    cu_block_add(&w, 0, &r);
    size_t before = out.len;
    cu_block_end(&w);
    cr_assert_eq(out.len, before);
    cu_buf_free(&out);
}

/* Lies about the size, and damage under a right checksum. */
Test(block, a_packed_block_that_does_not_unpack_is_refused)
{
    cu_block_info info;
    cu_buf good = encode_packed(100, &info);
    static const uint32_t sizes[] = {0, 1, 511, 1 << 20, UINT32_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        cu_block_info lie = info;
        cu_err err = {0};
        cu_block_reader r;
        lie.n_bytes = sizes[i];
        cu_block_seal(good.data, good.len, &lie);
        cr_assert_eq(
            cu_block_open(&r, cu_buf_slice(&good), part, 100, &space, &err),
            CU_CORRUPT, "%u", sizes[i]);
    }
    for (size_t i = 57; i < good.len; i++) {
        cu_err err = {0};
        cu_block_reader r;
        cu_record out[100];
        cu_arena *a = cu_arena_new(0);
        size_t n = 1;
        good.data[i] ^= 0x55;
        cu_block_seal(good.data, good.len, &info);
        int rc = cu_block_open(&r, cu_buf_slice(&good), part, 100, &space,
                               &err);
        while (!rc && n > 0)
            rc = cu_block_read(&r, 0, out, 100, a, &n, &err);
        cr_assert(rc == 0 || rc == CU_CORRUPT);
        good.data[i] ^= 0x55;
        cu_arena_free(a);
    }
    cu_buf_free(&good);
    cu_buf_free(&space);
}
