/* Private to ops: a running app — its threads, collectors and status. */
#ifndef CU_OPS_RUN_H
#define CU_OPS_RUN_H

#include "ops/cli.h"
#include "producers/collect.h"

#include <pthread.h>
#include <stdatomic.h>

/* One collected table and its thread. */
typedef struct cu_collecting {
    const cu_table_def *table;
    cu_collector *collector;
    cu_http *client;
    pthread_t thread;
    bool started;
    _Atomic bool passed; /* one full pass is committed */
    cu_err err;          /* why its thread ended, valid after join */
    pthread_mutex_t lock;
    cu_collector_counts counts; /* copied under the lock */
    char status[200];
    struct cu_running *run;
} cu_collecting;

typedef struct cu_working {
    cu_worker *worker;
    pthread_t thread;
    bool started;
    cu_err err;
    struct cu_running *run;
} cu_working;

typedef struct cu_sinking cu_sinking;

typedef struct cu_running {
    cu_cmd *c;
    cu_app *app;
    cu_collecting *collecting;
    uint32_t n_collecting;
    cu_working *working;
    uint32_t n_working;
    cu_sinking *sinking;
    uint32_t n_sinking;
    _Atomic int stop; /* threads end as soon as they can */
    _Atomic int stop_sinks;
    _Atomic bool failed; /* some thread ended with an error */
    struct cu_owner *owner;
    bool dry_run;
    int64_t started_us;
    struct cu_status *status;
    struct cu_keeper *keeper;
} cu_running;

/* collecting.c: opens the collectors of the program's http and files tables
 * (all, or those named), one thread each. */
int cu_collecting_open(cu_running *r, const char *const *names,
                       uint32_t n_names, bool dry_run, cu_err *err);
int cu_collecting_start(cu_running *r, cu_err *err);
bool cu_collecting_passed(cu_running *r); /* every one */
void cu_collecting_join(cu_running *r);
void cu_collecting_close(cu_running *r);

/* sinking.c: loads views into warehouse tables, one thread each. */
int cu_sinking_open(cu_running *r, cu_err *err);
int cu_sinking_start(cu_running *r, cu_err *err);
/* Threads end when they have what the topics hold now; those that have ended
 * begin again. */
int cu_sinking_drain(cu_running *r, cu_err *err);
/* Letters that were written so far, and that some view may read. */
int64_t cu_sinking_letters(const cu_running *r);
bool cu_sinking_drained(const cu_running *r);
void cu_sinking_stop(cu_running *r);
void cu_sinking_close(cu_running *r);
bool cu_sinking_error(const cu_running *r, cu_err *err); /* after the stop */
typedef struct cu_sink_look {
    const cu_view_def *view;
    int64_t written, deleted, rejected, lag;
    char status[240];
} cu_sink_look;
cu_sink_look cu_sinking_look(cu_running *r, uint32_t i); /* any thread */

/* All tables together. */
typedef struct cu_table_totals {
    int64_t in, applied, late, dead;
    int64_t late_in_views; /* applied, but too late for some view's windows */
} cu_table_totals;
cu_table_totals cu_totals(cu_running *r);
/* 48,210 */
const char *cu_grouped(cu_arena *a, int64_t n);

/* owner.c: does this process run the collectors and the sinks? */
typedef enum cu_owning {
    CU_OWNING_UNKNOWN, /* the group has not told yet */
    CU_OWNING_NO,
    CU_OWNING_YES,
} cu_owning;
int cu_owner_open(cu_running *r, cu_err *err);
cu_owning cu_owner_state(const cu_running *r);
bool cu_owner_shared(const cu_running *r); /* other processes may own them */
void cu_owner_close(cu_running *r);

/* summary.c: what came of it; "in = applied + late + dead" per table. */
void cu_summary_print(cu_running *r, uint32_t n_reports);
/* Only what the collectors did. */
void cu_summary_collectors(cu_running *r);
bool cu_adds_up(const cu_table_counts *k);
/* status.c: the block on a terminal, or a line every 10 s. */
void cu_status_tick(cu_running *r, int64_t left);
void cu_status_end(cu_running *r);
/* keeper.c: a thread that once a second has the log clean up and measures
 * the lag (into the counts). */
int cu_keeper_start(cu_running *r, cu_err *err);
void cu_keeper_stop(cu_running *r);

#endif
