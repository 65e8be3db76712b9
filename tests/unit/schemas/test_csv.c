/* CSV records: cells, headers, faults. */
#include "tests/unit/schemas/decode.h"

#include <stdio.h>

static table *csv(const char *columns, const char *header)
{
    table *t = table_new(columns);
    t->spec.format = CU_FORMAT_CSV;
    if (header)
        table_header(t, "cupel.header", header);
    else
        t->spec.csv_by_position = true;
    return t;
}

Test(csv, columns_are_found_by_header_name)
{
    table *t = csv("product:int id:bigint", "PurchaseID,product,user");
    table_col(t, "id")->path = "PurchaseID";
    expect(t, "1002,13,7", "+1 | 13 1002\n");
    expect(t, "1003,14,8\r\n", "+1 | 14 1003\n");
    table_free(t);
}

Test(csv, a_path_may_be_written_as_in_json)
{
    table *t = csv("a:int b:int c:int", "x.y,B b,C");
    table_col(t, "a")->path = "$[\"x.y\"]";
    table_col(t, "b")->path = "$[\"B b\"]";
    table_col(t, "c")->path = "$.C";
    expect(t, "1,2,3", "+1 | 1 2 3\n");
    table_free(t);
    t = csv("a:int", "a");
    table_col(t, "a")->path = "$.a.b";
    expect_text(table_open(t), "path '$.a.b': a CSV file has no nested values");
    table_free(t);
}

Test(csv, unquoted_empty_is_null_and_quoted_empty_is_empty)
{
    table *t = csv("a:text b:text c:int", "a,b,c");
    expect(t, ",\"\",", "+1 | null '' null\n");
    expect(t, "x,y,\"\"",
           "! 22P02 c: invalid input syntax for type integer: \"\"\n");
    table_free(t);
}

Test(csv, quotes_hold_delimiters_line_ends_and_doubled_quotes)
{
    table *t = csv("a:text b:text", "a,b");
    expect(t, "\"The Good, the Bad\",\"say \"\"hi\"\"\"",
           "+1 | 'The Good, the Bad' 'say \"hi\"'\n");
    expect(t, "\"two\nlines\",\"\"\"\"", "+1 | 'two\nlines' \"\n");
    table_free(t);
}

