/* Columns of foreign tables: types, options, and where their bytes come
 * from; CHECK and GENERATED.
 *
 *     metadata 'offset'        the record's envelope
 *     key 'true'               the record's key
 *     {subject}, fetched_at    a header that the collector wrote (http)
 *     GENERATED                nowhere: computed
 *     otherwise                the value, at `path` or under its name
 */
#include "processors/sql/ddl_table.h"

#include "rows/text.h"

#define BAD        CU_SQLSTATE('2', '2', '0', '2', '3')
#define DEFINITION CU_SQLSTATE('4', '2', 'P', '1', '6')

enum {
    K = CU_ON_KAFKA,
    H = CU_ON_HTTP,
    F = CU_ON_FILES,
    ALL = K | H | F | CU_ON_BLACKHOLE | CU_ON_POSTGRES,
    MOST_COLUMNS = 1600
};

#define METADATA \
    "topic | partition | offset | timestamp | key | headers | file | line"
#define ENCODINGS \
    "text | epoch_seconds | epoch_millis | epoch_micros | base64 | hex"

static const cu_opt_spec specs[CU_CO_OPTIONS] = {
    [CU_CO_PATH] = {"path", CU_OPT_TEXT, K | H | F, 0, 0, "$.meta.url"},
    [CU_CO_COLUMN_NAME] = {"column_name", CU_OPT_TEXT, K | F, 0, 0,
                           "PurchaseID"},
    [CU_CO_ENCODING] = {"encoding", CU_OPT_WORD, K | H | F, 0, ENCODINGS, NULL},
    [CU_CO_KEY] = {"key", CU_OPT_BOOL, ALL, 0, 0, NULL},
    [CU_CO_WATERMARK] = {"watermark", CU_OPT_DELAY, K | H | F, 0, 0, NULL},
    [CU_CO_METADATA] = {"metadata", CU_OPT_WORD, K | H | F, 0, METADATA, NULL},
    [CU_CO_TIME_ZONE] = {"time_zone", CU_OPT_TEXT, K | H | F, 0, 0,
                         "Europe/Oslo"},
    [CU_CO_FOR_EACH] = {"for_each", CU_OPT_TEXT, H, 0, 0, "fantasy, love"},
};

/* --- names and types ------------------------------------------------------ */

static bool name_and_type(cu_table_maker *t, uint32_t i)
{
    const cu_ast_column *c = &t->st->columns[i];
    cu_field *f = &t->def->schema->fields[i];
    f->name = c->name;
    f->not_null = c->not_null;
    bool good = cu_bind_type(t->s, &c->type, &f->type);
    for (uint32_t k = 0; k < i; k++) {
        if (strcmp(t->st->columns[k].name, c->name) != 0)
            continue;
        cu_sql_error(t->s, c->pos, CU_SQLSTATE('4', '2', '7', '0', '1'), NULL,
                     "column \"%s\" specified more than once", c->name);
        return false;
    }
    return good;
}

bool cu_ddl_columns(cu_table_maker *t)
{
    uint32_t n = t->st->n_columns;
    bool good = n > 0 && n <= MOST_COLUMNS;
    if (!good) {
        cu_sql_error(t->s, t->st->name_pos,
                     CU_SQLSTATE('5', '4', '0', '1', '1'), NULL,
                     "a table has 1 to %d columns", MOST_COLUMNS);
        return false;
    }
    t->def->schema = cu_schema_new(t->s->arena, n);
    t->cols = cu_arena_calloc(t->s->arena, n, sizeof *t->cols);
    t->col = cu_arena_calloc(t->s->arena, n, sizeof *t->col);
    for (uint32_t i = 0; i < n; i++)
        good = name_and_type(t, i) && good;
    return good;
}

bool cu_ddl_column_options(cu_table_maker *t)
{
    bool good = true;
    for (uint32_t i = 0; i < t->st->n_columns; i++) {
        const cu_ast_column *c = &t->st->columns[i];
        good = cu_options_read(t->s, "a column", t->who, specs, CU_CO_OPTIONS,
                               &c->options, c->pos, t->col[i]) &&
               good;
    }
    return good;
}

/* --- options -------------------------------------------------------------- */

static bool type_wrong(cu_table_maker *t, uint32_t i, uint32_t option,
                       const char *types)
{
    char name[64];
    const cu_opt *o = &t->col[i][option];
    cu_sql_error(
        t->s, o->at->pos, CU_SQLSTATE('4', '2', '8', '0', '4'),
        cu_arena_printf(t->s->problem_arena, "Declare it as %s.", types),
        "option \"%s\" does not fit column \"%s\" of type %s", o->at->name,
        t->st->columns[i].name,
        cu_type_name(t->def->schema->fields[i].type, name));
    return false;
}

