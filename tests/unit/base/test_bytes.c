#include "base/bytes.h"

#include "base/alloc.h"

#include <criterion/criterion.h>

Test(slice, absent_is_not_empty)
{
    cr_assert(!cu_slice_eq(CU_NULL_SLICE, CU_LIT("")));
    cr_assert(cu_slice_eq(CU_NULL_SLICE, CU_NULL_SLICE));
    cr_assert(cu_slice_eq(CU_LIT(""), CU_LIT("")));
    cr_assert(cu_slice_is(CU_LIT("ab"), "ab"));
    cr_assert(!cu_slice_is(CU_LIT("ab"), "abc"));
}

Test(slice, order_is_bytes_then_length)
{
    cr_assert_lt(cu_slice_cmp(CU_LIT("a"), CU_LIT("ab")), 0);
    cr_assert_gt(cu_slice_cmp(CU_LIT("b"), CU_LIT("ab")), 0);
    cr_assert_gt(cu_slice_cmp(CU_LIT("\xff"), CU_LIT("\x01")), 0);
    cr_assert_eq(cu_slice_cmp(CU_LIT("a\0b"), CU_LIT("a\0b")), 0);
}

Test(buf, numbers_come_back_from_a_scan)
{
    cu_buf b = {0};
    cu_buf_put_u8(&b, 0xfe);
    cu_buf_put_u16le(&b, 0x1234);
    cu_buf_put_u32le(&b, 0x12345678);
    cu_buf_put_u64le(&b, 0x123456789abcdef0u);
    cu_buf_put_u16be(&b, 0x1234);
    cu_buf_put_u32be(&b, 0x12345678);
    cu_buf_put_u64be(&b, 0x123456789abcdef0u);
    cr_assert(cu_slice_eq(cu_slice_n(b.data, 7),
                          CU_LIT("\xfe\x34\x12\x78\x56\x34\x12")));
    cr_assert(cu_slice_eq(cu_slice_n(b.data + 15, 6),
                          CU_LIT("\x12\x34\x12\x34\x56\x78")));

    cu_scan s = cu_scan_of(cu_buf_slice(&b));
    cr_assert_eq(cu_scan_u8(&s), 0xfe);
    cr_assert_eq(cu_scan_u16le(&s), 0x1234);
    cr_assert_eq(cu_scan_u32le(&s), 0x12345678);
    cr_assert_eq(cu_scan_u64le(&s), 0x123456789abcdef0u);
    cr_assert_eq(cu_scan_u16be(&s), 0x1234);
    cr_assert_eq(cu_scan_u32be(&s), 0x12345678);
    cr_assert_eq(cu_scan_u64be(&s), 0x123456789abcdef0u);
    cr_assert(!s.bad && cu_scan_left(&s) == 0);
    cr_assert_eq(cu_scan_u8(&s), 0);
    cr_assert(s.bad);
    cu_buf_free(&b);
}

Test(buf, varints_keep_every_edge)
{
    static const uint64_t values[] = {
        0,         1, 127, 128, 16383, 16384, UINT32_MAX, (uint64_t)1 << 63,
        UINT64_MAX};
    cu_buf b = {0};
    for (size_t i = 0; i < 9; i++) {
        cu_buf_put_varint(&b, values[i]);
        cu_buf_put_svarint(&b, (int64_t)values[i]);
        cu_buf_put_svarint(&b, -(int64_t)(values[i] / 2));
    }
    cu_buf_put_svarint(&b, INT64_MIN);
    cu_scan s = cu_scan_of(cu_buf_slice(&b));
    for (size_t i = 0; i < 9; i++) {
        cr_assert_eq(cu_scan_varint(&s), values[i]);
        cr_assert_eq(cu_scan_svarint(&s), (int64_t)values[i]);
        cr_assert_eq(cu_scan_svarint(&s), -(int64_t)(values[i] / 2));
    }
    cr_assert_eq(cu_scan_svarint(&s), INT64_MIN);
    cr_assert(!s.bad && cu_scan_left(&s) == 0);
    cu_buf_clear(&b);
    cu_buf_put_svarint(&b, -1);
    cr_assert(cu_slice_eq(cu_buf_slice(&b), CU_LIT("\x01")));
    cu_buf_free(&b);
}

Test(scan, malformed_varints_are_bad_and_end_the_scan)
{
    static const char *const forms[] = {
        "\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01"};
    for (size_t i = 0; i < 3; i++) {
        cu_scan s = cu_scan_of(cu_slice_of(forms[i]));
        cr_assert_eq(cu_scan_varint(&s), 0);
        cr_assert(s.bad && cu_scan_left(&s) == 0, "form %zu", i);
    }
}

Test(scan, length_prefixed_slices_tell_absent_from_empty)
{
    cu_buf b = {0};
    cu_buf_put_lslice(&b, CU_NULL_SLICE);
    cu_buf_put_lslice(&b, CU_LIT(""));
    cu_buf_put_lslice(&b, CU_LIT("a\0b"));
    cu_scan s = cu_scan_of(cu_buf_slice(&b));
    cr_assert_null(cu_scan_lslice(&s).data);
    cu_slice empty = cu_scan_lslice(&s);
    cr_assert(empty.data && empty.len == 0);
    cr_assert(cu_slice_eq(cu_scan_lslice(&s), CU_LIT("a\0b")));
    cr_assert(!s.bad);

    /* Says four bytes, has three. */
    s = cu_scan_of(CU_LIT("\x05"
                          "abc"));
    cr_assert_eq(cu_scan_lslice(&s).len, 0);
    cr_assert(s.bad);
    s = cu_scan_of(CU_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    cu_scan_lslice(&s);
    cr_assert(s.bad);
    cu_buf_free(&b);
}

Test(scan, an_absent_slice_is_empty_input)
{
    cu_scan s = cu_scan_of(CU_NULL_SLICE);
    cr_assert_eq(cu_scan_left(&s), 0);
    cr_assert_eq(cu_scan_bytes(&s, 0).len, 0);
    cr_assert(!s.bad);
}

Test(buf, printf_grows)
{
    cu_buf b = {0};
    char wide[300];
    memset(wide, 'x', sizeof(wide) - 1);
    wide[299] = 0;
    cu_buf_printf(&b, "%d,", 5);
    cu_buf_printf(&b, "%s", wide);
    cu_buf_put_str(&b, "!");
    cr_assert_eq(b.len, 2 + 299 + 1);
    cr_assert_eq(memcmp(b.data, "5,xxx", 5), 0);
    cr_assert_eq(b.data[b.len - 1], '!');
    cu_buf_free(&b);
    cr_assert(cu_buf_slice(&b).data && cu_buf_slice(&b).len == 0);
}
