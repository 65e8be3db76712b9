/* A broker in memory that behaves as Kafka does towards a transactional
 * client: records of open transactions stand in the log, markers take
 * offsets, the last stable offset holds readers back, producers are fenced by
 * epoch and positions by the group's generation, transactions and sessions
 * time out, and the end of a transaction may arrive twice or late.
 *
 * The half that clients talk to is client.h.  Here is what stands on the
 * broker, for its own files and for whoever checks its bytes.
 */
#ifndef CU_SIM_BROKER_H
#define CU_SIM_BROKER_H

#include "log/log.h"

typedef enum sim_txn_state {
    SIM_OPEN,
    SIM_COMMITTED,
    SIM_ABORTED
} sim_txn_state;

typedef struct sim_part sim_part;
typedef struct sim_topic sim_topic;
typedef struct sim_group sim_group;
typedef struct sim_member sim_member;
typedef struct sim_id sim_id;
typedef struct sim_txn sim_txn;

/* One offset of a partition. */
typedef struct sim_entry {
    cu_record r;
    sim_txn *txn;
    bool control, gone; /* a marker; removed by compaction */
} sim_entry;

struct sim_part {
    sim_topic *topic;
    int32_t n;
    sim_entry *at;
    int64_t start, end, cap;
    int64_t stable;    /* the last stable offset, found anew when asked */
    int64_t compacted; /* records before may be missing */
};

struct sim_topic {
    sim_topic *next;
    const char *name;
    int32_t n_parts;
    bool compact, deleted;
    int64_t retention_ms, max_record_bytes;
    sim_part *parts;
};

typedef struct sim_mark {
    sim_group *group;
    sim_part *part;
    int64_t next;
    uint64_t stamp; /* when it was sent, not when it was committed */
} sim_mark;

struct sim_txn {
    sim_id *id;
    uint64_t epoch;
    sim_txn_state state;
    int64_t since_us;
    sim_part **parts; /* touched, in order */
    int64_t *from;    /* its first offset there */
    uint32_t n_parts, cap_parts;
    sim_mark *marks;
    uint32_t n_marks, cap_marks;
};

/* A transactional id. */
struct sim_id {
    sim_id *next;
    const char *name;
    uint64_t epoch;
    sim_txn *open;
    sim_txn *last;
};

struct sim_group {
    sim_group *next;
    const char *name;
    uint64_t generation;
    bool preparing;
    int64_t since_us;
    sim_member *members; /* in assignment order */
    sim_mark *positions; /* committed; by arrival */
    uint32_t n_positions, cap_positions;
};

struct sim_member {
    sim_member *next;
    sim_group *group; /* NULL: the group does not know it any more */
    void *client;     /* whose heart beats for it */
    const char *instance;
    uint64_t id, generation;
    sim_topic **topics;
    uint32_t n_topics;
    sim_part **parts;
    uint32_t n_parts, cap_parts;
    bool joined;   /* waits for the next generation */
    bool told;     /* knows `parts` */
    bool replaced; /* a younger one bears its name */
    int64_t heard_us;
};

/* An EndTxn that is still on its way. */
typedef struct sim_late {
    struct sim_late *next;
    sim_id *id;
    uint64_t epoch;
    bool commit;
    int64_t at_us;
} sim_late;

typedef struct sim_broker sim_broker;
struct sim_broker {
    cu_env *env;
    cu_arena *arena;
    sim_topic *topics;
    sim_group *groups;
    sim_id *ids;
    sim_late *late;
    uint64_t next_member, stamp;
    int64_t down_until_us; /* nobody gets an answer before */
    int64_t session_us, transaction_us;
    bool unfenced; /* broken: a newer epoch stops no older one */
    uint64_t n_commits, n_aborts, n_fenced, n_timeouts, n_rebalances, n_late;
    /* A transaction is about to be committed; before its markers. */
    void (*on_commit)(void *ctx, sim_txn *t);
    void (*on_init)(void *ctx, sim_id *id);
    bool (*alive)(void *client); /* its heart beats */
    void *ctx;
};

sim_broker *sim_broker_new(cu_env *env);
void sim_broker_free(sim_broker *b);
/* What the clock brings: timeouts, evictions, late requests. */
void sim_broker_tick(sim_broker *b);
/* Down for that long; it forgets nothing, and hears everybody anew. */
void sim_broker_restart(sim_broker *b, int64_t down_us);
/* Keeps the last record per key in compacted topics, up to the stable end. */
void sim_broker_compact(sim_broker *b);

sim_topic *sim_topic_of(sim_broker *b, const char *name);
sim_part *sim_part_of(sim_broker *b, cu_part p);
int64_t sim_stable(sim_part *p);
sim_id *sim_id_of(sim_broker *b, const char *name);
sim_group *sim_group_of(sim_broker *b, const char *name);
sim_mark *sim_position(sim_group *g, sim_part *p);
/* Of two positions the one that was sent later counts, as on Kafka. */
void sim_position_set(sim_mark m);

/* Requests of a producer; false: fenced (or not its state). */
uint64_t sim_init(sim_broker *b, sim_id *id);
bool sim_produce(sim_broker *b, sim_id *id, uint64_t epoch, sim_part *p,
                 const cu_record *r);
bool sim_add_mark(sim_broker *b, sim_id *id, uint64_t epoch, sim_mark m);
bool sim_end(sim_broker *b, sim_id *id, uint64_t epoch, bool commit);
/* Some open transaction will move the group's position. */
bool sim_unstable(sim_broker *b, sim_group *g, sim_part *p);

/* broker_group.c */
sim_member *sim_join(sim_broker *b, const cu_reader_opts *o, void *client);
void sim_rejoin(sim_broker *b, sim_member *m, const char *group);
void sim_leave(sim_broker *b, sim_member *m); /* says so */
void sim_member_free(sim_member *m);
/* Does the group take marks of that member and generation? */
bool sim_is_current(const sim_group *g, uint64_t member, uint64_t generation);
void sim_groups_tick(sim_broker *b);

#endif
