/* Dead letters: what was rejected, with the reason, in the same transaction.
 *
 * A letter carries the source's key, value and headers unchanged, then
 * headers that say why: KIP-1034's names for Kafka tools, and cupel's own.
 * A row that a view made itself has no source record: its value is the row as
 * JSON.
 *
 *   __streams.errors.{message,topic,partition,offset}
 *   cupel.error.{code,message,stage,table,view,column,app}
 *   cupel.error.all      every fault of the record, one a line
 */
#include "processors/runtime/int.h"

#include "schemas/codec.h"

enum { MAX_HEADERS = 64 };

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
    cu_err_clear(err);
    put_str(l, "cupel.error.truncated",
            cu_arena_printf(l->a, "%zu", rec->value.len));
    rec->n_headers = l->n;
    rec->value.len = rec->value.len > 65536 ? 65536 : rec->value.len;
    return cu_log_append(w->writer, rec, err);
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
    put_str(&l, "cupel.error.stage", "decode");
    put_str(&l, "cupel.error.table", t->name);
    put_str(&l, "cupel.error.column", first->column);
    put_str(&l, "cupel.error.app", w->rt->program->app);
    if (faults->n > 1) {
        cu_buf all = {0};
        for (uint32_t i = 0; i < faults->n && i < 16; i++) {
            const cu_fault_item *f = &faults->items[i];
            cu_buf_printf(&all, "%s%s%s%s", i ? "\n" : "",
                          f->column ? f->column : "", f->column ? ": " : "",
                          f->message);
        }
        put(&l, "cupel.error.all", cu_arena_slice(l.a, cu_buf_slice(&all)));
        cu_buf_free(&all);
    }
    cu_record rec = {
        .timestamp_ms = r->timestamp_ms, .key = r->key, .value = r->value};
    const char *topic = t->dead_letter_topic ? t->dead_letter_topic
                                             : w->rt->dlq;
    return append(w, topic, &rec, &l, err);
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
    const cu_record *origin = NULL;
    if (in->batch->origins && in->batch->records)
        origin = &in->batch->records[in->batch->origins[in->row]];
    if (origin) {
        put_origin(&l, origin);
        rec.key = origin->key;
        rec.timestamp_ms = origin->timestamp_ms;
    }
    cu_buf json = {0};
    cu_json_encode_row(in->batch, in->row, NULL, 0, &json);
    rec.value = cu_arena_slice(l.a, cu_buf_slice(&json));
    cu_buf_free(&json);
    put_fault(&l, in->sqlstate, in->message);
    put_str(&l, "cupel.error.stage", in->stage);
    put_str(&l, "cupel.error.view", v->name);
    put_str(&l, "cupel.error.column", in->column);
    put_str(&l, "cupel.error.app", w->rt->program->app);
    i->pending_letters++;
    return append(w, w->rt->dlq, &rec, &l, err);
}
