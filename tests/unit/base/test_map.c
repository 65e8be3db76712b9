#include "base/map.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdio.h>

static uint64_t step(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static cu_slice number_key(char *buf, size_t size, unsigned n)
{
    return cu_slice_n(buf, (size_t)snprintf(buf, size, "key/%u", n));
}

Test(map, answers_like_a_plain_array_under_random_churn)
{
    enum { KEYS = 3000 };
    static uintptr_t model[KEYS];
    uint64_t r = 42;
    size_t live = 0;
    char buf[32];
    cu_map *m = cu_map_new();
    for (int i = 0; i < 100000; i++) {
        unsigned n = (unsigned)(step(&r) % KEYS);
        cu_slice key = number_key(buf, sizeof(buf), n);
        switch (step(&r) % 3) {
        case 0: {
            bool fresh;
            void **v = cu_map_put(m, key, &fresh);
            cr_assert_eq(fresh, model[n] == 0);
            cr_assert_eq((uintptr_t)*v, model[n]);
            live += fresh;
            model[n] = (uintptr_t)i + 1;
            *v = (void *)model[n];
            break;
        }
        case 1:
            cr_assert_eq(cu_map_del(m, key), model[n] != 0);
            live -= model[n] != 0;
            model[n] = 0;
            break;
        default: {
            void **v = cu_map_get(m, key);
            cr_assert_eq(v ? (uintptr_t)*v : 0, model[n]);
        }
        }
        cr_assert_eq(cu_map_count(m), live);
    }
    size_t at = 0, seen = 0;
    cu_slice key;
    void *value;
    while (cu_map_next(m, &at, &key, &value)) {
        unsigned n;
        char text[32] = "";
        memcpy(text, key.data, key.len);
        cr_assert_eq(sscanf(text, "key/%u", &n), 1);
        cr_assert_eq(model[n], (uintptr_t)value);
        seen++;
    }
    cr_assert_eq(seen, live);
    cu_map_free(m);
}

Test(map, visits_in_the_order_of_insertion)
{
    cu_map *m = cu_map_new();
    char buf[32];
    for (unsigned i = 0; i < 500; i++)
        cu_map_put(m, number_key(buf, sizeof(buf), i * 7919 % 500), NULL);
    size_t at = 0;
    cu_slice key;
    for (unsigned i = 0; cu_map_next(m, &at, &key, NULL); i++)
        cr_assert(
            cu_slice_eq(key, number_key(buf, sizeof(buf), i * 7919 % 500)));
    cu_map_free(m);
}

Test(map, reset_empties_and_shrinks_slowly)
{
    cu_map *m = cu_map_new();
    char buf[32];
    for (unsigned round = 0; round < 12; round++) {
        unsigned n = round == 0 ? 5000 : 3;
        for (unsigned i = 0; i < n; i++)
            *cu_map_put(m, number_key(buf, sizeof(buf), i), NULL) = m;
        cr_assert_eq(cu_map_count(m), n);
        cr_assert_not_null(cu_map_get(m, CU_LIT("key/2")));
        cu_map_reset(m);
        cr_assert_eq(cu_map_count(m), 0);
        cr_assert_null(cu_map_get(m, CU_LIT("key/2")));
        size_t at = 0;
        cr_assert(!cu_map_next(m, &at, NULL, NULL));
    }
    cu_map_free(m);
    cu_map_free(NULL);
}

Test(map, takes_empty_and_binary_keys)
{
    cu_map *m = cu_map_new();
    bool fresh;
    *cu_map_put(m, CU_LIT(""), &fresh) = m;
    cr_assert(fresh);
    *cu_map_put(m, CU_LIT("a\0b"), &fresh) = m;
    cr_assert(fresh);
    cu_map_put(m, CU_LIT("a\0c"), &fresh);
    cr_assert(fresh);
    cr_assert_eq(*cu_map_get(m, CU_LIT("")), m);
    cr_assert(cu_map_del(m, CU_LIT("")));
    cr_assert_null(cu_map_get(m, CU_LIT("")));
    cr_assert_eq(cu_map_count(m), 2);
    cu_map_free(m);
}
