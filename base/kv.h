/* The door to ordered key-value storage: RocksDB, or memory with faults.
 *
 * One database per process, one column family; keys are memcomparable
 * bytes, order is memcmp.  A batch is applied as a whole or not at all.
 * The maker decides durability: with `wal` every write survives a killed
 * process; sync (or the timer of cu_kv_opts) decides what survives a power
 * cut.  Without `wal` the database may fall back to an earlier *prefix of
 * batches* after a crash: the owner keeps its position in the same batch
 * (S1) and rolls forward from the log.
 *
 * Thread: get, multi_get, iterators and write may be called from any
 * thread; one iterator or batch has one owner.
 */
#ifndef CU_BASE_KV_H
#define CU_BASE_KV_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

typedef struct cu_kv cu_kv;
typedef struct cu_kv_iter cu_kv_iter;

/* A batch is bytes: op (u8: 1 put, 2 delete) | varint klen | key
 * [| varint vlen | value].  Copyable, countable, attachable to a log
 * transaction.  Bytes that do not hold exactly n_ops operations are refused
 * as a whole (CU_CORRUPT). */
typedef struct cu_kv_batch {
    cu_buf ops;
    size_t n_ops;
} cu_kv_batch;

void cu_kv_batch_put(cu_kv_batch *b, cu_slice key, cu_slice value);
void cu_kv_batch_del(cu_kv_batch *b, cu_slice key);
void cu_kv_batch_add(cu_kv_batch *b, const cu_kv_batch *more);
void cu_kv_batch_clear(cu_kv_batch *b);
void cu_kv_batch_free(cu_kv_batch *b);
/* Visits the ops: start with *at = 0; value.data == NULL for a delete. */
bool cu_kv_batch_next(const cu_kv_batch *b, size_t *at, cu_slice *key,
                      cu_slice *value);

typedef struct cu_kv_stats {
    int64_t live_bytes;     /* on disk, estimated */
    int64_t memtable_bytes; /* with those that only iterators keep */
    int64_t cache_bytes;
    int64_t n_keys; /* estimated */
} cu_kv_stats;

typedef struct cu_kv_vt {
    int version;
    /* Value copied into the arena; data == NULL when absent. */
    int (*get)(cu_kv *, cu_slice key, cu_arena *, cu_slice *value, cu_err *);
    /* `keys` sorted ascending is fastest. */
    int (*multi_get)(cu_kv *, size_t n, const cu_slice *keys, cu_arena *,
                     cu_slice *values, cu_err *);
    int (*write)(cu_kv *, const cu_kv_batch *, bool sync, cu_err *);
    /* Keys in [lo, hi); absent `hi`: to the end.  Reads a consistent view of
     * the moment it was made. */
    int (*iter)(cu_kv *, cu_slice lo, cu_slice hi, cu_kv_iter **, cu_err *);
    bool (*iter_next)(cu_kv_iter *, cu_slice *key, cu_slice *value); /* lent */
    bool (*iter_prev)(cu_kv_iter *, cu_slice *key, cu_slice *value);
    /* Reposition: the following next gives the first key >= `key` in the
     * bounds, the following prev the last key < `key`.  A new iterator starts
     * with the first key (next) or the last (prev). */
    void (*iter_seek)(cu_kv_iter *, cu_slice key);
    /* After next/prev returned false: 0 at the end, else what went wrong. */
    int (*iter_close)(cu_kv_iter *, cu_err *);
    int (*sync)(cu_kv *, cu_err *);  /* WAL to the device */
    int (*flush)(cu_kv *, cu_err *); /* memtable to a table file */
    void (*stats)(cu_kv *, cu_kv_stats *);
    void (*close)(cu_kv *);
} cu_kv_vt;

struct cu_kv {
    const cu_kv_vt *vt;
};

typedef struct cu_kv_opts {
    bool wal;              /* embedded log: true; Kafka: false */
    bool read_only;        /* a snapshot beside a live writer */
    size_t cache_bytes;    /* block cache; 0 = 8 MiB */
    size_t memtable_bytes; /* 0 = 8 MiB */
    int64_t sync_every_ms; /* WAL fsync in the background; 0 = never */
} cu_kv_opts;

/* Opens or creates.  CU_BUSY: another process; CU_DENIED, CU_FULL, CU_CORRUPT,
 * CU_IO with the path and what to do in the message. */
int cu_kv_open_rocks(const char *path, const cu_kv_opts *opts, cu_kv **out,
                     cu_err *err);

/* Memory, for simulation.  `unsynced_keep`: without sync a crash keeps a
 * random prefix of the batches since the last sync. */
cu_kv *cu_kv_open_memory(uint64_t seed);
/* As a killed process leaves it: everything written (wal), or, with
 * `power`, only a prefix of the unsynced batches. Iterators must be closed. */
void cu_kv_memory_crash(cu_kv *kv, bool power);
/* Fail the next `n`th write with `code` (CU_FULL, CU_IO). */
void cu_kv_memory_fail_write(cu_kv *kv, unsigned n, cu_code code);

#endif
