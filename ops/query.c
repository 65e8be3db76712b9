/* cupel query: one SELECT over the committed rows. */
#include "ops/cli.h"

enum { LOOKS = 4, LOOK_US = 150000 };

static void print_problems(cu_cmd *c, const cu_sql_problems *p)
{
    cu_buf b = {0};
    for (uint32_t i = 0; i < p->n; i++)
        cu_sql_problem_print(&p->at[i], p->files, p->n_files, &b);
    if (b.len)
        c->out->write(c->out->ctx, 2, cu_buf_slice(&b));
    cu_buf_free(&b);
}

/* --- is everything here? ---------------------------------------------------
 *
 * On Kafka a process keeps the partitions that it owns.  A stage whose
 * progress here is behind the group's positions is kept by somebody else, and
 * an answer without its rows would be wrong.
 */

static int64_t next_of(const cu_progress *p, cu_part part)
{
    for (uint32_t i = 0; i < p->n_inputs; i++)
        if (cu_part_eq(p->inputs[i].part, part))
            return p->inputs[i].next;
    return 0;
}

static int behind(cu_cmd *c, cu_app *app, cu_store *store, const cu_stage *s,
                  int32_t partition, bool *out, cu_err *err)
{
    cu_space *space;
    cu_progress p = {0};
    bool found;
    uint32_t id = cu_runtime_stage_id(cu_engine_runtime(app->engine), s);
    int rc = cu_space_open(store, id, (uint16_t)partition, &space, err);
    if (rc)
        return rc;
    rc = cu_space_progress(space, c->arena, &p, &found, err);
    for (uint32_t i = 0; rc == 0 && i < s->n_feeds; i++) {
        const cu_feed *f = &s->feeds[i];
        int64_t at;
        if (f->kind == CU_FEED_STAGE)
            continue;
        cu_part part = {f->topic, partition};
        rc = app->log->vt->committed(app->log, app->name, part, &at, err);
        if (rc == 0 && at > (found ? next_of(&p, part) : 0))
            *out = true;
    }
    cu_space_close(space);
    return rc;
}

/* The first stage and partition that is kept elsewhere, or NULL. */
static int find_elsewhere(cu_cmd *c, cu_app *app, const cu_stage **stage,
                          int32_t *partition, cu_err *err)
{
    const cu_stages *all = cu_runtime_stages(cu_engine_runtime(app->engine));
    cu_store *store = cu_store_new(app->kv, 0);
    bool found = false;
    int rc = 0;
    *stage = NULL;
    for (uint32_t i = 0; rc == 0 && !found && i < all->n; i++)
        for (int32_t p = 0; rc == 0 && !found && p < all->at[i]->partitions;
             p++) {
            rc = behind(c, app, store, all->at[i], p, &found, err);
            *stage = found ? all->at[i] : NULL;
            *partition = p;
        }
    cu_store_free(store);
    return rc;
}

/* A commit moves the group just before the store: a second look settles it. */
static int check_complete(cu_cmd *c, cu_app *app)
{
    const cu_stage *stage = NULL;
    int32_t p = 0;
    cu_err err = {0};
    if (cu_engine_embedded(app->engine))
        return 0;
    for (int tries = 0; tries < LOOKS; tries++) {
        if (tries)
            c->env->vt->sleep_us(c->env, LOOK_US);
        if (find_elsewhere(c, app, &stage, &p, &err))
            return cu_tell(c, &err);
        if (stage == NULL)
            return 0;
    }
    cu_say(c->out,
           "error: partition %d of %s is kept by another process of the app, "
           "or has not been restored to %s: the answer would lack its rows; "
           "read the view's topic instead (cupel tail PATH %s "
           "--from-beginning --until-end), or ask while one process runs "
           "alone\n",
           (int)p, stage->name, app->folder, stage->view->name);
    return 1;
}

static int answer(cu_cmd *c, cu_app *app, const char *text)
{
    cu_query *q = NULL;
    cu_sql_problems problems = {0};
    cu_err err = {0};
    int rc = check_complete(c, app);
    if (rc)
        return rc;
    rc = cu_sql_query(app->program, cu_slice_of(text), &q, &problems, &err);
    bool shown = problems.n_errors > 0;
    print_problems(c, &problems);
    cu_sql_problems_free(&problems);
    if (rc)
        return shown ? 2 : cu_tell(c, &err);
    cu_result *r = NULL;
    rc = cu_engine_query(app->engine, q, &r, &err);
    if (rc == 0) {
        cu_result_print(r, q->copy, c);
        cu_result_free(r);
    }
    cu_query_free(q);
    return rc ? cu_tell(c, &err) : 0;
}

int cu_cmd_query(cu_cmd *c)
{
    cu_app *app;
    uint32_t n_paths;
    int rc = cu_app_open(c, &app, &n_paths);
    if (rc)
        return rc;
    if (c->n_words != n_paths + 1)
        rc = cu_usage(c, "query wants one SELECT behind the path, in quotes");
    else
        rc = answer(c, app, c->words[n_paths]);
    cu_app_close(c, app);
    return rc;
}
