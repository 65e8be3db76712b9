/* The PostgreSQL sink's statements, types and rows, as text.
 *
 * Names come quoted into every statement, values never do: rows go through
 * COPY's text format, positions as parameters.  COPY, because one statement
 * carries thousands of rows of any types, and because its errors name the
 * column.
 *
 *   append   rows --COPY--> target
 *   upsert   rows --COPY--> temporary table of the target's column types
 *            temporary table --DELETE USING, INSERT ON CONFLICT--> target
 *
 * A column of the target may be wider than ours, never narrower: what it would
 * round, cut or pad is found before anything is written (cu_pg_type_fits).
 * Only varchar(n) may be shorter than a text: PostgreSQL refuses the row then,
 * and does not cut it.
 */
#include "ops/postgres_sql.h"

#include "rows/text.h"

/* --- names and types ------------------------------------------------------ */

void cu_pg_quote(const char *name, cu_buf *out)
{
    cu_buf_put_u8(out, '"');
    for (; *name; name++) {
        if (*name == '"')
            cu_buf_put_u8(out, '"');
        cu_buf_put_u8(out, (uint8_t)*name);
    }
    cu_buf_put_u8(out, '"');
}

void cu_pg_type(cu_type t, cu_buf *out)
{
    char name[64];
    cu_buf_put_str(out, cu_type_name(t, name));
}

static bool is(const cu_pg_column *c, const char *name)
{
    return strcmp(c->name, name) == 0;
}

/* numeric's typmod: (precision << 16 | scale) + 4; the scale has 11 bits
 * and may be negative. */
static bool numeric_fits(int digits, int scale, const cu_pg_column *c)
{
    if (!is(c, "numeric"))
        return false;
    if (c->typmod < 4)
        return true;
    int bits = (c->typmod - 4) & 0x7ff;
    int theirs = (bits ^ 1024) - 1024;
    int precision = (c->typmod - 4) >> 16 & 0xffff;
    return digits >= 0 && scale <= theirs && digits <= precision - theirs;
}

/* Times keep their microseconds. */
static bool time_fits(cu_type t, const char *name, const cu_pg_column *c)
{
    int wanted = t.scale >= 0 ? t.scale : 6;
    return is(c, name) && (c->typmod < 0 || wanted <= c->typmod);
}

static bool text_fits(const cu_pg_column *c)
{
    return is(c, "text") || is(c, "varchar") || is(c, "citext") || c->is_enum;
}

static bool int_fits(int bytes, int digits, const cu_pg_column *c)
{
    return (is(c, "int2") && bytes <= 2) || (is(c, "int4") && bytes <= 4) ||
           is(c, "int8") || numeric_fits(digits, 0, c);
}

bool cu_pg_type_fits(cu_type t, const cu_pg_column *c)
{
    bool array = t.kind == CU_T_ARRAY;
    bool declared = t.precision > 0;
    if (array != c->array)
        return false;
    switch ((cu_kind)(array ? t.elem : t.kind)) {
    case CU_T_BOOL:
        return is(c, "bool");
    case CU_T_INT2:
        return int_fits(2, 5, c);
    case CU_T_INT4:
        return int_fits(4, 10, c);
    case CU_T_INT8:
        return int_fits(8, 19, c);
    case CU_T_FLOAT4:
        return is(c, "float4") || is(c, "float8");
    case CU_T_FLOAT8:
        return is(c, "float8");
    case CU_T_NUMERIC:
        return numeric_fits(declared ? t.precision - t.scale : -1,
                            declared ? t.scale : 0, c);
    case CU_T_TEXT:
        return text_fits(c);
    case CU_T_BYTEA:
        return is(c, "bytea");
    case CU_T_DATE:
        return is(c, "date");
    case CU_T_TIME:
        return time_fits(t, "time", c);
    case CU_T_TIMESTAMP:
        return time_fits(t, "timestamp", c);
    case CU_T_TIMESTAMPTZ:
        return time_fits(t, "timestamptz", c);
    case CU_T_INTERVAL:
        return is(c, "interval") && c->typmod < 0;
    case CU_T_UUID:
        return is(c, "uuid");
    case CU_T_JSONB:
        return is(c, "jsonb") || is(c, "json");
    case CU_T_NULL:
    case CU_T_ARRAY:
    case CU_KINDS:
        break;
    }
    return false;
}

