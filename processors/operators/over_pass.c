/* A pass: from the first row that feels a change to the last.
 *
 *   look back   from the change: rows that feel it, then the row whose state
 *               the pass starts from, then what their frames look at
 *   compute     row by row, forwards; a row whose outputs differ is emitted
 *               (-old, +new) and stored
 *   end         where no row feels the changes passed so far: beyond the
 *               reach of frames, and the state is what it was
 *   next        the next change that the pass has not come to
 *
 *   rows   c c a x x [change] y y y | z z      c context, a anchor
 *                                     z: as they were
 *
 * P1 when a pass ends, every row holds the outputs of the partition as it is.
 * P2 only rows whose outputs differ are emitted.
 *
 * Calls over the whole partition have one pass from its first row; what they
 * need of all rows beforehand (their number, sums up to the end) is read
 * first.  The table may not change under a scan: what is to be stored waits
 * for a pause.
 */
#include "processors/operators/over_pass.h"

enum { VERSION = 1, MOST_PUTS = 1024 };

int cu_over_pass_open(cu_over_pass *p, cu_op *op, cu_table *table, cu_err *err)
{
    p->op = op;
    p->table = table;
    cu_over_rows_open(&p->rows, op, table);
    cu_outbox_open(&p->out, op, op->node->schema);
    p->puts = cu_calloc(MOST_PUTS, sizeof(*p->puts));
    p->puts_arena = cu_arena_new(0);
    p->scratch = cu_arena_new(0);
    p->probe = cu_arena_new(0);
    return cu_over_plan_open(&p->plan, op->node, op->env->expr->zone, err);
}

void cu_over_pass_close(cu_over_pass *p)
{
    if (!p->op)
        return;
    cu_over_rows_close(&p->rows);
    cu_outbox_close(&p->out);
    cu_over_plan_close(&p->plan);
    cu_free(p->puts);
    cu_arena_free(p->puts_arena);
    cu_arena_free(p->scratch);
    cu_arena_free(p->probe);
    cu_buf_free(&p->shown);
    cu_buf_free(&p->state);
    cu_buf_free(&p->value);
    cu_buf_free(&p->from);
    cu_buf_free(&p->affected);
    cu_buf_free(&p->order);
    cu_buf_free(&p->peers);
}

static void put_head(uint32_t order_len, cu_over_status status, cu_buf *out)
{
    cu_buf_put_u8(out, VERSION);
    cu_buf_put_u8(out, (uint8_t)status);
    cu_buf_put_varint(out, order_len);
}

void cu_over_put_fresh(uint32_t order_len, cu_buf *out)
{
    put_head(order_len, CU_OVER_FRESH, out);
    cu_buf_put_lslice(out, CU_LIT(""));
}

static int damaged(const cu_over_pass *p, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "over (node %u): a row's state does not check out",
                   p->op->node->id);
}

/* --- emitting ------------------------------------------------------------- */

int cu_over_emit(cu_over_pass *p, cu_slice bytes, cu_slice shown, int32_t w,
                 cu_err *err)
{
    int rc = cu_outbox_room(&p->out, 1, err);
    if (rc)
        return rc;
    cu_arena *a = p->out.arena;
    rc = cu_outbox_row(&p->out, cu_arena_slice(a, bytes), w, err);
    if (rc)
        return rc;
    cu_scan s = cu_scan_of(cu_arena_slice(a, shown));
    cu_batch *b = p->out.batch;
    uint32_t first = b->n_cols - p->plan.n;
    for (uint32_t i = 0; i < p->plan.n; i++) {
        cu_col *col = &b->cols[first + i];
        cu_value v;
        if (cu_scan_u8(&s))
            continue; /* a short row reads NULL */
        if (!cu_value_get(col->type, &s, a, &v))
            return damaged(p, err);
        cu_col_set(a, col, b->n_rows - 1, b->capacity, &v);
    }
    return s.bad ? damaged(p, err) : 0;
}

static int flush_puts(cu_over_pass *p, cu_err *err)
{
    int rc = cu_over_rows_pause(&p->rows, err);
    for (uint32_t i = 0; i < p->n_puts && !rc; i++)
        cu_table_put(p->table, p->puts[i].key, p->puts[i].value);
    p->n_puts = 0;
    cu_arena_reset(p->puts_arena);
    return rc;
}

