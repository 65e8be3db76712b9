/* The broker's log and its transaction coordinator.
 *
 *   partition   0    1    2    3      4    5    6
 *               a    a    b    [a]    b    b    ...     [x]: marker
 *                         |                     |
 *                         stable: b is open     end
 *
 *   id          epoch --init: +1, its open transaction aborted
 *                     --timeout: the same
 *
 * Entries are never forgotten: a check can read what readers cannot.
 */
#include "tests/simulation/broker.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { TRANSACTION_US = 10000000, SESSION_US = 10000000 };

sim_broker *sim_broker_new(cu_env *env)
{
    sim_broker *b = cu_calloc(1, sizeof(*b));
    b->env = env;
    b->arena = cu_arena_new(0);
    b->session_us = SESSION_US;
    b->transaction_us = TRANSACTION_US;
    return b;
}

void sim_broker_free(sim_broker *b)
{
    for (sim_topic *t = b->topics; t; t = t->next)
        for (int32_t i = 0; i < t->n_parts; i++)
            cu_free(t->parts[i].at);
    for (sim_group *g = b->groups; g; g = g->next) {
        while (g->members)
            sim_member_free(g->members);
        cu_free(g->positions);
    }
    cu_arena_free(b->arena);
    cu_free(b);
}

sim_topic *sim_topic_of(sim_broker *b, const char *name)
{
    for (sim_topic *t = b->topics; t; t = t->next)
        if (!t->deleted && strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

sim_part *sim_part_of(sim_broker *b, cu_part p)
{
    sim_topic *t = sim_topic_of(b, p.topic);
    return t && p.partition >= 0 && p.partition < t->n_parts
               ? &t->parts[p.partition]
               : NULL;
}

sim_id *sim_id_of(sim_broker *b, const char *name)
{
    for (sim_id *i = b->ids; i; i = i->next)
        if (strcmp(i->name, name) == 0)
            return i;
    sim_id *i = cu_arena_calloc(b->arena, 1, sizeof(*i));
    i->name = cu_arena_str(b->arena, name);
    i->next = b->ids;
    return b->ids = i;
}

sim_group *sim_group_of(sim_broker *b, const char *name)
{
    for (sim_group *g = b->groups; g; g = g->next)
        if (strcmp(g->name, name) == 0)
            return g;
    sim_group *g = cu_arena_calloc(b->arena, 1, sizeof(*g));
    g->name = cu_arena_str(b->arena, name);
    g->next = b->groups;
    return b->groups = g;
}

sim_mark *sim_position(sim_group *g, sim_part *p)
{
    for (uint32_t i = 0; i < g->n_positions; i++)
        if (g->positions[i].part == p)
            return &g->positions[i];
    return NULL;
}

void sim_position_set(sim_mark mark)
{
    sim_group *g = mark.group;
    sim_mark *m = sim_position(g, mark.part);
    if (m && m->stamp > mark.stamp)
        return;
    if (m == NULL) {
        if (g->n_positions == g->cap_positions) {
            g->cap_positions = g->cap_positions ? 2 * g->cap_positions : 16;
            g->positions = cu_realloc(g->positions,
                                      g->cap_positions * sizeof(*g->positions));
        }
        m = &g->positions[g->n_positions++];
    }
    *m = mark;
}

/* --- the log -------------------------------------------------------------- */

int64_t sim_stable(sim_part *p)
{
    while (p->stable < p->end && (p->at[p->stable].txn == NULL ||
                                  p->at[p->stable].txn->state != SIM_OPEN))
        p->stable++;
    return p->stable;
}

static sim_entry *extend(sim_part *p)
{
    if (p->end == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->at = cu_realloc(p->at, (size_t)p->cap * sizeof(*p->at));
    }
    sim_entry *e = &p->at[p->end];
    *e = (sim_entry){.r = {.part = {p->topic->name, p->n}, .offset = p->end}};
    p->end++;
    return e;
}

static void keep(cu_arena *a, cu_record *to, const cu_record *r)
{
    to->timestamp_ms = r->timestamp_ms;
    to->key = cu_arena_slice(a, r->key);
    to->value = cu_arena_slice(a, r->value);
    to->n_headers = r->n_headers;
    cu_header *h = cu_arena_calloc(a, r->n_headers + 1, sizeof(*h));
    for (uint32_t i = 0; i < r->n_headers; i++)
        h[i] = (cu_header){cu_arena_slice(a, r->headers[i].name),
                           cu_arena_slice(a, r->headers[i].value)};
    to->headers = r->n_headers ? h : NULL;
}

static void touch(sim_broker *b, sim_txn *t, sim_part *p)
{
    for (uint32_t i = 0; i < t->n_parts; i++)
        if (t->parts[i] == p)
            return;
    if (t->n_parts == t->cap_parts) {
        sim_part **old = t->parts;
        int64_t *from = t->from;
        t->cap_parts = t->cap_parts ? 2 * t->cap_parts : 8;
        t->parts = cu_arena_calloc(b->arena, t->cap_parts, sizeof(*t->parts));
        t->from = cu_arena_calloc(b->arena, t->cap_parts, sizeof(*t->from));
        if (old) {
            memcpy(t->parts, old, t->n_parts * sizeof(*old));
            memcpy(t->from, from, t->n_parts * sizeof(*from));
        }
    }
    t->from[t->n_parts] = p->end;
    t->parts[t->n_parts++] = p;
}

/* --- transactions --------------------------------------------------------- */

static bool is_old(sim_broker *b, const sim_id *id, uint64_t epoch)
{
    bool old = epoch != id->epoch && !b->unfenced;
    b->n_fenced += old;
    return old;
}

static sim_txn *open_txn(sim_broker *b, sim_id *id, uint64_t epoch)
{
    if (id->open)
        return id->open;
    sim_txn *t = cu_arena_calloc(b->arena, 1, sizeof(*t));
    t->id = id;
    t->epoch = epoch;
    t->since_us = cu_mono_us(b->env);
    return id->open = t;
}

static void finish(sim_broker *b, sim_txn *t, bool commit)
{
    if (commit && b->on_commit)
        b->on_commit(b->ctx, t);
    t->state = commit ? SIM_COMMITTED : SIM_ABORTED;
    for (uint32_t i = 0; i < t->n_parts; i++) {
        sim_entry *e = extend(t->parts[i]);
        e->control = true;
        e->txn = t;
    }
    for (uint32_t i = 0; commit && i < t->n_marks; i++)
        sim_position_set(t->marks[i]);
    t->id->open = NULL;
    t->id->last = t;
    *(commit ? &b->n_commits : &b->n_aborts) += 1;
}

uint64_t sim_init(sim_broker *b, sim_id *id)
{
    if (id->open)
        finish(b, id->open, false);
    id->last = NULL;
    id->epoch++;
    if (b->on_init)
        b->on_init(b->ctx, id);
    return id->epoch;
}

bool sim_produce(sim_broker *b, sim_id *id, uint64_t epoch, sim_part *p,
                 const cu_record *r)
{
    if (is_old(b, id, epoch))
        return false;
    sim_txn *t = open_txn(b, id, epoch);
    touch(b, t, p);
    sim_entry *e = extend(p);
    keep(b->arena, &e->r, r);
    e->txn = t;
    return true;
}

bool sim_add_mark(sim_broker *b, sim_id *id, uint64_t epoch, sim_mark m)
{
    if (is_old(b, id, epoch))
        return false;
    sim_txn *t = open_txn(b, id, epoch);
    m.stamp = ++b->stamp;
    for (uint32_t i = 0; i < t->n_marks; i++)
        if (t->marks[i].part == m.part && t->marks[i].group == m.group) {
            t->marks[i] = m;
            return true;
        }
    if (t->n_marks == t->cap_marks) {
        sim_mark *old = t->marks;
        t->cap_marks = t->cap_marks ? 2 * t->cap_marks : 8;
        t->marks = cu_arena_calloc(b->arena, t->cap_marks, sizeof(*t->marks));
        if (old)
            memcpy(t->marks, old, t->n_marks * sizeof(*old));
    }
    t->marks[t->n_marks++] = m;
    return true;
}

bool sim_end(sim_broker *b, sim_id *id, uint64_t epoch, bool commit)
{
    if (is_old(b, id, epoch))
        return false;
    if (id->open == NULL) /* said again, or it was empty */
        return id->last == NULL || (id->last->state == SIM_COMMITTED) == commit;
    finish(b, id->open, commit);
    return true;
}

bool sim_unstable(sim_broker *b, sim_group *g, sim_part *p)
{
    for (sim_id *i = b->ids; i; i = i->next)
        for (uint32_t k = 0; i->open && k < i->open->n_marks; k++)
            if (i->open->marks[k].group == g && i->open->marks[k].part == p)
                return true;
    return false;
}

/* --- time ----------------------------------------------------------------- */

static void deliver_late(sim_broker *b, int64_t now)
{
    for (sim_late **at = &b->late; *at;) {
        sim_late *l = *at;
        if (l->at_us > now) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        b->n_late++;
        if (l->epoch == l->id->epoch && l->id->open)
            finish(b, l->id->open, l->commit);
    }
}

void sim_broker_tick(sim_broker *b)
{
    int64_t now = cu_mono_us(b->env);
    if (now < b->down_until_us)
        return;
    deliver_late(b, now);
    for (sim_id *i = b->ids; i; i = i->next)
        if (i->open && now - i->open->since_us > b->transaction_us) {
            b->n_timeouts++;
            sim_init(b, i);
        }
    sim_groups_tick(b);
}

void sim_broker_restart(sim_broker *b, int64_t down_us)
{
    int64_t now = cu_mono_us(b->env);
    b->down_until_us = now + down_us;
    for (sim_group *g = b->groups; g; g = g->next)
        for (sim_member *m = g->members; m; m = m->next)
            m->heard_us = b->down_until_us;
}

static void compact(sim_part *p)
{
    int64_t stable = sim_stable(p);
    p->compacted = stable;
    for (int64_t i = p->start; i + 1 < stable; i++) {
        sim_entry *e = &p->at[i];
        if (e->control || e->gone)
            continue;
        e->gone = e->txn && e->txn->state == SIM_ABORTED;
        for (int64_t k = i + 1; k < stable && !e->gone; k++)
            e->gone = !p->at[k].control &&
                      (!p->at[k].txn || p->at[k].txn->state == SIM_COMMITTED) &&
                      cu_slice_eq(p->at[k].r.key, e->r.key);
    }
}

void sim_broker_compact(sim_broker *b)
{
    for (sim_topic *t = b->topics; t; t = t->next)
        for (int32_t i = 0; t->compact && i < t->n_parts; i++)
            compact(&t->parts[i]);
}
