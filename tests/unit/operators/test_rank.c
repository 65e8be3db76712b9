#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const in = "p:int o:int v:text";
static const char *const numbered = "p:int o:int v:text n:int8";

static cu_node *ranked(rig *r, const char *partition, int64_t limit,
                       int64_t offset, bool with_number)
{
    cu_node *n = rig_node(r, CU_N_RANK, with_number ? numbered : in,
                          rig_source(r, in));
    cu_key_col *order = cu_arena_calloc(r->arena, 1, sizeof(*order));
    order->col = 1;
    n->rank.partition = rig_cols(r, partition, &n->rank.n_partition);
    n->rank.order = order;
    n->rank.n_order = 1;
    n->rank.limit = limit;
    n->rank.offset = offset;
    n->rank.numbered = with_number;
    return n;
}

Test(rank, distinct_on_keeps_the_first_row)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, ranked(&r, "0", 1, 0, false));
    rig_push(&r, 0, "1 5 e\n1 3 c\n2 9 z\n1 4 d\n");
    rig_expect(&r, rig_commit(&r), in, "1 3 c\n2 9 z\n");
    rig_push(&r, 0, "-1 | 1 3 c\n+1 | 1 7 g\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 1 3 c\n+1 | 1 4 d\n");
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 1 7 g\n-1 | 1 4 d\n-1 | 1 5 e\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 1 4 d\n");
    rig_expect(&r, rig_integral(&r), in, "2 9 z\n");
    rig_close(&r);
}

Test(rank, among_equals_the_latest_is_first)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, ranked(&r, "0", 1, 0, false));
    rig_push(&r, 0, "1 5 a\n1 5 b\n");
    rig_expect(&r, rig_commit(&r), in, "1 5 b\n");
    rig_reopen(&r);
    rig_push(&r, 0, "1 5 c\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 1 5 b\n+1 | 1 5 c\n");
    rig_push(&r, 0, "-1 | 1 5 c\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 1 5 c\n+1 | 1 5 b\n");
    rig_close(&r);
}

Test(rank, top_n_without_partition_and_with_offset)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, ranked(&r, "", 2, 1, false));
    rig_push(&r, 0, "1 1 a\n2 2 b\n3 3 c\n4 4 d\n");
    rig_expect(&r, rig_commit(&r), in, "2 2 b\n3 3 c\n");
    rig_push(&r, 0, "-1 | 1 1 a\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 2 2 b\n+1 | 4 4 d\n");
    rig_push(&r, 0, "9 0 z\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 4 4 d\n+1 | 2 2 b\n");
    rig_close(&r);
}

Test(rank, numbers_shift_when_a_row_comes_between)
{
    rig r;
    rig_open(&r, 4);
    rig_start(&r, ranked(&r, "0", -1, 0, true));
    rig_push(&r, 0, "1 10 a\n1 30 c\n");
    rig_expect(&r, rig_commit(&r), numbered, "1 10 a 1\n1 30 c 2\n");
    rig_push(&r, 0, "1 20 b\n");
    rig_expect(&r, rig_commit(&r), numbered,
               "-1 | 1 30 c 2\n+1 | 1 20 b 2\n+1 | 1 30 c 3\n");
    rig_close(&r);
}

Test(rank, a_row_that_comes_back_changes_nothing)
{
    rig r;
    rig_open(&r, 5);
    rig_start(&r, ranked(&r, "0", 2, 0, false));
    rig_push(&r, 0, "1 1 a\n1 2 b\n");
    rig_commit(&r);
    rig_push(&r, 0, "-1 | 1 1 a\n+1 | 1 1 a\n");
    cr_assert_eq(rig_try_commit(&r), 0);
    cr_assert_eq(r.emitted, 0);
    rig_close(&r);
}

Test(rank, append_only_input_keeps_the_window_only)
{
    rig r;
    rig_open(&r, 6);
    cu_node *n = ranked(&r, "0", 2, 0, false);
    n->inputs[0]->append_only = true;
    rig_start(&r, n);
    rig_push(&r, 0, "1 9 i\n1 8 h\n1 7 g\n1 6 f\n1 9 x\n");
    rig_expect(&r, rig_commit(&r), in, "1 6 f\n1 7 g\n");
    cu_table_iter *it;
    cu_slice key, value;
    cu_table *t = cu_space_table(r.space, cu_node_state_table(n, 0));
    cr_assert_eq(
        cu_table_scan(t, CU_LIT(""), CU_NULL_SLICE, false, &it, &r.err), 0);
    int rows = 0;
    while (cu_table_iter_next(it, &key, &value))
        rows++;
    cr_assert_eq(cu_table_iter_close(it, &r.err), 0);
    cr_assert_eq(rows, 2);
    rig_reopen(&r);
    rig_push(&r, 0, "1 1 a\n1 8 h\n");
    rig_expect(&r, rig_commit(&r), in, "-1 | 1 7 g\n+1 | 1 1 a\n");
    rig_close(&r);
}

