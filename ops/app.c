/* The app that a command works on: SQL compiled, engine open.
 *
 * An existing path is a PATH; the first word that is none ends them.  The
 * app's name is --app, else the folder's or file's name; several paths need
 * --app.
 */
#include "ops/config.h"

#include "base/alloc.h"
#include "base/diag.h"
#include "processors/runtime/layout.h"

static bool is_path(cu_cmd *c, const char *word)
{
    cu_stat st;
    cu_err ignored = {0};
    return c->env->vt->stat(c->env, word, &st, &ignored) == 0;
}

static bool looks_like_path(const char *word)
{
    size_t n = strlen(word);
    return strchr(word, '/') || (n > 4 && strcmp(word + n - 4, ".sql") == 0);
}

/* "pipelines/open-library/" -> open-library; "x/pipeline.sql" -> x;
 * "./a.sql" -> a. */
static const char *name_of(cu_cmd *c, const char *path)
{
    char *p = cu_arena_str(c->arena, path);
    size_t n = strlen(p);
    while (n > 1 && p[n - 1] == '/')
        p[--n] = 0;
    const char *here = c->env->vt->variable(c->env, "PWD");
    if (strcmp(p, ".") == 0 && here) /* the folder's own name */
        return cu_path_base(here);
    const char *base = cu_path_base(p);
    if (strcmp(base, "pipeline.sql") == 0 && strchr(p, '/'))
        return cu_path_base(cu_path_dir(c->arena, p));
    n = strlen(base);
    if (n > 4 && strcmp(base + n - 4, ".sql") == 0)
        return cu_arena_strn(c->arena, base, n - 4);
    return base;
}

uint32_t cu_app_paths(cu_cmd *c)
{
    uint32_t n = 0;
    unsigned flags = c->command->flags;
    bool named = c->o.app || c->o.state || c->o.brokers;
    if (c->app || !(flags & CU_CMD_PATHS))
        return 0;
    if ((flags & CU_CMD_NAME) && named && c->n_words == 1)
        return 0; /* a topic, even if a file has the same name */
    while (n < c->n_words && is_path(c, c->words[n]))
        n++;
    return n;
}

const char *cu_app_name(cu_cmd *c)
{
    if (c->app)
        return c->app->name;
    if (c->o.app)
        return c->o.app;
    if (cu_app_paths(c) == 0)
        return NULL;
    return name_of(c, c->words[0]);
}

const char *cu_app_folder(cu_cmd *c)
{
    if (c->app)
        return c->app->folder;
    if (c->o.state)
        return c->o.state;
    const char *name = cu_app_name(c);
    return name ? cu_arena_printf(c->arena, ".cupel/%s", name) : NULL;
}

static int app_name(cu_cmd *c, uint32_t n_paths, const char **out)
{
    *out = c->o.app ? c->o.app : name_of(c, c->words[0]);
    if (c->o.app == NULL && n_paths > 1)
        return cu_usage(c, "several paths need --app NAME");
    return 0;
}

static void print_problems(cu_cmd *c, const cu_sql_problems *p,
                           const cu_sql_file *files, uint32_t n_files)
{
    cu_buf b = {0};
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->at[i].notice && c->o.quiet)
            continue;
        cu_sql_problem_print(&p->at[i], files, n_files, &b);
    }
    if (b.len)
        c->out->write(c->out->ctx, 2, cu_buf_slice(&b));
    cu_buf_free(&b);
}

