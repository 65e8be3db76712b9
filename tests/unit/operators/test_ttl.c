/* Forgetting by the clock: what has not changed for sixteen seconds, in
 * grains of one.  Nothing that goes unknown is a fault. */
#include "tests/unit/operators/aggregates.h"
#include "tests/unit/operators/over_world.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { SECOND = 1000000, TTL_S = 16 };

static const char *const in = "k:int v:int";

static void at(rig *r, int64_t seconds)
{
    r->expr_env.now_us = seconds * SECOND;
}

static cu_node *forgetting(cu_node *n)
{
    n->ttl_us = (int64_t)TTL_S * SECOND;
    return n;
}

/* A commit at that time, of nothing new; all that is due, due by due. */
static void pass(rig *r, int64_t seconds)
{
    at(r, seconds);
    do
        rig_commit(r);
    while (cu_pipeline_due(r->pipeline) <= r->expr_env.now_us);
}

/* --- aggregate ------------------------------------------------------------ */

static const char *const sums = "k:int n:int8 s:int8 d:int8 m:int";

static cu_node *aggregate(rig *r, bool append_only)
{
    static const agg_call calls[] = {{.name = "count", .arg = -1},
                                     {.name = "sum", .arg = 1},
                                     {.name = "count", .arg = 1, .distinct = 1},
                                     {.name = "max", .arg = 1}};
    cu_node *n = agg_node(r, in, "0", sums, calls, 4);
    n->inputs[0]->append_only = append_only;
    return forgetting(n);
}

Test(ttl, a_group_that_did_not_change_is_forgotten_and_begins_anew)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, aggregate(&r, false));
    at(&r, 100);
    rig_push(&r, 0, "1 5\n1 6\n2 7\n");
    rig_commit(&r);
    at(&r, 110);
    rig_push(&r, 0, "2 8\n");
    rig_expect(&r, rig_commit(&r), sums, "-1 | 2 1 7 1 7\n+1 | 2 2 15 2 8\n");
    pass(&r, 117);
    rig_expect(&r, rig_integral(&r), sums, "1 2 11 2 6\n2 2 15 2 8\n");
    rig_reopen(&r);
    rig_push(&r, 0, "1 9\n2 9\n");
    rig_expect(&r, rig_commit(&r), sums,
               "1 1 9 1 9\n-1 | 2 2 15 2 8\n+1 | 2 3 24 3 9\n");
    pass(&r, 133);
    rig_expect(&r, rig_commit(&r), sums, "");
    pass(&r, 134);
    cr_expect_eq(rig_state_keys(&r), 0);
    rig_close(&r);
}

Test(ttl, what_is_over_is_over_whether_it_was_swept_or_not)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, aggregate(&r, false));
    at(&r, 100);
    rig_push(&r, 0, "1 5\n1 6\n");
    rig_commit(&r);
    at(&r, 1000);
    rig_push(&r, 0, "1 7\n");
    rig_expect(&r, rig_commit(&r), sums, "1 1 7 1 7\n");
    rig_reopen(&r);
    at(&r, 2000);
    rig_push(&r, 0, "1 8\n");
    rig_expect(&r, rig_commit(&r), sums, "1 1 8 1 8\n");
    rig_close(&r);
}

Test(ttl, rows_that_go_unknown_are_ignored)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, aggregate(&r, false));
    cu_op *op = r.pipeline->root;
    at(&r, 100);
    rig_push(&r, 0, "1 5\n1 6\n2 7\n");
    rig_commit(&r);
    pass(&r, 130);
    rig_push(&r, 0, "-1 | 1 5\n-3 | 2 7\n");
    rig_expect(&r, rig_commit(&r), sums, "");
    cr_expect_eq(op->n_unknown, 4);
    cr_expect_eq(rig_state_keys(&r), 0);
    rig_push(&r, 0, "1 3\n1 4\n");
    rig_commit(&r);
    /* 6 is not among the values: one row fewer all the same. */
    rig_push(&r, 0, "-1 | 1 6\n");
    rig_expect(&r, rig_commit(&r), sums, "-1 | 1 2 7 2 4\n+1 | 1 1 1 2 4\n");
    rig_push(&r, 0, "-1 | 1 3\n-1 | 1 4\n");
    rig_expect(&r, rig_commit(&r), sums, "-1 | 1 1 1 2 4\n");
    rig_close(&r);
}

