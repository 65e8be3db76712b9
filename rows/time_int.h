/* Inside rows/: the calendar, and what a date or time text was read as. */
#ifndef CU_ROWS_TIME_INT_H
#define CU_ROWS_TIME_INT_H

#include "rows/int.h"
#include "rows/text.h"

#define US_SECOND INT64_C(1000000)
#define US_MINUTE (60 * US_SECOND)
#define US_HOUR   (60 * US_MINUTE)
#define US_DAY    (24 * US_HOUR)

/* 4714-11-24 BC, the first day that PostgreSQL knows, since 2000. */
#define DAY_LEAST       (-2451545)
#define DAY_END         INT64_C(2145031949)          /* 5874898-01-01 */
#define TIMESTAMP_LEAST INT64_C(-211813488000000000) /* 4714-11-24 BC */
#define TIMESTAMP_END   INT64_C(9223371331200000000) /* 294277-01-01 */

static inline int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

/* Days since 2000-01-01 of a date; years are astronomical (0 is 1 BC). */
int64_t cu_days_of(int64_t year, int month, int day);
void cu_date_of(int64_t days, int64_t *year, int *month, int *day);
int cu_month_days(int64_t year, int month);
/* Case-insensitive, three letters or the whole name; 0: none. */
int cu_month_named(cu_slice word);
bool cu_is_day_name(cu_slice word);
/* UTC offset of an abbreviation ("CEST"), seconds east. */
bool cu_zone_abbreviation_offset(cu_slice word, int32_t *seconds);

/* Fractional seconds: the digits behind the point, as microseconds. */
int64_t cu_fraction_us(cu_slice digits);

enum stamp_kind { STAMP_PLAIN, STAMP_EPOCH, STAMP_LATE, STAMP_EARLY };

/* What the fields of a text said. */
struct stamp {
    enum stamp_kind kind;
    bool has_date, has_time, has_zone;
    int64_t days; /* since 2000-01-01 */
    int64_t us;   /* of the day; may be a whole day */
    int32_t east; /* seconds, when has_zone */
};

/* `type` is for the messages ("date", "timestamp with time zone"). */
int cu_stamp_read(cu_slice text, const char *type, struct stamp *out,
                  cu_err *err);

/* HH:MM:SS[.ffffff], less than 100 hours. */
void cu_time_out(int64_t us, cu_buf *out);
void cu_put_offset(int32_t seconds, cu_buf *out);

#endif
