/* What the workers of a process share: topics, partitions, stage ids.
 *
 * Stage ids number the spaces in the local store only; they are kept beside
 * the state (key 'C' | stage name -> u32) and never leave the process.  What
 * other processes see are names.
 */
#include "processors/runtime/runtime.h"

#include "processors/runtime/rebuild.h"
#include "processors/runtime/sabotage.h"

#include <stdlib.h>

enum { MAX_RECORD_BYTES = 16 * 1024 * 1024 };

static int ensure(cu_runtime *rt, const cu_topic_spec *spec, cu_err *err)
{
    cu_log *log = rt->o.log;
    return log->vt->topic_ensure(log, spec, err);
}

static const cu_topic_info *find_topic(const cu_topic_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->topics[i].name, name) == 0)
            return &l->topics[i];
    return NULL;
}

/* A table's topic: somebody else's must exist on Kafka; collected tables and
 * the embedded log make their own. */
static int table_topic(cu_runtime *rt, const cu_topic_list *known,
                       const cu_table_def *t, cu_err *err)
{
    int32_t *partitions = &rt->partitions[t->index];
    *partitions = t->partitions > 0 ? t->partitions : 1;
    if (t->topic == NULL)
        return 0;
    const cu_topic_info *info = find_topic(known, t->topic);
    if (info) {
        *partitions = info->partitions;
        return 0;
    }
    if (t->letters != CU_LETTERS_NONE)
        return 0; /* own_topics makes it */
    bool ours = t->http || t->files || t->is_sink;
    if (!ours && strcmp(rt->o.log->vt->name, "kafka") == 0) {
        /* A topic that may not be described is not listed either. */
        cu_log *log = rt->o.log;
        int64_t end;
        cu_part first = {t->topic, 0};
        if (log->vt->end_offset(log, first, true, &end, err) == CU_DENIED)
            return cu_err_note(err, "table %s: ", t->name);
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "table %s: topic \"%s\" does not exist on the broker; "
                       "create it (cupel topics create %s) or correct the "
                       "option topic",
                       t->name, t->topic, t->topic);
    }
    cu_topic_spec spec = {.name = t->topic,
                          .partitions = *partitions,
                          .compact = t->is_sink && t->n_key > 0,
                          .retention_ms = t->retention_ms,
                          .max_record_bytes = MAX_RECORD_BYTES};
    return ensure(rt, &spec, err);
}

static int table_topics(cu_runtime *rt, const cu_topic_list *known, cu_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < rt->program->n_tables; i++)
        rc = table_topic(rt, known, rt->program->tables[i], err);
    return rc;
}

/* The topic of a view stays as it is when the app is repartitioned: its
 * records are where their readers look for them. */
static int view_topic(cu_runtime *rt, const cu_topic_list *known,
                      const cu_stage *s, cu_err *err)
{
    const cu_topic_info *info = find_topic(known, s->view->topic);
    int32_t *partitions = &rt->view_partitions[s->view->index];
    *partitions = s->partitions;
    if (info && rt->layout.layout.number) {
        *partitions = info->partitions;
        return 0;
    }
    cu_topic_spec spec = {.name = s->view->topic,
                          .partitions = s->partitions,
                          .compact = s->view->n_key > 0,
                          .max_record_bytes = MAX_RECORD_BYTES};
    return ensure(rt, &spec, err);
}

