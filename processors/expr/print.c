/* Expressions as text close to the SQL they came from, for explain and for
 * messages: operators infix in parentheses, casts as `x::type`, special
 * forms in their own words. */
#include "processors/expr/int.h"

void cu_put_quoted(cu_buf *out, cu_slice s)
{
    cu_buf_put_u8(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\'')
            cu_buf_put_u8(out, '\'');
        cu_buf_put_u8(out, (uint8_t)s.data[i]);
    }
    cu_buf_put_u8(out, '\'');
}

static void put_const(const cu_value *v, cu_buf *out)
{
    if (v->null) {
        cu_buf_put_str(out, "NULL");
        return;
    }
    char name[64];
    switch (v->type.kind) {
    case CU_T_UNKNOWN:
    case CU_T_TEXT:
        cu_put_quoted(out, v->s);
        return;
    case CU_T_BOOL:
        cu_buf_put_str(out, v->b ? "true" : "false");
        return;
    case CU_T_INT2:
    case CU_T_INT4:
    case CU_T_INT8:
    case CU_T_NUMERIC:
        cu_value_out(v, NULL, out);
        return;
    default:
        break;
    }
    cu_buf text = {0};
    cu_value_out(v, NULL, &text);
    cu_put_quoted(out, cu_buf_slice(&text));
    cu_buf_free(&text);
    cu_buf_printf(out, "::%s", cu_type_name(v->type, name));
}

static void put_list(const cu_expr *e, uint32_t first, const char *between,
                     const cu_schema *names, cu_buf *out)
{
    for (uint32_t i = first; i < e->n_args; i++) {
        if (i > first)
            cu_buf_put_str(out, between);
        cu_expr_print(e->args[i], names, out);
    }
}

