/* Binds the language's own table functions in FROM.
 *
 *   tumble, hop, cumulate, session   windows (bind_time.c)
 *   watermark(t, ts, interval)       a watermark where the table has none
 *   history(v, …)                    versions of a key
 *   changelog(v)                     changes as rows
 *   surrogate(v, key => ARRAY[c])    numbers by first appearance
 *   dead_letters(x), late_rows(v)    what was rejected (bind_letters.c)
 *
 * history and changelog want every change of a key, not only what is left of
 * a commit: the normalize nodes below them pass all versions on.  That only
 * means something when nothing in between regroups rows.
 */
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

const char *const cu_bind_relations[CU_BIND_RELATIONS] = {
    "tumble",  "hop",  "session", "cumulate",     "changelog", "late_rows",
    "history", "asof", "lookup",  "dead_letters", "watermark", "surrogate"};

bool cu_bind_is_relation(const char *function)
{
    for (size_t i = 0; i < CU_BIND_RELATIONS; i++)
        if (strcmp(cu_bind_relations[i], function) == 0)
            return true;
    return false;
}

/* --- all versions --------------------------------------------------------- */

bool cu_bind_all_versions(cu_sql *s, cu_node *n, const char *function)
{
    switch (n->kind) {
    case CU_N_NORMALIZE:
        n->normalize.all_versions = true;
        return true;
    case CU_N_SOURCE:
    case CU_N_VIEW:
    case CU_N_VALUES:
        return true;
    case CU_N_FILTER:
    case CU_N_PROJECT:
    case CU_N_WATERMARK:
    case CU_N_UNION:
        for (uint32_t i = 0; i < n->n_inputs; i++)
            if (!cu_bind_all_versions(s, n->inputs[i], function))
                return false;
        return true;
    default:
        cu_sql_error(s, n->pos, STATE('0', 'A', '0', '0', '0'),
                     "Make the query a materialized view, and read that: its "
                     "changes are those of its commits.",
                     "%s() over %s is not supported", function,
                     cu_node_kind_name(n->kind));
        return false;
    }
}

/* --- history -------------------------------------------------------------- */

static bool truth(cu_sql *s, const cu_args *a, const cu_ast_expr *e, bool *out)
{
    cu_value v;
    if (e == NULL)
        return true;
    if (!cu_args_constant(s, a, e, CU_TYPE(CU_T_BOOL), &v))
        return false;
    *out = !v.null && v.b;
    return true;
}

/* key => ARRAY[…], or what identifies a row of the relation. */
static bool key_of(cu_sql *s, const cu_args *a, const cu_scope *in,
                   const cu_ast_expr *e, uint16_t **key, uint32_t *n)
{
    if (e)
        return cu_args_columns(s, a, in, e, key, n);
    *n = in->node->n_key;
    *key = cu_arena_dup(s->arena, in->node->key, *n * sizeof(**key));
    if (*n)
        return true;
    cu_sql_error(
        s, a->pos, STATE('4', '2', 'P', '1', '6'), "Add: key => ARRAY[column]",
        "%s() needs a key: none is known of this relation", a->function);
    return false;
}

static bool is_among(uint16_t col, const uint16_t *cols, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (cols[i] == col)
            return true;
    return false;
}

/* Where rows are replaced, the two halves of a change belong to one key of
 * the history, or to two: its key must hold that of the rows. */
static bool holds_key(cu_sql *s, const cu_args *a, const cu_node *in,
                      const uint16_t *key, uint32_t n)
{
    bool holds = in->n_key > 0;
    cu_buf names = {0};
    for (uint32_t i = 0; i < in->n_key; i++) {
        holds = holds && is_among(in->key[i], key, n);
        cu_buf_printf(&names, "%s%s", i ? ", " : "",
                      in->schema->fields[in->key[i]].name);
    }
    cu_buf_put_u8(&names, 0);
    if (!in->append_only && !holds)
        cu_sql_error(s, a->at[1] ? a->at[1]->pos : a->pos,
                     STATE('4', '2', 'P', '1', '6'),
                     in->n_key ? "Add the columns of that key, or read a "
                                 "table of mode 'append'."
                               : "Read a table of mode 'append'.",
                     "the key of %s() must hold the key by which rows are "
                     "replaced%s%s%s",
                     a->function, in->n_key ? " (" : "", names.data,
                     in->n_key ? ")" : "");
    cu_buf_free(&names);
    return in->append_only || holds;
}

