#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const in = "p:int t:timestamp v:int";
static const char *const anchored = "p:int t:timestamp v:int a:timestamp";
static const char *const final = "p:int t:timestamp v:int s:timestamp "
                                 "e:timestamp";

#define MINUTE INT64_C(60000000)

static cu_node *sessions(rig *r, cu_session_mode mode, bool late)
{
    cu_node *n = rig_node(r, CU_N_SESSION,
                          mode == CU_SESSION_ANCHOR ? anchored : final,
                          rig_source(r, in));
    n->session.mode = mode;
    n->session.partition = rig_cols(r, "0", &n->session.n_partition);
    n->session.time = 1;
    n->session.gap_us = 10 * MINUTE;
    n->session.late = late;
    return n;
}

Test(session, rows_less_than_a_gap_apart_share_an_anchor)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, sessions(&r, CU_SESSION_ANCHOR, false));
    rig_push(&r, 0,
             "1 '2020-01-01 00:00' 1\n1 '2020-01-01 00:09:59.999999' 2\n"
             "1 '2020-01-01 00:19:59.999999' 3\n2 '2020-01-01 00:05' 4\n");
    rig_expect(&r, rig_commit(&r), anchored,
               "1 '2020-01-01 00:00' 1 '2020-01-01 00:00'\n"
               "1 '2020-01-01 00:09:59.999999' 2 '2020-01-01 00:00'\n"
               "1 '2020-01-01 00:19:59.999999' 3 '2020-01-01 "
               "00:19:59.999999'\n"
               "2 '2020-01-01 00:05' 4 '2020-01-01 00:05'\n");
    rig_close(&r);
}

Test(session, sessions_that_join_keep_the_anchor_of_the_larger)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, sessions(&r, CU_SESSION_ANCHOR, false));
    rig_push(&r, 0,
             "1 '2020-01-01 00:00' 1\n+2 | 1 '2020-01-01 00:15' 2\n"
             "1 '2020-01-01 00:16' 3\n");
    rig_commit(&r);
    rig_reopen(&r);
    rig_push(&r, 0, "1 '2020-01-01 00:08' 4\n");
    rig_expect(&r, rig_commit(&r), anchored,
               "-1 | 1 '2020-01-01 00:00' 1 '2020-01-01 00:00'\n"
               "+1 | 1 '2020-01-01 00:00' 1 '2020-01-01 00:15'\n"
               "+1 | 1 '2020-01-01 00:08' 4 '2020-01-01 00:15'\n");
    rig_close(&r);
}

Test(session, a_session_falls_in_two_when_what_held_it_together_goes)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, sessions(&r, CU_SESSION_ANCHOR, false));
    rig_push(&r, 0,
             "1 '2020-01-01 00:00' 1\n1 '2020-01-01 00:08' 2\n"
             "1 '2020-01-01 00:16' 3\n");
    rig_commit(&r);
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 1 '2020-01-01 00:08' 2\n");
    rig_expect(&r, rig_commit(&r), anchored,
               "-1 | 1 '2020-01-01 00:08' 2 '2020-01-01 00:00'\n"
               "-1 | 1 '2020-01-01 00:16' 3 '2020-01-01 00:00'\n"
               "+1 | 1 '2020-01-01 00:16' 3 '2020-01-01 00:16'\n");
    rig_push(&r, 0, "-1 | 1 '2020-01-01 00:00' 1\n-1 | 1 '2020-01-01 00:16' 3");
    rig_commit(&r);
    cr_assert_str_eq(rig_integral(&r), "");
    cr_assert_eq(rig_state_keys(&r), 0);
    rig_close(&r);
}

Test(session, an_update_within_a_session_touches_its_row_only)
{
    rig r;
    rig_open(&r, 4);
    rig_start(&r, sessions(&r, CU_SESSION_ANCHOR, false));
    rig_push(&r, 0,
             "1 '2020-01-01 00:00' 1\n1 '2020-01-01 00:08' 2\n"
             "1 '2020-01-01 00:16' 3\n");
    rig_commit(&r);
    rig_push(&r, 0,
             "-1 | 1 '2020-01-01 00:08' 2\n+1 | 1 '2020-01-01 00:08' 9\n");
    rig_expect(&r, rig_commit(&r), anchored,
               "-1 | 1 '2020-01-01 00:08' 2 '2020-01-01 00:00'\n"
               "+1 | 1 '2020-01-01 00:08' 9 '2020-01-01 00:00'\n");
    rig_close(&r);
}

