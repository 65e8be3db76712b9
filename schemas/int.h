/* What the files of schemas/ share: raw values, columns, one decode call.
 *
 * Decoding has two halves.  A reader (json.c, csv.c, avro.c) checks the
 * whole record and notes for every wanted place where its value stands: a
 * `cu_raw` in a slot, pointing into the record.  field.c then turns slots
 * into column values.  So a record that breaks in its last byte has written
 * nothing, the last of duplicate names wins by overwriting a slot, and all
 * formats share one set of conversions.
 *
 *     slots:  [0, n)  the row     [n, 2n)  the record's key
 *             [2n, 3n)  the row before (Debezium)   [3n, 3n + 8)  control
 */
#ifndef CU_SCHEMAS_INT_H
#define CU_SCHEMAS_INT_H

#include "schemas/codec.h"

enum {
    CU_JSON_MAX_DEPTH = 1000,
    CU_CONTROL_SLOTS = 8,
};

/* Control slots, behind the three groups of columns. */
enum {
    CU_AT_OP, /* Debezium, flat */
    CU_AT_AFTER,
    CU_AT_BEFORE,
    CU_AT_PAYLOAD, /* Debezium, wrapped */
    CU_AT_PAYLOAD_OP,
    CU_AT_PAYLOAD_AFTER,
    CU_AT_PAYLOAD_BEFORE,
    CU_AT_VALUE = CU_AT_OP, /* envelope key_value */
    CU_AT_KEY = CU_AT_AFTER,
};

typedef enum cu_raw_kind {
    CU_RAW_ABSENT,
    CU_RAW_NULL,
    CU_RAW_TEXT,    /* plain text: a CSV cell, a header, a key */
    CU_RAW_STRING,  /* JSON string with its quotes, nothing escaped */
    CU_RAW_ESCAPED, /* JSON string with its quotes and escapes */
    CU_RAW_NUMBER,
    CU_RAW_INT, /* a number of at most 16 digits, in `i` as well */
    CU_RAW_TRUE,
    CU_RAW_FALSE,
    CU_RAW_ARRAY,
    CU_RAW_OBJECT,
    CU_RAW_STORED, /* the reader has put it into the column, or a fault */
} cu_raw_kind;

typedef struct cu_raw {
    const char *p;
    uint32_t len;
    uint8_t kind; /* cu_raw_kind */
    int64_t i;    /* INT */
} cu_raw;

static inline cu_slice cu_raw_slice(const cu_raw *r)
{
    return (cu_slice){r->p, r->len};
}

/* Columns of a value that the commonest slots fill without a call. */
typedef enum cu_quick {
    CU_QUICK_NONE,
    CU_QUICK_TEXT,
    CU_QUICK_INT4,
    CU_QUICK_INT8,
    CU_QUICK_DOUBLE,
    CU_QUICK_PLAIN, /* a scalar in the plain form of its type */
    CU_QUICK_TIME,  /* a string, without encoding or precision */
    CU_QUICK_EPOCH, /* a timestamp as a whole number */
    /* Columns that nobody reads: what is surely good is passed. */
    CU_PASS_TEXT, /* anything but NULL */
    CU_PASS_JSON, /* any value of a JSON text */
    CU_PASS_INT4,
    CU_PASS_WHOLE, /* any whole number: bigint, double */
    CU_PASS_TIME,
    CU_PASS_EPOCH,
} cu_quick;

/* A column, compiled from its cu_codec_col. */
typedef struct cu_codec_field {
    const char *name;
    const char *path; /* as declared, or NULL */
    cu_type type;
    const cu_zone *zone;
    uint8_t from;     /* cu_from */
    uint8_t encoding; /* cu_encoding */
    bool not_null;
    bool key;
    bool kept;       /* somebody reads it */
    bool plain;      /* no encoding, no length or precision to apply */
    uint8_t quick;   /* cu_quick */
    int64_t unit_us; /* of an epoch encoding, else 0 */
} cu_codec_field;

typedef struct cu_json cu_json;           /* json.h */
typedef struct cu_json_tree cu_json_tree; /* json_tree.h */
typedef struct cu_csv cu_csv;             /* csv.h */
typedef struct cu_avro_plan cu_avro_plan; /* avro.h */

struct cu_decoder {
    cu_arena *arena; /* lives as long as the decoder */
    cu_codec_field *fields;
    uint32_t n;
    cu_format format, key_format;
    bool envelope, tombstones;
    bool any_key; /* a column comes from the record's key */
    uint32_t n_keys;
    cu_raw *slots;
    bool *set; /* the columns of the row at hand that are not NULL */
    cu_json *json;
    cu_json_tree *value_tree; /* JSON, Debezium, envelope */
    cu_json_tree *key_tree;   /* a JSON key */
    cu_csv *csv;
    cu_avro_plan *avro;
    cu_buf scratch;
    cu_arena *spare;   /* of a record: values that are not kept; or NULL */
    uint64_t waste[8]; /* where they are written */
    cu_err err;        /* scratch: too large to clear per value */
};

/* One cu_decode(). */
typedef struct cu_call {
    cu_decoder *d;
    const cu_input *in;
    cu_slice value; /* of `in`, without a byte order mark */
    cu_batch *to;
    cu_faults *faults;
    uint32_t row;
    bool key_bad; /* the key was reported: its columns are not, again */
} cu_call;

/* Where a column's value is made: with the batch's rows, or, when nobody reads
 * it, for the time of the record. */
static inline cu_arena *cu_call_arena(const cu_call *c, uint32_t col)
{
    return c->d->fields[col].kept ? c->to->arena : c->d->spare;
}

/* "the value is not UTF-8" in PostgreSQL's words (22021); true when it is
 * fine.  `what` is put in front unless NULL. */
bool cu_check_utf8(cu_call *c, const char *what, cu_slice s);

#endif
