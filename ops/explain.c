/* cupel explain: what would run, and why like this.
 *
 * Touches no broker and no folder: a topic of somebody else has as many
 * partitions as the option says, or 1, and explain says so.
 */
#include "ops/explain.h"

#include "processors/plan/needed.h"

const char *cu_explain_mode(cu_table_mode m)
{
    static const char *const names[] = {"append", "upsert", "changelog",
                                        "snapshot"};
    return names[m];
}

const char *cu_explain_wrapper(cu_wrapper w)
{
    static const char *const names[] = {"kafka", "http", "files", "blackhole",
                                        "postgres"};
    return names[w];
}

void cu_explain_columns(const cu_schema *s, const uint16_t *cols, uint32_t n,
                        cu_buf *out)
{
    for (uint32_t i = 0; i < n; i++)
        cu_buf_printf(out, "%s%s", i ? ", " : "", s->fields[cols[i]].name);
}

bool cu_explain_kept(cu_explaining *x, const cu_table_def *t, uint16_t **cols,
                     uint32_t *n)
{
    bool read = false;
    for (uint32_t i = 0; i < x->stages->n; i++)
        for (uint32_t k = 0; k < x->stages->at[i]->n_feeds; k++)
            read = read || x->stages->at[i]->feeds[k].table == t;
    bool *needed = cu_arena_calloc(x->a, t->schema->n, sizeof(*needed));
    *cols = cu_arena_calloc(x->a, t->schema->n, sizeof(**cols));
    *n = 0;
    if (!read)
        return false;
    (void)cu_needed_columns(x->stages, t, needed);
    for (uint32_t i = 0; i < t->schema->n; i++)
        if (needed[i])
            (*cols)[(*n)++] = (uint16_t)i;
    return true;
}

/* --- text ----------------------------------------------------------------- */

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

static void put_kept(cu_explaining *x, const cu_table_def *t)
{
    uint16_t *cols;
    uint32_t n, of = t->schema->n;
    if (!cu_explain_kept(x, t, &cols, &n))
        return;
    cu_buf_printf(x->out, "  decode keeps %u of %u column%s%s", n, of,
                  of == 1 ? "" : "s", n ? ": " : "");
    cu_explain_columns(t->schema, cols, n, x->out);
    cu_buf_put_u8(x->out, '\n');
}

