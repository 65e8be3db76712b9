/* Marks: values at places in the order of a group's counted values.
 *
 *   place      0   1   2   3   4   5   6          before = 3, count = 2
 *   value      a   a   b   d   d   e   g          the mark stands on d and
 *                          ^                      covers places 3 and 4
 *
 * A percentile wants the values at one or two places, the first value (and
 * the only one) at place 0.  When a value comes or goes, `before` or `count`
 * of a mark follows by comparing keys, without reading anything.  After the
 * commit's changes a mark walks from where it stands to the place it shall
 * have: with n changes that is at most about 2 n values away, however large
 * the group is.  mode() looks up the head of the index by count instead.
 *
 * Where rows never go, the first value needs no counted values: the mark
 * itself remembers the smallest key.
 *
 * As bytes: svarint n, then per mark  u8 0 | or
 *   u8 1 | lslice key | svarint before | svarint count | u8 null | value
 */
#include "processors/operators/aggregate_spread.h"
#include "processors/operators/aggregate_values.h"
#include "rows/array.h"

#include <math.h>

static bool is_cont(const cu_acc_call *c)
{
    return c->call->func->agg == CU_AGG_PERCENTILE_CONT;
}

static int bad_fraction(double f, cu_err *err)
{
    int rc = cu_fail(err, CU_DATA, 0,
                     "percentile value %g is not between 0 and 1", f);
    if (err)
        err->sqlstate = CU_SQLSTATE('2', '2', '0', '0', '3');
    return rc;
}

static int take_fraction(cu_acc_call *c, const cu_value *v, cu_err *err)
{
    double f = v->null ? NAN : v->f8;
    if (!v->null && !(f >= 0 && f <= 1))
        return bad_fraction(f, err);
    c->fractions[c->n_fractions++] = f;
    return 0;
}

int cu_marks_prepare(cu_acc_call *c, cu_err *err)
{
    const cu_value *direct = c->call->direct;
    unsigned agg = c->call->func->agg;
    c->n_marks = 1;
    if (agg != CU_AGG_PERCENTILE_CONT && agg != CU_AGG_PERCENTILE_DISC)
        return 0;
    CU_ASSERT(direct);
    c->many = direct->type.kind == CU_T_ARRAY;
    bool list = c->many && !direct->null;
    c->fractions = cu_calloc(list ? cu_array_length(direct->s) : 1,
                             sizeof(double));
    int rc = 0;
    if (list) {
        cu_array_iter it = cu_array_iter_of(direct->s);
        cu_value v;
        while (!rc && cu_array_next(&it, NULL, &v))
            rc = take_fraction(c, &v, err);
    } else if (!direct->null) {
        rc = take_fraction(c, direct, err);
    }
    c->n_marks = c->n_fractions * (is_cont(c) ? 2 : 1);
    return rc;
}

void cu_mark_clear(cu_mark *m)
{
    cu_free(m->key);
    cu_value_drop(&m->value);
    *m = (cu_mark){.value.null = true};
}

static void mark_set(cu_mark *m, cu_slice key, int64_t before, int64_t count,
                     const cu_value *v)
{
    m->key = cu_realloc(m->key, key.len + 1);
    if (key.len)
        memcpy(m->key, key.data, key.len);
    m->key_len = (uint32_t)key.len;
    m->before = before;
    m->count = count;
    cu_value_keep(&m->value, v);
}

static cu_slice mark_key(const cu_mark *m)
{
    return cu_slice_n(m->key, m->key_len);
}

/* --- places -------------------------------------------------------------- */

static int64_t place_of(const cu_acc_call *c, uint32_t i, int64_t n)
{
    if (!c->n_fractions)
        return 0;
    double f = c->fractions[is_cont(c) ? i / 2 : i];
    if (isnan(f))
        return 0;
    if (is_cont(c)) {
        double at = f * (double)(n - 1);
        return (int64_t)(i % 2 ? ceil(at) : floor(at));
    }
    int64_t row = (int64_t)ceil(f * (double)n);
    return row > 1 ? row - 1 : 0;
}

