#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* g: group, n: int, f: float8, d: numeric, t: text, b: bool */
static const char *const in = "g:int n:int f:float8 d:numeric t:text b:bool";

static cu_node *one_call(rig *r, const char *schema, cu_agg agg, int arg)
{
    cu_node *n = rig_aggregate(r, schema, rig_source(r, in), "0");
    rig_call(r, n, agg, arg, false, -1);
    return n;
}

Test(aggregate, counts_and_sums_per_group)
{
    const char *schema = "g:int c:int8 s:int8 a:numeric";
    rig r;
    rig_open(&r, 1);
    cu_node *n = rig_aggregate(&r, schema, rig_source(&r, in), "0");
    rig_call(&r, n, CU_AGG_COUNT_STAR, -1, false, -1);
    rig_call(&r, n, CU_AGG_SUM, 1, false, -1);
    rig_call(&r, n, CU_AGG_AVG, 1, false, -1);
    rig_start(&r, n);
    rig_push(&r, 0, "1 10 0 0 x true\n1 11 0 0 x true\n2 null 0 0 x true\n");
    rig_expect(&r, rig_commit(&r), schema,
               "1 2 21 10.5000000000000000\n2 1 null null\n");
    rig_push(&r, 0, "-1 | 1 11 0 0 x true\n");
    rig_expect(&r, rig_commit(&r), schema,
               "-1 | 1 2 21 10.5000000000000000\n"
               "+1 | 1 1 10 10.0000000000000000\n");
    rig_push(&r, 0, "-1 | 1 10 0 0 x true\n-1 | 2 null 0 0 x true\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), schema, "");
    rig_close(&r);
}

Test(aggregate, what_cancels_emits_and_writes_nothing)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, one_call(&r, "g:int s:int8", CU_AGG_SUM, 1));
    rig_push(&r, 0, "1 10 0 0 x true\n");
    rig_commit(&r);
    rig_push(&r, 0, "+1 | 1 5 0 0 x true\n+1 | 7 5 0 0 x true\n");
    rig_push(&r, 0, "-1 | 1 5 0 0 x true\n-1 | 7 5 0 0 x true\n");
    cr_assert_eq(rig_try_commit(&r), 0);
    cr_assert_eq(r.emitted, 0);
    cr_assert_eq(cu_space_dirty_keys(r.space), 0);
    rig_close(&r);
}

Test(aggregate, a_global_aggregate_has_a_row_for_empty_input)
{
    const char *schema = "c:int8 s:int8";
    rig r;
    rig_open(&r, 3);
    cu_node *n = rig_aggregate(&r, schema, rig_source(&r, in), "");
    rig_call(&r, n, CU_AGG_COUNT_STAR, -1, false, -1);
    rig_call(&r, n, CU_AGG_SUM, 1, false, -1);
    rig_start(&r, n);
    cr_assert_eq(cu_pipeline_first_start(r.pipeline, &r.err), 0);
    rig_expect(&r, rig_commit(&r), schema, "0 null\n");
    rig_reopen(&r);
    rig_push(&r, 0, "1 4 0 0 x true\n");
    rig_expect(&r, rig_commit(&r), schema, "-1 | 0 null\n+1 | 1 4\n");
    rig_push(&r, 0, "-1 | 1 4 0 0 x true\n");
    rig_expect(&r, rig_commit(&r), schema, "-1 | 1 4\n+1 | 0 null\n");
    rig_close(&r);
}

Test(aggregate, distinct_rows_are_groups_without_calls)
{
    rig r;
    rig_open(&r, 4);
    cu_node *n = rig_aggregate(&r, "t:text g:int", rig_source(&r, in), "4 0");
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 0 0 x true\n1 2 0 0 x true\n1 1 0 0 null true\n");
    rig_expect(&r, rig_commit(&r), "t:text g:int", "x 1\nnull 1\n");
    rig_push(&r, 0, "-1 | 1 1 0 0 x true\n");
    rig_expect(&r, rig_commit(&r), "t:text g:int", "");
    rig_push(&r, 0, "-1 | 1 2 0 0 x true\n");
    rig_expect(&r, rig_commit(&r), "t:text g:int", "-1 | x 1\n");
    rig_close(&r);
}

