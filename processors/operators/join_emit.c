/* Join: rows out.
 *
 * Pairs that certainly match go to the outbox at once, decoded side by side
 * into one row.  Pairs with a residual are gathered over rows and keys into a
 * batch of their own, tested 1,024 at a time, and the batch goes on with
 * those selected that are true.
 */
#include "processors/operators/join.h"

static cu_schema *joined_schema(cu_join *j)
{
    const cu_node *n = j->op.node;
    const cu_schema *l = n->inputs[0]->schema, *r = n->inputs[1]->schema;
    cu_schema *s = cu_schema_new(j->schemas, l->n + r->n);
    for (uint32_t i = 0; i < s->n; i++)
        s->fields[i] = i < l->n ? l->fields[i] : r->fields[i - l->n];
    return s;
}

int cu_join_emit_open(cu_join *j, cu_err *err)
{
    const cu_node *n = j->op.node;
    uint32_t width = j->in[0].n_cols + (j->half ? 0 : j->in[1].n_cols);
    cu_expr *residual = n->join.residual;
    CU_ASSERT(n->schema->n == width);
    j->out.schema = n->schema;
    if (!j->tested)
        return 0;
    j->schemas = cu_arena_new(0);
    j->joined = j->half ? joined_schema(j) : n->schema;
    j->pair_arena = cu_arena_new(0);
    j->pairs = cu_calloc(CU_BATCH_ROWS, sizeof(*j->pairs));
    j->faults = cu_calloc(1, sizeof(*j->faults));
    return residual ? cu_prog_compile(&residual, 1, j->joined, j->op.env->expr,
                                      &j->prog, err)
                    : 0;
}

void cu_join_emit_close(cu_join *j)
{
    cu_outbox_close(&j->out);
    if (j->prog)
        cu_prog_free(j->prog);
    if (j->schemas)
        cu_arena_free(j->schemas);
    if (j->pair_arena)
        cu_arena_free(j->pair_arena);
    cu_free(j->pairs);
    cu_free(j->faults);
    cu_free(j->moved);
}

static cu_slice row_of(const cu_join *j, const cu_side_row *r)
{
    return r ? cu_join_row(j, r) : CU_NULL_SLICE;
}

static int emit_row(cu_join *j, const cu_side_row *l, const cu_side_row *r,
                    int64_t weight, cu_err *err)
{
    return cu_outbox_pair(&j->out, j->in[0].n_cols, row_of(j, l), row_of(j, r),
                          weight, err);
}

int cu_join_single(cu_join *j, int side, const cu_side_row *r, int64_t weight,
                   cu_err *err)
{
    return side == 0 ? emit_row(j, r, NULL, weight, err)
                     : emit_row(j, NULL, r, weight, err);
}

/* --- pairs that have to be tested ---------------------------------------- */

static void note_moved(cu_join *j, uint32_t task, int side, cu_side_row *r)
{
    if (r->moved || r->changed)
        return;
    r->moved = true;
    if (j->n_moved == j->cap_moved) {
        j->cap_moved = j->cap_moved ? j->cap_moved * 2 : 64;
        j->moved = cu_realloc(j->moved, j->cap_moved * sizeof(*j->moved));
    }
    j->moved[j->n_moved++] = (cu_join_moved){task, side, r};
}

/* The pair matches: degrees follow. */
static void count_match(cu_join *j, const cu_join_pair *p)
{
    for (int side = 0; side < 2; side++) {
        if (!j->in[side].tracks || p->gain[side] == 0)
            continue;
        p->rows[side]->gained += p->gain[side];
        note_moved(j, p->task, side, p->rows[side]);
    }
}

int cu_join_test(cu_join *j, cu_err *err)
{
    cu_batch *b = j->pair_batch;
    uint16_t sel[CU_BATCH_ROWS];
    uint32_t n, n_out = 0;
    int rc = 0;
    if (!b)
        return 0;
    j->pair_batch = NULL;
    cu_batch_seal(b);
    if (j->prog) {
        n = cu_prog_filter(j->prog, b, j->pair_arena, sel, j->faults);
        if (j->faults->n)
            rc = cu_faults_report(&j->op, b, j->faults, NULL, err);
    } else {
        for (n = 0; n < b->n_rows; n++)
            sel[n] = (uint16_t)n;
    }
    for (uint32_t i = 0; i < n; i++) {
        const cu_join_pair *p = &j->pairs[sel[i]];
        count_match(j, p);
        sel[n_out] = sel[i];
        n_out += p->emits;
    }
    if (!rc && n_out > 0)
        rc = cu_op_emit(&j->op, cu_batch_select(j->pair_arena, b, sel, n_out),
                        err);
    cu_arena_reset(j->pair_arena);
    return rc;
}

static int wait_for_test(cu_join *j, const cu_join_pair *pair, int32_t w,
                         cu_err *err)
{
    cu_batch *b = j->pair_batch;
    if (b && b->n_rows == b->capacity) {
        int rc = cu_join_test(j, err);
        if (rc)
            return rc;
        b = NULL;
    }
    if (!b)
        b = j->pair_batch = cu_batch_new(j->pair_arena, j->joined,
                                         CU_BATCH_ROWS);
    j->pairs[b->n_rows] = *pair;
    return cu_pair_put(b, j->in[0].n_cols, row_of(j, pair->rows[0]),
                       row_of(j, pair->rows[1]), w, err);
}

int cu_join_meet(cu_join *j, uint32_t task, cu_side_row *l, cu_side_row *r,
                 cu_err *err)
{
    int64_t weight = l->count * r->count - l->before * r->before;
    j->n_pairs++;
    if (!j->tested)
        return emit_row(j, l, r, weight, err);
    cu_join_pair p = {.rows = {l, r}, .task = task};
    p.gain[0] = r->count - (l->before ? r->before : 0);
    p.gain[1] = l->count - (r->before ? l->before : 0);
    /* No net change, but of the degrees: tested, and never reported. */
    if (weight == 0)
        return wait_for_test(j, &p, -1, err);
    int rc = 0;
    while (weight && !rc) {
        int32_t w = cu_pair_weight(weight);
        p.emits = !j->half;
        rc = wait_for_test(j, &p, w, err);
        p.gain[0] = p.gain[1] = 0;
        weight -= w;
    }
    return rc;
}
