/* Functions of regular expressions, and ~ and its kin.
 *
 * All searches go over the whole text from a start, so that anchors and what
 * looks back see what stands before.  After an empty match the next search
 * starts one character later.  Positions are counted in characters by SQL and
 * in bytes here.
 */
#include "processors/expr/regex.h"

#include "processors/expr/kernel.h"
#include "rows/array.h"

typedef struct flags {
    unsigned options;
    bool global;
} flags;

/* What a call works with: of a kernel's row or of a set's arguments. */
typedef struct search {
    cu_regex *re;
    cu_slice s;
    size_t at; /* SIZE_MAX: over */
    cu_regex_span m[CU_REGEX_GROUPS];
} search;

/* --- arguments ----------------------------------------------------------- */

static int bad(cu_err *err, const char *format, const char *what, int32_t n)
{
    cu_fail(err, CU_DATA, 0, format, what, n);
    if (err)
        err->sqlstate = CU_E_PARAMETER;
    return CU_DATA;
}

/* Basic and extended syntax. */
static int unsupported(cu_err *err, const char *option)
{
    cu_fail(err, CU_UNSUPPORTED, 0,
            "the regular expression option \"%s\" is not supported", option);
    if (err)
        err->sqlstate = CU_E_FEATURE;
    return CU_UNSUPPORTED;
}

static int read_flags(cu_slice text, const char *no_global, flags *f,
                      cu_err *err)
{
    *f = (flags){0};
    for (size_t i = 0; i < text.len; i++) {
        const char c[2] = {text.data[i], 0};
        if (*c == 'g')
            f->global = true;
        else if (*c == 'i')
            f->options |= CU_RE_ICASE;
        else if (*c == 'c')
            f->options &= ~(unsigned)CU_RE_ICASE;
        else if (*c == 'n' || *c == 'm')
            f->options |= CU_RE_NEWLINE_STOPS | CU_RE_NEWLINE_ANCHORS;
        else if (*c == 'p')
            f->options = (f->options & ~(unsigned)CU_RE_NEWLINE_ANCHORS) |
                         CU_RE_NEWLINE_STOPS;
        else if (*c == 'w')
            f->options = (f->options & ~(unsigned)CU_RE_NEWLINE_STOPS) |
                         CU_RE_NEWLINE_ANCHORS;
        else if (*c == 's')
            f->options &= ~(unsigned)(CU_RE_NEWLINE_STOPS |
                                      CU_RE_NEWLINE_ANCHORS);
        else if (*c == 'x')
            f->options |= CU_RE_EXPANDED;
        else if (*c == 't')
            f->options &= ~(unsigned)CU_RE_EXPANDED;
        else if (*c == 'q')
            f->options |= CU_RE_LITERAL;
        else if (*c == 'b' || *c == 'e')
            return unsupported(err, c);
        else
            return bad(err, "invalid regular expression option: \"%s\"", c, 0);
    }
    if (f->global && no_global)
        return bad(err, "%s() does not support the \"global\" option",
                   no_global, 0);
    return 0;
}

static int at_least(int32_t n, int32_t least, const char *name, cu_err *err)
{
    return n >= least
               ? 0
               : bad(err, "invalid value for parameter \"%s\": %d", name, n);
}

static cu_slice text_arg(const cu_call *c, uint32_t k, uint32_t row)
{
    if (k >= c->n_args)
        return CU_LIT("");
    return CU_COL(c->args[k], cu_slice)[cu_col_at(c->args[k], row)];
}

static int32_t int_arg(const cu_call *c, uint32_t k, uint32_t row, int32_t none)
{
    if (k >= c->n_args)
        return none;
    return CU_COL(c->args[k], int32_t)[cu_col_at(c->args[k], row)];
}

/* --- searching ----------------------------------------------------------- */

/* From character `start`, counted from 1. */
static int begin(cu_memo *memo, cu_slice s, cu_slice pattern, unsigned options,
                 int32_t start, search *to, cu_err *err)
{
    to->s = s;
    to->at = cu_utf8_bytes(s, (size_t)start - 1);
    if (start > 1 && cu_utf8_length(s) < (size_t)start - 1)
        to->at = SIZE_MAX;
    return cu_regex_get(memo, pattern, options, &to->re, err);
}

