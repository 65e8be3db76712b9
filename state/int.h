/* Shared by the files of state/ only. */
#ifndef CU_STATE_INT_H
#define CU_STATE_INT_H

#include "base/map.h"
#include "state/sort.h"
#include "state/state.h"

#include <stdatomic.h>

enum {
    META_TABLE = 0xFFFF,  /* never a table of rows */
    LONG_TABLE = 0xFFFE,  /* nor this: slots of long rows (long.c) */
    KEY_PREFIX_BYTES = 9, /* 'S' | stage | partition | table */
    GENERATION_SHIFT = 14,
    HIGH_TABLES = 0x3FF0, /* without its generation: table 0xFFF0 and above */
};

struct cu_store {
    cu_kv *kv;
    size_t cache_bytes;
    atomic_size_t clean_bytes; /* of all spaces */
    atomic_size_t n_spaces;
};

typedef struct cu_longs cu_longs;

enum { UNKNOWN, ABSENT, PRESENT };

/* One key in the overlay. `committed` and `current` are the same pointer
 * while the entry is clean; NULL when absent (or unknown). */
typedef struct entry {
    cu_table *table;
    cu_onode *node;
    char *committed, *current;
    uint32_t committed_len, current_len;
    uint32_t key_len; /* the node's, without a look at it */
    uint8_t known;    /* UNKNOWN, ABSENT, PRESENT: the committed value */
    bool touched;     /* put or deleted since the commit; not in the ring */
    bool dirty;       /* touched, and not equal to the committed value */
    bool used;        /* clock bit */
    struct entry *prev, *next; /* ring of clean entries, newest first */
    struct entry *next_touched;
} entry;

struct cu_table {
    cu_space *space;
    uint16_t number;
    bool lean;
    cu_omap *rows;  /* key -> entry */
    entry *touched; /* list of those that were put or deleted */
};

struct cu_space {
    cu_store *store;
    uint32_t stage;
    uint16_t partition;
    uint8_t generation; /* of the tables that are opened */
    int64_t applied;
    cu_buf progress, next_progress; /* encoded; next: of the open commit */
    bool has_progress, has_next;
    cu_table **tables; /* by number */
    uint32_t n_tables;
    entry ring; /* sentinel */
    size_t clean_bytes, dirty_bytes, dirty_keys, n_touched;
    cu_keyed *sorted; /* the dirty entries, while is_sorted */
    size_t n_sorted;
    bool is_sorted;
    cu_kv_batch restoring;
    cu_buf noticed; /* progress record met while restoring */
    bool has_noticed;
    struct cu_longs *longs; /* NULL: there are none */
    cu_buf scratch;         /* a key being built */
    cu_arena *arena;        /* what one call needs */
};

/* The bytes of an entry that the cache budget counts. */
static inline size_t entry_bytes(const entry *e)
{
    return sizeof(*e) + 80 + e->key_len + e->current_len;
}
static inline cu_slice current_of(const entry *e)
{
    return cu_slice_n(e->current, e->current_len);
}

/* The key of the kv, appended to `out`. */
void cu_space_put_key(const cu_space *s, uint16_t table, cu_slice key,
                      cu_buf *out);
/* The bounds of one table: [lo, hi). */
void cu_space_bounds(const cu_space *s, uint16_t table, cu_buf *lo, cu_buf *hi);
/* The kv operation that stores position and progress (may be NULL). */
void cu_space_put_meta(cu_space *s, int64_t applied, const cu_buf *progress,
                       bool dropping, cu_kv_batch *out);
/* Ends a drop that a crash cut short, or starts one. */
int cu_space_delete_rows(cu_space *s, cu_err *err);
/* The generation that the progress names. */
void cu_space_follow(cu_space *s);
/* A table's number in the kv. */
uint16_t cu_space_stored(uint16_t number, unsigned generation);
/* A table by its number in the kv. */
cu_table *cu_space_stored_table(cu_space *s, uint16_t stored);
/* Evicts clean rows while the budget is passed. */
void cu_space_trim(cu_space *s);
/* Forgets all clean entries; there must be no touched ones. */
void cu_space_forget(cu_space *s);
/* The dirty entries by table and key. */
void cu_space_sort(cu_space *s);
void cu_table_free(cu_table *t);
/* The touched entries become clean (committed) or are taken back. */
void cu_entry_keep(entry *e);
void cu_entry_revert(entry *e);

#endif
