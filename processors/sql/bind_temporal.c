/* Conditions on the clock in WHERE and HAVING.
 *
 * A row passes `ts > now() - interval '1 hour'` until a certain time and then
 * no more: the view has to let go of it although nothing came in.  Such a
 * condition is turned around into times at which the row appears or goes:
 *
 *     x <  clock + c    from   x - c + 1 us       (clock: now())
 *     x <= clock + c    from   x - c
 *     x >  clock + c    until  x - c
 *     x >= clock + c    until  x - c + 1 us
 *
 * For current_date the same with days: D(now) <= y means now < D(y) + 1 day.
 * The times become columns, a TEMPORAL node watches them, a projection takes
 * them away.  A condition that cannot be turned around is refused.
 */
#include "processors/sql/bind_time.h"

#define STATE(a, b, c, d, e) CU_SQLSTATE(a, b, c, d, e)

static const int64_t day_us = INT64_C(86400000000);

/* clock + shift, in days when `days`. */
typedef struct clock {
    bool days;
    int64_t shift_us;
} clock;

static cu_expr *called(cu_sql *s, const char *name, cu_expr *a, cu_expr *b)
{
    cu_expr *args[2] = {a, b};
    return cu_bind_called(s, name, args, 2, b->pos);
}

static cu_expr *plus_us(cu_sql *s, cu_expr *e, int64_t us)
{
    if (us == 0 || e == NULL)
        return e;
    cu_value v = {.type = CU_TYPE(CU_T_INTERVAL),
                  .iv = {.days = (int32_t)(us / day_us), .us = us % day_us}};
    return called(s, "+", e, cu_expr_const(s->arena, &v, e->pos));
}

static cu_expr *start_of_day(cu_sql *s, cu_expr *e)
{
    if (e == NULL)
        return NULL;
    cu_expr *unit = cu_expr_literal(s->arena, CU_LIT("day"), e->pos);
    return called(s, "date_trunc", unit, e);
}

/* --- reading a clock ------------------------------------------------------ */

static bool shift_of(cu_sql *s, const cu_expr *e, int64_t *us)
{
    cu_value v;
    cu_err err = {0};
    if (!cu_expr_is_const(e) || cu_expr_fold(s->arena, e, &v, &err) || v.null)
        return false;
    if (v.type.kind == CU_T_INTERVAL && v.iv.months == 0)
        *us = v.iv.us + v.iv.days * day_us;
    else if (v.type.kind == CU_T_INT4)
        *us = v.i4 * day_us;
    else
        return false;
    return true;
}

static bool read_clock(cu_sql *s, const cu_expr *e, clock *out)
{
    if (e->kind == CU_E_NOW) {
        *out = (clock){0};
        return true;
    }
    if (e->kind != CU_E_CALL || e->n_args == 0)
        return false;
    const char *name = e->func->name;
    int64_t us;
    if (strcmp(name, "cast") == 0) {
        if (!read_clock(s, e->args[0], out))
            return false;
        bool date = e->type.kind == CU_T_DATE;
        if (date && !out->days && out->shift_us % day_us)
            return false;
        out->days = out->days || date;
        return date || e->type.kind == CU_T_TIMESTAMP ||
               e->type.kind == CU_T_TIMESTAMPTZ;
    }
    if (e->n_args != 2)
        return false;
    bool minus = strcmp(name, "-") == 0;
    if ((minus || strcmp(name, "+") == 0) && shift_of(s, e->args[1], &us) &&
        read_clock(s, e->args[0], out)) {
        out->shift_us += minus ? -us : us;
        return true;
    }
    return strcmp(name, "+") == 0 && shift_of(s, e->args[0], &us) &&
           read_clock(s, e->args[1], out) && (out->shift_us += us, true);
}

/* --- turning a condition around ------------------------------------------- */

typedef struct bounds {
    cu_expr *from, *until;
} bounds;

static cu_expr *as_timestamptz(cu_sql *s, cu_expr *e)
{
    cu_err err = {0};
    cu_expr *out = NULL;
    if (cu_expr_cast(s->arena, e, CU_TYPE(CU_T_TIMESTAMPTZ), CU_CAST_EXPLICIT,
                     &out, &err)) {
        cu_bind_problem(s, e->pos, &err, NULL);
        return NULL;
    }
    return out;
}

/* `y op clock`, y a timestamptz without the shift. False: no such operator. */
static bool turn(cu_sql *s, cu_expr *y, const char *op, bool days, bounds *b)
{
    bool less = op[0] == '<', same = strcmp(op, "=") == 0,
         equal = op[1] == '=' || same;
    if (strcmp(op, "<>") == 0 || (!less && op[0] != '>' && !same))
        return false;
    if (!days) {
        if (less || same)
            b->from = plus_us(s, y, equal ? 0 : 1);
        if (!less || same)
            b->until = plus_us(s, y, equal ? 1 : 0);
        return true;
    }
    if (same)
        return false;
    /* y <= D(now): from the first midnight at or after y; y < D(now): from
     * the first one after it; the others until then. */
    bool at_or_after = less == equal;
    cu_expr *midnight = plus_us(
        s, start_of_day(s, at_or_after ? plus_us(s, y, -1) : y), day_us);
    if (less)
        b->from = midnight;
    else
        b->until = midnight;
    return true;
}

static const char *mirrored(const char *op)
{
    return strcmp(op, "<") == 0    ? ">"
           : strcmp(op, "<=") == 0 ? ">="
           : strcmp(op, ">") == 0  ? "<"
           : strcmp(op, ">=") == 0 ? "<="
                                   : op;
}

