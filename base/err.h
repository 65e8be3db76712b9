/* Errors are values.
 *
 * A function that can fail returns int (0 or a cu_code) and takes a
 * caller-owned `cu_err *err` as its last parameter.  cu_fail() is the only
 * maker: it stamps file and line and is the one breakpoint.  Layers
 * classify (code + flags); only the task and the collector loop decide what
 * to do about it.
 *
 *     if (n < 0)
 *         return cu_fail(err, CU_IO, CU_RETRY, "cannot read %s: %s", path, s);
 *
 * The message says what failed, where, why, and what to do next, without
 * a trailing full stop.  No allocation, fixed size, copyable by assignment.
 */
#ifndef CU_BASE_ERR_H
#define CU_BASE_ERR_H

#include <stdint.h>

typedef enum cu_code {
    CU_OK = 0,
    CU_USAGE,       /* the command line or an option is wrong: exit 2 */
    CU_SQL,         /* a statement is wrong: exit 2 */
    CU_UNSUPPORTED, /* outside the language or the version: exit 2 */
    CU_DATA,        /* a record or value is bad: a dead letter */
    CU_LIMIT,       /* a declared size, depth or count was exceeded */
    CU_NOT_FOUND,   /* a file, topic, key that should exist does not */
    CU_EXISTS,      /* it exists with other properties */
    CU_DENIED,      /* no permission */
    CU_BUSY,        /* held by another process */
    CU_FULL,        /* no space on the device */
    CU_IO,          /* the disk or file system failed */
    CU_NETWORK,     /* broker, API or registry not reachable: exit 4 */
    CU_TIMEOUT,     /* the deadline passed: exit 4 */
    CU_CORRUPT,     /* stored bytes do not check out */
    CU_FENCED,      /* another owner took over */
    CU_IN_DOUBT,    /* a commit may or may not have happened */
    CU_HISTORY,     /* offsets that we need are gone */
    CU_STOPPED,     /* asked to stop */
    CU_CODES
} cu_code;

enum cu_err_flags {
    CU_RETRY = 1, /* the same call may succeed later */
    CU_ABORT = 2, /* the transaction must be aborted first */
    CU_FATAL = 4, /* the handle is dead; open a new one */
};

typedef struct cu_err {
    cu_code code;
    uint32_t flags;    /* cu_err_flags */
    uint32_t sqlstate; /* CU_SQLSTATE(...) or 0 */
    int line;          /* where cu_fail() was called */
    const char *file;
    char msg[480];
} cu_err;

/* A SQLSTATE of five characters, e.g. CU_SQLSTATE('2','2','P','0','2'). */
#define CU_SQLSTATE(a, b, c, d, e)                               \
    ((uint32_t)((a) - '0') << 24 | (uint32_t)((b) - '0') << 18 | \
     (uint32_t)((c) - '0') << 12 | (uint32_t)((d) - '0') << 6 |  \
     (uint32_t)((e) - '0'))

/* Writes the five characters and a NUL into `out`. */
const char *cu_sqlstate_text(uint32_t sqlstate, char out[6]);

/* A short lower-case name of the code: "io", "network", ... */
const char *cu_code_name(cu_code code);

/* Fills `err` (may be NULL) and returns `code`.  Use the macro. */
int cu_fail_at(cu_err *err, const char *file, int line, cu_code code,
               uint32_t flags, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
#define cu_fail(err, code, flags, ...) \
    cu_fail_at((err), __FILE__, __LINE__, (code), (flags), __VA_ARGS__)

/* Puts context in front of the message: "task works[0]: cannot read …".
 * Returns err->code, so `return cu_err_note(err, "…")` passes it up. */
int cu_err_note(cu_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Back to "no error". */
void cu_err_clear(cu_err *err);

#endif
