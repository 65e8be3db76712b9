/* cupel topics, and reading a topic from beginning to end. */
#include "ops/topics.h"

#include "base/alloc.h"
#include "rows/json.h"
#include "rows/text.h"

enum { POLL_MS = 100 };

/* --- finding
 * ------------------------------------------------------------------- */

static const cu_topic_info *named(const cu_topic_list *l, const char *name)
{
    for (size_t i = 0; name && i < l->n; i++)
        if (strcmp(l->topics[i].name, name) == 0)
            return &l->topics[i];
    return NULL;
}

typedef struct nearness {
    const char *name, *best;
    size_t least;
} nearness;

static void compare(nearness *n, const char *with)
{
    size_t d = cu_edit_distance(n->name, with);
    if (d < n->least) {
        n->least = d;
        n->best = with;
    }
}

/* Among topics, with and without the app's name, views and tables. */
static const char *nearest(const cu_topic_list *l, const cu_app *a,
                           const char *name)
{
    nearness n = {.name = name, .least = strlen(name) / 3 + 2};
    const cu_program *p = a->program;
    size_t prefix = a->name ? strlen(a->name) : 0;
    for (uint32_t i = 0; p && i < p->n_views; i++)
        if (p->views[i]->has_topic)
            compare(&n, p->views[i]->name);
    for (uint32_t i = 0; p && i < p->n_tables; i++)
        compare(&n, p->tables[i]->name);
    for (size_t i = 0; i < l->n; i++) {
        const char *topic = l->topics[i].name;
        compare(&n, topic);
        if (prefix && strncmp(topic, a->name, prefix) == 0 &&
            topic[prefix] == '.')
            compare(&n, topic + prefix + 1);
    }
    return n.best;
}

static const char *topic_of(const cu_program *p, const char *name)
{
    const cu_view_def *v = cu_program_view(p, name);
    const cu_table_def *t = cu_program_table(p, name);
    if (v && v->has_topic)
        return v->into ? v->into->topic : v->topic;
    return t ? t->topic : NULL;
}

int cu_topic_find(cu_cmd *c, cu_app *a, const char *name, cu_topic_info *out)
{
    cu_topic_list known;
    cu_err err = {0};
    if (a->log->vt->topic_list(a->log, c->arena, &known, &err))
        return cu_tell(c, &err);
    const cu_topic_info *t = named(&known, name);
    if (t == NULL && a->program)
        t = named(&known, topic_of(a->program, name));
    if (t == NULL && a->name)
        t = named(&known, cu_arena_printf(c->arena, "%s.%s", a->name, name));
    if (t) {
        *out = *t;
        return 0;
    }
    const char *near = nearest(&known, a, name);
    if (near)
        cu_say(c->out, "error: there is no topic \"%s\"; did you mean %s?\n",
               name, near);
    else
        cu_say(c->out,
               "error: there is no topic \"%s\"; cupel topics list shows all, "
               "cupel topics create %s makes it\n",
               name, name);
    return 1;
}

/* --- reading
 * ------------------------------------------------------------------- */

typedef struct span {
    cu_position *at; /* by partition */
    int64_t *end;
    int32_t n;
} span;

static int measure(cu_log *log, const cu_topic_info *t, int64_t from, span *s,
                   cu_arena *a, cu_err *err)
{
    s->n = t->partitions;
    s->at = cu_arena_calloc(a, (size_t)s->n + 1, sizeof(*s->at));
    s->end = cu_arena_calloc(a, (size_t)s->n + 1, sizeof(*s->end));
    for (int32_t p = 0; p < s->n; p++) {
        cu_part part = {t->name, p};
        s->at[p].part = part;
        int rc = log->vt->offset_at(log, part, from, &s->at[p].next, err);
        if (rc == 0)
            rc = log->vt->end_offset(log, part, false, &s->end[p], err);
        if (rc)
            return rc;
    }
    return 0;
}

