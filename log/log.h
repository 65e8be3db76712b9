/* The durable log: records in order, in partitions of topics.
 *
 * Two makers: cu_log_open_local() (embedded, RocksDB) and
 * cu_log_open_kafka() (librdkafka).  Everything above sees this table only.
 *
 *   reader --poll--> records        begin
 *                                   append … append      (outputs)
 *                                   mark   (input positions of a group)
 *                                   attach (state, when the log carries it)
 *                                   commit | abort
 *
 * L1 offsets in a partition only grow and are never reused (gaps happen).
 * L2 a transaction's records, marks and attached batch appear together or
 *    not at all.
 * L3 readers see committed records only (unless `uncommitted` is asked).
 * L4 one live writer per transaction id: opening fences the older one.
 *
 * Thread: a log may be used from any thread; each reader and each writer has
 * one owner.  Topic names in cu_part stay valid while the log is open when
 * they came from it; on the way in they are copied.
 */
#ifndef CU_LOG_LOG_H
#define CU_LOG_LOG_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/env.h"
#include "base/err.h"
#include "base/kv.h"

typedef struct cu_log cu_log;
typedef struct cu_reader cu_reader;
typedef struct cu_writer cu_writer;

typedef struct cu_part {
    const char *topic;
    int32_t partition;
} cu_part;

typedef struct cu_record {
    cu_part part;
    int64_t offset;       /* set by readers; ignored by append */
    int64_t timestamp_ms; /* since 1970 */
    cu_slice key, value;  /* absent: a null key, a tombstone */
    const cu_header *headers;
    uint32_t n_headers;
} cu_record;

typedef struct cu_topic_spec {
    const char *name;
    int32_t partitions;       /* 0: one */
    int32_t replication;      /* 0: the broker's default */
    bool compact;             /* keep the last record per key */
    int64_t retention_ms;     /* 0: keep for ever */
    int64_t max_record_bytes; /* 0: 16 MiB */
} cu_topic_spec;

typedef struct cu_topic_info {
    const char *name;
    int32_t partitions;
    bool compact;
    bool deletes;             /* records older than retention_ms go */
    int64_t retention_ms;     /* -1: not known */
    int64_t max_record_bytes; /* 0: not known */
} cu_topic_info;

typedef struct cu_topic_list {
    cu_topic_info *topics; /* by name */
    size_t n;
} cu_topic_list;

/* One partition's position in a list (in the arena that was passed). */
typedef struct cu_position {
    cu_part part;
    int64_t next; /* the first offset not yet read or written */
} cu_position;

typedef struct cu_positions {
    cu_position *at;
    size_t n;
} cu_positions;

/* Special offsets. */
#define CU_OLDEST    INT64_C(-2)
#define CU_NEWEST    INT64_C(-1)
#define CU_NO_OFFSET INT64_C(-1001)

typedef struct cu_reader_opts {
    const char *group;         /* NULL: `parts` are read by hand, no group */
    const char *const *topics; /* with a group: subscribe to these */
    size_t n_topics;
    const cu_position *parts; /* without: read these from `next` */
    size_t n_parts;
    bool uncommitted;     /* read past open transactions too */
    const char *instance; /* static member name; NULL: dynamic */
    size_t max_bytes;     /* fetch memory; 0 = 8 MiB */
} cu_reader_opts;

typedef enum cu_poll_kind {
    CU_POLL_IDLE,     /* nothing came before the deadline */
    CU_POLL_RECORDS,  /* `records`: n of one partition, ascending offsets */
    CU_POLL_END,      /* `part` is read to its end as of now: `next` */
    CU_POLL_ASSIGNED, /* `parts` are ours now; paused until resumed */
    CU_POLL_REVOKED,  /* `parts` go away when poll is called next */
} cu_poll_kind;

/* Lent until the next poll of the same reader. */
typedef struct cu_poll {
    cu_poll_kind kind;
    cu_part part;
    const cu_record *records;
    size_t n;
    int64_t next; /* position after these records, control records counted */
    const cu_part *parts;
    size_t n_parts;
    bool lost; /* REVOKED: a hint that somebody else may already own them */
} cu_poll;

