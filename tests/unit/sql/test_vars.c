/* psql's variables: where they are filled, where not, and what positions
 * errors have afterwards. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

Test(vars, values_are_joined_as_psql_joins_them)
{
    expect("\\set subjects 'love, fantasy'\n"
           "\\set path '/s/{x}' .json\n"
           "CREATE SERVER h FOREIGN DATA WRAPPER http OPTIONS (url "
           "'http://x');\n"
           "\\set each 'x: ' :subjects\n"
           "CREATE FOREIGN TABLE t (x text, body jsonb) SERVER h OPTIONS "
           "(path :'path', for_each :'each');",
           "server h http\n"
           "table t on h append json topic bronze.t\n"
           "  x text from header at cupel.param.x\n"
           "  body jsonb at $\n"
           "  http http://x/s/{x}.json rate 1 each x: <love> <fantasy>\n");
}

Test(vars, a_name_is_filled_as_it_is_quoted_or_as_an_identifier)
{
    expect("\\set name my_server\n"
           "\\set \"odd\" x\n"
           "\\set word 'it''s \\\\ a \\x41'\n"
           "CREATE SERVER :name FOREIGN DATA WRAPPER kafka OPTIONS (client.id "
           ":'word', \"a.b\" :'name');",
           "x.sql:2:5: error: invalid variable name: \"\"odd\"\" [42602]\n"
           "    \\set \"odd\" x\n"
           "        ^\n"
           "hint: Write: \\set name value\n"
           "x.sql:4:63: error: syntax error at or near \".\" [42601]\n"
           "    CREATE SERVER :name FOREIGN DATA WRAPPER kafka OPTIONS "
           "(client.id :'word', \"a.b\" :'name');\n"
           "                                                                  "
           "^\n"
           "hint: Write OPTIONS (name 'value', …): strings without \"=\".\n");
    expect("\\set name 'My Server'\n"
           "CREATE SERVER :\"name\" FOREIGN DATA WRAPPER kafka OPTIONS "
           "(\"client.id\" :'name');",
           "server My Server kafka client.id=My Server\n");
    expect("\\set name 'My Server'\n"
           "\\set word 'it''s \\\\ a \\x41'\n"
           "CREATE SERVER :\"name\" FOREIGN DATA WRAPPER kafka OPTIONS "
           "(\"client.id\" :'word');",
           "server My Server kafka client.id=it's \\ a A\n");
}

Test(vars, strings_comments_casts_and_dollar_quotes_are_left_alone)
{
    expect("\\set x WRONG\n"
           "CREATE SERVER k FOREIGN DATA WRAPPER kafka OPTIONS (\"a.b\" ':x', "
           "\"c.:x\" $$:x$$, \"d.e\" $t$ :'x' $$ $t$, \"f.g\" E'\\':x');\n"
           "-- :x :'x'\n"
           "/* :nosuch /* :nosuch */ :nosuch */\n"
           "CREATE FOREIGN TABLE t (a int, CHECK (a::text <> 'q'::text)) "
           "SERVER k OPTIONS (topic 't', format 'json');",
           "server k kafka a.b=:x c.:x=:x d.e= :'x' $$  f.g=':x\n"
           "table t on k append json topic t\n"
           "  a integer\n"
           "  check t_a_check: a::text <> 'q'::text\n");
}

Test(vars, a_value_may_name_other_variables)
{
    expect_messages("\\set a 'x :b'\n"
                    "\\set b 'FORM y'\n"
                    "SELECT 1 :a;",
                    "3:10 42601 syntax error at or near \"FORM\"\n");
    expect_messages("\\set a :b\n"
                    "\\set b 1\n"
                    "SELECT 1;",
                    "1:8 42704 variable \"b\" is not set\n"
                    "3:1 0A000 a bare SELECT in a pipeline is not supported\n");
    expect_messages("\\set a ':b'\n"
                    "\\set b ':a'\n"
                    "SELECT :a;",
                    "3:1 0A000 a bare SELECT in a pipeline is not supported\n"
                    "3:8 54001 variable \"a\" names itself\n");
}

Test(vars, a_test_says_whether_a_name_is_set)
{
    expect_messages("\\set a 1\n"
                    "CREATE VIEW v AS SELECT :{?a}, :{?b};\n"
                    "COPY (SELECT :{?a} + 1 FROM v) TO 'x.csv' CSV;",
                    "3:20 42883 operator does not exist: boolean + integer\n");
}

Test(vars, a_name_that_is_not_set_is_an_error_once)
{
    expect_messages(
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka OPTIONS (brokers "
        ":'where');\n"
        "CREATE FOREIGN TABLE t (a int) SERVER k OPTIONS (topic :'topic', "
        "format 'json', foo :x);\n"
        "CREATE VIEW v AS SELECT a[1:2] FROM t WHERE b = :b;",
        "1:61 42704 variable \"where\" is not set\n"
        "2:56 42704 variable \"topic\" is not set\n"
        "2:85 42704 variable \"x\" is not set\n"
        "3:49 42704 variable \"b\" is not set\n");
}

Test(vars, other_backslash_commands_are_refused)
{
    expect_messages("\\echo hello\n"
                    "\\set a `date`\n"
                    "\\set 'b c' 1\n"
                    "\\set\n"
                    "\\set a 'open\n"
                    "\\i other.sql\n"
                    "SELECT 1 FORM x;",
                    "1:1 0A000 \\echo is not supported\n"
                    "2:8 0A000 a command in backquotes is not supported\n"
                    "3:5 42602 invalid variable name: \"b c\"\n"
                    "4:5 42602 invalid variable name: \"\"\n"
                    "5:8 42601 unterminated quoted string in \\set\n"
                    "6:1 0A000 \\i is not supported\n"
                    "7:15 42601 syntax error at or near \"x\"\n");
}

Test(vars, errors_point_into_the_file_as_it_was_written)
{
    expect("\\set long 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'\n"
           "CREATE VIEW v AS SELECT :'long' AS a, nosuch, :'long';",
           "x.sql:2:39: error: column \"nosuch\" does not exist [42703]\n"
           "    CREATE VIEW v AS SELECT :'long' AS a, nosuch, :'long';\n"
           "                                          ^\n");
    expect("\\set cols 'a, nosuch'\n"
           "CREATE VIEW v AS SELECT :cols FROM (VALUES (1)) AS t (a);",
           "x.sql:2:25: error: column \"nosuch\" does not exist [42703]\n"
           "    CREATE VIEW v AS SELECT :cols FROM (VALUES (1)) AS t (a);\n"
           "                            ^\n");
}

Test(vars, a_byte_order_mark_and_carriage_returns_are_fine)
{
    expect_messages("﻿\\set a 1\n"
                    "SELECT 1 FORM x;",
                    "2:15 42601 syntax error at or near \"x\"\n");
}

Test(vars, windows_line_ends_are_fine)
{
    expect_messages("\\set a 7\n"
                    "SELECT 1 FORM :a;",
                    "2:15 42601 syntax error at or near \"7\"\n");
}