Test(rank, a_row_that_never_came_cannot_go, .signal = SIGABRT)
{
    rig r;
    rig_open(&r, 7);
    rig_start(&r, ranked(&r, "0", 1, 0, false));
    rig_push(&r, 0, "+1 | 1 1 a\n-1 | 1 1 b\n");
}

/* --- equals --------------------------------------------------------------- */

Test(rank, with_ties_the_equals_of_the_last_row_are_there)
{
    rig r;
    rig_open(&r, 8);
    cu_node *n = ranked(&r, "0", 2, 0, true);
    n->rank.fn = CU_RANK_RANK;
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 a\n1 2 b\n1 2 c\n1 2 d\n1 3 e\n");
    rig_expect(&r, rig_commit(&r), numbered,
               "1 1 a 1\n1 2 b 2\n1 2 c 2\n1 2 d 2\n");
    rig_push(&r, 0, "1 1 z\n");
    rig_expect(&r, rig_commit(&r), numbered,
               "+1 | 1 1 z 1\n-1 | 1 2 b 2\n-1 | 1 2 c 2\n-1 | 1 2 d 2\n");
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 1 1 a\n-1 | 1 1 z\n");
    rig_expect(&r, rig_commit(&r), numbered,
               "-1 | 1 1 a 1\n-1 | 1 1 z 1\n1 2 b 1\n1 2 c 1\n1 2 d 1\n");
    rig_close(&r);
}

Test(rank, dense_rank_bounds_the_groups_of_equals)
{
    rig r;
    rig_open(&r, 9);
    cu_node *n = ranked(&r, "0", 2, 0, true);
    n->rank.fn = CU_RANK_DENSE_RANK;
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 a\n1 1 b\n1 2 c\n1 2 d\n1 3 e\n");
    rig_expect(&r, rig_commit(&r), numbered,
               "1 1 a 1\n1 1 b 1\n1 2 c 2\n1 2 d 2\n");
    rig_push(&r, 0, "-1 | 1 1 a\n-1 | 1 1 b\n");
    rig_expect(&r, rig_commit(&r), numbered,
               "-1 | 1 1 a 1\n-1 | 1 1 b 1\n-1 | 1 2 c 2\n+1 | 1 2 c 1\n"
               "-1 | 1 2 d 2\n+1 | 1 2 d 1\n+1 | 1 3 e 2\n");
    rig_close(&r);
}

/* A new row among equals moves none of the others. */
Test(rank, an_equal_row_emits_itself_only)
{
    rig r;
    rig_open(&r, 10);
    cu_node *n = ranked(&r, "0", 1, 0, true);
    n->rank.fn = CU_RANK_RANK;
    rig_start(&r, n);
    rig_push(&r, 0, "1 1 a\n1 1 b\n1 1 c\n");
    rig_commit(&r);
    rig_push(&r, 0, "1 1 d\n");
    cr_assert_eq(rig_try_commit(&r), 0);
    cr_assert_eq(r.emitted, 1);
    rig_close(&r);
}

Test(rank, a_closed_partition_leaves_no_state)
{
    static const char *const timed = "w:timestamp o:int";
    rig r;
    rig_open(&r, 11);
    cu_node *n = rig_node(&r, CU_N_RANK, timed, rig_source(&r, timed));
    cu_key_col *order = cu_arena_calloc(r.arena, 1, sizeof(*order));
    order->col = 1;
    n->rank.partition = rig_cols(&r, "0", &n->rank.n_partition);
    n->rank.order = order;
    n->rank.n_order = 1;
    n->rank.limit = 1;
    n->rank.closing = (cu_closing){.on = true, .delay = {.us = 600000000}};
    rig_start(&r, n);
    rig_push(&r, 0, "'2000-01-01 00:00:00' 1\n'2000-01-01 00:10:00' 1\n");
    rig_expect(&r, rig_commit(&r), timed,
               "'2000-01-01 00:00:00' 1\n'2000-01-01 00:10:00' 1\n");
    cr_assert_eq(
        cu_op_watermark(r.pipeline->entries[0].op, 0, 600000000, &r.err), 0);
    cr_assert_str_eq(rig_commit(&r), "");
    rig_push(&r, 0, "'2000-01-01 00:00:00' 0\n'2000-01-01 00:10:00' 0\n");
    rig_expect(&r, rig_commit(&r), timed,
               "-1 | '2000-01-01 00:10:00' 1\n+1 | '2000-01-01 00:10:00' 0\n");
    rig_close(&r);
}

