#include "tests/unit/operators/over_world.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

static const char *const in = "p:int o:int v:int";

/* One call with its default frame; more are added by over_add(). */
static cu_node *over_one(rig *r, const char *schema, const char *partition,
                         const char *name, const char *args)
{
    cu_node *n = over_node(r, schema, rig_source(r, in), partition, "1");
    over_add(r, n, name, args);
    return n;
}

static void start(rig *r, uint64_t seed)
{
    rig_open(r, seed);
    r->expr_env.zone = cu_zone_utc();
}

/* --- functions without a frame -------------------------------------------- */

Test(over, numbers_and_ranks_of_peers)
{
    static const char *const out =
        "p:int o:int v:int n:int8 r:int8 d:int8 pr:float8 cd:float8";
    rig r;
    start(&r, 1);
    cu_node *n = over_one(&r, out, "0", "row_number", "");
    over_add(&r, n, "rank", "");
    over_add(&r, n, "dense_rank", "");
    over_add(&r, n, "percent_rank", "");
    over_add(&r, n, "cume_dist", "");
    rig_start(&r, n);
    rig_push(&r, 0, "1 10 1\n1 20 1\n1 20 2\n1 30 1\n1 null 1\n2 5 5\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 10 1 1 1 1 0 0.2\n1 20 1 2 2 2 0.25 0.6\n"
               "1 20 2 3 2 2 0.25 0.6\n1 30 1 4 4 3 0.75 0.8\n"
               "1 null 1 5 5 4 1 1\n2 5 5 1 1 1 0 1\n");
    rig_push(&r, 0, "-1 | 1 20 1\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), out,
               "1 10 1 1 1 1 0 0.25\n1 20 2 2 2 2 0.3333333333333333 0.5\n"
               "1 30 1 3 3 3 0.6666666666666666 0.75\n"
               "1 null 1 4 4 4 1 1\n2 5 5 1 1 1 0 1\n");
    rig_close(&r);
}

Test(over, lag_and_lead_touch_their_neighbours_only)
{
    static const char *const out = "p:int o:int v:int a:int b:int";
    rig r;
    start(&r, 2);
    cu_node *n = over_one(&r, out, "0", "lag", "2");
    over_add(&r, n, "lead", "2");
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 10\n1 2 20\n1 3 30\n1 4 null\n1 5 50\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 1 10 null 20\n1 2 20 10 30\n1 3 30 20 null\n"
               "1 4 null 30 50\n1 5 50 null null\n");
    rig_push(&r, 0, "-1 | 1 3 30\n+1 | 1 3 33\n");
    rig_expect(&r, rig_commit(&r), out,
               "-1 | 1 2 20 10 30\n+1 | 1 2 20 10 33\n-1 | 1 3 30 20 null\n"
               "+1 | 1 3 33 20 null\n-1 | 1 4 null 30 50\n"
               "+1 | 1 4 null 33 50\n");
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 1 1 10\n");
    rig_expect(&r, rig_commit(&r), out,
               "-1 | 1 1 10 null 20\n-1 | 1 2 20 10 33\n"
               "+1 | 1 2 20 null 33\n");
    rig_close(&r);
}

/* PostgreSQL 15: ntile(3) over 7 rows. */
Test(over, ntile_gives_the_first_parts_one_more)
{
    static const char *const out = "p:int o:int v:int n:int";
    rig r;
    start(&r, 3);
    rig_start(&r, over_one(&r, out, "0", "ntile", "2"));
    rig_push(&r, 0, "1 1 3\n1 2 3\n1 3 3\n1 4 3\n1 5 3\n1 6 3\n1 7 3\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 1 3 1\n1 2 3 1\n1 3 3 1\n1 4 3 2\n1 5 3 2\n1 6 3 3\n"
               "1 7 3 3\n");
    rig_push(&r, 0, "2 1 5\n2 2 5\n");
    rig_expect(&r, rig_commit(&r), out, "2 1 5 1\n2 2 5 2\n");
    rig_close(&r);
}

