/* Binds FROM: relations, inlined views, joins; bind_from_function.c functions.
 *
 * A scope is the items of FROM and the names of their columns; columns are
 * numbered as if all items stood beside each other.  How they are joined is
 * decided when WHERE is known (bind_join.c):
 *
 *     FROM pages p, jsonb_array_elements(p.body->'works') AS w JOIN t USING (k)
 *          item 0   item 1 (a function of columns of 0)        item 2 + a name
 */
#include "processors/sql/bind_rel.h"
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

typedef cu_from_binder binder;

static bool bind_item(binder *b, const cu_ast_from *f, cu_from_items *to);

void cu_scope_add(cu_sql *s, cu_scope *scope, const char *rel, const char *name,
                  cu_type type, uint32_t at)
{
    if (scope->n_cols == scope->cap) {
        uint32_t cap = scope->cap ? 2 * scope->cap : 16;
        cu_scope_col *more = cu_arena_calloc(s->arena, cap, sizeof(*more));
        if (scope->n_cols)
            memcpy(more, scope->cols, scope->n_cols * sizeof(*more));
        scope->cols = more;
        scope->cap = cap;
    }
    scope->cols[scope->n_cols++] = (cu_scope_col){
        .rel = rel, .name = name, .type = type, .at = at};
}

cu_expr *cu_scope_expr(cu_sql *s, const cu_scope_col *c, cu_pos pos)
{
    if (c->expr == NULL)
        return cu_expr_col(s->arena, c->at, c->type, pos);
    cu_expr *out = cu_arena_dup(s->arena, c->expr, sizeof(*c->expr));
    out->pos = pos;
    return out;
}

bool cu_from_rel(cu_sql *s, cu_scope *scope, const char *rel, cu_pos pos)
{
    for (uint32_t i = 0; i < scope->n_rels; i++)
        if (*rel && strcmp(scope->rels[i], rel) == 0) {
            cu_sql_error(s, pos, STATE('4', '2', '7', '1', '2'), NULL,
                         "table name \"%s\" specified more than once", rel);
            return false;
        }
    if (scope->n_rels == scope->cap_rels) {
        uint32_t cap = scope->cap_rels ? 2 * scope->cap_rels : 8;
        const char **more = cu_arena_calloc(s->arena, cap, sizeof(*more));
        if (scope->n_rels)
            memcpy(more, scope->rels, scope->n_rels * sizeof(*more));
        scope->rels = more;
        scope->cap_rels = cap;
    }
    scope->rels[scope->n_rels++] = rel;
    return true;
}

void cu_from_add(cu_from_binder *b, cu_from_items *to, cu_item it)
{
    it.first = b->width;
    b->width += it.n;
    to->items = cu_sql_grow(b->s->arena, to->items, to->n_items, sizeof it);
    to->items[to->n_items++] = it;
}

/* A relation's node becomes an item; its columns get their names. */
static bool adopt(binder *b, const cu_ast_from *f, const char *rel,
                  cu_node *node, cu_from_items *to)
{
    cu_sql *s = b->s;
    uint32_t first = b->width, n = node->schema->n;
    bool lateral = f->lateral && cu_rel_tree_means(s, node, b->scope->id);
    cu_from_add(b, to,
                (cu_item){.kind = lateral ? CU_I_LATERAL : CU_I_RELATION,
                          .pos = f->pos,
                          .n = n,
                          .node = node});
    if (!cu_from_rel(s, b->scope, rel, f->pos))
        return false;
    if (f->n_columns > n) {
        cu_sql_error(s, f->pos, STATE('4', '2', 'P', '1', '0'), NULL,
                     "table \"%s\" has %u columns available but %u columns "
                     "specified",
                     rel, n, f->n_columns);
        return false;
    }
    for (uint32_t i = 0; i < n; i++)
        cu_scope_add(s, b->scope, rel,
                     i < f->n_columns ? f->columns[i]
                                      : node->schema->fields[i].name,
                     node->schema->fields[i].type, first + i);
    return true;
}

/* --- names of relations --------------------------------------------------- */

