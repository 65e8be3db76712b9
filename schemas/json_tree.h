/* Declared columns as a tree of the names on their paths.
 *
 *     $.id            slot 0        root -- id        [0]
 *     $.meta.url      slot 1             \- meta [2] -- url  [1]
 *     $.meta          slot 2
 *
 * The reader walks a record and the tree together; a name that is not in
 * the tree is checked and skipped.
 */
#ifndef CU_SCHEMAS_JSON_TREE_H
#define CU_SCHEMAS_JSON_TREE_H

#include "schemas/int.h"
#include "schemas/json_path.h"

enum {
    CU_GUESSES = 128,   /* members of an object that are predicted */
    CU_GUESS_NAME = 49, /* length of the longest predicted name */
};

typedef struct cu_jnode cu_jnode;

/* "The k-th member is spelled so and leads there": learned from the record
 * before.  64 bytes, a cache line. */
typedef struct cu_guess {
    cu_jnode *to;  /* NULL: not declared */
    uint32_t len;  /* of `text`; 0: nothing was learned yet */
    char text[52]; /* `"name":` */
} cu_guess;
_Static_assert(sizeof(cu_guess) == 64, "a guess is a cache line");

struct cu_jnode {
    uint32_t *slots; /* where this very value is noted */
    uint32_t n_slots;
    uint32_t round; /* the walk that was here last */
    bool leaf;      /* nothing below it is wanted */
    bool simple;    /* a leaf with one slot, the usual column */
    bool members, elements;
    cu_guess *guesses;
    uint32_t n_guesses;
    cu_jnode **table; /* by cu_hash of the name, open addressing */
    uint32_t mask;
    cu_slice name;
    uint32_t index;
    cu_jnode *child, *next;
};

struct cu_json_tree {
    cu_arena *arena;
    cu_jnode *root;
    uint32_t round;
};

cu_json_tree *cu_json_tree_new(cu_arena *a);
/* The node at `path` below `from`, made when new. */
cu_jnode *cu_json_tree_at(cu_json_tree *t, cu_jnode *from, const cu_path *path);
cu_jnode *cu_json_tree_member(cu_json_tree *t, cu_jnode *from, cu_slice name);
void cu_json_tree_want(cu_json_tree *t, cu_jnode *at, uint32_t slot);
/* After the last want: builds the tables for reading. */
void cu_json_tree_seal(cu_json_tree *t);
/* The node of a member / an element, NULL when it is not declared. */
cu_jnode *cu_jnode_member(const cu_jnode *n, cu_slice name);
cu_jnode *cu_jnode_element(const cu_jnode *n, uint32_t index);
/* Stores what was found as the guess for the next record. */
void cu_jnode_learn(cu_jnode *n, uint32_t at, cu_slice name, cu_jnode *to);
/* Forgets the slots of everything below: the name came once more, and the
 * last of duplicates is the one that counts. */
void cu_jnode_forget(const cu_jnode *n, cu_raw *slots);

#endif