/* --- against recomputation ----------------------------------------------- */

enum { MOST = 200, PARTITIONS = 3 };

typedef struct row {
    int p, o, v;
    long arrival;
} row;

typedef struct model {
    row rows[MOST];
    int n;
    long arrivals;
} model;

static int by_rank(const void *pa, const void *pb)
{
    const row *a = pa, *b = pb;
    if (a->p != b->p)
        return a->p - b->p;
    if (a->o != b->o)
        return a->o - b->o;
    return a->arrival < b->arrival ? 1 : -1;
}

/* The newest row that looks like rows[at]. */
static int newest(const model *m, int at)
{
    for (int i = 0; i < m->n; i++)
        if (m->rows[i].p == m->rows[at].p && m->rows[i].o == m->rows[at].o &&
            m->rows[i].v == m->rows[at].v &&
            m->rows[i].arrival > m->rows[at].arrival)
            at = i;
    return at;
}

static void change(rig *r, model *m, bool grows)
{
    char text[8192];
    size_t len = 0;
    for (unsigned i = 1 + rig_draw(r, 10); i > 0; i--) {
        row x = {(int)rig_draw(r, PARTITIONS), (int)rig_draw(r, 6),
                 (int)rig_draw(r, 3), 0};
        bool takes = m->n > 0 && !grows && (rig_draw(r, 2) || m->n == MOST);
        if (m->n == MOST && grows)
            continue;
        if (takes) {
            int at = newest(m, (int)rig_draw(r, (unsigned)m->n));
            x = m->rows[at];
            m->rows[at] = m->rows[--m->n];
        } else {
            x.arrival = m->arrivals++;
            m->rows[m->n++] = x;
        }
        len += (size_t)sprintf(text + len, "%+d | %d %d v%d\n", takes ? -1 : 1,
                               x.p, x.o, x.v);
    }
    if (len)
        rig_push(r, 0, text);
}

static void expected(model m, const cu_node *n, char *text)
{
    int limit = (int)n->rank.limit, offset = (int)n->rank.offset;
    size_t len = 0;
    int at = 0, row_number = 0;
    qsort(m.rows, (size_t)m.n, sizeof(*m.rows), by_rank);
    text[0] = 0;
    for (int i = 0; i < m.n; i++) {
        const row *x = &m.rows[i], *last = i ? x - 1 : NULL;
        bool begins = !last || last->p != x->p;
        row_number = begins ? 1 : row_number + 1;
        if (begins || n->rank.fn == CU_RANK_ROW_NUMBER || last->o != x->o)
            at = n->rank.fn == CU_RANK_DENSE_RANK && !begins ? at + 1
                                                             : row_number;
        if (row_number <= offset || (limit >= 0 && at > offset + limit))
            continue;
        len += (size_t)sprintf(text + len, "%d %d v%d", x->p, x->o, x->v);
        if (n->rank.numbered)
            len += (size_t)sprintf(text + len, " %d", at);
        len += (size_t)sprintf(text + len, "\n");
    }
}

Test(rank, equals_recomputation_whatever_the_cuts)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        rig r;
        model now = {0}, committed = {0};
        rig_open(&r, seed);
        static const int limits[] = {1, 2, 5, -1};
        int limit = limits[rig_draw(&r, 4)];
        int offset = rig_draw(&r, 3) ? 0 : 2;
        bool number = rig_draw(&r, 2);
        cu_node *node = ranked(&r, "0", limit, offset, number);
        node->rank.fn = (cu_rank_fn)rig_draw(&r, 3);
        bool grows = limit >= 0 && rig_draw(&r, 4) == 0;
        node->inputs[0]->append_only = grows;
        rig_start(&r, node);
        for (int round = 0; round < 30; round++) {
            for (unsigned i = rig_draw(&r, 5); i > 0; i--)
                change(&r, &now, grows);
            if (rig_draw(&r, 4) == 0) {
                rig_abort(&r);
                now = committed;
                continue;
            }
            rig_commit(&r);
            committed = now;
            char text[8192];
            expected(now, node, text);
            rig_expect(&r, rig_integral(&r), number ? numbered : in, text);
            if (rig_draw(&r, 4) == 0)
                rig_reopen(&r);
        }
        rig_close(&r);
    }
}
