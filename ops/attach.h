/* Asking a running process: the socket in the state folder.
 *
 * Only one process may have an embedded log open.  Others send their command
 * line through a Unix socket (`<folder>/socket`, path at most 107 bytes) and
 * get the two streams and the exit code back; the command runs in a thread of
 * the process that has the app open, on committed rows.
 *
 *   request   u8 version | u32 length | argv strings, NUL-terminated each
 *   then      u32 length | bytes  …  u32 0      stream 0, when it is read
 *   answers   u8 stream (1, 2) | u32 length | bytes   …   u8 0 | u32 code
 *
 * Numbers are little-endian.  The words are sent as they were understood: with
 * what the environment said, without the paths (they are relative to the
 * sender's folder, and the program is there already).
 */
#ifndef CU_OPS_ATTACH_H
#define CU_OPS_ATTACH_H

#include "ops/cli.h"

typedef struct cu_attached cu_attached;

/* Listens and answers in threads of its own until stopped.  A path that is
 * too long for a socket is a warning, and *out stays NULL. */
int cu_attach_serve(cu_cmd *c, cu_app *app, cu_attached **out, cu_err *err);
/* Commands on their way get two seconds to end. */
void cu_attach_stop(cu_attached *a);
/* Sends this command to the process that runs its app, if there is one:
 * true, and *code is its exit code. */
bool cu_attach_ask(cu_cmd *c, int *code);

#endif
