/* Sides in memory: groups, their rows in id order, what stays and what goes.
 *
 *   group   key | left  [r1 r2 r3 …]   whole
 *               | right [ ]            not whole: 1,200,000 rows, 90 MB
 *
 * Most keys have a few rows, which are all here while the key is hot.  A side
 * beyond a share of the budget is never brought in: its rows are looked up
 * one by one, or walked in chunks, by whoever has to see them all.
 *
 * Rows are allocated one by one, so that pointers to them hold while others
 * come and go; those that left are freed by the sweep, because a batch on
 * its way may still lend their bytes.
 */
#include "processors/operators/sides_int.h"

enum {
    DEFAULT_CACHE_BYTES = 8 << 20,
    WHOLE_SHARE = 16,    /* of the budget, for one side */
    GROUP_OVERHEAD = 64, /* slot, list, heap */
    ROW_OVERHEAD = sizeof(cu_side_row) + 24,
};

void cu_sides_open(cu_sides *s, cu_op *op)
{
    cu_space *space = op->env->space;
    *s = (cu_sides){.op = op, .arena = cu_arena_new(0)};
    s->heads = cu_space_table(space, cu_node_state_table(op->node, 0));
    for (unsigned i = 0; i < 2; i++)
        s->rows[i] = cu_space_table(space,
                                    cu_node_state_table(op->node, 1 + i));
    s->budget = op->env->cache_bytes ? op->env->cache_bytes
                                     : DEFAULT_CACHE_BYTES;
    s->most = s->budget / WHOLE_SHARE;
    cu_keyset_open(&s->set);
}

static void bury(cu_sides *s, cu_side_row *r)
{
    if (s->n_dead == s->cap_dead) {
        s->cap_dead = s->cap_dead ? s->cap_dead * 2 : 64;
        s->dead = cu_realloc(s->dead, s->cap_dead * sizeof(*s->dead));
    }
    s->dead[s->n_dead++] = r;
}

/* The rows leave memory. */
static void side_drop(cu_sides *s, cu_side *side)
{
    for (uint32_t i = 0; i < side->n; i++)
        bury(s, side->at[i]);
    cu_free(side->at);
    side->at = NULL;
    side->n = side->cap = 0;
    side->whole = false;
}

void cu_side_group_free(cu_sides *s, cu_side_group *g)
{
    s->bytes -= g->counted;
    cu_keyset_del(&s->set, &g->rec);
    s->groups[g->at] = s->groups[--s->n_groups];
    s->groups[g->at]->at = g->at;
    for (int i = 0; i < 2; i++)
        side_drop(s, &g->side[i]);
    cu_free(g);
}

static void free_dead(cu_sides *s)
{
    while (s->n_dead > 0)
        cu_free(s->dead[--s->n_dead]);
}

void cu_sides_close(cu_sides *s)
{
    if (!s->op)
        return; /* it was never opened */
    while (s->n_groups > 0)
        cu_side_group_free(s, s->groups[s->n_groups - 1]);
    free_dead(s);
    cu_keyset_close(&s->set);
    cu_free(s->groups);
    cu_free(s->dead);
    cu_arena_free(s->arena);
    cu_buf_free(&s->key);
    cu_buf_free(&s->end);
    cu_buf_free(&s->value);
}

cu_side_group *cu_side_group_new(cu_sides *s, uint64_t hash, cu_slice key)
{
    cu_side_group *g = cu_alloc(sizeof(*g) + key.len);
    memset(g, 0, sizeof(*g));
    memcpy(g->bytes, key.data, key.len);
    g->rec = (cu_keyrec){hash, g->bytes, (uint32_t)key.len};
    g->side[0].whole = g->side[1].whole = true;
    g->dated[0] = g->dated[1] = INT64_MIN;
    if (s->n_groups == s->cap_groups) {
        s->cap_groups = s->cap_groups ? s->cap_groups * 2 : 64;
        s->groups = cu_realloc(s->groups, s->cap_groups * sizeof(*s->groups));
    }
    g->at = s->n_groups;
    s->groups[s->n_groups++] = g;
    cu_keyset_add(&s->set, &g->rec);
    return g;
}

static size_t side_bytes(const cu_side *side)
{
    return side->rows * ROW_OVERHEAD + side->bytes;
}

