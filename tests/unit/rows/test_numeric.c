/* Numerics. Every expected text is what PostgreSQL 15 answers. */
#include "rows/numeric.h"

#include "tests/unit/rows/help.h"

#include <criterion/criterion.h>
#include <math.h>

/* The result as text, or "SQLSTATE: message". */
static const char *run(cu_arena *a, char op, const char *x, const char *y)
{
    cu_numeric p = value_of(a, "numeric", x).num;
    cu_numeric q = value_of(a, "numeric", *y ? y : "0").num, r;
    cu_err err = {0};
    char state[6];
    int rc = op == '+'   ? cu_numeric_add(&p, &q, a, &r, &err)
             : op == '-' ? cu_numeric_sub(&p, &q, a, &r, &err)
             : op == '*' ? cu_numeric_mul(&p, &q, a, &r, &err)
             : op == '/' ? cu_numeric_div(&p, &q, a, &r, &err)
             : op == '%' ? cu_numeric_mod(&p, &q, a, &r, &err)
             : op == '^' ? cu_numeric_power(&p, &q, a, &r, &err)
             : op == 's' ? cu_numeric_sqrt(&p, a, &r, &err)
             : op == 'e' ? cu_numeric_exp(&p, a, &r, &err)
             : op == 'l' ? cu_numeric_ln(&p, a, &r, &err)
             : op == 'r' ? cu_numeric_round(&p, atoi(y), a, &r, &err)
             : op == 't' ? cu_numeric_trunc(&p, atoi(y), a, &r, &err)
             : op == 'c' ? cu_numeric_ceil(&p, a, &r, &err)
                         : cu_numeric_floor(&p, a, &r, &err);
    if (rc)
        return cu_arena_printf(a, "%s: %s",
                               cu_sqlstate_text(err.sqlstate, state), err.msg);
    cu_buf out = {0};
    cu_numeric_out(&r, &out);
    const char *s = cu_arena_strn(a, out.data, out.len);
    cu_buf_free(&out);
    return s;
}

struct sum {
    char op;
    const char *x, *y, *expected;
};

static void check(const struct sum *sums)
{
    cu_arena *a = cu_arena_new(0);
    for (; sums->op; sums++) {
        const char *got = run(a, sums->op, sums->x, sums->y);
        cr_expect_str_eq(got, sums->expected, "%s %c %s: got %s, expected %s",
                         sums->x, sums->op, sums->y, got, sums->expected);
    }
    cu_arena_free(a);
}

#define NINES_38 "99999999999999999999999999999999999999"