Test(session, over_dates_with_a_gap_of_days)
{
    const char *dates = "t:date v:int", *out = "t:date v:int a:date";
    rig r;
    rig_open(&r, 5);
    cu_node *n = rig_node(&r, CU_N_SESSION, out, rig_source(&r, dates));
    n->session.gap_us = 2 * 1440 * MINUTE;
    rig_start(&r, n);
    rig_push(&r, 0, "2020-01-01 1\n2020-01-02 2\n2020-01-04 3\nnull 4\n");
    rig_expect(&r, rig_commit(&r), out,
               "2020-01-01 1 2020-01-01\n2020-01-02 2 2020-01-01\n"
               "2020-01-04 3 2020-01-04\n");
    cr_assert_str_eq(r.letters,
                     "session t 22004 the time of a window is null\n");
    rig_push(&r, 0, "-1 | 2020-01-01 1\n+1 | 2020-01-03 5\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), out,
               "2020-01-02 2 2020-01-03\n2020-01-03 5 2020-01-03\n"
               "2020-01-04 3 2020-01-03\n");
    rig_close(&r);
}

Test(session, the_watermark_waits_below_open_anchors)
{
    rig r;
    rig_open(&r, 6);
    cu_node *n = sessions(&r, CU_SESSION_ANCHOR, true);
    n->session.lateness_us = MINUTE;
    rig_start(&r, n);
    rig_push(&r, 0, "1 '2020-01-01 00:00' 1\n2 '2020-01-01 00:07' 2\n");
    rig_mark(&r, 0, "2020-01-01 00:20:59");
    rig_commit(&r);
    cr_assert_eq(r.watermark, rig_time(&r, "2020-01-01 00:00") - 1);
    rig_mark(&r, 0, "2020-01-01 00:21");
    rig_commit(&r);
    cr_assert_eq(r.watermark, rig_time(&r, "2020-01-01 00:07") - 1);
    rig_mark(&r, 0, "2020-01-01 00:30");
    cr_assert_str_eq(rig_commit(&r), "");
    cr_assert_eq(r.watermark, rig_time(&r, "2020-01-01 00:30"));
    rig_reopen(&r);
    cr_assert_eq(rig_state_keys(&r), 1); /* how far it has closed */
    /* What closed stays out there; its retraction is its pair's fate. */
    rig_push(&r, 0, "-1 | 1 '2020-01-01 00:00' 1\n");
    cr_assert_str_eq(rig_commit(&r), "");
    rig_close(&r);
}

Test(session, a_row_is_late_unless_it_is_inside_of_an_open_session)
{
    rig r;
    rig_open(&r, 7);
    rig_start(&r, sessions(&r, CU_SESSION_ANCHOR, true));
    rig_push_marked(&r, 0, "2020-01-01 00:00",
                    "1 '2020-01-01 00:05' 1\n1 '2020-01-01 00:12' 2\n"
                    "1 '2020-01-01 00:20' 3\n");
    rig_push_marked(&r, 0, "2020-01-01 00:25",
                    "1 '2020-01-01 00:11' 4\n1 '2020-01-01 00:00' 5\n"
                    "1 '2020-01-01 00:05' 6\n2 '2020-01-01 00:11' 7\n"
                    "-1 | 2 '2020-01-01 00:11' 8\n2 '2020-01-01 00:16' 9\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), anchored,
               "1 '2020-01-01 00:05' 1 '2020-01-01 00:05'\n"
               "1 '2020-01-01 00:05' 6 '2020-01-01 00:05'\n"
               "1 '2020-01-01 00:11' 4 '2020-01-01 00:05'\n"
               "1 '2020-01-01 00:12' 2 '2020-01-01 00:05'\n"
               "1 '2020-01-01 00:20' 3 '2020-01-01 00:05'\n"
               "2 '2020-01-01 00:16' 9 '2020-01-01 00:16'\n");
    cr_assert_str_eq(r.late,
                     "1 2020-01-01 00:00:00 5\n2 2020-01-01 00:11:00 7\n");
    cr_assert_str_eq(r.late_windows,
                     "2020-01-01 00:00:00 .. 2020-01-01 00:10:00 at "
                     "2020-01-01 00:25:00\n"
                     "2020-01-01 00:11:00 .. 2020-01-01 00:21:00 at "
                     "2020-01-01 00:25:00\n");
    rig_close(&r);
}

