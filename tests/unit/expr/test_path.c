/* SQL/JSON paths: what parses, what does not, and what PostgreSQL 15 answers
 * (type, value; or "" and the error). Written by asking it; add lines the same
 * way. */
#include <criterion/criterion.h>

#include "base/alloc.h"
#include "processors/expr/path.h"
#include "tests/unit/expr/mini.h"

static const pg_case grammar[] = {
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '')", "",
     "22P02 invalid input syntax for type jsonpath: \"\""},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$')",
     "jsonb", "[{\"a\": [1, 2], \"b\": \"x\"}]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, 'lax "
     "$.a')",
     "jsonb", "[[1, 2]]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, 'strict "
     "$.a')",
     "jsonb", "[[1, 2]]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, 'STRICT "
     "$.z')",
     "", "2203A JSON object does not contain key \"z\""},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'1.type()')",
     "",
     "42601 trailing junk after numeric literal at or near \"1.t\" of "
     "jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.1a')",
     "",
     "42601 trailing junk after numeric literal at or near \".1a\" of "
     "jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '01')", "",
     "42601 trailing junk after numeric literal at or near \"01\" of jsonpath "
     "input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a.1')",
     "", "42601 syntax error at or near \".1\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '1.')",
     "jsonb", "[1]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '1.e1')",
     "jsonb", "[10]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '.5')",
     "jsonb", "[0.5]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '\"ab')",
     "", "42601 unexpected end of quoted string at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$ /* x')",
     "", "42601 unexpected end of comment at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$ /* x "
     "*/ .a')",
     "jsonb", "[[1, 2]]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a ?')",
     "", "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a ? "
     "(@.x > )')",
     "", "42601 syntax error at or near \")\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '@.a')",
     "", "42601 @ is not allowed in root expressions"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, 'last')",
     "", "42601 LAST is allowed only in array subscripts"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'$.a[last]')",
     "jsonb", "[2]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a + ')",
     "", "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a == 1 "
     "== 2')",
     "", "42601 syntax error at or near \"==\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '($.a == "
     "1) == 2')",
     "", "42601 syntax error at or near \"==\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '! $.a')",
     "", "42601 syntax error at or near \"$\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '!($.a == "
     "1)')",
     "jsonb", "[false]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'!exists($.a)')",
     "jsonb", "[false]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '!!($.a "
     "== 1)')",
     "", "42601 syntax error at or near \"!\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '($.a == "
     "1) is unknown')",
     "jsonb", "[false]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'(exists($.a)) is unknown')",
     "jsonb", "[false]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'exists($.a)')",
     "jsonb", "[true]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'exists($.a > 1)')",
     "", "42601 syntax error at or near \">\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'(exists($.a)).type()')",
     "jsonb", "[\"boolean\"]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'exists($.a).type()')",
     "", "42601 syntax error at or near \".\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.b "
     "like_regex \"x\" flag \"z\"')",
     "", "42601 invalid input syntax for type jsonpath"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.b "
     "like_regex \"x\" flag \"x\"')",
     "",
     "0A000 XQuery \"x\" flag (expanded regular expressions) is not "
     "implemented"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.b "
     "like_regex \"X\" flag \"i\"')",
     "jsonb", "[true]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.b "
     "like_regex 1')",
     "", "42601 syntax error at or near \"1\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, 'TRUE')",
     "", "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.true')",
     "jsonb", "[]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'$.foo()')",
     "", "42601 syntax error at or near \"(\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a.size "
     "( )')",
     "jsonb", "[2]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.b "
     "starts with \"x\"')",
     "jsonb", "[true]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.b "
     "starts with 1')",
     "", "42601 syntax error at or near \"1\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'\"\\u0000\"')",
     "", "22P05 unsupported Unicode escape sequence"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'\"\\ud83d\"')",
     "", "22P02 invalid input syntax for type jsonpath"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'\"\\ud83d\\ude00\"')",
     "jsonb", "[\"\360\237\230\200\"]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'\"\\x4\"')",
     "",
     "42601 invalid hex character sequence at or near \"\\x4\" of jsonpath "
     "input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'\"\\x41\\q\\t\"')",
     "jsonb", "[\"Aq\\t\"]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'\"\\u{110000}\"')",
     "", "42601 invalid Unicode code point"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a[$.b "
     "> 1]')",
     "", "42601 syntax error at or near \">\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a ? "
     "(1)')",
     "", "42601 syntax error at or near \")\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a = "
     "1')",
     "", "42601 syntax error at or near \"=\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a.')",
     "", "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$..a')",
     "", "42601 syntax error at or near \".\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a[*')",
     "", "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a[]')",
     "", "42601 syntax error at or near \"]\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'$.a[0,]')",
     "", "42601 syntax error at or near \"]\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'$.**{-1}')",
     "", "42601 syntax error at or near \"-\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.**{1 "
     "to last}')",
     "jsonb", "[[1, 2], 1, 2, \"x\"]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$a')", "",
     "42704 could not find jsonpath variable \"a\""},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$\"a "
     "b\"')",
     "", "42704 could not find jsonpath variable \"a b\""},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$ $')",
     "", "42601 syntax error at or near \"$\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '($.a)')",
     "jsonb", "[[1, 2]]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'(($.a))[0]')",
     "jsonb", "[1]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '((1))')",
     "jsonb", "[1]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '(')", "",
     "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '1 +')",
     "", "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '- 1')",
     "jsonb", "[-1]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '-')", "",
     "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '* 1')",
     "", "42601 syntax error at or near \"*\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '1 * -2')",
     "jsonb", "[-2]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '1 - -2')",
     "jsonb", "[3]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$ && $')",
     "", "42601 syntax error at or near \"&&\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a == 1 "
     "&& 2')",
     "", "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a ? (@ "
     "== 1 || @ == 2 && @ == 3)')",
     "jsonb", "[1]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '(1 + 2')",
     "", "42601 syntax error at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a[0 "
     "to]')",
     "", "42601 syntax error at or near \"]\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '#')", "",
     "42601 syntax error at or near \"#\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.a#')",
     "", "42601 syntax error at or near \"#\" of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, '$.\"a')",
     "", "42601 unexpected end of quoted string at end of jsonpath input"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'$.\"a\"')",
     "jsonb", "[[1, 2]]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'$.\\u0061')",
     "jsonb", "[[1, 2]]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'\\u0074rue')",
     "jsonb", "[true]"},
    {"jsonb_path_query_array('{\"a\": [1, 2], \"b\": \"x\"}'::jsonb, "
     "'$.datetime')",
     "jsonb", "[]"},
};

