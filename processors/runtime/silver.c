/* The publisher: changes of a view -> records of its silver topic.
 *
 * Behind materialize (M1): per key at most one -1 and one +1, adjacent.  A
 * +1 becomes key -> row, a -1 alone becomes a tombstone, a pair is one record.
 * Keys and rows are JSON objects; the partition is murmur2 of the key's bytes
 * as the Java client computes it, so that other programs can join on it.
 * A view without key is append-only: null keys, one record per row.
 *
 *   root --> hold (emit_interval) ----------> topic
 *       \\-> finals (emit = 'early_final') ---^
 */
#include "processors/runtime/hold.h"
#include "processors/runtime/letters.h"
#include "processors/runtime/rebuild.h"

#include "schemas/codec.h"

typedef struct cu_silver_out {
    cu_instance *instance;
    const char *topic; /* NULL: rows are counted and dropped */
    bool unheard;      /* nor that: the view is shared */
    int32_t partitions;
    bool kept;  /* the view keeps its rows */
    bool keyed; /* with n_key 0: the single row {} */
    uint32_t n_key;
    const uint16_t *key;
    cu_key_col *order; /* the key columns, for comparing neighbours */
    cu_format format;
    cu_hold *hold;     /* or NULL */
    cu_finals *finals; /* or NULL */
    int64_t watermark_us;
    bool final;      /* what is published now is final */
    bool correcting; /* some of it may be */
    cu_buf key_text, value_text, key_bytes, next_bytes;
} cu_silver_out;

static void encode_value(cu_silver_out *s, const cu_batch *b, uint32_t row)
{
    cu_buf_clear(&s->value_text);
    if (s->format == CU_FORMAT_AVRO)
        cu_avro_encode_row(b, row, &s->value_text);
    else
        cu_json_encode_row(b, row, NULL, 0, &s->value_text);
}

/* While the view is made anew its topic shows what it showed. */
static bool rebuilding(const cu_silver_out *s)
{
    return s->instance->rebuild.phase != CU_REBUILD_NOT && !s->correcting;
}

/* Without key, what stands in a partition of the topic is the word of one
 * instance; with more instances than partitions, the record says of which. */
static void sign(const cu_silver_out *s, cu_record *rec, cu_header *task,
                 char text[16])
{
    int32_t p = s->instance->partition;
    if (s->keyed || p < s->partitions)
        return;
    cu_buf b = {0};
    cu_buf_printf(&b, "%d", (int)p);
    memcpy(text, b.data, b.len);
    *task = (cu_header){CU_LIT(CU_SAID_TASK), cu_slice_n(text, b.len)};
    cu_buf_free(&b);
    rec->headers = task;
    rec->n_headers = 1;
}

static int send(cu_silver_out *s, cu_record *rec, cu_err *err)
{
    cu_header task;
    char text[16];
    s->instance->pending_rows++;
    sign(s, rec, &task, text);
    int rc = cu_log_append(s->instance->worker->writer, rec, err);
    if (rc == CU_LIMIT) {
        cu_err_note(err, "view %s: a row is too large for its topic: ",
                    s->instance->stage->view->name);
    }
    return rc;
}

/* What stands there of the key is no longer true. */
static int take_back(cu_silver_out *s, cu_record *rec, cu_err *err)
{
    cu_err_clear(err);
    if (!s->keyed || rec->value.data == NULL)
        return 0;
    rec->value = CU_NULL_SLICE;
    rec->n_headers = 0;
    int rc = cu_log_append(s->instance->worker->writer, rec, err);
    if (rc == CU_LIMIT) { /* so large a key never stood there */
        cu_err_clear(err);
        return 0;
    }
    return rc;
}

/* A row that the topic does not take: a dead letter instead. */
static int put_aside(cu_silver_out *s, const cu_batch *b, uint32_t row,
                     cu_record *rec, cu_err *err)
{
    cu_letter l = {
        .batch = b,
        .row = row,
        .sqlstate = CU_SQLSTATE('5', '4', '0', '0', '0'),
        .message = cu_arena_str(s->instance->worker->arena, err->msg),
        .stage = "publish"};
    bool is_row = rec->value.data != NULL;
    int rc = take_back(s, rec, err);
    return rc == 0 && is_row ? cu_letter_row(s->instance, &l, err) : rc;
}

static bool is_final(const cu_silver_out *s, const cu_batch *b, uint32_t row)
{
    if (s->final || !s->correcting || s->finals == NULL)
        return s->final;
    return cu_finals_closed(s->finals, b, row, s->watermark_us);
}

