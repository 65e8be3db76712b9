/* state_ttl: which operators of a view forget what has not changed.
 *
 *     groups, partitions     those with a key
 *     the rows of a join     of a side that a stream feeds
 *
 * A side of a join that is made of rows which tables or views keep by key
 * stays, and so does all below it: it is there to be looked up.  Windows and
 * joins in time close by the watermark, and results of one row are small.
 * What promises to remember is refused, and so are groups over snapshots:
 * these say nothing of rows that stay as they are.
 */
#include "processors/sql/bind.h"
#include "processors/sql/ddl.h"

#define DEFINITION CU_SQLSTATE('4', '2', 'P', '1', '6')

/* The rows are made of nothing but what somebody else keeps by key. */
static bool derived(const cu_node *n)
{
    if (n->kind == CU_N_NORMALIZE || n->kind == CU_N_VALUES)
        return true;
    if (n->kind == CU_N_VIEW)
        return !n->append_only;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (!derived(n->inputs[i]))
            return false;
    return n->n_inputs > 0;
}

/* The snapshot table that rows come from, of which nothing else says when they
 * are there; NULL: none. */
static const cu_table_def *snapshot_of(const cu_node *n)
{
    const cu_table_def *found = NULL;
    if (n->kind == CU_N_NORMALIZE)
        return n->normalize.table->mode == CU_MODE_SNAPSHOT ? n->normalize.table
                                                            : NULL;
    if (n->kind == CU_N_VIEW)
        return snapshot_of(n->view.view->root);
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        const cu_table_def *t = snapshot_of(n->inputs[i]);
        if (!t && n->kind != CU_N_UNION)
            return NULL;
        found = t ? t : found;
    }
    return found;
}

typedef struct ttl {
    cu_sql *s;
    const cu_opt *option;
    int64_t us;
    bool found;
} ttl;

static bool error(ttl *t, const char *hint, const char *what, const char *of)
{
    cu_sql_error(t->s, t->option->at->pos, DEFINITION, hint,
                 "option \"state_ttl\" cannot forget %s%s", what, of);
    return false;
}

/* Groups, partitions. */
static bool keyed(ttl *t, cu_node *n, uint32_t n_key, bool closes)
{
    if (n_key == 0 || closes)
        return true;
    const cu_table_def *snapshot = snapshot_of(n->inputs[0]);
    if (snapshot)
        return error(t,
                     "A snapshot says nothing of rows that stay as they are; "
                     "what is kept is as large as the table.",
                     "groups over snapshot table ", snapshot->name);
    n->ttl_us = t->us;
    t->found = true;
    return true;
}

static void join(ttl *t, cu_node *n)
{
    if (n->join.closing.on || n->join.left_time)
        return;
    for (int i = 0; i < 2; i++)
        n->join.stays[i] = n->inputs[i]->single || derived(n->inputs[i]);
    if (n->join.stays[0] && n->join.stays[1])
        return;
    n->ttl_us = t->us;
    t->found = true;
}

static bool mark_one(ttl *t, cu_node *n)
{
    switch (n->kind) {
    case CU_N_AGGREGATE:
        return keyed(t, n, n->aggregate.n_group, n->aggregate.closing.on);
    case CU_N_RANK:
        return keyed(t, n, n->rank.n_partition, n->rank.closing.on);
    case CU_N_OVER:
        return keyed(t, n, n->over.n_partition, n->over.closing.on);
    case CU_N_JOIN:
        join(t, n);
        return true;
    case CU_N_HISTORY:
        return error(t, NULL, "the versions of ", "history()");
    case CU_N_SURROGATE:
        return error(t, NULL, "the numbers of ", "surrogate()");
    default:
        return true;
    }
}

/* From the top down: a join's side that is derived stays as it is. */
static bool mark(ttl *t, cu_node *n)
{
    bool joins = n->kind == CU_N_JOIN || n->kind == CU_N_ASOF ||
                 n->kind == CU_N_LOOKUP;
    if (!mark_one(t, n))
        return false;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (!(joins && derived(n->inputs[i])) && !mark(t, n->inputs[i]))
            return false;
    return true;
}

bool cu_ddl_ttl(cu_sql *s, cu_view_def *v, const cu_opt *option)
{
    ttl t = {s, option, cu_option_int(option, 0) * 1000, false};
    if (!option->at)
        return true;
    v->state_ttl_us = t.us;
    if (!mark(&t, v->root))
        return false;
    v->root->ttl_us = t.us;
    if (t.found)
        return true;
    cu_sql_error(s, option->at->pos, DEFINITION,
                 "Windows and joins in time are forgotten by the watermark; "
                 "rows that a table or view keeps by key stay, and so does "
                 "what has no key.",
                 "option \"state_ttl\" has nothing to forget in this view");
    return false;
}
