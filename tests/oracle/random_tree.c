/* Random expressions: type-directed, over the whole catalog.
 *
 * A tree of a wanted type is a leaf, a special form, or a call of any
 * function whose result has that type; its arguments are trees of the types
 * that the function takes.  Arguments with a meaning of their own (formats,
 * zones, counts, exponents) come from pools and are always leaves, so that
 * nothing explodes and most calls succeed.
 */
#include "tests/oracle/tree.h"

#include "base/assert.h"

typedef struct maker {
    cu_rng *r;
    cu_arena *a;
    cu_tree_case *c;
} maker;

#define N(x) (sizeof(x) / sizeof(*(x)))

static const char *pick(maker *m, const char *const *from, size_t n)
{
    return from[cu_rng_below(m->r, (uint32_t)n)];
}
#define PICK(m, from) pick(m, from, N(from))

cu_type cu_tree_any_type(cu_rng *r)
{
    static const uint8_t kinds[] = {
        CU_T_BOOL,     CU_T_INT2,   CU_T_INT4,      CU_T_INT4,
        CU_T_INT8,     CU_T_FLOAT4, CU_T_FLOAT8,    CU_T_NUMERIC,
        CU_T_NUMERIC,  CU_T_TEXT,   CU_T_TEXT,      CU_T_BYTEA,
        CU_T_DATE,     CU_T_TIME,   CU_T_TIMESTAMP, CU_T_TIMESTAMPTZ,
        CU_T_INTERVAL, CU_T_UUID,   CU_T_JSONB,     CU_T_JSONB,
        CU_T_ARRAY};
    static const uint8_t elems[] = {CU_T_INT4,   CU_T_TEXT, CU_T_NUMERIC,
                                    CU_T_INT8,   CU_T_DATE, CU_T_BOOL,
                                    CU_T_FLOAT8, CU_T_UUID};
    cu_type t = CU_TYPE(kinds[cu_rng_below(r, N(kinds))]);
    if (t.kind == CU_T_ARRAY)
        t.elem = elems[cu_rng_below(r, N(elems))];
    return t;
}

static cu_type array_of(cu_type elem)
{
    return (cu_type){.kind = CU_T_ARRAY, .elem = elem.kind, .scale = -1};
}

static cu_type scalar_type(maker *m)
{
    for (;;) {
        cu_type t = cu_tree_any_type(m->r);
        if (t.kind != CU_T_ARRAY)
            return t;
    }
}

/* --- leaves --------------------------------------------------------------- */

static cu_tree *new_leaf(maker *m, cu_type t)
{
    cu_tree *x = cu_arena_calloc(m->a, 1, sizeof(*x));
    x->type = t;
    x->col = x->hidden = -1;
    return x;
}

static const char *typed(maker *m, const char *text, cu_type t)
{
    return cu_arena_printf(m->a, "%s::%s", cu_quoted(text, m->a),
                           cu_sql_type(t, m->a));
}

/* A constant that is the same in every row. */
static cu_tree *constant(maker *m, cu_type t, const char *text)
{
    cu_tree *x = new_leaf(m, t);
    x->literal = typed(m, text, t);
    if (m->c->n_consts < CU_TREE_CONSTS) {
        x->hidden = (int)m->c->n_consts;
        m->c->consts[m->c->n_consts++] = x->literal;
    }
    return x;
}

/* As it stands in the text: untyped literals, words of the syntax. */
static cu_tree *verbatim(maker *m, cu_type t, const char *sql)
{
    cu_tree *x = new_leaf(m, t);
    x->literal = sql;
    m->c->untyped = true;
    return x;
}

typedef const char *make_text(maker *m, cu_type t);

static const char *any_text(maker *m, cu_type t)
{
    return cu_literal(m->r, t, m->a);
}

static cu_tree *column(maker *m, cu_type t, make_text *make)
{
    cu_tree_case *c = m->c;
    cu_tree *x = new_leaf(m, t);
    if (c->n_cols == CU_TREE_COLS)
        return constant(m, t, make(m, t));
    x->col = (int)c->n_cols;
    c->col_types[c->n_cols] = t;
    for (uint32_t i = 0; i < c->n_rows; i++)
        c->cols[c->n_cols][i] = cu_rng_chance(m->r, 15)
                                    ? cu_arena_printf(m->a, "NULL::%s",
                                                      cu_sql_type(t, m->a))
                                    : typed(m, make(m, t), t);
    c->n_cols++;
    return x;
}

