/* JSON records: values one after the other, however they are wrapped.
 *
 *     lines            {"a":1}            [            pretty-printed array
 *     {"a":1}                               {
 *     {"a":2}          [{"a":1},              "a": 1
 *                      {"a":2},             },
 *                      ]   or no ]        ]
 *
 * Between records, blanks, `,`, `]` and a `[` before an object are nobody's.
 * A record starts with `{` (or is an array of something else); whatever
 * else stands there (NaN, a leftover brace) is a record up to the end of its
 * line, for the decoder to refuse.
 *
 *     BETWEEN --{--> INSIDE --last }--> END --line end , ] { [--> record
 *        |              |                \--other--> REST (to the line's end)
 *        |--[--> BRACKET -- { ] line end --> BETWEEN, else INSIDE
 *        \--other--> BARE
 *
 * INSIDE follows strings and brackets only; the decoder judges the rest.
 * It is broken when a string meets a line end, brackets do not match, or a
 * value opens where none can stand.  Then reading goes on
 *   - at the first line inside it that starts with `{`, no further right
 *     than the record itself, if there was one; else
 *   - if the record is on one line: behind that line (REST); else
 *   - SEEK: behind the next line that starts with its `}`, or before the
 *     next that starts with `{` or `]`, again no further right.
 */
#include "schemas/frame.h"

enum {
    BETWEEN,
    BRACKET,
    BARE,
    BARE_COMMA,
    INSIDE,
    STRING,
    ESCAPE,
    END,
    REST,
    SEEK
};

static bool is_blank(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r';
}

/* Without blanks and one comma at the end. */
static cu_slice trim_end(cu_slice s)
{
    bool comma = false;
    while (s.len > 1) {
        char ch = s.data[s.len - 1];
        if (ch == ',' && !comma)
            comma = true;
        else if (!is_blank(ch) && ch != '\n')
            break;
        s.len--;
    }
    return s;
}

static bool emit(cu_framer *f, int64_t end, int64_t next, int64_t line,
                 cu_frame *out)
{
    bool cut;
    cu_slice s = cu_frame_bytes(f, end, &cut);
    f->json.state = BETWEEN;
    f->json.line_start = false;
    cu_frame_emit(f, cut ? s : trim_end(s), next, line, out);
    return true;
}

static bool emit_resync(cu_framer *f, cu_frame *out)
{
    cu_resync r = f->resync;
    f->json.line_at = r.next;
    return emit(f, r.end, r.next, r.next_line, out);
}

/* A line feed at scan was looked at. */
static void new_line(cu_framer *f)
{
    f->line++;
    f->json.line_start = true;
    f->json.line_at = cu_frame_at(f) + 1;
}

static int64_t column(const cu_framer *f)
{
    return cu_frame_at(f) - f->json.line_at;
}

static void begin(cu_framer *f, uint8_t state)
{
    cu_json_frame *j = &f->json;
    cu_frame_begin(f);
    j->state = state;
    j->depth = 0;
    j->after_value = j->colon = j->several = false;
    j->column = column(f);
    j->line_start = false;
}

/* --- inside --------------------------------------------------------------- */

static bool in_object(const cu_json_frame *j)
{
    uint32_t d = j->depth - 1;
    return j->kinds[d >> 6] >> (d & 63) & 1;
}

/* False: nothing may open here. */
static bool open_bracket(cu_json_frame *j, bool object)
{
    if (j->depth && (j->after_value || (in_object(j) && !j->colon)))
        return false;
    if (j->depth == CU_FRAME_DEPTH)
        return false;
    uint32_t d = j->depth++;
    uint64_t bit = UINT64_C(1) << (d & 63);
    if (object)
        j->kinds[d >> 6] |= bit;
    else
        j->kinds[d >> 6] &= ~bit;
    j->after_value = j->colon = false;
    return true;
}

static bool close_bracket(cu_json_frame *j, bool object)
{
    if (in_object(j) != object)
        return false;
    j->depth--;
    j->after_value = true;
    j->colon = false;
    return true;
}

/* The byte at scan shows that the record is broken.  It stays unread. */
static bool broken(cu_framer *f, cu_frame *out)
{
    cu_json_frame *j = &f->json;
    if (f->resync.set)
        return emit_resync(f, out);
    j->state = j->several ? SEEK : REST;
    return false;
}

/* The first byte of a line inside a record. */
static void note_resync(cu_framer *f, char ch)
{
    cu_json_frame *j = &f->json;
    j->line_start = false;
    if (ch != '{' || f->resync.set || column(f) > j->column)
        return;
    if (!cu_frame_large(f))
        f->resync = (cu_resync){true, j->line_at, j->line_at, f->line};
}

static bool inside(cu_framer *f, char ch, cu_frame *out)
{
    cu_json_frame *j = &f->json;
    bool good = true;
    if (j->line_start && !is_blank(ch) && ch != '\n') {
        note_resync(f, ch);
        j->line_start = ch == '}' || ch == ']'; /* for SEEK */
    }
    switch (ch) {
    case '{':
    case '[':
        good = open_bracket(j, ch == '{');
        break;
    case '}':
    case ']':
        good = close_bracket(j, ch == '}');
        break;
    case '"':
        j->state = STRING;
        break;
    case ',':
        j->after_value = j->colon = false;
        break;
    case ':':
        j->colon = true;
        j->after_value = false;
        break;
    case '\n':
        new_line(f);
        j->several = true;
        break;
    case ' ':
    case '\t':
    case '\r':
        break;
    default:
        j->after_value = true;
        j->colon = false;
        break;
    }
    if (!good)
        return broken(f, out);
    if (ch != '\n')
        j->line_start = j->line_start && is_blank(ch);
    f->scan++;
    if (!j->depth) {
        j->state = END;
        j->mark = cu_frame_at(f);
    }
    return false;
}

