/* The front door: files and folders, queries, broken bytes. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>
#include <stdlib.h>

typedef struct world {
    cu_env *env;
    cu_program *program;
    cu_sql_problems problems;
    cu_err err;
} world;

static world with_files(const file *files, uint32_t n)
{
    world w = {.env = cu_env_sim(1)};
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(0,
                     w.env->vt->write_file(w.env, files[i].path,
                                           cu_slice_of(files[i].text), &w.err));
    return w;
}

static int compile(world *w, const char *app, const char *const *paths,
                   uint32_t n)
{
    cu_program_free(w->program);
    cu_sql_problems_free(&w->problems);
    cu_err_clear(&w->err);
    cu_sql_opts o = {.env = w->env, .app = app, .paths = paths, .n_paths = n};
    return cu_sql_compile(&o, &w->program, &w->problems, &w->err);
}

static void clear(world *w)
{
    cu_program_free(w->program);
    cu_sql_problems_free(&w->problems);
    w->env->vt->close(w->env);
}

Test(sql, a_folder_is_its_sql_files_in_name_order)
{
    static const file files[] = {
        {"app/20_views.sql", "CREATE VIEW w AS SELECT a FROM v;"},
        {"app/10_base.sql", "\\set n 5\nCREATE VIEW v AS SELECT 1 AS a;"},
        {"app/30_more.sql", "COPY (SELECT a + :n FROM w) TO 'r.csv' CSV;"},
        {"app/notes.txt", "not SQL"},
        {"app/.hidden.sql", "nor this"},
        {"app/deeper/x.sql", "nor this"},
    };
    world w = with_files(files, 6);
    const char *const paths[] = {"app"};
    cr_assert_eq(compile(&w, "app", paths, 1), 0, "%s", w.err.msg);
    cr_assert_eq(w.program->n_files, 3);
    cr_expect_str_eq(w.program->files[0].path, "app/10_base.sql");
    cr_expect_str_eq(w.program->files[2].path, "app/30_more.sql");
    cr_expect_str_eq(w.program->copies[0]->path, "app/r.csv");
    cr_expect_str_eq(w.program->copies[0]->shown, "r.csv");
    cr_expect_str_eq(w.program->app, "app");
    clear(&w);
}

Test(sql, files_that_cannot_be_read_are_named)
{
    static const file files[] = {{"p/x.sql", ""}, {"empty/readme", ""}};
    world w = with_files(files, 2);
    const char *const missing[] = {"pipelines/x.sql"}, *const no_sql[] = {
                                                           "empty"};
    cr_expect_eq(compile(&w, "app", missing, 1), CU_NOT_FOUND);
    cr_expect_str_eq(w.err.msg,
                     "cannot read pipelines/x.sql: no such file; name a file "
                     "of SQL, or a folder that holds *.sql files");
    cr_expect_eq(compile(&w, "app", no_sql, 1), CU_NOT_FOUND);
    cr_expect_str_eq(w.err.msg, "no *.sql files in empty; name a folder or "
                                "file of SQL");
    cr_expect_null(w.program);
    clear(&w);
}

Test(sql, the_app_is_named_for_topics)
{
    static const file files[] = {{"p/x.sql", ""}};
    static const char *const bad[] = {"",   "a b", "größe", ".",
                                      ".x", "-x",  "a/b"};
    static const char *const good[] = {"a", "open-library", "a.b_C9"};
    world w = with_files(files, 1);
    const char *const paths[] = {"p"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(compile(&w, bad[i], paths, 1), CU_USAGE, "%s", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect_eq(compile(&w, good[i], paths, 1), 0, "%s", good[i]);
    clear(&w);
}

Test(sql, the_hash_follows_the_text_and_its_variables)
{
    static const file one[] = {{"p/x.sql", "CREATE VIEW v AS SELECT 1;"}};
    static const file two[] = {{"p/x.sql", "CREATE VIEW v AS SELECT 2;"}};
    const char *const paths[] = {"p"};
    uint64_t hashes[3];
    for (int i = 0; i < 3; i++) {
        world w = with_files(i == 1 ? two : one, 1);
        cr_assert_eq(compile(&w, "a", paths, 1), 0);
        hashes[i] = w.program->hash;
        clear(&w);
    }
    cr_expect_eq(hashes[0], hashes[2]);
    cr_expect_neq(hashes[0], hashes[1]);
}

Test(sql, an_error_says_its_first_problem)
{
    static const file files[] = {{"p/x.sql", "SELECT 1 FORM x; DROP TABLE x"}};
    world w = with_files(files, 1);
    const char *const paths[] = {"p"};
    cr_expect_eq(compile(&w, "a", paths, 1), CU_SQL);
    cr_expect_str_eq(w.err.msg, "syntax error at or near \"x\" (and more)");
    cr_expect_eq(w.err.sqlstate, CU_SQLSTATE('4', '2', '6', '0', '1'));
    cr_expect_eq(w.problems.n_errors, 2);
    clear(&w);
}

Test(sql, bytes_that_are_no_utf8_are_refused)
{
    expect_messages("SELECT 'a\xff';",
                    "1:10 22021 invalid byte sequence for encoding \"UTF8\": "
                    "0xff\n");
}

/* --- queries -------------------------------------------------------------- */