static bool at_end(const span *s)
{
    for (int32_t p = 0; p < s->n; p++)
        if (s->at[p].next < s->end[p])
            return false;
    return true;
}

static bool visit_all(const cu_poll *p, const span *s, bool to_end,
                      cu_record_visit *each, void *ctx)
{
    for (size_t i = 0; i < p->n; i++) {
        const cu_record *r = &p->records[i];
        if (to_end && r->offset >= s->end[p->part.partition])
            return true;
        if (!each(ctx, r))
            return false;
    }
    return each(ctx, NULL);
}

int cu_topic_read(cu_cmd *c, cu_log *log, const cu_topic_info *t, int64_t from,
                  bool to_end, cu_record_visit *each, void *ctx, cu_err *err)
{
    span s;
    int rc = measure(log, t, from, &s, c->arena, err);
    if (rc || (to_end && at_end(&s)))
        return rc;
    cu_reader_opts o = {.parts = s.at, .n_parts = (size_t)s.n};
    cu_reader *r;
    rc = log->vt->reader_open(log, &o, &r, err);
    if (rc)
        return rc;
    while (!(to_end && at_end(&s)) && !cu_cmd_stopped(c)) {
        cu_poll p;
        rc = cu_log_poll(r, POLL_MS, &p, err);
        if (rc && (err->flags & CU_RETRY)) {
            cu_err_clear(err);
            rc = 0;
            c->env->vt->sleep_us(c->env, POLL_MS * 1000);
            continue;
        }
        if (rc)
            break;
        if (p.kind == CU_POLL_RECORDS && !visit_all(&p, &s, to_end, each, ctx))
            break;
        if (p.kind == CU_POLL_RECORDS || p.kind == CU_POLL_END)
            s.at[p.part.partition].next = p.next;
    }
    r->vt->reader_close(r);
    return rc;
}

/* --- bytes for people and programs -----------------------------------------
 */

void cu_put_escaped(cu_slice s, cu_buf *out)
{
    if (s.data == NULL) {
        cu_buf_put_str(out, "null");
        return;
    }
    for (size_t i = 0; i < s.len;) {
        size_t run = cu_utf8_valid_prefix((cu_slice){s.data + i, s.len - i});
        for (size_t end = i + run; i < end; i++) {
            unsigned char ch = (unsigned char)s.data[i];
            if (ch == '\\')
                cu_buf_put_str(out, "\\\\");
            else if (ch < 0x20 || ch == 0x7F)
                cu_buf_printf(out, "\\x%02x", ch);
            else
                cu_buf_put_u8(out, ch);
        }
        if (i < s.len)
            cu_buf_printf(out, "\\x%02x", (unsigned char)s.data[i++]);
    }
}

void cu_put_json_bytes(cu_slice s, cu_buf *out)
{
    size_t fault;
    if (s.data == NULL) {
        cu_buf_put_str(out, "null");
        return;
    }
    cu_slice trimmed = cu_json_trim(s);
    bool valid = trimmed.len && cu_json_validate(trimmed, 200, &fault);
    if (valid && memchr(trimmed.data, '\n', trimmed.len) == NULL) {
        cu_buf_put_slice(out, trimmed);
    } else if (valid) { /* one record stays one line */
        cu_json_canonical(trimmed, out);
    } else if (cu_utf8_valid_prefix(s) == s.len) {
        cu_json_put_string(out, s);
    } else {
        cu_buf_put_str(out, "\"\\\\x");
        for (size_t i = 0; i < s.len; i++)
            cu_buf_printf(out, "%02x", (unsigned char)s.data[i]);
        cu_buf_put_u8(out, '"');
    }
}

/* A header is text: 42 in it is "42". */
static void put_json_text(cu_slice s, cu_buf *out)
{
    if (s.data && cu_utf8_valid_prefix(s) == s.len)
        cu_json_put_string(out, s);
    else
        cu_put_json_bytes(s, out);
}

