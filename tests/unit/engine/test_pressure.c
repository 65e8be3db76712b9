/* Short of memory: what is pending is committed, nothing more is read until it
 * is over, and nothing is lost.  Shortage that does not end makes it slow. */
#include "tests/unit/engine/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define SQL                                                               \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"                         \
    "CREATE FOREIGN TABLE t (g int, n int) SERVER k OPTIONS (topic 't', " \
    "format 'json', partitions '2');"                                     \
    "CREATE MATERIALIZED VIEW v AS SELECT g, sum(n) AS n FROM t GROUP BY g;"

static bool as_told(void *ctx)
{
    return ((rig *)ctx)->short_of_memory;
}

static void open_rig(rig *r, bool beside)
{
    if (beside)
        rig_open_beside(r, SQL, NULL);
    else
        rig_open(r, SQL, NULL);
    r->pressed = as_told;
    rig_kill(r);
    rig_run(r);
}

static void feed(rig *r, int n)
{
    char text[64];
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof(text), "{\"g\":%d,\"n\":1}", i % 3);
        rig_feed(r, "t", i % 2, text);
    }
}

/* For so many milliseconds. */
static void steps(rig *r, int ms)
{
    for (int i = 0; i < ms; i++) {
        cu_err err = {0};
        bool busy;
        cr_assert_eq(cu_worker_step(r->workers[0], 0, &busy, &err), 0, "%s",
                     err.msg);
        rig_pass_ms(r, 1);
    }
}

static int64_t applied(rig *r)
{
    return atomic_load(&rig_table_counts(r, "t")->applied);
}

static int64_t commits(rig *r)
{
    return atomic_load(
        &cu_runtime_counts(cu_engine_runtime(r->engine))->commits);
}

static void check_pause(bool beside)
{
    rig r;
    open_rig(&r, beside);
    feed(&r, 6);
    rig_run(&r);
    cr_assert_eq(applied(&r), 6);

    feed(&r, 1);
    int64_t before = commits(&r);
    while (commits(&r) == before) /* the interval begins anew */
        steps(&r, 1);
    feed(&r, 1);
    before = commits(&r);
    steps(&r, 3);
    cr_assert_eq(commits(&r), before, "the interval is not over yet");
    r.short_of_memory = true;
    steps(&r, 1);
    cr_assert_eq(commits(&r), before + 1, "and it did not wait for it");

    int64_t had = applied(&r);
    feed(&r, 60);
    steps(&r, 900);
    cr_assert_eq(applied(&r), had, "it reads while memory is short");
    cr_assert_eq(commits(&r), before + 1);
    r.short_of_memory = false;
    rig_run(&r);
    cr_assert_eq(applied(&r), 68);
    cr_assert_str_eq(rig_view(&r, "v"), "0 24\n1 22\n2 22\n");
    cr_assert_eq(
        atomic_load(&cu_runtime_counts(cu_engine_runtime(r.engine))->pauses),
        1);
    rig_close(&r);
}

Test(pressure, commits_then_reads_nothing_until_it_is_over)
{
    check_pause(false);
    check_pause(true);
}

Test(pressure, that_never_ends_makes_it_slow_and_no_more)
{
    rig r;
    open_rig(&r, true);
    r.short_of_memory = true;
    feed(&r, 12);
    rig_kill(&r); /* also while it restores */
    rig_drain(&r);
    cr_assert_str_eq(rig_view(&r, "v"), "0 4\n1 4\n2 4\n");
    cr_assert_gt(
        atomic_load(&cu_runtime_counts(cu_engine_runtime(r.engine))->pauses),
        1);
    rig_close(&r);
}
