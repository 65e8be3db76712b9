/* Statements: libpg_query's tree -> ours.
 *
 * Option values and some names have no location in the tree; they are found
 * among the statement's tokens, which stand in the order in which they were
 * written.
 */
#include "processors/sql/lint.h"
#include "processors/sql/parse_int.h"

static cu_pos token_pos(cu_parse *p, uint32_t i)
{
    if (i >= p->tokens.n)
        return p->at;
    int32_t at = p->tokens.at[i].start;
    return (cu_pos){p->file, cu_sql_map_back(p->map, at)};
}

static cu_ast_stmt *make(cu_parse *p, cu_ast_stmt_kind kind)
{
    cu_ast_stmt *s = cu_arena_calloc(p->s->arena, 1, sizeof *s);
    s->kind = kind;
    s->pos = s->name_pos = s->at_pos = token_pos(p, 0);
    return s;
}

/* The token behind a word outside of parentheses; tokens.n when absent. */
static uint32_t behind(const cu_parse *p, const char *word)
{
    int depth = 0;
    for (uint32_t i = 0; i < p->tokens.n; i++) {
        if (cu_token_is(&p->tokens, i, "("))
            depth++;
        else if (cu_token_is(&p->tokens, i, ")"))
            depth--;
        else if (depth == 0 && cu_token_is(&p->tokens, i, word))
            return i + 1;
    }
    return p->tokens.n;
}

/* The same, past IF NOT EXISTS. */
static uint32_t name_behind(const cu_parse *p, const char *word)
{
    uint32_t i = behind(p, word);
    return cu_token_is(&p->tokens, i, "if") ? i + 3 : i;
}

/* --- options ------------------------------------------------------------- */

static const char *option_value(cu_parse *p, const PgQuery__Node *n, cu_pos pos)
{
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_STRING:
        return cu_parse_str(p, n->string->sval);
    case PG_QUERY__NODE__NODE_INTEGER:
        return cu_arena_printf(p->s->arena, "%d", n->integer->ival);
    case PG_QUERY__NODE__NODE_FLOAT:
        return cu_parse_str(p, n->float_->fval);
    case PG_QUERY__NODE__NODE_BOOLEAN:
        return n->boolean->boolval ? "true" : "false";
    case PG_QUERY__NODE__NODE_TYPE_NAME:
        if (n->type_name->n_names == 1 && !n->type_name->n_typmods &&
            !n->type_name->n_array_bounds)
            return cu_parse_str(p, cu_parse_string(n->type_name->names[0]));
        break;
    default:
        break;
    }
    cu_parse_refuse(p, pos, "an option value that is no string or number");
    return "";
}

static void option(cu_parse *p, const PgQuery__DefElem *d, cu_ast_option *to)
{
    uint32_t name = cu_parse_token(p, d->location), value = name + 1;
    to->pos = cu_parse_pos(p, d->location);
    to->name = cu_parse_str(p, d->defname);
    if (d->defnamespace[0]) {
        to->name = cu_arena_printf(p->s->arena, "%s.%s", d->defnamespace,
                                   d->defname);
        value += 2;
    }
    if (cu_token_is(&p->tokens, value, "="))
        value++;
    to->value_pos = d->arg ? token_pos(p, value) : to->pos;
    if (d->arg)
        to->value = option_value(p, d->arg, to->value_pos);
    if (d->defaction != PG_QUERY__DEF_ELEM_ACTION__DEFELEM_UNSPEC)
        cu_parse_refuse(p, to->pos, "SET, ADD or DROP of an option");
}

static cu_ast_options options(cu_parse *p, cu_pg_nodes nodes, size_t n)
{
    cu_ast_options o = {cu_arena_calloc(p->s->arena, n ? n : 1, sizeof *o.at),
                        (uint32_t)n};
    for (size_t i = 0; i < n; i++)
        option(p, nodes[i]->def_elem, &o.at[i]);
    return o;
}

