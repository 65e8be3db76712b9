/* Fields of dates and times: date_trunc, extract, date_part.
 *
 * extract gives numeric with PostgreSQL's scales (seconds and epoch show
 * microseconds), date_part the same as double precision.  Of infinite
 * values, fields that only grow (year, epoch) are infinite, the others NULL.
 */
#include "processors/expr/calendar.h"
#include "rows/numeric.h"

#include <ctype.h>
#include <math.h>

typedef enum field {
    UNKNOWN_FIELD,
    MICROSECONDS,
    MILLISECONDS,
    SECOND,
    MINUTE,
    HOUR,
    DAY,
    WEEK,
    MONTH,
    QUARTER,
    YEAR,
    DECADE,
    CENTURY,
    MILLENNIUM,
    EPOCH,
    ISOYEAR,
    DOW,
    ISODOW,
    DOY,
    JULIAN,
    TIMEZONE,
    TIMEZONE_HOUR,
    TIMEZONE_MINUTE
} field;

/* Names are compared by their first ten letters, as PostgreSQL does. */
static const struct {
    char name[11];
    uint8_t field;
} names[] = {
    {"microsecon", MICROSECONDS},
    {"us", MICROSECONDS},
    {"usec", MICROSECONDS},
    {"usecs", MICROSECONDS},
    {"usecond", MICROSECONDS},
    {"useconds", MICROSECONDS},
    {"millisecon", MILLISECONDS},
    {"ms", MILLISECONDS},
    {"msec", MILLISECONDS},
    {"msecs", MILLISECONDS},
    {"msecond", MILLISECONDS},
    {"mseconds", MILLISECONDS},
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
    {"qtr", QUARTER},
    {"quarter", QUARTER},
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
    {"millennia", MILLENNIUM},
    {"millennium", MILLENNIUM},
    {"epoch", EPOCH},
    {"isoyear", ISOYEAR},
    {"dow", DOW},
    {"isodow", ISODOW},
    {"doy", DOY},
    {"j", JULIAN},
    {"jd", JULIAN},
    {"julian", JULIAN},
    {"timezone", TIMEZONE},
    {"timezone_h", TIMEZONE_HOUR},
    {"timezone_m", TIMEZONE_MINUTE},
};

static field field_named(cu_slice s)
{
    char key[11] = {0};
    for (size_t i = 0; i < s.len && i < 10; i++)
        key[i] = (char)tolower((unsigned char)s.data[i]);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!strcmp(names[i].name, key))
            return (field)names[i].field;
    return UNKNOWN_FIELD;
}

/* The field of each row's name; the same name is looked up once. */
typedef struct field_memo {
    cu_slice name;
    field field;
} field_memo;

static field field_of(cu_slice name, field_memo *memo)
{
    if (!memo->name.data || !cu_slice_eq(name, memo->name))
        *memo = (field_memo){name, field_named(name)};
    return memo->field;
}

/* A known unit that this type does not have, or no unit at all. */
static void bad_field(cu_call *c, uint32_t row, cu_slice name, cu_type type,
                      bool known)
{
    char text[64], low[64];
    if (type.kind == CU_T_DATE && c->type.kind == CU_T_FLOAT8)
        type = CU_TYPE(CU_T_TIMESTAMP); /* date_part(date) is of midnight */
    size_t n = name.len < sizeof(low) ? name.len : sizeof(low);
    for (size_t i = 0; i < n; i++)
        low[i] = (char)tolower((unsigned char)name.data[i]);
    cu_call_fail(c, row, known ? CU_E_FEATURE : CU_E_PARAMETER,
                 "unit \"%.*s\" not %s for type %s", (int)n, low,
                 known ? "supported" : "recognized",
                 cu_type_name(CU_TYPE(type.kind), text));
}

/* --- date_trunc ------------------------------------------------------ */

static int64_t trunc_to(int64_t v, int64_t unit)
{
    return cu_floor_div(v, unit) * unit;
}

/* The first year of its decade, century or millennium. Years before 1 are
 * astronomical; centuries have no year 0, decades do. */
