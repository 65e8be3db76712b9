/* The http collector in a simulated world: pages, passes, schedule. */
#include "tests/unit/producers/site.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define ALL "a0 a2 a4 b0 b2 b4"

static void expect_pages(cu_world *w, const char *pages)
{
    cr_assert_str_eq(cu_site_pages(w), pages);
}

static void pass(cu_world *w)
{
    if (!w->c)
        cu_world_start(w);
    cu_world_must_pass(w);
}

Test(http, a_pass_publishes_every_page_below_the_total)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    expect_pages(&w, ALL);
    cr_assert_str_eq(s.agent, "tests (me@example.org)");
    cu_collector_counts n = cu_world_counts(&w);
    cr_assert_eq(n.requests, 6);
    cr_assert_eq(n.retries, 0);
    cr_assert_eq(n.records, 6);
    cr_assert_eq(n.planned, 6);
    cr_assert_eq(n.done, 6);
    cu_world_close(&w);
}

Test(http, a_record_is_the_body_and_says_where_it_came_from)
{
    cu_http_source o = cu_site_source();
    static const char *const items[] = {"a b/ü"};
    cu_for_each each = {"item", items, 1};
    cu_site s = {.total = 1};
    cu_world w;
    o.for_each = &each;
    cu_site_open(&s, &w, 1, &o);
    cu_env_sim_advance(w.env, 1234567);
    pass(&w);
    cr_assert_str_eq(
        cu_world_topic(&w, "bronze.t",
                       "param.item,param.page_offset,url,fetched_at"),
        "a b/ü|0|http://site.test/s/a%20b%2F%C3%BC?o=0|"
        "2024-01-01T00:00:01.234567Z|"
        "{\"i\":\"a%20b%2F%C3%BC\",\"e\":1,\"total\":1,\"rows\":[0]}\n");
    cr_assert_eq(strlen(cu_world_topic(&w, "bronze.t", "hash")) > 17, 1);
    cu_world_close(&w);
}

Test(http, for_each_lists_are_combined)
{
    cu_http_source o = cu_site_source();
    static const char *const x[] = {"1", "2"}, *const y[] = {"p", "q", "r"};
    cu_for_each each[] = {{"x", x, 2}, {"y", y, 3}};
    cu_site s = {.total = 1};
    cu_world w;
    o.for_each = each;
    o.n_for_each = 2;
    o.path = "/s/{x}{y}";
    o.concurrency = 1;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    char all[200] = "";
    for (int i = 1; i <= s.n; i++)
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%.2s ",
                 s.urls[i] + strlen("http://site.test/s/"));
    cr_assert_str_eq(all, "1p 1q 1r 2p 2q 2r ");
    cu_world_close(&w);
}

Test(http, names_that_nothing_fills_are_refused)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_err err = {0};
    o.params = "o={page_offset}&x={nothing}";
    cu_site_open(&s, &w, 1, &o);
    w.opts.log = w.log;
    w.opts.client = w.client;
    cr_assert_eq(cu_collector_open(&w.opts, &w.c, &err), CU_USAGE);
    cr_assert(strstr(err.msg, "{nothing}"));
    cr_assert_null(w.c);
    cu_world_close(&w);
}

Test(http, the_total_is_read_again_on_each_page)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.total = 3, .totals = {3, 7, 7, 5}};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    expect_pages(&w, "a0 a2 a4 a6 b0 b2 b4 b6");
    cu_world_close(&w);
}

Test(http, a_shrunken_total_ends_the_item_and_discards_what_is_ahead)
{
    for (unsigned seed = 1; seed < 20; seed++) {
        cu_http_source o = cu_site_source();
        cu_site s = {.total = 9, .totals = {9, 3}};
        cu_world w;
        o.concurrency = 6;
        cu_site_open(&s, &w, seed, &o);
        pass(&w);
        expect_pages(&w, "a0 a2 b0 b2");
        cu_world_close(&w);
    }
}

