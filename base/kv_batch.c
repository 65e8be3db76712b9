/* Batches of the kv door: bytes that can be copied, counted and shipped.
 *
 *     op  = 1 | varint klen | key | varint vlen | value      put
 *         | 2 | varint klen | key                            delete
 */
#include "base/kv.h"

#include "base/assert.h"
#include "base/int.h"

enum { OP_PUT = 1, OP_DELETE = 2 };

static void put_key(cu_kv_batch *b, uint8_t op, cu_slice key)
{
    CU_ASSERT(key.data || key.len == 0);
    cu_buf_put_u8(&b->ops, op);
    cu_buf_put_varint(&b->ops, key.len);
    cu_buf_put_slice(&b->ops, key);
    b->n_ops++;
}

void cu_kv_batch_put(cu_kv_batch *b, cu_slice key, cu_slice value)
{
    put_key(b, OP_PUT, key);
    cu_buf_put_varint(&b->ops, value.len);
    cu_buf_put_slice(&b->ops, value);
}

void cu_kv_batch_del(cu_kv_batch *b, cu_slice key)
{
    put_key(b, OP_DELETE, key);
}

void cu_kv_batch_add(cu_kv_batch *b, const cu_kv_batch *more)
{
    cu_buf_put(&b->ops, more->ops.data, more->ops.len);
    b->n_ops += more->n_ops;
}

void cu_kv_batch_clear(cu_kv_batch *b)
{
    cu_buf_clear(&b->ops);
    b->n_ops = 0;
}

void cu_kv_batch_free(cu_kv_batch *b)
{
    cu_buf_free(&b->ops);
    b->n_ops = 0;
}

bool cu_kv_batch_next(const cu_kv_batch *b, size_t *at, cu_slice *key,
                      cu_slice *value)
{
    if (*at >= b->ops.len)
        return false;
    cu_scan s = cu_scan_of(cu_slice_n(b->ops.data + *at, b->ops.len - *at));
    uint8_t op = cu_scan_u8(&s);
    *key = cu_scan_bytes(&s, cu_scan_varint(&s));
    *value = CU_NULL_SLICE;
    if (op == OP_PUT)
        *value = cu_scan_bytes(&s, cu_scan_varint(&s));
    else if (op != OP_DELETE)
        s.bad = true;
    if (s.bad) {
        *at = b->ops.len;
        return false;
    }
    *at = b->ops.len - cu_scan_left(&s);
    return true;
}

int cu_kv_batch_damaged(const cu_kv_batch *b, size_t n, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "a batch of %zu operations breaks off after %zu (%zu "
                   "bytes); nothing was written",
                   b->n_ops, n, b->ops.len);
}
