/* psql's variables, filled in before PostgreSQL's grammar sees the text.
 *
 * psql has its own small lexer in front of the server's; this is one like
 * it.  It knows just enough of SQL to see where a variable cannot stand:
 *
 *     'text'  E'te\'xt'  "name"  $tag$ text $tag$  -- line  / * nested * /
 *
 * Everywhere else :name is replaced by the value as it is (and read again, so
 * that a value may name other variables), :'name' by a literal, :"name" by
 * a quoted name, :{?name} by TRUE or FALSE.  `::` and `:=` are operators.
 * `\set` may stand wherever a statement may; its line vanishes.
 *
 * Segments map the filled text back:
 *
 *     file     … WHERE subject = :'s' AND x = 1
 *     filled   … WHERE subject = 'love' AND x = 1
 *              |--- copied ---|  fixed | copied --|
 *
 * M1 segments are sorted by `out` and the first starts at 0.
 * M2 in a fixed segment every byte came from the variable at `in`.
 */
#include "processors/sql/vars.h"

#include "base/map.h"

enum { DEPTH = 16 };

typedef struct segment {
    int32_t out, in;
    bool fixed;
} segment;

struct cu_sql_map {
    segment *at;
    uint32_t n, cap;
    int32_t *unset; /* filled offsets where a variable had no value */
    uint32_t n_unset, cap_unset;
};

typedef struct var {
    const char *name;
    cu_slice value;
    bool given; /* --set: \set does not change it */
    bool open;  /* being expanded right now */
} var;

struct cu_sql_vars {
    var *at;
    uint32_t n, cap;
};

typedef struct filler {
    cu_sql *s;
    cu_sql_vars *vars;
    cu_sql_map *map;
    int32_t file;
    cu_buf out;
    uint32_t depth;
} filler;

/* One stretch of text being read: the file (`fixed` < 0) or a value. */
typedef struct reader {
    const char *p, *end, *start;
    int32_t fixed; /* the position in the file of the variable */
} reader;