static int next(search *s, bool *hit, cu_err *err)
{
    *hit = false;
    if (s->at == SIZE_MAX)
        return 0;
    int rc = cu_regex_find(s->re, s->s, s->at, s->m, hit, err);
    s->at = SIZE_MAX;
    if (rc || !*hit)
        return rc;
    if (s->m->to > s->m->from)
        s->at = s->m->to;
    else if (s->m->to < s->s.len)
        s->at = s->m->to + cu_utf8_size(s->s.data + s->m->to);
    return 0;
}

static cu_slice piece(const search *s, size_t from, size_t to)
{
    return cu_slice_n(s->s.data + from, to - from);
}

static cu_slice span(const search *s, uint32_t i)
{
    if (s->m[i].from == SIZE_MAX)
        return CU_NULL_SLICE;
    return piece(s, s->m[i].from, s->m[i].to);
}

/* The N-th match; *hit false: there are not so many. */
static int nth(search *s, int32_t n, bool *hit, cu_err *err)
{
    int rc = 0;
    *hit = true;
    for (int32_t i = 0; i < n && *hit && !rc; i++)
        rc = next(s, hit, err);
    return rc;
}

/* --- does it match? ------------------------------------------------------ */

static void test_rows(cu_call *c, unsigned options, bool negate)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        cu_regex *re;
        bool hit = false;
        int rc = cu_regex_get(c->memo, text_arg(c, 1, r), options, &re, &err);
        rc = rc ? rc : cu_regex_test(re, text_arg(c, 0, r), &hit, &err);
        CU_OUT(uint8_t, c)[r] = hit != negate;
        if (rc)
            cu_call_fail_err(c, r, &err);
    }
}

static void matches(cu_call *c)
{
    test_rows(c, 0, false);
}

static void matches_not(cu_call *c)
{
    test_rows(c, 0, true);
}

static void matches_any_case(cu_call *c)
{
    test_rows(c, CU_RE_ICASE, false);
}

static void matches_not_any_case(cu_call *c)
{
    test_rows(c, CU_RE_ICASE, true);
}

static void like_kernel(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        cu_regex *re;
        flags f;
        bool hit = false;
        int rc = read_flags(text_arg(c, 2, r), "regexp_like", &f, &err);
        rc = rc ? rc
                : cu_regex_get(c->memo, text_arg(c, 1, r), f.options, &re,
                               &err);
        rc = rc ? rc : cu_regex_test(re, text_arg(c, 0, r), &hit, &err);
        CU_OUT(uint8_t, c)[r] = hit;
        if (rc)
            cu_call_fail_err(c, r, &err);
    }
}

/* --- where, how often ---------------------------------------------------- */

static int count(const cu_call *c, uint32_t r, int32_t *out, cu_err *err)
{
    const int32_t start = int_arg(c, 2, r, 1);
    search s;
    flags f;
    bool hit = true;
    int rc = at_least(start, 1, "start", err);
    rc = rc ? rc : read_flags(text_arg(c, 3, r), "regexp_count", &f, err);
    rc = rc ? rc
            : begin(c->memo, text_arg(c, 0, r), text_arg(c, 1, r), f.options,
                    start, &s, err);
    for (*out = 0; !rc; ++*out) {
        rc = next(&s, &hit, err);
        if (!hit)
            break;
    }
    return rc;
}

static void count_kernel(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        if (count(c, r, &CU_OUT(int32_t, c)[r], &err))
            cu_call_fail_err(c, r, &err);
    }
}

