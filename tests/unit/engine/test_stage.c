/* Stages: where exchanges stand, and where none is needed. */
#include "base/alloc.h"
#include "processors/plan/stage.h"
#include "processors/sql/sql.h"

#include <criterion/criterion.h>

#define TABLES                                                               \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                            \
    "CREATE FOREIGN TABLE t (id bigint, g int, v bigint, j jsonb) SERVER k " \
    "OPTIONS (topic 't', format 'json');"                                    \
    "CREATE FOREIGN TABLE u (id bigint, g int, v bigint, j jsonb) SERVER k " \
    "OPTIONS (topic 'u', format 'json');"

static void put_stage(const cu_stage *s, cu_buf *out)
{
    cu_buf_printf(out, "%s[%d]:", s->name, (int)s->partitions);
    for (uint32_t i = 0; i < s->n_feeds; i++) {
        const cu_feed *f = &s->feeds[i];
        if (f->kind == CU_FEED_TABLE)
            cu_buf_printf(out, " table %s", f->table->name);
        else
            cu_buf_printf(out, " %s %s",
                          f->kind == CU_FEED_STAGE ? "stage" : "exchange",
                          f->stage->name);
    }
    if (s->exchange_topic) {
        cu_buf_printf(out, " -> %s[%d]", s->exchange_topic,
                      (int)s->exchange_partitions);
        for (uint32_t i = 0; i < s->n_exchange_cols; i++)
            cu_buf_printf(out, "%s%s", i ? "," : " by ",
                          s->root->schema->fields[s->exchange_cols[i]].name);
    }
    if (s->root->kind == CU_N_MATERIALIZE && s->root->materialize.borrows)
        cu_buf_put_str(out, " borrows");
    cu_buf_put_str(out, "\n");
}

/* Stages of `sql` when t has `t` and u has `u` partitions. */
static void expect(int32_t t, int32_t u, const char *sql, const char *want)
{
    cu_env *env = cu_env_sim(1);
    cu_err err = {0};
    const char *path = "x.sql";
    cr_assert_eq(env->vt->write_file(env, path, cu_slice_of(sql), &err), 0);
    cu_sql_opts o = {.env = env, .app = "app", .paths = &path, .n_paths = 1};
    cu_program *p = NULL;
    cu_sql_problems problems;
    int rc = cu_sql_compile(&o, &p, &problems, &err);
    cu_sql_problems_free(&problems);
    cr_assert_eq(rc, 0, "%s", err.msg);
    const int32_t partitions[] = {t, u};
    cu_stages stages;
    rc = cu_stages_cut(p, partitions, p->arena, &stages, &err);
    cr_assert_eq(rc, 0);
    cu_buf out = {0};
    for (uint32_t i = 0; i < stages.n; i++)
        put_stage(stages.at[i], &out);
    cu_buf_put_u8(&out, 0);
    cr_expect_str_eq(out.data, want);
    cu_buf_free(&out);
    cu_program_free(p);
    env->vt->close(env);
}

Test(stage, one_partition_needs_no_exchange)
{
    expect(1, 1,
           TABLES "CREATE MATERIALIZED VIEW a AS SELECT g, count(*) AS n FROM "
                  "t GROUP BY g;",
           "a[1]: table t\n");
}

Test(stage, a_shared_view_stays_where_its_rows_are)
{
    expect(4, 4,
           TABLES "CREATE VIEW s WITH (shared) AS SELECT t.g, t.v FROM t JOIN "
                  "u ON t.g = u.g WHERE u.v > 0;"
                  "CREATE MATERIALIZED VIEW a AS SELECT g, max(v) FROM s GROUP "
                  "BY g;"
                  "CREATE MATERIALIZED VIEW b AS SELECT v, count(*) FROM s "
                  "GROUP BY v;",
           "s.by_g[4]: table t -> app.s.by_g.repartition[4] by g\n"
           "s.by_g-2[4]: table u -> app.s.by_g-2.repartition[4] by g\n"
           "s[4]: exchange s.by_g exchange s.by_g-2\n"
           "a[4]: stage s\n"
           "b.by_v[4]: stage s -> app.b.by_v.repartition[4] by v\n"
           "b[4]: exchange b.by_v\n");
}

