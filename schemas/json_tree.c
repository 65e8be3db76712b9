/* Declared columns as a tree of the names on their paths.
 *
 * Looking a name up is the second largest cost of decoding, and records of
 * a topic are nearly all written by one program: the k-th member has the
 * name that the k-th member had before.  So a node keeps a guess per
 * position, and a lookup is one comparison of bytes; a miss falls back to a
 * hash table and corrects the guess.  Names that are not declared are
 * guessed as well.
 */
#include "schemas/json_tree.h"

cu_json_tree *cu_json_tree_new(cu_arena *a)
{
    cu_json_tree *t = cu_arena_calloc(a, 1, sizeof(*t));
    t->arena = a;
    t->root = cu_arena_calloc(a, 1, sizeof(*t->root));
    t->root->name = CU_NULL_SLICE;
    return t;
}

static cu_jnode *child(cu_json_tree *t, cu_jnode *from, cu_slice name,
                       uint32_t index)
{
    for (cu_jnode *i = from->child; i; i = i->next)
        if (cu_slice_eq(i->name, name) && i->index == index)
            return i;
    cu_jnode *n = cu_arena_calloc(t->arena, 1, sizeof(*n));
    n->name = cu_arena_slice(t->arena, name);
    n->index = index;
    n->next = from->child;
    from->child = n;
    return n;
}

cu_jnode *cu_json_tree_member(cu_json_tree *t, cu_jnode *from, cu_slice name)
{
    return child(t, from, name, 0);
}

cu_jnode *cu_json_tree_at(cu_json_tree *t, cu_jnode *from, const cu_path *path)
{
    for (uint32_t i = 0; i < path->n; i++) {
        const cu_path_step *s = &path->steps[i];
        from = child(t, from, s->name, s->name.data ? 0 : s->index);
    }
    return from;
}

void cu_json_tree_want(cu_json_tree *t, cu_jnode *at, uint32_t slot)
{
    uint32_t *slots = cu_arena_calloc(t->arena, at->n_slots + 1,
                                      sizeof(*slots));
    if (at->n_slots)
        memcpy(slots, at->slots, at->n_slots * sizeof(*slots));
    slots[at->n_slots++] = slot;
    at->slots = slots;
}

static void build_table(cu_json_tree *t, cu_jnode *n, uint32_t members)
{
    uint32_t size = 4;
    while (size < members * 2)
        size *= 2;
    n->mask = size - 1;
    n->table = cu_arena_calloc(t->arena, size, sizeof(cu_jnode *));
    for (cu_jnode *i = n->child; i; i = i->next) {
        if (!i->name.data)
            continue;
        uint32_t at = (uint32_t)cu_hash(i->name) & n->mask;
        while (n->table[at])
            at = (at + 1) & n->mask;
        n->table[at] = i;
    }
    n->n_guesses = CU_GUESSES;
    n->guesses = cu_arena_calloc(t->arena, n->n_guesses, sizeof(cu_guess));
}

/* Depth is bounded by CU_PATH_STEPS and the envelope's few names. */
static void seal(cu_json_tree *t, cu_jnode *n)
{
    uint32_t members = 0;
    n->leaf = !n->child;
    n->simple = n->leaf && n->n_slots == 1;
    for (cu_jnode *i = n->child; i; i = i->next) {
        members += i->name.data != NULL;
        n->elements |= i->name.data == NULL;
        seal(t, i);
    }
    n->members = members > 0;
    if (n->members)
        build_table(t, n, members);
}

void cu_json_tree_seal(cu_json_tree *t)
{
    seal(t, t->root);
}

cu_jnode *cu_jnode_member(const cu_jnode *n, cu_slice name)
{
    uint32_t at = (uint32_t)cu_hash(name) & n->mask;
    for (; n->table[at]; at = (at + 1) & n->mask)
        if (cu_slice_eq(n->table[at]->name, name))
            return n->table[at];
    return NULL;
}

cu_jnode *cu_jnode_element(const cu_jnode *n, uint32_t index)
{
    for (cu_jnode *i = n->child; i; i = i->next)
        if (!i->name.data && i->index == index)
            return i;
    return NULL;
}

void cu_jnode_learn(cu_jnode *n, uint32_t at, cu_slice name, cu_jnode *to)
{
    if (at >= n->n_guesses || name.len > CU_GUESS_NAME)
        return;
    cu_guess *g = &n->guesses[at];
    g->to = to;
    g->len = (uint32_t)name.len + 3;
    g->text[0] = '"';
    memcpy(g->text + 1, name.data, name.len);
    memcpy(g->text + 1 + name.len, "\":", 2);
}

void cu_jnode_forget(const cu_jnode *n, cu_raw *slots)
{
    for (const cu_jnode *i = n->child; i; i = i->next) {
        for (uint32_t k = 0; k < i->n_slots; k++)
            slots[i->slots[k]].kind = CU_RAW_ABSENT;
        cu_jnode_forget(i, slots);
    }
}