cu_node *cu_bind_history(cu_sql *s, cu_node *in, const uint16_t *key,
                         uint32_t n_key, uint16_t valid_at, bool deletes)
{
    cu_type at = valid_at ? in->schema->fields[valid_at - 1].type
                          : CU_TYPE(CU_T_TIMESTAMPTZ);
    cu_field fields[4] = {
        {.name = "version", .type = CU_TYPE(CU_T_INT8), .not_null = true},
        {.name = "valid_from", .type = at},
        {.name = "valid_until", .type = at},
        {.name = "op", .type = CU_TYPE(CU_T_TEXT), .not_null = true}};
    uint16_t own = (uint16_t)in->schema->n;
    cu_node *n = cu_node_over_input(s, CU_N_HISTORY, in);
    n->schema = cu_schema_with(s, in->schema, fields, 4);
    n->append_only = false;
    n->single = false;
    n->time = 0;
    n->windows = (cu_node_windows){0};
    n->history.key = key;
    n->history.n_key = n_key;
    n->history.valid_at = valid_at;
    n->history.deletes = deletes;
    uint16_t *with = cu_arena_calloc(s->arena, n_key + 1, sizeof(*with));
    memcpy(with, key, n_key * sizeof(*key));
    with[n_key] = own;
    n->key = with;
    n->n_key = n_key + 1;
    return n;
}

static bool is_time(cu_sql *s, cu_type t, const char *what, cu_pos pos)
{
    char name[64];
    if (t.kind == CU_T_DATE || t.kind == CU_T_TIMESTAMP ||
        t.kind == CU_T_TIMESTAMPTZ)
        return true;
    cu_sql_error(s, pos, STATE('4', '2', '8', '0', '4'), NULL,
                 "%s must be a date or timestamp, not type %s", what,
                 cu_type_name(t, name));
    return false;
}

static cu_node *history(cu_sql *s, const cu_args *a, const cu_scope *in)
{
    uint16_t *key = NULL;
    uint32_t n_key = 0;
    int32_t col = -1;
    bool deletes = true;
    bool good = key_of(s, a, in, a->at[1], &key, &n_key);
    if (a->at[2]) {
        col = cu_args_column(s, a, in, a->at[2]);
        good = good && col >= 0;
    }
    if (!truth(s, a, a->at[3], &deletes) || !good ||
        !cu_bind_all_versions(s, in->node, a->function) ||
        !holds_key(s, a, in->node, key, n_key))
        return NULL;
    if (col >= 0 && !is_time(s, in->node->schema->fields[col].type,
                             "valid_at of history()", a->at[2]->pos))
        return NULL;
    return cu_bind_history(s, in->node, key, n_key, (uint16_t)(col + 1),
                           deletes);
}

/* --- the others ----------------------------------------------------------- */

static cu_node *changelog(cu_sql *s, const cu_args *a, const cu_scope *in)
{
    cu_field op = {.name = "op", .type = CU_TYPE(CU_T_TEXT), .not_null = true};
    if (!cu_bind_all_versions(s, in->node, a->function))
        return NULL;
    cu_node *n = cu_node_over_input(s, CU_N_CHANGELOG, in->node);
    n->schema = cu_schema_with(s, in->node->schema, &op, 1);
    n->append_only = true;
    n->single = false;
    n->n_key = 0;
    n->key = NULL;
    n->time = 0;
    n->windows = (cu_node_windows){0};
    return n;
}

