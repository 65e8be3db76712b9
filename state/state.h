/* State: rows that stay.  Store, tables, changelog, progress, restore.
 *
 *   operator -> cu_table (overlay: committed value + current value per key)
 *                  | commit                        | commit done
 *                  v                               v
 *               changelog records + progress    one kv batch: rows + applied
 *
 * A *space* is the state of one stage in one partition.  Its overlay is the
 * uncommitted buffer: an abort drops it, and the store never holds what the
 * log may abort.  The store may lag the log; it knows its position.
 *
 * Key in the kv: 'S' | stage u32 | partition u16 | table u16 | key bytes.
 * Record in the changelog: key = table u16 | key bytes, value = the full
 * value, absent = deleted.  The progress record has key 0xFFFF.  What no
 * record can hold goes in pieces (long.c).
 *
 * S1 store = fold(changelog[0..applied]) and `applied` is in the same kv
 *    batch as the data.
 * S2 the store never runs ahead of the committed log.
 * S3 a task reads its own overlay; nobody else does.
 *
 * Thread: a store may be used from any thread; a space has one owner.
 */
#ifndef CU_STATE_STATE_H
#define CU_STATE_STATE_H

#include "base/kv.h"
#include "log/log.h"

typedef struct cu_store cu_store; /* all spaces of a process, over one kv */
typedef struct cu_space cu_space;
typedef struct cu_table cu_table;
typedef struct cu_table_iter cu_table_iter;

/* `cache_bytes`: what all overlays together may keep of clean rows. The kv
 * stays the caller's. */
cu_store *cu_store_new(cu_kv *kv, size_t cache_bytes);
void cu_store_free(cu_store *s);
cu_kv *cu_store_kv(cu_store *s);

/* --- progress ------------------------------------------------------------- */

/* What a sending partition of an exchange said last. */
typedef struct cu_upstream {
    int64_t watermark_us; /* INT64_MIN: nothing; INT64_MAX: its time ended */
    bool idle;            /* holds nobody back */
} cu_upstream;

typedef struct cu_input_progress {
    cu_part part;
    int64_t next;         /* first offset not yet applied */
    int64_t watermark_us; /* of this partition; INT64_MIN: none */
    int64_t max_ts_us;    /* newest event time seen; INT64_MIN: none */
    uint32_t n_upstream;  /* exchanges: by sending partition */
    cu_upstream *upstream;
    int64_t from;   /* the state begins here; CU_NO_OFFSET: not known */
    int64_t judged; /* letters and counters of rows before are out already */
} cu_input_progress;

/* A stage that was set to other positions is made anew in another generation
 * of its tables, beside the one that its topic shows, until it has read what
 * was there; then the topic gets the difference and the old one goes. */
typedef enum cu_rebuild_phase {
    CU_REBUILD_NOT,
    CU_REBUILD_DUE,     /* nothing is in the new generation yet */
    CU_REBUILD_RUNNING, /* the topic still shows `shown` */
    CU_REBUILD_MOVED,   /* other partitions count: nobody goes on here */
} cu_rebuild_phase;

enum { CU_GENERATIONS = 4 };

typedef struct cu_rebuild {
    cu_rebuild_phase phase;
    uint8_t generation; /* of the tables that are kept up to date */
    uint8_t shown;      /* RUNNING, DUE: what the topic shows */
    uint8_t used;       /* bit g: generation g may have rows */
} cu_rebuild;

/* What a stage has applied. Encoded with a version byte; drawn in
 * docs/formats.md. Strings lie in the arena it was decoded into. */
typedef struct cu_progress {
    uint64_t plan_hash;
    uint64_t sequence; /* of the stage's commits, 1, 2, … */
    int64_t clock_us;  /* the commit's clock, us since 2000 */
    const char *instance;
    const char *txn_id;
    uint32_t n_inputs;
    cu_input_progress *inputs;
    uint32_t n_marks; /* the watermark of each feed of the stage, in order */
    int64_t *marks;
    cu_rebuild rebuild;
} cu_progress;

void cu_progress_encode(const cu_progress *p, cu_buf *out);
int cu_progress_decode(cu_slice bytes, cu_arena *a, cu_progress *out,
                       cu_err *err);

/* --- spaces and tables ---------------------------------------------------- */

/* Opens the state of (stage, partition) as the store has it. */
int cu_space_open(cu_store *s, uint32_t stage, uint16_t partition,
                  cu_space **out, cu_err *err);
void cu_space_close(cu_space *s); /* drops what was not committed */
/* The progress that the store holds; *found false on a first start. */
int cu_space_progress(cu_space *s, cu_arena *a, cu_progress *out, bool *found,
                      cu_err *err);
