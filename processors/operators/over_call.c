/* What the calls of an over node need: which rows a change is felt by.
 *
 *   LOCAL  rows near by: lag, lead, frames with two near ends.  A change is
 *          felt by the rows whose frame reaches it.
 *   RUN    all rows before: row_number, rank, frames from the partition's
 *          start.  Each row keeps what the next one starts from; a pass ends
 *          where that is what it was.
 *   WHOLE  the rest: what depends on the number of rows (ntile, cume_dist)
 *          or on rows up to the partition's end.  Every change computes all
 *          rows anew, and emits those that differ.
 *
 * The reaches of all calls are joined, so that there is one pass for all.
 * An offset of lag, lead or nth_value is known when its column is a constant
 * of the projection below; otherwise the call is WHOLE.
 *
 *   rows       … a a a [change] b b b …
 *   before     the a's that feel it: their frames end behind it
 *   after      the b's: their frames start before it
 *   context    rows before the first a that its frame looks at
 */
#include "processors/operators/over.h"

static void wider(cu_over_reach *r, int64_t rows, int64_t groups)
{
    if (rows > r->rows)
        r->rows = rows;
    if (groups > r->groups)
        r->groups = groups;
}

/* --- constants behind a column -------------------------------------------- */

static const cu_value *constant(const cu_node *n, uint32_t col)
{
    while (n->n_inputs == 1 &&
           (n->kind == CU_N_EXCHANGE || n->kind == CU_N_FILTER ||
            n->kind == CU_N_WATERMARK))
        n = n->inputs[0];
    if (n->kind != CU_N_PROJECT || n->project.exprs[col]->kind != CU_E_CONST)
        return NULL;
    const cu_value *v = &n->project.exprs[col]->value;
    return v->null || v->type.kind != CU_T_INT4 ? NULL : v;
}

static void learn_constants(const cu_node *node, cu_over_fn *f)
{
    const cu_over_call *c = f->call;
    uint8_t win = c->func->win;
    const cu_value *v = c->n_args > 1 ? constant(node->inputs[0], c->args[1])
                                      : NULL;
    if (win == CU_WIN_LAG || win == CU_WIN_LEAD) {
        f->shift_known = v || c->n_args == 1;
        f->shift = v ? v->i4 : 1;
        if (win == CU_WIN_LAG)
            f->shift = -f->shift;
    } else if (win == CU_WIN_FIRST_VALUE) {
        f->nth = 1;
    } else if (win == CU_WIN_NTH_VALUE && v && v->i4 > 0) {
        f->nth = v->i4;
    }
}

/* --- frames --------------------------------------------------------------- */

static int bad_offset(bool start, bool null, cu_err *err)
{
    cu_fail(err, CU_SQL, 0, "frame %s offset must not be %s",
            start ? "starting" : "ending", null ? "null" : "negative");
    if (err)
        err->sqlstate = null ? CU_SQLSTATE('2', '2', '0', '0', '4')
                             : CU_SQLSTATE('2', '2', '0', '1', '3');
    return CU_SQL;
}

static int open_end(const cu_over_plan *p, cu_over_fn *f, bool start,
                    cu_err *err)
{
    const cu_over_frame *frame = &f->call->frame;
    cu_over_end *e = start ? &f->start : &f->end;
    const cu_value *v = start ? frame->start_offset : frame->end_offset;
    e->bound = start ? frame->start : frame->end;
    if (e->bound != CU_BOUND_PRECEDING && e->bound != CU_BOUND_FOLLOWING) {
        bool peers = f->mode != CU_FRAME_ROWS && p->node->over.n_order == 0;
        if (e->bound == CU_BOUND_CURRENT && peers)
            e->bound = start ? CU_BOUND_UNBOUNDED_PRECEDING
                             : CU_BOUND_UNBOUNDED_FOLLOWING;
        return 0;
    }
    if (!v || v->null)
        return bad_offset(start, true, err);
    if (f->mode == CU_FRAME_RANGE) {
        CU_ASSERT(p->node->over.n_order == 1);
        e->by = *v;
        e->ranged = true;
        return cu_over_offset_check(e, err);
    }
    CU_ASSERT(v->type.kind == CU_T_INT8);
    if (v->i8 < 0)
        return bad_offset(start, false, err);
    const int64_t most = INT64_MAX / 8; /* sums with row numbers stay small */
    e->n = v->i8 < most ? v->i8 : most;
    return 0;
}

