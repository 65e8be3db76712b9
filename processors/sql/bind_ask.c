/* What a node needs of its inputs: the columns that it looks at, and those of
 * its own output that are asked for and come from there.
 *
 *     filter        asked + the predicate's      rank   asked + partition,
 *     project       of the asked expressions            order, identity (P4)
 *     aggregate     groups + asked calls         join   asked + keys, times,
 *     history, …    all (P3, P5)                        residual
 *
 * Window functions and aggregates that nobody asks for ask for nothing.
 */
#include "processors/sql/bind_prune.h"
#include "processors/sql/bind_time.h"

static void ask_expr(cu_pruned *of, const cu_expr *e)
{
    if (e->kind == CU_E_COL && e->col < of->old->schema->n)
        of->asked[e->col] = true;
    for (uint32_t i = 0; i < e->n_args; i++)
        ask_expr(of, e->args[i]);
}

static void ask_cols(cu_pruned *of, const uint16_t *cols, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        of->asked[cols[i]] = true;
}

static void ask_order(cu_pruned *of, const cu_key_col *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        of->asked[order[i].col] = true;
}

void cu_ask_all(cu_pruned *of)
{
    for (uint32_t i = 0; i < of->old->schema->n; i++)
        of->asked[i] = true;
}

/* P4 */
static void ask_identity(cu_pruned *of)
{
    if (of->old->append_only)
        return;
    if (of->old->n_key)
        ask_cols(of, of->old->key, of->old->n_key);
    else
        cu_ask_all(of);
}

static void ask_calls(const cu_pruned *me, cu_pruned *in)
{
    const cu_node *n = me->old;
    for (uint32_t i = 0; i < n->aggregate.n_calls; i++) {
        const cu_agg_call *c = &n->aggregate.calls[i];
        if (!me->asked[n->aggregate.n_group + i])
            continue;
        if (c->arg >= 0)
            in->asked[c->arg] = true;
        if (c->filter >= 0)
            in->asked[c->filter] = true;
        if (c->has_second)
            in->asked[c->second] = true;
        ask_order(in, c->order, c->n_order);
    }
}

static void ask_over(const cu_pruned *me, cu_pruned *in)
{
    const cu_node *n = me->old;
    uint32_t own = n->inputs[0]->schema->n;
    bool any = false;
    for (uint32_t i = 0; i < n->over.n_calls; i++) {
        const cu_over_call *c = &n->over.calls[i];
        if (!me->asked[own + i])
            continue;
        any = true;
        ask_cols(in, c->args, c->n_args);
        if (c->filter >= 0)
            in->asked[c->filter] = true;
    }
    if (!any)
        return;
    ask_cols(in, n->over.partition, n->over.n_partition);
    ask_order(in, n->over.order, n->over.n_order);
}

static void ask_join(const cu_pruned *me, cu_pruned *l, cu_pruned *r)
{
    const cu_node *n = me->old;
    uint32_t own = l->old->schema->n;
    bool both = n->join.kind != CU_JOIN_SEMI && n->join.kind != CU_JOIN_ANTI;
    for (uint32_t i = 0; both && i < r->old->schema->n; i++)
        r->asked[i] = r->asked[i] || me->asked[own + i];
    ask_cols(l, n->join.left, n->join.n_keys);
    ask_cols(r, n->join.right, n->join.n_keys);
    if (n->join.left_time)
        l->asked[n->join.left_time - 1] = true;
    if (n->join.right_time)
        r->asked[n->join.right_time - 1] = true;
    if (n->kind == CU_N_ASOF)
        ask_identity(r);
    if (n->kind == CU_N_LOOKUP)
        ask_identity(l);
    if (!n->join.residual)
        return;
    for (uint32_t i = 0; i < own; i++)
        if (cu_rel_uses(n->join.residual, i, i + 1))
            l->asked[i] = true;
    for (uint32_t i = 0; i < r->old->schema->n; i++)
        if (cu_rel_uses(n->join.residual, own + i, own + i + 1))
            r->asked[i] = true;
}