/* A report may read the rows of a key; those of a bag it keeps itself. */
Test(stage, a_report_borrows_from_a_shared_view_with_a_key)
{
    expect(1, 1,
           TABLES "CREATE VIEW s WITH (shared) AS SELECT g, count(*) AS n FROM "
                  "t GROUP BY g;"
                  "CREATE VIEW b WITH (shared) AS SELECT g FROM s WHERE n > 1;"
                  "CREATE VIEW c WITH (shared) AS SELECT n FROM s;"
                  "COPY (SELECT g FROM s) TO 'a.csv' WITH (FORMAT csv);"
                  "COPY (SELECT n FROM c) TO 'b.csv' WITH (FORMAT csv);"
                  "COPY (SELECT g FROM b) TO 'c.csv' WITH (FORMAT csv);",
           "s[1]: table t\n"
           "b[1]: stage s\n"
           "c[1]: stage s\n"
           "copy_1_a[1]: stage s borrows\n"
           "copy_2_b[1]: stage c\n"
           "copy_3_c[1]: stage b borrows\n");
}

Test(stage, group_by_gathers_its_groups)
{
    expect(4, 1,
           TABLES "CREATE MATERIALIZED VIEW a AS SELECT g, count(*) AS n FROM "
                  "t GROUP BY g;",
           "a.by_g[4]: table t -> app.a.by_g.repartition[4] by g\n"
           "a[4]: exchange a.by_g\n");
}

Test(stage, an_aggregate_of_everything_has_one_task)
{
    expect(4, 1,
           TABLES "CREATE MATERIALIZED VIEW a AS SELECT count(*) AS n FROM t;",
           "a.all[4]: table t -> app.a.all.repartition[1]\n"
           "a[1]: exchange a.all\n");
}

Test(stage, a_view_on_the_same_key_is_fed_in_memory)
{
    expect(3, 1,
           TABLES "CREATE MATERIALIZED VIEW a AS SELECT g, v, count(*) AS n "
                  "FROM t GROUP BY g, v;"
                  "CREATE MATERIALIZED VIEW b AS SELECT g, v, max(n) AS m "
                  "FROM a GROUP BY g, v;"
                  "CREATE MATERIALIZED VIEW c AS SELECT g, avg(n) AS m FROM a "
                  "GROUP BY g;",
           "a.by_g_v[3]: table t -> app.a.by_g_v.repartition[3] by g,v\n"
           "a[3]: exchange a.by_g_v\n"
           "b[3]: stage a\n"
           "c.by_g[3]: stage a -> app.c.by_g.repartition[3] by g\n"
           "c[3]: exchange c.by_g\n");
}

Test(stage, a_subset_of_the_group_decides_the_partition_too)
{
    expect(3, 1,
           TABLES "CREATE MATERIALIZED VIEW a AS SELECT g, max(v) AS v FROM t "
                  "GROUP BY g;"
                  "CREATE MATERIALIZED VIEW b AS SELECT g, v, count(*) AS n "
                  "FROM a GROUP BY g, v;",
           "a.by_g[3]: table t -> app.a.by_g.repartition[3] by g\n"
           "a[3]: exchange a.by_g\n"
           "b[3]: stage a\n");
}

Test(stage, a_union_of_unequal_counts_moves_the_smaller_side)
{
    expect(4, 2,
           TABLES "CREATE MATERIALIZED VIEW a AS SELECT g FROM t UNION ALL "
                  "SELECT g FROM u;",
           "a.by_g[2]: table u -> app.a.by_g.repartition[4] by g\n"
           "a[4]: table t exchange a.by_g\n");
}

Test(stage, distinct_on_and_limit_gather)
{
    expect(2, 1,
           TABLES "CREATE MATERIALIZED VIEW a AS SELECT DISTINCT ON (g) g, v "
                  "FROM t ORDER BY g, v;"
                  "CREATE MATERIALIZED VIEW b AS SELECT id, g FROM (SELECT id, "
                  "g FROM t ORDER BY id LIMIT 1) q;",
           "a.by_g[2]: table t -> app.a.by_g.repartition[2] by g\n"
           "a[2]: exchange a.by_g\n"
           "b.all[2]: table t -> app.b.all.repartition[1]\n"
           "b[1]: exchange b.all\n");
}

