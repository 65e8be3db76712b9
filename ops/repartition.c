/* cupel app repartition: other partitions for a stopped app.
 *
 *   wait     until the group has no members
 *   take     the whole group, with all state restored
 *   move     what the views show; then one transaction makes the new
 *            partitions count (processors/runtime/repartition.c)
 *   delete   the changelogs and exchanges of the old ones, as far as one may
 *
 * A kill before that transaction leaves the old app, and topics that the next
 * try walks around; after it, the next run goes on.
 */
#include "ops/offsets.h"

enum { MOST = 10000 };

static int stopped_first(cu_cmd *c)
{
    cu_err err = {0};
    cu_fail(&err, CU_BUSY, 0,
            "the app is at work in %s; stop it (Ctrl-C, or SIGTERM to the "
            "process that %s/lock names), then give it other partitions",
            c->app->folder, c->app->folder);
    return cu_tell(c, &err);
}

/* Nobody is in the group: asked before anything is opened or joined. */
static int wait_for_group(cu_cmd *c)
{
    cu_app *a;
    cu_err err = {0};
    uint32_t n_paths;
    int rc = cu_app_open_log(c, false, &a, &n_paths);
    if (rc)
        return rc;
    if (c->n_words != n_paths)
        rc = cu_usage(c, "app repartition does not know \"%s\"",
                      c->words[n_paths]);
    else if (cu_group_wait(c, a->log, a->name, &err))
        rc = cu_tell(c, &err);
    cu_app_close(c, a);
    return rc;
}

static void tell_moved(cu_cmd *c, const cu_app *a, const cu_moved *m)
{
    if (c->o.quiet)
        return;
    if (m->nothing)
        cu_say(c->out,
               "app %s has these partitions already; nothing was "
               "changed\n",
               a->name);
    else if (c->o.dry_run)
        cu_say(c->out, "it can be done; nothing was changed\n");
    else if (m->layout.partitions)
        cu_say(c->out, "moved %lld rows; work by a key has %d partitions now\n",
               (long long)m->rows, (int)m->layout.partitions);
    else
        cu_say(c->out,
               "moved %lld rows; the partitions are those of the "
               "inputs\n",
               (long long)m->rows);
}

/* Best effort: they are in nobody's way. */
static void delete_old(cu_cmd *c, cu_log *log, const cu_moved *m)
{
    uint32_t left = 0;
    const char *why = "";
    for (uint32_t i = 0; i < m->n_topics; i++) {
        cu_err err = {0};
        int rc = log->vt->topic_delete(log, m->topics[i], &err);
        if (rc == 0 || rc == CU_NOT_FOUND)
            continue;
        left++;
        why = cu_arena_str(c->arena, err.msg);
    }
    if (left)
        cu_say(c->out,
               "%u topics of the old partitions are still there and can be "
               "deleted: %s\n",
               left, why);
}

static int move(cu_cmd *c, cu_app *a, cu_moved *out, cu_err *err)
{
    cu_worker *w = NULL;
    int rc = cu_worker_open(cu_engine_runtime(a->engine), 0, &w, err);
    if (rc == 0)
        rc = cu_group_take(c, a->name, w, err);
    if (rc == 0)
        rc = cu_worker_repartition(w, c->o.partitions, c->o.dry_run, c->arena,
                                   out, err);
    if (w)
        cu_worker_close(w);
    return rc;
}

static int repartition(cu_cmd *c)
{
    cu_app *a;
    cu_err err = {0};
    cu_moved moved = {0};
    uint32_t n_paths;
    bool quiet = c->o.quiet;
    c->o.quiet = true; /* its notices were told before */
    int rc = cu_app_open(c, &a, &n_paths);
    c->o.quiet = quiet;
    if (rc)
        return rc;
    rc = move(c, a, &moved, &err);
    if (rc)
        rc = cu_tell(c, &err);
    else
        tell_moved(c, a, &moved);
    if (rc == 0 && !moved.nothing && !c->o.dry_run) {
        delete_old(c, a->log, &moved);
        if (!c->o.quiet)
            cu_say(c->out, "the next run makes the views anew behind it; "
                           "their topics get what differs\n");
    }
    cu_app_close(c, a);
    return rc;
}

int cu_cmd_app(cu_cmd *c)
{
    if (c->app)
        return stopped_first(c);
    if (cu_app_paths(c) == 0)
        return cu_usage(c, "app repartition wants the path of a pipeline");
    if (c->o.partitions > MOST)
        return cu_usage(c, "--partitions wants a number up to %d", MOST);
    c->o.moves = c->o.leave = true;
    int rc = wait_for_group(c);
    return rc ? rc : repartition(c);
}
