/* The embedded log's insides, shared by local*.c and nobody else.
 *
 * Two locks.  `commit_lock` is held over every write to the kv and every
 * change of membership; `lock` guards memory for a moment.  State marked
 * [2] is changed under both, so holding either one is enough to read it.
 * Order: commit_lock, then lock.  Never call the kv under `lock`.
 */
#ifndef CU_LOG_LOCAL_H
#define CU_LOG_LOCAL_H

#include "base/map.h"
#include "log/local_block.h"
#include "log/log.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct cu_local cu_local;
typedef struct cu_local_part cu_local_part;
typedef struct cu_local_topic cu_local_topic;
typedef struct cu_local_group cu_local_group;
typedef struct cu_local_member cu_local_member;
typedef struct cu_local_pass cu_local_pass;

enum {
    CU_LOCAL_BLOCK_BYTES = 256 * 1024,
    CU_LOCAL_RECORD_BYTES = 16 * 1024 * 1024,
    CU_LOCAL_PARTITIONS = 10000,
    CU_LOCAL_RECORD_KEY = 16,
};

struct cu_local_part {
    cu_local_topic *topic; /* never changes, nor does n */
    int32_t n;
    /* all [2] from here */
    int64_t start, end;  /* records live in [start, end) */
    int64_t trimmed;     /* no block has a smaller base */
    int64_t high_ms;     /* largest timestamp ever */
    int64_t cleaned;     /* compaction has seen everything before */
    int64_t clean_bytes; /* what it left there, before packing */
    int64_t dirty_bytes; /* what came since */
    int64_t oldest_ms;   /* max_ms of the first block; when known */
    bool oldest_known;
    bool unclean; /* compaction met damage: not tried again */
};

struct cu_local_topic { /* freed with the log: names are lent for ever */
    cu_local_topic *next;
    char *name;
    uint32_t id;
    int32_t n_parts;
    bool compact;
    bool deleted; /* [2] */
    int64_t retention_ms, max_record_bytes;
    cu_local_part *parts;
};

typedef struct cu_local_pos { /* [2] */
    cu_local_part *part;
    int64_t next;
} cu_local_pos;

struct cu_local_group { /* all [2]; freed with the log */
    char *name;
    cu_map *positions;        /* topic id, partition -> cu_local_pos */
    cu_local_member *members; /* in assignment order */
    uint64_t generation;
    bool preparing;   /* waiting for members to let go */
    int64_t since_us; /* of preparing */
};

struct cu_local_member { /* all [2] but the first three; the reader's */
    cu_local_group *group;
    char *instance; /* NULL: dynamic */
    uint64_t id;
    cu_local_member *next;
    cu_local_topic **topics;
    size_t n_topics;
    cu_local_part **parts; /* given by the last assignment */
    size_t n_parts, cap_parts;
    uint64_t generation; /* of what the reader has taken */
    bool holding;        /* the reader has taken `parts` */
    bool lost;           /* they were given to others meanwhile */
    bool fenced;         /* another reader bears our instance name */
};

typedef struct cu_local_id { /* a transaction id */
    char *name;
    uint64_t attempt; /* [2]; the live writer's */
} cu_local_id;

struct cu_local {
    cu_log base;
    cu_kv *kv;
    cu_env *env;
    bool carry_state, sync_commit;
    size_t index_bytes; /* of a pass of compaction */
    bool simulated;     /* one thread, virtual clock: never wait */
    pthread_mutex_t commit_lock, lock;
    pthread_cond_t wake;     /* something was committed or reassigned */
    cu_map *topics;          /* [2] name -> live topic */
    cu_local_topic *every;   /* [2] all topics, deleted ones too */
    cu_local_topic **sorted; /* [2] live topics by name */
    size_t n_topics;         /* [2] */
    uint64_t n_deletes;      /* [2] writers forget topics when it moves */
    cu_map *groups, *ids;    /* [2] */
    uint32_t next_topic_id;  /* [2] */
    uint64_t next_member;    /* [2] */
    size_t n_open;           /* [lock] readers and writers */
    uint32_t *doomed;        /* [2] ids of deleted topics with blocks left */
    size_t n_doomed, cap_doomed;
    bool unsynced;         /* [2] written since the last sync */
    atomic_size_t written; /* bytes, since it was opened; any thread */
    int64_t synced_us;
    cu_local_pass *pass;           /* [maintain_lock] compaction under way */
    pthread_mutex_t maintain_lock; /* before commit_lock; only tried */
};

/* --- local.c ----------------------------------------------------------- */

/* One write; notes what was tried. Both locks' rules: commit_lock held. */
int cu_local_write(cu_local *l, const cu_kv_batch *b, bool sync,
                   const char *what, cu_err *err);
void cu_local_lock2(cu_local *l);
void cu_local_unlock2(cu_local *l);
/* Live topic and partition, or CU_NOT_FOUND. Under either lock. */
int cu_local_find(const cu_local *l, const char *topic, int32_t partition,
                  cu_local_part **out, cu_err *err);
cu_local_topic *cu_local_topic_get(const cu_local *l, const char *name);
cu_part cu_local_name(const cu_local_part *p);

