/* Places exchanges and cuts the views into stages.
 *
 * Bottom up, each subtree carries its *distribution*: how many partitions
 * its rows stand in, and which output columns decide the partition.  A
 * keyed operator (aggregate, rank, materialize) needs all rows of a key in
 * one partition: true with one partition, or when the deciding columns are a
 * non-empty subset of its key.  Otherwise the subtree ends as a stage of its
 * own that writes blocks to a repartition topic, and a leaf takes its place.
 *
 *   project(a, b+1)   deciding columns follow plain column references
 *   aggregate by a    output column 0 is a: still decided by it
 *   normalize         all records of a key stand in one partition already,
 * which somebody else has chosen: good for a GROUP BY, not for a join union
 * rows of equal counts stay where they are join on a = b     both sides decided
 * by the same key positions; the side that is not is exchanged to the other,
 * else both are
 *
 * A node with two parents (a decorrelated subquery and its outside) is placed
 * once: within a stage it is one operator with one state.
 */
#include "processors/plan/stage.h"

#include "base/assert.h"

typedef struct dist {
    int32_t partitions;
    uint32_t n; /* deciding columns; 0: not known */
    uint16_t *cols;
    bool foreign; /* by a function that is not ours: the records' own keys */
    bool all;     /* gathered: what is there is one task's */
} dist;

typedef struct placed {
    cu_node *node;
    dist where;
    cu_feed *feeds;
    uint32_t n_feeds;
} placed;

/* Nodes of a view that are placed already. */
typedef struct known {
    const cu_node *node;
    placed as;
    struct known *next;
} known;

typedef struct cutter {
    const cu_program *program;
    const int32_t *table_partitions;
    cu_layout layout;
    cu_arena *a;
    cu_stages *out;
    dist *view_dist; /* by view index */
    uint32_t cap;
    const cu_view_def *view; /* being cut */
    known *known;            /* of it */
    cu_err *err;
} cutter;

static int place(cutter *c, const cu_node *n, placed *out);

/* A topic of the layout: other partitions are other topics. */
static const char *internal(cutter *c, const char *stage, const char *what)
{
    if (c->layout.number == 0)
        return cu_arena_printf(c->a, "%s.%s.%s", c->program->app, stage, what);
    return cu_arena_printf(c->a, "%s.%s.%u.%s", c->program->app, stage,
                           c->layout.number, what);
}

static void add_stage(cutter *c, cu_stage *s)
{
    if (c->out->n == c->cap) {
        uint32_t cap = c->cap ? c->cap * 2 : 16;
        cu_stage **at = cu_arena_calloc(c->a, cap, sizeof(*at));
        if (c->out->n)
            memcpy(at, c->out->at, c->out->n * sizeof(*at));
        c->out->at = at;
        c->cap = cap;
    }
    s->index = c->out->n;
    s->hash = cu_node_hash(s->root) * 31 + (uint64_t)s->partitions;
    s->changelog = internal(c, s->name, "changelog");
    s->state_name = s->name;
    if (c->layout.number)
        s->state_name = cu_arena_printf(c->a, "%s\001%u", s->name,
                                        c->layout.number);
    c->out->at[c->out->n++] = s;
}

static bool name_taken(const cutter *c, const char *name)
{
    for (uint32_t i = 0; i < c->out->n; i++)
        if (strcmp(c->out->at[i]->name, name) == 0)
            return true;
    return false;
}

/* "view.by_author_year", "view.all": made of names only. */
static const char *exchange_name(cutter *c, const cu_schema *schema,
                                 const uint16_t *cols, uint32_t n)
{
    cu_buf b = {0};
    cu_buf_printf(&b, "%s.%s", c->view->name, n ? "by" : "all");
    for (uint32_t i = 0; i < n; i++)
        cu_buf_printf(&b, "_%s", schema->fields[cols[i]].name);
    for (size_t i = 0; i < b.len; i++) {
        char ch = b.data[i];
        bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                     (ch >= '0' && ch <= '9') || ch == '_' || ch == '.' ||
                     ch == '-';
        if (!plain)
            b.data[i] = '_';
    }
    char *name = cu_arena_strn(c->a, b.data, b.len);
    for (int again = 2; name_taken(c, name); again++)
        name = cu_arena_printf(c->a, "%.*s-%d", (int)b.len, b.data, again);
    cu_buf_free(&b);
    return name;
}

