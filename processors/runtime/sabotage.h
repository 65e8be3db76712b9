/* Switches that break cupel on purpose, in test builds only.
 *
 * A check that cannot fail proves nothing: each law of the simulation must
 * catch the sabotage made for it (tests/simulation --sabotage).  In other
 * builds CU_SABOTAGED() is false and nothing is left of this.
 */
#ifndef CU_RUNTIME_SABOTAGE_H
#define CU_RUNTIME_SABOTAGE_H

typedef enum cu_sabotage {
    CU_SABOTAGE_NONE,
    CU_SABOTAGE_LOSE_ROW, /* every 5th batch loses a row */
    CU_SABOTAGE_CUT,      /* a poll of several records loses its first */
    CU_SABOTAGE_POSITION, /* progress says less than was applied */
    CU_SABOTAGE_RESTORE,  /* restore stops one record early */
} cu_sabotage;

#ifdef CU_SABOTAGE
extern cu_sabotage cu_sabotage_now;
#define CU_SABOTAGED(what) (cu_sabotage_now == (what))
#else
#define CU_SABOTAGED(what) 0
#endif

#endif
