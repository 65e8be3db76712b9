/* Collectors: the world -> bronze topics, exactly once.
 *
 * A collector polls one http or files table, publishes what came to the
 * table's bronze topic, and commits its cursor (page, file position, content
 * hash) to `<app>.collectors` in the same transaction.  What was fetched
 * but not committed is fetched again; what is unchanged publishes nothing.
 *
 * Nothing blocks for longer than the step's budget, so that simulation can
 * run collectors, tasks and crashes in one thread.
 *
 * Outages pause and retry; what the source itself got wrong (refused,
 * unacceptable after all retries) goes to the dead letters with all that a
 * replay needs.  Thread: one owner per collector.
 */
#ifndef CU_PRODUCERS_COLLECT_H
#define CU_PRODUCERS_COLLECT_H

#include "base/http.h"
#include "log/log.h"
#include "schemas/source.h"

typedef struct cu_collector cu_collector;

typedef struct cu_collector_counts {
    int64_t requests; /* http: sent, retries included */
    int64_t retries;
    int64_t records;      /* published to bronze */
    int64_t unchanged;    /* bodies or files whose hash was known */
    int64_t dead_letters; /* published to the dead-letter topic */
    int64_t bytes;        /* published */
    int64_t planned;      /* pages or bytes known to be ahead, for progress */
    int64_t done;         /* of those */
} cu_collector_counts;

typedef struct cu_collector_opts {
    const char *app;
    const char *table;
    const char *topic;  /* bronze */
    int32_t partitions; /* of it */
    const char *dead_letter_topic;
    const char *cursor_topic; /* "<app>.collectors" */
    const char *txn_id;
    const cu_http_source *http; /* one of the two */
    const cu_files_source *files;
    cu_log *log;
    cu_env *env;
    cu_http *client; /* http: the door; the owner's, one per collector */
    bool dry_run;    /* publish nothing, commit nothing */
    int64_t limit;   /* stop after so many records; 0: no limit */
    /* Files: what is read may still be written to, so that a last line
     * without an end waits for it.  False (a drain): it is a record. */
    bool follow;
    /* Dry run and progress: what is requested or read, one line. May be
     * NULL. */
    void (*tell)(void *ctx, const char *line);
    void *ctx;
} cu_collector_opts;

typedef enum cu_collect_state {
    CU_COLLECT_WORKING, /* call again at once */
    CU_COLLECT_WAITING, /* nothing to do before `wake_us` (mono) */
    CU_COLLECT_PASSED,  /* one full pass is committed; the schedule says when
                           the next begins (`wake_us`, 0: never) */
} cu_collect_state;

/* Reads the cursor from the log; no request yet. */
int cu_collector_open(const cu_collector_opts *opts, cu_collector **out,
                      cu_err *err);
/* Works for at most about `budget_ms`. Errors with RETRY: call again after a
 * pause (the collector has gone back to its last commit). */
int cu_collector_step(cu_collector *c, int64_t budget_ms,
                      cu_collect_state *state, int64_t *wake_us, cu_err *err);
/* The next step starts a new pass even if its time has not come. */
void cu_collector_start_pass(cu_collector *c);
void cu_collector_counts_get(const cu_collector *c, cu_collector_counts *out);
/* One line for people: "page 3 of 12 of science_fiction; waits 2 s (429)". */
void cu_collector_status(const cu_collector *c, cu_buf *out);
void cu_collector_close(cu_collector *c);

#endif
