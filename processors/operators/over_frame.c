/* Frames that move over rows: each row enters once and leaves once.
 *
 * Both ends of a frame only go forward as the row does.  What EXCLUDE takes
 * out splits the frame into spans whose ends only go forward too, so that
 * one accumulator serves all:
 *
 *   CURRENT  [low, row) [row + 1, high)
 *   GROUP    [low, peers) [peers' end, high)
 *   TIES     [low, peers) [row, row + 1) [peers' end, high)
 *
 * min and max cannot take a value away: a span keeps a queue of the values
 * that may still be the best, in order; what a later value beats is gone.
 * Among equal values the latest is the answer, as in PostgreSQL.
 *
 * A frame from the partition's first row never takes anything away: no
 * spans, and its accumulator is the state that a row keeps.
 */
#include "processors/operators/over.h"

/* --- one row in, one row out ---------------------------------------------- */

/* The arguments of a row that counts; false: it does not. */
static bool arguments(const cu_over_fn *f, const cu_over_row *row,
                      cu_value v[2])
{
    const cu_over_call *c = f->call;
    if (c->filter >= 0) {
        cu_value on = cu_over_value(row, (uint32_t)c->filter);
        if (on.null || !on.b)
            return false;
    }
    for (uint32_t i = 0; i < c->n_args; i++) {
        v[i] = cu_over_value(row, c->args[i]);
        if (v[i].null)
            return false;
    }
    return true;
}

static bool beats(const cu_over_fn *f, const cu_value *v, const cu_value *old)
{
    int order = cu_value_cmp(v, old);
    return f->call->func->agg == CU_AGG_MIN ? order <= 0 : order >= 0;
}

static void count_to(cu_over_fn *f, const cu_over_row *row)
{
    if (f->held_n >= f->nth || ++f->held_n < f->nth)
        return;
    cu_value v = cu_over_value(row, f->call->args[0]);
    cu_acc_set_best(&f->acc, &f->held, v.null ? NULL : &v);
}

void cu_over_fn_add(cu_over_fn *f, const cu_over_row *row, cu_arena *scratch)
{
    cu_value v[2];
    if (f->keeps) {
        count_to(f, row);
    } else if (f->last) {
        return; /* a row is as good as the next one */
    } else if (arguments(f, row, v)) {
        if (f->adds)
            cu_acc_add_value(&f->acc, f->sum, v, 1, scratch);
        else if (f->held.value.null || beats(f, v, &f->held.value))
            cu_acc_set_best(&f->acc, &f->held, v);
    }
}

/* --- spans ---------------------------------------------------------------- */

static void enqueue(cu_over_fn *f, cu_over_span *s, const cu_over_rows *r,
                    const cu_value *v)
{
    while (s->n > 0) {
        int64_t last = s->queue[(s->first + s->n - 1) & (s->cap - 1)];
        cu_value old = cu_over_value(cu_over_rows_get(r, last),
                                     f->call->args[0]);
        if (!beats(f, v, &old))
            break;
        s->n--;
    }
    if (s->n == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 16;
        int64_t *queue = cu_calloc(cap, sizeof(*queue));
        for (uint32_t i = 0; i < s->n; i++)
            queue[i] = s->queue[(s->first + i) & (s->cap - 1)];
        cu_free(s->queue);
        s->queue = queue;
        s->cap = cap;
        s->first = 0;
    }
    s->queue[(s->first + s->n++) & (s->cap - 1)] = s->high;
}

static void enter(cu_over_fn *f, cu_over_span *s, const cu_over_rows *r,
                  cu_arena *scratch)
{
    cu_value v[2];
    if (!f->adds && !f->best)
        return;
    if (!arguments(f, cu_over_rows_get(r, s->high), v))
        return;
    if (f->adds)
        cu_acc_add_value(&f->acc, f->sum, v, 1, scratch);
    else
        enqueue(f, s, r, v);
}

static void leave(cu_over_fn *f, cu_over_span *s, const cu_over_row *row,
                  cu_arena *scratch)
{
    cu_value v[2];
    if (f->best && s->n > 0 && s->queue[s->first] == s->low) {
        s->first = (s->first + 1) & (s->cap - 1);
        s->n--;
    } else if (f->adds && arguments(f, row, v)) {
        cu_acc_add_value(&f->acc, f->sum, v, -1, scratch);
    }
}

