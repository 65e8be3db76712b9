#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

static const char *const left = "k:int a:text";
static const char *const right = "k:int b:int";
static const char *const both = "k:int a:text k2:int b:int";
static const cu_pos nowhere = {-1, -1};

static cu_node *join(rig *r, cu_join_kind kind)
{
    bool half = kind == CU_JOIN_SEMI || kind == CU_JOIN_ANTI;
    return rig_join(r, CU_N_JOIN, kind, half ? left : both, rig_source(r, left),
                    rig_source(r, right), "0", "0");
}

static cu_expr *call(rig *r, const char *name, cu_expr *a, cu_expr *b)
{
    cu_expr **args = cu_arena_calloc(r->arena, 2, sizeof(*args));
    cu_expr *out;
    char hint[120];
    args[0] = a;
    args[1] = b;
    int rc = cu_expr_call(r->arena, name, args, 2, nowhere, &out, hint,
                          &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    return out;
}

static cu_expr *number(rig *r, int32_t v)
{
    cu_value value = {.type = CU_TYPE(CU_T_INT4), .i4 = v};
    return cu_expr_const(r->arena, &value, nowhere);
}

/* 10 / b > 2 */
static cu_expr *dividing(rig *r)
{
    cu_expr *b = cu_expr_col(r->arena, 3, CU_TYPE(CU_T_INT4), nowhere);
    return call(r, ">", call(r, "/", number(r, 10), b), number(r, 2));
}

/* --- the kinds ----------------------------------------------------------- */

static const char *const lefts = "1 x\n1 y\n2 z\nnull n\n";
static const char *const rights = "1 10\n3 30\n3 30\nnull 0\n";

Test(join, inner_pairs_rows_of_equal_keys)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, join(&r, CU_JOIN_INNER));
    rig_push(&r, 0, lefts);
    rig_push(&r, 1, rights);
    rig_expect(&r, rig_commit(&r), both, "1 x 1 10\n1 y 1 10\n");
    rig_reopen(&r);
    rig_push(&r, 1, "1 11\n2 20\n2 20\n");
    rig_push(&r, 0, "-1 | 1 y\n");
    rig_expect(&r, rig_commit(&r), both,
               "-1 | 1 y 1 10\n+1 | 1 x 1 11\n+2 | 2 z 2 20\n");
    rig_push(&r, 1, "-1 | 2 20\n");
    rig_expect(&r, rig_commit(&r), both, "-1 | 2 z 2 20\n");
    rig_close(&r);
}

Test(join, left_shows_nulls_until_a_match_comes)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, join(&r, CU_JOIN_LEFT));
    rig_push(&r, 0, lefts);
    rig_push(&r, 1, rights);
    rig_expect(&r, rig_commit(&r), both,
               "1 x 1 10\n1 y 1 10\n2 z null null\nnull n null null\n");
    rig_push(&r, 1, "2 20\n-1 | 1 10\n");
    rig_expect(&r, rig_commit(&r), both,
               "-1 | 2 z null null\n+1 | 2 z 2 20\n-1 | 1 x 1 10\n"
               "-1 | 1 y 1 10\n+1 | 1 x null null\n+1 | 1 y null null\n");
    rig_push(&r, 0, "-1 | null n\n");
    rig_expect(&r, rig_commit(&r), both, "-1 | null n null null\n");
    rig_close(&r);
}

Test(join, right_and_full_keep_the_rows_of_the_right)
{
    for (int full = 0; full < 2; full++) {
        rig r;
        rig_open(&r, 3);
        rig_start(&r, join(&r, full ? CU_JOIN_FULL : CU_JOIN_RIGHT));
        rig_push(&r, 0, lefts);
        rig_push(&r, 1, rights);
        rig_expect(&r, rig_commit(&r), both,
                   full ? "1 x 1 10\n1 y 1 10\n2 z null null\n"
                          "null n null null\n+2 | null null 3 30\n"
                          "+1 | null null null 0\n"
                        : "1 x 1 10\n1 y 1 10\n+2 | null null 3 30\n"
                          "+1 | null null null 0\n");
        rig_push(&r, 0, "3 w\n");
        rig_expect(&r, rig_commit(&r), both,
                   "-2 | null null 3 30\n+2 | 3 w 3 30\n");
        rig_close(&r);
    }
}

