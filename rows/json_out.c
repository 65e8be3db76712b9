/* One value of a column as JSON, for silver topics and derived records. */
#include "rows/array.h"
#include "rows/batch.h"
#include "rows/int.h"
#include "rows/json.h"
#include "rows/numeric.h"
#include "rows/text.h"
#include "rows/time_int.h"

#include <math.h>

static void put(uint8_t kind, const void *v, cu_buf *out);

static void put_array(cu_slice array, cu_buf *out)
{
    cu_arena *scratch = cu_arena_new(0);
    cu_array_iter it = cu_array_iter_of(array);
    cu_value v;
    cu_buf_put_u8(out, '[');
    for (bool first = true; cu_array_next(&it, scratch, &v); first = false) {
        if (!first)
            cu_buf_put_u8(out, ',');
        if (v.null)
            cu_buf_put(out, "null", 4);
        else
            put(v.type.kind, value_ptr(&v), out);
    }
    cu_buf_put_u8(out, ']');
    cu_arena_free(scratch);
}

/* Its text form in quotes; none of these needs an escape but bytea's `\`. */
static void put_quoted(uint8_t kind, const void *v, cu_buf *out)
{
    cu_value boxed = {.type = CU_TYPE(kind)};
    memcpy(&boxed.num, v, cu_type_width(boxed.type));
    cu_buf_put_u8(out, '"');
    if (kind == CU_T_BYTEA)
        cu_buf_put_u8(out, '\\');
    cu_value_out(&boxed, NULL, out);
    cu_buf_put_u8(out, '"');
}

static void put_timestamp(uint8_t kind, int64_t ts, cu_buf *out)
{
    cu_buf_put_u8(out, '"');
    cu_rfc3339_out(ts, out);
    /* Without a zone there is no Z to claim. */
    if (kind == CU_T_TIMESTAMP && out->data[out->len - 1] == 'Z')
        out->len--;
    cu_buf_put_u8(out, '"');
}

static void put(uint8_t kind, const void *v, cu_buf *out)
{
    double f = kind == CU_T_FLOAT8   ? *(const double *)v
               : kind == CU_T_FLOAT4 ? (double)*(const float *)v
                                     : 0;
    switch ((cu_kind)kind) {
    case CU_T_NULL:
    case CU_KINDS:
        cu_buf_put(out, "null", 4);
        break;
    case CU_T_BOOL:
        cu_buf_put_str(out, *(const uint8_t *)v ? "true" : "false");
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
    case CU_T_FLOAT8:
        if (isnan(f) || isinf(f))
            put_quoted(kind, v, out);
        else if (kind == CU_T_FLOAT4)
            cu_float4_out(*(const float *)v, out);
        else
            cu_float8_out(f, out);
        break;
    case CU_T_NUMERIC:
        if (((const cu_numeric *)v)->form <= CU_NUM_BIG)
            cu_numeric_out(v, out);
        else
            put_quoted(kind, v, out);
        break;
    case CU_T_TEXT:
        cu_json_put_string(out, *(const cu_slice *)v);
        break;
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        put_timestamp(kind, *(const int64_t *)v, out);
        break;
    case CU_T_BYTEA:
    case CU_T_DATE:
    case CU_T_TIME:
    case CU_T_INTERVAL:
    case CU_T_UUID:
        put_quoted(kind, v, out);
        break;
    case CU_T_JSONB:
        cu_json_canonical(*(const cu_slice *)v, out);
        break;
    case CU_T_ARRAY:
        put_array(*(const cu_slice *)v, out);
        break;
    }
}

void cu_json_put_value(const struct cu_col *c, uint32_t row, cu_buf *out)
{
    if (cu_col_is_null(c, row)) {
        cu_buf_put(out, "null", 4);
        return;
    }
    size_t at = (size_t)cu_col_at(c, row) * cu_type_width(c->type);
    put(c->type.kind, (const char *)c->data + at, out);
}