Test(over, every_ntile_counts_its_own_parts)
{
    static const char *const in_two = "p:int o:int v:int w:int";
    static const char *const out = "p:int o:int v:int w:int a:int b:int";
    rig r;
    start(&r, 4);
    cu_node *n = over_node(&r, out, rig_source(&r, in_two), "0", "1");
    over_add(&r, n, "ntile", "2");
    over_add(&r, n, "ntile", "3");
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 2 4\n1 2 2 4\n1 3 2 4\n1 4 2 4\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 1 2 4 1 1\n1 2 2 4 1 2\n1 3 2 4 2 3\n1 4 2 4 2 4\n");
    rig_close(&r);
}

Test(over, ntile_of_zero_refuses_the_row_and_its_neighbours_go_on)
{
    static const char *const out = "p:int o:int v:int n:int";
    rig r;
    start(&r, 4);
    rig_start(&r, over_one(&r, out, "0", "ntile", "2"));
    rig_push(&r, 0, "1 1 0\n1 2 1\n1 3 1\n");
    rig_expect(&r, rig_commit(&r), out, "1 2 1 1\n1 3 1 1\n");
    cr_assert_str_eq(r.letters, "over n 22014 argument of ntile must be "
                                "greater than zero\n");
    rig_push(&r, 0, "1 4 1\n"); /* said once */
    rig_expect(&r, rig_commit(&r), out, "1 4 1 1\n");
    rig_push(&r, 0, "-1 | 1 1 0\n+1 | 1 1 2\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 1 2 1\n-1 | 1 3 1 1\n+1 | 1 3 1 2\n-1 | 1 4 1 1\n"
               "+1 | 1 4 1 2\n");
    cr_assert_eq(strlen(r.letters), strlen("over n 22014 argument of ntile "
                                           "must be greater than zero\n"));
    rig_close(&r);
}

/* --- aggregates ----------------------------------------------------------- */

Test(over, a_running_sum_counts_peers_together)
{
    static const char *const out = "p:int o:int v:int s:int8 a:numeric c:int8";
    rig r;
    start(&r, 5);
    cu_node *n = over_one(&r, out, "0", "sum", "2");
    over_add(&r, n, "avg", "2");
    over_add(&r, n, "count", "");
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 1\n1 2 2\n1 2 3\n1 3 4\n1 4 null\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 1 1 1 1.00000000000000000000 1\n"
               "1 2 2 6 2.0000000000000000 3\n1 2 3 6 2.0000000000000000 3\n"
               "1 3 4 10 2.5000000000000000 4\n"
               "1 4 null 10 2.5000000000000000 5\n");
    rig_push(&r, 0, "-1 | 1 2 2\n+1 | 1 2 1\n");
    cr_assert_not_null(rig_commit(&r));
    rig_expect(&r, rig_integral(&r), out,
               "1 1 1 1 1.00000000000000000000 1\n"
               "1 2 1 5 1.6666666666666667 3\n1 2 3 5 1.6666666666666667 3\n"
               "1 3 4 9 2.2500000000000000 4\n"
               "1 4 null 9 2.2500000000000000 5\n");
    rig_close(&r);
}

Test(over, a_total_without_order_emits_only_what_differs)
{
    static const char *const out = "p:int o:int v:int m:int";
    rig r;
    start(&r, 6);
    cu_node *n = over_node(&r, out, rig_source(&r, in), "0", "");
    over_add(&r, n, "max", "2");
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 7\n1 2 2\n1 3 null\n");
    rig_expect(&r, rig_commit(&r), out, "1 1 7 7\n1 2 2 7\n1 3 null 7\n");
    rig_push(&r, 0, "1 4 5\n-1 | 1 2 2\n");
    cr_assert_eq(rig_try_commit(&r), 0);
    cr_assert_eq(r.emitted, 2);
    rig_expect(&r, rig_commit(&r), out, "1 4 5 7\n-1 | 1 2 2 7\n");
    rig_push(&r, 0, "-1 | 1 1 7\n");
    rig_expect(&r, rig_commit(&r), out,
               "-1 | 1 1 7 7\n-1 | 1 3 null 7\n+1 | 1 3 null 5\n"
               "-1 | 1 4 5 7\n+1 | 1 4 5 5\n");
    rig_close(&r);
}

