#include "tests/unit/operators/rig.h"

#include "processors/plan/program.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *const pair = "k:int v:text";

static cu_node *keyed(rig *r)
{
    cu_node *n = rig_node(r, CU_N_MATERIALIZE, pair, rig_source(r, pair));
    n->key = rig_cols(r, "0", &n->n_key);
    return n;
}

static cu_node *bag(rig *r)
{
    cu_node *n = rig_node(r, CU_N_MATERIALIZE, pair, rig_source(r, pair));
    n->materialize.bag = true;
    return n;
}

Test(materialize, emits_one_pair_per_key_and_commit)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, keyed(&r));
    rig_push(&r, 0, "+1 | 1 a\n+1 | 2 b\n-1 | 1 a\n+1 | 1 c\n");
    rig_expect(&r, rig_commit(&r), pair, "+1 | 1 c\n+1 | 2 b\n");
    rig_push(&r, 0, "-1 | 1 c\n+1 | 1 d\n-1 | 2 b\n+1 | 2 b\n");
    rig_try_commit(&r);
    cr_assert_eq(r.emitted, 2);
    const cu_batch *b = r.out[0];
    cr_assert_eq(b->n_rows, 2); /* M1: adjacent, the old one first */
    cr_assert_eq(cu_batch_weight(b, 0), -1);
    cr_assert_eq(cu_batch_weight(b, 1), 1);
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 c\n+1 | 1 d\n");
    rig_push(&r, 0, "-1 | 1 d\n");
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 d\n");
    rig_expect(&r, rig_integral(&r), pair, "2 b\n");
    rig_close(&r);
}

Test(materialize, a_key_may_be_double_while_a_commit_runs)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, keyed(&r));
    rig_push(&r, 0, "1 a\n");
    rig_commit(&r);
    rig_push(&r, 0, "+1 | 1 b\n-1 | 1 a\n");
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 a\n+1 | 1 b\n");
    rig_close(&r);
}

Test(materialize, two_rows_with_one_key_are_an_error_that_names_them)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, keyed(&r));
    rig_push(&r, 0, "1 a\n");
    rig_commit(&r);
    rig_push(&r, 0, "1 b\n");
    cr_assert_eq(rig_try_commit(&r), CU_DATA);
    char state[6];
    cr_assert_str_eq(cu_sqlstate_text(r.err.sqlstate, state), "23505");
    cr_assert(strstr(r.err.msg, "(1, a)"));
    cr_assert(strstr(r.err.msg, "(1, b)"));
    cr_assert(strstr(r.err.msg, "key (k)"));
    rig_abort(&r);
    rig_push(&r, 0, "+2 | 2 b\n");
    cr_assert_eq(rig_try_commit(&r), CU_DATA);
    rig_close(&r);
}

Test(materialize, a_row_that_never_came_cannot_go, .signal = SIGABRT)
{
    rig r;
    rig_open(&r, 4);
    rig_start(&r, keyed(&r));
    rig_push(&r, 0, "-1 | 1 a\n");
    rig_commit(&r);
}

Test(materialize, a_bag_keeps_counts)
{
    rig r;
    rig_open(&r, 5);
    rig_start(&r, bag(&r));
    rig_push(&r, 0, "+1 | 1 a\n+2 | 1 a\n+1 | 2 b\n");
    rig_expect(&r, rig_commit(&r), pair, "+3 | 1 a\n+1 | 2 b\n");
    rig_push(&r, 0, "-2 | 1 a\n-1 | 2 b\n+1 | 2 b\n");
    rig_expect(&r, rig_commit(&r), pair, "-2 | 1 a\n");
    rig_close(&r);
}

Test(materialize, without_key_rows_pass_at_once)
{
    rig r;
    rig_open(&r, 6);
    cu_node *n = rig_node(&r, CU_N_MATERIALIZE, pair, rig_source(&r, pair));
    n->append_only = true;
    rig_start(&r, n);
    rig_push(&r, 0, "1 a\n1 a\n");
    cr_assert_eq(r.emitted, 2);
    rig_expect(&r, rig_commit(&r), pair, "+2 | 1 a\n");
    cr_assert_eq(cu_space_dirty_keys(r.space), 0);
    rig_close(&r);
}

Test(materialize, a_single_row_has_the_empty_key)
{
    rig r;
    rig_open(&r, 10);
    cu_node *n = rig_node(&r, CU_N_MATERIALIZE, pair, rig_source(&r, pair));
    n->single = true;
    rig_start(&r, n);
    rig_push(&r, 0, "1 a\n");
    rig_expect(&r, rig_commit(&r), pair, "1 a\n");
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 1 a\n+1 | 2 b\n");
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 a\n+1 | 2 b\n");
    rig_push(&r, 0, "3 c\n");
    cr_assert_eq(rig_try_commit(&r), CU_DATA);
    rig_close(&r);
}

