/* Precedence climbing, lowest first: OR, AND, NOT, IS, comparison, LIKE and
 * IN, other operators, + -, * / %, ^, AT TIME ZONE, sign, postfix. */
#include "tests/unit/expr/mini.h"

#include "rows/numeric.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { MOST = 64 };

typedef struct reader {
    cu_arena *a;
    const char *p;
    const cu_schema *schema;
    char *hint;
    cu_err *err;
    int rc;
} reader;

static const cu_pos nowhere = {0, -1};

static cu_expr *expr(reader *r, int level);

static void blanks(reader *r)
{
    while (isspace((unsigned char)*r->p))
        r->p++;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Takes a word or sign if it comes next. */
static bool take(reader *r, const char *what)
{
    size_t n = strlen(what);
    blanks(r);
    if (strncasecmp(r->p, what, n))
        return false;
    if (is_word_char(what[0]) && is_word_char(r->p[n]))
        return false;
    r->p += n;
    return true;
}

static cu_expr *fail(reader *r, const char *why)
{
    if (!r->rc) {
        r->rc = cu_fail(r->err, CU_SQL, 0, "%s at: %s", why, r->p);
        r->err->sqlstate = CU_SQLSTATE('4', '2', '6', '0', '1');
    }
    return cu_expr_literal(r->a, CU_NULL_SLICE, nowhere);
}

static void expect(reader *r, const char *what)
{
    if (!r->rc && !take(r, what))
        fail(r, what);
}

static cu_expr *call(reader *r, const char *name, cu_expr **args, uint32_t n)
{
    cu_expr *e = NULL;
    if (!r->rc)
        r->rc = cu_expr_call(r->a, name, args, n, nowhere, &e, r->hint, r->err);
    return r->rc ? fail(r, "") : e;
}

static cu_expr *call2(reader *r, const char *name, cu_expr *x, cu_expr *y)
{
    cu_expr *args[2] = {x, y};
    return call(r, name, args, 2);
}

static cu_expr *cast(reader *r, cu_expr *e, cu_type t)
{
    cu_expr *out = e;
    if (!r->rc)
        r->rc = cu_expr_cast(r->a, e, t, CU_CAST_EXPLICIT, &out, r->err);
    return r->rc ? fail(r, "") : out;
}

/* --- words ----------------------------------------------------------- */

static cu_slice word(reader *r)
{
    blanks(r);
    const char *start = r->p;
    while (is_word_char(*r->p))
        r->p++;
    return (cu_slice){start, (size_t)(r->p - start)};
}

static cu_slice string(reader *r)
{
    cu_buf text = {0};
    r->p++;
    while (*r->p && (*r->p != '\'' || r->p[1] == '\'')) {
        r->p += *r->p == '\'';
        cu_buf_put_u8(&text, (uint8_t)*r->p++);
    }
    r->p++;
    cu_slice s = cu_arena_slice(r->a, cu_buf_slice(&text));
    cu_buf_free(&text);
    return s;
}

static bool type_name(reader *r, cu_type *t)
{
    const char *start = r->p;
    blanks(r);
    const char *begin = r->p;
    cu_slice w = word(r);
    if (!w.len)
        return false;
    if (!take(r, "precision") && !take(r, "varying") &&
        !take(r, "with time zone"))
        take(r, "without time zone");
    if (*r->p == '(')
        while (*r->p && *r->p++ != ')')
            ;
    if (!strncmp(r->p, "[]", 2))
        r->p += 2;
    cu_err err;
    if (!cu_type_parse((cu_slice){begin, (size_t)(r->p - begin)}, t, &err))
        return true;
    r->p = start;
    return false;
}

static cu_expr *number(reader *r, bool negative)
{
    const char *start = r->p;
    bool whole = true;
    while (isdigit((unsigned char)*r->p) || *r->p == '.' || *r->p == 'e') {
        whole = whole && isdigit((unsigned char)*r->p);
        if (*r->p == 'e' && (r->p[1] == '-' || r->p[1] == '+'))
            r->p++;
        r->p++;
    }
    char text[128];
    snprintf(text, sizeof(text), "%s%.*s", negative ? "-" : "",
             (int)(r->p - start), start);
    cu_value v = {.type = CU_TYPE(CU_T_NUMERIC)};
    cu_err err;
    if (whole && !cu_int4_in(cu_slice_of(text), &v.i4, &err))
        v.type = CU_TYPE(CU_T_INT4);
    else if (whole && !cu_int8_in(cu_slice_of(text), &v.i8, &err))
        v.type = CU_TYPE(CU_T_INT8);
    else if (cu_numeric_in(cu_slice_of(text), r->a, &v.num, &err))
        return fail(r, "number");
    return cu_expr_const(r->a, &v, nowhere);
}

/* --- primaries ------------------------------------------------------- */

static uint32_t list(reader *r, cu_expr **args, const char *end)
{
    uint32_t n = 0;
    if (take(r, end))
        return 0;
    do
        args[n++] = expr(r, 0);
    while (!r->rc && n < MOST && take(r, ","));
    expect(r, end);
    return n;
}

static cu_expr *truth(reader *r, cu_expr *e)
{
    cu_expr *out = e;
    if (!r->rc)
        r->rc = cu_expr_cast(r->a, e, CU_TYPE(CU_T_BOOL), CU_CAST_IMPLICIT,
                             &out, r->err);
    return r->rc ? fail(r, "") : out;
}

static cu_expr *nary(reader *r, cu_expr_kind kind, const char *what,
                     cu_expr **args, uint32_t n)
{
    cu_type t = CU_TYPE(CU_T_BOOL);
    if (!r->rc && what)
        r->rc = cu_expr_unify(r->a, args, n, what, &t, r->err);
    return r->rc ? fail(r, "") : cu_expr_nary(r->a, kind, t, args, n, nowhere);
}

static cu_expr *case_expr(reader *r)
{
    cu_expr *whens[MOST], *arms[MOST], *args[2 * MOST];
    uint32_t n = 0;
    while (!r->rc && take(r, "when")) {
        whens[n++] = truth(r, expr(r, 0));
        expect(r, "then");
        arms[n] = expr(r, 0);
    }
    arms[0] = take(r, "else") ? expr(r, 0)
                              : cu_expr_literal(r->a, CU_NULL_SLICE, nowhere);
    expect(r, "end");
    cu_type t = CU_TYPE(CU_T_TEXT);
    if (!r->rc)
        r->rc = cu_expr_unify(r->a, arms, n + 1, "CASE", &t, r->err);
    if (r->rc)
        return fail(r, "");
    for (uint32_t i = 0; i < n; i++) {
        args[2 * i] = whens[i];
        args[2 * i + 1] = arms[i + 1];
    }
    args[2 * n] = arms[0];
    return cu_expr_nary(r->a, CU_E_CASE, t, args, 2 * n + 1, nowhere);
}

static cu_expr *extract(reader *r)
{
    cu_expr *field;
    expect(r, "(");
    field = cu_expr_literal(r->a, word(r), nowhere);
    expect(r, "from");
    cu_expr *e = call2(r, "extract", field, expr(r, 0));
    expect(r, ")");
    return e;
}

static cu_expr *column(reader *r, cu_slice name)
{
    int i = r->schema ? cu_schema_find(r->schema, name) : -1;
    if (i < 0)
        return fail(r, "no such column");
    return cu_expr_col(r->a, (uint32_t)i, r->schema->fields[i].type, nowhere);
}

static cu_expr *boolean(reader *r, bool b)
{
    cu_value v = {.type = CU_TYPE(CU_T_BOOL), .b = b};
    return cu_expr_const(r->a, &v, nowhere);
}

static cu_expr *named(reader *r)
{
    cu_expr *args[MOST];
    cu_type t;
    const char *start = r->p;
    if (type_name(r, &t)) {
        blanks(r);
        if (*r->p == '\'')
            return cast(r, cu_expr_literal(r->a, string(r), nowhere), t);
        r->p = start;
    }
    cu_slice w = word(r);
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)w.len, w.data);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (!take(r, "("))
        return column(r, w);
    uint32_t n = list(r, args, ")");
    if (!strcmp(name, "coalesce"))
        return nary(r, CU_E_COALESCE, "COALESCE", args, n);
    return call(r, name, args, n);
}

