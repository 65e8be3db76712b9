#include "tests/oracle/ours.h"

#include "base/assert.h"

#include <stdio.h>

enum { MOST_FUNCS = 1024 };

struct cu_ours {
    cu_env *env;
    cu_kv *kv;
    cu_log *log;
    cu_program *program;
    cu_engine *engine;
};

static uint32_t uses[MOST_FUNCS];
static bool sabotage;

/* --- opening -------------------------------------------------------------- */

void cu_ours_know_zones(void)
{
    static const char *const names[] = {"Europe/Oslo",  "America/New_York",
                                        "Asia/Kolkata", "Australia/Sydney",
                                        "PST8PDT",      "Asia/Kathmandu"};
    cu_env *real = cu_env_real(false);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const cu_zone *zone;
        cu_err err = {0};
        if (cu_zone_open(real, cu_slice_of(names[i]), &zone, &err))
            printf("zone %s: %s\n", names[i], err.msg);
    }
    real->vt->close(real);
}

static int open_engine(cu_ours *o, cu_err *err)
{
    cu_log_local_opts lo = {.kv = o->kv, .env = o->env, .carry_state = true};
    int rc = cu_log_open_local(&lo, &o->log, err);
    if (rc)
        return rc;
    cu_engine_opts eo = {.program = o->program,
                         .env = o->env,
                         .kv = o->kv,
                         .log = o->log,
                         .log_carries_state = true};
    return cu_engine_open(&eo, &o->engine, err);
}

cu_ours *cu_ours_open(void)
{
    cu_ours *o = cu_calloc(1, sizeof(*o));
    cu_arena *a = cu_arena_new(0);
    cu_answer why = {0};
    cu_err err = {0};
    o->env = cu_env_sim(1);
    o->kv = cu_kv_open_memory(1);
    o->program = cu_ours_compile(
        o->env,
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
        "CREATE FOREIGN TABLE t (id bigint) SERVER k OPTIONS (topic 't', "
        "format 'json', mode 'append');\n"
        "CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t;\n",
        a, &why);
    bool good = o->program != NULL;
    if (!good)
        printf("cupel's own frame does not compile: %s\n", why.message);
    if (good && open_engine(o, &err)) {
        printf("cupel's engine does not open: %s\n", err.msg);
        good = false;
    }
    cu_arena_free(a);
    if (good)
        return o;
    cu_ours_close(o);
    return NULL;
}

void cu_ours_close(cu_ours *o)
{
    if (o->engine)
        cu_engine_close(o->engine);
    if (o->log)
        o->log->vt->close(o->log);
    o->kv->vt->close(o->kv);
    if (o->program)
        cu_program_free(o->program);
    o->env->vt->close(o->env);
    cu_free(o);
}

/* --- failures ------------------------------------------------------------- */

static void fail(cu_answer *out, cu_arena *arena, uint32_t state,
                 const char *message)
{
    memset(out, 0, sizeof(*out));
    out->failed = true;
    cu_sqlstate_text(state, out->state);
    out->message = cu_arena_str(arena, message);
}

static void fail_first(cu_answer *out, cu_arena *arena,
                       const cu_sql_problems *problems, const cu_err *err)
{
    for (uint32_t i = 0; i < problems->n; i++)
        if (!problems->at[i].notice) {
            fail(out, arena, problems->at[i].sqlstate, problems->at[i].message);
            return;
        }
    fail(out, arena, err->sqlstate, err->msg);
}

cu_program *cu_ours_compile(cu_env *env, const char *sql, cu_arena *arena,
                            cu_answer *why)
{
    const char *path = "oracle.sql";
    cu_program *program = NULL;
    cu_sql_problems problems = {0};
    cu_err err = {0};
    cu_sql_opts o = {.env = env, .app = "oracle", .paths = &path, .n_paths = 1};
    int rc = env->vt->write_file(env, path, cu_slice_of(sql), &err);
    if (rc == 0)
        rc = cu_sql_compile(&o, &program, &problems, &err);
    if (rc)
        fail_first(why, arena, &problems, &err);
    cu_sql_problems_free(&problems);
    return rc ? NULL : program;
}

/* --- what was bound ------------------------------------------------------- */

static void note_func(const cu_func *f)
{
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    const bool first = f->agg == CU_AGG_FIRST; /* the binder has its own */
    for (uint32_t i = 0; i < n; i++)
        if (all[i] == f || (first && all[i]->agg == f->agg))
            uses[i]++;
}

