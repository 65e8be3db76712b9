/* What stands in FROM: joins, derived tables, LATERAL, set operations; and the
 * subqueries of WHERE.
 *
 * Every item has an alias of its own and its columns are qualified, so that a
 * subquery may speak of the columns outside.  A relation carries a guess at
 * its rows: products are drawn only while they stay small.  What has a LIMIT
 * is ordered by everything it shows.
 */
#include "tests/oracle/tree.h"
#include "tests/oracle/view_gen.h"

#define N(x) (sizeof(x) / sizeof(*(x)))

enum { MOST_ROWS = 2500, BOTH = 2 * CU_CASE_COLS };

static cu_case_col *columns(cu_gen *g)
{
    return cu_arena_calloc(g->a, CU_CASE_COLS, sizeof(cu_case_col));
}

cu_case_rel cu_gen_table(cu_gen *g, uint32_t at)
{
    if (at < CU_CASE_TABLES) {
        const cu_case_table *t = &g->c->tables[at];
        return (cu_case_rel){.name = t->name,
                             .n_cols = t->n_cols + t->generated,
                             .cols = t->cols,
                             .append = !t->upsert,
                             .keyed = t->upsert,
                             .rows = t->upsert ? 6 : 60};
    }
    uint32_t i = at - CU_CASE_TABLES;
    const cu_case_view *v = &g->c->views[i];
    cu_case_rel rel = {.name = v->name,
                       .n_cols = v->n_cols,
                       .cols = v->cols,
                       .append = v->append,
                       .single = v->single,
                       .reads = v->reads | 1u << i,
                       .rows = v->rows};
    for (uint32_t k = 0; k < v->n_cols; k++)
        rel.keyed = rel.keyed || v->cols[k].key;
    return rel;
}

cu_case_rel cu_gen_named(cu_gen *g)
{
    return cu_gen_table(g, cu_rng_below(g->r, CU_CASE_TABLES + g->c->n_views));
}

cu_case_rel cu_gen_aliased(cu_gen *g)
{
    cu_case_rel x = cu_gen_named(g);
    uint32_t alias = g->n_alias++;
    cu_case_col *cols = columns(g);
    for (uint32_t k = 0; k < x.n_cols; k++) {
        cols[k] = x.cols[k];
        cols[k].name = cu_arena_printf(g->a, "a%u.%s", alias, x.cols[k].name);
    }
    x.cols = cols;
    x.name = cu_arena_printf(g->a, "%s a%u", x.name, alias);
    x.qualified = true;
    return x;
}

/* Both sides' columns, for conditions. */
static cu_case_rel both(cu_gen *g, const cu_case_rel *x, const cu_case_rel *y)
{
    cu_case_col *cols = cu_arena_calloc(g->a, BOTH, sizeof(*cols));
    uint32_t n = 0;
    for (uint32_t k = 0; k < x->n_cols && n < BOTH; k++)
        cols[n++] = x->cols[k];
    for (uint32_t k = 0; k < y->n_cols && n < BOTH; k++)
        cols[n++] = y->cols[k];
    return (cu_case_rel){.n_cols = n, .cols = cols, .qualified = true};
}

/* --- conditions between two relations ------------------------------------- */

/* "x = y" for an expression of each; NULL: they share no type. */
static const char *pair(cu_gen *g, const cu_case_rel *x, const cu_case_rel *y,
                        const char *is)
{
    for (uint32_t tries = 0; tries < 12; tries++) {
        cu_case_expr e = cu_case_expr_any(g->r, g->a, x, true);
        const cu_case_col *c = &x->cols[cu_rng_below(g->r, x->n_cols)];
        if (c->exact && cu_rng_chance(g->r, 70))
            e = (cu_case_expr){c->name, c->type, c->exact, c->small};
        uint32_t depth = cu_rng_chance(g->r, 20);
        cu_case_expr f = cu_case_expr_of(g->r, g->a, y, e.type, depth);
        if (f.sql && strcmp(e.sql, "1"))
            return cu_arena_printf(g->a, "%s %s %s", e.sql, is, f.sql);
    }
    return NULL;
}

