/* Reading and applying POSIX time zone rules. */
#include "rows/zone_rule.h"

#include "rows/int.h"
#include "rows/time_int.h"

enum { DAY_SECONDS = 86400 };

/* --- reading ------------------------------------------------------------ */

static bool read_name(const char **p, const char *end, char out[12])
{
    size_t n = 0;
    bool quoted = *p < end && **p == '<';
    *p += quoted;
    while (*p < end && n < 11 && (quoted ? **p != '>' : is_alpha(**p)))
        out[n++] = *(*p)++;
    out[n] = 0;
    if (quoted) {
        if (*p == end || **p != '>')
            return false;
        ++*p;
    }
    return true;
}

static bool read_int(const char **p, const char *end, int most, int *out)
{
    const char *start = *p;
    *out = 0;
    while (*p < end && is_digit(**p) && *out <= most)
        *out = *out * 10 + (*(*p)++ - '0');
    return *p > start && *out <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(const char **p, const char *end, int32_t *seconds)
{
    bool minus = *p < end && **p == '-';
    int h, m = 0, s = 0;
    if (*p < end && (**p == '-' || **p == '+'))
        ++*p;
    if (!read_int(p, end, 167, &h))
        return false;
    if (*p < end && **p == ':') {
        ++*p;
        if (!read_int(p, end, 59, &m))
            return false;
        if (*p < end && **p == ':') {
            ++*p;
            if (!read_int(p, end, 59, &s))
                return false;
        }
    }
    *seconds = (h * 3600 + m * 60 + s) * (minus ? -1 : 1);
    return true;
}

/* ,M3.5.0/2  ,J60  ,59 */
static bool read_day(const char **p, const char *end, struct zone_day *d)
{
    *d = (struct zone_day){.seconds = 2 * 3600};
    if (*p == end || *(*p)++ != ',' || *p == end)
        return false;
    if (**p == 'M') {
        ++*p;
        d->kind = DAY_OF_MONTH;
        if (!read_int(p, end, 12, &d->month) || *p == end || *(*p)++ != '.' ||
            !read_int(p, end, 5, &d->week) || *p == end || *(*p)++ != '.' ||
            !read_int(p, end, 6, &d->day) || !d->month || !d->week)
            return false;
    } else {
        d->kind = **p == 'J' ? DAY_JULIAN : DAY_ZERO_BASED;
        *p += **p == 'J';
        if (!read_int(p, end, 365, &d->day))
            return false;
    }
    if (*p < end && **p == '/') {
        ++*p;
        return read_time(p, end, &d->seconds);
    }
    return true;
}

bool cu_zone_rule_parse(cu_slice text, struct zone_rule *out)
{
    static const char usual[] = ",M3.2.0,M11.1.0";
    const char *p = text.data, *end = p + text.len;
    int32_t west;
    memset(out, 0, sizeof(*out));
    if (!read_name(&p, end, out->std) || !read_time(&p, end, &west))
        return false;
    out->std_east = -west;
    if (p == end)
        return true;
    if (!read_name(&p, end, out->dst) || !out->dst[0])
        return false;
    out->has_dst = true;
    out->dst_east = out->std_east + 3600;
    if (p < end && *p != ',') {
        if (!read_time(&p, end, &west))
            return false;
        out->dst_east = -west;
    }
    if (p == end) { /* "PST8PDT": the American rules */
        p = usual;
        end = p + sizeof(usual) - 1;
    }
    return read_day(&p, end, &out->start) && read_day(&p, end, &out->end) &&
           p == end;
}

/* --- applying ----------------------------------------------------------- */

/* Local seconds since 2000 at which the day's time comes in that year. */
static int64_t moment(const struct zone_day *d, int64_t year)
{
    int64_t days = cu_days_of(year, 1, 1);
    if (d->kind == DAY_ZERO_BASED) {
        days += d->day;
    } else if (d->kind == DAY_JULIAN) {
        bool leap = cu_month_days(year, 2) == 29;
        days += d->day - 1 + (leap && d->day >= 60);
    } else {
        int64_t first = cu_days_of(year, d->month, 1);
        int weekday = (int)(((first + 6) % 7 + 7) % 7); /* 2000-01-01: Sat */
        int day = (d->day - weekday + 7) % 7 + 7 * (d->week - 1);
        while (day >= cu_month_days(year, d->month))
            day -= 7;
        days = first + day;
    }
    return days * DAY_SECONDS + d->seconds;
}

static int64_t year_of(const struct zone_rule *r, int64_t t)
{
    int64_t year;
    int month, day;
    cu_date_of(floor_div(t + r->std_east, DAY_SECONDS), &year, &month, &day);
    return year;
}

bool cu_zone_rule_is_dst(const struct zone_rule *r, int64_t t)
{
    if (!r->has_dst)
        return false;
    int64_t year = year_of(r, t);
    int64_t start = moment(&r->start, year) - r->std_east;
    int64_t end = moment(&r->end, year) - r->dst_east;
    if (start < end)
        return t >= start && t < end;
    return !(t >= end && t < start);
}

int64_t cu_zone_rule_next(const struct zone_rule *r, int64_t t)
{
    int64_t best = INT64_MAX;
    if (!r->has_dst)
        return best;
    int64_t year = year_of(r, t);
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t start = moment(&r->start, y) - r->std_east;
        int64_t end = moment(&r->end, y) - r->dst_east;
        if (start > t && start < best)
            best = start;
        if (end > t && end < best)
            best = end;
    }
    return best;
}
