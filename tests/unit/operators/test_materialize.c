#include "tests/unit/operators/rig.h"

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
