/* Codecs: bytes of a record <-> rows of a declared table.
 *
 * Nothing is inferred: the SQL declares columns, the decoder checks.  Every
 * declared column is cast and the whole record must be well-formed, whatever
 * a query reads (decision 9).  A value goes through its type's text input
 * function, as PostgreSQL's json_populate_record does.
 *
 * A record that does not fit gives no row and a list of all its faults; it
 * never stops its neighbours.  Decoders are immutable after open except for
 * scratch memory: one owner, no I/O.
 */
#ifndef CU_SCHEMAS_CODEC_H
#define CU_SCHEMAS_CODEC_H

#include "rows/batch.h"
#include "rows/text.h"

typedef enum cu_format {
    CU_FORMAT_JSON,
    CU_FORMAT_CSV,
    CU_FORMAT_TEXT,  /* the value as one text column */
    CU_FORMAT_BYTES, /* the value as one bytea column */
    CU_FORMAT_AVRO,
    CU_FORMAT_DEBEZIUM_JSON,
    CU_FORMATS
} cu_format;

/* Where a column's value comes from. */
typedef enum cu_from {
    CU_FROM_VALUE,  /* the record's value, at `path` */
    CU_FROM_KEY,    /* the record's key, at `path` (JSON keys) or whole */
    CU_FROM_HEADER, /* the header named `path` */
    CU_FROM_TOPIC,
    CU_FROM_PARTITION,
    CU_FROM_OFFSET,
    CU_FROM_TIMESTAMP, /* the record's */
    CU_FROM_RAW_KEY,
    CU_FROM_HEADERS, /* all, as jsonb {"name": "value"} */
    CU_FROM_FILE,    /* header cupel.file */
    CU_FROM_LINE,    /* header cupel.line */
    CU_FROM_NOTHING, /* filled later (generated columns) */
} cu_from;

typedef enum cu_encoding {
    CU_ENC_TEXT, /* the type's input function */
    CU_ENC_EPOCH_SECONDS,
    CU_ENC_EPOCH_MILLIS,
    CU_ENC_EPOCH_MICROS,
    CU_ENC_BASE64, /* bytea */
    CU_ENC_HEX,
} cu_encoding;

typedef struct cu_codec_col {
    const char *name;
    cu_type type;
    cu_from from;
    /* JSON and Avro: `$.a.b`, `$.a[0]`, `$["k.ey"]`, `$` = everything.
     * CSV: the header's name (exact).  NULL: the column's name. */
    const char *path;
    cu_encoding encoding;
    const cu_zone *zone; /* for times without an offset; NULL: UTC */
    bool not_null;
    bool key; /* part of the primary key: a delete carries it */
} cu_codec_col;

typedef struct cu_codec_spec {
    cu_format format;
    const cu_codec_col *cols; /* in the order of the table's schema */
    uint32_t n_cols;
    cu_format key_format;    /* JSON, TEXT or BYTES */
    bool key_value_envelope; /* lines {"key": {…}, "value": {…} | null} */
    bool tombstones;         /* a null value deletes (upsert), else a fault */
    char csv_delimiter;      /* 0: comma */
    bool csv_by_position;    /* header 'false' */
    const char *avro_schema; /* JSON text; writer's schema of every record */
    bool avro_framed;        /* Confluent magic byte and id come first */
} cu_codec_spec;

/* A record as the decoder sees it (slices lent). */
typedef struct cu_input {
    cu_slice key, value;
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;
    const cu_header *headers;
    uint32_t n_headers;
} cu_input;

typedef struct cu_fault_item {
    const char *column; /* NULL: the record as a whole */
    uint32_t sqlstate;
    const char *message;
} cu_fault_item;

