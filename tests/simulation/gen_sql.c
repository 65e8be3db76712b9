/* Random pipelines.
 *
 * Every relation has the columns id, g and v, so that any template stands on
 * any other: filters, projections that may fail, GROUP BY with every kind of
 * aggregate, grouping sets, DISTINCT, DISTINCT ON, top-N, joins of all kinds
 * (also with itself), subqueries, set operations, window functions, flatmaps,
 * views over views.  Time is in gen_time.c, what knows versions or the order
 * of rows in gen_versions.c.
 */
#include "tests/simulation/gen_int.h"

static void put_tables(sim_writer *w, int32_t partitions)
{
    cu_buf_printf(
        &w->sql,
        "CREATE SERVER k FOREIGN DATA WRAPPER kafka;\n"
        "CREATE SERVER f FOREIGN DATA WRAPPER files OPTIONS (path '.');\n"
        "CREATE FOREIGN TABLE t (id bigint NOT NULL, g int, v bigint, s text, "
        "n numeric, tags jsonb, ts timestamp OPTIONS (watermark '10 seconds'), "
        "CONSTRAINT small CHECK (v < 1000)) SERVER k "
        "OPTIONS (topic 't', format 'json', mode 'append', partitions '%d');\n"
        "CREATE FOREIGN TABLE u (id bigint OPTIONS (key 'true') PRIMARY KEY, "
        "g int, v bigint, at timestamp OPTIONS (watermark '0 seconds')) SERVER "
        "k OPTIONS (topic 'u', format 'json', mode 'upsert', partitions "
        "'%d');\n"
        "CREATE FOREIGN TABLE s (id bigint NOT NULL PRIMARY KEY, g int, v "
        "bigint CHECK (v < 1000), at timestamp OPTIONS (watermark '0 "
        "seconds')) SERVER f OPTIONS (glob '*.json', format 'json', mode "
        "'snapshot', snapshot_at 'at', topic 'bronze.s');\n"
        "CREATE FOREIGN TABLE d (id bigint PRIMARY KEY, g int, v bigint, at "
        "timestamp OPTIONS (watermark '0 seconds')) SERVER k OPTIONS (topic "
        "'d', format 'debezium-json', partitions '%d');\n",
        partitions, partitions, partitions);
}

const sim_relation *sim_use(sim_writer *w, uint32_t i)
{
    sim_relation *self = &w->rel[w->n];
    self->of_t = self->of_t || w->rel[i].of_t;
    self->of_rest = self->of_rest || w->rel[i].of_rest;
    return &w->rel[i];
}

const sim_relation *sim_any(sim_writer *w)
{
    return sim_use(w, sim_below(w->r, w->n));
}

const sim_relation *sim_any_plain(sim_writer *w)
{
    for (;;) {
        uint32_t i = sim_below(w->r, w->n);
        if (w->rel[i].append || w->rel[i].keyed)
            return sim_use(w, i);
    }
}

bool sim_is_home(const sim_writer *w, sim_home column)
{
    return w->c->partitions == 1 || w->c->home == column;
}

static void put_aggregate(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT count(*) AS id, g, "
        "sum(v)::bigint AS v, min(v) AS lo, max(id) AS hi, avg(v) AS av, "
        "count(DISTINCT v) AS dv, count(v) FILTER (WHERE id %% 2 = 0) AS ev, "
        "sum(DISTINCT id) AS sd FROM %s GROUP BY g;\n",
        name, x->name);
}

static void put_global(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w);
    w->rel[w->n].has_key = false; /* one row */
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT count(*) AS id, "
                  "1 AS g, sum(v)::bigint AS v, max(v) AS hi FROM %s;\n",
                  name, x->name);
}

static void put_project(sim_writer *w, const char *name, bool may_fail)
{
    const sim_relation *x = sim_any_plain(w);
    sim_relation *self = &w->rel[w->n];
    self->append = x->append;
    self->keyed = self->has_key = x->keyed;
    const char *e = may_fail ? "12 / (v - 3)" : "v + 1";
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT id, g, %s AS v FROM "
                  "%s WHERE v IS DISTINCT FROM %u;\n",
                  name, e, x->name, sim_below(w->r, 5));
}

static void put_distinct_on(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w);
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT DISTINCT ON (g) id, "
                  "g, v FROM %s ORDER BY g, v DESC, id;\n",
                  name, x->name);
}