static int append_text(void *ctx, const cu_batch *b, cu_err *err)
{
    (void)err;
    cu_batch_print(b, ctx);
    return 0;
}

Test(materialize, is_read_in_key_order_from_overlay_and_store)
{
    rig r;
    cu_buf text = {0};
    rig_open(&r, 7);
    rig_start(&r, keyed(&r));
    rig_push(&r, 0, "3 c\n1 a\n-5 neg\n");
    rig_commit(&r);
    rig_push(&r, 0, "+1 | 2 b\n-1 | 3 c\n");
    cr_assert_eq(rig_try_commit(&r), 0);
    cr_assert_eq(
        cu_materialize_scan(r.space, r.root, append_text, &text, &r.err), 0);
    cr_assert(
        cu_slice_is(cu_buf_slice(&text), "+1 | -5 neg\n+1 | 1 a\n+1 | 2 b\n"),
        "%.*s", (int)text.len, text.data);
    cu_buf_free(&text);
    rig_close(&r);
}

Test(materialize, a_bag_is_read_with_its_counts)
{
    rig r;
    cu_buf text = {0};
    rig_open(&r, 8);
    rig_start(&r, bag(&r));
    rig_push(&r, 0, "+2 | 3 c\n+1 | 1 a\n");
    rig_commit(&r);
    cr_assert_eq(
        cu_materialize_scan(r.space, r.root, append_text, &text, &r.err), 0);
    cr_assert(cu_slice_is(cu_buf_slice(&text), "+1 | 1 a\n+2 | 3 c\n"), "%.*s",
              (int)text.len, text.data);
    cu_buf_free(&text);
    rig_close(&r);
}

Test(materialize, the_watermark_waits_for_the_rows)
{
    rig r;
    rig_open(&r, 9);
    rig_start(&r, keyed(&r));
    rig_push(&r, 0, "1 a\n");
    cr_assert_eq(cu_op_watermark(r.pipeline->entries[0].op, 0, 77, &r.err), 0);
    cr_assert_eq(r.watermark, INT64_MIN);
    rig_commit(&r);
    cr_assert_eq(r.watermark, 77);
    rig_close(&r);
}

enum { KEYS = 12 };

Test(materialize, equals_its_input_whatever_the_cuts)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        rig r;
        int now[KEYS] = {0}, committed[KEYS] = {0};
        char text[4096];
        rig_open(&r, seed);
        rig_start(&r, keyed(&r));
        for (int round = 0; round < 30; round++) {
            size_t len = 0;
            for (unsigned i = 1 + rig_draw(&r, 20); i > 0; i--) {
                unsigned k = rig_draw(&r, KEYS);
                int to = (int)rig_draw(&r, 4);
                if (now[k])
                    len += (size_t)snprintf(text + len, sizeof(text) - len,
                                            "-1 | %u v%d\n", k, now[k]);
                if (to)
                    len += (size_t)snprintf(text + len, sizeof(text) - len,
                                            "+1 | %u v%d\n", k, to);
                now[k] = to;
            }
            if (len)
                rig_push(&r, 0, text);
            if (rig_draw(&r, 4) == 0) {
                rig_abort(&r);
                memcpy(now, committed, sizeof(now));
                continue;
            }
            rig_commit(&r);
            memcpy(committed, now, sizeof(now));
            len = 0;
            text[0] = 0;
            for (unsigned k = 0; k < KEYS; k++)
                if (now[k])
                    len += (size_t)snprintf(text + len, sizeof(text) - len,
                                            "%u v%d\n", k, now[k]);
            rig_expect(&r, rig_integral(&r), pair, text);
            if (rig_draw(&r, 4) == 0)
                rig_reopen(&r);
        }
        rig_close(&r);
    }
}

/* --- retention ------------------------------------------------------------ */

static const char *const timed = "k:int t:timestamp";

/* Rows stay for an hour of the watermark. */
static cu_node *kept_for_an_hour(rig *r, bool is_bag)
{
    cu_node *n = rig_node(r, CU_N_MATERIALIZE, timed, rig_source(r, timed));
    cu_view_def *v = cu_arena_calloc(r->arena, 1, sizeof(*v));
    v->name = "v";
    v->retention_us = INT64_C(3600000000);
    v->retention_col = 2;
    n->materialize.view = v;
    n->materialize.bag = is_bag;
    if (!is_bag)
        n->key = rig_cols(r, "0", &n->n_key);
    return n;
}