static int move_span(cu_over_fn *f, cu_over_span *s, cu_over_rows *r,
                     int64_t low, int64_t high, cu_arena *scratch, cu_err *err)
{
    int rc = 0;
    bool open = s->high == CU_OVER_END;
    if (high < low)
        high = low;
    if (low < s->high)
        for (; s->high < high; s->high++)
            enter(f, s, r, scratch);
    for (; s->low < low && s->low < s->high && !rc; s->low++) {
        cu_over_row *row;
        rc = cu_over_rows_at(r, s->low, &row, err);
        if (!row) /* behind the partition's end */
            return rc;
        leave(f, s, row, scratch);
    }
    if (open || s->low < s->high)
        return rc;
    s->low = s->high = low;
    for (; s->high < high; s->high++)
        enter(f, s, r, scratch);
    return rc;
}

/* --- ends ----------------------------------------------------------------- */

int cu_over_peers_end(cu_over_rows *r, int64_t at, int64_t *end, cu_err *err)
{
    int64_t group = cu_over_rows_get(r, at)->group, i = at + 1;
    cu_over_row *row;
    int rc;
    while (!(rc = cu_over_rows_at(r, i, &row, err)) && row &&
           row->group == group)
        i++;
    *end = i;
    return rc;
}

static int know_peers_end(cu_over_rows *r, cu_over_cursor *c, cu_err *err)
{
    return c->peers_end == CU_OVER_END
               ? cu_over_peers_end(r, c->at, &c->peers_end, err)
               : 0;
}

/* No further than the partition. */
static int clip(cu_over_rows *r, int64_t *i, cu_err *err)
{
    cu_over_row *row;
    int rc = 0;
    if (*i < r->begin)
        *i = r->begin;
    if (*i > r->begin && *i > r->next)
        rc = cu_over_rows_at(r, *i - 1, &row, err);
    if (*i > r->next)
        *i = r->next;
    return rc;
}

static int64_t offset_of(const cu_over_end *e)
{
    return e->bound == CU_BOUND_PRECEDING   ? -e->n
           : e->bound == CU_BOUND_FOLLOWING ? e->n
                                            : 0;
}

/* Is `row` outside, before the start or still within the end? */
static bool passes(const cu_over_plan *p, const cu_over_fn *f,
                   const cu_over_row *row, const cu_over_row *base, bool start)
{
    const cu_over_end *e = start ? &f->start : &f->end;
    if (f->mode == CU_FRAME_GROUPS) {
        int64_t group = base->group + offset_of(e);
        return start ? row->group < group : row->group <= group;
    }
    cu_value v = cu_over_value(row, p->order_col);
    cu_value of = cu_over_value(base, p->order_col);
    return start ? cu_over_before(p, e, &v, &of)
                 : !cu_over_behind(p, e, &v, &of);
}

static int step(const cu_over_plan *p, const cu_over_fn *f, cu_over_rows *r,
                int64_t base, int64_t *i, bool start, cu_err *err)
{
    cu_over_row *row;
    int rc;
    while (!(rc = cu_over_rows_at(r, *i, &row, err)) && row &&
           passes(p, f, row, cu_over_rows_get(r, base), start))
        ++*i;
    return rc;
}

static int find_low(const cu_over_plan *p, cu_over_fn *f, cu_over_rows *r,
                    cu_over_cursor *c, cu_err *err)
{
    if (f->from_top) {
        f->low = r->begin;
        return 0;
    }
    if (f->mode == CU_FRAME_ROWS) {
        f->low = c->at + offset_of(&f->start);
        return clip(r, &f->low, err);
    }
    if (f->mode == CU_FRAME_RANGE && !f->start.ranged) {
        f->low = c->peers;
        return 0;
    }
    return step(p, f, r, c->at, &f->low, true, err);
}

static int find_high(const cu_over_plan *p, cu_over_fn *f, cu_over_rows *r,
                     cu_over_cursor *c, int64_t *high, cu_err *err)
{
    *high = f->high;
    if (f->to_end) {
        *high = CU_OVER_END;
        return f->ahead ? 0 : clip(r, high, err);
    }
    if (f->mode == CU_FRAME_ROWS) {
        *high = c->at + offset_of(&f->end) + 1;
        return clip(r, high, err);
    }
    if (f->mode == CU_FRAME_RANGE && !f->end.ranged) {
        int rc = know_peers_end(r, c, err);
        *high = c->peers_end;
        return rc;
    }
    return step(p, f, r, c->at, high, false, err);
}

