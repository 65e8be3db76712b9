/* What operators keep: which tables, what stands in them, how big it is per
 * entry, what makes it grow and when it goes again.
 *
 * Sizes are estimates from types alone (no data is looked at): fixed widths
 * as they are, text as 24 bytes, jsonb as 256, arrays as 64; a key costs
 * eight bytes more for its stage, partition and table.  They tell a sum per
 * group from a row per event, not megabytes.
 *
 * Two kinds of growth are told apart.  State that follows what there is now
 * (groups, rows of a table, open windows) is as big as the answer.  State
 * that follows everything that ever came ("keeps every row of …") is worth a
 * notice, with what would bound it.
 */
#include "ops/explain.h"

#include "base/assert.h"
#include "processors/operators/op.h"

/* --- sizes ---------------------------------------------------------------- */

enum {
    KEY_BYTES = 8,
    NUMERIC_BYTES = 12,
    TEXT_BYTES = 24,
    JSON_BYTES = 256,
    ARRAY_BYTES = 64
};

static int64_t type_bytes(cu_type t)
{
    size_t width = cu_type_width(t);
    if (width)
        return (int64_t)width;
    if (t.kind == CU_T_JSONB)
        return JSON_BYTES;
    if (t.kind == CU_T_ARRAY)
        return ARRAY_BYTES;
    if (t.kind == CU_T_NUMERIC)
        return NUMERIC_BYTES;
    return TEXT_BYTES;
}

static int64_t row_bytes(const cu_schema *s)
{
    int64_t n = 2 + (s->n + 7) / 8;
    for (uint32_t i = 0; i < s->n; i++)
        n += type_bytes(s->fields[i].type);
    return n;
}

static int64_t key_bytes(const cu_schema *s, const uint16_t *cols, uint32_t n)
{
    int64_t bytes = KEY_BYTES;
    for (uint32_t i = 0; i < n; i++)
        bytes += 1 + type_bytes(s->fields[cols[i]].type);
    return bytes;
}

/* --- one note ------------------------------------------------------------- */

typedef struct noting {
    cu_arena *a;
    const cu_node *n;
    cu_state_note *out;
    uint32_t count;
} noting;

static const char *columns(const noting *x, const cu_schema *s,
                           const uint16_t *cols, uint32_t n)
{
    cu_buf b = {0};
    cu_explain_columns(s, cols, n, &b);
    const char *text = cu_arena_strn(x->a, b.data, b.len);
    cu_buf_free(&b);
    return text;
}

static cu_state_note *note(noting *x, unsigned table, const char *holds,
                           const char *by, int64_t bytes, const char *per)
{
    cu_state_note *out = &x->out[x->count++];
    *out = (cu_state_note){.node = x->n,
                           .table = cu_node_state_table(x->n, table),
                           .holds = holds,
                           .by = by,
                           .bytes = bytes,
                           .per = per};
    return out;
}

static const char *interval(cu_arena *a, cu_interval iv)
{
    cu_value v = {.type = CU_TYPE(CU_T_INTERVAL), .iv = iv};
    cu_buf b = {0};
    cu_value_out(&v, NULL, &b);
    const char *text = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    return text;
}

const char *cu_explain_us(int64_t us, cu_arena *a)
{
    return interval(a, (cu_interval){.us = us});
}

/* " + 01:00:00", or nothing. */
static const char *plus(const noting *x, cu_interval iv)
{
    if (!iv.us && !iv.days && !iv.months)
        return "";
    return cu_arena_printf(x->a, " + %s", interval(x->a, iv));
}

static const char *closes(const noting *x, const cu_schema *s, uint16_t col,
                          cu_interval delay, int64_t lateness_us)
{
    cu_interval all = delay;
    all.us += lateness_us;
    return cu_arena_printf(x->a, "until the watermark passes %s%s",
                           s->fields[col].name, plus(x, all));
}

