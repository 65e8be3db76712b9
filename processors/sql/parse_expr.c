/* Expressions: libpg_query's tree -> ours.
 *
 * PostgreSQL's grammar turns some syntax into calls (AT TIME ZONE, LIKE …
 * ESCAPE, EXTRACT, TRIM) and some types into internal names (pg_catalog.int4).
 * Both are undone here as far as the binder wants them: a call keeps its
 * name without pg_catalog, AT TIME ZONE gets a node of its own.
 */
#include "processors/sql/parse_int.h"

#include "processors/plan/call.h"

#include <stdlib.h>

/* FRAMEOPTION_* of PostgreSQL's parsenodes.h. */
enum {
    FRAME_WRITTEN = 0x1,
    FRAME_ROWS = 0x4,
    FRAME_GROUPS = 0x8,
    FRAME_END_UNBOUNDED = 0x100,
    FRAME_START_CURRENT = 0x200,
    FRAME_START_PRECEDING = 0x800,
    FRAME_END_PRECEDING = 0x1000,
    FRAME_START_FOLLOWING = 0x2000,
    FRAME_END_FOLLOWING = 0x4000,
    FRAME_NOT_CURRENT = 0x8000,
    FRAME_NOT_GROUP = 0x10000,
    FRAME_NOT_TIES = 0x20000,
};
/* INTERVAL_MASK() of PostgreSQL's timestamp.h: bit numbers of units. */
enum {
    BIT_MONTH = 1,
    BIT_YEAR,
    BIT_DAY,
    BIT_HOUR = 10,
    BIT_MINUTE,
    BIT_SECOND
};
#define INTERVAL_ANY 0x7fff

static cu_ast_expr *make(cu_parse *p, cu_ast_kind kind, int32_t location)
{
    cu_ast_expr *e = cu_arena_calloc(p->s->arena, 1, sizeof *e);
    e->kind = kind;
    e->pos = cu_parse_pos(p, location);
    return e;
}

static void args_of(cu_parse *p, cu_ast_expr *e, uint32_t n)
{
    e->args.at = cu_arena_calloc(p->s->arena, n ? n : 1, sizeof *e->args.at);
    e->args.n = n;
}

static cu_ast_expr *unary(cu_parse *p, cu_ast_expr *e, const PgQuery__Node *a)
{
    args_of(p, e, 1);
    e->args.at[0] = cu_parse_expr(p, a);
    return e;
}

cu_ast_list cu_parse_list(cu_parse *p, cu_pg_nodes nodes, size_t n)
{
    cu_ast_list l = {cu_arena_calloc(p->s->arena, n ? n : 1, sizeof *l.at),
                     (uint32_t)n};
    for (size_t i = 0; i < n; i++)
        l.at[i] = cu_parse_expr(p, nodes[i]);
    return l;
}

