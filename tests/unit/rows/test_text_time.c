/* Text forms of dates, times, timestamps and intervals. The expected column
 * is what PostgreSQL 15 says with DateStyle ISO, YMD. */
#include "rows/text.h"
#include "tests/unit/rows/help.h"

#include <criterion/criterion.h>

Test(time, timestamps_take_all_iso_forms)
{
    static const struct form forms[] = {
        {"timestamptz", "2021-12-06T19:30:19.099+0100",
         "2021-12-06 18:30:19.099+00"},
        {"timestamptz", "2016-07-28T04:19:28.000Z", "2016-07-28 04:19:28+00"},
        {"timestamptz", "2024-01-01 10:00:00", "2024-01-01 10:00:00+00"},
        {"timestamptz", "2024-01-01", "2024-01-01 00:00:00+00"},
        {"timestamptz", "  2024-01-01 10:00:00+02 ", "2024-01-01 08:00:00+00"},
        {"timestamptz", "2024-01-01 10:00:00 +02", "2024-01-01 08:00:00+00"},
        {"timestamptz", "2024-01-01 10:00+05:30", "2024-01-01 04:30:00+00"},
        {"timestamptz", "2024-01-01 00:00+15:59:59", "2023-12-31 08:00:01+00"},
        {"timestamptz", "20240102T030405Z", "2024-01-02 03:04:05+00"},
        {"timestamptz", "20240102T0304", "2024-01-02 03:04:00+00"},
        {"timestamptz", "2024-01-02 030405.5", "2024-01-02 03:04:05.5+00"},
        {"timestamptz", "2024-07-01 00:00 CEST", "2024-06-30 22:00:00+00"},
        {"timestamptz", "2024-01-01 00:00 EST", "2024-01-01 05:00:00+00"},
        {"timestamptz", "2024-01-01Z", "2024-01-01 00:00:00+00"},
        {"timestamptz", "Mon, 06 Dec 2021 19:30:19 GMT",
         "2021-12-06 19:30:19+00"},
        {"timestamp", "Mon Dec 06 19:30:19 2021", "2021-12-06 19:30:19"},
        {"timestamp", "2021-12-06T19:30:19+01", "2021-12-06 19:30:19"},
        {"timestamp", "2024-01-01 24:00:00", "2024-01-02 00:00:00"},
        {"timestamp", "2024-01-01 23:59:60", "2024-01-02 00:00:00"},
        {"timestamp", "2024-01-01 1:2:3", "2024-01-01 01:02:03"},
        {"timestamp", "2024-01-01 04:05 PM", "2024-01-01 16:05:00"},
        {"timestamp", "2024-01-01 12:30 am", "2024-01-01 00:30:00"},
        {"timestamp", "2024-01-01 10:00:00.1234565",
         "2024-01-01 10:00:00.123456"},
        {"timestamp", "2024-01-01 10:00:00.1234575",
         "2024-01-01 10:00:00.123458"},
        {"timestamp", "1999-12-31 23:59:59.9999999", "2000-01-01 00:00:00"},
        {"timestamp(0)", "2024-01-01 10:00:00.5", "2024-01-01 10:00:01"},
        {"timestamp(3)", "1999-12-31 10:00:00.0005", "1999-12-31 10:00:00"},
        {"timestamp(3)", "1999-12-31 10:00:00.0004", "1999-12-31 10:00:00"},
        {"timestamp", "epoch", "1970-01-01 00:00:00"},
        {"timestamp", "infinity", "infinity"},
        {"timestamptz", "-infinity", "-infinity"},
        {"timestamp", "4714-11-24 BC", "4714-11-24 00:00:00 BC"},
        {"timestamptz", "0001-01-01 BC", "0001-01-01 00:00:00+00 BC"},
        {"timestamp", "12024-01-01", "12024-01-01 00:00:00"},
        {"timestamp", "294276-12-31 23:59:59.999999",
         "294276-12-31 23:59:59.999999"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(time, what_is_not_a_timestamp_is_refused_with_postgresqls_code)
{
    static const struct form forms[] = {
        {"timestamp", "",
         "22007: invalid input syntax for type timestamp: \"\""},
        {"timestamptz", "abc",
         "22007: invalid input syntax for type timestamp with time zone"},
        {"timestamp", "2024-01-01T", "22007"},
        {"timestamp", "2024-01-01 10", "22007"},
        {"timestamp", "2024-01-01T10", "22007"},
        {"timestamp", "2024-01", "22007"},
        {"timestamp", "10:00", "22007"},
        {"timestamp", "2024-01-01 10:00 10:00", "22007"},
        {"timestamp", "2024-01-01T10:00:00,5", "22007"},
        {"timestamp", "infinity 2024-01-01", "22007"},
        {"timestamp", "2024-01-01 10:00:00.5x", "22007"},
        {"timestamp", "2024-01-01 10:60:00",
         "22008: date/time field value out "
         "of range: \"2024-01-01 10:60:00\""},
        {"timestamp", "2024-01-01 25:00:00", "22008"},
        {"timestamp", "2024-01-01 24:00:01", "22008"},
        {"timestamp", "2024-13-01 00:00", "22008"},
        {"timestamp", "2023-02-29 00:00", "22008"},
        {"timestamp", "0000-01-01", "22008"},
        {"timestamp", "294277-01-01", "22008: timestamp out of range"},
        {"timestamp", "4714-11-23 BC", "22008: timestamp out of range"},
        {"timestamptz", "2024-01-01 00:00+16",
         "22009: time zone displacement out of range"},
        {"timestamptz", "now",
         "22007: invalid input syntax for type timestamp "
         "with time zone: \"now\" (data must not read"},
        {"date", "today", "22007"},
        {"date", "yesterday", "22007"},
        {"timestamptz", "2024-01-01 10:00 Europe/Oslo", "22007"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(time, dates_and_times_of_day)
{
    static const struct form forms[] = {
        {"date", "2024-02-29", "2024-02-29"},
        {"date", "20240229", "2024-02-29"},
        {"date", "240229", "2024-02-29"},
        {"date", "99-01-02", "1999-01-02"},
        {"date", "2024-1-1", "2024-01-01"},
        {"date", "1999/1/8", "1999-01-08"},
        {"date", "1999.1.8", "1999-01-08"},
        {"date", "2024-001", "2024-01-01"},
        {"date", "8-Jan-1999", "1999-01-08"},
        {"date", "January 8, 1999", "1999-01-08"},
        {"date", "1999-Jan-08", "1999-01-08"},
        {"date", "2024-01-01 23:00:00+02", "2024-01-01"},
        {"date", "infinity", "infinity"},
        {"date", "0044-03-15 BC", "0044-03-15 BC"},
        {"date", "5874897-12-31", "5874897-12-31"},
        {"date", "5874898-01-01", "22008: date out of range"},
        {"date", "1/8/1999", "22008"},
        {"date", "2024-02-30", "22008"},
        {"date", "2024-01", "22007: invalid input syntax for type date"},
        {"time", "04:05:06.789", "04:05:06.789"},
        {"time", "04:05", "04:05:00"},
        {"time", "040506", "04:05:06"},
        {"time", "24:00", "24:00:00"},
        {"time", "12:00 am", "00:00:00"},
        {"time", "allballs", "00:00:00"},
        {"time", "2024-01-01 10:00:00", "10:00:00"},
        {"time", "2024-01-01T10:00:00", "22007"},
        {"time", "24:00:01", "22008"},
        {"time", "2024-01-01", "22007: invalid input syntax for type time"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(time, intervals_in_postgresqls_and_iso_forms)
{
    static const struct form forms[] = {
        {"interval", "1 year 2 mons 3 days 04:05:06.789",
         "1 year 2 mons 3 days 04:05:06.789"},
        {"interval", "0", "00:00:00"},
        {"interval", "90", "00:01:30"},
        {"interval", "1 day 2", "1 day 00:00:02"},
        {"interval", "1 04:05:06", "1 day 04:05:06"},
        {"interval", "@ 1 minute", "00:01:00"},
        {"interval", "1.5 months", "1 mon 15 days"},
        {"interval", "1.5 years", "1 year 6 mons"},
        {"interval", "-1.5 days", "-1 days -12:00:00"},
        {"interval", "1 week 1 day", "8 days"},
        {"interval", "100:00", "100:00:00"},
        {"interval", "1-2", "1 year 2 mons"},
        {"interval", "1 day ago", "-1 days"},
        {"interval", "-1 year 1 month", "-11 mons"},
        {"interval", "-1 mon 1 day 00:00:01", "-1 mons +1 day 00:00:01"},
        {"interval", "-1 day 00:00:01", "-1 days +00:00:01"},
        {"interval", "3 ms 5 us", "00:00:00.003005"},
        {"interval", "1 c 1 dec", "110 years"},
        {"interval", "P1Y2M3DT4H5M6S", "1 year 2 mons 3 days 04:05:06"},
        {"interval", "P1W", "7 days"},
        {"interval", "PT0.5S", "00:00:00.5"},
        {"interval", "P-1Y2M", "-10 mons"},
        {"interval", "P0001-02-03T04:05:06", "1 year 2 mons 3 days 04:05:06"},
        {"interval", "2562047788:00:54.775807", "2562047788:00:54.775807"},
        {"interval(2)", "1.005 seconds", "00:00:01.01"},
        {"interval", "", "22007: invalid input syntax for type interval: \"\""},
        {"interval", "1 fortnight", "22007"},
        {"interval", "1 day 1 day", "22007"},
        {"interval", "1day2h", "22007"},
        {"interval", "infinity", "22007"},
        {"interval", "1:60", "22015: interval field value out of range"},
        {"interval", "2562047788:00:54.775808", "22015"},
        {"interval", "999999999 years", "22008: interval out of range"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(time, rfc_3339_shows_a_fraction_only_when_there_is_one)
{
    cu_buf out = {0};
    int64_t ts;
    cu_err err = {0};
    cu_timestamptz_in(CU_LIT("2024-01-01 00:00:00+00"), NULL, &ts, &err);
    cu_rfc3339_out(ts, &out);
    cu_buf_put_u8(&out, ' ');
    cu_rfc3339_out(ts + 120000, &out);
    cr_expect(cu_slice_is(cu_buf_slice(&out),
                          "2024-01-01T00:00:00Z 2024-01-01T00:00:00.12Z"));
    cu_buf_free(&out);
}

Test(time, every_day_of_four_centuries_reads_back_as_itself)
{
    cu_buf out = {0};
    cu_err err = {0};
    for (int32_t day = -80000; day < 80000; day += 3) {
        int32_t back;
        cu_buf_clear(&out);
        cu_date_out(day, &out);
        cr_assert_eq(cu_date_in(cu_buf_slice(&out), &back, &err), 0);
        cr_assert_eq(back, day);
    }
    cu_buf_free(&out);
}
