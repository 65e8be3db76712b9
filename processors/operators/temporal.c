/* Temporal: rows are there while from <= now() < until.
 *
 *            from            until
 *   --kept--->|----- visible -->|------ forgotten
 *             +w               -w
 *
 * Where a row stands is a function of the row and the clock alone, so that a
 * retraction always meets the row where it is: before `from` and while it is
 * visible it has one next moment, and is kept under that; visible for ever,
 * past, or without a bound (NULL), it is not kept at all.
 *
 * State, table 0: i64 next moment, big endian in order | row bytes -> u8 1 |
 * varint weight; what is due stands at the front.  Table 1: "" -> u8 1 | i64
 * the clock of the last commit that judged anything.
 *
 * T1 The clock never goes backwards: rows are judged by the later one of the
 *    stored clock and the commit's.
 * T2 Moments of the table are all later than the stored clock.
 */
#include "processors/operators/instant.h"
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"

enum { VERSION = 1, CHUNK = 1024, MOMENT_BYTES = 8 };

typedef struct life {
    int64_t from, until;
} life;

typedef struct touched_row {
    cu_keyrec rec; /* row bytes */
    life life;
    int64_t change; /* of what is kept */
    int64_t out;    /* what downstream has to hear */
} touched_row;

typedef struct temporal {
    cu_op op;
    cu_table *table, *meta;
    cu_touched touched;
    cu_buf scratch, key;
    cu_outbox out;
    cu_held_mark mark;
    int64_t clock; /* of the last judgement */
    int64_t next;  /* no moment of the table is earlier; INT64_MAX: empty */
} temporal;

static int corrupt(const temporal *t, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a stored value does not check out",
                   t->op.vt->name, t->op.node->id);
}

/* --- where a row stands --------------------------------------------------- */

/* A bound of NULL: never there. */
static life life_at(const temporal *t, const cu_batch *b, uint32_t row)
{
    const cu_node *n = t->op.node;
    life l = {INT64_MIN, INT64_MAX};
    bool there = true;
    if (n->temporal.from)
        there = cu_instant_at(&b->cols[n->temporal.from - 1], row, &l.from);
    if (n->temporal.until)
        there &= cu_instant_at(&b->cols[n->temporal.until - 1], row, &l.until);
    return there ? l : (life){INT64_MAX, INT64_MIN};
}

static bool visible(life l, int64_t clock)
{
    return l.from <= clock && clock < l.until;
}

/* The next moment that changes anything; INT64_MAX: none. */
static int64_t next_of(life l, int64_t clock)
{
    if (l.until <= clock || l.until <= l.from)
        return INT64_MAX;
    return l.from > clock ? l.from : l.until;
}

/* --- open ---------------------------------------------------------------- */

static int find_next(temporal *t, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    cu_buf_clear(&t->key);
    cu_instant_put_be(&t->key, t->clock);
    int rc = cu_table_scan(t->table, cu_buf_slice(&t->key), CU_NULL_SLICE,
                           false, &it, err);
    if (rc)
        return rc;
    t->next = cu_table_iter_next(it, &key, &value) ? cu_instant_of_be(key)
                                                   : INT64_MAX;
    return cu_table_iter_close(it, err);
}

static int open_op(cu_op *op, cu_err *err)
{
    temporal *t = (temporal *)op;
    const cu_node *n = op->node;
    cu_slice value;
    t->out.schema = n->schema;
    t->mark = CU_HELD_MARK;
    t->clock = INT64_MIN;
    t->table = cu_space_table(op->env->space, cu_node_state_table(n, 0));
    t->meta = cu_space_table(op->env->space, cu_node_state_table(n, 1));
    int rc = cu_table_get(t->meta, CU_LIT(""), &value, err);
    if (!rc && value.data) {
        cu_scan s = cu_scan_of(value);
        uint8_t version = cu_scan_u8(&s);
        t->clock = (int64_t)cu_scan_u64le(&s);
        if (s.bad || version != VERSION)
            return corrupt(t, err);
    }
    return rc ? rc : find_next(t, err);
}

