/* Two sides under a key: the state of joins, asof and lookup.
 *
 * A *side* of a key is a set of ids, in memcmp order, each with a count and a
 * number of the operator's own (the degree).  An id is whatever the operator
 * wants its rows ordered by, with the row's bytes at the end.
 *
 * Thread: one owner.
 */
#ifndef CU_OPERATORS_SIDES_H
#define CU_OPERATORS_SIDES_H

#include "processors/operators/int.h"
#include "processors/operators/keyset.h"

typedef struct cu_side_row {
    int64_t count, degree; /* as they are now */
    int64_t stamp;         /* stamped: when the count changed last */
    int64_t before;        /* the operator's, for one step: the old count, */
    int64_t gained;        /* and what the degree is to grow by */
    bool changed, moved;   /* the operator's too */
    uint32_t len;
    char bytes[]; /* the id */
} cu_side_row;

static inline cu_slice cu_side_id(const cu_side_row *r)
{
    return cu_slice_n(r->bytes, r->len);
}

typedef struct cu_side {
    cu_side_row **at; /* in id order: all rows when `whole`, else none */
    uint32_t n, cap;
    bool whole;
    uint64_t rows, bytes; /* of all rows, in memory or not */
    int64_t total;        /* of their counts; without rows: the operator's */
} cu_side;

typedef struct cu_side_group {
    cu_keyrec rec;
    uint32_t at;      /* index in the list */
    bool used;        /* clock bit */
    bool exists;      /* there is a head in the state */
    bool spilled;     /* rows have keys of their own */
    bool changed;     /* the operator's */
    int64_t dated[2]; /* stamped: the operator's; INT64_MIN at first */
    size_t counted;   /* bytes in the budget */
    cu_side side[2];
    char bytes[]; /* the key */
} cu_side_group;

typedef struct cu_sides {
    cu_op *op;
    bool stamped; /* rows have stamps; set before anything is loaded */
    cu_table *heads, *rows[2];
    cu_keyset set;
    cu_side_group **groups; /* in memory */
    uint32_t n_groups, cap_groups, hand;
    size_t bytes, budget;
    size_t most; /* bytes of a side that is kept whole */
    cu_side_row **dead;
    size_t n_dead, cap_dead;
    cu_arena *arena; /* rows of sides that are not whole; until the sweep */
    cu_buf key, end, value;
    uint64_t work; /* rows looked at */
} cu_sides;

/* Takes the tables 0, 1 and 2 of the operator's node. */
void cu_sides_open(cu_sides *s, cu_op *op);
void cu_sides_close(cu_sides *s);

/* The groups of `n` keys, made when there are none: one get_many. They stay
 * until the next sweep, or until they are stored empty. */
int cu_sides_load(cu_sides *s, uint32_t n, const cu_slice *keys,
                  const uint64_t *hash, cu_side_group **out, cu_err *err);
/* Brings a side into memory, unless it is too large for that. */
int cu_sides_fill(cu_sides *s, cu_side_group *g, int side, cu_err *err);
/* The rows of `n` different ids in ascending order; count 0: it is new. */
int cu_sides_find(cu_sides *s, cu_side_group *g, int side, uint32_t n,
                  const cu_slice *ids, cu_side_row **out, cu_err *err);
/* The row has this count now; its group's sums follow. */
void cu_sides_count(cu_side_group *g, int side, cu_side_row *r, int64_t count);
/* Count or degree of a row have changed: to the state where it stands alone.
 * No walk may be under way on a side that is not whole. */
void cu_sides_save(cu_sides *s, const cu_side_group *g, int side,
                   const cu_side_row *r);
/* Rows of count 0 leave a side at once; pointers hold until the sweep. */
void cu_sides_squeeze(cu_sides *s, cu_side_group *g, int side);
/* After the last change to a group: its head. Rows of count 0 leave, an
 * empty group is gone. The bytes of rows stay until the sweep. */
void cu_sides_store(cu_sides *s, cu_side_group *g);
/* Frees rows that left, and groups while the budget is passed. */
void cu_sides_sweep(cu_sides *s);

/* --- walking ------------------------------------------------------------- */

/* Rows of a side in id order, some at a time. */
typedef struct cu_side_walk {
    cu_sides *s;
    const cu_side_group *g;
    int side;
    bool done;
    uint32_t next, end;  /* of a whole side */
    cu_buf lo, hi;       /* ids, or keys of the table */
    bool bounded;        /* `hi` counts */
    cu_arena *arena;     /* of rows that are not in memory */
    cu_side_row **chunk; /* the same */
} cu_side_walk;

/* Ids in [lo, hi); absent hi: to the end. `w` starts zeroed and may be
 * started again and again. */
void cu_side_walk_start(cu_side_walk *w, cu_sides *s, const cu_side_group *g,
                        int side, cu_slice lo, cu_slice hi);
/* Up to `most` (<= 1,024) rows, lent until the next call; *n 0: the end.
 * Between two calls rows may be saved, but none may come or go. */
int cu_side_walk_next(cu_side_walk *w, uint32_t most, cu_side_row ***rows,
                      uint32_t *n, cu_err *err);
void cu_side_walk_free(cu_side_walk *w);
/* The last row with an id below `hi` (absent: of all), or NULL; lent until
 * the sweep. */
int cu_sides_before(cu_sides *s, const cu_side_group *g, int side, cu_slice hi,
                    const cu_side_row **out, cu_err *err);

#endif
