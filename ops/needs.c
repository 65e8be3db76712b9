/* The topics of an app and what it does with each, from its program and its
 * stages.  One topic may be named several times (a view's topic that another
 * pipeline's table reads, a dead letter topic of two tables): it is one need
 * with all that is done with it. */
#include "ops/needs.h"

#include "processors/runtime/layout.h"

#include <stdlib.h>

typedef struct list {
    cu_arena *a;
    cu_needs *to;
    uint32_t cap;
} list;

static void need(list *l, const char *topic, cu_need_role role,
                 const char *whose, unsigned how)
{
    cu_needs *to = l->to;
    if (topic == NULL)
        return;
    for (uint32_t i = 0; i < to->n; i++)
        if (strcmp(to->at[i].topic, topic) == 0) {
            to->at[i].how |= how;
            return;
        }
    if (to->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 32;
        cu_need *more = cu_arena_calloc(l->a, l->cap, sizeof(*more));
        if (to->n)
            memcpy(more, to->at, to->n * sizeof(*more));
        to->at = more;
    }
    to->at[to->n++] = (cu_need){topic, role, whose, how};
}

static void stage_needs(list *l, const cu_stage *s)
{
    unsigned mine = CU_NEED_READ | CU_NEED_WRITE | CU_NEED_MAKE;
    for (uint32_t i = 0; i < s->n_feeds; i++)
        if (s->feeds[i].kind == CU_FEED_TABLE)
            need(l, s->feeds[i].topic, CU_NEED_INPUT, s->feeds[i].table->name,
                 CU_NEED_READ);
    if (s->exchange_topic)
        need(l, s->exchange_topic, CU_NEED_EXCHANGE, s->name,
             mine | CU_NEED_TRIM);
    need(l, s->changelog, CU_NEED_CHANGELOG, s->name, mine | CU_NEED_COMPACT);
}

static void table_needs(list *l, const cu_table_def *t)
{
    bool collected = t->http || t->files;
    need(l, t->dead_letter_topic, CU_NEED_LETTERS, t->name,
         CU_NEED_WRITE | CU_NEED_MAKE);
    l->to->owns = l->to->owns || collected;
    if (t->letters != CU_LETTERS_NONE)
        return; /* read by a stage, made by who writes it */
    if (t->is_sink)
        need(l, t->topic, CU_NEED_SINK, t->name,
             CU_NEED_WRITE | CU_NEED_MAKE |
                 (t->n_key && !t->retention_ms ? CU_NEED_COMPACT : 0));
    else if (collected)
        need(l, t->topic, CU_NEED_INPUT, t->name,
             CU_NEED_READ | CU_NEED_WRITE | CU_NEED_MAKE);
    else
        need(l, t->topic, CU_NEED_INPUT, t->name, CU_NEED_READ);
}

static void view_needs(list *l, const cu_view_def *v)
{
    bool loaded = cu_view_is_loaded(v);
    unsigned how = CU_NEED_WRITE | CU_NEED_MAKE;
    if (v->n_key)
        how |= CU_NEED_COMPACT;
    if (loaded || v->n_key == 0) /* a sink, or a reset of what was said */
        how |= CU_NEED_READ;
    need(l, v->topic, CU_NEED_VIEW, v->name, how);
    need(l, v->late_topic, CU_NEED_LETTERS, v->name,
         CU_NEED_WRITE | CU_NEED_MAKE);
    l->to->owns = l->to->owns || loaded;
}

static int by_topic(const void *a, const void *b)
{
    return strcmp(((const cu_need *)a)->topic, ((const cu_need *)b)->topic);
}

void cu_needs_of(const cu_program *p, const cu_stages *s, cu_arena *a,
                 cu_needs *out)
{
    list l = {a, out, 0};
    *out = (cu_needs){0};
    for (uint32_t i = 0; i < p->n_tables; i++)
        table_needs(&l, p->tables[i]);
    for (uint32_t i = 0; i < p->n_views; i++)
        view_needs(&l, p->views[i]);
    for (uint32_t i = 0; i < s->n; i++)
        stage_needs(&l, s->at[i]);
    need(&l, cu_arena_printf(a, "%s.dlq", p->app), CU_NEED_LETTERS, p->app,
         CU_NEED_WRITE | CU_NEED_MAKE);
    need(&l, cu_layout_topic(p->app, a), CU_NEED_LAYOUT, p->app,
         CU_NEED_READ | CU_NEED_MAKE | CU_NEED_COMPACT);
    if (out->owns)
        need(&l, cu_arena_printf(a, "%s.collectors", p->app), CU_NEED_CURSORS,
             p->app,
             CU_NEED_READ | CU_NEED_WRITE | CU_NEED_MAKE | CU_NEED_COMPACT);
    qsort(out->at, out->n, sizeof(*out->at), by_topic);
}

const char *cu_need_name(const cu_need *n, cu_arena *a)
{
    static const char *const names[] = {
        [CU_NEED_INPUT] = "input of table",
        [CU_NEED_VIEW] = "topic of view",
        [CU_NEED_SINK] = "topic of table",
        [CU_NEED_LETTERS] = "letters of",
        [CU_NEED_CHANGELOG] = "changelog of stage",
        [CU_NEED_EXCHANGE] = "exchange of stage",
        [CU_NEED_CURSORS] = "cursors of",
        [CU_NEED_LAYOUT] = "layout of"};
    return cu_arena_printf(a, "%s %s", names[n->role], n->whose);
}
