#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>

static const char *const in = "id:int t:timestamp";
static const char *const out = "id:int t:timestamp s:timestamp e:timestamp";

#define MINUTES(n) ((cu_interval){.us = (n)*INT64_C(60000000)})
#define DAYS(n)    ((cu_interval){.days = (n)})
#define MONTHS(n)  ((cu_interval){.months = (n)})

static cu_node *windowed(rig *r, cu_window_kind kind, cu_interval size,
                         cu_interval slide)
{
    cu_node *n = rig_node(r, CU_N_WINDOW, kind == CU_WINDOW_JUDGE ? in : out,
                          rig_source(r, in));
    n->window.kind = kind;
    n->window.time = 1;
    n->window.size = size;
    n->window.slide = slide;
    n->window.late = true;
    return n;
}

Test(window, a_tumble_is_half_open_and_aligned_to_its_origin)
{
    rig r;
    rig_open(&r, 1);
    cu_node *n = windowed(&r, CU_WINDOW_TUMBLE, MINUTES(10), MINUTES(0));
    n->window.origin_us = MINUTES(3).us;
    rig_start(&r, n);
    rig_push(&r, 0,
             "1 '2020-01-01 00:03'\n2 '2020-01-01 00:12:59.999999'\n"
             "3 '2020-01-01 00:13'\n4 '1999-12-31 23:59'\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 '2020-01-01 00:03' '2020-01-01 00:03' '2020-01-01 00:13'\n"
               "2 '2020-01-01 00:12:59.999999' '2020-01-01 00:03' "
               "'2020-01-01 00:13'\n"
               "3 '2020-01-01 00:13' '2020-01-01 00:13' '2020-01-01 00:23'\n"
               "4 '1999-12-31 23:59' '1999-12-31 23:53' '2000-01-01 00:03'\n");
    rig_push(&r, 0, "-1 | 3 '2020-01-01 00:13'\n");
    rig_expect(&r, rig_commit(&r), out,
               "-1 | 3 '2020-01-01 00:13' '2020-01-01 00:13' "
               "'2020-01-01 00:23'\n");
    rig_close(&r);
}

Test(window, months_are_calendar_months_from_the_origin)
{
    rig r;
    rig_open(&r, 2);
    cu_node *n = windowed(&r, CU_WINDOW_TUMBLE, MONTHS(1), MINUTES(0));
    n->window.origin_us = rig_time(&r, "2000-01-31");
    rig_start(&r, n);
    rig_push(&r, 0,
             "1 '2024-02-28 23:00'\n2 '2024-02-29 00:00'\n"
             "3 '2024-03-30 23:59'\n4 '2024-03-31'\n5 '1999-12-30 12:00'\n"
             "6 '1999-12-31'\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 '2024-02-28 23:00' '2024-01-31' '2024-02-29'\n"
               "2 '2024-02-29' '2024-02-29' '2024-03-31'\n"
               "3 '2024-03-30 23:59' '2024-02-29' '2024-03-31'\n"
               "4 '2024-03-31' '2024-03-31' '2024-04-30'\n"
               "5 '1999-12-30 12:00' '1999-11-30' '1999-12-31'\n"
               "6 '1999-12-31' '1999-12-31' '2000-01-31'\n");
    rig_close(&r);
}

Test(window, a_hop_gives_every_window_that_holds_the_row)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, windowed(&r, CU_WINDOW_HOP, MINUTES(10), MINUTES(4)));
    rig_push(&r, 0, "1 '2000-01-01 00:09'\n2 '2000-01-01 00:12'\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 '2000-01-01 00:09' '2000-01-01 00:00' '2000-01-01 00:10'\n"
               "1 '2000-01-01 00:09' '2000-01-01 00:04' '2000-01-01 00:14'\n"
               "1 '2000-01-01 00:09' '2000-01-01 00:08' '2000-01-01 00:18'\n"
               "2 '2000-01-01 00:12' '2000-01-01 00:04' '2000-01-01 00:14'\n"
               "2 '2000-01-01 00:12' '2000-01-01 00:08' '2000-01-01 00:18'\n"
               "2 '2000-01-01 00:12' '2000-01-01 00:12' '2000-01-01 00:22'\n");
    rig_close(&r);
}

