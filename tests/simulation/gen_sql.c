/* Random pipelines.
 *
 * Every relation has the columns id, g and v, so that any template stands on
 * any other: filters, projections that may fail, GROUP BY with every kind of
 * aggregate, grouping sets, DISTINCT, DISTINCT ON, top-N, joins of all kinds
 * (also with itself), subqueries, set operations, window functions, windows
 * of time, flatmaps, views over views.
 */
#include "tests/simulation/gen.h"

#include "base/alloc.h"

enum { MOST_VIEWS = 6 };

#define N(x) (sizeof(x) / sizeof(*(x)))

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
    bool late; /* rows may be late for a session of their own */
} writer;

static void put_tables(writer *w, int32_t partitions)
{
    cu_buf_printf(
        &w->sql,
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
        "CREATE FOREIGN TABLE t (id bigint NOT NULL, g int, v bigint, s text, "
        "n numeric, tags jsonb, ts timestamp OPTIONS (watermark '10 seconds'), "
        "CONSTRAINT small CHECK (v < 1000)) SERVER k "
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

/* --- joins and subqueries
 * ------------------------------------------------------- */

static void put_join(writer *w, const char *name)
{
    static const char *const kinds[] = {"JOIN", "LEFT JOIN", "RIGHT JOIN",
                                        "FULL JOIN"};
    static const char *const ons[] = {
        "a.g = b.g",
        "a.g = b.g AND a.v = b.v",
        "a.g = b.g AND a.v < b.v",
        "a.v = b.id",
        "a.id = b.id AND a.g IS NOT NULL",
        "a.id = b.id AND (a.v > 2 OR b.g = 1)",
        "a.g + 1 = b.g",
    };
    const relation *x = any(w), *y = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT coalesce(a.g, b.g) AS g, "
        "count(*) AS id, sum(a.v)::bigint AS v, max(b.id) AS hi, count(b.v) "
        "AS n FROM %s a %s %s b ON %s GROUP BY coalesce(a.g, b.g);\n",
        name, x->name, kinds[sim_below(w->r, N(kinds))], y->name,
        ons[sim_below(w->r, N(ons))]);
}

/* Three relations. */
static void put_joins(writer *w, const char *name)
{
    const relation *x = any(w), *y = any(w), *z = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT a.g, count(*) AS id, "
        "max(c.v) AS v FROM (SELECT DISTINCT g, v FROM %s) a LEFT JOIN "
        "(SELECT DISTINCT id, g FROM %s) b ON b.g = a.g %s (SELECT DISTINCT "
        "id, v FROM %s) c ON c.id = b.id GROUP BY a.g;\n",
        name, x->name, y->name, sim_chance(w->r, 50) ? "JOIN" : "LEFT JOIN",
        z->name);
}

static void put_subquery(writer *w, const char *name)
{
    static const char *const forms[] = {
        "EXISTS (SELECT 1 FROM %s b WHERE b.g = a.g AND b.v > a.v)",
        "NOT EXISTS (SELECT 1 FROM %s b WHERE b.g = a.g AND b.v > a.v)",
        "NOT EXISTS (SELECT 1 FROM %s b WHERE b.v = a.id)",
        "a.v IN (SELECT b.id FROM %s b)",
        "a.v NOT IN (SELECT b.v FROM %s b WHERE b.g = a.g)",
        "a.v NOT IN (SELECT b.id FROM %s b WHERE b.id > 3)",
        "a.v >= (SELECT avg(b.v) FROM %s b WHERE b.g = a.g)",
        "a.v < (SELECT max(b.v) FROM %s b)",
        "(SELECT count(*) FROM %s b WHERE b.g = a.g) > 3",
    };
    const relation *x = any(w), *y = any(w);
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT a.g, count(*) AS id, "
                  "max(a.v) AS v FROM %s a WHERE ",
                  name, x->name);
    cu_buf_printf(&w->sql, forms[sim_below(w->r, N(forms))], y->name);
    cu_buf_put_str(&w->sql, " GROUP BY a.g;\n");
}

static void put_lateral(writer *w, const char *name)
{
    const relation *x = any(w), *y = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT a.g, count(l.v) AS id, "
        "max(l.v) AS v FROM (SELECT DISTINCT g FROM %s) a %s (SELECT b.v, "
        "b.id FROM %s b WHERE b.g = a.g ORDER BY b.v DESC NULLS LAST, b.id "
        "LIMIT %u) l %s GROUP BY a.g;\n",
        name, x->name,
        sim_chance(w->r, 50) ? "LEFT JOIN LATERAL" : "JOIN LATERAL", y->name,
        1 + sim_below(w->r, 3), "ON true");
}

static void put_set(writer *w, const char *name)
{
    static const char *const ops[] = {"INTERSECT", "INTERSECT ALL", "EXCEPT",
                                      "EXCEPT ALL", "UNION"};
    const relation *x = any(w), *y = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS id, max(v) AS v "
        "FROM (SELECT g, v FROM %s %s SELECT g, v FROM %s) q GROUP BY g;\n",
        name, x->name, ops[sim_below(w->r, N(ops))], y->name);
}

/* --- order
 * ---------------------------------------------------------------------- */

