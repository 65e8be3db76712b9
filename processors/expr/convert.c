/* Casts between numbers, booleans and times, and the fits to a typmod.
 *
 * Floats become integers by rounding half to even and numeric by rounding
 * half away from zero, as in PostgreSQL.  A cast between timestamp and
 * timestamptz goes through the session's zone, which is UTC.
 */
#include "processors/expr/kernel.h"
#include "rows/json.h"
#include "rows/numeric.h"

#include <math.h>

#ifdef __OPTIMIZE__
#pragma GCC optimize("O3")
#endif

#define US_PER_DAY       INT64_C(86400000000)
#define TIMESTAMP_END_US INT64_C(9223371331200000000)

static void out_of_range(cu_call *c, uint32_t row)
{
    char name[64];
    cu_call_fail(c, row, CU_E_OUT_OF_RANGE, "%s out of range",
                 cu_type_name(CU_TYPE(c->type.kind), name));
}

/* --- numbers --------------------------------------------------------- */

#define SAME(x)    (x)
#define IS_TRUE(x) ((x) != 0)
CU_UNARY(i2_i4, int16_t, int32_t, SAME)
CU_UNARY(i2_i8, int16_t, int64_t, SAME)
CU_UNARY(i4_i8, int32_t, int64_t, SAME)
CU_UNARY(i2_f4, int16_t, float, SAME)
CU_UNARY(i4_f4, int32_t, float, SAME)
CU_UNARY(i8_f4, int64_t, float, SAME)
CU_UNARY(i2_f8, int16_t, double, SAME)
CU_UNARY(i4_f8, int32_t, double, SAME)
CU_UNARY(i8_f8, int64_t, double, SAME)
CU_UNARY(f4_f8, float, double, SAME)
CU_UNARY(bool_i4, uint8_t, int32_t, SAME)
CU_UNARY(i4_bool, int32_t, uint8_t, IS_TRUE)

#define NARROW(fn, T, R)                                    \
    static void fn(cu_call *c)                              \
    {                                                       \
        CU_ARG(T, x, c, 0);                                 \
        R *out = CU_OUT(R, c);                              \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) { \
            out[r] = (R)CU_AT(x, r);                        \
            if (out[r] != CU_AT(x, r))                      \
                out_of_range(c, r);                         \
        }                                                   \
    }
NARROW(i4_i2, int32_t, int16_t)
NARROW(i8_i2, int64_t, int16_t)
NARROW(i8_i4, int64_t, int32_t)

#define FLOAT_TO_INT(fn, T, R, least)                       \
    static void fn(cu_call *c)                              \
    {                                                       \
        CU_ARG(T, x, c, 0);                                 \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) { \
            const double v = rint((double)CU_AT(x, r));     \
            if (v >= (double)least && v < -(double)least)   \
                CU_OUT(R, c)[r] = (R)v;                     \
            else                                            \
                out_of_range(c, r);                         \
        }                                                   \
    }
FLOAT_TO_INT(f4_i2, float, int16_t, INT16_MIN)
FLOAT_TO_INT(f4_i4, float, int32_t, INT32_MIN)
FLOAT_TO_INT(f4_i8, float, int64_t, INT64_MIN)
FLOAT_TO_INT(f8_i2, double, int16_t, INT16_MIN)
FLOAT_TO_INT(f8_i4, double, int32_t, INT32_MIN)
FLOAT_TO_INT(f8_i8, double, int64_t, INT64_MIN)

static void f8_f4(cu_call *c)
{
    CU_ARG(double, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const double v = CU_AT(x, r);
        const float f = (float)v;
        CU_OUT(float, c)[r] = f;
        if (isinf(f) && !isinf(v))
            cu_call_fail(c, r, CU_E_OUT_OF_RANGE,
                         "value out of range: overflow");
        else if (f == 0 && v != 0)
            cu_call_fail(c, r, CU_E_OUT_OF_RANGE,
                         "value out of range: underflow");
    }
}

