/* cupel explain: what would run, and why like this.
 *
 * Touches no broker and no folder: a topic of somebody else has as many
 * partitions as the option says, or 1, and explain says so.
 */
#include "ops/cli.h"

#include "processors/operators/op.h"
#include "rows/json.h"

typedef struct explaining {
    cu_cmd *c;
    const cu_program *p;
    const cu_stages *stages;
    cu_buf *out;
} explaining;

static const char *modes[] = {"append", "upsert", "changelog", "snapshot"};

static const char *wrapper_name(cu_wrapper w)
{
    static const char *const names[] = {"kafka", "http", "files", "blackhole",
                                        "postgres"};
    return names[w];
}

/* --- what stands in a state table ------------------------------------------
 */

typedef struct tables {
    const cu_node *at[64];
    uint32_t n;
} tables;

static bool stateful(const cu_node *n)
{
    switch (n->kind) {
    case CU_N_AGGREGATE:
    case CU_N_RANK:
    case CU_N_NORMALIZE:
        return true;
    case CU_N_MATERIALIZE:
        return !n->append_only || n->n_key || n->materialize.bag;
    default:
        return false;
    }
}

static bool note_table(void *ctx, cu_node *n)
{
    tables *t = ctx;
    if (stateful(n) && t->n < 64)
        t->at[t->n++] = n;
    return true;
}

static void columns(const cu_schema *s, const uint16_t *cols, uint32_t n,
                    cu_buf *out)
{
    for (uint32_t i = 0; i < n; i++)
        cu_buf_printf(out, "%s%s", i ? ", " : "", s->fields[cols[i]].name);
}

static void state_key(const cu_node *n, cu_buf *out)
{
    if (n->kind == CU_N_AGGREGATE)
        columns(n->inputs[0]->schema, n->aggregate.group, n->aggregate.n_group,
                out);
    else if (n->kind == CU_N_RANK)
        columns(n->inputs[0]->schema, n->rank.partition, n->rank.n_partition,
                out);
    else if (n->kind == CU_N_NORMALIZE)
        columns(n->schema, n->normalize.table->key, n->normalize.table->n_key,
                out);
    else
        columns(n->schema, n->key, n->n_key, out);
}

/* --- text ------------------------------------------------------------------
 */

static void indented(const char *text, size_t len, const char *by, cu_buf *out)
{
    for (size_t at = 0; at < len;) {
        const char *nl = memchr(text + at, '\n', len - at);
        size_t n = nl ? (size_t)(nl - text) - at : len - at;
        cu_buf_put_str(out, by);
        cu_buf_put(out, text + at, n);
        cu_buf_put_u8(out, '\n');
        at += n + 1;
    }
}

static void put_table(const cu_table_def *t, cu_buf *out)
{
    cu_buf_printf(out, "table %s  (%s", t->name,
                  wrapper_name(t->server->wrapper));
    if (t->topic)
        cu_buf_printf(out, ", topic %s", t->topic);
    cu_buf_printf(out, ", %s", modes[t->mode]);
    if (t->n_key) {
        cu_buf_put_str(out, ", key ");
        columns(t->schema, t->key, t->n_key, out);
    }
    cu_buf_put_str(out, ")\n");
    int32_t n = t->partitions > 0 ? t->partitions : 1;
    if (t->topic && t->partitions <= 0 && t->server->wrapper == CU_W_KAFKA &&
        !t->is_sink)
        cu_buf_put_str(out, "  partitions: 1 assumed; the topic's own count "
                            "holds when it runs\n");
    else if (t->topic)
        cu_buf_printf(out, "  partitions: %d\n", (int)n);
    if (t->watermark_col >= 0)
        cu_buf_printf(out, "  watermark: %s - %lld ms\n",
                      t->schema->fields[t->watermark_col].name,
                      (long long)(t->watermark_delay_us / 1000));
    for (uint32_t i = 0; i < t->n_checks; i++)
        cu_buf_printf(out, "  check %s: %s\n", t->checks[i].name,
                      t->checks[i].text);
}

