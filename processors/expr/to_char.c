/* to_char() of times: timestamp, timestamptz, interval. */
#include "processors/expr/calendar.h"
#include "processors/expr/template.h"
#include "rows/text.h"

#define E_FORMAT CU_SQLSTATE('2', '2', '0', '0', '7')

enum { JULIAN_OF_EPOCH = 2451545 };

/* What a template speaks of. */
typedef struct clock_face {
    bool interval;
    int64_t year, month, day; /* of an interval: 0 … */
    int64_t hour, minute, second, us;
    int64_t number;   /* of the day since 2000 */
    int64_t year_day; /* from 1 */
    const char *zone; /* NULL: none */
    int32_t offset;   /* seconds */
} clock_face;

static void put_cased(cu_buf *out, const char *s, size_t n, uint8_t letters)
{
    for (size_t i = 0; i < n && s[i]; i++) {
        const uint32_t c = (uint8_t)s[i];
        const bool up = letters == CU_UPPER || (letters == CU_CAPITAL && !i);
        cu_buf_put_u8(out, (uint8_t)(up ? cu_upper(c) : cu_lower(c)));
    }
}

static void put_name(const cu_piece *p, const char *name, size_t most,
                     size_t width, cu_buf *out)
{
    const size_t start = out->len;
    put_cased(out, name, most, p->field->letters);
    while (!p->fill && !p->plain && out->len < start + width)
        cu_buf_put_u8(out, ' ');
}

/* st, nd, rd, th behind the number that starts at `start`. */
static void put_ordinal(const cu_piece *p, size_t start, cu_buf *out)
{
    if (!p->ordinal || out->len == start)
        return;
    const char *const at = out->data + out->len - 1;
    const bool teen = out->len - start > 1 && at[-1] == '1';
    const char *th = teen         ? "th"
                     : *at == '1' ? "st"
                     : *at == '2' ? "nd"
                     : *at == '3' ? "rd"
                                  : "th";
    put_cased(out, th, 2, p->ordinal == 'T' ? CU_UPPER : CU_LOWER);
}

/* Zeros in front up to `width` places, one more with a sign. */
static void put_number(const cu_piece *p, int64_t n, int width, cu_buf *out)
{
    const size_t start = out->len;
    if (p->fill)
        cu_buf_printf(out, "%lld", (long long)n);
    else
        cu_buf_printf(out, "%0*lld", width + (n < 0), (long long)n);
    put_ordinal(p, start, out);
}

static void put_fixed(const cu_piece *p, int64_t n, int width, cu_buf *out)
{
    const size_t start = out->len;
    cu_buf_printf(out, "%0*lld", width, (long long)n);
    put_ordinal(p, start, out);
}

static int64_t shown_year(const clock_face *t, int64_t year)
{
    return t->interval || year > 0 ? year : -(year - 1);
}

static void put_year(const clock_face *t, const cu_piece *p, int64_t year,
                     cu_buf *out)
{
    static const int64_t cut[] = {0, 10, 100, 1000, INT64_MAX};
    const int digits = p->field->digits;
    /* A sign's place is that of the calendar's year, whichever is shown. */
    const int width = digits + (shown_year(t, t->year) < 0);
    year = shown_year(t, year);
    put_fixed(p, digits == 4 ? year : year % cut[digits], p->fill ? 0 : width,
              out);
}

static void put_century(const clock_face *t, const cu_piece *p, cu_buf *out)
{
    const int64_t y = t->year;
    const int64_t cc = t->interval ? y / 100
                       : y > 0     ? (y - 1) / 100 + 1
                                   : y / 100 - 1;
    if (cc <= 99 && cc >= -99)
        put_number(p, cc, 2, out);
    else
        put_fixed(p, cc, 0, out);
}

