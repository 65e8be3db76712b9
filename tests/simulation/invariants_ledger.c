/* The ledger's views against its inputs, at every commit and at the end. */
#include "tests/simulation/invariants_int.h"

#include <stdlib.h>

/* The number behind "name": in a JSON object; INT64_MIN: null or not there. */
static int64_t field(cu_slice s, const char *name)
{
    char text[160], quoted[16];
    if (s.data == NULL || s.len >= sizeof(text))
        return INT64_MIN;
    memcpy(text, s.data, s.len);
    text[s.len] = 0;
    size_t n = strlen(name);
    quoted[0] = '"';
    memcpy(quoted + 1, name, n);
    memcpy(quoted + 1 + n, "\":", 3);
    const char *at = strstr(text, quoted);
    if (at == NULL || strncmp(at + n + 3, "null", 4) == 0)
        return INT64_MIN;
    return strtoll(at + n + 3, NULL, 10);
}

static const cu_stage *stage_of(const sim_invariants *v, const char *view)
{
    for (uint32_t i = 0; i < v->stages->n; i++)
        if (v->stages->at[i]->exchange_topic == NULL &&
            strcmp(v->stages->at[i]->view->name, view) == 0)
            return v->stages->at[i];
    CU_ASSERT(!"the ledger lacks a view");
    return NULL;
}

static sim_part *part_of(const sim_invariants *v, const char *topic, int32_t n)
{
    return sim_part_of(v->broker, (cu_part){topic, n});
}

/* Up to where a stage has applied its only input. */
static int64_t applied(const sim_invariants *v, const cu_stage *s, int32_t n)
{
    const sim_stage_part *sp = &v->at[s->index][n];
    return sp->n_inputs ? sp->inputs[0].next : 0;
}

static bool counts(const sim_entry *e)
{
    return !e->control && e->txn->state == SIM_COMMITTED;
}

/* The next row of t that goes through, before `until`. */
static const sim_entry *next_plain(sim_invariants *v, int32_t n, int64_t until)
{
    sim_part *in = part_of(v, "t", n);
    while (v->books.t_next[n] < until) {
        const sim_entry *e = &in->at[v->books.t_next[n]++];
        int64_t value = counts(e) ? field(e->r.value, "v") : -1;
        if (value >= 0 && value < 1000)
            return e;
    }
    return NULL;
}

/* plain: the rows of t, one by one, up to the progress. */
static void plain(sim_invariants *v, sim_txn *t, sim_part *p, int64_t from)
{
    int64_t until = applied(v, stage_of(v, "plain"), p->n);
    for (int64_t i = from; i < p->end; i++) {
        if (p->at[i].txn != t || p->at[i].control)
            continue;
        cu_slice have = p->at[i].r.value;
        const sim_entry *want = next_plain(v, p->n, until);
        if (!sim_holds(v,
                       want && field(have, "id") == field(want->r.value, "id"),
                       "I1 plain[%d]: row %lld of t stands where row %lld "
                       "should",
                       (int)p->n, (long long)field(have, "id"),
                       want ? (long long)field(want->r.value, "id") : -1LL))
            return;
    }
}

static void plain_is_whole(sim_invariants *v, const sim_txn *t)
{
    const cu_stage *s = stage_of(v, "plain");
    for (int32_t n = 0; n < s->partitions; n++) {
        if (v->at[s->index][n].in_txn != t)
            continue;
        const sim_entry *left = next_plain(v, n, applied(v, s, n));
        sim_holds(v, left == NULL,
                  "I8 plain[%d]: row %lld of t is read, but not there", (int)n,
                  left ? (long long)field(left->r.value, "id") : 0LL);
    }
}

/* latest: the last row of each key, in the order of the records. */
static void latest(sim_invariants *v, sim_txn *t, sim_part *p, int64_t from)
{
    sim_ledger_books *b = &v->books;
    for (int64_t i = from; i < p->end; i++) {
        if (p->at[i].txn != t || p->at[i].control)
            continue;
        int64_t id = field(p->at[i].r.value, "id");
        int64_t value = field(p->at[i].r.value, "v");
        if (id < 0 || id >= SIM_LEDGER_KEYS)
            continue;
        sim_holds(v, value > b->have[p->n][id],
                  "I11 latest[%d]: key %lld goes from record %lld to %lld",
                  (int)p->n, (long long)id, (long long)b->have[p->n][id],
                  (long long)value);
        b->have[p->n][id] = value;
    }
}