Test(join, semi_and_anti_give_left_rows_as_often_as_they_came)
{
    rig r;
    rig_open(&r, 4);
    rig_start(&r, join(&r, CU_JOIN_SEMI));
    rig_push(&r, 0, "1 x\n1 x\n2 y\nnull n\n");
    rig_push(&r, 1, "1 10\n1 11\n");
    rig_expect(&r, rig_commit(&r), left, "+2 | 1 x\n");
    rig_push(&r, 1, "-1 | 1 10\n2 20\n");
    rig_expect(&r, rig_commit(&r), left, "+1 | 2 y\n");
    rig_close(&r);
    rig_open(&r, 5);
    rig_start(&r, join(&r, CU_JOIN_ANTI));
    rig_push(&r, 0, "1 x\n1 x\n2 y\nnull n\n");
    rig_push(&r, 1, "1 10\n1 11\nnull 1\n");
    rig_expect(&r, rig_commit(&r), left, "2 y\nnull n\n");
    rig_reopen(&r);
    rig_push(&r, 1, "-1 | 1 10\n-1 | 1 11\n2 20\n");
    rig_expect(&r, rig_commit(&r), left, "-1 | 2 y\n+2 | 1 x\n");
    rig_close(&r);
}

Test(join, what_nets_to_nothing_emits_nothing)
{
    rig r;
    rig_open(&r, 6);
    r.env.cache_bytes = 0;
    rig_start(&r, join(&r, CU_JOIN_FULL));
    rig_push(&r, 0, lefts);
    rig_push(&r, 1, rights);
    rig_commit(&r);
    rig_push(&r, 0, "-1 | 1 x\n+1 | 1 x\n-1 | 2 z\n");
    rig_push(&r, 1, "+1 | 2 20\n-1 | 2 20\n-1 | 1 10\n+1 | 1 10\n");
    rig_push(&r, 0, "+1 | 2 z\n");
    cr_assert_eq(rig_try_commit(&r), 0);
    cr_assert_eq(r.emitted, 0);
    rig_close(&r);
}

Test(join, null_safe_keys_meet)
{
    rig r;
    rig_open(&r, 7);
    cu_node *n = join(&r, CU_JOIN_LEFT);
    static const bool safe[] = {true};
    n->join.null_safe = safe;
    rig_start(&r, n);
    rig_push(&r, 0, "null n\n1 x\n");
    rig_push(&r, 1, "null 5\n");
    rig_expect(&r, rig_commit(&r), both, "null n null 5\n1 x null null\n");
    rig_close(&r);
}

Test(join, a_residual_that_fails_is_reported_once_and_is_no_match)
{
    rig r;
    rig_open(&r, 8);
    cu_node *n = join(&r, CU_JOIN_LEFT);
    n->join.residual = dividing(&r);
    rig_start(&r, n);
    rig_push(&r, 0, "1 x\n");
    rig_push(&r, 1, "1 0\n1 9\n1 null\n");
    rig_expect(&r, rig_commit(&r), both, "1 x null null\n");
    cr_assert_str_eq(r.letters, "join - 22012 division by zero\n");
    rig_push(&r, 1, "-1 | 1 0\n+1 | 1 2\n");
    rig_expect(&r, rig_commit(&r), both, "-1 | 1 x null null\n+1 | 1 x 1 2\n");
    cr_assert_str_eq(r.letters, "join - 22012 division by zero\n");
    rig_close(&r);
}

Test(join, a_row_that_never_came_cannot_go, .signal = SIGABRT)
{
    rig r;
    rig_open(&r, 9);
    rig_start(&r, join(&r, CU_JOIN_INNER));
    rig_push(&r, 0, "+1 | 1 x\n-1 | 1 y\n");
    rig_try_commit(&r);
}

Test(join, the_lower_watermark_goes_on_at_the_commit)
{
    rig r;
    rig_open(&r, 10);
    rig_start(&r, join(&r, CU_JOIN_INNER));
    rig_watermark(&r, 0, 70);
    rig_commit(&r);
    cr_assert_eq(r.watermark, INT64_MIN);
    rig_watermark(&r, 1, 50);
    cr_assert_eq(r.watermark, INT64_MIN);
    rig_commit(&r);
    cr_assert_eq(r.watermark, 50);
    rig_close(&r);
}

/* --- cost ---------------------------------------------------------------- */

static uint64_t work_of(const rig *r)
{
    return cu_op_work(r->pipeline->root);
}

/* The work of one more row on each side of a key with `n` left rows. */
static void skewed(cu_join_kind kind, size_t cache, int n, uint64_t *on_left,
                   uint64_t *on_right)
{
    rig r;
    char row[40];
    rig_open(&r, 11);
    r.env.cache_bytes = cache;
    rig_start(&r, join(&r, kind));
    for (int i = 0; i < n; i++) {
        snprintf(row, sizeof(row), "1 v%d\n", i);
        rig_push(&r, 0, row);
    }
    rig_push(&r, 1, "1 7\n");
    rig_commit(&r);
    uint64_t before = work_of(&r);
    rig_push(&r, 0, "1 more\n");
    rig_commit(&r);
    *on_left = work_of(&r) - before;
    before = work_of(&r);
    rig_push(&r, 1, "1 8\n");
    rig_commit(&r);
    *on_right = work_of(&r) - before;
    rig_close(&r);
}

