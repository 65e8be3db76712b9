/* The http collector against the Open Library of the tests, over libcurl. */
#include "tests/unit/producers/world.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct library {
    FILE *out;
    pid_t pid;
    int port;
    char url[64];
} library;

/* The script beside this test's source. */
static const char *script(void)
{
    static char path[PATH_MAX];
    const char *here = __FILE__, *at = strstr(here, "tests/unit/");
    snprintf(path, sizeof(path), "%.*stests/openlibrary/server.py",
             (int)(at - here), here);
    return path;
}

static library start(const char *const *more)
{
    library l = {0};
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    l.pid = fork();
    if (l.pid == 0) {
        const char *argv[24] = {"python3", script(), "--port", "0"};
        for (int i = 0; more[i]; i++)
            argv[4 + i] = more[i];
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execvp("python3", (char *const *)argv);
        _exit(127);
    }
    close(fds[1]);
    l.out = fdopen(fds[0], "r");
    cr_assert_eq(fscanf(l.out, "%d", &l.port), 1);
    snprintf(l.url, sizeof(l.url), "http://127.0.0.1:%d", l.port);
    return l;
}

static void stop(library *l)
{
    int status;
    kill(l->pid, SIGTERM);
    waitpid(l->pid, &status, 0);
    fclose(l->out);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const char *const subjects[] = {"science_fiction", "fantasy"};
static const cu_for_each each = {"subject", subjects, 2};
static const char *const required[] = {"$.works", "$.work_count"};

static cu_http_source source(const library *l)
{
    return (cu_http_source){
        .url = l->url,
        .rate_per_s = 1000,
        .concurrency = 2,
        .retries = 5,
        .timeout_ms = 60000, /* no machine stands still for so long */
        .backoff_ms = 5,
        .backoff_max_ms = 20,
        .allow_private = true,
        .path = "/subjects/{subject}.json",
        .params = "limit=50&offset={page_offset}",
        .for_each = &each,
        .n_for_each = 1,
        .paginator = CU_PAGE_OFFSET,
        .limit = 50,
        .total_path = "$.work_count",
        .items_path = "$.works",
        .require = required,
        .n_require = 2,
    };
}

static const char *const as_it_is[] = {NULL};

/* A library, and a collector of it; `s` may be changed until the start. */
typedef struct visit {
    library l;
    cu_http_source s;
    cu_world w;
} visit;

static void visit_open(visit *v, const char *const *more)
{
    v->l = start(more);
    v->s = source(&v->l);
    v->w = cu_world_real();
    v->w.client = cu_http_curl();
    v->w.opts.http = &v->s;
}

static void visit_close(visit *v)
{
    stop(&v->l);
    cu_world_close(&v->w);
}

/* Another library at another address, and a collector that starts again. */
static void visit_again(visit *v, const char *const *more)
{
    v->l = start(more);
    v->s.url = v->l.url;
    cu_world_restart(&v->w);
}

static const char *const all_pages = "science_fiction|0|\nscience_fiction|50|\n"
                                     "science_fiction|100|\nfantasy|0|\n"
                                     "fantasy|50|\n";

/* "subject|offset|" of bronze, item by item. */
static void expect_pages(cu_world *w, const char *expected)
{
    char seen[4096] = "";
    for (int i = 0; i < 2; i++) {
        const char *all = cu_world_topic(w, "bronze.t",
                                         "param.subject,param.page_offset");
        for (const char *p = all; *p; p = strchr(p, '\n') + 1) {
            size_t len = strcspn(p, "{");
            if (!strncmp(p, subjects[i], strlen(subjects[i])))
                snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
                         "%.*s\n", (int)len, p);
        }
    }
    cr_assert_str_eq(seen, expected);
}

/* The first pass, which must find everything. */
static cu_collector_counts visit_all(visit *v)
{
    cu_world_start(&v->w);
    cu_world_must_pass(&v->w);
    expect_pages(&v->w, all_pages);
    return cu_world_counts(&v->w);
}

