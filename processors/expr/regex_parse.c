/* From PostgreSQL's advanced regular expressions to PCRE2's.
 *
 *   [[:alpha:]_]+\M(?!\.)     ->    [\p{L}…_]+(?<=\w)(?!\w)(?!\.)
 *
 * A recursive descent over branches, quantified atoms and brackets.  Every
 * literal character is written out escaped, so nothing of PCRE2's own language
 * (verbs, possessive quantifiers, \K, \Q) can be reached.
 *
 * Along the way each part gets its preference, as PostgreSQL defines it: that
 * of the first quantified atom that has one; alternatives prefer the longest;
 * `{m}` changes nothing.  The whole expression's preference decides where a
 * match ends.  In a group under {1,1}? all quantifiers are made non-greedy.
 *
 * Letters, digits and spaces are those of the C.UTF-8 locale.
 */
#include "processors/expr/regex.h"
#include "processors/expr/text.h"

#define E_REGEX CU_SQLSTATE('2', '2', '0', '1', 'B')
#define DIGIT   "0-9"
#define SPACE                                                             \
    "\\x{9}-\\x{d}\\x{20}\\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}" \
    "\\x{2028}\\x{2029}\\x{205f}\\x{3000}"
#define BLANK                                                               \
    "\\x{9}\\x{20}\\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{205f}" \
    "\\x{3000}"
#define ALPHA "\\p{Alphabetic}"
#define ALNUM ALPHA "\\p{Nd}"
#define WORD  ALNUM "_"
#define SIGNS "\\p{P}\\p{S}\\p{Mn}\\p{Me}\\p{Cf}\\p{No}"

enum { MOST_REPEATS = 255, MOST_DEPTH = 200 };

typedef enum preference { NONE, LONGEST, SHORTEST } preference;

typedef enum atom_kind {
    NOTHING,    /* the branch ends here */
    ATOM,       /* may be quantified */
    CONSTRAINT, /* may not */
    SKIPPED,    /* a comment */
} atom_kind;

typedef struct parser {
    const char *at, *end;
    cu_buf *out;
    unsigned options;
    uint32_t opened, closed; /* capturing parentheses */
    uint32_t lookaround;     /* inside of so many */
    uint32_t lazy, depth;
    uint32_t variable; /* quantifiers of variable length */
    bool alternatives, lazies;
    int rc;
    cu_err *err;
} parser;

static void fail(parser *p, const char *why)
{
    if (p->rc)
        return;
    p->rc = cu_fail(p->err, CU_DATA, 0, "invalid regular expression: %s", why);
    if (p->err)
        p->err->sqlstate = E_REGEX;
    p->at = p->end;
}

static void put(parser *p, const char *s)
{
    cu_buf_put_str(p->out, s);
}

static bool has(const parser *p, const char *s)
{
    size_t len = strlen(s);
    return (size_t)(p->end - p->at) >= len && !memcmp(p->at, s, len);
}

static bool take(parser *p, const char *s)
{
    if (!has(p, s))
        return false;
    p->at += strlen(s);
    return true;
}

static int next(const parser *p)
{
    return p->at < p->end ? (unsigned char)*p->at : -1;
}

/* The character at the cursor, which moves on. */
static uint32_t take_code(parser *p)
{
    uint32_t code = cu_utf8_get(p->at);
    p->at += cu_utf8_size(p->at);
    return code;
}

static void put_code(parser *p, uint32_t code)
{
    if (code < 0x80 && (cu_alnum(code) || code == '_'))
        cu_buf_put_u8(p->out, (uint8_t)code);
    else
        cu_buf_printf(p->out, "\\x{%x}", code);
}

/* --- escapes ------------------------------------------------------------- */

