/* One bad row among good ones, in every feature: it is a letter that says
 * where and why, and its neighbours go on. */
#include "tests/unit/engine/golden.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define TABLES                                                                \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                             \
    "CREATE FOREIGN TABLE j (id int, x int, s text) SERVER k OPTIONS (topic " \
    "'j', format 'json');"                                                    \
    "CREATE FOREIGN TABLE p (id int PRIMARY KEY, y int, since timestamptz) "  \
    "SERVER k OPTIONS (topic 'p', format 'json', mode 'upsert');"             \
    "CREATE FOREIGN TABLE a (id int, y int, since timestamptz OPTIONS "       \
    "(watermark '0 seconds')) SERVER k OPTIONS (topic 'a', format 'json');"   \
    "CREATE FUNCTION share(int) RETURNS int LANGUAGE sql RETURN 100 / $1;"
#define LETTERS                                                              \
    "CREATE MATERIALIZED VIEW l AS SELECT error_code, stage, view, "         \
    "column_name, topic, record_offset, convert_from(raw_value, 'UTF8') AS " \
    "raw FROM dead_letters(v);"
#define SCRIPT              \
    "a/0 1 5 2024-01-01\n"  \
    "a/0 2 -1 2024-01-01\n" \
    "a/0 3 7 2024-01-01\n"  \
    "p/0 1 4 2024-01-01\n"  \
    "p/0 2 0 -\n"           \
    "p/0 3 2 2024-01-01\n"  \
    "--\n"                  \
    "j/0 1 1 2024-01-01\n"  \
    "j/0 2 0 2024-13-01\n"  \
    "j/0 3 3 2024-02-01\n"  \
    "--\n"                  \
    "view v\n"              \
    "view l\n"
#define ID    "WITH (primary_key = 'id') "
#define WHOLE "{\"id\":2,\"x\":0,\"s\":\"2024-13-01\"}"

typedef struct erring {
    const char *what, *view, *rows, *letter;
} erring;

static void check(const erring *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        static const golden_mode modes[] = {GOLDEN_PLAIN, GOLDEN_WIPE};
        cu_buf sql = {0}, want = {0};
        cu_buf_printf(&sql, TABLES "CREATE MATERIALIZED VIEW v %s;" LETTERS,
                      cases[i].view);
        cu_buf_printf(&want, "v has:\n%sl has:\n%s\n", cases[i].rows,
                      cases[i].letter);
        cu_buf_put_u8(&sql, 0);
        cu_buf_put_u8(&want, 0);
        for (size_t m = 0; m < 2; m++) {
            char *got = golden_run(modes[m], sql.data, SCRIPT);
            cr_expect_str_eq(got, want.data, "%s:\n%s--- not\n%s",
                             cases[i].what, got, want.data);
            cu_free(got);
        }
        cu_buf_free(&sql);
        cu_buf_free(&want);
    }
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof(*(cases)))

Test(errors, of_window_functions_and_ranks)
{
    static const erring cases[] = {
        {"an argument of OVER",
         ID "AS SELECT id, sum(100 / x) OVER (ORDER BY id) AS q FROM j",
         "1 100\n3 133\n", "22012 project v w4 j 1 " WHOLE},
        {"the result of OVER",
         ID "AS SELECT id, 100 / (sum(x) OVER (PARTITION BY id)) AS q FROM j",
         "1 100\n3 33\n",
         "22012 project v q null null {\"id\":2,\"x\":0,\"sum\":0}"},
        {"OVER itself",
         ID "AS SELECT id, nth_value(id, x) OVER (PARTITION BY id) AS q FROM j",
         "1 1\n3 null\n",
         "22016 over v nth_value null null {\"id\":2,\"x\":0}"},
        {"the order of a rank",
         ID "AS SELECT id, q FROM (SELECT id, 100 / x AS q, row_number() OVER "
            "(ORDER BY 100 / x, id) AS n FROM j) AS y WHERE n <= 2",
         "1 100\n3 33\n", "22012 project v w4 j 1 " WHOLE},
        {"DISTINCT ON",
         "AS SELECT DISTINCT ON (id) id, 100 / x AS q FROM j ORDER BY id, 100 "
         "/ x",
         "1 100\n3 33\n", "22012 project v q j 1 " WHOLE},
    };
    CHECK(cases);
}