/* Ends `p` in an exchange; its place is taken by a leaf. */
static void exchange(cutter *c, placed *p, const uint16_t *cols, uint32_t n,
                     int32_t partitions, const char *why)
{
    cu_stage *s = cu_arena_calloc(c->a, 1, sizeof(*s));
    s->name = exchange_name(c, p->node->schema, cols, n);
    s->view = c->view;
    s->root = p->node;
    s->partitions = p->where.partitions;
    s->feeds = p->feeds;
    s->n_feeds = p->n_feeds;
    s->exchange_topic = internal(c, s->name, "repartition");
    s->exchange_partitions = partitions;
    s->n_exchange_cols = n;
    s->exchange_cols = n ? cu_arena_dup(c->a, cols, n * sizeof(*cols)) : NULL;
    s->exchange_why = why;
    add_stage(c, s);

    cu_node *leaf = cu_arena_calloc(c->a, 1, sizeof(*leaf));
    *leaf = *p->node;
    leaf->kind = CU_N_EXCHANGE;
    leaf->n_inputs = 0;
    leaf->inputs = NULL;
    leaf->exchange.n = n;
    leaf->exchange.cols = s->exchange_cols;
    cu_feed *f = cu_arena_calloc(c->a, 1, sizeof(*f));
    *f = (cu_feed){.kind = CU_FEED_EXCHANGE,
                   .leaf = leaf,
                   .stage = s,
                   .topic = s->exchange_topic};
    *p = (placed){
        .node = leaf,
        .where = {.partitions = partitions,
                  .n = n,
                  .cols = cu_arena_dup(c->a, cols ? cols : &(uint16_t){0},
                                       (n ? n : 1) * sizeof(*cols)),
                  .all = n == 0},
        .feeds = f,
        .n_feeds = 1};
}

static bool within(const dist *d, const uint16_t *cols, uint32_t n)
{
    if (d->n == 0)
        return false;
    for (uint32_t i = 0; i < d->n; i++) {
        bool in = false;
        for (uint32_t k = 0; k < n; k++)
            in = in || cols[k] == d->cols[i];
        if (!in)
            return false;
    }
    return true;
}

static bool decided_by(const dist *d, const uint16_t *cols, uint32_t n)
{
    return d->partitions == 1 || within(d, cols, n);
}

/* In how many partitions rows are that stood in so many. */
static int32_t target_of(const cutter *c, int32_t partitions)
{
    if (c->view->partitions > 0)
        return c->view->partitions;
    return c->layout.partitions > 0 ? c->layout.partitions : partitions;
}

/* One partition, as its input has it, where the app has more. */
static bool spreads(const cutter *c, const dist *d)
{
    return d->partitions == 1 && (d->n == 0 || d->foreign) && !d->all &&
           c->view->partitions == 0 && c->layout.partitions > 1;
}

/* All rows of a key in one partition; n == 0: all rows. */
static void gather_by(cutter *c, placed *p, const uint16_t *cols, uint32_t n,
                      const char *why)
{
    bool spread = n && spreads(c, &p->where) && !within(&p->where, cols, n);
    if (decided_by(&p->where, cols, n) && !spread)
        return;
    exchange(c, p, cols, n, n ? target_of(c, p->where.partitions) : 1, why);
}

/* Deciding columns after a projection, or none. */
static dist through_project(cutter *c, const dist *d, const cu_node *n)
{
    dist out = {.partitions = d->partitions};
    if (d->n == 0)
        return out;
    out.cols = cu_arena_calloc(c->a, d->n, sizeof(*out.cols));
    for (uint32_t i = 0; i < d->n; i++) {
        uint32_t k = 0;
        while (k < n->schema->n && !(n->project.exprs[k]->kind == CU_E_COL &&
                                     n->project.exprs[k]->col == d->cols[i]))
            k++;
        if (k == n->schema->n)
            return (dist){.partitions = d->partitions};
        out.cols[i] = (uint16_t)k;
    }
    out.n = d->n;
    out.foreign = d->foreign;
    return out;
}

static dist through_normalize(cutter *c, const dist *d, const cu_node *n)
{
    dist out = {.partitions = d->partitions, .n = n->n_key, .foreign = true};
    if (n->n_key)
        out.cols = cu_arena_dup(c->a, n->key, n->n_key * sizeof(*n->key));
    return out;
}

