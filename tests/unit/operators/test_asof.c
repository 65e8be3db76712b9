#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

static const char *const left = "k:int t:date v:int";
static const char *const right = "k:int t:date w:int";
static const char *const both = "k:int t:date v:int k2:int t2:date w:int";

static cu_node *asof(rig *r, cu_join_kind kind)
{
    cu_node *n = rig_join(r, CU_N_ASOF, kind, both, rig_source(r, left),
                          rig_source(r, right), "0", "0");
    n->join.left_time = n->join.right_time = 2;
    return n;
}

/* Days as watermarks. */
static int64_t day(int d)
{
    return (int64_t)(d - 1) * 86400 * 1000000; /* of January 2000 */
}

Test(asof, a_row_meets_the_version_of_its_time)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, asof(&r, CU_JOIN_INNER));
    rig_push(&r, 1, "1 2000-01-05 50\n1 2000-01-10 100\n2 2000-01-01 7\n");
    rig_push(&r, 0,
             "1 2000-01-04 1\n1 2000-01-05 2\n1 2000-01-09 3\n"
             "1 2000-01-30 4\n3 2000-01-30 5\nnull 2000-01-30 6\n");
    rig_expect(&r, rig_commit(&r), both,
               "1 2000-01-05 2 1 2000-01-05 50\n"
               "1 2000-01-09 3 1 2000-01-05 50\n"
               "1 2000-01-30 4 1 2000-01-10 100\n");
    rig_close(&r);
}

Test(asof, a_late_version_corrects_the_rows_of_its_segment_only)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, asof(&r, CU_JOIN_LEFT));
    rig_push(&r, 0,
             "1 2000-01-03 1\n1 2000-01-06 2\n1 2000-01-08 3\n"
             "1 2000-01-12 4\n");
    rig_push(&r, 1, "1 2000-01-05 50\n1 2000-01-10 100\n");
    rig_expect(&r, rig_commit(&r), both,
               "1 2000-01-03 1 null null null\n"
               "1 2000-01-06 2 1 2000-01-05 50\n"
               "1 2000-01-08 3 1 2000-01-05 50\n"
               "1 2000-01-12 4 1 2000-01-10 100\n");
    rig_reopen(&r);
    rig_push(&r, 1, "1 2000-01-07 70\n");
    rig_expect(&r, rig_commit(&r), both,
               "-1 | 1 2000-01-08 3 1 2000-01-05 50\n"
               "+1 | 1 2000-01-08 3 1 2000-01-07 70\n");
    rig_push(&r, 1, "-1 | 1 2000-01-05 50\n");
    rig_expect(&r, rig_commit(&r), both,
               "-1 | 1 2000-01-06 2 1 2000-01-05 50\n"
               "+1 | 1 2000-01-06 2 null null null\n");
    rig_close(&r);
}

Test(asof, of_equal_times_the_latest_to_arrive_is_valid)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, asof(&r, CU_JOIN_INNER));
    rig_push(&r, 1, "1 2000-01-05 9\n");
    rig_push(&r, 1, "1 2000-01-05 2\n");
    rig_push(&r, 0, "1 2000-01-05 1\n");
    rig_expect(&r, rig_commit(&r), both, "1 2000-01-05 1 1 2000-01-05 2\n");
    rig_reopen(&r);
    rig_push(&r, 1, "-1 | 1 2000-01-05 2\n");
    rig_expect(&r, rig_commit(&r), both,
               "-1 | 1 2000-01-05 1 1 2000-01-05 2\n"
               "+1 | 1 2000-01-05 1 1 2000-01-05 9\n");
    rig_close(&r);
}

