/* NOT, IS NULL and its kin, IS DISTINCT FROM, GREATEST and LEAST.
 *
 * All but NOT are asked about NULLs, so they are not strict: these kernels
 * read the validity themselves.
 */
#include "processors/expr/kernel.h"

#define NOT_(x) ((x) ^ 1)
CU_UNARY(not_kernel, uint8_t, uint8_t, NOT_)

static void null_test(cu_call *c, bool want)
{
    const cu_col *x = c->args[0];
    uint8_t *out = CU_OUT(uint8_t, c);
    if (!x->valid) {
        memset(out, !want, c->n_rows);
        return;
    }
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        out[r] = cu_col_is_null(x, r) == want;
    }
}

static void is_null_kernel(cu_call *c)
{
    null_test(c, true);
}

static void is_not_null_kernel(cu_call *c)
{
    null_test(c, false);
}

/* x IS [NOT] TRUE / FALSE: NULL is neither. */
static void truth_test(cu_call *c, bool value, bool negate)
{
    CU_ARG(uint8_t, x, c, 0);
    uint8_t *out = CU_OUT(uint8_t, c);
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        const bool is = !cu_col_is_null(c->args[0], r) && CU_AT(x, r) == value;
        out[r] = is != negate;
    }
}

static void is_true(cu_call *c)
{
    truth_test(c, true, false);
}

static void is_not_true(cu_call *c)
{
    truth_test(c, true, true);
}

static void is_false(cu_call *c)
{
    truth_test(c, false, false);
}

static void is_not_false(cu_call *c)
{
    truth_test(c, false, true);
}

static const void *value_at(const cu_col *c, size_t width, uint32_t row)
{
    return (const char *)c->data + cu_col_at(c, row) * width;
}

static void distinct_test(cu_call *c, bool want)
{
    const cu_col *x = c->args[0], *y = c->args[1];
    cu_compare *compare = cu_compare_of(x->type);
    const size_t width = cu_type_width(x->type);
    uint8_t *out = CU_OUT(uint8_t, c);
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        const bool p = cu_col_is_null(x, r), q = cu_col_is_null(y, r);
        bool distinct = p != q;
        if (!p && !q)
            distinct = compare(value_at(x, width, r), value_at(y, width, r)) !=
                       0;
        out[r] = distinct == want;
    }
}

static void is_distinct_from(cu_call *c)
{
    distinct_test(c, true);
}

static void is_not_distinct_from(cu_call *c)
{
    distinct_test(c, false);
}

/* The extreme of the values that are not NULL; NULL when all are. */
static void extreme(cu_call *c, int sign)
{
    cu_compare *compare = cu_compare_of(c->type);
    const size_t width = cu_type_width(c->type);
    char *out = c->out->data;
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        const void *best = NULL;
        for (uint32_t k = 0; k < c->n_args; k++) {
            if (cu_col_is_null(c->args[k], r))
                continue;
            const void *v = value_at(c->args[k], width, r);
            if (!best || compare(v, best) * sign > 0)
                best = v;
        }
        if (best)
            memcpy(out + r * width, best, width);
        else
            cu_call_null(c, r);
    }
}

static void greatest(cu_call *c)
{
    extreme(c, 1);
}

static void least(cu_call *c)
{
    extreme(c, -1);
}

#define LAX(nm, ker, text, ...)                                              \
    {                                                                        \
        .name = nm, .kind = CU_FUNC_SCALAR, .n_args = CU_COUNT(__VA_ARGS__), \
        .total = true, .args = {__VA_ARGS__}, .result = CU_T_BOOL,           \
        .kernel = ker, .doc = text                                           \
    }
#define EXTREME(nm, ker, text)                                               \
    {                                                                        \
        .name = nm, .kind = CU_FUNC_SCALAR, .n_args = 1, .variadic = true,   \
        .total = true, .args = {CU_T_COMPATIBLE}, .result = CU_T_COMPATIBLE, \
        .kernel = ker, .doc = text                                           \
    }

static const cu_func list[] = {
    CU_FN_TOTAL("not", CU_T_BOOL, not_kernel, "NOT x", CU_T_BOOL),
    LAX("is_null", is_null_kernel, "x IS NULL", CU_T_ANY),
    LAX("is_not_null", is_not_null_kernel, "x IS NOT NULL", CU_T_ANY),
    LAX("is_true", is_true, "x IS TRUE", CU_T_BOOL),
    LAX("is_not_true", is_not_true, "x IS NOT TRUE", CU_T_BOOL),
    LAX("is_false", is_false, "x IS FALSE", CU_T_BOOL),
    LAX("is_not_false", is_not_false, "x IS NOT FALSE", CU_T_BOOL),
    LAX("is_unknown", is_null_kernel, "x IS UNKNOWN", CU_T_BOOL),
    LAX("is_not_unknown", is_not_null_kernel, "x IS NOT UNKNOWN", CU_T_BOOL),
    LAX("is_distinct_from", is_distinct_from, "x IS DISTINCT FROM y",
        CU_T_COMPATIBLE, CU_T_COMPATIBLE),
    LAX("is_not_distinct_from", is_not_distinct_from,
        "x IS NOT DISTINCT FROM y", CU_T_COMPATIBLE, CU_T_COMPATIBLE),
    EXTREME("greatest", greatest, "the largest value that is not NULL"),
    EXTREME("least", least, "the smallest value that is not NULL"),
};
CU_PART(cu_part_logic, list);
