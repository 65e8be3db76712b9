/* URLs: from templates with {names}, and where redirects lead.
 *
 *     url  https://openlibrary.org
 *     path /subjects/{subject}.json          values are percent-encoded;
 *     params limit=100&offset={page_offset}  the text around them is kept,
 *                                            but for what no URL may hold
 */
#include "producers/http.h"

/* --- templates ----------------------------------------------------------- */

/* Which value {name} stands for: a for_each index, -1 page_offset, -2 none. */
static int name_of(const cu_http_half *h, cu_slice name)
{
    for (uint32_t i = 0; i < h->s->n_for_each; i++) {
        if (cu_slice_is(name, h->s->for_each[i].name))
            return (int)i;
    }
    return cu_slice_is(name, "page_offset") && h->limit > 0 ? -1 : -2;
}

/* The {name} at `p`, or an absent slice. */
static cu_slice brace(const char *p)
{
    const char *end = *p == '{' ? strchr(p, '}') : NULL;
    return end ? cu_slice_n(p + 1, (size_t)(end - p - 1)) : CU_NULL_SLICE;
}

static int check(const cu_http_half *h, const char *text, cu_err *err)
{
    for (const char *p = text ? text : ""; *p; p++) {
        cu_slice name = brace(p);
        if (name.data && name_of(h, name) == -2)
            return cu_fail(err, CU_USAGE, 0,
                           "table %s: nothing fills {%.*s} in '%s'; names "
                           "come from for_each, {page_offset} from paginator "
                           "'offset'",
                           h->c->o.table, (int)name.len, name.data, text);
    }
    return 0;
}

int cu_url_check(const cu_http_half *h, cu_err *err)
{
    int rc = check(h, h->s->path, err);
    return rc ? rc : check(h, h->s->params, err);
}

static void put_literal(cu_buf *out, char ch)
{
    if ((unsigned char)ch > ' ' && (unsigned char)ch < 0x7f &&
        !strchr("\"<>\\^`{|}#", ch))
        cu_buf_put_u8(out, (uint8_t)ch);
    else
        cu_url_encode(out, cu_slice_n(&ch, 1));
}

static void expand(const cu_http_half *h, const char *text, uint32_t item,
                   int64_t offset, cu_buf *out)
{
    for (const char *p = text ? text : ""; *p; p++) {
        cu_slice name = brace(p);
        if (!name.data) {
            put_literal(out, *p);
            continue;
        }
        int which = name_of(h, name);
        if (which >= 0)
            cu_url_encode(out,
                          cu_slice_of(cu_item_value(h, item, (uint32_t)which)));
        else
            cu_buf_printf(out, "%lld", (long long)offset);
        p += name.len + 1;
    }
}

void cu_url_build(const cu_http_half *h, uint32_t item, int64_t offset,
                  cu_buf *out)
{
    cu_buf_put_str(out, h->base);
    if (h->s->path && h->s->path[0] && h->s->path[0] != '/')
        cu_buf_put_u8(out, '/');
    expand(h, h->s->path, item, offset, out);
    if (h->s->params && h->s->params[0]) {
        bool more = memchr(out->data, '?', out->len) != NULL;
        cu_buf_put_u8(out, more ? '&' : '?');
        expand(h, h->s->params, item, offset, out);
    }
}

/* --- redirects ----------------------------------------------------------- */

typedef struct url {
    bool https;
    cu_slice host;   /* without user and port */
    cu_slice port;   /* empty: the scheme's */
    cu_slice origin; /* scheme://authority */
    cu_slice path;   /* with query */
} url;

static bool starts(cu_slice s, const char *with)
{
    size_t len = strlen(with);
    return s.len >= len && !strncasecmp(s.data, with, len);
}

