/* Exact sums of doubles: what was added can be taken away without residue.
 *
 * Only finite values; the caller counts NaN and infinities.  Equal multisets
 * of values give equal sums and equal bytes, in whatever order they came.
 */
#ifndef CU_OPERATORS_FSUM_H
#define CU_OPERATORS_FSUM_H

#include "base/bytes.h"

typedef struct cu_fsum {
    int64_t *limbs;  /* heap; base 2^32, carries not yet propagated */
    uint16_t lo, n;  /* limbs[0] is limb number `lo` of the number */
    uint32_t n_adds; /* since the carries were propagated */
} cu_fsum;

/* `(cu_fsum){0}` is zero. */
void cu_fsum_free(cu_fsum *s);
/* Adds w times x. */
void cu_fsum_add(cu_fsum *s, double x, int32_t w);
/* Nearest double, ties to even; infinite on overflow. */
double cu_fsum_value(const cu_fsum *s);
/* Adds w times the product x y, without rounding. A sum of products is of
 * products only: its unit is smaller, and cu_fsum_value() is not for it. */
void cu_fsum_add_product(cu_fsum *s, double x, double y, int32_t w);
/* xy - x y / n, for n >= 1, where xy is a sum of products, computed exactly
 * and rounded once or twice: sums of squared deviations without loss. */
double cu_fsum_spread(const cu_fsum *xy, const cu_fsum *x, const cu_fsum *y,
                      int64_t n);
/* u8 sign | varint lo | varint n | n x u32le, canonical. */
void cu_fsum_put(const cu_fsum *s, cu_buf *out);
/* `s` must be zero; false for bytes that are no sum. */
bool cu_fsum_get(cu_fsum *s, cu_scan *from);
bool cu_fsum_get_products(cu_fsum *s, cu_scan *from);

#endif
