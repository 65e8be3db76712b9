/* format() and what quotes for SQL; overlay, unistr, convert_from, SHA-2. */
#include "processors/expr/kernel.h"
#include "processors/expr/sha2.h"
#include "rows/text.h"

#define E_NULL    CU_SQLSTATE('2', '2', '0', '0', '4')
#define E_SUBSTR  CU_SQLSTATE('2', '2', '0', '1', '1')
#define E_SYNTAX  CU_SQLSTATE('4', '2', '6', '0', '1')
#define E_BYTES   CU_SQLSTATE('2', '2', '0', '2', '1')
#define E_NO_NAME CU_SQLSTATE('4', '2', '7', '0', '4')

/* --- quoting ------------------------------------------------------------- */

/* PostgreSQL's keywords that are no plain names. */
static const char *const keywords[] = {
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
};

static bool is_keyword(cu_slice s)
{
    size_t low = 0, high = sizeof(keywords) / sizeof(*keywords);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = cu_slice_cmp(s, cu_slice_of(keywords[mid]));
        if (order == 0)
            return true;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

static bool is_plain(cu_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.data[i];
        const bool digit = c >= '0' && c <= '9';
        if (!(c >= 'a' && c <= 'z') && c != '_' && !(digit && i))
            return false;
    }
    return s.len && !is_keyword(s);
}

static void put_doubled(cu_slice s, char quote, bool slashes, cu_buf *out)
{
    cu_buf_put_u8(out, (uint8_t)quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == quote || (slashes && s.data[i] == '\\'))
            cu_buf_put_u8(out, (uint8_t)s.data[i]);
        cu_buf_put_u8(out, (uint8_t)s.data[i]);
    }
    cu_buf_put_u8(out, (uint8_t)quote);
}

static void put_ident(cu_slice s, cu_buf *out)
{
    if (is_plain(s))
        cu_buf_put_slice(out, s);
    else
        put_doubled(s, '"', false, out);
}

/* A text with backslashes needs the E form. */
static void put_literal(cu_slice s, cu_buf *out)
{
    if (s.len && memchr(s.data, '\\', s.len))
        cu_buf_put_u8(out, 'E');
    put_doubled(s, '\'', true, out);
}

