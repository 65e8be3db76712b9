/* Views whose rows change partition while their key stays. */
#include "tests/unit/engine/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* The join is by c1, the view's key is c0: the old row of a key and the new
 * one come from different partitions of the exchange. */
static const char sql[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE t (c0 bigint OPTIONS (key 'true') PRIMARY KEY, c1 "
    "bigint) SERVER k OPTIONS (topic 't', format 'json', mode 'upsert', "
    "key_format 'text', partitions '4');"
    "CREATE MATERIALIZED VIEW v AS SELECT a.c0, a.c1, b.c1 AS other FROM t a "
    "LEFT JOIN t b ON b.c0 = a.c1;";

enum { KEYS = 30, ROUNDS = 30 };

static unsigned draw(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return 10 + (*seed >> 16) % (KEYS - 10); /* sorted as text */
}

static void upsert(rig *r, unsigned key, unsigned value)
{
    cu_err err = {0};
    cu_writer *w;
    cu_arena *a = cu_arena_new(0);
    char k[16], v[32];
    snprintf(k, sizeof(k), "%u", key);
    snprintf(v, sizeof(v), "{\"c1\": %u}", value);
    cr_assert_eq(r->log->vt->writer_open(r->log, "feeder", &w, &err), 0);
    cr_assert_eq(w->vt->begin(w, &err), 0);
    cu_record rec = {.part = {"t", (int32_t)(key % 4)},
                     .timestamp_ms = cu_wall_us(r->env) / 1000,
                     .key = cu_slice_of(k),
                     .value = cu_slice_of(v)};
    cr_assert_eq(cu_log_append(w, &rec, &err), 0, "%s", err.msg);
    cr_assert_eq(w->vt->commit(w, 1000, a, NULL, &err), 0);
    w->vt->writer_close(w);
    cu_arena_free(a);
}

/* One worker hears many changes before the other hears any. */
static void step_unevenly(rig *r, unsigned n)
{
    cu_err err = {0};
    bool busy;
    for (unsigned i = 0; i < n; i++) {
        cr_assert_eq(cu_worker_step(r->workers[n % 2], 0, &busy, &err), 0, "%s",
                     err.msg);
        rig_pass_ms(r, 4);
    }
}

Test(keys, an_update_may_come_from_two_partitions)
{
    unsigned last[KEYS], seed = 7;
    char want[KEYS * 24] = "";
    rig r;
    for (unsigned k = 0; k < KEYS; k++)
        last[k] = KEYS; /* absent */
    rig_open_beside(&r, sql, NULL);
    rig_add_worker(&r);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 10; i++) {
            unsigned k = draw(&seed);
            last[k] = draw(&seed);
            upsert(&r, k, last[k]);
        }
        step_unevenly(&r, round);
    }
    rig_drain(&r);
    for (unsigned k = 0; k < KEYS; k++) {
        size_t n = strlen(want);
        if (last[k] == KEYS)
            continue;
        if (last[last[k]] == KEYS)
            snprintf(want + n, sizeof(want) - n, "%u %u null\n", k, last[k]);
        else
            snprintf(want + n, sizeof(want) - n, "%u %u %u\n", k, last[k],
                     last[last[k]]);
    }
    cr_expect_str_eq(rig_view(&r, "v"), want);
    rig_close(&r);
}

static const char claims[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;"
    "CREATE FOREIGN TABLE t (c0 bigint OPTIONS (key 'true') PRIMARY KEY, c1 "
    "bigint) SERVER k OPTIONS (topic 't', format 'json', mode 'upsert', "
    "key_format 'text', partitions '4');"
    "CREATE MATERIALIZED VIEW v WITH (primary_key = 'c1') AS SELECT c0, c1 "
    "FROM t;";

/* What the workers say when everything has been read: nothing, or 23505. */
static bool ends_well(rig *r)
{
    cu_err err = {0};
    int rc = 0;
    rig_run(r);
    cu_runtime_end(cu_engine_runtime(r->engine), CU_ENDING_OUTPUT);
    for (uint32_t i = 0; i < r->n_workers && rc == 0; i++)
        rc = cu_worker_commit(r->workers[i], &err);
    if (rc)
        cr_assert_eq(err.sqlstate, CU_SQLSTATE('2', '3', '5', '0', '5'), "%s",
                     err.msg);
    return rc == 0;
}

Test(keys, what_two_rows_claim_when_all_is_read_is_an_error)
{
    rig r;
    rig_open_beside(&r, claims, NULL);
    upsert(&r, 1, 10);
    upsert(&r, 2, 20);
    upsert(&r, 3, 10);
    cr_assert(!ends_well(&r), "1 and 3 both claim 10");
    rig_change(&r, claims, NULL);
    cr_assert(!ends_well(&r), "they do so after a restart");
    rig_change(&r, claims, NULL);
    upsert(&r, 3, 30);
    cr_assert(ends_well(&r));
    cr_expect_str_eq(rig_view(&r, "v"), "1 10\n2 20\n3 30\n");
    rig_close(&r);
}
