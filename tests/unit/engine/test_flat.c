/* An endless stream of windows: the state stays as small as it was.
 *
 * 200,000 windows of a hop, and as many rows as the other views need; with
 * CUPEL_LONG=1 in the environment a million. */
#include "tests/unit/engine/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* Each row is in ten windows of the hop, and they are no other row's. */
enum { PER_ROW = 10, STEP = 500 };

static const char sql[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE t (g int, v int, ts timestamptz OPTIONS (watermark "
    "'10 seconds') NOT NULL) SERVER k OPTIONS (topic 't', format 'json');"
    "CREATE MATERIALIZED VIEW hops WITH (retention = '1 minute') AS SELECT "
    "window_start, count(*) AS n, count(DISTINCT g) AS d FROM hop(t, ts, "
    "interval '1 second', interval '10 seconds') GROUP BY 1;"
    "CREATE MATERIALIZED VIEW finals WITH (emit = 'final', retention = '1 "
    "minute') AS SELECT g, window_end, max(v) AS m FROM tumble(t, ts, interval "
    "'10 seconds') GROUP BY 1, 2;"
    "CREATE MATERIALIZED VIEW sessions WITH (retention = '1 minute') AS SELECT "
    "g, window_start, window_end, count(*) AS n FROM session(t, ts, interval "
    "'3 seconds', ARRAY[g]) GROUP BY 1, 2, 3;"
    "CREATE MATERIALIZED VIEW firsts WITH (retention = '1 minute', primary_key "
    "= 'window_end, rn') AS SELECT * FROM (SELECT window_end, v, row_number() "
    "OVER (PARTITION BY window_end ORDER BY v) AS rn FROM tumble(t, ts, "
    "interval '10 seconds')) x WHERE rn <= 2;"
    "CREATE MATERIALIZED VIEW pairs AS SELECT a.v, b.v AS w FROM tumble(t, ts, "
    "interval '10 seconds') a JOIN tumble(t, ts, interval '10 seconds') b "
    "USING (g, window_end);"
    "CREATE MATERIALIZED VIEW near AS SELECT a.v, b.v AS w FROM t a JOIN t b "
    "ON "
    "a.g = b.g AND b.ts BETWEEN a.ts AND a.ts + interval '10 seconds';"
    "CREATE MATERIALIZED VIEW binned WITH (emit = 'final', retention = '1 "
    "minute') AS SELECT date_trunc('minute', ts) AS w, count(*) AS n FROM t "
    "GROUP BY 1;"
    "CREATE MATERIALIZED VIEW shares WITH (retention = '1 minute', primary_key "
    "= 'window_end, v') AS SELECT window_end, v, sum(v) OVER (PARTITION BY "
    "window_end) AS s FROM tumble(t, ts, interval '10 seconds');";

static void feed(rig *r, int from)
{
    static char text[STEP][80];
    rig_record some[STEP];
    for (int i = 0; i < STEP; i++) {
        int64_t at = (int64_t)(from + i) * PER_ROW;
        snprintf(text[i], sizeof(text[i]),
                 "{\"g\": %d, \"v\": %d, \"ts\": \"%04d-01-%02d "
                 "%02d:%02d:%02dZ\"}",
                 i % 7, i, (int)(2000 + at / 86400 / 28),
                 (int)(1 + at / 86400 % 28), (int)(at / 3600 % 24),
                 (int)(at / 60 % 60), (int)(at % 60));
        some[i] = (rig_record){"t", 0, text[i]};
    }
    rig_feed_all(r, some, STEP);
    rig_run(r);
}

Test(flat, the_state_of_an_endless_stream_of_windows)
{
    rig r;
    int rows = (getenv("CUPEL_LONG") ? 1000000 : 200000) / PER_ROW;
    uint64_t most = 0;
    rig_open_beside(&r, sql, NULL);
    feed(&r, 0);
    uint64_t first = rig_state_keys(&r);
    for (int at = STEP; at < rows; at += STEP) {
        feed(&r, at);
        if (at % (8 * STEP))
            continue;
        uint64_t n = rig_state_keys(&r);
        most = n > most ? n : most;
    }
    cr_expect_geq(first, 50);
    cr_expect_lt(most, first + 50, "%llu keys after %llu",
                 (unsigned long long)most, (unsigned long long)first);
    rig_wipe(&r);
    rig_run(&r);
    cr_expect_lt(rig_state_keys(&r), first + 50);
    rig_close(&r);
}
