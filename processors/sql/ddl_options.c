/* Options: known names, checked values, errors that say what is expected. */
#include "processors/sql/ddl_options.h"

#include "rows/text.h"

#define BAD_NAME  CU_SQLSTATE('H', 'V', '0', '0', 'D')
#define MISSING   CU_SQLSTATE('H', 'V', '0', '0', 'J')
#define BAD_VALUE CU_SQLSTATE('2', '2', '0', '2', '3')
#define TWICE     CU_SQLSTATE('4', '2', '7', '1', '0')
#define LATER     CU_SQLSTATE('0', 'A', '0', '0', '0')

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *p)
{
    while (is_blank(*p))
        p++;
    return p;
}

/* --- values --------------------------------------------------------------- */

bool cu_topic_ok(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > 249 || !strcmp(name, ".") || !strcmp(name, ".."))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    is_digit(c) || c == '.' || c == '_' || c == '-';
        if (!good)
            return false;
    }
    return true;
}

bool cu_json_path_ok(const char *p)
{
    if (*p++ != '$')
        return false;
    while (*p) {
        if (*p == '.') {
            const char *name = ++p;
            while (*p && *p != '.' && *p != '[' && *p != '"')
                p++;
            if (p == name)
                return false;
        } else if (p[0] == '[' && p[1] == '"') {
            for (p += 2; *p && *p != '"'; p++) {
                if (*p == '\\' && p[1])
                    p++;
            }
            if (p[0] != '"' || p[1] != ']')
                return false;
            p += 2;
        } else if (p[0] == '[' && is_digit(p[1])) {
            for (p++; is_digit(*p);)
                p++;
            if (*p++ != ']')
                return false;
        } else {
            return false;
        }
    }
    return true;
}

/* One identifier; p behind it, NULL when there is none. */
static const char *identifier(cu_arena *a, const char *p, const char **out)
{
    cu_buf b = {0};
    if (*p == '"') {
        for (p++; *p; p++) {
            if (*p == '"' && p[1] != '"')
                break;
            if (*p == '"')
                p++;
            cu_buf_put(&b, p, 1);
        }
        p = *p == '"' && b.len ? p + 1 : NULL;
    } else {
        for (; *p && *p != ',' && *p != '"' && !is_blank(*p); p++) {
            char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
            cu_buf_put(&b, &c, 1);
        }
        p = b.len ? p : NULL;
    }
    *out = cu_arena_strn(a, b.data ? b.data : "", b.len);
    cu_buf_free(&b);
    return p;
}

bool cu_names_parse(cu_arena *a, const char *text, const char ***list,
                    uint32_t *n)
{
    *list = NULL;
    *n = 0;
    for (const char *p = skip_blanks(text);;) {
        const char *name;
        p = identifier(a, p, &name);
        if (!p)
            return false;
        *list = cu_sql_grow(a, *list, *n, sizeof **list);
        (*list)[(*n)++] = name;
        p = skip_blanks(p);
        if (!*p)
            return true;
        if (*p++ != ',')
            return false;
        p = skip_blanks(p);
    }
}

/* Paths between commas; a comma inside of quotes is part of a path. */
static bool paths(cu_arena *a, const char *text, cu_opt *o)
{
    const char *p = skip_blanks(text);
    for (;;) {
        const char *from = p;
        bool quoted = false;
        for (; *p && (quoted || *p != ','); p++)
            quoted = quoted != (*p == '"');
        const char *to = p;
        while (to > from && is_blank(to[-1]))
            to--;
        const char *path = cu_arena_strn(a, from, (size_t)(to - from));
        if (!cu_json_path_ok(path))
            return false;
        o->list = cu_sql_grow(a, o->list, o->n, sizeof *o->list);
        o->list[o->n++] = path;
        if (!*p)
            return true;
        p = skip_blanks(p + 1);
    }
}

static bool duration(const char *text, bool zero, int64_t *ms)
{
    cu_interval iv;
    if (cu_interval_in(cu_slice_of(text), &iv, NULL) || iv.months)
        return false;
    const int64_t day = INT64_C(86400000);
    if (iv.days < 0 || iv.us < 0 || iv.days > 36500 ||
        iv.us / 1000 > 36500 * day)
        return false;
    *ms = iv.days * day + iv.us / 1000;
    return zero ? *ms > 0 || (iv.us == 0 && iv.days == 0) : *ms > 0;
}

static bool whole(const char **p, int64_t *v)
{
    if (!is_digit(**p))
        return false;
    for (*v = 0; is_digit(**p); (*p)++) {
        if (*v > INT64_MAX / 1000)
            return false;
        *v = *v * 10 + (**p - '0');
    }
    return true;
}

static bool integer(const char *text, int64_t *v)
{
    const char *p = skip_blanks(text);
    return whole(&p, v) && !*skip_blanks(p);
}

