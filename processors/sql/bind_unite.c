/* Equal subtrees of a plan as one node: one operator with one state, that
 * feeds several.  A CTE or plain view that is named twice in one statement,
 * both sides of a self-join, the two halves of a decorrelated subquery.
 *
 * Two nodes are equal when their hashes and their columns' names are and
 * their inputs are the same nodes; what is computed anew each time (random(),
 * gen_random_uuid()) is not shared.
 */
#include "processors/sql/bind_prune.h"

static bool changes(void *ctx, const cu_expr *e)
{
    (void)ctx;
    return cu_expr_is_volatile(e);
}

static bool same_names(const cu_node *a, const cu_node *b)
{
    if (a->n_inputs != b->n_inputs || a->schema->n != b->schema->n)
        return false;
    for (uint32_t i = 0; i < a->schema->n; i++)
        if (strcmp(a->schema->fields[i].name, b->schema->fields[i].name) != 0)
            return false;
    for (uint32_t i = 0; i < a->n_inputs; i++)
        if (a->inputs[i] != b->inputs[i])
            return false;
    return true;
}

typedef struct seen {
    cu_node *node, *stands_for; /* NULL: itself */
    uint64_t hash;
} seen;

typedef struct uniter {
    cu_sql *s;
    seen *at;
    uint32_t n;
} uniter;

/* The node that stands for `n`; inputs first, so equal trees have equal
 * inputs by address. */
static cu_node *unite(uniter *u, cu_node *n)
{
    for (uint32_t i = 0; i < u->n; i++)
        if (u->at[i].node == n)
            return u->at[i].stands_for;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        n->inputs[i] = unite(u, n->inputs[i]);
    seen me = {n, n, cu_node_hash(n)};
    bool steady = !cu_rel_tree_any(n, changes, NULL);
    for (uint32_t i = 0; steady && i < u->n; i++)
        if (u->at[i].hash == me.hash && u->at[i].stands_for == u->at[i].node &&
            same_names(u->at[i].node, n)) {
            me.stands_for = u->at[i].node;
            break;
        }
    u->at = cu_sql_grow(u->s->arena, u->at, u->n, sizeof(*u->at));
    u->at[u->n++] = me;
    return me.stands_for;
}

cu_node *cu_bind_unite(cu_sql *s, cu_node *root)
{
    uniter u = {.s = s};
    return unite(&u, root);
}
