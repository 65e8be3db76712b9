/* Results of accumulators, and accumulators as bytes.
 *
 * Results follow PostgreSQL: sum of nothing is NULL, of integers a bigint, of
 * bigints a numeric; avg of integers and numerics is a numeric division; sums
 * that do not fit their type are errors (22003), not wrong numbers.
 *
 * As bytes, in the group's state value (varints; signed ones zigzagged):
 *
 *   count      n
 *   int        u64le low | u64le high of the sum | n
 *   numeric    sum | nans | pinfs | ninfs | n_scales x { scale, n }
 *   float      fsum | n | nans | pinfs | ninfs
 *   interval   u64le low | u64le high of the us | days | months | n
 *   bool       n_true | n_false
 *   min, max   u8 null | value
 *   bits       n | width x n that have the bit
 *   variance   numeric | sum of squares
 *   spread     float | fsum of squares
 *   pair       spread of x | spread of y | fsum of products | n
 *   marks      aggregate_marks.c
 *   all        nothing
 */
#include "processors/operators/aggregate_spread.h"
#include "processors/operators/aggregate_values.h"

#include <math.h>

int cu_out_of_range(const char *what, cu_err *err)
{
    int rc = cu_fail(err, CU_DATA, 0, "%s out of range", what);
    if (err)
        err->sqlstate = CU_SQLSTATE('2', '2', '0', '0', '3');
    return rc;
}

/* --- values -------------------------------------------------------------- */

void cu_value_put(const cu_value *v, cu_buf *out)
{
    if (v->type.kind == CU_T_NUMERIC)
        cu_numeric_put(&v->num, out);
    else if (cu_type_is_slice(v->type))
        cu_buf_put_lslice(out, v->s);
    else
        cu_buf_put(out, &v->num, cu_type_width(v->type));
}

bool cu_value_get(cu_type t, cu_scan *from, cu_arena *a, cu_value *out)
{
    memset(out, 0, sizeof(*out));
    out->type = t;
    if (t.kind == CU_T_NUMERIC)
        return cu_numeric_get(from, a, &out->num) == 0;
    if (cu_type_is_slice(t)) {
        out->s = cu_scan_lslice(from);
        return !from->bad && out->s.data;
    }
    size_t width = cu_type_width(t);
    cu_slice bytes = cu_scan_bytes(from, width);
    if (from->bad)
        return false;
    memcpy(&out->num, bytes.data, width);
    return true;
}

/* --- results ------------------------------------------------------------- */

static int result_int(const cu_acc_call *c, const cu_acc_int *i, cu_arena *a,
                      cu_value *out, cu_err *err)
{
    if (i->n == 0)
        return 0;
    out->null = false;
    if (c->call->func->agg == CU_AGG_AVG) {
        cu_numeric sum = cu_numeric_from_int128(i->sum, 0);
        cu_numeric n = cu_numeric_from_int8(i->n);
        return cu_numeric_div(&sum, &n, a, &out->num, err);
    }
    if (c->call->result.kind == CU_T_NUMERIC) {
        out->num = cu_numeric_from_int128(i->sum, 0);
        return 0;
    }
    if (i->sum > INT64_MAX || i->sum < INT64_MIN)
        return cu_out_of_range("bigint", err);
    out->i8 = (int64_t)i->sum;
    return 0;
}

int64_t cu_acc_numeric_count(const cu_acc_numeric *n)
{
    int64_t count = n->nans + n->pinfs + n->ninfs;
    for (uint32_t i = 0; i < n->n_scales; i++)
        count += n->scales[i].n;
    return count;
}

static int result_numeric(const cu_acc_call *c, const cu_acc_numeric *n,
                          cu_arena *a, cu_value *out, cu_err *err)
{
    int64_t count = cu_acc_numeric_count(n);
    if (count == 0)
        return 0;
    out->null = false;
    memset(&out->num, 0, sizeof(out->num));
    if (n->nans || (n->pinfs && n->ninfs)) {
        out->num.form = CU_NUM_NAN;
        return 0;
    }
    if (n->pinfs || n->ninfs) {
        out->num.form = n->pinfs ? CU_NUM_PINF : CU_NUM_NINF;
        return 0;
    }
    if (c->call->func->agg == CU_AGG_AVG) {
        cu_numeric by = cu_numeric_from_int8(count);
        return cu_numeric_div(&n->sum, &by, a, &out->num, err);
    }
    out->num = n->sum;
    return 0;
}

int64_t cu_acc_float_count(const cu_acc_float *f)
{
    return f->n + f->nans + f->pinfs + f->ninfs;
}