Test(session, final_rows_come_once_with_their_bounds)
{
    rig r;
    rig_open(&r, 8);
    rig_start(&r, sessions(&r, CU_SESSION_FINAL, true));
    rig_push(&r, 0,
             "+2 | 1 '2020-01-01 00:00' 1\n1 '2020-01-01 00:09' 2\n"
             "1 '2020-01-01 00:30' 3\n");
    rig_mark(&r, 0, "2020-01-01 00:18");
    cr_assert_str_eq(rig_commit(&r), "");
    cr_assert_eq(r.watermark, rig_time(&r, "2020-01-01 00:08"));
    rig_push(&r, 0, "-1 | 1 '2020-01-01 00:00' 1\n");
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 1 '2020-01-01 00:00' 1\n");
    rig_mark(&r, 0, "2020-01-01 00:28:59");
    cr_assert_str_eq(rig_commit(&r), "");
    rig_mark(&r, 0, "2020-01-01 00:29");
    rig_expect(&r, rig_commit(&r), final,
               "1 '2020-01-01 00:00' 1 '2020-01-01 00:00' '2020-01-01 00:19'\n"
               "1 '2020-01-01 00:09' 2 '2020-01-01 00:00' '2020-01-01 "
               "00:19'\n");
    cr_assert_eq(r.watermark, rig_time(&r, "2020-01-01 00:19"));
    rig_push(&r, 0, "1 '2020-01-01 00:08' 9\n1 '2020-01-01 00:21' 8\n");
    rig_mark(&r, 0, "2020-01-01 01:00");
    rig_expect(&r, rig_commit(&r), final,
               "1 '2020-01-01 00:21' 8 '2020-01-01 00:21' '2020-01-01 00:40'\n"
               "1 '2020-01-01 00:30' 3 '2020-01-01 00:21' '2020-01-01 "
               "00:40'\n");
    cr_assert_str_eq(r.late, "1 2020-01-01 00:08:00 9\n");
    rig_close(&r);
}

/* Its session has ended, and there were commits since. */
static void run_not_late(cu_session_mode mode, const char *schema,
                         const char *want)
{
    rig r;
    rig_open(&r, 9);
    rig_start(&r, sessions(&r, mode, true));
    rig_push(&r, 0, "1 '2020-01-01 00:00' 1\n");
    rig_mark(&r, 0, "2020-01-01 00:14:59");
    rig_commit(&r);
    rig_commit(&r);
    rig_push(&r, 0, "1 '2020-01-01 00:04' 3\n1 '2020-01-01 00:05' 2\n");
    rig_mark(&r, 0, "2020-01-01 00:40");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), schema, want);
    cr_assert_str_eq(r.late, "1 2020-01-01 00:04:00 3\n");
    rig_close(&r);
}

Test(session, a_row_that_is_not_late_finds_its_session)
{
    run_not_late(CU_SESSION_ANCHOR, anchored,
                 "1 '2020-01-01 00:00' 1 '2020-01-01 00:00'\n"
                 "1 '2020-01-01 00:05' 2 '2020-01-01 00:00'\n");
    run_not_late(CU_SESSION_FINAL, final,
                 "1 '2020-01-01 00:00' 1 '2020-01-01 00:00' "
                 "'2020-01-01 00:15'\n"
                 "1 '2020-01-01 00:05' 2 '2020-01-01 00:00' "
                 "'2020-01-01 00:15'\n");
}

/* --- against plain recomputation ------------------------------------------ */

enum { PARTS = 3, TIMES = 360, VALUES = 2, GAP = 4 };

typedef struct model {
    int open[PARTS][TIMES][VALUES];
    int closed[PARTS][TIMES][VALUES]; /* ANCHOR: what stays out there */
    int mark, lateness, late;         /* minutes; rows that were late */
    char want[1 << 18];               /* FINAL: what the commit sends */
} model;

static bool any_at(const model *m, int p, int t)
{
    for (int v = 0; v < VALUES; v++)
        if (m->open[p][t][v])
            return true;
    return false;
}

/* The last time of the session that has rows at `t` or on both sides of it;
 * -1: there is none. */
static int last_of(const model *m, int p, int t)
{
    int last = -1, before = t;
    while (before >= 0 && t - before < GAP && !any_at(m, p, before))
        before--;
    if (before < 0 || t - before >= GAP)
        return -1;
    for (int k = t; k < TIMES && k - (last < 0 ? before : last) < GAP; k++)
        if (any_at(m, p, k))
            last = k;
    return last;
}

