/* The http collector when things go wrong: faults, waits, redirects, kills. */
#include "tests/unit/producers/site.h"

#include <criterion/criterion.h>
#include <stdio.h>

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

static const char *letters(cu_world *w)
{
    return cu_world_topic(w, "app.dlq",
                          "param.item,param.page_offset,attempt,status,"
                          "error.code");
}

/* --- what is tried again -------------------------------------------------- */

Test(faults, what_may_pass_is_tried_again)
{
    static const char *const all[] = {
        "500",  "502",     "503",  "429",   "408",     "timeout", "cut",
        "html", "badjson", "soft", "empty", "missing", "refuse"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        cu_http_source o = cu_site_source();
        cu_site s = {.faults = {[1] = all[i], [4] = all[i], [5] = all[i]}};
        cu_world w;
        cu_site_open(&s, &w, i, &o);
        pass(&w);
        expect_pages(&w, ALL);
        cr_assert_eq(cu_world_counts(&w).retries, 3, "%s", all[i]);
        cr_assert_eq(cu_world_counts(&w).requests, 9);
        cr_assert_eq(cu_world_records(&w, "app.dlq"), 0);
        cu_world_close(&w);
    }
}

Test(faults, what_stays_wrong_becomes_a_letter_with_all_a_replay_needs)
{
    static const struct {
        const char *fault, *letter;
        int requests;
    } all[] = {
        {"403", "a|2|1|403|CU403|<html>no</html>\n", 1},
        {"404", "a|2|1|404|CU404|<html>no</html>\n", 1},
        {"422", "a|2|1|422|CU422|<html>no</html>\n", 1},
        {"204", "a|2|1|204|CU204|<html>no</html>\n", 1},
        {"big", "a|2|1|0|54000|\n", 1},
        {"500", "a|2|4|500|CU500|<html>no</html>\n", 4},
        {"429", "a|2|4|429|CU429|<html>no</html>\n", 4},
        {"timeout", "a|2|4|0|CU013|\n", 4},
        {"cut", "a|2|4|0|CU014|\n", 4},
        {"html", "a|2|4|200|CU011|<html>no</html>\n", 4},
        {"badjson", "a|2|4|200|22032|{\"i\":\"a\",\"e\":1,\"tot\n", 4},
        {"soft",
         "a|2|4|200|CU010|{\"i\":\"a\",\"e\":1,\"total\":null,\"rows\":[2,3]}"
         "\n",
         4},
        {"empty",
         "a|2|4|200|CU010|{\"i\":\"a\",\"e\":1,\"total\":5,\"rows\":[]}\n", 4},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        cu_http_source o = cu_site_source();
        cu_site s = {.bad_end = "a?o=2", .bad_fault = all[i].fault};
        cu_world w;
        cu_site_open(&s, &w, i, &o);
        pass(&w);
        expect_pages(&w, "a0 a4 b0 b2 b4");
        cr_assert_str_eq(letters(&w), all[i].letter, "%s: %s", all[i].fault,
                         letters(&w));
        cr_assert_eq(cu_world_counts(&w).requests, 5 + all[i].requests);
        cr_assert_eq(cu_world_counts(&w).dead_letters, 1);
        cr_assert_eq(cu_world_counts(&w).done, 6);
        cu_world_close(&w);
    }
}

Test(faults, a_letter_names_table_stage_url_and_message)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.bad_end = "b?o=4", .bad_fault = "403"};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    cr_assert_str_eq(
        cu_world_topic(&w, "app.dlq",
                       "url,error.stage,error.table,error.app,error.message,"
                       "__streams.errors.message"),
        "http://site.test/s/b?o=4|collect|t|app|"
        "http://site.test/s/b?o=4: the answer is HTTP status 403 (attempt 1)|"
        "http://site.test/s/b?o=4: the answer is HTTP status 403 (attempt 1)|"
        "<html>no</html>\n");
    cu_world_close(&w);
}

Test(faults, a_first_page_that_fails_ends_its_item_and_no_other)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    s.bad_end = "a?o=0";
    s.bad_fault = "500";
    cu_world_restart(&w);
    pass(&w);
    cr_assert_eq(cu_world_counts(&w).unchanged, 3);
    cr_assert_eq(cu_world_counts(&w).dead_letters, 1);
    s.bad_end = NULL; /* its pages are still known */
    cu_world_restart(&w);
    pass(&w);
    expect_pages(&w, ALL);
    cr_assert_eq(cu_world_counts(&w).unchanged, 6);
    cu_world_close(&w);
}

