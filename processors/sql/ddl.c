/* Statements -> program: dispatch, names, and the checks at the end. */
#include "processors/sql/ddl.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

const char *cu_ddl_dir(const cu_sql *s, cu_pos pos)
{
    bool known = pos.file >= 0 && (uint32_t)pos.file < s->program->n_files;
    return known ? s->program->files[pos.file].dir : ".";
}

static bool relation_exists(const cu_sql *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_views; i++) {
        if (!strcmp(s->views[i].name, name))
            return true;
    }
    return cu_program_table(s->program, name) ||
           cu_program_view(s->program, name);
}

bool cu_ddl_new_name(cu_sql *s, const cu_ast_stmt *st, bool *skip)
{
    *skip = false;
    if (!cu_topic_ok(st->name)) {
        cu_sql_error(s, st->name_pos, STATE('4', '2', '6', '0', '2'),
                     "Use letters, digits, \"_\", \"-\" and \".\": topics are "
                     "named after it.",
                     "name \"%s\" is not fit for topics", st->name);
        return false;
    }
    if (!relation_exists(s, st->name))
        return true;
    *skip = st->if_not_exists;
    if (!*skip)
        cu_sql_error(s, st->name_pos, STATE('4', '2', 'P', '0', '7'), NULL,
                     "relation \"%s\" already exists", st->name);
    return false;
}

cu_sql_server *cu_ddl_server(cu_sql *s, const char *name, cu_pos pos)
{
    uint32_t n = s->program->n_servers;
    const char **known = cu_arena_calloc(s->problem_arena, n + 1,
                                         sizeof *known);
    for (uint32_t i = 0; i < n; i++) {
        known[i] = s->servers[i].def->name;
        if (!strcmp(known[i], name))
            return &s->servers[i];
    }
    cu_sql_error(s, pos, STATE('4', '2', '7', '0', '4'),
                 cu_sql_nearest(s, name, known, n),
                 "server \"%s\" does not exist", name);
    return NULL;
}