/* --- servers ------------------------------------------------------------- */

static cu_ast_stmt *server(cu_parse *p,
                           const PgQuery__CreateForeignServerStmt *c)
{
    cu_ast_stmt *s = make(p, CU_S_CREATE_SERVER);
    s->name = cu_parse_str(p, c->servername);
    s->name_pos = token_pos(p, name_behind(p, "server"));
    s->wrapper = cu_parse_str(p, c->fdwname);
    s->at_pos = token_pos(p, behind(p, "wrapper"));
    s->if_not_exists = c->if_not_exists;
    if (c->servertype[0] || c->version[0])
        cu_parse_refuse(p, s->name_pos, "TYPE or VERSION of a server");
    s->options = options(p, c->options, c->n_options);
    return s;
}

static cu_ast_stmt *mapping(cu_parse *p,
                            const PgQuery__CreateUserMappingStmt *c)
{
    cu_ast_stmt *s = make(p, CU_S_CREATE_USER_MAPPING);
    s->server = cu_parse_str(p, c->servername);
    s->at_pos = token_pos(p, behind(p, "server"));
    s->name = s->server;
    s->name_pos = s->at_pos;
    s->if_not_exists = c->if_not_exists;
    PgQuery__RoleSpecType who = c->user
                                    ? c->user->roletype
                                    : PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_PUBLIC;
    if (who == PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_CSTRING)
        cu_parse_refuse(p, cu_parse_pos(p, c->user->location),
                        "a user mapping for one role (write CURRENT_USER)");
    s->options = options(p, c->options, c->n_options);
    return s;
}

/* --- foreign tables ------------------------------------------------------ */

/* What stands between the parentheses of the CHECK at a location. */
static const char *check_text(cu_parse *p, int32_t location)
{
    uint32_t i = cu_parse_token(p, location);
    while (i < p->tokens.n && !cu_token_is(&p->tokens, i, "check"))
        i++;
    uint32_t open = i + 1, close = open;
    int depth = 0;
    for (; close < p->tokens.n; close++) {
        if (cu_token_is(&p->tokens, close, "("))
            depth++;
        if (cu_token_is(&p->tokens, close, ")") && --depth == 0)
            break;
    }
    if (close >= p->tokens.n)
        return "";
    int32_t from = p->tokens.at[open].end, to = p->tokens.at[close].start;
    return cu_arena_strn(p->s->arena, p->tokens.text.data + from,
                         (size_t)(to - from));
}

static void check(cu_parse *p, const PgQuery__Constraint *c, const char *column,
                  cu_ast_stmt *s)
{
    cu_ast_check *to = &s->checks[s->n_checks++];
    to->pos = cu_parse_pos(p, c->location);
    to->name = c->conname[0] ? cu_parse_str(p, c->conname) : NULL;
    to->column = column;
    to->text = check_text(p, c->location);
    to->expr = cu_parse_expr(p, c->raw_expr);
}

static void primary_key(cu_parse *p, const PgQuery__Constraint *c,
                        const char *column, cu_ast_stmt *s)
{
    cu_pos pos = cu_parse_pos(p, c->location);
    if (s->n_primary_key) {
        cu_sql_error(p->s, pos, CU_SQLSTATE('4', '2', 'P', '1', '6'), NULL,
                     "multiple primary keys for table \"%s\" are not allowed",
                     s->name);
        p->refused = true;
        return;
    }
    s->primary_key_pos = pos;
    if (column) {
        s->primary_key = cu_arena_calloc(p->s->arena, 1, sizeof(char *));
        s->primary_key[0] = column;
        s->n_primary_key = 1;
    } else {
        s->primary_key = cu_parse_names(p, c->keys, c->n_keys);
        s->n_primary_key = (uint32_t)c->n_keys;
    }
}

