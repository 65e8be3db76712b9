/* A random pipeline and its input, for both oracles.
 *
 *   tables t0 (append), t1 (upsert)  <-- changes, in arrival order
 *   views  v0 … over tables and views before them
 *
 * Views are kept in pieces, so that a failing case can be made smaller by
 * leaving pieces out.
 */
#ifndef CU_ORACLE_VIEW_CASE_H
#define CU_ORACLE_VIEW_CASE_H

#include "processors/engine/engine.h"
#include "tests/oracle/answer.h"

enum {
    CU_CASE_TABLES = 2,
    CU_CASE_VIEWS = 6,
    CU_CASE_COLS = 12,
    CU_CASE_CHECKS = 3
};

typedef struct cu_case_col {
    const char *name;
    cu_type type;
    bool exact; /* equal values look equal: it may be grouped and ordered */
    bool key;   /* of the relation's key */
    bool small; /* an integer that arithmetic does not overflow */
} cu_case_col;

typedef struct cu_case_table {
    const char *name;
    bool upsert;       /* keyed by its first column */
    bool not_null;     /* c0 */
    bool check;        /* c1 < 100 */
    bool generated;    /* one more column, made from c0 and c1 */
    uint32_t mark;     /* a column of time, or 0: there is none */
    const char *delay; /* of its watermark, or NULL: it has none */
    bool unhurried;    /* with a delay that no row reaches */
    uint32_t n_cols;
    cu_case_col cols[CU_CASE_COLS];
    const char *const *pools[CU_CASE_COLS]; /* values as PostgreSQL's text */
    uint32_t n_pools[CU_CASE_COLS];
} cu_case_table;

typedef struct cu_case_view {
    const char *name;
    bool plain;          /* CREATE VIEW: inlined, not kept */
    bool shared;         /* CREATE VIEW … WITH (shared) */
    bool passes;         /* shared, and keeps no rows that could be asked */
    bool gone;           /* left out by the reducer */
    const char *options; /* WITH (…) of cupel, or NULL */
    const char *with;    /* WITH … AS (…), or "" */
    const char *distinct;
    uint32_t n_targets;
    const char *targets[CU_CASE_COLS];
    bool dropped[CU_CASE_COLS];
    const char *from;
    const char *theirs; /* PostgreSQL's FROM, where it is another; or NULL */
    const char *late;   /* PostgreSQL's FROM of its late rows, or NULL */
    const char *where, *group, *having, *order; /* with their words, or "" */
    const char *tail;                           /* UNION … */
    uint32_t reads; /* bits of the views that it reads */
    /* What it is as a relation. */
    uint32_t n_cols;
    cu_case_col cols[CU_CASE_COLS];
    bool append, single;
    uint32_t rows;    /* a guess */
    const char *text; /* instead of the pieces: what the reducer made */
} cu_case_view;

typedef struct cu_case_change {
    uint32_t table;
    bool gone;        /* the key is deleted */
    bool left;        /* left out by the reducer */
    bool rejected;    /* it must become a dead letter */
    const char *junk; /* instead of the cells */
    int32_t partition;
    const char *cells[CU_CASE_COLS]; /* NULL: null */
} cu_case_change;

typedef struct cu_case {
    cu_arena *arena;
    uint64_t seed;
    const char *prefix; /* of its relations' names */
    int32_t partitions;
    bool keyed;  /* rows of one c0 are in one partition, in t0 too */
    bool phased; /* t0's changes come when t1's went through: checks[0] */
    bool final;  /* time ends with the last change */
    cu_case_table tables[CU_CASE_TABLES];
    uint32_t n_views;
    cu_case_view views[CU_CASE_VIEWS];
    uint32_t n_changes;
    cu_case_change *changes;
    uint32_t checks[CU_CASE_CHECKS]; /* changes before each comparison */
    uint32_t refused; /* views that cupel says it does not support */
    const char *refusal;
} cu_case;

cu_case *cu_case_new(uint64_t seed, const char *prefix);
void cu_case_free(cu_case *c);
/* Tables and changes (view_data.c). */
void cu_case_fill(cu_case *c, cu_rng *r);

/* The SELECT of a view, for cupel or for PostgreSQL. */
void cu_case_select(const cu_case_view *v, bool cupel, cu_buf *out);
/* The pipeline's file for cupel (and without its server, which several may
 * share); the DDL for PostgreSQL. */
void cu_case_cupel(const cu_case *c, cu_buf *out);
void cu_case_relations(const cu_case *c, cu_buf *out);
void cu_case_postgres(const cu_case *c, cu_buf *out);
/* Changes from .. to as statements; "" when there is none. */
void cu_case_inserts(const cu_case *c, uint32_t from, uint32_t to, cu_buf *out);
/* One change as a record: key (or empty) and value (or empty: a delete). */
void cu_case_record(const cu_case *c, const cu_case_change *ch, cu_buf *key,
                    cu_buf *value);
/* Appends it to its topic, within the writer's transaction. */
int cu_case_append(const cu_case *c, const cu_case_change *ch, cu_writer *w,
                   cu_err *err);

/* Leaves out what it can of the view's text (view_shrink.c). */
typedef bool cu_case_still(void *ctx);
void cu_case_shrink(cu_case_view *v, cu_arena *a, cu_case_still *still,
                    void *ctx);

/* --- cupel's side (view_world.c) ------------------------------------------ */

typedef struct cu_world cu_world;
/* NULL and `why` when it does not compile or open. */
cu_world *cu_world_open(const cu_case *c, cu_arena *a, cu_answer *why);
void cu_world_close(cu_world *w);
/* Feeds changes up to `to` in pieces, lets everything go through; false and
 * `why` when a worker fails. */
bool cu_world_feed(cu_world *w, uint32_t to, cu_arena *a, cu_answer *why);
void cu_world_view(cu_world *w, const char *name, cu_arena *a, cu_answer *out);

#endif
