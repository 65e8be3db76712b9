/* Values into columns: the second half of decoding.
 *
 * A JSON value becomes a column as json_populate_record does it: the text
 * of a scalar goes through the type's input function, so that 12 and "12"
 * are integers and true is not; a container into a text column is its JSON
 * text; a jsonb column takes the bytes as they stand.
 *
 *     slot --> text --> fast.c (plain forms) --> column
 *                  \--> encoding (epoch, base64, hex) --> column
 *                  \--> cu_value_in() (everything else, and all errors)
 *
 * F1  A value is written at `row`, which the batch does not count yet; a
 *     record with a fault leaves the batch as it was.
 * F2  Of a column that nobody reads nothing goes into the batch: its value is
 *     made, where it has to be, in memory of the record, and dropped.
 * F3  d->set[col] tells whether the column has a value; the caller cleared
 *     it.
 */
#include "schemas/field.h"

#include "base/assert.h"
#include "rows/array.h"
#include "rows/json.h"
#include "rows/numeric.h"
#include "schemas/fast.h"

#define STATE_RANGE      CU_SQLSTATE('2', '2', '0', '0', '3')
#define STATE_TIME_RANGE CU_SQLSTATE('2', '2', '0', '0', '8')
#define STATE_PARAMETER  CU_SQLSTATE('2', '2', '0', '2', '3')
#define STATE_SYNTAX     CU_SQLSTATE('2', '2', 'P', '0', '2')

/* timestamp's range: 4714-11-24 BC up to, not including, 294277-01-01. */
#define TS_FIRST   INT64_C(-211813488000000000)
#define TS_END     INT64_C(9223371331200000000)
#define US_PER_DAY INT64_C(86400000000)

_Static_assert(sizeof(cu_numeric) <= sizeof(((cu_decoder *)0)->waste),
               "what nobody reads finds room");

/* How much of a value a message shows. */
static int shown(cu_slice s)
{
    return (int)(s.len < 160 ? s.len : 160);
}

static inline cu_col *column(cu_call *c, uint32_t col)
{
    return &c->to->cols[col];
}

static inline bool is_kept(const cu_call *c, uint32_t col)
{
    return c->d->fields[col].kept;
}

/* Where the column's value of `width` bytes goes. */
static inline void *cell(cu_call *c, uint32_t col, size_t width)
{
    return is_kept(c, col) ? (char *)column(c, col)->data + c->row * width
                           : (char *)c->d->waste;
}

static inline void mark_set(cu_call *c, uint32_t col)
{
    cu_col *to = column(c, col);
    if (to->valid && is_kept(c, col))
        cu_col_set_valid(to, c->row);
    c->d->set[col] = true;
}

void cu_field_put_null(cu_call *c, uint32_t col)
{
    if (is_kept(c, col))
        cu_col_set_null(c->to->arena, column(c, col), c->row, c->to->capacity);
}

bool cu_field_fault(cu_call *c, uint32_t col)
{
    const cu_err *e = &c->d->err;
    cu_faults_add(c->faults, c->to->arena, c->d->fields[col].name,
                  e->sqlstate ? e->sqlstate : STATE_SYNTAX, "%s", e->msg);
    return false;
}

void cu_field_put_value(cu_call *c, uint32_t col, const cu_value *v)
{
    if (v->null) {
        cu_field_put_null(c, col);
        return;
    }
    if (is_kept(c, col))
        cu_col_set(c->to->arena, column(c, col), c->row, c->to->capacity, v);
    c->d->set[col] = true;
}

static bool put_slice(cu_call *c, uint32_t col, cu_slice s)
{
    *(cu_slice *)cell(c, col, sizeof(s)) = s;
    mark_set(c, col);
    return true;
}

static bool put_i8(cu_call *c, uint32_t col, int64_t v)
{
    *(int64_t *)cell(c, col, sizeof(v)) = v;
    mark_set(c, col);
    return true;
}

static bool put_i4(cu_call *c, uint32_t col, int32_t v)
{
    *(int32_t *)cell(c, col, sizeof(v)) = v;
    mark_set(c, col);
    return true;
}

