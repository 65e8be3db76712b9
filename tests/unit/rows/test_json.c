/* JSON: what is valid, what is where, what is equal, what is printed. */
#include "rows/json.h"

#include "rows/batch.h"
#include "tests/unit/rows/help.h"

#include <criterion/criterion.h>

static bool valid(const char *s)
{
    return cu_json_validate(cu_slice_of(s), 100, NULL);
}

Test(json, the_grammar_is_rfc_8259)
{
    static const char *const good[] = {"{}",
                                       " [ ] ",
                                       "0",
                                       "-0",
                                       "1.5e+10",
                                       "\"\"",
                                       "null",
                                       "true",
                                       "false",
                                       "{\"a\":[1,2,{\"b\":null}]}",
                                       "\"\\u00e9\\ud83d\\ude00\\/\\b\"",
                                       "\"\xc3\xa6\"",
                                       "[1,\n\t2\r]",
                                       "1e131071",
                                       "\"a longer string, over 8\""};
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "[",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{\"a\"}",
                                      "{a:1}",
                                      "[1 2]",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "-",
                                      "1e",
                                      "tru",
                                      "nul",
                                      "True",
                                      "\"",
                                      "\"\\x\"",
                                      "\"\t\"",
                                      "\"\\u12\"",
                                      "1 2",
                                      "[1}",
                                      "{\"a\":1]",
                                      "NaN",
                                      "'a'",
                                      "[,1]",
                                      "\"\\u0000\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\xff\"",
                                      "\"\xc3\"",
                                      "1e131072",
                                      "1e-16384",
                                      "\"a longer one\n\""};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        cr_expect(valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        cr_expect(!valid(bad[i]), "%s", bad[i]);
    cr_expect(!cu_json_validate(cu_slice_n("\"\0\"", 3), 9, NULL));
}

Test(json, depth_is_limited_and_the_fault_is_located)
{
    size_t at = 0;
    cr_expect(cu_json_validate(CU_LIT("[[1]]"), 2, &at));
    cr_expect(!cu_json_validate(CU_LIT("[[1]]"), 1, &at));
    cr_expect_eq(at, 1);
    cr_expect(!cu_json_validate(CU_LIT("{\"a\": tru}"), 9, &at));
    cr_expect_eq(at, 6);
    char deep[10001];
    memset(deep, '[', 5000);
    memset(deep + 5000, ']', 5000);
    cr_expect(!cu_json_validate(cu_slice_n(deep, 10000), 1000000, &at));
}

/* Every cut of a text: no crash, and only the whole is valid. */
Test(json, a_prefix_of_a_container_is_never_valid)
{
    const char *text = "{\"k\\n\":[1,-2.5e3,\"\\ud83d\\ude00\",{\"x\":true}],"
                       "\"long enough for wide steps\":null}";
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char *part = malloc(i + 1);
        memcpy(part, text, i);
        cr_assert(!cu_json_validate(cu_slice_n(part, i), 10, NULL), "%zu", i);
        free(part);
    }
    cr_assert(valid(text));
}

static void expect_member(const char *object, const char *key,
                          const char *expected)
{
    cu_arena *a = cu_arena_new(0);
    size_t n = strlen(object);
    char *exact = malloc(n); /* nothing may be read behind it */
    memcpy(exact, object, n);
    cu_slice v = cu_json_member(cu_slice_n(exact, n), cu_slice_of(key), a);
    if (expected)
        cr_expect(cu_slice_is(v, expected), "%s in %s: %.*s", key, object,
                  (int)v.len, v.data ? v.data : "");
    else
        cr_expect_null(v.data, "%s in %s", key, object);
    free(exact);
    cu_arena_free(a);
}

Test(json, a_member_is_found_by_its_unescaped_key)
{
    expect_member("{\"a\":1,\"b\":\"x\"}", "b", "\"x\"");
    expect_member(" { \"a\" : { \"b\" : 2 } , \"b\" : [ 1 ] } ", "b", "[ 1 ]");
    expect_member("{\"a\":1}", "x", NULL);
    expect_member("{\"a\":1}", "", NULL);
    expect_member("{\"\":1}", "", "1");
    expect_member("{}", "a", NULL);
    expect_member("[1]", "a", NULL);
    expect_member("7", "a", NULL);
    expect_member("{\"a\":1,\"a\":2}", "a", "2");
    expect_member("{\"\\u0061\":1}", "a", "1");
    expect_member("{\"a\\\"b\":1}", "a\"b", "1");
    expect_member("{\"a\\\\\":1}", "a\\", "1");
    expect_member("{\"a\\\\\":1}", "a\\\\", NULL);
    expect_member("{\"s\":\"}],{\\\"t\\\":\",\"t\":\"a string of more than "
                  "sixteen bytes \\\" and a quote\",\"u\":true}",
                  "u", "true");
    expect_member("{\"deep\":[[[{\"x\":\"]]]\"}]]],\"t\":1.5e3}", "t", "1.5e3");
}

