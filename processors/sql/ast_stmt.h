/* Statements of our own syntax tree. */
#ifndef CU_SQL_AST_STMT_H
#define CU_SQL_AST_STMT_H

#include "processors/sql/ast.h"

typedef struct cu_ast_option {
    const char *name, *value; /* value NULL: a bare name */
    cu_pos pos, value_pos;
} cu_ast_option;

typedef struct cu_ast_options {
    cu_ast_option *at;
    uint32_t n;
} cu_ast_options;

typedef struct cu_ast_column {
    const char *name;
    cu_ast_type type;
    cu_ast_options options;
    bool not_null;
    cu_ast_expr *generated;
    cu_pos pos;
} cu_ast_column;

typedef enum cu_ast_stmt_kind {
    CU_S_CREATE_SERVER,
    CU_S_CREATE_USER_MAPPING,
    CU_S_CREATE_FOREIGN_TABLE,
    CU_S_CREATE_VIEW,
    CU_S_CREATE_MATERIALIZED_VIEW,
    CU_S_CREATE_FUNCTION,
    CU_S_ALTER_FOREIGN_TABLE, /* columns: what ADD COLUMN adds */
    CU_S_INSERT,              /* INSERT INTO sink SELECT … */
    CU_S_COPY,                /* COPY (SELECT …) TO 'file' */
    CU_S_SELECT,
    CU_S_EXPLAIN,
} cu_ast_stmt_kind;

typedef struct cu_ast_check {
    const char *name;   /* or NULL */
    const char *column; /* of a column's own CHECK, or NULL */
    const char *text;   /* as written */
    cu_ast_expr *expr;
    cu_pos pos;
} cu_ast_check;

/* CREATE FUNCTION … LANGUAGE sql */
typedef struct cu_ast_function {
    uint32_t n_args;
    const char **names; /* NULL: only $1 */
    cu_ast_type *types;
    cu_ast_expr **defaults; /* an entry NULL: none */
    cu_ast_type result;
    bool strict, replace;
    const char *body; /* AS 'SELECT …'; NULL: `value` */
    cu_pos body_pos;
    cu_ast_expr *value;
} cu_ast_function;

typedef struct cu_ast_stmt {
    cu_ast_stmt_kind kind;
    cu_pos pos;
    const char *name; /* object, sink, or COPY's file */
    cu_pos name_pos;
    const char *wrapper;         /* server */
    const char *server;          /* foreign table, user mapping */
    cu_pos at_pos;               /* of wrapper or server */
    cu_ast_options options;      /* OPTIONS (…) or WITH (…) */
    cu_ast_column *columns;      /* foreign table */
    uint32_t n_columns, n_later; /* n_later: of them, added by ALTER */
    const char **names;          /* view (a, b) */
    uint32_t n_names;
    const char **primary_key; /* of the table or of one column */
    uint32_t n_primary_key;
    cu_pos primary_key_pos;
    cu_ast_check *checks; /* those of columns too */
    uint32_t n_checks;
    cu_ast_select *select;
    struct cu_ast_stmt *inner; /* EXPLAIN of … */
    cu_ast_function *function;
    bool if_not_exists;
    bool muted; /* a variable in it is not set, which was said already */
} cu_ast_stmt;

#endif
