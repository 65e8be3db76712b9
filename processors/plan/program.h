/* The program: everything that a pipeline's SQL says, bound and checked.
 *
 * Made by processors/sql, read by runtime, engine and ops; immutable, one
 * arena.  Order within the arrays is the order of the statements; a view
 * comes after everything it reads.
 */
#ifndef CU_PLAN_PROGRAM_H
#define CU_PLAN_PROGRAM_H

#include "processors/plan/plan.h"
#include "schemas/source.h"

typedef struct cu_sql_file {
    const char *path; /* as given */
    const char *dir;  /* its folder: relative paths start here */
    cu_slice text;    /* as read, before variables were filled */
} cu_sql_file;

typedef enum cu_wrapper {
    CU_W_KAFKA,
    CU_W_HTTP,
    CU_W_FILES,
    CU_W_BLACKHOLE,
    CU_W_POSTGRES, /* tables written by a sink of ops */
} cu_wrapper;

typedef struct cu_server_def {
    const char *name;
    cu_wrapper wrapper;
    cu_pos pos;
    const char *brokers;         /* kafka, or NULL */
    const cu_header *properties; /* kafka: librdkafka's */
    uint32_t n_properties;
} cu_server_def;

typedef enum cu_table_mode {
    CU_MODE_APPEND,
    CU_MODE_UPSERT,
    CU_MODE_CHANGELOG,
    CU_MODE_SNAPSHOT,
} cu_table_mode;

typedef enum cu_on_error {
    CU_ON_ERROR_DEAD_LETTER,
    CU_ON_ERROR_FAIL
} cu_on_error;

/* What a view's readers see of a window before and when it closes. */
typedef enum cu_emit {
    CU_EMIT_CHANGES,     /* every commit */
    CU_EMIT_FINAL,       /* once, when it closes: a BUFFER node does it */
    CU_EMIT_EARLY_FINAL, /* changes, and again with header cupel.final */
} cu_emit;

/* Tables that stand for what was rejected: sources over a letter topic. */
typedef enum cu_letters {
    CU_LETTERS_NONE,
    CU_LETTERS_DEAD, /* dead_letters(x) */
    CU_LETTERS_LATE, /* late_rows(view) */
} cu_letters;

typedef struct cu_check {
    const char *name;   /* constraint name */
    const char *text;   /* as written */
    cu_expr *predicate; /* over the table's columns; NULL passes */
} cu_check;

typedef struct cu_table_def {
    const char *name;
    uint32_t index;
    cu_pos pos;
    const cu_server_def *server;
    cu_schema *schema;
    cu_codec_spec codec;
    const char *topic;    /* bronze, or the foreign topic; blackhole: NULL */
    int32_t partitions;   /* for topics that we create; 0: 1 */
    int64_t retention_ms; /* 0: for ever */
    cu_table_mode mode;
    uint32_t n_key; /* PRIMARY KEY or key option */
    const uint16_t *key;
    uint32_t n_checks;
    const cu_check *checks;
    /* Generated columns: expression over the other columns, or NULL. */
    cu_expr *const *generated;
    int32_t watermark_col; /* -1: none */
    int64_t watermark_delay_us;
    int64_t start_ms; /* CU_OLDEST -2, CU_NEWEST -1, or a time since 1970 */
    cu_on_error on_error;
    const char *dead_letter_topic; /* NULL: the app's */
    bool ignore_deletes;           /* snapshot: deletes 'ignore' */
    bool allow_empty;              /* snapshot */
    const char *snapshot_at;       /* snapshot: a regular expression whose
                                    * first group is the date in file names */
    uint16_t snapshot_col;         /* or the newest of this column (+ 1) */
    const cu_http_source *http;    /* collected tables */
    const cu_files_source *files;
    bool is_sink;            /* written by a view (into, INSERT) */
    int64_t idle_timeout_ms; /* 0: an idle partition holds time back */
    int64_t max_future_us;   /* rows beyond clock + this are late; 0: none */
    cu_letters letters;      /* its records are letters of `letters_of` */
    const char *letters_of;  /* a table's or view's name */
    const char *remote;      /* postgres: the table there, as quoted SQL */
    const char *write_mode;  /* postgres: "upsert" or "append" */
    bool create;             /* postgres: make the table if it is not there */
} cu_table_def;

