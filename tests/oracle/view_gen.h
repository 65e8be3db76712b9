/* What the files that draw views share: relations, conditions, calls. */
#ifndef CU_ORACLE_VIEW_GEN_H
#define CU_ORACLE_VIEW_GEN_H

#include "tests/oracle/view_expr.h"

typedef struct cu_gen {
    cu_rng *r;
    cu_arena *a;
    cu_case *c;
    uint32_t n_alias;
} cu_gen;

/* A table or a view by its name. */
cu_case_rel cu_gen_named(cu_gen *g);
cu_case_rel cu_gen_table(cu_gen *g, uint32_t at);
/* The same under an alias, its columns qualified. */
cu_case_rel cu_gen_aliased(cu_gen *g);
/* A relation under an alias, its columns qualified: whatever may stand in
 * FROM. `depth` bounds how far it nests. */
cu_case_rel cu_gen_from(cu_gen *g, uint32_t depth);
/* One of the two. */
cu_case_rel cu_gen_any(cu_gen *g);
/* The result of set operations. */
cu_case_rel cu_gen_united(cu_gen *g);
/* " WHERE …", or "". */
const char *cu_gen_where(cu_gen *g, const cu_case_rel *x);

/* An aggregate call over any argument, and its column; `shown_only`: nothing
 * may be made of it. */
cu_case_expr cu_gen_call(cu_gen *g, const cu_case_rel *x, const char **call,
                         bool *shown_only);

/* A target, its column; the name that it has, or NULL: no room. */
const char *cu_gen_add(cu_gen *g, cu_case_view *v, const char *sql, cu_type t,
                       bool exact, bool small, bool key);
/* GROUP BY and calls (or, `global`, only these) over x. */
void cu_gen_aggregate(cu_gen *g, cu_case_view *v, const cu_case_rel *x,
                      bool global);
/* Aggregate calls as targets. */
void cu_gen_calls(cu_gen *g, cu_case_view *v, const cu_case_rel *x);
/* Windows of time; false: there is no column for it. */
bool cu_gen_windowed(cu_gen *g, cu_case_view *v);
/* Windows of the table with a watermark, and their late rows; false: there is
 * none. */
bool cu_gen_late(cu_gen *g, cu_case_view *v);
bool cu_gen_late_rows(cu_gen *g, cu_case_view *v);
/* What a table's changes leave behind (view_past.c); false: the tables do not
 * have what it takes. */
bool cu_gen_history(cu_gen *g, cu_case_view *v);
bool cu_gen_changelog(cu_gen *g, cu_case_view *v);
bool cu_gen_surrogate(cu_gen *g, cu_case_view *v);
bool cu_gen_asof(cu_gen *g, cu_case_view *v);
bool cu_gen_lookup(cu_gen *g, cu_case_view *v);
/* Window functions; false: x has no column for it. */
bool cu_gen_over(cu_gen *g, cu_case_view *v);
/* GROUPING SETS, ROLLUP, CUBE. */
void cu_gen_sets(cu_gen *g, cu_case_view *v);

/* The exact columns of a relation under new names, and an order of them all.
 * False when there are none. */
bool cu_gen_exact(cu_gen *g, const cu_case_rel *x, cu_case_col *cols,
                  uint32_t *n, const char **select, const char **order);

#endif
