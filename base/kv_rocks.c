/* The kv door on RocksDB, the only file that sees its C API.
 *
 * One column family, the default one: a flush then moves all tables of the
 * process together, and state never parts from its position (decision 2).
 * Bounded on purpose: two memtables, one block cache that also holds index
 * and filter blocks, 256 open files, two background jobs, one small info
 * log.
 *
 * Indexes and filters of a file are many times the size of a block, and the
 * cache holds them too: they are cut into partitions, of which a read brings in
 * two.  (Whole, they were read and decompressed anew for most gets once state
 * had outgrown the cache: three quarters of the time went there.)
 *
 * Durability is RocksDB's.  With the WAL each write is in the operating
 * system's hands when write() returns; a thread of ours brings it to the
 * device every sync_every_ms.  Without the WAL, memtables reach the disk in
 * order, so that a crash leaves a prefix of the batches.
 *
 * A full disk puts RocksDB into a state in which writes fail and a thread
 * of its own waits for space (it looks every five seconds); then the same
 * write works again.  Hence CU_FULL | CU_RETRY: wait and repeat.  Other
 * write errors leave the handle read-only: CU_FATAL, open it again.
 *
 * Iterator states (a cursor stands on an entry, or on a gap):
 *
 *     FRESH --next--> first      SOUGHT --next--> first key >= target
 *           --prev--> last              --prev--> last key < target
 *     ON    --next/prev--> neighbour, or AT_END / AT_START
 *     AT_END --prev--> last      AT_START --next--> first
 */
#include "base/kv.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/diag.h"
#include "base/int.h"

#include <errno.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <time.h>

enum {
    default_cache_bytes = 8 << 20,
    default_memtable_bytes = 8 << 20,
    max_open_files = 256,
    multi_get_chunk = 64,
    flush_wait_ms = 10000,
    most_spare_bytes = 8 << 20,
};

typedef struct rocks {
    cu_kv base;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *family;
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *lazy, *synced;
    char *path;
    bool wal, read_only;
    /* A cleared batch, for its memory; NULL while a thread has it. */
    _Atomic(rocksdb_writebatch_t *) spare;
    /* The sync thread. */
    int64_t sync_every_ms;
    atomic_bool unsynced;
    bool threaded, stopping; /* under `lock` */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
} rocks;

struct cu_kv_iter {
    rocks *r;
    rocksdb_iterator_t *it;
    rocksdb_readoptions_t *read;
    cu_buf lo, hi; /* RocksDB keeps pointers into them */
    enum { FRESH, ON, SOUGHT, AT_END, AT_START } state;
    cu_err err; /* the first thing that went wrong */
};

/* --- errors ------------------------------------------------------------- */

static const struct {
    const char *text; /* a part of what RocksDB says */
    cu_code code;
    uint32_t flags;
    const char *hint;
} errors[] = {
    {"No space left", CU_FULL, CU_RETRY,
     "free some space (32 MB are enough); cupel then goes on by itself"},
    {"Disk quota exceeded", CU_FULL, CU_RETRY,
     "free some space (32 MB are enough); cupel then goes on by itself"},
    {"lock hold by current process", CU_BUSY, CU_RETRY,
     "it is open in this process already"},
    {"While lock file", CU_BUSY, CU_RETRY,
     "another process uses it: stop that one or choose another --state"},
    {"Permission denied", CU_DENIED, 0,
     "give this user read and write permission on the folder"},
    {"Operation not permitted", CU_DENIED, 0,
     "give this user read and write permission on the folder"},
    {"Read-only file system", CU_DENIED, 0,
     "choose a folder on a writable file system"},
    {"does not exist (create_if_missing", CU_NOT_FOUND, 0,
     "run the pipeline once so that it is created"},
    {"CURRENT: No such file", CU_NOT_FOUND, 0,
     "run the pipeline once so that it is created"},
    {"Corruption", CU_CORRUPT, CU_FATAL,
     "move the folder away; with Kafka the state is rebuilt from its "
     "changelogs, embedded restore a backup"},
    {"ot a directory", CU_IO, 0, "choose a path that is a folder"},
    {"Too many open files", CU_IO, CU_FATAL, "raise the limit: ulimit -n 4096"},
    {"Not implemented: Not supported operation in read only mode", CU_DENIED, 0,
     "the store was opened for reading"},
    {"", CU_IO, CU_FATAL, "check the disk, then start cupel again"},
};

