/* Times made of their parts, intervals brought into shape, OVERLAPS. */
#include "processors/expr/calendar.h"

#include <ctype.h>
#include <math.h>

static void interval_range(cu_call *c, uint32_t row)
{
    cu_call_fail(c, row, CU_E_DATETIME, "interval out of range");
}

/* The values of int4 argument k. */
static int32_t part_of(const cu_call *c, uint32_t k, uint32_t row)
{
    return CU_COL(c->args[k], int32_t)[cu_col_at(c->args[k], row)];
}

static double seconds_of(const cu_call *c, uint32_t k, uint32_t row)
{
    return CU_COL(c->args[k], double)[cu_col_at(c->args[k], row)];
}

/* --- make_interval --------------------------------------------------- */

static bool fits(int64_t v, int32_t *out)
{
    *out = (int32_t)v;
    return v >= INT32_MIN && v <= INT32_MAX;
}

static void make_interval(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const int64_t months = part_of(c, 0, r) * INT64_C(12) +
                               part_of(c, 1, r);
        const int64_t days = part_of(c, 2, r) * INT64_C(7) + part_of(c, 3, r);
        const int64_t clock = part_of(c, 4, r) * CU_US_HOUR +
                              part_of(c, 5, r) * CU_US_MINUTE;
        const double us = rint(seconds_of(c, 6, r) * 1e6);
        cu_interval *out = &CU_OUT(cu_interval, c)[r];
        if (!(us >= -0x1p63 && us < 0x1p63) || !fits(months, &out->months) ||
            !fits(days, &out->days) ||
            __builtin_add_overflow(clock, (int64_t)us, &out->us))
            interval_range(c, r);
    }
}

/* --- make_time, make_timestamp, make_timestamptz --------------------- */

/* Microseconds of the day; 24:00:00 is one, and 60 seconds are a minute. */
static bool clock_of(int32_t hour, int32_t minute, double seconds, int64_t *out)
{
    if (!(hour >= 0 && hour <= 24 && minute >= 0 && minute < 60 &&
          seconds >= 0 && rint(seconds * 1e6) <= 60e6))
        return false;
    *out = hour * CU_US_HOUR + minute * CU_US_MINUTE +
           (int64_t)rint(seconds * 1e6);
    return *out <= CU_US_DAY;
}

static bool clock_args(cu_call *c, uint32_t k, uint32_t row, int64_t *out)
{
    const int32_t hour = part_of(c, k, row), minute = part_of(c, k + 1, row);
    const double seconds = seconds_of(c, k + 2, row);
    if (clock_of(hour, minute, seconds, out))
        return true;
    cu_call_fail(c, row, CU_E_DATETIME,
                 "time field value out of range: %d:%02d:%02g", hour, minute,
                 seconds);
    return false;
}

static void make_time(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        clock_args(c, 0, r, &CU_OUT(int64_t, c)[r]);
}

/* The first six arguments as a local time; false after a fault. */
static bool local_args(cu_call *c, uint32_t row, int64_t *ts)
{
    const int32_t y = part_of(c, 0, row), m = part_of(c, 1, row),
                  d = part_of(c, 2, row);
    const int64_t real = y < 0 ? (int64_t)y + 1 : y; /* -1 is 1 BC */
    int64_t us, day;
    if (y == 0 || m < 1 || m > 12 || d < 1 || d > cu_days_in_month(real, m)) {
        cu_call_fail(c, row, CU_E_DATETIME,
                     "date field value out of range: %d-%02d-%02d", y, m, d);
        return false;
    }
    if (!clock_args(c, 3, row, &us))
        return false;
    day = cu_day_number(real, m, d);
    if (!__builtin_mul_overflow(day, CU_US_DAY, ts) &&
        !__builtin_add_overflow(*ts, us, ts) && cu_ts_valid(*ts))
        return true;
    if (day < -2451545 || day >= INT64_C(2145031949))
        cu_call_fail(c, row, CU_E_DATETIME, "date out of range: %d-%02d-%02d",
                     y, m, d);
    else
        cu_call_fail(c, row, CU_E_DATETIME,
                     "timestamp out of range: %d-%02d-%02d %d:%02d:%02g", y, m,
                     d, part_of(c, 3, row), part_of(c, 4, row),
                     seconds_of(c, 5, row));
    return false;
}

static void make_timestamp(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        local_args(c, r, &CU_OUT(int64_t, c)[r]);
}

/* Two digits at most, after a colon but the first; -1: there are none. */
static int64_t offset_field(cu_scan *s, bool first)
{
    int64_t v = 0;
    int digits = 0;
    if (!first) {
        if (s->p == s->end)
            return 0;
        if (*s->p == ':')
            s->p++;
    }
    while (s->p < s->end && isdigit((unsigned char)*s->p) && digits < 2) {
        v = v * 10 + (*s->p++ - '0');
        digits++;
    }
    return digits ? v : -1;
}

