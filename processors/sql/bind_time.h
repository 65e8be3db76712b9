/* Private to the binder's half for time: table functions, windows, the clock,
 * functions that SQL made.
 *
 *   bind_args.c      the arguments of our own table functions
 *   bind_relation.c  history, changelog, surrogate, watermark
 *   bind_time.c      tumble, hop, cumulate, session, windows of date_bin
 *   bind_temporal.c  conditions on the clock
 *   bind_node_time.c where watermarked columns and windows go in a plan
 */
#ifndef CU_SQL_BIND_TIME_H
#define CU_SQL_BIND_TIME_H

#include "processors/sql/bind.h"
#include "processors/sql/bind_node.h"

/* bind_relation.c: tumble(), history() and their like. */
bool cu_bind_is_relation(const char *function);
enum { CU_BIND_RELATIONS = 12 };
extern const char *const cu_bind_relations[CU_BIND_RELATIONS];
/* The node of one; its last *hidden columns have no names. NULL after a
 * problem. */
cu_node *cu_bind_relation(cu_sql *s, const cu_ctes *ctes,
                          const cu_ast_expr *call, uint32_t *hidden);
/* Normalize nodes below pass every version on; false: something regroups rows
 * in between. */
bool cu_bind_all_versions(cu_sql *s, cu_node *n, const char *function);
/* The versions of a key of `in`; valid_at: column + 1, 0: the clock. */
cu_node *cu_bind_history(cu_sql *s, cu_node *in, const uint16_t *key,
                         uint32_t n_key, uint16_t valid_at, bool deletes);
/* bind_letters.c: dead_letters(x), late_rows(v). */
cu_node *cu_bind_letters(cu_sql *s, const cu_ast_expr *call);
/* bind_args.c */
/* The relation that an argument names, as the one item of *out. */
bool cu_bind_argument(cu_sql *s, const cu_ctes *ctes, const cu_ast_expr *arg,
                      cu_scope *out);
/* bind_asof.c: asof(rel, time) or lookup(rel) at the right side of a join. */
typedef struct cu_asof {
    cu_node *node;           /* the right side */
    const cu_ast_expr *time; /* over the left side; NULL: lookup */
    uint16_t right_time;     /* column of node + 1 */
    bool versions;           /* node's rows are replaced: ask its history */
    cu_pos pos;
} cu_asof;
bool cu_bind_is_asof(const cu_ast_from *right);
bool cu_bind_asof(cu_sql *s, const cu_ctes *ctes, const cu_ast_from *right,
                  cu_asof *out);
/* The join: `time` over left's columns (NULL: lookup), conj over left's
 * columns, then right's.  Left's columns come first; right's from *right_at. */
cu_node *cu_bind_asof_join(cu_sql *s, const cu_asof *a, cu_node *left,
                           cu_expr *time, bool outer, cu_expr **conj,
                           uint32_t n, uint32_t *right_at);

/* The arguments of a table function by the names of its parameters. */
typedef struct cu_args {
    const char *function;
    const cu_ast_expr *at[8];
    cu_pos pos;
} cu_args;
/* `names`: all parameters; the first `required` must be there. */
bool cu_args_read(cu_sql *s, const cu_ast_expr *call, const char *const *names,
                  uint32_t n, uint32_t required, cu_args *out);
/* A column of the argument relation; -1 after a problem. */
int32_t cu_args_column(cu_sql *s, const cu_args *a, const cu_scope *scope,
                       const cu_ast_expr *e);
/* ARRAY[a, b] of columns. */
bool cu_args_columns(cu_sql *s, const cu_args *a, const cu_scope *scope,
                     const cu_ast_expr *e, uint16_t **cols, uint32_t *n);
/* A constant, cast to `t`. */
bool cu_args_constant(cu_sql *s, const cu_args *a, const cu_ast_expr *e,
                      cu_type t, cu_value *out);
/* A positive interval without months. */
bool cu_args_interval(cu_sql *s, const cu_args *a, const cu_ast_expr *e,
                      cu_interval *out);
