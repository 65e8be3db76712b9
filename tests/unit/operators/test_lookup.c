#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

static const char *const left = "k:int v:int";
static const char *const right = "k:int w:int";
static const char *const both = "k:int v:int k2:int w:int";

static cu_node *lookup(rig *r, cu_join_kind kind)
{
    return rig_join(r, CU_N_LOOKUP, kind, both, rig_source(r, left),
                    rig_source(r, right), "0", "0");
}

Test(lookup, a_left_row_meets_what_is_there_when_it_comes)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, lookup(&r, CU_JOIN_INNER));
    rig_push(&r, 0, "1 10\n");
    rig_push(&r, 1, "1 7\n2 8\n2 9\n");
    rig_push(&r, 0, "1 11\n2 12\n3 13\nnull 14\n");
    rig_expect(&r, rig_commit(&r), both, "1 11 1 7\n2 12 2 8\n2 12 2 9\n");
    rig_reopen(&r);
    rig_push(&r, 1, "-1 | 1 7\n+1 | 1 70\n");
    rig_expect(&r, rig_commit(&r), both, "");
    rig_push(&r, 0, "1 15\n");
    rig_expect(&r, rig_commit(&r), both, "1 15 1 70\n");
    rig_close(&r);
}

Test(lookup, without_a_match_left_goes_on_with_nulls)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, lookup(&r, CU_JOIN_LEFT));
    rig_push(&r, 0, "1 10\nnull 11\n");
    rig_push(&r, 1, "1 7\n");
    rig_expect(&r, rig_commit(&r), both, "1 10 null null\nnull 11 null null\n");
    rig_push(&r, 0, "-1 | 1 10\n-1 | null 11\n+1 | 1 10\n");
    rig_expect(&r, rig_commit(&r), both,
               "-1 | 1 10 null null\n-1 | null 11 null null\n"
               "+1 | 1 10 1 7\n");
    rig_close(&r);
}

Test(lookup, a_row_goes_with_what_it_came_with)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, lookup(&r, CU_JOIN_INNER));
    rig_push(&r, 1, "1 7\n");
    rig_push(&r, 0, "1 10\n+2 | 1 11\n");
    rig_commit(&r);
    rig_push(&r, 1, "-1 | 1 7\n+1 | 1 8\n+1 | 1 9\n");
    rig_push(&r, 0, "1 10\n");
    rig_commit(&r);
    rig_reopen(&r);
    rig_push(&r, 0, "-1 | 1 10\n");
    rig_expect(&r, rig_commit(&r), both, "-1 | 1 10 1 8\n-1 | 1 10 1 9\n");
    rig_push(&r, 0, "-1 | 1 10\n-1 | 1 11\n");
    rig_expect(&r, rig_commit(&r), both, "-1 | 1 10 1 7\n-1 | 1 11 1 7\n");
    rig_expect(&r, rig_integral(&r), both, "1 11 1 7\n");
    rig_close(&r);
}

Test(lookup, an_append_only_left_leaves_no_memo)
{
    rig r;
    rig_open(&r, 4);
    cu_node *n = lookup(&r, CU_JOIN_INNER);
    n->inputs[0]->append_only = true;
    rig_start(&r, n);
    rig_push(&r, 1, "1 7\n");
    rig_commit(&r);
    unsigned keys = rig_state_keys(&r);
    rig_push(&r, 0, "1 10\n1 11\n1 12\n2 13\n");
    rig_commit(&r);
    cr_assert_eq(rig_state_keys(&r), keys);
    rig_push(&r, 1, "-1 | 1 7\n");
    rig_commit(&r);
    cr_assert_eq(rig_state_keys(&r), 0);
    rig_close(&r);
}

Test(lookup, only_the_watermark_of_the_left_goes_on)
{
    rig r;
    rig_open(&r, 5);
    rig_start(&r, lookup(&r, CU_JOIN_INNER));
    rig_watermark(&r, 1, 50);
    cr_assert_eq(r.watermark, INT64_MIN);
    rig_watermark(&r, 0, 40);
    cr_assert_eq(r.watermark, 40);
    rig_close(&r);
}

