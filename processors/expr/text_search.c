/* Finding and splitting: position, split_part, string_to_array and back. */
#include "processors/expr/kernel.h"
#include "rows/array.h"

/* Characters before the first hit, plus one; 0 when there is none. */
static int32_t position(cu_slice in, cu_slice what)
{
    size_t hit = cu_find(in, what, 0);
    if (hit == SIZE_MAX)
        return 0;
    return (int32_t)cu_utf8_length((cu_slice){in.data, hit}) + 1;
}

static int32_t bytea_position(cu_slice in, cu_slice what)
{
    size_t hit = cu_find(in, what, 0);
    return hit == SIZE_MAX ? 0 : (int32_t)hit + 1;
}

static uint8_t starts_with(cu_slice s, cu_slice prefix)
{
    return s.len >= prefix.len && !memcmp(s.data, prefix.data, prefix.len);
}

CU_BINARY_ROWS(position_kernel, cu_slice, cu_slice, int32_t, position)
CU_BINARY_ROWS(bytea_position_kernel, cu_slice, cu_slice, int32_t,
               bytea_position)
CU_BINARY_ROWS(starts_kernel, cu_slice, cu_slice, uint8_t, starts_with)

/* --- split_part ------------------------------------------------------ */

static int64_t count_parts(cu_slice s, cu_slice delim)
{
    int64_t n = 1;
    size_t at = 0;
    while ((at = cu_find(s, delim, at)) != SIZE_MAX) {
        n++;
        at += delim.len;
    }
    return n;
}

/* Part n, from 1, or from the end when negative; empty outside. */
static cu_slice part_of(cu_slice s, cu_slice delim, int64_t n)
{
    const cu_slice none = {s.data, 0};
    if (s.len == 0)
        return none;
    if (delim.len == 0)
        return n == 1 || n == -1 ? s : none;
    if (n < 0)
        n += count_parts(s, delim) + 1;
    if (n < 1)
        return none;
    size_t at = 0;
    for (;;) {
        size_t hit = cu_find(s, delim, at);
        if (--n == 0)
            return (cu_slice){s.data + at,
                              (hit == SIZE_MAX ? s.len : hit) - at};
        if (hit == SIZE_MAX)
            return none;
        at = hit + delim.len;
    }
}

static void split_part(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, delim, c, 1);
    CU_ARG(int32_t, n, c, 2);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (CU_AT(n, r) == 0)
            cu_call_fail(c, r, CU_E_PARAMETER,
                         "field position must not be zero");
        else
            CU_OUT(cu_slice, c)
        [r] = part_of(CU_AT(x, r), CU_AT(delim, r), CU_AT(n, r));
    }
}

/* --- arrays ---------------------------------------------------------- */

static cu_slice slice_arg(const cu_call *c, uint32_t k, uint32_t row)
{
    if (k >= c->n_args || cu_col_is_null(c->args[k], row))
        return CU_NULL_SLICE;
    return CU_COL(c->args[k], cu_slice)[cu_col_at(c->args[k], row)];
}

typedef struct pieces {
    cu_value *v;
    uint32_t n, cap;
    cu_slice null_text;
} pieces;

static void add_piece(cu_arena *a, pieces *p, cu_slice s)
{
    if (p->n == p->cap) {
        cu_value *more = cu_arena_calloc(a, p->cap * 2, sizeof(*more));
        memcpy(more, p->v, p->n * sizeof(*more));
        p->v = more;
        p->cap *= 2;
    }
    p->v[p->n++] = (cu_value){.type = CU_TYPE(CU_T_TEXT),
                              .null = p->null_text.data &&
                                      cu_slice_eq(s, p->null_text),
                              .s = s};
}

static void split(cu_arena *a, pieces *p, cu_slice s, cu_slice delim)
{
    size_t at = 0, hit;
    if (s.len == 0)
        return;
    if (!delim.data) {
        for (size_t size; at < s.len; at += size) {
            size = cu_utf8_size(s.data + at);
            add_piece(a, p, (cu_slice){s.data + at, size});
        }
        return;
    }
    while (delim.len && (hit = cu_find(s, delim, at)) != SIZE_MAX) {
        add_piece(a, p, (cu_slice){s.data + at, hit - at});
        at = hit + delim.len;
    }
    add_piece(a, p, (cu_slice){s.data + at, s.len - at});
}

