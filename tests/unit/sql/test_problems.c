/* How problems look, and that every one of them comes out. */
#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>

static void line_column(const char *text, int32_t offset, uint32_t line,
                        uint32_t column)
{
    uint32_t l, c;
    cu_pos_line_column(cu_slice_of(text), offset, &l, &c);
    cr_expect(l == line && c == column, "%d: %u:%u", offset, l, c);
}

Test(problems, columns_count_characters)
{
    line_column("abc\ndef", 0, 1, 1);
    line_column("abc\ndef", 3, 1, 4);
    line_column("abc\ndef", 4, 2, 1);
    line_column("abc\ndef", 99, 2, 4);
    line_column("abc\ndef", -1, 1, 1);
    line_column("é日x", 5, 1, 3);
    line_column("\xef\xbb\xbfx", 3, 1, 1);
    line_column("", 0, 1, 1);
}

static void print(const cu_sql_problem *p, const cu_sql_file *files, uint32_t n,
                  const char *want)
{
    cu_buf out = {0};
    cu_sql_problem_print(p, files, n, &out);
    cu_buf_put(&out, "", 1);
    cr_expect_str_eq(out.data, want);
    cu_buf_free(&out);
}

Test(problems, without_a_file_only_the_words_are_shown)
{
    const cu_sql_file one = {.path = "a.sql", .text = {"x", 1}};
    print(&(cu_sql_problem){.pos = {-1, 3},
                            .sqlstate = CU_SQLSTATE('4', '2', '6', '0', '1'),
                            .message = "m",
                            .detail = "LINE 1: x\n"},
          &one, 1, "error: m [42601]\nLINE 1: x\n");
    print(
        &(cu_sql_problem){
            .notice = true, .pos = {7, 3}, .message = "m", .hint = "h"},
        NULL, 0, "notice: m\nhint: h\n");
    print(&(cu_sql_problem){.pos = {0, -1}, .message = "m", .detail = "d"},
          &one, 1, "a.sql:1:1: error: m\nd\n");
}

Test(problems, the_caret_stands_under_the_character)
{
    expect(
        "CREATE VIEW v AS SELECT 'é日本', nosuch;\n"
        "\tSELECT\t1\tFORM x;\n"
        "CREATE VIEW w AS SELECT "
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', "
        "1 FORM é日本 z, "
        "'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
        "bbbbbbbbbbbbbbbbb';\n"
        "SELECT (",
        "x.sql:1:32: error: column \"nosuch\" does not exist [42703]\n"
        "    CREATE VIEW v AS SELECT 'é日本', nosuch;\n"
        "                                     ^\n"
        "x.sql:2:16: error: syntax error at or near \"x\" [42601]\n"
        "    \tSELECT\t1\tFORM x;\n"
        "    \t      \t \t     ^\n"
        "x.sql:3:171: error: syntax error at or near \"é日本\" [42601]\n"
        "    …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1 "
        "FORM é日本 z, "
        "'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…\n"
        "                                                                 "
        "^\n"
        "x.sql:4:9: error: syntax error at end of input [42601]\n"
        "    SELECT (\n"
        "            ^\n");
}

Test(problems, a_problem_of_an_inlined_view_is_told_once)
{
    expect_messages(
        "CREATE VIEW v AS SELECT nosuch, a FROM (VALUES (1)) AS t (a);\n"
        "CREATE MATERIALIZED VIEW w AS SELECT a FROM v;\n"
        "COPY (SELECT a FROM v) TO 'x.csv' CSV;",
        "1:25 42703 column \"nosuch\" does not exist\n");
}

Test(problems, what_follows_from_a_problem_is_not_told)
{
    expect_messages(
        "CREATE SERVER k FOREIGN DATA WRAPPER kafak;\n"
        "CREATE FOREIGN TABLE t (a int) SERVER k OPTIONS (topic 't', "
        "format 'json');\n"
        "CREATE MATERIALIZED VIEW v AS SELECT * FROM t WHERE (;\n"
        "CREATE MATERIALIZED VIEW w AS SELECT * FROM v, nosuch;\n"
        "INSERT INTO t SELECT 1;",
        "1:38 42704 foreign-data wrapper \"kafak\" does not exist\n"
        "3:54 42601 syntax error at or near \";\"\n");
}

Test(problems, a_long_text_in_a_message_is_cut)
{
    expect_messages(
        "SELECT "
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xx\n"
        "yyyy",
        "1:8 42601 unterminated quoted string at or near "
        "\"'"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\"\n");
}

Test(problems, what_is_missing_in_its_own_statement_is_told)
{
    expect_messages("CREATE MATERIALIZED VIEW x AS SELECT * FROM x;\n"
                    "CREATE VIEW y AS SELECT * FROM x, z;\n",
                    "1:45 42P01 relation \"x\" does not exist\n");
}
