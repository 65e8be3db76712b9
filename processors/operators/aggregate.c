/* Aggregate: GROUP BY, DISTINCT, aggregates without groups.
 *
 *   push     keys of the batch -> groups in memory -> one loop per call over
 *            (group, value, weight).  A few missing groups are loaded with one
 *            get_many; rows of many wait for the commit (aggregate_park.c)
 *   commit   what waits; groups that were touched, in key order: -old +new when
 *            the row changed; the group's state goes to the overlay
 *
 * State, table 0: group key -> u8 1 | svarint n_rows | lslice shown | accs
 *                 ""        -> what is closed (aggregate_close.c)
 *        table 1: counted values (aggregate_values.c)
 *        table 2: the same by count
 *        table 3: what is to be forgotten by the clock (ttl.h)
 *
 * `shown` are the group columns as first seen: 1.0 and 1.00 are one group,
 * and its row shows one of them for as long as the group lives.
 *
 * Groups stay in memory over commits up to a budget, then a clock evicts
 * clean ones.  The old row of a touched group is remembered as bytes at the
 * first touch, so that an untouched group keeps no output.
 *
 * A group ends when its last row goes; a global aggregate keeps its row.
 * O2 is checked: n_rows never goes below zero, row by row.
 *
 * A result that is an error (a sum that does not fit, a scalar subquery with
 * two rows) is a letter of its group, once; the group emits no row until its
 * result is a value again.
 *
 * With `closing`, the groups of closed times go with all their state at the
 * commit; what was emitted stays.  Rows that come for them are late.
 *
 * With a ttl (ttl.h) a group that has not changed for so long goes likewise,
 * and its value begins with u8 2 | u64le stamp instead of the version.  A row
 * that comes for it begins the group anew.  A row that goes may then be one
 * that nobody knows: it counts for nothing, and what a call cannot take away
 * leaves it as if it had seen no row.
 */
#include "processors/operators/aggregate.h"

#include "processors/operators/aggregate_close.h"
#include "processors/operators/aggregate_park.h"
#include "processors/operators/aggregate_values.h"
#include "processors/operators/ttl.h"

enum {
    VERSION = 1,
    DEFAULT_CACHE_BYTES = 8 << 20,
    GROUP_OVERHEAD = 64, /* slot, list, heap */
    FEW = 8,             /* missing groups that a batch loads itself */
};

typedef struct aggregate {
    cu_op op;
    cu_table *table;
    cu_key_col *key;
    uint32_t n_key;
    cu_acc_call *calls;
    uint32_t n_calls;
    bool append_only;
    size_t group_bytes; /* header and accumulators */
    cu_keyset set;
    cu_group **groups; /* all in memory */
    uint32_t n_groups, cap_groups, hand;
    cu_keyed *dirty;
    uint32_t n_dirty, cap_dirty;
    size_t bytes, budget;
    cu_counted *counted; /* NULL: no call needs it */
    cu_closer closer;
    cu_ttl ttl;
    cu_parking parking;
    bool parks;
    cu_arena *interval; /* since the commit: old rows */
    cu_keys keys;
    cu_buf scratch;
    cu_outbox out;
    cu_held_mark mark;
    cu_live live;     /* rows of a batch */
    cu_live counting; /* of these, those that count for one call */
} aggregate;

/* --- open ---------------------------------------------------------------- */

static cu_type type_of(const cu_schema *in, int32_t col)
{
    return col < 0 ? CU_TYPE(CU_T_NULL) : in->fields[col].type;
}

static int open_call(aggregate *a, uint32_t i, cu_err *err)
{
    const cu_node *n = a->op.node;
    const cu_schema *in = n->inputs[0]->schema;
    const cu_agg_call *call = &n->aggregate.calls[i];
    cu_acc_call *c = &a->calls[i];
    int rc = cu_acc_prepare(c, call, type_of(in, cu_acc_column(call)),
                            a->append_only, err);
    if (rc)
        return rc;
    c->number = (uint8_t)i;
    c->column = n->schema->fields[n->aggregate.n_group + i].name;
    if (call->has_second)
        c->second = in->fields[call->second].type;
    c->at = a->group_bytes;
    a->group_bytes += cu_acc_size(c->kind);
    if (!c->counted && c->kind != CU_ACC_MARKS)
        return 0;
    cu_space *space = a->op.env->space;
    if (!a->counted) {
        cu_table *values = cu_space_table(space, cu_node_state_table(n, 1));
        cu_table *ranks = cu_space_table(space, cu_node_state_table(n, 2));
        a->counted = cu_counted_new(&a->op, values, ranks, a->ttl.on);
        if (a->ttl.on) {
            cu_ttl_with(&a->ttl, values);
            cu_ttl_with(&a->ttl, ranks);
        }
    }
    cu_counted_join(a->counted, c);
    return 0;
}

