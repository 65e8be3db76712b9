/* Switches that break the Kafka half of the log on purpose, in test builds
 * only: the scenarios of tests/torture must notice each of them.
 *
 * CUPEL_SABOTAGE names one when the log is opened.  In other builds
 * CU_LOG_SABOTAGED() is false and nothing is left of this.
 */
#ifndef CU_LOG_SABOTAGE_H
#define CU_LOG_SABOTAGE_H

typedef enum cu_log_sabotage {
    CU_LOG_SABOTAGE_NONE,
    CU_LOG_SABOTAGE_STRANGER, /* marks without the group's generation */
    CU_LOG_SABOTAGE_GUARD,    /* an end sent twice passes for one */
    CU_LOG_SABOTAGE_OUTSIDE,  /* marks are committed behind the transaction */
} cu_log_sabotage;

#ifdef CU_SABOTAGE
extern cu_log_sabotage cu_log_sabotage_now;
#define CU_LOG_SABOTAGED(what) (cu_log_sabotage_now == (what))
#else
#define CU_LOG_SABOTAGED(what) 0
#endif

#endif
