/* JSON records into columns: meanings, faults, paths, duplicates. */
#include "base/alloc.h"
#include "rows/json.h"
#include "tests/unit/schemas/decode.h"

#define BAD "! 22P02 -: invalid input syntax for type json: "

Test(json, the_text_of_a_scalar_goes_through_the_types_input)
{
    table *t = table_new("i:int s:text b:boolean n:numeric f:float8");
    expect(t, "{\"i\":12,\"s\":\"x\",\"b\":true,\"n\":1.50,\"f\":0.1}",
           "+1 | 12 x t 1.50 0.1\n");
    expect(t, "{\"i\":\"12\",\"s\":12,\"b\":\"yes\",\"n\":\"1e2\",\"f\":1e400}",
           "! 22003 f: \"1e400\" is out of range for type double precision\n");
    expect(t,
           "{\"i\":\" 12 \",\"s\":true,\"b\":\"f\",\"n\":\"NaN\",\"f\":-0.0}",
           "+1 | 12 true f NaN -0\n");
    expect(t, "{\"i\":1.5}",
           "! 22P02 i: invalid input syntax for type integer: \"1.5\"\n");
    expect(t, "{\"i\":\"abc\"}",
           "! 22P02 i: invalid input syntax for type integer: \"abc\"\n");
    expect(t, "{\"i\":true,\"b\":2}",
           "! 22P02 i: invalid input syntax for type integer: \"true\"\n"
           "! 22P02 b: invalid input syntax for type boolean: \"2\"\n");
    expect(t, "{\"i\":2147483648}",
           "! 22003 i: value \"2147483648\" is out of range for type "
           "integer\n");
    expect(t, "{\"i\":1e2}",
           "! 22P02 i: invalid input syntax for type integer: \"1e2\"\n");
    table_free(t);
}

Test(json, missing_and_null_are_null_and_unknown_fields_ignored)
{
    table *t = table_new("i:int s:text");
    expect(t, "{}", "+1 | null null\n");
    expect(t, "{\"i\":null,\"x\":[1,{\"y\":2}],\"s\":null}",
           "+1 | null null\n");
    expect(t, "{\"s\":\"\"}", "+1 | null ''\n");
    table_free(t);
}

Test(json, null_in_a_not_null_column_is_a_fault_of_that_column)
{
    table *t = table_new("i:int not null s:text not null");
    expect(t, "{\"i\":null}",
           "! 23502 i: null value in column \"i\" violates not-null "
           "constraint\n"
           "! 23502 s: null value in column \"s\" violates not-null "
           "constraint\n");
    expect(t, "{\"i\":\"x\",\"s\":\"y\"}",
           "! 22P02 i: invalid input syntax for type integer: \"x\"\n");
    expect(t, "{\"i\":1,\"s\":\"y\"}", "+1 | 1 y\n");
    table_free(t);
}