static bool encoding(cu_table_maker *t, uint32_t i)
{
    const cu_opt *o = &t->col[i][CU_CO_ENCODING];
    uint8_t kind = t->def->schema->fields[i].type.kind;
    t->cols[i].encoding = (cu_encoding)cu_option_int(o, CU_ENC_TEXT);
    switch (t->cols[i].encoding) {
    case CU_ENC_TEXT:
        return true;
    case CU_ENC_EPOCH_SECONDS:
    case CU_ENC_EPOCH_MILLIS:
    case CU_ENC_EPOCH_MICROS:
        if (kind == CU_T_TIMESTAMP || kind == CU_T_TIMESTAMPTZ)
            return true;
        return type_wrong(t, i, CU_CO_ENCODING, "timestamptz or timestamp");
    case CU_ENC_BASE64:
    case CU_ENC_HEX:
        if (kind == CU_T_BYTEA)
            return true;
        return type_wrong(t, i, CU_CO_ENCODING, "bytea");
    }
    return true;
}

static bool zone(cu_table_maker *t, uint32_t i)
{
    const cu_opt *o = &t->col[i][CU_CO_TIME_ZONE];
    cu_err err = {0};
    if (!o->at)
        return true;
    if (t->def->schema->fields[i].type.kind != CU_T_TIMESTAMPTZ)
        return type_wrong(t, i, CU_CO_TIME_ZONE, "timestamptz");
    if (!cu_zone_open(t->s->env, cu_slice_of(o->text), &t->cols[i].zone, &err))
        return true;
    cu_sql_error(t->s, o->at->value_pos, err.sqlstate ? err.sqlstate : BAD,
                 "Expected a name of the IANA list, for example "
                 "'Europe/Oslo'.",
                 "%s", err.msg);
    return false;
}

static bool watermark(cu_table_maker *t, uint32_t i)
{
    const cu_opt *o = &t->col[i][CU_CO_WATERMARK];
    cu_table_def *d = t->def;
    if (!o->at)
        return true;
    uint8_t kind = d->schema->fields[i].type.kind;
    if (kind != CU_T_TIMESTAMP && kind != CU_T_TIMESTAMPTZ)
        return type_wrong(t, i, CU_CO_WATERMARK, "timestamptz or timestamp");
    if (d->watermark_col >= 0) {
        cu_sql_error(t->s, o->at->pos, DEFINITION, NULL,
                     "table \"%s\" has a watermark already: column \"%s\"",
                     d->name, d->schema->fields[d->watermark_col].name);
        return false;
    }
    d->watermark_col = (int32_t)i;
    d->watermark_delay_us = o->i * 1000;
    return true;
}

static bool metadata(cu_table_maker *t, uint32_t i)
{
    static const struct {
        cu_from from;
        uint8_t kinds[2];
        const char *types;
        uint32_t where;
    } known[] = {
        {CU_FROM_TOPIC, {CU_T_TEXT, 0}, "text", K | H | F},
        {CU_FROM_PARTITION, {CU_T_INT4, CU_T_INT8}, "integer", K | H | F},
        {CU_FROM_OFFSET, {CU_T_INT8, 0}, "bigint", K | H | F},
        {CU_FROM_TIMESTAMP, {CU_T_TIMESTAMPTZ, 0}, "timestamptz", K | H | F},
        {CU_FROM_RAW_KEY, {CU_T_BYTEA, CU_T_TEXT}, "bytea or text", K | H | F},
        {CU_FROM_HEADERS, {CU_T_JSONB, 0}, "jsonb", K | H | F},
        {CU_FROM_FILE, {CU_T_TEXT, 0}, "text", F},
        {CU_FROM_LINE, {CU_T_INT8, CU_T_INT4}, "bigint", F},
    };
    const cu_opt *o = &t->col[i][CU_CO_METADATA];
    uint8_t kind = t->def->schema->fields[i].type.kind;
    size_t m = (size_t)o->i;
    t->cols[i].from = known[m].from;
    if (!(known[m].where & t->who)) {
        cu_option_bad(t->s, o, "File and line belong to files tables.");
        return false;
    }
    if (kind == known[m].kinds[0] || kind == known[m].kinds[1])
        return true;
    return type_wrong(t, i, CU_CO_METADATA, known[m].types);
}

/* --- origins -------------------------------------------------------------- */

