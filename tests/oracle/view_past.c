/* history, changelog, surrogate, asof, lookup: relations over how a table's
 * rows came to be, computed in PostgreSQL from the log of accepted changes.
 *
 *   o_seq    order of arrival, which holds within a key
 *   o_gone   the key was deleted
 *
 * A life of a key goes from its first row to its delete.  The data is of 2024
 * and the clock is behind it, so in the first life versions are valid from
 * their own time, and a life after a delete has one version, from when it
 * came back; times by the clock are not shown.
 */
#include "tests/oracle/view_gen.h"

/* The table, where arrival of its first column's values is one order; NULL:
 * there is none, or it has no column of time. */
static const cu_case_table *ordered(cu_gen *g, bool marked)
{
    for (uint32_t tries = 0; tries < 4; tries++) {
        const cu_case_table *t = &g->c->tables[cu_rng_below(g->r, 2)];
        bool kept = t->upsert || g->c->partitions == 1 || g->c->keyed;
        if (kept && t->mark && (!marked || t->unhurried))
            return t;
    }
    return NULL;
}

/* Column names of the table; without `but`. */
static const char *list(cu_gen *g, const cu_case_table *t, uint32_t but)
{
    const char *out = "";
    for (uint32_t k = 0; k < t->n_cols; k++)
        if (k != but)
            out = cu_arena_printf(g->a, "%s%s%s", out, *out ? ", " : "",
                                  t->cols[k].name);
    return out;
}

/* Versions: the log's columns, life, at, nth, final, closed. */
static const char *versions(cu_gen *g, const cu_case_table *t)
{
    const char *time = t->cols[t->mark].name;
    const char *but = list(g, t, t->mark);
    /* A row that an upsert makes timeless is gone; of the others they are no
     * rows. */
    const char *dead = "false";
    if (t->upsert)
        dead = cu_arena_printf(
            g->a, "o_gone OR NOT coalesce(isfinite(%s), false)", time);
    return cu_arena_printf(
        g->a,
        "(WITH e AS (SELECT *, %s AS dead FROM %s_log%s%s%s), e1 AS (SELECT "
        "*, lag(dead, 1, true) OVER (PARTITION BY c0 ORDER BY o_seq) AS "
        "was_dead FROM e), e2 AS (SELECT *, sum((NOT dead AND was_dead)::int) "
        "OVER (PARTITION BY c0 ORDER BY o_seq) AS life FROM e1 WHERE NOT (dead "
        "AND was_dead)), e3 AS (SELECT *, bool_or(dead) OVER (PARTITION BY c0, "
        "life) AS closed, CASE WHEN life = 1 THEN %s END AS at FROM e2), e4 AS "
        "(SELECT DISTINCT ON (c0, life, at) * FROM e3 WHERE NOT dead ORDER BY "
        "c0, life, at, o_seq DESC), e5 AS (SELECT *, coalesce(lag(ROW(%s)::"
        "text) OVER (PARTITION BY c0, life ORDER BY at) <> ROW(%s)::text, "
        "true) AS fresh FROM e4) SELECT *, row_number() OVER (PARTITION BY c0 "
        "ORDER BY life, at) AS version, row_number() OVER (PARTITION BY c0, "
        "life ORDER BY at) AS nth, lead(at) OVER (PARTITION BY c0, life ORDER "
        "BY at) AS next FROM e5 WHERE fresh)",
        dead, t->name, t->upsert ? "" : " WHERE isfinite(",
        t->upsert ? "" : time, t->upsert ? "" : ")", time, but, but);
}

/* The rows that have a time. */
static const char *timed(cu_gen *g, const cu_case_table *t)
{
    return cu_arena_printf(g->a, "(SELECT * FROM %s WHERE isfinite(%s))",
                           t->name, t->cols[t->mark].name);
}

