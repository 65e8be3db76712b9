/* Random expressions over a relation's columns that never fail on a row. */
#ifndef CU_ORACLE_VIEW_EXPR_H
#define CU_ORACLE_VIEW_EXPR_H

#include "tests/oracle/view_case.h"

typedef struct cu_case_rel {
    const char *name;
    uint32_t n_cols;
    const cu_case_col *cols;
    bool append, single, keyed;
    bool qualified; /* its columns' names hold inside subqueries, too */
    uint32_t reads; /* bits of the views that reading it reads */
    uint32_t rows;  /* a guess */
} cu_case_rel;

typedef struct cu_case_expr {
    const char *sql; /* NULL: there is none of that type */
    cu_type type;
    bool exact, small;
} cu_case_expr;

/* Of the kind (and element kind). */
cu_case_expr cu_case_expr_of(cu_rng *r, cu_arena *a, const cu_case_rel *rel,
                             cu_type t, uint32_t depth);
/* Of any kind; `exact`: what may be grouped and ordered by. */
cu_case_expr cu_case_expr_any(cu_rng *r, cu_arena *a, const cu_case_rel *rel,
                              bool exact);
/* A condition. */
const char *cu_case_condition(cu_rng *r, cu_arena *a, const cu_case_rel *rel);

#endif
