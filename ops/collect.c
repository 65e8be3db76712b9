/* cupel collect: the collectors alone, one full pass.
 *
 * A dry run shows requests and rows and leaves no trace: where no app has
 * run yet it works against an empty log in memory.
 */
#include "ops/run.h"

#include "base/alloc.h"

enum { NAP_US = 20000 };

static bool collected(const cu_table_def *t)
{
    return t->http || t->files;
}

/* The words behind the paths name collected tables. */
static int check_tables(cu_cmd *c, const cu_program *p, uint32_t from)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_tables; i++)
        n += collected(p->tables[i]);
    if (n == 0)
        return cu_usage(c,
                        "%s has no collected tables (on http or files "
                        "servers)",
                        p->app);
    for (uint32_t i = from; i < c->n_words; i++) {
        const cu_table_def *t = cu_program_table(p, c->words[i]);
        if (t == NULL)
            return cu_usage(c, "there is no table \"%s\"", c->words[i]);
        if (!collected(t))
            return cu_usage(c,
                            "table \"%s\" is not collected: its server is "
                            "neither http nor files",
                            t->name);
    }
    return 0;
}

static int first_error(cu_running *r, cu_err *err)
{
    for (uint32_t i = 0; i < r->n_collecting; i++)
        if (r->collecting[i].err.code) {
            *err = r->collecting[i].err;
            return cu_err_note(err, "table %s: ", r->collecting[i].table->name);
        }
    return 0;
}

static int collect(cu_cmd *c, cu_app *a, uint32_t n_paths)
{
    cu_running r = {.c = c, .app = a, .started_us = cu_mono_us(c->env)};
    cu_err err = {0};
    c->o.drain = true; /* a thread ends with its pass */
    int rc = cu_collecting_open(&r, c->words + n_paths, c->n_words - n_paths,
                                c->o.dry_run, &err);
    if (rc == 0)
        rc = cu_collecting_start(&r, &err);
    while (rc == 0 && !cu_collecting_passed(&r) && !atomic_load(&r.failed) &&
           !cu_cmd_stopped(c))
        c->env->vt->sleep_us(c->env, NAP_US);
    bool passed = rc == 0 && cu_collecting_passed(&r);
    atomic_store(&r.stop, 1);
    cu_collecting_join(&r);
    if (rc == 0)
        rc = first_error(&r, &err);
    bool silent = c->o.quiet && c->o.output == CU_OUT_TEXT;
    if (rc == 0 && !c->o.dry_run && !silent)
        cu_summary_collectors(&r);
    cu_collecting_close(&r);
    if (rc)
        return cu_tell(c, &err);
    return passed ? 0 : 130;
}

/* --- the log of a dry run ------------------------------------------------- */

static bool never_ran(cu_cmd *c, const cu_program *p)
{
    cu_stat st;
    if (c->o.brokers || p->brokers)
        return false;
    return c->env->vt->stat(c->env,
                            cu_path_join(c->arena, cu_app_folder(c), "db"), &st,
                            NULL) != 0;
}

static int dry_in_memory(cu_cmd *c, cu_program *p, uint32_t n_paths)
{
    cu_app a = {.program = p, .name = p->app, .kv = cu_kv_open_memory(1)};
    cu_log_local_opts o = {.kv = a.kv, .env = c->env, .carry_state = true};
    cu_err err = {0};
    int rc = cu_log_open_local(&o, &a.log, &err);
    rc = rc ? cu_tell(c, &err) : collect(c, &a, n_paths);
    if (a.log)
        a.log->vt->close(a.log);
    a.kv->vt->close(a.kv);
    return rc;
}

static int dry_run(cu_cmd *c)
{
    cu_program *p;
    uint32_t n_paths;
    int rc = cu_app_compile(c, &p, &n_paths);
    if (rc)
        return rc;
    bool fresh = never_ran(c, p);
    rc = check_tables(c, p, n_paths);
    if (rc == 0 && fresh)
        rc = dry_in_memory(c, p, n_paths);
    cu_program_free(p);
    if (rc || fresh)
        return rc;
    cu_app *a;
    rc = cu_app_open_log(c, false, &a, &n_paths);
    if (rc)
        return rc;
    rc = collect(c, a, n_paths);
    cu_app_close(c, a);
    return rc;
}

/* Inside the process that runs the app: it collects by itself. */
static int beside_running(cu_cmd *c)
{
    int rc = check_tables(c, c->app->program, 0);
    if (rc)
        return rc;
    if (c->o.dry_run)
        return collect(c, c->app, 0);
    cu_say(c->out,
           "refused: the app %s is running and collects by itself; stop it "
           "first, or look with --dry-run\n",
           c->app->name);
    return 3;
}

int cu_cmd_collect(cu_cmd *c)
{
    if (c->app)
        return beside_running(c);
    if (c->o.dry_run)
        return dry_run(c);
    cu_app *a;
    uint32_t n_paths;
    int rc = cu_app_open(c, &a, &n_paths);
    if (rc)
        return rc;
    rc = check_tables(c, a->program, n_paths);
    if (rc == 0)
        rc = collect(c, a, n_paths);
    cu_app_close(c, a);
    return rc;
}
