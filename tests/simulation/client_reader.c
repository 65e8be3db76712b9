/* A consumer whose rebalances are results of poll, as kafka_reader.c has it. */
#include "tests/simulation/client.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { RUN_RECORDS = 64, SLEEP_US = 10000 };

typedef struct owned {
    sim_part *part;
    int64_t next, told_end; /* END was told there; -1: not yet */
    bool paused;
} owned;

typedef struct reader {
    cu_reader base;
    sim_client *c;
    char *group;
    sim_member *member; /* NULL: by hand */
    owned *parts;
    cu_part *names;
    uint32_t n_parts, turn;
    uint64_t id, generation; /* of `parts` */
    bool uncommitted, leaving, killed;
    cu_record records[RUN_RECORDS];
} reader;

static void forget(reader *r)
{
    cu_free(r->parts);
    cu_free(r->names);
    r->parts = NULL;
    r->names = NULL;
    r->n_parts = 0;
}

static void take(reader *r, uint32_t n)
{
    r->parts = cu_calloc(n + 1, sizeof(*r->parts));
    r->names = cu_calloc(n + 1, sizeof(*r->names));
    r->n_parts = n;
}

static void set(reader *r, uint32_t i, sim_part *p, int64_t next, bool paused)
{
    r->parts[i] = (owned){p, next, -1, paused};
    r->names[i] = (cu_part){p->topic->name, p->n};
}

static int64_t start_of(reader *r, const sim_part *p, int64_t next)
{
    (void)r;
    if (next == CU_OLDEST)
        return p->start;
    return next == CU_NEWEST ? p->end : next;
}

int sim_reader_open(cu_log *log, const cu_reader_opts *o, cu_reader **out,
                    cu_err *err)
{
    sim_client *c = (sim_client *)log;
    sim_fate f = sim_pass(c, o->group ? "join" : "read");
    bool up = f != SIM_KILLED && sim_reach(c, 30000000);
    if (c->dead)
        return sim_dead(err);
    if (!up)
        return sim_down(err);
    for (size_t i = 0; i < o->n_topics; i++)
        if (sim_topic_of(c->broker, o->topics[i]) == NULL)
            return sim_no_part((cu_part){o->topics[i], 0}, err);
    for (size_t i = 0; i < o->n_parts; i++)
        if (sim_part_of(c->broker, o->parts[i].part) == NULL)
            return sim_no_part(o->parts[i].part, err);
    reader *r = cu_calloc(1, sizeof(*r));
    r->base.vt = log->vt;
    r->c = c;
    r->uncommitted = o->uncommitted;
    r->group = o->group ? cu_strdup(o->group) : NULL;
    if (o->group)
        r->member = sim_join(c->broker, o, c);
    else
        take(r, (uint32_t)o->n_parts);
    for (uint32_t i = 0; i < r->n_parts; i++) {
        sim_part *p = sim_part_of(c->broker, o->parts[i].part);
        set(r, i, p, start_of(r, p, o->parts[i].next), false);
        if (c->opened)
            c->opened(c->ctx, o->parts[i].part, o->parts[i].next);
    }
    *out = &r->base;
    return 0;
}

static owned *find(reader *r, cu_part part)
{
    for (uint32_t i = 0; i < r->n_parts; i++)
        if (cu_part_eq(r->names[i], part))
            return &r->parts[i];
    return NULL;
}

static int not_ours(reader *r, cu_part part, cu_err *err)
{
    return cu_fail(err, r->group ? CU_FENCED : CU_USAGE, 0,
                   "%s[%d] is not this reader's", part.topic,
                   (int)part.partition);
}

int sim_reader_seek(cu_reader *base, cu_part part, int64_t off, cu_err *err)
{
    reader *r = (reader *)base;
    owned *p = find(r, part);
    if (p == NULL)
        return not_ours(r, part, err);
    if (sim_pass(r->c, "seek") == SIM_KILLED)
        return sim_dead(err);
    p->next = start_of(r, p->part, off);
    p->told_end = -1;
    return 0;
}

int sim_reader_pause(cu_reader *base, cu_part part, bool pause, cu_err *err)
{
    reader *r = (reader *)base;
    owned *p = find(r, part);
    if (p == NULL)
        return not_ours(r, part, err);
    p->paused = pause;
    if (pause || p->next != CU_NO_OFFSET)
        return 0;
    sim_mark *m = sim_position(sim_group_of(r->c->broker, r->group), p->part);
    p->next = m ? m->next : p->part->start;
    return 0;
}

int sim_reader_generation(cu_reader *base, cu_part part, sim_group **g,
                          sim_part **p, uint64_t *member, uint64_t *generation,
                          cu_err *err)
{
    reader *r = (reader *)base;
    if (r->group == NULL)
        return cu_fail(err, CU_USAGE, 0, "a reader without a group");
    owned *o = find(r, part);
    if (o == NULL)
        return not_ours(r, part, err);
    *g = sim_group_of(r->c->broker, r->group);
    *p = o->part;
    *member = r->id;
    *generation = r->generation;
    return 0;
}

/* --- poll ----------------------------------------------------------------- */

