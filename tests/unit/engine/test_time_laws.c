/* Time must not depend on chance: the same records of each partition, however
 * they are cut, interleaved and interrupted, give the same tables and the same
 * late rows.
 *
 * Rows of one g are in one partition: which session a row joins depends on the
 * rows that came before it, and only a partition has an order. */
#include "tests/unit/engine/rig.h"

#include "base/alloc.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { ROWS = 120, MOST_PARTITIONS = 4, SEEDS = 3 };

static const char server[] = "CREATE SERVER k FOREIGN DATA WRAPPER kafka;";

static const char views[] =
    "CREATE MATERIALIZED VIEW changes AS SELECT window_end, count(*) AS n, "
    "sum(v) AS s, max(v) AS m FROM tumble(t, ts, interval '1 minute') "
    "GROUP BY 1;"
    "CREATE MATERIALIZED VIEW lenient WITH (allowed_lateness = '40 "
    "seconds') AS SELECT g, window_start, count(*) AS n FROM hop(t, ts, "
    "interval '30 seconds', interval '90 seconds') GROUP BY 1, 2;"
    "CREATE MATERIALIZED VIEW once WITH (emit = 'final') AS SELECT g, "
    "window_end, string_agg(v::text, ',' ORDER BY v) AS v FROM cumulate(t, "
    "ts, interval '20 seconds', interval '1 minute') GROUP BY 1, 2;"
    "CREATE MATERIALIZED VIEW binned WITH (emit = 'final') AS SELECT "
    "date_trunc('minute', ts) AS w, count(DISTINCT g) AS n FROM t GROUP BY "
    "1;"
    "CREATE MATERIALIZED VIEW sessions AS SELECT g, window_start, "
    "window_end, count(*) AS n, min(v) AS m FROM session(t, ts, interval "
    "'15 seconds', ARRAY[g]) GROUP BY 1, 2, 3;"
    "CREATE MATERIALIZED VIEW closed WITH (emit = 'final', "
    "allowed_lateness = '20 seconds') AS SELECT g, window_start, "
    "window_end, sum(v) AS s FROM session(t, ts, interval '15 seconds', "
    "ARRAY[g]) GROUP BY 1, 2, 3;"
    "CREATE MATERIALIZED VIEW top WITH (primary_key = 'window_end, rn') AS "
    "SELECT * FROM (SELECT window_end, g, v, row_number() OVER (PARTITION "
    "BY window_end ORDER BY v DESC) AS rn FROM tumble(t, ts, interval '1 "
    "minute')) x WHERE rn <= 2;"
    "CREATE MATERIALIZED VIEW kept WITH (retention = '1 minute') AS SELECT "
    "g, window_end, count(*) AS n FROM tumble(t, ts, interval '30 "
    "seconds') GROUP BY 1, 2;"
    "CREATE MATERIALIZED VIEW pairs AS SELECT a.window_end, count(*) AS n "
    "FROM tumble(t, ts, interval '30 seconds') a JOIN tumble(t, ts, "
    "interval '30 seconds') b ON a.window_end = b.window_end AND a.g = b.g "
    "+ 1 GROUP BY 1;"
    "CREATE MATERIALIZED VIEW above AS SELECT w.window_start, sum(s) AS s, "
    "count(*) AS n FROM tumble((SELECT window_end AS e, s FROM closed), e, "
    "interval '2 minutes') AS w GROUP BY 1;"
    "CREATE MATERIALIZED VIEW late AS SELECT g, v, window_start, "
    "window_end, watermark FROM late_rows(changes);";

static const char *const names[] = {"changes",  "lenient", "once", "binned",
                                    "sessions", "closed",  "top",  "kept",
                                    "pairs",    "above",   "late"};
static const char *const late_topics[] = {
    "app.changes.late",  "app.lenient.late", "app.once.late", "app.binned.late",
    "app.sessions.late", "app.closed.late",  "app.top.late",  "app.kept.late",
    "app.pairs.late",    "app.above.late"};

/* --- chance --------------------------------------------------------------- */

static uint32_t chance(uint64_t *seed, uint32_t n)
{
    *seed = *seed * UINT64_C(6364136223846793005) +
            UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % n;
}

typedef struct input {
    const char *rows[MOST_PARTITIONS][ROWS];
    uint32_t n[MOST_PARTITIONS];
    int32_t partitions;
    cu_arena *arena;
} input;

