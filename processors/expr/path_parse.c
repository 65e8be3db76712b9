/* jsonpath: text to nodes, by descent.
 *
 *   path       [lax|strict] or
 *   or         and {|| and}          and      not {&& not}
 *   not        ! delimited | compare
 *   compare    sum [== sum | starts with … | like_regex …]
 *   sum        product {+ product}   product  unary {* unary}
 *   unary      - unary | + unary | chain
 *   chain      start {step}
 *   start      $ @ $name last literal (or) exists(sum)
 *
 * A parenthesis may hold an expression or a predicate, so every part says
 * which it is, and its user refuses the wrong one at the token behind it, as
 * PostgreSQL's grammar does.
 */
#include "processors/expr/kernel.h"
#include "processors/expr/path_lex.h"
#include "processors/expr/regex.h"
#include "rows/numeric.h"

#include <ctype.h>

#define E_SYNTAX       CU_SQLSTATE('4', '2', '6', '0', '1')
#define E_INVALID_TEXT CU_SQLSTATE('2', '2', 'P', '0', '2')
#define E_DEPTH        CU_SQLSTATE('5', '4', '0', '0', '1')

/* A left-leaning tree may be as deep as it has nodes. */
enum { MOST_DEPTH = 300, MOST_NODES = 4000 };

typedef cu_jsonpath_node node;

typedef struct parser {
    cu_jsonpath_lexer lexer;
    cu_jsonpath_token now;
    cu_arena *a;
    cu_err *err;
    uint32_t depth, filters, subscripts, nodes;
    bool failed, ordered;
} parser;

/* What a part is: an expression or a predicate, and whether it stands in
 * parentheses. */
typedef struct part {
    node *n;
    bool predicate, paren;
} part;

static const part nothing;

static part parse_or(parser *p);
static part parse_sum(parser *p);

/* --- tokens ---------------------------------------------------------- */

static void fail(parser *p, uint32_t state, const char *what)
{
    if (p->failed)
        return;
    p->failed = true;
    cu_fail(p->err, CU_SQL, 0, "%s", what);
    if (p->err)
        p->err->sqlstate = state;
}

/* At the token that does not fit. */
static part wrong(parser *p)
{
    if (!p->failed)
        cu_jsonpath_syntax(p->err, "syntax error", p->now.at, p->lexer.end,
                           p->lexer.p);
    p->failed = true;
    return nothing;
}

static void advance(parser *p)
{
    if (!p->failed && cu_jsonpath_lex(&p->lexer, &p->now))
        p->failed = true;
    if (p->failed)
        p->now = (cu_jsonpath_token){.kind = CU_TOKEN_END, .at = p->lexer.end};
}

static bool at_sign(const parser *p, const char *sign)
{
    return p->now.kind == CU_TOKEN_SIGN && !strcmp(p->now.sign, sign);
}

/* Key words are the same in capitals. */
static bool is_word(cu_slice text, const char *word)
{
    if (text.len != strlen(word))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (tolower((unsigned char)text.data[i]) != word[i])
            return false;
    return true;
}

static bool at_word(const parser *p, const char *word)
{
    return p->now.kind == CU_TOKEN_WORD && is_word(p->now.text, word);
}

static bool take_sign(parser *p, const char *sign)
{
    if (!at_sign(p, sign))
        return false;
    advance(p);
    return true;
}

static bool take_word(parser *p, const char *word)
{
    if (!at_word(p, word))
        return false;
    advance(p);
    return true;
}

static void need_sign(parser *p, const char *sign)
{
    if (!take_sign(p, sign))
        wrong(p);
}

static bool enter(parser *p)
{
    if (++p->depth <= MOST_DEPTH)
        return true;
    fail(p, E_DEPTH, "stack depth limit exceeded");
    return false;
}

/* --- nodes ----------------------------------------------------------- */

