/* A command in a world of its own: simulated files, captured streams. */
#ifndef CU_TESTS_OPS_RIG_H
#define CU_TESTS_OPS_RIG_H

#include "ops/args.h"
#include "ops/run.h"

typedef struct cu_rig {
    cu_cmd c;
    cu_out out;
    cu_in in;
    cu_env *env;
    cu_buf said[3]; /* by stream */
    cu_slice input; /* stream 0 */
    /* cu_rig_app(): an app over memory */
    cu_kv *kv;
    cu_log *log;
    cu_app app;
    cu_running running;
} cu_rig;

void cu_rig_open(cu_rig *r);
void cu_rig_close(cu_rig *r);
/* Compiles the SQL as app "shop" and opens it; r->c.app is set. */
void cu_rig_app(cu_rig *r, const char *sql);
/* Parses "cupel" and the words, separated by blanks ("~" stands for a blank
 * in a word); the exit code. */
int cu_rig_parse(cu_rig *r, const char *words);
/* Parses and runs. */
int cu_rig_run(cu_rig *r, const char *words);
/* Records of a topic with these values, in one transaction. */
void cu_rig_fill(cu_rig *r, const char *topic, const char *const *values);
/* What was written to a stream so far; forgets it. */
const char *cu_rig_said(cu_rig *r, int stream);

#endif
