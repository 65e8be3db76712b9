#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const in = "t:timestamp v:int";

static cu_node *buffered(rig *r)
{
    cu_node *n = rig_node(r, CU_N_BUFFER, in, rig_source(r, in));
    n->buffer.col = 0;
    n->buffer.delay = (cu_interval){.us = 600000000};
    n->buffer.lateness_us = 60000000;
    return n;
}

Test(buffer, rows_leave_once_net_when_their_window_closes)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, buffered(&r));
    rig_push(&r, 0,
             "+1 | '2020-01-01 00:00' 1\n+2 | '2020-01-01 00:00' 2\n"
             "+1 | '2020-01-01 00:10' 3\n");
    rig_mark(&r, 0, "2020-01-01 00:10:59");
    cr_assert_str_eq(rig_commit(&r), "");
    cr_assert_eq(r.watermark, rig_time(&r, "2020-01-01 00:10:59"));
    rig_push(&r, 0,
             "-1 | '2020-01-01 00:00' 2\n-1 | '2020-01-01 00:00' 1\n"
             "+1 | '2020-01-01 00:00' 5\n");
    rig_reopen(&r);
    rig_push(&r, 0,
             "-1 | '2020-01-01 00:00' 2\n-1 | '2020-01-01 00:00' 1\n"
             "+1 | '2020-01-01 00:00' 5\n");
    rig_mark(&r, 0, "2020-01-01 00:11");
    rig_expect(&r, rig_commit(&r), in,
               "'2020-01-01 00:00' 2\n'2020-01-01 00:00' 5\n");
    rig_mark(&r, 0, "2020-01-01 00:30");
    rig_expect(&r, rig_commit(&r), in, "'2020-01-01 00:10' 3\n");
    cr_assert_str_eq(r.late, "");
    rig_close(&r);
}

Test(buffer, what_comes_after_is_late_and_what_goes_is_ignored)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, buffered(&r));
    rig_push(&r, 0, "+1 | '2020-01-01 00:00' 1\n");
    rig_mark(&r, 0, "2020-01-01 00:11");
    /* not committed yet, and closed all the same */
    rig_push(&r, 0, "+1 | '2020-01-01 00:00' 2\n-1 | '2020-01-01 00:00' 1\n");
    rig_expect(&r, rig_commit(&r), in, "'2020-01-01 00:00' 1\n");
    rig_reopen(&r);
    rig_push(&r, 0,
             "+1 | '2019-01-01 00:00' 3\n-1 | '2020-01-01 00:00' 1\n"
             "+1 | '2020-01-01 00:01' 4\n");
    cr_assert_str_eq(rig_commit(&r), "");
    cr_assert_str_eq(r.late,
                     "2020-01-01 00:00:00 2\n"
                     "2019-01-01 00:00:00 3\n",
                     "%s", r.late);
    cr_assert_str_eq(
        r.late_windows,
        "2020-01-01 00:00:00 .. 2020-01-01 00:10:00 at 2020-01-01 00:11:00\n"
        "2019-01-01 00:00:00 .. 2019-01-01 00:10:00 at 2020-01-01 00:11:00\n",
        "%s", r.late_windows);
    rig_mark(&r, 0, "2020-01-01 00:12");
    rig_expect(&r, rig_commit(&r), in, "'2020-01-01 00:01' 4\n");
    rig_close(&r);
}

Test(buffer, a_null_time_never_closes)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, buffered(&r));
    rig_push(&r, 0, "+1 | null 1\n+1 | infinity 2\n+1 | -infinity 3\n");
    rig_mark(&r, 0, "2290-01-01");
    rig_expect(&r, rig_commit(&r), in, "-infinity 3\n");
    rig_push(&r, 0, "-1 | null 1\n");
    cr_assert_str_eq(rig_commit(&r), "");
    rig_close(&r);
}

/* Rows far beyond a chunk, at random, against sorting by hand. */
Test(buffer, random_rows_leave_at_their_time_exactly_once)
{
    enum { MINUTES = 400, ROUNDS = 60 };
    static int64_t held[MINUTES][3];
    rig r;
    rig_open(&r, 4);
    rig_start(&r, buffered(&r));
    int closed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char rows[60 * 60] = "", want[1 << 16] = "";
        for (int i = 0; i < 60; i++) {
            int m = closed + (int)rig_draw(&r, 60), v = (int)rig_draw(&r, 3);
            bool gone = held[m][v] && rig_draw(&r, 3) == 0;
            held[m][v] += gone ? -1 : 1;
            snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows),
                     "%+d | '2020-01-01 %02d:%02d' %d\n", gone ? -1 : 1, m / 60,
                     m % 60, v);
        }
        rig_push(&r, 0, rows);
        if (rig_draw(&r, 4) == 0) {
            rig_abort(&r);
            rig_push(&r, 0, rows);
        }
        if (rig_draw(&r, 2)) {
            char mark[40];
            int now = closed + (int)rig_draw(&r, 9);
            for (; closed < now; closed++)
                for (int v = 0; v < 3; v++)
                    if (held[closed][v])
                        snprintf(
                            want + strlen(want), sizeof(want) - strlen(want),
                            "%+d | '2020-01-01 %02d:%02d' %d\n",
                            (int)held[closed][v], closed / 60, closed % 60, v);
            int last = closed + 10; /* start + 10 min + 1 min <= mark */
            snprintf(mark, sizeof(mark), "2020-01-01 %02d:%02d", last / 60,
                     last % 60);
            rig_mark(&r, 0, mark);
        }
        rig_expect(&r, rig_commit(&r), in, want);
        if (rig_draw(&r, 5) == 0)
            rig_reopen(&r);
    }
    cr_assert_gt(closed, 60);
    cr_assert_str_eq(r.late, "");
    rig_close(&r);
}