/* Equalities and what else; *equal: there is one. `strict`: only what
 * PostgreSQL takes in a FULL JOIN. */
static const char *meeting(cu_gen *g, const cu_case_rel *x,
                           const cu_case_rel *y, bool strict, bool *equal)
{
    const char *is = !strict && cu_rng_chance(g->r, 10) ? "IS NOT DISTINCT FROM"
                                                        : "=";
    const char *on = pair(g, x, y, is), *more = NULL;
    cu_case_rel xy = both(g, x, y);
    *equal = on != NULL;
    if (on && cu_rng_chance(g->r, 20))
        more = pair(g, x, y, "=");
    if (more)
        on = cu_arena_printf(g->a, "%s AND %s", on, more);
    if (on && cu_rng_chance(g->r, 30))
        on = cu_arena_printf(g->a, "%s AND %s", on,
                             cu_case_condition(g->r, g->a, &xy));
    return on ? on : cu_case_condition(g->r, g->a, &xy);
}

/* --- subqueries ----------------------------------------------------------- */

/* "FROM y WHERE …" of a subquery, correlated with x as a rule. */
static const char *inner(cu_gen *g, const cu_case_rel *x, const cu_case_rel *y)
{
    bool equal;
    cu_case_rel xy = both(g, x, y);
    const char *where = "";
    if (cu_rng_chance(g->r, 65))
        where = cu_arena_printf(g->a, " WHERE %s",
                                meeting(g, x, y, false, &equal));
    else if (cu_rng_chance(g->r, 50))
        where = cu_arena_printf(
            g->a, " WHERE %s",
            cu_case_condition(g->r, g->a, cu_rng_chance(g->r, 50) ? y : &xy));
    return cu_arena_printf(g->a, "FROM %s%s", y->name, where);
}

static cu_case_rel small_from(cu_gen *g, uint32_t *reads)
{
    cu_case_rel y = cu_rng_chance(g->r, 85) ? cu_gen_aliased(g)
                                            : cu_gen_from(g, 0);
    *reads |= y.reads;
    return y;
}

/* A value from another relation, at most one row. */
static cu_case_expr scalar(cu_gen *g, const cu_case_rel *x, uint32_t *reads)
{
    cu_case_rel y = small_from(g, reads);
    const char *call, *from = inner(g, x, &y);
    bool shown_only;
    cu_case_expr e = cu_case_expr_any(g->r, g->a, &y, true);
    if (cu_rng_chance(g->r, 30)) {
        e.sql = cu_arena_printf(g->a, "(SELECT %s %s ORDER BY %s LIMIT 1)",
                                e.sql, from,
                                strcmp(e.sql, "1") ? e.sql : "1::int");
        return e;
    }
    do {
        e = cu_gen_call(g, &y, &call, &shown_only);
    } while (shown_only);
    e.sql = cu_arena_printf(g->a, "(SELECT %s %s)", call, from);
    return e;
}

static const char *predicate(cu_gen *g, const cu_case_rel *x, uint32_t *reads)
{
    cu_case_expr e = cu_case_expr_any(g->r, g->a, x, true);
    uint32_t what = cu_rng_below(g->r, 10);
    if (what == 9) {
        cu_case_expr s = scalar(g, x, reads);
        cu_case_expr f = cu_case_expr_of(g->r, g->a, x, s.type, 1);
        static const char *const ops[] = {"=", "<", ">=", "<>",
                                          "IS DISTINCT FROM"};
        if (f.sql)
            return cu_arena_printf(g->a, "%s %s %s", f.sql,
                                   ops[cu_rng_below(g->r, N(ops))], s.sql);
        return cu_arena_printf(g->a, "%s IS NOT NULL", s.sql);
    }
    cu_case_rel y = small_from(g, reads);
    cu_case_expr f = cu_case_expr_of(g->r, g->a, &y, e.type, 1);
    const char *from = inner(g, x, &y);
    if (what < 4 || f.sql == NULL)
        return cu_arena_printf(g->a, "%sEXISTS (SELECT 1 %s)",
                               what % 2 ? "NOT " : "", from);
    if (what < 8)
        return cu_arena_printf(g->a, "%s %sIN (SELECT %s %s)", e.sql,
                               what % 2 ? "NOT " : "", f.sql, from);
    static const char *const any[] = {"> ANY", "<= ALL", "<> ALL", "= ANY"};
    return cu_arena_printf(g->a, "%s %s (SELECT %s %s)", e.sql,
                           any[cu_rng_below(g->r, N(any))], f.sql, from);
}

