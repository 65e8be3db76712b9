/* Opening a decoder: checks the declaration, lays out slots and trees.
 *
 * All that can be wrong with a table's OPTIONS is said here, before the
 * first record: a path that is none, an encoding that does not fit its
 * type, a field that the Avro schema lacks.
 *
 *     format         value tree                        record key
 *     json           root: columns                     key tree: columns
 *     key_value      key -> columns, value -> columns  -
 *     debezium-json  after, before -> columns, and     key tree: columns
 *                    the same below payload
 */
#include "base/alloc.h"
#include "base/assert.h"
#include "schemas/avro.h"
#include "schemas/csv.h"
#include "schemas/json.h"

static int check_column(const cu_codec_col *c, const cu_field *field,
                        cu_err *err)
{
    char name[64];
    cu_kind kind = (cu_kind)c->type.kind;
    CU_ASSERT(cu_type_same(c->type, field->type));
    switch (c->encoding) {
    case CU_ENC_TEXT:
        return 0;
    case CU_ENC_EPOCH_SECONDS:
    case CU_ENC_EPOCH_MILLIS:
    case CU_ENC_EPOCH_MICROS:
        if (kind == CU_T_TIMESTAMP || kind == CU_T_TIMESTAMPTZ ||
            kind == CU_T_DATE)
            return 0;
        return cu_fail(err, CU_USAGE, 0,
                       "column \"%s\": an epoch encoding needs a timestamp or "
                       "date column, not %s",
                       c->name, cu_type_name(c->type, name));
    case CU_ENC_BASE64:
    case CU_ENC_HEX:
        if (kind == CU_T_BYTEA)
            return 0;
        return cu_fail(err, CU_USAGE, 0,
                       "column \"%s\": encodings base64 and hex need a bytea "
                       "column, not %s",
                       c->name, cu_type_name(c->type, name));
    }
    return cu_fail(err, CU_USAGE, 0, "column \"%s\": unknown encoding",
                   c->name);
}

static int64_t unit_us(cu_encoding encoding)
{
    switch (encoding) {
    case CU_ENC_EPOCH_SECONDS:
        return 1000000;
    case CU_ENC_EPOCH_MILLIS:
        return 1000;
    case CU_ENC_EPOCH_MICROS:
        return 1;
    case CU_ENC_TEXT:
    case CU_ENC_BASE64:
    case CU_ENC_HEX:
        break;
    }
    return 0;
}

static uint8_t quick(const cu_codec_field *f)
{
    if (f->from != CU_FROM_VALUE)
        return CU_QUICK_NONE;
    if (f->unit_us)
        return f->type.kind != CU_T_DATE && f->type.scale < 0 ? CU_QUICK_EPOCH
                                                              : CU_QUICK_NONE;
    if (f->encoding != CU_ENC_TEXT)
        return CU_QUICK_NONE;
    switch ((cu_kind)f->type.kind) {
    case CU_T_TEXT:
        return f->plain ? CU_QUICK_TEXT : CU_QUICK_NONE;
    case CU_T_INT4:
        return CU_QUICK_INT4;
    case CU_T_INT8:
        return CU_QUICK_INT8;
    case CU_T_FLOAT8:
        return CU_QUICK_DOUBLE;
    case CU_T_INT2:
    case CU_T_NUMERIC:
    case CU_T_DATE:
    case CU_T_BOOL:
        return CU_QUICK_PLAIN;
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        return f->plain ? CU_QUICK_TIME : CU_QUICK_NONE;
    default:
        return CU_QUICK_NONE;
    }
}

/* The same when nobody reads the column. */
static uint8_t pass(const cu_codec_field *f)
{
    switch ((cu_quick)f->quick) {
    case CU_QUICK_TEXT:
        return CU_PASS_TEXT;
    case CU_QUICK_INT4:
        return CU_PASS_INT4;
    case CU_QUICK_INT8:
    case CU_QUICK_DOUBLE:
        return CU_PASS_WHOLE;
    case CU_QUICK_TIME:
        return CU_PASS_TIME;
    case CU_QUICK_EPOCH:
        return CU_PASS_EPOCH;
    default:
        break;
    }
    bool json = f->type.kind == CU_T_JSONB && f->from == CU_FROM_VALUE &&
                f->encoding == CU_ENC_TEXT;
    return json ? CU_PASS_JSON : f->quick;
}

