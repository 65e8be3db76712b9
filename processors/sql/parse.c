/* SQL text -> statements of our own tree, by PostgreSQL's own grammar.
 *
 * libpg_query stops at the first error of what it is given, so the text is
 * first cut into statements, by its scanner's tokens:
 *
 *     text --scan--> tokens --cut at ";"--> statement --parse--> protobuf
 *                                               |           --> cu_ast_stmt
 *                                               `-- error: a problem; on with
 *                                                   the next statement
 *
 * Every ";" ends a statement, whatever parentheses say: a missing ")" must not
 * swallow the rest of the file.
 *
 * PostgreSQL's grammar makes deep trees of long chains (1+1+1+…), which
 * libpg_query walks by recursion: 131,000 terms, as many as fit into the
 * longest statement, need about 200 MB of stack.  So it runs on a thread of
 * its own with 256 MB, of which only the touched pages exist.  Our own
 * tree is at most CU_PARSE_DEPTH levels deep, which is safe on any thread.
 *
 * Positions: libpg_query's locations are bytes from the start of what it
 * parsed, its error positions are characters, starting at 1.
 */
#include "processors/sql/parse_int.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <pg_query.h>
#include <pthread.h>

enum { STACK_BYTES = 256 << 20, STATEMENT_BYTES = 256 << 10, SCAN_ERRORS = 64 };

typedef struct scan_error {
    uint32_t token;
    const char *message;
} scan_error;

typedef struct job {
    cu_sql *s;
    int32_t file;
    cu_slice text;
    const cu_sql_map *map;
    cu_token *tokens;
    uint32_t n_tokens, cap_tokens;
    scan_error errors[SCAN_ERRORS];
    uint32_t n_errors;
    cu_ast_stmt **stmts;
    uint32_t n_stmts, cap_stmts;
} job;

/* --- shared by parse*.c --------------------------------------------------- */

cu_pos cu_parse_pos(cu_parse *p, int32_t location)
{
    if (location >= 0)
        p->at = (cu_pos){p->file, cu_sql_map_back(p->map, p->base + location)};
    return p->at;
}

void cu_parse_refuse(cu_parse *p, cu_pos pos, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    const char *what = cu_arena_vprintf(p->s->problem_arena, format, ap);
    va_end(ap);
    cu_sql_refuse(p->s, pos, "%s", what);
    p->refused = true;
}

bool cu_parse_enter(cu_parse *p)
{
    if (p->depth >= CU_PARSE_DEPTH) {
        if (p->depth == CU_PARSE_DEPTH)
            cu_sql_error(p->s, p->at, CU_SQLSTATE('5', '4', '0', '0', '1'),
                         "Split it into several views.",
                         "the statement is nested more than %d levels deep",
                         CU_PARSE_DEPTH);
        p->depth = CU_PARSE_DEPTH + 1; /* said once */
        p->refused = true;
        return false;
    }
    p->depth++;
    return true;
}

void cu_parse_leave(cu_parse *p)
{
    if (p->depth <= CU_PARSE_DEPTH)
        p->depth--;
}

uint32_t cu_parse_token(const cu_parse *p, int32_t location)
{
    uint32_t i = 0;
    while (i < p->tokens.n && p->tokens.at[i].start < p->base + location)
        i++;
    return i;
}

char *cu_parse_str(cu_parse *p, const char *s)
{
    return cu_arena_str(p->s->arena, s ? s : "");
}

const char *cu_parse_string(const PgQuery__Node *n)
{
    return n->node_case == PG_QUERY__NODE__NODE_STRING ? n->string->sval : NULL;
}

