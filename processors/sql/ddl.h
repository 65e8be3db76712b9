/* Statements -> program.  One function per kind of statement; each reports
 * its problems and returns false when its object was not made. */
#ifndef CU_SQL_DDL_H
#define CU_SQL_DDL_H

#include "processors/sql/ddl_options.h"

/* What tables need to know of their server; beside program->servers. */
typedef struct cu_sql_server {
    cu_server_def *def;
    cu_http_source http; /* http: the server's half */
    const char *dir;     /* files: as written, resolved */
    bool mapped;         /* it has a user mapping */
} cu_sql_server;

/* ddl.c */
bool cu_ddl_statement(cu_sql *s, const cu_ast_stmt *st);
/* What concerns the program as a whole; after the last statement. */
void cu_ddl_finish(cu_sql *s);
/* The folder that relative paths of a statement start at. */
const char *cu_ddl_dir(const cu_sql *s, cu_pos pos);
/* A new relation's name: free, and fit for topic names.  *skip: it exists
 * and IF NOT EXISTS was written. */
bool cu_ddl_new_name(cu_sql *s, const cu_ast_stmt *st, bool *skip);
cu_sql_server *cu_ddl_server(cu_sql *s, const char *name, cu_pos pos);
/* A small file beside the SQL (a schema, a secret), trimmed at its end. */
bool cu_ddl_read(cu_sql *s, const char *path, cu_pos pos, cu_slice *out);

/* ddl_server.c */
bool cu_ddl_create_server(cu_sql *s, const cu_ast_stmt *st);
bool cu_ddl_user_mapping(cu_sql *s, const cu_ast_stmt *st);
/* ddl_table.c */
bool cu_ddl_foreign_table(cu_sql *s, const cu_ast_stmt *st);
/* ddl_view.c */
bool cu_ddl_view(cu_sql *s, const cu_ast_stmt *st);
bool cu_ddl_materialized_view(cu_sql *s, const cu_ast_stmt *st);
bool cu_ddl_insert(cu_sql *s, const cu_ast_stmt *st);
/* ddl_view_time.c */
void cu_ddl_view_time(cu_view_def *v, const cu_opt *emit,
                      const cu_opt *interval, const cu_opt *lateness);
/* What waits for windows to close; NULL after a problem. */
cu_node *cu_ddl_emit(cu_sql *s, cu_view_def *v, cu_node *in,
                     const cu_opt *emit);
bool cu_ddl_late(cu_sql *s, cu_view_def *v, cu_node *in, const cu_opt *late,
                 const cu_opt *lateness);
bool cu_ddl_retention(cu_sql *s, cu_view_def *v, const cu_node *in,
                      const cu_opt *retention);
/* ddl_ttl.c: what forgets, of a view that is otherwise done. */
bool cu_ddl_ttl(cu_sql *s, cu_view_def *v, const cu_opt *option);
/* False: the sink cannot take rows that change. */
bool cu_ddl_writable(cu_sql *s, const cu_view_def *v, const cu_node *in);
/* The hidden view of COPY or a query; NULL after a problem. */
cu_view_def *cu_ddl_hidden_view(cu_sql *s, const char *name, cu_pos pos,
                                const cu_ast_select *select, cu_bound *bound);
/* Tables that nobody reads but for their dead letters are read for these. */
void cu_ddl_judges(cu_sql *s);
/* ddl_shared.c: notices of shared views that share nothing. */
void cu_ddl_check_shared(cu_sql *s);
/* ddl_function.c */
bool cu_ddl_function(cu_sql *s, const cu_ast_stmt *st);
/* ddl_alter.c: before any statement is run, columns that ALTER adds become
 * columns of the table's CREATE; then they are shown from the ALTER on. */
void cu_ddl_merge(cu_sql *s, cu_ast_stmt **stmts, uint32_t n);
bool cu_ddl_alter(cu_sql *s, const cu_ast_stmt *st);
void cu_ddl_show(cu_sql *s, const cu_ast_stmt *st, const cu_table_def *t);
/* ddl_copy.c */
bool cu_ddl_copy(cu_sql *s, const cu_ast_stmt *st);
/* A copy of `select` under a name, without a file. */
cu_copy_def *cu_ddl_copy_of(cu_sql *s, const char *name, cu_pos pos,
                            const cu_ast_select *select);

#endif
