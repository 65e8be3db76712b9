/* A transactional writer as its files see it: kafka_writer.c puts records
 * in, kafka_txn.c begins and ends transactions, kafka_hang.c ends what a
 * broker has forgotten.
 *
 * Private to those three, to kafka_group.c, which they ask, and to
 * kafka_reader.c, which passes over what the third one writes. */
#ifndef CU_LOG_KAFKA_TXN_H
#define CU_LOG_KAFKA_TXN_H

#include "log/kafka.h"

#include <stdatomic.h>

struct rd_kafka_message_s;

/* Where one partition ends; delivery reports point at it. */
typedef struct cu_kafka_slot {
    cu_part part;
    int64_t end;          /* -1: nothing delivered in this transaction */
    int64_t queued_bytes; /* at most; for topics that take little */
    uint32_t n_out;       /* appended, without a report so far */
    bool touched;
    bool stays; /* something of this transaction may be in the log */
} cu_kafka_slot;

/* Marks of one generation. */
typedef struct cu_kafka_marks {
    cu_kafka_generation *generation;
    struct rd_kafka_topic_partition_list_s *positions;
} cu_kafka_marks;

typedef enum cu_kafka_state {
    CU_KAFKA_IDLE,
    CU_KAFKA_OPEN,   /* begun by us, nothing in it */
    CU_KAFKA_ACTIVE, /* begun by librdkafka */
    CU_KAFKA_DEAD,   /* to be closed and opened anew */
} cu_kafka_state;

typedef struct cu_kafka_out cu_kafka_out; /* a topic, in kafka_writer.c */

typedef struct cu_kafka_writer {
    cu_writer base;
    cu_kafka_client client;
    char *txn_id;
    cu_kafka_state state;
    cu_err death; /* why it is DEAD */
    bool aborting;
    atomic_int end_txn_sent; /* K4: requests seen on the wire */

    cu_map *topics; /* name -> cu_kafka_out */
    cu_kafka_out *last;
    cu_kafka_slot **touched; /* in this transaction */
    size_t n_touched, cap_touched;
    size_t n_appended;
    cu_kafka_marks *marks;
    size_t n_marks;
    bool marks_sent;

    /* The last commit: its marks, which are of `group`, and its partitions.
     * NULL: none yet. */
    struct rd_kafka_topic_partition_list_s *settled, *committed;
    char group[256];
    int n_broken; /* connections that were lost when it was seen to be whole */

    int failed; /* the first delivery that did not work */
    char failed_at[300];
} cu_kafka_writer;

/* Counts what ends a transaction on the wire. */
void cu_kafka_guard(rd_kafka_conf_t *conf, cu_kafka_writer *w);
/* Begins with librdkafka unless it did; dead writers say why. */
int cu_kafka_activate(cu_kafka_writer *w, cu_err *err);
/* No transaction is open: frees marks, forgets ends and failures. */
void cu_kafka_forget(cu_kafka_writer *w);
/* Why a step before the end failed: its code | ABORT, or FATAL. */
int cu_kafka_fail_step(cu_kafka_writer *w, int code, const char *why,
                       const char *step, cu_err *err);
/* The same for the first delivery that did not work. */
int cu_kafka_fail_delivery(cu_kafka_writer *w, cu_err *err);
/* What a DEAD writer answers to everything. */
int cu_kafka_fail_dead(const cu_kafka_writer *w, cu_err *err);

/* --- kafka_hang.c ------------------------------------------------------- */

/* The transaction is committed: keeps where it was until the next one is. */
void cu_kafka_settle(cu_kafka_writer *w);
void cu_kafka_unsettle(cu_kafka_writer *w);
/* Adds to this transaction, which is flushed, what ends the commit before it
 * where a broker has forgotten that; one question after a lost connection,
 * else none. */
int cu_kafka_mend(cu_kafka_writer *w, cu_err *err);
/* The writer is given up in the middle of a transaction: for the next one. */
void cu_kafka_remains_keep(cu_kafka_writer *w);
/* Ends what the last writer of that id may have left open; after init. */
int cu_kafka_remains_end(cu_kafka_writer *w, cu_err *err);
/* A record that stands for no row, which readers pass over. */
bool cu_kafka_is_nothing(const struct rd_kafka_message_s *m);

/* *pending: a transaction with positions of `group` for `want` is open.  One
 * question; in kafka_group.c. */
int cu_kafka_pending(cu_kafka *k, const char *group,
                     const struct rd_kafka_topic_partition_list_s *want,
                     bool *pending, cu_err *err);

#endif
