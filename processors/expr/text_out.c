/* Building text results: all rows of a batch in one buffer, one copy.
 *
 * A kernel appends the text of each row to the scratch buffer and notes
 * where it starts; at the end the whole buffer is copied into the arena
 * once and the rows' slices, which held offsets until then, are pointed at
 * it.  Rejected: an arena allocation per row, which costs more than most
 * texts are long.
 */
#include "processors/expr/kernel.h"

size_t cu_text_start(cu_call *c)
{
    cu_buf_clear(c->scratch);
    return 0;
}

size_t cu_text_row(cu_call *c, uint32_t row, size_t start)
{
    const size_t end = c->scratch->len;
    CU_OUT(cu_slice, c)[row] = (cu_slice){NULL, end - start};
    return end;
}

void cu_text_finish(cu_call *c)
{
    const size_t len = c->scratch->len;
    const char *at = len ? cu_arena_dup(c->arena, c->scratch->data, len) : "";
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_slice *s = &CU_OUT(cu_slice, c)[r];
        s->data = at;
        at += s->len;
    }
}