static cu_expr *primary(reader *r)
{
    cu_expr *args[MOST];
    blanks(r);
    if (take(r, "(")) {
        cu_expr *e = expr(r, 0);
        expect(r, ")");
        return e;
    }
    if (*r->p == '\'')
        return cu_expr_literal(r->a, string(r), nowhere);
    if (isdigit((unsigned char)*r->p))
        return number(r, false);
    if (take(r, "case"))
        return case_expr(r);
    if (take(r, "null"))
        return cu_expr_literal(r->a, CU_NULL_SLICE, nowhere);
    if (take(r, "true"))
        return boolean(r, true);
    if (take(r, "false"))
        return boolean(r, false);
    if (take(r, "array")) {
        expect(r, "[");
        uint32_t n = list(r, args, "]");
        return call(r, "array", args, n);
    }
    if (take(r, "extract"))
        return extract(r);
    if (take(r, "now()"))
        return cu_expr_nary(r->a, CU_E_NOW, CU_TYPE(CU_T_TIMESTAMPTZ), args, 0,
                            nowhere);
    return is_word_char(*r->p) ? named(r) : fail(r, "expression");
}

static cu_expr *postfix(reader *r)
{
    cu_expr *e;
    blanks(r);
    if (*r->p == '-' && isdigit((unsigned char)r->p[1])) {
        r->p++;
        e = number(r, true);
    } else {
        e = primary(r);
    }
    for (cu_type t; !r->rc;) {
        if (take(r, "::")) {
            if (!type_name(r, &t))
                return fail(r, "type");
            e = cast(r, e, t);
        } else if (take(r, "[")) {
            e = call2(r, "subscript", e, expr(r, 0));
            expect(r, "]");
        } else {
            break;
        }
    }
    return e;
}