/* --- plain forms ---------------------------------------------------------- */

static bool fast_int(cu_call *c, uint32_t col, cu_slice text)
{
    int64_t v;
    if (!cu_fast_int(text, &v))
        return false;
    switch (c->d->fields[col].type.kind) {
    case CU_T_INT8:
        return put_i8(c, col, v);
    case CU_T_INT4:
        return v == (int32_t)v && put_i4(c, col, (int32_t)v);
    default:
        if (v != (int16_t)v)
            return false;
        *(int16_t *)cell(c, col, sizeof(int16_t)) = (int16_t)v;
        mark_set(c, col);
        return true;
    }
}

static bool fast_double(cu_call *c, uint32_t col, cu_slice text)
{
    double v;
    if (!cu_fast_double(text, &v))
        return false;
    *(double *)cell(c, col, sizeof(v)) = v;
    mark_set(c, col);
    return true;
}

static const int64_t power10[] = {1,
                                  10,
                                  100,
                                  1000,
                                  10000,
                                  100000,
                                  1000000,
                                  10000000,
                                  100000000,
                                  1000000000,
                                  10000000000,
                                  100000000000,
                                  1000000000000,
                                  10000000000000,
                                  100000000000000,
                                  1000000000000000,
                                  10000000000000000,
                                  100000000000000000,
                                  1000000000000000000};
enum { MOST_POWER = 18 };

/* Without precision the written scale stays; with one, a value that needs no
 * rounding and surely fits is scaled up. */
static bool fast_numeric(cu_call *c, uint32_t col, cu_slice text)
{
    cu_type t = c->d->fields[col].type;
    int64_t m;
    unsigned scale;
    bool negative;
    if (!cu_fast_decimal(text, &m, &scale, &negative))
        return false;
    __int128 i = negative ? -m : m;
    if (t.precision > 0) {
        if (t.scale < 0 || t.precision > 36 || (int)scale > t.scale)
            return false;
        /* Digits that the value may have, as it is written. */
        unsigned most = (unsigned)(t.precision - t.scale) + scale;
        if (most <= MOST_POWER && m >= power10[most])
            return false;
        for (unsigned up = (unsigned)t.scale - scale; up > 0;) {
            unsigned some = up < MOST_POWER ? up : MOST_POWER;
            i *= power10[some];
            up -= some;
        }
        scale = (unsigned)t.scale;
    }
    /* In place: of 36 digits at most, so it is the fast form. */
    cu_numeric *to = cell(c, col, sizeof(*to));
    *to = (cu_numeric){.i = i, .scale = (uint16_t)scale, .form = CU_NUM_INT};
    mark_set(c, col);
    return true;
}

bool cu_field_put_plain_time(cu_call *c, uint32_t col, cu_slice text)
{
    const cu_codec_field *f = &c->d->fields[col];
    int64_t us;
    bool has_offset;
    int32_t offset_s = 0;
    if (!cu_fast_timestamp(text, &us, &has_offset, &offset_s))
        return false;
    if (f->type.kind == CU_T_TIMESTAMP)
        return put_i8(c, col, us); /* PostgreSQL drops the offset, too */
    if (has_offset)
        us -= (int64_t)offset_s * 1000000;
    else if (f->zone)
        us = cu_zone_to_utc(f->zone, us);
    return put_i8(c, col, us);
}

static bool fast_date(cu_call *c, uint32_t col, cu_slice text)
{
    int32_t days;
    return cu_fast_date(text, &days) && put_i4(c, col, days);
}

static bool fast_bool(cu_call *c, uint32_t col, cu_slice text)
{
    bool yes = text.len == 4 && !memcmp(text.data, "true", 4);
    if (!yes && !(text.len == 5 && !memcmp(text.data, "false", 5)))
        return false;
    *(uint8_t *)cell(c, col, 1) = yes;
    mark_set(c, col);
    return true;
}

/* --- encodings ------------------------------------------------------------ */

