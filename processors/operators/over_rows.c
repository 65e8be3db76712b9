/* Rows of a partition in memory: a stretch of a state scan, decoded.
 *
 * A pass numbers the rows it reads; what it no longer needs is dropped from
 * the front, so that memory holds a frame and not a partition.
 *
 *   numbers   begin … first ………… next
 *                     [  in memory  )   the scan goes on here
 *
 * Rows lie in chunks with one arena each, which live until their last row
 * is dropped.  A chunk goes on being filled by the next pass.
 */
#include "processors/operators/over_rows.h"

#include "base/alloc.h"

enum { FIRST_RING = 64 };

void cu_over_rows_open(cu_over_rows *r, cu_op *op, cu_table *table)
{
    *r = (cu_over_rows){.op = op, .table = table, .mask = FIRST_RING - 1};
    r->ring = cu_calloc(FIRST_RING, sizeof(*r->ring));
}

static void free_chunks(cu_over_chunk *c)
{
    while (c) {
        cu_over_chunk *next = c->next;
        cu_arena_free(c->arena);
        cu_free(c);
        c = next;
    }
}

void cu_over_rows_close(cu_over_rows *r)
{
    cu_err err;
    if (r->iter)
        cu_table_iter_close(r->iter, &err);
    free_chunks(r->head);
    free_chunks(r->spare);
    cu_buf_free(&r->from);
    cu_buf_free(&r->to);
    cu_free(r->ring);
}

void cu_over_rows_start(cu_over_rows *r, cu_slice from, cu_slice partition)
{
    CU_ASSERT(!r->iter);
    cu_over_rows_drop(r, r->next);
    r->begin = r->first;
    r->done = r->top = false;
    cu_buf_clear(&r->from);
    cu_buf_put_slice(&r->from, from);
    cu_buf_clear(&r->to);
    cu_buf_put_slice(&r->to, partition);
    r->bounded = partition.len > 0 && cu_key_after_prefix(&r->to);
}

bool cu_over_row_parse(cu_slice key, cu_slice value, cu_over_row *out)
{
    cu_scan s = cu_scan_of(value);
    uint8_t version = cu_scan_u8(&s);
    uint64_t status = cu_scan_u8(&s), order = cu_scan_varint(&s);
    *out = (cu_over_row){.key = key, .status = (uint8_t)status};
    out->shown = cu_scan_lslice(&s);
    out->state = cu_scan_bytes(&s, cu_scan_left(&s));
    if (s.bad || version != 1 || order + sizeof(uint32_t) > key.len)
        return false;
    out->order = cu_slice_n(key.data, order);
    out->bytes = cu_slice_n(key.data + order,
                            key.len - order - sizeof(uint32_t));
    return true;
}

static cu_over_chunk *chunk_new(cu_over_rows *r)
{
    cu_over_chunk *c = r->spare;
    if (c) {
        r->spare = c->next;
        cu_arena_reset(c->arena);
    } else {
        c = cu_calloc(1, sizeof(*c));
        c->arena = cu_arena_new(0);
    }
    c->next = NULL;
    c->end = r->next;
    c->batch = cu_batch_new(c->arena, r->op->node->inputs[0]->schema,
                            CU_OVER_CHUNK);
    if (r->tail)
        r->tail->next = c;
    else
        r->head = c;
    r->tail = c;
    return c;
}

static void grow(cu_over_rows *r)
{
    size_t old = r->mask + 1, mask = old * 2 - 1;
    cu_over_row *ring = cu_calloc(old * 2, sizeof(*ring));
    for (int64_t i = r->first; i < r->next; i++)
        ring[(size_t)i & mask] = r->ring[(size_t)i & r->mask];
    cu_free(r->ring);
    r->ring = ring;
    r->mask = mask;
}

static int take(cu_over_rows *r, cu_slice key, cu_slice value, cu_err *err)
{
    cu_over_chunk *c = r->tail;
    if (!c || c->batch->n_rows == c->batch->capacity)
        c = chunk_new(r);
    if ((size_t)(r->next - r->first) > r->mask)
        grow(r);
    cu_over_row *row = &r->ring[(size_t)r->next & r->mask];
    key = cu_arena_slice(c->arena, key);
    value = cu_arena_slice(c->arena, value);
    if (!cu_over_row_parse(key, value, row))
        return cu_fail(err, CU_CORRUPT, 0,
                       "over (node %u): a row's state does not check out",
                       r->op->node->id);
    row->chunk = c;
    row->at = c->batch->n_rows;
    row->group = 0;
    if (r->next > r->first) {
        const cu_over_row *last = cu_over_rows_get(r, r->next - 1);
        row->group = last->group + !cu_slice_eq(last->order, row->order);
    }
    int rc = cu_row_decode(row->bytes, c->batch, 1, false, err);
    c->end = ++r->next;
    r->read++;
    return rc;
}

int cu_over_rows_at(cu_over_rows *r, int64_t i, cu_over_row **out, cu_err *err)
{
    cu_slice key, value;
    int rc = 0;
    *out = NULL;
    CU_ASSERT(i >= r->first);
    while (i >= r->next && !r->done && !rc) {
        if (!r->iter)
            rc = cu_table_scan(r->table, cu_buf_slice(&r->from),
                               r->bounded ? cu_buf_slice(&r->to)
                                          : CU_NULL_SLICE,
                               false, &r->iter, err);
        if (rc)
            return rc;
        if (cu_table_iter_next(r->iter, &key, &value)) {
            rc = take(r, key, value, err);
        } else {
            r->done = true;
            rc = cu_over_rows_pause(r, err);
        }
    }
    if (!rc && i < r->next)
        *out = cu_over_rows_get(r, i);
    return rc;
}

int cu_over_rows_pause(cu_over_rows *r, cu_err *err)
{
    cu_table_iter *iter = r->iter;
    if (!iter)
        return 0;
    r->iter = NULL;
    if (r->next > r->first) {
        cu_buf_clear(&r->from);
        cu_buf_put_slice(&r->from, cu_over_rows_get(r, r->next - 1)->key);
        cu_buf_put_u8(&r->from, 0);
    }
    return cu_table_iter_close(iter, err);
}

void cu_over_rows_drop(cu_over_rows *r, int64_t i)
{
    if (i > r->next)
        i = r->next;
    if (i > r->first)
        r->first = i;
    while (r->head && r->head->end <= r->first &&
           (r->head != r->tail ||
            r->head->batch->n_rows == r->head->batch->capacity)) {
        cu_over_chunk *c = r->head;
        r->head = c->next;
        if (!r->head)
            r->tail = NULL;
        c->next = r->spare;
        r->spare = c;
    }
}
