/* Materialize: the rows of a view, by key.
 *
 *   push      per key: the changes since the last commit, cancelled out
 *   commit    keys in order:  committed Z-set + changes -> new Z-set
 *             -1 old row, +1 new row, adjacent (M1); nothing when equal
 *
 * State: key bytes -> Z-set.  A Z-set is the rows of the key with weights;
 * while a commit runs a key may have several (an update is two rows), at its
 * end it has one, or the key is not unique (23505), or a row was retracted
 * that never came.
 *
 *   u8 1 | varint n | n x { svarint weight | lslice row bytes }
 *
 * Gathered: behind an exchange the old row of a key and the new one may come
 * from two partitions, the new one first.  Then the key is in dispute: both
 * are kept, the first of them is the view's until it goes, and the key stands
 * in a table of its own.  What is in dispute when everything has been read is
 * no update, and the key is not unique.
 *
 * `bag`: there is no key; the key is the bytes of the order, if there is one,
 * and the row's, and the value is
 *
 *   u8 1 | varint count | varint bytes of the order
 *
 * One that `borrows` keeps nothing: whoever wants its rows reads the view
 * below.
 *
 * A view of a single row has the empty key.  Without key and bag a view only
 * ever grows: rows pass and nothing is kept.
 *
 * Behind an aggregate, or a rank of one row, by the same key nothing is read
 * back: it knows the row it sent last, and its state is in the same batch as
 * ours.  With slow asserts on, the stored row is read and must be that row.
 *
 * Retention: a row that is over (retention.h) leaves at the commit, and what
 * still comes or goes for it counts for nothing, as if it had never been
 * there.  Then what an aggregate knows is not what is stored, and every key
 * is read.
 *
 * Where operators below forget by the clock (ttl.h), a row may come for a key
 * whose old one nobody takes back, and one may go that is not there.  The rows
 * of the view stay: what comes last for a key replaces what is stored, and a
 * retraction counts only for the very row.  What an aggregate takes back is
 * still what it sent last, so that only keys with nothing taken back are read.
 */
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"
#include "processors/operators/plan_facts.h"
#include "processors/operators/retention.h"
#include "processors/plan/program.h"

enum { CHUNK = 1024 };

typedef struct change {
    struct change *older;
    cu_slice row;
    int64_t weight;
} change;

typedef struct touched_key {
    cu_keyrec rec;
    change *changes;
} touched_key;

typedef struct materialize {
    cu_op op;
    cu_table *table;
    bool passes;        /* append-only without key */
    bool told;          /* the changes of a key say what is stored */
    bool lossy;         /* but for rows that were forgotten below */
    cu_table *disputes; /* gathered: keys with several rows; or NULL */
    cu_key_col *key;
    cu_keys keys;
    cu_touched touched;
    cu_buf scratch;
    cu_outbox out;
    cu_held_mark mark;
    cu_retention retention;
} materialize;

static int open_op(cu_op *op, cu_err *err)
{
    materialize *m = (materialize *)op;
    const cu_node *n = op->node;
    const cu_view_def *view = n->materialize.view;
    m->passes = n->n_key == 0 && !n->single && !n->materialize.bag;
    m->lossy = n->ttl_us > 0;
    m->mark = CU_HELD_MARK;
    m->out.schema = n->schema;
    if (m->passes)
        return 0;
    m->table = cu_space_table(op->env->space, cu_node_state_table(n, 0));
    m->key = cu_calloc(n->n_key + 1, sizeof(*m->key));
    for (uint32_t i = 0; i < n->n_key; i++)
        m->key[i].col = n->key[i];
    bool unique = cu_keeps_unique(n->inputs[0], n->key, n->n_key);
    if (!unique && !n->materialize.bag && cu_is_gathered(n->inputs[0]))
        m->disputes = cu_space_table(op->env->space, cu_node_state_table(n, 3));
    if (view && view->retention_us && view->retention_col)
        return cu_retention_open(&m->retention, op, view->retention_col,
                                 view->retention_us, err);
    m->told = !n->materialize.bag && unique;
    if (m->told || n->materialize.bag)
        cu_table_lean(m->table);
    return 0;
}

/* --- push ---------------------------------------------------------------- */

/* Newest first: a retraction mostly takes back what came last. */
static void add_change(materialize *m, touched_key *k, cu_slice row, int64_t w)
{
    change **at = &k->changes;
    for (; *at; at = &(*at)->older) {
        change *c = *at;
        if (!cu_slice_eq(c->row, row))
            continue;
        c->weight += w;
        if (c->weight == 0)
            *at = c->older;
        return;
    }
    change *c = cu_arena_alloc(m->touched.arena, sizeof(*c));
    *c = (change){k->changes, cu_arena_slice(m->touched.arena, row), w};
    k->changes = c;
}