/* --- operators ------------------------------------------------------- */

/* The sign that comes next, as PostgreSQL cuts it; empty: none. */
static cu_slice sign(const reader *r)
{
    static const char chars[] = "+-*/<>=~!@#%^&|?";
    size_t n = strspn(r->p, chars);
    const char *special = "~!@#%^&|?";
    while (n > 1 && (r->p[n - 1] == '-' || r->p[n - 1] == '+')) {
        bool has = false;
        for (size_t i = 0; i + 1 < n; i++)
            has = has || strchr(special, r->p[i]);
        if (has)
            break;
        n--;
    }
    return (cu_slice){r->p, n};
}

static int level_of(cu_slice s)
{
    static const char *const same[] = {"<", ">", "=", "<=", ">=", "<>"};
    for (size_t i = 0; i < 6; i++)
        if (cu_slice_is(s, same[i]))
            return 4;
    if (cu_slice_is(s, "+") || cu_slice_is(s, "-"))
        return 7;
    if (cu_slice_is(s, "*") || cu_slice_is(s, "/") || cu_slice_is(s, "%"))
        return 8;
    return cu_slice_is(s, "^") ? 9 : 6;
}

static cu_expr *unary(reader *r)
{
    blanks(r);
    if (take(r, "not")) {
        cu_expr *e = expr(r, 3);
        return call(r, "not", &e, 1);
    }
    cu_slice s = sign(r);
    if (!s.len || (*r->p == '-' && isdigit((unsigned char)r->p[1])))
        return postfix(r);
    const char *name = cu_arena_strn(r->a, s.data, s.len);
    r->p += s.len;
    cu_expr *e = expr(r, cu_slice_is(s, "-") || cu_slice_is(s, "+") ? 11 : 7);
    return call(r, name, &e, 1);
}

