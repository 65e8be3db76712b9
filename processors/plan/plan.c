/* Plans as trees: walking, printing, hashing.
 *
 * The hash decides whether stored state still means what the plan says, so it
 * takes in everything that changes meaning (kinds, ids, types, expressions,
 * keys) and nothing else: no positions, no column names, no addresses.  It is
 * computed over bytes that are written field by field, and is the same on
 * every machine.  Trees that share a subtree hash it as often as it stands.
 */
#include "processors/plan/plan.h"

#include "base/assert.h"
#include "processors/plan/program.h"

bool cu_node_walk(cu_node *root, bool (*visit)(void *ctx, cu_node *n),
                  void *ctx)
{
    for (uint32_t i = 0; i < root->n_inputs; i++)
        if (!cu_node_walk(root->inputs[i], visit, ctx))
            return false;
    return visit(ctx, root);
}

const char *cu_node_kind_name(cu_node_kind k)
{
    static const char *const names[] = {
        [CU_N_SOURCE] = "source",
        [CU_N_VIEW] = "view",
        [CU_N_VALUES] = "values",
        [CU_N_FILTER] = "filter",
        [CU_N_PROJECT] = "project",
        [CU_N_FLATMAP] = "flatmap",
        [CU_N_AGGREGATE] = "aggregate",
        [CU_N_RANK] = "rank",
        [CU_N_UNION] = "union",
        [CU_N_EXCHANGE] = "exchange",
        [CU_N_NORMALIZE] = "normalize",
        [CU_N_WATERMARK] = "watermark",
        [CU_N_MATERIALIZE] = "materialize",
    };
    _Static_assert(sizeof(names) / sizeof(*names) == CU_NODE_KINDS,
                   "every kind has a name");
    CU_ASSERT(k < CU_NODE_KINDS);
    return names[k];
}

/* --- printing ------------------------------------------------------------ */

static const char *column(const cu_schema *s, uint32_t c)
{
    return c < s->n && s->fields[c].name ? s->fields[c].name : "?";
}

static void put_columns(const char *what, const cu_schema *s,
                        const uint16_t *cols, uint32_t n, cu_buf *out)
{
    cu_buf_printf(out, " %s(", what);
    for (uint32_t i = 0; i < n; i++)
        cu_buf_printf(out, "%s%s", i ? ", " : "", column(s, cols[i]));
    cu_buf_put_str(out, ")");
}

static void put_exprs(const char *what, cu_expr *const *exprs, uint32_t n,
                      const cu_schema *names, cu_buf *out)
{
    cu_buf_printf(out, " %s(", what);
    for (uint32_t i = 0; i < n; i++) {
        cu_buf_put_str(out, i ? ", " : "");
        cu_expr_print(exprs[i], names, out);
    }
    cu_buf_put_str(out, ")");
}

static void put_values(const cu_node *n, cu_buf *out)
{
    for (uint32_t r = 0; r < n->values.n; r++)
        put_exprs("", n->values.rows[r], n->schema->n, NULL, out);
}

static void put_aggregate(const cu_node *n, cu_buf *out)
{
    const cu_schema *in = n->inputs[0]->schema;
    if (n->aggregate.n_group)
        put_columns("by", in, n->aggregate.group, n->aggregate.n_group, out);
    for (uint32_t i = 0; i < n->aggregate.n_calls; i++) {
        const cu_agg_call *c = &n->aggregate.calls[i];
        cu_buf_printf(out, " %s(%s%s)", c->func->name,
                      c->distinct ? "distinct " : "",
                      c->arg < 0 ? "*" : column(in, (uint32_t)c->arg));
        if (c->filter >= 0)
            cu_buf_printf(out, " filter(%s)", column(in, (uint32_t)c->filter));
    }
    if (n->aggregate.global)
        cu_buf_put_str(out, " global");
}

static void put_rank(const cu_node *n, cu_buf *out)
{
    const cu_schema *in = n->inputs[0]->schema;
    put_columns("by", in, n->rank.partition, n->rank.n_partition, out);
    cu_buf_put_str(out, " order(");
    for (uint32_t i = 0; i < n->rank.n_order; i++) {
        const cu_key_col *k = &n->rank.order[i];
        cu_buf_printf(out, "%s%s%s%s", i ? ", " : "", column(in, k->col),
                      k->flags & CU_DESC ? " desc" : "",
                      k->flags & CU_NULLS_FIRST ? " nulls first" : "");
    }
    cu_buf_put_str(out, ")");
    if (n->rank.limit >= 0)
        cu_buf_printf(out, " limit %lld", (long long)n->rank.limit);
    if (n->rank.offset)
        cu_buf_printf(out, " offset %lld", (long long)n->rank.offset);
    if (n->rank.numbered)
        cu_buf_put_str(out, " numbered");
}

