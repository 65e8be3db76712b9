/* Other partitions: what views show moves to where their keys will be.
 *
 * Which rows an app has said is what cannot be made anew from the input: a key
 * that is gone has no row there.  So the rows that each view shows are
 * re-hashed by the columns that decide the partition of its stage, and stand as
 * the generation that is shown in the instances of the new layout.  All else
 * is made anew from the input, as after a reset of positions (rebuild.h), and
 * the topics get the difference:
 *
 *   layout 1                          layout 2, partitions 4
 *   app.shops.changelog [2]   --->    app.shops.2.changelog [4]
 *     rows of shown generation          the same rows, elsewhere, and
 *                                       progress: DUE, positions of the begin
 *                        last transaction:
 *   progress: MOVED                   app.layout says 2; the group's positions
 *
 * R3 until the last transaction nobody reads what the others wrote; a crash
 * leaves topics whose number is not used again.  R4 every transaction carries
 * a position of the group, so that it is fenced like any commit of a worker.
 *
 * An instance can be told of each row when its stage has one partition, when it
 * is decided by columns as exchanges decide, or when nothing changed above it.
 */
#include "processors/runtime/commit.h"
#include "processors/runtime/hold.h"
#include "processors/runtime/rebuild.h"

enum { FLUSH_BYTES = 4 << 20, FLUSH_MS = 500, COMMIT_TIMEOUT_MS = 10000 };

typedef struct moving {
    cu_worker *w;
    cu_arena *a;
    int32_t *partitions; /* of tables, now */
    cu_layout_record to;
    cu_stages stages;
    uint32_t *ids;
    cu_topic_list known;
    cu_positions begins;
    int64_t *judged; /* by position in begins */
    cu_moved *out;
    int64_t heard_ms;
} moving;

/* One stage on its way. */
typedef struct filling {
    moving *m;
    const cu_stage *was, *is;
    int32_t from; /* the instance whose rows come */
    cu_space **spaces;
    cu_progress *progress;
    cu_key_col *cols;
    cu_keys keys;
} filling;

/* --- what changes --------------------------------------------------------- */

static const cu_stage *stage_named(const cu_stages *all, const char *name)
{
    for (uint32_t i = 0; i < all->n; i++)
        if (strcmp(all->at[i]->name, name) == 0)
            return all->at[i];
    return NULL;
}

static bool same_exchange(const cu_stage *a, const cu_stage *b)
{
    return strcmp(a->name, b->name) == 0 &&
           a->exchange_partitions == b->exchange_partitions &&
           a->n_exchange_cols == b->n_exchange_cols &&
           (a->n_exchange_cols == 0 ||
            memcmp(a->exchange_cols, b->exchange_cols,
                   a->n_exchange_cols * sizeof(*a->exchange_cols)) == 0);
}

/* Rows stand in the same instances as before, or, with `grows`, in as many
 * and some more. */
static bool stays(const cu_stage *a, const cu_stage *b, bool grows)
{
    bool same = a->partitions == b->partitions && a->n_feeds == b->n_feeds;
    if (grows)
        same = a->partitions <= b->partitions && a->n_feeds == b->n_feeds;
    for (uint32_t k = 0; same && k < a->n_feeds; k++) {
        const cu_feed *f = &a->feeds[k], *g = &b->feeds[k];
        same = f->kind == g->kind;
        if (same && f->kind == CU_FEED_TABLE)
            same = f->table == g->table;
        else if (same && f->kind == CU_FEED_STAGE)
            same = stays(f->stage, g->stage, grows);
        else if (same)
            same = !grows && same_exchange(f->stage, g->stage);
    }
    return same;
}

static bool nothing_changes(const moving *m)
{
    const cu_stages *was = &m->w->rt->stages;
    bool same = was->n == m->stages.n;
    for (uint32_t i = 0; same && i < was->n; i++)
        same = strcmp(was->at[i]->name, m->stages.at[i]->name) == 0 &&
               stays(was->at[i], m->stages.at[i], false);
    return same;
}

static bool has_node(const cu_node *n, cu_node_kind kind)
{
    bool has = n->kind == kind;
    for (uint32_t i = 0; !has && i < n->n_inputs; i++)
        has = has_node(n->inputs[i], kind);
    return has;
}

static bool over_table(const cu_node *n, const cu_table_def *t)
{
    bool is = n->kind == CU_N_SOURCE && n->source.table == t;
    for (uint32_t i = 0; !is && i < n->n_inputs; i++)
        is = over_table(n->inputs[i], t);
    return is;
}