static void put_top(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w);
    w->rel[w->n].keyed = false;
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s WITH (primary_key = 'g, rn') AS SELECT "
        "id, g, v, rn FROM (SELECT id, g, v, row_number() OVER (PARTITION BY g "
        "ORDER BY v, id DESC) AS rn FROM %s) q WHERE rn <= %u;\n",
        name, x->name, 1 + sim_below(w->r, 3));
}

static void put_limit(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, max(id) AS id, max(v) AS v "
        "FROM (SELECT id, g, v FROM %s ORDER BY v DESC NULLS LAST, id, g LIMIT "
        "%u OFFSET %u) q GROUP BY g;\n",
        name, x->name, 1 + sim_below(w->r, 6), sim_below(w->r, 3));
}

static void put_union(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w), *y = sim_any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS id, max(v) AS v "
        "FROM (SELECT g, v FROM %s UNION ALL SELECT g, v FROM %s WHERE v > 1) "
        "q GROUP BY g;\n",
        name, x->name, y->name);
}

static void put_flatmap(sim_writer *w, const char *name)
{
    sim_use(w, SIM_T);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT e::int AS g, count(*) AS id, "
        "sum(v)::bigint AS v FROM t, jsonb_array_elements_text(tags) AS e "
        "GROUP BY e::int;\n",
        name);
}

static void put_distinct(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w);
    w->rel[w->n].keyed = false; /* its key does not survive a projection */
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT DISTINCT v AS id, g, "
                  "v FROM %s;\n",
                  name, x->name);
}

/* --- joins and subqueries ------------------------------------------------- */

static void put_join(sim_writer *w, const char *name)
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
    const sim_relation *x = sim_any(w), *y = sim_any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT coalesce(a.g, b.g) AS g, "
        "count(*) AS id, sum(a.v)::bigint AS v, max(b.id) AS hi, count(b.v) "
        "AS n FROM %s a %s %s b ON %s GROUP BY coalesce(a.g, b.g);\n",
        name, x->name, SIM_ANY(w, kinds), y->name, SIM_ANY(w, ons));
}

/* Three relations. */
static void put_joins(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w), *y = sim_any(w), *z = sim_any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT a.g, count(*) AS id, "
        "max(c.v) AS v FROM (SELECT DISTINCT g, v FROM %s) a LEFT JOIN "
        "(SELECT DISTINCT id, g FROM %s) b ON b.g = a.g %s (SELECT DISTINCT "
        "id, v FROM %s) c ON c.id = b.id GROUP BY a.g;\n",
        name, x->name, y->name, sim_chance(w->r, 50) ? "JOIN" : "LEFT JOIN",
        z->name);
}

static void put_subquery(sim_writer *w, const char *name)
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
    const sim_relation *x = sim_any(w), *y = sim_any(w);
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT a.g, count(*) AS id, "
                  "max(a.v) AS v FROM %s a WHERE ",
                  name, x->name);
    cu_buf_printf(&w->sql, SIM_ANY(w, forms), y->name);
    cu_buf_put_str(&w->sql, " GROUP BY a.g;\n");
}

static void put_lateral(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w), *y = sim_any(w);
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

static void put_set(sim_writer *w, const char *name)
{
    static const char *const ops[] = {"INTERSECT", "INTERSECT ALL", "EXCEPT",
                                      "EXCEPT ALL", "UNION"};
    const sim_relation *x = sim_any(w), *y = sim_any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS id, max(v) AS v "
        "FROM (SELECT g, v FROM %s %s SELECT g, v FROM %s) q GROUP BY g;\n",
        name, x->name, SIM_ANY(w, ops), y->name);
}

/* --- order ---------------------------------------------------------------- */

static void put_over(sim_writer *w, const char *name)
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
    const sim_relation *x = sim_any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS id, "
        "sum(x)::bigint AS v, max(y) AS hi FROM (SELECT g, %s AS x, %s AS y "
        "FROM %s) q GROUP BY g;\n",
        name, SIM_ANY(w, calls), SIM_ANY(w, calls), x->name);
}

static void put_ranks(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS id, max(v) AS "
        "v, sum(rn)::bigint AS s FROM (SELECT id, g, v, %s() OVER (PARTITION "
        "BY g ORDER BY v DESC) AS rn FROM %s) q WHERE rn <= %u GROUP BY g;\n",
        name, sim_chance(w->r, 50) ? "rank" : "dense_rank", x->name,
        1 + sim_below(w->r, 3));
}