cu_ast_sorts cu_parse_sorts(cu_parse *p, cu_pg_nodes nodes, size_t n)
{
    cu_ast_sorts out = {cu_arena_calloc(p->s->arena, n ? n : 1, sizeof *out.at),
                        (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        const PgQuery__SortBy *by = nodes[i]->sort_by;
        if (by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING)
            cu_parse_refuse(p, cu_parse_pos(p, by->location),
                            "ORDER BY … USING");
        cu_ast_sort *to = &out.at[i];
        to->expr = cu_parse_expr(p, by->node);
        to->desc = by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
        if (by->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST)
            to->nulls = 1;
        if (by->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST)
            to->nulls = 2;
    }
    return out;
}

/* --- leaves -------------------------------------------------------------- */

static cu_ast_expr *constant(cu_parse *p, const PgQuery__AConst *c)
{
    cu_ast_expr *e = make(p, CU_A_NULL, c->location);
    switch (c->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        e->kind = CU_A_NUMBER;
        e->text = cu_arena_printf(p->s->arena, "%d", c->ival->ival);
        break;
    case PG_QUERY__A__CONST__VAL_FVAL:
        e->kind = CU_A_NUMBER;
        e->text = cu_parse_str(p, c->fval->fval);
        break;
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        e->kind = CU_A_BOOL;
        e->flag = c->boolval->boolval;
        break;
    case PG_QUERY__A__CONST__VAL_SVAL:
        e->kind = CU_A_STRING;
        e->text = cu_parse_str(p, c->sval->sval);
        break;
    case PG_QUERY__A__CONST__VAL_BSVAL:
        cu_parse_refuse(p, e->pos, "a bit string");
        break;
    default:
        break; /* NULL */
    }
    return e;
}

static cu_ast_expr *column(cu_parse *p, const PgQuery__ColumnRef *c)
{
    cu_ast_expr *e = make(p, CU_A_COLUMN, c->location);
    e->names = cu_arena_calloc(p->s->arena, c->n_fields + 1, sizeof *e->names);
    for (size_t i = 0; i < c->n_fields; i++) {
        const char *name = cu_parse_string(c->fields[i]);
        if (name)
            e->names[e->n_names++] = cu_parse_str(p, name);
        else
            e->star = true;
    }
    if (e->n_names > 2)
        cu_parse_refuse(p, e->pos, "a column name of more than two parts");
    return e;
}

static cu_ast_expr *sql_value(cu_parse *p, const PgQuery__SQLValueFunction *f)
{
    static const char *const names[] = {
        "",
        "current_date",
        "current_time",
        "current_time",
        "current_timestamp",
        "current_timestamp",
        "localtime",
        "localtime",
        "localtimestamp",
        "localtimestamp",
        "current_role",
        "current_user",
        "user",
        "session_user",
        "current_catalog",
        "current_schema",
    };
    cu_ast_expr *e = make(p, CU_A_CLOCK, f->location);
    size_t op = (size_t)f->op;
    e->text = op < sizeof names / sizeof *names ? names[op] : "";
    if (op >= PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE)
        cu_parse_refuse(p, e->pos, "%s", e->text);
    if (f->typmod >= 0)
        cu_parse_refuse(p, e->pos, "%s with a precision", e->text);
    return e;
}

/* --- types --------------------------------------------------------------- */

static const char *unit_of(int32_t mask)
{
    switch (mask) {
    case 1 << BIT_MONTH:
        return "month";
    case 1 << BIT_YEAR:
        return "year";
    case 1 << BIT_DAY:
        return "day";
    case 1 << BIT_HOUR:
        return "hour";
    case 1 << BIT_MINUTE:
        return "minute";
    case 1 << BIT_SECOND:
        return "second";
    default:
        return NULL;
    }
}

static void type_mods(cu_parse *p, const PgQuery__TypeName *t, cu_ast_type *out)
{
    for (size_t i = 0; i < t->n_typmods; i++) {
        const PgQuery__Node *m = t->typmods[i];
        bool number = m->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                      m->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL;
        if (!number || out->n_mods == 2) {
            cu_parse_refuse(p, out->pos, "a type modifier that is no number");
            return;
        }
        out->mods[out->n_mods++] = m->a_const->ival->ival;
    }
}

cu_ast_type *cu_parse_type(cu_parse *p, const PgQuery__TypeName *t)
{
    cu_ast_type *out = cu_arena_calloc(p->s->arena, 1, sizeof *out);
    out->name = "";
    if (!t)
        return out;
    out->pos = cu_parse_pos(p, t->location);
    if (t->n_names) {
        const char *last = cu_parse_string(t->names[t->n_names - 1]);
        const char *first = cu_parse_string(t->names[0]);
        out->name = cu_parse_str(p, last);
        bool catalog = t->n_names == 2 && first &&
                       (!strcmp(first, "pg_catalog") ||
                        !strcmp(first, "public"));
        if (t->n_names > 1 && !catalog)
            cu_parse_refuse(p, out->pos, "a type of a schema");
    }
    if (t->setof)
        cu_parse_refuse(p, out->pos, "SETOF");
    if (t->pct_type)
        cu_parse_refuse(p, out->pos, "%%TYPE");
    if (t->n_array_bounds > 1)
        cu_parse_refuse(p, out->pos, "an array of arrays");
    out->array = t->n_array_bounds > 0;
    type_mods(p, t, out);
    return out;
}

/* interval '10' minute: the unit goes into the string, where the interval's
 * input function reads it. */
static void interval_unit(cu_parse *p, cu_ast_expr *e)
{
    cu_ast_type *t = e->type;
    cu_ast_expr *arg = e->args.at[0];
    if (strcmp(t->name, "interval") != 0 || !t->n_mods)
        return;
    if (t->n_mods == 1 && t->mods[0] == INTERVAL_ANY) {
        t->n_mods = 0;
        return;
    }
    const char *unit = t->n_mods == 1 ? unit_of(t->mods[0]) : NULL;
    bool number = arg && arg->kind == CU_A_STRING && arg->text[0];
    if (number)
        number = strspn(arg->text, "+-0123456789. ") == strlen(arg->text);
    if (unit && number) {
        arg->text = cu_arena_printf(p->s->arena, "%s %s", arg->text, unit);
        t->n_mods = 0;
    } else {
        cu_parse_refuse(p, t->pos, "an interval with fields or a precision");
    }
}

static cu_ast_expr *cast(cu_parse *p, const PgQuery__TypeCast *c)
{
    cu_ast_expr *e = make(p, CU_A_CAST, c->location);
    unary(p, e, c->arg);
    if (c->location < 0 && e->args.at[0]) /* float '1', interval '1' */
        e->pos = e->args.at[0]->pos;
    e->type = cu_parse_type(p, c->type_name);
    interval_unit(p, e);
    return e;
}

/* --- operators ----------------------------------------------------------- */

static const char *sign(cu_parse *p, cu_pg_nodes name, size_t n)
{
    const char *schema = n > 1 ? cu_parse_string(name[0]) : NULL;
    if (schema && strcmp(schema, "pg_catalog") != 0)
        cu_parse_refuse(p, p->at, "an operator of a schema");
    const char *s = n ? cu_parse_string(name[n - 1]) : NULL;
    return cu_parse_str(p, s ? s : "");
}

static void two(cu_parse *p, cu_ast_expr *e, const PgQuery__AExpr *a)
{
    args_of(p, e, a->lexpr ? 2 : 1);
    if (a->lexpr)
        e->args.at[0] = cu_parse_expr(p, a->lexpr);
    e->args.at[e->args.n - 1] = cu_parse_expr(p, a->rexpr);
}

/* left, then the items of the list on the right. */
static void left_and_list(cu_parse *p, cu_ast_expr *e, const PgQuery__AExpr *a)
{
    const PgQuery__Node *r = a->rexpr;
    bool list = r && r->node_case == PG_QUERY__NODE__NODE_LIST;
    size_t n = list ? r->list->n_items : 0;
    args_of(p, e, (uint32_t)n + 1);
    e->args.at[0] = cu_parse_expr(p, a->lexpr);
    for (size_t i = 0; i < n; i++)
        e->args.at[i + 1] = cu_parse_expr(p, r->list->items[i]);
}

static void like(cu_parse *p, cu_ast_expr *e, const PgQuery__AExpr *a)
{
    e->kind = CU_A_LIKE;
    two(p, e, a);
}

static cu_ast_expr *operation(cu_parse *p, const PgQuery__AExpr *a)
{
    cu_ast_expr *e = make(p, CU_A_OP, a->location);
    e->text = sign(p, a->name, a->n_name);
    switch (a->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
        e->flag = true;
        e->kind = CU_A_ANY;
        two(p, e, a);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
        e->kind = CU_A_ANY;
        two(p, e, a);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        e->flag = true;
        e->kind = CU_A_IS_DISTINCT;
        two(p, e, a);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
        e->kind = CU_A_IS_DISTINCT;
        two(p, e, a);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
        e->kind = CU_A_NULLIF;
        two(p, e, a);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        e->kind = CU_A_IN;
        e->flag = !strcmp(e->text, "<>");
        left_and_list(p, e, a);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
        like(p, e, a);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
        two(p, e, a);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
        e->kind = CU_A_BETWEEN;
        e->symmetric = strstr(e->text, "SYMMETRIC") != NULL;
        e->flag = !strncmp(e->text, "NOT", 3);
        left_and_list(p, e, a);
        break;
    default:
        two(p, e, a);
        break;
    }
    return e;
}

static cu_ast_expr *logic(cu_parse *p, const PgQuery__BoolExpr *b)
{
    cu_ast_kind kind = CU_A_NOT;
    if (b->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR)
        kind = CU_A_AND;
    else if (b->boolop == PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR)
        kind = CU_A_OR;
    cu_ast_expr *e = make(p, kind, b->location);
    e->args = cu_parse_list(p, b->args, b->n_args);
    return e;
}

static cu_ast_expr *bool_test(cu_parse *p, const PgQuery__BooleanTest *b)
{
    static const char *const tests[] = {
        "", "true", "not true", "false", "not false", "unknown", "not unknown"};
    cu_ast_expr *e = make(p, CU_A_IS_BOOL, b->location);
    size_t which = (size_t)b->booltesttype;
    e->text = which < sizeof tests / sizeof *tests ? tests[which] : "";
    return unary(p, e, b->arg);
}

static cu_ast_expr *sublink(cu_parse *p, const PgQuery__SubLink *l)
{
    cu_ast_expr *e = make(p, CU_A_SUBQUERY, l->location);
    switch (l->sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
        e->sub = CU_SUB_EXISTS;
        break;
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
        e->sub = CU_SUB_SCALAR;
        break;
    case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK:
        e->sub = CU_SUB_ARRAY;
        break;
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
        e->sub = CU_SUB_IN;
        e->text = l->n_oper_name ? sign(p, l->oper_name, l->n_oper_name) : "=";
        unary(p, e, l->testexpr);
        break;
    case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK:
        e->sub = CU_SUB_IN;
        e->flag = true;
        e->text = sign(p, l->oper_name, l->n_oper_name);
        unary(p, e, l->testexpr);
        break;
    default:
        cu_parse_refuse(p, e->pos, "this subquery");
        break;
    }
    e->select = cu_parse_query(p, l->subselect);
    return e;
}

static cu_ast_expr *case_expr(cu_parse *p, const PgQuery__CaseExpr *c)
{
    cu_ast_expr *e = make(p, CU_A_CASE, c->location);
    args_of(p, e, (uint32_t)(c->n_args * 2 + 2));
    uint32_t n = 0;
    e->args.at[n++] = cu_parse_expr(p, c->arg);
    for (size_t i = 0; i < c->n_args; i++) {
        e->args.at[n++] = cu_parse_expr(p, c->args[i]->case_when->expr);
        e->args.at[n++] = cu_parse_expr(p, c->args[i]->case_when->result);
    }
    e->args.at[n] = cu_parse_expr(p, c->defresult);
    return e;
}

/* --- calls --------------------------------------------------------------- */

static void frame(cu_parse *p, const PgQuery__WindowDef *w, cu_ast_frame *out)
{
    const int32_t o = w->frame_options;
    out->written = (o & FRAME_WRITTEN) != 0;
    out->mode = o & FRAME_ROWS     ? CU_FRAME_ROWS
                : o & FRAME_GROUPS ? CU_FRAME_GROUPS
                                   : CU_FRAME_RANGE;
    out->start = o & FRAME_START_PRECEDING   ? CU_BOUND_PRECEDING
                 : o & FRAME_START_FOLLOWING ? CU_BOUND_FOLLOWING
                 : o & FRAME_START_CURRENT   ? CU_BOUND_CURRENT
                                             : CU_BOUND_UNBOUNDED_PRECEDING;
    out->end = o & FRAME_END_PRECEDING   ? CU_BOUND_PRECEDING
               : o & FRAME_END_FOLLOWING ? CU_BOUND_FOLLOWING
               : o & FRAME_END_UNBOUNDED ? CU_BOUND_UNBOUNDED_FOLLOWING
                                         : CU_BOUND_CURRENT;
    out->exclude = o & FRAME_NOT_CURRENT ? CU_EXCLUDE_CURRENT
                   : o & FRAME_NOT_GROUP ? CU_EXCLUDE_GROUP
                   : o & FRAME_NOT_TIES  ? CU_EXCLUDE_TIES
                                         : CU_EXCLUDE_NOTHING;
    out->start_offset = cu_parse_expr(p, w->start_offset);
    out->end_offset = cu_parse_expr(p, w->end_offset);
}

void cu_parse_window(cu_parse *p, const PgQuery__WindowDef *w,
                     cu_ast_window *out)
{
    out->pos = cu_parse_pos(p, w->location);
    out->partition = cu_parse_list(p, w->partition_clause,
                                   w->n_partition_clause);
    out->order = cu_parse_sorts(p, w->order_clause, w->n_order_clause);
    frame(p, w, &out->frame);
    if (w->name[0])
        out->name = cu_parse_str(p, w->name);
    if (w->refname[0])
        out->base = cu_parse_str(p, w->refname);
}

static bool is_catalog(const char *schema)
{
    return schema &&
           (!strcmp(schema, "pg_catalog") || !strcmp(schema, "public"));
}

static cu_ast_expr *call(cu_parse *p, const PgQuery__FuncCall *f)
{
    cu_ast_expr *e = make(p, CU_A_CALL, f->location);
    e->names = cu_parse_names(p, f->funcname, f->n_funcname);
    e->n_names = (uint32_t)f->n_funcname;
    if (e->n_names > 1 && is_catalog(e->names[0])) {
        e->names++;
        e->n_names--;
    }
    e->text = e->n_names ? e->names[e->n_names - 1] : "";
    if (e->n_names > 1)
        cu_parse_refuse(p, e->pos, "a function of a schema");
    e->args = cu_parse_list(p, f->args, f->n_args);
    bool syntax = f->funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX;
    if (syntax && !strcmp(e->text, "timezone") && e->args.n == 2) {
        cu_ast_expr *zone = e->args.at[0];
        e->kind = CU_A_AT_TIME_ZONE;
        e->args.at[0] = e->args.at[1];
        e->args.at[1] = zone;
        return e;
    }
    e->star = f->agg_star;
    e->distinct = f->agg_distinct;
    e->variadic = f->func_variadic;
    e->within_group = f->agg_within_group;
    e->filter = cu_parse_expr(p, f->agg_filter);
    e->order = cu_parse_sorts(p, f->agg_order, f->n_agg_order);
    if (f->over) {
        e->over = cu_arena_calloc(p->s->arena, 1, sizeof *e->over);
        cu_parse_window(p, f->over, e->over);
    }
    return e;
}

static cu_ast_expr *named(cu_parse *p, const PgQuery__NamedArgExpr *a)
{
    cu_ast_expr *e = make(p, CU_A_NAMED, a->location);
    e->text = cu_parse_str(p, a->name);
    return unary(p, e, a->arg);
}

static cu_ast_expr *nary(cu_parse *p, cu_ast_kind kind, int32_t location,
                         cu_pg_nodes args, size_t n)
{
    cu_ast_expr *e = make(p, kind, location);
    e->args = cu_parse_list(p, args, n);
    return e;
}

static cu_ast_expr *min_max(cu_parse *p, const PgQuery__MinMaxExpr *m)
{
    bool greatest = m->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
    return nary(p, greatest ? CU_A_GREATEST : CU_A_LEAST, m->location, m->args,
                m->n_args);
}

/* --- indirection --------------------------------------------------------- */

static cu_ast_expr *index_step(cu_parse *p, cu_ast_expr *of,
                               const PgQuery__AIndices *x)
{
    cu_ast_expr *e = make(p, CU_A_INDEX, -1);
    args_of(p, e, x->is_slice ? 3 : 2);
    e->args.at[0] = of;
    if (x->is_slice) {
        e->args.at[1] = cu_parse_expr(p, x->lidx);
        e->args.at[2] = cu_parse_expr(p, x->uidx);
    } else {
        e->args.at[1] = cu_parse_expr(p, x->uidx);
    }
    return e;
}

static cu_ast_expr *indirection(cu_parse *p, const PgQuery__AIndirection *a)
{
    cu_ast_expr *of = cu_parse_expr(p, a->arg);
    for (size_t i = 0; i < a->n_indirection; i++) {
        const PgQuery__Node *step = a->indirection[i];
        const char *name = cu_parse_string(step);
        if (of)
            p->at = of->pos;
        if (step->node_case == PG_QUERY__NODE__NODE_A_INDICES) {
            of = index_step(p, of, step->a_indices);
            of->flag = i > 0;
        } else if (name) {
            cu_ast_expr *e = make(p, CU_A_FIELD, -1);
            args_of(p, e, 1);
            e->args.at[0] = of;
            e->text = cu_parse_str(p, name);
            of = e;
        } else {
            cu_parse_refuse(p, p->at, "(row).*");
        }
    }
    return of;
}

static cu_ast_expr *collate(cu_parse *p, const PgQuery__CollateClause *c)
{
    cu_pos pos = cu_parse_pos(p, c->location);
    const char *name = c->n_collname
                           ? cu_parse_string(c->collname[c->n_collname - 1])
                           : NULL;
    if (!name || (strcmp(name, "C") != 0 && strcmp(name, "default") != 0))
        cu_parse_refuse(p, pos, "COLLATE \"%s\"", name ? name : "");
    return cu_parse_expr(p, c->arg);
}

static cu_ast_expr *grouping_set(cu_parse *p, const PgQuery__GroupingSet *g)
{
    cu_ast_expr *e = nary(p, CU_A_GROUPING_SET, g->location, g->content,
                          g->n_content);
    switch (g->kind) {
    case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_ROLLUP:
        e->text = "rollup";
        break;
    case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_CUBE:
        e->text = "cube";
        break;
    case PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_SETS:
        e->text = "sets";
        break;
    default:
        e->text = "empty";
        break;
    }
    return e;
}

static cu_ast_expr *other(cu_parse *p, const PgQuery__Node *n)
{
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_PARAM_REF: {
        cu_ast_expr *e = make(p, CU_A_PARAM, n->param_ref->location);
        e->text = cu_arena_printf(p->s->arena, "%d", n->param_ref->number);
        return e;
    }
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        return nary(p, CU_A_GROUPING, n->grouping_func->location,
                    n->grouping_func->args, n->grouping_func->n_args);
    case PG_QUERY__NODE__NODE_GROUPING_SET:
        return grouping_set(p, n->grouping_set);
    case PG_QUERY__NODE__NODE_XML_EXPR:
    case PG_QUERY__NODE__NODE_XML_SERIALIZE:
        cu_parse_refuse(p, p->at, "XML");
        break;
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
        cu_parse_refuse(p, cu_parse_pos(p, n->set_to_default->location),
                        "DEFAULT");
        break;
    default:
        cu_parse_refuse(p, p->at, "this expression");
        break;
    }
    return NULL;
}

