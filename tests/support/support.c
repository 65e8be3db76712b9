/* Shared by every test program: the sanitizers' options.
 *
 * Criterion 2.4 lets a leaking test pass; exitcode makes the leak checker's
 * verdict the program's. */
#include "tests/support/support.h"

const char *__asan_default_options(void)
{
    return "detect_leaks=1:exitcode=86:abort_on_error=0";
}
