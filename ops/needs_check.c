/* Topics that are there already, against what the app needs.
 *
 * Fatal is what loses rows or state without a word: a changelog that is not
 * compacted and has a retention, an exchange or letters without keys in a
 * compacted topic (the broker refuses such records), an exchange that forgets
 * blocks before they are read.  The rest warns: a view's topic that only
 * grows, or one that takes smaller records than cupel may write.
 */
#include "ops/needs.h"
#include "ops/topics.h"

#include "base/diag.h"

/* Records below this are common enough to be told of. */
enum { SMALL_BYTES = 1 << 20 };

typedef struct check {
    cu_cmd *c;
    cu_arena *a;
    const char *brokers;
    cu_unmet *at;
    uint32_t n, cap;
} check;

static void unmet(check *k, bool fatal, const char *what, const char *todo)
{
    if (k->n < k->cap)
        k->at[k->n++] = (cu_unmet){fatal, what, todo};
}

static const char *alter(const check *k, const char *topic, const char *config)
{
    return cu_arena_printf(k->a,
                           "kafka-configs.sh --bootstrap-server %s --alter "
                           "--entity-type topics --entity-name %s "
                           "--add-config %s",
                           k->brokers, topic, config);
}

static bool forgets(const cu_topic_info *t)
{
    return t->deletes && t->retention_ms > 0;
}

static void check_policy(check *k, const cu_need *n, const cu_topic_info *t)
{
    const char *name = cu_need_name(n, k->a);
    bool wants = n->how & CU_NEED_COMPACT;
    if (t->retention_ms < 0)
        return; /* not known: the user may not describe it */
    if (wants && !t->compact)
        unmet(k, forgets(t) && n->role != CU_NEED_SINK,
              cu_arena_printf(k->a,
                              "topic %s (%s) has cleanup.policy=delete%s, "
                              "compact is wanted: %s",
                              t->name, name,
                              forgets(t) ? " and a retention" : "",
                              forgets(t) ? "rows that do not change are lost"
                                         : "it grows for ever"),
              alter(k, t->name, "cleanup.policy=compact"));
    else if (wants && forgets(t))
        unmet(k,
              n->role == CU_NEED_CHANGELOG || n->role == CU_NEED_CURSORS ||
                  n->role == CU_NEED_LAYOUT,
              cu_arena_printf(k->a,
                              "topic %s (%s) is compacted but has a retention "
                              "too (cleanup.policy=compact,delete): rows that "
                              "do not change are lost",
                              t->name, name),
              alter(k, t->name, "cleanup.policy=compact"));
    bool keyless = n->role == CU_NEED_EXCHANGE || n->role == CU_NEED_LETTERS;
    if (keyless && t->compact)
        unmet(k, true,
              cu_arena_printf(k->a,
                              "topic %s (%s) has cleanup.policy=compact, "
                              "delete is wanted: brokers refuse its records, "
                              "which have no keys",
                              t->name, name),
              alter(k, t->name, "cleanup.policy=delete"));
    if (n->role == CU_NEED_EXCHANGE && !t->compact && forgets(t))
        unmet(k, false,
              cu_arena_printf(k->a,
                              "topic %s (%s) has a retention of %lld ms: rows "
                              "are lost when the app stops for longer",
                              t->name, name, (long long)t->retention_ms),
              alter(k, t->name, "retention.ms=-1"));
}

static void check_size(check *k, const cu_need *n, const cu_topic_info *t)
{
    if (!(n->how & CU_NEED_WRITE) || t->max_record_bytes <= 0 ||
        t->max_record_bytes >= SMALL_BYTES)
        return;
    static const char *const then[] = {
        [CU_NEED_INPUT] = "larger records are put aside by the collector",
        [CU_NEED_VIEW] = "larger rows become dead letters",
        [CU_NEED_SINK] = "larger rows become dead letters",
        [CU_NEED_LETTERS] = "larger letters are cut",
        [CU_NEED_CHANGELOG] = "a larger state value stops the app",
        [CU_NEED_EXCHANGE] = "larger rows become dead letters",
        [CU_NEED_CURSORS] = "larger cursors stop the collector",
        [CU_NEED_LAYOUT] = "a larger layout is not taken"};
    unmet(k, false,
          cu_arena_printf(k->a,
                          "topic %s (%s) takes records up to %lld bytes "
                          "(max.message.bytes), cupel writes up to 16 MiB: %s",
                          t->name, cu_need_name(n, k->a),
                          (long long)t->max_record_bytes, then[n->role]),
          alter(k, t->name, "max.message.bytes=16777216"));
}

int cu_needs_check(cu_cmd *c, const cu_needs *needs, cu_log *log, cu_arena *a,
                   cu_unmet **out, uint32_t *n, cu_err *err)
{
    cu_topic_list known;
    int rc = log->vt->topic_list(log, a, &known, err);
    if (rc)
        return rc;
    check k = {.c = c, .a = a, .cap = 4 * needs->n};
    k.brokers = c->o.brokers ? c->o.brokers : "BROKERS";
    k.at = cu_arena_calloc(a, k.cap + 1, sizeof(*k.at));
    for (uint32_t i = 0; i < needs->n; i++) {
        const cu_topic_info *t = cu_topic_named(&known, needs->at[i].topic);
        if (t == NULL || !(needs->at[i].how & CU_NEED_WRITE))
            continue;
        check_policy(&k, &needs->at[i], t);
        check_size(&k, &needs->at[i], t);
    }
    *out = k.at;
    *n = k.n;
    return 0;
}

int cu_needs_met(cu_cmd *c, cu_app *app, cu_err *err)
{
    cu_needs needs;
    cu_unmet *at;
    uint32_t n;
    const cu_stages *s;
    if (strcmp(app->log->vt->name, "kafka") != 0)
        return 0;
    int rc = cu_app_stages(c, app, &s, err);
    if (rc)
        return rc;
    cu_needs_of(app->program, s, c->arena, &needs);
    rc = cu_needs_check(c, &needs, app->log, c->arena, &at, &n, err);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        if (at[i].fatal)
            return cu_fail(err, CU_EXISTS, 0, "%s; mend it with: %s",
                           at[i].what, at[i].todo);
        cu_warn("%s; to mend it: %s", at[i].what, at[i].todo);
    }
    return rc;
}
