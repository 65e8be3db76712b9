/* Problems: collecting, sorting, printing.
 *
 * Statements are checked independently, so one mistake may show up several
 * times: an inlined view is bound wherever it is named, and a table that has
 * a mistake "does not exist" for those who read it.  Both are tidied here,
 * at the end, so that nobody else needs to think of it.
 */
#include "processors/sql/int.h"

#include <stdlib.h>

enum { MOST_PROBLEMS = 500, LINE_WIDTH = 120 };

static void add(cu_sql *s, bool notice, cu_pos pos, uint32_t sqlstate,
                const char *hint, const char *format, va_list ap)
{
    if (s->muted || s->n_problems >= MOST_PROBLEMS)
        return;
    if (s->n_problems == s->cap_problems) {
        uint32_t cap = s->cap_problems ? s->cap_problems * 2 : 16;
        cu_sql_problem *at = cu_arena_calloc(s->problem_arena, cap, sizeof *at);
        for (uint32_t i = 0; i < s->n_problems; i++)
            at[i] = s->problems[i];
        s->problems = at;
        s->cap_problems = cap;
    }
    s->problems[s->n_problems++] = (cu_sql_problem){
        .notice = notice,
        .pos = pos,
        .sqlstate = sqlstate,
        .message = cu_arena_vprintf(s->problem_arena, format, ap),
        .hint = hint && *hint ? cu_arena_str(s->problem_arena, hint) : NULL,
    };
}

void cu_sql_error(cu_sql *s, cu_pos pos, uint32_t sqlstate, const char *hint,
                  const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    add(s, false, pos, sqlstate, hint, format, ap);
    va_end(ap);
}

void cu_sql_notice(cu_sql *s, cu_pos pos, const char *hint, const char *format,
                   ...)
{
    va_list ap;
    va_start(ap, format);
    add(s, true, pos, 0, hint, format, ap);
    va_end(ap);
}

void cu_sql_refuse(cu_sql *s, cu_pos pos, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    const char *what = cu_arena_vprintf(s->problem_arena, format, ap);
    va_end(ap);
    cu_sql_error(s, pos, CU_SQLSTATE('0', 'A', '0', '0', '0'), NULL,
                 "%s is not supported", what);
}

void *cu_sql_grow(cu_arena *a, void *array, uint32_t n, size_t item)
{
    bool full = n == 0 || (n >= 4 && (n & (n - 1)) == 0);
    if (!full)
        return array;
    char *bigger = cu_arena_calloc(a, n < 4 ? 4 : (size_t)n * 2, item);
    if (n)
        memcpy(bigger, array, n * item);
    return bigger;
}

void cu_sql_fail_name(cu_sql *s, const char *name)
{
    s->failed = cu_sql_grow(s->problem_arena, s->failed, s->n_failed,
                            sizeof *s->failed);
    s->failed[s->n_failed++] = (cu_sql_failed){
        cu_arena_str(s->problem_arena, name), s->n_problems};
}

const char *cu_sql_nearest(cu_sql *s, const char *name,
                           const char *const *known, uint32_t n)
{
    size_t len = strlen(name), best = len < 4 ? 2 : len / 3 + 2;
    const char *found = NULL;
    for (uint32_t i = 0; i < n; i++) {
        size_t d = cu_edit_distance(name, known[i]);
        if (d < best) {
            best = d;
            found = known[i];
        }
    }
    if (!found)
        return "";
    return cu_arena_printf(s->problem_arena, "Perhaps you meant \"%s\".",
                           found);
}

/* --- at the end ----------------------------------------------------------- */

/* "relation "x" does not exist", where an earlier statement failed to make
 * it. */
static bool follows(const cu_sql *s, uint32_t at)
{
    static const char *const kinds[] = {"relation", "server"};
    for (uint32_t i = 0; i < s->n_failed; i++) {
        for (size_t k = 0; k < 2 && at >= s->failed[i].n_problems; k++) {
            cu_buf b = {0};
            cu_buf_printf(&b, "%s \"%s\" does not exist", kinds[k],
                          s->failed[i].name);
            bool same = cu_slice_is(cu_buf_slice(&b), s->problems[at].message);
            cu_buf_free(&b);
            if (same)
                return true;
        }
    }
    return false;
}

static int by_position(const void *a, const void *b)
{
    const cu_sql_problem *x = a, *y = b;
    if (x->pos.file != y->pos.file)
        return x->pos.file < y->pos.file ? -1 : 1;
    if (x->pos.offset != y->pos.offset)
        return x->pos.offset < y->pos.offset ? -1 : 1;
    if (x->notice != y->notice)
        return x->notice ? 1 : -1;
    return strcmp(x->message, y->message);
}

static bool same(const cu_sql_problem *a, const cu_sql_problem *b)
{
    return a->pos.file == b->pos.file && a->pos.offset == b->pos.offset &&
           !strcmp(a->message, b->message);
}

static void put_line(cu_slice text, int32_t offset, cu_buf *out, size_t before);