static int open_calls(aggregate *a, cu_err *err)
{
    const cu_node *n = a->op.node;
    a->n_calls = n->aggregate.n_calls;
    a->calls = cu_calloc(a->n_calls, sizeof(*a->calls));
    if (a->n_calls > UINT8_MAX)
        return cu_fail(err, CU_LIMIT, 0, "more than 255 aggregate calls");
    a->group_bytes = (sizeof(cu_group) + 15) & ~(size_t)15;
    for (uint32_t i = 0; i < a->n_calls; i++) {
        int rc = open_call(a, i, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int open_op(cu_op *op, cu_err *err)
{
    aggregate *a = (aggregate *)op;
    const cu_node *n = op->node;
    a->append_only = n->inputs[0]->append_only;
    a->table = cu_space_table(op->env->space, cu_node_state_table(n, 0));
    cu_table_lean(a->table);
    a->n_key = n->aggregate.n_group;
    a->key = cu_calloc(a->n_key, sizeof(*a->key));
    for (uint32_t i = 0; i < a->n_key; i++)
        a->key[i].col = n->aggregate.group[i];
    a->budget = op->env->cache_bytes ? op->env->cache_bytes
                                     : DEFAULT_CACHE_BYTES;
    a->mark = CU_HELD_MARK;
    a->out.schema = n->schema;
    a->interval = cu_arena_new(64 * 1024);
    int rc = cu_closer_open(&a->closer, op, &n->aggregate.closing,
                            n->aggregate.group, err);
    rc = rc ? rc : cu_ttl_open(&a->ttl, op, 3, a->table, err);
    a->parks = a->n_key > 0 && !a->ttl.on; /* its clock is that of the row */
    return rc ? rc : open_calls(a, err);
}

/* --- groups in memory ---------------------------------------------------- */

static size_t group_size(const aggregate *a, const cu_group *g)
{
    return a->group_bytes + g->rec.key_len + g->shown_len + g->extra +
           GROUP_OVERHEAD;
}

static cu_group *group_new(aggregate *a, uint64_t hash, cu_slice key)
{
    cu_group *g = cu_alloc(a->group_bytes + key.len);
    char *copy = (char *)g + a->group_bytes;
    memset(g, 0, sizeof(*g));
    memcpy(copy, key.data, key.len);
    g->rec = (cu_keyrec){hash, copy, (uint32_t)key.len};
    for (uint32_t i = 0; i < a->n_calls; i++)
        cu_acc_init(&a->calls[i], cu_group_acc(g, &a->calls[i]));
    if (a->n_groups == a->cap_groups) {
        a->cap_groups = a->cap_groups ? a->cap_groups * 2 : 64;
        a->groups = cu_realloc(a->groups, a->cap_groups * sizeof(*a->groups));
    }
    g->at = a->n_groups;
    a->groups[a->n_groups++] = g;
    cu_keyset_add(&a->set, &g->rec);
    a->bytes += group_size(a, g);
    return g;
}

static void group_free(aggregate *a, cu_group *g)
{
    a->bytes -= group_size(a, g);
    cu_keyset_del(&a->set, &g->rec);
    a->groups[g->at] = a->groups[--a->n_groups];
    a->groups[g->at]->at = g->at;
    for (uint32_t i = 0; i < a->n_calls; i++)
        cu_acc_clear(&a->calls[i], cu_group_acc(g, &a->calls[i]));
    cu_free(g->shown);
    cu_free(g);
}

static void set_shown(aggregate *a, cu_group *g, cu_slice bytes)
{
    a->bytes -= group_size(a, g);
    g->shown = cu_realloc(g->shown, bytes.len);
    memcpy(g->shown, bytes.data, bytes.len);
    g->shown_len = (uint32_t)bytes.len;
    a->bytes += group_size(a, g);
}

/* What results and marks of the group hold now. */
static void weigh(aggregate *a, cu_group *g)
{
    size_t extra = 0;
    for (uint32_t i = 0; i < a->n_calls; i++) {
        const cu_acc_call *c = &a->calls[i];
        if (c->kind == CU_ACC_ALL || c->kind == CU_ACC_MARKS ||
            c->kind == CU_ACC_BITS)
            extra += cu_acc_extra(c, cu_group_acc(g, c));
    }
    a->bytes -= group_size(a, g);
    g->extra = extra < UINT32_MAX ? (uint32_t)extra : UINT32_MAX;
    a->bytes += group_size(a, g);
}

static void evict(aggregate *a)
{
    while (a->bytes > a->budget && a->n_groups > 0) {
        if (a->hand >= a->n_groups)
            a->hand = 0;
        cu_group *g = a->groups[a->hand];
        if (g->used) {
            g->used = false;
            a->hand++;
        } else {
            group_free(a, g);
        }
    }
}

static int group_read(aggregate *a, cu_group *g, cu_slice value, cu_err *err)
{
    cu_scan s = cu_scan_of(value);
    bool good = a->ttl.on ? cu_ttl_get_head(&s, &g->stamp)
                          : cu_scan_u8(&s) == VERSION;
    g->n_rows = cu_scan_svarint(&s);
    cu_slice shown = cu_scan_lslice(&s);
    if (good && !s.bad && shown.data)
        set_shown(a, g, shown);
    else
        good = false;
    for (uint32_t i = 0; i < a->n_calls && good; i++)
        good = cu_acc_get(&a->calls[i], cu_group_acc(g, &a->calls[i]), &s,
                          a->op.arena);
    if (!good || cu_scan_left(&s))
        return cu_fail(err, CU_CORRUPT, 0,
                       "%s (node %u): a stored group does not check out",
                       a->op.vt->name, a->op.node->id);
    g->exists = true;
    return 0;
}

/* The state of a group, into the scratch buffer. */
static cu_slice group_bytes(aggregate *a, const cu_group *g)
{
    cu_buf_clear(&a->scratch);
    if (a->ttl.on)
        cu_ttl_put_head(g->stamp, &a->scratch);
    else
        cu_buf_put_u8(&a->scratch, VERSION);
    cu_buf_put_svarint(&a->scratch, g->n_rows);
    cu_buf_put_lslice(&a->scratch, cu_slice_n(g->shown, g->shown_len));
    for (uint32_t i = 0; i < a->n_calls; i++) {
        const cu_acc_call *c = &a->calls[i];
        cu_acc_put(c, (const char *)g + c->at, &a->scratch);
    }
    return cu_buf_slice(&a->scratch);
}

/* The table is lean: what did not change must not be put. */
static void group_write(aggregate *a, cu_group *g)
{
    cu_slice bytes = group_bytes(a, g);
    bool same = cu_slice_eq(bytes, g->stored);
    if (a->ttl.on && (!same || a->counted)) { /* counted: who knows */
        int64_t now = cu_ttl_now(&a->ttl);
        if (!g->stored.data)
            cu_ttl_put(&a->ttl, now, cu_keyrec_key(&g->rec));
        same = same && now == g->stamp;
        g->stamp = now;
        bytes = group_bytes(a, g);
    }
    if (!same)
        cu_table_put(a->table, cu_keyrec_key(&g->rec), bytes);
}

/* Makes the groups of the rows that found none; they wait. */
static void make_missing(aggregate *a)
{
    for (uint32_t i = 0; i < a->live.n; i++) {
        cu_keyrec **slot = &a->live.groups[i];
        if (*slot)
            continue;
        cu_slice key = cu_batch_key(&a->keys, i);
        *slot = cu_keyset_find(&a->set, a->keys.hash[i], key);
        if (*slot)
            continue; /* an earlier row of the batch made it */
        cu_group *g = group_new(a, a->keys.hash[i], key);
        *slot = &g->rec;
        cu_parking_want(&a->parking, g);
    }
}

/* --- touching ------------------------------------------------------------ */

/* lslice shown | per call: u8 null | value.  A result that is an error leaves
 * *failed at its call. */
static int put_output(aggregate *a, cu_group *g, cu_arena *arena, cu_buf *out,
                      const cu_acc_call **failed, cu_err *err)
{
    cu_buf_put_lslice(out, cu_slice_n(g->shown, g->shown_len));
    *failed = NULL;
    for (uint32_t i = 0; i < a->n_calls; i++) {
        const cu_acc_call *c = &a->calls[i];
        void *acc = cu_group_acc(g, c);
        cu_value v;
        int rc = c->kind == CU_ACC_ALL
                     ? cu_all_result(a->counted, c, g, arena, &v, err)
                     : cu_acc_result(c, acc, arena, &v, err);
        if (rc == CU_DATA)
            *failed = c;
        if (rc)
            return rc == CU_DATA ? 0 : rc;
        cu_buf_put_u8(out, v.null);
        if (!v.null)
            cu_value_put(&v, out);
    }
    return 0;
}

/* The group is over: it begins anew where it stands. */
static int begin_anew(aggregate *a, cu_group *g, cu_err *err)
{
    a->bytes -= group_size(a, g);
    for (uint32_t i = 0; i < a->n_calls; i++) {
        void *acc = cu_group_acc(g, &a->calls[i]);
        cu_acc_clear(&a->calls[i], acc);
        cu_acc_init(&a->calls[i], acc);
    }
    cu_free(g->shown);
    g->shown = NULL;
    g->shown_len = g->extra = 0;
    g->n_rows = 0;
    g->exists = false;
    a->bytes += group_size(a, g);
    return cu_ttl_forget(&a->ttl, cu_keyrec_key(&g->rec), err);
}

static int touch(aggregate *a, cu_group *g, cu_err *err)
{
    if (g->exists && cu_ttl_over(&a->ttl, g->stamp)) {
        int rc = begin_anew(a, g, err);
        if (rc)
            return rc;
    }
    if (a->n_dirty == a->cap_dirty) {
        a->cap_dirty = a->cap_dirty ? a->cap_dirty * 2 : 64;
        a->dirty = cu_realloc(a->dirty, a->cap_dirty * sizeof(*a->dirty));
    }
    a->dirty[a->n_dirty++] = (cu_keyed){.key = cu_keyrec_key(&g->rec),
                                        .item = g};
    g->dirty = g->used = true;
    g->failed = false;
    g->before = g->stored = CU_NULL_SLICE;
    if (!g->exists)
        return 0;
    g->stored = cu_arena_slice(a->interval, group_bytes(a, g));
    const cu_acc_call *failed;
    cu_err why = {0};
    cu_buf_clear(&a->scratch);
    int rc = put_output(a, g, a->op.arena, &a->scratch, &failed, &why);
    if (rc && err)
        *err = why;
    g->failed = failed != NULL;
    if (!rc && !failed)
        g->before = cu_arena_slice(a->interval, cu_buf_slice(&a->scratch));
    return rc;
}

/* A group without rows shows what its first row has. */
static void show(aggregate *a, cu_group *g, const cu_batch *b, uint32_t row)
{
    cu_buf_clear(&a->scratch);
    cu_row_encode(b, row, a->op.node->aggregate.group, a->n_key, &a->scratch);
    set_shown(a, g, cu_buf_slice(&a->scratch));
}

/* Of rows that go, the part that the group knows of. */
static int32_t known_part(aggregate *a, const cu_group *g, int32_t w)
{
    if (!a->ttl.on || a->append_only || w >= 0 || g->n_rows + w >= 0)
        return w;
    a->op.n_unknown += (uint64_t)(-(g->n_rows + w));
    return (int32_t)-g->n_rows;
}

static int touch_rows(aggregate *a, const cu_batch *b, cu_err *err)
{
    bool negative = false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->live.n; i++) {
        cu_group *g = (cu_group *)a->live.groups[i];
        uint32_t row = a->live.rows[i];
        int32_t w = a->live.weights[i];
        if (!g->dirty) {
            int rc = touch(a, g, err);
            if (rc)
                return rc;
        }
        w = known_part(a, g, w);
        if (w == 0)
            continue;
        if (g->n_rows == 0)
            show(a, g, b, row);
        g->n_rows += w;
        negative |= g->n_rows < 0 || (a->append_only && w < 0);
        a->live.groups[n] = a->live.groups[i];
        a->live.rows[n] = a->live.rows[i];
        a->live.weights[n++] = w;
    }
    a->live.n = n;
    return negative ? cu_negative(&a->op, "a row of a group", err) : 0;
}

/* --- push ---------------------------------------------------------------- */

static bool passes(const cu_col *filter, uint32_t row)
{
    return !filter || (!cu_col_is_null(filter, row) &&
                       CU_COL(filter, uint8_t)[cu_col_at(filter, row)]);
}

/* Does the row count for the call (its filter apart)? */
static bool counts(const cu_acc_call *c, const cu_acc_rows *r, uint32_t row)
{
    if (!c->nulls && r->col && cu_col_is_null(r->col, row))
        return false;
    return c->kind != CU_ACC_PAIR || !cu_col_is_null(r->second, row);
}

/* The rows that count for a call. */
static cu_acc_rows rows_of(aggregate *a, const cu_acc_call *c,
                           const cu_batch *b)
{
    const cu_agg_call *call = c->call;
    const cu_col *filter = call->filter < 0 ? NULL : &b->cols[call->filter];
    int32_t col = cu_acc_column(call);
    cu_acc_rows r = {.n = a->live.n,
                     .groups = a->live.groups,
                     .rows = a->live.rows,
                     .weights = a->live.weights,
                     .col = col < 0 ? NULL : &b->cols[col],
                     .second = call->has_second ? &b->cols[call->second] : NULL,
                     .batch = b};
    if (!filter && !(r.col && r.col->valid && !c->nulls) &&
        !(c->kind == CU_ACC_PAIR && r.second->valid))
        return r;
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->live.n; i++) {
        uint32_t row = a->live.rows[i];
        a->counting.groups[n] = a->live.groups[i];
        a->counting.rows[n] = a->live.rows[i];
        a->counting.weights[n] = a->live.weights[i];
        n += passes(filter, row) && counts(c, &r, row);
    }
    r.n = n;
    r.groups = a->counting.groups;
    r.rows = a->counting.rows;
    r.weights = a->counting.weights;
    return r;
}

static void add_rows(aggregate *a, const cu_batch *b)
{
    for (uint32_t i = 0; i < a->n_calls; i++) {
        const cu_acc_call *c = &a->calls[i];
        if (c->counted)
            continue;
        cu_acc_rows rows = rows_of(a, c, b);
        cu_acc_add(c, &rows, a->op.arena);
    }
    for (uint32_t i = 0; a->counted && i < cu_counted_sets(a->counted); i++) {
        const cu_value_set *s = cu_counted_set(a->counted, i);
        if (s->loose)
            continue;
        cu_acc_rows rows = rows_of(a, s->calls[0], b);
        cu_counted_push(a->counted, s, &rows);
    }
}

static int add_batch(aggregate *a, const cu_batch *b, cu_err *err)
{
    int rc = touch_rows(a, b, err);
    if (!rc)
        add_rows(a, b);
    return rc;
}

/* --- rows that wait ------------------------------------------------------ */

/* Reads the groups that wait, in key order. */
static int read_waiting(aggregate *a, cu_err *err)
{
    cu_slice keys[CU_BATCH_ROWS], values[CU_BATCH_ROWS];
    uint32_t n = a->parking.n_groups, some;
    cu_keyed *items = a->parking.groups;
    int rc = 0;
    cu_sort_keyed(items, n);
    for (uint32_t at = 0; at < n && !rc; at += some) {
        some = n - at < CU_BATCH_ROWS ? n - at : CU_BATCH_ROWS;
        if (at > 0) /* a batch of this push may lie there */
            cu_arena_reset(a->op.arena);
        for (uint32_t i = 0; i < some; i++)
            keys[i] = items[at + i].key;
        rc = cu_table_get_many(a->table, some, keys, values, err);
        for (uint32_t i = 0; i < some && !rc; i++) {
            cu_group *g = items[at + i].item;
            g->waits = false;
            rc = values[i].data ? group_read(a, g, values[i], err) : 0;
        }
        /* Touching may read, which ends the loan of the values. */
        for (uint32_t i = 0; i < some && !rc; i++)
            rc = touch(a, items[at + i].item, err);
    }
    a->parking.n_groups = 0;
    return rc;
}

/* Adds the rows that wait. */
static int unpark(aggregate *a, cu_err *err)
{
    int rc = read_waiting(a, err);
    for (cu_parked *p = a->parking.first; p && !rc; p = p->next) {
        cu_arena_reset(a->op.arena);
        cu_parking_give(p, &a->live);
        rc = add_batch(a, p->batch, err);
    }
    cu_parking_reset(&a->parking);
    return rc;
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    aggregate *a = (aggregate *)op;
    (void)port;
    if (a->closer.on) {
        int rc = cu_closer_sift(&a->closer, &b, err);
        if (rc || b->n_sel == 0)
            return rc;
    }
    cu_keys_encode(b, a->key, a->n_key, &a->keys);
    cu_keyset_probe(&a->set, &a->keys, a->live.groups);
    a->live.n = b->n_sel;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        a->live.rows[i] = (uint16_t)cu_batch_row(b, i);
        a->live.weights[i] = cu_batch_weight(b, a->live.rows[i]);
    }
    make_missing(a);
    int rc = 0;
    if (a->parks && a->parking.n_groups > FEW)
        cu_parking_take(&a->parking, b, &a->live);
    else
        rc = read_waiting(a, err);
    rc = rc ? rc : add_batch(a, b, err);
    if (!rc && cu_parking_bytes(&a->parking) > a->budget / 4)
        rc = unpark(a, err);
    return rc;
}

