/* Sorting in runs: whatever fits in memory, the order is that of one sort. */
#include "state/sorter.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { N = 3000 };

typedef struct row {
    char bytes[24];
    size_t key_len, len;
} row;

static int by_bytes(const void *a, const void *b)
{
    const row *x = a, *y = b;
    return cu_slice_cmp(cu_slice_n(x->bytes, x->len),
                        cu_slice_n(y->bytes, y->len));
}

/* Few different bytes: many equal rows, and prefixes of each other. */
static void draw(row *rows, size_t n)
{
    uint64_t seed = 7;
    for (size_t i = 0; i < n; i++) {
        rows[i].len = 0;
        for (size_t k = 0; k < sizeof(rows[i].bytes); k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            if (seed >> 60 == 0)
                break;
            rows[i].bytes[rows[i].len++] = (char)(seed >> 33 & 3);
        }
        rows[i].key_len = rows[i].len / 2;
    }
}

static bool file_is_there(cu_env *env)
{
    cu_stat st;
    return env->vt->stat(env, "sort/rows", &st, NULL) == 0;
}

static void sorts(size_t n, size_t memory, bool in_a_file)
{
    cu_env *env = cu_env_sim(1);
    cu_sorter *s = cu_sorter_new(env, "sort/rows", memory);
    row *rows = cu_calloc(n + 1, sizeof(*rows));
    cu_slice key, value;
    bool found;
    draw(rows, n);
    for (size_t i = 0; i < n; i++) {
        key = cu_slice_n(rows[i].bytes, rows[i].key_len);
        value = cu_slice_n(rows[i].bytes + key.len, rows[i].len - key.len);
        cr_assert_eq(cu_sorter_add(s, key, value, NULL), 0);
    }
    qsort(rows, n, sizeof(*rows), by_bytes);
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(cu_sorter_next(s, &key, &value, &found, NULL), 0);
        cr_assert(found, "%zu of %zu", i, n);
        cr_assert_eq(key.len + value.len, rows[i].len);
        cr_assert_eq(key.len, rows[i].key_len);
        cr_assert_eq(value.data, key.data + key.len);
        cr_assert_eq(memcmp(key.data, rows[i].bytes, rows[i].len), 0);
    }
    for (int again = 0; again < 2; again++) {
        cr_assert_eq(cu_sorter_next(s, &key, &value, &found, NULL), 0);
        cr_assert_not(found);
    }
    cr_assert_eq(file_is_there(env), in_a_file);
    cu_sorter_free(s);
    cr_assert_not(file_is_there(env));
    cu_free(rows);
    env->vt->close(env);
}

Test(sorter, sorts_in_memory_without_a_file)
{
    sorts(0, 1 << 20, false);
    sorts(1, 1 << 20, false);
    sorts(N, 1 << 20, false);
}

Test(sorter, sorts_more_than_memory_holds)
{
    sorts(N, 20000, true);
    sorts(N, 2000, true);
    sorts(100, 1, true); /* each row is a run */
}

Test(sorter, leaves_no_file_when_it_is_given_up)
{
    cu_env *env = cu_env_sim(1);
    for (int ask = 0; ask < 2; ask++) {
        cu_sorter *s = cu_sorter_new(env, "sort/rows", 10);
        cu_slice key, value;
        bool found;
        for (int i = 0; i < 100; i++)
            cr_assert_eq(cu_sorter_add(s, CU_LIT("key"), CU_LIT("value"), NULL),
                         0);
        if (ask)
            cr_assert_eq(cu_sorter_next(s, &key, &value, &found, NULL), 0);
        cu_sorter_free(s);
        cr_assert_not(file_is_there(env));
    }
    env->vt->close(env);
}