/* A minute passes in ten rows; one in four is up to two minutes old. */
static void make(input *in, int32_t partitions, uint64_t seed)
{
    int32_t now[MOST_PARTITIONS] = {0};
    *in = (input){.partitions = partitions, .arena = cu_arena_new(0)};
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t p = chance(&seed, (uint32_t)partitions);
        uint32_t g = chance(&seed, 2) * MOST_PARTITIONS + p;
        now[p] += (int32_t)chance(&seed, 12);
        int32_t at = now[p];
        if (chance(&seed, 4) == 0)
            at -= (int32_t)chance(&seed, 120);
        at = at < 0 ? 0 : at;
        in->rows[p][in->n[p]++] = cu_arena_printf(
            in->arena,
            "{\"g\": %u, \"v\": %u, \"ts\": \"2024-01-01 00:%02d:%02dZ\"}", g,
            i, (int)at / 60, (int)at % 60);
    }
}

/* --- a run ---------------------------------------------------------------- */

typedef enum how { AT_ONCE, CUT, KILLED, LOSING, WIPED, HOWS } how;

static void feed(rig *r, const input *in, how h, uint64_t seed)
{
    uint32_t at[MOST_PARTITIONS] = {0}, left = ROWS;
    while (left) {
        rig_record some[ROWS];
        uint32_t n = 0, most = h == AT_ONCE ? ROWS : 1 + chance(&seed, 30);
        while (left && n < most) {
            uint32_t p = chance(&seed, (uint32_t)in->partitions);
            if (at[p] == in->n[p])
                continue;
            some[n++] = (rig_record){"t", (int32_t)p, in->rows[p][at[p]++]};
            left--;
        }
        rig_feed_all(r, some, n);
        if (chance(&seed, 3))
            rig_run(r);
        if (h == KILLED || h == LOSING)
            rig_kill(r);
        else if (h == WIPED)
            rig_wipe(r);
    }
    rig_drain(r);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_sorted(rig *r, const char *topic, cu_buf *out)
{
    const char *text = rig_topic(r, topic, NULL), *lines[ROWS * 2];
    size_t n = 0;
    while (*text) {
        size_t len = strcspn(text, "\n");
        cr_assert_lt(n, sizeof(lines) / sizeof(*lines));
        lines[n++] = cu_arena_strn(r->arena, text, len);
        text += len + 1;
    }
    if (n)
        qsort(lines, n, sizeof(*lines), by_text);
    for (size_t i = 0; i < n; i++)
        cu_buf_printf(out, "%s\n", lines[i]);
}

static void play(const input *in, how h, uint64_t seed, cu_buf *out)
{
    rig r;
    char *sql = cu_arena_printf(
        in->arena,
        "%sCREATE FOREIGN TABLE t (g int, v int, ts timestamptz OPTIONS "
        "(watermark '10 seconds') NOT NULL) SERVER k OPTIONS (topic 't', "
        "format 'json', partitions '%d');%s",
        server, (int)in->partitions, views);
    if (h == LOSING || h == WIPED)
        rig_open_beside(&r, sql, NULL);
    else
        rig_open(&r, sql, NULL);
    feed(&r, in, h, seed);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        cu_buf_printf(out, "%s:\n%s", names[i], rig_view(&r, names[i]));
    for (size_t i = 0; i < sizeof(late_topics) / sizeof(*late_topics); i++) {
        cu_buf_printf(out, "%s:\n", late_topics[i]);
        put_sorted(&r, late_topics[i], out);
    }
    cu_buf_put_u8(out, 0);
    rig_close(&r);
}

/* The line where they part, with the table it is in. */
static void differs(const char *a, const char *b, uint64_t seed, how h)
{
    const char *table = a;
    while (*a && strcspn(a, "\n") == strcspn(b, "\n") &&
           memcmp(a, b, strcspn(a, "\n")) == 0) {
        size_t len = strcspn(a, "\n");
        if (len && a[len - 1] == ':')
            table = a;
        a += len + 1;
        b += len + 1;
    }
    cr_expect_fail("seed %llu, how %d, %.*s\n  %.*s\n  %.*s",
                   (unsigned long long)seed, (int)h, (int)strcspn(table, "\n"),
                   table, (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
}

static void check(int32_t partitions, uint64_t seed)
{
    input in;
    cu_buf first = {0};
    make(&in, partitions, seed);
    play(&in, AT_ONCE, seed, &first);
    for (how h = CUT; h < HOWS; h++) {
        cu_buf other = {0};
        play(&in, h, seed + h, &other);
        if (strcmp(first.data, other.data) != 0)
            differs(first.data, other.data, seed, h);
        cu_buf_free(&other);
    }
    cr_expect(strstr(first.data, "\"watermark\""), "nothing was late");
    cu_buf_free(&first);
    cu_arena_free(in.arena);
}

Test(time_laws, of_one_partition)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        check(1, seed);
}

Test(time_laws, of_four_partitions)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        check(MOST_PARTITIONS, seed);
}
