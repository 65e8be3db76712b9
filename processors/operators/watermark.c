/* Watermark: names the column that carries event time.  The runtime stamps
 * rows and moves the watermark per source partition, because lateness must
 * not depend on how records were cut into batches; here rows and watermarks
 * pass. */
#include "processors/operators/int.h"

static int watermark_push(cu_op *op, int port, const cu_batch *b, cu_err *err)
{
    (void)port;
    return cu_op_emit(op, b, err);
}

cu_op *cu_watermark_new(void)
{
    static const cu_op_vt vt = {.name = "watermark", .push = watermark_push};
    cu_op *op = cu_calloc(1, sizeof(*op));
    cu_op_init(op, &vt);
    return op;
}
