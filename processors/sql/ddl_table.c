/* CREATE FOREIGN TABLE: modes, formats, keys and topics.
 *
 *     options --ddl_options.c--> values --here--> cu_table_def
 *     columns --ddl_column.c---> schema, codec columns, checks
 *     http, files --ddl_collect.c--> what the collector is told
 *
 * Nothing is guessed: what a table needs and does not say is an error.  The
 * defaults are the mode (append) and the bronze topic (bronze.<table>).
 */
#include "processors/sql/ddl_table.h"

#include "processors/expr/regex.h"
#include "rows/text.h"

#define BAD        CU_SQLSTATE('2', '2', '0', '2', '3')
#define DEFINITION CU_SQLSTATE('4', '2', 'P', '1', '6')

enum {
    K = CU_ON_KAFKA,
    H = CU_ON_HTTP,
    F = CU_ON_FILES,
    B = CU_ON_BLACKHOLE,
    P = CU_ON_POSTGRES,
    READ = K | H | F,
};

/* Words of formats, in the order of cu_format. */
#define FORMATS "json | csv | text | bytes | avro | debezium-json"
/* In the order of cu_table_mode. */
#define MODES "append | upsert | changelog | snapshot"

static const cu_opt_spec specs[CU_TO_OPTIONS] = {
    [CU_TO_TOPIC] = {"topic", CU_OPT_TOPIC, READ, K, 0, "bids"},
    [CU_TO_FORMAT] = {"format", CU_OPT_WORD, READ, K | F, FORMATS, "json"},
    [CU_TO_MODE] = {"mode", CU_OPT_WORD, READ | P, 0, MODES, NULL},
    [CU_TO_KEY] = {"key", CU_OPT_NAMES, READ, 0, 0, NULL},
    [CU_TO_KEY_FORMAT] = {"key_format", CU_OPT_WORD, K, 0,
                          "json | text | bytes | avro", NULL},
    [CU_TO_ENVELOPE] = {"envelope", CU_OPT_WORD, K | F, 0, "key_value | avro",
                        NULL},
    [CU_TO_START] = {"start", CU_OPT_TEXT, READ, 0, 0, "earliest"},
    [CU_TO_IDLE_TIMEOUT] = {"idle_timeout", CU_OPT_DURATION, READ, 0, 0,
                            "30 seconds"},
    [CU_TO_MAX_FUTURE] = {"max_future", CU_OPT_DURATION, READ, 0, 0, "1 day"},
    [CU_TO_TABLE] = {"table", CU_OPT_TEXT, P, P, 0, "public.events"},
    [CU_TO_CREATE] = {"create", CU_OPT_BOOL, P, 0, 0, NULL},
    [CU_TO_ON_ERROR] = {"on_error", CU_OPT_WORD, READ, 0, "dead_letter | fail",
                        NULL},
    [CU_TO_DEAD_LETTER_TOPIC] = {"dead_letter_topic", CU_OPT_TOPIC, READ, 0, 0,
                                 "bids.dlq"},
    [CU_TO_PARTITIONS] = {"partitions", CU_OPT_INT, K | H, 0, 0, NULL},
    [CU_TO_RETENTION] = {"retention", CU_OPT_DURATION, READ, 0, 0, "30 days"},
    [CU_TO_DELETES] = {"deletes", CU_OPT_WORD, F, 0, "apply | ignore", NULL},
    [CU_TO_ALLOW_EMPTY] = {"allow_empty", CU_OPT_BOOL, F, 0, 0, NULL},
    [CU_TO_SCHEMA_FILE] = {"schema_file", CU_OPT_TEXT, K, 0, 0, "bid.avsc"},
    [CU_TO_PATH] = {"path", CU_OPT_TEXT, READ, H, 0,
                    "/subjects/{subject}.json"},
    [CU_TO_PARAMS] = {"params", CU_OPT_TEXT, H, 0, 0,
                      "limit=100&offset={page_offset}"},
    [CU_TO_FOR_EACH] = {"for_each", CU_OPT_TEXT, H, 0, 0,
                        "subject: fantasy, love"},
    [CU_TO_PAGINATOR] = {"paginator", CU_OPT_WORD, H, 0, "none | offset", NULL},
    [CU_TO_LIMIT] = {"limit", CU_OPT_INT, H, 0, 0, "100"},
    [CU_TO_TOTAL_PATH] = {"total_path", CU_OPT_PATH, H, 0, 0, "$.work_count"},
    [CU_TO_ITEMS_PATH] = {"items_path", CU_OPT_PATH, H, 0, 0, "$.works"},
    [CU_TO_REQUIRE] = {"require", CU_OPT_PATHS, H, 0, 0, NULL},
    [CU_TO_EVERY] = {"every", CU_OPT_DURATION, H | F, 0, 0, "1 day"},
    [CU_TO_MAX_BODY] = {"max_body", CU_OPT_SIZE, H, 0, 0, NULL},
    [CU_TO_GLOB] = {"glob", CU_OPT_TEXT, F, F, 0, "events/*.csv"},
    [CU_TO_HEADER] = {"header", CU_OPT_BOOL, K | F, 0, 0, NULL},
    [CU_TO_DELIMITER] = {"delimiter", CU_OPT_CHAR, K | F, 0, 0, NULL},
    [CU_TO_ORDER] = {"order", CU_OPT_WORD, F, 0, "natural | name | modified",
                     NULL},
    [CU_TO_SNAPSHOT_AT] = {"snapshot_at", CU_OPT_TEXT, F, 0, 0,
                           "prices_([0-9-]+)"},
    [CU_TO_LATER] = {"registry", CU_OPT_LATER, K, 0, 0, 0},
    [CU_TO_LATER + 1] = {"replication", CU_OPT_LATER, READ, 0, 0, 0},
    [CU_TO_LATER + 2] = {"partitioner", CU_OPT_LATER, K, 0, 0, 0},
};

