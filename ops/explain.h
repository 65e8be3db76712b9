/* Private to ops: what both forms of explain share. */
#ifndef CU_OPS_EXPLAIN_H
#define CU_OPS_EXPLAIN_H

#include "ops/cli.h"

typedef struct cu_explaining {
    const cu_program *p;
    const cu_stages *stages;
    const cu_view_def *only; /* NULL: everything */
    cu_buf *out;
    cu_arena *a;
} cu_explaining;

const char *cu_explain_mode(cu_table_mode m);
const char *cu_explain_wrapper(cu_wrapper w);
/* A report's path, else the view's name. */
const char *cu_explain_name(const cu_explaining *x, const cu_view_def *v);
/* The names of what reads the view, of the program's order, in the arena. */
const char **cu_explain_readers(const cu_explaining *x, const cu_view_def *v,
                                uint32_t *n);
/* What a view publishes to, or NULL. */
const char *cu_explain_topic(const cu_view_def *v);
/* "a, b" */
void cu_explain_columns(const cu_schema *s, const uint16_t *cols, uint32_t n,
                        cu_buf *out);

/* Columns of a table that decoding keeps; false: no stage reads the table. */
bool cu_explain_kept(cu_explaining *x, const cu_table_def *t, uint16_t **cols,
                     uint32_t *n);

/* A time span, for people. */
const char *cu_explain_us(int64_t us, cu_arena *a);
/* Where an operator's rows come from, for people: "o", "o and r". */
const char *cu_explain_origin(const cu_node *n, cu_arena *a);

/* One state table of an operator; no text is NULL but `notice`. */
typedef struct cu_state_note {
    const cu_node *node;
    uint16_t table;
    const char *holds;  /* "left rows" */
    const char *by;     /* the columns of its key */
    int64_t bytes;      /* about, per … */
    const char *per;    /* "row", "group", "key" */
    const char *until;  /* when an entry goes */
    const char *notice; /* or NULL: it grows with everything that ever came */
} cu_state_note;

enum { CU_STATE_NOTES = 8 };
/* explain_state.c: how many of out[CU_STATE_NOTES] were filled. */
uint32_t cu_explain_state(const cu_node *n, cu_arena *a, cu_state_note *out);
/* Calls `fn` for every table of every operator of the stage, each once. */
typedef void cu_state_fn(void *ctx, const cu_state_note *s);
void cu_explain_states(const cu_stage *s, cu_arena *a, cu_state_fn *fn,
                       void *ctx);

/* explain_twice.c: calls `fn` for state of the view that another view keeps
 * as well: the operator on top of it, and the first such view. */
typedef void cu_twice_fn(void *ctx, const cu_node *n, const cu_view_def *other);
void cu_explain_twice(cu_explaining *x, const cu_view_def *v, cu_twice_fn *fn,
                      void *ctx);

/* explain_json.c */
void cu_explain_json(cu_explaining *x);

#endif
