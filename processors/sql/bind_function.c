/* CREATE FUNCTION … LANGUAGE sql, inlined.
 *
 * The body is one expression.  A call binds its arguments in the caller's
 * scope, casts them to the parameters' types, and binds the body where names
 * and $n mean those expressions and nothing else: what comes out is an
 * ordinary expression, and nothing at run time knows of the function.  Of
 * functions of one name the one is taken that needs the fewest defaults, then
 * the fewest casts.  A
 * function sees those that exist when it is called; one that calls itself is
 * refused.
 */
#include "processors/sql/bind_time.h"
#include "processors/sql/ddl.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

/* The function being inlined, and who called it. */
typedef struct cu_sql_call {
    const cu_sql_function *function;
    cu_expr **args; /* typed as the parameters */
    const struct cu_sql_call *outer;
} cu_sql_call;

static cu_expr *cast(cu_bind *b, cu_expr *e, cu_type t, cu_cast_context how,
                     cu_err *err)
{
    cu_expr *out = NULL;
    return cu_expr_cast(b->sql->arena, e, t, how, &out, err) ? NULL : out;
}

/* --- parameters ----------------------------------------------------------- */

cu_expr *cu_bind_param(cu_bind *b, const cu_ast_expr *e)
{
    uint32_t n = b->call ? b->call->function->n_args : 0;
    int32_t at = 0;
    cu_err err = {0};
    if (cu_int4_in(cu_slice_of(e->text), &at, &err) == 0 && at >= 1 &&
        (uint32_t)at <= n)
        return b->call->args[at - 1];
    cu_sql_error(b->sql, e->pos, STATE('4', '2', 'P', '0', '2'), NULL,
                 "there is no parameter $%s", e->text);
    return NULL;
}

cu_expr *cu_bind_param_name(cu_bind *b, const cu_ast_expr *e)
{
    const cu_sql_call *c = b->call;
    const char *name = e->n_names ? e->names[e->n_names - 1] : "";
    if (!c || e->star ||
        (e->n_names == 2 && strcmp(e->names[0], c->function->name) != 0))
        return NULL;
    for (uint32_t i = 0; i < c->function->n_args; i++)
        if (c->function->names[i] && strcmp(c->function->names[i], name) == 0)
            return c->args[i];
    return NULL;
}

/* --- inlining ------------------------------------------------------------- */

static cu_expr *when_all_given(cu_bind *b, const cu_sql_call *c, cu_expr *body)
{
    uint32_t n = c->function->n_args;
    cu_arena *a = b->sql->arena;
    if (!c->function->strict || n == 0)
        return body;
    cu_expr **any = cu_arena_calloc(a, n, sizeof(*any));
    for (uint32_t i = 0; i < n; i++) {
        char hint[120] = "";
        cu_err err = {0};
        cu_expr *arg = c->args[i];
        if (cu_expr_call(a, "is_null", &arg, 1, body->pos, &any[i], hint,
                         &err)) {
            cu_bind_problem(b->sql, body->pos, &err, hint);
            return NULL;
        }
    }
    cu_value null = {.type = body->type, .null = true};
    cu_expr **args = cu_arena_calloc(a, 3, sizeof(*args));
    args[0] = n == 1 ? any[0]
                     : cu_expr_nary(a, CU_E_OR, CU_TYPE(CU_T_BOOL), any, n,
                                    body->pos);
    args[1] = cu_expr_const(a, &null, body->pos);
    args[2] = body;
    return cu_expr_nary(a, CU_E_CASE, body->type, args, 3, body->pos);
}

cu_expr *cu_bind_inline(cu_bind *b, const cu_sql_function *f, cu_expr **args,
                        cu_pos pos)
{
    static const cu_scope nothing;
    cu_sql_call c = {f, args, b->call};
    for (const cu_sql_call *o = b->call; o; o = o->outer)
        if (o->function == f) {
            cu_sql_refuse(b->sql, pos, "function %s(), which calls itself,",
                          f->name);
            return NULL;
        }
    cu_bind own = {.sql = b->sql,
                   .scope = &nothing,
                   .clause = "a function's body",
                   .call = &c,
                   .depth = b->depth};
    cu_expr *body = cu_bind_expr(&own, f->value);
    if (body == NULL)
        return NULL;
    cu_err err = {0};
    cu_expr *typed = cast(b, body, f->result, CU_CAST_ASSIGNMENT, &err);
    if (typed == NULL) {
        char have[64] = "unknown", want[64];
        if (body->type.kind != CU_T_UNKNOWN)
            cu_type_name(body->type, have);
        cu_sql_error(b->sql, f->value->pos, STATE('4', '2', 'P', '1', '3'),
                     cu_arena_printf(b->sql->problem_arena,
                                     "Actual return type is %s.", have),
                     "return type mismatch in function declared to return %s",
                     cu_type_name(f->result, want));
        return NULL;
    }
    return when_all_given(b, &c, typed);
}

/* --- which one ------------------------------------------------------------ */

/* Where an argument of the call goes; n_args: nowhere. */
static uint32_t place_of(const cu_sql_function *f, const cu_ast_expr *arg,
                         uint32_t i)
{
    if (arg->kind != CU_A_NAMED)
        return i;
    uint32_t k = 0;
    while (k < f->n_args &&
           !(f->names[k] && strcmp(f->names[k], arg->text) == 0))
        k++;
    return k;
}

/* The call's arguments as f's, defaults where there is none; the number of
 * defaults, or -1: it cannot be called so. */
