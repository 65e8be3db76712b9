/* Union: rows of all inputs pass, weights unchanged (UNION ALL); the
 * watermark is the lowest of the inputs'.  An input that is made of VALUES
 * alone never has a watermark and holds nobody back. */
#include "processors/operators/int.h"

typedef struct merge {
    cu_op op;
    int64_t *marks; /* per port */
    int64_t sent;
} merge;

static int union_open(cu_op *op, cu_err *err)
{
    merge *m = (merge *)op;
    const cu_node *n = op->node;
    (void)err;
    m->marks = cu_calloc(n->n_inputs, sizeof(*m->marks));
    for (uint32_t i = 0; i < n->n_inputs; i++)
        m->marks[i] = cu_op_has_source(n->inputs[i]) ? INT64_MIN : INT64_MAX;
    m->sent = INT64_MIN;
    return 0;
}

static int union_push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    (void)port;
    if (b->schema == op->node->schema)
        return cu_op_emit(op, b, err);
    cu_batch *out = cu_arena_dup(op->arena, b, sizeof(*b));
    out->schema = op->node->schema;
    return cu_op_emit(op, out, err);
}

static int union_watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    merge *m = (merge *)op;
    int64_t low = INT64_MAX;
    if (ts_us > m->marks[port])
        m->marks[port] = ts_us;
    for (uint32_t i = 0; i < op->node->n_inputs; i++)
        if (m->marks[i] < low)
            low = m->marks[i];
    if (low <= m->sent)
        return 0;
    m->sent = low;
    return cu_op_emit_watermark(op, low, err);
}

static void union_close(cu_op *op)
{
    cu_free(((merge *)op)->marks);
}

cu_op *cu_union_new(void)
{
    static const cu_op_vt vt = {.name = "union",
                                .open = union_open,
                                .push = union_push,
                                .watermark = union_watermark,
                                .close = union_close};
    merge *m = cu_calloc(1, sizeof(*m));
    cu_op_init(&m->op, &vt);
    return &m->op;
}