double cu_acc_float_sum(const cu_acc_float *f)
{
    if (f->nans || (f->pinfs && f->ninfs))
        return NAN;
    if (f->pinfs || f->ninfs)
        return f->pinfs ? INFINITY : -INFINITY;
    return cu_fsum_value(&f->sum);
}

static int result_float(const cu_acc_call *c, const cu_acc_float *f,
                        cu_value *out, cu_err *err)
{
    int64_t count = cu_acc_float_count(f);
    if (count == 0)
        return 0;
    out->null = false;
    bool special = f->nans || f->pinfs || f->ninfs;
    double v = cu_acc_float_sum(f);
    if (c->call->func->agg == CU_AGG_AVG)
        v /= (double)count;
    if (c->call->result.kind == CU_T_FLOAT4) {
        out->f4 = (float)v;
        v = (double)out->f4;
    } else {
        out->f8 = v;
    }
    return !special && isinf(v) ? cu_out_of_range("value", err) : 0;
}

static double to_micros(double v)
{
    return rint(v * 1e6) / 1e6;
}

/* Fractions of months become days (30 a month), fractions of days time. */
cu_interval cu_interval_of(double months, double days, double us)
{
    const double day_seconds = 86400.0;
    cu_interval out = {.months = (int32_t)months, .days = (int32_t)days};
    double more_days = to_micros((months - out.months) * 30);
    double seconds = (days - out.days + more_days - (int)more_days) *
                     day_seconds;
    seconds = to_micros(seconds);
    if (fabs(seconds) >= day_seconds) {
        out.days += (int)(seconds / day_seconds);
        seconds -= (int)(seconds / day_seconds) * day_seconds;
    }
    out.days += (int)more_days;
    out.us = (int64_t)rint(us + seconds * 1e6);
    return out;
}

static int result_interval(const cu_acc_call *c, const cu_acc_interval *i,
                           cu_value *out, cu_err *err)
{
    if (i->n == 0)
        return 0;
    out->null = false;
    if (i->us > INT64_MAX || i->us < INT64_MIN || i->days > INT32_MAX ||
        i->days < INT32_MIN || i->months > INT32_MAX || i->months < INT32_MIN)
        return cu_out_of_range("interval", err);
    if (c->call->func->agg == CU_AGG_AVG)
        out->iv = cu_interval_of((double)i->months / (double)i->n,
                                 (double)i->days / (double)i->n,
                                 (double)i->us / (double)i->n);
    else
        out->iv = (cu_interval){.us = (int64_t)i->us,
                                .days = (int32_t)i->days,
                                .months = (int32_t)i->months};
    return 0;
}

static void result_bool(const cu_acc_call *c, const cu_acc_bool *b,
                        cu_value *out)
{
    out->null = b->n_true + b->n_false == 0;
    out->b = c->call->func->agg == CU_AGG_BOOL_AND ? b->n_false == 0
                                                   : b->n_true > 0;
}

static void result_bits(const cu_acc_call *c, const cu_acc_bits *b,
                        cu_value *out)
{
    uint64_t bits = 0;
    uint32_t width = (uint32_t)(8 * cu_type_width(c->arg));
    unsigned agg = c->call->func->agg;
    for (uint32_t i = 0; i < width; i++) {
        bool set = agg == CU_AGG_BIT_AND  ? b->ones[i] == b->n
                   : agg == CU_AGG_BIT_OR ? b->ones[i] > 0
                                          : b->ones[i] & 1;
        bits |= (uint64_t)set << i;
    }
    out->null = b->n == 0;
    if (c->arg.kind == CU_T_INT2)
        out->i2 = (int16_t)bits;
    else if (c->arg.kind == CU_T_INT4)
        out->i4 = (int32_t)bits;
    else
        out->i8 = (int64_t)bits;
}

int cu_acc_result(const cu_acc_call *c, const void *acc, cu_arena *a,
                  cu_value *out, cu_err *err)
{
    memset(out, 0, sizeof(*out));
    out->type = c->call->result;
    out->null = true;
    switch (c->kind) {
    case CU_ACC_COUNT:
        out->null = false;
        out->i8 = ((const cu_acc_count *)acc)->n;
        return 0;
    case CU_ACC_INT:
        return result_int(c, acc, a, out, err);
    case CU_ACC_NUMERIC:
        return result_numeric(c, acc, a, out, err);
    case CU_ACC_FLOAT:
        return result_float(c, acc, out, err);
    case CU_ACC_INTERVAL:
        return result_interval(c, acc, out, err);
    case CU_ACC_BOOL:
        result_bool(c, acc, out);
        return 0;
    case CU_ACC_BEST:
        *out = ((const cu_acc_best *)acc)->value;
        out->type = c->call->result;
        return 0;
    case CU_ACC_BITS:
        result_bits(c, acc, out);
        return 0;
    case CU_ACC_VARIANCE:
        return cu_variance_result(c, acc, a, out, err);
    case CU_ACC_SPREAD:
        return cu_spread_result(c, acc, out, err);
    case CU_ACC_PAIR:
        return cu_pair_result(c, acc, out, err);
    case CU_ACC_MARKS:
        return cu_marks_result(c, acc, a, out, err);
    case CU_ACC_ALL:
        break; /* cu_all_result() */
    }
    return 0;
}