static cu_tree *leaf_from(maker *m, cu_type t, make_text *make)
{
    if (cu_rng_chance(m->r, 45))
        return column(m, t, make);
    return constant(m, t, make(m, t));
}

static cu_tree *leaf(maker *m, cu_type t)
{
    cu_tree_case *c = m->c;
    if (cu_rng_chance(m->r, 25))
        for (uint32_t k = 0; k < c->n_cols; k++)
            if (cu_type_same(c->col_types[k], t)) {
                cu_tree *x = new_leaf(m, t);
                x->col = (int)k;
                return x;
            }
    if (cu_rng_chance(m->r, 6))
        return verbatim(m, t, cu_quoted(any_text(m, t), m->a));
    return leaf_from(m, t, any_text);
}

/* --- pools of arguments with a meaning ------------------------------------ */

static cu_type cast_target; /* what `castable` makes text for */

static const char *castable(maker *m, cu_type t)
{
    (void)t;
    return cu_literal_castable(m->r, cast_target, m->a);
}

#define POOL_MAKER(name, ...)                           \
    static const char *name(maker *m, cu_type t)        \
    {                                                   \
        static const char *const all[] = {__VA_ARGS__}; \
        (void)t;                                        \
        return PICK(m, all);                            \
    }

POOL_MAKER(small_count, "0", "1", "2", "3", "5", "8", "-1", "-2", "17")
POOL_MAKER(place, "0", "1", "2", "3", "-1", "-2", "4", "10", "-7", "2147483647")
POOL_MAKER(digits, "0", "1", "2", "-1", "-3", "5", "12", "20")
POOL_MAKER(base, "0", "1", "2", "1.5", "-2", "-1.5", "10", "0.01", "7", "3.25")
POOL_MAKER(exponent, "0", "1", "2", "-1", "0.5", "3", "-2.5", "10", "12", "-3")
POOL_MAKER(encoding, "hex", "base64", "escape", "HEX", "utf9")
POOL_MAKER(encoded, "6162", "YWJj", "YWI=", "abc", "\\001a", "DEADbeef", "6",
           "zz", "YQ==\n", "", "ab cd")
POOL_MAKER(zone, "UTC", "Europe/Oslo", "America/New_York", "Asia/Kolkata",
           "+02", "-05:30", "EST", "europe/oslo", "Nowhere/Land",
           "Australia/Sydney", "utc", "CET", "PST8PDT")
POOL_MAKER(zone_interval, "02:00", "-05:30", "0", "1 day", "1 month", "14:00")
POOL_MAKER(stride, "15 minutes", "1 hour", "7 days", "00:00:01.5", "0",
           "1 month", "-1 hour", "1 day 1 hour")
POOL_MAKER(code_point, "0", "65", "233", "8364", "128512", "55296", "1114112",
           "-1", "127", "128")
POOL_MAKER(json_key, "a", "b", "bb", "c", "", "0", "A")
POOL_MAKER(json_path, "{a}", "{a,c}", "{a,c,0}", "{0}", "{1,a}", "{}", "{-1}",
           "{a,c,1,d}", "{NULL}")
POOL_MAKER(dimensions, "{0}", "{3}", "{1}", "{-1}", "{}", "{NULL}", "{0,5}")
POOL_MAKER(bounds, "{1}", "{}", "{NULL}", "{1,1}")
POOL_MAKER(json_scalar, "1", "1.5", "-32769", "\"12\"", "true", "null", "[1]",
           "2.50", "99999999999", "{}", "false", "1e400", "\"x\"")
POOL_MAKER(year, "2024", "1", "0", "-44", "9999", "300000", "5874898")
POOL_MAKER(month_day, "1", "2", "12", "13", "29", "30", "31", "0", "-1")
POOL_MAKER(shift, "0", "1", "5", "31", "32", "33", "63", "64", "-1")
POOL_MAKER(pattern, "%", "a%", "%b%", "_b_", "a\\%b_c", "", "ABC", "%\xc3\xa9",
           "a%c", "\\", "h_llo%", "%World", "__")
POOL_MAKER(escape, "\\", "", "x", "ab", "%", "\xc3\xa9")
POOL_MAKER(seconds, "0", "1.5", "1704067200", "-86400.25", "1e18", "NaN",
           "Infinity", "-Infinity", "1704067200.123456")
