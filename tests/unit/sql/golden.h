/* SQL in, text out: the problems as people see them, or the program.
 *
 * The SQL stands in the file "p/x.sql" of a simulated file system.
 */
#ifndef CU_TESTS_SQL_GOLDEN_H
#define CU_TESTS_SQL_GOLDEN_H

#include "processors/sql/sql.h"

/* Fails the running test when compiling `sql` does not print `want`. */
void expect(const char *sql, const char *want);
/* The same with --set variables and further files beside "p/x.sql". */
typedef struct file {
    const char *path, *text;
} file;
void expect_with(const char *sql, const cu_sql_var *vars, uint32_t n_vars,
                 const file *files, uint32_t n_files, const char *want);
/* The plan of the last view. */
void expect_plan(const char *sql, const char *want);
/* Only messages: "12:8 42601 syntax error at or near "x"\n" a line. */
void expect_messages(const char *sql, const char *want);
/* The plan of the view x of a query, with the primary key id, over `tables`. */
void expect_plan_of(const char *tables, const char *query, const char *want);
/* What a view x of a query over `tables` is refused for; the query begins at
 * the first column of a line. */
void expect_refused(const char *tables, const char *query, const char *want);
/* Compiles whatever it is, and frees everything. */
void try_compile(const char *sql, size_t len);
/* The servers that most tests need, in one line. */
#define SERVERS                                                            \
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka; "                         \
    "CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path 'data'); "   \
    "CREATE SERVER h FOREIGN DATA WRAPPER http OPTIONS (url 'http://x'); " \
    "CREATE SERVER b FOREIGN DATA WRAPPER blackhole;"

#endif
