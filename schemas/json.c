/* Reads JSON records: checks everything, notes what is declared.
 *
 * simdjson's first stage lists where tokens start (json_simd.h); this file
 * walks that list once.  Between two starts lie one token and white space,
 * so the end of a token is the next start without the white space before
 * it, and a token is checked as a whole: `01`, `1"a"`, `trux` do not pass.
 *
 *     value(node)   declared: its slots are filled, its members looked up
 *     skip()        not declared: the same checks, no recursion
 *
 * J1  A record is good or bad whatever is declared (decision 9): both ways
 *     run the same checks on every token.
 * J2  Nothing is read at or behind the end of the text.
 * J3  Recursion is as deep as the declared paths (CU_PATH_STEPS), never as
 *     deep as the data; depth of data is counted, at most
 *     CU_JSON_MAX_DEPTH.
 * J4  Of duplicate names the last counts: a slot is overwritten, and a
 *     node that is entered again forgets what is below it.
 */
#include "schemas/json.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "rows/json.h"
#include "schemas/json_simd.h"

struct cu_json {
    cu_simd *simd;
    uint64_t kinds[(CU_JSON_MAX_DEPTH + 64) / 64]; /* bit set: an object */
};

/* One walk. */
typedef struct walk {
    const char *s;
    const uint32_t *at, *end; /* *end is the length of the text */
    cu_raw *slots;
    uint64_t *kinds;
    cu_arena *arena;
    uint32_t depth, round;
    bool escapes; /* there is a backslash somewhere */
} walk;

cu_json *cu_json_new(void)
{
    cu_json *j = cu_calloc(1, sizeof(*j));
    j->simd = cu_simd_new();
    CU_ASSERT(j->simd);
    return j;
}

void cu_json_free(cu_json *j)
{
    if (!j)
        return;
    cu_simd_free(j->simd);
    cu_free(j);
}

static inline bool is_blank(char ch)
{
    return ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t';
}

static inline bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

/* --- tokens ----------------------------------------------------------------
 */

