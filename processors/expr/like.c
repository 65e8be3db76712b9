/* LIKE and ILIKE: ~~ ~~* !~~ !~~*.
 *
 * A pattern without _ and escapes is one of four shapes when constant
 * (equal, prefix, suffix, contains) and matched with memcmp or memmem.
 * All others run the usual two-finger match: after a % remember where, on a
 * mismatch let that % swallow one character more; linear in practice.
 * ILIKE is LIKE of both sides in small letters, as in PostgreSQL.
 */
#include "processors/expr/kernel.h"

#define E_ESCAPE CU_SQLSTATE('2', '2', '0', '2', '5')

typedef enum shape { GENERAL, EQUAL, PREFIX, SUFFIX, CONTAINS } shape;

typedef struct pattern {
    shape shape;
    cu_slice text; /* the whole pattern, or its literal part */
} pattern;

static pattern pattern_of(cu_slice p)
{
    size_t from = 0, to = p.len;
    while (from < to && p.data[from] == '%')
        from++;
    while (to > from && p.data[to - 1] == '%')
        to--;
    cu_slice middle = {p.data + from, to - from};
    for (size_t i = 0; i < middle.len; i++)
        if (strchr("%_\\", middle.data[i]))
            return (pattern){GENERAL, p};
    shape s = EQUAL;
    if (from && (to < p.len || middle.len == 0))
        s = CONTAINS;
    else if (from)
        s = SUFFIX;
    else if (to < p.len)
        s = PREFIX;
    return (pattern){s, middle};
}

/* 1 match, 0 none, -1: the pattern ends with its escape character. */
static int general(cu_slice s, cu_slice p)
{
    size_t i = 0, k = 0, star = SIZE_MAX, from = 0;
    while (i < s.len) {
        size_t size = cu_utf8_size(s.data + i);
        if (k < p.len && p.data[k] == '%') {
            star = ++k;
            from = i;
            if (k + 1 == p.len && p.data[k] == '\\')
                return -1;
            continue;
        }
        if (k < p.len && p.data[k] == '_') {
            i += size;
            k++;
            continue;
        }
        if (k < p.len) {
            size_t lit = k + (p.data[k] == '\\');
            if (lit == p.len)
                return -1;
            size_t want = cu_utf8_size(p.data + lit);
            if (want == size && !memcmp(s.data + i, p.data + lit, size)) {
                i += size;
                k = lit + want;
                continue;
            }
        }
        if (star == SIZE_MAX)
            return 0;
        from += cu_utf8_size(s.data + from);
        i = from;
        k = star;
    }
    while (k < p.len && p.data[k] == '%')
        k++;
    return k == p.len;
}

static int match(cu_slice s, const pattern *p)
{
    const cu_slice t = p->text;
    switch (p->shape) {
    case GENERAL:
        return general(s, t);
    case EQUAL:
        return s.len == t.len && !memcmp(s.data, t.data, t.len);
    case PREFIX:
        return s.len >= t.len && !memcmp(s.data, t.data, t.len);
    case SUFFIX:
        return s.len >= t.len && !memcmp(s.data + s.len - t.len, t.data, t.len);
    case CONTAINS:
        return cu_find(s, t, 0) != SIZE_MAX;
    }
    return 0;
}

/* Both sides in small letters, one after the other in the scratch buffer. */
static int match_lower(cu_slice s, cu_slice p, cu_buf *scratch)
{
    cu_buf_clear(scratch);
    cu_lower_text(s, scratch);
    const size_t middle = scratch->len;
    cu_lower_text(p, scratch);
    const cu_slice all = cu_buf_slice(scratch);
    return general((cu_slice){all.data, middle},
                   (cu_slice){all.data + middle, all.len - middle});
}

static void like_rows(cu_call *c, bool negate, bool lower)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, y, c, 1);
    pattern p = {GENERAL, CU_NULL_SLICE};
    if (!y_m)
        p = pattern_of(y[0]);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        int hit;
        if (y_m)
            p.text = CU_AT(y, r);
        if (lower)
            hit = match_lower(CU_AT(x, r), CU_AT(y, r), c->scratch);
        else
            hit = match(CU_AT(x, r), &p);
        CU_OUT(uint8_t, c)[r] = (hit == 1) != negate;
        if (hit < 0)
            cu_call_fail(c, r, E_ESCAPE,
                         "LIKE pattern must not end with escape character");
    }
}

static void like(cu_call *c)
{
    like_rows(c, false, false);
}

static void not_like(cu_call *c)
{
    like_rows(c, true, false);
}

static void ilike(cu_call *c)
{
    like_rows(c, false, true);
}

static void not_ilike(cu_call *c)
{
    like_rows(c, true, true);
}

/* `pattern LIKE … ESCAPE e` with the backslash as escape instead of e. */
static void put_escaped(cu_slice p, cu_slice esc, cu_buf *out)
{
    bool after = false; /* the last character was an escape */
    for (size_t i = 0, size; i < p.len; i += size) {
        size = cu_utf8_size(p.data + i);
        const bool is_esc = esc.len == size &&
                            !memcmp(p.data + i, esc.data, size);
        if (is_esc && !after) {
            cu_buf_put_u8(out, '\\');
            after = true;
            continue;
        }
        if (p.data[i] == '\\' && !after)
            cu_buf_put_u8(out, '\\');
        cu_buf_put(out, p.data + i, size);
        after = false;
    }
}

static void like_escape(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, esc, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (cu_utf8_length(CU_AT(esc, r)) > 1) {
            cu_call_fail(c, r, E_ESCAPE, "invalid escape string");
            continue;
        }
        put_escaped(CU_AT(x, r), CU_AT(esc, r), c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

#define T CU_T_TEXT
#define B CU_T_BOOL

static const cu_func list[] = {
    CU_OP("~~", B, like, "x LIKE y", T, T),
    CU_OP("!~~", B, not_like, "x NOT LIKE y", T, T),
    CU_OP("~~*", B, ilike, "x ILIKE y", T, T),
    CU_OP("!~~*", B, not_ilike, "x NOT ILIKE y", T, T),
    CU_FN("like_escape", T, like_escape, "the pattern of LIKE … ESCAPE y", T,
          T),
};
CU_PART(cu_part_like, list);
