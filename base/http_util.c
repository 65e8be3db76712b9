/* What callers of the http door share: headers, URLs, Retry-After. */
#include "base/http.h"

static const int64_t day_s = 86400;

cu_slice cu_http_header_get(const cu_http_response *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        if (cu_slice_is(r->headers[i].name, name))
            return r->headers[i].value;
    }
    return CU_NULL_SLICE;
}

void cu_url_encode(cu_buf *out, cu_slice s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                     c == '_' || c == '~';
        if (plain) {
            cu_buf_put_u8(out, c);
        } else {
            cu_buf_put_u8(out, '%');
            cu_buf_put_u8(out, (uint8_t)hex[c >> 4]);
            cu_buf_put_u8(out, (uint8_t)hex[c & 15]);
        }
    }
}

/* --- Retry-After -------------------------------------------------------- */

/* Reads the three date forms of RFC 9110 without the C library's locale:
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT
 *     Sunday, 06-Nov-94 08:49:37 GMT
 *     Sun Nov  6 08:49:37 1994
 *
 * All are a series of words and numbers; the order of day and month and the
 * width of the year tell them apart. */
typedef struct reader {
    const char *p, *end;
} reader;

static void skip(reader *r, const char *set)
{
    while (r->p < r->end && strchr(set, *r->p) && *r->p)
        r->p++;
}

/* A number of `min` to `max` digits, or -1. */
static int64_t number(reader *r, size_t min, size_t max)
{
    int64_t v = 0;
    size_t n = 0;
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        if (++n > max)
            return -1;
        v = v * 10 + (*r->p - '0');
    }
    return n >= min ? v : -1;
}

/* 1..12, or -1. */
static int64_t month(reader *r)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (r->end - r->p < 3)
        return -1;
    for (int i = 0; i < 12; i++) {
        if (!memcmp(r->p, names + 3 * i, 3)) {
            r->p += 3;
            return i + 1;
        }
    }
    return -1;
}

/* Days from 1970 to a civil date. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = y / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + days - 719468;
}

static bool clock_of(reader *r, int64_t *seconds)
{
    int64_t h = number(r, 2, 2);
    skip(r, ":");
    int64_t m = number(r, 2, 2);
    skip(r, ":");
    int64_t s = number(r, 2, 2);
    *seconds = h * 3600 + m * 60 + s;
    return h >= 0 && h < 24 && m >= 0 && m < 60 && s >= 0 && s <= 60;
}

/* Seconds since 1970, or false. */
static bool date_of(cu_slice text, int64_t now_s, int64_t *out)
{
    reader r = {text.data, text.data + text.len};
    int64_t y, mon, d, seconds;
    while (r.p < r.end &&
           ((*r.p >= 'a' && *r.p <= 'z') || (*r.p >= 'A' && *r.p <= 'Z')))
        r.p++;
    bool comma = r.p < r.end && *r.p == ',';
    skip(&r, ", ");
    if (comma) {
        d = number(&r, 1, 2);
        skip(&r, " -");
        mon = month(&r);
        skip(&r, " -");
        const char *start = r.p;
        y = number(&r, 2, 4);
        if (y >= 0 && r.p - start == 2) {
            /* At most fifty years ahead, as the RFC wants. */
            int64_t this_year = 1970 + now_s / (day_s * 365 + day_s / 4);
            y += this_year / 100 * 100;
            y -= y > this_year + 50 ? 100 : 0;
        }
        skip(&r, " ");
        if (!clock_of(&r, &seconds))
            return false;
        skip(&r, " ");
        if (r.end - r.p < 3 || memcmp(r.p, "GMT", 3))
            return false;
    } else {
        mon = month(&r);
        skip(&r, " ");
        d = number(&r, 1, 2);
        skip(&r, " ");
        if (!clock_of(&r, &seconds))
            return false;
        skip(&r, " ");
        y = number(&r, 4, 4);
    }
    if (mon < 1 || d < 1 || d > 31 || y < 1900)
        return false;
    *out = days_of(y, mon, d) * day_s + seconds;
    return true;
}

int64_t cu_retry_after_ms(cu_slice value, int64_t now_us)
{
    const int64_t least = 1000, most = 3600 * 1000;
    while (value.len > 0 && value.data[value.len - 1] == ' ')
        value.len--;
    while (value.len > 0 && value.data[0] == ' ') {
        value.data++;
        value.len--;
    }
    if (value.len == 0)
        return -1;
    int64_t ms = 0;
    if (value.data[0] >= '0' && value.data[0] <= '9') {
        for (size_t i = 0; i < value.len; i++) {
            if (value.data[i] < '0' || value.data[i] > '9')
                return -1;
            if (ms < most)
                ms = ms * 10 + (value.data[i] - '0') * 1000;
        }
    } else {
        int64_t at_s;
        if (!date_of(value, now_us / 1000000, &at_s))
            return -1;
        ms = at_s * 1000 - now_us / 1000;
    }
    return ms < least ? least : ms > most ? most : ms;
}
