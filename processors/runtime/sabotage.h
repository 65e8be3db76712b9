/* Switches that break cupel on purpose, in test builds only.
 *
 * A check that cannot fail proves nothing: each law of the simulation must
 * catch the sabotage made for it (tests/simulation --sabotage), and so must
 * the scenarios on a real broker (tests/torture, which names STABLE or GO_ON in
 * CUPEL_SABOTAGE).  In other builds CU_SABOTAGED() is false and nothing is left
 * of this.
 */
#ifndef CU_RUNTIME_SABOTAGE_H
#define CU_RUNTIME_SABOTAGE_H

typedef enum cu_sabotage {
    CU_SABOTAGE_NONE,
    CU_SABOTAGE_LOSE_ROW, /* every 5th batch loses a row */
    CU_SABOTAGE_CUT,      /* a poll of several records loses its first */
    CU_SABOTAGE_POSITION, /* progress says less than was applied */
    CU_SABOTAGE_RESTORE,  /* restore stops one record early */
    CU_SABOTAGE_CORRECT,  /* views made anew correct no topic */
    CU_SABOTAGE_STABLE,   /* restore ends where open transactions begin */
    CU_SABOTAGE_GO_ON,    /* after an abort nothing is read again */
    CU_SABOTAGE_EARLY,    /* the store is written before the commit */
    CU_SABOTAGE_FORGET,   /* an input that moved is not marked */
    CU_SABOTAGE_DROP,     /* watermarks without rows are not exchanged */
    CU_SABOTAGE_WIPE,     /* a store is emptied when it is opened */
} cu_sabotage;

#ifdef CU_SABOTAGE
#include "base/env.h"

extern cu_sabotage cu_sabotage_now;
/* What CUPEL_SABOTAGE names, if anything. */
void cu_sabotage_read(cu_env *env);
#define CU_SABOTAGED(what) (cu_sabotage_now == (what))
#else
#define CU_SABOTAGED(what)    0
#define cu_sabotage_read(env) ((void)(env))
#endif

#endif
