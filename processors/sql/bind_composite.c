/* Rows as arguments: to_jsonb(u), jsonb_agg(ROW (a, b)), count(DISTINCT (a,
 * b)).
 *
 * A row is no value here, but where a function only asks for its JSON, or
 * whether it is there, its parts answer:
 *
 *     to_jsonb(u)       {"column": value, …}   in any call that makes jsonb
 *     ROW (a, b)        {"f1": a, "f2": b}     there too
 *     count(u)          the rows that are there
 *     count(DISTINCT u) their JSON, which is equal where the rows are
 *     (u).a             u.a
 *
 * The row that an outer join did not find is NULL as a whole.  It is known by
 * its columns, all NULL: whatever joined has one that is not, unless the join
 * asked for no equality.
 */
#include "processors/sql/bind_rel.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

/* One row's parts. */
typedef struct parts {
    cu_expr **at;
    const char **names; /* NULL: f1, f2, … */
    uint32_t n;
    bool maybe; /* of an outer join */
} parts;

/* --- the name of a relation ----------------------------------------------- */

/* The scope in which `name` is a relation, but no column. */
static const cu_scope *scope_of(const cu_bind *b, const char *name)
{
    for (const cu_scope *s = b->scope; s; s = s->outer) {
        for (uint32_t i = 0; i < s->n_cols; i++) {
            const cu_scope_col *c = &s->cols[i];
            if ((!c->hidden && strcmp(c->name, name) == 0) ||
                (c->scalar && strcmp(c->rel, name) == 0))
                return NULL;
        }
        for (uint32_t i = 0; i < s->n_rels; i++)
            if (strcmp(s->rels[i], name) == 0)
                return s;
    }
    return NULL;
}

/* u, or u.* */
static const cu_scope *relation(cu_bind *b, const cu_ast_expr *e)
{
    if (e->kind != CU_A_COLUMN || e->n_names != 1)
        return NULL;
    return scope_of(b, e->names[0]);
}

bool cu_bind_is_row(cu_bind *b, const cu_ast_expr *e)
{
    return e->kind == CU_A_ROW || relation(b, e);
}

static void columns_of(cu_bind *b, const cu_scope *s, const cu_ast_expr *e,
                       parts *out)
{
    cu_arena *a = b->sql->arena;
    out->at = cu_arena_calloc(a, s->n_cols + 1, sizeof(*out->at));
    out->names = cu_arena_calloc(a, s->n_cols + 1, sizeof(*out->names));
    for (uint32_t i = 0; i < s->n_cols; i++) {
        const cu_scope_col *c = &s->cols[i];
        if (strcmp(c->rel, e->names[0]) || c->name[0] == '\1')
            continue;
        cu_expr *x = cu_scope_expr(b->sql, c, e->pos);
        out->maybe = out->maybe || c->maybe;
        out->names[out->n] = c->name;
        out->at[out->n++] = s == b->scope ? x : cu_rel_ref(b->sql, s, x);
    }
}

/* --- ROW (…) -------------------------------------------------------------- */

static bool append(cu_bind *b, const cu_ast_expr *e, parts *out, uint32_t *cap)
{
    const cu_scope *s = e->kind == CU_A_COLUMN && e->star ? relation(b, e)
                                                          : NULL;
    parts more = {0};
    cu_expr *one;
    if (s) {
        columns_of(b, s, e, &more);
    } else {
        one = cu_bind_is_row(b, e) ? cu_bind_row_jsonb(b, e)
                                   : cu_bind_settle(b, cu_bind_expr(b, e));
        more.at = &one;
        more.n = 1;
        if (one == NULL)
            return false;
    }
    if (out->n + more.n > *cap) {
        *cap = 2 * (out->n + more.n);
        cu_expr **at = cu_arena_calloc(b->sql->arena, *cap, sizeof(*at));
        if (out->n)
            memcpy(at, out->at, out->n * sizeof(*at));
        out->at = at;
    }
    memcpy(out->at + out->n, more.at, more.n * sizeof(*more.at));
    out->n += more.n;
    return true;
}

static bool parts_of(cu_bind *b, const cu_ast_expr *e, parts *out)
{
    const cu_scope *s = relation(b, e);
    bool good = true;
    uint32_t cap = 0;
    if (s) {
        columns_of(b, s, e, out);
        return true;
    }
    for (uint32_t i = 0; i < e->args.n; i++)
        good = append(b, e->args.at[i], out, &cap) && good;
    return good;
}

/* --- values --------------------------------------------------------------- */

static cu_expr *name_of(cu_bind *b, const parts *p, uint32_t i, cu_pos pos)
{
    const char *name = p->names ? p->names[i]
                                : cu_arena_printf(b->sql->arena, "f%u", i + 1);
    cu_value v = {.type = CU_TYPE(CU_T_TEXT), .s = cu_slice_of(name)};
    return cu_expr_const(b->sql->arena, &v, pos);
}

