/* Reading dates, times and timestamps.
 *
 * Nearly all data looks like 2021-12-06T19:30:19.099Z: read_plain() takes
 * that with fixed positions.  Everything else is cut into fields (dates,
 * clocks, numbers, words, offsets), which are put together in the order year,
 * month, day as PostgreSQL does with DateStyle ISO, YMD.
 *
 * Refused on purpose: words that read the clock, zone names ("Europe/Oslo";
 * abbreviations are fine) because their rules come from outside the text.
 */
#include "rows/int.h"
#include "rows/text.h"
#include "rows/text_int.h"
#include "rows/time_int.h"

#include <math.h>

enum trouble { FINE, BAD_FORMAT, OUT_OF_RANGE, BAD_ZONE, NAMED_ZONE, CLOCK };

struct fields {
    int64_t year;
    int month, day;
    bool has_year, has_month, has_day, month_named, short_year, bc, ad;
    bool day_of_year;
    bool has_time, iso_time; /* "T" was read: a time must follow */
    bool time_only;          /* six digits are HHMMSS even without a date */
    bool apart; /* the date was one field with delimiters, then a blank */
    int64_t us;
    enum { ANY_HALF, MORNING, AFTERNOON } half;
    bool has_zone;
    int32_t east;
    enum stamp_kind kind;
    bool has_special;
};

static int report(enum trouble t, cu_slice text, const char *type, cu_err *err)
{
    if (t == OUT_OF_RANGE)
        return BAD_DATA(err, STATE_TIME_RANGE,
                        "date/time field value out of range: \"%.*s\"",
                        SHOWN(text));
    if (t == BAD_ZONE)
        return BAD_DATA(err, STATE_ZONE_RANGE,
                        "time zone displacement out of range: \"%.*s\"",
                        SHOWN(text));
    const char *why = t == CLOCK        ? " (data must not read the clock)"
                      : t == NAMED_ZONE ? " (write an offset, not a zone name)"
                                        : "";
    return BAD_DATA(err, STATE_BAD_TIME,
                    "invalid input syntax for type %s: \"%.*s\"%s", type,
                    SHOWN(text), why);
}

/* --- the plain form ----------------------------------------------------- */

/* n digits at p; -1 when they are not. */
static int digits_at(const char *p, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        unsigned d = (unsigned)p[i] - '0';
        if (d > 9)
            return -1;
        v = v * 10 + (int)d;
    }
    return v;
}

static bool plain_zone(const char *p, const char *end, struct stamp *out)
{
    if (p == end)
        return true;
    out->has_zone = true;
    if (end - p == 1 && (*p == 'Z' || *p == 'z'))
        return true;
    if ((*p != '+' && *p != '-') || end - p < 3)
        return false;
    int h = digits_at(p + 1, 2), m = 0;
    if (end - p == 6 && p[3] == ':')
        m = digits_at(p + 4, 2);
    else if (end - p == 5)
        m = digits_at(p + 3, 2);
    else if (end - p != 3)
        return false;
    if (h < 0 || h > 15 || m < 0 || m > 59)
        return false;
    out->east = (h * 3600 + m * 60) * (*p == '-' ? -1 : 1);
    return true;
}

/* YYYY-MM-DD[(T| )HH:MM:SS[.f{1,6}][Z|±HH[[:]MM]]]; false: take the long
 * road, which also finds the right message. */
static bool read_plain(cu_slice s, struct stamp *out)
{
    const char *p = s.data, *end = p + s.len;
    if (s.len < 10 || p[4] != '-' || p[7] != '-')
        return false;
    int year = digits_at(p, 4), month = digits_at(p + 5, 2);
    int day = digits_at(p + 8, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 ||
        day > cu_month_days(year, month))
        return false;
    *out = (struct stamp){.has_date = true};
    out->days = cu_days_of(year, month, day);
    if (s.len == 10)
        return true;
    if (s.len < 19 || (p[10] != ' ' && p[10] != 'T') || p[13] != ':' ||
        p[16] != ':')
        return false;
    int h = digits_at(p + 11, 2), m = digits_at(p + 14, 2);
    int sec = digits_at(p + 17, 2), fraction = 0;
    if (h < 0 || h > 23 || m < 0 || m > 59 || sec < 0 || sec > 59)
        return false;
    p += 19;
    if (p < end && *p == '.') {
        int unit = 100000;
        for (p++; p < end && is_digit(*p) && unit; p++, unit /= 10)
            fraction += (*p - '0') * unit;
    }
    out->has_time = true;
    out->us = (h * 3600 + m * 60 + sec) * US_SECOND + fraction;
    return plain_zone(p, end, out);
}

