/* Reads CSV records (RFC 4180).
 *
 *     record = cell *(delimiter cell)
 *     cell   = "" | bytes without quote, delimiter, CR, LF
 *                 | '"' *(any byte but '"' | '""') '"'
 *
 * An unquoted empty cell is NULL, `""` the empty string.  Which cell is
 * whose is read off the header line that travels with the record; all
 * records of a file carry the same bytes, so the last header is kept parsed
 * and recognised by comparison.
 *
 * One pass over the bytes marks what may end a cell, a bit each, and tells
 * whether all is ASCII; cells are then cut from mark to mark:
 *
 *     17,"a ""b c",x
 *     00110011000110      (the first byte is the lowest bit)
 *
 * C1  A record has as many cells as its header (or, by position, as the
 *     table has columns).
 * C2  All cells are checked, declared or not; the first fault ends it.
 * C3  A header that names a column twice gives its first cell.
 */
#include "schemas/csv.h"

#include "base/alloc.h"
#include "schemas/json_path.h"

#define STATE_COPY_FORMAT CU_SQLSTATE('2', '2', 'P', '0', '4')
#define STATE_NO_HEADER   CU_SQLSTATE('C', 'U', '0', '0', '2')

enum { NOBODY = -1 };

struct cu_csv {
    char delimiter;
    bool by_position;
    cu_slice *names; /* per column: its header name; absent: not from here */
    uint32_t n_cols;
    cu_buf header; /* the bytes that `owner` was made from */
    bool known;
    int32_t *owner; /* per cell: first column that takes it, or NOBODY */
    int32_t *next;  /* per column: the next that takes the same cell */
    uint32_t n_cells, cap_cells;
    uint64_t *marks; /* of the text at hand: quotes, delimiters, CR, LF */
    size_t cap_marks;
};

/* 'PurchaseID', '$.PurchaseID' and '$["PurchaseID"]' name the same cell. */
static int header_name(const cu_codec_field *f, cu_arena *a, cu_slice *out,
                       cu_err *err)
{
    *out = cu_slice_of(f->path ? f->path : f->name);
    if (!f->path || f->path[0] != '$' ||
        (f->path[1] != '.' && f->path[1] != '['))
        return 0;
    cu_path path;
    int rc = cu_path_parse(*out, a, &path, err);
    if (rc)
        return rc;
    if (path.n != 1 || !path.steps[0].name.data)
        return cu_fail(err, CU_USAGE, 0,
                       "path '%s': a CSV file has no nested values", f->path);
    *out = path.steps[0].name;
    return 0;
}

cu_csv *cu_csv_new(cu_decoder *d, char delimiter, bool by_position, cu_err *err)
{
    cu_csv *s = cu_calloc(1, sizeof(*s));
    s->delimiter = delimiter ? delimiter : ',';
    s->by_position = by_position;
    s->n_cols = d->n;
    s->names = cu_calloc(d->n, sizeof(*s->names));
    s->next = cu_calloc(d->n, sizeof(*s->next));
    for (uint32_t i = 0; i < d->n; i++) {
        s->names[i] = CU_NULL_SLICE;
        if (d->fields[i].from == CU_FROM_VALUE &&
            header_name(&d->fields[i], d->arena, &s->names[i], err)) {
            cu_csv_free(s);
            return NULL;
        }
    }
    return s;
}

void cu_csv_free(cu_csv *s)
{
    if (!s)
        return;
    cu_buf_free(&s->header);
    cu_free(s->names);
    cu_free(s->next);
    cu_free(s->owner);
    cu_free(s->marks);
    cu_free(s);
}

/* --- cells ---------------------------------------------------------------- */

/* Where a record is being split. */
typedef struct split {
    const char *p, *end;
    const char *base; /* marks[] begins here */
    const uint64_t *marks;
    char delimiter;
    const char *wrong; /* what is not well-formed */
    bool done;         /* the last cell was taken */
} split;

typedef unsigned char bytes16 __attribute__((vector_size(16)));

/* The top bits of sixteen bytes. */
static inline uint64_t top_bits(bytes16 v)
{
#ifdef __SSE2__
    typedef char signed16 __attribute__((vector_size(16)));
    return (uint64_t)(unsigned)__builtin_ia32_pmovmskb128((signed16)v);
#else
    uint64_t bits = 0;
    for (unsigned i = 0; i < 16; i++)
        bits |= (uint64_t)(v[i] >> 7) << i;
    return bits;
#endif
}

/* Marks of sixteen bytes; *odd collects what is no ASCII, or zero. */
static inline uint64_t marks_of(bytes16 v, unsigned char delimiter,
                                bytes16 *odd)
{
    bytes16 none = {0};
    *odd |= v | (bytes16)(v == none);
    return top_bits((bytes16)(v == none + delimiter) |
                    (bytes16)(v == none + (unsigned char)'"') |
                    (bytes16)(v == none + (unsigned char)'\n') |
                    (bytes16)(v == none + (unsigned char)'\r'));
}