/* Translates and frees what RocksDB said; 0 when it said nothing. */
static int translate(const char *path, const char *doing, char *said,
                     cu_err *err)
{
    if (!said)
        return 0;
    size_t i = 0;
    while (!strstr(said, errors[i].text))
        i++;
    /* Permission on LOCK reads as "While lock file" too. */
    if (errors[i].code == CU_BUSY && strstr(said, "Permission denied")) {
        while (errors[i].code != CU_DENIED)
            i++;
    }
    int rc = cu_fail(err, errors[i].code, errors[i].flags,
                     "cannot %s the store at %s: %.250s; %s", doing, path, said,
                     errors[i].hint);
    rocksdb_free(said);
    return rc;
}

/* --- reading ------------------------------------------------------------ */

static int rocks_get(cu_kv *kv, cu_slice key, cu_arena *a, cu_slice *value,
                     cu_err *err)
{
    rocks *r = (rocks *)kv;
    char *said = NULL;
    rocksdb_pinnableslice_t *p = rocksdb_get_pinned_cf(
        r->db, r->read, r->family, key.data, key.len, &said);
    *value = CU_NULL_SLICE;
    if (said)
        return translate(r->path, "read from", said, err);
    if (p) {
        size_t len;
        const char *data = rocksdb_pinnableslice_value(p, &len);
        *value = cu_arena_slice(a, cu_slice_n(data ? data : "", len));
        rocksdb_pinnableslice_destroy(p);
    }
    return 0;
}

static int get_chunk(rocks *r, size_t n, const cu_slice *keys, cu_arena *a,
                     cu_slice *values, cu_err *err)
{
    const char *data[multi_get_chunk] = {0};
    size_t lens[multi_get_chunk] = {0};
    rocksdb_pinnableslice_t *found[multi_get_chunk];
    char *said[multi_get_chunk];
    bool sorted = true;
    for (size_t i = 0; i < n; i++) {
        data[i] = keys[i].data;
        lens[i] = keys[i].len;
        if (i > 0 && cu_slice_cmp(keys[i - 1], keys[i]) > 0)
            sorted = false;
    }
    rocksdb_batched_multi_get_cf(r->db, r->read, r->family, n, data, lens,
                                 found, said, sorted);
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        values[i] = CU_NULL_SLICE;
        if (said[i] && rc == 0)
            rc = translate(r->path, "read from", said[i], err);
        else if (said[i])
            rocksdb_free(said[i]);
        if (!found[i])
            continue;
        size_t len;
        const char *p = rocksdb_pinnableslice_value(found[i], &len);
        values[i] = cu_arena_slice(a, cu_slice_n(p ? p : "", len));
        rocksdb_pinnableslice_destroy(found[i]);
    }
    return rc;
}

static int rocks_multi_get(cu_kv *kv, size_t n, const cu_slice *keys,
                           cu_arena *a, cu_slice *values, cu_err *err)
{
    int rc = 0;
    for (size_t at = 0; at < n && rc == 0; at += multi_get_chunk) {
        size_t some = n - at < multi_get_chunk ? n - at : multi_get_chunk;
        rc = get_chunk((rocks *)kv, some, keys + at, a, values + at, err);
    }
    return rc;
}

/* --- writing ------------------------------------------------------------ */

static rocksdb_writebatch_t *batch_take(rocks *r)
{
    rocksdb_writebatch_t *wb = atomic_exchange(&r->spare, NULL);
    return wb ? wb : rocksdb_writebatch_create();
}

static void batch_give(rocks *r, rocksdb_writebatch_t *wb, size_t bytes)
{
    if (bytes < most_spare_bytes) {
        rocksdb_writebatch_clear(wb);
        wb = atomic_exchange(&r->spare, wb);
    }
    if (wb)
        rocksdb_writebatch_destroy(wb);
}

static int rocks_write(cu_kv *kv, const cu_kv_batch *b, bool sync, cu_err *err)
{
    rocks *r = (rocks *)kv;
    rocksdb_writebatch_t *wb = batch_take(r);
    cu_slice key, value;
    size_t n = 0;
    for (size_t at = 0; cu_kv_batch_next(b, &at, &key, &value); n++) {
        if (value.data)
            rocksdb_writebatch_put(wb, key.data, key.len, value.data,
                                   value.len);
        else
            rocksdb_writebatch_delete(wb, key.data, key.len);
    }
    char *said = NULL;
    if (n == b->n_ops)
        rocksdb_write(r->db, sync && r->wal ? r->synced : r->lazy, wb, &said);
    batch_give(r, wb, b->ops.len);
    if (n != b->n_ops)
        return cu_kv_batch_damaged(b, n, err);
    if (said)
        return translate(r->path, "write to", said, err);
    if (!sync)
        atomic_store(&r->unsynced, true);
    return 0;
}

