/* Private to ops: which topics, groups and transactions an app works with,
 * and what they must be like.  ACLs are made from it (doctor_acls.c), and
 * what is there is compared with it (needs_check.c). */
#ifndef CU_OPS_NEEDS_H
#define CU_OPS_NEEDS_H

#include "ops/cli.h"

enum cu_need_how {
    CU_NEED_READ = 1,
    CU_NEED_WRITE = 2,
    CU_NEED_TRIM = 4,    /* records that were read are deleted */
    CU_NEED_MAKE = 8,    /* the app makes it when it is not there */
    CU_NEED_COMPACT = 16 /* keeps the last record per key for ever */
};

typedef enum cu_need_role {
    CU_NEED_INPUT,
    CU_NEED_VIEW,
    CU_NEED_SINK,
    CU_NEED_LETTERS,
    CU_NEED_CHANGELOG,
    CU_NEED_EXCHANGE,
    CU_NEED_CURSORS,
    CU_NEED_LAYOUT
} cu_need_role;

typedef struct cu_need {
    const char *topic;
    cu_need_role role; /* the first that named it */
    const char *whose; /* the table, view or stage */
    unsigned how;
} cu_need;

typedef struct cu_needs {
    cu_need *at; /* by topic */
    uint32_t n;
    bool owns; /* collectors or sinks: the group "<app>.collectors" too */
} cu_needs;

/* Every topic of the program on Kafka. */
void cu_needs_of(const cu_program *p, const cu_stages *s, cu_arena *a,
                 cu_needs *out);
/* "changelog of works" */
const char *cu_need_name(const cu_need *n, cu_arena *a);

/* One thing that is not as it should be. */
typedef struct cu_unmet {
    bool fatal; /* rows or state would be lost */
    const char *what, *todo;
} cu_unmet;
/* Compares the topics with what the broker has; *n of them in `a`. */
int cu_needs_check(cu_cmd *c, const cu_needs *needs, cu_log *log, cu_arena *a,
                   cu_unmet **out, uint32_t *n, cu_err *err);
/* Before a run on Kafka: warns, or fails with the first fatal one. */
int cu_needs_met(cu_cmd *c, cu_app *app, cu_err *err);

/* `cupel doctor PATH --acls`; an exit code (doctor_acls.c). */
int cu_doctor_acls(cu_cmd *c, const cu_program *p);

#endif