int cu_app_compile(cu_cmd *c, cu_program **out, uint32_t *n_paths)
{
    uint32_t n = cu_app_paths(c);
    *n_paths = n;
    if (c->n_words == 0)
        return cu_usage(c,
                        "%s wants the path of a pipeline: a folder or file "
                        "of SQL",
                        c->command->name);
    if (n == 0 && !looks_like_path(c->words[0]) && c->n_words > 1)
        return cu_usage(c, "there is no file or folder \"%s\"", c->words[0]);
    if (n == 0)
        *n_paths = n = 1; /* the compiler names the missing file */
    const char *app;
    int rc = app_name(c, n, &app);
    if (rc)
        return rc;
    cu_sql_opts o = {.env = c->env,
                     .app = app,
                     .paths = c->words,
                     .n_paths = n,
                     .vars = c->o.vars,
                     .n_vars = c->o.n_vars};
    cu_sql_problems problems = {0};
    cu_err err = {0};
    *out = NULL;
    rc = cu_sql_compile(&o, out, &problems, &err);
    print_problems(c, &problems, problems.files, problems.n_files);
    uint32_t n_errors = problems.n_errors;
    cu_sql_problems_free(&problems);
    if (rc == CU_SQL && n_errors) {
        cu_say(c->out, "%u error%s; nothing was started\n", n_errors,
               n_errors == 1 ? "" : "s");
        return 2;
    }
    if (rc == 0)
        cu_config_of_program(c, *out);
    return rc ? cu_tell(c, &err) : 0;
}

/* Is there an embedded app in the folder?  Reading commands make none: a
 * misspelt --state would look like an empty app. */
static int expect_app(cu_cmd *c, const char *dir, cu_err *err)
{
    cu_stat st;
    cu_err why = {0};
    if (c->env->vt->stat(c->env, cu_path_join(c->arena, dir, "db"), &st,
                         &why) == 0)
        return 0;
    if (why.code != CU_NOT_FOUND) {
        *err = why;
        return err->code;
    }
    return cu_fail(err, CU_NOT_FOUND, 0,
                   "there is no app in %s; run one first (cupel run PATH), or "
                   "name its folder with --state",
                   dir);
}

static bool embedded(const cu_cmd *c, const cu_program *p)
{
    return c->o.brokers == NULL && (p == NULL || p->brokers == NULL);
}

static int open_engine(cu_cmd *c, cu_app *a, cu_err *err)
{
    bool makes = c->command->flags & CU_CMD_MAKES;
    int rc = 0;
    if (!makes && embedded(c, a->program))
        rc = expect_app(c, cu_app_folder(c), err);
    if (rc)
        return rc;
    cu_engine_opts o = {.program = a->program,
                        .env = c->env,
                        .state_dir = c->o.state,
                        .brokers = c->o.brokers,
                        .properties = c->o.properties,
                        .n_properties = c->o.n_properties,
                        .instance = c->o.instance,
                        .memory_bytes = (size_t)c->o.memory_bytes,
                        .sync_commit = c->o.sync != NULL,
                        .commit_interval_ms = c->o.commit_interval_ms,
                        .never_idle = c->o.drain,
                        .leaves = c->o.leave,
                        .as_it_was = c->o.moves};
    rc = cu_engine_open(&o, &a->engine, err);
    if (rc)
        return rc;
    a->log = cu_engine_log(a->engine);
    a->kv = cu_engine_kv(a->engine);
    a->folder = cu_engine_folder(a->engine);
    return 0;
}

int cu_app_open(cu_cmd *c, cu_app **out, uint32_t *n_paths)
{
    if (c->app) { /* inside the running process, which was sent no paths */
        *n_paths = 0;
        *out = c->app;
        return 0;
    }
    cu_app *a = cu_calloc(1, sizeof(*a));
    cu_err err = {0};
    int rc = cu_app_compile(c, &a->program, n_paths);
    if (rc) {
        cu_free(a);
        return rc;
    }
    a->name = a->program->app;
    if (c->o.execute || c->o.moves) /* transactions, whatever the delivery */
        a->program->at_least_once = false;
    rc = open_engine(c, a, &err);
    if (rc) {
        rc = cu_tell(c, &err);
        cu_app_close(c, a);
        return rc;
    }
    *out = a;
    return 0;
}

/* --- a log without an engine ---------------------------------------------- */

static int open_kafka(cu_cmd *c, cu_app *a, cu_err *err)
{
    const char *brokers = c->o.brokers ? c->o.brokers : a->program->brokers;
    cu_log_kafka_opts o = {.brokers = brokers,
                           .client_id = "cupel",
                           .properties = c->o.properties,
                           .n_properties = c->o.n_properties,
                           .env = c->env};
    return cu_log_open_kafka(&o, &a->log, err);
}