Test(json, the_last_of_duplicate_names_wins)
{
    table *t = table_new("i:int b:text");
    table_col(t, "b")->path = "$.a.b";
    expect(t, "{\"i\":1,\"i\":2}", "+1 | 2 null\n");
    expect(t, "{\"i\":1,\"\\u0069\":3}", "+1 | 3 null\n");
    expect(t, "{\"i\":1,\"i\":null}", "+1 | null null\n");
    expect(t, "{\"a\":{\"b\":1},\"a\":{\"b\":2}}", "+1 | null 2\n");
    expect(t, "{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "+1 | null null\n");
    expect(t, "{\"a\":{\"b\":1},\"a\":5}", "+1 | null null\n");
    expect(t, "{\"a\":{\"b\":\"x\"},\"i\":7}", "+1 | 7 x\n");
    table_free(t);
}

Test(json, names_are_found_in_any_order_and_with_any_spelling)
{
    table *t = table_new("a:int b:int c:int");
    expect(t, "{\"a\":1,\"b\":2,\"c\":3}", "+1 | 1 2 3\n");
    expect(t, "{\"c\":3,\"b\":2,\"a\":1}", "+1 | 1 2 3\n");
    expect(t, "{\"x\":0,\"c\":3,\"xx\":0,\"b\":2,\"a\" :1}", "+1 | 1 2 3\n");
    expect(t, "{\"x\":0,\"c\":4,\"xx\":0,\"b\":2,\"a\":1}", "+1 | 1 2 4\n");
    expect(t, "{\"\\u0061\":5}", "+1 | 5 null null\n");
    expect(t, "{\"\\u0061\":6,\"aa\":7}", "+1 | 6 null null\n");
    expect(t, " { \"a\" : 1 , \"b\" : 2 } ", "+1 | 1 2 null\n");
    expect(t, "\xEF\xBB\xBF{\"a\":1}\r\n", "+1 | 1 null null\n");
    table_free(t);
}

Test(json, paths_reach_into_objects_and_arrays)
{
    table *t = table_new("a:int b:text c:int d:jsonb w:jsonb");
    table_col(t, "a")->path = "$.x.y";
    table_col(t, "b")->path = "$[\"k.ey\"]";
    table_col(t, "c")->path = "$.l[1].v";
    table_col(t, "d")->path = "$.x";
    table_col(t, "w")->path = "$";
    expect(t,
           "{\"x\":{\"y\":1, \"z\":[]},\"k.ey\":\"k\",\"l\":[0,{\"v\":3},9]}",
           "+1 | 1 k 3 '{\"y\": 1, \"z\": []}' '{\"l\": [0, {\"v\": 3}, 9], "
           "\"x\": {\"y\": 1, \"z\": []}, \"k.ey\": \"k\"}'\n");
    expect(t, "{\"x\":[1],\"l\":{\"v\":1}}",
           "+1 | null null null [1] '{\"l\": {\"v\": 1}, \"x\": [1]}'\n");
    expect(t, "{\"l\":[]}", "+1 | null null null null '{\"l\": []}'\n");
    table_free(t);
}

Test(json, a_path_that_is_none_is_refused_at_open)
{
    table *t = table_new("a:int");
    table_col(t, "a")->path = "a.b";
    expect_text(table_open(t),
                "column \"a\": path 'a.b': '$' is expected at byte 1");
    table_free(t);
}

Test(json, containers_in_text_columns_are_their_text)
{
    table *t = table_new("s:text i:int");
    expect(t, "{\"s\":{\"a\": [1,  2]}}", "+1 | '{\"a\": [1,  2]}' null\n");
    expect(t, "{\"s\":[1.50]}", "+1 | [1.50] null\n");
    expect(t, "{\"i\":[1]}",
           "! 22P02 i: invalid input syntax for type integer: \"[1]\"\n");
    table_free(t);
}

Test(json, jsonb_columns_take_any_value_as_it_stands)
{
    table *t = table_new("j:jsonb");
    expect(t, "{\"j\":\"x\\n\"}", "+1 | \"x\\n\"\n");
    expect(t, "{\"j\":1.50}", "+1 | 1.50\n");
    expect(t, "{\"j\":[true ,null]}", "+1 | '[true, null]'\n");
    expect(t, "{\"j\":null}", "+1 | null\n");
    table_free(t);
}

Test(json, arrays_fill_array_columns)
{
    table *t = table_new("i:int[] s:text[] j:jsonb[]");
    expect(t, "{\"i\":[1,\"2\",null],\"s\":[\"a b\",\"\\\"\",3,true]}",
           "+1 | {1,2,NULL} '{\"a b\",\"\\\"\",3,true}' null\n");
    expect(t, "{\"i\":[],\"s\":\"{x,y}\",\"j\":[{\"a\":1},\"s\"]}",
           "+1 | {} {x,y} '{\"{\\\"a\\\": 1}\",\"\\\"s\\\"\"}'\n");
    expect(t, "{\"i\":5,\"s\":{}}",
           "! 22P02 i: expected JSON array, found 5\n"
           "! 22P02 s: expected JSON array, found {}\n");
    expect(t, "{\"i\":[\"x\"],\"s\":[[1]]}",
           "! 22P02 i: invalid input syntax for type integer: \"x\"\n"
           "! 0A000 s: an array of arrays is not supported\n");
    table_free(t);
}

Test(json, strings_are_unescaped)
{
    table *t = table_new("s:text");
    expect(t, "{\"s\":\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"}",
           "+1 | 'a\"b\\c/d\b\f\n\r\t'\n");
    expect(t, "{\"s\":\"\\u00e9\\u20AC\\ud83d\\ude00\"}",
           "+1 | \u00e9\u20ac\U0001F600\n");
    expect(t, "{\"s\":\"\u00e9\u20ac\U0001F600\"}",
           "+1 | \u00e9\u20ac\U0001F600\n");
    table_free(t);
}