bool cu_ddl_read(cu_sql *s, const char *path, cu_pos pos, cu_slice *out)
{
    enum { MOST = 1 << 20 };
    cu_err err = {0};
    const char *full = cu_path_join(s->arena, cu_ddl_dir(s, pos), path);
    if (s->env->vt->read_file(s->env, full, MOST, s->arena, out, &err)) {
        cu_sql_error(s, pos, STATE('5', '8', '0', '3', '0'),
                     "Relative paths start at the folder of the SQL file.",
                     "%s", err.msg);
        return false;
    }
    while (out->len &&
           (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->len--;
    return true;
}

/* EXPLAIN checks its statement like any other, then forgets it. */
static bool explain(cu_sql *s, const cu_ast_stmt *st)
{
    cu_program *p = s->program;
    cu_program before = *p;
    uint32_t views = s->n_views, copies = s->n_copies;
    bool *sinks = cu_arena_calloc(s->arena, p->n_tables + 1, sizeof *sinks);
    for (uint32_t i = 0; i < p->n_tables; i++)
        sinks[i] = p->tables[i]->is_sink;
    bool good = st->inner->kind == CU_S_SELECT
                    ? cu_ddl_copy_of(s, "explain", st->pos,
                                     st->inner->select) != NULL
                    : cu_ddl_statement(s, st->inner);
    /* Arrays only grow: what was there is still there. */
    p->n_servers = before.n_servers;
    p->brokers = before.brokers;
    p->n_tables = before.n_tables;
    for (uint32_t i = 0; i < p->n_tables; i++)
        p->tables[i]->is_sink = sinks[i];
    p->n_views = before.n_views;
    p->n_copies = before.n_copies;
    s->n_views = views;
    s->n_copies = copies;
    if (good)
        cu_sql_notice(s, st->pos, "cupel explain PATH [VIEW] shows plans.",
                      "EXPLAIN in a pipeline is checked and otherwise "
                      "ignored");
    return good;
}

static bool make(cu_sql *s, const cu_ast_stmt *st)
{
    switch (st->kind) {
    case CU_S_CREATE_SERVER:
        return cu_ddl_create_server(s, st);
    case CU_S_CREATE_USER_MAPPING:
        return cu_ddl_user_mapping(s, st);
    case CU_S_CREATE_FOREIGN_TABLE:
        return cu_ddl_foreign_table(s, st);
    case CU_S_CREATE_VIEW:
        return cu_ddl_view(s, st);
    case CU_S_CREATE_MATERIALIZED_VIEW:
        return cu_ddl_materialized_view(s, st);
    case CU_S_INSERT:
        return cu_ddl_insert(s, st);
    case CU_S_COPY:
        return cu_ddl_copy(s, st);
    case CU_S_EXPLAIN:
        return explain(s, st);
    case CU_S_CREATE_FUNCTION:
        return cu_ddl_function(s, st);
    case CU_S_ALTER_FOREIGN_TABLE:
        return cu_ddl_alter(s, st);
    case CU_S_SELECT:
        cu_sql_error(s, st->pos, STATE('0', 'A', '0', '0', '0'),
                     "Write COPY (SELECT …) TO 'reports/x.csv' WITH (FORMAT "
                     "csv, HEADER), or run cupel query.",
                     "a bare SELECT in a pipeline is not supported");
        return false;
    }
    return false;
}

bool cu_ddl_statement(cu_sql *s, const cu_ast_stmt *st)
{
    bool outer = s->muted;
    s->muted = outer || st->muted;
    bool good = make(s, st);
    s->muted = outer;
    if (!good && st->name)
        cu_sql_fail_name(s, st->name);
    return good;
}

/* --- at the end ----------------------------------------------------------- */

static void clash(cu_sql *s, cu_pos pos, const char *topic, const char *other)
{
    cu_sql_error(s, pos, STATE('4', '2', 'P', '0', '7'),
                 "Give one of them another topic with the option topic.",
                 "topic \"%s\" is written by \"%s\" already", topic, other);
}

/* Every topic that we write has one writer; a sink may have more. */
static const char *writer_of(const cu_program *p, const char *topic,
                             uint32_t n_tables, uint32_t n_views)
{
    for (uint32_t i = 0; i < n_tables; i++) {
        const cu_table_def *t = p->tables[i];
        if ((t->http || t->files) && !strcmp(t->topic, topic))
            return t->name;
    }
    for (uint32_t i = 0; i < n_views; i++) {
        if (p->views[i]->topic && !strcmp(p->views[i]->topic, topic))
            return p->views[i]->name;
    }
    return NULL;
}

/* Rows without a key cannot leave. */
static void check_retention(cu_sql *s, const cu_view_def *v)
{
    if (!v->retention_us || v->root->n_key || v->single)
        return;
    cu_sql_error(s, v->pos, STATE('4', '2', 'P', '1', '6'),
                 "add primary_key: WITH (primary_key = 'a, b'), the columns "
                 "that identify a row.",
                 "option \"retention\" needs a key, and \"%s\" has none",
                 v->name);
}

void cu_ddl_finish(cu_sql *s)
{
    cu_program *p = s->program;
    cu_ddl_judges(s);
    cu_ddl_check_shared(s);
    for (uint32_t i = 0; i < p->n_tables; i++) {
        const cu_table_def *t = p->tables[i];
        bool ours = t->http || t->files || t->is_sink;
        const char *other = ours && t->topic ? writer_of(p, t->topic, i, 0)
                                             : NULL;
        if (other)
            clash(s, t->pos, t->topic, other);
    }
    for (uint32_t i = 0; i < p->n_views; i++) {
        const cu_view_def *v = p->views[i];
        const char *other = v->topic ? writer_of(p, v->topic, p->n_tables, i)
                                     : NULL;
        if (other)
            clash(s, v->pos, v->topic, other);
        cu_bind_check_clock(s, v->root);
        check_retention(s, v);
    }
    cu_sql_rest *rest = cu_arena_calloc(s->arena, 1, sizeof *rest);
    *rest = (cu_sql_rest){s->env, s->views, s->n_views, s->functions};
    p->sql = rest;
}