int cu_aggregate_first(cu_op *op, cu_err *err)
{
    aggregate *a = (aggregate *)op;
    if (!op->node->aggregate.global)
        return 0;
    cu_arena_reset(op->arena);
    a->keys.n = 1;
    a->keys.offsets[0] = a->keys.offsets[1] = 0;
    a->keys.hash[0] = cu_hash(CU_LIT(""));
    cu_keyset_probe(&a->set, &a->keys, a->live.groups);
    a->live.n = 1;
    make_missing(a);
    int rc = read_waiting(a, err);
    cu_group *g = (cu_group *)a->live.groups[0];
    if (!rc && !g->dirty)
        rc = touch(a, g, err);
    if (!rc && !g->shown) {
        cu_batch *none = cu_batch_new(op->arena, op->node->inputs[0]->schema,
                                      1);
        show(a, g, none, 0);
    }
    return rc;
}

/* --- commit -------------------------------------------------------------- */

/* A row of the outbox from what put_output() wrote. */
static int output_row(aggregate *a, cu_slice bytes, int32_t w, cu_err *err)
{
    const cu_schema *schema = a->op.node->schema;
    cu_scan s = cu_scan_of(bytes);
    int rc = cu_outbox_row(&a->out, cu_scan_lslice(&s), w, err);
    if (rc)
        return rc;
    cu_batch *b = a->out.batch;
    for (uint32_t i = 0; i < a->n_calls; i++) {
        cu_col *col = &b->cols[a->n_key + i];
        cu_value v = {.type = schema->fields[a->n_key + i].type, .null = true};
        if (!cu_scan_u8(&s)) {
            bool good = cu_value_get(v.type, &s, b->arena, &v);
            CU_ASSERT(good);
        }
        cu_col_set(b->arena, col, b->n_rows - 1, b->capacity, &v);
    }
    return 0;
}

