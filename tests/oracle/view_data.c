/* Tables, values and changes of a case.
 *
 * A column has a handful of values, so that groups collide and rows repeat.
 * No column has two values that are equal and look different (1.0 and 1.00):
 * which one a group shows is not promised.  A JSON null in a record is NULL, so
 * a jsonb column never holds one at its top.
 */
#include "tests/oracle/view_case.h"

#include "tests/oracle/tree.h"

#define POOL(...)                       \
    (const char *const[]){__VA_ARGS__}, \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)

enum { MOST_COLUMNS = 6, MOST_CHANGES = 120 };

typedef struct kind {
    cu_type type;
    const char *const *pool;
    size_t n;
} kind;

#define T(k)                          \
    {                                 \
        .kind = CU_T_##k, .scale = -1 \
    }
#define A(k)                                              \
    {                                                     \
        .kind = CU_T_ARRAY, .elem = CU_T_##k, .scale = -1 \
    }

static const kind kinds[] = {
    {T(BOOL), POOL("t", "f")},
    {T(INT2), POOL("0", "1", "2", "-3", "7")},
    {T(INT4), POOL("0", "1", "2", "3", "-5", "10", "100")},
    {T(INT8), POOL("0", "1", "2", "-3", "4", "50")},
    {T(FLOAT4), POOL("0", "1.5", "-2.25", "0.1", "1e+10")},
    {T(FLOAT8), POOL("0", "1.5", "-2.25", "0.1", "1e+100", "0.2")},
    {T(NUMERIC), POOL("0.00", "1.00", "1.50", "-2.25", "100.10", "0.01")},
    {T(NUMERIC),
     POOL("0.000", "12345678901234567890123.456", "-0.001", "2.500")},
    {T(TEXT), POOL("", "a", "b", "A", "\xc3\xa9", "it's", "a b", "x,\"y\"")},
    {T(BYTEA), POOL("\\x", "\\x00", "\\x6162")},
    {T(DATE), POOL("2024-01-31", "2024-02-29", "1999-12-31", "infinity")},
    {T(TIME), POOL("00:00:00", "10:30:00", "23:59:59.5")},
    {T(TIMESTAMP), POOL("2024-01-31 10:00:00", "2024-02-29 23:59:59.999999",
                        "1969-12-31 23:00:00", "-infinity")},
    {T(TIMESTAMP),
     POOL("2024-01-01 10:00:00", "2024-01-01 10:04:00", "2024-01-01 10:09:59",
          "2024-01-01 10:17:30", "2024-01-01 10:30:00", "2024-01-01 11:00:00",
          "2023-12-31 23:59:00")},
    {T(TIMESTAMPTZ), POOL("2024-01-31 10:00:00+00", "2024-03-31 01:30:00+00",
                          "2000-01-01 00:00:00+00")},
    {T(INTERVAL), POOL("1 day", "01:30:00", "-1 mons", "2 days 03:00:00")},
    {T(UUID), POOL("550e8400-e29b-41d4-a716-446655440000",
                   "00000000-0000-0000-0000-000000000001")},
    {T(JSONB), POOL("[1, 2]", "[]", "[\"a\", null, \"b\"]", "{\"a\": 1}",
                    "{\"a\": {\"b\": 2}, \"c\": \"x\"}", "[null]", "\"s\"",
                    "[{\"a\": 1}, {\"a\": 2}]")},
    {A(INT4), POOL("{}", "{1,2}", "{2,NULL,2}", "{0}")},
    {A(TEXT), POOL("{}", "{a,b}", "{\"x y\",NULL}", "{a}")},
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds), TIMES = 13 };

static void add_column(cu_case_table *t, cu_arena *a, const kind *k)
{
    uint32_t at = t->n_cols++;
    t->cols[at] = (cu_case_col){.name = cu_arena_printf(a, "c%u", at),
                                .type = k->type,
                                .exact = true,
                                .small = true};
    t->pools[at] = k->pool;
    t->n_pools[at] = (uint32_t)k->n;
}

/* Of t1, whose rows are replaced, nothing is ever late. */
static void add_mark(cu_case_table *t, cu_rng *r)
{
    static const char *const delays[] = {"0 seconds", "5 minutes", "30 minutes",
                                         "2 hours"};
    for (uint32_t k = 1; k < t->n_cols && t->mark == 0; k++)
        if (t->cols[k].type.kind == CU_T_TIMESTAMP ||
            t->cols[k].type.kind == CU_T_TIMESTAMPTZ)
            t->mark = k;
    if (t->mark == 0 || cu_rng_chance(r, 40))
        return;
    t->unhurried = t->upsert || cu_rng_chance(r, 40);
    t->delay = t->unhurried ? "36000 days" : delays[cu_rng_below(r, 4)];
}

