#include "base/http.h"

#include "tests/unit/base/server.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

static cu_server *server;
static cu_http *http;
static cu_arena *arena;

static void start(void)
{
    setenv("http_proxy", "http://192.0.2.1:1", 1); /* must not be used */
    server = cu_server_new();
    http = cu_http_curl();
    arena = cu_arena_new(0);
}

static void stop(void)
{
    http->vt->close(http);
    cu_server_free(server);
    cu_arena_free(arena);
}

TestSuite(http_curl, .init = start, .fini = stop);

static cu_http_request request(const char *path)
{
    return (cu_http_request){
        .url = cu_arena_printf(arena, "http://127.0.0.1:%d%s",
                               cu_server_port(server), path),
        .user_agent = "cupel-test",
        .allow_private = true,
        .timeout_ms = 60000};
}

static void submit(const cu_http_request *req, uint64_t tag)
{
    cu_err err = {0};
    cr_assert_eq(http->vt->submit(http, req, tag, &err), 0, "%s", err.msg);
}

static cu_http_response *wait_one(void)
{
    cu_http_response *r = NULL;
    cr_assert_eq(http->vt->poll(http, 120000, &r, NULL), 0);
    cr_assert_not_null(r);
    return r;
}

static cu_http_response *fetch(cu_http_request req)
{
    submit(&req, 7);
    cu_http_response *r = wait_one();
    cr_assert_eq(r->tag, 7);
    return r;
}

static void expect_failure(cu_http_request req, cu_code code, uint32_t flags)
{
    cu_http_response *r = fetch(req);
    cr_assert_eq(r->err.code, code, "%s: %s %s", req.url,
                 cu_code_name(r->err.code), r->err.msg);
    cr_assert_eq(r->err.flags, flags, "%s: %s", req.url, r->err.msg);
    http->vt->release(http, r);
}

Test(http_curl, an_answer_has_status_headers_and_body)
{
    cu_http_response *r = fetch(request("/ok"));
    cr_assert_eq(r->err.code, 0, "%s", r->err.msg);
    cr_assert_eq(r->status, 200);
    cr_assert(cu_slice_is(r->body, "hello"));
    cr_assert(cu_slice_is(cu_http_header_get(r, "content-type"), "text/plain"));
    cr_assert(cu_slice_is(cu_http_header_get(r, "x-mixed-case"), "a b"));
    cr_assert_geq(r->elapsed_ms, 0);
    http->vt->release(http, r);
    cr_assert_eq(http->vt->in_flight(http), 0);

    r = fetch(request("/empty"));
    cr_assert_eq(r->status, 204);
    cr_assert(r->body.data && r->body.len == 0);
    http->vt->release(http, r);
}

Test(http_curl, requests_carry_headers_and_agent)
{
    cu_http_header headers[] = {{CU_LIT("X-One"), CU_LIT("1 2")},
                                {CU_LIT("X-Empty"), CU_LIT("")}};
    cu_http_request req = request("/echo?q=1");
    req.headers = headers;
    req.n_headers = 2;
    cu_http_response *r = fetch(req);
    char *text = cu_arena_strn(arena, r->body.data, r->body.len);
    cr_assert_not_null(strstr(text, "GET /echo?q=1 HTTP/1.1\r\n"), "%s", text);
    cr_assert_not_null(strstr(text, "X-One: 1 2\r\n"));
    cr_assert_not_null(strstr(text, "X-Empty:\r\n"));
    cr_assert_not_null(strstr(text, "User-Agent: cupel-test\r\n"));
    cr_assert_not_null(strstr(text, "Accept-Encoding: gzip\r\n"));
    cr_assert_null(strstr(text, "Proxy"));
    http->vt->release(http, r);
}

Test(http_curl, redirects_and_errors_are_answers)
{
    cu_http_response *r = fetch(request("/redirect"));
    cr_assert(r->err.code == 0 && r->status == 302);
    cr_assert(cu_slice_is(cu_http_header_get(r, "location"), "/ok"));
    http->vt->release(http, r);
    r = fetch(request("/busy"));
    cr_assert(r->err.code == 0 && r->status == 503);
    cr_assert_eq(cu_retry_after_ms(cu_http_header_get(r, "retry-after"), 0),
                 7000);
    cr_assert(cu_slice_is(r->body, "busy"));
    http->vt->release(http, r);
}

Test(http_curl, compressed_bodies_come_out_plain)
{
    cu_http_response *r = fetch(request("/gzip"));
    cr_assert_eq(r->err.code, 0, "%s", r->err.msg);
    cr_assert(cu_slice_is(r->body, "hello gzip"));
    http->vt->release(http, r);
}

