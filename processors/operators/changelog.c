/* Changelog: every change of the input as a row that stays.
 *
 *   -old +new   of one key, adjacent in one batch   new, op 'U'
 *   +new        alone                               new, op 'I'
 *   -old        alone                               old, op 'D'
 *
 * The input's key tells which rows belong together; without a key there are
 * no updates.  Nothing is kept: the rows' columns are shared.
 */
#include "processors/operators/int.h"
#include "processors/operators/keyset.h"

typedef struct changelog {
    cu_op op;
    cu_key_col *key;
    uint32_t n_key;
    cu_keys keys;
} changelog;

static int open_op(cu_op *op, cu_err *err)
{
    changelog *c = (changelog *)op;
    const cu_node *in = op->node->inputs[0];
    (void)err;
    CU_ASSERT(op->node->schema->n == in->schema->n + 1);
    c->n_key = in->n_key;
    c->key = cu_calloc(c->n_key + 1, sizeof(*c->key));
    for (uint32_t i = 0; i < c->n_key; i++)
        c->key[i].col = in->key[i];
    return 0;
}

/* Row i is the old half of an update. */
static bool is_replaced(const changelog *c, const cu_batch *b, uint32_t i)
{
    if (i + 1 == b->n_sel || cu_batch_weight(b, cu_batch_row(b, i)) > 0 ||
        cu_batch_weight(b, cu_batch_row(b, i + 1)) < 0)
        return false;
    if (c->n_key == 0)
        return c->op.node->inputs[0]->single;
    return cu_slice_eq(cu_batch_key(&c->keys, i),
                       cu_batch_key(&c->keys, i + 1));
}

static int push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    changelog *c = (changelog *)op;
    cu_arena *a = op->arena;
    (void)port;
    if (c->n_key)
        cu_keys_encode(b, c->key, c->n_key, &c->keys);
    cu_batch out = *b;
    uint16_t *sel = cu_arena_alloc(a, b->n_sel * sizeof(*sel));
    int32_t *weights = cu_arena_calloc(a, b->n_rows, sizeof(*weights));
    cu_slice *ops = cu_arena_calloc(a, b->n_rows, sizeof(*ops));
    out.n_sel = 0;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        int32_t w = cu_batch_weight(b, row);
        ops[row] = w < 0 ? CU_LIT("D") : CU_LIT("I");
        if (is_replaced(c, b, i)) {
            row = cu_batch_row(b, ++i);
            w = cu_batch_weight(b, row);
            ops[row] = CU_LIT("U");
        }
        weights[row] = w < 0 ? -w : w;
        sel[out.n_sel++] = (uint16_t)row;
    }
    out.sel = sel;
    out.weights = b->weights ? weights : NULL;
    out.schema = op->node->schema;
    out.n_cols = b->n_cols + 1;
    out.cols = cu_arena_alloc(a, out.n_cols * sizeof(*out.cols));
    memcpy(out.cols, b->cols, b->n_cols * sizeof(*out.cols));
    out.cols[b->n_cols] = (cu_col){.type = CU_TYPE(CU_T_TEXT), .data = ops};
    return cu_op_emit(op, &out, err);
}

static void close_op(cu_op *op)
{
    changelog *c = (changelog *)op;
    cu_buf_free(&c->keys.bytes);
    cu_free(c->key);
}

cu_op *cu_changelog_new(void)
{
    static const cu_op_vt vt = {
        .name = "changelog", .open = open_op, .push = push, .close = close_op};
    changelog *c = cu_calloc(1, sizeof(*c));
    cu_op_init(&c->op, &vt);
    return &c->op;
}