void cu_sql_finish(cu_sql *s, cu_slice query, cu_sql_problems *out)
{
    cu_sql_problem *p = s->problems;
    uint32_t n = 0, n_errors = 0;
    bool *drop = cu_arena_calloc(s->problem_arena, s->n_problems + 1,
                                 sizeof *drop);
    for (uint32_t i = 0; i < s->n_problems; i++)
        drop[i] = follows(s, i);
    for (uint32_t i = 0; i < s->n_problems; i++) {
        if (!drop[i])
            p[n++] = p[i];
    }
    if (n > 1)
        qsort(p, n, sizeof *p, by_position);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (kept && same(&p[kept - 1], &p[i]))
            continue;
        p[kept++] = p[i];
        n_errors += !p[i].notice;
    }
    for (uint32_t i = 0; query.data && i < kept; i++) {
        if (p[i].pos.file >= 0 || p[i].detail || p[i].pos.offset < 0)
            continue;
        cu_buf b = {0};
        uint32_t line, column;
        cu_pos_line_column(query, p[i].pos.offset, &line, &column);
        cu_buf_printf(&b, "LINE %u: ", line);
        put_line(query, p[i].pos.offset, &b, b.len);
        p[i].detail = cu_arena_strn(s->problem_arena, b.data, b.len);
        cu_buf_free(&b);
    }
    *out = (cu_sql_problems){
        .at = p, .n = kept, .n_errors = n_errors, .arena = s->problem_arena};
}

void cu_sql_problems_free(cu_sql_problems *p)
{
    if (p->arena)
        cu_arena_free(p->arena);
    *p = (cu_sql_problems){0};
}

/* --- printing ------------------------------------------------------------- */

static bool is_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

void cu_pos_line_column(cu_slice text, int32_t offset, uint32_t *line,
                        uint32_t *column)
{
    size_t end = offset < 0 ? 0 : (size_t)offset;
    if (end > text.len)
        end = text.len;
    size_t start = 0;
    *line = 1;
    for (size_t i = 0; i < end; i++) {
        if (text.data[i] == '\n') {
            (*line)++;
            start = i + 1;
        }
    }
    if (start == 0 && text.len >= 3 && !memcmp(text.data, "\xef\xbb\xbf", 3))
        start = end < 3 ? end : 3;
    *column = 1;
    for (size_t i = start; i < end; i++)
        *column += !is_tail(text.data[i]);
}

/* How many cells of a terminal the character at p takes. */
static int cells(const unsigned char *p, size_t len)
{
    if (p[0] < 0xe0 || len < 3)
        return p[0] == 0xcc ? 0 : 1; /* U+0300 … U+033F combine */
    uint32_t c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 |
                 (p[2] & 0x3f);
    if (p[0] >= 0xf0) /* pictures and rare ideographs */
        return p[1] >= 0x9f || (p[0] == 0xf0 && p[1] >= 0xa0) ? 2 : 1;
    bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
                (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60);
    return wide ? 2 : 1;
}

/* The line of `offset` and a caret under it; `before`: bytes that stand
 * before the line already. A long line is shown around the caret. */
static void put_line(cu_slice text, int32_t offset, cu_buf *out, size_t before)
{
    size_t at = offset < 0 ? 0 : (size_t)offset;
    if (at > text.len)
        at = text.len;
    size_t from = at, to = at;
    while (from > 0 && text.data[from - 1] != '\n')
        from--;
    while (to < text.len && text.data[to] != '\n' && text.data[to] != '\r')
        to++;
    bool cut_left = at - from > LINE_WIDTH / 2 && to - from > LINE_WIDTH;
    if (cut_left) {
        from = at - LINE_WIDTH / 2;
        while (from < at && is_tail(text.data[from]))
            from++;
        cu_buf_put_str(out, "…");
        before++;
    }
    bool cut_right = to - from > LINE_WIDTH;
    if (cut_right) {
        to = from + LINE_WIDTH;
        while (to > at && is_tail(text.data[to]))
            to--;
    }
    cu_buf_put(out, text.data + from, to - from);
    cu_buf_put_str(out, cut_right ? "…\n" : "\n");
    for (size_t i = 0; i < before; i++)
        cu_buf_put_str(out, " ");
    for (size_t i = from; i < at; i++) {
        if (is_tail(text.data[i]))
            continue;
        int n = cells((const unsigned char *)text.data + i, text.len - i);
        const char *pad = text.data[i] == '\t' ? "\t" : n == 2 ? "  " : " ";
        cu_buf_put_str(out, n ? pad : "");
    }
    cu_buf_put_str(out, "^\n");
}

void cu_sql_problem_print(const cu_sql_problem *p, const cu_sql_file *files,
                          uint32_t n_files, cu_buf *out)
{
    const cu_sql_file *f = NULL;
    if (p->pos.file >= 0 && (uint32_t)p->pos.file < n_files)
        f = &files[p->pos.file];
    if (f) {
        uint32_t line, column;
        cu_pos_line_column(f->text, p->pos.offset, &line, &column);
        cu_buf_printf(out, "%s:%u:%u: ", f->path, line, column);
    }
    cu_buf_printf(out, "%s: %s", p->notice ? "notice" : "error", p->message);
    if (p->sqlstate) {
        char state[6];
        cu_buf_printf(out, " [%s]", cu_sqlstate_text(p->sqlstate, state));
    }
    cu_buf_put_str(out, "\n");
    if (f && p->pos.offset >= 0) {
        cu_buf_put_str(out, "    ");
        put_line(f->text, p->pos.offset, out, 4);
    }
    if (p->detail) {
        cu_buf_put_str(out, p->detail);
        if (p->detail[0] && p->detail[strlen(p->detail) - 1] != '\n')
            cu_buf_put_str(out, "\n");
    }
    if (p->hint)
        cu_buf_printf(out, "hint: %s\n", p->hint);
}
