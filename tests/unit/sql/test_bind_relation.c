/* history() and its kin, SQL functions, ALTER, postgres: plans and refusals. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

#define BID                                                                   \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE FOREIGN TABLE bid "   \
    "(auction bigint NOT NULL, bidder bigint NOT NULL, price bigint, ts "     \
    "timestamptz OPTIONS (watermark '5 seconds') NOT NULL, d date) SERVER k " \
    "OPTIONS (topic 'b', format 'json'); CREATE FOREIGN TABLE product (id "   \
    "bigint OPTIONS (key 'true') NOT NULL, name text, since timestamptz "     \
    "OPTIONS (watermark '1 minute') NOT NULL, PRIMARY KEY (id)) SERVER k "    \
    "OPTIONS (topic 'p', format 'json', mode 'upsert');\n"

Test(relation, history_sees_all_versions)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM history(product, "
            "valid_at => since, deletes => false);",
        "materialize x -> id bigint, name text, since timestamp with time "
        "zone, version bigint, valid_from timestamp with time zone, "
        "valid_until timestamp with time zone, op text key(id, version)\n"
        "  history by(id) at since no deletes -> id bigint, name text, since "
        "timestamp with time zone, version bigint, valid_from timestamp with "
        "time zone, valid_until timestamp with time zone, op text key(id, "
        "version)\n"
        "    normalize product all versions -> id bigint, name text, since "
        "timestamp with time zone key(id)\n"
        "      source product -> id bigint, name text, since timestamp with "
        "time zone\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM history(bid, key => "
            "ARRAY[auction]);",
        "materialize x -> auction bigint, bidder bigint, price bigint, ts "
        "timestamp with time zone, d date, version bigint, valid_from "
        "timestamp with time zone, valid_until timestamp with time zone, op "
        "text key(auction, version)\n"
        "  history by(auction) -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date, version bigint, "
        "valid_from timestamp with time zone, valid_until timestamp with "
        "time zone, op text key(auction, version)\n"
        "    source bid -> auction bigint, bidder bigint, price bigint, ts "
        "timestamp with time zone, d date append-only\n");
}

Test(relation, a_changelog_only_grows)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM changelog(product);",
        "materialize x -> id bigint, name text, since timestamp with time "
        "zone, op text append-only\n"
        "  changelog -> id bigint, name text, since timestamp with time "
        "zone, op text append-only\n"
        "    normalize product all versions -> id bigint, name text, since "
        "timestamp with time zone key(id)\n"
        "      source product -> id bigint, name text, since timestamp with "
        "time zone\n");
}

Test(relation, surrogates_number_their_columns)
{
    expect_plan(BID "CREATE MATERIALIZED VIEW x AS SELECT id, surrogate_id "
                    "FROM surrogate(product, key => ARRAY[name]);",
                "materialize x -> id bigint, surrogate_id bigint key(id)\n"
                "  project as(id, surrogate_id) -> id bigint, surrogate_id "
                "bigint key(id)\n"
                "    surrogate by(name) -> id bigint, name text, "
                "surrogate_id bigint key(id)\n"
                "      project as(id, name) -> id bigint, name text key(id)\n"
                "        normalize product -> id bigint, name text, since "
                "timestamp with time zone key(id)\n"
                "          source product -> id bigint, name text, since "
                "timestamp with time zone\n");
}

Test(relation, watermarks_can_be_added)
{
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT window_end, count(*) AS n "
            "FROM tumble(watermark((SELECT d::timestamp AS t FROM bid), t, "
            "interval '1 day'), t, interval '1 day') GROUP BY 1;",
        "materialize x -> window_end timestamp without time zone, n bigint "
        "key(window_end)\n"
        "  project as(window_end, count) -> window_end timestamp without time "
        "zone, n bigint key(window_end)\n"
        "    aggregate by(window_end) count(*) closes after 00:00:00 -> "
        "window_end timestamp without time zone, count bigint key(window_end)\n"
        "      project as(window_end) -> window_end timestamp without time "
        "zone append-only\n"
        "        window tumble of t size 1 day judged -> t timestamp without "
        "time zone, window_start timestamp without time zone, window_end "
        "timestamp without time zone append-only\n"
        "          watermark t delay 86400000000 us -> t timestamp without "
        "time zone append-only\n"
        "            project as(d::timestamp without time zone) -> t timestamp "
        "without time zone append-only\n"
        "              source bid -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(relation, asof_joins_the_version_of_a_time)
{
    expect_plan(BID
                "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction') AS "
                "SELECT b.auction, p.name FROM bid b LEFT JOIN asof(product, "
                "b.ts) AS p ON p.id = b.auction AND p.since > b.d;",
                "materialize x -> auction bigint, name text key(auction)\n"
                "  project as(auction, CASE WHEN ((since > d::timestamp with "
                "time zone) AND ((valid_until IS NULL) OR (ts < "
                "valid_until))) THEN name ELSE NULL END) -> auction bigint, "
                "name text\n"
                "    asof left on(auction = id) times(ts, valid_from) -> "
                "auction bigint, ts timestamp with time zone, d date, id "
                "bigint, name text, since timestamp with time zone, version "
                "bigint, valid_from timestamp with time zone, valid_until "
                "timestamp with time zone\n"
                "      project as(auction, ts, d) -> auction bigint, ts "
                "timestamp with time zone, d date append-only\n"
                "        source bid -> auction bigint, bidder bigint, price "
                "bigint, ts timestamp with time zone, d date append-only\n"
                "      project as(id, name, since, version, valid_from, "
                "valid_until) -> id bigint, name text, since timestamp with "
                "time zone, version bigint, valid_from timestamp with time "
                "zone, valid_until timestamp with time zone key(id, version)\n"
                "        history by(id) at since -> id bigint, name text, "
                "since timestamp with time zone, version bigint, valid_from "
                "timestamp with time zone, valid_until timestamp with time "
                "zone, op text key(id, version)\n"
                "          normalize product all versions -> id bigint, name "
                "text, since timestamp with time zone key(id)\n"
                "            source product -> id bigint, name text, since "
                "timestamp with time zone\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x WITH (primary_key = 'auction') AS "
            "SELECT b.auction, p.name FROM bid b JOIN lookup(product) AS p ON "
            "p.id = b.auction + 1;",
        "materialize x -> auction bigint, name text key(auction) append-only\n"
        "  project as(auction, name) -> auction bigint, name text "
        "append-only\n"
        "    lookup inner on(k5 = id) -> auction bigint, k5 bigint, id "
        "bigint, name text append-only\n"
        "      project as(auction, (auction + 1::bigint)) -> auction bigint, "
        "k5 bigint append-only\n"
        "        source bid -> auction bigint, bidder bigint, price bigint, "
        "ts timestamp with time zone, d date append-only\n"
        "      project as(id, name) -> id bigint, name text key(id)\n"
        "        normalize product -> id bigint, name text, since timestamp "
        "with time zone key(id)\n"
        "          source product -> id bigint, name text, since timestamp "
        "with time zone\n");
}

Test(relation, letters_are_relations)
{
    expect_plan(
        BID
        "CREATE MATERIALIZED VIEW a AS SELECT window_end, count(*) AS n FROM "
        "tumble(bid, ts, interval '1 day') GROUP BY 1; CREATE MATERIALIZED "
        "VIEW x AS SELECT auction, watermark, raw_value FROM late_rows(a);",
        "materialize x -> auction bigint, watermark timestamp with time zone, "
        "raw_value bytea append-only\n"
        "  project as(auction, watermark, raw_value) -> auction bigint, "
        "watermark timestamp with time zone, raw_value bytea append-only\n"
        "    source late_rows(a) -> auction bigint, bidder bigint, price "
        "bigint, ts timestamp with time zone, d date, window_start timestamp "
        "with time zone, window_end timestamp with time zone, watermark "
        "timestamp with time zone, error_code text, error_message text, stage "
        "text, view text, column_name text, topic text, partition integer, "
        "record_offset bigint, record_time timestamp with time zone, file "
        "text, line bigint, raw_key bytea, raw_value bytea, headers jsonb, "
        "first_seen timestamp with time zone append-only\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT error_code, partition, "
            "record_time FROM dead_letters(bid);",
        "materialize x -> error_code text, partition integer, record_time "
        "timestamp with time zone append-only\n"
        "  project as(error_code, partition, record_time) -> error_code text, "
        "partition integer, record_time timestamp with time zone append-only\n"
        "    source dead_letters(bid) -> error_code text, error_message text, "
        "stage text, view text, column_name text, topic text, partition "
        "integer, record_offset bigint, record_time timestamp with time zone, "
        "file text, line bigint, raw_key bytea, raw_value bytea, headers "
        "jsonb, first_seen timestamp with time zone append-only\n");
}

Test(relation, functions_are_inlined)
{
    expect_plan(
        BID
        "CREATE FUNCTION eur(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE "
        "STRICT AS $$ SELECT x * 0.908 $$; CREATE FUNCTION twice(x bigint) "
        "RETURNS bigint LANGUAGE sql RETURN x * 2; CREATE FUNCTION twice(x "
        "text) RETURNS text LANGUAGE sql AS 'SELECT x || x'; CREATE FUNCTION "
        "pair(bigint, text) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT "
        "twice($1) || twice($2); END; CREATE OR REPLACE FUNCTION eur(x "
        "numeric) RETURNS numeric LANGUAGE sql AS 'SELECT x / 2'; CREATE "
        "MATERIALIZED VIEW x WITH (primary_key = 'auction') AS SELECT auction, "
        "eur(price) AS e, pair(bidder, 'a') AS t, sum(twice(price)) AS s FROM "
        "bid GROUP BY auction, price, bidder;",
        "materialize x -> auction bigint, e numeric, t text, s numeric "
        "key(auction)\n"
        "  project as(auction, (price::numeric / 2::numeric), ((bidder * "
        "2::bigint) || ('a' || 'a')), sum) -> auction bigint, e numeric, t "
        "text, s numeric\n"
        "    aggregate by(auction, price, bidder) sum(e4) -> auction bigint, "
        "price bigint, bidder bigint, sum numeric key(auction, price, bidder)\n"
        "      project as(auction, price, bidder, (price * 2::bigint)) -> "
        "auction bigint, price bigint, bidder bigint, e4 bigint append-only\n"
        "        source bid -> auction bigint, bidder bigint, price bigint, ts "
        "timestamp with time zone, d date append-only\n");
}

Test(relation, a_column_is_seen_from_its_alter_on)
{
    expect_plan(BID
                "CREATE VIEW v AS SELECT * FROM bid; ALTER FOREIGN TABLE bid "
                "ADD COLUMN currency text OPTIONS (path '$.ccy'), ADD COLUMN b "
                "int; CREATE MATERIALIZED VIEW x AS SELECT * FROM bid;",
                "materialize x -> auction bigint, bidder bigint, price "
                "bigint, ts timestamp with time zone, d date, currency text, "
                "b integer append-only\n"
                "  source bid -> auction bigint, bidder bigint, price "
                "bigint, ts timestamp with time zone, d date, currency text, "
                "b integer append-only\n");
    expect_plan(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM bid; ALTER FOREIGN "
            "TABLE bid ADD COLUMN currency text;",
        "materialize x -> auction bigint, bidder bigint, price bigint, ts "
        "timestamp with time zone, d date append-only\n"
        "  source bid -> auction bigint, bidder bigint, price bigint, ts "
        "timestamp with time zone, d date append-only\n");
}

Test(relation, a_warehouse_table_is_written)
{
    expect_plan(BID
                "CREATE SERVER w FOREIGN DATA WRAPPER postgres OPTIONS (host "
                "'h', dbname 'd'); CREATE USER MAPPING FOR CURRENT_USER SERVER "
                "w OPTIONS (username 'u'); CREATE FOREIGN TABLE o (auction "
                "bigint, n bigint, PRIMARY KEY (auction)) SERVER w OPTIONS "
                "(table 'public.o', mode 'upsert'); INSERT INTO o SELECT "
                "auction, count(*) FROM bid GROUP BY 1;",
                "materialize o_1 -> auction bigint, n bigint key(auction)\n"
                "  project as(auction, count) -> auction bigint, n bigint "
                "key(auction)\n"
                "    aggregate by(auction) count(*) -> auction bigint, count "
                "bigint key(auction)\n"
                "      project as(auction) -> auction bigint append-only\n"
                "        source bid -> auction bigint, bidder bigint, price "
                "bigint, ts timestamp with time zone, d date append-only\n");
}

Test(relation, relations_that_make_no_sense_are_named)
{
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM history(bid);",
        "2:45 42P16 history() needs a key: none is known of this relation\n");
    expect_messages(BID
                    "CREATE MATERIALIZED VIEW x AS SELECT * FROM history(bid, "
                    "key => ARRAY[auction], valid_at => price);",
                    "2:93 42804 valid_at of history() must be a date or "
                    "timestamp, not type bigint\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM history((SELECT "
            "auction, count(*) AS n FROM bid GROUP BY 1));",
        "2:89 0A000 history() over aggregate is not supported\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM asof(product, ts);",
        "2:45 0A000 asof() without a join is not supported\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT 1 FROM bid b "
                        "JOIN asof(product, b.ts) AS p ON p.id > b.auction;",
                    "2:56 0A000 asof() without an equality between both sides "
                    "is not supported\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT 1 FROM bid b FULL JOIN "
            "asof(product, b.ts) AS p ON p.id = b.auction;",
        "2:45 0A000 asof() in a RIGHT or FULL JOIN is not supported\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT 1 FROM bid b JOIN "
            "asof((SELECT id FROM product), b.ts) AS p ON p.id = b.auction;",
        "2:56 42P16 asof() needs a relation with a watermark\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM "
                        "watermark(bid, price, interval '1 day');",
                    "2:60 42804 the column of watermark() must be a date or "
                    "timestamp, not type bigint\n");
    expect_messages(BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM "
                        "watermark(bid, ts, interval '1 month');",
                    "2:73 22008 watermark() wants an interval of days or less, "
                    "not negative\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM dead_letters(nosuch);",
        "2:58 42P01 relation \"nosuch\" does not exist\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM late_rows(bid);",
        "2:55 42P01 \"bid\" is no materialized view\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM dead_letters();",
        "2:45 42883 dead_letters() takes one argument: the name of a table or "
        "view\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT * FROM dead_letters(bid) AS "
            "l, surrogate(bid) AS s;",
        "2:69 42P16 surrogate() needs a key: none is known of this relation\n");
    expect_messages(BID
                    "CREATE MATERIALIZED VIEW a AS SELECT auction FROM bid; "
                    "CREATE MATERIALIZED VIEW x AS SELECT * FROM late_rows(a);",
                    "2:110 42809 view \"a\" has no late rows\n");
}

Test(relation, functions_outside_the_language_are_named)
{
    expect_messages(
        BID "CREATE FUNCTION f(x int) RETURNS int LANGUAGE plpgsql AS 'x';",
        "2:38 0A000 LANGUAGE plpgsql is not supported\n");
    expect_messages(BID "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS "
                        "'SELECT x FROM bid';",
                    "2:51 0A000 a function's body that is more than SELECT and "
                    "one expression is not supported\n");
    expect_messages(
        BID
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT f(x)';",
        "2:51 0A000 function f(), which calls itself, is not supported\n");
    expect_messages(
        BID
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT nosuch';",
        "2:51 42703 column \"nosuch\" does not exist\n");
    expect_messages(
        BID "CREATE FUNCTION f(x int) RETURNS date LANGUAGE sql AS 'SELECT x';",
        "2:52 42P13 return type mismatch in function declared to return "
        "date\n");
    expect_messages(
        BID "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT $2';",
        "2:51 42P02 there is no parameter $2\n");
    expect_messages(
        BID "CREATE FUNCTION f(x int, OUT y int) LANGUAGE sql AS 'SELECT 1';",
        "2:17 0A000 a function without RETURNS is not supported\n"
        "2:21 0A000 a parameter that is not IN is not supported\n");
    expect_messages(
        BID "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'; "
            "CREATE FUNCTION f(y int) RETURNS int LANGUAGE sql AS 'SELECT 2';",
        "2:82 42723 function \"f\" already exists with same argument types\n");
    expect_messages(
        BID "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'; "
            "CREATE MATERIALIZED VIEW x AS SELECT f('a'::text) FROM bid;",
        "2:103 42883 function f(text) does not exist\n");
    expect_messages(
        BID
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x x x';",
        "2:51 42601 syntax error at or near \"x\"\n");
    expect_messages(BID "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql "
                        "VOLATILE AS 'SELECT 1';",
                    "2:51 0A000 VOLATILE is not supported\n");
    expect_messages(
        BID
        "CREATE FUNCTION tumble(x int) RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "2:17 42723 function \"tumble\" exists already\n");
    expect_messages(
        BID
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT sum(x)';",
        "2:51 42803 aggregate functions are not allowed in a function's "
        "body\n");
    expect_messages(
        BID "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x'; "
            "CREATE OR REPLACE FUNCTION f(x int) RETURNS int LANGUAGE sql AS "
            "'SELECT f(x)';",
        "2:127 0A000 function f(), which calls itself, is not supported\n");
}

Test(relation, alters_and_warehouses_that_are_refused)
{
    expect_messages(BID "ALTER FOREIGN TABLE nosuch ADD COLUMN b int;",
                    "2:21 42P01 relation \"nosuch\" does not exist\n");
    expect_messages(BID "ALTER FOREIGN TABLE bid DROP COLUMN price;",
                    "2:1 0A000 ALTER FOREIGN TABLE other than ADD COLUMN is "
                    "not supported\n");
    expect_messages(BID "ALTER FOREIGN TABLE bid ADD COLUMN b int NOT NULL;",
                    "2:36 0A000 a constraint on a column that is added, which "
                    "is NULL in old rows, is not supported\n");
    expect_messages(BID "ALTER FOREIGN TABLE bid ADD COLUMN price int;",
                    "2:36 42701 column \"price\" specified more than once\n");
    expect_messages(BID "ALTER TABLE bid ADD COLUMN b int;",
                    "2:1 0A000 ALTER TABLE is not supported\n");
    expect_messages(BID "CREATE SERVER w FOREIGN DATA WRAPPER postgres OPTIONS "
                        "(dbname 'd', port '0');",
                    "2:73 22023 invalid value for option \"port\": \"0\"\n");
    expect_messages(BID
                    "CREATE SERVER w FOREIGN DATA WRAPPER postgres OPTIONS "
                    "(dbname 'd'); CREATE FOREIGN TABLE o (auction bigint, n "
                    "bigint) SERVER w OPTIONS (table 'o', mode 'upsert');",
                    "2:90 42P16 mode 'upsert' needs a key\n");
    expect_messages(
        BID
        "CREATE SERVER w FOREIGN DATA WRAPPER postgres OPTIONS (dbname 'd'); "
        "CREATE FOREIGN TABLE o (auction bigint, n bigint) SERVER w OPTIONS "
        "(table 'o.'); INSERT INTO o SELECT auction, price FROM bid;",
        "2:143 22023 invalid value for option \"table\": \"o.\"\n");
    expect_messages(BID "CREATE SERVER w FOREIGN DATA WRAPPER postgres OPTIONS "
                        "(dbname 'd'); CREATE FOREIGN TABLE o (auction bigint, "
                        "n bigint) SERVER w OPTIONS (table 'o'); INSERT INTO o "
                        "SELECT auction, count(*) FROM bid GROUP BY 1;",
                    "2:161 42P16 rows of \"o_1\" change, but table \"o\" has "
                    "mode 'append'\n");
    expect_messages(
        BID "CREATE SERVER w FOREIGN DATA WRAPPER postgres OPTIONS (dbname "
            "'d'); CREATE FOREIGN TABLE o (auction bigint) SERVER w OPTIONS "
            "(table 'o'); CREATE MATERIALIZED VIEW x AS SELECT * FROM o;",
        "2:183 0A000 reading from postgres table \"o\" is not supported\n");
    expect_messages(
        BID "CREATE FOREIGN TABLE y (a int) SERVER k OPTIONS (topic 'y', "
            "format 'json', idle_timeout '1 minute');",
        "2:76 42P16 option \"idle_timeout\" needs a column with a watermark\n");
}