static node *make(parser *p, cu_jsonpath_kind kind, uint32_t n)
{
    node *x = cu_arena_calloc(p->a, 1, sizeof(*x));
    if (++p->nodes > MOST_NODES)
        fail(p, E_DEPTH, "stack depth limit exceeded");
    p->ordered = p->ordered || kind == CU_PATH_ANY_KEY || kind == CU_PATH_ANY ||
                 kind == CU_PATH_KEYVALUE;
    x->kind = kind;
    x->n_args = n;
    x->args = cu_arena_calloc(p->a, n + 1, sizeof(node *));
    return x;
}

static part expression(node *n)
{
    return (part){.n = n};
}

static part predicate(node *n)
{
    return (part){.n = n, .predicate = true};
}

static part binary(parser *p, cu_jsonpath_kind kind, part x, part y)
{
    node *n = make(p, kind, 2);
    n->args[0] = x.n;
    n->args[1] = y.n;
    return expression(n);
}

static node *last_of(node *n)
{
    while (n->next)
        n = n->next;
    return n;
}

/* --- starts ---------------------------------------------------------- */

static part number(parser *p)
{
    node *n = make(p, CU_PATH_NUMBER, 0);
    cu_err err;
    cu_slice text = p->now.text;
    /* "1." is a number here, and no text form of one. */
    if (text.data[text.len - 1] == '.')
        text.len--;
    if (cu_numeric_in(text, p->a, &n->number, &err)) {
        fail(p, err.sqlstate, err.msg);
        return nothing;
    }
    advance(p);
    return expression(n);
}

static part text_start(parser *p, cu_jsonpath_kind kind)
{
    node *n = make(p, kind, 0);
    n->text = p->now.text;
    advance(p);
    return expression(n);
}

static part constant(parser *p, cu_jsonpath_kind kind, bool flag)
{
    node *n = make(p, kind, 0);
    n->flag = flag;
    advance(p);
    return expression(n);
}

static part current(parser *p)
{
    if (p->filters == 0) {
        fail(p, E_SYNTAX, "@ is not allowed in root expressions");
        return nothing;
    }
    return constant(p, CU_PATH_CURRENT, false);
}

static part last_element(parser *p)
{
    if (p->subscripts == 0) {
        fail(p, E_SYNTAX, "LAST is allowed only in array subscripts");
        return nothing;
    }
    return constant(p, CU_PATH_LAST, false);
}

static part exists(parser *p)
{
    node *n = make(p, CU_PATH_EXISTS, 1);
    advance(p);
    need_sign(p, "(");
    part x = parse_sum(p);
    if (x.predicate)
        return wrong(p);
    n->args[0] = x.n;
    need_sign(p, ")");
    return predicate(n);
}

static part parenthesis(parser *p)
{
    advance(p);
    part x = parse_or(p);
    need_sign(p, ")");
    x.paren = true;
    return x;
}

static part word(parser *p)
{
    if (at_word(p, "exists"))
        return exists(p);
    if (at_word(p, "last"))
        return last_element(p);
    if (cu_slice_is(p->now.text, "null"))
        return constant(p, CU_PATH_NULL, false);
    if (cu_slice_is(p->now.text, "true"))
        return constant(p, CU_PATH_BOOL, true);
    if (cu_slice_is(p->now.text, "false"))
        return constant(p, CU_PATH_BOOL, false);
    /* PostgreSQL reads one token more before it finds a word wrong. */
    advance(p);
    return wrong(p);
}

static part start(parser *p)
{
    switch (p->now.kind) {
    case CU_TOKEN_STRING:
        return text_start(p, CU_PATH_STRING);
    case CU_TOKEN_VARIABLE:
        return text_start(p, CU_PATH_VARIABLE);
    case CU_TOKEN_INTEGER:
    case CU_TOKEN_NUMBER:
        return number(p);
    case CU_TOKEN_WORD:
        return word(p);
    case CU_TOKEN_SIGN:
        if (at_sign(p, "$"))
            return constant(p, CU_PATH_ROOT, false);
        if (at_sign(p, "@"))
            return current(p);
        if (at_sign(p, "("))
            return parenthesis(p);
        break;
    case CU_TOKEN_END:
        break;
    }
    return wrong(p);
}

