/* SQL and rows in, deltas out, as one text.
 *
 * A script is lines:
 *   t/0 1 x 00:00:10   a record to partition 0 of topic t: a cell per column
 *                      of the table of that topic, "-" is null, a time of
 *                      day is one of 2024-01-01 in UTC, [1] and {…} are JSON
 *   t/0 {…}            the record itself
 *   --                 runs until nothing moves; a commit or more
 *   kill               a new process
 *   drain, final       as `cupel run --drain [--final]`
 *   pass 1500          so many milliseconds
 *   topic app.v        prints what is new there; deletes are "- key"
 *   topic app.v header the same, with that header before
 *   view v             prints its rows, sorted
 *   late v             how many rows were late for it
 *   counts t           in, applied, late and dead of a table
 *   keys n             fails when the stages hold more than n state keys
 */
#ifndef CU_TEST_ENGINE_GOLDEN_H
#define CU_TEST_ENGINE_GOLDEN_H

#include "tests/unit/engine/rig.h"

typedef enum golden_mode {
    GOLDEN_PLAIN,
    GOLDEN_KILL, /* a new process after each "--" */
    GOLDEN_LOSE, /* the same on Kafka, which loses what was not flushed */
    GOLDEN_WIPE, /* the same with no state left but the changelog's */
    GOLDEN_MODES
} golden_mode;

/* What the script prints, in each mode; counters only in the plain one, as
 * they begin anew with a process. */
void golden(const char *sql, const char *script, const char *want);
void golden_in(golden_mode mode, const char *sql, const char *script,
               const char *want);
/* What it prints; cu_free(). */
char *golden_run(golden_mode mode, const char *sql, const char *script);

#endif
