#include "processors/operators/fsum.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

static double sum_of(const double *v, int n)
{
    cu_fsum s = {0};
    for (int i = 0; i < n; i++)
        cu_fsum_add(&s, v[i], 1);
    double result = cu_fsum_value(&s);
    cu_fsum_free(&s);
    return result;
}

#define SUM(...)                          \
    sum_of((const double[]){__VA_ARGS__}, \
           (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)))

Test(fsum, rounds_the_exact_sum_once)
{
    cr_assert_eq(SUM(0.1, 0.2), 0.1 + 0.2);
    cr_assert_eq(SUM(1e308, 1, -1e308), 1);
    cr_assert_eq(SUM(DBL_TRUE_MIN, 1, -1), DBL_TRUE_MIN);
    cr_assert_eq(SUM(1, DBL_EPSILON / 2), 1); /* a tie goes to even */
    cr_assert_eq(SUM(1, DBL_EPSILON / 2, DBL_TRUE_MIN), 1 + DBL_EPSILON);
    cr_assert_eq(SUM(1 + DBL_EPSILON, DBL_EPSILON / 2), 1 + 2 * DBL_EPSILON);
    cr_assert_eq(SUM(-3.5, 1.25), -2.25);
    cr_assert_eq(SUM(DBL_MAX, DBL_MAX, -DBL_MAX), DBL_MAX);
    cr_assert(isinf(SUM(DBL_MAX, DBL_MAX)));
    cr_assert_eq(SUM(DBL_MIN, -DBL_TRUE_MIN), DBL_MIN - DBL_TRUE_MIN);
    cr_assert_eq(SUM(0.0, -0.0), 0);
}

static uint64_t chance = 88172645463325252u;

static double draw(void)
{
    double v;
    do {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        memcpy(&v, &chance, sizeof(v));
    } while (!isfinite(v));
    return v;
}

Test(fsum, taking_values_back_in_any_order_leaves_the_bytes_of_before)
{
    enum { N = 200 };
    double v[N];
    for (int round = 0; round < 50; round++) {
        cu_fsum s = {0}, again = {0};
        cu_buf before = {0}, after = {0};
        cu_fsum_add(&s, draw(), 3);
        cu_fsum_put(&s, &before);
        for (int i = 0; i < N; i++)
            cu_fsum_add(&s, v[i] = draw(), i % 7 + 1);
        for (int i = N - 1; i >= 0; i -= 2)
            cu_fsum_add(&s, v[i], -(i % 7 + 1));
        cu_buf half = {0};
        cu_fsum_put(&s, &half);
        cu_scan from = cu_scan_of(cu_buf_slice(&half));
        cr_assert(cu_fsum_get(&again, &from));
        cr_assert_eq(cu_scan_left(&from), 0);
        for (int i = 0; i < N; i += 2)
            cu_fsum_add(&again, v[i], -(i % 7 + 1));
        cu_fsum_put(&again, &after);
        cr_assert(cu_slice_eq(cu_buf_slice(&before), cu_buf_slice(&after)));
        cu_buf_free(&before);
        cu_buf_free(&after);
        cu_buf_free(&half);
        cu_fsum_free(&s);
        cu_fsum_free(&again);
    }
}

Test(fsum, agrees_with_long_doubles_where_these_are_exact)
{
    for (int round = 0; round < 2000; round++) {
        cu_fsum s = {0};
        long double exact = 0;
        for (int i = 0; i < 20; i++) {
            double v = ldexp((double)((int64_t)(chance >> 40) - (1 << 23)),
                             (int)(chance >> 8) % 10);
            draw();
            cu_fsum_add(&s, v, 1);
            exact += (long double)v;
        }
        cr_assert_eq(cu_fsum_value(&s), (double)exact);
        cu_fsum_free(&s);
    }
}

Test(fsum, bytes_that_are_no_sum_are_refused)
{
    static const char bad[][6] = {{0, 0, 2, 1, 1, 1}, {2, 0, 0}, {0, 127, 9}};
    for (int i = 0; i < 3; i++) {
        cu_fsum s = {0};
        cu_scan from = cu_scan_of(cu_slice_n(bad[i], 6));
        cr_assert_not(cu_fsum_get(&s, &from));
        cu_fsum_free(&s);
    }
}
