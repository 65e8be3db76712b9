#include "tests/unit/rows/help.h"

#include "base/env.h"
#include "rows/array.h"
#include "rows/numeric.h"

#include <criterion/criterion.h>
#include <math.h>

const char *const all_types[] = {
    "bool", "int2",  "int4",   "int8",   "float4",    "float8",      "numeric",
    "text", "bytea", "date",   "time",   "timestamp", "timestamptz", "interval",
    "uuid", "jsonb", "text[]", "int4[]", "numeric[]"};
const size_t n_all_types = sizeof(all_types) / sizeof(*all_types);

cu_type type_named(const char *name)
{
    cu_type t;
    cu_err err = {0};
    cr_assert_eq(cu_type_parse(cu_slice_of(name), &t, &err), 0, "%s", err.msg);
    return t;
}

const char *round_trip(cu_arena *a, const char *type, const char *text,
                       const cu_zone *zone)
{
    cu_err err = {0};
    cu_value v;
    if (cu_value_in(type_named(type), cu_slice_of(text), zone, a, &v, &err)) {
        char state[6];
        return cu_arena_printf(a, "%s: %s",
                               cu_sqlstate_text(err.sqlstate, state), err.msg);
    }
    cu_buf out = {0};
    cu_value_out(&v, zone, &out);
    const char *s = cu_arena_strn(a, cu_buf_slice(&out).data, out.len);
    cu_buf_free(&out);
    return s;
}

void check_forms(const struct form *forms, const cu_zone *zone)
{
    cu_arena *a = cu_arena_new(0);
    for (; forms->type; forms++) {
        const char *got = round_trip(a, forms->type, forms->text, zone);
        size_t n = strlen(forms->expected);
        bool failure = n >= 5 && strlen(got) > 7 && got[5] == ':' &&
                       got[6] == ' ' && !strncmp(got, forms->expected, n);
        cr_expect(failure || !strcmp(got, forms->expected),
                  "%s '%s': got [%s], expected [%s]", forms->type, forms->text,
                  got, forms->expected);
    }
    cu_arena_free(a);
}

int open_zone(const char *name, const cu_zone **out, cu_err *err)
{
    cu_env *env = cu_env_real(false);
    int rc = cu_zone_open(env, cu_slice_of(name), out, err);
    env->vt->close(env);
    return rc;
}

const cu_zone *zone_named(const char *name)
{
    const cu_zone *z;
    cu_err err = {0};
    cr_assert_eq(open_zone(name, &z, &err), 0, "%s", err.msg);
    return z;
}

cu_value value_of(cu_arena *a, const char *type, const char *text)
{
    cu_value v;
    cu_err err = {0};
    if (!strcmp(text, "null"))
        return (cu_value){.type = type_named(type), .null = true};
    int rc = cu_value_in(type_named(type), cu_slice_of(text), NULL, a, &v,
                         &err);
    cr_assert_eq(rc, 0, "%s '%s': %s", type, text, err.msg);
    if (cu_type_is_slice(v.type))
        v.s = cu_arena_slice(a, v.s);
    return v;
}

/* --- noise -------------------------------------------------------------- */

