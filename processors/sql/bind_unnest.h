/* Private to the binder: subqueries beside the node around them.
 *
 *   bind_attach.c  their values and joins, put beside a node
 *   bind_unnest.c  correlated ones without correlation, LATERAL
 *   bind_lift.c    the common case of that
 *   bind_widen.c   operators over inputs with more columns
 */
#ifndef CU_SQL_BIND_UNNEST_H
#define CU_SQL_BIND_UNNEST_H

#include "processors/sql/bind_rel.h"

/* How refs are to be understood: the node outside, and what it makes of
 * expressions over the scope's columns. */
typedef struct cu_outside {
    const cu_scope *scope;
    cu_node *node;
    const uint32_t *map; /* numbers before planning -> node's */
    cu_sub_map *fn;      /* or NULL */
    void *ctx;
} cu_outside;
/* Turns refs to the outside's scope in `e` into expressions over its node.
 * NULL after a problem. */
cu_expr *cu_rel_outside(cu_sql *s, const cu_outside *o, cu_expr *e);

/* A subquery without refs to the outside. */
typedef struct cu_unnested {
    cu_node *node; /* the columns it had, then n_extra more */
    uint32_t n_extra;
    /* When rows meet: over the outside's columns, then node's. */
    cu_expr **conj;
    uint32_t n_conj;
    cu_expr **empty; /* NULL, or for each column it had: its value for outside
                        rows that meet nothing, which have a row all the same;
                        extra columns are never NULL then */
} cu_unnested;
typedef enum cu_unnest_flags {
    CU_UNNEST_ROWS = 1,  /* conj may hold more than equalities */
    CU_UNNEST_EMPTY = 2, /* the caller knows what `empty` means */
} cu_unnest_flags;
/* bind_unnest.c. False after a problem. */
bool cu_rel_unnest(cu_sql *s, const cu_outside *o, cu_node *in, unsigned flags,
                   cu_unnested *out);
/* bind_lift.c: the conditions on the outside, lifted out of `in`; false when
 * something else means it. */
bool cu_rel_lift(cu_sql *s, const cu_outside *o, cu_node *in, unsigned flags,
                 cu_unnested *out);
/* `n` over `in`, which has more columns at its end: they follow behind those
 * of `n`, as parts of its partitions and its key. */
cu_node *cu_rel_widened(cu_sql *s, const cu_node *n, cu_node *in);
/* bind_time_join.c: LATERAL (… ORDER BY … DESC LIMIT 1) as an as-of join, or
 * NULL. */
cu_node *cu_rel_asof(cu_sql *s, const cu_outside *o, cu_node *in, bool outer,
                     uint32_t *right_at);
/* The node outside joined with each row's `in`; *right_at: in's columns. */
cu_node *cu_rel_lateral(cu_sql *s, const cu_outside *o, cu_node *in, bool outer,
                        cu_expr **on, uint32_t n_on, uint32_t *right_at);

/* A conjunct of WHERE that is a subquery: as semi or anti join where it can
 * be. *done false: an ordinary filter. */
bool cu_rel_where_sub(cu_sql *s, const cu_outside *o, cu_expr *conj,
                      cu_node **node, bool *done);

/* Attaches the subqueries of exprs[0..n) (their plain columns are *node's
 * already) to *node and puts their values in place. */
bool cu_rel_attach(cu_sql *s, const cu_outside *o, cu_node **node,
                   cu_expr **exprs, uint32_t n);
/* `e` with the values of subqueries that are attached. */
cu_expr *cu_rel_with_values(cu_sql *s, const cu_scope *scope, cu_expr *e);
/* True unless the test is true of some expression of the scope that the
 * subqueries in `e` mean. */
bool cu_rel_subs_need(cu_sql *s, const cu_scope *scope, const cu_expr *e,
                      bool (*misses)(void *, const cu_expr *), void *ctx);

#endif