/* Deciding columns after GROUP BY: their place among the group columns. */
static dist through_group(cutter *c, const dist *d, const cu_node *n)
{
    dist out = {.partitions = d->partitions};
    if (d->n == 0)
        return out;
    out.cols = cu_arena_calloc(c->a, d->n, sizeof(*out.cols));
    for (uint32_t i = 0; i < d->n; i++)
        for (uint32_t k = 0; k < n->aggregate.n_group; k++)
            if (n->aggregate.group[k] == d->cols[i])
                out.cols[i] = (uint16_t)k;
    out.n = d->n;
    out.foreign = d->foreign;
    return out;
}

static void place_leaf(cutter *c, const cu_node *n, placed *out)
{
    cu_feed *f = cu_arena_calloc(c->a, 1, sizeof(*f));
    f->leaf = n;
    if (n->kind == CU_N_SOURCE) {
        const cu_table_def *t = n->source.table;
        f->kind = CU_FEED_TABLE;
        f->table = t;
        f->topic = t->topic;
        out->where.partitions = c->table_partitions[t->index];
    } else {
        f->kind = CU_FEED_STAGE;
        f->stage = cu_stages_of_view(c->out, n->view.view);
        CU_ASSERT(f->stage != NULL);
        out->where = c->view_dist[n->view.view->index];
    }
    out->feeds = f;
    out->n_feeds = 1;
}

static int place_inputs(cutter *c, const cu_node *n, placed *parts)
{
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        int rc = place(c, n->inputs[i], &parts[i]);
        if (rc)
            return rc;
    }
    return 0;
}

/* Union: bring all inputs to one partition count. */
static void place_union(cutter *c, const cu_node *n, placed *parts)
{
    int32_t most = 1;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (parts[i].where.partitions > most)
            most = parts[i].where.partitions;
    uint16_t *all = cu_arena_calloc(c->a, n->schema->n + 1, sizeof(*all));
    for (uint32_t k = 0; k < n->schema->n; k++)
        all[k] = (uint16_t)k;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (parts[i].where.partitions != most)
            exchange(c, &parts[i], all, n->schema->n, most,
                     "the inputs of UNION have different partition counts");
}

/* --- joins ---------------------------------------------------------------- */

/* Which key positions decide the side's partition, in order; false when it is
 * not decided by keys alone. */
static bool deciding_keys(const dist *d, const uint16_t *keys, uint32_t n_keys,
                          uint32_t *positions)
{
    for (uint32_t i = 0; i < d->n; i++) {
        uint32_t k = 0;
        while (k < n_keys && keys[k] != d->cols[i])
            k++;
        if (k == n_keys)
            return false;
        positions[i] = k;
    }
    return d->n > 0 && !d->foreign;
}

static void follow(cutter *c, placed *side, const uint16_t *keys,
                   const uint32_t *positions, uint32_t n, int32_t partitions)
{
    uint16_t *cols = cu_arena_calloc(c->a, n, sizeof(*cols));
    for (uint32_t i = 0; i < n; i++)
        cols[i] = keys[positions[i]];
    exchange(c, side, cols, n, partitions,
             "a join needs equal keys of both sides in one partition");
}

static bool together(const dist *l, const uint32_t *pl, const dist *r,
                     const uint32_t *pr)
{
    return l->partitions == r->partitions && l->n == r->n &&
           memcmp(pl, pr, l->n * sizeof(*pl)) == 0;
}

static void place_join(cutter *c, const cu_node *n, placed *parts)
{
    placed *l = &parts[0], *r = &parts[1];
    const char *all = "a join without keys needs all rows in one partition";
    uint32_t n_keys = n->join.n_keys;
    bool spread = n_keys && (spreads(c, &l->where) || spreads(c, &r->where));
    if (l->where.partitions == 1 && r->where.partitions == 1 && !spread)
        return;
    if (n_keys == 0) {
        gather_by(c, l, NULL, 0, all);
        gather_by(c, r, NULL, 0, all);
        return;
    }
    uint32_t *pl = cu_arena_calloc(c->a, l->where.n + 1, sizeof(*pl));
    uint32_t *pr = cu_arena_calloc(c->a, r->where.n + 1, sizeof(*pr));
    bool left = deciding_keys(&l->where, n->join.left, n_keys, pl);
    bool right = deciding_keys(&r->where, n->join.right, n_keys, pr);
    if (left && right && together(&l->where, pl, &r->where, pr))
        return;
    if (left && l->where.partitions >= r->where.partitions) {
        follow(c, r, n->join.right, pl, l->where.n, l->where.partitions);
        return;
    }
    if (right && r->where.partitions >= l->where.partitions) {
        follow(c, l, n->join.left, pr, r->where.n, r->where.partitions);
        return;
    }
    int32_t most = l->where.partitions > r->where.partitions
                       ? l->where.partitions
                       : r->where.partitions;
    most = target_of(c, most);
    uint32_t *every = cu_arena_calloc(c->a, n_keys, sizeof(*every));
    for (uint32_t i = 0; i < n_keys; i++)
        every[i] = i;
    follow(c, l, n->join.left, every, n_keys, most);
    follow(c, r, n->join.right, every, n_keys, most);
}

