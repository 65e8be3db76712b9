/* Inside rows/: numerics as digit strings, and their serial form.
 *
 * A `big` is sign, weight and base-10000 digits, most significant first,
 * without leading or trailing zero digits; n == 0 is zero.  Digits lie in an
 * arena.  value = ± digits[0] x 10000^weight + digits[1] x 10000^(weight-1) …
 */
#ifndef CU_ROWS_NUMERIC_BIG_H
#define CU_ROWS_NUMERIC_BIG_H

#include "rows/int.h"

typedef struct big {
    uint16_t *digits;
    int32_t n;
    int32_t weight;
    int32_t scale; /* digits shown after the point */
    bool negative;
} big;

enum {
    BIG_BASE = 10000,
    BIG_MAX_SCALE = 16383,  /* what a value can show */
    BIG_MAX_RESULT = 1000,  /* what a division or function chooses */
    BIG_MAX_WEIGHT = 32767, /* 131,072 digits before the point */
    INT_MAX_DIGITS = 38,    /* what the INT form holds */
};

/* 10^n for n in 0..38. */
u128 cu_pow10_u128(unsigned n);
/* Decimal digits of v, 1 for 0. */
unsigned cu_digits_u128(u128 v);

/* Finite numerics only. */
big cu_big_from(const cu_numeric *n, cu_arena *a);
/* Back to the fast form when it fits; 22003 when the weight is too large. */
int cu_big_to(const big *b, cu_arena *a, cu_numeric *out, cu_err *err);
big cu_big_from_u64(uint64_t v, cu_arena *a);
big cu_big_add(const big *x, const big *y, cu_arena *a);
big cu_big_sub(const big *x, const big *y, cu_arena *a);
/* Exact; the scale is the sum of both. */
big cu_big_mul(const big *x, const big *y, cu_arena *a);
/* x / y with `scale` digits after the point, rounded half away from zero or
 * cut; y is not zero. */
big cu_big_div(const big *x, const big *y, int32_t scale, bool round,
               cu_arena *a);
/* Rounds (or cuts) to `scale` digits, which may be negative. */
big cu_big_round(const big *x, int32_t scale, bool round, cu_arena *a);
int cu_big_cmp(const big *x, const big *y);
int cu_big_cmp_abs(const big *x, const big *y);
double cu_big_to_double(const big *x);

/* Most bytes that cu_numeric_write() can take. */
static inline size_t cu_numeric_bound(const cu_numeric *n)
{
    return 32 + (n->form == CU_NUM_BIG ? 2 * (size_t)n->n_digits : 0);
}
/* cu_numeric_put() into memory with enough room; returns its end. */
char *cu_numeric_write(const cu_numeric *n, char *p);
/* The digits as decimal text without sign, point or leading zeros. */
static inline bool is_finite(const cu_numeric *n)
{
    return n->form <= CU_NUM_BIG;
}

/* Key bytes (key_numeric.c): memcmp order is numeric order. */
void cu_numeric_key(const cu_numeric *n, cu_buf *out);
bool cu_numeric_unkey(cu_scan *from, uint8_t flip, cu_arena *a,
                      cu_numeric *out);

#endif