/* --- fields ------------------------------------------------------------- */

int64_t cu_fraction_us(cu_slice digits)
{
    double v = 0, unit = 1;
    for (size_t i = 0; i < digits.len && i < 17; i++) {
        v = v * 10 + (digits.data[i] - '0');
        unit *= 10;
    }
    return (int64_t)rint(v / unit * 1e6);
}

static int64_t number_of(cu_slice s)
{
    int64_t v = 0;
    for (size_t i = 0; i < s.len && v < INT32_MAX; i++)
        v = v * 10 + (s.data[i] - '0');
    return v;
}

static cu_slice take_digits(const char **p, const char *end)
{
    const char *start = *p;
    while (*p < end && is_digit(**p))
        ++*p;
    return cu_slice_n(start, (size_t)(*p - start));
}

/* [.ffff] */
static int64_t take_fraction(const char **p, const char *end)
{
    if (*p == end || **p != '.')
        return 0;
    ++*p;
    cu_slice digits = take_digits(p, end);
    return cu_fraction_us(digits);
}

static enum trouble set_clock(struct fields *f, int64_t h, int64_t m, int64_t s,
                              int64_t us)
{
    if (f->has_time)
        return BAD_FORMAT;
    if (m > 59 || s > 60 || h > 24 || (h == 24 && (m || s || us)))
        return OUT_OF_RANGE;
    f->has_time = true;
    f->us = (h * 3600 + m * 60 + s) * US_SECOND + us;
    return FINE;
}

/* HH:MM[:SS[.f]], behind the hours. */
static enum trouble read_clock(struct fields *f, int64_t h, const char **p,
                               const char *end)
{
    ++*p;
    cu_slice minutes = take_digits(p, end), seconds = {"", 0};
    int64_t us = 0;
    if (!minutes.len)
        return BAD_FORMAT;
    if (*p < end && **p == ':') {
        ++*p;
        seconds = take_digits(p, end);
        if (!seconds.len)
            return BAD_FORMAT;
        us = take_fraction(p, end);
    }
    return set_clock(f, h, number_of(minutes), number_of(seconds), us);
}

/* ±HH, ±HHMM, ±HH:MM, ±HH:MM:SS, behind the sign. */
static enum trouble read_offset(struct fields *f, bool minus, const char **p,
                                const char *end)
{
    cu_slice hours = take_digits(p, end);
    int64_t h = number_of(hours), m = 0, s = 0;
    if (f->has_zone)
        return BAD_FORMAT;
    if (*p < end && **p == ':') {
        ++*p;
        m = number_of(take_digits(p, end));
        if (*p < end && **p == ':') {
            ++*p;
            s = number_of(take_digits(p, end));
        }
    } else if (hours.len > 2) {
        m = h % 100;
        h /= 100;
    }
    if (h > 15 || m > 59 || s > 59)
        return BAD_ZONE;
    f->has_zone = true;
    f->east = (int32_t)(h * 3600 + m * 60 + s) * (minus ? -1 : 1);
    return FINE;
}

static void set_year(struct fields *f, cu_slice digits)
{
    f->year = number_of(digits);
    f->has_year = true;
    f->short_year = digits.len <= 2;
}

static void set_day(struct fields *f, int64_t day)
{
    f->day = (int)(day > 1000 ? 1000 : day);
    f->has_day = true;
}

static void set_month(struct fields *f, int64_t month)
{
    f->month = (int)(month > 1000 ? 1000 : month);
    f->has_month = true;
}

/* One number of a date, in the order year, month, day; a month's name may
 * have come first ("Jan 8 1999", "8-Jan-1999"). */
static enum trouble add_number(struct fields *f, cu_slice digits)
{
    int64_t v = number_of(digits);
    if (!f->has_year && !f->has_day) {
        if (f->has_month && !f->month_named)
            return BAD_FORMAT;
        set_year(f, digits);
    } else if (f->has_year && !f->has_month) {
        if (digits.len == 3 && !f->has_day) { /* 2024-001 */
            f->day_of_year = true;
            set_month(f, 1);
            set_day(f, v);
        } else {
            set_month(f, v);
        }
    } else if (f->has_year && !f->has_day) {
        if (f->month_named && f->short_year && digits.len >= 3) {
            set_day(f, f->year); /* the first number was the day */
            set_year(f, digits);
        } else {
            set_day(f, v);
        }
    } else {
        return BAD_FORMAT;
    }
    return FINE;
}