static int append(cu_silver_out *s, const cu_batch *b, uint32_t row,
                  bool tombstone, cu_err *err)
{
    cu_worker *w = s->instance->worker;
    if (s->topic == NULL) {
        s->instance->pending_rows++;
        return 0;
    }
    int rc = cu_worker_begin(w, err);
    if (rc)
        return rc;
    cu_record rec = {.timestamp_ms = w->newest_ms};
    rec.part = (cu_part){s->topic, s->instance->partition % s->partitions};
    if (s->keyed) {
        cu_buf_clear(&s->key_text);
        if (s->n_key)
            cu_json_encode_row(b, row, s->key, s->n_key, &s->key_text);
        else
            cu_buf_put_str(&s->key_text, "{}");
        rec.key = cu_buf_slice(&s->key_text);
        rec.part.partition = cu_partition_of(rec.key, s->partitions);
    }
    static const cu_header final = {CU_LIT("cupel.final"), CU_LIT("true")};
    if (!tombstone && is_final(s, b, row)) {
        rec.headers = &final;
        rec.n_headers = 1;
    }
    if (!tombstone) {
        encode_value(s, b, row);
        rec.value = cu_buf_slice(&s->value_text);
    }
    if (rebuilding(s))
        return cu_said_note(s->instance->space, rec.key, rec.value, err);
    rc = send(s, &rec, err);
    return rc == CU_LIMIT ? put_aside(s, b, row, &rec, err) : rc;
}

static bool same_key_next(cu_silver_out *s, const cu_batch *b, uint32_t i)
{
    if (i + 1 >= b->n_sel)
        return false;
    uint32_t row = cu_batch_row(b, i), next = cu_batch_row(b, i + 1);
    if (cu_batch_weight(b, next) < 0)
        return false;
    cu_buf_clear(&s->key_bytes);
    cu_buf_clear(&s->next_bytes);
    cu_key_encode(b, row, s->order, s->n_key, &s->key_bytes);
    cu_key_encode(b, next, s->order, s->n_key, &s->next_bytes);
    return cu_slice_eq(cu_buf_slice(&s->key_bytes),
                       cu_buf_slice(&s->next_bytes));
}