static cu_node *renamed(cu_sql *s, cu_node *n, const char *const *names,
                        uint32_t n_names)
{
    if (n_names == 0)
        return n;
    uint32_t count = n->schema->n;
    cu_expr **exprs = cu_arena_calloc(s->arena, count, sizeof(*exprs));
    const char **all = cu_arena_calloc(s->arena, count, sizeof(*all));
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = cu_expr_col(s->arena, i, n->schema->fields[i].type, n->pos);
        all[i] = i < n_names ? names[i] : n->schema->fields[i].name;
    }
    return cu_node_project(s, n, exprs, all, count);
}

static cu_node *inlined(cu_sql *s, const cu_ctes *ctes,
                        const cu_ast_select *sel, const char *const *names,
                        uint32_t n_names, cu_pos pos, const char *what,
                        const cu_scope *outer)
{
    cu_bound q;
    const cu_scope *before = s->outer;
    s->outer = outer;
    bool good = cu_bind_query(s, ctes, sel, false, &q);
    s->outer = before;
    if (!good)
        return NULL;
    if (n_names > q.node->schema->n) {
        cu_sql_error(s, pos, STATE('4', '2', 'P', '1', '0'), NULL,
                     "%s has %u columns available but %u columns specified",
                     what, q.node->schema->n, n_names);
        return NULL;
    }
    return renamed(s, q.node, names, n_names);
}

/* A plain view's query sees the columns that there were when it was made. */
static cu_node *inlined_view(cu_sql *s, const cu_sql_view *v, cu_pos pos)
{
    cu_sql_shown *shown = s->shown;
    uint32_t n = s->n_shown;
    s->shown = v->shown;
    s->n_shown = v->n_shown;
    cu_node *node = inlined(s, NULL, v->select, v->columns, v->n_columns, pos,
                            v->name, NULL);
    s->shown = shown;
    s->n_shown = n;
    return node;
}

static const char *unknown_hint(cu_sql *s, const char *name)
{
    const cu_program *p = s->program;
    const char **known = cu_arena_calloc(
        s->arena, p->n_tables + p->n_views + s->n_views + 1, sizeof(*known));
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_tables; i++)
        known[n++] = p->tables[i]->name;
    for (uint32_t i = 0; i < p->n_views; i++)
        if (cu_view_is_named(p->views[i]))
            known[n++] = p->views[i]->name;
    for (uint32_t i = 0; i < s->n_views; i++)
        known[n++] = s->views[i].name;
    return cu_sql_nearest(s, name, known, n);
}

cu_node *cu_from_named(cu_sql *s, const cu_ctes *ctes, const cu_ast_from *f)
{
    for (const cu_ctes *c = ctes; c; c = c->outer)
        for (uint32_t i = c->n; i-- > 0;)
            if (strcmp(c->at[i].name, f->name) == 0) {
                /* A CTE sees those before it. */
                cu_ctes *seen = cu_arena_calloc(s->arena, 1, sizeof(*seen));
                *seen = (cu_ctes){c->outer, c->at, i, c->scope};
                return inlined(s, seen, c->at[i].select, c->at[i].columns,
                               c->at[i].n_columns, c->at[i].pos, f->name,
                               c->scope);
            }
    for (uint32_t i = 0; i < s->n_views; i++) {
        const cu_sql_view *v = &s->views[i];
        if (strcmp(v->name, f->name) == 0)
            return inlined_view(s, v, f->pos);
    }
    const cu_view_def *v = cu_program_view(s->program, f->name);
    if (v && cu_view_is_named(v))
        return cu_node_view(s, v, f->pos);
    const cu_table_def *t = cu_program_table(s->program, f->name);
    if (t && t->is_sink) {
        cu_sql_refuse(s, f->pos, "reading from \"%s\", which is written,",
                      t->name);
        return NULL;
    }
    if (t)
        return cu_node_source(s, t, f->pos);
    cu_sql_error(s, f->pos, STATE('4', '2', 'P', '0', '1'),
                 unknown_hint(s, f->name), "relation \"%s\" does not exist",
                 f->name);
    return NULL;
}

/* --- joins ---------------------------------------------------------------- */

/* The names of a join's sides: scope->cols[lo..mid) and [mid..hi). */
typedef struct sides {
    uint32_t lo, mid, rels;
} sides;