POOL_MAKER(factor, "0", "1", "-1", "0.5", "2", "1.5", "3", "-0.25", "1e6")
POOL_MAKER(moderate, "0", "1", "1.5", "-2.50", "10", "0.1", "7", "100", "3.14")

typedef struct special {
    const char *name;
    uint8_t arg, kind; /* kind 0: any */
    make_text *make;
} special;

static const special specials[] = {
    {"repeat", 1, 0, small_count},
    {"lpad", 1, 0, small_count},
    {"rpad", 1, 0, small_count},
    {"left", 1, 0, place},
    {"right", 1, 0, place},
    {"substr", 1, 0, place},
    {"substr", 2, 0, place},
    {"substring", 1, 0, place},
    {"substring", 2, 0, place},
    {"split_part", 2, 0, place},
    {"array_position", 2, 0, place},
    {"array_length", 1, 0, place},
    {"array_lower", 1, 0, place},
    {"array_upper", 1, 0, place},
    {"array_fill", 1, 0, dimensions},
    {"array_fill", 2, 0, bounds},
    {"subscript", 1, CU_T_INT4, place},
    {"subscript", 1, CU_T_TEXT, json_key},
    {"round", 1, CU_T_INT4, digits},
    {"trunc", 1, CU_T_INT4, digits},
    {"^", 0, 0, base},
    {"^", 1, 0, exponent},
    {"pow", 0, 0, base},
    {"pow", 1, 0, exponent},
    {"power", 0, 0, base},
    {"power", 1, 0, exponent},
    {"exp", 0, 0, exponent},
    {"encode", 1, 0, encoding},
    {"decode", 0, 0, encoded},
    {"decode", 1, 0, encoding},
    {"timezone", 0, CU_T_TEXT, zone},
    {"timezone", 0, CU_T_INTERVAL, zone_interval},
    {"date_trunc", 2, 0, zone},
    {"date_bin", 0, 0, stride},
    {"chr", 0, 0, code_point},
    {"->", 1, CU_T_TEXT, json_key},
    {"->>", 1, CU_T_TEXT, json_key},
    {"->", 1, CU_T_INT4, place},
    {"->>", 1, CU_T_INT4, place},
    {"-", 1, CU_T_TEXT, json_key},
    {"?", 1, 0, json_key},
    {"jsonb_exists", 1, 0, json_key},
    {"jsonb_extract_path", 1, 0, json_key},
    {"jsonb_extract_path_text", 1, 0, json_key},
    {"#>", 1, 0, json_path},
    {"#>>", 1, 0, json_path},
    {"make_date", 0, 0, year},
    {"make_date", 1, 0, month_day},
    {"make_date", 2, 0, month_day},
    {"<<", 1, 0, shift},
    {">>", 1, 0, shift},
    {"~~", 1, 0, pattern},
    {"!~~", 1, 0, pattern},
    {"~~*", 1, 0, pattern},
    {"!~~*", 1, 0, pattern},
    {"like_escape", 0, 0, pattern},
    {"like_escape", 1, 0, escape},
    {"to_timestamp", 0, 0, seconds},
    {"log", 0, CU_T_NUMERIC, moderate},
    {"log", 1, CU_T_NUMERIC, moderate},
    {"ln", 0, CU_T_NUMERIC, moderate},
};

static make_text *special_of(const cu_func *f, uint32_t arg, cu_type t)
{
    for (size_t i = 0; i < N(specials); i++)
        if (specials[i].arg == arg && strcmp(specials[i].name, f->name) == 0 &&
            (specials[i].kind == 0 || specials[i].kind == t.kind))
            return specials[i].make;
    return NULL;
}

/* --- calls ---------------------------------------------------------------- */

static cu_tree *tree(maker *m, cu_type t, uint32_t depth);

static const char *field_of(maker *m, const cu_func *f)
{
    static const char *const extracts[] = {
        "year",          "month",        "day",        "hour",
        "minute",        "second",       "epoch",      "dow",
        "isodow",        "doy",          "week",       "quarter",
        "decade",        "century",      "millennium", "isoyear",
        "milliseconds",  "microseconds", "julian",     "timezone",
        "timezone_hour", "fortnight",    "YEAR"};
    static const char *const truncs[] = {
        "microseconds", "milliseconds", "second", "minute",
        "hour",         "day",          "week",   "month",
        "quarter",      "year",         "decade", "century",
        "millennium",   "dow",          "Year",   "months"};
    return strcmp(f->name, "date_trunc") == 0 ? PICK(m, truncs)
                                              : PICK(m, extracts);
}

