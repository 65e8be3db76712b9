/* Tables: the overlay over one range of the kv.
 *
 * Every key that was read or written has an entry with two values:
 *
 *            get                  put, del
 *   (kv) ----------> clean  ------------------> touched
 *                    c == n                     c: committed, n: current
 *                      ^   committed: c = n        |
 *                      +------- revert: n = c -----+
 *
 * Clean entries stand in a ring, newest first, until the budget evicts them
 * (clock: a used one gets a second round).  Touched entries stay.  A clean
 * entry may say that a key is absent, so that a new key costs one look into
 * the kv, not one per batch.
 *
 * A key that was put without a read has an unknown committed value; it is
 * dirty whatever is put, and leaves the overlay when the commit is aborted.
 * Everything else is dirty only while current and committed differ, so that
 * changes that cancel write nothing.
 */
#include "state/int.h"

#include "base/alloc.h"
#include "base/assert.h"

static char *copy_of(cu_slice value)
{
    CU_ASSERT(value.len < UINT32_MAX);
    char *p = cu_alloc(value.len);
    if (value.len)
        memcpy(p, value.data, value.len);
    return p;
}

/* --- the ring of clean entries ------------------------------------------- */

static void ring_add(entry *e)
{
    cu_space *s = e->table->space;
    e->next = s->ring.next;
    e->prev = &s->ring;
    e->next->prev = e;
    s->ring.next = e;
    s->clean_bytes += entry_bytes(e);
    atomic_fetch_add_explicit(&s->store->clean_bytes, entry_bytes(e),
                              memory_order_relaxed);
}

static void ring_remove(entry *e)
{
    cu_space *s = e->table->space;
    e->prev->next = e->next;
    e->next->prev = e->prev;
    s->clean_bytes -= entry_bytes(e);
    atomic_fetch_sub_explicit(&s->store->clean_bytes, entry_bytes(e),
                              memory_order_relaxed);
}

static void entry_free(entry *e)
{
    if (e->current != e->committed)
        cu_free(e->current);
    cu_free(e->committed);
    bool was = cu_omap_del(e->table->rows, cu_onode_key(e->node));
    CU_ASSERT(was);
    cu_free(e);
}

static bool over_budget(const cu_space *s)
{
    const cu_store *store = s->store;
    size_t spaces = atomic_load_explicit(&store->n_spaces,
                                         memory_order_relaxed);
    return atomic_load_explicit(&store->clean_bytes, memory_order_relaxed) >
               store->cache_bytes &&
           s->clean_bytes > store->cache_bytes / (spaces ? spaces : 1);
}

void cu_space_trim(cu_space *s)
{
    while (s->ring.prev != &s->ring && over_budget(s)) {
        entry *e = s->ring.prev;
        ring_remove(e);
        if (e->used) {
            e->used = false;
            ring_add(e);
        } else {
            entry_free(e);
        }
    }
}

void cu_space_forget(cu_space *s)
{
    CU_ASSERT(s->n_touched == 0);
    while (s->ring.next != &s->ring) {
        entry *e = s->ring.next;
        ring_remove(e);
        entry_free(e);
    }
    for (uint32_t i = 0; i < s->n_tables; i++)
        cu_omap_reset(s->tables[i]->rows);
}

void cu_space_shed(cu_space *s)
{
    if (s->n_touched == 0)
        cu_space_forget(s);
}

/* --- entries ------------------------------------------------------------- */

static size_t write_bytes(const entry *e)
{
    return KEY_PREFIX_BYTES + e->key_len + e->current_len;
}

static bool differs(const entry *e)
{
    if (e->known == UNKNOWN)
        return true;
    if (!e->current || !e->committed)
        return e->current != e->committed;
    return e->current_len != e->committed_len ||
           memcmp(e->current, e->committed, e->current_len) != 0;
}

static entry *entry_new(cu_table *t, cu_onode *node, int known)
{
    entry *e = cu_calloc(1, sizeof(*e));
    e->key_len = (uint32_t)cu_onode_key(node).len;
    e->table = t;
    e->node = node;
    e->known = (uint8_t)known;
    cu_onode_set(node, e);
    return e;
}

/* The entry of `key`; with a fresh one the caller says what is committed. */
static entry *entry_make(cu_table *t, cu_slice key, int known)
{
    bool fresh;
    cu_onode *node = cu_omap_put(t->rows, key, &fresh);
    return fresh ? entry_new(t, node, known) : cu_onode_value(node);
}

/* What the kv holds, as a clean entry. */
static entry *entry_load(cu_table *t, cu_slice key, cu_slice value)
{
    entry *e = entry_make(t, key, value.data ? PRESENT : ABSENT);
    if (value.data) {
        e->committed = e->current = copy_of(value);
        e->committed_len = e->current_len = (uint32_t)value.len;
    }
    ring_add(e);
    return e;
}

