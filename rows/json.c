/* JSON text: checking it once, then stepping over it fast.
 *
 * After cu_json_validate() the other functions trust the grammar (quotes
 * are balanced, brackets match) and only look for the few bytes that
 * matter: `"` and `\` inside a string, quotes and brackets inside a
 * container to be skipped.  They still never read past the slice, so a
 * slice that was not validated gives nonsense, not a crash.
 *
 * Rejected: an index or a parsed tree per value.  A value is usually looked
 * at once or twice, for one or two members; a scan of 200 bytes costs less
 * than building anything.
 */
#include "rows/json.h"

#include "rows/int.h"
#include "rows/json_int.h"
#include "rows/numeric.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { MOST_DEPTH = 2000 }; /* bounds the recursion of all JSON functions */

/* --- steps -------------------------------------------------------------- */

static bool is_json_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_json_space(*p))
        p++;
    return p;
}

/* From behind the opening quote to behind the closing one. */
static const char *skip_string(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned hit = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
        if (!hit) {
            p += 16;
            continue;
        }
        p += __builtin_ctz(hit);
        if (*p == '"')
            return p + 1;
        p = end - p > 2 ? p + 2 : end;
    }
#endif
    while (p < end) {
        if (*p == '"')
            return p + 1;
        p += *p == '\\' && end - p > 1 ? 2 : 1;
    }
    return end;
}

/* To the next quote or bracket, or to the end. */
static const char *skip_plain(const char *p, const char *end)
{
#ifdef __SSE2__
    /* '[' ']' '{' '}' differ in bits 1, 2 and 5 only: | 0x20 folds [ to {
     * and ] to }; control characters that fold onto them cannot occur. */
    const __m128i quote = _mm_set1_epi8('"'), bit = _mm_set1_epi8(0x20);
    const __m128i open = _mm_set1_epi8('{'), shut = _mm_set1_epi8('}');
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i folded = _mm_or_si128(v, bit);
        __m128i any = _mm_or_si128(_mm_cmpeq_epi8(v, quote),
                                   _mm_or_si128(_mm_cmpeq_epi8(folded, open),
                                                _mm_cmpeq_epi8(folded, shut)));
        unsigned hit = (unsigned)_mm_movemask_epi8(any);
        if (hit)
            return p + __builtin_ctz(hit);
        p += 16;
    }
#endif
    while (p < end && *p != '"' && (*p | 0x20) != '{' && (*p | 0x20) != '}')
        p++;
    return p;
}

/* From the opening bracket to behind its partner. */
static const char *skip_container(const char *p, const char *end)
{
    size_t depth = 0;
    while ((p = skip_plain(p, end)) < end) {
        char c = *p++;
        if (c == '"')
            p = skip_string(p, end);
        else if ((c | 0x20) == '{')
            depth++;
        else if (depth <= 1)
            return p;
        else
            depth--;
    }
    return end;
}

static const char *skip_value(const char *p, const char *end)
{
    if (p == end)
        return end;
    if (*p == '"')
        return skip_string(p + 1, end);
    if (*p == '{' || *p == '[')
        return skip_container(p, end);
    while (p < end && *p != ',' && *p != '}' && *p != ']' && !is_json_space(*p))
        p++;
    return p;
}

/* --- looking ------------------------------------------------------------ */

cu_slice cu_json_trim(cu_slice json)
{
    while (json.len && is_json_space(json.data[0]))
        json.data++, json.len--;
    while (json.len && is_json_space(json.data[json.len - 1]))
        json.len--;
    return json;
}

cu_json_kind cu_json_kind_of(cu_slice json)
{
    if (!json.len)
        return CU_JSON_NULL;
    switch (json.data[0]) {
    case '{':
        return CU_JSON_OBJECT;
    case '[':
        return CU_JSON_ARRAY;
    case '"':
        return CU_JSON_STRING;
    case 't':
    case 'f':
        return CU_JSON_BOOL;
    case 'n':
        return CU_JSON_NULL;
    default:
        return CU_JSON_NUMBER;
    }
}

cu_slice cu_json_kind_name(cu_json_kind kind)
{
    switch (kind) {
    case CU_JSON_NULL:
        return CU_LIT("null");
    case CU_JSON_BOOL:
        return CU_LIT("boolean");
    case CU_JSON_NUMBER:
        return CU_LIT("number");
    case CU_JSON_STRING:
        return CU_LIT("string");
    case CU_JSON_ARRAY:
        return CU_LIT("array");
    case CU_JSON_OBJECT:
        break;
    }
    return CU_LIT("object");
}

