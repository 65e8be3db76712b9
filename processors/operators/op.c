/* Operators: making, connecting, pushing, and what all of them share.
 *
 * A push resets the operator's own arena first.  That is safe because the
 * graph has no cycles: an operator is never entered again while it works,
 * and a batch that it emitted is done with when the emit returns.
 */
#include "processors/operators/int.h"

static const char *name_of(const cu_op *op)
{
    return op->vt->name;
}

void cu_op_init(cu_op *op, const cu_op_vt *vt)
{
    op->vt = vt;
    op->arena = cu_arena_new(0);
}

bool cu_op_has_source(const cu_node *n)
{
    if (n->kind == CU_N_SOURCE || n->kind == CU_N_VIEW ||
        n->kind == CU_N_EXCHANGE)
        return true;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (cu_op_has_source(n->inputs[i]))
            return true;
    return false;
}

static cu_op *make(const cu_node *node)
{
    switch (node->kind) {
    case CU_N_VALUES:
        return cu_values_new();
    case CU_N_FILTER:
        return cu_filter_new();
    case CU_N_PROJECT:
        return cu_project_new();
    case CU_N_FLATMAP:
        return cu_flatmap_new();
    case CU_N_AGGREGATE:
        return cu_aggregate_new();
    case CU_N_RANK:
        return cu_rank_first_suits(node) ? cu_rank_first_new() : cu_rank_new();
    case CU_N_UNION:
        return cu_union_new();
    case CU_N_OVER:
        return cu_over_new();
    case CU_N_JOIN:
        return cu_join_new();
    case CU_N_ASOF:
        return cu_asof_new();
    case CU_N_LOOKUP:
        return cu_lookup_new();
    case CU_N_EXPAND:
        return cu_expand_new();
    case CU_N_WINDOW:
        return cu_window_new();
    case CU_N_SESSION:
        return cu_session_new();
    case CU_N_BUFFER:
        return cu_buffer_new();
    case CU_N_TEMPORAL:
        return cu_temporal_new();
    case CU_N_HISTORY:
        return cu_history_new();
    case CU_N_CHANGELOG:
        return cu_changelog_new();
    case CU_N_SURROGATE:
        return cu_surrogate_new();
    case CU_N_NORMALIZE:
        return cu_normalize_new();
    case CU_N_WATERMARK:
        return cu_watermark_new();
    case CU_N_MATERIALIZE:
        return cu_materialize_new();
    case CU_N_SOURCE:
    case CU_N_VIEW:
    case CU_N_EXCHANGE:
    case CU_NODE_KINDS:
        break;
    }
    return NULL;
}

int cu_op_open(const cu_node *node, cu_op_env *env, cu_op **out, cu_err *err)
{
    cu_op *op = make(node);
    if (!op)
        return cu_fail(err, CU_UNSUPPORTED, 0, "%s is no operator",
                       cu_node_kind_name(node->kind));
    op->node = node;
    op->env = env;
    int rc = op->vt->open ? op->vt->open(op, err) : 0;
    if (rc) {
        cu_op_close(op);
        return rc;
    }
    *out = op;
    return 0;
}

void cu_op_close(cu_op *op)
{
    if (!op)
        return;
    if (op->vt->close)
        op->vt->close(op);
    cu_free(op->outs);
    cu_arena_free(op->arena);
    cu_free(op);
}

void cu_op_connect(cu_op *op, cu_op *to, int port)
{
    op->outs = cu_realloc(op->outs, (op->n_outs + 1) * sizeof(*op->outs));
    op->outs[op->n_outs++] = (cu_op_out){to, port};
}

int cu_op_emit(cu_op *op, const cu_batch *b, cu_err *err)
{
    if (b->n_sel == 0)
        return 0;
    op->n_out += b->n_sel;
    for (uint32_t i = 0; i < op->n_outs; i++) {
        int rc = cu_op_push(op->outs[i].to, op->outs[i].port, b, err);
        if (rc)
            return rc;
    }
    return 0;
}

