#include "tests/unit/sql/golden.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* --- a program as text ---------------------------------------------------- */

static void put_names(cu_buf *out, const char *word, const cu_schema *s,
                      const uint16_t *cols, uint32_t n)
{
    if (!n)
        return;
    cu_buf_printf(out, " %s (", word);
    for (uint32_t i = 0; i < n; i++)
        cu_buf_printf(out, "%s%s", i ? ", " : "", s->fields[cols[i]].name);
    cu_buf_put_str(out, ")");
}

static void put_int(cu_buf *out, const char *word, int64_t v, int64_t usual)
{
    if (v != usual)
        cu_buf_printf(out, " %s %lld", word, (long long)v);
}

static void put_str(cu_buf *out, const char *word, const char *v)
{
    if (v)
        cu_buf_printf(out, " %s %s", word, v);
}

static void put_http(cu_buf *out, const cu_http_source *h)
{
    cu_buf_printf(out, "  http %s%s", h->url, h->path);
    put_str(out, "params", h->params);
    put_str(out, "agent", h->user_agent);
    cu_buf_printf(out, " rate %.3g", h->rate_per_s);
    put_int(out, "concurrency", h->concurrency, 1);
    put_int(out, "retries", h->retries, 5);
    put_int(out, "timeout", h->timeout_ms, 30000);
    put_int(out, "private", h->allow_private, 0);
    put_int(out, "every", h->every_ms, 0);
    put_int(out, "max", (int64_t)h->max_body_bytes, 0);
    if (h->paginator == CU_PAGE_OFFSET)
        cu_buf_printf(out, " pages of %lld total %s items %s",
                      (long long)h->limit, h->total_path,
                      h->items_path ? h->items_path : "-");
    for (uint32_t i = 0; i < h->n_require; i++)
        cu_buf_printf(out, " require %s", h->require[i]);
    for (uint32_t i = 0; i < h->n_headers; i++)
        cu_buf_printf(out, " header %.*s=%.*s", (int)h->headers[i].name.len,
                      h->headers[i].name.data, (int)h->headers[i].value.len,
                      h->headers[i].value.data);
    for (uint32_t i = 0; i < h->n_for_each; i++) {
        cu_buf_printf(out, " each %s:", h->for_each[i].name);
        for (uint32_t k = 0; k < h->for_each[i].n_values; k++)
            cu_buf_printf(out, " <%s>", h->for_each[i].values[k]);
    }
    cu_buf_put_str(out, "\n");
}

static void put_files(cu_buf *out, const cu_files_source *f)
{
    static const char *const framings[] = {"lines", "json", "csv", "whole"};
    static const char *const modes[] = {"append", "whole", "snapshot"};
    cu_buf_printf(out, "  files %s %s %s %s", f->dir, f->glob,
                  framings[f->framing], modes[f->mode]);
    put_int(out, "headerless", f->csv_headerless, 0);
    put_int(out, "delimiter", f->csv_delimiter, 0);
    put_int(out, "order", f->order, 0);
    put_int(out, "every", f->every_ms, 0);
    for (uint32_t i = 0; i < f->n_csv_required; i++)
        cu_buf_printf(out, " required %s", f->csv_required[i]);
    cu_buf_put_str(out, "\n");
}

static void put_column(cu_buf *out, const cu_table_def *t, uint32_t i)
{
    static const char *const from[] = {
        "value",     "key",     "header",  "topic", "partition", "offset",
        "timestamp", "raw_key", "headers", "file",  "line",      "nothing"};
    static const char *const encodings[] = {"text", "s",      "ms",
                                            "us",   "base64", "hex"};
    const cu_codec_col *c = &t->codec.cols[i];
    char type[64];
    cu_buf_printf(out, "  %s %s", c->name, cu_type_name(c->type, type));
    if (c->from != CU_FROM_VALUE)
        put_str(out, "from", from[c->from]);
    put_str(out, "at", c->path);
    if (c->encoding)
        put_str(out, "encoding", encodings[c->encoding]);
    if (c->zone)
        put_str(out, "zone", cu_zone_name(c->zone));
    cu_buf_put_str(out, c->not_null ? " not null" : "");
    cu_buf_put_str(out, c->key ? " key" : "");
    if (t->watermark_col == (int32_t)i)
        cu_buf_printf(out, " watermark %lld", (long long)t->watermark_delay_us);
    if (t->generated && t->generated[i]) {
        cu_buf_put_str(out, " = ");
        cu_expr_print(t->generated[i], t->schema, out);
    }
    cu_buf_put_str(out, "\n");
}