const char **cu_parse_names(cu_parse *p, cu_pg_nodes nodes, size_t n)
{
    const char **out = cu_arena_calloc(p->s->arena, n + 1, sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = cu_parse_str(p, cu_parse_string(nodes[i]));
    return out;
}

const char *cu_parse_relation(cu_parse *p, const PgQuery__RangeVar *r)
{
    cu_pos pos = cu_parse_pos(p, r->location);
    bool schema = r->schemaname[0] && strcmp(r->schemaname, "public") != 0;
    if (schema || r->catalogname[0])
        cu_parse_refuse(p, pos, "schema \"%s\" (names have no schema)",
                        r->catalogname[0] ? r->catalogname : r->schemaname);
    if (r->relpersistence[0] == 't' || r->relpersistence[0] == 'u')
        cu_parse_refuse(p, pos, "TEMPORARY or UNLOGGED");
    return cu_parse_str(p, r->relname);
}

/* --- tokens -------------------------------------------------------------- */

/* Bytes of the first `chars` characters. */
static int32_t bytes_of(cu_slice text, int chars)
{
    size_t i = 0;
    for (; i < text.len; i++) {
        bool lead = ((unsigned char)text.data[i] & 0xc0) != 0x80;
        if (lead && chars-- <= 0)
            break;
    }
    return (int32_t)i;
}

static void push(job *j, cu_token t)
{
    if (j->n_tokens == j->cap_tokens) {
        j->cap_tokens = j->cap_tokens ? j->cap_tokens * 2 : 256;
        j->tokens = cu_realloc(j->tokens, j->cap_tokens * sizeof *j->tokens);
    }
    j->tokens[j->n_tokens++] = t;
}

static cu_token_kind kind_of(const PgQuery__ScanToken *t, char first)
{
    switch (t->token) {
    case PG_QUERY__TOKEN__IDENT:
        return first == '"' ? CU_TOK_QUOTED : CU_TOK_WORD;
    case PG_QUERY__TOKEN__UIDENT:
        return CU_TOK_QUOTED;
    case PG_QUERY__TOKEN__SCONST:
    case PG_QUERY__TOKEN__USCONST:
        return CU_TOK_STRING;
    case PG_QUERY__TOKEN__ICONST:
    case PG_QUERY__TOKEN__FCONST:
        return CU_TOK_NUMBER;
    default:
        return t->keyword_kind != PG_QUERY__KEYWORD_KIND__NO_KEYWORD
                   ? CU_TOK_KEYWORD
                   : CU_TOK_OTHER;
    }
}

static void take_tokens(job *j, const PgQueryScanResult *r, int32_t from)
{
    PgQuery__ScanResult *s = pg_query__scan_result__unpack(
        NULL, r->pbuf.len, (const uint8_t *)r->pbuf.data);
    for (size_t i = 0; s && i < s->n_tokens; i++) {
        const PgQuery__ScanToken *t = s->tokens[i];
        if (t->token == PG_QUERY__TOKEN__SQL_COMMENT ||
            t->token == PG_QUERY__TOKEN__C_COMMENT)
            continue;
        cu_token_kind kind = kind_of(t, j->text.data[from + t->start]);
        bool unicode = t->token == PG_QUERY__TOKEN__USCONST ||
                       t->token == PG_QUERY__TOKEN__UIDENT;
        int32_t end = unicode ? t->start : t->end; /* see mend_ends() */
        push(j, (cu_token){from + t->start, from + end, (uint8_t)kind});
    }
    if (s)
        pg_query__scan_result__free_unpacked(s, NULL);
}

/* The scanner failed at byte `bad`: takes what stands before, then one bad
 * token. Returns where scanning goes on. */
static int32_t skip_bad(job *j, int32_t from, int32_t bad, const char *message)
{
    char *before = cu_alloc((size_t)(bad - from) + 1);
    memcpy(before, j->text.data + from, (size_t)(bad - from));
    before[bad - from] = '\0';
    PgQueryScanResult r = pg_query_scan(before);
    if (!r.error)
        take_tokens(j, &r, from);
    pg_query_free_scan_result(r);
    cu_free(before);

    const char *p = j->text.data + bad, *end = j->text.data + j->text.len;
    bool rest = !strncmp(message, "unterminated", 12);
    const char *stop = rest ? NULL : memchr(p, ';', (size_t)(end - p));
    int32_t next = (int32_t)((stop ? stop : end) - j->text.data);
    if (j->n_errors < SCAN_ERRORS)
        j->errors[j->n_errors++] = (scan_error){
            j->n_tokens, cu_arena_str(j->s->arena, message)};
    push(j, (cu_token){bad, next, CU_TOK_BAD});
    return next;
}

static void scan(job *j)
{
    int32_t from = 0, len = (int32_t)j->text.len;
    while (from < len && j->n_errors < SCAN_ERRORS) {
        PgQueryScanResult r = pg_query_scan(j->text.data + from);
        if (r.error) {
            int chars = r.error->cursorpos - 1;
            cu_slice rest = {j->text.data + from, (size_t)(len - from)};
            int32_t bad = from + bytes_of(rest, chars);
            from = skip_bad(j, from, bad < len ? bad : len - 1,
                            r.error->message);
        } else {
            take_tokens(j, &r, from);
            from = len;
        }
        pg_query_free_scan_result(r);
    }
}

/* libpg_query gives U&'…' and U&"…" wrong ends: they reach to the next token
 * (blanks and comments included, which does no harm). */
static void mend_ends(job *j)
{
    for (uint32_t i = 0; i < j->n_tokens; i++) {
        cu_token *t = &j->tokens[i];
        bool last = i + 1 == j->n_tokens;
        if (t->end <= t->start)
            t->end = last ? (int32_t)j->text.len : j->tokens[i + 1].start;
    }
}

/* --- statements ----------------------------------------------------------- */

static cu_tokens window(const job *j, uint32_t from, uint32_t to)
{
    return (cu_tokens){j->tokens + from, to - from, j->text};
}

static bool is_semicolon(const job *j, uint32_t i)
{
    return j->tokens[i].kind == CU_TOK_OTHER &&
           j->text.data[j->tokens[i].start] == ';';
}

/* CREATE [OR REPLACE] FUNCTION or PROCEDURE */
static bool is_function(const cu_tokens *t)
{
    uint32_t i = cu_token_is(t, 1, "or") ? 3 : 1;
    return cu_token_is(t, 0, "create") &&
           (cu_token_is(t, i, "function") || cu_token_is(t, i, "procedure"));
}

/* The token behind the statement that starts at `from`: its ";" or the end.
 * The body of a function in standard SQL (BEGIN ATOMIC … END) has ";" too.
 * A ";" inside of parentheses is an error of this statement: it is made part
 * of it, so that PostgreSQL's words point at it. */
static uint32_t statement_end(const job *j, uint32_t from)
{
    cu_tokens t = window(j, from, j->n_tokens);
    bool function = is_function(&t);
    int depth = 0, atomic = 0;
    uint32_t i = 0;
    for (; i < t.n; i++) {
        if (cu_token_is(&t, i, "("))
            depth++;
        else if (cu_token_is(&t, i, ")"))
            depth--;
        else if (function && (cu_token_is(&t, i, "atomic") ||
                              (atomic && cu_token_is(&t, i, "case"))))
            atomic++;
        else if (atomic && cu_token_is(&t, i, "end"))
            atomic--;
        else if (!atomic && is_semicolon(j, from + i))
            break;
    }
    return from + i + (depth > 0 && i < t.n);
}

static cu_pos pos_at(const job *j, int32_t offset)
{
    return (cu_pos){j->file, cu_sql_map_back(j->map, offset)};
}

/* PostgreSQL's message on one line, the part that quotes our text cut to a
 * length that people read. */
static const char *shorten(cu_sql *s, const char *message)
{
    size_t len = strlen(message);
    char *out = cu_arena_str(s->problem_arena, message);
    if (len > 160) {
        size_t cut = cu_utf8_valid_prefix(cu_slice_n(message, 150));
        out = cu_arena_printf(s->problem_arena, "%.*s…\"", (int)cut, message);
    }
    for (char *p = out; *p; p++) {
        if (*p == '\n' || *p == '\r' || *p == '\t')
            *p = ' ';
    }
    return out;
}

static void syntax_error(job *j, uint32_t from, uint32_t to, int32_t at,
                         const char *message)
{
    cu_tokens t = window(j, from, to);
    uint32_t bad = 0;
    while (bad < t.n && t.at[bad].end <= at)
        bad++;
    const char *hint = cu_lint_hint(&t, bad);
    const char *later = strstr(message, " not yet ");
    if (later) {
        cu_sql_refuse(j->s, pos_at(j, at), "%.*s", (int)(later - message),
                      message);
        return;
    }
    if (!strncmp(message, "memory exhausted", 16))
        cu_sql_error(j->s, pos_at(j, at), CU_SQLSTATE('5', '4', '0', '0', '1'),
                     "Split it into several views.",
                     "the statement is nested too deeply");
    else
        cu_sql_error(j->s, pos_at(j, at), CU_SQLSTATE('4', '2', '6', '0', '1'),
                     hint, "%s", shorten(j->s, message));
}

/* A statement that came to nothing still had a name, which others use. */
static void failed_name(job *j, uint32_t from, uint32_t to)
{
    cu_tokens t = window(j, from, to);
    uint32_t i = 1;
    if (!cu_token_is(&t, 0, "create"))
        return;
    while (i < t.n && i < 6 && !cu_token_is(&t, i, "table") &&
           !cu_token_is(&t, i, "view") && !cu_token_is(&t, i, "server"))
        i++;
    i += cu_token_is(&t, i + 1, "if") ? 4 : 1;
    if (i >= t.n)
        return;
    bool quoted = t.at[i].kind == CU_TOK_QUOTED;
    int32_t start = t.at[i].start + quoted, end = t.at[i].end - quoted;
    char *name = cu_arena_strn(j->s->arena, t.text.data + start,
                               end > start ? (size_t)(end - start) : 0);
    for (char *p = name; *p && !quoted; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    }
    cu_sql_fail_name(j->s, name);
}

static void keep(job *j, cu_ast_stmt *s)
{
    if (j->n_stmts == j->cap_stmts) {
        uint32_t cap = j->cap_stmts ? j->cap_stmts * 2 : 16;
        cu_ast_stmt **at = cu_arena_calloc(j->s->arena, cap, sizeof *at);
        for (uint32_t i = 0; i < j->n_stmts; i++)
            at[i] = j->stmts[i];
        j->stmts = at;
        j->cap_stmts = cap;
    }
    j->stmts[j->n_stmts++] = s;
}

/* Returns false when nothing was kept of a statement that should count. */
static bool convert(job *j, uint32_t from, uint32_t to,
                    const PgQuery__ParseResult *tree)
{
    cu_parse p = {
        .s = j->s,
        .file = j->file,
        .map = j->map,
        .tokens = window(j, from, to),
        .base = j->tokens[from].start,
        .at = pos_at(j, j->tokens[from].start),
    };
    const char *hint = NULL;
    int32_t friend = cu_lint(&p.tokens, &hint);
    if (friend >= 0) {
        cu_token bad = p.tokens.at[friend];
        cu_sql_error(j->s, pos_at(j, bad.start),
                     CU_SQLSTATE('0', 'A', '0', '0', '0'), hint,
                     "%.*s in this place is not supported",
                     (int)(bad.end - bad.start), j->text.data + bad.start);
        return false;
    }
    for (size_t i = 0; i < tree->n_stmts; i++) {
        cu_ast_stmt *s = cu_parse_stmt(&p, tree->stmts[i]->stmt);
        if (s && !p.refused) {
            s->muted = j->s->muted;
            keep(j, s);
        }
    }
    return !p.refused;
}

/* Parses the chunk of tokens [from, to). Returns the byte at which it failed,
 * or -1. */
static int32_t parse_chunk(job *j, uint32_t from, uint32_t to)
{
    int32_t base = j->tokens[from].start;
    size_t len = (size_t)(j->tokens[to - 1].end - base);
    if (len > STATEMENT_BYTES) {
        cu_sql_error(j->s, pos_at(j, base),
                     CU_SQLSTATE('5', '4', '0', '0', '0'),
                     "Read the data from a file with a files server.",
                     "the statement is longer than %d bytes", STATEMENT_BYTES);
        return -1;
    }
    char *text = cu_alloc(len + 1);
    memcpy(text, j->text.data + base, len);
    text[len] = '\0';
    PgQueryProtobufParseResult r = pg_query_parse_protobuf(text);
    int32_t failed = -1;
    if (r.error) {
        int chars = r.error->cursorpos > 0 ? r.error->cursorpos - 1 : 0;
        failed = base + bytes_of(cu_slice_n(text, len), chars);
        syntax_error(j, from, to, failed, r.error->message);
    } else {
        PgQuery__ParseResult *tree = pg_query__parse_result__unpack(
            NULL, r.parse_tree.len, (const uint8_t *)r.parse_tree.data);
        CU_ASSERT(tree); /* it comes from libpg_query, not from the user */
        if (!convert(j, from, to, tree))
            failed_name(j, from, to);
        pg_query__parse_result__free_unpacked(tree, NULL);
    }
    pg_query_free_protobuf_parse_result(r);
    cu_free(text);
    return failed;
}

static const scan_error *bad_token(const job *j, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < j->n_errors; i++) {
        if (j->errors[i].token >= from && j->errors[i].token < to)
            return &j->errors[i];
    }
    return NULL;
}

