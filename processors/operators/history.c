/* History: the versions of a key, each from when until when (SCD type 2).
 *
 *   input, per key          -old +new   the key's row changes
 *   (in one batch: V2 of    +new        a row of the key
 *   normalize.c)            -old        the key is gone
 *
 *   accepted rows, by (life, valid_at):      A@1   A@3   B@5   gone@9
 *   versions                                 1 A [1, 5) I      2 B [5, 9) D
 *
 * H1 A *life* of a key goes from its first row to its delete.  Its rows
 *    stand in the order of valid_at; of two with one valid_at the one that
 *    came later stays.
 * H2 The first row of a life, and every row that differs from the version
 *    before it, is a version.  The others ("silent") are kept, because a row
 *    that is put before them later makes them count.
 * H3 A life is over with its delete: nothing that comes later changes it.  A
 *    key that is back with an earlier valid_at is valid from when it came
 *    back.  So versions that are closed by a delete never change.
 * H4 A delete closes the latest version, never before that one began.
 *
 * State, table 0: key | u32 life | i64 valid_at, sign flipped -> accepted row
 *
 *   u8 1 | u8 silent | varint version | row bytes
 *
 * State, table 1: key -> head; a later row than all others needs only this
 *
 *   u8 1 | u8 closed | varint life | varint the life's first version
 *        | svarint bound | svarint last | svarint until
 *        | varint version | svarint valid_from | row bytes
 *
 * `bound`: rows of the life are valid from there at the earliest; `last`: its
 * latest valid_at; `until`: when it was closed; then its latest version.  A
 * backdated row reads the life from the version before it on.  What a commit
 * emits are the differences between the versions before and after it, by
 * their numbers.
 */
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"
#include "processors/plan/program.h"

enum { FORMAT = 1, CHUNK = 1024, ADDED = 4 };
#define DAY_US   INT64_C(86400000000)
#define NO_BOUND INT64_MIN

typedef struct event {
    struct event *next;
    bool gone;
    int64_t at, clock; /* `at` of a row only */
    cu_slice row;
} event;

typedef struct touched_key {
    cu_keyrec rec;
    event *first, *last;
} touched_key;

typedef struct life {
    bool closed;
    int64_t bound, last, until;
    uint64_t first; /* its first version's number */
} life;

/* A row in its place. */
typedef struct accepted {
    uint32_t life;
    bool silent, fresh; /* fresh: not in the state */
    bool was_silent;
    int64_t at;
    cu_slice row;
    uint64_t version, was;
} accepted;

/* A version as the output shows it. */
typedef struct shown {
    cu_slice row;
    int64_t from, until;
    bool open;
    const char *op;
} shown;

/* The part of a key's history that a commit looks at. */
typedef struct work {
    cu_slice key;
    bool known; /* the key has a head */
    accepted *rows;
    uint32_t n, cap;
    life *lives;
    uint32_t n_lives, cap_lives, first_life;
    uint64_t base; /* version of rows[0] */
    shown *before, *after;
    uint32_t n_before, n_after;
} work;

typedef struct history {
    cu_op op;
    cu_table *rows, *heads;
    cu_key_col *key;
    uint32_t n_key;
    uint16_t valid_at; /* + 1 */
    uint8_t time_kind;
    uint16_t *compared;
    uint32_t n_compared;
    cu_keys keys;
    cu_touched touched;
    cu_buf scratch, other;
    cu_batch *pair; /* two rows being compared */
    cu_arena *pair_arena;
    cu_outbox out;
    cu_held_mark mark;
} history;

/* --- open ---------------------------------------------------------------- */

static bool is_metadata(cu_from from)
{
    return from != CU_FROM_VALUE && from != CU_FROM_KEY &&
           from != CU_FROM_HEADER && from != CU_FROM_NOTHING;
}

/* Whether a column is a table's metadata column, as it stands. */
static bool comes_from_metadata(const cu_node *n, uint32_t col)
{
    for (;;) {
        const cu_table_def *t = NULL;
        switch (n->kind) {
        case CU_N_PROJECT:
            if (n->project.exprs[col]->kind != CU_E_COL)
                return false;
            col = (uint32_t)n->project.exprs[col]->col;
            break;
        case CU_N_FILTER:
        case CU_N_WATERMARK:
        case CU_N_EXCHANGE:
        case CU_N_MATERIALIZE:
            break;
        case CU_N_VIEW:
            n = n->view.view->root;
            continue;
        case CU_N_NORMALIZE:
            t = n->normalize.table;
            break;
        case CU_N_SOURCE:
            t = n->source.table;
            break;
        default:
            return false;
        }
        if (t)
            return col < t->codec.n_cols &&
                   is_metadata(t->codec.cols[col].from);
        if (n->n_inputs == 0)
            return false;
        n = n->inputs[0];
    }
}