/* The group's own columns are all that its letter can show. */
static int write_letter(aggregate *a, const cu_group *g,
                        const cu_acc_call *failed, const cu_err *why,
                        cu_err *err)
{
    const cu_op_env *env = a->op.env;
    if (!env->letter)
        return 0;
    cu_batch *b = cu_batch_new(a->op.arena, a->op.node->schema, 1);
    int rc = cu_row_decode(cu_slice_n(g->shown, g->shown_len), b, 1, false,
                           err);
    if (rc)
        return rc;
    cu_batch_seal(b);
    cu_letter letter = {.batch = b,
                        .row = 0,
                        .sqlstate = why->sqlstate,
                        .message = why->msg,
                        .stage = a->op.vt->name,
                        .column = failed->column};
    return env->letter(env->ctx, &letter, err);
}

static int emit_change(aggregate *a, cu_group *g, bool lives, cu_err *err)
{
    const cu_acc_call *failed = NULL;
    cu_err why = {0};
    int rc = cu_outbox_room(&a->out, 2, err);
    cu_slice now = CU_NULL_SLICE;
    if (!rc && lives) {
        cu_buf_clear(&a->scratch);
        rc = put_output(a, g, a->out.arena, &a->scratch, &failed, &why);
        if (rc && err)
            *err = why;
        if (!failed)
            now = cu_buf_slice(&a->scratch);
    }
    if (!rc && failed && !g->failed)
        rc = write_letter(a, g, failed, &why, err);
    if (rc || cu_slice_eq(now, g->before))
        return rc;
    if (g->before.data)
        rc = output_row(a, g->before, -1, err);
    if (!rc && now.data)
        rc = output_row(a, cu_arena_slice(a->out.arena, now), 1, err);
    return rc;
}

