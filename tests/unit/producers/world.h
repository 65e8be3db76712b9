/* A world for tests of collectors: a simulated environment, the embedded log
 * in memory, one collector that can be killed and opened again, and what it
 * published as text. */
#ifndef CU_TESTS_PRODUCERS_WORLD_H
#define CU_TESTS_PRODUCERS_WORLD_H

#include "producers/collect.h"

typedef struct cu_world {
    cu_env *env;
    bool real; /* its clock */
    cu_kv *kv;
    cu_log *log;
    cu_http *client; /* http tests; closed with the world */
    cu_collector *c; /* NULL: not open */
    cu_collector_opts opts;
    int64_t waited_us; /* virtual time spent in WAITING */
    cu_buf told;       /* lines of opts.tell when cu_world_listen() */
} cu_world;

/* Ends the process with what was expected; Criterion counts it as failed. */
#define CU_EXPECT(cond) \
    ((cond) ? (void)0 : cu_expect_failed(#cond, __FILE__, __LINE__, NULL))
#define CU_OK_(call, err) \
    ((call) == 0 ? (void)0 : cu_expect_failed(#call, __FILE__, __LINE__, err))
_Noreturn void cu_expect_failed(const char *what, const char *file, int line,
                                const cu_err *err);

/* App "app", table "t", topic "bronze.t", one partition. */
cu_world cu_world_open(uint64_t seed);
/* The same with the real clock, for real servers. */
cu_world cu_world_real(void);
void cu_world_listen(cu_world *w);
void cu_world_start(cu_world *w);            /* opens the collector */
void cu_world_stop(cu_world *w);             /* closes it */
void cu_world_kill(cu_world *w);             /* and the log, uncleanly */
void cu_world_restart(cu_world *w);          /* stop, start */
int cu_world_pass(cu_world *w, cu_err *err); /* steps until PASSED */
void cu_world_must_pass(cu_world *w);
/* Passes through kills at every fault, retries after CU_RETRY; counts them. */
int cu_world_pass_killed(cu_world *w);
cu_collector_counts cu_world_counts(const cu_world *w);
void cu_world_close(cu_world *w);

/* One record a line: the headers named in `headers` (a comma list of names
 * without "cupel."), then the value up to 60 bytes; partitions in turn. The
 * text is lent until the next call. */
const char *cu_world_topic(cu_world *w, const char *topic, const char *headers);
size_t cu_world_records(cu_world *w, const char *topic);
/* The headers and values of all records of bronze, hashed. */
uint64_t cu_world_digest(cu_world *w, const char *topic);

#endif