bool cu_option_same(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        if (x != *b)
            return false;
    }
    return !*a && !*b;
}

static bool size(const char *text, int64_t *v)
{
    static const struct {
        const char *name;
        int shift;
    } units[] = {{"", 0},    {"b", 0},    {"kb", 10}, {"kib", 10},
                 {"mb", 20}, {"mib", 20}, {"gb", 30}, {"gib", 30}};
    const char *p = skip_blanks(text);
    if (!whole(&p, v) || *v > INT32_MAX)
        return false;
    p = skip_blanks(p);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (cu_option_same(p, units[i].name)) {
            *v <<= units[i].shift;
            return *v > 0;
        }
    }
    return false;
}

/* "180/min": how often in which time. */
static bool rate(const char *text, double *per_s)
{
    static const struct {
        const char *name;
        double s;
    } units[] = {{"s", 1},       {"sec", 1},     {"second", 1},
                 {"min", 60},    {"minute", 60}, {"h", 3600},
                 {"hour", 3600}, {"d", 86400},   {"day", 86400}};
    const char *slash = strchr(text, '/');
    double n = 0;
    if (!slash ||
        cu_float8_in(cu_slice_n(text, (size_t)(slash - text)), &n, NULL) ||
        !(n > 0) || n > 1e6)
        return false;
    const char *p = skip_blanks(slash + 1);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (cu_option_same(p, units[i].name)) {
            *per_s = n / units[i].s;
            return true;
        }
    }
    return false;
}

static bool boolean(const char *text, int64_t *v)
{
    uint8_t b;
    if (!text) {
        *v = 1;
        return true;
    }
    if (cu_bool_in(cu_slice_of(text), &b, NULL))
        return false;
    *v = b;
    return true;
}

/* Which of "a | b | c". */
static bool word(const char *text, const char *words, int64_t *v)
{
    *v = 0;
    for (const char *p = words; *p; (*v)++) {
        size_t n = strcspn(p, " ");
        if (n == strlen(text) && !strncmp(p, text, n))
            return true;
        p += n;
        p += strspn(p, " |");
    }
    return false;
}

/* --- errors --------------------------------------------------------------- */

static const char *expected(cu_sql *s, const cu_opt_spec *spec)
{
    static const char *const kinds[] = {
        [CU_OPT_TEXT] = "a text that is not empty",
        [CU_OPT_ANY] = "a text",
        [CU_OPT_BOOL] = "true or false",
        [CU_OPT_INT] = "a whole number",
        [CU_OPT_DURATION] = "a time span without months",
        [CU_OPT_DELAY] = "a time span without months",
        [CU_OPT_SIZE] = "a size",
        [CU_OPT_RATE] = "a rate",
        [CU_OPT_WORD] = "one of",
        [CU_OPT_NAMES] = "column names separated by commas",
        [CU_OPT_PATH] = "a JSON path",
        [CU_OPT_PATHS] = "JSON paths separated by commas",
        [CU_OPT_TOPIC] = "a topic name of at most 249 letters, digits, "
                         "\".\", \"_\" and \"-\"",
        [CU_OPT_CHAR] = "one character",
        [CU_OPT_LATER] = "",
    };
    static const char *const examples[] = {
        [CU_OPT_TEXT] = NULL,
        [CU_OPT_ANY] = NULL,
        [CU_OPT_BOOL] = "true",
        [CU_OPT_INT] = "5",
        [CU_OPT_DURATION] = "30 seconds",
        [CU_OPT_DELAY] = "5 seconds",
        [CU_OPT_SIZE] = "16 MB",
        [CU_OPT_RATE] = "180/min",
        [CU_OPT_WORD] = NULL,
        [CU_OPT_NAMES] = "a, b",
        [CU_OPT_PATH] = "$.works",
        [CU_OPT_PATHS] = "$.works, $.work_count",
        [CU_OPT_TOPIC] = "silver.works",
        [CU_OPT_CHAR] = ";",
        [CU_OPT_LATER] = NULL,
    };
    if (spec->type == CU_OPT_WORD)
        return cu_arena_printf(s->problem_arena, "Expected one of: %s.",
                               spec->words);
    const char *e = spec->example ? spec->example : examples[spec->type];
    if (!e)
        return cu_arena_printf(s->problem_arena, "Expected %s.",
                               kinds[spec->type]);
    return cu_arena_printf(s->problem_arena, "Expected %s, for example '%s'.",
                           kinds[spec->type], e);
}

void cu_option_bad(cu_sql *s, const cu_opt *o, const char *hint)
{
    cu_sql_error(s, o->at->value_pos, BAD_VALUE, hint,
                 "invalid value for option \"%s\": \"%.80s\"", o->at->name,
                 o->at->value ? o->at->value : "");
}