static void make_table(cu_case *c, uint32_t at, cu_rng *r)
{
    cu_case_table *t = &c->tables[at];
    t->name = cu_arena_printf(c->arena, "%st%u", c->prefix, at);
    t->upsert = at == 1;
    /* The key, or an integer to begin with; one more of it is useful. */
    add_column(t, c->arena, &kinds[t->upsert && cu_rng_chance(r, 40) ? 8 : 3]);
    t->cols[0].key = t->upsert;
    add_column(t, c->arena, &kinds[2 + cu_rng_below(r, 2)]);
    uint32_t more = 2 + cu_rng_below(r, MOST_COLUMNS - 3);
    for (uint32_t i = 0; i < more; i++)
        add_column(
            t, c->arena,
            &kinds[i == 0 && cu_rng_chance(r, 50) ? TIMES
                                                  : cu_rng_below(r, KINDS)]);
    add_mark(t, r);
    t->not_null = !t->upsert && cu_rng_chance(r, 30);
    t->check = cu_rng_chance(r, 30);
    t->generated = cu_rng_chance(r, 30) && t->cols[0].type.kind == CU_T_INT8;
    if (t->generated)
        t->cols[t->n_cols] = (cu_case_col){.name = "g0",
                                           .type = CU_TYPE(CU_T_INT8),
                                           .exact = true,
                                           .small = true};
}

/* What the table itself refuses: nobody's row. */
static bool is_rejected(const cu_case_table *t, const cu_case_change *ch)
{
    if (ch->gone)
        return false;
    if (ch->junk || (t->not_null && ch->cells[0] == NULL))
        return true;
    return t->check && ch->cells[1] && strcmp(ch->cells[1], "100") == 0;
}

static const char *const junk[] = {
    "not json",     "{\"c1\":1,",     "[1]",
    "{\"c1\":1.5}", "{\"c1\":\"x\"}", "{\"c1\":99999999999999999999}"};

static void make_change(cu_case *c, cu_rng *r, cu_case_change *ch)
{
    ch->table = cu_rng_chance(r, 50);
    const cu_case_table *t = &c->tables[ch->table];
    for (uint32_t k = 0; k < t->n_cols; k++) {
        bool key = t->upsert && k == 0;
        if (key || !cu_rng_chance(r, 12))
            ch->cells[k] = t->pools[k][cu_rng_below(r, t->n_pools[k])];
    }
    ch->gone = t->upsert && cu_rng_chance(r, 20);
    if (!ch->gone && cu_rng_chance(r, 4))
        ch->junk = junk[cu_rng_below(r, sizeof(junk) / sizeof(*junk))];
    ch->rejected = is_rejected(t, ch);
    ch->partition = (int32_t)cu_rng_below(r, (uint32_t)c->partitions);
    if (t->upsert) {
        cu_buf key = {0}, value = {0};
        cu_case_record(c, ch, &key, &value);
        ch->partition = cu_partition_of(cu_buf_slice(&key), c->partitions);
        cu_buf_free(&key);
        cu_buf_free(&value);
    } else if (c->keyed) {
        ch->partition = cu_partition_of(
            cu_slice_of(ch->cells[0] ? ch->cells[0] : ""), c->partitions);
    }
}

/* t1's changes first; checks[0] is between. */
static void part_changes(cu_case *c)
{
    cu_case_change *to = cu_arena_calloc(c->arena, c->n_changes, sizeof(*to));
    uint32_t n = 0;
    for (uint32_t table = CU_CASE_TABLES; table-- > 0;) {
        for (uint32_t i = 0; i < c->n_changes; i++)
            if (c->changes[i].table == table)
                to[n++] = c->changes[i];
        if (table == 1)
            c->checks[0] = n;
    }
    c->changes = to;
    if (c->checks[1] < c->checks[0])
        c->checks[1] = c->checks[0];
}

void cu_case_fill(cu_case *c, cu_rng *r)
{
    c->partitions = 1 + (int32_t)cu_rng_below(r, 3);
    c->keyed = cu_rng_chance(r, 50);
    c->final = cu_rng_chance(r, 50);
    for (uint32_t i = 0; i < CU_CASE_TABLES; i++)
        make_table(c, i, r);
    c->n_changes = 5 + cu_rng_below(r, MOST_CHANGES);
    c->changes = cu_arena_calloc(c->arena, c->n_changes, sizeof(*c->changes));
    for (uint32_t i = 0; i < c->n_changes; i++)
        make_change(c, r, &c->changes[i]);
    c->checks[0] = cu_rng_below(r, c->n_changes);
    c->checks[1] = c->checks[0] + cu_rng_below(r, c->n_changes - c->checks[0]);
    c->checks[2] = c->n_changes;
    c->phased = cu_rng_chance(r, 15);
    if (c->phased)
        part_changes(c);
}