static int own_topics(cu_runtime *rt, const cu_topic_list *known, cu_err *err)
{
    cu_topic_spec dlq = {.name = rt->dlq,
                         .partitions = 1,
                         .max_record_bytes = MAX_RECORD_BYTES + 65536};
    int rc = ensure(rt, &dlq, err);
    for (uint32_t i = 0; rc == 0 && i < rt->program->n_tables; i++) {
        dlq.name = rt->program->tables[i]->dead_letter_topic;
        if (dlq.name)
            rc = ensure(rt, &dlq, err);
    }
    for (uint32_t i = 0; rc == 0 && i < rt->program->n_views; i++) {
        dlq.name = rt->program->views[i]->late_topic;
        if (dlq.name)
            rc = ensure(rt, &dlq, err);
    }
    for (uint32_t i = 0; rc == 0 && i < rt->stages.n; i++) {
        const cu_stage *s = rt->stages.at[i];
        cu_topic_spec spec = {.partitions = s->partitions,
                              .max_record_bytes = MAX_RECORD_BYTES};
        if (s->exchange_topic) {
            spec.name = s->exchange_topic;
            spec.partitions = s->exchange_partitions;
            rc = ensure(rt, &spec, err);
        } else if (s->view->topic) {
            rc = view_topic(rt, known, s, err);
        }
        if (rc == 0 && !rt->o.log_carries_state) {
            spec.name = s->changelog;
            spec.partitions = s->partitions;
            spec.compact = true;
            rc = ensure(rt, &spec, err);
        }
    }
    return rc;
}

/* The topic that a stage of a new size has its size from. */
static const char *grown(const cu_runtime *rt, const cu_stage *s)
{
    for (uint32_t k = 0; k < s->n_feeds; k++) {
        const cu_feed *f = &s->feeds[k];
        if (f->kind == CU_FEED_TABLE)
            return f->topic;
        const char *above = grown(rt, f->stage);
        if (above)
            return above;
    }
    return NULL;
}

/* With other partitions a key's rows may lie elsewhere than its state. */
static int check_partitions(cu_runtime *rt, const cu_topic_list *known,
                            cu_err *err)
{
    for (uint32_t i = 0; i < rt->stages.n; i++) {
        const cu_stage *s = rt->stages.at[i];
        const cu_topic_info *was = find_topic(known, s->changelog);
        const char *topic = grown(rt, s);
        if (was == NULL || was->partitions == s->partitions)
            continue;
        if (rt->o.as_it_was)
            return cu_fail(err, CU_EXISTS, 0,
                           "stage %s would have %d partitions, but its state "
                           "was made with %d, and it cannot be told of which "
                           "input that comes; run the SQL that made it, or "
                           "give the app another --app",
                           s->name, (int)s->partitions, (int)was->partitions);
        return cu_fail(err, CU_EXISTS, 0,
                       "stage %s would have %d partitions now that topic %s "
                       "has %d partitions, but its state was made with %d: "
                       "keys may lie elsewhere than their state; nothing was "
                       "read. cupel app repartition PATH makes the views anew "
                       "for them; another --app builds them beside these, "
                       "under names of its own",
                       s->name, (int)s->partitions, topic ? topic : "?",
                       (int)s->partitions, (int)was->partitions);
    }
    return 0;
}

/* --- partitions that the state was made with ------------------------------ */

static bool is_input(const cu_table_def *t)
{
    return t->topic && !t->is_sink;
}

/* Of a topic that the group has read: the partitions that it has positions
 * in. */
static int32_t partitions_read(const cu_positions *group, const char *topic)
{
    int32_t n = 0;
    for (size_t i = 0; i < group->n; i++)
        if (strcmp(group->at[i].part.topic, topic) == 0 &&
            group->at[i].part.partition >= n)
            n = group->at[i].part.partition + 1;
    return n;
}

/* The inputs as they were, however many partitions they have gained. */
static int as_it_was(cu_runtime *rt, cu_err *err)
{
    cu_log *log = rt->o.log;
    cu_positions group = {0};
    int rc = log->vt->group_positions(log, rt->program->app, rt->arena, &group,
                                      err);
    for (uint32_t i = 0; rc == 0 && i < rt->program->n_tables; i++) {
        const cu_table_def *t = rt->program->tables[i];
        if (!is_input(t))
            continue;
        int32_t was = cu_layout_input_of(&rt->layout, t->topic);
        if (was == 0)
            was = partitions_read(&group, t->topic);
        if (was && was < rt->partitions[i])
            rt->partitions[i] = was;
    }
    return rc;
}

