#include "tests/unit/state/recorder.h"

#include "state/sort.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 64 };

static cu_err err;

/* The model: values by key, 0 = absent. Keys are "k00".."k63". */
typedef struct model {
    unsigned now[KEYS], committed[KEYS];
} model;

static uint64_t chance;

static unsigned draw(unsigned n)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (unsigned)(chance >> 20) % n;
}

static cu_slice key_of(unsigned k, char buf[8])
{
    return cu_slice_n(buf, (size_t)snprintf(buf, 8, "k%02u", k));
}

static void check_scan(cu_table *t, const model *m, unsigned lo, unsigned hi,
                       bool backwards)
{
    char a[8], b[8], k[8];
    cu_table_iter *it;
    cu_slice key, value;
    cr_assert_eq(cu_table_scan(t, key_of(lo, a),
                               hi == KEYS ? CU_NULL_SLICE : key_of(hi, b),
                               backwards, &it, &err),
                 0);
    for (unsigned i = lo; i < hi; i++) {
        unsigned at = backwards ? hi - 1 - (i - lo) : i;
        if (!m->now[at])
            continue;
        cr_assert(cu_table_iter_next(it, &key, &value));
        cr_assert(cu_slice_eq(key, key_of(at, k)));
        cr_assert_eq(value.len, 4);
        cr_assert_eq(memcmp(value.data, &m->now[at], 4), 0);
    }
    cr_assert_not(cu_table_iter_next(it, &key, &value));
    cr_assert_not(cu_table_iter_next(it, &key, &value));
    cr_assert_eq(cu_table_iter_close(it, &err), 0);
}

static void change(cu_table *t, model *m)
{
    unsigned k = draw(KEYS);
    char buf[8];
    cu_slice got;
    if (draw(3) == 0)
        cr_assert_eq(cu_table_get(t, key_of(k, buf), &got, &err), 0);
    m->now[k] = draw(3) ? draw(5) + 1 : 0;
    if (m->now[k])
        cu_table_put(t, key_of(k, buf), cu_slice_n(&m->now[k], 4));
    else
        cu_table_del(t, key_of(k, buf));
}

Test(table_scan, agrees_with_a_sorted_list_whatever_lies_where)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        chance = seed * 0x9e3779b97f4a7c15u;
        cu_kv *kv = cu_kv_open_memory(seed);
        cu_store *store = cu_store_new(kv, draw(2) ? 2000 : 1 << 20);
        recorder *log = recorder_new(kv);
        cu_space *s;
        model m = {0};
        cu_progress p = {.sequence = 1};
        cr_assert_eq(cu_space_open(store, 1, 0, &s, &err), 0);
        /* Neighbours that a scan must not touch. */
        cu_table_put(cu_space_table(s, 1), CU_LIT("k10"), CU_LIT("no"));
        cu_table_put(cu_space_table(s, 3), CU_LIT("k10"), CU_LIT("no"));
        for (int round = 0; round < 40; round++) {
            cu_table *t = cu_space_table(s, 2);
            for (unsigned i = draw(30); i > 0; i--)
                change(t, &m);
            unsigned lo = draw(KEYS), hi = lo + draw(KEYS + 1 - lo);
            check_scan(t, &m, lo, hi, draw(2));
            check_scan(t, &m, 0, KEYS, draw(2));
            unsigned what = draw(4);
            if (what == 0) {
                commit_space(s, log, &p);
                memcpy(m.committed, m.now, sizeof(m.now));
            } else if (what == 1) {
                cu_space_revert(s);
                memcpy(m.now, m.committed, sizeof(m.now));
            } else if (what == 2 && draw(3) == 0) {
                cu_space_close(s);
                memcpy(m.now, m.committed, sizeof(m.now));
                cr_assert_eq(cu_space_open(store, 1, 0, &s, &err), 0);
            }
        }
        cu_space_close(s);
        cu_store_free(store);
        recorder_free(log);
        kv->vt->close(kv);
    }
}

static int by_bytes(const void *a, const void *b)
{
    return cu_slice_cmp(((const cu_keyed *)a)->key, ((const cu_keyed *)b)->key);
}

Test(sort, agrees_with_memcmp_order)
{
    chance = 12345;
    for (int round = 0; round < 200; round++) {
        size_t n = draw(300);
        cu_keyed *mine = cu_calloc(n + 1, sizeof(*mine));
        cu_keyed *theirs = cu_calloc(n + 1, sizeof(*theirs));
        char *bytes = cu_calloc(n + 1, 40);
        for (size_t i = 0; i < n; i++) {
            char *p = bytes + i * 40;
            size_t len = draw(3) ? 30 : draw(40);
            for (size_t k = 0; k < len; k++)
                p[k] = k < 20 && round % 2 ? 'p' : (char)(draw(3) * 100);
            mine[i] = theirs[i] = (cu_keyed){.key = {p, len}};
        }
        cu_sort_keyed(mine, n);
        qsort(theirs, n, sizeof(*theirs), by_bytes);
        for (size_t i = 0; i < n; i++)
            cr_assert(cu_slice_eq(mine[i].key, theirs[i].key));
        cu_free(mine);
        cu_free(theirs);
        cu_free(bytes);
    }
}