/* --- as text -------------------------------------------------------------- */

static void put_json_string(cu_buf *out, const char *text)
{
    cu_buf_put_str(out, "\"");
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            cu_buf_put_str(out, "\\");
        cu_buf_put(out, p, 1);
    }
    cu_buf_put_str(out, "\"");
}

static void put_json(cu_buf *out, cu_type t, const char *cell)
{
    if (cell == NULL)
        cu_buf_put_str(out, "null");
    else if (t.kind == CU_T_JSONB ||
             (t.kind >= CU_T_INT2 && t.kind <= CU_T_NUMERIC))
        cu_buf_put_str(out, cell);
    else if (t.kind == CU_T_BOOL)
        cu_buf_put_str(out, cell[0] == 't' ? "true" : "false");
    else
        put_json_string(out, cell);
}

void cu_case_record(const cu_case *c, const cu_case_change *ch, cu_buf *key,
                    cu_buf *value)
{
    const cu_case_table *t = &c->tables[ch->table];
    if (t->upsert) {
        cu_buf_printf(key, "{\"%s\":", t->cols[0].name);
        put_json(key, t->cols[0].type, ch->cells[0]);
        cu_buf_put_str(key, "}");
    }
    if (ch->gone)
        return;
    if (ch->junk) {
        cu_buf_put_str(value, ch->junk);
        return;
    }
    for (uint32_t k = t->upsert; k < t->n_cols; k++) {
        cu_buf_printf(value, "%s\"%s\":", k == t->upsert ? "{" : ",",
                      t->cols[k].name);
        put_json(value, t->cols[k].type, ch->cells[k]);
    }
    cu_buf_put_str(value, "}");
}

int cu_case_append(const cu_case *c, const cu_case_change *ch, cu_writer *w,
                   cu_err *err)
{
    const cu_case_table *t = &c->tables[ch->table];
    cu_buf key = {0}, value = {0};
    cu_case_record(c, ch, &key, &value);
    cu_record r = {.part = {t->name, ch->partition}, .timestamp_ms = 1000};
    r.key = t->upsert ? cu_buf_slice(&key) : CU_NULL_SLICE;
    r.value = ch->gone ? CU_NULL_SLICE : cu_buf_slice(&value);
    int rc = cu_log_append(w, &r, err);
    cu_buf_free(&key);
    cu_buf_free(&value);
    return rc;
}

static void put_cell(cu_buf *out, const char *cell)
{
    cu_arena *a = cu_arena_new(0);
    cu_buf_put_str(out, cell ? cu_quoted(cell, a) : "NULL");
    cu_arena_free(a);
}

static void put_cells(const cu_case_table *t, const cu_case_change *ch,
                      cu_buf *out)
{
    for (uint32_t k = 0; k < t->n_cols; k++) {
        cu_buf_put_str(out, k ? ", " : "");
        put_cell(out, ch->gone && k ? NULL : ch->cells[k]);
    }
}

static void put_log(const cu_case_table *t, const cu_case_change *ch,
                    cu_buf *out)
{
    cu_buf_printf(out, "INSERT INTO %s_log (o_part, o_gone", t->name);
    for (uint32_t k = 0; k < t->n_cols; k++)
        cu_buf_printf(out, ", %s", t->cols[k].name);
    cu_buf_printf(out, ") VALUES (%d, %s, ", (int)ch->partition,
                  ch->gone ? "true" : "false");
    put_cells(t, ch, out);
    cu_buf_put_str(out, ");\n");
}

static void put_insert(const cu_case_table *t, const cu_case_change *ch,
                       cu_buf *out)
{
    put_log(t, ch, out);
    if (t->upsert) {
        cu_buf_printf(out, "DELETE FROM %s WHERE c0 = ", t->name);
        put_cell(out, ch->cells[0]);
        cu_buf_put_str(out, ";\n");
    }
    if (ch->gone)
        return;
    cu_buf_printf(out, "INSERT INTO %s VALUES (", t->name);
    put_cells(t, ch, out);
    cu_buf_put_str(out, ");\n");
}

void cu_case_inserts(const cu_case *c, uint32_t from, uint32_t to, cu_buf *out)
{
    for (uint32_t i = from; i < to; i++)
        if (!c->changes[i].left && !c->changes[i].rejected)
            put_insert(&c->tables[c->changes[i].table], &c->changes[i], out);
    if (c->final && to == c->n_changes)
        cu_buf_put_str(out, "INSERT INTO o_end VALUES (1);\n");
}

