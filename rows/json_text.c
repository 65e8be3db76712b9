/* JSON values as text: unescaping, the canonical form of jsonb, @>.
 *
 * The canonical form is what PostgreSQL prints for the jsonb value: members
 * by key length, then bytes, the last of duplicates, ", " and ": " between,
 * numbers as numeric prints them (1e2 is 100, -0 is 0, 1.50 stays 1.50),
 * strings with the fewest escapes.
 */
#include "base/alloc.h"
#include "rows/int.h"
#include "rows/json.h"
#include "rows/json_int.h"
#include "rows/numeric.h"

#include <stdlib.h>

/* --- strings ------------------------------------------------------------ */

static unsigned hex4(const char *p)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) {
        char c = to_lower(p[i]);
        v = v * 16 + (unsigned)(is_digit(c) ? c - '0' : (c - 'a' + 10) & 15);
    }
    return v;
}

static char *put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
    }
    *to++ = (char)(0x80 | (c & 0x3F));
    return to;
}

/* Behind the backslash; returns behind the escape. */
static const char *unescape_one(const char *p, const char *end, char **to)
{
    static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
    const char *known = strchr(from, *p);
    if (*p != 'u' || end - p < 5) {
        *(*to)++ = known && *known ? into[known - from] : *p;
        return p + 1;
    }
    unsigned c = hex4(p + 1);
    p += 5;
    if (c >= 0xD800 && c < 0xDC00 && end - p >= 6) {
        c = 0x10000 + ((c - 0xD800) << 10) + (hex4(p + 2) - 0xDC00);
        p += 6;
    }
    *to = put_utf8(*to, c);
    return p;
}

cu_slice cu_json_unescape(cu_slice string, cu_arena *a)
{
    if (string.len < 2)
        return (cu_slice){"", 0};
    cu_slice in = {string.data + 1, string.len - 2};
    const char *p = in.data, *end = p + in.len;
    const char *slash = memchr(p, '\\', in.len);
    if (!slash)
        return in;
    char *start = cu_arena_alloc(a, in.len), *to = start;
    while (slash) {
        memcpy(to, p, (size_t)(slash - p));
        to += slash - p;
        p = slash + 1;
        if (p == end)
            break;
        p = unescape_one(p, end, &to);
        slash = memchr(p, '\\', (size_t)(end - p));
    }
    memcpy(to, p, (size_t)(end - p));
    to += end - p;
    return cu_slice_n(start, (size_t)(to - start));
}

void cu_json_put_string(cu_buf *out, cu_slice s)
{
    static const char hex[] = "0123456789abcdef";
    char *to = cu_buf_reserve(out, 6 * s.len + 2), *start = to;
    const char *p = s.data, *end = p + s.len;
    *to++ = '"';
    while (p < end) {
        const char *run = p;
        while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
            p++;
        memcpy(to, run, (size_t)(p - run));
        to += p - run;
        if (p == end)
            break;
        unsigned char c = (unsigned char)*p++;
        *to++ = '\\';
        const char *known = strchr("\bb\ff\nn\rr\tt\"\"\\\\", c);
        if (c && known) {
            *to++ = known[1];
        } else {
            memcpy(to, "u00", 3);
            to[3] = hex[c >> 4];
            to[4] = hex[c & 15];
            to += 5;
        }
    }
    *to++ = '"';
    out->len += (size_t)(to - start);
}

/* --- numbers ------------------------------------------------------------ */

void cu_json_number(cu_slice number, cu_arena *a, cu_numeric *out)
{
    if (cu_numeric_in(number, a, out, NULL))
        *out = cu_numeric_from_int8(0); /* not validated: nonsense, no crash */
}

/* Whether the text is what numeric would print. */
static bool number_is_plain(cu_slice s)
{
    bool zero = true;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c == 'e' || c == 'E')
            return false;
        zero = zero && (c < '1' || c > '9');
    }
    return !(zero && s.len && s.data[0] == '-');
}