/* "$.PurchaseID" or "PurchaseID" -> PurchaseID */
static const char *csv_name(cu_sql *s, const char *path)
{
    size_t n = strlen(path);
    if (!strncmp(path, "$.", 2))
        return path + 2;
    if (n > 5 && !strncmp(path, "$[\"", 3) && !strcmp(path + n - 2, "\"]"))
        return cu_arena_strn(s->arena, path + 3, n - 5);
    return path;
}

/* The table's `path '$["prefix.{column}"]'`. */
static bool pattern(cu_table_maker *t, uint32_t i)
{
    static const char hole[] = "{column}";
    const cu_opt *o = &t->o[CU_TO_PATH];
    if (t->who == H || !o->at)
        return true;
    const char *at = strstr(o->text, hole);
    if (!at) {
        if (i == 0)
            cu_option_bad(t->s, o,
                          "Expected a pattern for all columns, for example "
                          "'$[\"weather.{column}\"]'.");
        return false;
    }
    t->cols[i].path = cu_arena_printf(
        t->s->arena, "%.*s%s%s", (int)(at - o->text), o->text,
        t->st->columns[i].name, at + sizeof hole - 1);
    return true;
}

static bool path(cu_table_maker *t, uint32_t i)
{
    const cu_opt *p = &t->col[i][CU_CO_PATH],
                 *n = &t->col[i][CU_CO_COLUMN_NAME];
    const cu_opt *o = n->at ? n : p;
    bool is_csv = t->def->codec.format == CU_FORMAT_CSV &&
                  t->cols[i].from == CU_FROM_VALUE;
    if (p->at && n->at) {
        cu_sql_error(t->s, n->at->pos, DEFINITION, NULL,
                     "\"path\" and \"column_name\" of column \"%s\" mean the "
                     "same: write one",
                     t->st->columns[i].name);
        return false;
    }
    if (n->at && !is_csv) {
        cu_sql_error(t->s, n->at->pos, BAD, "Write path '$.name' for JSON.",
                     "option \"column_name\" needs format 'csv'");
        return false;
    }
    if (is_csv && t->def->codec.csv_by_position && o->at) {
        cu_sql_error(t->s, o->at->pos, BAD, NULL,
                     "cells without a header are taken by position");
        return false;
    }
    if (o->at)
        t->cols[i].path = o->text;
    else if (!pattern(t, i))
        return false;
    const char *made = t->cols[i].path;
    if (!made)
        return true;
    if (is_csv) {
        t->cols[i].path = csv_name(t->s, made);
        return true;
    }
    if (cu_json_path_ok(made))
        return true;
    cu_option_bad(t->s, o->at ? o : &t->o[CU_TO_PATH],
                  "Expected a JSON path: '$.a.b', '$.a[0]', "
                  "'$[\"key.with.dots\"]', or '$' for the whole record.");
    return false;
}

/* A header that the collector writes beside the body; true when it is one. */
static bool collected(cu_table_maker *t, uint32_t i)
{
    cu_codec_col *c = &t->cols[i];
    const char *name = t->st->columns[i].name;
    if (t->who != H || t->col[i][CU_CO_PATH].at)
        return false;
    bool param = !strcmp(name, "page_offset") &&
                 cu_option_int(&t->o[CU_TO_PAGINATOR], 0) != 0;
    for (uint32_t k = 0; k < t->n_for_each; k++)
        param = param || !strcmp(t->for_each[k].name, name);
    if (param)
        c->path = cu_arena_printf(t->s->arena, CU_H_PARAM "%s", name);
    else if (!strcmp(name, "fetched_at"))
        c->path = CU_H_FETCHED;
    else if (!strcmp(name, "url"))
        c->path = CU_H_URL;
    else
        return false;
    c->from = CU_FROM_HEADER;
    return true;
}

static bool no_origin(cu_table_maker *t, uint32_t i, const char *why)
{
    static const uint32_t origins[] = {CU_CO_PATH, CU_CO_COLUMN_NAME,
                                       CU_CO_METADATA, CU_CO_KEY,
                                       CU_CO_FOR_EACH};
    for (size_t k = 0; k < sizeof origins / sizeof *origins; k++) {
        const cu_opt *o = &t->col[i][origins[k]];
        if (!o->at)
            continue;
        cu_sql_error(t->s, o->at->pos, DEFINITION, NULL,
                     "option \"%s\" does not go with %s", o->at->name, why);
        return false;
    }
    return true;
}

