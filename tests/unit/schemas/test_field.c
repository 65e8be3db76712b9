/* Texts into columns of every type, by JSON and CSV alike; encodings; the
 * short cuts agree with the input functions. */
#include "base/env.h"
#include "rows/json.h"
#include "rows/numeric.h"
#include "rows/text.h"
#include "schemas/fast.h"
#include "tests/unit/schemas/decode.h"

/* One column `c` of the type. */
static void check(const char *type, cu_encoding encoding,
                  const char *const cases[][2], size_t n)
{
    char columns[80] = "c:";
    strncat(columns, type, 70);
    table *json = table_new(columns), *csv = table_new(columns);
    csv->spec.format = CU_FORMAT_CSV;
    csv->spec.csv_by_position = true;
    json->cols[0].encoding = csv->cols[0].encoding = encoding;
    for (size_t i = 0; i < n; i++) {
        cu_buf b = {0};
        cu_buf_put_str(&b, "{\"c\":");
        cu_json_put_string(&b, cu_slice_of(cases[i][0]));
        cu_buf_put_str(&b, "}");
        cu_buf_put_u8(&b, 0);
        expect(json, b.data, cases[i][1]);
        cu_buf_clear(&b);
        cu_buf_put_u8(&b, '"');
        for (const char *p = cases[i][0]; *p; p++)
            cu_buf_put(&b, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
        cu_buf_put_u8(&b, '"');
        cu_buf_put_u8(&b, 0);
        expect(csv, b.data, cases[i][1]);
        cu_buf_free(&b);
    }
    table_free(json);
    table_free(csv);
}
#define CHECK(type, encoding, ...)                                         \
    do {                                                                   \
        static const char *const cases_[][2] = {__VA_ARGS__};              \
        check(type, encoding, cases_, sizeof(cases_) / sizeof(cases_[0])); \
    } while (0)

Test(field, integers)
{
    CHECK("smallint", CU_ENC_TEXT, {"32767", "+1 | 32767\n"},
          {"-32768", "+1 | -32768\n"}, {"007", "+1 | 7\n"}, {"+5", "+1 | 5\n"},
          {"32768",
           "! 22003 c: value \"32768\" is out of range for type smallint\n"},
          {"", "! 22P02 c: invalid input syntax for type smallint: \"\"\n"});
    CHECK("bigint", CU_ENC_TEXT,
          {"9223372036854775807", "+1 | 9223372036854775807\n"},
          {"-9223372036854775808", "+1 | -9223372036854775808\n"},
          {"123456789012345678", "+1 | 123456789012345678\n"},
          {"9223372036854775808", "! 22003 c: value \"9223372036854775808\" is "
                                  "out of range for type bigint\n"});
}

#define OVER(of)                                                    \
    "! 22003 c: numeric field overflow: a field with precision " of \
    " must round to an absolute value less than 10^3\n"

Test(field, numerics_keep_their_digits_and_their_precision)
{
    CHECK("numeric", CU_ENC_TEXT, {"1.50", "+1 | 1.50\n"},
          {"-0.0", "+1 | 0.0\n"},
          {"12345678901234567890.123456789",
           "+1 | 12345678901234567890.123456789\n"},
          {"1e-3", "+1 | 0.001\n"},
          {"9999999999999999999", "+1 | 9999999999999999999\n"},
          {".5", "+1 | 0.5\n"}, {"5.", "+1 | 5\n"},
          {"x", "! 22P02 c: invalid input syntax for type numeric: \"x\"\n"});
    CHECK("numeric(5,2)", CU_ENC_TEXT, {"1", "+1 | 1.00\n"},
          {"-999.99", "+1 | -999.99\n"}, {"1.005", "+1 | 1.01\n"},
          {"0001.5", "+1 | 1.50\n"}, {"1000", OVER("5, scale 2")},
          {"999.995", OVER("5, scale 2")});
    CHECK("numeric(3)", CU_ENC_TEXT, {"999", "+1 | 999\n"},
          {"1000", OVER("3, scale 0")});
    CHECK("numeric(12,2)", CU_ENC_TEXT, {"999999999.9", "+1 | 999999999.90\n"},
          {"9999999999.99", "+1 | 9999999999.99\n"},
          {"-9999999999", "+1 | -9999999999.00\n"});
    CHECK("numeric(36,30)", CU_ENC_TEXT,
          {"999999.5", "+1 | 999999.500000000000000000000000000000\n"},
          {"1", "+1 | 1.000000000000000000000000000000\n"});
    CHECK("numeric(36,0)", CU_ENC_TEXT,
          {"-999999999999999999", "+1 | -999999999999999999\n"});
}

Test(field, doubles_are_those_of_the_input_function)
{
    static const char *const texts[] = {
        "0.1",
        "613.4245936603365",
        "330.524118447188",
        "9007199254740993",
        "1e22",
        "123456789012345678",
        "0.000001",
        "-0",
        "1.7976931348623157e308",
        "4.9e-324",
        "3.14159265358979",
        "0.30000000000000004",
        "100",
        "-5.5",
    };
    table *t = table_new("c:float8");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        double want = 0;
        cr_assert_eq(cu_float8_in(cu_slice_of(texts[i]), &want, NULL), 0);
        table_say(t, cu_arena_printf(t->a, "{\"c\":%s}", texts[i]));
        cr_assert_eq(t->batch->n_rows, 1);
        double got = CU_COL(&t->batch->cols[0], double)[0];
        cr_expect(memcmp(&got, &want, 8) == 0, "%s", texts[i]);
    }
    table_free(t);
}

