#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Says so with write(): nothing here may allocate any more. */
static _Noreturn void out_of_memory(void)
{
    static const char text[] =
        "error: out of memory; give cupel more, or lower --memory\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)ignored;
    _exit(137);
}

void *cu_alloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *cu_calloc(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        out_of_memory();
    void *p = calloc(1, total ? total : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *cu_realloc(void *p, size_t size)
{
    void *bigger = realloc(p, size ? size : 1);
    if (!bigger)
        out_of_memory();
    return bigger;
}

void cu_free(void *p)
{
    free(p);
}

char *cu_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(cu_alloc(size), s, size);
}
