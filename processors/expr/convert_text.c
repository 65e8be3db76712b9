/* Casts through the text form, varchar(n), and casts of whole arrays. */
#include "processors/expr/kernel.h"
#include "rows/array.h"
#include "rows/numeric.h"

#define E_TRUNCATION CU_SQLSTATE('2', '2', '0', '0', '1')

/* --- to text --------------------------------------------------------- */

static void any_text(cu_call *c)
{
    const cu_zone *z = cu_call_zone(c);
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_col_out(c->args[0], r, z, c->scratch);
        at = cu_text_row(c, r, at);
    }
    cu_text_finish(c);
}

static void bool_text(cu_call *c)
{
    CU_ARG(uint8_t, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        CU_OUT(cu_slice, c)[r] = CU_AT(x, r) ? CU_LIT("true") : CU_LIT("false");
}

/* --- from text ------------------------------------------------------- */

#define FROM_TEXT(fn, R, input)                             \
    static void fn(cu_call *c)                              \
    {                                                       \
        CU_ARG(cu_slice, x, c, 0);                          \
        cu_err err;                                         \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)   \
            if (input(CU_AT(x, r), &CU_OUT(R, c)[r], &err)) \
                cu_call_fail_err(c, r, &err);               \
    }
FROM_TEXT(text_bool, uint8_t, cu_bool_in)
FROM_TEXT(text_i2, int16_t, cu_int2_in)
FROM_TEXT(text_i4, int32_t, cu_int4_in)
FROM_TEXT(text_i8, int64_t, cu_int8_in)
FROM_TEXT(text_f4, float, cu_float4_in)
FROM_TEXT(text_f8, double, cu_float8_in)
FROM_TEXT(text_date, int32_t, cu_date_in)
FROM_TEXT(text_time, int64_t, cu_time_in)
FROM_TEXT(text_ts, int64_t, cu_timestamp_in)
FROM_TEXT(text_interval, cu_interval, cu_interval_in)
FROM_TEXT(text_uuid, cu_uuid, cu_uuid_in)

static void text_num(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (cu_numeric_in(CU_AT(x, r), c->arena, &CU_OUT(cu_numeric, c)[r],
                          &err))
            cu_call_fail_err(c, r, &err);
}

static void text_tstz(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    const cu_zone *z = cu_call_zone(c);
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (cu_timestamptz_in(CU_AT(x, r), z, &CU_OUT(int64_t, c)[r], &err))
            cu_call_fail_err(c, r, &err);
}

/* bytea, jsonb, arrays: the value is a slice. */
static void text_slice(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    cu_value v;
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        if (cu_value_in(c->type, CU_AT(x, r), cu_call_zone(c), c->arena, &v,
                        &err))
            cu_call_fail_err(c, r, &err);
        else
            CU_OUT(cu_slice, c)[r] = v.s;
    }
}

/* --- varchar(n) ------------------------------------------------------ */

static void text_fit(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        CU_OUT(cu_slice, c)
    [r] = (cu_slice){CU_AT(x, r).data,
                     cu_utf8_bytes(CU_AT(x, r), (size_t)c->type.precision)};
}

/* Only blanks may be cut off in an assignment. */
static void text_assign(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    char name[64];
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        const cu_slice s = CU_AT(x, r);
        const size_t keep = cu_utf8_bytes(s, (size_t)c->type.precision);
        size_t k = keep;
        while (k < s.len && s.data[k] == ' ')
            k++;
        if (k < s.len)
            cu_call_fail(c, r, E_TRUNCATION, "value too long for type %s",
                         cu_type_name(c->type, name));
        CU_OUT(cu_slice, c)[r] = (cu_slice){s.data, keep};
    }
}

/* --- arrays ---------------------------------------------------------- */