Test(materialize, rows_leave_when_the_watermark_has_passed_their_retention)
{
    rig r;
    rig_open(&r, 21);
    rig_start(&r, kept_for_an_hour(&r, false));
    rig_push(&r, 0,
             "1 '2020-01-01 00:00'\n2 '2020-01-01 00:10'\n3 null\n4 infinity");
    rig_mark(&r, 0, "2020-01-01 00:59");
    rig_commit(&r);
    rig_mark(&r, 0, "2020-01-01 01:00");
    rig_expect(&r, rig_commit(&r), timed, "-1 | 1 '2020-01-01 00:00'\n");
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 2 '2020-01-01 00:10'\n2 '2020-01-01 02:00'\n");
    rig_commit(&r);
    rig_mark(&r, 0, "2020-01-01 02:59");
    cr_assert_str_eq(rig_commit(&r), "");
    rig_mark(&r, 0, "2020-01-01 03:00");
    rig_expect(&r, rig_commit(&r), timed, "-1 | 2 '2020-01-01 02:00'\n");
    rig_expect(&r, rig_integral(&r), timed, "3 null\n4 infinity\n");
    cr_assert_eq(
        cu_op_watermark(r.pipeline->entries[0].op, 0, INT64_MAX, &r.err), 0);
    cr_assert_str_eq(rig_commit(&r), "");
    rig_close(&r);
}

Test(materialize, what_comes_or_goes_for_a_row_that_left_counts_for_nothing)
{
    rig r;
    rig_open(&r, 22);
    rig_start(&r, kept_for_an_hour(&r, false));
    rig_push(&r, 0, "1 '2020-01-01 00:00'\n");
    rig_commit(&r);
    rig_mark(&r, 0, "2020-01-01 01:00");
    rig_commit(&r);
    rig_reopen(&r);
    rig_push(&r, 0,
             "-1 | 1 '2020-01-01 00:00'\n1 '2020-01-01 00:00'\n"
             "-1 | 9 '2019-01-01 00:00'\n8 '2019-01-01 00:00'\n");
    cr_assert_str_eq(rig_commit(&r), "");
    rig_push(&r, 0, "-1 | 1 '2020-01-01 00:00'\n1 '2020-01-01 00:30'\n");
    rig_expect(&r, rig_commit(&r), timed, "1 '2020-01-01 00:30'\n");
    rig_close(&r);
}

Test(materialize, retention_of_a_bag_takes_all_copies)
{
    rig r;
    rig_open(&r, 23);
    rig_start(&r, kept_for_an_hour(&r, true));
    rig_push(&r, 0, "+3 | 1 '2020-01-01 00:00'\n+2 | 1 '2020-01-01 01:00'\n");
    rig_commit(&r);
    rig_mark(&r, 0, "2020-01-01 01:00");
    rig_push(&r, 0, "-1 | 1 '2020-01-01 00:00'\n-1 | 1 '2020-01-01 01:00'\n");
    rig_expect(&r, rig_commit(&r), timed,
               "-3 | 1 '2020-01-01 00:00'\n-1 | 1 '2020-01-01 01:00'\n");
    rig_push(&r, 0, "-1 | 1 '2020-01-01 00:00'\n");
    rig_expect(&r, rig_commit(&r), timed, "");
    rig_mark(&r, 0, "2020-01-01 02:00");
    rig_commit(&r);
    cr_assert_str_eq(rig_integral(&r), "");
    cr_assert_eq(rig_state_keys(&r), 1); /* the watermark that swept */
    rig_close(&r);
}

/* --- a stream that never ends --------------------------------------------- */

enum { WINDOWS = 1000000, PER_BATCH = 1000 };

/* SELECT s, count(*) FROM tumble(…, 1 second) GROUP BY s, closing, kept for
 * 100 seconds. */
static cu_node *endless(rig *r)
{
    const char *windows = "t:timestamp s:timestamp e:timestamp";
    const char *counts = "s:timestamp n:int8";
    cu_node *w = rig_node(r, CU_N_WINDOW, windows,
                          rig_source(r, "t:timestamp"));
    w->window.kind = CU_WINDOW_TUMBLE;
    w->window.size.us = 1000000;
    w->window.late = true;
    cu_node *a = rig_aggregate(r, counts, w, "1");
    rig_call(r, a, CU_AGG_COUNT_STAR, -1, false, -1);
    a->aggregate.closing.on = true;
    a->aggregate.closing.delay.us = 1000000;
    cu_node *m = rig_node(r, CU_N_MATERIALIZE, counts, a);
    cu_view_def *v = cu_arena_calloc(r->arena, 1, sizeof(*v));
    v->name = "v";
    v->retention_us = 100000000;
    v->retention_col = 1;
    m->materialize.view = v;
    m->key = rig_cols(r, "0", &m->n_key);
    return m;
}