int cu_op_emit_watermark(cu_op *op, int64_t ts_us, cu_err *err)
{
    for (uint32_t i = 0; i < op->n_outs; i++) {
        int rc = cu_op_watermark(op->outs[i].to, op->outs[i].port, ts_us, err);
        if (rc)
            return rc;
    }
    return 0;
}

int cu_op_push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    if (b->n_sel == 0)
        return 0;
    op->n_in += b->n_sel;
#ifdef CU_SLOW_ASSERTS
    cu_batch_check(b);
#endif
    cu_arena_reset(op->arena);
    return op->vt->push(op, port, b, err);
}

int cu_op_watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    if (!op->vt->watermark)
        return cu_op_emit_watermark(op, ts_us, err);
    return op->vt->watermark(op, port, ts_us, err);
}

int cu_op_commit(cu_op *op, cu_err *err)
{
    if (!op->vt->commit)
        return 0;
    cu_arena_reset(op->arena);
    return op->vt->commit(op, err);
}

int64_t cu_op_due(cu_op *op)
{
    return op->vt->due ? op->vt->due(op) : INT64_MAX;
}

uint64_t cu_op_work(const cu_op *op)
{
    return op->vt->work ? op->vt->work(op) : op->n_in + op->n_out + op->n_keys;
}

uint16_t cu_node_state_table(const cu_node *n, unsigned k)
{
    enum { TABLES_PER_NODE = 8 };
    CU_ASSERT(k < TABLES_PER_NODE);
    CU_ASSERT(n->id < 0xFFFF / TABLES_PER_NODE);
    return (uint16_t)(n->id * TABLES_PER_NODE + k);
}

/* --- entries and taps ---------------------------------------------------- */

typedef struct entry {
    cu_op op;
    int64_t mark;
} entry;

/* A table's rows may have columns that its reader does not know yet. */
static int pass(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    (void)port;
    if (op->node == NULL || b->n_cols <= op->node->schema->n)
        return cu_op_emit(op, b, err);
    cu_batch known = *b;
    known.schema = op->node->schema;
    known.n_cols = known.schema->n;
    return cu_op_emit(op, &known, err);
}

/* Several may speak of an entry's time: the runtime, and the stage before. */
static int pass_watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    entry *e = (entry *)op;
    (void)port;
    if (ts_us <= e->mark)
        return 0;
    e->mark = ts_us;
    return cu_op_emit_watermark(op, ts_us, err);
}

cu_op *cu_entry_new(void)
{
    static const cu_op_vt vt = {
        .name = "entry", .push = pass, .watermark = pass_watermark};
    entry *e = cu_calloc(1, sizeof(*e));
    cu_op_init(&e->op, &vt);
    e->mark = INT64_MIN;
    return &e->op;
}

int64_t cu_entry_watermark(const cu_op *op)
{
    CU_ASSERT(op->vt->push == pass);
    return ((const entry *)op)->mark;
}

int64_t cu_clock_watermark(const cu_op *clock)
{
    return clock->node->kind == CU_N_WATERMARK ? cu_watermark_at(clock)
                                               : cu_entry_watermark(clock);
}

int cu_clock_move(cu_op *clock, int64_t ts_us, cu_err *err)
{
    return clock->node->kind == CU_N_WATERMARK
               ? cu_watermark_move(clock, ts_us, err)
               : cu_op_watermark(clock, 0, ts_us, err);
}

typedef struct tap {
    cu_op op;
    cu_tap_push *push;
    cu_tap_watermark *watermark;
    void *ctx;
} tap;

static int tap_push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    tap *t = (tap *)op;
    (void)port;
    return t->push(t->ctx, b, err);
}

static int tap_watermark(cu_op *op, int port, int64_t ts_us, cu_err *err)
{
    tap *t = (tap *)op;
    (void)port;
    return t->watermark ? t->watermark(t->ctx, ts_us, err) : 0;
}