static bool is_true(const cu_ast_expr *e)
{
    return e == NULL || (e->kind == CU_A_BOOL && e->flag);
}

/* A side's column that a bare name of USING means. -1 after a problem. */
static int32_t using_column(binder *b, const char *name, uint32_t lo,
                            uint32_t hi, const char *side, cu_pos pos)
{
    int32_t at = -1;
    for (uint32_t i = lo; i < hi; i++) {
        const cu_scope_col *c = &b->scope->cols[i];
        if (c->hidden || strcmp(c->name, name))
            continue;
        if (at >= 0) {
            cu_sql_error(b->s, pos, STATE('4', '2', '7', '0', '2'), NULL,
                         "common column name \"%s\" appears more than once in "
                         "%s table",
                         name, side);
            return -1;
        }
        at = (int32_t)i;
    }
    if (at < 0)
        cu_sql_error(b->s, pos, STATE('4', '2', '7', '0', '3'), NULL,
                     "column \"%s\" specified in USING clause does not exist "
                     "in %s table",
                     name, side);
    return at;
}

static cu_expr *merged_value(binder *b, cu_ast_join kind, cu_expr *pair[2],
                             cu_type t, cu_pos pos)
{
    if (kind == CU_J_RIGHT)
        return pair[1];
    if (kind != CU_J_FULL)
        return pair[0];
    cu_expr **args = cu_arena_dup(b->s->arena, pair, 2 * sizeof(*pair));
    return cu_expr_nary(b->s->arena, CU_E_COALESCE, t, args, 2, pos);
}

/* One column of USING: its equality, and the name that means both. */
static cu_expr *merge(binder *b, const cu_ast_from *f, const char *name,
                      const sides *w, cu_scope_col *out)
{
    cu_sql *s = b->s;
    int32_t l = using_column(b, name, w->lo, w->mid, "left", f->pos);
    int32_t r = l < 0 ? -1
                      : using_column(b, name, w->mid, b->scope->n_cols, "right",
                                     f->pos);
    if (r < 0)
        return NULL;
    cu_scope_col *lc = &b->scope->cols[l], *rc = &b->scope->cols[r];
    cu_expr *pair[2] = {cu_scope_expr(s, lc, f->pos),
                        cu_scope_expr(s, rc, f->pos)};
    cu_type t;
    cu_err err = {0};
    char ln[64], rn[64];
    if (cu_expr_unify(s->arena, pair, 2, "JOIN/USING", &t, &err)) {
        cu_sql_error(s, f->pos, STATE('4', '2', '8', '0', '4'), NULL,
                     "JOIN/USING types %s and %s cannot be matched",
                     cu_type_name(lc->type, ln), cu_type_name(rc->type, rn));
        return NULL;
    }
    cu_expr *value = merged_value(b, f->join, pair, t, f->pos);
    *out = (cu_scope_col){.rel = "", .name = name, .type = value->type};
    out->expr = value->kind == CU_E_COL ? NULL : value;
    out->at = value->kind == CU_E_COL ? value->col : 0;
    lc->hidden = rc->hidden = true;
    return cu_rel_call(s, "=", pair[0], pair[1], f->pos);
}

static bool common(const binder *b, const sides *w, const cu_scope_col *c)
{
    for (uint32_t i = w->mid; i < b->scope->n_cols; i++)
        if (!b->scope->cols[i].hidden &&
            strcmp(b->scope->cols[i].name, c->name) == 0)
            return true;
    return false;
}

static const char **using_names(binder *b, const cu_ast_from *f, const sides *w,
                                uint32_t *n)
{
    *n = f->n_using;
    if (!f->natural)
        return f->using_columns;
    const char **names = NULL;
    for (uint32_t i = w->lo; i < w->mid; i++) {
        const cu_scope_col *c = &b->scope->cols[i];
        if (c->hidden || !common(b, w, c))
            continue;
        names = cu_sql_grow(b->s->arena, names, *n, sizeof(*names));
        names[(*n)++] = c->name;
    }
    return names;
}