Test(csv, malformed_records_are_one_fault)
{
    table *t = csv("a:text b:int", "a,b");
    static const char *const cases[][2] = {
        {"x", "! 22P04 b: missing data for column \"b\": 1 fields instead of "
              "2\n"},
        {"x,1,2", "! 22P04 -: extra data after last expected column: 2 fields "
                  "are expected\n"},
        {"\"x\"y,1",
         "! 22P04 -: text after the closing quote of a CSV field\n"},
        {"\"x\" ,1",
         "! 22P04 -: text after the closing quote of a CSV field\n"},
        {"\"x,1", "! 22P04 -: unterminated CSV quoted field\n"},
        {"x\"y,1", "! 22P04 -: quote inside an unquoted CSV field\n"},
        {"x,1\ny,2", "! 22P04 -: unquoted newline found in data\n"},
        {"x,\xff",
         "! 22021 -: invalid byte sequence for encoding \"UTF8\": 0xff "
         "at byte 3\n"},
        {"", ""},
        {"\r\n", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(t, cases[i][0], cases[i][1]);
    expect_text(table_take(t, "a\0b,1", 5),
                "! 22021 -: invalid byte sequence for encoding \"UTF8\": 0x00 "
                "at byte 2\n");
    table_free(t);
}

Test(csv, all_faults_of_a_row_are_listed)
{
    table *t = csv("a:int b:int c:int not null", "a,b,c");
    expect(t, "x,y,",
           "! 22P02 a: invalid input syntax for type integer: \"x\"\n"
           "! 22P02 b: invalid input syntax for type integer: \"y\"\n"
           "! 23502 c: null value in column \"c\" violates not-null "
           "constraint\n");
    table_free(t);
}

Test(csv, positions_without_header_and_other_delimiters)
{
    table *t = csv("a:int b:text", NULL);
    t->spec.csv_delimiter = '\t';
    expect(t, "1\tx,y", "+1 | 1 x,y\n");
    expect(t, "1",
           "! 22P04 b: missing data for column \"b\": 1 fields instead "
           "of 2\n");
    table_free(t);
}

Test(csv, a_column_that_the_header_lacks_is_null)
{
    table *t = csv("a:int b:text z:text not null", "b,a");
    expect(t, "x,1",
           "! 23502 z: null value in column \"z\" violates not-null "
           "constraint\n");
    table_free(t);
}

Test(csv, each_record_is_read_by_its_own_header)
{
    table *t = csv("a:int b:int", "a,b");
    expect(t, "1,2", "+1 | 1 2\n");
    t->in.n_headers = 0;
    table_header(t, "cupel.header", "\xEF\xBB\xBF\"b\",x,a\r\n");
    expect(t, "1,2,3", "+1 | 3 1\n");
    t->in.n_headers = 0;
    table_header(t, "cupel.header", "a,a");
    expect(t, "5,6", "+1 | 5 null\n");
    t->in.n_headers = 0;
    table_header(t, "cupel.header", "\"a");
    expect(t, "5", "! 22P04 -: CSV header: unterminated CSV quoted field\n");
    t->in.n_headers = 0;
    expect(t, "5,6",
           "! CU002 -: the record has no header cupel.header: the "
           "names of its CSV fields are not known\n");
    table_free(t);
}

Test(csv, metadata_and_header_columns_stand_beside_the_cells)
{
    table *t = csv("a:int f:text l:bigint", "a");
    table_col(t, "f")->from = CU_FROM_FILE;
    table_col(t, "l")->from = CU_FROM_LINE;
    table_header(t, "cupel.file", "in/x.csv");
    table_header(t, "cupel.line", "12");
    expect(t, "5", "+1 | 5 in/x.csv 12\n");
    table_free(t);
}

/* Cells are searched eight bytes at a time. */
Test(csv, what_ends_a_cell_is_found_wherever_it_stands)
{
    static const char letters[] = "abcdefghijklmnopqrs";
    table *t = csv("a:text b:text", NULL);
    char line[64], want[64];
    for (int n = 1; n < 20; n++)
        for (int rest = 1; rest < 20; rest++) {
            snprintf(line, sizeof(line), "%.*s,%.*s", n, letters, rest,
                     letters);
            snprintf(want, sizeof(want), "+1 | %.*s %.*s\n", n, letters, rest,
                     letters);
            expect(t, line, want);
            line[n] = '"';
            expect(t, line, "! 22P04 -: quote inside an unquoted CSV field\n");
            line[n] = '\r';
            expect(t, line, "! 22P04 -: unquoted newline found in data\n");
        }
    table_free(t);
}

/* Marks are made for 16 bytes at a time and kept 64 to a word. */
Test(csv, cells_and_faults_are_found_at_every_place_of_a_line)
{
    static const char *const wrong[] = {
        "! 22P04 -: quote inside an unquoted CSV field\n",
        "! 22P04 -: unquoted newline found in data\n",
    };
    table *t = csv("a:text b:text", NULL);
    for (uint32_t len = 1; len <= 140; len += len < 70 ? 1 : 7) {
        for (uint32_t at = 1; at < len; at++) {
            char line[160], want[300];
            memset(line, 'x', sizeof(line));
            line[at] = ',';
            (void)snprintf(want, sizeof(want), "+1 | %.*s %s%.*s%s\n", (int)at,
                           line, at + 1 < len ? "" : "null",
                           (int)(len - at - 1), line + at + 1, "");
            expect_text(table_take(t, line, len), want);
            line[0] = '"';
            line[len - 1] = '"';
            if (at > 1 && at + 3 < len) {
                line[at - 1] = '"';
                line[at + 1] = '"';
                (void)snprintf(want, sizeof(want), "+1 | %.*s %.*s\n",
                               (int)at - 2, line + 1, (int)(len - at - 3),
                               line + at + 2);
                if (at > 2)
                    expect_text(table_take(t, line, len), want);
            }
            memset(line, 'x', sizeof(line));
            line[at] = at % 2 ? '"' : '\n';
            if (at + 1 < len)
                expect_text(table_take(t, line, len), wrong[at % 2 == 0]);
            line[at] = at % 2 ? '\0' : (char)0xC3;
            cr_expect(strstr(table_take(t, line, len), "! 22021 -: invalid"));
        }
    }
    table_free(t);
}