Test(field, lengths_of_varchar_are_checked)
{
    CHECK(
        "varchar(3)", CU_ENC_TEXT, {"abc", "+1 | abc\n"},
        {"abcd", "! 22001 c: value too long for type character varying(3)\n"});
}

Test(field, times_in_all_three_forms_of_the_seeds)
{
    CHECK(
        "timestamptz", CU_ENC_TEXT,
        {"2016-07-28T04:19:28.000Z", "+1 | '2016-07-28 04:19:28+00'\n"},
        {"2021-12-06T19:30:19.099+0100", "+1 | '2021-12-06 18:30:19.099+00'\n"},
        {"2019-05-13 14:23:41", "+1 | '2019-05-13 14:23:41+00'\n"},
        {"2019-05-13 14:23", "+1 | '2019-05-13 14:23:00+00'\n"},
        {"2019-05-13T14:23:41.123456-03:30",
         "+1 | '2019-05-13 17:53:41.123456+00'\n"},
        {"2019-05-13 14:23:41.1234567",
         "+1 | '2019-05-13 14:23:41.123457+00'\n"},
        {"2019-05-13 24:00:00", "+1 | '2019-05-14 00:00:00+00'\n"},
        {"2019-05-13 14:23:60", "+1 | '2019-05-13 14:24:00+00'\n"},
        {"infinity", "+1 | infinity\n"},
        {"2019-02-29 00:00:00",
         "! 22008 c: date/time field value out of range: \"2019-02-29 "
         "00:00:00\"\n"},
        {"2020-02-29 00:00:00Z", "+1 | '2020-02-29 00:00:00+00'\n"});
    CHECK(
        "timestamp", CU_ENC_TEXT,
        {"2021-12-06T19:30:19.099+0100", "+1 | '2021-12-06 19:30:19.099'\n"},
        {"0001-01-01 00:00:00", "+1 | '0001-01-01 00:00:00'\n"},
        {"1999-12-31 23:59:59.999999", "+1 | '1999-12-31 23:59:59.999999'\n"});
    CHECK("timestamp(0)", CU_ENC_TEXT,
          {"2021-12-06T19:30:19.6", "+1 | '2021-12-06 19:30:20'\n"});
    CHECK("date", CU_ENC_TEXT, {"2023-07-22", "+1 | 2023-07-22\n"},
          {"2024-02-29", "+1 | 2024-02-29\n"},
          {"0004-02-29", "+1 | 0004-02-29\n"},
          {"1900-02-28", "+1 | 1900-02-28\n"},
          {"1900-02-29",
           "! 22008 c: date/time field value out of range: \"1900-02-29\"\n"});
}