static int hex_of(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static uint32_t take_digits(parser *p, unsigned base, unsigned least,
                            unsigned most)
{
    uint32_t code = 0;
    unsigned n = 0;
    for (; n < most; n++, p->at++) {
        int digit = hex_of(next(p));
        if (digit < 0 || digit >= (int)base)
            break;
        if (code <= 0x10FFFF)
            code = code * base + (uint32_t)digit;
    }
    if (n < least || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        fail(p, "invalid escape \\ sequence");
    return code;
}

/* A character-entry escape behind the backslash; false: it is none. */
static bool take_entry(parser *p, uint32_t *code)
{
    static const char names[] = "abBefnrtv";
    static const char codes[] = "\a\b\\\033\f\n\r\t\v";
    const char *start = p->at;
    int c = next(p);
    const char *name = c > 0 ? strchr(names, c) : NULL;
    if (c < 0)
        return false;
    p->at++;
    if (name) {
        *code = (unsigned char)codes[name - names];
    } else if (c == 'c' && p->at < p->end) {
        *code = take_code(p) & 0x1F;
    } else if (c == 'u') {
        *code = take_digits(p, 16, 4, 4);
    } else if (c == 'U') {
        *code = take_digits(p, 16, 8, 8);
    } else if (c == 'x') {
        *code = take_digits(p, 16, 1, 255);
    } else if (c == '0') {
        p->at = start;
        *code = take_digits(p, 8, 1, 3);
    } else if (c >= 0x80 || !cu_alnum((uint32_t)c)) {
        p->at = start;
        *code = take_code(p);
    } else {
        p->at = start;
        return false;
    }
    return true;
}

/* \d and its kin: the inside of a bracket expression, NULL: none. */
static const char *class_of(int c)
{
    switch (c) {
    case 'd':
    case 'D':
        return DIGIT;
    case 's':
    case 'S':
        return SPACE;
    case 'w':
    case 'W':
        return WORD;
    default:
        return NULL;
    }
}

static bool take_boundary(parser *p)
{
    static const struct {
        char name;
        const char *text;
    } all[] = {
        {'A', "\\A"},
        {'Z', "\\z"},
        {'m', "(?<![" WORD "])(?=[" WORD "])"},
        {'M', "(?<=[" WORD "])(?![" WORD "])"},
        {'y',
         "(?:(?<![" WORD "])(?=[" WORD "])|(?<=[" WORD "])(?![" WORD "]))"},
        {'Y',
         "(?:(?<![" WORD "])(?![" WORD "])|(?<=[" WORD "])(?=[" WORD "]))"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (next(p) == all[i].name) {
            put(p, all[i].text);
            p->at++;
            return true;
        }
    return false;
}

/* \1 … : digits that name a group that is closed, or a single digit. */
static bool take_backref(parser *p)
{
    const char *start = p->at;
    uint32_t n = 0;
    if (next(p) < '1' || next(p) > '9')
        return false;
    while (next(p) >= '0' && next(p) <= '9' && n < 100000)
        n = n * 10 + (uint32_t)(*p->at++ - '0');
    if (p->at - start > 1 && n > p->closed) {
        p->at = start;
        put_code(p, take_digits(p, 8, 1, 3));
        return true;
    }
    if (n > p->closed || p->lookaround) {
        fail(p, "invalid backreference number");
        return true;
    }
    cu_buf_printf(p->out, "\\g{%u}", n);
    return true;
}

static void put_class(parser *p, const char *inside, bool negated)
{
    put(p, negated ? "[^" : "[");
    put(p, inside);
    put(p, "]");
}

static atom_kind escape(parser *p)
{
    uint32_t code;
    int c = next(p);
    const char *inside = class_of(c);
    if (inside) {
        p->at++;
        put_class(p, inside, c < 'a');
        return ATOM;
    }
    if (take_boundary(p))
        return CONSTRAINT;
    if (take_backref(p))
        return ATOM;
    if (take_entry(p, &code))
        put_code(p, code);
    else
        fail(p, "invalid escape \\ sequence");
    return ATOM;
}

/* --- brackets ------------------------------------------------------------ */

static const char *named_class(const parser *p, cu_slice name)
{
    static const struct {
        const char *name, *inside;
    } all[] = {
        {"alnum", ALNUM},
        {"alpha", ALPHA},
        {"blank", BLANK},
        {"cntrl", "\\p{Cc}\\x{2028}\\x{2029}"},
        {"digit", DIGIT},
        {"graph", ALNUM SIGNS "\\p{Co}"},
        {"lower", "\\p{Lowercase}"},
        {"print", ALNUM SIGNS "\\p{Co}\\p{Zs}"},
        {"punct", SIGNS},
        {"space", SPACE},
        {"upper", "\\p{Uppercase}"},
        {"word", WORD},
        {"xdigit", "0-9A-Fa-f"},
    };
    bool letters = cu_slice_is(name, "lower") || cu_slice_is(name, "upper");
    if (letters && p->options & CU_RE_ICASE)
        return ALPHA;
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (cu_slice_is(name, all[i].name))
            return all[i].inside;
    return NULL;
}

/* The name in [: :], [= =] or [. .]. */
static cu_slice take_name(parser *p, const char *close)
{
    const char *start = p->at;
    while (p->at < p->end && !has(p, close))
        p->at++;
    cu_slice name = cu_slice_n(start, (size_t)(p->at - start));
    if (!take(p, close))
        fail(p, "brackets [] not balanced");
    return name;
}

/* One end of a range, or a single character; false: it was a whole class,
 * that is written out (a negated one into `others`). */
static bool bracket_item(parser *p, uint32_t *code, cu_buf *others)
{
    bool same = has(p, "[=");
    if (take(p, "[:")) {
        const char *inside = named_class(p, take_name(p, ":]"));
        if (inside)
            put(p, inside);
        else
            fail(p, "invalid character class");
        return false;
    }
    if (take(p, "[=") || take(p, "[.")) {
        cu_slice name = take_name(p, same ? "=]" : ".]");
        if (p->rc)
            return false;
        if (name.len == 0 || cu_utf8_size(name.data) != name.len)
            fail(p, "invalid collating element");
        else
            *code = cu_utf8_get(name.data);
        return true;
    }
    if (!take(p, "\\")) {
        *code = take_code(p);
        return true;
    }
    const int c = next(p);
    const char *inside = class_of(c);
    if (!inside) {
        if (!take_entry(p, code))
            fail(p, "invalid escape \\ sequence");
        return true;
    }
    p->at++;
    if (c >= 'a')
        put(p, inside);
    else
        cu_buf_printf(others, "%s[^%s]", others->len ? "|" : "", inside);
    return false;
}

static void bracket_range(parser *p, cu_buf *others)
{
    uint32_t from = 0, to = 0;
    if (next(p) == '-' && !has(p, "-]")) {
        fail(p, "invalid character range");
        return;
    }
    if (!bracket_item(p, &from, others)) {
        if (next(p) == '-' && !has(p, "-]"))
            fail(p, "invalid character range");
        return;
    }
    if (p->rc)
        return;
    put_code(p, from);
    if (next(p) != '-' || has(p, "-]"))
        return;
    p->at++;
    if (p->at == p->end || !bracket_item(p, &to, others) || to < from) {
        fail(p, "invalid character range");
        return;
    }
    put(p, "-");
    put_code(p, to);
}

static void bracket_rest(parser *p, cu_buf *others)
{
    if (next(p) == ']' || next(p) == '-') {
        uint32_t from = (unsigned char)*p->at;
        const char *start = p->at++;
        if (next(p) == '-' && !has(p, "-]")) {
            uint32_t to = 0;
            p->at++;
            if (p->at == p->end || !bracket_item(p, &to, others) || to < from)
                fail(p, "invalid character range");
            put_code(p, from);
            put(p, "-");
            put_code(p, to);
        } else {
            put_code(p, (unsigned char)*start);
        }
    }
    while (!p->rc && p->at < p->end && next(p) != ']')
        bracket_range(p, others);
    if (!p->rc && !take(p, "]"))
        fail(p, "brackets [] not balanced");
}

/* Behind the "[". A bracket with \W and the like needs alternatives. */
static atom_kind bracket(parser *p)
{
    cu_buf others = {0}, inside = {0};
    cu_buf *out = p->out;
    if (take(p, "[:<:]]")) {
        put(p, "(?<![" WORD "])(?=[" WORD "])");
        return CONSTRAINT;
    }
    if (take(p, "[:>:]]")) {
        put(p, "(?<=[" WORD "])(?![" WORD "])");
        return CONSTRAINT;
    }
    bool negated = take(p, "^");
    p->out = &inside;
    bracket_rest(p, &others);
    if (negated && p->options & CU_RE_NEWLINE_STOPS)
        put(p, "\\n");
    p->out = out;
    if (others.len == 0) {
        put(p, negated ? "[^" : "[");
        cu_buf_put_slice(out, cu_buf_slice(&inside));
        put(p, "]");
    } else {
        put(p, negated ? "(?:(?!" : "(?:");
        if (inside.len) {
            put(p, "[");
            cu_buf_put_slice(out, cu_buf_slice(&inside));
            put(p, "]|");
        }
        cu_buf_put_slice(out, cu_buf_slice(&others));
        put(p, negated ? ")(?s:.))" : ")");
    }
    cu_buf_free(&others);
    cu_buf_free(&inside);
    return ATOM;
}

/* --- atoms --------------------------------------------------------------- */

static preference alternatives(parser *p);

static void close_group(parser *p)
{
    if (!p->rc && !take(p, ")"))
        fail(p, "parentheses () not balanced");
    put(p, ")");
}

static bool take_lookaround(parser *p)
{
    static const char *const all[] = {"?=", "?!", "?<=", "?<!"};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (!take(p, all[i]))
            continue;
        put(p, "(");
        put(p, all[i]);
        p->lookaround++;
        alternatives(p);
        p->lookaround--;
        close_group(p);
        return true;
    }
    return false;
}

/* Behind the "(". */
static atom_kind group(parser *p, preference *pref)
{
    if (take(p, "?#")) {
        while (p->at < p->end && *p->at != ')')
            p->at++;
        if (!take(p, ")"))
            fail(p, "parentheses () not balanced");
        return SKIPPED;
    }
    if (++p->depth > MOST_DEPTH) {
        fail(p, "regular expression is too complex");
        return ATOM;
    }
    atom_kind kind = ATOM;
    if (take_lookaround(p)) {
        kind = CONSTRAINT;
    } else if (take(p, "?:") || (p->lookaround && next(p) != '?')) {
        put(p, "(?:");
        *pref = alternatives(p);
        close_group(p);
    } else if (next(p) == '?') {
        fail(p, "quantifier operand invalid");
    } else {
        p->opened++;
        put(p, "(");
        *pref = alternatives(p);
        close_group(p);
        p->closed++;
    }
    p->depth--;
    return kind;
}

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_expanded(parser *p)
{
    while (p->options & CU_RE_EXPANDED && p->at < p->end) {
        if (is_space(next(p)))
            p->at++;
        else if (next(p) == '#')
            while (p->at < p->end && *p->at != '\n')
                p->at++;
        else
            break;
    }
}

static bool is_quantifier(const parser *p)
{
    int c = next(p);
    return c == '*' || c == '+' || c == '?' ||
           (c == '{' && p->at + 1 < p->end && p->at[1] >= '0' &&
            p->at[1] <= '9');
}

static atom_kind atom(parser *p, preference *pref)
{
    int c = next(p);
    *pref = NONE;
    if (c < 0 || c == '|' || (c == ')' && p->depth))
        return NOTHING;
    if (is_quantifier(p)) {
        fail(p, "quantifier operand invalid");
        return NOTHING;
    }
    if (c == ')') {
        fail(p, "parentheses () not balanced");
        return NOTHING;
    }
    if (c >= 0x80 || !strchr("\\[(.^$", c)) {
        put_code(p, take_code(p));
        return ATOM;
    }
    p->at++;
    switch (c) {
    case '[':
        return bracket(p);
    case '(':
        return group(p, pref);
    case '.':
        put(p, ".");
        return ATOM;
    case '\\':
        if (p->at < p->end)
            return escape(p);
        fail(p, "invalid escape \\ sequence");
        return ATOM;
    default:
        cu_buf_put_u8(p->out, (uint8_t)c);
        return CONSTRAINT;
    }
}

/* --- quantifiers and branches -------------------------------------------- */

typedef struct repeats {
    uint32_t least, most; /* UINT32_MAX: without end */
    bool lazy;
} repeats;

static uint32_t take_number(parser *p)
{
    uint32_t n = 0;
    while (next(p) >= '0' && next(p) <= '9' && n <= MOST_REPEATS)
        n = n * 10 + (uint32_t)(*p->at++ - '0');
    if (n > MOST_REPEATS)
        fail(p, "invalid repetition count(s)");
    return n;
}

static void take_bounds(parser *p, repeats *r)
{
    r->least = r->most = take_number(p);
    if (take(p, ",")) {
        r->most = UINT32_MAX;
        if (next(p) >= '0' && next(p) <= '9')
            r->most = take_number(p);
    }
    if (p->rc)
        return;
    if (!take(p, "}") || r->most < r->least)
        fail(p, "invalid repetition count(s)");
}

static void take_quantifier(parser *p, repeats *r)
{
    const int c = *p->at++;
    *r = (repeats){.least = c == '+', .most = c == '?' ? 1 : UINT32_MAX};
    if (c == '{')
        take_bounds(p, r);
    r->lazy = take(p, "?");
    skip_expanded(p);
    if (is_quantifier(p))
        fail(p, "quantifier operand invalid");
}

static void put_quantifier(parser *p, const repeats *r, bool lazy)
{
    if (r->most == UINT32_MAX)
        cu_buf_printf(p->out, "{%u,}", r->least);
    else if (r->most == r->least)
        cu_buf_printf(p->out, "{%u}", r->least);
    else
        cu_buf_printf(p->out, "{%u,%u}", r->least, r->most);
    if (lazy && r->most != r->least)
        put(p, "?");
}

/* The atom that starts at `start` and was written from `length` on, repeated.
 */
static preference quantify(parser *p, const char *start, size_t length,
                           preference pref, const parser *before)
{
    repeats r;
    const char *bounds = p->at;
    take_quantifier(p, &r);
    if (p->rc)
        return NONE;
    const bool given = *bounds == '{' &&
                       memchr(bounds, ',', (size_t)(p->at - bounds));
    const bool fixed = *bounds == '{' && !given;
    if (r.lazy && given && r.least == 1 && r.most == 1) {
        const char *after = p->at;
        preference ignored;
        p->out->len = length;
        p->opened = before->opened;
        p->closed = before->closed;
        p->at = start;
        p->lazy++;
        atom(p, &ignored);
        p->lazy--;
        p->at = after;
    }
    put_quantifier(p, &r, r.lazy || p->lazy);
    p->variable += r.most != r.least;
    p->lazies |= r.lazy && !fixed;
    return fixed ? pref : r.lazy ? SHORTEST : LONGEST;
}

static preference branch(parser *p)
{
    preference all = NONE;
    while (!p->rc) {
        skip_expanded(p);
        const parser before = *p;
        const char *start = p->at;
        const size_t length = p->out->len;
        preference pref;
        atom_kind kind = atom(p, &pref);
        if (kind == NOTHING || p->rc)
            break;
        skip_expanded(p);
        if (kind == CONSTRAINT && is_quantifier(p))
            fail(p, "quantifier operand invalid");
        else if (kind == ATOM && is_quantifier(p))
            pref = quantify(p, start, length, pref, &before);
        if (all == NONE)
            all = pref;
    }
    return all;
}

static preference alternatives(parser *p)
{
    preference pref = branch(p);
    while (!p->rc && take(p, "|")) {
        put(p, "|");
        branch(p);
        pref = LONGEST;
        p->alternatives = true;
    }
    return pref;
}

/* --- the whole ----------------------------------------------------------- */

/* (?…) at the start. */
static void embedded_options(parser *p)
{
    if (!has(p, "(?") || p->end - p->at < 3 || !cu_alnum((uint8_t)p->at[2]) ||
        (uint8_t)p->at[2] >= 0x80)
        return;
    for (p->at += 2; p->at < p->end && *p->at != ')'; p->at++) {
        switch (*p->at) {
        case 'c':
            p->options &= ~(unsigned)CU_RE_ICASE;
            break;
        case 'i':
            p->options |= CU_RE_ICASE;
            break;
        case 'm':
        case 'n':
            p->options |= CU_RE_NEWLINE_STOPS | CU_RE_NEWLINE_ANCHORS;
            break;
        case 'p':
            p->options |= CU_RE_NEWLINE_STOPS;
            p->options &= ~(unsigned)CU_RE_NEWLINE_ANCHORS;
            break;
        case 'q':
            p->options |= CU_RE_LITERAL;
            break;
        case 's':
            p->options &= ~(unsigned)(CU_RE_NEWLINE_STOPS |
                                      CU_RE_NEWLINE_ANCHORS);
            break;
        case 't':
            p->options &= ~(unsigned)CU_RE_EXPANDED;
            break;
        case 'w':
            p->options &= ~(unsigned)CU_RE_NEWLINE_STOPS;
            p->options |= CU_RE_NEWLINE_ANCHORS;
            break;
        case 'x':
            p->options |= CU_RE_EXPANDED;
            break;
        default:
            fail(p, "invalid embedded option");
            return;
        }
    }
    if (!take(p, ")"))
        fail(p, "invalid embedded option");
}

int cu_regex_translate(cu_slice pattern, unsigned options, cu_regex_text *out,
                       cu_err *err)
{
    parser p = {.at = pattern.data,
                .end = pattern.data + pattern.len,
                .out = out->pcre,
                .options = options,
                .err = err};
    preference pref = NONE;
    if (!(p.options & CU_RE_LITERAL)) {
        if (take(&p, "***="))
            p.options |= CU_RE_LITERAL;
        else if (take(&p, "***:"))
            embedded_options(&p);
        else if (has(&p, "***"))
            fail(&p, "quantifier operand invalid");
        else
            embedded_options(&p);
    }
    if (p.options & CU_RE_LITERAL) {
        while (!p.rc && p.at < p.end)
            put_code(&p, take_code(&p));
    } else if (!p.rc) {
        pref = alternatives(&p);
    }
    out->options = p.options;
    out->groups = p.opened;
    out->shortest = pref == SHORTEST;
    out->plain = !p.alternatives && !p.lazies && p.variable <= 1;
    return p.rc;
}
