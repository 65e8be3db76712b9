/* GROUP BY's sets: GROUPING SETS, ROLLUP, CUBE, GROUPING().
 *
 *   GROUP BY a, ROLLUP (b, c)   sets {a,b,c} {a,b} {a}: the items' sets are
 *                               multiplied
 *
 * Every row is repeated once per set, with the groups outside the set NULL and
 * the set's number beside them; then it is an ordinary grouping.  PostgreSQL
 * gives a row for the set () even when there is no input: one row that counts
 * for nothing is fed beside the input, and groups of it alone are dropped but
 * for that set.
 */
#include "processors/sql/bind_group.h"
#include "processors/sql/bind_time.h"

#include "base/assert.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

enum { MOST_GROUPS = 64, MOST_SETS = 4096 };

/* A growing list of sets. */
typedef struct sets {
    uint64_t *at;
    uint32_t n;
} sets;

typedef struct reader {
    cu_sql *s;
    cu_groups *g;
    cu_expr *(*bind)(void *ctx, const cu_ast_expr *e);
    void *ctx;
    bool failed;
} reader;

static void fail(reader *r, cu_pos pos, const char *text)
{
    if (!r->failed)
        cu_sql_error(r->s, pos, STATE('5', '4', '0', '0', '1'), NULL, "%s",
                     text);
    r->failed = true;
}

static void put(reader *r, sets *to, uint64_t set, cu_pos pos)
{
    if (to->n == MOST_SETS) {
        fail(r, pos, "too many grouping sets present (maximum 4096)");
        return;
    }
    to->at = cu_sql_grow(r->s->arena, to->at, to->n, sizeof(*to->at));
    to->at[to->n++] = set;
}

/* The bit of an expression, which is added when it is new. */
static uint64_t bit_of(reader *r, const cu_ast_expr *e)
{
    cu_expr *x = r->bind(r->ctx, e);
    if (x == NULL) {
        r->failed = true;
        return 0;
    }
    uint32_t i = 0;
    while (i < r->g->n_group && !cu_expr_same(r->g->group[i], x))
        i++;
    if (i == r->g->n_group) {
        r->g->group = cu_sql_grow(r->s->arena, r->g->group, i,
                                  sizeof(*r->g->group));
        r->g->group[r->g->n_group++] = x;
    }
    return i < MOST_GROUPS ? UINT64_C(1) << i : 0;
}

/* One element of ROLLUP or CUBE: an expression or (a, b). */
static uint64_t bits_of(reader *r, const cu_ast_expr *e)
{
    if (e->kind != CU_A_ROW)
        return bit_of(r, e);
    uint64_t set = 0;
    for (uint32_t i = 0; i < e->args.n; i++)
        set |= bit_of(r, e->args.at[i]);
    return set;
}

static void rollup(reader *r, const cu_ast_expr *e, sets *out)
{
    uint64_t *bits = cu_arena_calloc(r->s->arena, e->args.n + 1, sizeof(*bits));
    for (uint32_t i = 0; i < e->args.n; i++)
        bits[i + 1] = bits[i] | bits_of(r, e->args.at[i]);
    for (uint32_t i = e->args.n + 1; i-- > 0;)
        put(r, out, bits[i], e->pos);
}

static void cube(reader *r, const cu_ast_expr *e, sets *out)
{
    uint64_t *bits = cu_arena_calloc(r->s->arena, e->args.n + 1, sizeof(*bits));
    if (e->args.n > 12) {
        fail(r, e->pos, "CUBE is limited to 12 elements");
        return;
    }
    for (uint32_t i = 0; i < e->args.n; i++)
        bits[i] = bits_of(r, e->args.at[i]);
    for (uint32_t m = 1u << e->args.n; m-- > 0;) {
        uint64_t set = 0;
        for (uint32_t i = 0; i < e->args.n; i++)
            if (m >> (e->args.n - 1 - i) & 1)
                set |= bits[i];
        put(r, out, set, e->pos);
    }
}

