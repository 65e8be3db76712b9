/* Dead letters: what was rejected, with the reason, in the same transaction.
 *
 * A letter carries the source's key, value and headers unchanged, then
 * headers that say why: KIP-1034's names for Kafka tools, and cupel's own.
 * A row that a view made itself has no source record: its value is the row as
 * JSON.
 *
 *   __streams.errors.{message,topic,partition,offset}
 *   cupel.error.{code,message,stage,table,view,column,app}
 *   cupel.error.first_seen   the commit's clock
 *   cupel.error.all      every fault of the record, one a line
 *
 * A late row goes to its view's own topic in the same way: its value is the row
 * as JSON with window_start, window_end and watermark behind its columns.  A
 * row that is stamped in the future is its table's letter, of stage
 * "watermark".
 */
#include "processors/runtime/letters.h"

#include "rows/text.h"
#include "schemas/codec.h"

enum { MAX_HEADERS = 64 };

#define STATE_FUTURE CU_SQLSTATE('C', 'U', '0', '2', '0')
#define STATE_LATE   CU_SQLSTATE('C', 'U', '0', '2', '1')

typedef struct letter {
    cu_header headers[MAX_HEADERS];
    uint32_t n;
    cu_arena *a;
} letter;

static void put(letter *l, const char *name, cu_slice value)
{
    if (l->n < MAX_HEADERS)
        l->headers[l->n++] = (cu_header){cu_slice_of(name), value};
}

static void put_str(letter *l, const char *name, const char *value)
{
    if (value)
        put(l, name, cu_slice_of(value));
}

static void put_origin(letter *l, const cu_record *r)
{
    for (uint32_t i = 0; i < r->n_headers && l->n < MAX_HEADERS / 2; i++)
        l->headers[l->n++] = r->headers[i];
    put_str(l, "__streams.errors.topic", r->part.topic);
    put_str(l, "__streams.errors.partition",
            cu_arena_printf(l->a, "%d", (int)r->part.partition));
    put_str(l, "__streams.errors.offset",
            cu_arena_printf(l->a, "%lld", (long long)r->offset));
}

static void put_fault(letter *l, uint32_t sqlstate, const char *message)
{
    char code[6];
    put_str(l, "__streams.errors.message", message);
    put_str(l, "cupel.error.code",
            cu_arena_str(l->a, cu_sqlstate_text(sqlstate, code)));
    put_str(l, "cupel.error.message", message);
}

/* The last resort: what names the source and the fault. */
static void keep_least(letter *l)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        const cu_header *h = &l->headers[i];
        bool ours = h->name.len > 12 &&
                    (memcmp(h->name.data, "cupel.error.", 12) == 0 ||
                     memcmp(h->name.data, "__streams.er", 12) == 0);
        if (ours && h->value.len <= 512)
            l->headers[n++] = *h;
    }
    l->n = n;
}

/* Letters that do not fit the topic are cut, never lost: the source is named
 * in the headers. */
static int append(cu_worker *w, const char *topic, cu_record *rec, letter *l,
                  cu_err *err)
{
    int rc = cu_worker_begin(w, err);
    if (rc)
        return rc;
    rec->part = (cu_part){topic, 0};
    rec->headers = l->headers;
    rec->n_headers = l->n;
    rc = cu_log_append(w->writer, rec, err);
    if (rc != CU_LIMIT)
        return rc;
    put_str(l, "cupel.error.truncated",
            cu_arena_printf(l->a, "%zu", rec->value.len));
    static const size_t keep[] = {65536, 4096, 0, 0};
    for (size_t i = 0; rc == CU_LIMIT && i < sizeof(keep) / sizeof(*keep);
         i++) {
        cu_err_clear(err);
        if (keep[i] == 0)
            rec->key = CU_NULL_SLICE;
        if (i == 3)
            keep_least(l);
        rec->n_headers = l->n;
        if (rec->value.len > keep[i])
            rec->value.len = keep[i];
        rc = cu_log_append(w->writer, rec, err);
    }
    return rc;
}

static void put_where(letter *l, const cu_worker *w, const char *stage,
                      const char *kind, const char *name, const char *column)
{
    cu_buf now = {0};
    cu_rfc3339_out(w->expr_env.now_us, &now);
    put_str(l, "cupel.error.stage", stage);
    put_str(l, kind, name);
    put_str(l, "cupel.error.column", column);
    put_str(l, "cupel.error.app", w->rt->program->app);
    put(l, "cupel.error.first_seen", cu_arena_slice(l->a, cu_buf_slice(&now)));
    cu_buf_free(&now);
}

static void put_all(letter *l, const cu_faults *faults)
{
    cu_buf all = {0};
    for (uint32_t i = 0; i < faults->n && i < 16; i++) {
        const cu_fault_item *f = &faults->items[i];
        cu_buf_printf(&all, "%s%s%s%s", i ? "\n" : "",
                      f->column ? f->column : "", f->column ? ": " : "",
                      f->message);
    }
    put(l, "cupel.error.all", cu_arena_slice(l->a, cu_buf_slice(&all)));
    cu_buf_free(&all);
}

/* The record of a table's letter, bytes as they came. */
static int append_record(cu_worker *w, const cu_table_def *t,
                         const cu_record *r, letter *l, cu_err *err)
{
    cu_record rec = {
        .timestamp_ms = r->timestamp_ms, .key = r->key, .value = r->value};
    const char *topic = t->dead_letter_topic ? t->dead_letter_topic
                                             : w->rt->dlq;
    return append(w, topic, &rec, l, err);
}