/* Forms whose text is the first argument and some words after it. */
static const char *suffix_of(const char *name)
{
    static const char *const forms[][2] = {
        {"is_null", "IS NULL"},       {"is_not_null", "IS NOT NULL"},
        {"is_true", "IS TRUE"},       {"is_not_true", "IS NOT TRUE"},
        {"is_false", "IS FALSE"},     {"is_not_false", "IS NOT FALSE"},
        {"is_unknown", "IS UNKNOWN"}, {"is_not_unknown", "IS NOT UNKNOWN"},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (!strcmp(forms[i][0], name))
            return forms[i][1];
    return NULL;
}

/* "any_eq" -> "= ANY"; NULL for other names. */
static const char *quantified(const char *name)
{
    static const char *const forms[][2] = {
        {"any_eq", "= ANY"},  {"any_ne", "<> ANY"}, {"any_lt", "< ANY"},
        {"any_le", "<= ANY"}, {"any_gt", "> ANY"},  {"any_ge", ">= ANY"},
        {"all_eq", "= ALL"},  {"all_ne", "<> ALL"}, {"all_lt", "< ALL"},
        {"all_le", "<= ALL"}, {"all_gt", "> ALL"},  {"all_ge", ">= ALL"},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (!strcmp(forms[i][0], name))
            return forms[i][1];
    return NULL;
}

static void put_infix(const cu_expr *e, const char *sign,
                      const cu_schema *names, cu_buf *out)
{
    cu_buf_put_u8(out, '(');
    cu_expr_print(e->args[0], names, out);
    cu_buf_printf(out, " %s ", sign);
    cu_expr_print(e->args[1], names, out);
    cu_buf_put_u8(out, ')');
}

static bool put_special(const cu_expr *e, const cu_schema *names, cu_buf *out)
{
    const char *name = e->func->name;
    const char *words = suffix_of(name);
    if (words) {
        cu_buf_put_u8(out, '(');
        cu_expr_print(e->args[0], names, out);
        cu_buf_printf(out, " %s)", words);
    } else if (!strcmp(name, "not")) {
        cu_buf_put_str(out, "(NOT ");
        cu_expr_print(e->args[0], names, out);
        cu_buf_put_u8(out, ')');
    } else if (!strcmp(name, "is_distinct_from")) {
        put_infix(e, "IS DISTINCT FROM", names, out);
    } else if (!strcmp(name, "is_not_distinct_from")) {
        put_infix(e, "IS NOT DISTINCT FROM", names, out);
    } else if ((words = quantified(name)) != NULL) {
        cu_buf_put_u8(out, '(');
        cu_expr_print(e->args[0], names, out);
        cu_buf_printf(out, " %s (", words);
        cu_expr_print(e->args[1], names, out);
        cu_buf_put_str(out, "))");
    } else if (!strcmp(name, "subscript")) {
        cu_expr_print(e->args[0], names, out);
        cu_buf_put_u8(out, '[');
        cu_expr_print(e->args[1], names, out);
        cu_buf_put_u8(out, ']');
    } else if (!strcmp(name, "slice")) {
        cu_expr_print(e->args[0], names, out);
        cu_buf_put_u8(out, '[');
        put_list(e, 1, ":", names, out);
        cu_buf_put_u8(out, ']');
    } else if (!strcmp(name, "array")) {
        cu_buf_put_str(out, "ARRAY[");
        put_list(e, 0, ", ", names, out);
        cu_buf_put_u8(out, ']');
    } else {
        return false;
    }
    return true;
}

static void put_call(const cu_expr *e, const cu_schema *names, cu_buf *out)
{
    const cu_func *f = e->func;
    char type[64];
    if (f->kind == CU_FUNC_CAST) {
        cu_expr_print(e->args[0], names, out);
        cu_buf_printf(out, "::%s", cu_type_name(e->type, type));
    } else if (put_special(e, names, out)) {
        return;
    } else if (f->kind == CU_FUNC_OPERATOR && e->n_args == 2) {
        put_infix(e, f->name, names, out);
    } else if (f->kind == CU_FUNC_OPERATOR) {
        cu_buf_printf(out, "(%s ", f->name);
        cu_expr_print(e->args[0], names, out);
        cu_buf_put_u8(out, ')');
    } else {
        cu_buf_printf(out, "%s(", f->name);
        put_list(e, 0, ", ", names, out);
        cu_buf_put_u8(out, ')');
    }
}

static void put_case(const cu_expr *e, const cu_schema *names, cu_buf *out)
{
    cu_buf_put_str(out, "CASE");
    for (uint32_t i = 0; i + 1 < e->n_args; i += 2) {
        cu_buf_put_str(out, " WHEN ");
        cu_expr_print(e->args[i], names, out);
        cu_buf_put_str(out, " THEN ");
        cu_expr_print(e->args[i + 1], names, out);
    }
    cu_buf_put_str(out, " ELSE ");
    cu_expr_print(e->args[e->n_args - 1], names, out);
    cu_buf_put_str(out, " END");
}

static void put_col(const cu_expr *e, const cu_schema *names, cu_buf *out)
{
    if (names && e->col < names->n && names->fields[e->col].name)
        cu_buf_put_str(out, names->fields[e->col].name);
    else
        cu_buf_printf(out, "$%u", e->col + 1);
}

void cu_expr_print(const cu_expr *e, const cu_schema *names, cu_buf *out)
{
    switch (e->kind) {
    case CU_E_CONST:
        put_const(&e->value, out);
        break;
    case CU_E_COL:
        put_col(e, names, out);
        break;
    case CU_E_CALL:
        put_call(e, names, out);
        break;
    case CU_E_AND:
    case CU_E_OR:
        cu_buf_put_u8(out, '(');
        put_list(e, 0, e->kind == CU_E_AND ? " AND " : " OR ", names, out);
        cu_buf_put_u8(out, ')');
        break;
    case CU_E_CASE:
        put_case(e, names, out);
        break;
    case CU_E_COALESCE:
        cu_buf_put_str(out, "COALESCE(");
        put_list(e, 0, ", ", names, out);
        cu_buf_put_u8(out, ')');
        break;
    case CU_E_NOW:
        cu_buf_put_str(out, "now()");
        break;
    }
}