static int open_op(cu_op *op, cu_err *err)
{
    history *h = (history *)op;
    const cu_node *n = op->node, *in = n->inputs[0];
    CU_ASSERT(n->schema->n == in->schema->n + ADDED);
    h->mark = CU_HELD_MARK;
    h->out.schema = n->schema;
    h->rows = cu_space_table(op->env->space, cu_node_state_table(n, 0));
    h->heads = cu_space_table(op->env->space, cu_node_state_table(n, 1));
    h->valid_at = n->history.valid_at;
    h->time_kind = h->valid_at ? in->schema->fields[h->valid_at - 1].type.kind
                               : CU_T_TIMESTAMPTZ;
    h->n_key = n->history.n_key;
    h->key = cu_calloc(h->n_key + 1, sizeof(*h->key));
    for (uint32_t i = 0; i < h->n_key; i++)
        h->key[i].col = n->history.key[i];
    h->compared = cu_calloc(in->schema->n + 1, sizeof(*h->compared));
    for (uint32_t i = 0; i < in->schema->n; i++)
        if (i + 1 != h->valid_at && !comes_from_metadata(in, i))
            h->compared[h->n_compared++] = (uint16_t)i;
    h->pair = cu_batch_new(h->pair_arena, in->schema, 2);
    if (h->time_kind != CU_T_DATE && h->time_kind != CU_T_TIMESTAMP &&
        h->time_kind != CU_T_TIMESTAMPTZ)
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "history: valid_at is no date and no timestamp");
    return 0;
}

/* --- push ---------------------------------------------------------------- */

static int64_t clock_now(const history *h)
{
    const cu_op_env *env = h->op.env;
    int64_t us = env->dated ? env->date_us : env->expr->now_us;
    if (h->time_kind != CU_T_DATE)
        return us;
    return us / DAY_US - (us % DAY_US < 0);
}

static int64_t time_of(const history *h, const cu_batch *b, uint32_t row)
{
    const cu_col *c = &b->cols[h->valid_at - 1];
    uint32_t at = cu_col_at(c, row);
    return h->time_kind == CU_T_DATE ? CU_COL(c, int32_t)[at]
                                     : CU_COL(c, int64_t)[at];
}

static int no_time(history *h, const cu_batch *b, uint32_t row, cu_err *err)
{
    const cu_op_env *env = h->op.env;
    if (!env->letter)
        return 0;
    cu_letter letter = {.batch = b,
                        .row = row,
                        .sqlstate = CU_SQLSTATE('2', '2', '0', '0', '4'),
                        .message = "valid_at is null",
                        .stage = h->op.vt->name,
                        .column = b->schema->fields[h->valid_at - 1].name};
    return env->letter(env->ctx, &letter, err);
}

static void add_event(history *h, const cu_batch *b, uint32_t i, bool gone)
{
    cu_touched *t = &h->touched;
    uint32_t row = cu_batch_row(b, i);
    bool fresh;
    touched_key *k = cu_touched_put(t, h->keys.hash[i],
                                    cu_batch_key(&h->keys, i), &fresh);
    event *e = cu_arena_calloc(t->arena, 1, sizeof(*e));
    e->gone = gone;
    e->clock = clock_now(h);
    if (!gone) {
        e->at = h->valid_at ? time_of(h, b, row) : e->clock;
        cu_buf_clear(&h->scratch);
        cu_row_encode(b, row, NULL, b->n_cols, &h->scratch);
        e->row = cu_arena_slice(t->arena, cu_buf_slice(&h->scratch));
    }
    if (k->last)
        k->last->next = e;
    else
        k->first = e;
    k->last = e;
}

