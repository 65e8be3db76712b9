/* Avro schemas as trees of types. */
#ifndef CU_SCHEMAS_AVRO_SCHEMA_H
#define CU_SCHEMAS_AVRO_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"

typedef enum cu_avro_kind {
    CU_AVRO_NULL,
    CU_AVRO_BOOLEAN,
    CU_AVRO_INT,
    CU_AVRO_LONG,
    CU_AVRO_FLOAT,
    CU_AVRO_DOUBLE,
    CU_AVRO_BYTES,
    CU_AVRO_STRING,
    CU_AVRO_RECORD,
    CU_AVRO_ENUM,
    CU_AVRO_ARRAY,
    CU_AVRO_MAP,
    CU_AVRO_UNION,
    CU_AVRO_FIXED,
} cu_avro_kind;

typedef enum cu_avro_logical {
    CU_AVRO_PLAIN,
    CU_AVRO_DATE,
    CU_AVRO_TIME_MILLIS,
    CU_AVRO_TIME_MICROS,
    CU_AVRO_TS_MILLIS,
    CU_AVRO_TS_MICROS,
    CU_AVRO_LOCAL_TS_MILLIS,
    CU_AVRO_LOCAL_TS_MICROS,
    CU_AVRO_DECIMAL,
    CU_AVRO_UUID,
} cu_avro_logical;

/* A named type may contain itself. */
typedef struct cu_avro_type cu_avro_type;
struct cu_avro_type {
    uint8_t kind;    /* cu_avro_kind */
    uint8_t logical; /* cu_avro_logical */
    uint16_t scale;  /* of a decimal */
    uint32_t size;   /* of a fixed */
    cu_slice name;   /* full name of a named type, else absent */
    /* RECORD: fields; ENUM: symbols; UNION: branches; ARRAY, MAP: items[0] */
    uint32_t n;
    cu_avro_type **items;
    cu_slice *names;   /* of fields and symbols */
    cu_slice *columns; /* attribute cupel.name of a field, or its name */
};

/* CU_USAGE when it is no schema (read by avro-c's rules and ours). */
int cu_avro_schema_parse(cu_slice json, cu_arena *a, cu_avro_type **out,
                         cu_err *err);

#endif
