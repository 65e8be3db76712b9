/* What a collector is told: plain structs, filled from SQL options.
 *
 * sql parses and checks the options; producers act on them; neither floor
 * knows the other.  Strings and arrays live in the program's arena.
 */
#ifndef CU_SCHEMAS_SOURCE_H
#define CU_SCHEMAS_SOURCE_H

#include "schemas/codec.h"

typedef enum cu_paginator {
    CU_PAGE_NONE,   /* one request per item */
    CU_PAGE_OFFSET, /* {page_offset} = 0, limit, 2 x limit, … below total */
} cu_paginator;

/* What one `for_each 'subject: fantasy, love'` says. */
typedef struct cu_for_each {
    const char *name;
    const char *const *values;
    uint32_t n_values;
} cu_for_each;

typedef struct cu_http_source {
    /* server */
    const char *url;        /* "https://openlibrary.org" */
    const char *user_agent; /* NULL: "cupel/VERSION" */
    double rate_per_s;      /* requests per second; default 1 */
    uint32_t concurrency;   /* default 1 */
    uint32_t retries;       /* attempts after the first; default 5 */
    int64_t timeout_ms;     /* one request; default 30 s */
    int64_t backoff_ms;     /* first wait, doubled, full jitter; default 1 s */
    int64_t backoff_max_ms; /* default 1 min */
    bool allow_private;     /* loopback and private addresses */
    const cu_header *headers; /* extra ones, secrets resolved */
    uint32_t n_headers;
    /* table */
    const char *path;   /* "/subjects/{subject}.json" */
    const char *params; /* "limit=100&offset={page_offset}" or NULL */
    const cu_for_each *for_each;
    uint32_t n_for_each;
    cu_paginator paginator;
    int64_t limit;          /* page size of OFFSET */
    const char *total_path; /* "$.work_count" */
    const char *items_path; /* "$.works": an empty page before the total is a
                               soft failure; NULL: not checked */
    const char *const *require; /* paths that must be present, not null */
    uint32_t n_require;
    int64_t every_ms;      /* schedule; 0: once per start */
    size_t max_body_bytes; /* 0: 16 MiB (a bronze record) */
} cu_http_source;

typedef enum cu_file_order {
    CU_ORDER_NATURAL,
    CU_ORDER_NAME,
    CU_ORDER_MODIFIED
} cu_file_order;

typedef enum cu_file_mode {
    CU_FILES_APPEND,   /* read on while the old prefix is unchanged */
    CU_FILES_WHOLE,    /* upsert: read again when the content changed */
    CU_FILES_SNAPSHOT, /* the same, between begin and end records */
} cu_file_mode;

typedef struct cu_files_source {
    const char *dir; /* resolved against the SQL file's folder */
    const char *glob;
    cu_framing framing;
    bool csv_headerless;
    char csv_delimiter;              /* 0: comma */
    const char *const *csv_required; /* headers that must exist (NOT NULL) */
    uint32_t n_csv_required;
    cu_file_mode mode;
    cu_file_order order;
    int64_t every_ms; /* look again; 0: 1 s while running */
} cu_files_source;

/* Headers of bronze records (decision 10): where the bytes came from. */
#define CU_H_FILE        "cupel.file"   /* path relative to the dir */
#define CU_H_LINE        "cupel.line"   /* 1-based, decimal */
#define CU_H_FILE_OFFSET "cupel.offset" /* byte offset, decimal */
#define CU_H_CSV_HEADER  "cupel.header" /* the CSV's header record */
#define CU_H_PARAM       "cupel.param." /* + name: {name}'s value */
#define CU_H_URL         "cupel.url"
#define CU_H_FETCHED     "cupel.fetched_at" /* RFC 3339 UTC with microseconds */
#define CU_H_SNAPSHOT    "cupel.snapshot"   /* "begin", "end"; value is empty */

#endif
