/* Records of a view's topic -> rows in COPY's text format.
 *
 *   record --decoder--> row --cu_pg_row--> "1\tred\\N\tf"
 *                         \- key bytes: an older row of the key is superseded
 *
 * One batch has one row per key, its last: what PostgreSQL would otherwise see
 * is a key twice in one statement.  Keys are compared as SQL does, since 1.0
 * and 1.00 are one key there, but not the same bytes here.
 */
#include "ops/sink.h"

#include "base/alloc.h"

enum { MOST_ROWS = 5000, MOST_BYTES = 4 << 20 };

static void fresh_decoded(cu_sink_rows *s)
{
    cu_arena_reset(s->decode);
    s->decoded = cu_batch_new(s->decode, s->source->schema, CU_BATCH_ROWS);
}

int cu_sink_rows_open(cu_sink_rows *s, const cu_pg_plan *plan, cu_err *err)
{
    const cu_table_def *t = plan->table;
    *s = (cu_sink_rows){.plan = plan, .arena = cu_arena_new(0)};
    s->source = cu_view_as_table(plan->view, s->arena);
    s->batch = cu_arena_new(64 * 1024);
    s->decode = cu_arena_new(64 * 1024);
    s->keys = cu_map_new();
    s->key = cu_arena_calloc(s->arena, t->n_key + 1, sizeof(*s->key));
    for (uint32_t i = 0; i < t->n_key; i++)
        s->key[i].col = t->key[i];
    fresh_decoded(s);
    return cu_decoder_open(&s->source->codec, s->source->schema, &s->decoder,
                           err);
}

void cu_sink_rows_close(cu_sink_rows *s)
{
    if (s->arena == NULL)
        return;
    cu_decoder_close(s->decoder);
    cu_map_free(s->keys);
    cu_arena_free(s->decode);
    cu_arena_free(s->batch);
    cu_arena_free(s->arena);
    cu_buf_free(&s->text);
    cu_buf_free(&s->scratch);
    cu_free(s->rows);
    cu_free(s->bad);
    cu_free(s->live);
    cu_free(s->sent);
}

void cu_sink_rows_clear(cu_sink_rows *s)
{
    cu_map_reset(s->keys);
    cu_arena_reset(s->batch);
    cu_buf_clear(&s->text);
    fresh_decoded(s);
    s->n = s->n_bad = s->n_live = s->n_seen = 0;
}

bool cu_sink_rows_full(const cu_sink_rows *s)
{
    return s->n_seen >= MOST_ROWS || s->text.len >= MOST_BYTES;
}

static cu_record kept(cu_sink_rows *s, const cu_record *r)
{
    cu_record k = *r;
    k.headers = NULL;
    k.n_headers = 0;
    k.part.topic = s->source->topic;
    if (r->key.data)
        k.key = cu_arena_slice(s->batch, r->key);
    if (r->value.data)
        k.value = cu_arena_slice(s->batch, r->value);
    return k;
}

void cu_sink_rows_reject(cu_sink_rows *s, const cu_record *r,
                         const cu_pg_refusal *why)
{
    if (s->n_bad == s->most_bad) {
        s->most_bad = s->most_bad ? 2 * s->most_bad : 16;
        s->bad = cu_realloc(s->bad, s->most_bad * sizeof(*s->bad));
    }
    s->bad[s->n_bad++] = (cu_sink_bad){kept(s, r), *why};
}

static void text_into(char *to, size_t size, const char *text)
{
    size_t n = text ? strlen(text) : 0;
    n = n < size - 1 ? n : size - 1;
    if (n)
        memcpy(to, text, n);
    to[n] = 0;
}

static void undecodable(cu_sink_rows *s, const cu_record *r,
                        const cu_faults *faults)
{
    const cu_fault_item *f = &faults->items[0];
    cu_pg_refusal why = {0};
    char code[6];
    text_into(why.sqlstate, sizeof(why.sqlstate),
              cu_sqlstate_text(f->sqlstate, code));
    text_into(why.column, sizeof(why.column), f->column);
    text_into(why.message, sizeof(why.message), f->message);
    cu_sink_rows_reject(s, r, &why);
}

static void supersede(cu_sink_rows *s, const cu_batch *b, uint32_t row)
{
    bool fresh;
    cu_buf_clear(&s->scratch);
    cu_key_encode(b, row, s->key, s->plan->table->n_key, &s->scratch);
    void **slot = cu_map_put(s->keys, cu_buf_slice(&s->scratch), &fresh);
    if (!fresh)
        s->rows[(uintptr_t)*slot - 1].superseded = true;
    *slot = (void *)((uintptr_t)s->n + 1);
}

static void add_row(cu_sink_rows *s, const cu_record *r, const cu_batch *b,
                    uint32_t row)
{
    bool gone = cu_batch_weight(b, row) < 0;
    bool upsert = s->plan->upsert;
    if (gone && !upsert)
        return; /* a closed window left the view; what was loaded stays */
    if (s->n == s->most) {
        s->most = s->most ? 2 * s->most : 1024;
        s->rows = cu_realloc(s->rows, s->most * sizeof(*s->rows));
        s->live = cu_realloc(s->live, s->most * sizeof(*s->live));
        s->sent = cu_realloc(s->sent, s->most * sizeof(*s->sent));
    }
    if (upsert)
        supersede(s, b, row);
    cu_sink_row *to = &s->rows[s->n++];
    *to = (cu_sink_row){.record = kept(s, r), .at = s->text.len};
    cu_pg_row(b, row, &s->text);
    if (upsert)
        cu_buf_put_str(&s->text, gone ? "\tt" : "\tf");
    to->len = s->text.len - to->at;
}

void cu_sink_rows_add(cu_sink_rows *s, const cu_record *r)
{
    cu_input in = cu_input_of(r);
    cu_faults faults = {0};
    s->n_seen++;
    if (s->decoded->n_rows == s->decoded->capacity)
        fresh_decoded(s);
    uint32_t row = s->decoded->n_rows;
    if (cu_decode(s->decoder, &in, s->decoded, &faults))
        add_row(s, r, s->decoded, row);
    else if (faults.n)
        undecodable(s, r, &faults);
}

void cu_sink_rows_seal(cu_sink_rows *s)
{
    s->n_live = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const cu_sink_row *r = &s->rows[i];
        if (r->superseded)
            continue;
        s->live[s->n_live] = i;
        s->sent[s->n_live++] = (cu_slice){s->text.data + r->at, r->len};
    }
}