static bool wrong(cu_table_maker *t, const cu_opt *o, const char *hint)
{
    cu_option_bad(t->s, o, hint);
    return false;
}

static bool unsupported(cu_table_maker *t, const cu_opt *o)
{
    cu_sql_refuse(t->s, o->at->value_pos, "%s '%s' of %s", o->at->name, o->text,
                  t->owner);
    return false;
}

/* --- mode and format ------------------------------------------------------ */

static bool mode_fits(cu_table_maker *t)
{
    cu_table_def *d = t->def;
    const cu_opt *mode = &t->o[CU_TO_MODE];
    bool debezium = d->codec.format == CU_FORMAT_DEBEZIUM_JSON;
    if (!mode->at)
        d->mode = debezium ? CU_MODE_CHANGELOG : CU_MODE_APPEND;
    else
        d->mode = (cu_table_mode)mode->i;
    if (d->mode == CU_MODE_SNAPSHOT && t->who != F)
        return unsupported(t, mode);
    if (d->mode == CU_MODE_CHANGELOG && t->who == P)
        return unsupported(t, mode);
    if (d->mode == CU_MODE_CHANGELOG && t->who == H)
        return unsupported(t, mode);
    if (mode->at && debezium && d->mode != CU_MODE_CHANGELOG)
        return wrong(t, mode, "Format 'debezium-json' is mode 'changelog'.");
    if (mode->at && !debezium && d->mode == CU_MODE_CHANGELOG) {
        cu_sql_refuse(t->s, mode->at->value_pos,
                      "mode 'changelog' without format 'debezium-json'");
        return false;
    }
    return true;
}

static bool snapshot_only(cu_table_maker *t, uint32_t option)
{
    const cu_opt *o = &t->o[option];
    if (!o->at || t->def->mode == CU_MODE_SNAPSHOT)
        return true;
    cu_sql_error(t->s, o->at->pos, BAD, "Add: mode 'snapshot'",
                 "option \"%s\" needs mode 'snapshot'", o->at->name);
    return false;
}