/* --- numeric --------------------------------------------------------- */

CU_UNARY_ROWS(i2_num, int16_t, cu_numeric, cu_numeric_from_int8)
CU_UNARY_ROWS(i4_num, int32_t, cu_numeric, cu_numeric_from_int8)
CU_UNARY_ROWS(i8_num, int64_t, cu_numeric, cu_numeric_from_int8)

/* An integer of the call's type from a numeric. */
static bool num_to_int(cu_call *c, uint32_t row, const cu_numeric *n,
                       int64_t low, int64_t high, int64_t *v)
{
    char name[64];
    cu_type_name(c->type, name);
    if (n->form > CU_NUM_BIG) {
        cu_call_fail(c, row, CU_E_FEATURE, "cannot convert %s to %s",
                     n->form == CU_NUM_NAN ? "NaN" : "infinity", name);
        return false;
    }
    if (n->form == CU_NUM_INT && n->scale == 0 && n->i >= low && n->i <= high)
        *v = (int64_t)n->i;
    else if (cu_numeric_to_int8(n, v, NULL) || *v < low || *v > high) {
        out_of_range(c, row);
        return false;
    }
    return true;
}

#define NUM_TO_INT(fn, R, low, high)                           \
    static void fn(cu_call *c)                                 \
    {                                                          \
        CU_ARG(cu_numeric, x, c, 0);                           \
        int64_t v;                                             \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)      \
            if (num_to_int(c, r, &CU_AT(x, r), low, high, &v)) \
                CU_OUT(R, c)[r] = (R)v;                        \
    }
NUM_TO_INT(num_i2, int16_t, INT16_MIN, INT16_MAX)
NUM_TO_INT(num_i4, int32_t, INT32_MIN, INT32_MAX)
NUM_TO_INT(num_i8, int64_t, INT64_MIN, INT64_MAX)

/* Through text: its input function rounds once and knows its own limits. */
static bool num_to_f4(cu_call *c, const cu_numeric *n, float *out, cu_err *err)
{
    cu_buf_clear(c->scratch);
    cu_numeric_out(n, c->scratch);
    return cu_float4_in(cu_buf_slice(c->scratch), out, err) == 0;
}

static bool num_to_f8(cu_call *c, const cu_numeric *n, double *out, cu_err *err)
{
    *out = cu_numeric_to_float8(n);
    bool whole = isnormal(*out) || (n->form == CU_NUM_INT && n->i == 0);
    if (whole || n->form >= CU_NUM_NAN)
        return true;
    cu_buf_clear(c->scratch);
    cu_numeric_out(n, c->scratch);
    return cu_float8_in(cu_buf_slice(c->scratch), out, err) == 0;
}

#define NUM_TO_FLOAT(fn, R, f)                               \
    static void fn(cu_call *c)                               \
    {                                                        \
        CU_ARG(cu_numeric, x, c, 0);                         \
        cu_err err;                                          \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)    \
            if (!f(c, &CU_AT(x, r), &CU_OUT(R, c)[r], &err)) \
                cu_call_fail_err(c, r, &err);                \
    }
NUM_TO_FLOAT(num_f4, float, num_to_f4)
NUM_TO_FLOAT(num_f8, double, num_to_f8)

static void f8_num(cu_call *c)
{
    CU_ARG(double, x, c, 0);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (cu_numeric_from_float8(CU_AT(x, r), c->arena,
                                   &CU_OUT(cu_numeric, c)[r], &err))
            cu_call_fail_err(c, r, &err);
}

/* A real shows six digits. */
static void f4_num(cu_call *c)
{
    CU_ARG(float, x, c, 0);
    cu_numeric *out = CU_OUT(cu_numeric, c);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const double v = (double)CU_AT(x, r);
        int rc = 0;
        cu_buf_clear(c->scratch);
        cu_buf_printf(c->scratch, "%.6g", v);
        if (isfinite(v))
            rc = cu_numeric_in(cu_buf_slice(c->scratch), c->arena, &out[r],
                               &err);
        else
            rc = cu_numeric_from_float8(v, c->arena, &out[r], &err);
        if (rc)
            cu_call_fail_err(c, r, &err);
    }
}