/* The sets of one item of GROUP BY, behind those of *out. */
static void item(reader *r, const cu_ast_expr *e, unsigned depth, sets *out)
{
    if (e->kind != CU_A_GROUPING_SET) {
        put(r, out, bits_of(r, e), e->pos);
    } else if (strcmp(e->text, "empty") == 0) {
        put(r, out, 0, e->pos);
    } else if (strcmp(e->text, "rollup") == 0) {
        rollup(r, e, out);
    } else if (strcmp(e->text, "cube") == 0) {
        cube(r, e, out);
    } else if (depth > 50) {
        fail(r, e->pos, "grouping sets are nested too deep");
    } else {
        for (uint32_t i = 0; i < e->args.n; i++)
            item(r, e->args.at[i], depth + 1, out);
    }
}

static sets times(reader *r, const sets *a, const sets *b, cu_pos pos)
{
    sets out = {0};
    for (uint32_t i = 0; i < a->n && !r->failed; i++)
        for (uint32_t k = 0; k < b->n && !r->failed; k++)
            put(r, &out, a->at[i] | b->at[k], pos);
    return out;
}

static void without_doubles(sets *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t k = 0;
        while (k < n && s->at[k] != s->at[i])
            k++;
        if (k == n)
            s->at[n++] = s->at[i];
    }
    s->n = n;
}

bool cu_bind_sets(cu_sql *s, const cu_ast_select *sel,
                  cu_expr *(*bind)(void *ctx, const cu_ast_expr *e), void *ctx,
                  cu_groups *out)
{
    reader r = {s, out, bind, ctx, false};
    uint64_t none = 0;
    sets all = {&none, 1};
    out->group = cu_arena_calloc(s->arena, 1, sizeof(*out->group));
    out->group = NULL;
    out->given = sel->group_by.n > 0;
    for (uint32_t i = 0; i < sel->group_by.n; i++) {
        const cu_ast_expr *e = sel->group_by.at[i];
        if (!sel->grouping_sets && e->kind != CU_A_ROW) {
            bit_of(&r, e);
            continue;
        }
        sets own = {0};
        item(&r, e, 0, &own);
        all = times(&r, &all, &own, e->pos);
    }
    if (sel->grouping_sets && out->n_group > MOST_GROUPS)
        fail(&r, sel->pos, "more than 64 columns in grouping sets");
    if (out->group == NULL)
        out->group = cu_arena_calloc(s->arena, 1, sizeof(*out->group));
    if (r.failed)
        return false;
    if (sel->group_distinct)
        without_doubles(&all);
    bool plain = out->n_group == 0 && all.n == 1;
    if (sel->grouping_sets && !plain) {
        out->sets = all.at;
        out->n_sets = all.n;
    }
    return true;
}

/* --- GROUPING() ----------------------------------------------------------- */

cu_expr *cu_bind_grouping(cu_bind *b, const cu_ast_expr *e)
{
    cu_found_grouping f = {.n = e->args.n};
    bool good = true;
    if (!b->allow_aggs || b->in_agg) {
        cu_sql_error(b->sql, e->pos, STATE('4', '2', '8', '0', '3'), NULL,
                     "grouping operations are not allowed in %s", b->clause);
        return NULL;
    }
    if (e->args.n > 31) {
        cu_sql_error(b->sql, e->pos, STATE('5', '4', '0', '2', '3'), NULL,
                     "GROUPING must have fewer than 32 arguments");
        return NULL;
    }
    f.args = cu_arena_calloc(b->sql->arena, f.n + 1, sizeof(*f.args));
    for (uint32_t i = 0; i < f.n; i++) {
        f.args[i] = cu_bind_settle(b, cu_bind_expr(b, e->args.at[i]));
        good = good && f.args[i];
    }
    if (!good)
        return NULL;
    b->groupings = cu_sql_grow(b->sql->arena, b->groupings, b->n_groupings,
                               sizeof(*b->groupings));
    b->groupings[b->n_groupings] = f;
    return cu_expr_col(b->sql->arena, CU_GROUPING_BASE + b->n_groupings++,
                       CU_TYPE(CU_T_INT4), e->pos);
}

static cu_expr *int4(cu_sql *s, int32_t v, cu_pos pos)
{
    cu_value value = {.type = CU_TYPE(CU_T_INT4), .i4 = v};
    return cu_expr_const(s->arena, &value, pos);
}

