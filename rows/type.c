/* Types and schemas: names, widths, copies. */
#include "rows/type.h"

#include "rows/int.h"

#include <stdlib.h>

static const char *const names[CU_KINDS] = {
    [CU_T_NULL] = "unknown",
    [CU_T_BOOL] = "boolean",
    [CU_T_INT2] = "smallint",
    [CU_T_INT4] = "integer",
    [CU_T_INT8] = "bigint",
    [CU_T_FLOAT4] = "real",
    [CU_T_FLOAT8] = "double precision",
    [CU_T_NUMERIC] = "numeric",
    [CU_T_TEXT] = "text",
    [CU_T_BYTEA] = "bytea",
    [CU_T_DATE] = "date",
    [CU_T_TIME] = "time without time zone",
    [CU_T_TIMESTAMP] = "timestamp without time zone",
    [CU_T_TIMESTAMPTZ] = "timestamp with time zone",
    [CU_T_INTERVAL] = "interval",
    [CU_T_UUID] = "uuid",
    [CU_T_JSONB] = "jsonb",
    [CU_T_ARRAY] = "array",
};

/* Every spelling, lower case, one blank between words, in `names` terms. */
static const struct {
    const char *name;
    uint8_t kind;
} spellings[] = {
    {"bool", CU_T_BOOL},
    {"boolean", CU_T_BOOL},
    {"smallint", CU_T_INT2},
    {"int2", CU_T_INT2},
    {"int", CU_T_INT4},
    {"integer", CU_T_INT4},
    {"int4", CU_T_INT4},
    {"bigint", CU_T_INT8},
    {"int8", CU_T_INT8},
    {"real", CU_T_FLOAT4},
    {"float4", CU_T_FLOAT4},
    {"float8", CU_T_FLOAT8},
    {"float", CU_T_FLOAT8},
    {"double precision", CU_T_FLOAT8},
    {"numeric", CU_T_NUMERIC},
    {"decimal", CU_T_NUMERIC},
    {"dec", CU_T_NUMERIC},
    {"text", CU_T_TEXT},
    {"varchar", CU_T_TEXT},
    {"character varying", CU_T_TEXT},
    {"char varying", CU_T_TEXT},
    {"bytea", CU_T_BYTEA},
    {"date", CU_T_DATE},
    {"time", CU_T_TIME},
    {"time without time zone", CU_T_TIME},
    {"timestamp", CU_T_TIMESTAMP},
    {"timestamp without time zone", CU_T_TIMESTAMP},
    {"timestamptz", CU_T_TIMESTAMPTZ},
    {"timestamp with time zone", CU_T_TIMESTAMPTZ},
    {"interval", CU_T_INTERVAL},
    {"uuid", CU_T_UUID},
    {"jsonb", CU_T_JSONB},
};

size_t cu_type_width(cu_type t)
{
    CU_ASSERT(t.kind < CU_KINDS);
    return cell_width(t.kind);
}

bool cu_type_is_slice(cu_type t)
{
    return t.kind == CU_T_TEXT || t.kind == CU_T_BYTEA ||
           t.kind == CU_T_JSONB || t.kind == CU_T_ARRAY;
}

bool cu_type_is_number(cu_type t)
{
    return t.kind >= CU_T_INT2 && t.kind <= CU_T_NUMERIC;
}

bool cu_type_same(cu_type a, cu_type b)
{
    return a.kind == b.kind && a.elem == b.elem;
}

/* --- names -------------------------------------------------------------- */

static size_t append(char out[64], size_t at, const char *s)
{
    size_t n = strlen(s);
    CU_ASSERT(at + n < 64);
    memcpy(out + at, s, n + 1);
    return at + n;
}

static size_t append_int(char out[64], size_t at, int v)
{
    char digits[12];
    size_t n = 0;
    unsigned u = (unsigned)(v < 0 ? -v : v);
    do {
        digits[n++] = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0)
        digits[n++] = '-';
    CU_ASSERT(at + n < 64);
    while (n)
        out[at++] = digits[--n];
    out[at] = 0;
    return at;
}

