/* Progress: what a stage has applied, as bytes.
 *
 *   u8 1 | u64le plan hash | varint sequence | svarint clock_us
 *   | lslice instance | lslice txn_id | varint n_inputs
 *   | n x { lslice topic | svarint partition | svarint next
 *           | svarint watermark_us | svarint max_ts_us }
 *
 * It is the value of the changelog's progress record and stands, behind the
 * position, in the kv (space.c).  The bytes come from the log: nothing in
 * them is trusted.
 */
#include "state/int.h"

enum { PROGRESS_VERSION = 1, MIN_INPUT_BYTES = 5 };

void cu_progress_encode(const cu_progress *p, cu_buf *out)
{
    cu_buf_put_u8(out, PROGRESS_VERSION);
    cu_buf_put_u64le(out, p->plan_hash);
    cu_buf_put_varint(out, p->sequence);
    cu_buf_put_svarint(out, p->clock_us);
    cu_buf_put_lslice(out, cu_slice_of(p->instance));
    cu_buf_put_lslice(out, cu_slice_of(p->txn_id));
    cu_buf_put_varint(out, p->n_inputs);
    for (uint32_t i = 0; i < p->n_inputs; i++) {
        const cu_input_progress *in = &p->inputs[i];
        cu_buf_put_lslice(out, cu_slice_of(in->part.topic));
        cu_buf_put_svarint(out, in->part.partition);
        cu_buf_put_svarint(out, in->next);
        cu_buf_put_svarint(out, in->watermark_us);
        cu_buf_put_svarint(out, in->max_ts_us);
    }
}

static const char *string_of(cu_scan *s, cu_arena *a)
{
    cu_slice v = cu_scan_lslice(s);
    return v.data ? cu_arena_strn(a, v.data, v.len) : NULL;
}

int cu_progress_decode(cu_slice bytes, cu_arena *a, cu_progress *out,
                       cu_err *err)
{
    cu_scan s = cu_scan_of(bytes);
    uint8_t version = cu_scan_u8(&s);
    if (s.bad || version != PROGRESS_VERSION)
        return cu_fail(err, CU_CORRUPT, 0,
                       "progress record has format %u, expected %d: it was "
                       "written by another version of cupel",
                       version, PROGRESS_VERSION);
    *out = (cu_progress){0};
    out->plan_hash = cu_scan_u64le(&s);
    out->sequence = cu_scan_varint(&s);
    out->clock_us = cu_scan_svarint(&s);
    out->instance = string_of(&s, a);
    out->txn_id = string_of(&s, a);
    uint64_t n = cu_scan_varint(&s);
    if (s.bad || n > cu_scan_left(&s) / MIN_INPUT_BYTES)
        return cu_fail(err, CU_CORRUPT, 0, "progress record is cut short");
    out->n_inputs = (uint32_t)n;
    out->inputs = cu_arena_calloc(a, n, sizeof(*out->inputs));
    for (uint32_t i = 0; i < n; i++) {
        cu_input_progress *in = &out->inputs[i];
        in->part.topic = string_of(&s, a);
        int64_t partition = cu_scan_svarint(&s);
        in->part.partition = (int32_t)partition;
        in->next = cu_scan_svarint(&s);
        in->watermark_us = cu_scan_svarint(&s);
        in->max_ts_us = cu_scan_svarint(&s);
        if (partition != in->part.partition || !in->part.topic)
            s.bad = true;
    }
    if (s.bad || cu_scan_left(&s))
        return cu_fail(err, CU_CORRUPT, 0,
                       "progress record does not end where it should");
    return 0;
}
