#include "base/http.h"

#include <criterion/criterion.h>

Test(http_util, headers_are_found_by_lower_case_name)
{
    cu_http_header h[] = {{CU_LIT("etag"), CU_LIT("\"1\"")},
                          {CU_LIT("x"), CU_LIT("")}};
    cu_http_response r = {.headers = h, .n_headers = 2};
    cr_assert(cu_slice_is(cu_http_header_get(&r, "etag"), "\"1\""));
    cu_slice empty = cu_http_header_get(&r, "x");
    cr_assert(empty.data && empty.len == 0);
    cr_assert_null(cu_http_header_get(&r, "none").data);
}

Test(http_util, urls_keep_unreserved_characters_only)
{
    cu_buf b = {0};
    cu_url_encode(&b, CU_LIT("aZ09-._~ /?&=%\xc3\xa9\n"));
    cr_assert(
        cu_slice_is(cu_buf_slice(&b), "aZ09-._~%20%2F%3F%26%3D%25%C3%A9%0A"));
    cu_buf_free(&b);
}

Test(http_util, retry_after_takes_seconds_and_three_kinds_of_date)
{
    /* Sun, 06 Nov 1994 08:49:37 GMT is 784111777. */
    const int64_t now = INT64_C(784111777) * 1000000;
    static const struct {
        const char *value;
        int64_t back_s; /* how long before the date we ask */
        int64_t ms;
    } cases[] = {
        {"120", 0, 120000},
        {" 7 ", 0, 7000},
        {"0", 0, 1000},
        {"3599", 0, 3599000},
        {"3601", 0, 3600000},
        {"99999999999999999999999999", 0, 3600000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 90, 90000},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 90, 90000},
        {"Sun Nov  6 08:49:37 1994", 90, 90000},
        {"Sun Nov 16 08:49:37 1994", 0, 3600000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", -90, 1000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 90000, 3600000},
        {"Thu, 29 Feb 2024 00:00:00 GMT", 0, 3600000},
        {"", 0, -1},
        {"soon", 0, -1},
        {"-5", 0, -1},
        {"1.5", 0, -1},
        {"12 s", 0, -1},
        {"Sun, 06 Nov 1994 08:49:37", 0, -1},
        {"Sun, 06 Foo 1994 08:49:37 GMT", 0, -1},
        {"Sun, 66 Nov 1994 08:49:37 GMT", 0, -1},
        {"Sun, 06 Nov 1994 28:49:37 GMT", 0, -1},
        {"Sun, 06 Nov", 0, -1},
        {"Sun", 0, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = cu_retry_after_ms(cu_slice_of(cases[i].value),
                                       now - cases[i].back_s * 1000000);
        cr_assert_eq(ms, cases[i].ms, "case %zu %s: %lld", i, cases[i].value,
                     (long long)ms);
    }
    cr_assert_eq(cu_retry_after_ms(CU_NULL_SLICE, now), -1);
    /* 29 Feb 2024 is 1709164800. */
    cr_assert_eq(cu_retry_after_ms(CU_LIT("Thu, 29 Feb 2024 00:00:10 GMT"),
                                   INT64_C(1709164800) * 1000000),
                 10000);
    /* Two digits mean the nearest such year. */
    cr_assert_eq(cu_retry_after_ms(CU_LIT("Thursday, 29-Feb-24 00:00:10 GMT"),
                                   INT64_C(1709164800) * 1000000),
                 10000);
    cr_assert_eq(cu_retry_after_ms(CU_LIT("Sunday, 06-Nov-94 08:49:37 GMT"),
                                   INT64_C(1709164800) * 1000000),
                 1000, "1994, not 2094");
}