Test(faults, a_body_too_large_for_the_topic_is_a_letter)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_err err = {0};
    cu_site_open(&s, &w, 1, &o);
    cu_topic_spec small = {
        .name = "bronze.t", .partitions = 1, .max_record_bytes = 300};
    CU_OK_(w.log->vt->topic_ensure(w.log, &small, &err), &err);
    pass(&w);
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 0);
    cr_assert_eq(cu_world_counts(&w).dead_letters, 6);
    cr_assert_eq(strncmp(letters(&w), "a|0|1|200|54000|{\"i\":\"a\"", 23), 0);
    cu_world_close(&w);
}

/* --- waiting -------------------------------------------------------------- */

Test(waits, requests_keep_the_distance_of_the_rate)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.total = 20};
    cu_world w;
    o.rate_per_s = 2;
    o.concurrency = 4;
    cu_site_open(&s, &w, 3, &o);
    pass(&w);
    cr_assert_eq(s.n, 20);
    cr_assert_eq(w.waited_us, 19 * 500000);
    cu_world_close(&w);
}

Test(waits, retry_after_holds_all_requests_back)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.faults = {[2] = "429:30", [5] = "503:90"}};
    cu_world w;
    cu_site_open(&s, &w, 3, &o);
    pass(&w);
    expect_pages(&w, ALL);
    int64_t longest = 0;
    for (int i = 3; i <= s.n; i++) {
        int64_t gap = s.at_us[i] - s.at_us[i - 1];
        longest = gap > longest ? gap : longest;
    }
    cr_assert(w.waited_us >= 120 * 1000000 && w.waited_us < 121 * 1000000);
    cr_assert(longest >= 90 * 1000000);
    cu_world_close(&w);
}

Test(waits, backoff_doubles_to_its_cap_with_full_jitter)
{
    int64_t least = INT64_MAX, most = 0;
    for (unsigned seed = 1; seed <= 40; seed++) {
        cu_http_source o = cu_site_source();
        cu_site s = {.bad_end = "o=0", .bad_fault = "500"};
        cu_world w;
        o.retries = 6;
        o.concurrency = 1;
        static const char *const items[] = {"a"};
        cu_for_each each = {"item", items, 1};
        o.for_each = &each;
        cu_site_open(&s, &w, seed, &o);
        pass(&w);
        /* 1 + 2 + 3 + 3 + 3 + 3 seconds at most */
        cr_assert(w.waited_us <= 15 * 1000000);
        least = w.waited_us < least ? w.waited_us : least;
        most = w.waited_us > most ? w.waited_us : most;
        for (int i = 2; i <= s.n; i++)
            cr_assert(s.at_us[i] - s.at_us[i - 1] <= 3001000);
        cu_world_close(&w);
    }
    cr_assert(least < 6 * 1000000);
    cr_assert(most > 9 * 1000000);
}

/* --- outages -------------------------------------------------------------- */

Test(outage, a_server_that_is_not_there_is_an_error_to_retry)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.all = "refuse"};
    cu_world w;
    cu_err err = {0};
    cu_site_open(&s, &w, 1, &o);
    cu_world_start(&w);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(cu_world_pass(&w, &err), CU_NETWORK);
        cr_assert(err.flags & CU_RETRY);
        cr_assert(strstr(err.msg, "check"));
    }
    cr_assert_eq(cu_world_records(&w, "app.dlq"), 0);
    s.all = NULL; /* it comes back */
    pass(&w);
    expect_pages(&w, ALL);
    cu_world_close(&w);
}

Test(outage, in_the_middle_of_a_pass_loses_nothing)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.total = 20};
    cu_world w;
    cu_err err = {0};
    cu_site_open(&s, &w, 1, &o);
    for (int i = 8; i < 20; i++)
        s.faults[i] = "refuse";
    cu_world_start(&w);
    cr_assert_eq(cu_world_pass(&w, &err), CU_NETWORK);
    size_t before = cu_world_records(&w, "bronze.t");
    cr_assert(before >= 5 && before <= 7);
    while ((err = (cu_err){0}, cu_world_pass(&w, &err)))
        cr_assert_eq(err.code, CU_NETWORK);
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 20);
    cr_assert_eq(cu_world_records(&w, "app.dlq"), 0);
    cu_world_close(&w);
}

Test(outage, a_page_that_alone_is_not_answered_is_a_letter)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.total = 40, .bad_end = "a?o=0", .bad_fault = "refuse"};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    o.rate_per_s = 2;
    pass(&w);
    cr_assert_eq(strncmp(letters(&w), "a|0|4|0|08006|", 14), 0);
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 20);
    cu_world_close(&w);
}

Test(outage, a_bad_certificate_is_not_tried_again)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.all = "tls"};
    cu_world w;
    cu_err err = {0};
    o.concurrency = 1;
    cu_site_open(&s, &w, 1, &o);
    cu_world_start(&w);
    cr_assert_eq(cu_world_pass(&w, &err), CU_NETWORK);
    cr_assert_eq(s.n, 1);
    cu_world_close(&w);
}

