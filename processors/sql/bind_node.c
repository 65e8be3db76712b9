/* Makers of plan nodes: schema, key and append-only-ness derived here.
 *
 * A key is a set of columns that identifies a row of the output.  Filters
 * keep it, projections keep it when all its columns survive, GROUP BY makes
 * it, DISTINCT ON makes it, flatmap loses it unless WITH ORDINALITY.
 */
#include "processors/sql/bind_node.h"

#include "processors/sql/bind_time.h"

static cu_node *make(cu_sql *s, cu_node_kind kind, uint32_t n_inputs,
                     cu_pos pos)
{
    cu_node *n = cu_arena_calloc(s->arena, 1, sizeof(*n));
    n->kind = kind;
    n->pos = pos;
    n->n_inputs = n_inputs;
    n->inputs = cu_arena_calloc(s->arena, n_inputs + 1, sizeof(*n->inputs));
    return n;
}

static cu_node *over(cu_sql *s, cu_node_kind kind, cu_node *in)
{
    cu_node *n = make(s, kind, 1, in->pos);
    n->inputs[0] = in;
    n->schema = in->schema;
    n->n_key = in->n_key;
    n->key = in->key;
    n->append_only = in->append_only;
    n->single = in->single;
    n->time = in->time;
    n->windows = in->windows;
    return n;
}

cu_node *cu_node_over_input(cu_sql *s, cu_node_kind kind, cu_node *in)
{
    return over(s, kind, in);
}

static uint16_t *first_columns(cu_sql *s, uint32_t n)
{
    uint16_t *cols = cu_arena_calloc(s->arena, n + 1, sizeof(*cols));
    for (uint32_t i = 0; i < n; i++)
        cols[i] = (uint16_t)i;
    return cols;
}

cu_node *cu_node_source(cu_sql *s, const cu_table_def *t, cu_pos pos)
{
    cu_node *n = make(s, CU_N_SOURCE, 0, pos);
    n->schema = cu_table_shown(s, t);
    n->source.table = t;
    n->append_only = true;
    if (t->watermark_col < (int32_t)n->schema->n)
        n->time = (uint16_t)(t->watermark_col + 1);
    if (t->mode == CU_MODE_APPEND)
        return n;
    n->append_only = false;
    cu_node *norm = over(s, CU_N_NORMALIZE, n);
    norm->normalize.table = t;
    norm->n_key = t->n_key;
    norm->key = t->key;
    return norm;
}

cu_node *cu_node_view(cu_sql *s, const cu_view_def *v, cu_pos pos)
{
    cu_node *n = make(s, CU_N_VIEW, 0, pos);
    n->schema = v->schema;
    n->view.view = v;
    n->n_key = v->n_key;
    n->key = v->key;
    n->single = v->single;
    n->append_only = v->root->append_only;
    n->time = v->root->time;
    n->windows = v->root->windows;
    if (v->retention_us) { /* rows go when their windows have long closed */
        n->append_only = n->windows.judged = false;
        n->time = 0;
    }
    return n;
}

cu_node *cu_node_values(cu_sql *s, const cu_schema *schema, cu_expr ***rows,
                        uint32_t count, cu_pos pos)
{
    cu_node *n = make(s, CU_N_VALUES, 0, pos);
    n->schema = schema;
    n->values.n = count;
    n->values.rows = rows;
    n->append_only = true;
    n->single = count == 1;
    return n;
}

cu_node *cu_node_filter(cu_sql *s, cu_node *in, cu_expr *predicate)
{
    cu_node *n = over(s, CU_N_FILTER, in);
    n->filter.predicate = predicate;
    return n;
}

/* The column of the other side that an inner join makes equal to `col`; -1:
 * there is none. */
static int32_t equal_to(const cu_node *n, uint16_t col)
{
    while (n->kind == CU_N_FILTER)
        n = n->inputs[0];
    if (n->kind != CU_N_JOIN || n->join.kind != CU_JOIN_INNER)
        return -1;
    uint32_t own = n->inputs[0]->schema->n;
    for (uint32_t i = 0; i < n->join.n_keys; i++) {
        if (n->join.left[i] == col)
            return (int32_t)(own + n->join.right[i]);
        if (own + n->join.right[i] == col)
            return n->join.left[i];
    }
    return -1;
}

