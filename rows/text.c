/* The two doors of all text forms: cu_value_in() and cu_value_out(). */
#include "rows/text.h"

#include "rows/array.h"
#include "rows/batch.h"
#include "rows/int.h"
#include "rows/json.h"
#include "rows/numeric.h"
#include "rows/text_int.h"
#include "rows/time_int.h"

enum { JSON_DEPTH = 1000 };

/* --- in ----------------------------------------------------------------- */

int cu_rows_fit_text(cu_type t, cu_slice *s, cu_err *err)
{
    if (t.precision <= 0 || s->len <= (size_t)t.precision)
        return 0;
    size_t chars = 0, at = 0;
    for (; at < s->len; at++) {
        bool begins = ((unsigned char)s->data[at] & 0xC0) != 0x80;
        if (begins && chars == (size_t)t.precision)
            break;
        chars += begins;
    }
    for (size_t i = at; i < s->len; i++)
        if (s->data[i] != ' ')
            return BAD_DATA(err, STATE_TOO_LONG,
                            "value too long for type character varying(%d)",
                            t.precision);
    s->len = at;
    return 0;
}

int64_t cu_rows_round_time(int64_t us, int digits)
{
    static const int64_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    if (digits < 0 || digits > 6 || us == INT64_MAX || us == INT64_MIN)
        return us;
    int64_t unit = units[digits], half = unit / 2;
    if (us >= 0)
        return (us > INT64_MAX - half ? us : us + half) / unit * unit;
    return -((-us > INT64_MAX - half ? -us : -us + half) / unit * unit);
}

static int text_in(cu_type t, cu_slice text, cu_slice *out, cu_err *err)
{
    size_t good = cu_utf8_valid_prefix(text);
    if (good != text.len)
        return BAD_DATA(err, STATE_ENCODING,
                        "invalid byte sequence for encoding \"UTF8\": 0x%02x "
                        "at byte %zu",
                        (unsigned char)text.data[good], good);
    *out = (cu_slice){text.data ? text.data : "", text.len};
    return cu_rows_fit_text(t, out, err);
}

static int json_in(cu_slice text, cu_slice *out, cu_err *err)
{
    size_t at = 0;
    if (!cu_json_validate(text, JSON_DEPTH, &at))
        return BAD_DATA(err, STATE_BAD_TEXT,
                        "invalid input syntax for type json at byte %zu: "
                        "\"%.*s\"",
                        at, SHOWN(text));
    *out = cu_json_trim(text);
    return 0;
}

static int numeric_in(cu_type t, cu_slice text, cu_arena *a, cu_numeric *out,
                      cu_err *err)
{
    cu_numeric n;
    int rc = cu_numeric_in(text, a, &n, err);
    return rc ? rc : cu_numeric_fit(&n, t.precision, t.scale, a, out, err);
}

static cu_type element_of(cu_type t)
{
    t.kind = t.elem;
    t.elem = 0;
    return t;
}

int cu_value_in(cu_type t, cu_slice text, const cu_zone *zone, cu_arena *a,
                cu_value *out, cu_err *err)
{
    int rc = 0;
    memset(out, 0, sizeof(*out));
    out->type = t;
    switch ((cu_kind)t.kind) {
    case CU_T_NULL:
        out->null = true;
        return 0;
    case CU_T_BOOL:
        return cu_bool_in(text, &out->b, err);
    case CU_T_INT2:
        return cu_int2_in(text, &out->i2, err);
    case CU_T_INT4:
        return cu_int4_in(text, &out->i4, err);
    case CU_T_INT8:
        return cu_int8_in(text, &out->i8, err);
    case CU_T_FLOAT4:
        return cu_float4_in(text, &out->f4, err);
    case CU_T_FLOAT8:
        return cu_float8_in(text, &out->f8, err);
    case CU_T_NUMERIC:
        return numeric_in(t, text, a, &out->num, err);
    case CU_T_TEXT:
        return text_in(t, text, &out->s, err);
    case CU_T_BYTEA:
        return cu_bytea_in(text, a, &out->s, err);
    case CU_T_DATE:
        return cu_date_in(text, &out->i4, err);
    case CU_T_TIME:
        rc = cu_time_in(text, &out->i8, err);
        break;
    case CU_T_TIMESTAMP:
        rc = cu_timestamp_in(text, &out->i8, err);
        break;
    case CU_T_TIMESTAMPTZ:
        rc = cu_timestamptz_in(text, zone, &out->i8, err);
        break;
    case CU_T_INTERVAL:
        rc = cu_interval_in(text, &out->iv, err);
        out->iv.us = cu_rows_round_time(out->iv.us, t.scale);
        return rc;
    case CU_T_UUID:
        return cu_uuid_in(text, &out->uuid, err);
    case CU_T_JSONB:
        return json_in(text, &out->s, err);
    case CU_T_ARRAY:
        return cu_rows_array_in(element_of(t), text, zone, a, &out->s, err);
    case CU_KINDS:
        CU_ASSERT(t.kind < CU_KINDS);
    }
    out->i8 = cu_rows_round_time(out->i8, t.scale);
    return rc;
}

/* --- out ---------------------------------------------------------------- */

static void put(uint8_t kind, const void *v, const cu_zone *zone, cu_buf *out)
{
    switch ((cu_kind)kind) {
    case CU_T_NULL:
    case CU_KINDS:
        break;
    case CU_T_BOOL:
        cu_buf_put_u8(out, *(const uint8_t *)v ? 't' : 'f');
        break;
    case CU_T_INT2:
        cu_int8_out(*(const int16_t *)v, out);
        break;
    case CU_T_INT4:
        cu_int8_out(*(const int32_t *)v, out);
        break;
    case CU_T_INT8:
        cu_int8_out(*(const int64_t *)v, out);
        break;
    case CU_T_FLOAT4:
        cu_float4_out(*(const float *)v, out);
        break;
    case CU_T_FLOAT8:
        cu_float8_out(*(const double *)v, out);
        break;
    case CU_T_NUMERIC:
        cu_numeric_out(v, out);
        break;
    case CU_T_TEXT:
        cu_buf_put_slice(out, *(const cu_slice *)v);
        break;
    case CU_T_BYTEA:
        cu_rows_bytea_out(*(const cu_slice *)v, out);
        break;
    case CU_T_DATE:
        cu_date_out(*(const int32_t *)v, out);
        break;
    case CU_T_TIME:
        cu_time_out(*(const int64_t *)v, out);
        break;
    case CU_T_TIMESTAMP:
        cu_timestamp_out(*(const int64_t *)v, out);
        break;
    case CU_T_TIMESTAMPTZ:
        cu_timestamptz_out(*(const int64_t *)v, zone, out);
        break;
    case CU_T_INTERVAL:
        cu_interval_out(v, out);
        break;
    case CU_T_UUID:
        cu_rows_uuid_out(v, out);
        break;
    case CU_T_JSONB:
        cu_json_canonical(*(const cu_slice *)v, out);
        break;
    case CU_T_ARRAY:
        cu_rows_array_out(*(const cu_slice *)v, zone, out);
        break;
    }
}

void cu_value_out(const cu_value *v, const cu_zone *zone, cu_buf *out)
{
    if (!v->null)
        put(v->type.kind, value_ptr(v), zone, out);
}

void cu_col_out(const struct cu_col *c, uint32_t row, const cu_zone *zone,
                cu_buf *out)
{
    if (!cu_col_is_null(c, row))
        put(c->type.kind,
            (const char *)c->data +
                (size_t)cu_col_at(c, row) * cu_type_width(c->type),
            zone, out);
}