static void put_table(cu_explaining *x, const cu_table_def *t)
{
    cu_buf *out = x->out;
    cu_buf_printf(out, "table %s  (%s", t->name,
                  cu_explain_wrapper(t->server->wrapper));
    if (t->topic)
        cu_buf_printf(out, ", topic %s", t->topic);
    cu_buf_printf(out, ", %s", cu_explain_mode(t->mode));
    if (t->n_key) {
        cu_buf_put_str(out, ", key ");
        cu_explain_columns(t->schema, t->key, t->n_key, out);
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
    put_kept(x, t);
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

typedef struct telling {
    cu_buf *out;
    uint32_t n;
} telling;

static void tell_state(void *ctx, const cu_state_note *s)
{
    telling *t = ctx;
    t->n++;
    cu_buf_printf(t->out, "    state table %u: %s", s->table,
                  cu_node_kind_name(s->node->kind));
    if (s->by[0])
        cu_buf_printf(t->out, " by (%s)", s->by);
    cu_buf_printf(t->out, ": %s\n      about %lld bytes a %s, %s\n", s->holds,
                  (long long)s->bytes, s->per, s->until);
}

static void tell_notice(void *ctx, const cu_state_note *s)
{
    telling *t = ctx;
    if (s->notice)
        cu_buf_printf(t->out, "    notice: %s %s\n",
                      cu_node_kind_name(s->node->kind), s->notice);
}

static void put_stage(cu_explaining *x, const cu_stage *s)
{
    cu_buf *out = x->out;
    cu_buf_printf(out, "  stage %s, %d task%s\n", s->name, (int)s->partitions,
                  s->partitions == 1 ? "" : "s");
    put_feeds(s, out);
    if (s->exchange_topic) {
        cu_buf_printf(out, "    exchange to topic %s, %d partition%s by (",
                      s->exchange_topic, (int)s->exchange_partitions,
                      s->exchange_partitions == 1 ? "" : "s");
        cu_explain_columns(s->root->schema, s->exchange_cols,
                           s->n_exchange_cols, out);
        cu_buf_printf(out, ")\n      because %s\n", s->exchange_why);
    }
    telling t = {out, 0};
    cu_explain_states(s, x->a, tell_state, &t);
    if (t.n == 0)
        return;
    cu_buf_printf(out, "    changelog %s (on Kafka)\n", s->changelog);
    cu_explain_states(s, x->a, tell_notice, &t);
}

const char *cu_explain_topic(const cu_view_def *v)
{
    return cu_view_topic(v);
}

const char *cu_explain_name(const cu_explaining *x, const cu_view_def *v)
{
    for (uint32_t i = 0; i < x->p->n_copies; i++)
        if (x->p->copies[i]->view == v)
            return x->p->copies[i]->shown;
    return v->name;
}

const char **cu_explain_readers(const cu_explaining *x, const cu_view_def *v,
                                uint32_t *n)
{
    const cu_program *p = x->p;
    const char **names = cu_arena_calloc(x->a, p->n_views + 1, sizeof(*names));
    *n = 0;
    for (uint32_t i = 0; i < p->n_views; i++)
        if (cu_view_reads(p->views[i], v))
            names[(*n)++] = cu_explain_name(x, p->views[i]);
    return names;
}

static void put_readers(cu_explaining *x, const cu_view_def *v)
{
    uint32_t n;
    const char **names = cu_explain_readers(x, v, &n);
    cu_buf_put_str(x->out, n ? "  publishes nothing: shared by "
                             : "  publishes nothing, and nobody reads it");
    for (uint32_t i = 0; i < n; i++)
        cu_buf_printf(x->out, "%s%s",
                      i == 0      ? ""
                      : i + 1 < n ? ", "
                                  : " and ",
                      names[i]);
    cu_buf_put_u8(x->out, '\n');
    if (v->n_key || v->single) {
        cu_buf_put_str(x->out, "  key (");
        cu_explain_columns(v->schema, v->key, v->n_key, x->out);
        cu_buf_put_str(x->out, ")\n");
    } else {
        cu_buf_put_str(x->out, cu_view_keeps(v)
                                   ? "  no key: each row and how often\n"
                                   : "  no key: rows pass and are not kept\n");
    }
}

static void tell_twice(void *ctx, const cu_node *n, const cu_view_def *other)
{
    cu_explaining *x = ctx;
    cu_buf_printf(x->out,
                  "  notice: the %s over %s is kept for %s as well; CREATE "
                  "VIEW … WITH (shared)\n    would keep it once\n",
                  cu_node_kind_name(n->kind), cu_explain_origin(n, x->a),
                  cu_explain_name(x, other));
}

static void put_view(cu_explaining *x, const cu_view_def *v)
{
    cu_buf *out = x->out, tree = {0};
    const char *shown = cu_explain_name(x, v);
    cu_buf_printf(out, "%s %s\n",
                  v->shared          ? "shared view"
                  : shown == v->name ? "view"
                                     : "report",
                  shown);
    if (v->shared)
        put_readers(x, v);
    if (v->only_judges)
        cu_buf_put_str(out, "  has no rows: reads a table that only its "
                            "dead_letters() are asked of\n");
    if (v->into && cu_view_topic(v) == NULL)
        cu_buf_printf(out, "  writes into %s: rows are counted and dropped\n",
                      v->into->name);
    else if (v->has_topic && cu_explain_topic(v)) {
        cu_buf_printf(out, "  publishes topic %s, %s, key (",
                      cu_explain_topic(v),
                      v->format == CU_FORMAT_AVRO ? "avro" : "json");
        cu_explain_columns(v->schema, v->key, v->n_key, out);
        cu_buf_printf(out, ")%s\n",
                      v->n_key || v->single ? "" : ": append-only, null keys");
    }
    if (cu_view_is_loaded(v))
        cu_buf_printf(out, "  loads that topic into %s of server %s, mode %s\n",
                      v->into->remote, v->into->server->name,
                      v->into->write_mode);
    if (v->state_ttl_us)
        cu_buf_printf(out,
                      "  approximate: forgets what has not changed for %s "
                      "(state_ttl)\n",
                      cu_explain_us(v->state_ttl_us, x->a));
    cu_buf_put_str(out, "  operators\n");
    cu_node_print(v->root, &tree);
    indented(tree.data, tree.len, "    ", out);
    cu_buf_free(&tree);
    for (uint32_t i = 0; i < x->stages->n; i++)
        if (x->stages->at[i]->view == v)
            put_stage(x, x->stages->at[i]);
    cu_explain_twice(x, v, tell_twice, x);
    cu_buf_put_u8(out, '\n');
}

static void text(cu_explaining *x)
{
    const cu_view_def *only = x->only;
    if (only == NULL) {
        cu_buf_printf(x->out, "app %s, consumer group %s\n\n", x->p->app,
                      x->p->app);
        for (uint32_t i = 0; i < x->p->n_tables; i++)
            put_table(x, x->p->tables[i]);
        if (x->p->n_tables)
            cu_buf_put_u8(x->out, '\n');
    }
    for (uint32_t i = 0; i < x->p->n_views; i++)
        if (only == NULL || x->p->views[i] == only)
            put_view(x, x->p->views[i]);
}

/* --- the command ---------------------------------------------------------- */

static int no_view(cu_cmd *c, const cu_program *p, const char *wanted)
{
    const char *best = NULL;
    size_t least = strlen(wanted) / 3 + 2;
    for (uint32_t i = 0; i < p->n_views; i++) {
        size_t d = cu_edit_distance(wanted, p->views[i]->name);
        if (cu_view_is_named(p->views[i]) && d < least) {
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
    cu_explaining x = {.p = p, .out = &out};
    x.only = wanted ? cu_program_view(p, wanted) : NULL;
    if (wanted && x.only == NULL)
        return no_view(c, p, wanted);
    if (cu_app_stages(c, &app, &x.stages, &err))
        return cu_tell(c, &err);
    x.a = cu_arena_new(0);
    if (c->o.output == CU_OUT_JSON || c->o.output == CU_OUT_JSONL)
        cu_explain_json(&x);
    else
        text(&x);
    c->out->write(c->out->ctx, 1, cu_buf_slice(&out));
    cu_buf_free(&out);
    cu_arena_free(x.a);
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