static int check_calls(aggregate *a, cu_group *g, cu_err *err)
{
    for (uint32_t i = 0; i < a->n_calls; i++) {
        const cu_acc_call *c = &a->calls[i];
        void *acc = cu_group_acc(g, c);
        if (cu_acc_is_sound(c, acc))
            continue;
        if (!a->ttl.on)
            return cu_negative(&a->op, "a value of a group", err);
        cu_acc_clear(c, acc); /* of values of forgotten rows */
        cu_acc_init(c, acc);
        a->op.n_unknown++;
    }
    return 0;
}

static int commit_group(aggregate *a, cu_group *g, cu_err *err)
{
    bool lives = g->n_rows > 0 || a->op.node->aggregate.global;
    int rc = check_calls(a, g, err);
    rc = rc ? rc : emit_change(a, g, lives, err);
    if (rc)
        return rc;
    bool closed = a->closer.on &&
                  cu_closer_has_closed(&a->closer, cu_keyrec_key(&g->rec));
    a->closer.forgot = a->closer.forgot || closed;
    bool stays = lives && !closed;
    if (stays)
        group_write(a, g);
    else if (g->exists)
        cu_table_del(a->table, cu_keyrec_key(&g->rec));
    g->dirty = false;
    g->exists = lives;
    if (stays)
        weigh(a, g);
    else
        group_free(a, g);
    return 0;
}

