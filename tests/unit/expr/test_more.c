/* What was added beside the basics: editing jsonb, divisors, buckets, angles,
 * hashes, bits, arrays, moments made of parts. Expressions and what PostgreSQL
 * 15 answers (type, value; or "" and the error). Written by asking it; add
 * lines the same way. */
#include <criterion/criterion.h>

#include "tests/unit/expr/mini.h"

static const pg_case jsonb[] = {
    {"jsonb_set('{\"a\": {\"b\": [1, 2]}}'::jsonb, '{a,b,-1}', '9')", "jsonb",
     "{\"a\": {\"b\": [1, 9]}}"},
    {"jsonb_set('{\"a\": 1}'::jsonb, '{b}', '2', false)", "jsonb",
     "{\"a\": 1}"},
    {"jsonb_set('[1]'::jsonb, '{x}', '2')", "",
     "22P02 path element at position 1 is not an integer: \"x\""},
    {"jsonb_set('1'::jsonb, '{x}', '2')", "",
     "22023 cannot set path in scalar"},
    {"jsonb_set('{\"a\": 1, \"a\": 2}'::jsonb, '{a}', '9')", "jsonb",
     "{\"a\": 9}"},
    {"jsonb_set_lax('{\"a\": 1}'::jsonb, '{a}', null, true, 'delete_key')",
     "jsonb", "{}"},
    {"jsonb_set_lax('{\"a\": 1}'::jsonb, '{a}', null, true, 'raise_exception')",
     "", "22004 JSON value must not be null"},
    {"jsonb_insert('[1, 2]'::jsonb, '{1}', '9', true)", "jsonb", "[1, 2, 9]"},
    {"jsonb_insert('{\"a\": 1}'::jsonb, '{a}', '9')", "",
     "22023 cannot replace existing key"},
    {"'{\"a\": [1, {\"b\": 2}]}'::jsonb #- '{a,1,b}'", "jsonb",
     "{\"a\": [1, {}]}"},
    {"jsonb_pretty('{\"a\": [1, {}]}'::jsonb)", "text",
     "{\n    \"a\": [\n        1,\n        {\n        }\n    ]\n}"},
    {"jsonb_object('{a,1,b,NULL}'::text[])", "jsonb",
     "{\"a\": \"1\", \"b\": null}"},
    {"jsonb_object('{a,1,b}'::text[])", "",
     "2202E array must have even number of elements"},
};

static const pg_case numbers[] = {
    {"gcd(-2147483648, 0)", "", "22003 integer out of range"},
    {"lcm(2147483647, 2)", "", "22003 integer out of range"},
    {"gcd(330.3, 46.20)", "numeric", "0.30"},
    {"lcm(330.3, 462.0)", "numeric", "508662.0"},
    {"div(-9.5, 2)", "numeric", "-4"},
    {"div(1, 0.0)", "", "22012 division by zero"},
    {"factorial(25)", "numeric", "15511210043330985984000000"},
    {"factorial(-1)", "", "22003 factorial of a negative number is undefined"},
    {"trim_scale(8.4100)", "numeric", "8.41"},
    {"min_scale(100.0)", "integer", "0"},
    {"scale('NaN'::numeric)", "integer", "NULL"},
    {"width_bucket(5.35, 0.024, 10.06, 5)", "integer", "3"},
    {"width_bucket(0.0, 10.0, 0.0, 5)", "integer", "6"},
    {"width_bucket(1.0, 5.0, 5.0, 3)", "",
     "2201G lower bound cannot equal upper bound"},
    {"width_bucket(5, '{1,3,5,8}'::int[])", "integer", "3"},
    {"sind(30)", "double precision", "0.5"},
    {"cosd(240)", "double precision", "-0.5"},
    {"tand(45)", "double precision", "1"},
    {"cotd(90)", "double precision", "0"},
    {"acosd(-0.5)", "double precision", "120"},
    {"atan2d(-1, 0)", "double precision", "-90"},
    {"asin(1.5)", "", "22003 input is out of range"},
    {"sin('Infinity'::float8)", "", "22003 input is out of range"},
    {"degrees(1e308)", "", "22003 value out of range: overflow"},
    {"num_nulls(1, null::text, null::int)", "integer", "2"},
    {"hashtext('abc')", "integer", "-785388649"},
    {"hashtextextended('the quick brown fox', 5)", "bigint",
     "-2137627108418612273"},
    {"hashint8(-5)", "integer", "1412886042"},
    {"uuid_hash('550e8400-e29b-41d4-a716-446655440000'::uuid)", "integer",
     "-379807113"},
    {"get_bit('\\x1234'::bytea, 9)", "integer", "0"},
    {"set_byte('\\x1234'::bytea, 5, 1)", "",
     "2202E index 5 out of valid range, 0..1"},
    {"bit_count('\\x12ff00'::bytea)", "bigint", "10"},
};

