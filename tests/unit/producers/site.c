/* A canned site. */
#include "tests/unit/producers/site.h"

#include <stdio.h>
#include <stdlib.h>

static void set_header(cu_http_response *res, cu_arena *a, const char *name,
                       const char *value)
{
    cu_http_header *h = cu_arena_calloc(a, res->n_headers + 1, sizeof(*h));
    for (size_t i = 0; i < res->n_headers; i++)
        h[i] = res->headers[i];
    h[res->n_headers++] = (cu_http_header){cu_slice_of(cu_arena_str(a, name)),
                                           cu_slice_of(cu_arena_str(a, value))};
    res->headers = h;
}

static void page(cu_site *s, const char *url, cu_http_response *res,
                 const char *fault, cu_arena *a)
{
    const char *item = strstr(url, "/s/"), *at = strstr(url, "o=");
    int offset = at ? atoi(at + 2) : 0, total = s->total;
    size_t len = item ? strcspn(item + 3, "?") : 0;
    if (offset / CU_SITE_LIMIT < 16 && s->totals[offset / CU_SITE_LIMIT])
        total = s->totals[offset / CU_SITE_LIMIT];
    cu_buf b = {0};
    cu_buf_printf(&b, "{\"i\":\"%.*s\",\"e\":%d,\"total\":", (int)len,
                  item ? item + 3 : "", s->edition);
    if (!strcmp(fault, "soft"))
        cu_buf_put_str(&b, "null");
    else
        cu_buf_printf(&b, "%d", total);
    cu_buf_put_str(&b, strcmp(fault, "missing") ? ",\"rows\":[" : ",\"row\":[");
    for (int i = offset; i < offset + CU_SITE_LIMIT && i < total; i++)
        cu_buf_printf(&b, "%s%d", i > offset ? "," : "",
                      strcmp(fault, "empty") ? i : 0);
    cu_buf_put_str(&b, "]}");
    cu_slice body = cu_buf_slice(&b);
    if (!strcmp(fault, "empty")) {
        const char *rows = strstr(b.data, "[");
        body = cu_slice_of(
            cu_arena_printf(a, "%.*s[]}", (int)(rows - b.data), b.data));
    }
    if (!strcmp(fault, "badjson"))
        body.len /= 2;
    res->body = cu_arena_slice(a, body);
    cu_buf_free(&b);
}

/* No answer at all; true when `fault` is one of these. */
static bool fail(cu_http_response *res, const char *fault)
{
    static const struct {
        const char *name;
        cu_code code;
        uint32_t flags;
        const char *text;
    } all[] = {
        {"refuse", CU_NETWORK, CU_RETRY, "cannot fetch it: refused"},
        {"tls", CU_NETWORK, 0, "cannot fetch it: bad certificate"},
        {"timeout", CU_TIMEOUT, CU_RETRY, "cannot fetch it: timed out"},
        {"cut", CU_DATA, CU_RETRY, "cannot fetch it: 7 bytes missing"},
        {"big", CU_LIMIT, 0, "cannot fetch it: too large"},
        {"deny", CU_DENIED, 0, "cannot fetch it: private address"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (!strcmp(fault, all[i].name)) {
            cu_fail(&res->err, all[i].code, all[i].flags, "%s", all[i].text);
            return true;
        }
    }
    return false;
}

static const char *fault_of(cu_site *s, const char *url)
{
    static const char *const soft[] = {"500",     "503",   "429",
                                       "timeout", "cut",   "badjson",
                                       "soft",    "empty", "refuse"};
    size_t len = strlen(url), end = s->bad_end ? strlen(s->bad_end) : 0;
    const char *f = s->n < CU_SITE_MOST ? s->faults[s->n] : NULL;
    if (!f && end && len >= end && !strcmp(url + len - end, s->bad_end))
        f = s->bad_fault;
    if (!f && s->all)
        f = s->all;
    cu_env *env = s->w->env;
    if (!f && s->per_mille && env->vt->chance(env) % 1000 < s->per_mille)
        f = soft[env->vt->chance(env) % 9];
    return f ? f : "";
}

static void answer(void *ctx, const cu_http_request *req, cu_http_response *res,
                   cu_arena *a)
{
    cu_site *s = ctx;
    s->n++;
    if (s->n < CU_SITE_MOST) {
        snprintf(s->urls[s->n], sizeof(s->urls[0]), "%s", req->url);
        s->at_us[s->n] = cu_mono_us(s->w->env);
    }
    s->headers = req->n_headers;
    snprintf(s->agent, sizeof(s->agent), "%s", req->user_agent);
    const char *fault = fault_of(s, req->url);
    if (fail(res, fault))
        return;
    int status = atoi(fault);
    res->status = status ? status : 200;
    const char *colon = strchr(fault, ':');
    if (status >= 300 && status < 400)
        set_header(res, a, "location", colon ? colon + 1 : "/");
    else if (colon)
        set_header(res, a, "retry-after", colon + 1);
    bool html = status || !strcmp(fault, "html");
    const char *type = s->type ? s->type : "application/json";
    if (html || type[0])
        set_header(res, a, "content-type", html ? "text/html" : type);
    if (html)
        res->body = CU_LIT("<html>no</html>");
    else
        page(s, req->url, res, fault, a);
}

cu_http_source cu_site_source(void)
{
    static const char *const items[] = {"a", "b"};
    static const cu_for_each each = {"item", items, 2};
    static const char *const required[] = {"$.rows", "$.total"};
    return (cu_http_source){
        .url = "http://site.test/",
        .user_agent = "tests (me@example.org)",
        .rate_per_s = 1000,
        .concurrency = 2,
        .retries = 3,
        .backoff_ms = 1000,
        .backoff_max_ms = 3000,
        .path = "/s/{item}",
        .params = "o={page_offset}",
        .for_each = &each,
        .n_for_each = 1,
        .paginator = CU_PAGE_OFFSET,
        .limit = CU_SITE_LIMIT,
        .total_path = "$.total",
        .items_path = "$.rows",
        .require = required,
        .n_require = 2,
    };
}

void cu_site_open(cu_site *s, cu_world *w, uint64_t seed,
                  const cu_http_source *source)
{
    *w = cu_world_open(seed);
    s->w = w;
    if (!s->total)
        s->total = 5;
    if (!s->edition)
        s->edition = 1;
    w->client = cu_http_canned(seed, answer, s);
    w->opts.http = source;
}

const char *cu_site_pages(cu_world *w)
{
    static char text[8192];
    size_t len = 0;
    text[0] = 0;
    for (const char *item = "ab"; *item; item++) {
        const char *p = cu_world_topic(w, "bronze.t",
                                       "param.item,param.page_offset");
        for (; *p; p = strchr(p, '\n') + 1) {
            int offset = atoi(p + 2), edition = atoi(strstr(p, "\"e\":") + 4);
            if (*p != *item)
                continue;
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%c%d",
                                    len ? " " : "", *item, offset);
            if (edition > 1)
                len += (size_t)snprintf(text + len, sizeof(text) - len, "e%d",
                                        edition);
        }
    }
    return text;
}
