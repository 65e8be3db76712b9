#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const in = "f:timestamptz u:timestamptz v:int";

static cu_node *filtered(rig *r, bool from, bool until)
{
    cu_node *n = rig_node(r, CU_N_TEMPORAL, in, rig_source(r, in));
    n->temporal.from = from ? 1 : 0;
    n->temporal.until = until ? 2 : 0;
    return n;
}

static int64_t due(rig *r)
{
    return cu_pipeline_due(r->pipeline);
}

static void clock_is(rig *r, const char *timestamp)
{
    r->expr_env.now_us = rig_time(r, timestamp);
}

Test(temporal, rows_come_and_go_as_the_clock_passes)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, filtered(&r, true, true));
    cr_assert_eq(due(&r), INT64_MAX);
    clock_is(&r, "2020-01-01 12:00");
    rig_push(&r, 0,
             "'2020-01-01 11:00+00' '2020-01-01 13:00+00' 1\n"
             "'2020-01-01 12:30+00' '2020-01-01 13:00+00' 2\n"
             "'2020-01-01 12:00+00' '2020-01-01 12:10+00' 3\n"
             "'2020-01-01 11:00+00' '2020-01-01 12:00+00' 4\n"
             "'2020-01-01 13:00+00' '2020-01-01 12:00+00' 5\n"
             "null '2020-01-01 13:00+00' 6\n'2020-01-01 11:00+00' null 7\n"
             "-infinity infinity 8\n");
    rig_expect(&r, rig_commit(&r), in,
               "'2020-01-01 11:00+00' '2020-01-01 13:00+00' 1\n"
               "'2020-01-01 12:00+00' '2020-01-01 12:10+00' 3\n"
               "-infinity infinity 8\n");
    cr_assert_eq(due(&r), rig_time(&r, "2020-01-01 12:10"));
    clock_is(&r, "2020-01-01 12:30");
    rig_expect(&r, rig_commit(&r), in,
               "-1 | '2020-01-01 12:00+00' '2020-01-01 12:10+00' 3\n"
               "+1 | '2020-01-01 12:30+00' '2020-01-01 13:00+00' 2\n");
    rig_reopen(&r);
    cr_assert_eq(due(&r), rig_time(&r, "2020-01-01 13:00"));
    clock_is(&r, "2020-01-02");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), in, "-infinity infinity 8\n");
    cr_assert_eq(due(&r), INT64_MAX);
    rig_close(&r);
}

Test(temporal, a_row_that_is_not_visible_goes_silently)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, filtered(&r, true, true));
    clock_is(&r, "2020-01-01");
    rig_push(&r, 0,
             "'2020-02-01+00' '2020-03-01+00' 1\n"
             "'2019-02-01+00' '2019-03-01+00' 2\n");
    cr_assert_str_eq(rig_commit(&r), "");
    rig_push(&r, 0,
             "-1 | '2020-02-01+00' '2020-03-01+00' 1\n"
             "-1 | '2019-02-01+00' '2019-03-01+00' 2\n");
    cr_assert_str_eq(rig_commit(&r), "");
    cr_assert_eq(due(&r), rig_time(&r, "2020-02-01"));
    clock_is(&r, "2020-02-02");
    cr_assert_str_eq(rig_commit(&r), "");
    cr_assert_eq(due(&r), INT64_MAX);
    rig_close(&r);
}

Test(temporal, the_clock_never_goes_backwards)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, filtered(&r, false, true));
    clock_is(&r, "2020-01-02");
    rig_push(&r, 0, "null '2020-01-03+00' 1\n");
    rig_commit(&r);
    rig_reopen(&r);
    clock_is(&r, "2020-01-01");
    rig_push(&r, 0, "null '2020-01-01 12:00+00' 2\nnull '2020-01-04+00' 3\n");
    rig_expect(&r, rig_commit(&r), in, "null '2020-01-04+00' 3\n");
    rig_close(&r);
}

Test(temporal, a_row_that_expires_as_it_is_retracted_goes_once)
{
    rig r;
    rig_open(&r, 4);
    rig_start(&r, filtered(&r, true, true));
    clock_is(&r, "2020-01-01");
    rig_push(&r, 0,
             "+3 | '2019-01-01+00' '2020-01-02+00' 1\n"
             "+1 | '2020-01-02+00' '2020-01-05+00' 2\n");
    rig_commit(&r);
    clock_is(&r, "2020-01-02");
    rig_push(&r, 0,
             "-2 | '2019-01-01+00' '2020-01-02+00' 1\n"
             "-1 | '2020-01-02+00' '2020-01-05+00' 2\n");
    rig_expect(&r, rig_commit(&r), in,
               "-3 | '2019-01-01+00' '2020-01-02+00' 1\n");
    cr_assert_str_eq(rig_integral(&r), "");
    clock_is(&r, "2020-01-06");
    cr_assert_str_eq(rig_commit(&r), "");
    cr_assert_eq(due(&r), INT64_MAX);
    rig_close(&r);
}

/* Counts of (from, until, v) against plain recomputation at every commit. */
Test(temporal, random_rows_and_clocks_give_what_is_visible)
{
    enum { DAYS = 40, VALUES = 2, CASES = 25, ROUNDS = 40 };
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        static int count[DAYS][DAYS][VALUES];
        memset(count, 0, sizeof(count));
        rig r;
        int today = 0, newest = 0;
        rig_open(&r, seed);
        rig_start(&r, filtered(&r, true, true));
        for (int round = 0; round < ROUNDS; round++) {
            char rows[64 * 20] = "", now[40];
            for (int i = 0; i < 12; i++) {
                int f = (int)rig_draw(&r, DAYS), u = (int)rig_draw(&r, DAYS);
                int v = (int)rig_draw(&r, VALUES);
                bool gone = count[f][u][v] && rig_draw(&r, 2);
                count[f][u][v] += gone ? -1 : 1;
                snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows),
                         "%+d | '2020-%02d-%02d+00' '2020-%02d-%02d+00' %d\n",
                         gone ? -1 : 1, f / 20 + 1, f % 20 + 1, u / 20 + 1,
                         u % 20 + 1, v);
            }
            today += (int)rig_draw(&r, 4) - 1;
            today = today < 0 ? 0 : today >= DAYS ? DAYS - 1 : today;
            newest = today > newest ? today : newest;
            snprintf(now, sizeof(now), "2020-%02d-%02d", today / 20 + 1,
                     today % 20 + 1);
            clock_is(&r, now);
            rig_push(&r, 0, rows);
            if (rig_draw(&r, 5) == 0) {
                rig_try_commit(&r);
                rig_abort(&r);
                rig_push(&r, 0, rows);
            }
            rig_commit(&r);
            if (rig_draw(&r, 5) == 0)
                rig_reopen(&r);
            static char want[1 << 18];
            size_t at = 0;
            want[0] = 0;
            for (int f = 0; f <= newest; f++)
                for (int u = newest + 1; u < DAYS; u++)
                    for (int v = 0; v < VALUES; v++)
                        if (count[f][u][v])
                            at += (size_t)snprintf(want + at, sizeof(want) - at,
                                                   "%+d | '2020-%02d-%02d+00' "
                                                   "'2020-%02d-%02d+00' %d\n",
                                                   count[f][u][v], f / 20 + 1,
                                                   f % 20 + 1, u / 20 + 1,
                                                   u % 20 + 1, v);
            rig_expect(&r, rig_integral(&r), in, want);
        }
        rig_close(&r);
    }
}
