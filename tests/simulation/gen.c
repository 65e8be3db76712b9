/* Random pipelines and inputs, from one seed.
 *
 * Every relation has the columns id, g and v, so that any template stands on
 * any other: filters, projections that may fail, GROUP BY with every
 * aggregate, global aggregates, DISTINCT, DISTINCT ON, top-N, UNION ALL,
 * flatmaps, views over views.  Values are small, so that groups collide,
 * counts go up and down, and NULLs and duplicates happen all the time.
 */
#include "tests/simulation/gen.h"

#include "rows/numeric.h"

enum { MOST_VIEWS = 6 };

uint64_t sim_next(sim_rng *r)
{
    uint64_t z = (r->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint32_t sim_below(sim_rng *r, uint32_t n)
{
    return (uint32_t)(sim_next(r) % n);
}

bool sim_chance(sim_rng *r, uint32_t per_cent)
{
    return sim_below(r, 100) < per_cent;
}

/* --- SQL ------------------------------------------------------------------ */

typedef struct relation {
    const char *name;
    bool append; /* never retracts */
    bool keyed;
} relation;

typedef struct writer {
    sim_rng *r;
    cu_arena *a;
    cu_buf sql;
    relation rel[MOST_VIEWS + 2];
    uint32_t n;
} writer;

static void put_tables(writer *w, int32_t partitions)
{
    cu_buf_printf(
        &w->sql,
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
        "CREATE FOREIGN TABLE t (id bigint NOT NULL, g int, v bigint, s text, "
        "n numeric, tags jsonb, CONSTRAINT small CHECK (v < 1000)) SERVER k "
        "OPTIONS (topic 't', format 'json', mode 'append', partitions '%d');\n"
        "CREATE FOREIGN TABLE u (id bigint OPTIONS (key 'true') PRIMARY KEY, "
        "g int, v bigint) SERVER k OPTIONS (topic 'u', format 'json', mode "
        "'upsert', partitions '%d');\n",
        partitions, partitions);
}

static const relation *any(writer *w)
{
    return &w->rel[sim_below(w->r, w->n)];
}

/* A relation whose filter or projection can be published. */
static const relation *any_plain(writer *w)
{
    for (;;) {
        const relation *x = any(w);
        if (x->append || x->keyed)
            return x;
    }
}

static void put_aggregate(writer *w, const char *name)
{
    const relation *x = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT count(*) AS id, g, "
        "sum(v)::bigint AS v, min(v) AS lo, max(id) AS hi, avg(v) AS av, "
        "count(DISTINCT v) AS dv, count(v) FILTER (WHERE id %% 2 = 0) AS ev, "
        "sum(DISTINCT id) AS sd FROM %s GROUP BY g;\n",
        name, x->name);
}

static void put_global(writer *w, const char *name)
{
    const relation *x = any(w);
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT count(*) AS id, "
                  "1 AS g, sum(v)::bigint AS v, max(v) AS hi FROM %s;\n",
                  name, x->name);
}

static void put_project(writer *w, const char *name, bool may_fail)
{
    const relation *x = any_plain(w);
    relation *self = &w->rel[w->n];
    self->append = x->append;
    self->keyed = x->keyed;
    const char *e = may_fail ? "12 / (v - 3)" : "v + 1";
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT id, g, %s AS v FROM "
                  "%s WHERE v IS DISTINCT FROM %u;\n",
                  name, e, x->name, sim_below(w->r, 5));
}

static void put_distinct_on(writer *w, const char *name)
{
    const relation *x = any(w);
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT DISTINCT ON (g) id, "
                  "g, v FROM %s ORDER BY g, v DESC, id;\n",
                  name, x->name);
}

static void put_top(writer *w, const char *name)
{
    const relation *x = any(w);
    w->rel[w->n].keyed = false;
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s WITH (primary_key = 'g, rn') AS SELECT "
        "id, g, v, rn FROM (SELECT id, g, v, row_number() OVER (PARTITION BY g "
        "ORDER BY v, id DESC) AS rn FROM %s) q WHERE rn <= %u;\n",
        name, x->name, 1 + sim_below(w->r, 3));
}

