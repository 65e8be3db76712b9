/* Decoders: one record in, one row or a list of faults out.
 *
 *     value --> reader (json.c, csv.c, avro.c) --> slots --\
 *     key ----> reader or whole ---------> key slots ------> field.c --> row
 *     headers, topic, offset … -----------------------------/
 *
 * D1  All or nothing: the row is counted only when no column had a fault,
 *     and one letter lists every fault (decision 29).
 * D2  A delete carries the key columns alone, taken from the record's key,
 *     from the envelope's, or from Debezium's row before.
 * D3  A well-formed record costs no heap memory: slots and tables belong to
 *     the decoder, what has to be written anew goes to the batch's arena.
 */
#include "schemas/codec.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "rows/json.h"
#include "schemas/avro.h"
#include "schemas/csv.h"
#include "schemas/fast.h"
#include "schemas/field.h"
#include "schemas/json.h"
#include "schemas/json_simd.h"
#include "schemas/source.h"

#define STATE_NOT_NULL CU_SQLSTATE('2', '3', '5', '0', '2')
#define STATE_ENCODING CU_SQLSTATE('2', '2', '0', '2', '1')
#define STATE_SHAPE    CU_SQLSTATE('2', '2', '0', '2', '3')
#define STATE_LARGE    CU_SQLSTATE('5', '4', '0', '0', '0')
#define STATE_DELETE   CU_SQLSTATE('C', 'U', '0', '0', '1')
#define STATE_ENVELOPE CU_SQLSTATE('C', 'U', '0', '0', '3')

void cu_faults_add(cu_faults *f, cu_arena *a, const char *column,
                   uint32_t sqlstate, const char *format, ...)
{
    uint32_t i = f->n++;
    if (i >= sizeof(f->items) / sizeof(f->items[0]))
        return;
    va_list ap;
    va_start(ap, format);
    char *text = cu_arena_vprintf(a, format, ap);
    va_end(ap);
    /* A quoted value may be no UTF-8, or be cut inside a character. */
    for (size_t at = 0, len = strlen(text);; at++) {
        at += cu_utf8_valid_prefix(cu_slice_n(text + at, len - at));
        if (at >= len)
            break;
        text[at] = '?';
    }
    f->items[i] = (cu_fault_item){
        .column = column ? cu_arena_str(a, column) : NULL,
        .sqlstate = sqlstate,
        .message = text,
    };
}

/* Bytes that a character with this first byte should have. */
static size_t utf8_len(unsigned char first)
{
    if (first < 0xC0 || first >= 0xF8)
        return 1;
    return first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
}

bool cu_check_utf8(cu_call *c, const char *what, cu_slice s)
{
    if (cu_simd_utf8(s.data, s.len) && !memchr(s.data, 0, s.len))
        return true;
    size_t at = cu_utf8_valid_prefix(s);
    size_t n = at < s.len ? utf8_len((unsigned char)s.data[at]) : 0;
    char bytes[32] = "";
    size_t len = 0;
    for (size_t i = at; i < s.len && i < at + n; i++) {
        static const char digits[] = "0123456789abcdef";
        unsigned char ch = (unsigned char)s.data[i];
        memcpy(bytes + len, " 0x", 3);
        bytes[len + 3] = digits[ch >> 4];
        bytes[len + 4] = digits[ch & 15];
        bytes[len += 5] = 0;
    }
    cu_faults_add(c->faults, c->to->arena, NULL, STATE_ENCODING,
                  "%s%sinvalid byte sequence for encoding \"UTF8\":%s at byte "
                  "%zu",
                  what ? what : "", what ? ": " : "", bytes, at + 1);
    return false;
}

/* --- rows ----------------------------------------------------------------- */

static cu_slice header_of(const cu_input *in, cu_slice name)
{
    for (uint32_t i = in->n_headers; i-- > 0;)
        if (cu_slice_eq(in->headers[i].name, name))
            return in->headers[i].value;
    return CU_NULL_SLICE;
}