/* "timestamp(3) with time zone": the number stands after the first word. */
static size_t append_time(char out[64], uint8_t kind, int digits)
{
    const char *name = names[kind];
    const char *rest = strchr(name, ' ');
    size_t head = rest ? (size_t)(rest - name) : strlen(name);
    memcpy(out, name, head);
    size_t at = append(out, head, "(");
    at = append_int(out, at, digits);
    at = append(out, at, ")");
    return rest ? append(out, at, rest) : at;
}

static bool has_digits(uint8_t kind)
{
    return kind >= CU_T_TIME && kind <= CU_T_INTERVAL;
}

const char *cu_type_name(cu_type t, char out[64])
{
    uint8_t kind = t.kind == CU_T_ARRAY ? t.elem : t.kind;
    CU_ASSERT(kind < CU_KINDS);
    size_t at;
    if (kind == CU_T_NUMERIC && t.precision > 0) {
        at = append(out, 0, "numeric(");
        at = append_int(out, at, t.precision);
        at = append(out, at, ",");
        at = append_int(out, at, t.scale);
        at = append(out, at, ")");
    } else if (kind == CU_T_TEXT && t.precision > 0) {
        at = append(out, 0, "character varying(");
        at = append_int(out, at, t.precision);
        at = append(out, at, ")");
    } else if (has_digits(kind) && t.scale >= 0) {
        at = append_time(out, kind, t.scale);
    } else {
        at = append(out, 0, names[kind]);
    }
    if (t.kind == CU_T_ARRAY)
        append(out, at, "[]");
    return out;
}

/* What cu_type_parse() found before it looks up the words. */
struct written {
    char words[64]; /* lower case, single blanks, without numbers */
    int args[2];
    int n_args;
    int dims;
};

static bool read_int(const char **p, const char *end, int *out)
{
    bool minus = *p < end && **p == '-';
    if (minus)
        ++*p;
    if (*p == end || !is_digit(**p))
        return false;
    int v = 0;
    while (*p < end && is_digit(**p) && v < 100000000)
        v = v * 10 + (*(*p)++ - '0');
    *out = minus ? -v : v;
    return true;
}

static void skip_blanks(const char **p, const char *end)
{
    while (*p < end && is_space(**p))
        ++*p;
}

/* "(12, 2)", behind the opening parenthesis. */
static bool read_args(const char **p, const char *end, struct written *w)
{
    if (w->n_args)
        return false;
    do {
        skip_blanks(p, end);
        if (w->n_args == 2 || !read_int(p, end, &w->args[w->n_args++]))
            return false;
        skip_blanks(p, end);
    } while (*p < end && *(*p)++ == ',');
    return (*p)[-1] == ')';
}

static bool read_name(cu_slice name, struct written *w)
{
    const char *p = name.data, *end = p + name.len;
    size_t n = 0;
    bool gap = false;
    while (p < end) {
        char c = *p++;
        if (is_space(c)) {
            gap = true;
        } else if (c == '(') {
            if (!read_args(&p, end, w))
                return false;
            gap = true;
        } else if (c == '[') {
            while (p < end && is_digit(*p))
                p++;
            if (p == end || *p++ != ']')
                return false;
            w->dims++;
        } else {
            if (n + 2 >= sizeof(w->words) || w->dims)
                return false;
            if (gap && n)
                w->words[n++] = ' ';
            gap = false;
            w->words[n++] = to_lower(c);
        }
    }
    w->words[n] = 0;
    return n > 0;
}

