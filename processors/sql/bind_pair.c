/* Two nodes and a condition -> one JOIN node.
 *
 * Of the conjuncts, those of one side sink into it where the kind of join
 * allows (left's of INNER and SEMI; right's of all but FULL), equalities of a
 * side each become keys, and the rest is the residual.  Key columns are
 * columns: a key that is an expression, or whose sides differ in type, is
 * computed by a projection first:
 *
 *     l.a + 1 = r.b     project(l.*, a + 1 AS k3) ── join on k3 = b
 *
 * Keys of the output (2.-4. hold whatever the kind):
 *   1. SEMI, ANTI: left's.
 *   2. A side that the equated columns identify adds nothing to the other's.
 *   3. Otherwise left's and right's, without columns of right's that are
 *      equated with columns of left's.
 *   4. FULL: both in full, as either may be NULL.
 */
#include "processors/sql/bind_rel.h"

typedef struct pair {
    cu_sql *s;
    cu_join_kind kind;
    cu_node *side[2];
    uint32_t width[2]; /* columns before more were appended */
    cu_expr **rest;    /* conjuncts that are no keys */
    uint32_t n_rest;
    cu_expr **key[2]; /* over each side's own columns */
    bool *safe;
    uint32_t n_keys, n_safe;
} pair;

/* --- keys of the output --------------------------------------------------- */

static bool in_list(const uint16_t *list, uint32_t n, uint16_t col,
                    uint32_t *at)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i] == col) {
            *at = i;
            return true;
        }
    return false;
}

static bool all_in(const cu_node *n, const uint16_t *list, uint32_t n_list)
{
    uint32_t at;
    for (uint32_t k = 0; k < n->n_key; k++)
        if (!in_list(list, n_list, n->key[k], &at))
            return false;
    return true;
}

static bool identified(const cu_node *n)
{
    return n->n_key > 0 || n->single;
}

static void add_key(cu_node *n, uint16_t *key, uint32_t col)
{
    key[n->n_key++] = (uint16_t)col;
    n->key = key;
}

static void derive_key(cu_sql *s, cu_node *n)
{
    const cu_node *l = n->inputs[0], *r = n->inputs[1];
    cu_join_kind kind = n->join.kind;
    n->n_key = 0;
    if (kind == CU_JOIN_SEMI || kind == CU_JOIN_ANTI) {
        n->n_key = l->n_key;
        n->key = l->key;
        n->single = l->single;
        return;
    }
    bool full = kind == CU_JOIN_FULL;
    n->single = l->single && r->single && !full;
    if (!identified(l) || !identified(r))
        return;
    uint16_t *key = cu_arena_calloc(s->arena, l->n_key + r->n_key + 1,
                                    sizeof(*key));
    bool one_right = !full && all_in(r, n->join.right, n->join.n_keys);
    bool one_left = kind == CU_JOIN_INNER &&
                    all_in(l, n->join.left, n->join.n_keys);
    for (uint32_t k = 0; k < l->n_key && (one_right || !one_left); k++)
        add_key(n, key, l->key[k]);
    for (uint32_t k = 0; k < r->n_key && !one_right; k++) {
        uint32_t at, in_left;
        bool equated = in_list(n->join.right, n->join.n_keys, r->key[k], &at);
        if (!full && !one_left && equated &&
            in_list(l->key, l->n_key, n->join.left[at], &in_left))
            continue;
        add_key(n, key, l->schema->n + r->key[k]);
    }
}

/* --- the node ------------------------------------------------------------- */

static const cu_schema *joined_schema(cu_sql *s, cu_join_kind kind,
                                      const cu_node *l, const cu_node *r)
{
    if (kind == CU_JOIN_SEMI || kind == CU_JOIN_ANTI)
        return l->schema;
    uint32_t own = l->schema->n, n = own + r->schema->n;
    cu_schema *out = cu_schema_new(s->arena, n);
    for (uint32_t i = 0; i < n; i++) {
        bool right = i >= own;
        out->fields[i] = right ? r->schema->fields[i - own]
                               : l->schema->fields[i];
        if (kind == CU_JOIN_FULL || (right && kind == CU_JOIN_LEFT))
            out->fields[i].not_null = false;
    }
    return out;
}

static cu_node *make_node(const pair *p, const uint16_t *left,
                          const uint16_t *right, cu_expr *residual)
{
    cu_sql *s = p->s;
    cu_node *l = p->side[0], *r = p->side[1];
    cu_node *n = cu_arena_calloc(s->arena, 1, sizeof(*n));
    n->kind = CU_N_JOIN;
    n->pos = l->pos;
    n->n_inputs = 2;
    n->inputs = cu_arena_dup(s->arena, p->side, sizeof(p->side));
    n->schema = joined_schema(s, p->kind, l, r);
    n->join.kind = p->kind;
    n->join.n_keys = p->n_keys;
    n->join.left = left;
    n->join.right = right;
    n->join.null_safe = p->n_safe ? p->safe : NULL;
    n->join.residual = residual;
    n->append_only = l->append_only && r->append_only &&
                     (p->kind == CU_JOIN_INNER || p->kind == CU_JOIN_SEMI);
    derive_key(s, n);
    return n;
}

