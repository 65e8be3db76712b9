/* to_date() and to_timestamp(): reading times by a template.
 *
 * Tolerant where PostgreSQL is: spaces before fields do not count, a separator
 * stands for any other, or for none; any character stands for a literal one.
 * With FX every character counts.  Fields are gathered first, conflicts are
 * errors; what was not named is the beginning of its unit.
 */
#include "processors/expr/calendar.h"
#include "processors/expr/template.h"
#include "rows/text.h"

#include <stdlib.h>

#define E_FORMAT CU_SQLSTATE('2', '2', '0', '0', '7')
#define E_ZONE   CU_SQLSTATE('2', '2', '0', '0', '9')

enum { JULIAN_OF_EPOCH = 2451545, HAS_YEAR = 1, HAS_MONTH = 2, HAS_DAY = 4 };

typedef struct gathered {
    int32_t hh, mi, ss, ssss, ms, us;
    int32_t year, bc, mm, dd, ddd, d, ww, w, cc, j;
    int32_t pm, tzh, tzm, tzsign;
    int32_t year_digits;
    bool twelve; /* hours of a 12-hour clock */
    int8_t weeks;
} gathered;

typedef struct reader {
    const char *at, *end;
    bool fixed;      /* FX */
    int32_t skipped; /* more characters than the template has */
    gathered g;
    uint32_t sqlstate; /* 0: fine */
    char why[120];
} reader;

/* `before` field `after`, the field in quotes when there is one. */
static void fail_at(reader *r, uint32_t sqlstate, const char *before,
                    const cu_piece *p, const char *after)
{
    if (r->sqlstate)
        return;
    cu_buf text = {0};
    r->sqlstate = sqlstate;
    cu_buf_put_str(&text, before);
    if (p)
        cu_buf_printf(&text, " \"%.*s\"", (int)p->text.len, p->text.data);
    cu_buf_put_str(&text, after);
    const size_t n = text.len < sizeof(r->why) - 1 ? text.len
                                                   : sizeof(r->why) - 1;
    memcpy(r->why, text.data, n);
    r->why[n] = '\0';
    cu_buf_free(&text);
}