static void put_feeds(const cu_stage *s, cu_buf *out)
{
    for (uint32_t i = 0; i < s->n_feeds; i++) {
        const cu_feed *f = &s->feeds[i];
        if (f->kind == CU_FEED_TABLE)
            cu_buf_printf(out, "    reads topic %s (table %s)\n", f->topic,
                          f->table->name);
        else if (f->kind == CU_FEED_STAGE)
            cu_buf_printf(out, "    reads stage %s, in memory\n",
                          f->stage->name);
        else
            cu_buf_printf(out, "    reads topic %s (exchange of stage %s)\n",
                          f->topic, f->stage->name);
    }
}

static void put_stage(const cu_stage *s, cu_buf *out)
{
    cu_buf_printf(out, "  stage %s, %d task%s\n", s->name, (int)s->partitions,
                  s->partitions == 1 ? "" : "s");
    put_feeds(s, out);
    if (s->exchange_topic) {
        cu_buf_printf(out, "    exchange to topic %s, %d partition%s by (",
                      s->exchange_topic, (int)s->exchange_partitions,
                      s->exchange_partitions == 1 ? "" : "s");
        columns(s->root->schema, s->exchange_cols, s->n_exchange_cols, out);
        cu_buf_printf(out, ")\n      because %s\n", s->exchange_why);
    }
    tables t = {0};
    cu_node_walk((cu_node *)s->root, note_table, &t);
    for (uint32_t i = 0; i < t.n; i++) {
        cu_buf_printf(out, "    state table %u: %s by (",
                      cu_node_state_table(t.at[i], 0),
                      cu_node_kind_name(t.at[i]->kind));
        state_key(t.at[i], out);
        cu_buf_put_str(out, ")\n");
    }
    if (t.n)
        cu_buf_printf(out, "    changelog %s (on Kafka)\n", s->changelog);
}

static const char *topic_of(const cu_view_def *v)
{
    return v->into ? v->into->topic : v->topic;
}

static void put_view(explaining *x, const cu_view_def *v)
{
    cu_buf *out = x->out, tree = {0};
    const cu_copy_def *copy = NULL;
    for (uint32_t i = 0; i < x->p->n_copies; i++)
        if (x->p->copies[i]->view == v)
            copy = x->p->copies[i];
    if (copy)
        cu_buf_printf(out, "report %s\n", copy->shown);
    else
        cu_buf_printf(out, "view %s\n", v->name);
    if (v->into && v->into->topic == NULL)
        cu_buf_printf(out, "  writes into %s: rows are counted and dropped\n",
                      v->into->name);
    else if (v->has_topic && topic_of(v)) {
        cu_buf_printf(out, "  publishes topic %s, %s, key (", topic_of(v),
                      v->format == CU_FORMAT_AVRO ? "avro" : "json");
        columns(v->schema, v->key, v->n_key, out);
        cu_buf_printf(out, ")%s\n",
                      v->n_key || v->single ? "" : ": append-only, null keys");
    }
    cu_buf_put_str(out, "  operators\n");
    cu_node_print(v->root, &tree);
    indented(tree.data, tree.len, "    ", out);
    cu_buf_free(&tree);
    for (uint32_t i = 0; i < x->stages->n; i++)
        if (x->stages->at[i]->view == v)
            put_stage(x->stages->at[i], out);
    cu_buf_put_u8(out, '\n');
}

static void text(explaining *x, const cu_view_def *only)
{
    if (only == NULL) {
        cu_buf_printf(x->out, "app %s, consumer group %s\n\n", x->p->app,
                      x->p->app);
        for (uint32_t i = 0; i < x->p->n_tables; i++)
            put_table(x->p->tables[i], x->out);
        if (x->p->n_tables)
            cu_buf_put_u8(x->out, '\n');
    }
    for (uint32_t i = 0; i < x->p->n_views; i++)
        if (only == NULL || x->p->views[i] == only)
            put_view(x, x->p->views[i]);
}

/* --- JSON ------------------------------------------------------------------
 */

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

static void json_state(const cu_stage *s, cu_buf *b)
{
    tables t = {0};
    cu_node_walk((cu_node *)s->root, note_table, &t);
    name("state_tables", b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < t.n; i++) {
        cu_buf key = {0};
        comma(b);
        cu_buf_put_u8(b, '{');
        member_int("table", cu_node_state_table(t.at[i], 0), b);
        member("operator", cu_node_kind_name(t.at[i]->kind), b);
        state_key(t.at[i], &key);
        cu_buf_put_u8(&key, 0);
        member("by", key.data, b);
        cu_buf_free(&key);
        cu_buf_put_u8(b, '}');
    }
    cu_buf_put_u8(b, ']');
}

