/* Shared by the evaluator's files. */
#ifndef CU_SIM_NAIVE_INT_H
#define CU_SIM_NAIVE_INT_H

#include "processors/expr/prog.h"
#include "tests/simulation/naive.h"

enum { SIM_PARTITIONS = 8, SIM_PROGS = 400 };

typedef struct sim_naive {
    const sim_case *c;
    const cu_program *p;
    cu_arena *a;
    cu_expr_env env;
    sim_rel **views; /* by view index, memoised */
    /* Results borrow from them. */
    cu_prog *progs[SIM_PROGS];
    uint32_t n_progs;
    uint32_t limit; /* so many records have come */
    /* Watermarks of t's partitions after all records; INT64_MIN: none. */
    int64_t marks[SIM_PARTITIONS];
} sim_naive;

/* What happens to one row: it comes (no `old`), goes (no `now`), changes. */
typedef struct sim_event {
    cu_value *old, *now;
    int64_t clock; /* of the commit, or the snapshot's date */
} sim_event;

typedef struct sim_events {
    sim_event *at;
    uint32_t n, cap;
} sim_events;

sim_rel *sim_eval(sim_naive *n, const cu_node *node);
sim_rel *sim_rel_new(sim_naive *n, const cu_schema *schema);
/* A row of n values; before its first stands its mark, the watermark of its
 * partition when it came: row[-1].i8. */
cu_value *sim_row_new(cu_arena *a, uint32_t n, int64_t mark);
/* NULL equals NULL, and sorts last. */
int sim_cmp(const cu_value *x, const cu_value *y);
int sim_cmp_order(const cu_key_col *o, const cu_value *x, const cu_value *y);

cu_prog *sim_compile(sim_naive *n, cu_expr *const *exprs, uint32_t count,
                     const cu_schema *schema);
/* False when an expression fails on the row. */
bool sim_compute(sim_naive *n, cu_prog *p, const cu_schema *schema,
                 cu_value *row, uint32_t n_out, cu_value *out);

/* One call over the rows of `in` that are members. */
cu_value sim_aggregate(sim_naive *n, const cu_agg_call *call, sim_rel *in,
                       const bool *member);

sim_rel *sim_eval_aggregate(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_expand(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_rank(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_over(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_join(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_asof(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_window(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_session(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_buffer(sim_naive *n, const cu_node *node);

/* The least of n->marks. */
int64_t sim_least_mark(const sim_naive *n);

sim_rel *sim_eval_source(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_normalize(sim_naive *n, const cu_node *node);
/* Everything that happens to the rows of a relation, in order. Of a view that
 * is not known: its rows come. */
void sim_events_of(sim_naive *n, const cu_node *node, sim_events *out);
void sim_event_add(sim_naive *n, sim_events *to, sim_event e);

sim_rel *sim_eval_history(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_changelog(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_surrogate(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_lookup(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_temporal(sim_naive *n, const cu_node *node);
sim_rel *sim_eval_materialize(sim_naive *n, const cu_node *node);
/* The rows of `in` that are late for all windows of a WINDOW or SESSION. */
sim_rel *sim_late_rows(sim_naive *n, const cu_node *judge);

#endif