static void note_expr(const cu_expr *e)
{
    if (e->func)
        note_func(e->func);
    for (uint32_t i = 0; i < e->n_args; i++)
        note_expr(e->args[i]);
}

static bool note_node(void *ctx, cu_node *n)
{
    (void)ctx;
    if (n->kind == CU_N_FILTER)
        note_expr(n->filter.predicate);
    if (n->kind == CU_N_PROJECT)
        for (uint32_t i = 0; i < n->schema->n; i++)
            note_expr(n->project.exprs[i]);
    if (n->kind == CU_N_VALUES)
        for (uint32_t r = 0; r < n->values.n; r++)
            for (uint32_t k = 0; k < n->schema->n; k++)
                note_expr(n->values.rows[r][k]);
    if (n->kind == CU_N_FLATMAP) {
        note_func(n->flatmap.func);
        for (uint32_t i = 0; i < n->flatmap.n_args; i++)
            note_expr(n->flatmap.args[i]);
    }
    if (n->kind == CU_N_AGGREGATE)
        for (uint32_t i = 0; i < n->aggregate.n_calls; i++)
            note_func(n->aggregate.calls[i].func);
    if (n->kind == CU_N_OVER)
        for (uint32_t i = 0; i < n->over.n_calls; i++)
            note_func(n->over.calls[i].func);
    return true;
}

uint32_t cu_ours_uses(uint32_t func)
{
    return func < MOST_FUNCS ? uses[func] : 0;
}

/* --- rows as text --------------------------------------------------------- */

const char *cu_ours_type(cu_type t, cu_arena *arena)
{
    char name[64];
    t.precision = 0;
    t.scale = -1;
    return cu_arena_str(arena, cu_type_name(t, name));
}

static const char *text_of(const cu_value *v, cu_arena *arena)
{
    if (v->null)
        return NULL;
    cu_buf b = {0};
    cu_value_out(v, NULL, &b);
    const char *text = cu_arena_strn(arena, b.data ? b.data : "", b.len);
    cu_buf_free(&b);
    return text;
}

void cu_ours_row(const cu_batch *b, uint32_t row, uint32_t n_cols,
                 cu_arena *arena, const char **cells)
{
    for (uint32_t k = 0; k < n_cols; k++) {
        cu_value v = cu_batch_value(b, row, k);
        cells[k] = text_of(&v, arena);
    }
}

void cu_ours_sabotage(bool on)
{
    sabotage = on;
}

void cu_ours_spoil(cu_answer *a, cu_arena *arena)
{
    static uint32_t answers;
    if (!sabotage || a->failed || a->n_rows == 0 || ++answers % 50)
        return;
    const char **cell = &a->cells[(size_t)a->n_cols * a->n_rows - 1];
    *cell = *cell ? cu_arena_printf(arena, "%s?", *cell) : "?";
}

static void take_result(cu_result *r, cu_arena *arena, cu_answer *out)
{
    const cu_schema *schema = cu_result_schema(r);
    const cu_batch *b;
    uint32_t cap = 0;
    cu_answer_shape(out, arena, schema->n, 0);
    for (uint32_t k = 0; k < schema->n; k++)
        out->types[k] = cu_ours_type(schema->fields[k].type, arena);
    while ((b = cu_result_next(r)) != NULL)
        for (uint32_t i = 0; i < b->n_sel; i++) {
            if (out->n_rows == cap) {
                uint32_t more = cap ? 2 * cap : 16;
                const char **cells = cu_arena_calloc(
                    arena, (size_t)more * schema->n, sizeof(*cells));
                memcpy(cells, out->cells,
                       (size_t)cap * schema->n * sizeof(*cells));
                out->cells = cells;
                cap = more;
            }
            cu_ours_row(b, cu_batch_row(b, i), schema->n, arena,
                        out->cells + (size_t)out->n_rows++ * schema->n);
        }
}

/* --- asking --------------------------------------------------------------- */

