/* Arrays: slices, filling, replacing, all positions, trimming; subscripts as
 * rows.  One dimension, lower bound 1, as in array.c. */
#include "processors/expr/kernel.h"
#include "rows/array.h"

#define E_ARRAY_SUBSCRIPT CU_SQLSTATE('2', '2', '0', '2', 'E')
#define E_NULL            CU_SQLSTATE('2', '2', '0', '0', '4')
#define E_LIMIT           CU_SQLSTATE('5', '4', '0', '0', '0')

enum { MOST_ELEMENTS = 10 * 1000 * 1000 };

/* All elements of a value that is not NULL. */
static cu_value *elements_of(cu_arena *a, cu_slice array, uint32_t *n)
{
    *n = cu_array_length(array);
    cu_value *v = cu_arena_calloc(a, *n + 1, sizeof(*v));
    cu_array_iter it = cu_array_iter_of(array);
    for (uint32_t i = 0; i < *n; i++)
        cu_array_next(&it, a, &v[i]);
    return v;
}

static void put(cu_call *c, uint32_t row, const cu_value *v, uint32_t n)
{
    CU_OUT(cu_slice, c)
    [row] = cu_array_make(c->arena, CU_TYPE(c->type.elem), v, n);
}

/* NULLs are equal to each other here. */
static bool same(const cu_value *x, const cu_value *y, cu_compare *compare)
{
    if (x->null || y->null)
        return x->null && y->null;
    return compare(&x->b, &y->b) == 0;
}

/* x[from:to]; what is out of bounds is cut off. */
static void slice(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, from, c, 1);
    CU_ARG(int32_t, to, c, 2);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        uint32_t n;
        cu_value *v = elements_of(c->arena, CU_AT(x, r), &n);
        const int64_t low = CU_AT(from, r) > 1 ? CU_AT(from, r) : 1;
        const int64_t high = CU_AT(to, r) < (int64_t)n ? CU_AT(to, r)
                                                       : (int64_t)n;
        if (low > high)
            put(c, r, v, 0);
        else
            put(c, r, v + low - 1, (uint32_t)(high - low + 1));
    }
}

static void trim(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, cut, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        uint32_t n;
        cu_value *v = elements_of(c->arena, CU_AT(x, r), &n);
        const int32_t k = CU_AT(cut, r);
        if (k < 0 || (uint32_t)k > n)
            cu_call_fail(c, r, E_ARRAY_SUBSCRIPT,
                         "number of elements to trim must be between 0 and %u",
                         n);
        else
            put(c, r, v, n - (uint32_t)k);
    }
}

static void replace(cu_call *c)
{
    cu_compare *compare = cu_compare_of(CU_TYPE(c->type.elem));
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        const cu_value array = cu_col_value(c->args[0], r);
        const cu_value old = cu_col_value(c->args[1], r);
        const cu_value new = cu_col_value(c->args[2], r);
        uint32_t n;
        if (array.null) {
            cu_call_null(c, r);
            continue;
        }
        cu_value *v = elements_of(c->arena, array.s, &n);
        for (uint32_t k = 0; k < n; k++)
            if (same(&v[k], &old, compare))
                v[k] = new;
        put(c, r, v, n);
    }
}

static void positions(cu_call *c)
{
    cu_compare *compare = cu_compare_of(CU_TYPE(c->args[0]->type.elem));
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        const cu_value array = cu_col_value(c->args[0], r);
        const cu_value want = cu_col_value(c->args[1], r);
        uint32_t n, found = 0;
        if (array.null) {
            cu_call_null(c, r);
            continue;
        }
        cu_value *v = elements_of(c->arena, array.s, &n);
        cu_value *at = cu_arena_calloc(c->arena, n + 1, sizeof(*at));
        for (uint32_t k = 0; k < n; k++)
            if (same(&v[k], &want, compare))
                at[found++] = (cu_value){.type = CU_TYPE(CU_T_INT4),
                                         .i4 = (int32_t)k + 1};
        put(c, r, at, found);
    }
}

/* --- shape ----------------------------------------------------------- */

static void ndims(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        CU_OUT(int32_t, c)[r] = 1;
        if (cu_array_length(CU_AT(x, r)) == 0)
            cu_call_null(c, r);
    }
}

