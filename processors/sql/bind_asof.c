/* asof(rel, time) and lookup(rel) at the right side of a join.
 *
 *   LEFT JOIN asof(product, b.ts) AS p ON p.id = b.auction
 *
 * is an ASOF node: for each left row the version of the right that held at
 * its time.  The versions are the right's rows by its watermarked column; of a
 * table that upserts, all its versions.  lookup(rel) takes the right as it is
 * when the left row comes, and needs no time.
 */
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
    return cu_bind_all_versions(s, in.node, "asof");
}

/* --- the join
 * ------------------------------------------------------------------- */

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

static cu_expr *rest_of(cu_sql *s, cu_expr **rest, uint32_t n)
{
    if (n < 2)
        return n ? rest[0] : NULL;
    return cu_expr_nary(s->arena, CU_E_AND, CU_TYPE(CU_T_BOOL), rest, n,
                        rest[0]->pos);
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
    side l = {0, own}, r = {own, own + a->node->schema->n};
    cu_node *right = a->node;
    uint16_t *keys[2] = {cu_arena_calloc(s->arena, n + 1, sizeof(uint16_t)),
                         cu_arena_calloc(s->arena, n + 1, sizeof(uint16_t))};
    cu_expr **rest = cu_arena_calloc(s->arena, n + 1, sizeof(*rest));
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
                                 right->schema->fields[a->right_time - 1].type);
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
    j->join.residual = rest_of(s, rest, n_rest);
    j->join.left_time = left_time;
    j->join.right_time = time ? a->right_time : 0;
    *right_at = left->schema->n;
    return j;
}