Test(over, equal_rows_are_copies_with_numbers_of_their_own)
{
    static const char *const out = "p:int o:int v:int n:int8";
    rig r;
    start(&r, 7);
    rig_start(&r, over_one(&r, out, "0", "row_number", ""));
    rig_push(&r, 0, "+3 | 1 1 1\n+1 | 1 2 2\n");
    rig_expect(&r, rig_commit(&r), out, "1 1 1 1\n1 1 1 2\n1 1 1 3\n1 2 2 4\n");
    rig_push(&r, 0, "+2 | 1 1 1\n");
    rig_commit(&r);
    rig_push(&r, 0, "-4 | 1 1 1\n");
    rig_expect(&r, rig_commit(&r), out,
               "-1 | 1 1 1 2\n-1 | 1 1 1 3\n-1 | 1 1 1 4\n-1 | 1 1 1 5\n"
               "-1 | 1 2 2 6\n+1 | 1 2 2 2\n");
    rig_close(&r);
}

Test(over, a_row_that_never_came_cannot_go, .signal = SIGABRT)
{
    static const char *const out = "p:int o:int v:int n:int8";
    rig r;
    start(&r, 8);
    rig_start(&r, over_one(&r, out, "0", "row_number", ""));
    rig_push(&r, 0, "+1 | 1 1 1\n-1 | 1 1 2\n");
    rig_commit(&r);
}

Test(over, nth_value_of_a_number_below_one_refuses_its_row)
{
    static const char *const big = "p:int v:int4 s:int8";
    static const char *const out = "p:int v:int4 s:int8 t:int8";
    rig r;
    start(&r, 9);
    cu_node *n = over_node(&r, out, rig_source(&r, big), "0", "1");
    over_add(&r, n, "nth_value", "2 1");
    rig_start(&r, n);
    rig_push(&r, 0, "1 -1 5\n1 1 6\n1 2 7\n");
    rig_expect(&r, rig_commit(&r), out, "1 1 6 5\n1 2 7 6\n");
    cr_assert_str_eq(r.letters, "over t 22016 argument of nth_value must be "
                                "greater than zero\n");
    rig_close(&r);
}

/* --- frames --------------------------------------------------------------- */

Test(over, range_of_days_over_dates)
{
    static const char *const dated = "d:date v:int";
    static const char *const out = "d:date v:int s:int8";
    rig r;
    start(&r, 10);
    cu_node *n = over_node(&r, out, rig_source(&r, dated), "", "0");
    cu_over_frame *f = over_add(&r, n, "sum", "1");
    *f = (cu_over_frame){.mode = CU_FRAME_RANGE,
                         .start = CU_BOUND_PRECEDING,
                         .end = CU_BOUND_CURRENT,
                         .start_offset = over_interval(&r, "1 month")};
    rig_start(&r, n);
    rig_push(&r, 0,
             "2024-01-31 1\n2024-02-28 2\n2024-02-29 4\n2024-03-31 8\n"
             "null 16\n");
    rig_expect(&r, rig_commit(&r), out,
               "2024-01-31 1 1\n2024-02-28 2 3\n2024-02-29 4 7\n"
               "2024-03-31 8 12\nnull 16 16\n");
    rig_push(&r, 0, "-1 | 2024-02-29 4\n");
    rig_expect(&r, rig_commit(&r), out,
               "-1 | 2024-02-29 4 7\n-1 | 2024-03-31 8 12\n"
               "+1 | 2024-03-31 8 8\n");
    rig_close(&r);
}

