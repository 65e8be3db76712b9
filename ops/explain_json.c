/* cupel explain -o json: one object. */
#include "ops/explain.h"

#include "rows/json.h"

static void name(const char *n, cu_buf *b)
{
    if (b->len && b->data[b->len - 1] != '{' && b->data[b->len - 1] != '[')
        cu_buf_put_u8(b, ',');
    cu_json_put_string(b, cu_slice_of(n));
    cu_buf_put_u8(b, ':');
}

static void member(const char *n, const char *value, cu_buf *b)
{
    name(n, b);
    if (value)
        cu_json_put_string(b, cu_slice_of(value));
    else
        cu_buf_put_str(b, "null");
}

static void member_int(const char *n, int64_t value, cu_buf *b)
{
    name(n, b);
    cu_buf_printf(b, "%lld", (long long)value);
}

static void member_columns(const char *n, const cu_schema *s,
                           const uint16_t *cols, uint32_t n_cols, cu_buf *b)
{
    name(n, b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < n_cols; i++) {
        if (i)
            cu_buf_put_u8(b, ',');
        cu_json_put_string(b, cu_slice_of(s->fields[cols[i]].name));
    }
    cu_buf_put_u8(b, ']');
}

static void comma(cu_buf *b)
{
    char last = b->data[b->len - 1];
    if (last != '[' && last != '{')
        cu_buf_put_u8(b, ',');
}

static void json_feed(const cu_feed *f, cu_buf *b)
{
    static const char *const kinds[] = {"table", "stage", "exchange"};
    comma(b);
    cu_buf_put_u8(b, '{');
    member("kind", kinds[f->kind], b);
    if (f->table)
        member("table", f->table->name, b);
    if (f->stage)
        member("stage", f->stage->name, b);
    if (f->topic)
        member("topic", f->topic, b);
    cu_buf_put_u8(b, '}');
}

static void json_note(void *ctx, const cu_state_note *s)
{
    cu_buf *b = ctx;
    comma(b);
    cu_buf_put_u8(b, '{');
    member_int("table", s->table, b);
    member("operator", cu_node_kind_name(s->node->kind), b);
    member("by", s->by, b);
    member("holds", s->holds, b);
    member_int("bytes", s->bytes, b);
    member("per", s->per, b);
    member("until", s->until, b);
    member("notice", s->notice, b);
    cu_buf_put_u8(b, '}');
}

static void json_state(cu_explaining *x, const cu_stage *s)
{
    name("state_tables", x->out);
    cu_buf_put_u8(x->out, '[');
    cu_explain_states(s, x->a, json_note, x->out);
    cu_buf_put_u8(x->out, ']');
}

static void json_stage(cu_explaining *x, const cu_stage *s)
{
    cu_buf *b = x->out;
    comma(b);
    cu_buf_put_u8(b, '{');
    member("stage", s->name, b);
    member_int("partitions", s->partitions, b);
    name("feeds", b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < s->n_feeds; i++)
        json_feed(&s->feeds[i], b);
    cu_buf_put_u8(b, ']');
    json_state(x, s);
    member("changelog", s->changelog, b);
    if (s->exchange_topic) {
        name("exchange", b);
        cu_buf_put_u8(b, '{');
        member("topic", s->exchange_topic, b);
        member_int("partitions", s->exchange_partitions, b);
        member_columns("by", s->root->schema, s->exchange_cols,
                       s->n_exchange_cols, b);
        member("why", s->exchange_why, b);
        cu_buf_put_u8(b, '}');
    }
    cu_buf_put_u8(b, '}');
}

static void json_twice(void *ctx, const cu_node *n, const cu_view_def *other)
{
    cu_explaining *x = ctx;
    comma(x->out);
    cu_buf_put_u8(x->out, '{');
    member("operator", cu_node_kind_name(n->kind), x->out);
    member("over", cu_explain_origin(n, x->a), x->out);
    member("view", other->name, x->out);
    cu_buf_put_u8(x->out, '}');
}

static void json_shared(cu_explaining *x, const cu_view_def *v)
{
    uint32_t n;
    const char **names = cu_explain_readers(x, v, &n);
    name("shared", x->out);
    cu_buf_put_str(x->out, "true");
    name("readers", x->out);
    cu_buf_put_u8(x->out, '[');
    for (uint32_t i = 0; i < n; i++) {
        comma(x->out);
        cu_json_put_string(x->out, cu_slice_of(names[i]));
    }
    cu_buf_put_u8(x->out, ']');
}

static void json_view(cu_explaining *x, const cu_view_def *v)
{
    cu_buf *b = x->out, tree = {0};
    char type[64];
    comma(b);
    cu_buf_put_u8(b, '{');
    member("view", v->name, b);
    member("topic", v->has_topic ? cu_explain_topic(v) : NULL, b);
    if (v->shared)
        json_shared(x, v);
    for (uint32_t i = 0; i < x->p->n_copies; i++)
        if (x->p->copies[i]->view == v)
            member("report", x->p->copies[i]->shown, b);
    if (v->state_ttl_us) {
        name("approximate", b);
        cu_buf_put_str(b, "true");
        member("state_ttl", cu_explain_us(v->state_ttl_us, x->a), b);
    }
    member_columns("key", v->schema, v->key, v->n_key, b);
    name("columns", b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < v->schema->n; i++) {
        comma(b);
        cu_buf_put_u8(b, '{');
        member("name", v->schema->fields[i].name, b);
        member("type", cu_type_name(v->schema->fields[i].type, type), b);
        cu_buf_put_u8(b, '}');
    }
    cu_buf_put_u8(b, ']');
    cu_node_print(v->root, &tree);
    cu_buf_put_u8(&tree, 0);
    member("operators", tree.data, b);
    cu_buf_free(&tree);
    name("stages", b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < x->stages->n; i++)
        if (x->stages->at[i]->view == v)
            json_stage(x, x->stages->at[i]);
    cu_buf_put_u8(b, ']');
    name("kept_elsewhere", b);
    cu_buf_put_u8(b, '[');
    cu_explain_twice(x, v, json_twice, x);
    cu_buf_put_str(b, "]}");
}

static void json_table(cu_explaining *x, const cu_table_def *t)
{
    cu_buf *b = x->out;
    uint16_t *kept;
    uint32_t n_kept;
    (void)cu_explain_kept(x, t, &kept, &n_kept);
    comma(b);
    cu_buf_put_u8(b, '{');
    member("table", t->name, b);
    member("server", cu_explain_wrapper(t->server->wrapper), b);
    member("topic", t->topic, b);
    member("mode", cu_explain_mode(t->mode), b);
    member_int("partitions", t->partitions > 0 ? t->partitions : 1, b);
    member_columns("key", t->schema, t->key, t->n_key, b);
    member_columns("decode_keeps", t->schema, kept, n_kept, b);
    cu_buf_put_u8(b, '}');
}

void cu_explain_json(cu_explaining *x)
{
    const cu_view_def *only = x->only;
    cu_buf *b = x->out;
    cu_buf_put_u8(b, '{');
    member("app", x->p->app, b);
    name("tables", b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < x->p->n_tables; i++)
        json_table(x, x->p->tables[i]);
    cu_buf_put_u8(b, ']');
    name("views", b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < x->p->n_views; i++)
        if (only == NULL || x->p->views[i] == only)
            json_view(x, x->p->views[i]);
    cu_buf_put_str(b, "]}\n");
}