/* CASE WHEN all are NULL THEN NULL ELSE value END, of an outer join's row. */
static cu_expr *if_there(cu_bind *b, const parts *p, cu_expr *value, cu_pos pos)
{
    cu_sql *s = b->sql;
    if (!p->maybe || value == NULL)
        return value;
    cu_expr **none = cu_arena_calloc(s->arena, p->n + 1, sizeof(*none));
    for (uint32_t i = 0; i < p->n; i++) {
        none[i] = cu_rel_call(s, "is_null", p->at[i], NULL, pos);
        if (none[i] == NULL)
            return NULL;
    }
    return cu_rel_case(s, cu_rel_and(s, none, p->n),
                       cu_rel_null(s, value->type, pos), value);
}

/* A call takes 128 arguments: wider rows are put together. */
enum { AT_ONCE = 60 };

static cu_expr *object(cu_bind *b, const parts *p, cu_pos pos)
{
    cu_sql *s = b->sql;
    cu_expr *out = NULL;
    uint32_t i = 0;
    do {
        uint32_t n = p->n - i < AT_ONCE ? p->n - i : AT_ONCE;
        cu_expr **args = cu_arena_calloc(s->arena, 2 * (size_t)n + 1,
                                         sizeof(*args));
        for (uint32_t k = 0; k < n; k++, i++) {
            args[2 * k] = name_of(b, p, i, pos);
            args[2 * k + 1] = p->at[i];
        }
        cu_expr *some = cu_bind_called(s, "jsonb_build_object", args, 2 * n,
                                       pos);
        if (some == NULL)
            return NULL;
        out = out ? cu_rel_call(s, "||", out, some, pos) : some;
    } while (out && i < p->n);
    return if_there(b, p, out, pos);
}

cu_expr *cu_bind_row_jsonb(cu_bind *b, const cu_ast_expr *e)
{
    parts p = {0};
    return parts_of(b, e, &p) ? object(b, &p, e->pos) : NULL;
}

/* One day and 24 hours are equal, but not their texts. */
static bool texts_tell(cu_bind *b, const parts *p, cu_pos pos)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const cu_type t = p->at[i]->type;
        if (t.kind != CU_T_INTERVAL &&
            !(t.kind == CU_T_ARRAY && t.elem == CU_T_INTERVAL))
            continue;
        cu_sql_refuse(b->sql, pos, "count(DISTINCT) of a row with an interval");
        return false;
    }
    return true;
}

static cu_expr *counted(cu_bind *b, const cu_ast_expr *call,
                        const cu_ast_expr *e)
{
    parts p = {0};
    if (!parts_of(b, e, &p))
        return NULL;
    if (!call->distinct)
        return if_there(b, &p, cu_rel_true(b->sql, e->pos), e->pos);
    return texts_tell(b, &p, e->pos) ? object(b, &p, e->pos) : NULL;
}

static bool makes_jsonb(const char *name)
{
    static const char *const names[] = {
        "to_jsonb",          "jsonb_agg",          "jsonb_object_agg",
        "jsonb_build_array", "jsonb_build_object",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

cu_expr *cu_bind_row_argument(cu_bind *b, const cu_ast_expr *call,
                              const cu_ast_expr *arg)
{
    const char *name = call->names[call->n_names - 1];
    const bool count = strcmp(name, "count") == 0 && call->args.n == 1;
    if ((!count && !makes_jsonb(name)) || !cu_bind_is_row(b, arg))
        return cu_bind_expr(b, arg);
    return count ? counted(b, call, arg) : cu_bind_row_jsonb(b, arg);
}

cu_expr *cu_bind_field(cu_bind *b, const cu_ast_expr *e)
{
    const cu_ast_expr *of = e->args.at[0];
    if (!relation(b, of) || of->star) {
        if (of->kind != CU_A_COLUMN || cu_bind_expr(b, of))
            cu_sql_refuse(b->sql, e->pos, "a field of a composite value");
        return NULL;
    }
    cu_ast_expr *column = cu_arena_dup(b->sql->arena, of, sizeof(*of));
    column->names = cu_arena_calloc(b->sql->arena, 2, sizeof(*column->names));
    column->names[0] = of->names[0];
    column->names[1] = e->text;
    column->n_names = 2;
    return cu_bind_expr(b, column);
}

bool cu_bind_refuse_row(cu_bind *b, const cu_ast_expr *e)
{
    if (!relation(b, e))
        return false;
    cu_sql_error(b->sql, e->pos, STATE('0', 'A', '0', '0', '0'),
                 cu_arena_printf(b->sql->arena,
                                 "Name its columns (%s.*), or write "
                                 "to_jsonb(%s).",
                                 e->names[0], e->names[0]),
                 "the row \"%s\" as a value is not supported", e->names[0]);
    return true;
}