int64_t cu_option_int(const cu_opt *o, int64_t otherwise)
{
    return o->at ? o->i : otherwise;
}

/* --- reading -------------------------------------------------------------- */

static bool take(cu_sql *s, const cu_opt_spec *spec, cu_opt *o)
{
    const char *v = o->at->value;
    if (!v && spec->type != CU_OPT_BOOL)
        return false;
    o->text = v;
    switch (spec->type) {
    case CU_OPT_TEXT:
        return *v != '\0';
    case CU_OPT_ANY:
    case CU_OPT_LATER:
        return true;
    case CU_OPT_BOOL:
        return boolean(v, &o->i);
    case CU_OPT_INT:
        return integer(v, &o->i);
    case CU_OPT_DURATION:
        return duration(v, false, &o->i);
    case CU_OPT_DELAY:
        return duration(v, true, &o->i);
    case CU_OPT_SIZE:
        return size(v, &o->i);
    case CU_OPT_RATE:
        return rate(v, &o->rate);
    case CU_OPT_WORD:
        return word(v, spec->words, &o->i);
    case CU_OPT_NAMES:
        return cu_names_parse(s->arena, v, &o->list, &o->n);
    case CU_OPT_PATH:
        return cu_json_path_ok(v);
    case CU_OPT_PATHS:
        return paths(s->arena, v, o);
    case CU_OPT_TOPIC:
        return cu_topic_ok(v);
    case CU_OPT_CHAR:
        o->i = v[0];
        return v[0] > 0 && !v[1] && v[0] != '"' && v[0] != '\n' && v[0] != '\r';
    }
    return false;
}

static void unknown(cu_sql *s, const char *owner, uint32_t who,
                    const cu_opt_spec *specs, uint32_t n,
                    const cu_ast_option *o)
{
    const char **names = cu_arena_calloc(s->problem_arena, n + 1,
                                         sizeof *names);
    uint32_t known = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (specs[i].where & who)
            names[known++] = specs[i].name;
    }
    const char *hint = cu_sql_nearest(s, o->name, names, known);
    if (!*hint && known <= 12) {
        cu_buf b = {0};
        for (uint32_t i = 0; i < known; i++)
            cu_buf_printf(&b, "%s%s", i ? ", " : "Known options: ", names[i]);
        hint = cu_arena_printf(s->problem_arena, "%.*s.", (int)b.len,
                               b.data ? b.data : "There are none");
        if (!known)
            hint = NULL;
        cu_buf_free(&b);
    }
    cu_sql_error(s, o->pos, BAD_NAME, hint, "unknown option \"%s\" of %s",
                 o->name, owner);
}

static bool one(cu_sql *s, const char *owner, uint32_t who,
                const cu_opt_spec *specs, uint32_t n, const cu_ast_option *o,
                cu_opt *out)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(specs[i].name, o->name) != 0 || !(specs[i].where & who))
            continue;
        if (specs[i].type == CU_OPT_LATER) {
            cu_sql_error(s, o->pos, LATER, NULL,
                         "option \"%s\" is not supported yet", o->name);
            return false;
        }
        if (out[i].at) {
            cu_sql_error(s, o->pos, TWICE, NULL,
                         "option \"%s\" provided more than once", o->name);
            return false;
        }
        out[i].at = o;
        if (take(s, &specs[i], &out[i]))
            return true;
        cu_option_bad(s, &out[i], expected(s, &specs[i]));
        out[i] = (cu_opt){0};
        return false;
    }
    unknown(s, owner, who, specs, n, o);
    return false;
}

static bool was_written(const cu_ast_options *given, const char *name)
{
    for (uint32_t i = 0; i < given->n; i++) {
        if (!strcmp(given->at[i].name, name))
            return true;
    }
    return false;
}

bool cu_options_read(cu_sql *s, const char *owner, uint32_t who,
                     const cu_opt_spec *specs, uint32_t n,
                     const cu_ast_options *given, cu_pos pos, cu_opt *out)
{
    bool good = true;
    for (uint32_t i = 0; i < n; i++)
        out[i] = (cu_opt){0};
    for (uint32_t i = 0; i < given->n; i++)
        good = one(s, owner, who, specs, n, &given->at[i], out) && good;
    for (uint32_t i = 0; i < n; i++) {
        if (!(specs[i].required & who) || was_written(given, specs[i].name))
            continue;
        const char *hint = cu_arena_printf(
            s->problem_arena, "Add: %s '%s'", specs[i].name,
            specs[i].example ? specs[i].example : specs[i].words);
        cu_sql_error(s, pos, MISSING, hint, "option \"%s\" of %s is missing",
                     specs[i].name, owner);
        good = false;
    }
    return good;
}