/* --- steps ----------------------------------------------------------- */

static uint32_t level(parser *p)
{
    int32_t v = 0;
    if (take_word(p, "last"))
        return UINT32_MAX;
    if (p->now.kind != CU_TOKEN_INTEGER || cu_int4_in(p->now.text, &v, NULL))
        wrong(p);
    else
        advance(p);
    return (uint32_t)v;
}

static node *any_level(parser *p)
{
    node *n = make(p, CU_PATH_ANY, 0);
    n->from = 0;
    n->to = UINT32_MAX;
    if (!take_sign(p, "{"))
        return n;
    n->from = n->to = level(p);
    if (take_word(p, "to"))
        n->to = level(p);
    need_sign(p, "}");
    return n;
}

static node *method(parser *p, cu_slice name)
{
    static const struct {
        const char *name;
        cu_jsonpath_kind kind;
    } methods[] = {{"type", CU_PATH_TYPE},        {"size", CU_PATH_SIZE},
                   {"abs", CU_PATH_ABS},          {"double", CU_PATH_DOUBLE},
                   {"floor", CU_PATH_FLOOR},      {"ceiling", CU_PATH_CEILING},
                   {"keyvalue", CU_PATH_KEYVALUE}};
    node *n = NULL;
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (is_word(name, methods[i].name))
            n = make(p, methods[i].kind, 0);
    if (!n && cu_slice_is(name, "datetime"))
        fail(p, CU_E_FEATURE,
             "jsonpath item method .datetime() is not supported");
    if (!n) {
        wrong(p);
        return NULL;
    }
    need_sign(p, "(");
    need_sign(p, ")");
    return n;
}

/* Behind a dot. */
static node *member(parser *p)
{
    if (take_sign(p, "*"))
        return make(p, CU_PATH_ANY_KEY, 0);
    if (take_sign(p, "**"))
        return any_level(p);
    if (p->now.kind != CU_TOKEN_WORD && p->now.kind != CU_TOKEN_STRING) {
        wrong(p);
        return NULL;
    }
    const bool plain = p->now.kind == CU_TOKEN_WORD;
    const cu_slice name = p->now.text;
    advance(p);
    if (plain && at_sign(p, "("))
        return method(p, name);
    node *n = make(p, CU_PATH_KEY, 0);
    n->text = name;
    return n;
}

static part subscript(parser *p)
{
    part x = parse_sum(p);
    return x.predicate ? wrong(p) : x;
}

/* Behind an opening bracket. */
static node *brackets(parser *p)
{
    enum { MOST = 64 };
    node *list[2 * MOST] = {NULL};
    uint32_t n = 0;
    if (take_sign(p, "*")) {
        need_sign(p, "]");
        return make(p, CU_PATH_ANY_ELEMENT, 0);
    }
    p->subscripts++;
    do {
        if (n == 2 * MOST) {
            fail(p, CU_E_FEATURE,
                 "more than 64 subscripts in a jsonpath are not supported");
            break;
        }
        list[n] = subscript(p).n;
        if (take_word(p, "to"))
            list[n + 1] = subscript(p).n;
        n += 2;
    } while (take_sign(p, ","));
    p->subscripts--;
    need_sign(p, "]");
    node *x = make(p, CU_PATH_INDEX, n);
    memcpy(x->args, list, n * sizeof(*list));
    return x;
}

static node *filter(parser *p)
{
    node *n = make(p, CU_PATH_FILTER, 1);
    need_sign(p, "(");
    p->filters++;
    part x = parse_or(p);
    p->filters--;
    if (!x.predicate)
        wrong(p);
    n->args[0] = x.n;
    need_sign(p, ")");
    return n;
}

static node *step(parser *p)
{
    if (take_sign(p, "."))
        return member(p);
    if (take_sign(p, "["))
        return brackets(p);
    return take_sign(p, "?") ? filter(p) : NULL;
}

/* --- expressions ----------------------------------------------------- */

static bool at_step(const parser *p)
{
    return at_sign(p, ".") || at_sign(p, "[") || at_sign(p, "?");
}

