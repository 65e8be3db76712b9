/* cupel offsets reset, import: other positions.
 *
 *   plan        what the log says; no group is joined for it
 *   --execute   undo file, then
 *     a group   its positions, when it has no members
 *     the app   joins its group as the only member, restores all state, and
 *               sets positions and state in one transaction
 *               (processors/runtime/rebuild.h); who joins meanwhile fences it
 *
 * The undo file of an app holds where its views began: that, not where its
 * group was, is what brings the same views back.
 */
#include "ops/offsets.h"

#include "base/alloc.h"
#include "ops/topics.h"

enum { SESSION_MS = 12000, JOIN_MS = 60000, POLL_MS = 50, NAP_US = 500000 };

typedef struct resetting {
    cu_cmd *c;
    const char *group;
    cu_goal goal;
    cu_narrow *narrow;
    uint32_t n_narrow;
    cu_moves moves;
} resetting;

/* --- the plan ------------------------------------------------------------- */

/* The topics that --topic or the file names; 0: none are named. */
static uint32_t named_topics(const resetting *r, const char ***out)
{
    const cu_positions *p = &r->goal.listed;
    uint32_t n = 0;
    *out = cu_arena_calloc(r->c->arena, r->n_narrow + p->n + 1, sizeof(**out));
    for (uint32_t i = 0; i < r->n_narrow; i++)
        (*out)[n++] = r->narrow[i].topic;
    for (size_t i = 0; r->n_narrow == 0 && i < p->n; i++)
        (*out)[n++] = p->at[i].part.topic;
    return n;
}

static int rows_of(resetting *r, cu_app *a, cu_lag *out, cu_err *err)
{
    cu_cmd *c = r->c;
    const char **topics;
    if (c->o.group == NULL)
        return cu_offsets_of_app(c, a, out, err);
    uint32_t n = named_topics(r, &topics);
    if (n)
        return cu_lag_read(a->log, r->group, topics, n, c->arena, out, err);
    return cu_lag_group(a->log, r->group, c->arena, out, err);
}

static int plan(resetting *r, cu_app *a, cu_err *err)
{
    cu_cmd *c = r->c;
    cu_lag rows;
    const char *missing;
    int rc = rows_of(r, a, &rows, err);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < rows.n; i++) /* the log may be closed before us */
        rows.at[i].part.topic = cu_arena_str(c->arena, rows.at[i].part.topic);
    cu_lag_narrow(&rows, r->narrow, r->n_narrow, &missing);
    if (missing)
        return cu_fail(err, CU_USAGE, 0,
                       "--topic names %s, or a partition of it, which %s does "
                       "not read; cupel offsets show lists what it reads",
                       missing, r->group);
    rc = cu_moves_plan(a->log, &r->goal, &rows, c->arena, &r->moves, err);
    if (rc == 0 && r->moves.n == 0)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "group %s has no positions here; --topic names what it "
                       "shall get",
                       r->group);
    return rc;
}

/* --- the way back --------------------------------------------------------- */

static const char *undo_path(resetting *r)
{
    cu_cmd *c = r->c;
    const char *folder = c->o.group ? NULL : cu_app_folder(c);
    cu_buf time = {0};
    char stamp[32];
    size_t n = 0;
    if (c->o.undo)
        return c->o.undo;
    cu_put_time_ms(cu_wall_us(c->env) / 1000, &time);
    for (size_t i = 0; i < time.len && time.data[i] != '.'; i++)
        if (time.data[i] != '-' && time.data[i] != ':' && n < 30)
            stamp[n++] = time.data[i];
    stamp[n] = 0;
    cu_buf_free(&time);
    const char *name = cu_arena_printf(c->arena, "undo-%s-%sZ.csv", r->group,
                                       stamp);
    return folder ? cu_path_join(c->arena, folder, name) : name;
}