/* An empty synced write, not rocksdb_flush_wal(): after a failed append to
 * the WAL that call trips an assertion of RocksDB 7.8 (Debian builds with
 * them), while a write is refused politely and in turn. */
static int rocks_sync(cu_kv *kv, cu_err *err)
{
    rocks *r = (rocks *)kv;
    char *said = NULL;
    if (!r->wal || r->read_only || !atomic_exchange(&r->unsynced, false))
        return 0;
    rocksdb_writebatch_t *empty = rocksdb_writebatch_create();
    rocksdb_write(r->db, r->synced, empty, &said);
    rocksdb_writebatch_destroy(empty);
    if (said)
        atomic_store(&r->unsynced, true);
    return translate(r->path, "sync", said, err);
}

static int64_t property(const rocks *r, const char *name)
{
    uint64_t v = 0;
    if (rocksdb_property_int_cf(r->db, r->family, name, &v))
        return 0;
    return v > INT64_MAX ? 0 : (int64_t)v;
}

/* After a recovery from a full disk, RocksDB 7.8 no longer waits for a
 * flush although it was asked to: its own close then drops what the flush
 * had not written yet.  So the memtables are watched. */
static int await_flush(const rocks *r, cu_err *err)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int ms = 0; ms < flush_wait_ms; ms++) {
        if (property(r, "rocksdb.num-immutable-mem-table") == 0)
            return 0;
        nanosleep(&pause, NULL);
    }
    return cu_fail(err, CU_IO, CU_RETRY,
                   "cannot flush the store at %s: not done after %d s; is the "
                   "disk full or stuck?",
                   r->path, flush_wait_ms / 1000);
}

static int rocks_flush(cu_kv *kv, cu_err *err)
{
    rocks *r = (rocks *)kv;
    if (r->read_only)
        return 0;
    char *said = NULL;
    rocksdb_flushoptions_t *wait = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(wait, 1);
    rocksdb_flush(r->db, wait, &said);
    rocksdb_flushoptions_destroy(wait);
    if (said)
        return translate(r->path, "flush", said, err);
    return await_flush(r, err);
}

static void *sync_loop(void *arg)
{
    rocks *r = arg;
    bool failing = false;
    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += r->sync_every_ms / 1000;
        until.tv_nsec += (long)(r->sync_every_ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        while (!r->stopping &&
               pthread_cond_timedwait(&r->wake, &r->lock, &until) != ETIMEDOUT)
            ;
        pthread_mutex_unlock(&r->lock);
        cu_err err = {0};
        bool failed = rocks_sync(&r->base, &err) != 0;
        if (failed && !failing)
            cu_warn("%s", err.msg);
        failing = failed;
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void start_sync(rocks *r)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&r->lock, NULL);
    r->threaded = pthread_create(&r->thread, NULL, sync_loop, r) == 0;
    if (!r->threaded)
        cu_warn("cannot start the thread that syncs %s; it is synced at exit",
                r->path);
}

static void stop_sync(rocks *r)
{
    if (r->threaded) {
        pthread_mutex_lock(&r->lock);
        r->stopping = true;
        pthread_cond_signal(&r->wake);
        pthread_mutex_unlock(&r->lock);
        pthread_join(r->thread, NULL);
    }
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
}

/* --- the rest ----------------------------------------------------------- */

static void rocks_stats(cu_kv *kv, cu_kv_stats *out)
{
    rocks *r = (rocks *)kv;
    *out = (cu_kv_stats){
        .live_bytes = property(r, "rocksdb.estimate-live-data-size"),
        .memtable_bytes = property(r, "rocksdb.size-all-mem-tables"),
        .cache_bytes = (int64_t)rocksdb_cache_get_usage(r->cache),
        .n_keys = property(r, "rocksdb.estimate-num-keys"),
    };
}

/* Frees what open() made so far. */
static void discard(rocks *r)
{
    if (r->family)
        rocksdb_column_family_handle_destroy(r->family);
    if (r->db)
        rocksdb_close(r->db);
    rocksdb_writebatch_t *spare = atomic_exchange(&r->spare, NULL);
    if (spare)
        rocksdb_writebatch_destroy(spare);
    rocksdb_cache_destroy(r->cache);
    rocksdb_readoptions_destroy(r->read);
    rocksdb_writeoptions_destroy(r->lazy);
    rocksdb_writeoptions_destroy(r->synced);
    cu_free(r->path);
    cu_free(r);
}