Test(window, cumulate_grows_to_its_size)
{
    rig r;
    rig_open(&r, 4);
    rig_start(&r, windowed(&r, CU_WINDOW_CUMULATE, MINUTES(15), MINUTES(5)));
    rig_push(&r, 0, "1 '2000-01-01 00:06'\n2 '2000-01-01 00:15'\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 '2000-01-01 00:06' '2000-01-01 00:00' '2000-01-01 00:10'\n"
               "1 '2000-01-01 00:06' '2000-01-01 00:00' '2000-01-01 00:15'\n"
               "2 '2000-01-01 00:15' '2000-01-01 00:15' '2000-01-01 00:20'\n"
               "2 '2000-01-01 00:15' '2000-01-01 00:15' '2000-01-01 00:25'\n"
               "2 '2000-01-01 00:15' '2000-01-01 00:15' '2000-01-01 00:30'\n");
    rig_close(&r);
}

Test(window, windows_of_days_over_a_date)
{
    const char *dates = "id:int t:date",
               *bounds = "id:int t:date s:date e:date";
    rig r;
    rig_open(&r, 5);
    cu_node *n = rig_node(&r, CU_N_WINDOW, bounds, rig_source(&r, dates));
    n->window.time = 1;
    n->window.size = DAYS(7);
    n->window.origin_us = rig_time(&r, "2000-01-03"); /* a Monday */
    rig_start(&r, n);
    rig_push(&r, 0, "1 2024-06-09\n2 2024-06-10\n3 infinity\n4 null\n");
    rig_expect(&r, rig_commit(&r), bounds,
               "1 2024-06-09 2024-06-03 2024-06-10\n"
               "2 2024-06-10 2024-06-10 2024-06-17\n");
    cr_assert_str_eq(r.letters,
                     "window t 22008 the time of a window is out of range\n"
                     "window t 22004 the time of a window is null\n");
    rig_close(&r);
}

Test(window, a_row_without_a_window_is_a_letter_when_it_comes)
{
    rig r;
    rig_open(&r, 6);
    rig_start(&r, windowed(&r, CU_WINDOW_HOP, MINUTES(10), MINUTES(5)));
    rig_push(&r, 0, "1 null\n2 -infinity\n-1 | 1 null\n");
    cr_assert_str_eq(rig_commit(&r), "");
    cr_assert_str_eq(r.letters,
                     "window t 22004 the time of a window is null\n"
                     "window t 22008 the time of a window is out of range\n");
    rig_close(&r);
}

Test(window, a_row_is_late_once_its_mark_has_reached_end_and_lateness)
{
    rig r;
    rig_open(&r, 7);
    cu_node *n = windowed(&r, CU_WINDOW_TUMBLE, MINUTES(10), MINUTES(0));
    n->window.lateness_us = MINUTES(1).us;
    rig_start(&r, n);
    rig_push_marked(&r, 0, "2000-01-01 00:10:59", "1 '2000-01-01 00:09'\n");
    rig_push_marked(&r, 0, "2000-01-01 00:11",
                    "2 '2000-01-01 00:09'\n-1 | 3 '2000-01-01 00:08'\n"
                    "4 '2000-01-01 00:10'\n");
    rig_push_marked(&r, 0, NULL, "5 '1999-01-01 00:00'\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 '2000-01-01 00:09' '2000-01-01 00:00' '2000-01-01 00:10'\n"
               "4 '2000-01-01 00:10' '2000-01-01 00:10' '2000-01-01 00:20'\n"
               "5 '1999-01-01' '1999-01-01' '1999-01-01 00:10'\n");
    cr_assert_str_eq(r.late, "2 2000-01-01 00:09:00\n", "%s", r.late);
    cr_assert_str_eq(
        r.late_windows,
        "2000-01-01 00:00:00 .. 2000-01-01 00:10:00 at 2000-01-01 00:11:00\n",
        "%s", r.late_windows);
    rig_close(&r);
}

Test(window, a_row_that_is_late_for_some_windows_comes_for_the_others)
{
    rig r;
    rig_open(&r, 8);
    rig_start(&r, windowed(&r, CU_WINDOW_HOP, MINUTES(10), MINUTES(5)));
    rig_push_marked(&r, 0, "2000-01-01 00:10", "1 '2000-01-01 00:09'\n");
    rig_push_marked(&r, 0, "2000-01-01 00:15", "2 '2000-01-01 00:09'\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 '2000-01-01 00:09' '2000-01-01 00:05' '2000-01-01 00:15'\n");
    cr_assert_str_eq(r.late, "2 2000-01-01 00:09:00\n", "%s", r.late);
    cr_assert_str_eq(
        r.late_windows,
        "2000-01-01 00:05:00 .. 2000-01-01 00:15:00 at 2000-01-01 00:15:00\n",
        "%s", r.late_windows);
    rig_close(&r);
}

