/* The judge of commits: see invariants.h.  What it knows of the product is the
 * names of topics and the bytes of progress records; it keeps its own books
 * and asks no runtime.
 */
#include "tests/simulation/invariants_int.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

sim_invariants *sim_invariants_new(sim_world *w, sim_broker *b,
                                   const cu_stages *stages, bool ledger)
{
    sim_invariants *v = cu_calloc(1, sizeof(*v));
    v->w = w;
    v->broker = b;
    v->stages = stages;
    v->a = cu_arena_new(0);
    v->letters = cu_map_new();
    v->epochs = cu_map_new();
    v->ledger = ledger;
    v->at = cu_arena_calloc(v->a, stages->n + 1, sizeof(*v->at));
    for (uint32_t i = 0; i < stages->n; i++) {
        const cu_stage *s = stages->at[i];
        v->at[i] = cu_arena_calloc(v->a, (size_t)s->partitions,
                                   sizeof(*v->at[i]));
    }
    return v;
}

void sim_invariants_free(sim_invariants *v)
{
    cu_map_free(v->letters);
    cu_map_free(v->epochs);
    cu_arena_free(v->a);
    cu_free(v);
}

uint64_t sim_invariants_checks(const sim_invariants *v)
{
    return v->n_checks;
}

bool sim_holds(sim_invariants *v, bool good, const char *format, ...)
{
    v->n_checks++;
    if (good || v->w->failed) /* the first failure is the one that counts */
        return good;
    cu_arena *a = cu_arena_new(0);
    va_list ap;
    va_start(ap, format);
    sim_fail(v->w, "%s", cu_arena_vprintf(a, format, ap));
    va_end(ap);
    cu_arena_free(a);
    return false;
}

bool sim_is_progress(const sim_entry *e)
{
    return !e->control && e->r.key.len == 2 &&
           memcmp(e->r.key.data, "\xff\xff", 2) == 0;
}

const cu_stage *sim_changelog_of(const sim_invariants *v, const char *topic)
{
    for (uint32_t i = 0; i < v->stages->n; i++)
        if (strcmp(v->stages->at[i]->changelog, topic) == 0)
            return v->stages->at[i];
    return NULL;
}

/* The stage that writes a topic. */
static const cu_stage *writer_of(const sim_invariants *v, const char *topic)
{
    for (uint32_t i = 0; i < v->stages->n; i++) {
        const cu_stage *s = v->stages->at[i];
        const char *out = s->exchange_topic ? s->exchange_topic
                                            : s->view->topic;
        if (out && strcmp(out, topic) == 0)
            return s;
    }
    return NULL;
}

/* --- progress ------------------------------------------------------------- */

static sim_seen_input *seen_input(sim_invariants *v, sim_stage_part *sp,
                                  cu_part part)
{
    for (uint32_t i = 0; i < sp->n_inputs; i++)
        if (cu_part_eq(sp->inputs[i].part, part))
            return &sp->inputs[i];
    CU_ASSERT(sp->n_inputs < SIM_MOST_INPUTS);
    sim_seen_input *in = &sp->inputs[sp->n_inputs++];
    in->part = (cu_part){cu_arena_str(v->a, part.topic), part.partition};
    return in;
}

static bool is_marked(const sim_txn *t, cu_part part)
{
    for (uint32_t i = 0; i < t->n_marks; i++)
        if (t->marks[i].part->n == part.partition &&
            strcmp(t->marks[i].part->topic->name, part.topic) == 0)
            return true;
    return false;
}

