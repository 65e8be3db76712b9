/* Numbers that an operator keeps in a table of their own: the next arrival,
 * a watermark. */
#include "processors/operators/int.h"

enum { VERSION = 1 };

int cu_number_read(const cu_op *op, cu_table *t, uint64_t *v, cu_err *err)
{
    cu_slice value;
    int rc = cu_table_get(t, CU_LIT(""), &value, err);
    if (rc || !value.data)
        return rc;
    cu_scan s = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&s);
    uint64_t stored = cu_scan_u64le(&s);
    if (s.bad || version != VERSION)
        return cu_fail(err, CU_CORRUPT, 0,
                       "%s (node %u): a stored number does not check out",
                       op->vt->name, op->node->id);
    *v = stored;
    return 0;
}

void cu_number_write(cu_table *t, uint64_t v)
{
    cu_buf out = {0};
    cu_buf_put_u8(&out, VERSION);
    cu_buf_put_u64le(&out, v);
    cu_table_put(t, CU_LIT(""), cu_buf_slice(&out));
    cu_buf_free(&out);
}

int cu_mark_read(const cu_op *op, cu_table *t, int64_t *us, cu_err *err)
{
    uint64_t v = (uint64_t)*us;
    int rc = cu_number_read(op, t, &v, err);
    *us = (int64_t)v;
    return rc;
}