static int apply_args(cu_type *t, const struct written *w, const char *shown,
                      cu_err *err)
{
    int first = w->args[0];
    if (!w->n_args)
        return 0;
    if (t->kind == CU_T_NUMERIC) {
        int scale = w->n_args == 2 ? w->args[1] : 0;
        if (first < 1 || first > 1000)
            return BAD_DATA(err, STATE_PARAMETER,
                            "NUMERIC precision %d must be between 1 and 1000",
                            first);
        if (scale < -1000 || scale > 1000)
            return BAD_DATA(err, STATE_PARAMETER,
                            "NUMERIC scale %d must be between -1000 and 1000",
                            scale);
        t->precision = (int16_t)first;
        t->scale = (int16_t)scale;
        return 0;
    }
    if (w->n_args == 1 && t->kind == CU_T_TEXT && shown[0] != 't') {
        if (first < 1 || first > INT16_MAX)
            return BAD_DATA(err, STATE_PARAMETER,
                            "length for type varchar must be between 1 and %d",
                            INT16_MAX);
        t->precision = (int16_t)first;
        return 0;
    }
    if (w->n_args == 1 && has_digits(t->kind)) {
        if (first < 0)
            return BAD_DATA(err, STATE_PARAMETER,
                            "%s(%d) precision must not be negative", shown,
                            first);
        t->scale = (int16_t)(first > 6 ? 6 : first);
        return 0;
    }
    if (w->n_args == 1 && !strcmp(shown, "float")) {
        if (first < 1 || first > 53)
            return BAD_DATA(err, STATE_PARAMETER,
                            "precision for type float must be between 1 and "
                            "53 bits");
        t->kind = first <= 24 ? CU_T_FLOAT4 : CU_T_FLOAT8;
        return 0;
    }
    return cu_fail(err, CU_UNSUPPORTED, 0, "type \"%s\" takes no such modifier",
                   shown);
}

int cu_type_parse(cu_slice name, cu_type *out, cu_err *err)
{
    struct written w = {.n_args = 0};
    if (!read_name(trim(name), &w) || w.dims > 1)
        return cu_fail(err, CU_UNSUPPORTED, 0, "type \"%.*s\" is not supported",
                       SHOWN(name));
    const char *words = w.words;
    if (!strncmp(words, "pg_catalog.", 11))
        words += 11;
    size_t n = strlen(words);
    if (n > 6 && !strcmp(words + n - 6, " array")) {
        w.words[(size_t)(words - w.words) + n - 6] = 0;
        w.dims++;
    }
    for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
        if (strcmp(words, spellings[i].name))
            continue;
        cu_type t = CU_TYPE(spellings[i].kind);
        int rc = apply_args(&t, &w, words, err);
        if (rc)
            return rc;
        if (w.dims) {
            t.elem = t.kind;
            t.kind = CU_T_ARRAY;
        }
        *out = t;
        return 0;
    }
    const char *instead = !strcmp(words, "json")            ? "jsonb"
                          : !strncmp(words, "char", 4)      ? "text"
                          : !strcmp(words, "bpchar")        ? "text"
                          : !strncmp(words, "timetz", 6)    ? "timestamptz"
                          : !strncmp(words, "time with", 9) ? "timestamptz"
                          : !strcmp(words, "serial")        ? "integer"
                          : !strcmp(words, "bigserial")     ? "bigint"
                          : !strcmp(words, "money")         ? "numeric"
                                                            : NULL;
    return cu_fail(err, CU_UNSUPPORTED, 0, "type \"%.*s\" is not supported%s%s",
                   SHOWN(name), instead ? "; use " : "",
                   instead ? instead : "");
}

/* --- schemas ------------------------------------------------------------ */

cu_schema *cu_schema_new(cu_arena *a, uint32_t n)
{
    cu_schema *s = cu_arena_alloc(a, sizeof(*s));
    s->n = n;
    s->fields = cu_arena_calloc(a, n, sizeof(cu_field));
    return s;
}

int cu_schema_find(const cu_schema *s, cu_slice name)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (cu_slice_is(name, s->fields[i].name))
            return (int)i;
    return -1;
}

cu_schema *cu_schema_copy(cu_arena *a, const cu_schema *s)
{
    cu_schema *copy = cu_schema_new(a, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        copy->fields[i] = s->fields[i];
        copy->fields[i].name = cu_arena_str(a, s->fields[i].name);
    }
    return copy;
}

bool cu_schema_same(const cu_schema *a, const cu_schema *b)
{
    if (a == b)
        return true;
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const cu_field *x = &a->fields[i], *y = &b->fields[i];
        if (strcmp(x->name, y->name) || !cu_type_same(x->type, y->type) ||
            x->type.precision != y->type.precision ||
            x->type.scale != y->type.scale || x->not_null != y->not_null)
            return false;
    }
    return true;
}
