/* dead_letters(x) and late_rows(view): what was rejected, as relations.
 *
 * Each becomes a source over a table that no statement made, whose records are
 * the letters of one table or view:
 *
 *   dead_letters(t)  error_code … first_seen
 *   late_rows(v)     the row's own columns, window_start, window_end,
 *                    watermark, then error_code … first_seen
 *
 * A letter's column whose name the row's own columns have already is left out.
 */
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static const struct {
    const char *name;
    uint8_t kind;
} common[] = {
    {"error_code", CU_T_TEXT},
    {"error_message", CU_T_TEXT},
    {"stage", CU_T_TEXT},
    {"view", CU_T_TEXT},
    {"column_name", CU_T_TEXT},
    {"topic", CU_T_TEXT},
    {"partition", CU_T_INT4},
    {"record_offset", CU_T_INT8},
    {"record_time", CU_T_TIMESTAMPTZ},
    {"file", CU_T_TEXT},
    {"line", CU_T_INT8},
    {"raw_key", CU_T_BYTEA},
    {"raw_value", CU_T_BYTEA},
    {"headers", CU_T_JSONB},
    {"first_seen", CU_T_TIMESTAMPTZ},
};

/* --- late rows ------------------------------------------------------------ */

typedef struct judges {
    const cu_node *first;
    uint32_t n;
} judges;

static bool judging(void *ctx, cu_node *n)
{
    judges *j = ctx;
    if ((n->kind == CU_N_WINDOW && n->window.late) ||
        (n->kind == CU_N_SESSION && n->session.late) ||
        cu_node_judges_alone(n)) {
        j->first = n;
        j->n++;
    }
    return true;
}

static const cu_node *judge_of(cu_sql *s, const cu_view_def *v, cu_pos pos)
{
    judges j = {0};
    cu_node_walk(v->root, judging, &j);
    if (j.n == 1)
        return j.first;
    if (j.n == 0)
        cu_sql_error(s, pos, STATE('4', '2', '8', '0', '9'),
                     "A row is late for a window over a watermarked column "
                     "of rows that are only ever added.",
                     "view \"%s\" has no late rows", v->name);
    else
        cu_sql_refuse(s, pos,
                      "late_rows() of view \"%s\", which has %u "
                      "windows,",
                      v->name, j.n);
    return NULL;
}

static uint32_t put(cu_schema *to, uint32_t n, const cu_field *f)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(to->fields[i].name, f->name) == 0)
            return n;
    to->fields[n] = *f;
    to->fields[n].not_null = false;
    return n + 1;
}

static cu_schema *schema_of(cu_sql *s, const cu_node *judge)
{
    const cu_schema *row = judge ? judge->inputs[0]->schema : NULL;
    uint32_t own = row ? row->n : 0, n = 0;
    uint32_t most = own + 3 + sizeof(common) / sizeof(*common);
    cu_schema *out = cu_schema_new(s->arena, most);
    for (uint32_t i = 0; i < own; i++)
        n = put(out, n, &row->fields[i]);
    if (judge) {
        uint16_t col = judge->kind == CU_N_WINDOW    ? judge->window.time
                       : judge->kind == CU_N_SESSION ? judge->session.time
                                                     : judge->buffer.col;
        cu_type t = row->fields[col].type;
        n = put(out, n, &(cu_field){.name = "window_start", .type = t});
        n = put(out, n, &(cu_field){.name = "window_end", .type = t});
        n = put(out, n, &(cu_field){.name = "watermark", .type = t});
    }
    for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
        n = put(out, n,
                &(cu_field){.name = common[i].name,
                            .type = CU_TYPE(common[i].kind)});
    out->n = n;
    return out;
}

/* --- the table ------------------------------------------------------------ */

static cu_table_def *known(cu_sql *s, const char *name)
{
    for (uint32_t i = 0; i < s->program->n_tables; i++)
        if (strcmp(s->program->tables[i]->name, name) == 0)
            return s->program->tables[i];
    return NULL;
}

