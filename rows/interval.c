/* Intervals as text.
 *
 * PostgreSQL reads "1 year 2 mons 3 days 04:05:06.789 ago" from its end, so
 * that a unit is known before its number: a bare number is seconds at the
 * end, days in front of a clock.  The ISO 8601 forms P1Y2M3DT4H5M6S and
 * P0001-02-03T04:05:06 are tried for what begins with P.  Fractions fall
 * into smaller units: 1.5 months is a month and 15 days.
 */
#include "rows/int.h"
#include "rows/text.h"
#include "rows/text_int.h"
#include "rows/time_int.h"

#include <math.h>
#include <stdlib.h>

#define STATE_INTERVAL CU_SQLSTATE('2', '2', '0', '1', '5')

enum trouble { FINE, BAD_FORMAT, OUT_OF_RANGE };

enum unit {
    NO_UNIT,
    MICROSECOND,
    MILLISECOND,
    SECOND,
    MINUTE,
    HOUR,
    DAY,
    WEEK,
    MONTH,
    YEAR,
    DECADE,
    CENTURY,
    MILLENNIUM,
    UNITS
};

static const struct {
    const char *name;
    enum unit unit;
} names[] = {
    {"us", MICROSECOND},
    {"usec", MICROSECOND},
    {"usecs", MICROSECOND},
    {"usecond", MICROSECOND},
    {"useconds", MICROSECOND},
    {"microsecond", MICROSECOND},
    {"ms", MILLISECOND},
    {"microseconds", MICROSECOND},
    {"msec", MILLISECOND},
    {"msecs", MILLISECOND},
    {"msecond", MILLISECOND},
    {"mseconds", MILLISECOND},
    {"millisecond", MILLISECOND},
    {"milliseconds", MILLISECOND},
    {"s", SECOND},
    {"sec", SECOND},
    {"secs", SECOND},
    {"second", SECOND},
    {"seconds", SECOND},
    {"m", MINUTE},
    {"min", MINUTE},
    {"mins", MINUTE},
    {"minute", MINUTE},
    {"minutes", MINUTE},
    {"h", HOUR},
    {"hr", HOUR},
    {"hrs", HOUR},
    {"hour", HOUR},
    {"hours", HOUR},
    {"d", DAY},
    {"day", DAY},
    {"days", DAY},
    {"w", WEEK},
    {"week", WEEK},
    {"weeks", WEEK},
    {"mon", MONTH},
    {"mons", MONTH},
    {"month", MONTH},
    {"months", MONTH},
    {"y", YEAR},
    {"yr", YEAR},
    {"yrs", YEAR},
    {"year", YEAR},
    {"years", YEAR},
    {"dec", DECADE},
    {"decs", DECADE},
    {"decade", DECADE},
    {"decades", DECADE},
    {"c", CENTURY},
    {"cent", CENTURY},
    {"century", CENTURY},
    {"centuries", CENTURY},
    {"mil", MILLENNIUM},
    {"mils", MILLENNIUM},
    {"millennium", MILLENNIUM},
    {"millennia", MILLENNIUM},
};

static enum unit unit_named(cu_slice word)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (is_word(word, names[i].name))
            return names[i].unit;
    return NO_UNIT;
}

/* --- adding up ---------------------------------------------------------- */

struct sum {
    int64_t months, days, us;
    unsigned seen; /* bits of enum unit */
};

static bool add(int64_t *to, int64_t value, int64_t by)
{
    int64_t product;
    return !__builtin_mul_overflow(value, by, &product) &&
           !__builtin_add_overflow(*to, product, to);
}

/* fraction x `scale` microseconds. */
static bool add_us(struct sum *s, double fraction, double scale)
{
    double us = rint(fraction * scale);
    return fabs(us) < 9e18 && add(&s->us, (int64_t)us, 1);
}

static bool add_days(struct sum *s, double fraction, int days)
{
    double all = fraction * days, whole = trunc(all);
    return add(&s->days, (int64_t)whole, 1) &&
           add_us(s, all - whole, (double)US_DAY);
}

static bool add_years(struct sum *s, int64_t value, double fraction, int years)
{
    return add(&s->months, value, 12 * years) &&
           add(&s->months, (int64_t)rint(fraction * years * 12), 1);
}

