/* Random pipelines: what knows versions, or the order in which rows come.
 *
 * Written is only what no commit and no other partition can change:
 *
 *   history    of t where a key is in one partition; of tables whose rows are
 *              replaced, without the dates that the commit's clock gives; of
 *              any view, what is current
 *   changelog  of tables; of any relation, how many rows it leaves
 *   surrogate  of t in one partition; of any relation, that a key has one
 *              number and that, over rows that stay, none is left out
 *   asof       over rows of t only without rows behind the watermark, where
 *              a key is in one partition (the later of two of one time holds)
 *   lookup     of what was complete when the left rows came (sim_case.phases)
 */
#include "tests/simulation/gen_int.h"

/* Times of the clock's day become NULL. */
#define UNLESS_CLOCK(col)                      \
    "CASE WHEN " col " < '2024-01-01' OR " col \
    " > '2024-01-01 12:00' THEN " col " END"

static void put_history_of_t(sim_writer *w, const char *name)
{
    static const char *const of[] = {
        "t", "(SELECT id, v % 2 AS v, g % 2 AS g, ts FROM t)",
        "(SELECT id, g, v, ts FROM t WHERE v > 1)"};
    bool by_id = w->c->home == SIM_BY_ID || w->c->partitions == 1;
    sim_use(w, SIM_T);
    if (by_id)
        cu_buf_printf(
            &w->sql,
            "CREATE MATERIALIZED VIEW %s AS SELECT id, g, v, "
            "version, valid_from AS since, valid_until AS until, op AS "
            "how FROM history(%s, "
            "key => ARRAY[id], valid_at => ts);\n",
            name, SIM_ANY(w, of));
    else
        cu_buf_printf(&w->sql,
                      "CREATE MATERIALIZED VIEW %s WITH (primary_key = 'g, "
                      "version') AS SELECT id, g, v, version, valid_from AS "
                      "since, valid_until AS until, op AS how FROM "
                      "history((SELECT id %% 2 AS id, g, "
                      "v %% 3 AS v, ts FROM t), key => ARRAY[g], valid_at => "
                      "ts);\n",
                      name);
}

void sim_put_history(sim_writer *w, const char *name)
{
    w->rel[w->n].keyed = false;
    if ((w->c->home != SIM_ANYWHERE || w->c->partitions == 1) &&
        sim_chance(w->r, 40)) {
        put_history_of_t(w, name);
        return;
    }
    static const char *const of[] = {"%s",
                                     "(SELECT id, g, v, at FROM %s WHERE "
                                     "v > 1)",
                                     "(SELECT id, g %% 2 AS g, v / 3 AS v, at "
                                     "FROM %s)"};
    const sim_relation *x = sim_use(w, 1 + sim_below(w->r, 3));
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT id, g, v, version, "
        "op AS how, valid_until IS NULL AS current, " UNLESS_CLOCK(
            "valid_from") " AS since, " UNLESS_CLOCK("valid_until") " AS until "
                                                                    "FROM "
                                                                    "history(",
        name);
    cu_buf_printf(&w->sql, SIM_ANY(w, of), x->name);
    cu_buf_printf(&w->sql, ", valid_at => at%s);\n",
                  sim_chance(w->r, 30) ? ", deletes => false" : "");
}

/* What is current of any relation is the relation. */
void sim_put_current(sim_writer *w, const char *name)
{
    for (;;) {
        uint32_t i = sim_below(w->r, w->n);
        if (!w->rel[i].has_key || w->rel[i].append)
            continue;
        const sim_relation *x = sim_use(w, i);
        cu_buf_printf(&w->sql,
                      "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS "
                      "id, max(v) AS v FROM history(%s) WHERE valid_until IS "
                      "NULL GROUP BY g;\n",
                      name, x->name);
        return;
    }
}

void sim_put_changelog(sim_writer *w, const char *name)
{
    static const char *const of[] = {
        "%s", "(SELECT id, g, v FROM %s WHERE v > 2)",
        "(SELECT id, g %% 2 AS g, v / 3 AS v FROM %s)",
        "(SELECT id %% 3 AS id, g, v FROM %s)"};
    if (sim_chance(w->r, 30)) {
        const sim_relation *x = sim_any(w);
        cu_buf_printf(&w->sql,
                      "CREATE MATERIALIZED VIEW %s AS SELECT count(*) FILTER "
                      "(WHERE op = 'I') - count(*) FILTER (WHERE op = 'D') AS "
                      "id, 1 AS g, 2 AS v FROM changelog(%s);\n",
                      name, x->name);
        w->rel[w->n].has_key = false;
        return;
    }
    const sim_relation *x = sim_use(w, sim_below(w->r, SIM_TABLES));
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT g, op AS how, count(*) AS "
        "id, sum(v)::bigint AS v FROM changelog(",
        name);
    cu_buf_printf(&w->sql, SIM_ANY(w, of), x->name);
    cu_buf_put_str(&w->sql, ") GROUP BY g, op;\n");
    w->rel[w->n].keyed = false;
}

