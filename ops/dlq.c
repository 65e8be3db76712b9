/* cupel dlq: what was rejected, and why.
 *
 * `list` counts letters by reason; `show` shows one, the newest first, or all
 * of them, the oldest first: the bytes as they came, all headers, and where
 * they came from (processors/runtime/letters.c writes them).
 */
#include "ops/topics.h"

#include "base/alloc.h"
#include "base/map.h"

#include <stdlib.h>

static const char *const reasons[] = {"cupel.error.code", "cupel.error.stage",
                                      "cupel.error.table", "cupel.error.view"};
enum { CODE, STAGE, TABLE, VIEW, REASONS };

typedef struct reason {
    const char *by[REASONS]; /* NULL: the letter does not say */
    int64_t n, newest_ms;
    const char *message; /* of the newest */
} reason;

typedef struct where {
    cu_part part;
    int64_t offset, ms;
} where;

typedef struct reading {
    cu_cmd *c;
    cu_map *by; /* -> reason */
    reason **reasons;
    uint32_t n_reasons;
    where *letters; /* show: all that match */
    size_t n_letters, cap;
    int64_t shown;
    bool (*each)(struct reading *, const cu_record *);
} reading;

static bool is(const cu_record *r, const char *header, const char *value)
{
    return cu_slice_is(cu_record_header(r, header), value);
}

static bool wanted(const cu_cmd *c, const cu_record *r)
{
    if (c->o.code && !is(r, reasons[CODE], c->o.code))
        return false;
    return c->o.view == NULL || is(r, reasons[VIEW], c->o.view) ||
           is(r, reasons[TABLE], c->o.view);
}

static bool visit(void *ctx, const cu_record *r)
{
    reading *x = ctx;
    return r == NULL || !wanted(x->c, r) || x->each(x, r);
}

/* --- which topics --------------------------------------------------------- */

/* The app's topic first, then those that tables name. */
static int read_all(reading *x, cu_app *a, cu_err *err)
{
    cu_arena *arena = x->c->arena;
    const cu_program *p = a->program;
    uint32_t n = 0, most = 1 + (p ? p->n_tables : 0);
    const char **names = cu_arena_calloc(arena, most, sizeof(*names));
    names[n++] = cu_arena_printf(arena, "%s.dlq", a->name);
    for (uint32_t i = 0; p && i < p->n_tables; i++) {
        const char *own = p->tables[i]->dead_letter_topic;
        bool have = own == NULL;
        for (uint32_t k = 0; !have && k < n; k++)
            have = strcmp(names[k], own) == 0;
        if (!have)
            names[n++] = own;
    }
    cu_topic_list known;
    int rc = a->log->vt->topic_list(a->log, arena, &known, err);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        const cu_topic_info *t = cu_topic_named(&known, names[i]);
        if (t)
            rc = cu_topic_read(x->c, a->log, t, CU_OLDEST, true, visit, x, err);
    }
    return rc;
}

/* --- list ----------------------------------------------------------------- */

static const char *header_text(cu_cmd *c, const cu_record *r, const char *name)
{
    cu_slice v = cu_record_header(r, name);
    if (v.data == NULL)
        return NULL;
    cu_buf b = {0};
    cu_put_escaped(v, &b);
    char *text = cu_arena_strn(c->arena, b.data ? b.data : "", b.len);
    cu_buf_free(&b);
    return text;
}

static bool count(reading *x, const cu_record *r)
{
    cu_buf key = {0};
    bool fresh;
    for (int i = 0; i < REASONS; i++)
        cu_buf_put_lslice(&key, cu_record_header(r, reasons[i]));
    void **slot = cu_map_put(x->by, cu_buf_slice(&key), &fresh);
    cu_buf_free(&key);
    if (fresh) {
        reason *made = cu_arena_calloc(x->c->arena, 1, sizeof(*made));
        for (int i = 0; i < REASONS; i++)
            made->by[i] = header_text(x->c, r, reasons[i]);
        x->reasons = cu_realloc(x->reasons,
                                (x->n_reasons + 1) * sizeof(*x->reasons));
        x->reasons[x->n_reasons++] = made;
        *slot = made;
    }
    reason *at = *slot;
    at->n++;
    if (fresh || r->timestamp_ms >= at->newest_ms) {
        at->newest_ms = r->timestamp_ms;
        at->message = header_text(x->c, r, "cupel.error.message");
    }
    return true;
}

static int by_count(const void *a, const void *b)
{
    const reason *x = *(const reason *const *)a, *y = *(const reason *const *)b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    for (int i = 0; i < REASONS; i++) {
        int d = strcmp(x->by[i] ? x->by[i] : "", y->by[i] ? y->by[i] : "");
        if (d)
            return d;
    }
    return 0;
}

static void print_reasons(reading *x)
{
    static const char *const names[] = {"code", "stage",  "table",  "view",
                                        ">n",   "newest", "message"};
    cu_cmd *c = x->c;
    cu_cells *t = cu_cells_new(c->arena, names, 7);
    int64_t n = 0;
    if (x->n_reasons)
        qsort(x->reasons, x->n_reasons, sizeof(*x->reasons), by_count);
    for (uint32_t i = 0; i < x->n_reasons; i++) {
        const reason *r = x->reasons[i];
        cu_buf when = {0};
        cu_put_time_ms(r->newest_ms, &when);
        const char *row[] = {
            r->by[CODE],
            r->by[STAGE],
            r->by[TABLE],
            r->by[VIEW],
            cu_arena_printf(c->arena, "%lld", (long long)r->n),
            cu_arena_strn(c->arena, when.data ? when.data : "", when.len),
            r->message};
        cu_cells_add(t, row);
        cu_buf_free(&when);
        n += r->n;
    }
    if (n == 0 && c->o.output == CU_OUT_TEXT) {
        cu_say(c->out, "no dead letters\n");
        return;
    }
    cu_cells_print(t, c);
    if (c->o.output == CU_OUT_TEXT && !c->o.quiet)
        cu_say(c->out, "%lld dead letter%s\n", (long long)n, n == 1 ? "" : "s");
}

