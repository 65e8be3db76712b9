/* Private to the binder: scopes, what is found in a SELECT. */
#ifndef CU_SQL_BIND_H
#define CU_SQL_BIND_H

#include "processors/sql/int.h"

/* A column that a name may mean: of which relation, where in the node.
 * Until the join is planned (cu_bind_where) columns are numbered as if all
 * items of FROM stood beside each other in the order of the text. */
typedef struct cu_scope_col {
    const char *rel; /* alias of the relation; "": merged by USING */
    const char *name;
    cu_type type;
    uint32_t at;   /* column of the scope's node */
    cu_expr *expr; /* merged by USING and no column as it is; else NULL */
    bool scalar;   /* of a function of one column: its alias means it too */
    bool hidden;   /* USING merged it: only rel.name means it */
    bool maybe;    /* an outer join may not have found its row */
} cu_scope_col;

typedef struct cu_scope cu_scope;
struct cu_scope {
    uint32_t id; /* unique in the program; 0: no FROM */
    cu_node *node;
    cu_scope_col *cols;
    uint32_t n_cols, cap;
    const char **rels; /* every relation name in scope */
    uint32_t n_rels, cap_rels;
    const cu_scope *outer;  /* of the query around this subquery */
    const cu_scope *around; /* names that exist but cannot be meant here */
    const struct cu_ctes *ctes;
    /* bind_rel.h: items, until the join is planned. */
    struct cu_from_items *from;
    struct cu_subs *subs; /* subqueries found; NULL: refused */
    const uint32_t *map;  /* numbers before planning -> node's columns */
};

/* Names that WITH brings, innermost first. */
typedef struct cu_ctes {
    const struct cu_ctes *outer;
    const cu_ast_cte *at;
    uint32_t n;
    const cu_scope *scope; /* what the queries of WITH see around them */
} cu_ctes;

/* One aggregate call found in a SELECT, over the input's columns. */
typedef struct cu_found_agg {
    const cu_func *func;
    cu_expr *arg, *second, *filter;
    bool distinct;
    cu_type result;
    uint32_t n_order; /* ORDER BY inside, WITHIN GROUP */
    cu_expr **order;
    uint16_t *flags;
    const cu_value *direct;
} cu_found_agg;

/* One call with OVER; after GROUP BY its expressions are over its groups. */
typedef struct cu_found_window {
    const cu_func *func;
    cu_expr *args[3], *filter;
    uint32_t n_args;
    cu_type result;
    uint32_t n_partition, n_order;
    cu_expr **partition, **order;
    uint16_t *flags;
    cu_over_frame frame;
    cu_pos pos;
} cu_found_window;

/* One GROUPING (…). */
typedef struct cu_found_grouping {
    cu_expr **args;
    uint32_t n;
} cu_found_grouping;

/* Column numbers from here on stand for found aggregates, windows and
 * GROUPING()s until the select knows where their results are. */
enum {
    CU_AGG_BASE = 1 << 20,
    CU_WINDOW_BASE = 1 << 21,
    CU_GROUPING_BASE = 1 << 24
};
/* Subqueries whose results are not attached yet; columns of outer queries. */
enum { CU_SUB_BASE = 1 << 22, CU_OUTER_BASE = 1 << 23 };

typedef cu_expr *cu_sub_map(void *ctx, cu_expr *e);

typedef struct cu_bind {
    cu_sql *sql;
    const cu_scope *scope;
    const char *clause; /* "WHERE", … for messages */
    bool allow_aggs, allow_windows, in_agg, in_window;
    const cu_ast_select *select; /* whose WINDOW clause counts */
    cu_found_agg *aggs;
    uint32_t n_aggs, cap_aggs;
    cu_found_window *windows;
    uint32_t n_windows, cap_windows;
    cu_found_grouping *groupings;
    uint32_t n_groupings, cap_groupings;
    const struct cu_sql_call *call; /* the SQL function being inlined */
    unsigned depth;
} cu_bind;

/* bind_expr.c, bind_call.c: NULL after a problem. */
cu_expr *cu_bind_expr(cu_bind *b, const cu_ast_expr *e);
cu_expr *cu_bind_call(cu_bind *b, const cu_ast_expr *e);
/* bind_named.c: a call's arguments in the function's order, with defaults.
 * False after a problem. */
