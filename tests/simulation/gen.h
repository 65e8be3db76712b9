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

typedef enum sim_table {
    SIM_T, /* append */
    SIM_U, /* upsert */
    SIM_S, /* snapshot, in one partition */
    SIM_D, /* changelog */
    SIM_TABLES
} sim_table;
extern const char *const sim_tables[SIM_TABLES];
extern const char *const sim_topics[SIM_TABLES];

/* One record of an input topic, and what it means. */
typedef struct sim_record {
    sim_table table;
    int32_t partition;
    const char *key, *value; /* NULL: absent */
    const char *snapshot;    /* SIM_S: "begin", "end", NULL: a row */
    bool bad;                /* must become a dead letter */
    bool gone;               /* a delete; the row has its key */
    cu_value *row;           /* the accepted row, in schema order */
} sim_record;

/* Which partition a row of t is in. What depends on the order in which rows
 * of a key come is only defined when they are all in one. */
typedef enum sim_home { SIM_ANYWHERE, SIM_BY_ID, SIM_BY_G } sim_home;

enum { SIM_PHASES = 3 };

typedef struct sim_case {
    cu_arena *arena;
    uint64_t seed;
    int32_t partitions;
    const char *sql;
    sim_record *records; /* in arrival order */
    uint32_t n_records, cap_records;
    sim_home home;
    bool late;    /* some rows are far behind the watermark */
    bool ordered; /* no row is behind its partition's watermark */
    /* Everything is drained before the records of the next phase come. With
     * several: first what is not t's, then t's, then the others again. */
    uint32_t n_phases, phase_end[SIM_PHASES];
    /* What each view must have, as text; made when first asked for. */
    const char **expected;
} sim_case;

/* 2024-01-01, since 2000: when the clock of a run starts.  At its end it
 * stands at SIM_END_US, whatever happened. */
#define SIM_EPOCH_US INT64_C(757382400000000)
#define SIM_END_US   (SIM_EPOCH_US + INT64_C(400000000))
/* Times of the rows are a day behind the clock's, or well before it: none is
 * near it, so that no order depends on when a commit happened. */
#define SIM_ROWS_US (SIM_EPOCH_US + INT64_C(86400000000))
#define SIM_PAST_US (SIM_EPOCH_US - INT64_C(864000000000))

sim_case *sim_case_new(uint64_t seed);
void sim_case_free(sim_case *c);
/* The pipeline: c->sql (gen_sql.c). */
void sim_put_sql(sim_case *c, sim_rng *r);
/* The input: c->records (gen_rows.c). */
void sim_put_rows(sim_case *c, sim_rng *r);

#endif