static int64_t first_year(int64_t year, int64_t span)
{
    if (span == 10)
        return trunc_to(year, 10);
    return cu_floor_div(year - 1, span) * span + 1;
}

/* False: timestamps have no such unit. Units up to a day divide the day, so
 * they need no calendar. */
static bool trunc_ts(int64_t ts, field f, int64_t *out)
{
    static const int64_t us[] = {
        [MICROSECONDS] = 1,      [MILLISECONDS] = 1000, [SECOND] = CU_US_SECOND,
        [MINUTE] = CU_US_MINUTE, [HOUR] = CU_US_HOUR,   [DAY] = CU_US_DAY};
    if (f >= MICROSECONDS && f <= DAY) {
        *out = trunc_to(ts, us[f]);
        return true;
    }
    cu_moment m = cu_moment_of(ts);
    switch (f) {
    case WEEK:
        *out = cu_iso_week_start(cu_floor_div(ts, CU_US_DAY)) * CU_US_DAY;
        return true;
    case MONTH:
        m = (cu_moment){m.year, m.month, 1, 0};
        break;
    case QUARTER:
        m = (cu_moment){m.year, (m.month - 1) / 3 * 3 + 1, 1, 0};
        break;
    case YEAR:
        m = (cu_moment){m.year, 1, 1, 0};
        break;
    case DECADE:
        m = (cu_moment){first_year(m.year, 10), 1, 1, 0};
        break;
    case CENTURY:
        m = (cu_moment){first_year(m.year, 100), 1, 1, 0};
        break;
    case MILLENNIUM:
        m = (cu_moment){first_year(m.year, 1000), 1, 1, 0};
        break;
    default:
        return false;
    }
    *out = cu_moment_us(&m);
    return true;
}

static void trunc_row(cu_call *c, uint32_t row, cu_slice name, int64_t ts,
                      const cu_zone *z, field_memo *memo)
{
    const field f = field_of(name, memo);
    int64_t *out = &CU_OUT(int64_t, c)[row];
    const int64_t local = cu_utc_to_local(z, ts);
    int64_t cut;
    *out = ts;
    if (cu_ts_infinite(ts))
        return;
    /* Within a day the offset stays what it was: an hour that comes twice in
     * autumn is cut where it is. */
    if (!trunc_ts(local, f, &cut))
        bad_field(c, row, name, c->args[1]->type, f >= TIMEZONE);
    else if (f < DAY)
        *out = ts - (local - cut);
    else
        *out = cu_local_to_utc(z, cut);
    if (!cu_ts_infinite(*out) && !cu_ts_valid(*out))
        cu_call_fail(c, row, CU_E_DATETIME, "timestamp out of range");
}

static void date_trunc(cu_call *c)
{
    CU_ARG(cu_slice, name, c, 0);
    CU_ARG(int64_t, x, c, 1);
    field_memo memo = {.name = CU_NULL_SLICE};
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        trunc_row(c, r, CU_AT(name, r), CU_AT(x, r), cu_zone_utc(), &memo);
}

static void date_trunc_zone(cu_call *c)
{
    CU_ARG(cu_slice, name, c, 0);
    CU_ARG(int64_t, x, c, 1);
    CU_ARG(cu_slice, zone, c, 2);
    field_memo memo = {.name = CU_NULL_SLICE};
    const cu_zone *z = NULL;
    cu_slice last = CU_NULL_SLICE;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (cu_ts_infinite(CU_AT(x, r))) {
            CU_OUT(int64_t, c)[r] = CU_AT(x, r);
            continue;
        }
        if (!z || !cu_slice_eq(last, CU_AT(zone, r)))
            z = NULL;
        last = CU_AT(zone, r);
        if (!z)
            z = cu_call_open_zone(c, r, last);
        if (!z)
            continue;
        trunc_row(c, r, CU_AT(name, r), CU_AT(x, r), z, &memo);
    }
}