/* Does the stage keep rows of the table by key? */
static bool keeps_keys_of(const cu_node *n, const cu_table_def *t)
{
    if (n->kind == CU_N_NORMALIZE)
        return over_table(n, t);
    bool keeps = false;
    for (uint32_t i = 0; !keeps && i < n->n_inputs; i++)
        keeps = keeps_keys_of(n->inputs[i], t);
    return keeps;
}

static int check_table(const moving *m, const cu_table_def *t, cu_err *err)
{
    int32_t was = m->w->rt->partitions[t->index];
    int32_t is = m->partitions[t->index];
    for (uint32_t i = 0; was != is && i < m->stages.n; i++)
        if (keeps_keys_of(m->stages.at[i]->root, t))
            return cu_fail(err, CU_UNSUPPORTED, 0,
                           "table %s has rows by key, and topic %s has %d "
                           "partitions instead of %d: records of one key stand "
                           "in two of them, and which is newer cannot be "
                           "told. Write the topic anew under another name, and "
                           "name it in the SQL of another --app",
                           t->name, t->topic, (int)is, (int)was);
    return 0;
}

static bool decides(const cu_stage *is)
{
    return is->partitions == 1 || (is->n_decided && !is->foreign);
}

static int check_view(const moving *m, const cu_stage *is, cu_err *err)
{
    const cu_view_def *v = is->view;
    const cu_stage *was = cu_stages_of_view(&m->w->rt->stages, v);
    if (stays(was, is, false))
        return 0;
    if (cu_stage_keeps(is) && !decides(is))
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "view %s: nothing in its rows tells their partition; "
                       "another --app builds it for other partitions",
                       v->name);
    if (!cu_stage_keeps(is) && v->topic && is->partitions > 1 &&
        !stays(was, is, true))
        return cu_fail(err, CU_UNSUPPORTED, 0,
                       "view %s has no key: which of its rows the topic has "
                       "already could not be told in other partitions; give "
                       "it a key, or build it under another --app",
                       v->name);
    return 0;
}

static int check(const moving *m, cu_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < m->w->rt->program->n_tables; i++)
        rc = check_table(m, m->w->rt->program->tables[i], err);
    for (uint32_t i = 0; rc == 0 && i < m->stages.n; i++) {
        const cu_stage *s = m->stages.at[i];
        if (has_node(s->root, CU_N_SURROGATE))
            rc = cu_fail(err, CU_UNSUPPORTED, 0,
                         "view %s: surrogate() numbers in the order of "
                         "arrival, and the numbers that it gave would "
                         "change; another --app builds it for other "
                         "partitions",
                         s->view->name);
        if (rc == 0 && s->exchange_topic == NULL)
            rc = check_view(m, s, err);
    }
    return rc ? rc : cu_rebuild_whole(m->w, err);
}

/* --- the layout to come --------------------------------------------------- */

static const cu_topic_info *known(const moving *m, const char *topic)
{
    for (size_t i = 0; i < m->known.n; i++)
        if (strcmp(m->known.topics[i].name, topic) == 0)
            return &m->known.topics[i];
    return NULL;
}

static int count_inputs(moving *m, cu_err *err)
{
    const cu_runtime *rt = m->w->rt;
    const cu_program *p = rt->program;
    cu_log *log = rt->o.log;
    int rc = log->vt->topic_list(log, m->a, &m->known, err);
    m->partitions = cu_arena_calloc(m->a, p->n_tables + 1,
                                    sizeof(*m->partitions));
    m->to.inputs = cu_arena_calloc(m->a, p->n_tables + 1,
                                   sizeof(*m->to.inputs));
    for (uint32_t i = 0; rc == 0 && i < p->n_tables; i++) {
        const cu_table_def *t = p->tables[i];
        const cu_topic_info *info = t->topic ? known(m, t->topic) : NULL;
        m->partitions[i] = info ? info->partitions : rt->partitions[i];
        if (info && !t->is_sink)
            m->to.inputs[m->to.n_inputs++] = (cu_layout_input){
                t->topic, info->partitions};
    }
    return rc;
}

static bool number_used(const moving *m)
{
    for (uint32_t i = 0; i < m->stages.n; i++) {
        const cu_stage *s = m->stages.at[i];
        if (known(m, s->changelog) ||
            (s->exchange_topic && known(m, s->exchange_topic)))
            return true;
    }
    return false;
}

/* What one that was cut short has made keeps its number (R3). */
static int cut(moving *m, cu_err *err)
{
    const cu_runtime *rt = m->w->rt;
    int rc;
    do {
        m->to.layout.number++;
        rc = cu_stages_lay(rt->program, m->partitions, &m->to.layout, m->a,
                           &m->stages, err);
    } while (rc == 0 && number_used(m));
    return rc;
}