static int copy_columns(cu_decoder *d, const cu_codec_spec *spec,
                        const cu_schema *schema, cu_err *err)
{
    CU_ASSERT(spec->n_cols == schema->n);
    d->n = spec->n_cols;
    d->fields = cu_arena_calloc(d->arena, d->n, sizeof(*d->fields));
    for (uint32_t i = 0; i < d->n; i++) {
        const cu_codec_col *c = &spec->cols[i];
        int rc = check_column(c, &schema->fields[i], err);
        if (rc)
            return rc;
        bool typmod = c->type.kind == CU_T_TEXT ? c->type.precision > 0
                                                : c->type.scale >= 0;
        d->fields[i] = (cu_codec_field){
            .name = cu_arena_str(d->arena, c->name),
            .path = c->path ? cu_arena_str(d->arena, c->path) : NULL,
            .type = c->type,
            .zone = c->zone,
            .from = (uint8_t)c->from,
            .encoding = (uint8_t)c->encoding,
            .not_null = c->not_null,
            .key = c->key,
            .unit_us = unit_us(c->encoding),
            .plain = c->encoding == CU_ENC_TEXT && !typmod,
        };
        d->fields[i].quick = quick(&d->fields[i]);
        d->fields[i].kept = true;
        d->any_key |= c->from == CU_FROM_KEY;
        d->n_keys += c->key;
    }
    return 0;
}

/* Wants column `col` below `from`, into `slot`. */
static int want(cu_decoder *d, cu_json_tree *t, cu_jnode *from, uint32_t col,
                uint32_t slot, cu_err *err)
{
    const cu_codec_field *f = &d->fields[col];
    if (!f->path) {
        cu_jnode *at = cu_json_tree_member(t, from, cu_slice_of(f->name));
        cu_json_tree_want(t, at, slot);
        return 0;
    }
    cu_path path;
    int rc = cu_path_parse(cu_slice_of(f->path), d->arena, &path, err);
    if (rc) {
        cu_err_note(err, "column \"%s\": ", f->name);
        return rc;
    }
    cu_json_tree_want(t, cu_json_tree_at(t, from, &path), slot);
    return 0;
}

/* The columns whose value comes from `from` (a cu_from), and with `keys` the
 * key columns whatever they come from, below one node. */
static int want_columns(cu_decoder *d, cu_json_tree *t, cu_jnode *below,
                        cu_from from, bool keys, uint32_t group, cu_err *err)
{
    for (uint32_t i = 0; i < d->n; i++) {
        const cu_codec_field *f = &d->fields[i];
        bool key = keys && f->key && f->from == CU_FROM_VALUE;
        if (f->from != from && !key)
            continue;
        int rc = want(d, t, below, i, group + i, err);
        if (rc)
            return rc;
    }
    return 0;
}

static cu_jnode *top(cu_json_tree *t, const char *name)
{
    return cu_json_tree_member(t, t->root, cu_slice_of(name));
}

static int envelope_tree(cu_decoder *d, cu_json_tree *t, cu_err *err)
{
    cu_jnode *key = top(t, "key"), *value = top(t, "value");
    cu_json_tree_want(t, value, 3 * d->n + CU_AT_VALUE);
    cu_json_tree_want(t, key, 3 * d->n + CU_AT_KEY);
    int rc = want_columns(d, t, value, CU_FROM_VALUE, false, 0, err);
    if (rc)
        return rc;
    return want_columns(d, t, key, CU_FROM_KEY, true, d->n, err);
}

/* Flat below the root, or wrapped below "payload". */
static int debezium_tree(cu_decoder *d, cu_json_tree *t, cu_jnode *below,
                         uint32_t control, cu_err *err)
{
    cu_jnode *op = cu_json_tree_member(t, below, CU_LIT("op"));
    cu_jnode *after = cu_json_tree_member(t, below, CU_LIT("after"));
    cu_jnode *before = cu_json_tree_member(t, below, CU_LIT("before"));
    cu_json_tree_want(t, op, control);
    cu_json_tree_want(t, after, control + CU_AT_AFTER);
    cu_json_tree_want(t, before, control + CU_AT_BEFORE);
    int rc = want_columns(d, t, after, CU_FROM_VALUE, false, 0, err);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < d->n && !rc; i++)
        if (d->fields[i].key && d->fields[i].from == CU_FROM_VALUE)
            rc = want(d, t, before, i, 2 * d->n + i, err);
    return rc;
}