static cu_expr *made(cu_sql *s, const char *name, cu_expr *a, cu_expr *b)
{
    cu_expr *args[2] = {a, b};
    return cu_bind_called(s, name, args, b ? 2 : 1, a->pos);
}

/* A bit per argument, the last one lowest: 1 when the set is without it. */
static int32_t mask_of(const cu_groups *g, const cu_found_grouping *f,
                       uint64_t set, bool *known)
{
    int32_t mask = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t k = 0;
        while (k < g->n_group && !cu_expr_same(g->group[k], f->args[i]))
            k++;
        *known = *known && k < g->n_group;
        bool in = k < g->n_group && set >> k & 1;
        mask = mask << 1 | !in;
    }
    return mask;
}

cu_expr *cu_bind_grouping_value(cu_sql *s, const cu_groups *g,
                                const cu_found_grouping *f, int32_t set_col)
{
    bool known = true;
    cu_pos pos = f->n ? f->args[0]->pos : (cu_pos){-1, -1};
    uint64_t every = UINT64_MAX;
    if (set_col < 0) {
        int32_t mask = mask_of(g, f, every, &known);
        if (known)
            return int4(s, mask, pos);
    }
    uint32_t n = 0;
    cu_expr **args = cu_arena_calloc(s->arena, 2 * g->n_sets + 1,
                                     sizeof(*args));
    for (uint32_t i = 0; known && i < g->n_sets; i++) {
        int32_t mask = mask_of(g, f, g->sets[i], &known);
        cu_expr *set = cu_expr_col(s->arena, (uint32_t)set_col,
                                   CU_TYPE(CU_T_INT4), pos);
        args[n++] = made(s, "=", set, int4(s, (int32_t)i, pos));
        args[n++] = int4(s, mask, pos);
    }
    if (!known) {
        cu_sql_error(s, pos, STATE('4', '2', '8', '0', '3'), NULL,
                     "arguments to GROUPING must be grouping expressions of "
                     "the associated query level");
        return int4(s, 0, pos);
    }
    args[n++] = int4(s, 0, pos);
    return cu_expr_nary(s->arena, CU_E_CASE, CU_TYPE(CU_T_INT4), args, n, pos);
}

/* --- nodes ---------------------------------------------------------------- */

static cu_expr *truth(cu_sql *s, bool b, cu_pos pos)
{
    cu_value v = {.type = CU_TYPE(CU_T_BOOL), .b = b};
    return cu_expr_const(s->arena, &v, pos);
}

/* The input's rows with `true` behind them, and one row of NULLs with
 * `false`. */
static cu_node *with_one_row(cu_sql *s, cu_node *in)
{
    uint32_t n = in->schema->n;
    cu_expr *real = truth(s, true, in->pos);
    const char *name = "real";
    cu_node *side[2] = {cu_node_extend(s, in, &real, &name, 1), NULL};
    cu_expr ***rows = cu_arena_calloc(s->arena, 1, sizeof(*rows));
    rows[0] = cu_arena_calloc(s->arena, n + 1, sizeof(**rows));
    for (uint32_t i = 0; i < n; i++) {
        cu_value null = {.type = in->schema->fields[i].type, .null = true};
        rows[0][i] = cu_expr_const(s->arena, &null, in->pos);
    }
    rows[0][n] = truth(s, false, in->pos);
    cu_schema *schema = cu_schema_copy(s->arena, side[0]->schema);
    for (uint32_t i = 0; i < n; i++)
        schema->fields[i].not_null = false;
    side[1] = cu_node_values(s, schema, rows, 1, in->pos);
    cu_node **inputs = cu_arena_dup(s->arena, side, sizeof(side));
    return cu_node_union(s, inputs, 2, schema);
}

/* A window's column that is in every set: its copy, as the column + 1. */
static uint16_t copied(const cu_groups *g, uint32_t n_in, uint16_t col)
{
    if (col == 0 || col > g->n_group)
        return 0;
    for (uint32_t k = 0; k < g->n_sets; k++)
        if (!(g->sets[k] >> (col - 1) & 1))
            return 0;
    return (uint16_t)(n_in + col);
}

