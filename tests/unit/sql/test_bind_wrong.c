/* Wrong uses of cupel's own table functions and of functions that SQL made. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

#define BID                                                                   \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka; CREATE FOREIGN TABLE bid "   \
    "(auction bigint NOT NULL, price bigint, ts timestamptz OPTIONS "         \
    "(watermark '5 seconds') NOT NULL, d date) SERVER k OPTIONS (topic 'b', " \
    "format 'json'); CREATE FOREIGN TABLE product (id bigint OPTIONS (key "   \
    "'true') NOT NULL, name text, since timestamptz OPTIONS (watermark "      \
    "'1 minute') NOT NULL, PRIMARY KEY (id)) SERVER k OPTIONS (topic 'p', "   \
    "format 'json', mode 'upsert');\n"
#define FROM(relation) "CREATE MATERIALIZED VIEW x AS SELECT * FROM " relation

static void refuse(const char *relation, const char *want)
{
    cu_buf sql = {0};
    cu_buf_printf(&sql, BID FROM("%s;"), relation);
    cu_buf_put_u8(&sql, 0);
    expect_messages(sql.data, want);
    cu_buf_free(&sql);
}

Test(wrong, arguments_of_history)
{
    refuse("history(product, valid_at => name)",
           "2:74 42804 valid_at of history() must be a date or timestamp, not "
           "type text\n");
    refuse("history(product, valid_at => nope)",
           "2:74 42703 column \"nope\" does not exist\n");
    refuse("history(product, since => since)",
           "2:62 42883 history() has no parameter \"since\"\n");
    refuse("history(product, deletes => 'maybe')",
           "2:73 22P02 invalid input syntax for type boolean: \"maybe\"\n");
    refuse("history()", "2:45 42883 history() needs the argument "
                        "\"relation\"\n");
    refuse("history(nope)", "2:53 42P01 relation \"nope\" does not exist\n");
    refuse("history('product')", "2:53 42809 this is no relation\n");
    refuse(
        "history(bid)",
        "2:45 42P16 history() needs a key: none is known of this relation\n");
    refuse("history(product, key => ARRAY[name])",
           "2:69 42P16 the key of history() must hold the key by which rows "
           "are replaced (id)\n");
    refuse("history((SELECT name FROM product), key => ARRAY[name])",
           "2:88 42P16 the key of history() must hold the key by which rows "
           "are replaced\n");
    refuse("history((SELECT DISTINCT auction FROM bid))",
           "2:83 0A000 history() over aggregate is not supported\n");
}

Test(wrong, arguments_of_the_others)
{
    refuse("histry(product)", "2:45 42883 function histry() does not exist\n");
    refuse("surrogate(bid)", "2:45 42P16 surrogate() needs a key: none is "
                             "known of this relation\n");
    refuse("surrogate(product, key => ARRAY[nope])",
           "2:77 42703 column \"nope\" does not exist\n");
    refuse("changelog(product, 1)",
           "2:64 42883 changelog() takes at most 1 argument\n");
    refuse("asof(product, now())",
           "2:45 0A000 asof() without a join is not supported\n");
    refuse("bid JOIN asof(product) AS p ON p.id = bid.auction",
           "2:54 42883 asof() needs the argument \"ts\"\n");
    refuse("bid JOIN asof(product, price) AS p ON p.id = bid.auction",
           "2:68 42846 cannot cast type bigint to timestamp with time zone\n");
    refuse("bid JOIN lookup(product, ts) AS p ON p.id = bid.auction",
           "2:70 42883 lookup() takes at most 1 argument\n");
    refuse("bid JOIN asof((SELECT id FROM product), ts) AS p ON p.id = "
           "bid.auction",
           "2:54 42P16 asof() needs a relation with a watermark\n");
    refuse("bid JOIN asof((SELECT name, since FROM product), ts) AS p ON "
           "p.name = bid.auction::text",
           "2:54 42P16 asof() needs the key of rows that are replaced\n");
    refuse("dead_letters(nope)",
           "2:58 42P01 relation \"nope\" does not exist\n");
    refuse("late_rows(bid)", "2:55 42P01 \"bid\" is no materialized view\n");
    refuse("watermark(bid, ts, interval '-1 s')",
           "2:73 22008 watermark() wants an interval of days or less, not "
           "negative\n");
    expect_messages(
        BID "CREATE MATERIALIZED VIEW x AS SELECT history(product) FROM bid;",
        "2:38 0A000 history() outside FROM is not supported\n");
}

#define F(a)    "CREATE FUNCTION f(" a ") RETURNS int LANGUAGE sql RETURN 1;"
#define V(call) "CREATE MATERIALIZED VIEW x AS SELECT " call " AS y;"

Test(wrong, parameters_of_functions)
{
    expect_messages(F("a int, b int DEFAULT 'x'"),
                    "1:40 22P02 invalid input syntax for type integer: "
                    "\"x\"\n");
    expect_messages(F("a int DEFAULT 1, b int"),
                    "1:38 42P13 input parameters after one with a default "
                    "value must also have defaults\n");
    expect_messages(F("a int, b int DEFAULT a"),
                    "1:40 42703 column \"a\" does not exist\n");
    expect_messages(F("OUT a int"),
                    "1:17 0A000 a parameter that is not IN is not supported\n");
    expect_messages(F("a int") F("a int"),
                    "1:76 42723 function \"f\" already exists with same "
                    "argument types\n");
    expect_messages(F("a int") "CREATE OR REPLACE FUNCTION f(a int) RETURNS "
                               "text LANGUAGE sql RETURN 'x';",
                    "1:87 42P13 cannot change return type of existing "
                    "function\n");
}

Test(wrong, calls_of_functions)
{
    expect_messages(F("a int, b int") V("f(1)"),
                    "1:104 42883 function f(integer) does not exist\n");
    expect_messages(F("a int, b int") V("f(a => 1, c => 2)"),
                    "1:104 42883 function f(a => integer, c => integer) does "
                    "not exist\n");
    expect_messages(F("a int, b int") V("f(a => 1, a => 2)"),
                    "1:114 42601 argument name \"a\" used more than once\n");
    expect_messages(F("a int, b int") V("f(a => 1, 2)"),
                    "1:114 42601 positional argument cannot follow named "
                    "argument\n");
    expect_messages(F("a int") V("f(DISTINCT 1)"),
                    "1:97 42809 f is not an aggregate function\n");
}
