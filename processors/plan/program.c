/* Looking things up in a program by name: tens of names, so a walk. */
#include "processors/plan/program.h"

const cu_table_def *cu_program_table(const cu_program *p, const char *name)
{
    for (uint32_t i = 0; i < p->n_tables; i++) {
        if (!strcmp(p->tables[i]->name, name))
            return p->tables[i];
    }
    return NULL;
}

const cu_view_def *cu_program_view(const cu_program *p, const char *name)
{
    for (uint32_t i = 0; i < p->n_views; i++) {
        if (!strcmp(p->views[i]->name, name))
            return p->views[i];
    }
    return NULL;
}

const char *cu_view_topic(const cu_view_def *v)
{
    return v->into && !v->topic ? v->into->topic : v->topic;
}

bool cu_view_is_named(const cu_view_def *v)
{
    return v->has_topic || v->shared;
}

bool cu_view_keeps(const cu_view_def *v)
{
    return v->n_key || v->single || v->root->materialize.bag;
}

static bool is_another(void *ctx, cu_node *n)
{
    return n->kind != CU_N_VIEW || n->view.view != ctx;
}

bool cu_view_reads(const cu_view_def *v, const cu_view_def *other)
{
    return !cu_node_walk(v->root, is_another, (void *)other);
}

bool cu_view_is_loaded(const cu_view_def *v)
{
    return v->into && v->into->server->wrapper == CU_W_POSTGRES;
}
