#include "ops/format.h"

#include "base/assert.h"

#include <ctype.h>

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch = (char)tolower((unsigned char)ch);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* What stands behind a backslash; how many characters of it, 0: unknown. */
static size_t escape(const char *p, char *out)
{
    static const char from[] = "nrt\\\"'", to[] = "\n\r\t\\\"'";
    const char *at = *p ? strchr(from, *p) : NULL;
    if (at) {
        *out = to[at - from];
        return 1;
    }
    if (*p != 'x' || hex_digit(p[1]) < 0)
        return 0;
    int v = hex_digit(p[1]);
    bool two = hex_digit(p[2]) >= 0;
    if (two)
        v = v * 16 + hex_digit(p[2]);
    *out = (char)v;
    return two ? 3 : 2;
}

int cu_format_check(const char *format, cu_err *err)
{
    for (const char *p = format; *p; p++) {
        char ignored;
        size_t n;
        if (*p == '%' && (p[1] == 0 || strchr("sSkKtpoTh%", p[1]) == NULL))
            return cu_fail(err, CU_USAGE, 0,
                           "-f does not know \"%.2s\"; it knows %%s %%S %%k "
                           "%%K %%t %%p %%o %%T %%h %%%%",
                           p);
        if (*p == '%') {
            p++;
        } else if (*p == '\\') {
            n = escape(p + 1, &ignored);
            if (n == 0)
                return cu_fail(err, CU_USAGE, 0,
                               "-f does not know \"%.2s\"; it knows \\n \\r "
                               "\\t \\\\ \\xNN",
                               p);
            p += n;
        }
    }
    return 0;
}

static void put_length(cu_slice s, cu_buf *out)
{
    cu_buf_printf(out, "%lld", s.data ? (long long)s.len : -1LL);
}

static void put_headers(const cu_record *r, cu_buf *out)
{
    for (uint32_t i = 0; i < r->n_headers; i++) {
        if (i)
            cu_buf_put_u8(out, ',');
        cu_buf_put_slice(out, r->headers[i].name);
        cu_buf_put_u8(out, '=');
        cu_slice v = r->headers[i].value;
        if (v.data)
            cu_buf_put_slice(out, v);
        else
            cu_buf_put_str(out, "NULL");
    }
}

static void put_word(char word, const cu_record *r, cu_buf *out)
{
    switch (word) {
    case 's':
        if (r->value.data)
            cu_buf_put_slice(out, r->value);
        return;
    case 'S':
        put_length(r->value, out);
        return;
    case 'k':
        if (r->key.data)
            cu_buf_put_slice(out, r->key);
        return;
    case 'K':
        put_length(r->key, out);
        return;
    case 't':
        cu_buf_put_str(out, r->part.topic);
        return;
    case 'p':
        cu_buf_printf(out, "%d", (int)r->part.partition);
        return;
    case 'o':
        cu_buf_printf(out, "%lld", (long long)r->offset);
        return;
    case 'T':
        cu_buf_printf(out, "%lld", (long long)r->timestamp_ms);
        return;
    case 'h':
        put_headers(r, out);
        return;
    default:
        cu_buf_put_u8(out, '%');
    }
}

void cu_format_record(const char *format, const cu_record *r, cu_buf *out)
{
    for (const char *p = format; *p; p++) {
        char ch = *p;
        if (ch == '%') {
            put_word(*++p, r, out);
            continue;
        }
        if (ch == '\\') {
            size_t n = escape(p + 1, &ch);
            CU_ASSERT(n > 0); /* the format was checked */
            p += n;
        }
        cu_buf_put_u8(out, (uint8_t)ch);
    }
}