Test(json, text_is_borrowed_from_the_record)
{
    static const char record[] =
        "{\"s\":\"plain\",\"j\":{\"a\" : 1},\"e\":\"a\\nb\"}";
    table *t = table_new("s:text j:jsonb e:text");
    cr_assert_str_empty(table_open(t));
    cu_batch *b = cu_batch_new(t->a, t->schema, 1);
    cu_input in = t->in;
    in.value = cu_slice_of(record);
    cr_assert(cu_decode(t->d, &in, b, &t->faults));
    cr_expect(CU_COL(&b->cols[0], cu_slice)[0].data == record + 6);
    cr_expect(CU_COL(&b->cols[1], cu_slice)[0].data == record + 17);
    cr_expect_eq(CU_COL(&b->cols[1], cu_slice)[0].len, 9);
    cr_expect(CU_COL(&b->cols[2], cu_slice)[0].data < record ||
              CU_COL(&b->cols[2], cu_slice)[0].data > record + 50);
    cr_expect_null(b->cols[0].valid);
    table_free(t);
}

Test(json, malformed_texts_are_one_fault_with_its_place)
{
    static const char *const cases[][2] = {
        {"{\"a\":NaN}", BAD "token \"NaN\" is invalid at byte 6\n"},
        {"NaN", BAD "token \"NaN\" is invalid at byte 1\n"},
        {"{\"a\":tru}", BAD "token \"tru\" is invalid at byte 6\n"},
        {"{\"a\":truex}", BAD "token \"truex\" is invalid at byte 6\n"},
        {"{\"a\":01}", BAD "token \"01\" is invalid at byte 6\n"},
        {"{\"a\":+1}", BAD "token \"+1\" is invalid at byte 6\n"},
        {"{\"a\":.5}", BAD "token \".5\" is invalid at byte 6\n"},
        {"{\"a\":1,}", BAD "token \"}\" is invalid at byte 8\n"},
        {"{\"a\" 1}", BAD "token \"1\" is invalid at byte 6\n"},
        {"{a:1}", BAD "token \"a\" is invalid at byte 2\n"},
        {"{\"a\":1}x", BAD "token \"x\" is invalid at byte 8\n"},
        {"{\"a\":1}{}", BAD "token \"{\" is invalid at byte 8\n"},
        {"{\"a\":1", BAD "the input string ended unexpectedly at byte 7\n"},
        {"{\"a\":\"x", BAD "the input string ended unexpectedly at byte 8\n"},
        {"{\"a\":\"\n\"}",
         BAD "character with value 0x0a must be escaped at byte 7\n"},
        {"{\"a\":\"\\x\"}",
         BAD "escape sequence \"\\x\" is invalid at byte 7\n"},
        {"{\"a\":\"\\u12g4\"}",
         BAD "escape sequence \"\\u12g4\" is invalid at byte 7\n"},
        {"{\"a\":\"\\ud800\"}",
         BAD "Unicode low surrogate must follow a high surrogate at byte 7\n"},
        {"{\"a\":\"\\ude00\"}",
         BAD "Unicode low surrogate must follow a high surrogate at byte 7\n"},
        {"{\"a\":\"\\u0000\"}",
         "! 22P05 -: unsupported Unicode escape sequence: \\u0000 cannot be "
         "converted to text at byte 7\n"},
        {"{\"a\":\"\xff\"}", "! 22021 -: invalid byte sequence for encoding "
                             "\"UTF8\": 0xff at byte 7\n"},
        {"{\"a\":\"\xe2\x28\xa1\"}",
         "! 22021 -: invalid byte sequence for encoding \"UTF8\": 0xe2 0x28 "
         "0xa1 at byte 7\n"},
        {"{\"a\":\"\xed\xa0\x80\"}",
         "! 22021 -: invalid byte sequence for encoding \"UTF8\": 0xed 0xa0 "
         "0x80 at byte 7\n"},
        {"[1]", "! 22023 -: cannot read columns from a JSON array: a record "
                "must be a JSON object\n"},
        {"7", "! 22023 -: cannot read columns from a JSON scalar: a record "
              "must be a JSON object\n"},
        {"null", "! 22023 -: cannot read columns from a JSON scalar: a record "
                 "must be a JSON object\n"},
        {"\"x\"", "! 22023 -: cannot read columns from a JSON scalar: a record "
                  "must be a JSON object\n"},
        {"", ""},
        {" \r\n", ""},
    };
    /* Declared, not declared, nested below what is declared: all the same. */
    static const char *const tables[] = {"a:text", "z:text", "a:jsonb"};
    for (size_t k = 0; k < 3; k++) {
        table *t = table_new(tables[k]);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
            expect(t, cases[i][0], cases[i][1]);
        table_free(t);
    }
}

