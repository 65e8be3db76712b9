/* Random pipelines and inputs, from one seed. */
#ifndef CU_SIM_GEN_H
#define CU_SIM_GEN_H

#include "processors/sql/sql.h"

typedef struct sim_rng {
    uint64_t state;
} sim_rng;

uint64_t sim_next(sim_rng *r);
/* 0 .. n-1. */
uint32_t sim_below(sim_rng *r, uint32_t n);
bool sim_chance(sim_rng *r, uint32_t per_cent);

/* One record of an input topic, and what it means. */
typedef struct sim_record {
    int table; /* 0: t (append), 1: u (upsert) */
    int32_t partition;
    const char *key, *value; /* NULL: absent */
    bool bad;                /* must become a dead letter */
    bool gone;               /* u: a delete */
    cu_value *row;           /* the accepted row, in schema order */
} sim_record;

typedef struct sim_case {
    cu_arena *arena;
    uint64_t seed;
    int32_t partitions;
    const char *sql;
    sim_record *records; /* in arrival order */
    uint32_t n_records, n_bad;
    bool late; /* some rows are behind the watermark of their partition */
    /* What each view must have, as text; made when first asked for. */
    const char **expected;
} sim_case;

/* 2024-01-01, since 2000. */
#define SIM_EPOCH_US INT64_C(757382400000000)

sim_case *sim_case_new(uint64_t seed);
void sim_case_free(sim_case *c);
/* The pipeline: c->sql (gen_sql.c). */
void sim_put_sql(sim_case *c, sim_rng *r);

#endif
