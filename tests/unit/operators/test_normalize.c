#include "tests/unit/operators/rig.h"

#include "processors/operators/normalize.h"
#include "processors/plan/program.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const pair = "k:int v:text";
static const char *const filed = "k:int v:text line:int";

static cu_op *normalizer(rig *r)
{
    return r->pipeline->root;
}

static cu_node *make(rig *r, const char *schema, const char *key)
{
    cu_node *n = rig_node(r, CU_N_NORMALIZE, schema, rig_source(r, schema));
    n->key = rig_cols(r, key, &n->n_key);
    return n;
}

/* A snapshot table whose third column is where the row stood. */
static cu_node *make_filed(rig *r)
{
    cu_node *n = make(r, filed, "0");
    cu_table_def *t = cu_arena_calloc(r->arena, 1, sizeof(*t));
    cu_codec_col *cols = cu_arena_calloc(r->arena, 3, sizeof(*cols));
    cols[2].from = CU_FROM_LINE;
    t->name = "t";
    t->mode = CU_MODE_SNAPSHOT;
    t->key = n->key;
    t->n_key = n->n_key;
    t->codec.cols = cols;
    t->codec.n_cols = 3;
    n->normalize.table = t;
    return n;
}

static void begin(rig *r)
{
    cr_assert_eq(cu_normalize_snapshot_begin(normalizer(r), &r->err), 0);
}

static void end(rig *r, bool deletes)
{
    cr_assert_eq(cu_normalize_snapshot_end(normalizer(r), deletes, &r->err), 0,
                 "%s", r->err.msg);
}

Test(normalize, upserts_become_pairs)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, make(&r, pair, "0"));
    rig_push(&r, 0, "1 a\n2 b\n1 c\n");
    rig_expect(&r, rig_commit(&r), pair, "1 c\n2 b\n");
    rig_push(&r, 0, "+1 | 1 d\n+1 | 2 b\n-1 | 3 null\n");
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 c\n+1 | 1 d\n");
    rig_push(&r, 0, "-1 | 1 null\n");
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 d\n");
    rig_push(&r, 0, "+1 | 1 x\n-1 | 1 null\n");
    rig_expect(&r, rig_commit(&r), pair, "");
    cr_assert_eq(cu_space_dirty_keys(r.space), 0);
    rig_expect(&r, rig_integral(&r), pair, "2 b\n");
    rig_close(&r);
}

Test(normalize, a_snapshot_retracts_what_it_does_not_have)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, make(&r, pair, "0"));
    begin(&r);
    rig_push(&r, 0, "1 a\n2 b\n3 c\n");
    cr_assert_eq(cu_normalize_snapshot_rows(normalizer(&r)), 3);
    end(&r, true);
    rig_expect(&r, rig_commit(&r), pair, "1 a\n2 b\n3 c\n");
    begin(&r);
    rig_push(&r, 0, "1 a\n2 x\n4 d\n");
    end(&r, true);
    rig_expect(&r, rig_commit(&r), pair,
               "-1 | 2 b\n+1 | 2 x\n-1 | 3 c\n+1 | 4 d\n");
    begin(&r);
    rig_push(&r, 0, "1 z\n");
    end(&r, false); /* it had bad rows */
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 a\n+1 | 1 z\n");
    rig_close(&r);
}

Test(normalize, a_snapshot_counts_only_when_it_is_whole)
{
    rig r;
    rig_open(&r, 3);
    rig_start(&r, make(&r, pair, "0"));
    begin(&r);
    rig_push(&r, 0, "1 a\n2 b\n");
    end(&r, true);
    rig_commit(&r);
    begin(&r);
    rig_push(&r, 0, "1 x\n");
    rig_expect(&r, rig_commit(&r), pair, "");
    rig_reopen(&r);
    rig_push(&r, 0, "3 c\n");
    rig_expect(&r, rig_commit(&r), pair, "");
    begin(&r); /* the last one never ended */
    rig_push(&r, 0, "2 y\n");
    rig_commit(&r);
    rig_push(&r, 0, "5 e\n");
    end(&r, true);
    rig_expect(&r, rig_commit(&r), pair,
               "-1 | 1 a\n-1 | 2 b\n+1 | 2 y\n+1 | 5 e\n");
    rig_expect(&r, rig_integral(&r), pair, "2 y\n5 e\n");
    rig_close(&r);
}

Test(normalize, a_key_twice_in_one_snapshot_is_a_letter)
{
    rig r;
    rig_open(&r, 4);
    rig_start(&r, make(&r, pair, "0"));
    begin(&r);
    rig_push(&r, 0, "1 a\n1 b\n");
    rig_commit(&r); /* the rest comes after a commit */
    rig_push(&r, 0, "1 c\n2 d\n");
    end(&r, true);
    rig_expect(&r, rig_commit(&r), pair, "1 a\n2 d\n");
    const char
        *letter = "normalize - 23505 the key stands in this snapshot twice\n";
    char both[256];
    snprintf(both, sizeof(both), "%s%s", letter, letter);
    cr_assert_str_eq(r.letters, both);
    rig_close(&r);
}

Test(normalize, two_snapshots_between_two_commits)
{
    rig r;
    rig_open(&r, 5);
    rig_start(&r, make(&r, pair, "0"));
    begin(&r);
    rig_push(&r, 0, "1 a\n2 b\n");
    end(&r, true);
    begin(&r);
    rig_push(&r, 0, "2 c\n3 d\n");
    end(&r, true);
    rig_expect(&r, rig_commit(&r), pair, "2 c\n3 d\n");
    rig_close(&r);
}

