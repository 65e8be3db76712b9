/* A hash map from bytes to pointers: open addressing over a dense array.
 *
 *     slots    [ tag|3 ][ empty ][ tag|1 ][ tag|2 ] ...  power of two
 *     entries  [ 1: key len value ][ 2: hole ][ 3: ... ]  insertion order
 *
 * A slot is eight bytes (32 hash bits and an entry number), so a probe
 * stays inside a cache line and growing never reads a key.  Entries are
 * dense, so that visiting them costs nothing per empty slot and happens in
 * insertion order: the same inputs give the same order on every machine,
 * although output must be sorted all the same.
 *
 * Removal shifts the following slots back (no tombstones to probe over) and
 * leaves a hole among the entries.  Holes go when the entries are full; the
 * keys move to a fresh arena when most of the old one is dead, so a map
 * with a bounded count stays bounded however long it is churned.
 *
 * Invariants: (1) slots are at most 3/4 full; (2) a slot's entry is live and
 * its tag is the low half of the key's hash; (3) no empty slot lies between
 * an entry's home and its place.
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"

typedef struct slot {
    uint32_t tag;   /* low half of the hash */
    uint32_t entry; /* number + 1; 0 = empty */
} slot;

typedef struct entry {
    const char *key; /* NULL: a hole */
    void *value;
    uint32_t len, tag;
} entry;

struct cu_map {
    slot *slots;
    size_t mask; /* slots - 1 */
    entry *entries;
    size_t n_entries, cap_entries; /* holes included */
    size_t count;
    size_t live_bytes, dead_bytes; /* of keys in the arena */
    cu_arena *keys;
};

enum { first_slots = 16 };

static size_t room(size_t n_slots)
{
    return n_slots / 4 * 3;
}

static void make_tables(cu_map *m, size_t n_slots)
{
    CU_ASSERT(n_slots <= (size_t)1 << 31);
    m->slots = cu_calloc(n_slots, sizeof(slot));
    m->mask = n_slots - 1;
    m->cap_entries = room(n_slots);
    m->entries = cu_realloc(m->entries, m->cap_entries * sizeof(entry));
}

cu_map *cu_map_new(void)
{
    cu_map *m = cu_calloc(1, sizeof(*m));
    m->keys = cu_arena_new(0);
    make_tables(m, first_slots);
    return m;
}

void cu_map_free(cu_map *m)
{
    if (!m)
        return;
    cu_arena_free(m->keys);
    cu_free(m->slots);
    cu_free(m->entries);
    cu_free(m);
}

/* Clearing costs the size of the table: one that was far too large for this
 * round is halved, so that one spike is not paid for ever. */
void cu_map_reset(cu_map *m)
{
    size_t n_slots = m->mask + 1;
    if (n_slots > first_slots && m->n_entries < n_slots / 16) {
        cu_free(m->slots);
        make_tables(m, n_slots / 2);
    } else {
        memset(m->slots, 0, n_slots * sizeof(slot));
    }
    m->n_entries = m->count = 0;
    m->live_bytes = m->dead_bytes = 0;
    cu_arena_reset(m->keys);
}

size_t cu_map_count(const cu_map *m)
{
    return m->count;
}

/* The slot of the key, or the empty one where it belongs. */
static size_t find(const cu_map *m, cu_slice key, uint32_t tag)
{
    for (size_t i = tag & m->mask;; i = (i + 1) & m->mask) {
        slot s = m->slots[i];
        if (!s.entry)
            return i;
        if (s.tag != tag)
            continue;
        const entry *e = &m->entries[s.entry - 1];
        if (e->len == key.len &&
            (!key.len || !memcmp(e->key, key.data, key.len)))
            return i;
    }
}

void **cu_map_get(const cu_map *m, cu_slice key)
{
    slot s = m->slots[find(m, key, (uint32_t)cu_hash(key))];
    return s.entry ? &m->entries[s.entry - 1].value : NULL;
}

static void copy_keys(cu_map *m)
{
    cu_arena *fresh = cu_arena_new(0);
    for (size_t i = 0; i < m->n_entries; i++) {
        entry *e = &m->entries[i];
        if (e->key)
            e->key = cu_arena_dup(fresh, e->key, e->len);
    }
    cu_arena_free(m->keys);
    m->keys = fresh;
    m->dead_bytes = 0;
}

/* The entries are full: drop the holes when they are many, else grow. */
static void make_room(cu_map *m)
{
    size_t n_slots = m->mask + 1;
    if (m->dead_bytes > m->live_bytes)
        copy_keys(m);
    cu_free(m->slots);
    make_tables(m, m->count > m->cap_entries / 2 ? n_slots * 2 : n_slots);

    size_t to = 0;
    for (size_t i = 0; i < m->n_entries; i++) {
        entry e = m->entries[i];
        if (!e.key)
            continue;
        m->entries[to++] = e;
        size_t at = e.tag & m->mask;
        while (m->slots[at].entry)
            at = (at + 1) & m->mask;
        m->slots[at] = (slot){e.tag, (uint32_t)to};
    }
    m->n_entries = to;
}

void **cu_map_put(cu_map *m, cu_slice key, bool *fresh)
{
    uint32_t tag = (uint32_t)cu_hash(key);
    size_t at = find(m, key, tag);
    bool found = m->slots[at].entry != 0;
    if (fresh)
        *fresh = !found;
    if (found)
        return &m->entries[m->slots[at].entry - 1].value;

    CU_ASSERT(key.len < UINT32_MAX);
    if (m->n_entries == m->cap_entries) {
        make_room(m);
        at = find(m, key, tag);
    }
    entry *e = &m->entries[m->n_entries++];
    *e = (entry){.key = cu_arena_dup(m->keys, key.data, key.len),
                 .len = (uint32_t)key.len,
                 .tag = tag};
    m->slots[at] = (slot){tag, (uint32_t)m->n_entries};
    m->count++;
    m->live_bytes += key.len;
    return &e->value;
}

bool cu_map_del(cu_map *m, cu_slice key)
{
    size_t gap = find(m, key, (uint32_t)cu_hash(key));
    if (!m->slots[gap].entry)
        return false;
    entry *e = &m->entries[m->slots[gap].entry - 1];
    m->live_bytes -= e->len;
    m->dead_bytes += e->len;
    *e = (entry){0};
    m->count--;

    /* Pull back every slot whose home is not after the gap (3). */
    for (size_t i = (gap + 1) & m->mask; m->slots[i].entry;
         i = (i + 1) & m->mask) {
        size_t home = m->slots[i].tag & m->mask;
        if (((i - home) & m->mask) >= ((i - gap) & m->mask)) {
            m->slots[gap] = m->slots[i];
            gap = i;
        }
    }
    m->slots[gap] = (slot){0};
    return true;
}

bool cu_map_next(const cu_map *m, size_t *at, cu_slice *key, void **value)
{
    while (*at < m->n_entries) {
        const entry *e = &m->entries[(*at)++];
        if (!e->key)
            continue;
        if (key)
            *key = cu_slice_n(e->key, e->len);
        if (value)
            *value = e->value;
        return true;
    }
    return false;
}