static void fail(reader *r, uint32_t sqlstate, const char *why)
{
    fail_at(r, sqlstate, why, NULL, "");
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_char(reader *r)
{
    if (r->at < r->end)
        r->at += cu_utf8_size(r->at);
}

static void skip_spaces(reader *r)
{
    while (r->at < r->end && is_space(*r->at)) {
        r->at++;
        r->skipped++;
    }
}

/* --- fields -------------------------------------------------------------- */

static void set(reader *r, const cu_piece *p, int32_t *field, int32_t value)
{
    if (*field != 0 && *field != value)
        fail_at(r, E_FORMAT, "conflicting values for", p,
                " field in formatting string");
    *field = value;
}

/* A number as strtol() reads it from at most `most` bytes; how many it took. */
static size_t read_number(const char *p, size_t most, int64_t *out)
{
    size_t i = 0, start;
    bool minus = false;
    int64_t n = 0;
    while (i < most && is_space(p[i]))
        i++;
    if (i < most && (p[i] == '-' || p[i] == '+'))
        minus = p[i++] == '-';
    for (start = i; i < most && p[i] >= '0' && p[i] <= '9'; i++)
        if (n <= INT64_C(1) << 40)
            n = n * 10 + (p[i] - '0');
    *out = minus ? -n : n;
    return i == start ? 0 : i;
}

/* Up to `len` digits, or as many as there are when nothing that begins with a
 * digit follows; how many bytes it took. */
static size_t take_int(reader *r, const cu_piece *p, bool greedy, size_t len,
                       int32_t *field)
{
    const char *start = r->at;
    int64_t n = 0;
    while (r->at < r->end && is_space(*r->at))
        r->at++;
    const size_t left = (size_t)(r->end - r->at);
    if (p->fill || greedy) {
        r->at += read_number(r->at, left, &n);
    } else {
        if (left < len) {
            fail_at(r, E_FORMAT, "source string too short for", p,
                    " formatting field");
            return 0;
        }
        const size_t used = read_number(r->at, len, &n);
        if (used > 0 && used < len)
            fail_at(r, E_FORMAT, "invalid value for", p, "");
        r->at += used;
    }
    if (r->at == start || (n == 0 && (r->at[-1] < '0' || r->at[-1] > '9')))
        fail_at(r, E_FORMAT, "invalid value for", p, "");
    if (n > INT32_MAX || n < INT32_MIN)
        fail_at(r, CU_E_DATETIME, "value for", p,
                " in source string is out of range");
    if (!r->sqlstate && field)
        set(r, p, field, (int32_t)n);
    return (size_t)(r->at - start);
}

/* Which of the names stands here; -1: none. `most`: of its letters. */
static int take_name(reader *r, const cu_piece *p, const char *const *names,
                     int n, size_t most)
{
    for (int i = 0; i < n; i++) {
        size_t k = 0, len = strlen(names[i]);
        len = len < most ? len : most;
        while (k < len && r->at + k < r->end &&
               cu_lower((uint8_t)r->at[k]) == cu_lower((uint8_t)names[i][k]))
            k++;
        if (k == len) {
            r->at += len;
            return i;
        }
    }
    fail_at(r, E_FORMAT, "invalid value for", p, "");
    return -1;
}

static void take_year(reader *r, const cu_piece *p, bool greedy)
{
    gathered *g = &r->g;
    const uint8_t digits = p->field->digits;
    const size_t len = take_int(r, p, greedy, digits, &g->year);
    if (digits < 4 && len < 4) {
        const int32_t y = g->year;
        g->year += y < 70     ? 2000
                   : y < 100  ? 1900
                   : y < 520  ? 2000
                   : y < 1000 ? 1000
                              : 0;
    }
    g->year_digits = digits;
}

static void take_thousands(reader *r, const cu_piece *p)
{
    int64_t thousands, rest = 0;
    const size_t left = (size_t)(r->end - r->at);
    const size_t n = read_number(r->at, left, &thousands);
    size_t m = 0;
    if (n && n < left && r->at[n] == ',')
        m = read_number(r->at + n + 1, left - n - 1 < 3 ? left - n - 1 : 3,
                        &rest);
    if (!m || thousands > 1000000) {
        fail_at(r, E_FORMAT, "invalid input string for", p, "");
        return;
    }
    set(r, p, &r->g.year, (int32_t)(thousands * 1000 + rest));
    r->g.year_digits = 4;
    r->at += n + 1 + m;
}

static void take_fraction(reader *r, const cu_piece *p, bool greedy)
{
    static const int32_t scale[] = {1, 100000, 10000, 1000, 100, 10, 1};
    const bool ms = p->field->id == CU_F_MS;
    const size_t most = ms ? 3 : p->field->id == CU_F_US ? 6 : p->field->digits;
    int32_t *to = ms ? &r->g.ms : &r->g.us;
    const size_t len = take_int(r, p, greedy, most, to);
    if (ms)
        *to *= len == 1 ? 100 : len == 2 ? 10 : 1;
    else if (len < 6)
        *to *= scale[len];
}

static void take_zone_hour(reader *r, const cu_piece *p, bool greedy)
{
    const char c = *r->at;
    if (c == '+' || c == '-' || c == ' ') {
        r->g.tzsign = c == '-' ? -1 : 1;
        r->at++;
    } else {
        r->g.tzsign = r->skipped > 0 && r->at[-1] == '-' ? -1 : 1;
    }
    take_int(r, p, greedy, 2, &r->g.tzh);
}

static void take_half(reader *r, const cu_piece *p)
{
    static const char *const half[] = {"am", "pm"}, *const dots[] = {"a.m.",
                                                                     "p.m."};
    static const char *const era[] = {"ad", "bc"}, *const eras[] = {"a.d.",
                                                                    "b.c."};
    const bool am = p->field->id == CU_F_AM;
    const char *const *names = am               ? p->field->dots ? dots : half
                               : p->field->dots ? eras
                                                : era;
    const int i = take_name(r, p, names, 2, 9);
    if (i < 0)
        return;
    set(r, p, am ? &r->g.pm : &r->g.bc, i);
    r->g.twelve |= am;
}

static void take_named(reader *r, const cu_piece *p)
{
    static const char *const roman[12] = {"XII",  "XI",  "X",  "IX",
                                          "VIII", "VII", "VI", "V",
                                          "IV",   "III", "II", "I"};
    int i;
    switch (p->field->id) {
    case CU_F_MONTH:
    case CU_F_MON:
        i = take_name(r, p, cu_month_names, 12,
                      p->field->id == CU_F_MON ? 3 : 9);
        if (i >= 0)
            set(r, p, &r->g.mm, i + 1);
        break;
    case CU_F_DAY:
    case CU_F_DY:
        i = take_name(r, p, cu_day_names, 7, p->field->id == CU_F_DY ? 3 : 9);
        if (i >= 0)
            set(r, p, &r->g.d, i + 1);
        break;
    case CU_F_RM:
        i = take_name(r, p, roman, 12, 9);
        if (i >= 0)
            set(r, p, &r->g.mm, 12 - i);
        break;
    default:
        break;
    }
}

static void take_date(reader *r, const cu_piece *p, bool greedy)
{
    gathered *g = &r->g;
    const size_t len = p->text.len;
    switch (p->field->id) {
    case CU_F_MM:
        take_int(r, p, greedy, len, &g->mm);
        break;
    case CU_F_DDD:
        take_int(r, p, greedy, len, &g->ddd);
        break;
    case CU_F_IDDD:
        take_int(r, p, greedy, 3, &g->ddd);
        break;
    case CU_F_DD:
        take_int(r, p, greedy, len, &g->dd);
        break;
    case CU_F_D:
        take_int(r, p, greedy, len, &g->d);
        break;
    case CU_F_ID:
        take_int(r, p, greedy, 1, &g->d);
        if (++g->d > 7)
            g->d = 1;
        break;
    case CU_F_WW:
    case CU_F_IW:
        take_int(r, p, greedy, len, &g->ww);
        break;
    case CU_F_Q:
        take_int(r, p, greedy, len, NULL);
        break;
    case CU_F_CC:
        take_int(r, p, greedy, len, &g->cc);
        break;
    case CU_F_Y_YYY:
        take_thousands(r, p);
        break;
    case CU_F_YYYY:
    case CU_F_IYYY:
        take_year(r, p, greedy);
        break;
    case CU_F_W:
        take_int(r, p, greedy, len, &g->w);
        break;
    case CU_F_J:
        take_int(r, p, greedy, len, &g->j);
        break;
    default:
        take_named(r, p);
        break;
    }
}

static void take_field(reader *r, const cu_piece *p, bool greedy)
{
    gathered *g = &r->g;
    switch (p->field->id) {
    case CU_F_FX:
        r->fixed = true;
        break;
    case CU_F_AM:
    case CU_F_AD:
        take_half(r, p);
        break;
    case CU_F_HH12:
        take_int(r, p, greedy, 2, &g->hh);
        g->twelve = true;
        break;
    case CU_F_HH24:
        take_int(r, p, greedy, 2, &g->hh);
        break;
    case CU_F_MI:
        take_int(r, p, greedy, p->text.len, &g->mi);
        break;
    case CU_F_SS:
        take_int(r, p, greedy, p->text.len, &g->ss);
        break;
    case CU_F_SSSS:
        take_int(r, p, greedy, p->text.len, &g->ssss);
        break;
    case CU_F_MS:
    case CU_F_US:
    case CU_F_FF:
        take_fraction(r, p, greedy);
        break;
    case CU_F_TZ:
    case CU_F_OF:
        fail_at(r, CU_E_FEATURE, "formatting field", p,
                " is only supported in to_char");
        break;
    case CU_F_TZH:
        take_zone_hour(r, p, greedy);
        break;
    case CU_F_TZM:
        if (!g->tzsign)
            g->tzsign = 1;
        take_int(r, p, greedy, 2, &g->tzm);
        break;
    default:
        take_date(r, p, greedy);
        break;
    }
    for (int i = 0; i < 2 && p->ordinal && p->field->number; i++)
        skip_char(r);
}

/* --- the text ------------------------------------------------------------ */

/* Nothing that begins with a digit follows the field. */
static bool is_greedy(const cu_piece *p, const cu_piece *next)
{
    if (p->ordinal || !next)
        return true;
    if (next->kind == CU_PIECE_FIELD)
        return !next->field->number;
    return next->text.len != 1 || *next->text.data < '0' ||
           *next->text.data > '9';
}

static void take_literal(reader *r, const cu_piece *p)
{
    if (r->fixed) {
        skip_char(r);
    } else if (p->kind == CU_PIECE_CHAR) {
        if (r->skipped > 0)
            r->skipped--;
        else
            skip_char(r);
    } else {
        r->skipped--;
        if (is_space(*r->at) || cu_is_separator(*r->at)) {
            r->at++;
            r->skipped++;
        }
    }
}

static void take_piece(reader *r, const cu_piece *p, const cu_piece *next,
                       bool first)
{
    if (!r->fixed && (first || p->kind == CU_PIECE_FIELD))
        skip_spaces(r);
    if (r->at == r->end && p->kind != CU_PIECE_FIELD)
        return;
    if (p->kind != CU_PIECE_FIELD) {
        take_literal(r, p);
        return;
    }
    if (p->field->weeks) {
        if (r->g.weeks && r->g.weeks != p->field->weeks)
            fail(r, E_FORMAT, "invalid combination of date conventions");
        r->g.weeks = p->field->weeks;
    }
    if (!r->sqlstate)
        take_field(r, p, is_greedy(p, next));
    if (!r->fixed) {
        r->skipped = 0;
        skip_spaces(r);
    }
}

static void read_all(reader *r, cu_slice template)
{
    bool quoted = false, more, first = true;
    cu_piece p, next;
    more = cu_template_next(&template, &quoted, &p);
    while (more && r->at < r->end && !r->sqlstate) {
        more = cu_template_next(&template, &quoted, &next);
        take_piece(r, &p, more ? &next : NULL, first);
        p = next;
        first = false;
    }
}

/* --- from fields to a moment --------------------------------------------- */

static int64_t iso_week_day(int64_t year, int64_t week)
{
    return cu_iso_week_start(cu_day_number(year, 1, 4)) + (week - 1) * 7;
}

static void set_day(cu_moment *m, int64_t day)
{
    const int64_t us = m->us;
    *m = cu_moment_of_day(day);
    m->us = us;
}

static bool set_year(gathered *g, cu_moment *m)
{
    if (g->cc && g->bc)
        g->cc = -g->cc;
    if (g->year && g->cc && g->year_digits <= 2) {
        m->year = g->year % 100;
        if (m->year)
            m->year = g->cc >= 0 ? m->year + (g->cc - 1) * 100
                                 : (g->cc + 1) * 100 - m->year + 1;
        else
            m->year = g->cc * 100 + (g->cc < 0);
    } else if (g->year) {
        m->year = g->bc ? -(int64_t)g->year : g->year;
        m->year += m->year < 0;
    } else if (g->cc) {
        m->year = g->cc >= 0 ? (g->cc - 1) * 100 + 1 : g->cc * 100 + 1;
    } else {
        return false;
    }
    return true;
}

static void set_year_day(reader *r, cu_moment *m, unsigned *has)
{
    const gathered *g = &r->g;
    if (!m->year && !g->bc) {
        fail(r, E_FORMAT,
             "cannot calculate day of year without year information");
        return;
    }
    if (g->weeks > 0) {
        set_day(m, iso_week_day(m->year, 1) - 1 + g->ddd);
        *has |= HAS_YEAR | HAS_MONTH | HAS_DAY;
        return;
    }
    const int64_t before = cu_day_number(m->year, 1, 1) - 1;
    const cu_moment there = cu_moment_of_day(before + g->ddd);
    const bool beyond = there.year != m->year;
    if (m->month <= 1)
        m->month = beyond ? 13 : there.month;
    if (m->day <= 1)
        m->day = there.day;
    *has |= HAS_MONTH | HAS_DAY;
}

static void set_date(reader *r, cu_moment *m)
{
    gathered *g = &r->g;
    unsigned has = set_year(g, m) ? HAS_YEAR : 0;
    const unsigned all = HAS_YEAR | HAS_MONTH | HAS_DAY;
    if (g->j) {
        set_day(m, (int64_t)g->j - JULIAN_OF_EPOCH);
        has = all;
    }
    if (g->ww && g->weeks > 0) {
        const int32_t d = !g->d ? 0 : g->d > 1 ? g->d - 2 : 6;
        set_day(m, iso_week_day(m->year, g->ww) + d);
        has = all;
    } else if (g->ww) {
        g->ddd = (g->ww - 1) * 7 + 1;
    }
    if (g->w)
        g->dd = (g->w - 1) * 7 + 1;
    if (g->dd) {
        m->day = g->dd;
        has |= HAS_DAY;
    }
    if (g->mm) {
        m->month = g->mm;
        has |= HAS_MONTH;
    }
    if (g->ddd && (m->month <= 1 || m->day <= 1))
        set_year_day(r, m, &has);
    if ((has & HAS_MONTH && (m->month < 1 || m->month > 12)) ||
        (has & HAS_DAY && (m->day < 1 || m->day > 31)) ||
        (has == all && m->day > cu_days_in_month(m->year, m->month)))
        fail(r, CU_E_DATETIME, "date/time field value out of range");
}

static void set_time(reader *r, cu_moment *m)
{
    gathered *g = &r->g;
    int64_t hour = g->ssss / 3600, minute = g->ssss % 3600 / 60,
            second = g->ssss % 60;
    const int64_t us = (int64_t)g->ms * 1000 + g->us;
    second = g->ss ? g->ss : second;
    minute = g->mi ? g->mi : minute;
    hour = g->hh ? g->hh : hour;
    if (g->twelve && (hour < 1 || hour > 12))
        fail(r, E_FORMAT, "hour is invalid for the 12-hour clock");
    if (g->twelve && g->pm && hour < 12)
        hour += 12;
    else if (g->twelve && !g->pm && hour == 12)
        hour = 0;
    if (hour < 0 || hour >= 24 || minute < 0 || minute >= 60 || second < 0 ||
        second >= 60 || us < 0 || us >= CU_US_SECOND)
        fail(r, CU_E_DATETIME, "date/time field value out of range");
    if (g->tzsign && (g->tzh < 0 || g->tzh > 15 || g->tzm < 0 || g->tzm > 59))
        fail(r, E_ZONE, "time zone displacement out of range");
    m->us = hour * CU_US_HOUR + minute * CU_US_MINUTE + second * CU_US_SECOND +
            us;
}

static bool read_moment(cu_slice text, cu_slice template, reader *r,
                        cu_moment *m)
{
    *r = (reader){.at = text.data, .end = text.data + text.len};
    *m = (cu_moment){.month = 1, .day = 1};
    read_all(r, template);
    if (!r->sqlstate)
        set_time(r, m);
    if (!r->sqlstate)
        set_date(r, m);
    if (!r->sqlstate && (m->year < -4714 || m->year > 5874898))
        fail(r, CU_E_DATETIME, "date out of range");
    return r->sqlstate == 0;
}

static void to_date(cu_call *c)
{
    CU_ARG(cu_slice, text, c, 0);
    CU_ARG(cu_slice, template, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        reader in;
        cu_moment m;
        int64_t day = 0;
        if (read_moment(CU_AT(text, r), CU_AT(template, r), &in, &m)) {
            day = cu_day_number(m.year, m.month, m.day);
            if (day < -2451545 || day >= 2145031949)
                fail(&in, CU_E_DATETIME, "date out of range");
        }
        CU_OUT(int32_t, c)[r] = (int32_t)day;
        if (in.sqlstate)
            cu_call_fail(c, r, in.sqlstate, "%s", in.why);
    }
}

static void to_timestamp(cu_call *c)
{
    CU_ARG(cu_slice, text, c, 0);
    CU_ARG(cu_slice, template, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        reader in;
        cu_moment m;
        int64_t ts = 0;
        if (read_moment(CU_AT(text, r), CU_AT(template, r), &in, &m)) {
            const int64_t day = cu_day_number(m.year, m.month, m.day);
            const gathered *g = &in.g;
            if (day < -2451545 || day > 106750990)
                fail(&in, CU_E_DATETIME, "timestamp out of range");
            else if (g->tzsign)
                ts = day * CU_US_DAY + m.us -
                     g->tzsign * (g->tzh * CU_US_HOUR + g->tzm * CU_US_MINUTE);
            else
                ts = cu_local_to_utc(cu_call_zone(c), day * CU_US_DAY + m.us);
            if (!in.sqlstate && !cu_ts_valid(ts))
                fail(&in, CU_E_DATETIME, "timestamp out of range");
        }
        CU_OUT(int64_t, c)[r] = ts;
        if (in.sqlstate)
            cu_call_fail(c, r, in.sqlstate, "%s", in.why);
    }
}

#define T CU_T_TEXT

static const cu_func list[] = {
    CU_FN("to_date", CU_T_DATE, to_date, "read by a template", T, T),
    CU_FN("to_timestamp", CU_T_TIMESTAMPTZ, to_timestamp, "read by a template",
          T, T),
};
CU_PART(cu_part_to_date, list);
