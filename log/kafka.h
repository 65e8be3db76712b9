/* What the files of the Kafka half share (log/kafka*.c alone).
 *
 *   kafka.c         open and close, the method table, names
 *   kafka_conf.c    settings of every kind of handle
 *   kafka_client.c  callbacks and errors of every handle
 *   kafka_admin.c   topics
 *   kafka_group.c   offsets and group positions, fencing
 *   kafka_reader.c  a consumer: rebalances as poll results
 *   kafka_wake.c    keeps its fetchers awake
 *   kafka_writer.c  a transactional producer
 *   kafka_txn.c     its transactions, the in-doubt guard; with kafka_hang.c
 *
 * Handles (each is an rd_kafka_t with its threads):
 *   admin   a consumer that never joins: topics, groups, and the
 *           read_uncommitted ends
 *   probe   the read_committed ends; opened when first asked
 *   one per reader, one per writer
 *
 * Memory: memory_bytes is what all queues together should stay under.  A
 * writer queues up to a quarter of it (but always one largest record); a
 * reader says its own share (max_bytes); admin and probe fetch nothing.
 * rdkafka.h is included by log/kafka*.c only; these are its types by name.
 */
#ifndef CU_LOG_KAFKA_H
#define CU_LOG_KAFKA_H

#include "base/map.h"
#include "log/log.h"
#include <pthread.h>
typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_error_s rd_kafka_error_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;

enum {
    CU_KAFKA_RECORD_BYTES = 16 << 20, /* the largest record of a topic */
    CU_KAFKA_BATCH_BYTES = 512 << 10, /* the largest batch of small ones */
    CU_KAFKA_DIAL_MS = 5000,          /* until "no broker answers" */
};

typedef struct cu_kafka cu_kafka;

/* A handle and who it is; what every callback gets. */
typedef struct cu_kafka_client {
    cu_kafka *kafka;
    rd_kafka_t *rk;
    void *owner;          /* the reader or writer around it */
    char what[128];       /* for diag: "reader of group app" */
    int n_broken;         /* connections lost; of who polls */
    char last_error[200]; /* what error_cb heard; under kafka->mutex */
    char denied[256];     /* a topic not to be written to; likewise */
} cu_kafka_client;

/* A topic's name, kept while the log is open, and what its records may
 * weigh (0: not asked yet). */
typedef struct cu_kafka_topic {
    int64_t max_record_bytes;
    char name[];
} cu_kafka_topic;

struct cu_kafka {
    cu_log base;
    cu_env *env;
    char *brokers, *client_id;
    cu_property *properties; /* ours; `n_properties` of them */
    size_t n_properties;
    size_t memory_bytes;
    int64_t session_ms, transaction_ms, deadline_ms;
    bool at_least_once;
    cu_kafka_client admin, probe;
    pthread_mutex_t mutex; /* guards what follows, and opening the probe */
    cu_map *topics;        /* name -> cu_kafka_topic */
    cu_map *remains;       /* txn id -> what a dead writer left */
    int64_t warned_ms;     /* when "no broker answers" was last said */
};

/* --- kafka.c ---------------------------------------------------------- */

/* The one entry of that name; thread: any. */
cu_kafka_topic *cu_kafka_topic_of(cu_kafka *k, const char *name);
/* The read_committed handle. */
int cu_kafka_probe(cu_kafka *k, rd_kafka_t **out, cu_err *err);
/* Milliseconds until `until_ms` on the monotonic clock, never negative. */
int cu_kafka_left(cu_kafka *k, int64_t until_ms);

/* --- kafka_conf.c ----------------------------------------------------- */

/* Properties in order: those of every handle, `defaults`, the user's,
 * `fixed`; both lists end with a NULL name.  CU_USAGE names the property. */
int cu_kafka_conf(cu_kafka_client *c, const cu_property *defaults,
                  const cu_property *fixed, rd_kafka_conf_t **out, cu_err *err);
int cu_kafka_reader_conf(cu_kafka_client *c, const cu_reader_opts *o,
                         rd_kafka_conf_t **out, cu_err *err);
/* Where the queue of such a reader is full. */
size_t cu_kafka_queue_bytes(const cu_reader_opts *o);
int cu_kafka_writer_conf(cu_kafka_client *c, const char *txn_id,
                         rd_kafka_conf_t **out, cu_err *err);
/* CU_USAGE when a user's property is unknown, bad, or not theirs to set. */
int cu_kafka_check_properties(cu_kafka *k, cu_err *err);

/* --- kafka_client.c --------------------------------------------------- */

/* `c` is what every callback gets; logs go to diag. */
void cu_kafka_callbacks(cu_kafka_client *c, rd_kafka_conf_t *conf);
/* Takes `conf`. `type`: rd_kafka_type_t. */
int cu_kafka_client_open(cu_kafka_client *c, int type, rd_kafka_conf_t *conf,
                         cu_err *err);
