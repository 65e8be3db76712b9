/* COPY (SELECT …) TO 'file': a report.
 *
 * Its rows are kept in a hidden view as a bag, so that any query will do;
 * ORDER BY, LIMIT and OFFSET of the outermost level are computed when the
 * file is written.
 */
#include "processors/sql/ddl.h"

enum {
    X_FORMAT,
    X_HEADER,
    X_DELIMITER,
    X_EVERY,
    X_NULL,
    X_ENCODING,
    X_LATER,
    N_COPY = X_LATER + 7
};

static const cu_opt_spec specs[N_COPY] = {
    [X_FORMAT] = {"format", CU_OPT_WORD, 1, 0, "csv | text | binary", NULL},
    [X_HEADER] = {"header", CU_OPT_BOOL, 1, 0, 0, NULL},
    [X_DELIMITER] = {"delimiter", CU_OPT_CHAR, 1, 0, 0, NULL},
    [X_EVERY] = {"every", CU_OPT_DURATION, 1, 0, 0, "1 minute"},
    [X_NULL] = {"null", CU_OPT_ANY, 1, 0, 0, NULL},
    [X_ENCODING] = {"encoding", CU_OPT_TEXT, 1, 0, 0, "UTF8"},
    [X_LATER] = {"quote", CU_OPT_LATER, 1, 0, 0, 0},
    [X_LATER + 1] = {"escape", CU_OPT_LATER, 1, 0, 0, 0},
    [X_LATER + 2] = {"force_quote", CU_OPT_LATER, 1, 0, 0, 0},
    [X_LATER + 3] = {"force_null", CU_OPT_LATER, 1, 0, 0, 0},
    [X_LATER + 4] = {"force_not_null", CU_OPT_LATER, 1, 0, 0, 0},
    [X_LATER + 5] = {"freeze", CU_OPT_LATER, 1, 0, 0, 0},
    [X_LATER + 6] = {"follow", CU_OPT_LATER, 1, 0, 0, 0},
};

static bool options(cu_sql *s, const cu_ast_stmt *st, cu_copy_def *c)
{
    cu_opt o[N_COPY];
    bool good = cu_options_read(s, "COPY", 1, specs, N_COPY, &st->options,
                                st->name_pos, o);
    cu_pos pos = o[X_FORMAT].at ? o[X_FORMAT].at->value_pos : st->name_pos;
    bool written = o[X_FORMAT].at != NULL;
    if (good && (!written || o[X_FORMAT].i != 0)) {
        cu_sql_error(s, pos, CU_SQLSTATE('0', 'A', '0', '0', '0'),
                     "Write WITH (FORMAT csv, HEADER).",
                     "COPY in format %s is not supported",
                     written ? o[X_FORMAT].text : "text");
        good = false;
    }
    if (o[X_NULL].at && *o[X_NULL].text) {
        cu_sql_refuse(s, o[X_NULL].at->value_pos,
                      "another NULL than the empty cell");
        good = false;
    }
    if (o[X_ENCODING].at && !cu_option_same(o[X_ENCODING].text, "utf8") &&
        !cu_option_same(o[X_ENCODING].text, "utf-8")) {
        cu_sql_refuse(s, o[X_ENCODING].at->value_pos,
                      "another encoding than UTF8");
        good = false;
    }
    c->header = cu_option_int(&o[X_HEADER], 0) != 0;
    c->delimiter = (char)cu_option_int(&o[X_DELIMITER], ',');
    c->every_ms = cu_option_int(&o[X_EVERY], 0);
    return good;
}

/* "reports/avg by year.csv" -> copy_3_avg_by_year */
static const char *hidden_name(cu_sql *s, const char *path)
{
    const char *base = cu_path_base(path);
    size_t n = strcspn(base, ".");
    char *stem = cu_arena_strn(s->arena, base, n > 64 ? 64 : n);
    for (char *p = stem; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || *p == '_' || *p == '-';
        if (!plain)
            *p = '_';
    }
    const char *name;
    do
        name = cu_arena_printf(s->arena, "copy_%u_%s", ++s->n_copies, stem);
    while (cu_program_view(s->program, name) ||
           cu_program_table(s->program, name));
    return name;
}

cu_copy_def *cu_ddl_copy_of(cu_sql *s, const char *name, cu_pos pos,
                            const cu_ast_select *select)
{
    cu_bound bound;
    cu_view_def *v = cu_ddl_hidden_view(s, name, pos, select, &bound);
    if (!v)
        return NULL;
    cu_copy_def *c = cu_arena_calloc(s->arena, 1, sizeof *c);
    uint16_t *cols = cu_arena_calloc(s->arena, bound.n_visible + 1,
                                     sizeof *cols);
    for (uint32_t i = 0; i < bound.n_visible; i++)
        cols[i] = (uint16_t)i;
    if (bound.with_ties)
        cu_sql_refuse(s, pos, "WITH TIES in a report");
    *c = (cu_copy_def){
        .pos = pos,
        .view = v,
        .n_order = bound.n_order,
        .order = bound.order,
        .limit = bound.limit,
        .offset = bound.offset,
        .n_cols = bound.n_visible,
        .cols = cols,
        .delimiter = ',',
    };
    v->root->materialize.n_order = bound.n_order;
    v->root->materialize.order = bound.order;
    return bound.with_ties ? NULL : c;
}

static bool path_free(cu_sql *s, const cu_ast_stmt *st, const char *path)
{
    for (uint32_t i = 0; i < s->program->n_copies; i++) {
        if (strcmp(s->program->copies[i]->path, path) != 0)
            continue;
        cu_sql_error(s, st->name_pos, CU_SQLSTATE('4', '2', 'P', '0', '7'),
                     NULL, "another COPY writes file \"%s\" already", st->name);
        return false;
    }
    return true;
}

bool cu_ddl_copy(cu_sql *s, const cu_ast_stmt *st)
{
    cu_program *p = s->program;
    cu_copy_def read = {0};
    bool good = options(s, st, &read);
    const char *base = cu_path_base(st->name);
    if (!*base || !strcmp(base, ".") || !strcmp(base, "..")) {
        cu_sql_error(s, st->name_pos, CU_SQLSTATE('4', '2', '6', '0', '2'),
                     "Write a file name, for example 'reports/books.csv'.",
                     "\"%s\" is not a file name", st->name);
        good = false;
    }
    const char *name = st->name;
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    const char *path = cu_path_join(s->arena, cu_ddl_dir(s, st->pos), name);
    good = path_free(s, st, path) && good;
    cu_copy_def *c = cu_ddl_copy_of(s, hidden_name(s, st->name), st->pos,
                                    st->select);
    if (!c || !good)
        return true; /* no object failed that others could miss */
    c->path = path;
    c->shown = st->name;
    c->header = read.header;
    c->delimiter = read.delimiter;
    c->every_ms = read.every_ms;
    p->copies = cu_sql_grow(s->arena, p->copies, p->n_copies,
                            sizeof *p->copies);
    p->copies[p->n_copies++] = c;
    return true;
}
