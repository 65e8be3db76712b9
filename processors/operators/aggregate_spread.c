/* Variances, covariances, regression: exact sums, rounded once.
 *
 *   integers, numeric   sum and sum of squares as numerics; the result has the
 *                       scale that PostgreSQL gives it
 *   floats              exact sums of values and of products (fsum.h); the
 *                       centred sums  Sxx = sum(x x) - sum(x)^2 / n  lose
 *                       nothing to cancellation
 *
 * Where PostgreSQL's own float sums, which depend on the order of the rows,
 * leave a variance of 1e-17 for equal values, ours is 0.
 */
#include "processors/operators/aggregate_spread.h"

#include <math.h>

/* --- adding -------------------------------------------------------------- */

static bool is_number(const cu_numeric *v)
{
    return v->form == CU_NUM_INT || v->form == CU_NUM_BIG;
}

/* An overflow makes it NaN, which cu_acc_is_sound() finds. */
void cu_variance_add(cu_acc_variance *a, const cu_numeric *v, int32_t w,
                     cu_arena *scratch)
{
    cu_numeric square, sum, times = cu_numeric_from_int8(w);
    cu_acc_add_numeric(&a->values, v, w, scratch);
    if (!is_number(v))
        return;
    int rc = cu_numeric_mul(v, v, scratch, &square, NULL);
    if (!rc && w != 1)
        rc = cu_numeric_mul(&square, &times, scratch, &square, NULL);
    rc = rc ? rc : cu_numeric_add(&a->squares, &square, scratch, &sum, NULL);
    const cu_acc_numeric *n = &a->values;
    int scale = n->n_scales ? 2 * n->scales[n->n_scales - 1].scale : 0;
    if (!rc && sum.scale > scale) /* the digits behind it are zeros now */
        rc = cu_numeric_round(&sum, scale, scratch, &sum, NULL);
    if (rc)
        sum = (cu_numeric){.form = CU_NUM_NAN};
    cu_acc_keep_numeric(&a->squares, &sum);
}

void cu_spread_add(cu_acc_spread *a, double v, int32_t w)
{
    cu_acc_add_float(&a->values, v, w);
    if (isfinite(v))
        cu_fsum_add_product(&a->squares, v, v, w);
}

void cu_pair_add(cu_acc_pair *a, double y, double x, int32_t w)
{
    a->n += w;
    cu_spread_add(&a->x, x, w);
    cu_spread_add(&a->y, y, w);
    if (isfinite(x) && isfinite(y))
        cu_fsum_add_product(&a->xy, x, y, w);
}

/* --- numeric results ----------------------------------------------------- */

static bool is_sample(const cu_acc_call *c)
{
    unsigned agg = c->call->func->agg;
    return agg == CU_AGG_VAR_SAMP || agg == CU_AGG_STDDEV_SAMP;
}

static bool is_root(const cu_acc_call *c)
{
    unsigned agg = c->call->func->agg;
    return agg == CU_AGG_STDDEV_POP || agg == CU_AGG_STDDEV_SAMP;
}

/* The root of v, half away from zero at `scale` digits, which may be fewer
 * than cu_numeric_sqrt() gives: what that rounded first is looked at again. */
static int root(const cu_numeric *v, int scale, cu_arena *a, cu_numeric *out,
                cu_err *err)
{
    cu_numeric r, step = cu_numeric_from_int128(1, (uint16_t)scale);
    cu_numeric half = cu_numeric_from_int128(5, (uint16_t)(scale + 1));
    cu_numeric edge, square;
    int rc = cu_numeric_sqrt(v, a, &r, err);
    rc = rc ? rc : cu_numeric_round(&r, scale, a, &r, err);
    rc = rc ? rc : cu_numeric_sub(&r, &half, a, &edge, err);
    rc = rc ? rc : cu_numeric_mul(&edge, &edge, a, &square, err);
    if (!rc && cu_numeric_sign(&edge) > 0 && cu_numeric_cmp(&square, v) > 0)
        rc = cu_numeric_sub(&r, &step, a, &r, err);
    *out = r;
    return rc;
}

/* n sum(x^2) - sum(x)^2 over n n or n (n - 1). */
static int divide_spread(const cu_acc_call *c, const cu_acc_variance *v,
                         int64_t count, cu_arena *a, cu_numeric *out,
                         cu_err *err)
{
    cu_numeric n = cu_numeric_from_int8(count), square, above, below;
    cu_numeric less = cu_numeric_from_int8(is_sample(c) ? count - 1 : count);
    int rc = cu_numeric_mul(&v->values.sum, &v->values.sum, a, &square, err);
    rc = rc ? rc : cu_numeric_mul(&n, &v->squares, a, &above, err);
    rc = rc ? rc : cu_numeric_sub(&above, &square, a, &above, err);
    *out = cu_numeric_from_int8(0);
    if (rc || cu_numeric_sign(&above) <= 0)
        return rc;
    rc = cu_numeric_mul(&n, &less, a, &below, err);
    rc = rc ? rc : cu_numeric_div(&above, &below, a, out, err);
    if (rc || !is_root(c))
        return rc;
    above = *out;
    return root(&above, above.scale, a, out, err);
}

