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

bool cu_bind_record(cu_sql *s, const cu_ast_from *f, cu_item *it,
                    const cu_field **fields, uint32_t *n)
{
    if (!check(s, f, cu_set_is_record(it->func)))
        return false;
    if (!f->n_defs)
        return true;
    cu_field *own = cu_arena_calloc(s->arena, f->n_defs, sizeof(*own));
    cu_type *types = cu_arena_calloc(s->arena, f->n_defs, sizeof(*types));
    cu_value *names = cu_arena_calloc(s->arena, f->n_defs, sizeof(*names));
    for (uint32_t i = 0; i < f->n_defs; i++) {
        if (!cu_bind_type(s, &f->defs[i].type, &types[i]))
            return false;
        own[i] = (cu_field){.name = f->defs[i].name, .type = types[i]};
        names[i] = (cu_value){.type = CU_TYPE(CU_T_TEXT),
                              .s = cu_slice_of(f->defs[i].name)};
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(own[k].name, own[i].name) == 0) {
                cu_sql_error(
                    s, f->defs[i].pos, STATE('4', '2', '7', '0', '1'), NULL,
                    "column name \"%s\" specified more than once", own[i].name);
                return false;
            }
    }
    const cu_value list = {
        .type = {.kind = CU_T_ARRAY, .elem = CU_T_TEXT, .scale = -1},
        .s = cu_array_make(s->arena, CU_TYPE(CU_T_TEXT), names, f->n_defs)};
    const cu_value kinds = cu_record_types(s->arena, types, f->n_defs);
    cu_expr **args = cu_arena_calloc(s->arena, 3, sizeof(*args));
    args[0] = it->args[0];
    args[1] = cu_expr_const(s->arena, &list, f->pos);
    args[2] = cu_expr_const(s->arena, &kinds, f->pos);
    it->args = args;
    it->n_args = 3;
    *fields = own;
    *n = f->n_defs;
    return true;
}
