/* Groups of readers: the range assignor and the handing over between them.
 *
 * It behaves like Kafka's eager protocol, so that the runtime has one path:
 *
 *     group   steady --join, leave, topic gone--> preparing
 *             preparing --nobody holds any more--> steady, generation + 1
 *
 *     member  free --poll: ASSIGNED--> holding --poll: REVOKED--> (still
 *             holding, so that its last marks count) --poll--> free
 *
 * A member that does not poll while others wait is evicted after a minute:
 * its partitions are lost, its marks are fenced, and it hears of it when it
 * polls again.
 *
 * Range, per topic: members in the order (static by name, then dynamic in
 * joining order) get consecutive partitions, the first ones one more.  Equal
 * partition numbers of topics with equal counts meet in one member.
 *
 * Everything here runs under both locks (local.c, 4).
 */
#include "log/local.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { EVICT_US = 60 * 1000 * 1000 };

static bool before(const cu_local_member *a, const cu_local_member *b)
{
    if (a->instance && b->instance)
        return strcmp(a->instance, b->instance) < 0;
    if (a->instance || b->instance)
        return a->instance != NULL;
    return a->id < b->id;
}

static void unlink_member(cu_local_group *g, cu_local_member *m)
{
    for (cu_local_member **at = &g->members; *at; at = &(*at)->next) {
        if (*at == m) {
            *at = m->next;
            return;
        }
    }
}

cu_local_member *cu_local_join(cu_local *l, const cu_reader_opts *o,
                               cu_local_topic **topics)
{
    cu_local_group *g = cu_local_group_get(l, o->group);
    cu_local_member *m = cu_calloc(1, sizeof(*m));
    m->group = g;
    m->instance = o->instance ? cu_strdup(o->instance) : NULL;
    m->id = ++l->next_member;
    m->topics = topics;
    m->n_topics = o->n_topics;
    for (cu_local_member *old = g->members; old && o->instance;
         old = old->next) {
        if (!old->instance || strcmp(old->instance, o->instance))
            continue;
        old->fenced = true;
        old->holding = false;
        unlink_member(g, old);
        break;
    }
    cu_local_member **at = &g->members;
    while (*at && before(*at, m))
        at = &(*at)->next;
    m->next = *at;
    *at = m;
    cu_local_rebalance(l, g);
    return m;
}

void cu_local_leave(cu_local *l, cu_local_member *m)
{
    if (!m->fenced) {
        unlink_member(m->group, m);
        cu_local_rebalance(l, m->group);
    }
    cu_free(m->instance);
    cu_free(m->topics);
    cu_free(m->parts);
    cu_free(m);
}

static bool subscribed(const cu_local_member *m, const cu_local_topic *t)
{
    for (size_t i = 0; i < m->n_topics; i++) {
        if (m->topics[i] == t)
            return !m->lost;
    }
    return false;
}

static void give(cu_local_member *m, cu_local_part *p)
{
    if (m->n_parts == m->cap_parts) {
        m->cap_parts = m->cap_parts ? m->cap_parts * 2 : 8;
        m->parts = cu_realloc(m->parts, m->cap_parts * sizeof(*m->parts));
    }
    m->parts[m->n_parts++] = p;
}

static void assign_topic(cu_local_group *g, cu_local_topic *t)
{
    int32_t n_members = 0, at = 0, extra, share;
    for (cu_local_member *m = g->members; m; m = m->next)
        n_members += subscribed(m, t);
    if (n_members == 0)
        return;
    share = t->n_parts / n_members;
    extra = t->n_parts % n_members;
    for (cu_local_member *m = g->members; m; m = m->next) {
        if (!subscribed(m, t))
            continue;
        int32_t n = share + (extra-- > 0);
        while (n-- > 0)
            give(m, &t->parts[at++]);
    }
    CU_ASSERT(at == t->n_parts);
}

/* Gives the partitions out when nobody holds any. */
static void try_assign(cu_local *l, cu_local_group *g)
{
    for (cu_local_member *m = g->members; m; m = m->next) {
        if (m->holding)
            return;
    }
    for (cu_local_member *m = g->members; m; m = m->next)
        m->n_parts = 0;
    for (size_t i = 0; i < l->n_topics; i++)
        assign_topic(g, l->sorted[i]);
    g->generation++;
    g->preparing = false;
    pthread_cond_broadcast(&l->wake);
}

void cu_local_rebalance(cu_local *l, cu_local_group *g)
{
    if (!g->preparing) {
        g->preparing = true;
        g->since_us = cu_mono_us(l->env);
    }
    try_assign(l, g);
    pthread_cond_broadcast(&l->wake);
}

void cu_local_let_go(cu_local *l, cu_local_member *m)
{
    bool again = m->lost;
    m->holding = false;
    m->lost = false;
    if (again)
        cu_local_rebalance(l, m->group);
    else if (m->group->preparing)
        try_assign(l, m->group);
}

bool cu_local_evict_due(const cu_local *l, const cu_local_group *g)
{
    return g->preparing && cu_mono_us(l->env) - g->since_us >= EVICT_US;
}

void cu_local_evict(cu_local *l, cu_local_group *g)
{
    if (!cu_local_evict_due(l, g))
        return;
    for (cu_local_member *m = g->members; m; m = m->next) {
        if (m->holding) {
            m->holding = false;
            m->lost = true;
        }
    }
    try_assign(l, g);
}

bool cu_local_holds(const cu_local_group *g, uint64_t id, uint64_t generation)
{
    for (const cu_local_member *m = g->members; m; m = m->next) {
        if (m->id == id)
            return m->holding && m->generation == generation;
    }
    return false;
}
