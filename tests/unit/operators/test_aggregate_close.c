/* Closing: groups of passed times are forgotten, their rows come too late. */
#include "tests/unit/operators/aggregates.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const in = "w:timestamp k:text v:int";
static const char *const schema = "w:timestamp k:text n:int8 d:int8 a:text[] "
                                  "m:text";

enum { MINUTE = 60000000, LATE_BYTES = 4096 };

static char late_text[LATE_BYTES];

static int take_late(void *ctx, const cu_late *l, cu_err *err)
{
    size_t at = strlen(late_text);
    (void)ctx, (void)err;
    cu_value v = cu_batch_value(l->batch, l->row, 2);
    snprintf(late_text + at, LATE_BYTES - at, "%d [%ld, %ld) at %ld\n", v.i4,
             (long)(l->window_start_us / MINUTE),
             (long)(l->window_end_us / MINUTE),
             (long)(l->watermark_us / MINUTE));
    return 0;
}

/* Windows of ten minutes, two more of grace. */
static cu_node *closing(rig *r)
{
    static const agg_call calls[] = {
        {.name = "count", .arg = 2},
        {.name = "count", .arg = 2, .distinct = true},
        {.name = "array_agg", .arg = 1},
        {.name = "mode", .arg = -1, .order = "2"},
    };
    cu_node *n = agg_node(r, in, "0 1", schema, calls, 4);
    n->aggregate.closing = (cu_closing){
        .on = true, .delay.us = 10 * MINUTE, .lateness_us = 2 * MINUTE};
    r->env.late = take_late;
    late_text[0] = 0;
    return n;
}

static void mark(rig *r, int64_t minutes)
{
    int rc = cu_op_watermark(r->pipeline->entries[0].op, 0, minutes * MINUTE,
                             &r->err);
    cr_assert_eq(rc, 0);
}

static int count_key(void *ctx, uint16_t table, cu_slice key, cu_slice value,
                     cu_err *err)
{
    (void)table, (void)key, (void)value, (void)err;
    ++*(size_t *)ctx;
    return 0;
}

static size_t n_keys(rig *r)
{
    size_t n = 0;
    cr_assert_eq(cu_space_each(r->space, count_key, &n, &r->err), 0);
    return n;
}

Test(close, what_the_watermark_passed_is_forgotten_and_stays_downstream)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, closing(&r));
    rig_push(&r, 0,
             "'2000-01-01 00:00:00' a 1\n'2000-01-01 00:00:00' a 2\n"
             "'2000-01-01 00:10:00' a 3\nnull a 4\n");
    mark(&r, 11);
    rig_commit(&r);
    const char *all = "'2000-01-01 00:00:00' a 2 2 {a,a} a\n"
                      "'2000-01-01 00:10:00' a 1 1 {a} a\nnull a 1 1 {a} a\n";
    rig_expect(&r, rig_integral(&r), schema, all);
    size_t before = n_keys(&r);
    mark(&r, 12);
    rig_expect(&r, rig_commit(&r), schema, "");
    rig_expect(&r, rig_integral(&r), schema, all);
    /* A group, two numbers, the text in two sets, its rank; a key says when. */
    cr_assert_eq(n_keys(&r), before - 6 + 1, "%zu of %zu", n_keys(&r), before);
    rig_close(&r);
}

Test(close, a_row_for_a_closed_group_is_late_and_nothing_else)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, closing(&r));
    rig_push(&r, 0, "'2000-01-01 00:00:00' a 1\n'2000-01-01 00:10:00' a 2\n");
    mark(&r, 13);
    rig_commit(&r);
    rig_push(&r, 0,
             "+1 | '2000-01-01 00:00:00' a 7\n-1 | '2000-01-01 00:00:00' a 1\n"
             "+1 | '2000-01-01 00:10:00' a 8\n");
    rig_expect(&r, rig_commit(&r), schema,
               "-1 | '2000-01-01 00:10:00' a 1 1 {a} a\n"
               "+1 | '2000-01-01 00:10:00' a 2 2 {a,a} a\n");
    cr_assert_str_eq(late_text, "7 [0, 10) at 13\n");
    rig_reopen(&r); /* nobody told it of the watermark again */
    rig_push(&r, 0, "'2000-01-01 00:00:00' b 9\n");
    rig_expect(&r, rig_commit(&r), schema, "");
    cr_assert_str_eq(late_text, "7 [0, 10) at 13\n9 [0, 10) at 13\n");
    rig_close(&r);
}

