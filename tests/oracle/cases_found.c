/* Mismatches that random cases found, reduced: they stay here. */
#include "tests/oracle/level.h"

/* clang-format off */
static const char *const all[] = {
    "array_position(`'{}'::int[]`, `1`, `NULL::int`)",
    "array_position(`ARRAY[1]`, `NULL::int`, `NULL::int`)",
    "array_position(`ARRAY[1]`, `2`, `NULL::int`)",
    "(`'null'::jsonb`)[`-1`]",
    "(`'\"x\"'::jsonb`)[`0`]",
    "(`'[\"x\"]'::jsonb`)[`'0'::text`]",
    "(`'{\"1\": 5}'::jsonb`)[`1`]",
    "(`'{\"1\": 5}'::jsonb`)[`'1'::text`]",
    "(`'[1, 2]'::jsonb`)[`'a'::text`]",
    "(`'ab'::text`)[1]",
    "date_trunc('dow', `'infinity'::timestamp`)",
    "date_trunc('century', `'-infinity'::timestamptz`, 'Nowhere/Land')",
    "date_trunc('hour', `'2023-10-29 00:30:30+00'::timestamptz`, 'Europe/Oslo')",
    "date_trunc('hour', `'2023-10-29 01:30:30+00'::timestamptz`, 'Europe/Oslo')",
    "date_trunc('day', `'2023-10-29 01:30:30+00'::timestamptz`, 'Europe/Oslo')",
    "date_part('fortnight', `'5874897-12-31'::date`)",
    "ln(`5e-50`)",
    "ln(`7e-300`)",
    "log(`5e-324::float8::numeric`)",
    "log(`1e400`)",
    "log(`1e-400`)",
    "log(`1e400`, `1e800`)",
    "log(`2.0`, `1e-400`)",
    "`'f'::text` IS TRUE",
    "`1` IS NOT UNKNOWN",
    "`NULL` IS UNKNOWN",
    "timezone('Nowhere/Land', `'infinity'::timestamp`)",
    "timezone(`interval '1 month'`, `'infinity'::timestamptz`)",
    "extract(year from `'5874897-12-31'::date`)",
    "extract(week from `'5874897-12-31'::date`)",
    "extract(doy from `'5874897-12-31'::date`)",
    "date_part('year', `'5874897-12-31'::date`)",
    "date_part('month', `'5874897-12-31'::date`)",
    "date_trunc('year', `'5874897-12-31'::date`)",
    "`'2024-01-31'::timestamp` + `interval '2147483647 days'`",
    "`'2024-01-31'::timestamp` - `interval '2147483647 days'`",
    "date_bin(`interval '2147483647 days'`, `'2024-01-31'::timestamp`, `'2000-01-01'::timestamp`)",
    "`1e-400`::float8",
    "`-1e-320`::float8",
    "`0.0`::float8",
    "`5e-324`::float8::numeric::float8",
    "ARRAY[]",
    "ARRAY[]::text[]",
    "ARRAY[`1`, `'2'`, `3.5`]::text[]",
    "ARRAY[`'1'`, `'x'`]::int[]",
    "ARRAY[`1`, `'x'::text`]::int[]",
    "`'a%c'::text` NOT LIKE `'a!%c'::text` ESCAPE '!'",
    "`'A_C'::text` ILIKE `'a!_c'::text` ESCAPE `'!'::text`",
    "`5` = ANY (`'{1,5}'`)",
    "`5` <> ALL (`'{1,5}'`)",
    "width_bucket(`5e-324::float8`, `1::float8`, `'-0'::float8`, `42`)",
    "width_bucket(`1e-20::float8`, `1::float8`, `0::float8`, `42`)",
    "width_bucket(`0.1::float8`, `-1e20::float8`, `1::float8`, `42`)",
    "width_bucket(`0.6::float8`, `0.9::float8`, `0::float8`, `3`)",
    "width_bucket(`0.7::float8`, `0::float8`, `1.1::float8`, `11`)",
    "(`NULL::bool[]`)[array_length(`'{1}'::int[]`, `1`) : regexp_count(`'Hello'::text`, `'a'::text`, `-17`, `''::text`)]",
    "(`NULL::int[]`)[`1` / `0`]",
    "(`'{1,2}'::int[]`)[`4` / `2`]",
    "(`NULL::jsonb`)[`1` / `0`]",
    "to_char(`interval '1 year 2 mons'`, `'it''s'::text`)",
    "to_char(`interval '1 year 2 mons'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
    "to_char(`interval '-3 years -2 mons -5 days'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
    "to_char(`interval '1000 days'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
    "to_char(`interval '2024 years 400 days'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
    "to_char(`interval '0'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
    "to_char(`interval '11 mons 31 days'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
    "to_char(`interval '-1 mon'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
    "to_char(`interval '25 mons -700 days'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
    "to_char(`interval '-5000 years 3 days'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
    "to_char(`interval '100000 years'`, "
    "`'IYYY IYY IY I IW IDDD J WW W DDD Q CC Y,YYY YYYY'::text`)",
};
/* clang-format on */

const cu_hand_cases cu_cases_found = {"found by chance", all,
                                      sizeof(all) / sizeof(*all)};