/* The part that instr and substr speak of; absent: there is none. */
static int part(const cu_call *c, uint32_t r, const char *name, uint32_t k,
                search *s, cu_regex_span *out, cu_err *err)
{
    const int32_t start = int_arg(c, 2, r, 1), n = int_arg(c, 3, r, 1);
    const int32_t group = int_arg(c, k + 1, r, 0);
    flags f;
    bool hit;
    *out = (cu_regex_span){SIZE_MAX, SIZE_MAX};
    int rc = at_least(start, 1, "start", err);
    rc = rc ? rc : at_least(n, 1, "n", err);
    rc = rc ? rc : at_least(group, 0, "subexpr", err);
    rc = rc ? rc : read_flags(text_arg(c, k, r), name, &f, err);
    rc = rc ? rc
            : begin(c->memo, text_arg(c, 0, r), text_arg(c, 1, r), f.options,
                    start, s, err);
    rc = rc ? rc : nth(s, n, &hit, err);
    if (rc || !hit)
        return rc;
    const uint32_t groups = cu_regex_groups(s->re);
    if (group == 0 || (groups == 0 && group == 1))
        *out = s->m[0];
    else if (group <= (int32_t)groups)
        *out = s->m[group];
    return 0;
}

static void instr_kernel(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        search s;
        cu_regex_span m = {SIZE_MAX, SIZE_MAX};
        const int32_t end = int_arg(c, 4, r, 0);
        int rc = part(c, r, "regexp_instr", 5, &s, &m, &err);
        if (!rc && end != 0 && end != 1)
            rc = bad(&err, "invalid value for parameter \"%s\": %d",
                     "endoption", end);
        int32_t *out = &CU_OUT(int32_t, c)[r];
        *out = 0;
        if (rc)
            cu_call_fail_err(c, r, &err);
        else if (m.from != SIZE_MAX)
            *out = (int32_t)cu_utf8_length(piece(&s, 0, end ? m.to : m.from)) +
                   1;
    }
}

static void substr_kernel(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        search s;
        cu_regex_span m;
        if (part(c, r, "regexp_substr", 4, &s, &m, &err))
            cu_call_fail_err(c, r, &err);
        else if (m.from == SIZE_MAX)
            cu_call_null(c, r);
        else
            CU_OUT(cu_slice, c)[r] = piece(&s, m.from, m.to);
    }
}

/* Group 1, or all when there is none. */
static int first_part(const cu_call *c, cu_slice text, cu_slice pattern,
                      cu_slice *out, cu_err *err)
{
    search s;
    bool hit = false;
    *out = CU_NULL_SLICE;
    int rc = begin(c->memo, text, pattern, 0, 1, &s, err);
    rc = rc ? rc : next(&s, &hit, err);
    if (!rc && hit)
        *out = span(&s, cu_regex_groups(s.re) ? 1 : 0);
    return rc;
}

static void put_part(cu_call *c, uint32_t r, cu_slice text, cu_slice pattern)
{
    cu_err err = {0};
    cu_slice out;
    if (first_part(c, text, pattern, &out, &err))
        cu_call_fail_err(c, r, &err);
    else if (!out.data)
        cu_call_null(c, r);
    else
        CU_OUT(cu_slice, c)[r] = out;
}

static void substring_kernel(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)
        put_part(c, r, text_arg(c, 0, r), text_arg(c, 1, r));
}

/* The pattern is looked at even where there is no text, as PostgreSQL does. */
static void substring_similar(cu_call *c)
{
    cu_buf pattern = {0};
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        if (cu_col_is_null(c->args[1], r) || cu_col_is_null(c->args[2], r)) {
            cu_call_null(c, r);
            continue;
        }
        cu_buf_clear(&pattern);
        if (cu_regex_similar(text_arg(c, 1, r), text_arg(c, 2, r), &pattern,
                             &err))
            cu_call_fail_err(c, r, &err);
        else if (cu_col_is_null(c->args[0], r))
            cu_call_null(c, r);
        else
            put_part(c, r, text_arg(c, 0, r), cu_buf_slice(&pattern));
    }
    cu_buf_free(&pattern);
}

static void similar_kernel(cu_call *c)
{
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        cu_slice escape = c->n_args > 1 ? text_arg(c, 1, r) : CU_LIT("\\");
        if (cu_regex_similar(text_arg(c, 0, r), escape, c->scratch, &err)) {
            c->scratch->len = at;
            cu_call_fail_err(c, r, &err);
        } else {
            at = cu_text_row(c, r, at);
        }
    }
    cu_text_finish(c);
}

