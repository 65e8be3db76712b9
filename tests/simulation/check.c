#include "tests/simulation/check.h"

#include "base/alloc.h"
#include "base/map.h"
#include "schemas/codec.h"
#include "tests/simulation/naive.h"

#include <stdarg.h>
#include <stdlib.h>

void sim_fail(sim_world *w, const char *format, ...)
{
    cu_arena *a = cu_arena_new(0);
    va_list ap;
    va_start(ap, format);
    cu_buf_printf(w->why, "%s\n", cu_arena_vprintf(a, format, ap));
    va_end(ap);
    cu_arena_free(a);
    w->failed = true;
}

/* --- views ---------------------------------------------------------------- */

typedef struct gathered {
    sim_rel *rel;
    cu_arena *a;
} gathered;

static int gather(void *ctx, const cu_batch *in, cu_err *err)
{
    (void)err;
    gathered *g = ctx;
    const cu_batch *b = cu_batch_copy(g->a, in);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        cu_value *v = cu_arena_calloc(g->a, b->n_cols, sizeof(*v));
        for (uint32_t k = 0; k < b->n_cols; k++)
            v[k] = cu_batch_value(b, row, k);
        for (int32_t n = cu_batch_weight(b, row); n > 0; n--)
            sim_rel_add(g->rel, g->a, v);
    }
    return 0;
}

/* All laws and workers of a case must say the same: it is computed once. */
static const char *expected(sim_world *w, const cu_view_def *v)
{
    sim_case *c = w->c;
    if (c->expected == NULL)
        c->expected = cu_arena_calloc(c->arena, w->program->n_views,
                                      sizeof(*c->expected));
    if (c->expected[v->index] == NULL) {
        cu_buf b = {0};
        sim_naive_view(c, w->truth, w->truth->views[v->index], w->env, &b);
        c->expected[v->index] = cu_arena_strn(c->arena, b.data ? b.data : "",
                                              b.len);
        cu_buf_free(&b);
    }
    return c->expected[v->index];
}

static cu_slice next_line(const char **text)
{
    const char *end = strchr(*text, '\n');
    cu_slice line = cu_slice_n(*text, end ? (size_t)(end - *text) : 0);
    if (end)
        *text = end + 1;
    return line;
}

/* The lines that only one of two sorted texts has. */
static void put_difference(sim_world *w, const char *have, const char *want)
{
    while (*have || *want) {
        const char *x = have, *y = want;
        cu_slice a = next_line(&x), b = next_line(&y);
        int c = *have && *want ? cu_slice_cmp(a, b) : *have ? -1 : 1;
        if (c < 0)
            sim_fail(w, "  has    %.*s", (int)a.len, a.data);
        if (c > 0)
            sim_fail(w, "  lacks  %.*s", (int)b.len, b.data);
        have = c <= 0 ? x : have;
        want = c >= 0 ? y : want;
    }
}

/* The rows that the view has, as text; false when they are not the naive
 * evaluator's. */
static bool view_agrees(sim_world *w, const cu_view_def *v, cu_arena *a)
{
    cu_err err = {0};
    sim_rel *have = cu_arena_calloc(a, 1, sizeof(*have));
    have->schema = v->schema;
    gathered g = {have, a};
    if (cu_view_scan(w->runtime, v, gather, &g, &err)) {
        sim_fail(w, "view %s cannot be read: %s", v->name, err.msg);
        return false;
    }
    const char *want = expected(w, v);
    cu_buf x = {0};
    sim_rel_print(have, a, &x);
    bool same = cu_slice_eq(cu_buf_slice(&x), cu_slice_of(want));
    if (!same) {
        cu_buf_put_u8(&x, 0);
        sim_fail(w, "view %s", v->name);
        put_difference(w, x.data, want);
    }
    cu_buf_free(&x);
    return same;
}

/* --- topics --------------------------------------------------------------- */

/* Calls `take` for every committed record of a topic, whatever has failed
 * before: what is told next must be true. */
static void each_record(sim_world *w, const char *topic, int32_t partitions,
                        void (*take)(void *ctx, const cu_record *r), void *ctx)
{
    cu_err err = {0};
    for (int32_t p = 0; p < partitions; p++) {
        cu_position at = {{topic, p}, 0};
        cu_reader_opts o = {.parts = &at, .n_parts = 1};
        cu_reader *r;
        if (w->log->vt->reader_open(w->log, &o, &r, &err)) {
            sim_fail(w, "%s cannot be read: %s", topic, err.msg);
            return;
        }
        cu_poll poll;
        for (;;) {
            if (cu_log_poll(r, 0, &poll, &err)) {
                sim_fail(w, "%s: %s", topic, err.msg);
                break;
            }
            for (size_t i = 0; poll.kind == CU_POLL_RECORDS && i < poll.n; i++)
                take(ctx, &poll.records[i]);
            if (poll.kind == CU_POLL_END || poll.kind == CU_POLL_IDLE)
                break;
        }
        r->vt->reader_close(r);
    }
}

