/* Comparison of every type: = <> < <= > >=, and the comparators that other
 * kernels use.
 *
 * Fixed-width types have dense loops that auto-vectorise (hence -O3 for this
 * file).  Floats follow PostgreSQL: NaN equals NaN and is above all others.
 * Text compares by bytes, which for UTF-8 is code point order ("C").
 */
#include "processors/expr/kernel.h"
#include "rows/array.h"
#include "rows/json.h"
#include "rows/numeric.h"

#ifdef __OPTIMIZE__
#pragma GCC optimize("O3")
#endif

#define US_PER_DAY INT64_C(86400000000)

/* --- comparators ----------------------------------------------------- */

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

#define CMP_FIXED(fn, T)                              \
    static int fn(const void *a, const void *b)       \
    {                                                 \
        const T x = *(const T *)a, y = *(const T *)b; \
        return ORDER(x, y);                           \
    }

#define CMP_FLOAT(fn, T)                              \
    static int fn(const void *a, const void *b)       \
    {                                                 \
        const T x = *(const T *)a, y = *(const T *)b; \
        if (x != x || y != y)                         \
            return (x != x) - (y != y);               \
        return ORDER(x, y);                           \
    }

CMP_FIXED(cmp_u1, uint8_t)
CMP_FIXED(cmp_i2, int16_t)
CMP_FIXED(cmp_i4, int32_t)
CMP_FIXED(cmp_i8, int64_t)
CMP_FLOAT(cmp_f4, float)
CMP_FLOAT(cmp_f8, double)

static int cmp_numeric(const void *a, const void *b)
{
    const cu_numeric *x = a, *y = b;
    if (x->form == CU_NUM_INT && y->form == CU_NUM_INT && x->scale == y->scale)
        return ORDER(x->i, y->i);
    return cu_numeric_cmp(x, y);
}

static int cmp_bytes(const void *a, const void *b)
{
    const cu_slice *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int order = n ? memcmp(x->data, y->data, n) : 0;
    return order ? order : ORDER(x->len, y->len);
}

static int cmp_interval(const void *a, const void *b)
{
    const cu_interval *x = a, *y = b;
    __int128 p = (__int128)x->us +
                 ((int64_t)x->days + (int64_t)x->months * 30) *
                     (__int128)US_PER_DAY;
    __int128 q = (__int128)y->us +
                 ((int64_t)y->days + (int64_t)y->months * 30) *
                     (__int128)US_PER_DAY;
    return ORDER(p, q);
}

static int cmp_uuid(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(cu_uuid));
}

static bool same_bytes(const cu_slice *x, const cu_slice *y)
{
    return x->len == y->len &&
           (x->data == y->data || !x->len || !memcmp(x->data, y->data, x->len));
}

static int cmp_jsonb(const void *a, const void *b)
{
    const cu_slice *x = a, *y = b;
    return same_bytes(x, y) ? 0 : cu_json_cmp(*x, *y);
}

static int cmp_array(const void *a, const void *b)
{
    const cu_slice *x = a, *y = b;
    return same_bytes(x, y) ? 0 : cu_array_cmp(*x, *y);
}

cu_compare *cu_compare_of(cu_type t)
{
    switch (t.kind) {
    case CU_T_BOOL:
        return cmp_u1;
    case CU_T_INT2:
        return cmp_i2;
    case CU_T_INT4:
    case CU_T_DATE:
        return cmp_i4;
    case CU_T_INT8:
    case CU_T_TIME:
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        return cmp_i8;
    case CU_T_FLOAT4:
        return cmp_f4;
    case CU_T_FLOAT8:
        return cmp_f8;
    case CU_T_NUMERIC:
        return cmp_numeric;
    case CU_T_INTERVAL:
        return cmp_interval;
    case CU_T_UUID:
        return cmp_uuid;
    case CU_T_JSONB:
        return cmp_jsonb;
    case CU_T_ARRAY:
        return cmp_array;
    default:
        return cmp_bytes;
    }
}

/* --- kernels --------------------------------------------------------- */

#define EQ(x, y) ((x) == (y))
#define NE(x, y) ((x) != (y))
#define LT(x, y) ((x) < (y))
#define LE(x, y) ((x) <= (y))
#define GT(x, y) ((x) > (y))
#define GE(x, y) ((x) >= (y))