/* --- push ---------------------------------------------------------------- */

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    temporal *t = (temporal *)op;
    (void)port, (void)err;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        bool fresh;
        cu_buf_clear(&t->scratch);
        cu_row_encode(b, row, NULL, b->n_cols, &t->scratch);
        cu_slice key = cu_buf_slice(&t->scratch);
        touched_row *r = cu_touched_put(&t->touched, cu_hash(key), key, &fresh);
        if (fresh)
            r->life = life_at(t, b, row);
        r->change += cu_batch_weight(b, row);
    }
    return 0;
}

/* --- commit -------------------------------------------------------------- */

static int read_weight(const temporal *t, cu_slice value, int64_t *weight,
                       cu_err *err)
{
    *weight = 0;
    if (!value.data)
        return 0;
    cu_scan s = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&s);
    *weight = (int64_t)cu_scan_varint(&s);
    return s.bad || version != VERSION || *weight <= 0 ? corrupt(t, err) : 0;
}

/* The row waits for `moment` `weight` times. */
static void keep(temporal *t, int64_t moment, cu_slice row, int64_t weight)
{
    cu_buf_clear(&t->key);
    cu_instant_put_be(&t->key, moment);
    cu_buf_put_slice(&t->key, row);
    if (weight == 0) {
        cu_table_del(t->table, cu_buf_slice(&t->key));
        return;
    }
    cu_buf_clear(&t->scratch);
    cu_buf_put_u8(&t->scratch, VERSION);
    cu_buf_put_varint(&t->scratch, (uint64_t)weight);
    cu_table_put(t->table, cu_buf_slice(&t->key), cu_buf_slice(&t->scratch));
    t->next = moment < t->next ? moment : t->next;
}

typedef struct due_row {
    int64_t moment, weight;
    cu_slice row;
} due_row;

/* Up to CHUNK rows whose moment has come, in the operator's arena. */
static int due_rows(temporal *t, int64_t now, due_row *rows, uint32_t *n,
                    cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    *n = 0;
    cu_buf_clear(&t->key);
    cu_instant_put_be(&t->key, t->next);
    int rc = cu_table_scan(t->table, cu_buf_slice(&t->key), CU_NULL_SLICE,
                           false, &it, err);
    if (rc)
        return rc;
    t->next = INT64_MAX;
    while (!rc && cu_table_iter_next(it, &key, &value)) {
        due_row *r = &rows[*n];
        int64_t moment = cu_instant_of_be(key);
        if (moment > now || *n == CHUNK) {
            t->next = moment;
            break;
        }
        rc = read_weight(t, value, &r->weight, err);
        r->moment = moment;
        r->row = cu_arena_slice(
            t->op.arena,
            cu_slice_n(key.data + MOMENT_BYTES, key.len - MOMENT_BYTES));
        ++*n;
    }
    int closed = cu_table_iter_close(it, rc ? NULL : err);
    return rc ? rc : closed;
}

static int emit(temporal *t, cu_slice row, int64_t weight, cu_err *err)
{
    int rc = cu_outbox_room(&t->out, 1, err);
    return rc ? rc
              : cu_outbox_weighed(&t->out, cu_arena_slice(t->out.arena, row),
                                  weight, err);
}

/* A moment of the row has come: it becomes visible, or goes, or both. */
static int pass_moment(temporal *t, const due_row *d, int64_t now, cu_err *err)
{
    cu_batch *one = cu_batch_new(t->op.arena, t->op.node->schema, 1);
    int rc = cu_row_decode(d->row, one, 1, false, err);
    if (rc)
        return rc;
    cu_batch_seal(one);
    life l = life_at(t, one, 0);
    keep(t, d->moment, d->row, 0);
    if (next_of(l, now) != INT64_MAX)
        keep(t, next_of(l, now), d->row, d->weight);
    int64_t out = (visible(l, now) - (d->moment == l.until)) * d->weight;
    touched_row *r = (touched_row *)cu_keyset_find(&t->touched.set,
                                                   cu_hash(d->row), d->row);
    if (r)
        r->out += out;
    return r || !out ? 0 : emit(t, d->row, out, err);
}

static int pass_moments(temporal *t, int64_t now, cu_err *err)
{
    due_row rows[CHUNK];
    int rc = 0;
    while (t->next <= now && !rc) {
        uint32_t n;
        cu_arena_reset(t->op.arena);
        rc = due_rows(t, now, rows, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++)
            rc = pass_moment(t, &rows[i], now, err);
        t->op.n_keys += n;
    }
    return rc;
}