/* A call whose frame it is asked for: aggregates and three functions. */
static int open_frame(cu_over_plan *p, cu_over_fn *f, cu_err *err)
{
    f->mode = f->call->frame.mode;
    f->exclude = f->call->frame.exclude;
    int rc = open_end(p, f, true, err);
    rc = rc ? rc : open_end(p, f, false, err);
    f->from_top = f->start.bound == CU_BOUND_UNBOUNDED_PRECEDING;
    f->to_end = f->end.bound == CU_BOUND_UNBOUNDED_FOLLOWING;
    bool plain = f->exclude == CU_EXCLUDE_NOTHING;
    f->keeps = f->from_top && f->nth > 0 && plain;
    f->ahead = f->to_end && plain &&
               (f->adds || (f->from_top && (f->best || f->keeps || f->last)));
    f->stays = f->from_top && !f->adds && !f->keeps && !f->ahead &&
               !(plain && (f->best || f->last));
    f->class = f->to_end      ? CU_OVER_WHOLE
               : !f->from_top ? CU_OVER_LOCAL
               : !plain       ? CU_OVER_WHOLE
               : f->last      ? CU_OVER_LOCAL
               : f->stays     ? CU_OVER_WHOLE
                              : CU_OVER_RUN;
    return rc;
}

/* Rows that feel a change through this end, and what they look at. */
static void reach_of_end(cu_over_plan *p, const cu_over_fn *f,
                         const cu_over_end *e)
{
    bool rows = f->mode == CU_FRAME_ROWS, groups = f->mode == CU_FRAME_GROUPS;
    bool back = e->bound == CU_BOUND_PRECEDING;
    bool forth = e->bound == CU_BOUND_FOLLOWING;
    if (e->bound == CU_BOUND_UNBOUNDED_PRECEDING ||
        e->bound == CU_BOUND_UNBOUNDED_FOLLOWING)
        return;
    if (!rows) {
        wider(&p->before, 0, 0);
        wider(&p->after, 0, 0);
    }
    if (back && rows) {
        wider(&p->after, e->n, -1);
        wider(&p->context, e->n, -1);
    } else if (back && groups) {
        wider(&p->after, 0, e->n);
        wider(&p->context, 0, e->n);
    } else if (back) {
        p->after_range = p->context_range = true;
    } else if (forth && rows) {
        wider(&p->before, e->n, -1);
    } else if (forth && groups) {
        wider(&p->before, 0, e->n);
    } else if (forth) {
        p->before_range = true;
    }
    p->ranged = p->ranged || e->ranged;
}

/* --- opening -------------------------------------------------------------- */

static int open_aggregate(const cu_over_plan *p, cu_over_fn *f, cu_err *err)
{
    const cu_over_call *c = f->call;
    const cu_schema *in = p->node->inputs[0]->schema;
    f->agg = (cu_agg_call){.func = c->func,
                           .arg = c->n_args ? c->args[0] : -1,
                           .filter = c->filter,
                           .result = c->result};
    if (c->n_args > 1) {
        f->agg.has_second = true;
        f->agg.second = c->args[1];
    }
    f->acc.second = in->fields[f->agg.second].type;
    cu_type arg = c->n_args ? in->fields[c->args[0]].type : CU_TYPE(CU_T_INT8);
    int rc = cu_acc_prepare(&f->acc, &f->agg, arg, true, err);
    if (rc)
        return rc;
    f->best = f->acc.kind == CU_ACC_BEST;
    f->adds = !f->best;
    if (f->acc.counted || f->acc.kind == CU_ACC_MARKS ||
        f->acc.kind == CU_ACC_ALL)
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "%s() over a window is not supported", c->func->name);
    if (f->adds) {
        f->sum = cu_calloc(1, cu_acc_size(f->acc.kind));
        cu_acc_init(&f->acc, f->sum);
    }
    return 0;
}

