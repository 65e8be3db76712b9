/* changelog(), surrogate(), joins and subqueries over rows that change. */
#include "tests/unit/engine/script.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define KAFKA "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
#define PRODUCTS                                                             \
    KAFKA "CREATE FOREIGN TABLE p (id int OPTIONS (key 'true'), price int, " \
          "PRIMARY KEY (id)) SERVER k OPTIONS (topic 'p', format 'json', "   \
          "mode 'upsert', partitions '4');"
#define ORDERS                                                             \
    "CREATE FOREIGN TABLE o (n int, id int, ts timestamptz OPTIONS "       \
    "(watermark '1 second')) SERVER k OPTIONS (topic 'o', format 'json', " \
    "partitions '2');"
#define P(id, price) "p 0 {\"id\":" id "} {\"price\":" price "}\n"
#define GONE(id)     "p 0 {\"id\":" id "} null\n"
#define O(n, id)     "o 0 - {\"n\":" n ",\"id\":" id "}\n"

Test(changelog, of_a_table_has_every_change)
{
    script_check(PRODUCTS
                 "CREATE MATERIALIZED VIEW c WITH (primary_key = 'id, price, "
                 "op') AS SELECT * FROM changelog(p);"
                 "CREATE MATERIALIZED VIEW cheap WITH (primary_key = 'id, op, "
                 "price') AS SELECT * FROM changelog((SELECT id, price FROM p "
                 "WHERE price < 20)) AS q;"
                 "CREATE MATERIALIZED VIEW n AS SELECT op, count(*) AS n FROM "
                 "changelog(p) GROUP BY op;",
                 P("1", "10") P("1", "10") P("1", "30") GONE("1") P("1", "12")
                     P("2", "5") P("2", "6") GONE("7"),
                 "c\n"
                 "  1 10 I\n"
                 "  1 12 I\n"
                 "  1 30 D\n"
                 "  1 30 U\n"
                 "  2 5 I\n"
                 "  2 6 U\n"
                 "cheap\n"
                 "  1 10 D\n"
                 "  1 10 I\n"
                 "  1 12 I\n"
                 "  2 5 I\n"
                 "  2 6 U\n"
                 "n\n"
                 "  D 1\n"
                 "  I 3\n"
                 "  U 2\n");
}

Test(changelog, of_a_view_has_the_changes_of_its_commits)
{
    script_check(PRODUCTS
                 "CREATE MATERIALIZED VIEW band AS SELECT price / 10 AS band, "
                 "count(*) AS n FROM p GROUP BY 1;"
                 "CREATE MATERIALIZED VIEW cb WITH (primary_key = 'band, n, "
                 "op') AS SELECT band, n, op FROM changelog(band);",
                 P("1", "10") "run\n" P("2", "11")
                     P("3", "25") "run\n" P("2", "21") "run\n" GONE("1"),
                 "cb\n"
                 "  1 1 D\n"
                 "  1 1 I\n"
                 "  1 1 U\n"
                 "  1 2 U\n"
                 "  2 1 I\n"
                 "  2 2 U\n");
}

/* --- surrogate ------------------------------------------------------------ */

Test(surrogate, numbers_authors_by_first_appearance_for_ever)
{
    script_check(
        KAFKA "CREATE FOREIGN TABLE w (id int, authors jsonb) SERVER k OPTIONS "
              "(topic 'w', format 'json');"
              "CREATE MATERIALIZED VIEW a WITH (primary_key = 'surrogate_id') "
              "AS SELECT DISTINCT name, surrogate_id FROM surrogate((SELECT "
              "x->>'name' AS name FROM w, jsonb_array_elements(w.authors) AS "
              "x), key => ARRAY[name]);"
              "CREATE MATERIALIZED VIEW bridge WITH (primary_key = 'w, a') AS "
              "SELECT DISTINCT w.id AS w, a.surrogate_id AS a FROM w, "
              "jsonb_array_elements(w.authors) AS x JOIN a ON a.name = "
              "x->>'name';",
        "w 0 - {\"id\":1,\"authors\":[{\"name\":\"Eko\"},{\"name\":\"Baum\"},"
        "{\"name\":\"Eko\"}]}\n"
        "w 0 - {\"id\":2,\"authors\":[{\"name\":\"Tolkien\"},{\"name\":"
        "\"Baum\"},{}]}\n"
        "w 0 - {\"id\":3,\"authors\":[]}\n"
        "w 0 - {\"id\":1,\"authors\":[{\"name\":\"Zed\"},{\"name\":"
        "\"Eko\"}]}\n",
        "a\n"
        "  Baum 2\n"
        "  Eko 1\n"
        "  Tolkien 3\n"
        "  Zed 5\n"
        "  null 4\n"
        "bridge\n"
        "  1 1\n"
        "  1 2\n"
        "  1 5\n"
        "  2 2\n"
        "  2 3\n");
}