void sim_put_surrogate(sim_writer *w, const char *name)
{
    sim_relation *self = &w->rel[w->n];
    if (w->c->partitions == 1 && sim_chance(w->r, 50)) {
        sim_use(w, SIM_T);
        cu_buf_printf(
            &w->sql,
            "CREATE MATERIALIZED VIEW %s AS SELECT id, g, v, "
            "surrogate_id AS number FROM surrogate(t, key => ARRAY[g]);\n",
            name);
        self->append = true;
        self->keyed = self->has_key = false;
        return;
    }
    const sim_relation *x = sim_any(w);
    if (x->append && sim_chance(w->r, 50)) {
        cu_buf_printf(&w->sql,
                      "CREATE MATERIALIZED VIEW %s AS SELECT 1 AS g, "
                      "max(surrogate_id) AS id, count(DISTINCT surrogate_id) "
                      "AS v FROM surrogate(%s, key => ARRAY[g, v]);\n",
                      name, x->name);
        self->has_key = false;
        return;
    }
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) AS id, "
                  "count(DISTINCT surrogate_id) AS v FROM surrogate(%s, key => "
                  "ARRAY[g]) GROUP BY g;\n",
                  name, x->name);
}

/* --- joins ---------------------------------------------------------------- */

static const sim_relation *any_of(sim_writer *w, bool of_t)
{
    for (;;) {
        uint32_t i = sim_below(w->r, w->n);
        if (w->rel[i].of_t == of_t && w->rel[i].of_rest == !of_t)
            return sim_use(w, i);
    }
}

void sim_put_lookup(sim_writer *w, const char *name)
{
    static const char *const ons[] = {"b.id = a.v", "b.g = a.g",
                                      "b.id = a.id AND b.g = a.g"};
    if (w->c->n_phases == 1) {
        sim_put_history(w, name);
        return;
    }
    const sim_relation *x = any_of(w, true), *y = any_of(w, false);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT a.g, count(*) AS id, "
        "sum(b.v)::bigint AS v, count(b.id) AS n, sum(a.v)::bigint AS s FROM "
        "%s a %s lookup(%s) b ON %s GROUP BY a.g;\n",
        name, x->name, sim_chance(w->r, 50) ? "JOIN" : "LEFT JOIN", y->name,
        SIM_ANY(w, ons));
}

void sim_put_asof(sim_writer *w, const char *name)
{
    const char *kind = sim_chance(w->r, 50) ? "JOIN" : "LEFT JOIN";
    sim_use(w, SIM_T);
    if (w->c->ordered && sim_is_home(w, SIM_BY_G) && sim_chance(w->r, 50)) {
        cu_buf_printf(&w->sql,
                      "CREATE MATERIALIZED VIEW %s AS SELECT a.g, count(*) AS "
                      "id, sum(b.v)::bigint AS v, sum(b.id)::bigint AS n FROM "
                      "t a %s asof((SELECT id, g, v, ts FROM t WHERE v > 2), "
                      "a.ts - interval '%u seconds') b ON b.g = a.g GROUP BY "
                      "a.g;\n",
                      name, kind, sim_below(w->r, 20));
        return;
    }
    const sim_relation *x = sim_use(w, 1 + sim_below(w->r, 3));
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT a.g, count(*) AS id, "
                  "sum(b.v)::bigint AS v, count(b.id) AS n FROM t a %s asof("
                  "%s, a.ts) b ON b.id = a.%s%s GROUP BY a.g;\n",
                  name, kind, x->name, sim_chance(w->r, 50) ? "v" : "id",
                  sim_chance(w->r, 30) ? " AND b.v > 1" : "");
}

void sim_put_letters(sim_writer *w, const char *name)
{
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s AS SELECT partition AS g, "
                  "count(*) AS id, sum(length(raw_value))::bigint AS v FROM "
                  "dead_letters(%s) GROUP BY partition;\n",
                  name, sim_tables[sim_chance(w->r, 70) ? SIM_T : SIM_S]);
    w->rel[w->n].of_t = w->rel[w->n].of_rest = true;
}