static cu_pos pos_of(const filler *f, const reader *r, const char *p)
{
    int32_t at = r->fixed >= 0 ? r->fixed : (int32_t)(p - r->start);
    return (cu_pos){f->file, at};
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* --- the variables ------------------------------------------------------- */

static var *find(const cu_sql_vars *v, cu_slice name)
{
    for (uint32_t i = 0; i < v->n; i++) {
        if (cu_slice_is(name, v->at[i].name))
            return &v->at[i];
    }
    return NULL;
}

static var *add(cu_sql *s, cu_sql_vars *v, cu_slice name)
{
    var *old = find(v, name);
    if (old)
        return old;
    if (v->n == v->cap) {
        uint32_t cap = v->cap ? v->cap * 2 : 16;
        var *at = cu_arena_calloc(s->arena, cap, sizeof *at);
        for (uint32_t i = 0; i < v->n; i++)
            at[i] = v->at[i];
        v->at = at;
        v->cap = cap;
    }
    var *x = &v->at[v->n++];
    *x = (var){.name = cu_arena_strn(s->arena, name.data, name.len)};
    return x;
}

cu_sql_vars *cu_sql_vars_new(cu_sql *s)
{
    cu_sql_vars *v = cu_arena_calloc(s->arena, 1, sizeof *v);
    for (uint32_t i = 0; i < s->opts->n_vars; i++) {
        const cu_sql_var *given = &s->opts->vars[i];
        var *x = add(s, v, cu_slice_of(given->name));
        x->value = cu_arena_slice(s->arena, cu_slice_of(given->value));
        x->given = true;
    }
    return v;
}

/* The value, or NULL with a problem. */
static var *need(filler *f, cu_slice name, cu_pos pos)
{
    var *x = find(f->vars, name);
    if (x)
        return x;
    cu_sql_error(f->s, pos, CU_SQLSTATE('4', '2', '7', '0', '4'),
                 cu_arena_printf(f->s->problem_arena,
                                 "Give it with --set %.*s=VALUE, or a default "
                                 "with \\set %.*s VALUE; write \"[1 : n]\" "
                                 "for an array slice.",
                                 (int)name.len, name.data, (int)name.len,
                                 name.data),
                 "variable \"%.*s\" is not set", (int)name.len, name.data);
    return NULL;
}

/* --- writing ------------------------------------------------------------- */

static void mark(filler *f, int32_t in, bool fixed)
{
    cu_sql_map *m = f->map;
    int32_t out = (int32_t)f->out.len;
    if (m->n && m->at[m->n - 1].out == out)
        m->n--; /* the empty one before it says nothing */
    if (m->n == m->cap) {
        uint32_t cap = m->cap ? m->cap * 2 : 16;
        segment *at = cu_arena_calloc(f->s->arena, cap, sizeof *at);
        for (uint32_t i = 0; i < m->n; i++)
            at[i] = m->at[i];
        m->at = at;
        m->cap = cap;
    }
    m->at[m->n++] = (segment){out, in, fixed};
}

static void mark_unset(filler *f)
{
    cu_sql_map *m = f->map;
    if (m->n_unset == m->cap_unset) {
        uint32_t cap = m->cap_unset ? m->cap_unset * 2 : 4;
        int32_t *at = cu_arena_calloc(f->s->arena, cap, sizeof *at);
        for (uint32_t i = 0; i < m->n_unset; i++)
            at[i] = m->unset[i];
        m->unset = at;
        m->cap_unset = cap;
    }
    m->unset[m->n_unset++] = (int32_t)f->out.len;
}

static void copy(filler *f, reader *r, const char *to)
{
    cu_buf_put(&f->out, r->p, (size_t)(to - r->p));
    r->p = to;
}

/* Starts (before) and ends (after) a stretch that comes from `from`. */
static void fixed_begin(filler *f, const reader *r, const char *from)
{
    if (r->fixed < 0)
        mark(f, (int32_t)(from - r->start), true);
}

static void fixed_end(filler *f, const reader *r)
{
    if (r->fixed < 0)
        mark(f, (int32_t)(r->p - r->start), false);
}

static void put_quoted(cu_buf *out, cu_slice v, char quote)
{
    bool escape = quote == '\'' && memchr(v.data, '\\', v.len);
    if (escape)
        cu_buf_put_str(out, " E");
    cu_buf_put(out, &quote, 1);
    for (size_t i = 0; i < v.len; i++) {
        if (v.data[i] == quote || (escape && v.data[i] == '\\'))
            cu_buf_put(out, &v.data[i], 1);
        cu_buf_put(out, &v.data[i], 1);
    }
    cu_buf_put(out, &quote, 1);
}

/* --- reading ------------------------------------------------------------- */

/* Behind a quoted stretch that starts at p (which is the quote). */
static const char *past_quote(const char *p, const char *end, char quote,
                              bool backslash)
{
    for (p++; p < end; p++) {
        if (backslash && *p == '\\' && p + 1 < end)
            p++;
        else if (*p == quote) {
            if (p + 1 < end && p[1] == quote)
                p++;
            else
                return p + 1;
        }
    }
    return end;
}

static const char *past_comment(const char *p, const char *end)
{
    int depth = 0;
    while (p + 1 < end) {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p[0] == '*' && p[1] == '/') {
            p += 2;
            if (--depth == 0)
                return p;
        } else {
            p++;
        }
    }
    return end;
}

/* Behind $tag$ … $tag$; p + 1 when it is no dollar quote. */
static const char *past_dollar(const char *p, const char *end)
{
    const char *tag = p + 1;
    while (tag < end && is_name(*tag))
        tag++;
    bool digit = p + 1 < end && p[1] >= '0' && p[1] <= '9';
    if (tag >= end || *tag != '$' || digit)
        return p + 1;
    size_t len = (size_t)(tag + 1 - p);
    for (const char *q = tag + 1; q + len <= end; q++) {
        if (*q == '$' && !memcmp(q, p, len))
            return q + len;
    }
    return end;
}

/* A word: a name that may be E before a quote, or hold dollars. */
static const char *past_word(const char *p, const char *end)
{
    const char *q = p;
    while (q < end && (is_name(*q) || *q == '$'))
        q++;
    bool e = q == p + 1 && (*p == 'e' || *p == 'E');
    if (e && q < end && *q == '\'')
        return past_quote(q, end, '\'', true);
    return q;
}

static void run(filler *f, reader *r);

/* A bare :name: its value is read as if it stood here. */
static void expand(filler *f, const reader *r, var *x, const char *at)
{
    if (x->open || f->depth >= DEPTH) {
        cu_sql_error(f->s, pos_of(f, r, at),
                     CU_SQLSTATE('5', '4', '0', '0', '1'), NULL,
                     "variable \"%s\" names itself", x->name);
        return;
    }
    int32_t fixed = pos_of(f, r, at).offset;
    reader inner = {x->value.data, x->value.data + x->value.len, x->value.data,
                    fixed};
    x->open = true; /* \\set is not heard in values: x stays where it is */
    f->depth++;
    run(f, &inner);
    f->depth--;
    x->open = false;
}

