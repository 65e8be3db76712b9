/* The embedded log under the thread sanitizer: a plain program, since
 * Criterion dies under it.  Exit 0 when every record was copied once; the
 * sanitizer's exit code when it saw a race. */
#include "tests/unit/log/threads.h"
#include "tests/unit/log/world.h"

int main(void)
{
    cu_world w = cu_world_memory();
    cu_test_threads(w.log, 1500);
    cu_world_close(&w);
    return 0;
}