Test(ttl, a_change_without_effect_does_not_keep_a_group)
{
    static const agg_call calls[] = {{.name = "count", .arg = -1}};
    rig r;
    rig_open(&r, 4);
    rig_start(&r, forgetting(agg_node(&r, in, "0", "k:int n:int8", calls, 1)));
    at(&r, 100);
    rig_push(&r, 0, "1 5\n");
    rig_commit(&r);
    at(&r, 110);
    rig_push(&r, 0, "1 6\n-1 | 1 6\n");
    rig_commit(&r);
    pass(&r, 117);
    cr_expect_eq(rig_state_keys(&r), 0);
    rig_close(&r);
}

Test(ttl, a_commit_forgets_no_more_than_it_has_room_for)
{
    enum { KEYS = 9000, CHUNK = 900 };
    static const agg_call calls[] = {{.name = "count", .arg = -1}};
    static char rows[CHUNK * 16];
    rig r;
    rig_open(&r, 5);
    rig_start(&r, forgetting(agg_node(&r, in, "0", "k:int n:int8", calls, 1)));
    at(&r, 100);
    for (int k = 0; k < KEYS; k++) {
        size_t end = k % CHUNK ? strlen(rows) : 0;
        snprintf(rows + end, sizeof(rows) - end, "%d 1\n", k);
        if (k % CHUNK == CHUNK - 1)
            rig_push(&r, 0, rows);
    }
    cr_assert_eq(rig_try_commit(&r), 0);
    rig_abort(&r);
    for (int k = 0; k < KEYS; k++) {
        size_t end = k % CHUNK ? strlen(rows) : 0;
        snprintf(rows + end, sizeof(rows) - end, "%d 1\n", k);
        if (k % CHUNK != CHUNK - 1)
            continue;
        rig_push(&r, 0, rows);
        rig_commit(&r);
    }
    unsigned all = rig_state_keys(&r);
    cr_expect_eq(all, 2 * KEYS);
    at(&r, 200);
    for (unsigned left = all, n = 0; left > 0; n++) {
        cr_assert_leq(cu_pipeline_due(r.pipeline), r.expr_env.now_us);
        rig_commit(&r);
        unsigned now = rig_state_keys(&r);
        cr_assert_lt(now, left);
        cr_assert_leq(left - now, 2 * 4096);
        cr_assert_lt(n, 4);
        left = now;
        if (n == 1)
            rig_reopen(&r);
    }
    cr_expect_eq(cu_pipeline_due(r.pipeline), INT64_MAX);
    rig_close(&r);
}

/* --- rank, over ----------------------------------------------------------- */

static cu_node *ranked(rig *r, int64_t limit, bool append_only)
{
    cu_node *n = rig_node(r, CU_N_RANK, in, rig_source(r, in));
    cu_key_col *order = cu_arena_calloc(r->arena, 1, sizeof(*order));
    order->col = 1;
    n->inputs[0]->append_only = append_only;
    n->rank.partition = rig_cols(r, "0", &n->rank.n_partition);
    n->rank.order = order;
    n->rank.n_order = 1;
    n->rank.limit = limit;
    return forgetting(n);
}

Test(ttl, a_partition_forgets_its_rows_and_takes_none_back)
{
    rig r;
    rig_open(&r, 6);
    rig_start(&r, ranked(&r, 2, false));
    at(&r, 100);
    rig_push(&r, 0, "1 5\n1 6\n1 7\n2 1\n");
    rig_commit(&r);
    at(&r, 110);
    rig_push(&r, 0, "2 2\n");
    rig_commit(&r);
    pass(&r, 120);
    rig_push(&r, 0, "-1 | 1 5\n-1 | 2 1\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 2 1\n");
    rig_reopen(&r);
    rig_push(&r, 0, "1 9\n1 8\n1 7\n-1 | 1 6\n");
    rig_expect(&r, rig_commit(&r), in, "1 7\n1 8\n");
    at(&r, 1000); /* over, and not swept yet */
    rig_push(&r, 0, "1 10\n");
    rig_expect(&r, rig_commit(&r), in, "1 10\n");
    pass(&r, 2000);
    /* the next arrival is what stays */
    cr_expect_eq(rig_state_keys(&r), 1);
    rig_close(&r);
}