Test(numeric, text_forms)
{
    static const struct form forms[] = {
        {"numeric", " 1.50 ", "1.50"},
        {"numeric", "-0", "0"},
        {"numeric", "-0.00", "0.00"},
        {"numeric", ".5", "0.5"},
        {"numeric", "5.", "5"},
        {"numeric", "+7", "7"},
        {"numeric", "1e5", "100000"},
        {"numeric", "1.5e3", "1500"},
        {"numeric", "1e-3", "0.001"},
        {"numeric", "12345e-10", "0.0000012345"},
        {"numeric", NINES_38, NINES_38},
        {"numeric", NINES_38 "9.90", NINES_38 "9.90"},
        {"numeric", "0." NINES_38 "12", "0." NINES_38 "12"},
        {"numeric", "-1e40", "-10000000000000000000000000000000000000000"},
        {"numeric", "NaN", "NaN"},
        {"numeric", "inf", "Infinity"},
        {"numeric", "-Infinity", "-Infinity"},
        {"numeric", "", "22P02: invalid input syntax for type numeric: \"\""},
        {"numeric", ".", "22P02"},
        {"numeric", "1..2", "22P02"},
        {"numeric", "1e", "22P02"},
        {"numeric", "e5", "22P02"},
        {"numeric", "-NaN", "22P02"},
        {"numeric", "1e131072", "22003: value overflows numeric format"},
        {"numeric", "1e-16384", "22003: value overflows numeric format"},
        {"numeric(5,2)", "999.994", "999.99"},
        {"numeric(5,2)", "1.005", "1.01"},
        {"numeric(5,2)", "999.995",
         "22003: numeric field overflow: a field "
         "with precision 5, scale 2 must round to "
         "an absolute value less than 10^3"},
        {"numeric(5,2)", "NaN", "NaN"},
        {"numeric(5,2)", "inf", "22003: numeric field overflow"},
        {"numeric(3,-2)", "12345", "12300"},
        {"numeric(3,-2)", "49", "0"},
        {"numeric(3,-2)", "99950", "22003"},
        {"numeric(2,4)", "0.00995", "22003: numeric field overflow"},
        {"numeric(2,4)", "0.00994", "0.0099"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(numeric, division_keeps_sixteen_digits)
{
    static const struct sum sums[] = {
        {'/', "1", "3", "0.33333333333333333333"},
        {'/', "1", "3.0", "0.33333333333333333333"},
        {'/', "10", "4.0", "2.5000000000000000"},
        {'/', "100000000", "3", "33333333.333333333333"},
        {'/', "2", "3.00", "0.66666666666666666667"},
        {'/', "-7", "2", "-3.5000000000000000"},
        {'/', "1e-10", "3", "0.0000000000333333333333333333"},
        {'/', "12345678901234567890.5", "0.0000001",
         "123456789012345678905000000.0000000"},
        {'/', "1e38", "7", "14285714285714285714285714285714285714"},
        {'/', "7", "1e38",
         "0.00000000000000000000000000000000000007000000000000000000"},
        {'*', "0.33333333333333333333", "0.14285714285714285714",
         "0.0476190476190476190461904761904761904762"},
        {'/', "1", "0", "22012: division by zero"},
        {'/', "NaN", "0", "NaN"},
        {'/', "inf", "0", "22012: division by zero"},
        {'/', "inf", "-2", "-Infinity"},
        {'/', "5", "inf", "0"},
        {'/', "inf", "inf", "NaN"},
        {'/', "0", "5.00", "0.00000000000000000000"},
        {0, NULL, NULL, NULL},
    };
    check(sums);
}

Test(numeric, sums_and_products_grow_past_38_digits_and_back)
{
    static const struct sum sums[] = {
        {'+', NINES_38, "1", "100000000000000000000000000000000000000"},
        {'-', "100000000000000000000000000000000000000", "1", NINES_38},
        {'*', NINES_38, "1.0", NINES_38 ".0"},
        {'*', "1e30", "1e30",
         "1"
         "000000000000000000000000000000"
         "000000000000000000000000000000"},
        {'+', "1.50", "2.5", "4.00"},
        {'-', "1.5", "1.5", "0.0"},
        {'*', "1.50", "-2.0", "-3.000"},
        {'+', "inf", "-inf", "NaN"},
        {'+', "inf", "5", "Infinity"},
        {'-', "5", "inf", "-Infinity"},
        {'*', "inf", "0", "NaN"},
        {'*', "-inf", "-2", "Infinity"},
        {'*', "NaN", "0", "NaN"},
        {0, NULL, NULL, NULL},
    };
    check(sums);
    /* One representation per scale (N1). */
    cu_arena *a = cu_arena_new(0);
    cu_numeric big = value_of(a, "numeric", NINES_38).num, one, r;
    one = cu_numeric_from_int8(1);
    cr_expect_eq(big.form, CU_NUM_INT);
    cr_assert_eq(cu_numeric_add(&big, &one, a, &r, NULL), 0);
    cr_expect_eq(r.form, CU_NUM_BIG);
    cr_assert_eq(cu_numeric_sub(&r, &one, a, &r, NULL), 0);
    cr_expect_eq(r.form, CU_NUM_INT);
    cr_expect_eq(cu_numeric_cmp(&r, &big), 0);
    cu_arena_free(a);
}

Test(numeric, remainders_take_the_sign_of_the_dividend)
{
    static const struct sum sums[] = {
        {'%', "7.5", "2", "1.5"},
        {'%', "-7.5", "2", "-1.5"},
        {'%', "7.5", "-2", "1.5"},
        {'%', "1e40", "7", "4"},
        {'%', "0.3", "0.07", "0.02"},
        {'%', "1", "0", "22012: division by zero"},
        {'%', "5", "inf", "5"},
        {'%', "inf", "5", "NaN"},
        {0, NULL, NULL, NULL},
    };
    check(sums);
}

Test(numeric, rounding_goes_away_from_zero)
{
    static const struct sum sums[] = {
        {'r', "2.5", "0", "3"},
        {'r', "-2.5", "0", "-3"},
        {'r', "1.25", "1", "1.3"},
        {'r', "1250", "-2", "1300"},
        {'r', "99.9", "0", "100"},
        {'r', "1.5", "4", "1.5000"},
        {'r', "5e37", "-38", "100000000000000000000000000000000000000"},
        {'t', "-1.99", "0", "-1"},
        {'t', "1999", "-3", "1000"},
        {'c', "1.1", "", "2"},
        {'c', "-1.1", "", "-1"},
        {'f', "1.1", "", "1"},
        {'f', "-1.1", "", "-2"},
        {'c', "NaN", "", "NaN"},
        {'f', "-inf", "", "-Infinity"},
        {'c', NINES_38 "99.5", "",
         "1"
         "0000000000000000000000000000000000000000"},
        {0, NULL, NULL, NULL},
    };
    check(sums);
}

Test(numeric, functions_have_postgresqls_scales)
{
    static const struct sum sums[] = {
        {'s', "2", "", "1.414213562373095"},
        {'s', "0", "", "0.000000000000000"},
        {'s', "10000.00", "", "100.0000000000000"},
        {'s', "1e-10", "", "0.000010000000000000000"},
        {'s', "1e50", "", "10000000000000000000000000"},
        {'s', "-1", "", "2201F: cannot take square root of a negative number"},
        {'e', "1", "", "2.7182818284590452"},
        {'e', "-1.5", "", "0.2231301601484298"},
        {'e', "100", "", "26881171418161354484126255515800135873611119"},
        {'e', "-inf", "", "0"},
        {'e', "100000", "", "22003: value overflows numeric format"},
        {'l', "2", "", "0.6931471805599453"},
        {'l', "1", "", "0.0000000000000000"},
        {'l', "0.0001", "", "-9.2103403719761827"},
        {'l', "1e50", "", "115.12925464970228"},
        {'l', "1.0000001", "", "0.00000009999999500000033"},
        {'l', "0", "", "2201E: cannot take logarithm of zero"},
        {'l', "-1", "", "2201E: cannot take logarithm of a negative number"},
        {0, NULL, NULL, NULL},
    };
    check(sums);
}

Test(numeric, powers)
{
    static const struct sum sums[] = {
        {'^', "2", "10", "1024.0000000000000000"},
        {'^', "2", "0.5", "1.4142135623730950"},
        {'^', "2", "-2", "0.2500000000000000"},
        {'^', "1.1", "100", "13780.6123398222701841"},
        {'^', "0.5", "0.5", "0.7071067811865475"},
        {'^', "-8", "3", "-512.0000000000000000"},
        {'^', "0", "0", "1.0000000000000000"},
        {'^', "1e10", "2.5", "10000000000000000000000000.0"},
        {'^', "10", "-5", "0.0000100000000000"},
        {'^', "1.5", "15", "437.8938903808593750"},
        {'^', "1.0001", "1000.5", "1.1052206494914752"},
        {'^', "0.99", "12345", "0.0000000000000000"},
        {'^', "0", "-1", "2201F: zero raised to a negative power is undefined"},
        {'^', "-8", "0.5",
         "2201F: a negative number raised to a non-integer power yields a "
         "complex result"},
        {'^', "-inf", "-7.25",
         "2201F: a negative number raised to a non-integer power yields a "
         "complex result"},
        {'^', "NaN", "0", "1"},
        {'^', "1", "NaN", "1"},
        {'^', "-inf", "3", "-Infinity"},
        {'^', "0.5", "-inf", "Infinity"},
        {'^', "2", "1000000", "22003: value overflows numeric format"},
        {0, NULL, NULL, NULL},
    };
    check(sums);
}

Test(numeric, order_puts_nan_last)
{
    static const char *const sorted[] = {"-inf",  "-1e40", "-1.5",  "0",
                                         "1e-40", "1",     "1.001", "1e40",
                                         "inf",   "NaN"};
    cu_arena *a = cu_arena_new(0);
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++) {
            cu_numeric x = value_of(a, "numeric", sorted[i]).num;
            cu_numeric y = value_of(a, "numeric", sorted[j]).num;
            int order = cu_numeric_cmp(&x, &y);
            cr_expect_eq((order > 0) - (order < 0), (i > j) - (i < j),
                         "%s against %s", sorted[i], sorted[j]);
        }
    cu_arena_free(a);
}

Test(numeric, conversions)
{
    cu_arena *a = cu_arena_new(0);
    cu_err err = {0};
    int64_t i;
    cu_numeric n = value_of(a, "numeric", "-2.5").num;
    cr_assert_eq(cu_numeric_to_int8(&n, &i, &err), 0);
    cr_expect_eq(i, -3);
    n = value_of(a, "numeric", "9223372036854775807.4999999999999999999999")
            .num;
    cr_assert_eq(cu_numeric_to_int8(&n, &i, &err), 0);
    cr_expect_eq(i, INT64_MAX);
    n = value_of(a, "numeric", "9223372036854775807.5").num;
    cr_expect_eq(cu_numeric_to_int8(&n, &i, &err), CU_DATA);
    cr_expect_str_eq(err.msg, "bigint out of range");
    n = value_of(a, "numeric", "1e40").num;
    cr_expect_eq(cu_numeric_to_int8(&n, &i, &err), CU_DATA);
    n = value_of(a, "numeric", "NaN").num;
    cr_expect_eq(cu_numeric_to_int8(&n, &i, &err), CU_DATA);
    cr_expect_str_eq(err.msg, "cannot convert NaN to bigint");

    static const char *const doubles[] = {
        "0.1", "123.456", "1e300", "-2.5", "1e-300", "9007199254740993"};
    for (int k = 0; k < 6; k++) {
        n = value_of(a, "numeric", doubles[k]).num;
        cr_expect_eq(cu_numeric_to_float8(&n), strtod(doubles[k], NULL));
    }
    cr_assert_eq(cu_numeric_from_float8(0.1, a, &n, &err), 0);
    cr_expect_eq(n.scale, 1);
    cr_assert_eq(cu_numeric_from_float8(1.0 / 3, a, &n, &err), 0);
    cr_expect_eq(n.scale, 15);
    cr_assert_eq(cu_numeric_from_float8(1e20, a, &n, &err), 0);
    cr_expect_eq(n.scale, 0);
    cr_assert_eq(cu_numeric_from_float8(-INFINITY, a, &n, &err), 0);
    cr_expect_eq(n.form, CU_NUM_NINF);
    cr_expect(isnan(cu_numeric_to_float8(&(cu_numeric){.form = CU_NUM_NAN})));
    cu_arena_free(a);
}

Test(numeric, arithmetic_obeys_its_laws)
{
    struct noise noise = {61};
    cu_type t = CU_TYPE(CU_T_NUMERIC);
    cu_arena *a = cu_arena_new(0);
    for (int i = 0; i < 5000; i++) {
        cu_numeric x = noise_value(&noise, t, a).num;
        cu_numeric y = noise_value(&noise, t, a).num, s, d, p, q;
        cr_assert_eq(cu_numeric_add(&x, &y, a, &s, NULL), 0);
        cr_assert_eq(cu_numeric_sub(&s, &y, a, &d, NULL), 0);
        if (x.form <= CU_NUM_BIG && y.form <= CU_NUM_BIG) {
            cr_assert_eq(cu_numeric_cmp(&d, &x), 0, "(x + y) - y = x");
            /* x = y * trunc(x / y) + x % y */
            if (cu_numeric_sign(&y)) {
                cu_numeric rest;
                cr_assert_eq(cu_numeric_mod(&x, &y, a, &rest, NULL), 0);
                cr_assert_eq(cu_numeric_sub(&x, &rest, a, &p, NULL), 0);
                cr_assert_eq(cu_numeric_mod(&p, &y, a, &q, NULL), 0);
                cr_assert_eq(cu_numeric_sign(&q), 0);
            }
        }
        cr_assert_eq(cu_numeric_mul(&x, &y, a, &p, NULL), 0);
        cr_assert_eq(cu_numeric_mul(&y, &x, a, &q, NULL), 0);
        cr_assert_eq(cu_numeric_cmp(&p, &q), 0);
        cu_arena_reset(a);
    }
    cu_arena_free(a);
}