static int value_tree(cu_decoder *d, cu_err *err)
{
    cu_json_tree *t = cu_json_tree_new(d->arena);
    int rc;
    d->value_tree = t;
    if (d->format == CU_FORMAT_DEBEZIUM_JSON) {
        cu_jnode *payload = top(t, "payload");
        cu_json_tree_want(t, payload, 3 * d->n + CU_AT_PAYLOAD);
        rc = debezium_tree(d, t, t->root, 3 * d->n, err);
        if (!rc)
            rc = debezium_tree(d, t, payload, 3 * d->n + CU_AT_PAYLOAD_OP, err);
    } else if (d->envelope) {
        rc = envelope_tree(d, t, err);
    } else {
        rc = want_columns(d, t, t->root, CU_FROM_VALUE, false, 0, err);
    }
    cu_json_tree_seal(t);
    return rc;
}

static int key_tree(cu_decoder *d, cu_err *err)
{
    cu_json_tree *t = cu_json_tree_new(d->arena);
    d->key_tree = t;
    int rc = want_columns(d, t, t->root, CU_FROM_KEY, true, d->n, err);
    if (!rc && d->format == CU_FORMAT_DEBEZIUM_JSON)
        rc = want_columns(d, t, top(t, "payload"), CU_FROM_KEY, true, d->n,
                          err);
    cu_json_tree_seal(t);
    return rc;
}

static int open_format(cu_decoder *d, const cu_codec_spec *spec, cu_err *err)
{
    switch (d->format) {
    case CU_FORMAT_JSON:
    case CU_FORMAT_DEBEZIUM_JSON:
        return value_tree(d, err);
    case CU_FORMAT_CSV:
        d->csv = cu_csv_new(d, spec->csv_delimiter, spec->csv_by_position, err);
        return d->csv ? 0 : (int)err->code;
    case CU_FORMAT_AVRO:
        if (!spec->avro_schema)
            return cu_fail(err, CU_USAGE, 0,
                           "format 'avro' needs a schema: schema_file or a "
                           "registry");
        return cu_avro_plan_new(d, spec->avro_schema, spec->avro_framed,
                                &d->avro, err);
    case CU_FORMAT_TEXT:
    case CU_FORMAT_BYTES:
        return 0;
    case CU_FORMATS:
        break;
    }
    return cu_fail(err, CU_USAGE, 0, "unknown format");
}

int cu_decoder_open(const cu_codec_spec *spec, const cu_schema *schema,
                    cu_decoder **out, cu_err *err)
{
    cu_err local;
    err = err ? err : &local;
    cu_arena *a = cu_arena_new(0);
    cu_decoder *d = cu_arena_calloc(a, 1, sizeof(*d));
    d->arena = a;
    d->format = spec->format;
    d->key_format = spec->key_format;
    d->envelope = spec->key_value_envelope && spec->format == CU_FORMAT_JSON;
    d->tombstones = spec->tombstones;
    d->json = cu_json_new();
    int rc = copy_columns(d, spec, schema, err);
    if (rc)
        goto out;
    d->slots = cu_arena_calloc(a, 3 * d->n + CU_CONTROL_SLOTS,
                               sizeof(*d->slots));
    d->set = cu_arena_calloc(a, d->n, sizeof(*d->set));
    if (d->key_format == CU_FORMAT_JSON && !d->envelope)
        rc = key_tree(d, err);
    if (!rc)
        rc = open_format(d, spec, err);
out:
    if (rc) {
        cu_decoder_close(d);
        d = NULL;
    }
    *out = d;
    return rc;
}

void cu_decoder_keep(cu_decoder *d, const bool *kept)
{
    for (uint32_t i = 0; i < d->n; i++) {
        cu_codec_field *f = &d->fields[i];
        if (kept[i])
            continue;
        f->kept = false;
        f->quick = pass(f);
        if (!d->spare)
            d->spare = cu_arena_new(0);
    }
}

void cu_decoder_close(cu_decoder *d)
{
    if (!d)
        return;
    cu_arena_free(d->spare);
    cu_json_free(d->json);
    cu_csv_free(d->csv);
    cu_avro_plan_free(d->avro);
    cu_buf_free(&d->scratch);
    cu_arena_free(d->arena);
}
