#include "tests/oracle/level.h"
void cu_level_views(cu_oracle *o, uint32_t n_random)
{
    (void)o, (void)n_random;
}