static part chain(parser *p)
{
    part x = start(p);
    if (p->failed || !at_step(p) || (x.predicate && !x.paren))
        return x;
    node *at = last_of(x.n);
    for (node *n; !p->failed && at_step(p) && (n = step(p)) != NULL;) {
        at->next = n;
        at = n;
    }
    return expression(x.n);
}

static part unary(parser *p)
{
    const bool minus = at_sign(p, "-");
    if (!minus && !at_sign(p, "+"))
        return chain(p);
    if (!enter(p))
        return nothing;
    advance(p);
    part x = unary(p);
    p->depth--;
    if (x.predicate)
        return wrong(p);
    node *n = make(p, minus ? CU_PATH_MINUS : CU_PATH_PLUS, 1);
    n->args[0] = x.n;
    return expression(n);
}

static part parse_product(parser *p)
{
    part x = unary(p);
    while (!p->failed) {
        cu_jsonpath_kind kind = at_sign(p, "*")   ? CU_PATH_MUL
                                : at_sign(p, "/") ? CU_PATH_DIV
                                                  : CU_PATH_MOD;
        if (kind == CU_PATH_MOD && !at_sign(p, "%"))
            break;
        if (x.predicate)
            return wrong(p);
        advance(p);
        part y = unary(p);
        if (y.predicate)
            return wrong(p);
        x = binary(p, kind, x, y);
    }
    return x;
}

static part parse_sum(parser *p)
{
    if (!enter(p))
        return nothing;
    part x = parse_product(p);
    while (!p->failed && (at_sign(p, "+") || at_sign(p, "-"))) {
        if (x.predicate)
            return wrong(p);
        cu_jsonpath_kind kind = at_sign(p, "+") ? CU_PATH_ADD : CU_PATH_SUB;
        advance(p);
        part y = parse_product(p);
        if (y.predicate)
            return wrong(p);
        x = binary(p, kind, x, y);
    }
    p->depth--;
    return x;
}

/* --- predicates ------------------------------------------------------ */

static part starts_with(parser *p, part x)
{
    advance(p);
    if (!take_word(p, "with"))
        return wrong(p);
    if (p->now.kind != CU_TOKEN_STRING && p->now.kind != CU_TOKEN_VARIABLE)
        return wrong(p);
    part y = text_start(p, p->now.kind == CU_TOKEN_STRING ? CU_PATH_STRING
                                                          : CU_PATH_VARIABLE);
    return predicate(binary(p, CU_PATH_STARTS_WITH, x, y).n);
}

/* Flags of XQuery as options of an advanced regular expression. */
static unsigned regex_options(parser *p, cu_slice flags)
{
    bool i = false, s = false, m = false, x = false, q = false;
    for (size_t k = 0; k < flags.len; k++) {
        const char c = flags.data[k];
        i = i || c == 'i';
        s = s || c == 's';
        m = m || c == 'm';
        x = x || c == 'x';
        q = q || c == 'q';
        if (!c || !strchr("ismxq", c))
            fail(p, E_SYNTAX, "invalid input syntax for type jsonpath");
    }
    if (x && !q)
        fail(p, CU_E_FEATURE,
             "XQuery \"x\" flag (expanded regular expressions) is not "
             "implemented");
    if (q)
        return CU_RE_LITERAL | (i ? CU_RE_ICASE : 0u);
    return (i ? CU_RE_ICASE : 0u) | (s ? 0u : CU_RE_NEWLINE_STOPS) |
           (m ? CU_RE_NEWLINE_ANCHORS : 0u);
}

static part like_regex(parser *p, part x)
{
    node *n = make(p, CU_PATH_LIKE_REGEX, 1);
    cu_slice flags = CU_LIT("");
    n->args[0] = x.n;
    advance(p);
    if (p->now.kind != CU_TOKEN_STRING)
        return wrong(p);
    n->text = p->now.text;
    advance(p);
    if (take_word(p, "flag")) {
        if (p->now.kind != CU_TOKEN_STRING)
            return wrong(p);
        flags = p->now.text;
        advance(p);
    }
    n->options = regex_options(p, flags);
    return predicate(n);
}

