/* Plans as indented text: explain and golden tests. */
#include "processors/plan/plan.h"

#include "processors/plan/program.h"

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

static void put_order(const cu_schema *in, const cu_key_col *order, uint32_t n,
                      cu_buf *out)
{
    cu_buf_put_str(out, " order(");
    for (uint32_t i = 0; i < n; i++)
        cu_buf_printf(out, "%s%s%s%s", i ? ", " : "", column(in, order[i].col),
                      order[i].flags & CU_DESC ? " desc" : "",
                      order[i].flags & CU_NULLS_FIRST ? " nulls first" : "");
    cu_buf_put_str(out, ")");
}

static void put_value(const char *what, const cu_value *v, cu_buf *out)
{
    cu_buf_printf(out, " %s ", what);
    cu_value_out(v, NULL, out);
}

static void put_interval(const char *what, cu_interval iv, cu_buf *out)
{
    cu_value v = {.type = CU_TYPE(CU_T_INTERVAL), .iv = iv};
    put_value(what, &v, out);
}

static void put_us(const char *what, int64_t us, cu_buf *out)
{
    if (us)
        put_interval(what, (cu_interval){.us = us}, out);
}

static void put_closing(const cu_closing *c, cu_buf *out)
{
    if (!c->on)
        return;
    put_interval("closes after", c->delay, out);
    put_us("late", c->lateness_us, out);
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
        if (c->has_second)
            cu_buf_printf(out, " and(%s)", column(in, c->second));
        if (c->n_order)
            put_order(in, c->order, c->n_order, out);
        if (c->direct)
            put_value("at", c->direct, out);
        if (c->filter >= 0)
            cu_buf_printf(out, " filter(%s)", column(in, (uint32_t)c->filter));
    }
    if (n->aggregate.global)
        cu_buf_put_str(out, " global");
    put_closing(&n->aggregate.closing, out);
}

static void put_rank(const cu_node *n, cu_buf *out)
{
    const cu_schema *in = n->inputs[0]->schema;
    put_columns("by", in, n->rank.partition, n->rank.n_partition, out);
    put_order(in, n->rank.order, n->rank.n_order, out);
    if (n->rank.limit >= 0)
        cu_buf_printf(out, " limit %lld", (long long)n->rank.limit);
    if (n->rank.offset)
        cu_buf_printf(out, " offset %lld", (long long)n->rank.offset);
    static const char *const fns[] = {"", " rank", " dense_rank"};
    cu_buf_put_str(out, fns[n->rank.fn]);
    if (n->rank.numbered)
        cu_buf_put_str(out, " numbered");
    put_closing(&n->rank.closing, out);
}

static void put_bound(uint8_t bound, const cu_value *offset, cu_buf *out)
{
    static const char *const names[] = {"unbounded preceding", "preceding",
                                        "current row", "following",
                                        "unbounded following"};
    if (offset)
        put_value("", offset, out);
    cu_buf_printf(out, " %s", names[bound]);
}

static void put_frame(const cu_over_frame *f, cu_buf *out)
{
    static const char *const modes[] = {"range", "rows", "groups"};
    static const char *const excludes[] = {"", " exclude current row",
                                           " exclude group", " exclude ties"};
    cu_buf_printf(out, " %s", modes[f->mode]);
    put_bound(f->start, f->start_offset, out);
    cu_buf_put_str(out, " to");
    put_bound(f->end, f->end_offset, out);
    cu_buf_put_str(out, excludes[f->exclude]);
}

static void put_over(const cu_node *n, cu_buf *out)
{
    const cu_schema *in = n->inputs[0]->schema;
    put_columns("by", in, n->over.partition, n->over.n_partition, out);
    put_order(in, n->over.order, n->over.n_order, out);
    for (uint32_t i = 0; i < n->over.n_calls; i++) {
        const cu_over_call *c = &n->over.calls[i];
        put_columns(c->func->name, in, c->args, c->n_args, out);
        if (c->filter >= 0)
            cu_buf_printf(out, " filter(%s)", column(in, (uint32_t)c->filter));
        put_frame(&c->frame, out);
    }
    put_closing(&n->over.closing, out);
}

static void put_join(const cu_node *n, cu_buf *out)
{
    static const char *const kinds[] = {"inner", "left", "right",
                                        "full",  "semi", "anti"};
    const cu_schema *l = n->inputs[0]->schema, *r = n->inputs[1]->schema;
    cu_buf_printf(out, " %s on(", kinds[n->join.kind]);
    for (uint32_t i = 0; i < n->join.n_keys; i++)
        cu_buf_printf(out, "%s%s %s %s", i ? ", " : "",
                      column(l, n->join.left[i]),
                      n->join.null_safe && n->join.null_safe[i] ? "<=>" : "=",
                      column(r, n->join.right[i]));
    cu_buf_put_str(out, ")");
    if (n->join.left_time)
        cu_buf_printf(out, " times(%s, %s)", column(l, n->join.left_time - 1u),
                      column(r, n->join.right_time - 1u));
    if (n->join.lower_us || n->join.upper_us) {
        put_us("from", n->join.lower_us, out);
        put_us("to", n->join.upper_us, out);
    }
    if (n->join.residual)
        put_exprs("where", &n->join.residual, 1, NULL, out);
    put_closing(&n->join.closing, out);
}

