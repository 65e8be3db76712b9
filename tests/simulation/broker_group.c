/* Groups on the simulated broker: the eager protocol, with sessions.
 *
 *   steady --join, leave, a session that ended--> preparing
 *   preparing --everybody has joined again--> steady, generation + 1
 *
 * A member hears of it at its next poll.  One whose process does not run, or
 * does not join again in time, is forgotten by the group and hears that when it
 * wakes up.  A static member that comes back takes its old place over without
 * a rebalance.
 */
#include "tests/simulation/broker.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { REBALANCE_US = 60000000 };

static bool before(const sim_member *a, const sim_member *b)
{
    if (a->instance && b->instance)
        return strcmp(a->instance, b->instance) < 0;
    if (a->instance || b->instance)
        return a->instance != NULL;
    return a->id < b->id;
}

static bool subscribed(const sim_member *m, const sim_topic *t)
{
    for (uint32_t i = 0; i < m->n_topics; i++)
        if (m->topics[i] == t)
            return true;
    return false;
}

static void give(sim_member *m, sim_part *p)
{
    if (m->n_parts == m->cap_parts) {
        m->cap_parts = m->cap_parts ? 2 * m->cap_parts : 8;
        m->parts = cu_realloc(m->parts, m->cap_parts * sizeof(*m->parts));
    }
    m->parts[m->n_parts++] = p;
}

static void assign_topic(sim_group *g, sim_topic *t)
{
    int32_t n = 0, at = 0;
    for (sim_member *m = g->members; m; m = m->next)
        n += subscribed(m, t);
    if (n == 0)
        return;
    int32_t share = t->n_parts / n, extra = t->n_parts % n;
    for (sim_member *m = g->members; m; m = m->next) {
        if (!subscribed(m, t))
            continue;
        for (int32_t k = share + (extra-- > 0); k > 0; k--)
            give(m, &t->parts[at++]);
    }
}

static void try_assign(sim_broker *b, sim_group *g)
{
    for (sim_member *m = g->members; m; m = m->next)
        if (!m->joined)
            return;
    g->preparing = false;
    g->generation++;
    b->n_rebalances++;
    for (sim_member *m = g->members; m; m = m->next) {
        m->n_parts = 0;
        m->joined = m->told = false;
        m->generation = g->generation;
    }
    for (sim_topic *t = b->topics; t; t = t->next)
        if (!t->deleted)
            assign_topic(g, t);
}

static void prepare(sim_broker *b, sim_group *g)
{
    if (!g->preparing) {
        g->preparing = true;
        g->since_us = cu_mono_us(b->env);
    }
    try_assign(b, g);
}

static void forget(sim_member *m)
{
    for (sim_member **at = &m->group->members; *at; at = &(*at)->next)
        if (*at == m) {
            *at = m->next;
            break;
        }
    m->group = NULL;
}

/* A younger member of the same name: it has what the old one had. */
static bool take_over(sim_broker *b, sim_group *g, sim_member *m)
{
    sim_member *old = g->members;
    while (old && !(old->instance && m->instance &&
                    strcmp(old->instance, m->instance) == 0))
        old = old->next;
    if (old == NULL)
        return false;
    for (uint32_t i = 0; i < old->n_parts; i++)
        give(m, old->parts[i]);
    m->generation = old->generation;
    m->joined = g->preparing;
    m->next = old->next;
    for (sim_member **at = &g->members; *at; at = &(*at)->next)
        if (*at == old) {
            *at = m;
            break;
        }
    old->group = NULL;
    old->replaced = true;
    if (old->client == NULL)
        sim_member_free(old);
    if (g->preparing)
        try_assign(b, g);
    return true;
}

static void enter(sim_broker *b, sim_member *m, sim_group *g)
{
    m->id = ++b->next_member;
    m->group = g;
    m->heard_us = cu_mono_us(b->env);
    m->joined = m->told = false;
    m->n_parts = 0;
    if (take_over(b, g, m))
        return;
    sim_member **at = &g->members;
    while (*at && before(*at, m))
        at = &(*at)->next;
    m->next = *at;
    *at = m;
    m->joined = true;
    prepare(b, g);
}

sim_member *sim_join(sim_broker *b, const cu_reader_opts *o, void *client)
{
    sim_member *m = cu_calloc(1, sizeof(*m));
    m->client = client;
    m->instance = o->instance ? cu_arena_str(b->arena, o->instance) : NULL;
    m->topics = cu_calloc(o->n_topics + 1, sizeof(*m->topics));
    for (size_t i = 0; i < o->n_topics; i++)
        m->topics[m->n_topics++] = sim_topic_of(b, o->topics[i]);
    enter(b, m, sim_group_of(b, o->group));
    return m;
}

void sim_rejoin(sim_broker *b, sim_member *m, const char *group)
{
    m->heard_us = cu_mono_us(b->env);
    if (m->group == NULL) {
        enter(b, m, sim_group_of(b, group));
        return;
    }
    m->joined = true;
    prepare(b, m->group);
}

void sim_leave(sim_broker *b, sim_member *m)
{
    sim_group *g = m->group;
    if (g == NULL)
        return;
    forget(m);
    prepare(b, g);
}

void sim_member_free(sim_member *m)
{
    if (m->group)
        forget(m);
    cu_free(m->topics);
    cu_free(m->parts);
    cu_free(m);
}

bool sim_is_current(const sim_group *g, uint64_t member, uint64_t generation)
{
    if (g->generation != generation)
        return false;
    for (const sim_member *m = g->members; m; m = m->next)
        if (m->id == member)
            return true;
    return false;
}

static bool is_gone(sim_broker *b, sim_group *g, sim_member *m, int64_t now)
{
    if (m->client && (b->alive == NULL || b->alive(m->client)))
        m->heard_us = now;
    if (now - m->heard_us > b->session_us)
        return true;
    return g->preparing && !m->joined && now - g->since_us > REBALANCE_US;
}

void sim_groups_tick(sim_broker *b)
{
    int64_t now = cu_mono_us(b->env);
    for (sim_group *g = b->groups; g; g = g->next) {
        bool changed = false;
        for (sim_member *m = g->members, *next; m; m = next) {
            next = m->next;
            if (!is_gone(b, g, m, now))
                continue;
            bool orphan = m->client == NULL;
            forget(m);
            if (orphan) /* its process died without a word */
                sim_member_free(m);
            changed = true;
        }
        if (changed)
            prepare(b, g);
    }
}