Test(outage, a_refused_private_address_is_final)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.all = "deny"};
    cu_world w;
    cu_err err = {0};
    cu_site_open(&s, &w, 1, &o);
    cu_world_start(&w);
    cr_assert_eq(cu_world_pass(&w, &err), CU_DENIED);
    cr_assert_eq(err.flags & CU_RETRY, 0);
    cu_world_close(&w);
}

/* --- redirects ------------------------------------------------------------ */

Test(redirects, lead_on_within_the_host)
{
    static const struct {
        const char *fault, *url;
    } all[] = {
        {"301:/s/x?o=0", "http://site.test/s/x?o=0"},
        {"302:http://site.test/s/x?o=0#part", "http://site.test/s/x?o=0"},
        {"303:x?o=0", "http://site.test/s/x?o=0"},
        {"307:?o=0&again", "http://site.test/s/a?o=0&again"},
        {"308:https://site.test/s/x?o=0", "https://site.test/s/x?o=0"},
        {"301://www.site.test/s/x?o=0", "http://www.site.test/s/x?o=0"},
        {"301:HTTP://SITE.TEST:80/s/x?o=0", "HTTP://SITE.TEST:80/s/x?o=0"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        cu_http_source o = cu_site_source();
        cu_site s = {.faults = {[1] = all[i].fault}, .total = 1};
        cu_world w;
        o.concurrency = 1;
        cu_site_open(&s, &w, 1, &o);
        pass(&w);
        cr_assert_str_eq(s.urls[2], all[i].url);
        cr_assert_eq(cu_world_records(&w, "bronze.t"), 2, "%s", all[i].fault);
        cr_assert_eq(cu_world_counts(&w).retries, 0);
        cu_world_close(&w);
    }
}

Test(redirects, elsewhere_are_letters)
{
    static const char *const all[] = {
        "301:http://other.test/s/a",
        "301:http://site.test.evil/s/a",
        "301:http://evilsite.test/s/a",
        "301:ftp://site.test/s/a",
        "301:http://site.test:8080/s/a",
        "301:http://test/s/a",
        "301:http:///s/a",
        "301:/s/a b",
        "301:http://site.test@other.test/s/a",
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        cu_http_source o = cu_site_source();
        cu_site s = {.bad_end = "a?o=0", .bad_fault = all[i], .total = 1};
        cu_world w;
        cu_site_open(&s, &w, 1, &o);
        pass(&w);
        cr_assert_eq(strncmp(letters(&w), "a|0|1|301|CU012|", 16), 0, "%s",
                     all[i]);
        cr_assert_eq(s.n, 2, "%s", all[i]);
        cu_world_close(&w);
    }
}

Test(redirects, from_https_to_http_and_in_circles_end)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.bad_end = "a?o=0", .total = 1};
    cu_world w;
    o.url = "https://site.test";
    s.bad_fault = "301:http://site.test/s/a?o=0";
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    cr_assert_eq(strncmp(letters(&w), "a|0|1|301|CU012|", 16), 0);
    cu_world_close(&w);
    o = cu_site_source();
    s = (cu_site){.bad_end = "a?o=0", .total = 1};
    s.bad_fault = "301:/s/a?o=0";
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    cr_assert_eq(s.n, 7); /* six for a, one for b */
    cr_assert(strstr(cu_world_topic(&w, "app.dlq", "error.message"),
                     "more than 5 redirects"));
    cu_world_close(&w);
}

Test(redirects, to_another_host_drop_own_headers)
{
    cu_http_source o = cu_site_source();
    cu_header secret = {CU_LIT("x-key"), CU_LIT("hush")};
    cu_site s = {.faults = {[1] = "301:http://www.site.test/s/a?o=0"},
                 .total = 1};
    cu_world w;
    static const char *const items[] = {"a"};
    cu_for_each each = {"item", items, 1};
    o.for_each = &each;
    o.headers = &secret;
    o.n_headers = 1;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    cr_assert_eq(s.n, 2);
    cr_assert_eq(s.headers, 0);
    s.faults[1] = NULL;
    cu_world_restart(&w);
    pass(&w);
    cr_assert_eq(s.headers, 1);
    cu_world_close(&w);
}

/* --- kills and failures of the log ---------------------------------------- */