static int make_topics(moving *m, cu_err *err)
{
    const cu_runtime *rt = m->w->rt;
    cu_log *log = rt->o.log;
    int rc = cu_layout_ensure(log, rt->program->app, err);
    for (uint32_t i = 0; rc == 0 && i < m->stages.n; i++) {
        const cu_stage *s = m->stages.at[i];
        cu_topic_spec spec = {.name = s->exchange_topic,
                              .partitions = s->exchange_partitions};
        if (spec.name)
            rc = log->vt->topic_ensure(log, &spec, err);
        spec = (cu_topic_spec){
            .name = s->changelog, .partitions = s->partitions, .compact = true};
        if (rc == 0 && !rt->o.log_carries_state)
            rc = log->vt->topic_ensure(log, &spec, err);
    }
    return rc;
}

/* Where each input begins, and up to where its letters are out. */
static int note_begins(moving *m, cu_err *err)
{
    const cu_worker *w = m->w;
    int rc = cu_worker_begins(m->w, m->a, &m->begins, err);
    m->judged = cu_arena_calloc(m->a, m->begins.n + 1, sizeof(*m->judged));
    for (size_t b = 0; rc == 0 && b < m->begins.n; b++)
        for (uint32_t k = 0; k < w->n_instances; k++)
            for (uint32_t s = 0; s < w->instances[k]->n_slots; s++) {
                const cu_slot *at = &w->instances[k]->slots[s];
                if (!cu_part_eq(at->in->part, m->begins.at[b].part))
                    continue;
                if (at->next > m->judged[b])
                    m->judged[b] = at->next;
                if (at->judged > m->judged[b])
                    m->judged[b] = at->judged;
            }
    return rc;
}

/* --- filling -------------------------------------------------------------- */

/* Positions of the inputs with the instance's number; twins each their own. */
static void begin_at(const moving *m, int32_t partition, cu_progress *p)
{
    const cu_program *program = m->w->rt->program;
    p->inputs = cu_arena_calloc(m->a, m->begins.n * program->n_tables + 1,
                                sizeof(*p->inputs));
    for (size_t b = 0; b < m->begins.n; b++) {
        cu_position at = m->begins.at[b];
        for (uint32_t t = 0; t < program->n_tables; t++)
            if (at.part.partition == partition && program->tables[t]->topic &&
                strcmp(program->tables[t]->topic, at.part.topic) == 0)
                p->inputs[p->n_inputs++] = (cu_input_progress){
                    .part = at.part,
                    .next = at.next,
                    .from = at.next,
                    .judged = m->judged[b],
                    .watermark_us = INT64_MIN,
                    .max_ts_us = INT64_MIN};
    }
}

static cu_progress progress_of(const moving *m, const cu_stage *s, int32_t p)
{
    const cu_worker *w = m->w;
    cu_progress out = {.plan_hash = s->hash,
                       .clock_us = w->expr_env.now_us,
                       .instance = w->rt->o.instance,
                       .txn_id = w->txn_id,
                       .n_marks = s->n_feeds,
                       .rebuild = {CU_REBUILD_DUE, 1, 0, 1 | 2}};
    begin_at(m, p, &out);
    out.marks = cu_arena_calloc(m->a, out.n_marks + 1, sizeof(*out.marks));
    for (uint32_t k = 0; k < out.n_marks; k++)
        out.marks[k] = INT64_MIN;
    return out;
}

static int open_spaces(filling *f, cu_err *err)
{
    const moving *m = f->m;
    uint32_t n = (uint32_t)f->is->partitions;
    int rc = 0;
    f->spaces = cu_arena_calloc(m->a, n + 1, sizeof(*f->spaces));
    f->progress = cu_arena_calloc(m->a, n + 1, sizeof(*f->progress));
    for (uint32_t p = 0; rc == 0 && p < n; p++) {
        f->progress[p] = progress_of(m, f->is, (int32_t)p);
        rc = cu_space_open(m->w->rt->o.store, m->ids[f->is->index], (uint16_t)p,
                           &f->spaces[p], err);
    }
    return rc;
}

static void close_spaces(filling *f)
{
    for (int32_t p = 0; f->spaces && p < f->is->partitions; p++)
        if (f->spaces[p])
            cu_space_close(f->spaces[p]);
}

