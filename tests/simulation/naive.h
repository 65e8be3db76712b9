/* A naive evaluator of plans: whole relations, recomputed from nothing.
 *
 * No deltas, no state, no batches bigger than one row, no code shared with the
 * operators.  (Expressions go through the real programs, one row at a time;
 * PostgreSQL judges those, see tests/oracle.)
 */
#ifndef CU_SIM_NAIVE_H
#define CU_SIM_NAIVE_H

#include "processors/plan/program.h"
#include "tests/simulation/gen.h"

typedef struct sim_rel {
    const cu_schema *schema;
    cu_value **rows;
    uint32_t n, cap;
} sim_rel;

/* The rows that a view must have after all records of the case, printed as
 * below. */
void sim_naive_view(const sim_case *c, const cu_program *p,
                    const cu_view_def *v, cu_env *env, cu_buf *out);
/* Rows as sorted lines of text: two relations are equal when these are. */
void sim_rel_print(const sim_rel *r, cu_arena *a, cu_buf *out);
void sim_rel_add(sim_rel *r, cu_arena *a, cu_value *row);

#endif