static int push_keyed(cu_silver_out *s, const cu_batch *b, cu_err *err)
{
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        bool gone = cu_batch_weight(b, row) < 0;
        if (gone && same_key_next(s, b, i))
            continue;
        int rc = append(s, b, row, gone, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int push_appended(cu_silver_out *s, const cu_batch *b, cu_err *err)
{
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        for (int32_t n = cu_batch_weight(b, row); n > 0; n--) {
            int rc = append(s, b, row, false, err);
            if (rc)
                return rc;
        }
    }
    return 0;
}

static int publish(void *ctx, const cu_batch *b, cu_err *err)
{
    cu_silver_out *s = ctx;
    if (s->unheard)
        return 0;
    return s->keyed ? push_keyed(s, b, err) : push_appended(s, b, err);
}

static int push(void *ctx, const cu_batch *b, cu_err *err)
{
    cu_silver_out *s = ctx;
    int rc = s->finals ? cu_finals_push(s->finals, b, err) : 0;
    if (rc || (rebuilding(s) && (s->kept || s->topic == NULL)))
        return rc;
    return s->hold ? cu_hold_push(s->hold, b, err) : publish(s, b, err);
}

static int watermark(void *ctx, int64_t ts_us, cu_err *err)
{
    cu_silver_out *s = ctx;
    (void)err;
    if (ts_us > s->watermark_us)
        s->watermark_us = ts_us;
    return 0;
}

static int publish_final(void *ctx, const cu_batch *b, cu_err *err)
{
    cu_silver_out *s = ctx;
    s->final = true;
    int rc = publish(s, b, err);
    s->final = false;
    return rc;
}

/* Rows that close meanwhile are corrected like all others. */
static int drop(void *ctx, const cu_batch *b, cu_err *err)
{
    (void)ctx, (void)b, (void)err;
    return 0;
}

int cu_silver_flush(cu_instance *i, cu_err *err)
{
    cu_silver_out *s = i->silver;
    cu_runtime *rt = i->worker->rt;
    int64_t now_us = i->worker->expr_env.now_us;
    bool all = atomic_load(&rt->ending) != CU_ENDING_NOT;
    int rc = 0;
    bool closing = false;
    if (rebuilding(s))
        return s->finals ? cu_finals_flush(s->finals, s->watermark_us, drop,
                                           NULL, err)
                         : 0;
    if (all)
        rc = cu_materialize_check(i->pipeline->root, err);
    if (rc == 0 && s->finals)
        rc = cu_finals_closing(s->finals, s->watermark_us, &closing, err);
    /* A final row is not followed by what it says already. */
    all = all || closing;
    if (rc == 0 && s->hold)
        rc = cu_hold_flush(s->hold, now_us, all, publish, s, err);
    if (rc == 0 && closing)
        rc = cu_finals_flush(s->finals, s->watermark_us, publish_final, s, err);
    return rc;
}

/* --- corrections ---------------------------------------------------------- */

static int say(void *ctx, cu_slice key, cu_slice value, cu_err *err)
{
    cu_silver_out *s = ctx;
    cu_worker *w = s->instance->worker;
    int rc = cu_worker_begin(w, err);
    cu_record rec = {.timestamp_ms = w->newest_ms, .key = key, .value = value};
    rec.part = (cu_part){s->topic, s->instance->partition % s->partitions};
    if (s->keyed)
        rec.part.partition = cu_partition_of(rec.key, s->partitions);
    if (rc == 0)
        rc = send(s, &rec, err);
    if (rc != CU_LIMIT)
        return rc;
    cu_warn("%s", err->msg); /* the letter was written when it was made */
    return take_back(s, &rec, err);
}

static int correct_said(cu_silver_out *s, cu_err *err)
{
    cu_said_where at = {.log = s->instance->worker->rt->o.log,
                        .topic = s->topic,
                        .partitions = s->partitions,
                        .stage = s->instance->stage,
                        .instance = s->instance->partition};
    if (s->topic == NULL)
        return 0;
    if (s->keyed)
        at.topic = NULL; /* what stands there last is right again */
    return cu_said_tell(s->instance->space, &at, say, s, err);
}

static int into_hold(void *ctx, const cu_batch *b, cu_err *err)
{
    cu_silver_out *s = ctx;
    return cu_hold_push(s->hold, b, err);
}

static int correct_kept(cu_silver_out *s, cu_err *err)
{
    const cu_instance *i = s->instance;
    cu_runtime *rt = i->worker->rt;
    cu_space *was;
    int rc = cu_space_open(rt->o.store, rt->stage_ids[i->stage->index],
                           (uint16_t)i->partition, &was, err);
    if (rc)
        return rc;
    cu_space_use(was, i->rebuild.shown);
    if (s->hold)
        rc = cu_hold_inherit(s->hold, was, err);
    if (rc == 0)
        rc = cu_materialize_diff(was, i->space, i->stage->root,
                                 s->hold ? into_hold : publish, s, err);
    cu_space_close(was);
    return rc;
}

int cu_silver_correct(cu_instance *i, cu_err *err)
{
    cu_silver_out *s = i->silver;
    s->correcting = true;
    int rc = s->kept ? correct_kept(s, err) : correct_said(s, err);
    s->correcting = false;
    return rc;
}

int64_t cu_silver_due(cu_instance *i)
{
    cu_err ignored = {0};
    int64_t due = INT64_MAX;
    if (i->silver && i->silver->hold &&
        cu_hold_due(i->silver->hold, &due, &ignored))
        return INT64_MAX; /* the next commit meets it again */
    return due;
}

bool cu_silver_disputed(cu_instance *i)
{
    cu_err ignored = {0}; /* the next commit meets it again */
    return i->silver && cu_materialize_check(i->pipeline->root, &ignored);
}

/* A kafka table has its own topic and key columns, a black hole none. */
static void use_sink(cu_silver_out *s, const cu_table_def *sink)
{
    s->topic = sink->server->wrapper == CU_W_BLACKHOLE ? NULL : sink->topic;
    s->partitions = s->instance->worker->rt->partitions[sink->index];
    if (sink->n_key) {
        s->keyed = true;
        s->n_key = sink->n_key;
        s->key = sink->key;
    }
}

int cu_silver_open(cu_instance *i, cu_err *err)
{
    (void)err;
    const cu_view_def *v = i->stage->view;
    cu_silver_out *s = cu_calloc(1, sizeof(*s));
    s->instance = i;
    s->topic = v->topic;
    s->unheard = v->shared;
    s->partitions = i->worker->rt->view_partitions[v->index];
    s->keyed = v->n_key > 0 || v->single;
    s->kept = cu_stage_keeps(i->stage);
    s->n_key = v->n_key;
    s->key = v->key;
    s->format = v->format;
    if (v->into && !cu_view_is_loaded(v))
        use_sink(s, v->into);
    s->order = cu_calloc(s->n_key + 1, sizeof(*s->order));
    for (uint32_t k = 0; k < s->n_key; k++)
        s->order[k].col = s->key[k];
    /* Without key there is nothing to net: rows go out as they come. */
    if (s->keyed && v->emit_interval_ms > 0)
        s->hold = cu_hold_new(i->space, v->schema, s->order, s->n_key,
                              v->emit_interval_ms);
    if (s->keyed && v->emit == CU_EMIT_EARLY_FINAL && v->final_col)
        s->finals = cu_finals_new(i->space, v, s->order, s->n_key);
    s->watermark_us = INT64_MIN;
    i->silver = s;
    i->tap = cu_tap_new(push, watermark, s);
    cu_op_connect(i->pipeline->root, i->tap, 0);
    return 0;
}

void cu_silver_close(cu_instance *i)
{
    cu_silver_out *s = i->silver;
    if (s == NULL)
        return;
    cu_hold_free(s->hold);
    cu_finals_free(s->finals);
    cu_buf_free(&s->key_text);
    cu_buf_free(&s->value_text);
    cu_buf_free(&s->key_bytes);
    cu_buf_free(&s->next_bytes);
    cu_free(s->order);
    cu_free(s);
    i->silver = NULL;
}
