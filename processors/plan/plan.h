/* The plan: the treaty between sql and operators.
 *
 * The binder turns each view into a tree of nodes; operators are built from
 * nodes one to one, with the same nouns.  Everything is in one arena and
 * read-only after planning.  Expressions see only their input's columns.
 *
 * A plan says nothing of partitions: exchanges are placed by processors/plan/
 * stage.h when the partition counts of the inputs are known.
 */
#ifndef CU_PLAN_PLAN_H
#define CU_PLAN_PLAN_H

#include "processors/expr/func.h"
#include "rows/key.h"

typedef enum cu_node_kind {
    CU_N_SOURCE, /* rows of a table (after decode, checks, normalize) */
    CU_N_VIEW,   /* rows of another materialized view */
    CU_N_VALUES, /* constant rows */
    CU_N_FILTER,
    CU_N_PROJECT,
    CU_N_FLATMAP,   /* set-returning function per row */
    CU_N_AGGREGATE, /* GROUP BY, DISTINCT, global */
    CU_N_RANK,      /* DISTINCT ON, row_number() <= n, LIMIT */
    CU_N_UNION,     /* UNION ALL */
    CU_N_EXCHANGE,  /* rows to the partition of their key */
    CU_N_NORMALIZE, /* upserts, snapshots -> deltas */
    CU_N_WATERMARK,
    CU_N_MATERIALIZE, /* the rows that stay, by key */
    CU_NODE_KINDS
} cu_node_kind;

struct cu_table_def;
struct cu_view_def;

/* One aggregate call over columns of the input. */
typedef struct cu_agg_call {
    const cu_func *func;
    int32_t arg;    /* column, -1: none (count(*)) */
    int32_t filter; /* boolean column, -1: none */
    bool distinct;
    cu_type result;
} cu_agg_call;

typedef struct cu_node cu_node;
struct cu_node {
    cu_node_kind kind;
    uint32_t id; /* unique and stable within its view: state table numbers */
    const cu_schema *schema; /* of the output */
    uint32_t n_inputs;
    cu_node **inputs;
    cu_pos pos;
    /* Columns that identify a row of the output; n_key 0: none known. */
    uint32_t n_key;
    const uint16_t *key;
    bool append_only; /* no row is ever retracted */
    bool single;      /* at most one row: its key is empty */
    union {
        struct {
            const struct cu_table_def *table;
        } source;
        struct {
            const struct cu_view_def *view;
        } view;
        struct {
            uint32_t n;
            cu_expr ***rows;
        } values; /* [row][col] */
        struct {
            cu_expr *predicate;
        } filter;
        struct {
            cu_expr **exprs;
        } project; /* schema->n of them */
        /* Output: the input's columns, then the function's, then a bigint
         * ordinality when asked. `outer`: a row without elements stays, with
         * NULLs (LEFT JOIN LATERAL … ON true). */
        struct {
            const cu_func *func;
            cu_expr **args;
            uint32_t n_args;
            bool ordinality, outer;
        } flatmap;
        /* Output: the group columns, then one column per call. n_group 0 with
         * `global`: one row even for empty input. */
        struct {
            uint32_t n_group;
            const uint16_t *group;
            uint32_t n_calls;
            const cu_agg_call *calls;
            bool global;
        } aggregate;
        /* The first `limit` rows after `offset` per partition in `order`,
         * ties by arrival, latest first.  `numbered`: a bigint row_number
         * column is added at the end. */
        struct {
            uint32_t n_partition;
            const uint16_t *partition;
            uint32_t n_order;
            const cu_key_col *order;
            int64_t limit, offset; /* limit -1: all */
            bool numbered;
        } rank;
        struct {
            uint32_t n;
            const uint16_t *cols;
        } exchange;
        struct {
            const struct cu_table_def *table;
        } normalize;
        struct {
            uint16_t col;
            int64_t delay_us;
        } watermark;
        /* `bag`: no key; rows are kept with their counts. */
        struct {
            const struct cu_view_def *view;
            bool bag;
        } materialize;
    };
};

/* Children first; `visit` returns false to stop. */
bool cu_node_walk(cu_node *root, bool (*visit)(void *ctx, cu_node *n),
                  void *ctx);
const char *cu_node_kind_name(cu_node_kind k);
/* A tree as indented text: explain and golden tests. */
void cu_node_print(const cu_node *root, cu_buf *out);
/* A hash of everything that decides what state means: kinds, schemas,
 * expressions, keys. Stable between runs and machines. */
uint64_t cu_node_hash(const cu_node *root);

#endif
