#include "tests/unit/operators/rig.h"

#include "processors/operators/normalize.h"
#include "processors/plan/program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const in_text = "id:int product:int bought:date line:int";
static const char *const out_text =
    "id:int product:int bought:date line:int version:bigint valid_from:date "
    "valid_until:date op:text";

enum { DELETES = 1, SNAPSHOT = 2 };

/* Upserts or snapshots, normalized, filtered and projected into history(). */
static cu_node *make(rig *r, unsigned how)
{
    cu_node *z = rig_node(r, CU_N_NORMALIZE, in_text, rig_source(r, in_text));
    cu_table_def *t = cu_arena_calloc(r->arena, 1, sizeof(*t));
    cu_codec_col *cols = cu_arena_calloc(r->arena, 4, sizeof(*cols));
    z->key = rig_cols(r, "0", &z->n_key);
    cols[3].from = CU_FROM_LINE;
    t->name = "purchases";
    t->mode = how & SNAPSHOT ? CU_MODE_SNAPSHOT : CU_MODE_UPSERT;
    t->key = z->key;
    t->n_key = z->n_key;
    t->codec.cols = cols;
    t->codec.n_cols = 4;
    z->normalize.table = t;
    z->normalize.all_versions = true;
    cu_node *h = rig_node(r, CU_N_HISTORY, out_text, z);
    h->history.key = rig_cols(r, "0", &h->history.n_key);
    h->history.valid_at = 3;
    h->history.deletes = how & DELETES;
    return h;
}

static cu_op *normalizer(rig *r)
{
    for (uint32_t i = 0; i < r->pipeline->n_ops; i++)
        if (r->pipeline->ops[i]->node->kind == CU_N_NORMALIZE)
            return r->pipeline->ops[i];
    cr_assert_fail();
    return NULL;
}

static void set_day(rig *r, int day)
{
    r->expr_env.now_us = day * INT64_C(86400000000) + 3600000000;
}

static void snapshot(rig *r, const char *rows)
{
    cr_assert_eq(cu_normalize_snapshot_begin(normalizer(r), &r->err), 0);
    rig_push(r, 0, rows);
    cr_assert_eq(cu_normalize_snapshot_end(normalizer(r), true, &r->err), 0);
}

Test(history, purchases_after_two_daily_snapshots)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, make(&r, SNAPSHOT | DELETES));
    snapshot(&r, "1002313003 12 2022-05-20 1\n1002313002 13 2021-06-19 2\n"
                 "1002313004 14 2023-07-21 3\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "1002313002 13 2021-06-19 2 1 2021-06-19 null I\n"
               "1002313003 12 2022-05-20 1 1 2022-05-20 null I\n"
               "1002313004 14 2023-07-21 3 1 2023-07-21 null I\n");
    snapshot(&r, "1002313002 13 2021-06-19 1\n1002313003 12 2022-05-20 2\n"
                 "1002313004 10 2023-07-22 3\n1002313005 15 2023-07-22 4\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "-1 | 1002313004 14 2023-07-21 3 1 2023-07-21 null I\n"
               "+1 | 1002313004 14 2023-07-21 3 1 2023-07-21 2023-07-22 I\n"
               "1002313004 10 2023-07-22 3 2 2023-07-22 null U\n"
               "1002313005 15 2023-07-22 4 1 2023-07-22 null I\n");
    snapshot(&r, "1002313002 13 2021-06-19 4\n1002313003 12 2022-05-20 3\n"
                 "1002313004 10 2023-07-22 2\n1002313005 15 2023-07-22 1\n");
    rig_expect(&r, rig_commit(&r), out_text, "");
    cr_assert_eq(r.emitted, 0);
    rig_close(&r);
}

Test(history, a_row_equal_but_for_its_date_adds_nothing)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, make(&r, DELETES));
    rig_push(&r, 0, "1 7 2024-01-01 0\n");
    rig_push(&r, 0, "1 7 2024-01-05 9\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "1 7 2024-01-01 0 1 2024-01-01 null I\n");
    rig_push(&r, 0, "1 7 2024-01-09 0\n");
    rig_expect(&r, rig_commit(&r), out_text, "");
    /* A row of before the equal one makes that one count. */
    rig_push(&r, 0, "1 8 2024-01-03 0\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "-1 | 1 7 2024-01-01 0 1 2024-01-01 null I\n"
               "+1 | 1 7 2024-01-01 0 1 2024-01-01 2024-01-03 I\n"
               "1 8 2024-01-03 0 2 2024-01-03 2024-01-05 U\n"
               "1 7 2024-01-05 9 3 2024-01-05 null U\n");
    rig_close(&r);
}