/* What a row is kept under at `now`, in the operator's arena. */
static cu_slice kept_key(temporal *t, const touched_row *r, int64_t now)
{
    cu_buf_clear(&t->key);
    cu_instant_put_be(&t->key, next_of(r->life, now));
    cu_buf_put_slice(&t->key, cu_keyrec_key(&r->rec));
    return cu_arena_slice(t->op.arena, cu_buf_slice(&t->key));
}

static int apply_chunk(temporal *t, const cu_keyed *items, uint32_t n,
                       int64_t now, cu_err *err)
{
    cu_slice keys[CHUNK], values[CHUNK];
    int64_t weights[CHUNK];
    uint32_t k = 0;
    int rc = 0;
    cu_arena_reset(t->op.arena);
    for (uint32_t i = 0; i < n; i++) {
        const touched_row *r = items[i].item;
        if (r->change && next_of(r->life, now) != INT64_MAX)
            keys[k++] = kept_key(t, r, now);
    }
    if (k)
        rc = cu_table_get_many(t->table, k, keys, values, err);
    for (uint32_t i = 0; i < k && !rc; i++)
        rc = read_weight(t, values[i], &weights[i], err);
    k = 0;
    for (uint32_t i = 0; i < n && !rc; i++) {
        touched_row *r = items[i].item;
        int64_t moment = next_of(r->life, now);
        if (r->change && visible(r->life, now))
            r->out += r->change;
        if (r->change && moment != INT64_MAX) {
            int64_t weight = weights[k++] + r->change;
            if (weight < 0)
                return cu_negative(&t->op, "a row", err);
            keep(t, moment, items[i].key, weight);
        }
        if (r->out)
            rc = emit(t, items[i].key, r->out, err);
    }
    return rc;
}

static int apply(temporal *t, int64_t now, cu_err *err)
{
    const cu_keyed *items = cu_touched_sorted(&t->touched);
    uint32_t n = t->touched.n;
    int rc = 0;
    t->op.n_keys += n;
    for (uint32_t i = 0; i < n && !rc; i += CHUNK)
        rc = apply_chunk(t, items + i, n - i < CHUNK ? n - i : CHUNK, now, err);
    return rc;
}

static void write_clock(temporal *t, int64_t now)
{
    t->clock = now;
    cu_buf_clear(&t->scratch);
    cu_buf_put_u8(&t->scratch, VERSION);
    cu_buf_put_u64le(&t->scratch, (uint64_t)now);
    cu_table_put(t->meta, CU_LIT(""), cu_buf_slice(&t->scratch));
}

static int commit(cu_op *op, cu_err *err)
{
    temporal *t = (temporal *)op;
    int64_t now = op->env->expr->now_us;
    int rc = 0;
    now = now > t->clock ? now : t->clock; /* T1 */
    if (t->touched.n || t->next <= now) {
        rc = pass_moments(t, now, err);
        rc = rc ? rc : apply(t, now, err);
        rc = rc ? rc : cu_outbox_flush(&t->out, err);
        write_clock(t, now);
        cu_touched_reset(&t->touched);
    }
    return rc ? rc : cu_held_mark_send(&t->mark, op, err);
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    temporal *t = (temporal *)op;
    (void)port, (void)err;
    cu_held_mark_see(&t->mark, ts_us);
    return 0;
}

static int64_t due(cu_op *op)
{
    return ((temporal *)op)->next;
}

static void close_op(cu_op *op)
{
    temporal *t = (temporal *)op;
    cu_touched_close(&t->touched);
    cu_outbox_close(&t->out);
    cu_buf_free(&t->scratch);
    cu_buf_free(&t->key);
}

cu_op *cu_temporal_new(void)
{
    static const cu_op_vt vt = {.name = "temporal",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op,
                                .due = due};
    temporal *t = cu_calloc(1, sizeof(*t));
    cu_op_init(&t->op, &vt);
    cu_touched_open(&t->touched, sizeof(touched_row));
    cu_outbox_open(&t->out, &t->op, NULL);
    return &t->op;
}