Test(over, range_of_numerics_knows_nan)
{
    static const char *const num = "x:numeric v:int";
    static const char *const out = "x:numeric v:int c:int8";
    rig r;
    start(&r, 11);
    cu_node *n = over_node(&r, out, rig_source(&r, num), "", "0");
    cu_over_frame *f = over_add(&r, n, "count", "");
    cu_value *half = cu_arena_calloc(r.arena, 1, sizeof(*half));
    half->type = CU_TYPE(CU_T_NUMERIC);
    half->num = cu_numeric_from_int128(5, 1);
    *f = (cu_over_frame){.mode = CU_FRAME_RANGE,
                         .start = CU_BOUND_PRECEDING,
                         .end = CU_BOUND_FOLLOWING,
                         .start_offset = half,
                         .end_offset = half};
    rig_start(&r, n);
    rig_push(&r, 0, "1.0 1\n1.25 2\n1.50 3\n1.75 4\nNaN 5\nInfinity 6\n");
    rig_expect(&r, rig_commit(&r), out,
               "1.0 1 3\n1.25 2 4\n1.50 3 4\n1.75 4 3\nNaN 5 1\n"
               "Infinity 6 1\n");
    rig_close(&r);
}

Test(over, range_of_floats_keeps_infinities_and_nan_apart)
{
    static const char *const num = "x:float8";
    static const char *const out = "x:float8 c:int8";
    rig r;
    start(&r, 16);
    cu_node *n = over_node(&r, out, rig_source(&r, num), "", "0");
    cu_over_frame *f = over_add(&r, n, "count", "");
    cu_value *one = cu_arena_calloc(r.arena, 1, sizeof(*one));
    *one = (cu_value){.type = CU_TYPE(CU_T_FLOAT8), .f8 = 1};
    *f = (cu_over_frame){.mode = CU_FRAME_RANGE,
                         .start = CU_BOUND_PRECEDING,
                         .end = CU_BOUND_FOLLOWING,
                         .start_offset = one,
                         .end_offset = one};
    rig_start(&r, n);
    rig_push(&r, 0, "-Infinity\n0\n0.5\n1.5\nInfinity\nNaN\nnull\n");
    rig_expect(&r, rig_commit(&r), out,
               "-Infinity 1\n0 2\n0.5 3\n1.5 2\nInfinity 1\nNaN 1\nnull 1\n");
    rig_close(&r);
}

Test(over, range_over_timestamps_downwards_and_over_times)
{
    static const char *const in_ts = "d:timestamptz", *const in_t = "t:time";
    static const char *const out_ts = "d:timestamptz c:int8";
    static const char *const out_t = "t:time c:int8";
    rig r;
    start(&r, 17);
    cu_node *n = over_node(&r, out_ts, rig_source(&r, in_ts), "", "0");
    ((cu_key_col *)n->over.order)->flags = CU_DESC | CU_NULLS_FIRST;
    cu_over_frame *f = over_add(&r, n, "count", "");
    *f = (cu_over_frame){.mode = CU_FRAME_RANGE,
                         .start = CU_BOUND_PRECEDING,
                         .end = CU_BOUND_FOLLOWING,
                         .start_offset = over_interval(&r, "1 day"),
                         .end_offset = over_interval(&r, "1 month")};
    rig_start(&r, n);
    rig_push(&r, 0,
             "'2024-03-31 10:00+00'\n'2024-03-30 10:00+00'\n"
             "'2024-02-29 10:00+00'\ninfinity\n-infinity\n");
    rig_expect(&r, rig_commit(&r), out_ts,
               "infinity 1\n'2024-03-31 10:00+00' 3\n"
               "'2024-03-30 10:00+00' 3\n'2024-02-29 10:00+00' 1\n"
               "-infinity 1\n");
    rig_close(&r);
    start(&r, 18);
    n = over_node(&r, out_t, rig_source(&r, in_t), "", "0");
    f = over_add(&r, n, "count", "");
    *f = (cu_over_frame){.mode = CU_FRAME_RANGE,
                         .start = CU_BOUND_PRECEDING,
                         .end = CU_BOUND_CURRENT,
                         .start_offset = over_interval(&r, "1 day 1 hour")};
    rig_start(&r, n);
    rig_push(&r, 0, "01:00:00\n01:30:00\n02:10:00\n");
    rig_expect(&r, rig_commit(&r), out_t,
               "01:00:00 1\n01:30:00 2\n02:10:00 2\n");
    rig_close(&r);
}