/* P5 */
static void ask_late(const cu_closing *closing, cu_pruned *in)
{
    if (closing->on && cu_node_naps(in->old))
        cu_ask_all(in);
}

/* Columns that pass through are asked for as they are asked of us. */
static void ask_passing(const cu_pruned *me, cu_pruned *in)
{
    uint32_t own = in->old->schema->n;
    for (uint32_t i = 0; i < own && i < me->old->schema->n; i++)
        in->asked[i] = in->asked[i] || me->asked[i];
}

/* What a node that passes its input's columns on asks for itself. */
static void ask_own(const cu_pruned *me, cu_pruned *in)
{
    const cu_node *n = me->old;
    switch (n->kind) {
    case CU_N_FILTER:
        ask_expr(in, n->filter.predicate);
        break;
    case CU_N_FLATMAP:
        for (uint32_t i = 0; i < n->flatmap.n_args; i++)
            ask_expr(in, n->flatmap.args[i]);
        break;
    case CU_N_RANK:
        ask_cols(in, n->rank.partition, n->rank.n_partition);
        ask_order(in, n->rank.order, n->rank.n_order);
        ask_identity(in);
        ask_late(&n->rank.closing, in);
        break;
    case CU_N_OVER:
        ask_over(me, in);
        ask_late(&n->over.closing, in);
        break;
    case CU_N_EXPAND:
        ask_cols(in, n->expand.group, n->expand.n_group);
        break;
    case CU_N_WATERMARK:
        in->asked[n->watermark.col] = true;
        break;
    case CU_N_WINDOW:
        in->asked[n->window.time] = true;
        if (n->window.late)
            cu_ask_all(in);
        break;
    case CU_N_SESSION:
        in->asked[n->session.time] = true;
        ask_cols(in, n->session.partition, n->session.n_partition);
        if (n->session.late)
            cu_ask_all(in);
        break;
    case CU_N_BUFFER:
        in->asked[n->buffer.col] = true;
        break;
    case CU_N_TEMPORAL:
        if (n->temporal.from)
            in->asked[n->temporal.from - 1] = true;
        if (n->temporal.until)
            in->asked[n->temporal.until - 1] = true;
        break;
    case CU_N_SURROGATE:
        ask_cols(in, n->surrogate.key, n->surrogate.n_key);
        break;
    default: /* P2, P3 */
        cu_ask_all(in);
        break;
    }
}

void cu_ask_alone(const cu_pruned *me, cu_pruned *in, cu_pruned *right)
{
    const cu_node *n = me->old;
    switch (n->kind) {
    case CU_N_SOURCE:
    case CU_N_VIEW:
    case CU_N_VALUES:
        break;
    case CU_N_PROJECT:
        for (uint32_t i = 0; i < n->schema->n; i++)
            if (me->asked[i])
                ask_expr(in, n->project.exprs[i]);
        break;
    case CU_N_AGGREGATE:
        ask_cols(in, n->aggregate.group, n->aggregate.n_group);
        ask_calls(me, in);
        ask_late(&n->aggregate.closing, in);
        break;
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
        ask_passing(me, in);
        ask_join(me, in, right);
        break;
    case CU_N_UNION:
        ask_passing(me, in);
        break;
    default:
        ask_passing(me, in);
        ask_own(me, in);
        break;
    }
}

void cu_ask(const cu_pruner *p, const cu_pruned *me)
{
    const cu_node *n = me->old;
    cu_pruned *in[2] = {NULL, NULL};
    for (uint32_t i = 0; i < n->n_inputs && i < 2; i++)
        in[i] = cu_prune_part(p, n->inputs[i]);
    cu_ask_alone(me, in[0], in[1]);
    for (uint32_t i = 1; n->kind == CU_N_UNION && i < n->n_inputs; i++)
        ask_passing(me, cu_prune_part(p, n->inputs[i]));
}

void cu_ask_some(cu_pruned *me)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < me->old->schema->n; i++)
        if (me->asked[i])
            return;
    for (uint32_t i = me->old->schema->n; i-- > 0;)
        if (cu_type_width(me->old->schema->fields[i].type))
            at = i;
    me->asked[at] = true;
}
