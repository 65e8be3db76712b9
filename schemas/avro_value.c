/* Single Avro values: past them, as JSON text, into a column.
 *
 *     int, long  zigzag varint        string, bytes  long length, bytes
 *     float      4 bytes LE           fixed          its bytes
 *     double     8 bytes LE           enum           int, a symbol's number
 *     boolean    0 or 1               union          long branch, value
 *     array      blocks: long count (negative: then a long byte size),
 *     map        items …, until count 0; map items are string, value
 *     record     its fields, nothing between
 *
 * The bytes are anybody's.  A length beyond the end stops at the scan; a
 * count may promise items that take no bytes, so items are counted against
 * the size of the record; nesting is bounded.  Whatever is skipped is
 * checked as if it were used.
 */
#include "schemas/avro_value.h"

#include "rows/json.h"
#include "rows/text.h"
#include "schemas/field.h"

enum {
    MOST_DEPTH = 200,
    FREE_ITEMS = 65536,
    MOST_DECIMAL_BYTES = 512,
    UNIX_DAYS = 10957, /* between 1970-01-01 and 2000-01-01 */
};
#define US_PER_DAY INT64_C(86400000000)

cu_avro_in cu_avro_in_of(cu_slice bytes)
{
    return (cu_avro_in){.at = cu_scan_of(bytes),
                        .items_left = bytes.len + FREE_ITEMS};
}

bool cu_avro_wrong(cu_avro_in *in, const char *what)
{
    in->wrong = what;
    return false;
}

static bool complete(cu_avro_in *in)
{
    return !in->at.bad || cu_avro_wrong(in, "unexpected end of data");
}

static bool take_long(cu_avro_in *in, const cu_avro_type *t, int64_t *v)
{
    *v = cu_scan_svarint(&in->at);
    if (!complete(in))
        return false;
    if (t->kind == CU_AVRO_INT && *v != (int32_t)*v)
        return cu_avro_wrong(in, "an int exceeds 32 bits");
    return true;
}

static bool take_bytes(cu_avro_in *in, const cu_avro_type *t, cu_slice *out)
{
    uint64_t len = t->size;
    if (t->kind != CU_AVRO_FIXED) {
        int64_t v = cu_scan_svarint(&in->at);
        if (v < 0)
            return cu_avro_wrong(in, "a negative length");
        len = (uint64_t)v;
    }
    if (in->at.bad || len > cu_scan_left(&in->at))
        return cu_avro_wrong(in, "unexpected end of data");
    *out = cu_scan_bytes(&in->at, (size_t)len);
    if (t->kind == CU_AVRO_STRING && cu_utf8_valid_prefix(*out) != out->len)
        return cu_avro_wrong(in, "a string that is not UTF-8");
    return true;
}

static bool take_symbol(cu_avro_in *in, const cu_avro_type *t, cu_slice *out)
{
    int64_t v = cu_scan_svarint(&in->at);
    if (!complete(in))
        return false;
    if (v < 0 || v >= t->n)
        return cu_avro_wrong(in, "an enum symbol that does not exist");
    *out = t->names[v];
    return true;
}

static bool take_bool(cu_avro_in *in, bool *out)
{
    uint8_t v = cu_scan_u8(&in->at);
    if (!complete(in))
        return false;
    *out = v;
    return v <= 1 || cu_avro_wrong(in, "a boolean that is neither 0 nor 1");
}

