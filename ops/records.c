/* Topics as people name them, their records, and bytes that can be shown. */
#include "ops/topics.h"

#include "rows/json.h"
#include "rows/text.h"

enum { POLL_MS = 100 };

/* --- finding -------------------------------------------------------------- */

const cu_topic_info *cu_topic_named(const cu_topic_list *l, const char *name)
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
        return cu_view_topic(v);
    return t ? t->topic : NULL;
}

int cu_topic_find(cu_cmd *c, cu_app *a, const char *name, cu_topic_info *out)
{
    cu_topic_list known;
    cu_err err = {0};
    if (a->log->vt->topic_list(a->log, c->arena, &known, &err))
        return cu_tell(c, &err);
    const cu_topic_info *t = cu_topic_named(&known, name);
    if (t == NULL && a->program)
        t = cu_topic_named(&known, topic_of(a->program, name));
    if (t == NULL && a->name)
        t = cu_topic_named(&known,
                           cu_arena_printf(c->arena, "%s.%s", a->name, name));
    if (t) {
        *out = *t;
        return 0;
    }
    const cu_view_def *v = a->program ? cu_program_view(a->program, name)
                                      : NULL;
    const char *near = nearest(&known, a, name);
    if (v && v->shared)
        cu_say(c->out,
               "error: shared view \"%s\" has no topic: it is fed to its "
               "readers in memory; CREATE MATERIALIZED VIEW publishes\n",
               name);
    else if (near)
        cu_say(c->out, "error: there is no topic \"%s\"; did you mean %s?\n",
               name, near);
    else
        cu_say(c->out,
               "error: there is no topic \"%s\"; cupel topics list shows all, "
               "cupel topics create %s makes it\n",
               name, name);
    return 1;
}

/* --- reading -------------------------------------------------------------- */

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

/* --- bytes for people and programs ---------------------------------------- */

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