static cu_slice behind(cu_slice s, size_t skip)
{
    return cu_slice_n(s.data + skip, s.len - skip);
}

static void push_bag(materialize *m, const cu_batch *b)
{
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        bool fresh;
        cu_buf_clear(&m->scratch);
        cu_key_encode(b, row, m->op.node->materialize.order,
                      m->op.node->materialize.n_order, &m->scratch);
        size_t skip = m->scratch.len;
        cu_row_encode(b, row, NULL, b->n_cols, &m->scratch);
        cu_slice key = cu_buf_slice(&m->scratch);
        touched_key *k = cu_touched_put(&m->touched, cu_hash(key), key, &fresh);
        if (!k->changes) {
            k->changes = cu_arena_calloc(m->touched.arena, 1,
                                         sizeof(*k->changes));
            k->changes->row = behind(cu_keyrec_key(&k->rec), skip);
        }
        k->changes->weight += cu_batch_weight(b, row);
    }
}

static void push_keyed(materialize *m, const cu_batch *b)
{
    cu_keys_encode(b, m->key, m->op.node->n_key, &m->keys);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        bool fresh;
        touched_key *k = cu_touched_put(&m->touched, m->keys.hash[i],
                                        cu_batch_key(&m->keys, i), &fresh);
        cu_buf_clear(&m->scratch);
        cu_row_encode(b, row, NULL, b->n_cols, &m->scratch);
        add_change(m, k, cu_buf_slice(&m->scratch), cu_batch_weight(b, row));
    }
}

static int pass(materialize *m, const cu_batch *b, cu_err *err)
{
    for (uint32_t i = 0; b->weights && i < b->n_sel; i++)
        if (b->weights[cu_batch_row(b, i)] < 0)
            return cu_negative(&m->op, "a row of an append-only view", err);
    return cu_op_emit(&m->op, b, err);
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    materialize *m = (materialize *)op;
    (void)port;
    if (m->passes)
        return pass(m, b, err);
    if (op->node->materialize.borrows)
        return 0;
    if (op->node->materialize.bag)
        push_bag(m, b);
    else
        push_keyed(m, b);
    return 0;
}

/* --- Z-sets -------------------------------------------------------------- */

static int corrupt(const cu_op *op, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a stored value does not check out",
                   op->vt->name, op->node->id);
}

/* The stored rows as changes, in the operator's arena. */
static int read_zset(materialize *m, cu_slice value, change **out, cu_err *err)
{
    *out = NULL;
    if (!value.data)
        return 0;
    cu_scan s = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&s);
    uint64_t n = cu_scan_varint(&s);
    for (uint64_t i = 0; i < n && !s.bad; i++) {
        change *c = cu_arena_alloc(m->op.arena, sizeof(*c));
        c->weight = cu_scan_svarint(&s);
        c->row = cu_scan_lslice(&s);
        c->older = *out;
        *out = c;
    }
    if (s.bad || version != CU_MATERIALIZE_VERSION || cu_scan_left(&s))
        return corrupt(&m->op, err);
    return 0;
}

static const char *view_name(const cu_op *op)
{
    const cu_view_def *v = op->node->materialize.view;
    return v ? v->name : "?";
}

static void print_row(const materialize *m, cu_slice row, cu_buf *out)
{
    cu_batch *b = cu_batch_new(m->op.arena, m->op.node->schema, 1);
    if (cu_row_decode(row, b, 1, false, NULL))
        return;
    for (uint32_t c = 0; c < b->n_cols; c++) {
        cu_buf_put_str(out, c ? ", " : "(");
        if (cu_col_is_null(&b->cols[c], 0))
            cu_buf_put_str(out, "null");
        else
            cu_col_out(&b->cols[c], 0, NULL, out);
    }
    cu_buf_put_str(out, ")");
}

