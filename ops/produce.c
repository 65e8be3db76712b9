/* cupel produce: lines of stdin become records.
 *
 * A batch of lines is one transaction: it is committed when it is large, and
 * before waiting for more input, so that what was typed is there at once.
 * A bad line ends the command; the lines of its batch before it are still
 * committed, and the message says which line it was.
 */
#include "ops/topics.h"

#include "rows/json.h"

enum {
    CHUNK = 64 * 1024,
    BATCH_RECORDS = 10000,
    BATCH_BYTES = 4 << 20,
    LONGEST_LINE = 16 << 20,
    COMMIT_MS = 10000,
};

typedef struct producing {
    cu_cmd *c;
    cu_topic_info topic;
    cu_writer *w;
    bool in_txn;
    int64_t lines, records, committed;
    size_t batch_bytes;
    int64_t batch_records;
    cu_arena *arena; /* one line */
} producing;

static int commit(producing *p, cu_err *err)
{
    if (!p->in_txn)
        return 0;
    int rc = p->w->vt->commit(p->w, COMMIT_MS, p->arena, NULL, err);
    if (rc)
        return rc;
    p->in_txn = false;
    p->committed = p->records;
    p->batch_bytes = 0;
    p->batch_records = 0;
    return 0;
}

static int key_of(producing *p, cu_slice line, cu_slice *key, cu_err *err)
{
    const char *name = p->c->o.key_field;
    size_t fault;
    *key = CU_NULL_SLICE;
    if (name == NULL)
        return 0;
    cu_slice object = cu_json_trim(line);
    if (object.len == 0 || !cu_json_validate(object, 200, &fault) ||
        cu_json_kind_of(object) != CU_JSON_OBJECT)
        return cu_fail(err, CU_DATA, 0,
                       "line %lld is no JSON object, so it has no field "
                       "\"%s\"",
                       (long long)p->lines, name);
    cu_slice v = cu_json_member(object, cu_slice_of(name), p->arena);
    if (v.data == NULL)
        return cu_fail(err, CU_DATA, 0, "line %lld has no field \"%s\"",
                       (long long)p->lines, name);
    *key = cu_json_text(v, p->arena);
    return 0;
}

static int put_line(producing *p, cu_slice line, cu_err *err)
{
    cu_slice key;
    p->lines++;
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0)
        return 0;
    cu_arena_reset(p->arena);
    int rc = key_of(p, line, &key, err);
    if (rc == 0 && !p->in_txn) {
        rc = p->w->vt->begin(p->w, err);
        p->in_txn = rc == 0;
    }
    if (rc)
        return rc;
    int32_t n = p->topic.partitions;
    cu_record r = {.part = {p->topic.name, (int32_t)(p->records % n)},
                   .timestamp_ms = cu_wall_us(p->c->env) / 1000,
                   .key = key,
                   .value = line};
    if (key.data)
        r.part.partition = cu_partition_of(key, n);
    rc = cu_log_append(p->w, &r, err);
    if (rc == CU_LIMIT)
        return cu_err_note(err, "line %lld: ", (long long)p->lines);
    if (rc)
        return rc;
    p->records++;
    p->batch_records++;
    p->batch_bytes += line.len;
    return 0;
}

/* Every whole line at the front of the buffer; what is left moves there. */
static int take_lines(producing *p, cu_buf *b, bool end, cu_err *err)
{
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && at < b->len) {
        const char *from = b->data + at;
        const char *nl = memchr(from, '\n', b->len - at);
        if (nl == NULL && !end)
            break;
        size_t len = nl ? (size_t)(nl - from) : b->len - at;
        rc = put_line(p, cu_slice_n(from, len), err);
        at += len + (nl ? 1 : 0);
        if (rc == 0 && (p->batch_records >= BATCH_RECORDS ||
                        p->batch_bytes >= BATCH_BYTES))
            rc = commit(p, err);
    }
    memmove(b->data, b->data + at, b->len - at);
    b->len -= at;
    if (rc == 0 && b->len > LONGEST_LINE)
        return cu_fail(err, CU_LIMIT, 0, "line %lld is longer than 16 MB",
                       (long long)p->lines + 1);
    return rc;
}

static int pump(producing *p, cu_err *err)
{
    cu_in *in = p->c->in;
    cu_buf b = {0};
    int rc = 0;
    for (;;) {
        if (in->more && !in->more(in->ctx))
            rc = commit(p, err);
        if (rc)
            break;
        char *to = cu_buf_reserve(&b, CHUNK);
        size_t n = in->read(in->ctx, to, CHUNK);
        b.len += n;
        if (b.len)
            rc = take_lines(p, &b, n == 0, err);
        if (rc || n == 0)
            break;
    }
    cu_buf_free(&b);
    /* What was good before a bad line stays. */
    cu_err late = {0};
    int last = commit(p, rc ? &late : err);
    return rc ? rc : last;
}

static int produce(cu_cmd *c, cu_app *a, const cu_topic_info *topic)
{
    producing p = {.c = c, .topic = *topic, .arena = cu_arena_new(0)};
    cu_err err = {0};
    const char *id = cu_arena_printf(
        c->arena, "%s.produce.%llx", a->name ? a->name : "cupel",
        (unsigned long long)c->env->vt->chance(c->env));
    int rc = a->log->vt->writer_open(a->log, id, &p.w, &err);
    if (rc == 0)
        rc = pump(&p, &err);
    if (p.w)
        p.w->vt->writer_close(p.w);
    cu_arena_free(p.arena);
    if (rc || !c->o.quiet)
        cu_say(c->out, "%lld record%s to %s\n", (long long)p.committed,
               p.committed == 1 ? "" : "s", topic->name);
    if (rc)
        return cu_tell(c, &err);
    return c->env->vt->stop_requested(c->env) ? 130 : 0;
}

int cu_cmd_produce(cu_cmd *c)
{
    if (c->n_words != 1)
        return cu_usage(c, "produce wants the name of one topic; the records "
                           "are the lines of stdin");
    cu_app *a;
    uint32_t n_paths;
    int rc = cu_app_open_log(c, false, &a, &n_paths);
    if (rc)
        return rc;
    cu_topic_info topic;
    rc = cu_topic_find(c, a, c->words[0], &topic);
    if (rc == 0)
        rc = produce(c, a, &topic);
    cu_app_close(c, a);
    return rc;
}