static const pg_case walking[] = {
    {"jsonb_path_query_array('{\"bb\": 1, \"a\": 2, \"a\": 3}'::jsonb, '$.*')",
     "jsonb", "[3, 1]"},
    {"jsonb_path_query_array('{\"a\": [{\"b\": 1}, {\"b\": [2, 3]}]}'::jsonb, "
     "'$.a.b')",
     "jsonb", "[1, [2, 3]]"},
    {"jsonb_path_query_array('{\"a\": [{\"b\": 1}]}'::jsonb, 'strict $.a.b')",
     "", "2203A jsonpath member accessor can only be applied to an object"},
    {"jsonb_path_query_array('[1, 2, 3]'::jsonb, '$[*] ? (@ > $[0])')", "jsonb",
     "[2, 3]"},
    {"jsonb_path_query_array('{\"a\": {\"b\": 1, \"c\": [{\"b\": "
     "2}]}}'::jsonb, '$.**.b')",
     "jsonb", "[1, 2, 2]"},
    {"jsonb_path_query_array('{\"a\": 1, \"b\": {\"c\": 2}}'::jsonb, "
     "'$.keyvalue()')",
     "jsonb",
     "[{\"id\": 0, \"key\": \"a\", \"value\": 1}, {\"id\": 0, \"key\": \"b\", "
     "\"value\": {\"c\": 2}}]"},
    {"jsonb_path_query_array('{\"a\": 1, \"b\": {\"c\": 2}}'::jsonb, "
     "'$.b.keyvalue().id')",
     "jsonb", "[32]"},
    {"jsonb_path_query_array('[1]'::jsonb, 'strict $[5]')", "",
     "22033 jsonpath array subscript is out of bounds"},
    {"jsonb_path_query_array('[1, 2]'::jsonb, '$[1 to 0]')", "jsonb", "[]"},
    {"jsonb_path_query_array('[1, 2]'::jsonb, 'strict $[1 to 0]')", "",
     "22033 jsonpath array subscript is out of bounds"},
    {"jsonb_path_query_array('{\"a\": 1}'::jsonb, '$.a / 0')", "",
     "22012 division by zero"},
    {"jsonb_path_query_array('[\"1e1000\"]'::jsonb, '$[*].double()')", "",
     "22036 string argument of jsonpath item method .double() is not a valid "
     "representation of a double precision number"},
    {"jsonb_path_exists('[1, \"a\"]'::jsonb, '$[*].double()')", "boolean", "t"},
    {"jsonb_path_exists('[1, \"a\"]'::jsonb, 'strict $[*].double()')", "",
     "22036 string argument of jsonpath item method .double() is not a valid "
     "representation of a double precision number"},
    {"jsonb_path_exists('{}'::jsonb, 'strict $.a', '{}', true)", "boolean",
     "NULL"},
    {"jsonb_path_match('{\"a\": 1}'::jsonb, '$.a')", "",
     "22038 single boolean result is expected"},
    {"jsonb_path_match('{\"a\": 1}'::jsonb, '$.a == \"x\"')", "boolean",
     "NULL"},
    {"jsonb_path_query_first('[]'::jsonb, '$[*]')", "jsonb", "NULL"},
    {"jsonb_path_query_array('[1, \"a\", 2]'::jsonb, '$[*].double()', '{}', "
     "true)",
     "jsonb", "[1]"},
    {"jsonb_path_query_array('[1]'::jsonb, '$x', '{}')", "",
     "42704 could not find jsonpath variable \"x\""},
    {"jsonb_path_query_array('[1]'::jsonb, '$', '[]')", "",
     "22023 \"vars\" argument is not an object"},
    {"'{\"a\": [1, 2]}'::jsonb @? '$.a[*] ? (@ > 1)'", "boolean", "t"},
    {"'{\"a\": [1, 2]}'::jsonb @@ '$.a[*] > 5'", "boolean", "f"},
};

