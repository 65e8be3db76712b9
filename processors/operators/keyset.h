/* Keyed records in memory: a hash index, and the keys touched by a commit.
 *
 * A record is a struct of the operator that starts with cu_keyrec.  The
 * index does not own records; cu_touched does (all die at its reset).
 *
 * Thread: one owner.
 */
#ifndef CU_OPERATORS_KEYSET_H
#define CU_OPERATORS_KEYSET_H

#include "rows/key.h"
#include "state/sort.h"

typedef struct cu_keyrec {
    uint64_t hash;
    const char *key; /* never NULL */
    uint32_t key_len;
} cu_keyrec;

static inline cu_slice cu_keyrec_key(const cu_keyrec *r)
{
    return cu_slice_n(r->key, r->key_len);
}
/* Key i of a batch as a slice that is never absent. */
static inline cu_slice cu_batch_key(const cu_keys *k, uint32_t i)
{
    cu_slice key = cu_keys_at(k, i);
    return key.len ? key : CU_LIT("");
}

/* --- the index ----------------------------------------------------------- */

typedef struct cu_keyslot {
    uint64_t hash;
    cu_keyrec *rec; /* NULL: free */
} cu_keyslot;

typedef struct cu_keyset {
    cu_keyslot *slots;
    size_t mask, n;
} cu_keyset;

void cu_keyset_open(cu_keyset *s);
void cu_keyset_close(cu_keyset *s);
/* Forgets all; a table that was far too large shrinks. */
void cu_keyset_clear(cu_keyset *s);
cu_keyrec *cu_keyset_find(const cu_keyset *s, uint64_t hash, cu_slice key);
/* The key must not be there yet. */
void cu_keyset_add(cu_keyset *s, cu_keyrec *rec);
void cu_keyset_del(cu_keyset *s, const cu_keyrec *rec);
/* All keys of a batch at once, memory fetched ahead: out[i] or NULL. */
void cu_keyset_probe(const cu_keyset *s, const cu_keys *keys, cu_keyrec **out);

/* --- what a commit interval touched -------------------------------------- */

typedef struct cu_touched {
    cu_keyset set;
    cu_arena *arena; /* records, keys, and whatever hangs on them */
    cu_keyrec **recs;
    uint32_t n, cap;
    size_t rec_size;
} cu_touched;

void cu_touched_open(cu_touched *t, size_t rec_size);
void cu_touched_close(cu_touched *t);
void cu_touched_reset(cu_touched *t);
/* The record of the key; a new one is zeroed behind its cu_keyrec. */
void *cu_touched_put(cu_touched *t, uint64_t hash, cu_slice key, bool *fresh);
/* All records in key order; `item` is the record. In the arena of `t`. */
cu_keyed *cu_touched_sorted(cu_touched *t);

#endif
