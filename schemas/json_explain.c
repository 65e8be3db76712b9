/* What is wrong with a JSON text, in PostgreSQL's words.
 *
 * The reader (json.c) only says yes or no.  A refused record is read a
 * second time here, slowly, for the message: rows' own checker finds the
 * byte, and a scan up to there tells what surrounds it.
 */
#include "rows/json.h"
#include "schemas/json.h"

#define STATE_SYNTAX  CU_SQLSTATE('2', '2', 'P', '0', '2')
#define STATE_UNICODE CU_SQLSTATE('2', '2', 'P', '0', '5')
#define STATE_DEPTH   CU_SQLSTATE('5', '4', '0', '0', '1')
#define STATE_LARGE   CU_SQLSTATE('5', '4', '0', '0', '0')

/* What stands around a byte. */
typedef struct place {
    bool in_string;
    size_t escape; /* last backslash of the string; its start if none */
    unsigned depth;
} place;

static place place_of(cu_slice text, size_t at)
{
    place pl = {0};
    for (size_t i = 0; i < at && i < text.len; i++) {
        char ch = text.data[i];
        if (pl.in_string && ch == '\\') {
            pl.escape = i++;
        } else if (ch == '"') {
            pl.in_string = !pl.in_string;
            pl.escape = i;
        } else if (!pl.in_string && (ch == '{' || ch == '[')) {
            pl.depth++;
        } else if (!pl.in_string && (ch == '}' || ch == ']')) {
            pl.depth--;
        }
    }
    if (pl.in_string && at < text.len && text.data[at] == '\\')
        pl.escape = at;
    return pl;
}

/* Length of the word or punctuation at `at`. */
static int token_len(cu_slice text, size_t at)
{
    size_t n = 0;
    while (at + n < text.len && n < 40) {
        unsigned char ch = (unsigned char)text.data[at + n];
        if (ch <= ' ' || strchr("{}[],:\"", ch))
            break;
        n++;
    }
    return n ? (int)n : 1;
}

/* The start of the word that `at` is inside of. */
static size_t token_start(cu_slice text, size_t at)
{
    while (at > 0) {
        unsigned char ch = (unsigned char)text.data[at - 1];
        if (ch <= ' ' || strchr("{}[],:\"", ch))
            break;
        at--;
    }
    return at;
}

typedef struct report {
    cu_call *c;
    const char *what; /* "record key: ", or "" */
} report;

static void syntax(const report *r, size_t at, const char *detail)
{
    cu_faults_add(r->c->faults, r->c->to->arena, NULL, STATE_SYNTAX,
                  "%sinvalid input syntax for type json: %s at byte %zu",
                  r->what, detail, at + 1);
}

static void in_string(const report *r, cu_slice text, size_t at,
                      const place *pl)
{
    cu_arena *a = r->c->to->arena;
    unsigned char ch = (unsigned char)text.data[at];
    const char *escape = text.data + pl->escape;
    size_t left = text.len - pl->escape;
    if (ch < 0x20) {
        syntax(r, at,
               cu_arena_printf(a, "character with value 0x%02x must be escaped",
                               ch));
    } else if (left >= 6 && !memcmp(escape, "\\u0000", 6)) {
        cu_faults_add(r->c->faults, a, NULL, STATE_UNICODE,
                      "%sunsupported Unicode escape sequence: \\u0000 cannot "
                      "be converted to text at byte %zu",
                      r->what, pl->escape + 1);
    } else if (left >= 4 && escape[1] == 'u' && (escape[2] | 32) == 'd') {
        syntax(r, pl->escape,
               "Unicode low surrogate must follow a high surrogate");
    } else {
        size_t n = left > 1 && escape[1] == 'u' ? 6 : 2;
        syntax(r, pl->escape,
               cu_arena_printf(a, "escape sequence \"%.*s\" is invalid",
                               (int)(n < left ? n : left), escape));
    }
}

void cu_json_explain(cu_call *c, const char *what, cu_slice text)
{
    cu_arena *a = c->to->arena;
    report r = {c, what ? cu_arena_printf(a, "%s: ", what) : ""};
    size_t at = 0;
    if (!cu_check_utf8(c, what, text))
        return;
    if (cu_json_validate(text, CU_JSON_MAX_DEPTH, &at)) {
        /* The reader refuses nothing else that is valid. */
        cu_faults_add(c->faults, a, NULL, STATE_LARGE,
                      "%sa JSON text of %zu bytes is too large", r.what,
                      text.len);
        return;
    }
    place pl = place_of(text, at);
    if (at >= text.len) {
        syntax(&r, text.len, "the input string ended unexpectedly");
    } else if (pl.in_string) {
        in_string(&r, text, at, &pl);
    } else if (pl.depth >= CU_JSON_MAX_DEPTH) {
        cu_faults_add(c->faults, a, NULL, STATE_DEPTH,
                      "%sJSON is nested deeper than %d levels at byte %zu",
                      r.what, CU_JSON_MAX_DEPTH, at + 1);
    } else {
        at = token_start(text, at);
        syntax(&r, at,
               cu_arena_printf(a, "token \"%.*s\" is invalid",
                               token_len(text, at), text.data + at));
    }
}
