/* cupel tail: the records of a topic, or of the topic of a view. */
#include "ops/format.h"
#include "ops/topics.h"

#include "rows/json.h"
#include "schemas/codec.h"

enum { FLUSH_BYTES = 64 * 1024 };

typedef struct tailing {
    cu_cmd *c;
    cu_buf out;
    int64_t n;
    const cu_view_def *avro; /* the records are rows of it, in Avro */
    cu_decoder *decoder;
    cu_arena *arena;
} tailing;

/* --- values in Avro become JSON ------------------------------------------ */

static int open_avro(tailing *t, const cu_view_def *v, cu_err *err)
{
    cu_arena *a = t->c->arena;
    cu_codec_col *cols = cu_arena_calloc(a, v->schema->n + 1, sizeof(*cols));
    for (uint32_t i = 0; i < v->schema->n; i++)
        cols[i] = (cu_codec_col){.name = v->schema->fields[i].name,
                                 .type = v->schema->fields[i].type};
    cu_buf schema = {0};
    cu_avro_schema_of(v->schema, v->name, &schema);
    cu_codec_spec *s = cu_arena_calloc(a, 1, sizeof(*s));
    *s = (cu_codec_spec){
        .format = CU_FORMAT_AVRO,
        .cols = cols,
        .n_cols = v->schema->n,
        .avro_schema = cu_arena_strn(a, schema.data, schema.len)};
    cu_buf_free(&schema);
    t->avro = v;
    return cu_decoder_open(s, v->schema, &t->decoder, err);
}

static cu_slice from_avro(tailing *t, const cu_record *r)
{
    cu_arena_reset(t->arena);
    cu_batch *b = cu_batch_new(t->arena, t->avro->schema, 1);
    cu_input in = {.value = r->value,
                   .topic = r->part.topic,
                   .offset = r->offset,
                   .timestamp_ms = r->timestamp_ms};
    cu_faults faults = {0};
    if (r->value.data == NULL || !cu_decode(t->decoder, &in, b, &faults))
        return r->value;
    cu_buf json = {0};
    cu_json_encode_row(b, 0, NULL, 0, &json);
    cu_slice text = cu_arena_slice(t->arena, cu_buf_slice(&json));
    cu_buf_free(&json);
    return text;
}

/* --- one record, in the form that was asked for --------------------------- */

static void put_object(const cu_record *r, cu_buf *b)
{
    cu_buf_put_str(b, "{\"topic\":");
    cu_json_put_string(b, cu_slice_of(r->part.topic));
    cu_buf_printf(b, ",\"partition\":%d,\"offset\":%lld,\"timestamp\":\"",
                  (int)r->part.partition, (long long)r->offset);
    cu_put_time_ms(r->timestamp_ms, b);
    cu_buf_put_str(b, "\",\"key\":");
    cu_put_json_bytes(r->key, b);
    cu_buf_put_str(b, ",\"value\":");
    cu_put_json_bytes(r->value, b);
    if (r->n_headers) {
        cu_buf_put_str(b, ",\"headers\":");
        cu_put_json_headers(r, b);
    }
    cu_buf_put_u8(b, '}');
}

static void put_csv_cell(cu_slice s, cu_buf *b)
{
    cu_buf text = {0};
    if (s.data)
        cu_put_escaped(s, &text);
    cu_value v = {.type = CU_TYPE(CU_T_TEXT),
                  .null = s.data == NULL,
                  .s = cu_buf_slice(&text)};
    cu_arena *a = cu_arena_new(256);
    cu_col c = cu_col_const(a, &v);
    cu_csv_encode_cell(&c, 0, ',', b);
    cu_arena_free(a);
    cu_buf_free(&text);
}

static void put_csv(const cu_record *r, cu_buf *b)
{
    cu_buf_printf(b, "%s,%d,%lld,", r->part.topic, (int)r->part.partition,
                  (long long)r->offset);
    cu_put_time_ms(r->timestamp_ms, b);
    cu_buf_put_u8(b, ',');
    put_csv_cell(r->key, b);
    cu_buf_put_u8(b, ',');
    put_csv_cell(r->value, b);
    cu_buf_put_u8(b, '\n');
}

