#include "tests/unit/engine/rig.h"

#include "base/alloc.h"
#include "rows/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUIET_ROUNDS = 12, MOST_ROUNDS = 5000 };

/* --- opening -------------------------------------------------------------- */

static struct {
    const char *path, *text;
} beside_sql;

void rig_file(const char *path, const char *text)
{
    beside_sql.path = path;
    beside_sql.text = text;
}

static void compile(rig *r, const char *sql, rig_tweak *tweak)
{
    cu_err err = {0};
    cu_sql_problems problems = {0};
    const char *path = "x.sql";
    if (beside_sql.path)
        cr_assert_eq(r->env->vt->write_file(r->env, beside_sql.path,
                                            cu_slice_of(beside_sql.text), &err),
                     0);
    cr_assert_eq(r->env->vt->write_file(r->env, path, cu_slice_of(sql), &err),
                 0);
    cu_sql_opts o = {.env = r->env, .app = "app", .paths = &path, .n_paths = 1};
    int rc = cu_sql_compile(&o, &r->program, &problems, &err);
    cu_buf text = {0};
    for (uint32_t i = 0; i < problems.n; i++)
        cu_sql_problem_print(&problems.at[i], problems.files, problems.n_files,
                             &text);
    cu_buf_put_u8(&text, 0);
    cu_sql_problems_free(&problems);
    cr_assert_eq(rc, 0, "%s", text.data);
    cu_buf_free(&text);
    if (tweak)
        tweak(r->program);
}

static void start(rig *r)
{
    cu_err err = {0};
    cu_log_local_opts lo = {
        .kv = r->kv, .env = r->env, .carry_state = !r->beside};
    cr_assert_eq(cu_log_open_local(&lo, &r->log, &err), 0, "%s", err.msg);
    cu_engine_opts eo = {.program = r->program,
                         .env = r->env,
                         .kv = r->state_kv,
                         .log = r->log,
                         .log_carries_state = !r->beside,
                         .never_idle = r->never_idle,
                         .pressed = r->pressed,
                         .pressed_ctx = r,
                         .as_it_was = r->as_it_was,
                         .commit_interval_ms = 10};
    cr_assert_eq(cu_engine_open(&eo, &r->engine, &err), 0, "%s", err.msg);
    rig_add_worker(r);
}

void rig_stop_workers(rig *r)
{
    while (r->n_workers)
        cu_worker_close(r->workers[--r->n_workers]);
}

static void stop(rig *r)
{
    rig_stop_workers(r);
    cu_engine_close(r->engine);
    r->log->vt->close(r->log);
}

static void open_world(rig *r, const char *sql, rig_tweak *tweak, bool beside)
{
    *r = (rig){.env = cu_env_sim(1), .beside = beside};
    r->arena = cu_arena_new(0);
    r->kv = cu_kv_open_memory(1);
    r->state_kv = beside ? cu_kv_open_memory(2) : r->kv;
    compile(r, sql, tweak);
    start(r);
}

void rig_open(rig *r, const char *sql, rig_tweak *tweak)
{
    open_world(r, sql, tweak, false);
}

void rig_open_beside(rig *r, const char *sql, rig_tweak *tweak)
{
    open_world(r, sql, tweak, true);
}

void rig_close(rig *r)
{
    stop(r);
    if (r->state_kv != r->kv)
        r->state_kv->vt->close(r->state_kv);
    r->kv->vt->close(r->kv);
    cu_program_free(r->program);
    cu_arena_free(r->arena);
    r->env->vt->close(r->env);
}

void rig_kill(rig *r)
{
    stop(r);
    cu_kv_memory_crash(r->kv, false);
    if (r->state_kv != r->kv)
        cu_kv_memory_crash(r->state_kv, true);
    start(r);
}

void rig_wipe(rig *r)
{
    cr_assert(r->beside);
    stop(r);
    cu_kv_memory_crash(r->kv, false);
    r->state_kv->vt->close(r->state_kv);
    r->state_kv = cu_kv_open_memory(2);
    start(r);
}

void rig_change(rig *r, const char *sql, rig_tweak *tweak)
{
    stop(r);
    cu_program_free(r->program);
    compile(r, sql, tweak);
    start(r);
}

