/* Numeric key bytes: sign, exponent, digit pairs, terminator.
 *
 *   u8 class        0 -inf  1 negative  2 zero  3 positive  4 inf  5 NaN
 *   exponent e      value = 0.p1p2p3… x 100^e, p1 > 0
 *                   -96..95: one byte e + 128; larger: 0xF0, u24 e;
 *                   smaller: 0x10, u24 (e + 2^23)
 *   p + 1 …         one byte a pair, 1..100, last one is not the pair 00
 *   0               ends
 *
 * Everything after the class is complemented for negative values.  Trailing
 * zeros are not in it: 1.0 and 1.00 have the same key.
 */
#include "rows/int.h"
#include "rows/numeric.h"
#include "rows/numeric_big.h"

enum { MINUS_INF, MINUS, ZERO, PLUS, PLUS_INF, NOT_A_NUMBER };
enum { EXP_BIAS = 128, EXP_SMALL = 0x10, EXP_LARGE = 0xF0 };
enum { EXP_LEAST = -96, EXP_MOST = 95, MOST_PAIRS = 80000 };

static void put_exponent(int32_t e, cu_buf *out)
{
    if (e >= EXP_LEAST && e <= EXP_MOST) {
        cu_buf_put_u8(out, (uint8_t)(e + EXP_BIAS));
        return;
    }
    uint32_t v = e > 0 ? (uint32_t)e : (uint32_t)(e + (1 << 23));
    cu_buf_put_u8(out, e > 0 ? EXP_LARGE : EXP_SMALL);
    cu_buf_put_u8(out, (uint8_t)(v >> 16));
    cu_buf_put_u16be(out, (uint16_t)v);
}

/* The INT form: pairs are cut from the low end, aligned to the point. */
static void put_int(const cu_numeric *n, cu_buf *out)
{
    u128 v = n->i < 0 ? -(u128)n->i : (u128)n->i;
    int32_t e = -(int32_t)(n->scale / 2);
    uint8_t pairs[24];
    int k = 0;
    if (n->scale % 2) { /* half a pair: the low digit stands in the tens */
        pairs[k++] = (uint8_t)(v % 10 * 10);
        v /= 10;
        e--;
    }
    while (v >> 64) {
        pairs[k++] = (uint8_t)(v % 100);
        v /= 100;
    }
    for (uint64_t low = (uint64_t)v; low; low /= 100)
        pairs[k++] = (uint8_t)(low % 100);
    e += k;
    int last = 0;
    while (pairs[last] == 0)
        last++;
    put_exponent(e, out);
    char *p = cu_buf_reserve(out, (size_t)k + 1), *start = p;
    while (k > last)
        *p++ = (char)(pairs[--k] + 1);
    *p++ = 0;
    out->len += (size_t)(p - start);
}

static void put_big(const cu_numeric *n, cu_buf *out)
{
    bool short_head = n->digits[0] < 100;
    put_exponent(2 * (n->weight + 1) - short_head, out);
    char *p = cu_buf_reserve(out, 2 * (size_t)n->n_digits + 1), *start = p;
    for (uint32_t i = 0; i < n->n_digits; i++) {
        if (i || !short_head)
            *p++ = (char)(n->digits[i] / 100 + 1);
        *p++ = (char)(n->digits[i] % 100 + 1);
    }
    while (p[-1] == 1) /* pair 00 at the end */
        p--;
    *p++ = 0;
    out->len += (size_t)(p - start);
}

static void complement(cu_buf *out, size_t from)
{
    for (size_t i = from; i < out->len; i++)
        out->data[i] = (char)~out->data[i];
}

