/* A whole process in a test: SQL over a virtual clock, memory and log. */
#ifndef CU_TEST_ENGINE_RIG_H
#define CU_TEST_ENGINE_RIG_H

#include "processors/engine/engine.h"

enum { RIG_WORKERS = 3 };

typedef struct rig {
    cu_env *env;
    cu_kv *kv, *state_kv; /* the same when the log carries the state */
    cu_program *program;
    cu_log *log;
    cu_engine *engine;
    cu_worker *workers[RIG_WORKERS];
    uint32_t n_workers, next_worker;
    bool beside; /* changelogs and a state beside the log, as on Kafka */
    bool never_idle;
    bool (*pressed)(void *ctx); /* from the next start on; ctx: the rig */
    bool short_of_memory;       /* for it */
    bool as_it_was;             /* what starts next, starts like that */
    cu_arena *arena;
} rig;

/* Changes the program before anything runs. */
typedef void rig_tweak(cu_program *p);

/* Compiles `sql` and starts a process with one worker. */
void rig_open(rig *r, const char *sql, rig_tweak *tweak);
void rig_open_beside(rig *r, const char *sql, rig_tweak *tweak);
void rig_close(rig *r);
/* kill -9, and a new process. */
void rig_kill(rig *r);
/* The same with no state but that of the changelogs; opened beside only. */
void rig_wipe(rig *r);
/* Runs to the named crash point, and is killed there; false: never met. */
bool rig_crash(rig *r, const char *point);
/* A file beside the SQL of every rig that is opened from now on. */
void rig_file(const char *path, const char *text);
/* Stops, and starts with another program (its state is kept). */
void rig_change(rig *r, const char *sql, rig_tweak *tweak);
void rig_add_worker(rig *r);
void rig_stop_workers(rig *r);
/* Without the others: a worker that owns all and only looks; to be closed. */
cu_worker *rig_look(rig *r);
/* One record, committed. */
void rig_feed(rig *r, const char *topic, int32_t partition, const char *value);
/* Several, committed at once. */
typedef struct rig_record {
    const char *topic;
    int32_t partition;
    const char *value;
} rig_record;
void rig_feed_all(rig *r, const rig_record *records, size_t n);
/* Steps until nothing moves, while time passes. */
void rig_run(rig *r);
/* The same to the end, as `cupel run --drain` does. */
void rig_drain(rig *r);
void rig_drain_final(rig *r);
void rig_pass_ms(rig *r, int64_t ms);

/* The recorded watermark of a stage's feed; INT64_MIN: none. */
int64_t rig_mark(rig *r, const char *stage, int32_t partition, uint32_t feed);
int64_t rig_time(const char *timestamptz); /* us since 2000 */
/* Rows of a view, sorted, "a b\n…"; lent until the rig closes. */
const char *rig_view(rig *r, const char *view);
/* Values of a topic in order, one a line; `header` (may be NULL): its value
 * stands before, "-" when absent.  A tombstone is "null". */
const char *rig_topic(rig *r, const char *topic, const char *header);
/* The records of a topic from next[partition] on, partition by partition, and
 * next behind them; a tombstone is "- key". */
enum { RIG_PARTITIONS = 8 };
const char *rig_deltas(rig *r, const char *topic, const char *header,
                       int64_t next[RIG_PARTITIONS]);
/* Keys in the state of all stages, those of views included. */
uint64_t rig_state_keys(rig *r);
const cu_view_counts *rig_view_counts(rig *r, const char *view);
const cu_table_counts *rig_table_counts(rig *r, const char *table);
cu_view_def *rig_view_def(cu_program *p, const char *name);
cu_table_def *rig_table_def(cu_program *p, const char *name);
/* The first node of a kind below a view's root. */
cu_node *rig_node(cu_program *p, const char *view, cu_node_kind kind);

#endif
