/* The runtime: log -> rows -> log, exactly once.
 *
 * A runtime is what all workers of a process share: the program, its stages,
 * topics, counters.  A worker owns one group reader, one transactional
 * writer and the stage instances of the partitions it was assigned.  Workers
 * never share anything but the log and the counters.
 *
 * T1 one thread per worker step.
 * T2 a commit goes: operators, exchanges, outputs, changelog with progress,
 *    positions, transaction == the truth moves == local store.
 */
#ifndef CU_RUNTIME_RUNTIME_H
#define CU_RUNTIME_RUNTIME_H

#include "processors/operators/op.h"
#include "processors/plan/stage.h"
#include "state/state.h"

#include <stdatomic.h>

/* Rows of a table since the process started, committed ones only:
 * in = applied + late + dead. */
typedef struct cu_table_counts {
    _Atomic int64_t in, applied, late, dead;
} cu_table_counts;

typedef struct cu_view_counts {
    _Atomic int64_t rows;    /* changes published: records of its topic */
    _Atomic int64_t letters; /* rows that the view rejected */
    _Atomic int64_t late;    /* rows that came after their windows closed */
} cu_view_counts;

typedef struct cu_counts {
    cu_table_counts *tables; /* by program index */
    cu_view_counts *views;
    _Atomic int64_t commits, aborts, lag;
    _Atomic int64_t restores;     /* stages restored from changelogs */
    _Atomic int64_t restore_left; /* offsets still to go */
    _Atomic int64_t restored_rows, restored_bytes;
    _Atomic int64_t commit_us; /* spent in commits */
    _Atomic int64_t pauses;    /* for want of memory */
} cu_counts;

typedef struct cu_runtime cu_runtime;
typedef struct cu_worker cu_worker;

typedef struct cu_runtime_opts {
    const cu_program *program;
    cu_log *log;
    cu_store *store;
    cu_env *env;
    const char *instance;       /* name of this process in the group */
    bool static_member;         /* Kafka: group.instance.id = instance.worker */
    bool log_carries_state;     /* embedded: no changelog topics */
    int64_t commit_interval_ms; /* 0 = 100 */
    int64_t commit_rows;        /* 0 = 200,000 */
    int64_t commit_bytes;       /* of changed state; 0 = memory_bytes / 16 */
    size_t memory_bytes;        /* caches of operators; 0 = 64 MiB */
    bool never_idle; /* idle_timeout does not apply (drain, decision 15) */
    /* True while the process has more memory than it was given (NULL: never):
     * workers commit, drop what they keep clean, and read nothing until it is
     * over, or for a second. Any thread, each step. */
    bool (*pressed)(void *ctx);
    void *pressed_ctx;
    bool as_it_was; /* inputs have the partitions that the state was made
                     * with, and not those gained since: to be moved */
} cu_runtime_opts;

/* What every commit from now on does besides. */
typedef enum cu_ending {
    CU_ENDING_NOT,
    CU_ENDING_OUTPUT, /* publishes what emit_interval holds back */
    CU_ENDING_TIME,   /* and ends the time of the tables: windows close */
} cu_ending;

/* Resolves partitions, makes topics, gives stages their ids.  Errors name
 * the topic and what to do. */
int cu_runtime_open(const cu_runtime_opts *opts, cu_runtime **out, cu_err *err);
void cu_runtime_close(cu_runtime *rt);
const cu_stages *cu_runtime_stages(const cu_runtime *rt);
cu_counts *cu_runtime_counts(cu_runtime *rt);
/* Of the topic of a view; those of its stage may be others. */
int32_t cu_runtime_view_partitions(const cu_runtime *rt, const cu_view_def *v);
cu_layout cu_runtime_layout(const cu_runtime *rt);
/* The id that the store knows a stage by. */
uint32_t cu_runtime_stage_id(const cu_runtime *rt, const cu_stage *s);
const char *cu_runtime_dlq(const cu_runtime *rt); /* the app's topic */

/* Any thread. CU_ENDING_TIME is kept in the state: rows of later runs find
 * all windows closed. */
void cu_runtime_end(cu_runtime *rt, cu_ending how);

int cu_worker_open(cu_runtime *rt, uint32_t index, cu_worker **out,
                   cu_err *err);
/* One poll, what came with it, and a commit when one is due.  Recovers from
 * aborts and fences by itself; an error here stops the worker.  *busy: rows
 * came or a commit was made. */
int cu_worker_step(cu_worker *w, int64_t timeout_ms, bool *busy, cu_err *err);
/* True while the worker has its partitions, restored and being read: before
 * that, the store of this process may be behind the log.  Any thread. */