static int put(cu_over_pass *p, const cu_over_row *row, cu_over_status status,
               cu_err *err)
{
    cu_buf *v = &p->value;
    cu_buf_clear(v);
    put_head((uint32_t)row->order.len, status, v);
    cu_buf_put_lslice(v, cu_buf_slice(&p->shown));
    cu_buf_put_slice(v, cu_buf_slice(&p->state));
    p->puts[p->n_puts++] = (cu_over_put){
        cu_arena_slice(p->puts_arena, row->key),
        cu_arena_slice(p->puts_arena, cu_buf_slice(v))};
    return p->n_puts == MOST_PUTS ? flush_puts(p, err) : 0;
}

static int refuse(cu_over_pass *p, const cu_over_row *row, uint32_t call,
                  const cu_err *why, cu_err *err)
{
    const cu_schema *schema = p->op->node->schema;
    if (!p->op->env->letter)
        return 0;
    cu_batch_seal(row->chunk->batch);
    cu_letter letter = {
        .batch = row->chunk->batch,
        .row = row->at,
        .sqlstate = why->sqlstate,
        .message = why->msg,
        .stage = "over",
        .column = schema->fields[schema->n - p->plan.n + call].name};
    return p->op->env->letter(p->op->env->ctx, &letter, err);
}

/* --- one row -------------------------------------------------------------- */

/* The outputs of the cursor's row into `shown`. *refused: the call that
 * failed, or n. */
static int compute(cu_over_pass *p, cu_over_cursor *c, uint32_t *refused,
                   cu_err *why, cu_err *err)
{
    cu_over_plan *plan = &p->plan;
    *refused = plan->n;
    cu_buf_clear(&p->shown);
    for (uint32_t i = 0; i < plan->n; i++) {
        cu_over_fn *f = &plan->fns[i];
        cu_value v;
        int rc = f->framed
                     ? cu_over_fn_move(plan, f, &p->rows, c, p->scratch, err)
                     : 0;
        if (rc)
            return rc;
        cu_err failed = {0};
        rc = cu_over_fn_result(f, &p->rows, c, p->scratch, &v, &failed);
        if (rc && !failed.sqlstate) {
            *err = failed;
            return rc;
        }
        if (rc && *refused == plan->n) {
            *refused = i;
            *why = failed;
        }
        bool null = rc || v.null;
        cu_buf_put_u8(&p->shown, null);
        if (!null)
            cu_value_put(&v, &p->shown);
    }
    if (*refused < plan->n)
        cu_buf_clear(&p->shown);
    cu_buf_clear(&p->state);
    cu_over_state_put(plan, c, &p->state);
    return 0;
}

/* *same: the next row starts from what it did. */
static int finish_row(cu_over_pass *p, cu_over_cursor *c, bool *same,
                      cu_err *err)
{
    cu_err why;
    uint32_t refused;
    int rc = compute(p, c, &refused, &why, err);
    if (rc)
        return rc;
    const cu_over_row *row = cu_over_rows_get(&p->rows, c->at);
    cu_over_status status = refused < p->plan.n ? CU_OVER_REFUSED
                                                : CU_OVER_SHOWN;
    bool shown = status == row->status &&
                 cu_slice_eq(row->shown, cu_buf_slice(&p->shown));
    *same = row->status != CU_OVER_FRESH &&
            cu_slice_eq(row->state, cu_buf_slice(&p->state));
    if (shown && *same)
        return 0;
    if (!shown && row->status == CU_OVER_SHOWN)
        rc = cu_over_emit(p, row->bytes, row->shown, -1, err);
    if (!rc && !shown && status == CU_OVER_SHOWN)
        rc = cu_over_emit(p, row->bytes, cu_buf_slice(&p->shown), 1, err);
    if (!rc && status == CU_OVER_REFUSED && row->status != CU_OVER_REFUSED)
        rc = refuse(p, row, refused, &why, err);
    return rc ? rc : put(p, row, status, err);
}

static void enter_row(cu_over_cursor *c, int64_t *group, const cu_over_row *row)
{
    c->number++;
    c->peers_end = row->group == *group ? c->peers_end : CU_OVER_END;
    if (row->group == *group)
        return;
    *group = row->group;
    c->peers = c->at;
    c->rank = c->number;
    c->dense++;
}

static void drop_rows(cu_over_pass *p, const cu_over_cursor *c)
{
    int64_t least = c->at; /* the next row is compared with it */
    for (uint32_t i = 0; i < p->plan.n; i++) {
        int64_t needs = cu_over_fn_needs(&p->plan.fns[i], &p->rows, c);
        if (needs < least)
            least = needs;
    }
    cu_over_rows_drop(&p->rows, least);
    cu_arena_reset(p->scratch);
}