static void put_half(const cu_piece *p, const char *first, const char *second,
                     bool is_second, cu_buf *out)
{
    const char *s = is_second ? second : first;
    for (size_t i = 0; s[i]; i++) {
        put_cased(out, s + i, 1,
                  p->field->letters == CU_LOWER ? CU_LOWER : CU_UPPER);
        if (p->field->dots)
            cu_buf_put_u8(out, '.');
    }
}

static void put_offset(const clock_face *t, const cu_piece *p, cu_buf *out)
{
    const int32_t all = t->offset < 0 ? -t->offset : t->offset;
    cu_buf_put_u8(out, t->offset < 0 ? '-' : '+');
    cu_buf_printf(out, "%0*d", p->fill ? 0 : 2, all / 3600);
    if (all % 3600 / 60)
        cu_buf_printf(out, ":%02d", all % 3600 / 60);
}

static void put_roman(const clock_face *t, const cu_piece *p, cu_buf *out)
{
    int64_t month = t->month;
    if (!month && !(t->interval && t->year))
        return;
    if (t->interval && month == 0)
        month = t->year >= 0 ? 12 : 1;
    else if (month < 0)
        month += 13;
    const char *name = cu_roman_names[month - 1];
    const size_t start = out->len;
    put_cased(out, name, 9,
              p->field->letters == CU_LOWER ? CU_LOWER : CU_UPPER);
    while (!p->fill && out->len < start + 4)
        cu_buf_put_u8(out, ' ');
}

static bool needs_date(cu_field_id id)
{
    return id == CU_F_AD || id == CU_F_MONTH || id == CU_F_MON ||
           id == CU_F_DAY || id == CU_F_DY || id == CU_F_D || id == CU_F_ID ||
           id == CU_F_TZ || id == CU_F_OF || id == CU_F_TZH || id == CU_F_TZM;
}

static void put_year_field(const clock_face *t, const cu_piece *p,
                           int64_t iso_year, cu_buf *out)
{
    switch (p->field->id) {
    case CU_F_CC:
        put_century(t, p, out);
        break;
    case CU_F_Y_YYY: {
        const size_t start = out->len;
        const int64_t y = shown_year(t, t->year);
        cu_buf_printf(out, "%lld,%03lld", (long long)(y / 1000),
                      (long long)(y % 1000));
        put_ordinal(p, start, out);
        break;
    }
    case CU_F_YYYY:
        put_year(t, p, t->year, out);
        break;
    case CU_F_IYYY:
        put_year(t, p, iso_year, out);
        break;
    case CU_F_RM:
        put_roman(t, p, out);
        break;
    case CU_F_J:
        put_fixed(p, t->number + JULIAN_OF_EPOCH, 0, out);
        break;
    default:
        break;
    }
}

/* The day of an interval's parts, read as PostgreSQL reads them: as if they
 * were a date's.  Month 0 is the one before January. */
static int64_t day_of_parts(int64_t year, int64_t month, int64_t day)
{
    const int64_t m = month > 2 ? month + 1 : month + 13;
    const int64_t y = month > 2 ? year + 4800 : year + 4799;
    const int64_t days = y * 365 - 32167 + y / 4 - y / 100 + y / 100 / 4 +
                         7834 * m / 256 + day;
    return (int32_t)(uint32_t)days - JULIAN_OF_EPOCH;
}

/* The first day of an ISO year. */
static int64_t iso_start(const clock_face *t, int64_t year)
{
    return cu_iso_week_start(t->interval ? day_of_parts(year, 1, 4)
                                         : cu_day_number(year, 1, 4));
}

static void iso_week_of(const clock_face *t, int64_t *year, int32_t *week)
{
    if (!t->interval) {
        cu_iso_week(t->number, year, week);
        return;
    }
    int64_t first = iso_start(t, *year);
    if (t->number < first)
        first = iso_start(t, --*year);
    /* An interval has any number of days: the next year, but none behind. */
    const int64_t next = iso_start(t, *year + 1);
    if ((t->number - first) / 7 >= 51 && t->number >= next) {
        ++*year;
        first = next;
    }
    *week = (int32_t)((t->number - first) / 7 + 1);
}

