/* A pipeline under test: text tables in, the integral of its output out.
 *
 * The rig checks on every emitted row that the integral never goes negative
 * (O2), commits through the space into a kv in memory, and can abort or
 * close and open everything between two commits. */
#ifndef CU_TESTS_OPERATORS_RIG_H
#define CU_TESTS_OPERATORS_RIG_H

#include "processors/operators/op.h"

typedef struct rig {
    cu_arena *arena; /* of the nodes and everything the test makes */
    cu_kv *kv;
    cu_store *store;
    cu_space *space;
    cu_expr_env expr_env;
    cu_op_env env;
    const cu_node *root;
    cu_pipeline *pipeline;
    cu_op *tap;
    struct rig_sum {
        cu_arena *arena;
        cu_batch **at;
        uint32_t n;
    } now, committed; /* integral of the output */
    cu_arena *round;  /* output since the last commit */
    cu_batch **out;
    uint32_t n_out, cap_out;
    uint64_t chance;
    char letters[4096];      /* "stage column sqlstate message\n" each */
    char late[4096];         /* rows of env->late, one a line */
    char late_windows[4096]; /* "start .. end at watermark" each */
    int64_t watermark;       /* heard since the pipeline was opened */
    size_t emitted;          /* rows since the last commit */
    cu_err err;
    struct rig_text {
        const cu_schema *schema;
        const char *text;
    } texts[64];
    unsigned n_texts;
} rig;

void rig_open(rig *r, uint64_t seed);
/* Opens the pipeline; the nodes were made in r->arena. */
void rig_start(rig *r, const cu_node *root);
void rig_close(rig *r);
unsigned rig_draw(rig *r, unsigned n);

/* --- nodes --------------------------------------------------------------- */

cu_schema *rig_schema(rig *r, const char *text);
cu_node *rig_source(rig *r, const char *schema);
/* Over `n` inputs. */
cu_node *rig_node(rig *r, cu_node_kind kind, const char *schema,
                  cu_node *input);
/* "0 2 1" as column numbers. */
const uint16_t *rig_cols(rig *r, const char *text, uint32_t *n);
cu_node *rig_aggregate(rig *r, const char *schema, cu_node *input,
                       const char *group);
void rig_call(rig *r, cu_node *aggregate, cu_agg agg, int arg, bool distinct,
              int filter);
/* JOIN, ASOF or LOOKUP over two inputs; the columns of the keys as "0 2". */
cu_node *rig_join(rig *r, cu_node_kind node, cu_join_kind kind,
                  const char *schema, cu_node *left, cu_node *right,
                  const char *left_keys, const char *right_keys);

/* --- running ------------------------------------------------------------- */

/* Pushes a text table into entry `e`, cut at random places. */
void rig_push(rig *r, unsigned e, const char *rows);
int rig_try_push(rig *r, unsigned e, const char *rows);
/* The watermark of entry `e`. */
void rig_watermark(rig *r, unsigned e, int64_t ts_us);
/* Keys in the state. */
unsigned rig_state_keys(rig *r);
/* The same, all rows with one mark (a timestamp; NULL: none). */
void rig_push_marked(rig *r, unsigned e, const char *mark, const char *rows);
/* The watermark of entry `e`, as a timestamp. */
void rig_mark(rig *r, unsigned e, const char *timestamp);
int64_t rig_time(rig *r, const char *timestamp);
/* Commits operators and space; what was emitted, consolidated, as text that
 * lives until the next commit. */
const char *rig_commit(rig *r);
int rig_try_commit(rig *r);
/* Throws away everything since the last commit. */
void rig_abort(rig *r);
/* Closes and opens pipeline and space (nothing may be uncommitted). */
void rig_reopen(rig *r);
/* The integral of the output. */
const char *rig_integral(rig *r);
/* A text table in the form that rig_integral() has. */
const char *rig_normal(rig *r, const cu_schema *schema, const char *rows);
/* Compares; prints both on failure. */
void rig_expect(rig *r, const char *got, const char *schema, const char *want);

#endif
