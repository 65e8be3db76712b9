/* Reading key bytes back, and comparing boxed values.
 *
 * Keys are decodable so that state need not store key columns twice.  What
 * comes back is the canonical member of each group: 1.00 reads as 1, -0 as
 * 0, one month as 30 days.  Bytes are untrusted.
 */
#include "rows/array.h"
#include "rows/int.h"
#include "rows/json.h"
#include "rows/key.h"
#include "rows/key_int.h"
#include "rows/numeric.h"
#include "rows/numeric_big.h"

static uint64_t get_be(cu_scan *s, unsigned bytes, uint8_t flip)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | (uint8_t)(cu_scan_u8(s) ^ flip);
    return v;
}

static void get_interval(cu_scan *s, uint8_t flip, cu_interval *out)
{
    u128 u = (u128)get_be(s, 8, flip) << 64;
    u |= get_be(s, 8, flip);
    i128 span = (i128)(u ^ (u128)1 << 127);
    const int64_t day = INT64_C(86400000000);
    i128 days = span / day;
    out->us = (int64_t)(span % day);
    out->months = 0;
    if (days > INT32_MAX || days < INT32_MIN) {
        out->months = (int32_t)(days / 30);
        days %= 30;
    }
    out->days = (int32_t)days;
}

static void get_fixed(cu_scan *s, uint8_t flip, cu_value *v)
{
    switch (fixed_key_class(v->type.kind)) {
    case KEY_U8:
        v->b = cu_scan_u8(s) ^ flip;
        break;
    case KEY_I16:
        v->i2 = (int16_t)(get_be(s, 2, flip) ^ 0x8000);
        break;
    case KEY_I32:
        v->i4 = (int32_t)(get_be(s, 4, flip) ^ UINT32_C(0x80000000));
        break;
    case KEY_I64:
        v->i8 = (int64_t)(get_be(s, 8, flip) ^ UINT64_C(1) << 63);
        break;
    case KEY_F32: {
        uint32_t u = (uint32_t)get_be(s, 4, flip);
        u = u >> 31 ? u ^ UINT32_C(0x80000000) : ~u;
        memcpy(&v->f4, &u, 4);
        break;
    }
    case KEY_F64: {
        uint64_t u = get_be(s, 8, flip);
        u = u >> 63 ? u ^ UINT64_C(1) << 63 : ~u;
        memcpy(&v->f8, &u, 8);
        break;
    }
    case KEY_INTERVAL:
        get_interval(s, flip, &v->iv);
        break;
    case KEY_RAW16:
        for (int i = 0; i < 16; i++)
            v->uuid.b[i] = cu_scan_u8(s) ^ flip;
        break;
    case KEY_VARIABLE:
        break;
    }
}

bool cu_key_get_bytes(cu_scan *s, uint8_t flip, cu_arena *a, cu_slice *out)
{
    char *to = cu_arena_alloc(a, cu_scan_left(s) + 1);
    size_t n = 0;
    for (;;) {
        char c = (char)(cu_scan_u8(s) ^ flip);
        if (s->bad)
            return false;
        if (c == 0) {
            uint8_t next = cu_scan_u8(s) ^ flip;
            if (s->bad || (next != 0 && next != 0xFF))
                return false;
            if (next == 0)
                break;
        }
        to[n++] = c;
    }
    *out = (cu_slice){to, n};
    return true;
}

static bool get_value(cu_scan *s, uint8_t flip, cu_arena *a, cu_value *v);

static bool get_array(cu_scan *s, uint8_t flip, cu_arena *a, cu_value *v)
{
    cu_type elem = CU_TYPE(v->type.elem);
    uint32_t n = 0, room = 8;
    cu_value *values = cu_arena_alloc(a, room * sizeof(*values));
    for (;;) {
        uint8_t tag = cu_scan_u8(s) ^ flip;
        if (s->bad || tag > 2)
            return false;
        if (tag == 0)
            break;
        if (n == room) {
            cu_value *more = cu_arena_alloc(a, 2 * room * sizeof(*more));
            memcpy(more, values, room * sizeof(*more));
            values = more;
            room *= 2;
        }
        memset(&values[n], 0, sizeof(*values));
        values[n].type = elem;
        values[n].null = tag == 2;
        if (tag == 1 && !get_value(s, flip, a, &values[n]))
            return false;
        n++;
    }
    v->s = cu_array_make(a, elem, values, n);
    return true;
}