typedef struct folded {
    cu_map *last; /* key -> value text */
    cu_arena *a;
    const char **values; /* of null keys */
    uint32_t n, cap;
} folded;

static void add_value(folded *f, const char *text)
{
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        const char **more = cu_arena_calloc(f->a, f->cap, sizeof(*more));
        if (f->n)
            memcpy(more, f->values, f->n * sizeof(*more));
        f->values = more;
    }
    f->values[f->n++] = text;
}

static void fold(void *ctx, const cu_record *r)
{
    folded *f = ctx;
    char *text = r->value.data
                     ? cu_arena_strn(f->a, r->value.data, r->value.len)
                     : NULL;
    if (r->key.data == NULL) {
        add_value(f, text);
        return;
    }
    bool fresh;
    *cu_map_put(f->last, r->key, &fresh) = text;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int encode_rows(void *ctx, const cu_batch *b, cu_err *err)
{
    (void)err;
    folded *f = ctx;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        cu_buf text = {0};
        cu_json_encode_row(b, row, NULL, 0, &text);
        for (int32_t n = cu_batch_weight(b, row); n > 0; n--)
            add_value(f, cu_arena_strn(f->a, text.data, text.len));
        cu_buf_free(&text);
    }
    return 0;
}

/* An independent reader that folds the silver topic has the view. */
static void topic_agrees(sim_world *w, const cu_view_def *v, cu_arena *a)
{
    const cu_stages *stages = cu_runtime_stages(w->runtime);
    const cu_stage *s = cu_stages_of_view(stages, v);
    cu_err err = {0};
    folded have = {.last = cu_map_new(), .a = a}, want = {.a = a};
    each_record(w, v->topic, s->partitions, fold, &have);
    size_t at = 0;
    cu_slice key;
    void *text;
    while (cu_map_next(have.last, &at, &key, &text))
        if (text)
            add_value(&have, text);
    cu_map_free(have.last);
    cu_view_scan(w->runtime, v, encode_rows, &want, &err);
    bool same = have.n == want.n;
    if (have.n)
        qsort(have.values, have.n, sizeof(*have.values), by_text);
    if (want.n)
        qsort(want.values, want.n, sizeof(*want.values), by_text);
    for (uint32_t i = 0; same && i < have.n; i++)
        same = strcmp(have.values[i], want.values[i]) == 0;
    if (!same)
        sim_fail(w,
                 "topic %s folds to %u rows, the view has %u, or they "
                 "differ",
                 v->topic, have.n, want.n);
}

typedef struct letters {
    cu_map *seen;
    uint32_t n, repeated;
} letters;

static void take_letter(void *ctx, const cu_record *r)
{
    letters *l = ctx;
    if (cu_record_header(r, "cupel.error.table").data == NULL)
        return; /* a view's letter */
    cu_slice p = cu_record_header(r, "__streams.errors.partition");
    cu_slice o = cu_record_header(r, "__streams.errors.offset");
    cu_buf id = {0};
    cu_buf_put_lslice(&id, cu_record_header(r, "__streams.errors.topic"));
    cu_buf_put_lslice(&id, p);
    cu_buf_put_lslice(&id, o);
    bool fresh;
    cu_map_put(l->seen, cu_buf_slice(&id), &fresh);
    l->n++;
    l->repeated += !fresh;
    cu_buf_free(&id);
}

/* Is the table read at all? Nobody judges what nobody reads. */
static bool is_read(sim_world *w, const char *table)
{
    const cu_stages *s = cu_runtime_stages(w->runtime);
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t k = 0; k < s->at[i]->n_feeds; k++)
            if (s->at[i]->feeds[k].table &&
                strcmp(s->at[i]->feeds[k].table->name, table) == 0)
                return true;
    return false;
}

static void letters_agree(sim_world *w)
{
    letters l = {.seen = cu_map_new()};
    each_record(w, "sim.dlq", 1, take_letter, &l);
    cu_map_free(l.seen);
    bool read[SIM_TABLES];
    uint32_t want = 0;
    for (int i = 0; i < SIM_TABLES; i++)
        read[i] = is_read(w, sim_tables[i]);
    for (uint32_t i = 0; i < w->c->n_records; i++)
        want += w->c->records[i].bad && read[w->c->records[i].table];
    if (l.repeated)
        sim_fail(w, "%u dead letters stand there twice", l.repeated);
    if (l.n != want)
        sim_fail(w, "%u dead letters, but %u bad records", l.n, want);
}

void sim_check(sim_world *w)
{
    cu_arena *a = cu_arena_new(0);
    for (uint32_t i = 0; i < w->program->n_views; i++) {
        const cu_view_def *v = w->program->views[i];
        if (!v->has_topic && !(v->shared && cu_view_keeps(v)))
            continue; /* nobody asked for it, or it is nowhere */
        if (view_agrees(w, v, a) && v->topic)
            topic_agrees(w, v, a);
    }
    letters_agree(w);
    cu_arena_free(a);
}
