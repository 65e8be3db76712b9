/* offsets reset: words, files, plans. */
#include "ops/offsets.h"
#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

static cu_rig rig;

static void open_rig(void)
{
    cu_rig_open(&rig);
}

static void close_rig(void)
{
    cu_rig_close(&rig);
}

TestSuite(offsets, .init = open_rig, .fini = close_rig);

static const char *const three[] = {"{\"g\":1}", "{\"g\":1}", "{\"g\":2}",
                                    NULL};
static const char sql[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE t (g int) SERVER k OPTIONS (topic 't', format "
    "'json');"
    "CREATE MATERIALIZED VIEW v AS SELECT g, count(*) AS n FROM t GROUP BY g;";

static int goal(const char *words, cu_goal *g)
{
    cr_assert_eq(cu_rig_parse(&rig, words), 0);
    return cu_goal_parse(&rig.c, NULL, g);
}

Test(offsets, exactly_one_word_says_where)
{
    cu_goal g;
    cr_assert_eq(goal("offsets reset x --to-earliest", &g), 0);
    cr_assert_eq(g.kind, CU_GOAL_EARLIEST);
    cr_assert_eq(goal("offsets reset x --to-offset 17", &g), 0);
    cr_assert(g.kind == CU_GOAL_OFFSET && g.n == 17);
    cr_assert_eq(goal("offsets reset x --shift-by -5", &g), 0);
    cr_assert(g.kind == CU_GOAL_SHIFT && g.n == -5);
    cr_assert_eq(goal("offsets reset x", &g), 2);
    cr_assert_eq(goal("offsets reset x --to-latest --to-current", &g), 2);
    cr_assert_eq(goal("offsets reset x --to-offset -1", &g), 2);
    cr_assert_eq(goal("offsets reset x --to-offset 1x", &g), 2);
    cr_assert_eq(goal("offsets reset x --shift-by much", &g), 2);
}

Test(offsets, times_are_utc_unless_they_name_a_zone)
{
    cu_goal g;
    cr_assert_eq(goal("offsets reset x --to-datetime "
                      "2024-01-01T01:00:00.500",
                      &g),
                 0);
    cr_assert_eq(g.kind, CU_GOAL_TIME);
    cr_assert_eq(g.n, INT64_C(1704070800500));
    cr_assert_eq(goal("offsets reset x --to-datetime "
                      "2024-01-01T01:00:00+01:00",
                      &g),
                 0);
    cr_assert_eq(g.n, INT64_C(1704067200000));
    cr_assert_eq(goal("offsets reset x --to-datetime 2024-01-01", &g), 0);
    cr_assert_eq(g.n, INT64_C(1704067200000));
    cr_assert_eq(goal("offsets reset x --to-datetime soon", &g), 2);
    /* The rig's clock stands at 2024-01-01. */
    cr_assert_eq(goal("offsets reset x --by-duration P1DT1H", &g), 0);
    cr_assert_eq(g.n / 1000, INT64_C(1704067200) - 90000);
    cr_assert_eq(goal("offsets reset x --by-duration 90~minutes", &g), 0);
    cr_assert_eq(g.n / 1000, INT64_C(1704067200) - 5400);
    cr_assert_eq(goal("offsets reset x --by-duration P1M", &g), 2);
    cr_assert_eq(goal("offsets reset x --by-duration -PT1H", &g), 2);
}

static int read(const char *text, cu_positions *p)
{
    cu_err err = {0};
    return cu_goal_read(cu_slice_of(text), rig.c.arena, p, &err);
}

static void is(const cu_positions *p, size_t i, const char *topic,
               int32_t partition, int64_t next)
{
    cr_assert_lt(i, p->n);
    cr_assert_str_eq(p->at[i].part.topic, topic);
    cr_assert_eq(p->at[i].part.partition, partition);
    cr_assert_eq(p->at[i].next, next);
}

Test(offsets, files_are_those_of_kafka_and_of_rpk)
{
    cu_positions p;
    cr_assert_eq(read("a,0,17\nb,3,0", &p), 0);
    cr_assert_eq(p.n, 2);
    is(&p, 0, "a", 0, 17);
    is(&p, 1, "b", 3, 0);
    cr_assert_eq(read("topic,partition,offset\r\n\"a\",1,2\r\n\r\n", &p), 0);
    cr_assert_eq(p.n, 1);
    is(&p, 0, "a", 1, 2);
    cr_assert_eq(read("group 1,a,0,5\n", &p), 0);
    is(&p, 0, "a", 0, 5);
    cr_assert_eq(read("a 0 5\nb\t1\t6\n", &p), 0);
    is(&p, 1, "b", 1, 6);
}

Test(offsets, files_that_are_none_are_refused)
{
    static const char *const bad[] = {
        "",          "\n\n",
        "a,0",       "a,x,1",
        "a,0,-1",    "a,-1,1",
        "a,0,1,2,3", "a,0,1\na,0,2",
        ",0,1",      "a,0,9999999999999999999999x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cu_positions p;
        cr_expect_neq(read(bad[i], &p), 0, "%s", bad[i]);
    }
}

Test(offsets, topics_are_narrowed_to_partitions)
{
    cu_narrow *by;
    uint32_t n;
    cr_assert_eq(cu_rig_parse(&rig, "offsets reset x --topic a:0,2 --topic b "
                                    "--to-latest"),
                 0);
    cr_assert_eq(cu_narrow_parse(&rig.c, &by, &n), 0);
    cr_assert_eq(n, 2);
    cr_assert_str_eq(by[0].topic, "a");
    cr_assert_eq(by[0].n, 2);
    cr_assert_eq(by[0].partitions[1], 2);
    cr_assert_str_eq(by[1].topic, "b");
    cr_assert_eq(by[1].n, 0);
    cu_lag_row rows[] = {{{"a", 0}, 0, 9, 9, 0},
                         {{"a", 1}, 0, 9, 9, 0},
                         {{"a", 2}, 0, 9, 9, 0},
                         {{"b", 0}, 0, 9, 9, 0},
                         {{"c", 0}, 0, 9, 9, 0}};
    cu_lag lag = {.at = rows, .n = 5};
    const char *missing;
    cu_lag_narrow(&lag, by, n, &missing);
    cr_assert_null(missing);
    cr_assert_eq(lag.n, 3);
    cr_assert_eq(lag.at[1].part.partition, 2);
    cr_assert_str_eq(lag.at[2].part.topic, "b");
    cu_lag_narrow(&lag, &(cu_narrow){.topic = "z"}, 1, &missing);
    cr_assert_str_eq(missing, "z");
    cr_assert_eq(cu_rig_parse(&rig, "offsets reset x --topic a:0,x"), 0);
    cr_assert_eq(cu_narrow_parse(&rig.c, &by, &n), 2);
}

static int64_t planned(cu_goal g, int64_t at, const char **note)
{
    cu_lag_row row = {{"t", 0}, 10, 20, at, 0};
    cu_lag lag = {.at = &row, .n = 1};
    cu_moves m;
    cu_err err = {0};
    cr_assert_eq(cu_moves_plan(NULL, &g, &lag, rig.c.arena, &m, &err), 0, "%s",
                 err.msg);
    cr_assert_eq(m.n, 1);
    *note = m.at[0].note;
    return m.at[0].next;
}

Test(offsets, a_plan_keeps_to_what_is_there)
{
    static const struct {
        cu_goal g;
        int64_t at, want;
        const char *note;
    } cases[] = {
        {{CU_GOAL_EARLIEST, 0, {0}}, 15, 10, NULL},
        {{CU_GOAL_LATEST, 0, {0}}, 15, 20, NULL},
        {{CU_GOAL_CURRENT, 0, {0}}, 15, 15, NULL},
        {{CU_GOAL_CURRENT, 0, {0}}, CU_NO_OFFSET, 20, "no position"},
        {{CU_GOAL_OFFSET, 12, {0}}, 15, 12, NULL},
        {{CU_GOAL_OFFSET, 3, {0}}, 15, 10, "3 is gone"},
        {{CU_GOAL_OFFSET, 30, {0}}, 15, 20, "30 is not there yet"},
        {{CU_GOAL_SHIFT, -4, {0}}, 15, 11, NULL},
        {{CU_GOAL_SHIFT, -9, {0}}, 15, 10, "6 is gone"},
        {{CU_GOAL_SHIFT, INT64_MAX, {0}}, 15, 20, "not there yet"},
        {{CU_GOAL_SHIFT, INT64_MIN, {0}}, 15, 10, "gone"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *note;
        cr_expect_eq(planned(cases[i].g, cases[i].at, &note), cases[i].want,
                     "%zu", i);
        cr_expect(cases[i].note ? note && strstr(note, cases[i].note) : !note,
                  "%zu: %s", i, note ? note : "");
    }
}

Test(offsets, what_is_nowhere_cannot_be_shifted)
{
    cu_goal g = {CU_GOAL_SHIFT, 1, {0}};
    cu_lag_row row = {{"t", 0}, 10, 20, CU_NO_OFFSET, 0};
    cu_lag lag = {.at = &row, .n = 1};
    cu_moves m;
    cu_err err = {0};
    cr_assert_neq(cu_moves_plan(NULL, &g, &lag, rig.c.arena, &m, &err), 0);
}

Test(offsets, a_file_sets_only_what_it_names)
{
    cu_position at[] = {{{"t", 1}, 5}, {{"u", 0}, 5}};
    cu_goal g = {CU_GOAL_FILE, 0, {at, 1}};
    cu_lag_row rows[] = {{{"t", 0}, 0, 20, 7, 0}, {{"t", 1}, 0, 20, 7, 0}};
    cu_lag lag = {.at = rows, .n = 2};
    cu_moves m;
    cu_err err = {0};
    cr_assert_eq(cu_moves_plan(NULL, &g, &lag, rig.c.arena, &m, &err), 0);
    cr_assert_eq(m.n, 1);
    cr_assert_eq(m.at[0].at.part.partition, 1);
    cr_assert_eq(m.at[0].next, 5);
    g.listed.n = 2; /* u is not read */
    cr_assert_neq(cu_moves_plan(NULL, &g, &lag, rig.c.arena, &m, &err), 0);
    cr_assert(strstr(err.msg, "u[0]"));
}

Test(offsets, a_running_app_shows_its_plan_and_refuses_to_be_reset)
{
    cu_rig_app(&rig, sql);
    cu_rig_fill(&rig, "t", three);
    cr_assert_eq(cu_rig_run(&rig, "offsets reset --to-latest -o csv"), 0);
    cr_assert_str_eq(cu_rig_said(&rig, 1),
                     "group,topic,partition,current,new,lag,oldest,end,note\n"
                     "shop,t,0,,3,0,0,3,\n");
    cr_assert(strstr(cu_rig_said(&rig, 2), "nothing was changed"));
    cr_assert_eq(cu_rig_run(&rig, "offsets reset --to-latest --execute"), 3);
    cr_assert(strstr(cu_rig_said(&rig, 2), "stop it"));
    cr_assert_eq(cu_rig_run(&rig, "offsets import x.csv --execute"), 3);
}

Test(offsets, another_group_is_set_exported_and_set_back)
{
    cu_rig_app(&rig, sql);
    cu_rig_fill(&rig, "t", three);
    cr_assert_eq(cu_rig_run(&rig, "offsets reset --group g --topic t "
                                  "--to-offset 2 --execute --undo u.csv"),
                 0);
    cu_rig_said(&rig, 1);
    cr_assert_eq(cu_rig_run(&rig, "offsets export --group g"), 0);
    cr_assert_str_eq(cu_rig_said(&rig, 1), "t,0,2\n");
    cr_assert_eq(cu_rig_run(&rig, "offsets reset --group g --shift-by -1 "
                                  "--execute --undo u.csv"),
                 0);
    cu_rig_said(&rig, 1);
    cr_assert_eq(cu_rig_run(&rig, "offsets export --group g -o jsonl"), 0);
    cr_assert_str_eq(cu_rig_said(&rig, 1),
                     "{\"topic\":\"t\",\"partition\":0,\"offset\":1}\n");
    cr_assert_eq(cu_rig_run(&rig, "offsets reset --group g --from-file u.csv "
                                  "--execute --undo v.csv"),
                 0);
    cu_rig_said(&rig, 1);
    cr_assert_eq(cu_rig_run(&rig, "offsets export --group g"), 0);
    cr_assert_str_eq(cu_rig_said(&rig, 1), "t,0,2\n");
    cr_assert_eq(cu_rig_run(&rig, "offsets reset --group shop --topic t "
                                  "--to-latest --execute"),
                 3);
    cr_assert(strstr(cu_rig_said(&rig, 2), "by its path"));
}
