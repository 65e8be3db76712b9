/* A naive evaluator: what knows an order, ranks and window functions; and
 * grouping sets. */
#include "tests/simulation/naive_int.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

int sim_cmp_order(const cu_key_col *o, const cu_value *x, const cu_value *y)
{
    const cu_value *p = &x[o->col], *q = &y[o->col];
    if (p->null || q->null) {
        int c = p->null - q->null;
        return o->flags & CU_NULLS_FIRST ? -c : c;
    }
    int c = cu_value_cmp(p, q);
    return o->flags & CU_DESC ? -c : c;
}

typedef struct sorted {
    uint32_t n_partition, n_order;
    const uint16_t *partition;
    const cu_key_col *order;
    uint32_t n;
    cu_value **rows;
} sorted;

static const sorted *sorting;

static int by_partition(const sorted *s, cu_value *a, cu_value *b)
{
    for (uint32_t k = 0; k < s->n_partition; k++) {
        int c = sim_cmp(&a[s->partition[k]], &b[s->partition[k]]);
        if (c)
            return c;
    }
    return 0;
}

static int by_order(const sorted *s, cu_value *a, cu_value *b)
{
    for (uint32_t k = 0; k < s->n_order; k++) {
        int c = sim_cmp_order(&s->order[k], a, b);
        if (c)
            return c;
    }
    return 0;
}

static int by_both(const void *x, const void *y)
{
    cu_value *a = *(cu_value *const *)x, *b = *(cu_value *const *)y;
    int c = by_partition(sorting, a, b);
    return c ? c : by_order(sorting, a, b);
}

static void sort(sim_naive *n, sorted *s, const sim_rel *in)
{
    s->n = in->n;
    s->rows = cu_arena_calloc(n->a, in->n + 1, sizeof(*s->rows));
    for (uint32_t i = 0; i < in->n; i++)
        s->rows[i] = in->rows[i];
    sorting = s;
    if (s->n)
        qsort(s->rows, s->n, sizeof(*s->rows), by_both);
}

/* The number of a row among those of its partition, from 1. */
static int64_t number(const sorted *s, uint32_t first, uint32_t i,
                      cu_rank_fn fn)
{
    int64_t n = 1;
    if (fn == CU_RANK_ROW_NUMBER)
        return (int64_t)(i - first) + 1;
    for (uint32_t k = first; k < i; k++) {
        bool equal = by_order(s, s->rows[k], s->rows[i]) == 0;
        bool repeats = k > first &&
                       by_order(s, s->rows[k - 1], s->rows[k]) == 0;
        n += !equal && !(fn == CU_RANK_DENSE_RANK && repeats);
    }
    return n;
}

sim_rel *sim_eval_rank(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    sorted s = {.n_partition = node->rank.n_partition,
                .partition = node->rank.partition,
                .n_order = node->rank.n_order,
                .order = node->rank.order};
    sort(n, &s, in);
    uint32_t first = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        if (by_partition(&s, s.rows[first], s.rows[i]))
            first = i;
        int64_t at = number(&s, first, i, node->rank.fn);
        if (at <= node->rank.offset ||
            (node->rank.limit >= 0 &&
             at > node->rank.offset + node->rank.limit))
            continue;
        cu_value *row = sim_row_new(n->a, node->schema->n, s.rows[i][-1].i8);
        memcpy(row, s.rows[i], in->schema->n * sizeof(*row));
        if (node->rank.numbered)
            row[in->schema->n] = (cu_value){.type = CU_TYPE(CU_T_INT8),
                                            .i8 = at};
        sim_rel_add(r, n->a, row);
    }
    return r;
}

/* --- window functions ----------------------------------------------------- */

typedef struct part {
    const sorted *s;
    int64_t first, end; /* rows of the partition */
} part;

/* Which group of equals a row is in, from 0. */
static int64_t group_of(const part *p, int64_t i)
{
    int64_t n = 0;
    for (int64_t k = p->first + 1; k <= i; k++)
        n += by_order(p->s, p->s->rows[k - 1], p->s->rows[k]) != 0;
    return n;
}

static int64_t offset_of(const cu_value *v)
{
    return v->type.kind == CU_T_INT4 ? v->i4 : v->i8;
}

/* How far row k lies behind row i, in what the frame counts. */
static int64_t distance(const part *p, const cu_over_frame *f, int64_t i,
                        int64_t k)
{
    if (f->mode == CU_FRAME_ROWS)
        return k - i;
    return group_of(p, k) - group_of(p, i);
}

