/* An ordered map: a B+tree over stable entries.
 *
 *     inner  [ head | sep, child ] x up to 32
 *              |            \
 *     leaf   [ head | entry ] x up to 32
 *                     |
 *     entry  <-prev- { next prev value len key... } -next-> in key order
 *
 * Callers hold entries (cu_onode), so these never move; leaves hold
 * pointers to them, and a doubly linked list joins them for scans.  A skip
 * list would touch one cache line per step, about 2 log2 n of them; this
 * tree touches four nodes for a million keys.
 *
 * Keys of one state table share long prefixes (stage, partition, table), so
 * comparing first bytes decides nothing.  Each node therefore knows how
 * many first bytes all of its keys share (`skip`) and keeps the eight bytes
 * after them as a big-endian number (`head`): a search compares the shared
 * bytes once per node, then numbers, and full keys only when heads tie.
 *
 * Invariants: (1) entries of a leaf are sorted, no leaf is empty; (2) child
 * i of an inner node holds keys in [sep i, sep i+1); sep 0 is unused;
 * (3) the first `skip` bytes of all keys (separators) of a node are equal;
 * (4) the list visits all entries in key order.
 *
 * A leaf is freed when its last entry goes; half-empty ones are not merged:
 * overlays are reset as a whole, and a few thin leaves cost nothing.
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"

enum {
    FAN = 32,
    MAX_DEPTH = 24,
    GRAIN = 16,     /* rounding of recycled memory */
    N_CLASSES = 80, /* pieces below 1280 bytes are recycled */
};

struct cu_onode {
    cu_onode *next, *prev;
    void *value;
    size_t len;
    char key[];
};

typedef struct bytes {
    char *p;
    size_t len;
} bytes;

typedef struct leaf {
    unsigned n;
    size_t skip;
    uint64_t heads[FAN];
    cu_onode *items[FAN];
} leaf;

typedef struct inner {
    unsigned n; /* children; separators are 1 .. n-1 */
    size_t skip;
    uint64_t heads[FAN];
    bytes seps[FAN]; /* own copies in the arena */
    void *children[FAN];
} inner;

typedef struct piece {
    struct piece *next;
} piece;

struct cu_omap {
    void *root; /* NULL, a leaf (depth 0) or an inner node */
    unsigned depth;
    size_t count;
    cu_onode *first, *last;
    cu_arena *memory;
    piece *spare[N_CLASSES]; /* freed pieces by size */
};

/* The way from the root: which child was taken at each inner node. */
typedef struct way {
    inner *node[MAX_DEPTH];
    unsigned index[MAX_DEPTH];
} way;

/* --- memory ------------------------------------------------------------- */

static void *piece_new(cu_omap *m, size_t size)
{
    size_t class = (size + GRAIN - 1) / GRAIN;
    if (class < N_CLASSES && m->spare[class]) {
        piece *p = m->spare[class];
        m->spare[class] = p->next;
        return p;
    }
    return cu_arena_alloc(m->memory, class * GRAIN);
}

/* Larger pieces wait for the reset. */
static void piece_free(cu_omap *m, void *at, size_t size)
{
    size_t class = (size + GRAIN - 1) / GRAIN;
    if (class >= N_CLASSES)
        return;
    piece *p = at;
    p->next = m->spare[class];
    m->spare[class] = p;
}

cu_omap *cu_omap_new(void)
{
    cu_omap *m = cu_calloc(1, sizeof(*m));
    m->memory = cu_arena_new(0);
    return m;
}

void cu_omap_free(cu_omap *m)
{
    if (!m)
        return;
    cu_arena_free(m->memory);
    cu_free(m);
}

void cu_omap_reset(cu_omap *m)
{
    cu_arena *memory = m->memory;
    cu_arena_reset(memory);
    *m = (cu_omap){.memory = memory};
}

size_t cu_omap_count(const cu_omap *m)
{
    return m->count;
}

/* --- comparing ---------------------------------------------------------- */

static size_t shared(const char *a, size_t la, const char *b, size_t lb)
{
    size_t max = la < lb ? la : lb;
    size_t n = 0;
    while (n < max && a[n] == b[n])
        n++;
    return n;
}

