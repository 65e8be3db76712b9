/* Arenas: a bump allocator over a chain of blocks.
 *
 *     arena -> [ block: used..free ] -> [ full ] -> [ large request ] -> NULL
 *                ^ new requests are cut from here
 *
 * A request that does not fit starts a new block; one above a quarter of
 * the block size gets a block of its own, linked *behind* the current one,
 * so that the rest of the current block is not thrown away.
 *
 * Reset folds the chain into one block as large as the round needed (up to
 * keep_max): an arena that is reset per batch stops calling malloc after
 * its largest batch.  Rejected: keeping the whole chain, which pins the
 * memory of a spike and scatters a batch over many blocks.
 *
 * Under the address sanitizer the free part of a block is poisoned, so that
 * a pointer kept beyond a reset is reported where it is used.
 */
#include "base/arena.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdint.h>
#include <stdio.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum {
    ALIGN = 16,
    default_block = 16 * 1024,
    keep_max = 1024 * 1024, /* a spike above this is given back at reset */
};

typedef struct block {
    struct block *next;
    size_t size; /* of `data` */
    _Alignas(ALIGN) char data[];
} block;

struct cu_arena {
    block *head; /* current block; NULL before the first request */
    char *at, *end;
    size_t block_bytes;
    size_t used_bytes;
};

cu_arena *cu_arena_new(size_t block_bytes)
{
    cu_arena *a = cu_calloc(1, sizeof(*a));
    a->block_bytes = block_bytes ? block_bytes : default_block;
    return a;
}

static block *block_new(size_t size)
{
    block *b = cu_alloc(sizeof(*b) + size);
    b->size = size;
    b->next = NULL;
    POISON(b->data, size);
    return b;
}

static void block_free(block *b)
{
    UNPOISON(b->data, b->size);
    cu_free(b);
}

static void chain_free(block *b)
{
    while (b) {
        block *next = b->next;
        block_free(b);
        b = next;
    }
}

void cu_arena_free(cu_arena *a)
{
    if (!a)
        return;
    chain_free(a->head);
    cu_free(a);
}

static void start_block(cu_arena *a, block *b)
{
    b->next = a->head;
    a->head = b;
    a->at = b->data;
    a->end = b->data + b->size;
}

void cu_arena_reset(cu_arena *a)
{
    block *b = a->head;
    if (!b)
        return;
    size_t total = 0;
    for (block *i = b; i; i = i->next)
        total += i->size;
    if (b->next || b->size > keep_max) {
        chain_free(b);
        b = block_new(total < keep_max ? total : keep_max);
    } else {
        POISON(b->data, b->size);
    }
    a->head = NULL;
    start_block(a, b);
    a->used_bytes = 0;
}

/* The current block has no room: a block of its own, or a new current one. */
static void *alloc_slow(cu_arena *a, size_t size, size_t rounded)
{
    block *b;
    if (a->head && rounded > a->block_bytes / 4) {
        b = block_new(rounded);
        b->next = a->head->next;
        a->head->next = b;
        UNPOISON(b->data, size);
        return b->data;
    }
    start_block(a,
                block_new(rounded > a->block_bytes ? rounded : a->block_bytes));
    void *p = a->at;
    a->at += rounded;
    UNPOISON(p, size);
    return p;
}

void *cu_arena_alloc(cu_arena *a, size_t size)
{
    CU_ASSERT(size <= SIZE_MAX / 2);
    size_t rounded = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!rounded)
        rounded = ALIGN;
    a->used_bytes += rounded;
    if ((size_t)(a->end - a->at) < rounded)
        return alloc_slow(a, size, rounded);
    void *p = a->at;
    a->at += rounded;
    UNPOISON(p, size);
    return p;
}

void *cu_arena_calloc(cu_arena *a, size_t n, size_t size)
{
    size_t total;
    CU_ASSERT(!__builtin_mul_overflow(n, size, &total));
    return memset(cu_arena_alloc(a, total), 0, total);
}

void *cu_arena_dup(cu_arena *a, const void *p, size_t size)
{
    void *copy = cu_arena_alloc(a, size);
    if (size)
        memcpy(copy, p, size);
    return copy;
}

cu_slice cu_arena_slice(cu_arena *a, cu_slice s)
{
    if (!s.data)
        return CU_NULL_SLICE;
    return cu_slice_n(cu_arena_dup(a, s.data, s.len), s.len);
}

char *cu_arena_str(cu_arena *a, const char *s)
{
    return cu_arena_strn(a, s, strlen(s));
}

char *cu_arena_strn(cu_arena *a, const char *s, size_t len)
{
    char *copy = cu_arena_alloc(a, len + 1);
    if (len)
        memcpy(copy, s, len);
    copy[len] = 0;
    return copy;
}

char *cu_arena_vprintf(cu_arena *a, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    CU_ASSERT(len >= 0);
    char *text = cu_arena_alloc(a, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, ap);
    return text;
}

char *cu_arena_printf(cu_arena *a, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text = cu_arena_vprintf(a, format, ap);
    va_end(ap);
    return text;
}

size_t cu_arena_used_bytes(const cu_arena *a)
{
    return a->used_bytes;
}
