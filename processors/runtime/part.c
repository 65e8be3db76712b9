#include "processors/runtime/part.h"

enum { POLL_MS = 1000 };

int cu_part_read(cu_log *log, cu_part part, cu_part_take *take, void *ctx,
                 cu_err *err)
{
    cu_position at = {.part = part};
    cu_reader *r;
    int64_t end;
    int rc = log->vt->end_offset(log, part, false, &end, err);
    if (rc == 0)
        rc = log->vt->offset_at(log, part, CU_OLDEST, &at.next, err);
    if (rc || at.next >= end)
        return rc;
    cu_reader_opts o = {.parts = &at, .n_parts = 1};
    rc = log->vt->reader_open(log, &o, &r, err);
    if (rc)
        return rc;
    while (rc == 0 && at.next < end) {
        cu_poll p;
        rc = cu_log_poll(r, POLL_MS, &p, err);
        if (rc == 0 && p.kind == CU_POLL_RECORDS)
            rc = take(ctx, &p, err);
        if (rc == 0 && (p.kind == CU_POLL_RECORDS || p.kind == CU_POLL_END))
            at.next = p.next;
    }
    r->vt->reader_close(r);
    return rc;
}