typedef struct cu_view_def {
    const char *name;
    uint32_t index;
    cu_pos pos;
    cu_node *root; /* a MATERIALIZE node */
    const cu_schema *schema;
    const char *topic; /* "<app>.<view>" by default; NULL: hidden, or the topic
                        * is that of `into`, if any (postgres has none) */
    bool has_topic;    /* false for hidden views: of COPY, or */
    bool only_judges;  /* without rows: for the dead letters of its table */
    bool shared;       /* no topic, not hidden: fed to its readers in memory */
    uint32_t n_key;    /* primary key; 0: single, or append-only, null keys */
    const uint16_t *key;
    bool single;        /* at most one row: the key is {} */
    int32_t partitions; /* option; 0: derived */
    cu_on_error on_error;
    const cu_table_def *into; /* sink, or NULL */
    cu_format format;         /* of the silver topic: JSON or AVRO */
    cu_emit emit;
    int64_t allowed_lateness_us;
    int64_t emit_interval_ms; /* 0: every commit; holds back its topic only */
    /* EARLY_FINAL: a row is final when the watermark has reached this column
     * (+ 1) + delay + lateness. */
    uint16_t final_col;
    cu_interval final_delay;
    int64_t final_lateness_us;
    int64_t state_ttl_us;   /* 0: none; declared lossy */
    int64_t retention_us;   /* closed windows leave the view; 0: never */
    uint16_t retention_col; /* column + 1 that it counts from */
    /* Late rows go to this topic; NULL: no window can be late. */
    const char *late_topic;
} cu_view_def;

typedef struct cu_copy_def {
    const char *path;  /* resolved against the SQL file's folder */
    const char *shown; /* as written, for people */
    cu_pos pos;
    const cu_view_def *view; /* hidden, bag: the maintained rest */
    uint32_t n_order;        /* computed when the file is written */
    const cu_key_col *order;
    int64_t limit, offset; /* -1: all */
    uint32_t n_cols;       /* of the view's columns, what is written */
    const uint16_t *cols;
    bool header;
    char delimiter;
    int64_t every_ms; /* 0: only when drained and at the end */
} cu_copy_def;

typedef struct cu_program {
    cu_arena *arena;
    const char *app;
    uint64_t hash;
    uint32_t n_files;
    cu_sql_file *files;
    uint32_t n_servers, n_tables, n_views, n_copies;
    cu_server_def **servers;
    cu_table_def **tables;
    cu_view_def **views; /* hidden views of COPY included, in order */
    cu_copy_def **copies;
    const char *brokers;           /* of the kafka server, or NULL: embedded */
    bool at_least_once;            /* its delivery */
    const struct cu_sql_rest *sql; /* sql's own, for cu_sql_query() */
} cu_program;

const cu_table_def *cu_program_table(const cu_program *p, const char *name);
const cu_view_def *cu_program_view(const cu_program *p, const char *name);
/* Where its changes are published: its own topic, or the table's that it
 * writes; NULL: nowhere. */
const char *cu_view_topic(const cu_view_def *v);
/* Others may name it: it is not hidden. */
bool cu_view_is_named(const cu_view_def *v);
/* It has its rows, in state: by key, or as a bag.  Else they pass. */
bool cu_view_keeps(const cu_view_def *v);
/* Does its query name the other one? */
bool cu_view_reads(const cu_view_def *v, const cu_view_def *other);
/* A postgres table's: ops loads it from the view's own topic. */
bool cu_view_is_loaded(const cu_view_def *v);

#endif