static cu_query *bind(cu_ours *o, const char *sql, cu_arena *arena,
                      cu_answer *out)
{
    cu_query *q = NULL;
    cu_sql_problems problems = {0};
    cu_err err = {0};
    memset(out, 0, sizeof(*out));
    if (cu_sql_query(o->program, cu_slice_of(sql), &q, &problems, &err)) {
        fail_first(out, arena, &problems, &err);
        q = NULL;
    } else {
        cu_node_walk(q->copy->view->root, note_node, NULL);
    }
    cu_sql_problems_free(&problems);
    return q;
}

void cu_ours_query(cu_ours *o, const char *sql, cu_arena *arena, cu_answer *out)
{
    cu_query *q = bind(o, sql, arena, out);
    cu_result *r = NULL;
    cu_err err = {0};
    if (q == NULL)
        return;
    if (cu_engine_query(o->engine, q, &r, &err)) {
        fail(out, arena, err.sqlstate, err.msg);
    } else {
        take_result(r, arena, out);
        cu_result_free(r);
    }
    cu_query_free(q);
    cu_ours_spoil(out, arena);
}

typedef struct found {
    cu_node *project, *values;
} found;

static bool find(void *ctx, cu_node *n)
{
    found *f = ctx;
    if (n->kind == CU_N_PROJECT)
        f->project = n; /* children first: the outermost one stays */
    if (n->kind == CU_N_VALUES)
        f->values = n;
    return true;
}

/* The VALUES as a batch of columns, with a dead row between any two. */
static cu_batch *columns(const cu_node *values, uint32_t n, cu_arena *a,
                         cu_err *err)
{
    cu_batch *b = cu_batch_new(a, values->schema, 2 * n);
    uint16_t *sel = cu_arena_calloc(a, n, sizeof(*sel));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = cu_batch_add(b, 1);
        cu_batch_add(b, 1);
        sel[i] = (uint16_t)row;
        for (uint32_t k = 0; k < values->schema->n; k++) {
            cu_value v;
            if (cu_expr_fold(a, values->values.rows[i][k], &v, err))
                return NULL;
            if (!v.null)
                cu_col_set(a, &b->cols[k], row, b->capacity, &v);
        }
    }
    cu_batch_seal(b);
    return cu_batch_select(a, b, sel, n);
}

static void run_rows(const found *f, const cu_batch *b, cu_arena *arena,
                     cu_answer *out)
{
    static cu_row_faults faults;
    const cu_expr_env env = {.zone = cu_zone_utc()};
    cu_env *sim = cu_env_sim(1);
    cu_expr_env with = env;
    with.env = sim;
    cu_err err = {0};
    cu_prog *p = NULL;
    cu_col col;
    if (cu_prog_compile(f->project->project.exprs, 1, b->schema, &with, &p,
                        &err)) {
        for (uint32_t i = 0; i < b->n_sel; i++)
            fail(&out[i], arena, err.sqlstate, err.msg);
        sim->vt->close(sim);
        return;
    }
    cu_prog_run(p, b, arena, &col, &faults);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        memset(&out[i], 0, sizeof(out[i]));
        cu_answer_shape(&out[i], arena, 1, 1);
        out[i].types[0] = cu_ours_type(f->project->project.exprs[0]->type,
                                       arena);
        cu_value v = cu_col_value(&col, row);
        out[i].cells[0] = text_of(&v, arena);
        for (uint32_t k = 0; k < faults.n; k++)
            if (faults.at[k].row == row)
                fail(&out[i], arena, faults.at[k].sqlstate,
                     faults.at[k].message);
        cu_ours_spoil(&out[i], arena);
    }
    cu_prog_free(p);
    sim->vt->close(sim);
}

void cu_ours_rows(cu_ours *o, const char *sql, uint32_t n, cu_arena *arena,
                  cu_answer *out)
{
    cu_query *q = bind(o, sql, arena, &out[0]);
    cu_err err = {0};
    if (q == NULL) {
        for (uint32_t i = 1; i < n; i++)
            out[i] = out[0];
        return;
    }
    found f = {0};
    cu_node_walk(q->copy->view->root, find, &f);
    const cu_batch *b = NULL;
    if (f.project && f.values && f.values->values.n == n &&
        f.project->inputs[0] == f.values)
        b = columns(f.values, n, arena, &err);
    if (b == NULL)
        for (uint32_t i = 0; i < n; i++)
            fail(&out[i], arena, err.sqlstate,
                 err.sqlstate ? err.msg : "the plan is no PROJECT of VALUES");
    else
        run_rows(&f, b, arena, out);
    cu_query_free(q);
}
