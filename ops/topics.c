/* cupel topics: list, describe, create, delete. */
#include "ops/topics.h"

static const char *number(cu_cmd *c, int64_t n)
{
    return cu_arena_printf(c->arena, "%lld", (long long)n);
}

/* 604800000 -> "7 days"; programs get milliseconds. */
static const char *retention(cu_cmd *c, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
    if (ms < 0)
        return NULL;
    if (c->o.output != CU_OUT_TEXT)
        return number(c, ms);
    if (ms == 0)
        return "for ever";
    for (int i = 0; i < 4; i++)
        if (ms % units[i].ms == 0)
            return cu_arena_printf(c->arena, "%lld %s",
                                   (long long)(ms / units[i].ms),
                                   units[i].name);
    return cu_arena_printf(c->arena, "%lld ms", (long long)ms);
}

static int bounds(cu_log *log, cu_part part, int64_t *oldest, int64_t *end,
                  cu_err *err)
{
    int rc = log->vt->offset_at(log, part, CU_OLDEST, oldest, err);
    return rc ? rc : log->vt->end_offset(log, part, false, end, err);
}

static int add_topic(cu_cmd *c, cu_app *a, const cu_topic_info *t, cu_cells *to,
                     cu_err *err)
{
    int64_t n = 0;
    for (int32_t p = 0; p < t->partitions; p++) {
        int64_t oldest, end;
        int rc = bounds(a->log, (cu_part){t->name, p}, &oldest, &end, err);
        if (rc)
            return rc;
        n += end - oldest;
    }
    const char *row[] = {t->name, number(c, t->partitions), number(c, n),
                         t->compact ? "compact" : "delete",
                         retention(c, t->retention_ms)};
    cu_cells_add(to, row);
    return 0;
}

static int list(cu_cmd *c, cu_app *a, cu_err *err)
{
    static const char *const names[] = {"topic", ">partitions", ">records",
                                        "cleanup", "retention"};
    cu_topic_list known;
    int rc = a->log->vt->topic_list(a->log, c->arena, &known, err);
    cu_cells *t = cu_cells_new(c->arena, names, 5);
    if (c->o.output != CU_OUT_TEXT)
        cu_cells_raw(t, 4);
    for (size_t i = 0; rc == 0 && i < known.n; i++) {
        bool hidden = strncmp(known.topics[i].name, "__", 2) == 0;
        if (!hidden || c->o.verbose)
            rc = add_topic(c, a, &known.topics[i], t, err);
    }
    if (rc == 0)
        cu_cells_print(t, c);
    return rc;
}

static int describe(cu_cmd *c, cu_app *a, const cu_topic_info *topic,
                    cu_err *err)
{
    static const char *const names[] = {"topic", ">partition", ">oldest",
                                        ">end", ">records"};
    cu_cells *t = cu_cells_new(c->arena, names, 5);
    for (int32_t p = 0; p < topic->partitions; p++) {
        int64_t oldest, end;
        int rc = bounds(a->log, (cu_part){topic->name, p}, &oldest, &end, err);
        if (rc)
            return rc;
        const char *row[] = {topic->name, number(c, p), number(c, oldest),
                             number(c, end), number(c, end - oldest)};
        cu_cells_add(t, row);
    }
    cu_cells_print(t, c);
    return 0;
}

static int create(cu_cmd *c, cu_app *a, const char *name, cu_err *err)
{
    cu_topic_list known;
    int rc = a->log->vt->topic_list(a->log, c->arena, &known, err);
    if (rc)
        return rc;
    if (cu_topic_named(&known, name))
        return cu_fail(
            err, CU_EXISTS, 0, "topic %s exists already, with %d partition%s",
            name, (int)cu_topic_named(&known, name)->partitions,
            cu_topic_named(&known, name)->partitions == 1 ? "" : "s");
    cu_topic_spec s = {.name = name,
                       .partitions = c->o.partitions ? c->o.partitions : 1,
                       .max_record_bytes = 16 << 20};
    rc = a->log->vt->topic_ensure(a->log, &s, err);
    if (rc == 0)
        cu_say(c->out, "made topic %s with %d partition%s\n", name,
               (int)s.partitions, s.partitions == 1 ? "" : "s");
    return rc;
}

/* Does the app that runs in this process read or write the topic? */
static bool in_use(const cu_app *a, const char *topic)
{
    const cu_program *p = a->program;
    if (a->engine == NULL)
        return false;
    for (uint32_t i = 0; i < p->n_tables; i++)
        if (p->tables[i]->topic && strcmp(p->tables[i]->topic, topic) == 0)
            return true;
    size_t n = strlen(a->name);
    for (uint32_t i = 0; i < p->n_views; i++)
        if (p->views[i]->topic && strcmp(p->views[i]->topic, topic) == 0)
            return true;
    return strncmp(topic, a->name, n) == 0 && topic[n] == '.';
}

static int delete (cu_cmd *c, cu_app *a, const cu_topic_info *t, cu_err *err)
{
    if (in_use(a, t->name)) {
        cu_say(c->out,
               "refused: the running app %s uses topic %s; stop it first\n",
               a->name, t->name);
        return 3;
    }
    int64_t n = 0;
    for (int32_t p = 0; p < t->partitions; p++) {
        int64_t oldest, end;
        if (bounds(a->log, (cu_part){t->name, p}, &oldest, &end, err))
            return cu_tell(c, err);
        n += end - oldest;
    }
    /* Markers of transactions and compacted records have offsets too. */
    bool exact = strcmp(a->log->vt->name, "local") == 0 && !t->compact;
    const char *its = exact ? "its" : "up to";
    if (!c->o.yes) {
        cu_say(c->out,
               "this would delete topic %s with %s %lld record%s; nothing "
               "was changed: say --yes to do it\n",
               t->name, its, (long long)n, n == 1 ? "" : "s");
        return 3;
    }
    if (a->log->vt->topic_delete(a->log, t->name, err))
        return cu_tell(c, err);
    cu_say(c->out, "deleted topic %s with %s %lld record%s\n", t->name, its,
           (long long)n, n == 1 ? "" : "s");
    return 0;
}

static int run_verb(cu_cmd *c, cu_app *a)
{
    cu_err err = {0};
    cu_topic_info t;
    int rc = 0;
    if (strcmp(c->verb, "list") == 0)
        rc = list(c, a, &err);
    else if (strcmp(c->verb, "create") == 0)
        rc = create(c, a, c->words[0], &err);
    else if ((rc = cu_topic_find(c, a, c->words[0], &t)) != 0)
        return rc;
    else if (strcmp(c->verb, "delete") == 0)
        return delete (c, a, &t, &err);
    else
        rc = describe(c, a, &t, &err);
    return rc ? cu_tell(c, &err) : 0;
}

int cu_cmd_topics(cu_cmd *c)
{
    bool alone = strcmp(c->verb, "list") == 0;
    if (c->n_words != (alone ? 0 : 1))
        return cu_usage(c, "topics %s wants %s", c->verb,
                        alone ? "no more words; an app is named with --app"
                              : "the name of one topic");
    cu_app *a;
    uint32_t n_paths;
    int rc = cu_app_open_log(c, strcmp(c->verb, "create") == 0, &a, &n_paths);
    if (rc)
        return rc;
    rc = run_verb(c, a);
    cu_app_close(c, a);
    return rc;
}