/* --- bytes --------------------------------------------------------------- */

static void put_i128(cu_i128 v, cu_buf *out)
{
    cu_buf_put_u64le(out, (uint64_t)v);
    cu_buf_put_u64le(out, (uint64_t)(v >> 64));
}

static cu_i128 get_i128(cu_scan *from)
{
    uint64_t low = cu_scan_u64le(from);
    uint64_t high = cu_scan_u64le(from);
    return (cu_i128)((unsigned __int128)high << 64 | low);
}

static void put_numeric(const cu_acc_numeric *n, cu_buf *out)
{
    cu_numeric_put(&n->sum, out);
    cu_buf_put_svarint(out, n->nans);
    cu_buf_put_svarint(out, n->pinfs);
    cu_buf_put_svarint(out, n->ninfs);
    cu_buf_put_varint(out, n->n_scales);
    for (uint32_t i = 0; i < n->n_scales; i++) {
        cu_buf_put_varint(out, n->scales[i].scale);
        cu_buf_put_svarint(out, n->scales[i].n);
    }
}

static bool get_numeric(cu_acc_numeric *n, cu_scan *from, cu_arena *scratch)
{
    cu_value sum = {.type = CU_TYPE(CU_T_NUMERIC)};
    if (cu_numeric_get(from, scratch, &sum.num))
        return false;
    n->nans = cu_scan_svarint(from);
    n->pinfs = cu_scan_svarint(from);
    n->ninfs = cu_scan_svarint(from);
    uint64_t count = cu_scan_varint(from);
    if (from->bad || count > cu_scan_left(from))
        return false;
    n->scales = cu_calloc(count, sizeof(*n->scales));
    n->n_scales = (uint32_t)count;
    for (uint32_t i = 0; i < count; i++) {
        n->scales[i].scale = (uint16_t)cu_scan_varint(from);
        n->scales[i].n = cu_scan_svarint(from);
    }
    cu_acc_keep_numeric(&n->sum, &sum.num);
    return !from->bad;
}

static bool get_best(const cu_acc_call *c, cu_acc_best *b, cu_scan *from,
                     cu_arena *scratch)
{
    cu_value v;
    if (cu_scan_u8(from))
        return !from->bad;
    if (!cu_value_get(c->arg, from, scratch, &v))
        return false;
    cu_acc_set_best(c, b, &v);
    return true;
}

static void put_float(const cu_acc_float *f, cu_buf *out)
{
    cu_fsum_put(&f->sum, out);
    cu_buf_put_svarint(out, f->n);
    cu_buf_put_svarint(out, f->nans);
    cu_buf_put_svarint(out, f->pinfs);
    cu_buf_put_svarint(out, f->ninfs);
}

static bool get_float(cu_acc_float *f, cu_scan *from)
{
    if (!cu_fsum_get(&f->sum, from))
        return false;
    f->n = cu_scan_svarint(from);
    f->nans = cu_scan_svarint(from);
    f->pinfs = cu_scan_svarint(from);
    f->ninfs = cu_scan_svarint(from);
    return !from->bad;
}

static void put_spread(const cu_acc_spread *s, cu_buf *out)
{
    put_float(&s->values, out);
    cu_fsum_put(&s->squares, out);
}

static bool get_spread(cu_acc_spread *s, cu_scan *from)
{
    return get_float(&s->values, from) &&
           cu_fsum_get_products(&s->squares, from);
}

static void put_bits(const cu_acc_call *c, const cu_acc_bits *b, cu_buf *out)
{
    cu_buf_put_svarint(out, b->n);
    for (uint32_t i = 0; i < 8 * cu_type_width(c->arg); i++)
        cu_buf_put_svarint(out, b->ones[i]);
}

static bool get_bits(const cu_acc_call *c, cu_acc_bits *b, cu_scan *from)
{
    b->n = cu_scan_svarint(from);
    for (uint32_t i = 0; i < 8 * cu_type_width(c->arg); i++)
        b->ones[i] = cu_scan_svarint(from);
    return !from->bad;
}