static void take_progress(sim_invariants *v, sim_txn *t, const cu_stage *s,
                          int32_t n, cu_slice bytes)
{
    cu_err err = {0};
    cu_progress p;
    sim_stage_part *sp = &v->at[s->index][n];
    if (!sim_holds(v, cu_progress_decode(bytes, v->a, &p, &err) == 0,
                   "I3 %s[%d]: a progress record is no such thing: %s", s->name,
                   (int)n, err.msg))
        return;
    sim_holds(v, p.sequence == sp->sequence + 1,
              "I2 %s[%d]: commit %llu follows commit %llu", s->name, (int)n,
              (unsigned long long)p.sequence, (unsigned long long)sp->sequence);
    sim_holds(v, p.txn_id && strcmp(p.txn_id, t->id->name) == 0,
              "I7 %s[%d]: the progress of %s in a transaction of %s", s->name,
              (int)n, p.txn_id ? p.txn_id : "nobody", t->id->name);
    sp->sequence = p.sequence;
    sp->in_txn = t;
    for (uint32_t i = 0; i < p.n_inputs; i++) {
        sim_seen_input *in = seen_input(v, sp, p.inputs[i].part);
        int64_t next = p.inputs[i].next;
        sim_holds(v, next >= in->next,
                  "I4 %s[%d]: goes back in %s[%d] from %lld to %lld", s->name,
                  (int)n, in->part.topic, (int)in->part.partition,
                  (long long)in->next, (long long)next);
        sim_holds(v, next <= in->next || is_marked(t, in->part),
                  "I3 %s[%d]: moves on in %s[%d] and the group is not told",
                  s->name, (int)n, in->part.topic, (int)in->part.partition);
        in->next = next;
    }
}

/* The group stands where the slowest stage does. */
static void check_mark(sim_invariants *v, const sim_mark *m)
{
    int64_t lowest = INT64_MAX;
    cu_part part = {m->part->topic->name, m->part->n};
    for (uint32_t i = 0; i < v->stages->n; i++)
        for (int32_t n = 0; n < v->stages->at[i]->partitions; n++) {
            const sim_stage_part *sp = &v->at[i][n];
            for (uint32_t k = 0; k < sp->n_inputs; k++)
                if (cu_part_eq(sp->inputs[k].part, part) &&
                    sp->inputs[k].next < lowest)
                    lowest = sp->inputs[k].next;
        }
    sim_mark *old = sim_position(m->group, m->part);
    if (old && old->stamp > m->stamp) /* a late commit moves nothing */
        return;
    sim_holds(v, old == NULL || old->next <= m->next,
              "I4 %s[%d]: the group goes back from %lld to %lld", part.topic,
              (int)part.partition, old ? (long long)old->next : 0LL,
              (long long)m->next);
    sim_holds(v, lowest == INT64_MAX || m->next == lowest,
              "I4 %s[%d]: the group stands at %lld, the progress at %lld",
              part.topic, (int)part.partition, (long long)m->next,
              (long long)lowest);
}

/* --- letters -------------------------------------------------------------- */

static int64_t number(cu_slice s)
{
    char text[24] = "";
    if (s.len < sizeof(text))
        memcpy(text, s.data ? s.data : "", s.len);
    return strtoll(text, NULL, 10);
}

static void take_letter(sim_invariants *v, const cu_record *r)
{
    cu_slice topic = cu_record_header(r, "__streams.errors.topic");
    if (topic.data == NULL) /* nobody knows from where */
        return;
    cu_part part = {
        cu_arena_strn(v->a, topic.data, topic.len),
        (int32_t)number(cu_record_header(r, "__streams.errors.partition"))};
    int64_t offset = number(cu_record_header(r, "__streams.errors.offset"));
    cu_slice table = cu_record_header(r, "cupel.error.table");
    sim_part *p = sim_part_of(v->broker, part);
    if (!sim_holds(v, p && offset < p->end && !p->at[offset].control,
                   "I9 a letter of %s[%d]@%lld, which is no record", part.topic,
                   (int)part.partition, (long long)offset))
        return;
    if (table.data == NULL) /* of a view: its own row */
        return;
    const cu_record *source = &p->at[offset].r;
    sim_holds(v,
              cu_slice_eq(source->key, r->key) &&
                  cu_slice_eq(source->value, r->value),
              "I9 the letter of %s[%d]@%lld has other bytes: %.*s %.*s",
              part.topic, (int)part.partition, (long long)offset,
              (int)r->key.len, r->key.data, (int)r->value.len, r->value.data);
    char *id = cu_arena_printf(v->a, "%.*s/%s/%d/%lld", (int)table.len,
                               table.data, part.topic, (int)part.partition,
                               (long long)offset);
    bool fresh;
    cu_map_put(v->letters, cu_slice_of(id), &fresh);
    sim_holds(v, fresh, "I2 the letter %s stands there twice", id);
}

/* --- a commit ------------------------------------------------------------- */

