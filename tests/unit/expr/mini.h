/* A small reader of SQL expressions, so that tests can say what they mean
 * and PostgreSQL can be asked the same words. Only what the tests need. */
#ifndef CU_TEST_EXPR_MINI_H
#define CU_TEST_EXPR_MINI_H

#include "processors/expr/prog.h"

/* Names are columns of `schema` (may be NULL). */
int mini_parse(cu_arena *a, const char *text, const cu_schema *schema,
               cu_expr **out, char hint[120], cu_err *err);

/* One expression and what PostgreSQL 15 says: its type and value as psql
 * shows them, or type "" and "SQLSTATE message". */
typedef struct pg_case {
    const char *sql, *type, *value;
} pg_case;

/* Runs every case folded, with all constants as columns, with the first and
 * with the last one as a column, next to NULL rows; asserts all answers. */
void check_cases(const pg_case *cases, size_t n);

#endif
