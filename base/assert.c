#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void cu_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr,
            "error: internal fault at %s:%d: %s does not hold; please report "
            "it, nothing committed is lost\n",
            file, line, what);
    abort();
}