static int32_t arrange(const cu_sql_function *f, const cu_ast_list *call,
                       cu_expr **given, cu_expr **out)
{
    int32_t defaults = 0;
    memset(out, 0, f->n_args * sizeof(*out));
    for (uint32_t i = 0; i < call->n; i++) {
        uint32_t k = place_of(f, call->at[i], i);
        if (k >= f->n_args || out[k])
            return -1;
        out[k] = given[i];
    }
    for (uint32_t k = 0; k < f->n_args; k++) {
        if (out[k])
            continue;
        if (!f->defaults[k])
            return -1;
        out[k] = f->defaults[k];
        defaults++;
    }
    return defaults;
}

/* Casts needed to call `f`; -1: it cannot be called so. */
static int32_t casts_of(cu_bind *b, const cu_sql_function *f, cu_expr **args)
{
    int32_t casts = 0;
    for (uint32_t i = 0; i < f->n_args; i++) {
        cu_err err = {0};
        if (args[i]->type.kind == f->types[i].kind &&
            args[i]->type.elem == f->types[i].elem)
            continue;
        if (args[i]->type.kind != CU_T_UNKNOWN)
            casts += 2;
        else
            casts += 1;
        if (args[i]->type.kind != CU_T_UNKNOWN &&
            !cast(b, args[i], f->types[i], CU_CAST_IMPLICIT, &err))
            return -1;
    }
    return casts;
}

/* *args: the given ones, in the order of the function's parameters. */
static const cu_sql_function *choose(cu_bind *b, const char *name,
                                     const cu_ast_list *call, cu_expr ***args)
{
    enum { A_DEFAULT = 1000 };
    const cu_sql_function *best = NULL;
    cu_expr **given = *args;
    int32_t least = INT32_MAX;
    for (const cu_sql_function *f = b->sql->functions; f; f = f->next) {
        if (strcmp(f->name, name) != 0)
            continue;
        cu_expr **own = cu_arena_calloc(b->sql->arena, f->n_args + 1,
                                        sizeof(*own));
        int32_t defaults = arrange(f, call, given, own);
        int32_t casts = defaults < 0 ? -1 : casts_of(b, f, own);
        if (casts >= 0 && casts + A_DEFAULT * defaults < least) {
            least = casts + A_DEFAULT * defaults;
            best = f;
            *args = own;
        }
    }
    return best;
}

/* Positional arguments first, names once. */
static bool names_fit(cu_bind *b, const cu_ast_list *call)
{
    for (uint32_t i = 0; i < call->n; i++) {
        const cu_ast_expr *e = call->at[i];
        bool named = e->kind == CU_A_NAMED, twice = false;
        for (uint32_t k = 0; k < i && named; k++)
            twice = twice || (call->at[k]->kind == CU_A_NAMED &&
                              strcmp(call->at[k]->text, e->text) == 0);
        if (twice)
            cu_sql_error(b->sql, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                         "argument name \"%s\" used more than once", e->text);
        bool behind = !named && i && call->at[i - 1]->kind == CU_A_NAMED;
        if (behind)
            cu_sql_error(b->sql, e->pos, STATE('4', '2', '6', '0', '1'), NULL,
                         "positional argument cannot follow named argument");
        if (twice || behind)
            return false;
    }
    return true;
}

static cu_expr *none(cu_bind *b, const cu_ast_expr *e, const char *name,
                     cu_expr **args)
{
    cu_buf types = {0};
    for (uint32_t i = 0; i < e->args.n; i++) {
        char text[64] = "unknown";
        if (args[i]->type.kind != CU_T_UNKNOWN)
            cu_type_name(args[i]->type, text);
        const cu_ast_expr *arg = e->args.at[i];
        bool named = arg->kind == CU_A_NAMED;
        cu_buf_printf(&types, "%s%s%s%s", i ? ", " : "", named ? arg->text : "",
                      named ? " => " : "", text);
    }
    cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '8', '3'), NULL,
                 "function %s(%.*s) does not exist", name, (int)types.len,
                 types.data ? types.data : "");
    cu_buf_free(&types);
    return NULL;
}

static bool known(const cu_sql *s, const char *name)
{
    for (const cu_sql_function *f = s->functions; f; f = f->next)
        if (strcmp(f->name, name) == 0)
            return true;
    return false;
}

cu_expr *cu_bind_sql_call(cu_bind *b, const cu_ast_expr *e, bool *is)
{
    const char *name = e->names[e->n_names - 1];
    *is = known(b->sql, name);
    if (!*is)
        return NULL;
    if (e->over || e->filter || e->distinct || e->order.n || e->variadic ||
        e->within_group || e->star) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '9'), NULL,
                     "%s is not an aggregate function", name);
        return NULL;
    }
    cu_expr **args = cu_arena_calloc(b->sql->arena, e->args.n + 1,
                                     sizeof(*args));
    bool good = names_fit(b, &e->args);
    for (uint32_t i = 0; i < e->args.n && good; i++) {
        const cu_ast_expr *arg = e->args.at[i];
        args[i] = cu_bind_expr(b,
                               arg->kind == CU_A_NAMED ? arg->args.at[0] : arg);
        good = args[i] != NULL;
    }
    if (!good)
        return NULL;
    const cu_sql_function *f = choose(b, name, &e->args, &args);
    if (!f)
        return none(b, e, name, args);
    for (uint32_t i = 0; i < f->n_args; i++) {
        cu_err err = {0};
        args[i] = cast(b, args[i], f->types[i], CU_CAST_IMPLICIT, &err);
        if (args[i] == NULL) {
            cu_bind_problem(b->sql, e->pos, &err, NULL);
            return NULL;
        }
    }
    return cu_bind_inline(b, f, args, e->pos);
}
