/* Sides in the state: heads and rows, loading, walking.
 *
 * table 0, the heads:  key -> u8 1 | u8 form | left | right
 *
 *   form 0, packed     svarint total | varint n | n x { lslice id
 *                                     | varint count | varint degree }
 *   form 1, spilled    svarint total | varint rows | varint bytes
 *
 * tables 1 and 2, the rows of spilled keys, left and right:
 *
 *   key | id -> u8 1 | varint count | varint degree
 *
 * Where rows are stamped, svarint stamp follows each degree.
 *
 * A key with few rows is one value: loading a batch of cold keys is a single
 * get_many, and a change rewrites at most PACKED_BYTES.  A key that outgrows
 * that spills, both sides, and stays so until it is empty.
 *
 * Keys are self-delimiting (rows/key.h), so that no key | id of one key lies
 * among those of another.
 */
#include "processors/operators/sides_int.h"

enum {
    VERSION = 1,
    PACKED = 0,
    SPILLED = 1,
    PACKED_ROWS = 8,
    PACKED_BYTES = 1024,
    CHUNK_ROWS = CU_BATCH_ROWS,
    CHUNK_BYTES = 1 << 20,
};

static int corrupt(const cu_sides *s, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "%s (node %u): a stored value does not check out",
                   s->op->vt->name, s->op->node->id);
}

/* --- heads --------------------------------------------------------------- */

static void put_numbers(const cu_sides *s, const cu_side_row *r, cu_buf *out)
{
    cu_buf_put_varint(out, (uint64_t)r->count);
    cu_buf_put_varint(out, (uint64_t)r->degree);
    if (s->stamped)
        cu_buf_put_svarint(out, r->stamp);
}

static void get_numbers(const cu_sides *s, cu_side_row *r, cu_scan *in)
{
    r->count = (int64_t)cu_scan_varint(in);
    r->degree = (int64_t)cu_scan_varint(in);
    if (s->stamped)
        r->stamp = cu_scan_svarint(in);
}

static bool read_rows(const cu_sides *s, cu_side *side, cu_scan *in)
{
    uint64_t n = cu_scan_varint(in);
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        cu_slice id = cu_scan_lslice(in);
        cu_side_row numbers;
        get_numbers(s, &numbers, in);
        if (in->bad || !id.data || numbers.count <= 0)
            return false;
        cu_side_row *r = cu_side_row_new(NULL, id);
        r->count = numbers.count;
        r->degree = numbers.degree;
        r->stamp = s->stamped ? numbers.stamp : 0;
        cu_side_append(side, r);
        side->rows++;
        side->bytes += id.len;
    }
    return !in->bad;
}

static bool read_side(const cu_sides *s, cu_side *side, bool spilled,
                      cu_scan *in)
{
    side->total = cu_scan_svarint(in);
    if (!spilled)
        return read_rows(s, side, in);
    side->rows = cu_scan_varint(in);
    side->bytes = cu_scan_varint(in);
    side->whole = side->rows == 0;
    return !in->bad;
}

static int read_head(cu_sides *s, cu_side_group *g, cu_slice value, cu_err *err)
{
    cu_scan in = cu_scan_of(value);
    bool good = cu_scan_u8(&in) == VERSION;
    uint8_t form = cu_scan_u8(&in);
    g->exists = true;
    g->spilled = form == SPILLED;
    for (int i = 0; i < 2 && good; i++)
        good = read_side(s, &g->side[i], g->spilled, &in);
    if (!good || form > SPILLED || cu_scan_left(&in))
        return corrupt(s, err);
    cu_side_group_weigh(s, g);
    return 0;
}

int cu_sides_load(cu_sides *s, uint32_t n, const cu_slice *keys,
                  const uint64_t *hash, cu_side_group **out, cu_err *err)
{
    cu_slice missing[CU_BATCH_ROWS], values[CU_BATCH_ROWS];
    uint32_t at[CU_BATCH_ROWS], n_missing = 0;
    CU_ASSERT(n <= CU_BATCH_ROWS);
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (cu_side_group *)cu_keyset_find(&s->set, hash[i], keys[i]);
        if (out[i]) {
            out[i]->used = true;
            continue;
        }
        at[n_missing] = i;
        missing[n_missing++] = keys[i];
    }
    if (!n_missing)
        return 0;
    int rc = cu_table_get_many(s->heads, n_missing, missing, values, err);
    for (uint32_t k = 0; k < n_missing && !rc; k++) {
        uint32_t i = at[k];
        out[i] = (cu_side_group *)cu_keyset_find(&s->set, hash[i], keys[i]);
        if (out[i])
            continue; /* the same key before in this list */
        out[i] = cu_side_group_new(s, hash[i], keys[i]);
        if (values[k].data)
            rc = read_head(s, out[i], values[k], err);
    }
    return rc;
}

