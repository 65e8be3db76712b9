/* to_char() of numbers, and to_number().
 *
 * Writing: the number, rounded to the template's digits, is a text without
 * sign ("0012.50" would be "12.50" and two places before it); the template is
 * walked and takes its characters one by one, with the sign where the first
 * digit or the S stands.  Too large for its places: all of them are '#'.
 *
 * Reading: each mark takes what fits it, other characters of the template
 * skip one character.
 *
 * PostgreSQL's formatting.c decides every corner of this, so the names of its
 * states are kept.
 */
#include "processors/expr/kernel.h"
#include "processors/expr/number_template.h"
#include "rows/numeric.h"
#include "rows/text.h"

#define E_SYNTAX CU_SQLSTATE('4', '2', '6', '0', '1')

enum { MOST_ROMAN = 3999, ROMAN_WIDTH = 15 };

/* --- writing ------------------------------------------------------------- */

typedef struct writer {
    cu_number_template t;
    cu_buf *out;
    const char *number, *at; /* ends with a zero byte */
    const char *last;        /* last digit that FM keeps, or NULL */
    char sign;
    int spaces, count, current;
    bool in_number, sign_written;
} writer;

static bool has(const writer *w, unsigned flags)
{
    return w->t.flags & flags;
}

/* The lone zero before a point. */
static bool is_bare_zero(const writer *w)
{
    return !has(w, CU_NUMBER_ZERO) && w->number == w->at && *w->at == '0' &&
           w->t.post != 0;
}

static void put(writer *w, char c)
{
    cu_buf_put_u8(w->out, (uint8_t)c);
}

static void write_sign(writer *w)
{
    const bool ends_there = w->last && *w->last == '.';
    const bool due = w->current >= w->spaces ||
                     (has(w, CU_NUMBER_ZERO) && w->t.zero_start == w->current);
    if (w->sign_written || !due || (is_bare_zero(w) && !ends_there))
        return;
    if (has(w, CU_NUMBER_SIGN)) {
        if (w->t.sign != CU_SIGN_PRE)
            return;
        put(w, w->sign);
    } else if (has(w, CU_NUMBER_BRACKET)) {
        put(w, w->sign == '+' ? ' ' : '<');
    } else if (w->sign == '-') {
        put(w, '-');
    } else if (!has(w, CU_NUMBER_FILL)) {
        put(w, ' ');
    }
    w->sign_written = true;
}

static void write_digit(writer *w, cu_mark mark)
{
    const bool fill = has(w, CU_NUMBER_FILL);
    if (*w->at == '.') {
        if (!w->last || *w->last != '.' || fill)
            put(w, '.');
    } else if (w->last && w->at > w->last && mark != CU_MARK_0) {
        /* FM leaves it out. */
    } else if (is_bare_zero(w)) {
        if (!fill)
            put(w, ' ');
        else if (w->last && *w->last == '.')
            put(w, '0');
    } else {
        if (*w->at)
            put(w, *w->at);
        w->in_number = true;
    }
    if (*w->at)
        w->at++;
}

static void write_place(writer *w, cu_mark mark)
{
    if (has(w, CU_NUMBER_ROMAN))
        return;
    w->in_number = false;
    write_sign(w);
    const bool zero = has(w, CU_NUMBER_ZERO) && w->t.zero_start <= w->current;
    if (w->current < w->spaces && !zero) {
        if (!has(w, CU_NUMBER_FILL))
            put(w, ' ');
    } else if (w->current < w->spaces) {
        put(w, '0');
        w->in_number = true;
    } else {
        write_digit(w, mark);
    }
    int end = w->count + (w->spaces ? 1 : 0) + has(w, CU_NUMBER_POINT);
    if (w->last && w->last == w->at)
        end = w->current;
    if (w->current + 1 == end) {
        if (w->sign_written && has(w, CU_NUMBER_BRACKET))
            put(w, w->sign == '+' ? ' ' : '>');
        else if (has(w, CU_NUMBER_SIGN) && w->t.sign == CU_SIGN_POST)
            put(w, w->sign);
    }
    w->current++;
}