static void take_changelog(sim_invariants *v, sim_txn *t, const cu_stage *s,
                           sim_part *p, int64_t from)
{
    uint32_t n = 0;
    const sim_entry *last = NULL;
    for (int64_t i = from; i < p->end; i++) {
        const sim_entry *e = &p->at[i];
        if (e->txn != t || e->control)
            continue;
        last = e;
        n += sim_is_progress(e);
    }
    if (sim_holds(v, n == 1 && last && sim_is_progress(last),
                  "I3 %s[%d]: a commit with %u progress records, or rows "
                  "behind it",
                  s->name, (int)p->n, n))
        take_progress(v, t, s, p->n, last->r.value);
}

/* Of some partition of the stage: outputs go where their keys hash to.  What a
 * stage in memory hands on (a row whose time has come) moves that one only. */
static bool has_progress(const sim_invariants *v, const sim_txn *t,
                         const cu_stage *s)
{
    for (int32_t i = 0; i < s->partitions; i++)
        if (v->at[s->index][i].in_txn == t)
            return true;
    for (uint32_t k = 0; k < s->n_feeds; k++)
        if (s->feeds[k].kind == CU_FEED_STAGE &&
            has_progress(v, t, s->feeds[k].stage))
            return true;
    return false;
}

/* Blocks of an exchange may be marks, which repeat what was said: they have
 * no rows (the number at byte 17). */
static bool has_rows(const sim_txn *t, const sim_part *p, int64_t from,
                     bool blocks)
{
    for (int64_t i = from; i < p->end; i++) {
        const sim_entry *e = &p->at[i];
        cu_scan s = cu_scan_of(e->r.value);
        if (e->txn != t || e->control)
            continue;
        if (!blocks)
            return true;
        cu_scan_bytes(&s, 17);
        if (cu_scan_u32le(&s) > 0)
            return true;
    }
    return false;
}

static void take_output(sim_invariants *v, sim_txn *t, sim_part *p,
                        int64_t from)
{
    const cu_stage *s = writer_of(v, p->topic->name);
    bool letters = strcmp(p->topic->name,
                          cu_arena_printf(v->a, "%s.dlq",
                                          v->w->program->app)) == 0;
    if (s)
        sim_holds(v,
                  has_progress(v, t, s) ||
                      !has_rows(t, p, from, s->exchange_topic != NULL),
                  "I3 %s: output in [%d] without the progress of %s",
                  p->topic->name, (int)p->n, s->name);
    for (int64_t i = from; letters && i < p->end; i++)
        if (p->at[i].txn == t && !p->at[i].control)
            take_letter(v, &p->at[i].r);
}

void sim_invariants_init(sim_invariants *v, sim_id *id)
{
    bool fresh;
    *cu_map_put(v->epochs, cu_slice_of(id->name),
                &fresh) = (void *)(uintptr_t)id->epoch;
}

void sim_invariants_commit(sim_invariants *v, sim_txn *t)
{
    void **epoch = cu_map_get(v->epochs, cu_slice_of(t->id->name));
    sim_holds(v, epoch && (uint64_t)(uintptr_t)*epoch == t->epoch,
              "I7 %s: a transaction of a fenced epoch is committed",
              t->id->name);
    if (strcmp(t->id->name, "feeder") == 0)
        return;
    for (uint32_t i = 0; i < t->n_parts; i++) {
        const cu_stage *s = sim_changelog_of(v, t->parts[i]->topic->name);
        if (s)
            take_changelog(v, t, s, t->parts[i], t->from[i]);
    }
    for (uint32_t i = 0; i < t->n_parts; i++)
        if (sim_changelog_of(v, t->parts[i]->topic->name) == NULL)
            take_output(v, t, t->parts[i], t->from[i]);
    for (uint32_t i = 0; i < t->n_marks; i++)
        check_mark(v, &t->marks[i]);
    if (v->ledger)
        sim_ledger_commit(v, t);
}

/* --- the end -------------------------------------------------------------- */

static void no_hanging(sim_invariants *v)
{
    for (sim_topic *t = v->broker->topics; t; t = t->next)
        for (int32_t i = 0; i < t->n_parts; i++)
            sim_holds(v, sim_stable(&t->parts[i]) == t->parts[i].end,
                      "I10 %s[%d]: an open transaction holds offset %lld",
                      t->name, (int)i, (long long)t->parts[i].stable);
}

void sim_invariants_end(sim_invariants *v)
{
    no_hanging(v);
    if (v->ledger)
        sim_ledger_end(v);
}
