/* What parse*.c share; nobody else sees libpg_query's tree.
 *
 * Converters never fail half-way: what our language has no use for becomes
 * a problem and NULL, `refused` is set, and the statement is dropped when
 * all of it was read.
 */
#ifndef CU_SQL_PARSE_INT_H
#define CU_SQL_PARSE_INT_H

#include "processors/sql/lint.h"
#include "processors/sql/vars.h"

#include <pg_query/pg_query.pb-c.h>

enum { CU_PARSE_DEPTH = 1000 };

typedef struct cu_parse {
    cu_sql *s;
    int32_t file;
    const cu_sql_map *map;
    cu_tokens tokens; /* of this statement */
    int32_t base;     /* where it starts in the filled text */
    uint32_t depth;
    bool refused;
    cu_pos at; /* the nearest position known, for nodes without */
} cu_parse;

typedef PgQuery__Node *const *cu_pg_nodes;

/* A node's location as a position; remembers it for nodes without. */
cu_pos cu_parse_pos(cu_parse *p, int32_t location);
void cu_parse_refuse(cu_parse *p, cu_pos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* False when the tree is too deep; else to be paired with leave. */
bool cu_parse_enter(cu_parse *p);
void cu_parse_leave(cu_parse *p);
/* Index of the first token at or behind a location; tokens.n: none. */
uint32_t cu_parse_token(const cu_parse *p, int32_t location);
char *cu_parse_str(cu_parse *p, const char *s);
/* The text of a String node, or NULL. */
const char *cu_parse_string(const PgQuery__Node *n);
/* Strings of a list of String nodes. */
const char **cu_parse_names(cu_parse *p, cu_pg_nodes nodes, size_t n);
/* A name without schema ("public" is let through). */
const char *cu_parse_relation(cu_parse *p, const PgQuery__RangeVar *r);

/* parse_expr.c */
cu_ast_expr *cu_parse_expr(cu_parse *p, const PgQuery__Node *n);
cu_ast_list cu_parse_list(cu_parse *p, cu_pg_nodes nodes, size_t n);
cu_ast_type *cu_parse_type(cu_parse *p, const PgQuery__TypeName *t);
cu_ast_sorts cu_parse_sorts(cu_parse *p, cu_pg_nodes nodes, size_t n);
void cu_parse_window(cu_parse *p, const PgQuery__WindowDef *w,
                     cu_ast_window *out);

/* parse_select.c */
cu_ast_select *cu_parse_select(cu_parse *p, const PgQuery__SelectStmt *s);
cu_ast_select *cu_parse_query(cu_parse *p, const PgQuery__Node *n);

/* parse_stmt.c: NULL when it was refused, or is a no-op. */
cu_ast_stmt *cu_parse_stmt(cu_parse *p, const PgQuery__Node *n);

#endif