Test(aggregate, equal_numerics_are_one_group_that_shows_the_first)
{
    rig r;
    rig_open(&r, 5);
    cu_node *n = rig_aggregate(&r, "d:numeric c:int8", rig_source(&r, in), "3");
    rig_call(&r, n, CU_AGG_COUNT_STAR, -1, false, -1);
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 0 1.0 x true\n1 1 0 1.00 x true\n");
    rig_expect(&r, rig_commit(&r), "d:numeric c:int8", "1.0 2\n");
    rig_push(&r, 0, "-1 | 1 1 0 1.0 x true\n");
    rig_expect(&r, rig_commit(&r), "d:numeric c:int8",
               "-1 | 1.0 2\n+1 | 1.0 1\n");
    rig_push(&r, 0, "-1 | 1 1 0 1.00 x true\n+1 | 1 1 0 1.000 x true\n");
    rig_expect(&r, rig_commit(&r), "d:numeric c:int8",
               "-1 | 1.0 1\n+1 | 1.000 1\n");
    rig_close(&r);
}

Test(aggregate, numeric_sums_show_the_largest_scale_that_is_there)
{
    rig r;
    rig_open(&r, 6);
    rig_start(&r, one_call(&r, "g:int s:numeric", CU_AGG_SUM, 3));
    rig_push(&r, 0, "1 1 0 1.5 x true\n1 1 0 2.250 x true\n");
    rig_expect(&r, rig_commit(&r), "g:int s:numeric", "1 3.750\n");
    rig_push(&r, 0, "-1 | 1 1 0 2.250 x true\n");
    rig_expect(&r, rig_commit(&r), "g:int s:numeric",
               "-1 | 1 3.750\n+1 | 1 1.5\n");
    rig_push(&r, 0, "1 1 0 NaN x true\n");
    rig_expect(&r, rig_commit(&r), "g:int s:numeric",
               "-1 | 1 1.5\n+1 | 1 NaN\n");
    rig_push(&r, 0,
             "-1 | 1 1 0 NaN x true\n"
             "+3 | 1 1 0 1e40 x true\n");
    rig_expect(&r, rig_commit(&r), "g:int s:numeric",
               "-1 | 1 NaN\n"
               "+1 | 1 30000000000000000000000000000000000000001.5\n");
    rig_reopen(&r);
    rig_push(&r, 0, "-3 | 1 1 0 1e40 x true\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), "g:int s:numeric", "1 1.5\n");
    rig_close(&r);
}

Test(aggregate, float_sums_leave_no_residue)
{
    rig r;
    rig_open(&r, 7);
    rig_start(&r, one_call(&r, "g:int s:float8", CU_AGG_SUM, 2));
    rig_push(&r, 0, "1 1 0.1 0 x true\n");
    rig_expect(&r, rig_commit(&r), "g:int s:float8", "1 0.1\n");
    rig_push(&r, 0,
             "+1 | 1 1 1e300 0 x true\n+1 | 1 1 -7e-300 0 x true\n"
             "+1 | 1 1 Infinity 0 x true\n");
    rig_expect(&r, rig_commit(&r), "g:int s:float8",
               "-1 | 1 0.1\n+1 | 1 Infinity\n");
    rig_push(&r, 0,
             "-1 | 1 1 1e300 0 x true\n-1 | 1 1 -7e-300 0 x true\n"
             "-1 | 1 1 Infinity 0 x true\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), "g:int s:float8", "1 0.1\n");
    rig_close(&r);
}

Test(aggregate, min_and_max_survive_deletes)
{
    const char *schema = "g:int lo:text hi:text";
    rig r;
    rig_open(&r, 8);
    cu_node *n = rig_aggregate(&r, schema, rig_source(&r, in), "0");
    rig_call(&r, n, CU_AGG_MIN, 4, false, -1);
    rig_call(&r, n, CU_AGG_MAX, 4, false, -1);
    rig_start(&r, n);
    rig_push(&r, 0,
             "1 1 0 0 b true\n1 1 0 0 c true\n1 1 0 0 a true\n"
             "1 1 0 0 null true\n");
    rig_expect(&r, rig_commit(&r), schema, "1 a c\n");
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 1 1 0 0 c true\n-1 | 1 1 0 0 a true\n");
    rig_expect(&r, rig_commit(&r), schema, "-1 | 1 a c\n+1 | 1 b b\n");
    rig_push(&r, 0, "-1 | 1 1 0 0 b true\n");
    rig_expect(&r, rig_commit(&r), schema, "-1 | 1 b b\n+1 | 1 null null\n");
    rig_close(&r);
}

Test(aggregate, append_only_min_keeps_no_values)
{
    rig r;
    rig_open(&r, 9);
    cu_node *source = rig_source(&r, in);
    source->append_only = true;
    cu_node *n = rig_aggregate(&r, "g:int lo:text hi:int", source, "0");
    rig_call(&r, n, CU_AGG_MIN, 4, false, -1);
    rig_call(&r, n, CU_AGG_MAX, 1, false, -1);
    rig_start(&r, n);
    rig_push(&r, 0, "1 -4 0 0 b true\n1 -9 0 0 c true\n1 -5 0 0 a true\n");
    cr_assert_eq(rig_try_commit(&r), 0);
    cr_assert_eq(cu_space_dirty_keys(r.space), 1);
    rig_expect(&r, rig_commit(&r), "g:int lo:text hi:int", "1 a -4\n");
    rig_reopen(&r);
    rig_push(&r, 0, "1 -3 0 0 null true\n");
    rig_expect(&r, rig_commit(&r), "g:int lo:text hi:int",
               "-1 | 1 a -4\n+1 | 1 a -3\n");
    rig_close(&r);
}

Test(aggregate, distinct_calls_count_a_value_once)
{
    const char *schema = "g:int c:int8 s:int8";
    rig r;
    rig_open(&r, 10);
    cu_node *n = rig_aggregate(&r, schema, rig_source(&r, in), "0");
    rig_call(&r, n, CU_AGG_COUNT, 4, true, -1);
    rig_call(&r, n, CU_AGG_SUM, 1, true, -1);
    rig_start(&r, n);
    rig_push(&r, 0,
             "1 5 0 0 a true\n1 5 0 0 b true\n1 6 0 0 a true\n"
             "1 null 0 0 null true\n");
    rig_expect(&r, rig_commit(&r), schema, "1 2 11\n");
    rig_push(&r, 0, "-1 | 1 5 0 0 a true\n");
    rig_expect(&r, rig_commit(&r), schema, "");
    rig_push(&r, 0, "-1 | 1 5 0 0 b true\n");
    rig_expect(&r, rig_commit(&r), schema, "-1 | 1 2 11\n+1 | 1 1 6\n");
    rig_close(&r);
}

Test(aggregate, filters_choose_rows)
{
    const char *schema = "g:int c:int8 a:bool o:bool";
    rig r;
    rig_open(&r, 11);
    cu_node *n = rig_aggregate(&r, schema, rig_source(&r, in), "0");
    rig_call(&r, n, CU_AGG_COUNT_STAR, -1, false, 5);
    rig_call(&r, n, CU_AGG_BOOL_AND, 5, false, -1);
    rig_call(&r, n, CU_AGG_BOOL_OR, 5, false, -1);
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 0 0 x true\n1 1 0 0 x false\n1 1 0 0 x null\n");
    rig_expect(&r, rig_commit(&r), schema, "1 1 false true\n");
    rig_push(&r, 0, "-1 | 1 1 0 0 x false\n");
    rig_expect(&r, rig_commit(&r), schema,
               "-1 | 1 1 false true\n+1 | 1 1 true true\n");
    rig_push(&r, 0, "-1 | 1 1 0 0 x true\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), schema, "1 0 null null\n");
    rig_close(&r);
}

Test(aggregate, a_sum_that_does_not_fit_is_a_letter_and_no_row)
{
    const char *wide = "g:int n:int8";
    rig r;
    rig_open(&r, 12);
    cu_node *n = rig_aggregate(&r, "g:int s:numeric", rig_source(&r, wide),
                               "0");
    rig_call(&r, n, CU_AGG_SUM, 1, false, -1);
    rig_start(&r, n);
    rig_push(&r, 0, "+3 | 1 9223372036854775807\n");
    rig_expect(&r, rig_commit(&r), "g:int s:numeric",
               "1 27670116110564327421\n");
    rig_close(&r);
    rig_open(&r, 13);
    rig_start(&r, one_call(&r, "g:int s:int8", CU_AGG_SUM, 1));
    rig_push(&r, 0, "1 10 0 0 x true\n2 10 0 0 x true\n");
    rig_expect(&r, rig_commit(&r), "g:int s:int8", "1 10\n2 10\n");
    for (int i = 0; i < 3; i++)
        rig_push(&r, 0, "+2147483647 | 1 2147483647 0 0 x true\n");
    rig_push(&r, 0, "2 1 0 0 x true\n");
    rig_expect(&r, rig_commit(&r), "g:int s:int8",
               "-1 | 1 10\n-1 | 2 10\n+1 | 2 11\n");
    cr_assert_str_eq(r.letters, "aggregate s 22003 bigint out of range\n");
    rig_push(&r, 0, "-2147483647 | 1 2147483647 0 0 x true\n");
    rig_expect(&r, rig_commit(&r), "g:int s:int8", "1 9223372028264841228\n");
    rig_close(&r);
}

Test(aggregate, intervals_add_up_and_divide)
{
    const char *schema = "g:int s:interval a:interval";
    rig r;
    rig_open(&r, 14);
    cu_node *n = rig_aggregate(&r, schema, rig_source(&r, "g:int i:interval"),
                               "0");
    rig_call(&r, n, CU_AGG_SUM, 1, false, -1);
    rig_call(&r, n, CU_AGG_AVG, 1, false, -1);
    rig_start(&r, n);
    rig_push(&r, 0, "1 '1 mon 1 day'\n1 '2 days 01:00:00'\n");
    rig_expect(&r, rig_commit(&r), schema,
               "1 '1 mon 3 days 01:00:00' '16 days 12:30:00'\n");
    rig_close(&r);
}

Test(aggregate, a_row_that_never_came_cannot_go, .signal = SIGABRT)
{
    rig r;
    rig_open(&r, 15);
    rig_start(&r, one_call(&r, "g:int s:int8", CU_AGG_SUM, 1));
    rig_push(&r, 0, "-1 | 1 10 0 0 x true\n");
}

/* --- against recomputation ----------------------------------------------- */

enum { ROWS = 48, GROUPS = 4, MANY = 40 };

typedef struct row {
    int group, n, text, count;
} row;

typedef struct model {
    row rows[ROWS];
    unsigned changes; /* at most, in one push */
} model;

static void put_row(char *text, size_t *len, const row *x, int w)
{
    char n[16] = "null", t[16] = "null";
    if (x->n != 9)
        snprintf(n, sizeof(n), "%d", x->n - 3);
    if (x->text != 3)
        snprintf(t, sizeof(t), "t%d", x->text);
    *len += (size_t)sprintf(text + *len, "%+d | %d %s %g %d.%0*d %s %s\n", w,
                            x->group, n, x->n * 0.1, x->n, 1 + x->text, x->n, t,
                            x->n % 2 ? "true" : "false");
}

static void change(rig *r, model *m)
{
    char text[8192];
    size_t len = 0;
    for (unsigned i = 1 + rig_draw(r, m->changes); i > 0; i--) {
        row *x = &m->rows[rig_draw(r, ROWS)];
        int w = (int)rig_draw(r, 3) + 1;
        if (x->count > 0 && rig_draw(r, 2))
            w = -(1 + (int)rig_draw(r, (unsigned)x->count));
        x->count += w;
        put_row(text, &len, x, w);
    }
    rig_push(r, 0, text);
}

typedef struct naive {
    long rows, n, sum, distinct, distinct_sum, lo, hi, text_lo, text_hi, yes;
    double fsum;
} naive;

static naive compute(const model *m, int g)
{
    naive a = {.lo = 99, .hi = -99, .text_lo = 99, .text_hi = -99};
    bool seen[10] = {0};
    for (int i = 0; i < ROWS; i++) {
        const row *x = &m->rows[i];
        if (x->group != g || !x->count)
            continue;
        a.rows += x->count;
        a.fsum += x->n * x->count;
        a.yes += x->n % 2 ? x->count : 0;
        if (x->text != 3 && x->text < a.text_lo)
            a.text_lo = x->text;
        if (x->text != 3 && x->text > a.text_hi)
            a.text_hi = x->text;
        if (x->n == 9)
            continue;
        long v = x->n - 3;
        a.n += x->count;
        a.sum += v * x->count;
        a.lo = v < a.lo ? v : a.lo;
        a.hi = v > a.hi ? v : a.hi;
        if (!seen[x->n]) {
            seen[x->n] = true;
            a.distinct++;
            a.distinct_sum += v;
        }
    }
    return a;
}

static void put_result(char *text, size_t *len, int g, const naive *a)
{
    char *p = text + *len;
    p += sprintf(p, "%d %ld %ld", g, a->rows, a->n);
    p += a->n ? sprintf(p, " %ld", a->sum) : sprintf(p, " null");
    p += sprintf(p, " %ld", a->distinct);
    p += a->n ? sprintf(p, " %ld", a->distinct_sum) : sprintf(p, " null");
    p += a->n ? sprintf(p, " %ld %ld", a->lo, a->hi) : sprintf(p, " null null");
    p += a->text_lo < 99 ? sprintf(p, " t%ld t%ld", a->text_lo, a->text_hi)
                         : sprintf(p, " null null");
    p += sprintf(p, " %ld\n", a->yes);
    *len = (size_t)(p - text);
}

static cu_node *everything(rig *r, const char *schema)
{
    cu_node *n = rig_aggregate(r, schema, rig_source(r, in), "0");
    rig_call(r, n, CU_AGG_COUNT_STAR, -1, false, -1);
    rig_call(r, n, CU_AGG_COUNT, 1, false, -1);
    rig_call(r, n, CU_AGG_SUM, 1, false, -1);
    rig_call(r, n, CU_AGG_COUNT, 1, true, -1);
    rig_call(r, n, CU_AGG_SUM, 1, true, -1);
    rig_call(r, n, CU_AGG_MIN, 1, false, -1);
    rig_call(r, n, CU_AGG_MAX, 1, false, -1);
    rig_call(r, n, CU_AGG_MIN, 4, false, -1);
    rig_call(r, n, CU_AGG_MAX, 4, true, -1);
    rig_call(r, n, CU_AGG_COUNT_STAR, -1, false, 5);
    return n;
}

static void recompute(int groups, unsigned changes)
{
    const char *schema = "g:int c:int8 n:int8 s:int8 cd:int8 sd:int8 lo:int "
                         "hi:int tlo:text thi:text yes:int8";
    for (uint64_t seed = 1; seed <= 40; seed++) {
        rig r;
        model now = {.changes = changes}, committed;
        rig_open(&r, seed);
        for (int i = 0; i < ROWS; i++)
            now.rows[i] = (row){(int)rig_draw(&r, (unsigned)groups),
                                (int)rig_draw(&r, 10), (int)rig_draw(&r, 4), 0};
        committed = now;
        rig_start(&r, everything(&r, schema));
        for (int round = 0; round < 30; round++) {
            for (unsigned i = rig_draw(&r, 5); i > 0; i--)
                change(&r, &now);
            if (rig_draw(&r, 4) == 0) {
                rig_abort(&r);
                now = committed;
                continue;
            }
            rig_commit(&r);
            committed = now;
            char text[4096] = "";
            size_t len = 0;
            for (int g = 0; g < groups; g++) {
                naive a = compute(&now, g);
                if (a.rows)
                    put_result(text, &len, g, &a);
            }
            rig_expect(&r, rig_integral(&r), schema, text);
            if (rig_draw(&r, 4) == 0)
                rig_reopen(&r);
        }
        rig_close(&r);
    }
}

Test(aggregate, equals_recomputation_whatever_the_cuts)
{
    recompute(GROUPS, 12);
}

/* Many groups that are not in memory wait for the commit. */
Test(aggregate, many_cold_groups_equal_recomputation)
{
    recompute(MANY, MANY);
}

Test(aggregate, rows_that_wait_for_their_groups_keep_their_order)
{
    const char *schema = "d:numeric c:int8 s:int8";
    char first[1024] = "", then[1024] = "", want[1024] = "";
    size_t a = 0, b = 0, w = 0;
    rig r;
    rig_open(&r, 3);
    cu_node *n = rig_aggregate(&r, schema, rig_source(&r, in), "3");
    rig_call(&r, n, CU_AGG_COUNT_STAR, -1, false, -1);
    rig_call(&r, n, CU_AGG_SUM, 1, false, -1);
    rig_start(&r, n);
    for (int i = 0; i < 20; i++) {
        a += (size_t)sprintf(first + a, "0 %d 0 %d.0 x true\n", i, i);
        b += (size_t)sprintf(then + b, "0 1 0 %d.000 x true\n", i);
        w += (size_t)sprintf(want + w, "%d.0 2 %d\n", i, i + 1);
    }
    rig_push(&r, 0, first);
    rig_push(&r, 0, then);
    rig_expect(&r, rig_commit(&r), schema, want);
    rig_reopen(&r);
    rig_push(&r, 0, then);
    rig_abort(&r);
    rig_expect(&r, rig_integral(&r), schema, want);
    rig_close(&r);
}

/* After everything was taken back, nothing is left: no row, no state. */
Test(aggregate, taking_all_rows_back_leaves_nothing)
{
    const char *schema = "g:int s:float8 a:float8 d:numeric x:numeric "
                         "lo:numeric hi:float8 c:int8 y:numeric";
    for (uint64_t seed = 1; seed <= 20; seed++) {
        rig r;
        model now = {.changes = 12};
        char text[8192];
        size_t len = 0;
        rig_open(&r, seed);
        for (int i = 0; i < ROWS; i++)
            now.rows[i] = (row){(int)rig_draw(&r, GROUPS),
                                (int)rig_draw(&r, 10), (int)rig_draw(&r, 4), 0};
        cu_node *n = rig_aggregate(&r, schema, rig_source(&r, in), "0");
        rig_call(&r, n, CU_AGG_SUM, 2, false, -1);
        rig_call(&r, n, CU_AGG_AVG, 2, false, -1);
        rig_call(&r, n, CU_AGG_SUM, 3, false, -1);
        rig_call(&r, n, CU_AGG_AVG, 3, false, -1);
        rig_call(&r, n, CU_AGG_MIN, 3, false, -1);
        rig_call(&r, n, CU_AGG_MAX, 2, false, -1);
        rig_call(&r, n, CU_AGG_COUNT, 3, true, -1);
        rig_call(&r, n, CU_AGG_SUM, 3, true, -1);
        rig_start(&r, n);
        for (int round = 0; round < 10; round++) {
            change(&r, &now);
            rig_commit(&r);
            if (rig_draw(&r, 3) == 0)
                rig_reopen(&r);
        }
        for (int i = 0; i < ROWS; i++)
            if (now.rows[i].count)
                put_row(text, &len, &now.rows[i], -now.rows[i].count);
        if (len)
            rig_push(&r, 0, text);
        rig_commit(&r);
        rig_expect(&r, rig_integral(&r), schema, "");
        uint64_t digest;
        cr_assert_eq(cu_space_digest(r.space, &digest, &r.err), 0);
        cr_assert_eq(digest, 0);
        rig_close(&r);
    }
}