/* --- statements ----------------------------------------------------------- */

static void put_columns(const cu_schema *s, const char *prefix, cu_buf *out)
{
    for (uint32_t i = 0; i < s->n; i++) {
        cu_buf_put_str(out, i ? ", " : "");
        cu_buf_put_str(out, prefix);
        cu_pg_quote(s->fields[i].name, out);
    }
}

static void put_key(const cu_table_def *t, cu_buf *out)
{
    for (uint32_t i = 0; i < t->n_key; i++) {
        cu_buf_put_str(out, i ? ", " : "");
        cu_pg_quote(t->schema->fields[t->key[i]].name, out);
    }
}

static const char *taken(cu_arena *a, cu_buf *b)
{
    const char *text = cu_arena_strn(a, b->data, b->len);
    cu_buf_free(b);
    return text;
}

static const char *create_of(const cu_pg_plan *p, cu_arena *a)
{
    const cu_schema *s = p->table->schema;
    cu_buf b = {0};
    cu_buf_printf(&b, "CREATE TABLE %s (", p->target);
    for (uint32_t i = 0; i < s->n; i++) {
        cu_buf_put_str(&b, i ? ", " : "");
        cu_pg_quote(s->fields[i].name, &b);
        cu_buf_put_u8(&b, ' ');
        cu_pg_type(s->fields[i].type, &b);
        cu_buf_put_str(&b, s->fields[i].not_null ? " NOT NULL" : "");
    }
    if (p->table->n_key) {
        cu_buf_put_str(&b, ", PRIMARY KEY (");
        put_key(p->table, &b);
        cu_buf_put_u8(&b, ')');
    }
    cu_buf_put_u8(&b, ')');
    return taken(a, &b);
}

static const char *stage_of(const cu_pg_plan *p, cu_arena *a)
{
    cu_buf b = {0};
    cu_buf_put_str(&b, "CREATE TEMPORARY TABLE IF NOT EXISTS cupel_stage "
                       "ON COMMIT DELETE ROWS AS SELECT ");
    put_columns(p->table->schema, "", &b);
    cu_buf_printf(&b, ", false AS cupel_gone FROM %s WITH NO DATA", p->target);
    return taken(a, &b);
}

static const char *copy_of(const cu_pg_plan *p, cu_arena *a)
{
    cu_buf b = {0};
    cu_buf_printf(&b, "COPY %s (",
                  p->upsert ? "pg_temp.cupel_stage" : p->target);
    put_columns(p->table->schema, "", &b);
    cu_buf_put_str(&b, p->upsert ? ", cupel_gone" : "");
    cu_buf_put_str(&b, ") FROM STDIN");
    return taken(a, &b);
}

static bool in_key(const cu_table_def *t, uint32_t col)
{
    for (uint32_t i = 0; i < t->n_key; i++)
        if (t->key[i] == col)
            return true;
    return false;
}

static const char *insert_of(const cu_pg_plan *p, cu_arena *a)
{
    const cu_schema *s = p->table->schema;
    cu_buf b = {0};
    uint32_t n = 0;
    cu_buf_printf(&b, "INSERT INTO %s (", p->target);
    put_columns(s, "", &b);
    cu_buf_put_str(&b, ") SELECT ");
    put_columns(s, "", &b);
    cu_buf_put_str(&b, " FROM pg_temp.cupel_stage WHERE NOT cupel_gone "
                       "ON CONFLICT (");
    put_key(p->table, &b);
    cu_buf_put_str(&b, ") DO ");
    for (uint32_t i = 0; i < s->n; i++) {
        if (in_key(p->table, i))
            continue;
        cu_buf_put_str(&b, n++ ? ", " : "UPDATE SET ");
        cu_pg_quote(s->fields[i].name, &b);
        cu_buf_put_str(&b, " = excluded.");
        cu_pg_quote(s->fields[i].name, &b);
    }
    cu_buf_put_str(&b, n ? "" : "NOTHING");
    return taken(a, &b);
}

