/* Private to the binder's half for relations: items of FROM, joins,
 * subqueries.
 *
 *   bind_from.c      FROM -> items, names, conditions
 *   bind_join.c      items, WHERE -> a tree of joins
 *   bind_pair.c      two nodes and a condition -> one JOIN
 *   bind_push.c      a condition -> as far down as it may go
 *   bind_subquery.c  EXISTS, IN, scalar, … -> joins
 *
 * bind_unnest.h goes on with subqueries that mean outer columns.
 */
#ifndef CU_SQL_BIND_REL_H
#define CU_SQL_BIND_REL_H

#include "processors/sql/bind.h"

typedef enum cu_item_kind {
    CU_I_RELATION,
    CU_I_FUNCTION, /* of columns to its left */
    CU_I_LATERAL,  /* node means columns of the scope (refs) */
} cu_item_kind;

/* One item of FROM. Its columns are [first, first + n) of the scope. */
typedef struct cu_item {
    cu_item_kind kind;
    cu_pos pos;
    uint32_t first, n;
    cu_node *node;
    bool outer;   /* LEFT JOIN: rows of the others stay without it */
    cu_expr **on; /* of the LEFT JOIN, conjuncts */
    uint32_t n_on;
    const cu_func *func; /* FUNCTION */
    cu_expr **args;
    uint32_t n_args;
    const cu_field *fields;
    bool ordinality;
} cu_item;

/* bind_record.c: the columns that the statement declares for a function, as
 * fields and as arguments. False after a problem. */
bool cu_bind_record(cu_sql *s, const cu_ast_from *f, cu_item *it,
                    const cu_field **fields, uint32_t *n);
/* The same with the columns of a relation. */
void cu_bind_record_like(cu_sql *s, const cu_schema *like, cu_pos pos,
                         cu_item *it, const cu_field **fields, uint32_t *n);

typedef struct cu_from_items {
    cu_item *items;
    uint32_t n_items;
    cu_expr **where; /* ON of inner joins, conjuncts */
    uint32_t n_where;
} cu_from_items;

/* FROM while it is bound: where items go, which columns came before. */
typedef struct cu_from_binder {
    cu_sql *s;
    const cu_ctes *ctes;
    cu_scope *scope;
    uint32_t width; /* columns of all items so far */
} cu_from_binder;

/* bind_from.c: an item; a relation's name; what a name means. */
void cu_from_add(cu_from_binder *b, cu_from_items *to, cu_item it);
bool cu_from_rel(cu_sql *s, cu_scope *scope, const char *rel, cu_pos pos);
cu_node *cu_from_named(cu_sql *s, const cu_ctes *ctes, const cu_ast_from *f);
/* bind_from_function.c: a set-returning function, or several beside each
 * other. `condition`: of a LEFT JOIN with one. */
bool cu_from_function(cu_from_binder *b, const cu_ast_from *f, bool condition,
                      cu_from_items *to);

/* What column numbers in [CU_OUTER_BASE, CU_GROUPING_BASE) stand for. */
typedef struct cu_outer_ref {
    uint32_t scope; /* cu_scope.id */
    cu_expr *expr;  /* over that scope's columns */
    bool early;     /* numbered before that scope's join was planned */
} cu_outer_ref;

typedef enum cu_sub_use {
    CU_USE_EXISTS,
    CU_USE_SCALAR,
    CU_USE_ARRAY,
    CU_USE_ANY, /* test[i] op[i] column i, for some row */
    CU_USE_ALL, /* … for all rows */
} cu_sub_use;

/* A subquery in an expression. */
typedef struct cu_sub {
    cu_sub_use use;
    cu_pos pos;
    cu_node *node;
    uint32_t n_order; /* ARRAY */
    const cu_key_col *order;
    cu_expr *test;  /* ANY, ALL: over refs to the outer side (as CU_OUTER_BASE
                       columns) and the node's columns */
    bool equal;     /* ANY of one "=": IN */
    cu_type type;   /* of the result */
    cu_expr *value; /* once attached: over the node it is attached to */
} cu_sub;

typedef struct cu_subs {
    cu_sub **at;
    uint32_t n;
} cu_subs;

static inline bool cu_rel_is_ref(uint32_t col)
{
    return col >= CU_OUTER_BASE && col < CU_GROUPING_BASE;
}

/* --- expressions --------------------------------------------------------- */

/* A copy with every column replaced by what `fn` makes of it. */
typedef cu_expr *cu_col_fn(void *ctx, cu_expr *col);
cu_expr *cu_rel_rewrite(cu_sql *s, cu_expr *e, cu_col_fn *fn, void *ctx);
/* A copy with `by` added to plain columns from `from` on. */
cu_expr *cu_rel_shift(cu_sql *s, cu_expr *e, uint32_t from, uint32_t by);
/* True when some column has lo <= number < hi. */
bool cu_rel_uses(const cu_expr *e, uint32_t lo, uint32_t hi);
/* True when it means the scope's columns by refs (id 0: any scope's). */
bool cu_rel_means(const cu_sql *s, const cu_expr *e, uint32_t id);
/* The same of a whole tree. */
bool cu_rel_tree_means(const cu_sql *s, const cu_node *n, uint32_t id);
/* Of the node's own expressions alone. */
bool cu_rel_own_means(const cu_sql *s, const cu_node *n, uint32_t id);
/* True when the test is, for some expression of the tree. */
bool cu_rel_tree_any(const cu_node *n, bool (*test)(void *, const cu_expr *),
                     void *ctx);
