/* Arrays: ARRAY[], ||, subscripts, sizes, positions, @> <@ &&.
 *
 * Values are the encoded bytes of rows/array.h; a kernel decodes what it
 * needs into the arena. One dimension, lower bound 1.
 */
#include "rows/array.h"
#include "processors/expr/kernel.h"

#define E_NULL_NOT_ALLOWED CU_SQLSTATE('2', '2', '0', '0', '4')

typedef struct elements {
    cu_value *v;
    uint32_t n;
} elements;

/* The elements of an array argument with room for `extra` more. */
static elements elements_of(cu_call *c, uint32_t arg, uint32_t row,
                            uint32_t extra)
{
    elements e = {.n = 0};
    cu_slice array = CU_LIT("");
    uint32_t n = 0;
    if (!cu_col_is_null(c->args[arg], row)) {
        array = CU_COL(c->args[arg], cu_slice)[cu_col_at(c->args[arg], row)];
        n = cu_array_length(array);
    }
    e.v = cu_arena_calloc(c->arena, n + extra, sizeof(*e.v));
    if (!n)
        return e;
    cu_array_iter it = cu_array_iter_of(array);
    while (e.n < n && cu_array_next(&it, c->arena, &e.v[e.n]))
        e.n++;
    return e;
}

static void put_array(cu_call *c, uint32_t row, const elements *e)
{
    CU_OUT(cu_slice, c)
    [row] = cu_array_make(c->arena, CU_TYPE(c->type.elem), e->v, e->n);
}

/* Equal, a NULL being equal to a NULL only. */
static bool same(const cu_value *x, const cu_value *y, cu_compare *compare)
{
    if (x->null || y->null)
        return x->null && y->null;
    return compare(&x->b, &y->b) == 0;
}

static void make_array(cu_call *c)
{
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        elements e = {.n = c->n_args};
        e.v = cu_arena_calloc(c->arena, e.n, sizeof(*e.v));
        for (uint32_t k = 0; k < e.n; k++)
            e.v[k] = cu_col_value(c->args[k], r);
        put_array(c, r, &e);
    }
}

/* --- sizes ----------------------------------------------------------- */

static int32_t cardinality(cu_slice array)
{
    return (int32_t)cu_array_length(array);
}

CU_UNARY_ROWS(cardinality_kernel, cu_slice, int32_t, cardinality)

/* NULL for an empty array, or another dimension than the first. */
static void bound(cu_call *c, bool lower)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, dimension, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const uint32_t n = cu_array_length(CU_AT(x, r));
        CU_OUT(int32_t, c)[r] = lower ? 1 : (int32_t)n;
        if (n == 0 || CU_AT(dimension, r) != 1)
            cu_call_null(c, r);
    }
}

static void upper_bound(cu_call *c)
{
    bound(c, false);
}

static void lower_bound(cu_call *c)
{
    bound(c, true);
}

static void subscript(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, at, c, 1);
    const size_t width = cu_type_width(c->type);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_value v = cu_array_at(CU_AT(x, r), CU_AT(at, r), c->arena);
        if (v.null)
            cu_call_null(c, r);
        else
            memcpy(CU_OUT(char, c) + r * width, &v.b, width);
    }
}

/* --- growing --------------------------------------------------------- */

/* A NULL array is an empty one here, a NULL element an element. */
static void append(cu_call *c)
{
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        elements e = elements_of(c, 0, r, 1);
        e.v[e.n++] = cu_col_value(c->args[1], r);
        put_array(c, r, &e);
    }
}

static void prepend(cu_call *c)
{
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        elements e = elements_of(c, 1, r, 1);
        memmove(e.v + 1, e.v, e.n * sizeof(*e.v));
        e.v[0] = cu_col_value(c->args[0], r);
        e.n++;
        put_array(c, r, &e);
    }
}

static void join(cu_call *c)
{
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        if (cu_col_is_null(c->args[0], r) && cu_col_is_null(c->args[1], r)) {
            cu_call_null(c, r);
            continue;
        }
        elements y = elements_of(c, 1, r, 0);
        elements e = elements_of(c, 0, r, y.n);
        memcpy(e.v + e.n, y.v, y.n * sizeof(*y.v));
        e.n += y.n;
        put_array(c, r, &e);
    }
}

static void remove_all(cu_call *c)
{
    cu_compare *compare = cu_compare_of(CU_TYPE(c->type.elem));
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        if (cu_col_is_null(c->args[0], r)) {
            cu_call_null(c, r);
            continue;
        }
        elements e = elements_of(c, 0, r, 0);
        const cu_value gone = cu_col_value(c->args[1], r);
        uint32_t kept = 0;
        for (uint32_t k = 0; k < e.n; k++)
            if (!same(&e.v[k], &gone, compare))
                e.v[kept++] = e.v[k];
        e.n = kept;
        put_array(c, r, &e);
    }
}

/* --- looking --------------------------------------------------------- */