static void set_current(entry *e, cu_slice value)
{
    cu_space *s = e->table->space;
    char *fresh = value.data ? copy_of(value) : NULL; /* it may lie in e */
    if (e->dirty) {
        s->dirty_bytes -= write_bytes(e);
        s->dirty_keys--;
    }
    if (!e->touched) {
        if (e->next)
            ring_remove(e);
        e->touched = true;
        e->next_touched = e->table->touched;
        e->table->touched = e;
        s->n_touched++;
    }
    if (e->current != e->committed)
        cu_free(e->current);
    e->current = fresh;
    e->current_len = fresh ? (uint32_t)value.len : 0;
    e->dirty = differs(e);
    if (e->dirty) {
        s->dirty_bytes += write_bytes(e);
        s->dirty_keys++;
    }
    s->is_sorted = false;
    cu_space_trim(s);
}

void cu_entry_keep(entry *e)
{
    bool shared = e->current == e->committed;
    if (!shared)
        cu_free(e->committed);
    e->committed = e->current;
    e->committed_len = e->current_len;
    e->known = e->current ? PRESENT : ABSENT;
    e->touched = e->dirty = false;
    if (e->current && !e->table->lean)
        ring_add(e);
    else
        entry_free(e);
}

void cu_entry_revert(entry *e)
{
    if (e->current != e->committed)
        cu_free(e->current);
    e->current = e->committed;
    e->current_len = e->committed_len;
    e->touched = e->dirty = false;
    if (e->known == PRESENT)
        ring_add(e);
    else
        entry_free(e);
}

void cu_table_free(cu_table *t)
{
    cu_omap_free(t->rows);
    cu_free(t);
}

/* --- the calls ----------------------------------------------------------- */

static entry *entry_find(cu_table *t, cu_slice key)
{
    cu_onode *node = cu_omap_get(t->rows, key);
    entry *e = node ? cu_onode_value(node) : NULL;
    if (e)
        e->used = true;
    return e;
}

int cu_table_get(cu_table *t, cu_slice key, cu_slice *value, cu_err *err)
{
    cu_space *s = t->space;
    entry *e = entry_find(t, key);
    if (!e) {
        cu_kv *kv = s->store->kv;
        cu_slice stored;
        cu_arena_reset(s->arena);
        cu_buf_clear(&s->scratch);
        cu_space_put_key(s, t->number, key, &s->scratch);
        int rc = kv->vt->get(kv, cu_buf_slice(&s->scratch), s->arena, &stored,
                             err);
        if (rc)
            return rc;
        if (t->lean) {
            *value = stored;
            return 0;
        }
        e = entry_load(t, key, stored);
    }
    *value = current_of(e);
    return 0;
}

/* The missing keys, sorted and without duplicates: one multi_get. */
static int load_many(cu_table *t, cu_keyed *missing, size_t n, cu_err *err)
{
    cu_space *s = t->space;
    cu_kv *kv = s->store->kv;
    cu_slice *keys = cu_arena_alloc(s->arena, n * sizeof(*keys));
    cu_slice *values = cu_arena_alloc(s->arena, n * sizeof(*values));
    size_t distinct = 0;
    cu_sort_keyed(missing, n);
    for (size_t i = 0; i < n; i++) {
        if (i && cu_slice_eq(missing[i].key, missing[i - 1].key))
            continue;
        size_t len = KEY_PREFIX_BYTES + missing[i].key.len;
        cu_buf_clear(&s->scratch);
        cu_space_put_key(s, t->number, missing[i].key, &s->scratch);
        keys[distinct].data = cu_arena_dup(s->arena, s->scratch.data, len);
        keys[distinct++].len = len;
    }
    int rc = kv->vt->multi_get(kv, distinct, keys, s->arena, values, err);
    if (rc)
        return rc;
    const entry *e = NULL;
    cu_slice value = CU_NULL_SLICE;
    for (size_t i = 0, k = 0; i < n; i++) {
        bool again = i && cu_slice_eq(missing[i].key, missing[i - 1].key);
        if (!again)
            value = values[k++];
        if (!again && !t->lean) {
            e = entry_load(t, missing[i].key, value);
            value = current_of(e);
        }
        *(cu_slice *)missing[i].item = value;
    }
    return 0;
}

void cu_table_lean(cu_table *t)
{
    t->lean = true;
}

int cu_table_get_many(cu_table *t, size_t n, const cu_slice *keys,
                      cu_slice *values, cu_err *err)
{
    cu_space *s = t->space;
    cu_arena_reset(s->arena);
    cu_keyed *missing = cu_arena_alloc(s->arena, (n + 1) * sizeof(*missing));
    size_t n_missing = 0;
    for (size_t i = 0; i < n; i++) {
        entry *e = entry_find(t, keys[i]);
        if (e)
            values[i] = current_of(e);
        else
            missing[n_missing++] = (cu_keyed){.key = keys[i],
                                              .item = &values[i]};
    }
    return n_missing ? load_many(t, missing, n_missing, err) : 0;
}

void cu_table_put(cu_table *t, cu_slice key, cu_slice value)
{
    CU_ASSERT(value.data);
    set_current(entry_make(t, key, UNKNOWN), value);
}

void cu_table_put_new(cu_table *t, cu_slice key, cu_slice value)
{
    CU_ASSERT(value.data);
    set_current(entry_make(t, key, ABSENT), value);
}

void cu_table_del(cu_table *t, cu_slice key)
{
    set_current(entry_make(t, key, UNKNOWN), CU_NULL_SLICE);
}