static int conflict(materialize *m, cu_slice a, cu_slice b, cu_err *err)
{
    const cu_node *n = m->op.node;
    cu_buf names = {0}, first = {0}, second = {0};
    for (uint32_t i = 0; i < n->n_key; i++)
        cu_buf_printf(&names, "%s%s", i ? ", " : "",
                      n->schema->fields[n->key[i]].name);
    print_row(m, a, &first);
    print_row(m, b, &second);
    cu_slice na = cu_buf_slice(&names), fa = cu_buf_slice(&first),
             sa = cu_buf_slice(&second);
    int rc = cu_fail(err, CU_DATA, 0,
                     "duplicate key value violates the primary key of view %s: "
                     "key (%.*s) has the rows %.*s and %.*s",
                     view_name(&m->op), (int)(na.len < 100 ? na.len : 100),
                     na.data, (int)(fa.len < 120 ? fa.len : 120), fa.data,
                     (int)(sa.len < 120 ? sa.len : 120), sa.data);
    if (err)
        err->sqlstate = CU_SQLSTATE('2', '3', '5', '0', '5');
    cu_buf_free(&names);
    cu_buf_free(&first);
    cu_buf_free(&second);
    return rc;
}

/* The one row that a key ends with; absent when it ends without. */
static int settle(materialize *m, const change *rows, cu_slice *row,
                  cu_err *err)
{
    *row = CU_NULL_SLICE;
    for (const change *c = rows; c; c = c->older) {
        if (c->weight == 0)
            continue;
        if (c->weight < 0)
            return cu_negative(&m->op, "a row of the view", err);
        if (row->data || c->weight > 1)
            return conflict(m, row->data ? *row : c->row, c->row, err);
        *row = c->row;
    }
    return 0;
}

/* The stored rows, and the one that they are. */
static int read_stored(materialize *m, cu_slice value, change **stored,
                       cu_slice *row, cu_err *err)
{
    int rc = read_zset(m, value, stored, err);
    return rc ? rc : settle(m, *stored, row, err);
}

/* Adds the changes to the stored rows, both of them few. */
static change *apply(materialize *m, const change *stored, const change *more)
{
    change *sum = NULL;
    for (const change *from = stored; from; from = from->older) {
        change *c = cu_arena_dup(m->op.arena, from, sizeof(*c));
        c->older = sum;
        sum = c;
    }
    for (const change *from = more; from; from = from->older) {
        change *c = sum;
        while (c && !cu_slice_eq(c->row, from->row))
            c = c->older;
        if (c) {
            c->weight += from->weight;
            continue;
        }
        c = cu_arena_dup(m->op.arena, from, sizeof(*c));
        c->older = sum;
        sum = c;
    }
    return sum;
}

/* Rows that are over count for nothing, whether they come or go. */
static int forget(materialize *m, change *rows, cu_err *err)
{
    int rc = 0;
    for (change *c = m->retention.on ? rows : NULL; c && !rc; c = c->older) {
        bool over;
        rc = cu_retention_over(&m->retention, c->row, &over, err);
        if (!rc && over)
            c->weight = 0;
    }
    return rc;
}

/* --- commit -------------------------------------------------------------- */

static void store(materialize *m, cu_slice key, cu_slice row)
{
    if (!row.data) {
        cu_table_del(m->table, key);
        return;
    }
    cu_buf_clear(&m->scratch);
    cu_buf_put_u8(&m->scratch, CU_MATERIALIZE_VERSION);
    cu_buf_put_varint(&m->scratch, 1);
    cu_buf_put_svarint(&m->scratch, 1);
    cu_buf_put_lslice(&m->scratch, row);
    cu_table_put(m->table, key, cu_buf_slice(&m->scratch));
}

/* The key's row was `old`, or absent, and is `now`. */
static int tell(materialize *m, cu_slice key, cu_slice old, cu_slice now,
                cu_err *err)
{
    int rc = cu_retention_move(&m->retention, key, old, now, err);
    rc = rc ? rc : cu_outbox_room(&m->out, 2, err);
    if (!rc && old.data) /* the stored bytes change before the flush */
        rc = cu_outbox_row(&m->out, cu_arena_slice(m->out.arena, old), -1, err);
    if (!rc && now.data)
        rc = cu_outbox_row(&m->out, now, 1, err);
    return rc;
}

static int replace(materialize *m, cu_slice key, cu_slice old, cu_slice now,
                   cu_err *err)
{
    int rc = tell(m, key, old, now, err);
    if (!rc)
        store(m, key, now);
    return rc;
}

/* --- keys in dispute ------------------------------------------------------ */

static uint32_t length(const change *c)
{
    uint32_t n = 0;
    for (; c; c = c->older)
        n++;
    return n;
}

/* The rows of a key in the order they came, with room for the changes; the
 * first is the view's. */
