/* Private to ops: what both forms of explain share. */
#ifndef CU_OPS_EXPLAIN_H
#define CU_OPS_EXPLAIN_H

#include "ops/cli.h"

typedef struct cu_explaining {
    const cu_program *p;
    const cu_stages *stages;
    const cu_view_def *only; /* NULL: everything */
    cu_buf *out;
} cu_explaining;

const char *cu_explain_mode(cu_table_mode m);
const char *cu_explain_wrapper(cu_wrapper w);
/* What a view publishes to, or NULL. */
const char *cu_explain_topic(const cu_view_def *v);
/* "a, b" */
void cu_explain_columns(const cu_schema *s, const uint16_t *cols, uint32_t n,
                        cu_buf *out);

/* The operators of a stage that keep state. */
typedef struct cu_stateful {
    const cu_node *at[64];
    uint32_t n;
} cu_stateful;
void cu_stateful_of(const cu_stage *s, cu_stateful *out);
/* The columns that its state is kept by. */
void cu_stateful_key(const cu_node *n, cu_buf *out);

/* explain_json.c */
void cu_explain_json(cu_explaining *x);

#endif