/* Row i is the old half of a change. */
static bool is_changed(const history *h, const cu_batch *b, uint32_t i)
{
    return i + 1 < b->n_sel && cu_batch_weight(b, cu_batch_row(b, i + 1)) > 0 &&
           cu_slice_eq(cu_batch_key(&h->keys, i),
                       cu_batch_key(&h->keys, i + 1));
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    history *h = (history *)op;
    int rc = 0;
    (void)port;
    cu_keys_encode(b, h->key, h->n_key, &h->keys);
    for (uint32_t i = 0; i < b->n_sel && !rc; i++) {
        uint32_t row = cu_batch_row(b, i);
        if (cu_batch_weight(b, row) < 0) {
            if (op->node->history.deletes && !is_changed(h, b, i))
                add_event(h, b, i, true);
        } else if (h->valid_at &&
                   cu_col_is_null(&b->cols[h->valid_at - 1], row)) {
            rc = no_time(h, b, row, err);
        } else {
            add_event(h, b, i, false);
        }
    }
    return rc;
}

/* --- what is known of a key ---------------------------------------------- */

static int corrupt(const history *h, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a stored value does not check out",
                   h->op.vt->name, h->op.node->id);
}

static accepted *add_row(history *h, work *w)
{
    if (w->n == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 4;
        accepted *more = cu_arena_alloc(h->op.arena, w->cap * sizeof(*more));
        if (w->n)
            memcpy(more, w->rows, w->n * sizeof(*more));
        w->rows = more;
    }
    w->rows[w->n] = (accepted){0};
    return &w->rows[w->n++];
}

static life *add_life(history *h, work *w)
{
    if (w->n_lives == w->cap_lives) {
        w->cap_lives = w->cap_lives ? w->cap_lives * 2 : 2;
        life *more = cu_arena_alloc(h->op.arena, w->cap_lives * sizeof(*more));
        if (w->n_lives)
            memcpy(more, w->lives, w->n_lives * sizeof(*more));
        w->lives = more;
    }
    w->lives[w->n_lives] = (life){.bound = NO_BOUND, .last = NO_BOUND};
    return &w->lives[w->n_lives++];
}

static int read_head(history *h, work *w, cu_slice value, cu_err *err)
{
    w->base = 1;
    if (!value.data)
        return 0;
    cu_scan s = cu_scan_of(value);
    uint8_t format = cu_scan_u8(&s);
    life *l = add_life(h, w);
    accepted *r = add_row(h, w);
    w->known = true;
    l->closed = cu_scan_u8(&s);
    r->life = w->first_life = (uint32_t)cu_scan_varint(&s);
    l->first = cu_scan_varint(&s);
    l->bound = cu_scan_svarint(&s);
    l->last = cu_scan_svarint(&s);
    l->until = cu_scan_svarint(&s);
    r->version = r->was = w->base = cu_scan_varint(&s);
    r->at = cu_scan_svarint(&s);
    r->row = cu_scan_bytes(&s, cu_scan_left(&s));
    return s.bad || format != FORMAT ? corrupt(h, err) : 0;
}

static void write_head(history *h, const work *w)
{
    const life *l = &w->lives[w->n_lives - 1];
    const accepted *r = &w->rows[w->n - 1];
    cu_buf *out = &h->scratch;
    while (r->silent)
        r--;
    cu_buf_clear(out);
    cu_buf_put_u8(out, FORMAT);
    cu_buf_put_u8(out, l->closed);
    cu_buf_put_varint(out, r->life);
    cu_buf_put_varint(out, l->first);
    cu_buf_put_svarint(out, l->bound);
    cu_buf_put_svarint(out, l->last);
    cu_buf_put_svarint(out, l->until);
    cu_buf_put_varint(out, r->version);
    cu_buf_put_svarint(out, r->at);
    cu_buf_put_slice(out, r->row);
    cu_table_put(h->heads, w->key, cu_buf_slice(out));
}

static void put_place(cu_slice key, uint32_t life_no, int64_t at, cu_buf *out)
{
    cu_buf_clear(out);
    cu_buf_put_slice(out, key);
    cu_buf_put_u32be(out, life_no);
    cu_buf_put_u64be(out, (uint64_t)at ^ UINT64_C(1) << 63);
}

static void write_row(history *h, const work *w, const accepted *r)
{
    put_place(w->key, r->life, r->at, &h->other);
    cu_buf_clear(&h->scratch);
    cu_buf_put_u8(&h->scratch, FORMAT);
    cu_buf_put_u8(&h->scratch, r->silent);
    cu_buf_put_varint(&h->scratch, r->version);
    cu_buf_put_slice(&h->scratch, r->row);
    cu_table_put(h->rows, cu_buf_slice(&h->other), cu_buf_slice(&h->scratch));
}