/* The types of one call: pseudo kinds share one. */
typedef struct shapes {
    cu_type args[CU_TREE_ARGS];
    uint32_t n;
} shapes;

static cu_type arg_type(maker *m, const cu_func *f, uint8_t kind,
                        cu_type shared)
{
    switch (kind) {
    case CU_T_ANY:
        return cu_tree_any_type(m->r);
    case CU_T_NONARRAY:
        return scalar_type(m);
    case CU_T_ANYELEMENT:
    case CU_T_COMPATIBLE:
        return shared;
    case CU_T_ANYARRAY:
    case CU_T_COMPATIBLEARRAY:
        return array_of(shared);
    case CU_T_ARRAY:
        return f->array_elem ? array_of(CU_TYPE(f->array_elem))
                             : array_of(shared);
    default:
        return CU_TYPE(kind);
    }
}

/* Is there a way to call it that results in `t`?  Then what pseudo kinds
 * must be. */
static bool results_in(maker *m, const cu_func *f, cu_type t, cu_type *shared)
{
    *shared = scalar_type(m);
    switch (f->result) {
    case CU_T_ANYELEMENT:
    case CU_T_COMPATIBLE:
        if (t.kind == CU_T_ARRAY && (strcmp(f->name, "subscript") == 0 ||
                                     f->args[1] == CU_T_COMPATIBLEARRAY))
            return false;
        *shared = t;
        return true;
    case CU_T_ANYARRAY:
    case CU_T_COMPATIBLEARRAY:
        *shared = CU_TYPE(t.elem);
        return t.kind == CU_T_ARRAY;
    case CU_T_ARRAY:
        if (f->array_elem == 0)
            *shared = CU_TYPE(t.elem);
        return t.kind == CU_T_ARRAY &&
               (f->array_elem == 0 || f->array_elem == t.elem);
    default:
        return f->result == t.kind;
    }
}

static cu_tree *argument(maker *m, const cu_func *f, uint32_t i, cu_type t,
                         cu_type to, uint32_t depth)
{
    make_text *make = special_of(f, i, t);
    if (f->kind == CU_FUNC_CAST && t.kind == CU_T_TEXT) {
        cast_target = to;
        make = castable;
    }
    if (f->kind == CU_FUNC_CAST && t.kind == CU_T_JSONB && to.kind != CU_T_TEXT)
        make = json_scalar;
    if (make == NULL && t.kind == CU_T_FLOAT8 &&
        (f->args[0] == CU_T_INTERVAL || f->args[1] == CU_T_INTERVAL))
        make = factor;
    if (make)
        return leaf_from(m, t, make);
    return tree(m, t, depth ? depth - 1 : 0);
}

static const char *cast_name(maker *m, const cu_func *f, cu_type to)
{
    uint32_t p = cu_rng_below(m->r, 4);
    bool same = f->args[0] == f->result;
    if (!same && !cu_rng_chance(m->r, 25))
        return cu_sql_type(to, m->a);
    switch (to.kind) {
    case CU_T_NUMERIC:
        return cu_arena_printf(m->a, "numeric(%u,%u)", 3 + 4 * p, p);
    case CU_T_TEXT:
        return cu_arena_printf(m->a, "varchar(%u)", 1 + 2 * p);
    case CU_T_TIME:
        return cu_arena_printf(m->a, "time(%u)", p);
    case CU_T_TIMESTAMP:
        return cu_arena_printf(m->a, "timestamp(%u)", p);
    case CU_T_TIMESTAMPTZ:
        return cu_arena_printf(m->a, "timestamptz(%u)", p);
    default:
        return cu_sql_type(to, m->a);
    }
}