static bool put_header(cu_call *c, uint32_t col, cu_slice name, bool *null)
{
    cu_slice value = header_of(c->in, name);
    if (value.data)
        return cu_field_put_bytes(c, col, value);
    *null = true;
    return false;
}

/* All headers as {"name": "value"}; what is no text as \x hex. */
static bool put_headers(cu_call *c, uint32_t col)
{
    cu_buf *b = &c->d->scratch;
    cu_buf_clear(b);
    cu_buf_put_u8(b, '{');
    for (uint32_t i = 0; i < c->in->n_headers; i++) {
        cu_slice name = c->in->headers[i].name, v = c->in->headers[i].value;
        if (cu_utf8_valid_prefix(name) != name.len)
            continue;
        cu_buf_put_str(b, i ? ", " : "");
        cu_json_put_string(b, name);
        cu_buf_put_str(b, ": ");
        if (!v.data) {
            cu_buf_put_str(b, "null");
        } else if (cu_utf8_valid_prefix(v) == v.len) {
            cu_json_put_string(b, v);
        } else {
            cu_buf_put_str(b, "\"\\\\x");
            for (size_t k = 0; k < v.len; k++)
                cu_buf_printf(b, "%02x", (unsigned char)v.data[k]);
            cu_buf_put_u8(b, '"');
        }
    }
    cu_buf_put_u8(b, '}');
    cu_slice json = cu_arena_slice(cu_call_arena(c, col), cu_buf_slice(b));
    return cu_field_put_text(c, col, json);
}

static bool put_timestamp(cu_call *c, uint32_t col, bool *null)
{
    cu_kind kind = c->d->fields[col].type.kind;
    if (c->in->timestamp_ms == -1) { /* Kafka: no timestamp */
        *null = true;
        return false;
    }
    if (kind == CU_T_TIMESTAMP || kind == CU_T_TIMESTAMPTZ || kind == CU_T_DATE)
        return cu_field_put_unix_us(c, col,
                                    (__int128)c->in->timestamp_ms * 1000);
    return cu_field_put_int(c, col, c->in->timestamp_ms);
}

static bool put_key(cu_call *c, uint32_t col, bool *null)
{
    cu_decoder *d = c->d;
    if (d->envelope || d->key_format == CU_FORMAT_JSON)
        return cu_field_put_raw(c, col, &d->slots[d->n + col], null);
    if (c->in->key.data)
        return cu_field_put_bytes(c, col, c->in->key);
    *null = true;
    return false;
}

/* Column `col` from where it comes from; its value is in slots[slot]. */
static bool put_column(cu_call *c, uint32_t col, uint32_t slot, bool *null)
{
    const cu_codec_field *f = &c->d->fields[col];
    *null = false;
    switch ((cu_from)f->from) {
    case CU_FROM_VALUE:
        return cu_field_put_raw(c, col, &c->d->slots[slot], null);
    case CU_FROM_KEY:
        return put_key(c, col, null);
    case CU_FROM_HEADER:
        return put_header(c, col, cu_slice_of(f->path ? f->path : f->name),
                          null);
    case CU_FROM_TOPIC:
        return cu_field_put_text(c, col, cu_slice_of(c->in->topic));
    case CU_FROM_PARTITION:
        return cu_field_put_int(c, col, c->in->partition);
    case CU_FROM_OFFSET:
        return cu_field_put_int(c, col, c->in->offset);
    case CU_FROM_TIMESTAMP:
        return put_timestamp(c, col, null);
    case CU_FROM_RAW_KEY:
        *null = !c->in->key.data;
        return !*null && cu_field_put_bytes(c, col, c->in->key);
    case CU_FROM_HEADERS:
        return put_headers(c, col);
    case CU_FROM_FILE:
        return put_header(c, col, CU_LIT(CU_H_FILE), null);
    case CU_FROM_LINE:
        return put_header(c, col, CU_LIT(CU_H_LINE), null);
    case CU_FROM_NOTHING:
        *null = true;
        return false;
    }
    return false;
}