static int read_row(history *h, work *w, cu_slice place, cu_slice value,
                    cu_err *err)
{
    if (place.len < 12)
        return corrupt(h, err);
    cu_scan p = cu_scan_of(cu_slice_n(place.data + place.len - 12, 12));
    cu_scan s = cu_scan_of(value);
    accepted *r = add_row(h, w);
    r->life = cu_scan_u32be(&p);
    r->at = (int64_t)(cu_scan_u64be(&p) ^ UINT64_C(1) << 63);
    uint8_t format = cu_scan_u8(&s);
    r->silent = r->was_silent = cu_scan_u8(&s);
    r->version = r->was = cu_scan_varint(&s);
    r->row = cu_arena_slice(h->op.arena, cu_scan_bytes(&s, cu_scan_left(&s)));
    return s.bad || format != FORMAT ? corrupt(h, err) : 0;
}

/* The place from which the life must be known for a row at `at`: that of the
 * version before it, or the life's beginning. Into h->other. */
static int find_start(history *h, const work *w, int64_t at, cu_err *err)
{
    cu_table_iter *it;
    cu_slice place, value, start = CU_NULL_SLICE;
    put_place(w->key, w->first_life, INT64_MIN, &h->scratch);
    put_place(w->key, w->first_life, at, &h->other);
    int rc = cu_table_scan(h->rows, cu_buf_slice(&h->scratch),
                           cu_buf_slice(&h->other), true, &it, err);
    if (rc)
        return rc;
    while (!start.data && cu_table_iter_next(it, &place, &value))
        if (value.len > 1 && !value.data[1])
            start = cu_arena_slice(h->op.arena, place);
    rc = cu_table_iter_close(it, err);
    cu_buf_clear(&h->other);
    cu_buf_put_slice(&h->other, start.data ? start : cu_buf_slice(&h->scratch));
    return rc;
}

/* The rows of the key's last life from the version before `at` on. */
static int read_from(history *h, work *w, int64_t at, cu_err *err)
{
    cu_table_iter *it;
    cu_slice place, value;
    int rc = find_start(h, w, at, err);
    if (rc)
        return rc;
    cu_slice lo = cu_arena_slice(h->op.arena, cu_buf_slice(&h->other));
    put_place(w->key, w->first_life + 1, INT64_MIN, &h->other);
    rc = cu_table_scan(h->rows, lo, cu_buf_slice(&h->other), false, &it, err);
    if (rc)
        return rc;
    w->n = 0;
    while (!rc && cu_table_iter_next(it, &place, &value))
        rc = read_row(h, w, place, value, err);
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    if (!rc && !closed && w->n == 0)
        return corrupt(h, err);
    w->base = w->n ? w->rows[0].version : 1;
    return rc ? rc : closed;
}

/* Whether events stand before what the head knows, and the earliest. */
static bool is_backdated(const work *w, const event *e, int64_t *at)
{
    const life *l = w->lives;
    bool found = false;
    if (!w->known || l->closed)
        return false;
    for (; e && !e->gone; e = e->next) {
        int64_t eff = e->at > l->bound ? e->at : l->bound;
        if (eff <= l->last && (!found || eff < *at)) {
            *at = eff;
            found = true;
        }
    }
    return found;
}

/* --- versions ------------------------------------------------------------ */

static int same(history *h, cu_slice a, cu_slice b, bool *equal, cu_err *err)
{
    *equal = cu_slice_eq(a, b);
    if (*equal || h->n_compared == h->pair->n_cols)
        return 0;
    cu_arena_reset(h->pair_arena);
    h->pair = cu_batch_new(h->pair_arena, h->op.node->inputs[0]->schema, 2);
    int rc = cu_row_decode(a, h->pair, 1, false, err);
    rc = rc ? rc : cu_row_decode(b, h->pair, 1, false, err);
    if (rc)
        return rc;
    cu_buf_clear(&h->scratch);
    cu_buf_clear(&h->other);
    cu_row_encode(h->pair, 0, h->compared, h->n_compared, &h->scratch);
    cu_row_encode(h->pair, 1, h->compared, h->n_compared, &h->other);
    *equal = cu_slice_eq(cu_buf_slice(&h->scratch), cu_buf_slice(&h->other));
    return 0;
}

static const life *life_of(const work *w, const accepted *r)
{
    return &w->lives[r->life - w->first_life];
}