static const struct {
    const char *name, *format;
} forms[] = {
    {"any_eq", "(\1 = ANY (\1))"},
    {"any_ne", "(\1 <> ANY (\1))"},
    {"any_lt", "(\1 < ANY (\1))"},
    {"any_le", "(\1 <= ANY (\1))"},
    {"any_gt", "(\1 > ANY (\1))"},
    {"any_ge", "(\1 >= ANY (\1))"},
    {"all_eq", "(\1 = ALL (\1))"},
    {"all_ne", "(\1 <> ALL (\1))"},
    {"all_lt", "(\1 < ALL (\1))"},
    {"all_le", "(\1 <= ALL (\1))"},
    {"all_gt", "(\1 > ALL (\1))"},
    {"all_ge", "(\1 >= ALL (\1))"},
    {"is_true", "(\1 IS TRUE)"},
    {"is_false", "(\1 IS FALSE)"},
    {"is_unknown", "(\1 IS UNKNOWN)"},
    {"is_not_true", "(\1 IS NOT TRUE)"},
    {"is_not_false", "(\1 IS NOT FALSE)"},
    {"is_not_unknown", "(\1 IS NOT UNKNOWN)"},
    {"is_null", "(\1 IS NULL)"},
    {"is_not_null", "(\1 IS NOT NULL)"},
    {"is_distinct_from", "(\1 IS DISTINCT FROM \1)"},
    {"is_not_distinct_from", "(\1 IS NOT DISTINCT FROM \1)"},
    {"not", "(NOT \1)"},
    {"subscript", "(\1)[\1]"},
    {"slice", "(\1)[\1 : \1]"},
    {"overlaps", "((\1, \1) OVERLAPS (\1, \1))"},
    {"position", "position(\1 IN \1)"},
};

static const char *form_of(maker *m, const cu_func *f, uint32_t n, cu_type to)
{
    for (size_t i = 0; i < N(forms); i++)
        if (strcmp(forms[i].name, f->name) == 0)
            return forms[i].format;
    if (f->kind == CU_FUNC_CAST)
        return cu_arena_printf(m->a, "(\1)::%s", cast_name(m, f, to));
    if (f->kind == CU_FUNC_OPERATOR)
        return n == 1 ? cu_arena_printf(m->a, "(%s \1)", f->name)
                      : cu_arena_printf(m->a, "(\1 %s \1)", f->name);
    bool array = strcmp(f->name, "array") == 0;
    const char *out = cu_arena_printf(m->a, "%s", array ? "ARRAY[" : f->name);
    if (!array)
        out = cu_arena_printf(m->a, "%s(", out);
    for (uint32_t i = 0; i < n; i++)
        out = cu_arena_printf(m->a, "%s%s\1", out, i ? ", " : "");
    return cu_arena_printf(m->a, "%s%s", out, array ? "]" : ")");
}

static bool takes_field(const cu_func *f)
{
    return strcmp(f->name, "extract") == 0 ||
           strcmp(f->name, "date_part") == 0 ||
           strcmp(f->name, "date_trunc") == 0;
}

/* The field is a word of the syntax or a constant, never a column. */
static void put_field(maker *m, const cu_func *f, cu_tree *x)
{
    const char *field = field_of(m, f);
    x->n_args--;
    memmove(x->args, x->args + 1, x->n_args * sizeof(*x->args));
    if (strcmp(f->name, "extract") == 0)
        x->format = cu_arena_printf(m->a, "extract(%s FROM \1)", field);
    else
        x->format = cu_arena_printf(m->a, "%s('%s', \1%s)", f->name, field,
                                    x->n_args == 2 ? ", \1" : "");
}

static cu_tree *call(maker *m, const cu_func *f, cu_type to, cu_type shared,
                     uint32_t depth)
{
    cu_tree *x = cu_arena_calloc(m->a, 1, sizeof(*x));
    uint32_t last = 0, n = f->n_args;
    while (last + 1 < CU_FUNC_ARGS && f->args[last + 1])
        last++;
    if (f->variadic)
        n += cu_rng_below(m->r, 3);
    x->type = to;
    x->col = x->hidden = -1;
    bool object = strcmp(f->name, "jsonb_build_object") == 0;
    if (object)
        n = 2 * cu_rng_below(m->r, 3);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t kind = f->args[i < last ? i : last];
        cu_type t = arg_type(m, f, kind, shared);
        if (object && i % 2 == 0)
            t = CU_TYPE(CU_T_TEXT);
        x->args[i] = argument(m, f, i, t, to, depth);
    }
    x->n_args = n;
    x->format = form_of(m, f, n, to);
    if (takes_field(f))
        put_field(m, f, x);
    return x;
}

/* --- special forms -------------------------------------------------------- */

static cu_tree *node(maker *m, cu_type t, const char *format, uint32_t n)
{
    cu_tree *x = cu_arena_calloc(m->a, 1, sizeof(*x));
    x->type = t;
    x->format = format;
    x->n_args = n;
    x->col = x->hidden = -1;
    return x;
}