/* A row per window, in order. */
static void push_windows(rig *r, int first)
{
    cu_arena *a = cu_arena_new(0);
    cu_op *entry = r->pipeline->entries[0].op;
    cu_batch *b = cu_batch_new(a, r->pipeline->entries[0].node->schema,
                               PER_BATCH);
    int64_t *marks = cu_arena_alloc(a, PER_BATCH * sizeof(*marks));
    for (int i = 0; i < PER_BATCH; i++) {
        int64_t at = (first + i) * INT64_C(1000000) + i % 7 * 100000;
        CU_COL(&b->cols[0], int64_t)[cu_batch_add(b, 1)] = at;
        marks[i] = at - 2000000;
    }
    b->cols[0].valid = NULL;
    b->marks = marks;
    cu_batch_seal(b);
    cr_assert_eq(cu_op_push(entry, 0, b, &r->err), 0);
    int64_t last = CU_COL(&b->cols[0], int64_t)[PER_BATCH - 1];
    cr_assert_eq(cu_op_watermark(entry, 0, last - 2000000, &r->err), 0);
    cu_arena_free(a);
}

Test(materialize, a_million_windows_leave_a_flat_state)
{
    rig r;
    unsigned most = 0;
    rig_open(&r, 24);
    rig_start(&r, endless(&r));
    for (int first = 0; first < WINDOWS; first += PER_BATCH) {
        push_windows(&r, first);
        rig_commit(&r);
        if (first % (50 * PER_BATCH) == 0) {
            unsigned n = rig_state_keys(&r);
            most = first == 0 ? n : most;
            cr_assert_leq(n, most + 8, "%u keys, then %u", most, n);
        }
    }
    uint32_t rows = 0;
    for (uint32_t i = 0; i < r.committed.n; i++)
        rows += r.committed.at[i]->n_rows;
    cr_assert_lt(rows, 110);
    cr_assert_str_eq(r.late, "");
    rig_close(&r);
}

/* Behind an exchange: changes of a key come from several partitions. */
static cu_node *gathered(rig *r)
{
    cu_node *n = keyed(r);
    n->inputs[0]->kind = CU_N_EXCHANGE;
    return n;
}

Test(materialize, a_new_row_may_come_before_the_old_one_goes)
{
    rig r;
    rig_open(&r, 20);
    rig_start(&r, gathered(&r));
    rig_push(&r, 0, "1 a\n2 x\n");
    rig_expect(&r, rig_commit(&r), pair, "+1 | 1 a\n+1 | 2 x\n");
    rig_push(&r, 0, "1 b\n");
    rig_expect(&r, rig_commit(&r), pair, "");
    rig_push(&r, 0, "1 c\n1 a\n");
    rig_expect(&r, rig_commit(&r), pair, "");
    cr_assert_eq(cu_materialize_check(r.pipeline->root, &r.err), CU_DATA);
    cr_assert(strstr(r.err.msg, "key (k)"));
    rig_push(&r, 0, "-1 | 1 b\n-1 | 1 a\n");
    rig_expect(&r, rig_commit(&r), pair, "");
    rig_push(&r, 0, "-1 | 1 a\n");
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 a\n+1 | 1 c\n");
    cr_assert_eq(cu_materialize_check(r.pipeline->root, &r.err), 0);
    rig_push(&r, 0, "-1 | 1 c\n");
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 c\n");
    rig_close(&r);
}

static void expect_rows(rig *r, const char *want)
{
    cu_buf text = {0};
    cr_assert_eq(
        cu_materialize_scan(r->space, r->root, append_text, &text, &r->err), 0);
    cr_expect(cu_slice_is(cu_buf_slice(&text), want), "%.*s", (int)text.len,
              text.data);
    cu_buf_free(&text);
}

Test(materialize, of_a_key_in_dispute_the_first_row_is_read)
{
    rig r;
    rig_open(&r, 21);
    rig_start(&r, gathered(&r));
    rig_push(&r, 0, "1 a\n");
    rig_commit(&r);
    rig_push(&r, 0, "+2 | 1 b\n");
    rig_commit(&r);
    rig_reopen(&r);
    expect_rows(&r, "+1 | 1 a\n");
    rig_push(&r, 0, "-1 | 1 a\n-1 | 1 b\n");
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 a\n+1 | 1 b\n");
    expect_rows(&r, "+1 | 1 b\n");
    rig_close(&r);
}
