#include "tests/simulation/gen.h"

const char *const sim_tables[SIM_TABLES] = {"t", "u", "s", "d"};
const char *const sim_topics[SIM_TABLES] = {"t", "u", "bronze.s", "d"};

uint64_t sim_next(sim_rng *r)
{
    uint64_t z = (r->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint32_t sim_below(sim_rng *r, uint32_t n)
{
    return (uint32_t)(sim_next(r) % n);
}

bool sim_chance(sim_rng *r, uint32_t per_cent)
{
    return sim_below(r, 100) < per_cent;
}

sim_case *sim_case_new(uint64_t seed)
{
    cu_arena *a = cu_arena_new(0);
    sim_case *c = cu_arena_calloc(a, 1, sizeof(*c));
    sim_rng r = {seed};
    c->arena = a;
    c->seed = seed;
    c->partitions = 1 + (int32_t)sim_below(&r, 4);
    c->home = (sim_home)sim_below(&r, 3);
    c->late = sim_chance(&r, 50);
    c->ordered = !c->late && sim_chance(&r, 50);
    c->n_phases = sim_chance(&r, 25) ? SIM_PHASES : 1;
    sim_put_sql(c, &r);
    sim_put_rows(c, &r);
    return c;
}

void sim_case_free(sim_case *c)
{
    cu_arena_free(c->arena);
}