/* A NULL delimiter splits into characters. */
static void string_to_array(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_slice s = slice_arg(c, 0, r);
        pieces p = {.cap = 8, .null_text = slice_arg(c, 2, r)};
        if (!s.data) {
            cu_call_null(c, r);
            continue;
        }
        p.v = cu_arena_calloc(c->arena, p.cap, sizeof(*p.v));
        split(c->arena, &p, s, slice_arg(c, 1, r));
        CU_OUT(cu_slice, c)
        [r] = cu_array_make(c->arena, CU_TYPE(CU_T_TEXT), p.v, p.n);
    }
}

int cu_text_parts_set(const cu_func *f, const cu_value *args, uint32_t n_args,
                      cu_arena *a, cu_set_rows *out, cu_err *err)
{
    pieces p = {.cap = 8};
    (void)f;
    (void)err;
    if (args[0].null)
        return 0;
    if (n_args > 2 && !args[2].null)
        p.null_text = args[2].s;
    p.v = cu_arena_calloc(a, p.cap, sizeof(*p.v));
    split(a, &p, args[0].s, args[1].null ? CU_NULL_SLICE : args[1].s);
    out->values = p.v;
    out->n = p.n;
    return 0;
}

static void array_to_string(cu_call *c)
{
    const cu_zone *z = cu_call_zone(c);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_slice array = slice_arg(c, 0, r), delim = slice_arg(c, 1, r);
        cu_slice null_text = slice_arg(c, 2, r);
        if (!array.data || !delim.data) {
            cu_call_null(c, r);
            continue;
        }
        cu_array_iter it = cu_array_iter_of(array);
        cu_value v;
        bool first = true;
        while (cu_array_next(&it, c->arena, &v)) {
            if (v.null && !null_text.data)
                continue;
            if (!first)
                cu_buf_put_slice(c->scratch, delim);
            if (v.null)
                cu_buf_put_slice(c->scratch, null_text);
            else
                cu_value_out(&v, z, c->scratch);
            first = false;
        }
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

#define T  CU_T_TEXT
#define I4 CU_T_INT4
#define BY CU_T_BYTEA

#define LAX(nm, res, ker, text, ...)                                          \
    {                                                                         \
        .name = nm, .kind = CU_FUNC_SCALAR, .n_args = CU_COUNT(__VA_ARGS__),  \
        .args = {__VA_ARGS__}, .array_elem = T, .result = res, .kernel = ker, \
        .doc = text                                                           \
    }

static const cu_func list[] = {
    CU_FN_TOTAL("position", I4, position_kernel, "place of y in x, 0: none", T,
                T),
    CU_FN_TOTAL("strpos", I4, position_kernel, "place of y in x, 0: none", T,
                T),
    CU_FN_TOTAL("position", I4, bytea_position_kernel,
                "place of y in x, 0: none", BY, BY),
    CU_FN_TOTAL("starts_with", CU_T_BOOL, starts_kernel, "x begins with y", T,
                T),
    CU_OP_TOTAL("^@", CU_T_BOOL, starts_kernel, "x begins with y", T, T),
    CU_FN("split_part", T, split_part,
          "part n between delimiters, from the end when negative", T, T, I4),
    LAX("string_to_array", CU_T_ARRAY, string_to_array,
        "parts between delimiters; NULL delimiter: characters", T, T),
    LAX("string_to_array", CU_T_ARRAY, string_to_array,
        "parts between delimiters; those equal to z are NULL", T, T, T),
    {.name = "string_to_table",
     .kind = CU_FUNC_SET,
     .n_args = 2,
     .args = {T, T},
     .result = T,
     .doc = "a row for each part between delimiters"},
    {.name = "string_to_table",
     .kind = CU_FUNC_SET,
     .n_args = 3,
     .args = {T, T, T},
     .result = T,
     .doc = "the same; parts equal to z are NULL"},
    LAX("array_to_string", T, array_to_string,
        "elements with a delimiter, without the NULLs", CU_T_ANYARRAY, T),
    LAX("array_to_string", T, array_to_string,
        "elements with a delimiter, z for the NULLs", CU_T_ANYARRAY, T, T),
};
CU_PART(cu_part_text_search, list);
