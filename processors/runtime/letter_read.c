/* Letters read back: dead_letters(x) and late_rows(view) as tables.
 *
 * A letter is decoded by the names of the table's columns:
 *
 *   error_code, error_message, stage, view, column_name,
 *   topic, partition, record_offset, file, line          from its headers
 *   record_time                                          its timestamp
 *   first_seen                        a header; collectors': its timestamp
 *   raw_key, raw_value, headers                          as they are
 *   anything before them (late rows)      from its value, a JSON object
 *
 * A topic may hold letters of many tables and views; those of others give no
 * row and are not counted.  The columns of a late row may bear the names above:
 * a row's own columns end with `watermark`.
 */
#include "processors/runtime/letters.h"

#include "rows/json.h"

struct cu_letter_reader {
    const cu_table_def *table;
    cu_arena *arena;
    cu_decoder *decoder;
    int32_t raw_value, first_seen; /* columns, or -1 */
};

typedef struct source {
    const char *column;
    cu_from from;
    const char *header;
} source;

static const source sources[] = {
    {"error_code", CU_FROM_HEADER, "cupel.error.code"},
    {"error_message", CU_FROM_HEADER, "cupel.error.message"},
    {"stage", CU_FROM_HEADER, "cupel.error.stage"},
    {"view", CU_FROM_HEADER, "cupel.error.view"},
    {"column_name", CU_FROM_HEADER, "cupel.error.column"},
    {"topic", CU_FROM_HEADER, "__streams.errors.topic"},
    {"partition", CU_FROM_HEADER, "__streams.errors.partition"},
    {"record_offset", CU_FROM_HEADER, "__streams.errors.offset"},
    {"record_time", CU_FROM_TIMESTAMP, NULL},
    {"file", CU_FROM_FILE, NULL},
    {"line", CU_FROM_LINE, NULL},
    {"raw_key", CU_FROM_RAW_KEY, NULL},
    {"raw_value", CU_FROM_NOTHING, NULL},
    {"headers", CU_FROM_HEADERS, NULL},
    {"first_seen", CU_FROM_HEADER, "cupel.error.first_seen"},
};

static const source *source_of(const char *column)
{
    for (size_t k = 0; k < sizeof(sources) / sizeof(*sources); k++)
        if (strcmp(sources[k].column, column) == 0)
            return &sources[k];
    return NULL;
}

/* How many columns come first that are the late row's own. */
static uint32_t own_columns(const cu_table_def *t)
{
    if (t->letters != CU_LETTERS_LATE)
        return 0;
    for (uint32_t i = t->schema->n; i > 0; i--)
        if (strcmp(t->schema->fields[i - 1].name, "watermark") == 0)
            return i;
    return 0;
}

static const char *member_path(cu_arena *a, const char *name)
{
    cu_buf path = {0};
    cu_buf_put_str(&path, "$[");
    cu_json_put_string(&path, cu_slice_of(name));
    cu_buf_put_str(&path, "]");
    char *out = cu_arena_strn(a, path.data, path.len);
    cu_buf_free(&path);
    return out;
}

int cu_letter_reader_open(const cu_table_def *t, cu_letter_reader **out,
                          cu_err *err)
{
    cu_letter_reader *l = cu_calloc(1, sizeof(*l));
    l->table = t;
    l->arena = cu_arena_new(0);
    l->raw_value = l->first_seen = -1;
    uint32_t n = t->schema->n, own = own_columns(t);
    cu_codec_col *cols = cu_arena_calloc(l->arena, n + 1, sizeof(*cols));
    for (uint32_t i = 0; i < n; i++) {
        const cu_field *f = &t->schema->fields[i];
        const source *s = i < own ? NULL : source_of(f->name);
        cols[i].name = f->name;
        cols[i].type = f->type;
        cols[i].from = s ? s->from : CU_FROM_VALUE;
        cols[i].path = s ? s->header : member_path(l->arena, f->name);
        if (s && strcmp(s->column, "raw_value") == 0)
            l->raw_value = (int32_t)i;
        if (s && strcmp(s->column, "first_seen") == 0)
            l->first_seen = (int32_t)i;
    }
    cu_codec_spec spec = {.format = CU_FORMAT_JSON, .cols = cols, .n_cols = n};
    /* A raw key may be of any form. */
    spec.key_format = CU_FORMAT_BYTES;
    int rc = cu_decoder_open(&spec, t->schema, &l->decoder, err);
    if (rc) {
        cu_letter_reader_close(l);
        return rc;
    }
    *out = l;
    return 0;
}

void cu_letter_reader_close(cu_letter_reader *l)
{
    if (l == NULL)
        return;
    if (l->decoder)
        cu_decoder_close(l->decoder);
    cu_arena_free(l->arena);
    cu_free(l);
}

static bool is_of(const cu_letter_reader *l, const cu_record *r)
{
    const char *name = l->table->letters_of;
    return cu_slice_is(cu_record_header(r, "cupel.error.view"), name) ||
           cu_slice_is(cu_record_header(r, "cupel.error.table"), name);
}

static void set(cu_batch *b, uint32_t row, int32_t col, const cu_value *v)
{
    cu_col_set(b->arena, &b->cols[col], row, b->capacity, v);
}

bool cu_letter_read(cu_letter_reader *l, const cu_record *r, const cu_input *in,
                    cu_batch *to, cu_faults *faults)
{
    cu_input letter = *in;
    if (!is_of(l, r))
        return false;
    if (l->table->letters == CU_LETTERS_DEAD)
        letter.value = CU_LIT("{}");
    if (!cu_decode(l->decoder, &letter, to, faults))
        return false;
    uint32_t row = to->n_rows - 1;
    if (l->raw_value >= 0 && r->value.data) {
        cu_value v = {.type = CU_TYPE(CU_T_BYTEA), .s = r->value};
        set(to, row, l->raw_value, &v);
    }
    if (l->first_seen >= 0 && cu_col_is_null(&to->cols[l->first_seen], row)) {
        cu_value v = {.type = CU_TYPE(CU_T_TIMESTAMPTZ),
                      .i8 = r->timestamp_ms * 1000 - CU_PG_EPOCH_US};
        set(to, row, l->first_seen, &v);
    }
    return true;
}
