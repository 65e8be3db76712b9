/* cupel's side of a case: the whole engine over a simulated world, fed through
 * the topics of the embedded log. */
#include "base/diag.h"
#include "tests/oracle/ours.h"
#include "tests/oracle/view_case.h"

#include <stdio.h>

enum { MOST_STEPS = 20000, MOST_PIECE = 25 };
#define AFTER_US (INT64_C(900) * 86400 * 1000000)

struct cu_world {
    const cu_case *c;
    cu_rng rng;
    cu_env *env;
    cu_kv *kv;
    cu_log *log;
    cu_program *program;
    cu_engine *engine;
    cu_worker *worker;
    cu_writer *feeder;
    uint32_t fed;
    bool ended;
};

static void say(cu_answer *why, cu_arena *a, const char *what,
                const cu_err *err)
{
    memset(why, 0, sizeof(*why));
    why->failed = true;
    cu_sqlstate_text(err->sqlstate, why->state);
    why->message = cu_arena_printf(a, "%s: %s", what, err->msg);
}

static bool open_engine(cu_world *w, cu_arena *a, cu_answer *why)
{
    cu_err err = {0};
    cu_log_local_opts lo = {.kv = w->kv, .env = w->env, .carry_state = true};
    int rc = cu_log_open_local(&lo, &w->log, &err);
    cu_engine_opts eo = {
        .program = w->program,
        .env = w->env,
        .kv = w->kv,
        .log = w->log,
        .log_carries_state = true,
        .commit_interval_ms = 1 + (int64_t)cu_rng_below(&w->rng, 40)};
    if (rc == 0)
        rc = cu_engine_open(&eo, &w->engine, &err);
    if (rc == 0)
        rc = cu_worker_open(cu_engine_runtime(w->engine), 0, &w->worker, &err);
    if (rc == 0)
        rc = w->log->vt->writer_open(w->log, "feeder", &w->feeder, &err);
    if (rc)
        say(why, a, "the engine does not open", &err);
    return rc == 0;
}

cu_world *cu_world_open(const cu_case *c, cu_arena *a, cu_answer *why)
{
    cu_world *w = cu_calloc(1, sizeof(*w));
    cu_buf sql = {0};
    w->c = c;
    w->rng = (cu_rng){c->seed ^ 0x5555};
    w->env = cu_env_sim(c->seed);
    cu_env_sim_advance(w->env, AFTER_US); /* the clock is behind the data */
    w->kv = cu_kv_open_memory(c->seed);
    cu_case_cupel(c, &sql);
    w->program = cu_ours_compile(w->env, cu_arena_strn(a, sql.data, sql.len), a,
                                 why);
    cu_buf_free(&sql);
    if (w->program && open_engine(w, a, why))
        return w;
    cu_world_close(w);
    return NULL;
}

void cu_world_close(cu_world *w)
{
    if (w->worker)
        cu_worker_close(w->worker);
    if (w->feeder)
        w->feeder->vt->writer_close(w->feeder);
    if (w->engine)
        cu_engine_close(w->engine);
    if (w->log)
        w->log->vt->close(w->log);
    w->kv->vt->close(w->kv);
    if (w->program)
        cu_program_free(w->program);
    w->env->vt->close(w->env);
    cu_free(w);
}

/* --- feeding -------------------------------------------------------------- */

/* The next changes as one transaction. */
static int feed(cu_world *w, uint32_t n, cu_err *err)
{
    int rc = w->feeder->vt->begin(w->feeder, err);
    for (uint32_t i = 0; rc == 0 && i < n; i++, w->fed++)
        if (!w->c->changes[w->fed].left)
            rc = cu_case_append(w->c, &w->c->changes[w->fed], w->feeder, err);
    cu_arena *a = cu_arena_new(0);
    if (rc == 0)
        rc = w->feeder->vt->commit(w->feeder, 1000, a, NULL, err);
    cu_arena_free(a);
    return rc;
}

static int step(cu_world *w, uint32_t n, cu_err *err)
{
    int rc = 0;
    bool busy;
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        rc = cu_worker_step(w->worker, 0, &busy, err);
        cu_env_sim_advance(w->env, 1000 * (int64_t)cu_rng_below(&w->rng, 30));
    }
    return rc;
}

static int drain(cu_world *w, cu_err *err)
{
    cu_drain *d = NULL;
    bool done = false;
    int rc = cu_drain_begin(cu_engine_runtime(w->engine), &d, err);
    for (uint32_t i = 0; rc == 0 && !done && i < MOST_STEPS; i++) {
        rc = step(w, 1, err);
        if (rc == 0)
            rc = cu_drain_done(d, &done, err);
        done = done && (!w->ended || cu_worker_ended(w->worker));
    }
    if (d)
        cu_drain_free(d);
    if (rc == 0 && !done)
        rc = cu_fail(err, CU_TIMEOUT, 0, "it never drains");
    return rc ? rc : cu_worker_commit(w->worker, err);
}

bool cu_world_feed(cu_world *w, uint32_t to, cu_arena *a, cu_answer *why)
{
    cu_err err = {0};
    int rc = 0;
    while (rc == 0 && w->fed < to) {
        uint32_t most = to - w->fed, n = 1 + cu_rng_below(&w->rng, MOST_PIECE);
        rc = feed(w, n < most ? n : most, &err);
        if (rc == 0)
            rc = step(w, cu_rng_below(&w->rng, 8), &err);
    }
    if (rc == 0)
        rc = drain(w, &err);
    if (rc == 0 && w->c->final && to == w->c->n_changes && !w->ended) {
        w->ended = true;
        cu_runtime_end(cu_engine_runtime(w->engine), CU_ENDING_TIME);
        rc = drain(w, &err);
    }
    if (rc)
        say(why, a, "the worker stopped", &err);
    return rc == 0;
}

/* --- looking -------------------------------------------------------------- */

typedef struct gathered {
    cu_answer *out;
    cu_arena *a;
    uint32_t cap;
} gathered;

static void add_row(gathered *g, const cu_batch *b, uint32_t row)
{
    cu_answer *out = g->out;
    if (out->n_rows == g->cap) {
        uint32_t cap = g->cap ? 2 * g->cap : 64;
        const char **more = cu_arena_calloc(g->a, (size_t)cap * out->n_cols + 1,
                                            sizeof(*more));
        memcpy(more, out->cells,
               (size_t)out->n_rows * out->n_cols * sizeof(*more));
        out->cells = more;
        g->cap = cap;
    }
    cu_ours_row(b, row, out->n_cols, g->a,
                out->cells + (size_t)out->n_rows++ * out->n_cols);
}

static int gather(void *ctx, const cu_batch *b, cu_err *err)
{
    (void)err;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        for (int32_t n = cu_batch_weight(b, row); n > 0; n--)
            add_row(ctx, b, row);
    }
    return 0;
}

void cu_world_view(cu_world *w, const char *name, cu_arena *a, cu_answer *out)
{
    const cu_view_def *v = cu_program_view(w->program, name);
    cu_err err = {0};
    memset(out, 0, sizeof(*out));
    cu_answer_shape(out, a, v->schema->n, 0);
    for (uint32_t k = 0; k < v->schema->n; k++)
        out->types[k] = cu_ours_type(v->schema->fields[k].type, a);
    gathered g = {out, a, 0};
    if (cu_view_scan(cu_engine_runtime(w->engine), v, gather, &g, &err))
        say(out, a, "the view cannot be read", &err);
    cu_ours_spoil(out, a);
}