static const char *const bad[] = {
    "1e999999",
    "1e-99999",
    "1.",
    "1.e5",
    "1e",
    "1e+",
    "-",
    "-a",
    "--1",
    "0x10",
    "1_000",
    "1\"a\"",
    "'x'",
    "nul",
    "nullx",
    "Infinity",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\"1",
    "{1:2}",
    "[",
    "]",
    "{]",
    "[}",
    "\"a\"\"b\"",
    "\"a\" \"b\"",
    "\"\\u12\"",
    "\"\\ud800x\"",
    "\"\\ud800\\u0041\"",
    "\"\\ud800\\n\"",
    "// x",
    "\x01",
    "\x7f",
    "\"\t\"",
    "{\"a\":1 \"b\":2}",
    "{\"\\x\":1}",
    "{\"\\u0000\":1}",
    "{\"a\":1,\"a\"",
    "\f",
    "\v1",
};
static const char *const good[] = {
    "1e999",
    "1e-0999",
    "0",
    "-0",
    "-0.0",
    "1E5",
    "1e-5",
    "1.25e+10",
    "true",
    "false",
    "null",
    "\"\"",
    "[]",
    "{}",
    "[[[]]]",
    "[{}]",
    "\"\\ud83d\\ude00\"",
    "\"/\"",
    "\"\x7f\"",
    "[1 , 2]",
    "{\"\":1}",
    "\"\\\\\"",
    "\"\\\"\"",
    "[\"\\\\\", 1]",
    "123456789012345678901234567890.123",
};

Test(json, what_is_valid_does_not_depend_on_what_is_declared)
{
    table *plain = table_new("z:text"), *deep = table_new("z:text");
    table_col(deep, "z")->path = "$.v.a";
    for (int i = 0; i < 2; i++) {
        table *t = i ? deep : plain;
        for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
            char *text = cu_arena_printf(t->a, "{\"v\":%s}", bad[k]);
            table_say(t, text);
            cr_expect_eq(t->faults.n, 1, "%s is accepted", text);
        }
        for (size_t k = 0; k < sizeof(good) / sizeof(good[0]); k++) {
            char *text = cu_arena_printf(t->a, "{\"v\":%s}", good[k]);
            table_say(t, text);
            cr_expect_eq(t->faults.n, 0, "%s is refused: %s", text,
                         t->out.data);
        }
        table_free(t);
    }
}

static char *nested(cu_arena *a, int levels)
{
    char *text = cu_arena_alloc(a, (size_t)levels * 6 + 20);
    char *p = text;
    for (int i = 0; i < levels; i++, p += 5)
        memcpy(p, "{\"a\":", 5);
    *p++ = '1';
    for (int i = 0; i < levels; i++)
        *p++ = '}';
    *p = 0;
    return text;
}

Test(json, two_hundred_levels_pass_and_more_than_a_thousand_do_not)
{
    table *t = table_new("z:text");
    cr_expect_str_eq(table_say(t, nested(t->a, 200)), "+1 | null\n");
    cr_expect_str_eq(table_say(t, nested(t->a, 1000)), "+1 | null\n");
    expect(t, nested(t->a, 1001),
           "! 54001 -: JSON is nested deeper than 1000 levels at byte 5001\n");
    table_say(t, nested(t->a, 100000));
    cr_expect_eq(t->faults.n, 1);
    table_free(t);
}

Test(json, a_large_document_is_borrowed_whole)
{
    table *t = table_new("body:jsonb n:int");
    table_col(t, "body")->path = "$";
    table_col(t, "n")->path = "$.n";
    cr_assert_str_empty(table_open(t));
    cu_buf b = {0};
    cu_buf_put_str(&b, "{\"n\":7,\"works\":[");
    for (int i = 0; b.len < (4u << 20); i++)
        cu_buf_printf(&b,
                      "%s{\"key\":\"/works/OL%dW\",\"title\":\"T \\u00e9\"}",
                      i ? "," : "", i);
    cu_buf_put_str(&b, "]}");
    cu_input in = t->in;
    in.value = cu_buf_slice(&b);
    size_t used = cu_arena_used_bytes(t->a);
    cu_batch *batch = cu_batch_new(t->a, t->schema, 1);
    cr_assert(cu_decode(t->d, &in, batch, &t->faults));
    cr_expect(CU_COL(&batch->cols[0], cu_slice)[0].data == b.data);
    cr_expect_eq(CU_COL(&batch->cols[0], cu_slice)[0].len, b.len);
    cr_expect_eq(CU_COL(&batch->cols[1], int32_t)[0], 7);
    cr_expect(cu_arena_used_bytes(t->a) - used < 4096);
    expect(t, "[1]", "+1 | [1] null\n");
    expect(t, "1",
           "! 22023 -: cannot read columns from a JSON scalar: a record must "
           "be a JSON object\n");
    cu_buf_free(&b);
    table_free(t);
}