static enum trouble add_unit(struct sum *s, enum unit unit, int64_t value,
                             double fraction)
{
    static const int64_t us[] = {[MICROSECOND] = 1,
                                 [MILLISECOND] = 1000,
                                 [SECOND] = US_SECOND,
                                 [MINUTE] = US_MINUTE,
                                 [HOUR] = US_HOUR};
    unsigned bits = 1u << unit;
    bool ok = true;
    if (unit == SECOND && fraction != 0)
        bits |= 1u << MILLISECOND | 1u << MICROSECOND;
    if (s->seen & bits)
        return BAD_FORMAT;
    s->seen |= bits;
    switch (unit) {
    case MICROSECOND:
    case MILLISECOND:
    case SECOND:
    case MINUTE:
    case HOUR:
        ok = add(&s->us, value, us[unit]) &&
             add_us(s, fraction, (double)us[unit]);
        break;
    case DAY:
        ok = add(&s->days, value, 1) && add_us(s, fraction, (double)US_DAY);
        break;
    case WEEK:
        ok = add(&s->days, value, 7) && add_days(s, fraction, 7);
        break;
    case MONTH:
        ok = add(&s->months, value, 1) && add_days(s, fraction, 30);
        break;
    case YEAR:
        ok = add_years(s, value, fraction, 1);
        break;
    case DECADE:
        ok = add_years(s, value, fraction, 10);
        break;
    case CENTURY:
        ok = add_years(s, value, fraction, 100);
        break;
    case MILLENNIUM:
        ok = add_years(s, value, fraction, 1000);
        break;
    case NO_UNIT:
    case UNITS:
        return BAD_FORMAT;
    }
    return ok ? FINE : OUT_OF_RANGE;
}

/* --- pieces ------------------------------------------------------------- */

static bool take_int(const char **p, const char *end, int64_t *out)
{
    *out = 0;
    for (; *p < end && is_digit(**p); ++*p)
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, **p - '0', out))
            return false;
    return true;
}

/* ".ddd", exactly as a double reads it. */
static double take_fraction(const char **p, const char *end)
{
    char text[40] = "0";
    size_t n = 1;
    if (*p == end || **p != '.')
        return 0;
    do {
        if (n < sizeof(text) - 1)
            text[n++] = **p;
        ++*p;
    } while (*p < end && is_digit(**p));
    text[n] = 0;
    return strtod(text, NULL);
}

/* HH:MM, HH:MM:SS[.f], MM:SS.f */
static enum trouble add_clock(struct sum *s, cu_slice f, bool minus)
{
    const char *p = f.data, *end = p + f.len;
    int64_t part[3] = {0, 0, 0};
    int n = 0;
    do {
        if (n && *p == ':')
            p++;
        const char *start = p;
        if (n == 3)
            return BAD_FORMAT;
        if (!take_int(&p, end, &part[n++]))
            return OUT_OF_RANGE;
        if (p == start)
            return BAD_FORMAT;
    } while (p < end && *p == ':');
    double fraction = take_fraction(&p, end);
    if (p != end || n < 2)
        return BAD_FORMAT;
    if (n == 2 && memchr(f.data, '.', f.len)) { /* MM:SS.f */
        part[2] = part[1];
        part[1] = part[0];
        part[0] = 0;
    }
    if (part[1] > 59 || part[2] > 60)
        return OUT_OF_RANGE;
    const unsigned bits = 1u << HOUR | 1u << MINUTE | 1u << SECOND;
    if (s->seen & bits)
        return BAD_FORMAT;
    s->seen |= bits | 1u << MILLISECOND | 1u << MICROSECOND;
    int64_t us = 0;
    if (!add(&us, part[0], US_HOUR) || !add(&us, part[1], US_MINUTE) ||
        !add(&us, part[2], US_SECOND) ||
        !add(&us, (int64_t)rint(fraction * 1e6), 1) ||
        !add(&s->us, us, minus ? -1 : 1))
        return OUT_OF_RANGE;
    return FINE;
}

