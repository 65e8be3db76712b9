/* Views: plain ones are remembered, materialized ones become a tree under a
 * MATERIALIZE node.
 *
 *     CREATE MATERIALIZED VIEW v AS q    materialize(bind(q))
 *     CREATE VIEW v WITH (shared) AS q   the same, without a topic
 *     INSERT INTO sink q                 the same, named sink_1, into sink
 *     COPY (q) TO 'f'                    the same as a bag, hidden
 *
 * The key of the rows that stay: the option primary_key, else the sink's key,
 * else what the binder derived.  Without any, rows that are only ever added
 * are published with null keys, a single row with the key {}, and a view
 * whose rows change is refused: its topic could not say which row went.  A
 * shared view has no topic: such rows are a bag.
 */
#include "processors/sql/bind.h"
#include "processors/sql/bind_node.h"
#include "processors/sql/ddl.h"

#include "rows/text.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

enum { MV = 1, PLAIN = 2, SHARED = 4 };

enum {
    V_TOPIC,
    V_PRIMARY_KEY,
    V_INTO,
    V_PARTITIONS,
    V_RETENTION,
    V_ON_ERROR,
    V_FORMAT,
    V_EMIT,
    V_EMIT_INTERVAL,
    V_ALLOWED_LATENESS,
    V_LATE,
    V_STATE_TTL,
    V_SHARED,
    V_LATER,
    N_VIEW = V_LATER + 3
};

static const cu_opt_spec specs[N_VIEW] = {
    [V_TOPIC] = {"topic", CU_OPT_TOPIC, MV, 0, 0, NULL},
    [V_PRIMARY_KEY] = {"primary_key", CU_OPT_NAMES, MV | SHARED, 0, 0, NULL},
    [V_INTO] = {"into", CU_OPT_TEXT, MV, 0, 0, "sink"},
    [V_PARTITIONS] = {"partitions", CU_OPT_INT, MV | SHARED, 0, 0, NULL},
    [V_RETENTION] = {"retention", CU_OPT_DURATION, MV | SHARED, 0, 0,
                     "30 days"},
    [V_ON_ERROR] = {"on_error", CU_OPT_WORD, MV | SHARED, 0,
                    "dead_letter | fail", NULL},
    [V_FORMAT] = {"format", CU_OPT_WORD, MV, 0, "json | avro", NULL},
    /* in the order of cu_emit */
    [V_EMIT] = {"emit", CU_OPT_WORD, MV | SHARED, 0,
                "changes | final | early_final", NULL},
    [V_EMIT_INTERVAL] = {"emit_interval", CU_OPT_DURATION, MV, 0, 0,
                         "1 second"},
    [V_ALLOWED_LATENESS] = {"allowed_lateness", CU_OPT_DELAY, MV | SHARED, 0, 0,
                            "1 minute"},
    [V_LATE] = {"late", CU_OPT_TOPIC, MV | SHARED, 0, 0, "bids.late"},
    [V_STATE_TTL] = {"state_ttl", CU_OPT_DURATION, MV | SHARED, 0, 0, "1 day"},
    [V_SHARED] = {"shared", CU_OPT_BOOL, PLAIN | SHARED, 0, 0, NULL},
    [V_LATER] = {"replication", CU_OPT_LATER, MV, 0, 0, 0},
    [V_LATER + 1] = {"registry", CU_OPT_LATER, MV, 0, 0, 0},
    [V_LATER + 2] = {"schema_file", CU_OPT_LATER, MV, 0, 0, 0},
};

/* --- plain views ---------------------------------------------------------- */

static bool names_fit(cu_sql *s, const cu_ast_stmt *st, uint32_t n)
{
    if (st->n_names <= n)
        return true;
    cu_sql_error(s, st->name_pos, STATE('4', '2', '6', '0', '1'), NULL,
                 "CREATE VIEW specifies more column names than columns");
    return false;
}