void cu_put_json_headers(const cu_record *r, cu_buf *out)
{
    cu_buf_put_u8(out, '{');
    for (uint32_t i = 0; i < r->n_headers; i++) {
        if (i)
            cu_buf_put_u8(out, ',');
        put_json_text(r->headers[i].name, out);
        cu_buf_put_u8(out, ':');
        put_json_text(r->headers[i].value, out);
    }
    cu_buf_put_u8(out, '}');
}

void cu_put_time_ms(int64_t ms, cu_buf *out)
{
    if (ms >= 0 && ms < INT64_C(4102444800000) * 10)
        cu_rfc3339_out(ms * 1000 - CU_PG_EPOCH_US, out);
}

/* --- the command -----------------------------------------------------------
 */

static const char *number(cu_cmd *c, int64_t n)
{
    return cu_arena_printf(c->arena, "%lld", (long long)n);
}

/* 604800000 -> "7 days"; programs get milliseconds. */
static const char *retention(cu_cmd *c, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    if (ms < 0)
        return NULL;
    if (c->o.output != CU_OUT_TEXT)
        return number(c, ms);
    if (ms == 0)
        return "for ever";
    for (int i = 0; i < 4; i++)
        if (ms % units[i].ms == 0)
            return cu_arena_printf(c->arena, "%lld %s",
                                   (long long)(ms / units[i].ms),
                                   units[i].name);
    return cu_arena_printf(c->arena, "%lld ms", (long long)ms);
}

static int bounds(cu_log *log, cu_part part, int64_t *oldest, int64_t *end,
                  cu_err *err)
{
    int rc = log->vt->offset_at(log, part, CU_OLDEST, oldest, err);
    return rc ? rc : log->vt->end_offset(log, part, false, end, err);
}

static int add_topic(cu_cmd *c, cu_app *a, const cu_topic_info *t, cu_cells *to,
                     cu_err *err)
{
    int64_t n = 0;
    for (int32_t p = 0; p < t->partitions; p++) {
        int64_t oldest, end;
        int rc = bounds(a->log, (cu_part){t->name, p}, &oldest, &end, err);
        if (rc)
            return rc;
        n += end - oldest;
    }
    const char *row[] = {t->name, number(c, t->partitions), number(c, n),
                         t->compact ? "compact" : "delete",
                         retention(c, t->retention_ms)};
    cu_cells_add(to, row);
    return 0;
}

static int list(cu_cmd *c, cu_app *a, cu_err *err)
{
    static const char *const names[] = {"topic", ">partitions", ">records",
                                        "cleanup", "retention"};
    cu_topic_list known;
    int rc = a->log->vt->topic_list(a->log, c->arena, &known, err);
    cu_cells *t = cu_cells_new(c->arena, names, 5);
    if (c->o.output != CU_OUT_TEXT)
        cu_cells_raw(t, 4);
    for (size_t i = 0; rc == 0 && i < known.n; i++) {
        bool hidden = strncmp(known.topics[i].name, "__", 2) == 0;
        if (!hidden || c->o.verbose)
            rc = add_topic(c, a, &known.topics[i], t, err);
    }
    if (rc == 0)
        cu_cells_print(t, c);
    return rc;
}

static int describe(cu_cmd *c, cu_app *a, const cu_topic_info *topic,
                    cu_err *err)
{
    static const char *const names[] = {"topic", ">partition", ">oldest",
                                        ">end", ">records"};
    cu_cells *t = cu_cells_new(c->arena, names, 5);
    for (int32_t p = 0; p < topic->partitions; p++) {
        int64_t oldest, end;
        int rc = bounds(a->log, (cu_part){topic->name, p}, &oldest, &end, err);
        if (rc)
            return rc;
        const char *row[] = {topic->name, number(c, p), number(c, oldest),
                             number(c, end), number(c, end - oldest)};
        cu_cells_add(t, row);
    }
    cu_cells_print(t, c);
    return 0;
}

