/* Cutting a file into statements, PostgreSQL's words for what does not
 * parse, and the names of what is not supported. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

static void deep(const char *before, const char *repeated, const char *after,
                 const char *want)
{
    cu_buf b = {0};
    cu_buf_put_str(&b, before);
    for (int i = 0; i < 1500; i++)
        cu_buf_put_str(&b, repeated);
    cu_buf_put_str(&b, after);
    cu_buf_put(&b, "", 1);
    expect_messages(b.data, want);
    cu_buf_free(&b);
}

Test(parse, deep_nesting_is_refused_and_long_lists_are_fine)
{
    deep("CREATE VIEW v AS SELECT 1", "+1", ";",
         "1:1030 54001 the statement is nested more than 1000 levels deep\n");
    deep("CREATE VIEW v AS SELECT ", "NOT ", "true",
         "1:4013 54001 the statement is nested more than 1000 levels deep\n");
    deep("CREATE VIEW v AS SELECT true", " AND true", ";", "");
    deep("CREATE VIEW v AS VALUES (0)", ", (1)", ";", "");
}

Test(parse, a_statement_has_a_limit)
{
    cu_buf b = {0};
    cu_buf_put_str(&b, "CREATE VIEW v AS SELECT '");
    for (int i = 0; i < 300 << 10; i++)
        cu_buf_put_str(&b, "x");
    cu_buf_put_str(&b, "'; SELECT 1 FORM x");
    cu_buf_put(&b, "", 1);
    expect_messages(b.data,
                    "1:1 54000 the statement is longer than 262144 bytes\n"
                    "1:307243 42601 syntax error at or near \"x\"\n");
    cu_buf_free(&b);
}

Test(parse, every_statement_is_tried)
{
    expect_messages("SELECT 1 FORM x;\n"
                    "CREATE VIEW a AS SELECT 'é', \"ü FORM\" FORM y;\n"
                    "-- comment ; with ' quotes\n"
                    ";;\n"
                    "CREATE VIEW b AS SELECT (1;\n"
                    "CREATE VIEW c AS SELECT $$ ; $$, ';' /* ; */, 1 FORM;\n"
                    "SELECT",
                    "1:15 42601 syntax error at or near \"x\"\n"
                    "2:44 42601 syntax error at or near \"y\"\n"
                    "5:27 42601 syntax error at or near \";\"\n"
                    "7:1 0A000 a bare SELECT in a pipeline is not supported\n");
    expect_messages("SELECT 1\n"
                    "SELECT 2;",
                    "2:8 42601 syntax error at or near \"2\"\n");
}

Test(parse, scan_errors_do_not_hide_other_statements)
{
    expect_messages(
        "CREATE VIEW a AS SELECT 1x FROM t;\n"
        "CREATE VIEW b AS SELECT U&'\\zz';\n"
        "SELECT 2 FORM y;\n"
        "CREATE VIEW d AS SELECT 'open; SELECT 3 FORM z;",
        "1:25 42601 trailing junk after numeric literal at or near \"1x\"\n"
        "2:28 42601 invalid Unicode escape\n"
        "3:15 42601 syntax error at or near \"y\"\n"
        "4:25 42601 unterminated quoted string at or near \"'open; SELECT "
        "3 FORM z;\"\n");
}

Test(parse, a_table_that_did_not_parse_is_not_missed)
{
    expect_messages(
        "CREATE FOREIGN TABLE \"T\" (a int FORM) SERVER k;\n"
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka OPTIONS (brokers);\n"
        "CREATE FOREIGN TABLE u (a int) SERVER k OPTIONS (topic 't', "
        "format 'json');\n"
        "CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELEC 1;\n"
        "COPY (SELECT * FROM \"T\", u, v, w) TO 'x.csv' CSV;",
        "1:33 42601 syntax error at or near \"FORM\"\n"
        "2:60 42601 syntax error at or near \")\"\n"
        "4:45 42601 syntax error at or near \"SELEC\"\n");
}