/* [sign]digits[.digits] or the SQL form years-months. */
static enum trouble add_number(struct sum *s, cu_slice f, enum unit unit)
{
    const char *p = f.data, *end = p + f.len;
    bool minus = *p == '-';
    int64_t value, months;
    if (*p == '-' || *p == '+')
        p++;
    if (!take_int(&p, end, &value))
        return OUT_OF_RANGE;
    if (p < end && *p == '-') {
        p++;
        if (!take_int(&p, end, &months) || months > 11 ||
            !add(&months, value, 12))
            return OUT_OF_RANGE;
        value = months;
        unit = MONTH;
    }
    double fraction = take_fraction(&p, end);
    if (p != end)
        return BAD_FORMAT;
    return add_unit(s, unit, minus ? -value : value,
                    minus ? -fraction : fraction);
}

/* --- the traditional form ----------------------------------------------- */

enum { MOST_FIELDS = 25 };

static bool in_field(char c)
{
    return is_digit(c) || c == ':' || c == '.';
}

/* Cuts into numbers (with their sign), clocks and words; -1: cannot. */
static int cut(cu_slice s, cu_slice fields[MOST_FIELDS])
{
    const char *p = s.data, *end = p + s.len;
    int n = 0;
    while (p < end) {
        const char *start = p;
        if (is_space(*p) || *p == '@' || *p == ',') {
            p++;
            continue;
        }
        if (n == MOST_FIELDS)
            return -1;
        if (is_alpha(*p)) {
            while (p < end && is_alpha(*p))
                p++;
            if (p < end && is_digit(*p)) /* "1d2h" */
                return -1;
            fields[n++] = cu_slice_n(start, (size_t)(p - start));
            continue;
        }
        if (*p == '-' || *p == '+')
            p++;
        const char *body = p;
        while (p < end &&
               (in_field(*p) || (*p == '-' && p > body && is_digit(p[-1]) &&
                                 p + 1 < end && is_digit(p[1]))))
            p++;
        if (p == body)
            return -1;
        fields[n++] = cu_slice_n(start, (size_t)(p - start));
    }
    return n;
}

static enum trouble traditional(cu_slice text, struct sum *s)
{
    cu_slice fields[MOST_FIELDS];
    int n = cut(text, fields);
    enum unit unit = NO_UNIT;
    bool ago = false;
    if (n <= 0)
        return BAD_FORMAT;
    while (n-- > 0) {
        cu_slice f = fields[n];
        enum trouble t = FINE;
        if (is_alpha(f.data[0])) {
            if (is_word(f, "ago")) {
                ago = true;
                unit = NO_UNIT;
                continue;
            }
            unit = unit_named(f);
            if (!unit)
                return BAD_FORMAT;
        } else if (memchr(f.data, ':', f.len)) {
            bool sign = f.data[0] == '-' || f.data[0] == '+';
            t = add_clock(s, (cu_slice){f.data + sign, f.len - sign},
                          f.data[0] == '-');
            unit = DAY;
        } else {
            t = add_number(s, f, unit ? unit : SECOND);
        }
        if (t)
            return t;
    }
    if (!s->seen)
        return BAD_FORMAT;
    if (ago) {
        s->months = -s->months;
        s->days = -s->days;
        if (!add(&s->us, s->us, -2))
            return OUT_OF_RANGE;
    }
    return FINE;
}

/* --- ISO 8601 ----------------------------------------------------------- */

/* [-]digits[.digits] */
static bool iso_number(const char **p, const char *end, int64_t *value,
                       double *fraction)
{
    bool minus = *p < end && **p == '-';
    if (*p < end && (**p == '-' || **p == '+'))
        ++*p;
    const char *start = *p;
    if (!take_int(p, end, value))
        return false;
    *fraction = take_fraction(p, end);
    if (minus) {
        *value = -*value;
        *fraction = -*fraction;
    }
    return *p > start;
}

/* Y-M-D or H:M:S, behind the first number. */
static enum trouble iso_plain(struct sum *s, const char **p, const char *end,
                              char between, int64_t value, double fraction)
{
    static const enum unit dates[] = {YEAR, MONTH, DAY};
    static const enum unit times[] = {HOUR, MINUTE, SECOND};
    const enum unit *units = between == '-' ? dates : times;
    for (int i = 0; i < 3; i++) {
        enum trouble t = add_unit(s, units[i], value, fraction);
        if (t)
            return t;
        if (*p == end || **p != between || i == 2)
            break;
        ++*p;
        if (!iso_number(p, end, &value, &fraction))
            return BAD_FORMAT;
    }
    return FINE;
}

