/* The store: all spaces of a process over one kv, and their cache budget.
 *
 * Spaces belong to different threads, so the only shared numbers are two
 * atomics: how many bytes of clean rows are cached, and how many spaces there
 * are.  A space evicts when the sum is over the budget and it holds more than
 * its even share; so a busy space may use what idle ones leave.
 */
#include "state/int.h"

#include "base/alloc.h"
#include "base/assert.h"

cu_store *cu_store_new(cu_kv *kv, size_t cache_bytes)
{
    cu_store *s = cu_calloc(1, sizeof(*s));
    s->kv = kv;
    s->cache_bytes = cache_bytes;
    return s;
}

void cu_store_free(cu_store *s)
{
    if (!s)
        return;
    CU_ASSERT(atomic_load(&s->n_spaces) == 0);
    CU_ASSERT(atomic_load(&s->clean_bytes) == 0);
    cu_free(s);
}

cu_kv *cu_store_kv(cu_store *s)
{
    return s->kv;
}
