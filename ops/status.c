/* What a running app says of itself, while it runs.
 *
 * On a terminal one block, redrawn four times a second below whatever else
 * is said: diag lines are caught, the block is wiped, the line is written
 * and the block comes back with the next tick.
 *
 *   library  0:12  48,210 in  3,911/s  lag 120  late 0  dead 2  ...
 *     subject_pages  page 3 of 12 of science_fiction; waits 2 s (429)
 *
 * Without a terminal: the first line every ten seconds.
 */
#include "ops/run.h"

#include "base/alloc.h"
#include "base/diag.h"

#include <stdio.h>

enum { REDRAW_US = 250000, LINE_US = 10000000, RATE_US = 1000000 };

struct cu_status {
    cu_out *out;
    bool block;           /* redrawn; else lines */
    pthread_mutex_t lock; /* of `shown` and of what is written */
    uint32_t shown;       /* lines of the block on the screen */
    int64_t due_us;
    int64_t rate_us, rate_rows; /* when the rate was last taken */
    double rate;
};

/* One screen, and never freed: a thread may be on its way into the sink. */
static struct cu_status screen = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Under the lock. */
static void wipe(struct cu_status *s)
{
    if (s->shown)
        cu_say(s->out, "\033[%uA\033[J", s->shown);
    s->shown = 0;
}

static void on_diag(void *ctx, cu_diag_level level, const char *line)
{
    struct cu_status *s = ctx;
    (void)level;
    pthread_mutex_lock(&s->lock);
    wipe(s);
    s->due_us = 0;
    cu_say(s->out, "%s\n", line);
    pthread_mutex_unlock(&s->lock);
}

const char *cu_grouped(cu_arena *a, int64_t n)
{
    char digits[32], out[48];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
    size_t o = 0;
    for (int i = 0; i < len; i++) {
        if (i && digits[i - 1] != '-' && (len - i) % 3 == 0)
            out[o++] = ',';
        out[o++] = digits[i];
    }
    return cu_arena_strn(a, out, o);
}

cu_table_totals cu_totals(cu_running *r)
{
    const cu_program *p = r->app->program;
    cu_counts *c = cu_runtime_counts(cu_engine_runtime(r->app->engine));
    cu_table_totals t = {0};
    for (uint32_t i = 0; i < p->n_tables; i++) {
        t.in += atomic_load(&c->tables[i].in);
        t.applied += atomic_load(&c->tables[i].applied);
        t.late += atomic_load(&c->tables[i].late);
        t.dead += atomic_load(&c->tables[i].dead);
    }
    for (uint32_t i = 0; i < p->n_views; i++)
        t.late_in_views += atomic_load(&c->views[i].late);
    return t;
}

/* Cut to the width; a cut never goes through a character. */
static void put_line(cu_buf *b, const char *line, int width)
{
    int n = 0;
    for (; *line && n < width; line++) {
        n += (line[1] & 0xC0) != 0x80;
        cu_buf_put_u8(b, (uint8_t)(*line == '\n' ? ' ' : *line));
    }
    cu_buf_put_u8(b, '\n');
}

static char *first_line(cu_running *r, int64_t now, int64_t left, cu_arena *a)
{
    struct cu_status *s = r->status;
    cu_counts *c = cu_runtime_counts(cu_engine_runtime(r->app->engine));
    cu_table_totals t = cu_totals(r);
    if (now - s->rate_us >= RATE_US) {
        s->rate = (double)(t.in - s->rate_rows) * 1e6 /
                  (double)(now - s->rate_us);
        s->rate_us = now;
        s->rate_rows = t.in;
    }
    int64_t secs = (now - r->started_us) / 1000000;
    cu_buf b = {0};
    cu_buf_printf(&b, "%s  %lld:%02lld  %s in  %s/s  lag %s  late %s  dead %s",
                  r->app->name, (long long)(secs / 60), (long long)(secs % 60),
                  cu_grouped(a, t.in), cu_grouped(a, (int64_t)s->rate),
                  cu_grouped(a, atomic_load(&c->lag)),
                  cu_grouped(a, t.late + t.late_in_views),
                  cu_grouped(a, t.dead));
    cu_buf_printf(&b, "  commits %s  %lld MB",
                  cu_grouped(a, atomic_load(&c->commits)),
                  (long long)(cu_resident_bytes(r->c->env) >> 20));
    int64_t aborts = atomic_load(&c->aborts);
    if (aborts)
        cu_buf_printf(&b, "  aborts %s", cu_grouped(a, aborts));
    int64_t restoring = atomic_load(&c->restore_left);
    if (restoring > 0)
        cu_buf_printf(&b, "  restoring, %s to go (%lld MB so far)",
                      cu_grouped(a, restoring),
                      (long long)(atomic_load(&c->restored_bytes) >> 20));
    if (left > 0) {
        cu_buf_printf(&b, "  draining, %s to go", cu_grouped(a, left));
        if (s->rate >= 1)
            cu_buf_printf(&b, " (about %lld s)",
                          (long long)((double)left / s->rate) + 1);
    }
    char *line = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    return line;
}