/* NULL: never. */
static const char *closing(const noting *x, const cu_closing *c,
                           const cu_schema *s, const uint16_t *cols)
{
    if (x->n->ttl_us)
        return cu_arena_printf(x->a, "until it has not changed for %s",
                               cu_explain_us(x->n->ttl_us, x->a));
    return c->on ? closes(x, s, cols[0], c->delay, c->lateness_us) : NULL;
}

/* What it takes to forget by the clock: the index, and the stamps of those
 * that have no value per key. */
static void forgetting(noting *x, unsigned index, const cu_schema *s,
                       const uint16_t *key, uint32_t n_key, bool stamps)
{
    if (!x->n->ttl_us)
        return;
    const char *by = columns(x, s, key, n_key);
    const char *until = closing(x, NULL, s, key);
    int64_t bytes = key_bytes(s, key, n_key) + 9;
    if (stamps)
        note(x, 2, "when it changed", by, bytes, "key")->until = until;
    note(x, index, "when to look at it", by, bytes, "key")->until = until;
}

/* Rows that stay for as long as they are not taken back; all that ever came,
 * when nothing takes rows back. */
static void rows_stay(noting *x, cu_state_note *s, const cu_node *of,
                      const char *until, const char *why)
{
    if (until) {
        s->until = until;
        return;
    }
    s->until = of->append_only ? "for ever" : "until it is taken back";
    if (of->append_only)
        s->notice = cu_arena_printf(x->a, "keeps every row of %s, because %s",
                                    cu_explain_origin(of, x->a), why);
}

/* --- by operator ---------------------------------------------------------- */

static int64_t call_bytes(const cu_agg_call *c)
{
    return 16 + (c->result.kind == CU_T_NUMERIC ? 16 : 0);
}

/* Values that one number cannot stand for are counted one by one. */
static bool counts_values(const cu_agg_call *c, bool append_only)
{
    switch ((cu_agg)c->func->agg) {
    case CU_AGG_MIN:
    case CU_AGG_MAX:
    case CU_AGG_FIRST:
        return !append_only;
    case CU_AGG_STRING_AGG:
    case CU_AGG_ARRAY_AGG:
    case CU_AGG_JSONB_AGG:
    case CU_AGG_JSONB_OBJECT_AGG:
    case CU_AGG_PERCENTILE_CONT:
    case CU_AGG_PERCENTILE_DISC:
    case CU_AGG_MODE:
        return true;
    default:
        return c->distinct;
    }
}

static void aggregate(noting *x)
{
    const cu_node *n = x->n, *in = n->inputs[0];
    const uint16_t *group = n->aggregate.group;
    uint32_t n_group = n->aggregate.n_group, counted = 0;
    const char *by = columns(x, in->schema, group, n_group);
    const char *until = closing(x, &n->aggregate.closing, in->schema, group);
    int64_t key = key_bytes(in->schema, group, n_group), value = 0;
    int64_t bytes = 2 * key;
    cu_buf values = {0};
    for (uint32_t i = 0; i < n->aggregate.n_calls; i++) {
        const cu_agg_call *c = &n->aggregate.calls[i];
        bytes += call_bytes(c);
        if (c->arg < 0 || !counts_values(c, in->append_only))
            continue;
        value += type_bytes(in->schema->fields[c->arg].type) + 4;
        cu_buf_printf(&values, "%s%s(%s%s)", counted++ ? ", " : "",
                      c->func->name, c->distinct ? "distinct " : "",
                      in->schema->fields[c->arg].name);
    }
    const char *what = n_group                ? "a group"
                       : n->aggregate.n_calls ? "one row"
                                              : "the row";
    cu_state_note *g = note(x, 0, what, by, bytes, n_group ? "group" : "row");
    g->until = until     ? until
               : n_group ? "while the group has rows"
                         : "for ever";
    if (counted) {
        const char *of = cu_arena_strn(x->a, values.data, values.len);
        cu_state_note *v = note(
            x, 1, cu_arena_printf(x->a, "the distinct values of %s", of), by,
            key + value / counted, "value");
        rows_stay(x, v, in, until,
                  cu_arena_printf(x->a, "%s needs its values", of));
    }
    cu_buf_free(&values);
    forgetting(x, 3, in->schema, group, n_group, false);
}