Test(errors, of_joins)
{
    static const erring cases[] = {
        {"a condition",
         ID "AS SELECT j.id, a.y FROM j JOIN a ON a.id = j.id AND 100 / (j.x * "
            "(a.y + 1)) >= 0",
         "1 5\n3 7\n",
         "22012 join v null null null {\"id\":2,\"x\":0,\"id\":2,\"y\":-1}"},
        {"a result",
         ID "AS SELECT j.id, 100 / j.x / a.y AS q FROM j JOIN a ON a.id = j.id",
         "1 20\n3 4\n",
         "22012 project v q null null {\"id\":2,\"x\":0,\"id\":2,\"y\":-1}"},
        {"asof()",
         ID "AS SELECT j.id, a.y FROM j LEFT JOIN asof(a, j.s::timestamptz) AS "
            "a ON a.id = j.id",
         "1 5\n3 7\n", "22008 project v k3 j 1 " WHOLE},
        {"lookup()",
         "AS SELECT j.id, a.y FROM j LEFT JOIN lookup(a) AS a ON a.id = 100 / "
         "j.x - 99",
         "1 5\n3 null\n", "22012 project v k3 j 1 " WHOLE},
    };
    CHECK(cases);
}

Test(errors, of_groups)
{
    static const erring cases[] = {
        {"GROUP BY", "AS SELECT 100 / x AS q, count(*) AS n FROM j GROUP BY 1",
         "100 1\n33 1\n", "22012 project v q j 1 " WHOLE},
        {"GROUPING SETS",
         "WITH (primary_key = 'q, g') AS SELECT 100 / x AS q, grouping(100 / "
         "x) AS g, count(*) AS n FROM j GROUP BY ROLLUP (100 / x)",
         "100 0 1\n33 0 1\nnull 1 2\n", "22012 project v q j 1 " WHOLE},
        {"a group's result",
         "AS SELECT id, 100 / sum(x) AS q FROM j GROUP BY id", "1 100\n3 33\n",
         "22012 project v q null null {\"id\":2,\"sum\":0}"},
        {"an aggregate itself",
         "AS SELECT id, jsonb_object_agg(CASE WHEN x > 0 THEN 'n' END, x) AS q "
         "FROM j GROUP BY id",
         "1 {\"n\": 1}\n3 {\"n\": 3}\n",
         "22023 aggregate v jsonb_object_agg null null "
         "{\"id\":2,\"jsonb_object_agg\":null}"},
        {"a function that SQL made", "AS SELECT id, share(x) AS q FROM j",
         "1 100\n3 33\n", "22012 project v q j 1 " WHOLE},
        {"rows of a row",
         "AS SELECT id, e FROM j, unnest(string_to_array(substr(s, 1, x), '-')"
         "::int[] || 100 / x) AS e",
         "1 100\n1 2\n3 202\n3 33\n", "22012 flatmap v null j 1 " WHOLE},
    };
    CHECK(cases);
}

Test(errors, of_time)
{
    static const erring cases[] = {
        {"an infinite time",
         "AS SELECT window_start, count(*) AS n FROM tumble((SELECT CASE WHEN "
         "x = 0 THEN 'infinity' ELSE s END::timestamptz AS ts FROM j), ts, "
         "interval '1 minute') GROUP BY window_start",
         "2024-01-01 00:00:00+00 1\n2024-02-01 00:00:00+00 1\n",
         "22008 window v ts j 1 {\"ts\":\"infinity\"}"},
        {"a session without a time",
         "AS SELECT window_start, count(*) AS n FROM session((SELECT CASE WHEN "
         "x = 0 THEN NULL ELSE s END::timestamptz AS ts FROM j), ts, interval "
         "'1 minute') GROUP BY window_start",
         "2024-01-01 00:00:00+00 1\n2024-02-01 00:00:00+00 1\n",
         "22004 session v ts j 1 {\"ts\":null}"},
        {"a condition on the clock",
         ID "AS SELECT id FROM j WHERE s::timestamptz > now() - interval '1 "
            "hour'",
         "1\n3\n", "22008 project v until j 1 " WHOLE},
    };
    CHECK(cases);
}

Test(errors, of_history_and_its_like)
{
    static const erring cases[] = {
        {"history()",
         "WITH (primary_key = 'id, version') AS SELECT id, version, y FROM "
         "history(p, valid_at => since)",
         "1 1 4\n3 1 2\n",
         "22004 history v since null null "
         "{\"id\":2,\"y\":0,\"since\":null}"},
        {"changelog()", "AS SELECT id, op, 100 / y AS q FROM changelog(p)",
         "1 I 25\n3 I 50\n",
         "22012 project v q null null "
         "{\"id\":2,\"y\":0,\"since\":null,\"op\":\"I\"}"},
        {"surrogate()",
         ID "AS SELECT id, surrogate_id / x AS q FROM surrogate(j, key => "
            "ARRAY[id])",
         "1 1\n3 1\n",
         "22012 project v q j 1 {\"id\":2,\"x\":0,\"surrogate_id\":2}"},
    };
    CHECK(cases);
}