static void null_fault(cu_call *c, uint32_t col)
{
    const char *name = c->d->fields[col].name;
    cu_faults_add(c->faults, c->to->arena, name, STATE_NOT_NULL,
                  "null value in column \"%s\" violates not-null constraint",
                  name);
}

static void start_row(cu_call *c)
{
    c->row = c->to->n_rows;
    CU_ASSERT(c->row < c->to->capacity);
    memset(c->d->set, 0, c->d->n * sizeof(*c->d->set));
}

/* Counts the row, or leaves nothing of it (D1). */
static bool end_row(cu_call *c, int32_t weight)
{
    cu_batch *b = c->to;
    cu_decoder *d = c->d;
    if (c->faults->n) {
        for (uint32_t i = 0; i < d->n; i++) {
            size_t width = cu_type_width(b->cols[i].type);
            if (d->fields[i].kept)
                memset((char *)b->cols[i].data + c->row * width, 0, width);
        }
        return false;
    }
    if (weight == 1 && !b->weights) {
        b->n_rows++;
        b->n_sel = b->n_rows;
        return true;
    }
    cu_batch_add(b, weight);
    for (uint32_t i = 0; i < d->n; i++)
        if (d->set[i] && d->fields[i].kept)
            cu_col_set_valid(&b->cols[i], c->row);
    return true;
}

/* A cell of CSV, a header or a key in the plain form of its type. */
static inline bool plain_text(cu_call *c, uint32_t col, const cu_raw *r)
{
    return r->kind == CU_RAW_TEXT &&
           cu_field_put_plain(c, col, cu_raw_slice(r));
}

/* The text of a scalar. */
static inline bool plain_scalar(cu_call *c, uint32_t col, const cu_raw *r)
{
    switch ((cu_raw_kind)r->kind) {
    case CU_RAW_STRING:
        return cu_field_put_plain(c, col, (cu_slice){r->p + 1, r->len - 2});
    case CU_RAW_TEXT:
    case CU_RAW_NUMBER:
    case CU_RAW_INT:
    case CU_RAW_TRUE:
    case CU_RAW_FALSE:
        return cu_field_put_plain(c, col, cu_raw_slice(r));
    default:
        return false;
    }
}

/* The commonest pairs of slot and column, without a call; the rest goes the
 * long way. */
static inline bool put_quick(cu_call *c, uint32_t col, const cu_raw *r,
                             const cu_codec_field *f, uint32_t row)
{
    cu_col *to = &c->to->cols[col];
    int64_t us;
    switch ((cu_quick)f->quick) {
    case CU_QUICK_NONE:
        return false;
    case CU_QUICK_TEXT:
        if (r->kind == CU_RAW_STRING)
            CU_COL(to, cu_slice)[row] = (cu_slice){r->p + 1, r->len - 2};
        else if (r->kind == CU_RAW_TEXT)
            CU_COL(to, cu_slice)[row] = cu_raw_slice(r);
        else
            return false;
        break;
    case CU_QUICK_INT4:
        if (r->kind != CU_RAW_INT || r->i != (int32_t)r->i)
            return plain_text(c, col, r);
        CU_COL(to, int32_t)[row] = (int32_t)r->i;
        break;
    case CU_QUICK_INT8:
        if (r->kind != CU_RAW_INT)
            return plain_text(c, col, r);
        CU_COL(to, int64_t)[row] = r->i;
        break;
    case CU_QUICK_DOUBLE:
        /* 16 digits may exceed 2^53: then one rounding, as strtod's. */
        if (r->kind != CU_RAW_INT)
            return plain_scalar(c, col, r);
        CU_COL(to, double)[row] = (double)r->i;
        break;
    case CU_QUICK_PLAIN:
        return plain_scalar(c, col, r);
    case CU_QUICK_TIME:
        if (r->kind == CU_RAW_STRING)
            return cu_field_put_plain_time(c, col,
                                           (cu_slice){r->p + 1, r->len - 2});
        return r->kind == CU_RAW_TEXT &&
               cu_field_put_plain_time(c, col, cu_raw_slice(r));
    case CU_QUICK_EPOCH:
        /* 1970 … 2286 are surely in range. */
        if (r->kind != CU_RAW_INT || r->i < 0 ||
            __builtin_mul_overflow(r->i, f->unit_us, &us) ||
            us >= INT64_C(10000000000000000))
            return false;
        CU_COL(to, int64_t)[row] = us - CU_PG_EPOCH_US;
        break;
    case CU_PASS_TEXT:
        return r->kind >= CU_RAW_TEXT && r->kind != CU_RAW_STORED;
    case CU_PASS_JSON:
        return r->kind >= CU_RAW_STRING && r->kind != CU_RAW_STORED;
    case CU_PASS_INT4:
        return r->kind == CU_RAW_INT && r->i == (int32_t)r->i;
    case CU_PASS_WHOLE:
        return r->kind == CU_RAW_INT;
    case CU_PASS_TIME:
        return r->kind == CU_RAW_STRING &&
               cu_fast_is_timestamp((cu_slice){r->p + 1, r->len - 2});
    case CU_PASS_EPOCH:
        return r->kind == CU_RAW_INT && r->i >= 0 &&
               !__builtin_mul_overflow(r->i, f->unit_us, &us) &&
               us < INT64_C(10000000000000000);
    }
    if (to->valid)
        cu_col_set_valid(to, row);
    c->d->set[col] = true;
    return true;
}