static void write_head(cu_sides *s, const cu_side_group *g)
{
    cu_buf *out = &s->value;
    cu_buf_clear(out);
    cu_buf_put_u8(out, VERSION);
    cu_buf_put_u8(out, g->spilled ? SPILLED : PACKED);
    for (int i = 0; i < 2; i++) {
        const cu_side *side = &g->side[i];
        cu_buf_put_svarint(out, side->total);
        cu_buf_put_varint(out, side->rows);
        if (g->spilled)
            cu_buf_put_varint(out, side->bytes);
        for (uint32_t k = 0; k < side->n && !g->spilled; k++) {
            cu_buf_put_lslice(out, cu_side_id(side->at[k]));
            put_numbers(s, side->at[k], out);
        }
    }
    cu_table_put(s->heads, cu_keyrec_key(&g->rec), cu_buf_slice(out));
}

/* --- rows ---------------------------------------------------------------- */

static void row_key(const cu_side_group *g, cu_slice id, cu_buf *out)
{
    cu_buf_clear(out);
    cu_buf_put_slice(out, cu_keyrec_key(&g->rec));
    cu_buf_put_slice(out, id);
}

static bool read_row(const cu_sides *s, cu_side_row *r, cu_slice value)
{
    cu_scan in = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&in);
    get_numbers(s, r, &in);
    return version == VERSION && !cu_scan_left(&in) && !in.bad && r->count > 0;
}

void cu_sides_save(cu_sides *s, const cu_side_group *g, int side,
                   const cu_side_row *r)
{
    if (!g->spilled)
        return; /* with the head */
    row_key(g, cu_side_id(r), &s->key);
    if (r->count == 0) {
        cu_table_del(s->rows[side], cu_buf_slice(&s->key));
        return;
    }
    cu_buf_clear(&s->value);
    cu_buf_put_u8(&s->value, VERSION);
    put_numbers(s, r, &s->value);
    cu_table_put(s->rows[side], cu_buf_slice(&s->key), cu_buf_slice(&s->value));
}

static void spill(cu_sides *s, cu_side_group *g)
{
    g->spilled = true;
    for (int i = 0; i < 2; i++)
        for (uint32_t k = 0; k < g->side[i].n; k++)
            cu_sides_save(s, g, i, g->side[i].at[k]);
}

void cu_sides_store(cu_sides *s, cu_side_group *g)
{
    cu_side *l = &g->side[0], *r = &g->side[1];
    cu_sides_squeeze(s, g, 0);
    cu_sides_squeeze(s, g, 1);
    if (!l->rows && !r->rows && !l->total && !r->total) {
        if (g->exists)
            cu_table_del(s->heads, cu_keyrec_key(&g->rec));
        cu_side_group_free(s, g);
        return;
    }
    if (!g->spilled &&
        (l->rows + r->rows > PACKED_ROWS || l->bytes + r->bytes > PACKED_BYTES))
        spill(s, g);
    write_head(s, g);
    g->exists = true;
    cu_side_group_weigh(s, g);
}

int cu_sides_fill(cu_sides *s, cu_side_group *g, int side, cu_err *err)
{
    cu_side *x = &g->side[side];
    cu_side_walk w = {0};
    cu_side_row **rows;
    uint32_t n = 1;
    int rc = 0;
    if (x->whole || x->rows * sizeof(cu_side_row) + x->bytes > s->most / 2)
        return 0;
    cu_side_walk_start(&w, s, g, side, CU_LIT(""), CU_NULL_SLICE);
    while (!rc && n > 0) {
        rc = cu_side_walk_next(&w, CHUNK_ROWS, &rows, &n, err);
        for (uint32_t i = 0; i < n && !rc; i++) {
            cu_side_row *r = cu_side_row_new(NULL, cu_side_id(rows[i]));
            r->count = rows[i]->count;
            r->degree = rows[i]->degree;
            r->stamp = rows[i]->stamp;
            cu_side_append(x, r);
        }
    }
    cu_side_walk_free(&w);
    if (!rc && x->n != x->rows)
        rc = corrupt(s, err);
    x->whole = true;
    cu_side_group_weigh(s, g);
    return rc;
}

static int find_stored(cu_sides *s, const cu_side_group *g, int side,
                       uint32_t n, const cu_slice *ids, cu_side_row **out,
                       cu_err *err)
{
    cu_slice keys[CHUNK_ROWS], values[CHUNK_ROWS];
    int rc = 0;
    for (uint32_t from = 0; from < n && !rc; from += CHUNK_ROWS) {
        uint32_t many = n - from < CHUNK_ROWS ? n - from : CHUNK_ROWS;
        for (uint32_t i = 0; i < many; i++) {
            row_key(g, ids[from + i], &s->key);
            keys[i] = cu_arena_slice(s->arena, cu_buf_slice(&s->key));
        }
        rc = cu_table_get_many(s->rows[side], many, keys, values, err);
        for (uint32_t i = 0; i < many && !rc; i++) {
            out[from + i] = cu_side_row_new(s->arena, ids[from + i]);
            if (values[i].data && !read_row(s, out[from + i], values[i]))
                rc = corrupt(s, err);
        }
    }
    s->work += n;
    return rc;
}