Test(join, a_change_costs_what_it_makes_whatever_the_size_of_its_key)
{
    for (int i = 0; i < 2; i++) { /* in memory, not in memory */
        size_t cache = i ? 4000 : 0;
        uint64_t l[2], r[2];
        skewed(CU_JOIN_INNER, cache, 300, &l[0], &r[0]);
        skewed(CU_JOIN_INNER, cache, 600, &l[1], &r[1]);
        cr_assert_leq(l[1], l[0]); /* one pair */
        cr_assert_lt(r[1], 2 * r[0] + 20);
        cr_assert_geq(r[1], 600); /* as many pairs as rows */
        /* A second right row changes nothing that a semi join shows. */
        skewed(CU_JOIN_SEMI, cache, 300, &l[0], &r[0]);
        skewed(CU_JOIN_SEMI, cache, 600, &l[1], &r[1]);
        cr_assert_leq(l[1], l[0]);
        cr_assert_leq(r[1], r[0]);
        cr_assert_lt(r[1], 20);
    }
}

Test(join, many_changes_to_a_key_in_one_commit_cost_their_net_effect)
{
    rig r;
    rig_open(&r, 12);
    r.env.cache_bytes = 0;
    rig_start(&r, join(&r, CU_JOIN_LEFT));
    rig_push(&r, 1, "1 0\n");
    for (int i = 0; i < 200; i++)
        rig_push(&r, 0, "1 x\n1 y\n-1 | 1 x\n+1 | 1 x\n");
    rig_commit(&r);
    uint64_t before = work_of(&r);
    for (int i = 0; i < 100; i++)
        rig_push(&r, 1, "-1 | 1 0\n+1 | 1 1\n-1 | 1 1\n+1 | 1 0\n");
    rig_push(&r, 1, "-1 | 1 0\n+1 | 1 1\n");
    rig_expect(&r, rig_commit(&r), both,
               "-200 | 1 x 1 0\n-200 | 1 y 1 0\n+200 | 1 x 1 1\n"
               "+200 | 1 y 1 1\n");
    cr_assert_lt(work_of(&r) - before, 402 + 30); /* 402 rows in */
    rig_close(&r);
}

/* --- forgetting ---------------------------------------------------------- */

static const char *const timed = "k:int t:date v:int";
static const char *const pairs = "k:int t:date v:int k2:int t2:date v2:int";

/* right.t - left.t within [0, 2] days */
static cu_node *interval(rig *r, cu_join_kind kind)
{
    cu_node *n = rig_join(r, CU_N_JOIN, kind, pairs, rig_source(r, timed),
                          rig_source(r, timed), "0", "0");
    cu_type date = CU_TYPE(CU_T_DATE);
    cu_expr *gap = call(r, "-", cu_expr_col(r->arena, 4, date, nowhere),
                        cu_expr_col(r->arena, 1, date, nowhere));
    cu_expr **both_ends = cu_arena_calloc(r->arena, 2, sizeof(*both_ends));
    both_ends[0] = call(r, ">=", gap, number(r, 0));
    both_ends[1] = call(r, "<=", gap, number(r, 2));
    n->join.residual = cu_expr_nary(r->arena, CU_E_AND, CU_TYPE(CU_T_BOOL),
                                    both_ends, 2, nowhere);
    n->join.left_time = n->join.right_time = 2;
    n->join.upper_us = INT64_C(2) * 86400 * 1000000;
    return n;
}

static int64_t day(int d)
{
    return (int64_t)(d - 1) * 86400 * 1000000; /* of January 2000 */
}

Test(join, an_interval_join_forgets_what_can_meet_nothing_more)
{
    rig r;
    rig_open(&r, 13);
    rig_start(&r, interval(&r, CU_JOIN_FULL));
    rig_push(&r, 0, "1 2000-01-01 1\n1 2000-01-05 2\n1 null 3\n");
    rig_push(&r, 1, "1 2000-01-03 1\n1 2000-01-04 2\n1 2000-01-08 3\n");
    rig_expect(
        &r, rig_commit(&r), pairs,
        "1 2000-01-01 1 1 2000-01-03 1\n"
        "1 2000-01-05 2 null null null\n1 null 3 null null null\n"
        "null null null 1 2000-01-04 2\nnull null null 1 2000-01-08 3\n");
    /* Left: done below the 6th; right: below the 4th. */
    rig_watermark(&r, 0, day(4));
    rig_watermark(&r, 1, day(8));
    rig_expect(&r, rig_commit(&r), pairs, "");
    rig_reopen(&r);
    rig_push(&r, 0, "1 2000-01-03 9\n-1 | 1 2000-01-01 1\n");
    rig_push(&r, 1, "1 2000-01-03 9\n");
    rig_expect(&r, rig_commit(&r), pairs, "");
    cr_assert_str_eq(r.late, "1 2000-01-03 9\n1 2000-01-03 9\n");
    rig_push(&r, 0, "1 2000-01-06 4\n");
    rig_expect(&r, rig_commit(&r), pairs,
               "-1 | null null null 1 2000-01-08 3\n"
               "+1 | 1 2000-01-06 4 1 2000-01-08 3\n");
    rig_watermark(&r, 0, day(90));
    rig_watermark(&r, 1, day(90));
    rig_commit(&r);
    cr_assert_eq(rig_state_keys(&r), 1); /* the watermarks */
    rig_close(&r);
}

