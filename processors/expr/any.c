/* x = ANY (array), x < ALL (array) and their kin; IN lists of constants.
 *
 * Three-valued: ANY is true when one comparison is, else NULL when one is,
 * else false; ALL is its mirror.  Over an empty array they are false and
 * true even for a NULL.  A constant array is decoded once per batch.
 */
#include "processors/expr/kernel.h"
#include "rows/array.h"

typedef enum sign { EQ, NE, LT, LE, GT, GE } sign;

static bool holds(sign s, int order)
{
    switch (s) {
    case EQ:
        return order == 0;
    case NE:
        return order != 0;
    case LT:
        return order < 0;
    case LE:
        return order <= 0;
    case GT:
        return order > 0;
    case GE:
        break;
    }
    return order >= 0;
}

typedef struct operand {
    cu_value *v;
    uint32_t n;
    bool nulls;
} operand;

static operand decode(cu_arena *a, cu_slice array)
{
    operand o = {.n = 0};
    const uint32_t n = cu_array_length(array);
    cu_array_iter it = cu_array_iter_of(array);
    cu_value v;
    o.v = cu_arena_calloc(a, n, sizeof(*o.v));
    while (cu_array_next(&it, a, &v)) {
        if (v.null)
            o.nulls = true;
        else
            o.v[o.n++] = v;
    }
    return o;
}

static inline void quantified(cu_call *c, sign s, bool all)
{
    const cu_col *x = c->args[0];
    CU_ARG(cu_slice, array, c, 1);
    cu_compare *compare = cu_compare_of(x->type);
    const size_t width = cu_type_width(x->type);
    const char *values = x->data;
    operand o = {.v = NULL};
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        if (cu_col_is_null(c->args[1], r)) {
            cu_call_null(c, r);
            continue;
        }
        if (!o.v || array_m)
            o = decode(c->arena, CU_AT(array, r));
        bool decided = false, unknown = o.nulls;
        if (cu_col_is_null(x, r)) {
            unknown = unknown || o.n > 0;
        } else {
            const void *v = values + cu_col_at(x, r) * width;
            for (uint32_t k = 0; k < o.n && !decided; k++)
                decided = holds(s, compare(v, &o.v[k].b)) != all;
        }
        CU_OUT(uint8_t, c)[r] = decided != all;
        if (!decided && unknown)
            cu_call_null(c, r);
    }
}

#define PAIR(name, s)                  \
    static void any_##name(cu_call *c) \
    {                                  \
        quantified(c, s, false);       \
    }                                  \
    static void all_##name(cu_call *c) \
    {                                  \
        quantified(c, s, true);        \
    }
PAIR(eq, EQ)
PAIR(ne, NE)
PAIR(lt, LT)
PAIR(le, LE)
PAIR(gt, GT)
PAIR(ge, GE)

#define ENTRY(nm, ker, text)                                                  \
    {                                                                         \
        .name = nm, .kind = CU_FUNC_SCALAR, .n_args = 2, .total = true,       \
        .args = {CU_T_COMPATIBLE, CU_T_COMPATIBLEARRAY}, .result = CU_T_BOOL, \
        .kernel = ker, .doc = text                                            \
    }

static const cu_func list[] = {
    ENTRY("any_eq", any_eq, "x = ANY (y)"),
    ENTRY("any_ne", any_ne, "x <> ANY (y)"),
    ENTRY("any_lt", any_lt, "x < ANY (y)"),
    ENTRY("any_le", any_le, "x <= ANY (y)"),
    ENTRY("any_gt", any_gt, "x > ANY (y)"),
    ENTRY("any_ge", any_ge, "x >= ANY (y)"),
    ENTRY("all_eq", all_eq, "x = ALL (y)"),
    ENTRY("all_ne", all_ne, "x <> ALL (y)"),
    ENTRY("all_lt", all_lt, "x < ALL (y)"),
    ENTRY("all_le", all_le, "x <= ALL (y)"),
    ENTRY("all_gt", all_gt, "x > ALL (y)"),
    ENTRY("all_ge", all_ge, "x >= ALL (y)"),
};
CU_PART(cu_part_any, list);