static void constraint(cu_parse *p, const PgQuery__Constraint *c,
                       cu_ast_column *column, cu_ast_stmt *s)
{
    const char *name = column ? column->name : NULL;
    cu_pos pos = cu_parse_pos(p, c->location);
    const char *what = "this constraint";
    switch (c->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
        return;
    case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        if (column)
            column->not_null = true;
        return;
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
        check(p, c, name, s);
        return;
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
        primary_key(p, c, name, s);
        return;
    case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
        if (column)
            column->generated = cu_parse_expr(p, c->raw_expr);
        return;
    case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
        what = "DEFAULT";
        break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY:
        what = "GENERATED AS IDENTITY";
        break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
        what = "UNIQUE";
        break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION:
        what = "EXCLUDE";
        break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
        what = "FOREIGN KEY";
        break;
    default:
        what = "DEFERRABLE";
        break;
    }
    cu_parse_refuse(p, pos, "%s", what);
}

static void column(cu_parse *p, const PgQuery__ColumnDef *c, cu_ast_stmt *s)
{
    cu_ast_column *to = &s->columns[s->n_columns++];
    to->pos = cu_parse_pos(p, c->location);
    to->name = cu_parse_str(p, c->colname);
    to->type = *cu_parse_type(p, c->type_name);
    to->options = options(p, c->fdwoptions, c->n_fdwoptions);
    const PgQuery__CollateClause *coll = c->coll_clause;
    const char *order = coll && coll->n_collname
                            ? cu_parse_string(coll->collname[0])
                            : "C";
    if (!order || strcmp(order, "C") != 0)
        cu_parse_refuse(p, cu_parse_pos(p, coll->location),
                        "another COLLATE than \"C\"");
    for (size_t i = 0; i < c->n_constraints; i++)
        constraint(p, c->constraints[i]->constraint, to, s);
}

static cu_ast_stmt *foreign_table(cu_parse *p,
                                  const PgQuery__CreateForeignTableStmt *c)
{
    cu_ast_stmt *s = make(p, CU_S_CREATE_FOREIGN_TABLE);
    const PgQuery__CreateStmt *b = c->base_stmt;
    s->name = cu_parse_relation(p, b->relation);
    s->name_pos = cu_parse_pos(p, b->relation->location);
    s->server = cu_parse_str(p, c->servername);
    s->at_pos = token_pos(p, behind(p, "server"));
    s->if_not_exists = b->if_not_exists;
    if (b->n_inh_relations || b->partbound)
        cu_parse_refuse(p, s->name_pos, "INHERITS or PARTITION OF");
    size_t n_checks = b->n_table_elts;
    for (size_t i = 0; i < b->n_table_elts; i++) {
        const PgQuery__Node *e = b->table_elts[i];
        if (e->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF)
            n_checks += e->column_def->n_constraints;
    }
    s->columns = cu_arena_calloc(p->s->arena, b->n_table_elts + 1,
                                 sizeof *s->columns);
    s->checks = cu_arena_calloc(p->s->arena, n_checks + 1, sizeof *s->checks);
    for (size_t i = 0; i < b->n_table_elts; i++) {
        const PgQuery__Node *e = b->table_elts[i];
        if (e->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF)
            column(p, e->column_def, s);
        else if (e->node_case == PG_QUERY__NODE__NODE_CONSTRAINT)
            constraint(p, e->constraint, NULL, s);
        else
            cu_parse_refuse(p, p->at, "LIKE in a table");
    }
    s->options = options(p, c->options, c->n_options);
    return s;
}

/* --- views --------------------------------------------------------------- */

static cu_ast_stmt *view(cu_parse *p, const PgQuery__ViewStmt *v)
{
    cu_ast_stmt *s = make(p, CU_S_CREATE_VIEW);
    s->name_pos = cu_parse_pos(p, v->view->location);
    s->name = cu_parse_relation(p, v->view);
    s->names = cu_parse_names(p, v->aliases, v->n_aliases);
    s->n_names = (uint32_t)v->n_aliases;
    s->options = options(p, v->options, v->n_options);
    if (v->with_check_option > PG_QUERY__VIEW_CHECK_OPTION__NO_CHECK_OPTION)
        cu_parse_refuse(p, s->name_pos, "WITH CHECK OPTION");
    s->select = cu_parse_query(p, v->query);
    return s;
}