/* Of the node's own expressions alone. */
bool cu_rel_own_any(const cu_node *n, bool (*test)(void *, const cu_expr *),
                    void *ctx);
/* A column that stands for `expr` of the scope, from inside a subquery. */
cu_expr *cu_rel_ref(cu_sql *s, const cu_scope *scope, cu_expr *expr);
/* What a ref means, over the columns that the scope's node has now. */
cu_expr *cu_rel_meant(cu_sql *s, const cu_outer_ref *r, const uint32_t *map);
/* Plain columns through a map of numbers. */
cu_expr *cu_rel_mapped(cu_sql *s, cu_expr *e, const uint32_t *map);
/* Conjuncts of `e` behind the n of `list`. */
cu_expr **cu_rel_conjuncts(cu_sql *s, cu_expr *e, cu_expr **list, uint32_t *n);
cu_expr *cu_rel_and(cu_sql *s, cu_expr **conj, uint32_t n);
cu_expr *cu_rel_call(cu_sql *s, const char *name, cu_expr *a, cu_expr *b,
                     cu_pos pos);
cu_expr *cu_rel_int8(cu_sql *s, int64_t v, cu_pos pos);
cu_expr *cu_rel_true(cu_sql *s, cu_pos pos);
cu_expr *cu_rel_null(cu_sql *s, cu_type type, cu_pos pos);
/* CASE WHEN w THEN t ELSE e END. */
cu_expr *cu_rel_case(cu_sql *s, cu_expr *w, cu_expr *t, cu_expr *e);
cu_expr *cu_rel_col(cu_sql *s, const cu_node *n, uint32_t col);
/* Unknown where `e` cannot be false or NULL-rejecting for [lo, hi): true when
 * a row whose columns [lo, hi) are all NULL never passes. */
bool cu_rel_rejects(const cu_expr *e, uint32_t lo, uint32_t hi);
/* True when evaluating it never fails. */
bool cu_rel_total(const cu_expr *e);

/* --- nodes --------------------------------------------------------------- */

/* A projection, in place of the one below it where that costs nothing. */
cu_node *cu_rel_project(cu_sql *s, cu_node *in, cu_expr **exprs,
                        const char *const *names, uint32_t n);
/* `in` with more columns at its end. */
cu_node *cu_rel_append(cu_sql *s, cu_node *in, cu_expr **more, uint32_t n);
/* Columns cols[0..n) of `in` (cols NULL: the first n). */
cu_node *cu_rel_pick(cu_sql *s, cu_node *in, const uint32_t *cols, uint32_t n);
/* A row of nothing. */
cu_node *cu_rel_one_row(cu_sql *s, cu_pos pos);
/* bind_push.c: only the rows for which `e` is true. */
cu_node *cu_rel_push(cu_sql *s, cu_node *in, cu_expr *e);
/* bind_pair.c: joins under conjuncts over left's columns, then right's.  The
 * output has left's columns first; right's stand from *right_at on. */
cu_node *cu_rel_join(cu_sql *s, cu_join_kind kind, cu_node *left,
                     cu_node *right, cu_expr **conj, uint32_t n,
                     uint32_t *right_at);
/* bind_pair.c: a join again over other inputs, with right's columns shifted by
 * what left has more. */
cu_node *cu_rel_rejoin(cu_sql *s, const cu_node *n, cu_node *left,
                       cu_node *right, cu_expr *residual);
/* bind_time_join.c: fills in what a join forgets by watermark. */
void cu_rel_join_time(cu_sql *s, cu_node *join, cu_expr *const *conj,
                      uint32_t n);
/* bind_join.c: a FULL JOIN's condition, from FROM's columns to those of both
 * nodes, which get columns at their ends for its subqueries. */
bool cu_rel_full_on(cu_sql *s, const cu_scope *scope, cu_item *l, cu_item *r,
                    cu_expr **conj, uint32_t n);
/* bind_join.c: all items in one node whose columns [first, first + n) stand in
 * order. */
cu_node *cu_rel_close(cu_sql *s, const cu_scope *scope, cu_from_items *from,
                      uint32_t first, uint32_t n);

/* bind_subquery.c: CU_A_SUBQUERY, and ANY, ALL over one. */
cu_expr *cu_bind_subquery(cu_bind *b, const cu_ast_expr *e);
/* A scalar subquery of many columns: a value for each of its *n. */
cu_expr **cu_bind_row_query(cu_bind *b, const cu_ast_expr *e, uint32_t *n);
/* bind_row.c */
cu_expr *cu_bind_row_compare(cu_bind *b, const cu_ast_expr *e);
cu_expr *cu_bind_row_null(cu_bind *b, const cu_ast_expr *e);
cu_expr *cu_bind_row_distinct(cu_bind *b, const cu_ast_expr *e);
/* Pairs of equal length compared by `op`, as rows compare. */
cu_expr *cu_rel_rows(cu_sql *s, const char *op, cu_expr **l, cu_expr **r,
                     uint32_t n, cu_pos pos);

#endif