void cu_marks_changed(const cu_acc_call *c, cu_acc_marks *m, cu_slice key,
                      int64_t old, int64_t now)
{
    m->n += now - old;
    if (c->call->func->agg == CU_AGG_MODE)
        return;
    for (uint32_t i = 0; i < c->n_marks; i++) {
        cu_mark *at = &m->marks[i];
        if (!at->key)
            continue;
        int order = cu_slice_cmp(key, mark_key(at));
        if (order < 0)
            at->before += now - old;
        else if (order == 0)
            at->count = now;
    }
}

static bool covers(const cu_mark *m, int64_t place)
{
    return m->key && m->before <= place && place < m->before + m->count;
}

/* Walks from where the mark stands to the value at `place`. */
static int seek(cu_counted *v, const cu_acc_call *c, const cu_group *g,
                cu_mark *m, int64_t place, cu_err *err)
{
    bool down = m->key && place < m->before;
    int64_t before = m->key ? m->before : 0;
    bool found = false;
    cu_values_walk w;
    int rc = cu_values_open(v, g, c->set, m->key ? mark_key(m) : CU_NULL_SLICE,
                            down, &w, err);
    if (rc)
        return rc;
    while (!found && cu_values_next(v, c->set, &w)) {
        if (down)
            before -= w.count;
        found = down ? place >= before : place < before + w.count;
        if (!found && !down)
            before += w.count;
    }
    if (found)
        mark_set(m, w.key, before, w.count, &w.values[0]);
    rc = cu_values_close(v, &w, err);
    if (!rc && !found)
        return cu_fail(err, CU_CORRUPT, 0,
                       "aggregate: the counted values of a group are fewer "
                       "than their count says");
    return rc;
}

static int settle_mode(cu_counted *v, const cu_acc_call *c, const cu_group *g,
                       cu_mark *m, cu_err *err)
{
    cu_values_walk w;
    bool found;
    int rc = cu_values_most(v, g, c->set, &w, &found, err);
    if (rc)
        return rc;
    if (found)
        mark_set(m, w.key, 0, w.count, &w.values[0]);
    return cu_values_close(v, &w, err);
}

int cu_marks_settle(cu_counted *v, const cu_acc_call *c, cu_group *g,
                    cu_err *err)
{
    cu_acc_marks *m = cu_group_acc(g, c);
    int rc = 0;
    m->stale = false;
    for (uint32_t i = 0; i < c->n_marks && !rc; i++) {
        cu_mark *at = &m->marks[i];
        int64_t place = place_of(c, i, m->n);
        if (m->n == 0)
            cu_mark_clear(at);
        else if (c->call->func->agg == CU_AGG_MODE)
            rc = settle_mode(v, c, g, at, err);
        else if (!covers(at, place))
            rc = seek(v, c, g, at, place, err);
    }
    return rc;
}

/* --- rows that never go -------------------------------------------------- */

void cu_marks_add(const cu_acc_call *c, const cu_acc_rows *r)
{
    cu_buf key = {0};
    size_t sort_len;
    for (uint32_t i = 0; i < r->n; i++) {
        cu_acc_marks *m = cu_rows_acc(r, i, c);
        cu_mark *at = &m->marks[0];
        cu_buf_clear(&key);
        cu_set_put_key(c->set, r->batch, r->rows[i], &key, &sort_len);
        m->n += r->weights[i];
        if (at->key && cu_slice_cmp(cu_buf_slice(&key), mark_key(at)) >= 0)
            continue;
        cu_value v = cu_col_value(r->col, r->rows[i]);
        mark_set(at, cu_buf_slice(&key), 0, 1, &v);
    }
    cu_buf_free(&key);
}

/* --- results ------------------------------------------------------------- */

static int between(const cu_acc_call *c, const cu_value *lo, const cu_value *hi,
                   double part, cu_value *out, cu_err *err)
{
    *out = *lo;
    if (c->arg.kind == CU_T_FLOAT8) {
        out->f8 = lo->f8 + part * (hi->f8 - lo->f8);
        return 0;
    }
    int64_t us;
    int32_t days, months;
    if (__builtin_sub_overflow(hi->iv.us, lo->iv.us, &us) ||
        __builtin_sub_overflow(hi->iv.days, lo->iv.days, &days) ||
        __builtin_sub_overflow(hi->iv.months, lo->iv.months, &months))
        return cu_out_of_range("interval", err);
    cu_interval step = cu_interval_of(months * part, days * part,
                                      (double)us * part);
    if (__builtin_add_overflow(step.us, lo->iv.us, &out->iv.us) ||
        __builtin_add_overflow(step.days, lo->iv.days, &out->iv.days) ||
        __builtin_add_overflow(step.months, lo->iv.months, &out->iv.months))
        return cu_out_of_range("interval", err);
    return 0;
}

