/* asof(rel, time) and lookup(rel) at the right side of a join.
 *
 *   LEFT JOIN asof(product, b.ts) AS p ON p.id = b.auction
 *
 * is an ASOF node: for each left row the right row of its key that was the
 * latest at its time, by the right's watermarked column.  Where the right is a
 * table whose rows are replaced, its history is asked instead:
 *
 *   asof on id, times(ts, valid_from)      … and ts < valid_until, or NULL
 *     left
 *     history by(id) at since
 *       normalize product all versions
 *
 * so that versions end where history() says that they do, deletes included.
 * Conditions besides the keys are judged on the version that was found.
 * lookup(rel) takes the right as it is when the left row comes, and needs no
 * time.
 */
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static const char *name_of(const cu_ast_from *f)
{
    return f->call->names[f->call->n_names - 1];
}

bool cu_bind_is_asof(const cu_ast_from *right)
{
    return right->kind == CU_F_FUNCTION &&
           (strcmp(name_of(right), "asof") == 0 ||
            strcmp(name_of(right), "lookup") == 0);
}

/* Do its rows come from a table that replaces them? */
static bool is_replaced(const cu_node *n)
{
    if (n->kind == CU_N_NORMALIZE)
        return true;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (is_replaced(n->inputs[i]))
            return true;
    return false;
}

bool cu_bind_asof(cu_sql *s, const cu_ctes *ctes, const cu_ast_from *right,
                  cu_asof *out)
{
    static const char *const names[] = {"relation", "ts"};
    bool asof = strcmp(name_of(right), "asof") == 0;
    cu_args a;
    cu_scope in = {0};
    *out = (cu_asof){.pos = right->pos};
    if (!cu_args_read(s, right->call, names, asof ? 2 : 1, asof ? 2 : 1, &a) ||
        !cu_bind_argument(s, ctes, a.at[0], &in))
        return false;
    out->node = in.node;
    if (!asof)
        return true;
    out->time = a.at[1];
    out->right_time = in.node->time;
    if (!out->right_time) {
        cu_sql_error(s, right->pos, STATE('4', '2', 'P', '1', '6'),
                     "Mark the column that says since when a row holds: ts "
                     "timestamptz OPTIONS (watermark '0 seconds'), or write "
                     "asof(watermark(product, ts, interval '0'), …).",
                     "asof() needs a relation with a watermark");
        return false;
    }
    out->versions = is_replaced(in.node);
    if (out->versions && in.node->n_key == 0) {
        cu_sql_error(s, right->pos, STATE('4', '2', 'P', '1', '6'),
                     "Select the table's key as well.",
                     "asof() needs the key of rows that are replaced");
        return false;
    }
    return cu_bind_all_versions(s, in.node, "asof");
}

/* --- the join ------------------------------------------------------------- */

typedef struct side {
    uint32_t lo, hi;
} side;

static bool within(const cu_expr *e, side w)
{
    if (e->kind == CU_E_COL)
        return e->col >= w.lo && e->col < w.hi;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!within(e->args[i], w))
            return false;
    return true;
}

static bool has_column(const cu_expr *e)
{
    bool any = e->kind == CU_E_COL;
    for (uint32_t i = 0; i < e->n_args; i++)
        any = any || has_column(e->args[i]);
    return any;
}

static cu_expr *moved(cu_sql *s, const cu_expr *e, uint32_t from, int64_t by)
{
    cu_expr *copy = cu_arena_dup(s->arena, e, sizeof(*e));
    if (e->kind == CU_E_COL && e->col >= from)
        copy->col = (uint32_t)(e->col + by);
    copy->args = cu_arena_calloc(s->arena, e->n_args + 1, sizeof(*copy->args));
    for (uint32_t i = 0; i < e->n_args; i++)
        copy->args[i] = moved(s, e->args[i], from, by);
    return copy;
}

/* Column of *n that holds `e`, added when it is none. */
static uint16_t column_of(cu_sql *s, cu_node **n, cu_expr *e)
{
    if (e->kind == CU_E_COL)
        return (uint16_t)e->col;
    const char *name = cu_arena_printf(s->arena, "k%u", (*n)->schema->n);
    *n = cu_node_extend(s, *n, &e, &name, 1);
    return (uint16_t)((*n)->schema->n - 1);
}

static bool is_equality(const cu_expr *e)
{
    return e->kind == CU_E_CALL && e->n_args == 2 &&
           strcmp(e->func->name, "=") == 0;
}

static cu_expr *as_type(cu_sql *s, cu_expr *e, cu_type t)
{
    cu_expr *out = NULL;
    cu_err err = {0};
    if (cu_type_same(e->type, t))
        return e;
    if (cu_expr_cast(s->arena, e, t, CU_CAST_IMPLICIT, &out, &err) == 0)
        return out;
    cu_bind_problem(s, e->pos, &err, NULL);
    return NULL;
}

/* What is left of the join where `on` is true; of a LEFT JOIN the right's
 * columns [at, at + n) are NULL elsewhere. */