Test(ttl, a_first_row_is_held_from_when_it_came)
{
    rig r;
    rig_open(&r, 7);
    rig_start(&r, ranked(&r, 1, true));
    at(&r, 100);
    rig_push(&r, 0, "1 5\n");
    rig_expect(&r, rig_commit(&r), in, "1 5\n");
    at(&r, 115); /* a duplicate changes nothing */
    rig_push(&r, 0, "1 6\n");
    rig_expect(&r, rig_commit(&r), in, "");
    rig_reopen(&r);
    at(&r, 117);
    rig_push(&r, 0, "1 7\n");
    rig_expect(&r, rig_commit(&r), in, "1 7\n");
    pass(&r, 134);
    cr_expect_eq(rig_state_keys(&r), 0);
    rig_close(&r);
}

Test(ttl, window_functions_forget_whole_partitions)
{
    static const char *const out = "k:int v:int s:int8";
    rig r;
    rig_open(&r, 8);
    r.expr_env.zone = cu_zone_utc();
    cu_node *n = forgetting(over_node(&r, out, rig_source(&r, in), "0", "1"));
    over_add(&r, n, "sum", "1");
    rig_start(&r, n);
    at(&r, 100);
    rig_push(&r, 0, "1 1\n1 2\n2 1\n2 1\n");
    rig_commit(&r);
    at(&r, 110);
    rig_push(&r, 0, "2 3\n");
    rig_expect(&r, rig_commit(&r), out, "2 3 5\n");
    pass(&r, 117);
    rig_reopen(&r);
    rig_push(&r, 0, "1 3\n-1 | 1 1\n-3 | 2 1\n");
    rig_expect(&r, rig_commit(&r), out,
               "1 3 3\n-2 | 2 1 2\n-1 | 2 3 5\n+1 | 2 3 3\n");
    at(&r, 1000); /* over, and not swept yet */
    rig_push(&r, 0, "2 9\n");
    rig_expect(&r, rig_commit(&r), out, "2 9 9\n");
    pass(&r, 2000);
    cr_expect_eq(rig_state_keys(&r), 0);
    rig_close(&r);
}

/* --- join ----------------------------------------------------------------- */

static const char *const right = "k:int w:int";
static const char *const both = "k:int v:int k2:int w:int";

static cu_node *join(rig *r, cu_join_kind kind)
{
    bool half = kind == CU_JOIN_SEMI || kind == CU_JOIN_ANTI;
    return forgetting(rig_join(r, CU_N_JOIN, kind, half ? in : both,
                               rig_source(r, in), rig_source(r, right), "0",
                               "0"));
}

Test(ttl, join_rows_go_one_by_one)
{
    rig r;
    rig_open(&r, 9);
    rig_start(&r, join(&r, CU_JOIN_INNER));
    at(&r, 100);
    rig_push(&r, 0, "1 1\n");
    rig_push(&r, 1, "1 10\n");
    rig_expect(&r, rig_commit(&r), both, "1 1 1 10\n");
    at(&r, 110);
    rig_push(&r, 0, "1 2\n");
    rig_expect(&r, rig_commit(&r), both, "1 2 1 10\n");
    pass(&r, 117);
    rig_reopen(&r);
    rig_push(&r, 1, "1 11\n-1 | 1 10\n");
    rig_expect(&r, rig_commit(&r), both, "1 2 1 11\n");
    rig_push(&r, 0, "-1 | 1 1\n-1 | 1 2\n");
    rig_expect(&r, rig_commit(&r), both, "-1 | 1 2 1 11\n");
    pass(&r, 140);
    cr_expect_eq(rig_state_keys(&r), 0);
    rig_close(&r);
}

Test(ttl, a_left_row_that_met_a_forgotten_one_was_met)
{
    rig r;
    rig_open(&r, 10);
    cu_node *n = join(&r, CU_JOIN_LEFT);
    rig_start(&r, n);
    at(&r, 100);
    rig_push(&r, 1, "1 10\n");
    rig_commit(&r);
    at(&r, 110);
    rig_push(&r, 0, "1 1\n");
    rig_expect(&r, rig_commit(&r), both, "1 1 1 10\n");
    pass(&r, 117);
    rig_reopen(&r);
    rig_push(&r, 0, "1 2\n");
    rig_push(&r, 1, "-1 | 1 10\n");
    rig_expect(&r, rig_commit(&r), both, "1 2 null null\n");
    rig_push(&r, 1, "1 11\n");
    rig_expect(&r, rig_commit(&r), both,
               "1 1 1 11\n-1 | 1 2 null null\n+1 | 1 2 1 11\n");
    rig_push(&r, 1, "-1 | 1 11\n");
    rig_expect(&r, rig_commit(&r), both,
               "-1 | 1 1 1 11\n-1 | 1 2 1 11\n+1 | 1 2 null null\n");
    rig_close(&r);
}

