/* Which columns decode keeps, by what the views read. */
#include "tests/unit/sql/golden.h"

#include "base/env.h"
#include "processors/plan/needed.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define TABLES                                                                 \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"                            \
    "CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path 'data');\n"      \
    "CREATE FOREIGN TABLE o (id bigint, k int, v bigint, t text, j jsonb) "    \
    "SERVER k OPTIONS (topic 'o', format 'json', partitions '2');\n"           \
    "CREATE FOREIGN TABLE w (a int, b int, c int CHECK (c > 0), "              \
    "g int GENERATED ALWAYS AS (b + 1) STORED, z text, "                       \
    "ts timestamptz OPTIONS (watermark '5 seconds')) "                         \
    "SERVER k OPTIONS (topic 'w', format 'json');\n"                           \
    "CREATE FOREIGN TABLE d (k int OPTIONS (key 'true') PRIMARY KEY, n text, " \
    "m text) SERVER k OPTIONS (topic 'd', format 'json', mode 'upsert');\n"    \
    "CREATE FOREIGN TABLE s (a int, b int) SERVER f "                          \
    "OPTIONS (glob '*.csv', format 'csv', mode 'snapshot');\n"                 \
    "CREATE FOREIGN TABLE c (a int, b int) SERVER k OPTIONS (topic 'c', "      \
    "format 'json', key 'a');\n"

static void put_needed(const cu_program *p, cu_buf *out)
{
    cu_arena *a = cu_arena_new(0);
    cu_stages stages;
    cu_err err = {0};
    int32_t *partitions = cu_arena_calloc(a, p->n_tables, sizeof(int32_t));
    for (uint32_t i = 0; i < p->n_tables; i++)
        partitions[i] = p->tables[i]->partitions > 0 ? p->tables[i]->partitions
                                                     : 1;
    cr_assert_eq(0, cu_stages_cut(p, partitions, a, &stages, &err));
    for (uint32_t i = 0; i < p->n_tables; i++) {
        const cu_table_def *t = p->tables[i];
        bool *needed = cu_arena_calloc(a, t->schema->n, sizeof(bool)),
             read = false;
        for (uint32_t k = 0; k < stages.n; k++)
            for (uint32_t m = 0; m < stages.at[k]->n_feeds; m++)
                read = read || stages.at[k]->feeds[m].table == t;
        uint32_t n = cu_needed_columns(&stages, t, needed);
        if (!read) {
            cr_expect_eq(n, t->schema->n);
            continue;
        }
        cu_buf_printf(out, "%s%s:", out->len ? " | " : "", t->name);
        for (uint32_t k = 0; n < t->schema->n && k < t->schema->n; k++)
            if (needed[k])
                cu_buf_printf(out, " %s", t->schema->fields[k].name);
        if (n == t->schema->n)
            cu_buf_put_str(out, " all");
    }
    cu_arena_free(a);
}

/* `views`: statements; `want`: "table: column column | …" of what is read. */
static void needed(const char *views, const char *want)
{
    static const char *const paths[] = {"p/x.sql"};
    char sql[8192];
    (void)snprintf(sql, sizeof(sql), "%s%s", TABLES, views);
    cu_env *env = cu_env_sim(1);
    cu_err err = {0};
    cu_program *p = NULL;
    cu_sql_problems problems = {0};
    cr_assert_eq(0,
                 env->vt->write_file(env, "p/x.sql", cu_slice_of(sql), &err));
    cu_sql_opts opts = {.env = env, .app = "app", .paths = paths, .n_paths = 1};
    cr_assert_eq(0, cu_sql_compile(&opts, &p, &problems, &err), "%s: %s", views,
                 problems.n ? problems.at[0].message : err.msg);
    cu_buf out = {0};
    put_needed(p, &out);
    cu_buf_put_u8(&out, 0);
    cr_expect_str_eq(out.data, want, "for %s", views);
    cu_buf_free(&out);
    cu_program_free(p);
    cu_sql_problems_free(&problems);
    env->vt->close(env);
}

#define VIEW(name, query) "CREATE MATERIALIZED VIEW " name " AS " query ";\n"

Test(needed, projections_and_filters_name_their_columns)
{
    needed(VIEW("x", "SELECT id FROM o"), "o: id");
    needed(VIEW("x", "SELECT id + v AS n FROM o WHERE t = 'a'"), "o: id v t");
    needed(VIEW("x", "SELECT id FROM o WHERE k > 1 AND 10 / v > 1"),
           "o: id k v");
    needed(VIEW("x", "SELECT * FROM o"), "o: all");
    needed(VIEW("x", "SELECT * FROM o WHERE k > 1"), "o: all");
    needed(VIEW("x", "SELECT j ->> 'a' AS a FROM o"), "o: j");
}

Test(needed, groups_and_joins_read_through_projections)
{
    needed(VIEW("x", "SELECT k, sum(v) AS s FROM o GROUP BY k"), "o: k v");
    needed(VIEW("x", "SELECT count(*) AS n FROM o WHERE t <> ''"), "o: t");
    needed(VIEW("x", "SELECT o.id, c.b FROM o JOIN c ON o.k = c.a"),
           "o: id k | c: all");
    needed(VIEW("x", "SELECT l.id FROM o l JOIN o r ON l.id = r.v"), "o: id v");
}

Test(needed, all_readers_count)
{
    needed(VIEW("x", "SELECT id FROM o") VIEW("y", "SELECT t FROM o"),
           "o: id t");
    needed(VIEW("x", "SELECT id FROM o") VIEW("y", "SELECT * FROM o"),
           "o: all");
    needed(VIEW("x", "SELECT id, t FROM o") VIEW("y", "SELECT id FROM x"),
           "o: id t");
    needed(VIEW("x", "SELECT id FROM o UNION ALL SELECT v FROM o"), "o: id v");
    needed(VIEW("x", "SELECT id FROM o") "COPY (SELECT t FROM o ORDER BY t) TO "
                                         "'r.csv' CSV;",
           "o: id t");
}

Test(needed, the_table_itself_reads_for_checks_generated_columns_time_and_keys)
{
    needed(VIEW("x", "SELECT a FROM w"), "w: a b c ts");
    needed(VIEW("x", "SELECT a, g FROM w"), "w: a b c g ts");
}

Test(needed, rows_that_change_or_are_shown_stay_whole)
{
    needed(VIEW("x", "SELECT k, n FROM d"), "d: all");
    needed(VIEW("x", "SELECT a, count(*) AS n FROM s GROUP BY a"), "s: all");
    needed(VIEW("x", "SELECT window_start, count(*) AS n FROM tumble(w, ts, "
                     "size => interval '1 hour') GROUP BY 1"),
           "w: all");
    needed(VIEW("x", "SELECT a, version FROM history(c, key => ARRAY[a])"),
           "c: all");
}