static bool put_row(cu_call *c)
{
    uint32_t n = c->d->n, row = c->row;
    const cu_codec_field *f = c->d->fields;
    const cu_raw *r = c->d->slots;
    for (uint32_t i = 0; i < n; i++, f++, r++) {
        bool null;
        if (put_quick(c, i, r, f, row) || put_column(c, i, i, &null) || !null)
            continue;
        cu_field_put_null(c, i);
        if (f->not_null && f->from != CU_FROM_NOTHING &&
            !(c->key_bad && f->from == CU_FROM_KEY))
            null_fault(c, i);
    }
    return end_row(c, 1);
}

/* The key columns from the slots that start at `group`, all others NULL. */
static bool put_delete(cu_call *c, uint32_t group)
{
    cu_decoder *d = c->d;
    start_row(c);
    for (uint32_t i = 0; i < d->n; i++) {
        const cu_codec_field *f = &d->fields[i];
        bool null = true;
        if (f->key) {
            bool whole = f->from == CU_FROM_VALUE && group == d->n;
            if (whole ? put_key(c, i, &null)
                      : put_column(c, i, group + i, &null))
                continue;
            if (null && !c->key_bad)
                null_fault(c, i);
        }
        cu_field_put_null(c, i);
    }
    return end_row(c, -1);
}

/* --- keys ----------------------------------------------------------------- */

static void clear_slots(cu_decoder *d, uint32_t group)
{
    memset(d->slots + group, 0, d->n * sizeof(*d->slots));
}

/* A key that is a scalar is the value of its one column. */
static void scalar_key(cu_decoder *d, const cu_raw *root)
{
    for (uint32_t i = 0; i < d->n; i++) {
        const cu_codec_field *f = &d->fields[i];
        if (f->path)
            continue;
        if (f->from == CU_FROM_KEY ||
            (f->from == CU_FROM_VALUE && f->key && d->n_keys == 1))
            d->slots[d->n + i] = *root;
    }
}

static bool read_key(cu_call *c)
{
    cu_decoder *d = c->d;
    cu_raw root;
    if (d->envelope || d->key_format != CU_FORMAT_JSON)
        return true;
    clear_slots(d, d->n);
    if (!c->in->key.data)
        return true;
    switch (cu_json_read(d->json, d->key_tree, c->in->key, c->to->arena,
                         d->slots, &root)) {
    case CU_JSON_GOOD:
        if (root.kind != CU_RAW_OBJECT && root.kind != CU_RAW_ARRAY)
            scalar_key(d, &root);
        return true;
    case CU_JSON_BLANK:
        return true;
    case CU_JSON_BAD:
        break;
    }
    c->key_bad = true;
    cu_json_explain(c, "record key", c->in->key);
    return false;
}

