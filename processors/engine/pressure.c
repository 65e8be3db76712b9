/* Whether the process has more memory than --memory says.
 *
 * The shares of engine.c bound what is counted; this looks at what the system
 * has given, allocator and all, for what nobody counts: a row that becomes
 * millions in a join, large values, a disk that does not keep up.
 *
 *   0 ────────── --memory ────── + MORE_BYTES ──────
 *    caches fill as they may    |               |  workers commit, shed, wait
 *
 * Asked by each worker in each step, so the answer is kept for a while.
 */
#include "processors/engine/pressure.h"

#include <stdlib.h>

enum {
    LOOK_MS = 50,
    MORE_BYTES = 96 << 20, /* code, stacks, what the allocator holds back */
};

int64_t cu_resident_bytes(cu_env *env)
{
    static const char name[] = "\nVmRSS:";
    cu_arena *a = cu_arena_new(0);
    cu_slice text;
    int64_t kb = 0;
    if (env->vt->read_file(env, "/proc/self/status", 16384, a, &text, NULL) ==
        0) {
        const char *at = strstr(cu_arena_strn(a, text.data, text.len), name);
        if (at)
            kb = strtoll(at + sizeof(name) - 1, NULL, 10);
    }
    cu_arena_free(a);
    return kb * 1024;
}

void cu_pressure_init(cu_pressure *p, cu_env *env, size_t memory_bytes)
{
    p->env = env;
    p->limit = (int64_t)memory_bytes + MORE_BYTES;
    atomic_store(&p->looked_ms, 0);
    atomic_store(&p->pressed, false);
}

bool cu_pressure_ask(void *pressure)
{
    cu_pressure *p = pressure;
    int64_t now = cu_mono_ms(p->env);
    int64_t looked = atomic_load(&p->looked_ms);
    if (now - looked >= LOOK_MS &&
        atomic_compare_exchange_strong(&p->looked_ms, &looked, now))
        atomic_store(&p->pressed, cu_resident_bytes(p->env) > p->limit);
    return atomic_load(&p->pressed);
}