Test(stage, an_edit_elsewhere_changes_neither_names_nor_hashes)
{
    cu_env *env = cu_env_sim(1);
    const char *before = TABLES "CREATE MATERIALIZED VIEW a AS SELECT g, "
                                "count(*) AS n FROM t GROUP BY g;";
    const char *after = TABLES "CREATE MATERIALIZED VIEW z AS SELECT v, "
                               "count(*) AS n FROM t GROUP BY v;"
                               "CREATE MATERIALIZED VIEW a AS SELECT g, "
                               "count(*) AS n FROM t GROUP BY g;";
    uint64_t hash[2];
    for (int i = 0; i < 2; i++) {
        cu_err err = {0};
        const char *path = "x.sql";
        env->vt->write_file(env, path, cu_slice_of(i ? after : before), &err);
        cu_sql_opts o = {
            .env = env, .app = "app", .paths = &path, .n_paths = 1};
        cu_program *p = NULL;
        cu_sql_problems problems;
        cr_assert_eq(cu_sql_compile(&o, &p, &problems, &err), 0);
        cu_sql_problems_free(&problems);
        const int32_t partitions[] = {2, 2};
        cu_stages s;
        cu_stages_cut(p, partitions, p->arena, &s, &err);
        hash[i] = s.at[s.n - 1]->hash;
        cr_expect_str_eq(s.at[s.n - 1]->name, "a");
        cu_program_free(p);
    }
    cr_expect_eq(hash[0], hash[1]);
    env->vt->close(env);
}

Test(stage, a_join_brings_equal_keys_together)
{
    expect(4, 4,
           TABLES "CREATE MATERIALIZED VIEW a WITH (primary_key = 'id') AS "
                  "SELECT t.id, u.v FROM t JOIN u ON t.g = u.g;",
           "a.by_g[4]: table t -> app.a.by_g.repartition[4] by g\n"
           "a.by_g-2[4]: table u -> app.a.by_g-2.repartition[4] by g\n"
           "a.by_id[4]: exchange a.by_g exchange a.by_g-2 -> "
           "app.a.by_id.repartition[4] by id\n"
           "a[4]: exchange a.by_id\n");
}

Test(stage, what_two_operators_read_is_fed_once)
{
    expect(1, 1,
           TABLES "CREATE MATERIALIZED VIEW a WITH (primary_key = 'id') AS "
                  "SELECT id, (SELECT count(*) FROM u WHERE u.v > t.v) AS n "
                  "FROM t;",
           "a[1]: table t table u\n");
    expect(4, 1,
           TABLES "CREATE MATERIALIZED VIEW a WITH (primary_key = 'id') AS "
                  "SELECT id, (SELECT count(*) FROM u WHERE u.v > t.v) AS n "
                  "FROM t;",
           "a.by_outer1[4]: table t -> app.a.by_outer1.repartition[4] by "
           "outer1\n"
           "a.all[4]: exchange a.by_outer1 -> app.a.all.repartition[1]\n"
           "a.by_outer1-2[1]: table u exchange a.all -> "
           "app.a.by_outer1-2.repartition[4] by outer1\n"
           "a.by_v[4]: table t -> app.a.by_v.repartition[4] by v\n"
           "a.by_id[4]: exchange a.by_v exchange a.by_outer1 exchange "
           "a.by_outer1-2 -> app.a.by_id.repartition[4] by id\n"
           "a[4]: exchange a.by_id\n");
}

#define GROUPS \
    TABLES     \
    "CREATE MATERIALIZED VIEW a AS SELECT g, count(*) AS n FROM t GROUP BY g;"

Test(stage, a_report_that_maps_one_view_of_its_task_keeps_no_rows)
{
    expect(1, 1,
           GROUPS "COPY (SELECT * FROM a ORDER BY n) TO 'all.csv' "
                  "WITH (FORMAT csv);"
                  "COPY (SELECT n + 1 AS m FROM a WHERE g > 2) TO 'some.csv' "
                  "WITH (FORMAT csv);",
           "a[1]: table t\n"
           "copy_1_all[1]: stage a borrows\n"
           "copy_2_some[1]: stage a borrows\n");
}

Test(stage, a_report_that_computes_or_gathers_keeps_its_rows)
{
    expect(1, 1,
           GROUPS "COPY (SELECT max(n) AS m FROM a) TO 'most.csv' "
                  "WITH (FORMAT csv);"
                  "COPY (SELECT DISTINCT n FROM a) TO 'sizes.csv' "
                  "WITH (FORMAT csv);"
                  "COPY (SELECT * FROM t) TO 'rows.csv' WITH (FORMAT csv);",
           "a[1]: table t\n"
           "copy_1_most[1]: stage a\n"
           "copy_2_sizes[1]: stage a\n"
           "copy_3_rows[1]: table t\n");
    expect(2, 1,
           GROUPS "COPY (SELECT * FROM a) TO 'all.csv' WITH (FORMAT csv);",
           "a.by_g[2]: table t -> app.a.by_g.repartition[2] by g\n"
           "a[2]: exchange a.by_g\n"
           "copy_1_all.all[2]: stage a -> "
           "app.copy_1_all.all.repartition[1]\n"
           "copy_1_all[1]: exchange copy_1_all.all\n");
}