/* --- values --------------------------------------------------------------- */

static bool whole_record_fault(cu_call *c, uint32_t state, const char *message)
{
    cu_faults_add(c->faults, c->to->arena, NULL, state, "%s", message);
    return false;
}

static bool delete_by_key(cu_call *c)
{
    if (!c->d->tombstones)
        return whole_record_fault(c, STATE_DELETE,
                                  "the record has no value, and the table's "
                                  "mode takes no deletes");
    read_key(c);
    return put_delete(c, c->d->n);
}

/* True when the value is a JSON text of an acceptable kind. */
static bool read_json(cu_call *c)
{
    cu_decoder *d = c->d;
    const cu_jnode *top = d->value_tree->root;
    cu_raw root;
    switch (cu_json_read(d->json, d->value_tree, c->value, c->to->arena,
                         d->slots, &root)) {
    case CU_JSON_BLANK:
        return false;
    case CU_JSON_BAD:
        cu_json_explain(c, NULL, c->value);
        return false;
    case CU_JSON_GOOD:
        break;
    }
    if (root.kind == CU_RAW_OBJECT)
        return true;
    if (root.kind == CU_RAW_ARRAY && (top->elements || top->n_slots))
        return true;
    return whole_record_fault(c, STATE_SHAPE,
                              root.kind == CU_RAW_ARRAY
                                  ? "cannot read columns from a JSON array: "
                                    "a record must be a JSON object"
                                  : "cannot read columns from a JSON scalar: "
                                    "a record must be a JSON object");
}

static bool decode_json(cu_call *c)
{
    cu_decoder *d = c->d;
    clear_slots(d, 0);
    if (!read_json(c))
        return false;
    if (d->any_key)
        read_key(c);
    start_row(c);
    return put_row(c);
}

static bool decode_envelope(cu_call *c)
{
    cu_decoder *d = c->d;
    const cu_raw *control = d->slots + 3 * d->n;
    memset(d->slots, 0, (3 * d->n + CU_CONTROL_SLOTS) * sizeof(*d->slots));
    if (!read_json(c))
        return false;
    if (control[CU_AT_KEY].kind != CU_RAW_OBJECT)
        whole_record_fault(c, STATE_ENVELOPE,
                           "the envelope has no object \"key\"");
    if (control[CU_AT_VALUE].kind == CU_RAW_NULL)
        return c->faults->n == 0 && put_delete(c, d->n);
    if (control[CU_AT_VALUE].kind != CU_RAW_OBJECT)
        whole_record_fault(c, STATE_ENVELOPE,
                           "the envelope has no \"value\" that is an object "
                           "or null");
    if (c->faults->n)
        return false;
    start_row(c);
    return put_row(c);
}

static bool decode_debezium(cu_call *c)
{
    cu_decoder *d = c->d;
    const cu_raw *control = d->slots + 3 * d->n;
    memset(d->slots, 0, (3 * d->n + CU_CONTROL_SLOTS) * sizeof(*d->slots));
    if (!read_json(c))
        return false;
    bool wrapped = control[CU_AT_PAYLOAD].kind == CU_RAW_OBJECT &&
                   control[CU_AT_OP].kind == CU_RAW_ABSENT;
    const cu_raw *op = &control[wrapped ? CU_AT_PAYLOAD_OP : CU_AT_OP];
    const cu_raw *after = &control[wrapped ? CU_AT_PAYLOAD_AFTER : CU_AT_AFTER];
    const cu_raw
        *before = &control[wrapped ? CU_AT_PAYLOAD_BEFORE : CU_AT_BEFORE];
    if (op->kind != CU_RAW_STRING || op->len != 3 ||
        !strchr("crudtm", op->p[1]))
        return whole_record_fault(c, STATE_ENVELOPE,
                                  "the change record has no \"op\" of c, r, "
                                  "u, d");
    switch (op->p[1]) {
    case 'm': /* a message of the application, no row */
        return false;
    case 't':
        return whole_record_fault(c, STATE_ENVELOPE,
                                  "a TRUNCATE cannot be applied: take a new "
                                  "snapshot of the table");
    case 'd':
        if (before->kind == CU_RAW_OBJECT) {
            if (d->any_key)
                read_key(c);
            return put_delete(c, 2 * d->n);
        }
        if (!c->in->key.data)
            return whole_record_fault(c, STATE_ENVELOPE,
                                      "a delete with neither \"before\" nor "
                                      "a record key");
        read_key(c);
        return put_delete(c, d->n);
    default:
        break;
    }
    if (after->kind != CU_RAW_OBJECT)
        return whole_record_fault(c, STATE_ENVELOPE,
                                  "the change record has no object \"after\"");
    if (d->any_key)
        read_key(c);
    start_row(c);
    return put_row(c);
}

