/* Asking a running process: the socket in the state folder.
 *
 * Only one process may have an embedded log open.  Others send their command
 * line through a Unix socket (`<folder>/socket`, path at most 107 bytes) and
 * get the two streams and the exit code back; the command runs in a thread of
 * the process that has the app open, on committed rows.
 *
 *   request   u32 length | argv strings, NUL-terminated each
 *   answers   u8 stream (1, 2) | u32 length | bytes   …   u8 0 | u32 code
 */
#ifndef CU_OPS_ATTACH_H
#define CU_OPS_ATTACH_H

#include "ops/cli.h"

typedef struct cu_attached cu_attached;

/* Listens and answers in threads of its own until stopped. */
int cu_attach_serve(cu_cmd *c, cu_app *app, cu_attached **out, cu_err *err);
void cu_attach_stop(cu_attached *a);
/* Sends this command to the process that runs its app, if there is one:
 * true, and *code is its exit code. */
bool cu_attach_ask(cu_cmd *c, int argc, const char *const *argv, int *code);

#endif