static void put_flatmap(const cu_node *n, cu_buf *out)
{
    cu_buf_printf(out, " %s", n->flatmap.func->name);
    put_exprs("of", n->flatmap.args, n->flatmap.n_args, n->inputs[0]->schema,
              out);
    if (n->flatmap.ordinality)
        cu_buf_put_str(out, " ordinality");
    if (n->flatmap.outer)
        cu_buf_put_str(out, " outer");
}

static void put_detail(const cu_node *n, cu_buf *out)
{
    const cu_schema *in = n->n_inputs ? n->inputs[0]->schema : NULL;
    switch (n->kind) {
    case CU_N_SOURCE:
        cu_buf_printf(out, " %s",
                      n->source.table ? n->source.table->name : "?");
        break;
    case CU_N_VIEW:
        cu_buf_printf(out, " %s", n->view.view ? n->view.view->name : "?");
        break;
    case CU_N_VALUES:
        put_values(n, out);
        break;
    case CU_N_FILTER:
        put_exprs("where", &n->filter.predicate, 1, in, out);
        break;
    case CU_N_PROJECT:
        put_exprs("as", n->project.exprs, n->schema->n, in, out);
        break;
    case CU_N_FLATMAP:
        put_flatmap(n, out);
        break;
    case CU_N_AGGREGATE:
        put_aggregate(n, out);
        break;
    case CU_N_RANK:
        put_rank(n, out);
        break;
    case CU_N_UNION:
        break;
    case CU_N_EXCHANGE:
        put_columns("by", n->n_inputs ? in : n->schema, n->exchange.cols,
                    n->exchange.n, out);
        break;
    case CU_N_NORMALIZE:
        if (n->normalize.table)
            cu_buf_printf(out, " %s", n->normalize.table->name);
        break;
    case CU_N_WATERMARK:
        cu_buf_printf(out, " %s delay %lld us", column(in, n->watermark.col),
                      (long long)n->watermark.delay_us);
        break;
    case CU_N_MATERIALIZE:
        if (n->materialize.view)
            cu_buf_printf(out, " %s", n->materialize.view->name);
        if (n->materialize.bag)
            cu_buf_put_str(out, " bag");
        break;
    case CU_NODE_KINDS:
        break;
    }
}

static void print_at(const cu_node *n, unsigned depth, cu_buf *out)
{
    char name[64];
    cu_buf_printf(out, "%*s%s", (int)depth * 2, "", cu_node_kind_name(n->kind));
    put_detail(n, out);
    cu_buf_put_str(out, " ->");
    for (uint32_t i = 0; i < n->schema->n; i++)
        cu_buf_printf(out, "%s %s %s", i ? "," : "", column(n->schema, i),
                      cu_type_name(n->schema->fields[i].type, name));
    if (n->n_key)
        put_columns("key", n->schema, n->key, n->n_key, out);
    if (n->single)
        cu_buf_put_str(out, " single");
    if (n->append_only)
        cu_buf_put_str(out, " append-only");
    cu_buf_put_str(out, "\n");
    for (uint32_t i = 0; i < n->n_inputs; i++)
        print_at(n->inputs[i], depth + 1, out);
}

void cu_node_print(const cu_node *root, cu_buf *out)
{
    print_at(root, 0, out);
}

/* --- hashing ------------------------------------------------------------- */

static void hash_string(const char *s, cu_buf *out)
{
    cu_buf_put_lslice(out, cu_slice_of(s));
}

static void hash_type(cu_type t, cu_buf *out)
{
    cu_buf_put_u8(out, t.kind);
    cu_buf_put_u8(out, t.elem);
    cu_buf_put_u16le(out, (uint16_t)t.precision);
    cu_buf_put_u16le(out, (uint16_t)t.scale);
}

static void hash_value(const cu_value *v, cu_buf *out)
{
    cu_buf text = {0};
    cu_buf_put_u8(out, v->null);
    if (v->null)
        return;
    if (v->type.kind == CU_T_UNKNOWN)
        cu_buf_put_slice(&text, v->s);
    else
        cu_value_out(v, NULL, &text);
    cu_buf_put_lslice(out, cu_buf_slice(&text));
    cu_buf_free(&text);
}

/* Two functions of one name differ in their arguments. */
static void hash_func(const cu_func *f, cu_buf *out)
{
    hash_string(f->name, out);
    cu_buf_put_u8(out, f->kind);
    cu_buf_put_u8(out, f->n_args);
    cu_buf_put(out, f->args, CU_FUNC_ARGS);
    cu_buf_put_u8(out, f->result);
}

static void hash_expr(const cu_expr *e, cu_buf *out)
{
    cu_buf_put_u8(out, (uint8_t)e->kind);
    hash_type(e->type, out);
    if (e->kind == CU_E_CONST)
        hash_value(&e->value, out);
    if (e->kind == CU_E_COL)
        cu_buf_put_varint(out, e->col);
    if (e->kind == CU_E_CALL)
        hash_func(e->func, out);
    cu_buf_put_varint(out, e->n_args);
    for (uint32_t i = 0; i < e->n_args; i++)
        hash_expr(e->args[i], out);
}