/* --- the whole partition -------------------------------------------------- */

/* What the calls need of all rows before the first one is computed. */
static int read_ahead(cu_over_pass *p, cu_over_cursor *c, cu_err *err)
{
    cu_over_plan *plan = &p->plan;
    cu_over_rows *r = &p->rows;
    cu_over_row *row;
    int rc;
    cu_over_rows_start(r, p->partition, p->partition);
    for (int64_t i = r->begin; !(rc = cu_over_rows_at(r, i, &row, err)) && row;
         i++) {
        c->total++;
        for (uint32_t k = 0; k < plan->n; k++)
            if (plan->fns[k].ahead)
                cu_over_fn_add(&plan->fns[k], row, p->scratch);
        cu_over_rows_drop(r, i);
        cu_arena_reset(p->scratch);
    }
    for (uint32_t k = 0; k < plan->n && c->total > 0 && !rc; k++) {
        cu_over_fn *f = &plan->fns[k];
        if (!f->ahead || !f->last)
            continue;
        cu_value v = cu_over_value(cu_over_rows_get(r, r->next - 1),
                                   f->call->args[0]);
        cu_acc_set_best(&f->acc, &f->held, v.null ? NULL : &v);
    }
    return rc;
}

static int run_whole(cu_over_pass *p, cu_err *err)
{
    cu_over_plan *plan = &p->plan;
    cu_over_rows *r = &p->rows;
    cu_over_cursor c = {.peers_end = CU_OVER_END};
    cu_over_row *row;
    int64_t group = -1;
    bool same;
    int rc = 0;
    for (uint32_t i = 0; i < plan->n; i++)
        cu_over_fn_clear(&plan->fns[i]);
    if (plan->ahead || plan->sized)
        rc = read_ahead(p, &c, err);
    if (rc)
        return rc;
    cu_over_rows_start(r, p->partition, p->partition);
    for (uint32_t i = 0; i < plan->n; i++)
        cu_over_fn_start(&plan->fns[i], r);
    c.at = r->begin;
    while (!(rc = cu_over_rows_at(r, c.at, &row, err)) && row) {
        enter_row(&c, &group, row);
        rc = finish_row(p, &c, &same, err);
        if (rc)
            return rc;
        drop_rows(p, &c);
        c.at++;
    }
    return rc ? rc : flush_puts(p, err);
}

/* --- looking back --------------------------------------------------------- */

typedef struct start {
    int64_t before; /* rows of `from` ahead of the first one to compute */
} start;

static int order_value(cu_over_pass *p, cu_slice bytes, cu_value *out,
                       cu_err *err)
{
    if (!p->plan.ranged)
        return 0;
    cu_batch *b = cu_batch_new(p->probe, p->op->node->inputs[0]->schema, 1);
    int rc = cu_row_decode(cu_arena_slice(p->probe, bytes), b, 1, false, err);
    if (!rc)
        *out = cu_batch_value(b, 0, p->plan.order_col);
    return rc;
}

/* Does a row ahead of the change feel it through a RANGE offset? */
static bool reaches_forth(const cu_over_plan *plan, const cu_value *change,
                          const cu_value *row)
{
    for (uint32_t i = 0; i < plan->n && plan->before_range; i++) {
        const cu_over_end *e = &plan->fns[i].end;
        if (e->ranged && e->bound == CU_BOUND_FOLLOWING &&
            !cu_over_behind(plan, e, change, row))
            return true;
    }
    return false;
}

/* Does the anchor's frame, or its end, look at the row? */
static bool reaches_back(const cu_over_plan *plan, const cu_value *anchor,
                         const cu_value *row)
{
    for (uint32_t i = 0; i < plan->n && plan->context_range; i++) {
        const cu_over_fn *f = &plan->fns[i];
        if (f->start.ranged && f->start.bound == CU_BOUND_PRECEDING &&
            !cu_over_before(plan, &f->start, row, anchor))
            return true;
        if (f->end.ranged && f->end.bound == CU_BOUND_PRECEDING &&
            cu_over_behind(plan, &f->end, row, anchor))
            return true;
    }
    return false;
}

/* How far a backward walk has come from where it began. */
typedef struct walk {
    int64_t rows, groups;
    cu_value at;
} walk;

static void step_back(cu_over_pass *p, walk *w, const cu_over_row *row)
{
    w->rows++;
    if (cu_slice_eq(cu_buf_slice(&p->order), row->order))
        return;
    w->groups++;
    cu_buf_clear(&p->order);
    cu_buf_put_slice(&p->order, row->order);
}