static const char *conditions(cu_gen *g, const cu_case_rel *x, uint32_t *reads)
{
    const char *out = NULL;
    if (cu_rng_chance(g->r, 25))
        out = cu_case_condition(g->r, g->a, x);
    if (!x->qualified || !cu_rng_chance(g->r, 30))
        return out;
    const char *p = predicate(g, x, reads);
    if (cu_rng_chance(g->r, 15))
        p = cu_arena_printf(g->a, "(%s OR %s)", p,
                            cu_case_condition(g->r, g->a, x));
    else if (cu_rng_chance(g->r, 10))
        p = cu_arena_printf(g->a, "NOT (%s)", p);
    return out ? cu_arena_printf(g->a, "%s AND %s", out, p) : p;
}

const char *cu_gen_where(cu_gen *g, const cu_case_rel *x)
{
    uint32_t reads = 0;
    const char *all = conditions(g, x, &reads);
    return all ? cu_arena_printf(g->a, " WHERE %s", all) : "";
}

/* --- derived tables ------------------------------------------------------- */

static cu_case_rel values(cu_gen *g)
{
    static const struct {
        uint8_t kind;
        const char *type, *at[4];
    } kinds[] = {{CU_T_INT8, "bigint", {"1", "2", "NULL", "0"}},
                 {CU_T_INT4, "int", {"1", "3", "NULL", "2"}},
                 {CU_T_TEXT, "text", {"'a'", "'b'", "NULL", "''"}}};
    uint32_t alias = g->n_alias++, n = 1 + cu_rng_below(g->r, 3);
    cu_case_col *cols = columns(g);
    const char *rows = "", *names = "";
    for (uint32_t i = 0; i < n; i++) {
        rows = cu_arena_printf(g->a, "%s%s(", rows, i ? ", " : "");
        for (uint32_t k = 0; k < N(kinds); k++)
            rows = cu_arena_printf(g->a, "%s%s%s::%s", rows, k ? ", " : "",
                                   kinds[k].at[cu_rng_below(g->r, 4)],
                                   kinds[k].type);
        rows = cu_arena_printf(g->a, "%s)", rows);
    }
    for (uint32_t k = 0; k < N(kinds); k++) {
        names = cu_arena_printf(g->a, "%s%sx%u", names, k ? ", " : "", k);
        cols[k] = (cu_case_col){cu_arena_printf(g->a, "a%u.x%u", alias, k),
                                CU_TYPE(kinds[k].kind), true, false, true};
    }
    return (cu_case_rel){.name = cu_arena_printf(g->a, "(VALUES %s) a%u(%s)",
                                                 rows, alias, names),
                         .n_cols = (uint32_t)N(kinds),
                         .cols = cols,
                         .append = true,
                         .rows = n,
                         .qualified = true};
}

typedef struct list {
    cu_case_col *cols;
    uint32_t n, alias;
    const char *select;
} list;

static void list_add(cu_gen *g, list *l, const cu_case_expr *e)
{
    l->select = cu_arena_printf(g->a, "%s%s%s AS x%u", l->select,
                                l->n ? ", " : "", e->sql, l->n);
    l->cols[l->n] = (cu_case_col){
        cu_arena_printf(g->a, "a%u.x%u", l->alias, l->n), e->type, e->exact,
        false, e->small};
    l->n++;
}

static cu_case_rel as_relation(cu_gen *g, const list *l, const char *query,
                               uint32_t reads, uint32_t rows)
{
    return (cu_case_rel){
        .name = cu_arena_printf(g->a, "(%s) a%u", query, l->alias),
        .n_cols = l->n,
        .cols = l->cols,
        .reads = reads,
        .rows = rows,
        .qualified = true};
}