static void put_number(cu_slice s, cu_arena *scratch, cu_buf *out)
{
    if (number_is_plain(s)) {
        cu_buf_put_slice(out, s);
        return;
    }
    cu_numeric n;
    cu_json_number(s, scratch, &n);
    cu_numeric_out(&n, out);
}

/* --- members in order --------------------------------------------------- */

static int cmp_member(const void *pa, const void *pb)
{
    const struct json_member *a = pa, *b = pb;
    if (a->key.len != b->key.len)
        return a->key.len < b->key.len ? -1 : 1;
    int order = a->key.len ? memcmp(a->key.data, b->key.data, a->key.len) : 0;
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static void sort_members(struct json_member *all, uint32_t n)
{
    if (n > 32) {
        qsort(all, n, sizeof(*all), cmp_member);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        struct json_member m = all[i];
        uint32_t k = i;
        for (; k && cmp_member(&all[k - 1], &m) > 0; k--)
            all[k] = all[k - 1];
        all[k] = m;
    }
}

void cu_json_members_of(cu_slice object, cu_arena *scratch,
                        struct json_members *out)
{
    cu_json_iter it = cu_json_iter_of(object);
    cu_slice k, v;
    uint32_t room = sizeof(out->few) / sizeof(*out->few), n = 0;
    out->all = out->few;
    while (cu_json_next(&it, &k, &v)) {
        if (n == room) {
            size_t bytes = room * sizeof(*out->all);
            struct json_member *more = cu_alloc(2 * bytes);
            memcpy(more, out->all, bytes);
            if (out->all != out->few)
                cu_free(out->all);
            out->all = more;
            room *= 2;
        }
        out->all[n] = (struct json_member){cu_json_unescape(k, scratch), v, n};
        n++;
    }
    sort_members(out->all, n);
    out->n = 0;
    for (uint32_t i = 0; i < n; i++)
        if (i + 1 == n || !cu_slice_eq(out->all[i].key, out->all[i + 1].key))
            out->all[out->n++] = out->all[i];
}

void cu_json_members_free(struct json_members *m)
{
    if (m->all != m->few)
        cu_free(m->all);
}

/* --- canonical ---------------------------------------------------------- */

static void put_canonical(cu_slice json, cu_arena *scratch, cu_buf *out);

static void put_string(cu_slice raw, cu_arena *scratch, cu_buf *out)
{
    if (memchr(raw.data, '\\', raw.len))
        cu_json_put_string(out, cu_json_unescape(raw, scratch));
    else
        cu_buf_put_slice(out, raw);
}

static void put_object(cu_slice json, cu_arena *scratch, cu_buf *out)
{
    struct json_members m;
    cu_json_members_of(json, scratch, &m);
    cu_buf_put_u8(out, '{');
    for (uint32_t i = 0; i < m.n; i++) {
        if (i)
            cu_buf_put(out, ", ", 2);
        cu_json_put_string(out, m.all[i].key);
        cu_buf_put(out, ": ", 2);
        put_canonical(m.all[i].value, scratch, out);
    }
    cu_buf_put_u8(out, '}');
    cu_json_members_free(&m);
}

static void put_canonical(cu_slice json, cu_arena *scratch, cu_buf *out)
{
    switch (cu_json_kind_of(json)) {
    case CU_JSON_NULL:
        cu_buf_put(out, "null", 4);
        break;
    case CU_JSON_BOOL:
        cu_buf_put_slice(out, json);
        break;
    case CU_JSON_NUMBER:
        put_number(json, scratch, out);
        break;
    case CU_JSON_STRING:
        put_string(json, scratch, out);
        break;
    case CU_JSON_ARRAY: {
        cu_json_iter it = cu_json_iter_of(json);
        cu_slice k, v;
        cu_buf_put_u8(out, '[');
        for (bool first = true; cu_json_next(&it, &k, &v); first = false) {
            if (!first)
                cu_buf_put(out, ", ", 2);
            put_canonical(v, scratch, out);
        }
        cu_buf_put_u8(out, ']');
        break;
    }
    case CU_JSON_OBJECT:
        put_object(json, scratch, out);
        break;
    }
}

void cu_json_canonical(cu_slice json, cu_buf *out)
{
    cu_slice s = cu_json_trim(json);
    cu_arena *scratch = cu_arena_new(1024);
    put_canonical(s, scratch, out);
    cu_arena_free(scratch);
}

cu_slice cu_json_canonical_copy(cu_slice json, cu_arena *a)
{
    cu_buf text = {0};
    cu_json_canonical(json, &text);
    cu_slice out = cu_arena_slice(a, cu_buf_slice(&text));
    cu_buf_free(&text);
    return out;
}

cu_slice cu_json_text(cu_slice json, cu_arena *a)
{
    cu_slice s = cu_json_trim(json);
    cu_json_kind kind = cu_json_kind_of(s);
    if (kind == CU_JSON_NULL)
        return CU_NULL_SLICE;
    if (kind == CU_JSON_STRING)
        return cu_json_unescape(s, a);
    if (kind == CU_JSON_BOOL || (kind == CU_JSON_NUMBER && number_is_plain(s)))
        return s;
    cu_buf text = {0};
    put_canonical(s, a, &text);
    cu_slice out = cu_arena_slice(a, cu_buf_slice(&text));
    cu_buf_free(&text);
    return out;
}

/* --- containment -------------------------------------------------------- */

static bool is_container(cu_slice s)
{
    return s.len && (s.data[0] == '{' || s.data[0] == '[');
}

static bool scalar_eq(cu_slice a, cu_slice b, cu_arena *scratch)
{
    cu_json_kind kind = cu_json_kind_of(a);
    if (kind != cu_json_kind_of(b))
        return false;
    if (kind == CU_JSON_STRING)
        return cu_slice_eq(cu_json_unescape(a, scratch),
                           cu_json_unescape(b, scratch));
    if (kind == CU_JSON_NUMBER) {
        cu_numeric x, y;
        cu_json_number(a, scratch, &x);
        cu_json_number(b, scratch, &y);
        return !cu_numeric_cmp(&x, &y);
    }
    return cu_slice_eq(a, b);
}

static bool contains(cu_slice a, cu_slice b, cu_arena *scratch);

/* Whether an element of the array `a` is, or contains, `b`. */
static bool has_element(cu_slice a, cu_slice b, cu_arena *scratch)
{
    cu_json_iter it = cu_json_iter_of(a);
    cu_slice k, v;
    while (cu_json_next(&it, &k, &v)) {
        if (is_container(b) ? is_container(v) && contains(v, b, scratch)
                            : !is_container(v) && scalar_eq(v, b, scratch))
            return true;
    }
    return false;
}

/* Both are containers. */
static bool contains(cu_slice a, cu_slice b, cu_arena *scratch)
{
    if (a.data[0] != b.data[0])
        return false;
    cu_json_iter it = cu_json_iter_of(b);
    cu_slice k, v;
    while (cu_json_next(&it, &k, &v)) {
        if (!it.object) {
            if (!has_element(a, v, scratch))
                return false;
            continue;
        }
        cu_slice key = cu_json_unescape(k, scratch);
        cu_slice mine = cu_json_member(a, key, scratch);
        v = cu_json_member(b, key, scratch); /* the last duplicate */
        if (!mine.data || is_container(mine) != is_container(v))
            return false;
        if (is_container(v) ? !contains(mine, v, scratch)
                            : !scalar_eq(mine, v, scratch))
            return false;
    }
    return true;
}

bool cu_json_contains(cu_slice a, cu_slice b)
{
    a = cu_json_trim(a);
    b = cu_json_trim(b);
    cu_arena *scratch = cu_arena_new(1024);
    bool yes;
    if (is_container(a) && is_container(b))
        yes = contains(a, b, scratch);
    else if (is_container(b))
        yes = false;
    else if (is_container(a)) /* an array contains a bare scalar */
        yes = a.data[0] == '[' && has_element(a, b, scratch);
    else
        yes = scalar_eq(a, b, scratch);
    cu_arena_free(scratch);
    return yes;
}