Test(field, words_that_ask_the_clock_are_refused)
{
    table *t = table_new("c:timestamptz d:date");
    table_say(t, "{\"c\":\"now\",\"d\":\"today\"}");
    cr_expect_eq(t->faults.n, 2);
    table_free(t);
}

Test(field, times_without_offset_are_in_the_columns_zone)
{
    cu_env *env = cu_env_sim(1);
    table *t = table_new("c:timestamptz");
    const cu_zone *zone;
    cr_assert_eq(cu_zone_open(env, CU_LIT("+02"), &zone, &t->err), 0);
    table_col(t, "c")->zone = zone;
    table_say(t, "{\"c\":\"2024-01-01 12:00:00\"}");
    cr_assert_eq(t->batch->n_rows, 1);
    int64_t want;
    cu_timestamptz_in(CU_LIT("2024-01-01 12:00:00"), zone, &want, NULL);
    cr_expect_eq(CU_COL(&t->batch->cols[0], int64_t)[0], want);
    expect(t, "{\"c\":\"2024-01-01 12:00:00Z\"}",
           "+1 | '2024-01-01 12:00:00+00'\n");
    table_free(t);
    env->vt->close(env);
}

Test(field, epochs)
{
    CHECK("timestamptz", CU_ENC_EPOCH_SECONDS,
          {"1469501107", "+1 | '2016-07-26 02:45:07+00'\n"},
          {"1469501107.5", "+1 | '2016-07-26 02:45:07.5+00'\n"},
          {"0", "+1 | '1970-01-01 00:00:00+00'\n"},
          {"-1", "+1 | '1969-12-31 23:59:59+00'\n"},
          {"1e9", "+1 | '2001-09-09 01:46:40+00'\n"},
          {"99999999999999999",
           "! 22008 c: timestamp with time zone out of range\n"},
          {"NaN", "! 22008 c: timestamp with time zone out of range\n"},
          {"1e400", "! 22008 c: timestamp with time zone out of range\n"},
          {"x", "! 22P02 c: invalid input syntax for type numeric: \"x\"\n"});
    CHECK("timestamp", CU_ENC_EPOCH_MILLIS,
          {"1700000000123", "+1 | '2023-11-14 22:13:20.123'\n"});
    CHECK("timestamptz", CU_ENC_EPOCH_MICROS,
          {"1700000000123456", "+1 | '2023-11-14 22:13:20.123456+00'\n"});
    CHECK("timestamptz(0)", CU_ENC_EPOCH_MILLIS,
          {"1500", "+1 | '1970-01-01 00:00:01+00'\n"},
          {"946684801500", "+1 | '2000-01-01 00:00:02+00'\n"},
          {"946684801499", "+1 | '2000-01-01 00:00:01+00'\n"});
    CHECK("date", CU_ENC_EPOCH_SECONDS, {"86399", "+1 | 1970-01-01\n"},
          {"-1", "+1 | 1969-12-31\n"}, {"86400", "+1 | 1970-01-02\n"});
}

Test(field, base64_and_hex)
{
    CHECK(
        "bytea", CU_ENC_BASE64, {"QQ==", "+1 | \\x41\n"},
        {"QUI=", "+1 | \\x4142\n"}, {"QUJD", "+1 | \\x414243\n"},
        {"", "+1 | \\x\n"}, {"QU JD\n", "+1 | \\x414243\n"},
        {"/+8=", "+1 | \\xffef\n"},
        {"QQ", "! 22023 c: invalid base64 end sequence\n"},
        {"Q===", "! 22023 c: invalid symbol \"=\" found while decoding base64 "
                 "sequence\n"},
        {"QQ==QQ==", "! 22023 c: invalid symbol \"Q\" found while decoding "
                     "base64 sequence\n"},
        {"Q!==", "! 22023 c: invalid symbol \"!\" found while decoding base64 "
                 "sequence\n"});
    CHECK(
        "bytea", CU_ENC_HEX, {"00fF10", "+1 | \\x00ff10\n"}, {"", "+1 | \\x\n"},
        {"0g", "! 22023 c: invalid hexadecimal digit: \"g\"\n"},
        {"012", "! 22023 c: invalid hexadecimal data: odd number of digits\n"});
    CHECK("bytea", CU_ENC_TEXT, {"\\x4142", "+1 | \\x4142\n"},
          {"ab", "+1 | \\x6162\n"});
}

