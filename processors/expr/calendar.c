/* Days, months and weeks.
 *
 * Days are counted in eras of 400 years of 146,097 days; a year begins in
 * March, so that the leap day is its last.
 */
#include "processors/expr/calendar.h"

enum {
    ERA_DAYS = 146097,
    DAYS_BEFORE_2000 = 730425, /* from 0000-03-01 */
};

int64_t cu_day_number(int64_t year, int32_t month, int32_t day)
{
    const int64_t y = year - (month <= 2);
    const int64_t era = cu_floor_div(y, 400), of_era = y - era * 400;
    const int64_t m = month > 2 ? month - 3 : month + 9;
    const int64_t of_year = (153 * m + 2) / 5 + day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           DAYS_BEFORE_2000;
}

int32_t cu_days_in_month(int64_t year, int32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

cu_moment cu_moment_of_day(int64_t days)
{
    const int64_t z = days + DAYS_BEFORE_2000;
    const int64_t era = cu_floor_div(z, ERA_DAYS), d = z - era * ERA_DAYS;
    const int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
    const int64_t of_year = d - (365 * y + y / 4 - y / 100);
    const int64_t m = (5 * of_year + 2) / 153;
    cu_moment out = {
        .day = (int32_t)(of_year - (153 * m + 2) / 5 + 1),
        .month = (int32_t)(m < 10 ? m + 3 : m - 9),
    };
    out.year = era * 400 + y + (out.month <= 2);
    return out;
}

cu_moment cu_moment_of(int64_t ts)
{
    const int64_t days = cu_floor_div(ts, CU_US_DAY);
    cu_moment out = cu_moment_of_day(days);
    out.us = ts - days * CU_US_DAY;
    return out;
}

int64_t cu_moment_us(const cu_moment *m)
{
    return cu_day_number(m->year, m->month, m->day) * CU_US_DAY + m->us;
}

int32_t cu_week_day(int64_t day)
{
    const int64_t d = (day + 6) % 7; /* 2000-01-01 was a Saturday */
    return (int32_t)(d < 0 ? d + 7 : d);
}

int64_t cu_iso_week_start(int64_t day)
{
    return day - (cu_week_day(day) + 6) % 7;
}

void cu_iso_week(int64_t day, int64_t *year, int32_t *week)
{
    /* The year of a week is that of its Thursday. */
    const int64_t thursday = cu_iso_week_start(day) + 3;
    *year = cu_moment_of_day(thursday).year;
    *week = (int32_t)((thursday - cu_day_number(*year, 1, 1)) / 7) + 1;
}

bool cu_ts_add(int64_t ts, cu_interval v, int64_t *out)
{
    if (cu_ts_infinite(ts)) {
        *out = ts;
        return true;
    }
    if (v.months) {
        cu_moment m = cu_moment_of(ts);
        const int64_t months = m.year * 12 + m.month - 1 + v.months;
        m.year = cu_floor_div(months, 12);
        m.month = (int32_t)(months - m.year * 12) + 1;
        if (m.year < -4800 || m.year > 300000)
            return false;
        const int32_t most = cu_days_in_month(m.year, m.month);
        if (m.day > most)
            m.day = most;
        const __int128 wide = (__int128)cu_day_number(m.year, m.month, m.day) *
                                  CU_US_DAY +
                              m.us;
        if (wide < INT64_MIN || wide > INT64_MAX)
            return false;
        ts = (int64_t)wide;
        if (!cu_ts_valid(ts))
            return false;
    }
    int64_t days;
    return !__builtin_mul_overflow((int64_t)v.days, CU_US_DAY, &days) &&
           !__builtin_add_overflow(ts, days, &ts) &&
           !__builtin_add_overflow(ts, v.us, out) && cu_ts_valid(*out);
}

int64_t cu_local_to_utc(const cu_zone *z, int64_t local)
{
    return cu_ts_infinite(local) || z == cu_zone_utc()
               ? local
               : cu_zone_to_utc(z, local);
}

int64_t cu_utc_to_local(const cu_zone *z, int64_t utc)
{
    if (cu_ts_infinite(utc) || z == cu_zone_utc())
        return utc;
    return utc + CU_US_SECOND * cu_zone_offset_at(z, utc);
}

const cu_zone *cu_call_open_zone(cu_call *c, uint32_t row, cu_slice name)
{
    const cu_zone *z = NULL;
    cu_err err;
    if (cu_slice_is(name, "UTC"))
        return cu_zone_utc();
    if (!c->env || !c->env->env)
        cu_call_fail(c, row, CU_E_FEATURE,
                     "time zone \"%.*s\" in a constant is not supported here",
                     (int)name.len, name.data);
    else if (cu_zone_open(c->env->env, name, &z, &err))
        cu_call_fail_err(c, row, &err);
    return z;
}