static void rocks_close(cu_kv *kv)
{
    rocks *r = (rocks *)kv;
    cu_err err = {0};
    if (r->sync_every_ms > 0)
        stop_sync(r);
    if (r->wal ? rocks_sync(kv, &err) : rocks_flush(kv, &err))
        cu_warn("%s", err.msg);
    discard(r);
}

/* --- iterators ---------------------------------------------------------- */

static int rocks_iter(cu_kv *kv, cu_slice lo, cu_slice hi, cu_kv_iter **out,
                      cu_err *err)
{
    rocks *r = (rocks *)kv;
    (void)err;
    cu_kv_iter *it = cu_calloc(1, sizeof(*it));
    it->r = r;
    it->read = rocksdb_readoptions_create();
    cu_buf_put_slice(&it->lo, lo);
    cu_buf_put_slice(&it->hi, hi);
    if (lo.len)
        rocksdb_readoptions_set_iterate_lower_bound(it->read, it->lo.data,
                                                    it->lo.len);
    if (hi.data)
        rocksdb_readoptions_set_iterate_upper_bound(it->read, it->hi.data,
                                                    it->hi.len);
    it->it = rocksdb_create_iterator_cf(r->db, it->read, r->family);
    *out = it;
    return 0;
}

/* Lends the entry under the cursor, or remembers why there is none. */
static bool lend(cu_kv_iter *it, bool forward, cu_slice *key, cu_slice *value)
{
    if (!rocksdb_iter_valid(it->it)) {
        char *said = NULL;
        rocksdb_iter_get_error(it->it, &said);
        cu_err err = {0};
        if (translate(it->r->path, "read from", said, &err) &&
            it->err.code == CU_OK)
            it->err = err;
        it->state = forward ? AT_END : AT_START;
        return false;
    }
    it->state = ON;
    key->data = rocksdb_iter_key(it->it, &key->len);
    value->data = rocksdb_iter_value(it->it, &value->len);
    if (!value->data)
        value->data = "";
    return true;
}

static bool rocks_iter_next(cu_kv_iter *it, cu_slice *key, cu_slice *value)
{
    switch (it->state) {
    case AT_END:
        return false;
    case FRESH:
    case AT_START:
        rocksdb_iter_seek_to_first(it->it);
        break;
    case ON:
        rocksdb_iter_next(it->it);
        break;
    case SOUGHT:
        break;
    }
    return lend(it, true, key, value);
}

static bool rocks_iter_prev(cu_kv_iter *it, cu_slice *key, cu_slice *value)
{
    switch (it->state) {
    case AT_START:
        return false;
    case FRESH:
    case AT_END:
        rocksdb_iter_seek_to_last(it->it);
        break;
    case ON:
        rocksdb_iter_prev(it->it);
        break;
    case SOUGHT: /* on the first key >= target, or past all of them */
        if (rocksdb_iter_valid(it->it))
            rocksdb_iter_prev(it->it);
        else
            rocksdb_iter_seek_to_last(it->it);
        break;
    }
    return lend(it, false, key, value);
}

static void rocks_iter_seek(cu_kv_iter *it, cu_slice key)
{
    rocksdb_iter_seek(it->it, key.data, key.len);
    it->state = SOUGHT;
}

static int rocks_iter_close(cu_kv_iter *it, cu_err *err)
{
    int rc = it->err.code;
    if (rc && err)
        *err = it->err;
    rocksdb_iter_destroy(it->it);
    rocksdb_readoptions_destroy(it->read);
    cu_buf_free(&it->lo);
    cu_buf_free(&it->hi);
    cu_free(it);
    return rc;
}

/* --- opening ------------------------------------------------------------ */