static void num_fit(cu_call *c)
{
    CU_ARG(cu_numeric, x, c, 0);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (cu_numeric_fit(&CU_AT(x, r), c->type.precision, c->type.scale,
                           c->arena, &CU_OUT(cu_numeric, c)[r], &err))
            cu_call_fail_err(c, r, &err);
}

/* --- jsonb to scalars ------------------------------------------------ */

static const char *json_word(cu_slice json)
{
    static const char *const words[] = {"null",   "boolean", "numeric",
                                        "string", "array",   "object"};
    return words[cu_json_kind_of(json)];
}

static bool json_number(cu_call *c, uint32_t row, cu_slice json,
                        cu_numeric *out)
{
    char name[64];
    cu_err err;
    json = cu_json_trim(json);
    if (cu_json_kind_of(json) != CU_JSON_NUMBER) {
        cu_call_fail(c, row, CU_E_PARAMETER, "cannot cast jsonb %s to type %s",
                     json_word(json), cu_type_name(c->type, name));
        return false;
    }
    if (!cu_numeric_in(json, c->arena, out, &err))
        return true;
    cu_call_fail_err(c, row, &err);
    return false;
}

static void json_bool(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_slice json = cu_json_trim(CU_AT(x, r));
        if (cu_json_kind_of(json) == CU_JSON_BOOL)
            CU_OUT(uint8_t, c)[r] = json.data[0] == 't';
        else
            cu_call_fail(c, r, CU_E_PARAMETER,
                         "cannot cast jsonb %s to type boolean",
                         json_word(json));
    }
}

static void json_num(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        json_number(c, r, CU_AT(x, r), &CU_OUT(cu_numeric, c)[r]);
}

#define JSON_TO_INT(fn, R, low, high)                     \
    static void fn(cu_call *c)                            \
    {                                                     \
        CU_ARG(cu_slice, x, c, 0);                        \
        cu_numeric n;                                     \
        int64_t v;                                        \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) \
            if (json_number(c, r, CU_AT(x, r), &n) &&     \
                num_to_int(c, r, &n, low, high, &v))      \
                CU_OUT(R, c)[r] = (R)v;                   \
    }
JSON_TO_INT(json_i2, int16_t, INT16_MIN, INT16_MAX)
JSON_TO_INT(json_i4, int32_t, INT32_MIN, INT32_MAX)
JSON_TO_INT(json_i8, int64_t, INT64_MIN, INT64_MAX)

#define JSON_TO_FLOAT(fn, R, f)                           \
    static void fn(cu_call *c)                            \
    {                                                     \
        CU_ARG(cu_slice, x, c, 0);                        \
        cu_numeric n;                                     \
        cu_err err;                                       \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) \
            if (json_number(c, r, CU_AT(x, r), &n) &&     \
                !f(c, &n, &CU_OUT(R, c)[r], &err))        \
                cu_call_fail_err(c, r, &err);             \
    }
JSON_TO_FLOAT(json_f4, float, num_to_f4)
JSON_TO_FLOAT(json_f8, double, num_to_f8)

/* --- dates and times ------------------------------------------------- */

static bool date_to_ts(cu_call *c, uint32_t row, int32_t date, int64_t *ts)
{
    if (date == CU_DATE_INFINITY || date == CU_DATE_MINUS_INFINITY) {
        *ts = date == CU_DATE_INFINITY ? CU_TS_INFINITY : CU_TS_MINUS_INFINITY;
        return true;
    }
    if (date >= TIMESTAMP_END_US / US_PER_DAY) {
        cu_call_fail(c, row, CU_E_DATETIME, "date out of range for timestamp");
        return false;
    }
    *ts = date * US_PER_DAY;
    return true;
}