Test(ttl, a_side_that_stays_is_met_for_ever)
{
    rig r;
    rig_open(&r, 11);
    cu_node *n = join(&r, CU_JOIN_INNER);
    n->join.stays[1] = true;
    rig_start(&r, n);
    at(&r, 100);
    rig_push(&r, 1, "1 10\n");
    rig_push(&r, 0, "1 1\n");
    rig_commit(&r);
    pass(&r, 1000);
    cr_expect_eq(rig_state_keys(&r), 1);
    rig_push(&r, 0, "1 2\n");
    rig_expect(&r, rig_commit(&r), both, "1 2 1 10\n");
    rig_push(&r, 1, "-1 | 1 10\n+1 | 1 11\n");
    rig_expect(&r, rig_commit(&r), both, "-1 | 1 2 1 10\n+1 | 1 2 1 11\n");
    rig_close(&r);
}

Test(ttl, semi_and_anti_joins_forget_both_sides)
{
    for (int anti = 0; anti < 2; anti++) {
        rig r;
        rig_open(&r, 12);
        rig_start(&r, join(&r, anti ? CU_JOIN_ANTI : CU_JOIN_SEMI));
        at(&r, 100);
        rig_push(&r, 1, "1 10\n1 11\n");
        rig_push(&r, 0, "1 1\n2 2\n");
        rig_expect(&r, rig_commit(&r), in, anti ? "2 2\n" : "1 1\n");
        pass(&r, 117);
        rig_push(&r, 0, "1 3\n-1 | 1 1\n");
        rig_push(&r, 1, "-1 | 1 10\n");
        rig_expect(&r, rig_commit(&r), in, anti ? "1 3\n" : "");
        pass(&r, 1000);
        cr_expect_eq(rig_state_keys(&r), 0);
        rig_close(&r);
    }
}

Test(ttl, a_key_with_many_rows_is_walked_in_parts)
{
    enum { ROWS = 12000, CHUNK = 1000 };
    static char rows[CHUNK * 16];
    rig r;
    rig_open(&r, 13);
    rig_start(&r, join(&r, CU_JOIN_SEMI));
    for (int v = 0; v < ROWS; v++) {
        size_t end = v % CHUNK ? strlen(rows) : 0;
        snprintf(rows + end, sizeof(rows) - end, "1 %d\n", v);
        at(&r, 100 + v / CHUNK % 2);
        if (v % CHUNK != CHUNK - 1)
            continue;
        rig_push(&r, 0, rows);
        rig_commit(&r);
    }
    unsigned left = rig_state_keys(&r);
    cr_expect_geq(left, ROWS);
    at(&r, 117); /* half of them are over */
    for (int n = 0; n < 4; n++) {
        rig_commit(&r);
        unsigned now = rig_state_keys(&r);
        cr_expect_leq(left - now, 6000);
        left = now;
        if (n == 0)
            rig_reopen(&r);
    }
    cr_expect_leq(left, ROWS / 2 + 3);
    cr_expect_geq(left, ROWS / 2);
    pass(&r, 200);
    cr_expect_eq(rig_state_keys(&r), 0);
    rig_close(&r);
}

/* --- materialize ---------------------------------------------------------- */

