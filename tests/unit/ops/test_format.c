#include "ops/format.h"

#include <criterion/criterion.h>

static const cu_header headers[] = {{CU_LIT("a"), CU_LIT("1")},
                                    {CU_LIT("b"), {NULL, 0}}};
static const cu_record record = {.part = {"orders", 3},
                                 .offset = 42,
                                 .timestamp_ms = 1700000000123,
                                 .key = CU_LIT("k"),
                                 .value = CU_LIT("value"),
                                 .headers = headers,
                                 .n_headers = 2};

static void gives(const char *format, const cu_record *r, const char *want)
{
    cu_buf b = {0};
    cu_err err = {0};
    cr_expect_eq(cu_format_check(format, &err), 0, "%s: %s", format, err.msg);
    cu_format_record(format, r, &b);
    cu_buf_put_u8(&b, 0);
    cr_expect_str_eq(b.data, want);
    cu_buf_free(&b);
}

Test(format, every_word_of_kcat)
{
    gives("%t %p %o %k %K %s %S %T %h%%", &record,
          "orders 3 42 k 1 value 5 1700000000123 a=1,b=NULL%");
}

Test(format, an_absent_value_has_length_minus_one)
{
    cu_record r = record;
    r.key = r.value = CU_NULL_SLICE;
    r.n_headers = 0;
    gives("[%k|%K|%s|%S|%h]", &r, "[|-1||-1|]");
    r.value = CU_LIT("");
    gives("%S", &r, "0");
}

Test(format, escapes)
{
    gives("a\\tb\\n\\\\\\x41\\x4g", &record, "a\tb\n\\A\x04g");
}

Test(format, bytes_go_through_as_they_are)
{
    cu_record r = record;
    cu_buf b = {0};
    r.value = cu_slice_n("\0\xff", 2);
    cu_format_record("%s", &r, &b);
    cr_expect_eq(b.len, 2);
    cr_expect_eq(memcmp(b.data, "\0\xff", 2), 0);
    cu_buf_free(&b);
}

Test(format, unknown_words_are_named)
{
    static const struct {
        const char *format, *word;
    } cases[] = {{"%q", "\"%q\""},
                 {"x%", "\"%\""},
                 {"\\q", "\"\\q\""},
                 {"\\x", "\"\\x\""},
                 {"\\", "\"\\\""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cu_err err = {0};
        cr_expect_eq(cu_format_check(cases[i].format, &err), CU_USAGE);
        cr_expect(strstr(err.msg, cases[i].word), "%s", err.msg);
    }
}
