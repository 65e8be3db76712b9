/* cupel explain: operators, keys, state, exchanges and why. */
#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>
#include <string.h>

static const char sql[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
    "CREATE FOREIGN TABLE o (id bigint NOT NULL, k int, v bigint, note text, "
    "ts timestamptz OPTIONS (watermark '5 seconds') NOT NULL) SERVER k "
    "OPTIONS (topic 'o', format 'json', partitions '4');\n"
    "CREATE FOREIGN TABLE r (id bigint NOT NULL, x bigint, "
    "t timestamptz OPTIONS (watermark '5 seconds') NOT NULL) SERVER k "
    "OPTIONS (topic 'r', format 'json', partitions '4');\n"
    "CREATE FOREIGN TABLE d (k int OPTIONS (key 'true') PRIMARY KEY, n text) "
    "SERVER k OPTIONS (topic 'd', format 'json', mode 'upsert');\n"
    "CREATE MATERIALIZED VIEW pairs AS SELECT o.id, r.x FROM o JOIN r ON "
    "o.id = r.id;\n"
    "CREATE MATERIALIZED VIEW near AS SELECT o.id, r.x FROM o JOIN r ON "
    "o.id = r.id AND r.t BETWEEN o.ts AND o.ts + interval '4 hours';\n"
    "CREATE MATERIALIZED VIEW sums AS SELECT k, sum(v) AS s, min(v) AS low "
    "FROM o GROUP BY k;\n"
    "CREATE MATERIALIZED VIEW hourly AS SELECT k, window_end, count(DISTINCT "
    "v) AS n FROM tumble(o, ts, size => interval '1 hour') GROUP BY 1, 2;\n"
    "CREATE MATERIALIZED VIEW high AS SELECT k, s FROM (SELECT k, sum(v) AS s, "
    "min(v) AS low FROM o GROUP BY k) g WHERE s > 10 AND low > 1;\n"
    "CREATE MATERIALIZED VIEW named AS SELECT n, k FROM d;\n"
    "CREATE MATERIALIZED VIEW seen WITH (state_ttl = '1 day') AS SELECT "
    "DISTINCT ON (o.id) o.id, o.v, d.n FROM o JOIN d USING (k) ORDER BY o.id, "
    "v;\n"
    "CREATE FOREIGN TABLE p (id bigint, a text, b int) SERVER k OPTIONS (topic "
    "'p', format 'json');\n"
    "CREATE MATERIALIZED VIEW few AS SELECT id FROM p WHERE b > 1;\n"
    "CREATE FOREIGN TABLE unread (id bigint) SERVER k OPTIONS (topic 'q', "
    "format 'json');\n";

static cu_rig rig;

static void open_rig(void)
{
    cu_err err = {0};
    cu_rig_open(&rig);
    cr_assert_eq(
        rig.env->vt->write_file(rig.env, "a.sql", cu_slice_of(sql), &err), 0);
}

static void close_rig(void)
{
    cu_rig_close(&rig);
}

TestSuite(explain, .init = open_rig, .fini = close_rig);

static void has(const char *words, const char *const *wanted)
{
    cr_assert_eq(cu_rig_run(&rig, words), 0, "%s", cu_rig_said(&rig, 2));
    const char *said = cu_rig_said(&rig, 1);
    for (; *wanted; wanted++)
        cr_expect(strstr(said, *wanted) != NULL, "no\n%s\nin\n%s", *wanted,
                  said);
}

Test(explain, a_join_without_a_bound_keeps_every_row_and_says_so)
{
    static const char *const wanted[] = {
        "    state table 40: join by (id): totals, and the rows of keys with "
        "few\n"
        "      about 25 bytes a key, while the key has rows\n"
        "    state table 41: join by (id): left rows of keys with many\n"
        "      about 28 bytes a row, for ever\n",
        "    notice: join keeps every row of o, because the other side may "
        "still "
        "bring rows of its key\n"
        "    notice: join keeps every row of r, because",
        "    exchange to topic a.pairs.by_id.repartition, 4 partitions by "
        "(id)\n"
        "      because a join needs equal keys of both sides in one "
        "partition\n",
        NULL};
    has("explain a.sql pairs", wanted);
}

Test(explain, an_interval_join_forgets)
{
    static const char *const wanted[] = {
        "left rows of keys with many\n      about 36 bytes a row, until the "
        "other side's watermark passes ts + 04:00:00\n",
        "right rows of keys with many\n      about 44 bytes a row, until the "
        "other side's watermark passes t\n",
        NULL};
    has("explain a.sql near", wanted);
}

Test(explain, a_group_is_kept_and_state_of_two_views_is_told)
{
    static const char *const wanted[] = {
        "    state table 24: aggregate by (k): a group\n"
        "      about 74 bytes a group, while the group has rows\n",
        "  notice: the aggregate over o is kept for sums as well; CREATE VIEW "
        "… WITH (shared)\n    would keep it once\n",
        NULL};
    has("explain a.sql high", wanted);
}

Test(explain, a_view_that_forgets_is_approximate)
{
    static const char *const wanted[] = {
        "  approximate: forgets what has not changed for 24:00:00 "
        "(state_ttl)\n",
        "join inner on(k = k) forgets after 24:00:00 but right ->",
        "left rows of keys with many\n      about 36 bytes a row, until it has "
        "not changed for 24:00:00\n",
        "right rows of keys with many\n      about 36 bytes a row, until it is "
        "taken back\n",
        "rank by (id): when to look at it\n      about 26 bytes a key, until "
        "it has not changed for 24:00:00\n",
        NULL};
    static const char *const json[] = {
        "\"approximate\":true,\"state_ttl\":\"24:00:00\",", NULL};
    has("explain a.sql seen", wanted);
    has("explain a.sql seen -o json", json);
}

static void use(const char *more)
{
    cu_err err = {0};
    cu_buf b = {0};
    cu_buf_printf(&b, "%s%s", sql, more);
    cr_assert_eq(
        rig.env->vt->write_file(rig.env, "b.sql", cu_buf_slice(&b), &err), 0);
    cu_buf_free(&b);
}

Test(explain, a_shared_view_names_its_readers)
{
    static const char *const wanted[] = {
        "shared view s\n"
        "  publishes nothing: shared by a, b and c.csv\n"
        "  key (k)\n"
        "  operators\n"
        "    materialize s ->",
        NULL};
    static const char *const reader[] = {
        "  stage a.all, 4 tasks\n    reads stage s, in memory\n", NULL};
    static const char *const json[] = {
        "{\"view\":\"s\",\"topic\":null,\"shared\":true,\"readers\":"
        "[\"a\",\"b\",\"c.csv\"],\"key\":[\"k\"],",
        NULL};
    static const char *const unread[] = {
        "shared view passing\n"
        "  publishes nothing, and nobody reads it\n"
        "  no key: rows pass and are not kept\n",
        NULL};
    use("CREATE VIEW s WITH (shared) AS SELECT k, count(*) AS n FROM o GROUP "
        "BY k;"
        "CREATE MATERIALIZED VIEW a AS SELECT max(n) AS n FROM s;"
        "CREATE MATERIALIZED VIEW b AS SELECT k FROM s WHERE n > 1;"
        "COPY (SELECT * FROM s) TO 'c.csv' WITH (FORMAT csv);"
        "CREATE VIEW passing WITH (shared) AS SELECT k FROM o;");
    has("explain b.sql s", wanted);
    has("explain b.sql a", reader);
    has("explain b.sql s -o json", json);
    has("explain b.sql passing", unread);
}

/* An exchange's leaf keeps nothing of what was exchanged. */
Test(explain, what_is_exchanged_is_told_where_it_is_kept)
{
    use("CREATE FOREIGN TABLE wide (id int PRIMARY KEY, k int) SERVER k "
        "OPTIONS (topic 'wide', format 'json', mode 'upsert', partitions '2');"
        "CREATE MATERIALIZED VIEW x AS SELECT k, count(*) AS n FROM wide GROUP "
        "BY k;");
    cr_assert_eq(cu_rig_run(&rig, "explain b.sql x"), 0);
    const char *at = strstr(cu_rig_said(&rig, 1), "normalize by (id)");
    cr_assert_not_null(at);
    cr_expect_null(strstr(at + 1, "normalize by (id)"), "%s", at);
}

Test(explain, values_of_a_window_go_with_it)
{
    static const char *const wanted[] = {
        "aggregate by (window_end, k): the distinct values of count(distinct "
        "v)\n      about 34 bytes a value, until the watermark passes "
        "window_end\n",
        NULL};
    has("explain a.sql hourly", wanted);
}

Test(explain, rows_of_a_table_are_kept_by_its_key)
{
    static const char *const wanted[] = {
        "    state table 16: normalize by (k): the row now\n"
        "      about 40 bytes a key, until it is deleted\n",
        NULL};
    has("explain a.sql named", wanted);
}

Test(explain, programs_get_the_same)
{
    static const char *const wanted[] = {
        "\"operator\":\"join\",\"by\":\"id\",\"holds\":\"left rows of keys "
        "with many\","
        "\"bytes\":28,\"per\":\"row\",\"until\":\"for "
        "ever\",\"notice\":\"keeps every row "
        "of o, because",
        "\"why\":\"a join needs equal keys", "\"kept_elsewhere\":[]", NULL};
    has("explain a.sql pairs -o json", wanted);
}

Test(explain, a_table_says_what_decode_keeps)
{
    static const char *const wanted[] = {
        "  decode keeps 2 of 3 columns: id, b\n",
        "  decode keeps 5 of 5 columns: id, k, v, note, ts\n",
        "table unread  (kafka, topic q, append)\n"
        "  partitions: 1 assumed; the topic's own count holds when it runs\n"
        "\n",
        NULL};
    static const char *const json[] = {"\"decode_keeps\":[\"id\",\"b\"]",
                                       "\"decode_keeps\":[]", NULL};
    has("explain a.sql", wanted);
    has("explain a.sql -o json", json);
}
