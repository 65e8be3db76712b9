/* Array values: making, walking, comparing and PostgreSQL's text form.
 *
 *   +----------------+---------+----------+-----------------+----------+
 *   | u8 1 (| 0x80)  | u8 elem | varint n | n bits null     | n values |
 *   +----------------+---------+----------+-----------------+----------+
 *                                           only with 0x80    nulls: none
 *
 * Arrays have one dimension and the lower bound 1; others are refused when
 * they are read.  Bytes are checked as they are walked: a damaged array ends
 * early and never reads past its end.
 */
#include "rows/array.h"

#include "rows/int.h"
#include "rows/key.h"
#include "rows/numeric.h"
#include "rows/text.h"
#include "rows/text_int.h"

enum { ARRAY_VERSION = 1, HAS_NULLS = 0x80 };

/* --- bytes -------------------------------------------------------------- */

static void put_value(uint8_t kind, const cu_value *v, cu_buf *out)
{
    size_t width = fixed_width(kind);
    if (width) {
        cu_buf_put(out, value_ptr(v), width);
    } else if (kind == CU_T_NUMERIC) {
        cu_numeric_put(&v->num, out);
    } else {
        cu_buf_put_varint(out, v->s.len);
        cu_buf_put(out, v->s.data, v->s.len);
    }
}

cu_slice cu_array_make(cu_arena *a, cu_type elem, const cu_value *values,
                       uint32_t n)
{
    CU_ASSERT(elem.kind != CU_T_ARRAY);
    bool nulls = false;
    for (uint32_t i = 0; i < n; i++)
        nulls = nulls || values[i].null;
    cu_buf b = {0};
    cu_buf_put_u8(&b, ARRAY_VERSION | (nulls ? HAS_NULLS : 0));
    cu_buf_put_u8(&b, elem.kind);
    cu_buf_put_varint(&b, n);
    if (nulls) {
        size_t len = (n + 7) / 8;
        uint8_t *bits = (uint8_t *)cu_buf_reserve(&b, len);
        memset(bits, 0, len);
        for (uint32_t i = 0; i < n; i++)
            if (values[i].null)
                bits[i / 8] = (uint8_t)(bits[i / 8] | 1 << i % 8);
        b.len += len;
    }
    for (uint32_t i = 0; i < n; i++) {
        CU_ASSERT(values[i].null || values[i].type.kind == elem.kind);
        if (!values[i].null)
            put_value(elem.kind, &values[i], &b);
    }
    cu_slice out = cu_arena_slice(a, cu_buf_slice(&b));
    cu_buf_free(&b);
    return out;
}

cu_array_iter cu_array_iter_of(cu_slice array)
{
    cu_array_iter it = {.at = cu_scan_of(array)};
    uint8_t version = cu_scan_u8(&it.at);
    uint8_t kind = cu_scan_u8(&it.at);
    uint64_t n = cu_scan_varint(&it.at);
    /* A bool or an empty text takes a byte, a null takes a bit. */
    if (it.at.bad || (version & ~HAS_NULLS) != ARRAY_VERSION ||
        kind == CU_T_NULL || kind >= CU_T_ARRAY || n > 8 * array.len)
        return (cu_array_iter){.at.bad = true, .elem = CU_TYPE(CU_T_TEXT)};
    it.elem = CU_TYPE(kind);
    it.n = (uint32_t)n;
    if (version & HAS_NULLS) {
        cu_slice bits = cu_scan_bytes(&it.at, (it.n + 7) / 8);
        it.nulls = (const uint8_t *)bits.data;
        if (it.at.bad)
            it.n = 0;
    }
    return it;
}

uint32_t cu_array_length(cu_slice array)
{
    return cu_array_iter_of(array).n;
}

