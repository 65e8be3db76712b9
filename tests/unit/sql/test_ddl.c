/* Statements -> program: what each part of a definition becomes, and what
 * is refused. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

Test(ddl, kafka_servers_keep_their_properties)
{
    expect("CREATE SERVER k FOREIGN DATA WRAPPER kafka OPTIONS (brokers "
           "'a:9092,b:9092', \"security.protocol\" 'SASL_SSL', \"client.id\" "
           "'x');\n"
           "CREATE SERVER k2 FOREIGN DATA WRAPPER kafka OPTIONS "
           "(\"bootstrap.servers\" 'a:9092,b:9092');\n"
           "CREATE SERVER IF NOT EXISTS k FOREIGN DATA WRAPPER blackhole;\n"
           "CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path "
           "'/var/data');",
           "server k kafka brokers a:9092,b:9092 security.protocol=SASL_SSL "
           "client.id=x\n"
           "server k2 kafka brokers a:9092,b:9092\n"
           "server f files\n");
}

Test(ddl, servers_that_are_refused)
{
    expect_messages(
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka OPTIONS (brokers "
        "'a:1', \"group.id\" 'x', \"sasl.password\" 'x');\n"
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka OPTIONS (brokers "
        "'a:1');\n"
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka OPTIONS (brokers "
        "'a:1');\n"
        "CREATE SERVER l FOREIGN DATA WRAPPER kafka OPTIONS (brokers "
        "'b:1');\n"
        "CREATE SERVER p FOREIGN DATA WRAPPER postgres OPTIONS (host "
        "'x');\n"
        "CREATE SERVER r FOREIGN DATA WRAPPER schema_registry OPTIONS (url "
        "'http://x');\n"
        "CREATE SERVER x FOREIGN DATA WRAPPER file;\n"
        "CREATE SERVER y FOREIGN DATA WRAPPER embedded_log;\n"
        "CREATE FOREIGN TABLE t (a int) SERVER kk OPTIONS (topic 't', "
        "format 'json');\n"
        "CREATE FOREIGN TABLE t (a int) SERVER l OPTIONS (topic 't', "
        "format 'json');",
        "1:68 0A000 option \"group.id\", which cupel sets itself, is not "
        "supported\n"
        "1:84 0A000 a password in SQL (write CREATE USER MAPPING … "
        "OPTIONS (username '…', password_file '…')) is not supported\n"
        "2:15 42710 server \"k\" already exists\n"
        "3:15 42710 server \"k\" already exists\n"
        "4:15 0A000 a second kafka server with other brokers is not "
        "supported\n"
        "5:15 HV00J option \"dbname\" of a postgres server is missing\n"
        "6:38 0A000 foreign-data wrapper \"schema_registry\" is not "
        "supported yet\n"
        "7:38 42704 foreign-data wrapper \"file\" does not exist\n"
        "8:38 42704 foreign-data wrapper \"embedded_log\" does not exist\n"
        "9:39 42704 server \"kk\" does not exist\n");
}

Test(ddl, columns_and_their_origins)
{
    expect(SERVERS
           "\n"
           "CREATE FOREIGN TABLE t (\n"
           "  id bigint OPTIONS (key 'true'), name varchar(20), price "
           "numeric(12,2) NOT NULL,\n"
           "  url text OPTIONS (path '$.meta[\"the url\"][0]'), everything "
           "jsonb OPTIONS (path '$'),\n"
           "  at timestamptz OPTIONS (encoding 'epoch_seconds', watermark '0 "
           "seconds'),\n"
           "  local timestamptz OPTIONS (time_zone 'UTC'), picture bytea "
           "OPTIONS (encoding 'base64'),\n"
           "  part int OPTIONS (metadata 'partition'), off bigint OPTIONS "
           "(metadata 'offset'),\n"
           "  tp text OPTIONS (metadata 'topic'), rk bytea OPTIONS (metadata "
           "'key'),\n"
           "  hs jsonb OPTIONS (metadata 'headers'), ts timestamptz OPTIONS "
           "(metadata 'timestamp'),\n"
           "  doubled numeric GENERATED ALWAYS AS (price * 2) STORED, tags "
           "text[],\n"
           "  PRIMARY KEY (id), CONSTRAINT good CHECK (price > 0), CHECK (id "
           "> 0 AND name <> ')'), CHECK (id < 9), CHECK (id < 8)\n"
           ") SERVER k OPTIONS (topic 'products', format 'json', mode "
           "'upsert', key_format 'text', start '2024-01-01 00:00+00',\n"
           "  partitions '3', retention '7 days', "
           "on_error 'fail', dead_letter_topic 't.dlq');",
           "server k kafka\n"
           "server f files\n"
           "server h http\n"
           "server b blackhole\n"
           "table t on k upsert json topic products key (id) key_format 2 "
           "tombstones 1 partitions 3 retention 604800000 start "
           "1704067200000 fail 1 dlq t.dlq\n"
           "  id bigint from key not null key\n"
           "  name character varying(20)\n"
           "  price numeric(12,2) not null\n"
           "  url text at $.meta[\"the url\"][0]\n"
           "  everything jsonb at $\n"
           "  at timestamp with time zone encoding s watermark 0\n"
           "  local timestamp with time zone zone UTC\n"
           "  picture bytea encoding base64\n"
           "  part integer from partition\n"
           "  off bigint from offset\n"
           "  tp text from topic\n"
           "  rk bytea from raw_key\n"
           "  hs jsonb from headers\n"
           "  ts timestamp with time zone from timestamp\n"
           "  doubled numeric from nothing = (price * 2::numeric)\n"
           "  tags text[]\n"
           "  check good: price > 0\n"
           "  check t_check: id > 0 AND name <> ')'\n"
           "  check t_id_check: id < 9\n"
           "  check t_id_check1: id < 8\n");
}

Test(ddl, the_pattern_of_paths_and_the_order_of_files)
{
    expect(SERVERS
           "\n"
           "CREATE FOREIGN TABLE weather (city text, temperature numeric "
           "OPTIONS (path '$[\"weather.currently_temperature\"]'), \"where\" "
           "text OPTIONS (metadata 'file'), n bigint OPTIONS (metadata "
           "'line'))\n"
           "  SERVER f OPTIONS (glob '*.json', format 'json', path "
           "'$[\"weather.{column}\"]', order 'modified', every '5 minutes', "
           "start 'latest');",
           "server k kafka\n"
           "server f files\n"
           "server h http\n"
           "server b blackhole\n"
           "table weather on f append json topic bronze.weather start -1\n"
           "  city text at $[\"weather.city\"]\n"
           "  temperature numeric at $[\"weather.currently_temperature\"]\n"
           "  where text from file\n"
           "  n bigint from line\n"
           "  files p/data *.json json append order 2 every 300000\n");
}

Test(ddl, csv_headers_and_positions)
{
    expect(SERVERS
           "\n"
           "CREATE FOREIGN TABLE a (id bigint NOT NULL OPTIONS (column_name "
           "'PurchaseID')) SERVER f OPTIONS (glob 'x', format 'csv');",
           "x.sql:2:44: error: syntax error at or near \"OPTIONS\" [42601]\n"
           "    CREATE FOREIGN TABLE a (id bigint NOT NULL OPTIONS "
           "(column_name 'PurchaseID')) SERVER f OPTIONS (glob 'x', format "
           "'csv')…\n"
           "                                               ^\n"
           "hint: OPTIONS (…) stands directly behind the type, before NOT "
           "NULL.\n");
    expect(SERVERS
           "\n"
           "CREATE FOREIGN TABLE a (id bigint OPTIONS (column_name "
           "'PurchaseID') NOT NULL, b text OPTIONS (path '$.B b') NOT NULL, c "
           "text OPTIONS (path 'C'), d text NOT NULL)\n"
           "  SERVER f OPTIONS (glob 'x*.csv', format 'csv', mode 'upsert', "
           "key 'id', delimiter ';');\n"
           "CREATE FOREIGN TABLE p (id bigint NOT NULL, b text) SERVER f "
           "OPTIONS (glob 'x', format 'csv', header 'false', mode 'snapshot', "
           "deletes 'ignore', allow_empty 'true');\n"
           "CREATE FOREIGN TABLE q (id bigint) SERVER k OPTIONS (topic 'q', "
           "format 'csv', header 'false');",
           "server k kafka\n"
           "server f files\n"
           "server h http\n"
           "server b blackhole\n"
           "table a on f upsert csv topic bronze.a key (id)\n"
           "  id bigint at PurchaseID not null\n"
           "  b text at B b not null\n"
           "  c text at C\n"
           "  d text not null\n"
           "  files p/data x*.csv csv whole delimiter 59 required PurchaseID "
           "required B b required d\n"
           "table p on f snapshot csv topic bronze.p by_position 1 "
           "ignore_deletes 1 allow_empty 1\n"
           "  id bigint not null\n"
           "  b text\n"
           "  files p/data x csv snapshot headerless 1\n"
           "table q on k append csv topic q by_position 1\n"
           "  id bigint\n");
}

Test(ddl, keys_come_from_marks_options_and_constraints)
{
    expect(SERVERS
           "\n"
           "CREATE FOREIGN TABLE a (id int OPTIONS (key 'true'), id2 int "
           "OPTIONS (key 'true'), v text) SERVER k OPTIONS (topic 'a', format "
           "'json', mode 'upsert');\n"
           "CREATE FOREIGN TABLE b (id int PRIMARY KEY, v text) SERVER k "
           "OPTIONS (topic 'b', format 'json', mode 'upsert');\n"
           "CREATE FOREIGN TABLE c (id int PRIMARY KEY, v text) SERVER f "
           "OPTIONS (glob 'c', format 'json', mode 'upsert', envelope "
           "'key_value');\n"
           "CREATE FOREIGN TABLE d (id int PRIMARY KEY, v text) SERVER k "
           "OPTIONS (topic 'd', format 'debezium-json');\n"
           "CREATE FOREIGN TABLE e (\"Id\" int, id int) SERVER f OPTIONS "
           "(glob 'e', format 'json', mode 'snapshot', key '\"Id\", ID');",
           "x.sql:3:22: notice: table \"b\" cannot read deletes: no column is "
           "marked as the record's key\n"
           "    CREATE FOREIGN TABLE b (id int PRIMARY KEY, v text) SERVER k "
           "OPTIONS (topic 'b', format 'json', mode 'upsert');\n"
           "                         ^\n"
           "hint: Mark the columns of the record's key with OPTIONS (key "
           "'true').\n"
           "server k kafka\n"
           "server f files\n"
           "server h http\n"
           "server b blackhole\n"
           "table a on k upsert json topic a key (id, id2) tombstones 1\n"
           "  id integer from key not null key\n"
           "  id2 integer from key not null key\n"
           "  v text\n"
           "table b on k upsert json topic b key (id)\n"
           "  id integer not null key\n"
           "  v text\n"
           "table c on f upsert json topic bronze.c key (id) envelope 1 "
           "tombstones 1\n"
           "  id integer from key not null key\n"
           "  v text\n"
           "  files p/data c json whole\n"
           "table d on k changelog debezium-json topic d key (id)\n"
           "  id integer not null key\n"
           "  v text\n"
           "table e on f snapshot json topic bronze.e key (Id, id)\n"
           "  Id integer not null key\n"
           "  id integer not null key\n"
           "  files p/data e json snapshot\n");
}

Test(ddl, text_and_bytes_fill_one_column)
{
    expect(SERVERS
           "\n"
           "CREATE FOREIGN TABLE a (line text, n bigint OPTIONS (metadata "
           "'line')) SERVER f OPTIONS (glob 'a', format 'text');\n"
           "CREATE FOREIGN TABLE b (image bytea) SERVER f OPTIONS (glob 'b', "
           "format 'bytes');",
           "server k kafka\n"
           "server f files\n"
           "server h http\n"
           "server b blackhole\n"
           "table a on f append text topic bronze.a\n"
           "  line text\n"
           "  n bigint from line\n"
           "  files p/data a lines append\n"
           "table b on f append bytes topic bronze.b\n"
           "  image bytea\n"
           "  files p/data b whole append\n");
}

Test(ddl, columns_that_are_refused)
{
    expect_messages(
        SERVERS
        "\n"
        "CREATE FOREIGN TABLE t (a int, a text, b nosuch, c money) SERVER "
        "k OPTIONS (topic 't', format 'json');\n"
        "CREATE FOREIGN TABLE u (a int OPTIONS (encoding 'epoch_millis'), "
        "b text OPTIONS (encoding 'hex'), c int OPTIONS (time_zone "
        "'UTC'),\n"
        "  d text OPTIONS (watermark '1 second'), e timestamptz OPTIONS "
        "(time_zone 'Mars/Base'), f timestamptz OPTIONS (watermark '1 s'), "
        "g timestamp OPTIONS (watermark '1 s'),\n"
        "  h text OPTIONS (metadata 'offset'), i text OPTIONS (metadata "
        "'file'), j text OPTIONS (path 'x'), k text OPTIONS (column_name "
        "'x'), l text OPTIONS (path '$.a', metadata 'topic'),\n"
        "  m int OPTIONS (path '$.m') GENERATED ALWAYS AS (1) STORED) "
        "SERVER k OPTIONS (topic 't', format 'json');\n"
        "CREATE FOREIGN TABLE v (a int, b int GENERATED ALWAYS AS (a + 1) "
        "STORED, c int GENERATED ALWAYS AS (b + 1) STORED, d date "
        "GENERATED ALWAYS AS (a) STORED,\n"
        "  e timestamptz GENERATED ALWAYS AS (now()) STORED, CHECK (a), "
        "CHECK (nosuch > 1), CONSTRAINT x CHECK (a > 1), CONSTRAINT x "
        "CHECK (a > 2)) SERVER k OPTIONS (topic 't', format 'json');\n"
        "CREATE FOREIGN TABLE w () SERVER k OPTIONS (topic 't', format "
        "'json');\n"
        "CREATE FOREIGN TABLE x (a int) SERVER f OPTIONS (glob 'x', format "
        "'text');\n"
        "CREATE FOREIGN TABLE y (a int OPTIONS (key 'true'), b int OPTIONS "
        "(key 'true')) SERVER k OPTIONS (topic 't', format 'json', "
        "key_format 'bytes');",
        "2:32 42701 column \"a\" specified more than once\n"
        "2:42 0A000 type \"nosuch\" is not supported\n"
        "2:52 0A000 type \"money\" is not supported; use numeric\n"
        "3:40 42804 option \"encoding\" does not fit column \"a\" of type "
        "integer\n"
        "3:82 42804 option \"encoding\" does not fit column \"b\" of type "
        "text\n"
        "3:114 42804 option \"time_zone\" does not fit column \"c\" of "
        "type integer\n"
        "4:19 42804 option \"watermark\" does not fit column \"d\" of type "
        "text\n"
        "4:75 22023 time zone \"Mars/Base\" not recognized\n"
        "4:151 42P16 table \"u\" has a watermark already: column \"f\"\n"
        "5:19 42804 option \"metadata\" does not fit column \"h\" of type "
        "text\n"
        "5:64 22023 invalid value for option \"metadata\": \"file\"\n"
        "5:94 22023 invalid value for option \"path\": \"x\"\n"
        "5:116 22023 option \"column_name\" needs format 'csv'\n"
        "5:134 42P16 column \"l\" has several origins\n"
        "6:18 42P16 option \"path\" does not go with a generated column\n"
        "7:32 42P17 cannot use generated column \"b\" in column generation "
        "expression\n"
        "7:116 42804 the generation expression must be type date, not type "
        "integer\n"
        "8:3 42P17 generation expression is not immutable\n"
        "8:53 42804 argument of CHECK must be type boolean, not type "
        "integer\n"
        "8:71 42703 column \"nosuch\" does not exist\n"
        "8:112 42710 check constraint \"x\" already exists\n"
        "9:22 54011 a table has 1 to 1600 columns\n"
        "10:22 42P16 format 'text' fills one column of type text\n"
        "11:136 22023 invalid value for option \"key_format\": \"bytes\"\n");
}

Test(ddl, keys_that_are_refused)
{
    expect_messages(
        SERVERS "\n"
                "CREATE FOREIGN TABLE a (a int) SERVER k OPTIONS (topic 't', "
                "format 'json', mode 'upsert');\n"
                "CREATE FOREIGN TABLE b (a int) SERVER k OPTIONS (topic 't', "
                "format 'debezium-json', mode 'changelog');\n"
                "CREATE FOREIGN TABLE c (a int PRIMARY KEY) SERVER k OPTIONS "
                "(topic 't', format 'json', key 'a');\n"
                "CREATE FOREIGN TABLE d (a int) SERVER k OPTIONS (topic 't', "
                "format 'json', key 'a, b');\n"
                "CREATE FOREIGN TABLE e (a int, PRIMARY KEY (a, a)) SERVER k "
                "OPTIONS (topic 't', format 'json');\n"
                "CREATE FOREIGN TABLE f (a int) SERVER k OPTIONS (topic 't', "
                "format 'json', key 'a,');",
        "2:22 42P16 mode 'upsert' needs a key\n"
        "3:22 42P16 mode 'changelog' needs a key\n"
        "4:88 42P16 PRIMARY KEY and the option \"key\" mean the same: "
        "write one\n"
        "5:80 42703 column \"b\" named in key does not exist\n"
        "6:32 42701 column \"a\" appears twice in primary key constraint\n"
        "7:80 22023 invalid value for option \"key\": \"a,\"\n");
}

Test(ddl, modes_and_formats_that_are_refused)
{
    expect_messages(
        SERVERS
        "\n"
        "CREATE FOREIGN TABLE a (a int) SERVER k OPTIONS (topic 't', "
        "format 'json', mode 'snapshot');\n"
        "CREATE FOREIGN TABLE b (a int PRIMARY KEY) SERVER k OPTIONS "
        "(topic 't', format 'json', mode 'changelog');\n"
        "CREATE FOREIGN TABLE c (a int PRIMARY KEY) SERVER k OPTIONS "
        "(topic 't', format 'debezium-json', mode 'upsert');\n"
        "CREATE FOREIGN TABLE d (body jsonb) SERVER h OPTIONS (path '/', "
        "format 'csv');\n"
        "CREATE FOREIGN TABLE e (a int) SERVER f OPTIONS (glob 't', format "
        "'avro');\n"
        "CREATE FOREIGN TABLE f (a int) SERVER k OPTIONS (topic 't', "
        "format 'avro');\n"
        "CREATE FOREIGN TABLE g (a int) SERVER k OPTIONS (topic 't', "
        "format 'avro', schema_file 'nosuch.avsc');\n"
        "CREATE FOREIGN TABLE h (a int) SERVER k OPTIONS (topic 't', "
        "format 'csv');\n"
        "CREATE FOREIGN TABLE i (a int) SERVER f OPTIONS (glob 't', format "
        "'json', header 'true', delimiter ';', deletes 'ignore', "
        "allow_empty 'true', schema_file 'x');\n"
        "CREATE FOREIGN TABLE j (a int) SERVER f OPTIONS (glob 't', format "
        "'csv', envelope 'key_value');\n"
        "CREATE FOREIGN TABLE k (a int) SERVER f OPTIONS (glob '../t', "
        "format 'csv', path 'x');",
        "2:81 0A000 mode 'snapshot' of a kafka table is not supported\n"
        "3:93 0A000 mode 'changelog' without format 'debezium-json' is not "
        "supported\n"
        "4:22 - table \"c\" cannot read deletes: no column is marked as "
        "the record's key\n"
        "4:102 22023 invalid value for option \"mode\": \"upsert\"\n"
        "5:72 0A000 format 'csv' of an http table is not supported\n"
        "6:67 0A000 format 'avro' of a files table is not supported\n"
        "7:68 HV00J format 'avro' needs the option \"schema_file\"\n"
        "8:88 58030 cannot open p/nosuch.avsc: No such file or directory; "
        "check the path\n"
        "9:68 22023 records of a topic have no header line\n"
        "10:75 22023 option \"header\" needs format 'csv'\n"
        "10:90 22023 option \"delimiter\" needs format 'csv'\n"
        "10:105 22023 option \"deletes\" needs mode 'snapshot'\n"
        "10:123 22023 option \"allow_empty\" needs mode 'snapshot'\n"
        "10:143 HV00D unknown option \"schema_file\" of a files table\n"
        "11:83 22023 invalid value for option \"envelope\": \"key_value\"\n"
        "12:55 22023 invalid value for option \"glob\": \"../t\"\n"
        "12:82 22023 invalid value for option \"path\": \"x\"\n");
}

Test(ddl, http_templates_are_checked)
{
    expect_messages(
        SERVERS
        "\n"
        "CREATE FOREIGN TABLE a (body jsonb) SERVER h OPTIONS (path "
        "'/{nosuch}/{open', for_each 'x: 1');\n"
        "CREATE FOREIGN TABLE b (body jsonb) SERVER h OPTIONS (path 'rel', "
        "params 'o={page_offset}');\n"
        "CREATE FOREIGN TABLE c (body jsonb) SERVER h OPTIONS (path '/x', "
        "for_each 'x: 1');\n"
        "CREATE FOREIGN TABLE d (body jsonb) SERVER h OPTIONS (path '/x', "
        "paginator 'offset');\n"
        "CREATE FOREIGN TABLE e (body jsonb) SERVER h OPTIONS (path '/x', "
        "for_each 'x');\n"
        "CREATE FOREIGN TABLE f (body jsonb) SERVER h OPTIONS (path "
        "'/{x}', for_each 'x: 1; x: 2');\n"
        "CREATE FOREIGN TABLE g (body jsonb) SERVER h OPTIONS (path '/x', "
        "require '$.a, b', mode 'changelog');",
        "2:60 22023 invalid value for option \"path\": "
        "\"/{nosuch}/{open\"\n"
        "2:60 22023 nothing fills {nosuch} in option \"path\"\n"
        "3:60 22023 invalid value for option \"path\": \"rel\"\n"
        "3:74 22023 nothing fills {page_offset} in option \"params\"\n"
        "4:22 22023 {x} of for_each is in neither path nor params\n"
        "5:76 HV00J paginator 'offset' needs the option \"limit\"\n"
        "5:76 HV00J paginator 'offset' needs the option \"total_path\"\n"
        "5:76 HV00J paginator 'offset' needs {page_offset} in path or "
        "params\n"
        "6:75 22023 invalid value for option \"for_each\": \"x\"\n"
        "7:77 22023 invalid value for option \"for_each\": \"x: 1; x: 2\"\n"
        "8:22 42P16 mode 'changelog' needs a key\n"
        "8:74 22023 invalid value for option \"require\": \"$.a, b\"\n"
        "8:89 0A000 mode 'changelog' of an http table is not supported\n");
}

Test(ddl, for_each_stands_on_the_table_or_on_its_column)
{
    expect(SERVERS
           "\n"
           "CREATE FOREIGN TABLE a (s text OPTIONS (for_each 'love, fantasy, "
           "love, '), n int, url text, body jsonb, total int OPTIONS (path "
           "'$.total')) SERVER h OPTIONS (path '/{s}/{n}', for_each 'n: 1, "
           "2', max_body '1 MB');",
           "server k kafka\n"
           "server f files\n"
           "server h http\n"
           "server b blackhole\n"
           "table a on h append json topic bronze.a\n"
           "  s text from header at cupel.param.s\n"
           "  n integer from header at cupel.param.n\n"
           "  url text from header at cupel.url\n"
           "  body jsonb at $\n"
           "  total integer at $.total\n"
           "  http http://x/{s}/{n} rate 1 max 1048576 each n: <1> <2> each "
           "s: <love> <fantasy>\n");
}

Test(ddl, views_get_keys_topics_and_options)
{
    expect(SERVERS
           "\n"
           "CREATE FOREIGN TABLE t (a int, b text, c int PRIMARY KEY) SERVER "
           "k OPTIONS (topic 't', format 'json', mode 'upsert');\n"
           "CREATE FOREIGN TABLE e (a int, b text) SERVER k OPTIONS (topic "
           "'e', format 'json');\n"
           "CREATE MATERIALIZED VIEW v1 AS SELECT * FROM t;\n"
           "CREATE MATERIALIZED VIEW v2 (x, y) WITH (topic = 'silver.v2', "
           "partitions = 4, on_error = fail, format = "
           "'avro', emit = changes) AS SELECT a, count(*) FROM t GROUP BY a;\n"
           "CREATE MATERIALIZED VIEW v3 WITH (primary_key = 'b, A') AS SELECT "
           "a, b FROM t;\n"
           "CREATE MATERIALIZED VIEW v4 AS SELECT * FROM e;\n"
           "CREATE MATERIALIZED VIEW v5 AS SELECT count(*) AS n FROM t;\n"
           "CREATE VIEW p (n) AS SELECT a FROM t;\n"
           "CREATE MATERIALIZED VIEW v6 AS SELECT n, count(*) AS m FROM p "
           "GROUP BY n;",
           "x.sql:2:22: notice: table \"t\" cannot read deletes: no column is "
           "marked as the record's key\n"
           "    CREATE FOREIGN TABLE t (a int, b text, c int PRIMARY KEY) "
           "SERVER k OPTIONS (topic 't', format 'json', mode 'upsert');\n"
           "                         ^\n"
           "hint: Mark the columns of the record's key with OPTIONS (key "
           "'true').\n"
           "server k kafka\n"
           "server f files\n"
           "server h http\n"
           "server b blackhole\n"
           "table t on k upsert json topic t key (c)\n"
           "  a integer\n"
           "  b text\n"
           "  c integer not null key\n"
           "table e on k append json topic e\n"
           "  a integer\n"
           "  b text\n"
           "view v1 (a integer, b text, c integer) topic app.v1 key (c)\n"
           "view v2 (x integer, y bigint) topic silver.v2 key (x) partitions "
           "4 fail 1 format 4\n"
           "view v3 (a integer, b text) topic app.v3 key (b, a)\n"
           "view v4 (a integer, b text) topic app.v4\n"
           "view v5 (n bigint) topic app.v5 single\n"
           "view v6 (n integer, m bigint) topic app.v6 key (n)\n");
}

Test(ddl, views_that_are_refused)
{
    expect_messages(
        SERVERS
        "\n"
        "CREATE FOREIGN TABLE t (a int, b text, c int PRIMARY KEY) SERVER "
        "k OPTIONS (topic 't', format 'json', mode 'upsert');\n"
        "CREATE MATERIALIZED VIEW v1 AS SELECT a FROM t;\n"
        "CREATE MATERIALIZED VIEW v2 WITH (primary_key = 'nosuch') AS "
        "SELECT a FROM t;\n"
        "CREATE MATERIALIZED VIEW v3 WITH (primary_key = 'a, a') AS SELECT "
        "a FROM t;\n"
        "CREATE MATERIALIZED VIEW v4 AS SELECT c, c FROM t;\n"
        "CREATE MATERIALIZED VIEW v5 (x, y) AS SELECT c FROM t;\n"
        "CREATE MATERIALIZED VIEW t AS SELECT c FROM t;\n"
        "CREATE MATERIALIZED VIEW \"v 6\" AS SELECT c FROM t;\n"
        "CREATE VIEW v7 WITH (topic = 'x') AS SELECT c FROM t;\n"
        "CREATE MATERIALIZED VIEW v8 WITH (emit = 'final', "
        "allowed_lateness = '1 minute', state_ttl = '1 month') AS SELECT c "
        "FROM t;\n"
        "CREATE MATERIALIZED VIEW v9 WITH (topic = 'a b', partitions = 0, "
        "retention = '1 month') AS SELECT c FROM t;",
        "2:22 - table \"t\" cannot read deletes: no column is marked as "
        "the record's key\n"
        "3:26 42P16 the rows of \"v1\" change, but no key can be derived "
        "for them\n"
        "4:49 42703 column \"nosuch\" named in primary_key does not exist\n"
        "5:49 42701 column \"a\" appears twice in primary_key\n"
        "6:26 42701 column \"c\" specified more than once\n"
        "7:26 42601 CREATE VIEW specifies more column names than columns\n"
        "8:26 42P07 relation \"t\" already exists\n"
        "9:26 42602 name \"v 6\" is not fit for topics\n"
        "10:22 HV00D unknown option \"topic\" of a plain view\n"
        "11:94 22023 invalid value for option \"state_ttl\": \"1 month\"\n"
        "12:43 22023 invalid value for option \"topic\": \"a b\"\n"
        "12:63 22023 invalid value for option \"partitions\": \"0\"\n"
        "12:78 22023 invalid value for option \"retention\": \"1 month\"\n");
}

Test(ddl, every_topic_has_one_writer)
{
    expect_messages(
        SERVERS
        "\n"
        "CREATE FOREIGN TABLE a (a int) SERVER f OPTIONS (glob 'x', format "
        "'json', topic 'x');\n"
        "CREATE FOREIGN TABLE b (a int) SERVER f OPTIONS (glob 'x', format "
        "'json', topic 'x');\n"
        "CREATE MATERIALIZED VIEW v WITH (topic = 'x') AS SELECT a FROM "
        "a;\n"
        "CREATE MATERIALIZED VIEW w WITH (topic = 'app.u') AS SELECT a "
        "FROM a;\n"
        "CREATE MATERIALIZED VIEW u AS SELECT a FROM a;\n"
        "CREATE FOREIGN TABLE c (a int) SERVER k OPTIONS (format 'json', "
        "topic 'x');",
        "3:22 42P07 topic \"x\" is written by \"a\" already\n"
        "4:26 42P07 topic \"x\" is written by \"a\" already\n"
        "6:26 42P07 topic \"app.u\" is written by \"w\" already\n");
}

Test(ddl, sinks_take_rows_by_position_and_type)
{
    expect(SERVERS
           "\n"
           "CREATE FOREIGN TABLE e (a int, b text) SERVER k OPTIONS (topic "
           "'e', format 'json');\n"
           "CREATE FOREIGN TABLE hole (x bigint, y text) SERVER b;\n"
           "CREATE FOREIGN TABLE sink (id bigint OPTIONS (key 'true'), n "
           "numeric, z text) SERVER k OPTIONS (topic 'out', format 'json');\n"
           "INSERT INTO hole SELECT a, b FROM e;\n"
           "INSERT INTO hole (y) SELECT b FROM e;\n"
           "CREATE MATERIALIZED VIEW feed WITH (into = 'sink') AS SELECT a, "
           "count(*) AS c FROM e GROUP BY a;\n"
           "CREATE MATERIALIZED VIEW counts WITH (into = 'hole') AS SELECT "
           "count(*) FROM e GROUP BY b;",
           "server k kafka\n"
           "server f files\n"
           "server h http\n"
           "server b blackhole\n"
           "table e on k append json topic e\n"
           "  a integer\n"
           "  b text\n"
           "table hole on b append json sink\n"
           "  x bigint\n"
           "  y text\n"
           "table sink on k append json topic out key (id) sink\n"
           "  id bigint from key not null key\n"
           "  n numeric\n"
           "  z text\n"
           "view hole_1 (x bigint, y text) into hole\n"
           "view hole_2 (x bigint, y text) into hole\n"
           "view feed (id bigint, n numeric, z text) into sink key (id)\n"
           "view counts (x bigint, y text) into hole bag\n");
}

Test(ddl, sinks_that_are_refused)
{
    expect_messages(
        SERVERS
        "\n"
        "CREATE FOREIGN TABLE e (a int, b text) SERVER k OPTIONS (topic "
        "'e', format 'json');\n"
        "CREATE FOREIGN TABLE files (a int, b text) SERVER f OPTIONS (glob "
        "'e', format 'json');\n"
        "CREATE FOREIGN TABLE hole (x bigint, y text) SERVER b;\n"
        "CREATE FOREIGN TABLE keyed (x bigint OPTIONS (key 'true')) SERVER "
        "k OPTIONS (topic 'x', format 'json');\n"
        "CREATE FOREIGN TABLE plain (x bigint) SERVER k OPTIONS (topic "
        "'p', format 'json');\n"
        "CREATE MATERIALIZED VIEW v AS SELECT * FROM e;\n"
        "INSERT INTO nosuch SELECT a FROM e;\n"
        "INSERT INTO files SELECT * FROM e;\n"
        "INSERT INTO v SELECT * FROM e;\n"
        "INSERT INTO e SELECT * FROM files;\n"
        "INSERT INTO hole SELECT a, b, a FROM e;\n"
        "INSERT INTO hole SELECT b, b FROM e;\n"
        "INSERT INTO hole (x, nosuch) SELECT a, b FROM e;\n"
        "INSERT INTO hole (x, y) SELECT a FROM e;\n"
        "INSERT INTO keyed SELECT a FROM e;\n"
        "INSERT INTO keyed SELECT a FROM e;\n"
        "INSERT INTO plain SELECT count(*) FROM e GROUP BY a;\n"
        "CREATE MATERIALIZED VIEW w AS SELECT * FROM keyed;\n"
        "CREATE MATERIALIZED VIEW x AS SELECT * FROM hole;\n"
        "CREATE MATERIALIZED VIEW y WITH (into = 'hole', topic = 'z') AS "
        "SELECT a, b FROM e;",
        "8:13 42P01 relation \"nosuch\" does not exist\n"
        "9:13 0A000 writing into table \"files\", which is collected, is "
        "not supported\n"
        "10:13 0A000 writing into view \"v\" is not supported\n"
        "11:13 0A000 writing into table \"e\", which view \"v\" reads, is "
        "not supported\n"
        "12:13 42601 INSERT has more expressions than target columns\n"
        "13:13 42804 column \"x\" is of type bigint but expression is of "
        "type text\n"
        "14:13 42703 column \"nosuch\" of relation \"hole\" does not "
        "exist\n"
        "15:13 42601 INSERT has more target columns than expressions\n"
        "17:13 0A000 a second writer into \"keyed\", which has a key, is "
        "not supported\n"
        "18:13 42P16 the rows of \"plain_1\" change, but no key can be "
        "derived for them\n"
        "19:45 0A000 reading from \"keyed\", which is written, is not "
        "supported\n"
        "20:45 0A000 reading from blackhole table \"hole\" is not "
        "supported\n"
        "21:49 42P16 a view that feeds a sink has the sink's topic: leave "
        "\"topic\" away\n");
}

Test(ddl, reports)
{
    expect("CREATE VIEW v (a, b) AS VALUES (1, 'x'), (2, 'y');\n"
           "COPY (SELECT a, b FROM v ORDER BY b DESC, a LIMIT 3 OFFSET 1) TO "
           "'reports/a b.csv' WITH (FORMAT csv, HEADER, DELIMITER ';', every "
           "'500 ms', NULL '', ENCODING 'utf-8');\n"
           "COPY v TO '/srv/x.tsv' WITH (FORMAT csv, HEADER false);\n"
           "COPY v (b) TO './y' CSV;\n"
           "COPY (SELECT a FROM v ORDER BY b) TO 'z.csv' CSV HEADER;",
           "view copy_1_a_b (a integer, b text) hidden bag\n"
           "view copy_2_x (a integer, b text) hidden bag\n"
           "view copy_3_y (b text) hidden bag\n"
           "view copy_4_z (a integer, sort1 text) hidden bag\n"
           "copy copy_1_a_b to p/reports/a b.csv cols 2 by b desc by a limit "
           "3 offset 1 header 1 delimiter 59 every 500\n"
           "copy copy_2_x to /srv/x.tsv cols 2\n"
           "copy copy_3_y to p/y cols 1\n"
           "copy copy_4_z to p/z.csv cols 1 by sort1 header 1\n");
}

Test(ddl, reports_that_are_refused)
{
    expect_messages(
        "COPY (SELECT 1) TO 'x';\n"
        "COPY (SELECT 1) TO 'x' WITH (FORMAT text);\n"
        "COPY (SELECT 1) TO 'x' WITH (FORMAT jsno);\n"
        "COPY (SELECT 1) TO 'x' WITH (FORMAT csv, HEADER match, QUOTE 'a', "
        "NULL 'x', ENCODING 'latin1', hedaer);\n"
        "COPY (SELECT 1) TO 'dir/' CSV;\n"
        "COPY (SELECT 1) TO 'y' CSV;\n"
        "COPY (SELECT 2) TO './y' CSV;\n"
        "COPY (SELECT 2) TO 'y' CSV;\n"
        "COPY (SELECT 2) TO 'z' CSV DELIMITER 'ab';",
        "1:20 0A000 COPY in format text is not supported\n"
        "2:37 0A000 COPY in format text is not supported\n"
        "3:37 22023 invalid value for option \"format\": \"jsno\"\n"
        "4:49 22023 invalid value for option \"header\": \"match\"\n"
        "4:56 0A000 option \"quote\" is not supported yet\n"
        "4:72 0A000 another NULL than the empty cell is not supported\n"
        "4:86 0A000 another encoding than UTF8 is not supported\n"
        "4:96 HV00D unknown option \"hedaer\" of COPY\n"
        "5:20 42602 \"dir/\" is not a file name\n"
        "7:20 42P07 another COPY writes file \"./y\" already\n"
        "8:20 42P07 another COPY writes file \"y\" already\n"
        "9:38 22023 invalid value for option \"delimiter\": \"ab\"\n");
}

Test(ddl, explain_is_checked_and_forgotten)
{
    expect("CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
           "EXPLAIN (state, FORMAT json) CREATE MATERIALIZED VIEW v AS SELECT "
           "1 AS a;\n"
           "EXPLAIN SELECT 1;\n"
           "CREATE MATERIALIZED VIEW v AS SELECT 2 AS a;",
           "x.sql:2:1: notice: EXPLAIN in a pipeline is checked and otherwise "
           "ignored\n"
           "    EXPLAIN (state, FORMAT json) CREATE MATERIALIZED VIEW v AS "
           "SELECT 1 AS a;\n"
           "    ^\n"
           "hint: cupel explain PATH [VIEW] shows plans.\n"
           "x.sql:3:1: notice: EXPLAIN in a pipeline is checked and otherwise "
           "ignored\n"
           "    EXPLAIN SELECT 1;\n"
           "    ^\n"
           "hint: cupel explain PATH [VIEW] shows plans.\n"
           "server k kafka\n"
           "view v (a integer) topic app.v single\n");
    expect("EXPLAIN CREATE MATERIALIZED VIEW v AS SELECT a;",
           "x.sql:1:46: error: column \"a\" does not exist [42703]\n"
           "    EXPLAIN CREATE MATERIALIZED VIEW v AS SELECT a;\n"
           "                                                 ^\n");
}

Test(ddl, names_are_fit_for_topics)
{
    expect_messages(
        "CREATE VIEW \"größe\" AS SELECT 1;\n"
        "CREATE VIEW \"a/b\" AS SELECT 1;\n"
        "CREATE VIEW v AS SELECT 1; CREATE VIEW v AS SELECT 2;\n"
        "CREATE OR REPLACE VIEW w AS SELECT 1;\n"
        "CREATE MATERIALIZED VIEW IF NOT EXISTS w AS SELECT 2 AS a;",
        "1:13 42602 name \"größe\" is not fit for topics\n"
        "2:13 42602 name \"a/b\" is not fit for topics\n"
        "3:40 42P07 relation \"v\" already exists\n");
}