static void put_limit(writer *w, const char *name)
{
    const relation *x = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, max(id) AS id, max(v) AS v "
        "FROM (SELECT id, g, v FROM %s ORDER BY v DESC NULLS LAST, id, g LIMIT "
        "%u OFFSET %u) q GROUP BY g;\n",
        name, x->name, 1 + sim_below(w->r, 6), sim_below(w->r, 3));
}

static void put_union(writer *w, const char *name)
{
    const relation *x = any(w), *y = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS id, max(v) AS v "
        "FROM (SELECT g, v FROM %s UNION ALL SELECT g, v FROM %s WHERE v > 1) "
        "q GROUP BY g;\n",
        name, x->name, y->name);
}

static void put_flatmap(writer *w, const char *name)
{
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT e::int AS g, count(*) AS id, "
        "sum(v)::bigint AS v FROM t, jsonb_array_elements_text(tags) AS e "
        "GROUP BY e::int;\n",
        name);
}

static void put_distinct(writer *w, const char *name)
{
    const relation *x = any(w);
    w->rel[w->n].keyed = false; /* its key does not survive a projection */
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT DISTINCT v AS id, g, "
                  "v FROM %s;\n",
                  name, x->name);
}

static void put_view(writer *w)
{
    relation *self = &w->rel[w->n];
    const char *name = cu_arena_printf(w->a, "v%u", w->n - 1);
    *self = (relation){.name = name, .keyed = true};
    uint32_t before = w->n;
    switch (sim_below(w->r, 10)) {
    case 0:
    case 1:
        put_aggregate(w, name);
        break;
    case 2:
        put_global(w, name);
        break;
    case 3:
        put_project(w, name, false);
        break;
    case 4:
        put_project(w, name, true);
        break;
    case 5:
        put_distinct_on(w, name);
        break;
    case 6:
        put_top(w, name);
        break;
    case 7:
        put_union(w, name);
        break;
    case 8:
        if (sim_chance(w->r, 50))
            put_flatmap(w, name);
        else
            put_limit(w, name);
        break;
    default:
        put_distinct(w, name);
        break;
    }
    w->n = before + 1;
}

/* --- records ----------------------------------------------------------------
 */

static cu_value int8_value(int64_t v)
{
    return (cu_value){.type = CU_TYPE(CU_T_INT8), .i8 = v};
}

static cu_value int4_value(int32_t v)
{
    return (cu_value){.type = CU_TYPE(CU_T_INT4), .i4 = v};
}

static cu_value null_value(unsigned kind)
{
    return (cu_value){.type = CU_TYPE((uint8_t)kind), .null = true};
}

static const char *number_or_null(cu_arena *a, const cu_value *v)
{
    if (v->null)
        return "null";
    return cu_arena_printf(a, "%lld",
                           v->type.kind == CU_T_INT4 ? (long long)v->i4
                                                     : (long long)v->i8);
}

static const char *tags_text(sim_rng *r, cu_arena *a)
{
    uint32_t n = sim_below(r, 4);
    cu_buf b = {0};
    cu_buf_put_str(&b, "[");
    for (uint32_t i = 0; i < n; i++)
        cu_buf_printf(&b, "%s%u", i ? "," : "", sim_below(r, 3));
    cu_buf_put_str(&b, "]");
    char *text = cu_arena_strn(a, b.data, b.len);
    cu_buf_free(&b);
    return text;
}