/* bind_time.c: tumble, hop, cumulate, session over `in`. The node's last
 * *hidden columns are nobody's. */
cu_node *cu_bind_time(cu_sql *s, const cu_args *a, const cu_scope *in,
                      uint32_t *hidden);
/* A group expression date_bin or date_trunc of the watermarked column becomes
 * a judged window: *in gets a column, *e becomes it. */
void cu_bind_judge(cu_sql *s, cu_expr **e, cu_node **in);
/* The session below *in, when it may be grouped by its anchor. */
cu_node *cu_bind_session_of(const cu_node *in);
/* min or max of a session's time, as an aggregate. */
bool cu_bind_session_end(cu_sql *s, const cu_node *session, bool max,
                         cu_found_agg *out);
/* (anchor, partition…, results…, min, max) as (partition…, window_start,
 * window_end, results…). */
cu_node *cu_bind_session_bounds(cu_sql *s, cu_node *in, const cu_node *session,
                                uint32_t n_results);
cu_node *cu_bind_distinct(cu_sql *s, cu_node *in);
/* bind_temporal.c: a filter by `predicate`, whose conditions on the clock
 * become TEMPORAL nodes; NULL after a problem. */
cu_node *cu_bind_temporal(cu_sql *s, cu_node *in, cu_expr *predicate);
/* The conjuncts without the clock, and in *clocked the others; NULL: none. */
cu_expr *cu_bind_clockless(cu_sql *s, cu_expr *predicate, cu_expr **clocked);
/* bind_function.c: a call of a function that SQL made: *is. */
cu_expr *cu_bind_sql_call(cu_bind *b, const cu_ast_expr *e, bool *is);
cu_expr *cu_bind_inline(cu_bind *b, const cu_sql_function *f, cu_expr **args,
                        cu_pos pos);
cu_expr *cu_bind_param(cu_bind *b, const cu_ast_expr *e);
/* A name in a function's body that is a parameter, or NULL. */
cu_expr *cu_bind_param_name(cu_bind *b, const cu_ast_expr *e);

/* Its columns without those that a later ALTER adds. */
const cu_schema *cu_table_shown(cu_sql *s, const cu_table_def *t);

/* bind_node_time.c: nodes of time, and where watermarked columns go. */
/* A node over one input with everything as there. */
cu_node *cu_node_over_input(cu_sql *s, cu_node_kind kind, cu_node *in);
/* The input's columns, then `fields`. */
const cu_schema *cu_schema_with(cu_sql *s, const cu_schema *in,
                                const cu_field *fields, uint32_t n);
/* The input's columns as expressions, with room for `more`. */
cu_expr **cu_node_columns(cu_sql *s, const cu_node *in, uint32_t more,
                          const char ***names);
/* The input with `n` expressions more as columns. */
cu_node *cu_node_extend(cu_sql *s, cu_node *in, cu_expr *const *exprs,
                        const char *const *names, uint32_t n);
/* Times and windows of a projection, a grouping (of the first columns), a
 * union. */
void cu_node_project_times(cu_node *n, const cu_node *in);
void cu_node_group_times(cu_node *n, const cu_node *in, uint32_t n_group);
void cu_node_union_times(cu_node *n);
/* Which of `cols` says when a group closes; -1: none does. */
int32_t cu_node_closing(const cu_node *in, const uint16_t *cols, uint32_t n,
                        cu_closing *out);
/* Of a rank or a window function: where a partition spans windows, rows of
 * closed ones change with later ones. */
void cu_node_rank_times(cu_node *n, const uint16_t *partition,
                        uint32_t n_partition);
/* The column to buffer or retain by (+ 1), and from when on. */
uint16_t cu_node_due(const cu_node *n, cu_interval *delay, int64_t *lag_us);
int64_t cu_interval_us(cu_interval i);
/* Some partition of its tables may be idle: rows may be late behind an
 * exchange. */
bool cu_node_naps(const cu_node *n);
/* A BUFFER over rows that no window has judged: it says what is late. */
bool cu_node_judges_alone(const cu_node *n);

#endif
