/* Shared by the files of bench/: cases, their rows, the world around them.
 *
 * A case is opened, run once to warm up and then several times; what counts
 * is the CPU time of the process (all its threads: RocksDB's too) per row,
 * the median of the runs.
 */
#ifndef CU_TESTS_BENCH_H
#define CU_TESTS_BENCH_H

#include "base/kv.h"
#include "rows/batch.h"

typedef struct bench_case {
    const char *name;
    const char *what;
    double budget_ns; /* per row; 0: there is none */
    const void *arg;
    void *(*open)(const struct bench_case *c);
    void (*prepare)(void *ctx); /* before each run, not counted; or NULL */
    uint64_t (*run)(void *ctx); /* returns how many rows it did */
    void (*close)(void *ctx);
} bench_case;

/* One list per subject, ended by a case without a name. */
extern const bench_case bench_decode[], bench_compute[], bench_aggregate[],
    bench_join[], bench_log[], bench_pipeline[], bench_window[], bench_rank[];

/* Ends the program when `rc` is not 0. */
void bench_check(int rc, const cu_err *err, const char *what);
/* Keeps the compiler from dropping what made `p`. */
void bench_keep(const void *p);

/* --- meter.c ------------------------------------------------------------- */

int64_t bench_cpu_ns(void);
/* Waits until no thread of this process works any more. */
void bench_settle(void);
/* ns per row: the median of `runs`. */
double bench_measure(const bench_case *c, unsigned runs);
/* ns per step of a loop that only the machine can change. */
double bench_calibrate(void);

/* --- data.c -------------------------------------------------------------- */

/* A generator with a fixed start: every run sees the same rows. */
uint64_t bench_draw(uint64_t *state);

/* The columns of a bid, as cu_schema_parse() and as SQL take them. */
#define BENCH_BID                                                         \
    "auction:int8 bidder:int8 price:numeric(12,2) channel:text url:text " \
    "ts:timestamptz extra:text"
#define BENCH_BID_SQL                                                    \
    "auction bigint, bidder bigint, price numeric(12,2), channel text, " \
    "url text, ts timestamptz, extra text"

/* Appends one bid of about 200 bytes on an auction below `n_auctions`. */
void bench_bid_json(uint64_t *state, uint64_t n_auctions, cu_buf *out);
void bench_bid_csv(uint64_t *state, cu_buf *out);

/* --- world.c ------------------------------------------------------------- */

/* RocksDB in a temporary folder, which goes with it. */
typedef struct bench_folder {
    struct cu_env *env;
    char path[256];
} bench_folder;

struct cu_env *bench_env(void);
void bench_folder_open(bench_folder *f);
void bench_folder_close(bench_folder *f);
cu_kv *bench_kv_open(const bench_folder *f);

struct cu_program;
/* Compiles SQL, with app name "bench". */
struct cu_program *bench_compile(const char *sql);

#endif