static int check_inputs(cu_runtime *rt, cu_err *err)
{
    for (uint32_t i = 0; i < rt->program->n_tables; i++) {
        const cu_table_def *t = rt->program->tables[i];
        int32_t was = 0;
        if (is_input(t))
            was = cu_layout_input_of(&rt->layout, t->topic);
        if (was && was != rt->partitions[i])
            return cu_fail(err, CU_EXISTS, 0,
                           "topic %s has %d partitions, and had %d when the "
                           "views were made: keys may lie elsewhere than "
                           "their state; nothing was read. cupel app "
                           "repartition PATH makes the views anew for them; "
                           "another --app builds them beside these, under "
                           "names of its own",
                           t->topic, (int)rt->partitions[i], (int)was);
    }
    return 0;
}

/* Whoever moved the app meanwhile may have deleted topics that we made again
 * (L1). */
static int still_counts(cu_runtime *rt, cu_err *err)
{
    cu_layout_record now;
    int rc = cu_layout_read(rt->o.log, rt->o.env, rt->program->app, rt->arena,
                            &now, err);
    if (rc || now.layout.number == rt->layout.layout.number)
        return rc;
    return cu_fail(err, CU_BUSY, CU_RETRY,
                   "app %s was repartitioned just now; start it again",
                   rt->program->app);
}

/* --- stage ids ------------------------------------------------------------ */

static cu_slice id_key(cu_arena *a, const char *stage)
{
    return cu_slice_of(cu_arena_printf(a, "C%s", stage));
}

static int highest_id(cu_runtime *rt, uint32_t *out, cu_err *err)
{
    cu_kv *kv = cu_store_kv(rt->o.store);
    cu_kv_iter *it;
    int rc = kv->vt->iter(kv, CU_LIT("C"), CU_LIT("D"), &it, err);
    if (rc)
        return rc;
    cu_slice key, value;
    *out = 0;
    while (kv->vt->iter_next(it, &key, &value)) {
        cu_scan s = cu_scan_of(value);
        uint32_t id = cu_scan_u32le(&s);
        if (id > *out)
            *out = id;
    }
    return kv->vt->iter_close(it, err);
}

int cu_runtime_ids(cu_runtime *rt, const cu_stages *stages, uint32_t **out,
                   cu_err *err)
{
    cu_kv *kv = cu_store_kv(rt->o.store);
    cu_kv_batch fresh = {0};
    uint32_t last = 0;
    int rc = highest_id(rt, &last, err);
    uint32_t *ids = cu_arena_calloc(rt->arena, stages->n + 1, sizeof(*ids));
    *out = ids;
    for (uint32_t i = 0; rc == 0 && i < stages->n; i++) {
        cu_slice key = id_key(rt->arena, stages->at[i]->state_name), value;
        rc = kv->vt->get(kv, key, rt->arena, &value, err);
        if (rc)
            break;
        if (value.data) {
            cu_scan s = cu_scan_of(value);
            ids[i] = cu_scan_u32le(&s);
            continue;
        }
        cu_buf b = {0};
        cu_buf_put_u32le(&b, ++last);
        cu_kv_batch_put(&fresh, key, cu_buf_slice(&b));
        cu_buf_free(&b);
        ids[i] = last;
    }
    if (rc == 0 && fresh.n_ops)
        rc = kv->vt->write(kv, &fresh, false, err);
    cu_kv_batch_free(&fresh);
    return rc;
}

/* --- state of other layouts ----------------------------------------------- */

enum { NO_PARTITION = UINT16_MAX + 1 };

/* The first partition from `*at` on that the store has of a stage. */
static int next_partition(cu_runtime *rt, uint32_t id, uint32_t *at,
                          cu_err *err)
{
    cu_kv *kv = cu_store_kv(rt->o.store);
    cu_kv_iter *it;
    cu_slice key, value;
    cu_buf lo = {0};
    cu_buf_put_u8(&lo, 'S');
    cu_buf_put_u32be(&lo, id);
    cu_buf_put_u16be(&lo, (uint16_t)*at);
    *at = NO_PARTITION;
    int rc = kv->vt->iter(kv, cu_buf_slice(&lo), CU_LIT("T"), &it, err);
    if (rc == 0) {
        if (kv->vt->iter_next(it, &key, &value)) {
            cu_scan s = cu_scan_of(key);
            cu_scan_u8(&s);
            bool same = cu_scan_u32be(&s) == id;
            uint32_t partition = cu_scan_u16be(&s);
            if (same && !s.bad)
                *at = partition;
        }
        rc = kv->vt->iter_close(it, err);
    }
    cu_buf_free(&lo);
    return rc;
}