static bool csv_only(cu_table_maker *t, uint32_t option)
{
    const cu_opt *o = &t->o[option];
    if (!o->at || t->def->codec.format == CU_FORMAT_CSV)
        return true;
    cu_sql_error(t->s, o->at->pos, BAD, "Add: format 'csv'",
                 "option \"%s\" needs format 'csv'", o->at->name);
    return false;
}

static bool avro(cu_table_maker *t)
{
    const cu_opt *format = &t->o[CU_TO_FORMAT],
                 *file = &t->o[CU_TO_SCHEMA_FILE];
    cu_codec_spec *c = &t->def->codec;
    if (c->format != CU_FORMAT_AVRO) {
        if (!file->at)
            return true;
        cu_sql_error(t->s, file->at->pos, BAD, "Add: format 'avro'",
                     "option \"schema_file\" needs format 'avro'");
        return false;
    }
    if (t->who != K)
        return unsupported(t, format);
    if (!file->at) {
        cu_sql_error(t->s, format->at->value_pos,
                     CU_SQLSTATE('H', 'V', '0', '0', 'J'),
                     "Add: schema_file 'bid.avsc'",
                     "format 'avro' needs the option \"schema_file\"");
        return false;
    }
    cu_slice text;
    if (!cu_ddl_read(t->s, file->text, file->at->value_pos, &text))
        return false;
    c->avro_schema = cu_arena_strn(t->s->arena, text.data, text.len);
    return true;
}

static bool csv(cu_table_maker *t)
{
    cu_codec_spec *c = &t->def->codec;
    bool good = csv_only(t, CU_TO_HEADER);
    good = csv_only(t, CU_TO_DELIMITER) && good;
    const cu_opt *header = &t->o[CU_TO_HEADER];
    if (t->o[CU_TO_DELIMITER].at)
        c->csv_delimiter = (char)t->o[CU_TO_DELIMITER].i;
    c->csv_by_position = header->at && !header->i;
    if (good && c->format == CU_FORMAT_CSV && t->who == K &&
        !c->csv_by_position) {
        cu_sql_error(t->s, t->o[CU_TO_FORMAT].at->value_pos, BAD,
                     "Add: header 'false'; cells are taken by position then.",
                     "records of a topic have no header line");
        return false;
    }
    return good;
}

static bool format(cu_table_maker *t)
{
    cu_codec_spec *c = &t->def->codec;
    const cu_opt *f = &t->o[CU_TO_FORMAT];
    c->format = (cu_format)cu_option_int(f, CU_FORMAT_JSON);
    c->key_format = CU_FORMAT_JSON;
    if (t->o[CU_TO_KEY_FORMAT].at && t->o[CU_TO_KEY_FORMAT].i)
        c->key_format = t->o[CU_TO_KEY_FORMAT].i == 1 ? CU_FORMAT_TEXT
                                                      : CU_FORMAT_BYTES;
    if (t->who == H && c->format != CU_FORMAT_JSON)
        return unsupported(t, f);
    if (cu_option_int(&t->o[CU_TO_KEY_FORMAT], 0) == 3)
        return unsupported(t, &t->o[CU_TO_KEY_FORMAT]);
    if (cu_option_int(&t->o[CU_TO_ENVELOPE], 0) == 1)
        return unsupported(t, &t->o[CU_TO_ENVELOPE]);
    c->key_value_envelope = t->o[CU_TO_ENVELOPE].at != NULL;
    if (c->key_value_envelope && c->format != CU_FORMAT_JSON)
        return wrong(t, &t->o[CU_TO_ENVELOPE],
                     "The envelope is JSON: format 'json'.");
    bool good = mode_fits(t);
    good = csv(t) && good;
    good = avro(t) && good;
    good = snapshot_only(t, CU_TO_DELETES) && good;
    good = snapshot_only(t, CU_TO_ALLOW_EMPTY) && good;
    t->def->ignore_deletes = cu_option_int(&t->o[CU_TO_DELETES], 0) == 1;
    t->def->allow_empty = cu_option_int(&t->o[CU_TO_ALLOW_EMPTY], 0) != 0;
    return good;
}