static int cast_array(cu_call *c, const cu_func *f, cu_slice from,
                      cu_row_faults *faults, cu_slice *out, cu_err *err)
{
    const cu_type elem = CU_TYPE(c->type.elem);
    cu_array_iter it = cu_array_iter_of(from);
    const uint32_t n = cu_array_length(from);
    cu_value *in = cu_arena_calloc(c->arena, n, sizeof(*in));
    cu_value *made = cu_arena_calloc(c->arena, n, sizeof(*made));
    for (uint32_t k = 0; k < n && cu_array_next(&it, c->arena, &in[k]); k++)
        in[k].type = CU_TYPE(c->args[0]->type.elem);
    if (cu_call_on_values(c, f, elem, in, n, made, faults, err))
        return err->code;
    *out = cu_array_make(c->arena, elem, made, n);
    return 0;
}

static void array_array(cu_call *c)
{
    CU_ARG(cu_slice, x, c, 0);
    const cu_func *f = cu_cast_kernel(CU_TYPE(c->args[0]->type.elem),
                                      CU_TYPE(c->type.elem));
    cu_row_faults *faults = cu_arena_alloc(c->arena, sizeof(*faults));
    cu_err err;
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        if (cast_array(c, f, CU_AT(x, r), faults, &CU_OUT(cu_slice, c)[r],
                       &err))
            cu_call_fail_err(c, r, &err);
}

#define TO_TEXT(kind)       CU_CAST(kind, CU_T_TEXT, any_text)
#define TEXT_TO(kind, kern) CU_CAST(CU_T_TEXT, kind, kern)

static const cu_func list[] = {
    CU_CAST_TOTAL(CU_T_BOOL, CU_T_TEXT, bool_text),
    TO_TEXT(CU_T_INT2),
    TO_TEXT(CU_T_INT4),
    TO_TEXT(CU_T_INT8),
    TO_TEXT(CU_T_FLOAT4),
    TO_TEXT(CU_T_FLOAT8),
    TO_TEXT(CU_T_NUMERIC),
    TO_TEXT(CU_T_BYTEA),
    TO_TEXT(CU_T_DATE),
    TO_TEXT(CU_T_TIME),
    TO_TEXT(CU_T_TIMESTAMP),
    TO_TEXT(CU_T_TIMESTAMPTZ),
    TO_TEXT(CU_T_INTERVAL),
    TO_TEXT(CU_T_UUID),
    TO_TEXT(CU_T_JSONB),
    TO_TEXT(CU_T_ARRAY),
    TEXT_TO(CU_T_BOOL, text_bool),
    TEXT_TO(CU_T_INT2, text_i2),
    TEXT_TO(CU_T_INT4, text_i4),
    TEXT_TO(CU_T_INT8, text_i8),
    TEXT_TO(CU_T_FLOAT4, text_f4),
    TEXT_TO(CU_T_FLOAT8, text_f8),
    TEXT_TO(CU_T_NUMERIC, text_num),
    TEXT_TO(CU_T_BYTEA, text_slice),
    TEXT_TO(CU_T_DATE, text_date),
    TEXT_TO(CU_T_TIME, text_time),
    TEXT_TO(CU_T_TIMESTAMP, text_ts),
    TEXT_TO(CU_T_TIMESTAMPTZ, text_tstz),
    TEXT_TO(CU_T_INTERVAL, text_interval),
    TEXT_TO(CU_T_UUID, text_uuid),
    TEXT_TO(CU_T_JSONB, text_slice),
    TEXT_TO(CU_T_ARRAY, text_slice),
    TEXT_TO(CU_T_TEXT, text_fit),
    CU_CAST(CU_T_ARRAY, CU_T_ARRAY, array_array),
    CU_FN("date", CU_T_DATE, text_date, "the text as a date", CU_T_TEXT),
    {CU_ENTRY(CU_FUNC_CAST, "cast_assign", CU_T_TEXT, text_assign,
              "varchar(n) in an assignment", CU_T_TEXT)},
};
CU_PART(cu_part_convert_text, list);