Test(http, an_item_without_rows_is_one_page)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.totals = {0}};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    s.total = 0;
    pass(&w);
    expect_pages(&w, "a0 b0");
    cu_world_close(&w);
}

Test(http, pages_stay_in_order_whatever_the_order_of_answers)
{
    for (unsigned seed = 1; seed < 20; seed++) {
        cu_http_source o = cu_site_source();
        cu_site s = {.total = 30};
        cu_world w;
        o.concurrency = 1 + seed % 8;
        cu_site_open(&s, &w, seed, &o);
        pass(&w);
        expect_pages(&w, "a0 a2 a4 a6 a8 a10 a12 a14 a16 a18 a20 a22 a24 a26 "
                         "a28 b0 b2 b4 b6 b8 b10 b12 b14 b16 b18 b20 b22 b24 "
                         "b26 b28");
        cr_assert_eq(s.n, 30);
        cu_world_close(&w);
    }
}

Test(http, a_second_pass_publishes_what_changed)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    cu_collector_start_pass(w.c);
    pass(&w);
    expect_pages(&w, ALL);
    cr_assert_eq(cu_world_counts(&w).unchanged, 6);
    cu_world_restart(&w); /* a new process passes again */
    pass(&w);
    expect_pages(&w, ALL);
    cr_assert_eq(cu_world_counts(&w).unchanged, 6);
    s.edition = 2;
    cu_world_restart(&w);
    pass(&w);
    expect_pages(&w, "a0 a2 a4 a0e2 a2e2 a4e2 b0 b2 b4 b0e2 b2e2 b4e2");
    cu_world_close(&w);
}

Test(http, pages_that_are_no_more_leave_the_cursor)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    s.total = 1;
    cu_collector_start_pass(w.c);
    pass(&w);
    s.total = 5; /* they come back, and are news */
    cu_collector_start_pass(w.c);
    pass(&w);
    expect_pages(&w, "a0 a2 a4 a0 a0 a2 a4 b0 b2 b4 b0 b0 b2 b4");
    cu_world_close(&w);
}

Test(http, the_schedule_says_when_the_next_pass_begins)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_collect_state state;
    int64_t wake;
    cu_err err = {0};
    o.every_ms = 60000;
    cu_site_open(&s, &w, 1, &o);
    cu_world_start(&w);
    int64_t start = cu_mono_us(w.env);
    pass(&w);
    for (int i = 0; i < 3; i++) {
        CU_OK_(cu_collector_step(w.c, 10, &state, &wake, &err), &err);
        cr_assert_eq(state, CU_COLLECT_PASSED);
        cr_assert_eq(wake, start + 60000000);
    }
    cr_assert_eq(s.n, 6);
    cu_buf text = {0};
    cu_collector_status(w.c, &text);
    cr_assert_eq(strncmp(text.data, "passed; next pass in ", 21), 0);
    cu_buf_free(&text);
    w.env->vt->sleep_us(w.env, wake - cu_mono_us(w.env));
    pass(&w);
    cr_assert_eq(s.n, 12);
    cu_world_close(&w);
}

Test(http, without_a_schedule_there_is_one_pass)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_collect_state state;
    int64_t wake = 7;
    cu_err err = {0};
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    CU_OK_(cu_collector_step(w.c, 10, &state, &wake, &err), &err);
    cr_assert_eq(state, CU_COLLECT_PASSED);
    cr_assert_eq(wake, 0);
    cu_world_close(&w);
}

Test(http, a_page_without_paginator_is_any_body)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.type = "text/plain"};
    cu_world w;
    o.paginator = CU_PAGE_NONE;
    o.params = NULL;
    o.total_path = o.items_path = NULL;
    o.n_require = 0;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    cu_world_restart(&w);
    pass(&w);
    cr_assert_str_eq(
        cu_world_topic(&w, "bronze.t", "param.item,param.page_offset,url"),
        "a|-|http://site.test/s/a|{\"i\":\"a\",\"e\":1,\"total\":"
        "5,\"rows\":[0,1]}\n"
        "b|-|http://site.test/s/b|{\"i\":\"b\",\"e\":1,\"total\":"
        "5,\"rows\":[0,1]}\n");
    cu_world_close(&w);
}