static const pg_case arrays[] = {
    {"trim_array('{1,2,3}'::int[], 4)", "",
     "2202E number of elements to trim must be between 0 and 3"},
    {"array_replace('{1,2,NULL,1}'::int[], 1, 9)", "integer[]", "{9,2,NULL,9}"},
    {"array_positions('{a,b,a}'::text[], 'a')", "integer[]", "{1,3}"},
    {"array_fill(7, '{3}'::int[])", "integer[]", "{7,7,7}"},
    {"array_dims('{1,2}'::int[])", "text", "[1:2]"},
};

static const pg_case times[] = {
    {"make_interval(1, 2, 3, 4, 5, 6, 7.5)", "interval",
     "1 year 2 mons 25 days 05:06:07.5"},
    {"make_time(24, 0, 0.1)", "",
     "22008 time field value out of range: 24:00:0.1"},
    {"make_timestamp(2023, 2, 29, 8, 15, 23.5)", "",
     "22008 date field value out of range: 2023-02-29"},
    {"make_timestamptz(2024, 1, 1, 0, 0, 0, '-02:30')",
     "timestamp with time zone", "2024-01-01 02:30:00+00"},
    {"make_timestamptz(2024, 3, 31, 2, 30, 0, 'Europe/Oslo')",
     "timestamp with time zone", "2024-03-31 01:30:00+00"},
    {"make_timestamptz(2024, 10, 27, 2, 30, 0, 'Europe/Oslo')",
     "timestamp with time zone", "2024-10-27 01:30:00+00"},
    {"make_timestamptz(2024, 1, 1, 0, 0, 0, '2')", "",
     "22023 invalid input syntax for type numeric time zone: \"2\""},
    {"justify_interval('1 mon -1 hour'::interval)", "interval",
     "29 days 23:00:00"},
    {"justify_days('-1 mon 35 days'::interval)", "interval", "5 days"},
    {"justify_hours('1 day -27 hours'::interval)", "interval", "-03:00:00"},
    {"timezone('Europe/Oslo', '2024-03-31 02:30'::timestamp)",
     "timestamp with time zone", "2024-03-31 01:30:00+00"},
    {"timezone('Europe/Oslo', '2024-10-27 02:30'::timestamp)",
     "timestamp with time zone", "2024-10-27 01:30:00+00"},
    {"timezone('Europe/Oslo', '2024-10-27 00:30+00'::timestamptz)",
     "timestamp without time zone", "2024-10-27 02:30:00"},
    {"timezone('America/New_York', '2024-03-10 02:30'::timestamp)",
     "timestamp with time zone", "2024-03-10 07:30:00+00"},
};

Test(more, jsonb_is_edited_as_postgresql_does)
{
    check_cases(jsonb, sizeof(jsonb) / sizeof(*jsonb));
}

Test(more, numbers_are_postgresqls)
{
    check_cases(numbers, sizeof(numbers) / sizeof(*numbers));
}

Test(more, arrays_are_postgresqls)
{
    check_cases(arrays, sizeof(arrays) / sizeof(*arrays));
}

Test(more, times_are_made_across_changes_of_clocks)
{
    check_cases(times, sizeof(times) / sizeof(*times));
}