/* --- replacing ----------------------------------------------------------- */

static void put_replacement(const search *s, cu_slice with, cu_buf *out)
{
    for (size_t i = 0; i < with.len; i++) {
        const char c = with.data[i];
        const char n = c == '\\' && i + 1 < with.len ? with.data[i + 1] : 0;
        cu_slice group = CU_NULL_SLICE;
        if (n >= '1' && n <= '9' &&
            (uint32_t)(n - '0') <= cu_regex_groups(s->re))
            group = span(s, (uint32_t)(n - '0'));
        else if (n == '&')
            group = span(s, 0);
        else if (n == '\\')
            group = CU_LIT("\\");
        else if (!(n >= '1' && n <= '9')) {
            cu_buf_put_u8(out, (uint8_t)c);
            continue;
        }
        if (group.data)
            cu_buf_put_slice(out, group);
        i++;
    }
}

/* `n` 0: all matches. */
static int replace(search *s, cu_slice with, int32_t n, cu_buf *out,
                   cu_err *err)
{
    size_t done = 0;
    bool hit = true;
    int rc = 0;
    for (int32_t i = 1; hit && !rc; i++) {
        rc = next(s, &hit, err);
        if (rc || !hit || (n && i < n))
            continue;
        cu_buf_put_slice(out, piece(s, done, s->m->from));
        put_replacement(s, with, out);
        done = s->m->to;
        if (n)
            break;
    }
    cu_buf_put_slice(out, piece(s, done, s->s.len));
    return rc;
}

/* (text, pattern, with [, flags]) or (…, start [, n [, flags]]) */
static int replace_row(cu_call *c, uint32_t r, cu_err *err)
{
    const bool placed = c->n_args > 3 && c->args[3]->type.kind == CU_T_INT4;
    const int32_t start = placed ? int_arg(c, 3, r, 1) : 1;
    int32_t n = int_arg(c, 4, r, 1);
    flags f;
    search s;
    int rc = at_least(start, 1, "start", err);
    rc = rc ? rc : at_least(n, 0, "n", err);
    rc = rc ? rc : read_flags(text_arg(c, placed ? 5 : 3, r), NULL, &f, err);
    rc = rc ? rc
            : begin(c->memo, text_arg(c, 0, r), text_arg(c, 1, r), f.options,
                    start, &s, err);
    if (c->n_args < 5 && !rc && f.global)
        n = 0;
    return rc ? rc : replace(&s, text_arg(c, 2, r), n, c->scratch, err);
}

static void replace_kernel(cu_call *c)
{
    size_t at = cu_text_start(c);
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        if (replace_row(c, r, &err)) {
            c->scratch->len = at;
            cu_call_fail_err(c, r, &err);
        } else {
            at = cu_text_row(c, r, at);
        }
    }
    cu_text_finish(c);
}

/* --- lists --------------------------------------------------------------- */

typedef struct texts {
    cu_arena *a;
    cu_value *v;
    uint32_t n, cap;
} texts;

static void add(texts *t, cu_value v)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 8;
        cu_value *more = cu_arena_alloc(t->a, t->cap * sizeof(*more));
        if (t->n)
            memcpy(more, t->v, t->n * sizeof(*more));
        t->v = more;
    }
    t->v[t->n++] = v;
}

static cu_value text_value(cu_slice s)
{
    return (cu_value){.type = CU_TYPE(CU_T_TEXT), .null = !s.data, .s = s};
}

/* The groups of a match, or all of it when there are none. */
static cu_slice match_array(const search *s, cu_arena *a)
{
    cu_value v[CU_REGEX_GROUPS];
    const uint32_t groups = cu_regex_groups(s->re);
    const uint32_t first = groups ? 1 : 0, n = groups ? groups : 1;
    for (uint32_t i = 0; i < n; i++)
        v[i] = text_value(span(s, first + i));
    return cu_array_make(a, CU_TYPE(CU_T_TEXT), v, n);
}