static enum trouble iso(cu_slice text, struct sum *s)
{
    const char *p = text.data, *end = p + text.len;
    bool time = false;
    if (text.len < 2 || *p++ != 'P')
        return BAD_FORMAT;
    while (p < end) {
        int64_t value;
        double fraction;
        enum trouble t;
        if (*p == 'T') {
            if (time)
                return BAD_FORMAT;
            time = true;
            p++;
            continue;
        }
        if (!iso_number(&p, end, &value, &fraction))
            return BAD_FORMAT;
        char unit = p < end ? *p : 0;
        if (!unit || (unit == '-' && !time) || (unit == ':' && time)) {
            t = iso_plain(s, &p, end, time ? ':' : '-', value, fraction);
        } else {
            static const char letters[] = "YMWDHMS";
            static const uint8_t units[] = {YEAR, MONTH,  WEEK,  DAY,
                                            HOUR, MINUTE, SECOND};
            const char *at = unit ? strchr(letters + (time ? 4 : 0), unit)
                                  : NULL;
            if (!at || (!time && at - letters > 3))
                return BAD_FORMAT;
            p++;
            t = add_unit(s, (enum unit)units[at - letters], value, fraction);
        }
        if (t)
            return t;
    }
    return FINE;
}

int cu_interval_in(cu_slice text, cu_interval *out, cu_err *err)
{
    cu_slice in = trim(text);
    struct sum s = {0, 0, 0, 0};
    enum trouble t = traditional(in, &s);
    if (t == BAD_FORMAT && in.len && in.data[0] == 'P') {
        s = (struct sum){0, 0, 0, 0};
        t = iso(in, &s);
    }
    if (t == FINE &&
        (s.months != (int32_t)s.months || s.days != (int32_t)s.days))
        return BAD_DATA(err, STATE_TIME_RANGE, "interval out of range");
    if (t == OUT_OF_RANGE)
        return BAD_DATA(err, STATE_INTERVAL,
                        "interval field value out of range: \"%.*s\"",
                        SHOWN(text));
    if (t)
        return BAD_DATA(err, STATE_BAD_TIME,
                        "invalid input syntax for type interval: \"%.*s\"",
                        SHOWN(text));
    *out = (cu_interval){s.us, (int32_t)s.days, (int32_t)s.months};
    return 0;
}

/* --- out ---------------------------------------------------------------- */

/* "3 days", with a + behind a negative part. */
static void put_part(int64_t v, const char *unit, bool *first, bool *minus,
                     cu_buf *out)
{
    if (!v)
        return;
    if (!*first)
        cu_buf_put_u8(out, ' ');
    if (*minus && v > 0)
        cu_buf_put_u8(out, '+');
    cu_int8_out(v, out);
    cu_buf_put_u8(out, ' ');
    cu_buf_put_str(out, unit);
    if (v != 1)
        cu_buf_put_u8(out, 's');
    *first = false;
    *minus = v < 0;
}

void cu_interval_out(const cu_interval *v, cu_buf *out)
{
    bool first = true, minus = false;
    put_part(v->months / 12, "year", &first, &minus, out);
    put_part(v->months % 12, "mon", &first, &minus, out);
    put_part(v->days, "day", &first, &minus, out);
    if (!first && !v->us)
        return;
    if (!first)
        cu_buf_put_u8(out, ' ');
    if (v->us < 0)
        cu_buf_put_u8(out, '-');
    else if (minus)
        cu_buf_put_u8(out, '+');
    uint64_t us = v->us < 0 ? -(uint64_t)v->us : (uint64_t)v->us;
    cu_rows_put_padded(out, us / (uint64_t)US_HOUR, 2);
    size_t zero_hours = out->len;
    cu_time_out((int64_t)(us % (uint64_t)US_HOUR), out);
    memmove(out->data + zero_hours, out->data + zero_hours + 2,
            out->len - zero_hours - 2);
    out->len -= 2;
}