static int hand_over(filling *f, cu_err *err)
{
    cu_worker *w = f->m->w;
    cu_kv_batch batch = {0};
    int rc = cu_worker_begin(w, err);
    for (int32_t p = 0; rc == 0 && p < f->is->partitions; p++) {
        cu_part log = {f->is->changelog, p};
        f->progress[p].sequence++;
        if (w->rt->o.log_carries_state)
            cu_space_to_batch(f->spaces[p], 0, &f->progress[p], &batch);
        else
            rc = cu_space_log_changes(f->spaces[p], w->writer, log,
                                      w->newest_ms, &f->progress[p], err);
    }
    if (rc == 0 && w->rt->o.log_carries_state)
        w->writer->vt->attach(w->writer, &batch);
    cu_kv_batch_free(&batch);
    return rc ? rc : cu_worker_mark_still(w, err); /* R4 */
}

static int apply(filling *f, const cu_positions *ends, cu_err *err)
{
    cu_worker *w = f->m->w;
    bool carried = w->rt->o.log_carries_state;
    cu_kv *kv = cu_store_kv(w->rt->o.store);
    cu_kv_batch batch = {0};
    int rc = 0;
    for (int32_t p = 0; !carried && p < f->is->partitions; p++)
        cu_space_to_batch(
            f->spaces[p],
            cu_changelog_end(ends, (cu_part){f->is->changelog, p}),
            &f->progress[p], &batch);
    if (batch.n_ops)
        rc = kv->vt->write(kv, &batch, false, err);
    cu_kv_batch_free(&batch);
    for (int32_t p = 0; rc == 0 && p < f->is->partitions; p++)
        cu_space_committed(
            f->spaces[p],
            carried ? 0
                    : cu_changelog_end(ends, (cu_part){f->is->changelog, p}));
    return rc;
}

static int flush(filling *f, cu_err *err)
{
    cu_worker *w = f->m->w;
    cu_positions ends = {0};
    cu_arena *a = cu_arena_new(0);
    int rc = hand_over(f, err);
    if (rc == 0)
        rc = cu_worker_crash(w, "repartition_filling", err);
    if (rc == 0)
        rc = w->writer->vt->commit(w->writer, COMMIT_TIMEOUT_MS, a, &ends, err);
    if (rc == 0) {
        w->in_txn = false;
        rc = apply(f, &ends, err);
    }
    cu_arena_free(a);
    return rc ? rc : cu_worker_crash(w, "repartition_filled", err);
}

/* Now and then: a transaction, and a word to the group. */
static int breathe(filling *f, cu_err *err)
{
    moving *m = f->m;
    size_t dirty = 0;
    for (int32_t p = 0; p < f->is->partitions; p++)
        dirty += cu_space_dirty_bytes(f->spaces[p]);
    int rc = dirty > FLUSH_BYTES ? flush(f, err) : 0;
    int64_t now = cu_mono_ms(m->w->rt->o.env);
    if (rc || now - m->heard_ms < FLUSH_MS)
        return rc;
    m->heard_ms = now;
    return cu_worker_listen(m->w, err);
}

/* --- rows ----------------------------------------------------------------- */

static int32_t instance_of(const filling *f, uint32_t row)
{
    if (f->is->partitions == 1)
        return 0;
    if (decides(f->is))
        return cu_partition_of(cu_keys_at(&f->keys, row), f->is->partitions);
    return f->from;
}

static void hash(filling *f, const cu_batch *rows)
{
    if (f->is->partitions > 1 && decides(f->is))
        cu_keys_encode(rows, f->cols, f->is->n_decided, &f->keys);
}

static int take_rows(void *ctx, const cu_slice *keys, const cu_slice *values,
                     const cu_batch *rows, cu_err *err)
{
    filling *f = ctx;
    uint16_t table = cu_node_state_table(f->is->root, 0);
    hash(f, rows);
    for (uint32_t i = 0; i < rows->n_rows; i++)
        cu_table_put(cu_space_table(f->spaces[instance_of(f, i)], table),
                     keys[i], values[i]);
    f->m->out->rows += rows->n_rows;
    return breathe(f, err);
}

static int take_held(void *ctx, cu_slice key, cu_slice value, cu_slice row,
                     cu_err *err)
{
    filling *f = ctx;
    cu_arena *a = cu_arena_new(0);
    cu_batch *b = cu_batch_new(a, f->is->root->schema, 1);
    int rc = cu_row_decode(cu_arena_slice(a, row), b, 1, false, err);
    if (rc == 0) {
        cu_batch_seal(b);
        hash(f, b);
        cu_table_put(cu_hold_rows(f->spaces[instance_of(f, 0)]), key, value);
    }
    cu_arena_free(a);
    return rc ? rc : breathe(f, err);
}