static shown *show(history *h, const work *w, uint32_t *n)
{
    shown *out = cu_arena_alloc(h->op.arena, (w->n + 1) * sizeof(*out));
    const accepted *last = NULL;
    *n = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        const accepted *r = &w->rows[i];
        const life *l = life_of(w, r);
        if (r->silent)
            continue;
        if (last && last->life == r->life) {
            shown *p = &out[*n - 1];
            p->until = r->at;
            p->open = false;
            p->op = last->version == l->first ? "I" : "U";
        }
        out[(*n)++] = (shown){.row = r->row,
                              .from = r->at,
                              .until = l->until,
                              .open = !l->closed,
                              .op = l->closed                ? "D"
                                    : r->version == l->first ? "I"
                                                             : "U"};
        last = r;
    }
    return out;
}

/* What came gets its life and its place in it. */
static void accept_events(history *h, work *w, const event *e)
{
    for (; e; e = e->next) {
        life *l = w->n_lives ? &w->lives[w->n_lives - 1] : NULL;
        if (e->gone) {
            if (!l || l->closed)
                continue;
            l->closed = true;
            l->until = e->clock > l->last ? e->clock : l->last; /* H4 */
            continue;
        }
        if (!l || l->closed) {
            int64_t bound = NO_BOUND; /* H3 */
            if (l && e->at < l->until)
                bound = e->clock > l->until ? e->clock : l->until;
            else if (l)
                bound = l->until;
            l = add_life(h, w);
            l->bound = bound;
        }
        accepted *r = add_row(h, w);
        r->life = w->first_life + w->n_lives - 1;
        r->at = e->at > l->bound ? e->at : l->bound;
        r->row = e->row;
        r->fresh = true;
        if (r->at > l->last)
            l->last = r->at;
    }
}

/* By place; of rows in one place the last that came, but one that changes
 * nothing leaves the row as it is. */
static int put_in_order(history *h, work *w, cu_err *err)
{
    cu_arena *a = h->op.arena;
    cu_keyed *items = cu_arena_alloc(a, (w->n + 1) * sizeof(*items));
    accepted *rows = cu_arena_alloc(a, (w->n + 1) * sizeof(*rows));
    uint32_t n = 0;
    int rc = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        put_place(CU_LIT(""), w->rows[i].life, w->rows[i].at, &h->scratch);
        items[i] = (cu_keyed){
            .key = cu_arena_slice(a, cu_buf_slice(&h->scratch)),
            .item = &w->rows[i]};
    }
    cu_sort_keyed(items, w->n);
    for (uint32_t i = 0; i < w->n && !rc; i++) {
        const accepted *r = items[i].item;
        bool equal = false;
        if (n && cu_slice_eq(items[i - 1].key, items[i].key))
            rc = same(h, rows[--n].row, r->row, &equal, err);
        if (!equal)
            rows[n] = *r;
        n++;
    }
    w->rows = rows;
    w->n = n;
    return rc;
}

static int number(history *h, work *w, cu_err *err)
{
    const accepted *version = NULL;
    for (uint32_t i = 0; i < w->n; i++) {
        accepted *r = &w->rows[i];
        life *l = &w->lives[r->life - w->first_life];
        r->silent = false;
        if (version && version->life == r->life) {
            int rc = same(h, version->row, r->row, &r->silent, err);
            if (rc)
                return rc;
        }
        r->version = !version    ? w->base
                     : r->silent ? version->version
                                 : version->version + 1;
        if (!l->first)
            l->first = r->version;
        if (!r->silent)
            version = r;
    }
    return 0;
}

/* --- commit -------------------------------------------------------------- */

static void set_time(history *h, cu_batch *b, uint32_t col, int64_t at)
{
    uint32_t row = b->n_rows - 1;
    cu_value v = {.type = b->schema->fields[col].type};
    if (h->time_kind == CU_T_DATE)
        v.i4 = (int32_t)at;
    else
        v.i8 = at;
    cu_col_set(b->arena, &b->cols[col], row, b->capacity, &v);
}

static int emit_row(history *h, const shown *s, uint64_t version,
                    int32_t weight, cu_err *err)
{
    int rc = cu_outbox_row(&h->out, s->row, weight, err);
    if (rc)
        return rc;
    cu_batch *b = h->out.batch;
    uint32_t at = b->n_cols - ADDED, row = b->n_rows - 1;
    cu_value v = {.type = CU_TYPE(CU_T_INT8), .i8 = (int64_t)version};
    cu_col_set(b->arena, &b->cols[at], row, b->capacity, &v);
    set_time(h, b, at + 1, s->from);
    if (!s->open)
        set_time(h, b, at + 2, s->until);
    v = (cu_value){.type = CU_TYPE(CU_T_TEXT), .s = cu_slice_of(s->op)};
    cu_col_set(b->arena, &b->cols[at + 3], row, b->capacity, &v);
    return 0;
}