/* Intervals are cut towards zero, field by field. False: no such unit. */
static bool trunc_interval(cu_interval *v, field f)
{
    static const int32_t months[] = {
        [MONTH] = 1,    [QUARTER] = 3,    [YEAR] = 12,
        [DECADE] = 120, [CENTURY] = 1200, [MILLENNIUM] = 12000};
    static const int64_t us[] = {[MICROSECONDS] = 1,
                                 [MILLISECONDS] = 1000,
                                 [SECOND] = CU_US_SECOND,
                                 [MINUTE] = CU_US_MINUTE,
                                 [HOUR] = CU_US_HOUR};
    if (f >= MONTH && f <= MILLENNIUM) {
        v->months = v->months / months[f] * months[f];
        v->days = 0;
        v->us = 0;
    } else if (f == DAY) {
        v->us = 0;
    } else if (f >= MICROSECONDS && f <= HOUR) {
        v->us = v->us / us[f] * us[f];
    } else {
        return false;
    }
    return true;
}

static void interval_trunc(cu_call *c)
{
    CU_ARG(cu_slice, name, c, 0);
    CU_ARG(cu_interval, x, c, 1);
    field_memo memo = {.name = CU_NULL_SLICE};
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const field f = field_of(CU_AT(name, r), &memo);
        cu_interval v = CU_AT(x, r);
        if (!trunc_interval(&v, f))
            bad_field(c, r, CU_AT(name, r), c->args[1]->type,
                      f == WEEK || f >= TIMEZONE);
        CU_OUT(cu_interval, c)[r] = v;
    }
}

/* --- extract --------------------------------------------------------- */

/* What a field is: a number with a scale, or something special. */
typedef struct part {
    enum { NUMBER, INFINITE, NONE, UNSUPPORTED, DAY_FRACTION, TOO_FAR } kind;
    __int128 v; /* NUMBER: v x 10^-scale; INFINITE: the sign */
    uint16_t scale;
    int64_t us; /* DAY_FRACTION: v days and this much of one */
} part;

static part number(__int128 v, uint16_t scale)
{
    return (part){.kind = NUMBER, .v = v, .scale = scale};
}

static part nothing(void)
{
    return (part){.kind = UNSUPPORTED};
}

static int64_t bc_year(int64_t year)
{
    return year > 0 ? year : year - 1;
}

/* The 20th century ends with 2000; there is no century 0. */
static int64_t ordinal(int64_t year, int64_t span)
{
    return year > 0 ? (year + span - 1) / span
                    : -((span - 1 - (year - 1)) / span);
}

static part day_part(int64_t day, field f)
{
    const cu_moment m = cu_moment_of_day(day);
    int64_t year;
    int32_t week;
    switch (f) {
    case DAY:
        return number(m.day, 0);
    case WEEK:
        cu_iso_week(day, &year, &week);
        return number(week, 0);
    case MONTH:
        return number(m.month, 0);
    case QUARTER:
        return number((m.month - 1) / 3 + 1, 0);
    case YEAR:
        return number(bc_year(m.year), 0);
    case DECADE:
        return number(cu_floor_div(m.year, 10), 0);
    case CENTURY:
        return number(ordinal(m.year, 100), 0);
    case MILLENNIUM:
        return number(ordinal(m.year, 1000), 0);
    case ISOYEAR:
        cu_iso_week(day, &year, &week);
        return number(bc_year(year), 0);
    case DOW:
        return number(cu_week_day(day), 0);
    case ISODOW:
        return number((cu_week_day(day) + 6) % 7 + 1, 0);
    case DOY:
        return number(day - cu_day_number(m.year, 1, 1) + 1, 0);
    default:
        return nothing();
    }
}

static part clock_part(int64_t us, field f)
{
    switch (f) {
    case MICROSECONDS:
        return number(us % CU_US_MINUTE, 0);
    case MILLISECONDS:
        return number(us % CU_US_MINUTE, 3);
    case SECOND:
        return number(us % CU_US_MINUTE, 6);
    case MINUTE:
        return number(us / CU_US_MINUTE % 60, 0);
    case HOUR:
        return number(us / CU_US_HOUR, 0);
    default:
        return nothing();
    }
}

