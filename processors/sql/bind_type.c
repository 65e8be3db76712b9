/* Binds type names with their modifiers. */
#include "processors/sql/bind.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static bool bad_modifier(cu_sql *s, const cu_ast_type *t, const char *what)
{
    cu_sql_error(s, t->pos, STATE('2', '2', '0', '2', '3'), NULL, "%s", what);
    return false;
}

static bool modify(cu_sql *s, const cu_ast_type *t, cu_type *out)
{
    if (t->n_mods == 0)
        return true;
    int32_t first = t->mods[0], second = t->n_mods > 1 ? t->mods[1] : 0;
    switch ((cu_kind)out->kind) {
    case CU_T_NUMERIC:
        if (first < 1 || first > 1000)
            return bad_modifier(s, t,
                                "NUMERIC precision must be between 1 and 1000");
        if (second < 0 || second > first)
            return bad_modifier(s, t,
                                "NUMERIC scale must be between 0 and its "
                                "precision");
        out->precision = (int16_t)first;
        out->scale = (int16_t)second;
        return true;
    case CU_T_TEXT:
        if (first < 1 || first > INT16_MAX)
            return bad_modifier(s, t,
                                "the length of varchar must be between 1 and "
                                "32767");
        out->precision = (int16_t)first;
        return true;
    case CU_T_TIME:
    case CU_T_TIMESTAMP:
    case CU_T_TIMESTAMPTZ:
        if (first < 0 || first > 6)
            return bad_modifier(s, t,
                                "the precision of a time must be between 0 and "
                                "6");
        out->scale = (int16_t)first;
        return true;
    default:
        cu_sql_error(s, t->pos, STATE('4', '2', '6', '0', '1'), NULL,
                     "type modifier is not allowed for type \"%s\"", t->name);
        return false;
    }
}

static const char *nearest(cu_sql *s, const char *name)
{
    static const char *const known[] = {
        "smallint",  "integer", "bigint",           "numeric",  "decimal",
        "real",      "text",    "varchar",          "boolean",  "date",
        "timestamp", "time",    "timestamptz",      "interval", "jsonb",
        "uuid",      "bytea",   "double precision",
    };
    return cu_sql_nearest(s, name, known, sizeof(known) / sizeof(*known));
}

bool cu_bind_type(cu_sql *s, const cu_ast_type *t, cu_type *out)
{
    cu_err err = {0};
    if (cu_type_parse(cu_slice_of(t->name), out, &err)) {
        if (err.sqlstate == 0)
            err.sqlstate = STATE('0', 'A', '0', '0', '0');
        cu_sql_error(s, t->pos, err.sqlstate, nearest(s, t->name), "%s",
                     err.msg);
        return false;
    }
    if (!modify(s, t, out))
        return false;
    if (t->array)
        *out = (cu_type){.kind = CU_T_ARRAY, .elem = out->kind, .scale = -1};
    return true;
}