static cu_expr *is_test(reader *r, cu_expr *e)
{
    static const char *const words[][3] = {
        {"null", "is_null", "is_not_null"},
        {"true", "is_true", "is_not_true"},
        {"false", "is_false", "is_not_false"},
        {"unknown", "is_unknown", "is_not_unknown"},
    };
    bool negate = take(r, "not");
    if (take(r, "distinct")) {
        expect(r, "from");
        return call2(r, negate ? "is_not_distinct_from" : "is_distinct_from", e,
                     expr(r, 5));
    }
    for (size_t i = 0; i < 4; i++)
        if (take(r, words[i][0]))
            return call(r, words[i][1 + negate], &e, 1);
    return fail(r, "IS");
}

static cu_expr *like(reader *r, cu_expr *e, const char *op)
{
    cu_expr *pattern = expr(r, 6);
    if (take(r, "escape"))
        pattern = call2(r, "like_escape", pattern, expr(r, 6));
    return call2(r, op, e, pattern);
}

/* x <sign> ANY|ALL (array) */
static cu_expr *quantified(reader *r, cu_expr *e, cu_slice s, bool all)
{
    static const char *const names[][2] = {{"=", "eq"}, {"<>", "ne"},
                                           {"<", "lt"}, {"<=", "le"},
                                           {">", "gt"}, {">=", "ge"}};
    expect(r, "(");
    cu_expr *array = expr(r, 0);
    expect(r, ")");
    for (size_t i = 0; i < 6; i++)
        if (cu_slice_is(s, names[i][0]))
            return call2(r,
                         cu_arena_printf(r->a, "%s_%s", all ? "all" : "any",
                                         names[i][1]),
                         e, array);
    return fail(r, "ANY");
}

/* The next operator of at least this level; NULL when there is none. */
static cu_expr *infix(reader *r, cu_expr *e, int level)
{
    cu_expr *both[2] = {e, NULL};
    blanks(r);
    if (level <= 1 && take(r, "or")) {
        both[0] = truth(r, e);
        both[1] = truth(r, expr(r, 2));
        return nary(r, CU_E_OR, NULL, both, 2);
    }
    if (level <= 2 && take(r, "and")) {
        both[0] = truth(r, e);
        both[1] = truth(r, expr(r, 3));
        return nary(r, CU_E_AND, NULL, both, 2);
    }
    if (level <= 3 && take(r, "is"))
        return is_test(r, e);
    if (level <= 5 && take(r, "not like"))
        return like(r, e, "!~~");
    if (level <= 5 && take(r, "not ilike"))
        return like(r, e, "!~~*");
    if (level <= 5 && take(r, "like"))
        return like(r, e, "~~");
    if (level <= 5 && take(r, "ilike"))
        return like(r, e, "~~*");
    if (level <= 10 && take(r, "at time zone"))
        return call2(r, "timezone", expr(r, 11), e);
    cu_slice s = sign(r);
    if (!s.len || level_of(s) < level)
        return NULL;
    const char *name = cu_arena_strn(r->a, s.data, s.len);
    r->p += s.len;
    if (take(r, "any"))
        return quantified(r, e, s, false);
    if (take(r, "all"))
        return quantified(r, e, s, true);
    return call2(r, name, e, expr(r, level_of(s) + 1));
}

static cu_expr *expr(reader *r, int level)
{
    cu_expr *e = level > 10 ? postfix(r) : unary(r);
    while (!r->rc) {
        cu_expr *more = infix(r, e, level);
        if (!more)
            break;
        e = more;
    }
    return e;
}

int mini_parse(cu_arena *a, const char *text, const cu_schema *schema,
               cu_expr **out, char hint[120], cu_err *err)
{
    reader r = {a, text, schema, hint, err, 0};
    *out = expr(&r, 0);
    blanks(&r);
    if (!r.rc && *r.p)
        fail(&r, "end");
    return r.rc;
}
