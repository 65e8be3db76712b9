/* What both makers of the log share. */
#include "log/log.h"

#include <stdio.h>

cu_slice cu_record_header(const cu_record *r, const char *name)
{
    for (uint32_t i = r->n_headers; i-- > 0;) {
        if (cu_slice_is(r->headers[i].name, name))
            return r->headers[i].value;
    }
    return CU_NULL_SLICE;
}

const char *cu_part_name(cu_part p, char *out, size_t size)
{
    snprintf(out, size, "%s[%d]", p.topic, (int)p.partition);
    return out;
}

bool cu_part_eq(cu_part a, cu_part b)
{
    return a.partition == b.partition && !strcmp(a.topic, b.topic);
}
