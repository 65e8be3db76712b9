/* The engine: a program and a state folder in, running tasks out.
 *
 * Opens what a process needs, in this order, and closes it backwards:
 *
 *   state folder and its lock -> kv (RocksDB) -> log (embedded | Kafka)
 *   -> store -> runtime -> workers
 *
 * Embedded: log and state share one database under DIR/db, one process at a
 * time.  Kafka: each process takes the first free DIR/<n>, and n is part of its
 * instance name.  Simulation brings its own kv and log.
 */
#ifndef CU_ENGINE_ENGINE_H
#define CU_ENGINE_ENGINE_H

#include "processors/runtime/runtime.h"
#include "processors/sql/sql.h"

typedef struct cu_engine cu_engine;

typedef struct cu_engine_opts {
    const cu_program *program;
    cu_env *env;
    const char *state_dir; /* NULL: ".cupel/<app>" */
    const char *brokers;   /* NULL: the program's, or the embedded log */
    const cu_property *properties;
    size_t n_properties;
    const char *instance; /* NULL: host name, and n of the folder on Kafka */
    size_t memory_bytes;  /* 0: 256 MiB */
    bool sync_commit;
    bool never_idle; /* idle_timeout does not apply: drains */
    bool leaves;     /* the group, when it is closed: a dynamic member */
    bool as_it_was;  /* inputs as the state has them (cu_runtime_opts) */
    int64_t commit_interval_ms;
    /* Given ones are used and stay the caller's (simulation). */
    cu_kv *kv;
    cu_log *log;
    bool log_carries_state; /* of the given log */
    bool read_only;         /* look at a stopped app; makes nothing */
    /* NULL: whether the process is over its memory, as the system has it. */
    bool (*pressed)(void *ctx);
    void *pressed_ctx;
} cu_engine_opts;

/* CU_BUSY names the process that holds the folder. */
int cu_engine_open(const cu_engine_opts *opts, cu_engine **out, cu_err *err);
void cu_engine_close(cu_engine *e);

cu_env *cu_engine_env(cu_engine *e);
cu_log *cu_engine_log(cu_engine *e);
cu_kv *cu_engine_kv(cu_engine *e);
cu_runtime *cu_engine_runtime(cu_engine *e);
const cu_program *cu_engine_program(const cu_engine *e);
const char *cu_engine_folder(const cu_engine *e); /* with n, on Kafka */
const char *cu_engine_instance(const cu_engine *e);
bool cu_engine_embedded(const cu_engine *e);

/* Shares of --memory, for doctor (decision 23). */
typedef struct cu_memory_plan {
    size_t block_cache, memtables, operators, tables, log;
} cu_memory_plan;
cu_memory_plan cu_memory_shares(size_t memory_bytes, bool embedded);

/* What the process has in memory, as the system counts it; 0: not known. */
int64_t cu_resident_bytes(cu_env *env);

/* Runs one SELECT over the committed rows of the views (and tables): the
 * same operators over a snapshot, in memory.  Any thread. */
int cu_engine_query(cu_engine *e, const cu_query *q, cu_result **out,
                    cu_err *err);

#endif