static bool within(const walk *w, const cu_over_reach *reach)
{
    return w->rows <= reach->rows || w->groups <= reach->groups;
}

/* One row further back; *more false: it was the last that is needed. */
static int look_at(cu_over_pass *p, walk *w, start *s, const cu_over_row *row,
                   bool *more, cu_err *err)
{
    const cu_over_plan *plan = &p->plan;
    cu_value v = {.null = true};
    int rc = order_value(p, row->bytes, &v, err);
    if (rc)
        return rc;
    int64_t groups = w->groups;
    step_back(p, w, row);
    /* Where peers matter, a pass starts with the first of them. */
    bool peer = plan->before.groups >= 0 && w->groups == groups;
    *more = true;
    if (s->before == 0) {
        if (peer || within(w, &plan->before) ||
            reaches_forth(plan, &w->at, &v)) {
            cu_buf_clear(&p->affected);
            cu_buf_put_slice(&p->affected, row->key);
        } else {
            *w = (walk){.at = v};
            *more = plan->context.rows > 0 || plan->context.groups >= 0 ||
                    plan->context_range;
            s->before = 1;
        }
    } else {
        s->before++;
        *more = within(w, &plan->context) || reaches_back(plan, &w->at, &v);
    }
    cu_buf_clear(&p->from);
    cu_buf_put_slice(&p->from, row->key);
    return 0;
}

/* Where a pass for this change starts: `from`, `affected`. */
static int look_back(cu_over_pass *p, const cu_over_change *c, start *s,
                     cu_err *err)
{
    cu_slice key = cu_over_change_key(c), k, v;
    walk w = {.at = c->at};
    cu_table_iter *it;
    cu_over_row row;
    bool more = true;
    *s = (start){0};
    cu_arena_reset(p->probe);
    cu_buf_clear(&p->order);
    cu_buf_put(&p->order, key.data, c->order_len);
    cu_buf_clear(&p->from);
    cu_buf_put_slice(&p->from, key);
    cu_buf_clear(&p->affected);
    cu_buf_put_slice(&p->affected, key);
    int rc = cu_table_scan(p->table, p->partition, key, true, &it, err);
    if (rc)
        return rc;
    while (more && !rc && cu_table_iter_next(it, &k, &v)) {
        p->looked++;
        rc = cu_over_row_parse(k, v, &row) ? look_at(p, &w, s, &row, &more, err)
                                           : damaged(p, err);
    }
    cu_err unused;
    int closed = cu_table_iter_close(it, rc ? &unused : err);
    return rc ? rc : closed;
}

/* --- forwards ------------------------------------------------------------- */

/* Where the pass stands to the change that it passed last. */
typedef struct since {
    const cu_over_change *last; /* NULL: none yet */
    int64_t rows;               /* between it and the row */
    int64_t groups;             /* peers begun behind its own */
    bool inside;                /* the row is one of the change's own */
    bool settled;               /* the state is what it was */
    bool edge_known;
    cu_value edge; /* of the first row behind the change */
    bool asked;    /* the next change is too near for a new pass */
} since;

static void come_to(cu_over_pass *p, since *s, const cu_over_row *row,
                    uint32_t *next)
{
    bool fresh = false;
    while (*next < p->n_changes &&
           cu_slice_cmp(cu_over_change_key(p->changes[*next]), row->key) <= 0) {
        s->last = p->changes[(*next)++];
        fresh = true;
    }
    if (!s->last)
        return;
    cu_slice key = cu_over_change_key(s->last);
    if (fresh) {
        s->rows = s->groups = 0;
        cu_buf_clear(&p->peers);
        cu_buf_put(&p->peers, key.data, s->last->order_len);
        s->settled = s->edge_known = s->asked = false;
    }
    s->inside = row->key.len == key.len + sizeof(uint32_t) &&
                !memcmp(row->key.data, key.data, key.len);
    if (!cu_slice_eq(cu_buf_slice(&p->peers), row->order)) {
        s->groups++;
        cu_buf_clear(&p->peers);
        cu_buf_put_slice(&p->peers, row->order);
    }
    if (!s->inside && !s->edge_known && p->plan.after_range) {
        s->edge = cu_over_value(row, p->plan.order_col);
        if (s->edge.type.kind == CU_T_NUMERIC && !s->edge.null)
            s->edge.num = cu_numeric_copy(&s->edge.num, p->op->arena);
        s->edge_known = true;
    }
}