/* --- a pass --------------------------------------------------------------- */

void cu_over_fn_clear(cu_over_fn *f)
{
    if (f->sum) {
        cu_acc_clear(&f->acc, f->sum);
        cu_acc_init(&f->acc, f->sum);
    }
    if (f->framed && !f->held.value.null)
        cu_acc_set_best(&f->acc, &f->held, NULL);
    f->held_n = 0;
}

void cu_over_fn_start(cu_over_fn *f, const cu_over_rows *r)
{
    f->low = f->high = r->begin;
    f->buckets = 0;
    for (int i = 0; i < CU_OVER_SPANS; i++) {
        f->spans[i].low = f->spans[i].high = r->begin;
        f->spans[i].n = 0;
    }
    if (f->ahead)
        f->spans[0].high = f->high = CU_OVER_END;
}

int cu_over_fn_resume(const cu_over_plan *p, cu_over_fn *f, cu_over_rows *r,
                      int64_t anchor, cu_err *err)
{
    cu_over_cursor c = {.at = anchor, .peers_end = CU_OVER_END};
    return find_high(p, f, r, &c, &f->high, err);
}

static int move_spans(cu_over_fn *f, cu_over_rows *r, cu_over_cursor *c,
                      int64_t high, cu_arena *scratch, cu_err *err)
{
    bool current = f->exclude == CU_EXCLUDE_CURRENT;
    int64_t cut = c->at, on = c->at + 1;
    int rc = 0;
    if (f->exclude == CU_EXCLUDE_NOTHING)
        return move_span(f, &f->spans[0], r, f->low, high, scratch, err);
    if (!current) {
        rc = know_peers_end(r, c, err);
        cut = c->peers;
        on = c->peers_end;
    }
    rc = rc ? rc
            : move_span(f, &f->spans[0], r, f->low, high < cut ? high : cut,
                        scratch, err);
    if (f->exclude == CU_EXCLUDE_TIES && !rc) {
        bool in = c->at >= f->low && c->at < high;
        rc = move_span(f, &f->spans[1], r, c->at, c->at + in, scratch, err);
    }
    return rc ? rc
              : move_span(f, &f->spans[2], r, f->low > on ? f->low : on, high,
                          scratch, err);
}

int cu_over_fn_move(const cu_over_plan *p, cu_over_fn *f, cu_over_rows *r,
                    cu_over_cursor *c, cu_arena *scratch, cu_err *err)
{
    int64_t high;
    if (f->ahead && f->from_top)
        return 0;
    int rc = find_low(p, f, r, c, err);
    rc = rc ? rc : find_high(p, f, r, c, &high, err);
    if (rc)
        return rc;
    if (f->from_top && f->exclude == CU_EXCLUDE_NOTHING && !f->stays) {
        for (; f->high < high; f->high++)
            cu_over_fn_add(f, cu_over_rows_get(r, f->high), scratch);
        return 0;
    }
    f->high = high;
    return move_spans(f, r, c, high, scratch, err);
}

int64_t cu_over_fn_needs(const cu_over_fn *f, const cu_over_rows *r,
                         const cu_over_cursor *c)
{
    if (f->stays)
        return r->begin;
    if (!f->framed) {
        int64_t next = c->at + 1;
        return f->shift_known && f->shift < 0 ? next + f->shift : next;
    }
    if (f->last && f->from_top && !f->ahead)
        return f->high > r->begin ? f->high - 1 : f->high;
    bool top_sum = f->from_top && f->adds; /* its rows never leave */
    int64_t least = f->from_top || f->low > f->high ? f->high : f->low;
    if (top_sum && f->exclude == CU_EXCLUDE_NOTHING)
        return least;
    for (int i = 0; i < CU_OVER_SPANS; i++) {
        const cu_over_span *s = &f->spans[i];
        bool top = top_sum && i == 0;
        int64_t low = top ? s->high : s->low;
        if ((top || s->low < s->high) && low < least)
            least = low;
    }
    return least;
}
