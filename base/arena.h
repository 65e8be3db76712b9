/* Arenas: memory that dies together.
 *
 * A bump allocator over a chain of blocks.  An arena is named after its
 * lifetime (process > query > commit > batch); a pointer is stored only in
 * something that dies no later than the arena.  Reset keeps the first
 * block, so that a batch arena settles at zero malloc calls per batch.
 *
 * Thread: one owner at a time.
 */
#ifndef CU_BASE_ARENA_H
#define CU_BASE_ARENA_H

#include "base/bytes.h"

#include <stdarg.h>
#include <stddef.h>

typedef struct cu_arena cu_arena;

/* `block_bytes`: size of a normal block; 0 = 16 KiB.  Larger requests get a
 * block of their own. */
cu_arena *cu_arena_new(size_t block_bytes);
void cu_arena_free(cu_arena *a);
/* Everything allocated is gone; the first block is kept. */
void cu_arena_reset(cu_arena *a);
/* 16-byte aligned, not zeroed; never NULL. */
void *cu_arena_alloc(cu_arena *a, size_t size);
/* Zeroed array; the product is checked. */
void *cu_arena_calloc(cu_arena *a, size_t n, size_t size);
/* Copies. cu_arena_str() adds a NUL. */
void *cu_arena_dup(cu_arena *a, const void *p, size_t size);
cu_slice cu_arena_slice(cu_arena *a, cu_slice s);
char *cu_arena_str(cu_arena *a, const char *s);
char *cu_arena_strn(cu_arena *a, const char *s, size_t len);
char *cu_arena_printf(cu_arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *cu_arena_vprintf(cu_arena *a, const char *format, va_list ap);
/* Bytes handed out since the last reset. */
size_t cu_arena_used_bytes(const cu_arena *a);

#endif
