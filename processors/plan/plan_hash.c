/* A plan's hash: does stored state still mean what the plan says?
 *
 * It takes in everything that changes meaning (kinds, ids, types, expressions,
 * keys) and nothing else: no positions, no column names, no addresses.  It is
 * computed over bytes that are written field by field, and is the same on
 * every machine.  Trees that share a subtree hash it as often as it stands.
 */
#include "processors/plan/plan.h"

#include "base/assert.h"
#include "processors/plan/program.h"

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

static void hash_order(const cu_key_col *order, uint32_t n, cu_buf *out)
{
    cu_buf_put_varint(out, n);
    for (uint32_t i = 0; i < n; i++) {
        cu_buf_put_u16le(out, order[i].col);
        cu_buf_put_u16le(out, order[i].flags);
    }
}

static void hash_optional(const cu_value *v, cu_buf *out)
{
    cu_buf_put_u8(out, v != NULL);
    if (v) {
        hash_type(v->type, out);
        hash_value(v, out);
    }
}

static void hash_interval(cu_interval iv, cu_buf *out)
{
    cu_buf_put_svarint(out, iv.months);
    cu_buf_put_svarint(out, iv.days);
    cu_buf_put_svarint(out, iv.us);
}

static void hash_closing(const cu_closing *c, cu_buf *out)
{
    cu_buf_put_u8(out, c->on);
    hash_interval(c->delay, out);
    cu_buf_put_svarint(out, c->lateness_us);
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
        cu_buf_put_svarint(out, c->has_second ? c->second : -1);
        hash_order(c->order, c->n_order, out);
        hash_optional(c->direct, out);
    }
    hash_closing(&n->aggregate.closing, out);
}

static void hash_rank(const cu_node *n, cu_buf *out)
{
    hash_columns(n->rank.partition, n->rank.n_partition, out);
    hash_order(n->rank.order, n->rank.n_order, out);
    cu_buf_put_svarint(out, n->rank.limit);
    cu_buf_put_svarint(out, n->rank.offset);
    cu_buf_put_u8(out, n->rank.numbered);
    cu_buf_put_u8(out, (uint8_t)n->rank.fn);
    hash_closing(&n->rank.closing, out);
}

static void hash_over(const cu_node *n, cu_buf *out)
{
    hash_columns(n->over.partition, n->over.n_partition, out);
    hash_order(n->over.order, n->over.n_order, out);
    cu_buf_put_varint(out, n->over.n_calls);
    for (uint32_t i = 0; i < n->over.n_calls; i++) {
        const cu_over_call *c = &n->over.calls[i];
        hash_func(c->func, out);
        hash_columns(c->args, c->n_args, out);
        cu_buf_put_svarint(out, c->filter);
        cu_buf_put_u8(out, c->frame.mode);
        cu_buf_put_u8(out, c->frame.start);
        cu_buf_put_u8(out, c->frame.end);
        cu_buf_put_u8(out, c->frame.exclude);
        hash_optional(c->frame.start_offset, out);
        hash_optional(c->frame.end_offset, out);
        hash_type(c->result, out);
    }
    hash_closing(&n->over.closing, out);
}

static void hash_join(const cu_node *n, cu_buf *out)
{
    cu_buf_put_u8(out, (uint8_t)n->join.kind);
    hash_columns(n->join.left, n->join.n_keys, out);
    hash_columns(n->join.right, n->join.n_keys, out);
    for (uint32_t i = 0; i < n->join.n_keys; i++)
        cu_buf_put_u8(out, n->join.null_safe && n->join.null_safe[i]);
    cu_buf_put_u8(out, n->join.residual != NULL);
    if (n->join.residual)
        hash_expr(n->join.residual, out);
    cu_buf_put_u16le(out, n->join.left_time);
    cu_buf_put_u16le(out, n->join.right_time);
    cu_buf_put_svarint(out, n->join.lower_us);
    cu_buf_put_svarint(out, n->join.upper_us);
    hash_closing(&n->join.closing, out);
    if (n->ttl_us)
        for (int i = 0; i < 2; i++)
            cu_buf_put_u8(out, n->join.stays[i]);
}

static void hash_expand(const cu_node *n, cu_buf *out)
{
    hash_columns(n->expand.group, n->expand.n_group, out);
    cu_buf_put_varint(out, n->expand.n_sets);
    for (uint32_t i = 0; i < n->expand.n_sets; i++)
        cu_buf_put_u64le(out, n->expand.sets[i]);
}

static void hash_window(const cu_node *n, cu_buf *out)
{
    cu_buf_put_u8(out, (uint8_t)n->window.kind);
    cu_buf_put_u16le(out, n->window.time);
    hash_interval(n->window.size, out);
    hash_interval(n->window.slide, out);
    cu_buf_put_svarint(out, n->window.origin_us);
    cu_buf_put_u8(out, n->window.late);
    cu_buf_put_svarint(out, n->window.lateness_us);
}