static void write_ordinal(writer *w, bool upper)
{
    const size_t n = strlen(w->number);
    const char last = n ? w->number[n - 1] : '0';
    const bool teen = n > 1 && w->number[n - 2] == '1';
    const char *th = teen          ? "th"
                     : last == '1' ? "st"
                     : last == '2' ? "nd"
                     : last == '3' ? "rd"
                                   : "th";
    for (size_t i = 0; i < 2; i++)
        put(w, (char)(upper ? cu_upper((uint8_t)th[i]) : (uint8_t)th[i]));
}

static void write_roman(writer *w, bool upper)
{
    const size_t n = strlen(w->number);
    for (size_t i = n; i < ROMAN_WIDTH && !has(w, CU_NUMBER_FILL); i++)
        put(w, ' ');
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = (uint8_t)w->number[i];
        put(w, (char)(upper ? c : cu_lower(c)));
    }
}

static void write_mark(writer *w, cu_mark mark, cu_slice text)
{
    const bool fill = has(w, CU_NUMBER_FILL);
    const bool upper = *text.data >= 'A' && *text.data <= 'Z';
    switch (mark) {
    case CU_MARK_CHAR:
        cu_buf_put_slice(w->out, text);
        break;
    case CU_MARK_0:
    case CU_MARK_9:
    case CU_MARK_POINT:
    case CU_MARK_D:
        write_place(w, mark);
        break;
    case CU_MARK_COMMA:
    case CU_MARK_G:
        if (w->in_number)
            put(w, ',');
        else if (!fill)
            put(w, ' ');
        break;
    case CU_MARK_L:
        put(w, ' ');
        break;
    case CU_MARK_RN:
        write_roman(w, upper);
        break;
    case CU_MARK_TH:
        if (!has(w, CU_NUMBER_ROMAN | CU_NUMBER_POINT) && *w->number != '#' &&
            w->sign != '-')
            write_ordinal(w, upper);
        break;
    case CU_MARK_MI:
    case CU_MARK_PL:
        if (w->sign == (mark == CU_MARK_MI ? '-' : '+'))
            put(w, w->sign);
        else if (!fill)
            put(w, ' ');
        break;
    case CU_MARK_SG:
        put(w, w->sign);
        break;
    case CU_MARK_B:
    case CU_MARK_C:
    case CU_MARK_E:
    case CU_MARK_FM:
    case CU_MARK_PR:
    case CU_MARK_S:
    case CU_MARK_SP:
    case CU_MARK_V:
        break;
    }
}

/* The last digit behind the point that is no zero, or the point. */
static const char *last_relevant(const char *number)
{
    const char *p = strchr(number, '.'), *last = p;
    while (p && *++p)
        if (*p != '0')
            last = p;
    return last;
}

static void keep_zeros(writer *w)
{
    if (!w->last || w->t.zero_end <= w->spaces)
        return;
    int zero = (int)strlen(w->number) - 1;
    if (zero > w->t.zero_end - w->spaces)
        zero = w->t.zero_end - w->spaces;
    if (w->last < w->number + zero)
        w->last = w->number + zero;
}

static void start_writer(writer *w)
{
    cu_number_template *t = &w->t;
    if (t->zero_start)
        t->zero_start--;
    if (has(w, CU_NUMBER_ROMAN)) {
        *t = (cu_number_template){.flags = CU_NUMBER_ROMAN |
                                           (t->flags & CU_NUMBER_FILL)};
        w->spaces = 0;
        w->sign = 0;
    }
    if (has(w, CU_NUMBER_PLUS | CU_NUMBER_MINUS)) {
        w->sign_written = has(w, CU_NUMBER_MINUS);
    } else {
        if (w->sign != '-' && has(w, CU_NUMBER_FILL))
            t->flags &= ~(unsigned)CU_NUMBER_BRACKET;
        w->sign_written = w->sign == '+' && has(w, CU_NUMBER_FILL) &&
                          !has(w, CU_NUMBER_SIGN);
        if (t->sign == CU_SIGN_PRE && t->pre == t->sign_at)
            t->sign = CU_SIGN_POST;
    }
    w->count = t->post + t->pre - 1;
    if (has(w, CU_NUMBER_FILL) && has(w, CU_NUMBER_POINT)) {
        w->last = last_relevant(w->number);
        keep_zeros(w);
    }
    w->count += !w->sign_written && w->spaces == 0;
    w->at = w->number;
}

