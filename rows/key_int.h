/* Inside rows/: what writing, reading and comparing keys share. */
#ifndef CU_ROWS_KEY_INT_H
#define CU_ROWS_KEY_INT_H

#include "rows/int.h"

enum key_class {
    KEY_VARIABLE,
    KEY_U8,
    KEY_I16,
    KEY_I32,
    KEY_I64,
    KEY_F32,
    KEY_F64,
    KEY_INTERVAL,
    KEY_RAW16,
};

static inline enum key_class fixed_key_class(uint8_t kind)
{
    static const uint8_t classes[CU_KINDS] = {
        [CU_T_BOOL] = KEY_U8,           [CU_T_INT2] = KEY_I16,
        [CU_T_INT4] = KEY_I32,          [CU_T_INT8] = KEY_I64,
        [CU_T_FLOAT4] = KEY_F32,        [CU_T_FLOAT8] = KEY_F64,
        [CU_T_DATE] = KEY_I32,          [CU_T_TIME] = KEY_I64,
        [CU_T_TIMESTAMP] = KEY_I64,     [CU_T_TIMESTAMPTZ] = KEY_I64,
        [CU_T_INTERVAL] = KEY_INTERVAL, [CU_T_UUID] = KEY_RAW16,
    };
    return (enum key_class)classes[kind];
}

/* Microseconds with 30 days a month and 24 hours a day. */
i128 cu_interval_span(const cu_interval *v);
/* Escaped bytes and their terminator. */
void cu_key_put_bytes(cu_slice s, cu_buf *out);
/* Reads them back; false when they do not end. */
bool cu_key_get_bytes(cu_scan *s, uint8_t flip, cu_arena *a, cu_slice *out);
/* json_key.c: reads what cu_json_key() wrote as canonical text. */
bool cu_json_unkey(cu_scan *s, uint8_t flip, cu_arena *a, cu_slice *out);

#endif