static change **line_up(materialize *m, change *stored, const change *changes,
                        uint32_t *n)
{
    uint32_t k = *n = length(stored);
    change **at = cu_arena_alloc(m->op.arena,
                                 (k + length(changes) + 1) * sizeof(*at));
    for (change *c = stored; c; c = c->older)
        at[--k] = c;
    return at;
}

/* The changes behind them, the oldest first. */
static void join_line(materialize *m, change **at, uint32_t *n,
                      const change *changes)
{
    change *oldest = NULL;
    for (const change *from = changes; from; from = from->older) {
        change *c = cu_arena_dup(m->op.arena, from, sizeof(*c));
        c->older = oldest;
        oldest = c;
    }
    for (change *c = oldest; c; c = c->older) {
        uint32_t k = 0;
        while (k < *n && !cu_slice_eq(at[k]->row, c->row))
            k++;
        if (k < *n)
            at[k]->weight += c->weight;
        else
            at[(*n)++] = c;
    }
}

static bool in_dispute(change **at, uint32_t n)
{
    return n > 1 || (n && at[0]->weight > 1);
}

/* Takes out what has no weight.  The first stays the first while it lives;
 * after it comes what came last. */
static int thin_out(materialize *m, change **at, uint32_t *n, cu_err *err)
{
    uint32_t live = 0;
    bool first = *n && at[0]->weight > 0;
    for (uint32_t i = 0; i < *n; i++) {
        if (at[i]->weight < 0)
            return cu_negative(&m->op, "a row of the view", err);
        if (at[i]->weight > 0)
            at[live++] = at[i];
    }
    if (!first && live > 1) {
        change *last = at[live - 1];
        memmove(at + 1, at, (live - 1) * sizeof(*at));
        at[0] = last;
    }
    *n = live;
    return 0;
}

static void store_all(materialize *m, cu_slice key, change **at, uint32_t n)
{
    cu_buf_clear(&m->scratch);
    cu_buf_put_u8(&m->scratch, CU_MATERIALIZE_VERSION);
    cu_buf_put_varint(&m->scratch, n);
    for (uint32_t i = 0; i < n; i++) {
        cu_buf_put_svarint(&m->scratch, at[i]->weight);
        cu_buf_put_lslice(&m->scratch, at[i]->row);
    }
    cu_table_put(m->table, key, cu_buf_slice(&m->scratch));
}

static int commit_gathered(materialize *m, cu_slice key, cu_slice value,
                           const change *changes, cu_err *err)
{
    change *stored;
    uint32_t n;
    int rc = read_zset(m, value, &stored, err);
    if (rc)
        return rc;
    change **at = line_up(m, stored, changes, &n);
    cu_slice old = n ? at[0]->row : CU_NULL_SLICE;
    bool disputed = in_dispute(at, n);
    join_line(m, at, &n, changes);
    for (uint32_t i = 0; i < n; i++)
        at[i]->older = i + 1 < n ? at[i + 1] : NULL;
    rc = forget(m, n ? at[0] : NULL, err);
    rc = rc ? rc : thin_out(m, at, &n, err);
    if (rc)
        return rc;
    cu_slice now = n ? at[0]->row : CU_NULL_SLICE;
    if (!cu_slice_eq(old, now))
        rc = tell(m, key, old, now, err);
    if (rc)
        return rc;
    if (in_dispute(at, n)) {
        cu_table_put(m->disputes, key, CU_LIT(""));
        store_all(m, key, at, n);
        return 0;
    }
    if (disputed)
        cu_table_del(m->disputes, key);
    if (disputed || !cu_slice_eq(old, now))
        store(m, key, now);
    return 0;
}

int cu_materialize_check(cu_op *op, cu_err *err)
{
    materialize *m = (materialize *)op;
    cu_table_iter *it;
    cu_slice key, value;
    change *stored = NULL;
    if (op->node->kind != CU_N_MATERIALIZE || !m->disputes)
        return 0;
    int rc = cu_table_scan(m->disputes, CU_LIT(""), CU_NULL_SLICE, false, &it,
                           err);
    if (rc)
        return rc;
    bool any = cu_table_iter_next(it, &key, &value);
    key = any ? cu_arena_slice(op->arena, key) : key;
    rc = cu_table_iter_close(it, err);
    if (rc || !any)
        return rc;
    rc = cu_table_get(m->table, key, &value, err);
    rc = rc ? rc : read_zset(m, value, &stored, err);
    if (rc)
        return rc;
    cu_slice row = stored ? stored->row : CU_NULL_SLICE;
    return conflict(m, row, stored && stored->older ? stored->older->row : row,
                    err);
}