static bool grows(field f)
{
    return (f >= YEAR && f <= EPOCH) || f == ISOYEAR || f == JULIAN;
}

static part infinite_part(field f, bool negative)
{
    if (grows(f))
        return (part){.kind = INFINITE, .v = negative ? -1 : 1};
    return (part){.kind = NONE};
}

static part ts_part(int64_t ts, field f)
{
    if (cu_ts_infinite(ts))
        return infinite_part(f, ts < 0);
    const int64_t day = cu_floor_div(ts, CU_US_DAY);
    const int64_t us = ts - day * CU_US_DAY;
    if (f == EPOCH)
        return number((__int128)ts + CU_PG_EPOCH_US, 6);
    if (f == JULIAN)
        return (part){.kind = DAY_FRACTION, .v = day + 2451545, .us = us};
    part p = clock_part(us, f);
    return p.kind == UNSUPPORTED ? day_part(day, f) : p;
}

static part tstz_part(int64_t ts, field f)
{
    if (f == TIMEZONE || f == TIMEZONE_HOUR || f == TIMEZONE_MINUTE)
        return cu_ts_infinite(ts) ? infinite_part(f, false) : number(0, 0);
    return ts_part(ts, f);
}

static part date_part_of(int32_t d, field f)
{
    if (f == UNKNOWN_FIELD || f < DAY || f >= TIMEZONE)
        return nothing();
    if (d == CU_DATE_INFINITY || d == CU_DATE_MINUS_INFINITY)
        return infinite_part(f, d < 0);
    if (f == EPOCH)
        return number(d * INT64_C(86400) + CU_PG_EPOCH_US / CU_US_SECOND, 0);
    if (f == JULIAN)
        return number(d + INT64_C(2451545), 0);
    return day_part(d, f);
}

static part time_part(int64_t us, field f)
{
    return f == EPOCH ? number(us, 6) : clock_part(us, f);
}

/* Months and years are counted apart from days and time. */
static part interval_part(cu_interval v, field f)
{
    const int32_t years = v.months / 12, months = v.months % 12;
    switch (f) {
    case HOUR:
        return number(v.us / CU_US_HOUR, 0);
    case DAY:
        return number(v.days, 0);
    case MONTH:
        return number(months, 0);
    case QUARTER:
        return number(months / 3 + 1, 0);
    case YEAR:
        return number(years, 0);
    case DECADE:
        return number(years / 10, 0);
    case CENTURY:
        return number(years / 100, 0);
    case MILLENNIUM:
        return number(years / 1000, 0);
    case EPOCH:
        /* A year has 365.25 days, a month 30. */
        return number(((__int128)years * 31557600 + (__int128)months * 2592000 +
                       (__int128)v.days * 86400) *
                              1000000 +
                          v.us,
                      6);
    default:
        return clock_part(v.us, f);
    }
}

/* --- results --------------------------------------------------------- */

static int day_fraction(const part *p, cu_arena *a, cu_numeric *out,
                        cu_err *err)
{
    cu_numeric days = cu_numeric_from_int128(p->v, 0), q;
    cu_numeric us = cu_numeric_from_int8(p->us);
    cu_numeric whole = cu_numeric_from_int8(CU_US_DAY);
    return cu_numeric_div(&us, &whole, a, &q, err) ||
           cu_numeric_add(&days, &q, a, out, err);
}

static void put_numeric(cu_call *c, uint32_t row, const part *p)
{
    cu_numeric *out = &CU_OUT(cu_numeric, c)[row];
    cu_err err;
    if (p->kind == NUMBER) {
        *out = cu_numeric_from_int128(p->v, p->scale);
    } else if (p->kind == INFINITE) {
        memset(out, 0, sizeof(*out));
        out->form = p->v < 0 ? CU_NUM_NINF : CU_NUM_PINF;
    } else if (day_fraction(p, c->arena, out, &err)) {
        cu_call_fail_err(c, row, &err);
    }
}