/* Marks `text`; true when all of it is ASCII without zero bytes. */
static bool scan(cu_csv *s, cu_slice text)
{
    size_t words = text.len / 64 + 1, at = 0;
    unsigned char delimiter = (unsigned char)s->delimiter;
    bytes16 odd = {0}, v;
    if (words > s->cap_marks) {
        s->cap_marks = words + words / 2;
        s->marks = cu_realloc(s->marks, s->cap_marks * sizeof(*s->marks));
    }
    for (size_t w = 0; w < words; w++) {
        uint64_t bits = 0;
        for (unsigned shift = 0; shift < 64 && at < text.len; shift += 16) {
            size_t n = text.len - at;
            if (n >= 16) {
                memcpy(&v, text.data + at, 16);
            } else {
                memset(&v, ' ', 16);
                memcpy(&v, text.data + at, n);
            }
            bits |= marks_of(v, delimiter, &odd) << shift;
            at += 16;
        }
        s->marks[w] = bits;
    }
    return !top_bits(odd);
}

/* `line` is the text that was scanned, or a part of it. */
static split split_of(const cu_csv *s, cu_slice text, cu_slice line)
{
    return (split){.p = line.data,
                   .end = line.data + line.len,
                   .base = text.data,
                   .marks = s->marks,
                   .delimiter = s->delimiter};
}

/* The first mark from p on, or the end. */
static inline const char *find_mark(const split *s, const char *p)
{
    size_t at = (size_t)(p - s->base), end = (size_t)(s->end - s->base);
    if (at >= end)
        return s->end;
    size_t word = at >> 6;
    uint64_t bits = s->marks[word] & ~UINT64_C(0) << (at & 63);
    while (!bits) {
        if (++word << 6 >= end)
            return s->end;
        bits = s->marks[word];
    }
    at = (word << 6) + (size_t)__builtin_ctzll(bits);
    return at < end ? s->base + at : s->end;
}

/* The first quote from p on, or NULL. */
static inline const char *find_quote(const split *s, const char *p)
{
    for (; (p = find_mark(s, p)) < s->end; p++)
        if (*p == '"')
            return p;
    return NULL;
}

/* Moves behind the cell and its delimiter. */
static bool end_cell(split *s, const char *p)
{
    s->done = p == s->end;
    s->p = p + !s->done;
    return true;
}

/* `a`: NULL when nobody asks for the cell. */
static bool quoted_cell(split *s, cu_arena *a, cu_raw *out)
{
    const char *start = s->p + 1, *p = start;
    size_t doubled = 0;
    for (;;) {
        p = find_quote(s, p);
        if (!p) {
            s->wrong = "unterminated CSV quoted field";
            return false;
        }
        if (p + 1 == s->end || p[1] != '"')
            break;
        doubled++;
        p += 2;
    }
    if (p + 1 < s->end && p[1] != s->delimiter) {
        s->wrong = "text after the closing quote of a CSV field";
        return false;
    }
    size_t len = (size_t)(p - start);
    *out = (cu_raw){start, (uint32_t)len, CU_RAW_TEXT, 0};
    if (doubled && a) {
        char *to = cu_arena_alloc(a, len - doubled);
        out->p = to;
        out->len = (uint32_t)(len - doubled);
        for (const char *from = start; from < p;) {
            const char *quote = memchr(from, '"', (size_t)(p - from));
            size_t n = (size_t)((quote ? quote + 1 : p) - from);
            memcpy(to, from, n);
            to += n;
            from += n + (quote != NULL);
        }
    }
    return end_cell(s, p + 1);
}

static inline bool next_cell(split *s, cu_arena *a, cu_raw *out)
{
    if (s->p < s->end && *s->p == '"')
        return quoted_cell(s, a, out);
    const char *p = find_mark(s, s->p);
    if (p < s->end && *p != s->delimiter) {
        s->wrong = *p == '"' ? "quote inside an unquoted CSV field"
                             : "unquoted newline found in data";
        return false;
    }
    size_t len = (size_t)(p - s->p);
    *out = (cu_raw){s->p, (uint32_t)len, len ? CU_RAW_TEXT : CU_RAW_NULL, 0};
    return end_cell(s, p);
}

/* One line: no BOM, no line end. */
static cu_slice bare(cu_slice s)
{
    if (s.len >= 3 && !memcmp(s.data, "\xEF\xBB\xBF", 3)) {
        s.data += 3;
        s.len -= 3;
    }
    if (s.len && s.data[s.len - 1] == '\n')
        s.len--;
    if (s.len && s.data[s.len - 1] == '\r')
        s.len--;
    return s;
}

