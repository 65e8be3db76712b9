/* Valid for us, for rows' checker and (where the rules agree) for jansson. */
#include "tests/fuzz/fuzz.h"

#include "rows/json.h"
#include "schemas/json.h"

#include <jansson.h>

static cu_json_tree *tree_of(cu_arena *a, const char *path)
{
    cu_json_tree *t = cu_json_tree_new(a);
    cu_path p;
    CU_ASSERT(!cu_path_parse(cu_slice_of(path), a, &p, NULL));
    cu_json_tree_want(t, cu_json_tree_at(t, t->root, &p), 0);
    cu_json_tree_seal(t);
    return t;
}

/* jansson takes 1e-99999 for 0 and nests deeper; numeric, so jsonb, does not.
 */
static bool may_differ(cu_slice s)
{
    size_t brackets = 0;
    bool exponent = false;
    for (size_t i = 0; i < s.len; i++) {
        brackets += s.data[i] == '[' || s.data[i] == '{';
        exponent |= i > 0 && (s.data[i] | 32) == 'e' && s.data[i - 1] >= '0' &&
                    s.data[i - 1] <= '9';
    }
    return exponent || brackets > CU_JSON_MAX_DEPTH;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cu_json *j;
    static cu_json_tree *whole, *part;
    static cu_arena *a, *scratch;
    if (!j) {
        j = cu_json_new();
        a = cu_arena_new(0);
        scratch = cu_arena_new(0);
        whole = tree_of(a, "$");
        part = tree_of(a, "$.a.b");
    }
    cu_slice s = cu_slice_n(data, size);
    cu_raw slot = {0}, root;
    bool ours = cu_json_read(j, whole, s, scratch, &slot, &root) ==
                CU_JSON_GOOD;
    CU_ASSERT(ours == (cu_json_read(j, part, s, scratch, &slot, &root) ==
                       CU_JSON_GOOD));
    CU_ASSERT(ours == cu_json_validate(s, CU_JSON_MAX_DEPTH, NULL));
    cu_arena_reset(scratch);
    if (memchr(s.data, 0, s.len)) /* jansson takes it for the end */
        return 0;
    json_error_t err;
    json_t *theirs = json_loadb(s.data, s.len, JSON_DECODE_ANY, &err);
    enum json_error_code code = theirs ? json_error_unknown
                                       : json_error_code(&err);
    if (theirs)
        CU_ASSERT(ours || may_differ(s));
    else if (code != json_error_numeric_overflow &&
             code != json_error_stack_overflow)
        CU_ASSERT(!ours);
    json_decref(theirs);
    return 0;
}