Test(kills, at_each_fault_point_every_page_is_published_once)
{
    static const char *const points[] = {
        "collect_before_commit", "collect_after_commit", "log_before_commit",
        "log_after_commit"};
    for (unsigned hit = 1; hit <= 8; hit++) {
        for (int i = 0; i < 4; i++) {
            cu_http_source o = cu_site_source();
            cu_site s = {0};
            cu_world w;
            cu_site_open(&s, &w, hit, &o);
            cu_env_sim_faults(w.env, 0, points[i], hit);
            cu_world_pass_killed(&w);
            expect_pages(&w, ALL);
            cu_world_close(&w);
        }
    }
}

Test(kills, a_killed_pass_goes_on_where_it_was)
{
    cu_http_source o = cu_site_source();
    cu_site s = {.total = 20};
    cu_world w;
    o.concurrency = 1;
    cu_site_open(&s, &w, 4, &o);
    cu_env_sim_faults(w.env, 0, "collect_after_commit", 12);
    cr_assert_eq(cu_world_pass_killed(&w), 1);
    cr_assert_eq(cu_world_records(&w, "bronze.t"), 20);
    cr_assert(s.n <= 22); /* at most what was in flight came again */
    cr_assert_eq(cu_world_counts(&w).unchanged, 0);
    cr_assert_eq(cu_world_counts(&w).done, 20);
    cu_world_close(&w);
}

Test(kills, and_faults_under_many_seeds_give_each_page_once_in_order)
{
    int kills = 0;
    for (unsigned seed = 1; seed <= 40; seed++) {
        cu_http_source o = cu_site_source();
        cu_site s = {.total = 24, .per_mille = 250};
        cu_world w;
        o.concurrency = 1 + seed % 5;
        o.retries = 40;
        cu_site_open(&s, &w, seed, &o);
        cu_env_sim_faults(w.env, 120, NULL, 0);
        kills += cu_world_pass_killed(&w);
        expect_pages(&w, "a0 a2 a4 a6 a8 a10 a12 a14 a16 a18 a20 a22 b0 b2 b4 "
                         "b6 b8 b10 b12 b14 b16 b18 b20 b22");
        cr_assert_eq(cu_world_records(&w, "app.dlq"), 0);
        cu_world_close(&w);
    }
    cr_assert(kills > 40);
}

Test(kills, in_a_pass_over_known_pages_publish_nothing)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_site_open(&s, &w, 1, &o);
    pass(&w);
    for (unsigned hit = 1; hit <= 5; hit++) {
        cu_world_stop(&w);
        cu_env_sim_faults(w.env, 0, "collect_after_commit", hit);
        cu_world_pass_killed(&w);
    }
    expect_pages(&w, ALL);
    cu_world_close(&w);
}

Test(kills, a_letter_is_written_once)
{
    for (unsigned hit = 1; hit <= 6; hit++) {
        cu_http_source o = cu_site_source();
        cu_site s = {.bad_end = "a?o=2", .bad_fault = "404"};
        cu_world w;
        cu_site_open(&s, &w, hit, &o);
        cu_env_sim_faults(w.env, 0, "collect_after_commit", hit);
        cu_world_pass_killed(&w);
        expect_pages(&w, "a0 a4 b0 b2 b4");
        cr_assert_eq(cu_world_records(&w, "app.dlq"), 1);
        cu_world_close(&w);
    }
}

Test(kills, a_full_disk_is_an_error_and_nothing_is_lost)
{
    for (unsigned n = 1; n <= 4; n++) {
        cu_http_source o = cu_site_source();
        cu_site s = {0};
        cu_world w;
        cu_err err = {0};
        o.concurrency = 1;
        cu_site_open(&s, &w, 1, &o);
        cu_world_start(&w);
        cu_kv_memory_fail_write(w.kv, n, CU_FULL);
        cr_assert_eq(cu_world_pass(&w, &err), CU_FULL);
        pass(&w);
        expect_pages(&w, ALL);
        cu_world_close(&w);
    }
}

Test(kills, a_newer_owner_fences_the_older_one_for_good)
{
    cu_http_source o = cu_site_source();
    cu_site s = {0};
    cu_world w;
    cu_err err = {0};
    cu_site_open(&s, &w, 1, &o);
    cu_world_start(&w);
    cu_collector *older = w.c;
    w.c = NULL;
    cu_http *client = w.client;
    cu_site s2 = {0};
    cu_world other;
    cu_site_open(&s2, &other, 2, &o);
    w.client = other.client;
    cu_world_start(&w);
    cu_collector *newer = w.c;
    w.c = older;
    cr_assert_eq(cu_world_pass(&w, &err), CU_FENCED);
    cr_assert_eq(err.flags & CU_RETRY, 0);
    cu_collector_close(older);
    w.c = newer;
    s2.w = &w;
    pass(&w);
    expect_pages(&w, ALL);
    cu_collector_close(w.c);
    w.c = NULL;
    w.client = client;
    cu_world_close(&w);
    cu_world_close(&other);
}