typedef struct cu_faults {
    cu_fault_item items[16]; /* strings in the arena of the call */
    uint32_t n;              /* may exceed 16: the rest was dropped */
} cu_faults;
void cu_faults_add(cu_faults *f, cu_arena *a, const char *column,
                   uint32_t sqlstate, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

typedef struct cu_decoder cu_decoder;

/* CU_USAGE for an unknown path form, a missing Avro field, … */
int cu_decoder_open(const cu_codec_spec *spec, const cu_schema *schema,
                    cu_decoder **out, cu_err *err);
void cu_decoder_close(cu_decoder *d);
/* Before the first record: which columns anybody reads (kept[n_cols]; all
 * unless told). The others are cast and checked as ever, with the same
 * faults, but nothing is kept of them: they are not written, and batches for
 * such a decoder come from cu_batch_new_some() with the same `kept`. */
void cu_decoder_keep(cu_decoder *d, const bool *kept);
/* Appends one row to `to` (which has room for it): weight +1 for a value, -1
 * for a delete (key columns only).  Slices point into `in` or into to->arena.
 * Starts with no faults.  Returns true when a row was added; false when
 * `faults` got at least one item, or the record is no row at all (faults->n
 * == 0: blank, a record with header cupel.snapshot begin or end, Debezium's
 * tombstones and messages); `to` is then as it was. */
bool cu_decode(cu_decoder *d, const cu_input *in, cu_batch *to,
               cu_faults *faults);

/* --- framing: a file or body -> records ---------------------------------- */

typedef enum cu_framing {
    CU_FRAME_LINES, /* text, one record a line; LF, CRLF; BOM skipped */
    CU_FRAME_JSON,  /* values one after the other: lines, arrays, pretty-
                       printed, "[" and "," glued on, "]" missing */
    CU_FRAME_CSV,   /* RFC 4180 records; the first is the header unless
                       headerless */
    CU_FRAME_WHOLE, /* all bytes are one record */
} cu_framing;

typedef struct cu_framer cu_framer;
typedef struct cu_frame {
    cu_slice bytes; /* the record as it stands in the source, lent until
                       the next feed or next call */
    int64_t offset; /* of its first byte in the source */
    int64_t line;   /* 1-based, of its first byte */
} cu_frame;

/* `position`, `line`: where reading goes on (0, 1 at the start). A record
 * larger than `max_bytes` is cut off and handed out as it is (the decoder
 * or the topic's limit rejects it). */
cu_framer *cu_framer_new(cu_framing framing, bool csv_headerless,
                         int64_t position, int64_t line, size_t max_bytes);
void cu_framer_free(cu_framer *f);
/* CU_FRAME_CSV, before the first feed; a comma unless told. */
void cu_framer_set_delimiter(cu_framer *f, char delimiter);
/* `csv` header line of a file that is read on from the middle. */
void cu_framer_set_header(cu_framer *f, cu_slice header);
/* Copies the bytes. `end`: no more will come now. */
void cu_framer_feed(cu_framer *f, cu_slice bytes, bool end);
/* The next complete record (at `end` the last incomplete one too). */
bool cu_framer_next(cu_framer *f, cu_frame *out);
/* The CSV header record, absent until it was read. */
cu_slice cu_framer_header(const cu_framer *f);
/* Byte position and line behind the last record handed out. */
int64_t cu_framer_position(const cu_framer *f);
int64_t cu_framer_line(const cu_framer *f);

/* --- encoding ------------------------------------------------------------ */

/* Appends one JSON object of the given columns (NULL: all), on one line. */
void cu_json_encode_row(const cu_batch *b, uint32_t row, const uint16_t *cols,
                        uint32_t n, cu_buf *out);
/* Appends one CSV cell as PostgreSQL's COPY … CSV does (NULL: empty).  Rows
 * and headers end with a line feed; delimiter 0 is a comma. */
void cu_csv_encode_cell(const cu_col *c, uint32_t row, char delimiter,
                        cu_buf *out);
void cu_csv_encode_row(const cu_batch *b, uint32_t row, char delimiter,
                       cu_buf *out);
void cu_csv_encode_header(const cu_schema *s, char delimiter, cu_buf *out);

/* Avro: the record schema that a table or view has, and rows in it.  A
 * column that is not NOT NULL is a union with null; numeric(p,s) a decimal,
 * numeric without precision, interval and jsonb are strings. */
void cu_avro_schema_of(const cu_schema *s, const char *name, cu_buf *json);
void cu_avro_encode_row(const cu_batch *b, uint32_t row, cu_buf *out);

#endif
