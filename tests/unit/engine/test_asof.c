/* asof(), lookup() and LATERAL as-of joins, corrected from both sides. */
#include "tests/unit/engine/script.h"

#include <criterion/criterion.h>

#define TABLES                                                               \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                            \
    "CREATE FOREIGN TABLE p (id int OPTIONS (key 'true'), price int, since " \
    "timestamptz OPTIONS (watermark '1 second'), PRIMARY KEY (id)) SERVER "  \
    "k OPTIONS (topic 'p', format 'json', mode 'upsert', partitions '4');"   \
    "CREATE FOREIGN TABLE a (id int, price int, since timestamptz OPTIONS "  \
    "(watermark '1 day')) SERVER k OPTIONS (topic 'a', format 'json', "      \
    "partitions '4');"                                                       \
    "CREATE FOREIGN TABLE o (n int, id int, ts timestamptz) SERVER k "       \
    "OPTIONS (topic 'o', format 'json', partitions '2');"
#define VIEW(right)                                                         \
    TABLES "CREATE MATERIALIZED VIEW j WITH (primary_key = 'n') AS SELECT " \
           "o.n, o.id, q.price FROM o LEFT JOIN " right " AS q ON q.id = "  \
           "o.id"
#define P(id, price, day)                                                     \
    "p 0 {\"id\":" id "} {\"price\":" price ",\"since\":\"2024-01-" day "\"}" \
    "\n"
#define A(part, id, price, day)                                                \
    "a " part " - {\"id\":" id ",\"price\":" price ",\"since\":\"2024-01-" day \
    "\"}\n"
#define O(part, n, id, day) \
    "o " part " - {\"n\":" n ",\"id\":" id ",\"ts\":\"2024-01-" day "\"}\n"

Test(asof, takes_the_latest_row_and_follows_later_ones)
{
    script_check(VIEW("asof(a, o.ts)") ";",
                 O("0", "1", "1", "03") O("1", "2", "1", "06")
                     O("1", "3", "2", "06") A("1", "1", "10", "01")
                         A("1", "1", "20", "05") A("2", "1", "15", "06")
                             A("2", "2", "7", "07"),
                 "j\n"
                 "  1 1 10\n"
                 "  2 1 15\n"
                 "  3 2 null\n");
}

Test(asof, knows_the_versions_of_rows_that_were_replaced)
{
    script_check(VIEW("asof(p, o.ts)") ";",
                 P("1", "10", "01") P("1", "20", "05") O("0", "1", "1", "03")
                     O("1", "2", "1", "06") O("1", "3", "2", "06")
                         P("1", "30", "08") P("2", "5", "01")
                             O("0", "4", "1", "09") P("1", "11", "02"),
                 "j\n"
                 "  1 1 11\n"
                 "  2 1 20\n"
                 "  3 2 5\n"
                 "  4 1 30\n");
}

Test(asof, a_delete_ends_what_held)
{
    script_check(VIEW("asof(p, o.ts)") ";",
                 "p 0 {\"id\":1} {\"price\":10,\"since\":\"2023-12-01\"}\n"
                 "p 0 {\"id\":1} null\n" O(
                     "0", "1", "1",
                     "05") "o 1 - {\"n\":2,\"id\":1,\"ts\":\"2023-12-05\"}\n",
                 "j\n"
                 "  1 1 null\n"
                 "  2 1 10\n");
}

Test(asof, other_conditions_are_judged_on_what_was_found)
{
    script_check(VIEW("asof(a, o.ts)") " AND q.price + o.n > 12;"
                                       "CREATE MATERIALIZED VIEW i WITH "
                                       "(primary_key = 'n') AS "
                                       "SELECT o.n, q.price FROM o JOIN "
                                       "asof(p, o.ts) AS q ON q.id "
                                       "= o.id AND q.price > 10;",
                 A("1", "1", "20", "01") A("1", "1", "10", "05")
                     P("1", "20", "01") P("1", "10", "05")
                         O("0", "1", "1", "03") O("0", "2", "1", "06")
                             O("0", "3", "1", "06"),
                 "j\n"
                 "  1 1 20\n"
                 "  2 1 null\n"
                 "  3 1 10\n"
                 "i\n"
                 "  1 20\n");
}

Test(asof, a_retracted_row_of_the_left_goes_with_what_it_met)
{
    script_check(
        TABLES "CREATE MATERIALIZED VIEW j WITH (primary_key = 'id') AS "
               "SELECT l.id, l.price, q.price AS then FROM p AS l LEFT JOIN "
               "asof(a, l.since) AS q ON q.id = l.id;",
        A("1", "1", "20",
          "01") P("1", "1", "02") P("2", "2", "02") A("1", "1", "10", "05")
            P("1", "3", "06") "p 0 {\"id\":2} null\n" A("2", "1", "11", "06"),
        "j\n"
        "  1 3 11\n");
}

Test(asof, lateral_says_the_same)
{
    script_check(
        TABLES "CREATE MATERIALIZED VIEW j WITH (primary_key = 'n') AS "
               "SELECT o.n, q.price FROM o LEFT JOIN LATERAL (SELECT price "
               "FROM a WHERE a.id = o.id AND a.since <= o.ts ORDER BY "
               "a.since DESC LIMIT 1) AS q ON true;",
        O("0", "1", "1", "03") O("1", "2", "1", "06") A("1", "1", "10", "01")
            A("1", "1", "20", "05") A("2", "1", "15", "06"),
        "j\n"
        "  1 10\n"
        "  2 15\n");
}

Test(asof, lookup_takes_what_there_is_when_a_row_comes)
{
    script_check(VIEW("lookup(p)") ";",
                 P("1", "10", "01") "run\n" O("0", "1", "1", "03") "run\n" P(
                     "1", "20", "01") "run\n" O("0", "2", "1", "03")
                     O("1", "3", "2", "03") "run\np 0 {\"id\":1} null\nrun\n" O(
                         "0", "4", "1", "03"),
                 "j\n"
                 "  1 1 10\n"
                 "  2 1 20\n"
                 "  3 2 null\n"
                 "  4 1 null\n");
}