static cu_node *surrogate(cu_sql *s, const cu_args *a, const cu_scope *in)
{
    uint16_t *key = NULL;
    uint32_t n_key = 0;
    if (!key_of(s, a, in, a->at[1], &key, &n_key))
        return NULL;
    cu_field id = {
        .name = "surrogate_id", .type = CU_TYPE(CU_T_INT8), .not_null = true};
    cu_node *n = cu_node_over_input(s, CU_N_SURROGATE, in->node);
    n->schema = cu_schema_with(s, in->node->schema, &id, 1);
    n->surrogate.key = key;
    n->surrogate.n_key = n_key;
    return n;
}

static cu_node *watermark(cu_sql *s, const cu_args *a, const cu_scope *in)
{
    int32_t col = cu_args_column(s, a, in, a->at[1]);
    cu_value v;
    if (col < 0 ||
        !cu_args_constant(s, a, a->at[2], CU_TYPE(CU_T_INTERVAL), &v))
        return NULL;
    cu_type t = in->node->schema->fields[col].type;
    if (!is_time(s, t, "the column of watermark()", a->at[1]->pos))
        return NULL;
    if (v.null || v.iv.months || cu_interval_us(v.iv) < 0) {
        cu_sql_error(s, a->at[2]->pos, STATE('2', '2', '0', '0', '8'), NULL,
                     "watermark() wants an interval of days or less, not "
                     "negative");
        return NULL;
    }
    cu_node *n = cu_node_over_input(s, CU_N_WATERMARK, in->node);
    n->watermark.col = (uint16_t)col;
    n->watermark.delay_us = cu_interval_us(v.iv);
    n->time = (uint16_t)(col + 1);
    n->windows = (cu_node_windows){0};
    return n;
}

/* --- all of them ---------------------------------------------------------- */

typedef struct own_function {
    const char *name;
    const char *names[5];
    uint32_t n, required;
    cu_node *(*make)(cu_sql *s, const cu_args *a, const cu_scope *in);
} own_function;

static const own_function functions[] = {
    {"tumble", {"relation", "ts", "size", "origin"}, 4, 3, NULL},
    {"hop", {"relation", "ts", "slide", "size", "origin"}, 5, 4, NULL},
    {"cumulate", {"relation", "ts", "step", "size", "origin"}, 5, 4, NULL},
    {"session", {"relation", "ts", "gap", "partition_by"}, 4, 3, NULL},
    {"watermark", {"relation", "ts", "delay"}, 3, 3, watermark},
    {"history", {"relation", "key", "valid_at", "deletes"}, 4, 1, history},
    {"changelog", {"relation"}, 1, 1, changelog},
    {"surrogate", {"relation", "key"}, 2, 1, surrogate},
};

cu_node *cu_bind_relation(cu_sql *s, const cu_ctes *ctes,
                          const cu_ast_expr *call, uint32_t *hidden)
{
    const char *name = call->names[call->n_names - 1];
    const own_function *f = NULL;
    *hidden = 0;
    if (call->star || call->distinct || call->order.n || call->filter ||
        call->over || call->variadic) {
        cu_sql_refuse(s, call->pos, "this clause of %s()", name);
        return NULL;
    }
    if (strcmp(name, "dead_letters") == 0 || strcmp(name, "late_rows") == 0)
        return cu_bind_letters(s, call);
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            f = &functions[i];
    if (f == NULL) {
        cu_sql_error(s, call->pos, STATE('0', 'A', '0', '0', '0'),
                     "Write it at the right side of a join: LEFT JOIN "
                     "asof(product, b.ts) AS p ON p.id = b.auction.",
                     "%s() without a join is not supported", name);
        return NULL;
    }
    cu_args a;
    cu_scope in = {0};
    if (!cu_args_read(s, call, f->names, f->n, f->required, &a) ||
        !cu_bind_argument(s, ctes, a.at[0], &in))
        return NULL;
    return f->make ? f->make(s, &a, &in) : cu_bind_time(s, &a, &in, hidden);
}