Test(json, all_faults_of_a_record_are_in_one_letter)
{
    table *t = table_new("a:int b:date c:uuid d:int not null");
    expect(t, "{\"a\":\"x\",\"b\":\"2024-02-30\",\"c\":\"u\"}",
           "! 22P02 a: invalid input syntax for type integer: \"x\"\n"
           "! 22008 b: date/time field value out of range: \"2024-02-30\"\n"
           "! 22P02 c: invalid input syntax for type uuid: \"u\"\n"
           "! 23502 d: null value in column \"d\" violates not-null "
           "constraint\n");
    table_free(t);
}

Test(json, more_than_sixteen_faults_are_counted_not_kept)
{
    cu_buf columns = {0}, record = {0};
    cu_buf_put_u8(&record, '{');
    for (int i = 0; i < 20; i++) {
        cu_buf_printf(&columns, "c%d:int ", i);
        cu_buf_printf(&record, "%s\"c%d\":\"x\"", i ? "," : "", i);
    }
    cu_buf_put_str(&record, "}");
    cu_buf_put_u8(&record, 0);
    cu_buf_put_u8(&columns, 0);
    table *t = table_new(columns.data);
    table_say(t, record.data);
    cr_expect_eq(t->faults.n, 20);
    cr_expect_str_eq(t->faults.items[15].column, "c15");
    table_free(t);
    cu_buf_free(&columns);
    cu_buf_free(&record);
}

Test(json, a_refused_record_leaves_the_batch_as_it_was)
{
    static const char *const records[] = {
        "{\"i\":1,\"s\":\"a\"}", "{\"i\":2,\"s\":\"b\",\"d\":\"x\"}",
        "{\"s\":\"c\"}", "{\"i\":", "{\"i\":4}"};
    table *t = table_new("i:int s:text d:date");
    cr_assert_str_empty(table_open(t));
    cu_batch *b = cu_batch_new(t->a, t->schema, 8);
    for (size_t i = 0; i < 5; i++) {
        cu_input in = t->in;
        in.value = cu_slice_of(records[i]);
        cu_decode(t->d, &in, b, &t->faults);
    }
    cu_batch_seal(b);
    cu_batch_print(b, &t->out);
    cu_buf_put_u8(&t->out, 0);
    cr_expect_str_eq(t->out.data,
                     "+1 | 1 a null\n+1 | null c null\n+1 | 4 null null\n");
    table_free(t);
}

Test(json, many_names_and_long_names_are_found)
{
    cu_buf columns = {0}, record = {0}, want = {0};
    cu_buf_put_u8(&record, '{');
    cu_buf_put_str(&want, "+1 |");
    for (int i = 0; i < 60; i++) {
        cu_buf_printf(&columns,
                      "a_rather_long_name_of_a_column_that_no_guess_can_hold_"
                      "%d:int ",
                      i);
        /* Unknown names between push the known ones beyond the guesses. */
        cu_buf_printf(&record,
                      "%s\"x%d\":0,\"y%d\":1,\"a_rather_long_name_of_a_column_"
                      "that_no_guess_can_hold_%d\":%d",
                      i ? "," : "", i, i, i, i);
        cu_buf_printf(&want, " %d", i);
    }
    cu_buf_put_str(&record, "}");
    cu_buf_put_str(&want, "\n");
    cu_buf_put_u8(&record, 0);
    cu_buf_put_u8(&columns, 0);
    cu_buf_put_u8(&want, 0);
    table *t = table_new(columns.data);
    expect(t, record.data, want.data);
    expect(t, record.data, want.data);
    table_free(t);
    cu_buf_free(&columns);
    cu_buf_free(&record);
    cu_buf_free(&want);
}