Test(json, elements_count_from_either_end)
{
    cu_slice array = CU_LIT(" [1, \"two\", [3], {\"f\":4}] ");
    cr_expect(cu_slice_is(cu_json_element(array, 0), "1"));
    cr_expect(cu_slice_is(cu_json_element(array, 2), "[3]"));
    cr_expect(cu_slice_is(cu_json_element(array, -1), "{\"f\":4}"));
    cr_expect(cu_slice_is(cu_json_element(array, -4), "1"));
    cr_expect_null(cu_json_element(array, 4).data);
    cr_expect_null(cu_json_element(array, -5).data);
    cr_expect_null(cu_json_element(CU_LIT("{\"a\":1}"), 0).data);
    cr_expect_eq(cu_json_array_length(array), 4);
    cr_expect_eq(cu_json_array_length(CU_LIT("[ ]")), 0);
}

Test(json, iterating_gives_members_in_the_order_of_the_text)
{
    cu_json_iter it = cu_json_iter_of(CU_LIT("{\"b\" : 1 , \"a\":[2,3]}"));
    cu_slice k, v;
    cr_assert(cu_json_next(&it, &k, &v));
    cr_expect(cu_slice_is(k, "\"b\""));
    cr_expect(cu_slice_is(v, "1"));
    cr_assert(cu_json_next(&it, &k, &v));
    cr_expect(cu_slice_is(k, "\"a\""));
    cr_expect(cu_slice_is(v, "[2,3]"));
    cr_expect(!cu_json_next(&it, &k, &v));
}

Test(json, text_is_what_the_arrow_operator_gives)
{
    static const char *const table[][2] = {
        {"\"a\\u00e9\\n\\ud83d\\ude00\"", "a\xc3\xa9\n\xf0\x9f\x98\x80"},
        {"\"plain\"", "plain"},
        {"\"\"", ""},
        {"1e2", "100"},
        {"1.50", "1.50"},
        {"-0", "0"},
        {"-0.00", "0.00"},
        {"1E-3", "0.001"},
        {"true", "true"},
        {"{\"bb\":1,\"a\":[1,2],\"a\":{}}", "{\"a\": {}, \"bb\": 1}"},
        {"[1,\"x\",null]", "[1, \"x\", null]"},
    };
    cu_arena *a = cu_arena_new(0);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        cu_slice s = cu_json_text(cu_slice_of(table[i][0]), a);
        cr_expect(cu_slice_is(s, table[i][1]), "%s: %.*s", table[i][0],
                  (int)s.len, s.data);
    }
    cr_expect_null(cu_json_text(CU_LIT("null"), a).data);
    cu_slice plain = CU_LIT("\"borrowed\"");
    cr_expect_eq(cu_json_text(plain, a).data, plain.data + 1);
    cu_arena_free(a);
}

Test(json, the_canonical_form_is_that_of_jsonb)
{
    static const struct form forms[] = {
        {"jsonb", "{\"b\":1,\"a\":[1,2,{\"c\":null}],\"a\":2}",
         "{\"a\": 2, \"b\": 1}"},
        {"jsonb", "[1,2.50,-0,-0.0,1e2,1E-3,true]",
         "[1, 2.50, 0, 0.0, 100, 0.001, true]"},
        {"jsonb", "{\"aa\":1,\"b\":2,\"\":3}",
         "{\"\": 3, \"b\": 2, \"aa\": 1}"},
        {"jsonb", "\"a\\u00e9\\n\\/\\u007f\\u0001\\u001f\\t\\\"\"",
         "\"a\xc3\xa9\\n/\x7f\\u0001\\u001f\\t\\\"\""},
        {"jsonb", " { } ", "{}"},
        {"jsonb", "[ ]", "[]"},
        {"jsonb", "{\"a\"", "22P02"},
        {NULL, NULL, NULL},
    };
    check_forms(forms, NULL);
}

Test(json, an_object_of_many_members_is_sorted_too)
{
    cu_buf in = {0}, out = {0}, expected = {0};
    cu_buf_put_u8(&in, '{');
    cu_buf_put_u8(&expected, '{');
    for (int i = 99; i >= 0; i--)
        cu_buf_printf(&in, "\"%03d\":%d%s", i, i, i ? "," : "}");
    for (int i = 0; i < 100; i++)
        cu_buf_printf(&expected, "\"%03d\": %d%s", i, i, i < 99 ? ", " : "}");
    cu_json_canonical(cu_buf_slice(&in), &out);
    cr_expect(cu_slice_eq(cu_buf_slice(&out), cu_buf_slice(&expected)));
    cu_buf_free(&in);
    cu_buf_free(&out);
    cu_buf_free(&expected);
}