static bool decode_csv(cu_call *c)
{
    cu_decoder *d = c->d;
    clear_slots(d, 0);
    if (!cu_csv_read(d->csv, c, header_of(c->in, CU_LIT(CU_H_CSV_HEADER))))
        return false;
    if (d->any_key)
        read_key(c);
    start_row(c);
    return put_row(c);
}

/* The whole value is every value column. */
static bool decode_whole(cu_call *c)
{
    cu_decoder *d = c->d;
    if (d->any_key)
        read_key(c);
    start_row(c);
    for (uint32_t i = 0; i < d->n; i++) {
        d->slots[i] = (cu_raw){.kind = CU_RAW_STORED};
        if (d->fields[i].from == CU_FROM_VALUE)
            cu_field_put_bytes(c, i, c->value);
    }
    return put_row(c);
}

static bool decode_avro(cu_call *c)
{
    cu_decoder *d = c->d;
    clear_slots(d, 0);
    if (d->any_key)
        read_key(c);
    start_row(c);
    if (!cu_avro_read(d->avro, c))
        return end_row(c, 1);
    return put_row(c);
}

/* White space only. */
static bool is_blank(cu_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != ' ' && s.data[i] != '\n' && s.data[i] != '\r' &&
            s.data[i] != '\t')
            return false;
    return true;
}

/* The records around a snapshot. */
static bool is_marker(const cu_input *in)
{
    if (!in->n_headers)
        return false;
    cu_slice mark = header_of(in, CU_LIT(CU_H_SNAPSHOT));
    return cu_slice_is(mark, "begin") || cu_slice_is(mark, "end");
}

bool cu_decode(cu_decoder *d, const cu_input *in, cu_batch *to,
               cu_faults *faults)
{
    cu_call c = {
        .d = d, .in = in, .value = in->value, .to = to, .faults = faults};
    faults->n = 0;
    if (d->spare && cu_arena_used_bytes(d->spare))
        cu_arena_reset(d->spare);
    if (is_marker(in))
        return false;
    if (!in->value.data)
        return d->format != CU_FORMAT_DEBEZIUM_JSON && delete_by_key(&c);
    if (in->value.len > UINT32_MAX || in->key.len > UINT32_MAX)
        return whole_record_fault(&c, STATE_LARGE, "the record is too large");
    bool text = d->format != CU_FORMAT_BYTES && d->format != CU_FORMAT_AVRO;
    if (text && in->value.len >= 3 &&
        !memcmp(in->value.data, "\xEF\xBB\xBF", 3))
        c.value = cu_slice_n(in->value.data + 3, in->value.len - 3);
    switch (d->format) {
    case CU_FORMAT_JSON:
        return d->envelope ? decode_envelope(&c) : decode_json(&c);
    case CU_FORMAT_DEBEZIUM_JSON:
        return decode_debezium(&c);
    case CU_FORMAT_CSV:
        return !is_blank(c.value) && decode_csv(&c);
    case CU_FORMAT_TEXT:
    case CU_FORMAT_BYTES:
        return decode_whole(&c);
    case CU_FORMAT_AVRO:
        return decode_avro(&c);
    case CU_FORMATS:
        break;
    }
    return false;
}