static bool infinite(int64_t ts)
{
    return ts == CU_TS_INFINITY || ts == CU_TS_MINUS_INFINITY;
}

static int64_t floor_days(int64_t ts)
{
    int64_t q = ts / US_PER_DAY;
    return q - (ts % US_PER_DAY < 0);
}

static int32_t ts_to_date(int64_t ts)
{
    if (infinite(ts))
        return ts > 0 ? CU_DATE_INFINITY : CU_DATE_MINUS_INFINITY;
    return (int32_t)floor_days(ts);
}

static int64_t to_utc(const cu_zone *z, int64_t local)
{
    return infinite(local) || z == cu_zone_utc() ? local
                                                 : cu_zone_to_utc(z, local);
}

static int64_t to_local(const cu_zone *z, int64_t utc)
{
    if (infinite(utc) || z == cu_zone_utc())
        return utc;
    return utc + INT64_C(1000000) * cu_zone_offset_at(z, utc);
}

static void date_ts(cu_call *c)
{
    CU_ARG(int32_t, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        date_to_ts(c, r, CU_AT(x, r), &CU_OUT(int64_t, c)[r]);
}

static void date_tstz(cu_call *c)
{
    CU_ARG(int32_t, x, c, 0);
    const cu_zone *z = cu_call_zone(c);
    int64_t ts;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (date_to_ts(c, r, CU_AT(x, r), &ts))
            CU_OUT(int64_t, c)[r] = to_utc(z, ts);
}

CU_UNARY_ROWS(ts_date, int64_t, int32_t, ts_to_date)

static void tstz_date(cu_call *c)
{
    CU_ARG(int64_t, x, c, 0);
    const cu_zone *z = cu_call_zone(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        CU_OUT(int32_t, c)[r] = ts_to_date(to_local(z, CU_AT(x, r)));
}

static void ts_tstz(cu_call *c)
{
    CU_ARG(int64_t, x, c, 0);
    const cu_zone *z = cu_call_zone(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        CU_OUT(int64_t, c)[r] = to_utc(z, CU_AT(x, r));
}

static void tstz_ts(cu_call *c)
{
    CU_ARG(int64_t, x, c, 0);
    const cu_zone *z = cu_call_zone(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        CU_OUT(int64_t, c)[r] = to_local(z, CU_AT(x, r));
}

/* The time of an infinite timestamp is NULL. */
static void time_of(cu_call *c, const cu_zone *z)
{
    CU_ARG(int64_t, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const int64_t ts = to_local(z, CU_AT(x, r));
        if (infinite(ts))
            cu_call_null(c, r);
        else
            CU_OUT(int64_t, c)[r] = ts - floor_days(ts) * US_PER_DAY;
    }
}

static void ts_time(cu_call *c)
{
    time_of(c, cu_zone_utc());
}

static void tstz_time(cu_call *c)
{
    time_of(c, cu_call_zone(c));
}

static cu_interval time_to_interval(int64_t t)
{
    return (cu_interval){.us = t};
}

static int64_t interval_to_time(cu_interval v)
{
    int64_t t = v.us % US_PER_DAY;
    return t < 0 ? t + US_PER_DAY : t;
}

CU_UNARY_ROWS(time_interval, int64_t, cu_interval, time_to_interval)
CU_UNARY_ROWS(interval_time, cu_interval, int64_t, interval_to_time)

/* timestamp(p), time(p): half away from 2000-01-01. */
static void time_fit(cu_call *c)
{
    static const int64_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    CU_ARG(int64_t, x, c, 0);
    const int64_t unit = units[c->type.scale < 6 ? c->type.scale : 6];
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        int64_t v = CU_AT(x, r);
        if (!infinite(v) && v >= 0)
            v = (v + unit / 2) / unit * unit;
        else if (!infinite(v))
            v = -((-v + unit / 2) / unit * unit);
        CU_OUT(int64_t, c)[r] = v;
    }
}

#define B   CU_T_BOOL
#define I2  CU_T_INT2
#define I4  CU_T_INT4
#define I8  CU_T_INT8
#define F4  CU_T_FLOAT4
#define F8  CU_T_FLOAT8
#define NUM CU_T_NUMERIC
#define TS  CU_T_TIMESTAMP
#define TZ  CU_T_TIMESTAMPTZ
#define J   CU_T_JSONB

static const cu_func list[] = {
    CU_CAST_TOTAL(I2, I4, i2_i4),
    CU_CAST_TOTAL(I2, I8, i2_i8),
    CU_CAST_TOTAL(I4, I8, i4_i8),
    CU_CAST_TOTAL(I2, F4, i2_f4),
    CU_CAST_TOTAL(I4, F4, i4_f4),
    CU_CAST_TOTAL(I8, F4, i8_f4),
    CU_CAST_TOTAL(I2, F8, i2_f8),
    CU_CAST_TOTAL(I4, F8, i4_f8),
    CU_CAST_TOTAL(I8, F8, i8_f8),
    CU_CAST_TOTAL(F4, F8, f4_f8),
    CU_CAST_TOTAL(B, I4, bool_i4),
    CU_CAST_TOTAL(I4, B, i4_bool),
    CU_CAST(I4, I2, i4_i2),
    CU_CAST(I8, I2, i8_i2),
    CU_CAST(I8, I4, i8_i4),
    CU_CAST(F4, I2, f4_i2),
    CU_CAST(F4, I4, f4_i4),
    CU_CAST(F4, I8, f4_i8),
    CU_CAST(F8, I2, f8_i2),
    CU_CAST(F8, I4, f8_i4),
    CU_CAST(F8, I8, f8_i8),
    CU_CAST(F8, F4, f8_f4),
    CU_CAST_TOTAL(I2, NUM, i2_num),
    CU_CAST_TOTAL(I4, NUM, i4_num),
    CU_CAST_TOTAL(I8, NUM, i8_num),
    CU_CAST(F4, NUM, f4_num),
    CU_CAST(F8, NUM, f8_num),
    CU_CAST(NUM, I2, num_i2),
    CU_CAST(NUM, I4, num_i4),
    CU_CAST(NUM, I8, num_i8),
    CU_CAST(NUM, F4, num_f4),
    CU_CAST(NUM, F8, num_f8),
    CU_CAST(NUM, NUM, num_fit),
    CU_CAST(J, B, json_bool),
    CU_CAST(J, I2, json_i2),
    CU_CAST(J, I4, json_i4),
    CU_CAST(J, I8, json_i8),
    CU_CAST(J, F4, json_f4),
    CU_CAST(J, F8, json_f8),
    CU_CAST(J, NUM, json_num),
    CU_CAST(CU_T_DATE, TS, date_ts),
    CU_CAST(CU_T_DATE, TZ, date_tstz),
    CU_CAST(TS, CU_T_DATE, ts_date),
    CU_CAST(TZ, CU_T_DATE, tstz_date),
    CU_CAST(TS, TZ, ts_tstz),
    CU_CAST(TZ, TS, tstz_ts),
    CU_CAST(TS, CU_T_TIME, ts_time),
    CU_CAST(TZ, CU_T_TIME, tstz_time),
    CU_CAST(CU_T_TIME, CU_T_INTERVAL, time_interval),
    CU_CAST(CU_T_INTERVAL, CU_T_TIME, interval_time),
    CU_CAST(TS, TS, time_fit),
    CU_CAST(TZ, TZ, time_fit),
    CU_CAST(CU_T_TIME, CU_T_TIME, time_fit),
    CU_FN("date", CU_T_DATE, ts_date, "the day", TS),
    CU_FN("date", CU_T_DATE, tstz_date, "the day in UTC", TZ),
};
CU_PART(cu_part_convert, list);