/* What it may not have is told apart from what nobody knows. */
static cu_ast_options of_shared(cu_sql *s, const cu_ast_options *given,
                                bool *good)
{
    cu_ast_options out = {0};
    out.at = cu_arena_calloc(s->arena, given->n + 1, sizeof *out.at);
    for (uint32_t i = 0; i < given->n; i++) {
        uint32_t k = 0;
        while (k < N_VIEW && (strcmp(specs[k].name, given->at[i].name) != 0 ||
                              specs[k].where & SHARED))
            k++;
        if (k == N_VIEW) {
            out.at[out.n++] = given->at[i];
            continue;
        }
        *good = false;
        cu_sql_error(s, given->at[i].pos, STATE('H', 'V', '0', '0', 'D'),
                     "CREATE MATERIALIZED VIEW publishes the rows of a view.",
                     "a shared view is not published: it has no option \"%s\"",
                     given->at[i].name);
    }
    return out;
}

static bool is_shared(const cu_ast_options *given)
{
    for (uint32_t i = 0; i < given->n; i++) {
        const cu_ast_option *o = &given->at[i];
        uint8_t b = 1;
        if (strcmp(o->name, "shared") == 0)
            return !o->value ||
                   (!cu_bool_in(cu_slice_of(o->value), &b, NULL) && b);
    }
    return false;
}

static bool kept_view(cu_sql *s, const cu_ast_stmt *st, bool shared);

bool cu_ddl_view(cu_sql *s, const cu_ast_stmt *st)
{
    if (is_shared(&st->options))
        return kept_view(s, st, true);
    bool skip;
    cu_bound bound = {0};
    cu_opt o[N_VIEW];
    if (!cu_ddl_new_name(s, st, &skip))
        return skip;
    bool good = cu_options_read(s, "a plain view", PLAIN, specs, N_VIEW,
                                &st->options, st->name_pos, o);
    uint32_t before = s->n_problems;
    if (cu_bind_select(s, st->select, false, &bound))
        good = names_fit(s, st, bound.node->schema->n) && good;
    else
        good = false;
    /* Known all the same when its query has problems: whoever reads it
     * reports the same ones, which are then told once. */
    if (!good && s->n_problems == before && !s->muted)
        return false;
    s->views = cu_sql_grow(s->arena, s->views, s->n_views, sizeof *s->views);
    s->views[s->n_views++] = (cu_sql_view){
        .name = st->name,
        .columns = st->names,
        .n_columns = st->n_names,
        .select = st->select,
        .shown = cu_arena_dup(s->arena, s->shown,
                              s->n_shown * sizeof *s->shown),
        .n_shown = s->n_shown,
    };
    return true;
}

/* --- keys ----------------------------------------------------------------- */

static bool key_of_names(cu_sql *s, const cu_opt *o, cu_view_def *v)
{
    const cu_schema *schema = v->schema;
    uint16_t *key = cu_arena_calloc(s->arena, o->n + 1, sizeof *key);
    const char **known = cu_arena_calloc(s->problem_arena, schema->n + 1,
                                         sizeof *known);
    for (uint32_t i = 0; i < schema->n; i++)
        known[i] = schema->fields[i].name;
    for (uint32_t i = 0; i < o->n; i++) {
        int at = cu_schema_find(schema, cu_slice_of(o->list[i]));
        bool twice = false;
        for (uint32_t k = 0; k < i; k++)
            twice = twice || key[k] == at;
        if (at < 0) {
            cu_sql_error(s, o->at->value_pos, STATE('4', '2', '7', '0', '3'),
                         cu_sql_nearest(s, o->list[i], known, schema->n),
                         "column \"%s\" named in primary_key does not exist",
                         o->list[i]);
            return false;
        }
        if (twice) {
            cu_sql_error(s, o->at->value_pos, STATE('4', '2', '7', '0', '1'),
                         NULL, "column \"%s\" appears twice in primary_key",
                         o->list[i]);
            return false;
        }
        key[i] = (uint16_t)at;
    }
    v->key = key;
    v->n_key = o->n;
    return true;
}

/* False: the rows change and nothing tells them apart. */
static bool derive_key(cu_view_def *v, const cu_node *n)
{
    const cu_table_def *sink = v->into;
    v->single = false;
    if (sink && sink->n_key) {
        v->key = sink->key;
        v->n_key = sink->n_key;
        return true;
    }
    v->key = n->key;
    v->n_key = n->n_key;
    v->single = n->single && !n->n_key;
    return v->n_key || v->single || n->append_only;
}

