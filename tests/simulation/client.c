/* Topics, offsets and groups as a client asks for them. */
#include "tests/simulation/client.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { DEADLINE_US = 30000000, LEAST_BYTES = 16 << 20 };

/* Not "committed": only whoever finds its inputs purged asks for that. */
const char *const sim_points[] = {
    "topics", "ends",   "offsets", "purge", "fence",   "init",
    "join",   "seek",   "poll",    "read",  "produce", "flushed",
    "marks",  "marked", "end",     "ended", "abort",   NULL,
};
sim_client_sabotage sim_client_broken;

int sim_dead(cu_err *err)
{
    return cu_fail(err, CU_STOPPED, CU_FATAL, "the process was killed");
}

int sim_down(cu_err *err)
{
    return cu_fail(err, CU_NETWORK, CU_RETRY, "no broker answers");
}

int sim_no_part(cu_part p, cu_err *err)
{
    return cu_fail(err, CU_NOT_FOUND, 0, "there is no %s[%d]", p.topic,
                   (int)p.partition);
}

sim_fate sim_pass(sim_client *c, const char *point)
{
    if (c->dead)
        return SIM_KILLED;
    sim_broker_tick(c->broker);
    sim_fate f = c->point ? c->point(c->ctx, point) : SIM_GO;
    if (f == SIM_KILLED)
        c->dead = true;
    return c->dead ? SIM_KILLED : f;
}

void sim_wait(sim_client *c, int64_t us)
{
    if (c->wait)
        c->wait(c->ctx, us);
    else
        cu_env_sim_advance(c->env, us);
    sim_broker_tick(c->broker);
}

bool sim_reach(sim_client *c, int64_t us)
{
    int64_t until = cu_mono_us(c->env) + us;
    while (!c->dead && cu_mono_us(c->env) < c->broker->down_until_us) {
        if (cu_mono_us(c->env) >= until)
            return false;
        sim_wait(c, 20000);
    }
    return true;
}

/* One request: 0, or why there was no answer. */
static int ask(cu_log *log, const char *point, cu_err *err)
{
    sim_client *c = (sim_client *)log;
    sim_fate f = sim_pass(c, point);
    if (f == SIM_KILLED)
        return sim_dead(err);
    bool up = sim_reach(c, DEADLINE_US);
    if (c->dead)
        return sim_dead(err);
    if (!up)
        return sim_down(err);
    return f == SIM_NO_REQUEST
               ? cu_fail(err, CU_TIMEOUT, CU_RETRY, "%s: no answer", point)
               : 0;
}

static int topic_ensure(cu_log *log, const cu_topic_spec *s, cu_err *err)
{
    sim_client *c = (sim_client *)log;
    int rc = ask(log, "topics", err);
    if (rc)
        return rc;
    int32_t n = s->partitions > 0 ? s->partitions : 1;
    sim_topic *t = sim_topic_of(c->broker, s->name);
    if (t && t->n_parts != n)
        return cu_fail(err, CU_EXISTS, 0, "topic %s has %d partitions", s->name,
                       (int)t->n_parts);
    if (t)
        return 0;
    cu_arena *a = c->broker->arena;
    t = cu_arena_calloc(a, 1, sizeof(*t));
    t->name = cu_arena_str(a, s->name);
    t->n_parts = n;
    t->compact = s->compact;
    t->retention_ms = s->retention_ms;
    t->max_record_bytes = s->max_record_bytes ? s->max_record_bytes
                                              : LEAST_BYTES;
    t->parts = cu_arena_calloc(a, (size_t)n, sizeof(*t->parts));
    for (int32_t i = 0; i < n; i++) {
        t->parts[i].topic = t;
        t->parts[i].n = i;
    }
    sim_topic **at = &c->broker->topics;
    while (*at && strcmp((*at)->name, t->name) < 0)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
    return 0;
}

static int topic_list(cu_log *log, cu_arena *a, cu_topic_list *out, cu_err *err)
{
    sim_client *c = (sim_client *)log;
    size_t n = 0;
    int rc = ask(log, "topics", err);
    if (rc)
        return rc;
    for (sim_topic *t = c->broker->topics; t; t = t->next)
        n += !t->deleted;
    *out = (cu_topic_list){cu_arena_calloc(a, n + 1, sizeof(*out->topics)), 0};
    for (sim_topic *t = c->broker->topics; t; t = t->next)
        if (!t->deleted)
            out->topics[out->n++] = (cu_topic_info){
                .name = t->name,
                .partitions = t->n_parts,
                .compact = t->compact,
                .deletes = t->retention_ms > 0,
                .retention_ms = t->retention_ms,
                .max_record_bytes = t->max_record_bytes};
    return 0;
}

static int topic_delete(cu_log *log, const char *name, cu_err *err)
{
    sim_topic *t = sim_topic_of(((sim_client *)log)->broker, name);
    if (t == NULL)
        return sim_no_part((cu_part){name, 0}, err);
    t->deleted = true;
    return 0;
}

static int find(cu_log *log, const char *point, cu_part part, sim_part **p,
                cu_err *err)
{
    int rc = ask(log, point, err);
    if (rc)
        return rc;
    *p = sim_part_of(((sim_client *)log)->broker, part);
    return *p ? 0 : sim_no_part(part, err);
}