static int open_local(cu_cmd *c, cu_app *a, bool make, cu_err *err)
{
    const char *dir = cu_app_folder(c);
    a->folder = dir;
    int rc = make ? c->env->vt->make_dirs(c->env, dir, err)
                  : expect_app(c, dir, err);
    if (rc == 0)
        rc = c->env->vt->lock(c->env, cu_path_join(c->arena, dir, "lock"),
                              &a->lock, err);
    if (rc == CU_BUSY)
        return cu_err_note(err, "the app in %s is at work: ", dir);
    cu_kv_opts ko = {.wal = true};
    if (rc == 0)
        rc = cu_kv_open_rocks(cu_path_join(c->arena, dir, "db"), &ko, &a->kv,
                              err);
    cu_log_local_opts lo = {.kv = a->kv, .env = c->env, .carry_state = true};
    return rc ? rc : cu_log_open_local(&lo, &a->log, err);
}

int cu_app_open_log(cu_cmd *c, bool make, cu_app **out, uint32_t *n_paths)
{
    *n_paths = 0;
    if (c->app) {
        *out = c->app;
        return 0;
    }
    bool paths = cu_app_paths(c) > 0;
    if (!paths && !c->o.brokers && !c->o.app && !c->o.state)
        return cu_usage(c,
                        "%s wants %s--brokers LIST (Kafka), or --app NAME "
                        "(an embedded log)",
                        c->command->name,
                        c->command->flags & CU_CMD_PATHS
                            ? "the path of a pipeline, or "
                            : "");
    cu_app *a = cu_calloc(1, sizeof(*a));
    cu_err err = {0};
    int rc = paths ? cu_app_compile(c, &a->program, n_paths) : 0;
    if (rc) {
        cu_free(a);
        return rc;
    }
    a->name = a->program ? a->program->app : c->o.app;
    rc = embedded(c, a->program) ? open_local(c, a, make, &err)
                                 : open_kafka(c, a, &err);
    if (rc) {
        rc = cu_tell(c, &err);
        cu_app_close(c, a);
        return rc;
    }
    *out = a;
    return 0;
}

int cu_app_stages(cu_cmd *c, cu_app *a, const cu_stages **out, cu_err *err)
{
    if (a->engine) {
        *out = cu_runtime_stages(cu_engine_runtime(a->engine));
        return 0;
    }
    const cu_program *p = a->program;
    int32_t *partitions = cu_arena_calloc(c->arena, p->n_tables + 1,
                                          sizeof(*partitions));
    cu_topic_list known = {0};
    if (a->log) {
        int rc = a->log->vt->topic_list(a->log, c->arena, &known, err);
        if (rc)
            return rc;
    }
    for (uint32_t i = 0; i < p->n_tables; i++) {
        const cu_table_def *t = p->tables[i];
        partitions[i] = t->partitions > 0 ? t->partitions : 1;
        for (size_t k = 0; t->topic && k < known.n; k++)
            if (strcmp(known.topics[k].name, t->topic) == 0)
                partitions[i] = known.topics[k].partitions;
    }
    cu_layout_record l = {0};
    if (a->log) {
        int rc = cu_layout_read(a->log, c->env, p->app, c->arena, &l, err);
        if (rc)
            return rc;
    }
    cu_stages *s = cu_arena_calloc(c->arena, 1, sizeof(*s));
    *out = s;
    return cu_stages_lay(p, partitions, &l.layout, c->arena, s, err);
}

void cu_app_close(cu_cmd *c, cu_app *a)
{
    if (a == NULL || a == c->app)
        return;
    if (a->engine) {
        cu_engine_close(a->engine);
        a->kv = NULL;
    } else if (a->log) {
        a->log->vt->close(a->log);
    }
    if (a->kv)
        a->kv->vt->close(a->kv);
    if (a->lock)
        c->env->vt->unlock(c->env, a->lock);
    if (a->program)
        cu_program_free(a->program);
    cu_free(a);
}
