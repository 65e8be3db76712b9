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
 */
#include "processors/operators/aggregate.h"

#include <math.h>

static int out_of_range(const char *what, cu_err *err)
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

/* Types whose key bytes do not say everything about the value. */
static bool has_forms(cu_type t)
{
    switch (t.kind) {
    case CU_T_NUMERIC:
    case CU_T_FLOAT4:
    case CU_T_FLOAT8:
    case CU_T_INTERVAL:
    case CU_T_JSONB:
    case CU_T_ARRAY:
        return true;
    default:
        return false;
    }
}

/* For min and max, equal values in different forms (1.0 and 1.00) are kept
 * apart, so that the answer is a function of the rows and not of their order.
 * DISTINCT must not tell them apart. */
void cu_acc_value_key(const cu_acc_call *c, const cu_value *v, cu_buf *out)
{
    cu_key_encode_value(v, 0, out);
    if (c->kind == CU_ACC_BEST && has_forms(c->arg))
        cu_value_put(v, out);
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
        return out_of_range("bigint", err);
    out->i8 = (int64_t)i->sum;
    return 0;
}

static int result_numeric(const cu_acc_call *c, const cu_acc_numeric *n,
                          cu_arena *a, cu_value *out, cu_err *err)
{
    int64_t count = n->nans + n->pinfs + n->ninfs;
    for (uint32_t i = 0; i < n->n_scales; i++)
        count += n->scales[i].n;
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

static int result_float(const cu_acc_call *c, const cu_acc_float *f,
                        cu_value *out, cu_err *err)
{
    int64_t count = f->n + f->nans + f->pinfs + f->ninfs;
    if (count == 0)
        return 0;
    out->null = false;
    bool special = f->nans || f->pinfs || f->ninfs;
    double v = cu_fsum_value(&f->sum);
    if (f->nans || (f->pinfs && f->ninfs))
        v = NAN;
    else if (special)
        v = f->pinfs ? INFINITY : -INFINITY;
    if (c->call->func->agg == CU_AGG_AVG)
        v /= (double)count;
    if (c->call->result.kind == CU_T_FLOAT4) {
        out->f4 = (float)v;
        v = (double)out->f4;
    } else {
        out->f8 = v;
    }
    return !special && isinf(v) ? out_of_range("value", err) : 0;
}

static double to_micros(double v)
{
    return rint(v * 1e6) / 1e6;
}

/* An interval divided as PostgreSQL 15 does: fractions of months become
 * days (30 a month), fractions of days become time. */
static void divide(const cu_acc_interval *i, cu_interval *out)
{
    double by = (double)i->n, day_seconds = 86400.0;
    out->months = (int32_t)((double)i->months / by);
    out->days = (int32_t)((double)i->days / by);
    double days = ((double)i->months / by - out->months) * 30;
    days = to_micros(days);
    double seconds = ((double)i->days / by - out->days + days - (int)days) *
                     day_seconds;
    seconds = to_micros(seconds);
    if (fabs(seconds) >= day_seconds) {
        out->days += (int)(seconds / day_seconds);
        seconds -= (int)(seconds / day_seconds) * day_seconds;
    }
    out->days += (int)days;
    out->us = (int64_t)rint((double)i->us / by + seconds * 1e6);
}

static int result_interval(const cu_acc_call *c, const cu_acc_interval *i,
                           cu_value *out, cu_err *err)
{
    if (i->n == 0)
        return 0;
    out->null = false;
    if (i->us > INT64_MAX || i->us < INT64_MIN || i->days > INT32_MAX ||
        i->days < INT32_MIN || i->months > INT32_MAX || i->months < INT32_MIN)
        return out_of_range("interval", err);
    if (c->call->func->agg == CU_AGG_AVG)
        divide(i, &out->iv);
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
    cu_acc_keep_sum(n, &sum.num);
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
    case CU_ACC_FLOAT: {
        const cu_acc_float *f = acc;
        cu_fsum_put(&f->sum, out);
        cu_buf_put_svarint(out, f->n);
        cu_buf_put_svarint(out, f->nans);
        cu_buf_put_svarint(out, f->pinfs);
        cu_buf_put_svarint(out, f->ninfs);
        break;
    }
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
    case CU_ACC_FLOAT: {
        cu_acc_float *f = acc;
        if (!cu_fsum_get(&f->sum, from))
            return false;
        f->n = cu_scan_svarint(from);
        f->nans = cu_scan_svarint(from);
        f->pinfs = cu_scan_svarint(from);
        f->ninfs = cu_scan_svarint(from);
        break;
    }
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
    }
    return !from->bad;
}
