/* Dead letters of a sink.
 *
 * The log and PostgreSQL have no transaction in common: a letter is published
 * first, then PostgreSQL commits that its row was passed over.  A process that
 * dies in between comes back to the row, and PostgreSQL refuses it again; so
 * the first letters of a session are compared with those that are there.
 * Whoever else might write them at the same time was fenced by opening the
 * writer before looking.
 */
#include "ops/sink.h"

#include "base/alloc.h"
#include "rows/text.h"

enum { MOST_HEADERS = 16, COMMIT_MS = 30000, POLL_MS = 1000 };

static const char *place(cu_arena *a, int64_t partition, int64_t offset)
{
    return cu_arena_printf(a, "%lld:%lld", (long long)partition,
                           (long long)offset);
}

/* --- letters that are there ----------------------------------------------- */

static void remember(cu_sink_letters *l, const cu_record *r, cu_arena *a)
{
    cu_slice part = cu_record_header(r, "__streams.errors.partition");
    cu_slice offset = cu_record_header(r, "__streams.errors.offset");
    if (!cu_slice_is(cu_record_header(r, "cupel.error.stage"), "sink") ||
        !cu_slice_is(cu_record_header(r, "cupel.error.view"), l->view->name) ||
        !cu_slice_is(cu_record_header(r, "__streams.errors.topic"),
                     l->view->topic) ||
        !part.data || !offset.data)
        return;
    bool fresh;
    const char *key = cu_arena_printf(a, "%.*s:%.*s", (int)part.len, part.data,
                                      (int)offset.len, offset.data);
    *cu_map_put(l->written, cu_slice_of(key), &fresh) = l;
}

static int look(cu_sink_letters *l, const char *dlq, cu_err *err)
{
    cu_log *log = l->run->app->log;
    cu_position at = {.part = {dlq, 0}};
    cu_reader *reader = NULL;
    int64_t end;
    cu_arena *a = cu_arena_new(0);
    int rc = log->vt->end_offset(log, at.part, false, &end, err);
    if (rc == 0)
        rc = log->vt->offset_at(log, at.part, CU_OLDEST, &at.next, err);
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    if (rc == 0 && at.next < end)
        rc = log->vt->reader_open(log, &o, &reader, err);
    while (rc == 0 && at.next < end) {
        cu_poll p;
        rc = cu_log_poll(reader, POLL_MS, &p, err);
        if (rc || (p.kind != CU_POLL_RECORDS && p.kind != CU_POLL_END))
            continue;
        for (size_t i = 0; p.kind == CU_POLL_RECORDS && i < p.n; i++)
            remember(l, &p.records[i], a);
        at.next = p.next;
    }
    if (reader)
        reader->vt->reader_close(reader);
    cu_arena_free(a);
    return rc;
}

/* --- writing -------------------------------------------------------------- */

static int put_one(cu_sink_letters *l, const cu_sink_bad *b, const char *dlq,
                   cu_arena *a, cu_err *err)
{
    cu_buf now = {0};
    cu_rfc3339_out(cu_wall_us(l->run->c->env) - CU_PG_EPOCH_US, &now);
    const struct {
        const char *name, *value;
    } said[] = {
        {"__streams.errors.topic", l->view->topic},
        {"__streams.errors.partition",
         cu_arena_printf(a, "%d", (int)b->record.part.partition)},
        {"__streams.errors.offset",
         cu_arena_printf(a, "%lld", (long long)b->record.offset)},
        {"__streams.errors.message", b->why.message},
        {"cupel.error.code", b->why.sqlstate},
        {"cupel.error.message", b->why.message},
        {"cupel.error.stage", "sink"},
        {"cupel.error.view", l->view->name},
        {"cupel.error.sink", l->view->into->name},
        {"cupel.error.app", l->run->app->name},
        {"cupel.error.first_seen", cu_arena_strn(a, now.data, now.len)},
        {"cupel.error.column", b->why.column[0] ? b->why.column : NULL},
    };
    cu_buf_free(&now);
    cu_header headers[MOST_HEADERS];
    cu_record r = {.part = {dlq, 0},
                   .timestamp_ms = b->record.timestamp_ms,
                   .key = b->record.key,
                   .value = b->record.value,
                   .headers = headers};
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
        if (said[i].value)
            headers[r.n_headers++] = (cu_header){cu_slice_of(said[i].name),
                                                 cu_slice_of(said[i].value)};
    return cu_log_append(l->writer, &r, err);
}

static int open_writer(cu_sink_letters *l, const char *dlq, cu_err *err)
{
    cu_log *log = l->run->app->log;
    if (l->writer)
        return 0;
    int rc = log->vt->writer_open(log, l->txn_id, &l->writer, err);
    if (rc)
        return rc;
    l->written = cu_map_new();
    return look(l, dlq, err);
}

static bool is_there(const cu_sink_letters *l, const cu_record *r, cu_arena *a)
{
    const char *key = place(a, r->part.partition, r->offset);
    return r->offset < l->again[r->part.partition] &&
           cu_map_get(l->written, cu_slice_of(key));
}

static int refuse(const cu_sink_letters *l, const cu_sink_bad *b, cu_err *err)
{
    const char *s = b->why.sqlstate;
    cu_fail(err, CU_DATA, CU_FATAL,
            "view %s, sink %s: %s (on_error is 'fail'; 'dead_letter' puts "
            "such rows aside)",
            l->view->name, l->view->into->name, b->why.message);
    err->sqlstate = CU_SQLSTATE(s[0], s[1], s[2], s[3], s[4]);
    return CU_DATA;
}

int cu_sink_letters_put(cu_sink_letters *l, const cu_sink_bad *bad, uint32_t n,
                        cu_err *err)
{
    const char *dlq = cu_runtime_dlq(cu_engine_runtime(l->run->app->engine));
    if (n == 0)
        return 0;
    if (l->view->on_error == CU_ON_ERROR_FAIL)
        return refuse(l, &bad[0], err);
    cu_arena *a = cu_arena_new(0);
    int rc = open_writer(l, dlq, err);
    if (rc == 0)
        rc = l->writer->vt->begin(l->writer, err);
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        if (!is_there(l, &bad[i].record, a))
            rc = put_one(l, &bad[i], dlq, a, err);
    if (rc == 0)
        rc = l->writer->vt->commit(l->writer, COMMIT_MS, a, NULL, err);
    cu_arena_free(a);
    return rc;
}

void cu_sink_letters_close(cu_sink_letters *l)
{
    if (l->writer)
        l->writer->vt->writer_close(l->writer);
    if (l->written)
        cu_map_free(l->written);
    l->writer = NULL;
    l->written = NULL;
}