static void match_kernel(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        search s;
        flags f;
        bool hit = false;
        int rc = read_flags(text_arg(c, 2, r), "regexp_match", &f, &err);
        rc = rc ? rc
                : begin(c->memo, text_arg(c, 0, r), text_arg(c, 1, r),
                        f.options, 1, &s, &err);
        rc = rc ? rc : next(&s, &hit, &err);
        if (rc)
            cu_call_fail_err(c, r, &err);
        else if (!hit)
            cu_call_null(c, r);
        else
            CU_OUT(cu_slice, c)[r] = match_array(&s, c->arena);
    }
}

/* What stands between matches; empty ones at the ends or right behind another
 * one do not count. */
static int split(search *s, texts *out, cu_err *err)
{
    size_t done = 0, last = 0;
    bool hit = true;
    int rc = 0;
    for (;;) {
        rc = next(s, &hit, err);
        if (rc || !hit)
            break;
        if (s->m->from < s->s.len && s->m->to > last) {
            add(out, text_value(piece(s, done, s->m->from)));
            done = s->m->to;
        }
        last = s->m->to;
    }
    add(out, text_value(piece(s, done, s->s.len)));
    return rc;
}

static void split_kernel(cu_call *c)
{
    for (uint32_t i = 0, r; cu_call_next(c, &i, &r);) {
        cu_err err = {0};
        search s;
        flags f;
        texts t = {.a = c->arena};
        int rc = read_flags(text_arg(c, 2, r), "regexp_split_to_array", &f,
                            &err);
        rc = rc ? rc
                : begin(c->memo, text_arg(c, 0, r), text_arg(c, 1, r),
                        f.options, 1, &s, &err);
        rc = rc ? rc : split(&s, &t, &err);
        if (rc)
            cu_call_fail_err(c, r, &err);
        else
            CU_OUT(cu_slice, c)
        [r] = cu_array_make(c->arena, CU_TYPE(CU_T_TEXT), t.v, t.n);
    }
}

static int all_matches(search *s, bool global, texts *out, cu_err *err)
{
    bool hit = true;
    int rc = 0;
    do {
        rc = next(s, &hit, err);
        if (!rc && hit)
            add(out, (cu_value){.type = cu_array_type(CU_T_TEXT),
                                .s = match_array(s, out->a)});
    } while (!rc && hit && global);
    return rc;
}

int cu_regex_set(const cu_func *func, const cu_value *args, uint32_t n_args,
                 cu_arena *a, cu_set_rows *out, cu_err *err)
{
    const bool splits = func->result == CU_T_TEXT;
    cu_memo *own = out->memo ? NULL : cu_memo_new();
    search s;
    flags f;
    texts t = {.a = a};
    int rc = read_flags(n_args > 2 ? args[2].s : CU_LIT(""),
                        splits ? "regexp_split_to_table" : NULL, &f, err);
    rc = rc ? rc
            : begin(own ? own : out->memo, args[0].s, args[1].s, f.options, 1,
                    &s, err);
    if (!rc)
        rc = splits ? split(&s, &t, err) : all_matches(&s, f.global, &t, err);
    cu_memo_free(own);
    out->values = t.v;
    out->n = rc ? 0 : t.n;
    return rc;
}

/* --- the catalog --------------------------------------------------------- */

#define T  CU_T_TEXT
#define B  CU_T_BOOL
#define I4 CU_T_INT4
#define A  CU_T_ARRAY

#define LIST(k, nm, res, ker, text, ...)                              \
    {                                                                 \
        CU_ENTRY(k, nm, res, ker, text, __VA_ARGS__), .array_elem = T \
    }