void cu_numeric_key(const cu_numeric *n, cu_buf *out)
{
    bool minus = n->form == CU_NUM_BIG ? n->negative : n->i < 0;
    switch ((enum cu_numeric_form)n->form) {
    case CU_NUM_NAN:
        cu_buf_put_u8(out, NOT_A_NUMBER);
        return;
    case CU_NUM_PINF:
        cu_buf_put_u8(out, PLUS_INF);
        return;
    case CU_NUM_NINF:
        cu_buf_put_u8(out, MINUS_INF);
        return;
    case CU_NUM_INT:
        if (n->i == 0) {
            cu_buf_put_u8(out, ZERO);
            return;
        }
        break;
    case CU_NUM_BIG:
        break;
    }
    cu_buf_put_u8(out, minus ? MINUS : PLUS);
    size_t start = out->len;
    if (n->form == CU_NUM_INT)
        put_int(n, out);
    else
        put_big(n, out);
    if (minus)
        complement(out, start);
}

/* --- back --------------------------------------------------------------- */

static bool get_exponent(cu_scan *s, uint8_t flip, int32_t *e)
{
    uint8_t head = cu_scan_u8(s) ^ flip;
    if (head != EXP_SMALL && head != EXP_LARGE) {
        *e = head - EXP_BIAS;
        return *e >= EXP_LEAST && *e <= EXP_MOST;
    }
    uint32_t v = (uint32_t)(cu_scan_u8(s) ^ flip) << 16;
    v |= (uint32_t)(cu_scan_u8(s) ^ flip) << 8;
    v |= (uint32_t)(cu_scan_u8(s) ^ flip);
    *e = head == EXP_LARGE ? (int32_t)v : (int32_t)v - (1 << 23);
    return *e <= 2 * BIG_MAX_WEIGHT + 2 && *e >= -BIG_MAX_SCALE;
}

/* pairs[0..k) with exponent e -> digits. */
static bool from_pairs(const uint8_t *pairs, int32_t k, int32_t e, bool minus,
                       cu_arena *a, cu_numeric *out)
{
    /* A digit is two pairs; with an odd exponent the first stands alone. */
    int32_t lead = (e & 1) ? 1 : 0;
    int32_t n = (k + lead + 1) / 2;
    big b = {.n = n, .negative = minus};
    b.weight = (e + lead) / 2 - 1;
    b.digits = cu_arena_calloc(a, (size_t)n, sizeof(uint16_t));
    for (int32_t i = 0; i < k; i++) {
        int32_t at = i + lead;
        b.digits[at / 2] = (uint16_t)(b.digits[at / 2] +
                                      pairs[i] * (at % 2 ? 1 : 100));
    }
    int32_t scale = 2 * (k - e) - (pairs[k - 1] % 10 == 0);
    b.scale = scale > 0 ? scale : 0;
    return b.scale <= BIG_MAX_SCALE && !cu_big_to(&b, a, out, NULL);
}

bool cu_numeric_unkey(cu_scan *s, uint8_t flip, cu_arena *a, cu_numeric *out)
{
    uint8_t class = cu_scan_u8(s) ^ flip;
    memset(out, 0, sizeof(*out));
    if (s->bad || class > NOT_A_NUMBER)
        return false;
    if (class != MINUS && class != PLUS) {
        out->form = class == ZERO        ? CU_NUM_INT
                    : class == MINUS_INF ? CU_NUM_NINF
                    : class == PLUS_INF  ? CU_NUM_PINF
                                         : CU_NUM_NAN;
        return true;
    }
    if (class == MINUS)
        flip ^= 0xFF;
    int32_t e, k = 0;
    if (!get_exponent(s, flip, &e))
        return false;
    size_t left = cu_scan_left(s);
    int32_t most = left < MOST_PAIRS ? (int32_t)left : MOST_PAIRS;
    while (k < most && ((uint8_t)s->p[k] ^ flip) != 0)
        k++;
    if (k == most || k == 0)
        return false;
    uint8_t *pairs = cu_arena_alloc(a, (size_t)k);
    for (int32_t i = 0; i < k; i++) {
        pairs[i] = (uint8_t)(((uint8_t)s->p[i] ^ flip) - 1);
        if (pairs[i] > 99)
            return false;
    }
    s->p += k + 1;
    return pairs[0] && pairs[k - 1] &&
           from_pairs(pairs, k, e, class == MINUS, a, out);
}