static uint32_t place_of(const cu_node *n, int32_t col)
{
    uint32_t i = 0;
    while (i < n->schema->n && !(n->project.exprs[i]->kind == CU_E_COL &&
                                 (int32_t)n->project.exprs[i]->col == col))
        i++;
    return i;
}

/* Where the input's key columns stand in the output; none when one is
 * computed away. */
static void project_key(cu_sql *s, cu_node *n, const cu_node *in)
{
    n->n_key = 0;
    n->key = NULL;
    if (in->n_key == 0)
        return;
    uint16_t *key = cu_arena_calloc(s->arena, in->n_key, sizeof(*key));
    for (uint32_t k = 0; k < in->n_key; k++) {
        uint32_t i = place_of(n, in->key[k]);
        if (i == n->schema->n)
            i = place_of(n, equal_to(in, in->key[k]));
        if (i == n->schema->n)
            return;
        key[k] = (uint16_t)i;
    }
    n->n_key = in->n_key;
    n->key = key;
}

void cu_node_project_key(cu_sql *s, cu_node *n)
{
    cu_node fresh = *n;
    fresh.single = n->inputs[0]->single;
    project_key(s, &fresh, n->inputs[0]);
    if (fresh.n_key == 0 && !fresh.single)
        return;
    n->key = fresh.key;
    n->n_key = fresh.n_key;
    n->single = fresh.single;
}

cu_node *cu_node_project(cu_sql *s, cu_node *in, cu_expr **exprs,
                         const char *const *names, uint32_t count)
{
    cu_node *n = over(s, CU_N_PROJECT, in);
    cu_schema *schema = cu_schema_new(s->arena, count);
    for (uint32_t i = 0; i < count; i++) {
        schema->fields[i].name = names[i];
        schema->fields[i].type = exprs[i]->type;
        schema->fields[i].not_null = exprs[i]->kind == CU_E_COL &&
                                     exprs[i]->col < in->schema->n &&
                                     in->schema->fields[exprs[i]->col].not_null;
    }
    n->schema = schema;
    n->project.exprs = exprs;
    project_key(s, n, in);
    cu_node_project_times(n, in);
    return n;
}

cu_node *cu_node_flatmap(cu_sql *s, cu_node *in, const cu_func *f,
                         cu_expr **args, uint32_t n_args,
                         const cu_field *fields, uint32_t n_fields,
                         bool ordinality, bool outer)
{
    cu_node *n = over(s, CU_N_FLATMAP, in);
    uint32_t own = in->schema->n, count = own + n_fields + (ordinality ? 1 : 0);
    cu_schema *schema = cu_schema_new(s->arena, count);
    for (uint32_t i = 0; i < own; i++)
        schema->fields[i] = in->schema->fields[i];
    for (uint32_t i = 0; i < n_fields; i++) {
        schema->fields[own + i] = fields[i];
        schema->fields[own + i].not_null = false;
    }
    if (ordinality)
        schema->fields[count - 1] = (cu_field){.name = "ordinality",
                                               .type = CU_TYPE(CU_T_INT8)};
    n->schema = schema;
    n->single = false;
    n->n_key = 0;
    n->key = NULL;
    if (ordinality && !outer && (in->n_key || in->single)) {
        uint16_t *key = cu_arena_calloc(s->arena, in->n_key + 1, sizeof(*key));
        for (uint32_t k = 0; k < in->n_key; k++)
            key[k] = in->key[k];
        key[in->n_key] = (uint16_t)(count - 1);
        n->n_key = in->n_key + 1;
        n->key = key;
    }
    n->flatmap.func = f;
    n->flatmap.args = args;
    n->flatmap.n_args = n_args;
    n->flatmap.ordinality = ordinality;
    n->flatmap.outer = outer;
    return n;
}