static int hex4(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char low = (char)(p[i] | 32);
        int digit = is_digit(p[i])             ? p[i] - '0'
                    : low >= 'a' && low <= 'f' ? low - 'a' + 10
                                               : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* The \u escape at p (behind the u); moves behind it. */
static bool unicode_escape(const char **p, const char *end)
{
    int v = hex4(*p, end);
    if (v <= 0 || (v >= 0xDC00 && v <= 0xDFFF))
        return false;
    *p += 4;
    if (v < 0xD800 || v > 0xDBFF)
        return true;
    if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return false;
    v = hex4(*p + 2, end);
    *p += 6;
    return v >= 0xDC00 && v <= 0xDFFF;
}

/* The escapes of a string's content, from its first backslash on. */
static bool good_escapes(const char *p, const char *end)
{
    while (p) {
        if (++p == end)
            return false;
        switch (*p++) {
        case 'u':
            if (!unicode_escape(&p, end))
                return false;
            break;
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
            break;
        default:
            return false;
        }
        p = memchr(p, '\\', (size_t)(end - p));
    }
    return true;
}

static bool good_number(const char *p, const char *end)
{
    p += *p == '-';
    if (p == end || !is_digit(*p))
        return false;
    if (*p++ != '0')
        while (p < end && is_digit(*p))
            p++;
    if (p < end && *p == '.') {
        if (++p == end || !is_digit(*p))
            return false;
        while (p < end && is_digit(*p))
            p++;
    }
    if (p < end && (*p | 32) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (p == end || !is_digit(*p))
            return false;
        while (p < end && is_digit(*p))
            p++;
    }
    return p == end;
}

/* The token that starts at `start`; `next` is the start of the one behind. */
static inline uint32_t token_end(const walk *w, uint32_t start, uint32_t next)
{
    while (next > start + 1 && is_blank(w->s[next - 1]))
        next--;
    return next;
}

static bool good_string(const walk *w, const char *p, uint32_t len,
                        uint8_t *kind)
{
    if (len < 2 || p[len - 1] != '"')
        return false;
    *kind = CU_RAW_STRING;
    if (!w->escapes)
        return true;
    const char *escape = memchr(p + 1, '\\', len - 2);
    if (!escape)
        return true;
    *kind = CU_RAW_ESCAPED;
    return good_escapes(escape, p + len - 1);
}

static bool word(const char *p, uint32_t len, const char *w, uint32_t w_len)
{
    return len == w_len && !memcmp(p, w, w_len);
}

/* A string, number or word; moves behind it. */
static inline bool scalar(walk *w, cu_raw *out)
{
    uint32_t start = *w->at++;
    const char *p = w->s + start;
    uint32_t len = token_end(w, start, *w->at) - start;
    out->p = p;
    out->len = len;
    switch (*p) {
    case '"':
        return good_string(w, p, len, &out->kind);
    case 't':
        out->kind = CU_RAW_TRUE;
        return word(p, len, "true", 4);
    case 'f':
        out->kind = CU_RAW_FALSE;
        return word(p, len, "false", 5);
    case 'n':
        out->kind = CU_RAW_NULL;
        return word(p, len, "null", 4);
    default:
        out->kind = CU_RAW_NUMBER;
        return good_number(p, p + len);
    }
}

/* --- what is not declared ---------------------------------------------------
 */

static inline bool more(const walk *w)
{
    return w->at < w->end;
}

static inline bool push(walk *w, bool object)
{
    if (w->depth == CU_JSON_MAX_DEPTH)
        return false;
    uint32_t d = w->depth++;
    uint64_t bit = UINT64_C(1) << (d & 63);
    if (object)
        w->kinds[d >> 6] |= bit;
    else
        w->kinds[d >> 6] &= ~bit;
    return true;
}

static inline bool in_object(const walk *w)
{
    uint32_t d = w->depth - 1;
    return w->kinds[d >> 6] >> (d & 63) & 1;
}

/* A name and its colon; moves behind them. */
static bool skip_name(walk *w)
{
    cu_raw name;
    if (!more(w) || w->s[*w->at] != '"' || !scalar(w, &name))
        return false;
    return more(w) && w->s[*w->at++] == ':';
}

/* Closes what closes here; *open: a value follows in what is still open. */
static bool after_value(walk *w, uint32_t base, bool *open)
{
    *open = false;
    while (w->depth > base) {
        if (!more(w))
            return false;
        char ch = w->s[*w->at++];
        bool object = in_object(w);
        if (ch == ',') {
            *open = true;
            return !object || skip_name(w);
        }
        if (ch != (object ? '}' : ']'))
            return false;
        w->depth--;
    }
    return true;
}

/* Any value; moves behind it. */
static bool skip(walk *w)
{
    uint32_t base = w->depth;
    bool open = true;
    cu_raw ignored;
    while (open) {
        if (!more(w))
            return false;
        char ch = w->s[*w->at];
        if (ch == '{' || ch == '[') {
            if (!push(w, ch == '{'))
                return false;
            w->at++;
            if (!more(w))
                return false;
            if (w->s[*w->at] != (ch == '{' ? '}' : ']')) {
                if (ch == '{' && !skip_name(w))
                    return false;
                continue;
            }
        } else if (!scalar(w, &ignored)) {
            return false;
        }
        if (!after_value(w, base, &open))
            return false;
    }
    return true;
}

/* --- what is ----------------------------------------------------------------
 */

static bool value(walk *w, cu_jnode *n);

static inline bool member_value(walk *w, cu_jnode *n)
{
    return n ? value(w, n) : skip(w);
}

/* The node of the name at `start` that no guess fitted; false when the name
 * is no good string. */
static bool find_member(walk *w, cu_jnode *n, uint32_t at, cu_jnode **to)
{
    cu_raw name;
    if (!scalar(w, &name))
        return false;
    cu_slice plain = cu_slice_n(name.p + 1, name.len - 2);
    if (name.kind == CU_RAW_ESCAPED)
        plain = cu_json_unescape(cu_raw_slice(&name), w->arena);
    *to = cu_jnode_member(n, plain);
    if (name.kind == CU_RAW_STRING)
        cu_jnode_learn(n, at, plain, *to);
    return true;
}

/* The `at`-th name of an object, up to and with its colon. */
static inline bool member(walk *w, cu_jnode *n, uint32_t at, cu_jnode **to)
{
    if (!more(w))
        return false;
    uint32_t start = *w->at;
    const char *p = w->s + start;
    if (*p != '"')
        return false;
    const cu_guess *g = &n->guesses[at < CU_GUESSES ? at : 0];
    /* The colon stands right behind the closing quote: then the name is all
     * that lies between, and had no escapes when it was learned. */
    if (g->known && w->at[1] - start == g->len + 2u && p[g->len + 1] == '"' &&
        !memcmp(p + 1, g->name, g->len)) {
        *to = g->to;
        w->at++;
    } else if (!find_member(w, n, at, to)) {
        return false;
    }
    return more(w) && w->s[*w->at++] == ':';
}

static bool object(walk *w, cu_jnode *n)
{
    if (!push(w, true))
        return false;
    w->at++;
    if (more(w) && w->s[*w->at] == '}') {
        w->at++;
        w->depth--;
        return true;
    }
    for (uint32_t i = 0;; i++) {
        cu_jnode *to = NULL;
        if (!member(w, n, i, &to) || !member_value(w, to) || !more(w))
            return false;
        char ch = w->s[*w->at++];
        if (ch == '}') {
            w->depth--;
            return true;
        }
        if (ch != ',')
            return false;
    }
}

static bool array(walk *w, cu_jnode *n)
{
    if (!push(w, false))
        return false;
    w->at++;
    if (more(w) && w->s[*w->at] == ']') {
        w->at++;
        w->depth--;
        return true;
    }
    for (uint32_t i = 0;; i++) {
        if (!member_value(w, cu_jnode_element(n, i)) || !more(w))
            return false;
        char ch = w->s[*w->at++];
        if (ch == ']') {
            w->depth--;
            return true;
        }
        if (ch != ',')
            return false;
    }
}

/* A declared value, or one with declared values inside. */
static bool value(walk *w, cu_jnode *n)
{
    if (!more(w))
        return false;
    if (!n->leaf) {
        if (n->round == w->round)
            cu_jnode_forget(n, w->slots); /* J4 */
        n->round = w->round;
    }
    const char *p = w->s + *w->at;
    cu_raw raw;
    if (*p == '{' || *p == '[') {
        bool good = *p == '{' && n->members    ? object(w, n)
                    : *p == '[' && n->elements ? array(w, n)
                                               : skip(w);
        if (!good)
            return false;
        raw.kind = *p == '{' ? CU_RAW_OBJECT : CU_RAW_ARRAY;
        raw.p = p;
        raw.len = (uint32_t)(w->s + w->at[-1] + 1 - p);
    } else if (!scalar(w, &raw)) {
        return false;
    }
    for (uint32_t i = 0; i < n->n_slots; i++)
        w->slots[n->slots[i]] = raw;
    return true;
}

cu_json_result cu_json_read(cu_json *j, cu_json_tree *t, cu_slice text,
                            cu_arena *a, cu_raw *slots, cu_raw *root)
{
    cu_simd_index index;
    cu_simd_result scan = cu_simd_scan(j->simd, text.data, text.len, &index);
    if (scan == CU_SIMD_EMPTY)
        return CU_JSON_BLANK;
    if (scan != CU_SIMD_OK)
        return CU_JSON_BAD;
    walk w = {
        .s = text.data,
        .at = index.at,
        .end = index.at + index.n,
        .slots = slots,
        .kinds = j->kinds,
        .arena = a,
        .round = ++t->round,
        .escapes = memchr(text.data, '\\', text.len) != NULL,
    };
    uint32_t first = *w.at;
    bool good = value(&w, t->root) && w.at == w.end;
    if (good) {
        char ch = text.data[first];
        root->p = text.data + first;
        root->len = token_end(&w, first, *w.end) - first;
        root->kind = ch == '{'   ? CU_RAW_OBJECT
                     : ch == '[' ? CU_RAW_ARRAY
                     : ch == 'n' ? CU_RAW_NULL
                     : ch == '"' ? CU_RAW_STRING
                                 : CU_RAW_NUMBER;
    }
    cu_simd_trim(j->simd);
    return good ? CU_JSON_GOOD : CU_JSON_BAD;
}