Test(history, of_one_date_the_later_arrival_stays)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, make(&r, DELETES));
    rig_push(&r, 0, "1 7 2024-01-01 0\n");
    rig_push(&r, 0, "1 8 2024-01-02 0\n");
    rig_commit(&r);
    rig_push(&r, 0, "1 9 2024-01-02 0\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "-1 | 1 8 2024-01-02 0 2 2024-01-02 null U\n"
               "+1 | 1 9 2024-01-02 0 2 2024-01-02 null U\n");
    rig_push(&r, 0, "1 7 2024-01-02 0\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "-1 | 1 9 2024-01-02 0 2 2024-01-02 null U\n"
               "-1 | 1 7 2024-01-01 0 1 2024-01-01 2024-01-02 I\n"
               "+1 | 1 7 2024-01-01 0 1 2024-01-01 null I\n");
    rig_close(&r);
}

Test(history, a_backdated_row_corrects_its_neighbours_only)
{
    rig r;
    char row[64];
    rig_open(&r, 4);
    rig_start(&r, make(&r, DELETES));
    for (int day = 1; day <= 28; day++) {
        snprintf(row, sizeof(row), "1 %d 2024-01-%02d 0\n", day, day);
        if (day != 25)
            rig_push(&r, 0, row);
    }
    rig_commit(&r);
    rig_push(&r, 0, "1 25 2024-01-25 0\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "-1 | 1 24 2024-01-24 0 24 2024-01-24 2024-01-26 U\n"
               "+1 | 1 24 2024-01-24 0 24 2024-01-24 2024-01-25 U\n"
               "-1 | 1 26 2024-01-26 0 25 2024-01-26 2024-01-27 U\n"
               "+1 | 1 25 2024-01-25 0 25 2024-01-25 2024-01-26 U\n"
               "-1 | 1 27 2024-01-27 0 26 2024-01-27 2024-01-28 U\n"
               "+1 | 1 26 2024-01-26 0 26 2024-01-26 2024-01-27 U\n"
               "-1 | 1 28 2024-01-28 0 27 2024-01-28 null U\n"
               "+1 | 1 27 2024-01-27 0 27 2024-01-27 2024-01-28 U\n"
               "1 28 2024-01-28 0 28 2024-01-28 null U\n");
    rig_push(&r, 0, "1 0 2023-12-31 0\n");
    cr_assert_not_null(
        strstr(rig_commit(&r), "1 0 2023-12-31 0 1 2023-12-31 2024-01-01 I"));
    rig_close(&r);
}

