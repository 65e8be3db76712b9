/* Arithmetic of dates, times, timestamps and intervals; age, date_bin, time
 * zones.  Sessions are in UTC, so timestamptz computes like timestamp.
 * Infinities swallow what is added to them. */
#include "processors/expr/calendar.h"

#include <math.h>

static void ts_range(cu_call *c, uint32_t row)
{
    cu_call_fail(c, row, CU_E_DATETIME, "timestamp out of range");
}

static void interval_range(cu_call *c, uint32_t row)
{
    cu_call_fail(c, row, CU_E_DATETIME, "interval out of range");
}

static bool date_infinite(int32_t d)
{
    return d == CU_DATE_INFINITY || d == CU_DATE_MINUS_INFINITY;
}

/* A date as a timestamp; false after a fault. */
static bool date_ts(cu_call *c, uint32_t row, int32_t d, int64_t *ts)
{
    if (date_infinite(d)) {
        *ts = d > 0 ? CU_TS_INFINITY : CU_TS_MINUS_INFINITY;
        return true;
    }
    if (__builtin_mul_overflow((int64_t)d, CU_US_DAY, ts) ||
        !cu_ts_valid(*ts)) {
        cu_call_fail(c, row, CU_E_DATETIME, "date out of range for timestamp");
        return false;
    }
    return true;
}

/* False when a field does not fit. */
static bool negated(cu_interval v, cu_interval *out)
{
    return !__builtin_sub_overflow(INT64_C(0), v.us, &out->us) &&
           !__builtin_sub_overflow(0, v.days, &out->days) &&
           !__builtin_sub_overflow(0, v.months, &out->months);
}

static bool interval_sum(cu_interval x, cu_interval y, cu_interval *out)
{
    return !__builtin_add_overflow(x.us, y.us, &out->us) &&
           !__builtin_add_overflow(x.days, y.days, &out->days) &&
           !__builtin_add_overflow(x.months, y.months, &out->months);
}

/* --- timestamps and intervals ---------------------------------------- */

static void add_to_ts(cu_call *c, uint32_t row, int64_t ts, cu_interval v,
                      bool minus)
{
    if ((minus && !negated(v, &v)) ||
        !cu_ts_add(ts, v, &CU_OUT(int64_t, c)[row]))
        ts_range(c, row);
}

static inline void ts_interval(cu_call *c, uint32_t ts_arg, bool minus)
{
    CU_ARG(int64_t, x, c, ts_arg);
    CU_ARG(cu_interval, v, c, 1 - ts_arg);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        add_to_ts(c, r, CU_AT(x, r), CU_AT(v, r), minus);
}

static inline void date_interval(cu_call *c, uint32_t date_arg, bool minus)
{
    CU_ARG(int32_t, x, c, date_arg);
    CU_ARG(cu_interval, v, c, 1 - date_arg);
    int64_t ts;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (date_ts(c, r, CU_AT(x, r), &ts))
            add_to_ts(c, r, ts, CU_AT(v, r), minus);
}

static void ts_plus(cu_call *c)
{
    ts_interval(c, 0, false);
}

static void plus_ts(cu_call *c)
{
    ts_interval(c, 1, false);
}

static void ts_minus(cu_call *c)
{
    ts_interval(c, 0, true);
}

static void date_plus(cu_call *c)
{
    date_interval(c, 0, false);
}

static void plus_date(cu_call *c)
{
    date_interval(c, 1, false);
}

static void date_minus(cu_call *c)
{
    date_interval(c, 0, true);
}

/* Whole days and the rest, both of one sign. */
static cu_interval in_days(int64_t us)
{
    return (cu_interval){.us = us % CU_US_DAY,
                         .days = (int32_t)(us / CU_US_DAY)};
}

static void ts_difference(cu_call *c)
{
    CU_ARG(int64_t, x, c, 0);
    CU_ARG(int64_t, y, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const int64_t a = CU_AT(x, r), b = CU_AT(y, r);
        if (cu_ts_infinite(a) || cu_ts_infinite(b))
            cu_call_fail(c, r, CU_E_DATETIME,
                         "cannot subtract infinite timestamps");
        else
            CU_OUT(cu_interval, c)
        [r] = in_days((int64_t)((uint64_t)a - (uint64_t)b));
    }
}

/* --- dates, numbers, times ------------------------------------------- */