/* The eight bytes from `skip`, as a number that sorts like them. */
static uint64_t head_of(const char *key, size_t len, size_t skip)
{
    uint64_t head = 0;
    if (len >= skip + 8) {
        memcpy(&head, key + skip, 8);
        return __builtin_bswap64(head);
    }
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (skip + i < len ? (unsigned char)key[skip + i] : 0);
    return head;
}

static int compare(const char *a, size_t la, const char *b, size_t lb,
                   size_t skip)
{
    size_t len = la < lb ? la : lb;
    int order = len > skip ? memcmp(a + skip, b + skip, len - skip) : 0;
    return order ? order : (la > lb) - (la < lb);
}

/* Where the key stands to the bytes that a node's keys share: -1 before all
 * of them, 1 after all, 0 inside. */
static int side(cu_slice key, const char *like, size_t skip)
{
    size_t len = key.len < skip ? key.len : skip;
    int order = len ? memcmp(key.data, like, len) : 0;
    if (order)
        return order < 0 ? -1 : 1;
    return key.len < skip ? -1 : 0;
}

/* First index in [from, n) whose head is >= `head`. */
static unsigned first_head(const uint64_t *heads, unsigned from, unsigned n,
                           uint64_t head)
{
    while (from < n) {
        unsigned mid = (from + n) / 2;
        if (heads[mid] < head)
            from = mid + 1;
        else
            n = mid;
    }
    return from;
}

/* First index of the leaf whose key is >= `key`; *exact when equal. */
static unsigned leaf_find(const leaf *l, cu_slice key, bool *exact)
{
    int where = side(key, l->items[0]->key, l->skip);
    *exact = false;
    if (where)
        return where < 0 ? 0 : l->n;
    uint64_t head = head_of(key.data, key.len, l->skip);
    unsigned i = first_head(l->heads, 0, l->n, head);
    for (; i < l->n && l->heads[i] == head; i++) {
        const cu_onode *o = l->items[i];
        int order = compare(o->key, o->len, key.data, key.len, l->skip);
        if (order >= 0) {
            *exact = order == 0;
            return i;
        }
    }
    return i;
}

/* Index of the child that may hold the key. */
static unsigned inner_find(const inner *t, cu_slice key)
{
    if (t->n < 2)
        return 0;
    int where = side(key, t->seps[1].p, t->skip);
    if (where)
        return where < 0 ? 0 : t->n - 1;
    uint64_t head = head_of(key.data, key.len, t->skip);
    unsigned i = first_head(t->heads, 1, t->n, head);
    for (; i < t->n && t->heads[i] == head; i++) {
        bytes sep = t->seps[i];
        if (compare(sep.p, sep.len, key.data, key.len, t->skip) > 0)
            break;
    }
    return i - 1;
}

static leaf *descend(const cu_omap *m, cu_slice key, way *w)
{
    void *node = m->root;
    for (unsigned d = 0; d < m->depth; d++) {
        inner *t = node;
        unsigned i = inner_find(t, key);
        if (w) {
            w->node[d] = t;
            w->index[d] = i;
        }
        node = t->children[i];
    }
    return node;
}

/* --- reading ------------------------------------------------------------ */

cu_onode *cu_omap_get(const cu_omap *m, cu_slice key)
{
    bool exact;
    if (!m->root)
        return NULL;
    leaf *l = descend(m, key, NULL);
    unsigned i = leaf_find(l, key, &exact);
    return exact ? l->items[i] : NULL;
}

cu_onode *cu_omap_seek(const cu_omap *m, cu_slice key, bool after)
{
    bool exact;
    if (!m->root)
        return NULL;
    leaf *l = descend(m, key, NULL);
    unsigned i = leaf_find(l, key, &exact);
    cu_onode *o = i < l->n ? l->items[i] : l->items[l->n - 1]->next;
    return exact && after ? o->next : o;
}

cu_onode *cu_omap_before(const cu_omap *m, cu_slice key)
{
    bool exact;
    if (!key.data || !m->root)
        return m->last;
    leaf *l = descend(m, key, NULL);
    unsigned i = leaf_find(l, key, &exact);
    return i > 0 ? l->items[i - 1] : l->items[0]->prev;
}

cu_onode *cu_onode_next(const cu_onode *n)
{
    return n->next;
}

cu_slice cu_onode_key(const cu_onode *n)
{
    return cu_slice_n(n->key, n->len);
}

void *cu_onode_value(const cu_onode *n)
{
    return n->value;
}