uint64_t noise_next(struct noise *n)
{
    n->state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = n->state;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint32_t noise_below(struct noise *n, uint32_t limit)
{
    return (uint32_t)(noise_next(n) % limit);
}

/* Small, large and in between, both signs. */
static int64_t noise_int(struct noise *n, int bits)
{
    static const int64_t edges[] = {0, 1, -1, 255, 256, -256};
    int64_t v = (int64_t)noise_next(n) >> (64 - bits);
    switch (noise_below(n, 4)) {
    case 0:
        return edges[noise_below(n, 6)];
    case 1:
        return v % 8;
    default:
        return v;
    }
}

static double noise_double(struct noise *n)
{
    static const double edges[] = {0.0, -0.0, 1.0, -1.5, 1e300, -1e-300};
    switch (noise_below(n, 6)) {
    case 0:
        return NAN;
    case 1:
        return noise_below(n, 2) ? INFINITY : -INFINITY;
    case 2:
        return edges[noise_below(n, 6)];
    default:
        return ldexp((double)noise_int(n, 53), (int)noise_below(n, 80) - 60);
    }
}

static cu_numeric noise_numeric(struct noise *n, cu_arena *a)
{
    static const char *const edges[] = {
        "NaN",   "inf",   "-inf", "0",
        "0.00",  "1",     "1.0",  "1.00",
        "-1",    "-1.10", "100",  "1e40",
        "-1e40", "1e-40", "10",   "1000000.000001"};
    cu_numeric v;
    cu_buf text = {0};
    if (noise_below(n, 3) == 0) {
        cu_buf_put_str(&text, edges[noise_below(n, 16)]);
    } else {
        if (noise_below(n, 2))
            cu_buf_put_u8(&text, '-');
        for (uint32_t k = noise_below(n, 30) + 1; k; k--)
            cu_buf_put_u8(&text, (uint8_t)('0' + noise_below(n, 10)));
        cu_buf_put_u8(&text, '.');
        for (uint32_t k = noise_below(n, 14); k; k--)
            cu_buf_put_u8(&text, (uint8_t)('0' + noise_below(n, 3)));
    }
    cu_numeric_in(cu_buf_slice(&text), a, &v, NULL);
    cu_buf_free(&text);
    return v;
}

static cu_slice noise_bytes(struct noise *n, cu_arena *a, bool text)
{
    size_t len = noise_below(n, 4) ? noise_below(n, 5) : noise_below(n, 40);
    char *p = cu_arena_alloc(a, len + 1);
    for (size_t i = 0; i < len; i++)
        p[i] = text ? (char)("ab\x01z \x7f"[noise_below(n, 6)])
                    : (char)("\x00\x01\xff\xfe"
                             "a"[noise_below(n, 5)]);
    return cu_slice_n(p, len);
}

static void noise_json(struct noise *n, cu_buf *out, int depth)
{
    static const char *const scalars[] = {
        "null",  "true",   "false",       "0",     "-0",   "1",
        "1.0",   "1e1",    "10",          "-2.50", "\"\"", "\"a\"",
        "\"b\"", "\"ab\"", "\"\\u0061\"", "[]",    "{}"};
    uint32_t kind = depth ? noise_below(n, 6) : 0;
    if (kind < 3) {
        cu_buf_put_str(out, scalars[noise_below(n, 17)]);
        return;
    }
    bool object = kind == 5;
    cu_buf_put_u8(out, object ? '{' : '[');
    uint32_t count = noise_below(n, 4);
    for (uint32_t i = 0; i < count; i++) {
        static const char *const keys[] = {
            "\"a\":", "\"b\" : ", "\"aa\":", "\"\":"};
        if (i)
            cu_buf_put_str(out, noise_below(n, 2) ? "," : " , ");
        if (object)
            cu_buf_put_str(out, keys[noise_below(n, 4)]);
        noise_json(n, out, depth - 1);
    }
    cu_buf_put_u8(out, object ? '}' : ']');
}

static cu_slice noise_array(struct noise *n, cu_type t, cu_arena *a)
{
    cu_value values[4];
    uint32_t count = noise_below(n, 5);
    for (uint32_t i = 0; i < count; i++)
        values[i] = noise_value(n, CU_TYPE(t.elem), a);
    return cu_array_make(a, CU_TYPE(t.elem), values, count);
}

static void noise_fill(struct noise *n, cu_value *v, cu_arena *a)
{
    cu_buf json = {0};
    switch ((cu_kind)v->type.kind) {
    case CU_T_BOOL:
        v->b = (uint8_t)noise_below(n, 2);
        break;
    case CU_T_INT2:
        v->i2 = (int16_t)noise_int(n, 16);
        break;
    case CU_T_INT4:
    case CU_T_DATE:
        v->i4 = (int32_t)noise_int(n, 32);
        break;
    case CU_T_INT8:
    case CU_T_TIME:
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        v->i8 = noise_int(n, 64);
        break;
    case CU_T_FLOAT4:
        v->f4 = (float)noise_double(n);
        break;
    case CU_T_FLOAT8:
        v->f8 = noise_double(n);
        break;
    case CU_T_NUMERIC:
        v->num = noise_numeric(n, a);
        break;
    case CU_T_TEXT:
        v->s = noise_bytes(n, a, true);
        break;
    case CU_T_BYTEA:
        v->s = noise_bytes(n, a, false);
        break;
    case CU_T_INTERVAL:
        v->iv.months = (int32_t)noise_int(n, noise_below(n, 2) ? 4 : 32);
        v->iv.days = (int32_t)noise_int(n, noise_below(n, 2) ? 6 : 32);
        v->iv.us = noise_int(n, 4) * INT64_C(86400000000);
        break;
    case CU_T_UUID:
        for (int i = 0; i < 16; i++)
            v->uuid.b[i] = (uint8_t)noise_below(n, 3);
        break;
    case CU_T_JSONB:
        noise_json(n, &json, 3);
        v->s = cu_arena_slice(a, cu_buf_slice(&json));
        break;
    case CU_T_ARRAY:
        v->s = noise_array(n, v->type, a);
        break;
    case CU_T_NULL:
    case CU_KINDS:
        break;
    }
    cu_buf_free(&json);
}

cu_value noise_value(struct noise *n, cu_type t, cu_arena *a)
{
    cu_value v;
    memset(&v, 0, sizeof(v));
    v.type = t;
    v.null = noise_below(n, 8) == 0;
    if (!v.null)
        noise_fill(n, &v, a);
    return v;
}