static cu_ast_stmt *materialized(cu_parse *p,
                                 const PgQuery__CreateTableAsStmt *c)
{
    if (c->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW) {
        cu_parse_refuse(p, p->at, "CREATE TABLE AS");
        return NULL;
    }
    cu_ast_stmt *s = make(p, CU_S_CREATE_MATERIALIZED_VIEW);
    const PgQuery__IntoClause *into = c->into;
    s->name_pos = cu_parse_pos(p, into->rel->location);
    s->name = cu_parse_relation(p, into->rel);
    s->if_not_exists = c->if_not_exists;
    s->names = cu_parse_names(p, into->col_names, into->n_col_names);
    s->n_names = (uint32_t)into->n_col_names;
    s->options = options(p, into->options, into->n_options);
    if (into->access_method[0] || into->table_space_name[0])
        cu_parse_refuse(p, s->name_pos, "USING or TABLESPACE");
    if (into->skip_data)
        cu_parse_refuse(p, s->name_pos, "WITH NO DATA");
    s->select = cu_parse_query(p, c->query);
    return s;
}

/* --- INSERT, COPY, EXPLAIN ------------------------------------------------ */

static cu_ast_stmt *insert(cu_parse *p, const PgQuery__InsertStmt *i)
{
    cu_ast_stmt *s = make(p, CU_S_INSERT);
    s->name_pos = cu_parse_pos(p, i->relation->location);
    s->name = cu_parse_relation(p, i->relation);
    if (i->on_conflict_clause)
        cu_parse_refuse(p, cu_parse_pos(p, i->on_conflict_clause->location),
                        "ON CONFLICT");
    if (i->n_returning_list)
        cu_parse_refuse(p, s->name_pos, "INSERT … RETURNING");
    if (i->with_clause)
        cu_parse_refuse(p, cu_parse_pos(p, i->with_clause->location),
                        "WITH before INSERT (write INSERT INTO t WITH …)");
    s->names = cu_arena_calloc(p->s->arena, i->n_cols + 1, sizeof(char *));
    for (size_t k = 0; k < i->n_cols; k++)
        s->names[s->n_names++] = cu_parse_str(p, i->cols[k]->res_target->name);
    if (!i->select_stmt)
        cu_parse_refuse(p, s->name_pos, "INSERT … DEFAULT VALUES");
    else
        s->select = cu_parse_query(p, i->select_stmt);
    if (s->select && s->select->n_values)
        cu_parse_refuse(p, s->name_pos,
                        "INSERT … VALUES (write CREATE VIEW v AS VALUES …)");
    return s;
}

/* COPY t (a, b): SELECT a, b FROM t. */
static cu_ast_select *whole(cu_parse *p, const PgQuery__CopyStmt *c)
{
    cu_arena *a = p->s->arena;
    cu_ast_select *q = cu_arena_calloc(a, 1, sizeof *q);
    cu_ast_from *f = cu_arena_calloc(a, 1, sizeof *f);
    f->kind = CU_F_TABLE;
    f->pos = q->pos = cu_parse_pos(p, c->relation->location);
    f->name = cu_parse_relation(p, c->relation);
    q->from = cu_arena_dup(a, &f, sizeof f);
    q->n_from = 1;
    size_t n = c->n_attlist ? c->n_attlist : 1;
    q->targets = cu_arena_calloc(a, n, sizeof *q->targets);
    q->n_targets = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        cu_ast_expr *e = cu_arena_calloc(a, 1, sizeof *e);
        e->kind = CU_A_COLUMN;
        e->pos = q->targets[i].pos = q->pos;
        e->star = !c->n_attlist;
        if (c->n_attlist) {
            e->names = cu_parse_names(p, c->attlist + i, 1);
            e->n_names = 1;
        }
        q->targets[i].expr = e;
    }
    return q;
}

