/* Private to processors/runtime. */
#ifndef CU_RUNTIME_INT_H
#define CU_RUNTIME_INT_H

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"
#include "base/map.h"
#include "processors/runtime/block.h"
#include "processors/runtime/decode.h"
#include "processors/runtime/layout.h"
#include "processors/runtime/runtime.h"

struct cu_runtime {
    cu_runtime_opts o;
    const cu_program *program;
    cu_arena *arena;
    cu_stages stages;
    cu_layout_record layout;
    uint32_t *stage_ids; /* by stage index */
    _Atomic bool **open; /* [stage][partition]: some worker's instance */
    int32_t *partitions, *view_partitions; /* by table, view index */
    const char *dlq;
    const char **inputs; /* every topic that workers read */
    uint32_t n_inputs;
    cu_counts counts;
    bool knows_idle;    /* some table has an idle_timeout that counts */
    _Atomic int ending; /* a cu_ending */
};

/* --- worker parts --------------------------------------------------------- */

typedef struct cu_instance cu_instance;

/* Who reads an input: an entry of an instance. */
typedef struct cu_sub {
    cu_instance *instance;
    cu_op *entry;
    uint32_t slot; /* in instance->slots */
} cu_sub;

/* How far an instance has applied an input that reaches it, and what the
 * input's time was there: as restored, while the input is behind. */
typedef struct cu_slot {
    struct cu_feed_in *in;
    int64_t next; /* rows before are applied already */
    int64_t watermark_us, max_ts_us;
    cu_upstream *upstream; /* exchanges: as many as the input has, or NULL */
    int64_t from;          /* where the state begins; CU_NO_OFFSET: not known */
    int64_t judged;        /* letters of rows before are out */
} cu_slot;

/* One assigned partition of a table's or repartition topic. Tables that read
 * the same topic (letters) have one each: twins. */
typedef struct cu_feed_in {
    cu_part part;
    struct cu_feed_in *twin;   /* the next one of the partition, or NULL */
    bool younger;              /* a twin of an earlier one */
    const cu_table_def *table; /* or */
    const cu_stage *exchange;
    int64_t next;    /* position of the reader */
    int64_t marked;  /* position committed to the group */
    int64_t settled; /* letters and counters start here */
    cu_decode_ctx *decode;
    int64_t watermark_us, max_ts_us;
    cu_upstream *upstream; /* exchange: by sending partition */
    uint32_t n_upstream;
    bool at_end, idle; /* read to its end; silent for long, too */
    int64_t heard_ms;  /* when it spoke last */
    cu_sub *subs;
    uint32_t n_subs;
    cu_pending pending;
} cu_feed_in;

/* What a stage knows the time from: an entry, or a WATERMARK above some. */
typedef struct cu_clock {
    cu_op *op;
    bool *feeds; /* of the stage: that it hears */
    bool timed;  /* false: its rows have no time, and nobody waits for it */
} cu_clock;

/* A stage in one partition. */
struct cu_instance {
    cu_worker *worker;
    const cu_stage *stage;
    int32_t partition;
    cu_space *space;
    cu_op_env op_env;
    cu_pipeline *pipeline;
    cu_op *tap; /* publisher or exchange, behind the root */
    struct cu_exchange_out *exchange;
    struct cu_silver_out *silver;
    cu_op **entries; /* by feed of the stage */
    cu_clock *clocks;
    uint32_t n_clocks;
    bool idle;  /* all its feeds are */
    bool ended; /* the time of all its feeds has ended */
    uint64_t sequence;
    bool fresh; /* no progress record yet */
    bool moved; /* positions moved since its last commit */
    int64_t pending_rows, pending_letters, pending_late;
    cu_rebuild rebuild; /* rebuild.h */
    bool caught_up;     /* the next commit corrects the topic */
    cu_slot *slots;     /* all inputs, those of in-memory feeds included */
    uint32_t n_slots;
};