static cu_node *judged(cu_sql *s, cu_node *j, cu_expr *on, bool outer,
                       uint32_t at, uint32_t n)
{
    if (!outer)
        return cu_node_filter(s, j, on);
    const char **names;
    cu_expr **exprs = cu_node_columns(s, j, 0, &names);
    for (uint32_t i = at; i < at + n; i++)
        exprs[i] = cu_rel_case(s, on, exprs[i],
                               cu_rel_null(s, exprs[i]->type, on->pos));
    return cu_node_project(s, j, exprs, names, j->schema->n);
}

/* time < valid_until, or there is none. */
static cu_expr *still_valid(cu_sql *s, const cu_node *j, uint32_t time,
                            uint32_t until)
{
    cu_expr *end = cu_rel_col(s, j, until);
    cu_expr *open = cu_rel_call(s, "is_null", end, NULL, end->pos);
    cu_expr *before = cu_rel_call(s, "<", cu_rel_col(s, j, time), end,
                                  end->pos);
    cu_expr **either = cu_arena_calloc(s->arena, 2, sizeof(*either));
    either[0] = open;
    either[1] = before;
    return open && before ? cu_expr_nary(s->arena, CU_E_OR, CU_TYPE(CU_T_BOOL),
                                         either, 2, end->pos)
                          : NULL;
}

static cu_node *node_of(cu_sql *s, const cu_asof *a, cu_node *l, cu_node *r,
                        bool outer)
{
    cu_node *n = cu_node_over_input(s, a->time ? CU_N_ASOF : CU_N_LOOKUP, l);
    cu_node *both[2] = {l, r};
    cu_field *fields = cu_arena_dup(s->arena, r->schema->fields,
                                    r->schema->n * sizeof(*fields));
    for (uint32_t i = 0; i < r->schema->n && outer; i++)
        fields[i].not_null = false;
    n->inputs = cu_arena_dup(s->arena, both, sizeof(both));
    n->n_inputs = 2;
    n->schema = cu_schema_with(s, l->schema, fields, r->schema->n);
    n->join.kind = outer ? CU_JOIN_LEFT : CU_JOIN_INNER;
    n->append_only = l->append_only && !a->time;
    return n;
}

cu_node *cu_bind_asof_join(cu_sql *s, const cu_asof *a, cu_node *left,
                           cu_expr *time, bool outer, cu_expr **conj,
                           uint32_t n, uint32_t *right_at)
{
    const uint32_t own = left->schema->n;
    const uint32_t more = a->node->schema->n;
    side l = {0, own}, r = {own, own + more};
    cu_node *right = a->node;
    uint16_t right_time = a->right_time;
    if (a->versions && time) {
        right = cu_bind_history(s, a->node, a->node->key, a->node->n_key,
                                right_time, true);
        right_time = (uint16_t)(more + 2);
    }
    uint16_t *keys[2] = {cu_arena_calloc(s->arena, n + 1, sizeof(uint16_t)),
                         cu_arena_calloc(s->arena, n + 1, sizeof(uint16_t))};
    cu_expr **rest = cu_arena_calloc(s->arena, n + 2, sizeof(*rest));
    uint32_t n_keys = 0, n_rest = 0;
    for (uint32_t i = 0; i < n; i++) {
        cu_expr *e = conj[i];
        bool eq = is_equality(e) && has_column(e->args[0]) &&
                  has_column(e->args[1]);
        bool flip = eq && within(e->args[0], r) && within(e->args[1], l);
        if (!flip && !(eq && within(e->args[0], l) && within(e->args[1], r))) {
            rest[n_rest++] = e;
            continue;
        }
        keys[0][n_keys] = column_of(s, &left, e->args[flip]);
        keys[1][n_keys++] = column_of(
            s, &right, moved(s, e->args[!flip], 0, -(int64_t)own));
    }
    if (n_keys == 0) {
        cu_sql_error(s, a->pos, STATE('0', 'A', '0', '0', '0'),
                     "Add a condition such as ON p.id = b.product.",
                     "%s() without an equality between both sides is not "
                     "supported",
                     time ? "asof" : "lookup");
        return NULL;
    }
    uint16_t left_time = 0;
    if (time) {
        cu_expr *typed = as_type(s, time,
                                 right->schema->fields[right_time - 1].type);
        if (typed == NULL)
            return NULL;
        left_time = (uint16_t)(column_of(s, &left, typed) + 1);
    }
    cu_node *j = node_of(s, a, left, right, outer);
    for (uint32_t i = 0; i < n_rest; i++)
        rest[i] = moved(s, rest[i], own, (int64_t)left->schema->n - own);
    j->join.n_keys = n_keys;
    j->join.left = keys[0];
    j->join.right = keys[1];
    j->join.left_time = left_time;
    j->join.right_time = time ? right_time : 0;
    *right_at = left->schema->n;
    if (a->versions && time &&
        !(rest[n_rest++] = still_valid(s, j, left_time - 1u,
                                       *right_at + more + 2)))
        return NULL;
    if (n_rest)
        j = judged(s, j, cu_rel_and(s, rest, n_rest), outer, *right_at, more);
    return j;
}