static bool first_source(void *ctx, cu_node *n)
{
    const cu_table_def **t = ctx;
    const cu_view_def *v = n->kind == CU_N_VIEW ? n->view.view : NULL;
    if (n->kind == CU_N_SOURCE)
        *t = n->source.table;
    else if (v)
        return cu_node_walk(v->root, first_source, ctx);
    return *t == NULL;
}

static cu_table_def *make(cu_sql *s, const char *name, cu_pos pos,
                          cu_schema *schema, const cu_server_def *server)
{
    cu_program *p = s->program;
    cu_table_def *t = cu_arena_calloc(s->arena, 1, sizeof(*t));
    cu_codec_col *cols = cu_arena_calloc(s->arena, schema->n + 1,
                                         sizeof(*cols));
    for (uint32_t i = 0; i < schema->n; i++) {
        cols[i].name = schema->fields[i].name;
        cols[i].type = schema->fields[i].type;
    }
    t->name = name;
    t->pos = pos;
    t->schema = schema;
    t->codec.format = CU_FORMAT_JSON;
    t->codec.cols = cols;
    t->codec.n_cols = schema->n;
    t->server = server;
    t->watermark_col = -1;
    t->start_ms = -2;
    t->index = p->n_tables;
    p->tables = cu_sql_grow(s->arena, p->tables, p->n_tables,
                            sizeof(*p->tables));
    p->tables[p->n_tables++] = t;
    return t;
}

static cu_node *letters(cu_sql *s, const cu_ast_expr *call, const char *of,
                        bool late)
{
    const cu_view_def *v = cu_program_view(s->program, of);
    const cu_table_def *t = cu_program_table(s->program, of), *first = t;
    const char *name = cu_arena_printf(s->arena, "%s(%s)",
                                       late ? "late_rows" : "dead_letters", of);
    const cu_node *judge = NULL;
    cu_pos pos = call->args.at[0]->pos;
    v = v && cu_view_is_named(v) ? v : NULL;
    if ((late || !t) && !v) {
        cu_sql_error(s, pos, STATE('4', '2', 'P', '0', '1'), NULL,
                     late && t ? "\"%s\" is no materialized view"
                               : "relation \"%s\" does not exist",
                     of);
        return NULL;
    }
    if (late && !(judge = judge_of(s, v, pos)))
        return NULL;
    cu_table_def *made = known(s, name);
    if (!made) {
        if (v)
            cu_node_walk(v->root, first_source, &first);
        if (!first && s->program->n_servers == 0) {
            cu_sql_refuse(s, pos, "%s without a table", name);
            return NULL;
        }
        made = make(s, name, call->pos, schema_of(s, judge),
                    first ? first->server : s->program->servers[0]);
        made->letters = late ? CU_LETTERS_LATE : CU_LETTERS_DEAD;
        made->letters_of = of;
        made->topic = late ? v->late_topic
                      : t && t->dead_letter_topic
                          ? t->dead_letter_topic
                          : cu_arena_printf(s->arena, "%s.dlq",
                                            s->program->app);
    }
    return cu_node_source(s, made, call->pos);
}

cu_node *cu_bind_letters(cu_sql *s, const cu_ast_expr *call)
{
    const char *name = call->names[call->n_names - 1];
    const cu_ast_expr *of = call->args.n == 1 ? call->args.at[0] : NULL;
    if (!of || of->kind != CU_A_COLUMN || of->n_names != 1 || of->star) {
        cu_sql_error(s, call->pos, STATE('4', '2', '8', '8', '3'), NULL,
                     "%s() takes one argument: the name of a %s", name,
                     strcmp(name, "late_rows") == 0 ? "view" : "table or view");
        return NULL;
    }
    return letters(s, call, of->names[0], strcmp(name, "late_rows") == 0);
}
