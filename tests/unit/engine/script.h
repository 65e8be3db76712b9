/* SQL in, what happens, rows out: the same under every cut, kill and layout.
 *
 * What happens is a script, a line each:
 *
 *   TOPIC PARTITION KEY VALUE   a record; "-" as KEY: none; VALUE null: none
 *   begin TOPIC FILE            a snapshot starts; records until its end, or
 *   file TOPIC FILE             until the next `file`, carry the file's name
 *   end TOPIC                   and their line
 *   run                         until nothing moves
 *   pass MS                     time
 *   kill                        kill -9, and a new process
 *   crash POINT                 the same at a named point of the next commit
 */
#ifndef CU_TEST_ENGINE_SCRIPT_H
#define CU_TEST_ENGINE_SCRIPT_H

#include "tests/unit/engine/rig.h"

typedef enum script_cut {
    CUT_NOT,  /* records between two other lines are one transaction */
    CUT_EACH, /* a commit after each line */
    CUT_KILL, /* and a kill */
    CUT_WIPE, /* and nothing is left but the changelogs (beside only) */
    CUT_KINDS
} script_cut;

/* The clock begins at 2024-01-01 00:00:00Z in a played rig. */
void script_play(rig *r, const char *script, script_cut cut);
/* Plays it in a fresh rig for every cut, with the state in the log and
 * beside it; `want` is "view: rows" paragraphs, each row on a line:
 *
 *   v
 *     1 tea
 *   w
 */
void script_check(const char *sql, const char *script, const char *want);
/* The same for one way of doing it; no drain at its end. */
void script_check_once(const char *sql, const char *script, script_cut cut,
                       bool beside, const char *want);
/* Compares views with `want`. */
void script_expect(rig *r, const char *want, const char *how);

#endif