/* YYYYMMDD, YYMMDD; HHMMSS, HHMM once there is a date. */
static enum trouble run_together(struct fields *f, cu_slice d, int64_t us)
{
    bool date = f->has_year && f->has_month && f->has_day;
    f->apart = false;
    if (f->time_only && !f->has_time && (d.len == 6 || d.len == 4))
        date = true;
    if (!date && !us && d.len >= 6) {
        if (f->has_year || f->has_month || f->has_day)
            return BAD_FORMAT;
        size_t y = d.len - 4;
        set_year(f, (cu_slice){d.data, y});
        set_month(f, number_of((cu_slice){d.data + y, 2}));
        set_day(f, number_of((cu_slice){d.data + y + 2, 2}));
        return FINE;
    }
    if (date && (d.len == 6 || d.len == 4))
        return set_clock(f, number_of((cu_slice){d.data, 2}),
                         number_of((cu_slice){d.data + 2, 2}),
                         number_of((cu_slice){d.data + 4, d.len - 4}), us);
    return BAD_FORMAT;
}

static cu_slice take_letters(const char **p, const char *end)
{
    const char *start = *p;
    while (*p < end && is_alpha(**p))
        ++*p;
    return cu_slice_n(start, (size_t)(*p - start));
}

/* The second and third part of a date, behind the first; all with the same
 * delimiter. */
static enum trouble read_date_rest(struct fields *f, const char **p,
                                   const char *end)
{
    char delimiter = **p;
    bool named = f->month_named;
    for (int part = 0; part < 2 && *p < end && **p == delimiter; part++) {
        ++*p;
        if (*p < end && is_alpha(**p)) {
            int month = cu_month_named(take_letters(p, end));
            if (!month || f->has_month)
                return BAD_FORMAT;
            set_month(f, month);
            f->month_named = named = true;
            continue;
        }
        cu_slice digits = take_digits(p, end);
        enum trouble t = digits.len ? add_number(f, digits) : BAD_FORMAT;
        if (t)
            return t;
    }
    char next = *p < end ? **p : ' ';
    f->apart = is_space(next);
    if (next == delimiter || (named && (is_alpha(next) || is_digit(next))))
        return BAD_FORMAT;
    return f->has_year && f->has_month && f->has_day ? FINE : BAD_FORMAT;
}

/* A field that begins with a digit. */
static enum trouble read_number(struct fields *f, const char **p,
                                const char *end)
{
    cu_slice digits = take_digits(p, end);
    char next = *p < end ? **p : ' ';
    bool date = f->has_year && f->has_month && f->has_day;
    if (next == ':')
        return read_clock(f, number_of(digits), p, end);
    if (!date && (next == '-' || next == '/' || next == '.')) {
        if (f->has_year || f->has_month || f->has_day)
            return BAD_FORMAT;
        enum trouble t = add_number(f, digits);
        return t ? t : read_date_rest(f, p, end);
    }
    if (date && !f->iso_time && (next == '-' || next == '/'))
        return BAD_FORMAT;
    if (date || digits.len >= 6 || (f->time_only && digits.len == 4)) {
        cu_slice head = digits;
        int64_t us = date || f->time_only ? take_fraction(p, end) : 0;
        if (date && !f->iso_time && digits.len < 4) {
            /* "10 am": an hour on its own */
            const char *q = *p;
            while (q < end && is_space(*q))
                q++;
            cu_slice word = take_letters(&q, end);
            if (is_word(word, "am") || is_word(word, "pm"))
                return set_clock(f, number_of(head), 0, 0, us);
            return BAD_FORMAT;
        }
        return run_together(f, head, us);
    }
    return add_number(f, digits);
}

