/* Generations: up to four sets of the same tables in one space.
 *
 * A stage that is made anew (offsets reset) writes another generation of its
 * tables while the one that its topic shows stays where it is.  A table's
 * number in the kv and in the changelog carries the generation g in its two
 * highest bits:
 *
 *   number < 0x3FF0            number ^ g << 14
 *   0xFFF0 <= number < 0xFFFE  number ^ g << 14
 *
 * so that generation 0 is what was there before generations were, and 0xFFFF
 * (position and progress) and 0xFFFE (long rows) belong to none.  Which one is
 * meant stands in the progress record: the log's order alone decides, and a
 * state that is behind finds out by rolling forward.
 */
#include "state/int.h"

#include "base/alloc.h"
#include "base/assert.h"

uint16_t cu_space_stored(uint16_t number, unsigned generation)
{
    CU_ASSERT(generation < CU_GENERATIONS);
    CU_ASSERT(number < HIGH_TABLES ||
              (number >= 0xFFF0 && number < LONG_TABLE));
    return (uint16_t)(number ^ (generation << GENERATION_SHIFT));
}

uint16_t cu_space_table_of(uint16_t stored, unsigned *generation)
{
    bool high = (stored & 0x3FFF) >= HIGH_TABLES;
    unsigned top = (unsigned)stored >> GENERATION_SHIFT;
    *generation = high ? top ^ 3 : top;
    return (uint16_t)(stored ^ (*generation << GENERATION_SHIFT));
}

void cu_space_use(cu_space *s, unsigned generation)
{
    CU_ASSERT(generation < CU_GENERATIONS);
    s->generation = (uint8_t)generation;
}

void cu_space_follow(cu_space *s)
{
    cu_arena *a = cu_arena_new(0);
    cu_progress p = {0};
    cu_err ignored = {0}; /* whoever asks for the progress hears of it */
    if (s->has_progress &&
        cu_progress_decode(cu_buf_slice(&s->progress), a, &p, &ignored) == 0)
        s->generation = p.rebuild.generation;
    cu_arena_free(a);
}

/* --- sweeping ------------------------------------------------------------ */

typedef struct sweep {
    cu_space *space;
    uint32_t left; /* rows that may still go */
    cu_arena *arena;
    cu_slice *keys;
    uint16_t *tables;
    uint32_t n;
} sweep;

/* The other rows, up to `left` of them; the tables that stay are skipped. */
static int collect(sweep *w, cu_err *err)
{
    cu_space *s = w->space;
    cu_kv *kv = s->store->kv;
    cu_buf lo = {0}, hi = {0};
    uint32_t table = 0;
    int rc = 0;
    cu_space_put_key(s, LONG_TABLE, CU_NULL_SLICE, &hi);
    while (rc == 0 && table < LONG_TABLE && w->n < w->left) {
        cu_kv_iter *it;
        cu_slice key, value;
        bool skip = false;
        cu_buf_clear(&lo);
        cu_space_put_key(s, (uint16_t)table, CU_NULL_SLICE, &lo);
        table = LONG_TABLE;
        rc = kv->vt->iter(kv, cu_buf_slice(&lo), cu_buf_slice(&hi), &it, err);
        if (rc)
            break;
        while (!skip && w->n < w->left && kv->vt->iter_next(it, &key, &value)) {
            cu_scan scan = {.p = key.data + KEY_PREFIX_BYTES - 2,
                            .end = key.data + key.len};
            unsigned generation;
            uint16_t stored = cu_scan_u16be(&scan);
            cu_space_table_of(stored, &generation);
            if (generation == s->generation) {
                table = (uint32_t)stored + 1;
                skip = true;
                continue;
            }
            w->tables[w->n] = stored;
            w->keys[w->n++] = cu_arena_slice(
                w->arena, (cu_slice){scan.p, cu_scan_left(&scan)});
        }
        rc = kv->vt->iter_close(it, err);
    }
    cu_buf_free(&lo);
    cu_buf_free(&hi);
    return rc;
}

int cu_space_sweep(cu_space *s, uint32_t most, bool *left, cu_err *err)
{
    sweep w = {.space = s, .left = most, .arena = cu_arena_new(0)};
    w.keys = cu_arena_calloc(w.arena, most + 1, sizeof(*w.keys));
    w.tables = cu_arena_calloc(w.arena, most + 1, sizeof(*w.tables));
    int rc = collect(&w, err);
    for (uint32_t i = 0; rc == 0 && i < w.n; i++)
        cu_table_del(cu_space_stored_table(s, w.tables[i]), w.keys[i]);
    *left = w.n == most;
    cu_arena_free(w.arena);
    return rc;
}