static double take_double(cu_avro_in *in)
{
    uint64_t bits = cu_scan_u64le(&in->at);
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static float take_float(cu_avro_in *in)
{
    uint32_t bits = cu_scan_u32le(&in->at);
    float v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

bool cu_avro_branch(cu_avro_in *in, const cu_avro_type *t, uint32_t *out)
{
    int64_t v = cu_scan_svarint(&in->at);
    if (!complete(in))
        return false;
    if (v < 0 || v >= t->n)
        return cu_avro_wrong(in, "a union branch that does not exist");
    *out = (uint32_t)v;
    return true;
}

/* --- text of scalars ------------------------------------------------------ */

/* Two's complement, big endian -> decimal digits in front of out[1024]. */
static const char *decimal_digits(cu_slice bytes, char out[1300],
                                  bool *negative)
{
    uint32_t limbs[MOST_DECIMAL_BYTES / 4 + 1] = {0};
    size_t n = (bytes.len + 3) / 4;
    *negative = bytes.data[0] & 0x80;
    /* The magnitude: complement and add one, least significant limb first. */
    uint64_t carry = *negative;
    for (size_t i = 0; i < n * 4; i++) {
        uint8_t b = *negative ? 0xFF : 0;
        if (i < bytes.len)
            b = (uint8_t)bytes.data[bytes.len - 1 - i];
        uint64_t v = (*negative ? (uint8_t)~b : b) + carry;
        carry = v >> 8;
        limbs[i / 4] |= (uint32_t)(v & 0xFF) << (8 * (i % 4));
    }
    char *p = out + 1300;
    *--p = 0;
    do {
        uint64_t rest = 0;
        for (size_t i = n; i-- > 0;) {
            uint64_t v = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(v / 10);
            rest = v % 10;
        }
        *--p = (char)('0' + rest);
        while (n && !limbs[n - 1])
            n--;
    } while (n);
    return p;
}

static bool put_decimal(cu_avro_in *in, const cu_avro_type *t, cu_slice bytes,
                        cu_buf *out)
{
    char room[1300];
    bool negative;
    if (!bytes.len) { /* cu_avro_encode_row() writes NaN so */
        cu_buf_put_str(out, "NaN");
        return true;
    }
    if (bytes.len > MOST_DECIMAL_BYTES)
        return cu_avro_wrong(in, "a decimal of more than 512 bytes");
    const char *digits = decimal_digits(bytes, room, &negative);
    size_t len = strlen(digits);
    if (negative)
        cu_buf_put_u8(out, '-');
    if (len <= t->scale) {
        cu_buf_put_str(out, "0.");
        for (size_t i = len; i < t->scale; i++)
            cu_buf_put_u8(out, '0');
        cu_buf_put(out, digits, len);
    } else {
        cu_buf_put(out, digits, len - t->scale);
        if (t->scale)
            cu_buf_put_u8(out, '.');
        cu_buf_put(out, digits + len - t->scale, t->scale);
    }
    return true;
}

static void put_hex(cu_slice s, cu_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    char *to = cu_buf_reserve(out, s.len * 2);
    for (size_t i = 0; i < s.len; i++) {
        to[2 * i] = digits[(uint8_t)s.data[i] >> 4];
        to[2 * i + 1] = digits[(uint8_t)s.data[i] & 15];
    }
    out->len += s.len * 2;
}

static void put_uuid(cu_slice s, cu_buf *out)
{
    static const uint8_t cuts[] = {0, 4, 6, 8, 10, 16};
    for (size_t i = 0; i < 5; i++) {
        if (i)
            cu_buf_put_u8(out, '-');
        put_hex(cu_slice_n(s.data + cuts[i], (size_t)(cuts[i + 1] - cuts[i])),
                out);
    }
}

/* Microseconds of one unit of a time type; 0: not one. */
static int64_t unit_us(uint8_t logical)
{
    switch ((cu_avro_logical)logical) {
    case CU_AVRO_TIME_MILLIS:
    case CU_AVRO_TS_MILLIS:
    case CU_AVRO_LOCAL_TS_MILLIS:
        return 1000;
    case CU_AVRO_TIME_MICROS:
    case CU_AVRO_TS_MICROS:
    case CU_AVRO_LOCAL_TS_MICROS:
        return 1;
    case CU_AVRO_DATE:
        return US_PER_DAY;
    case CU_AVRO_PLAIN:
    case CU_AVRO_DECIMAL:
    case CU_AVRO_UUID:
        break;
    }
    return 0;
}

static bool is_time(uint8_t logical)
{
    return logical == CU_AVRO_TIME_MILLIS || logical == CU_AVRO_TIME_MICROS;
}

/* An integer of a time type as a value of the SQL type that fits it; false
 * when there is none for this number. */
static bool time_value(const cu_avro_type *t, int64_t v, cu_value *out)
{
    bool utc = t->logical == CU_AVRO_TS_MILLIS ||
               t->logical == CU_AVRO_TS_MICROS;
    *out = (cu_value){.type = CU_TYPE(utc ? CU_T_TIMESTAMPTZ : CU_T_TIMESTAMP)};
    if (t->logical == CU_AVRO_DATE) {
        out->type = CU_TYPE(CU_T_DATE);
        bool endless = v == INT32_MAX || v == INT32_MIN;
        out->i4 = (int32_t)(endless ? v : v - UNIX_DAYS);
        return endless || v - UNIX_DAYS >= -2451545;
    }
    __int128 us = (__int128)v * unit_us(t->logical);
    if (is_time(t->logical)) {
        out->type = CU_TYPE(CU_T_TIME);
        out->i8 = (int64_t)us;
        return us >= 0 && us <= US_PER_DAY;
    }
    if (v == INT64_MAX || v == INT64_MIN) {
        out->i8 = v; /* infinities have the same form */
        return true;
    }
    us -= CU_PG_EPOCH_US;
    out->i8 = (int64_t)us;
    return us >= INT64_C(-211813488000000000) &&
           us < INT64_C(9223371331200000000);
}

static void put_integer(const cu_avro_type *t, int64_t v, cu_buf *out)
{
    cu_value time;
    if (!unit_us(t->logical) || !time_value(t, v, &time))
        cu_int8_out(v, out);
    else if (time.type.kind == CU_T_TIMESTAMPTZ && v != INT64_MAX &&
             v != INT64_MIN)
        cu_rfc3339_out(time.i8, out);
    else
        cu_value_out(&time, NULL, out);
}

/* Appends the text of a scalar; *bare: it is a JSON value without quotes. */
static bool take_text(cu_avro_in *in, const cu_avro_type *t, cu_buf *out,
                      bool *bare)
{
    int64_t v;
    bool yes;
    cu_slice s;
    size_t start = out->len;
    *bare = false;
    switch ((cu_avro_kind)t->kind) {
    case CU_AVRO_BOOLEAN:
        *bare = true;
        if (!take_bool(in, &yes))
            return false;
        cu_buf_put_str(out, yes ? "true" : "false");
        return true;
    case CU_AVRO_INT:
    case CU_AVRO_LONG:
        if (!take_long(in, t, &v))
            return false;
        put_integer(t, v, out);
        *bare = t->logical == CU_AVRO_PLAIN;
        return true;
    case CU_AVRO_FLOAT:
    case CU_AVRO_DOUBLE:
        if (t->kind == CU_AVRO_FLOAT)
            cu_float4_out(take_float(in), out);
        else
            cu_float8_out(take_double(in), out);
        *bare = !memchr("NI", out->data[start + (out->data[start] == '-')], 2);
        return complete(in);
    case CU_AVRO_BYTES:
    case CU_AVRO_FIXED:
        if (!take_bytes(in, t, &s))
            return false;
        *bare = t->logical == CU_AVRO_DECIMAL && s.len;
        if (t->logical == CU_AVRO_DECIMAL)
            return put_decimal(in, t, s, out);
        if (t->logical == CU_AVRO_UUID) {
            put_uuid(s, out);
            return true;
        }
        cu_buf_put_str(out, "\\x");
        put_hex(s, out);
        return true;
    case CU_AVRO_STRING:
    case CU_AVRO_ENUM:
        if (!(t->kind == CU_AVRO_ENUM ? take_symbol(in, t, &s)
                                      : take_bytes(in, t, &s)))
            return false;
        cu_buf_put_slice(out, s);
        return true;
    case CU_AVRO_NULL:
        *bare = true;
        cu_buf_put_str(out, "null");
        return true;
    case CU_AVRO_RECORD:
    case CU_AVRO_ARRAY:
    case CU_AVRO_MAP:
    case CU_AVRO_UNION:
        break;
    }
    return cu_avro_wrong(in, "a scalar is expected");
}

/* --- whole values --------------------------------------------------------- */

/* Puts quotes around the text from `start` on; of all texts that are no
 * string or symbol, only bytes have something to escape: their \x. */
static void quote(cu_buf *out, size_t start)
{
    bool hex = out->len > start && out->data[start] == '\\';
    size_t extra = hex ? 2 : 1, len = out->len - start;
    cu_buf_reserve(out, extra + 1);
    char *p = out->data + start;
    memmove(p + extra, p, len);
    memcpy(p, "\"\\", extra);
    p[extra + len] = '"';
    out->len += extra + 1;
}

static bool take_scalar(cu_avro_in *in, const cu_avro_type *t, cu_buf *out)
{
    cu_slice ignored;
    int64_t v;
    bool bare;
    if (!out) {
        switch ((cu_avro_kind)t->kind) {
        case CU_AVRO_NULL:
            return true;
        case CU_AVRO_BOOLEAN:
            return take_bool(in, &bare);
        case CU_AVRO_INT:
        case CU_AVRO_LONG:
            return take_long(in, t, &v);
        case CU_AVRO_FLOAT:
            cu_scan_u32le(&in->at);
            return complete(in);
        case CU_AVRO_DOUBLE:
            cu_scan_u64le(&in->at);
            return complete(in);
        case CU_AVRO_ENUM:
            return take_symbol(in, t, &ignored);
        default:
            return take_bytes(in, t, &ignored);
        }
    }
    if (t->kind == CU_AVRO_STRING || t->kind == CU_AVRO_ENUM) {
        if (!(t->kind == CU_AVRO_ENUM ? take_symbol(in, t, &ignored)
                                      : take_bytes(in, t, &ignored)))
            return false;
        cu_json_put_string(out, ignored);
        return true;
    }
    size_t start = out->len;
    if (!take_text(in, t, out, &bare))
        return false;
    if (!bare)
        quote(out, start);
    return true;
}

static bool take_record(cu_avro_in *in, const cu_avro_type *t, cu_buf *out)
{
    if (out)
        cu_buf_put_u8(out, '{');
    for (uint32_t i = 0; i < t->n; i++) {
        if (out) {
            cu_buf_put_str(out, i ? ", " : "");
            cu_json_put_string(out, t->columns[i]);
            cu_buf_put_str(out, ": ");
        }
        if (!cu_avro_take(in, t->items[i], out))
            return false;
    }
    if (out)
        cu_buf_put_u8(out, '}');
    return true;
}

/* The number of items in the next block; 0 at the end. */
static bool take_count(cu_avro_in *in, uint64_t *out)
{
    int64_t n = cu_scan_svarint(&in->at);
    if (n < 0) {
        int64_t size = cu_scan_svarint(&in->at);
        if (!in->at.bad && (size < 0 || (uint64_t)size > cu_scan_left(&in->at)))
            return cu_avro_wrong(in, "a block larger than the data");
        n = n == INT64_MIN ? INT64_MAX : -n;
    }
    *out = (uint64_t)n;
    if (!complete(in))
        return false;
    if (*out > in->items_left)
        return cu_avro_wrong(in, "more items than the data can hold");
    in->items_left -= *out;
    return true;
}

static bool take_items(cu_avro_in *in, const cu_avro_type *t, cu_buf *out)
{
    static const cu_avro_type key = {.kind = CU_AVRO_STRING};
    bool map = t->kind == CU_AVRO_MAP, first = true;
    if (out)
        cu_buf_put_u8(out, map ? '{' : '[');
    for (;;) {
        uint64_t n = 0;
        if (!take_count(in, &n))
            return false;
        if (!n)
            break;
        for (; n; n--) {
            if (out && !first)
                cu_buf_put_str(out, ", ");
            first = false;
            if (map && !take_scalar(in, &key, out))
                return false;
            if (map && out)
                cu_buf_put_str(out, ": ");
            if (!cu_avro_take(in, t->items[0], out))
                return false;
        }
    }
    if (out)
        cu_buf_put_u8(out, map ? '}' : ']');
    return true;
}

bool cu_avro_take(cu_avro_in *in, const cu_avro_type *t, cu_buf *out)
{
    uint32_t branch;
    bool good;
    if (t->kind < CU_AVRO_RECORD || t->kind == CU_AVRO_ENUM ||
        t->kind == CU_AVRO_FIXED)
        return take_scalar(in, t, out);
    if (++in->depth > MOST_DEPTH)
        return cu_avro_wrong(in, "nested deeper than 200 levels");
    if (t->kind == CU_AVRO_RECORD)
        good = take_record(in, t, out);
    else if (t->kind == CU_AVRO_UNION)
        good = cu_avro_branch(in, t, &branch) &&
               cu_avro_take(in, t->items[branch], out);
    else
        good = take_items(in, t, out);
    in->depth--;
    return good;
}

/* --- into a column -------------------------------------------------------- */

static bool store_integer(cu_avro_in *in, const cu_avro_type *t, cu_call *c,
                          uint32_t col)
{
    cu_kind kind = (cu_kind)c->d->fields[col].type.kind;
    cu_value time;
    cu_buf *text = &c->d->scratch;
    int64_t v;
    if (!take_long(in, t, &v))
        return false;
    if (!unit_us(t->logical) || c->d->fields[col].encoding != CU_ENC_TEXT ||
        cu_type_is_number(c->d->fields[col].type)) {
        cu_field_put_int(c, col, v);
        return true;
    }
    bool fits = time_value(t, v, &time);
    bool stamp = time.type.kind == CU_T_TIMESTAMP ||
                 time.type.kind == CU_T_TIMESTAMPTZ;
    if (fits && c->d->fields[col].type.scale < 0 &&
        (kind == (cu_kind)time.type.kind ||
         (stamp && (kind == CU_T_TIMESTAMP || kind == CU_T_TIMESTAMPTZ)))) {
        time.type = c->d->fields[col].type;
        cu_field_put_value(c, col, &time);
        return true;
    }
    cu_buf_clear(text);
    put_integer(t, v, text);
    cu_field_put_text(
        c, col, cu_arena_slice(cu_call_arena(c, col), cu_buf_slice(text)));
    return true;
}

/* Through the text of the value. */
static bool store_text(cu_avro_in *in, const cu_avro_type *t, cu_call *c,
                       uint32_t col)
{
    cu_buf *text = &c->d->scratch;
    bool bare;
    cu_buf_clear(text);
    if (!take_text(in, t, text, &bare))
        return false;
    cu_field_put_text(
        c, col, cu_arena_slice(cu_call_arena(c, col), cu_buf_slice(text)));
    return true;
}

static bool store_scalar(cu_avro_in *in, const cu_avro_type *t, cu_call *c,
                         uint32_t col)
{
    cu_kind kind = (cu_kind)c->d->fields[col].type.kind;
    cu_value v = {.type = c->d->fields[col].type};
    cu_slice s;
    bool yes;
    switch ((cu_avro_kind)t->kind) {
    case CU_AVRO_INT:
    case CU_AVRO_LONG:
        return store_integer(in, t, c, col);
    case CU_AVRO_STRING:
        if (!take_bytes(in, t, &s))
            return false;
        cu_field_put_text(c, col, s);
        return true;
    case CU_AVRO_ENUM:
        if (!take_symbol(in, t, &s))
            return false;
        cu_field_put_text(c, col, s);
        return true;
    case CU_AVRO_BYTES:
    case CU_AVRO_FIXED:
        if (t->logical != CU_AVRO_PLAIN)
            break;
        if (!take_bytes(in, t, &s))
            return false;
        cu_field_put_bytes(c, col, s);
        return true;
    case CU_AVRO_BOOLEAN:
        if (kind != CU_T_BOOL)
            break;
        if (!take_bool(in, &yes))
            return false;
        v.b = yes;
        cu_field_put_value(c, col, &v);
        return true;
    case CU_AVRO_FLOAT:
    case CU_AVRO_DOUBLE:
        if (kind == CU_T_FLOAT8)
            v.f8 = t->kind == CU_AVRO_FLOAT ? (double)take_float(in)
                                            : take_double(in);
        else if (kind == CU_T_FLOAT4 && t->kind == CU_AVRO_FLOAT)
            v.f4 = take_float(in);
        else
            break;
        cu_field_put_value(c, col, &v);
        return complete(in);
    case CU_AVRO_NULL:
    case CU_AVRO_RECORD:
    case CU_AVRO_ARRAY:
    case CU_AVRO_MAP:
    case CU_AVRO_UNION:
        break;
    }
    return store_text(in, t, c, col);
}

bool cu_avro_store(cu_avro_in *in, const cu_avro_type *t, cu_call *c,
                   uint32_t col)
{
    if (t->kind == CU_AVRO_NULL) {
        c->d->slots[col].kind = CU_RAW_NULL;
        return true;
    }
    c->d->slots[col].kind = CU_RAW_STORED;
    if (c->d->fields[col].type.kind != CU_T_JSONB || t->kind == CU_AVRO_STRING)
        return store_scalar(in, t, c, col);
    cu_buf *json = &c->d->scratch;
    cu_buf_clear(json);
    if (!take_scalar(in, t, json))
        return false;
    cu_field_put_text(
        c, col, cu_arena_slice(cu_call_arena(c, col), cu_buf_slice(json)));
    return true;
}