bool cu_gen_history(cu_gen *g, cu_case_view *v)
{
    const cu_case_table *t = ordered(g, false);
    if (t == NULL)
        return false;
    const cu_case_col *time = &t->cols[t->mark];
    const char *clock = "2026-01-01";
    v->from = cu_arena_printf(g->a, "history(%s, valid_at => %s%s) q",
                              timed(g, t), time->name,
                              t->upsert ? "" : ", key => ARRAY[c0]");
    v->theirs = cu_arena_printf(
        g->a,
        "(SELECT *, coalesce(at, '%s') AS valid_from, CASE WHEN next IS NULL "
        "AND closed THEN '%s' ELSE next END AS valid_until, CASE WHEN next IS "
        "NULL AND closed THEN 'D' WHEN nth = 1 THEN 'I' ELSE 'U' END AS op "
        "FROM %s q) q",
        clock, clock, versions(g, t));
    cu_gen_add(g, v, "c0", t->cols[0].type, true, true, true);
    cu_gen_add(g, v, "version", CU_TYPE(CU_T_INT8), true, true, true);
    cu_gen_add(g, v, "op", CU_TYPE(CU_T_TEXT), true, false, false);
    cu_gen_add(g, v, "CASE WHEN valid_from < '2025-01-01' THEN valid_from END",
               time->type, true, false, false);
    cu_gen_add(g, v,
               "CASE WHEN valid_until < '2025-01-01' THEN valid_until END",
               time->type, true, false, false);
    cu_gen_add(g, v, "valid_until IS NULL", CU_TYPE(CU_T_BOOL), true, false,
               false);
    for (uint32_t k = 1; k < t->n_cols; k++)
        if (k != t->mark && cu_rng_chance(g->r, 50))
            cu_gen_add(g, v, t->cols[k].name, t->cols[k].type, true, true,
                       false);
    v->options = cu_arena_printf(g->a, " WITH (primary_key = '%s, %s')",
                                 v->cols[0].name, v->cols[1].name);
    if (cu_rng_chance(g->r, 20))
        v->where = " WHERE valid_until IS NULL";
    return true;
}

/* The changes of an upsert table, and the folded ones of a view with a key. */
static bool log_of_table(cu_gen *g, cu_case_view *v)
{
    const cu_case_table *t = &g->c->tables[1];
    const char *all = list(g, t, t->n_cols);
    v->from = cu_arena_printf(g->a, "changelog(%s) q", t->name);
    v->theirs = cu_arena_printf(
        g->a,
        "(SELECT c0, CASE WHEN o_gone THEN 'D' WHEN was_dead THEN 'I' ELSE 'U' "
        "END AS op FROM (SELECT *, lag(o_gone, 1, true) OVER k AS was_dead, "
        "lag(ROW(%s)::text) OVER k = ROW(%s)::text AS again FROM %s_log WINDOW "
        "k AS (PARTITION BY c0 ORDER BY o_seq)) f WHERE NOT (o_gone AND "
        "was_dead) AND (o_gone OR was_dead OR NOT again)) q",
        all, all, t->name);
    cu_gen_add(g, v, "c0", t->cols[0].type, true, true, true);
    cu_gen_add(g, v, "op", CU_TYPE(CU_T_TEXT), true, false, true);
    cu_gen_add(g, v, "count(*)", CU_TYPE(CU_T_INT8), true, true, false);
    v->group = " GROUP BY c0, op";
    return true;
}