/* Changelog position up to which the store is complete; 0 at first. */
int64_t cu_space_applied(const cu_space *s);

/* A table of the space, in the generation that the progress names; the same
 * number gives the same table. */
cu_table *cu_space_table(cu_space *s, uint16_t number);
/* Another generation for the tables that are asked for from now on. */
void cu_space_use(cu_space *s, unsigned generation);
/* Number and generation of a table by its number in the kv. */
uint16_t cu_space_table_of(uint16_t stored, unsigned *generation);
/* Deletes up to `most` rows of all other generations, as the commit's own
 * changes; *left: there may be more. At most once per commit. */
int cu_space_sweep(cu_space *s, uint32_t most, bool *left, cu_err *err);

/* The owner keeps copies of what it reads: nothing that is committed stays in
 * memory a second time. */
void cu_table_lean(cu_table *t);

/* Value through overlay, cache, kv; lent until the next call that changes
 * the table or ends the commit; data == NULL: absent. */
int cu_table_get(cu_table *t, cu_slice key, cu_slice *value, cu_err *err);
/* Many at once: one sorted multi_get for those not in memory. */
int cu_table_get_many(cu_table *t, size_t n, const cu_slice *keys,
                      cu_slice *values, cu_err *err);
void cu_table_put(cu_table *t, cu_slice key, cu_slice value);
void cu_table_del(cu_table *t, cu_slice key);
/* The same as put for a key that the caller knows to be absent from store
 * and overlay (a fresh arrival number): deleting it again before the commit
 * then writes nothing. */
void cu_table_put_new(cu_table *t, cu_slice key, cu_slice value);
/* Keys in [lo, hi) in order (or backwards), overlay merged with the store.
 * Absent hi: to the end. The table must not change while it is open. */
int cu_table_scan(cu_table *t, cu_slice lo, cu_slice hi, bool backwards,
                  cu_table_iter **out, cu_err *err);
bool cu_table_iter_next(cu_table_iter *it, cu_slice *key, cu_slice *value);
int cu_table_iter_close(cu_table_iter *it, cu_err *err);
/* Keys in all tables, walked (cold: state show, verify). */
typedef int cu_space_visit(void *ctx, uint16_t table, cu_slice key,
                           cu_slice value, cu_err *err);
int cu_space_each(cu_space *s, cu_space_visit *visit, void *ctx, cu_err *err);

/* --- the commit cycle ----------------------------------------------------- */

/* Bytes and keys that the next commit would write. */
size_t cu_space_dirty_bytes(const cu_space *s);
size_t cu_space_dirty_keys(const cu_space *s);
/* Appends one changelog record per dirty key, in key order, and the progress
 * record last, through the writer. */
int cu_space_log_changes(cu_space *s, cu_writer *w, cu_part changelog,
                         int64_t timestamp_ms, const cu_progress *progress,
                         cu_err *err);
/* The same changes + progress + `applied` as kv operations: to attach, or to
 * write after the commit. Nothing is marked clean yet. */
void cu_space_to_batch(cu_space *s, int64_t applied,
                       const cu_progress *progress, cu_kv_batch *out);
/* The transaction is committed (and the batch written or attached): current
 * values are the committed ones. */
void cu_space_committed(cu_space *s, int64_t applied);
/* The transaction was aborted: back to the committed values. */
void cu_space_revert(cu_space *s);

/* Forgets what is clean in memory; between a commit and the next change. */
void cu_space_shed(cu_space *s);

/* --- restore -------------------------------------------------------------- */

/* One changelog record into the pending restore batch; the progress record
 * is noticed. */
int cu_space_restore(cu_space *s, const cu_record *r, cu_err *err);
/* Which row the last record changed, as table u16 | key bytes; absent: none. */
cu_slice cu_space_restored_row(const cu_space *s);
/* What is pending: write it before it grows large. */
size_t cu_space_restoring_bytes(const cu_space *s);
/* Writes what was restored so far together with `position`: the last value of
 * each key, in the order of keys. */
int cu_space_restored(cu_space *s, int64_t position, cu_err *err);
/* At the end of the changelog: CU_CORRUPT when a long row lacks pieces. */
int cu_space_whole(const cu_space *s, cu_err *err);
/* Everything of the space goes (declared rebuilds only). */
int cu_space_drop(cu_space *s, cu_err *err);
/* A digest of all rows, order-independent: equal states, equal digests. */
int cu_space_digest(cu_space *s, uint64_t *out, cu_err *err);

#endif
