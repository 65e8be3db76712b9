/* Regular expressions: PostgreSQL's advanced ones, run by PCRE2.
 *
 * A pattern is translated (regex_parse.c), compiled once and remembered in a
 * cu_memo.  What matches at all is PostgreSQL's answer.  Where a match ends is
 * too: the longest possible end, or the shortest where the expression is
 * non-greedy as a whole.  What parentheses captured within it follows PCRE2's
 * priorities: the first alternative that fits, not the longest.
 *
 * Thread: a memo has one owner.
 */
#ifndef CU_EXPR_REGEX_H
#define CU_EXPR_REGEX_H

#include "base/bytes.h"
#include "base/err.h"
#include "processors/expr/func.h"

typedef enum cu_regex_option {
    CU_RE_ICASE = 1,
    CU_RE_NEWLINE_STOPS = 2,   /* for . and [^…] */
    CU_RE_NEWLINE_ANCHORS = 4, /* for ^ and $ */
    CU_RE_EXPANDED = 8,        /* white space and comments */
    CU_RE_LITERAL = 16,        /* no pattern at all */
} cu_regex_option;

typedef struct cu_regex cu_regex;

/* Bytes of the subject; SIZE_MAX: took no part. */
typedef struct cu_regex_span {
    size_t from, to;
} cu_regex_span;

enum { CU_REGEX_GROUPS = 100 };

/* The compiled pattern, lent until the next call with this memo. 2201B: it is
 * no regular expression. */
int cu_regex_get(cu_memo *m, cu_slice pattern, unsigned options, cu_regex **out,
                 cu_err *err);
/* Parentheses that capture. */
uint32_t cu_regex_groups(const cu_regex *r);
int cu_regex_test(cu_regex *r, cu_slice subject, bool *hit, cu_err *err);
/* The first match at or after byte `from`: spans[0] is all of it, spans[i]
 * group i; 1 + groups of them, at most CU_REGEX_GROUPS. */
int cu_regex_find(cu_regex *r, cu_slice subject, size_t from,
                  cu_regex_span *spans, bool *hit, cu_err *err);

/* --- the translation ------------------------------------------------------ */

typedef struct cu_regex_text {
    cu_buf *pcre;     /* the caller's */
    unsigned options; /* with those that the pattern itself sets */
    uint32_t groups;
    bool shortest; /* non-greedy as a whole */
    bool plain;    /* PCRE2's first match is the longest one, too */
} cu_regex_text;
int cu_regex_translate(cu_slice pattern, unsigned options, cu_regex_text *out,
                       cu_err *err);
/* An SQL regular expression (SIMILAR TO) as an advanced one. `escape` absent:
 * none. */
int cu_regex_similar(cu_slice pattern, cu_slice escape, cu_buf *out,
                     cu_err *err);

#endif