/* Some expressions, DISTINCT or GROUP BY of them, values from elsewhere. */
static cu_case_rel derived(cu_gen *g, uint32_t depth)
{
    cu_case_rel x = cu_gen_from(g, depth);
    list l = {columns(g), 0, g->n_alias++, ""};
    uint32_t reads = x.reads, n = 1 + cu_rng_below(g->r, 3);
    bool group = cu_rng_chance(g->r, 30);
    bool distinct = !group && cu_rng_chance(g->r, 15);
    const char *by = "";
    for (uint32_t i = 0; i < n; i++) {
        cu_case_expr e = cu_case_expr_any(g->r, g->a, &x, group || distinct);
        list_add(g, &l, &e);
        by = cu_arena_printf(g->a, "%s%s%u", by, i ? ", " : " GROUP BY ",
                             i + 1);
    }
    bool shown_only = true;
    while (group && (shown_only || l.n < n + 1)) {
        const char *call;
        cu_case_expr e = cu_gen_call(g, &x, &call, &shown_only);
        e.sql = call;
        if (!shown_only)
            list_add(g, &l, &e);
    }
    if (!group && !distinct && cu_rng_chance(g->r, 30)) {
        cu_case_expr e = scalar(g, &x, &reads);
        list_add(g, &l, &e);
    }
    const char *where = conditions(g, &x, &reads);
    const char *q = cu_arena_printf(g->a, "SELECT %s%s FROM %s%s%s%s",
                                    distinct ? "DISTINCT " : "", l.select,
                                    x.name, where ? " WHERE " : "",
                                    where ? where : "", group ? by : "");
    uint32_t rows = group || distinct ? (x.rows < 20 ? x.rows : 20) : x.rows;
    cu_case_rel out = as_relation(g, &l, q, reads, rows);
    out.append = x.append && !group && !distinct && reads == x.reads;
    return out;
}

/* Types whose equal values look equal wherever they come from. */
static bool plain_type(cu_type t)
{
    return t.kind != CU_T_NUMERIC && t.kind != CU_T_INTERVAL &&
           t.kind != CU_T_FLOAT4 && t.kind != CU_T_FLOAT8 &&
           t.kind != CU_T_NULL;
}

cu_case_rel cu_gen_united(cu_gen *g)
{
    static const char *const ops[] = {"UNION",     "UNION ALL",     "UNION ALL",
                                      "INTERSECT", "INTERSECT ALL", "EXCEPT",
                                      "EXCEPT ALL"};
    cu_case_rel part[3] = {cu_gen_from(g, 0), cu_gen_aliased(g),
                           cu_gen_aliased(g)};
    uint32_t n_parts = cu_rng_chance(g->r, 20) ? 3 : 2;
    uint32_t want = 1 + cu_rng_below(g->r, 3);
    list l = {columns(g), 0, g->n_alias++, ""};
    const char *select[3] = {"", "", ""};
    for (uint32_t tries = 0; tries < 60 && l.n < want; tries++) {
        cu_case_expr e[3] = {cu_case_expr_any(g->r, g->a, &part[0], true)};
        bool good = plain_type(e[0].type);
        for (uint32_t k = 1; good && k < n_parts; k++) {
            e[k] = cu_case_expr_of(g->r, g->a, &part[k], e[0].type, 2);
            good = e[k].sql != NULL;
            e[0].small = e[0].small && e[k].small;
        }
        if (!good)
            continue;
        for (uint32_t k = 1; k < n_parts; k++)
            select[k] = cu_arena_printf(g->a, "%s%s%s", select[k],
                                        l.n ? ", " : "", e[k].sql);
        list_add(g, &l, &e[0]);
    }
    uint32_t reads = 0, rows = 0;
    const char *q = "";
    for (uint32_t k = 0; k < n_parts; k++) {
        const char *where = conditions(g, &part[k], &reads);
        q = cu_arena_printf(
            g->a, "%s%s%s%sSELECT %s FROM %s%s%s", q, k ? " " : "",
            k ? ops[cu_rng_below(g->r, N(ops))] : "", k ? " " : "",
            k ? select[k] : l.select, part[k].name, where ? " WHERE " : "",
            where ? where : "");
        reads |= part[k].reads;
        rows += part[k].rows;
    }
    return as_relation(g, &l, q, reads, rows);
}