bool cu_worker_ready(const cu_worker *w);
/* True once it has also committed since, so that rows without a source
 * (VALUES) are on their way.  Any thread. */
bool cu_worker_settled(const cu_worker *w);
/* True once the time of all its stages has ended (CU_ENDING_TIME): marks of
 * other workers included.  Any thread. */
bool cu_worker_ended(const cu_worker *w);
/* Commits what is pending. */
int cu_worker_commit(cu_worker *w, cu_err *err);
/* Writes every report that this worker owns; *n counts the files. */
int cu_worker_reports(cu_worker *w, uint32_t *n, cu_err *err);
void cu_worker_close(cu_worker *w); /* without a commit: as if killed */

/* --- other positions (rebuild.h) ------------------------------------------ */

/* Before the first step: the worker only gets and restores its partitions. */
void cu_worker_still(cu_worker *w);
/* True when it has every partition of every input: nobody else does. */
bool cu_worker_owns_all(const cu_worker *w);
/* Where the state begins in each partition of the tables' topics. */
int cu_worker_begins(cu_worker *w, cu_arena *a, cu_positions *out, cu_err *err);
/* In one transaction: all stages are to be made anew over the inputs from `to`
 * on, and, where it names none, from where they began; what lies in exchanges
 * is skipped.  The topics of the views keep what they show until then, and get
 * the corrections.  CU_BUSY: too many resets wait to be gone through.  The
 * worker, which owns all and is still, can only be closed afterwards. */
int cu_worker_reset(cu_worker *w, const cu_positions *to, cu_err *err);

/* Other partitions, for the same kind of worker: all stages are to be made anew
 * in them.  Rows that views show move to the instances that their keys will
 * be in, in transactions of their own; the last one makes the new layout count
 * (layout.h, repartition.c).  Refused before anything is changed when rows
 * would be lost: with CU_UNSUPPORTED when a view cannot be moved, with
 * CU_HISTORY when its input has no longer what it was made of. */
typedef struct cu_moved {
    cu_layout layout;  /* that counts now */
    bool nothing;      /* there was nothing to do */
    int64_t rows;      /* moved */
    uint32_t n_topics; /* that nobody needs any more */
    const char *const *topics;
} cu_moved;
/* `partitions` behind exchanges; 0: as many as there are.  `plan`: only tells
 * what would come. */
int cu_worker_repartition(cu_worker *w, int32_t partitions, bool plan,
                          cu_arena *a, cu_moved *out, cu_err *err);

/* --- drain ---------------------------------------------------------------- */

/* Where the inputs end now (decision 15). */
typedef struct cu_drain cu_drain;
int cu_drain_begin(cu_runtime *rt, cu_drain **out, cu_err *err);
/* True when everything up to those ends went through all stages. */
int cu_drain_done(cu_drain *d, bool *done, cu_err *err);
/* Records still ahead, for progress. */
int64_t cu_drain_left(const cu_drain *d);
void cu_drain_free(cu_drain *d);

/* --- reading the views from outside a worker ------------------------------ */

typedef int cu_view_push(void *ctx, const cu_batch *b, cu_err *err);
/* Committed rows of a view, all local partitions, as +w batches. Any thread. */
int cu_view_scan(cu_runtime *rt, const cu_view_def *v, cu_view_push *push,
                 void *ctx, cu_err *err);
int cu_view_scan_part(cu_runtime *rt, const cu_stage *s, int32_t partition,
                      cu_view_push *push, void *ctx, cu_err *err);
/* Committed rows of a view of all processes of the app: its topic, folded. */
int cu_view_fold(cu_runtime *rt, const cu_view_def *v, cu_view_push *push,
                 void *ctx, cu_err *err);
/* Accepted rows of a table's topic, oldest to the end as of now. */
int cu_table_read(cu_runtime *rt, const cu_table_def *t, cu_view_push *push,
                  void *ctx, cu_err *err);
/* A view as a table over its own topic: what was published, read back; a
 * tombstone of a keyed view deletes. */
const cu_table_def *cu_view_as_table(const cu_view_def *v, cu_arena *a);
/* A record as a decoder takes it; nothing is copied. */
cu_input cu_input_of(const cu_record *r);
/* Rows of a bag in the order, limit and columns of a query. */
typedef struct cu_result cu_result;
cu_result *cu_result_new(const cu_copy_def *copy);
int cu_result_add(void *result, const cu_batch *b, cu_err *err);
const cu_schema *cu_result_schema(const cu_result *r);
/* Sorted, cut, projected: batch after batch, NULL at the end. */
const cu_batch *cu_result_next(cu_result *r);
void cu_result_free(cu_result *r);

#endif
