/* The source of rows. */
#include "producers/int.h"
static int files_open(cu_collector *c, cu_source_half **out, cu_err *err)
{
    (void)c;
    (void)out;
    return cu_fail(err, CU_UNSUPPORTED, 0, "files");
}
const cu_source_vt cu_files_source_vt = {.name = "files", .open = files_open};
