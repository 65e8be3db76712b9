/* Surrogate: 1, 2, … for keys, by first appearance, kept for ever.
 *
 * Ids are given while rows are pushed, so their order is that of the rows.
 * They are never taken back, not even when all rows of the key are gone: a
 * reload finds its ids again.  NULL is a key like others.
 *
 * State, table 0: key bytes -> u8 1 | varint id
 *        table 1: ""        -> u8 1 | varint ids given
 */
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"

enum { FORMAT = 1 };

typedef struct named {
    cu_keyrec rec;
    int64_t id;
} named;

typedef struct surrogate {
    cu_op op;
    cu_table *ids, *meta;
    cu_key_col *key;
    uint32_t n_key;
    cu_keys keys;
    cu_touched fresh; /* keys of this batch that had no id */
    uint64_t given;
    cu_buf scratch;
} surrogate;

static int read_number(const surrogate *s, cu_slice value, uint64_t *out,
                       cu_err *err)
{
    cu_scan in = cu_scan_of(value);
    uint8_t format = cu_scan_u8(&in);
    *out = cu_scan_varint(&in);
    if (in.bad || format != FORMAT)
        return cu_fail(err, CU_CORRUPT, 0,
                       "%s (node %u): a stored value does not check out",
                       s->op.vt->name, s->op.node->id);
    return 0;
}

static cu_slice number_bytes(surrogate *s, uint64_t number)
{
    cu_buf_clear(&s->scratch);
    cu_buf_put_u8(&s->scratch, FORMAT);
    cu_buf_put_varint(&s->scratch, number);
    return cu_buf_slice(&s->scratch);
}

static int open_op(cu_op *op, cu_err *err)
{
    surrogate *s = (surrogate *)op;
    const cu_node *n = op->node;
    cu_slice value;
    CU_ASSERT(n->schema->n == n->inputs[0]->schema->n + 1);
    s->ids = cu_space_table(op->env->space, cu_node_state_table(n, 0));
    s->meta = cu_space_table(op->env->space, cu_node_state_table(n, 1));
    s->n_key = n->surrogate.n_key;
    s->key = cu_calloc(s->n_key + 1, sizeof(*s->key));
    for (uint32_t i = 0; i < s->n_key; i++)
        s->key[i].col = n->surrogate.key[i];
    int rc = cu_table_get(s->meta, CU_LIT(""), &value, err);
    if (rc || !value.data)
        return rc;
    return read_number(s, value, &s->given, err);
}

static int64_t give(surrogate *s, uint32_t i)
{
    cu_slice key = cu_batch_key(&s->keys, i);
    bool fresh;
    named *k = cu_touched_put(&s->fresh, s->keys.hash[i], key, &fresh);
    if (fresh) {
        k->id = (int64_t)++s->given;
        cu_table_put_new(s->ids, key, number_bytes(s, s->given));
    }
    return k->id;
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    surrogate *s = (surrogate *)op;
    cu_slice keys[CU_BATCH_ROWS], values[CU_BATCH_ROWS];
    uint64_t known[CU_BATCH_ROWS], before = s->given;
    (void)port;
    cu_keys_encode(b, s->key, s->n_key, &s->keys);
    for (uint32_t i = 0; i < b->n_sel; i++)
        keys[i] = cu_batch_key(&s->keys, i);
    int rc = cu_table_get_many(s->ids, b->n_sel, keys, values, err);
    for (uint32_t i = 0; i < b->n_sel && !rc; i++) {
        known[i] = 0;
        if (values[i].data)
            rc = read_number(s, values[i], &known[i], err);
    }
    if (rc)
        return rc;
    cu_col id = {.type = CU_TYPE(CU_T_INT8)};
    int64_t *to = cu_arena_calloc(op->arena, b->n_rows, sizeof(*to));
    id.data = to;
    for (uint32_t i = 0; i < b->n_sel; i++)
        to[cu_batch_row(b, i)] = known[i] ? (int64_t)known[i] : give(s, i);
    if (s->given != before) {
        cu_table_put(s->meta, CU_LIT(""), number_bytes(s, s->given));
        cu_touched_reset(&s->fresh);
    }
    cu_batch out = *b;
    out.schema = op->node->schema;
    out.n_cols = b->n_cols + 1;
    out.cols = cu_arena_alloc(op->arena, out.n_cols * sizeof(*out.cols));
    memcpy(out.cols, b->cols, b->n_cols * sizeof(*out.cols));
    out.cols[b->n_cols] = id;
    return cu_op_emit(op, &out, err);
}

static void close_op(cu_op *op)
{
    surrogate *s = (surrogate *)op;
    cu_touched_close(&s->fresh);
    cu_buf_free(&s->keys.bytes);
    cu_buf_free(&s->scratch);
    cu_free(s->key);
}

cu_op *cu_surrogate_new(void)
{
    static const cu_op_vt vt = {
        .name = "surrogate", .open = open_op, .push = push, .close = close_op};
    surrogate *s = cu_calloc(1, sizeof(*s));
    cu_op_init(&s->op, &vt);
    cu_touched_open(&s->fresh, sizeof(named));
    return &s->op;
}