static cu_node *materialize(cu_sql *s, cu_view_def *v, cu_node *in, bool bag)
{
    in = cu_bind_prune(s, in);
    cu_node *m = cu_arena_calloc(s->arena, 1, sizeof *m);
    m->kind = CU_N_MATERIALIZE;
    m->pos = v->pos;
    m->schema = v->schema;
    m->n_inputs = 1;
    m->inputs = cu_arena_dup(s->arena, &in, sizeof in);
    m->append_only = in->append_only;
    m->time = in->time;
    m->windows = in->windows;
    m->single = v->single;
    m->key = v->key;
    m->n_key = v->n_key;
    m->materialize.view = v;
    m->materialize.bag = bag;
    cu_bind_number(m);
    return m;
}

/* --- columns -------------------------------------------------------------- */

/* The schema with the names of (a, b), each name once. */
static const cu_schema *named(cu_sql *s, const cu_ast_stmt *st,
                              const cu_schema *from)
{
    cu_schema *out = cu_schema_copy(s->arena, from);
    for (uint32_t i = 0; i < st->n_names && i < out->n; i++)
        out->fields[i].name = st->names[i];
    for (uint32_t i = 0; i < out->n; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(out->fields[i].name, out->fields[k].name) != 0)
                continue;
            cu_sql_error(s, st->name_pos, STATE('4', '2', '7', '0', '1'),
                         "Give each column a name of its own with AS.",
                         "column \"%s\" specified more than once",
                         out->fields[i].name);
            return NULL;
        }
    }
    return out;
}

/* --- sinks ---------------------------------------------------------------- */

static bool reads(void *ctx, cu_node *n)
{
    return n->kind != CU_N_SOURCE || n->source.table != ctx;
}

/* A view, or NULL. */
static const char *reader_of(const cu_sql *s, const cu_table_def *t)
{
    for (uint32_t i = 0; i < s->program->n_views; i++) {
        if (!cu_node_walk(s->program->views[i]->root, reads, (void *)t))
            return s->program->views[i]->name;
    }
    return NULL;
}

static cu_table_def *sink(cu_sql *s, const char *name, cu_pos pos)
{
    cu_program *p = s->program;
    cu_table_def *t = NULL;
    const char **known = cu_arena_calloc(s->problem_arena, p->n_tables + 1,
                                         sizeof *known);
    for (uint32_t i = 0; i < p->n_tables; i++) {
        known[i] = p->tables[i]->name;
        if (!strcmp(known[i], name))
            t = p->tables[i];
    }
    if (!t && cu_program_view(p, name)) {
        cu_sql_refuse(s, pos, "writing into view \"%s\"", name);
        return NULL;
    }
    if (!t) {
        cu_sql_error(s, pos, STATE('4', '2', 'P', '0', '1'),
                     cu_sql_nearest(s, name, known, p->n_tables),
                     "relation \"%s\" does not exist", name);
        return NULL;
    }
    cu_wrapper w = t->server->wrapper;
    if (t->letters ||
        (w != CU_W_KAFKA && w != CU_W_BLACKHOLE && w != CU_W_POSTGRES)) {
        cu_sql_refuse(s, pos, "writing into table \"%s\", which is collected,",
                      name);
        return NULL;
    }
    const char *reader = reader_of(s, t);
    if (reader) {
        cu_sql_refuse(s, pos,
                      "writing into table \"%s\", which view \"%s\" reads,",
                      name, reader);
        return NULL;
    }
    if (t->is_sink && t->n_key) {
        cu_sql_refuse(s, pos, "a second writer into \"%s\", which has a key,",
                      name);
        return NULL;
    }
    return t;
}

/* The sink's column that the view's i-th one fills; -1 after a problem. */
static int target_of(cu_sql *s, const cu_ast_stmt *st, const cu_table_def *t,
                     uint32_t i)
{
    if (!st->n_names)
        return (int)i;
    int at = cu_schema_find(t->schema, cu_slice_of(st->names[i]));
    if (at < 0)
        cu_sql_error(s, st->name_pos, STATE('4', '2', '7', '0', '3'), NULL,
                     "column \"%s\" of relation \"%s\" does not exist",
                     st->names[i], t->name);
    return at;
}