static cu_ast_stmt *copy(cu_parse *p, const PgQuery__CopyStmt *c)
{
    cu_ast_stmt *s = make(p, CU_S_COPY);
    s->name_pos = token_pos(p, behind(p, "to"));
    if (c->is_from) {
        cu_parse_refuse(p, s->pos, "COPY … FROM");
        return s;
    }
    if (c->is_program)
        cu_parse_refuse(p, s->name_pos, "COPY … TO PROGRAM");
    else if (!c->filename[0])
        cu_parse_refuse(p, s->name_pos, "COPY … TO STDOUT");
    s->name = cu_parse_str(p, c->filename);
    s->options = options(p, c->options, c->n_options);
    const PgQuery__Node *q = c->query;
    if (c->relation)
        s->select = whole(p, c);
    else if (q && q->node_case == PG_QUERY__NODE__NODE_SELECT_STMT)
        s->select = cu_parse_query(p, q);
    else
        cu_parse_refuse(p, s->pos, "COPY of a statement that changes data");
    return s;
}

static cu_ast_stmt *explain(cu_parse *p, const PgQuery__ExplainStmt *e)
{
    cu_ast_stmt *s = make(p, CU_S_EXPLAIN);
    s->options = options(p, e->options, e->n_options);
    s->inner = cu_parse_stmt(p, e->query);
    return s->inner ? s : NULL;
}

static cu_ast_stmt *select(cu_parse *p, const PgQuery__SelectStmt *q)
{
    cu_ast_stmt *s = make(p, CU_S_SELECT);
    s->select = cu_parse_select(p, q);
    return s;
}

/* A statement's name is made of its first words: "CREATE UNIQUE INDEX". */
static void refuse_by_name(cu_parse *p)
{
    static const char *const verbs[] = {"create",  "alter",  "drop",
                                        "refresh", "import", "declare"};
    static const char *const objects[] = {
        "access",       "aggregate", "cast",         "collation",  "conversion",
        "cursor",       "data",      "database",     "domain",     "event",
        "extension",    "foreign",   "function",     "group",      "index",
        "language",     "mapping",   "materialized", "method",     "operator",
        "policy",       "procedure", "publication",  "role",       "routine",
        "rule",         "schema",    "sequence",     "server",     "statistics",
        "subscription", "system",    "table",        "tablespace", "temp",
        "temporary",    "text",      "search",       "transform",  "trigger",
        "type",         "unique",    "unlogged",     "user",       "view",
        "wrapper"};
    cu_buf name = {0};
    bool more = false;
    for (size_t k = 0; k < sizeof verbs / sizeof *verbs; k++)
        more = more || cu_token_is(&p->tokens, 0, verbs[k]);
    for (uint32_t i = 0; i < p->tokens.n && i < 8; i++) {
        bool skip = cu_token_is(&p->tokens, i, "or") ||
                    cu_token_is(&p->tokens, i, "replace");
        bool known = i == 0;
        for (size_t k = 0; more && k < sizeof objects / sizeof *objects; k++)
            known = known || cu_token_is(&p->tokens, i, objects[k]);
        if (skip && i > 0 && more)
            continue;
        if (!known)
            break;
        for (int32_t b = p->tokens.at[i].start; b < p->tokens.at[i].end; b++) {
            char c = p->tokens.text.data[b];
            c = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
            if (b == p->tokens.at[i].start && name.len)
                cu_buf_put_str(&name, " ");
            cu_buf_put(&name, &c, 1);
        }
    }
    cu_sql_error(p->s, token_pos(p, 0), CU_SQLSTATE('0', 'A', '0', '0', '0'),
                 cu_lint_statement(cu_slice_n(name.data, name.len)),
                 "%.*s is not supported", (int)name.len,
                 name.data ? name.data : "this");
    p->refused = true;
    cu_buf_free(&name);
}

