/* cupel doctor --acls: what the brokers must allow the app's user.
 *
 * One line per permission, the least with which a run works:
 *
 *   topics        Read where the app reads, Write where it writes, Delete
 *                 where it deletes what was read (exchanges); and
 *                 DescribeConfigs where it writes, without which it does not
 *                 know how large a record may be.  Describe comes with each.
 *   group         Read: joining, committing, asking for positions
 *   transactions  Write, on the prefix that all transactional ids of the app
 *                 have: each worker has its own
 *
 * A user who makes the topics (the first `cupel run`) needs Create on those
 * that the app makes, besides.
 */
#include "ops/needs.h"

typedef struct acls {
    cu_cmd *c;
    cu_cells *cells;
    const char *principal, *tool;
    cu_buf commands[2]; /* of the app, of the setup */
} acls;

static const char *property(const cu_cmd *c, const char *name)
{
    const char *value = NULL;
    for (uint32_t i = 0; i < c->o.n_properties; i++)
        if (strcmp(c->o.properties[i].name, name) == 0)
            value = c->o.properties[i].value;
    return value;
}

/* One resource: a row per operation, a command for all of them. */
static void allow(acls *l, bool setup, const char *resource, bool prefixed,
                  const char *name, const char *const *operations,
                  const char *what)
{
    static const char *const who[] = {"app", "setup"};
    cu_buf *b = &l->commands[setup];
    if (operations[0] == NULL)
        return;
    cu_buf_put_str(b, l->tool);
    for (uint32_t i = 0; operations[i]; i++) {
        const char *row[] = {who[setup],    resource,
                             name,          prefixed ? "prefixed" : "literal",
                             operations[i], what};
        cu_cells_add(l->cells, row);
        cu_buf_printf(b, " --operation %s", operations[i]);
    }
    cu_buf_printf(b, " --%s %s%s\n", resource, name,
                  prefixed ? " --resource-pattern-type prefixed" : "");
}

static void topics(acls *l, const cu_needs *needs, bool setup)
{
    for (uint32_t i = 0; i < needs->n; i++) {
        const cu_need *n = &needs->at[i];
        const char *ops[6] = {NULL};
        uint32_t k = 0;
        if (setup && (n->how & CU_NEED_MAKE))
            ops[k++] = "Create";
        if (!setup && (n->how & CU_NEED_READ))
            ops[k++] = "Read";
        if (!setup && (n->how & CU_NEED_WRITE))
            ops[k++] = "Write";
        if (!setup && (n->how & CU_NEED_TRIM))
            ops[k++] = "Delete";
        if (!setup && (n->how & CU_NEED_WRITE))
            ops[k++] = "DescribeConfigs";
        allow(l, setup, "topic", false, n->topic, ops,
              cu_need_name(n, l->c->arena));
    }
}

static void groups(acls *l, const cu_program *p, const cu_needs *needs)
{
    static const char *const reads[] = {"Read", NULL};
    static const char *const writes[] = {"Write", NULL};
    cu_arena *a = l->c->arena;
    allow(l, false, "group", false, p->app, reads, "the app's consumer group");
    if (needs->owns)
        allow(l, false, "group", false,
              cu_arena_printf(a, "%s.collectors", p->app), reads,
              "who runs collectors and sinks");
    for (uint32_t i = 0; i < p->n_views; i++)
        if (cu_view_is_loaded(p->views[i]))
            allow(l, false, "group", false,
                  cu_arena_printf(a, "%s.sink.%s", p->app, p->views[i]->name),
                  reads, "positions of a sink");
    if (!p->at_least_once)
        allow(l, false, "transactional-id", true,
              cu_arena_printf(a, "%s.", p->app), writes,
              "transactions of workers, collectors and sinks");
}

static void print(acls *l)
{
    cu_cmd *c = l->c;
    cu_cells_print(l->cells, c);
    if (c->o.output != CU_OUT_TEXT)
        return;
    cu_print(c->out, "\n# what the app needs\n%.*s", (int)l->commands[0].len,
             l->commands[0].data);
    cu_print(c->out,
             "\n# and besides, for the user whose run makes the topics\n%.*s",
             (int)l->commands[1].len, l->commands[1].data);
}

/* Exchanges depend on the partitions of the inputs: the brokers are asked. */
static int stages(cu_cmd *c, cu_app *app, const cu_stages **out, cu_err *err)
{
    const char *brokers = c->o.brokers ? c->o.brokers : app->program->brokers;
    cu_log_kafka_opts o = {.brokers = brokers,
                           .client_id = "cupel-doctor",
                           .properties = c->o.properties,
                           .n_properties = c->o.n_properties,
                           .env = c->env,
                           .deadline_ms = 10000};
    int rc = brokers ? cu_log_open_kafka(&o, &app->log, err) : 0;
    if (rc == 0)
        rc = cu_app_stages(c, app, out, err);
    if (rc) {
        cu_say(c->out,
               "warning: %s; partitions of topics are taken for "
               "those that the SQL names\n",
               err->msg);
        cu_err_clear(err);
        if (app->log)
            app->log->vt->close(app->log);
        app->log = NULL;
        rc = cu_app_stages(c, app, out, err);
    }
    return rc;
}

int cu_doctor_acls(cu_cmd *c, const cu_program *p)
{
    static const char *const names[] = {"user",    "resource",  "name",
                                        "pattern", "operation", "for"};
    cu_app app = {.program = (cu_program *)p, .name = p->app};
    const cu_stages *s;
    cu_needs needs;
    cu_err err = {0};
    if (stages(c, &app, &s, &err))
        return cu_tell(c, &err);
    cu_needs_of(p, s, c->arena, &needs);
    const char *user = property(c, "sasl.username");
    const char *brokers = c->o.brokers ? c->o.brokers : p->brokers;
    acls l = {.c = c, .cells = cu_cells_new(c->arena, names, 6)};
    l.tool = cu_arena_printf(c->arena,
                             "kafka-acls.sh --bootstrap-server %s --add "
                             "--allow-principal User:%s",
                             brokers ? brokers : "BROKERS",
                             user ? user : p->app);
    topics(&l, &needs, false);
    groups(&l, p, &needs);
    topics(&l, &needs, true);
    print(&l);
    cu_buf_free(&l.commands[0]);
    cu_buf_free(&l.commands[1]);
    if (app.log)
        app.log->vt->close(app.log);
    return 0;
}