static void add_days(cu_call *c, uint32_t row, int32_t d, int64_t days)
{
    const int64_t sum = d + days;
    int32_t *out = &CU_OUT(int32_t, c)[row];
    if (date_infinite(d))
        *out = d;
    else if (sum < -2451545 || sum >= INT64_C(2145031949))
        cu_call_fail(c, row, CU_E_DATETIME, "date out of range");
    else
        *out = (int32_t)sum;
}

static inline void date_days(cu_call *c, uint32_t date_arg, int sign)
{
    CU_ARG(int32_t, x, c, date_arg);
    CU_ARG(int32_t, n, c, 1 - date_arg);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        add_days(c, r, CU_AT(x, r), (int64_t)CU_AT(n, r) * sign);
}

static void date_plus_days(cu_call *c)
{
    date_days(c, 0, 1);
}

static void days_plus_date(cu_call *c)
{
    date_days(c, 1, 1);
}

static void date_minus_days(cu_call *c)
{
    date_days(c, 0, -1);
}

static void date_difference(cu_call *c)
{
    CU_ARG(int32_t, x, c, 0);
    CU_ARG(int32_t, y, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const int32_t a = CU_AT(x, r), b = CU_AT(y, r);
        if (date_infinite(a) || date_infinite(b))
            cu_call_fail(c, r, CU_E_DATETIME, "cannot subtract infinite dates");
        else
            CU_OUT(int32_t, c)[r] = (int32_t)((uint32_t)a - (uint32_t)b);
    }
}

static inline void date_time(cu_call *c, uint32_t date_arg)
{
    CU_ARG(int32_t, x, c, date_arg);
    CU_ARG(int64_t, t, c, 1 - date_arg);
    int64_t ts;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (date_ts(c, r, CU_AT(x, r), &ts))
            add_to_ts(c, r, ts, (cu_interval){.us = CU_AT(t, r)}, false);
}

static void date_plus_time(cu_call *c)
{
    date_time(c, 0);
}

static void time_plus_date(cu_call *c)
{
    date_time(c, 1);
}

/* Around the clock. */
static int64_t of_day(int64_t us)
{
    const int64_t t = us % CU_US_DAY;
    return t < 0 ? t + CU_US_DAY : t;
}

static int64_t time_plus(int64_t t, cu_interval v)
{
    return of_day(t + v.us % CU_US_DAY);
}

static int64_t time_minus(int64_t t, cu_interval v)
{
    return of_day(t - v.us % CU_US_DAY);
}

static int64_t plus_time(cu_interval v, int64_t t)
{
    return time_plus(t, v);
}

static cu_interval time_difference(int64_t x, int64_t y)
{
    return (cu_interval){.us = x - y};
}

CU_BINARY_ROWS(time_plus_kernel, int64_t, cu_interval, int64_t, time_plus)
CU_BINARY_ROWS(time_minus_kernel, int64_t, cu_interval, int64_t, time_minus)
CU_BINARY_ROWS(plus_time_kernel, cu_interval, int64_t, int64_t, plus_time)
CU_BINARY_ROWS(time_difference_kernel, int64_t, int64_t, cu_interval,
               time_difference)

/* --- intervals ------------------------------------------------------- */

static inline void interval_rows(cu_call *c, bool minus)
{
    CU_ARG(cu_interval, x, c, 0);
    CU_ARG(cu_interval, y, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_interval v = CU_AT(y, r);
        if ((minus && !negated(v, &v)) ||
            !interval_sum(CU_AT(x, r), v, &CU_OUT(cu_interval, c)[r]))
            interval_range(c, r);
    }
}

static void interval_plus(cu_call *c)
{
    interval_rows(c, false);
}

static void interval_minus(cu_call *c)
{
    interval_rows(c, true);
}