static bool origin(cu_table_maker *t, uint32_t i)
{
    const cu_ast_column *a = &t->st->columns[i];
    cu_codec_col *c = &t->cols[i];
    if (a->generated) {
        c->from = CU_FROM_NOTHING;
        return no_origin(t, i, "a generated column");
    }
    if (t->col[i][CU_CO_METADATA].at) {
        bool alone = !t->col[i][CU_CO_PATH].at && !t->col[i][CU_CO_KEY].at &&
                     !t->col[i][CU_CO_COLUMN_NAME].at;
        if (!alone) {
            cu_sql_error(t->s, a->pos, DEFINITION, NULL,
                         "column \"%s\" has several origins", a->name);
            return false;
        }
        return metadata(t, i);
    }
    if (collected(t, i))
        return true;
    c->from = cu_option_int(&t->col[i][CU_CO_KEY], 0) ? CU_FROM_KEY
                                                      : CU_FROM_VALUE;
    bool whole = t->who == H && !strcmp(a->name, "body");
    if (whole && !t->col[i][CU_CO_PATH].at) {
        c->path = "$";
        return true;
    }
    return path(t, i);
}

/* A key that is one text or some bytes has no columns inside. */
static bool whole_key(cu_table_maker *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->def->schema->n; i++)
        n += t->cols[i].from == CU_FROM_KEY;
    if (t->def->codec.key_format == CU_FORMAT_JSON || n <= 1)
        return true;
    cu_option_bad(t->s, &t->o[CU_TO_KEY_FORMAT],
                  "A key of one text or of bytes fills one column.");
    return false;
}

/* format text and bytes: one column takes all. */
static bool whole_value(cu_table_maker *t)
{
    cu_format f = t->def->codec.format;
    if (f != CU_FORMAT_TEXT && f != CU_FORMAT_BYTES)
        return true;
    uint8_t wanted = f == CU_FORMAT_TEXT ? CU_T_TEXT : CU_T_BYTEA;
    uint32_t n = 0;
    bool fits = true;
    for (uint32_t i = 0; i < t->def->schema->n; i++) {
        if (t->cols[i].from != CU_FROM_VALUE)
            continue;
        n++;
        fits = fits && t->def->schema->fields[i].type.kind == wanted;
    }
    if (n == 1 && fits)
        return true;
    cu_sql_error(t->s, t->st->name_pos, DEFINITION, NULL,
                 "format '%s' fills one column of type %s",
                 f == CU_FORMAT_TEXT ? "text" : "bytes",
                 f == CU_FORMAT_TEXT ? "text" : "bytea");
    return false;
}

static void keys_and_spec(cu_table_maker *t)
{
    cu_table_def *d = t->def;
    bool from_key = d->n_key > 0;
    for (uint32_t k = 0; k < d->n_key; k++) {
        cu_codec_col *c = &t->cols[d->key[k]];
        if (d->codec.key_value_envelope && c->from == CU_FROM_VALUE)
            c->from = CU_FROM_KEY;
        /* A CSV record never deletes; its paths are names of headers. */
        c->key = d->codec.format != CU_FORMAT_CSV || c->from == CU_FROM_KEY;
        from_key = from_key && c->from == CU_FROM_KEY;
    }
    d->codec.tombstones = d->mode == CU_MODE_UPSERT && from_key;
    if (d->mode == CU_MODE_UPSERT && !from_key && t->who == K)
        cu_sql_notice(t->s, d->pos,
                      "Mark the columns of the record's key with OPTIONS "
                      "(key 'true').",
                      "table \"%s\" cannot read deletes: no column is marked "
                      "as the record's key",
                      d->name);
}

bool cu_ddl_origins(cu_table_maker *t)
{
    cu_table_def *d = t->def;
    bool good = true;
    for (uint32_t i = 0; i < d->schema->n; i++) {
        cu_codec_col *c = &t->cols[i];
        c->name = d->schema->fields[i].name;
        c->type = d->schema->fields[i].type;
        c->not_null = d->schema->fields[i].not_null;
        good = origin(t, i) && good;
        good = encoding(t, i) && good;
        good = zone(t, i) && good;
        good = watermark(t, i) && good;
    }
    keys_and_spec(t);
    d->codec.cols = t->cols;
    d->codec.n_cols = d->schema->n;
    return good && whole_key(t) &&
           (t->who & (CU_ON_BLACKHOLE | CU_ON_POSTGRES) || whole_value(t));
}

/* --- expressions ---------------------------------------------------------- */