static void put_table(cu_buf *out, const cu_table_def *t)
{
    static const char *const formats[] = {"json",  "csv",  "text",
                                          "bytes", "avro", "debezium-json"};
    static const char *const modes[] = {"append", "upsert", "changelog",
                                        "snapshot"};
    cu_buf_printf(out, "table %s on %s %s %s", t->name, t->server->name,
                  modes[t->mode], formats[t->codec.format]);
    put_str(out, "topic", t->topic);
    put_names(out, "key", t->schema, t->key, t->n_key);
    put_int(out, "key_format", t->codec.key_format, 0);
    put_int(out, "envelope", t->codec.key_value_envelope, 0);
    put_int(out, "tombstones", t->codec.tombstones, 0);
    put_int(out, "by_position", t->codec.csv_by_position, 0);
    put_int(out, "partitions", t->partitions, 0);
    put_int(out, "retention", t->retention_ms, 0);
    put_int(out, "start", t->start_ms, -2);
    put_int(out, "fail", t->on_error, 0);
    put_str(out, "dlq", t->dead_letter_topic);
    put_int(out, "ignore_deletes", t->ignore_deletes, 0);
    put_int(out, "allow_empty", t->allow_empty, 0);
    put_str(out, "avro", t->codec.avro_schema);
    put_int(out, "idle_timeout", t->idle_timeout_ms, 0);
    put_int(out, "max_future", t->max_future_us, 0);
    put_str(out, "letters_of", t->letters_of);
    put_str(out, "remote", t->remote);
    put_str(out, "write", t->write_mode);
    cu_buf_put_str(out, t->is_sink ? " sink\n" : "\n");
    for (uint32_t i = 0; i < t->schema->n; i++)
        put_column(out, t, i);
    for (uint32_t i = 0; i < t->n_checks; i++)
        cu_buf_printf(out, "  check %s: %s\n", t->checks[i].name,
                      t->checks[i].text);
    if (t->http)
        put_http(out, t->http);
    if (t->files)
        put_files(out, t->files);
}

static void put_server(cu_buf *out, const cu_server_def *s)
{
    static const char *const wrappers[] = {"kafka", "http", "files",
                                           "blackhole", "postgres"};
    cu_buf_printf(out, "server %s %s", s->name, wrappers[s->wrapper]);
    put_str(out, "brokers", s->brokers);
    for (uint32_t i = 0; i < s->n_properties; i++)
        cu_buf_printf(out, " %.*s=%.*s", (int)s->properties[i].name.len,
                      s->properties[i].name.data,
                      (int)s->properties[i].value.len,
                      s->properties[i].value.data);
    cu_buf_put_str(out, "\n");
}

static void put_view(cu_buf *out, const cu_view_def *v)
{
    char type[64];
    cu_buf_printf(out, "view %s (", v->name);
    for (uint32_t i = 0; i < v->schema->n; i++)
        cu_buf_printf(out, "%s%s %s", i ? ", " : "", v->schema->fields[i].name,
                      cu_type_name(v->schema->fields[i].type, type));
    cu_buf_put_str(out, ")");
    put_str(out, "topic", v->topic);
    cu_buf_put_str(out, v->has_topic ? "" : v->shared ? " shared" : " hidden");
    put_str(out, "into", v->into ? v->into->name : NULL);
    put_names(out, "key", v->schema, v->key, v->n_key);
    cu_buf_put_str(out, v->single ? " single" : "");
    cu_buf_put_str(out, v->root->materialize.bag ? " bag" : "");
    put_int(out, "partitions", v->partitions, 0);
    put_int(out, "fail", v->on_error, 0);
    put_int(out, "format", v->format, CU_FORMAT_JSON);
    put_int(out, "emit", v->emit, CU_EMIT_CHANGES);
    put_int(out, "interval", v->emit_interval_ms, 0);
    put_int(out, "lateness", v->allowed_lateness_us, 0);
    put_str(out, "late", v->late_topic);
    put_int(out, "retention", v->retention_us, 0);
    put_int(out, "by", v->retention_col, 0);
    cu_buf_put_str(out, "\n");
}

static void put_copy(cu_buf *out, const cu_copy_def *c)
{
    cu_buf_printf(out, "copy %s to %s cols %u", c->view->name, c->path,
                  c->n_cols);
    for (uint32_t i = 0; i < c->n_order; i++)
        cu_buf_printf(out, " by %s%s",
                      c->view->schema->fields[c->order[i].col].name,
                      c->order[i].flags & CU_DESC ? " desc" : "");
    put_int(out, "limit", c->limit, -1);
    put_int(out, "offset", c->offset, 0);
    put_int(out, "header", c->header, 0);
    put_int(out, "delimiter", c->delimiter, ',');
    put_int(out, "every", c->every_ms, 0);
    cu_buf_put_str(out, "\n");
}

static void put_program(cu_buf *out, const cu_program *p)
{
    for (uint32_t i = 0; i < p->n_servers; i++)
        put_server(out, p->servers[i]);
    for (uint32_t i = 0; i < p->n_tables; i++)
        put_table(out, p->tables[i]);
    for (uint32_t i = 0; i < p->n_views; i++)
        put_view(out, p->views[i]);
    for (uint32_t i = 0; i < p->n_copies; i++)
        put_copy(out, p->copies[i]);
}

/* --- compiling ------------------------------------------------------------ */

typedef struct run {
    cu_env *env;
    cu_program *program;
    cu_sql_problems problems;
    cu_err err;
    int rc;
} run;