static void interval_negate(cu_call *c)
{
    CU_ARG(cu_interval, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (!negated(CU_AT(x, r), &CU_OUT(cu_interval, c)[r]))
            interval_range(c, r);
}

static double to_us_precision(double seconds)
{
    return rint(seconds * 1e6) / 1e6;
}

static bool fits_int(double v)
{
    return v >= INT32_MIN && v <= INT32_MAX;
}

/* Months and days by a factor; their fractions go down, a month having
 * thirty days. `divide`: by 1/factor without taking the reciprocal. */
static bool scale(cu_interval x, double f, bool divide, cu_interval *out)
{
    const double months = divide ? x.months / f : x.months * f;
    const double days = divide ? x.days / f : x.days * f;
    const double us = divide ? (double)x.us / f : (double)x.us * f;
    if (!fits_int(months) || !fits_int(days))
        return false;
    out->months = (int32_t)months;
    out->days = (int32_t)days;
    const double month_days = to_us_precision((months - out->months) * 30);
    double seconds = to_us_precision(
        (days - out->days + month_days - (int)month_days) * 86400);
    int64_t more = (int)month_days;
    if (fabs(seconds) >= 86400) {
        more += (int)(seconds / 86400);
        seconds -= (int)(seconds / 86400) * 86400;
    }
    const int64_t all_days = out->days + more;
    const double total = rint(us + seconds * 1e6);
    if (all_days < INT32_MIN || all_days > INT32_MAX ||
        !(total >= -0x1p63 && total < 0x1p63))
        return false;
    out->days = (int32_t)all_days;
    out->us = (int64_t)total;
    return true;
}

static inline void scale_rows(cu_call *c, uint32_t interval_arg, bool divide)
{
    CU_ARG(cu_interval, x, c, interval_arg);
    CU_ARG(double, f, c, 1 - interval_arg);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (divide && CU_AT(f, r) == 0)
            cu_call_fail(c, r, CU_E_ZERO_DIVIDE, "division by zero");
        else if (!scale(CU_AT(x, r), CU_AT(f, r), divide,
                        &CU_OUT(cu_interval, c)[r]))
            interval_range(c, r);
    }
}

static void interval_times(cu_call *c)
{
    scale_rows(c, 0, false);
}

static void times_interval(cu_call *c)
{
    scale_rows(c, 1, false);
}

static void interval_divided(cu_call *c)
{
    scale_rows(c, 0, true);
}

/* --- age, date_bin --------------------------------------------------- */

/* Years, months, days and time from `y` to `x`, field by field; a day that
 * is missing is borrowed from the month of the earlier moment. */
static cu_interval age(int64_t x, int64_t y)
{
    const bool back = x < y;
    const cu_moment late = cu_moment_of(back ? y : x);
    const cu_moment early = cu_moment_of(back ? x : y);
    int64_t months = (late.year - early.year) * 12 + late.month - early.month;
    int64_t days = late.day - early.day;
    int64_t us = late.us - early.us;
    if (us < 0) {
        us += CU_US_DAY;
        days--;
    }
    while (days < 0) {
        days += cu_days_in_month(early.year, early.month);
        months--;
    }
    if (back) {
        us = -us;
        days = -days;
        months = -months;
    }
    return (cu_interval){us, (int32_t)days, (int32_t)months};
}

static void age_kernel(cu_call *c)
{
    CU_ARG(int64_t, x, c, 0);
    CU_ARG(int64_t, y, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (cu_ts_infinite(CU_AT(x, r)) || cu_ts_infinite(CU_AT(y, r)))
            ts_range(c, r);
        else
            CU_OUT(cu_interval, c)[r] = age(CU_AT(x, r), CU_AT(y, r));
}

static const char *bad_bin(cu_interval stride, int64_t us, int64_t origin)
{
    if (cu_ts_infinite(origin))
        return "origin out of range";
    if (stride.months)
        return NULL;
    return us <= 0 ? "stride must be greater than zero" : NULL;
}

static void date_bin(cu_call *c)
{
    CU_ARG(cu_interval, stride, c, 0);
    CU_ARG(int64_t, x, c, 1);
    CU_ARG(int64_t, origin, c, 2);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_interval s = CU_AT(stride, r);
        const int64_t ts = CU_AT(x, r), from = CU_AT(origin, r);
        int64_t us, offset, start;
        if (cu_ts_infinite(ts)) {
            CU_OUT(int64_t, c)[r] = ts;
            continue;
        }
        if (__builtin_mul_overflow((int64_t)s.days, CU_US_DAY, &us) ||
            __builtin_add_overflow(s.us, us, &us)) {
            interval_range(c, r);
            continue;
        }
        const char *bad = bad_bin(s, us, from);
        if (bad) {
            cu_call_fail(c, r, CU_E_DATETIME, "%s", bad);
        } else if (s.months) {
            cu_call_fail(c, r, CU_E_FEATURE,
                         "timestamps cannot be binned into intervals "
                         "containing months or years");
        } else if (__builtin_sub_overflow(ts, from, &offset) ||
                   __builtin_add_overflow(from, cu_floor_div(offset, us) * us,
                                          &start)) {
            ts_range(c, r);
        } else {
            CU_OUT(int64_t, c)[r] = start;
        }
    }
}

