/* Prints docs/functions.md from the catalog. */
#include "processors/expr/func.h"

#include <stdio.h>

typedef struct section {
    unsigned kind;
    bool forms;
    const char *title, *text;
} section;

static const section sections[] = {
    {CU_FUNC_OPERATOR, false, "Operators",
     "`~~` is LIKE, `~~*` is ILIKE. AND, OR, BETWEEN, IN (list), CASE, "
     "COALESCE\n"
     "and NULLIF are there as well.\n"},
    {CU_FUNC_SCALAR, true, "Forms of the grammar", NULL},
    {CU_FUNC_SCALAR, false, "Functions", NULL},
    {CU_FUNC_SET, false, "Set-returning functions",
     "They stand in FROM, may use columns of what stands before them, and "
     "take\n"
     "WITH ORDINALITY.\n"},
    {CU_FUNC_AGGREGATE, false, "Aggregates",
     "All take DISTINCT and FILTER (WHERE …), and are exact when rows change "
     "or\n"
     "go. Those that keep an order take ORDER BY; without it, and among rows "
     "that are\n"
     "equal in it, values stand in their own order, where PostgreSQL has that "
     "of\n"
     "arrival. WITHIN GROUP is that of the ordered sets.\n"},
    {CU_FUNC_WINDOW, false, "Window functions",
     "They take OVER (PARTITION BY … ORDER BY … frame), as the aggregates do\n"
     "whose values can be taken away again.\n"},
};

static const char *kind_name(uint8_t kind, uint8_t elem, char out[64])
{
    static const char *const pseudo[] = {
        [CU_T_UNKNOWN - CU_T_UNKNOWN] = "unknown",
        [CU_T_ANY - CU_T_UNKNOWN] = "any",
        [CU_T_ANYELEMENT - CU_T_UNKNOWN] = "anyelement",
        [CU_T_ANYARRAY - CU_T_UNKNOWN] = "anyarray",
        [CU_T_NONARRAY - CU_T_UNKNOWN] = "anynonarray",
        [CU_T_EACHARRAY - CU_T_UNKNOWN] = "anyarray",
        [CU_T_COMPATIBLE - CU_T_UNKNOWN] = "anycompatible",
        [CU_T_COMPATIBLEARRAY - CU_T_UNKNOWN] = "anycompatiblearray",
    };
    if (kind >= CU_T_UNKNOWN)
        return pseudo[kind - CU_T_UNKNOWN];
    cu_type t = CU_TYPE(kind);
    t.elem = elem;
    switch (kind) {
    case CU_T_TIME:
        return "time";
    case CU_T_TIMESTAMP:
        return "timestamp";
    case CU_T_TIMESTAMPTZ:
        return "timestamptz";
    default:
        return cu_type_name(t, out);
    }
}

static void argument(const cu_func *f, uint32_t i)
{
    char name[64];
    printf("%s", kind_name(f->args[i], f->array_elem, name));
}

/* In code: | would end the cell all the same. */
static void name_cell(const char *name)
{
    putchar('`');
    for (const char *p = name; *p; p++)
        printf(*p == '|' ? "\\|" : "%c", *p);
    putchar('`');
}

static void result(const cu_func *f)
{
    char name[64];
    cu_field fields[CU_FUNC_ARGS];
    cu_type types[CU_FUNC_ARGS] = {0};
    if (f->kind != CU_FUNC_SET) {
        printf("%s", kind_name(f->result,
                               f->result_elem ? f->result_elem : f->array_elem,
                               name));
        return;
    }
    for (uint32_t i = 0; i < f->n_args; i++)
        types[i] = (cu_type){.kind = f->args[i], .elem = f->array_elem};
    uint32_t n = cu_set_columns(f, types, f->n_args, fields);
    if (n == 0)
        printf("record");
    for (uint32_t i = 0; i < n; i++) {
        uint8_t kind = fields[i].type.kind;
        printf("%s%s %s", i ? ", " : "", fields[i].name,
               kind ? kind_name(kind, fields[i].type.elem, name)
                    : "anyelement");
    }
}

static void signature(const cu_func *f)
{
    if (f->agg == CU_AGG_COUNT_STAR)
        printf("\\*");
    for (uint32_t i = 0; i < f->n_args; i++) {
        printf("%s", i ? ", " : "");
        argument(f, i);
    }
    printf("%s%s", f->variadic && f->n_args ? ", " : "",
           f->variadic ? "…" : "");
    printf("%s→ ", f->n_args || f->variadic || f->agg ? " " : "");
    result(f);
}

/* Long families of one shape are told in one go. */
typedef bool shape(const cu_func *f, const cu_func *like);

/* Two values of one type give what `like` gives. */
static bool compares(const cu_func *f, const cu_func *like)
{
    return f->n_args == 2 && f->args[0] == f->args[1] &&
           f->result == like->result && like->result == CU_T_BOOL;
}