static int write_undo(resetting *r, const cu_positions *before, cu_err *err)
{
    cu_cmd *c = r->c;
    cu_buf text = {0};
    const char *path = undo_path(r);
    cu_positions_csv(before, &text);
    int rc = c->env->vt->write_file(c->env, path, cu_buf_slice(&text), err);
    cu_buf_free(&text);
    if (rc == 0)
        cu_say(c->out, "the way back: %s (cupel offsets import)\n", path);
    return rc;
}

/* --- any group ------------------------------------------------------------ */

/* A cupel app's positions are part of its state. */
static int check_group(resetting *r, cu_app *a, cu_err *err)
{
    cu_topic_list known;
    size_t n = strlen(r->group);
    int rc = a->log->vt->topic_list(a->log, r->c->arena, &known, err);
    bool app = a->name && strcmp(a->name, r->group) == 0;
    for (size_t i = 0; rc == 0 && i < known.n; i++) {
        const char *t = known.topics[i].name;
        size_t len = strlen(t);
        app = app || (strncmp(t, r->group, n) == 0 && t[n] == '.' &&
                      len > n + 10 && strcmp(t + len - 10, ".changelog") == 0);
    }
    if (rc == 0 && app)
        return cu_fail(err, CU_BUSY, 0,
                       "group %s is that of a cupel app: its positions are "
                       "part of its state; reset it by its path (cupel "
                       "offsets reset PATH)",
                       r->group);
    return rc;
}

static cu_positions befores(const resetting *r)
{
    cu_positions p = {
        .at = cu_arena_calloc(r->c->arena, r->moves.n + 1, sizeof(*p.at))};
    for (uint32_t i = 0; i < r->moves.n; i++)
        if (r->moves.at[i].at.at != CU_NO_OFFSET)
            p.at[p.n++] = (cu_position){r->moves.at[i].at.part,
                                        r->moves.at[i].at.at};
    return p;
}

static cu_positions afters(const resetting *r)
{
    cu_positions p = {
        .at = cu_arena_calloc(r->c->arena, r->moves.n + 1, sizeof(*p.at))};
    for (uint32_t i = 0; i < r->moves.n; i++)
        p.at[p.n++] = (cu_position){r->moves.at[i].at.part,
                                    r->moves.at[i].next};
    return p;
}

static int reset_group(resetting *r, cu_app *a, cu_err *err)
{
    cu_log *log = a->log;
    cu_positions before = befores(r), after = afters(r);
    int rc = check_group(r, a, err);
    /* The same once more: whether it may be set at all. */
    if (rc == 0)
        rc = log->vt->group_alter(log, r->group, &before, err);
    if (rc == 0)
        rc = write_undo(r, &before, err);
    if (rc == 0)
        rc = log->vt->group_alter(log, r->group, &after, err);
    if (rc == 0)
        cu_say(r->c->out, "set %u positions of group %s\n", r->moves.n,
               r->group);
    return rc;
}

/* --- the app -------------------------------------------------------------- */

/* The place of a process that was stopped or killed is kept for a session. */
int cu_group_wait(cu_cmd *c, cu_log *log, const char *group, cu_err *err)
{
    int64_t until = cu_mono_ms(c->env) + SESSION_MS;
    bool told = false;
    for (;;) {
        cu_positions now;
        int rc = log->vt->group_positions(log, group, c->arena, &now, err);
        if (rc == 0)
            rc = log->vt->group_alter(log, group, &now, err);
        if (rc != CU_BUSY || cu_mono_ms(c->env) >= until || cu_cmd_stopped(c))
            return rc;
        if (!told)
            cu_say(c->out, "the group has members; one that has stopped "
                           "counts for ten seconds more\n");
        told = true;
        cu_err_clear(err);
        c->env->vt->sleep_us(c->env, NAP_US);
    }
}