/* The merged names come first, as `*` lists them. */
static void put_first(binder *b, const sides *w, const cu_scope_col *merged,
                      uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        cu_scope_add(b->s, b->scope, "", "", merged[i].type, 0);
    cu_scope_col *at = b->scope->cols + w->lo;
    memmove(at + n, at, (b->scope->n_cols - n - w->lo) * sizeof(*at));
    memcpy(at, merged, n * sizeof(*at));
}

static bool bind_using(binder *b, const cu_ast_from *f, const sides *w,
                       cu_expr ***conj, uint32_t *n_conj)
{
    uint32_t n;
    const char **names = using_names(b, f, w, &n);
    cu_scope_col *merged = cu_arena_calloc(b->s->arena, n + 1, sizeof(*merged));
    for (uint32_t i = 0; i < n; i++) {
        cu_expr *e = merge(b, f, names[i], w, &merged[i]);
        if (e == NULL)
            return false;
        *conj = cu_rel_conjuncts(b->s, e, *conj, n_conj);
    }
    put_first(b, w, merged, n);
    return true;
}

/* ON, USING or NATURAL as conjuncts; ON sees the join's own sides alone. */
static bool condition(binder *b, const cu_ast_from *f, const sides *w,
                      cu_expr ***conj, uint32_t *n)
{
    if (f->natural || f->n_using)
        return bind_using(b, f, w, conj, n);
    if (is_true(f->on))
        return true;
    cu_scope *seen = cu_arena_dup(b->s->arena, b->scope, sizeof(*b->scope));
    seen->cols += w->lo;
    seen->n_cols -= w->lo;
    seen->rels += w->rels;
    seen->n_rels -= w->rels;
    seen->around = b->scope;
    cu_bind bind = {.sql = b->s, .scope = seen, .clause = "JOIN conditions"};
    cu_expr *e = cu_bind_bool(&bind, f->on, "JOIN/ON");
    *conj = cu_rel_conjuncts(b->s, e, *conj, n);
    return e != NULL;
}

/* Columns of a side that an outer join may not find. */
static void may_miss(binder *b, uint32_t lo, uint32_t hi)
{
    for (uint32_t i = lo; i < hi; i++)
        b->scope->cols[i].maybe = true;
}

/* A side planned alone: one item. */
static bool closed(binder *b, const cu_ast_from *f, cu_item *out)
{
    cu_from_items own = {0};
    uint32_t first = b->width;
    if (!bind_item(b, f, &own))
        return false;
    *out = (cu_item){.pos = f->pos, .first = first, .n = b->width - first};
    if (own.n_items == 1 && own.n_where == 0 &&
        own.items[0].kind != CU_I_FUNCTION) {
        *out = own.items[0];
        return true;
    }
    out->node = cu_rel_close(b->s, b->scope, &own, first, out->n);
    return out->node != NULL;
}

static void put_item(binder *b, cu_from_items *to, const cu_item *it)
{
    to->items = cu_sql_grow(b->s->arena, to->items, to->n_items, sizeof(*it));
    to->items[to->n_items++] = *it;
}

static bool bind_full(binder *b, const cu_ast_from *f, cu_from_items *to)
{
    cu_sql *s = b->s;
    sides w = {b->scope->n_cols, 0, b->scope->n_rels};
    cu_item l, r;
    cu_expr **conj = NULL;
    uint32_t n = 0, at;
    if (!closed(b, f->left, &l))
        return false;
    w.mid = b->scope->n_cols;
    if (!closed(b, f->right, &r))
        return false;
    may_miss(b, w.lo, b->scope->n_cols);
    if (!condition(b, f, &w, &conj, &n))
        return false;
    if (!cu_rel_full_on(s, b->scope, &l, &r, conj, n))
        return false;
    cu_node *j = cu_rel_join(s, CU_JOIN_FULL, l.node, r.node, conj, n, &at);
    uint32_t *cols = cu_arena_calloc(s->arena, l.n + r.n + 1, sizeof(*cols));
    for (uint32_t i = 0; i < l.n + r.n; i++)
        cols[i] = i < l.n ? i : at + i - l.n;
    cu_item both = {.pos = f->pos, .first = l.first, .n = l.n + r.n};
    both.node = cu_rel_pick(s, j, cols, both.n);
    put_item(b, to, &both);
    return true;
}