static run compile(cu_slice sql, const cu_sql_var *vars, uint32_t n_vars,
                   const file *files, uint32_t n_files)
{
    static const char *const paths[] = {"p/x.sql"};
    run r = {.env = cu_env_sim(1)};
    cr_assert_eq(0, r.env->vt->write_file(r.env, "p/x.sql", sql, &r.err));
    for (uint32_t i = 0; i < n_files; i++)
        cr_assert_eq(0,
                     r.env->vt->write_file(r.env, files[i].path,
                                           cu_slice_of(files[i].text), &r.err));
    cu_sql_opts opts = {.env = r.env,
                        .app = "app",
                        .paths = paths,
                        .n_paths = 1,
                        .vars = vars,
                        .n_vars = n_vars};
    r.rc = cu_sql_compile(&opts, &r.program, &r.problems, &r.err);
    return r;
}

static void clear(run *r)
{
    cu_program_free(r->program);
    cu_sql_problems_free(&r->problems);
    r->env->vt->close(r->env);
}

void expect_with(const char *sql, const cu_sql_var *vars, uint32_t n_vars,
                 const file *files, uint32_t n_files, const char *want)
{
    cu_slice text = cu_slice_of(sql);
    run r = compile(text, vars, n_vars, files, n_files);
    cu_sql_file f = {.path = "x.sql", .dir = "p", .text = text};
    cu_buf out = {0};
    cr_expect((r.rc == 0) == (r.problems.n_errors == 0 && r.program));
    for (uint32_t i = 0; i < r.problems.n; i++)
        cu_sql_problem_print(&r.problems.at[i], &f, 1, &out);
    if (r.program)
        put_program(&out, r.program);
    cu_buf_put(&out, "", 1);
    cr_expect_str_eq(out.data, want, "for %.400s\ngot:\n%s\nwanted:\n%s", sql,
                     out.data, want);
    cu_buf_free(&out);
    clear(&r);
}

void expect(const char *sql, const char *want)
{
    expect_with(sql, NULL, 0, NULL, 0, want);
}

void expect_plan(const char *sql, const char *want)
{
    cu_slice text = cu_slice_of(sql);
    run r = compile(text, NULL, 0, NULL, 0);
    cu_sql_file f = {.path = "x.sql", .dir = "p", .text = text};
    cu_buf out = {0};
    for (uint32_t i = 0; i < r.problems.n; i++)
        cu_sql_problem_print(&r.problems.at[i], &f, 1, &out);
    uint32_t last = r.program ? r.program->n_views : 0;
    while (last && r.program->views[last - 1]->only_judges)
        last--;
    if (last)
        cu_node_print(r.program->views[last - 1]->root, &out);
    cu_buf_put(&out, "", 1);
    cr_expect_str_eq(out.data, want, "for %.400s\ngot:\n%s\nwanted:\n%s", sql,
                     out.data, want);
    cu_buf_free(&out);
    clear(&r);
}

void expect_messages(const char *sql, const char *want)
{
    cu_slice text = cu_slice_of(sql);
    run r = compile(text, NULL, 0, NULL, 0);
    cu_buf out = {0};
    for (uint32_t i = 0; i < r.problems.n; i++) {
        const cu_sql_problem *p = &r.problems.at[i];
        char state[6] = "";
        uint32_t line, column;
        cu_pos_line_column(text, p->pos.offset, &line, &column);
        cu_buf_printf(&out, "%u:%u %s %s\n", line, column,
                      p->notice ? "-" : cu_sqlstate_text(p->sqlstate, state),
                      p->message);
    }
    cu_buf_put(&out, "", 1);
    cr_expect_str_eq(out.data, want, "for %.400s\ngot:\n%s\nwanted:\n%s", sql,
                     out.data, want);
    cu_buf_free(&out);
    clear(&r);
}

void expect_plan_of(const char *tables, const char *query, const char *want)
{
    cu_buf sql = {0};
    cu_buf_printf(&sql,
                  "%sCREATE MATERIALIZED VIEW x WITH (primary_key = 'id') AS "
                  "%s;",
                  tables, query);
    expect_plan(sql.data, want);
    cu_buf_free(&sql);
}

void expect_refused(const char *tables, const char *query, const char *want)
{
    cu_buf sql = {0};
    cu_buf_printf(&sql, "%sCREATE MATERIALIZED VIEW x AS\n%s;", tables, query);
    expect_messages(sql.data, want);
    cu_buf_free(&sql);
}

void try_compile(const char *sql, size_t len)
{
    run r = compile(cu_slice_n(sql, len), NULL, 0, NULL, 0);
    cr_expect((r.rc == 0) == (r.program != NULL));
    cr_expect(r.rc == 0 || r.problems.n_errors > 0);
    cu_buf out = {0};
    cu_sql_file f = {.path = "x", .dir = "p", .text = {sql, len}};
    for (uint32_t i = 0; i < r.problems.n; i++)
        cu_sql_problem_print(&r.problems.at[i], &f, 1, &out);
    cu_buf_free(&out);
    clear(&r);
}