/* A row comes or goes; false: it is late, or of what closed. */
static bool model_push(model *m, int p, int t, int v, int w)
{
    if (m->mark >= t + GAP + m->lateness) {
        int last = last_of(m, p, t);
        if (last < 0 || m->mark >= last + GAP + m->lateness) {
            m->late += w > 0;
            return false;
        }
    }
    if (w < 0 && !m->open[p][t][v])
        return false;
    m->open[p][t][v] += w;
    return true;
}

static void model_close_one(model *m, int p, int start, int last)
{
    for (int t = start; t <= last; t++)
        for (int v = 0; v < VALUES; v++) {
            int w = m->open[p][t][v];
            size_t at = strlen(m->want);
            if (w)
                snprintf(m->want + at, sizeof(m->want) - at,
                         "%+d | %d '2020-01-01 %02d:%02d' %d '2020-01-01 "
                         "%02d:%02d' '2020-01-01 %02d:%02d'\n",
                         w, p, t / 60, t % 60, v, start / 60, start % 60,
                         (last + GAP) / 60, (last + GAP) % 60);
            m->closed[p][t][v] += w;
            m->open[p][t][v] = 0;
        }
}

static void model_close(model *m)
{
    m->want[0] = 0;
    for (int p = 0; p < PARTS; p++)
        for (int t = 0, start = -1, last = -1; t <= TIMES; t++) {
            bool here = t < TIMES && any_at(m, p, t);
            if (start >= 0 && (t == TIMES || (here && t - last >= GAP))) {
                if (m->mark >= last + 2 * GAP + m->lateness)
                    model_close_one(m, p, start, last);
                start = -1;
            }
            if (here) {
                start = start < 0 ? t : start;
                last = t;
            }
        }
}

typedef struct found {
    int count[PARTS][TIMES][VALUES];
    int anchor[PARTS][TIMES][VALUES];
} found;

static void read_integral(rig *r, found *f)
{
    int64_t zero = rig_time(r, "2020-01-01");
    memset(f, 0, sizeof(*f));
    for (uint32_t i = 0; i < r->committed.n; i++) {
        const cu_batch *b = r->committed.at[i];
        for (uint32_t row = 0; row < b->n_rows; row++) {
            int p = CU_COL(&b->cols[0], int32_t)[row];
            int t = (int)((CU_COL(&b->cols[1], int64_t)[row] - zero) / MINUTE);
            int v = CU_COL(&b->cols[2], int32_t)[row];
            int64_t a = (CU_COL(&b->cols[3], int64_t)[row] - zero) / 1000000;
            f->count[p][t][v] += cu_batch_weight(b, row);
            f->anchor[p][t][v] = (int)a;
        }
    }
}

static void check_counts(const found *f, const model *m)
{
    for (int p = 0; p < PARTS; p++)
        for (int t = 0; t < TIMES; t++)
            for (int v = 0; v < VALUES; v++) {
                int want = m->open[p][t][v] + m->closed[p][t][v];
                cr_assert_eq(f->count[p][t][v], want,
                             "%d %d %d: %d times, not %d", p, t, v,
                             f->count[p][t][v], want);
            }
}

/* One anchor per open session, in it, and in the order of sessions. Rows that
 * also stand in a closed session tell nothing. */
static void check_anchors(rig *r, const model *m)
{
    static found f;
    read_integral(r, &f);
    check_counts(&f, m);
    for (int p = 0; p < PARTS; p++)
        for (int t = 0, last = -GAP, before = -1, anchor = -1, first = 0;
             t < TIMES; t++) {
            if (!any_at(m, p, t))
                continue;
            if (t - last >= GAP) {
                before = anchor > before ? anchor : before;
                anchor = -1;
                first = t;
            }
            last = t;
            for (int v = 0; v < VALUES; v++) {
                int found_at = f.anchor[p][t][v];
                if (!m->open[p][t][v] || m->closed[p][t][v])
                    continue;
                anchor = anchor < 0 ? found_at : anchor;
                cr_assert_eq(found_at, anchor, "anchor of %d %d: %d, not %d", p,
                             t, found_at, anchor);
                cr_assert_gt(anchor, before);
                cr_assert_geq(anchor, 60 * first);
                cr_assert_leq(anchor, 60 * last_of(m, p, t));
            }
        }
}

