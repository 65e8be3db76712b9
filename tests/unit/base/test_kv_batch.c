#include "base/kv.h"

#include <criterion/criterion.h>

Test(kv_batch, ops_come_back_in_order)
{
    cu_kv_batch a = {0}, b = {0};
    cu_kv_batch_put(&a, CU_LIT("k1"), CU_LIT("v1"));
    cu_kv_batch_del(&b, CU_LIT("k\0"));
    cu_kv_batch_put(&b, CU_LIT(""), CU_LIT(""));
    cu_kv_batch_add(&a, &b);
    cr_assert_eq(a.n_ops, 3);

    size_t at = 0;
    cu_slice key, value;
    cr_assert(cu_kv_batch_next(&a, &at, &key, &value));
    cr_assert(cu_slice_is(key, "k1") && cu_slice_is(value, "v1"));
    cr_assert(cu_kv_batch_next(&a, &at, &key, &value));
    cr_assert(cu_slice_eq(key, CU_LIT("k\0")) && !value.data);
    cr_assert(cu_kv_batch_next(&a, &at, &key, &value));
    cr_assert(key.len == 0 && value.data && value.len == 0);
    cr_assert(!cu_kv_batch_next(&a, &at, &key, &value));

    cu_kv_batch_clear(&a);
    at = 0;
    cr_assert(a.n_ops == 0 && !cu_kv_batch_next(&a, &at, &key, &value));
    cu_kv_batch_free(&a);
    cu_kv_batch_free(&b);
}

Test(kv_batch, damaged_bytes_end_the_visit)
{
    static const char *const forms[] = {"\x07\x01x", "\x01\x05xy", "\x02",
                                        "\x01\x01x\x09y", "\x01\x81"};
    for (size_t i = 0; i < 5; i++) {
        cu_kv_batch b = {0};
        cu_buf_put_str(&b.ops, forms[i]);
        size_t at = 0;
        cu_slice key, value;
        cr_assert(!cu_kv_batch_next(&b, &at, &key, &value), "form %zu", i);
        cr_assert(!cu_kv_batch_next(&b, &at, &key, &value), "form %zu", i);
        cu_kv_batch_free(&b);
    }
}
