#include "base/err.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
    [CU_OK] = "ok",
    [CU_USAGE] = "usage",
    [CU_SQL] = "sql",
    [CU_UNSUPPORTED] = "unsupported",
    [CU_DATA] = "data",
    [CU_LIMIT] = "limit",
    [CU_NOT_FOUND] = "not_found",
    [CU_EXISTS] = "exists",
    [CU_DENIED] = "denied",
    [CU_BUSY] = "busy",
    [CU_FULL] = "full",
    [CU_IO] = "io",
    [CU_NETWORK] = "network",
    [CU_TIMEOUT] = "timeout",
    [CU_CORRUPT] = "corrupt",
    [CU_FENCED] = "fenced",
    [CU_IN_DOUBT] = "in_doubt",
    [CU_HISTORY] = "history",
    [CU_STOPPED] = "stopped",
};
_Static_assert(sizeof(code_names) / sizeof(code_names[0]) == CU_CODES,
               "every cu_code has a name");

const char *cu_code_name(cu_code code)
{
    return (unsigned)code < CU_CODES ? code_names[code] : "unknown";
}

const char *cu_sqlstate_text(uint32_t sqlstate, char out[6])
{
    for (int i = 0; i < 5; i++)
        out[i] = (char)('0' + (sqlstate >> (24 - 6 * i) & 63));
    out[5] = 0;
    return out;
}

/* A message that was cut must not end inside a character. */
static void trim_character(char *msg, size_t size)
{
    size_t len = strlen(msg);
    size_t lead = len; /* one past the last byte that starts a character */
    if (len + 1 < size)
        return;
    while (lead > 0 && len - lead < 3 &&
           ((unsigned char)msg[lead - 1] & 0xc0) == 0x80)
        lead--;
    if (lead > 0 && (unsigned char)msg[lead - 1] >= 0xc0 &&
        !cu_utf8_valid_prefix(cu_slice_n(msg + lead - 1, len - lead + 1)))
        msg[lead - 1] = 0;
}

int cu_fail_at(cu_err *err, const char *file, int line, cu_code code,
               uint32_t flags, const char *format, ...)
{
    CU_ASSERT(code != CU_OK);
    if (!err)
        return code;

    /* The arguments may point into err->msg: format aside, then copy. */
    char msg[sizeof(err->msg)];
    va_list ap;
    va_start(ap, format);
    vsnprintf(msg, sizeof(msg), format, ap);
    va_end(ap);
    trim_character(msg, sizeof(msg));

    err->code = code;
    err->flags = flags;
    err->sqlstate = 0;
    err->file = file;
    err->line = line;
    memcpy(err->msg, msg, strlen(msg) + 1);
    return code;
}

int cu_err_note(cu_err *err, const char *format, ...)
{
    if (!err)
        return CU_OK;
    char msg[sizeof(err->msg)];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(msg, sizeof(msg), format, ap);
    va_end(ap);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (used < sizeof(msg))
        snprintf(msg + used, sizeof(msg) - used, "%s", err->msg);
    trim_character(msg, sizeof(msg));
    memcpy(err->msg, msg, strlen(msg) + 1);
    return err->code;
}

void cu_err_clear(cu_err *err)
{
    if (!err)
        return;
    err->code = CU_OK;
    err->flags = 0;
    err->sqlstate = 0;
    err->line = 0;
    err->file = NULL;
    err->msg[0] = 0;
}
