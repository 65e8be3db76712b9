/* A view's text made smaller: spans of tokens are left out, longest first, as
 * long as the case still differs.
 *
 * PostgreSQL judges what is SQL.  A span is tried when its brackets match and
 * when it breaks no ORDER BY: an order that is cut short would leave the
 * answer open, so it goes with the brackets around it or not at all.
 */
#include "tests/oracle/view_case.h"

#include <ctype.h>

enum { MOST_TOKENS = 1000, LONGEST = 60 };

typedef struct token {
    const char *at;
    uint32_t len;
    bool frozen; /* of an ORDER BY */
    bool gone;
} token;

typedef struct tokens {
    token at[MOST_TOKENS];
    uint32_t n;
} tokens;

static uint32_t length(const char *p)
{
    uint32_t n = 1;
    if (*p == '\'') {
        while (p[n] && (p[n] != '\'' || p[n + 1] == '\''))
            n += p[n] == '\'' ? 2 : 1;
        return n + (p[n] != 0);
    }
    if (!isalnum((unsigned char)*p) && *p != '_')
        return 1;
    while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '.')
        n++;
    return n;
}

static bool is(const token *t, const char *word)
{
    return t->len == strlen(word) && memcmp(t->at, word, t->len) == 0;
}

/* From each ORDER to the end of its brackets. */
static void freeze(tokens *t)
{
    for (uint32_t i = 0; i + 1 < t->n; i++) {
        if (!is(&t->at[i], "ORDER") || !is(&t->at[i + 1], "BY"))
            continue;
        int depth = 0;
        for (uint32_t k = i; k < t->n && depth >= 0; k++) {
            depth += is(&t->at[k], "(") - is(&t->at[k], ")");
            t->at[k].frozen = t->at[k].frozen || depth >= 0;
        }
    }
}

static bool split(const char *text, tokens *t)
{
    t->n = 0;
    for (const char *p = text; *p; p += t->at[t->n++].len) {
        while (*p == ' ' || *p == '\n')
            p++;
        if (*p == 0)
            break;
        if (t->n == MOST_TOKENS)
            return false;
        t->at[t->n] = (token){p, length(p), false, false};
    }
    freeze(t);
    return true;
}

static const char *joined(const tokens *t, cu_arena *a)
{
    cu_buf b = {0};
    for (uint32_t i = 0; i < t->n; i++)
        if (!t->at[i].gone) {
            cu_buf_put(&b, t->at[i].at, t->at[i].len);
            const char *end = t->at[i].at + t->at[i].len;
            if (*end == ' ' || *end == '\n')
                cu_buf_put_str(&b, " ");
        }
    const char *out = cu_arena_strn(a, b.data ? b.data : "", b.len);
    cu_buf_free(&b);
    return out;
}

/* May from .. to (not included) go? */
static bool whole(const tokens *t, uint32_t from, uint32_t to)
{
    int depth = 0;
    if (t->at[from].gone)
        return false;
    for (uint32_t i = from; i < to; i++) {
        depth += is(&t->at[i], "(") - is(&t->at[i], ")");
        if (depth < 0)
            return false;
        if (t->at[i].frozen && depth == 0 && !t->at[i].gone)
            return false;
    }
    return depth == 0;
}

static bool without(cu_case_view *v, tokens *t, uint32_t from, uint32_t to,
                    cu_arena *a, cu_case_still *still, void *ctx)
{
    const char *before = v->text;
    bool gone[LONGEST];
    for (uint32_t i = from; i < to; i++) {
        gone[i - from] = t->at[i].gone;
        t->at[i].gone = true;
    }
    v->text = joined(t, a);
    if (still(ctx))
        return true;
    v->text = before;
    for (uint32_t i = from; i < to; i++)
        t->at[i].gone = gone[i - from];
    return false;
}

void cu_case_shrink(cu_case_view *v, cu_arena *a, cu_case_still *still,
                    void *ctx)
{
    if (v->theirs)
        return;
    tokens *t = cu_arena_calloc(a, 1, sizeof(*t));
    cu_buf b = {0};
    cu_case_select(v, true, &b);
    const char *text = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    if (!split(text, t))
        return;
    v->text = text;
    for (uint32_t n = LONGEST; n > 0; n -= n > 12 ? 3 : 1)
        for (uint32_t from = 0; from + n <= t->n; from++)
            if (whole(t, from, from + n))
                without(v, t, from, from + n, a, still, ctx);
}
