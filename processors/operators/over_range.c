/* RANGE offsets: whether a value lies within reach of a row's value.
 *
 * These are PostgreSQL's in_range functions: sums that overflow are beyond
 * every value, NaN reaches NaN only, an infinity moved by an infinity the
 * other way reaches everything.  Months and days of an offset to a
 * timestamptz are counted in the session's zone; of an offset to a time only
 * its time counts.
 */
#include "processors/expr/calendar.h"
#include "processors/operators/instant.h"
#include "processors/operators/over.h"

#include <math.h>

/* --- one type each: where does v stand from base moved by the offset? ----- */

static cu_i128 whole(const cu_value *v)
{
    switch (v->type.kind) {
    case CU_T_INT2:
        return v->i2;
    case CU_T_INT4:
    case CU_T_DATE:
        return v->i4;
    default:
        return v->i8;
    }
}

static double real(const cu_value *v)
{
    if (v->type.kind == CU_T_FLOAT4)
        return (double)v->f4;
    return v->f8;
}

static int sign_of(cu_i128 d)
{
    return d < 0 ? -1 : d > 0;
}

static bool float_in_range(double v, double base, double by, bool sub,
                           bool less)
{
    if (isnan(v))
        return isnan(base) || !less;
    if (isnan(base))
        return less;
    if (isinf(by) && isinf(base) && (sub ? base > 0 : base < 0))
        return true;
    double sum = sub ? base - by : base + by;
    return less ? v <= sum : v >= sum;
}

static bool numeric_in_range(const cu_numeric *v, const cu_numeric *base,
                             const cu_numeric *by, bool sub, bool less)
{
    if (v->form == CU_NUM_NAN)
        return base->form == CU_NUM_NAN || !less;
    if (base->form == CU_NUM_NAN)
        return less;
    if (by->form == CU_NUM_PINF &&
        base->form == (sub ? CU_NUM_PINF : CU_NUM_NINF))
        return true;
    cu_numeric sum;
    cu_arena *a = cu_arena_new(0);
    int rc = sub ? cu_numeric_sub(base, by, a, &sum, NULL)
                 : cu_numeric_add(base, by, a, &sum, NULL);
    int order = rc ? (sub ? 1 : -1) : cu_numeric_cmp(v, &sum);
    cu_arena_free(a);
    return less ? order <= 0 : order >= 0;
}

static cu_i128 span_of(cu_interval v)
{
    return ((cu_i128)v.months * 30 + v.days) * CU_US_DAY + v.us;
}

static cu_interval turned(cu_interval v, bool sub)
{
    if (!sub)
        return v;
    return (cu_interval){.us = v.us == INT64_MIN ? INT64_MAX : -v.us,
                         .days = v.days == INT32_MIN ? INT32_MAX : -v.days,
                         .months = v.months == INT32_MIN ? INT32_MAX
                                                         : -v.months};
}

static int64_t moved(const cu_over_plan *p, const cu_value *base,
                     cu_interval by)
{
    if (base->type.kind == CU_T_DATE) {
        const int64_t most = INT64_MAX / CU_US_DAY;
        int64_t d = base->i4;
        int64_t ts = d < -most  ? INT64_MIN
                     : d > most ? INT64_MAX
                                : d * CU_US_DAY;
        return cu_instant_plus(ts, by, 0);
    }
    bool zoned = base->type.kind == CU_T_TIMESTAMPTZ && p->zone &&
                 p->zone != cu_zone_utc() && (by.days || by.months) &&
                 cu_instant_finite(base->i8);
    if (!zoned)
        return cu_instant_plus(base->i8, by, 0);
    cu_interval days = {.days = by.days, .months = by.months};
    int64_t local = cu_instant_plus(cu_utc_to_local(p->zone, base->i8), days,
                                    0);
    return cu_instant_finite(local)
               ? cu_instant_add(cu_local_to_utc(p->zone, local), by.us)
               : local;
}

static int from_moved(const cu_over_plan *p, const cu_value *v,
                      const cu_value *base, cu_interval by)
{
    int64_t sum = moved(p, base, by);
    int64_t at = moved(p, v, (cu_interval){0});
    return at < sum ? -1 : at > sum;
}

static int distance(const cu_over_plan *p, const cu_value *v,
                    const cu_value *base, const cu_value *by, bool sub)
{
    switch (v->type.kind) {
    case CU_T_DATE:
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        if (by->type.kind == CU_T_INTERVAL)
            return from_moved(p, v, base, turned(by->iv, sub));
        break;
    case CU_T_TIME: {
        cu_i128 us = sub ? -(cu_i128)by->iv.us : (cu_i128)by->iv.us;
        return sign_of((cu_i128)v->i8 - ((cu_i128)base->i8 + us));
    }
    case CU_T_INTERVAL: {
        cu_i128 us = sub ? -span_of(by->iv) : span_of(by->iv);
        return sign_of(span_of(v->iv) - (span_of(base->iv) + us));
    }
    default:
        break;
    }
    cu_i128 n = sub ? -whole(by) : whole(by);
    return sign_of(whole(v) - (whole(base) + n));
}

bool cu_over_in_range(const cu_over_plan *p, const cu_over_end *e,
                      const cu_value *v, const cu_value *base, bool start)
{
    bool desc = p->order_flags & CU_DESC;
    bool sub = (e->bound == CU_BOUND_PRECEDING) != desc;
    bool less = start == desc;
    if (v->type.kind == CU_T_FLOAT4 || v->type.kind == CU_T_FLOAT8)
        return float_in_range(real(v), real(base), real(&e->by), sub, less);
    if (v->type.kind == CU_T_NUMERIC)
        return numeric_in_range(&v->num, &base->num, &e->by.num, sub, less);
    int order = distance(p, v, base, &e->by, sub);
    return less ? order <= 0 : order >= 0;
}

/* --- NULLs ---------------------------------------------------------------- */

bool cu_over_before(const cu_over_plan *p, const cu_over_end *e,
                    const cu_value *v, const cu_value *base)
{
    bool first = p->order_flags & CU_NULLS_FIRST;
    if (v->null || base->null)
        return v->null == base->null ? false : v->null ? first : !first;
    return !cu_over_in_range(p, e, v, base, true);
}

bool cu_over_behind(const cu_over_plan *p, const cu_over_end *e,
                    const cu_value *v, const cu_value *base)
{
    bool first = p->order_flags & CU_NULLS_FIRST;
    if (v->null || base->null)
        return v->null == base->null ? false : v->null ? !first : first;
    return !cu_over_in_range(p, e, v, base, false);
}

/* --- offsets -------------------------------------------------------------- */

static bool negative(const cu_value *v)
{
    switch (v->type.kind) {
    case CU_T_FLOAT4:
    case CU_T_FLOAT8:
        return isnan(real(v)) || real(v) < 0;
    case CU_T_NUMERIC:
        return v->num.form == CU_NUM_NAN || cu_numeric_sign(&v->num) < 0;
    case CU_T_INTERVAL:
        return span_of(v->iv) < 0;
    default:
        return whole(v) < 0;
    }
}

int cu_over_offset_check(const cu_over_end *e, cu_err *err)
{
    if (!negative(&e->by))
        return 0;
    cu_fail(err, CU_SQL, 0,
            "invalid preceding or following size in window function");
    if (err)
        err->sqlstate = CU_SQLSTATE('2', '2', '0', '1', '3');
    return CU_SQL;
}
