/* The summary: what came of a run, and that it adds up. */
#include "ops/run.h"

#include "rows/json.h"

#include <sys/resource.h>

void cu_summary_collectors(cu_running *r)
{
    static const char *const names[] = {"collector",  ">requests",  ">retries",
                                        ">published", ">unchanged", ">dead"};
    if (r->n_collecting == 0)
        return;
    cu_arena *a = r->c->arena;
    cu_cells *t = cu_cells_new(a, names, 6);
    for (uint32_t i = 0; i < r->n_collecting; i++) {
        const cu_collector_counts *k = &r->collecting[i].counts;
        const char *row[6] = {r->collecting[i].table->name};
        const int64_t n[5] = {k->requests, k->retries, k->records, k->unchanged,
                              k->dead_letters};
        for (int c = 0; c < 5; c++)
            row[c + 1] = cu_arena_printf(a, "%lld", (long long)n[c]);
        cu_cells_add(t, row);
    }
    cu_cells_print(t, r->c);
}

bool cu_adds_up(const cu_table_counts *k)
{
    return k->in == k->applied + k->late + k->dead;
}

/* False when in != applied + late + dead: a bug, said loudly. */
static bool print_tables(cu_running *r)
{
    static const char *const names[] = {"table", ">in", ">applied", ">late",
                                        ">dead"};
    cu_arena *a = r->c->arena;
    const cu_program *p = r->app->program;
    const cu_counts *counts = cu_runtime_counts(
        cu_engine_runtime(r->app->engine));
    cu_cells *t = cu_cells_new(a, names, 5);
    bool adds_up = true;
    for (uint32_t i = 0; i < p->n_tables; i++) {
        const cu_table_counts *k = &counts->tables[i];
        if (p->tables[i]->is_sink)
            continue;
        const int64_t n[4] = {k->in, k->applied, k->late, k->dead};
        const char *row[5] = {p->tables[i]->name};
        for (int c = 0; c < 4; c++)
            row[c + 1] = cu_arena_printf(a, "%lld", (long long)n[c]);
        adds_up = adds_up && cu_adds_up(k);
        cu_cells_add(t, row);
    }
    cu_cells_print(t, r->c);
    return adds_up;
}

/* Late rows are a column where there can be any. */
static void print_views(cu_running *r)
{
    static const char *const plain[] = {"view", ">published", ">rejected",
                                        "topic"};
    static const char *const timed[] = {"view", ">published", ">rejected",
                                        ">late", "topic"};
    cu_arena *a = r->c->arena;
    const cu_program *p = r->app->program;
    const cu_counts *counts = cu_runtime_counts(
        cu_engine_runtime(r->app->engine));
    bool late = false;
    for (uint32_t i = 0; i < p->n_views; i++)
        late = late || p->views[i]->late_topic;
    cu_cells *t = late ? cu_cells_new(a, timed, 5) : cu_cells_new(a, plain, 4);
    for (uint32_t i = 0; i < p->n_views; i++) {
        const cu_view_def *v = p->views[i];
        const cu_view_counts *k = &counts->views[i];
        uint32_t n = 0;
        if (!v->has_topic && k->letters == 0 && k->late == 0)
            continue;
        const char *row[5] = {v->name};
        row[++n] = cu_arena_printf(a, "%lld", (long long)k->rows);
        row[++n] = cu_arena_printf(a, "%lld", (long long)k->letters);
        if (late)
            row[++n] = cu_arena_printf(a, "%lld", (long long)k->late);
        row[++n] = v->topic || !v->into ? v->topic : v->into->name;
        cu_cells_add(t, row);
    }
    cu_cells_print(t, r->c);
}

static void print_sinks(cu_running *r)
{
    static const char *const names[] = {"sink",      ">written", ">deleted",
                                        ">rejected", ">lag",     "table"};
    cu_arena *a = r->c->arena;
    if (r->n_sinking == 0)
        return;
    cu_cells *t = cu_cells_new(a, names, 6);
    for (uint32_t i = 0; i < r->n_sinking; i++) {
        cu_sink_look k = cu_sinking_look(r, i);
        const int64_t n[4] = {k.written, k.deleted, k.rejected, k.lag};
        const char *row[6] = {k.view->name, [5] = k.view->into->remote};
        for (int c = 0; c < 4; c++)
            row[c + 1] = cu_arena_printf(a, "%lld", (long long)n[c]);
        cu_cells_add(t, row);
    }
    cu_cells_print(t, r->c);
}

/* --- for programs --------------------------------------------------------- */

static void member(cu_buf *b, const char *name, int64_t n)
{
    bool first = b->data[b->len - 1] == '{';
    cu_buf_printf(b, "%s\"%s\":%lld", first ? "" : ",", name, (long long)n);
}

/* {"name": "…" — the numbers follow. */
static void begin(cu_buf *b, const char *key, const char *name)
{
    if (b->len && b->data[b->len - 1] == '}')
        cu_buf_put_u8(b, ',');
    cu_buf_printf(b, "{\"%s\":", key);
    cu_json_put_string(b, cu_slice_of(name));
}