/* Columns of a side that may be NULL-extended decide nothing. */
static dist through_join(cutter *c, const cu_node *n, const placed *parts)
{
    const dist *l = &parts[0].where, *r = &parts[1].where;
    if (n->join.kind == CU_JOIN_FULL)
        return (dist){.partitions = l->partitions};
    if (n->join.kind != CU_JOIN_RIGHT)
        return *l;
    dist out = {r->partitions, r->n, NULL, r->foreign, r->all};
    out.cols = cu_arena_calloc(c->a, r->n + 1, sizeof(*out.cols));
    for (uint32_t i = 0; i < r->n; i++)
        out.cols[i] = (uint16_t)(r->cols[i] + parts[0].node->schema->n);
    return out;
}

static void place_keyed(cutter *c, const cu_node *n, placed *in)
{
    switch (n->kind) {
    case CU_N_AGGREGATE:
        gather_by(c, in, n->aggregate.group, n->aggregate.n_group,
                  n->aggregate.n_group
                      ? "GROUP BY needs all rows of a group in one partition"
                      : "an aggregate without GROUP BY is one row");
        break;
    case CU_N_RANK:
        gather_by(c, in, n->rank.partition, n->rank.n_partition,
                  "ranking needs all rows of a group in one partition");
        break;
    case CU_N_OVER:
        gather_by(c, in, n->over.partition, n->over.n_partition,
                  "window functions need all rows of PARTITION BY in one "
                  "partition");
        break;
    case CU_N_SESSION:
        gather_by(c, in, n->session.partition, n->session.n_partition,
                  "sessions need all rows of partition_by in one partition");
        break;
    case CU_N_HISTORY:
        gather_by(c, in, n->history.key, n->history.n_key,
                  "history() needs all versions of a key in one partition");
        break;
    case CU_N_SURROGATE:
        gather_by(c, in, NULL, 0,
                  "surrogate() numbers all rows in one sequence");
        break;
    case CU_N_MATERIALIZE:
        if (n->n_key)
            gather_by(c, in, n->key, n->n_key,
                      "the primary key needs all its rows in one partition");
        else if (!cu_view_is_named(n->materialize.view) &&
                 !n->materialize.view->only_judges)
            gather_by(c, in, NULL, 0, "a report is written by one task");
        break;
    default:
        break;
    }
}

static bool is_join(const cu_node *n)
{
    return n->kind == CU_N_JOIN || n->kind == CU_N_ASOF ||
           n->kind == CU_N_LOOKUP;
}

static dist through(cutter *c, const cu_node *n, const placed *in)
{
    switch (n->kind) {
    case CU_N_PROJECT:
        return through_project(c, &in->where, n);
    case CU_N_AGGREGATE:
        return through_group(c, &in->where, n);
    case CU_N_UNION:
        return (dist){.partitions = in->where.partitions};
    case CU_N_NORMALIZE:
        return through_normalize(c, &in->where, n);
    case CU_N_JOIN:
    case CU_N_ASOF:
    case CU_N_LOOKUP:
        return through_join(c, n, in);
    default:
        return in->where;
    }
}

static bool fed_by(const placed *p, const cu_node *leaf)
{
    for (uint32_t i = 0; i < p->n_feeds; i++)
        if (p->feeds[i].leaf == leaf)
            return true;
    return false;
}

static int place_new(cutter *c, const cu_node *n, placed *out);

static int place(cutter *c, const cu_node *n, placed *out)
{
    for (const known *k = c->known; k; k = k->next)
        if (k->node == n) {
            *out = k->as;
            return 0;
        }
    int rc = place_new(c, n, out);
    if (rc)
        return rc;
    known k = {n, *out, c->known};
    c->known = cu_arena_dup(c->a, &k, sizeof(k));
    return 0;
}