static bool get_value(cu_scan *s, uint8_t flip, cu_arena *a, cu_value *v)
{
    switch ((cu_kind)v->type.kind) {
    case CU_T_TEXT:
    case CU_T_BYTEA:
        return cu_key_get_bytes(s, flip, a, &v->s);
    case CU_T_NUMERIC:
        return cu_numeric_unkey(s, flip, a, &v->num);
    case CU_T_JSONB:
        return cu_json_unkey(s, flip, a, &v->s);
    case CU_T_ARRAY:
        return get_array(s, flip, a, v);
    case CU_T_NULL:
    case CU_KINDS:
        return false;
    case CU_T_BOOL:
    case CU_T_INT2:
    case CU_T_INT4:
    case CU_T_INT8:
    case CU_T_FLOAT4:
    case CU_T_FLOAT8:
    case CU_T_DATE:
    case CU_T_TIME:
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
    case CU_T_INTERVAL:
    case CU_T_UUID:
        break;
    }
    get_fixed(s, flip, v);
    return !s->bad;
}

int cu_key_decode(cu_slice key, const cu_type *types, const uint16_t *flags,
                  uint32_t n, cu_arena *a, cu_value *out, cu_err *err)
{
    cu_scan s = cu_scan_of(key);
    for (uint32_t i = 0; i < n; i++) {
        uint16_t f = flags ? flags[i] : 0;
        cu_value *v = &out[i];
        memset(v, 0, sizeof(*v));
        v->type = types[i];
        uint8_t tag = cu_scan_u8(&s);
        v->null = tag == (f & CU_NULLS_FIRST ? 0 : 2);
        if (s.bad || (tag != 1 && !v->null) ||
            (!v->null && !get_value(&s, f & CU_DESC ? 0xFF : 0, a, v)))
            return cu_fail(err, CU_CORRUPT, 0,
                           "stored key does not fit its types at column %u", i);
    }
    if (cu_scan_left(&s))
        return cu_fail(err, CU_CORRUPT, 0,
                       "stored key has bytes left over after %u columns", n);
    return 0;
}

/* --- comparing ---------------------------------------------------------- */

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

static int cmp_double(double x, double y)
{
    bool nan_x = x != x, nan_y = y != y;
    if (nan_x || nan_y)
        return nan_x - nan_y;
    return ORDER(x, y);
}

int cu_value_cmp(const cu_value *a, const cu_value *b)
{
    if (a->null || b->null)
        return a->null - b->null;
    CU_ASSERT(a->type.kind == b->type.kind);
    switch ((cu_kind)a->type.kind) {
    case CU_T_BOOL:
        return ORDER(a->b, b->b);
    case CU_T_INT2:
        return ORDER(a->i2, b->i2);
    case CU_T_INT4:
    case CU_T_DATE:
        return ORDER(a->i4, b->i4);
    case CU_T_INT8:
    case CU_T_TIME:
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        return ORDER(a->i8, b->i8);
    case CU_T_FLOAT4:
        return cmp_double((double)a->f4, (double)b->f4);
    case CU_T_FLOAT8:
        return cmp_double(a->f8, b->f8);
    case CU_T_NUMERIC:
        return cu_numeric_cmp(&a->num, &b->num);
    case CU_T_TEXT:
    case CU_T_BYTEA:
        return cu_slice_cmp(a->s, b->s);
    case CU_T_INTERVAL: {
        i128 x = cu_interval_span(&a->iv), y = cu_interval_span(&b->iv);
        return ORDER(x, y);
    }
    case CU_T_UUID:
        return memcmp(a->uuid.b, b->uuid.b, 16);
    case CU_T_JSONB:
        return cu_json_cmp(a->s, b->s);
    case CU_T_ARRAY:
        return cu_array_cmp(a->s, b->s);
    case CU_T_NULL:
    case CU_KINDS:
        break;
    }
    return 0;
}