static cu_tree *boolean_form(maker *m, uint32_t depth)
{
    cu_type b = CU_TYPE(CU_T_BOOL);
    if (cu_rng_chance(m->r, 60)) {
        cu_tree *x = node(
            m, b, cu_rng_chance(m->r, 50) ? "(\1 AND \1)" : "(\1 OR \1)", 2);
        x->args[0] = tree(m, b, depth - 1);
        x->args[1] = tree(m, b, depth - 1);
        return x;
    }
    static const char *const three[] = {
        "(\1 BETWEEN \1 AND \1)", "(\1 NOT BETWEEN \1 AND \1)",
        "(\1 IN (\1, \1))", "(\1 NOT IN (\1, \1))",
        "(\1 BETWEEN SYMMETRIC \1 AND \1)"};
    cu_type t = cu_tree_any_type(m->r);
    cu_tree *x = node(m, b, PICK(m, three), 3);
    for (uint32_t i = 0; i < 3; i++)
        x->args[i] = tree(m, t, depth - 1);
    return x;
}

static cu_tree *any_form(maker *m, cu_type t, uint32_t depth)
{
    static const struct {
        const char *format;
        uint32_t n;
        bool condition; /* the first argument is one */
    } all[] = {
        {"CASE WHEN \1 THEN \1 ELSE \1 END", 3, true},
        {"CASE WHEN \1 THEN \1 END", 2, true},
        {"coalesce(\1, \1)", 2, false},
        {"nullif(\1, \1)", 2, false},
    };
    uint32_t k = cu_rng_below(m->r, N(all));
    cu_tree *x = node(m, t, all[k].format, all[k].n);
    for (uint32_t i = 0; i < x->n_args; i++)
        x->args[i] = tree(
            m, all[k].condition && i == 0 ? CU_TYPE(CU_T_BOOL) : t, depth - 1);
    return x;
}

/* PostgreSQL's jsonpath is a type, ours is a text: only literals agree. */
static bool takes_path(const cu_func *f)
{
    return strncmp(f->name, "jsonb_path_", 11) == 0 ||
           strcmp(f->name, "@?") == 0 || strcmp(f->name, "@@") == 0;
}

static bool is_plain(const cu_func *f)
{
    return (f->kind & (CU_FUNC_SCALAR | CU_FUNC_OPERATOR | CU_FUNC_CAST)) &&
           strcmp(f->name, "cast_assign") != 0 && !takes_path(f);
}

static cu_tree *tree(maker *m, cu_type t, uint32_t depth)
{
    if (depth == 0 || cu_rng_chance(m->r, 20))
        return leaf(m, t);
    if (cu_rng_chance(m->r, 8))
        return any_form(m, t, depth);
    if (t.kind == CU_T_BOOL && cu_rng_chance(m->r, 20))
        return boolean_form(m, depth);
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    for (uint32_t tries = 0; tries < 400; tries++) {
        const cu_func *f = all[cu_rng_below(m->r, n)];
        cu_type shared;
        if (is_plain(f) && results_in(m, f, t, &shared))
            return call(m, f, t, shared, depth);
    }
    return leaf(m, t);
}

static maker start(cu_rng *r, cu_arena *a)
{
    maker m = {.r = r, .a = a};
    m.c = cu_arena_calloc(a, 1, sizeof(*m.c));
    m.c->n_rows = CU_TREE_ROWS;
    m.c->random = true;
    return m;
}

cu_tree_case *cu_tree_sweep(cu_rng *r, cu_arena *a, const cu_func *f)
{
    maker m = start(r, a);
    cu_type to = CU_TYPE(f->result), shared = scalar_type(&m);
    if (!is_plain(f))
        return NULL;
    if (f->result == CU_T_ARRAY)
        to = array_of(f->array_elem ? CU_TYPE(f->array_elem) : shared);
    if (f->result == CU_T_ANYELEMENT || f->result == CU_T_COMPATIBLE)
        to = shared;
    if (f->result == CU_T_ANYARRAY || f->result == CU_T_COMPATIBLEARRAY)
        to = array_of(shared);
    m.c->subject = f->name;
    m.c->root = call(&m, f, to, shared, 0);
    return m.c;
}

cu_tree_case *cu_tree_random(cu_rng *r, cu_arena *a)
{
    maker m = start(r, a);
    m.c->subject = "random";
    m.c->root = tree(&m, cu_tree_any_type(r), 1 + cu_rng_below(r, 3));
    return m.c;
}
