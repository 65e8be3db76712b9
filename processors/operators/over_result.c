/* Values of calls for one row, and what a row keeps for the next one.
 *
 * State of a row, only of the calls that run over all rows before it:
 *
 *   [varint row number][varint rank][varint dense rank]
 *   per call: accumulator | best value | u8 null, value, varint how many
 */
#include "processors/operators/over.h"

static int own_error(cu_err *err, uint32_t sqlstate, const char *text)
{
    cu_fail(err, CU_SQL, 0, "%s", text);
    if (err)
        err->sqlstate = sqlstate;
    return CU_SQL;
}

/* --- functions without a frame -------------------------------------------- */

static int ntile(cu_over_fn *f, cu_over_rows *r, const cu_over_cursor *c,
                 cu_value *out, cu_err *err)
{
    if (f->buckets == 0) { /* as in PostgreSQL, the first that is not NULL */
        cu_value n = cu_over_value(cu_over_rows_get(r, c->at),
                                   f->call->args[0]);
        out->null = n.null;
        if (n.null)
            return 0;
        if (n.i4 <= 0)
            return own_error(err, CU_SQLSTATE('2', '2', '0', '1', '4'),
                             "argument of ntile must be greater than zero");
        f->buckets = n.i4;
    }
    int64_t at = c->number - 1, size = c->total / f->buckets;
    int64_t larger = c->total % f->buckets, in_larger = larger * (size + 1);
    out->i4 = (int32_t)(at < in_larger ? at / (size + 1)
                                       : larger + (at - in_larger) / size) +
              1;
    return 0;
}

static int cume_dist(cu_over_rows *r, cu_over_cursor *c, cu_value *out,
                     cu_err *err)
{
    int rc = c->peers_end == CU_OVER_END
                 ? cu_over_peers_end(r, c->at, &c->peers_end, err)
                 : 0;
    out->f8 = (double)(c->number + c->peers_end - c->at - 1) / (double)c->total;
    return rc;
}

static int shifted(cu_over_fn *f, cu_over_rows *r, cu_over_cursor *c,
                   cu_value *out, cu_err *err)
{
    const cu_over_call *call = f->call;
    cu_over_row *row = cu_over_rows_get(r, c->at);
    int64_t shift = f->shift;
    int rc = 0;
    if (!f->shift_known) {
        cu_value n = cu_over_value(row, call->args[1]);
        out->null = n.null;
        if (n.null)
            return 0;
        shift = call->func->win == CU_WIN_LAG ? -(int64_t)n.i4 : n.i4;
    }
    cu_over_row *from = NULL;
    if (c->at + shift >= r->begin)
        rc = cu_over_rows_at(r, c->at + shift, &from, err);
    if (rc)
        return rc;
    row = cu_over_rows_get(r, c->at);
    if (from)
        *out = cu_over_value(from, call->args[0]);
    else if (call->n_args > 2)
        *out = cu_over_value(row, call->args[2]);
    else
        out->null = true;
    return 0;
}

/* --- functions of a frame ------------------------------------------------- */

/* The row that is the n-th of the frame; -1: there is none. */
static int64_t nth_of(const cu_over_fn *f, int64_t n)
{
    for (int i = 0; i < CU_OVER_SPANS; i++) {
        const cu_over_span *s = &f->spans[i];
        if (n <= s->high - s->low)
            return s->low + n - 1;
        n -= s->high - s->low;
    }
    return -1;
}

static int64_t last_of(const cu_over_fn *f, const cu_over_rows *r)
{
    if (f->from_top && f->exclude == CU_EXCLUDE_NOTHING)
        return f->high > r->begin ? f->high - 1 : -1;
    for (int i = CU_OVER_SPANS - 1; i >= 0; i--)
        if (f->spans[i].low < f->spans[i].high)
            return f->spans[i].high - 1;
    return -1;
}

static int picked(cu_over_fn *f, cu_over_rows *r, const cu_over_cursor *c,
                  cu_value *out, cu_err *err)
{
    const cu_over_call *call = f->call;
    int64_t n = 1, at;
    if (call->func->win == CU_WIN_NTH_VALUE && f->nth == 0) {
        cu_value v = cu_over_value(cu_over_rows_get(r, c->at), call->args[1]);
        out->null = v.null;
        if (v.null)
            return 0;
        if (v.i4 <= 0)
            return own_error(err, CU_SQLSTATE('2', '2', '0', '1', '6'),
                             "argument of nth_value must be greater than zero");
        n = v.i4;
    } else if (f->nth) {
        n = f->nth;
    }
    if (f->keeps || (f->last && f->ahead)) {
        *out = f->held.value;
        return 0;
    }
    at = f->last ? last_of(f, r) : nth_of(f, n);
    out->null = at < 0;
    if (at >= 0)
        *out = cu_over_value(cu_over_rows_get(r, at), call->args[0]);
    return 0;
}

