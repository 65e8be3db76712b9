/* The reader against two others: rows' checker, which must always agree, and
 * jansson, where the rules are the same. */
#include "base/alloc.h"
#include "rows/json.h"
#include "schemas/json.h"
#include "tests/unit/schemas/decode.h"

#include <jansson.h>

/* jansson has no \u0000 by default, refuses lone surrogates and bad UTF-8 as we
 * do; numbers that overflow a double or an int64 are an error there. */
static bool jansson_accepts(cu_slice s, bool *same_rules)
{
    json_error_t err;
    json_t *j = json_loadb(s.data, s.len, JSON_DECODE_ANY, &err);
    enum json_error_code code = json_error_code(&err);
    *same_rules = j || (code != json_error_numeric_overflow &&
                        code != json_error_stack_overflow);
    json_decref(j);
    return j != NULL;
}

static bool we_accept(cu_json *j, cu_json_tree *t, cu_arena *a, cu_slice s)
{
    cu_raw slots[2] = {0}, root;
    char *exact = cu_alloc(s.len ? s.len : 1);
    if (s.len)
        memcpy(exact, s.data, s.len);
    bool good = cu_json_read(j, t, cu_slice_n(exact, s.len), a, slots, &root) ==
                CU_JSON_GOOD;
    cu_free(exact);
    return good;
}

static cu_json_tree *tree(cu_arena *a, const char *path)
{
    cu_json_tree *t = cu_json_tree_new(a);
    cu_path p;
    if (path) {
        cr_assert_eq(cu_path_parse(cu_slice_of(path), a, &p, NULL), 0);
        cu_json_tree_want(t, cu_json_tree_at(t, t->root, &p), 0);
    }
    cu_json_tree_seal(t);
    return t;
}

Test(json_oracle, the_same_texts_are_valid_everywhere)
{
    static const char *const seeds[] = {
        "{\"a\":{\"b\":[1,-2.5e+3,0,true,false,null,\"x\\u00e9\\n\"]},\"c\":{}"
        "}",
        "[\"\\ud83d\\ude00\",{\"a\":1,\"a\":2},[[],[{}]],\"\xc3\xa9\"]",
        " { \"a\" : [ 0.1 , 1E5 ] , \"b\" : \"\\\\\\\"/\\/\" } ",
        "12345678901234567",
        "\"s\"",
    };
    cu_arena *a = cu_arena_new(0);
    cu_json *j = cu_json_new();
    cu_json_tree *trees[] = {tree(a, NULL), tree(a, "$"), tree(a, "$.a"),
                             tree(a, "$.a.b"), tree(a, "$[1].a")};
    dice d = {2024};
    unsigned good = 0;
    for (int i = 0; i < 6000; i++) {
        cu_buf b = {0};
        cu_buf_put_str(&b, seeds[roll(&d, 5)]);
        for (uint32_t k = roll(&d, 4); k; k--)
            mutate(&d, &b, "{}[]\",:\\u0de19-+.tfn \n\x1f\x80\xc3");
        cu_slice s = cu_buf_slice(&b);
        bool ours = we_accept(j, trees[0], a, s), same;
        good += ours;
        for (int k = 1; k < 5; k++)
            cr_assert_eq(we_accept(j, trees[k], a, s), ours, "%.*s", (int)s.len,
                         s.data);
        cr_assert_eq(cu_json_validate(s, CU_JSON_MAX_DEPTH, NULL), ours, "%.*s",
                     (int)s.len, s.data);
        bool theirs = jansson_accepts(s, &same);
        cr_assert(!same || theirs == ours, "%.*s", (int)s.len, s.data);
        cu_buf_free(&b);
    }
    cr_expect(good > 1000);
    cr_expect(good < 5000);
    cu_json_free(j);
    cu_arena_free(a);
}