/* --- functions, ALTER ----------------------------------------------------- */

static void parameters(cu_parse *p, const PgQuery__CreateFunctionStmt *c,
                       cu_ast_function *f)
{
    f->names = cu_arena_calloc(p->s->arena, c->n_parameters + 1,
                               sizeof *f->names);
    f->types = cu_arena_calloc(p->s->arena, c->n_parameters + 1,
                               sizeof *f->types);
    f->defaults = cu_arena_calloc(p->s->arena, c->n_parameters + 1,
                                  sizeof *f->defaults);
    for (size_t i = 0; i < c->n_parameters; i++) {
        const PgQuery__FunctionParameter *a = c->parameters[i]
                                                  ->function_parameter;
        bool in = a->mode == PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_IN ||
                  a->mode ==
                      PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_DEFAULT;
        if (!in)
            cu_parse_refuse(p, p->at, "a parameter that is not IN");
        if (a->defexpr)
            f->defaults[f->n_args] = cu_parse_expr(p, a->defexpr);
        f->names[f->n_args] = a->name[0] ? cu_parse_str(p, a->name) : NULL;
        f->types[f->n_args++] = *cu_parse_type(p, a->arg_type);
    }
}

static void function_option(cu_parse *p, const PgQuery__DefElem *d,
                            cu_ast_function *f)
{
    cu_pos pos = cu_parse_pos(p, d->location);
    const PgQuery__Node *v = d->arg;
    bool flag = v && v->node_case == PG_QUERY__NODE__NODE_BOOLEAN &&
                v->boolean->boolval;
    const char *text = v ? cu_parse_string(v) : NULL;
    if (!strcmp(d->defname, "language")) {
        if (!text || strcmp(text, "sql") != 0)
            cu_parse_refuse(p, pos, "LANGUAGE %s", text ? text : "");
    } else if (!strcmp(d->defname, "strict")) {
        f->strict = flag;
    } else if (!strcmp(d->defname, "volatility")) {
        if (text && !strcmp(text, "volatile"))
            cu_parse_refuse(p, pos, "VOLATILE");
    } else if (!strcmp(d->defname, "as")) {
        const PgQuery__List *l = v && v->node_case == PG_QUERY__NODE__NODE_LIST
                                     ? v->list
                                     : NULL;
        if (l && l->n_items == 1)
            f->body = cu_parse_str(p, cu_parse_string(l->items[0]));
        f->body_pos = pos;
    } else if (strcmp(d->defname, "parallel") != 0 &&
               strcmp(d->defname, "cost") != 0 &&
               strcmp(d->defname, "leakproof") != 0) {
        cu_parse_refuse(p, pos, "this option of a function");
    }
}

/* RETURN expression, or BEGIN ATOMIC SELECT expression; END. */
static void function_value(cu_parse *p, const PgQuery__Node *n,
                           cu_ast_function *f)
{
    while (n && n->node_case == PG_QUERY__NODE__NODE_LIST) {
        if (n->list->n_items != 1) {
            cu_parse_refuse(p, p->at, "a function of several statements");
            return;
        }
        n = n->list->items[0];
    }
    if (n && n->node_case == PG_QUERY__NODE__NODE_RETURN_STMT) {
        f->value = cu_parse_expr(p, n->return_stmt->returnval);
        return;
    }
    cu_ast_select *q = n ? cu_parse_query(p, n) : NULL;
    if (q && q->n_targets == 1 && !q->n_from && !q->where)
        f->value = q->targets[0].expr;
    else if (n)
        cu_parse_refuse(p, p->at,
                        "a function's body that is more than SELECT and one "
                        "expression");
}

