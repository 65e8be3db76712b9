/* Series of numerics and moments, subscripts of an array, arrays side by
 * side. */
#include "processors/expr/calendar.h"
#include "rows/array.h"
#include "rows/numeric.h"

#define E_LIMIT CU_SQLSTATE('5', '4', '0', '0', '0')

enum { MOST_ROWS = 10 * 1000 * 1000 };

static int refuse(cu_err *err, uint32_t sqlstate, const char *what)
{
    const cu_code code = sqlstate == E_LIMIT ? CU_LIMIT : CU_DATA;
    cu_fail(err, code, 0, "%s", what);
    if (err)
        err->sqlstate = sqlstate;
    return (int)code;
}

static int too_many(cu_err *err)
{
    return refuse(err, E_LIMIT,
                  "generate_series of more than 10000000 rows is not "
                  "supported");
}

/* Adds a value; doubles the room. */
static bool add(cu_set_rows *out, uint32_t *cap, cu_value v, cu_arena *a)
{
    if (out->n == MOST_ROWS)
        return false;
    if (out->n == *cap) {
        const uint32_t more = *cap ? 2 * *cap : 16;
        cu_value *at = cu_arena_alloc(a, more * sizeof(*at));
        if (out->n)
            memcpy(at, out->values, out->n * sizeof(*at));
        out->values = at;
        *cap = more;
    }
    out->values[out->n++] = v;
    return true;
}

/* --- numeric --------------------------------------------------------- */

static int check_number(const cu_numeric *n, const char *what, cu_arena *a,
                        cu_err *err)
{
    if (n->form <= CU_NUM_BIG)
        return 0;
    return refuse(err, CU_E_PARAMETER,
                  cu_arena_printf(a, "%s cannot be %s", what,
                                  n->form == CU_NUM_NAN ? "NaN" : "infinity"));
}

static int numerics(const cu_value *args, uint32_t n_args, cu_arena *a,
                    cu_set_rows *out, cu_err *err)
{
    cu_numeric at = args[0].num, step = cu_numeric_from_int8(1);
    uint32_t cap = 0;
    if (check_number(&at, "start value", a, err) ||
        check_number(&args[1].num, "stop value", a, err))
        return CU_DATA;
    if (n_args == 3) {
        step = args[2].num;
        if (check_number(&step, "step size", a, err))
            return CU_DATA;
    }
    const int sign = cu_numeric_sign(&step);
    if (sign == 0)
        return refuse(err, CU_E_PARAMETER, "step size cannot equal zero");
    while (sign * cu_numeric_cmp(&at, &args[1].num) <= 0) {
        cu_value v = {.type = CU_TYPE(CU_T_NUMERIC), .num = at};
        if (!add(out, &cap, v, a))
            return too_many(err);
        if (cu_numeric_add(&v.num, &step, a, &at, err))
            return CU_DATA;
    }
    return 0;
}

/* --- timestamps ------------------------------------------------------ */

/* As intervals compare: a month has thirty days. */
static int sign_of(cu_interval v)
{
    const __int128 us = v.us +
                        (__int128)CU_US_DAY * (v.days + (int64_t)v.months * 30);
    return us > 0 ? 1 : us < 0 ? -1 : 0;
}

static int moments(const cu_func *f, const cu_value *args, cu_arena *a,
                   cu_set_rows *out, cu_err *err)
{
    int64_t at = args[0].i8;
    const int64_t to = args[1].i8;
    const int sign = sign_of(args[2].iv);
    uint32_t cap = 0;
    if (sign == 0)
        return refuse(err, CU_E_PARAMETER, "step size cannot equal zero");
    while (sign > 0 ? at <= to : at >= to) {
        cu_value v = {.type = CU_TYPE(f->result), .i8 = at};
        if (!add(out, &cap, v, a))
            return too_many(err);
        if (!cu_ts_add(at, args[2].iv, &at))
            return refuse(err, CU_E_DATETIME, "timestamp out of range");
    }
    return 0;
}

/* --- arrays ---------------------------------------------------------- */

static int subscripts(const cu_value *args, uint32_t n_args, cu_arena *a,
                      cu_set_rows *out)
{
    const uint32_t n = cu_array_length(args[0].s);
    const bool back = n_args == 3 && args[2].b;
    out->n = args[1].i4 == 1 ? n : 0;
    out->values = cu_arena_calloc(a, n + 1, sizeof(*out->values));
    for (uint32_t i = 0; i < out->n; i++)
        out->values[i] = (cu_value){.type = CU_TYPE(CU_T_INT4),
                                    .i4 = (int32_t)(back ? n - i : i + 1)};
    return 0;
}

/* A row for each element of the longest; the others end with NULLs. */
static int side_by_side(const cu_value *args, uint32_t n_args, cu_arena *a,
                        cu_set_rows *out)
{
    for (uint32_t k = 0; k < n_args; k++) {
        const uint32_t n = args[k].null ? 0 : cu_array_length(args[k].s);
        out->n = n > out->n ? n : out->n;
    }
    out->values = cu_arena_calloc(a, (size_t)out->n * n_args + 1,
                                  sizeof(*out->values));
    for (uint32_t k = 0; k < n_args; k++) {
        const uint32_t n = args[k].null ? 0 : cu_array_length(args[k].s);
        cu_array_iter it = {.n = 0};
        if (n)
            it = cu_array_iter_of(args[k].s);
        for (uint32_t i = 0; i < out->n; i++) {
            cu_value *v = &out->values[(size_t)i * n_args + k];
            if (i < n)
                cu_array_next(&it, a, v);
            else
                *v = (cu_value){.type = CU_TYPE(args[k].type.elem),
                                .null = true};
        }
    }
    return 0;
}

int cu_series_set(const cu_func *f, const cu_value *args, uint32_t n_args,
                  cu_arena *a, cu_set_rows *out, cu_err *err)
{
    if (f->result == CU_T_NUMERIC)
        return numerics(args, n_args, a, out, err);
    if (f->result == CU_T_INT4)
        return subscripts(args, n_args, a, out);
    if (f->result == CU_T_ANY)
        return side_by_side(args, n_args, a, out);
    return moments(f, args, a, out, err);
}

/* --- the catalog's part ---------------------------------------------- */

#define SET(nm, res, text, ...)                                           \
    {                                                                     \
        .name = nm, .kind = CU_FUNC_SET, .n_args = CU_COUNT(__VA_ARGS__), \
        .strict = true, .args = {__VA_ARGS__}, .result = res, .doc = text \
    }
#define N   CU_T_NUMERIC
#define TS  CU_T_TIMESTAMP
#define TZ  CU_T_TIMESTAMPTZ
#define IV  CU_T_INTERVAL
#define I4  CU_T_INT4
#define ANY CU_T_ANYARRAY

static const cu_func list[] = {
    SET("generate_series", N, "x, x + 1, … y", N, N),
    SET("generate_series", N, "x, x + z, … y", N, N, N),
    SET("generate_series", TS, "x, x + z, … y", TS, TS, IV),
    SET("generate_series", TZ, "x, x + z, … y", TZ, TZ, IV),
    SET("generate_subscripts", I4, "the subscripts of a dimension", ANY, I4),
    SET("generate_subscripts", I4, "the same, true: from the last", ANY, I4,
        CU_T_BOOL),
    {.name = "unnest",
     .kind = CU_FUNC_SET,
     .n_args = 2,
     .variadic = true,
     .args = {CU_T_EACHARRAY, CU_T_EACHARRAY},
     .result = CU_T_ANY,
     .doc = "the elements of several arrays side by side"},
};
CU_PART(cu_part_series, list);
