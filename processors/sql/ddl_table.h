/* A foreign table while it is made: ddl_table.c, ddl_column.c,
 * ddl_collect.c. */
#ifndef CU_SQL_DDL_TABLE_H
#define CU_SQL_DDL_TABLE_H

#include "processors/sql/ddl.h"

/* Bits of who may have an option. */
enum {
    CU_ON_KAFKA = 1 << CU_W_KAFKA,
    CU_ON_HTTP = 1 << CU_W_HTTP,
    CU_ON_FILES = 1 << CU_W_FILES,
    CU_ON_BLACKHOLE = 1 << CU_W_BLACKHOLE,
    CU_ON_POSTGRES = 1 << CU_W_POSTGRES,
};

enum { /* options of tables */
       CU_TO_TOPIC,
       CU_TO_FORMAT,
       CU_TO_MODE,
       CU_TO_KEY,
       CU_TO_KEY_FORMAT,
       CU_TO_ENVELOPE,
       CU_TO_START,
       CU_TO_IDLE_TIMEOUT,
       CU_TO_ON_ERROR,
       CU_TO_DEAD_LETTER_TOPIC,
       CU_TO_PARTITIONS,
       CU_TO_RETENTION,
       CU_TO_DELETES,
       CU_TO_ALLOW_EMPTY,
       CU_TO_SCHEMA_FILE,
       CU_TO_PATH,
       CU_TO_PARAMS,
       CU_TO_FOR_EACH,
       CU_TO_PAGINATOR,
       CU_TO_LIMIT,
       CU_TO_TOTAL_PATH,
       CU_TO_ITEMS_PATH,
       CU_TO_REQUIRE,
       CU_TO_EVERY,
       CU_TO_MAX_BODY,
       CU_TO_GLOB,
       CU_TO_HEADER,
       CU_TO_DELIMITER,
       CU_TO_ORDER,
       CU_TO_TABLE,
       CU_TO_CREATE,
       CU_TO_MAX_FUTURE,
       CU_TO_SNAPSHOT_AT,
       CU_TO_LATER, /* from here on: not supported yet */
       CU_TO_OPTIONS = CU_TO_LATER + 3
};

enum { /* options of columns */
       CU_CO_PATH,
       CU_CO_COLUMN_NAME,
       CU_CO_ENCODING,
       CU_CO_KEY,
       CU_CO_WATERMARK,
       CU_CO_METADATA,
       CU_CO_TIME_ZONE,
       CU_CO_FOR_EACH,
       CU_CO_OPTIONS
};

typedef struct cu_table_maker {
    cu_sql *s;
    const cu_ast_stmt *st;
    const cu_sql_server *server;
    cu_table_def *def;
    cu_codec_col *cols;
    cu_opt o[CU_TO_OPTIONS];
    cu_opt (*col)[CU_CO_OPTIONS]; /* per column */
    const char *owner;            /* "a files table" */
    uint32_t who;
    cu_for_each *for_each; /* http */
    uint32_t n_for_each;
} cu_table_maker;

/* ddl_column.c: names and types, then options of the columns. */
bool cu_ddl_columns(cu_table_maker *t);
bool cu_ddl_column_options(cu_table_maker *t);
/* Where each column's bytes come from; after the key is known. */
bool cu_ddl_origins(cu_table_maker *t);
/* CHECK and GENERATED. */
bool cu_ddl_expressions(cu_table_maker *t);
/* ddl_collect.c: http and files. */
bool cu_ddl_for_each(cu_table_maker *t);
bool cu_ddl_http(cu_table_maker *t);
bool cu_ddl_files(cu_table_maker *t);

#endif
