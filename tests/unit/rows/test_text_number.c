/* Text forms of numbers, booleans, uuids, bytea and text. The expected
 * column is what PostgreSQL 15 says. */
#include "rows/text.h"
#include "tests/unit/rows/help.h"

#include <criterion/criterion.h>
#include <math.h>

Test(text, integers_have_blanks_signs_and_limits)
{
    static const struct form forms[] = {
        {"int", " 7 ", "7"},
        {"int", "+5", "5"},
        {"int", "-0", "0"},
        {"int2", "-32768", "-32768"},
        {"int2", "32768",
         "22003: value \"32768\" is out of range for type smallint"},
        {"int", "-2147483648", "-2147483648"},
        {"int", "2147483648",
         "22003: value \"2147483648\" is out of range for type integer"},
        {"int8", "9223372036854775807", "9223372036854775807"},
        {"int8", "-9223372036854775808", "-9223372036854775808"},
        {"int8", "9223372036854775808",
         "22003: value \"9223372036854775808\" is out of range for type "
         "bigint"},
        {"int8", "000000000000000000000000000012", "12"},
        {"int8", "123456789012345678", "123456789012345678"},
        {"int", "", "22P02: invalid input syntax for type integer: \"\""},
        {"int8", "-", "22P02: invalid input syntax for type bigint: \"-\""},
        {"int", "1.5", "22P02: invalid input syntax for type integer: \"1.5\""},
        {"int", "- 5", "22P02"},
        {"int", "1 2", "22P02"},
        {"int", "99999999999abc", "22003"},
        {"int", "0x10", "22P02"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(text, booleans_take_unique_beginnings)
{
    static const struct form forms[] = {
        {"bool", " TRUE ", "t"},
        {"bool", "tr", "t"},
        {"bool", "y", "t"},
        {"bool", "on", "t"},
        {"bool", "1", "t"},
        {"bool", "f", "f"},
        {"bool", "No", "f"},
        {"bool", "of", "f"},
        {"bool", "0", "f"},
        {"bool", "o", "22P02: invalid input syntax for type boolean: \"o\""},
        {"bool", "", "22P02"},
        {"bool", "2", "22P02"},
        {"bool", "truee", "22P02"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(text, floats_print_the_shortest_digits_in_postgresqls_layout)
{
    static const struct form forms[] = {
        {"float8", "0.1", "0.1"},
        {"float8", "-0", "-0"},
        {"float8", "100000", "100000"},
        {"float8", "123456789012345", "123456789012345"},
        {"float8", "1234567890123456", "1.234567890123456e+15"},
        {"float8", "1e15", "1e+15"},
        {"float8", "0.0001", "0.0001"},
        {"float8", "0.00001", "1e-05"},
        {"float8", "1e23", "9.999999999999999e+22"},
        {"float8", "9007199254740993", "9.007199254740992e+15"},
        {"float8", "4.9e-324", "5e-324"},
        {"float8", "2.2250738585072014e-308", "2.2250738585072014e-308"},
        {"float8", "1.7976931348623157e308", "1.7976931348623157e+308"},
        {"float8", "0.30000000000000004", "0.30000000000000004"},
        {"float8", "5.684341886080802e-14", "5.684341886080802e-14"},
        {"float8", " .5 ", "0.5"},
        {"float8", "5.", "5"},
        {"float8", "0x10", "16"},
        {"float8", "inf", "Infinity"},
        {"float8", "-Infinity", "-Infinity"},
        {"float8", "nan", "NaN"},
        {"float8", "1e400",
         "22003: \"1e400\" is out of range for type double precision"},
        {"float8", "1e-400", "22003"},
        {"float8", "", "22P02: invalid input syntax for type double precision"},
        {"float8", "1e", "22P02"},
        {"float8", "abc", "22P02"},
        {"float8", "1_0", "22P02"},
        {"float4", "0.1", "0.1"},
        {"float4", "999999.5", "999999.5"},
        {"float4", "1000000", "1e+06"},
        {"float4", "16777217", "1.6777216e+07"},
        {"float4", "3.4028235e38", "3.4028235e+38"},
        {"float4", "1e39", "22003: \"1e39\" is out of range for type real"},
        {"float4", "1e-45", "1e-45"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(text, every_float_reads_back_as_itself)
{
    struct noise noise = {41};
    cu_buf out = {0};
    cu_err err = {0};
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = noise_next(&noise);
        uint32_t half = (uint32_t)noise_next(&noise);
        double d, back;
        float f, fback;
        memcpy(&d, &bits, 8);
        memcpy(&f, &half, 4);
        if (i % 2) /* a price */
            d = (double)(int64_t)(bits % 100000000) / 100;
        if (isnan(d) || isnan(f))
            continue;
        cu_buf_clear(&out);
        cu_float8_out(d, &out);
        cr_assert_eq(cu_float8_in(cu_buf_slice(&out), &back, &err), 0);
        cr_assert_eq(memcmp(&d, &back, 8), 0, "%.17g", d);
        cu_buf_clear(&out);
        cu_float4_out(f, &out);
        cr_assert_eq(cu_float4_in(cu_buf_slice(&out), &fback, &err), 0);
        cr_assert_eq(memcmp(&f, &fback, 4), 0, "%.9g", (double)f);
    }
    cu_buf_free(&out);
}

Test(text, uuids_bytea_and_text)
{
    static const struct form forms[] = {
        {"uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
        {"uuid", "{a0eebc999c0b4ef8bb6d6bb9bd380a11}",
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
        {"uuid", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
        {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
         "22P02: invalid input syntax for type uuid"},
        {"uuid", "{a0eebc999c0b4ef8bb6d6bb9bd380a11", "22P02"},
        {"uuid", "a-0eebc999c0b4ef8bb6d6bb9bd380a11", "22P02"},
        {"bytea", "\\x61 62", "\\x6162"},
        {"bytea", "\\x", "\\x"},
        {"bytea", "a\\\\b\\101", "\\x615c6241"},
        {"bytea", "\\x6", "22023: invalid hexadecimal data: odd number"},
        {"bytea", "\\x6g", "22023: invalid hexadecimal digit: \"g\""},
        {"bytea", "a\\b", "22P02: invalid input syntax for type bytea"},
        {"bytea", "\\400", "22P02"},
        {"text", " kept ", " kept "},
        {"varchar(3)", "\xc3\xa6\xc3\xb8\xc3\xa5", "\xc3\xa6\xc3\xb8\xc3\xa5"},
        {"varchar(3)", "abc   ", "abc"},
        {"varchar(3)", "abcd",
         "22001: value too long for type character varying(3)"},
        {"text", "\xff", "22021: invalid byte sequence for encoding \"UTF8\""},
        {"text", "a\xc3", "22021"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(text, a_long_wrong_value_is_shown_in_part_and_in_whole_characters)
{
    char long_text[1001];
    for (int i = 0; i < 1000; i += 2)
        memcpy(long_text + i, "\xc3\xa6", 2);
    long_text[1000] = 0;
    cu_err err = {0};
    int32_t v;
    cr_expect_eq(cu_int4_in(CU_LIT("x"), &v, &err), CU_DATA);
    cr_expect_eq(cu_int4_in(cu_slice_of(long_text), &v, &err), CU_DATA);
    size_t n = strlen(err.msg);
    cr_expect(n > 100 && n < 300);
    cr_expect_eq(cu_utf8_valid_prefix(cu_slice_n(err.msg, n)), n);
    cr_expect_eq(cu_int4_in(CU_LIT("x"), &v, NULL), CU_DATA, "no err is fine");
}
