/* Private to ops: positions of a group, as they are and as they shall be.
 *
 *   words      --to-earliest … --from-file, --topic T[:p,p]   (offsets_goal.c)
 *   plan       each partition: where it is, where it goes     (offsets_plan.c)
 *   execute    undo file, then one change of all positions    (offsets_reset.c)
 */
#ifndef CU_OPS_OFFSETS_H
#define CU_OPS_OFFSETS_H

#include "ops/lag.h"

typedef enum cu_goal_kind {
    CU_GOAL_EARLIEST,
    CU_GOAL_LATEST,
    CU_GOAL_CURRENT,
    CU_GOAL_OFFSET, /* n */
    CU_GOAL_SHIFT,  /* n, may be negative */
    CU_GOAL_TIME,   /* n: milliseconds since 1970 */
    CU_GOAL_FILE,   /* listed */
} cu_goal_kind;

typedef struct cu_goal {
    cu_goal_kind kind;
    int64_t n;
    cu_positions listed;
} cu_goal;

/* What the options of `offsets reset` ask for: exactly one of Kafka's words,
 * or with `file` that file.  An exit code; told what is wrong. */
int cu_goal_parse(cu_cmd *c, const char *file, cu_goal *out);
/* Lines of topic,partition,offset, as kafka-consumer-groups.sh --export writes
 * them, with or without a group in front, or topic partition offset, as rpk
 * does.  CU_DATA names the line. */
int cu_goal_read(cu_slice text, cu_arena *a, cu_positions *out, cu_err *err);
/* "P1DT2H30M", "90 minutes" -> milliseconds; false: it is none. */
bool cu_goal_duration(const char *text, int64_t *ms);
bool cu_goal_time(const char *text, int64_t *ms);

/* --topic: all partitions, or some, of the topics named. */
typedef struct cu_narrow {
    const char *topic;
    uint32_t n; /* 0: all */
    int32_t *partitions;
} cu_narrow;
int cu_narrow_parse(cu_cmd *c, cu_narrow **out, uint32_t *n);

typedef struct cu_move {
    cu_lag_row at; /* as it is */
    int64_t next;  /* as it shall be */
    const char *note;
} cu_move;

typedef struct cu_moves {
    cu_move *at; /* by topic and partition */
    uint32_t n;
} cu_moves;

/* Where each row goes: clamped to what is there, with a note. CU_DATA: a shift
 * of a position that is none. */
int cu_moves_plan(cu_log *log, const cu_goal *g, const cu_lag *rows,
                  cu_arena *a, cu_moves *out, cu_err *err);
/* Those that --topic leaves; *missing names what it names in vain. */
void cu_lag_narrow(cu_lag *rows, const cu_narrow *by, uint32_t n,
                   const char **missing);
void cu_moves_print(cu_cmd *c, const char *group, const cu_moves *m);
/* topic,partition,offset lines. */
void cu_positions_csv(const cu_positions *p, cu_buf *out);

/* The partitions of the tables' topics that the app reads. */
int cu_offsets_of_app(cu_cmd *c, cu_app *a, cu_lag *out, cu_err *err);
/* Until the group has no members: CU_BUSY after a session and a bit. */
int cu_group_wait(cu_cmd *c, cu_log *log, const char *group, cu_err *err);
/* A worker that only looks gets all of the app's partitions: the only member.
 */
int cu_group_take(cu_cmd *c, const char *group, cu_worker *w, cu_err *err);
/* `reset` and `import`: `file` or NULL. An exit code. */
int cu_offsets_reset(cu_cmd *c, const char *file);

#endif
