/* Which columns of a table anybody reads.
 *
 * From each source node upwards: a filter adds the columns of its condition
 * and is passed, a projection adds those of its expressions and ends the way,
 * anything else (the root of a stage, too) asks for all.  A node may have
 * several parents, so a stage's nodes are listed once first.
 */
#include "processors/plan/needed.h"

#include "base/alloc.h"

typedef struct search {
    const cu_node **nodes; /* of the stage at hand, each once */
    uint32_t n_nodes, cap;
    bool *needed;
    uint32_t n;
    bool all;
} search;

static void list(search *s, const cu_node *n)
{
    for (uint32_t i = 0; i < s->n_nodes; i++)
        if (s->nodes[i] == n)
            return;
    if (s->n_nodes == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 32;
        s->nodes = cu_realloc(s->nodes, s->cap * sizeof(*s->nodes));
    }
    s->nodes[s->n_nodes++] = n;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        list(s, n->inputs[i]);
}

static void ask(search *s, const cu_node *of);

/* What `n` asks of its input. */
static void ask_parent(search *s, const cu_node *n)
{
    switch (n->kind) {
    case CU_N_FILTER:
        cu_expr_columns(n->filter.predicate, s->needed, s->n);
        ask(s, n);
        break;
    case CU_N_PROJECT:
        for (uint32_t i = 0; i < n->schema->n; i++)
            cu_expr_columns(n->project.exprs[i], s->needed, s->n);
        break;
    default:
        s->all = true;
        break;
    }
}

/* All that is asked of `of`, whose columns are the table's. */
static void ask(search *s, const cu_node *of)
{
    s->all = s->all || of == s->nodes[0];
    for (uint32_t k = 0; k < s->n_nodes && !s->all; k++) {
        const cu_node *n = s->nodes[k];
        for (uint32_t i = 0; i < n->n_inputs; i++)
            if (n->inputs[i] == of)
                ask_parent(s, n);
    }
}

/* What the table itself computes with. */
static void ask_table(search *s, const cu_table_def *t)
{
    for (uint32_t i = 0; t->generated && i < s->n; i++)
        if (t->generated[i])
            cu_expr_columns(t->generated[i], s->needed, s->n);
    for (uint32_t i = 0; i < t->n_checks; i++)
        cu_expr_columns(t->checks[i].predicate, s->needed, s->n);
    if (t->watermark_col >= 0)
        s->needed[t->watermark_col] = true;
    for (uint32_t i = 0; i < t->n_key; i++)
        s->needed[t->key[i]] = true;
}

uint32_t cu_needed_columns(const cu_stages *stages, const cu_table_def *t,
                           bool *needed)
{
    search s = {.needed = needed, .n = t->schema->n};
    bool read = false;
    memset(needed, 0, s.n * sizeof(*needed));
    s.all = t->mode != CU_MODE_APPEND || t->letters != CU_LETTERS_NONE;
    for (uint32_t i = 0; i < stages->n && !s.all; i++) {
        const cu_stage *stage = stages->at[i];
        for (uint32_t k = 0; k < stage->n_feeds && !s.all; k++) {
            if (stage->feeds[k].table != t)
                continue;
            read = true;
            s.n_nodes = 0;
            list(&s, stage->root);
            ask(&s, stage->feeds[k].leaf);
        }
    }
    cu_free(s.nodes);
    ask_table(&s, t);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        needed[i] = needed[i] || s.all || !read;
        n += needed[i];
    }
    return n;
}