static int drop_stage(cu_runtime *rt, uint32_t id, cu_err *err)
{
    for (uint32_t at = 0; at < NO_PARTITION; at++) {
        cu_space *space;
        int rc = next_partition(rt, id, &at, err);
        if (rc || at == NO_PARTITION)
            return rc;
        rc = cu_space_open(rt->o.store, id, (uint16_t)at, &space, err);
        if (rc == 0) {
            rc = cu_space_drop(space, err);
            cu_space_close(space);
        }
        if (rc)
            return rc;
    }
    return 0;
}

/* The layout stands behind the stage's name (cu_stage.state_name). */
static uint32_t layout_of(cu_slice key)
{
    uint32_t n = 0;
    size_t at = 1;
    while (at < key.len && key.data[at] != 1)
        at++;
    for (at++; at < key.len; at++)
        n = n * 10 + (uint32_t)(key.data[at] - '0');
    return n;
}

/* What a repartition left, or one that was cut short made. */
static int drop_moved(cu_runtime *rt, cu_err *err)
{
    cu_kv *kv = cu_store_kv(rt->o.store);
    cu_kv_batch gone = {0};
    cu_kv_iter *it;
    cu_slice key, value;
    size_t at = 0;
    int rc = kv->vt->iter(kv, CU_LIT("C"), CU_LIT("D"), &it, err);
    if (rc)
        return rc;
    while (kv->vt->iter_next(it, &key, &value))
        if (layout_of(key) != rt->layout.layout.number)
            cu_kv_batch_put(&gone, key, value);
    rc = kv->vt->iter_close(it, err);
    while (rc == 0 && cu_kv_batch_next(&gone, &at, &key, &value)) {
        cu_scan s = cu_scan_of(value);
        cu_kv_batch one = {0};
        rc = drop_stage(rt, cu_scan_u32le(&s), err);
        cu_kv_batch_del(&one, key);
        if (rc == 0)
            rc = kv->vt->write(kv, &one, false, err);
        cu_kv_batch_free(&one);
    }
    cu_kv_batch_free(&gone);
    return rc;
}

/* --- inputs --------------------------------------------------------------- */

static void add_input(cu_runtime *rt, const char *topic)
{
    for (uint32_t i = 0; i < rt->n_inputs; i++)
        if (strcmp(rt->inputs[i], topic) == 0)
            return;
    rt->inputs[rt->n_inputs++] = topic;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every topic that some stage reads, by name. */
static void collect_inputs(cu_runtime *rt)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < rt->stages.n; i++)
        most += rt->stages.at[i]->n_feeds;
    rt->inputs = cu_arena_calloc(rt->arena, most, sizeof(*rt->inputs));
    for (uint32_t i = 0; i < rt->stages.n; i++) {
        const cu_stage *s = rt->stages.at[i];
        for (uint32_t k = 0; k < s->n_feeds; k++)
            if (s->feeds[k].kind != CU_FEED_STAGE)
                add_input(rt, s->feeds[k].topic);
    }
    qsort(rt->inputs, rt->n_inputs, sizeof(*rt->inputs), by_name);
}

