/* The front door: files in, a program or all problems out. */
#include "processors/sql/sql.h"

#include "processors/sql/ddl.h"
#include "processors/sql/vars.h"

#include "processors/expr/prog.h"

enum { FILE_BYTES = 8 << 20, APP_BYTES = 100 };

/* --- files ---------------------------------------------------------------- */

static bool is_sql(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && name[0] != '.' && !strcmp(name + n - 4, ".sql");
}

static void add_file(cu_sql *s, const char *path)
{
    cu_program *p = s->program;
    p->files = cu_sql_grow(s->arena, p->files, p->n_files, sizeof *p->files);
    p->files[p->n_files++] = (cu_sql_file){
        .path = cu_arena_str(s->arena, path),
        .dir = cu_path_dir(s->arena, path),
    };
}

static int add_folder(cu_sql *s, const char *path, cu_err *err)
{
    cu_names names = {0};
    int rc = s->env->vt->list_dir(s->env, path, s->arena, &names, err);
    uint32_t before = s->program->n_files;
    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        const char *full = cu_path_join(s->arena, path, names.names[i]);
        cu_stat st = {0};
        if (!is_sql(names.names[i]))
            continue;
        rc = s->env->vt->stat(s->env, full, &st, err);
        if (rc == 0 && !st.is_dir)
            add_file(s, full);
    }
    if (rc == 0 && s->program->n_files == before)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "no *.sql files in %s; name a folder or file of SQL",
                       path);
    return rc;
}

static int add_path(cu_sql *s, const char *path, cu_err *err)
{
    cu_stat st = {0};
    cu_err why = {0};
    int rc = s->env->vt->stat(s->env, path, &st, &why);
    if (rc == CU_NOT_FOUND)
        return cu_fail(err, CU_NOT_FOUND, 0,
                       "cannot read %s: no such file; name a file of SQL, or "
                       "a folder that holds *.sql files",
                       path);
    if (rc)
        return cu_fail(err, why.code, why.flags, "%s", why.msg);
    if (st.is_dir)
        return add_folder(s, path, err);
    add_file(s, path);
    return 0;
}

/* All files are read before the first is parsed: no half answers. */
static int read_files(cu_sql *s, cu_err *err)
{
    cu_program *p = s->program;
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < s->opts->n_paths; i++)
        rc = add_path(s, s->opts->paths[i], err);
    for (uint32_t i = 0; rc == 0 && i < p->n_files; i++)
        rc = s->env->vt->read_file(s->env, p->files[i].path, FILE_BYTES,
                                   s->arena, &p->files[i].text, err);
    return rc;
}

/* --- text -> statements -> program ---------------------------------------- */

static bool is_utf8(cu_sql *s, int32_t file, cu_slice text)
{
    size_t good = cu_utf8_valid_prefix(text);
    if (good == text.len)
        return true;
    cu_sql_error(s, (cu_pos){file, (int32_t)good},
                 CU_SQLSTATE('2', '2', '0', '2', '1'),
                 "Save the file as UTF-8.",
                 "invalid byte sequence for encoding \"UTF8\": 0x%02x",
                 (unsigned)(unsigned char)text.data[good]);
    return false;
}

static uint32_t parse_text(cu_sql *s, cu_sql_vars *vars, int32_t file,
                           cu_slice text, cu_buf *filled, cu_ast_stmt ***out)
{
    const cu_sql_map *map;
    cu_slice ready;
    if (!is_utf8(s, file, text))
        return 0;
    cu_sql_fill(s, vars, file, text, &ready, &map);
    cu_buf_put_slice(filled, ready);
    return cu_sql_parse(s, file, ready, map, out);
}

static void build(cu_sql *s)
{
    cu_program *p = s->program;
    cu_sql_vars *vars = cu_sql_vars_new(s);
    cu_buf filled = {0};
    cu_ast_stmt **all = NULL;
    uint32_t n_all = 0;
    for (uint32_t i = 0; i < p->n_files; i++) {
        cu_ast_stmt **stmts = NULL;
        uint32_t n = parse_text(s, vars, (int32_t)i, p->files[i].text, &filled,
                                &stmts);
        for (uint32_t k = 0; k < n; k++) {
            all = cu_sql_grow(s->arena, all, n_all, sizeof *all);
            all[n_all++] = stmts[k];
        }
    }
    cu_ddl_merge(s, all, n_all);
    for (uint32_t i = 0; i < n_all; i++)
        cu_ddl_statement(s, all[i]);
    cu_ddl_finish(s);
    p->hash = cu_hash(cu_buf_slice(&filled));
    cu_buf_free(&filled);
}

static bool app_ok(const char *app)
{
    if (!app || !*app || strlen(app) > APP_BYTES || app[0] == '.' ||
        app[0] == '-')
        return false;
    return cu_topic_ok(app);
}

static void open_sql(cu_sql *s, const cu_sql_opts *opts, cu_program *p,
                     cu_expr_env *expr_env, cu_arena *arena)
{
    *expr_env = (cu_expr_env){.env = opts->env, .zone = cu_zone_utc()};
    *s = (cu_sql){
        .arena = arena,
        .env = opts->env,
        .program = p,
        .opts = opts,
        .expr_env = expr_env,
        .problem_arena = cu_arena_new(0),
    };
}