#define SIX_FIXED(name, T)                  \
    CU_BINARY(name##_eq, T, T, uint8_t, EQ) \
    CU_BINARY(name##_ne, T, T, uint8_t, NE) \
    CU_BINARY(name##_lt, T, T, uint8_t, LT) \
    CU_BINARY(name##_le, T, T, uint8_t, LE) \
    CU_BINARY(name##_gt, T, T, uint8_t, GT) \
    CU_BINARY(name##_ge, T, T, uint8_t, GE)

/* Bitwise, so that the loops stay free of branches. */
#define NAN_(x)   ((x) != (x))
#define FEQ(x, y) (((x) == (y)) | (NAN_(x) & NAN_(y)))
#define FNE(x, y) (!FEQ(x, y))
#define FLT(x, y) (((x) < (y)) | (NAN_(y) & !NAN_(x)))
#define FGT(x, y) FLT(y, x)
#define FLE(x, y) (!FLT(y, x))
#define FGE(x, y) (!FLT(x, y))

#define SIX_FLOAT(name, T, U)                \
    CU_BINARY(name##_eq, T, U, uint8_t, FEQ) \
    CU_BINARY(name##_ne, T, U, uint8_t, FNE) \
    CU_BINARY(name##_lt, T, U, uint8_t, FLT) \
    CU_BINARY(name##_le, T, U, uint8_t, FLE) \
    CU_BINARY(name##_gt, T, U, uint8_t, FGT) \
    CU_BINARY(name##_ge, T, U, uint8_t, FGE)

#define BY_CMP(fn, T, cmp, op)                             \
    static void fn(cu_call *c)                             \
    {                                                      \
        CU_ARG(T, x, c, 0);                                \
        CU_ARG(T, y, c, 1);                                \
        uint8_t *out = CU_OUT(uint8_t, c);                 \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)  \
            out[r] = cmp(&CU_AT(x, r), &CU_AT(y, r)) op 0; \
    }

#define SIX_CMP(name, T, cmp)     \
    BY_CMP(name##_eq, T, cmp, ==) \
    BY_CMP(name##_ne, T, cmp, !=) \
    BY_CMP(name##_lt, T, cmp, <)  \
    BY_CMP(name##_le, T, cmp, <=) \
    BY_CMP(name##_gt, T, cmp, >)  \
    BY_CMP(name##_ge, T, cmp, >=)

/* Equality of bytes is decided by the length first. */
static int differ(const cu_slice *x, const cu_slice *y)
{
    return !same_bytes(x, y);
}

SIX_FIXED(u1, uint8_t)
SIX_FIXED(i2, int16_t)
SIX_FIXED(i4, int32_t)
SIX_FIXED(i8, int64_t)
SIX_FLOAT(f4, float, float)
SIX_FLOAT(f8, double, double)
SIX_FLOAT(f48, float, double)
SIX_FLOAT(f84, double, float)
SIX_CMP(num, cu_numeric, cmp_numeric)
SIX_CMP(interval, cu_interval, cmp_interval)
SIX_CMP(uuid, cu_uuid, cmp_uuid)
SIX_CMP(jsonb, cu_slice, cmp_jsonb)
SIX_CMP(array, cu_slice, cmp_array)
BY_CMP(bytes_eq, cu_slice, differ, ==)
BY_CMP(bytes_ne, cu_slice, differ, !=)
BY_CMP(bytes_lt, cu_slice, cmp_bytes, <)
BY_CMP(bytes_le, cu_slice, cmp_bytes, <=)
BY_CMP(bytes_gt, cu_slice, cmp_bytes, >)
BY_CMP(bytes_ge, cu_slice, cmp_bytes, >=)

/* --- the catalog's part ---------------------------------------------- */

#define TWO(k1, k2, name)                                                 \
    CU_OP_TOTAL("=", CU_T_BOOL, name##_eq, "equal", k1, k2),              \
        CU_OP_TOTAL("<>", CU_T_BOOL, name##_ne, "not equal", k1, k2),     \
        CU_OP_TOTAL("<", CU_T_BOOL, name##_lt, "less", k1, k2),           \
        CU_OP_TOTAL("<=", CU_T_BOOL, name##_le, "less or equal", k1, k2), \
        CU_OP_TOTAL(">", CU_T_BOOL, name##_gt, "greater", k1, k2),        \
        CU_OP_TOTAL(">=", CU_T_BOOL, name##_ge, "greater or equal", k1, k2)
#define SIX(kind, name) TWO(kind, kind, name)

/* Two kinds of integers or of dates are cast to the wider one first; real
 * with double precision would resolve to something else without its own. */
static const cu_func list[] = {
    SIX(CU_T_BOOL, u1),
    SIX(CU_T_INT2, i2),
    SIX(CU_T_INT4, i4),
    SIX(CU_T_INT8, i8),
    SIX(CU_T_FLOAT4, f4),
    SIX(CU_T_FLOAT8, f8),
    SIX(CU_T_NUMERIC, num),
    SIX(CU_T_TEXT, bytes),
    SIX(CU_T_BYTEA, bytes),
    SIX(CU_T_DATE, i4),
    SIX(CU_T_TIME, i8),
    SIX(CU_T_TIMESTAMP, i8),
    SIX(CU_T_TIMESTAMPTZ, i8),
    SIX(CU_T_INTERVAL, interval),
    SIX(CU_T_UUID, uuid),
    SIX(CU_T_JSONB, jsonb),
    SIX(CU_T_ANYARRAY, array),
    TWO(CU_T_FLOAT4, CU_T_FLOAT8, f48),
    TWO(CU_T_FLOAT8, CU_T_FLOAT4, f84),
};
CU_PART(cu_part_compare, list);