static void rank(noting *x)
{
    const cu_node *n = x->n, *in = n->inputs[0];
    const char *by = columns(x, in->schema, n->rank.partition,
                             n->rank.n_partition);
    const char *until = closing(x, &n->rank.closing, in->schema,
                                n->rank.partition);
    int64_t bytes = row_bytes(in->schema) + key_bytes(in->schema,
                                                      n->rank.partition,
                                                      n->rank.n_partition);
    for (uint32_t i = 0; i < n->rank.n_order; i++)
        bytes += type_bytes(in->schema->fields[n->rank.order[i].col].type);
    int64_t most = n->rank.limit + n->rank.offset;
    if (n->rank.limit >= 0 && in->append_only) {
        const char *holds = most == 1
                                ? "the first row"
                                : cu_arena_printf(x->a, "the first %lld rows",
                                                  (long long)most);
        cu_state_note *s = note(x, 0, holds, by, bytes, "row");
        s->until = until ? until : "while it is among them";
    } else {
        cu_state_note *s = note(x, 0, "every row, in order", by, bytes, "row");
        rows_stay(x, s, in, until, "each row has a number");
    }
    forgetting(x, 3, in->schema, n->rank.partition, n->rank.n_partition,
               !in->append_only || most != 1 || n->rank.numbered);
}

static void over(noting *x)
{
    const cu_node *n = x->n, *in = n->inputs[0];
    cu_state_note *s = note(
        x, 0, "every row with its results, in order",
        columns(x, in->schema, n->over.partition, n->over.n_partition),
        2 * row_bytes(in->schema) + 16 * (int64_t)n->over.n_calls, "row");
    rows_stay(x, s, in,
              closing(x, &n->over.closing, in->schema, n->over.partition),
              "a row that comes can change what window functions gave to "
              "others");
    forgetting(x, 3, in->schema, n->over.partition, n->over.n_partition, true);
}

static const char *of_join(const noting *x, unsigned side)
{
    const cu_node *n = x->n, *in = n->inputs[side];
    uint16_t col = side ? n->join.right_time : n->join.left_time;
    const uint16_t *keys = side ? n->join.right : n->join.left;
    if (n->ttl_us && n->join.stays[side])
        return NULL;
    const char *until = closing(x, &n->join.closing, in->schema, keys);
    if (until || col == 0 || n->kind != CU_N_JOIN)
        return until;
    /* right_time - left_time within [lower, upper] */
    cu_interval iv = {.us = side ? -n->join.lower_us : n->join.upper_us};
    return cu_arena_printf(x->a, "until the other side's watermark passes %s%s",
                           in->schema->fields[col - 1].name, plus(x, iv));
}

static void join_side(noting *x, unsigned side, const char *why)
{
    const cu_node *n = x->n, *in = n->inputs[side];
    const uint16_t *keys = side ? n->join.right : n->join.left;
    cu_state_note *s = note(
        x, side ? 2 : 1,
        side ? "right rows of keys with many" : "left rows of keys with many",
        columns(x, in->schema, keys, n->join.n_keys),
        row_bytes(in->schema) + key_bytes(in->schema, keys, n->join.n_keys),
        "row");
    rows_stay(x, s, in, of_join(x, side), why);
}

static void join(noting *x)
{
    const cu_node *n = x->n;
    const char *by = columns(x, n->inputs[0]->schema, n->join.left,
                             n->join.n_keys);
    bool half = n->join.kind == CU_JOIN_SEMI || n->join.kind == CU_JOIN_ANTI;
    int64_t key = key_bytes(n->inputs[0]->schema, n->join.left, n->join.n_keys);
    cu_state_note *head = note(x, 0, "totals, and the rows of keys with few",
                               by, key + 8, "key");
    head->until = "while the key has rows";
    if (n->kind == CU_N_LOOKUP) {
        if (!n->inputs[0]->append_only)
            join_side(x, 0, "what it met must be known when it goes");
        join_side(x, 1, "later rows of the left may meet it");
        return;
    }
    join_side(x, 0,
              n->kind == CU_N_ASOF
                  ? "a version may come that was valid at its time"
                  : "the other side may still bring rows of its key");
    if (n->kind == CU_N_ASOF)
        join_side(x, 1, "a row may come that looks back at it");
    else if (!half || n->join.residual || n->ttl_us)
        join_side(x, 1, "the other side may still bring rows of its key");
    forgetting(x, 6, n->inputs[0]->schema, n->join.left, n->join.n_keys, false);
}

