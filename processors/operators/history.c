/* history: see plan.h. */
#include "processors/operators/int.h"

static int open_op(cu_op *op, cu_err *err)
{
    return cu_fail(err, CU_UNSUPPORTED, 0, "%s is not there yet",
                   op->vt->name);
}

cu_op *cu_history_new(void)
{
    static const cu_op_vt vt = {.name = "history", .open = open_op};
    cu_op *op = cu_calloc(1, sizeof(*op));
    cu_op_init(op, &vt);
    return op;
}