Test(over, of_equal_bests_the_latest_is_shown)
{
    static const char *const num = "o:int x:numeric";
    static const char
        *const out = "o:int x:numeric a:numeric b:numeric c:numeric";
    rig r;
    start(&r, 19);
    cu_node *n = over_node(&r, out, rig_source(&r, num), "", "0");
    over_add(&r, n, "min", "1");
    over_add(&r, n, "max", "1");
    cu_over_frame *f = over_add(&r, n, "min", "1");
    *f = (cu_over_frame){.mode = CU_FRAME_ROWS,
                         .start = CU_BOUND_PRECEDING,
                         .end = CU_BOUND_CURRENT,
                         .start_offset = over_int(&r, CU_T_INT8, 1)};
    rig_start(&r, n);
    rig_push(&r, 0, "1 1.00\n2 1.0\n3 1.000\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 1.00 1.00 1.00 1.00\n2 1.0 1.0 1.0 1.0\n"
               "3 1.000 1.000 1.000 1.000\n");
    rig_push(&r, 0, "-1 | 2 1.0\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), out,
               "1 1.00 1.00 1.00 1.00\n3 1.000 1.000 1.000 1.000\n");
    rig_close(&r);
}

Test(over, an_offset_below_zero_is_refused)
{
    static const char *const out = "p:int o:int v:int s:int8";
    rig r;
    start(&r, 12);
    cu_node *n = over_node(&r, out, rig_source(&r, in), "0", "1");
    cu_over_frame *f = over_add(&r, n, "sum", "2");
    *f = (cu_over_frame){.mode = CU_FRAME_ROWS,
                         .start = CU_BOUND_PRECEDING,
                         .end = CU_BOUND_CURRENT,
                         .start_offset = over_int(&r, CU_T_INT8, -1)};
    cu_space *space;
    cu_op *op;
    cr_assert_eq(cu_space_open(r.store, 1, 0, &space, &r.err), 0);
    r.env.space = space;
    cr_assert_neq(cu_op_open(n, &r.env, &op, &r.err), 0);
    cr_assert_eq(r.err.sqlstate, CU_SQLSTATE('2', '2', '0', '1', '3'));
    cu_space_close(space);
    f->start_offset = over_int(&r, CU_T_INT8, 1);
    rig_start(&r, n);
    rig_close(&r);
}

/* --- closing -------------------------------------------------------------- */

static int count_late(void *ctx, const cu_late *l, cu_err *err)
{
    rig *r = ctx;
    size_t at = strlen(r->letters);
    (void)err;
    snprintf(r->letters + at, sizeof(r->letters) - at, "late %lld\n",
             (long long)(l->window_start_us / 1000000));
    return 0;
}

static unsigned state_rows(rig *r, const cu_node *n)
{
    cu_table *t = cu_space_table(r->space, cu_node_state_table(n, 0));
    cu_table_iter *it;
    cu_slice key, value;
    unsigned rows = 0;
    cr_assert_eq(
        cu_table_scan(t, CU_LIT(""), CU_NULL_SLICE, false, &it, &r->err), 0);
    while (cu_table_iter_next(it, &key, &value))
        rows += key.len > 0;
    cr_assert_eq(cu_table_iter_close(it, &r->err), 0);
    return rows;
}

Test(over, a_closed_partition_leaves_no_state_and_late_rows_are_told)
{
    static const char *const timed = "w:timestamp v:int";
    static const char *const out = "w:timestamp v:int n:int8";
    rig r;
    start(&r, 13);
    cu_node *n = over_node(&r, out, rig_source(&r, timed), "0", "1");
    over_add(&r, n, "row_number", "");
    n->over.closing = (cu_closing){
        .on = true, .delay = {.us = 600000000}, .lateness_us = 60000000};
    r.env.late = count_late;
    rig_start(&r, n);
    rig_push(&r, 0,
             "'2000-01-01 00:00:00' 1\n'2000-01-01 00:10:00' 1\nnull 1\n");
    cr_assert_eq(
        cu_op_watermark(r.pipeline->entries[0].op, 0, 660000000, &r.err), 0);
    rig_commit(&r);
    cr_assert_eq(r.watermark, 660000000);
    cr_assert_eq(state_rows(&r, n), 2);
    rig_reopen(&r);
    rig_push(&r, 0,
             "'2000-01-01 00:00:00' 2\n-1 | '2000-01-01 00:00:00' 1\n"
             "+1 | '2000-01-01 00:10:00' 2\n");
    rig_expect(&r, rig_commit(&r), out, "'2000-01-01 00:10:00' 2 2\n");
    cr_assert_str_eq(r.letters, "late 0\n");
    rig_close(&r);
}