static void put_over(writer *w, const char *name)
{
    static const char *const calls[] = {
        "row_number() OVER (PARTITION BY g ORDER BY v, id)",
        "rank() OVER (PARTITION BY g ORDER BY v)",
        "dense_rank() OVER (ORDER BY v DESC)",
        "lag(v) OVER (PARTITION BY g ORDER BY id, v)",
        "lead(id, 2) OVER (PARTITION BY g ORDER BY v DESC, id)",
        "first_value(id) OVER (PARTITION BY g ORDER BY v NULLS FIRST, id)",
        "last_value(v) OVER (ORDER BY id, v, g ROWS BETWEEN CURRENT ROW AND 2 "
        "FOLLOWING)",
        "sum(v) OVER (PARTITION BY g ORDER BY id, v)",
        "sum(v) OVER (PARTITION BY g)",
        "count(*) OVER (PARTITION BY g ORDER BY v ROWS BETWEEN 1 PRECEDING "
        "AND 1 FOLLOWING)",
        "max(v) OVER (PARTITION BY g ORDER BY id, v ROWS 2 PRECEDING)",
        "min(id) OVER (PARTITION BY g ORDER BY v GROUPS BETWEEN 1 PRECEDING "
        "AND CURRENT ROW)",
    };
    const relation *x = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS id, "
        "sum(x)::bigint AS v, max(y) AS hi FROM (SELECT g, %s AS x, %s AS y "
        "FROM %s) q GROUP BY g;\n",
        name, calls[sim_below(w->r, N(calls))],
        calls[sim_below(w->r, N(calls))], x->name);
}

static void put_ranks(writer *w, const char *name)
{
    const relation *x = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS id, max(v) AS "
        "v, sum(rn)::bigint AS s FROM (SELECT id, g, v, %s() OVER (PARTITION "
        "BY g ORDER BY v DESC) AS rn FROM %s) q WHERE rn <= %u GROUP BY g;\n",
        name, sim_chance(w->r, 50) ? "rank" : "dense_rank", x->name,
        1 + sim_below(w->r, 3));
}

static void put_ordered(writer *w, const char *name)
{
    const relation *x = any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, mode() WITHIN GROUP (ORDER "
        "BY id) AS id, percentile_disc(0.4) WITHIN GROUP (ORDER BY v) AS v, "
        "string_agg(v::text, ',' ORDER BY v DESC) AS s, array_agg(DISTINCT v "
        "ORDER BY v) AS a, (array_agg(id ORDER BY v DESC, id))[1] AS f, "
        "bool_or(v > 3) AS b FROM %s GROUP BY g;\n",
        name, x->name);
}

static void put_grouping_sets(writer *w, const char *name)
{
    const relation *x = any(w);
    w->rel[w->n].keyed = false;
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s WITH (primary_key = 'g, v, gr') AS SELECT "
        "g, m AS v, grouping(g, m) AS "
        "gr, count(*) AS id, sum(id)::bigint AS s FROM (SELECT id, g, v %% 3 "
        "AS m FROM %s) q GROUP BY %s (g, m);\n",
        name, x->name, sim_chance(w->r, 50) ? "CUBE" : "ROLLUP");
}

/* --- time
 * ---------------------------------------------------------------------- */

static void put_window(writer *w, const char *name)
{
    static const char *const of[] = {
        "tumble(t, ts, size => interval '20 seconds')",
        "hop(t, ts, slide => interval '10 seconds', size => interval '30 "
        "seconds')",
    };
    static const char *const with[] = {
        "", " WITH (allowed_lateness = '15 seconds')", " WITH (emit = 'final')",
        " WITH (emit = 'final', allowed_lateness = '5 seconds')"};
    w->rel[w->n].keyed = false;
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s%s AS SELECT g, window_start, "
        "window_end, count(*) AS id, sum(v)::bigint AS v FROM %s GROUP BY g, "
        "window_start, window_end;\n",
        name, with[sim_below(w->r, N(with))], of[sim_below(w->r, N(of))]);
}

/* Of what one row's time alone makes no late row. */
static void put_session(writer *w, const char *name)
{
    if (w->late) {
        put_window(w, name);
        return;
    }
    w->rel[w->n].keyed = false;
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, window_start, window_end, "
        "count(*) AS id, sum(v)::bigint AS v FROM session(t, ts, gap => "
        "interval '%u seconds', partition_by => ARRAY[g]) GROUP BY g, "
        "window_start, window_end;\n",
        name, 15 + 5 * sim_below(w->r, 3));
}

static void put_flat_or_limit(writer *w, const char *name)
{
    if (sim_chance(w->r, 50))
        put_flatmap(w, name);
    else
        put_limit(w, name);
}

static void put_plain(writer *w, const char *name)
{
    put_project(w, name, sim_chance(w->r, 50));
}

static void put_view(writer *w)
{
    static void (*const puts[])(writer *, const char *) = {
        put_aggregate,   put_aggregate, put_global,   put_plain,
        put_plain,       put_top,       put_union,    put_flat_or_limit,
        put_distinct_on, put_distinct,  put_join,     put_join,
        put_join,        put_joins,     put_subquery, put_subquery,
        put_lateral,     put_set,       put_over,     put_over,
        put_ranks,       put_ordered,   put_window,   put_grouping_sets,
        put_window,      put_session,
    };
    relation *self = &w->rel[w->n];
    const char *name = cu_arena_printf(w->a, "v%u", w->n - 1);
    *self = (relation){.name = name, .keyed = true};
    puts[sim_below(w->r, N(puts))](w, name);
    w->n++;
}

void sim_put_sql(sim_case *c, sim_rng *r)
{
    writer w = {.r = r, .a = c->arena, .n = 2, .late = c->late};
    w.rel[0] = (relation){"t", true, false};
    w.rel[1] = (relation){"u", false, true};
    put_tables(&w, c->partitions);
    uint32_t n_views = 1 + sim_below(r, MOST_VIEWS - 1);
    for (uint32_t i = 0; i < n_views; i++)
        put_view(&w);
    c->sql = cu_arena_strn(c->arena, w.sql.data, w.sql.len);
    cu_buf_free(&w.sql);
}
