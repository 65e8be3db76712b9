/* Private to processors/sql: what its files share.
 *
 *   vars.c -> parse.c -> ddl*.c (servers, tables, options, copy, insert)
 *                          \-> bind*.c (selects and expressions -> nodes)
 *
 * A function that reports a problem adds it to the context and returns false
 * or NULL; the caller goes on with the next clause or statement, so that all
 * problems come out together.
 */
#ifndef CU_SQL_INT_H
#define CU_SQL_INT_H

#include "processors/sql/ast_stmt.h"
#include "processors/sql/sql.h"

/* Tables to which ALTER adds columns: how many may be seen so far. */
typedef struct cu_sql_shown {
    const cu_table_def *table;
    uint32_t n;
} cu_sql_shown;

/* A plain view (CREATE VIEW) or a CTE: inlined where it is named. */
typedef struct cu_sql_view {
    const char *name;
    const char **columns;
    uint32_t n_columns;
    const cu_ast_select *select;
    cu_sql_shown *shown; /* when it was made */
    uint32_t n_shown;
} cu_sql_view;

/* What a program keeps for cu_sql_query(). */
typedef struct cu_sql_rest {
    cu_env *env;
    const cu_sql_view *views; /* plain ones */
    uint32_t n_views;
    const struct cu_sql_function *functions;
} cu_sql_rest;

/* A function that SQL made; `value` is its body. */
typedef struct cu_sql_function {
    const struct cu_sql_function *next;
    const char *name;
    uint32_t n_args;
    const char **names; /* a NULL: only $n */
    cu_type *types;
    struct cu_expr **defaults; /* an entry NULL: none */
    cu_type result;
    bool strict;
    const cu_ast_expr *value;
} cu_sql_function;

typedef struct cu_sql_failed {
    const char *name;
    uint32_t n_problems; /* there were when it failed */
} cu_sql_failed;

/* What the options of a view say about time while its query is bound. */
typedef struct cu_sql_time {
    cu_emit emit;
    bool lateness_given;
    int64_t lateness_us;
} cu_sql_time;

typedef struct cu_sql {
    cu_arena *arena; /* the program's */
    cu_env *env;
    cu_program *program;
    const cu_sql_opts *opts;
    struct cu_expr_env *expr_env; /* for constant folding */
    cu_arena *problem_arena;
    cu_sql_problem *problems;
    uint32_t n_problems, cap_problems;
    cu_sql_view *views; /* plain views so far */
    uint32_t n_views, cap_views;
    uint32_t n_copies; /* hidden views made so far, for their names */
    bool muted;        /* problems are not worth telling: see ast.h */
    cu_sql_time time;  /* of the view that is being bound */
    const cu_sql_function *functions; /* latest first */
    cu_sql_shown *shown;
    uint32_t n_shown;
    /* Objects whose statements had problems: that they do not exist is no
     * further problem for later statements. */
    struct cu_sql_failed *failed;
    uint32_t n_failed;
    struct cu_sql_server *servers; /* ddl.h: one per program->servers */
    /* While a query is bound (bind.h): */
    uint32_t n_scopes;
    const struct cu_scope *outer;    /* of the query around */
    const struct cu_scope *siblings; /* FROM items that are not LATERAL's */
    struct cu_outer_ref *refs;       /* columns of outer queries meant */
    uint32_t n_refs, cap_refs;
} cu_sql;

/* Adds a problem; `hint` may be NULL or "". */
void cu_sql_error(cu_sql *s, cu_pos pos, uint32_t sqlstate, const char *hint,
                  const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void cu_sql_notice(cu_sql *s, cu_pos pos, const char *hint, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));
/* "<what> is not supported" with 0A000. */
void cu_sql_refuse(cu_sql *s, cu_pos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The object of a statement that had problems. */
void cu_sql_fail_name(cu_sql *s, const char *name);
/* `array` with room for one more than `n` items, in the arena. */
void *cu_sql_grow(cu_arena *a, void *array, uint32_t n, size_t item);
/* Sorts the problems, drops repeated ones and what follows from others, into
 * *out. `query`: the text that file -1 means, or absent. */
void cu_sql_finish(cu_sql *s, cu_slice query, cu_sql_problems *out);
/* The known name nearest to `name`, if it is near enough, as a hint
 * "Perhaps you meant \"x\"." in the arena; "" otherwise. */
const char *cu_sql_nearest(cu_sql *s, const char *name,
                           const char *const *known, uint32_t n);

/* parse.c: the statements of one file whose variables are filled in
 * (`text`; `map` maps its offsets back to the file as written, see vars.h).
 * Every statement is tried; what fails is a problem. */
struct cu_sql_map;
uint32_t cu_sql_parse(cu_sql *s, int32_t file, cu_slice text,
                      const struct cu_sql_map *map, cu_ast_stmt ***out);

/* bind.c: a bound query.  `node` gives every output column; order, limit and
 * offset of the outermost level are left out of it and returned here. */
typedef struct cu_bound {
    cu_node *node;
    uint32_t n_order;
    cu_key_col *order;     /* over node->schema; may name hidden columns */
    uint32_t n_visible;    /* the first columns are the query's; the rest only
                              serve ORDER BY */
    int64_t limit, offset; /* -1: none; 0 */
    bool with_ties;
} cu_bound;
/* `keep_order`: order/limit are returned (COPY, query); else they are built
 * into the node by the language's rules for views (a notice for ORDER BY
 * without LIMIT, LIMIT without ORDER BY refused, both: rank). */
bool cu_bind_select(cu_sql *s, const cu_ast_select *select, bool keep_order,
                    cu_bound *out);
/* An expression over the columns of one table (CHECK, generated column). */
cu_expr *cu_bind_scalar(cu_sql *s, const cu_ast_expr *e,
                        const cu_schema *columns, const char *table);
/* ast type -> cu_type, typmods applied; 0A000 / 42704 otherwise. */
bool cu_bind_type(cu_sql *s, const cu_ast_type *t, cu_type *out);
/* Gives the nodes of a finished tree their ids 1, 2, … (children first). */
void cu_bind_number(cu_node *root);
/* bind_clock.c: refuses the clock where it cannot be kept up to date. */
void cu_bind_check_clock(cu_sql *s, cu_node *root);
/* What nodes say of their rows, once the tree is whole. */
void cu_bind_settle_node(cu_node *root);

#endif
