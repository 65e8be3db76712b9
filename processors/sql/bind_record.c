/* Functions in FROM whose columns the statement declares:
 * jsonb_to_recordset(x) AS t(sku text, qty int).
 *
 * The names and types become two constants more of the call, which
 * processors/expr/set_record.c reads.
 */
#include "processors/sql/bind_rel.h"

#include "rows/array.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static bool problem(cu_sql *s, cu_pos pos, const char *what)
{
    cu_sql_error(s, pos, STATE('4', '2', '6', '0', '1'), NULL, "%s", what);
    return false;
}

/* False after a problem: a list without need, or a need without one. */
static bool check(cu_sql *s, const cu_ast_from *f, bool record)
{
    if (record && !f->n_defs)
        return problem(s, f->pos,
                       "a column definition list is required for functions "
                       "returning \"record\"");
    if (!record && f->n_defs)
        return problem(s, f->pos,
                       "a column definition list is only allowed for functions "
                       "returning \"record\"");
    if (f->n_defs <= CU_RECORD_COLUMNS)
        return true;
    cu_sql_refuse(s, f->pos, "a list of more than %d column definitions",
                  CU_RECORD_COLUMNS);
    return false;
}

/* The names and types as arguments more. */
static void declare(cu_sql *s, const cu_field *own, uint32_t n, cu_pos pos,
                    cu_item *it)
{
    cu_type *types = cu_arena_calloc(s->arena, n + 1, sizeof(*types));
    cu_value *names = cu_arena_calloc(s->arena, n + 1, sizeof(*names));
    for (uint32_t i = 0; i < n; i++) {
        types[i] = own[i].type;
        names[i] = (cu_value){.type = CU_TYPE(CU_T_TEXT),
                              .s = cu_slice_of(own[i].name)};
    }
    const cu_value list = {
        .type = {.kind = CU_T_ARRAY, .elem = CU_T_TEXT, .scale = -1},
        .s = cu_array_make(s->arena, CU_TYPE(CU_T_TEXT), names, n)};
    const cu_value kinds = cu_record_types(s->arena, types, n);
    cu_expr **args = cu_arena_calloc(s->arena, 3, sizeof(*args));
    args[0] = it->args[0];
    args[1] = cu_expr_const(s->arena, &list, pos);
    args[2] = cu_expr_const(s->arena, &kinds, pos);
    it->args = args;
    it->n_args = 3;
}

bool cu_bind_record(cu_sql *s, const cu_ast_from *f, cu_item *it,
                    const cu_field **fields, uint32_t *n)
{
    if (!check(s, f, cu_set_is_record(it->func)))
        return false;
    if (!f->n_defs)
        return true;
    cu_field *own = cu_arena_calloc(s->arena, f->n_defs, sizeof(*own));
    for (uint32_t i = 0; i < f->n_defs; i++) {
        own[i].name = f->defs[i].name;
        if (!cu_bind_type(s, &f->defs[i].type, &own[i].type))
            return false;
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(own[k].name, own[i].name) == 0) {
                cu_sql_error(
                    s, f->defs[i].pos, STATE('4', '2', '7', '0', '1'), NULL,
                    "column name \"%s\" specified more than once", own[i].name);
                return false;
            }
    }
    declare(s, own, f->n_defs, f->pos, it);
    *fields = own;
    *n = f->n_defs;
    return true;
}

void cu_bind_record_like(cu_sql *s, const cu_schema *like, cu_pos pos,
                         cu_item *it, const cu_field **fields, uint32_t *n)
{
    cu_field *own = cu_arena_calloc(s->arena, like->n + 1, sizeof(*own));
    for (uint32_t i = 0; i < like->n; i++)
        own[i] = (cu_field){.name = like->fields[i].name,
                            .type = like->fields[i].type};
    declare(s, own, like->n, pos, it);
    *fields = own;
    *n = like->n;
}