/* `number`: without sign, ended by a zero byte. */
static void write_number(cu_slice template, const cu_number_template *t,
                         const char *number, char sign, cu_buf *out)
{
    writer w = {.t = *t, .out = out, .number = number, .sign = sign};
    cu_buf hashes = {0};
    const char *point = strchr(number, '.');
    const int before = (int)(point ? (size_t)(point - number) : strlen(number));
    bool quoted = false;
    cu_mark mark;
    cu_slice text;
    if (t->flags & CU_NUMBER_ROMAN) {
        w.spaces = 0;
    } else if (before < t->pre) {
        w.spaces = t->pre - before;
    } else if (before > t->pre) {
        for (int i = 0; i < t->pre + t->post + 1; i++)
            cu_buf_put_u8(&hashes, i == t->pre ? '.' : '#');
        cu_buf_put_u8(&hashes, 0);
        w.number = hashes.data;
    }
    start_writer(&w);
    while (cu_number_mark(&template, &quoted, &mark, &text))
        write_mark(&w, mark, text);
    cu_buf_free(&hashes);
}

/* --- the number as text -------------------------------------------------- */

static void put_roman(int64_t n, cu_buf *out)
{
    static const struct {
        int value;
        const char *text;
    } all[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
               {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
               {5, "V"},    {4, "IV"},   {1, "I"}};
    if (n < 1 || n > MOST_ROMAN) {
        cu_buf_put_str(out, "###############");
        return;
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        for (; n >= all[i].value; n -= all[i].value)
            cu_buf_put_str(out, all[i].text);
}

/* d.ddde+XX of a decimal text, halves away from zero. */
static void put_science(cu_slice number, int post, cu_buf *out)
{
    cu_buf digits = {0};
    const bool minus = number.len && *number.data == '-';
    int64_t exponent = -1;
    bool point = false;
    for (size_t i = minus; i < number.len; i++) {
        const char c = number.data[i];
        point |= c == '.';
        if (c == '.')
            continue;
        if (c != '0' || digits.len)
            cu_buf_put_u8(&digits, (uint8_t)c);
        if (!point && digits.len)
            exponent++;
        else if (point && !digits.len)
            exponent--;
    }
    if (digits.len == 0)
        exponent = 0;
    while (digits.len < (size_t)post + 2)
        cu_buf_put_u8(&digits, '0');
    bool up = digits.data[post + 1] >= '5';
    for (int i = post; i >= 0 && up; i--) {
        up = digits.data[i] == '9';
        digits.data[i] = up ? '0' : (char)(digits.data[i] + 1);
    }
    cu_buf_put_u8(out, minus ? '-' : ' ');
    if (up)
        cu_buf_put_u8(out, '1'); /* 9.99 is 10.0e+00, as in PostgreSQL */
    cu_buf_put_u8(out, (uint8_t)digits.data[0]);
    if (post)
        cu_buf_put_u8(out, '.');
    cu_buf_put(out, digits.data + 1, (size_t)post);
    cu_buf_printf(out, "e%c%02lld", exponent < 0 ? '-' : '+',
                  (long long)(exponent < 0 ? -exponent : exponent));
    cu_buf_free(&digits);
}

static void put_no_science(const cu_number_template *t, cu_buf *out)
{
    for (int i = 0; i < t->pre + t->post + 6; i++)
        cu_buf_put_u8(out, i == 0 ? ' ' : i == t->pre + 1 ? '.' : '#');
}

static int shifted(const cu_numeric *x, int by, cu_arena *a, cu_numeric *out,
                   cu_err *err)
{
    cu_numeric ten = cu_numeric_from_int8(10), n = cu_numeric_from_int8(by),
               scale;
    int rc = cu_numeric_power(&ten, &n, a, &scale, err);
    return rc ? rc : cu_numeric_mul(x, &scale, a, out, err);
}

static int write_numeric(cu_slice template, cu_number_template *t, cu_numeric x,
                         cu_arena *a, cu_buf *out, cu_err *err)
{
    cu_buf text = {0};
    int rc = 0;
    int64_t n = 0;
    if (t->flags & CU_NUMBER_ROMAN) {
        if (cu_numeric_to_int8(&x, &n, err))
            return CU_DATA;
        put_roman(n, &text);
    } else if (t->flags & CU_NUMBER_SCIENCE) {
        cu_numeric_out(&x, &text);
        if (x.form == CU_NUM_INT || x.form == CU_NUM_BIG)
            put_science(cu_buf_slice(&text), t->post, out);
        else
            put_no_science(t, out);
        cu_buf_free(&text);
        return 0;
    } else {
        if (t->flags & CU_NUMBER_SHIFT) {
            rc = shifted(&x, t->shift, a, &x, err);
            t->pre += t->shift;
        }
        rc = rc ? rc : cu_numeric_round(&x, t->post, a, &x, err);
        if (!rc)
            cu_numeric_out(&x, &text);
    }
    const bool minus = text.len && *text.data == '-';
    cu_buf_put_u8(&text, 0);
    if (!rc)
        write_number(template, t, text.data + minus, minus ? '-' : '+', out);
    cu_buf_free(&text);
    return rc;
}

static void put_float(double x, int post, cu_buf *out)
{
    if (__builtin_isfinite(x))
        cu_buf_printf(out, "%.*f", post, x);
    else
        cu_float8_out(x, out);
}

/* `digits`: how many a number of the type has for certain. */
static int write_float(cu_slice template, cu_number_template *t, double x,
                       int digits, cu_buf *out, cu_err *err)
{
    cu_buf text = {0};
    if (t->flags & CU_NUMBER_ROMAN) {
        put_roman(x >= 1 && x < MOST_ROMAN + 1.0 ? (int64_t)__builtin_rint(x)
                                                 : 0,
                  &text);
    } else if (t->flags & CU_NUMBER_SCIENCE) {
        if (__builtin_isfinite(x))
            cu_buf_printf(out, "% .*e", t->post, x);
        else
            put_no_science(t, out);
        return 0;
    } else {
        if (t->flags & CU_NUMBER_SHIFT) {
            for (int i = 0; i < t->shift; i++)
                x *= 10;
            t->pre += t->shift;
        }
        put_float(x < 0 ? -x : x, 0, &text);
        const int before = (int)text.len;
        if (before >= digits)
            t->post = 0;
        else if (before + t->post > digits)
            t->post = digits - before;
        cu_buf_clear(&text);
        put_float(x, t->post, &text);
    }
    const bool minus = text.len && *text.data == '-';
    cu_buf_put_u8(&text, 0);
    write_number(template, t, text.data + minus, minus ? '-' : '+', out);
    cu_buf_free(&text);
    (void)err;
    return 0;
}

static int write_row(const cu_call *c, uint32_t r, cu_slice template,
                     cu_err *err)
{
    const cu_col *col = c->args[0];
    const uint32_t at = cu_col_at(col, r);
    cu_number_template t;
    const char *why = cu_number_template_read(template, &t);
    if (why) {
        cu_fail(err, CU_DATA, 0, "%s", why);
        err->sqlstate = E_SYNTAX;
        return CU_DATA;
    }
    switch (col->type.kind) {
    case CU_T_INT4:
        if (t.flags & CU_NUMBER_SCIENCE)
            return write_float(template, &t, CU_COL(col, int32_t)[at], 15,
                               c->scratch, err);
        return write_numeric(template, &t,
                             cu_numeric_from_int8(CU_COL(col, int32_t)[at]),
                             c->arena, c->scratch, err);
    case CU_T_INT8:
        return write_numeric(template, &t,
                             cu_numeric_from_int8(CU_COL(col, int64_t)[at]),
                             c->arena, c->scratch, err);
    case CU_T_FLOAT4:
        return write_float(template, &t, (double)CU_COL(col, float)[at], 6,
                           c->scratch, err);
    case CU_T_FLOAT8:
        return write_float(template, &t, CU_COL(col, double)[at], 15,
                           c->scratch, err);
    default:
        return write_numeric(template, &t, CU_COL(col, cu_numeric)[at],
                             c->arena, c->scratch, err);
    }
}

static void to_char(cu_call *c)
{
    CU_ARG(cu_slice, template, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        if (CU_AT(template, r).len &&
            write_row(c, r, CU_AT(template, r), &err)) {
            c->scratch->len = at;
            cu_call_fail_err(c, r, &err);
        } else {
            at = cu_text_row(c, r, at);
        }
    }
    cu_text_finish(c);
}

/* --- reading ------------------------------------------------------------- */

typedef struct number_reader {
    cu_number_template t;
    const char *at, *end;
    cu_buf *out; /* sign or blank, digits, point */
    int before, behind;
    bool point, over;
} number_reader;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool at_end(const number_reader *n)
{
    return n->at >= n->end;
}

static void set_sign(number_reader *n, char sign)
{
    *n->out->data = sign;
}

static bool no_sign(const number_reader *n)
{
    return *n->out->data == ' ';
}

static void skip(number_reader *n)
{
    if (!at_end(n))
        n->at += cu_utf8_size(n->at);
}

/* What is no part of a number, up to `most` characters. */
static void skip_others(number_reader *n, int most)
{
    while (most-- > 0 && !at_end(n) && !strchr("0123456789.,+-", *n->at))
        skip(n);
}

static void read_sign_before(number_reader *n)
{
    const unsigned f = n->t.flags;
    if (f & CU_NUMBER_SIGN && n->t.sign != CU_SIGN_PRE)
        return;
    const bool bracket = !(f & CU_NUMBER_SIGN) && f & CU_NUMBER_BRACKET &&
                         *n->at == '<';
    if (*n->at == '-' || bracket)
        set_sign(n, '-');
    else if (*n->at == '+')
        set_sign(n, '+');
    else
        return;
    n->at++;
}

/* Behind the number; the cursor stands on what was read last, or on what was
 * not. */
static void read_sign_behind(number_reader *n, bool read)
{
    const unsigned f = n->t.flags;
    if (!no_sign(n) || n->before + n->behind == 0)
        return;
    if (f & CU_NUMBER_SIGN) {
        if (!read || n->at + 1 >= n->end || is_digit(n->at[1]))
            return;
        if (n->at[1] == '-' || n->at[1] == '+')
            set_sign(n, *++n->at);
    } else if (!read && f & (CU_NUMBER_PLUS | CU_NUMBER_MINUS) &&
               (*n->at == '-' || *n->at == '+')) {
        set_sign(n, *n->at);
    }
}

static void read_place(number_reader *n, cu_mark mark)
{
    bool read = false;
    if (!at_end(n) && *n->at == ' ')
        n->at++;
    if (at_end(n))
        return;
    if (no_sign(n) && (mark == CU_MARK_0 || mark == CU_MARK_9) &&
        n->before + n->behind == 0)
        read_sign_before(n);
    if (at_end(n))
        return;
    if (is_digit(*n->at)) {
        if (n->point && n->behind == n->t.post)
            return;
        cu_buf_put_u8(n->out, (uint8_t)*n->at);
        *(n->point ? &n->behind : &n->before) += 1;
        read = true;
    } else if (n->t.flags & CU_NUMBER_POINT && !n->point && *n->at == '.') {
        cu_buf_put_u8(n->out, '.');
        n->point = read = true;
    }
    read_sign_behind(n, read);
}

/* True: the cursor moves on by one byte. */
static bool read_mark(number_reader *n, cu_mark mark)
{
    switch (mark) {
    case CU_MARK_CHAR:
        skip(n);
        return false;
    case CU_MARK_0:
    case CU_MARK_9:
    case CU_MARK_POINT:
    case CU_MARK_D:
        read_place(n, mark);
        return true;
    case CU_MARK_COMMA:
    case CU_MARK_G:
        /* No number has begun as far as a reader is concerned. */
        return !(n->t.flags & CU_NUMBER_FILL) && *n->at == ',';
    case CU_MARK_L:
        skip_others(n, 1);
        return false;
    case CU_MARK_TH:
        if (!(n->t.flags & CU_NUMBER_POINT) && *n->out->data != '-')
            skip_others(n, 2);
        return false;
    case CU_MARK_MI:
    case CU_MARK_PL:
    case CU_MARK_SG:
        if ((*n->at == '-' && mark != CU_MARK_PL) ||
            (*n->at == '+' && mark != CU_MARK_MI)) {
            set_sign(n, *n->at);
            return true;
        }
        skip_others(n, 1);
        return false;
    case CU_MARK_B:
    case CU_MARK_C:
    case CU_MARK_E:
    case CU_MARK_FM:
    case CU_MARK_PR:
    case CU_MARK_RN:
    case CU_MARK_S:
    case CU_MARK_SP:
    case CU_MARK_V:
        return false;
    }
    return false;
}

static int read_number(cu_slice text, cu_slice template, number_reader *n,
                       cu_err *err)
{
    bool quoted = false;
    cu_mark mark;
    cu_slice written;
    const char *why = cu_number_template_read(template, &n->t);
    const unsigned unread = CU_NUMBER_ROMAN | CU_NUMBER_SCIENCE;
    if (why || n->t.flags & unread) {
        cu_fail(err, CU_DATA, 0, "%s",
                why ? why : "\"RN\" and \"EEEE\" are not supported for input");
        err->sqlstate = why ? E_SYNTAX : CU_E_FEATURE;
        return CU_DATA;
    }
    n->at = text.data;
    n->end = text.data + text.len;
    cu_buf_put_u8(n->out, ' ');
    while (!at_end(n) && cu_number_mark(&template, &quoted, &mark, &written))
        n->at += read_mark(n, mark);
    if (n->out->data[n->out->len - 1] == '.')
        n->out->len--;
    return 0;
}

static int to_number_row(cu_call *c, cu_slice text, cu_slice template,
                         cu_numeric *out, cu_err *err)
{
    number_reader n = {.out = c->scratch};
    cu_buf_clear(c->scratch);
    int rc = read_number(text, template, &n, err);
    rc = rc ? rc : cu_numeric_in(cu_buf_slice(c->scratch), c->arena, out, err);
    const int precision = n.t.pre + n.t.shift + n.behind;
    if (!rc)
        rc = cu_numeric_fit(out, precision, n.behind, c->arena, out, err);
    if (!rc && n.t.flags & CU_NUMBER_SHIFT)
        rc = shifted(out, -n.t.shift, c->arena, out, err);
    return rc;
}

static void to_number(cu_call *c)
{
    CU_ARG(cu_slice, text, c, 0);
    CU_ARG(cu_slice, template, c, 1);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        if (CU_AT(template, r).len == 0)
            cu_call_null(c, r);
        else if (to_number_row(c, CU_AT(text, r), CU_AT(template, r),
                               &CU_OUT(cu_numeric, c)[r], &err))
            cu_call_fail_err(c, r, &err);
    }
}

#define T CU_T_TEXT

static const cu_func list[] = {
    CU_FN("to_char", T, to_char, "written by a template", CU_T_INT4, T),
    CU_FN("to_char", T, to_char, "written by a template", CU_T_INT8, T),
    CU_FN("to_char", T, to_char, "written by a template", CU_T_FLOAT4, T),
    CU_FN("to_char", T, to_char, "written by a template", CU_T_FLOAT8, T),
    CU_FN("to_char", T, to_char, "written by a template", CU_T_NUMERIC, T),
    CU_FN("to_number", CU_T_NUMERIC, to_number, "read by a template", T, T),
};
CU_PART(cu_part_to_number, list);