cu_op *cu_tap_new(cu_tap_push *push, cu_tap_watermark *watermark, void *ctx)
{
    static const cu_op_vt vt = {
        .name = "tap", .push = tap_push, .watermark = tap_watermark};
    tap *t = cu_calloc(1, sizeof(*t));
    cu_op_init(&t->op, &vt);
    t->push = push;
    t->watermark = watermark;
    t->ctx = ctx;
    return &t->op;
}

/* --- faults -------------------------------------------------------------- */

int cu_faults_report(cu_op *op, const cu_batch *b, const cu_row_faults *faults,
                     const cu_schema *columns, cu_err *err)
{
    for (uint32_t i = 0; i < faults->n; i++) {
        const cu_row_fault *f = &faults->at[i];
        if (cu_batch_weight(b, f->row) < 0 || !op->env->letter)
            continue;
        cu_letter letter = {
            .batch = b,
            .row = f->row,
            .sqlstate = f->sqlstate,
            .message = f->message,
            .stage = name_of(op),
            .column = columns && f->expr < columns->n
                          ? columns->fields[f->expr].name
                          : NULL,
        };
        int rc = op->env->letter(op->env->ctx, &letter, err);
        if (rc)
            return rc;
    }
    return 0;
}

uint32_t cu_faults_sift(const cu_batch *b, const cu_row_faults *faults,
                        uint16_t *sel)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        sel[n] = (uint16_t)row;
        n += !(faults->rows[row >> 6] >> (row & 63) & 1);
    }
    return n;
}

int cu_negative(const cu_op *op, const char *what, cu_err *err)
{
#ifdef CU_SLOW_ASSERTS
    CU_ASSERT(!"a row is retracted that is not there"); /* O2 */
#endif
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): %s is retracted that is not there; the state "
                   "of this view has to be rebuilt",
                   name_of(op), op->node ? op->node->id : 0, what);
}

/* --- outbox -------------------------------------------------------------- */

void cu_outbox_open(cu_outbox *o, cu_op *op, const cu_schema *schema)
{
    *o = (cu_outbox){.op = op, .schema = schema, .arena = cu_arena_new(0)};
}

void cu_outbox_close(cu_outbox *o)
{
    cu_arena_free(o->arena);
}

int cu_outbox_flush(cu_outbox *o, cu_err *err)
{
    cu_batch *b = o->batch;
    if (!b)
        return 0;
    cu_batch_seal(b);
    b->marks = o->marks;
    int rc = cu_op_emit(o->op, b, err);
    o->batch = NULL;
    o->marks = NULL;
    cu_arena_reset(o->arena);
    return rc;
}

int cu_outbox_room(cu_outbox *o, uint32_t rows, cu_err *err)
{
    if (o->batch && o->batch->n_rows + rows > o->batch->capacity) {
        int rc = cu_outbox_flush(o, err);
        if (rc)
            return rc;
    }
    if (o->batch)
        return 0;
    o->batch = cu_batch_new(o->arena, o->schema, CU_BATCH_ROWS);
    if (o->marked)
        o->marks = cu_arena_alloc(o->arena, CU_BATCH_ROWS * sizeof(*o->marks));
    return 0;
}

int cu_outbox_row(cu_outbox *o, cu_slice bytes, int32_t weight, cu_err *err)
{
    int rc = cu_outbox_room(o, 1, err);
    return rc ? rc : cu_row_decode(bytes, o->batch, weight, false, err);
}

int cu_outbox_weighed(cu_outbox *o, cu_slice bytes, int64_t weight, cu_err *err)
{
    int rc = 0;
    while (weight && !rc) {
        int64_t w = weight > INT32_MAX    ? INT32_MAX
                    : weight < -INT32_MAX ? -INT32_MAX
                                          : weight;
        rc = cu_outbox_row(o, bytes, (int32_t)w, err);
        weight -= w;
    }
    return rc;
}

int cu_held_mark_send(cu_held_mark *m, cu_op *op, cu_err *err)
{
    if (m->seen <= m->sent)
        return 0;
    m->sent = m->seen;
    return cu_op_emit_watermark(op, m->seen, err);
}