static void put_text(const cu_record *r, cu_buf *b)
{
    if (r->key.data) {
        cu_put_escaped(r->key, b);
        cu_buf_put_u8(b, '\t');
    }
    cu_put_escaped(r->value, b);
    cu_buf_put_u8(b, '\n');
}

static void flush(tailing *t)
{
    if (t->out.len)
        t->c->out->write(t->c->out->ctx, 1, cu_buf_slice(&t->out));
    cu_buf_clear(&t->out);
}

static bool show(void *ctx, const cu_record *lent)
{
    tailing *t = ctx;
    const cu_options *o = &t->c->o;
    if (lent == NULL) {
        flush(t);
        return true;
    }
    cu_record r = *lent;
    if (o->limit >= 0 && t->n >= o->limit)
        return false;
    if (t->avro)
        r.value = from_avro(t, lent);
    if (o->format) {
        cu_format_record(o->format, &r, &t->out);
    } else if (o->output == CU_OUT_TEXT) {
        put_text(&r, &t->out);
    } else if (o->output == CU_OUT_CSV) {
        put_csv(&r, &t->out);
    } else {
        if (o->output == CU_OUT_JSON)
            cu_buf_put_str(&t->out, t->n ? ",\n " : "");
        put_object(&r, &t->out);
        if (o->output == CU_OUT_JSONL)
            cu_buf_put_u8(&t->out, '\n');
    }
    t->n++;
    if (t->out.len > FLUSH_BYTES)
        flush(t);
    return o->limit < 0 || t->n < o->limit;
}

/* --- the command ---------------------------------------------------------- */

static const cu_view_def *avro_view(const cu_app *a, const char *topic)
{
    const cu_program *p = a->program;
    for (uint32_t i = 0; p && i < p->n_views; i++)
        if (p->views[i]->topic && p->views[i]->format == CU_FORMAT_AVRO &&
            strcmp(p->views[i]->topic, topic) == 0)
            return p->views[i];
    return NULL;
}

static int follow(cu_cmd *c, cu_app *a, const cu_topic_info *topic)
{
    const cu_options *o = &c->o;
    tailing t = {.c = c, .arena = cu_arena_new(0)};
    cu_err err = {0};
    bool bare = o->format != NULL;
    const cu_view_def *avro = avro_view(a, topic->name);
    int rc = avro ? open_avro(&t, avro, &err) : 0;
    if (!bare && o->output == CU_OUT_JSON)
        cu_buf_put_u8(&t.out, '[');
    if (!bare && o->output == CU_OUT_CSV)
        cu_buf_put_str(&t.out, "topic,partition,offset,timestamp,key,value\n");
    if (rc == 0 && o->limit != 0)
        rc = cu_topic_read(c, a->log, topic,
                           o->from_beginning ? CU_OLDEST : CU_NEWEST,
                           o->until_end, show, &t, &err);
    if (!bare && o->output == CU_OUT_JSON)
        cu_buf_put_str(&t.out, "]\n");
    flush(&t);
    if (rc == 0 && t.n == 0 && o->until_end && !o->from_beginning && !o->quiet)
        cu_say(c->out, "nothing new; --from-beginning starts at the oldest "
                       "record\n");
    if (t.decoder)
        cu_decoder_close(t.decoder);
    cu_arena_free(t.arena);
    cu_buf_free(&t.out);
    if (rc)
        return cu_tell(c, &err);
    bool ended = o->until_end || (o->limit >= 0 && t.n >= o->limit);
    return ended || !cu_cmd_stopped(c) ? 0 : 130;
}

int cu_cmd_tail(cu_cmd *c)
{
    cu_err err = {0};
    if (c->o.format && cu_format_check(c->o.format, &err))
        return cu_usage(c, "%s", err.msg);
    cu_app *a;
    uint32_t n_paths;
    int rc = cu_app_open_log(c, false, &a, &n_paths);
    if (rc)
        return rc;
    cu_topic_info topic;
    if (c->n_words != n_paths + 1)
        rc = cu_usage(c, "tail wants the name of one topic or view");
    else
        rc = cu_topic_find(c, a, c->words[n_paths], &topic);
    if (rc == 0)
        rc = follow(c, a, &topic);
    cu_app_close(c, a);
    return rc;
}