static int list(cu_cmd *c, cu_app *a)
{
    reading x = {.c = c, .each = count, .by = cu_map_new()};
    cu_err err = {0};
    int rc = read_all(&x, a, &err);
    if (rc == 0)
        print_reasons(&x);
    cu_map_free(x.by);
    cu_free(x.reasons);
    return rc ? cu_tell(c, &err) : 0;
}

/* --- show ----------------------------------------------------------------- */

static bool note(reading *x, const cu_record *r)
{
    if (x->n_letters == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 256;
        x->letters = cu_realloc(x->letters, x->cap * sizeof(*x->letters));
    }
    x->letters[x->n_letters++] = (where){r->part, r->offset, r->timestamp_ms};
    return true;
}

/* By time; letters of one moment by place. */
static int by_time(const void *a, const void *b)
{
    const where *x = a, *y = b;
    if (x->ms != y->ms)
        return x->ms < y->ms ? -1 : 1;
    int d = strcmp(x->part.topic, y->part.topic);
    if (d)
        return d;
    if (x->part.partition != y->part.partition)
        return x->part.partition < y->part.partition ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool print_letter(reading *x, const cu_record *r)
{
    cu_cmd *c = x->c;
    cu_buf b = {0};
    bool text = c->o.output == CU_OUT_TEXT || c->o.output == CU_OUT_CSV;
    if (text) {
        if (x->shown)
            cu_buf_put_u8(&b, '\n');
        cu_letter_text(r, (int64_t)x->n_letters - x->shown, &b);
    } else {
        if (c->o.output == CU_OUT_JSON)
            cu_buf_put_str(&b, x->shown ? ",\n " : "[");
        cu_letter_json(r, (int64_t)x->n_letters - x->shown, &b);
        if (c->o.output == CU_OUT_JSONL)
            cu_buf_put_u8(&b, '\n');
    }
    x->shown++;
    c->out->write(c->out->ctx, 1, cu_buf_slice(&b));
    cu_buf_free(&b);
    return !cu_cmd_stopped(c);
}

/* One letter, read again where it was seen. */
static int print_at(reading *x, cu_app *a, const where *w, cu_err *err)
{
    cu_position at = {.part = w->part, .next = w->offset};
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    cu_reader *r;
    int rc = a->log->vt->reader_open(a->log, &o, &r, err);
    if (rc)
        return rc;
    int64_t before = x->shown;
    while (rc == 0 && x->shown == before && !cu_cmd_stopped(x->c)) {
        cu_poll p;
        rc = cu_log_poll(r, 100, &p, err);
        if (rc == 0 && p.kind == CU_POLL_RECORDS)
            print_letter(x, &p.records[0]);
        if (rc == 0 && p.kind == CU_POLL_END)
            rc = cu_fail(err, CU_NOT_FOUND, 0,
                         "the letter is gone: its topic was cut meanwhile");
    }
    r->vt->reader_close(r);
    return rc;
}

/* "all", or a number from the newest; false: neither. */
static bool parse_which(const char *word, bool *all, int64_t *n)
{
    char *end;
    *all = word && strcmp(word, "all") == 0;
    *n = 1;
    if (word == NULL || *all)
        return true;
    *n = strtoll(word, &end, 10);
    return *word && *end == 0 && *n > 0;
}

static int show(cu_cmd *c, cu_app *a, const char *word)
{
    reading x = {.c = c, .each = note};
    cu_err err = {0};
    bool all;
    int64_t n;
    if (!parse_which(word, &all, &n))
        return cu_usage(c,
                        "dlq show wants a number (1 is the newest letter) "
                        "or \"all\", not \"%s\"",
                        word);
    int rc = read_all(&x, a, &err);
    if (rc == 0 && x.n_letters)
        qsort(x.letters, x.n_letters, sizeof(*x.letters), by_time);
    size_t total = x.n_letters;
    bool have = all ? total > 0 : (int64_t)total >= n;
    for (size_t i = all ? 0 : total - (size_t)n;
         rc == 0 && have && i < (all ? total : total - (size_t)n + 1); i++) {
        if (!all)
            x.n_letters = (size_t)n; /* its number */
        rc = print_at(&x, a, &x.letters[i], &err);
    }
    cu_free(x.letters);
    if (rc)
        return cu_tell(c, &err);
    if (c->o.output == CU_OUT_JSON)
        cu_print(c->out, x.shown ? "]\n" : "[]\n");
    if (have)
        return 0;
    if (total)
        cu_say(c->out, "there are only %zu letters\n", total);
    else
        cu_say(c->out, "no dead letters\n");
    return all ? 0 : 1;
}

int cu_cmd_dlq(cu_cmd *c)
{
    cu_app *a;
    uint32_t n_paths;
    int rc = cu_app_open_log(c, false, &a, &n_paths);
    if (rc)
        return rc;
    bool shows = strcmp(c->verb, "show") == 0;
    uint32_t left = c->n_words - n_paths;
    if (a->name == NULL)
        rc = cu_usage(c, "dlq wants the path of a pipeline, or --app NAME");
    else if (left > (shows ? 1u : 0u))
        rc = cu_usage(c, "dlq %s does not know \"%s\"", c->verb,
                      c->words[n_paths + (shows ? 1 : 0)]);
    else if (shows)
        rc = show(c, a, left ? c->words[n_paths] : NULL);
    else
        rc = list(c, a);
    cu_app_close(c, a);
    return rc;
}