/* The row is beyond the reach of the changes passed so far. */
static bool beyond(const cu_over_plan *plan, const since *s,
                   const cu_over_row *row)
{
    if (!s->last || s->inside || s->rows < plan->after.rows ||
        s->groups <= plan->after.groups)
        return false;
    if (!plan->after_range)
        return true;
    cu_value v = cu_over_value(row, plan->order_col);
    for (uint32_t i = 0; i < plan->n; i++) {
        const cu_over_fn *f = &plan->fns[i];
        if (f->start.ranged && f->start.bound == CU_BOUND_PRECEDING &&
            !cu_over_before(plan, &f->start, &s->last->at, &v))
            return false;
        if (f->from_top && f->end.ranged &&
            f->end.bound == CU_BOUND_PRECEDING &&
            cu_over_behind(plan, &f->end, &s->edge, &v))
            return false;
    }
    return true;
}

static int resume(cu_over_pass *p, const start *s, cu_over_cursor *c,
                  int64_t *group, cu_err *err)
{
    cu_over_plan *plan = &p->plan;
    cu_over_rows *r = &p->rows;
    cu_over_row *row;
    int rc = 0;
    cu_over_rows_start(r, cu_buf_slice(&p->from), p->partition);
    for (uint32_t i = 0; i < plan->n; i++) {
        cu_over_fn_clear(&plan->fns[i]);
        cu_over_fn_start(&plan->fns[i], r);
    }
    *c = (cu_over_cursor){.at = r->begin + s->before, .peers_end = CU_OVER_END};
    *group = -1;
    if (!s->before)
        return 0;
    rc = cu_over_rows_at(r, c->at - 1, &row, err);
    if (rc)
        return rc;
    CU_ASSERT(row);
    *group = row->group;
    if (!plan->run)
        return 0;
    if (!cu_over_state_get(plan, c, row->state, p->scratch))
        return damaged(p, err);
    for (uint32_t i = 0; i < plan->n && !rc; i++)
        if (plan->fns[i].class == CU_OVER_RUN && plan->fns[i].framed)
            rc = cu_over_fn_resume(plan, &plan->fns[i], r, c->at - 1, err);
    return rc;
}

/* From one change to where it is not felt; *next: the first change beyond,
 * for which `s` is where its pass starts. */
static int run_from(cu_over_pass *p, start *s, uint32_t *next, cu_err *err)
{
    cu_over_rows *r = &p->rows;
    cu_over_cursor c;
    cu_over_row *row = NULL;
    since past = {0};
    int64_t group;
    bool same;
    int rc = resume(p, s, &c, &group, err);
    while (!rc && !(rc = cu_over_rows_at(r, c.at, &row, err)) && row) {
        come_to(p, &past, row, next);
        bool far = beyond(&p->plan, &past, row);
        if (far && (!p->plan.run || past.settled) && !past.asked) {
            if (*next == p->n_changes)
                break;
            rc = look_back(p, p->changes[*next], s, err);
            if (rc || cu_slice_cmp(cu_buf_slice(&p->affected), row->key) > 0)
                break;
            past.asked = true;
        }
        enter_row(&c, &group, row);
        rc = finish_row(p, &c, &same, err);
        past.settled = past.settled || (same && far);
        past.rows += !past.inside;
        drop_rows(p, &c);
        c.at++;
    }
    if (!rc && !row)
        *next = p->n_changes;
    return rc ? rc : flush_puts(p, err);
}

int cu_over_pass_run(cu_over_pass *p, cu_slice partition,
                     cu_over_change **changes, uint32_t n, cu_err *err)
{
    int rc = 0;
    p->partition = partition;
    p->changes = changes;
    p->n_changes = n;
    if (p->plan.whole)
        return run_whole(p, err);
    for (uint32_t i = 0; i < n && !rc; i++) {
        cu_slice key = cu_over_change_key(changes[i]);
        changes[i]->at = (cu_value){.null = true};
        rc = order_value(p,
                         cu_slice_n(key.data + changes[i]->order_len,
                                    key.len - changes[i]->order_len),
                         &changes[i]->at, err);
        if (!rc && changes[i]->at.type.kind == CU_T_NUMERIC &&
            !changes[i]->at.null)
            changes[i]->at.num = cu_numeric_copy(&changes[i]->at.num,
                                                 p->op->arena);
    }
    start s;
    rc = rc ? rc : look_back(p, changes[0], &s, err);
    for (uint32_t next = 0; next < n && !rc;)
        rc = run_from(p, &s, &next, err);
    return rc;
}