static void put_date_field(const clock_face *t, const cu_piece *p, cu_buf *out)
{
    const int32_t week_day = cu_week_day(t->number);
    int64_t iso_year = t->year;
    int32_t iso_week = 0;
    const cu_field_id id = p->field->id;
    if (id == CU_F_IW || id == CU_F_IYYY || id == CU_F_IDDD)
        iso_week_of(t, &iso_year, &iso_week);
    switch (id) {
    case CU_F_AD:
        put_half(p, "AD", "BC", t->year <= 0, out);
        break;
    case CU_F_MONTH:
        put_name(p, cu_month_names[t->month - 1], 9, 9, out);
        break;
    case CU_F_MON:
        put_name(p, cu_month_names[t->month - 1], 3, 0, out);
        break;
    case CU_F_MM:
        put_number(p, t->month, 2, out);
        break;
    case CU_F_DAY:
        put_name(p, cu_day_names[week_day], 9, 9, out);
        break;
    case CU_F_DY:
        put_name(p, cu_day_names[week_day], 3, 0, out);
        break;
    case CU_F_DDD:
        put_fixed(p, t->year_day, p->fill ? 0 : 3, out);
        break;
    case CU_F_IDDD: {
        const int64_t first = iso_start(t, iso_year);
        put_fixed(p, t->number - first + 1, p->fill ? 0 : 3, out);
        break;
    }
    case CU_F_DD:
        put_fixed(p, t->day, p->fill ? 0 : 2, out);
        break;
    case CU_F_D:
        put_fixed(p, week_day + 1, 0, out);
        break;
    case CU_F_ID:
        put_fixed(p, week_day ? week_day : 7, 0, out);
        break;
    case CU_F_WW:
        put_fixed(p, (t->year_day - 1) / 7 + 1, p->fill ? 0 : 2, out);
        break;
    case CU_F_IW:
        put_fixed(p, iso_week, p->fill ? 0 : 2, out);
        break;
    case CU_F_W:
        put_fixed(p, (t->day - 1) / 7 + 1, 0, out);
        break;
    case CU_F_Q:
        if (t->month)
            put_fixed(p, (t->month - 1) / 3 + 1, 0, out);
        break;
    default:
        put_year_field(t, p, iso_year, out);
        break;
    }
}

static void put_time_field(const clock_face *t, const cu_piece *p, cu_buf *out)
{
    static const int64_t scale[] = {1, 100000, 10000, 1000, 100, 10, 1};
    switch (p->field->id) {
    case CU_F_AM:
        put_half(p, "AM", "PM", t->hour % 24 >= 12, out);
        break;
    case CU_F_HH12: {
        const int64_t h = t->hour % 12 ? t->hour % 12 : 12;
        const size_t start = out->len;
        cu_buf_printf(out, "%0*lld",
                      p->fill       ? 0
                      : t->hour < 0 ? 3
                                    : 2,
                      (long long)h);
        put_ordinal(p, start, out);
        break;
    }
    case CU_F_HH24:
        put_number(p, t->hour, 2, out);
        break;
    case CU_F_MI:
        put_number(p, t->minute, 2, out);
        break;
    case CU_F_SS:
        put_number(p, t->second, 2, out);
        break;
    case CU_F_FF:
        put_fixed(p, t->us / scale[p->field->digits], p->field->digits, out);
        break;
    case CU_F_MS:
        put_fixed(p, t->us / 1000, 3, out);
        break;
    case CU_F_US:
        put_fixed(p, t->us, 6, out);
        break;
    case CU_F_SSSS:
        put_fixed(p, t->hour * 3600 + t->minute * 60 + t->second, 0, out);
        break;
    case CU_F_TZ:
        if (t->zone)
            put_cased(out, t->zone, strlen(t->zone),
                      p->field->letters == CU_LOWER ? CU_LOWER : CU_UPPER);
        break;
    case CU_F_TZH:
        cu_buf_printf(out, "%c%02d", t->offset < 0 ? '-' : '+',
                      (t->offset < 0 ? -t->offset : t->offset) / 3600);
        break;
    case CU_F_TZM:
        cu_buf_printf(out, "%02d",
                      (t->offset < 0 ? -t->offset : t->offset) % 3600 / 60);
        break;
    case CU_F_OF:
        put_offset(t, p, out);
        break;
    default:
        put_date_field(t, p, out);
        break;
    }
}

