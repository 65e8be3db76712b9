/* cupel query: one SELECT over the committed rows. */
#include "ops/cli.h"

static void print_problems(cu_cmd *c, const cu_sql_problems *p)
{
    cu_buf b = {0};
    for (uint32_t i = 0; i < p->n; i++)
        cu_sql_problem_print(&p->at[i], p->files, p->n_files, &b);
    if (b.len)
        c->out->write(c->out->ctx, 2, cu_buf_slice(&b));
    cu_buf_free(&b);
}

static int answer(cu_cmd *c, cu_app *app, const char *text)
{
    cu_query *q = NULL;
    cu_sql_problems problems = {0};
    cu_err err = {0};
    int rc = cu_sql_query(app->program, cu_slice_of(text), &q, &problems, &err);
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