int cu_variance_result(const cu_acc_call *c, const cu_acc_variance *v,
                       cu_arena *a, cu_value *out, cu_err *err)
{
    int64_t n = cu_acc_numeric_count(&v->values);
    if (n == 0 || (n == 1 && is_sample(c)))
        return 0;
    out->null = false;
    if (v->values.nans || v->values.pinfs || v->values.ninfs) {
        out->num = (cu_numeric){.form = CU_NUM_NAN};
        return 0;
    }
    return divide_spread(c, v, n, a, &out->num, err);
}

/* --- float results ------------------------------------------------------- */

static int put_float(double v, bool special, cu_value *out, cu_err *err)
{
    out->null = false;
    out->f8 = v;
    return isinf(v) && !special ? cu_out_of_range("value", err) : 0;
}

static double centred(const cu_acc_spread *a)
{
    const cu_acc_float *v = &a->values;
    return v->nans || v->pinfs || v->ninfs
               ? NAN
               : cu_fsum_spread(&a->squares, &v->sum, &v->sum, v->n);
}

int cu_spread_result(const cu_acc_call *c, const cu_acc_spread *a,
                     cu_value *out, cu_err *err)
{
    int64_t n = cu_acc_float_count(&a->values);
    if (n == 0 || (n == 1 && is_sample(c)))
        return 0;
    double v = centred(a) / (double)(is_sample(c) ? n - 1 : n);
    return put_float(is_root(c) ? sqrt(v) : v, false, out, err);
}

typedef struct moments {
    double n, x, y; /* sums */
    double xx, yy, xy;
} moments;

static moments moments_of(const cu_acc_pair *a)
{
    const cu_acc_float *x = &a->x.values, *y = &a->y.values;
    moments m = {.n = (double)a->n,
                 .x = cu_acc_float_sum(x),
                 .y = cu_acc_float_sum(y),
                 .xx = centred(&a->x),
                 .yy = centred(&a->y)};
    m.xy = isnan(m.xx) || isnan(m.yy)
               ? NAN
               : cu_fsum_spread(&a->xy, &x->sum, &y->sum, a->n);
    return m;
}

/* NULL: out->null stays. */
static int regression(unsigned agg, const moments *m, bool special,
                      cu_value *out, cu_err *err)
{
    switch (agg) {
    case CU_AGG_REGR_R2:
        if (m->xx == 0)
            return 0;
        return put_float(m->yy == 0 ? 1 : m->xy * m->xy / (m->xx * m->yy),
                         special, out, err);
    case CU_AGG_CORR:
        if (m->xx == 0 || m->yy == 0)
            return 0;
        return put_float(m->xy / sqrt(m->xx * m->yy), special, out, err);
    case CU_AGG_REGR_SLOPE:
        if (m->xx == 0)
            return 0;
        return put_float(m->xy / m->xx, special, out, err);
    case CU_AGG_REGR_INTERCEPT:
        if (m->xx == 0)
            return 0;
        return put_float((m->y - m->x * m->xy / m->xx) / m->n, special, out,
                         err);
    default:
        CU_ASSERT(!"no regression");
        return 0;
    }
}

int cu_pair_result(const cu_acc_call *c, const cu_acc_pair *a, cu_value *out,
                   cu_err *err)
{
    unsigned agg = c->call->func->agg;
    if (agg == CU_AGG_REGR_COUNT) {
        out->null = false;
        out->i8 = a->n;
        return 0;
    }
    if (a->n == 0 || (agg == CU_AGG_COVAR_SAMP && a->n == 1))
        return 0;
    moments m = moments_of(a);
    bool special = isnan(m.xy) || isinf(m.x) || isinf(m.y);
    switch (agg) {
    case CU_AGG_REGR_SXX:
        return put_float(m.xx, special, out, err);
    case CU_AGG_REGR_SYY:
        return put_float(m.yy, special, out, err);
    case CU_AGG_REGR_SXY:
        return put_float(m.xy, special, out, err);
    case CU_AGG_REGR_AVGX:
        return put_float(m.x / m.n, special, out, err);
    case CU_AGG_REGR_AVGY:
        return put_float(m.y / m.n, special, out, err);
    case CU_AGG_COVAR_POP:
        return put_float(m.xy / m.n, special, out, err);
    case CU_AGG_COVAR_SAMP:
        return put_float(m.xy / (m.n - 1), special, out, err);
    default:
        return regression(agg, &m, special, out, err);
    }
}
