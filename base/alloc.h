/* Heap memory that never fails.
 *
 * Every heap allocation of cupel goes through this door; `malloc` and its
 * kin are banned elsewhere (tests/tidy).  Running out of memory ends the
 * process with a message: a process that is killed loses nothing (S2), and
 * a thousand dead error branches are not written.
 *
 * Thread: any.  Ownership: the caller frees with cu_free().
 */
#ifndef CU_BASE_ALLOC_H
#define CU_BASE_ALLOC_H

#include <stddef.h>

/* `size` bytes, not zeroed; size 0 gives a pointer that may be freed. */
void *cu_alloc(size_t size);
/* `n` zeroed elements of `size` bytes; the product is checked. */
void *cu_calloc(size_t n, size_t size);
/* Grows or shrinks; `p` may be NULL. */
void *cu_realloc(void *p, size_t size);
/* Frees; NULL is fine. */
void cu_free(void *p);
/* A heap copy of a NUL-terminated string. */
char *cu_strdup(const char *s);

#endif