static int create(cu_cmd *c, cu_app *a, const char *name, cu_err *err)
{
    cu_topic_list known;
    int rc = a->log->vt->topic_list(a->log, c->arena, &known, err);
    if (rc)
        return rc;
    if (named(&known, name))
        return cu_fail(err, CU_EXISTS, 0,
                       "topic %s exists already, with %d partition%s", name,
                       (int)named(&known, name)->partitions,
                       named(&known, name)->partitions == 1 ? "" : "s");
    cu_topic_spec s = {.name = name,
                       .partitions = c->o.partitions ? c->o.partitions : 1,
                       .max_record_bytes = 16 << 20};
    rc = a->log->vt->topic_ensure(a->log, &s, err);
    if (rc == 0)
        cu_say(c->out, "made topic %s with %d partition%s\n", name,
               (int)s.partitions, s.partitions == 1 ? "" : "s");
    return rc;
}

/* Does the app that runs in this process read or write the topic? */
static bool in_use(const cu_app *a, const char *topic)
{
    const cu_program *p = a->program;
    if (a->engine == NULL)
        return false;
    for (uint32_t i = 0; i < p->n_tables; i++)
        if (p->tables[i]->topic && strcmp(p->tables[i]->topic, topic) == 0)
            return true;
    size_t n = strlen(a->name);
    for (uint32_t i = 0; i < p->n_views; i++)
        if (p->views[i]->topic && strcmp(p->views[i]->topic, topic) == 0)
            return true;
    return strncmp(topic, a->name, n) == 0 && topic[n] == '.';
}

static int delete (cu_cmd *c, cu_app *a, const cu_topic_info *t, cu_err *err)
{
    if (in_use(a, t->name)) {
        cu_say(c->out,
               "refused: the running app %s uses topic %s; stop it first\n",
               a->name, t->name);
        return 3;
    }
    int64_t n = 0;
    for (int32_t p = 0; p < t->partitions; p++) {
        int64_t oldest, end;
        if (bounds(a->log, (cu_part){t->name, p}, &oldest, &end, err))
            return cu_tell(c, err);
        n += end - oldest;
    }
    if (!c->o.yes) {
        cu_say(c->out,
               "this would delete topic %s with its %lld record%s; nothing "
               "was changed: say --yes to do it\n",
               t->name, (long long)n, n == 1 ? "" : "s");
        return 3;
    }
    if (a->log->vt->topic_delete(a->log, t->name, err))
        return cu_tell(c, err);
    cu_say(c->out, "deleted topic %s with its %lld record%s\n", t->name,
           (long long)n, n == 1 ? "" : "s");
    return 0;
}

static int run_verb(cu_cmd *c, cu_app *a)
{
    cu_err err = {0};
    cu_topic_info t;
    int rc = 0;
    if (strcmp(c->verb, "list") == 0)
        rc = list(c, a, &err);
    else if (strcmp(c->verb, "create") == 0)
        rc = create(c, a, c->words[0], &err);
    else if ((rc = cu_topic_find(c, a, c->words[0], &t)) != 0)
        return rc;
    else if (strcmp(c->verb, "delete") == 0)
        return delete (c, a, &t, &err);
    else
        rc = describe(c, a, &t, &err);
    return rc ? cu_tell(c, &err) : 0;
}

int cu_cmd_topics(cu_cmd *c)
{
    bool alone = strcmp(c->verb, "list") == 0;
    if (c->n_words != (alone ? 0 : 1))
        return cu_usage(c, "topics %s wants %s", c->verb,
                        alone ? "no more words; an app is named with --app"
                              : "the name of one topic");
    cu_app *a;
    uint32_t n_paths;
    int rc = cu_app_open_log(c, strcmp(c->verb, "create") == 0, &a, &n_paths);
    if (rc)
        return rc;
    rc = run_verb(c, a);
    cu_app_close(c, a);
    return rc;
}