bool cu_bind_named(cu_bind *b, const cu_ast_expr *call, cu_ast_list *out);
/* bind_any.c: x op ANY (array), x op ALL (array) */
cu_expr *cu_bind_any(cu_bind *b, const cu_ast_expr *e);
/* bind_index.c: x[n], x[n:m] */
cu_expr *cu_bind_index(cu_bind *b, const cu_ast_expr *e);
/* bind_composite.c: ROW (…), or the name of a relation that is no column. */
bool cu_bind_is_row(cu_bind *b, const cu_ast_expr *e);
/* Such a row as to_jsonb() gives it. */
cu_expr *cu_bind_row_jsonb(cu_bind *b, const cu_ast_expr *e);
/* An argument of a call, which may be a row where the call makes JSON. */
cu_expr *cu_bind_row_argument(cu_bind *b, const cu_ast_expr *call,
                              const cu_ast_expr *arg);
/* (relation).column */
cu_expr *cu_bind_field(cu_bind *b, const cu_ast_expr *e);
/* A relation's name where a value must be: refused, and true. */
bool cu_bind_refuse_row(cu_bind *b, const cu_ast_expr *e);
/* bind_srf.c: the select without set-returning functions in its list. */
#define CU_SRF_REL "\1set"
const cu_ast_select *cu_bind_srf(cu_sql *s, const cu_ast_select *sel);
/* A function over bound arguments; NULL after a problem. */
cu_expr *cu_bind_called(cu_sql *s, const char *name, cu_expr **args, uint32_t n,
                        cu_pos pos);
/* As boolean: "argument of WHERE must be type boolean, not type integer". */
cu_expr *cu_bind_bool(cu_bind *b, const cu_ast_expr *e, const char *what);
/* An err of the expr floor as a problem at `pos`. */
void cu_bind_problem(cu_sql *s, cu_pos pos, const cu_err *err,
                     const char *hint);
/* bind_known.c: PostgreSQL has a function of this name. */
bool cu_bind_postgres_has(const char *name);
/* Refuses such a function, with what to write instead. */
void cu_bind_refuse_known(cu_sql *s, cu_pos pos, const char *name);
/* Untyped literals become text. */
cu_expr *cu_bind_settle(cu_bind *b, cu_expr *e);

/* bind_from.c: the items and their names; out->node is not there yet. */
bool cu_bind_from(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                  cu_scope *out);
/* bind_join.c: plans the join of the items under WHERE (NULL: none), attaches
 * its subqueries, filters; scope->node and the columns' numbers are set. */
bool cu_bind_where(cu_sql *s, cu_scope *scope, cu_expr *where);
/* The column as an expression over the scope's node. */
cu_expr *cu_scope_expr(cu_sql *s, const cu_scope_col *c, cu_pos pos);
/* bind_subquery.c: attaches the subqueries found in exprs[0..n) to *node,
 * which gets more columns at its end, and puts their results in place.
 * `map` (NULL: none) turns expressions over the scope's node into ones over
 * *node: past a GROUP BY.  NULL expressions are skipped. */
bool cu_bind_subs(cu_sql *s, const cu_scope *scope, cu_node **node,
                  cu_expr **exprs, uint32_t n, cu_sub_map *map, void *ctx);
/* The same for `exprs` and the expressions of all windows found. */
bool cu_bind_subs_of(cu_sql *s, cu_bind *b, cu_node **node, cu_expr **exprs,
                     uint32_t n, cu_sub_map *map, void *ctx);
/* The values of subqueries that are attached, put in place. */
void cu_bind_sub_values(cu_sql *s, cu_bind *b, cu_expr **exprs, uint32_t n);
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
/* bind_sets.c: GROUPING (args). */
cu_expr *cu_bind_grouping(cu_bind *b, const cu_ast_expr *e);

/* bind_aggregate.c */
cu_expr *cu_bind_aggregate(cu_bind *b, const cu_ast_expr *e);
/* (array_agg(x ORDER BY t))[1], when `e` is that: *is. */
cu_expr *cu_bind_first(cu_bind *b, const cu_ast_expr *e, bool *is);
/* The flags of a key column. */
uint16_t cu_bind_flags(const cu_ast_sort *o);

/* bind_window.c: a call with OVER; then the nodes of all calls found, whose
 * results are put into `exprs`. */
cu_expr *cu_bind_over(cu_bind *b, const cu_ast_expr *e);
bool cu_bind_windows(cu_sql *s, cu_bind *b, cu_expr **exprs, uint32_t n,
                     cu_node **node);

/* bind_prune.c: the same rows with less on the way: columns that nobody needs
 * are dropped, equal subtrees are one node.  The root keeps its columns, their
 * names and its key. Before cu_bind_number(). */
cu_node *cu_bind_prune(cu_sql *s, cu_node *root);

#endif