/* --- how the work grows --------------------------------------------------- */

static uint64_t work_of_appending(cu_node *(*make)(rig *), int rows)
{
    rig r;
    start(&r, 14);
    cu_node *n = make(&r);
    char text[40];
    rig_start(&r, n);
    uint64_t before = 0;
    for (int i = 0; i < rows + 20; i++) {
        if (i == rows)
            before = cu_op_work(r.pipeline->root);
        snprintf(text, sizeof(text), "1 %d %d\n", i, i % 7);
        rig_push(&r, 0, text);
        if (i % 50 == 0 || i >= rows)
            rig_commit(&r);
    }
    uint64_t work = cu_op_work(r.pipeline->root) - before;
    rig_close(&r);
    return work;
}

static cu_node *make_lags(rig *r)
{
    cu_node *n = over_one(r, "p:int o:int v:int a:int b:int", "0", "lag", "2");
    over_add(r, n, "lead", "2");
    return n;
}

static cu_node *make_running(rig *r)
{
    cu_node *n = over_one(r,
                          "p:int o:int v:int s:int8 m:int n:int8 r:int8 f:int "
                          "l:int",
                          "0", "sum", "2");
    over_add(r, n, "min", "2");
    over_add(r, n, "row_number", "");
    over_add(r, n, "rank", "");
    over_add(r, n, "first_value", "2");
    over_add(r, n, "last_value", "2");
    return n;
}

static cu_node *make_sliding(rig *r)
{
    cu_node *n = over_one(r, "p:int o:int v:int s:int8 m:int", "0", "sum", "2");
    over_add(r, n, "max", "2");
    for (uint32_t i = 0; i < 2; i++) {
        cu_over_frame *f = (cu_over_frame *)&n->over.calls[i].frame;
        *f = (cu_over_frame){.mode = i ? CU_FRAME_RANGE : CU_FRAME_ROWS,
                             .start = CU_BOUND_PRECEDING,
                             .end = CU_BOUND_FOLLOWING};
        f->start_offset = over_int(r, i ? CU_T_INT4 : CU_T_INT8, 3);
        f->end_offset = over_int(r, i ? CU_T_INT4 : CU_T_INT8, 2);
    }
    return n;
}

Test(over, work_of_an_appended_row_does_not_grow_with_the_partition)
{
    static cu_node *(*const makers[])(rig *) = {make_lags, make_running,
                                                make_sliding};
    for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
        uint64_t once = work_of_appending(makers[i], 500);
        uint64_t twice = work_of_appending(makers[i], 1000);
        cr_assert_leq(twice, once + 4, "maker %zu: %llu %llu", i,
                      (unsigned long long)once, (unsigned long long)twice);
        cr_assert_lt(once, 20 * 30);
    }
}

/* A change in the middle that leaves the running sum as it was ends there. */
Test(over, a_running_sum_that_comes_out_even_goes_no_further)
{
    rig r;
    start(&r, 15);
    char text[40];
    rig_start(&r, over_one(&r, "p:int o:int v:int s:int8", "0", "sum", "2"));
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "1 %d 5\n", i);
        rig_push(&r, 0, text);
    }
    rig_commit(&r);
    uint64_t before = cu_op_work(r.pipeline->root);
    rig_push(&r, 0, "-1 | 1 10 5\n+1 | 1 11 5\n");
    rig_commit(&r);
    cr_assert_lt(cu_op_work(r.pipeline->root) - before, 20);
    rig_close(&r);
}

/* --- against recomputation ------------------------------------------------ */

Test(over, equals_recomputation_whatever_the_cuts)
{
    for (uint64_t seed = 1; seed <= 400; seed++)
        over_compare(seed, 12);
}