static bool reads_clock(cu_slice word)
{
    static const char *const words[] = {"now", "today", "tomorrow", "yesterday",
                                        "current"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (is_word(word, words[i]))
            return true;
    return false;
}

static enum trouble set_special(struct fields *f, enum stamp_kind kind)
{
    f->kind = kind;
    f->has_special = true;
    return FINE;
}

/* A field that begins with a letter. */
static enum trouble read_word(struct fields *f, const char **p, const char *end)
{
    cu_slice word = take_letters(p, end);
    int month = cu_month_named(word);
    char next = *p < end ? **p : ' ';
    if (is_word(word, "t") && is_digit(next)) {
        if (!f->has_year || f->has_time)
            return BAD_FORMAT;
        f->iso_time = true;
        return FINE;
    }
    if (month) {
        if (f->has_month)
            return BAD_FORMAT;
        set_month(f, month);
        f->month_named = true;
        if (next == '-' || next == '/')
            return read_date_rest(f, p, end);
        return FINE;
    }
    if (next && strchr("/_-", next))
        return NAMED_ZONE;
    if (reads_clock(word))
        return CLOCK;
    if (is_word(word, "epoch"))
        return set_special(f, STAMP_EPOCH);
    if (is_word(word, "infinity"))
        return set_special(f, STAMP_LATE);
    if (is_word(word, "bc") || is_word(word, "ad")) {
        if (f->bc || f->ad)
            return BAD_FORMAT;
        f->bc = is_word(word, "bc");
        f->ad = !f->bc;
        return FINE;
    }
    if (is_word(word, "am") || is_word(word, "pm")) {
        f->half = is_word(word, "am") ? MORNING : AFTERNOON;
        return FINE;
    }
    if (is_word(word, "allballs")) {
        f->has_zone = true;
        return set_clock(f, 0, 0, 0, 0);
    }
    if (cu_is_day_name(word) || is_word(word, "at") || is_word(word, "on"))
        return FINE;
    if (f->has_zone || !cu_zone_abbreviation_offset(word, &f->east))
        return BAD_FORMAT;
    f->has_zone = true;
    return FINE;
}

static enum trouble read_sign(struct fields *f, const char **p, const char *end)
{
    bool minus = *(*p)++ == '-';
    while (*p < end && is_space(**p))
        ++*p;
    if (*p < end && is_digit(**p))
        return read_offset(f, minus, p, end);
    cu_slice word = take_letters(p, end);
    if (minus && is_word(word, "infinity"))
        return set_special(f, STAMP_EARLY);
    return BAD_FORMAT;
}

static enum trouble read_fields(cu_slice s, struct fields *f)
{
    const char *p = s.data, *end = p + s.len;
    while (p < end) {
        enum trouble t;
        if (is_space(*p) || *p == ',') {
            p++;
            continue;
        }
        if (is_digit(*p))
            t = read_number(f, &p, end);
        else if (is_alpha(*p))
            t = read_word(f, &p, end);
        else if (*p == '+' || *p == '-')
            t = read_sign(f, &p, end);
        else
            t = BAD_FORMAT;
        if (t)
            return t;
    }
    return f->iso_time && !f->has_time ? BAD_FORMAT : FINE;
}

/* --- checking what was read --------------------------------------------- */

static enum trouble check_date(struct fields *f, int64_t *days)
{
    if (f->bc) {
        if (f->year <= 0)
            return OUT_OF_RANGE;
        f->year = 1 - f->year;
    } else if (f->short_year && !f->ad) {
        f->year += f->year < 70 ? 2000 : f->year < 100 ? 1900 : 0;
    } else if (f->year <= 0) {
        return OUT_OF_RANGE;
    }
    if (f->day_of_year) {
        int64_t last = cu_days_of(f->year + 1, 1, 1);
        *days = cu_days_of(f->year, 1, 1) + f->day - 1;
        return f->day < 1 || *days >= last ? OUT_OF_RANGE : FINE;
    }
    if (f->month < 1 || f->month > 12 || f->day < 1 ||
        f->day > cu_month_days(f->year, f->month))
        return OUT_OF_RANGE;
    *days = cu_days_of(f->year, f->month, f->day);
    return FINE;
}

static enum trouble check_half(struct fields *f)
{
    int64_t hour = f->us / US_HOUR;
    if (f->half == ANY_HALF)
        return FINE;
    if (hour > 12)
        return OUT_OF_RANGE;
    if (f->half == MORNING && hour == 12)
        f->us -= 12 * US_HOUR;
    else if (f->half == AFTERNOON && hour != 12)
        f->us += 12 * US_HOUR;
    return FINE;
}

static enum trouble read_any(cu_slice s, bool time_only, struct stamp *out)
{
    struct fields f = {.time_only = time_only};
    memset(out, 0, sizeof(*out));
    enum trouble t = read_fields(s, &f);
    if (t)
        return t;
    if (f.has_special && (f.has_year || f.has_month || f.has_day))
        return BAD_FORMAT;
    if (f.has_special) {
        out->kind = f.kind;
        return FINE;
    }
    if (f.has_year || f.has_month || f.has_day) {
        if (!f.has_year || !f.has_month || !f.has_day)
            return BAD_FORMAT;
        if (time_only && (!f.apart || f.iso_time))
            return BAD_FORMAT; /* a time takes only "2024-01-01 10:00" */
        if ((t = check_date(&f, &out->days)))
            return t;
        out->has_date = true;
    } else if (f.bc) {
        return BAD_FORMAT;
    }
    if ((t = check_half(&f)))
        return t;
    out->has_time = f.has_time;
    out->us = f.us;
    out->has_zone = f.has_zone;
    out->east = f.east;
    return FINE;
}

int cu_stamp_read(cu_slice text, const char *type, struct stamp *out,
                  cu_err *err)
{
    cu_slice s = trim(text);
    bool time_only = type[0] == 't' && !type[4];
    if (!time_only && read_plain(s, out))
        return 0;
    enum trouble t = s.len ? read_any(s, time_only, out) : BAD_FORMAT;
    return t ? report(t, text, type, err) : 0;
}

/* --- the types ---------------------------------------------------------- */

static int no_date(cu_slice text, const char *type, cu_err *err)
{
    return report(BAD_FORMAT, text, type, err);
}

static int too_far(cu_slice text, const char *type, cu_err *err)
{
    return BAD_DATA(err, STATE_TIME_RANGE, "%s out of range: \"%.*s\"", type,
                    SHOWN(text));
}

int cu_date_in(cu_slice text, int32_t *out, cu_err *err)
{
    struct stamp s;
    int rc = cu_stamp_read(text, "date", &s, err);
    if (rc)
        return rc;
    if (s.kind != STAMP_PLAIN) {
        *out = s.kind == STAMP_LATE    ? CU_DATE_INFINITY
               : s.kind == STAMP_EARLY ? CU_DATE_MINUS_INFINITY
                                       : (int32_t)cu_days_of(1970, 1, 1);
        return 0;
    }
    if (!s.has_date)
        return no_date(text, "date", err);
    if (s.days < DAY_LEAST || s.days >= DAY_END)
        return too_far(text, "date", err);
    *out = (int32_t)s.days;
    return 0;
}

int cu_time_in(cu_slice text, int64_t *out, cu_err *err)
{
    struct stamp s;
    int rc = cu_stamp_read(text, "time", &s, err);
    if (rc)
        return rc;
    if (s.kind != STAMP_PLAIN || !s.has_time)
        return no_date(text, "time", err);
    *out = s.us;
    return 0;
}

static int moment_in(cu_slice text, const char *type, struct stamp *s,
                     int64_t *out, cu_err *err)
{
    int rc = cu_stamp_read(text, type, s, err);
    if (rc)
        return rc;
    if (s->kind != STAMP_PLAIN) {
        *out = s->kind == STAMP_LATE    ? CU_TS_INFINITY
               : s->kind == STAMP_EARLY ? CU_TS_MINUS_INFINITY
                                        : -CU_PG_EPOCH_US;
        return 0;
    }
    if (!s->has_date)
        return no_date(text, type, err);
    if (s->days < DAY_LEAST - 1 || s->days > TIMESTAMP_END / US_DAY)
        return too_far(text, "timestamp", err);
    *out = s->days * US_DAY + s->us;
    return 0;
}

int cu_timestamp_in(cu_slice text, int64_t *out, cu_err *err)
{
    struct stamp s;
    int rc = moment_in(text, "timestamp", &s, out, err);
    if (!rc && s.kind == STAMP_PLAIN &&
        (*out < TIMESTAMP_LEAST || *out >= TIMESTAMP_END))
        return too_far(text, "timestamp", err);
    return rc;
}

int cu_timestamptz_in(cu_slice text, const cu_zone *zone, int64_t *out,
                      cu_err *err)
{
    struct stamp s;
    int rc = moment_in(text, "timestamp with time zone", &s, out, err);
    if (rc || s.kind != STAMP_PLAIN)
        return rc;
    if (s.has_zone)
        *out -= s.east * US_SECOND;
    else if (zone)
        *out = cu_zone_to_utc(zone, *out);
    if (*out < TIMESTAMP_LEAST || *out >= TIMESTAMP_END)
        return too_far(text, "timestamp", err);
    return 0;
}
