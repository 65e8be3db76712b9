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
#include "rows/numeric.h"
#include "schemas/json_simd.h"

struct cu_json {
    cu_simd *simd;
    uint64_t kinds[(CU_JSON_MAX_DEPTH + 64) / 64]; /* bit set: an object */
};

/* One walk.  The place in the token list is handed along and returned (NULL:
 * refused), so that it stays in a register. */
typedef const uint32_t *place;
typedef struct walk {
    const char *s;
    place end; /* *end is the length of the text */
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

/* --- tokens --------------------------------------------------------------- */

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

/* Behind the digits at p; NULL when there is none. */
static const char *digits(const char *p, const char *end)
{
    if (p == end || !is_digit(*p))
        return NULL;
    while (p < end && is_digit(*p))
        p++;
    return p;
}

/* The value fits PostgreSQL's numeric, as jsonb asks. */
static bool fits_numeric(const char *p, const char *end, const char *exponent,
                         cu_arena *a)
{
    cu_numeric n;
    if (!exponent && end - p < 15000)
        return true;
    if (exponent && end - exponent <= 3 && exponent - p < 15000)
        return true; /* within 10^-999 … 10^999 */
    return !cu_numeric_in(cu_slice_n(p, (size_t)(end - p)), a, &n, NULL);
}

static bool good_number(const char *start, const char *end, cu_arena *a)
{
    const char *p = start + (*start == '-'), *exponent = NULL;
    if (p < end && *p == '0')
        p++;
    else
        p = digits(p, end);
    if (p && p < end && *p == '.')
        p = digits(p + 1, end);
    if (p && p < end && (*p | 32) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        exponent = p;
        p = digits(p, end);
    }
    return p == end && fits_numeric(start, end, exponent, a);
}

/* Eight bytes as decimal digits, the first the most significant; false when
 * one is none. */
static inline bool eight_digits(uint64_t v, uint64_t *out)
{
    const uint64_t high = 0xF0F0F0F0F0F0F0F0;
    if (((v & high) | ((v + 0x0606060606060606) & high) >> 4) !=
        0x3333333333333333)
        return false;
    v &= 0x0F0F0F0F0F0F0F0F;
    v = (v * 2561) >> 8;
    v = ((v & 0x00FF00FF00FF00FF) * 6553601) >> 16;
    *out = ((v & 0x0000FFFF0000FFFF) * 42949672960001) >> 32;
    return true;
}

/* The up to eight digits before `end`; what is loaded in front of them counts
 * as zeros. */
static inline bool digits_before(const char *end, unsigned n, uint64_t *out)
{
    uint64_t v, keep = ~UINT64_C(0) << 8 * (8 - n);
    memcpy(&v, end - 8, 8);
    return eight_digits((v & keep) | (0x3030303030303030 & ~keep), out);
}

/* An integer of at most 16 digits without leading zeros, other than -0.
 * `room`: readable bytes in front of `end`. */
static inline bool integer(const char *p, const char *end, size_t room,
                           int64_t *out)
{
    bool negative = *p == '-';
    p += negative;
    size_t n = (size_t)(end - p);
    if (n - 1 > 15 || (*p == '0' && (n > 1 || negative)))
        return false;
    uint64_t low, high = 0;
    if (n <= 8) {
        if (room < 8 || !digits_before(end, (unsigned)n, &low))
            return false;
    } else if (room < 16 || !digits_before(end, 8, &low) ||
               !digits_before(end - 8, (unsigned)n - 8, &high)) {
        return false;
    }
    int64_t v = (int64_t)(high * 100000000 + low);
    *out = negative ? -v : v;
    return true;
}

/* The token that starts at `start`; `next` is the start of the one behind. */
static inline uint32_t token_end(const walk *w, uint32_t start, uint32_t next)
{
    while (next > start + 1 && is_blank(w->s[next - 1]))
        next--;
    return next;
}

static __attribute__((noinline)) bool
escaped_string(const char *p, uint32_t len, uint8_t *kind)
{
    const char *escape = memchr(p + 1, '\\', len - 2);
    if (!escape)
        return true;
    *kind = CU_RAW_ESCAPED;
    return good_escapes(escape, p + len - 1);
}

static bool word(const char *p, uint32_t len, cu_raw *out)
{
    out->kind = *p == 't'   ? CU_RAW_TRUE
                : *p == 'f' ? CU_RAW_FALSE
                            : CU_RAW_NULL;
    const char *want = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
    return len == (*p == 'f' ? 5u : 4u) && !memcmp(p, want, len);
}

/* A number or word. */
static __attribute__((noinline)) place number_or_word(const walk *w, place at,
                                                      cu_raw *out)
{
    uint32_t start = *at++, end = token_end(w, start, *at);
    const char *p = w->s + start;
    out->p = p;
    out->len = end - start;
    if (integer(p, w->s + end, end, &out->i)) {
        out->kind = CU_RAW_INT;
        return at;
    }
    if (*p == 't' || *p == 'f' || *p == 'n')
        return word(p, out->len, out) ? at : NULL;
    out->kind = CU_RAW_NUMBER;
    return good_number(p, p + out->len, w->arena) ? at : NULL;
}

/* A string, number or word. */
static inline place scalar(const walk *w, place at, cu_raw *out)
{
    uint32_t start = *at;
    const char *p = w->s + start;
    if (*p != '"')
        return number_or_word(w, at, out);
    uint32_t len = token_end(w, start, *++at) - start;
    out->p = p;
    out->len = len;
    out->kind = CU_RAW_STRING;
    if (len < 2 || p[len - 1] != '"')
        return NULL;
    return !w->escapes || escaped_string(p, len, &out->kind) ? at : NULL;
}

/* --- what is not declared ------------------------------------------------ */

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

/* Behind the colon, if there is one. */
static inline place colon(const walk *w, place at)
{
    return at && at < w->end && w->s[*at] == ':' ? at + 1 : NULL;
}

/* A name and its colon. */
static inline place skip_name(const walk *w, place at)
{
    cu_raw name;
    if (at == w->end || w->s[*at] != '"')
        return NULL;
    return colon(w, scalar(w, at, &name));
}

/* Closes what closes here; *open: a value follows in what is still open. */
static inline place after_value(walk *w, place at, uint32_t base, bool *open)
{
    *open = false;
    while (w->depth > base) {
        if (at == w->end)
            return NULL;
        char ch = w->s[*at++];
        bool object = in_object(w);
        if (ch == ',') {
            *open = true;
            return object ? skip_name(w, at) : at;
        }
        if (ch != (object ? '}' : ']'))
            return NULL;
        w->depth--;
    }
    return at;
}

/* Any value. */
static place skip(walk *w, place at)
{
    uint32_t base = w->depth;
    bool open = true;
    cu_raw ignored;
    while (open) {
        if (!at || at == w->end)
            return NULL;
        char ch = w->s[*at];
        if (ch == '{' || ch == '[') {
            if (!push(w, ch == '{') || ++at == w->end)
                return NULL;
            if (w->s[*at] != (ch == '{' ? '}' : ']')) {
                at = ch == '{' ? skip_name(w, at) : at;
                continue;
            }
        } else {
            at = scalar(w, at, &ignored);
            if (!at)
                return NULL;
        }
        at = after_value(w, at, base, &open);
    }
    return at;
}

/* --- what is ------------------------------------------------------------- */

static place container(walk *w, place at, cu_jnode *n, cu_raw *out);

/* A declared value, or one with declared values inside.  Its first slot is
 * written in place: copying what was just written in pieces stalls. */
static place value(walk *w, place at, cu_jnode *n)
{
    cu_raw nobody;
    if (at == w->end)
        return NULL;
    if (!n->leaf) {
        if (n->round == w->round)
            cu_jnode_forget(n, w->slots); /* J4 */
        n->round = w->round;
    }
    cu_raw *out = n->n_slots ? &w->slots[n->slots[0]] : &nobody;
    char ch = w->s[*at];
    at = ch == '{' || ch == '[' ? container(w, at, n, out) : scalar(w, at, out);
    if (at)
        for (uint32_t i = 1; i < n->n_slots; i++)
            w->slots[n->slots[i]] = *out;
    return at;
}

/* Equal, for len >= 3: overlapping words instead of a loop over bytes. */
static inline bool same_bytes(const char *a, const char *b, size_t len)
{
    uint64_t x, y, z = 0;
    uint32_t v[4];
    if (len < 8) {
        if (len == 3)
            return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
        memcpy(&v[0], a, 4);
        memcpy(&v[1], a + len - 4, 4);
        memcpy(&v[2], b, 4);
        memcpy(&v[3], b + len - 4, 4);
        return v[0] == v[2] && v[1] == v[3];
    }
    for (size_t i = 0; i + 8 < len; i += 8) {
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        z |= x ^ y;
    }
    memcpy(&x, a + len - 8, 8);
    memcpy(&y, b + len - 8, 8);
    return !(z | (x ^ y));
}

/* The node of a name that no guess fitted. */
static place find_member(const walk *w, place at, cu_jnode *n, uint32_t index,
                         cu_jnode **to)
{
    cu_raw name;
    at = scalar(w, at, &name);
    if (!at)
        return NULL;
    cu_slice plain = cu_slice_n(name.p + 1, name.len - 2);
    if (name.kind == CU_RAW_ESCAPED)
        plain = cu_json_unescape(cu_raw_slice(&name), w->arena);
    *to = cu_jnode_member(n, plain);
    if (name.kind == CU_RAW_STRING)
        cu_jnode_learn(n, index, plain, *to);
    return at;
}

/* The name of member number `index`, and its colon. */
static inline place member(const walk *w, place at, cu_jnode *n, uint32_t index,
                           cu_jnode **to)
{
    if (at == w->end)
        return NULL;
    uint32_t start = *at;
    const char *p = w->s + start;
    const cu_guess *g = &n->guesses[index < CU_GUESSES ? index : 0];
    /* The next token is where the colon would be: so no name ends before, and
     * what was learned has no escapes. */
    if (at[1] - start + 1 == g->len && at + 1 < w->end &&
        same_bytes(p, g->text, g->len)) {
        *to = g->to;
        return at + 2;
    }
    if (*p != '"')
        return NULL;
    return colon(w, find_member(w, at, n, index, to));
}

/* A column's value that is no container, most of the time. */
static inline place simple_value(walk *w, place at, cu_jnode *n)
{
    if (at == w->end)
        return NULL;
    cu_raw *out = &w->slots[n->slots[0]];
    char ch = w->s[*at];
    return ch == '{' || ch == '[' ? container(w, at, n, out)
                                  : scalar(w, at, out);
}

static place object(walk *w, place at, cu_jnode *n)
{
    if (at < w->end && w->s[*at] == '}')
        return at + 1;
    for (uint32_t i = 0;; i++) {
        cu_jnode *to = NULL;
        at = member(w, at, n, i, &to);
        if (!at)
            return NULL;
        at = !to          ? skip(w, at)
             : to->simple ? simple_value(w, at, to)
                          : value(w, at, to);
        if (!at || at == w->end)
            return NULL;
        char ch = w->s[*at++];
        if (ch == '}')
            return at;
        if (ch != ',')
            return NULL;
    }
}

static place array(walk *w, place at, cu_jnode *n)
{
    if (at < w->end && w->s[*at] == ']')
        return at + 1;
    for (uint32_t i = 0;; i++) {
        cu_jnode *to = cu_jnode_element(n, i);
        at = to ? value(w, at, to) : skip(w, at);
        if (!at || at == w->end)
            return NULL;
        char ch = w->s[*at++];
        if (ch == ']')
            return at;
        if (ch != ',')
            return NULL;
    }
}

/* An object or array that is declared, or has something declared in it. */
static place container(walk *w, place at, cu_jnode *n, cu_raw *out)
{
    const char *p = w->s + *at;
    bool is_object = *p == '{';
    if (is_object ? n->members : n->elements) {
        if (!push(w, is_object))
            return NULL;
        at = is_object ? object(w, at + 1, n) : array(w, at + 1, n);
        w->depth--;
    } else {
        at = skip(w, at);
    }
    if (!at)
        return NULL;
    out->kind = is_object ? CU_RAW_OBJECT : CU_RAW_ARRAY;
    out->p = p;
    out->len = (uint32_t)(w->s + at[-1] + 1 - p);
    return at;
}

/* The kind of a valid value. */
static uint8_t root_kind(char ch)
{
    switch (ch) {
    case '{':
        return CU_RAW_OBJECT;
    case '[':
        return CU_RAW_ARRAY;
    case '"':
        return CU_RAW_ESCAPED;
    case 't':
        return CU_RAW_TRUE;
    case 'f':
        return CU_RAW_FALSE;
    case 'n':
        return CU_RAW_NULL;
    default:
        return CU_RAW_NUMBER;
    }
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
        .end = index.at + index.n,
        .slots = slots,
        .kinds = j->kinds,
        .arena = a,
        .round = ++t->round,
        .escapes = memchr(text.data, '\\', text.len) != NULL,
    };
    bool good = value(&w, index.at, t->root) == w.end;
    uint32_t first = *index.at;
    root->p = text.data + first;
    root->len = token_end(&w, first, *w.end) - first;
    root->kind = root_kind(text.data[first]);
    if (text.len > CU_SIMD_KEPT)
        cu_simd_trim(j->simd);
    return good ? CU_JSON_GOOD : CU_JSON_BAD;
}
