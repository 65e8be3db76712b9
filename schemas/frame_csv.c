/* CSV records: lines, except inside quotes.
 *
 *     CELL  --"-->  QUOTED  --"-->  QUOTE  --"-->  QUOTED
 *       |                             |-- delimiter --> CELL
 *       \-- other --> PLAIN           |-- CR --> QUOTE_CR -- LF --> end
 *                     delimiter       \-- other --> malformed
 *
 * A quote that is never closed would swallow the rest of the file, and the
 * next quoted field would close it in the middle of nowhere.  So a record
 * that spans lines and goes wrong (text after a closing quote, no end, too
 * large) is cut behind its first line: that line becomes one dead letter
 * and its neighbours are read.  Blank lines are no records.
 */
#include "schemas/frame.h"

enum { CELL, PLAIN, QUOTED, QUOTE, QUOTE_CR, MALFORMED };

/* The record ends at `end`; false: it was blank, or the header. */
static bool end_line(cu_framer *f, int64_t end, int64_t next, int64_t line,
                     cu_frame *out)
{
    bool cut;
    cu_slice s = cu_frame_bytes(f, end, &cut);
    if (!cut && next > end && s.len && s.data[s.len - 1] == '\r')
        s.len--;
    cu_frame_emit(f, s, next, line, out);
    f->csv_state = CELL;
    if (!s.len)
        return false;
    if (f->headerless || f->has_header)
        return true;
    cu_framer_set_header(f, s);
    return false;
}

static bool resync(cu_framer *f, cu_frame *out)
{
    return end_line(f, f->resync.end, f->resync.next, f->resync.next_line, out);
}

static uint8_t step(const cu_framer *f, char ch)
{
    switch (f->csv_state) {
    case CELL:
        return ch == '"' ? QUOTED : ch == f->delimiter ? CELL : PLAIN;
    case PLAIN:
        return ch == f->delimiter ? CELL : PLAIN;
    case QUOTED:
        return ch == '"' ? QUOTE : QUOTED;
    case QUOTE:
        return ch == '"'            ? QUOTED
               : ch == f->delimiter ? CELL
               : ch == '\r'         ? QUOTE_CR
                                    : MALFORMED;
    default:
        return MALFORMED;
    }
}

/* Looks at one byte; true when a record ended (in *out when *given). */
static bool look(cu_framer *f, cu_frame *out, bool *given)
{
    int64_t at = cu_frame_at(f);
    char ch = f->buf.data[f->scan++];
    if (ch == '\n' && f->csv_state != QUOTED) {
        *given = end_line(f, at, at + 1, f->line + 1, out);
        return true;
    }
    if (ch == '\n') {
        f->line++;
        if (!f->resync.set)
            f->resync = (cu_resync){true, at, at + 1, f->line};
    } else {
        f->csv_state = step(f, ch);
    }
    if (f->resync.set && (f->csv_state == MALFORMED || cu_frame_large(f))) {
        *given = resync(f, out);
        return true;
    }
    return false;
}

bool cu_frame_next_csv(cu_framer *f, cu_frame *out)
{
    bool given = false;
    for (;;) {
        while (f->scan < f->buf.len) {
            if (!f->in_record)
                cu_frame_begin(f);
            if (look(f, out, &given) && given)
                return true;
        }
        if (!f->end || !f->in_record)
            return false;
        /* The last line has no line feed, or a quote has no end. */
        int64_t at = cu_frame_at(f);
        given = f->csv_state == QUOTED && f->resync.set
                    ? resync(f, out)
                    : end_line(f, at, at, f->line, out);
        if (given)
            return true;
    }
}