Test(field, an_encoding_that_does_not_fit_its_type_is_refused_at_open)
{
    table *t = table_new("c:int");
    table_col(t, "c")->encoding = CU_ENC_EPOCH_MILLIS;
    expect_text(table_open(t), "column \"c\": an epoch encoding needs a "
                               "timestamp or date column, not integer");
    table_col(t, "c")->encoding = CU_ENC_HEX;
    expect_text(table_open(t), "column \"c\": encodings base64 and hex need a "
                               "bytea column, not integer");
    table_free(t);
}

Test(field, jsonb_from_text_is_checked)
{
    table *t = table_new("c:jsonb");
    t->spec.format = CU_FORMAT_CSV;
    t->spec.csv_by_position = true;
    expect(t, "\"{\"\"a\"\": 1}\"", "+1 | '{\"a\": 1}'\n");
    table_say(t, "{");
    cr_expect_eq(t->faults.n, 1);
    cr_expect_str_eq(t->faults.items[0].column, "c");
    table_free(t);
}

/* What the short cuts accept, the input functions read the same way. */
Test(field, short_cuts_agree_with_the_input_functions)
{
    static const char *const seeds[] = {"2024-02-29T23:59:59.123456+05:30",
                                        "1999-12-31 00:00Z", "12345.678",
                                        "-0.00", "2000-01-01"};
    cu_arena *a = cu_arena_new(0);
    dice d = {42};
    unsigned taken = 0;
    for (int i = 0; i < 20000; i++) {
        cu_buf b = {0};
        cu_buf_put_str(&b, seeds[roll(&d, 5)]);
        for (uint32_t k = roll(&d, 3); k; k--)
            if (b.len && roll(&d, 2))
                b.data[roll(&d, (uint32_t)b.len)] =
                    "0123456789.-+:TZ "[roll(&d, 17)];
            else
                mutate(&d, &b, "0123456789.-+:TZ ");
        cu_slice s = cu_buf_slice(&b);
        int64_t us, mantissa, want8 = 0;
        int32_t days, want4 = 0, offset = 0;
        unsigned scale;
        bool flag;
        double f, wantf = 0;
        cu_numeric n;
        if (cu_fast_timestamp(s, &us, &flag, &offset)) {
            taken++;
            cr_expect_eq(cu_timestamptz_in(s, NULL, &want8, NULL), 0, "%.*s",
                         (int)s.len, s.data);
            cr_expect_eq(us - (flag ? offset * INT64_C(1000000) : 0), want8);
        }
        if (cu_fast_date(s, &days)) {
            taken++;
            cr_expect_eq(cu_date_in(s, &want4, NULL), 0);
            cr_expect_eq(days, want4);
        }
        if (cu_fast_decimal(s, &mantissa, &scale, &flag)) {
            taken++;
            cr_expect_eq(cu_numeric_in(s, a, &n, NULL), 0);
            cr_expect(n.i == (flag ? -mantissa : mantissa));
            cr_expect_eq(n.scale, scale);
        }
        if (cu_fast_double(s, &f)) {
            cr_expect_eq(cu_float8_in(s, &wantf, NULL), 0);
            cr_expect(memcmp(&f, &wantf, 8) == 0);
        }
        cu_buf_free(&b);
        cu_arena_reset(a);
    }
    cr_expect(taken > 2000);
    cu_arena_free(a);
}