Test(normalize, an_empty_snapshot_changes_nothing_unless_allowed)
{
    rig r;
    rig_open(&r, 6);
    cu_node *n = make_filed(&r);
    rig_start(&r, n);
    begin(&r);
    rig_push(&r, 0, "1 a 1\n");
    end(&r, true);
    rig_commit(&r);
    begin(&r);
    end(&r, true);
    rig_expect(&r, rig_commit(&r), filed, "");
    ((cu_table_def *)n->normalize.table)->allow_empty = true;
    begin(&r);
    end(&r, true);
    rig_expect(&r, rig_commit(&r), filed, "-1 | 1 a 1\n");
    rig_close(&r);
}

Test(normalize, metadata_does_not_make_a_difference)
{
    rig r;
    rig_open(&r, 7);
    rig_start(&r, make_filed(&r));
    begin(&r);
    rig_push(&r, 0, "1 a 1\n2 b 2\n");
    end(&r, true);
    rig_commit(&r);
    begin(&r);
    rig_push(&r, 0, "2 b 1\n1 c 2\n");
    end(&r, true);
    rig_expect(&r, rig_commit(&r), filed, "-1 | 1 a 1\n+1 | 1 c 2\n");
    rig_close(&r);
}

Test(normalize, without_a_key_the_multiset_is_replaced)
{
    rig r;
    rig_open(&r, 8);
    rig_start(&r, make(&r, pair, ""));
    begin(&r);
    rig_push(&r, 0, "1 a\n1 a\n2 b\n");
    end(&r, true);
    rig_expect(&r, rig_commit(&r), pair, "+2 | 1 a\n+1 | 2 b\n");
    begin(&r);
    rig_push(&r, 0, "1 a\n3 c\n");
    rig_commit(&r);
    rig_push(&r, 0, "3 c\n");
    end(&r, true);
    rig_expect(&r, rig_commit(&r), pair, "-1 | 1 a\n-1 | 2 b\n+2 | 3 c\n");
    rig_close(&r);
}

Test(normalize, all_versions_leave_at_once_in_order_of_arrival)
{
    rig r;
    rig_open(&r, 9);
    cu_node *n = make_filed(&r);
    n->normalize.all_versions = true;
    rig_start(&r, n);
    rig_push(&r, 0, "2 b 1\n1 a 2\n2 b 3\n2 c 4\n2 b 5\n");
    cr_assert_eq(r.emitted, 6);
    cu_buf seen = {0};
    for (uint32_t i = 0; i < r.n_out; i++)
        cu_batch_print(r.out[i], &seen);
    cr_assert(cu_slice_is(cu_buf_slice(&seen),
                          "+1 | 2 b 1\n+1 | 1 a 2\n-1 | 2 b 1\n+1 | 2 c 4\n"
                          "-1 | 2 c 4\n+1 | 2 b 5\n"));
    cu_buf_free(&seen);
    rig_expect(&r, rig_commit(&r), filed, "1 a 2\n2 b 5\n");
    begin(&r);
    rig_push(&r, 0, "3 d 1\n2 b 2\n");
    cr_assert_eq(r.emitted, 0);
    end(&r, true);
    cr_assert_eq(r.emitted, 2);
    rig_expect(&r, rig_commit(&r), filed, "-1 | 1 a 2\n+1 | 3 d 1\n");
    rig_close(&r);
}

/* A table of snapshots and upserts in any mixture against a plain array. */
enum { KEYS = 10 };

typedef struct model {
    int now[KEYS], snap[KEYS];
    bool running;
} model;

static size_t put(char *text, size_t len, int w, unsigned k, int v)
{
    return len + (size_t)sprintf(text + len, "%+d | %u v%d\n", w, k, v);
}

static void one_push(rig *r, model *m)
{
    char text[2048];
    size_t len = 0;
    for (unsigned i = 1 + rig_draw(r, 6); i > 0; i--) {
        unsigned k = rig_draw(r, KEYS);
        int v = 1 + (int)rig_draw(r, 3);
        if (m->running) {
            if (!m->snap[k])
                m->snap[k] = v;
            len = put(text, len, 1, k, v);
        } else {
            bool gone = rig_draw(r, 4) == 0;
            m->now[k] = gone ? 0 : v;
            len = put(text, len, gone ? -1 : 1, k, v);
        }
    }
    rig_push(r, 0, text);
}

static void one_step(rig *r, model *m)
{
    unsigned what = rig_draw(r, 8);
    if (what == 0 && !m->running) {
        begin(r);
        m->running = true;
        memset(m->snap, 0, sizeof(m->snap));
    } else if (what == 1 && m->running) {
        bool deletes = rig_draw(r, 4) != 0;
        end(r, deletes);
        m->running = false;
        for (unsigned k = 0; k < KEYS; k++)
            if (m->snap[k] || deletes)
                m->now[k] = m->snap[k];
    } else {
        one_push(r, m);
    }
}

Test(normalize, equals_an_array_whatever_the_cuts)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        rig r;
        model now = {0}, committed = {0};
        rig_open(&r, seed);
        rig_start(&r, make(&r, pair, "0"));
        for (int round = 0; round < 40; round++) {
            for (unsigned i = rig_draw(&r, 6); i > 0; i--)
                one_step(&r, &now);
            if (rig_draw(&r, 4) == 0) {
                rig_abort(&r);
                now = committed;
                continue;
            }
            rig_commit(&r);
            committed = now;
            char text[2048] = "";
            size_t len = 0;
            for (unsigned k = 0; k < KEYS; k++)
                if (now.now[k])
                    len = put(text, len, 1, k, now.now[k]);
            rig_expect(&r, rig_integral(&r), pair, text);
            if (rig_draw(&r, 3) == 0)
                rig_reopen(&r);
        }
        rig_close(&r);
    }
}