static const char *remove_of(const cu_pg_plan *p, cu_arena *a)
{
    const cu_table_def *t = p->table;
    cu_buf b = {0};
    cu_buf_printf(&b,
                  "DELETE FROM %s AS t USING pg_temp.cupel_stage AS s "
                  "WHERE s.cupel_gone",
                  p->target);
    for (uint32_t i = 0; i < t->n_key; i++) {
        const char *name = t->schema->fields[t->key[i]].name;
        cu_buf_put_str(&b, " AND t.");
        cu_pg_quote(name, &b);
        cu_buf_put_str(&b, " = s.");
        cu_pg_quote(name, &b);
    }
    return taken(a, &b);
}

void cu_pg_plan_make(const cu_view_def *v, cu_arena *a, cu_pg_plan *out)
{
    const cu_table_def *t = v->into;
    const char *dot = strstr(t->remote, "\".\"");
    *out = (cu_pg_plan){.view = v, .table = t, .target = t->remote};
    out->upsert = strcmp(t->write_mode, "upsert") == 0;
    out->name = dot ? dot + 2 : t->remote;
    if (dot)
        out->schema = cu_arena_strn(a, t->remote,
                                    (size_t)(dot + 1 - t->remote));
    out->create = create_of(out, a);
    out->copy = copy_of(out, a);
    if (!out->upsert)
        return;
    out->stage = stage_of(out, a);
    out->insert = insert_of(out, a);
    out->remove = remove_of(out, a);
}

/* --- rows ----------------------------------------------------------------- */

/* Escapes what was appended from `start` on. */
static void escape(cu_buf *out, size_t start)
{
    size_t extra = 0, len = out->len - start;
    const char *p = out->data + start;
    for (size_t i = 0; i < len; i++)
        extra += p[i] == '\\' || p[i] == '\t' || p[i] == '\n' || p[i] == '\r';
    if (extra == 0)
        return;
    cu_buf_reserve(out, extra);
    char *from = out->data + start + len, *to = from + extra;
    out->len += extra;
    while (to > from) {
        char c = *--from;
        const char *as = c == '\\'   ? "\\"
                         : c == '\t' ? "t"
                         : c == '\n' ? "n"
                         : c == '\r' ? "r"
                                     : NULL;
        *--to = as ? *as : c;
        if (as)
            *--to = '\\';
    }
}

void cu_pg_row(const cu_batch *b, uint32_t row, cu_buf *out)
{
    for (uint32_t i = 0; i < b->n_cols; i++) {
        if (i)
            cu_buf_put_u8(out, '\t');
        if (cu_col_is_null(&b->cols[i], row)) {
            cu_buf_put_str(out, "\\N");
            continue;
        }
        size_t start = out->len;
        cu_buf_reserve(out, 1);
        cu_col_out(&b->cols[i], row, NULL, out);
        escape(out, start);
    }
}

/* --- errors --------------------------------------------------------------- */

static bool among(const char *state, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(state, list[i], strlen(list[i])) == 0)
            return true;
    return false;
}

/* Classes and codes of PostgreSQL's appendix A. */
cu_pg_verdict cu_pg_judge(const char *sqlstate)
{
    /* Values, a key twice in one statement, constraints, views' CHECK OPTION,
     * an index row or value that is too large, RAISE in a trigger. */
    static const char *const rows[] = {"22", "21000", "23",
                                       "44", "54",    "P0001"};
    /* Connections, deadlocks and serialization, resources, locks, shutdowns,
     * a session that was ended for being idle, system errors, a server that is
     * read only while it fails over. */
    static const char *const again[] = {"08", "40", "53",    "55",   "57",
                                        "58", "XX", "25P03", "25006"};
    if (among(sqlstate, rows, sizeof(rows) / sizeof(*rows)))
        return CU_PG_ROW;
    if (among(sqlstate, again, sizeof(again) / sizeof(*again)))
        return CU_PG_AGAIN;
    return CU_PG_WRONG;
}

/* libpq gives no SQLSTATE for these, but "FATAL: …" is the server's word. */
bool cu_pg_refusal_passes(const char *message)
{
    static const char *const passing[] = {
        "starting up", "shutting down",   "recovery",
        "too many",    "remaining conne", "administrator command"};
    if (strstr(message, "FATAL:") == NULL)
        return true;
    for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
        if (strstr(message, passing[i]))
            return true;
    return false;
}