static bool fault(cu_call *c, const char *what, const split *s)
{
    cu_faults_add(c->faults, c->to->arena, NULL, STATE_COPY_FORMAT, "%s%s",
                  what, s->wrong);
    return false;
}

/* --- headers -------------------------------------------------------------- */

static void add_cell(cu_csv *s, cu_slice name, bool by_position)
{
    if (s->n_cells == s->cap_cells) {
        s->cap_cells = s->cap_cells ? s->cap_cells * 2 : 16;
        s->owner = cu_realloc(s->owner, s->cap_cells * sizeof(*s->owner));
    }
    int32_t *link = &s->owner[s->n_cells];
    *link = NOBODY;
    for (uint32_t i = 0; i < s->n_cols; i++) {
        if (s->next[i] != INT32_MIN) /* has its cell: C3 */
            continue;
        bool mine = by_position ? s->names[i].data != NULL
                                : cu_slice_eq(s->names[i], name);
        if (!mine)
            continue;
        *link = (int32_t)i;
        s->next[i] = NOBODY;
        link = &s->next[i];
        if (by_position)
            break;
    }
    s->n_cells++;
}

static void forget(cu_csv *s)
{
    s->n_cells = 0;
    s->known = false;
    for (uint32_t i = 0; i < s->n_cols; i++)
        s->next[i] = INT32_MIN;
}

static void positions(cu_csv *s)
{
    forget(s);
    for (uint32_t i = 0; i < s->n_cols; i++)
        if (s->names[i].data)
            add_cell(s, CU_NULL_SLICE, true);
    s->known = true;
}

/* Makes `owner` fit the header; *known: it did already, and the marks are
 * still those of the record. */
static bool use_header(cu_csv *s, cu_call *c, cu_slice header, bool *known)
{
    *known = true;
    if (s->by_position) {
        if (!s->known)
            positions(s);
        return true;
    }
    if (!header.data) {
        cu_faults_add(c->faults, c->to->arena, NULL, STATE_NO_HEADER,
                      "the record has no header cupel.header: the names of "
                      "its CSV fields are not known");
        return false;
    }
    if (s->known && cu_slice_eq(cu_buf_slice(&s->header), header))
        return true;
    *known = false;
    forget(s);
    cu_slice line = bare(header);
    (void)scan(s, header);
    split in = split_of(s, header, line);
    while (!in.done) {
        cu_raw cell;
        if (!next_cell(&in, c->to->arena, &cell))
            return fault(c, "CSV header: ", &in);
        add_cell(s, cu_raw_slice(&cell), false);
    }
    cu_buf_clear(&s->header);
    cu_buf_put_slice(&s->header, header);
    s->known = true;
    return true;
}

/* --- records -------------------------------------------------------------- */

/* The first column whose cell is at or behind `cell`. */
static const char *column_at(const cu_csv *s, const cu_decoder *d,
                             uint32_t cell)
{
    for (; cell < s->n_cells; cell++)
        if (s->owner[cell] != NOBODY)
            return d->fields[s->owner[cell]].name;
    return NULL;
}

static bool wrong_count(const cu_csv *s, cu_call *c, uint32_t cells)
{
    if (cells > s->n_cells) {
        cu_faults_add(c->faults, c->to->arena, NULL, STATE_COPY_FORMAT,
                      "extra data after last expected column: %u fields are "
                      "expected",
                      s->n_cells);
        return false;
    }
    const char *name = column_at(s, c->d, cells);
    cu_faults_add(c->faults, c->to->arena, name, STATE_COPY_FORMAT,
                  "missing data for column%s%s%s: %u fields instead of %u",
                  name ? " \"" : "s", name ? name : "", name ? "\"" : "", cells,
                  s->n_cells);
    return false;
}

bool cu_csv_read(cu_csv *s, cu_call *c, cu_slice header)
{
    if (!scan(s, c->value) && !cu_check_utf8(c, NULL, c->value))
        return false;
    bool known;
    if (!use_header(s, c, header, &known))
        return false;
    if (!known)
        (void)scan(s, c->value);
    cu_slice line = bare(c->value);
    split in = split_of(s, c->value, line);
    cu_raw *slots = c->d->slots, nobody;
    uint32_t cells = 0;
    while (!in.done) {
        int32_t first = cells < s->n_cells ? s->owner[cells] : NOBODY;
        /* In place: copying what was just written in pieces stalls. */
        cu_raw *cell = first == NOBODY ? &nobody : &slots[first];
        cu_arena *a = first == NOBODY ? NULL
                      : s->next[first] == NOBODY
                          ? cu_call_arena(c, (uint32_t)first)
                          : c->to->arena;
        if (!next_cell(&in, a, cell))
            return fault(c, "", &in);
        if (first != NOBODY)
            for (int32_t i = s->next[first]; i != NOBODY; i = s->next[i])
                slots[i] = *cell;
        cells++;
    }
    return cells == s->n_cells || wrong_count(s, c, cells);
}