Test(asof, a_version_that_comes_back_emits_nothing)
{
    rig r;
    rig_open(&r, 4);
    rig_start(&r, asof(&r, CU_JOIN_INNER));
    rig_push(&r, 1, "1 2000-01-05 9\n");
    rig_push(&r, 0, "1 2000-01-06 1\n1 2000-01-07 1\n");
    rig_commit(&r);
    rig_push(&r, 1, "-1 | 1 2000-01-05 9\n+1 | 1 2000-01-05 9\n");
    cr_assert_eq(rig_try_commit(&r), 0);
    cr_assert_eq(r.emitted, 0);
    rig_close(&r);
}

Test(asof, a_row_that_never_came_cannot_go, .signal = SIGABRT)
{
    rig r;
    rig_open(&r, 5);
    rig_start(&r, asof(&r, CU_JOIN_INNER));
    rig_push(&r, 0, "-1 | 1 2000-01-05 9\n");
    rig_try_commit(&r);
}

/* --- forgetting ---------------------------------------------------------- */

static cu_node *timed_asof(rig *r)
{
    cu_node *n = asof(r, CU_JOIN_LEFT);
    n->inputs[0]->time = n->inputs[1]->time = 2;
    return n;
}

Test(asof, behind_the_watermarks_the_last_version_stays)
{
    rig r;
    rig_open(&r, 6);
    rig_start(&r, timed_asof(&r));
    rig_push(&r, 1, "1 2000-01-05 50\n1 2000-01-06 60\n1 2000-01-20 200\n");
    rig_push(&r, 0, "1 2000-01-05 1\n1 2000-01-07 2\n1 2000-01-25 3\n");
    rig_watermark(&r, 0, day(10));
    rig_watermark(&r, 1, day(15));
    rig_commit(&r);
    cr_assert_eq(r.watermark, day(10));
    rig_reopen(&r);
    /* Behind both: late. Behind the right's: answered, and taken back. */
    rig_push(&r, 0, "1 2000-01-09 4\n1 2000-01-12 5\n");
    rig_expect(&r, rig_commit(&r), both, "1 2000-01-12 5 1 2000-01-06 60\n");
    cr_assert_str_eq(r.late, "1 2000-01-09 4\n");
    rig_push(&r, 0, "-1 | 1 2000-01-12 5\n-1 | 1 2000-01-05 1\n");
    rig_expect(&r, rig_commit(&r), both,
               "-1 | 1 2000-01-12 5 1 2000-01-06 60\n");
    rig_push(&r, 1, "1 2000-01-14 140\n");
    rig_expect(&r, rig_commit(&r), both, "");
    cr_assert_str_eq(r.late, "1 2000-01-09 4\n1 2000-01-14 140\n");
    rig_push(&r, 1, "-1 | 1 2000-01-20 200\n");
    rig_expect(&r, rig_commit(&r), both,
               "-1 | 1 2000-01-25 3 1 2000-01-20 200\n"
               "+1 | 1 2000-01-25 3 1 2000-01-06 60\n");
    rig_close(&r);
}

Test(asof, state_stays_flat_over_many_days)
{
    rig r;
    char row[64];
    unsigned early = 0;
    rig_open(&r, 7);
    rig_start(&r, timed_asof(&r));
    for (int d = 0; d < 300; d++) {
        for (int k = 0; k < 3; k++) {
            int year = 2000 + d / 300, month = 1 + d / 28, of = 1 + d % 28;
            snprintf(row, sizeof(row), "%d %d-%02d-%02d %d\n", k, year, month,
                     of, d);
            rig_push(&r, 0, row);
            rig_push(&r, 1, row);
        }
        rig_watermark(&r, 1, day(1 + d / 28 * 31 + d % 28));
        rig_watermark(&r, 0, day(1 + d / 28 * 29 + d % 28));
        rig_commit(&r);
        if (d == 40)
            early = rig_state_keys(&r);
    }
    cr_assert_gt(early, 0);
    cr_assert_leq(rig_state_keys(&r), early + 150);
    rig_close(&r);
}

/* --- against recomputation ----------------------------------------------- */

enum { KEYS = 3, DAYS = 12, VALUES = 3, MOST = 40 };