static bool is_shown_same(const shown *a, const shown *b)
{
    return a->from == b->from && a->open == b->open &&
           (a->open || a->until == b->until) && a->op[0] == b->op[0] &&
           cu_slice_eq(a->row, b->row);
}

static int emit_changes(history *h, const work *w, cu_err *err)
{
    uint32_t n = w->n_before > w->n_after ? w->n_before : w->n_after;
    int rc = 0;
    for (uint32_t i = 0; i < n && !rc; i++) {
        const shown *old = i < w->n_before ? &w->before[i] : NULL;
        const shown *now = i < w->n_after ? &w->after[i] : NULL;
        if (old && now && is_shown_same(old, now))
            continue;
        rc = cu_outbox_room(&h->out, 2, err);
        if (!rc && old)
            rc = emit_row(h, old, w->base + i, -1, err);
        if (!rc && now)
            rc = emit_row(h, now, w->base + i, 1, err);
    }
    return rc;
}

static int commit_key(history *h, const touched_key *k, cu_slice head,
                      cu_err *err)
{
    work w = {.key = cu_keyrec_key(&k->rec)};
    int64_t at = 0;
    int rc = read_head(h, &w, head, err);
    if (!rc && is_backdated(&w, k->first, &at))
        rc = read_from(h, &w, at, err);
    if (rc)
        return rc;
    w.before = show(h, &w, &w.n_before);
    accept_events(h, &w, k->first);
    if (w.n == 0)
        return 0;
    rc = put_in_order(h, &w, err);
    rc = rc ? rc : number(h, &w, err);
    if (rc)
        return rc;
    w.after = show(h, &w, &w.n_after);
    h->op.n_keys += w.n;
    for (uint32_t i = 0; i < w.n; i++) {
        const accepted *r = &w.rows[i];
        if (r->fresh || r->version != r->was || r->silent != r->was_silent)
            write_row(h, &w, r);
    }
    write_head(h, &w);
    return emit_changes(h, &w, err);
}

static int commit_chunk(history *h, const cu_keyed *items, uint32_t n,
                        cu_err *err)
{
    cu_slice keys[CHUNK], values[CHUNK];
    cu_arena_reset(h->op.arena);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = items[i].key;
    int rc = cu_table_get_many(h->heads, n, keys, values, err);
    for (uint32_t i = 0; i < n && !rc; i++)
        if (values[i].data)
            values[i] = cu_arena_slice(h->op.arena, values[i]);
    for (uint32_t i = 0; i < n && !rc; i++)
        rc = commit_key(h, items[i].item, values[i], err);
    return rc ? rc : cu_outbox_flush(&h->out, err);
}

static int commit(cu_op *op, cu_err *err)
{
    history *h = (history *)op;
    const cu_keyed *items = cu_touched_sorted(&h->touched);
    uint32_t n = h->touched.n;
    int rc = 0;
    for (uint32_t i = 0; i < n && !rc; i += CHUNK)
        rc = commit_chunk(h, items + i, n - i < CHUNK ? n - i : CHUNK, err);
    cu_touched_reset(&h->touched);
    return rc ? rc : cu_held_mark_send(&h->mark, op, err);
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    history *h = (history *)op;
    (void)port, (void)err;
    cu_held_mark_see(&h->mark, ts_us);
    return 0;
}

static void close_op(cu_op *op)
{
    history *h = (history *)op;
    cu_touched_close(&h->touched);
    cu_outbox_close(&h->out);
    cu_arena_free(h->pair_arena);
    cu_buf_free(&h->keys.bytes);
    cu_buf_free(&h->scratch);
    cu_buf_free(&h->other);
    cu_free(h->key);
    cu_free(h->compared);
}

cu_op *cu_history_new(void)
{
    static const cu_op_vt vt = {.name = "history",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op};
    history *h = cu_calloc(1, sizeof(*h));
    cu_op_init(&h->op, &vt);
    h->pair_arena = cu_arena_new(0);
    cu_touched_open(&h->touched, sizeof(touched_key));
    cu_outbox_open(&h->out, &h->op, NULL);
    return &h->op;
}