Test(http, pages_of_an_item_share_a_partition)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    w.opts.partitions = 3;
    pass(&w);
    const char *all = cu_world_topic(&w, "bronze.t", "param.item");
    char order[8] = "";
    for (int i = 0; *all; i++, all = strchr(all, '\n') + 1)
        order[i] = *all;
    cr_assert(!strcmp(order, "aaabbb") || !strcmp(order, "bbbaaa"));
    cu_world_close(&w);
}

Test(http, a_limit_stops_and_the_pass_goes_on_later)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    o.concurrency = 1;
    cu_site_open(&s, &w, 1, &o);
    w.opts.limit = 2;
    pass(&w);
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 2);
    w.opts.limit = 0;
    cu_world_restart(&w);
    pass(&w);
    expect_pages(&w, ALL);
    cr_assert_eq(cu_world_counts(&w).records, 4);
    cr_assert_eq(cu_world_counts(&w).unchanged, 0);
    cu_world_close(&w);
}

Test(http, a_dry_run_tells_requests_and_publishes_nothing)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.total = 1};
    cu_world w;
    o.concurrency = 1;
    cu_site_open(&s, &w, 1, &o);
    w.opts.dry_run = true;
    cu_world_listen(&w);
    pass(&w);
    cu_buf_put_u8(&w.told, 0);
    cr_assert_str_eq(w.told.data,
                     "GET http://site.test/s/a?o=0\n"
                     "{\"i\":\"a\",\"e\":1,\"total\":1,\"rows\":[0]}\n"
                     "GET http://site.test/s/b?o=0\n"
                     "{\"i\":\"b\",\"e\":1,\"total\":1,\"rows\":[0]}\n");
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 0);
    cr_assert_eq(cu_world_records(&w, "app.collectors"), 0);
    cu_world_close(&w);
}

Test(http, the_status_line_says_what_it_waits_for)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.faults = {[2] = "429:7"}};
    cu_world w;
    cu_collect_state state = CU_COLLECT_WORKING;
    int64_t wake;
    cu_err err = {0};
    cu_buf text = {0};
    o.concurrency = 1;
    cu_site_open(&s, &w, 1, &o);
    cu_world_start(&w);
    while (s.n < 2 || state != CU_COLLECT_WAITING) {
        CU_OK_(cu_collector_step(w.c, 10, &state, &wake, &err), &err);
        cr_assert_neq(state, CU_COLLECT_PASSED);
        if (s.n < 2 && state == CU_COLLECT_WAITING)
            w.env->vt->sleep_us(w.env, wake - cu_mono_us(w.env));
    }
    cu_collector_status(w.c, &text);
    cu_buf_put_u8(&text, 0);
    cr_assert_str_eq(text.data, "page 2 of 3 of a; waits 7 s (429)");
    cu_buf_free(&text);
    cu_world_close(&w);
}

Test(http, the_cursor_is_one_record_per_page_in_a_compacted_topic)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.total = 3};
    cu_world w;
    static const char *const items[] = {"a"};
    cu_for_each each = {"item", items, 1};
    o.for_each = &each;
    o.concurrency = 1;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    const char *all = cu_world_topic(&w, "app.collectors", "");
    char want[400];
    cr_assert_eq(cu_world_records(&w, "app.collectors"), 3);
    snprintf(want, sizeof(want), "{\"v\":1,\"pass\":1,\"hash\":\"%.16s",
             all + strlen("{\"v\":1,\"pass\":1,\"hash\":\""));
    cr_assert_eq(strncmp(all, want, strlen(want)), 0);
    cr_assert(strstr(all, "{\"v\":1,\"pass\":1,\"done\":true}\n"));
    cu_world_close(&w);
}