static bool time_range(cu_call *c, uint32_t col)
{
    char name[64];
    cu_fail(&c->d->err, CU_DATA, 0, "%s out of range",
            cu_type_name(c->d->fields[col].type, name));
    c->d->err.sqlstate = STATE_TIME_RANGE;
    return cu_field_fault(c, col);
}

/* timestamp(p): half away from zero. */
static int64_t round_time(int64_t us, int digits)
{
    int64_t unit = 1;
    for (int i = digits; i >= 0 && i < 6; i++)
        unit *= 10;
    int64_t rest = us % unit;
    us -= rest;
    return rest >= (unit + 1) / 2    ? us + unit
           : rest <= -(unit + 1) / 2 ? us - unit
                                     : us;
}

bool cu_field_put_unix_us(cu_call *c, uint32_t col, __int128 us)
{
    __int128 since_2000 = us - CU_PG_EPOCH_US;
    if (since_2000 < TS_FIRST || since_2000 >= TS_END)
        return time_range(c, col);
    cu_type t = c->d->fields[col].type;
    int64_t v = (int64_t)since_2000;
    if (t.kind != CU_T_DATE)
        return put_i8(c, col, round_time(v, t.scale));
    int64_t days = v / US_PER_DAY - (v % US_PER_DAY < 0);
    return put_i4(c, col, (int32_t)days);
}

static bool put_epoch(cu_call *c, uint32_t col, cu_slice text)
{
    int64_t unit = c->d->fields[col].unit_us;
    int64_t v;
    if (cu_fast_int(text, &v))
        return cu_field_put_unix_us(c, col, (__int128)v * unit);
    cu_numeric n, us;
    if (cu_numeric_in(text, cu_call_arena(c, col), &n, &c->d->err))
        return cu_field_fault(c, col);
    cu_numeric factor = cu_numeric_from_int8(unit);
    if (n.form != CU_NUM_INT && n.form != CU_NUM_BIG)
        return time_range(c, col);
    if (cu_numeric_mul(&n, &factor, cu_call_arena(c, col), &us, &c->d->err) ||
        cu_numeric_to_int8(&us, &v, &c->d->err))
        return time_range(c, col);
    return cu_field_put_unix_us(c, col, v);
}

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    char low = (char)(ch | 32);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool fail_parameter(cu_call *c, uint32_t col)
{
    c->d->err.sqlstate = STATE_PARAMETER;
    return cu_field_fault(c, col);
}

static bool put_hex(cu_call *c, uint32_t col, cu_slice text)
{
    char *out = cu_arena_alloc(cu_call_arena(c, col), text.len / 2);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i += 2) {
        int hi = hex_digit(text.data[i]);
        int lo = i + 1 < text.len ? hex_digit(text.data[i + 1]) : 0;
        if (hi < 0 || lo < 0) {
            cu_fail(&c->d->err, CU_DATA, 0, "invalid hexadecimal digit: \"%c\"",
                    text.data[hi < 0 ? i : i + 1]);
            return fail_parameter(c, col);
        }
        if (i + 1 == text.len) {
            cu_fail(&c->d->err, CU_DATA, 0,
                    "invalid hexadecimal data: odd number of digits");
            return fail_parameter(c, col);
        }
        out[n++] = (char)(hi << 4 | lo);
    }
    return put_slice(c, col, cu_slice_n(out, n));
}

static int base64_digit(char ch)
{
    if (ch >= 'A' && ch <= 'Z')
        return ch - 'A';
    if (ch >= 'a' && ch <= 'z')
        return ch - 'a' + 26;
    if (ch >= '0' && ch <= '9')
        return ch - '0' + 52;
    return ch == '+' ? 62 : ch == '/' ? 63 : -1;
}