static cu_node *expand(cu_sql *s, cu_node *in, const cu_groups *g)
{
    uint32_t n = g->n_group;
    cu_node *e = cu_node_over_input(s, CU_N_EXPAND, in);
    cu_field *fields = cu_arena_calloc(s->arena, n + 1, sizeof(*fields));
    uint16_t *group = cu_arena_calloc(s->arena, n + 1, sizeof(*group));
    for (uint32_t i = 0; i < n; i++) {
        fields[i] = in->schema->fields[i];
        fields[i].not_null = false;
        group[i] = (uint16_t)i;
    }
    fields[n] = (cu_field){.name = "set", .type = CU_TYPE(CU_T_INT4)};
    e->schema = cu_schema_with(s, in->schema, fields, n + 1);
    e->expand.n_group = n;
    e->expand.group = group;
    e->expand.n_sets = g->n_sets;
    e->expand.sets = g->sets;
    e->windows.start = copied(g, in->schema->n, in->windows.start);
    e->windows.end = copied(g, in->schema->n, in->windows.end);
    e->windows.anchor = 0;
    e->time = 0;
    e->single = false;
    e->n_key = 0;
    e->key = NULL;
    return e;
}

/* The copies and the set first, as the aggregate wants them; of the copies the
 * one that closes, `at`. */
static cu_node *groups_first(cu_sql *s, cu_node *e, uint32_t n_group,
                             uint32_t n_in, uint32_t at)
{
    uint32_t n = e->schema->n, lead = n_group + 1;
    cu_expr **exprs = cu_arena_calloc(s->arena, n, sizeof(*exprs));
    const char **names = cu_arena_calloc(s->arena, n, sizeof(*names));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t copy = i == 0 ? at : i == at ? 0 : i;
        uint32_t from = i < lead ? n_in + copy : i - lead;
        exprs[i] = cu_expr_col(s->arena, from, e->schema->fields[from].type,
                               e->pos);
        names[i] = e->schema->fields[from].name;
    }
    return cu_node_project(s, e, exprs, names, n);
}

/* Which copy says when a group closes; 0 without one. */
static uint32_t closing_copy(const cu_node *e, uint32_t n_group, uint32_t n_in,
                             cu_closing *out)
{
    uint16_t cols[MOST_GROUPS];
    for (uint32_t i = 0; i < n_group; i++)
        cols[i] = (uint16_t)(n_in + i);
    int32_t at = cu_node_closing(e, cols, n_group, out);
    return at > 0 ? (uint32_t)at : 0;
}

/* Columns 0 and `at` back in their places. */
static cu_node *as_grouped(cu_sql *s, cu_node *agg, uint32_t at)
{
    const char **names;
    if (at == 0)
        return agg;
    cu_expr **cols = cu_node_columns(s, agg, 0, &names), *e = cols[0];
    const char *name = names[0];
    cols[0] = cols[at];
    names[0] = names[at];
    cols[at] = e;
    names[at] = name;
    return cu_node_project(s, agg, cols, names, agg->schema->n);
}

static uint32_t count_call(cu_sql *s, cu_agg_call *calls, uint32_t n,
                           uint32_t filter)
{
    cu_err err = {0};
    char hint[120] = "";
    cu_agg_call c = {.arg = -1, .filter = (int32_t)filter};
    int rc = cu_func_resolve(s->arena, "count", CU_FUNC_AGGREGATE, NULL, 0,
                             &c.func, &c.result, hint, &err);
    CU_ASSERT(rc == 0);
    calls[n] = c;
    return n + 1;
}

/* Groups without a real row go, but for the set (). */
static cu_node *only_real(cu_sql *s, cu_node *agg, const cu_groups *g,
                          uint32_t count_col)
{
    cu_value zero = {.type = CU_TYPE(CU_T_INT8)};
    cu_expr **any = cu_arena_calloc(s->arena, g->n_sets + 1, sizeof(*any));
    uint32_t n = 0;
    cu_expr *count = cu_expr_col(s->arena, count_col, CU_TYPE(CU_T_INT8),
                                 agg->pos);
    any[n++] = made(s, ">", count, cu_expr_const(s->arena, &zero, agg->pos));
    for (uint32_t i = 0; i < g->n_sets; i++)
        if (g->sets[i] == 0) {
            cu_expr *set = cu_expr_col(s->arena, g->n_group, CU_TYPE(CU_T_INT4),
                                       agg->pos);
            any[n++] = made(s, "=", set, int4(s, (int32_t)i, agg->pos));
        }
    return cu_node_filter(
        s, agg,
        cu_expr_nary(s->arena, CU_E_OR, CU_TYPE(CU_T_BOOL), any, n, agg->pos));
}

