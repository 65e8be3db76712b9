/* Private to ops: what the PostgreSQL sink says, as text.  Knows no libpq. */
#ifndef CU_OPS_POSTGRES_SQL_H
#define CU_OPS_POSTGRES_SQL_H

#include "processors/plan/program.h"
#include "rows/batch.h"

/* What loads one view into one table; immutable, in the sink's arena. */
typedef struct cu_pg_plan {
    const cu_view_def *view;
    const cu_table_def *table;
    bool upsert;
    const char *target; /* "schema"."name", or as found on the search path */
    const char *schema; /* quoted, or NULL: the first of the search path */
    const char *name;   /* "name", quoted */
    const char *stage;  /* upsert: CREATE TEMPORARY TABLE … */
    const char *create; /* the target */
    const char *copy;   /* COPY … FROM STDIN: into `stage`, else the target */
    const char *insert; /* upsert: out of `stage` */
    const char *remove; /* upsert: what `stage` says is gone */
} cu_pg_plan;

void cu_pg_plan_make(const cu_view_def *v, cu_arena *a, cu_pg_plan *out);

/* "name", quotes doubled. */
void cu_pg_quote(const char *name, cu_buf *out);
/* The column type that holds every value of ours: "numeric(12,2)[]". */
void cu_pg_type(cu_type t, cu_buf *out);

/* A column type of the server's, as pg_attribute has it (of arrays: the
 * element's; of domains: what they are made of). */
typedef struct cu_pg_column {
    const char *name; /* typname: "int4", "varchar" */
    bool array;
    bool is_enum;
    int32_t typmod; /* -1: none */
} cu_pg_column;
/* Every value of `t` is stored there as it is, or refused by the server:
 * never rounded, cut or padded. */
bool cu_pg_type_fits(cu_type t, const cu_pg_column *c);

/* One row in COPY's text format, its columns only: a\tb\t\N. */
void cu_pg_row(const cu_batch *b, uint32_t row, cu_buf *out);

/* What an error of the server's means. */
typedef enum cu_pg_verdict {
    CU_PG_ROW,   /* some row is at fault */
    CU_PG_AGAIN, /* the same may succeed later */
    CU_PG_WRONG, /* table, rights or the server's set-up */
} cu_pg_verdict;
cu_pg_verdict cu_pg_judge(const char *sqlstate);
/* A refusal before there is a session: does waiting help? */
bool cu_pg_refusal_passes(const char *message);

#endif
