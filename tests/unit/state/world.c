#include "tests/unit/state/world.h"

#include <criterion/criterion.h>

static void open_space(world *w)
{
    cu_err err = {0};
    cr_assert_eq(cu_space_open(w->store, 3, 1, &w->space, &err), 0, "%s",
                 err.msg);
}

void world_open(world *w, uint64_t seed)
{
    *w = (world){.kv = cu_kv_open_memory(seed), .chance = seed};
    w->store = cu_store_new(w->kv, 1 << 20);
    w->changelog = recorder_new(w->kv);
    w->progress = (cu_progress){.plan_hash = 42, .sequence = 1};
    open_space(w);
}

void world_close(world *w)
{
    cu_space_close(w->space);
    cu_store_free(w->store);
    recorder_free(w->changelog);
    w->kv->vt->close(w->kv);
}

void world_reopen(world *w)
{
    cu_space_close(w->space);
    open_space(w);
}

void world_commit(world *w)
{
    commit_space(w->space, w->changelog, &w->progress);
    w->progress.sequence++;
}
