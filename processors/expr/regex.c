/* Regular expressions by PCRE2: compiling, remembering, matching.
 *
 *   test    does it match?            one match
 *   find    from where to where?      1. a match, as PCRE2 prefers
 *                                     2. unless it is plain: the longest (or
 *                                        shortest) end from the same start,
 *                                        by the automaton matcher
 *                                     3. when the ends differ: a match that is
 *                                        made to end there, for the groups
 *
 * A pattern with back references stays with step 1: automata have none.
 *
 * Backtracking is bounded by PCRE2's match, depth and heap limits: what needs
 * more fails with 54001, so no pattern and no text can hold up a worker.
 *
 * The memo keeps the last patterns, most recent first.
 */
#include "processors/expr/regex.h"

#include "base/alloc.h"
#include "processors/expr/path.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    REMEMBERED = 32,
    MATCH_LIMIT = 1000000,
    HEAP_LIMIT_KIB = 16384,
    LENGTH_LIMIT = 1 << 20, /* of a pattern, compiled, roughly */
    WORKSPACE = 8192,
};
#define E_REGEX   CU_SQLSTATE('2', '2', '0', '1', 'B')
#define E_COMPLEX CU_SQLSTATE('5', '4', '0', '0', '1')

struct cu_regex {
    cu_slice pattern; /* as given */
    unsigned options; /* as given */
    cu_regex_text text;
    uint32_t pcre_options;
    cu_buf pcre;
    pcre2_code *code, *ends; /* `ends`: with a callout at its end; or NULL */
    pcre2_match_data *data;
    cu_memo *memo;
};

struct cu_memo {
    cu_regex *all[REMEMBERED];
    uint32_t n;
    pcre2_general_context *general;
    pcre2_compile_context *compile;
    pcre2_match_context *match;
    pcre2_match_data *automaton;
    int *workspace;
    cu_jsonpaths *paths; /* of SQL/JSON, for path_func.c */
};

/* --- memory -------------------------------------------------------------- */

static void *get(size_t size, void *ctx)
{
    (void)ctx;
    return cu_alloc(size ? size : 1);
}

static void drop(void *p, void *ctx)
{
    (void)ctx;
    cu_free(p);
}

cu_memo *cu_memo_new(void)
{
    return cu_calloc(1, sizeof(cu_memo));
}

static void start(cu_memo *m)
{
    if (m->general)
        return;
    m->general = pcre2_general_context_create(get, drop, NULL);
    m->compile = pcre2_compile_context_create(m->general);
    m->match = pcre2_match_context_create(m->general);
    m->automaton = pcre2_match_data_create(1, m->general);
    m->workspace = cu_alloc(WORKSPACE * sizeof(*m->workspace));
    pcre2_set_newline(m->compile, PCRE2_NEWLINE_LF);
    pcre2_set_max_pattern_length(m->compile, LENGTH_LIMIT);
    pcre2_set_match_limit(m->match, MATCH_LIMIT);
    pcre2_set_heap_limit(m->match, HEAP_LIMIT_KIB);
}

static void forget(cu_regex *r)
{
    pcre2_match_data_free(r->data);
    pcre2_code_free(r->code);
    pcre2_code_free(r->ends);
    cu_buf_free(&r->pcre);
    cu_free((char *)r->pattern.data);
    cu_free(r);
}

void cu_memo_free(cu_memo *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->n; i++)
        forget(m->all[i]);
    pcre2_match_data_free(m->automaton);
    pcre2_match_context_free(m->match);
    pcre2_compile_context_free(m->compile);
    pcre2_general_context_free(m->general);
    cu_free(m->workspace);
    cu_jsonpaths_free(m->paths);
    cu_free(m);
}

cu_jsonpaths **cu_memo_jsonpaths(cu_memo *m)
{
    return &m->paths;
}

/* --- compiling ----------------------------------------------------------- */

static int bad_pattern(int code, cu_err *err)
{
    PCRE2_UCHAR why[160];
    pcre2_get_error_message(code, why, sizeof(why));
    cu_fail(err, CU_DATA, 0, "invalid regular expression: %s", (char *)why);
    if (err)
        err->sqlstate = E_REGEX;
    return CU_DATA;
}

static int compile(const cu_regex *r, pcre2_code **out, cu_err *err)
{
    int why;
    PCRE2_SIZE at;
    *out = pcre2_compile((PCRE2_SPTR)(r->pcre.data ? r->pcre.data : ""),
                         r->pcre.len, r->pcre_options, &why, &at,
                         r->memo->compile);
    if (!*out)
        return bad_pattern(why, err);
    /* Without it the interpreter runs: slower, nothing else. */
    (void)pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE);
    return 0;
}

static uint32_t pcre_options(unsigned o)
{
    return PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C |
           PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX |
           (o & CU_RE_ICASE ? PCRE2_CASELESS : 0) |
           (o & CU_RE_NEWLINE_STOPS ? 0 : PCRE2_DOTALL) |
           (o & CU_RE_NEWLINE_ANCHORS ? PCRE2_MULTILINE : 0);
}