/* A row of the n-th day since 2000. */
static void day_row(char *row, size_t size, int k, int d)
{
    static const int starts[] = {0,   31,  60,  91,  121, 152, 182,
                                 213, 244, 274, 305, 335, 366};
    int m = 0;
    while (starts[m + 1] <= d)
        m++;
    snprintf(row, size, "%d 2000-%02d-%02d %d\n", k, m + 1, d - starts[m] + 1,
             d);
}

static void stays_flat(rig *r, int days)
{
    char row[64];
    unsigned most = 0;
    uint64_t early = 0, before = 0;
    for (int d = 0; d < days; d++) {
        for (int k = 0; k < 12; k++) {
            day_row(row, sizeof(row), k % 3, d);
            rig_push(r, (unsigned)k % 2, row);
        }
        rig_watermark(r, 0, day(d + 1));
        rig_watermark(r, 1, day(d + 1));
        before = work_of(r);
        rig_commit(r);
        unsigned keys = rig_state_keys(r);
        if (d == 20) {
            most = keys + 4;
            early = work_of(r) - before;
        }
        if (d > 20)
            cr_assert_leq(keys, most, "day %d: %u keys", d, keys);
    }
    cr_assert_leq(work_of(r) - before, early + 20);
}

Test(join, a_row_on_time_meets_what_an_input_that_is_ahead_had)
{
    rig r;
    rig_open(&r, 13);
    rig_start(&r, interval(&r, CU_JOIN_LEFT));
    rig_push(&r, 1, "1 2000-01-05 1\n1 2000-01-20 2\n");
    rig_watermark(&r, 0, day(3));
    rig_watermark(&r, 1, day(20));
    rig_expect(&r, rig_commit(&r), pairs, "");
    rig_reopen(&r);
    rig_push(&r, 0, "1 2000-01-04 1\n1 2000-01-07 2\n1 2000-01-02 3\n");
    rig_expect(&r, rig_commit(&r), pairs,
               "1 2000-01-04 1 1 2000-01-05 1\n"
               "1 2000-01-07 2 null null null\n");
    cr_assert_str_eq(r.late, "1 2000-01-02 3\n");
    rig_watermark(&r, 0, day(90));
    rig_watermark(&r, 1, day(90));
    rig_commit(&r);
    cr_assert_eq(rig_state_keys(&r), 1); /* the watermarks */
    rig_close(&r);
}

Test(join, the_state_of_an_interval_join_stays_flat)
{
    rig r;
    rig_open(&r, 14);
    r.env.cache_bytes = 4000;
    rig_start(&r, interval(&r, CU_JOIN_LEFT));
    stays_flat(&r, 300);
    rig_close(&r);
}

static cu_node *windowed(rig *r, cu_join_kind kind)
{
    cu_node *n = rig_join(r, CU_N_JOIN, kind, pairs, rig_source(r, timed),
                          rig_source(r, timed), "1 0", "1 0");
    n->join.closing = (cu_closing){.on = true, .delay = {.days = 1}};
    return n;
}

Test(join, the_state_of_a_window_join_stays_flat)
{
    rig r;
    rig_open(&r, 15);
    r.env.cache_bytes = 4000;
    rig_start(&r, windowed(&r, CU_JOIN_FULL));
    stays_flat(&r, 300);
    rig_close(&r);
}

Test(join, a_row_for_a_closed_window_is_late)
{
    rig r;
    rig_open(&r, 16);
    rig_start(&r, windowed(&r, CU_JOIN_LEFT));
    rig_push(&r, 0, "1 2000-01-01 1\n1 2000-01-02 2\n");
    rig_watermark(&r, 0, day(9));
    rig_watermark(&r, 1, day(2));
    rig_commit(&r);
    rig_push(&r, 1, "1 2000-01-01 5\n1 2000-01-02 6\n");
    rig_push(&r, 0, "-1 | 1 2000-01-01 1\n");
    rig_expect(&r, rig_commit(&r), pairs,
               "-1 | 1 2000-01-02 2 null null null\n"
               "+1 | 1 2000-01-02 2 1 2000-01-02 6\n");
    cr_assert_str_eq(r.late, "1 2000-01-01 5\n");
    rig_close(&r);
}
