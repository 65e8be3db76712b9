#include "base/map.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { KEYS = 4000 };

static uint64_t step(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Keys that share prefixes of many lengths; every key with n % 10 < 9 is a
 * prefix of the next one. */
static cu_slice key_of(char *buf, unsigned n)
{
    size_t len = n / 1000;
    memset(buf, 'p', len);
    memcpy(buf + len, "/stage/partition/table", 22);
    len += 22;
    buf[len++] = (char)(n / 10 % 100 * 2);
    memset(buf + len, 0, n % 10);
    return cu_slice_n(buf, len + n % 10);
}

static int by_bytes(const void *a, const void *b)
{
    return cu_slice_cmp(*(const cu_slice *)a, *(const cu_slice *)b);
}

/* All keys in byte order, each in memory of its own. */
static cu_slice *all_keys(void)
{
    cu_slice *keys = cu_calloc(KEYS, sizeof(*keys));
    char buf[64];
    for (unsigned i = 0; i < KEYS; i++) {
        cu_slice k = key_of(buf, i);
        char *copy = cu_alloc(k.len);
        memcpy(copy, k.data, k.len);
        keys[i] = cu_slice_n(copy, k.len);
    }
    qsort(keys, KEYS, sizeof(*keys), by_bytes);
    for (unsigned i = 1; i < KEYS; i++)
        cr_assert_lt(cu_slice_cmp(keys[i - 1], keys[i]), 0);
    return keys;
}

static void free_keys(cu_slice *keys)
{
    for (unsigned i = 0; i < KEYS; i++)
        cu_free((char *)keys[i].data);
    cu_free(keys);
}

/* Nearest present index at or above `i`, or KEYS. */
static unsigned up(const uintptr_t *model, unsigned i)
{
    while (i < KEYS && !model[i])
        i++;
    return i;
}

static void check_near(const cu_omap *m, const cu_slice *keys,
                       const uintptr_t *model, unsigned i)
{
    unsigned at = up(model, i), after = up(model, i + 1);
    cu_onode *n = cu_omap_seek(m, keys[i], false);
    cr_assert_eq(n != NULL, at < KEYS);
    if (n)
        cr_assert(cu_slice_eq(cu_onode_key(n), keys[at]));
    n = cu_omap_seek(m, keys[i], true);
    cr_assert_eq(n != NULL, after < KEYS);
    if (n)
        cr_assert(cu_slice_eq(cu_onode_key(n), keys[after]));
    unsigned before = i;
    while (before > 0 && !model[before - 1])
        before--;
    n = cu_omap_before(m, keys[i]);
    cr_assert_eq(n != NULL, before > 0);
    if (n)
        cr_assert(cu_slice_eq(cu_onode_key(n), keys[before - 1]));
}

static void check_all(const cu_omap *m, const cu_slice *keys,
                      const uintptr_t *model)
{
    unsigned i = up(model, 0);
    cu_onode *n = cu_omap_seek(m, CU_LIT(""), false);
    for (; n; n = cu_onode_next(n)) {
        cr_assert_lt(i, KEYS);
        cr_assert(cu_slice_eq(cu_onode_key(n), keys[i]));
        cr_assert_eq((uintptr_t)cu_onode_value(n), model[i]);
        i = up(model, i + 1);
    }
    cr_assert_eq(i, KEYS);
}

Test(omap, answers_like_a_sorted_array_under_random_churn)
{
    cu_slice *keys = all_keys();
    uintptr_t *model = cu_calloc(KEYS, sizeof(*model));
    uint64_t r = 7;
    size_t live = 0;
    cu_omap *m = cu_omap_new();
    for (uintptr_t i = 1; i <= 60000; i++) {
        unsigned n = (unsigned)(step(&r) % KEYS);
        /* Phases that mostly grow and phases that mostly shrink. */
        bool grow = step(&r) % 10 < (i / 10000 % 2 ? 2 : 8);
        if (grow) {
            bool fresh;
            cu_onode *o = cu_omap_put(m, keys[n], &fresh);
            cr_assert_eq(fresh, !model[n]);
            cr_assert_eq((uintptr_t)cu_onode_value(o), model[n]);
            live += fresh;
            model[n] = i;
            cu_onode_set(o, (void *)i);
        } else {
            cr_assert_eq(cu_omap_del(m, keys[n]), model[n] != 0);
            live -= model[n] != 0;
            model[n] = 0;
        }
        cr_assert_eq(cu_omap_count(m), live);
        unsigned probe = (unsigned)(step(&r) % KEYS);
        cu_onode *o = cu_omap_get(m, keys[probe]);
        cr_assert_eq(o ? (uintptr_t)cu_onode_value(o) : 0, model[probe]);
        if (i % 7 == 0)
            check_near(m, keys, model, probe);
        if (i % 10000 == 0)
            check_all(m, keys, model);
    }
    for (unsigned i = 0; i < KEYS; i++)
        cr_assert_eq(cu_omap_del(m, keys[i]), model[i] != 0);
    cr_assert_eq(cu_omap_count(m), 0);
    cr_assert_null(cu_omap_seek(m, CU_LIT(""), false));
    cr_assert_null(cu_omap_before(m, CU_NULL_SLICE));
    cu_omap_free(m);
    cu_free(model);
    free_keys(keys);
}

static void fill_and_check(const cu_slice *keys, int direction)
{
    uintptr_t *model = cu_calloc(KEYS, sizeof(*model));
    cu_omap *m = cu_omap_new();
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < KEYS; i++) {
            unsigned n = direction > 0 ? i : KEYS - 1 - i;
            bool fresh;
            cu_onode_set(cu_omap_put(m, keys[n], &fresh), (void *)keys);
            cr_assert(fresh);
            model[n] = (uintptr_t)keys;
        }
        check_all(m, keys, model);
        cr_assert(cu_slice_eq(cu_onode_key(cu_omap_before(m, CU_NULL_SLICE)),
                              keys[KEYS - 1]));
        cu_omap_reset(m);
        cr_assert_eq(cu_omap_count(m), 0);
        cr_assert_null(cu_omap_get(m, keys[0]));
    }
    cu_omap_free(m);
    cu_free(model);
}

