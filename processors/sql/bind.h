/* Private to the binder: scopes, node makers. */
#ifndef CU_SQL_BIND_H
#define CU_SQL_BIND_H

#include "processors/sql/int.h"

/* A column that a name may mean: of which relation, where in the node. */
typedef struct cu_scope_col {
    const char *rel; /* alias of the relation */
    const char *name;
    cu_type type;
    uint32_t at; /* column of the scope's node */
    bool scalar; /* of a function of one column: its alias means it too */
} cu_scope_col;

typedef struct cu_scope {
    cu_node *node;
    cu_scope_col *cols;
    uint32_t n_cols, cap;
    const char **rels; /* every relation name in scope */
    uint32_t n_rels, cap_rels;
} cu_scope;

/* Names that WITH brings, innermost first. */
typedef struct cu_ctes {
    const struct cu_ctes *outer;
    const cu_ast_cte *at;
    uint32_t n;
} cu_ctes;

/* One aggregate call found in a SELECT, over the input's columns. */
typedef struct cu_found_agg {
    const cu_func *func;
    cu_expr *arg, *filter;
    bool distinct;
    cu_type result;
} cu_found_agg;

typedef struct cu_found_window {
    const cu_ast_expr *call;
} cu_found_window;

/* Column numbers from here on stand for found aggregates and windows until
 * the select knows where their results are. */
enum { CU_AGG_BASE = 1 << 20, CU_WINDOW_BASE = 1 << 21 };

typedef struct cu_bind {
    cu_sql *sql;
    const cu_scope *scope;
    const char *clause; /* "WHERE", … for messages */
    bool allow_aggs, allow_windows, in_agg;
    cu_found_agg *aggs;
    uint32_t n_aggs, cap_aggs;
    cu_found_window *windows;
    uint32_t n_windows, cap_windows;
    unsigned depth;
} cu_bind;

/* bind_expr.c, bind_call.c: NULL after a problem. */
cu_expr *cu_bind_expr(cu_bind *b, const cu_ast_expr *e);
cu_expr *cu_bind_call(cu_bind *b, const cu_ast_expr *e);
/* As boolean: "argument of WHERE must be type boolean, not type integer". */
cu_expr *cu_bind_bool(cu_bind *b, const cu_ast_expr *e, const char *what);
/* An err of the expr floor as a problem at `pos`. */
void cu_bind_problem(cu_sql *s, cu_pos pos, const cu_err *err,
                     const char *hint);
/* bind_known.c: PostgreSQL has a function of this name. */
bool cu_bind_postgres_has(const char *name);
/* Untyped literals become text. */
cu_expr *cu_bind_settle(cu_bind *b, cu_expr *e);

/* bind_from.c */
bool cu_bind_from(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                  cu_scope *out);
void cu_scope_add(cu_sql *s, cu_scope *scope, const char *rel, const char *name,
                  cu_type type, uint32_t at);
/* bind_select.c */
bool cu_bind_query(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                   bool keep_order, cu_bound *out);
/* bind_set.c: UNION [ALL], VALUES. */
bool cu_bind_set(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                 cu_bound *out);
/* A filter; `rn <= n` over a row_number() also bounds the rank itself. */
cu_node *cu_bind_filter(cu_sql *s, cu_node *in, cu_expr *predicate);
/* The name that a target gets without AS. */
const char *cu_bind_name(const cu_ast_expr *e);
/* bind_group.c: aggregates, GROUP BY and HAVING over `scope`; on return the
 * targets' expressions are over *node. */
bool cu_bind_group(cu_sql *s, cu_bind *b, const cu_ast_select *sel,
                   cu_expr **group, uint32_t n_group, cu_expr **exprs,
                   uint32_t n_exprs, cu_expr *having, cu_node **node);

/* bind_node.c: nodes with keys derived. */
cu_node *cu_node_source(cu_sql *s, const cu_table_def *t, cu_pos pos);
cu_node *cu_node_view(cu_sql *s, const cu_view_def *v, cu_pos pos);
cu_node *cu_node_values(cu_sql *s, const cu_schema *schema, cu_expr ***rows,
                        uint32_t n, cu_pos pos);
cu_node *cu_node_filter(cu_sql *s, cu_node *in, cu_expr *predicate);
cu_node *cu_node_project(cu_sql *s, cu_node *in, cu_expr **exprs,
                         const char *const *names, uint32_t n);
cu_node *cu_node_flatmap(cu_sql *s, cu_node *in, const cu_func *f,
                         cu_expr **args, uint32_t n_args,
                         const cu_field *fields, uint32_t n_fields,
                         bool ordinality, bool outer);
cu_node *cu_node_aggregate(cu_sql *s, cu_node *in, uint32_t n_group,
                           const cu_agg_call *calls, uint32_t n_calls,
                           bool global);
cu_node *cu_node_distinct(cu_sql *s, cu_node *in);
cu_node *cu_node_rank(cu_sql *s, cu_node *in, const uint16_t *partition,
                      uint32_t n_partition, const cu_key_col *order,
                      uint32_t n_order, int64_t limit, int64_t offset,
                      bool numbered);
cu_node *cu_node_union(cu_sql *s, cu_node **inputs, uint32_t n,
                       const cu_schema *schema);

#endif
