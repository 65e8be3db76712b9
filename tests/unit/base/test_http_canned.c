#include "base/http.h"

#include <criterion/criterion.h>

static void answer(void *ctx, const cu_http_request *req, cu_http_response *res,
                   cu_arena *a)
{
    ++*(int *)ctx;
    cr_assert_str_eq(req->user_agent, "test");
    cr_assert(cu_slice_is(req->headers[0].value, "v"));
    res->status = 200;
    res->body = cu_slice_of(cu_arena_printf(a, "you asked %s", req->url));
}

/* The order of the answers to ten requests, as digits. */
static char *order(uint64_t seed, cu_arena *a)
{
    int calls = 0;
    cu_http *h = cu_http_canned(seed, answer, &calls);
    for (uint64_t i = 0; i < 10; i++) {
        char url[32] = "http://example.org/x", name[] = "n", value[] = "v";
        url[19] = (char)('0' + i);
        cu_http_header header = {cu_slice_of(name), cu_slice_of(value)};
        cu_http_request req = {.url = url,
                               .user_agent = "test",
                               .headers = &header,
                               .n_headers = 1};
        cr_assert_eq(h->vt->submit(h, &req, i, NULL), 0);
        memset(url, 0, sizeof(url)); /* the request was copied */
        value[0] = '?';
    }
    cr_assert_eq(h->vt->in_flight(h), 10);
    cu_buf seen = {0};
    int empty = 0;
    while (h->vt->in_flight(h) > 0) {
        cu_http_response *r = NULL;
        cr_assert_eq(h->vt->poll(h, 1000, &r, NULL), 0);
        if (!r) {
            empty++;
            continue;
        }
        cr_assert_eq(r->status, 200);
        cr_assert_eq(r->body.data[r->body.len - 1], (char)('0' + r->tag));
        cu_buf_put_u8(&seen, (uint8_t)('0' + r->tag));
        h->vt->release(h, r);
    }
    cr_assert_eq(calls, 10);
    cr_assert_leq(empty, 10);
    char *text = cu_arena_strn(a, seen.data, seen.len);
    cu_buf_free(&seen);
    h->vt->close(h);
    return text;
}

Test(http_canned, answers_each_once_in_an_order_given_by_the_seed)
{
    cu_arena *a = cu_arena_new(0);
    bool differs = false;
    for (uint64_t seed = 0; seed < 5; seed++) {
        const char *first = order(seed, a);
        cr_assert_eq(strlen(first), 10);
        for (char c = '0'; c <= '9'; c++)
            cr_assert_not_null(strchr(first, c));
        cr_assert_str_eq(first, order(seed, a));
        differs = differs || strcmp(first, "0123456789");
    }
    cr_assert(differs);
    cu_arena_free(a);
}

Test(http_canned, closing_drops_what_is_in_flight)
{
    int calls = 0;
    cu_http *h = cu_http_canned(1, answer, &calls);
    cu_http_response *r = NULL;
    cr_assert_eq(h->vt->poll(h, 1000, &r, NULL), 0);
    cr_assert_null(r);
    cu_http_request req = {.url = "http://example.org"};
    cr_assert_eq(h->vt->submit(h, &req, 1, NULL), 0);
    h->vt->close(h);
    cr_assert_eq(calls, 0);
}