static int open_call(cu_over_plan *p, cu_over_fn *f, cu_err *err)
{
    const cu_over_call *c = f->call;
    int rc = 0;
    f->acc.call = &f->agg;
    f->held.value.null = true;
    if (c->func->agg) {
        f->framed = true;
        rc = open_aggregate(p, f, err);
        return rc ? rc : open_frame(p, f, err);
    }
    if (c->n_args)
        f->acc.arg = p->node->inputs[0]->schema->fields[c->args[0]].type;
    f->acc.kind = CU_ACC_BEST;
    f->class = CU_OVER_RUN;
    switch ((cu_win)c->func->win) {
    case CU_WIN_ROW_NUMBER:
        p->counts = true;
        break;
    case CU_WIN_RANK:
        p->counts = p->ranks = true;
        break;
    case CU_WIN_DENSE_RANK:
        p->denses = true;
        break;
    case CU_WIN_PERCENT_RANK:
    case CU_WIN_CUME_DIST:
    case CU_WIN_NTILE:
        f->class = CU_OVER_WHOLE;
        p->sized = true;
        break;
    case CU_WIN_LAG:
    case CU_WIN_LEAD:
        f->class = f->shift_known ? CU_OVER_LOCAL : CU_OVER_WHOLE;
        f->stays = !f->shift_known;
        break;
    case CU_WIN_LAST_VALUE:
        f->last = true;
        /* fall through */
    case CU_WIN_FIRST_VALUE:
    case CU_WIN_NTH_VALUE:
        f->framed = true;
        rc = open_frame(p, f, err);
        break;
    case CU_WIN_NONE:
        rc = cu_fail(err, CU_UNSUPPORTED, 0, "%s is no window function",
                     c->func->name);
        break;
    }
    return rc;
}

static void join_reach(cu_over_plan *p, const cu_over_fn *f)
{
    p->whole = p->whole || f->class == CU_OVER_WHOLE;
    p->run = p->run || f->class == CU_OVER_RUN;
    p->ahead = p->ahead || f->ahead;
    if (f->framed) {
        reach_of_end(p, f, &f->start);
        reach_of_end(p, f, &f->end);
        if (f->exclude == CU_EXCLUDE_GROUP || f->exclude == CU_EXCLUDE_TIES) {
            wider(&p->before, 0, 0);
            wider(&p->after, 0, 0);
        }
    } else if (f->shift_known && f->shift < 0) {
        wider(&p->after, -f->shift, -1);
        wider(&p->context, -f->shift, -1);
    } else if (f->shift_known) {
        wider(&p->before, f->shift, -1);
    }
}

int cu_over_plan_open(cu_over_plan *p, const cu_node *node, const cu_zone *zone,
                      cu_err *err)
{
    const cu_over_reach none = {0, -1};
    int rc = 0;
    *p = (cu_over_plan){.node = node,
                        .zone = zone,
                        .n = node->over.n_calls,
                        .before = none,
                        .after = none,
                        .context = none};
    p->fns = cu_calloc(p->n + 1, sizeof(*p->fns));
    if (node->over.n_order > 0) {
        p->order_col = node->over.order[0].col;
        p->order_flags = node->over.order[0].flags;
    }
    for (uint32_t i = 0; i < p->n && !rc; i++) {
        cu_over_fn *f = &p->fns[i];
        f->call = &node->over.calls[i];
        learn_constants(node, f);
        rc = open_call(p, f, err);
        join_reach(p, f);
    }
    return rc;
}

void cu_over_plan_close(cu_over_plan *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        cu_over_fn *f = &p->fns[i];
        if (f->sum)
            cu_acc_clear(&f->acc, f->sum);
        cu_free(f->sum);
        if (f->acc.call)
            cu_acc_set_best(&f->acc, &f->held, NULL);
        cu_free(f->held.key);
        cu_acc_done(&f->acc);
        for (int s = 0; s < CU_OVER_SPANS; s++)
            cu_free(f->spans[s].queue);
    }
    cu_free(p->fns);
}
