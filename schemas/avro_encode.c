/* Rows as Avro records, and the schema that they have.
 *
 *     column            Avro
 *     boolean           boolean
 *     int2, int4, int8  int, int, long
 *     float4, float8    float, double
 *     numeric(p,s)      bytes, decimal: two's complement, big endian; no
 *                       bytes at all is NaN (decimal has no other place)
 *     numeric           string: without a scale it would not be exact
 *     text, interval    string
 *     jsonb             string with the canonical text
 *     bytea             bytes
 *     date, time        int date, long time-micros
 *     timestamp(tz)     long (local-)timestamp-micros; infinities are the
 *                       smallest and largest long (int for dates)
 *     uuid              string uuid
 *     T[]               array of union null, T
 *
 * A nullable column is a union of null and its type.  Names that Avro does
 * not allow are changed, and the column's own name stays beside them as the
 * attribute cupel.name, which our reader prefers.
 */
#include "base/assert.h"
#include "rows/array.h"
#include "rows/json.h"
#include "rows/numeric.h"
#include "rows/text.h"
#include "schemas/codec.h"

enum { UNIX_DAYS = 10957 };

/* --- schema --------------------------------------------------------------- */

static bool is_letter(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
}

/* [A-Za-z_][A-Za-z0-9_]*; appended. */
static void put_name(const char *name, cu_buf *out)
{
    if (!is_letter(name[0]))
        cu_buf_put_u8(out, '_');
    for (const char *p = name; *p; p++)
        cu_buf_put_u8(
            out, is_letter(*p) || (*p >= '0' && *p <= '9') ? (uint8_t)*p : '_');
}

static const char *plain_schema(cu_kind kind)
{
    static const char *const all[CU_KINDS] = {
        [CU_T_NULL] = "\"null\"",
        [CU_T_BOOL] = "\"boolean\"",
        [CU_T_INT2] = "\"int\"",
        [CU_T_INT4] = "\"int\"",
        [CU_T_INT8] = "\"long\"",
        [CU_T_FLOAT4] = "\"float\"",
        [CU_T_FLOAT8] = "\"double\"",
        [CU_T_NUMERIC] = "\"string\"",
        [CU_T_TEXT] = "\"string\"",
        [CU_T_BYTEA] = "\"bytes\"",
        [CU_T_DATE] = "{\"type\": \"int\", \"logicalType\": \"date\"}",
        [CU_T_TIME] = "{\"type\": \"long\", \"logicalType\": \"time-micros\"}",
        [CU_T_TIMESTAMP] = "{\"type\": \"long\", \"logicalType\": "
                           "\"local-timestamp-micros\"}",
        [CU_T_TIMESTAMPTZ] = "{\"type\": \"long\", \"logicalType\": "
                             "\"timestamp-micros\"}",
        [CU_T_INTERVAL] = "\"string\"",
        [CU_T_UUID] = "{\"type\": \"string\", \"logicalType\": \"uuid\"}",
        [CU_T_JSONB] = "\"string\"",
    };
    return all[kind];
}

static bool is_decimal(cu_type t)
{
    return t.kind == CU_T_NUMERIC && t.precision > 0 && t.scale >= 0 &&
           t.scale <= t.precision;
}

static void put_type(cu_type t, cu_buf *out)
{
    if (is_decimal(t))
        cu_buf_printf(out,
                      "{\"type\": \"bytes\", \"logicalType\": \"decimal\", "
                      "\"precision\": %d, \"scale\": %d}",
                      t.precision, t.scale);
    else if (t.kind == CU_T_ARRAY)
        cu_buf_printf(out, "{\"type\": \"array\", \"items\": [\"null\", %s]}",
                      plain_schema((cu_kind)t.elem));
    else
        cu_buf_put_str(out, plain_schema((cu_kind)t.kind));
}

/* The name of column i, made different from those before it. */
static void put_unique_name(const cu_schema *s, uint32_t i, cu_buf *out)
{
    cu_buf mine = {0}, other = {0};
    uint32_t same = 0;
    put_name(s->fields[i].name, &mine);
    for (uint32_t k = 0; k < i; k++) {
        cu_buf_clear(&other);
        put_name(s->fields[k].name, &other);
        same += cu_slice_eq(cu_buf_slice(&mine), cu_buf_slice(&other));
    }
    cu_buf_put_slice(out, cu_buf_slice(&mine));
    if (same)
        cu_buf_printf(out, "__%u", same + 1);
    cu_buf_free(&mine);
    cu_buf_free(&other);
}

void cu_avro_schema_of(const cu_schema *s, const char *name, cu_buf *json)
{
    cu_buf_put_str(json, "{\"type\": \"record\", \"name\": \"");
    put_name(name, json);
    cu_buf_put_str(json, "\", \"fields\": [");
    for (uint32_t i = 0; i < s->n; i++) {
        const cu_field *f = &s->fields[i];
        cu_buf_put_str(json, i ? ", {\"name\": \"" : "{\"name\": \"");
        size_t start = json->len;
        put_unique_name(s, i, json);
        bool changed = !cu_slice_is(
            cu_slice_n(json->data + start, json->len - start), f->name);
        cu_buf_put_str(json, "\", \"type\": ");
        if (!f->not_null)
            cu_buf_put_str(json, "[\"null\", ");
        put_type(f->type, json);
        if (!f->not_null)
            cu_buf_put_str(json, "], \"default\": null");
        if (changed) {
            cu_buf_put_str(json, ", \"cupel.name\": ");
            cu_json_put_string(json, cu_slice_of(f->name));
        }
        cu_buf_put_u8(json, '}');
    }
    cu_buf_put_str(json, "]}");
}

