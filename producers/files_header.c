/* The columns that a CSV must have: its header is split as RFC 4180 says. */
#include "producers/files.h"

/* The cell at *p, unquoted into `cell`; *p goes behind its delimiter.  False
 * when there is none. */
static bool next_cell(const char **p, const char *end, char delimiter,
                      cu_buf *cell)
{
    if (*p > end)
        return false;
    cu_buf_clear(cell);
    const char *at = *p;
    if (at < end && *at == '"') {
        for (at++; at < end; at++) {
            if (*at == '"' && (at + 1 == end || at[1] != '"'))
                break;
            at += *at == '"';
            cu_buf_put_u8(cell, (uint8_t)*at);
        }
    }
    for (at += at < end && *at == '"'; at < end && *at != delimiter; at++)
        cu_buf_put_u8(cell, (uint8_t)*at);
    *p = at + 1;
    return true;
}

static bool has(cu_slice header, char delimiter, const char *name)
{
    cu_buf cell = {0};
    bool found = false;
    const char *p = header.data, *end = p + header.len;
    while (!found && next_cell(&p, end, delimiter, &cell))
        found = cu_slice_is(cu_buf_slice(&cell), name);
    cu_buf_free(&cell);
    return found;
}

const char *cu_header_lacks(cu_slice header, char delimiter,
                            const char *const *required, uint32_t n,
                            cu_arena *a)
{
    const char *missing = NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (has(header, delimiter ? delimiter : ',', required[i]))
            continue;
        missing = missing ? cu_arena_printf(a, "%s, %s", missing, required[i])
                          : cu_arena_str(a, required[i]);
    }
    return missing;
}
