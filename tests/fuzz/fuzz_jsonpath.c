/* SQL/JSON paths: the text is parsed and, when it is one, run in both modes
 * over a fixed value. Every refusal has a SQLSTATE and valid words. */
#include "base/alloc.h"
#include "processors/expr/path.h"
#include "rows/json.h"
#include "tests/fuzz/fuzz.h"

static const char value[] =
    "{\"a\": [1, 2, {\"b\": [3, \"x\"]}, [4, [5]]], \"c\": {\"d\": null, "
    "\"e\": true, \"f\": \"abc\"}, \"g\": -1.5}";

static void check(int rc, const cu_err *err)
{
    if (!rc)
        return;
    const cu_slice words = cu_slice_of(err->msg);
    CU_ASSERT(err->sqlstate);
    CU_ASSERT(words.len > 0);
}

static void run(const cu_jsonpath *path, cu_memo *memo, cu_arena *a)
{
    const cu_jsonpath_opts modes[] = {
        {.memo = memo, .vars = CU_LIT("{\"x\": 1}")},
        {.memo = memo, .silent = true, .only_test = true}};
    for (int i = 0; i < 2; i++) {
        cu_jsonpath_found found;
        cu_err err = {.code = CU_OK};
        int rc = cu_jsonpath_run(path, cu_slice_of(value), &modes[i], a, &found,
                                 &err);
        check(rc, &err);
        size_t at;
        for (uint32_t k = 0; !rc && k < found.n; k++)
            CU_ASSERT(cu_json_validate(found.items[k], 100, &at));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const cu_slice text = cu_slice_n(data, size);
    /* A text of SQL is valid UTF-8. Short: .** after .** multiplies. */
    if (cu_utf8_valid_prefix(text) != size || size > 96)
        return 0;
    cu_arena *a = cu_arena_new(0);
    cu_memo *memo = cu_memo_new();
    cu_jsonpath path;
    cu_err err = {.code = CU_OK};
    int rc = cu_jsonpath_parse(text, a, &path, &err);
    check(rc, &err);
    if (!rc)
        run(&path, memo, a);
    cu_memo_free(memo);
    cu_arena_free(a);
    return 0;
}