/* --- joins ---------------------------------------------------------------- */

static cu_case_rel item(cu_gen *g, uint32_t depth)
{
    uint32_t what = cu_rng_below(g->r, 10);
    if (what == 0)
        return values(g);
    if (what < 3 && depth)
        return derived(g, depth - 1);
    if (what == 3 && depth) {
        cu_case_rel u = cu_gen_united(g);
        if (u.n_cols)
            return u;
    }
    return cu_gen_aliased(g);
}

/* What the two have, as much as there is room for. */
static void take_columns(cu_gen *g, cu_case_rel *out, const cu_case_rel *x,
                         const cu_case_rel *y)
{
    cu_case_col *cols = columns(g);
    uint32_t n = 0, most_x = CU_CASE_COLS;
    if (x->n_cols + y->n_cols > CU_CASE_COLS)
        most_x = y->n_cols < CU_CASE_COLS / 2 ? CU_CASE_COLS - y->n_cols
                                              : CU_CASE_COLS / 2;
    for (uint32_t k = 0; k < x->n_cols && n < most_x; k++)
        cols[n++] = x->cols[k];
    for (uint32_t k = 0; k < y->n_cols && n < CU_CASE_COLS; k++)
        cols[n++] = y->cols[k];
    out->cols = cols;
    out->n_cols = n;
}

static cu_case_rel joined(cu_gen *g, const cu_case_rel *x, uint32_t depth)
{
    static const char *const kinds[] = {"JOIN", "LEFT JOIN", "RIGHT JOIN",
                                        "FULL JOIN"};
    cu_case_rel y = item(g, depth), out = {.qualified = true};
    uint32_t kind = cu_rng_below(g->r, N(kinds));
    if (depth && cu_rng_chance(g->r, 15)) {
        const char *alone = y.name;
        y = joined(g, &y, 0);
        if (strcmp(alone, y.name))
            y.name = cu_arena_printf(g->a, "(%s)", y.name);
    }
    bool equal;
    const char *on = meeting(g, x, &y, kind == 3, &equal);
    uint32_t product = x->rows * y.rows;
    if (!equal && (kind == 3 || product > MOST_ROWS))
        return *x;
    out.rows = equal ? x->rows + y.rows + product / 5 : product;
    if (out.rows > MOST_ROWS)
        return *x;
    if (kind == 0 && product < MOST_ROWS / 4 && cu_rng_chance(g->r, 15))
        out.name = cu_arena_printf(
            g->a, "%s %s %s", x->name,
            cu_rng_chance(g->r, 50) ? "CROSS JOIN" : "CROSS JOIN", y.name);
    else
        out.name = cu_arena_printf(g->a, "%s %s %s ON %s", x->name, kinds[kind],
                                   y.name, on);
    out.reads = x->reads | y.reads;
    out.append = kind == 0 && x->append && y.append;
    out.keyed = kind == 0 && x->keyed && y.keyed;
    take_columns(g, &out, x, &y);
    return out;
}