static bool is_own(const cu_ast_from *f)
{
    return f->kind == CU_F_FUNCTION &&
           cu_bind_is_relation(f->call->names[f->call->n_names - 1]);
}

/* LEFT JOIN f(…) ON true extends the rows at hand. */
static bool left_function(const cu_ast_from *f, const cu_from_items *to)
{
    return f->join == CU_J_LEFT && f->right->kind == CU_F_FUNCTION &&
           is_true(f->on) && !f->natural && !f->n_using && to->n_items &&
           !is_own(f->right);
}

static bool bind_outer(binder *b, const cu_ast_from *f, cu_from_items *to)
{
    sides w = {b->scope->n_cols, 0, b->scope->n_rels};
    bool left = f->join == CU_J_LEFT;
    cu_item it = {0};
    cu_expr **conj = NULL;
    uint32_t n = 0;
    if (!(left ? bind_item(b, f->left, to) : closed(b, f->left, &it)))
        return false;
    w.mid = b->scope->n_cols;
    if (left_function(f, to)) {
        if (!cu_from_function(b, f->right, false, to))
            return false;
        may_miss(b, w.mid, b->scope->n_cols);
        to->items[to->n_items - 1].outer = true;
        return true;
    }
    bool function = left && f->right->kind == CU_F_FUNCTION &&
                    !is_own(f->right);
    cu_from_items own = {0};
    if (function && cu_from_function(b, f->right, true, &own))
        it = own.items[0];
    else if (function ||
             !(left ? closed(b, f->right, &it) : bind_item(b, f->right, to)))
        return false;
    may_miss(b, left ? w.mid : w.lo, left ? b->scope->n_cols : w.mid);
    if (!condition(b, f, &w, &conj, &n))
        return false;
    it.outer = true;
    it.on = conj;
    it.n_on = n;
    put_item(b, to, &it);
    return true;
}

/* Columns [first, first + l->n + r) of the join, right's from `at` on. */
static void put_joined(binder *b, const cu_ast_from *f, const cu_item *l,
                       cu_node *j, uint32_t r, uint32_t at, cu_from_items *to)
{
    uint32_t *cols = cu_arena_calloc(b->s->arena, l->n + r + 1, sizeof(*cols));
    for (uint32_t i = 0; i < l->n + r; i++)
        cols[i] = i < l->n ? i : at + i - l->n;
    cu_item both = {.pos = f->pos, .first = l->first, .n = l->n + r};
    both.node = cu_rel_pick(b->s, j, cols, both.n);
    put_item(b, to, &both);
}

/* left JOIN asof(right, left's time): bind_asof.c. */
static bool bind_asof(binder *b, const cu_ast_from *f, cu_from_items *to)
{
    cu_sql *s = b->s;
    sides w = {b->scope->n_cols, 0, b->scope->n_rels};
    const cu_ast_expr *call = f->right->call;
    const char *rel = f->right->alias ? f->right->alias
                                      : call->names[call->n_names - 1];
    cu_item l;
    cu_asof a;
    cu_expr *time = NULL, **conj = NULL;
    cu_from_items aside = {0};
    uint32_t n = 0, at;
    if (f->join == CU_J_RIGHT || f->join == CU_J_FULL) {
        cu_sql_refuse(s, f->pos, "%s() in a RIGHT or FULL JOIN",
                      call->names[call->n_names - 1]);
        return false;
    }
    if (!closed(b, f->left, &l) || !cu_bind_asof(s, b->ctes, f->right, &a))
        return false;
    w.mid = b->scope->n_cols;
    cu_bind bind = {.sql = s, .scope = b->scope, .clause = "asof()"};
    if (a.time && !(time = cu_bind_expr(&bind, a.time)))
        return false;
    if (!adopt(b, f->right, rel, a.node, &aside))
        return false;
    if (f->join == CU_J_LEFT)
        may_miss(b, w.mid, b->scope->n_cols);
    if (!condition(b, f, &w, &conj, &n))
        return false;
    uint32_t *map = cu_arena_calloc(s->arena, b->width + 1, sizeof(*map));
    for (uint32_t i = l.first; i < b->width; i++)
        map[i] = i - l.first;
    for (uint32_t i = 0; i < n; i++)
        conj[i] = cu_rel_mapped(s, conj[i], map);
    time = time ? cu_rel_mapped(s, time, map) : NULL;
    cu_node *j = cu_bind_asof_join(s, &a, l.node, time, f->join == CU_J_LEFT,
                                   conj, n, &at);
    if (j)
        put_joined(b, f, &l, j, a.node->schema->n, at, to);
    return j != NULL;
}