Test(surrogate, an_id_survives_its_rows)
{
    script_check(PRODUCTS "CREATE MATERIALIZED VIEW s AS SELECT id, price, "
                          "surrogate_id FROM surrogate(p);",
                 P("7", "1") "run\n" P("9", "1") "run\n" GONE("7") "run\n" P(
                     "8", "1") P("9", "2") "run\n" P("7", "3"),
                 "s\n"
                 "  7 3 1\n"
                 "  8 1 3\n"
                 "  9 2 2\n");
}

/* --- subqueries over rows that change ------------------------------------- */

Test(changing, not_in_and_exists_follow_the_table)
{
    const char *sql = PRODUCTS ORDERS
        "CREATE MATERIALIZED VIEW notin WITH (primary_key = 'n') AS SELECT n, "
        "id FROM o WHERE id NOT IN (SELECT nullif(price, 0) FROM p);"
        "CREATE MATERIALIZED VIEW none WITH (primary_key = 'n') AS SELECT n, "
        "id FROM o WHERE NOT EXISTS (SELECT 1 FROM p WHERE p.id = o.id);"
        "CREATE MATERIALIZED VIEW found WITH (primary_key = 'n') AS SELECT n, "
        "id FROM o WHERE EXISTS (SELECT 1 FROM p WHERE p.id = o.id AND price "
        "> 5);";
    script_check(sql,
                 O("1", "1") O("2", "2") O("3", "null") P("1", "2") P("2", "9")
                     P("3", "0") P("1", "1"),
                 "notin\n"
                 "none\n"
                 "  3 null\n"
                 "found\n"
                 "  2 2\n");
    script_check(sql,
                 O("1", "1") O("2", "2") O("3", "null") P("1", "2") P("2", "9")
                     P("3", "0") GONE("3") GONE("2") P("1", "1"),
                 "notin\n"
                 "  2 2\n"
                 "none\n"
                 "  2 2\n"
                 "  3 null\n"
                 "found\n");
}

/* --- joins that forget ---------------------------------------------------- */

Test(changing, an_interval_join_forgets_what_can_meet_nothing)
{
    rig r;
    uint64_t keys[2] = {0};
    rig_open(&r,
             KAFKA ORDERS
             "CREATE FOREIGN TABLE s (id int, ts timestamptz OPTIONS "
             "(watermark '1 second')) SERVER k OPTIONS (topic 's', format "
             "'json', partitions '3');"
             "CREATE MATERIALIZED VIEW j AS SELECT count(*) AS n FROM o JOIN s "
             "ON s.id = o.id AND s.ts BETWEEN o.ts - interval '5 seconds' AND "
             "o.ts + interval '5 seconds';",
             NULL);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 40; i++) {
            char line[200];
            int at = round * 40 + i;
            for (int part = 0; part < 3; part++) {
                snprintf(line, sizeof(line),
                         "%s %d - {\"n\":%d,\"id\":%d,\"ts\":\"2024-01-01 "
                         "00:%02d:%02d\"}\n",
                         "s", part, at, i % 3, at / 60 * 10, at % 60);
                script_play(&r, line, CUT_NOT);
                line[0] = 'o';
                if (part < 2)
                    script_play(&r, line, CUT_NOT);
            }
        }
        keys[round] = rig_state_keys(&r);
    }
    cr_expect(keys[1] < 120 && keys[1] <= keys[0] + 20, "%d keys, then %d",
              (int)keys[0], (int)keys[1]);
    rig_close(&r);
}