static void put_expand(const cu_node *n, cu_buf *out)
{
    put_columns("by", n->inputs[0]->schema, n->expand.group, n->expand.n_group,
                out);
    for (uint32_t i = 0; i < n->expand.n_sets; i++)
        cu_buf_printf(out, " %llx", (unsigned long long)n->expand.sets[i]);
}

static void put_window(const cu_node *n, cu_buf *out)
{
    static const char *const kinds[] = {"tumble", "hop", "cumulate", "judge"};
    cu_buf_printf(out, " %s of %s", kinds[n->window.kind],
                  column(n->inputs[0]->schema, n->window.time));
    put_interval("size", n->window.size, out);
    if (n->window.kind == CU_WINDOW_HOP || n->window.kind == CU_WINDOW_CUMULATE)
        put_interval("slide", n->window.slide, out);
    if (n->window.late)
        cu_buf_put_str(out, " judged");
    put_us("lateness", n->window.lateness_us, out);
}

static void put_session(const cu_node *n, cu_buf *out)
{
    const cu_schema *in = n->inputs[0]->schema;
    put_columns("by", in, n->session.partition, n->session.n_partition, out);
    cu_buf_printf(out, " of %s", column(in, n->session.time));
    put_us("gap", n->session.gap_us, out);
    if (n->session.mode == CU_SESSION_FINAL)
        cu_buf_put_str(out, " final");
    if (n->session.late)
        cu_buf_put_str(out, " judged");
    put_us("lateness", n->session.lateness_us, out);
}

static void put_temporal(const cu_node *n, cu_buf *out)
{
    const cu_schema *in = n->inputs[0]->schema;
    if (n->temporal.from)
        cu_buf_printf(out, " from %s", column(in, n->temporal.from - 1u));
    if (n->temporal.until)
        cu_buf_printf(out, " until %s", column(in, n->temporal.until - 1u));
}

static void put_history(const cu_node *n, cu_buf *out)
{
    const cu_schema *in = n->inputs[0]->schema;
    put_columns("by", in, n->history.key, n->history.n_key, out);
    if (n->history.valid_at)
        cu_buf_printf(out, " at %s", column(in, n->history.valid_at - 1u));
    if (!n->history.deletes)
        cu_buf_put_str(out, " no deletes");
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

/* Where rows come in and where they stay. */
static void put_ends(const cu_node *n, const cu_schema *in, cu_buf *out)
{
    switch (n->kind) {
    case CU_N_EXCHANGE:
        put_columns("by", n->n_inputs ? in : n->schema, n->exchange.cols,
                    n->exchange.n, out);
        break;
    case CU_N_NORMALIZE:
        if (n->normalize.table)
            cu_buf_printf(out, " %s", n->normalize.table->name);
        if (n->normalize.all_versions)
            cu_buf_put_str(out, " all versions");
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
        if (n->materialize.n_order)
            put_order(in, n->materialize.order, n->materialize.n_order, out);
        break;
    default:
        break;
    }
}

/* What it forgets by the clock. */
static void put_ttl(const cu_node *n, cu_buf *out)
{
    static const char *const sides[] = {"", " but left", " but right"};
    if (!n->ttl_us || n->kind == CU_N_MATERIALIZE)
        return;
    put_us("forgets after", n->ttl_us, out);
    if (n->kind == CU_N_JOIN)
        cu_buf_put_str(out, sides[n->join.stays[0]   ? 1
                                  : n->join.stays[1] ? 2
                                                     : 0]);
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
    case CU_N_OVER:
        put_over(n, out);
        break;
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
        put_join(n, out);
        break;
    case CU_N_EXPAND:
        put_expand(n, out);
        break;
    case CU_N_WINDOW:
        put_window(n, out);
        break;
    case CU_N_SESSION:
        put_session(n, out);
        break;
    case CU_N_BUFFER:
        cu_buf_printf(out, " until %s", column(in, n->buffer.col));
        put_interval("+", n->buffer.delay, out);
        put_us("lateness", n->buffer.lateness_us, out);
        break;
    case CU_N_TEMPORAL:
        put_temporal(n, out);
        break;
    case CU_N_HISTORY:
        put_history(n, out);
        break;
    case CU_N_SURROGATE:
        put_columns("by", in, n->surrogate.key, n->surrogate.n_key, out);
        break;
    default:
        put_ends(n, in, out);
        break;
    }
}

/* What has been printed already: a node with two parents is told once. */
typedef struct printed {
    const cu_node *node;
    const struct printed *before;
} printed;

typedef struct printer {
    cu_arena *a;
    const printed *last;
    cu_buf *out;
} printer;

static bool again(printer *p, const cu_node *n)
{
    if (n->n_inputs == 0)
        return false;
    for (const printed *x = p->last; x; x = x->before)
        if (x->node == n)
            return true;
    printed x = {n, p->last};
    p->last = cu_arena_dup(p->a, &x, sizeof(x));
    return false;
}

static void print_at(printer *p, const cu_node *n, unsigned depth)
{
    cu_buf *out = p->out;
    char name[64];
    cu_buf_printf(out, "%*s%s", (int)depth * 2, "", cu_node_kind_name(n->kind));
    put_detail(n, out);
    put_ttl(n, out);
    if (again(p, n)) {
        cu_buf_put_str(out, ": the one above\n");
        return;
    }
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
        print_at(p, n->inputs[i], depth + 1);
}

void cu_node_print(const cu_node *root, cu_buf *out)
{
    printer p = {.a = cu_arena_new(0), .out = out};
    print_at(&p, root, 0);
    cu_arena_free(p.a);
}