static char *collector_line(cu_collecting *k, cu_arena *a)
{
    char status[sizeof(k->status)];
    pthread_mutex_lock(&k->lock);
    memcpy(status, k->status, sizeof(status));
    cu_collector_counts n = k->counts;
    pthread_mutex_unlock(&k->lock);
    char *line = cu_arena_printf(a, "  %s  %s", k->table->name,
                                 status[0] ? status : "starting");
    if (n.planned > 0 && n.done < n.planned)
        line = cu_arena_printf(a, "%s  %d%%", line,
                               (int)(100 * n.done / n.planned));
    return line;
}

static char *sink_line(cu_running *r, uint32_t i, cu_arena *a)
{
    cu_sink_look k = cu_sinking_look(r, i);
    char *line = cu_arena_printf(a, "  %s  %s written  %s deleted  lag %s  %s",
                                 k.view->into->name, cu_grouped(a, k.written),
                                 cu_grouped(a, k.deleted), cu_grouped(a, k.lag),
                                 k.status[0] ? k.status : "starting");
    if (k.rejected)
        line = cu_arena_printf(a, "%s  rejected %s", line,
                               cu_grouped(a, k.rejected));
    return line;
}

static void draw(cu_running *r, int64_t now, int64_t left)
{
    struct cu_status *s = r->status;
    cu_arena *a = cu_arena_new(0);
    cu_buf b = {0};
    uint32_t lines = 1;
    put_line(&b, first_line(r, now, left, a), s->out->width - 1);
    for (uint32_t i = 0; i < r->n_collecting; i++, lines++)
        put_line(&b, collector_line(&r->collecting[i], a), s->out->width - 1);
    for (uint32_t i = 0; i < r->n_sinking; i++, lines++)
        put_line(&b, sink_line(r, i, a), s->out->width - 1);
    pthread_mutex_lock(&s->lock);
    wipe(s);
    s->out->write(s->out->ctx, 2, cu_buf_slice(&b));
    s->shown = lines;
    s->due_us = now + REDRAW_US;
    pthread_mutex_unlock(&s->lock);
    cu_buf_free(&b);
    cu_arena_free(a);
}

static void tell(cu_running *r, int64_t now, int64_t left)
{
    cu_arena *a = cu_arena_new(0);
    cu_info("%s", first_line(r, now, left, a));
    for (uint32_t i = 0; i < r->n_collecting; i++)
        cu_debug("%s", collector_line(&r->collecting[i], a));
    for (uint32_t i = 0; i < r->n_sinking; i++)
        cu_info("%s", sink_line(r, i, a));
    r->status->due_us = now + LINE_US;
    cu_arena_free(a);
}

static struct cu_status *begin(cu_running *r, int64_t now)
{
    struct cu_status *s = &screen;
    s->out = r->c->out;
    s->block = s->out->terminal && !r->c->o.log_json;
    s->shown = 0;
    s->rate_us = r->started_us;
    s->rate_rows = 0;
    s->due_us = s->block ? now : now + LINE_US;
    if (s->block)
        cu_diag_to(on_diag, s);
    return s;
}

void cu_status_tick(cu_running *r, int64_t left)
{
    if (r->c->o.quiet)
        return;
    int64_t now = cu_mono_us(r->c->env);
    if (r->status == NULL)
        r->status = begin(r, now);
    struct cu_status *s = r->status;
    pthread_mutex_lock(&s->lock);
    bool due = now >= s->due_us;
    pthread_mutex_unlock(&s->lock);
    if (due && s->block)
        draw(r, now, left);
    else if (due)
        tell(r, now, left);
}

void cu_status_end(cu_running *r)
{
    struct cu_status *s = r->status;
    if (s == NULL || !s->block)
        return;
    cu_diag_to(NULL, NULL);
    pthread_mutex_lock(&s->lock);
    wipe(s);
    pthread_mutex_unlock(&s->lock);
    r->status = NULL;
}