/* --- zones, makers, tests -------------------------------------------- */

/* Of the same name as before: the last one found. */
typedef struct zone_memo {
    cu_slice name;
    const cu_zone *zone;
} zone_memo;

static const cu_zone *zone_of(cu_call *c, uint32_t row, cu_slice name,
                              zone_memo *memo)
{
    if (memo->zone && cu_slice_eq(memo->name, name))
        return memo->zone;
    *memo = (zone_memo){name, cu_call_open_zone(c, row, name)};
    return memo->zone;
}

static void at_zone(cu_call *c, bool to_utc)
{
    CU_ARG(cu_slice, name, c, 0);
    CU_ARG(int64_t, x, c, 1);
    zone_memo memo = {.zone = NULL};
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (cu_ts_infinite(CU_AT(x, r))) {
            CU_OUT(int64_t, c)[r] = CU_AT(x, r);
            continue;
        }
        const cu_zone *z = zone_of(c, r, CU_AT(name, r), &memo);
        if (!z)
            continue;
        const int64_t ts = to_utc ? cu_local_to_utc(z, CU_AT(x, r))
                                  : cu_utc_to_local(z, CU_AT(x, r));
        CU_OUT(int64_t, c)[r] = ts;
        if (!cu_ts_infinite(ts) && !cu_ts_valid(ts))
            ts_range(c, r);
    }
}

static void zone_to_utc(cu_call *c)
{
    at_zone(c, true);
}

static void zone_to_local(cu_call *c)
{
    at_zone(c, false);
}

static void at_offset(cu_call *c, int sign)
{
    CU_ARG(cu_interval, v, c, 0);
    CU_ARG(int64_t, x, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_interval off = CU_AT(v, r);
        if (cu_ts_infinite(CU_AT(x, r))) {
            CU_OUT(int64_t, c)[r] = CU_AT(x, r);
        } else if (off.days || off.months) {
            cu_buf_clear(c->scratch);
            cu_interval_out(&off, c->scratch);
            cu_call_fail(c, r, CU_E_PARAMETER,
                         "interval time zone \"%.*s\" must not include "
                         "months or days",
                         (int)c->scratch->len, c->scratch->data);
        } else {
            const int64_t seconds = off.us / CU_US_SECOND;
            add_to_ts(c, r, CU_AT(x, r),
                      (cu_interval){.us = sign * seconds * CU_US_SECOND},
                      false);
        }
    }
}

static void offset_to_utc(cu_call *c)
{
    at_offset(c, -1);
}

static void offset_to_local(cu_call *c)
{
    at_offset(c, 1);
}

static void to_timestamp(cu_call *c)
{
    CU_ARG(double, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const double s = CU_AT(x, r);
        const double us = rint((s - 946684800.0) * 1e6);
        int64_t *out = &CU_OUT(int64_t, c)[r];
        if (isnan(s))
            cu_call_fail(c, r, CU_E_DATETIME, "timestamp cannot be NaN");
        else if (isinf(s))
            *out = s > 0 ? CU_TS_INFINITY : CU_TS_MINUS_INFINITY;
        else if (us >= -211813488000000000.0 && us < 9223371331200000000.0)
            *out = (int64_t)us;
        else
            cu_call_fail(c, r, CU_E_DATETIME, "timestamp out of range: \"%g\"",
                         s);
    }
}

static void make_date(cu_call *c)
{
    CU_ARG(int32_t, year, c, 0);
    CU_ARG(int32_t, month, c, 1);
    CU_ARG(int32_t, day, c, 2);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const int32_t y = CU_AT(year, r), m = CU_AT(month, r),
                      d = CU_AT(day, r);
        const int64_t real = y < 0 ? (int64_t)y + 1 : y; /* -1 is 1 BC */
        if (y == 0 || m < 1 || m > 12 || d < 1 ||
            d > cu_days_in_month(real, m)) {
            cu_call_fail(c, r, CU_E_DATETIME,
                         "date field value out of range: %d-%02d-%02d", y, m,
                         d);
            continue;
        }
        const int64_t n = cu_day_number(real, m, d);
        CU_OUT(int32_t, c)[r] = (int32_t)n;
        if (n < -2451545 || n >= INT64_C(2145031949))
            cu_call_fail(c, r, CU_E_DATETIME, "date out of range: %d-%02d-%02d",
                         y, m, d);
    }
}

