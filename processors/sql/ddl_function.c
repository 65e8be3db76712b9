/* CREATE FUNCTION: the body is read and tried once, with NULLs of the
 * parameters' types; calls inline it (bind_function.c). */
#include "processors/sql/bind_time.h"
#include "processors/sql/ddl.h"
#include "processors/sql/vars.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static bool same_types(const cu_sql_function *a, const cu_sql_function *b)
{
    if (a->n_args != b->n_args || strcmp(a->name, b->name) != 0)
        return false;
    for (uint32_t i = 0; i < a->n_args; i++)
        if (a->types[i].kind != b->types[i].kind ||
            a->types[i].elem != b->types[i].elem)
            return false;
    return true;
}

/* SELECT expression, and nothing else. */
static const cu_ast_expr *only_value(cu_sql *s, const cu_ast_select *q)
{
    bool plain = q && !q->set && !q->n_values && !q->n_ctes && !q->n_from &&
                 !q->where && !q->group_by.n && !q->having && !q->limit &&
                 !q->offset && !q->distinct && !q->distinct_on.n &&
                 !q->order.n && !q->n_windows && q->n_targets == 1 &&
                 !(q->targets[0].expr->kind == CU_A_COLUMN &&
                   q->targets[0].expr->star);
    if (plain)
        return q->targets[0].expr;
    cu_sql_refuse(s, q ? q->pos : (cu_pos){-1, 0},
                  "a function's body that is more than SELECT and one "
                  "expression");
    return NULL;
}

static const cu_ast_expr *body_of(cu_sql *s, const cu_ast_stmt *st)
{
    const cu_ast_function *f = st->function;
    cu_ast_stmt **stmts = NULL;
    if (f->value)
        return f->value;
    if (!f->body) {
        cu_sql_error(s, st->pos, STATE('4', '2', 'P', '1', '3'), NULL,
                     "no function body specified");
        return NULL;
    }
    uint32_t before = s->n_problems;
    uint32_t n = cu_sql_parse(s, f->body_pos.file, cu_slice_of(f->body),
                              cu_sql_map_to(s, f->body_pos.offset), &stmts);
    if (s->n_problems > before)
        return NULL;
    if (n == 1 && stmts[0]->kind == CU_S_SELECT)
        return only_value(s, stmts[0]->select);
    cu_sql_refuse(s, f->body_pos,
                  "a function's body that is more than SELECT and one "
                  "expression");
    return NULL;
}

static bool read_types(cu_sql *s, const cu_ast_function *from,
                       cu_sql_function *f)
{
    bool good = cu_bind_type(s, &from->result, &f->result);
    f->n_args = from->n_args;
    f->names = from->names;
    f->types = cu_arena_calloc(s->arena, f->n_args + 1, sizeof(*f->types));
    for (uint32_t i = 0; i < f->n_args; i++) {
        good = cu_bind_type(s, &from->types[i], &f->types[i]) && good;
        for (uint32_t k = 0; k < i; k++)
            if (f->names[i] && f->names[k] &&
                strcmp(f->names[i], f->names[k]) == 0) {
                cu_sql_error(
                    s, from->types[i].pos, STATE('4', '2', 'P', '1', '3'), NULL,
                    "parameter name \"%s\" used more than once", f->names[i]);
                return false;
            }
    }
    return good;
}

/* Constants of the parameters' types; those behind one have one, too. */
static bool read_defaults(cu_sql *s, const cu_ast_function *from,
                          cu_sql_function *f)
{
    static const cu_scope nothing;
    cu_bind b = {.sql = s, .scope = &nothing, .clause = "DEFAULT"};
    f->defaults = cu_arena_calloc(s->arena, f->n_args + 1,
                                  sizeof(*f->defaults));
    for (uint32_t i = 0; i < f->n_args; i++) {
        const cu_ast_expr *e = from->defaults[i];
        cu_err err = {0};
        if (!e && i && f->defaults[i - 1]) {
            cu_sql_error(s, from->types[i].pos, STATE('4', '2', 'P', '1', '3'),
                         NULL,
                         "input parameters after one with a default value must "
                         "also have defaults");
            return false;
        }
        cu_expr *bound = e ? cu_bind_expr(&b, e) : NULL;
        if (e && !bound)
            return false;
        if (bound && cu_expr_cast(s->arena, bound, f->types[i],
                                  CU_CAST_ASSIGNMENT, &f->defaults[i], &err)) {
            cu_bind_problem(s, e->pos, &err, NULL);
            return false;
        }
    }
    return true;
}

static bool try(cu_sql *s, const cu_sql_function *f, cu_pos pos)
{
    static const cu_scope nothing;
    cu_bind b = {.sql = s, .scope = &nothing, .clause = "a function's body"};
    cu_expr **args = cu_arena_calloc(s->arena, f->n_args + 1, sizeof(*args));
    for (uint32_t i = 0; i < f->n_args; i++) {
        cu_value null = {.type = f->types[i], .null = true};
        args[i] = cu_expr_const(s->arena, &null, pos);
    }
    return cu_bind_inline(&b, f, args, pos) != NULL;
}

static bool may_replace(cu_sql *s, const cu_sql_function *old,
                        const cu_sql_function *f, const cu_ast_stmt *st)
{
    bool same = old->result.kind == f->result.kind &&
                old->result.elem == f->result.elem;
    if (!st->function->replace)
        cu_sql_error(s, st->name_pos, STATE('4', '2', '7', '2', '3'), NULL,
                     "function \"%s\" already exists with same argument "
                     "types",
                     f->name);
    else if (!same)
        cu_sql_error(s, st->name_pos, STATE('4', '2', 'P', '1', '3'), NULL,
                     "cannot change return type of existing function");
    return st->function->replace && same;
}

bool cu_ddl_function(cu_sql *s, const cu_ast_stmt *st)
{
    const cu_ast_function *from = st->function;
    cu_sql_function *f = cu_arena_calloc(s->arena, 1, sizeof(*f));
    f->name = st->name;
    f->strict = from->strict;
    if (cu_bind_is_relation(f->name) || !strcmp(f->name, "now")) {
        cu_sql_error(s, st->name_pos, STATE('4', '2', '7', '2', '3'), NULL,
                     "function \"%s\" exists already", f->name);
        return true;
    }
    bool good = read_types(s, from, f) && read_defaults(s, from, f);
    f->value = body_of(s, st);
    if (!good || !f->value)
        return true;
    for (const cu_sql_function *o = s->functions; o; o = o->next)
        if (same_types(o, f) && !may_replace(s, o, f, st))
            return true;
    f->next = s->functions; /* the latest of equal ones is found first */
    s->functions = f;
    if (!try(s, f, st->pos))
        s->functions = f->next;
    return true;
}
