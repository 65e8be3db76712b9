/* Rows that grow past what their changelog takes in a record: nothing stops,
 * nothing is lost, whoever reads it back. */
#include "tests/unit/engine/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define SQL                                                                  \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                            \
    "CREATE FOREIGN TABLE t (id int OPTIONS (key 'true'), g text, w text, "  \
    "PRIMARY KEY (id)) SERVER k OPTIONS (topic 't', format 'json', mode "    \
    "'upsert', partitions '2');"                                             \
    "CREATE MATERIALIZED VIEW v AS SELECT g, string_agg(w, '' ORDER BY id) " \
    "AS all_of_it, count(*) AS n FROM t GROUP BY g;"                         \
    "CREATE MATERIALIZED VIEW m AS SELECT n, max(all_of_it) AS longest, "    \
    "count(*) AS groups FROM v GROUP BY n;"

enum { TAKES = 300 };

/* The changelogs made by somebody who gave them little. */
static void make_narrow(rig *r)
{
    cu_err err = {0};
    const cu_stages *s = cu_runtime_stages(cu_engine_runtime(r->engine));
    for (uint32_t i = 0; i < s->n; i++) {
        cu_topic_spec spec = {.name = s->at[i]->changelog,
                              .partitions = s->at[i]->partitions,
                              .compact = true,
                              .max_record_bytes = TAKES};
        cr_assert_eq(r->log->vt->topic_delete(r->log, spec.name, &err), 0);
        cr_assert_eq(r->log->vt->topic_ensure(r->log, &spec, &err), 0, "%s",
                     err.msg);
    }
}

static void feed(rig *r, int id, const char *g, char letter, int size)
{
    cu_err err = {0};
    cu_writer *w;
    char key[32], text[1000], word[800];
    cu_arena *a = cu_arena_new(0);
    memset(word, letter, (size_t)size);
    word[size] = 0;
    snprintf(key, sizeof(key), "{\"id\":%d}", id);
    snprintf(text, sizeof(text), "{\"g\":\"%s\",\"w\":\"%s\"}", g ? g : "",
             word);
    cu_record rec = {.part = {"t", id % 2},
                     .key = cu_slice_of(key),
                     .value = g ? cu_slice_of(text) : CU_NULL_SLICE};
    cr_assert_eq(r->log->vt->writer_open(r->log, "feeder", &w, &err), 0);
    cr_assert_eq(w->vt->begin(w, &err), 0);
    cr_assert_eq(cu_log_append(w, &rec, &err), 0, "%s", err.msg);
    cr_assert_eq(w->vt->commit(w, 1000, a, NULL, &err), 0);
    w->vt->writer_close(w);
    cu_arena_free(a);
}

/* Rows that come, grow, change group and shrink. */
static void play(rig *r, int part)
{
    static const char *const groups[] = {"a", "b", "c"};
    for (int i = 0; i < 40; i++) {
        int id = (i * 7 + part) % 23;
        feed(r, id, groups[(i + part) % 3], (char)('a' + i % 26),
             i % 4 == part % 4 ? 700 : i % 9);
        if (i % 5 == 0)
            rig_run(r);
    }
    rig_run(r);
}

static void expect_same(rig *r, rig *wide, const char *when)
{
    static const char *const views[] = {"v", "m"};
    for (int i = 0; i < 2; i++)
        cr_assert_str_eq(rig_view(r, views[i]), rig_view(wide, views[i]), "%s",
                         when);
}

Test(long_rows, of_views_survive_kills_and_losses)
{
    rig r, wide;
    rig_open_beside(&r, SQL, NULL);
    rig_open_beside(&wide, SQL, NULL);
    make_narrow(&r);
    for (int part = 0; part < 4; part++) {
        play(&r, part);
        play(&wide, part);
        expect_same(&r, &wide, "live");
        rig_kill(&r);
        rig_run(&r);
        expect_same(&r, &wide, "after a kill");
        if (part % 2)
            rig_wipe(&r);
        rig_run(&r);
        expect_same(&r, &wide, "from the changelogs alone");
    }
    cr_assert_gt(strlen(rig_view(&r, "v")), 5 * TAKES);
    cr_assert_str_eq(rig_topic(&r, "app.v", NULL),
                     rig_topic(&wide, "app.v", NULL));
    for (int id = 0; id < 23; id++) { /* and all of it goes */
        feed(&r, id, id % 2 ? NULL : "a", 'x', 1);
        feed(&wide, id, id % 2 ? NULL : "a", 'x', 1);
    }
    rig_run(&r);
    rig_run(&wide);
    rig_wipe(&r);
    rig_run(&r);
    expect_same(&r, &wide, "when they fit again");
    cr_assert_str_eq(rig_view(&r, "v"), "a xxxxxxxxxxxx 12\n");
    rig_close(&wide);
    rig_close(&r);
}