static bool read_value(cu_array_iter *it, cu_arena *a, cu_value *v)
{
    size_t width = fixed_width(it->elem.kind);
    if (width) {
        cu_slice s = cu_scan_bytes(&it->at, width);
        if (it->at.bad)
            return false;
        memcpy(&v->num, s.data, width);
        return true;
    }
    if (it->elem.kind == CU_T_NUMERIC)
        return !cu_numeric_get(&it->at, a, &v->num);
    uint64_t len = cu_scan_varint(&it->at);
    if (it->at.bad || len > cu_scan_left(&it->at))
        return false;
    v->s = cu_scan_bytes(&it->at, (size_t)len);
    return true;
}

bool cu_array_next(cu_array_iter *it, cu_arena *a, cu_value *out)
{
    if (it->i >= it->n)
        return false;
    uint32_t i = it->i++;
    memset(out, 0, sizeof(*out));
    out->type = it->elem;
    out->null = it->nulls && it->nulls[i / 8] >> i % 8 & 1;
    if (out->null || read_value(it, a, out))
        return true;
    it->n = 0;
    return false;
}

cu_value cu_array_at(cu_slice array, int64_t i, cu_arena *a)
{
    cu_array_iter it = cu_array_iter_of(array);
    cu_value v = {.type = it.elem, .null = true};
    if (i < 1 || i > it.n)
        return v;
    while (i-- && cu_array_next(&it, a, &v))
        ;
    return v;
}

int cu_array_cmp(cu_slice a, cu_slice b)
{
    cu_arena *scratch = cu_arena_new(0);
    cu_array_iter x = cu_array_iter_of(a), y = cu_array_iter_of(b);
    int order = 0;
    while (!order) {
        cu_value v, w;
        bool more_x = cu_array_next(&x, scratch, &v);
        bool more_y = cu_array_next(&y, scratch, &w);
        if (!more_x || !more_y) {
            order = more_x - more_y;
            break;
        }
        order = cu_value_cmp(&v, &w);
    }
    cu_arena_free(scratch);
    return order;
}

/* --- text --------------------------------------------------------------- */

static bool needs_quotes(cu_slice s)
{
    if (!s.len || is_word(s, "null"))
        return true;
    for (size_t i = 0; i < s.len; i++)
        if (is_space(s.data[i]) || strchr("{},\"\\", s.data[i]))
            return true;
    return false;
}

static void put_element(cu_slice s, cu_buf *out)
{
    if (!needs_quotes(s)) {
        cu_buf_put_slice(out, s);
        return;
    }
    cu_buf_put_u8(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\')
            cu_buf_put_u8(out, '\\');
        cu_buf_put_u8(out, (uint8_t)s.data[i]);
    }
    cu_buf_put_u8(out, '"');
}

void cu_rows_array_out(cu_slice array, const cu_zone *zone, cu_buf *out)
{
    cu_arena *scratch = cu_arena_new(0);
    cu_array_iter it = cu_array_iter_of(array);
    cu_buf text = {0};
    cu_value v;
    cu_buf_put_u8(out, '{');
    for (bool first = true; cu_array_next(&it, scratch, &v); first = false) {
        if (!first)
            cu_buf_put_u8(out, ',');
        if (v.null) {
            cu_buf_put_str(out, "NULL");
            continue;
        }
        cu_buf_clear(&text);
        cu_value_out(&v, zone, &text);
        put_element(cu_buf_slice(&text), out);
    }
    cu_buf_put_u8(out, '}');
    cu_buf_free(&text);
    cu_arena_free(scratch);
}

void cu_array_out(cu_slice array, cu_buf *out)
{
    cu_rows_array_out(array, NULL, out);
}

/* Reading: a small machine over the text between the braces. */
struct reader {
    cu_slice all; /* for messages */
    const char *p, *end;
    char *to; /* unescaped bytes of all elements, one behind the other */
    cu_arena *arena;
    cu_err *err;
};

static int malformed(const struct reader *r, const char *why)
{
    return BAD_DATA(r->err, STATE_BAD_TEXT,
                    "malformed array literal: \"%.*s\" (%s)", SHOWN(r->all),
                    why);
}

