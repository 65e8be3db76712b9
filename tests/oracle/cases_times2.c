/* Times made of parts, justifying, OVERLAPS, clocks that jump. */
#include "tests/oracle/level.h"

static const char *const all[] = {
    "make_interval(years => `1`, months => `2`, weeks => `3`, days => `4`, "
    "hours => `5`, mins => `6`, secs => `7.5`)",
    "make_interval()",
    "make_interval(`1`)",
    "make_interval(`1`, `2`, `3`)",
    "make_interval(days => `10`)",
    "make_interval(secs => `1.0000005`)",
    "make_interval(secs => `-7.25`, hours => `1`)",
    "make_interval(`1`, secs => `2`)",
    "make_interval(secs => `'NaN'::float8`)",
    "make_interval(secs => `1e300`)",
    "make_interval(yeers => `1`)",
    "make_interval(years => `1`, years => `2`)",
    "make_interval(years => `1`, `2`)",
    "make_interval(`1`, years => `2`)",
    "make_interval(`1`, `2`, `3`, `4`, `5`, `6`, `7`, `8`)",
    "make_date(year => `2024`, month => `2`, day => `29`)",
    "make_date(day => `29`, month => `2`, year => `2024`)",
    "make_time(`8`, `15`, `23.5`)",
    "make_time(`24`, `0`, `0`)",
    "make_time(`24`, `0`, `0.1`)",
    "make_time(`23`, `59`, `60`)",
    "make_time(`1`, `60`, `0`)",
    "make_time(`-1`, `0`, `0`)",
    "make_time(`1`, `2`, `'NaN'::float8`)",
    "make_time(hour => `1`, min => `2`, sec => `3`)",
    "make_timestamp(`2024`, `2`, `29`, `8`, `15`, `23.5`)",
    "make_timestamp(`2023`, `2`, `29`, `8`, `15`, `23.5`)",
    "make_timestamp(`-44`, `3`, `15`, `12`, `0`, `0`)",
    "make_timestamp(`0`, `3`, `15`, `12`, `0`, `0`)",
    "make_timestamp(`300000`, `1`, `1`, `0`, `0`, `0`)",
    "make_timestamp(`-4714`, `1`, `1`, `0`, `0`, `0`)",
    "make_timestamp(`2024`, `1`, `1`, `25`, `0`, `0`)",
    "make_timestamptz(`2024`, `2`, `29`, `8`, `15`, `23.5`)",
    "make_timestamptz(`2024`, `2`, `29`, `8`, `15`, `23.5`, "
    "`'Europe/Oslo'::text`)",
    "make_timestamptz(`2024`, `3`, `31`, `2`, `30`, `0`, "
    "`'Europe/Oslo'::text`)",
    "make_timestamptz(`2024`, `10`, `27`, `2`, `30`, `0`, "
    "`'Europe/Oslo'::text`)",
    "make_timestamptz(`2024`, `1`, `1`, `0`, `0`, `0`, `'+2'::text`)",
    "make_timestamptz(`2024`, `1`, `1`, `0`, `0`, `0`, `'-02:30'::text`)",
    "make_timestamptz(`2024`, `1`, `1`, `0`, `0`, `0`, `'+0230'::text`)",
    "make_timestamptz(`2024`, `1`, `1`, `0`, `0`, `0`, `'2'::text`)",
    "make_timestamptz(`2024`, `1`, `1`, `0`, `0`, `0`, `'+20'::text`)",
    "make_timestamptz(`2024`, `1`, `1`, `0`, `0`, `0`, `'nowhere'::text`)",
    "justify_days(`interval '35 days'`)",
    "justify_days(`interval '-1 mon 35 days'`)",
    "justify_days(`interval '1 mon -35 days'`)",
    "justify_hours(`interval '27 hours'`)",
    "justify_hours(`interval '1 day -27 hours'`)",
    "justify_hours(`interval '-1 day 27 hours'`)",
    "justify_hours(`interval '2147483647 days 25 hours'`)",
    "justify_interval(`interval '1 mon -1 hour'`)",
    "justify_interval(`interval '-1 mon 40 days 25 hours'`)",
    "justify_interval(`interval '29 days 24 hours'`)",
    "justify_interval(`interval '2147483647 days 24 hours'`)",
    "justify_interval(`interval '-2147483648 days -24 hours'`)",
    "(`date '2024-01-01'`, `date '2024-01-10'`) OVERLAPS (`date '2024-01-05'`, "
    "`date '2024-02-01'`)",
    "(`date '2024-01-01'`, `date '2024-01-10'`) OVERLAPS (`date '2024-01-10'`, "
    "`date '2024-02-01'`)",
    "(`timestamp '2024-01-01'`, `interval '10 days'`) OVERLAPS (`timestamp "
    "'2024-01-05'`, `interval '1 day'`)",
    "(`timestamp '2024-01-01'`, `interval '10 days'`) OVERLAPS (`timestamp "
    "'2024-01-05'`, `timestamp '2024-01-06'`)",
    "(`timestamp '2024-01-01'`, `timestamp '2024-01-03'`) OVERLAPS (`timestamp "
    "'2024-01-05'`, `interval '-3 days'`)",
    "(`timestamp '2024-01-01'`, `timestamp '2024-01-03'`) OVERLAPS (`timestamp "
    "'2024-01-02'`, `NULL::timestamp`)",
    "(`timestamp '2024-01-01'`, `NULL::timestamp`) OVERLAPS (`timestamp "
    "'2024-01-01'`, `timestamp '2024-01-02'`)",
    "(`NULL::timestamp`, `timestamp '2024-01-01'`) OVERLAPS (`timestamp "
    "'2024-01-03'`, `timestamp '2024-01-02'`)",
    "(`NULL::timestamp`, `NULL::timestamp`) OVERLAPS (`timestamp "
    "'2024-01-03'`, `timestamp '2024-01-02'`)",
    "(`timestamptz '2024-01-01 00:00+00'`, `timestamptz '2024-01-03 "
    "00:00+00'`) OVERLAPS (`timestamptz '2024-01-03 00:00+00'`, `timestamptz "
    "'2024-01-03 00:00+00'`)",
    "(`timestamptz '2024-01-01 00:00+00'`, `interval '1 day'`) OVERLAPS "
    "(`timestamptz '2024-01-01 12:00+00'`, `timestamptz '2024-01-03 "
    "00:00+00'`)",
    "(`timestamptz '2024-01-01 00:00+00'`, `timestamptz '2024-01-02 "
    "00:00+00'`) OVERLAPS (`timestamptz '2024-01-01 12:00+00'`, `interval '1 "
    "hour'`)",
    "(`timestamptz '2024-01-01 00:00+00'`, `interval '1 day'`) OVERLAPS "
    "(`timestamptz '2024-01-01 12:00+00'`, `interval '1 day'`)",
    "(`time '08:00'`, `time '12:00'`) OVERLAPS (`time '11:00'`, `time "
    "'14:00'`)",
    "(`time '08:00'`, `interval '4 hours'`) OVERLAPS (`time '11:00'`, `time "
    "'14:00'`)",
    "(`time '08:00'`, `time '12:00'`) OVERLAPS (`time '11:00'`, `interval '4 "
    "hours'`)",
    "(`time '23:00'`, `interval '2 hours'`) OVERLAPS (`time '00:30'`, "
    "`interval '1 hour'`)",
    "age(`timestamp '2024-03-01'`, `timestamp '2024-01-31'`)",
    "age(`date '2024-03-01'`, `date '2025-01-31'`)",
    "`timestamp '2024-03-31 02:30'` AT TIME ZONE `'Europe/Oslo'::text`",
    "`timestamp '2024-10-27 02:30'` AT TIME ZONE `'Europe/Oslo'::text`",
    "`timestamptz '2024-03-31 00:59:59+00'` AT TIME ZONE `'Europe/Oslo'::text`",
    "`timestamptz '2024-03-31 01:00+00'` AT TIME ZONE `'Europe/Oslo'::text`",
    "`timestamptz '2024-10-27 00:30+00'` AT TIME ZONE `'Europe/Oslo'::text`",
    "`timestamptz '2024-10-27 01:30+00'` AT TIME ZONE `'Europe/Oslo'::text`",
    "`timestamp '2024-03-10 02:30'` AT TIME ZONE `'America/New_York'::text`",
    "`timestamp '2024-11-03 01:30'` AT TIME ZONE `'America/New_York'::text`",
    "`timestamp '2024-07-01 12:00'` AT TIME ZONE `'Asia/Kolkata'::text`",
    "date_trunc('day', `timestamptz '2024-03-31 12:00+00'`, "
    "`'Europe/Oslo'::text`)",
    "date_trunc('hour', `timestamptz '2024-10-27 01:30+00'`, "
    "`'Europe/Oslo'::text`)",
    "date_trunc('month', `timestamptz '2024-10-31 23:30+00'`, "
    "`'Europe/Oslo'::text`)",
    "date_trunc('week', `timestamp '2024-01-03 10:00'`)",
    "date_trunc('quarter', `interval '5 months 3 days'`)",
    "date_bin(`interval '15 minutes'`, `timestamp '2024-02-11 15:44:17'`, "
    "`timestamp '2001-01-01'`)",
    "date_bin(`interval '1 day'`, `timestamptz '2024-02-11 15:44:17+00'`, "
    "`timestamptz '2001-01-01 06:00+00'`)",
    "extract(epoch FROM `interval '1 year 1 mon 1 day 1 second'`)",
    "extract(julian FROM `timestamp '2024-02-11 12:00'`)",
    "extract(isoyear FROM `date '2024-12-30'`)",
    "extract(timezone FROM `timestamptz '2024-12-30 00:00+00'`)",
    "extract(microseconds FROM `time '10:11:12.345678'`)",
    "date_part('doy', `timestamp '2024-12-31'`)",
    "`interval '1 mon 1 day 1 hour'` * `1.5`",
    "`interval '1 mon 1 day 1 hour'` / `7`",
    "`interval '1 year'` / `0`",
    "`interval '1 day'` * `1e30`",
    "`time '23:30'` + `interval '45 minutes'`",
    "`time '00:30'` - `interval '45 minutes'`",
    "`time '10:00'` - `time '12:30'`",
    "`date '2024-01-31'` + `interval '1 mon'`",
    "`date '2024-01-31'` + `time '10:00'`",
    "isfinite(`'infinity'::date`)",
    "isfinite(`interval '1 day'`)",
    "to_timestamp(`1704067200.123456`)",
    "to_timestamp(`'Infinity'::float8`)",
    "timezone(`interval '02:00'`, `timestamp '2024-01-01'`)",
};

const cu_hand_cases cu_cases_times2 = {"times made", all,
                                       sizeof(all) / sizeof(*all)};