void rig_add_worker(rig *r)
{
    cu_err err = {0};
    cr_assert_lt(r->n_workers, RIG_WORKERS);
    int rc = cu_worker_open(cu_engine_runtime(r->engine), r->next_worker++,
                            &r->workers[r->n_workers], &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    r->n_workers++;
}

/* --- what happens --------------------------------------------------------- */

void rig_feed_all(rig *r, const rig_record *records, size_t n)
{
    cu_err err = {0};
    cu_writer *w;
    cu_arena *a = cu_arena_new(0);
    cr_assert_eq(r->log->vt->writer_open(r->log, "feeder", &w, &err), 0);
    cr_assert_eq(w->vt->begin(w, &err), 0);
    for (size_t i = 0; i < n; i++) {
        cu_record rec = {.part = {records[i].topic, records[i].partition},
                         .timestamp_ms = cu_wall_us(r->env) / 1000,
                         .value = cu_slice_of(records[i].value)};
        cr_assert_eq(cu_log_append(w, &rec, &err), 0, "%s", err.msg);
    }
    cr_assert_eq(w->vt->commit(w, 1000, a, NULL, &err), 0);
    w->vt->writer_close(w);
    cu_arena_free(a);
}

cu_worker *rig_look(rig *r)
{
    cu_err err = {0};
    cu_worker *w;
    rig_stop_workers(r);
    cr_assert_eq(cu_worker_open(cu_engine_runtime(r->engine), 9, &w, &err), 0);
    cu_worker_still(w);
    for (int n = 0; n < 100 && !cu_worker_owns_all(w); n++) {
        bool busy;
        cr_assert_eq(cu_worker_step(w, 0, &busy, &err), 0, "%s", err.msg);
    }
    cr_assert(cu_worker_owns_all(w));
    return w;
}

void rig_feed(rig *r, const char *topic, int32_t partition, const char *value)
{
    rig_feed_all(r, &(rig_record){topic, partition, value}, 1);
}

void rig_pass_ms(rig *r, int64_t ms)
{
    cu_env_sim_advance(r->env, ms * 1000);
}

static bool step(rig *r)
{
    bool any = false;
    for (uint32_t i = 0; i < r->n_workers; i++) {
        cu_err err = {0};
        bool busy;
        int rc = cu_worker_step(r->workers[i], 0, &busy, &err);
        cr_assert_eq(rc, 0, "%s (%s:%d)", err.msg, err.file, err.line);
        any = any || busy;
    }
    rig_pass_ms(r, 4);
    return any;
}

bool rig_crash(rig *r, const char *point)
{
    bool met = false;
    cu_env_sim_faults(r->env, 0, point, 1);
    for (int n = 0; n < 10 * QUIET_ROUNDS && !met; n++) {
        cu_err err = {0};
        bool busy;
        for (uint32_t i = 0; i < r->n_workers && !met; i++)
            met = cu_worker_step(r->workers[i], 0, &busy, &err) != 0;
        cr_assert(!met || err.code == CU_STOPPED, "%s", err.msg);
        rig_pass_ms(r, 4);
    }
    cu_env_sim_faults(r->env, 0, NULL, 0);
    rig_kill(r);
    return met;
}

void rig_run(rig *r)
{
    /* A round hears one input: what came to each of them must be seen. */
    const cu_stages *s = cu_runtime_stages(cu_engine_runtime(r->engine));
    int rounds = QUIET_ROUNDS;
    for (uint32_t i = 0; i < s->n; i++)
        rounds += (int)(s->at[i]->n_feeds * (uint32_t)s->at[i]->partitions);
    for (int quiet = 0, n = 0; quiet < rounds; n++) {
        cr_assert_lt(n, MOST_ROUNDS, "it never becomes quiet");
        quiet = step(r) ? 0 : quiet + 1;
    }
}

static bool all(rig *r, bool (*are)(const cu_worker *))
{
    for (uint32_t i = 0; i < r->n_workers; i++)
        if (!are(r->workers[i]))
            return false;
    return true;
}

static void through(rig *r, bool (*are)(const cu_worker *))
{
    cu_err err = {0};
    cu_drain *d = NULL;
    bool done = false;
    for (int n = 0; !done; n++) {
        cr_assert_lt(n, MOST_ROUNDS, "it never drains");
        if (all(r, are)) {
            if (d == NULL)
                cr_assert_eq(
                    cu_drain_begin(cu_engine_runtime(r->engine), &d, &err), 0);
            cr_assert_eq(cu_drain_done(d, &done, &err), 0, "%s", err.msg);
        }
        if (!done)
            step(r);
    }
    cu_drain_free(d);
}

static void drain(rig *r, cu_ending how)
{
    cu_err err = {0};
    through(r, cu_worker_settled);
    cu_runtime_end(cu_engine_runtime(r->engine), how);
    if (how == CU_ENDING_TIME)
        through(r, cu_worker_ended);
    for (uint32_t i = 0; i < r->n_workers; i++)
        cr_assert_eq(cu_worker_commit(r->workers[i], &err), 0, "%s", err.msg);
}

void rig_drain(rig *r)
{
    drain(r, CU_ENDING_OUTPUT);
}

void rig_drain_final(rig *r)
{
    drain(r, CU_ENDING_TIME);
}

/* --- what came of it ------------------------------------------------------ */

int64_t rig_mark(rig *r, const char *stage, int32_t partition, uint32_t feed)
{
    cu_runtime *rt = cu_engine_runtime(r->engine);
    const cu_stages *all_stages = cu_runtime_stages(rt);
    const cu_stage *s = NULL;
    for (uint32_t i = 0; i < all_stages->n; i++)
        if (strcmp(all_stages->at[i]->name, stage) == 0)
            s = all_stages->at[i];
    cr_assert(s, "no stage %s", stage);
    cu_err err = {0};
    cu_store *store = cu_store_new(r->state_kv, 0);
    cu_space *space;
    cu_progress p;
    bool found;
    uint32_t id = cu_runtime_stage_id(rt, s);
    cr_assert_eq(cu_space_open(store, id, (uint16_t)partition, &space, &err),
                 0);
    cr_assert_eq(cu_space_progress(space, r->arena, &p, &found, &err), 0);
    cr_assert(!found || feed < p.n_marks, "stage %s has %u feeds", stage,
              found ? p.n_marks : 0);
    int64_t mark = found ? p.marks[feed] : INT64_MIN;
    cu_space_close(space);
    cu_store_free(store);
    return mark;
}

int64_t rig_time(const char *timestamptz)
{
    cu_value v;
    cu_err err = {0};
    cu_arena *a = cu_arena_new(0);
    cr_assert_eq(cu_value_in(CU_TYPE(CU_T_TIMESTAMPTZ),
                             cu_slice_of(timestamptz), NULL, a, &v, &err),
                 0);
    cu_arena_free(a);
    return v.i8;
}

typedef struct lines {
    cu_arena *arena;
    const char **at;
    uint32_t n;
} lines;

static void add_line(lines *l, cu_slice text)
{
    l->at = cu_realloc(l->at, (l->n + 1) * sizeof(*l->at));
    l->at[l->n++] = cu_arena_strn(l->arena, text.data, text.len);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *joined(lines *l, bool sorted)
{
    cu_buf out = {0};
    if (sorted && l->n)
        qsort(l->at, l->n, sizeof(*l->at), by_text);
    for (uint32_t i = 0; i < l->n; i++)
        cu_buf_printf(&out, "%s\n", l->at[i]);
    const char *text = cu_arena_strn(l->arena, out.data ? out.data : "",
                                     out.len);
    cu_buf_free(&out);
    cu_free(l->at);
    return text;
}

static int gather(void *ctx, const cu_batch *b, cu_err *err)
{
    (void)err;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        cu_buf text = {0};
        for (uint32_t k = 0; k < b->n_cols; k++) {
            cu_buf_put_str(&text, k ? " " : "");
            if (cu_col_is_null(&b->cols[k], row))
                cu_buf_put_str(&text, "null");
            else
                cu_col_out(&b->cols[k], row, NULL, &text);
        }
        for (int32_t n = cu_batch_weight(b, row); n > 0; n--)
            add_line(ctx, cu_buf_slice(&text));
        cu_buf_free(&text);
    }
    return 0;
}

const char *rig_view(rig *r, const char *view)
{
    cu_err err = {0};
    lines l = {.arena = r->arena};
    const cu_view_def *v = cu_program_view(r->program, view);
    cr_assert(v, "no view %s", view);
    int rc = cu_view_scan(cu_engine_runtime(r->engine), v, gather, &l, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    return joined(&l, true);
}

static int32_t partitions_of(rig *r, const char *topic)
{
    cu_err err = {0};
    cu_topic_list known;
    cr_assert_eq(r->log->vt->topic_list(r->log, r->arena, &known, &err), 0);
    for (size_t i = 0; i < known.n; i++)
        if (strcmp(known.topics[i].name, topic) == 0)
            return known.topics[i].partitions;
    return 0;
}

/* How records are shown. */
typedef void show(const cu_record *r, const char *header, cu_buf *out);

static void show_value(const cu_record *r, const char *header, cu_buf *out)
{
    cu_slice h = header ? cu_record_header(r, header) : CU_NULL_SLICE;
    cu_slice v = r->value;
    if (header)
        cu_buf_printf(out, "%.*s ", h.data ? (int)h.len : 1,
                      h.data ? h.data : "-");
    cu_buf_printf(out, "%.*s", v.data ? (int)v.len : 4,
                  v.data ? v.data : "null");
}

static void show_delta(const cu_record *r, const char *header, cu_buf *out)
{
    cu_slice h = header ? cu_record_header(r, header) : CU_NULL_SLICE;
    if (h.data)
        cu_buf_printf(out, "%s=%.*s ", header, (int)h.len, h.data);
    cu_buf_put_str(out, r->value.data ? "" : "- ");
    cu_buf_put_slice(out, r->value.data ? r->value : r->key);
}

static void read_part(rig *r, cu_position *at, show *shown, const char *header,
                      lines *l)
{
    cu_err err = {0};
    cu_reader *reader;
    cu_reader_opts o = {.parts = at, .n_parts = 1};
    cr_assert_eq(r->log->vt->reader_open(r->log, &o, &reader, &err), 0);
    for (;;) {
        cu_poll p;
        cr_assert_eq(cu_log_poll(reader, 0, &p, &err), 0);
        if (p.kind != CU_POLL_RECORDS)
            break;
        for (size_t i = 0; i < p.n; i++) {
            cu_buf text = {0};
            shown(&p.records[i], header, &text);
            add_line(l, cu_buf_slice(&text));
            cu_buf_free(&text);
            at->next = p.records[i].offset + 1;
        }
    }
    reader->vt->reader_close(reader);
}

const char *rig_topic(rig *r, const char *topic, const char *header)
{
    cu_err err = {0};
    lines l = {.arena = r->arena};
    int32_t n = partitions_of(r, topic);
    for (int32_t p = 0; p < n; p++) {
        cu_position at = {{topic, p}, 0};
        cr_assert_eq(
            r->log->vt->offset_at(r->log, at.part, CU_OLDEST, &at.next, &err),
            0, "%s", err.msg);
        read_part(r, &at, show_value, header, &l);
    }
    return joined(&l, false);
}

const char *rig_deltas(rig *r, const char *topic, const char *header,
                       int64_t next[RIG_PARTITIONS])
{
    lines l = {.arena = r->arena};
    int32_t n = partitions_of(r, topic);
    cr_assert_leq(n, RIG_PARTITIONS);
    for (int32_t p = 0; p < n; p++) {
        cu_position at = {{topic, p}, next[p]};
        read_part(r, &at, show_delta, header, &l);
        next[p] = at.next;
    }
    return joined(&l, false);
}

static int one_key(void *ctx, uint16_t table, cu_slice key, cu_slice value,
                   cu_err *err)
{
    (void)table, (void)key, (void)value, (void)err;
    ++*(uint64_t *)ctx;
    return 0;
}

uint64_t rig_state_keys(rig *r)
{
    uint64_t n = 0;
    cu_err err = {0};
    cu_runtime *rt = cu_engine_runtime(r->engine);
    const cu_stages *all_stages = cu_runtime_stages(rt);
    cu_store *store = cu_store_new(r->state_kv, 0);
    for (uint32_t i = 0; i < all_stages->n; i++)
        for (int32_t p = 0; p < all_stages->at[i]->partitions; p++) {
            cu_space *space;
            uint32_t id = cu_runtime_stage_id(rt, all_stages->at[i]);
            cr_assert_eq(cu_space_open(store, id, (uint16_t)p, &space, &err),
                         0);
            cr_assert_eq(cu_space_each(space, one_key, &n, &err), 0);
            cu_space_close(space);
        }
    cu_store_free(store);
    return n;
}

const cu_view_counts *rig_view_counts(rig *r, const char *view)
{
    const cu_view_def *v = cu_program_view(r->program, view);
    return &cu_runtime_counts(cu_engine_runtime(r->engine))->views[v->index];
}

const cu_table_counts *rig_table_counts(rig *r, const char *table)
{
    const cu_table_def *t = cu_program_table(r->program, table);
    return &cu_runtime_counts(cu_engine_runtime(r->engine))->tables[t->index];
}

cu_view_def *rig_view_def(cu_program *p, const char *name)
{
    for (uint32_t i = 0; i < p->n_views; i++)
        if (strcmp(p->views[i]->name, name) == 0)
            return p->views[i];
    cr_assert_fail("no view %s", name);
    return NULL;
}

cu_table_def *rig_table_def(cu_program *p, const char *name)
{
    for (uint32_t i = 0; i < p->n_tables; i++)
        if (strcmp(p->tables[i]->name, name) == 0)
            return p->tables[i];
    cr_assert_fail("no table %s", name);
    return NULL;
}

typedef struct looking {
    cu_node_kind kind;
    cu_node *found;
} looking;

static bool look(void *ctx, cu_node *n)
{
    looking *l = ctx;
    if (n->kind == l->kind)
        l->found = n;
    return l->found == NULL;
}

cu_node *rig_node(cu_program *p, const char *view, cu_node_kind kind)
{
    looking l = {.kind = kind};
    cu_node_walk(rig_view_def(p, view)->root, look, &l);
    cr_assert(l.found, "no such node in %s", view);
    return l.found;
}