static bool put_base64(cu_call *c, uint32_t col, cu_slice text)
{
    char *out = cu_arena_alloc(cu_call_arena(c, col), text.len / 4 * 3 + 3);
    size_t n = 0;
    unsigned group = 0, digits = 0, padding = 0;
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.data[i];
        if (ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r')
            continue;
        int v = base64_digit(ch);
        if (ch == '=' && digits >= 2) {
            padding++;
            v = 0;
        } else if (v < 0 || padding) {
            cu_fail(&c->d->err, CU_DATA, 0,
                    "invalid symbol \"%c\" found while decoding base64 "
                    "sequence",
                    ch);
            return fail_parameter(c, col);
        }
        group = group << 6 | (unsigned)v;
        if (++digits < 4)
            continue;
        for (unsigned k = 0; k + padding < 3; k++)
            out[n++] = (char)(group >> (16 - 8 * k));
        group = digits = 0;
        if (padding)
            padding = 4; /* nothing may follow */
    }
    if (digits) {
        cu_fail(&c->d->err, CU_DATA, 0, "invalid base64 end sequence");
        return fail_parameter(c, col);
    }
    return put_slice(c, col, cu_slice_n(out, n));
}

static bool put_encoded(cu_call *c, uint32_t col, cu_slice text)
{
    switch ((cu_encoding)c->d->fields[col].encoding) {
    case CU_ENC_EPOCH_SECONDS:
    case CU_ENC_EPOCH_MILLIS:
    case CU_ENC_EPOCH_MICROS:
        return put_epoch(c, col, text);
    case CU_ENC_BASE64:
        return put_base64(c, col, text);
    case CU_ENC_HEX:
        return put_hex(c, col, text);
    case CU_ENC_TEXT:
        break;
    }
    CU_ASSERT(c->d->fields[col].encoding == CU_ENC_TEXT);
    return false;
}

/* --- doors ---------------------------------------------------------------- */

bool cu_field_put_plain(cu_call *c, uint32_t col, cu_slice text)
{
    const cu_codec_field *f = &c->d->fields[col];
    switch ((cu_kind)f->type.kind) {
    case CU_T_TEXT:
        return f->plain && put_slice(c, col, text);
    case CU_T_INT2:
    case CU_T_INT4:
    case CU_T_INT8:
        return fast_int(c, col, text);
    case CU_T_FLOAT8:
        return fast_double(c, col, text);
    case CU_T_NUMERIC:
        return fast_numeric(c, col, text);
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        return f->plain && cu_field_put_plain_time(c, col, text);
    case CU_T_DATE:
        return fast_date(c, col, text);
    case CU_T_BOOL:
        return fast_bool(c, col, text);
    case CU_T_NULL:
    case CU_T_FLOAT4:
    case CU_T_BYTEA:
    case CU_T_TIME:
    case CU_T_INTERVAL:
    case CU_T_UUID:
    case CU_T_JSONB:
    case CU_T_ARRAY:
    case CU_KINDS:
        break;
    }
    return false;
}

bool cu_field_put_text(cu_call *c, uint32_t col, cu_slice text)
{
    const cu_codec_field *f = &c->d->fields[col];
    if (f->encoding != CU_ENC_TEXT)
        return put_encoded(c, col, text);
    if (cu_field_put_plain(c, col, text))
        return true;
    cu_value v;
    if (cu_value_in(f->type, text, f->zone, cu_call_arena(c, col), &v,
                    &c->d->err))
        return cu_field_fault(c, col);
    cu_field_put_value(c, col, &v);
    return true;
}

bool cu_field_put_bytes(cu_call *c, uint32_t col, cu_slice bytes)
{
    const cu_codec_field *f = &c->d->fields[col];
    if (f->type.kind == CU_T_BYTEA && f->encoding == CU_ENC_TEXT)
        return put_slice(c, col, bytes);
    return cu_check_utf8(c, f->name, bytes) && cu_field_put_text(c, col, bytes);
}

bool cu_field_put_int(cu_call *c, uint32_t col, int64_t v)
{
    const cu_codec_field *f = &c->d->fields[col];
    if (f->encoding == CU_ENC_TEXT && f->type.kind == CU_T_INT8)
        return put_i8(c, col, v);
    if (f->encoding == CU_ENC_TEXT && f->type.kind == CU_T_INT4 &&
        v == (int32_t)v)
        return put_i4(c, col, (int32_t)v);
    if (f->unit_us)
        return cu_field_put_unix_us(c, col, (__int128)v * f->unit_us);
    return cu_field_put_text(c, col,
                             cu_slice_of(cu_arena_printf(
                                 cu_call_arena(c, col), "%lld", (long long)v)));
}