static void best(const cu_over_fn *f, const cu_over_rows *r, cu_value *out)
{
    bool min = f->call->func->agg == CU_AGG_MIN;
    *out = f->held.value; /* NULL where there are spans */
    for (int i = 0; i < CU_OVER_SPANS; i++) {
        const cu_over_span *s = &f->spans[i];
        if (s->n == 0)
            continue;
        cu_value v = cu_over_value(cu_over_rows_get(r, s->queue[s->first]),
                                   f->call->args[0]);
        int order = out->null ? 0 : cu_value_cmp(&v, out);
        if (min ? order <= 0 : order >= 0)
            *out = v;
    }
}

/* --- the door ------------------------------------------------------------- */

static int result(cu_over_fn *f, cu_over_rows *r, cu_over_cursor *c,
                  cu_arena *a, cu_value *out, cu_err *err)
{
    switch ((cu_win)f->call->func->win) {
    case CU_WIN_ROW_NUMBER:
        out->i8 = c->number;
        break;
    case CU_WIN_RANK:
        out->i8 = c->rank;
        break;
    case CU_WIN_DENSE_RANK:
        out->i8 = c->dense;
        break;
    case CU_WIN_PERCENT_RANK:
        out->f8 = c->total > 1 ? (double)(c->rank - 1) / (double)(c->total - 1)
                               : 0;
        break;
    case CU_WIN_CUME_DIST:
        return cume_dist(r, c, out, err);
    case CU_WIN_NTILE:
        return ntile(f, r, c, out, err);
    case CU_WIN_LAG:
    case CU_WIN_LEAD:
        return shifted(f, r, c, out, err);
    case CU_WIN_FIRST_VALUE:
    case CU_WIN_LAST_VALUE:
    case CU_WIN_NTH_VALUE:
        return picked(f, r, c, out, err);
    case CU_WIN_NONE:
        if (f->adds)
            return cu_acc_result(&f->acc, f->sum, a, out, err);
        best(f, r, out);
        break;
    }
    return 0;
}

int cu_over_fn_result(cu_over_fn *f, cu_over_rows *r, cu_over_cursor *c,
                      cu_arena *a, cu_value *out, cu_err *err)
{
    *out = (cu_value){.type = f->call->result};
    int rc = result(f, r, c, a, out, err);
    out->type = f->call->result;
    return rc;
}

/* --- states --------------------------------------------------------------- */

void cu_over_state_put(const cu_over_plan *p, const cu_over_cursor *c,
                       cu_buf *out)
{
    if (p->counts)
        cu_buf_put_varint(out, (uint64_t)c->number);
    if (p->ranks)
        cu_buf_put_varint(out, (uint64_t)c->rank);
    if (p->denses)
        cu_buf_put_varint(out, (uint64_t)c->dense);
    for (uint32_t i = 0; i < p->n; i++) {
        const cu_over_fn *f = &p->fns[i];
        if (f->class != CU_OVER_RUN || !f->framed)
            continue;
        cu_acc_put(&f->acc, f->adds ? f->sum : &f->held, out);
        if (f->keeps)
            cu_buf_put_varint(out, (uint64_t)f->held_n);
    }
}

bool cu_over_state_get(cu_over_plan *p, cu_over_cursor *c, cu_slice bytes,
                       cu_arena *scratch)
{
    cu_scan s = cu_scan_of(bytes);
    if (p->counts)
        c->number = (int64_t)cu_scan_varint(&s);
    if (p->ranks)
        c->rank = (int64_t)cu_scan_varint(&s);
    if (p->denses)
        c->dense = (int64_t)cu_scan_varint(&s);
    for (uint32_t i = 0; i < p->n && !s.bad; i++) {
        cu_over_fn *f = &p->fns[i];
        if (f->class != CU_OVER_RUN || !f->framed)
            continue;
        if (!cu_acc_get(&f->acc, f->adds ? f->sum : (void *)&f->held, &s,
                        scratch))
            return false;
        if (f->keeps)
            f->held_n = (int64_t)cu_scan_varint(&s);
    }
    return !s.bad;
}
