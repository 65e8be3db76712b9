#include "tests/simulation/world.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"
#include "processors/engine/engine.h"
#include "tests/simulation/check.h"

#include <stdio.h>

enum { MOST_STEPS = 200000, MOST_WORKERS = 3 };

/* Walls count from 1970, times from 2000. */
#define UNIX_2000_US INT64_C(946684800000000)

static uint64_t n_crashes, n_resets;
bool sim_trace;
void (*sim_sabotage)(const cu_program *p);

#define TRACE(...) (sim_trace ? (void)printf(__VA_ARGS__) : (void)0)

uint64_t sim_crashes(void)
{
    return n_crashes;
}

uint64_t sim_resets(void)
{
    return n_resets;
}

static int64_t now_us(const sim_world *w)
{
    return w->env->vt->wall_us(w->env) - UNIX_2000_US;
}

/* --- opening and killing -------------------------------------------------- */

static void open_process(sim_world *w)
{
    cu_err err = {0};
    cu_log_local_opts lo = {
        .kv = w->log_kv, .env = w->env, .carry_state = w->how->carried};
    int rc = cu_log_open_local(&lo, &w->log, &err);
    cu_engine_opts eo = {.program = w->program,
                         .env = w->env,
                         .kv = w->state_kv,
                         .log = w->log,
                         .log_carries_state = w->how->carried,
                         .commit_interval_ms = w->how->commit_ms};
    if (rc == 0)
        rc = cu_engine_open(&eo, &w->engine, &err);
    if (rc)
        sim_fail(w, "the process does not open: %s", err.msg);
    w->runtime = rc ? NULL : cu_engine_runtime(w->engine);
}

static void add_worker(sim_world *w)
{
    cu_err err = {0};
    if (w->n_workers == MOST_WORKERS || w->engine == NULL)
        return;
    int rc = cu_worker_open(cu_engine_runtime(w->engine), w->next_worker++,
                            &w->workers[w->n_workers], &err);
    if (rc)
        sim_fail(w, "a worker does not open: %s", err.msg);
    else
        w->n_workers++;
    TRACE("worker %u joins\n", w->next_worker - 1);
}

static void close_process(sim_world *w)
{
    while (w->n_workers)
        cu_worker_close(w->workers[--w->n_workers]);
    if (w->feeder)
        w->feeder->vt->writer_close(w->feeder);
    w->feeder = NULL;
    if (w->engine)
        cu_engine_close(w->engine);
    w->engine = NULL;
    if (w->log)
        w->log->vt->close(w->log);
    w->log = NULL;
}

/* kill -9: the embedded database keeps what was written; a store that lives
 * beside a broker may lose its last batches (no WAL). */
static void crash(sim_world *w)
{
    n_crashes++;
    TRACE("kill\n");
    close_process(w);
    cu_kv_memory_crash(w->log_kv, false);
    if (w->state_kv != w->log_kv)
        cu_kv_memory_crash(w->state_kv, true);
    open_process(w);
    add_worker(w);
}

/* offsets reset, to where the views began: they are made anew, and come out
 * the same. */
static void reset(sim_world *w)
{
    cu_err err = {0};
    cu_worker *k = NULL;
    bool busy;
    while (w->n_workers)
        cu_worker_close(w->workers[--w->n_workers]);
    TRACE("reset\n");
    int rc = cu_worker_open(cu_engine_runtime(w->engine), w->next_worker++, &k,
                            &err);
    if (rc == 0)
        cu_worker_still(k);
    for (int i = 0; rc == 0 && !cu_worker_owns_all(k) && i < 1000; i++)
        rc = cu_worker_step(k, 0, &busy, &err);
    if (rc == 0)
        rc = cu_worker_reset(k, &(cu_positions){0}, &err);
    if (k)
        cu_worker_close(k);
    if (rc == CU_STOPPED) {
        crash(w);
        return;
    }
    if (rc && rc != CU_BUSY)
        sim_fail(w, "a reset fails: %s (%s:%d)", err.msg, err.file, err.line);
    n_resets += rc == 0;
    add_worker(w);
}

/* --- one thing that happens ----------------------------------------------- */

cu_record sim_record_of(const sim_record *r, cu_header *header)
{
    cu_record out = {.part = {sim_topics[r->table], r->partition},
                     .timestamp_ms = 1000,
                     .key = cu_slice_of(r->key),
                     .value = cu_slice_of(r->value)};
    if (r->snapshot == NULL)
        return out;
    *header = (cu_header){CU_LIT("cupel.snapshot"), cu_slice_of(r->snapshot)};
    out.headers = header;
    out.n_headers = 1;
    out.value = CU_LIT("");
    return out;
}