/* A JSON array into a one-dimensional array column. */
static bool put_array(cu_call *c, uint32_t col, cu_slice json)
{
    cu_type elem = CU_TYPE(c->d->fields[col].type.elem);
    cu_arena *a = cu_call_arena(c, col);
    size_t n = cu_json_array_length(json);
    if (n > UINT32_MAX / sizeof(cu_value)) {
        cu_fail(&c->d->err, CU_DATA, 0, "array size exceeds the maximum");
        return cu_field_fault(c, col);
    }
    cu_value *values = cu_arena_calloc(a, n, sizeof(*values));
    cu_json_iter it = cu_json_iter_of(json);
    cu_slice key, value;
    for (size_t i = 0; i < n && cu_json_next(&it, &key, &value); i++) {
        cu_json_kind kind = cu_json_kind_of(value);
        values[i].type = elem;
        values[i].null = kind == CU_JSON_NULL;
        if (kind == CU_JSON_NULL)
            continue;
        if (kind == CU_JSON_ARRAY && elem.kind != CU_T_JSONB) {
            cu_fail(&c->d->err, CU_UNSUPPORTED, 0,
                    "an array of arrays is not supported");
            c->d->err.sqlstate = CU_SQLSTATE('0', 'A', '0', '0', '0');
            return cu_field_fault(c, col);
        }
        if (kind == CU_JSON_STRING && elem.kind != CU_T_JSONB)
            value = cu_json_unescape(value, a);
        if (cu_value_in(elem, value, c->d->fields[col].zone, a, &values[i],
                        &c->d->err))
            return cu_field_fault(c, col);
    }
    return put_slice(
        c, col,
        is_kept(c, col) ? cu_array_make(a, elem, values, (uint32_t)n) : json);
}

static bool put_json(cu_call *c, uint32_t col, const cu_raw *r)
{
    const cu_codec_field *f = &c->d->fields[col];
    cu_slice s = cu_raw_slice(r);
    if (f->encoding == CU_ENC_TEXT && f->type.kind == CU_T_JSONB)
        return put_slice(c, col, s);
    if (r->kind == CU_RAW_STRING)
        return cu_field_put_text(c, col, cu_slice_n(s.data + 1, s.len - 2));
    if (r->kind == CU_RAW_ESCAPED)
        return cu_field_put_text(c, col,
                                 cu_json_unescape(s, cu_call_arena(c, col)));
    if (r->kind == CU_RAW_INT && f->unit_us)
        return cu_field_put_unix_us(c, col, (__int128)r->i * f->unit_us);
    if (f->encoding == CU_ENC_TEXT && f->type.kind == CU_T_ARRAY) {
        if (r->kind == CU_RAW_ARRAY)
            return put_array(c, col, s);
        cu_fail(&c->d->err, CU_DATA, 0, "expected JSON array, found %.*s",
                shown(s), s.data);
        return cu_field_fault(c, col);
    }
    return cu_field_put_text(c, col, s);
}

bool cu_field_put_raw(cu_call *c, uint32_t col, const cu_raw *r, bool *null)
{
    *null = false;
    switch ((cu_raw_kind)r->kind) {
    case CU_RAW_ABSENT:
    case CU_RAW_NULL:
        *null = true;
        cu_field_put_null(c, col);
        return false;
    case CU_RAW_TEXT:
        return cu_field_put_text(c, col, cu_raw_slice(r));
    case CU_RAW_STORED:
        return c->d->set[col]; /* else its fault was added */
    case CU_RAW_STRING:
    case CU_RAW_ESCAPED:
    case CU_RAW_NUMBER:
    case CU_RAW_INT:
    case CU_RAW_TRUE:
    case CU_RAW_FALSE:
    case CU_RAW_ARRAY:
    case CU_RAW_OBJECT:
        return put_json(c, col, r);
    }
    return false;
}