static const cu_func list[] = {
    CU_OP("~", B, matches, "x matches the regular expression y", T, T),
    CU_OP("!~", B, matches_not, "x does not match y", T, T),
    CU_OP("~*", B, matches_any_case, "x matches y in any case", T, T),
    CU_OP("!~*", B, matches_not_any_case, "x does not match y in any case", T,
          T),
    CU_FN("regexp_like", B, like_kernel, "x matches y", T, T),
    CU_FN("regexp_like", B, like_kernel, "x matches y, with flags", T, T, T),
    CU_FN("regexp_count", I4, count_kernel, "how often y matches", T, T),
    CU_FN("regexp_count", I4, count_kernel, "how often y matches, from a place",
          T, T, I4),
    CU_FN("regexp_count", I4, count_kernel,
          "how often y matches, from a place, with flags", T, T, I4, T),
    CU_FN("regexp_instr", I4, instr_kernel, "place of the first match, 0: none",
          T, T),
    CU_FN("regexp_instr", I4, instr_kernel, "the same from a place", T, T, I4),
    CU_FN("regexp_instr", I4, instr_kernel, "place of the n-th match", T, T, I4,
          I4),
    CU_FN("regexp_instr", I4, instr_kernel, "the same; 1: behind the match", T,
          T, I4, I4, I4),
    CU_FN("regexp_instr", I4, instr_kernel, "the same with flags", T, T, I4, I4,
          I4, T),
    LIST(CU_FUNC_SCALAR, "regexp_instr", I4, instr_kernel,
         "place of a group of the n-th match", T, T, I4, I4, I4, T, I4),
    CU_FN("regexp_substr", T, substr_kernel, "the first match", T, T),
    CU_FN("regexp_substr", T, substr_kernel, "the same from a place", T, T, I4),
    CU_FN("regexp_substr", T, substr_kernel, "the n-th match", T, T, I4, I4),
    CU_FN("regexp_substr", T, substr_kernel, "the same with flags", T, T, I4,
          I4, T),
    CU_FN("regexp_substr", T, substr_kernel, "a group of the n-th match", T, T,
          I4, I4, T, I4),
    CU_FN("substring", T, substring_kernel,
          "what a regular expression or its first group matches", T, T),
    {.name = "substring",
     .kind = CU_FUNC_SCALAR,
     .n_args = 3,
     .args = {T, T, T},
     .result = T,
     .kernel = substring_similar,
     .doc = "the middle part of an SQL regular expression"},
    CU_FN("similar_to_escape", T, similar_kernel, "the pattern of SIMILAR TO",
          T),
    CU_FN("similar_to_escape", T, similar_kernel,
          "the pattern of SIMILAR TO … ESCAPE y", T, T),
    CU_FN("regexp_replace", T, replace_kernel,
          "the first match replaced; \\1 … \\9, \\& stand for what matched", T,
          T, T),
    CU_FN("regexp_replace", T, replace_kernel, "the same with flags; g: all", T,
          T, T, T),
    CU_FN("regexp_replace", T, replace_kernel, "the same from a place", T, T, T,
          I4),
    CU_FN("regexp_replace", T, replace_kernel,
          "the n-th match replaced, 0: all", T, T, T, I4, I4),
    CU_FN("regexp_replace", T, replace_kernel, "the same with flags", T, T, T,
          I4, I4, T),
    LIST(CU_FUNC_SCALAR, "regexp_match", A, match_kernel,
         "the groups of the first match", T, T),
    LIST(CU_FUNC_SCALAR, "regexp_match", A, match_kernel, "the same with flags",
         T, T, T),
    LIST(CU_FUNC_SCALAR, "regexp_split_to_array", A, split_kernel,
         "what stands between matches", T, T),
    LIST(CU_FUNC_SCALAR, "regexp_split_to_array", A, split_kernel,
         "the same with flags", T, T, T),
    LIST(CU_FUNC_SET, "regexp_matches", A, NULL,
         "the groups of the first match", T, T),
    LIST(CU_FUNC_SET, "regexp_matches", A, NULL,
         "the same with flags; g: a row for each match", T, T, T),
    LIST(CU_FUNC_SET, "regexp_split_to_table", T, NULL,
         "a row for what stands between matches", T, T),
    LIST(CU_FUNC_SET, "regexp_split_to_table", T, NULL, "the same with flags",
         T, T, T),
};
CU_PART(cu_part_regex, list);
