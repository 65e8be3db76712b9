#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdint.h>

Test(alloc, zero_bytes_can_be_freed)
{
    void *p = cu_alloc(0);
    cr_assert_not_null(p);
    cu_free(p);
    cu_free(NULL);
}

Test(alloc, calloc_zeroes_and_realloc_keeps)
{
    int *p = cu_calloc(3, sizeof(int));
    cr_assert_eq(p[0] | p[1] | p[2], 0);
    p[2] = 7;
    p = cu_realloc(p, 100 * sizeof(int));
    cr_assert_eq(p[2], 7);
    cu_free(p);
    char *s = cu_strdup("abc");
    cr_assert_str_eq(s, "abc");
    cu_free(s);
}

Test(alloc, a_product_that_overflows_ends_the_process, .exit_code = 137)
{
    volatile size_t n = SIZE_MAX / 2;
    cu_calloc(n, 3);
}