typedef struct cu_log_vt {
    int version;
    const char *name; /* "local" or "kafka" */
    /* Idempotent; CU_EXISTS when it exists with other partitions. */
    int (*topic_ensure)(cu_log *, const cu_topic_spec *, cu_err *);
    int (*topic_list)(cu_log *, cu_arena *, cu_topic_list *, cu_err *);
    int (*topic_delete)(cu_log *, const char *topic, cu_err *);
    /* Records before `before` may be deleted. */
    int (*delete_records)(cu_log *, cu_part, int64_t before, cu_err *);
    /* CU_OLDEST, CU_NEWEST (end of the committed records), or the first
     * offset whose record is not older than at_ms (the end when none). */
    int (*offset_at)(cu_log *, cu_part, int64_t at_ms, int64_t *off, cu_err *);
    /* The end by isolation; `uncommitted` counts open transactions. */
    int (*end_offset)(cu_log *, cu_part, bool uncommitted, int64_t *off,
                      cu_err *);
    /* A group's committed position; CU_NO_OFFSET when there is none. */
    int (*committed)(cu_log *, const char *group, cu_part, int64_t *off,
                     cu_err *);
    /* All committed positions of a group. */
    int (*group_positions)(cu_log *, const char *group, cu_arena *,
                           cu_positions *, cu_err *);
    /* Sets positions of a group without members. */
    int (*group_alter)(cu_log *, const char *group, const cu_positions *,
                       cu_err *);
    /* Ends whatever transaction an older writer of that id left open. */
    int (*fence)(cu_log *, const char *txn_id, cu_err *);
    /* Retention, compaction, background sync; cheap when nothing is due. */
    int (*maintain)(cu_log *, cu_err *);

    int (*reader_open)(cu_log *, const cu_reader_opts *, cu_reader **,
                       cu_err *);
    int (*reader_seek)(cu_reader *, cu_part, int64_t off, cu_err *);
    int (*reader_pause)(cu_reader *, cu_part, bool pause, cu_err *);
    int (*reader_poll)(cu_reader *, int64_t timeout_ms, cu_poll *, cu_err *);
    void (*reader_close)(cu_reader *);

    int (*writer_open)(cu_log *, const char *txn_id, cu_writer **, cu_err *);
    int (*begin)(cu_writer *, cu_err *);
    /* Copies. CU_LIMIT: larger than the topic takes; the transaction is
     * still good and nothing was added. */
    int (*append)(cu_writer *, const cu_record *, cu_err *);
    /* `reader`'s group has processed `part` up to `next`; same
     * transaction, fenced by the group's generation. */
    int (*mark)(cu_writer *, cu_reader *, cu_part, int64_t next, cu_err *);
    /* True: the batch will be written with the transaction (copied).
     * False: the caller applies it after a successful commit. */
    bool (*attach)(cu_writer *, const cu_kv_batch *);
    /* `ends` (may be NULL; in the arena): where each partition that was
     * appended to now ends. Errors: flags say RETRY, ABORT or FATAL;
     * CU_IN_DOUBT: retire the writer, open one with the same id. */
    int (*commit)(cu_writer *, int64_t timeout_ms, cu_arena *,
                  cu_positions *ends, cu_err *);
    int (*abort)(cu_writer *, cu_err *);
    void (*writer_close)(cu_writer *); /* an open transaction is aborted */

    void (*close)(cu_log *);
} cu_log_vt;

struct cu_log {
    const cu_log_vt *vt;
};
struct cu_reader {
    const cu_log_vt *vt;
};
struct cu_writer {
    const cu_log_vt *vt;
};

/* The embedded log lives in `kv` under its own key prefix 'L' (state uses
 * 'S'), so that a transaction is one write.  `carry_state`: attach() takes
 * batches; false behaves like Kafka (the caller keeps a changelog), for
 * simulation.  `sync_commit`: fsync every commit.  `memory_bytes`: the keys
 * that a pass of compaction knows; 0: 32 MiB. The kv stays the caller's. */
typedef struct cu_log_local_opts {
    cu_kv *kv;
    cu_env *env;
    bool carry_state;
    bool sync_commit;
    size_t memory_bytes;
} cu_log_local_opts;
int cu_log_open_local(const cu_log_local_opts *opts, cu_log **out, cu_err *err);

typedef struct cu_property {
    const char *name, *value;
} cu_property;

typedef struct cu_log_kafka_opts {
    const char *brokers;
    const char *client_id;
    const cu_property *properties; /* -X and OPTIONS, librdkafka's names */
    size_t n_properties;
    cu_env *env;
    size_t memory_bytes;    /* all its queues together; 0 = 64 MiB */
    int64_t session_ms;     /* 0 = 10 s */
    int64_t transaction_ms; /* 0 = 10 s */
    int64_t deadline_ms;    /* for admin calls; 0 = 30 s */
    bool at_least_once;     /* writers without transactions: L2 is given up,
                             * a crash may leave a part and repeat it */
} cu_log_kafka_opts;
/* CU_NETWORK with what to check when no broker answers. */
int cu_log_open_kafka(const cu_log_kafka_opts *opts, cu_log **out, cu_err *err);

static inline int cu_log_poll(cu_reader *r, int64_t timeout_ms, cu_poll *p,
                              cu_err *err)
{
    return r->vt->reader_poll(r, timeout_ms, p, err);
}
static inline int cu_log_append(cu_writer *w, const cu_record *r, cu_err *err)
{
    return w->vt->append(w, r, err);
}
/* A header's value, or an absent slice; the last one of a name wins. */
cu_slice cu_record_header(const cu_record *r, const char *name);
/* "topic[partition]" into the buffer. */
const char *cu_part_name(cu_part p, char *out, size_t size);
bool cu_part_eq(cu_part a, cu_part b);

#endif