Test(window, judging_adds_nothing_and_lets_null_pass)
{
    rig r;
    rig_open(&r, 9);
    rig_start(&r, windowed(&r, CU_WINDOW_JUDGE, MONTHS(1), MINUTES(0)));
    rig_push_marked(&r, 0, "2000-02-29",
                    "1 '2000-02-01'\n2 '2000-01-01'\n3 null\n4 infinity\n");
    rig_push_marked(&r, 0, "2000-03-01", "5 '2000-02-01'\n6 '2000-03-01'\n");
    rig_expect(&r, rig_commit(&r), in,
               "1 '2000-02-01'\n3 null\n4 infinity\n6 '2000-03-01'\n");
    cr_assert_str_eq(r.letters, "");
    cr_assert_str_eq(r.late,
                     "2 2000-01-01 00:00:00\n"
                     "5 2000-02-01 00:00:00\n",
                     "%s", r.late);
    cr_assert_str_eq(
        r.late_windows,
        "2000-01-01 00:00:00 .. 2000-02-01 00:00:00 at 2000-02-29 00:00:00\n"
        "2000-02-01 00:00:00 .. 2000-03-01 00:00:00 at 2000-03-01 00:00:00\n",
        "%s", r.late_windows);
    rig_close(&r);
}

typedef struct seen {
    uint32_t rows, batches, wrong;
} seen;

static int look(void *ctx, const cu_batch *b, cu_err *err)
{
    seen *s = ctx;
    (void)err;
    s->batches++;
    for (uint32_t i = 0; i < b->n_sel; i++, s->rows++) {
        uint32_t row = cu_batch_row(b, i);
        int32_t id = CU_COL(&b->cols[0], int32_t)[row];
        s->wrong += b->marks[row] != id || b->origins[row] != (uint32_t)id ||
                    cu_batch_weight(b, row) != 1 + id % 2;
    }
    return 0;
}

/* 1,000 rows, six windows each: more than a batch holds. */
Test(window, marks_origins_and_weights_stay_with_their_rows)
{
    enum { ROWS = 1000 };
    rig r;
    seen s = {0};
    int64_t marks[ROWS];
    uint32_t origins[ROWS];
    int32_t weights[ROWS];
    rig_open(&r, 10);
    rig_start(&r, windowed(&r, CU_WINDOW_HOP, MINUTES(60), MINUTES(10)));
    cu_op *tap = cu_tap_new(look, NULL, &s);
    r.pipeline->root->n_outs = 0;
    cu_op_connect(r.pipeline->root, tap, 0);
    cu_batch *b = cu_batch_new(r.arena, r.pipeline->entries[0].node->schema,
                               ROWS);
    for (int32_t i = 0; i < ROWS; i++) {
        cu_batch_add(b, 1);
        CU_COL(&b->cols[0], int32_t)[i] = i;
        CU_COL(&b->cols[1], int64_t)[i] = i * MINUTES(7).us;
        b->cols[0].valid = b->cols[1].valid = NULL;
        marks[i] = i;
        origins[i] = (uint32_t)i;
        weights[i] = 1 + i % 2;
    }
    cu_batch_seal(b);
    b->marks = marks;
    b->origins = origins;
    b->weights = weights;
    cr_assert_eq(cu_op_push(r.pipeline->entries[0].op, 0, b, &r.err), 0);
    cr_assert_eq(s.rows, 6 * ROWS);
    cr_assert_eq(s.batches, 6);
    cr_assert_eq(s.wrong, 0);
    cu_op_close(tap);
    r.pipeline->root->n_outs = 1;
    rig_close(&r);
}

Test(window, what_the_binder_refuses_is_refused)
{
    rig r;
    cu_op *op;
    rig_open(&r, 11);
    cu_node *n = windowed(&r, CU_WINDOW_HOP, MONTHS(1), DAYS(1));
    cr_assert_eq(cu_op_open(n, &r.env, &op, &r.err), CU_UNSUPPORTED);
    n = windowed(&r, CU_WINDOW_TUMBLE, MINUTES(0), MINUTES(0));
    cr_assert_eq(cu_op_open(n, &r.env, &op, &r.err), CU_UNSUPPORTED);
    rig_start(&r, rig_source(&r, in));
    rig_close(&r);
}
