/* cupel version. */
#include "ops/cli.h"

int cu_cmd_version(cu_cmd *c)
{
    cu_print(c->out, "cupel %s\n", CUPEL_VERSION);
    return 0;
}