/* The first element from `k` on that is `want`; e->n: none. */
static uint32_t search(const elements *e, uint32_t k, const cu_value *want,
                       cu_compare *compare)
{
    while (k < e->n && !same(&e->v[k], want, compare))
        k++;
    return k;
}

/* What cannot be there is not looked for, wherever one starts. */
static bool hopeless(const elements *e, const cu_value *want,
                     cu_compare *compare)
{
    return e->n == 0 || (want->null && search(e, 0, want, compare) == e->n);
}

static void position(cu_call *c)
{
    const cu_type elem = CU_TYPE(c->args[0]->type.elem);
    cu_compare *compare = cu_compare_of(elem);
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        elements e = elements_of(c, 0, r, 0);
        const cu_value want = cu_col_value(c->args[1], r);
        int64_t from = 1;
        if (hopeless(&e, &want, compare)) {
            cu_call_null(c, r);
            continue;
        }
        if (c->n_args == 3) {
            if (cu_col_is_null(c->args[2], r)) {
                cu_call_fail(c, r, E_NULL_NOT_ALLOWED,
                             "initial position must not be null");
                continue;
            }
            from = CU_COL(c->args[2], int32_t)[cu_col_at(c->args[2], r)];
        }
        uint32_t start = from > 1 ? (uint32_t)(from - 1) : 0;
        uint32_t k = search(&e, start, &want, compare);
        if (k < e.n)
            CU_OUT(int32_t, c)[r] = (int32_t)k + 1;
        else
            cu_call_null(c, r);
    }
}

static bool holds(const elements *e, const cu_value *v, cu_compare *compare)
{
    for (uint32_t k = 0; k < e->n && !v->null; k++)
        if (same(&e->v[k], v, compare))
            return true;
    return false;
}

/* How many of the elements of `few` are in `many`; NULLs are nowhere. */
static void set_test(cu_call *c, uint32_t many_arg, bool all)
{
    cu_compare *compare = cu_compare_of(CU_TYPE(c->args[0]->type.elem));
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        elements many = elements_of(c, many_arg, r, 0);
        elements few = elements_of(c, 1 - many_arg, r, 0);
        bool result = all;
        for (uint32_t k = 0; k < few.n && result == all; k++)
            result = holds(&many, &few.v[k], compare);
        CU_OUT(uint8_t, c)[r] = result;
    }
}

static void contains(cu_call *c)
{
    set_test(c, 0, true);
}

static void contained(cu_call *c)
{
    set_test(c, 1, true);
}

static void overlaps(cu_call *c)
{
    set_test(c, 0, false);
}

#define I4  CU_T_INT4
#define B   CU_T_BOOL
#define ARR CU_T_COMPATIBLEARRAY
#define EL  CU_T_COMPATIBLE
#define ANY CU_T_ANYARRAY

#define LAX(k, nm, res, ker, text, ...)                                  \
    {                                                                    \
        .name = nm, .kind = k, .n_args = CU_COUNT(__VA_ARGS__),          \
        .args = {__VA_ARGS__}, .result = res, .kernel = ker, .doc = text \
    }
#define LAX_FN(...) LAX(CU_FUNC_SCALAR, __VA_ARGS__)
#define LAX_OP(...) LAX(CU_FUNC_OPERATOR, __VA_ARGS__)

static const cu_func list[] = {
    {.name = "array",
     .kind = CU_FUNC_SCALAR,
     .n_args = 1,
     .variadic = true,
     .args = {EL},
     .result = ARR,
     .kernel = make_array,
     .doc = "ARRAY[x, …]"},
    CU_FN("cardinality", I4, cardinality_kernel, "elements", ANY),
    CU_FN("array_length", I4, upper_bound, "elements of a dimension", ANY, I4),
    CU_FN("array_upper", I4, upper_bound, "last subscript", ANY, I4),
    CU_FN("array_lower", I4, lower_bound, "first subscript", ANY, I4),
    CU_FN("subscript", CU_T_ANYELEMENT, subscript, "x[n]", ANY, I4),
    LAX_FN("array_append", ARR, append, "with y at the end", ARR, EL),
    LAX_FN("array_prepend", ARR, prepend, "with x at the start", EL, ARR),
    LAX_FN("array_cat", ARR, join, "joined", ARR, ARR),
    LAX_FN("array_remove", ARR, remove_all, "without y", ARR, EL),
    LAX_OP("||", ARR, append, "with y at the end", ARR, EL),
    LAX_OP("||", ARR, prepend, "with x at the start", EL, ARR),
    LAX_OP("||", ARR, join, "joined", ARR, ARR),
    LAX_FN("array_position", I4, position, "subscript of y in x", ARR, EL),
    LAX_FN("array_position", I4, position, "subscript of y in x from z on", ARR,
           EL, I4),
    CU_OP("@>", B, contains, "x has all elements of y", ANY, ANY),
    CU_OP("<@", B, contained, "y has all elements of x", ANY, ANY),
    CU_OP("&&", B, overlaps, "they have an element in common", ANY, ANY),
};
CU_PART(cu_part_array, list);