static void session(noting *x)
{
    const cu_node *n = x->n, *in = n->inputs[0];
    cu_interval gap = {.us = 2 * n->session.gap_us}; /* session.c */
    const char *by = columns(x, in->schema, n->session.partition,
                             n->session.n_partition);
    const char *until = NULL;
    if (n->session.late || n->session.mode == CU_SESSION_FINAL)
        until = closes(x, in->schema, n->session.time, gap,
                       n->session.lateness_us);
    int64_t key = key_bytes(in->schema, n->session.partition,
                            n->session.n_partition);
    cu_state_note *s = note(x, 0, "rows of sessions", by,
                            key + row_bytes(in->schema), "row");
    rows_stay(x, s, in, until, "a row may come that joins two sessions");
    note(x, 1, "sessions", by, key + 24, "session")->until = s->until;
}

static void history(noting *x)
{
    const cu_node *n = x->n, *in = n->inputs[0];
    const char *by = columns(x, in->schema, n->history.key, n->history.n_key);
    int64_t key = key_bytes(in->schema, n->history.key, n->history.n_key);
    cu_state_note *s = note(x, 0, "accepted rows, by time", by,
                            key + 16 + row_bytes(in->schema), "row");
    s->until = "for ever";
    s->notice = cu_arena_printf(
        x->a, "keeps every row of %s, because history() shows all versions",
        cu_explain_origin(in, x->a));
    note(x, 1, "the latest version", by, key + 24 + row_bytes(in->schema),
         "key")
        ->until = "for ever";
}

static void normalize(noting *x)
{
    const cu_node *n = x->n;
    const cu_table_def *t = n->normalize.table;
    cu_state_note *s = note(x, 0, t->n_key ? "the row now" : "rows, counted",
                            columns(x, n->schema, t->key, t->n_key),
                            key_bytes(n->schema, t->key, t->n_key) + 4 +
                                row_bytes(n->schema),
                            t->n_key ? "key" : "row");
    s->until = "until it is deleted";
}

static void waiting(noting *x)
{
    const cu_node *n = x->n, *in = n->inputs[0];
    bool buffer = n->kind == CU_N_BUFFER;
    cu_state_note *s = note(x, 0,
                            buffer ? "rows that wait for the end of a window"
                                   : "rows that come or go at a time",
                            "", KEY_BYTES + 8 + row_bytes(in->schema), "row");
    if (buffer)
        s->until = closes(x, in->schema, n->buffer.col, n->buffer.delay,
                          n->buffer.lateness_us);
    else if (n->temporal.until)
        s->until = cu_arena_printf(
            x->a, "until the clock passes %s",
            in->schema->fields[n->temporal.until - 1].name);
    else
        s->until = cu_arena_printf(
            x->a, "until the clock passes %s",
            in->schema->fields[n->temporal.from - 1].name);
}

static void materialize(noting *x)
{
    const cu_node *n = x->n;
    const cu_view_def *v = n->materialize.view;
    if (!n->n_key && !n->single && !n->materialize.bag)
        return;
    if (n->materialize.borrows)
        return;
    const char *holds = n->materialize.bag ? "rows, counted" : "the view's row";
    cu_state_note *s = note(
        x, 0, holds, columns(x, n->schema, n->key, n->n_key),
        key_bytes(n->schema, n->key, n->n_key) + row_bytes(n->schema), "row");
    s->until = "while it is in the view";
    if (v && v->retention_us && v->retention_col)
        s->until = closes(x, n->schema, (uint16_t)(v->retention_col - 1),
                          (cu_interval){.us = v->retention_us}, 0);
}