bool cu_gen_changelog(cu_gen *g, cu_case_view *v)
{
    if (cu_rng_chance(g->r, 50))
        return log_of_table(g, v);
    cu_case_rel x = cu_gen_named(g);
    const char *by = "", *sum = "sum(CASE op WHEN 'I' THEN 1 WHEN 'D' THEN -1 "
                                "ELSE 0 END)";
    if (!x.keyed || x.single)
        return false;
    for (uint32_t k = 0; k < x.n_cols; k++)
        if (x.cols[k].key && x.cols[k].exact) {
            by = cu_arena_printf(g->a, "%s%s%s", by, *by ? ", " : " GROUP BY ",
                                 x.cols[k].name);
            cu_gen_add(g, v, x.cols[k].name, x.cols[k].type, true,
                       x.cols[k].small, true);
        }
    if (v->n_cols == 0)
        return false;
    cu_gen_add(g, v, sum, CU_TYPE(CU_T_INT8), true, true, false);
    v->from = cu_arena_printf(g->a, "changelog(%s) q", x.name);
    v->theirs = cu_arena_printf(g->a, "(SELECT *, 'I' AS op FROM %s) q",
                                x.name);
    v->group = by;
    v->having = cu_arena_printf(g->a, " HAVING %s <> 0", sum);
    v->reads = x.reads;
    return true;
}

/* Ids are compared by how many there are, for each key and at all. */
bool cu_gen_surrogate(cu_gen *g, cu_case_view *v)
{
    cu_case_rel x = cu_rng_chance(g->r, 60) ? cu_gen_table(g, 0)
                                            : cu_gen_named(g);
    const cu_case_col *key = NULL;
    uint32_t seen = 0;
    for (uint32_t k = 0; k < x.n_cols; k++)
        if (x.cols[k].exact && cu_rng_below(g->r, ++seen) == 0)
            key = &x.cols[k];
    if (key == NULL)
        return false;
    v->from = cu_arena_printf(g->a, "surrogate(%s, key => ARRAY[%s]) q", x.name,
                              key->name);
    v->theirs = cu_arena_printf(
        g->a,
        "(SELECT *, dense_rank() OVER (ORDER BY %s) AS surrogate_id FROM "
        "%s) q",
        key->name, x.name);
    v->reads = x.reads;
    if (cu_rng_chance(g->r, 50)) {
        cu_gen_add(g, v, key->name, key->type, true, key->small, true);
        v->group = cu_arena_printf(g->a, " GROUP BY %s", key->name);
        cu_gen_add(g, v, "min(surrogate_id) = max(surrogate_id)",
                   CU_TYPE(CU_T_BOOL), true, false, false);
    } else {
        v->single = true;
        if (x.append)
            cu_gen_add(g, v, "max(surrogate_id)", CU_TYPE(CU_T_INT8), true,
                       true, false);
    }
    cu_gen_add(g, v, "count(DISTINCT surrogate_id)", CU_TYPE(CU_T_INT8), true,
               true, false);
    cu_gen_add(g, v, "count(*)", CU_TYPE(CU_T_INT8), true, true, false);
    return true;
}

/* --- joins in time -------------------------------------------------------- */

/* Columns of both sides as targets; the right's are b.… */
static void show(cu_gen *g, cu_case_view *v, const cu_case_rel *x,
                 const cu_case_table *t)
{
    for (uint32_t k = 0; k < x->n_cols && v->n_targets < 5; k++)
        if (x->cols[k].exact)
            cu_gen_add(g, v, x->cols[k].name, x->cols[k].type, x->cols[k].exact,
                       x->cols[k].small, x->cols[k].key);
    for (uint32_t k = 0; k < t->n_cols; k++)
        cu_gen_add(g, v, cu_arena_printf(g->a, "b.%s", t->cols[k].name),
                   t->cols[k].type, true, t->cols[k].small, false);
}

/* Equal rows of the view together: they need no key then. */
static void count_rows(cu_gen *g, cu_case_view *v)
{
    const char *by = "";
    for (uint32_t k = 0; k < v->n_targets; k++) {
        v->cols[k].key = true;
        by = cu_arena_printf(g->a, "%s%s%u", by, k ? ", " : " GROUP BY ",
                             k + 1);
    }
    v->group = by;
    cu_gen_add(g, v, "count(*)", CU_TYPE(CU_T_INT8), true, true, false);
}