/* What stands for a key when `old` was stored and the changes, newest first,
 * may leave out what was forgotten. */
static cu_slice replaced(materialize *m, cu_slice old, const change *changes)
{
    bool gone = false;
    for (const change *c = changes; c; c = c->older) {
        if (c->weight > 0)
            return c->row;
        bool known = old.data && cu_slice_eq(c->row, old);
        gone = gone || (known && c->weight < 0);
        m->op.n_unknown += !known && c->weight < 0;
    }
    return gone ? CU_NULL_SLICE : old;
}

static int commit_lossy(materialize *m, const touched_key *k, cu_slice value,
                        cu_err *err)
{
    change *stored;
    cu_slice old, now;
    int rc = read_stored(m, value, &stored, &old, err);
    rc = rc ? rc : forget(m, k->changes, err);
    if (rc)
        return rc;
    now = replaced(m, old, k->changes);
    if (cu_slice_eq(old, now))
        return 0;
    return replace(m, cu_keyrec_key(&k->rec), old, now, err);
}

static int commit_key(materialize *m, const touched_key *k, cu_slice value,
                      cu_err *err)
{
    change *stored;
    cu_slice old, now;
    int rc = read_stored(m, value, &stored, &old, err);
    change *sum = rc ? NULL : apply(m, stored, k->changes);
    rc = rc ? rc : forget(m, sum, err);
    rc = rc ? rc : settle(m, sum, &now, err);
    if (rc || cu_slice_eq(old, now))
        return rc;
    return replace(m, cu_keyrec_key(&k->rec), old, now, err);
}

#ifdef CU_SLOW_ASSERTS
/* What is stored for the key is `old`. */
static bool holds(materialize *m, cu_slice key, cu_slice old)
{
    cu_slice value, row;
    change *stored;
    return !cu_table_get(m->table, key, &value, NULL) &&
           !read_stored(m, value, &stored, &row, NULL) && cu_slice_eq(row, old);
}
#endif

/* At most one row went and one came. */
static int commit_told(materialize *m, const touched_key *k, cu_err *err)
{
    cu_slice old = CU_NULL_SLICE, now = CU_NULL_SLICE;
    for (const change *c = k->changes; c; c = c->older) {
        cu_slice *row = c->weight < 0 ? &old : &now;
        if (row->data || c->weight < -1 || c->weight > 1)
            return cu_negative(&m->op, "a row of the view", err);
        *row = c->row;
    }
    CU_ASSERT_SLOW(holds(m, cu_keyrec_key(&k->rec), old));
    return replace(m, cu_keyrec_key(&k->rec), old, now, err);
}

static int commit_counted(materialize *m, const touched_key *k, cu_slice value,
                          cu_err *err)
{
    int64_t old = 0, count;
    bool over;
    cu_slice key = cu_keyrec_key(&k->rec), row = k->changes->row, stored;
    int rc = value.data ? cu_materialize_entry(m->op.node, key, value, &stored,
                                               &old, err)
                        : 0;
    rc = rc ? rc : cu_retention_over(&m->retention, row, &over, err);
    if (rc)
        return rc;
    count = over ? 0 : old + k->changes->weight;
    if (count < 0 && m->lossy) {
        m->op.n_unknown += (uint64_t)-count;
        count = 0;
    }
    if (count < 0)
        return cu_negative(&m->op, "a row of the view", err);
    rc = cu_retention_move(&m->retention, key, old ? row : CU_NULL_SLICE,
                           count ? row : CU_NULL_SLICE, err);
    if (rc)
        return rc;
    if (count == 0) {
        cu_table_del(m->table, key);
    } else {
        cu_buf_clear(&m->scratch);
        cu_buf_put_u8(&m->scratch, CU_MATERIALIZE_VERSION);
        cu_buf_put_varint(&m->scratch, (uint64_t)count);
        cu_buf_put_varint(&m->scratch, key.len - row.len);
        cu_table_put(m->table, key, cu_buf_slice(&m->scratch));
    }
    if (m->op.n_outs == 0) /* a report's rows: nobody hears of changes */
        return 0;
    return cu_outbox_weighed(&m->out, row, count - old, err);
}

static bool is_quiet(const materialize *m, const touched_key *k)
{
    return !k->changes ||
           (m->op.node->materialize.bag && k->changes->weight == 0);
}

static bool takes_back(const touched_key *k)
{
    for (const change *c = k->changes; c; c = c->older)
        if (c->weight < 0)
            return true;
    return false;
}