void cu_onode_set(cu_onode *n, void *value)
{
    n->value = value;
}

/* --- heads -------------------------------------------------------------- */

/* Recomputes what the keys share and their heads; needed when a node is cut
 * or when a new key is unlike the others. */
static void leaf_heads(leaf *l)
{
    const cu_onode *a = l->items[0], *z = l->items[l->n - 1];
    l->skip = shared(a->key, a->len, z->key, z->len);
    for (unsigned i = 0; i < l->n; i++)
        l->heads[i] = head_of(l->items[i]->key, l->items[i]->len, l->skip);
}

static void inner_heads(inner *t)
{
    if (t->n < 2)
        return;
    bytes a = t->seps[1], z = t->seps[t->n - 1];
    t->skip = shared(a.p, a.len, z.p, z.len);
    for (unsigned i = 1; i < t->n; i++)
        t->heads[i] = head_of(t->seps[i].p, t->seps[i].len, t->skip);
}

_Static_assert(sizeof(inner) < GRAIN * (N_CLASSES - 1), "nodes are recycled");

#define SHIFT(array, to, from, count) \
    memmove((array) + (to), (array) + (from), (count) * sizeof((array)[0]))

static void leaf_insert(leaf *l, unsigned at, cu_onode *o)
{
    SHIFT(l->items, at + 1, at, l->n - at);
    SHIFT(l->heads, at + 1, at, l->n - at);
    l->items[at] = o;
    l->n++;
    const cu_onode *other = l->items[at == 0 ? l->n - 1 : 0];
    if (l->n > 1 && shared(other->key, other->len, o->key, o->len) >= l->skip)
        l->heads[at] = head_of(o->key, o->len, l->skip);
    else
        leaf_heads(l);
}

static void inner_insert(inner *t, unsigned at, bytes sep, void *child)
{
    SHIFT(t->children, at + 1, at, t->n - at);
    SHIFT(t->seps, at + 1, at, t->n - at);
    t->children[at] = child;
    t->seps[at] = sep;
    t->n++;
    inner_heads(t);
}

/* --- inserting ---------------------------------------------------------- */

static void link_at(cu_omap *m, cu_onode *o, cu_onode *prev)
{
    o->prev = prev;
    o->next = prev ? prev->next : m->first;
    if (o->next)
        o->next->prev = o;
    else
        m->last = o;
    if (prev)
        prev->next = o;
    else
        m->first = o;
}

/* The shortest bytes that are > `low` and <= `high`. */
static bytes separator(cu_omap *m, const cu_onode *low, const cu_onode *high)
{
    size_t len = shared(low->key, low->len, high->key, high->len) + 1;
    char *p = piece_new(m, len);
    memcpy(p, high->key, len);
    return (bytes){p, len};
}

/* Cuts a full inner node around a new child: returns the right part, *sep
 * becomes its separator.  Appending leaves the left part full. */
static inner *split_inner(cu_omap *m, inner *t, unsigned at, bytes *sep,
                          void *child)
{
    void *children[FAN + 1];
    bytes seps[FAN + 1];
    memcpy(children, t->children, at * sizeof(void *));
    memcpy(seps, t->seps, at * sizeof(bytes));
    children[at] = child;
    seps[at] = *sep;
    memcpy(children + at + 1, t->children + at, (FAN - at) * sizeof(void *));
    memcpy(seps + at + 1, t->seps + at, (FAN - at) * sizeof(bytes));

    inner *r = piece_new(m, sizeof(*r));
    t->n = at == FAN ? FAN : FAN / 2 + 1;
    r->n = FAN + 1 - t->n;
    memcpy(t->children, children, t->n * sizeof(void *));
    memcpy(t->seps, seps, t->n * sizeof(bytes));
    memcpy(r->children, children + t->n, r->n * sizeof(void *));
    memcpy(r->seps, seps + t->n, r->n * sizeof(bytes));
    *sep = seps[t->n];
    inner_heads(t);
    inner_heads(r);
    return r;
}