static cu_ast_expr *convert(cu_parse *p, const PgQuery__Node *n)
{
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
        return constant(p, n->a_const);
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return column(p, n->column_ref);
    case PG_QUERY__NODE__NODE_A_EXPR:
        return operation(p, n->a_expr);
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
        return logic(p, n->bool_expr);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return call(p, n->func_call);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return cast(p, n->type_cast);
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return sublink(p, n->sub_link);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        return case_expr(p, n->case_expr);
    case PG_QUERY__NODE__NODE_NULL_TEST: {
        cu_ast_expr *e = make(p, CU_A_IS_NULL, n->null_test->location);
        e->flag = n->null_test->nulltesttype ==
                  PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;
        return unary(p, e, n->null_test->arg);
    }
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
        return bool_test(p, n->boolean_test);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return nary(p, CU_A_COALESCE, n->coalesce_expr->location,
                    n->coalesce_expr->args, n->coalesce_expr->n_args);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return min_max(p, n->min_max_expr);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
        return nary(p, CU_A_ARRAY, n->a_array_expr->location,
                    n->a_array_expr->elements, n->a_array_expr->n_elements);
    case PG_QUERY__NODE__NODE_ROW_EXPR:
        return nary(p, CU_A_ROW, n->row_expr->location, n->row_expr->args,
                    n->row_expr->n_args);
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
        return indirection(p, n->a_indirection);
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR:
        return named(p, n->named_arg_expr);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        return sql_value(p, n->sqlvalue_function);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        return collate(p, n->collate_clause);
    default:
        return other(p, n);
    }
}

cu_ast_expr *cu_parse_expr(cu_parse *p, const PgQuery__Node *n)
{
    if (!n || !cu_parse_enter(p))
        return NULL;
    cu_pos at = p->at;
    cu_ast_expr *e = convert(p, n);
    p->at = at;
    cu_parse_leave(p);
    return e;
}
