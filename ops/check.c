/* cupel check: parse, bind, plan; touches nothing. */
#include "ops/cli.h"

int cu_cmd_check(cu_cmd *c)
{
    cu_program *p;
    uint32_t n_paths;
    if (c->n_words > cu_app_paths(c) && c->n_words > 1)
        return cu_usage(c, "there is no file or folder \"%s\"",
                        c->words[cu_app_paths(c)]);
    int rc = cu_app_compile(c, &p, &n_paths);
    if (rc)
        return rc;
    uint32_t n_views = 0, n_shared = 0;
    for (uint32_t i = 0; i < p->n_views; i++) {
        n_views += p->views[i]->has_topic;
        n_shared += p->views[i]->shared;
    }
    cu_say(c->out, "%s: good: %u table%s, %u materialized view%s", p->app,
           p->n_tables, p->n_tables == 1 ? "" : "s", n_views,
           n_views == 1 ? "" : "s");
    if (n_shared)
        cu_say(c->out, ", %u shared view%s", n_shared,
               n_shared == 1 ? "" : "s");
    cu_say(c->out, ", %u report%s\n", p->n_copies, p->n_copies == 1 ? "" : "s");
    cu_program_free(p);
    return 0;
}
