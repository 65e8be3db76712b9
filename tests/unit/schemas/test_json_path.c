#include "base/arena.h"
#include "rows/json.h"
#include "schemas/json_path.h"

#include <criterion/criterion.h>
#include <string.h>

/* The steps as "a|[3]|k.ey", or the message. */
static const char *parse(cu_arena *a, const char *text)
{
    cu_path p;
    cu_err err;
    cu_buf b = {0};
    if (cu_path_parse(cu_slice_of(text), a, &p, &err))
        return cu_arena_str(a, err.msg);
    for (uint32_t i = 0; i < p.n; i++) {
        cu_buf_put_str(&b, i ? "|" : "");
        if (p.steps[i].name.data)
            cu_buf_put_slice(&b, p.steps[i].name);
        else
            cu_buf_printf(&b, "[%u]", p.steps[i].index);
    }
    const char *out = cu_arena_strn(a, b.data ? b.data : "", b.len);
    cu_buf_free(&b);
    return out;
}

Test(json_path, forms_and_their_faults)
{
    static const char *const cases[][2] = {
        {"$", ""},
        {"$.a", "a"},
        {"$.a.b", "a|b"},
        {"$.a[0]", "a|[0]"},
        {"$[12].x", "[12]|x"},
        {"$[\"key.with.dots\"]", "key.with.dots"},
        {"$.a[\"b c\"][7].d", "a|b c|[7]|d"},
        {"$[\"q\\\"\\u00e9\"]", "q\"\u00e9"},
        {"$[\"\"]", ""},
        {"$.gr\u00f6\u00dfe", "gr\u00f6\u00dfe"},
        {"$.a-b_c$1", "a-b_c$1"},
        {"a", "path 'a': '$' is expected at byte 1"},
        {"", "path '': '$' is expected at byte 1"},
        {"$a", "path '$a': '.' or '[' is expected at byte 2"},
        {"$.", "path '$.': a name is expected at byte 3"},
        {"$..a", "path '$..a': '..' is not supported at byte 3"},
        {"$.*", "path '$.*': wildcards are not supported at byte 3"},
        {"$[*]", "path '$[*]': wildcards are not supported at byte 3"},
        {"$[-1]",
         "path '$[-1]': indexes from the end are not supported at byte 3"},
        {"$[", "path '$[': an index or a quoted name is expected at byte 3"},
        {"$[1", "path '$[1': ']' is expected at byte 4"},
        {"$[x]",
         "path '$[x]': an index or a quoted name is expected at byte 3"},
        {"$[\"a]", "path '$[\"a]': the quoted name has no end at byte 3"},
        {"$[\"\\x\"]",
         "path '$[\"\\x\"]': the quoted name is no JSON string at byte 5"},
        {"$[4294967296]",
         "path '$[4294967296]': the index is too large at byte 12"},
    };
    cu_arena *a = cu_arena_new(0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_str_eq(parse(a, cases[i][0]), cases[i][1]);
    cu_arena_free(a);
}

Test(json_path, more_than_32_steps_are_refused)
{
    cu_arena *a = cu_arena_new(0);
    cu_buf b = {0};
    cu_buf_put_str(&b, "$");
    for (int i = 0; i < 32; i++)
        cu_buf_put_str(&b, ".a");
    cu_path p;
    cu_err err;
    cr_expect_eq(cu_path_parse(cu_buf_slice(&b), a, &p, &err), 0);
    cr_expect_eq(p.n, 32);
    cu_buf_put_str(&b, ".a");
    cr_expect_eq(cu_path_parse(cu_buf_slice(&b), a, &p, &err), CU_USAGE);
    cr_expect(strstr(err.msg, "more than 32 steps"));
    cu_buf_free(&b);
    cu_arena_free(a);
}

Test(json_path, a_value_is_found)
{
    cu_arena *a = cu_arena_new(0);
    cu_slice doc = CU_LIT(
        " {\"a\": {\"b\": [1, {\"c\": \"x\"}]}, \"n\": null}");
    static const char *const cases[][2] = {
        {"$.a.b[1].c", "\"x\""}, {"$.a.b[0]", "1"}, {"$.n", "null"},
        {"$.a.b[2]", NULL},      {"$.a[0]", NULL},  {"$.a.b.c", NULL},
        {"$.x", NULL},           {"$[0]", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cu_path p;
        cr_assert_eq(cu_path_parse(cu_slice_of(cases[i][0]), a, &p, NULL), 0);
        cu_slice v = cu_path_get(&p, doc, a);
        cr_expect(cu_slice_eq(v, cu_slice_of(cases[i][1])), "%s", cases[i][0]);
    }
    cu_arena_free(a);
}
