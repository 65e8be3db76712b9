#include "base/bytes.h"

#include "base/alloc.h"

#include <criterion/criterion.h>

Test(hash, murmur2_is_the_java_clients)
{
    static const struct {
        const char *text;
        int32_t hash;
    } known[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < 6; i++) {
        cu_slice s = cu_slice_of(known[i].text);
        cr_assert_eq((int32_t)cu_murmur2(s), known[i].hash, "%s", s.data);
    }
    cr_assert_eq(cu_partition_of(CU_LIT("21"), 12),
                 (int32_t)((uint32_t)-973932308 & 0x7fffffff) % 12);
    cr_assert_eq(cu_murmur2(CU_LIT("")), cu_murmur2(CU_NULL_SLICE));
}

Test(hash, xxh3_is_the_published_one)
{
    cr_assert_eq(cu_hash(CU_LIT("")), 0x2d06800538d394c2u);
    cr_assert_neq(cu_hash(CU_LIT("a")), cu_hash(CU_LIT("b")));
}

Test(utf8, the_valid_prefix_ends_at_the_first_bad_byte)
{
    static const struct {
        const char *text;
        size_t len, valid;
    } cases[] = {
        {"", 0, 0},
        {"plain ascii text", 16, 16},
        {"h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80", 15, 15},
        {"abcdefgh\0ijk", 12, 8},                   /* NUL in the fast path */
        {"abcdefghijk\xff", 12, 11},                /* never a byte of UTF-8 */
        {"a\xc0\x80", 3, 1},                        /* overlong NUL */
        {"a\xc1\xbf", 3, 1},                        /* overlong */
        {"a\xe0\x80\x80", 4, 1},                    /* overlong */
        {"a\xe0\xa0\x80", 4, 4},                    /* U+0800 */
        {"a\xed\x9f\xbf", 4, 4},                    /* U+D7FF */
        {"a\xed\xa0\x80", 4, 1},                    /* surrogate */
        {"\xf0\x8f\xbf\xbf", 4, 0},                 /* overlong */
        {"\xf4\x8f\xbf\xbf", 4, 4},                 /* U+10FFFF */
        {"\xf4\x90\x80\x80", 4, 0},                 /* beyond */
        {"\xf5\x80\x80\x80", 4, 0},                 /* beyond */
        {"ok\xe2\x82", 4, 2},                       /* cut */
        {"ok\x80", 3, 2},                           /* lone continuation */
        {"\xe2\x28\xa1", 3, 0},                     /* bad second byte */
        {"\xf0\x9f\x98\x28", 4, 0},                 /* bad last byte */
        {"\x7f\x01\x1f\x7f\x01\x1f\x7f\x01", 8, 8}, /* controls are fine */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* In memory of its exact size, so that a read past it is seen. */
        char *copy = cu_alloc(cases[i].len);
        memcpy(copy, cases[i].text, cases[i].len);
        cr_assert_eq(cu_utf8_valid_prefix(cu_slice_n(copy, cases[i].len)),
                     cases[i].valid, "case %zu", i);
        cu_free(copy);
    }
    cr_assert_eq(cu_utf8_valid_prefix(CU_NULL_SLICE), 0);
}

Test(names, edit_distance_counts_inserts_deletes_replaces_and_swaps)
{
    cr_assert_eq(cu_edit_distance("", ""), 0);
    cr_assert_eq(cu_edit_distance("abc", ""), 3);
    cr_assert_eq(cu_edit_distance("kitten", "sitting"), 3);
    cr_assert_eq(cu_edit_distance("format", "fromat"), 1);
    cr_assert_eq(cu_edit_distance("topic", "topics"), 1);
    cr_assert_eq(cu_edit_distance("same", "same"), 0);
}