static bool as_type(cu_table_maker *t, cu_expr **e, cu_type type,
                    const char *what, cu_pos pos)
{
    cu_err err = {0};
    char from[64], to[64];
    bool boolean = type.kind == CU_T_BOOL;
    if (!cu_expr_cast(t->s->arena, *e, type,
                      boolean ? CU_CAST_IMPLICIT : CU_CAST_ASSIGNMENT, e, &err))
        return true;
    if (err.sqlstate != CU_SQLSTATE('4', '2', '8', '4', '6'))
        cu_sql_error(t->s, pos, err.sqlstate, NULL, "%s", err.msg);
    else
        cu_sql_error(t->s, pos, CU_SQLSTATE('4', '2', '8', '0', '4'), NULL,
                     "%s must be type %s, not type %s", what,
                     cu_type_name(type, to), cu_type_name((*e)->type, from));
    return false;
}

static bool generated(cu_table_maker *t)
{
    cu_schema *schema = t->def->schema;
    cu_expr **out = cu_arena_calloc(t->s->arena, schema->n, sizeof *out);
    bool *used = cu_arena_calloc(t->s->arena, schema->n, sizeof *used);
    bool good = true;
    for (uint32_t i = 0; i < schema->n; i++) {
        const cu_ast_column *c = &t->st->columns[i];
        if (!c->generated)
            continue;
        out[i] = cu_bind_scalar(t->s, c->generated, schema, t->def->name);
        if (!out[i] || !as_type(t, &out[i], schema->fields[i].type,
                                "the generation expression", c->pos)) {
            good = false;
            continue;
        }
        cu_expr_columns(out[i], used, schema->n);
        if (cu_expr_is_volatile(out[i]) || cu_expr_uses_clock(out[i])) {
            cu_sql_error(t->s, c->pos, CU_SQLSTATE('4', '2', 'P', '1', '7'),
                         NULL, "generation expression is not immutable");
            good = false;
        }
    }
    for (uint32_t i = 0; i < schema->n; i++) {
        if (!out[i] || !used[i])
            continue;
        cu_sql_error(t->s, t->st->columns[i].pos,
                     CU_SQLSTATE('4', '2', 'P', '1', '7'), NULL,
                     "cannot use generated column \"%s\" in column generation "
                     "expression",
                     schema->fields[i].name);
        good = false;
    }
    t->def->generated = out;
    return good;
}

static bool name_taken(const cu_check *checks, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!strcmp(checks[i].name, name))
            return true;
    }
    return false;
}

/* PostgreSQL's: table_column_check, table_check, table_check1, … */
static const char *check_name(cu_table_maker *t, const cu_ast_check *c,
                              const cu_expr *e, const cu_check *so_far,
                              uint32_t n)
{
    const cu_schema *schema = t->def->schema;
    const char *column = c->column;
    bool *used = cu_arena_calloc(t->s->arena, schema->n, sizeof *used);
    uint32_t n_used = 0;
    cu_expr_columns(e, used, schema->n);
    for (uint32_t i = 0; !c->column && i < schema->n; i++) {
        if (used[i] && ++n_used == 1)
            column = schema->fields[i].name;
    }
    if (n_used > 1)
        column = NULL;
    const char *base = column ? cu_arena_printf(t->s->arena, "%s_%s_check",
                                                t->def->name, column)
                              : cu_arena_printf(t->s->arena, "%s_check",
                                                t->def->name);
    const char *name = base;
    for (uint32_t i = 1; name_taken(so_far, n, name); i++)
        name = cu_arena_printf(t->s->arena, "%s%u", base, i);
    return name;
}

static bool checks(cu_table_maker *t)
{
    uint32_t n = t->st->n_checks;
    cu_check *out = cu_arena_calloc(t->s->arena, n + 1, sizeof *out);
    bool good = true;
    for (uint32_t i = 0; i < n; i++) {
        const cu_ast_check *c = &t->st->checks[i];
        cu_expr *e = cu_bind_scalar(t->s, c->expr, t->def->schema,
                                    t->def->name);
        if (!e ||
            !as_type(t, &e, CU_TYPE(CU_T_BOOL), "argument of CHECK", c->pos)) {
            out[i].name = "";
            good = false;
            continue;
        }
        out[i].predicate = e;
        out[i].text = c->text;
        out[i].name = c->name ? c->name : check_name(t, c, e, out, i);
        if (c->name && name_taken(out, i, c->name)) {
            cu_sql_error(t->s, c->pos, CU_SQLSTATE('4', '2', '7', '1', '0'),
                         NULL, "check constraint \"%s\" already exists",
                         c->name);
            good = false;
        }
    }
    t->def->checks = out;
    t->def->n_checks = n;
    return good;
}

bool cu_ddl_expressions(cu_table_maker *t)
{
    bool good = generated(t);
    return checks(t) && good;
}
