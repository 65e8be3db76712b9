/* A naive evaluator: aggregates. */
#include "tests/simulation/naive_int.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "rows/array.h"
#include "rows/numeric.h"

#include <stdlib.h>

static bool same_group(const cu_node *node, cu_value *x, cu_value *y)
{
    for (uint32_t k = 0; k < node->aggregate.n_group; k++) {
        uint16_t col = node->aggregate.group[k];
        if (sim_cmp(&x[col], &y[col]))
            return false;
    }
    return true;
}

static cu_numeric as_numeric(const cu_value *v)
{
    switch (v->type.kind) {
    case CU_T_INT2:
        return cu_numeric_from_int8(v->i2);
    case CU_T_INT4:
        return cu_numeric_from_int8(v->i4);
    case CU_T_INT8:
        return cu_numeric_from_int8(v->i8);
    default:
        return v->num;
    }
}

/* --- calls that keep an order --------------------------------------------- */

typedef struct item {
    cu_value v;
    cu_value *row;
} item;

static const cu_agg_call *sorting;

static cu_value sum_or_avg(sim_naive *n, const cu_agg_call *call,
                           const item *at, uint32_t count)
{
    cu_value out = {.type = call->result, .null = count == 0};
    cu_numeric sum = cu_numeric_from_int8(0);
    cu_err err = {0};
    for (uint32_t i = 0; i < count; i++) {
        cu_numeric x = as_numeric(&at[i].v);
        cu_numeric_add(&sum, &x, n->a, &sum, &err);
    }
    if (out.null)
        return out;
    if (call->func->agg == CU_AGG_AVG) {
        cu_numeric by = cu_numeric_from_int8(count);
        cu_numeric_div(&sum, &by, n->a, &out.num, &err);
    } else if (call->result.kind == CU_T_INT8) {
        cu_numeric_to_int8(&sum, &out.i8, &err);
    } else {
        out.num = sum;
    }
    return out;
}

/* ORDER BY, then the values themselves. */
static int by_call(const void *x, const void *y)
{
    const item *a = x, *b = y;
    for (uint32_t k = 0; k < sorting->n_order; k++) {
        int c = sim_cmp_order(&sorting->order[k], a->row, b->row);
        if (c)
            return c;
    }
    return sim_cmp(&a->v, &b->v);
}

static cu_value joined(sim_naive *n, const cu_agg_call *call, const item *at,
                       uint32_t count)
{
    cu_value out = {.type = call->result, .null = count == 0};
    cu_buf b = {0};
    for (uint32_t i = 0; i < count; i++) {
        const cu_value *by = &at[i].row[call->second];
        if (i && !by->null)
            cu_buf_put(&b, by->s.data, by->s.len);
        cu_buf_put(&b, at[i].v.s.data, at[i].v.s.len);
    }
    out.s.data = cu_arena_strn(n->a, b.data ? b.data : "", b.len);
    out.s.len = b.len;
    cu_buf_free(&b);
    return out;
}

static cu_value in_array(sim_naive *n, const cu_agg_call *call, const item *at,
                         uint32_t count)
{
    cu_value out = {.type = call->result, .null = count == 0};
    cu_value *all = cu_arena_calloc(n->a, count + 1, sizeof(*all));
    for (uint32_t i = 0; i < count; i++)
        all[i] = at[i].v;
    cu_type elem = {.kind = call->result.elem, .scale = -1};
    out.s = cu_array_make(n->a, elem, all, count);
    return out;
}

/* The value that stands most often, of several the first. */
static cu_value most_often(const item *at, uint32_t count)
{
    uint32_t best = 0, most = 0;
    for (uint32_t i = 0, k; i < count; i = k) {
        for (k = i; k < count && sim_cmp(&at[i].v, &at[k].v) == 0;)
            k++;
        if (k - i > most) {
            best = i;
            most = k - i;
        }
    }
    return at[best].v;
}

static cu_value ordered(sim_naive *n, const cu_agg_call *call, item *at,
                        uint32_t count)
{
    cu_value none = {.type = call->result, .null = true};
    sorting = call;
    if (count)
        qsort(at, count, sizeof(*at), by_call);
    switch ((cu_agg)call->func->agg) {
    case CU_AGG_STRING_AGG:
        return joined(n, call, at, count);
    case CU_AGG_ARRAY_AGG:
        return in_array(n, call, at, count);
    case CU_AGG_FIRST:
        return count ? at[0].v : none;
    case CU_AGG_SINGLE:
        CU_ASSERT(count < 2);
        return count ? at[0].v : none;
    case CU_AGG_MODE:
        return count ? most_often(at, count) : none;
    case CU_AGG_PERCENTILE_DISC: {
        if (count == 0)
            return none;
        double at_least = call->direct->f8 * count;
        uint32_t i = 0;
        while (i + 1 < count && i + 1 < at_least)
            i++;
        return at[i].v;
    }
    default:
        CU_ASSERT(!"an aggregate that the generator does not write");
        return none;
    }
}