static void json_stage(const cu_stage *s, cu_buf *b)
{
    comma(b);
    cu_buf_put_u8(b, '{');
    member("stage", s->name, b);
    member_int("partitions", s->partitions, b);
    name("feeds", b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < s->n_feeds; i++)
        json_feed(&s->feeds[i], b);
    cu_buf_put_u8(b, ']');
    json_state(s, b);
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

static void json_view(explaining *x, const cu_view_def *v)
{
    cu_buf *b = x->out, tree = {0};
    char type[64];
    comma(b);
    cu_buf_put_u8(b, '{');
    member("view", v->name, b);
    member("topic", v->has_topic ? topic_of(v) : NULL, b);
    for (uint32_t i = 0; i < x->p->n_copies; i++)
        if (x->p->copies[i]->view == v)
            member("report", x->p->copies[i]->shown, b);
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
            json_stage(x->stages->at[i], b);
    cu_buf_put_str(b, "]}");
}

static void json_table(const cu_table_def *t, cu_buf *b)
{
    comma(b);
    cu_buf_put_u8(b, '{');
    member("table", t->name, b);
    member("server", wrapper_name(t->server->wrapper), b);
    member("topic", t->topic, b);
    member("mode", modes[t->mode], b);
    member_int("partitions", t->partitions > 0 ? t->partitions : 1, b);
    member_columns("key", t->schema, t->key, t->n_key, b);
    cu_buf_put_u8(b, '}');
}

static void json(explaining *x, const cu_view_def *only)
{
    cu_buf *b = x->out;
    cu_buf_put_u8(b, '{');
    member("app", x->p->app, b);
    name("tables", b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < x->p->n_tables; i++)
        json_table(x->p->tables[i], b);
    cu_buf_put_u8(b, ']');
    name("views", b);
    cu_buf_put_u8(b, '[');
    for (uint32_t i = 0; i < x->p->n_views; i++)
        if (only == NULL || x->p->views[i] == only)
            json_view(x, x->p->views[i]);
    cu_buf_put_str(b, "]}\n");
}

/* --- the command -----------------------------------------------------------
 */

static int no_view(cu_cmd *c, const cu_program *p, const char *wanted)
{
    const char *best = NULL;
    size_t least = strlen(wanted) / 3 + 2;
    for (uint32_t i = 0; i < p->n_views; i++) {
        size_t d = cu_edit_distance(wanted, p->views[i]->name);
        if (p->views[i]->has_topic && d < least) {
            least = d;
            best = p->views[i]->name;
        }
    }
    if (best)
        return cu_usage(c, "there is no view \"%s\"; did you mean %s?", wanted,
                        best);
    return cu_usage(c, "there is no view \"%s\"", wanted);
}

static int explain(cu_cmd *c, cu_program *p, const char *wanted)
{
    cu_app app = {.program = p, .name = p->app};
    cu_buf out = {0};
    cu_err err = {0};
    explaining x = {.c = c, .p = p, .out = &out};
    const cu_view_def *only = wanted ? cu_program_view(p, wanted) : NULL;
    if (wanted && only == NULL)
        return no_view(c, p, wanted);
    if (cu_app_stages(c, &app, &x.stages, &err))
        return cu_tell(c, &err);
    if (c->o.output == CU_OUT_JSON || c->o.output == CU_OUT_JSONL)
        json(&x, only);
    else
        text(&x, only);
    c->out->write(c->out->ctx, 1, cu_buf_slice(&out));
    cu_buf_free(&out);
    return 0;
}

int cu_cmd_explain(cu_cmd *c)
{
    cu_program *p;
    uint32_t n_paths;
    int rc = cu_app_compile(c, &p, &n_paths);
    if (rc)
        return rc;
    if (c->n_words > n_paths + 1)
        rc = cu_usage(c, "explain takes one view behind the path");
    else
        rc = explain(c, p, c->n_words > n_paths ? c->words[n_paths] : NULL);
    cu_program_free(p);
    return rc;
}
