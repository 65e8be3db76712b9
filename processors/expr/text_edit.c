/* Text functions that make new text: ||, concat, replace, pad and friends. */
#include "processors/expr/kernel.h"

#define E_LIMIT CU_SQLSTATE('5', '4', '0', '0', '0')

enum { MOST_BYTES = 0x3FFFFFFF }; /* of one value */

static bool too_long(cu_call *c, uint32_t row, uint64_t bytes)
{
    if (bytes <= MOST_BYTES)
        return false;
    cu_call_fail(c, row, E_LIMIT, "requested length too large");
    return true;
}

/* --- joining --------------------------------------------------------- */

static void join_slices(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, y, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_buf_put_slice(c->scratch, CU_AT(x, r));
        cu_buf_put_slice(c->scratch, CU_AT(y, r));
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* Any value as `||` shows it: as a cast to text, booleans in full. */
static void put_as_text(cu_call *c, uint32_t arg, uint32_t row)
{
    const cu_col *col = c->args[arg];
    if (col->type.kind == CU_T_BOOL)
        cu_buf_put_str(c->scratch, CU_COL(col, uint8_t)[cu_col_at(col, row)]
                                       ? "true"
                                       : "false");
    else
        cu_col_out(col, row, cu_call_zone(c), c->scratch);
}

static void join_any(cu_call *c)
{
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        put_as_text(c, 0, r);
        put_as_text(c, 1, r);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* NULLs are left out; booleans show as t and f. */
static void concat(cu_call *c)
{
    const cu_zone *z = cu_call_zone(c);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        for (uint32_t k = 0; k < c->n_args; k++)
            if (!cu_col_is_null(c->args[k], r))
                cu_col_out(c->args[k], r, z, c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void concat_ws(cu_call *c)
{
    CU_ARG(cu_slice, sep, c, 0);
    const cu_zone *z = cu_call_zone(c);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        bool first = true;
        if (cu_col_is_null(c->args[0], r)) {
            cu_call_null(c, r);
            continue;
        }
        for (uint32_t k = 1; k < c->n_args; k++) {
            if (cu_col_is_null(c->args[k], r))
                continue;
            if (!first)
                cu_buf_put_slice(c->scratch, CU_AT(sep, r));
            cu_col_out(c->args[k], r, z, c->scratch);
            first = false;
        }
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* --- changing -------------------------------------------------------- */

static void put_replaced(cu_slice s, cu_slice from, cu_slice to, cu_buf *out)
{
    size_t at = 0, hit;
    while (from.len && (hit = cu_find(s, from, at)) != SIZE_MAX) {
        cu_buf_put(out, s.data + at, hit - at);
        cu_buf_put_slice(out, to);
        at = hit + from.len;
    }
    cu_buf_put(out, s.data + at, s.len - at);
}

static void replace(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, from, c, 1);
    CU_ARG(cu_slice, to, c, 2);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        put_replaced(CU_AT(x, r), CU_AT(from, r), CU_AT(to, r), c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* Each character of `from` becomes the one at its place in `to`, or goes. */
static void put_translated(cu_slice s, cu_slice from, cu_slice to, cu_buf *out)
{
    for (size_t i = 0, size; i < s.len; i += size) {
        size_t f = 0, t = 0;
        size = cu_utf8_size(s.data + i);
        while (f < from.len && (cu_utf8_size(from.data + f) != size ||
                                memcmp(from.data + f, s.data + i, size))) {
            f += cu_utf8_size(from.data + f);
            if (t < to.len)
                t += cu_utf8_size(to.data + t);
        }
        if (f >= from.len)
            cu_buf_put(out, s.data + i, size);
        else if (t < to.len)
            cu_buf_put(out, to.data + t, cu_utf8_size(to.data + t));
    }
}

static void translate(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, from, c, 1);
    CU_ARG(cu_slice, to, c, 2);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        put_translated(CU_AT(x, r), CU_AT(from, r), CU_AT(to, r), c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void reverse(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_slice s = CU_AT(x, r);
        char *to = cu_buf_reserve(c->scratch, s.len);
        for (size_t k = 0, size; k < s.len; k += size) {
            size = cu_utf8_size(s.data + k);
            memcpy(to + s.len - k - size, s.data + k, size);
        }
        c->scratch->len += s.len;
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void repeat(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, times, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_slice s = CU_AT(x, r);
        if (CU_AT(times, r) > 0 &&
            too_long(c, r, (uint64_t)s.len * (uint64_t)CU_AT(times, r)))
            continue;
        for (int32_t k = 0; k < CU_AT(times, r) && s.len; k++)
            cu_buf_put_slice(c->scratch, s);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* `n` characters of `fill`, over and over. */
static void put_fill(cu_slice fill, size_t n, cu_buf *out)
{
    for (size_t k = 0; n > 0; n--) {
        size_t size = cu_utf8_size(fill.data + k);
        cu_buf_put(out, fill.data + k, size);
        k += size;
        if (k >= fill.len)
            k = 0;
    }
}

static void pad(cu_call *c, bool at_left)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, width, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_slice s = CU_AT(x, r), fill = CU_LIT(" ");
        const size_t want = CU_AT(width, r) < 0 ? 0 : (size_t)CU_AT(width, r);
        if (c->n_args == 3)
            fill = CU_COL(c->args[2], cu_slice)[cu_col_at(c->args[2], r)];
        if (too_long(c, r, (uint64_t)want * 4))
            continue;
        s.len = cu_utf8_bytes(s, want);
        const size_t missing = fill.len ? want - cu_utf8_length(s) : 0;
        if (at_left)
            put_fill(fill, missing, c->scratch);
        cu_buf_put_slice(c->scratch, s);
        if (!at_left)
            put_fill(fill, missing, c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void lpad(cu_call *c)
{
    pad(c, true);
}

static void rpad(cu_call *c)
{
    pad(c, false);
}

#define T   CU_T_TEXT
#define I4  CU_T_INT4
#define ANY CU_T_NONARRAY

static const cu_func list[] = {
    CU_OP("||", T, join_slices, "joined", T, T),
    CU_OP("||", T, join_any, "joined, the other value as text", T, ANY),
    CU_OP("||", T, join_any, "joined, the other value as text", ANY, T),
    CU_OP("||", CU_T_BYTEA, join_slices, "joined", CU_T_BYTEA, CU_T_BYTEA),
    {.name = "concat",
     .kind = CU_FUNC_SCALAR,
     .n_args = 1,
     .variadic = true,
     .args = {CU_T_ANY},
     .result = T,
     .kernel = concat,
     .doc = "all values as text, without the NULLs"},
    {.name = "concat_ws",
     .kind = CU_FUNC_SCALAR,
     .n_args = 2,
     .variadic = true,
     .args = {T, CU_T_ANY},
     .result = T,
     .kernel = concat_ws,
     .doc = "all values as text with a separator, without the NULLs"},
    CU_FN("replace", T, replace, "every y in x replaced by z", T, T, T),
    CU_FN("translate", T, translate, "characters of y replaced by those of z",
          T, T, T),
    CU_FN("reverse", T, reverse, "last character first", T),
    CU_FN("repeat", T, repeat, "n times", T, I4),
    CU_FN("lpad", T, lpad, "blanks before it up to n characters", T, I4),
    CU_FN("lpad", T, lpad, "filled before it up to n characters", T, I4, T),
    CU_FN("rpad", T, rpad, "blanks after it up to n characters", T, I4),
    CU_FN("rpad", T, rpad, "filled after it up to n characters", T, I4, T),
};
CU_PART(cu_part_text_edit, list);