/* "+05:30", east of Greenwich positive; false: no such offset. */
static bool offset_of(cu_slice text, int64_t *us)
{
    cu_scan s = cu_scan_of(text);
    const int sign = *s.p++ == '-' ? -1 : 1;
    const int64_t h = offset_field(&s, true), m = offset_field(&s, false),
                  sec = offset_field(&s, false);
    *us = sign * (h * CU_US_HOUR + m * CU_US_MINUTE + sec * CU_US_SECOND);
    return s.p == s.end && h >= 0 && h <= 15 && m >= 0 && m < 60 && sec >= 0 &&
           sec < 60;
}

static void in_zone(cu_call *c, uint32_t row, cu_slice zone)
{
    int64_t *ts = &CU_OUT(int64_t, c)[row], us;
    if (zone.len && isdigit((unsigned char)zone.data[0])) {
        cu_call_fail(c, row, CU_E_PARAMETER,
                     "invalid input syntax for type numeric time zone: "
                     "\"%.*s\"",
                     (int)zone.len, zone.data);
    } else if (zone.len && (zone.data[0] == '+' || zone.data[0] == '-')) {
        if (!offset_of(zone, &us))
            cu_call_fail(c, row, CU_E_PARAMETER,
                         "numeric time zone \"%.*s\" out of range",
                         (int)zone.len, zone.data);
        else if (!cu_ts_valid(*ts -= us))
            cu_call_fail(c, row, CU_E_DATETIME, "timestamp out of range");
    } else {
        const cu_zone *z = cu_call_open_zone(c, row, zone);
        if (!z)
            return;
        *ts = cu_local_to_utc(z, *ts);
        if (!cu_ts_valid(*ts))
            cu_call_fail(c, row, CU_E_DATETIME, "timestamp out of range");
    }
}

/* Without a zone: that of the session, UTC. */
static void make_timestamptz(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (local_args(c, r, &CU_OUT(int64_t, c)[r]) && c->n_args == 7)
            in_zone(c, r,
                    CU_COL(c->args[6], cu_slice)[cu_col_at(c->args[6], r)]);
}

/* --- justify --------------------------------------------------------- */

static bool days_to_months(cu_interval *v)
{
    const int32_t months = v->days / 30;
    v->days %= 30;
    return !__builtin_add_overflow(v->months, months, &v->months);
}

static bool hours_to_days(cu_interval *v)
{
    const int32_t days = (int32_t)(v->us / CU_US_DAY);
    v->us %= CU_US_DAY;
    return !__builtin_add_overflow(v->days, days, &v->days);
}

/* Time and days get the sign of days. */
static void time_like_days(cu_interval *v)
{
    if (v->days > 0 && v->us < 0) {
        v->us += CU_US_DAY;
        v->days--;
    } else if (v->days < 0 && v->us > 0) {
        v->us -= CU_US_DAY;
        v->days++;
    }
}

static bool justify_hours(cu_interval *v)
{
    if (!hours_to_days(v))
        return false;
    time_like_days(v);
    return true;
}

static bool justify_days(cu_interval *v)
{
    if (!days_to_months(v))
        return false;
    if (v->months > 0 && v->days < 0) {
        v->days += 30;
        v->months--;
    } else if (v->months < 0 && v->days > 0) {
        v->days -= 30;
        v->months++;
    }
    return true;
}

static bool justify_interval(cu_interval *v)
{
    /* Both of one sign: their sum could be too many days. */
    if ((v->days > 0) == (v->us > 0) && !days_to_months(v))
        return false;
    if (!hours_to_days(v) || !days_to_months(v))
        return false;
    if (v->months > 0 && (v->days < 0 || (v->days == 0 && v->us < 0))) {
        v->days += 30;
        v->months--;
    } else if (v->months < 0 && (v->days > 0 || (v->days == 0 && v->us > 0))) {
        v->days -= 30;
        v->months++;
    }
    time_like_days(v);
    return true;
}

#define JUSTIFY(fn, f)                                      \
    static void fn(cu_call *c)                              \
    {                                                       \
        CU_ARG(cu_interval, x, c, 0);                       \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) { \
            cu_interval v = CU_AT(x, r);                    \
            if (!f(&v))                                     \
                interval_range(c, r);                       \
            CU_OUT(cu_interval, c)[r] = v;                  \
        }                                                   \
    }

JUSTIFY(justify_hours_kernel, justify_hours)
JUSTIFY(justify_days_kernel, justify_days)
JUSTIFY(justify_interval_kernel, justify_interval)

/* --- OVERLAPS -------------------------------------------------------- */

