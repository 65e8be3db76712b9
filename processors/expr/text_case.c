/* lower, upper, initcap. ASCII goes byte by byte, the rest by code point. */
#include "processors/expr/kernel.h"

static bool all_ascii(cu_slice s)
{
    unsigned char bits = 0;
    for (size_t i = 0; i < s.len; i++)
        bits |= (unsigned char)s.data[i];
    return bits < 0x80;
}

typedef uint32_t map_fn(uint32_t code);

static void put_mapped(cu_slice s, map_fn *map, cu_buf *out)
{
    char *to = cu_buf_reserve(out, s.len);
    if (all_ascii(s)) {
        for (size_t i = 0; i < s.len; i++)
            to[i] = (char)map((unsigned char)s.data[i]);
        out->len += s.len;
        return;
    }
    for (size_t i = 0; i < s.len; i += cu_utf8_size(s.data + i))
        cu_utf8_put(out, map(cu_utf8_get(s.data + i)));
}

void cu_lower_text(cu_slice s, cu_buf *out)
{
    put_mapped(s, cu_lower, out);
}

static void map_rows(cu_call *c, map_fn *map)
{
    CU_ARG(cu_slice, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        put_mapped(CU_AT(x, r), map, c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void lower(cu_call *c)
{
    map_rows(c, cu_lower);
}

static void upper(cu_call *c)
{
    map_rows(c, cu_upper);
}

static void initcap(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_slice s = CU_AT(x, r);
        bool inside = false;
        for (size_t k = 0; k < s.len; k += cu_utf8_size(s.data + k)) {
            const uint32_t code = cu_utf8_get(s.data + k);
            cu_utf8_put(c->scratch, inside ? cu_lower(code) : cu_upper(code));
            inside = cu_alnum(code);
        }
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

#define T CU_T_TEXT

static const cu_func list[] = {
    CU_FN("lower", T, lower, "small letters", T),
    CU_FN("upper", T, upper, "capital letters", T),
    CU_FN("initcap", T, initcap, "each word with a capital letter", T),
};
CU_PART(cu_part_text_case, list);
