/* Progress: what a stage has applied, as bytes.
 *
 *   u8 3 | u64le plan hash | varint sequence | svarint clock_us
 *   | lslice instance | lslice txn_id | varint n_inputs
 *   | n x { lslice topic | svarint partition | svarint next
 *           | svarint watermark_us | svarint max_ts_us
 *           | varint n_upstream | n x { svarint watermark_us | u8 idle }
 *           | svarint from | svarint judged }
 *   | varint n_marks | n x svarint watermark_us
 *   | u8 phase | u8 generation | u8 shown | u8 used
 *
 * Version 1 had neither upstream nor marks, version 2 not what a rebuild
 * needs.
 *
 * It is the value of the changelog's progress record and stands, behind the
 * position, in the kv (space.c).  The bytes come from the log: nothing in
 * them is trusted.
 */
#include "state/int.h"

enum { PROGRESS_VERSION = 3, MIN_INPUT_BYTES = 5 };

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
        cu_buf_put_varint(out, in->n_upstream);
        for (uint32_t k = 0; k < in->n_upstream; k++) {
            cu_buf_put_svarint(out, in->upstream[k].watermark_us);
            cu_buf_put_u8(out, in->upstream[k].idle);
        }
        cu_buf_put_svarint(out, in->from);
        cu_buf_put_svarint(out, in->judged);
    }
    cu_buf_put_varint(out, p->n_marks);
    for (uint32_t i = 0; i < p->n_marks; i++)
        cu_buf_put_svarint(out, p->marks[i]);
    cu_buf_put_u8(out, (uint8_t)p->rebuild.phase);
    cu_buf_put_u8(out, p->rebuild.generation);
    cu_buf_put_u8(out, p->rebuild.shown);
    cu_buf_put_u8(out, p->rebuild.used);
}

static const char *string_of(cu_scan *s, cu_arena *a)
{
    cu_slice v = cu_scan_lslice(s);
    return v.data ? cu_arena_strn(a, v.data, v.len) : NULL;
}

/* How many of `min` bytes each follow; 0 and bad when they cannot. */
static uint32_t count_of(cu_scan *s, size_t min)
{
    uint64_t n = cu_scan_varint(s);
    if (s->bad || n > cu_scan_left(s) / min) {
        s->bad = true;
        return 0;
    }
    return (uint32_t)n;
}

static void decode_input(cu_scan *s, uint8_t version, cu_arena *a,
                         cu_input_progress *in)
{
    in->part.topic = string_of(s, a);
    int64_t partition = cu_scan_svarint(s);
    in->part.partition = (int32_t)partition;
    in->next = cu_scan_svarint(s);
    in->watermark_us = cu_scan_svarint(s);
    in->max_ts_us = cu_scan_svarint(s);
    if (partition != in->part.partition || !in->part.topic)
        s->bad = true;
    in->from = CU_NO_OFFSET;
    if (version == 1)
        return;
    in->n_upstream = count_of(s, 2);
    in->upstream = cu_arena_calloc(a, in->n_upstream, sizeof(*in->upstream));
    for (uint32_t k = 0; k < in->n_upstream; k++) {
        in->upstream[k].watermark_us = cu_scan_svarint(s);
        in->upstream[k].idle = cu_scan_u8(s) != 0;
    }
    if (version == 2)
        return;
    in->from = cu_scan_svarint(s);
    in->judged = cu_scan_svarint(s);
}

static void decode_rebuild(cu_scan *s, cu_rebuild *r)
{
    r->phase = (cu_rebuild_phase)cu_scan_u8(s);
    r->generation = cu_scan_u8(s);
    r->shown = cu_scan_u8(s);
    r->used = cu_scan_u8(s);
    if (r->phase > CU_REBUILD_MOVED || r->generation >= CU_GENERATIONS ||
        r->shown >= CU_GENERATIONS)
        s->bad = true;
}

int cu_progress_decode(cu_slice bytes, cu_arena *a, cu_progress *out,
                       cu_err *err)
{
    cu_scan s = cu_scan_of(bytes);
    uint8_t version = cu_scan_u8(&s);
    if (s.bad || version < 1 || version > PROGRESS_VERSION)
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
    out->n_inputs = count_of(&s, MIN_INPUT_BYTES);
    if (s.bad)
        return cu_fail(err, CU_CORRUPT, 0, "progress record is cut short");
    out->inputs = cu_arena_calloc(a, out->n_inputs, sizeof(*out->inputs));
    for (uint32_t i = 0; i < out->n_inputs; i++)
        decode_input(&s, version, a, &out->inputs[i]);
    if (version > 1)
        out->n_marks = count_of(&s, 1);
    out->marks = cu_arena_calloc(a, out->n_marks, sizeof(*out->marks));
    for (uint32_t i = 0; i < out->n_marks; i++)
        out->marks[i] = cu_scan_svarint(&s);
    if (version > 2)
        decode_rebuild(&s, &out->rebuild);
    if (s.bad || cu_scan_left(&s))
        return cu_fail(err, CU_CORRUPT, 0,
                       "progress record does not end where it should");
    return 0;
}
