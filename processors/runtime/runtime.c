/* What the workers of a process share: topics, partitions, stage ids.
 *
 * Stage ids number the spaces in the local store only; they are kept beside
 * the state (key 'C' | stage name -> u32) and never leave the process.  What
 * other processes see are names.
 */
#include "processors/runtime/int.h"

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

static int table_topics(cu_runtime *rt, cu_err *err)
{
    cu_topic_list known = {0};
    cu_log *log = rt->o.log;
    int rc = log->vt->topic_list(log, rt->arena, &known, err);
    for (uint32_t i = 0; rc == 0 && i < rt->program->n_tables; i++)
        rc = table_topic(rt, &known, rt->program->tables[i], err);
    return rc;
}

static int own_topics(cu_runtime *rt, cu_err *err)
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
            spec.name = s->view->topic;
            spec.compact = s->view->n_key > 0;
            rc = ensure(rt, &spec, err);
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
static int check_partitions(cu_runtime *rt, cu_err *err)
{
    cu_topic_list known = {0};
    cu_log *log = rt->o.log;
    int rc = log->vt->topic_list(log, rt->arena, &known, err);
    for (uint32_t i = 0; rc == 0 && i < rt->stages.n; i++) {
        const cu_stage *s = rt->stages.at[i];
        const cu_topic_info *was = find_topic(&known, s->changelog);
        const char *topic = grown(rt, s);
        if (was == NULL || was->partitions == s->partitions)
            continue;
        return cu_fail(err, CU_EXISTS, 0,
                       "stage %s would have %d partitions now that topic %s "
                       "has %d partitions, but its state was made with %d: "
                       "keys may lie elsewhere than their state; nothing was "
                       "read. Another --app builds all views from the "
                       "beginning, under names of its own",
                       s->name, (int)s->partitions, topic ? topic : "?",
                       (int)s->partitions, (int)was->partitions);
    }
    return rc;
}

/* --- stage ids ---------------------------------------------------------------
 */

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

static int stage_ids(cu_runtime *rt, cu_err *err)
{
    cu_kv *kv = cu_store_kv(rt->o.store);
    cu_kv_batch fresh = {0};
    uint32_t last = 0;
    int rc = highest_id(rt, &last, err);
    rt->stage_ids = cu_arena_calloc(rt->arena, rt->stages.n + 1,
                                    sizeof(*rt->stage_ids));
    for (uint32_t i = 0; rc == 0 && i < rt->stages.n; i++) {
        cu_slice key = id_key(rt->arena, rt->stages.at[i]->name), value;
        rc = kv->vt->get(kv, key, rt->arena, &value, err);
        if (rc)
            break;
        if (value.data) {
            cu_scan s = cu_scan_of(value);
            rt->stage_ids[i] = cu_scan_u32le(&s);
            continue;
        }
        cu_buf b = {0};
        cu_buf_put_u32le(&b, ++last);
        cu_kv_batch_put(&fresh, key, cu_buf_slice(&b));
        cu_buf_free(&b);
        rt->stage_ids[i] = last;
    }
    if (rc == 0 && fresh.n_ops)
        rc = kv->vt->write(kv, &fresh, false, err);
    cu_kv_batch_free(&fresh);
    return rc;
}

/* --- inputs
 * -------------------------------------------------------------------- */

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
    for (uint32_t i = 0; i < p->n_tables; i++)
        if (p->tables[i]->idle_timeout_ms > 0 && !opts->never_idle)
            rt->knows_idle = true;
    rt->counts.tables = cu_calloc(p->n_tables + 1, sizeof(cu_table_counts));
    rt->counts.views = cu_calloc(p->n_views + 1, sizeof(cu_view_counts));
    int rc = table_topics(rt, err);
    if (rc == 0)
        rc = cu_stages_cut(p, rt->partitions, rt->arena, &rt->stages, err);
    if (rc == 0 && !rt->o.log_carries_state)
        rc = check_partitions(rt, err);
    if (rc == 0)
        rc = own_topics(rt, err);
    if (rc == 0)
        rc = stage_ids(rt, err);
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