static const file base[] = {
    {"p/x.sql", "CREATE VIEW plain (n) AS VALUES (1), (2); "
                "CREATE MATERIALIZED VIEW kept AS SELECT n, count(*) AS c "
                "FROM plain GROUP BY n;"}};

static void query(const char *text, const char *want)
{
    world w = with_files(base, 1);
    const char *const paths[] = {"p"};
    cr_assert_eq(compile(&w, "a", paths, 1), 0, "%s", w.err.msg);
    cu_sql_problems problems;
    cu_query *q;
    cu_buf out = {0};
    int rc = cu_sql_query(w.program, cu_slice_of(text), &q, &problems, &w.err);
    cr_expect((rc == 0) == (q != NULL));
    for (uint32_t i = 0; i < problems.n; i++)
        cu_sql_problem_print(&problems.at[i], NULL, 0, &out);
    if (q) {
        const cu_copy_def *c = q->copy;
        cu_buf_printf(&out, "%u cols, %u order, limit %d, offset %d, %s",
                      c->n_cols, c->n_order, (int)c->limit, (int)c->offset,
                      c->view->root->materialize.bag ? "bag" : "keyed");
        cr_expect(!c->view->has_topic);
    }
    cu_buf_put(&out, "", 1);
    cr_expect_str_eq(out.data, want, "%s\ngot:\n%s", text, out.data);
    cr_expect_eq(w.program->n_views, 1);
    cu_buf_free(&out);
    cu_query_free(q);
    cu_sql_problems_free(&problems);
    clear(&w);
}

Test(sql, a_query_sees_views_of_both_kinds)
{
    query("SELECT * FROM kept ORDER BY c DESC LIMIT 2",
          "2 cols, 1 order, limit 2, offset 0, bag");
    query("SELECT n FROM plain;", "1 cols, 0 order, limit -1, offset 0, bag");
    query("TABLE kept", "2 cols, 0 order, limit -1, offset 0, bag");
    query("VALUES (1)", "1 cols, 0 order, limit -1, offset 0, bag");
}

Test(sql, problems_of_a_query_show_its_line)
{
    query("SELECT n,\n  'é', nosuch FROM kept",
          "error: column \"nosuch\" does not exist [42703]\n"
          "LINE 2:   'é', nosuch FROM kept\n"
          "               ^\n");
    query("SELECT n FORM kept x",
          "error: syntax error at or near \"kept\" [42601]\n"
          "LINE 1: SELECT n FORM kept x\n"
          "                      ^\n");
    query("", "error: the query is empty [42601]\nLINE 1: \n        ^\n");
    query("SELECT 1; SELECT 2",
          "error: a second statement in a query is not supported [0A000]\n"
          "LINE 1: SELECT 1; SELECT 2\n"
          "                  ^\n");
    query("CREATE VIEW v AS SELECT 1",
          "error: this statement as a query is not supported [0A000]\n"
          "LINE 1: CREATE VIEW v AS SELECT 1\n"
          "        ^\n");
}