/* --- values --------------------------------------------------------------- */

static void put_bytes(cu_slice s, cu_buf *out)
{
    cu_buf_put_svarint(out, (int64_t)s.len);
    cu_buf_put(out, s.data, s.len);
}

/* Digits of any length -> two's complement, big endian, as few bytes as
 * hold them. */
static void put_digits(const char *digits, bool negative, cu_buf *out)
{
    size_t len = strlen(digits), n = len / 2 + 2;
    cu_buf room = {0};
    uint8_t *b = (uint8_t *)cu_buf_reserve(&room, n);
    memset(b, 0, n);
    for (const char *p = digits; *p; p++) {
        unsigned carry = (unsigned)(*p - '0');
        for (size_t i = n; i-- > 0;) {
            carry += b[i] * 10u;
            b[i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    unsigned carry = 1;
    for (size_t i = n; negative && i-- > 0;) {
        carry += (uint8_t)~b[i];
        b[i] = (uint8_t)carry;
        carry >>= 8;
    }
    size_t skip = 0;
    while (skip + 1 < n && ((b[skip] == 0 && b[skip + 1] < 0x80) ||
                            (b[skip] == 0xFF && b[skip + 1] >= 0x80)))
        skip++;
    put_bytes(cu_slice_n(b + skip, n - skip), out);
    cu_buf_free(&room);
}

/* The text of the number without its point: the column's scale is the
 * schema's. */
static void put_decimal(const cu_numeric *v, cu_buf *out)
{
    cu_buf text = {0};
    cu_numeric_out(v, &text);
    cu_buf_put_u8(&text, 0);
    const char *p = text.data;
    bool negative = *p == '-';
    p += negative;
    if (*p == 'N' || *p == 'I') {
        put_bytes(CU_LIT(""), out);
    } else {
        char *to = text.data, *digits = to;
        for (; *p; p++)
            if (*p != '.')
                *to++ = *p;
        *to = 0;
        put_digits(digits, negative, out);
    }
    cu_buf_free(&text);
}

static void put_text(const cu_value *v, cu_buf *out)
{
    cu_buf text = {0};
    if (v->type.kind == CU_T_JSONB)
        cu_json_canonical(v->s, &text);
    else
        cu_value_out(v, NULL, &text);
    put_bytes(cu_buf_slice(&text), out);
    cu_buf_free(&text);
}

static void put_value(const cu_value *v, cu_buf *out);

static void put_array(const cu_value *v, cu_buf *out)
{
    cu_arena *a = cu_arena_new(0);
    uint32_t n = cu_array_length(v->s);
    cu_array_iter it = cu_array_iter_of(v->s);
    cu_value e;
    if (n)
        cu_buf_put_svarint(out, n);
    while (cu_array_next(&it, a, &e)) {
        cu_buf_put_svarint(out, e.null ? 0 : 1);
        if (!e.null)
            put_value(&e, out);
    }
    cu_buf_put_svarint(out, 0);
    cu_arena_free(a);
}

static int64_t unix_us(int64_t v)
{
    bool endless = v == CU_TS_INFINITY || v == CU_TS_MINUS_INFINITY;
    return endless ? v : v + CU_PG_EPOCH_US;
}

static int32_t unix_days(int32_t v)
{
    bool endless = v == CU_DATE_INFINITY || v == CU_DATE_MINUS_INFINITY;
    return endless ? v : v + UNIX_DAYS;
}

/* Not NULL. */
static void put_value(const cu_value *v, cu_buf *out)
{
    uint32_t bits4;
    uint64_t bits8;
    switch ((cu_kind)v->type.kind) {
    case CU_T_BOOL:
        cu_buf_put_u8(out, v->b);
        break;
    case CU_T_INT2:
        cu_buf_put_svarint(out, v->i2);
        break;
    case CU_T_INT4:
        cu_buf_put_svarint(out, v->i4);
        break;
    case CU_T_INT8:
    case CU_T_TIME:
        cu_buf_put_svarint(out, v->i8);
        break;
    case CU_T_FLOAT4:
        memcpy(&bits4, &v->f4, 4);
        cu_buf_put_u32le(out, bits4);
        break;
    case CU_T_FLOAT8:
        memcpy(&bits8, &v->f8, 8);
        cu_buf_put_u64le(out, bits8);
        break;
    case CU_T_DATE:
        cu_buf_put_svarint(out, unix_days(v->i4));
        break;
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        cu_buf_put_svarint(out, unix_us(v->i8));
        break;
    case CU_T_TEXT:
    case CU_T_BYTEA:
        put_bytes(v->s, out);
        break;
    case CU_T_NUMERIC:
        if (is_decimal(v->type))
            put_decimal(&v->num, out);
        else
            put_text(v, out);
        break;
    case CU_T_INTERVAL:
    case CU_T_UUID:
    case CU_T_JSONB:
        put_text(v, out);
        break;
    case CU_T_ARRAY:
        put_array(v, out);
        break;
    case CU_T_NULL:
    case CU_KINDS:
        CU_ASSERT(v->type.kind != CU_T_NULL);
        break;
    }
}

void cu_avro_encode_row(const cu_batch *b, uint32_t row, cu_buf *out)
{
    for (uint32_t i = 0; i < b->n_cols; i++) {
        cu_value v = cu_batch_value(b, row, i);
        bool not_null = b->schema->fields[i].not_null;
        CU_ASSERT(!(v.null && not_null));
        if (!not_null)
            cu_buf_put_svarint(out, v.null ? 0 : 1);
        if (!v.null)
            put_value(&v, out);
    }
}
