/* Other partitions: what views show moves, all else is made anew. */
#include "tests/unit/engine/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define TABLES                                                           \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                        \
    "CREATE FOREIGN TABLE t (g int, v int, at timestamptz OPTIONS "      \
    "(watermark '1 hour')) SERVER k OPTIONS (topic 't', format 'json', " \
    "partitions '2');"                                                   \
    "CREATE FOREIGN TABLE names (g int, name text) SERVER k OPTIONS "    \
    "(topic 'names', format 'json', partitions '2');"
#define VIEWS                                                                \
    "CREATE MATERIALIZED VIEW sums AS SELECT g, count(*) AS n, sum(v) AS s " \
    "FROM t GROUP BY g;"                                                     \
    "CREATE MATERIALIZED VIEW sizes AS SELECT n, count(*) AS groups FROM "   \
    "sums GROUP BY n;"                                                       \
    "CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n, sum(v) AS s "   \
    "FROM t;"                                                                \
    "CREATE MATERIALIZED VIEW best AS SELECT g, v, pos FROM (SELECT g, v, "  \
    "row_number() OVER (PARTITION BY g ORDER BY v DESC) AS pos FROM t) x "   \
    "WHERE pos <= 2;"                                                        \
    "CREATE MATERIALIZED VIEW named AS SELECT name, sum(v) AS s FROM t "     \
    "JOIN names USING (g) GROUP BY name;"                                    \
    "CREATE MATERIALIZED VIEW per_minute AS SELECT window_start, g, "        \
    "count(*) AS n FROM tumble(t, at, interval '1 minute') "                 \
    "GROUP BY window_start, g;"                                              \
    "CREATE MATERIALIZED VIEW big AS SELECT g, v FROM t WHERE v > 12;"

static const char sql[] = TABLES VIEWS;
static const char *const views[] = {"sums",  "sizes",      "total", "best",
                                    "named", "per_minute", "big"};
enum { N_VIEWS = sizeof(views) / sizeof(*views), GROUPS = 12 };

static void feed_at(rig *r, int g, int v, int partition)
{
    char text[128];
    snprintf(text, sizeof(text),
             "{\"g\": %d, \"v\": %d, \"at\": \"2024-01-01 00:%02d:00Z\"}", g, v,
             v % 50);
    rig_feed(r, "t", partition, text);
}

/* Every group once a round, and its name in the first. */
static void feed_rounds(rig *r, int from, int to)
{
    for (int round = from; round < to; round++)
        for (int g = 0; g < GROUPS; g++) {
            char text[64];
            feed_at(r, g, round + g, g & 1);
            snprintf(text, sizeof(text), "{\"g\": %d, \"name\": \"n%d\"}", g,
                     g % 5);
            if (round == 0)
                rig_feed(r, "names", g & 1, text);
        }
}

/* With a crash point the process dies there.  A new process in any case, and
 * the topics that nobody needs go in between. */
static int try_move(rig *r, int32_t n, const char *crash, cu_moved *out)
{
    cu_err err = {0};
    r->as_it_was = true;
    rig_kill(r);
    cu_worker *w = rig_look(r);
    if (crash)
        cu_env_sim_faults(r->env, 0, crash, 1);
    int rc = cu_worker_repartition(w, n, false, r->arena, out, &err);
    cu_env_sim_faults(r->env, 0, NULL, 0);
    if (rc && rc != CU_STOPPED)
        printf("refused: %s\n", err.msg);
    cu_worker_close(w);
    for (uint32_t i = 0; rc == 0 && i < out->n_topics; i++)
        cr_assert_eq(r->log->vt->topic_delete(r->log, out->topics[i], &err), 0,
                     "%s", err.msg);
    r->as_it_was = false;
    return rc;
}

static void move_to(rig *r, int32_t n)
{
    cu_moved moved;
    cr_assert_eq(try_move(r, n, NULL, &moved), 0);
    rig_kill(r);
}

static void open_world(rig *r, bool beside)
{
    if (beside)
        rig_open_beside(r, sql, NULL);
    else
        rig_open(r, sql, NULL);
}

static void is_fresh(rig *r, int rounds)
{
    rig fresh;
    rig_open(&fresh, sql, NULL);
    feed_rounds(&fresh, 0, rounds);
    rig_drain(&fresh);
    for (int i = 0; i < N_VIEWS; i++)
        cr_expect_str_eq(rig_view(r, views[i]), rig_view(&fresh, views[i]),
                         "%s: %s instead of %s", views[i],
                         rig_view(r, views[i]), rig_view(&fresh, views[i]));
    rig_close(&fresh);
}

static void said(rig *r, int64_t next[N_VIEWS][RIG_PARTITIONS], bool nothing)
{
    for (int i = 0; i < N_VIEWS; i++) {
        char topic[64];
        snprintf(topic, sizeof(topic), "app.%s", views[i]);
        const char *text = rig_deltas(r, topic, NULL, next[i]);
        if (nothing)
            cr_expect_str_eq(text, "", "%s: %s", views[i], text);
    }
}