static bool string(cu_framer *f, char ch, cu_frame *out)
{
    cu_json_frame *j = &f->json;
    if (ch == '\n')
        return broken(f, out);
    f->scan++;
    if (j->state == ESCAPE) {
        j->state = STRING;
    } else if (ch == '\\') {
        j->state = ESCAPE;
    } else if (ch == '"') {
        j->state = INSIDE;
        j->after_value = true;
        j->colon = false;
    }
    if (j->state != STRING)
        return false;
    const char *p = f->buf.data;
    while (f->scan < f->buf.len && p[f->scan] != '"' && p[f->scan] != '\\' &&
           p[f->scan] != '\n')
        f->scan++;
    return false;
}

/* --- around --------------------------------------------------------------- */

/* Looks for the end of a broken record of several lines. */
static bool seek(cu_framer *f, char ch, cu_frame *out)
{
    cu_json_frame *j = &f->json;
    if (ch == '\n') {
        new_line(f);
        f->scan++;
        return false;
    }
    if (!j->line_start || is_blank(ch)) {
        f->scan++;
        return false;
    }
    j->line_start = false;
    if (column(f) > j->column || (ch != '{' && ch != '}' && ch != ']')) {
        f->scan++;
        return false;
    }
    int64_t at = cu_frame_at(f);
    return ch == '}' ? emit(f, at + 1, at + 1, f->line, out)
                     : emit(f, j->line_at, at, f->line, out);
}

/* Behind the last bracket, on its line. */
static bool end(cu_framer *f, char ch, cu_frame *out)
{
    if (is_blank(ch)) {
        f->scan++;
        return false;
    }
    if (!strchr("\n,]{[", ch) || !ch) {
        f->json.state = REST;
        return false;
    }
    return emit(f, f->json.mark, cu_frame_at(f), f->line, out);
}

/* No object: up to the end of the line, or to a comma that something
 * follows. */
static bool bare(cu_framer *f, char ch, cu_frame *out)
{
    cu_json_frame *j = &f->json;
    int64_t at = cu_frame_at(f);
    if (ch == '\n')
        return emit(f, at, at, f->line, out);
    if (j->state == BARE_COMMA && (ch == '{' || ch == '['))
        return emit(f, j->mark, at, f->line, out);
    if (ch == ',' && j->state == BARE)
        j->mark = at;
    if (ch == ',')
        j->state = BARE_COMMA;
    else if (!is_blank(ch))
        j->state = BARE;
    f->scan++;
    return false;
}

/* Behind a `[` that may be the array around the records. */
static void bracket(cu_framer *f, char ch)
{
    cu_json_frame *j = &f->json;
    if (is_blank(ch)) {
        f->scan++;
        return;
    }
    if (strchr("{],\n", ch) && ch) {
        f->in_record = false;
        j->state = BETWEEN;
        return;
    }
    open_bracket(j, false); /* an array that is a record */
    j->state = INSIDE;
}

static void between(cu_framer *f, char ch)
{
    if (ch == '\n') {
        new_line(f);
        f->scan++;
    } else if (is_blank(ch) || ch == ',' || ch == ']') {
        f->scan++;
    } else if (ch == '[') {
        begin(f, BRACKET);
        f->scan++;
    } else {
        begin(f, ch == '{' ? INSIDE : BARE);
    }
}

static bool look(cu_framer *f, cu_frame *out)
{
    char ch = f->buf.data[f->scan];
    switch (f->json.state) {
    case BETWEEN:
        between(f, ch);
        return false;
    case BRACKET:
        bracket(f, ch);
        return false;
    case BARE:
    case BARE_COMMA:
        return bare(f, ch, out);
    case INSIDE:
        return inside(f, ch, out);
    case STRING:
    case ESCAPE:
        return string(f, ch, out);
    case END:
        return end(f, ch, out);
    case SEEK:
        return seek(f, ch, out);
    default: /* REST */
        if (ch == '\n')
            return emit(f, cu_frame_at(f), cu_frame_at(f), f->line, out);
        f->scan++;
        return false;
    }
}

static bool in_text(const cu_framer *f)
{
    return f->in_record && f->json.state >= INSIDE && f->json.state <= ESCAPE;
}

/* No more bytes will come. */
static bool flush(cu_framer *f, cu_frame *out)
{
    uint8_t state = f->json.state;
    int64_t at = cu_frame_at(f);
    if (state == BRACKET)
        f->in_record = false;
    if (!f->in_record)
        return false;
    if (in_text(f) && f->resync.set)
        return emit_resync(f, out);
    if (state == END || state == BARE_COMMA)
        return emit(f, f->json.mark, at, f->line, out);
    return emit(f, at, at, f->line, out);
}

bool cu_frame_next_json(cu_framer *f, cu_frame *out)
{
    while (f->scan < f->buf.len) {
        if (look(f, out))
            return true;
        if (in_text(f) && f->resync.set && cu_frame_large(f))
            return emit_resync(f, out);
    }
    return f->end && flush(f, out);
}
