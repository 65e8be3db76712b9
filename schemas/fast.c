/* Short cuts for the common spellings of numbers and times.
 *
 * Decoding is mostly this: a machine wrote "1700000000123" or
 * "2024-01-01T00:00:00Z", and PostgreSQL's input functions would first rule
 * out everything a human may write.  The forms accepted here are a strict
 * subset, so that each function may give up at any byte.
 *
 * A decimal becomes a double exactly when its digits fit 53 bits and the
 * power of ten is itself exact (10^22 is the last): one rounding, by the
 * one division.
 */
#include "schemas/fast.h"

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool cu_fast_int(cu_slice text, int64_t *out)
{
    const char *p = text.data, *end = p + text.len;
    bool negative = p < end && *p == '-';
    p += negative;
    if (p == end || end - p > 18)
        return false;
    int64_t v = 0;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return false;
        v = v * 10 + (*p - '0');
    }
    *out = negative ? -v : v;
    return true;
}

bool cu_fast_decimal(cu_slice text, int64_t *mantissa, unsigned *scale,
                     bool *negative)
{
    const char *p = text.data, *end = p + text.len, *point = NULL;
    *negative = p < end && *p == '-';
    p += *negative;
    if (p == end || end - p > 19)
        return false;
    int64_t v = 0;
    unsigned digits = 0;
    for (; p < end; p++) {
        if (is_digit(*p)) {
            if (++digits > 18)
                return false;
            v = v * 10 + (*p - '0');
        } else if (*p == '.' && !point) {
            point = p;
        } else {
            return false;
        }
    }
    if (!digits)
        return false;
    *scale = point ? (unsigned)(end - point - 1) : 0;
    *mantissa = v;
    return true;
}

bool cu_fast_double(cu_slice text, double *out)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                   1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                   1e14, 1e15, 1e16, 1e17, 1e18};
    int64_t m;
    unsigned scale;
    bool negative;
    if (!cu_fast_decimal(text, &m, &scale, &negative))
        return false;
    if (m > INT64_C(1) << 53)
        return false;
    double v = (double)m / power[scale];
    *out = negative ? -v : v;
    return true;
}

/* Two digits at p, or -1. */
static inline int two(const char *p)
{
    if (!is_digit(p[0]) || !is_digit(p[1]))
        return -1;
    return (p[0] - '0') * 10 + (p[1] - '0');
}

static bool leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Ten bytes at p as YYYY-MM-DD, in days since 2000-01-01. */
static inline bool date_at(const char *p, int32_t *days)
{
    static const uint8_t length[] = {31, 28, 31, 30, 31, 30,
                                     31, 31, 30, 31, 30, 31};
    int century = two(p), rest = two(p + 2), month = two(p + 5);
    int day = two(p + 8);
    if (century < 0 || rest < 0 || p[4] != '-' || p[7] != '-')
        return false;
    int year = century * 100 + rest;
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    if (day > length[month - 1] + (month == 2 && leap(year)))
        return false;
    /* The year starts in March, so that a leap day is its last day. */
    int y = month > 2 ? year : year - 1;
    int m = month > 2 ? month - 3 : month + 9;
    int day_of_year = (153 * m + 2) / 5 + day - 1;
    int since_0000_03_01 = 365 * y + y / 4 - y / 100 + y / 400 + day_of_year;
    *days = since_0000_03_01 - 730425;
    return true;
}

bool cu_fast_date(cu_slice text, int32_t *days)
{
    return text.len == 10 && date_at(text.data, days);
}

/* Seconds and their fraction; moves *at behind them. */
static inline bool seconds_at(const char **at, const char *end, int64_t *us)
{
    const char *p = *at;
    if (end - p < 3)
        return false;
    int s = two(p + 1);
    if (s < 0 || s > 59)
        return false;
    p += 3;
    int64_t v = s;
    int digits = 0;
    if (p < end && *p == '.') {
        for (p++; p < end && is_digit(*p); p++, digits++) {
            if (digits == 6)
                return false;
            v = v * 10 + (*p - '0');
        }
        if (!digits)
            return false;
    }
    for (; digits < 6; digits++)
        v *= 10;
    *us = v;
    *at = p;
    return true;
}

/* Z, +HH, +HHMM, +HH:MM, up to the end. */
static inline bool offset_at(const char *p, const char *end, int32_t *offset_s)
{
    *offset_s = 0;
    if (*p == 'Z' || *p == 'z')
        return end - p == 1;
    if ((*p != '+' && *p != '-') || end - p < 3)
        return false;
    int hours = two(p + 1), minutes = 0;
    if (end - p == 5)
        minutes = two(p + 3);
    else if (end - p == 6 && p[3] == ':')
        minutes = two(p + 4);
    else if (end - p != 3)
        return false;
    if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59)
        return false;
    *offset_s = hours * 3600 + minutes * 60;
    if (*p == '-')
        *offset_s = -*offset_s;
    return true;
}

bool cu_fast_timestamp(cu_slice text, int64_t *local_us, bool *has_offset,
                       int32_t *offset_s)
{
    const char *p = text.data, *end = p + text.len;
    int32_t days;
    if (text.len < 16 || !date_at(p, &days))
        return false;
    if ((p[10] != 'T' && p[10] != ' ') || p[13] != ':')
        return false;
    int hour = two(p + 11), minute = two(p + 14);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return false;
    int64_t us = 0;
    p += 16;
    if (p < end && *p == ':' && !seconds_at(&p, end, &us))
        return false;
    *has_offset = p < end;
    if (p < end && !offset_at(p, end, offset_s))
        return false;
    *local_us = ((int64_t)days * 86400 + hour * 3600 + minute * 60) * 1000000;
    *local_us += us;
    return true;
}

bool cu_fast_is_timestamp(cu_slice text)
{
    int64_t us;
    bool has_offset;
    int32_t offset_s;
    return cu_fast_timestamp(text, &us, &has_offset, &offset_s);
}