static void put_double(cu_call *c, uint32_t row, const part *p)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    double *out = &CU_OUT(double, c)[row];
    if (p->kind == NUMBER)
        *out = (double)p->v / powers[p->scale];
    else if (p->kind == INFINITE)
        *out = p->v < 0 ? -INFINITY : INFINITY;
    else
        *out = (double)p->v + (double)p->us / (double)CU_US_DAY;
}

static void put_part(cu_call *c, uint32_t row, cu_slice name, field f, part p)
{
    if (p.kind == TOO_FAR)
        cu_call_fail(c, row, CU_E_DATETIME, "date out of range for timestamp");
    else if (p.kind == UNSUPPORTED || f == UNKNOWN_FIELD)
        bad_field(c, row, name, c->args[1]->type, f != UNKNOWN_FIELD);
    else if (p.kind == NONE)
        cu_call_null(c, row);
    else if (c->type.kind == CU_T_NUMERIC)
        put_numeric(c, row, &p);
    else
        put_double(c, row, &p);
}

#define EXTRACT(fn, T, of)                                         \
    static void fn(cu_call *c)                                     \
    {                                                              \
        CU_ARG(cu_slice, name, c, 0);                              \
        CU_ARG(T, x, c, 1);                                        \
        field_memo memo = {.name = CU_NULL_SLICE};                 \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {        \
            const field f = field_of(CU_AT(name, r), &memo);       \
            put_part(c, r, CU_AT(name, r), f, of(CU_AT(x, r), f)); \
        }                                                          \
    }

EXTRACT(extract_ts, int64_t, ts_part)
EXTRACT(extract_tstz, int64_t, tstz_part)
EXTRACT(extract_date, int32_t, date_part_of)
EXTRACT(extract_time, int64_t, time_part)
EXTRACT(extract_interval, cu_interval, interval_part)

/* date_part of a date is that of its midnight. */
static part midnight_part(int32_t d, field f)
{
    if (d == CU_DATE_INFINITY || d == CU_DATE_MINUS_INFINITY)
        return infinite_part(f, d < 0);
    int64_t ts;
    if (__builtin_mul_overflow((int64_t)d, CU_US_DAY, &ts) || !cu_ts_valid(ts))
        return (part){.kind = TOO_FAR};
    return ts_part(ts, f);
}

EXTRACT(part_date, int32_t, midnight_part)

#define D   CU_T_DATE
#define TS  CU_T_TIMESTAMP
#define TZ  CU_T_TIMESTAMPTZ
#define IV  CU_T_INTERVAL
#define T   CU_T_TEXT
#define F8  CU_T_FLOAT8
#define NUM CU_T_NUMERIC

static const cu_func list[] = {
    CU_FN("date_trunc", TS, date_trunc, "cut to a unit", T, TS),
    CU_FN("date_trunc", TZ, date_trunc, "cut to a unit, in UTC", T, TZ),
    CU_FN("date_trunc", TZ, date_trunc_zone, "cut to a unit in a zone", T, TZ,
          T),
    CU_FN("date_trunc", IV, interval_trunc, "cut to a unit", T, IV),
    CU_FN("extract", NUM, extract_ts, "a field", T, TS),
    CU_FN("extract", NUM, extract_tstz, "a field, in UTC", T, TZ),
    CU_FN("extract", NUM, extract_date, "a field", T, D),
    CU_FN("extract", NUM, extract_time, "a field", T, CU_T_TIME),
    CU_FN("extract", NUM, extract_interval, "a field", T, IV),
    CU_FN("date_part", F8, extract_ts, "a field", T, TS),
    CU_FN("date_part", F8, extract_tstz, "a field, in UTC", T, TZ),
    CU_FN("date_part", F8, part_date, "a field", T, D),
    CU_FN("date_part", F8, extract_time, "a field", T, CU_T_TIME),
    CU_FN("date_part", F8, extract_interval, "a field", T, IV),
};
CU_PART(cu_part_datetime_field, list);