cu_node *cu_node_aggregate(cu_sql *s, cu_node *in, uint32_t n_group,
                           const cu_agg_call *calls, uint32_t n_calls,
                           bool global)
{
    cu_node *n = over(s, CU_N_AGGREGATE, in);
    cu_schema *schema = cu_schema_new(s->arena, n_group + n_calls);
    for (uint32_t i = 0; i < n_group; i++)
        schema->fields[i] = in->schema->fields[i];
    for (uint32_t i = 0; i < n_calls; i++)
        schema->fields[n_group + i] = (cu_field){.name = calls[i].func->name,
                                                 .type = calls[i].result};
    n->schema = schema;
    n->aggregate.n_group = n_group;
    n->aggregate.group = first_columns(s, n_group);
    n->aggregate.n_calls = n_calls;
    n->aggregate.calls = calls;
    n->aggregate.global = global;
    n->n_key = n_group;
    n->key = n->aggregate.group;
    n->single = n_group == 0;
    n->append_only = false;
    cu_node_group_times(n, in, n_group);
    return n;
}

cu_node *cu_node_distinct(cu_sql *s, cu_node *in)
{
    cu_node *n = cu_node_aggregate(s, in, in->schema->n, NULL, 0, false);
    n->append_only = in->append_only;
    return n;
}

cu_node *cu_node_rank(cu_sql *s, cu_node *in, const uint16_t *partition,
                      uint32_t n_partition, const cu_key_col *order,
                      uint32_t n_order, int64_t limit, int64_t offset,
                      bool numbered)
{
    cu_node *n = over(s, CU_N_RANK, in);
    n->rank.partition = partition;
    n->rank.n_partition = n_partition;
    n->rank.order = order;
    n->rank.n_order = n_order;
    n->rank.limit = limit;
    n->rank.offset = offset;
    n->rank.numbered = numbered;
    n->append_only = false;
    cu_node_rank_times(n, partition, n_partition);
    if (numbered) {
        cu_schema *schema = cu_schema_new(s->arena, in->schema->n + 1);
        for (uint32_t i = 0; i < in->schema->n; i++)
            schema->fields[i] = in->schema->fields[i];
        schema->fields[in->schema->n] = (cu_field){.name = "row_number",
                                                   .type = CU_TYPE(CU_T_INT8)};
        n->schema = schema;
    }
    if (limit == 1) {
        n->n_key = n_partition;
        n->key = partition;
        n->single = n_partition == 0;
    } else if (numbered && in->n_key == 0) {
        uint16_t *key = cu_arena_calloc(s->arena, n_partition + 1,
                                        sizeof(*key));
        for (uint32_t k = 0; k < n_partition; k++)
            key[k] = partition[k];
        key[n_partition] = (uint16_t)in->schema->n;
        n->key = key;
        n->n_key = n_partition + 1;
    }
    return n;
}

cu_node *cu_node_union(cu_sql *s, cu_node **inputs, uint32_t count,
                       const cu_schema *schema)
{
    cu_node *n = make(s, CU_N_UNION, count, inputs[0]->pos);
    n->schema = schema;
    n->append_only = true;
    for (uint32_t i = 0; i < count; i++) {
        n->inputs[i] = inputs[i];
        n->append_only = n->append_only && inputs[i]->append_only;
    }
    cu_node_union_times(n);
    return n;
}

/* Rewrites put other inputs under nodes that were made before: what was
 * append-only over the old ones need not be over these. */
static bool append_only_still(void *ctx, cu_node *n)
{
    (void)ctx;
    if (n->kind == CU_N_BUFFER || n->kind == CU_N_CHANGELOG)
        return true;
    uint32_t n_inputs = n->kind == CU_N_LOOKUP ? 1 : n->n_inputs;
    for (uint32_t i = 0; i < n_inputs; i++)
        n->append_only = n->append_only && n->inputs[i]->append_only;
    return true;
}

void cu_bind_settle_node(cu_node *root)
{
    cu_node_walk(root, append_only_still, NULL);
}

static bool number(void *ctx, cu_node *n)
{
    uint32_t *last = ctx;
    n->id = ++*last;
    return true;
}

void cu_bind_number(cu_node *root)
{
    uint32_t last = 0;
    cu_node_walk(root, number, &last);
}
