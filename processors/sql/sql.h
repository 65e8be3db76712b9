/* The language: SQL text in, a program out, or all its errors at once.
 *
 *   files --psql variables--> text --libpg_query--> ast (parse.c)
 *         --ddl, bind--> cu_program (plans, tables, views, copies)
 *
 * Every statement is parsed and checked before anything runs.  What is not
 * supported is refused by name at its position (SQLSTATE 0A000, "is not
 * supported"), never approximated.
 */
#ifndef CU_SQL_SQL_H
#define CU_SQL_SQL_H

#include "base/env.h"
#include "processors/plan/program.h"

typedef struct cu_sql_problem {
    bool notice; /* shown, but not an error */
    cu_pos pos;  /* in the file as written */
    uint32_t sqlstate;
    const char *message; /* PostgreSQL's words where it has them */
    const char *detail;  /* or NULL */
    const char *hint;    /* "Perhaps you meant …", or NULL */
} cu_sql_problem;

typedef struct cu_sql_problems {
    cu_sql_problem *at; /* by file and position */
    uint32_t n;
    uint32_t n_errors;
    cu_arena *arena;          /* of all strings; NULL: no problems */
    const cu_sql_file *files; /* what the positions point into */
    uint32_t n_files;
} cu_sql_problems;

typedef struct cu_sql_var {
    const char *name, *value; /* --set */
} cu_sql_var;

typedef struct cu_sql_opts {
    cu_env *env;
    const char *app;          /* --app or derived by the caller */
    const char *const *paths; /* files, or folders of *.sql */
    uint32_t n_paths;
    const cu_sql_var *vars;
    uint32_t n_vars;
} cu_sql_opts;

/* Reads, parses, binds.  On success *out holds the program (its arena is the
 * caller's to free: cu_program_free); problems may hold notices.  On failure
 * every problem of every statement is listed (in an arena of their own:
 * cu_sql_problems_free) and CU_SQL is returned; other codes are trouble
 * with files. */
int cu_sql_compile(const cu_sql_opts *opts, cu_program **out,
                   cu_sql_problems *problems, cu_err *err);
void cu_program_free(cu_program *p);
void cu_sql_problems_free(cu_sql_problems *p);

/* One SELECT over a compiled program's views and tables (cupel query,
 * explain): the plan of a hidden bag view + order, limit as in COPY.  It
 * lives in an arena of its own; free with cu_query_free. */
typedef struct cu_query {
    cu_arena *arena;
    cu_copy_def *copy; /* view, order, limit, columns */
} cu_query;
int cu_sql_query(const cu_program *p, cu_slice text, cu_query **out,
                 cu_sql_problems *problems, cu_err *err);
void cu_query_free(cu_query *q);

/* pipelines/x/pipeline.sql:12:8: error: column "titel" does not exist [42703]
 *     SELECT titel FROM works
 *            ^
 * hint: Perhaps you meant "title".
 *
 * A problem of a query (file -1) has its line and caret in `detail`. */
void cu_sql_problem_print(const cu_sql_problem *p, const cu_sql_file *files,
                          uint32_t n_files, cu_buf *out);
/* Line and column (1-based, in characters) of a position. */
void cu_pos_line_column(cu_slice text, int32_t offset, uint32_t *line,
                        uint32_t *column);

#endif