void cu_side_group_weigh(cu_sides *s, cu_side_group *g)
{
    s->bytes -= g->counted;
    g->counted = sizeof(*g) + g->rec.key_len + GROUP_OVERHEAD;
    for (int i = 0; i < 2; i++) {
        if (g->side[i].n > 0 && g->spilled && side_bytes(&g->side[i]) > s->most)
            side_drop(s, &g->side[i]);
        if (g->side[i].whole)
            g->counted += side_bytes(&g->side[i]);
    }
    s->bytes += g->counted;
}

void cu_sides_sweep(cu_sides *s)
{
    while (s->bytes > s->budget && s->n_groups > 0) {
        if (s->hand >= s->n_groups)
            s->hand = 0;
        cu_side_group *g = s->groups[s->hand];
        if (g->used) {
            g->used = false;
            s->hand++;
        } else {
            cu_side_group_free(s, g);
        }
    }
    free_dead(s);
    cu_arena_reset(s->arena);
}

/* --- rows in order ------------------------------------------------------- */

cu_side_row *cu_side_row_new(cu_arena *a, cu_slice id)
{
    size_t size = sizeof(cu_side_row) + id.len;
    cu_side_row *r = a ? cu_arena_alloc(a, size) : cu_alloc(size);
    *r = (cu_side_row){.len = (uint32_t)id.len};
    memcpy(r->bytes, id.data, id.len);
    return r;
}

static void reserve(cu_side *side, uint32_t n)
{
    if (n <= side->cap)
        return;
    side->cap = side->cap * 2 > n ? side->cap * 2 : n;
    side->at = cu_realloc(side->at, side->cap * sizeof(*side->at));
}

void cu_side_append(cu_side *side, cu_side_row *r)
{
    reserve(side, side->n + 1);
    side->at[side->n++] = r;
}

uint32_t cu_side_seek(const cu_side *side, cu_slice id)
{
    uint32_t from = 0, to = side->n;
    if (to > 0 && cu_slice_cmp(cu_side_id(side->at[to - 1]), id) < 0)
        return to; /* times mostly grow */
    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        if (cu_slice_cmp(cu_side_id(side->at[mid]), id) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* New rows take their places from the back, each old row moves once. */
static void merge(cu_side *side, cu_side_row **found, const uint32_t *place,
                  uint32_t n, uint32_t n_new)
{
    uint32_t from = side->n;
    reserve(side, side->n + n_new);
    side->n += n_new;
    for (uint32_t i = n; n_new > 0; i--) {
        cu_side_row *r = found[i - 1];
        if (r->moved) {
            r->moved = false;
            uint32_t p = place[i - 1];
            memmove(side->at + p + n_new, side->at + p,
                    (from - p) * sizeof(*side->at));
            from = p;
            side->at[p + --n_new] = r;
        }
    }
}

void cu_side_find_whole(cu_sides *s, cu_side *side, uint32_t n,
                        const cu_slice *ids, cu_side_row **out)
{
    uint32_t *place = cu_arena_alloc(s->arena, (n + 1) * sizeof(*place));
    uint32_t n_new = 0;
    s->work += n;
    for (uint32_t i = 0; i < n; i++) {
        CU_ASSERT_SLOW(!i || cu_slice_cmp(ids[i - 1], ids[i]) < 0);
        uint32_t p = place[i] = cu_side_seek(side, ids[i]);
        if (p < side->n && cu_slice_eq(cu_side_id(side->at[p]), ids[i])) {
            out[i] = side->at[p];
            continue;
        }
        out[i] = cu_side_row_new(NULL, ids[i]);
        out[i]->moved = true; /* until it has its place */
        n_new++;
    }
    merge(side, out, place, n, n_new);
}

void cu_sides_count(cu_side_group *g, int side, cu_side_row *r, int64_t count)
{
    cu_side *x = &g->side[side];
    CU_ASSERT(count >= 0);
    x->total += count - r->count;
    if (r->count == 0 && count > 0) {
        x->rows++;
        x->bytes += r->len;
    } else if (r->count > 0 && count == 0) {
        x->rows--;
        x->bytes -= r->len;
    }
    r->count = count;
}

void cu_sides_squeeze(cu_sides *s, cu_side_group *g, int number)
{
    cu_side *side = &g->side[number];
    uint32_t kept = 0;
    if (!side->whole || side->n == side->rows)
        return;
    for (uint32_t i = 0; i < side->n; i++) {
        if (side->at[i]->count)
            side->at[kept++] = side->at[i];
        else
            bury(s, side->at[i]);
    }
    side->n = kept;
    CU_ASSERT(side->n == side->rows);
}