/* :{?name} */
static bool test(filler *f, reader *r)
{
    const char *name = r->p + 3, *q = name;
    while (q < r->end && is_name(*q))
        q++;
    if (q == name || q >= r->end || *q != '}')
        return false;
    fixed_begin(f, r, r->p);
    var *x = find(f->vars, cu_slice_n(name, (size_t)(q - name)));
    cu_buf_put_str(&f->out, x ? "TRUE" : "FALSE");
    r->p = q + 1;
    fixed_end(f, r);
    return true;
}

/* r->p stands on a colon. */
static void colon(filler *f, reader *r)
{
    const char *p = r->p;
    char next = p + 1 < r->end ? p[1] : ' ';
    if (next == ':' || next == '=') {
        copy(f, r, p + 2);
        return;
    }
    if (next == '{' && p + 2 < r->end && p[2] == '?' && test(f, r))
        return;
    bool quoted = next == '\'' || next == '"';
    const char *name = p + (quoted ? 2 : 1), *q = name;
    while (q < r->end && is_name(*q))
        q++;
    bool closed = !quoted || (q < r->end && *q == next);
    /* A number after a colon is a slice of an array, not a name. */
    bool number = !quoted && next >= '0' && next <= '9';
    if (q == name || !closed || number) {
        copy(f, r, p + 1);
        return;
    }
    var *x = need(f, cu_slice_n(name, (size_t)(q - name)), pos_of(f, r, p));
    fixed_begin(f, r, p);
    if (!x) {
        mark_unset(f);
        cu_buf_put_str(&f->out, next == '\'' ? "''" : "unset");
    } else if (quoted) {
        put_quoted(&f->out, x->value, next);
    } else {
        expand(f, r, x, p);
    }
    r->p = quoted ? q + 1 : q;
    fixed_end(f, r);
}

/* --- \set ---------------------------------------------------------------- */

static int digits(const char **p, const char *end, int base, int most)
{
    int v = 0, n = 0;
    for (; n < most && *p < end; n++, (*p)++) {
        char c = **p;
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;
        if (d >= base)
            break;
        v = v * base + d;
    }
    return n ? v & 0xff : -1;
}

/* '…' of a \set line, with psql's escapes. Behind the quote. */
static const char *set_quoted(const char *p, const char *end, cu_buf *value)
{
    for (p++; p < end; p++) {
        char c = *p;
        if (c == '\'') {
            if (p + 1 >= end || p[1] != '\'')
                return p + 1;
            p++;
        } else if (c == '\\' && p + 1 < end) {
            const char *from = "nrtbf", *to = "\n\r\t\b\f";
            c = *++p;
            const char *known = c ? strchr(from, c) : NULL;
            const char *d = c == 'x' ? p + 1 : p;
            int v = c == 'x' ? digits(&d, end, 16, 2) : digits(&d, end, 8, 3);
            if (known) {
                c = to[known - from];
            } else if (v > 0) {
                c = (char)v;
                p = d - 1;
            }
        }
        cu_buf_put(value, &c, 1);
    }
    return NULL;
}

/* :name, :'name' or :"name" in a \set line. */
static const char *set_variable(filler *f, const reader *r, const char *p,
                                const char *end, cu_buf *value)
{
    bool quoted = p + 1 < end && (p[1] == '\'' || p[1] == '"');
    const char *name = p + (quoted ? 2 : 1), *q = name;
    while (q < end && is_name(*q))
        q++;
    if (q == name || (quoted && (q >= end || *q != p[1]))) {
        cu_buf_put(value, p, 1);
        return p + 1;
    }
    var *x = need(f, cu_slice_n(name, (size_t)(q - name)), pos_of(f, r, p));
    if (x && quoted)
        put_quoted(value, x->value, p[1]);
    else if (x)
        cu_buf_put_slice(value, x->value);
    return quoted ? q + 1 : q;
}

/* One argument, appended to `value`; behind it, NULL after a problem. */
static const char *set_argument(filler *f, const reader *r, const char *p,
                                const char *end, cu_buf *value)
{
    while (p && p < end && !is_blank(*p) && *p != '\\') {
        if (*p == '\'') {
            const char *open = p;
            p = set_quoted(p, end, value);
            if (!p)
                cu_sql_error(f->s, pos_of(f, r, open),
                             CU_SQLSTATE('4', '2', '6', '0', '1'), NULL,
                             "unterminated quoted string in \\set");
        } else if (*p == '`') {
            cu_sql_refuse(f->s, pos_of(f, r, p), "a command in backquotes");
            return NULL;
        } else if (*p == ':') {
            p = set_variable(f, r, p, end, value);
        } else if (*p == '"') {
            const char *q = past_quote(p, end, '"', false);
            cu_buf_put(value, p, (size_t)(q - p));
            p = q;
        } else {
            cu_buf_put(value, p++, 1);
        }
    }
    return p;
}