static void skip_space(struct reader *r)
{
    while (r->p < r->end && is_space(*r->p))
        r->p++;
}

/* One element's bytes, unescaped into the arena; *quoted tells "" from
 * nothing and "NULL" from NULL. */
static int read_element(struct reader *r, cu_slice *out, bool *quoted)
{
    char *to = r->to;
    size_t n = 0, keep = 0; /* blanks behind `keep` are trimmed */
    bool open = false;
    *quoted = false;
    skip_space(r);
    for (; r->p < r->end; r->p++) {
        char c = *r->p;
        if (c == '\\') {
            if (++r->p == r->end)
                return malformed(r, "unexpected end of input");
            to[n++] = *r->p;
            keep = n;
        } else if (c == '"') {
            if (!open && (n || *quoted))
                return malformed(r, "incorrectly quoted element");
            open = !open;
            *quoted = true;
            keep = n;
        } else if (open) {
            to[n++] = c;
            keep = n;
        } else if (c == ',' || c == '}') {
            break;
        } else if (c == '{') {
            return BAD_DATA(r->err, STATE_NO_FEATURE,
                            "arrays of more than one dimension are not "
                            "supported: \"%.*s\"",
                            SHOWN(r->all));
        } else if (is_space(c)) {
            to[n++] = c;
        } else if (*quoted) {
            return malformed(r, "incorrectly quoted element");
        } else {
            to[n++] = c;
            keep = n;
        }
    }
    if (open || r->p == r->end)
        return malformed(r, "unexpected end of input");
    *out = (cu_slice){to, keep};
    r->to += keep;
    if (!keep && !*quoted)
        return malformed(r, "unexpected delimiter");
    return 0;
}

static int read_elements(struct reader *r, cu_type elem, const cu_zone *zone,
                         cu_value **values, uint32_t *n)
{
    uint32_t room = 0;
    for (;;) {
        cu_slice word;
        bool quoted;
        int rc = read_element(r, &word, &quoted);
        if (rc)
            return rc;
        if (*n == room) {
            uint32_t more = room ? 2 * room : 8;
            cu_value *bigger = cu_arena_alloc(r->arena,
                                              more * sizeof(**values));
            if (room)
                memcpy(bigger, *values, room * sizeof(**values));
            *values = bigger;
            room = more;
        }
        cu_value *v = &(*values)[(*n)++];
        memset(v, 0, sizeof(*v));
        v->type = elem;
        v->null = !quoted && is_word(word, "null");
        if (!v->null &&
            (rc = cu_value_in(elem, word, zone, r->arena, v, r->err)))
            return rc;
        if (*r->p++ == '}')
            return 0;
    }
}

int cu_rows_array_in(cu_type elem, cu_slice text, const cu_zone *zone,
                     cu_arena *a, cu_slice *out, cu_err *err)
{
    cu_slice s = trim(text);
    struct reader r = {text, s.data, s.data + s.len, NULL, a, err};
    r.to = cu_arena_alloc(a, s.len + 1);
    if (s.len > 1 && r.p[0] == '[' && memchr(r.p, '=', s.len))
        return BAD_DATA(err, STATE_NO_FEATURE,
                        "array bounds are not supported: \"%.*s\"",
                        SHOWN(text));
    if (!s.len || *r.p++ != '{')
        return malformed(&r, "it must start with \"{\"");
    cu_value *values = NULL;
    uint32_t n = 0;
    skip_space(&r);
    if (r.p < r.end && *r.p == '}') {
        r.p++;
    } else {
        int rc = read_elements(&r, elem, zone, &values, &n);
        if (rc)
            return rc;
    }
    if (r.p != r.end)
        return malformed(&r, "junk after closing right brace");
    *out = cu_array_make(a, elem, values, n);
    return 0;
}

int cu_array_in(cu_type elem, cu_slice text, cu_arena *a, cu_slice *out,
                cu_err *err)
{
    return cu_rows_array_in(elem, text, NULL, a, out, err);
}
