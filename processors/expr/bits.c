/* Bytes and bits: get, set, count, trim. Bit 0 is the lowest of byte 0. */
#include "processors/expr/kernel.h"

#define E_SUBSCRIPT CU_SQLSTATE('2', '2', '0', '2', 'E')

/* False after a fault. */
static bool in_range(cu_call *c, uint32_t row, int64_t n, size_t size)
{
    if (n >= 0 && (uint64_t)n < size)
        return true;
    cu_call_fail(c, row, E_SUBSCRIPT, "index %lld out of valid range, 0..%lld",
                 (long long)n, (long long)size - 1);
    return false;
}

static void get_byte(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, n, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (in_range(c, r, CU_AT(n, r), CU_AT(x, r).len))
            CU_OUT(int32_t, c)
    [r] = (unsigned char)CU_AT(x, r).data[CU_AT(n, r)];
}

static void get_bit(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int64_t, n, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const int64_t at = CU_AT(n, r);
        if (in_range(c, r, at, CU_AT(x, r).len * 8))
            CU_OUT(int32_t, c)
        [r] = (unsigned char)CU_AT(x, r).data[at / 8] >> at % 8 & 1;
    }
}

static unsigned char *copy(cu_call *c, uint32_t row, cu_slice s)
{
    s = cu_arena_slice(c->arena, s);
    CU_OUT(cu_slice, c)[row] = s;
    return (unsigned char *)(uintptr_t)s.data;
}

static void set_byte(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int32_t, n, c, 1);
    CU_ARG(int32_t, v, c, 2);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (in_range(c, r, CU_AT(n, r), CU_AT(x, r).len))
            copy(c, r, CU_AT(x, r))[CU_AT(n, r)] = (unsigned char)CU_AT(v, r);
}

static void set_bit(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(int64_t, n, c, 1);
    CU_ARG(int32_t, v, c, 2);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const int64_t at = CU_AT(n, r);
        if (!in_range(c, r, at, CU_AT(x, r).len * 8))
            continue;
        if (CU_AT(v, r) != 0 && CU_AT(v, r) != 1) {
            cu_call_fail(c, r, CU_E_PARAMETER, "new bit must be 0 or 1");
            continue;
        }
        unsigned char *byte = copy(c, r, CU_AT(x, r)) + at / 8;
        const unsigned bit = 1u << at % 8;
        *byte = (unsigned char)(CU_AT(v, r) ? *byte | bit : *byte & ~bit);
    }
}

static int64_t count_bits(cu_slice s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += __builtin_popcount((unsigned char)s.data[i]);
    return n;
}

CU_UNARY_ROWS(bit_count, cu_slice, int64_t, count_bits)

/* --- trimming -------------------------------------------------------- */

static void trim(cu_call *c, bool left, bool right)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, set, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_slice s = CU_AT(x, r);
        const cu_slice out = CU_AT(set, r);
        while (left && s.len && out.len && memchr(out.data, s.data[0], out.len))
            s = (cu_slice){s.data + 1, s.len - 1};
        while (right && s.len && out.len &&
               memchr(out.data, s.data[s.len - 1], out.len))
            s.len--;
        CU_OUT(cu_slice, c)[r] = s;
    }
}

static void trim_both(cu_call *c)
{
    trim(c, true, true);
}

static void trim_left(cu_call *c)
{
    trim(c, true, false);
}

static void trim_right(cu_call *c)
{
    trim(c, false, true);
}

/* --- shifts of smallint ---------------------------------------------- */

/* The distance is taken modulo 32, as for an integer. */
static int16_t shl_of(int16_t x, int32_t by)
{
    return (int16_t)(uint32_t)((uint32_t)x << (by & 31));
}

static int16_t shr_of(int16_t x, int32_t by)
{
    return (int16_t)(x >> (by & 31));
}

CU_BINARY(shl_i2, int16_t, int32_t, int16_t, shl_of)
CU_BINARY(shr_i2, int16_t, int32_t, int16_t, shr_of)

#define BY CU_T_BYTEA
#define I2 CU_T_INT2
#define I4 CU_T_INT4
#define I8 CU_T_INT8

static const cu_func list[] = {
    CU_FN("get_byte", I4, get_byte, "byte n, from 0", BY, I4),
    CU_FN("set_byte", BY, set_byte, "with z as byte n", BY, I4, I4),
    CU_FN("get_bit", I4, get_bit, "bit n, from 0", BY, I8),
    CU_FN("set_bit", BY, set_bit, "with z as bit n", BY, I8, I4),
    CU_FN("bit_count", I8, bit_count, "bits that are set", BY),
    CU_FN("btrim", BY, trim_both, "without these bytes at both ends", BY, BY),
    CU_FN("ltrim", BY, trim_left, "without these bytes at the start", BY, BY),
    CU_FN("rtrim", BY, trim_right, "without these bytes at the end", BY, BY),
    CU_OP_TOTAL("<<", I2, shl_i2, "bits to the left", I2, I4),
    CU_OP_TOTAL(">>", I2, shr_i2, "bits to the right", I2, I4),
};
CU_PART(cu_part_bits, list);
