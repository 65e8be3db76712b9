/* Options: types of values, what is missing, unknown or comes later. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

static const cu_sql_var no_vars[1];

Test(options, secrets_come_from_files_and_the_environment)
{
    static const file files[] = {{"p/secret", "s3cret\n"}};
    expect_with(
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka; "
        "CREATE USER MAPPING FOR CURRENT_USER SERVER k OPTIONS (username "
        "'app', password_file 'secret'); "
        "CREATE SERVER h FOREIGN DATA WRAPPER http OPTIONS (url 'https://x/', "
        "\"header.Accept\" 'text/plain'); "
        "CREATE USER MAPPING FOR PUBLIC SERVER h OPTIONS (username 'me', "
        "password_file 'secret'); "
        "CREATE FOREIGN TABLE t (body jsonb) SERVER h OPTIONS (path '/');",
        no_vars, 0, files, 1,
        "server k kafka sasl.username=app sasl.password=s3cret\n"
        "server h http\n"
        "table t on h append json topic bronze.t\n"
        "  body jsonb at $\n"
        "  http https://x/ rate 1 header Accept=text/plain header "
        "Authorization=Basic bWU6czNjcmV0\n");
    expect_with("CREATE SERVER h FOREIGN DATA WRAPPER http OPTIONS (url "
                "'https://x'); CREATE USER MAPPING FOR PUBLIC SERVER h "
                "OPTIONS (token_file 'secret'); "
                "CREATE FOREIGN TABLE t (body jsonb) SERVER h OPTIONS (path "
                "'/');",
                no_vars, 0, files, 1,
                "server h http\n"
                "table t on h append json topic bronze.t\n"
                "  body jsonb at $\n"
                "  http https://x/ rate 1 header Authorization=Bearer "
                "s3cret\n");
}

Test(options, an_avro_schema_is_read_from_a_file)
{
    static const file files[] = {
        {"p/a.avsc", "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{"
                     "\"name\":\"a\",\"type\":\"int\"}]}\n"}};
    expect_with("CREATE SERVER k FOREIGN DATA WRAPPER kafka; "
                "CREATE FOREIGN TABLE t (a int) SERVER k OPTIONS (topic 't', "
                "format 'avro', schema_file 'a.avsc');",
                no_vars, 0, files, 1,
                "server k kafka\n"
                "table t on k append avro topic t avro "
                "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{"
                "\"name\":\"a\",\"type\":\"int\"}]}\n"
                "  a integer\n");
    expect_with("CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
                "CREATE FOREIGN TABLE t (a int, b text) SERVER k OPTIONS "
                "(topic 't',\nformat 'avro', schema_file 'a.avsc');",
                no_vars, 0, files, 1,
                "x.sql:2:22: error: table \"t\": column \"b\": the Avro "
                "schema has no field b [42P16]\n"
                "    CREATE FOREIGN TABLE t (a int, b text) SERVER k OPTIONS "
                "(topic 't',\n"
                "                         ^\n");
}

Test(options, variables_from_outside_win_over_set)
{
    static const cu_sql_var vars[] = {{"url", "http://given"}, {"n", "7"}};
    expect_with("\\set url http://default\n\\set path /x\n"
                "CREATE SERVER h FOREIGN DATA WRAPPER http OPTIONS (url "
                ":'url', retries :'n'); "
                "CREATE FOREIGN TABLE t (body jsonb) SERVER h OPTIONS (path "
                ":'path');",
                vars, 2, NULL, 0,
                "server h http\n"
                "table t on h append json topic bronze.t\n"
                "  body jsonb at $\n"
                "  http http://given/x rate 1 retries 7\n");
}

Test(options, values_of_every_type_are_read)
{
    expect("CREATE SERVER h FOREIGN DATA WRAPPER http OPTIONS (url "
           "'https://x///', user_agent 'a (b@c)', rate_limit '180/min', "
           "concurrency '2', retries '0', timeout '500ms', backoff '2 s', "
           "backoff_max '00:10:00', allow_private 'yes', \"header.X-Key\" "
           "'v');\n"
           "CREATE FOREIGN TABLE a (body jsonb) SERVER h OPTIONS (path '/', "
           "every '1 day', max_body '2 MB', retention '1 week', partitions "
           "'4', start 'earliest');\n"
           "CREATE SERVER i FOREIGN DATA WRAPPER http OPTIONS (url "
           "'http://x', rate_limit '0.5 / s', allow_private 'off');\n"
           "CREATE FOREIGN TABLE b (body jsonb) SERVER i OPTIONS (path '/', "
           "max_body '100');",
           "server h http\n"
           "server i http\n"
           "table a on h append json topic bronze.a partitions 4 retention "
           "604800000\n"
           "  body jsonb at $\n"
           "  http https://x/ agent a (b@c) rate 3 concurrency 2 retries 0 "
           "timeout 500 private 1 every 86400000 max 2097152 header X-Key=v\n"
           "table b on i append json topic bronze.b\n"
           "  body jsonb at $\n"
           "  http http://x/ rate 0.5 max 100\n");
}

Test(options, bad_values_say_what_is_expected)
{
    expect("CREATE SERVER h FOREIGN DATA WRAPPER http OPTIONS (url 'x', "
           "rate_limit '1', concurrency '0', retries '1.5', timeout 'soon', "
           "backoff '1 month', allow_private 'maybe', user_agent '');\n"
           "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
           "CREATE FOREIGN TABLE t (a int OPTIONS (key 'x', encoding "
           "'epoch')) SERVER k OPTIONS (topic 'a b', format 'jsn', partitions "
           "'0', start 'yesterday', key '\"a', delimiter ';;');",
           "x.sql:1:56: error: invalid value for option \"url\": \"x\" "
           "[22023]\n"
           "    CREATE SERVER h FOREIGN DATA WRAPPER http OPTIONS (url 'x', "
           "rate_limit '1', concurrency '0', retries '1.5', timeout 'soo…\n"
           "                                                           ^\n"
           "hint: Expected an address such as 'https://openlibrary.org', "
           "without path parameters.\n"
           "x.sql:1:72: error: invalid value for option \"rate_limit\": \"1\" "
           "[22023]\n"
           "    …ER h FOREIGN DATA WRAPPER http OPTIONS (url 'x', "
           "rate_limit '1', concurrency '0', retries '1.5', timeout 'soon', "
           "backoff…\n"
           "                                                                 "
           "^\n"
           "hint: Expected a rate, for example '180/min'.\n"
           "x.sql:1:89: error: invalid value for option \"concurrency\": "
           "\"0\" [22023]\n"
           "    … WRAPPER http OPTIONS (url 'x', rate_limit '1', "
           "concurrency '0', retries '1.5', timeout 'soon', backoff '1 "
           "month', allow…\n"
           "                                                                 "
           "^\n"
           "hint: Expected a number from 1 to 64.\n"
           "x.sql:1:102: error: invalid value for option \"retries\": \"1.5\" "
           "[22023]\n"
           "    … OPTIONS (url 'x', rate_limit '1', concurrency '0', "
           "retries '1.5', timeout 'soon', backoff '1 month', allow_private "
           "'may…\n"
           "                                                                 "
           "^\n"
           "hint: Expected a whole number, for example '5'.\n"
           "x.sql:1:117: error: invalid value for option \"timeout\": "
           "\"soon\" [22023]\n"
           "    …x', rate_limit '1', concurrency '0', retries '1.5', "
           "timeout 'soon', backoff '1 month', allow_private 'maybe', "
           "user_agent…\n"
           "                                                                 "
           "^\n"
           "hint: Expected a time span without months, for example '30 "
           "seconds'.\n"
           "x.sql:1:133: error: invalid value for option \"backoff\": \"1 "
           "month\" [22023]\n"
           "    …1', concurrency '0', retries '1.5', timeout 'soon', "
           "backoff '1 month', allow_private 'maybe', user_agent '');\n"
           "                                                                 "
           "^\n"
           "hint: Expected a time span without months, for example '1 "
           "second'.\n"
           "x.sql:1:158: error: invalid value for option \"allow_private\": "
           "\"maybe\" [22023]\n"
           "    …ies '1.5', timeout 'soon', backoff '1 month', "
           "allow_private 'maybe', user_agent '');\n"
           "                                                                 "
           "^\n"
           "hint: Expected true or false, for example 'true'.\n"
           "x.sql:1:178: error: invalid value for option \"user_agent\": \"\" "
           "[22023]\n"
           "    …soon', backoff '1 month', allow_private 'maybe', "
           "user_agent '');\n"
           "                                                                 "
           "^\n"
           "hint: Expected a text that is not empty, for example 'app "
           "(you@example.org)'.\n"
           "x.sql:3:44: error: invalid value for option \"key\": \"x\" "
           "[22023]\n"
           "    CREATE FOREIGN TABLE t (a int OPTIONS (key 'x', encoding "
           "'epoch')) SERVER k OPTIONS (topic 'a b', format 'jsn', "
           "partitio…\n"
           "                                               ^\n"
           "hint: Expected true or false, for example 'true'.\n"
           "x.sql:3:58: error: invalid value for option \"encoding\": "
           "\"epoch\" [22023]\n"
           "    CREATE FOREIGN TABLE t (a int OPTIONS (key 'x', encoding "
           "'epoch')) SERVER k OPTIONS (topic 'a b', format 'jsn', "
           "partitio…\n"
           "                                                             ^\n"
           "hint: Expected one of: text | epoch_seconds | epoch_millis | "
           "epoch_micros | base64 | hex.\n"
           "x.sql:3:92: error: invalid value for option \"topic\": \"a b\" "
           "[22023]\n"
           "    …PTIONS (key 'x', encoding 'epoch')) SERVER k OPTIONS "
           "(topic 'a b', format 'jsn', partitions '0', start 'yesterday', "
           "key …\n"
           "                                                                 "
           "^\n"
           "hint: Expected a topic name of at most 249 letters, digits, "
           "\".\", \"_\" and \"-\", for example 'bids'.\n"
           "x.sql:3:106: error: invalid value for option \"format\": \"jsn\" "
           "[22023]\n"
           "    …', encoding 'epoch')) SERVER k OPTIONS (topic 'a b', "
           "format 'jsn', partitions '0', start 'yesterday', key '\"a', "
           "delimite…\n"
           "                                                                 "
           "^\n"
           "hint: Expected one of: json | csv | text | bytes | avro | "
           "debezium-json.\n"
           "x.sql:3:124: error: invalid value for option \"partitions\": "
           "\"0\" [22023]\n"
           "    …')) SERVER k OPTIONS (topic 'a b', format 'jsn', "
           "partitions '0', start 'yesterday', key '\"a', delimiter ';;');\n"
           "                                                                 "
           "^\n"
           "hint: Expected a number from 1 to 10000.\n"
           "x.sql:3:135: error: invalid value for option \"start\": "
           "\"yesterday\" [22023]\n"
           "    …k OPTIONS (topic 'a b', format 'jsn', partitions '0', "
           "start 'yesterday', key '\"a', delimiter ';;');\n"
           "                                                                 "
           "^\n"
           "hint: Expected 'earliest', 'latest', or a time such as "
           "'2024-01-01 00:00+00'.\n"
           "x.sql:3:152: error: invalid value for option \"key\": \"\"a\" "
           "[22023]\n"
           "    …'a b', format 'jsn', partitions '0', start 'yesterday', "
           "key '\"a', delimiter ';;');\n"
           "                                                                 "
           "^\n"
           "hint: Expected column names separated by commas, for example 'a, "
           "b'.\n"
           "x.sql:3:168: error: invalid value for option \"delimiter\": "
           "\";;\" [22023]\n"
           "    …sn', partitions '0', start 'yesterday', key '\"a', "
           "delimiter ';;');\n"
           "                                                                 "
           "^\n"
           "hint: Expected one character, for example ';'.\n");
}

Test(options, missing_options_are_named)
{
    expect("CREATE SERVER f FOREIGN DATA WRAPPER files;\n"
           "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
           "CREATE FOREIGN TABLE t (a int) SERVER k;",
           "x.sql:1:15: error: option \"path\" of a files server is missing "
           "[HV00J]\n"
           "    CREATE SERVER f FOREIGN DATA WRAPPER files;\n"
           "                  ^\n"
           "hint: Add: path 'data'\n"
           "x.sql:3:22: error: option \"format\" of a kafka table is missing "
           "[HV00J]\n"
           "    CREATE FOREIGN TABLE t (a int) SERVER k;\n"
           "                         ^\n"
           "hint: Add: format 'json'\n"
           "x.sql:3:22: error: option \"topic\" of a kafka table is missing "
           "[HV00J]\n"
           "    CREATE FOREIGN TABLE t (a int) SERVER k;\n"
           "                         ^\n"
           "hint: Add: topic 'bids'\n");
}

Test(options, unknown_options_name_the_nearest)
{
    expect(
        "CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path 'data', "
        "pth 'x', something_else 'y');\n"
        "CREATE FOREIGN TABLE t (a int OPTIONS (metdata 'x')) SERVER f "
        "OPTIONS (glbo '*', format 'json', topic 't', topic 'u', params "
        "'x');\n"
        "CREATE MATERIALIZED VIEW v WITH (primarykey = 'a') AS SELECT 1 AS "
        "a;\n"
        "COPY (SELECT 1) TO 'x' WITH (FORMAT csv, headr);",
        "x.sql:1:66: error: unknown option \"pth\" of a files server "
        "[HV00D]\n"
        "    CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path "
        "'data', pth 'x', something_else 'y');\n"
        "                                                                     "
        "^\n"
        "hint: Perhaps you meant \"path\".\n"
        "x.sql:1:75: error: unknown option \"something_else\" of a files "
        "server [HV00D]\n"
        "    CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path "
        "'data', pth 'x', something_else 'y');\n"
        "                                                                      "
        "        "
        "^\n"
        "hint: Known options: path.\n"
        "x.sql:2:22: error: option \"glob\" of a files table is missing "
        "[HV00J]\n"
        "    CREATE FOREIGN TABLE t (a int OPTIONS (metdata 'x')) SERVER f "
        "OPTIONS (glbo '*', format 'json', topic 't', topic 'u', pa…\n"
        "                         ^\n"
        "hint: Add: glob 'events/*.csv'\n"
        "x.sql:2:40: error: unknown option \"metdata\" of a column "
        "[HV00D]\n"
        "    CREATE FOREIGN TABLE t (a int OPTIONS (metdata 'x')) SERVER f "
        "OPTIONS (glbo '*', format 'json', topic 't', topic 'u', pa…\n"
        "                                           ^\n"
        "hint: Perhaps you meant \"metadata\".\n"
        "x.sql:2:72: error: unknown option \"glbo\" of a files table "
        "[HV00D]\n"
        "    …IGN TABLE t (a int OPTIONS (metdata 'x')) SERVER f OPTIONS "
        "(glbo '*', format 'json', topic 't', topic 'u', params 'x');\n"
        "                                                                 "
        "^\n"
        "hint: Perhaps you meant \"glob\".\n"
        "x.sql:2:108: error: option \"topic\" provided more than once "
        "[42710]\n"
        "    …'x')) SERVER f OPTIONS (glbo '*', format 'json', topic "
        "'t', topic 'u', params 'x');\n"
        "                                                                 "
        "^\n"
        "x.sql:2:119: error: unknown option \"params\" of a files table "
        "[HV00D]\n"
        "    …R f OPTIONS (glbo '*', format 'json', topic 't', topic "
        "'u', params 'x');\n"
        "                                                                 "
        "^\n"
        "x.sql:3:34: error: unknown option \"primarykey\" of a "
        "materialized view [HV00D]\n"
        "    CREATE MATERIALIZED VIEW v WITH (primarykey = 'a') AS SELECT "
        "1 AS a;\n"
        "                                     ^\n"
        "hint: Perhaps you meant \"primary_key\".\n"
        "x.sql:4:42: error: unknown option \"headr\" of COPY [HV00D]\n"
        "    COPY (SELECT 1) TO 'x' WITH (FORMAT csv, headr);\n"
        "                                             ^\n"
        "hint: Perhaps you meant \"header\".\n");
}

Test(options, what_comes_later_is_refused_by_name)
{
    expect_messages(
        SERVERS
        "\n"
        "CREATE FOREIGN TABLE a (a int) SERVER k OPTIONS (topic 'a', "
        "format 'json', registry 'r', replication '3', partitioner "
        "'murmur2');\n"
        "CREATE FOREIGN TABLE b (a int) SERVER f OPTIONS (glob 'a', format "
        "'json', snapshot_at 'x', mode 'snapshot', allow_empty 'true');\n"
        "CREATE MATERIALIZED VIEW v WITH (emit_interval = '1 s', late = "
        "'x', registry = 'r') AS SELECT 1 AS a;\n"
        "CREATE FOREIGN TABLE c (a int) SERVER k OPTIONS (topic 'a', "
        "format 'json', key_format 'avro', envelope 'avro');",
        "2:76 0A000 option \"registry\" is not supported yet\n"
        "2:90 0A000 option \"replication\" is not supported yet\n"
        "2:107 0A000 option \"partitioner\" is not supported yet\n"
        "3:87 22023 invalid value for option \"snapshot_at\": \"x\"\n"
        "4:69 0A000 option \"registry\" is not supported yet\n"
        "5:87 0A000 key_format 'avro' of a kafka table is not supported\n");
}

Test(options, secrets_that_are_missing_are_named)
{
    expect_messages(
        SERVERS
        "\n"
        "CREATE USER MAPPING FOR CURRENT_USER SERVER k OPTIONS (username "
        "'app');\n"
        "CREATE USER MAPPING FOR CURRENT_USER SERVER k OPTIONS (username "
        "'app', password 'x');\n"
        "CREATE USER MAPPING FOR CURRENT_USER SERVER k OPTIONS (username "
        "'app', password_file 'nosuch');\n"
        "CREATE USER MAPPING FOR CURRENT_USER SERVER k OPTIONS (username "
        "'app', password_env 'NOSUCH_VARIABLE_HERE');\n"
        "CREATE USER MAPPING FOR bob SERVER k OPTIONS (username 'app', "
        "password_env 'NOSUCH_VARIABLE_HERE');\n"
        "CREATE USER MAPPING FOR PUBLIC SERVER f OPTIONS (username "
        "'app');\n"
        "CREATE USER MAPPING FOR PUBLIC SERVER nosuch OPTIONS (username "
        "'app');\n"
        "CREATE SERVER hh FOREIGN DATA WRAPPER http OPTIONS (url "
        "'http://x', \"header.K\" '${NOSUCH_VARIABLE_HERE}');",
        "2:1 HV00J the user mapping names no secret\n"
        "3:72 HV00D unknown option \"password\" of a user mapping\n"
        "4:86 58030 cannot open p/nosuch: No such file or directory; check "
        "the path\n"
        "5:85 22023 environment variable \"NOSUCH_VARIABLE_HERE\" is not "
        "set\n"
        "6:25 0A000 a user mapping for one role (write CURRENT_USER) is "
        "not supported\n"
        "7:39 42710 server \"f\" needs no user mapping\n"
        "8:39 42704 server \"nosuch\" does not exist\n"
        "9:80 22023 environment variable \"NOSUCH_VARIABLE_HERE\" is not "
        "set\n");
}

Test(options, with_values_may_be_words_numbers_or_strings)
{
    expect("CREATE MATERIALIZED VIEW v WITH (partitions = 3, emit = changes, "
           "on_error = fail) AS SELECT 1 AS a;\n"
           "CREATE MATERIALIZED VIEW w WITH (partitions = 1.5, emit = "
           "on_window_close, topic = make_interval(1)) AS SELECT 1 AS a;\n"
           "CREATE MATERIALIZED VIEW x WITH (topic) AS SELECT 1 AS a;",
           "x.sql:2:84: error: an option value that is no string or number is "
           "not supported [0A000]\n"
           "    CREATE MATERIALIZED VIEW w WITH (partitions = 1.5, emit = "
           "on_window_close, topic = make_interval(1)) AS SELECT 1 AS a;\n"
           "                                                                   "
           "                    "
           "^\n"
           "x.sql:3:34: error: invalid value for option \"topic\": \"\" "
           "[22023]\n"
           "    CREATE MATERIALIZED VIEW x WITH (topic) AS SELECT 1 AS a;\n"
           "                                     ^\n"
           "hint: Expected a topic name of at most 249 letters, digits, "
           "\".\", \"_\" and \"-\", for example 'silver.works'.\n");
}

Test(options, a_snapshot_is_dated_by_a_column_or_a_name)
{
    expect_messages(
        SERVERS
        "\n"
        "CREATE FOREIGN TABLE b (a int, d date) SERVER f OPTIONS (glob 'a', "
        "format 'json', snapshot_at 'd', mode 'snapshot');\n"
        "CREATE FOREIGN TABLE c (a int) SERVER f OPTIONS (glob 'a', format "
        "'json', mode 'snapshot', snapshot_at 'x_([0-9]+).csv');\n"
        "CREATE FOREIGN TABLE e (a int) SERVER f OPTIONS (glob 'a', format "
        "'json', mode 'snapshot', snapshot_at 'a');\n"
        "CREATE FOREIGN TABLE g (a int) SERVER f OPTIONS (glob 'a', format "
        "'json', mode 'snapshot', snapshot_at '(a)(b)');\n"
        "CREATE FOREIGN TABLE h (a int) SERVER f OPTIONS (glob 'a', format "
        "'json', mode 'snapshot', snapshot_at '(a');\n"
        "CREATE FOREIGN TABLE i (a int) SERVER f OPTIONS (glob 'a', format "
        "'json', snapshot_at '(a)');",
        "4:104 22023 invalid value for option \"snapshot_at\": \"a\"\n"
        "5:104 22023 invalid value for option \"snapshot_at\": \"(a)(b)\"\n"
        "6:104 2201B invalid regular expression: parentheses () not "
        "balanced\n"
        "7:75 22023 option \"snapshot_at\" needs mode 'snapshot'\n");
}