Test(close, a_group_that_closes_with_its_commit_is_emitted_and_not_kept)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, closing(&r));
    rig_push(&r, 0, "'2000-01-01 00:00:00' a 1\n");
    mark(&r, 500);
    rig_expect(&r, rig_commit(&r), schema,
               "'2000-01-01 00:00:00' a 1 1 {a} a\n");
    cr_assert_eq(n_keys(&r), 1); /* what is closed */
    rig_reopen(&r);
    rig_push(&r, 0, "'2000-01-01 00:00:00' a 2\n");
    rig_expect(&r, rig_commit(&r), schema, "");
    cr_assert_str_eq(late_text, "2 [0, 10) at 500\n");
    rig_close(&r);
}

/* A commit that keeps no integral. */
static void commit(rig *r)
{
    cu_kv_batch batch = {0};
    cu_progress p = {.sequence = 1};
    cr_assert_eq(rig_try_commit(r), 0, "%s", r->err.msg);
    cu_space_to_batch(r->space, 1, &p, &batch);
    cr_assert_eq(r->kv->vt->write(r->kv, &batch, false, &r->err), 0);
    cu_space_committed(r->space, 1);
    cu_kv_batch_free(&batch);
    r->n_out = 0;
    r->emitted = 0;
    cu_arena_reset(r->round);
}

/* The stream is endless, the state is not. */
Test(close, state_is_flat_over_many_windows)
{
#if defined(__SANITIZE_ADDRESS__)
    enum { WINDOWS = 50000 };
#else
    enum { WINDOWS = 1000000 };
#endif
    enum { STEP = 100 };
    static const agg_call calls[] = {
        {.name = "count", .arg = -1},
        {.name = "count", .arg = 1, .distinct = true},
    };
    rig r;
    size_t most = 0;
    rig_open(&r, 4);
    cu_node *n = agg_node(&r, "w:timestamp v:int", "0",
                          "w:timestamp n:int8 d:int8", calls, 2);
    ((cu_agg_call *)n->aggregate.calls)[0].arg = 1;
    n->aggregate.closing = (cu_closing){.on = true, .delay.us = MINUTE};
    r.env.late = take_late;
    late_text[0] = 0;
    rig_start(&r, n);
    cu_arena *a = cu_arena_new(0);
    for (int w = 0; w < WINDOWS; w += STEP) {
        cu_batch *b = cu_batch_new(a, n->inputs[0]->schema, STEP * 2);
        for (int i = 0; i < STEP * 2; i++) {
            uint32_t row = cu_batch_add(b, 1);
            cu_value t = {.type = CU_TYPE(CU_T_TIMESTAMP),
                          .i8 = (int64_t)(w + i / 2) * MINUTE};
            cu_value v = {.type = CU_TYPE(CU_T_INT4), .i4 = i};
            cu_col_set(a, &b->cols[0], row, b->capacity, &t);
            cu_col_set(a, &b->cols[1], row, b->capacity, &v);
        }
        cu_batch_seal(b);
        cr_assert_eq(cu_op_push(r.pipeline->entries[0].op, 0, b, &r.err), 0);
        mark(&r, w + STEP - 10);
        commit(&r);
        if (w % (WINDOWS / 20) == 0 && n_keys(&r) > most)
            most = n_keys(&r);
        cu_arena_reset(a);
    }
    cr_assert_eq(r.pipeline->root->n_out, WINDOWS);
    cr_assert_leq(most, 1 + 3 * 12, "%zu keys", most);
    cr_assert_str_empty(late_text);
    /* The cost of closing is that of what is closed. */
    cr_assert_lt(cu_op_work(r.pipeline->root), 15ul * WINDOWS);
    cu_arena_free(a);
    rig_close(&r);
}