static int open_topics(cu_runtime *rt, cu_err *err)
{
    const cu_program *p = rt->program;
    cu_log *log = rt->o.log;
    cu_topic_list known = {0};
    /* Made always: one that may not be seen would be taken for none. */
    int rc = rt->o.log_carries_state ? 0 : cu_layout_ensure(log, p->app, err);
    if (rc == 0)
        rc = cu_layout_read(log, rt->o.env, p->app, rt->arena, &rt->layout,
                            err);
    if (rc == 0)
        rc = log->vt->topic_list(log, rt->arena, &known, err);
    if (rc == 0)
        rc = table_topics(rt, &known, err);
    if (rc == 0)
        rc = rt->o.as_it_was ? as_it_was(rt, err) : check_inputs(rt, err);
    if (rc == 0)
        rc = cu_stages_lay(p, rt->partitions, &rt->layout.layout, rt->arena,
                           &rt->stages, err);
    if (rc == 0 && !rt->o.log_carries_state)
        rc = check_partitions(rt, &known, err);
    if (rc == 0)
        rc = own_topics(rt, &known, err);
    if (rc == 0 && !rt->o.log_carries_state)
        rc = still_counts(rt, err);
    return rc;
}

int cu_runtime_open(const cu_runtime_opts *opts, cu_runtime **out, cu_err *err)
{
    cu_runtime *rt = cu_calloc(1, sizeof(*rt));
    cu_sabotage_read(opts->env);
    rt->o = *opts;
    if (rt->o.commit_interval_ms == 0)
        rt->o.commit_interval_ms = 100;
    if (rt->o.commit_rows == 0)
        rt->o.commit_rows = 200000;
    if (rt->o.memory_bytes == 0)
        rt->o.memory_bytes = 64u << 20;
    if (rt->o.commit_bytes == 0)
        rt->o.commit_bytes = (int64_t)(rt->o.memory_bytes / 16);
    rt->program = opts->program;
    rt->arena = cu_arena_new(0);
    const cu_program *p = opts->program;
    rt->dlq = cu_arena_printf(rt->arena, "%s.dlq", p->app);
    rt->partitions = cu_arena_calloc(rt->arena, p->n_tables + 1,
                                     sizeof(*rt->partitions));
    rt->view_partitions = cu_arena_calloc(rt->arena, p->n_views + 1,
                                          sizeof(*rt->view_partitions));
    for (uint32_t i = 0; i < p->n_tables; i++)
        if (p->tables[i]->idle_timeout_ms > 0 && !opts->never_idle)
            rt->knows_idle = true;
    rt->counts.tables = cu_calloc(p->n_tables + 1, sizeof(cu_table_counts));
    rt->counts.views = cu_calloc(p->n_views + 1, sizeof(cu_view_counts));
    int rc = open_topics(rt, err);
    if (rc == 0)
        rc = drop_moved(rt, err);
    if (rc == 0)
        rc = cu_runtime_ids(rt, &rt->stages, &rt->stage_ids, err);
    if (rc) {
        cu_runtime_close(rt);
        return rc;
    }
    collect_inputs(rt);
    rt->open = cu_arena_calloc(rt->arena, rt->stages.n + 1, sizeof(*rt->open));
    for (uint32_t i = 0; i < rt->stages.n; i++)
        rt->open[i] = cu_arena_calloc(rt->arena,
                                      (size_t)rt->stages.at[i]->partitions + 1,
                                      sizeof(**rt->open));
    *out = rt;
    return 0;
}

void cu_runtime_close(cu_runtime *rt)
{
    cu_free(rt->counts.tables);
    cu_free(rt->counts.views);
    cu_arena_free(rt->arena);
    cu_free(rt);
}

const cu_stages *cu_runtime_stages(const cu_runtime *rt)
{
    return &rt->stages;
}

cu_counts *cu_runtime_counts(cu_runtime *rt)
{
    return &rt->counts;
}

int32_t cu_runtime_view_partitions(const cu_runtime *rt, const cu_view_def *v)
{
    return rt->view_partitions[v->index];
}

cu_layout cu_runtime_layout(const cu_runtime *rt)
{
    return rt->layout.layout;
}

uint32_t cu_runtime_stage_id(const cu_runtime *rt, const cu_stage *s)
{
    return rt->stage_ids[s->index];
}

void cu_runtime_end(cu_runtime *rt, cu_ending how)
{
    if ((int)how > atomic_load(&rt->ending))
        atomic_store(&rt->ending, (int)how);
}

const char *cu_runtime_dlq(const cu_runtime *rt)
{
    return rt->dlq;
}