int cu_group_take(cu_cmd *c, const char *group, cu_worker *w, cu_err *err)
{
    int64_t until = cu_mono_ms(c->env) + JOIN_MS;
    cu_worker_still(w);
    while (!cu_worker_owns_all(w)) {
        bool busy;
        int rc = cu_worker_step(w, POLL_MS, &busy, err);
        if (rc)
            return rc;
        if (cu_cmd_stopped(c))
            return cu_fail(err, CU_STOPPED, 0, "interrupted; nothing changed");
        if (cu_mono_ms(c->env) > until)
            return cu_fail(err, CU_BUSY, 0,
                           "group %s has other members; stop all processes of "
                           "the app, then try again",
                           group);
    }
    return 0;
}

static int reset_state(resetting *r, cu_app *a, cu_err *err)
{
    cu_worker *w = NULL;
    cu_positions before, after = afters(r);
    int rc = cu_worker_open(cu_engine_runtime(a->engine), 0, &w, err);
    if (rc == 0)
        rc = cu_group_take(r->c, r->group, w, err);
    if (rc == 0)
        rc = cu_worker_begins(w, r->c->arena, &before, err);
    if (rc == 0)
        rc = write_undo(r, &before, err);
    if (rc == 0)
        rc = cu_worker_reset(w, &after, err);
    if (w)
        cu_worker_close(w);
    return rc;
}

static int reset_app(resetting *r)
{
    cu_cmd *c = r->c;
    cu_app *a;
    cu_err err = {0};
    uint32_t n_paths;
    bool quiet = c->o.quiet;
    c->o.leave = true;
    c->o.quiet = true; /* its notices were told with the plan */
    int rc = cu_app_open(c, &a, &n_paths);
    c->o.quiet = quiet;
    if (rc)
        return rc;
    rc = reset_state(r, a, &err);
    if (rc)
        rc = cu_tell(c, &err);
    else
        cu_say(c->out,
               "set %u positions; the next run makes the views anew from "
               "there, and their topics get what differs\n",
               r->moves.n);
    cu_app_close(c, a);
    return rc;
}

static int running(resetting *r, cu_err *err)
{
    return cu_fail(err, CU_BUSY, 0,
                   "the app is at work in %s; stop it (Ctrl-C, or SIGTERM to "
                   "the process that %s/lock names), then reset it",
                   r->c->app->folder, r->c->app->folder);
}

static int run(resetting *r, cu_app *a, bool *app_too, cu_err *err)
{
    cu_cmd *c = r->c;
    bool of_app = c->o.group == NULL;
    int rc = plan(r, a, err);
    if (rc)
        return rc;
    cu_moves_print(c, r->group, &r->moves);
    if (of_app && !c->o.quiet && (r->n_narrow || r->goal.kind == CU_GOAL_FILE))
        cu_say(c->out, "partitions that are not listed are read again from "
                       "where the views began\n");
    if (!c->o.execute) {
        if (!c->o.quiet)
            cu_say(c->out, "nothing was changed; --execute does it\n");
        return 0;
    }
    if (c->app && of_app)
        return running(r, err);
    if (of_app)
        rc = cu_group_wait(c, a->log, r->group, err);
    *app_too = of_app && rc == 0;
    return of_app ? rc : reset_group(r, a, err);
}

int cu_offsets_reset(cu_cmd *c, const char *file)
{
    resetting r = {.c = c};
    cu_app *a;
    cu_err err = {0};
    uint32_t n_paths;
    bool app_too = false;
    int rc = cu_goal_parse(c, file, &r.goal);
    if (rc == 0)
        rc = cu_narrow_parse(c, &r.narrow, &r.n_narrow);
    if (rc == 0 && c->o.group == NULL && c->app == NULL && cu_app_paths(c) == 0)
        rc = cu_usage(c,
                      "offsets %s wants the path of a pipeline, or --group "
                      "GROUP",
                      c->verb);
    if (rc == 0)
        rc = cu_app_open_log(c, false, &a, &n_paths);
    if (rc)
        return rc;
    r.group = cu_arena_str(c->arena, c->o.group ? c->o.group : a->name);
    rc = run(&r, a, &app_too, &err);
    if (rc)
        rc = cu_tell(c, &err);
    cu_app_close(c, a);
    return app_too ? reset_app(&r) : rc;
}
