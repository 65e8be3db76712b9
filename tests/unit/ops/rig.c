#include "tests/unit/ops/rig.h"

#include <criterion/criterion.h>

static void keep(void *ctx, int stream, cu_slice bytes)
{
    cu_rig *r = ctx;
    cu_buf_put_slice(&r->said[stream], bytes);
}

static size_t give(void *ctx, char *to, size_t max)
{
    cu_rig *r = ctx;
    size_t n = r->input.len < max ? r->input.len : max;
    if (n)
        memcpy(to, r->input.data, n);
    r->input.data += n;
    r->input.len -= n;
    return n;
}

void cu_rig_open(cu_rig *r)
{
    *r = (cu_rig){.env = cu_env_sim(1)};
    r->out = (cu_out){.write = keep, .ctx = r, .width = 80};
    r->in = (cu_in){.read = give, .ctx = r};
    r->c = (cu_cmd){
        .env = r->env, .out = &r->out, .in = &r->in, .arena = cu_arena_new(0)};
}

void cu_rig_close(cu_rig *r)
{
    if (r->app.engine)
        cu_engine_close(r->app.engine);
    if (r->app.program)
        cu_program_free(r->app.program);
    if (r->log)
        r->log->vt->close(r->log);
    if (r->kv)
        r->kv->vt->close(r->kv);
    for (int i = 0; i < 3; i++)
        cu_buf_free(&r->said[i]);
    cu_arena_free(r->c.arena);
    r->env->vt->close(r->env);
}

void cu_rig_app(cu_rig *r, const char *sql)
{
    const char *path = "shop.sql";
    cu_err err = {0};
    cu_sql_problems problems = {0};
    r->env->vt->write_file(r->env, path, cu_slice_of(sql), &err);
    cu_sql_opts o = {
        .env = r->env, .app = "shop", .paths = &path, .n_paths = 1};
    int rc = cu_sql_compile(&o, &r->app.program, &problems, &err);
    cr_assert_eq(rc, 0, "%s%s", err.msg,
                 problems.n ? problems.at[0].message : "");
    cu_sql_problems_free(&problems);
    r->kv = cu_kv_open_memory(1);
    cu_log_local_opts lo = {.kv = r->kv, .env = r->env, .carry_state = true};
    cr_assert_eq(cu_log_open_local(&lo, &r->log, &err), 0, "%s", err.msg);
    cu_engine_opts eo = {.program = r->app.program,
                         .env = r->env,
                         .kv = r->kv,
                         .log = r->log,
                         .log_carries_state = true};
    cr_assert_eq(cu_engine_open(&eo, &r->app.engine, &err), 0, "%s", err.msg);
    r->app.log = r->log;
    r->app.kv = r->kv;
    r->app.name = "shop";
    r->app.folder = "memory";
    r->c.app = &r->app;
    r->running = (cu_running){.c = &r->c, .app = &r->app};
}

int cu_rig_parse(cu_rig *r, const char *words)
{
    cu_arena *a = r->c.arena;
    const char *argv[64] = {"cupel"};
    int argc = 1;
    for (const char *p = words; *p && argc < 64;) {
        size_t n = strcspn(p, " ");
        char *word = cu_arena_strn(a, p, n);
        for (char *q = word; *q; q++)
            if (*q == '~')
                *q = ' ';
        argv[argc++] = word;
        p += n;
        p += *p == ' ';
    }
    r->c.o = (cu_options){0};
    r->c.command = NULL;
    r->c.verb = NULL;
    r->c.n_words = 0;
    return cu_args_parse(&r->c, argc,
                         cu_arena_dup(a, argv, sizeof(*argv) * (size_t)argc));
}

int cu_rig_run(cu_rig *r, const char *words)
{
    int code = cu_rig_parse(r, words);
    return code ? code : r->c.command->run(&r->c);
}

void cu_rig_fill(cu_rig *r, const char *topic, const char *const *values)
{
    cu_writer *w;
    cu_err err = {0};
    cr_assert_eq(r->log->vt->writer_open(r->log, "fill", &w, &err), 0);
    cr_assert_eq(w->vt->begin(w, &err), 0);
    for (int64_t i = 0; values[i]; i++) {
        cu_record rec = {.part = {topic, 0},
                         .timestamp_ms = 1704067200000 + i,
                         .value = cu_slice_of(values[i])};
        cr_assert_eq(cu_log_append(w, &rec, &err), 0, "%s", err.msg);
    }
    cr_assert_eq(w->vt->commit(w, 1000, r->c.arena, NULL, &err), 0);
    w->vt->writer_close(w);
}

const char *cu_rig_said(cu_rig *r, int stream)
{
    cu_buf *b = &r->said[stream];
    char *text = cu_arena_strn(r->c.arena, b->data ? b->data : "", b->len);
    cu_buf_clear(b);
    return text;
}