static void append_record(sim_case *c, sim_rng *r, sim_record *rec)
{
    cu_arena *a = c->arena;
    cu_value *row = cu_arena_calloc(a, 6, sizeof(*row));
    row[0] = int8_value(sim_below(r, 40));
    row[1] = sim_chance(r, 10) ? null_value(CU_T_INT4)
                               : int4_value((int32_t)sim_below(r, 5));
    row[2] = sim_chance(r, 10) ? null_value(CU_T_INT8)
                               : int8_value(sim_below(r, 8));
    const char *s = sim_chance(r, 50) ? "x" : "y\xc3\xa9";
    row[3] = (cu_value){.type = CU_TYPE(CU_T_TEXT), .s = cu_slice_of(s)};
    row[4] = (cu_value){.type = CU_TYPE(CU_T_NUMERIC),
                        .num = cu_numeric_from_int128(sim_below(r, 300), 2)};
    const char *tags = tags_text(r, a);
    row[5] = (cu_value){.type = CU_TYPE(CU_T_JSONB), .s = cu_slice_of(tags)};
    cu_buf n = {0};
    cu_numeric_out(&row[4].num, &n);
    rec->value = cu_arena_printf(
        a,
        "{\"id\":%lld,\"g\":%s,\"v\":%s,\"s\":\"%s\",\"n\":%.*s,\"tags\":%s}",
        (long long)row[0].i8, number_or_null(a, &row[1]),
        number_or_null(a, &row[2]), s, (int)n.len, n.data, tags);
    cu_buf_free(&n);
    rec->row = row;
    rec->partition = (int32_t)sim_below(r, (uint32_t)c->partitions);
}

static void spoil(sim_case *c, sim_rng *r, sim_record *rec)
{
    static const char *const bad[] = {
        "{\"id\":1,\"g\":",
        "{\"id\":null,\"g\":1}",
        "{\"id\":\"abc\",\"g\":1,\"v\":1}",
        "{\"id\":1,\"g\":99999999999,\"v\":1}",
        "{\"id\":1,\"g\":1,\"v\":5000}",
        "not json at all",
        "{\"id\":1,\"s\":\"\xff\xfe\"}",
        "[1,2,3]",
    };
    rec->value = bad[sim_below(r, sizeof(bad) / sizeof(*bad))];
    rec->bad = true;
    rec->row = NULL;
    c->n_bad++;
}

static void upsert_record(sim_case *c, sim_rng *r, sim_record *rec)
{
    cu_arena *a = c->arena;
    cu_value *row = cu_arena_calloc(a, 3, sizeof(*row));
    row[0] = int8_value(sim_below(r, 12));
    row[1] = sim_chance(r, 10) ? null_value(CU_T_INT4)
                               : int4_value((int32_t)sim_below(r, 4));
    row[2] = int8_value(sim_below(r, 6));
    rec->table = 1;
    rec->row = row;
    rec->key = cu_arena_printf(a, "{\"id\":%lld}", (long long)row[0].i8);
    rec->partition = cu_partition_of(cu_slice_of(rec->key), c->partitions);
    rec->gone = sim_chance(r, 20);
    if (!rec->gone)
        rec->value = cu_arena_printf(a, "{\"g\":%s,\"v\":%lld}",
                                     number_or_null(a, &row[1]),
                                     (long long)row[2].i8);
}

sim_case *sim_case_new(uint64_t seed)
{
    cu_arena *a = cu_arena_new(0);
    sim_case *c = cu_arena_calloc(a, 1, sizeof(*c));
    sim_rng r = {seed};
    c->arena = a;
    c->seed = seed;
    c->partitions = 1 + (int32_t)sim_below(&r, 4);
    writer w = {.r = &r, .a = a, .n = 2};
    w.rel[0] = (relation){"t", true, false};
    w.rel[1] = (relation){"u", false, true};
    put_tables(&w, c->partitions);
    uint32_t n_views = 1 + sim_below(&r, MOST_VIEWS - 1);
    for (uint32_t i = 0; i < n_views; i++)
        put_view(&w);
    c->sql = cu_arena_strn(a, w.sql.data, w.sql.len);
    cu_buf_free(&w.sql);
    c->n_records = 20 + sim_below(&r, 300);
    c->records = cu_arena_calloc(a, c->n_records, sizeof(*c->records));
    for (uint32_t i = 0; i < c->n_records; i++) {
        sim_record *rec = &c->records[i];
        if (sim_chance(&r, 40)) {
            upsert_record(c, &r, rec);
        } else {
            append_record(c, &r, rec);
            if (sim_chance(&r, 6))
                spoil(c, &r, rec);
        }
    }
    return c;
}

void sim_case_free(sim_case *c)
{
    cu_arena_free(c->arena);
}
