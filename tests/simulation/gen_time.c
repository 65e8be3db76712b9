/* Random pipelines: windows, sessions, late rows, the clock.
 *
 * Left out is what depends on the commits by its definition:
 *
 *   sessions with late rows whose key is in several partitions: whether such
 *   a row falls into a session depends on what came from the others before;
 *   interval joins with rows behind the watermark: what a late row could have
 *   met may be forgotten or not.
 */
#include "tests/simulation/gen_int.h"

/* Options of a view over windows, WITH and all. Before they are final, how long
 * sessions stay depends on which others are open. */
static void put_options(sim_writer *w, const char *name, const char *key,
                        bool session)
{
    static const char *const emits[] = {"", "", "emit = 'final'",
                                        "emit = 'early_final'"};
    static const char *const waits[] = {"", "",
                                        "allowed_lateness = '5 seconds'",
                                        "allowed_lateness = '15 seconds'"};
    static const char *const stays[] = {"", "", "retention = '20 seconds'",
                                        "retention = '2 minutes'"};
    static const char *const holds[] = {"", "", "",
                                        "emit_interval = '2 seconds'"};
    const char *some[] = {SIM_ANY(w, emits), SIM_ANY(w, waits),
                          SIM_ANY(w, stays), SIM_ANY(w, holds), key};
    if (session && strcmp(some[0], emits[2]) != 0)
        some[2] = "";
    cu_buf_printf(&w->sql, "CREATE MATERIALIZED VIEW %s", name);
    uint32_t n = 0;
    for (uint32_t i = 0; i < SIM_N(some); i++)
        if (some[i][0])
            cu_buf_printf(&w->sql, "%s%s", n++ ? ", " : " WITH (", some[i]);
    cu_buf_printf(&w->sql, "%s AS ", n ? ")" : "");
}

static const char *any_window(sim_writer *w)
{
    static const char *const of[] = {
        "tumble(t, ts, size => interval '20 seconds')",
        "hop(t, ts, slide => interval '10 seconds', size => interval '30 "
        "seconds')",
        "cumulate(t, ts, step => interval '10 seconds', size => interval '40 "
        "seconds')",
        "tumble((SELECT * FROM t WHERE v > 2), ts, size => interval '30 "
        "seconds', origin => timestamp '2024-01-01 00:00:07')",
    };
    sim_use(w, SIM_T);
    return SIM_ANY(w, of);
}

void sim_put_window(sim_writer *w, const char *name)
{
    w->rel[w->n].keyed = false;
    w->rel[w->n].late = true;
    put_options(w, name, "", false);
    cu_buf_printf(&w->sql,
                  "SELECT g, window_start, window_end, count(*) AS id, "
                  "sum(v)::bigint AS v FROM %s GROUP BY g, window_start, "
                  "window_end;\n",
                  any_window(w));
}

void sim_put_session(sim_writer *w, const char *name)
{
    static const uint32_t gaps[] = {2, 5, 10, 20, 30};
    bool by_id = w->c->home == SIM_BY_ID && sim_chance(w->r, 50);
    bool home = sim_is_home(w, by_id ? SIM_BY_ID : SIM_BY_G);
    if (!home && w->c->late) {
        sim_put_window(w, name);
        return;
    }
    sim_use(w, SIM_T);
    w->rel[w->n].keyed = false;
    w->rel[w->n].late = true;
    put_options(w, name, "", true);
    const char *key = by_id ? "id" : "g";
    /* Without late rows, none is late for a session of its own: rows are
     * behind the watermark by less than the gap. */
    cu_buf_printf(&w->sql,
                  "SELECT %s, window_start, window_end, count(*) AS n, "
                  "sum(v)::bigint AS v, %s FROM session(t, ts, gap => interval "
                  "'%u seconds', partition_by => ARRAY[%s]) GROUP BY %s, "
                  "window_start, window_end;\n",
                  key, by_id ? "max(g) AS g" : "max(id) AS id",
                  home ? SIM_ANY(w, gaps) : 15 + 5 * sim_below(w->r, 3), key,
                  key);
}

void sim_put_window_join(sim_writer *w, const char *name)
{
    static const char *const kinds[] = {"JOIN", "LEFT JOIN"};
    sim_use(w, SIM_T);
    w->rel[w->n].keyed = false;
    const char *kind = SIM_ANY(w, kinds);
    if (sim_chance(w->r, 20)) { /* closes nothing */
        cu_buf_printf(&w->sql, "CREATE MATERIALIZED VIEW %s AS ", name);
        kind = "FULL JOIN";
    } else {
        put_options(w, name, "", false);
    }
    uint32_t size = 10 + 10 * sim_below(w->r, 3);
    cu_buf_printf(
        &w->sql,
        "SELECT g, window_start, count(*) AS id, sum(v)::bigint AS v FROM "
        "(SELECT a.g, a.window_start, b.v FROM tumble(t, ts, size => interval "
        "'%u seconds') a %s tumble((SELECT * FROM t WHERE id %% 2 = 0), ts, "
        "size => interval '%u seconds') b ON a.window_start = b.window_start "
        "AND a.g = b.g) q GROUP BY g, window_start;\n",
        size, kind, size);
}