int cu_letter_record(void *worker, const cu_table_def *t, const cu_record *r,
                     const cu_faults *faults, cu_err *err)
{
    cu_worker *w = worker;
    const cu_fault_item *first = &faults->items[0];
    if (t->on_error == CU_ON_ERROR_FAIL) {
        char part[300];
        cu_fail(err, CU_DATA, CU_FATAL,
                "table %s: %s offset %lld: %s%s%s (on_error is 'fail'; "
                "'dead_letter' puts such records aside)",
                t->name, cu_part_name(r->part, part, sizeof(part)),
                (long long)r->offset, first->column ? first->column : "",
                first->column ? ": " : "", first->message);
        err->sqlstate = first->sqlstate;
        return CU_DATA;
    }
    letter l = {.a = w->arena};
    put_origin(&l, r);
    put_fault(&l, first->sqlstate, first->message);
    put_where(&l, w, "decode", "cupel.error.table", t->name, first->column);
    if (faults->n > 1)
        put_all(&l, faults);
    return append_record(w, t, r, &l, err);
}

static const char *time_text(cu_arena *a, int64_t ts_us)
{
    cu_buf b = {0};
    cu_rfc3339_out(ts_us, &b);
    char *text = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    return text;
}

int cu_letter_future(cu_worker *w, const cu_table_def *t, const cu_record *r,
                     int64_t ts_us, cu_err *err)
{
    letter l = {.a = w->arena};
    put_origin(&l, r);
    put_fault(&l, STATE_FUTURE,
              cu_arena_printf(l.a,
                              "the time %s lies further in the future than "
                              "max_future allows",
                              time_text(l.a, ts_us)));
    put_where(&l, w, "watermark", "cupel.error.table", t->name,
              t->schema->fields[t->watermark_col].name);
    return append_record(w, t, r, &l, err);
}

/* What a row that a view puts aside came from, if it is known. */
static void from_row(letter *l, cu_record *rec, const cu_batch *b, uint32_t row)
{
    if (b->origins == NULL || b->records == NULL)
        return;
    const cu_record *origin = &b->records[b->origins[row]];
    put_origin(l, origin);
    rec->key = origin->key;
    rec->timestamp_ms = origin->timestamp_ms;
}

/* A letter shows the row with all its columns, those that no view reads, too:
 * it is decoded once more. */
static int whole_row(cu_worker *w, cu_letter *l, cu_err *err)
{
    const cu_batch *before = l->batch;
    int rc = 0;
    for (uint32_t k = 0; rc == 0 && l->batch == before && k < w->n_inputs; k++)
        if (w->inputs[k]->decode)
            rc = cu_decode_whole(w->inputs[k]->decode, w->arena, &l->batch,
                                 &l->row, err);
    return rc;
}

int cu_letter_row(void *instance, const cu_letter *in, cu_err *err)
{
    cu_instance *i = instance;
    cu_worker *w = i->worker;
    const cu_view_def *v = i->stage->view;
    if (v->on_error == CU_ON_ERROR_FAIL) {
        cu_fail(err, CU_DATA, CU_FATAL,
                "view %s, %s: %s (on_error is 'fail'; 'dead_letter' puts such "
                "rows aside)",
                v->name, in->stage, in->message);
        err->sqlstate = in->sqlstate;
        return CU_DATA;
    }
    letter l = {.a = w->arena};
    cu_record rec = {.timestamp_ms = w->newest_ms};
    cu_letter shown = *in;
    int rc = whole_row(w, &shown, err);
    if (rc)
        return rc;
    from_row(&l, &rec, shown.batch, shown.row);
    cu_buf json = {0};
    cu_json_encode_row(shown.batch, shown.row, NULL, 0, &json);
    rec.value = cu_arena_slice(l.a, cu_buf_slice(&json));
    cu_buf_free(&json);
    put_fault(&l, in->sqlstate, in->message);
    put_where(&l, w, in->stage, "cupel.error.view", v->name, in->column);
    i->pending_letters++;
    return append(w, w->rt->dlq, &rec, &l, err);
}

/* A name that the row has already means the row's own column. */
static void put_time(cu_buf *json, const cu_schema *row, const char *name,
                     int64_t ts_us)
{
    if (cu_schema_find(row, cu_slice_of(name)) >= 0)
        return;
    cu_buf_printf(json, ",\"%s\":", name);
    if (ts_us == INT64_MIN) {
        cu_buf_put_str(json, "null");
        return;
    }
    cu_buf_put_u8(json, '"');
    cu_rfc3339_out(ts_us, json);
    cu_buf_put_u8(json, '"');
}

int cu_late_row(void *instance, const cu_late *in, cu_err *err)
{
    cu_instance *i = instance;
    cu_worker *w = i->worker;
    const cu_view_def *v = i->stage->view;
    letter l = {.a = w->arena};
    cu_record rec = {.timestamp_ms = w->newest_ms};
    from_row(&l, &rec, in->batch, in->row);
    cu_buf json = {0};
    cu_json_encode_row(in->batch, in->row, NULL, 0, &json);
    json.len--; /* the closing brace */
    put_time(&json, in->batch->schema, "window_start", in->window_start_us);
    put_time(&json, in->batch->schema, "window_end", in->window_end_us);
    put_time(&json, in->batch->schema, "watermark", in->watermark_us);
    cu_buf_put_u8(&json, '}');
    rec.value = cu_arena_slice(l.a, cu_buf_slice(&json));
    cu_buf_free(&json);
    put_fault(&l, STATE_LATE, "the row came after its window had closed");
    put_where(&l, w, "window", "cupel.error.view", v->name, NULL);
    i->pending_late++;
    return append(w, v->late_topic, &rec, &l, err);
}