/* A group of a closed time, or one that is over, is forgotten. */
static void forget(void *ctx, cu_slice key)
{
    aggregate *a = ctx;
    cu_keyrec *r = cu_keyset_find(&a->set, cu_hash(key), key);
    if (r)
        group_free(a, (cu_group *)r);
}

static int commit(cu_op *op, cu_err *err)
{
    aggregate *a = (aggregate *)op;
    int rc = unpark(a, err);
    rc = !rc && a->counted ? cu_counted_commit(a->counted, err) : rc;
    uint64_t touched = a->n_dirty;
    op->n_keys += touched;
    cu_sort_keyed(a->dirty, a->n_dirty);
    for (uint32_t i = 0; i < a->n_dirty && !rc; i++)
        rc = commit_group(a, a->dirty[i].item, err);
    a->n_dirty = 0;
    rc = rc ? rc : cu_outbox_flush(&a->out, err);
    if (!rc && a->closer.on)
        rc = cu_closer_expire(&a->closer, a->counted ? 3 : 1, forget, a, err);
    rc = rc ? rc : cu_ttl_sweep(&a->ttl, touched, forget, a, err);
    if (rc)
        return rc;
    cu_arena_reset(a->interval);
    evict(a);
    return cu_held_mark_send(&a->mark, op, err);
}