Test(lookup, a_row_that_never_came_cannot_go, .signal = SIGABRT)
{
    rig r;
    rig_open(&r, 6);
    rig_start(&r, lookup(&r, CU_JOIN_INNER));
    rig_push(&r, 0, "-1 | 1 9\n");
}

/* --- against a replay ---------------------------------------------------- */

enum { KEYS = 3, VALUES = 3, RIGHTS = 12, MOST = 40 };

typedef struct came { /* a left row, with what it met */
    int k, v, met[RIGHTS];
    long arrival;
} came;

typedef struct model {
    int right[KEYS][RIGHTS];
    came left[MOST];
    int n;
    long arrivals;
} model;

static void change_right(rig *r, model *m)
{
    char text[512] = "";
    for (unsigned i = 1 + rig_draw(r, 6); i > 0; i--) {
        int k = (int)rig_draw(r, KEYS), w = (int)rig_draw(r, RIGHTS);
        int by = m->right[k][w] && rig_draw(r, 2) ? -1 : 1;
        m->right[k][w] += by;
        sprintf(text + strlen(text), "%+d | %d %d\n", by, k, w);
    }
    rig_push(r, 1, text);
}

static void change_left(rig *r, model *m)
{
    char text[512] = "";
    for (unsigned i = 1 + rig_draw(r, 6); i > 0; i--) {
        came x = {(int)rig_draw(r, KEYS), (int)rig_draw(r, VALUES), {0}, 0};
        bool goes = m->n > 0 && (rig_draw(r, 3) == 0 || m->n == MOST);
        if (goes) {
            int at = (int)rig_draw(r, (unsigned)m->n);
            x = m->left[at];
            for (int k = 0; k < m->n; k++)
                if (m->left[k].k == x.k && m->left[k].v == x.v &&
                    m->left[k].arrival > m->left[at].arrival)
                    at = k;
            m->left[at] = m->left[--m->n];
        } else {
            memcpy(x.met, m->right[x.k], sizeof(x.met));
            x.arrival = m->arrivals++;
            m->left[m->n++] = x;
        }
        sprintf(text + strlen(text), "%+d | %d %d\n", goes ? -1 : 1, x.k, x.v);
    }
    rig_push(r, 0, text);
}

static void expected(const model *m, bool outer, char *text)
{
    text[0] = 0;
    for (int i = 0; i < m->n; i++) {
        const came *x = &m->left[i];
        bool met = false;
        for (int w = 0; w < RIGHTS; w++) {
            if (!x->met[w])
                continue;
            met = true;
            sprintf(text + strlen(text), "%+d | %d %d %d %d\n", x->met[w], x->k,
                    x->v, x->k, w);
        }
        if (!met && outer)
            sprintf(text + strlen(text), "+1 | %d %d null null\n", x->k, x->v);
    }
}

Test(lookup, equals_a_replay_whatever_the_cuts)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        rig r;
        model now = {0}, committed = {0};
        static char text[1 << 16];
        bool outer = seed % 2;
        rig_open(&r, seed);
        rig_start(&r, lookup(&r, outer ? CU_JOIN_LEFT : CU_JOIN_INNER));
        for (int round = 0; round < 20; round++) {
            for (unsigned i = rig_draw(&r, 5); i > 0; i--) {
                if (rig_draw(&r, 2))
                    change_left(&r, &now);
                else
                    change_right(&r, &now);
            }
            if (rig_draw(&r, 5) == 0) {
                rig_abort(&r);
                now = committed;
                continue;
            }
            rig_commit(&r);
            committed = now;
            expected(&now, outer, text);
            const char *want = rig_normal(&r, r.root->schema, text);
            const char *got = rig_integral(&r);
            cr_assert_str_eq(got, want, "seed %u\ngot:\n%swant:\n%s",
                             (unsigned)seed, got, want);
            if (rig_draw(&r, 4) == 0)
                rig_reopen(&r);
        }
        rig_close(&r);
    }
}