/* A new node on the right of the way's end needs a place above. */
static void insert_above(cu_omap *m, way *w, bytes sep, void *right)
{
    for (unsigned d = m->depth; d > 0;) {
        inner *t = w->node[--d];
        unsigned at = w->index[d] + 1;
        if (t->n < FAN) {
            inner_insert(t, at, sep, right);
            return;
        }
        right = split_inner(m, t, at, &sep, right);
    }

    inner *root = piece_new(m, sizeof(*root));
    root->n = 2;
    root->children[0] = m->root;
    root->children[1] = right;
    root->seps[1] = sep;
    inner_heads(root);
    m->root = root;
    m->depth++;
    CU_ASSERT(m->depth < MAX_DEPTH);
}

/* Cuts a full leaf around the new entry.  At the end of all keys the left
 * one stays full: rising keys fill leaves completely. */
static void split_leaf(cu_omap *m, way *w, leaf *l, unsigned at, cu_onode *o)
{
    leaf *r = piece_new(m, sizeof(*r));
    unsigned keep = o->next ? FAN / 2 : FAN;
    r->n = FAN - keep;
    memcpy(r->items, l->items + keep, r->n * sizeof(cu_onode *));
    l->n = keep;
    if (at < keep) {
        leaf_heads(l);
        leaf_heads(r);
        leaf_insert(l, at, o);
    } else {
        leaf_heads(l);
        if (r->n)
            leaf_heads(r);
        leaf_insert(r, at - keep, o);
    }
    bytes sep = separator(m, l->items[l->n - 1], r->items[0]);
    insert_above(m, w, sep, r);
}

cu_onode *cu_omap_put(cu_omap *m, cu_slice key, bool *fresh)
{
    way w;
    bool exact = false;
    unsigned at = 0;
    leaf *l = m->root;
    if (l) {
        l = descend(m, key, &w);
        at = leaf_find(l, key, &exact);
    }
    if (fresh)
        *fresh = !exact;
    if (exact)
        return l->items[at];

    cu_onode *o = piece_new(m, sizeof(*o) + key.len);
    o->value = NULL;
    o->len = key.len;
    if (key.len)
        memcpy(o->key, key.data, key.len);
    m->count++;
    if (!l) {
        link_at(m, o, NULL);
        l = m->root = piece_new(m, sizeof(*l));
        l->n = 0;
        leaf_insert(l, 0, o);
        return o;
    }
    link_at(m, o, at > 0 ? l->items[at - 1] : l->items[0]->prev);
    if (l->n < FAN)
        leaf_insert(l, at, o);
    else
        split_leaf(m, &w, l, at, o);
    return o;
}

/* --- deleting ----------------------------------------------------------- */

/* Takes an empty leaf out of its parent, and the parents that it empties. */
static void drop_leaf(cu_omap *m, way *w, leaf *l)
{
    piece_free(m, l, sizeof(*l));
    for (unsigned d = m->depth; d > 0;) {
        inner *t = w->node[--d];
        unsigned at = w->index[d];
        /* Child 0 has no separator: its right neighbour gives up its own. */
        unsigned gone = at > 0 ? at : 1;
        if (t->n > 1)
            piece_free(m, t->seps[gone].p, t->seps[gone].len);
        SHIFT(t->children, at, at + 1, t->n - at - 1);
        if (t->n > 1)
            SHIFT(t->seps, gone, gone + 1, t->n - gone - 1);
        t->n--;
        inner_heads(t);
        if (t->n > 0)
            return;
        piece_free(m, t, sizeof(*t));
    }
    m->root = NULL;
    m->depth = 0;
}

static void lower_root(cu_omap *m)
{
    while (m->depth > 0 && ((inner *)m->root)->n == 1) {
        inner *t = m->root;
        m->root = t->children[0];
        m->depth--;
        piece_free(m, t, sizeof(*t));
    }
}

bool cu_omap_del(cu_omap *m, cu_slice key)
{
    way w;
    bool exact;
    if (!m->root)
        return false;
    leaf *l = descend(m, key, &w);
    unsigned at = leaf_find(l, key, &exact);
    if (!exact)
        return false;

    cu_onode *o = l->items[at];
    if (o->prev)
        o->prev->next = o->next;
    else
        m->first = o->next;
    if (o->next)
        o->next->prev = o->prev;
    else
        m->last = o->prev;
    SHIFT(l->items, at, at + 1, l->n - at - 1);
    SHIFT(l->heads, at, at + 1, l->n - at - 1);
    l->n--;
    m->count--;
    piece_free(m, o, sizeof(*o) + o->len);
    if (l->n == 0)
        drop_leaf(m, &w, l);
    lower_root(m);
    return true;
}