typedef struct row {
    int k, d, v; /* k == KEYS - 1: NULL */
    long arrival;
} row;

typedef struct model {
    row rows[2][MOST];
    int n[2];
    long arrivals;
} model;

static bool same(const row *a, const row *b)
{
    return a->k == b->k && a->d == b->d && a->v == b->v;
}

static void print_row(cu_buf *text, const row *x)
{
    if (!x)
        cu_buf_put_str(text, " null null null");
    else if (x->k == KEYS - 1)
        cu_buf_printf(text, " null 2000-01-%02d %d", x->d + 1, x->v);
    else
        cu_buf_printf(text, " %d 2000-01-%02d %d", x->k, x->d + 1, x->v);
}

static void change(rig *r, model *m)
{
    int side = (int)rig_draw(r, 2);
    cu_buf text = {0};
    for (unsigned i = 1 + rig_draw(r, 8); i > 0; i--) {
        row x = {(int)rig_draw(r, KEYS), (int)rig_draw(r, DAYS),
                 (int)rig_draw(r, VALUES), 0};
        int *n = &m->n[side];
        bool goes = *n > 0 && (rig_draw(r, 3) == 0 || *n == MOST);
        if (goes) {
            row *rows = m->rows[side];
            int at = (int)rig_draw(r, (unsigned)*n);
            for (int k = 0; k < *n; k++)
                if (same(&rows[k], &rows[at]) &&
                    rows[k].arrival > rows[at].arrival)
                    at = k;
            x = rows[at];
            rows[at] = rows[--*n];
        } else {
            x.arrival = m->arrivals++;
            m->rows[side][(*n)++] = x;
        }
        cu_buf_put_str(&text, goes ? "-1 |" : "+1 |");
        print_row(&text, &x);
        cu_buf_put_str(&text, "\n");
    }
    cu_buf_put_u8(&text, 0);
    rig_push(r, (unsigned)side, text.data);
    cu_buf_free(&text);
}

/* With a NUL at its end. */
static void expected(const model *m, cu_join_kind kind, cu_buf *text)
{
    cu_buf_clear(text);
    for (int i = 0; i < m->n[0]; i++) {
        const row *l = &m->rows[0][i], *best = NULL;
        for (int k = 0; k < m->n[1]; k++) {
            const row *x = &m->rows[1][k];
            if (x->k == l->k && l->k != KEYS - 1 && x->d <= l->d &&
                (!best || x->d > best->d ||
                 (x->d == best->d && x->arrival > best->arrival)))
                best = x;
        }
        if (!best && kind == CU_JOIN_INNER)
            continue;
        cu_buf_put_str(text, "+1 |");
        print_row(text, l);
        print_row(text, best);
        cu_buf_put_str(text, "\n");
    }
    cu_buf_put_u8(text, 0);
}

Test(asof, equals_recomputation_whatever_the_cuts)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        rig r;
        model now = {0}, committed = {0};
        cu_buf text = {0};
        rig_open(&r, seed);
        cu_join_kind kind = seed % 2 ? CU_JOIN_LEFT : CU_JOIN_INNER;
        rig_start(&r, asof(&r, kind));
        for (int round = 0; round < 20; round++) {
            for (unsigned i = rig_draw(&r, 5); i > 0; i--)
                change(&r, &now);
            if (rig_draw(&r, 5) == 0) {
                rig_abort(&r);
                now = committed;
                continue;
            }
            rig_commit(&r);
            committed = now;
            expected(&now, kind, &text);
            const char *want = rig_normal(&r, r.root->schema, text.data);
            const char *got = rig_integral(&r);
            cr_assert_str_eq(got, want, "seed %u\ngot:\n%swant:\n%s",
                             (unsigned)seed, got, want);
            if (rig_draw(&r, 4) == 0)
                rig_reopen(&r);
        }
        cu_buf_free(&text);
        rig_close(&r);
    }
}