static void latest_is_right(sim_invariants *v, const sim_txn *t)
{
    const cu_stage *s = stage_of(v, "latest");
    sim_ledger_books *b = &v->books;
    for (int32_t n = 0; n < s->partitions; n++) {
        if (v->at[s->index][n].in_txn != t)
            continue;
        sim_part *in = part_of(v, "u", n);
        for (; b->u_next[n] < applied(v, s, n); b->u_next[n]++) {
            const sim_entry *e = &in->at[b->u_next[n]];
            if (counts(e))
                b->want[n][field(e->r.value, "id")] = field(e->r.value, "v");
        }
        for (int64_t k = 0; k < SIM_LEDGER_KEYS; k++)
            sim_holds(v, b->have[n][k] == b->want[n][k],
                      "I1 latest[%d]: key %lld has record %lld, not %lld",
                      (int)n, (long long)k, (long long)b->have[n][k],
                      (long long)b->want[n][k]);
    }
}

void sim_ledger_commit(sim_invariants *v, sim_txn *t)
{
    for (uint32_t i = 0; i < t->n_parts; i++) {
        sim_part *p = t->parts[i];
        if (strcmp(p->topic->name, "sim.plain") == 0)
            plain(v, t, p, t->from[i]);
        if (strcmp(p->topic->name, "sim.latest") == 0)
            latest(v, t, p, t->from[i]);
    }
    plain_is_whole(v, t);
    latest_is_right(v, t);
}

/* --- groups, at the end --------------------------------------------------- */

typedef struct totals {
    int64_t n[SIM_LEDGER_GROUPS], of[SIM_LEDGER_GROUPS];
} totals;

static void fold_groups(sim_invariants *v, const char *view, const char *of,
                        totals *out)
{
    const cu_stage *s = stage_of(v, view);
    for (int32_t n = 0; n < s->partitions; n++) {
        sim_part *p = part_of(v, s->view->topic, n);
        for (int64_t i = 0; p && i < p->end; i++) {
            const sim_entry *e = &p->at[i];
            int64_t g = counts(e) ? field(e->r.key, "g") : -1;
            if (g < 0 || g >= SIM_LEDGER_GROUPS)
                continue;
            bool there = e->r.value.data != NULL;
            out->n[g] = there ? field(e->r.value, "n") : 0;
            out->of[g] = there ? field(e->r.value, of) : 0;
        }
    }
}

static void compare(sim_invariants *v, const char *view, const totals *have,
                    const totals *want)
{
    for (int g = 0; g < SIM_LEDGER_GROUPS; g++)
        sim_holds(v, have->n[g] == want->n[g] && have->of[g] == want->of[g],
                  "I1 %s: group %d has %lld rows and %lld, not %lld and %lld",
                  view, g, (long long)have->n[g], (long long)have->of[g],
                  (long long)want->n[g], (long long)want->of[g]);
}

/* Every group of t: its rows and their sum. */
static void per_g(sim_invariants *v, uint32_t *bad)
{
    totals have = {0}, want = {0};
    for (int32_t n = 0; n < v->w->c->partitions; n++) {
        sim_part *p = part_of(v, "t", n);
        for (int64_t i = 0; i < p->end; i++) {
            if (!counts(&p->at[i]))
                continue;
            int64_t value = field(p->at[i].r.value, "v");
            int64_t g = field(p->at[i].r.value, "g");
            *bad += value >= 1000;
            if (value < 1000) {
                want.n[g]++;
                want.of[g] += value;
            }
        }
    }
    fold_groups(v, "per_g", "s", &have);
    compare(v, "per_g", &have, &want);
}

/* Every group of the last rows of u. */
static void newest(sim_invariants *v)
{
    totals have = {0}, want = {0};
    for (int64_t id = 0; id < SIM_LEDGER_KEYS; id++) {
        int64_t g = -1, value = 0;
        for (int32_t n = 0; n < v->w->c->partitions; n++) {
            sim_part *p = part_of(v, "u", n);
            for (int64_t i = 0; i < p->end; i++)
                if (counts(&p->at[i]) && field(p->at[i].r.value, "id") == id) {
                    g = field(p->at[i].r.value, "g");
                    value = field(p->at[i].r.value, "v");
                }
        }
        if (g < 0)
            continue;
        want.n[g]++;
        if (value > want.of[g])
            want.of[g] = value;
    }
    fold_groups(v, "newest", "hi", &have);
    compare(v, "newest", &have, &want);
}

void sim_ledger_end(sim_invariants *v)
{
    uint32_t bad = 0;
    per_g(v, &bad);
    newest(v);
    sim_holds(v, cu_map_count(v->letters) == bad,
              "I8 %zu letters for %u bad records", cu_map_count(v->letters),
              bad);
    for (int32_t n = 0; n < v->w->c->partitions; n++)
        for (int k = 0; k < 2; k++) {
            sim_part *in = part_of(v, k ? "u" : "t", n);
            int64_t at = applied(v, stage_of(v, k ? "latest" : "plain"), n);
            while (at < in->end && !counts(&in->at[at]))
                at++;
            sim_holds(v, at == in->end, "I17 %s[%d] is read to %lld only",
                      in->topic->name, (int)n, (long long)at);
        }
}