static bool in_frame(const part *p, const cu_over_frame *f, int64_t i,
                     int64_t k)
{
    int64_t d = distance(p, f, i, k), low = INT64_MIN, high = INT64_MAX;
    if (f->start == CU_BOUND_CURRENT)
        low = 0;
    else if (f->start == CU_BOUND_PRECEDING)
        low = -offset_of(f->start_offset);
    else if (f->start == CU_BOUND_FOLLOWING)
        low = offset_of(f->start_offset);
    if (f->end == CU_BOUND_CURRENT)
        high = 0;
    else if (f->end == CU_BOUND_PRECEDING)
        high = -offset_of(f->end_offset);
    else if (f->end == CU_BOUND_FOLLOWING)
        high = offset_of(f->end_offset);
    CU_ASSERT(f->exclude == CU_EXCLUDE_NOTHING);
    return d >= low && d <= high;
}

static cu_value over_frame(sim_naive *n, const part *p, const cu_over_call *c,
                           int64_t i)
{
    cu_value out = {.type = c->result, .null = true};
    uint32_t count = p->s->n;
    bool *member = cu_arena_calloc(n->a, count + 1, sizeof(*member));
    int64_t first = -1, last = -1;
    for (int64_t k = p->first; k < p->end; k++) {
        member[k] = in_frame(p, &c->frame, i, k);
        first = member[k] && first < 0 ? k : first;
        last = member[k] ? k : last;
    }
    if (c->func->agg) {
        sim_rel all = {.rows = p->s->rows, .n = count};
        cu_agg_call call = {.func = c->func,
                            .arg = c->n_args ? c->args[0] : -1,
                            .filter = c->filter,
                            .result = c->result};
        return sim_aggregate(n, &call, &all, member);
    }
    int64_t at = (cu_win)c->func->win == CU_WIN_FIRST_VALUE ? first : last;
    return at < 0 ? out : p->s->rows[at][c->args[0]];
}

static cu_value beside(const part *p, const cu_over_call *c, int64_t i)
{
    cu_value out = {.type = c->result, .null = true};
    int64_t by = c->n_args > 1 ? offset_of(&p->s->rows[i][c->args[1]]) : 1;
    int64_t at = (cu_win)c->func->win == CU_WIN_LAG ? i - by : i + by;
    if (at >= p->first && at < p->end)
        return p->s->rows[at][c->args[0]];
    return c->n_args > 2 ? p->s->rows[i][c->args[2]] : out;
}

static cu_value over_call(sim_naive *n, const part *p, const cu_over_call *c,
                          int64_t i)
{
    cu_value out = {.type = c->result};
    uint32_t first = (uint32_t)p->first, at = (uint32_t)i;
    switch ((cu_win)c->func->win) {
    case CU_WIN_ROW_NUMBER:
        out.i8 = number(p->s, first, at, CU_RANK_ROW_NUMBER);
        return out;
    case CU_WIN_RANK:
        out.i8 = number(p->s, first, at, CU_RANK_RANK);
        return out;
    case CU_WIN_DENSE_RANK:
        out.i8 = number(p->s, first, at, CU_RANK_DENSE_RANK);
        return out;
    case CU_WIN_LAG:
    case CU_WIN_LEAD:
        return beside(p, c, i);
    case CU_WIN_NONE:
    case CU_WIN_FIRST_VALUE:
    case CU_WIN_LAST_VALUE:
        return over_frame(n, p, c, i);
    default:
        CU_ASSERT(!"a window function that the generator does not write");
        return out;
    }
}

sim_rel *sim_eval_over(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    sorted s = {.n_partition = node->over.n_partition,
                .partition = node->over.partition,
                .n_order = node->over.n_order,
                .order = node->over.order};
    sort(n, &s, in);
    part p = {.s = &s};
    for (uint32_t i = 0; i < s.n; i++) {
        if (i >= p.end) {
            p.first = i;
            for (p.end = i; p.end < s.n; p.end++)
                if (by_partition(&s, s.rows[i], s.rows[p.end]))
                    break;
        }
        cu_value *row = sim_row_new(n->a, node->schema->n, INT64_MIN);
        memcpy(row, s.rows[i], in->schema->n * sizeof(*row));
        for (uint32_t k = 0; k < node->over.n_calls; k++)
            row[in->schema->n + k] = over_call(n, &p, &node->over.calls[k], i);
        sim_rel_add(r, n->a, row);
    }
    return r;
}

sim_rel *sim_eval_expand(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    uint32_t w = in->schema->n, n_group = node->expand.n_group;
    for (uint32_t i = 0; i < in->n; i++)
        for (uint32_t k = 0; k < node->expand.n_sets; k++) {
            cu_value *row = sim_row_new(n->a, node->schema->n, INT64_MIN);
            memcpy(row, in->rows[i], w * sizeof(*row));
            for (uint32_t g = 0; g < n_group; g++) {
                row[w + g] = in->rows[i][node->expand.group[g]];
                row[w + g].null = row[w + g].null ||
                                  !(node->expand.sets[k] >> g & 1);
            }
            row[w + n_group] = (cu_value){.type = CU_TYPE(CU_T_INT4),
                                          .i4 = (int32_t)k};
            sim_rel_add(r, n->a, row);
        }
    return r;
}