static void put_columns(const cu_case_table *t, bool cupel, cu_buf *out)
{
    cu_arena *a = cu_arena_new(0);
    for (uint32_t k = 0; k < t->n_cols; k++) {
        bool key = t->upsert && k == 0;
        cu_buf_printf(out, "%s%s %s%s%s", k ? ", " : "", t->cols[k].name,
                      cu_sql_type(t->cols[k].type, a),
                      key && cupel ? " OPTIONS (key 'true')" : "",
                      key ? " PRIMARY KEY" : "");
        if (t->delay && k == t->mark && cupel)
            cu_buf_printf(out, " OPTIONS (watermark '%s')", t->delay);
        if (t->not_null && k == 0)
            cu_buf_put_str(out, " NOT NULL");
    }
    if (t->generated)
        cu_buf_put_str(out, ", g0 bigint GENERATED ALWAYS AS (c0 * 2 + "
                            "coalesce(c1, 0)) STORED");
    if (t->check)
        cu_buf_put_str(out, ", CONSTRAINT small CHECK (c1 < 100)");
    cu_arena_free(a);
}

/* WITH (shared, …) before what the view has. */
static void put_view(const cu_case_view *v, cu_buf *out)
{
    const char *options = v->plain || !v->options ? "" : v->options;
    cu_buf_printf(out, "CREATE %sVIEW %s",
                  v->plain || v->shared ? "" : "MATERIALIZED ", v->name);
    if (!v->shared)
        cu_buf_put_str(out, options);
    else if (*options)
        cu_buf_printf(out, " WITH (shared, %s", options + strlen(" WITH ("));
    else
        cu_buf_put_str(out, " WITH (shared)");
    cu_buf_put_str(out, " AS\n");
}

void cu_case_cupel(const cu_case *c, cu_buf *out)
{
    cu_buf_put_str(out, "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n");
    cu_case_relations(c, out);
}

void cu_case_relations(const cu_case *c, cu_buf *out)
{
    for (uint32_t i = 0; i < CU_CASE_TABLES; i++) {
        const cu_case_table *t = &c->tables[i];
        cu_buf_printf(out, "CREATE FOREIGN TABLE %s (", t->name);
        put_columns(t, true, out);
        cu_buf_printf(out,
                      ") SERVER k OPTIONS (topic '%s', format 'json', mode "
                      "'%s', partitions '%d');\n",
                      t->name, t->upsert ? "upsert" : "append",
                      (int)c->partitions);
    }
    for (uint32_t i = 0; i < c->n_views; i++) {
        const cu_case_view *v = &c->views[i];
        if (v->gone)
            continue;
        put_view(v, out);
        cu_case_select(v, true, out);
        cu_buf_put_str(out, ";\n");
    }
}

void cu_case_postgres(const cu_case *c, cu_buf *out)
{
    cu_buf_put_str(out, "DROP SCHEMA IF EXISTS o CASCADE; CREATE SCHEMA o; "
                        "SET search_path = o;\n");
    for (uint32_t i = 0; i < CU_CASE_TABLES; i++) {
        cu_buf_printf(out, "CREATE TABLE %s (", c->tables[i].name);
        put_columns(&c->tables[i], false, out);
        cu_buf_printf(out,
                      ");\nCREATE TABLE %s_log (LIKE %s INCLUDING GENERATED, "
                      "o_part int, o_gone bool, o_seq bigserial);\n",
                      c->tables[i].name, c->tables[i].name);
    }
    cu_buf_put_str(out, "CREATE TABLE o_end (at int);\n");
    for (uint32_t i = 0; i < c->n_views; i++) {
        if (c->views[i].gone)
            continue;
        cu_buf_printf(out, "CREATE VIEW %s AS\n", c->views[i].name);
        cu_case_select(&c->views[i], false, out);
        cu_buf_put_str(out, ";\n");
    }
}

void cu_case_select(const cu_case_view *v, bool cupel, cu_buf *out)
{
    if (v->text) {
        cu_buf_put_str(out, v->text);
        return;
    }
    cu_buf_printf(out, "%sSELECT %s", v->with, v->distinct);
    bool first = true;
    for (uint32_t i = 0; i < v->n_targets; i++) {
        if (v->dropped[i])
            continue;
        cu_buf_printf(out, "%s%s", first ? "" : ", ", v->targets[i]);
        first = false;
    }
    cu_buf_printf(out, " FROM %s%s%s%s%s%s",
                  v->theirs && !cupel ? v->theirs : v->from, v->where, v->group,
                  v->having, v->order, v->tail);
}