void sim_put_interval_join(sim_writer *w, const char *name)
{
    static const char *const kinds[] = {"JOIN", "LEFT JOIN", "FULL JOIN"};
    if (!w->c->ordered) {
        sim_put_window_join(w, name);
        return;
    }
    sim_use(w, SIM_T);
    cu_buf_printf(
        &w->sql,
        "CREATE MATERIALIZED VIEW %s AS SELECT coalesce(a.g, b.g) AS g, "
        "count(*) AS id, sum(b.v)::bigint AS v, count(a.v) AS n FROM t a %s t "
        "b ON a.g = b.g AND b.id > a.id AND b.ts BETWEEN a.ts - interval '%u "
        "seconds' AND a.ts + interval '%u seconds' GROUP BY coalesce(a.g, "
        "b.g);\n",
        name, SIM_ANY(w, kinds), sim_below(w->r, 20), sim_below(w->r, 40));
}

/* Ties in the order are rows that look the same. */
void sim_put_window_rank(sim_writer *w, const char *name)
{
    bool top = sim_chance(w->r, 60);
    w->rel[w->n].keyed = false;
    w->rel[w->n].late = true;
    put_options(w, name, top ? "primary_key = 'window_end, g, rn'" : "", false);
    if (top)
        cu_buf_printf(
            &w->sql,
            "SELECT id, g, v, window_start, window_end, rn FROM (SELECT id, g, "
            "v, window_start, window_end, row_number() OVER (PARTITION BY "
            "window_start, window_end, g ORDER BY v DESC, id) AS rn FROM %s) q "
            "WHERE rn <= %u;\n",
            any_window(w), 1 + sim_below(w->r, 2));
    else
        cu_buf_printf(
            &w->sql,
            "SELECT g, window_start, window_end, count(*) AS id, "
            "sum(x)::bigint AS v FROM (SELECT g, window_start, window_end, "
            "lag(v) OVER (PARTITION BY window_start, window_end, g ORDER BY "
            "id, v) AS x FROM %s) q GROUP BY g, window_start, window_end;\n",
            any_window(w));
}

void sim_put_late(sim_writer *w, const char *name)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (w->rel[i].late) {
            sim_use(w, i);
            cu_buf_printf(&w->sql,
                          "CREATE MATERIALIZED VIEW %s AS SELECT g, count(*) "
                          "AS id, sum(v)::bigint AS v, min(ts) AS first FROM "
                          "late_rows(%s) GROUP BY g;\n",
                          name, w->rel[i].name);
            return;
        }
    sim_put_window(w, name);
}

/* Times of the rows, from 0 to ten minutes, pass the clock plus a day, from 0
 * to 400 seconds. */
void sim_put_temporal(sim_writer *w, const char *name)
{
    static const char *const ops[] = {">", ">=", "<", "<="};
    uint32_t first = 86000 + sim_below(w->r, 400);
    uint32_t form = sim_below(w->r, 4), table = 1 + sim_below(w->r, 3);
    cu_buf_printf(&w->sql, "CREATE MATERIALIZED VIEW %s AS SELECT ", name);
    /* Of everything: no side of a lookup, which is a matter of phases. */
    w->rel[w->n].of_t = w->rel[w->n].of_rest = true;
    if (form == 0)
        cu_buf_printf(&w->sql,
                      "g, count(*) AS id, sum(v)::bigint AS v FROM t WHERE ts "
                      "%s now() + interval '%u seconds' GROUP BY g;\n",
                      SIM_ANY(w, ops), first);
    else if (form == 1)
        cu_buf_printf(&w->sql,
                      "id, g, v FROM %s WHERE at %s current_timestamp + "
                      "interval '%u seconds';\n",
                      sim_tables[table], SIM_ANY(w, ops), first);
    else if (form == 2)
        cu_buf_printf(&w->sql,
                      "g, count(*) AS id, sum(v)::bigint AS v FROM t WHERE ts "
                      ">= now() + interval '%u seconds' AND ts < now() + "
                      "interval '%u seconds' AND v > 1 GROUP BY g;\n",
                      first, first + 20 + sim_below(w->r, 100));
    else
        cu_buf_printf(&w->sql,
                      "g, count(*) AS id, max(v) AS v FROM t GROUP BY g HAVING "
                      "max(ts) %s now() + interval '%u seconds';\n",
                      SIM_ANY(w, ops), first);
}

/* Not over what the clock alone changes: the last of that would still be held
 * back at the end. */
void sim_put_held(sim_writer *w, const char *name)
{
    uint32_t i = sim_below(w->r, SIM_TABLES);
    const sim_relation *x = sim_use(w, i);
    cu_buf_printf(&w->sql,
                  "CREATE MATERIALIZED VIEW %s WITH (emit_interval = '%u "
                  "seconds') AS SELECT g, count(*) AS id, max(v) AS v FROM %s "
                  "GROUP BY g;\n",
                  name, 1 + sim_below(w->r, 20), x->name);
}
