/* Keyed records in memory.
 *
 *   slots   [hash rec] [hash rec] [ - ] [hash rec] …      16 bytes each
 *                 \
 *   record         [cu_keyrec | what the operator keeps | key bytes]
 *
 * Open addressing, linear probing, at most half full; the full hash in the
 * slot decides almost every comparison without touching the record.  Probing
 * a batch fetches slots first and records second, so that the misses of up
 * to 1,024 rows overlap instead of adding up.
 */
#include "processors/operators/keyset.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { FIRST_SLOTS = 64, TOUCHED_BLOCK = 64 * 1024 };

static void make_slots(cu_keyset *s, size_t n)
{
    s->slots = cu_calloc(n, sizeof(*s->slots));
    s->mask = n - 1;
}

void cu_keyset_open(cu_keyset *s)
{
    make_slots(s, FIRST_SLOTS);
    s->n = 0;
}

void cu_keyset_close(cu_keyset *s)
{
    cu_free(s->slots);
    *s = (cu_keyset){0};
}

void cu_keyset_clear(cu_keyset *s)
{
    size_t n_slots = s->mask + 1;
    if (n_slots > FIRST_SLOTS && s->n < n_slots / 16) {
        cu_free(s->slots);
        make_slots(s, n_slots / 2);
    } else {
        memset(s->slots, 0, n_slots * sizeof(*s->slots));
    }
    s->n = 0;
}

static bool same(const cu_keyrec *r, cu_slice key)
{
    return r->key_len == key.len && !memcmp(r->key, key.data, key.len);
}

cu_keyrec *cu_keyset_find(const cu_keyset *s, uint64_t hash, cu_slice key)
{
    for (size_t i = hash & s->mask;; i = (i + 1) & s->mask) {
        cu_keyslot slot = s->slots[i];
        if (!slot.rec)
            return NULL;
        if (slot.hash == hash && same(slot.rec, key))
            return slot.rec;
    }
}

static void place(cu_keyset *s, cu_keyslot slot)
{
    size_t i = slot.hash & s->mask;
    while (s->slots[i].rec)
        i = (i + 1) & s->mask;
    s->slots[i] = slot;
}

static void grow(cu_keyset *s)
{
    cu_keyslot *old = s->slots;
    size_t n = s->mask + 1;
    make_slots(s, n * 2);
    for (size_t i = 0; i < n; i++)
        if (old[i].rec)
            place(s, old[i]);
    cu_free(old);
}

void cu_keyset_add(cu_keyset *s, cu_keyrec *rec)
{
    CU_ASSERT_SLOW(!cu_keyset_find(s, rec->hash, cu_keyrec_key(rec)));
    if (s->n >= (s->mask + 1) / 2)
        grow(s);
    place(s, (cu_keyslot){rec->hash, rec});
    s->n++;
}

void cu_keyset_del(cu_keyset *s, const cu_keyrec *rec)
{
    size_t gap = rec->hash & s->mask;
    while (s->slots[gap].rec != rec) {
        CU_ASSERT(s->slots[gap].rec);
        gap = (gap + 1) & s->mask;
    }
    /* Pull back every slot whose home is not after the gap. */
    for (size_t i = (gap + 1) & s->mask; s->slots[i].rec;
         i = (i + 1) & s->mask) {
        size_t home = s->slots[i].hash & s->mask;
        if (((i - home) & s->mask) >= ((i - gap) & s->mask)) {
            s->slots[gap] = s->slots[i];
            gap = i;
        }
    }
    s->slots[gap] = (cu_keyslot){0};
    s->n--;
}

void cu_keyset_probe(const cu_keyset *s, const cu_keys *keys, cu_keyrec **out)
{
    for (uint32_t i = 0; i < keys->n; i++)
        __builtin_prefetch(&s->slots[keys->hash[i] & s->mask]);
    for (uint32_t i = 0; i < keys->n; i++) {
        uint64_t hash = keys->hash[i];
        size_t at = hash & s->mask;
        while (s->slots[at].rec && s->slots[at].hash != hash)
            at = (at + 1) & s->mask;
        out[i] = s->slots[at].rec;
        __builtin_prefetch(out[i]);
    }
    for (uint32_t i = 0; i < keys->n; i++)
        if (out[i] && !same(out[i], cu_batch_key(keys, i)))
            out[i] = cu_keyset_find(s, keys->hash[i], cu_batch_key(keys, i));
}

/* --- touched ------------------------------------------------------------- */

void cu_touched_open(cu_touched *t, size_t rec_size)
{
    *t = (cu_touched){.rec_size = rec_size,
                      .arena = cu_arena_new(TOUCHED_BLOCK)};
    cu_keyset_open(&t->set);
}

void cu_touched_close(cu_touched *t)
{
    cu_keyset_close(&t->set);
    cu_arena_free(t->arena);
    cu_free(t->recs);
    *t = (cu_touched){0};
}

void cu_touched_reset(cu_touched *t)
{
    cu_keyset_clear(&t->set);
    cu_arena_reset(t->arena);
    t->n = 0;
}

void *cu_touched_put(cu_touched *t, uint64_t hash, cu_slice key, bool *fresh)
{
    cu_keyrec *r = cu_keyset_find(&t->set, hash, key);
    *fresh = !r;
    if (r)
        return r;
    r = cu_arena_alloc(t->arena, t->rec_size + key.len);
    memset(r, 0, t->rec_size);
    char *copy = (char *)r + t->rec_size;
    memcpy(copy, key.data, key.len);
    *r = (cu_keyrec){hash, copy, (uint32_t)key.len};
    cu_keyset_add(&t->set, r);
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->recs = cu_realloc(t->recs, t->cap * sizeof(*t->recs));
    }
    t->recs[t->n++] = r;
    return r;
}

cu_keyed *cu_touched_sorted(cu_touched *t)
{
    cu_keyed *items = cu_arena_alloc(t->arena, (t->n + 1) * sizeof(*items));
    for (uint32_t i = 0; i < t->n; i++)
        items[i] = (cu_keyed){.key = cu_keyrec_key(t->recs[i]),
                              .item = t->recs[i]};
    cu_sort_keyed(items, t->n);
    return items;
}