/* --- broken bytes --------------------------------------------------------- */

static const char good_sql[] =
    "\\set subjects 'love, fantasy'\n\\set each 'subject: ' :subjects\n"
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka OPTIONS (\"a.b\" 'é');\n"
    "CREATE SERVER h FOREIGN DATA WRAPPER http OPTIONS (url 'http://x', "
    "rate_limit '1/s', timeout '500 ms');\n"
    "CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path 'data');\n"
    "CREATE FOREIGN TABLE pages (subject text, page_offset bigint, body jsonb) "
    "SERVER h OPTIONS (path '/{subject}', params 'o={page_offset}', for_each "
    ":'each', paginator 'offset', limit '100', total_path '$.n', require "
    "'$.a, $[\"b, c\"][0]');\n"
    "CREATE FOREIGN TABLE t (id bigint OPTIONS (key 'true'), p numeric(8,2) "
    "NOT NULL, ts timestamptz OPTIONS (path '$.t', encoding 'epoch_millis', "
    "watermark '5 s'), d numeric GENERATED ALWAYS AS (p * 2) STORED, PRIMARY "
    "KEY (id), CHECK (p > 0 AND id::text <> ':x')) SERVER k OPTIONS (topic "
    "'t', format 'json', mode 'upsert');\n"
    "CREATE FOREIGN TABLE c (a int OPTIONS (column_name 'A'), b date) SERVER "
    "f OPTIONS (glob '*.csv', format 'csv', mode 'snapshot', key 'a');\n"
    "CREATE VIEW v (x) AS SELECT DISTINCT ON (id) id FROM t ORDER BY id, ts "
    "DESC; -- done\n"
    "CREATE MATERIALIZED VIEW m WITH (topic = 'silver.m', primary_key = 'k') "
    "AS WITH q AS (SELECT w->>'key' AS k, (w->>'y')::int AS y FROM pages p, "
    "jsonb_array_elements(p.body->'works') WITH ORDINALITY AS e (w, o)) "
    "SELECT k, count(*) FILTER (WHERE y BETWEEN 1 AND 2 OR y IN (3, 4)), "
    "max(CASE WHEN y > 1 THEN interval '10' minute END) FROM q GROUP BY 1 "
    "HAVING NOT bool_and(y IS NULL);\n"
    "/* /* nested */ */ COPY (SELECT x, $$a;b$$ FROM v WHERE EXISTS (SELECT 1) "
    "ORDER BY 1 LIMIT 3) TO 'r.csv' WITH (FORMAT csv, HEADER);\n";

static uint32_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* One or a few edits: a byte changed, taken out, doubled, a stretch moved. */
static size_t mutate(char *text, size_t len, size_t cap, uint64_t *seed)
{
    static const char likely[] = "'\"():;,.\\$-/*=[]{}% \n0aE\xc3\xa9\x01";
    for (uint32_t n = next(seed) % 3 + 1; n > 0 && len > 2; n--) {
        size_t at = next(seed) % len, to = next(seed) % len;
        switch (next(seed) % 4) {
        case 0:
            text[at] = likely[next(seed) % (sizeof likely - 1)];
            break;
        case 1:
            memmove(text + at, text + at + 1, len - at - 1);
            len--;
            break;
        case 2:
            if (len + 1 >= cap)
                break;
            memmove(text + at + 1, text + at, len - at);
            len++;
            break;
        default: {
            size_t most = len - (at > to ? at : to);
            size_t size = next(seed) % 24;
            memmove(text + at, text + to, size < most ? size : most);
            break;
        }
        }
    }
    return len;
}

Test(sql, broken_statements_never_crash)
{
    enum { ROUNDS = 1500 };
    static char text[sizeof good_sql + 64];
    uint64_t seed = 7;
    try_compile(good_sql, sizeof good_sql - 1);
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(text, good_sql, sizeof good_sql);
        size_t len = mutate(text, sizeof good_sql - 1, sizeof text, &seed);
        try_compile(text, len);
    }
}

Test(sql, statements_cut_anywhere_never_crash)
{
    for (size_t n = 0; n < sizeof good_sql - 1; n += 7)
        try_compile(good_sql, n);
}