/* --- sorting the conjuncts ------------------------------------------------ */

static bool of_left(const pair *p, const cu_expr *e)
{
    return cu_rel_uses(e, 0, p->width[0]);
}

static bool of_right(const pair *p, const cu_expr *e)
{
    return cu_rel_uses(e, p->width[0], CU_AGG_BASE);
}

/* right's columns as right numbers them. */
static cu_expr *right_own(const pair *p, cu_expr *e)
{
    uint32_t n = p->width[0] + p->width[1];
    uint32_t *map = cu_arena_calloc(p->s->arena, n + 1, sizeof(*map));
    for (uint32_t i = p->width[0]; i < n; i++)
        map[i] = i - p->width[0];
    return cu_rel_mapped(p->s, e, map);
}

static bool sink(pair *p, cu_expr *e)
{
    bool left = of_left(p, e), right = of_right(p, e);
    if (!right && (p->kind == CU_JOIN_INNER || p->kind == CU_JOIN_SEMI)) {
        p->side[0] = cu_rel_push(p->s, p->side[0], e);
        return true;
    }
    if (!left && right && p->kind != CU_JOIN_FULL) {
        p->side[1] = cu_rel_push(p->s, p->side[1], right_own(p, e));
        return true;
    }
    return false;
}

static bool add_equality(pair *p, cu_expr *e)
{
    if (e->kind != CU_E_CALL || e->n_args != 2)
        return false;
    bool safe = strcmp(e->func->name, "is_not_distinct_from") == 0;
    if (!safe && strcmp(e->func->name, "=") != 0)
        return false;
    cu_expr *l = e->args[0], *r = e->args[1];
    if (of_right(p, l) && !of_left(p, l)) {
        l = e->args[1];
        r = e->args[0];
    }
    if (of_right(p, l) || !of_left(p, l) || of_left(p, r) || !of_right(p, r))
        return false;
    cu_expr *sides[2] = {l, right_own(p, r)};
    cu_type t;
    cu_err err = {0};
    if ((l->type.kind != r->type.kind || l->type.elem != r->type.elem) &&
        cu_expr_unify(p->s->arena, sides, 2, "JOIN", &t, &err))
        return false;
    p->key[0][p->n_keys] = sides[0];
    p->key[1][p->n_keys] = sides[1];
    p->safe[p->n_keys++] = safe;
    p->n_safe += safe;
    return true;
}

/* The key expressions of one side as columns. */
static uint16_t *key_columns(pair *p, int side)
{
    cu_sql *s = p->s;
    uint16_t *cols = cu_arena_calloc(s->arena, p->n_keys + 1, sizeof(*cols));
    cu_expr **more = cu_arena_calloc(s->arena, p->n_keys + 1, sizeof(*more));
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_keys; i++) {
        cu_expr *e = p->key[side][i];
        uint32_t k = 0;
        while (e->kind != CU_E_COL && k < n && !cu_expr_same(more[k], e))
            k++;
        if (e->kind != CU_E_COL && k == n)
            more[n++] = e;
        cols[i] = (uint16_t)(e->kind == CU_E_COL ? e->col : p->width[side] + k);
    }
    p->side[side] = cu_rel_append(s, p->side[side], more, n);
    return cols;
}

cu_node *cu_rel_join(cu_sql *s, cu_join_kind kind, cu_node *left,
                     cu_node *right, cu_expr **conj, uint32_t n,
                     uint32_t *right_at)
{
    pair p = {.s = s,
              .kind = kind,
              .side = {left, right},
              .width = {left->schema->n, right->schema->n}};
    p.rest = cu_arena_calloc(s->arena, n + 1, sizeof(*p.rest));
    p.key[0] = cu_arena_calloc(s->arena, n + 1, sizeof(**p.key));
    p.key[1] = cu_arena_calloc(s->arena, n + 1, sizeof(**p.key));
    p.safe = cu_arena_calloc(s->arena, n + 1, sizeof(*p.safe));
    for (uint32_t i = 0; i < n; i++)
        if (!sink(&p, conj[i]) && !add_equality(&p, conj[i]))
            p.rest[p.n_rest++] = conj[i];
    uint16_t *l = key_columns(&p, 0), *r = key_columns(&p, 1);
    uint32_t more = p.side[0]->schema->n - p.width[0];
    for (uint32_t i = 0; i < p.n_rest; i++)
        p.rest[i] = cu_rel_shift(s, p.rest[i], p.width[0], more);
    cu_expr *residual = cu_rel_and(s, p.rest, p.n_rest);
    cu_node *out = make_node(&p, l, r, residual);
    *right_at = p.side[0]->schema->n;
    cu_rel_join_time(s, out, p.rest, p.n_rest);
    return out;
}

cu_node *cu_rel_rejoin(cu_sql *s, const cu_node *n, cu_node *left,
                       cu_node *right, cu_expr *residual)
{
    cu_node *out = cu_arena_dup(s->arena, n, sizeof(*n));
    cu_node *sides[2] = {left, right};
    out->inputs = cu_arena_dup(s->arena, sides, sizeof(sides));
    out->schema = joined_schema(s, n->join.kind, left, right);
    out->join.residual = residual;
    derive_key(s, out);
    return out;
}