/* --- keys ----------------------------------------------------------------- */

static bool key_of(cu_table_maker *t, const char *const *names, uint32_t n,
                   cu_pos pos)
{
    cu_table_def *d = t->def;
    uint16_t *key = cu_arena_calloc(t->s->arena, n + 1, sizeof *key);
    for (uint32_t i = 0; i < n; i++) {
        int at = cu_schema_find(d->schema, cu_slice_of(names[i]));
        if (at < 0) {
            cu_sql_error(t->s, pos, CU_SQLSTATE('4', '2', '7', '0', '3'), NULL,
                         "column \"%s\" named in key does not exist", names[i]);
            return false;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (key[k] == at) {
                cu_sql_error(t->s, pos, CU_SQLSTATE('4', '2', '7', '0', '1'),
                             NULL,
                             "column \"%s\" appears twice in primary key "
                             "constraint",
                             names[i]);
                return false;
            }
        }
        key[i] = (uint16_t)at;
    }
    d->key = key;
    d->n_key = n;
    return true;
}

/* Columns marked OPTIONS (key 'true'), in order. */
static void marked_key(cu_table_maker *t)
{
    cu_table_def *d = t->def;
    uint16_t *key = cu_arena_calloc(t->s->arena, d->schema->n + 1, sizeof *key);
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->schema->n; i++) {
        if (cu_option_int(&t->col[i][CU_CO_KEY], 0))
            key[n++] = (uint16_t)i;
    }
    d->key = key;
    d->n_key = n;
}

static bool key(cu_table_maker *t)
{
    cu_table_def *d = t->def;
    const cu_opt *option = &t->o[CU_TO_KEY];
    bool good = true;
    if (option->at && t->st->n_primary_key) {
        cu_sql_error(t->s, option->at->pos, DEFINITION, NULL,
                     "PRIMARY KEY and the option \"key\" mean the same: write "
                     "one");
        return false;
    }
    if (option->at)
        good = key_of(t, option->list, option->n, option->at->value_pos);
    else if (t->st->n_primary_key)
        good = key_of(t, t->st->primary_key, t->st->n_primary_key,
                      t->st->primary_key_pos);
    else
        marked_key(t);
    bool keyed = d->mode == CU_MODE_UPSERT || d->mode == CU_MODE_CHANGELOG;
    if (good && keyed && d->n_key == 0) {
        cu_sql_error(t->s, t->st->name_pos, DEFINITION,
                     "Add PRIMARY KEY (column), or the option key 'column'.",
                     "mode '%s' needs a key",
                     d->mode == CU_MODE_UPSERT ? "upsert" : "changelog");
        good = false;
    }
    for (uint32_t i = 0; good && i < d->n_key; i++)
        d->schema->fields[d->key[i]].not_null = true;
    return good;
}

/* --- the rest ------------------------------------------------------------- */

static bool start(cu_table_maker *t)
{
    const cu_opt *o = &t->o[CU_TO_START];
    cu_table_def *d = t->def;
    int64_t us;
    d->start_ms = -2;
    if (!o->at || !strcmp(o->text, "earliest"))
        return true;
    d->start_ms = -1;
    if (!strcmp(o->text, "latest"))
        return true;
    if (cu_timestamptz_in(cu_slice_of(o->text), NULL, &us, NULL) ||
        us == CU_TS_INFINITY || us < -CU_PG_EPOCH_US)
        return wrong(t, o,
                     "Expected 'earliest', 'latest', or a time such as "
                     "'2024-01-01 00:00+00'.");
    d->start_ms = (us + CU_PG_EPOCH_US) / 1000;
    return true;
}

