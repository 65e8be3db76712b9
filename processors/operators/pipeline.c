/* Pipelines: all operators of a plan tree, connected.
 *
 * Operators are made children first, so that the array is a topological
 * order: when it is committed front to back, whatever an operator emits at
 * its commit reaches operators that are not committed yet.  A node that is
 * shared in the plan becomes one operator with several outputs.
 */
#include "processors/operators/int.h"

static bool is_leaf(const cu_node *n)
{
    return n->kind == CU_N_SOURCE || n->kind == CU_N_VIEW ||
           n->kind == CU_N_EXCHANGE;
}

static cu_op *find(const cu_pipeline *p, const cu_node *node)
{
    for (uint32_t i = 0; i < p->n_ops; i++)
        if (p->ops[i]->node == node)
            return p->ops[i];
    return NULL;
}

static void add_op(cu_pipeline *p, cu_op *op)
{
    p->ops = cu_realloc(p->ops, (p->n_ops + 1) * sizeof(*p->ops));
    p->ops[p->n_ops++] = op;
}

static cu_op *add_entry(cu_pipeline *p, const cu_node *node, cu_op_env *env)
{
    cu_op *op = cu_entry_new();
    op->node = node;
    op->env = env;
    add_op(p, op);
    p->entries = cu_realloc(p->entries,
                            (p->n_entries + 1) * sizeof(*p->entries));
    p->entries[p->n_entries++] = (struct cu_entry){node, op};
    return op;
}

static int build(cu_pipeline *p, const cu_node *node, cu_op_env *env,
                 cu_op **out, cu_err *err)
{
    *out = find(p, node);
    if (*out)
        return 0;
    if (is_leaf(node)) {
        *out = add_entry(p, node, env);
        return 0;
    }
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        cu_op *input;
        int rc = build(p, node->inputs[i], env, &input, err);
        if (rc)
            return rc;
    }
    int rc = cu_op_open(node, env, out, err);
    if (rc)
        return rc;
    add_op(p, *out);
    for (uint32_t i = 0; i < node->n_inputs; i++)
        cu_op_connect(find(p, node->inputs[i]), *out, (int)i);
    return 0;
}

int cu_pipeline_open(const cu_node *root, cu_op_env *env, cu_pipeline **out,
                     cu_err *err)
{
    cu_pipeline *p = cu_calloc(1, sizeof(*p));
    int rc = build(p, root, env, &p->root, err);
    if (rc) {
        cu_pipeline_close(p);
        return rc;
    }
    *out = p;
    return 0;
}

void cu_pipeline_close(cu_pipeline *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->n_ops; i++)
        cu_op_close(p->ops[i]);
    cu_free(p->ops);
    cu_free(p->entries);
    cu_free(p);
}

int cu_pipeline_first_start(cu_pipeline *p, cu_err *err)
{
    for (uint32_t i = 0; i < p->n_ops; i++) {
        cu_op *op = p->ops[i];
        int rc = 0;
        if (op->node->kind == CU_N_VALUES)
            rc = cu_values_emit(op, err);
        else if (op->node->kind == CU_N_AGGREGATE)
            rc = cu_aggregate_first(op, err);
        if (rc)
            return rc;
    }
    return 0;
}

int cu_pipeline_commit(cu_pipeline *p, cu_err *err)
{
    for (uint32_t i = 0; i < p->n_ops; i++) {
        int rc = cu_op_commit(p->ops[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

int64_t cu_pipeline_due(const cu_pipeline *p)
{
    int64_t due = INT64_MAX;
    for (uint32_t i = 0; i < p->n_ops; i++) {
        int64_t at = cu_op_due(p->ops[i]);
        due = at < due ? at : due;
    }
    return due;
}
