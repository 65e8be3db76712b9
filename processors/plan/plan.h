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

#include "processors/plan/call.h"

typedef enum cu_node_kind {
    CU_N_SOURCE, /* rows of a table (after decode, checks, normalize) */
    CU_N_VIEW,   /* rows of another materialized view */
    CU_N_VALUES, /* constant rows */
    CU_N_FILTER,
    CU_N_PROJECT,
    CU_N_FLATMAP,   /* set-returning function per row */
    CU_N_AGGREGATE, /* GROUP BY, DISTINCT, global */
    CU_N_RANK,      /* DISTINCT ON, row_number() <= n, LIMIT */
    CU_N_OVER,      /* window functions over whole partitions */
    CU_N_JOIN,      /* inner, left, right, full, semi, anti, cross */
    CU_N_ASOF,      /* the version of the right that was valid at left's time */
    CU_N_LOOKUP,    /* the right as it is when the left row comes */
    CU_N_UNION,     /* UNION ALL */
    CU_N_EXPAND,    /* GROUPING SETS: a row per set */
    CU_N_EXCHANGE,  /* rows to the partition of their key */
    CU_N_NORMALIZE, /* upserts, snapshots -> deltas */
    CU_N_WATERMARK,
    CU_N_WINDOW,      /* tumble, hop, cumulate; judges what is late */
    CU_N_SESSION,     /* rows of one session together */
    CU_N_BUFFER,      /* emit = 'final': waits until a window closes */
    CU_N_TEMPORAL,    /* visible from, until a time of the clock */
    CU_N_HISTORY,     /* versions of a key */
    CU_N_CHANGELOG,   /* changes as rows */
    CU_N_SURROGATE,   /* numbers by first appearance */
    CU_N_MATERIALIZE, /* the rows that stay, by key */
    CU_NODE_KINDS
} cu_node_kind;

struct cu_table_def;
struct cu_view_def;

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
    uint16_t time;    /* column + 1 that watermarks speak of; 0: none */
    int64_t ttl_us;   /* what has not changed for that long is forgotten; of
                         MATERIALIZE: below it something is; 0: never */
    cu_node_windows windows;
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
            cu_closing closing; /* of group[0] */
        } aggregate;
        /* The first `limit` rows after `offset` per partition in `order`,
         * ties by arrival, latest first.  `numbered`: a bigint column with
         * the row's number is added at the end.  `fn` says what the number
         * is and what `limit` bounds. */
        struct {
            uint32_t n_partition;
            const uint16_t *partition;
            uint32_t n_order;
            const cu_key_col *order;
            int64_t limit, offset; /* limit -1: all */
            bool numbered;
            cu_rank_fn fn;
            cu_closing closing; /* of partition[0] */
        } rank;
        /* Output: the input's columns, then one per call; all calls share
         * partition and order. Equal rows in the order: by row bytes. */
        struct {
            uint32_t n_partition;
            const uint16_t *partition;
            uint32_t n_order;
            const cu_key_col *order;
            uint32_t n_calls;
            const cu_over_call *calls;
            cu_closing closing; /* of partition[0] */
        } over;
        /* Inputs: left, right.  Output: left's columns, then right's (SEMI,
         * ANTI: left's alone).  Rows meet when left[i] = right[i] for all i
         * (NULL matches nothing, but NULL where null_safe[i]) and `residual`
         * (over both sides' columns; NULL: none) is true.
         * INTERVAL: left_time, right_time (column + 1; 0: none) and the
         * residual keep right_time - left_time within [lower, upper]; rows
         * that can meet nothing any more are forgotten by the watermarks of
         * the two inputs.
         * ASOF (INNER or LEFT): of the right rows of the key with right_time
         * <= left_time the latest (of equal times: by arrival, latest);
         * output follows later corrections of both sides.
         * LOOKUP (INNER or LEFT): the right row of the key at the time the
         * left row comes; changes of the right emit nothing, a left row goes
         * with what it came with. */
        struct {
            cu_join_kind kind;
            uint32_t n_keys;
            const uint16_t *left, *right;
            const bool *null_safe; /* NULL: none */
            cu_expr *residual;
            uint16_t left_time, right_time;
            int64_t lower_us, upper_us;
            cu_closing closing; /* of the first key column, both sides */
            bool stays[2];      /* ttl_us does not count for that side */
        } join;
        /* Output: the input's columns, then a copy of each group column that
         * is NULL in the sets without it, then an integer: the set, 0, 1, … */
        struct {
            uint32_t n_group;
            const uint16_t *group;
            uint32_t n_sets;
            const uint64_t *sets; /* bit i: group[i] is in it */
        } expand;
        /* Output: the input's columns, then window_start and window_end of
         * the type of `time`; a row per window that it belongs to. `late`: a
         * row is late for a window when its mark (batch.marks) has reached
         * the window's end + lateness; late for all of them: env->late. */
        struct {
            cu_window_kind kind;
            uint16_t time;
            cu_interval size, slide;
            int64_t origin_us;
            bool late;
            int64_t lateness_us;
        } window;
        struct {
            cu_session_mode mode;
            uint32_t n_partition;
            const uint16_t *partition;
            uint16_t time;
            int64_t gap_us;
            bool late; /* as above, by the row's own session end */
            int64_t lateness_us;
        } session;
        /* Rows leave, net of what was retracted, when the watermark reaches
         * col + delay; nothing is retracted afterwards. */
        struct {
            uint16_t col;
            cu_interval delay;
            int64_t lateness_us;
        } buffer;
        /* Rows are there while from <= now() < until; timestamptz columns + 1,
         * 0: no such bound; NULL in a bound: never there. */
        struct {
            uint16_t from, until;
        } temporal;
        /* Output: the input's columns, then version bigint, valid_from and
         * valid_until (type of valid_at; NULL: current), op text. valid_at:
         * column + 1; 0: the commit's clock (timestamptz). */
        struct {
            uint32_t n_key;
            const uint16_t *key;
            uint16_t valid_at;
            bool deletes; /* false: what vanishes stays open */
        } history;
        /* Output: the input's columns, then surrogate_id bigint. */
        struct {
            uint32_t n_key;
            const uint16_t *key;
        } surrogate;
        struct {
            uint32_t n;
            const uint16_t *cols;
        } exchange;
        struct {
            const struct cu_table_def *table;
            bool all_versions; /* -old +new per source row, at once, for
                                  history, changelog and asof */
        } normalize;
        struct {
            uint16_t col;
            int64_t delay_us;
        } watermark;
        /* `bag`: no key; rows are kept with their counts. */
        struct {
            const struct cu_view_def *view;
            bool bag;
            uint32_t n_order; /* bag: rows are kept, and read, in this order */
            const cu_key_col *order;
            bool borrows; /* bag: keeps nothing; its rows are those of the
                             view below, which are read when wanted */
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