Test(path, the_grammar_is_postgresqls)
{
    check_cases(grammar, sizeof(grammar) / sizeof(*grammar));
}

Test(path, walking_is_postgresqls)
{
    check_cases(walking, sizeof(walking) / sizeof(*walking));
}

/* One state for all: what is refused, and how. */
static uint32_t refused(const char *text, const char **words)
{
    static char kept[240];
    cu_arena *a = cu_arena_new(0);
    cu_jsonpath path;
    cu_err err = {.code = CU_OK};
    int rc = cu_jsonpath_parse(cu_slice_of(text), a, &path, &err);
    memcpy(kept, err.msg, sizeof(kept));
    *words = kept;
    cu_arena_free(a);
    return rc ? err.sqlstate : 0;
}

Test(path, depth_is_limited)
{
    cu_buf deep = {0}, wide = {0};
    const char *words;
    for (int i = 0; i < 1000; i++)
        cu_buf_put_str(&deep, "(");
    cu_buf_put_u8(&deep, 0);
    for (int i = 0; i < 5000; i++)
        cu_buf_put_str(&wide, "1 + ");
    cu_buf_put_str(&wide, "1");
    cu_buf_put_u8(&wide, 0);
    cr_expect_eq(refused(deep.data, &words),
                 CU_SQLSTATE('5', '4', '0', '0', '1'));
    cr_expect_str_eq(words, "stack depth limit exceeded");
    cr_expect_eq(refused(wide.data, &words),
                 CU_SQLSTATE('5', '4', '0', '0', '1'));
    cu_buf_free(&deep);
    cu_buf_free(&wide);
}

Test(path, what_is_missing_is_refused_by_name)
{
    const char *words;
    cr_expect_eq(refused("$.a.datetime()", &words),
                 CU_SQLSTATE('0', 'A', '0', '0', '0'));
    cr_expect_str_eq(words,
                     "jsonpath item method .datetime() is not supported");
    cr_expect_eq(refused("$ like_regex \"(\"", &words),
                 CU_SQLSTATE('2', '2', '0', '1', 'B'));
}

Test(path, a_memo_remembers_and_forgets)
{
    cu_memo *m = cu_memo_new();
    const cu_jsonpath *first, *again;
    char text[16];
    cu_err err;
    cr_assert_eq(cu_jsonpath_get(m, CU_LIT("$.a"), &first, &err), 0);
    cr_assert_eq(cu_jsonpath_get(m, CU_LIT("$.a"), &again, &err), 0);
    cr_expect_eq(first, again);
    for (int i = 0; i < 100; i++) {
        text[0] = '$';
        text[1] = '.';
        text[2] = (char)('a' + i % 26);
        text[3] = (char)('a' + i / 26);
        cr_assert_eq(cu_jsonpath_get(m, (cu_slice){text, 4}, &again, &err), 0);
        cr_assert_eq(again->root->next->text.data[0], text[2]);
    }
    cr_expect_neq(cu_jsonpath_get(m, CU_LIT("$."), &again, &err), 0);
    cu_memo_free(m);
}
