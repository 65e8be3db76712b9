/* cupel offsets show: position, end and lag of every input partition. */
#include "ops/lag.h"

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

static int of_app(cu_cmd *c, cu_app *a, cu_lag *lag, cu_err *err)
{
    const cu_stages *s;
    uint32_t n;
    int rc = cu_app_stages(c, a, &s, err);
    if (rc)
        return rc;
    const char **topics = cu_lag_inputs(s, c->arena, &n);
    return cu_lag_read(a->log, a->name, topics, n, c->arena, lag, err);
}

static int show(cu_cmd *c, cu_app *a)
{
    const char *group = c->o.group ? c->o.group : a->name;
    cu_err err = {0};
    cu_lag lag;
    int rc;
    if (c->o.group == NULL && a->program == NULL)
        return cu_usage(c, "offsets show wants the path of a pipeline, or "
                           "--group GROUP");
    if (c->o.group)
        rc = cu_lag_group(a->log, group, c->arena, &lag, &err);
    else
        rc = of_app(c, a, &lag, &err);
    if (rc)
        return cu_tell(c, &err);
    if (c->o.group && lag.n == 0) {
        cu_say(c->out, "error: group \"%s\" has no positions here\n", group);
        return 1;
    }
    print(c, group, &lag);
    return 0;
}

int cu_cmd_offsets(cu_cmd *c)
{
    cu_app *a;
    uint32_t n_paths;
    int rc = cu_app_open_log(c, false, &a, &n_paths);
    if (rc)
        return rc;
    if (c->n_words != n_paths)
        rc = cu_usage(c, "offsets show does not know \"%s\"",
                      c->words[n_paths]);
    else
        rc = show(c, a);
    cu_app_close(c, a);
    return rc;
}