static int place_new(cutter *c, const cu_node *n, placed *out)
{
    *out = (placed){.where.partitions = 1};
    cu_node *copy = cu_arena_dup(c->a, n, sizeof(*n));
    out->node = copy;
    if (n->kind == CU_N_SOURCE || n->kind == CU_N_VIEW) {
        place_leaf(c, copy, out);
        return 0;
    }
    if (n->n_inputs == 0)
        return 0;
    placed *parts = cu_arena_calloc(c->a, n->n_inputs, sizeof(*parts));
    int rc = place_inputs(c, n, parts);
    if (rc)
        return rc;
    if (n->kind == CU_N_UNION)
        place_union(c, n, parts);
    else if (is_join(n))
        place_join(c, n, parts);
    else
        place_keyed(c, n, &parts[0]);
    copy->inputs = cu_arena_calloc(c->a, n->n_inputs, sizeof(cu_node *));
    uint32_t n_feeds = 0;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        copy->inputs[i] = parts[i].node;
        n_feeds += parts[i].n_feeds;
    }
    out->feeds = cu_arena_calloc(c->a, n_feeds ? n_feeds : 1, sizeof(cu_feed));
    for (uint32_t i = 0; i < n->n_inputs; i++)
        for (uint32_t k = 0; k < parts[i].n_feeds; k++)
            if (!fed_by(out, parts[i].feeds[k].leaf))
                out->feeds[out->n_feeds++] = parts[i].feeds[k];
    out->where = through(c, n, &parts[0]);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        out->where.all = out->where.partitions == 1 &&
                         (out->where.all || parts[i].where.all);
    return 0;
}

/* Row by row, whenever it is done. */
static bool is_mapping(const cu_node *n)
{
    if (n->kind == CU_N_FILTER)
        return !cu_expr_is_volatile(n->filter.predicate) &&
               !cu_expr_uses_clock(n->filter.predicate);
    for (uint32_t i = 0; n->kind == CU_N_PROJECT && i < n->schema->n; i++)
        if (cu_expr_is_volatile(n->project.exprs[i]) ||
            cu_expr_uses_clock(n->project.exprs[i]))
            return false;
    return n->kind == CU_N_PROJECT;
}

/* A report that maps the rows of one view, which the same task keeps: a copy
 * of them would be most of the work of the pipeline. */
static bool can_borrow(const cu_stage *s)
{
    const cu_node *n = s->root;
    if (!n->materialize.bag || s->view->shared || s->partitions != 1 ||
        s->n_feeds != 1 || s->feeds[0].kind != CU_FEED_STAGE)
        return false;
    for (n = n->inputs[0]; is_mapping(n);)
        n = n->inputs[0];
    if (n->kind != CU_N_VIEW || n->view.view->state_ttl_us)
        return false;
    const cu_node *kept = s->feeds[0].stage->root;
    return kept->n_key || kept->single;
}

bool cu_stage_keeps(const cu_stage *s)
{
    const cu_node *m = s->root;
    return s->exchange_topic == NULL &&
           (m->n_key || m->single || m->materialize.bag);
}

int cu_stages_cut(const cu_program *p, const int32_t *table_partitions,
                  cu_arena *a, cu_stages *out, cu_err *err)
{
    cu_layout first = {0};
    return cu_stages_lay(p, table_partitions, &first, a, out, err);
}

int cu_stages_lay(const cu_program *p, const int32_t *table_partitions,
                  const cu_layout *layout, cu_arena *a, cu_stages *out,
                  cu_err *err)
{
    *out = (cu_stages){0};
    cutter c = {.program = p,
                .table_partitions = table_partitions,
                .layout = *layout,
                .a = a,
                .out = out,
                .err = err};
    c.view_dist = cu_arena_calloc(a, p->n_views + 1, sizeof(*c.view_dist));
    for (uint32_t i = 0; i < p->n_views; i++) {
        c.view = p->views[i];
        c.known = NULL;
        placed top;
        int rc = place(&c, c.view->root, &top);
        if (rc)
            return rc;
        cu_stage *s = cu_arena_calloc(a, 1, sizeof(*s));
        s->name = c.view->name;
        s->view = c.view;
        s->root = top.node;
        s->partitions = top.where.partitions;
        s->feeds = top.feeds;
        s->n_feeds = top.n_feeds;
        s->n_decided = top.where.n;
        s->decided = top.where.cols;
        s->foreign = top.where.foreign;
        top.node->materialize.borrows = can_borrow(s);
        add_stage(&c, s);
        c.view_dist[c.view->index] = top.where;
    }
    return 0;
}

const cu_stage *cu_stages_of_view(const cu_stages *s, const cu_view_def *v)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->at[i]->view == v && s->at[i]->exchange_topic == NULL)
            return s->at[i];
    return NULL;
}