static void hash_session(const cu_node *n, cu_buf *out)
{
    cu_buf_put_u8(out, (uint8_t)n->session.mode);
    hash_columns(n->session.partition, n->session.n_partition, out);
    cu_buf_put_u16le(out, n->session.time);
    cu_buf_put_svarint(out, n->session.gap_us);
    cu_buf_put_u8(out, n->session.late);
    cu_buf_put_svarint(out, n->session.lateness_us);
}

static void hash_values(const cu_node *n, cu_buf *out)
{
    for (uint32_t r = 0; r < n->values.n; r++)
        hash_exprs(n->values.rows[r], n->schema->n, out);
}

static void hash_flatmap(const cu_node *n, cu_buf *out)
{
    hash_func(n->flatmap.func, out);
    hash_exprs(n->flatmap.args, n->flatmap.n_args, out);
    cu_buf_put_u8(out, n->flatmap.ordinality);
    cu_buf_put_u8(out, n->flatmap.outer);
}

static void hash_buffer(const cu_node *n, cu_buf *out)
{
    cu_buf_put_u16le(out, n->buffer.col);
    hash_interval(n->buffer.delay, out);
    cu_buf_put_svarint(out, n->buffer.lateness_us);
}

static void hash_temporal(const cu_node *n, cu_buf *out)
{
    cu_buf_put_u16le(out, n->temporal.from);
    cu_buf_put_u16le(out, n->temporal.until);
}

static void hash_history(const cu_node *n, cu_buf *out)
{
    hash_columns(n->history.key, n->history.n_key, out);
    cu_buf_put_u16le(out, n->history.valid_at);
    cu_buf_put_u8(out, n->history.deletes);
}

static void hash_normalize(const cu_node *n, cu_buf *out)
{
    hash_table(n->normalize.table, out);
    cu_buf_put_u8(out, n->normalize.all_versions);
}

static void hash_watermark(const cu_node *n, cu_buf *out)
{
    cu_buf_put_u16le(out, n->watermark.col);
    cu_buf_put_svarint(out, n->watermark.delay_us);
}

static void hash_materialize(const cu_node *n, cu_buf *out)
{
    const cu_view_def *v = n->materialize.view;
    cu_buf_put_u8(out, n->materialize.bag | n->materialize.borrows << 1);
    if (v && v->shared) /* a topic would lack what it has said so far */
        hash_string("shared", out);
    hash_order(n->materialize.order, n->materialize.n_order, out);
}

static void hash_source(const cu_node *n, cu_buf *out)
{
    hash_table(n->source.table, out);
}

static void hash_view(const cu_node *n, cu_buf *out)
{
    hash_string(n->view.view ? n->view.view->name : NULL, out);
}

static void hash_filter(const cu_node *n, cu_buf *out)
{
    hash_expr(n->filter.predicate, out);
}

static void hash_project(const cu_node *n, cu_buf *out)
{
    hash_exprs(n->project.exprs, n->schema->n, out);
}

static void hash_surrogate(const cu_node *n, cu_buf *out)
{
    hash_columns(n->surrogate.key, n->surrogate.n_key, out);
}

static void hash_exchange(const cu_node *n, cu_buf *out)
{
    hash_columns(n->exchange.cols, n->exchange.n, out);
}

static void hash_nothing(const cu_node *n, cu_buf *out)
{
    (void)n;
    (void)out;
}

static void (*const details[CU_NODE_KINDS])(const cu_node *, cu_buf *) = {
    [CU_N_SOURCE] = hash_source,
    [CU_N_VIEW] = hash_view,
    [CU_N_VALUES] = hash_values,
    [CU_N_FILTER] = hash_filter,
    [CU_N_PROJECT] = hash_project,
    [CU_N_FLATMAP] = hash_flatmap,
    [CU_N_AGGREGATE] = hash_calls,
    [CU_N_RANK] = hash_rank,
    [CU_N_OVER] = hash_over,
    [CU_N_JOIN] = hash_join,
    [CU_N_ASOF] = hash_join,
    [CU_N_LOOKUP] = hash_join,
    [CU_N_UNION] = hash_nothing,
    [CU_N_EXPAND] = hash_expand,
    [CU_N_EXCHANGE] = hash_exchange,
    [CU_N_NORMALIZE] = hash_normalize,
    [CU_N_WATERMARK] = hash_watermark,
    [CU_N_WINDOW] = hash_window,
    [CU_N_SESSION] = hash_session,
    [CU_N_BUFFER] = hash_buffer,
    [CU_N_TEMPORAL] = hash_temporal,
    [CU_N_HISTORY] = hash_history,
    [CU_N_CHANGELOG] = hash_nothing,
    [CU_N_SURROGATE] = hash_surrogate,
    [CU_N_MATERIALIZE] = hash_materialize,
};

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
    CU_ASSERT(details[n->kind]);
    details[n->kind](n, out);
    if (n->ttl_us) /* how long may change: what is stored are times */
        hash_string("ttl", out);
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
