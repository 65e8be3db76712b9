/* State that several views keep: equal subtrees of different statements.
 *
 * Within a statement equal subtrees are one operator (processors/sql/
 * bind_unite.c).  Between statements they are not, because then an edit of one
 * view would change the state of another; who wants it kept once makes it a
 * shared view.  This finds where that would save something.
 */
#include "ops/explain.h"

typedef struct twice {
    cu_explaining *x;
    const cu_view_def *view; /* being explained */
    cu_twice_fn *fn;
    void *ctx;
    const cu_node *top; /* of the subtree that is looked for */
    const char *text;   /* it, printed: no ids, no addresses */
} twice;

static const char *printed(cu_arena *a, const cu_node *n)
{
    cu_buf b = {0};
    cu_node_print(n, &b);
    const char *text = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    return text;
}

static bool keeps(const cu_node *n, cu_arena *a)
{
    cu_state_note notes[CU_STATE_NOTES];
    return n->kind != CU_N_MATERIALIZE && cu_explain_state(n, a, notes) > 0;
}

static bool same(void *ctx, cu_node *n)
{
    twice *t = ctx;
    return n->kind != t->top->kind || strcmp(printed(t->x->a, n), t->text) != 0;
}

/* The first other view that has the subtree. */
static const cu_view_def *other(twice *t)
{
    const cu_program *p = t->x->p;
    for (uint32_t i = 0; i < p->n_views; i++)
        if (p->views[i] != t->view && !cu_node_walk(p->views[i]->root, same, t))
            return p->views[i];
    return NULL;
}

/* Top down; what lies below a subtree that was found is part of it. */
static void look(twice *t, const cu_node *n)
{
    if (keeps(n, t->x->a)) {
        t->top = n;
        t->text = printed(t->x->a, n);
        const cu_view_def *v = other(t);
        if (v) {
            t->fn(t->ctx, n, v);
            return;
        }
    }
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (i == 0 || n->inputs[i] != n->inputs[i - 1])
            look(t, n->inputs[i]);
}

void cu_explain_twice(cu_explaining *x, const cu_view_def *v, cu_twice_fn *fn,
                      void *ctx)
{
    twice t = {.x = x, .view = v, .fn = fn, .ctx = ctx};
    look(&t, v->root);
}