/* What the caller says when it has no room for the list. */
static int failed(const cu_sql_problems *p, cu_err *err)
{
    const cu_sql_problem *first = NULL;
    for (uint32_t i = 0; !first && i < p->n; i++)
        first = p->at[i].notice ? NULL : &p->at[i];
    int rc = cu_fail(err, CU_SQL, 0, "%.400s%s", first ? first->message : "",
                     p->n_errors > 1 ? " (and more)" : "");
    if (err && first)
        err->sqlstate = first->sqlstate;
    return rc;
}

/* The problems outlive the program that they are about. */
static void keep_files(const cu_program *p, cu_sql_problems *problems)
{
    if (problems->arena == NULL)
        return;
    cu_sql_file *files = cu_arena_calloc(problems->arena, p->n_files + 1,
                                         sizeof *files);
    for (uint32_t i = 0; i < p->n_files; i++)
        files[i] = (cu_sql_file){
            .path = cu_arena_str(problems->arena, p->files[i].path),
            .dir = cu_arena_str(problems->arena, p->files[i].dir),
            .text = cu_arena_slice(problems->arena, p->files[i].text),
        };
    problems->files = files;
    problems->n_files = p->n_files;
}

int cu_sql_compile(const cu_sql_opts *opts, cu_program **out,
                   cu_sql_problems *problems, cu_err *err)
{
    *out = NULL;
    *problems = (cu_sql_problems){0};
    if (!app_ok(opts->app))
        return cu_fail(err, CU_USAGE, 0,
                       "app name \"%s\" is not fit for topics: use up to %d "
                       "letters, digits, \"_\", \"-\" and \".\" (--app NAME)",
                       opts->app ? opts->app : "", APP_BYTES);
    cu_arena *arena = cu_arena_new(64 << 10);
    cu_program *p = cu_arena_calloc(arena, 1, sizeof *p);
    p->arena = arena;
    p->app = cu_arena_str(arena, opts->app);
    cu_sql s;
    cu_expr_env expr_env;
    open_sql(&s, opts, p, &expr_env, arena);
    int rc = read_files(&s, err);
    if (rc == 0) {
        build(&s);
        cu_sql_finish(&s, CU_NULL_SLICE, problems);
        keep_files(p, problems);
        rc = problems->n_errors ? failed(problems, err) : 0;
    } else {
        cu_arena_free(s.problem_arena);
    }
    if (rc)
        cu_arena_free(arena);
    else
        *out = p;
    return rc;
}

void cu_program_free(cu_program *p)
{
    if (p)
        cu_arena_free(p->arena);
}

/* --- queries -------------------------------------------------------------- */

/* A program over the same tables and views with room for one view more. */
static cu_program *shadow(const cu_program *p, cu_arena *a)
{
    cu_program *q = cu_arena_dup(a, p, sizeof *p);
    q->views = NULL;
    for (uint32_t i = 0; i < p->n_views; i++) {
        q->views = cu_sql_grow(a, q->views, i, sizeof *q->views);
        q->views[i] = p->views[i];
    }
    q->n_copies = 0;
    return q;
}

static const cu_ast_stmt *only_select(cu_sql *s, cu_ast_stmt *const *stmts,
                                      uint32_t n)
{
    cu_pos start = {-1, 0};
    if (s->n_problems)
        return NULL;
    if (n == 1 && stmts[0]->kind == CU_S_SELECT)
        return stmts[0];
    if (n == 0)
        cu_sql_error(s, start, CU_SQLSTATE('4', '2', '6', '0', '1'), NULL,
                     "the query is empty");
    else if (n > 1)
        cu_sql_refuse(s, stmts[1]->pos, "a second statement in a query");
    else
        cu_sql_refuse(s, stmts[0]->pos, "this statement as a query");
    return NULL;
}

int cu_sql_query(const cu_program *p, cu_slice text, cu_query **out,
                 cu_sql_problems *problems, cu_err *err)
{
    cu_arena *arena = cu_arena_new(0);
    cu_sql_opts opts = {.env = p->sql->env, .app = p->app};
    cu_program *q = shadow(p, arena);
    cu_sql s;
    cu_expr_env expr_env;
    cu_ast_stmt **stmts = NULL;
    cu_buf filled = {0};
    *out = NULL;
    open_sql(&s, &opts, q, &expr_env, arena);
    for (uint32_t i = 0; i < p->sql->n_views; i++) {
        s.views = cu_sql_grow(arena, s.views, i, sizeof *s.views);
        s.views[s.n_views++] = p->sql->views[i];
    }
    s.functions = p->sql->functions;
    uint32_t n = parse_text(&s, cu_sql_vars_new(&s), -1, text, &filled, &stmts);
    const cu_ast_stmt *st = only_select(&s, stmts, n);
    cu_copy_def *copy = NULL;
    if (st)
        copy = cu_ddl_copy_of(&s, "query", st->pos, st->select);
    cu_buf_free(&filled);
    cu_sql_finish(&s, text, problems);
    if (problems->n_errors || !copy) {
        cu_arena_free(arena);
        return failed(problems, err);
    }
    *out = cu_arena_calloc(arena, 1, sizeof **out);
    **out = (cu_query){arena, copy};
    return 0;
}

void cu_query_free(cu_query *q)
{
    if (q)
        cu_arena_free(q->arena);
}