struct cu_worker {
    cu_runtime *rt;
    uint32_t index;
    char *txn_id;
    char *member; /* static member name, or NULL */
    cu_reader *reader;
    cu_writer *writer;
    bool in_txn;
    cu_expr_env expr_env;
    cu_arena *arena;    /* one batch */
    cu_arena *assigned; /* until the next assignment */
    cu_feed_in **inputs;
    uint32_t n_inputs;
    cu_instance **instances; /* topological */
    uint32_t n_instances;
    int64_t last_commit_ms;
    int64_t rows;          /* since the last commit */
    int64_t bytes, budget; /* of their records; when a commit is due */
    int64_t newest_ms;     /* newest record timestamp among them */
    bool moved;
    bool ticked;          /* the clock was read for the commit to come */
    int64_t due_us;       /* when the clock alone makes a commit necessary */
    _Atomic bool ready;   /* has its partitions, restored */
    _Atomic bool settled; /* and committed since */
    _Atomic bool ended;   /* and its time has ended */
    bool lost;            /* fenced: apply nothing until the next assignment */
    bool reader_dead;     /* the last poll said so */
    int64_t fences[6];    /* when the last ones happened, ms */
    int64_t told_ms;      /* when an outage was told of last */
    int64_t *reports_due; /* by copy index, ms */
    /* What the group gave us.  `reopen`: these are ours, but have to be
     * opened again from the store. */
    cu_arena *owned_arena;
    cu_part *owned;
    size_t n_owned;
    bool reopen;
    int64_t purged_ms;        /* when exchanges were purged last */
    bool purge_denied;        /* told */
    struct cu_drain *rebuild; /* what stages that are made anew wait for */
    int64_t rebuild_ms;       /* when it was asked last */
    bool still;               /* only looks: reads nothing, commits nothing */
    bool resetting;           /* the commit to come sets positions */
    bool pressed;             /* reads nothing for want of memory … */
    int64_t pressed_ms;       /* … since; and reads all the same until */
    int64_t free_until_ms;
};

int cu_worker_begin(cu_worker *w, cu_err *err); /* opens a txn if needed */
/* During a long restore: hears of rebalances (and is heard by the group).
 * An error when the assignment that is being restored is no longer ours. */
int cu_worker_listen(cu_worker *w, cu_err *err);

/* recover.c: what a worker does about an error; the error itself when there
 * is nothing to do. */
int cu_worker_recover(cu_worker *w, cu_err *err);
/* What the group gave us: copied. */
void cu_worker_own(cu_worker *w, const cu_part *parts, size_t n);

/* assign.c */
int cu_worker_assign(cu_worker *w, const cu_part *parts, size_t n, cu_err *err);
void cu_worker_unassign(cu_worker *w);
/* Position and time of an input are those of the slots that it feeds. */
void cu_input_settle(cu_feed_in *in);
/* instance.c: opened with its space, restored, started with its operators. */
int cu_instance_open(cu_worker *w, const cu_stage *s, int32_t partition,
                     cu_instance **out, cu_err *err);
int cu_instance_start(cu_instance *i, cu_err *err);
void cu_instance_close(cu_instance *i);
/* Wires entries to inputs and upstream instances, settles positions. */
int cu_instance_connect(cu_instance *i, cu_err *err);
void cu_instance_progress(const cu_instance *i, cu_progress *out, cu_arena *a);
cu_instance *cu_worker_instance(const cu_worker *w, const cu_stage *s,
                                int32_t partition);
cu_feed_in *cu_worker_input(const cu_worker *w, const char *topic,
                            int32_t partition); /* the first twin */
/* What feeds a stage in a partition; NULL: another stage. */
cu_feed_in *cu_worker_feed(const cu_worker *w, const cu_feed *f,
                           int32_t partition);
/* restore.c: the spaces of all instances, to the ends of their changelogs. */
int cu_restore(cu_worker *w, cu_err *err);
/* feed.c: records of one input through everything that reads it. */
int cu_feed_records(cu_worker *w, const cu_poll *p, cu_err *err);
void cu_feed_end(cu_worker *w, const cu_poll *p);
/* report.c */
int cu_report_write(cu_worker *w, const cu_copy_def *c, cu_instance *i,
                    cu_err *err);
int cu_reports_due(cu_worker *w, cu_err *err);

#include "processors/runtime/out.h"

#endif