static bool counts_fit(cu_sql *s, const cu_ast_stmt *st, uint32_t n,
                       uint32_t n_targets)
{
    if (n == n_targets || (n < n_targets && !st->n_names))
        return true;
    cu_sql_error(s, st->name_pos, STATE('4', '2', '6', '0', '1'), NULL,
                 n > n_targets
                     ? "INSERT has more expressions than target columns"
                     : "INSERT has more target columns than expressions");
    return false;
}

/* The query's columns as the sink's: names, order and types. */
static cu_node *as_sink(cu_sql *s, const cu_ast_stmt *st, cu_node *in,
                        const cu_table_def *t)
{
    uint32_t n = t->schema->n;
    uint32_t n_targets = st->n_names ? st->n_names : n;
    cu_expr **exprs = cu_arena_calloc(s->arena, n + 1, sizeof(void *));
    const char **names = cu_arena_calloc(s->arena, n + 1, sizeof *names);
    if (!counts_fit(s, st, in->schema->n, n_targets))
        return NULL;
    for (uint32_t i = 0; i < in->schema->n; i++) {
        const cu_field *from = &in->schema->fields[i];
        int at = target_of(s, st, t, i);
        if (at < 0)
            return NULL;
        cu_type type = t->schema->fields[at].type;
        cu_expr *e = cu_expr_col(s->arena, i, from->type, st->name_pos);
        cu_err err = {0};
        if (cu_expr_cast(s->arena, e, type, CU_CAST_ASSIGNMENT, &exprs[at],
                         &err)) {
            char have[64], want[64];
            cu_sql_error(s, st->name_pos, STATE('4', '2', '8', '0', '4'),
                         "You will need to cast the expression.",
                         "column \"%s\" is of type %s but expression is of "
                         "type %s",
                         t->schema->fields[at].name, cu_type_name(type, want),
                         cu_type_name(from->type, have));
            return NULL;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        cu_value null = {.type = t->schema->fields[i].type, .null = true};
        names[i] = t->schema->fields[i].name;
        if (!exprs[i])
            exprs[i] = cu_expr_const(s->arena, &null, st->name_pos);
    }
    return cu_node_project(s, in, exprs, names, n);
}

/* --- materialized views --------------------------------------------------- */

static void add_view(cu_sql *s, cu_view_def *v)
{
    cu_program *p = s->program;
    v->index = p->n_views;
    p->views = cu_sql_grow(s->arena, p->views, p->n_views, sizeof *p->views);
    p->views[p->n_views++] = v;
}

static bool no_key(cu_sql *s, const cu_view_def *v)
{
    const char *hint =
        v->into ? "Mark the sink's key with PRIMARY KEY or OPTIONS (key "
                  "'true')."
                : "add primary_key: WITH (primary_key = 'a, b'), the columns "
                  "that identify a row.";
    cu_sql_error(s, v->pos, STATE('4', '2', 'P', '1', '6'), hint,
                 "the rows of \"%s\" change, but no key can be derived for "
                 "them",
                 v->name);
    return false;
}

/* Nothing comes back from a black hole, and what is written is not read. */
static bool no_hole(void *ctx, cu_node *n)
{
    if (n->kind != CU_N_SOURCE || n->source.table->letters)
        return true;
    cu_wrapper w = n->source.table->server->wrapper;
    if (w != CU_W_BLACKHOLE && w != CU_W_POSTGRES)
        return true;
    cu_sql_refuse(ctx, n->pos, "reading from %s table \"%s\"",
                  w == CU_W_POSTGRES ? "postgres" : "blackhole",
                  n->source.table->name);
    return false;
}

static bool finish_view(cu_sql *s, const cu_ast_stmt *st, cu_view_def *v,
                        cu_node *in, const cu_opt *primary_key)
{
    if (!cu_node_walk(in, no_hole, s))
        return false;
    v->schema = named(s, st, in->schema);
    if (!v->schema)
        return false;
    bool hole = v->into && v->into->server->wrapper == CU_W_BLACKHOLE;
    if (v->into && !cu_ddl_writable(s, v, in))
        return false;
    bool keyed = true;
    if (primary_key && primary_key->at && cu_view_is_loaded(v) &&
        v->into->n_key) {
        cu_sql_error(s, primary_key->at->pos, STATE('4', '2', 'P', '1', '6'),
                     NULL,
                     "a view that feeds a table with a key has that key: leave "
                     "\"primary_key\" away");
        return false;
    }
    if (primary_key && primary_key->at) {
        if (!key_of_names(s, primary_key, v))
            return false;
    } else {
        keyed = derive_key(v, in);
        if (!keyed && !hole && !v->shared)
            return no_key(s, v);
    }
    v->root = materialize(s, v, in, !keyed);
    add_view(s, v);
    return true;
}

static bool view_options(cu_sql *s, const cu_ast_stmt *st, cu_view_def *v,
                         cu_opt *o)
{
    bool good = true;
    cu_ast_options given = v->shared ? of_shared(s, &st->options, &good)
                                     : st->options;
    good = cu_options_read(s,
                           v->shared ? "a shared view" : "a materialized view",
                           v->shared ? SHARED : MV, specs, N_VIEW, &given,
                           st->name_pos, o) &&
           good;
    if (o[V_PARTITIONS].at &&
        (o[V_PARTITIONS].i < 1 || o[V_PARTITIONS].i > 10000)) {
        cu_option_bad(s, &o[V_PARTITIONS],
                      "Expected a number from 1 to 10000.");
        good = false;
    }
    v->partitions = (int32_t)cu_option_int(&o[V_PARTITIONS], 0);
    v->on_error = (cu_on_error)cu_option_int(&o[V_ON_ERROR], 0);
    v->format = cu_option_int(&o[V_FORMAT], 0) ? CU_FORMAT_AVRO
                                               : CU_FORMAT_JSON;
    cu_ddl_view_time(v, &o[V_EMIT], &o[V_EMIT_INTERVAL],
                     &o[V_ALLOWED_LATENESS]);
    if (!v->shared || v->emit != CU_EMIT_EARLY_FINAL)
        return good;
    cu_sql_error(s, o[V_EMIT].at->value_pos, STATE('4', '2', 'P', '1', '6'),
                 "Write it where the rows are published: in the views that "
                 "read this one.",
                 "emit = 'early_final' marks records of a topic, and a shared "
                 "view has none");
    return false;
}

static bool sink_topic_fits(cu_sql *s, const cu_table_def *to,
                            const cu_opt *topic)
{
    if (!topic->at || to->server->wrapper == CU_W_POSTGRES)
        return true;
    cu_sql_error(s, topic->at->pos, STATE('4', '2', 'P', '1', '6'), NULL,
                 "a view that feeds a sink has the sink's topic: leave "
                 "\"topic\" away");
    return false;
}

/* The default topic is <app>.<view>; `topic` may be NULL. */
static bool view_topic(cu_sql *s, cu_view_def *v, const cu_opt *topic)
{
    if (v->shared || (v->into && !cu_view_is_loaded(v)))
        return true;
    v->topic = topic && topic->at ? topic->text
                                  : cu_arena_printf(s->arena, "%s.%s",
                                                    s->program->app, v->name);
    if (cu_topic_ok(v->topic))
        return true;
    cu_sql_error(s, v->pos, STATE('4', '2', '6', '0', '2'),
                 "Add the option topic.", "topic name \"%s\" is too long",
                 v->topic);
    return false;
}

static cu_view_def *new_view(cu_sql *s, const char *name, cu_pos pos)
{
    cu_view_def *v = cu_arena_calloc(s->arena, 1, sizeof *v);
    v->name = name;
    v->pos = pos;
    v->has_topic = true;
    v->format = CU_FORMAT_JSON;
    return v;
}

static bool kept_view(cu_sql *s, const cu_ast_stmt *st, bool shared)
{
    bool skip;
    cu_bound bound = {0};
    cu_opt o[N_VIEW];
    if (!cu_ddl_new_name(s, st, &skip))
        return skip;
    cu_view_def *v = new_view(s, st->name, st->name_pos);
    v->shared = shared;
    v->has_topic = !shared;
    bool good = view_options(s, st, v, o);
    cu_table_def *to = NULL;
    if (o[V_INTO].at) {
        to = sink(s, o[V_INTO].text, o[V_INTO].at->value_pos);
        good = to && sink_topic_fits(s, to, &o[V_TOPIC]) && good;
    }
    s->time = (cu_sql_time){v->emit, o[V_ALLOWED_LATENESS].at != NULL,
                            v->allowed_lateness_us};
    good = cu_bind_select(s, st->select, false, &bound) && good;
    s->time = (cu_sql_time){0};
    if (!good || !names_fit(s, st, bound.node->schema->n))
        return false;
    v->into = to;
    cu_node *in = cu_ddl_emit(s, v, bound.node, &o[V_EMIT]);
    cu_ast_stmt bare = *st;
    if (in && to) {
        bare.n_names = 0; /* by position; the sink's names win */
        in = as_sink(s, &bare, in, to);
    }
    if (!in || !view_topic(s, v, &o[V_TOPIC]) ||
        !cu_ddl_late(s, v, in, &o[V_LATE], &o[V_ALLOWED_LATENESS]) ||
        !cu_ddl_retention(s, v, in, &o[V_RETENTION]) ||
        !finish_view(s, &bare, v, in, &o[V_PRIMARY_KEY]) ||
        !cu_ddl_ttl(s, v, &o[V_STATE_TTL]))
        return false;
    if (to)
        to->is_sink = true;
    return true;
}

bool cu_ddl_materialized_view(cu_sql *s, const cu_ast_stmt *st)
{
    return kept_view(s, st, false);
}

bool cu_ddl_insert(cu_sql *s, const cu_ast_stmt *st)
{
    cu_bound bound = {0};
    cu_table_def *to = sink(s, st->name, st->name_pos);
    bool good = cu_bind_select(s, st->select, false, &bound);
    if (!to || !good)
        return true; /* the sink itself is not at fault */
    const char *name;
    uint32_t n = 1;
    do
        name = cu_arena_printf(s->arena, "%s_%u", st->name, n++);
    while (cu_program_view(s->program, name) ||
           cu_program_table(s->program, name));
    cu_view_def *v = new_view(s, name, st->name_pos);
    v->into = to;
    cu_node *in = as_sink(s, st, bound.node, to);
    cu_ast_stmt bare = *st;
    bare.n_names = 0;
    if (in && view_topic(s, v, NULL) && finish_view(s, &bare, v, in, NULL))
        to->is_sink = true;
    return true;
}

cu_view_def *cu_ddl_hidden_view(cu_sql *s, const char *name, cu_pos pos,
                                const cu_ast_select *select, cu_bound *bound)
{
    *bound = (cu_bound){0};
    if (!cu_bind_select(s, select, true, bound) ||
        !cu_node_walk(bound->node, no_hole, s))
        return NULL;
    cu_view_def *v = new_view(s, name, pos);
    v->has_topic = false;
    v->schema = bound->node->schema;
    v->root = materialize(s, v, bound->node, true);
    add_view(s, v);
    return v;
}

/* --- tables that are only judged ------------------------------------------ */

/* Rows of t WHERE false. */
static void add_judge(cu_sql *s, const cu_table_def *t, cu_pos pos)
{
    cu_value no = {.type = CU_TYPE(CU_T_BOOL), .b = false};
    cu_node *n = cu_node_source(s, t, pos);
    n = n->kind == CU_N_NORMALIZE ? n->inputs[0] : n;
    n = cu_node_filter(s, n, cu_expr_const(s->arena, &no, pos));
    const char *name = t->name;
    while (cu_program_view(s->program, name) ||
           cu_program_table(s->program, name))
        name = cu_arena_printf(s->arena, "%s_judged", name);
    cu_view_def *v = new_view(s, name, pos);
    v->has_topic = false;
    v->only_judges = true;
    v->schema = n->schema;
    v->root = materialize(s, v, n, true);
    add_view(s, v);
}

void cu_ddl_judges(cu_sql *s)
{
    const cu_program *p = s->program;
    for (uint32_t i = 0; i < p->n_tables; i++) {
        const cu_table_def *of = p->tables[i];
        const cu_table_def *t = of->letters == CU_LETTERS_DEAD
                                    ? cu_program_table(p, of->letters_of)
                                    : NULL;
        if (t && !t->is_sink && t->topic && !reader_of(s, t))
            add_judge(s, t, of->pos);
    }
}