static int delete_records(cu_log *log, cu_part part, int64_t before,
                          cu_err *err)
{
    sim_part *p;
    int rc = find(log, "purge", part, &p, err);
    if (rc == 0 && before > p->start)
        p->start = before < p->end ? before : p->end;
    return rc;
}

static int end_offset(cu_log *log, cu_part part, bool uncommitted, int64_t *off,
                      cu_err *err)
{
    sim_part *p;
    int rc = find(log, "ends", part, &p, err);
    if (rc == 0)
        *off = uncommitted ? p->end : sim_stable(p);
    return rc;
}

static int offset_at(cu_log *log, cu_part part, int64_t at_ms, int64_t *off,
                     cu_err *err)
{
    sim_part *p;
    int rc = find(log, "offsets", part, &p, err);
    if (rc)
        return rc;
    *off = at_ms == CU_OLDEST ? p->start : sim_stable(p);
    if (at_ms == CU_OLDEST || at_ms == CU_NEWEST)
        return 0;
    for (int64_t i = p->start; i < sim_stable(p); i++)
        if (!p->at[i].control && p->at[i].txn->state == SIM_COMMITTED &&
            p->at[i].r.timestamp_ms >= at_ms) {
            *off = i;
            return 0;
        }
    return 0;
}

static int committed(cu_log *log, const char *group, cu_part part, int64_t *off,
                     cu_err *err)
{
    sim_client *c = (sim_client *)log;
    sim_part *p;
    int rc = find(log, "committed", part, &p, err);
    if (rc)
        return rc;
    sim_group *g = sim_group_of(c->broker, group);
    int64_t until = cu_mono_us(c->env) + DEADLINE_US;
    while (sim_unstable(c->broker, g, p) && !c->dead) {
        if (cu_mono_us(c->env) >= until)
            return cu_fail(err, CU_TIMEOUT, CU_RETRY,
                           "a transaction of the group is still open");
        sim_wait(c, 20000);
    }
    sim_mark *m = sim_position(g, p);
    *off = m ? m->next : CU_NO_OFFSET;
    return c->dead ? sim_dead(err) : 0;
}

static int by_part(const void *a, const void *b)
{
    const cu_position *x = a, *y = b;
    int c = strcmp(x->part.topic, y->part.topic);
    return c ? c : x->part.partition - y->part.partition;
}

static int group_positions(cu_log *log, const char *group, cu_arena *a,
                           cu_positions *out, cu_err *err)
{
    int rc = ask(log, "committed", err);
    if (rc)
        return rc;
    sim_group *g = sim_group_of(((sim_client *)log)->broker, group);
    out->at = cu_arena_calloc(a, g->n_positions + 1, sizeof(*out->at));
    out->n = g->n_positions;
    for (uint32_t i = 0; i < g->n_positions; i++) {
        const sim_mark *m = &g->positions[i];
        out->at[i] = (cu_position){{m->part->topic->name, m->part->n}, m->next};
    }
    qsort(out->at, out->n, sizeof(*out->at), by_part);
    return 0;
}

static int group_alter(cu_log *log, const char *group, const cu_positions *to,
                       cu_err *err)
{
    sim_client *c = (sim_client *)log;
    sim_group *g = sim_group_of(c->broker, group);
    if (g->members)
        return cu_fail(err, CU_BUSY, 0, "group %s has members", group);
    for (size_t i = 0; i < to->n; i++) {
        sim_part *p = sim_part_of(c->broker, to->at[i].part);
        if (p == NULL)
            return sim_no_part(to->at[i].part, err);
        sim_position_set((sim_mark){g, p, to->at[i].next, ++c->broker->stamp});
    }
    return 0;
}

static int fence(cu_log *log, const char *txn_id, cu_err *err)
{
    sim_client *c = (sim_client *)log;
    int rc = ask(log, "fence", err);
    if (rc == 0)
        sim_init(c->broker, sim_id_of(c->broker, txn_id));
    return rc;
}

static int maintain(cu_log *log, cu_err *err)
{
    (void)log, (void)err;
    return 0;
}

static void close_log(cu_log *log)
{
    (void)log; /* the world's */
}

static const cu_log_vt table = {
    .version = 1,
    .name = "simulated",
    .topic_ensure = topic_ensure,
    .topic_list = topic_list,
    .topic_delete = topic_delete,
    .delete_records = delete_records,
    .offset_at = offset_at,
    .end_offset = end_offset,
    .committed = committed,
    .group_positions = group_positions,
    .group_alter = group_alter,
    .fence = fence,
    .maintain = maintain,
    .reader_open = sim_reader_open,
    .reader_seek = sim_reader_seek,
    .reader_pause = sim_reader_pause,
    .reader_poll = sim_reader_poll,
    .reader_close = sim_reader_close,
    .writer_open = sim_writer_open,
    .begin = sim_begin,
    .append = sim_append,
    .mark = sim_mark_reader,
    .attach = sim_attach,
    .commit = sim_commit,
    .abort = sim_abort,
    .writer_close = sim_writer_close,
    .close = close_log,
};

void sim_client_init(sim_client *c, sim_broker *b, cu_env *env, sim_rng *rng)
{
    *c = (sim_client){.base = {&table}, .broker = b, .env = env, .rng = rng};
}