Test(json, the_order_is_that_of_jsonb)
{
    /* As PostgreSQL sorts them. */
    static const char *const sorted[] = {
        "[]",         "null",      "\"\"",
        "\"a\"",      "\"b\"",     "-1",
        "0",          "1.5",       "10",
        "false",      "true",      "[\"z\"]",
        "[1]",        "[[]]",      "[1,1]",
        "[1,2]",      "{}",        "{\"a\":1}",
        "{\"a\":[]}", "{\"b\":0}", "{\"b\":0,\"aa\":0}"};
    size_t n = sizeof(sorted) / sizeof(*sorted);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            int order = cu_json_cmp(cu_slice_of(sorted[i]),
                                    cu_slice_of(sorted[j]));
            cr_expect_eq((order > 0) - (order < 0), (i > j) - (i < j),
                         "%s against %s", sorted[i], sorted[j]);
        }
    cr_expect_eq(cu_json_cmp(CU_LIT("{\"a\":1.0,\"b\":[ ]}"),
                             CU_LIT("{\"b\":[],\"a\":1}")),
                 0);
}

Test(json, containment_is_that_of_jsonb)
{
    static const struct {
        const char *a, *b;
        bool yes;
    } table[] = {
        {"{\"a\":1,\"b\":2}", "{\"a\":1.0}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1}}", true},
        {"{\"a\":[1,2]}", "{\"a\":[2]}", true},
        {"{\"a\":[1,2]}", "{\"a\":2}", false},
        {"[1,2,3]", "[3,1,1]", true},
        {"[1,[2,3]]", "[[3]]", true},
        {"[1,[2,3]]", "[3]", false},
        {"[\"a\",\"b\"]", "\"b\"", true},
        {"\"b\"", "[\"b\"]", false},
        {"\"b\"", "\"b\"", true},
        {"{\"a\":1}", "\"a\"", false},
        {"{}", "[]", false},
        {"[]", "[]", true},
        {"{\"a\":1,\"a\":2}", "{\"a\":1}", false},
        {"{\"a\":null}", "{\"a\":null}", true},
        {"{}", "{\"a\":null}", false},
        {"[{\"a\":1,\"b\":2}]", "[{\"b\":2}]", true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        cr_expect_eq(
            cu_json_contains(cu_slice_of(table[i].a), cu_slice_of(table[i].b)),
            table[i].yes, "%s @> %s", table[i].a, table[i].b);
}

static void expect_json(const char *type, const char *text,
                        const char *expected)
{
    cu_arena *a = cu_arena_new(0);
    cu_value v = value_of(a, type, text);
    cu_col c = cu_col_const(a, &v);
    cu_buf out = {0};
    cu_json_put_value(&c, 5, &out);
    cr_expect(cu_slice_is(cu_buf_slice(&out), expected), "%s '%s': %.*s", type,
              text, (int)out.len, out.data);
    cr_expect(cu_json_validate(cu_buf_slice(&out), 9, NULL));
    cu_buf_free(&out);
    cu_arena_free(a);
}

Test(json, every_type_has_a_json_form)
{
    expect_json("int", "null", "null");
    expect_json("bool", "t", "true");
    expect_json("int8", "-9223372036854775808", "-9223372036854775808");
    expect_json("float8", "0.1", "0.1");
    expect_json("float8", "1e300", "1e+300");
    expect_json("float8", "NaN", "\"NaN\"");
    expect_json("float4", "-inf", "\"-Infinity\"");
    expect_json("numeric", "1.50", "1.50");
    expect_json("numeric", "inf", "\"Infinity\"");
    expect_json("text", "a\"b\n", "\"a\\\"b\\n\"");
    expect_json("bytea", "\\x00ff", "\"\\\\x00ff\"");
    expect_json("date", "2024-02-29", "\"2024-02-29\"");
    expect_json("date", "infinity", "\"infinity\"");
    expect_json("time", "01:02:03.5", "\"01:02:03.5\"");
    expect_json("timestamptz", "2024-01-01 01:00+01",
                "\"2024-01-01T00:00:00Z\"");
    expect_json("timestamptz", "-infinity", "\"-infinity\"");
    expect_json("timestamp", "2024-01-01 00:00:00.25",
                "\"2024-01-01T00:00:00.25\"");
    expect_json("interval", "1 day 2 hours", "\"1 day 02:00:00\"");
    expect_json("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"");
    expect_json("jsonb", "{\"b\":1e1}", "{\"b\": 10}");
    expect_json("text[]", "{a,NULL,\"b c\"}", "[\"a\",null,\"b c\"]");
    expect_json("numeric[]", "{1.0,NaN}", "[1.0,\"NaN\"]");
}