/* How many records have not come, up to the end of the phase. */
static uint32_t left_to_feed(const sim_world *w)
{
    return w->c->phase_end[w->phase] - w->fed;
}

/* The next records of the case, in order, as one transaction. */
static void feed(sim_world *w, uint32_t n)
{
    cu_err err = {0};
    int rc = 0;
    if (w->feeder == NULL)
        rc = w->log->vt->writer_open(w->log, "feeder", &w->feeder, &err);
    if (rc == 0)
        rc = w->feeder->vt->begin(w->feeder, &err);
    n = n < left_to_feed(w) ? n : left_to_feed(w);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        cu_header header;
        cu_record r = sim_record_of(&w->c->records[w->fed + i], &header);
        rc = cu_log_append(w->feeder, &r, &err);
    }
    cu_arena *a = cu_arena_new(0);
    /* The feeder is another program: our crash points are not its. */
    cu_env_sim_faults(w->env, 0, NULL, 0);
    if (rc == 0)
        rc = w->feeder->vt->commit(w->feeder, 1000, a, NULL, &err);
    cu_env_sim_faults(w->env, w->healing ? 0 : w->how->faults, NULL, 0);
    cu_arena_free(a);
    if (rc)
        sim_fail(w, "the feeder failed: %s", err.msg);
    TRACE("feed %u\n", n);
    w->fed += n;
}

static bool step_worker(sim_world *w, uint32_t at)
{
    cu_err err = {0};
    bool busy, full = !w->healing && sim_chance(&w->rng, w->how->full_percent);
    cu_kv *kv = sim_chance(&w->rng, 50) ? w->log_kv : w->state_kv;
    if (full)
        cu_kv_memory_fail_write(kv, 1, CU_FULL);
    int rc = cu_worker_step(w->workers[at], 0, &busy, &err);
    cu_kv_memory_fail_write(kv, 0, 0);
    if (full)
        TRACE("full disk for worker at %u\n", at);
    if (busy)
        TRACE("worker at %u was busy\n", at);
    if (rc == CU_STOPPED) {
        TRACE("%s\n", err.msg);
        crash(w);
    } else if (rc) {
        sim_fail(w, "a worker stopped: %s (%s:%d)", err.msg, err.file,
                 err.line);
    }
    return busy;
}

static void leave(sim_world *w)
{
    uint32_t at = sim_below(&w->rng, w->n_workers);
    TRACE("worker at %u leaves\n", at);
    cu_worker_close(w->workers[at]);
    w->workers[at] = w->workers[--w->n_workers];
}

/* The clock goes on, but stays well before the end. */
static void let_pass(sim_world *w, int64_t us)
{
    if (now_us(w) + us < SIM_END_US - 100 * INT64_C(1000000))
        cu_env_sim_advance(w->env, us);
}

/* A reset may say late rows a second time, and who counts them counts both:
 * such a pipeline is not set back. */
static bool may_reset(const sim_world *w)
{
    return w->how->reset_percent && w->c->n_phases == 1 &&
           !strstr(w->c->sql, "late_rows(");
}

static void something(sim_world *w)
{
    uint32_t left = left_to_feed(w);
    if (sim_below(&w->rng, 1000) < w->how->crash_percent * 10) {
        crash(w);
    } else if (may_reset(w) && sim_chance(&w->rng, w->how->reset_percent)) {
        reset(w);
    } else if (left && sim_chance(&w->rng, 30)) {
        uint32_t most = w->how->most_feed ? w->how->most_feed : left;
        feed(w, w->how->most_feed ? 1 + sim_below(&w->rng, most) : left);
    } else if (sim_chance(&w->rng, 20)) {
        let_pass(w, 1000 * (1 + sim_below(&w->rng, 60)));
        if (sim_chance(&w->rng, 20))
            let_pass(w, 1000000 * (1 + sim_below(&w->rng, 10)));
    } else if (w->n_workers < w->how->most_workers && sim_chance(&w->rng, 5)) {
        add_worker(w);
    } else if (w->n_workers > 1 && sim_chance(&w->rng, 3)) {
        leave(w);
    } else if (w->n_workers) {
        step_worker(w, sim_below(&w->rng, w->n_workers));
    }
}

/* --- the end: no more faults, everything goes through --------------------- */

static bool drained(sim_world *w, cu_drain *d)
{
    cu_err err = {0};
    bool done = false;
    for (uint32_t i = 0; i < w->n_workers; i++)
        if (!cu_worker_ready(w->workers[i]) ||
            (w->how->reset_percent && !cu_worker_settled(w->workers[i])))
            return false;
    if (cu_drain_done(d, &done, &err))
        sim_fail(w, "drain: %s", err.msg);
    return done;
}