static void hash_columns(const uint16_t *cols, uint32_t n, cu_buf *out)
{
    cu_buf_put_varint(out, n);
    for (uint32_t i = 0; i < n; i++)
        cu_buf_put_u16le(out, cols[i]);
}

static void hash_table(const struct cu_table_def *t, cu_buf *out)
{
    if (!t)
        return;
    hash_string(t->name, out);
    cu_buf_put_u8(out, (uint8_t)t->mode);
    hash_columns(t->key, t->n_key, out);
}

static void hash_exprs(cu_expr *const *exprs, uint32_t n, cu_buf *out)
{
    cu_buf_put_varint(out, n);
    for (uint32_t i = 0; i < n; i++)
        hash_expr(exprs[i], out);
}

static void hash_calls(const cu_node *n, cu_buf *out)
{
    hash_columns(n->aggregate.group, n->aggregate.n_group, out);
    cu_buf_put_u8(out, n->aggregate.global);
    cu_buf_put_varint(out, n->aggregate.n_calls);
    for (uint32_t i = 0; i < n->aggregate.n_calls; i++) {
        const cu_agg_call *c = &n->aggregate.calls[i];
        hash_func(c->func, out);
        cu_buf_put_svarint(out, c->arg);
        cu_buf_put_svarint(out, c->filter);
        cu_buf_put_u8(out, c->distinct);
        hash_type(c->result, out);
    }
}

static void hash_rank(const cu_node *n, cu_buf *out)
{
    hash_columns(n->rank.partition, n->rank.n_partition, out);
    cu_buf_put_varint(out, n->rank.n_order);
    for (uint32_t i = 0; i < n->rank.n_order; i++) {
        cu_buf_put_u16le(out, n->rank.order[i].col);
        cu_buf_put_u16le(out, n->rank.order[i].flags);
    }
    cu_buf_put_svarint(out, n->rank.limit);
    cu_buf_put_svarint(out, n->rank.offset);
    cu_buf_put_u8(out, n->rank.numbered);
}

static void hash_detail(const cu_node *n, cu_buf *out)
{
    switch (n->kind) {
    case CU_N_SOURCE:
        hash_table(n->source.table, out);
        break;
    case CU_N_VIEW:
        hash_string(n->view.view ? n->view.view->name : NULL, out);
        break;
    case CU_N_VALUES:
        for (uint32_t r = 0; r < n->values.n; r++)
            hash_exprs(n->values.rows[r], n->schema->n, out);
        break;
    case CU_N_FILTER:
        hash_expr(n->filter.predicate, out);
        break;
    case CU_N_PROJECT:
        hash_exprs(n->project.exprs, n->schema->n, out);
        break;
    case CU_N_FLATMAP:
        hash_func(n->flatmap.func, out);
        hash_exprs(n->flatmap.args, n->flatmap.n_args, out);
        cu_buf_put_u8(out, n->flatmap.ordinality);
        cu_buf_put_u8(out, n->flatmap.outer);
        break;
    case CU_N_AGGREGATE:
        hash_calls(n, out);
        break;
    case CU_N_RANK:
        hash_rank(n, out);
        break;
    case CU_N_UNION:
        break;
    case CU_N_EXCHANGE:
        hash_columns(n->exchange.cols, n->exchange.n, out);
        break;
    case CU_N_NORMALIZE:
        hash_table(n->normalize.table, out);
        break;
    case CU_N_WATERMARK:
        cu_buf_put_u16le(out, n->watermark.col);
        cu_buf_put_svarint(out, n->watermark.delay_us);
        break;
    case CU_N_MATERIALIZE:
        cu_buf_put_u8(out, n->materialize.bag);
        break;
    case CU_NODE_KINDS:
        break;
    }
}

static void hash_node(const cu_node *n, cu_buf *out)
{
    hash_string(cu_node_kind_name(n->kind), out);
    cu_buf_put_varint(out, n->id);
    cu_buf_put_u8(out, n->append_only);
    cu_buf_put_u8(out, n->single);
    hash_columns(n->key, n->n_key, out);
    cu_buf_put_varint(out, n->schema->n);
    for (uint32_t i = 0; i < n->schema->n; i++)
        hash_type(n->schema->fields[i].type, out);
    hash_detail(n, out);
    cu_buf_put_varint(out, n->n_inputs);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        hash_node(n->inputs[i], out);
}

uint64_t cu_node_hash(const cu_node *root)
{
    cu_buf bytes = {0};
    hash_node(root, &bytes);
    uint64_t hash = cu_hash(cu_buf_slice(&bytes));
    cu_buf_free(&bytes);
    return hash;
}