/* What the topic shows of one old instance. */
static int take_instance(filling *f, const cu_instance *i, cu_err *err)
{
    cu_runtime *rt = f->m->w->rt;
    cu_space *shown;
    int rc = cu_space_open(rt->o.store, rt->stage_ids[f->was->index],
                           (uint16_t)i->partition, &shown, err);
    if (rc)
        return rc;
    cu_space_use(shown, i->rebuild.phase == CU_REBUILD_NOT
                            ? i->rebuild.generation
                            : i->rebuild.shown);
    f->from = i->partition;
    rc = cu_materialize_each(shown, f->was->root, take_rows, f, err);
    if (rc == 0)
        rc = cu_hold_each(shown, take_held, f, err);
    cu_space_close(shown);
    return rc;
}

static int fill_stage(moving *m, const cu_stage *is, cu_err *err)
{
    filling f = {.m = m, .is = is};
    f.was = is->exchange_topic ? NULL
                               : stage_named(&m->w->rt->stages, is->name);
    f.cols = cu_arena_calloc(m->a, is->n_decided + 1, sizeof(*f.cols));
    for (uint32_t k = 0; k < is->n_decided; k++)
        f.cols[k].col = is->decided[k];
    int rc = open_spaces(&f, err);
    for (uint32_t k = 0;
         rc == 0 && f.was && cu_stage_keeps(is) && k < m->w->n_instances; k++)
        if (m->w->instances[k]->stage == f.was)
            rc = take_instance(&f, m->w->instances[k], err);
    if (rc == 0)
        rc = flush(&f, err);
    close_spaces(&f);
    cu_buf_free(&f.keys.bytes);
    return rc;
}

/* --- the last transaction ------------------------------------------------- */

static void move_away(moving *m, cu_instance *i)
{
    i->rebuild.phase = CU_REBUILD_MOVED;
    i->moved = true;
    for (uint32_t k = 0; k < i->n_slots; k++)
        for (size_t b = 0; b < m->begins.n; b++)
            if (cu_part_eq(i->slots[k].in->part, m->begins.at[b].part))
                i->slots[k].next = m->begins.at[b].next;
}

static int switch_over(moving *m, cu_err *err)
{
    cu_worker *w = m->w;
    for (uint32_t k = 0; k < w->n_instances; k++)
        move_away(m, w->instances[k]);
    for (uint32_t k = 0; k < w->n_inputs; k++)
        cu_input_settle(w->inputs[k]);
    w->resetting = w->moved = true;
    int rc = cu_worker_begin(w, err);
    if (rc == 0)
        rc = cu_layout_write(w->writer, w->rt->program->app, &m->to, err);
    return rc ? rc : cu_commit(w, err);
}

static void list_old(const moving *m)
{
    const cu_stages *old = &m->w->rt->stages;
    const char **at = cu_arena_calloc(m->a, 2 * old->n + 1, sizeof(*at));
    for (uint32_t i = 0; i < old->n; i++) {
        if (old->at[i]->exchange_topic)
            at[m->out->n_topics++] = cu_arena_str(m->a,
                                                  old->at[i]->exchange_topic);
        if (!m->w->rt->o.log_carries_state)
            at[m->out->n_topics++] = cu_arena_str(m->a, old->at[i]->changelog);
    }
    m->out->topics = at;
}

int cu_worker_repartition(cu_worker *w, int32_t partitions, bool plan,
                          cu_arena *a, cu_moved *out, cu_err *err)
{
    moving m = {.w = w, .a = a, .to = w->rt->layout, .out = out};
    CU_ASSERT(w->still);
    CU_ASSERT(cu_worker_owns_all(w));
    *out = (cu_moved){0};
    m.to.n_inputs = 0;
    if (partitions > 0)
        m.to.layout.partitions = partitions;
    int rc = count_inputs(&m, err);
    if (rc == 0)
        rc = cut(&m, err);
    out->layout = m.to.layout;
    out->nothing = rc == 0 && nothing_changes(&m);
    if (rc == 0 && !out->nothing)
        rc = check(&m, err);
    if (rc || out->nothing || plan)
        return rc;
    rc = make_topics(&m, err);
    if (rc == 0)
        rc = cu_runtime_ids(w->rt, &m.stages, &m.ids, err);
    if (rc == 0)
        rc = note_begins(&m, err);
    for (uint32_t i = 0; rc == 0 && i < m.stages.n; i++)
        rc = fill_stage(&m, m.stages.at[i], err);
    if (rc == 0)
        rc = switch_over(&m, err);
    list_old(&m);
    return rc;
}
