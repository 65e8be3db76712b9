/* Single Avro values: past them, as JSON text, into a column. */
#ifndef CU_SCHEMAS_AVRO_VALUE_H
#define CU_SCHEMAS_AVRO_VALUE_H

#include "schemas/avro_schema.h"
#include "schemas/int.h"

typedef struct cu_avro_in {
    cu_scan at;
    uint64_t items_left; /* of arrays and maps, whatever their bytes */
    unsigned depth;
    const char *wrong; /* set when a function returned false */
} cu_avro_in;

cu_avro_in cu_avro_in_of(cu_slice bytes);
bool cu_avro_wrong(cu_avro_in *in, const char *what);
/* The branch of a union. */
bool cu_avro_branch(cu_avro_in *in, const cu_avro_type *t, uint32_t *out);
/* Moves behind a value of type `t`, checking it; appends its JSON text
 * unless `out` is NULL: bytes as \x hex, times as ISO text, decimals as
 * numbers, NaN and infinities as strings. */
bool cu_avro_take(cu_avro_in *in, const cu_avro_type *t, cu_buf *out);
/* A scalar (no record, array, map, union) into column `col`: false when the
 * bytes are malformed; a value that does not fit the column is a fault of
 * the call, and true. */
bool cu_avro_store(cu_avro_in *in, const cu_avro_type *t, cu_call *c,
                   uint32_t col);

#endif