Test(http_curl, broken_transfers_are_bad_data)
{
    expect_failure(request("/cut"), CU_DATA, CU_RETRY);
    expect_failure(request("/chunkcut"), CU_DATA, CU_RETRY);
    expect_failure(request("/garbage"), CU_DATA, 0);
    expect_failure(request("/badgzip"), CU_DATA, 0);
}

Test(http_curl, unreachable_servers_may_come_back)
{
    expect_failure(request("/reset"), CU_NETWORK, CU_RETRY);
    cu_http_request req = request("/");
    req.url = "http://127.0.0.1:1/";
    expect_failure(req, CU_NETWORK, CU_RETRY);
    req.url = "http://no-such-host.invalid/";
    expect_failure(req, CU_NETWORK, CU_RETRY);
}

Test(http_curl, slow_servers_time_out)
{
    cu_http_request req = request("/slow");
    req.timeout_ms = 100;
    expect_failure(req, CU_TIMEOUT, CU_RETRY);
}

Test(http_curl, limits_hold_after_decompression)
{
    cu_http_request req = request("/big");
    req.max_body_bytes = 50000;
    cu_http_response *r = fetch(req);
    cr_assert(r->err.code == 0 && r->body.len == 50000);
    http->vt->release(http, r);
    req.max_body_bytes = 49999;
    expect_failure(req, CU_LIMIT, 0);
    req = request("/bomb");
    req.max_body_bytes = 50000;
    expect_failure(req, CU_LIMIT, 0);
    expect_failure(request("/manyheaders"), CU_LIMIT, 0);
}

Test(http_curl, private_peers_are_refused)
{
    cu_http_request req = request("/keep");
    req.allow_private = false;
    expect_failure(req, CU_DENIED, 0);
    req.url = cu_arena_printf(arena, "http://localhost:%d/keep",
                              cu_server_port(server));
    expect_failure(req, CU_DENIED, 0);

    /* Not over a connection either that another request may use. */
    req.allow_private = true;
    req.url = request("/keep").url;
    cu_http_response *r = fetch(req);
    cr_assert(r->err.code == 0 && cu_slice_is(r->body, "kept"));
    http->vt->release(http, r);
    req.allow_private = false;
    expect_failure(req, CU_DENIED, 0);
}

Test(http_curl, bad_requests_are_refused_at_once)
{
    static const char *const urls[] = {
        "ftp://example.org/x", "file:///x", "no url", "http://",
        "http://a b/",         ""};
    cu_err err = {0};
    cu_http_request req = {.user_agent = "x"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        req.url = urls[i];
        cr_assert_eq(http->vt->submit(http, &req, 1, &err), CU_USAGE, "%s",
                     urls[i]);
    }
    cu_http_header bad = {CU_LIT("X"), CU_LIT("1\r\nY: 2")};
    req.url = "http://example.org/";
    req.headers = &bad;
    req.n_headers = 1;
    cr_assert_eq(http->vt->submit(http, &req, 1, &err), CU_USAGE);
    cr_assert_eq(http->vt->in_flight(http), 0);
}

Test(http_curl, messages_keep_secrets_out)
{
    cu_http_request req = request("/");
    req.url = "http://user:secret@127.0.0.1:1/path?token=secret#secret";
    cu_http_response *r = fetch(req);
    cr_assert_eq(r->err.code, CU_NETWORK);
    cr_assert_not_null(strstr(r->err.msg, "http://127.0.0.1/path"), "%s",
                       r->err.msg);
    cr_assert_null(strstr(r->err.msg, "secret"));
    http->vt->release(http, r);
}

Test(http_curl, several_are_in_flight_and_none_blocks_another)
{
    cu_http_request slow = request("/slow"), ok = request("/ok");
    submit(&slow, 1);
    for (uint64_t i = 2; i < 6; i++)
        submit(&ok, i);
    cr_assert_eq(http->vt->in_flight(http), 5);
    uint64_t seen = 0;
    for (int i = 0; i < 4; i++) {
        cu_http_response *r = wait_one();
        cr_assert_eq(r->err.code, 0);
        seen |= UINT64_C(1) << r->tag;
        http->vt->release(http, r);
    }
    cr_assert_eq(seen, 0x3c);
    cr_assert_eq(http->vt->in_flight(http), 1);
    cu_http_response *r = NULL;
    cr_assert_eq(http->vt->poll(http, 20, &r, NULL), 0);
    cr_assert_null(r, "the slow one is still waiting; close() cancels it");
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

Test(http_curl, an_idle_poll_waits_its_time)
{
    cu_http_response *r = NULL;
    double before = seconds();
    cr_assert_eq(http->vt->poll(http, 50, &r, NULL), 0);
    cr_assert_null(r);
    cr_assert_geq(seconds() - before, 0.045);
}