/* All sets differ and no group is NULL by itself: the groups tell the rows
 * apart without the set. */
static void shorten_key(cu_node *agg, const cu_node *in, const cu_groups *g)
{
    for (uint32_t i = 0; i < g->n_group; i++)
        if (!in->schema->fields[i].not_null)
            return;
    for (uint32_t i = 0; i < g->n_sets; i++)
        for (uint32_t k = 0; k < i; k++)
            if (g->sets[i] == g->sets[k])
                return;
    agg->n_key = g->n_group;
}

cu_node *cu_bind_sets_aggregate(cu_sql *s, cu_node *in, const cu_groups *g,
                                const cu_agg_call *calls, uint32_t n_calls)
{
    uint32_t lead = g->n_group + 1, n = n_calls;
    bool empty = false;
    const cu_node *below = in;
    cu_agg_call *own = cu_arena_calloc(s->arena, n_calls + 1, sizeof(*own));
    for (uint32_t i = 0; i < g->n_sets; i++)
        empty = empty || g->sets[i] == 0;
    if (empty) { /* every call counts real rows only */
        cu_expr **filters = cu_arena_calloc(s->arena, n_calls + 1,
                                            sizeof(*filters));
        const char **names = cu_arena_calloc(s->arena, n_calls + 1,
                                             sizeof(*names));
        in = with_one_row(s, in);
        cu_expr *real = cu_expr_col(s->arena, in->schema->n - 1,
                                    CU_TYPE(CU_T_BOOL), in->pos);
        uint32_t base = in->schema->n;
        for (uint32_t i = 0; i < n_calls; i++) {
            cu_expr **both = cu_arena_calloc(s->arena, 2, sizeof(*both));
            both[0] = real;
            filters[i] = real;
            names[i] = cu_arena_printf(s->arena, "real%u", i + 1);
            if (calls[i].filter < 0)
                continue;
            both[1] = cu_expr_col(s->arena, (uint32_t)calls[i].filter,
                                  CU_TYPE(CU_T_BOOL), in->pos);
            filters[i] = cu_expr_nary(s->arena, CU_E_AND, CU_TYPE(CU_T_BOOL),
                                      both, 2, in->pos);
        }
        in = cu_node_extend(s, in, filters, names, n_calls);
        memcpy(own, calls, n_calls * sizeof(*own));
        for (uint32_t i = 0; i < n_calls; i++)
            own[i].filter = (int32_t)(base + i);
        n = count_call(s, own, n, base - 1);
    } else {
        memcpy(own, calls, n_calls * sizeof(*own));
    }
    for (uint32_t i = 0; i < n; i++) {
        cu_key_col *order = cu_arena_calloc(s->arena, own[i].n_order + 1,
                                            sizeof(*order));
        for (uint32_t k = 0; k < own[i].n_order; k++)
            order[k] = (cu_key_col){(uint16_t)(own[i].order[k].col + lead),
                                    own[i].order[k].flags};
        own[i].order = order;
        own[i].arg += own[i].arg < 0 ? 0 : (int32_t)lead;
        own[i].filter += own[i].filter < 0 ? 0 : (int32_t)lead;
        own[i].second = (uint16_t)(own[i].second +
                                   (own[i].has_second ? lead : 0));
    }
    cu_node *e = expand(s, in, g);
    cu_closing closing;
    uint32_t at = closing_copy(e, g->n_group, in->schema->n, &closing);
    e = groups_first(s, e, g->n_group, in->schema->n, at);
    cu_node *agg = cu_node_aggregate(s, e, lead, own, n, false);
    agg->aggregate.closing = closing;
    shorten_key(agg, below, g);
    agg = as_grouped(s, agg, at);
    return empty ? only_real(s, agg, g, lead + n_calls) : agg;
}
