#include "base/arena.h"

#include <criterion/criterion.h>

Test(arena, hands_out_aligned_memory_that_does_not_overlap)
{
    cu_arena *a = cu_arena_new(256);
    char *kept[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = i * 7 % 90;
        kept[i] = cu_arena_alloc(a, size);
        cr_assert_eq((uintptr_t)kept[i] % 16, 0);
        memset(kept[i], (int)i, size);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < i * 7 % 90; j++)
            cr_assert_eq((unsigned char)kept[i][j], i);
    }
    cu_arena_free(a);
}

Test(arena, a_large_request_does_not_waste_the_current_block)
{
    cu_arena *a = cu_arena_new(1024);
    char *first = cu_arena_alloc(a, 16);
    memset(cu_arena_alloc(a, 100000), 1, 100000);
    char *second = cu_arena_alloc(a, 16);
    cr_assert_eq(second - first, 16);
    cu_arena_free(a);
}

Test(arena, reset_forgets_and_settles)
{
    cu_arena *a = cu_arena_new(64);
    char *last = NULL;
    for (int round = 0; round < 3; round++) {
        char *p = cu_arena_alloc(a, 16);
        for (int i = 0; i < 50; i++)
            cu_arena_alloc(a, 48);
        cr_assert_eq(cu_arena_used_bytes(a), 16 + 50 * 48);
        if (round == 2)
            cr_assert_eq(p, last, "the second reset has nothing left to grow");
        last = p;
        cu_arena_reset(a);
        cr_assert_eq(cu_arena_used_bytes(a), 0);
    }
    cu_arena_free(a);
}

Test(arena, copies_and_formats)
{
    cu_arena *a = cu_arena_new(0);
    cr_assert_str_eq(cu_arena_str(a, "abc"), "abc");
    cr_assert_str_eq(cu_arena_strn(a, "abcdef", 2), "ab");
    cr_assert_str_eq(cu_arena_printf(a, "%d-%s", 7, "x"), "7-x");
    cr_assert_null(cu_arena_slice(a, CU_NULL_SLICE).data);
    cu_slice empty = cu_arena_slice(a, CU_LIT(""));
    cr_assert(empty.data && empty.len == 0);
    cr_assert(cu_slice_is(cu_arena_slice(a, CU_LIT("xyz")), "xyz"));
    int *z = cu_arena_calloc(a, 100, sizeof(int));
    for (int i = 0; i < 100; i++)
        cr_assert_eq(z[i], 0);
    cu_arena_free(a);
    cu_arena_free(NULL);
}

Test(arena, an_unused_arena_can_be_reset_and_freed)
{
    cu_arena *a = cu_arena_new(0);
    cu_arena_reset(a);
    cu_arena_free(a);
}
