/* Framing: the bytes of a file or body -> records.
 *
 *     buf   |  handed out  |  record at hand  ...  | not looked at |
 *           base           start                   scan
 *
 * Each framing is a state machine that looks at every byte once, keeps its
 * state between feeds and never looks ahead, so that the records do not
 * depend on how the bytes were cut into feeds.  Only a broken record makes it
 * step back, to the `resync` point noted on the way: the next place that
 * looks like the start of a record.
 *
 * R1  Frames are in order and do not overlap.
 * R2  A frame's bytes are source[offset .. offset + len).
 * R3  Starting anew at (position, line) gives the frames that would have
 *     come (in JSON: unless it breaks, and starts in the middle of a line).
 * R4  At most max_bytes of a record are kept, plus one feed.  Of a larger
 *     one the first max_bytes are handed out when its end was seen.
 */
#include "schemas/frame.h"
#include "base/alloc.h"
#include "base/assert.h"

cu_framer *cu_framer_new(cu_framing framing, bool csv_headerless,
                         int64_t position, int64_t line, size_t max_bytes)
{
    CU_ASSERT(position >= 0);
    CU_ASSERT(max_bytes > 0);
    cu_framer *f = cu_calloc(1, sizeof(*f));
    f->framing = framing;
    /* In the middle of a file no record is the header. */
    f->headerless = csv_headerless || position > 0;
    f->delimiter = ',';
    f->max_bytes = max_bytes;
    f->base = f->position = position;
    f->line = f->position_line = line;
    f->bom_checked = position > 0 || framing == CU_FRAME_WHOLE;
    f->json.line_at = position;
    f->json.line_start = true;
    return f;
}

void cu_framer_free(cu_framer *f)
{
    if (!f)
        return;
    cu_buf_free(&f->buf);
    cu_buf_free(&f->cut);
    cu_buf_free(&f->header);
    cu_free(f);
}

void cu_framer_set_delimiter(cu_framer *f, char delimiter)
{
    f->delimiter = delimiter ? delimiter : ',';
}

void cu_framer_set_header(cu_framer *f, cu_slice header)
{
    cu_buf_clear(&f->header);
    cu_buf_put_slice(&f->header, header);
    f->has_header = true;
}

cu_slice cu_framer_header(const cu_framer *f)
{
    return f->has_header ? cu_buf_slice(&f->header) : CU_NULL_SLICE;
}

int64_t cu_framer_position(const cu_framer *f)
{
    return f->position;
}

int64_t cu_framer_line(const cu_framer *f)
{
    return f->position_line;
}

/* Drops what nobody needs any more; R4. */
static void compact(cu_framer *f)
{
    if (f->in_record && !f->cutting && f->scan - f->start > f->max_bytes) {
        cu_buf_clear(&f->cut);
        cu_buf_put(&f->cut, f->buf.data + f->start, f->max_bytes);
        f->cutting = true;
    }
    size_t drop = f->in_record && !f->cutting ? f->start : f->scan;
    if (!drop)
        return;
    memmove(f->buf.data, f->buf.data + drop, f->buf.len - drop);
    f->buf.len -= drop;
    f->base += (int64_t)drop;
    f->scan -= drop;
    f->start = f->cutting ? 0 : f->start - drop;
}

void cu_framer_feed(cu_framer *f, cu_slice bytes, bool end)
{
    CU_ASSERT(!f->end);
    compact(f);
    cu_buf_put_slice(&f->buf, bytes);
    f->end = end;
}

void cu_frame_begin(cu_framer *f)
{
    f->in_record = true;
    f->cutting = false;
    f->start = f->scan;
    f->start_at = cu_frame_at(f);
    f->start_line = f->line;
    f->resync.set = false;
}

cu_slice cu_frame_bytes(const cu_framer *f, int64_t end, bool *cut)
{
    size_t len = (size_t)(end - f->start_at);
    *cut = len > f->max_bytes;
    const char *p = f->cutting ? f->cut.data : f->buf.data + f->start;
    return cu_slice_n(p, *cut ? f->max_bytes : len);
}

void cu_frame_emit(cu_framer *f, cu_slice bytes, int64_t next,
                   int64_t next_line, cu_frame *out)
{
    CU_ASSERT(next >= f->base); /* R1 */
    out->bytes = bytes;
    out->offset = f->start_at;
    out->line = f->start_line;
    f->scan = (size_t)(next - f->base);
    f->line = next_line;
    f->in_record = false;
    f->resync.set = false;
    f->position = next;
    f->position_line = next_line;
}

/* The line ends at `end`, without its CR. */
static bool emit_line(cu_framer *f, int64_t end, int64_t next, int64_t line,
                      cu_frame *out)
{
    bool cut;
    cu_slice s = cu_frame_bytes(f, end, &cut);
    if (!cut && next > end && s.len && s.data[s.len - 1] == '\r')
        s.len--;
    cu_frame_emit(f, s, next, line, out);
    return true;
}

static bool next_line(cu_framer *f, cu_frame *out)
{
    if (!f->in_record && f->scan < f->buf.len)
        cu_frame_begin(f);
    const char *from = f->buf.data + f->scan, *lf = NULL;
    size_t left = f->buf.len - f->scan;
    if (left)
        lf = memchr(from, '\n', left);
    f->scan += lf ? (size_t)(lf - from) : left;
    int64_t at = cu_frame_at(f);
    if (lf)
        return emit_line(f, at, at + 1, f->line + 1, out);
    return f->end && f->in_record && emit_line(f, at, at, f->line, out);
}

static bool next_whole(cu_framer *f, cu_frame *out)
{
    if (!f->in_record && f->scan < f->buf.len)
        cu_frame_begin(f);
    for (; f->scan < f->buf.len; f->scan++)
        f->line += f->buf.data[f->scan] == '\n';
    if (!f->end || !f->in_record)
        return false;
    bool cut;
    cu_slice all = cu_frame_bytes(f, cu_frame_at(f), &cut);
    cu_frame_emit(f, all, cu_frame_at(f), f->line, out);
    return true;
}

/* Steps over a byte order mark; false while too little is there to tell. */
static bool check_bom(cu_framer *f)
{
    static const char bom[] = "\xEF\xBB\xBF";
    size_t n = f->buf.len < 3 ? f->buf.len : 3;
    if (n && memcmp(f->buf.data, bom, n) == 0) {
        if (n < 3)
            return f->end; /* else more may come */
        f->scan = 3;
        f->json.line_at = 3;
    } else if (!n && !f->end) {
        return false;
    }
    f->bom_checked = true;
    return true;
}

bool cu_framer_next(cu_framer *f, cu_frame *out)
{
    if (!f->bom_checked && !check_bom(f))
        return false;
    switch (f->framing) {
    case CU_FRAME_LINES:
        return next_line(f, out);
    case CU_FRAME_JSON:
        return cu_frame_next_json(f, out);
    case CU_FRAME_CSV:
        return cu_frame_next_csv(f, out);
    case CU_FRAME_WHOLE:
        return next_whole(f, out);
    }
    return false;
}