/* A relation as a0.…, with a column of the type (NULL: whichever). */
static bool left_side(cu_gen *g, cu_case_rel *x, cu_type type,
                      const cu_case_col **found)
{
    for (uint32_t tries = 0; tries < 5; tries++) {
        uint32_t seen = 0;
        *x = cu_gen_aliased(g);
        *found = NULL;
        for (uint32_t k = 0; k < x->n_cols; k++)
            if (cu_type_same(x->cols[k].type, type) &&
                cu_rng_below(g->r, ++seen) == 0)
                *found = &x->cols[k];
        if (*found && (x->append || x->keyed))
            return true;
    }
    return false;
}

/* What the left has for the right's c0, and perhaps a condition. */
static const char *meets(cu_gen *g, const cu_case_rel *x,
                         const cu_case_table *t, const char **more)
{
    cu_case_expr e = cu_case_expr_of(g->r, g->a, x, t->cols[0].type, 1);
    *more = cu_rng_chance(g->r, 25)
                ? cu_arena_printf(g->a, " AND b.%s IS NOT NULL",
                                  t->cols[1].name)
                : "";
    return e.sql;
}

bool cu_gen_asof(cu_gen *g, cu_case_view *v)
{
    const cu_case_table *t = ordered(g, true);
    const cu_case_col *at;
    const char *more, *time, *key;
    cu_case_rel x;
    if (t == NULL || !left_side(g, &x, t->cols[t->mark].type, &at) ||
        (key = meets(g, &x, t, &more)) == NULL)
        return false;
    bool outer = cu_rng_chance(g->r, 60);
    time = t->cols[t->mark].name;
    v->from = cu_arena_printf(g->a, "%s %s asof(%s, %s) b ON b.c0 = %s%s",
                              x.name, outer ? "LEFT JOIN" : "JOIN", timed(g, t),
                              at->name, key, more);
    if (t->upsert)
        v->theirs = cu_arena_printf(
            g->a,
            "%s %s LATERAL (SELECT * FROM %s q WHERE q.c0 = %s AND q.at <= %s "
            "ORDER BY q.at DESC LIMIT 1) b ON true%s",
            x.name, outer ? "LEFT JOIN" : "JOIN", versions(g, t), key, at->name,
            more);
    else
        v->theirs = cu_arena_printf(
            g->a,
            "%s %s LATERAL (SELECT * FROM %s_log q WHERE q.c0 = %s AND "
            "isfinite(q.%s) AND q.%s <= %s ORDER BY q.%s DESC, q.o_seq DESC "
            "LIMIT 1) b ON true%s",
            x.name, outer ? "LEFT JOIN" : "JOIN", t->name, key, time, time,
            at->name, time, more);
    v->reads = x.reads;
    v->append = x.append;
    show(g, v, &x, t);
    if (!x.append)
        count_rows(g, v);
    return true;
}

/* The right's rows all come before the left's, so the join is a plain one. */
bool cu_gen_lookup(cu_gen *g, cu_case_view *v)
{
    const cu_case_table *t = &g->c->tables[1];
    const char *more, *key;
    if (!g->c->phased)
        return false;
    cu_case_rel x = cu_gen_table(g, 0);
    cu_case_col *cols = cu_arena_dup(g->a, x.cols, x.n_cols * sizeof(*cols));
    for (uint32_t k = 0; k < x.n_cols; k++)
        cols[k].name = cu_arena_printf(g->a, "a.%s", x.cols[k].name);
    x.cols = cols;
    key = meets(g, &x, t, &more);
    if (key == NULL)
        return false;
    const char *join = cu_rng_chance(g->r, 60) ? "LEFT JOIN" : "JOIN";
    v->from = cu_arena_printf(g->a, "%s a %s lookup(%s) b ON b.c0 = %s%s",
                              x.name, join, t->name, key, more);
    v->theirs = cu_arena_printf(g->a, "%s a %s %s b ON b.c0 = %s%s", x.name,
                                join, t->name, key, more);
    v->append = true;
    show(g, v, &x, t);
    return true;
}
