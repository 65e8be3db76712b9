/* Types, fields and schemas: what a column may hold.
 *
 * The scalar types are PostgreSQL's with PostgreSQL's meanings; dates and
 * timestamps count from 2000-01-01 and have infinities.  A schema is
 * immutable once made and lives in the arena it was made in.
 */
#ifndef CU_ROWS_TYPE_H
#define CU_ROWS_TYPE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

typedef enum cu_kind {
    CU_T_NULL = 0, /* the type of a bare NULL; never in a schema */
    CU_T_BOOL,     /* uint8_t 0 or 1 */
    CU_T_INT2,
    CU_T_INT4,
    CU_T_INT8,
    CU_T_FLOAT4,
    CU_T_FLOAT8,
    CU_T_NUMERIC,     /* cu_numeric */
    CU_T_TEXT,        /* cu_slice, valid UTF-8 without U+0000 */
    CU_T_BYTEA,       /* cu_slice */
    CU_T_DATE,        /* int32_t days since 2000-01-01 */
    CU_T_TIME,        /* int64_t microseconds of the day */
    CU_T_TIMESTAMP,   /* int64_t microseconds since 2000-01-01 */
    CU_T_TIMESTAMPTZ, /* int64_t microseconds since 2000-01-01 UTC */
    CU_T_INTERVAL,    /* cu_interval */
    CU_T_UUID,        /* cu_uuid */
    CU_T_JSONB,       /* cu_slice: validated JSON text as it came */
    CU_T_ARRAY,       /* cu_slice: see rows/array.h */
    CU_KINDS
} cu_kind;

typedef struct cu_type {
    uint8_t kind;      /* cu_kind */
    uint8_t elem;      /* element kind of an array, else 0 */
    int16_t precision; /* numeric(p,s), varchar(p); 0: not declared */
    int16_t scale;     /* numeric(p,s); timestamp(s): -1 not declared */
} cu_type;

#define CU_TYPE(k) ((cu_type){.kind = (k), .scale = -1})

#define CU_DATE_INFINITY       INT32_MAX
#define CU_DATE_MINUS_INFINITY INT32_MIN
#define CU_TS_INFINITY         INT64_MAX
#define CU_TS_MINUS_INFINITY   INT64_MIN
/* Microseconds between 1970-01-01 and 2000-01-01. */
#define CU_PG_EPOCH_US INT64_C(946684800000000)

typedef struct cu_interval {
    int64_t us;
    int32_t days, months;
} cu_interval;

typedef struct cu_uuid {
    uint8_t b[16];
} cu_uuid;

/* Forms of a numeric. INT: i x 10^-scale.  BIG: base-10000 digits, most
 * significant first, value = 0.d0d1d2… x 10000^weight_plus1. */
enum cu_numeric_form {
    CU_NUM_INT,
    CU_NUM_BIG,
    CU_NUM_NAN,
    CU_NUM_PINF,
    CU_NUM_NINF
};

typedef struct cu_numeric {
    __int128 i;             /* INT */
    const uint16_t *digits; /* BIG; in an arena */
    uint16_t scale;         /* digits shown after the point: 0..16383 */
    uint8_t form;           /* enum cu_numeric_form */
    uint8_t negative;       /* BIG */
    int16_t weight;         /* BIG: power of 10000 of digits[0] */
    uint16_t n_digits;      /* BIG */
} cu_numeric;
_Static_assert(sizeof(cu_numeric) == 32, "a numeric column is 32 B a row");

/* One value outside a batch: constants, tests, cold paths. */
typedef struct cu_value {
    cu_type type;
    bool null;
    union {
        uint8_t b;
        int16_t i2;
        int32_t i4; /* int4, date */
        int64_t i8; /* int8, time, timestamp, timestamptz */
        float f4;
        double f8;
        cu_slice s; /* text, bytea, jsonb, array */
        cu_numeric num;
        cu_interval iv;
        cu_uuid uuid;
    };
} cu_value;

typedef struct cu_field {
    const char *name;
    cu_type type;
    bool not_null;
} cu_field;

typedef struct cu_schema {
    uint32_t n;
    cu_field *fields;
} cu_schema;

/* Bytes of one value in a flat column. */
size_t cu_type_width(cu_type t);
/* cu_slice values (text, bytea, jsonb, array). */
bool cu_type_is_slice(cu_type t);
bool cu_type_is_number(cu_type t);
/* Same kind and element kind; precision and scale are not compared. */
bool cu_type_same(cu_type a, cu_type b);
/* As PostgreSQL's format_type: "bigint", "numeric(12,2)", "text[]". */
const char *cu_type_name(cu_type t, char out[64]);
/* From a name as written ("int8", "bigint", "timestamp with time zone",
 * "double precision", "varchar", "text[]"); CU_UNSUPPORTED for others. */
int cu_type_parse(cu_slice name, cu_type *out, cu_err *err);

cu_schema *cu_schema_new(cu_arena *a, uint32_t n);
/* Index by name, -1 when there is none. */
int cu_schema_find(const cu_schema *s, cu_slice name);
cu_schema *cu_schema_copy(cu_arena *a, const cu_schema *s);
bool cu_schema_same(const cu_schema *a, const cu_schema *b);

#endif