static int commit_chunk(materialize *m, const cu_keyed *items, uint32_t n,
                        cu_err *err)
{
    cu_slice keys[CHUNK], values[CHUNK];
    uint32_t at[CHUNK], n_keys = 0;
    cu_arena_reset(m->op.arena);
    for (uint32_t i = 0; i < n; i++) {
        if (is_quiet(m, items[i].item))
            continue;
        if (m->told && (!m->lossy || takes_back(items[i].item))) {
            int rc = commit_told(m, items[i].item, err);
            if (rc)
                return rc;
            continue;
        }
        keys[n_keys] = items[i].key;
        at[n_keys++] = i;
    }
    int rc = cu_table_get_many(m->table, n_keys, keys, values, err);
    for (uint32_t i = 0; i < n_keys && !rc; i++) {
        /* A put may evict what was lent: copied before the first one. */
        if (values[i].data)
            values[i] = cu_arena_slice(m->op.arena, values[i]);
    }
    for (uint32_t i = 0; i < n_keys && !rc; i++) {
        const touched_key *k = items[at[i]].item;
        rc = m->op.node->materialize.bag ? commit_counted(m, k, values[i], err)
             : m->lossy                  ? commit_lossy(m, k, values[i], err)
             : m->disputes ? commit_gathered(m, items[at[i]].key, values[i],
                                             k->changes, err)
                           : commit_key(m, k, values[i], err);
    }
    return rc;
}

/* The stored rows of a key go, because they are over. */
static int sweep_key(materialize *m, cu_slice key, cu_slice value, cu_err *err)
{
    int64_t count;
    cu_slice row;
    if (m->disputes)
        return commit_gathered(m, key, value, NULL, err);
    int rc = cu_materialize_entry(m->op.node, key, value, &row, &count, err);
    rc = rc ? rc : cu_outbox_room(&m->out, 1, err);
    rc = rc ? rc
            : cu_outbox_weighed(&m->out, cu_arena_slice(m->out.arena, row),
                                -count, err);
    if (!rc)
        cu_table_del(m->table, key);
    return rc;
}

static int sweep(materialize *m, cu_err *err)
{
    cu_slice keys[CHUNK], values[CHUNK];
    uint32_t n = CHUNK;
    int rc = 0;
    while (m->retention.on && n == CHUNK && !rc) {
        cu_arena_reset(m->op.arena);
        rc = cu_retention_take(&m->retention, keys, CHUNK, &n, err);
        if (!rc && n)
            rc = cu_table_get_many(m->table, n, keys, values, err);
        for (uint32_t i = 0; i < n && !rc; i++)
            values[i] = cu_arena_slice(m->op.arena, values[i]);
        for (uint32_t i = 0; i < n && !rc; i++)
            rc = sweep_key(m, keys[i], values[i], err);
        m->op.n_keys += n;
    }
    cu_retention_settle(&m->retention);
    return rc;
}

static int commit(cu_op *op, cu_err *err)
{
    materialize *m = (materialize *)op;
    const cu_keyed *items = cu_touched_sorted(&m->touched);
    uint32_t n = m->touched.n;
    int rc = 0;
    op->n_keys += n;
    for (uint32_t i = 0; i < n && !rc; i += CHUNK)
        rc = commit_chunk(m, items + i, n - i < CHUNK ? n - i : CHUNK, err);
    rc = rc ? rc : sweep(m, err);
    rc = rc ? rc : cu_outbox_flush(&m->out, err);
    cu_touched_reset(&m->touched);
    return rc ? rc : cu_held_mark_send(&m->mark, op, err);
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    materialize *m = (materialize *)op;
    (void)port, (void)err;
    cu_held_mark_see(&m->mark, ts_us);
    cu_retention_see(&m->retention, ts_us);
    return 0;
}

static void close_op(cu_op *op)
{
    materialize *m = (materialize *)op;
    cu_touched_close(&m->touched);
    cu_outbox_close(&m->out);
    cu_buf_free(&m->keys.bytes);
    cu_buf_free(&m->scratch);
    cu_retention_close(&m->retention);
    cu_free(m->key);
}

cu_op *cu_materialize_new(void)
{
    static const cu_op_vt vt = {.name = "materialize",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op};
    materialize *m = cu_calloc(1, sizeof(*m));
    cu_op_init(&m->op, &vt);
    cu_touched_open(&m->touched, sizeof(touched_key));
    cu_outbox_open(&m->out, &m->op, NULL);
    return &m->op;
}