/* Everything of `fresh` but who it is. Under both locks. */
void cu_local_publish(cu_local_part *p, const cu_local_part *fresh);

/* --- local_store.c: keys and small entries ----------------------------- */

cu_slice cu_local_record_key(char out[CU_LOCAL_RECORD_KEY], uint32_t topic_id,
                             int32_t partition, int64_t base);
int64_t cu_local_record_base(cu_slice key);
void cu_local_put_topic(cu_kv_batch *b, const cu_local_topic *t);
void cu_local_del_topic(cu_kv_batch *b, const cu_local_topic *t);
void cu_local_put_part(cu_kv_batch *b, const cu_local_part *p);
/* next == CU_NO_OFFSET deletes. */
void cu_local_put_position(cu_kv_batch *b, const cu_local_group *g,
                           const cu_local_part *p, int64_t next);
void cu_local_put_id(cu_kv_batch *b, const char *name, uint64_t attempt);
void cu_local_put_doomed(cu_kv_batch *b, uint32_t topic_id, bool doomed);
/* Everything but the records, into memory. */
int cu_local_load(cu_local *l, cu_err *err);
/* Puts a topic into the maps; takes it over. */
void cu_local_adopt(cu_local *l, cu_local_topic *t);
cu_local_topic *cu_local_topic_new(const char *name, int32_t partitions);
void cu_local_topic_free(cu_local_topic *t);
void cu_local_doom(cu_local *l, uint32_t topic_id);
cu_local_id *cu_local_id_get(cu_local *l, const char *name);
cu_local_group *cu_local_group_get(cu_local *l, const char *name);
/* The position's slot; made when `make`, else NULL when there is none. */
cu_local_pos *cu_local_position(cu_local_group *g, cu_local_part *p, bool make);

/* --- local_group.c: who reads what; under both locks ------------------- */

cu_local_member *cu_local_join(cu_local *l, const cu_reader_opts *o,
                               cu_local_topic **topics);
void cu_local_leave(cu_local *l, cu_local_member *m);
/* Everybody lets go, then partitions are given out again. */
void cu_local_rebalance(cu_local *l, cu_local_group *g);
/* The reader no longer holds its partitions. */
void cu_local_let_go(cu_local *l, cu_local_member *m);
/* Takes partitions from members that have not answered for too long. */
void cu_local_evict(cu_local *l, cu_local_group *g);
bool cu_local_evict_due(const cu_local *l, const cu_local_group *g);
/* The member `id` still holds what it took in `generation`. */
bool cu_local_holds(const cu_local_group *g, uint64_t id, uint64_t generation);

/* --- the calls of the table -------------------------------------------- */

int cu_local_topic_ensure(cu_log *, const cu_topic_spec *, cu_err *);
int cu_local_topic_list(cu_log *, cu_arena *, cu_topic_list *, cu_err *);
int cu_local_topic_delete(cu_log *, const char *topic, cu_err *);
int cu_local_delete_records(cu_log *, cu_part, int64_t before, cu_err *);
int cu_local_offset_at(cu_log *, cu_part, int64_t at_ms, int64_t *, cu_err *);
int cu_local_end_offset(cu_log *, cu_part, bool, int64_t *, cu_err *);
int cu_local_committed(cu_log *, const char *, cu_part, int64_t *, cu_err *);
int cu_local_group_positions(cu_log *, const char *, cu_arena *, cu_positions *,
                             cu_err *);
int cu_local_group_alter(cu_log *, const char *, const cu_positions *,
                         cu_err *);
int cu_local_fence(cu_log *, const char *txn_id, cu_err *);
int cu_local_maintain(cu_log *, cu_err *);
/* Deletes blocks before `before` and, unless now_ms < 0, past retention: a
 * bounded step, *more when there is work left. */
int cu_local_trim(cu_local *l, cu_local_part *p, int64_t before, int64_t now_ms,
                  bool *more, cu_err *err);
void cu_local_pass_end(cu_local *l);

int cu_local_reader_open(cu_log *, const cu_reader_opts *, cu_reader **,
                         cu_err *);
int cu_local_reader_seek(cu_reader *, cu_part, int64_t off, cu_err *);
int cu_local_reader_pause(cu_reader *, cu_part, bool pause, cu_err *);
int cu_local_reader_poll(cu_reader *, int64_t timeout_ms, cu_poll *, cu_err *);
void cu_local_reader_close(cu_reader *);
bool cu_local_reader_grouped(const cu_reader *r);
/* The member behind a reader that has `part` now; NULL: it does not. */
const cu_local_member *cu_local_reader_member(cu_reader *r, cu_part part,
                                              cu_local_part **out);

int cu_local_writer_open(cu_log *, const char *, cu_writer **, cu_err *);
int cu_local_begin(cu_writer *, cu_err *);
int cu_local_append(cu_writer *, const cu_record *, cu_err *);
int cu_local_mark(cu_writer *, cu_reader *, cu_part, int64_t, cu_err *);
bool cu_local_attach(cu_writer *, const cu_kv_batch *);
int cu_local_commit(cu_writer *, int64_t timeout_ms, cu_arena *, cu_positions *,
                    cu_err *);
int cu_local_abort(cu_writer *, cu_err *);
void cu_local_writer_close(cu_writer *);

#endif
