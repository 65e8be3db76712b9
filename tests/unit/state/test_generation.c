/* Several sets of the same tables in one space. */
#include "tests/unit/state/world.h"

#include <criterion/criterion.h>
#include <stdio.h>

static cu_err err;

static void put(world *w, uint16_t table, int key, const char *value)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", key);
    cu_table_put(cu_space_table(w->space, table), cu_slice_of(text),
                 cu_slice_of(value));
}

static void is(world *w, uint16_t table, int key, const char *want)
{
    char text[16];
    cu_slice got;
    snprintf(text, sizeof(text), "%d", key);
    cr_assert_eq(cu_table_get(cu_space_table(w->space, table),
                              cu_slice_of(text), &got, &err),
                 0);
    cr_expect(want ? cu_slice_is(got, want) : got.data == NULL,
              "table %u key %d", table, key);
}

static void commit(world *w, unsigned generation)
{
    w->progress.rebuild.generation = (uint8_t)generation;
    world_commit(w);
}

static int one(void *ctx, uint16_t table, cu_slice key, cu_slice value,
               cu_err *e)
{
    (void)table, (void)key, (void)value, (void)e;
    ++*(int *)ctx;
    return 0;
}

static int rows(world *w)
{
    int n = 0;
    cr_assert_eq(cu_space_each(w->space, one, &n, &err), 0);
    return n;
}

Test(generation, each_has_its_own_rows_and_the_progress_names_the_one)
{
    world w;
    world_open(&w, 7);
    put(&w, 9, 1, "old");
    put(&w, 0xFFF8, 1, "held");
    commit(&w, 0);
    commit(&w, 2);
    is(&w, 9, 1, "old"); /* what is open stays what it is */
    world_reopen(&w);
    is(&w, 9, 1, NULL);
    is(&w, 0xFFF8, 1, NULL);
    put(&w, 9, 1, "new");
    commit(&w, 2);
    is(&w, 9, 1, "new");
    cu_space_use(w.space, 0);
    is(&w, 9, 1, "old");
    is(&w, 0xFFF8, 1, "held");
    cr_expect_eq(rows(&w), 3);
    world_close(&w);
}

Test(generation, is_followed_by_a_state_that_rolls_forward)
{
    world w;
    cu_space *behind;
    world_open(&w, 7);
    put(&w, 9, 1, "old");
    commit(&w, 0);
    cu_space_use(w.space, 3);
    put(&w, 9, 1, "new");
    commit(&w, 3);
    cu_kv *kv = cu_kv_open_memory(8);
    cu_store *store = cu_store_new(kv, 1 << 20);
    cr_assert_eq(cu_space_open(store, 5, 0, &behind, &err), 0);
    restore_space(behind, w.changelog, 0, 1);
    cu_slice got;
    cr_assert_eq(
        cu_table_get(cu_space_table(behind, 9), CU_LIT("1"), &got, &err), 0);
    cr_expect(cu_slice_is(got, "new"));
    cu_space_close(behind);
    cu_store_free(store);
    kv->vt->close(kv);
    world_close(&w);
}

Test(generation, sweeping_leaves_the_current_one)
{
    world w;
    bool left = true;
    int rounds = 0;
    world_open(&w, 7);
    for (unsigned g = 0; g < CU_GENERATIONS; g++) {
        cu_space_use(w.space, g);
        for (int i = 0; i < 25; i++) {
            put(&w, 0, i, "x");
            put(&w, 9, i, "y");
            put(&w, 0xFFF9, i, "z");
        }
    }
    cu_space_use(w.space, 1);
    commit(&w, 1);
    cr_expect_eq(rows(&w), 4 * 75);
    for (; left; rounds++) {
        cr_assert_eq(cu_space_sweep(w.space, 50, &left, &err), 0);
        commit(&w, 1);
    }
    cr_expect_eq(rounds, 5);
    cr_expect_eq(rows(&w), 75);
    is(&w, 0, 24, "x");
    is(&w, 9, 0, "y");
    is(&w, 0xFFF9, 3, "z");
    world_close(&w);
}

Test(generation, a_stored_number_says_which)
{
    static const uint16_t numbers[] = {0, 7, 0x3FEF, 0xFFF0, 0xFFF8, 0xFFFD};
    world w;
    world_open(&w, 7);
    for (unsigned g = 0; g < CU_GENERATIONS; g++) {
        cu_space_use(w.space, g);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
            put(&w, numbers[i], (int)g, "x");
    }
    commit(&w, 0);
    cr_expect_eq(rows(&w), 24);
    unsigned generation;
    cr_expect_eq(cu_space_table_of(0x4007, &generation), 7);
    cr_expect_eq(generation, 1);
    cr_expect_eq(cu_space_table_of(0x3FF8, &generation), 0xFFF8);
    cr_expect_eq(generation, 3);
    cr_expect_eq(cu_space_table_of(0xFFF8, &generation), 0xFFF8);
    cr_expect_eq(generation, 0);
    world_close(&w);
}

Test(generation, states_from_before_have_the_first_one)
{
    cu_arena *a = cu_arena_new(0);
    cu_buf bytes = {0};
    cu_progress p = {.plan_hash = 7, .rebuild = {CU_REBUILD_RUNNING, 2, 1, 6}};
    cu_progress got;
    cu_progress_encode(&p, &bytes);
    cr_assert_eq(cu_progress_decode(cu_buf_slice(&bytes), a, &got, &err), 0);
    cr_expect_eq(got.rebuild.phase, CU_REBUILD_RUNNING);
    cr_expect_eq(got.rebuild.generation, 2);
    cr_expect_eq(got.rebuild.shown, 1);
    cr_expect_eq(got.rebuild.used, 6);
    bytes.data[0] = 2; /* the version before, which ended with the marks */
    cr_assert_eq(cu_progress_decode(cu_slice_n(bytes.data, bytes.len - 4), a,
                                    &got, &err),
                 0);
    cr_expect_eq(got.plan_hash, 7);
    cr_expect_eq(got.rebuild.phase, CU_REBUILD_NOT);
    cr_expect_eq(got.rebuild.generation, 0);
    bytes.data[0] = 3;
    bytes.data[bytes.len - 3] = 9; /* no such generation */
    cr_expect_eq(cu_progress_decode(cu_buf_slice(&bytes), a, &got, &err),
                 CU_CORRUPT);
    cu_buf_free(&bytes);
    cu_arena_free(a);
}
