/* Framing: the first bytes choose framing, limit and cuts; the records must
 * not depend on the cuts, and must be parts of the source in order. */
#include "tests/fuzz/fuzz.h"

static void frames(cu_framing framing, size_t max, cu_slice source, size_t step,
                   cu_buf *out)
{
    cu_framer *f = cu_framer_new(framing, false, 0, 1, max);
    cu_frame frame;
    int64_t last = 0;
    for (size_t at = 0;; at += step) {
        size_t n = source.len - at < step ? source.len - at : step;
        bool end = at + n == source.len;
        cu_framer_feed(f, cu_slice_n(source.data + at, n), end);
        while (cu_framer_next(f, &frame)) {
            CU_ASSERT(frame.offset >= last);
            CU_ASSERT(frame.bytes.len <= max);
            CU_ASSERT(!memcmp(source.data + frame.offset, frame.bytes.data,
                              frame.bytes.len));
            last = frame.offset + (int64_t)frame.bytes.len;
            CU_ASSERT(last <= (int64_t)source.len);
            cu_buf_put_svarint(out, frame.offset);
            cu_buf_put_svarint(out, frame.line);
            cu_buf_put_lslice(out, frame.bytes);
        }
        if (end)
            break;
    }
    cu_buf_put_svarint(out, cu_framer_position(f));
    cu_buf_put_svarint(out, cu_framer_line(f));
    cu_framer_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    cu_buf whole = {0}, cut = {0};
    cu_slice source = cu_slice_n(data + 3, size - 3);
    cu_framing framing = (cu_framing)(data[0] % 4);
    size_t max = 1 + data[1] * 4u;
    frames(framing, max, source, source.len + 1, &whole);
    frames(framing, max, source, 1 + data[2] % 16, &cut);
    CU_ASSERT(cu_slice_eq(cu_buf_slice(&whole), cu_buf_slice(&cut)));
    cu_buf_free(&whole);
    cu_buf_free(&cut);
    return 0;
}