static bool read_condition(cu_sql *s, const cu_expr *e, bounds *b)
{
    *b = (bounds){0};
    if (e->kind != CU_E_CALL || e->n_args != 2)
        return false;
    bool left = cu_expr_uses_clock(e->args[0]);
    cu_expr *clocked = e->args[left ? 0 : 1], *row = e->args[left ? 1 : 0];
    const char *op = left ? mirrored(e->func->name) : e->func->name;
    clock c;
    uint8_t k = row->type.kind;
    if (cu_expr_uses_clock(row) || !read_clock(s, clocked, &c) ||
        (k != CU_T_DATE && k != CU_T_TIMESTAMP && k != CU_T_TIMESTAMPTZ) ||
        !strchr("<>=", op[0]))
        return false;
    cu_expr *y = as_timestamptz(s, row);
    y = plus_us(s, y, -c.shift_us);
    if (y && c.days && k == CU_T_DATE && strcmp(op, "=") == 0 &&
        c.shift_us % day_us == 0) {
        b->from = y;
        b->until = plus_us(s, y, day_us);
        return b->until != NULL;
    }
    return y && turn(s, y, op, c.days, b);
}

/* --- nodes ---------------------------------------------------------------- */

static cu_node *watch(cu_sql *s, cu_node *in, const bounds *b)
{
    uint32_t own = in->schema->n, n = 0;
    cu_expr *more[2];
    const char *names[2];
    uint16_t from = 0, until = 0;
    if (b->from) {
        more[n] = b->from;
        names[n++] = "from";
        from = (uint16_t)(own + n);
    }
    if (b->until) {
        more[n] = b->until;
        names[n++] = "until";
        until = (uint16_t)(own + n);
    }
    cu_node *t = cu_node_over_input(s, CU_N_TEMPORAL,
                                    cu_node_extend(s, in, more, names, n));
    t->temporal.from = from;
    t->temporal.until = until;
    t->append_only = t->append_only && !until;
    t->time = 0; /* a row appears when the clock says so */
    t->windows.judged = false;
    const char **all;
    cu_expr **cols = cu_node_columns(s, t, 0, &all);
    return cu_node_project(s, t, cols, all, own);
}

static cu_node *refuse(cu_sql *s, const cu_expr *e)
{
    cu_sql_error(s, e->pos, STATE('0', 'A', '0', '0', '0'),
                 "Compare a column with it, joined by AND: ts > now() - "
                 "interval '1 hour', day >= current_date - 7.",
                 "this condition on the clock is not supported");
    return NULL;
}

/* Conjuncts without the clock are collected in *rest. */
static cu_node *conjunct(cu_sql *s, cu_node *in, cu_expr *e, cu_expr **rest,
                         uint32_t *n_rest, bounds *list, uint32_t *n)
{
    if (e->kind == CU_E_AND) {
        for (uint32_t i = 0; in && i < e->n_args; i++)
            in = conjunct(s, in, e->args[i], rest, n_rest, list, n);
        return in;
    }
    if (!cu_expr_uses_clock(e)) {
        rest[(*n_rest)++] = e;
        return in;
    }
    uint32_t before = s->n_problems;
    if (read_condition(s, e, &list[*n])) {
        ++*n;
        return in;
    }
    return s->n_problems > before ? NULL : refuse(s, e);
}

/* list[1]: conjuncts with the clock. */
static void flatten(cu_expr *e, cu_expr **list[2], uint32_t n[2])
{
    if (e->kind != CU_E_AND) {
        int k = cu_expr_uses_clock(e);
        list[k][n[k]++] = e;
        return;
    }
    for (uint32_t i = 0; i < e->n_args; i++)
        flatten(e->args[i], list, n);
}

static uint32_t leaves(const cu_expr *e)
{
    uint32_t n = 0;
    if (e->kind != CU_E_AND)
        return 1;
    for (uint32_t i = 0; i < e->n_args; i++)
        n += leaves(e->args[i]);
    return n;
}

cu_node *cu_bind_temporal(cu_sql *s, cu_node *in, cu_expr *predicate)
{
    if (!cu_expr_uses_clock(predicate))
        return cu_bind_filter(s, in, predicate);
    uint32_t most = leaves(predicate), n_rest = 0, n = 0;
    cu_expr **rest = cu_arena_calloc(s->arena, most + 1, sizeof(*rest));
    bounds *list = cu_arena_calloc(s->arena, most + 1, sizeof(*list));
    in = conjunct(s, in, predicate, rest, &n_rest, list, &n);
    if (in && n_rest == 1)
        in = cu_bind_filter(s, in, rest[0]);
    else if (in && n_rest)
        in = cu_bind_filter(s, in,
                            cu_expr_nary(s->arena, CU_E_AND, CU_TYPE(CU_T_BOOL),
                                         rest, n_rest, predicate->pos));
    for (uint32_t i = 0; in && i < n; i++)
        in = watch(s, in, &list[i]);
    return in;
}

cu_expr *cu_bind_clockless(cu_sql *s, cu_expr *predicate, cu_expr **clocked)
{
    *clocked = NULL;
    if (predicate == NULL || !cu_expr_uses_clock(predicate))
        return predicate;
    uint32_t n[2] = {0, 0}, most = leaves(predicate);
    cu_expr **list[2], *out[2];
    for (int k = 0; k < 2; k++)
        list[k] = cu_arena_calloc(s->arena, most + 1, sizeof(**list));
    flatten(predicate, list, n);
    for (int k = 0; k < 2; k++)
        out[k] = n[k] < 2 ? list[k][0]
                          : cu_expr_nary(s->arena, CU_E_AND, CU_TYPE(CU_T_BOOL),
                                         list[k], n[k], predicate->pos);
    *clocked = out[1];
    return out[0];
}
