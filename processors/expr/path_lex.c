/* The words of a jsonpath.
 *
 * Whatever is no blank, quote, backslash or one of ?%$.[]{}()|&!=<>@#,*:-+/
 * is part of a word.  Words and strings take JavaScript's escapes.
 */
#include "processors/expr/path_lex.h"

#include "processors/expr/kernel.h"

#include <ctype.h>

#define E_SYNTAX       CU_SQLSTATE('4', '2', '6', '0', '1')
#define E_INVALID_TEXT CU_SQLSTATE('2', '2', 'P', '0', '2')
#define E_UNTRANSLATED CU_SQLSTATE('2', '2', 'P', '0', '5')

int cu_jsonpath_syntax(cu_err *err, const char *what, const char *at,
                       const char *end, const char *stop)
{
    if (stop > end)
        stop = end;
    if (at >= end)
        cu_fail(err, CU_SQL, 0, "%s at end of jsonpath input", what);
    else
        cu_fail(err, CU_SQL, 0, "%s at or near \"%.*s\" of jsonpath input",
                what, (int)(stop > at ? stop - at : 1), at);
    if (err)
        err->sqlstate = E_SYNTAX;
    return CU_SQL;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static bool is_special(char c)
{
    return c && strchr("?%$.[]{}()|&!=<>@#,*:-+/", c);
}

static bool is_word(char c)
{
    return !is_blank(c) && !is_special(c) && c != '"' && c != '\\';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* --- escapes --------------------------------------------------------- */

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `least` to `most` digits; -1 when there are fewer. */
static int64_t hex_digits(cu_jsonpath_lexer *l, int least, int most)
{
    int64_t v = 0;
    int n = 0;
    while (l->p < l->end && n < most && hex(*l->p) >= 0) {
        v = v << 4 | hex(*l->p++);
        n++;
    }
    return n < least ? -1 : v;
}

/* Behind \x or \u: two digits, four, or {1 to 6}. */
static int64_t code_of(cu_jsonpath_lexer *l, char kind)
{
    if (kind == 'x')
        return hex_digits(l, 2, 2);
    if (l->p == l->end || *l->p != '{')
        return hex_digits(l, 4, 4);
    l->p++;
    int64_t v = hex_digits(l, 1, 6);
    if (l->p == l->end || *l->p != '}')
        return -1;
    l->p++;
    return v;
}

static int bad_unicode(cu_jsonpath_lexer *l, const char *at)
{
    return cu_jsonpath_syntax(l->err, "invalid Unicode escape sequence", at,
                              l->end, l->p);
}

static int bad_surrogate(cu_jsonpath_lexer *l)
{
    cu_fail(l->err, CU_SQL, 0, "invalid input syntax for type jsonpath");
    if (l->err)
        l->err->sqlstate = E_INVALID_TEXT;
    return CU_SQL;
}

static int put_code(cu_jsonpath_lexer *l, const char *at, char kind,
                    cu_buf *out)
{
    int64_t v = code_of(l, kind);
    if (v < 0)
        return kind == 'x'
                   ? cu_jsonpath_syntax(l->err,
                                        "invalid hex character sequence", at,
                                        l->end, l->p)
                   : bad_unicode(l, at);
    if (v >= 0xD800 && v < 0xDC00) {
        if (l->end - l->p < 6 || l->p[0] != '\\' || l->p[1] != 'u')
            return bad_surrogate(l);
        l->p += 2;
        const int64_t low = code_of(l, 'u');
        if (low < 0xDC00 || low > 0xDFFF)
            return bad_surrogate(l);
        v = 0x10000 + ((v - 0xD800) << 10) + (low - 0xDC00);
    }
    if (v >= 0xDC00 && v < 0xE000)
        return bad_surrogate(l);
    if (v > 0x10FFFF) {
        cu_fail(l->err, CU_SQL, 0, "invalid Unicode code point");
        if (l->err)
            l->err->sqlstate = E_SYNTAX;
        return CU_SQL;
    }
    if (v == 0) {
        cu_fail(l->err, CU_SQL, 0, "unsupported Unicode escape sequence");
        if (l->err)
            l->err->sqlstate = E_UNTRANSLATED;
        return CU_SQL;
    }
    cu_utf8_put(out, (uint32_t)v);
    return 0;
}

/* Behind a backslash. */
static int put_escape(cu_jsonpath_lexer *l, cu_buf *out)
{
    static const char names[] = "bfnrtv", codes[] = "\b\f\n\r\t\v";
    const char *at = l->p - 1;
    if (l->p == l->end)
        return cu_jsonpath_syntax(l->err, "unexpected end after backslash",
                                  l->p, l->end, l->p);
    const char c = *l->p++;
    const char *known = strchr(names, c);
    if (c == 'x' || c == 'u')
        return put_code(l, at, c, out);
    cu_buf_put_u8(out, (uint8_t)(c && known ? codes[known - names] : c));
    return 0;
}

/* --- strings and words ----------------------------------------------- */

static int read_text(cu_jsonpath_lexer *l, bool quoted, cu_jsonpath_token *t)
{
    cu_buf text = {0};
    int rc = 0;
    while (!rc && l->p < l->end && (quoted ? *l->p != '"' : true)) {
        if (!quoted && !is_word(*l->p) && *l->p != '\\')
            break;
        const char c = *l->p++;
        if (c == '\\')
            rc = put_escape(l, &text);
        else
            cu_buf_put_u8(&text, (uint8_t)c);
    }
    if (!rc && quoted && l->p == l->end)
        rc = cu_jsonpath_syntax(l->err, "unexpected end of quoted string", l->p,
                                l->end, l->p);
    if (quoted)
        l->p++;
    t->text = cu_arena_slice(l->a, cu_buf_slice(&text));
    cu_buf_free(&text);
    return rc;
}

/* --- numbers --------------------------------------------------------- */

static void digits(cu_jsonpath_lexer *l)
{
    while (l->p < l->end && is_digit(*l->p))
        l->p++;
}

static int read_number(cu_jsonpath_lexer *l, cu_jsonpath_token *t)
{
    const char *at = l->p;
    t->kind = CU_TOKEN_INTEGER;
    if (*l->p == '0')
        l->p++;
    else
        digits(l);
    if (l->p < l->end && *l->p == '.') {
        t->kind = CU_TOKEN_NUMBER;
        l->p++;
        digits(l);
    }
    const char *e = l->p;
    if (e < l->end && (*e == 'e' || *e == 'E')) {
        e++;
        if (e < l->end && (*e == '+' || *e == '-'))
            e++;
        if (e < l->end && is_digit(*e)) {
            t->kind = CU_TOKEN_NUMBER;
            l->p = e;
            digits(l);
        }
    }
    t->text = (cu_slice){at, (size_t)(l->p - at)};
    if (l->p == l->end || (!is_word(*l->p) && *l->p != '\\'))
        return 0;
    return cu_jsonpath_syntax(l->err, "trailing junk after numeric literal", at,
                              l->end, l->p + 1);
}

/* --- one token ------------------------------------------------------- */

static int skip_blanks(cu_jsonpath_lexer *l)
{
    while (l->p < l->end) {
        if (is_blank(*l->p)) {
            l->p++;
        } else if (l->end - l->p > 1 && l->p[0] == '/' && l->p[1] == '*') {
            const cu_slice rest = {l->p, (size_t)(l->end - l->p)};
            const size_t close = cu_find(rest, CU_LIT("*/"), 2);
            if (close == SIZE_MAX)
                return cu_jsonpath_syntax(l->err, "unexpected end of comment",
                                          l->end, l->end, l->end);
            l->p += close + 2;
        } else {
            break;
        }
    }
    return 0;
}

static int read_sign(cu_jsonpath_lexer *l, cu_jsonpath_token *t)
{
    static const char *const pairs[] = {"&&", "||", "==", "<>",
                                        "!=", "<=", ">=", "**"};
    t->kind = CU_TOKEN_SIGN;
    t->sign[0] = *l->p;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        if (l->end - l->p > 1 && !memcmp(l->p, pairs[i], 2))
            t->sign[1] = l->p[1];
    l->p += t->sign[1] ? 2 : 1;
    return 0;
}

int cu_jsonpath_lex(cu_jsonpath_lexer *l, cu_jsonpath_token *t)
{
    *t = (cu_jsonpath_token){.kind = CU_TOKEN_END};
    if (skip_blanks(l))
        return CU_SQL;
    t->at = l->p;
    if (l->p == l->end)
        return 0;
    const char c = *l->p, next = l->end - l->p > 1 ? l->p[1] : ' ';
    if (c == '"') {
        t->kind = CU_TOKEN_STRING;
        l->p++;
        return read_text(l, true, t);
    }
    if (c == '$' && (next == '"' || is_word(next) || next == '\\')) {
        t->kind = CU_TOKEN_VARIABLE;
        l->p += next == '"' ? 2 : 1;
        return read_text(l, next == '"', t);
    }
    if (is_digit(c) || (c == '.' && is_digit(next)))
        return read_number(l, t);
    if (is_special(c))
        return read_sign(l, t);
    t->kind = CU_TOKEN_WORD;
    return read_text(l, false, t);
}
