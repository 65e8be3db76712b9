/* A case whose views can be judged at every commit: rows that go through as
 * they are, the last row of each key, and groups behind an exchange. */
#include "base/alloc.h"
#include "tests/simulation/cluster.h"

enum { MOST_RECORDS = 240 };

static const char sql[] =
    "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
    "CREATE FOREIGN TABLE t (id bigint NOT NULL, g int, v bigint CHECK (v < "
    "1000)) SERVER k OPTIONS (topic 't', format 'json', mode 'append', "
    "partitions '%d');\n"
    "CREATE FOREIGN TABLE u (id bigint OPTIONS (key 'true') PRIMARY KEY, g "
    "int, v bigint) SERVER k OPTIONS (topic 'u', format 'json', mode "
    "'upsert', partitions '%d');\n"
    "CREATE MATERIALIZED VIEW plain AS SELECT id, g, v FROM t WHERE v >= 0;\n"
    "CREATE MATERIALIZED VIEW latest AS SELECT id, g, v FROM u;\n"
    "CREATE MATERIALIZED VIEW per_g AS SELECT g, count(*) AS n, "
    "sum(v)::bigint AS s FROM t GROUP BY g;\n"
    "CREATE MATERIALIZED VIEW newest AS SELECT g, count(*) AS n, max(v) AS hi "
    "FROM u GROUP BY g;\n";

static void put_t(sim_case *c, sim_rng *r, sim_record *rec, uint32_t i)
{
    rec->table = SIM_T;
    rec->partition = (int32_t)sim_below(r, (uint32_t)c->partitions);
    rec->bad = sim_chance(r, 8);
    int v = rec->bad ? 1000 + (int)i : (int)sim_below(r, 100) - 5;
    rec->value = cu_arena_printf(c->arena, "{\"id\":%u,\"g\":%u,\"v\":%d}", i,
                                 sim_below(r, 5), v);
}

/* v is the number of the record: it only goes up. */
static void put_u(sim_case *c, sim_rng *r, sim_record *rec, uint32_t i)
{
    uint32_t id = sim_below(r, 12);
    rec->table = SIM_U;
    rec->key = cu_arena_printf(c->arena, "{\"id\":%u}", id);
    rec->partition = cu_partition_of(cu_slice_of(rec->key), c->partitions);
    rec->value = cu_arena_printf(c->arena, "{\"id\":%u,\"g\":%u,\"v\":%u}", id,
                                 sim_below(r, 3), i + 1);
}

sim_case *sim_ledger_new(uint64_t seed)
{
    cu_arena *a = cu_arena_new(0);
    sim_case *c = cu_arena_calloc(a, 1, sizeof(*c));
    sim_rng r = {seed ^ 0x1ed9e5};
    c->arena = a;
    c->seed = seed;
    c->partitions = 2 + (int32_t)sim_below(&r, 3);
    c->n_phases = 1;
    c->n_records = MOST_RECORDS / 2 + sim_below(&r, MOST_RECORDS / 2);
    c->phase_end[0] = c->n_records;
    c->records = cu_arena_calloc(a, c->n_records, sizeof(*c->records));
    for (uint32_t i = 0; i < c->n_records; i++)
        (sim_chance(&r, 50) ? put_t : put_u)(c, &r, &c->records[i], i);
    c->sql = cu_arena_printf(a, sql, (int)c->partitions, (int)c->partitions);
    return c;
}