static void dims(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const uint32_t n = cu_array_length(CU_AT(x, r));
        if (n == 0) {
            cu_call_null(c, r);
            continue;
        }
        cu_buf_printf(c->scratch, "[1:%u]", n);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* --- array_fill ------------------------------------------------------ */

/* An array of dimensions or bounds; false after a fault. */
static bool integers(cu_call *c, uint32_t row, uint32_t arg, uint32_t *n,
                     cu_value **out)
{
    if (cu_col_is_null(c->args[arg], row)) {
        cu_call_fail(c, row, E_NULL,
                     "dimension array or low bound array cannot be null");
        return false;
    }
    const cu_value array = cu_col_value(c->args[arg], row);
    *out = elements_of(c->arena, array.s, n);
    for (uint32_t k = 0; k < *n; k++)
        if ((*out)[k].null) {
            cu_call_fail(c, row, E_NULL, "dimension values cannot be null");
            return false;
        }
    return true;
}

/* How many elements all dimensions make; -1: too many. */
static int64_t count_of(const cu_value *dims, uint32_t n)
{
    int64_t all = n ? 1 : 0;
    for (uint32_t k = 0; k < n; k++) {
        if (dims[k].i4 < 0)
            return -1;
        all *= dims[k].i4;
        if (all > INT32_MAX)
            return -1;
    }
    return all > MOST_ELEMENTS ? -1 : all;
}

static bool shape(cu_call *c, uint32_t row, int64_t *size)
{
    uint32_t n, bounds = 0;
    cu_value *dims, *low = NULL;
    const char *why = NULL;
    uint32_t state = E_LIMIT;
    if (!integers(c, row, 1, &n, &dims) ||
        (c->n_args == 3 && !integers(c, row, 2, &bounds, &low)))
        return false;
    *size = count_of(dims, n);
    if (low && n != bounds) {
        state = E_ARRAY_SUBSCRIPT;
        why = "wrong number of array subscripts";
    } else if (*size < 0) {
        why = "array size exceeds the maximum allowed (10000000)";
    } else if (*size && n > 1) {
        state = CU_E_FEATURE;
        why = "an array of more than one dimension is not supported";
    } else if (*size && low && low[0].i4 != 1) {
        state = CU_E_FEATURE;
        why = "an array whose first subscript is not 1 is not supported";
    }
    if (why)
        cu_call_fail(c, row, state, "%s", why);
    return !why;
}

static void fill(cu_call *c)
{
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        int64_t n;
        if (!shape(c, r, &n))
            continue;
        cu_value *v = cu_arena_calloc(c->arena, (size_t)n + 1, sizeof(*v));
        const cu_value one = cu_col_value(c->args[0], r);
        for (int64_t k = 0; k < n; k++)
            v[k] = one;
        put(c, r, v, (uint32_t)n);
    }
}

/* --- the catalog's part ---------------------------------------------- */

#define ANY CU_T_ANYARRAY
#define ARR CU_T_COMPATIBLEARRAY
#define EL  CU_T_COMPATIBLE
#define I4  CU_T_INT4
#define LAX(nm, res, ker, text, ...)                                         \
    {                                                                        \
        .name = nm, .kind = CU_FUNC_SCALAR, .n_args = CU_COUNT(__VA_ARGS__), \
        .args = {__VA_ARGS__}, .result = res, .kernel = ker, .doc = text,    \
        .array_elem = I4                                                     \
    }

static const cu_func list[] = {
    CU_FN("slice", ANY, slice, "x[from:to]", ANY, I4, I4),
    CU_FN("trim_array", ANY, trim, "without the last n elements", ANY, I4),
    LAX("array_replace", ARR, replace, "with z for every y", ARR, EL, EL),
    LAX("array_positions", CU_T_ARRAY, positions, "all subscripts of y in x",
        ARR, EL),
    CU_FN("array_ndims", I4, ndims, "dimensions: 1, or NULL for no elements",
          ANY),
    CU_FN("array_dims", CU_T_TEXT, dims, "dimensions as text", ANY),
    LAX("array_fill", ANY, fill, "y elements of x", CU_T_ANYELEMENT,
        CU_T_ARRAY),
    LAX("array_fill", ANY, fill, "y elements of x, subscripts from z",
        CU_T_ANYELEMENT, CU_T_ARRAY, CU_T_ARRAY),
};
CU_PART(cu_part_array_more, list);