Test(server, a_pass_collects_every_page_of_every_subject)
{
    visit v;
    visit_open(&v, as_it_is);
    cu_collector_counts n = visit_all(&v);
    cr_assert_eq(n.requests, 5);
    cr_assert_eq(n.records, 5);
    cr_assert_eq(n.planned, 5);
    cr_assert_eq(n.done, 5);
    cu_world_restart(&v.w);
    cu_world_must_pass(&v.w);
    n = cu_world_counts(&v.w);
    cr_assert_eq(n.records, 0);
    cr_assert_eq(n.unchanged, 5);
    visit_close(&v);
}

Test(server, faults_cost_retries_and_nothing_else)
{
    const char *const faults[] = {"--fault", "1=500",     "--fault", "2=cut",
                                  "--fault", "3=429",     "--fault", "4=html",
                                  "--fault", "5=soft",    "--fault", "6=drop",
                                  "--fault", "7=badjson", NULL};
    visit v;
    visit_open(&v, faults);
    cu_collector_counts n = visit_all(&v);
    cr_assert_eq(n.records, 5);
    cr_assert_eq(n.dead_letters, 0);
    /* libcurl itself repeats a request on a connection that was dropped. */
    cr_assert(n.retries == 6 || n.retries == 7);
    visit_close(&v);
}

Test(server, what_hangs_is_given_up_and_asked_again)
{
    const char *const hang[] = {"--fault", "2=hang", NULL};
    visit v;
    visit_open(&v, hang);
    v.s.timeout_ms = 1000;
    v.s.retries = 100; /* a busy machine makes others wait as long */
    cu_collector_counts n = visit_all(&v);
    cr_assert_eq(n.records, 5);
    cr_assert_eq(n.dead_letters, 0);
    cr_assert(n.retries >= 1);
    visit_close(&v);
}

Test(server, soft_failures_and_a_rate_limit_are_waited_out)
{
    const char *const moods[] = {"--soft-failures", "2", "--rate-429", "3",
                                 NULL};
    visit v;
    visit_open(&v, moods);
    v.s.retries = 12;
    cu_collector_counts n = visit_all(&v);
    cr_assert(n.retries >= 10, "two for each of five pages");
    cr_assert_eq(n.dead_letters, 0);
    visit_close(&v);
}

Test(server, the_next_edition_publishes_only_what_changed)
{
    const char *const next[] = {"--edition", "2", NULL};
    visit v;
    visit_open(&v, as_it_is);
    cu_world_start(&v.w);
    cu_world_must_pass(&v.w);
    stop(&v.l);
    visit_again(&v, next);
    cu_world_must_pass(&v.w);
    cu_collector_counts n = cu_world_counts(&v.w);
    cr_assert_eq(n.records + n.unchanged, 5);
    cr_assert(n.records > 0);
    cu_world_restart(&v.w);
    cu_world_must_pass(&v.w);
    cr_assert_eq(cu_world_counts(&v.w).unchanged, 5);
    visit_close(&v);
}

Test(server, an_upper_case_subject_is_found_through_its_redirect)
{
    static const char *const loud[] = {"Fantasy"};
    cu_for_each one = {"subject", loud, 1};
    visit v;
    visit_open(&v, as_it_is);
    v.s.for_each = &one;
    cu_world_start(&v.w);
    cu_world_must_pass(&v.w);
    const char *all = cu_world_topic(&v.w, "bronze.t",
                                     "param.subject,param.page_offset,url");
    char want[200];
    snprintf(want, sizeof(want),
             "Fantasy|0|%s/subjects/fantasy.json?limit=50&offset=0|", v.l.url);
    cr_assert_eq(strncmp(all, want, strlen(want)), 0);
    cr_assert_eq(cu_world_counts(&v.w).requests, 4);
    visit_close(&v);
}

Test(server, a_stopped_server_is_an_outage_and_a_new_one_ends_it)
{
    cu_err err = {0};
    visit v;
    visit_open(&v, as_it_is);
    cu_world_start(&v.w);
    stop(&v.l);
    cr_assert_eq(cu_world_pass(&v.w, &err), CU_NETWORK);
    cr_assert(err.flags & CU_RETRY);
    cr_assert(strstr(err.msg, "/subjects/"), "%s", err.msg);
    visit_again(&v, as_it_is);
    cu_world_must_pass(&v.w);
    expect_pages(&v.w, all_pages);
    visit_close(&v);
}