static cu_ast_stmt *function(cu_parse *p, const PgQuery__CreateFunctionStmt *c)
{
    cu_ast_stmt *s = make(p, CU_S_CREATE_FUNCTION);
    cu_ast_function *f = cu_arena_calloc(p->s->arena, 1, sizeof *f);
    uint32_t at = name_behind(p, "function");
    if (c->is_procedure) {
        cu_parse_refuse(p, s->pos, "CREATE PROCEDURE");
        return NULL;
    }
    s->function = f;
    s->name = cu_parse_str(p, cu_parse_string(c->funcname[c->n_funcname - 1]));
    s->name_pos = p->at = token_pos(p, at);
    f->replace = c->replace;
    parameters(p, c, f);
    if (!c->return_type) {
        cu_parse_refuse(p, s->name_pos, "a function without RETURNS");
        return NULL;
    }
    f->result = *cu_parse_type(p, c->return_type);
    for (size_t i = 0; i < c->n_options; i++)
        function_option(p, c->options[i]->def_elem, f);
    function_value(p, c->sql_body, f);
    return s;
}

static cu_ast_stmt *alter(cu_parse *p, const PgQuery__AlterTableStmt *a)
{
    if (a->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE) {
        refuse_by_name(p);
        return NULL;
    }
    cu_ast_stmt *s = make(p, CU_S_ALTER_FOREIGN_TABLE);
    s->name = cu_parse_relation(p, a->relation);
    s->name_pos = p->at = cu_parse_pos(p, a->relation->location);
    s->columns = cu_arena_calloc(p->s->arena, a->n_cmds + 1,
                                 sizeof *s->columns);
    for (size_t i = 0; i < a->n_cmds; i++) {
        const PgQuery__AlterTableCmd *c = a->cmds[i]->alter_table_cmd;
        const PgQuery__ColumnDef *d = c->def ? c->def->column_def : NULL;
        if (c->subtype != PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn || !d) {
            cu_parse_refuse(p, s->pos,
                            "ALTER FOREIGN TABLE other than ADD COLUMN");
            return NULL;
        }
        if (d->n_constraints)
            cu_parse_refuse(p, cu_parse_pos(p, d->location),
                            "a constraint on a column that is added, which is "
                            "NULL in old rows,");
        else
            column(p, d, s);
    }
    return s;
}

/* --- the rest ------------------------------------------------------------ */

static void transaction(cu_parse *p, const PgQuery__TransactionStmt *t)
{
    switch (t->kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
        return; /* all statements are one unit anyway */
    default:
        refuse_by_name(p);
    }
}

static cu_ast_stmt *convert(cu_parse *p, const PgQuery__Node *n)
{
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_CREATE_FOREIGN_SERVER_STMT:
        return server(p, n->create_foreign_server_stmt);
    case PG_QUERY__NODE__NODE_CREATE_USER_MAPPING_STMT:
        return mapping(p, n->create_user_mapping_stmt);
    case PG_QUERY__NODE__NODE_CREATE_FOREIGN_TABLE_STMT:
        return foreign_table(p, n->create_foreign_table_stmt);
    case PG_QUERY__NODE__NODE_VIEW_STMT:
        return view(p, n->view_stmt);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
        return materialized(p, n->create_table_as_stmt);
    case PG_QUERY__NODE__NODE_INSERT_STMT:
        return insert(p, n->insert_stmt);
    case PG_QUERY__NODE__NODE_COPY_STMT:
        return copy(p, n->copy_stmt);
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
        return explain(p, n->explain_stmt);
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        return select(p, n->select_stmt);
    case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT:
        return function(p, n->create_function_stmt);
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
        return alter(p, n->alter_table_stmt);
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
        transaction(p, n->transaction_stmt);
        return NULL;
    default:
        refuse_by_name(p);
        return NULL;
    }
}

cu_ast_stmt *cu_parse_stmt(cu_parse *p, const PgQuery__Node *n)
{
    if (!n || !cu_parse_enter(p))
        return NULL;
    cu_ast_stmt *s = convert(p, n);
    cu_parse_leave(p);
    return s;
}