static int fraction_result(const cu_acc_call *c, const cu_acc_marks *m,
                           uint32_t i, cu_value *out, cu_err *err)
{
    *out = (cu_value){.type = c->arg, .null = true};
    if (isnan(c->fractions[i]))
        return 0;
    if (!is_cont(c)) {
        *out = m->marks[i].value;
        return 0;
    }
    const cu_mark *lo = &m->marks[2 * i], *hi = lo + 1;
    double at = c->fractions[i] * (double)(m->n - 1);
    double part = at - floor(at);
    *out = lo->value;
    return part > 0 ? between(c, &lo->value, &hi->value, part, out, err) : 0;
}

static int many_results(const cu_acc_call *c, const cu_acc_marks *m,
                        cu_arena *a, cu_value *out, cu_err *err)
{
    cu_value *v = cu_arena_calloc(a, c->n_fractions + 1, sizeof(*v));
    int rc = 0;
    for (uint32_t i = 0; i < c->n_fractions && !rc; i++)
        rc = fraction_result(c, m, i, &v[i], err);
    out->null = false;
    out->s = cu_array_make(a, CU_TYPE(c->arg.kind), v, c->n_fractions);
    return rc;
}

static int more_than_one(cu_err *err)
{
    int rc = cu_fail(err, CU_DATA, 0,
                     "more than one row returned by a subquery used as an "
                     "expression");
    if (err)
        err->sqlstate = CU_SQLSTATE('2', '1', '0', '0', '0');
    return rc;
}

int cu_marks_result(const cu_acc_call *c, const cu_acc_marks *m, cu_arena *a,
                    cu_value *out, cu_err *err)
{
    unsigned agg = c->call->func->agg;
    bool percentile = agg == CU_AGG_PERCENTILE_CONT ||
                      agg == CU_AGG_PERCENTILE_DISC;
    int rc = 0;
    if (agg == CU_AGG_SINGLE && m->n > 1)
        return more_than_one(err);
    if (m->n == 0 || (percentile && c->call->direct->null))
        return 0;
    if (c->many)
        return many_results(c, m, a, out, err);
    if (percentile)
        rc = fraction_result(c, m, 0, out, err);
    else
        *out = m->marks[0].value;
    out->type = c->call->result;
    return rc;
}

/* --- bytes --------------------------------------------------------------- */

void cu_marks_put(const cu_acc_call *c, const cu_acc_marks *m, cu_buf *out)
{
    cu_buf_put_svarint(out, m->n);
    for (uint32_t i = 0; i < c->n_marks; i++) {
        const cu_mark *at = &m->marks[i];
        cu_buf_put_u8(out, at->key != NULL);
        if (!at->key)
            continue;
        cu_buf_put_lslice(out, mark_key(at));
        cu_buf_put_svarint(out, at->before);
        cu_buf_put_svarint(out, at->count);
        cu_buf_put_u8(out, at->value.null);
        if (!at->value.null)
            cu_value_put(&at->value, out);
    }
}

static bool mark_get(const cu_acc_call *c, cu_mark *m, cu_scan *from,
                     cu_arena *scratch)
{
    cu_value v = {.type = c->arg, .null = true};
    if (cu_scan_u8(from) == 0)
        return !from->bad;
    cu_slice key = cu_scan_lslice(from);
    int64_t before = cu_scan_svarint(from);
    int64_t count = cu_scan_svarint(from);
    if (cu_scan_u8(from) == 0 && !cu_value_get(c->arg, from, scratch, &v))
        return false;
    if (from->bad || !key.data)
        return false;
    mark_set(m, key, before, count, &v);
    return true;
}

bool cu_marks_get(const cu_acc_call *c, cu_acc_marks *m, cu_scan *from,
                  cu_arena *scratch)
{
    m->n = cu_scan_svarint(from);
    for (uint32_t i = 0; i < c->n_marks; i++)
        if (!mark_get(c, &m->marks[i], from, scratch))
            return false;
    return !from->bad;
}