#define TS_FINITE(x)   (!cu_ts_infinite(x))
#define DATE_FINITE(x) (!date_infinite(x))
#define ALWAYS(x)      ((void)(x), true)
CU_UNARY_ROWS(ts_finite, int64_t, uint8_t, TS_FINITE)
CU_UNARY_ROWS(date_finite, int32_t, uint8_t, DATE_FINITE)
CU_UNARY_ROWS(interval_finite, cu_interval, uint8_t, ALWAYS)

#define D  CU_T_DATE
#define TM CU_T_TIME
#define TS CU_T_TIMESTAMP
#define TZ CU_T_TIMESTAMPTZ
#define IV CU_T_INTERVAL
#define I4 CU_T_INT4
#define F8 CU_T_FLOAT8
#define T  CU_T_TEXT
#define B  CU_T_BOOL

static const cu_func list[] = {
    CU_OP("+", TS, ts_plus, "later by y", TS, IV),
    CU_OP("+", TZ, ts_plus, "later by y", TZ, IV),
    CU_OP("+", TS, plus_ts, "later by x", IV, TS),
    CU_OP("+", TZ, plus_ts, "later by x", IV, TZ),
    CU_OP("-", TS, ts_minus, "earlier by y", TS, IV),
    CU_OP("-", TZ, ts_minus, "earlier by y", TZ, IV),
    CU_OP("-", IV, ts_difference, "time between", TS, TS),
    CU_OP("-", IV, ts_difference, "time between", TZ, TZ),
    CU_OP("+", TS, date_plus, "later by y", D, IV),
    CU_OP("+", TS, plus_date, "later by x", IV, D),
    CU_OP("-", TS, date_minus, "earlier by y", D, IV),
    CU_OP("+", D, date_plus_days, "y days later", D, I4),
    CU_OP("+", D, days_plus_date, "x days later", I4, D),
    CU_OP("-", D, date_minus_days, "y days earlier", D, I4),
    CU_OP("-", I4, date_difference, "days between", D, D),
    CU_OP("+", TS, date_plus_time, "that day at that time", D, TM),
    CU_OP("+", TS, time_plus_date, "that day at that time", TM, D),
    CU_OP("+", TM, time_plus_kernel, "later, around the clock", TM, IV),
    CU_OP("-", TM, time_minus_kernel, "earlier, around the clock", TM, IV),
    CU_OP("+", TM, plus_time_kernel, "later, around the clock", IV, TM),
    CU_OP("-", IV, time_difference_kernel, "time between", TM, TM),
    CU_OP("+", IV, interval_plus, "sum", IV, IV),
    CU_OP("-", IV, interval_minus, "difference", IV, IV),
    CU_OP("-", IV, interval_negate, "negation", IV),
    CU_OP("*", IV, interval_times, "product", IV, F8),
    CU_OP("*", IV, times_interval, "product", F8, IV),
    CU_OP("/", IV, interval_divided, "quotient", IV, F8),
    CU_FN("age", IV, age_kernel, "years, months, days from y to x", TS, TS),
    CU_FN("age", IV, age_kernel, "years, months, days from y to x", TZ, TZ),
    CU_FN("date_bin", TS, date_bin, "start of the bin of x since y", IV, TS,
          TS),
    CU_FN("date_bin", TZ, date_bin, "start of the bin of x since y", IV, TZ,
          TZ),
    CU_FN("timezone", TZ, zone_to_utc, "x AT TIME ZONE name", T, TS),
    CU_FN("timezone", TS, zone_to_local, "x AT TIME ZONE name", T, TZ),
    CU_FN("timezone", TZ, offset_to_utc, "x AT TIME ZONE offset", IV, TS),
    CU_FN("timezone", TS, offset_to_local, "x AT TIME ZONE offset", IV, TZ),
    CU_FN("to_timestamp", TZ, to_timestamp, "seconds since 1970", F8),
    CU_FN("make_date", D, make_date, "from year, month, day", I4, I4, I4),
    CU_FN("isfinite", B, ts_finite, "not infinity", TS),
    CU_FN("isfinite", B, ts_finite, "not infinity", TZ),
    CU_FN("isfinite", B, date_finite, "not infinity", D),
    CU_FN("isfinite", B, interval_finite, "always true", IV),
};
CU_PART(cu_part_datetime, list);