static void json_collectors(cu_running *r, cu_buf *b)
{
    cu_buf_put_str(b, ",\"collectors\":[");
    for (uint32_t i = 0; i < r->n_collecting; i++) {
        const cu_collector_counts *k = &r->collecting[i].counts;
        begin(b, "table", r->collecting[i].table->name);
        member(b, "requests", k->requests);
        member(b, "retries", k->retries);
        member(b, "published", k->records);
        member(b, "unchanged", k->unchanged);
        member(b, "dead", k->dead_letters);
        member(b, "bytes", k->bytes);
        cu_buf_put_u8(b, '}');
    }
    cu_buf_put_u8(b, ']');
}

static bool json_tables(cu_running *r, cu_buf *b)
{
    const cu_program *p = r->app->program;
    const cu_counts *counts = cu_runtime_counts(
        cu_engine_runtime(r->app->engine));
    bool adds_up = true;
    cu_buf_put_str(b, ",\"tables\":[");
    for (uint32_t i = 0; i < p->n_tables; i++) {
        const cu_table_counts *k = &counts->tables[i];
        if (p->tables[i]->is_sink)
            continue;
        begin(b, "table", p->tables[i]->name);
        member(b, "in", k->in);
        member(b, "applied", k->applied);
        member(b, "late", k->late);
        member(b, "dead", k->dead);
        cu_buf_put_u8(b, '}');
        adds_up = adds_up && cu_adds_up(k);
    }
    cu_buf_put_u8(b, ']');
    return adds_up;
}

static void json_views(cu_running *r, cu_buf *b)
{
    const cu_program *p = r->app->program;
    const cu_counts *counts = cu_runtime_counts(
        cu_engine_runtime(r->app->engine));
    cu_buf_put_str(b, ",\"views\":[");
    for (uint32_t i = 0; i < p->n_views; i++) {
        if (!cu_view_is_named(p->views[i]))
            continue;
        begin(b, "view", p->views[i]->name);
        member(b, "published", counts->views[i].rows);
        member(b, "rejected", counts->views[i].letters);
        member(b, "late", counts->views[i].late);
        cu_buf_put_u8(b, '}');
    }
    cu_buf_put_u8(b, ']');
}

static void json_sinks(cu_running *r, cu_buf *b)
{
    cu_buf_put_str(b, ",\"sinks\":[");
    for (uint32_t i = 0; i < r->n_sinking; i++) {
        cu_sink_look k = cu_sinking_look(r, i);
        begin(b, "view", k.view->name);
        member(b, "written", k.written);
        member(b, "deleted", k.deleted);
        member(b, "rejected", k.rejected);
        member(b, "lag", k.lag);
        cu_buf_put_u8(b, '}');
    }
    cu_buf_put_u8(b, ']');
}

static void print_json(cu_running *r, uint32_t n_reports)
{
    const cu_program *p = r->app->program;
    const cu_counts *counts = cu_runtime_counts(
        cu_engine_runtime(r->app->engine));
    struct rusage use = {0};
    cu_buf b = {0};
    begin(&b, "app", r->app->name);
    json_collectors(r, &b);
    bool adds_up = json_tables(r, &b);
    json_views(r, &b);
    json_sinks(r, &b);
    cu_buf_put_str(&b, ",\"reports\":[");
    for (uint32_t i = 0; n_reports && i < p->n_copies; i++) {
        cu_buf_put_str(&b, i ? "," : "");
        cu_json_put_string(&b, cu_slice_of(p->copies[i]->path));
    }
    cu_buf_put_u8(&b, ']');
    getrusage(RUSAGE_SELF, &use);
    member(&b, "commits", counts->commits);
    member(&b, "aborts", counts->aborts);
    cu_buf_printf(&b, ",\"seconds\":%.3f",
                  (double)(cu_mono_us(r->c->env) - r->started_us) / 1e6);
    member(&b, "resident_bytes_max", use.ru_maxrss * 1024);
    cu_buf_printf(&b, ",\"adds_up\":%s}\n", adds_up ? "true" : "false");
    r->c->out->write(r->c->out->ctx, 1, cu_buf_slice(&b));
    cu_buf_free(&b);
}

/* --- for people ----------------------------------------------------------- */

/* Through stream 2: a summary is talk, the data are the reports. */
static void to_talk(void *ctx, int stream, cu_slice bytes)
{
    cu_out *o = ctx;
    (void)stream;
    o->write(o->ctx, 2, bytes);
}

void cu_summary_print(cu_running *r, uint32_t n_reports)
{
    cu_out *real = r->c->out;
    cu_out talk = {.write = to_talk, .ctx = real};
    const cu_program *p = r->app->program;
    struct rusage use = {0};
    if (r->c->o.output == CU_OUT_JSON || r->c->o.output == CU_OUT_JSONL) {
        print_json(r, n_reports);
        return;
    }
    if (r->c->o.quiet)
        return;
    r->c->out = &talk;
    cu_summary_collectors(r);
    bool adds_up = print_tables(r);
    print_views(r);
    print_sinks(r);
    if (!adds_up)
        cu_say(&talk, "error: the rows do not add up (in = applied + late + "
                      "dead); please report this\n");
    for (uint32_t i = 0; n_reports && i < p->n_copies; i++)
        cu_say(&talk, "report %s\n", p->copies[i]->path);
    getrusage(RUSAGE_SELF, &use);
    double s = (double)(cu_mono_us(r->c->env) - r->started_us) / 1e6;
    cu_say(&talk, "%.2f s, %.0f MB resident at most\n", s,
           (double)use.ru_maxrss / 1024);
    r->c->out = real;
}