Test(parse, statements_outside_the_language_are_named)
{
    expect_messages(
        "CREATE TABLE t (a int);\n"
        "CREATE TABLE t AS SELECT 1;\n"
        "CREATE TEMP VIEW t AS SELECT 1;\n"
        "CREATE UNIQUE INDEX ON t (a);\n"
        "ALTER FOREIGN TABLE t DROP COLUMN b;\n"
        "DROP MATERIALIZED VIEW IF EXISTS t;\n"
        "REFRESH MATERIALIZED VIEW CONCURRENTLY t;\n"
        "UPDATE t SET a = 1;\n"
        "DELETE FROM t;\n"
        "TRUNCATE t;\n"
        "SET timezone = 'UTC';\n"
        "GRANT SELECT ON t TO x;\n"
        "DO $$ BEGIN END $$;\n"
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ "
        "SELECT 1 $$;\n"
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN "
        "true THEN 1 END; SELECT 2; END;\n"
        "CREATE PROCEDURE p() LANGUAGE sql AS '';\n"
        "IMPORT FOREIGN SCHEMA s FROM SERVER x INTO public;\n"
        "DECLARE c CURSOR FOR SELECT 1;\n"
        "EXPLAIN DELETE FROM t;\n"
        "ROLLBACK;\n"
        "VALUES (1);",
        "1:1 0A000 CREATE TABLE is not supported\n"
        "2:1 0A000 CREATE TABLE AS is not supported\n"
        "3:18 0A000 TEMPORARY or UNLOGGED is not supported\n"
        "4:1 0A000 CREATE UNIQUE INDEX is not supported\n"
        "5:1 0A000 ALTER FOREIGN TABLE other than ADD COLUMN is not "
        "supported\n"
        "6:1 0A000 DROP MATERIALIZED VIEW is not supported\n"
        "7:1 0A000 REFRESH MATERIALIZED VIEW is not supported\n"
        "8:1 0A000 UPDATE is not supported\n"
        "9:1 0A000 DELETE is not supported\n"
        "10:1 0A000 TRUNCATE is not supported\n"
        "11:1 0A000 SET is not supported\n"
        "12:1 0A000 GRANT is not supported\n"
        "13:1 0A000 DO is not supported\n"
        "15:29 0A000 a function of several statements is not supported\n"
        "16:1 0A000 CREATE PROCEDURE is not supported\n"
        "17:1 0A000 IMPORT FOREIGN SCHEMA is not supported\n"
        "18:1 0A000 DECLARE is not supported\n"
        "19:1 0A000 EXPLAIN is not supported\n"
        "20:1 0A000 ROLLBACK is not supported\n"
        "21:1 0A000 a bare SELECT in a pipeline is not supported\n");
}

Test(parse, transactions_change_nothing)
{
    expect("BEGIN; START TRANSACTION; CREATE SERVER k FOREIGN DATA WRAPPER "
           "kafka; COMMIT; END;",
           "server k kafka\n");
}