static void draw_rows(rig *r, model *m, char *rows, size_t cap, int n, int low,
                      int wide)
{
    rows[0] = 0;
    for (int i = 0; i < n; i++) {
        int p = (int)rig_draw(r, PARTS), v = (int)rig_draw(r, VALUES);
        int t = low + (int)rig_draw(r, (unsigned)wide);
        t = t < 0 ? 0 : t >= TIMES ? TIMES - 1 : t;
        int w = m->open[p][t][v] && rig_draw(r, 5) < 3 ? -1 : 1;
        size_t at = strlen(rows);
        model_push(m, p, t, v, w);
        snprintf(rows + at, cap - at, "%+d | %d '2020-01-01 %02d:%02d' %d\n", w,
                 p, t / 60, t % 60, v);
    }
}

Test(session, random_rows_join_and_part_as_recomputed)
{
    enum { CASES = 40, ROUNDS = 40 };
    static model m;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        char rows[50 * 60];
        rig r;
        memset(&m, 0, sizeof(m));
        rig_open(&r, seed);
        rig_start(&r, sessions(&r, CU_SESSION_ANCHOR, false));
        ((cu_node *)r.root)->session.gap_us = GAP * MINUTE;
        rig_reopen(&r);
        for (int round = 0; round < ROUNDS; round++) {
            draw_rows(&r, &m, rows, sizeof(rows), 1 + (int)rig_draw(&r, 40), 0,
                      seed % 2 ? 30 : 90);
            rig_push(&r, 0, rows);
            if (rig_draw(&r, 6) == 0) {
                if (rig_draw(&r, 2))
                    rig_try_commit(&r);
                rig_abort(&r);
                rig_push(&r, 0, rows);
            }
            rig_commit(&r);
            check_anchors(&r, &m);
            if (rig_draw(&r, 6) == 0)
                rig_reopen(&r);
        }
        rig_close(&r);
    }
}

/* Rows around a watermark that moves on; in both modes. */
static void run_with_watermarks(cu_session_mode mode, uint64_t seed)
{
    enum { ROUNDS = 50 };
    static model m;
    char rows[30 * 60], mark[40] = "2020-01-01 00:00";
    rig r;
    int late = 0;
    memset(&m, 0, sizeof(m));
    m.lateness = (int)(seed % 3) * 2;
    rig_open(&r, seed);
    cu_node *n = sessions(&r, mode, true);
    n->session.gap_us = GAP * MINUTE;
    n->session.lateness_us = m.lateness * MINUTE;
    rig_start(&r, n);
    for (int round = 0; round < ROUNDS; round++) {
        for (int part = 0; part < 3; part++) {
            draw_rows(&r, &m, rows, sizeof(rows), 1 + (int)rig_draw(&r, 20),
                      m.mark - 12, 30);
            rig_push(&r, 0, rows);
            if (rig_draw(&r, 2) && m.mark + 12 < TIMES) {
                m.mark += (int)rig_draw(&r, 8);
                snprintf(mark, sizeof(mark), "2020-01-01 %02d:%02d",
                         m.mark / 60, m.mark % 60);
                rig_mark(&r, 0, mark);
            }
        }
        for (const char *c = r.late; *c; c++)
            late += *c == '\n';
        r.late[0] = r.late_windows[0] = 0;
        const char *sent = rig_commit(&r);
        model_close(&m);
        cr_assert_eq(late, m.late, "%d late, not %d", late, m.late);
        if (mode == CU_SESSION_FINAL)
            rig_expect(&r, sent, final, m.want);
        else
            check_anchors(&r, &m);
        if (rig_draw(&r, 6) == 0) {
            rig_reopen(&r);
            rig_mark(&r, 0, mark);
        }
    }
    cr_assert_gt(m.mark, TIMES / 2);
    rig_close(&r);
}

Test(session, random_rows_and_watermarks_close_sessions_as_recomputed)
{
    for (uint64_t seed = 1; seed <= 25; seed++)
        run_with_watermarks(CU_SESSION_ANCHOR, seed);
}

Test(session, random_final_sessions_are_sent_as_recomputed)
{
    for (uint64_t seed = 1; seed <= 25; seed++)
        run_with_watermarks(CU_SESSION_FINAL, seed);
}

/* --- grouped by anchor ---------------------------------------------------- */

/* count(*) GROUP BY anchor, p, which forgets groups behind the watermark. */
static cu_node *counted(rig *r, int64_t lateness_us)
{
    cu_node *n = sessions(r, CU_SESSION_ANCHOR, true);
    n->session.gap_us = GAP * MINUTE;
    n->session.lateness_us = lateness_us;
    cu_node *a = rig_aggregate(r, "a:timestamp p:int n:int8", n, "3 0");
    rig_call(r, a, CU_AGG_COUNT_STAR, -1, false, -1);
    a->aggregate.closing = (cu_closing){
        true, {.us = 2 * GAP * MINUTE}, lateness_us};
    return a;
}