static bool parse(cu_slice s, url *u)
{
    size_t at = starts(s, "https://") ? 8 : starts(s, "http://") ? 7 : 0;
    if (at == 0)
        return false;
    u->https = at == 8;
    size_t end = at;
    while (end < s.len && !strchr("/?#", s.data[end]))
        end++;
    u->origin = cu_slice_n(s.data, end);
    u->path = cu_slice_n(s.data + end, s.len - end);
    cu_slice host = cu_slice_n(s.data + at, end - at);
    const char *user = memrchr(host.data, '@', host.len);
    if (user) {
        host.len -= (size_t)(user + 1 - host.data);
        host.data = user + 1;
    }
    size_t colon = host.len;
    while (colon > 0 && host.data[colon - 1] >= '0' &&
           host.data[colon - 1] <= '9')
        colon--;
    bool port = colon > 0 && host.data[colon - 1] == ':';
    u->port = port ? cu_slice_n(host.data + colon, host.len - colon)
                   : CU_LIT("");
    u->host = port ? cu_slice_n(host.data, colon - 1) : host;
    return u->host.len > 0;
}

static bool same(cu_slice a, cu_slice b)
{
    return a.len == b.len && !strncasecmp(a.data, b.data, a.len);
}

/* `part` lies under `whole`: www.example.org under example.org. A name
 * without a dot has nothing under it, nor has an address. */
static bool under(cu_slice part, cu_slice whole)
{
    if (part.len <= whole.len + 1 || !memchr(whole.data, '.', whole.len))
        return false;
    const char *tail = part.data + part.len - whole.len;
    char last = whole.data[whole.len - 1];
    return tail[-1] == '.' && !strncasecmp(tail, whole.data, whole.len) &&
           !(last >= '0' && last <= '9');
}

static cu_slice port_of(const url *u)
{
    return u->port.len ? u->port : u->https ? CU_LIT("443") : CU_LIT("80");
}

/* Without the last name of the path and the query. */
static cu_slice folder(cu_slice path)
{
    size_t len = 0;
    for (size_t i = 0; i < path.len && path.data[i] != '?'; i++) {
        if (path.data[i] == '/')
            len = i + 1;
    }
    return cu_slice_n(path.data, len);
}

static cu_slice without_query(cu_slice path)
{
    const char *q = memchr(path.data, '?', path.len);
    return q ? cu_slice_n(path.data, (size_t)(q - path.data)) : path;
}

/* A colon before the first slash: a path that starts so is not allowed. */
static bool has_scheme(cu_slice s)
{
    size_t i = 0;
    while (i < s.len && !strchr(":/?", s.data[i]))
        i++;
    return i > 0 && i < s.len && s.data[i] == ':';
}

static void resolve(const url *from, cu_slice to, cu_buf *out)
{
    if (has_scheme(to)) {
        cu_buf_put_slice(out, to);
        return;
    }
    if (starts(to, "//")) {
        cu_buf_put_str(out, from->https ? "https:" : "http:");
        cu_buf_put_slice(out, to);
        return;
    }
    cu_buf_put_slice(out, from->origin);
    if (to.len == 0 || to.data[0] == '?') {
        cu_buf_put_slice(out, without_query(from->path));
    } else if (to.data[0] != '/') {
        cu_slice f = folder(from->path);
        cu_buf_put_slice(out, f.len ? f : CU_LIT("/"));
    }
    cu_buf_put_slice(out, to);
}

const char *cu_url_follow(const char *from_url, cu_slice location, cu_buf *out,
                          bool *strange)
{
    url from, to;
    cu_buf_clear(out);
    if (!location.data)
        return "a redirect without a Location";
    const char *hash = memchr(location.data, '#', location.len);
    if (hash)
        location.len = (size_t)(hash - location.data);
    for (size_t i = 0; i < location.len; i++) {
        if ((unsigned char)location.data[i] <= ' ')
            return "a redirect to no URL";
    }
    if (!parse(cu_slice_of(from_url), &from))
        return "a redirect from no URL";
    resolve(&from, location, out);
    if (!parse(cu_buf_slice(out), &to))
        return "a redirect to something that is not http or https";
    if (from.https && !to.https)
        return "a redirect from https to http";
    *strange = !same(from.host, to.host);
    if (*strange && !under(from.host, to.host) && !under(to.host, from.host))
        return "a redirect to another host";
    if (from.https == to.https && !same(port_of(&from), port_of(&to)))
        return "a redirect to another port";
    return NULL;
}