static part compare(parser *p)
{
    static const struct {
        const char *sign;
        cu_jsonpath_kind kind;
    } signs[] = {{"==", CU_PATH_EQ}, {"<>", CU_PATH_NE}, {"!=", CU_PATH_NE},
                 {"<", CU_PATH_LT},  {"<=", CU_PATH_LE}, {">", CU_PATH_GT},
                 {">=", CU_PATH_GE}};
    part x = parse_sum(p);
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        if (!at_sign(p, signs[i].sign))
            continue;
        if (x.predicate)
            return wrong(p);
        advance(p);
        part y = parse_sum(p);
        if (y.predicate)
            return wrong(p);
        return predicate(binary(p, signs[i].kind, x, y).n);
    }
    if (at_word(p, "starts") && !x.predicate)
        return starts_with(p, x);
    if (at_word(p, "like_regex") && !x.predicate)
        return like_regex(p, x);
    if (at_word(p, "is") && x.predicate && x.paren) {
        advance(p);
        if (!take_word(p, "unknown"))
            return wrong(p);
        node *n = make(p, CU_PATH_IS_UNKNOWN, 1);
        n->args[0] = x.n;
        return predicate(n);
    }
    return x;
}

static part parse_not(parser *p)
{
    if (!take_sign(p, "!"))
        return compare(p);
    if (!at_sign(p, "(") && !at_word(p, "exists"))
        return wrong(p);
    part x = start(p);
    if (!x.predicate)
        return wrong(p);
    node *n = make(p, CU_PATH_NOT, 1);
    n->args[0] = x.n;
    return predicate(n);
}

static part parse_and(parser *p)
{
    part x = parse_not(p);
    while (!p->failed && at_sign(p, "&&")) {
        if (!x.predicate)
            return wrong(p);
        advance(p);
        part y = parse_not(p);
        if (!y.predicate)
            return wrong(p);
        x = predicate(binary(p, CU_PATH_AND, x, y).n);
    }
    return x;
}

static part parse_or(parser *p)
{
    if (!enter(p))
        return nothing;
    part x = parse_and(p);
    while (!p->failed && at_sign(p, "||")) {
        if (!x.predicate)
            return wrong(p);
        advance(p);
        part y = parse_and(p);
        if (!y.predicate)
            return wrong(p);
        x = predicate(binary(p, CU_PATH_OR, x, y).n);
    }
    p->depth--;
    return x;
}

/* --- the door -------------------------------------------------------- */

/* A pattern that is none is found now, not at the first row. */
static int check_patterns(const node *n, cu_memo *m, cu_err *err)
{
    for (; n; n = n->next) {
        cu_regex *regex;
        if (n->kind == CU_PATH_LIKE_REGEX &&
            cu_regex_get(m, n->text, n->options, &regex, err))
            return CU_SQL;
        for (uint32_t i = 0; i < n->n_args; i++)
            if (check_patterns(n->args[i], m, err))
                return CU_SQL;
    }
    return 0;
}

int cu_jsonpath_parse(cu_slice text, cu_arena *a, cu_jsonpath *out, cu_err *err)
{
    parser p = {
        .lexer = {text.data, text.data + text.len, a, err}, .a = a, .err = err};
    *out = (cu_jsonpath){.strict = false};
    advance(&p);
    if (!p.failed && p.now.kind == CU_TOKEN_END)
        fail(&p, E_INVALID_TEXT,
             "invalid input syntax for type jsonpath: \"\"");
    out->strict = at_word(&p, "strict");
    if (out->strict || at_word(&p, "lax"))
        advance(&p);
    part x = parse_or(&p);
    if (!p.failed && p.now.kind != CU_TOKEN_END)
        wrong(&p);
    out->root = x.n;
    out->ordered = p.ordered;
    if (p.failed)
        return CU_SQL;
    cu_memo *m = cu_memo_new();
    const int rc = check_patterns(x.n, m, err);
    cu_memo_free(m);
    return rc;
}