Test(parse, clauses_outside_the_language_are_named)
{
    expect_messages(
        "CREATE VIEW v1 AS WITH RECURSIVE r AS (SELECT 1) SELECT * FROM "
        "r;\n"
        "CREATE VIEW v2 AS SELECT * FROM ONLY t;\n"
        "CREATE VIEW v3 AS SELECT * FROM t TABLESAMPLE bernoulli (1);\n"
        "CREATE VIEW v4 AS SELECT * FROM other.t;\n"
        "CREATE VIEW v5 AS SELECT count(*) FROM t GROUP BY GROUPING SETS "
        "((a), ());\n"
        "CREATE VIEW v6 AS SELECT * FROM t FOR UPDATE;\n"
        "CREATE VIEW v7 AS SELECT a INTO b FROM t;\n"
        "CREATE VIEW v8 AS SELECT * FROM ROWS FROM (f(1), g(2));\n"
        "CREATE VIEW v9 AS SELECT * FROM f(1) AS x(a int, b text);\n"
        "CREATE VIEW w1 AS SELECT * FROM (a JOIN b ON true) AS c;\n"
        "CREATE VIEW w2 AS SELECT 1 = ALL (SELECT 2);\n"
        "CREATE VIEW w3 AS SELECT a LIKE 'b' ESCAPE 'c', a SIMILAR TO 'b', "
        "a COLLATE \"de_DE\" FROM t;\n"
        "CREATE VIEW w4 AS SELECT $1, B'01', interval '1 2' day to hour, "
        "'1'::int[][], '1'::s.t;\n"
        "CREATE VIEW w5 AS SELECT current_user, current_time(2), "
        "xmlelement(name a);\n"
        "CREATE VIEW w6 AS SELECT (r).*, s.f(1), a OPERATOR(s.+) b FROM "
        "t;\n"
        "CREATE VIEW w7 AS WITH x AS (DELETE FROM t RETURNING *) SELECT * "
        "FROM x;\n"
        "CREATE VIEW w8 AS SELECT sum(a) OVER (w ORDER BY b) FROM t WINDOW "
        "w AS (PARTITION BY c);\n"
        "CREATE VIEW w9 AS SELECT a FROM t ORDER BY a USING <;\n"
        "CREATE VIEW x1 AS SELECT 1 WITH CHECK OPTION;\n"
        "CREATE MATERIALIZED VIEW x2 USING heap AS SELECT 1;\n"
        "CREATE MATERIALIZED VIEW x3 AS SELECT 1 WITH NO DATA;\n"
        "COPY t FROM 'x';\n"
        "COPY (SELECT 1) TO STDOUT;\n"
        "COPY (SELECT 1) TO PROGRAM 'x';\n"
        "INSERT INTO t VALUES (1);\n"
        "INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING;\n"
        "INSERT INTO t DEFAULT VALUES;\n"
        "INSERT INTO t SELECT 1 RETURNING 1;",
        "1:19 0A000 WITH RECURSIVE is not supported\n"
        "2:38 42P01 relation \"t\" does not exist\n"
        "3:47 0A000 TABLESAMPLE is not supported\n"
        "4:33 0A000 schema \"other\" (names have no schema) is not "
        "supported\n"
        "5:40 42P01 relation \"t\" does not exist\n"
        "6:26 0A000 FOR UPDATE is not supported\n"
        "7:26 0A000 SELECT INTO is not supported\n"
        "8:44 42883 function f() does not exist\n"
        "8:50 42883 function g() does not exist\n"
        "9:33 42883 function f() does not exist\n"
        "10:34 42P01 relation \"a\" does not exist\n"
        "12:69 0A000 COLLATE \"de_DE\" is not supported\n"
        "13:30 0A000 a bit string is not supported\n"
        "13:37 0A000 an interval with fields or a precision is not "
        "supported\n"
        "13:70 0A000 an array of arrays is not supported\n"
        "13:84 0A000 a type of a schema is not supported\n"
        "14:26 0A000 current_user is not supported\n"
        "14:40 0A000 current_time with a precision is not supported\n"
        "14:57 0A000 XML is not supported\n"
        "15:27 0A000 (row).* is not supported\n"
        "15:33 0A000 a function of a schema is not supported\n"
        "15:43 0A000 an operator of a schema is not supported\n"
        "16:24 0A000 a WITH query that changes data is not supported\n"
        "17:58 42P01 relation \"t\" does not exist\n"
        "18:52 0A000 ORDER BY … USING is not supported\n"
        "19:13 0A000 WITH CHECK OPTION is not supported\n"
        "20:26 0A000 USING or TABLESPACE is not supported\n"
        "21:26 0A000 WITH NO DATA is not supported\n"
        "22:1 0A000 COPY … FROM is not supported\n"
        "23:20 0A000 COPY … TO STDOUT is not supported\n"
        "24:20 0A000 COPY … TO PROGRAM is not supported\n"
        "25:13 0A000 INSERT … VALUES (write CREATE VIEW v AS VALUES …) "
        "is not supported\n"
        "26:24 0A000 ON CONFLICT is not supported\n"
        "27:13 0A000 INSERT … DEFAULT VALUES is not supported\n"
        "28:13 0A000 INSERT … RETURNING is not supported\n");
}

Test(parse, table_clauses_outside_the_language_are_named)
{
    expect_messages(
        "CREATE SERVER k TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER kafka;\n"
        "CREATE FOREIGN TABLE t1 (a int DEFAULT 1) SERVER k;\n"
        "CREATE FOREIGN TABLE t2 (a int UNIQUE, b int REFERENCES t1, c int "
        "GENERATED ALWAYS AS IDENTITY) SERVER k;\n"
        "CREATE FOREIGN TABLE t3 (a int PRIMARY KEY, PRIMARY KEY (a)) "
        "SERVER k;\n"
        "CREATE FOREIGN TABLE t4 (LIKE t1) SERVER k;\n"
        "CREATE FOREIGN TABLE t5 (a text COLLATE \"C\") SERVER k;\n"
        "CREATE FOREIGN TABLE t6 (a int) INHERITS (t1) SERVER k;",
        "1:15 0A000 TYPE or VERSION of a server is not supported\n"
        "2:32 0A000 DEFAULT is not supported\n"
        "3:32 0A000 UNIQUE is not supported\n"
        "3:46 0A000 FOREIGN KEY is not supported\n"
        "3:67 0A000 GENERATED AS IDENTITY is not supported\n"
        "4:45 42P16 multiple primary keys for table \"t3\" are not "
        "allowed\n"
        "5:22 0A000 LIKE in a table is not supported\n"
        "7:22 0A000 INHERITS or PARTITION OF is not supported\n");
}

Test(parse, an_interval_may_have_its_unit_behind_it)
{
    expect_messages(
        "COPY (SELECT now() - interval '10' minute, interval '-1' year, "
        "interval '2 days') TO 'x.csv' CSV;",
        "");
}