/* One statement; returns the token where the next one starts. */
static uint32_t statement(job *j, uint32_t from)
{
    uint32_t to = statement_end(j, from);
    const scan_error *bad = bad_token(j, from, to);
    int32_t failed = -1;
    j->s->muted = cu_sql_map_unset(j->map, j->tokens[from].start,
                                   j->tokens[to - 1].end);
    if (bad) {
        failed = j->tokens[bad->token].start;
        syntax_error(j, from, to, failed, bad->message);
    } else {
        failed = parse_chunk(j, from, to);
    }
    if (failed >= 0)
        failed_name(j, from, to);
    j->s->muted = false;
    return to;
}

static void *work(void *arg)
{
    job *j = arg;
    scan(j);
    mend_ends(j);
    for (uint32_t i = 0; i < j->n_tokens;) {
        if (is_semicolon(j, i))
            i++;
        else
            i = statement(j, i);
    }
    return NULL;
}

uint32_t cu_sql_parse(cu_sql *s, int32_t file, cu_slice text,
                      const struct cu_sql_map *map, cu_ast_stmt ***out)
{
    job j = {.s = s, .file = file, .text = text, .map = map};
    pthread_attr_t attr;
    pthread_t thread;
    int rc = pthread_attr_init(&attr);
    if (!rc)
        rc = pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (!rc)
        rc = pthread_create(&thread, &attr, work, &j);
    if (!rc)
        rc = pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    if (rc)
        cu_sql_error(s, (cu_pos){file, 0}, CU_SQLSTATE('5', '3', '2', '0', '0'),
                     "Allow 256 MB more of address space (ulimit -v).",
                     "cannot start the parser's thread");
    cu_free(j.tokens);
    *out = j.stmts;
    return j.n_stmts;
}