static const char *put_template(const clock_face *t, cu_slice template,
                                cu_buf *out)
{
    bool quoted = false;
    cu_piece p;
    while (cu_template_next(&template, &quoted, &p)) {
        if (p.kind != CU_PIECE_FIELD) {
            cu_buf_put_slice(out, p.text);
            continue;
        }
        if (t->interval && needs_date(p.field->id))
            return "invalid format specification for an interval value";
        put_time_field(t, &p, out);
    }
    return NULL;
}

/* --- what is shown ------------------------------------------------------- */

static void set_time(clock_face *t, int64_t us)
{
    t->hour = us / CU_US_HOUR;
    t->minute = us % CU_US_HOUR / CU_US_MINUTE;
    t->second = us % CU_US_MINUTE / CU_US_SECOND;
    t->us = us % CU_US_SECOND;
}

static clock_face face_of(int64_t local)
{
    const cu_moment m = cu_moment_of(local);
    clock_face t = {.year = m.year, .month = m.month, .day = m.day};
    t.number = cu_day_number(m.year, m.month, m.day);
    t.year_day = t.number - cu_day_number(m.year, 1, 1) + 1;
    set_time(&t, m.us);
    return t;
}

static clock_face face_of_interval(cu_interval v)
{
    clock_face t = {.interval = true,
                    .year = v.months / 12,
                    .month = v.months % 12,
                    .day = v.days};
    t.year_day = (int64_t)v.months * 30 + v.days;
    t.number = day_of_parts(t.year, t.month, t.day);
    set_time(&t, v.us);
    return t;
}

/* False: NULL. */
static bool face_at(const cu_call *c, uint32_t row, clock_face *t)
{
    const cu_col *col = c->args[0];
    const uint32_t at = cu_col_at(col, row);
    if (col->type.kind == CU_T_INTERVAL) {
        *t = face_of_interval(CU_COL(col, cu_interval)[at]);
        return true;
    }
    const int64_t ts = CU_COL(col, int64_t)[at];
    if (cu_ts_infinite(ts))
        return false;
    if (col->type.kind == CU_T_TIMESTAMP) {
        *t = face_of(ts);
        return true;
    }
    const cu_zone *z = cu_call_zone(c);
    *t = face_of(cu_utc_to_local(z, ts));
    t->zone = cu_zone_abbreviation(z, ts);
    t->offset = cu_zone_offset_at(z, ts);
    return true;
}

static void to_char(cu_call *c)
{
    CU_ARG(cu_slice, template, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        clock_face t;
        if (CU_AT(template, r).len == 0 || !face_at(c, r, &t)) {
            cu_call_null(c, r);
            continue;
        }
        const char *why = put_template(&t, CU_AT(template, r), c->scratch);
        if (why) {
            c->scratch->len = at;
            cu_call_fail(c, r, E_FORMAT, "%s", why);
        } else {
            at = cu_text_row(c, r, at);
        }
    }
    cu_text_finish(c);
}

#define T CU_T_TEXT

static const cu_func list[] = {
    CU_FN("to_char", T, to_char, "written by a template", CU_T_TIMESTAMP, T),
    CU_FN("to_char", T, to_char, "written by a template", CU_T_TIMESTAMPTZ, T),
    CU_FN("to_char", T, to_char, "written by a template", CU_T_INTERVAL, T),
};
CU_PART(cu_part_to_char, list);