cu_json_iter cu_json_iter_of(cu_slice container)
{
    cu_slice s = cu_json_trim(container);
    if (s.len < 2 || (s.data[0] != '{' && s.data[0] != '['))
        return (cu_json_iter){NULL, NULL, false};
    return (cu_json_iter){s.data + 1, s.data + s.len - 1, s.data[0] == '{'};
}

static const char *skip_to(const char *p, const char *end, char separator)
{
    p = skip_space(p, end);
    if (p < end && *p == separator)
        p++;
    return p;
}

bool cu_json_next(cu_json_iter *it, cu_slice *key, cu_slice *value)
{
    const char *end = it->end;
    const char *p = skip_space(it->p, end);
    if (p == end)
        return false;
    *key = CU_NULL_SLICE;
    if (it->object) {
        const char *start = p;
        p = skip_string(p + 1, end);
        *key = cu_slice_n(start, (size_t)(p - start));
        p = skip_space(skip_to(p, end, ':'), end);
    }
    const char *start = p;
    p = skip_value(p, end);
    *value = cu_slice_n(start, (size_t)(p - start));
    it->p = skip_to(p, end, ',');
    return true;
}

/* `raw` with its quotes against an unescaped key. */
static bool key_is(cu_slice raw, cu_slice key, cu_arena *a)
{
    if (raw.len == key.len + 2 && !memcmp(raw.data + 1, key.data, key.len))
        return !memchr(key.data, '\\', key.len) ||
               cu_slice_eq(cu_json_unescape(raw, a), key);
    if (raw.len <= key.len + 2 || !memchr(raw.data, '\\', raw.len))
        return false;
    return cu_slice_eq(cu_json_unescape(raw, a), key);
}

cu_slice cu_json_member(cu_slice object, cu_slice key, cu_arena *a)
{
    cu_json_iter it = cu_json_iter_of(object);
    cu_slice found = CU_NULL_SLICE, k, v;
    if (!it.object)
        return found;
    if (!key.data)
        key.data = "";
    while (cu_json_next(&it, &k, &v))
        if (key_is(k, key, a))
            found = v;
    return found;
}

size_t cu_json_array_length(cu_slice array)
{
    cu_json_iter it = cu_json_iter_of(array);
    cu_slice k, v;
    size_t n = 0;
    while (cu_json_next(&it, &k, &v))
        n++;
    return n;
}

cu_slice cu_json_element(cu_slice array, int64_t i)
{
    cu_json_iter it = cu_json_iter_of(array);
    cu_slice k, v;
    if (it.object)
        return CU_NULL_SLICE;
    if (i < 0)
        i += (int64_t)cu_json_array_length(array);
    if (i < 0)
        return CU_NULL_SLICE;
    while (cu_json_next(&it, &k, &v))
        if (i-- == 0)
            return v;
    return CU_NULL_SLICE;
}

/* --- checking ----------------------------------------------------------- */

struct check {
    const char *p, *end;
    unsigned depth, most;
};

static bool check_value(struct check *c);

static int hex_of(char c)
{
    if (is_digit(c))
        return c - '0';
    c = to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits at p; -1 when they are not. */
static int unit_at(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int h = hex_of(p[i]);
        if (h < 0)
            return -1;
        v = v * 16 + h;
    }
    return v;
}