Test(omap, rising_and_falling_inserts_keep_order)
{
    cu_slice *keys = all_keys();
    fill_and_check(keys, 1);
    fill_and_check(keys, -1);
    free_keys(keys);
}

Test(omap, nodes_stay_where_they_are)
{
    cu_slice *keys = all_keys();
    cu_omap *m = cu_omap_new();
    cu_onode **nodes = cu_calloc(KEYS, sizeof(*nodes));
    for (unsigned i = 0; i < KEYS; i++) {
        unsigned n = i * 2377 % KEYS;
        nodes[n] = cu_omap_put(m, keys[n], NULL);
        cu_onode_set(nodes[n], &nodes[n]);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        cr_assert_eq(cu_omap_get(m, keys[i]), nodes[i]);
        cr_assert_eq(cu_onode_value(nodes[i]), &nodes[i]);
    }
    cu_free(nodes);
    cu_omap_free(m);
    free_keys(keys);
}

Test(omap, churn_of_a_small_set_reuses_its_memory)
{
    /* Would take gigabytes if deleted nodes were not recycled. */
    cu_omap *m = cu_omap_new();
    char key[1000] = "";
    for (unsigned i = 0; i < 300000; i++) {
        memcpy(key, &i, sizeof(i));
        cu_omap_put(m, cu_slice_n(key, sizeof(key)), NULL);
        cr_assert(cu_omap_del(m, cu_slice_n(key, sizeof(key))));
    }
    cu_omap_free(m);
    cu_omap_free(NULL);
}

Test(omap, an_empty_key_comes_first)
{
    cu_omap *m = cu_omap_new();
    cu_omap_put(m, CU_LIT("a"), NULL);
    cu_omap_put(m, CU_LIT(""), NULL);
    cu_onode *n = cu_omap_seek(m, CU_LIT(""), false);
    cr_assert_eq(cu_onode_key(n).len, 0);
    cr_assert(cu_slice_is(cu_onode_key(cu_onode_next(n)), "a"));
    cr_assert_null(cu_omap_before(m, CU_LIT("")));
    cu_omap_free(m);
}
