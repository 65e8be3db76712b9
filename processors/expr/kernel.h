/* Writing kernels: access to arguments, loops, catalog entries.
 *
 * A kernel over fixed-width values runs densely over all rows, live or not,
 * when at least a quarter of them is live: such loops auto-vectorise (files
 * that hold them ask for -O3).  Rows that are not live, or are NULL, hold
 * arbitrary bits: a dense loop must be defined for all of them.  Kernels
 * that can fail compute densely, note "something failed" in one flag and
 * only then look for the failing rows among the live ones.
 *
 * When all arguments are CONST the call has one row (run.c sees to it), so
 * a loop never meets two constants and many rows.
 */
#ifndef CU_EXPR_KERNEL_H
#define CU_EXPR_KERNEL_H

#include "processors/expr/int.h"

/* Declares `x` (values of argument k) and its mask for CU_AT(). */
#define CU_ARG(T, x, c, k)                                                  \
    const T *x = (const T *)(c)->args[k]->data;                             \
    const uint32_t x##_m = (c)->args[k]->form == CU_CONST ? 0 : UINT32_MAX; \
    (void)x##_m
/* The value of a row, without a branch for constants. */
#define CU_AT(x, row) ((x)[(row)&x##_m])
#define CU_OUT(T, c)  ((T *)(c)->out->data)

static inline bool cu_call_dense(const cu_call *c)
{
    return c->n_sel * 4 >= c->n_rows;
}

static inline uint32_t cu_call_row(const cu_call *c, uint32_t i)
{
    return c->sel ? c->sel[i] : i;
}

/* The next live row that needs a value (of a strict function):
 * for (uint32_t i = 0, row; cu_call_next(c, &i, &row);) */
static inline bool cu_call_next(const cu_call *c, uint32_t *i, uint32_t *row)
{
    const uint64_t *valid = c->out->valid;
    while (*i < c->n_sel) {
        uint32_t r = cu_call_row(c, (*i)++);
        if (!valid || (valid[r >> 6] >> (r & 63) & 1)) {
            *row = r;
            return true;
        }
    }
    return false;
}

/* fn: out = OP(x, y) for fixed-width values; OP must be total. */
#define CU_BINARY(fn, T1, T2, R, OP)                      \
    static void fn(cu_call *c)                            \
    {                                                     \
        CU_ARG(T1, x, c, 0);                              \
        CU_ARG(T2, y, c, 1);                              \
        R *restrict out = CU_OUT(R, c);                   \
        const uint32_t n = c->n_rows;                     \
        if (!cu_call_dense(c)) {                          \
            for (uint32_t i = 0; i < c->n_sel; i++) {     \
                const uint32_t r = cu_call_row(c, i);     \
                out[r] = (R)OP(CU_AT(x, r), CU_AT(y, r)); \
            }                                             \
        } else if (!y_m) {                                \
            const T2 b = y[0];                            \
            for (uint32_t i = 0; i < n; i++)              \
                out[i] = (R)OP(x[i], b);                  \
        } else if (!x_m) {                                \
            const T1 a = x[0];                            \
            for (uint32_t i = 0; i < n; i++)              \
                out[i] = (R)OP(a, y[i]);                  \
        } else {                                          \
            for (uint32_t i = 0; i < n; i++)              \
                out[i] = (R)OP(x[i], y[i]);               \
        }                                                 \
    }

/* fn: out = OP(x); OP must be total. */
#define CU_UNARY(fn, T, R, OP)                        \
    static void fn(cu_call *c)                        \
    {                                                 \
        CU_ARG(T, x, c, 0);                           \
        R *restrict out = CU_OUT(R, c);               \
        if (!cu_call_dense(c)) {                      \
            for (uint32_t i = 0; i < c->n_sel; i++) { \
                const uint32_t r = cu_call_row(c, i); \
                out[r] = (R)OP(CU_AT(x, r));          \
            }                                         \
        } else {                                      \
            for (uint32_t i = 0; i < c->n_rows; i++)  \
                out[i] = (R)OP(x[i]);                 \
        }                                             \
    }

/* fn: out = F(x, y) row by row for live rows with values. */
#define CU_BINARY_ROWS(fn, T1, T2, R, F)                  \
    static void fn(cu_call *c)                            \
    {                                                     \
        CU_ARG(T1, x, c, 0);                              \
        CU_ARG(T2, y, c, 1);                              \
        R *out = CU_OUT(R, c);                            \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) \
            out[r] = (R)F(CU_AT(x, r), CU_AT(y, r));      \
    }

#define CU_UNARY_ROWS(fn, T, R, F)                        \
    static void fn(cu_call *c)                            \
    {                                                     \
        CU_ARG(T, x, c, 0);                               \
        R *out = CU_OUT(R, c);                            \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) \
            out[r] = (R)F(CU_AT(x, r));                   \
    }

/* --- catalog entries ------------------------------------------------- */

#define CU_COUNT_(_1, _2, _3, _4, _5, _6, _7, _8, n, ...) n

#define CU_COUNT(...) CU_COUNT_(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0)

/* A strict function, operator, cast; extra designators may follow by hand. */
#define CU_ENTRY(k, nm, res, ker, text, ...)                                \
    .name = nm, .kind = k, .n_args = CU_COUNT(__VA_ARGS__), .strict = true, \
    .args = {__VA_ARGS__}, .result = res, .kernel = ker, .doc = text
#define CU_FN(nm, res, ker, text, ...)                            \
    {                                                             \
        CU_ENTRY(CU_FUNC_SCALAR, nm, res, ker, text, __VA_ARGS__) \
    }
#define CU_OP(nm, res, ker, text, ...)                              \
    {                                                               \
        CU_ENTRY(CU_FUNC_OPERATOR, nm, res, ker, text, __VA_ARGS__) \
    }
#define CU_OP_TOTAL(nm, res, ker, text, ...)                         \
    {                                                                \
        CU_ENTRY(CU_FUNC_OPERATOR, nm, res, ker, text, __VA_ARGS__), \
            .total = true                                            \
    }
#define CU_FN_TOTAL(nm, res, ker, text, ...)                       \
    {                                                              \
        CU_ENTRY(CU_FUNC_SCALAR, nm, res, ker, text, __VA_ARGS__), \
            .total = true                                          \
    }
#define CU_CAST(from, to, ker)                            \
    {                                                     \
        CU_ENTRY(CU_FUNC_CAST, "cast", to, ker, "", from) \
    }
#define CU_CAST_TOTAL(from, to, ker)                                     \
    {                                                                    \
        CU_ENTRY(CU_FUNC_CAST, "cast", to, ker, "", from), .total = true \
    }
#define CU_PART(part, list) \
    const cu_catalog_part part = {list, sizeof(list) / sizeof(*(list))}

/* SQLSTATEs that kernels raise. */
#define CU_E_OUT_OF_RANGE CU_SQLSTATE('2', '2', '0', '0', '3')
#define CU_E_ZERO_DIVIDE  CU_SQLSTATE('2', '2', '0', '1', '2')
#define CU_E_PARAMETER    CU_SQLSTATE('2', '2', '0', '2', '3')
#define CU_E_DATETIME     CU_SQLSTATE('2', '2', '0', '0', '8')
#define CU_E_NOT_JSON     CU_SQLSTATE('2', '2', 'P', '0', '2')
#define CU_E_FEATURE      CU_SQLSTATE('0', 'A', '0', '0', '0')

#endif
