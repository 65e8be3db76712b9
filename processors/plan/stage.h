/* Stages: a program cut where rows must change partition.
 *
 * A stage is the unit of state, changelog and progress: one view, or the
 * part of a view before an exchange.  Stage instance (stage, p) runs
 * wherever partition p of its inputs is read.
 *
 *   table --> [works: decode ... materialize] --direct--> [books_by_year]
 *                                |
 *                                | exchange by author, another key
 *                                v
 *            topic app.avg.by_author.repartition --> [avg]
 *
 * An exchange is placed only where rows of one key may stand in several
 * partitions; with one partition nothing is ever exchanged.  Names come from
 * views and key columns, never from numbers, so that an edit elsewhere renames
 * nothing.
 */
#ifndef CU_PLAN_STAGE_H
#define CU_PLAN_STAGE_H

#include "processors/plan/program.h"

/* The partitions of an app's own topics: changed as a whole
 * (processors/runtime/layout.h), so that the topics and the state of every
 * layout are others.  The first one is all 0. */
typedef struct cu_layout {
    uint32_t number;    /* in the names of its topics; 0: not named */
    int32_t partitions; /* behind exchanges by a key; 0: as in front of them */
} cu_layout;

typedef enum cu_feed_kind {
    CU_FEED_TABLE,    /* records of a table's topic, decoded */
    CU_FEED_STAGE,    /* another stage of the same partition, in memory */
    CU_FEED_EXCHANGE, /* blocks of rows from a repartition topic */
} cu_feed_kind;

typedef struct cu_stage cu_stage;

typedef struct cu_feed {
    cu_feed_kind kind;
    const cu_node *leaf;       /* the entry of the stage's tree that it feeds */
    const cu_table_def *table; /* TABLE */
    const cu_stage *stage;     /* STAGE; EXCHANGE: who writes the topic */
    const char *topic;         /* TABLE, EXCHANGE */
} cu_feed;

struct cu_stage {
    const char *name; /* "works", "avg.by_author" */
    uint32_t index;   /* in cu_stages; upstream stages come first */
    const cu_view_def *view;
    const cu_node *root; /* MATERIALIZE, or what is exchanged */
    int32_t partitions;
    uint32_t n_feeds;
    cu_feed *feeds;
    /* Stages that end in an exchange: */
    const char *exchange_topic; /* NULL: ends in MATERIALIZE */
    int32_t exchange_partitions;
    uint32_t n_exchange_cols; /* 0: everything to partition 0 */
    const uint16_t *exchange_cols;
    const char *exchange_why; /* for explain */
    /* Others: the output columns whose group bytes decide the partition, as
     * an exchange does; 0: none do.  `foreign`: somebody else chose it. */
    uint32_t n_decided;
    const uint16_t *decided;
    bool foreign;
    const char *changelog;  /* "<app>.<stage>[.<layout>].changelog" */
    const char *state_name; /* what a store knows it by */
    uint64_t hash;          /* cu_node_hash(root) + partitions */
};

typedef struct cu_stages {
    cu_stage **at; /* topological order */
    uint32_t n;
} cu_stages;

/* Partitions of a table's topic, by program index. */
int cu_stages_cut(const cu_program *p, const int32_t *table_partitions,
                  cu_arena *a, cu_stages *out, cu_err *err);
/* The same for a layout: cut is that of the first one. */
int cu_stages_lay(const cu_program *p, const int32_t *table_partitions,
                  const cu_layout *layout, cu_arena *a, cu_stages *out,
                  cu_err *err);
/* It has the rows of its view, in state: by key, or as a bag. */
bool cu_stage_keeps(const cu_stage *s);
/* The final stage of a view, or NULL. */
const cu_stage *cu_stages_of_view(const cu_stages *s, const cu_view_def *v);

#endif