static void quote_ident(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        put_ident(CU_AT(x, r), c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* quote_literal() and quote_nullable() of any value. */
static void quote_rows(cu_call *c, const char *null)
{
    cu_buf text = {0};
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (cu_col_is_null(c->args[0], r)) {
            cu_buf_put_str(c->scratch, null);
        } else if (c->args[0]->type.kind == CU_T_BOOL) { /* as a cast says */
            CU_ARG(uint8_t, x, c, 0);
            cu_buf_put_str(c->scratch, CU_AT(x, r) ? "'true'" : "'false'");
        } else {
            cu_buf_clear(&text);
            cu_col_out(c->args[0], r, cu_call_zone(c), &text);
            put_literal(cu_buf_slice(&text), c->scratch);
        }
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
    cu_buf_free(&text);
}

static void quote_kernel(cu_call *c)
{
    quote_rows(c, "");
}

static void quote_nullable(cu_call *c)
{
    quote_rows(c, "NULL");
}

/* --- format -------------------------------------------------------------- */

typedef struct spec {
    int32_t arg, width_arg; /* 0: the next one; -1: none */
    int32_t width;
    bool left;
    char type;
} spec;

typedef struct formatter {
    cu_call *c;
    uint32_t row;
    const char *at, *end;
    int32_t arg; /* the last one used */
    cu_buf *value;
    bool failed;
} formatter;

static void fail(formatter *f, uint32_t sqlstate, const char *why)
{
    if (!f->failed)
        cu_call_fail(f->c, f->row, sqlstate, "%s", why);
    f->failed = true;
}

static int next_char(formatter *f)
{
    if (f->at < f->end)
        return (unsigned char)*f->at;
    fail(f, CU_E_PARAMETER, "unterminated format() type specifier");
    return -1;
}

static bool take_number(formatter *f, int32_t *out)
{
    int64_t n = 0;
    const char *start = f->at;
    while (f->at < f->end && *f->at >= '0' && *f->at <= '9') {
        n = n * 10 + (*f->at++ - '0');
        if (n > INT32_MAX) {
            fail(f, CU_E_OUT_OF_RANGE, "number is out of range");
            return false;
        }
    }
    *out = (int32_t)n;
    return f->at > start;
}

static void take_position(formatter *f, int32_t n, int32_t *out)
{
    f->at++;
    *out = n;
    if (n == 0)
        fail(f, CU_E_PARAMETER,
             "format specifies argument 0, but arguments are numbered from 1");
}

static void read_spec(formatter *f, spec *s)
{
    int32_t n;
    *s = (spec){.width_arg = -1};
    if (take_number(f, &n)) {
        if (next_char(f) != '$') {
            s->width = n;
            return;
        }
        take_position(f, n, &s->arg);
    }
    while (!f->failed && next_char(f) == '-') {
        s->left = true;
        f->at++;
    }
    if (f->failed)
        return;
    if (*f->at != '*') {
        if (take_number(f, &n))
            s->width = n;
        return;
    }
    f->at++;
    s->width_arg = 0;
    if (!take_number(f, &n) || f->failed)
        return;
    if (next_char(f) != '$')
        fail(f, CU_E_PARAMETER,
             "width argument position must be ended by \"$\"");
    else
        take_position(f, n, &s->width_arg);
}

/* The argument as text; NULL rows: false. */
static bool take_value(formatter *f, int32_t place)
{
    f->arg = place > 0 ? place : f->arg + 1;
    cu_buf_clear(f->value);
    if ((uint32_t)f->arg >= f->c->n_args) {
        fail(f, CU_E_PARAMETER, "too few arguments for format()");
        return false;
    }
    const cu_col *col = f->c->args[f->arg];
    if (cu_col_is_null(col, f->row))
        return false;
    cu_col_out(col, f->row, cu_call_zone(f->c), f->value);
    return true;
}

static void take_width(formatter *f, spec *s)
{
    cu_err err = {0};
    if (!take_value(f, s->width_arg))
        return;
    if (cu_int4_in(cu_buf_slice(f->value), &s->width, &err)) {
        cu_call_fail_err(f->c, f->row, &err);
        f->failed = true;
    }
}

static void put_padded(formatter *f, const spec *s, cu_slice text)
{
    const bool left = s->left || s->width < 0;
    const int64_t width = s->width < 0 ? -(int64_t)s->width : s->width;
    const int64_t blanks = width - (int64_t)cu_utf8_length(text);
    cu_buf *out = f->c->scratch;
    if (blanks > (1 << 28)) {
        fail(f, CU_SQLSTATE('5', '4', '0', '0', '0'),
             "requested length too large");
        return;
    }
    if (left)
        cu_buf_put_slice(out, text);
    for (int64_t i = 0; i < blanks; i++)
        cu_buf_put_u8(out, ' ');
    if (!left)
        cu_buf_put_slice(out, text);
}

static void put_argument(formatter *f, const spec *s)
{
    cu_buf quoted = {0};
    const bool some = take_value(f, s->arg);
    const cu_slice text = cu_buf_slice(f->value);
    if (f->failed)
        return;
    if (!some && s->type == 'I')
        fail(f, E_NULL, "null values cannot be formatted as an SQL identifier");
    else if (!some && s->type == 'L')
        cu_buf_put_str(&quoted, "NULL");
    else if (s->type == 'I')
        put_ident(text, &quoted);
    else if (s->type == 'L')
        put_literal(text, &quoted);
    else
        cu_buf_put_slice(&quoted, text);
    if (!f->failed)
        put_padded(f, s, cu_buf_slice(&quoted));
    cu_buf_free(&quoted);
}

static void format_row(formatter *f)
{
    while (f->at < f->end && !f->failed) {
        spec s;
        if (*f->at != '%') {
            cu_buf_put_u8(f->c->scratch, (uint8_t)*f->at++);
            continue;
        }
        f->at++;
        if (next_char(f) == '%') {
            cu_buf_put_u8(f->c->scratch, (uint8_t)*f->at++);
            continue;
        }
        if (!f->failed)
            read_spec(f, &s);
        if (f->failed || next_char(f) < 0)
            return;
        s.type = *f->at++;
        if (s.type != 's' && s.type != 'I' && s.type != 'L') {
            fail(f, CU_E_PARAMETER, "unrecognized format() type specifier");
            return;
        }
        if (s.width_arg >= 0)
            take_width(f, &s);
        if (!f->failed)
            put_argument(f, &s);
    }
}

static void format(cu_call *c)
{
    CU_ARG(cu_slice, pattern, c, 0);
    cu_buf value = {0};
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (cu_col_is_null(c->args[0], r)) {
            cu_call_null(c, r);
            continue;
        }
        const cu_slice p = CU_AT(pattern, r);
        formatter f = {.c = c,
                       .row = r,
                       .at = p.data,
                       .end = p.data + p.len,
                       .value = &value};
        format_row(&f);
        if (f.failed)
            c->scratch->len = at;
        else
            at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
    cu_buf_free(&value);
}

/* --- overlay ------------------------------------------------------------- */

/* Text by characters, bytes by bytes. */
static void overlay_rows(cu_call *c, bool text)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, y, c, 1);
    CU_ARG(int32_t, from, c, 2);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_slice s = CU_AT(x, r), with = CU_AT(y, r);
        const int64_t start = CU_AT(from, r);
        int64_t n = text ? (int64_t)cu_utf8_length(with) : (int64_t)with.len;
        if (c->n_args > 3)
            n = CU_COL(c->args[3], int32_t)[cu_col_at(c->args[3], r)];
        if (start <= 0) {
            cu_call_fail(c, r, E_SUBSTR,
                         "negative substring length not allowed");
            continue;
        }
        if (start + n > INT32_MAX || start + n < INT32_MIN) {
            cu_call_fail(c, r, CU_E_OUT_OF_RANGE, "integer out of range");
            continue;
        }
        size_t head = (size_t)start - 1;
        size_t tail = start + n < 1 ? 0 : (size_t)(start + n - 1);
        if (text) {
            head = cu_utf8_bytes(s, head);
            tail = cu_utf8_bytes(s, tail);
        }
        head = head < s.len ? head : s.len;
        tail = tail < s.len ? tail : s.len;
        cu_buf_put(c->scratch, s.data, head);
        cu_buf_put_slice(c->scratch, with);
        cu_buf_put(c->scratch, s.data + tail, s.len - tail);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void overlay_text(cu_call *c)
{
    overlay_rows(c, true);
}

static void overlay_bytes(cu_call *c)
{
    overlay_rows(c, false);
}

/* --- bytes --------------------------------------------------------------- */

static void sha_rows(cu_call *c, unsigned bits)
{
    CU_ARG(cu_slice, x, c, 0);
    uint8_t digest[64];
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_sha2(CU_AT(x, r), bits, digest);
        cu_buf_put(c->scratch, digest, bits / 8);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

#define SHA(bits)                     \
    static void sha##bits(cu_call *c) \
    {                                 \
        sha_rows(c, bits);            \
    }
SHA(224)
SHA(256)
SHA(384)
SHA(512)

typedef enum encoding { UNKNOWN, UTF8, LATIN1, ASCII } encoding;

/* As PostgreSQL compares names: letters and digits alone. */
static encoding encoding_of(cu_slice name)
{
    static const struct {
        const char *name;
        encoding e;
    } all[] = {{"utf8", UTF8},
               {"unicode", UTF8},
               {"latin1", LATIN1},
               {"iso88591", LATIN1},
               {"sqlascii", ASCII}};
    char plain[32];
    size_t n = 0;
    for (size_t i = 0; i < name.len && n + 1 < sizeof(plain); i++) {
        const uint8_t b = (uint8_t)name.data[i];
        if (b < 0x80 && cu_alnum(b))
            plain[n++] = (char)cu_lower(b);
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (cu_slice_is(cu_slice_n(plain, n), all[i].name))
            return all[i].e;
    return UNKNOWN;
}

static bool take_encoding(cu_call *c, uint32_t r, cu_slice name,
                          const char *which, encoding *out)
{
    *out = encoding_of(name);
    if (*out == UNKNOWN)
        cu_call_fail(c, r, CU_E_PARAMETER, "invalid %s encoding name \"%.*s\"",
                     which, (int)(name.len < 60 ? name.len : 60), name.data);
    return *out != UNKNOWN;
}

static void convert_from(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, name, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_slice s = CU_AT(x, r);
        encoding e;
        if (!take_encoding(c, r, CU_AT(name, r), "source", &e))
            continue;
        const bool zero = s.len && memchr(s.data, 0, s.len);
        if (zero || (e != LATIN1 && cu_utf8_valid_prefix(s) != s.len)) {
            cu_call_fail(c, r, E_BYTES,
                         "invalid byte sequence for encoding \"%s\"",
                         e == LATIN1 ? "LATIN1" : "UTF8");
            continue;
        }
        for (size_t k = 0; k < s.len; k++) {
            if (e == LATIN1)
                cu_utf8_put(c->scratch, (uint8_t)s.data[k]);
            else
                cu_buf_put_u8(c->scratch, (uint8_t)s.data[k]);
        }
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static bool put_latin1(cu_slice s, cu_buf *out)
{
    for (size_t k = 0; k < s.len; k += cu_utf8_size(s.data + k)) {
        const uint32_t code = cu_utf8_get(s.data + k);
        if (code > 0xFF)
            return false;
        cu_buf_put_u8(out, (uint8_t)code);
    }
    return true;
}

static void convert_to(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    CU_ARG(cu_slice, name, c, 1);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_slice s = CU_AT(x, r);
        encoding e;
        if (!take_encoding(c, r, CU_AT(name, r), "destination", &e))
            continue;
        if (e != LATIN1) {
            cu_buf_put_slice(c->scratch, s);
        } else if (!put_latin1(s, c->scratch)) {
            c->scratch->len = at;
            cu_call_fail(c, r, CU_SQLSTATE('2', '2', 'P', '0', '5'),
                         "a character has no equivalent in encoding "
                         "\"LATIN1\"");
            continue;
        }
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

/* --- unistr -------------------------------------------------------------- */

static bool take_hex(const char *p, const char *end, unsigned n, uint32_t *out)
{
    *out = 0;
    if (end - p < (ptrdiff_t)n)
        return false;
    for (unsigned i = 0; i < n; i++) {
        const char c = p[i];
        const int d = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
        if (d < 0)
            return false;
        *out = *out << 4 | (uint32_t)d;
    }
    return true;
}

/* The code behind a backslash and the bytes that it took; 0: bad. */
static size_t unicode_escape(const char *p, const char *end, uint32_t *code)
{
    if (take_hex(p, end, 4, code))
        return 4;
    if (p < end && *p == '+' && take_hex(p + 1, end, 6, code))
        return 7;
    if (p < end && *p == 'u' && take_hex(p + 1, end, 4, code))
        return 5;
    if (p < end && *p == 'U' && take_hex(p + 1, end, 8, code))
        return 9;
    return 0;
}

static const char *unistr_row(cu_slice s, cu_buf *out)
{
    uint32_t high = 0;
    const char *p = s.data, *end = s.data + s.len;
    while (p < end) {
        uint32_t code;
        if (*p != '\\' || (end - p > 1 && p[1] == '\\')) {
            if (high)
                return "invalid Unicode surrogate pair";
            cu_buf_put_u8(out, (uint8_t)*p);
            p += *p == '\\' ? 2 : 1;
            continue;
        }
        const size_t took = unicode_escape(p + 1, end, &code);
        if (!took)
            return "invalid Unicode escape";
        p += 1 + took;
        const bool low = code >= 0xDC00 && code < 0xE000;
        if (low != (high != 0))
            return "invalid Unicode surrogate pair";
        if (code == 0 || code > 0x10FFFF)
            return "invalid Unicode code point";
        if (low)
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00);
        high = code >= 0xD800 && code < 0xDC00 ? code : 0;
        if (!high)
            cu_utf8_put(out, code);
    }
    return high ? "invalid Unicode surrogate pair" : NULL;
}

static void unistr(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const char *why = unistr_row(CU_AT(x, r), c->scratch);
        if (why) {
            c->scratch->len = at;
            cu_call_fail(c, r, why[16] == 'c' ? CU_E_PARAMETER : E_SYNTAX, "%s",
                         why);
        } else {
            at = cu_text_row(c, r, at);
        }
    }
    cu_text_finish(c);
}

/* --- the catalog --------------------------------------------------------- */

#define T   CU_T_TEXT
#define BY  CU_T_BYTEA
#define I4  CU_T_INT4
#define ANY CU_T_ANY

static const cu_func list[] = {
    CU_FN("quote_ident", T, quote_ident, "as a name of SQL", T),
    CU_FN("quote_literal", T, quote_kernel, "as a literal of SQL", T),
    CU_FN("quote_literal", T, quote_kernel, "as a literal of SQL",
          CU_T_ANYELEMENT),
    {.name = "quote_nullable",
     .kind = CU_FUNC_SCALAR,
     .n_args = 1,
     .args = {T},
     .result = T,
     .kernel = quote_nullable,
     .doc = "as a literal of SQL, or the word NULL"},
    {.name = "quote_nullable",
     .kind = CU_FUNC_SCALAR,
     .n_args = 1,
     .args = {CU_T_ANYELEMENT},
     .result = T,
     .kernel = quote_nullable,
     .doc = "as a literal of SQL, or the word NULL"},
    {.name = "format",
     .kind = CU_FUNC_SCALAR,
     .n_args = 1,
     .args = {T},
     .result = T,
     .kernel = format,
     .doc = "%s, %I, %L replaced by values, names, literals"},
    {.name = "format",
     .kind = CU_FUNC_SCALAR,
     .n_args = 2,
     .variadic = true,
     .args = {T, ANY},
     .result = T,
     .kernel = format,
     .doc = "%s, %I, %L replaced by values, names, literals"},
    CU_FN("overlay", T, overlay_text, "y in place of x from a place on", T, T,
          I4),
    CU_FN("overlay", T, overlay_text, "y in place of n characters of x", T, T,
          I4, I4),
    CU_FN("overlay", BY, overlay_bytes, "y in place of x from a place on", BY,
          BY, I4),
    CU_FN("overlay", BY, overlay_bytes, "y in place of n bytes of x", BY, BY,
          I4, I4),
    CU_FN("sha224", BY, sha224, "SHA-2 hash", BY),
    CU_FN("sha256", BY, sha256, "SHA-2 hash", BY),
    CU_FN("sha384", BY, sha384, "SHA-2 hash", BY),
    CU_FN("sha512", BY, sha512, "SHA-2 hash", BY),
    CU_FN("convert_from", T, convert_from,
          "text from bytes in UTF8, LATIN1 or SQL_ASCII", BY, T),
    CU_FN("convert_to", BY, convert_to,
          "bytes of a text in UTF8, LATIN1 or SQL_ASCII", T, T),
    CU_FN("unistr", T, unistr, "\\XXXX and \\+XXXXXX as characters", T),
};
CU_PART(cu_part_text_format, list);
