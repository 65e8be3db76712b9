/* Helpers that both transports share. */
#include "log/log.h"

#include <criterion/criterion.h>

Test(log, the_last_header_of_a_name_wins)
{
    const cu_header h[] = {{CU_LIT("a"), CU_LIT("1")},
                           {CU_LIT("b"), CU_LIT("2")},
                           {CU_LIT("a"), CU_LIT("3")}};
    cu_record r = {.headers = h, .n_headers = 3};
    cr_assert(cu_slice_is(cu_record_header(&r, "a"), "3"));
    cr_assert(cu_slice_is(cu_record_header(&r, "b"), "2"));
    cr_assert_null(cu_record_header(&r, "c").data);
}

Test(log, a_partition_is_named_by_topic_and_number)
{
    char out[32], small[6];
    cr_assert_str_eq(cu_part_name((cu_part){"orders", 7}, out, sizeof(out)),
                     "orders[7]");
    cr_assert_str_eq(cu_part_name((cu_part){"orders", 7}, small, 6), "order");
}

Test(log, partitions_are_equal_by_name_and_number)
{
    char name[] = "orders";
    cr_assert(cu_part_eq((cu_part){"orders", 1}, (cu_part){name, 1}));
    cr_assert_not(cu_part_eq((cu_part){"orders", 1}, (cu_part){name, 2}));
    cr_assert_not(cu_part_eq((cu_part){"orders", 1}, (cu_part){"order", 1}));
}
