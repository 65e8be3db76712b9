#include "ops/topics.h"
#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

static void escaped(cu_slice s, const char *want)
{
    cu_buf b = {0};
    cu_put_escaped(s, &b);
    cu_buf_put_u8(&b, 0);
    cr_expect_str_eq(b.data, want);
    cu_buf_free(&b);
}

static void as_json(cu_slice s, const char *want)
{
    cu_buf b = {0};
    cu_put_json_bytes(s, &b);
    cu_buf_put_u8(&b, 0);
    cr_expect_str_eq(b.data, want);
    cu_buf_free(&b);
}

Test(records, bytes_for_people_cannot_move_the_cursor)
{
    escaped(CU_LIT("Blåbær"), "Blåbær");
    escaped(CU_LIT("a\033[2Jb\n\t\\"), "a\\x1b[2Jb\\x0a\\x09\\\\");
    escaped(cu_slice_n("\xff\x00z\xc3", 4), "\\xff\\x00z\\xc3");
    escaped(CU_NULL_SLICE, "null");
    escaped(CU_LIT(""), "");
}

Test(records, bytes_for_programs_are_one_json_value)
{
    as_json(CU_LIT(" {\"a\": 1} "), "{\"a\": 1}");
    as_json(CU_LIT("{\"a\":\n1}"), "{\"a\": 1}");
    as_json(CU_LIT("plain text"), "\"plain text\"");
    as_json(CU_LIT(""), "\"\"");
    as_json(cu_slice_n("\xff\x00", 2), "\"\\\\xff00\"");
    as_json(CU_NULL_SLICE, "null");
}

Test(records, a_letter_shows_why_and_the_bytes)
{
    const cu_header headers[] = {
        {CU_LIT("cupel.file"), CU_LIT("a.csv")},
        {CU_LIT("__streams.errors.topic"), CU_LIT("orders")},
        {CU_LIT("__streams.errors.partition"), CU_LIT("2")},
        {CU_LIT("__streams.errors.offset"), CU_LIT("17")},
        {CU_LIT("cupel.error.code"), CU_LIT("22P02")},
        {CU_LIT("cupel.error.message"), CU_LIT("no integer")},
        {CU_LIT("cupel.error.all"), CU_LIT("id: no integer\nn: null")},
    };
    cu_record r = {.part = {"shop.dlq", 0},
                   .offset = 4,
                   .timestamp_ms = 1704067200000,
                   .value = cu_slice_n("x\xff", 2),
                   .headers = headers,
                   .n_headers = 7};
    cu_buf b = {0};
    cu_letter_text(&r, 3, &b);
    cu_buf_put_u8(&b, 0);
    cr_expect_str_eq(b.data, "letter    3, shop.dlq[0] offset 4, "
                             "2024-01-01T00:00:00Z\n"
                             "code      22P02\n"
                             "message   no integer\n"
                             "fault     id: no integer\n"
                             "fault     n: null\n"
                             "from      orders[2] offset 17\n"
                             "header    cupel.file=a.csv\n"
                             "key       null\n"
                             "value     x\\xff\n");
    cu_buf_free(&b);
}