Test(history, a_delete_closes_and_a_return_opens)
{
    rig r;
    rig_open(&r, 5);
    rig_start(&r, make(&r, SNAPSHOT | DELETES));
    set_day(&r, 100); /* 2000-04-10 */
    snapshot(&r, "1 7 2000-01-02 1\n2 8 2000-01-03 2\n");
    rig_commit(&r);
    set_day(&r, 101);
    snapshot(&r, "2 8 2000-01-03 1\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "-1 | 1 7 2000-01-02 1 1 2000-01-02 null I\n"
               "+1 | 1 7 2000-01-02 1 1 2000-01-02 2000-04-11 D\n");
    set_day(&r, 103);
    snapshot(&r, "1 7 2000-01-02 1\n2 8 2000-01-03 1\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "1 7 2000-01-02 1 2 2000-04-13 null I\n");
    /* What follows belongs to the new life, however old it says it is. */
    snapshot(&r, "1 6 2000-01-01 1\n2 8 2000-01-03 1\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "-1 | 1 7 2000-01-02 1 2 2000-04-13 null I\n"
               "+1 | 1 6 2000-01-01 1 2 2000-04-13 null I\n");
    rig_close(&r);
}

Test(history, a_snapshots_own_date_closes_what_it_lacks)
{
    rig r;
    rig_open(&r, 6);
    rig_start(&r, make(&r, SNAPSHOT | DELETES));
    set_day(&r, 200);
    snapshot(&r, "1 7 2000-01-02 1\n2 8 2000-01-03 2\n");
    rig_commit(&r);
    r.env.dated = true;
    r.env.date_us = 40 * INT64_C(86400000000);
    snapshot(&r, "2 8 2000-01-03 1\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "-1 | 1 7 2000-01-02 1 1 2000-01-02 null I\n"
               "+1 | 1 7 2000-01-02 1 1 2000-01-02 2000-02-10 D\n");
    r.env.date_us = 50 * INT64_C(86400000000);
    snapshot(&r, "2 8 2000-01-03 1\n1 9 2000-02-12 0\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "1 9 2000-02-12 0 2 2000-02-12 null I\n");
    rig_close(&r);
}

Test(history, deletes_may_be_ignored)
{
    rig r;
    rig_open(&r, 7);
    rig_start(&r, make(&r, SNAPSHOT));
    set_day(&r, 100);
    snapshot(&r, "1 7 2000-01-02 1\n2 8 2000-01-03 2\n");
    rig_commit(&r);
    snapshot(&r, "2 8 2000-01-03 1\n");
    rig_expect(&r, rig_commit(&r), out_text, "");
    snapshot(&r, "2 8 2000-01-03 1\n1 7 2000-01-02 8\n");
    cr_assert_eq(strlen(rig_commit(&r)), 0);
    rig_close(&r);
}

Test(history, a_row_without_date_is_a_letter)
{
    rig r;
    rig_open(&r, 8);
    rig_start(&r, make(&r, DELETES));
    rig_push(&r, 0, "1 7 null 1\n2 8 2000-01-03 2\n");
    rig_expect(&r, rig_commit(&r), out_text,
               "2 8 2000-01-03 2 1 2000-01-03 null I\n");
    cr_assert_str_eq(r.letters, "history bought 22004 valid_at is null\n");
    rig_close(&r);
}

Test(history, without_valid_at_the_clock_dates_versions)
{
    static const char *const in = "id:int v:text";
    static const char
        *const out = "id:int v:text version:bigint valid_from:timestamptz "
                     "valid_until:timestamptz op:text";
    rig r;
    rig_open(&r, 9);
    cu_node *h = rig_node(&r, CU_N_HISTORY, out, rig_source(&r, in));
    h->history.key = rig_cols(&r, "0", &h->history.n_key);
    h->history.deletes = true;
    rig_start(&r, h);
    r.expr_env.now_us = 1000000;
    rig_push(&r, 0, "1 a\n");
    rig_commit(&r);
    r.expr_env.now_us = 2000000;
    rig_push(&r, 0, "1 b\n");
    rig_commit(&r);
    r.expr_env.now_us = 3000000;
    rig_push(&r, 0, "-1 | 1 b\n");
    rig_commit(&r);
    rig_expect(&r, rig_integral(&r), out,
               "1 a 1 '2000-01-01 00:00:01+00' '2000-01-01 00:00:02+00' I\n"
               "1 b 2 '2000-01-01 00:00:02+00' '2000-01-01 00:00:03+00' D\n");
    rig_close(&r);
}

/* --- against the definition ----------------------------------------------- */

enum { KEYS = 4, EVENTS = 4000 };

typedef struct fact {
    int life, at, product;
} fact;

typedef struct model {
    struct {
        fact facts[EVENTS];
        int n, life, bound, last, until[EVENTS];
        bool there;
        int product, at; /* the table's row */
    } key[KEYS];
    int day;
} model;

static void put_fact(model *m, unsigned k, int at, int product)
{
    if (m->key[k].there && m->key[k].at == at && m->key[k].product == product)
        return;
    if (!m->key[k].there) {
        int until = m->key[k].life ? m->key[k].until[m->key[k].life] : 0;
        m->key[k].bound = !m->key[k].life  ? 0
                          : at >= until    ? until
                          : m->day > until ? m->day
                                           : until;
        m->key[k].life++;
        m->key[k].last = 0;
        m->key[k].there = true;
    }
    m->key[k].product = product;
    m->key[k].at = at;
    int eff = at > m->key[k].bound ? at : m->key[k].bound;
    if (eff > m->key[k].last)
        m->key[k].last = eff;
    int i = m->key[k].n;
    for (int j = 0; j < m->key[k].n; j++)
        if (m->key[k].facts[j].life == m->key[k].life &&
            m->key[k].facts[j].at == eff)
            i = j;
    if (i < m->key[k].n && m->key[k].facts[i].product / 1000 == product)
        return;
    m->key[k].n += i == m->key[k].n;
    m->key[k].facts[i] = (fact){m->key[k].life, eff, product * 1000 + at};
}

static void drop_fact(model *m, unsigned k)
{
    if (!m->key[k].there)
        return;
    m->key[k].there = false;
    m->key[k].until[m->key[k].life] = m->day > m->key[k].last ? m->day
                                                              : m->key[k].last;
}

static int by_place(const void *a, const void *b)
{
    const fact *x = a, *y = b;
    return x->life != y->life ? x->life - y->life : x->at - y->at;
}

static const char *date(int day, char out[32])
{
    sprintf(out, "2000-%02d-%02d", 1 + day / 28, 1 + day % 28);
    return out;
}

static int day_number(int day)
{
    static const int before[] = {0, 31, 60, 91, 121, 152, 182};
    return before[day / 28] + day % 28;
}

static size_t print_key(model *m, unsigned k, char *text, size_t len)
{
    int version = 0, n = m->key[k].n;
    fact *f = m->key[k].facts;
    char d[32], from[32], until[32];
    qsort(f, (size_t)n, sizeof(*f), by_place);
    for (int i = 0, next; i < n; i = next) {
        bool first = i == 0 || f[i - 1].life != f[i].life;
        const char *op = first ? "I" : "U", *end = "null";
        for (next = i + 1; next < n && f[next].life == f[i].life &&
                           f[next].product / 1000 == f[i].product / 1000;)
            next++;
        bool last = next == n || f[next].life != f[i].life;
        if (!last)
            end = date(f[next].at, until);
        else if (f[i].life < m->key[k].life || !m->key[k].there)
            end = date(m->key[k].until[f[i].life], until), op = "D";
        len += (size_t)sprintf(text + len, "%u %d %s 0 %d %s %s %s\n", k,
                               f[i].product / 1000,
                               date(f[i].product % 1000, d), ++version,
                               date(f[i].at, from), end, op);
    }
    return len;
}

static void one_event(rig *r, model *m)
{
    char row[96], d[32];
    unsigned k = rig_draw(r, KEYS);
    if (rig_draw(r, 9) == 0) {
        snprintf(row, sizeof(row), "-1 | %u null null null\n", k);
        drop_fact(m, k);
    } else {
        int at = (int)rig_draw(r, (unsigned)m->day + 8);
        int product = (int)rig_draw(r, 3);
        snprintf(row, sizeof(row), "%u %d %s 0\n", k, product, date(at, d));
        put_fact(m, k, at, product);
    }
    rig_push(r, 0, row);
}

Test(history, equals_its_definition_whatever_the_cuts)
{
    static char want[1 << 16];
    for (uint64_t seed = 1; seed <= 60; seed++) {
        rig r;
        model *m = calloc(2, sizeof(*m)); /* now, committed */
        rig_open(&r, seed);
        rig_start(&r, make(&r, DELETES));
        for (int round = 0; round < 30; round++) {
            m->day = 20 + round * 4;
            r.expr_env.now_us = day_number(m->day) * INT64_C(86400000000);
            for (unsigned i = rig_draw(&r, 9); i > 0; i--)
                one_event(&r, m);
            if (rig_draw(&r, 4) == 0) {
                rig_abort(&r);
                m[0] = m[1];
                continue;
            }
            if (rig_draw(&r, 3) == 0)
                continue;
            rig_commit(&r);
            m[1] = m[0];
            size_t len = 0;
            for (unsigned k = 0; k < KEYS; k++)
                len = print_key(m, k, want, len);
            want[len] = '\0';
            rig_expect(&r, rig_integral(&r), out_text, want);
            m[1] = m[0];
            if (rig_draw(&r, 3) == 0)
                rig_reopen(&r);
        }
        rig_close(&r);
        free(m);
    }
}

Test(history, work_for_a_backdated_row_grows_with_what_follows_it)
{
    rig r;
    uint64_t work[2];
    rig_open(&r, 12);
    rig_start(&r, make(&r, DELETES));
    for (int half = 0; half < 2; half++) {
        for (int i = 0; i < 1000; i++) {
            char row[64];
            snprintf(row, sizeof(row), "1 %d %d-01-01 0\n", i,
                     2000 + 2 * (half * 1000 + i));
            rig_push(&r, 0, row);
        }
        rig_commit(&r);
        char late[64];
        snprintf(late, sizeof(late), "1 9999 %d-01-01 0\n",
                 2000 + 2 * (half * 1000 + 990) + 1);
        cu_op *op = r.pipeline->root;
        work[half] = cu_op_work(op);
        rig_push(&r, 0, late);
        rig_commit(&r);
        work[half] = cu_op_work(op) - work[half];
    }
    cr_assert_eq(work[0], work[1]);
    cr_assert_lt(work[0], 60);
    rig_close(&r);
}
