/* A naive evaluator: versions, changes, numbers.
 *
 * The versions of a key, from all that ever happened to it: its lives end
 * with its deletes; within a life rows stand in the order of valid_at, and
 * each that differs from the one before it is a version. */
#include "tests/simulation/naive_int.h"

#include "base/alloc.h"
#include "base/assert.h"

typedef struct entry {
    int64_t at;
    cu_value *row;
} entry;

typedef struct life {
    int64_t bound, until; /* rows are valid from `bound` on */
    bool closed;
    entry *rows; /* in the order of their times, one for each */
    uint32_t n;
} life;

typedef struct history {
    sim_naive *n;
    const cu_node *node;
    const cu_schema *in;
    sim_rel *out;
    int64_t version; /* of the key at hand */
} history;

static bool same_key(const cu_node *node, const cu_value *x, const cu_value *y)
{
    for (uint32_t k = 0; k < node->history.n_key; k++)
        if (sim_cmp(&x[node->history.key[k]], &y[node->history.key[k]]))
            return false;
    return true;
}

/* But for valid_at. */
static bool unchanged(const history *h, const cu_value *x, const cu_value *y)
{
    for (uint32_t k = 0; k < h->in->n; k++)
        if (k + 1 != h->node->history.valid_at && sim_cmp(&x[k], &y[k]))
            return false;
    return true;
}

/* Of one time the later arrival stays, when it says something else. */
static void put_row(const history *h, life *l, int64_t at, cu_value *row)
{
    uint32_t i = 0;
    while (i < l->n && l->rows[i].at < at)
        i++;
    if (i < l->n && l->rows[i].at == at) {
        if (!unchanged(h, l->rows[i].row, row))
            l->rows[i].row = row;
        return;
    }
    for (uint32_t k = l->n++; k > i; k--)
        l->rows[k] = l->rows[k - 1];
    l->rows[i] = (entry){at, row};
}

static cu_value time_value(const history *h, int64_t at)
{
    uint32_t col = h->in->n + 1;
    return (cu_value){.type = h->node->schema->fields[col].type, .i8 = at};
}

/* The versions of a life: where a row differs from the version before. */
static void put_versions(history *h, const life *l)
{
    uint32_t w = h->in->n;
    cu_value *last = NULL;
    bool first = true;
    for (uint32_t i = 0; i < l->n; i++) {
        if (last && unchanged(h, last, l->rows[i].row))
            continue;
        cu_value *row = sim_row_new(h->n->a, h->node->schema->n, INT64_MIN);
        if (last)
            last[w + 2] = time_value(h, l->rows[i].at);
        memcpy(row, l->rows[i].row, w * sizeof(*row));
        row[w] = (cu_value){.type = CU_TYPE(CU_T_INT8), .i8 = ++h->version};
        row[w + 1] = time_value(h, l->rows[i].at);
        row[w + 2] = time_value(h, 0);
        row[w + 2].null = true;
        row[w + 3] = (cu_value){.type = CU_TYPE(CU_T_TEXT),
                                .s = first ? CU_LIT("I") : CU_LIT("U")};
        sim_rel_add(h->out, h->n->a, row);
        last = row;
        first = false;
    }
    if (!l->closed)
        return;
    last[w + 2] = time_value(h, l->until);
    last[w + 3].s = CU_LIT("D");
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A row that comes after a delete and says that it holds since before it holds
 * since it came. */
static life next_life(history *h, const life *before, int64_t at, int64_t clock,
                      uint32_t most)
{
    life l = {.bound = INT64_MIN};
    l.rows = cu_arena_calloc(h->n->a, most + 1, sizeof(*l.rows));
    if (before->n)
        l.bound = at < before->until ? later(clock, before->until)
                                     : before->until;
    return l;
}

static void put_key(history *h, const sim_events *events, uint32_t from)
{
    uint16_t valid_at = h->node->history.valid_at;
    const cu_value *key = events->at[from].now;
    life l = {.closed = true, .n = 0};
    h->version = 0;
    for (uint32_t i = from; i < events->n; i++) {
        const sim_event *e = &events->at[i];
        if (!same_key(h->node, e->now ? e->now : e->old, key))
            continue;
        if (!e->now) {
            if (l.closed || !h->node->history.deletes)
                continue;
            l.closed = true;
            l.until = later(e->clock, l.rows[l.n - 1].at);
            put_versions(h, &l);
            continue;
        }
        int64_t at = valid_at ? e->now[valid_at - 1].i8 : e->clock;
        if (l.closed)
            l = next_life(h, &l, at, e->clock, events->n);
        put_row(h, &l, later(at, l.bound), e->now);
    }
    if (!l.closed)
        put_versions(h, &l);
}

sim_rel *sim_eval_history(sim_naive *n, const cu_node *node)
{
    history h = {.n = n, .node = node, .in = node->inputs[0]->schema};
    sim_events events = {0};
    h.out = sim_rel_new(n, node->schema);
    sim_events_of(n, node->inputs[0], &events);
    for (uint32_t i = 0; i < events.n; i++) {
        const cu_value *now = events.at[i].now;
        bool known = now == NULL;
        for (uint32_t k = 0; k < i && !known; k++)
            known = events.at[k].now && same_key(node, events.at[k].now, now);
        if (!known)
            put_key(&h, &events, i);
    }
    return h.out;
}

/* --- changes -------------------------------------------------------------- */

static void put_change(sim_naive *n, sim_rel *r, const cu_value *row,
                       const char *op)
{
    uint32_t w = r->schema->n - 1;
    cu_value *out = sim_row_new(n->a, w + 1, INT64_MIN);
    memcpy(out, row, w * sizeof(*out));
    out[w] = (cu_value){.type = CU_TYPE(CU_T_TEXT), .s = cu_slice_of(op)};
    sim_rel_add(r, n->a, out);
}

/* Without a key nobody knows that two changes are one. */
sim_rel *sim_eval_changelog(sim_naive *n, const cu_node *node)
{
    sim_rel *r = sim_rel_new(n, node->schema);
    bool keyed = node->inputs[0]->n_key > 0;
    sim_events events = {0};
    sim_events_of(n, node->inputs[0], &events);
    for (uint32_t i = 0; i < events.n; i++) {
        const sim_event *e = &events.at[i];
        if (e->old && (!e->now || !keyed))
            put_change(n, r, e->old, "D");
        if (e->now)
            put_change(n, r, e->now, e->old && keyed ? "U" : "I");
    }
    return r;
}

/* --- numbers -------------------------------------------------------------- */

sim_rel *sim_eval_surrogate(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    uint32_t w = in->schema->n;
    int64_t given = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        cu_value *row = sim_row_new(n->a, w + 1, in->rows[i][-1].i8);
        memcpy(row, in->rows[i], w * sizeof(*row));
        row[w] = (cu_value){.type = CU_TYPE(CU_T_INT8)};
        for (uint32_t k = 0; k < i && row[w].i8 == 0; k++) {
            bool same = true;
            for (uint32_t c = 0; c < node->surrogate.n_key; c++)
                same = same && sim_cmp(&r->rows[k][node->surrogate.key[c]],
                                       &row[node->surrogate.key[c]]) == 0;
            if (same)
                row[w].i8 = r->rows[k][w].i8;
        }
        if (row[w].i8 == 0)
            row[w].i8 = ++given;
        sim_rel_add(r, n->a, row);
    }
    return r;
}