static int count_all(const model *m)
{
    int n = 0;
    for (int p = 0; p < PARTS; p++)
        for (int t = 0; t < TIMES; t++)
            for (int v = 0; v < VALUES; v++)
                n += m->open[p][t][v] + m->closed[p][t][v];
    return n;
}

static int64_t sum_of_counts(const rig *r)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < r->committed.n; i++)
        for (uint32_t row = 0; row < r->committed.at[i]->n_rows; row++)
            n += CU_COL(&r->committed.at[i]->cols[2], int64_t)[row];
    return n;
}

/* The watermark that goes on never closes the group of an open session: all
 * rows that the session took are counted, none is late behind it. */
static void run_counted(uint64_t seed)
{
    static model m;
    char rows[30 * 60], mark[40] = "2020-01-01 00:00";
    rig r;
    int late = 0;
    memset(&m, 0, sizeof(m));
    m.lateness = (int)(seed % 3);
    rig_open(&r, seed);
    rig_start(&r, counted(&r, m.lateness * MINUTE));
    for (int round = 0; round < 60; round++) {
        draw_rows(&r, &m, rows, sizeof(rows), 1 + (int)rig_draw(&r, 12),
                  m.mark - 12, 30);
        rig_push(&r, 0, rows);
        if (m.mark + 12 < TIMES) {
            m.mark += (int)rig_draw(&r, 9);
            snprintf(mark, sizeof(mark), "2020-01-01 %02d:%02d", m.mark / 60,
                     m.mark % 60);
            rig_mark(&r, 0, mark);
        }
        rig_commit(&r);
        model_close(&m);
        for (const char *c = r.late; *c; c++)
            late += *c == '\n';
        r.late[0] = r.late_windows[0] = 0;
        cr_assert_eq(late, m.late, "%d late, not %d", late, m.late);
        cr_assert_eq(sum_of_counts(&r), count_all(&m));
    }
    rig_mark(&r, 0, "2020-01-02");
    rig_commit(&r);
    cr_assert_leq(rig_state_keys(&r), 2); /* two watermarks */
    rig_close(&r);
}

Test(session, groups_by_anchor_are_closed_behind_their_sessions_only)
{
    for (uint64_t seed = 1; seed <= 25; seed++)
        run_counted(seed);
}

/* --- cost ----------------------------------------------------------------- */

/* A row at second `s` of one partition. */
static void push_second(rig *r, int s, int w)
{
    char row[80];
    snprintf(row, sizeof(row), "%+d | 1 '2020-01-01 %02d:%02d:%02d' 0\n", w,
             s / 3600, s / 60 % 60, s % 60);
    rig_push(r, 0, row);
}

static uint64_t work_of_appends(int n)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, sessions(&r, CU_SESSION_ANCHOR, true));
    for (int i = 0; i < n; i++) {
        push_second(&r, i, 1);
        if (i % 8 == 0)
            rig_commit(&r);
    }
    rig_commit(&r);
    uint64_t work = cu_op_work(r.pipeline->root);
    rig_close(&r);
    return work;
}

Test(session, an_append_in_order_costs_the_same_however_long_the_session)
{
    uint64_t one = work_of_appends(500), two = work_of_appends(1000);
    cr_assert_lt(two, 2 * one + 16, "%llu, then %llu", (unsigned long long)one,
                 (unsigned long long)two);
}

/* Rows go from the front, one a commit. */
static uint64_t work_of_deletes(int n)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, sessions(&r, CU_SESSION_ANCHOR, false));
    for (int i = 0; i < n; i++)
        push_second(&r, i, 1);
    rig_commit(&r);
    uint64_t before = cu_op_work(r.pipeline->root);
    for (int i = 0; i < n; i++) {
        push_second(&r, i, -1);
        rig_commit(&r);
    }
    uint64_t work = cu_op_work(r.pipeline->root) - before;
    cr_assert_str_eq(rig_integral(&r), "");
    rig_close(&r);
    return work;
}

Test(session, deletes_from_the_front_do_not_cost_the_square)
{
    uint64_t one = work_of_deletes(250), two = work_of_deletes(500);
    cr_assert_lt(two, 2 * one + one / 2, "%llu, then %llu",
                 (unsigned long long)one, (unsigned long long)two);
}