static bool bind_join(binder *b, const cu_ast_from *f, cu_from_items *to)
{
    if (cu_bind_is_asof(f->right))
        return bind_asof(b, f, to);
    if (f->join == CU_J_FULL)
        return bind_full(b, f, to);
    if (f->join == CU_J_LEFT || f->join == CU_J_RIGHT)
        return bind_outer(b, f, to);
    sides w = {b->scope->n_cols, 0, b->scope->n_rels};
    if (!bind_item(b, f->left, to))
        return false;
    w.mid = b->scope->n_cols;
    return bind_item(b, f->right, to) &&
           condition(b, f, &w, &to->where, &to->n_where);
}

/* --- one item ------------------------------------------------------------- */

static bool bind_derived(binder *b, const cu_ast_from *f, cu_from_items *to)
{
    cu_sql *s = b->s;
    const cu_scope *siblings = s->siblings;
    s->siblings = f->lateral ? NULL : b->scope;
    cu_node *n = inlined(s, b->ctes, f->select, NULL, 0, f->pos, "a subquery",
                         f->lateral ? b->scope : b->scope->outer);
    s->siblings = siblings;
    return n && adopt(b, f, f->alias ? f->alias : "", n, to);
}

/* tumble(), history() and their like; what they hide has no name. */
static bool bind_own(binder *b, const cu_ast_from *f, cu_from_items *to)
{
    uint32_t hidden;
    const char *name = f->call->names[f->call->n_names - 1];
    if (f->ordinality) {
        cu_sql_refuse(b->s, f->pos, "WITH ORDINALITY of %s()", name);
        return false;
    }
    cu_node *n = cu_bind_relation(b->s, b->ctes, f->call, &hidden);
    if (!n || !adopt(b, f, f->alias ? f->alias : name, n, to))
        return false;
    for (uint32_t i = 0; i < hidden; i++) {
        cu_scope_col *c = &b->scope->cols[b->scope->n_cols - 1 - i];
        c->name = "\1";
        c->hidden = true;
    }
    return true;
}

static bool bind_item(binder *b, const cu_ast_from *f, cu_from_items *to)
{
    cu_node *n;
    switch (f->kind) {
    case CU_F_TABLE:
        n = cu_from_named(b->s, b->ctes, f);
        return n && adopt(b, f, f->alias ? f->alias : f->name, n, to);
    case CU_F_SUBQUERY:
        return bind_derived(b, f, to);
    case CU_F_FUNCTION:
        return is_own(f) ? bind_own(b, f, to)
                         : cu_from_function(b, f, false, to);
    case CU_F_JOIN:
        return bind_join(b, f, to);
    }
    return false;
}

bool cu_bind_from(cu_sql *s, const cu_ctes *ctes, const cu_ast_select *sel,
                  cu_scope *out)
{
    *out = (cu_scope){.id = ++s->n_scopes, .outer = s->outer};
    out->around = s->siblings;
    out->ctes = ctes;
    out->from = cu_arena_calloc(s->arena, 1, sizeof(*out->from));
    out->subs = cu_arena_calloc(s->arena, 1, sizeof(*out->subs));
    const cu_scope *siblings = s->siblings;
    s->siblings = NULL;
    binder b = {s, ctes, out, 0};
    if (sel->n_from == 0)
        cu_from_add(&b, out->from,
                    (cu_item){.kind = CU_I_RELATION,
                              .pos = sel->pos,
                              .n = 1,
                              .node = cu_rel_one_row(s, sel->pos)});
    bool good = true;
    for (uint32_t i = 0; good && i < sel->n_from; i++)
        good = bind_item(&b, sel->from[i], out->from);
    s->siblings = siblings;
    return good;
}