uint32_t cu_explain_state(const cu_node *n, cu_arena *a, cu_state_note *out)
{
    noting x = {a, n, out, 0};
    switch (n->kind) {
    case CU_N_AGGREGATE:
        aggregate(&x);
        break;
    case CU_N_RANK:
        rank(&x);
        break;
    case CU_N_OVER:
        over(&x);
        break;
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
        join(&x);
        break;
    case CU_N_SESSION:
        session(&x);
        break;
    case CU_N_BUFFER:
    case CU_N_TEMPORAL:
        waiting(&x);
        break;
    case CU_N_HISTORY:
        history(&x);
        break;
    case CU_N_SURROGATE:
        note(&x, 0, "the number of a key",
             columns(&x, n->inputs[0]->schema, n->surrogate.key,
                     n->surrogate.n_key),
             key_bytes(n->inputs[0]->schema, n->surrogate.key,
                       n->surrogate.n_key) +
                 4,
             "key")
            ->until = "for ever";
        break;
    case CU_N_NORMALIZE:
        normalize(&x);
        break;
    case CU_N_MATERIALIZE:
        materialize(&x);
        break;
    default:
        break;
    }
    CU_ASSERT(x.count <= CU_STATE_NOTES);
    return x.count;
}

/* --- stages --------------------------------------------------------------- */

typedef struct names {
    cu_buf text;
    uint32_t n;
} names;

static void add_name(names *x, const char *name)
{
    size_t len = strlen(name);
    for (size_t at = 0; at + len <= x->text.len; at++)
        if (memcmp(x->text.data + at, name, len) == 0 &&
            (at == 0 || x->text.data[at - 1] == ' ') &&
            (at + len == x->text.len || x->text.data[at + len] == ' '))
            return;
    cu_buf_printf(&x->text, "%s%s", x->n++ ? " and " : "", name);
}

static bool origin(void *ctx, cu_node *n)
{
    if (n->kind == CU_N_SOURCE)
        add_name(ctx, n->source.table->name);
    else if (n->kind == CU_N_VIEW)
        add_name(ctx, n->view.view->name);
    return true;
}

const char *cu_explain_origin(const cu_node *n, cu_arena *a)
{
    names x = {0};
    cu_node_walk((cu_node *)n, origin, &x);
    const char *text = x.n ? cu_arena_strn(a, x.text.data, x.text.len)
                           : "its input";
    cu_buf_free(&x.text);
    return text;
}

typedef struct finding {
    uint32_t id;
    const cu_node *node;
} finding;

static bool find(void *ctx, cu_node *n)
{
    finding *f = ctx;
    if (n->id == f->id)
        f->node = n;
    return !f->node;
}

typedef struct walking {
    const cu_node *root; /* of the view, without exchanges */
    cu_arena *a;
    cu_state_fn *fn;
    void *ctx;
    uint64_t seen[64]; /* ids, as bits: a shared node is told once */
} walking;

static bool tell(void *ctx, cu_node *n)
{
    walking *w = ctx;
    cu_state_note notes[CU_STATE_NOTES];
    uint32_t slot = n->id / 64 % 64;
    uint64_t bit = UINT64_C(1) << (n->id % 64);
    if (n->kind == CU_N_EXCHANGE || w->seen[slot] & bit)
        return true; /* what ends in an exchange is told where it begins */
    w->seen[slot] |= bit;
    finding f = {.id = n->id};
    cu_node_walk((cu_node *)w->root, find, &f);
    uint32_t count = cu_explain_state(f.node ? f.node : n, w->a, notes);
    for (uint32_t i = 0; i < count; i++)
        w->fn(w->ctx, &notes[i]);
    return true;
}

void cu_explain_states(const cu_stage *s, cu_arena *a, cu_state_fn *fn,
                       void *ctx)
{
    walking w = {.root = s->view->root, .a = a, .fn = fn, .ctx = ctx};
    cu_node_walk((cu_node *)s->root, tell, &w);
}