static void commit_all(sim_world *w)
{
    cu_err err = {0};
    for (uint32_t i = 0; !w->failed && i < w->n_workers; i++)
        if (cu_worker_commit(w->workers[i], &err))
            sim_fail(w, "commit: %s", err.msg);
}

/* Until everything that has come has gone through. */
static void settle(sim_world *w)
{
    cu_err err = {0};
    cu_drain *d = NULL;
    if (!w->failed && cu_drain_begin(cu_engine_runtime(w->engine), &d, &err))
        sim_fail(w, "drain: %s", err.msg);
    uint32_t steps = 0;
    while (!w->failed && !drained(w, d)) {
        for (uint32_t i = 0; !w->failed && i < w->n_workers; i++)
            step_worker(w, i);
        if (now_us(w) + 20000 < SIM_END_US)
            cu_env_sim_advance(w->env, 20000);
        if (steps % 16 == 0)
            commit_all(w);
        if (++steps > 20000)
            sim_fail(w, "it never drains: %lld records left",
                     (long long)cu_drain_left(d));
    }
    /* Stages without inputs, and an empty input, still have a first commit. */
    commit_all(w);
    if (d)
        cu_drain_free(d);
}

/* The phase ends: no more faults, all its records are there. */
static void heal(sim_world *w)
{
    w->healing = true;
    cu_env_sim_faults(w->env, 0, NULL, 0);
    while (left_to_feed(w) && !w->failed)
        feed(w, left_to_feed(w));
    settle(w);
}

/* What waits for the clock happens; all stages hear of it, and of the newest
 * watermarks. */
static void end(sim_world *w)
{
    if (!w->failed)
        cu_env_sim_advance(w->env, SIM_END_US - now_us(w));
    for (uint32_t quiet = 0, rounds = 0; quiet < 3 && !w->failed; rounds++) {
        quiet++;
        for (uint32_t i = 0; !w->failed && i < w->n_workers; i++)
            if (step_worker(w, i))
                quiet = 0;
        commit_all(w);
        if (rounds > 1000)
            sim_fail(w, "it never comes to rest");
    }
    settle(w);
}

bool sim_program_of(sim_world *w, cu_program **out)
{
    cu_err err = {0};
    cu_sql_problems problems = {0};
    const char *path = "sim.sql";
    if (w->env->vt->write_file(w->env, path, cu_slice_of(w->c->sql), &err))
        return false;
    cu_sql_opts o = {.env = w->env, .app = "sim", .paths = &path, .n_paths = 1};
    int rc = cu_sql_compile(&o, out, &problems, &err);
    for (uint32_t i = 0; i < problems.n; i++)
        if (!problems.at[i].notice)
            cu_sql_problem_print(&problems.at[i], problems.files,
                                 problems.n_files, w->why);
    cu_sql_problems_free(&problems);
    if (rc)
        sim_fail(w, "the SQL does not compile: %s", err.msg);
    return rc == 0;
}

static void run_phase(sim_world *w)
{
    uint32_t steps = (100 + sim_below(&w->rng, 400)) / w->c->n_phases;
    w->healing = false;
    cu_env_sim_faults(w->env, w->how->faults, NULL, 0);
    for (uint32_t i = 0; i < steps && !w->failed; i++)
        something(w);
    if (!w->failed)
        heal(w);
}

bool sim_run(sim_case *c, const sim_how *how, uint64_t seed, cu_buf *why)
{
    sim_world w = {.c = c, .how = how, .why = why, .rng = {seed}};
    w.env = cu_env_sim(seed);
    w.log_kv = cu_kv_open_memory(seed);
    w.state_kv = how->carried ? w.log_kv : cu_kv_open_memory(seed + 1);
    if (sim_program_of(&w, &w.program) && sim_program_of(&w, &w.truth)) {
        if (sim_sabotage)
            sim_sabotage(w.program);
        open_process(&w);
        add_worker(&w);
        for (; w.phase < c->n_phases && !w.failed; w.phase++)
            run_phase(&w);
        w.phase = c->n_phases - 1;
        end(&w);
        if (!w.failed)
            sim_check(&w);
    }
    close_process(&w);
    if (w.state_kv != w.log_kv)
        w.state_kv->vt->close(w.state_kv);
    w.log_kv->vt->close(w.log_kv);
    if (w.program)
        cu_program_free(w.program);
    if (w.truth)
        cu_program_free(w.truth);
    w.env->vt->close(w.env);
    return !w.failed;
}
