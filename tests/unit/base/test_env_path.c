#include "base/env.h"

#include <criterion/criterion.h>

Test(path, join_dir_and_base)
{
    cu_arena *a = cu_arena_new(0);
    cr_assert_str_eq(cu_path_join(a, "a", "b"), "a/b");
    cr_assert_str_eq(cu_path_join(a, "a/", "b"), "a/b");
    cr_assert_str_eq(cu_path_join(a, "a", "/b"), "/b");
    cr_assert_str_eq(cu_path_join(a, "", "b"), "b");
    cr_assert_str_eq(cu_path_join(a, ".", "b"), "b");
    cr_assert_str_eq(cu_path_dir(a, "a/b/c"), "a/b");
    cr_assert_str_eq(cu_path_dir(a, "a//b"), "a");
    cr_assert_str_eq(cu_path_dir(a, "a"), ".");
    cr_assert_str_eq(cu_path_dir(a, "/a"), "/");
    cr_assert_str_eq(cu_path_base("a/b/c"), "c");
    cr_assert_str_eq(cu_path_base("c"), "c");
    cu_arena_free(a);
}

Test(path, natural_order_counts_numbers)
{
    static const char *const rising[] = {"",
                                         "a",
                                         "a1",
                                         "a01b",
                                         "a1b",
                                         "a2",
                                         "a10",
                                         "a10.csv",
                                         "a10b2",
                                         "a10b11",
                                         "a99999999999999999999",
                                         "a100000000000000000000",
                                         "b",
                                         "events2.csv",
                                         "events10.csv"};
    size_t n = sizeof(rising) / sizeof(rising[0]);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            int order = cu_natural_cmp(rising[i], rising[j]);
            cr_assert_eq((order > 0) - (order < 0), (i > j) - (i < j),
                         "%s and %s", rising[i], rising[j]);
        }
    }
}