static bool get_variance(cu_acc_variance *v, cu_scan *from, cu_arena *scratch)
{
    cu_numeric squares;
    if (!get_numeric(&v->values, from, scratch) ||
        cu_numeric_get(from, scratch, &squares))
        return false;
    cu_acc_keep_numeric(&v->squares, &squares);
    return true;
}

void cu_acc_put(const cu_acc_call *c, const void *acc, cu_buf *out)
{
    switch (c->kind) {
    case CU_ACC_COUNT:
        cu_buf_put_svarint(out, ((const cu_acc_count *)acc)->n);
        break;
    case CU_ACC_INT:
        put_i128(((const cu_acc_int *)acc)->sum, out);
        cu_buf_put_svarint(out, ((const cu_acc_int *)acc)->n);
        break;
    case CU_ACC_NUMERIC:
        put_numeric(acc, out);
        break;
    case CU_ACC_FLOAT:
        put_float(acc, out);
        break;
    case CU_ACC_INTERVAL: {
        const cu_acc_interval *i = acc;
        put_i128(i->us, out);
        cu_buf_put_svarint(out, i->days);
        cu_buf_put_svarint(out, i->months);
        cu_buf_put_svarint(out, i->n);
        break;
    }
    case CU_ACC_BOOL:
        cu_buf_put_svarint(out, ((const cu_acc_bool *)acc)->n_true);
        cu_buf_put_svarint(out, ((const cu_acc_bool *)acc)->n_false);
        break;
    case CU_ACC_BEST: {
        const cu_acc_best *b = acc;
        cu_buf_put_u8(out, b->value.null);
        if (!b->value.null)
            cu_value_put(&b->value, out);
        break;
    }
    case CU_ACC_BITS:
        put_bits(c, acc, out);
        break;
    case CU_ACC_VARIANCE:
        put_numeric(&((const cu_acc_variance *)acc)->values, out);
        cu_numeric_put(&((const cu_acc_variance *)acc)->squares, out);
        break;
    case CU_ACC_SPREAD:
        put_spread(acc, out);
        break;
    case CU_ACC_PAIR:
        put_spread(&((const cu_acc_pair *)acc)->x, out);
        put_spread(&((const cu_acc_pair *)acc)->y, out);
        cu_fsum_put(&((const cu_acc_pair *)acc)->xy, out);
        cu_buf_put_svarint(out, ((const cu_acc_pair *)acc)->n);
        break;
    case CU_ACC_MARKS:
        cu_marks_put(c, acc, out);
        break;
    case CU_ACC_ALL:
        break;
    }
}

bool cu_acc_get(const cu_acc_call *c, void *acc, cu_scan *from,
                cu_arena *scratch)
{
    switch (c->kind) {
    case CU_ACC_COUNT:
        ((cu_acc_count *)acc)->n = cu_scan_svarint(from);
        break;
    case CU_ACC_INT:
        ((cu_acc_int *)acc)->sum = get_i128(from);
        ((cu_acc_int *)acc)->n = cu_scan_svarint(from);
        break;
    case CU_ACC_NUMERIC:
        return get_numeric(acc, from, scratch);
    case CU_ACC_FLOAT:
        return get_float(acc, from);
    case CU_ACC_INTERVAL: {
        cu_acc_interval *i = acc;
        i->us = get_i128(from);
        i->days = cu_scan_svarint(from);
        i->months = cu_scan_svarint(from);
        i->n = cu_scan_svarint(from);
        break;
    }
    case CU_ACC_BOOL:
        ((cu_acc_bool *)acc)->n_true = cu_scan_svarint(from);
        ((cu_acc_bool *)acc)->n_false = cu_scan_svarint(from);
        break;
    case CU_ACC_BEST:
        return get_best(c, acc, from, scratch);
    case CU_ACC_BITS:
        return get_bits(c, acc, from);
    case CU_ACC_VARIANCE:
        return get_variance(acc, from, scratch);
    case CU_ACC_SPREAD:
        return get_spread(acc, from);
    case CU_ACC_PAIR: {
        cu_acc_pair *p = acc;
        if (!get_spread(&p->x, from) || !get_spread(&p->y, from) ||
            !cu_fsum_get_products(&p->xy, from))
            return false;
        p->n = cu_scan_svarint(from);
        break;
    }
    case CU_ACC_MARKS:
        return cu_marks_get(c, acc, from, scratch);
    case CU_ACC_ALL:
        break;
    }
    return !from->bad;
}