/* Two derived tables with the same name of a column. */
static cu_case_rel using(cu_gen *g)
{
    static const char *const kinds[] = {"JOIN", "LEFT JOIN", "RIGHT JOIN",
                                        "FULL JOIN"};
    cu_case_rel x = cu_gen_aliased(g), y = cu_gen_aliased(g),
                out = {.qualified = true};
    uint32_t ax = g->n_alias++, ay = g->n_alias++;
    cu_case_expr e, f;
    uint32_t tries = 0;
    do {
        e = cu_case_expr_any(g->r, g->a, &x, true);
        f = cu_case_expr_of(g->r, g->a, &y, e.type, 1);
    } while ((f.sql == NULL || !f.exact || !plain_type(e.type)) &&
             ++tries < 30);
    uint32_t product = x.rows * y.rows / 4;
    if (tries == 30 || product > MOST_ROWS)
        return x;
    cu_case_expr more = cu_case_expr_any(g->r, g->a, &x, false);
    cu_case_expr other = cu_case_expr_any(g->r, g->a, &y, false);
    cu_case_col *cols = columns(g);
    cols[0] = (cu_case_col){cu_arena_printf(g->a, "k%u", ax), e.type, true,
                            false, e.small && f.small};
    cols[1] = (cu_case_col){cu_arena_printf(g->a, "a%u.y%u", ax, ax), more.type,
                            more.exact, false, more.small};
    cols[2] = (cu_case_col){cu_arena_printf(g->a, "z%u", ay), other.type,
                            other.exact, false, other.small};
    out.name = cu_arena_printf(
        g->a,
        "(SELECT %s AS k%u, %s AS y%u FROM %s) a%u %s (SELECT %s AS k%u, %s AS "
        "z%u FROM %s) a%u USING (k%u)",
        e.sql, ax, more.sql, ax, x.name, ax,
        kinds[cu_rng_below(g->r, N(kinds))], f.sql, ax, other.sql, ay, y.name,
        ay, ax);
    out.cols = cols;
    out.n_cols = 3;
    out.rows = product + x.rows + y.rows;
    out.reads = x.reads | y.reads;
    return out;
}

static cu_case_rel lateral(cu_gen *g, const cu_case_rel *x)
{
    cu_case_rel y = cu_gen_aliased(g), out = {.qualified = true};
    uint32_t what = cu_rng_below(g->r, 4), few = 1 + cu_rng_below(g->r, 3);
    const char *from = inner(g, x, &y), *tail = "";
    list l = {columns(g), 0, g->n_alias++, ""};
    if (what == 0) {
        bool shown_only;
        while (l.n < 2) {
            const char *call;
            cu_case_expr e = cu_gen_call(g, &y, &call, &shown_only);
            e.sql = call;
            if (!shown_only)
                list_add(g, &l, &e);
        }
        out.rows = x->rows;
    } else {
        const char *order = "";
        for (uint32_t i = 0; i < 1 + cu_rng_below(g->r, 3); i++) {
            cu_case_expr e = cu_case_expr_any(g->r, g->a, &y, true);
            list_add(g, &l, &e);
            order = cu_arena_printf(g->a, "%s%s%u%s", order,
                                    i ? ", " : " ORDER BY ", l.n,
                                    cu_rng_chance(g->r, 30) ? " DESC" : "");
        }
        if (what < 3)
            tail = cu_arena_printf(g->a, "%s LIMIT %u", order, few);
        out.rows = x->rows * (what < 3 ? few : y.rows / 3 + 1);
    }
    if (out.rows > MOST_ROWS)
        return *x;
    cu_case_rel z = as_relation(
        g, &l, cu_arena_printf(g->a, "SELECT %s %s%s", l.select, from, tail), 0,
        0);
    bool outer = cu_rng_chance(g->r, 40);
    out.name = cu_arena_printf(g->a, "%s %s LATERAL %s%s", x->name,
                               outer ? "LEFT JOIN" : "CROSS JOIN", z.name,
                               outer ? " ON true" : "");
    out.reads = x->reads | y.reads;
    take_columns(g, &out, x, &z);
    return out;
}

cu_case_rel cu_gen_from(cu_gen *g, uint32_t depth)
{
    if (depth && cu_rng_chance(g->r, 8))
        return using(g);
    cu_case_rel x = item(g, depth);
    if (depth == 0)
        return x;
    uint32_t more = cu_rng_below(g->r, 10);
    if (more >= 3)
        x = joined(g, &x, depth - 1);
    if (more >= 8)
        x = joined(g, &x, depth - 1);
    if (cu_rng_chance(g->r, 20))
        x = lateral(g, &x);
    return x;
}

cu_case_rel cu_gen_any(cu_gen *g)
{
    return cu_rng_chance(g->r, 50) ? cu_gen_named(g) : cu_gen_from(g, 2);
}
