/* Named arguments: f(x, path => y), put in their places.
 *
 * The functions whose arguments have names in PostgreSQL and are useful by
 * name; what is left out between them takes its default.  A call without
 * names is left as it is, but make_interval's, which may have any number of
 * arguments.
 */
#include "processors/sql/bind.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

/* Defaults are numbers, true or false, or strings after an apostrophe. */
typedef struct parameter {
    const char *name, *value;
} parameter;

typedef struct signature {
    const char *name;
    parameter at[CU_FUNC_ARGS];
} signature;

#define PATH_ARGS                                    \
    {                                                \
        {"target", 0}, {"path", 0}, {"vars", "'{}"}, \
        {                                            \
            "silent", "false"                        \
        }                                            \
    }

static const signature signatures[] = {
    {"make_interval",
     {{"years", "0"},
      {"months", "0"},
      {"weeks", "0"},
      {"days", "0"},
      {"hours", "0"},
      {"mins", "0"},
      {"secs", "0"}}},
    {"make_date", {{"year", 0}, {"month", 0}, {"day", 0}}},
    {"make_time", {{"hour", 0}, {"min", 0}, {"sec", 0}}},
    {"make_timestamp",
     {{"year", 0},
      {"month", 0},
      {"mday", 0},
      {"hour", 0},
      {"min", 0},
      {"sec", 0}}},
    {"make_timestamptz",
     {{"year", 0},
      {"month", 0},
      {"mday", 0},
      {"hour", 0},
      {"min", 0},
      {"sec", 0},
      {"timezone", 0}}},
    {"jsonb_set",
     {{"jsonb_in", 0},
      {"path", 0},
      {"replacement", 0},
      {"create_if_missing", "true"}}},
    {"jsonb_set_lax",
     {{"jsonb_in", 0},
      {"path", 0},
      {"replacement", 0},
      {"create_if_missing", "true"},
      {"null_value_treatment", "'use_json_null"}}},
    {"jsonb_insert",
     {{"jsonb_in", 0},
      {"path", 0},
      {"replacement", 0},
      {"insert_after", "false"}}},
    {"jsonb_path_exists", PATH_ARGS},
    {"jsonb_path_match", PATH_ARGS},
    {"jsonb_path_query", PATH_ARGS},
    {"jsonb_path_query_array", PATH_ARGS},
    {"jsonb_path_query_first", PATH_ARGS},
};

static const signature *signature_of(const char *name)
{
    for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++)
        if (strcmp(signatures[i].name, name) == 0)
            return &signatures[i];
    return NULL;
}

static bool problem(cu_sql *s, const cu_ast_expr *at, uint32_t state,
                    const char *format, const char *name)
{
    cu_sql_error(s, at->pos, state, NULL, format, name);
    return false;
}

static cu_ast_expr *constant(cu_sql *s, const char *text, cu_pos pos)
{
    cu_ast_expr *e = cu_arena_calloc(s->arena, 1, sizeof(*e));
    e->pos = pos;
    e->text = text;
    e->kind = CU_A_NUMBER;
    if (*text == '\'') {
        e->kind = CU_A_STRING;
        e->text = text + 1;
    } else if (*text == 't' || *text == 'f') {
        e->kind = CU_A_BOOL;
        e->flag = *text == 't';
    }
    return e;
}

/* Puts the arguments where they belong; *n: up to the last of them. */
static bool place(cu_sql *s, const signature *f, const cu_ast_list *in,
                  cu_ast_expr **out, uint32_t *n)
{
    bool named = false;
    uint32_t positional = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        cu_ast_expr *e = in->at[i];
        uint32_t k = i;
        if (e->kind == CU_A_NAMED) {
            named = true;
            for (k = 0; k < CU_FUNC_ARGS && f->at[k].name; k++)
                if (strcmp(f->at[k].name, e->text) == 0)
                    break;
        } else if (named) {
            return problem(s, e, STATE('4', '2', '6', '0', '1'),
                           "positional argument cannot follow named argument%s",
                           "");
        } else {
            positional++;
        }
        if (k >= CU_FUNC_ARGS || !f->at[k].name || (named && k < positional))
            return problem(s, e, STATE('4', '2', '8', '8', '3'),
                           "function %s() with these arguments does not exist",
                           f->name);
        if (out[k])
            return problem(s, e, STATE('4', '2', '6', '0', '1'),
                           "argument name \"%s\" used more than once", e->text);
        out[k] = e->kind == CU_A_NAMED ? e->args.at[0] : e;
        *n = k >= *n ? k + 1 : *n;
    }
    return true;
}

bool cu_bind_named(cu_bind *b, const cu_ast_expr *call, cu_ast_list *out)
{
    cu_sql *s = b->sql;
    const char *name = call->names[call->n_names - 1];
    const signature *f = signature_of(name);
    bool named = strcmp(name, "make_interval") == 0;
    *out = call->args;
    for (uint32_t i = 0; i < call->args.n; i++)
        named = named || call->args.at[i]->kind == CU_A_NAMED;
    if (!f || !named)
        return true;
    uint32_t n = 0;
    out->at = cu_arena_calloc(s->arena, CU_FUNC_ARGS, sizeof(*out->at));
    if (!place(s, f, &call->args, out->at, &n))
        return false;
    while (n < CU_FUNC_ARGS && f->at[n].name && f->at[0].value)
        n++;
    for (uint32_t i = 0; i < n; i++) {
        if (!out->at[i] && !f->at[i].value)
            return problem(s, call, STATE('4', '2', '8', '8', '3'),
                           "function %s() with these arguments does not exist",
                           name);
        if (!out->at[i])
            out->at[i] = constant(s, f->at[i].value, call->pos);
    }
    out->n = n;
    return true;
}