/* What to do if `why` says that brokers refuse us, or we them; else NULL. */
const char *cu_kafka_refusal(const char *why);
/* A topic that a transaction was refused to write to, or "". */
void cu_kafka_denied(cu_kafka_client *c, char *out, size_t size);
/* The last thing error_cb heard, or "". */
void cu_kafka_last_error(cu_kafka_client *c, char *out, size_t size);

/* Translates an rd_kafka_resp_err_t: "<doing>: <why> (<NAME>); <hint>".
 * `flags` are added to those of the table; `why` may be NULL. */
int cu_kafka_fail(cu_err *err, int code, uint32_t flags, const char *why,
                  const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The same, naming the permission on the topic if that is missing. */
int cu_kafka_fail_grant(cu_err *err, int code, const char *operation,
                        const char *topic, const char *doing);
/* The codes that say: another owner took over. */
bool cu_kafka_is_fence(int code);

/* --- kafka_admin.c ---------------------------------------------------- */

int cu_kafka_topic_ensure(cu_log *, const cu_topic_spec *, cu_err *);
int cu_kafka_topic_list(cu_log *, cu_arena *, cu_topic_list *, cu_err *);
int cu_kafka_topic_delete(cu_log *, const char *topic, cu_err *);
int cu_kafka_delete_records(cu_log *, cu_part, int64_t before, cu_err *);
/* Partitions of a topic that can be used now; 0: there is no such topic. */
int cu_kafka_partitions(cu_kafka *k, const char *topic, int32_t *n,
                        cu_err *err);
/* The same, CU_NOT_FOUND when the topic or the partition is not there. */
int cu_kafka_require(cu_kafka *k, cu_part part, int32_t *n, cu_err *err);
/* What a record of the topic may weigh at most, by the topic's own limit. */
int cu_kafka_record_limit(cu_kafka *k, const char *topic, int64_t *bytes,
                          cu_err *err);

/* --- kafka_group.c ---------------------------------------------------- */

int cu_kafka_offset_at(cu_log *, cu_part, int64_t at_ms, int64_t *off,
                       cu_err *);
int cu_kafka_end_offset(cu_log *, cu_part, bool uncommitted, int64_t *off,
                        cu_err *);
int cu_kafka_committed(cu_log *, const char *group, cu_part, int64_t *off,
                       cu_err *);
int cu_kafka_group_positions(cu_log *, const char *group, cu_arena *,
                             cu_positions *, cu_err *);
int cu_kafka_group_alter(cu_log *, const char *group, const cu_positions *,
                         cu_err *);
int cu_kafka_position_cmp(const void *a, const void *b); /* for qsort */

/* --- kafka_reader.c --------------------------------------------------- */

/* A group's generation as it was when partitions were assigned, of the reader
 * `rk`; counted, so that a mark keeps the one it was made under. */
typedef struct cu_kafka_generation {
    int refs;
    rd_kafka_t *rk;
    void *metadata; /* rd_kafka_consumer_group_metadata_t */
} cu_kafka_generation;
void cu_kafka_generation_release(cu_kafka_generation *g);

int cu_kafka_reader_open(cu_log *, const cu_reader_opts *, cu_reader **,
                         cu_err *);
int cu_kafka_reader_seek(cu_reader *, cu_part, int64_t off, cu_err *);
int cu_kafka_reader_pause(cu_reader *, cu_part, bool pause, cu_err *);
int cu_kafka_reader_poll(cu_reader *, int64_t timeout_ms, cu_poll *, cu_err *);
void cu_kafka_reader_close(cu_reader *);
/* The generation that owns `part`, retained; CU_FENCED when it is not ours
 * any more, CU_USAGE for a reader without a group. */
int cu_kafka_reader_generation(cu_reader *, cu_part, cu_kafka_generation **,
                               cu_err *);

/* --- kafka_wake.c ----------------------------------------------------- */

typedef struct cu_kafka_wake cu_kafka_wake;
/* `queue_bytes`: where the queue of `rk` is full; `bytes` were taken out of
 * it.  Freed before rk is. */
cu_kafka_wake *cu_kafka_wake_new(rd_kafka_t *rk, size_t queue_bytes);
void cu_kafka_wake_taken(cu_kafka_wake *w, size_t bytes);
void cu_kafka_wake_free(cu_kafka_wake *w);

/* --- kafka_writer.c --------------------------------------------------- */

int cu_kafka_writer_open(cu_log *, const char *txn_id, cu_writer **, cu_err *);
int cu_kafka_begin(cu_writer *, cu_err *);
int cu_kafka_append(cu_writer *, const cu_record *, cu_err *);
int cu_kafka_mark(cu_writer *, cu_reader *, cu_part, int64_t next, cu_err *);
bool cu_kafka_attach(cu_writer *, const cu_kv_batch *);
int cu_kafka_commit(cu_writer *, int64_t timeout_ms, cu_arena *,
                    cu_positions *ends, cu_err *);
int cu_kafka_abort(cu_writer *, cu_err *);
void cu_kafka_writer_close(cu_writer *);
int cu_kafka_fence(cu_log *, const char *txn_id, cu_err *);
void cu_kafka_remains_free(cu_kafka *k);

#endif