static bool time_options(cu_table_maker *t)
{
    const cu_opt *idle = &t->o[CU_TO_IDLE_TIMEOUT],
                 *future = &t->o[CU_TO_MAX_FUTURE];
    const cu_opt *o = idle->at ? idle : future;
    if (!o->at)
        return true;
    for (uint32_t i = 0; i < t->st->n_columns; i++)
        if (t->col[i][CU_CO_WATERMARK].at)
            return true;
    cu_sql_error(t->s, o->at->pos, DEFINITION,
                 "Add to its time column: OPTIONS (watermark '5 seconds')",
                 "option \"%s\" needs a column with a watermark", o->at->name);
    return false;
}

/* "schema.name" as quoted SQL. */
static bool remote(cu_table_maker *t)
{
    const cu_opt *o = &t->o[CU_TO_TABLE];
    cu_table_def *d = t->def;
    cu_buf out = {0};
    bool quoted = false, empty = true, bad = false;
    if (!o->at)
        return true;
    cu_buf_put_str(&out, "\"");
    for (const char *p = o->text; *p; p++) {
        if (*p == '"') {
            quoted = !quoted;
            continue;
        }
        char c = *p;
        if (!quoted && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        bool dot = c == '.' && !quoted;
        bad = bad || (dot && (empty || !p[1]));
        empty = dot;
        if (dot)
            cu_buf_put_str(&out, "\".\"");
        else
            cu_buf_put(&out, &c, 1);
    }
    cu_buf_put_str(&out, "\"");
    d->remote = cu_arena_strn(t->s->arena, out.data, out.len);
    cu_buf_free(&out);
    d->write_mode = d->mode == CU_MODE_UPSERT ? "upsert" : "append";
    d->create = cu_option_int(&t->o[CU_TO_CREATE], 1) != 0;
    if (bad || empty || quoted)
        return wrong(t, o, "Expected a name such as 'public.events'.");
    return true;
}

static bool common(cu_table_maker *t)
{
    cu_table_def *d = t->def;
    const cu_opt *o = t->o;
    bool good = start(t);
    if (o[CU_TO_PARTITIONS].at &&
        (o[CU_TO_PARTITIONS].i < 1 || o[CU_TO_PARTITIONS].i > 10000))
        good = wrong(t, &o[CU_TO_PARTITIONS],
                     "Expected a number from 1 to 10000.");
    d->partitions = (int32_t)cu_option_int(&o[CU_TO_PARTITIONS], 0);
    d->retention_ms = cu_option_int(&o[CU_TO_RETENTION], 0);
    d->on_error = (cu_on_error)cu_option_int(&o[CU_TO_ON_ERROR], 0);
    d->dead_letter_topic = o[CU_TO_DEAD_LETTER_TOPIC].text;
    d->topic = o[CU_TO_TOPIC].text;
    d->idle_timeout_ms = cu_option_int(&o[CU_TO_IDLE_TIMEOUT], 0);
    d->max_future_us = cu_option_int(&o[CU_TO_MAX_FUTURE], 0) * 1000;
    good = time_options(t) && good;
    if (t->who == P)
        good = remote(t) && good;
    if (!d->topic && t->who & (H | F)) {
        d->topic = cu_arena_printf(t->s->arena, "bronze.%s", d->name);
        if (!cu_topic_ok(d->topic)) {
            cu_sql_error(t->s, t->st->name_pos,
                         CU_SQLSTATE('4', '2', '6', '0', '2'),
                         "Add the option topic.",
                         "topic name \"%s\" is too long", d->topic);
            good = false;
        }
    }
    return good;
}

/* A column's name, or a regular expression with one group. */
static bool snapshot_at(cu_table_maker *t)
{
    const cu_opt *o = &t->o[CU_TO_SNAPSHOT_AT];
    cu_table_def *d = t->def;
    const char **names;
    uint32_t n;
    if (!o->at || !snapshot_only(t, CU_TO_SNAPSHOT_AT))
        return o->at == NULL;
    if (!strchr(o->text, '(') &&
        cu_names_parse(t->s->arena, o->text, &names, &n) && n == 1) {
        int at = cu_schema_find(d->schema, cu_slice_of(names[0]));
        uint8_t k = at < 0 ? CU_T_TEXT : d->schema->fields[at].type.kind;
        d->snapshot_col = (uint16_t)(at + 1);
        return k == CU_T_DATE || k == CU_T_TIMESTAMP || k == CU_T_TIMESTAMPTZ ||
               wrong(t, o,
                     "Expected a column of type date or timestamp, or a "
                     "regular expression with the date of the file's name in "
                     "parentheses.");
    }
    cu_memo *memo = cu_memo_new();
    cu_regex *r = NULL;
    cu_err err = {0};
    int rc = cu_regex_get(memo, cu_slice_of(o->text), 0, &r, &err);
    uint32_t groups = rc ? 0 : cu_regex_groups(r);
    cu_memo_free(memo);
    d->snapshot_at = o->text;
    if (rc)
        cu_sql_error(t->s, o->at->value_pos, err.sqlstate, NULL, "%s", err.msg);
    else if (groups != 1)
        return wrong(t, o, "One pair of parentheses stands around the date.");
    return rc == 0;
}

/* What else the decoder of the format cannot do: a field that the Avro schema
 * lacks, a type that it cannot give. */
static bool decodable(cu_table_maker *t)
{
    cu_decoder *d;
    cu_err err = {0};
    if (t->who & (B | P))
        return true;
    if (!cu_decoder_open(&t->def->codec, t->def->schema, &d, &err)) {
        cu_decoder_close(d);
        return true;
    }
    cu_sql_error(t->s, t->st->name_pos,
                 err.sqlstate ? err.sqlstate : DEFINITION, NULL,
                 "table \"%s\": %s", t->def->name, err.msg);
    return false;
}

/* False: the table cannot even be read from. *good: it has no problems. */
static bool build(cu_table_maker *t, bool *good)
{
    *good = cu_options_read(t->s, t->owner, t->who, specs, CU_TO_OPTIONS,
                            &t->st->options, t->st->name_pos, t->o);
    if (!cu_ddl_columns(t))
        return false;
    *good = cu_ddl_column_options(t) && *good;
    *good = cu_ddl_for_each(t) && *good;
    *good = format(t) && *good;
    *good = snapshot_at(t) && *good;
    *good = common(t) && *good;
    if (!key(t))
        return false;
    *good = cu_ddl_origins(t) && *good;
    *good = cu_ddl_expressions(t) && *good;
    if (t->who == H)
        *good = cu_ddl_http(t) && *good;
    if (t->who == F)
        *good = cu_ddl_files(t) && *good;
    *good = *good && decodable(t);
    return true;
}

bool cu_ddl_foreign_table(cu_sql *s, const cu_ast_stmt *st)
{
    static const char *const owners[] = {"a kafka table", "an http table",
                                         "a files table", "a blackhole table",
                                         "a postgres table"};
    cu_program *p = s->program;
    bool skip;
    bool fresh = cu_ddl_new_name(s, st, &skip);
    const cu_sql_server *server = cu_ddl_server(s, st->server, st->at_pos);
    if (!fresh || !server)
        return skip;
    cu_table_maker *t = cu_arena_calloc(s->arena, 1, sizeof *t);
    t->s = s;
    t->st = st;
    t->server = server;
    t->owner = owners[server->def->wrapper];
    t->who = 1u << server->def->wrapper;
    t->def = cu_arena_calloc(s->arena, 1, sizeof *t->def);
    t->def->name = st->name;
    t->def->pos = st->name_pos;
    t->def->server = server->def;
    t->def->index = p->n_tables;
    t->def->watermark_col = -1;
    bool good;
    if (!build(t, &good))
        return false;
    /* Known even with problems, so that its readers are checked as well. */
    p->tables = cu_sql_grow(s->arena, p->tables, p->n_tables,
                            sizeof *p->tables);
    p->tables[p->n_tables++] = t->def;
    cu_ddl_show(s, st, t->def);
    return good;
}
