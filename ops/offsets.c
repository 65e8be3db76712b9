/* cupel offsets: positions of the app's group, or of any.
 *
 *   show     position, end and lag of every input partition
 *   export   topic,partition,offset lines
 *   reset    other positions          (offsets_reset.c)
 *   import   those of a file          (the same)
 */
#include "ops/offsets.h"

static const char *number(cu_cmd *c, int64_t n)
{
    return cu_arena_printf(c->arena, "%lld", (long long)n);
}

static void print(cu_cmd *c, const char *group, const cu_lag *lag)
{
    static const char *const names[] = {
        "group", "topic", ">partition", ">position", ">end", ">lag", ">oldest"};
    cu_cells *t = cu_cells_new(c->arena, names, 7);
    bool text = c->o.output == CU_OUT_TEXT;
    for (uint32_t i = 0; i < lag->n; i++) {
        const cu_lag_row *r = &lag->at[i];
        const char *none = text ? "-" : NULL;
        const char *row[] = {group,
                             r->part.topic,
                             number(c, r->part.partition),
                             r->at == CU_NO_OFFSET ? none : number(c, r->at),
                             number(c, r->end),
                             number(c, r->lag),
                             number(c, r->oldest)};
        cu_cells_add(t, row);
    }
    cu_cells_print(t, c);
    if (text && !c->o.quiet)
        cu_say(c->out, "lag %lld\n", (long long)lag->total);
}

static void export(cu_cmd *c, const cu_lag *lag)
{
    static const char *const names[] = {"topic", ">partition", ">offset"};
    cu_cells *t = cu_cells_new(c->arena, names, 3);
    bool lines = c->o.output == CU_OUT_TEXT || c->o.output == CU_OUT_CSV;
    for (uint32_t i = 0; i < lag->n; i++) {
        const cu_lag_row *r = &lag->at[i];
        if (r->at == CU_NO_OFFSET)
            continue;
        const char *row[] = {r->part.topic, number(c, r->part.partition),
                             number(c, r->at)};
        if (lines) /* no header: what Kafka's tools write and read */
            cu_print(c->out, "%s,%s,%s\n", row[0], row[1], row[2]);
        else
            cu_cells_add(t, row);
    }
    if (!lines)
        cu_cells_print(t, c);
}

static int all_of_app(cu_cmd *c, cu_app *a, cu_lag *lag, cu_err *err)
{
    const cu_stages *s;
    uint32_t n;
    int rc = cu_app_stages(c, a, &s, err);
    if (rc)
        return rc;
    const char **topics = cu_lag_inputs(s, c->arena, &n);
    return cu_lag_read(a->log, a->name, topics, n, c->arena, lag, err);
}

static bool is_table(const cu_program *p, const char *topic)
{
    for (uint32_t i = 0; i < p->n_tables; i++)
        if (p->tables[i]->topic && strcmp(p->tables[i]->topic, topic) == 0)
            return true;
    return false;
}

int cu_offsets_of_app(cu_cmd *c, cu_app *a, cu_lag *out, cu_err *err)
{
    int rc = all_of_app(c, a, out, err);
    uint32_t kept = 0;
    for (uint32_t i = 0; rc == 0 && i < out->n; i++)
        if (is_table(a->program, out->at[i].part.topic))
            out->at[kept++] = out->at[i];
    out->n = kept;
    return rc;
}

static int show(cu_cmd *c, cu_app *a)
{
    const char *group = c->o.group ? c->o.group : a->name;
    bool exports = strcmp(c->verb, "export") == 0;
    cu_err err = {0};
    cu_lag lag;
    int rc;
    if (c->o.group == NULL && a->program == NULL)
        return cu_usage(c,
                        "offsets %s wants the path of a pipeline, or "
                        "--group GROUP",
                        c->verb);
    if (c->o.group)
        rc = cu_lag_group(a->log, group, c->arena, &lag, &err);
    else if (exports)
        rc = cu_offsets_of_app(c, a, &lag, &err);
    else
        rc = all_of_app(c, a, &lag, &err);
    if (rc)
        return cu_tell(c, &err);
    if (c->o.group && lag.n == 0) {
        cu_say(c->out, "error: group \"%s\" has no positions here\n", group);
        return 1;
    }
    if (exports)
        export(c, &lag);
    else
        print(c, group, &lag);
    return 0;
}

int cu_cmd_offsets(cu_cmd *c)
{
    cu_app *a;
    uint32_t n_paths = cu_app_paths(c);
    bool imports = strcmp(c->verb, "import") == 0;
    if (imports && c->app) {
        cu_say(c->out,
               "error: the app is at work in %s; stop it, then import "
               "its positions\n",
               c->app->folder);
        return 3;
    }
    if (strcmp(c->verb, "reset") == 0 && c->n_words == n_paths)
        return cu_offsets_reset(c, NULL);
    if (imports) {
        /* The file is the last word, and exists like a path does. */
        if (c->n_words == 0 || n_paths < c->n_words - 1)
            return cu_usage(c, "offsets import wants the path of a pipeline "
                               "or --group GROUP, then a file");
        const char *file = c->words[--c->n_words];
        return cu_offsets_reset(c, file);
    }
    int rc = cu_app_open_log(c, false, &a, &n_paths);
    if (rc)
        return rc;
    if (c->n_words != n_paths)
        rc = cu_usage(c, "offsets %s does not know \"%s\"", c->verb,
                      c->words[n_paths]);
    else
        rc = show(c, a);
    cu_app_close(c, a);
    return rc;
}
