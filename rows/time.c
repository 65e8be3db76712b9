/* The calendar, and dates and times as ISO text.
 *
 * Days are counted from 2000-01-01 in the proleptic Gregorian calendar.
 * The conversions count years from 1 March, so that the leap day is the
 * last day of its year; an era is 400 years, 146,097 days.
 */
#include "rows/int.h"
#include "rows/text.h"
#include "rows/text_int.h"
#include "rows/time_int.h"

enum { ERA_DAYS = 146097, MARCH_EPOCH = 730425 /* 0000-03-01..2000-01-01 */ };

int64_t cu_days_of(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = floor_div(y, 400), in_era = y - era * 400;
    int64_t from_march = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
    int64_t doe = in_era * 365 + in_era / 4 - in_era / 100 + from_march;
    return era * ERA_DAYS + doe + day - 1 - MARCH_EPOCH;
}

void cu_date_of(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + MARCH_EPOCH;
    int64_t era = floor_div(z, ERA_DAYS), doe = z - era * ERA_DAYS;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

int cu_month_days(int64_t year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool named(cu_slice word, const char *full)
{
    return is_word(word, full) ||
           (word.len == 3 && to_lower(word.data[0]) == full[0] &&
            to_lower(word.data[1]) == full[1] &&
            to_lower(word.data[2]) == full[2]);
}

int cu_month_named(cu_slice word)
{
    static const char *const months[] = {
        "january", "february", "march",     "april",   "may",      "june",
        "july",    "august",   "september", "october", "november", "december"};
    for (int i = 0; i < 12; i++)
        if (named(word, months[i]))
            return i + 1;
    return is_word(word, "sept") ? 9 : 0;
}

bool cu_is_day_name(cu_slice word)
{
    static const char *const days[] = {"monday",   "tuesday", "wednesday",
                                       "thursday", "friday",  "saturday",
                                       "sunday"};
    for (int i = 0; i < 7; i++)
        if (named(word, days[i]))
            return true;
    return is_word(word, "tues") || is_word(word, "weds") ||
           is_word(word, "thurs") || is_word(word, "thur");
}

/* --- out ---------------------------------------------------------------- */

static char *put2(char *p, int v)
{
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *put_number(char *p, uint64_t v, int width)
{
    char tmp[20];
    int n = 0;
    do {
        tmp[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n < width)
        tmp[n++] = '0';
    while (n)
        *p++ = tmp[--n];
    return p;
}

/* "YYYY-MM-DD"; *bc: the caller adds " BC" at the very end. */
static char *put_date(char *p, int64_t days, bool *bc)
{
    int64_t year;
    int month, day;
    cu_date_of(days, &year, &month, &day);
    *bc = year <= 0;
    if (year > 0 && year < 10000)
        p = put2(put2(p, (int)year / 100), (int)year % 100);
    else
        p = put_number(p, (uint64_t)(*bc ? 1 - year : year), 4);
    *p++ = '-';
    p = put2(p, month);
    *p++ = '-';
    return put2(p, day);
}

static char *put_clock(char *p, int64_t us)
{
    int of_day = (int)(us / US_SECOND), fraction = (int)(us % US_SECOND);
    p = put2(p, of_day / 3600);
    *p++ = ':';
    p = put2(p, of_day / 60 % 60);
    *p++ = ':';
    p = put2(p, of_day % 60);
    if (!fraction)
        return p;
    *p++ = '.';
    p = put2(put2(put2(p, fraction / 10000), fraction / 100 % 100),
             fraction % 100);
    while (p[-1] == '0')
        p--;
    return p;
}

void cu_put_offset(int32_t seconds, cu_buf *out)
{
    int s = seconds < 0 ? -seconds : seconds;
    char *p = cu_buf_reserve(out, 10), *start = p;
    *p++ = seconds < 0 ? '-' : '+';
    p = put2(p, s / 3600);
    if (s % 3600) {
        *p++ = ':';
        p = put2(p, s / 60 % 60);
    }
    if (s % 60) {
        *p++ = ':';
        p = put2(p, s % 60);
    }
    out->len += (size_t)(p - start);
}

static bool put_infinity(bool late, bool early, cu_buf *out)
{
    if (late || early)
        cu_buf_put_str(out, late ? "infinity" : "-infinity");
    return late || early;
}

static bool put_ts_infinity(int64_t v, cu_buf *out)
{
    return put_infinity(v == CU_TS_INFINITY, v == CU_TS_MINUS_INFINITY, out);
}

void cu_date_out(int32_t v, cu_buf *out)
{
    if (put_infinity(v == CU_DATE_INFINITY, v == CU_DATE_MINUS_INFINITY, out))
        return;
    bool bc;
    char *p = cu_buf_reserve(out, 32);
    out->len += (size_t)(put_date(p, v, &bc) - p);
    if (bc)
        cu_buf_put_str(out, " BC");
}

void cu_time_out(int64_t us, cu_buf *out)
{
    char *p = cu_buf_reserve(out, 16);
    out->len += (size_t)(put_clock(p, us) - p);
}

/* Date, `between`, time of day; true when " BC" is due. */
static bool put_moment(int64_t us, char between, cu_buf *out)
{
    int64_t days = floor_div(us, US_DAY);
    bool bc;
    char *start = cu_buf_reserve(out, 48);
    char *p = put_date(start, days, &bc);
    *p++ = between;
    p = put_clock(p, us - days * US_DAY);
    out->len += (size_t)(p - start);
    return bc;
}

void cu_timestamp_out(int64_t v, cu_buf *out)
{
    if (!put_ts_infinity(v, out) && put_moment(v, ' ', out))
        cu_buf_put_str(out, " BC");
}

void cu_timestamptz_out(int64_t v, const cu_zone *zone, cu_buf *out)
{
    if (put_ts_infinity(v, out))
        return;
    int32_t east = zone ? cu_zone_offset_at(zone, v) : 0;
    bool bc = put_moment(v + east * US_SECOND, ' ', out);
    cu_put_offset(east, out);
    if (bc)
        cu_buf_put_str(out, " BC");
}

void cu_rfc3339_out(int64_t v, cu_buf *out)
{
    if (put_ts_infinity(v, out))
        return;
    bool bc = put_moment(v, 'T', out);
    cu_buf_put_str(out, bc ? "Z BC" : "Z");
}