Test(ttl, what_comes_last_for_a_key_replaces_what_is_there)
{
    rig r;
    rig_open(&r, 14);
    cu_node *n = rig_node(&r, CU_N_MATERIALIZE, in, rig_source(&r, in));
    n->key = rig_cols(&r, "0", &n->n_key);
    rig_start(&r, forgetting(n));
    rig_push(&r, 0, "1 5\n");
    rig_commit(&r);
    rig_push(&r, 0, "1 6\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 1 5\n+1 | 1 6\n");
    rig_push(&r, 0, "-1 | 1 5\n-1 | 2 5\n");
    rig_expect(&r, rig_commit(&r), in, "");
    rig_push(&r, 0, "1 7\n1 8\n");
    rig_commit(&r);
    rig_push(&r, 0, "-1 | 1 6\n-1 | 1 7\n-1 | 1 8\n");
    rig_commit(&r);
    rig_push(&r, 0, "1 9\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), in, "1 9\n");
    rig_push(&r, 0, "-1 | 1 9\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 1 9\n");
    rig_close(&r);
}

/* --- everything at once --------------------------------------------------- */

enum { KEYS = 5, VALUES = 4, ROUNDS = 50 };

typedef struct chain {
    int rows[2][KEYS][VALUES];
    unsigned chance; /* of what happens: the same in each run */
} chain;

static unsigned draw(chain *c, unsigned n)
{
    c->chance = c->chance * 1664525u + 1013904223u;
    return (c->chance >> 8) % n;
}

/* Rows that come, and rows that go and did come. */
static void random_rows(chain *c, int side, char *out, size_t size)
{
    unsigned n = draw(c, 6);
    out[0] = 0;
    for (unsigned i = 0; i < n; i++) {
        int k = (int)draw(c, KEYS), v = (int)draw(c, VALUES);
        int w = draw(c, 5) < 3 ? 1 : -1;
        if (w < 0 && c->rows[side][k][v] == 0)
            continue;
        c->rows[side][k][v] += w;
        size_t end = strlen(out);
        snprintf(out + end, size - end, "%+d | %d %d\n", w, k, v);
    }
}

/* join -> over -> aggregate, by key */
static cu_node *tower(rig *r, cu_join_kind kind, const char **schema)
{
    static const char *const sums_of = "k:int n:int8 s:int8 d:int8 m:int8 "
                                       "a:int8[]";
    static const agg_call calls[] = {{.name = "count", .arg = 1},
                                     {.name = "sum", .arg = 2},
                                     {.name = "count", .arg = 2, .distinct = 1},
                                     {.name = "min", .arg = 2},
                                     {.name = "array_agg", .arg = 2}};
    bool half = kind == CU_JOIN_SEMI || kind == CU_JOIN_ANTI;
    const char *with = half ? "k:int v:int s:int8"
                            : "k:int v:int k2:int w:int s:int8";
    cu_node *o = over_node(r, with, join(r, kind), "0", "1");
    over_add(r, o, "sum", half ? "1" : "3");
    cu_node *a = rig_aggregate(r, sums_of, forgetting(o), "0");
    for (unsigned i = 0; i < 5; i++) {
        agg_call c = calls[i];
        c.arg = c.arg == 2 ? (half ? 2 : 4) : c.arg;
        agg_add(r, a, c);
    }
    cu_node *m = rig_node(r, CU_N_MATERIALIZE, sums_of, forgetting(a));
    m->key = rig_cols(r, "0", &m->n_key);
    *schema = sums_of;
    return forgetting(m);
}

static void play(cu_join_kind kind, unsigned what, unsigned seed, char *out,
                 size_t size)
{
    chain c = {.chance = what};
    char rows[400];
    const char *schema;
    rig r;
    rig_open(&r, seed);
    r.expr_env.zone = cu_zone_utc();
    rig_start(&r, tower(&r, kind, &schema));
    int64_t now = 1000;
    for (int i = 0; i < ROUNDS; i++) {
        now += draw(&c, 8);
        at(&r, now);
        for (int side = 0; side < 2; side++) {
            random_rows(&c, side, rows, sizeof(rows));
            if (rows[0])
                rig_push(&r, (unsigned)side, rows);
        }
        rig_commit(&r);
        if (seed % 2 && rig_draw(&r, 4) == 0)
            rig_reopen(&r);
    }
    snprintf(out, size, "%s", rig_integral(&r));
    pass(&r, now + 100);
    cr_expect_leq(rig_state_keys(&r), KEYS + 1); /* the view's rows */
    rig_close(&r);
}

Test(ttl, forgetting_is_the_same_whatever_is_in_memory)
{
    static char first[1 << 16], other[1 << 16];
    for (int kind = CU_JOIN_INNER; kind <= CU_JOIN_ANTI; kind++)
        for (unsigned what = 1; what <= 2; what++) {
            play((cu_join_kind)kind, what, 2, first, sizeof(first));
            for (unsigned seed = 3; seed <= 5; seed++) {
                play((cu_join_kind)kind, what, seed, other, sizeof(other));
                cr_assert_str_eq(first, other, "kind %d, %u, seed %u", kind,
                                 what, seed);
            }
        }
}