int cu_sides_find(cu_sides *s, cu_side_group *g, int side, uint32_t n,
                  const cu_slice *ids, cu_side_row **out, cu_err *err)
{
    if (!g->side[side].whole)
        return find_stored(s, g, side, n, ids, out, err);
    cu_side_find_whole(s, &g->side[side], n, ids, out);
    return 0;
}

/* --- walking ------------------------------------------------------------- */

void cu_side_walk_start(cu_side_walk *w, cu_sides *s, const cu_side_group *g,
                        int side, cu_slice lo, cu_slice hi)
{
    const cu_side *x = &g->side[side];
    w->s = s;
    w->g = g;
    w->side = side;
    w->done = x->rows == 0;
    if (x->whole) {
        w->next = cu_side_seek(x, lo);
        w->end = hi.data ? cu_side_seek(x, hi) : x->n;
        return;
    }
    row_key(g, lo, &w->lo);
    w->bounded = true;
    if (hi.data) {
        row_key(g, hi, &w->hi);
    } else {
        row_key(g, CU_LIT(""), &w->hi);
        w->bounded = w->hi.len > 0 && cu_key_after_prefix(&w->hi);
    }
    if (!w->arena) {
        w->arena = cu_arena_new(0);
        w->chunk = cu_calloc(CHUNK_ROWS, sizeof(*w->chunk));
    }
}

/* The next rows of the table; the walk goes on behind the last of them. */
static int next_stored(cu_side_walk *w, uint32_t most, uint32_t *n, cu_err *err)
{
    cu_table_iter *it;
    cu_slice key, value;
    size_t skip = w->g->rec.key_len;
    bool good = true, more = true;
    cu_arena_reset(w->arena);
    int rc = cu_table_scan(w->s->rows[w->side], cu_buf_slice(&w->lo),
                           w->bounded ? cu_buf_slice(&w->hi) : CU_NULL_SLICE,
                           false, &it, err);
    if (rc)
        return rc;
    while (good && *n < most && cu_arena_used_bytes(w->arena) < CHUNK_BYTES &&
           (more = cu_table_iter_next(it, &key, &value))) {
        cu_slice id = {key.data + skip, key.len - skip};
        cu_side_row *r = cu_side_row_new(w->arena, id);
        good = read_row(w->s, r, value);
        w->chunk[(*n)++] = r;
    }
    w->done = !more;
    rc = cu_table_iter_close(it, err);
    if (!rc && !good)
        rc = corrupt(w->s, err);
    if (*n > 0) {
        row_key(w->g, cu_side_id(w->chunk[*n - 1]), &w->lo);
        cu_buf_put_u8(&w->lo, 0);
    }
    return rc;
}

int cu_side_walk_next(cu_side_walk *w, uint32_t most, cu_side_row ***rows,
                      uint32_t *n, cu_err *err)
{
    const cu_side *x = &w->g->side[w->side];
    CU_ASSERT(most > 0);
    CU_ASSERT(most <= CHUNK_ROWS);
    *n = 0;
    if (w->done)
        return 0;
    if (x->whole) {
        uint32_t left = w->next < w->end ? w->end - w->next : 0;
        *n = left < most ? left : most;
        *rows = x->at + w->next;
        w->next += *n;
    } else {
        int rc = next_stored(w, most, n, err);
        if (rc)
            return rc;
        *rows = w->chunk;
    }
    w->s->work += *n;
    return 0;
}

void cu_side_walk_free(cu_side_walk *w)
{
    cu_buf_free(&w->lo);
    cu_buf_free(&w->hi);
    if (w->arena)
        cu_arena_free(w->arena);
    cu_free(w->chunk);
    *w = (cu_side_walk){0};
}

int cu_sides_before(cu_sides *s, const cu_side_group *g, int side, cu_slice hi,
                    const cu_side_row **out, cu_err *err)
{
    const cu_side *x = &g->side[side];
    cu_table_iter *it;
    cu_slice key, value;
    cu_side_row *r = NULL;
    bool good = true;
    s->work++;
    *out = NULL;
    if (x->whole) {
        uint32_t at = hi.data ? cu_side_seek(x, hi) : x->n;
        *out = at ? x->at[at - 1] : NULL;
        return 0;
    }
    row_key(g, CU_LIT(""), &s->key);
    row_key(g, hi.data ? hi : CU_LIT(""), &s->end);
    bool bounded = hi.data || (s->end.len > 0 && cu_key_after_prefix(&s->end));
    int rc = cu_table_scan(s->rows[side], cu_buf_slice(&s->key),
                           bounded ? cu_buf_slice(&s->end) : CU_NULL_SLICE,
                           true, &it, err);
    if (rc)
        return rc;
    if (cu_table_iter_next(it, &key, &value)) {
        size_t skip = g->rec.key_len;
        r = cu_side_row_new(s->arena,
                            cu_slice_n(key.data + skip, key.len - skip));
        good = read_row(s, r, value);
    }
    *out = r;
    rc = cu_table_iter_close(it, err);
    return rc || good ? rc : corrupt(s, err);
}