/* Until nothing moves; `nothing`: and no topic got anything. */
static void settle(rig *r, int64_t next[N_VIEWS][RIG_PARTITIONS], bool nothing)
{
    rig_drain(r);
    rig_run(r);
    said(r, next, nothing);
}

static void begin(rig *r, bool beside, int rounds,
                  int64_t next[N_VIEWS][RIG_PARTITIONS])
{
    open_world(r, beside);
    feed_rounds(r, 0, rounds);
    settle(r, next, false);
}

static void moves(bool beside)
{
    static const int32_t to[] = {1, 4, 2, 3};
    int64_t next[N_VIEWS][RIG_PARTITIONS] = {0};
    rig r;
    begin(&r, beside, 2, next);
    int rounds = 2;
    for (int i = 0; i < 4; i++) {
        move_to(&r, to[i]);
        if (beside && i % 2)
            rig_wipe(&r);
        rig_add_worker(&r);
        said(&r, next, true);
        settle(&r, next, true); /* the same rows are not said again */
        is_fresh(&r, rounds);
        feed_rounds(&r, rounds, rounds + 1);
        rounds++;
        settle(&r, next, false);
        is_fresh(&r, rounds);
    }
    cr_expect_eq(cu_runtime_layout(cu_engine_runtime(r.engine)).number, 4);
    rig_close(&r);
}

Test(repartition, gives_the_same_views_and_says_nothing_twice)
{
    moves(false);
}

Test(repartition, does_the_same_with_changelogs)
{
    moves(true);
}

Test(repartition, to_what_is_there_changes_nothing)
{
    rig r;
    cu_moved moved;
    open_world(&r, true);
    feed_rounds(&r, 0, 1);
    rig_drain(&r);
    cr_assert_eq(try_move(&r, 2, NULL, &moved), 0);
    cr_expect(moved.nothing);
    rig_kill(&r);
    move_to(&r, 3);
    rig_drain(&r);
    cr_assert_eq(try_move(&r, 3, NULL, &moved), 0);
    cr_expect(moved.nothing);
    rig_kill(&r);
    rig_drain(&r);
    is_fresh(&r, 1);
    rig_close(&r);
}

/* Rows that are gone meanwhile: keys get tombstones, wherever they stand. */
static void takes_back(bool beside)
{
    int64_t next[N_VIEWS][RIG_PARTITIONS] = {0};
    cu_err err = {0};
    rig r;
    open_world(&r, beside);
    feed_rounds(&r, 0, 1);
    for (int n = 0; n < 6; n++)
        feed_at(&r, n, 7, n & 1);
    settle(&r, next, false);
    cu_worker *w = rig_look(&r);
    cu_position to[] = {{{"t", 0}, 6}, {{"t", 1}, 6}};
    cr_assert_eq(cu_worker_reset(w, &(cu_positions){to, 2}, &err), 0);
    cu_worker_close(w);
    move_to(&r, 5);
    if (!beside) /* else the state is in the changelogs */
        cr_expect_str_eq(rig_view(&r, "total"), "18 108\n");
    rig_drain(&r);
    rig_run(&r);
    cr_expect_str_eq(rig_view(&r, "sums"),
                     "0 1 7\n1 1 7\n2 1 7\n3 1 7\n4 1 7\n5 1 7\n");
    const char *sums = rig_deltas(&r, "app.sums", NULL, next[0]);
    int gone = 0, lines = 0;
    for (const char *p = sums; *p; p++) {
        gone += *p == '-';
        lines += *p == '\n';
    }
    cr_expect_eq(gone, 6, "%s", sums);
    cr_expect_eq(lines, 12, "%s", sums);
    rig_close(&r);
}

Test(repartition, takes_back_keys_that_are_gone)
{
    takes_back(false);
    takes_back(true);
}

static void survives(bool beside, const char *point)
{
    int64_t next[N_VIEWS][RIG_PARTITIONS] = {0};
    cu_moved moved;
    rig r;
    begin(&r, beside, 2, next);
    cr_assert_eq(try_move(&r, 4, point, &moved), CU_STOPPED, "%s", point);
    rig_kill(&r);
    rig_drain(&r);
    said(&r, next, true);
    is_fresh(&r, 2);
    cr_assert_eq(try_move(&r, 3, point, &moved), CU_STOPPED);
    cr_assert_eq(try_move(&r, 4, NULL, &moved), 0);
    rig_kill(&r);
    for (int i = 0; i < 3; i++)
        rig_crash(&r, point);
    settle(&r, next, true);
    is_fresh(&r, 2);
    rig_close(&r);
}

static const char *const points[] = {
    "repartition_filling", "repartition_filled", "commit_begin",
    "commit_emitted",      "commit_marked",      "commit_committed",
    "commit_applied"};