static void tell_assigned(reader *r, cu_poll *out)
{
    sim_member *m = r->member;
    forget(r);
    take(r, m->n_parts);
    for (uint32_t i = 0; i < m->n_parts; i++)
        set(r, i, m->parts[i], CU_NO_OFFSET, true);
    m->told = true;
    r->id = m->id;
    r->generation = m->generation;
    *out = (cu_poll){
        .kind = CU_POLL_ASSIGNED, .parts = r->names, .n_parts = r->n_parts};
}

/* What the group has to say, if anything. */
static bool tell_group(reader *r, cu_poll *out)
{
    sim_member *m = r->member;
    if (r->leaving) {
        r->leaving = false;
        forget(r);
        sim_rejoin(r->c->broker, m, r->group);
    }
    if (m->group == NULL && r->parts == NULL)
        sim_rejoin(r->c->broker, m, r->group);
    bool gone = m->group == NULL;
    if (!gone && m->joined)
        return false;
    if (!gone && !m->told) {
        tell_assigned(r, out);
        return true;
    }
    /* A rebalance is heard of with the next heartbeat, not at once. */
    if (!gone && (!m->group->preparing || sim_chance(r->c->rng, 30)))
        return false;
    *out = (cu_poll){.kind = CU_POLL_REVOKED,
                     .parts = r->names,
                     .n_parts = r->n_parts,
                     .lost = gone && sim_chance(r->c->rng, 50)};
    r->leaving = true;
    return true;
}

static bool is_visible(const reader *r, const sim_entry *e)
{
    if (e->control || e->gone)
        return false;
    if (sim_client_broken == SIM_SKIP && !r->group && e->r.key.len != 2 &&
        e->r.offset % 7 == 3 && strstr(e->r.part.topic, "latest"))
        return false;
    if (sim_client_broken == SIM_DEAF && r->group && e->r.part.partition == 1)
        return false;
    return r->uncommitted || e->txn->state == SIM_COMMITTED;
}

static int read_part(reader *r, uint32_t at, cu_poll *out, cu_err *err)
{
    owned *o = &r->parts[at];
    sim_part *p = o->part;
    int64_t end = r->uncommitted ? p->end : sim_stable(p);
    *out = (cu_poll){.kind = CU_POLL_IDLE};
    if (o->next < p->start)
        return cu_fail(err, CU_HISTORY, 0,
                       "the records of %s[%d] from offset %lld on are gone",
                       p->topic->name, (int)p->n, (long long)o->next);
    uint32_t n = 0, most = 1 + sim_below(r->c->rng, RUN_RECORDS);
    while (o->next < end && n < most) {
        const sim_entry *e = &p->at[o->next++];
        if (is_visible(r, e))
            r->records[n++] = e->r;
    }
    if (n) {
        int64_t next = r->records[n - 1].offset + 1;
        o->next = next; /* what lies behind is counted at the end */
        *out = (cu_poll){.kind = CU_POLL_RECORDS,
                         .part = r->names[at],
                         .records = r->records,
                         .n = n,
                         .next = next};
    } else if (o->next >= end && o->told_end != end) {
        o->told_end = end;
        *out = (cu_poll){
            .kind = CU_POLL_END, .part = r->names[at], .next = o->next};
    }
    return 0;
}

static int read_any(reader *r, cu_poll *out, cu_err *err)
{
    *out = (cu_poll){.kind = CU_POLL_IDLE};
    for (uint32_t i = 0; i < r->n_parts; i++) {
        uint32_t at = (r->turn + i) % r->n_parts;
        if (r->parts[at].paused)
            continue;
        int rc = read_part(r, at, out, err);
        if (rc || out->kind != CU_POLL_IDLE) {
            r->turn = at + sim_below(r->c->rng, 2);
            return rc;
        }
    }
    return 0;
}

static int poll_once(reader *r, cu_poll *out, cu_err *err)
{
    if (sim_pass(r->c, r->group ? "poll" : "read") == SIM_KILLED)
        return sim_dead(err);
    *out = (cu_poll){.kind = CU_POLL_IDLE};
    if (cu_mono_us(r->c->env) < r->c->broker->down_until_us)
        return 0;
    if (r->member && r->member->replaced)
        return cu_fail(err, CU_FENCED, CU_FATAL,
                       "the group knows a newer member of the same name");
    if (r->member && tell_group(r, out))
        return 0;
    return read_any(r, out, err);
}

int sim_reader_poll(cu_reader *base, int64_t timeout_ms, cu_poll *out,
                    cu_err *err)
{
    reader *r = (reader *)base;
    int64_t until = cu_mono_us(r->c->env) + timeout_ms * 1000;
    for (;;) {
        int rc = poll_once(r, out, err);
        if (rc || out->kind != CU_POLL_IDLE || cu_mono_us(r->c->env) >= until)
            return rc;
        sim_wait(r->c, SLEEP_US);
    }
}

void sim_reader_close(cu_reader *base)
{
    reader *r = (reader *)base;
    sim_member *m = r->member;
    if (m) {
        /* A static member says nothing; a dead one neither. */
        if (!r->c->dead && m->group && m->instance == NULL)
            sim_leave(r->c->broker, m);
        m->client = NULL;
        if (m->group == NULL)
            sim_member_free(m);
    }
    forget(r);
    cu_free(r->group);
    cu_free(r);
}
