/* The calendar of the date and time kernels: proleptic Gregorian, days
 * counted from 2000-01-01, years astronomical (0 is 1 BC). */
#ifndef CU_EXPR_CALENDAR_H
#define CU_EXPR_CALENDAR_H

#include "processors/expr/kernel.h"

#define CU_US_SECOND INT64_C(1000000)
#define CU_US_MINUTE (60 * CU_US_SECOND)
#define CU_US_HOUR   (60 * CU_US_MINUTE)
#define CU_US_DAY    (24 * CU_US_HOUR)

/* A moment taken apart. */
typedef struct cu_moment {
    int64_t year;
    int32_t month, day; /* from 1 */
    int64_t us;         /* of the day */
} cu_moment;

int64_t cu_day_number(int64_t year, int32_t month, int32_t day);
int32_t cu_days_in_month(int64_t year, int32_t month);
cu_moment cu_moment_of(int64_t ts);
/* The midnight of a day number; dates reach further than timestamps. */
cu_moment cu_moment_of_day(int64_t day);
int64_t cu_moment_us(const cu_moment *m);
/* Day of the week of a day number: 0 Sunday … 6. */
int32_t cu_week_day(int64_t day);
/* ISO 8601 week and its year. */
void cu_iso_week(int64_t day, int64_t *year, int32_t *week);
/* The first day of an ISO week. */
int64_t cu_iso_week_start(int64_t day);

static inline int64_t cu_floor_div(int64_t a, int64_t b)
{
    const int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static inline bool cu_ts_infinite(int64_t ts)
{
    return ts == CU_TS_INFINITY || ts == CU_TS_MINUS_INFINITY;
}

/* 4714-11-24 BC … before 294277-01-01. */
static inline bool cu_ts_valid(int64_t ts)
{
    return ts >= INT64_C(-211813488000000000) &&
           ts < INT64_C(9223371331200000000);
}

/* ts + interval: months (the day is clamped to the month), then days, then
 * the time. False when it leaves the range. */
bool cu_ts_add(int64_t ts, cu_interval v, int64_t *out);
/* The zone of that name; NULL after a fault. Zones are files, so a call
 * without a world (cu_expr_fold) only knows UTC. */
const cu_zone *cu_call_open_zone(cu_call *c, uint32_t row, cu_slice name);
/* A local time as UTC and back, infinities kept. */
int64_t cu_local_to_utc(const cu_zone *z, int64_t local);
int64_t cu_utc_to_local(const cu_zone *z, int64_t utc);

#endif
