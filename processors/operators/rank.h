/* Shared by the rank's files: windows of rows in order. */
#ifndef CU_OPERATORS_RANK_H
#define CU_OPERATORS_RANK_H

#include "processors/operators/int.h"
#include "processors/operators/keyset.h"

/* A row with its state key; shared by the window and its older self. */
typedef struct cu_item {
    uint32_t refs, key_len, row_len;
    char bytes[]; /* key, row */
} cu_item;

/* A copy, with one reference. */
cu_item *cu_item_new(cu_slice key, cu_slice row);
void cu_item_release(cu_item *i);
static inline cu_slice cu_item_key(const cu_item *i)
{
    return cu_slice_n(i->bytes, i->key_len);
}
static inline cu_slice cu_item_row(const cu_item *i)
{
    return cu_slice_n(i->bytes + i->key_len, i->row_len);
}

typedef struct cu_window {
    cu_item **at; /* in key order */
    size_t n, cap;
    bool whole; /* the partition has no other rows (W2) */
} cu_window;

void cu_window_clear(cu_window *w);
/* The first index whose key is not below `key`. */
size_t cu_window_find(const cu_window *w, cu_slice key);
/* The first row with this order key and these bytes; w->n: none. */
size_t cu_window_find_row(const cu_window *w, cu_slice order, cu_slice row);
/* Retains the item. */
void cu_window_insert(cu_window *w, size_t at, cu_item *item);
void cu_window_remove(cu_window *w, size_t at);
/* `to`, empty, becomes the first `most` rows of `from`. */
void cu_window_copy(cu_window *to, const cu_window *from, size_t most);
size_t cu_window_bytes(const cu_window *w);

/* Are two rows equal in the order? Their keys end with the arrival. */
bool cu_item_peers(const cu_item *a, const cu_item *b);
/* How many of the first rows have a number <= `limit`: all that are there,
 * when the first row behind is not among them. */
size_t cu_window_shown(const cu_window *w, cu_rank_fn fn, size_t limit);
/* The numbers of the first `n` rows; in the arena. */
size_t *cu_window_numbers(const cu_window *w, cu_rank_fn fn, size_t n,
                          cu_arena *a);

/* Some of the rows of a window with their numbers. */
typedef struct cu_numbered {
    const cu_window *window;
    size_t end;      /* rows up to here */
    size_t *numbers; /* NULL: they do not count */
} cu_numbered;
/* Rows from `from` on that are in one window only, or with another number;
 * byte-equal rows that were replaced by one another cancel.  In window
 * order, in the arena. */
typedef struct cu_ranked_item {
    const cu_item *item;
    size_t number;
} cu_ranked_item;
typedef struct cu_window_diff {
    cu_ranked_item *gone, *come;
    size_t n_gone, n_come;
} cu_window_diff;
cu_window_diff cu_window_compare(const cu_numbered *old, const cu_numbered *now,
                                 size_t from, cu_arena *a);

/* A partition in memory. */
typedef struct cu_ranked {
    cu_keyrec rec;
    cu_window window, before; /* before: at the first touch of the commit */
    uint32_t at;              /* index in the operator's list */
    bool dirty, used;
    bool changed;   /* its rows have, in this commit */
    int64_t stamp;  /* with a ttl: when they did last; INT64_MAX: unknown */
    size_t most;    /* RANK, DENSE_RANK: rows before it is cut again */
    size_t counted; /* bytes in the operator's budget */
    char bytes[];   /* the key */
} cu_ranked;

#endif