static rocksdb_options_t *make_options(const cu_kv_opts *o,
                                       rocksdb_cache_t *cache)
{
    size_t memtable = (o->memtable_bytes ? o->memtable_bytes
                                         : default_memtable_bytes) /
                      2; /* one fills, one is written out */
    rocksdb_block_based_table_options_t
        *t = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(t, cache);
    rocksdb_block_based_options_set_block_size(t, 4 << 10);
    rocksdb_block_based_options_set_format_version(t, 5);
    rocksdb_block_based_options_set_data_block_index_type(t, 1);
    rocksdb_block_based_options_set_data_block_hash_ratio(t, 0.75);
    rocksdb_block_based_options_set_filter_policy(
        t, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
    rocksdb_block_based_options_set_index_type(
        t, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_partition_filters(t, 1);
    rocksdb_block_based_options_set_metadata_block_size(t, 4 << 10);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(t, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(t,
                                                                            1);

    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_block_based_table_factory(options, t);
    rocksdb_block_based_options_destroy(t);
    rocksdb_options_set_create_if_missing(options, !o->read_only);
    rocksdb_options_set_max_open_files(options, max_open_files);
    rocksdb_options_set_max_file_opening_threads(options, 2);
    rocksdb_options_set_write_buffer_size(options, memtable);
    rocksdb_options_set_max_write_buffer_number(options, 2);
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, 0.06);
    rocksdb_options_set_memtable_whole_key_filtering(options, 1);
    rocksdb_options_set_target_file_size_base(options, memtable);
    rocksdb_options_set_max_total_wal_size(options, memtable * 4);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    rocksdb_options_set_max_background_jobs(options, 2);
    /* Gets ask a filter per file: more of them cost less than merging. */
    rocksdb_options_set_level0_file_num_compaction_trigger(options, 8);
    rocksdb_options_set_bytes_per_sync(options, 1 << 20);
    rocksdb_options_set_info_log_level(options, 2); /* warnings */
    rocksdb_options_set_max_log_file_size(options, 1 << 20);
    rocksdb_options_set_keep_log_file_num(options, 2);
    rocksdb_options_set_max_manifest_file_size(options, 4 << 20);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    /* What is flushed is merged soon: compressing it twice is lost. */
    enum { LEVELS = 7 };
    int levels[LEVELS] = {rocksdb_no_compression};
    for (int i = 1; i < LEVELS; i++)
        levels[i] = rocksdb_lz4_compression;
    rocksdb_options_set_compression_per_level(options, levels, LEVELS);
    return options;
}

/* Like mkdir -p; the last folder is made by RocksDB. */
static char *make_parents(const char *path)
{
    char *said = NULL;
    char *part = cu_strdup(path);
    rocksdb_env_t *env = rocksdb_create_default_env();
    for (char *p = part + 1; *p && !said; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        rocksdb_create_dir_if_missing(env, part, &said);
        *p = '/';
    }
    rocksdb_env_destroy(env);
    cu_free(part);
    return said;
}

static char *open_db(rocks *r, rocksdb_options_t *options)
{
    char *said = NULL;
    const char *names[] = {"default"};
    const rocksdb_options_t *each[] = {options};
    if (r->read_only)
        r->db = rocksdb_open_for_read_only_column_families(
            options, r->path, 1, names, each, &r->family, 0, &said);
    else
        r->db = rocksdb_open_column_families(options, r->path, 1, names, each,
                                             &r->family, &said);
    return said;
}

int cu_kv_open_rocks(const char *path, const cu_kv_opts *opts, cu_kv **out,
                     cu_err *err)
{
    static const cu_kv_vt vt = {
        .version = 1,
        .get = rocks_get,
        .multi_get = rocks_multi_get,
        .write = rocks_write,
        .iter = rocks_iter,
        .iter_next = rocks_iter_next,
        .iter_prev = rocks_iter_prev,
        .iter_seek = rocks_iter_seek,
        .iter_close = rocks_iter_close,
        .sync = rocks_sync,
        .flush = rocks_flush,
        .stats = rocks_stats,
        .close = rocks_close,
    };
    rocks *r = cu_calloc(1, sizeof(*r));
    r->base.vt = &vt;
    r->path = cu_strdup(path);
    r->wal = opts->wal;
    r->read_only = opts->read_only;
    rocksdb_lru_cache_options_t *cache = rocksdb_lru_cache_options_create();
    rocksdb_lru_cache_options_set_capacity(
        cache, opts->cache_bytes ? opts->cache_bytes : default_cache_bytes);
    rocksdb_lru_cache_options_set_num_shard_bits(cache, 1);
    r->cache = rocksdb_cache_create_lru_opts(cache);
    rocksdb_lru_cache_options_destroy(cache);
    r->read = rocksdb_readoptions_create();
    r->lazy = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(r->lazy, !opts->wal);
    r->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(r->synced, 1);

    rocksdb_options_t *options = make_options(opts, r->cache);
    char *said = r->read_only ? NULL : make_parents(path);
    if (!said)
        said = open_db(r, options);
    if (said && strstr(said, "LZ4")) { /* a RocksDB that was built without */
        rocksdb_free(said);
        rocksdb_options_set_compression(options, rocksdb_no_compression);
        said = open_db(r, options);
    }
    rocksdb_options_destroy(options);
    if (said) {
        int rc = translate(path, "open", said, err);
        discard(r);
        return rc;
    }
    if (r->wal && !r->read_only && opts->sync_every_ms > 0) {
        r->sync_every_ms = opts->sync_every_ms;
        start_sync(r);
    }
    *out = &r->base;
    return 0;
}