/* All arguments and the result are of one type. */
static bool keeps(const cu_func *f, const cu_func *like)
{
    for (uint32_t i = 0; i < f->n_args; i++)
        if (f->args[i] != f->result)
            return false;
    return f->n_args == like->n_args && f->n_args > 0;
}

static bool together(const cu_func *a, const cu_func *b)
{
    return a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
           strcmp(a->doc ? a->doc : "", b->doc ? b->doc : "") == 0;
}

static bool family(const cu_func *const *all, uint32_t from, uint32_t to,
                   shape *fits)
{
    uint32_t n = 0;
    for (uint32_t i = from; i < to; i++)
        n += together(all[from], all[i]) && fits(all[i], all[from]);
    return n > 3;
}

static void signatures(const cu_func *const *all, uint32_t from, uint32_t to)
{
    shape *fits = family(all, from, to, compares) ? compares
                  : family(all, from, to, keeps)  ? keeps
                                                  : NULL;
    const char *between = "";
    if (fits)
        printf("%s: ", fits == compares ? "two of one type → boolean"
                                        : "the same type in and out");
    for (uint32_t i = from; fits && i < to; i++) {
        if (!together(all[from], all[i]) || !fits(all[i], all[from]))
            continue;
        printf("%s", between);
        argument(all[i], 0);
        between = ", ";
    }
    between = fits ? "; " : "";
    for (uint32_t i = from; i < to; i++) {
        if (!together(all[from], all[i]) || (fits && fits(all[i], all[from])))
            continue;
        printf("%s", between);
        signature(all[i]);
        between = "; ";
    }
}

/* What the grammar's own forms are called inside. */
static bool is_form(const cu_func *f)
{
    static const char *const names[] = {"array", "not",      "subscript",
                                        "slice", "overlaps", "like_escape"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(f->name, names[i]) == 0)
            return true;
    return strncmp(f->name, "any_", 4) == 0 ||
           strncmp(f->name, "all_", 4) == 0 || strncmp(f->name, "is_", 3) == 0;
}

static bool told_before(const cu_func *const *all, uint32_t i)
{
    for (uint32_t k = i; k-- > 0 && strcmp(all[k]->name, all[i]->name) == 0;)
        if (together(all[k], all[i]))
            return true;
    return false;
}

/* A subject's rows: those of one name and meaning are one row. */
static void print_section(const section *s)
{
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    printf("\n## %s\n\n", s->title);
    if (s->text)
        printf("%s\n", s->text);
    printf("| %swhat | arguments → result |\n|---|%s---|\n",
           s->forms ? "" : "name | ", s->forms ? "" : "---|");
    for (uint32_t i = 0; i < n; i++) {
        const cu_func *f = all[i];
        if (f->kind != s->kind || is_form(f) != s->forms ||
            told_before(all, i) || strchr(f->name, ' '))
            continue; /* a blank: the binder's own */
        uint32_t to = i;
        while (to < n && strcmp(all[to]->name, f->name) == 0)
            to++;
        printf("| ");
        if (!s->forms)
            name_cell(f->name);
        printf("%s%s%s | ", s->forms ? "" : " | ", f->doc ? f->doc : "",
               f->volatility == CU_STABLE     ? " (the clock)"
               : f->volatility == CU_VOLATILE ? " (refused in views)"
                                              : "");
        signatures(all, i, to);
        printf(" |\n");
    }
}

/* Which kinds a kind may be cast to: a line per source type. */
static void print_casts(void)
{
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    char name[64];
    printf("\n## Casts\n\n"
           "`CAST (x AS t)` and `x::t`, with PostgreSQL's rules for which of "
           "them happen by\nthemselves. Arrays are cast element by element.\n\n"
           "| from | to |\n|---|---|\n");
    for (uint8_t from = 1; from < CU_KINDS; from++) {
        bool first = true;
        for (uint8_t to = 1; to < CU_KINDS; to++) {
            bool found = false;
            for (uint32_t i = 0; i < n && !found; i++)
                found = all[i]->kind == CU_FUNC_CAST &&
                        all[i]->args[0] == from && all[i]->result == to &&
                        from != CU_T_ARRAY && to != CU_T_ARRAY;
            if (!found)
                continue;
            if (first)
                printf("| %s | ", kind_name(from, 0, name));
            printf("%s%s", first ? "" : ", ", kind_name(to, 0, name));
            first = false;
        }
        if (!first)
            printf(" |\n");
    }
}

int main(void)
{
    printf("# Functions, operators, aggregates and casts\n\n"
           "Made from the catalog in `processors/expr` by "
           "`tests/docs/functions.c`; a test\n"
           "compares. Names, types, results and errors are PostgreSQL 15's. "
           "What is not\nhere does not exist in cupel: a statement that uses "
           "it is refused with 42883\nand, where one is close, the nearest "
           "name.\n\n"
           "Text is UTF-8 and ordered by its bytes (collation \"C\"); "
           "`lower`, `upper` and\n`initcap` follow C.UTF-8. The session's time "
           "zone is UTC.\n");
    for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
        print_section(&sections[i]);
    print_casts();
    return 0;
}
