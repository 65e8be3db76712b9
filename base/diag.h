/* Diag: what cupel tells humans, on stderr.
 *
 * (The word *log* is always the durable log.)  Text for people, or one JSON
 * object per line with --log-format json.  Data goes to stdout and never
 * through here.  Thread: any; one line is written by one write call.
 */
#ifndef CU_BASE_DIAG_H
#define CU_BASE_DIAG_H

#include "base/err.h"

#include <stdbool.h>

typedef enum cu_diag_level {
    CU_DIAG_ERROR, /* something failed and will not be retried */
    CU_DIAG_WARN,
    CU_DIAG_INFO,  /* the normal voice; hidden by -q */
    CU_DIAG_DEBUG, /* shown by -v */
} cu_diag_level;

/* Where a line goes; NULL: stderr. Tests capture with it. */
typedef void cu_diag_sink(void *ctx, cu_diag_level level, const char *line);
void cu_diag_to(cu_diag_sink *sink, void *ctx);
void cu_diag_format(bool json, cu_diag_level most, bool color);

void cu_diag(cu_diag_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define cu_info(...)  cu_diag(CU_DIAG_INFO, __VA_ARGS__)
#define cu_warn(...)  cu_diag(CU_DIAG_WARN, __VA_ARGS__)
#define cu_error(...) cu_diag(CU_DIAG_ERROR, __VA_ARGS__)
#define cu_debug(...) cu_diag(CU_DIAG_DEBUG, __VA_ARGS__)
/* "error: <message>" with its SQLSTATE when there is one. */
void cu_diag_err(const cu_err *err);

#endif
