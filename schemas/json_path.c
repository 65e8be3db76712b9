/* Paths into JSON.
 *
 *     path  = "$" step*
 *     step  = "." name | "[" digits "]" | "[" JSON string "]"
 *     name  = one or more bytes other than  . [ ] " ' * blank, control
 *
 * That is the part of SQL/JSON paths that names one place.  Everything that
 * could name several (wildcards, `..`, filters, negative indexes) is refused
 * by name: a column has one value.
 */
#include "schemas/json_path.h"

#include "rows/json.h"

static int fail(cu_err *err, cu_slice text, const char *p, const char *why)
{
    return cu_fail(err, CU_USAGE, 0, "path '%.*s': %s at byte %zu",
                   (int)(text.len < 200 ? text.len : 200), text.data, why,
                   (size_t)(p - text.data) + 1);
}

static bool name_byte(char ch)
{
    return (unsigned char)ch > ' ' && ch != 0x7f && !strchr(".[]\"'*", ch);
}

/* .name */
static int member(cu_slice text, const char **at, cu_path_step *out,
                  cu_err *err)
{
    const char *p = *at + 1, *end = text.data + text.len, *start = p;
    while (p < end && name_byte(*p))
        p++;
    if (p < end && *p == '*')
        return fail(err, text, p, "wildcards are not supported");
    if (p == start && p < end && *p == '.')
        return fail(err, text, p, "'..' is not supported");
    if (p == start)
        return fail(err, text, p, "a name is expected");
    out->name = cu_slice_n(start, (size_t)(p - start));
    *at = p;
    return 0;
}

/* "name" */
static int quoted(cu_slice text, const char **at, cu_arena *a,
                  cu_path_step *out, cu_err *err)
{
    const char *p = *at + 1, *end = text.data + text.len, *start = *at;
    while (p < end && *p != '"')
        p += *p == '\\' && p + 1 < end ? 2 : 1;
    if (p == end)
        return fail(err, text, start, "the quoted name has no end");
    p++;
    cu_slice json = cu_slice_n(start, (size_t)(p - start));
    size_t bad = 0;
    if (!cu_json_validate(json, 1, &bad))
        return fail(err, text, start + bad,
                    "the quoted name is no JSON string");
    out->name = cu_json_unescape(json, a);
    *at = p;
    return 0;
}

/* digits */
static int element(cu_slice text, const char **at, cu_path_step *out,
                   cu_err *err)
{
    const char *p = *at, *end = text.data + text.len;
    if (p < end && *p == '-')
        return fail(err, text, p, "indexes from the end are not supported");
    if (p < end && *p == '*')
        return fail(err, text, p, "wildcards are not supported");
    if (p == end || *p < '0' || *p > '9')
        return fail(err, text, p, "an index or a quoted name is expected");
    uint64_t index = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        index = index * 10 + (uint64_t)(*p - '0');
        if (index > INT32_MAX)
            return fail(err, text, p, "the index is too large");
    }
    out->name = CU_NULL_SLICE;
    out->index = (uint32_t)index;
    *at = p;
    return 0;
}

static int step(cu_slice text, const char **at, cu_arena *a, cu_path_step *out,
                cu_err *err)
{
    const char *end = text.data + text.len;
    if (**at == '.')
        return member(text, at, out, err);
    if (**at != '[')
        return fail(err, text, *at, "'.' or '[' is expected");
    ++*at;
    int rc = *at < end && **at == '"' ? quoted(text, at, a, out, err)
                                      : element(text, at, out, err);
    if (rc)
        return rc;
    if (*at == end || **at != ']')
        return fail(err, text, *at, "']' is expected");
    ++*at;
    return 0;
}

int cu_path_parse(cu_slice text, cu_arena *a, cu_path *out, cu_err *err)
{
    const char *p = text.data, *end = p + text.len;
    out->n = 0;
    if (p == end || *p != '$')
        return fail(err, text, p, "'$' is expected");
    p++;
    while (p < end) {
        if (out->n == CU_PATH_STEPS)
            return fail(err, text, p, "more than 32 steps");
        int rc = step(text, &p, a, &out->steps[out->n], err);
        if (rc)
            return rc;
        out->n++;
    }
    return 0;
}

cu_slice cu_path_get(const cu_path *path, cu_slice json, cu_arena *a)
{
    json = cu_json_trim(json);
    for (uint32_t i = 0; i < path->n && json.data; i++) {
        const cu_path_step *s = &path->steps[i];
        cu_json_kind want = s->name.data ? CU_JSON_OBJECT : CU_JSON_ARRAY;
        if (cu_json_kind_of(json) != want)
            return CU_NULL_SLICE;
        json = s->name.data ? cu_json_member(json, s->name, a)
                            : cu_json_element(json, s->index);
    }
    return json;
}