Test(repartition, survives_a_kill_at_every_step)
{
    for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
        survives(false, points[i]);
}

Test(repartition, survives_a_kill_at_every_step_with_changelogs)
{
    for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
        survives(true, points[i]);
}

/* Who began with the old layout neither reads nor writes. */
Test(repartition, stops_a_process_that_began_before_it)
{
    rig r;
    cu_moved moved;
    cu_err err = {0};
    bool busy;
    int rc = 0;
    open_world(&r, true);
    feed_rounds(&r, 0, 1);
    rig_drain(&r);
    cu_worker *w = rig_look(&r);
    cr_assert_eq(cu_worker_repartition(w, 3, false, r.arena, &moved, &err), 0);
    cu_worker_close(w);
    rig_add_worker(&r); /* of the same runtime */
    for (int i = 0; i < 50 && rc == 0; i++)
        rc = cu_worker_step(r.workers[0], 0, &busy, &err);
    cr_expect_eq(rc, CU_EXISTS);
    cr_expect(strstr(err.msg, "start it again"), "%s", err.msg);
    rig_close(&r);
}

/* The topic is made anew, with the same records in front: the log of the tests
 * cannot give a topic more partitions. */
static void grow(rig *r, const char *topic)
{
    cu_err err = {0};
    cu_topic_spec spec = {.name = topic, .partitions = 3};
    cu_positions was;
    rig_stop_workers(r);
    cr_assert_eq(
        r->log->vt->group_positions(r->log, "app", r->arena, &was, &err), 0);
    cr_assert_eq(r->log->vt->topic_delete(r->log, topic, &err), 0);
    cr_assert_eq(r->log->vt->topic_ensure(r->log, &spec, &err), 0);
    cr_assert_eq(r->log->vt->group_alter(r->log, "app", &was, &err), 0, "%s",
                 err.msg);
}

Test(repartition, goes_on_with_an_input_that_gained_partitions)
{
    int64_t next[N_VIEWS][RIG_PARTITIONS] = {0};
    cu_moved moved;
    rig r;
    begin(&r, true, 1, next);
    grow(&r, "t");
    for (int g = 0; g < GROUPS; g++)
        feed_at(&r, g, g, g & 1);
    cr_assert_eq(try_move(&r, 0, NULL, &moved), 0);
    cr_expect(!moved.nothing);
    rig_kill(&r);
    settle(&r, next, true);
    for (int g = 0; g < GROUPS; g++)
        feed_at(&r, g, 1 + g, g % 3);
    rig_drain(&r);
    rig_run(&r);
    is_fresh(&r, 2);
    /* What two instances say in one partition of a topic is told apart. */
    said(&r, next, false);
    move_to(&r, 4);
    settle(&r, next, true);
    is_fresh(&r, 2);
    rig_close(&r);
}

static const char keyed[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE t (c0 bigint OPTIONS (key 'true') PRIMARY KEY, c1 "
    "bigint) SERVER k OPTIONS (topic 't', format 'json', mode 'upsert', "
    "key_format 'text', partitions '2');"
    "CREATE MATERIALIZED VIEW v AS SELECT c0, c1 FROM t;";

static void is_refused(rig *r, cu_code code, const char *why)
{
    cu_moved moved;
    cu_err err = {0};
    r->as_it_was = true;
    rig_kill(r);
    cu_worker *w = rig_look(r);
    cr_expect_eq(cu_worker_repartition(w, 5, false, r->arena, &moved, &err),
                 code);
    cr_expect(strstr(err.msg, why), "%s", err.msg);
    cu_worker_close(w);
    rig_close(r);
}

Test(repartition, refuses_keys_whose_records_stand_in_two_partitions)
{
    rig r;
    rig_open_beside(&r, keyed, NULL);
    rig_feed(&r, "t", 0, "{\"c1\": 1}");
    rig_feed(&r, "t", 1, "{\"c1\": 1}");
    rig_drain(&r);
    grow(&r, "t");
    is_refused(&r, CU_UNSUPPORTED, "which is newer");
}

Test(repartition, refuses_to_give_other_numbers)
{
    rig r;
    rig_open_beside(&r,
                    TABLES "CREATE MATERIALIZED VIEW s AS SELECT "
                           "DISTINCT name, surrogate_id FROM surrogate((SELECT "
                           "DISTINCT name FROM names));",
                    NULL);
    rig_drain(&r);
    is_refused(&r, CU_UNSUPPORTED, "surrogate");
}

Test(repartition, refuses_when_rows_have_left_the_input)
{
    rig r;
    cu_err err = {0};
    const cu_part part = {"t", 0};
    open_world(&r, true);
    feed_rounds(&r, 0, 1);
    rig_drain(&r);
    cr_assert_eq(r.log->vt->delete_records(r.log, part, 3, &err), 0);
    is_refused(&r, CU_HISTORY, "offsets reset");
}