static void put_ordered(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, mode() WITHIN GROUP (ORDER "
        "BY id) AS id, percentile_disc(0.4) WITHIN GROUP (ORDER BY v) AS v, "
        "string_agg(v::text, ',' ORDER BY v DESC) AS s, array_agg(DISTINCT v "
        "ORDER BY v) AS a, (array_agg(id ORDER BY v DESC, id))[1] AS f, "
        "bool_or(v > 3) AS b FROM %s GROUP BY g;\n",
        name, x->name);
}

static void put_grouping_sets(sim_writer *w, const char *name)
{
    const sim_relation *x = sim_any(w);
    w->rel[w->n].keyed = false;
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s WITH (primary_key = 'g, v, gr') AS SELECT "
        "g, m AS v, grouping(g, m) AS "
        "gr, count(*) AS id, sum(id)::bigint AS s FROM (SELECT id, g, v %% 3 "
        "AS m FROM %s) q GROUP BY %s (g, m);\n",
        name, x->name, sim_chance(w->r, 50) ? "CUBE" : "ROLLUP");
}

static void put_plain(sim_writer *w, const char *name)
{
    put_project(w, name, sim_chance(w->r, 50));
}

/* A fifth of the views is not published but shared; drawn by itself, so that
 * everything else of a seed stays as it was. */
static void share(sim_writer *w, size_t from, const char *name)
{
    sim_rng r = {w->c->seed * 31 + w->n};
    const char *text = cu_arena_strn(w->a, w->sql.data + from,
                                     w->sql.len - from);
    const char *begin = cu_arena_printf(w->a, "CREATE MATERIALIZED VIEW %s ",
                                        name);
    const char *at = strstr(text, begin);
    if (!sim_chance(&r, 20) || !at || strstr(text, "emit_interval") ||
        strstr(text, "early_final"))
        return;
    const char *rest = at + strlen(begin);
    bool options = strncmp(rest, "WITH (", 6) == 0;
    w->sql.len = from + (size_t)(at - text);
    cu_buf_printf(&w->sql, "CREATE VIEW %s WITH (shared%s%s", name,
                  options ? ", " : ") ", options ? rest + 6 : rest);
}

static void put_view(sim_writer *w)
{
    static sim_put *const puts[] = {
        put_aggregate,     put_global,   put_plain,   put_plain,
        put_top,           put_union,    put_flatmap, put_limit,
        put_distinct_on,   put_distinct, put_join,    put_join,
        put_joins,         put_subquery, put_lateral, put_set,
        put_over,          put_over,     put_ranks,   put_ordered,
        put_grouping_sets,
    };
    static sim_put *const timed[] = {
        sim_put_window,      sim_put_window,        sim_put_window,
        sim_put_session,     sim_put_session,       sim_put_window_join,
        sim_put_window_rank, sim_put_interval_join, sim_put_late,
        sim_put_late,        sim_put_temporal,      sim_put_temporal,
        sim_put_held,        sim_put_asof,          sim_put_asof,
    };
    static sim_put *const versions[] = {
        sim_put_history,   sim_put_history,   sim_put_history,
        sim_put_current,   sim_put_lookup,    sim_put_lookup,
        sim_put_lookup,    sim_put_changelog, sim_put_changelog,
        sim_put_surrogate, sim_put_letters,
    };
    sim_relation *self = &w->rel[w->n];
    const char *name = cu_arena_printf(w->a, "v%u", w->n - SIM_TABLES + 1);
    uint32_t kind = sim_below(w->r, 100);
    size_t from = w->sql.len;
    *self = (sim_relation){.name = name, .keyed = true, .has_key = true};
    if (kind < 55)
        SIM_ANY(w, puts)(w, name);
    else if (kind < 80)
        SIM_ANY(w, timed)(w, name);
    else
        SIM_ANY(w, versions)(w, name);
    share(w, from, name);
    w->n++;
}

void sim_put_sql(sim_case *c, sim_rng *r)
{
    sim_writer w = {.r = r, .c = c, .a = c->arena, .n = SIM_TABLES};
    for (uint32_t i = 0; i < SIM_TABLES; i++)
        w.rel[i] = (sim_relation){.name = sim_tables[i],
                                  .append = i == SIM_T,
                                  .keyed = i != SIM_T,
                                  .has_key = i != SIM_T,
                                  .of_t = i == SIM_T,
                                  .of_rest = i != SIM_T};
    put_tables(&w, c->partitions);
    uint32_t n_views = 1 + sim_below(r, SIM_MOST_VIEWS - 1);
    for (uint32_t i = 0; i < n_views; i++)
        put_view(&w);
    c->sql = cu_arena_strn(c->arena, w.sql.data, w.sql.len);
    cu_buf_free(&w.sql);
}