static int watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    aggregate *a = (aggregate *)op;
    (void)port, (void)err;
    cu_held_mark_see(&a->mark, ts_us);
    cu_closer_mark(&a->closer, ts_us);
    return 0;
}

static int64_t due(cu_op *op)
{
    return cu_ttl_due(&((aggregate *)op)->ttl);
}

static void close_op(cu_op *op)
{
    aggregate *a = (aggregate *)op;
    while (a->n_groups > 0)
        group_free(a, a->groups[a->n_groups - 1]);
    cu_keyset_close(&a->set);
    cu_counted_free(a->counted);
    cu_ttl_close(&a->ttl);
    cu_parking_close(&a->parking);
    cu_outbox_close(&a->out);
    cu_arena_free(a->interval);
    cu_buf_free(&a->keys.bytes);
    cu_buf_free(&a->scratch);
    cu_free(a->groups);
    cu_free(a->dirty);
    for (uint32_t i = 0; i < a->n_calls && a->calls; i++)
        cu_acc_done(&a->calls[i]);
    cu_free(a->calls);
    cu_free(a->key);
}

cu_op *cu_aggregate_new(void)
{
    static const cu_op_vt vt = {.name = "aggregate",
                                .open = open_op,
                                .push = push,
                                .watermark = watermark,
                                .commit = commit,
                                .close = close_op,
                                .due = due};
    aggregate *a = cu_calloc(1, sizeof(*a));
    cu_op_init(&a->op, &vt);
    cu_keyset_open(&a->set);
    cu_outbox_open(&a->out, &a->op, NULL);
    return &a->op;
}