/* p is behind `\set`; the line ends at `end`. Behind what was used. */
static const char *set_line(filler *f, const reader *r, const char *p,
                            const char *end)
{
    const char *at = p;
    cu_buf name = {0}, value = {0};
    for (uint32_t n = 0; p; n++) {
        while (p < end && is_blank(*p))
            p++;
        if (p >= end || *p == '\\')
            break;
        p = set_argument(f, r, p, end, n ? &value : &name);
    }
    bool good = p && name.len > 0;
    for (size_t i = 0; i < name.len; i++)
        good = good && is_name(name.data[i]);
    if (p && !good)
        cu_sql_error(
            f->s, pos_of(f, r, at), CU_SQLSTATE('4', '2', '6', '0', '2'),
            "Write: \\set name value", "invalid variable name: \"%.*s\"",
            (int)name.len, name.data ? name.data : "");
    if (good) {
        var *x = add(f->s, f->vars, cu_buf_slice(&name));
        if (!x->given)
            x->value = cu_arena_slice(f->s->arena, cu_buf_slice(&value));
    }
    cu_buf_free(&name);
    cu_buf_free(&value);
    return p ? p : end;
}

/* r->p stands on a backslash outside of strings. */
static void command(filler *f, reader *r)
{
    const char *p = r->p + 1, *end = p;
    while (end < r->end && *end != '\n')
        end++;
    const char *word = p;
    while (p < end && is_name(*p))
        p++;
    size_t len = (size_t)(p - word);
    if (!len && p < end && *p == '\\')
        p++; /* psql's separator */
    else if (r->fixed < 0 && cu_slice_is(cu_slice_n(word, len), "set"))
        p = set_line(f, r, p, end);
    else {
        cu_sql_refuse(f->s, pos_of(f, r, r->p), "\\%.*s", (int)len, word);
        p = end;
    }
    r->p = p;
    cu_buf_put_str(&f->out, " ");
    fixed_end(f, r);
}

static void run(filler *f, reader *r)
{
    while (r->p < r->end) {
        const char *p = r->p;
        char next = p + 1 < r->end ? p[1] : 0;
        if (*p == ':') {
            colon(f, r);
        } else if (*p == '\\') {
            command(f, r);
        } else if (*p == '\'' || *p == '"') {
            copy(f, r, past_quote(p, r->end, *p, false));
        } else if (*p == '$') {
            copy(f, r, past_dollar(p, r->end));
        } else if (*p == '-' && next == '-') {
            const char *q = memchr(p, '\n', (size_t)(r->end - p));
            copy(f, r, q ? q : r->end);
        } else if (*p == '/' && next == '*') {
            copy(f, r, past_comment(p, r->end));
        } else if (is_name(*p)) {
            copy(f, r, past_word(p, r->end));
        } else {
            copy(f, r, p + 1);
        }
    }
}

void cu_sql_fill(cu_sql *s, cu_sql_vars *v, int32_t file, cu_slice text,
                 cu_slice *out, const cu_sql_map **map)
{
    cu_sql_map *m = cu_arena_calloc(s->arena, 1, sizeof *m);
    filler f = {.s = s, .vars = v, .map = m, .file = file};
    reader r = {text.data, text.data + text.len, text.data, -1};
    if (text.len >= 3 && !memcmp(text.data, "\xef\xbb\xbf", 3))
        r.p += 3; /* a byte order mark */
    mark(&f, (int32_t)(r.p - r.start), false);
    run(&f, &r);
    out->len = f.out.len;
    out->data = cu_arena_strn(s->arena, f.out.data ? f.out.data : "",
                              f.out.len);
    *map = m;
    cu_buf_free(&f.out);
}

const cu_sql_map *cu_sql_map_to(cu_sql *s, int32_t offset)
{
    cu_sql_map *m = cu_arena_calloc(s->arena, 1, sizeof *m);
    m->at = cu_arena_calloc(s->arena, 1, sizeof *m->at);
    m->at[0] = (segment){.in = offset, .fixed = true};
    m->n = m->cap = 1;
    return m;
}

int32_t cu_sql_map_back(const cu_sql_map *map, int32_t offset)
{
    uint32_t lo = 0, hi = map->n;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (map->at[mid].out <= offset)
            lo = mid;
        else
            hi = mid;
    }
    const segment *g = &map->at[lo];
    return g->fixed ? g->in : g->in + (offset - g->out);
}

bool cu_sql_map_unset(const cu_sql_map *map, int32_t from, int32_t to)
{
    for (uint32_t i = 0; i < map->n_unset; i++) {
        if (map->unset[i] >= from && map->unset[i] < to)
            return true;
    }
    return false;
}