static cu_value extreme(const cu_agg_call *call, const item *at, uint32_t count)
{
    cu_value out = {.type = call->result, .null = count == 0};
    for (uint32_t i = 0; i < count; i++) {
        int c = i ? cu_value_cmp(&at[i].v, &out) : 0;
        if (i == 0 || (call->func->agg == CU_AGG_MIN ? c < 0 : c > 0))
            out = at[i].v;
    }
    return out;
}

static cu_value logic(const cu_agg_call *call, const item *at, uint32_t count)
{
    bool all = call->func->agg == CU_AGG_BOOL_AND;
    cu_value out = {.type = call->result, .null = count == 0, .b = all};
    for (uint32_t i = 0; i < count; i++)
        out.b = all ? out.b && at[i].v.b : out.b || at[i].v.b;
    return out;
}

static cu_value finish(sim_naive *n, const cu_agg_call *call, item *at,
                       uint32_t count)
{
    cu_value out = {.type = call->result};
    switch ((cu_agg)call->func->agg) {
    case CU_AGG_COUNT_STAR:
    case CU_AGG_COUNT:
        out.i8 = count;
        return out;
    case CU_AGG_SUM:
    case CU_AGG_AVG:
        return sum_or_avg(n, call, at, count);
    case CU_AGG_MIN:
    case CU_AGG_MAX:
        return extreme(call, at, count);
    case CU_AGG_BOOL_AND:
    case CU_AGG_BOOL_OR:
        return logic(call, at, count);
    default:
        return ordered(n, call, at, count);
    }
}

/* array_agg and first take NULL. */
static bool takes_null(const cu_agg_call *call)
{
    return call->func->agg == CU_AGG_ARRAY_AGG ||
           call->func->agg == CU_AGG_FIRST || call->func->agg == CU_AGG_SINGLE;
}

/* WITHIN GROUP has its values in the order. */
static int32_t column_of(const cu_agg_call *call)
{
    bool within = call->func->agg == CU_AGG_MODE ||
                  call->func->agg == CU_AGG_PERCENTILE_DISC;
    return within && call->arg < 0 && call->n_order ? call->order[0].col
                                                    : call->arg;
}

cu_value sim_aggregate(sim_naive *n, const cu_agg_call *call, sim_rel *in,
                       const bool *member)
{
    item *seen = cu_arena_calloc(n->a, in->n + 1, sizeof(*seen));
    int32_t arg = column_of(call);
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        if (!member[i])
            continue;
        cu_value *row = in->rows[i];
        if (call->filter >= 0 &&
            (row[call->filter].null || !row[call->filter].b))
            continue;
        if (arg >= 0 && row[arg].null && !takes_null(call))
            continue;
        cu_value v = {0};
        if (arg >= 0)
            v = row[arg];
        bool repeated = false;
        for (uint32_t k = 0; call->distinct && k < count; k++)
            repeated = repeated || sim_cmp(&seen[k].v, &v) == 0;
        if (!repeated)
            seen[count++] = (item){v, row};
    }
    return finish(n, call, seen, count);
}

static void add_group(sim_naive *n, const cu_node *node, sim_rel *in,
                      sim_rel *r, cu_value *first, const bool *member)
{
    uint32_t n_group = node->aggregate.n_group;
    cu_value *row = sim_row_new(n->a, node->schema->n, INT64_MIN);
    for (uint32_t k = 0; k < n_group; k++)
        row[k] = first[node->aggregate.group[k]];
    for (uint32_t k = 0; k < node->aggregate.n_calls; k++)
        row[n_group + k] = sim_aggregate(n, &node->aggregate.calls[k], in,
                                         member);
    sim_rel_add(r, n->a, row);
}

sim_rel *sim_eval_aggregate(sim_naive *n, const cu_node *node)
{
    sim_rel *in = sim_eval(n, node->inputs[0]),
            *r = sim_rel_new(n, node->schema);
    bool *done = cu_arena_calloc(n->a, in->n + 1, sizeof(*done));
    for (uint32_t i = 0; i < in->n; i++) {
        if (done[i])
            continue;
        bool *member = cu_arena_calloc(n->a, in->n, sizeof(*member));
        for (uint32_t k = i; k < in->n; k++)
            if (same_group(node, in->rows[i], in->rows[k]))
                done[k] = member[k] = true;
        add_group(n, node, in, r, in->rows[i], member);
    }
    if (node->aggregate.global && in->n == 0)
        add_group(n, node, in, r, NULL, done);
    return r;
}