static int make(cu_memo *m, cu_slice pattern, unsigned options, cu_regex **out,
                cu_err *err)
{
    start(m);
    cu_regex *r = cu_calloc(1, sizeof(*r));
    char *copy = cu_alloc(pattern.len + 1);
    if (pattern.len)
        memcpy(copy, pattern.data, pattern.len);
    r->memo = m;
    r->pattern = cu_slice_n(copy, pattern.len);
    r->options = options;
    r->text.pcre = &r->pcre;
    int rc = cu_regex_translate(r->pattern, options, &r->text, err);
    /* Automata do not look behind a possessive quantifier. */
    r->pcre_options = pcre_options(r->text.options) |
                      (r->text.plain ? 0 : PCRE2_NO_AUTO_POSSESS);
    rc = rc ? rc : compile(r, &r->code, err);
    if (rc) {
        forget(r);
        return rc;
    }
    r->data = pcre2_match_data_create_from_pattern(r->code, m->general);
    *out = r;
    return 0;
}

int cu_regex_get(cu_memo *m, cu_slice pattern, unsigned options, cu_regex **out,
                 cu_err *err)
{
    uint32_t i = 0;
    while (i < m->n && (m->all[i]->options != options ||
                        !cu_slice_eq(m->all[i]->pattern, pattern)))
        i++;
    cu_regex *r = i < m->n ? m->all[i] : NULL;
    if (!r) {
        int rc = make(m, pattern, options, &r, err);
        if (rc)
            return rc;
        if (m->n == REMEMBERED)
            forget(m->all[--m->n]);
        i = m->n++;
    }
    memmove(&m->all[1], &m->all[0], i * sizeof(*m->all));
    m->all[0] = r;
    *out = r;
    return 0;
}

uint32_t cu_regex_groups(const cu_regex *r)
{
    return r->text.groups < CU_REGEX_GROUPS - 1 ? r->text.groups
                                                : CU_REGEX_GROUPS - 1;
}

/* --- matching ------------------------------------------------------------ */

static int too_complex(cu_err *err)
{
    cu_fail(err, CU_LIMIT, 0, "regular expression is too complex");
    if (err)
        err->sqlstate = E_COMPLEX;
    return CU_LIMIT;
}

static PCRE2_SPTR bytes_of(cu_slice s)
{
    return (PCRE2_SPTR)(s.data ? s.data : "");
}

/* > 0: a match; 0: none. */
static int run(const cu_regex *r, const pcre2_code *code, cu_slice s,
               size_t from, uint32_t options, cu_err *err)
{
    options |= PCRE2_NO_UTF_CHECK;
    int rc = pcre2_match(code, bytes_of(s), s.len, from, options, r->data,
                         r->memo->match);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(code, bytes_of(s), s.len, from, options | PCRE2_NO_JIT,
                         r->data, r->memo->match);
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    return rc >= 0 ? 1 : -too_complex(err);
}

int cu_regex_test(cu_regex *r, cu_slice s, bool *hit, cu_err *err)
{
    int rc = run(r, r->code, s, 0, 0, err);
    *hit = rc > 0;
    return rc < 0 ? -rc : 0;
}

static int ends_there(pcre2_callout_block *b, void *wanted)
{
    return b->current_position != *(size_t *)wanted;
}

/* Where the match that starts at `from` ends; SIZE_MAX: only PCRE2 knows. */
static int wanted_end(const cu_regex *r, cu_slice s, size_t from, size_t *end,
                      cu_err *err)
{
    uint32_t options = PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK |
                       (r->text.shortest ? PCRE2_DFA_SHORTEST : 0);
    int rc = pcre2_dfa_match(r->code, bytes_of(s), s.len, from, options,
                             r->memo->automaton, r->memo->match,
                             r->memo->workspace, WORKSPACE);
    *end = SIZE_MAX;
    if (rc == PCRE2_ERROR_DFA_UITEM || rc == PCRE2_ERROR_DFA_UCOND ||
        rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc < 0)
        return too_complex(err);
    *end = pcre2_get_ovector_pointer(r->memo->automaton)[1];
    return 0;
}

static int match_until(cu_regex *r, cu_slice s, size_t from, size_t end,
                       cu_err *err)
{
    if (!r->ends) {
        cu_buf text = {0};
        cu_buf_printf(&text, "(?:%.*s)(?C1)", (int)r->pcre.len, r->pcre.data);
        cu_buf plain = r->pcre;
        r->pcre = text;
        int rc = compile(r, &r->ends, err);
        r->pcre = plain;
        cu_buf_free(&text);
        if (rc)
            return rc;
    }
    pcre2_set_callout(r->memo->match, ends_there, &end);
    int rc = run(r, r->ends, s, from, PCRE2_ANCHORED, err);
    pcre2_set_callout(r->memo->match, NULL, NULL);
    if (rc == 0)
        rc = run(r, r->code, s, from, PCRE2_ANCHORED, err);
    return rc < 0 ? -rc : 0;
}

int cu_regex_find(cu_regex *r, cu_slice s, size_t from, cu_regex_span *spans,
                  bool *hit, cu_err *err)
{
    int rc = run(r, r->code, s, from, 0, err);
    *hit = rc > 0;
    if (rc <= 0)
        return -rc;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(r->data);
    if (!r->text.plain) {
        const size_t start_at = at[0], end_at = at[1];
        size_t end;
        rc = wanted_end(r, s, start_at, &end, err);
        if (!rc && end != SIZE_MAX && end != end_at)
            rc = match_until(r, s, start_at, end, err);
        if (rc)
            return rc;
    }
    for (uint32_t i = 0; i <= cu_regex_groups(r); i++)
        spans[i] = at[2 * i] == PCRE2_UNSET
                       ? (cu_regex_span){SIZE_MAX, SIZE_MAX}
                       : (cu_regex_span){at[2 * i], at[2 * i + 1]};
    return 0;
}