/* Behind a backslash. */
static bool check_escape(struct check *c)
{
    if (c->p == c->end)
        return false;
    char e = *c->p;
    if (e != 'u') {
        if (!e || !strchr("\"\\/bfnrt", e))
            return false;
        c->p++;
        return true;
    }
    int unit = unit_at(c->p + 1, c->end);
    if (unit <= 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
        return false;
    if (unit < 0xD800 || unit > 0xDBFF) {
        c->p += 5;
        return true;
    }
    const char *q = c->p + 5;
    if (c->end - q < 6 || q[0] != '\\' || q[1] != 'u')
        return false;
    int low = unit_at(q + 2, c->end);
    if (low < 0xDC00 || low > 0xDFFF)
        return false;
    c->p += 11;
    return true;
}

/* To the first byte that is a quote, a backslash or a control character. */
static const char *skip_chars(const char *p, const char *end, bool *high)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    while (end - p >= 8) {
        uint64_t v = load64(p);
        uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';
        uint64_t hit = ((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) |
                       ((slash - ones) & ~slash);
        *high = *high || (v & tops);
        if (hit & tops)
            break;
        p += 8;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20) {
        *high = *high || (unsigned char)*p >= 0x80;
        p++;
    }
    return p;
}

static bool check_string(struct check *c)
{
    const char *start = ++c->p;
    bool high = false;
    for (;;) {
        c->p = skip_chars(c->p, c->end, &high);
        if (c->p == c->end || (unsigned char)*c->p < 0x20)
            return false;
        if (*c->p++ == '"')
            break;
        if (!check_escape(c))
            return false;
    }
    if (!high)
        return true;
    size_t len = (size_t)(c->p - start);
    size_t good = cu_utf8_valid_prefix(cu_slice_n(start, len));
    if (good != len)
        c->p = start + good;
    return good == len;
}

static size_t digits(struct check *c)
{
    const char *start = c->p;
    while (c->p < c->end && is_digit(*c->p))
        c->p++;
    return (size_t)(c->p - start);
}

/* Also refuses what numeric cannot hold. */
static bool check_number(struct check *c)
{
    const char *start = c->p;
    long exponent = 0;
    if (*c->p == '-')
        c->p++;
    bool zero = c->p < c->end && *c->p == '0';
    size_t whole = digits(c), fraction = 0;
    if (!whole || (zero && whole > 1))
        return false;
    if (c->p < c->end && *c->p == '.') {
        c->p++;
        if (!(fraction = digits(c)))
            return false;
    }
    if (c->p < c->end && to_lower(*c->p) == 'e') {
        c->p++;
        bool minus = c->p < c->end && *c->p == '-';
        if (c->p < c->end && (*c->p == '-' || *c->p == '+'))
            c->p++;
        const char *e = c->p;
        if (!digits(c))
            return false;
        for (; e < c->p && exponent < 1000000; e++)
            exponent = exponent * 10 + (*e - '0');
        exponent = minus ? -exponent : exponent;
    }
    if (!exponent && whole + fraction < 16000)
        return true;
    cu_arena *scratch = cu_arena_new(0);
    cu_numeric n;
    cu_slice text = cu_slice_n(start, (size_t)(c->p - start));
    bool fits = !cu_numeric_in(text, scratch, &n, NULL);
    cu_arena_free(scratch);
    return fits;
}

static bool check_word(struct check *c, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n))
        return false;
    c->p += n;
    return true;
}

static bool check_members(struct check *c, char shut)
{
    c->p = skip_space(c->p + 1, c->end);
    if (c->p < c->end && *c->p == shut) {
        c->p++;
        return true;
    }
    for (;;) {
        if (shut == '}') {
            if (c->p == c->end || *c->p != '"' || !check_string(c))
                return false;
            c->p = skip_space(c->p, c->end);
            if (c->p == c->end || *c->p != ':')
                return false;
            c->p = skip_space(c->p + 1, c->end);
        }
        if (!check_value(c))
            return false;
        c->p = skip_space(c->p, c->end);
        if (c->p == c->end || (*c->p != ',' && *c->p != shut))
            return false;
        if (*c->p++ == shut)
            return true;
        c->p = skip_space(c->p, c->end);
    }
}

static bool check_value(struct check *c)
{
    if (c->p == c->end)
        return false;
    switch (*c->p) {
    case '"':
        return check_string(c);
    case '{':
    case '[': {
        if (c->depth == c->most)
            return false;
        c->depth++;
        bool ok = check_members(c, *c->p == '{' ? '}' : ']');
        c->depth--;
        return ok;
    }
    case 't':
        return check_word(c, "true");
    case 'f':
        return check_word(c, "false");
    case 'n':
        return check_word(c, "null");
    default:
        return (*c->p == '-' || is_digit(*c->p)) && check_number(c);
    }
}

bool cu_json_validate(cu_slice json, unsigned max_depth, size_t *at)
{
    struct check c = {json.data, json.data + json.len, 0, max_depth};
    if (c.most > MOST_DEPTH)
        c.most = MOST_DEPTH;
    c.p = skip_space(c.p, c.end);
    bool ok = check_value(&c);
    if (ok) {
        c.p = skip_space(c.p, c.end);
        ok = c.p == c.end;
    }
    if (!ok && at)
        *at = (size_t)(c.p - json.data);
    return ok;
}