/* An end of a period; an interval counts from the start. */
typedef struct end {
    bool null;
    int64_t at;
} end;

/* False after a fault. */
static bool end_of(cu_call *c, uint32_t row, uint32_t k, const end *from,
                   end *out)
{
    const cu_value v = cu_col_value(c->args[k], row);
    *out = (end){.null = v.null, .at = v.null ? 0 : v.i8};
    if (v.null || v.type.kind != CU_T_INTERVAL)
        return true;
    *out = *from;
    if (from->null)
        return true;
    if (c->func->args[0] == CU_T_TIME) {
        const int64_t t = (from->at + v.iv.us % CU_US_DAY) % CU_US_DAY;
        out->at = t < 0 ? t + CU_US_DAY : t;
        return true;
    }
    if (cu_ts_add(from->at, v.iv, &out->at))
        return true;
    cu_call_fail(c, row, CU_E_DATETIME, "timestamp out of range");
    return false;
}

static void swap(end *x, end *y)
{
    const end t = *x;
    *x = *y;
    *y = t;
}

/* Start before end; what is NULL stands last. */
static void in_order(end *s, end *e)
{
    if (s->null || (!e->null && s->at > e->at))
        swap(s, e);
}

/* 1 true, 0 false, -1 unknown: the standard's rule for half-known periods. */
static int overlap(end s1, end e1, end s2, end e2)
{
    in_order(&s1, &e1);
    in_order(&s2, &e2);
    if (s1.null || s2.null)
        return -1;
    if (s1.at == s2.at)
        return e1.null || e2.null ? -1 : 1;
    /* The earlier one must still last when the later one starts. */
    const end *e = s1.at > s2.at ? &e2 : &e1;
    const end *later_end = s1.at > s2.at ? &e1 : &e2;
    const int64_t later = s1.at > s2.at ? s1.at : s2.at;
    if (e->null)
        return -1;
    if (later < e->at)
        return 1;
    return later_end->null ? -1 : 0;
}

static void overlaps(cu_call *c)
{
    for (uint32_t i = 0; i < c->n_sel; i++) {
        const uint32_t r = cu_call_row(c, i);
        end p[4], none = {.null = true};
        bool good = true;
        for (uint32_t k = 0; k < 4 && good; k++)
            good = end_of(c, r, k, k % 2 ? &p[k - 1] : &none, &p[k]);
        if (!good)
            continue;
        const int known = overlap(p[0], p[1], p[2], p[3]);
        CU_OUT(uint8_t, c)[r] = known == 1;
        if (known < 0)
            cu_call_null(c, r);
    }
}

/* --- the catalog's part ---------------------------------------------- */

#define TM CU_T_TIME
#define TS CU_T_TIMESTAMP
#define TZ CU_T_TIMESTAMPTZ
#define IV CU_T_INTERVAL
#define I4 CU_T_INT4
#define F8 CU_T_FLOAT8
#define OVER(t, x, y)                                                        \
    {                                                                        \
        .name = "overlaps", .kind = CU_FUNC_SCALAR, .n_args = 4,             \
        .args = {t, x, t, y}, .result = CU_T_BOOL, .kernel = overlaps,       \
        .doc = "(w, x) OVERLAPS (y, z): the periods have a moment in common" \
    }
#define OVERS(t) OVER(t, t, t), OVER(t, t, IV), OVER(t, IV, t), OVER(t, IV, IV)

static const cu_func list[] = {
    CU_FN("make_interval", IV, make_interval,
          "from years, months, weeks, days, hours, mins, secs; all may be "
          "named or left out",
          I4, I4, I4, I4, I4, I4, F8),
    CU_FN("make_time", TM, make_time, "from hour, minute, seconds", I4, I4, F8),
    CU_FN("make_timestamp", TS, make_timestamp,
          "from year, month, day, hour, minute, seconds", I4, I4, I4, I4, I4,
          F8),
    CU_FN("make_timestamptz", TZ, make_timestamptz,
          "from year, month, day, hour, minute, seconds, in UTC", I4, I4, I4,
          I4, I4, F8),
    CU_FN("make_timestamptz", TZ, make_timestamptz,
          "from year, month, day, hour, minute, seconds, zone", I4, I4, I4, I4,
          I4, F8, CU_T_TEXT),
    CU_FN("justify_hours", IV, justify_hours_kernel, "24 hours as days", IV),
    CU_FN("justify_days", IV, justify_days_kernel, "30 days as months", IV),
    CU_FN("justify_interval", IV, justify_interval_kernel,
          "hours as days, days as months, one sign", IV),
    OVERS(TM),
    OVERS(TS),
    OVERS(TZ),
};
CU_PART(cu_part_datetime_make, list);
