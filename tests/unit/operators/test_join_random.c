/* Joins against recomputation: random rows on both sides, random cuts,
 * aborts and restarts, for every kind. */
#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const left = "k:int v:int";
static const char *const right = "k:int w:int";
static const char *const both = "k:int v:int k2:int w:int";
/* Of interval joins: the values are days. */
static const char *const left_days = "k:int v:date";
static const char *const right_days = "k:int w:date";
static const char *const both_days = "k:int v:date k2:int w:date";
static const cu_pos nowhere = {-1, -1};

enum {
    KEYS = 4,
    VALUES = 9,
    NONE_KEY = 3,
    NONE = 8,
    MOST = 30,
    SEEDS = 25,
    LOWER = -1,
    UPPER = 2
};

typedef struct model {
    int rows[2][KEYS][VALUES], n[2];
} model;

typedef struct shape {
    cu_join_kind kind;
    bool residual, null_safe, cross, interval;
} shape;

static bool is_half(const shape *s)
{
    return s->kind == CU_JOIN_SEMI || s->kind == CU_JOIN_ANTI;
}

static cu_expr *call(rig *r, const char *name, cu_expr *a, cu_expr *b)
{
    cu_expr **args = cu_arena_calloc(r->arena, 2, sizeof(*args)), *out;
    char hint[120];
    args[0] = a;
    args[1] = b;
    cr_assert_eq(
        cu_expr_call(r->arena, name, args, 2, nowhere, &out, hint, &r->err), 0);
    return out;
}

static cu_expr *number(rig *r, int32_t v)
{
    cu_value value = {.type = CU_TYPE(CU_T_INT4), .i4 = v};
    return cu_expr_const(r->arena, &value, nowhere);
}

/* 12 / w > v; of days: w - v between LOWER and UPPER */
static cu_expr *residual(rig *r, const shape *s)
{
    cu_type t = CU_TYPE(s->interval ? CU_T_DATE : CU_T_INT4);
    cu_expr *v = cu_expr_col(r->arena, 1, t, nowhere);
    cu_expr *w = cu_expr_col(r->arena, 3, t, nowhere);
    if (!s->interval)
        return call(r, ">", call(r, "/", number(r, 12), w), v);
    cu_expr *gap = call(r, "-", w, v);
    cu_expr **args = cu_arena_calloc(r->arena, 2, sizeof(*args));
    args[0] = call(r, ">=", gap, number(r, LOWER));
    args[1] = call(r, "<=", gap, number(r, UPPER));
    return cu_expr_nary(r->arena, CU_E_AND, CU_TYPE(CU_T_BOOL), args, 2,
                        nowhere);
}

static cu_node *node_of(rig *r, const shape *s)
{
    const char *l = s->interval ? left_days : left;
    const char *out = s->interval ? both_days : both;
    const char *keys = s->cross ? "" : "0";
    cu_node *n = rig_join(
        r, CU_N_JOIN, s->kind, is_half(s) ? l : out, rig_source(r, l),
        rig_source(r, s->interval ? right_days : right), keys, keys);
    bool *safe = cu_arena_calloc(r->arena, 1, sizeof(*safe));
    safe[0] = true;
    n->join.null_safe = s->null_safe ? safe : NULL;
    n->join.residual = s->residual ? residual(r, s) : NULL;
    if (s->interval) {
        n->join.left_time = n->join.right_time = 2;
        n->join.lower_us = INT64_C(86400000000) * LOWER;
        n->join.upper_us = INT64_C(86400000000) * UPPER;
    }
    return n;
}

static bool match(const shape *s, int k, int v, int k2, int w)
{
    if (!s->cross && (k != k2 || (k == NONE_KEY && !s->null_safe)))
        return false;
    if (s->interval)
        return v != NONE && w != NONE && w - v >= LOWER && w - v <= UPPER;
    return !s->residual || (v != NONE && w != NONE && w != 0 && 12 / w > v);
}

static void print_value(cu_buf *text, int v, int none, bool is_day)
{
    if (v == none)
        cu_buf_put_str(text, " null");
    else if (is_day)
        cu_buf_printf(text, " 2000-01-%02d", v + 1);
    else
        cu_buf_printf(text, " %d", v);
}

/* Either side may be absent: k < 0. */
static void print_row(cu_buf *text, int count, const shape *s, const int *l,
                      const int *r)
{
    static const int absent[] = {NONE_KEY, NONE};
    l = l ? l : absent;
    if (count == 0)
        return;
    cu_buf_printf(text, "%+d |", count);
    print_value(text, l[0], NONE_KEY, false);
    print_value(text, l[1], NONE, s->interval);
    if (!is_half(s)) {
        r = r ? r : absent;
        print_value(text, r[0], NONE_KEY, false);
        print_value(text, r[1], NONE, s->interval);
    }
    cu_buf_put_str(text, "\n");
}

static void expect_row(const model *m, const shape *s, int side, const int *x,
                       cu_buf *text)
{
    bool keeps = side == 0
                     ? s->kind == CU_JOIN_LEFT || s->kind == CU_JOIN_FULL
                     : s->kind == CU_JOIN_RIGHT || s->kind == CU_JOIN_FULL;
    int count = m->rows[side][x[0]][x[1]], met = 0;
    for (int k = 0; k < KEYS; k++)
        for (int v = 0; v < VALUES; v++) {
            int y[] = {k, v}, other = m->rows[!side][k][v];
            bool meets = side == 0 ? match(s, x[0], x[1], k, v)
                                   : match(s, k, v, x[0], x[1]);
            if (!meets || !other)
                continue;
            met += other;
            if (side == 0 && !is_half(s))
                print_row(text, count * other, s, x, y);
        }
    if (keeps && !met)
        print_row(text, count, s, side ? NULL : x, side ? x : NULL);
    if (side == 0 && is_half(s) && (met > 0) == (s->kind == CU_JOIN_SEMI))
        print_row(text, count, s, x, NULL);
}

/* With a NUL at its end. */
static void expected(const model *m, const shape *s, cu_buf *text)
{
    cu_buf_clear(text);
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < KEYS; k++)
            for (int v = 0; v < VALUES; v++)
                if (m->rows[side][k][v])
                    expect_row(m, s, side, (int[]){k, v}, text);
    cu_buf_put_u8(text, 0);
}

static void change(rig *r, const shape *s, model *m)
{
    int side = (int)rig_draw(r, 2);
    cu_buf text = {0};
    for (unsigned i = 1 + rig_draw(r, 12); i > 0; i--) {
        int k = (int)rig_draw(r, KEYS), v = (int)rig_draw(r, VALUES), w = 1;
        if (m->n[side] == MOST || rig_draw(r, 3) == 0) { /* a row goes */
            for (int look = KEYS * VALUES; look > 0; look--) {
                if (m->rows[side][k][v])
                    break;
                v = (v + 1) % VALUES;
                k = v ? k : (k + 1) % KEYS;
            }
            w = -1;
            if (!m->rows[side][k][v])
                continue;
        } else if (rig_draw(r, 5) == 0 && m->n[side] + 2 <= MOST) {
            w = 2;
        }
        m->rows[side][k][v] += w;
        m->n[side] += w;
        cu_buf_printf(&text, "%+d |", w);
        print_value(&text, k, NONE_KEY, false);
        print_value(&text, v, NONE, s->interval);
        cu_buf_put_str(&text, "\n");
    }
    cu_buf_put_u8(&text, 0);
    if (text.data[0])
        rig_push(r, (unsigned)side, text.data);
    cu_buf_free(&text);
}

static void run(const shape *s, uint64_t seed)
{
    rig r;
    model now = {0}, committed = {0};
    cu_buf text = {0};
    rig_open(&r, seed);
    rig_start(&r, node_of(&r, s));
    for (int round = 0; round < 12; round++) {
        for (unsigned i = rig_draw(&r, 6); i > 0; i--)
            change(&r, s, &now);
        if (rig_draw(&r, 5) == 0) {
            rig_abort(&r);
            now = committed;
            continue;
        }
        rig_commit(&r);
        r.letters[0] = 0;
        committed = now;
        expected(&now, s, &text);
        const char *want = rig_normal(&r, r.root->schema, text.data);
        const char *got = rig_integral(&r);
        cr_assert_str_eq(got, want,
                         "seed %u kind %d residual %d null_safe %d cross %d "
                         "interval %d\n"
                         "got:\n%swant:\n%s",
                         (unsigned)seed, (int)s->kind, s->residual,
                         s->null_safe, s->cross, s->interval, got, want);
        if (rig_draw(&r, 4) == 0)
            rig_reopen(&r);
    }
    cu_buf_free(&text);
    rig_close(&r);
}

static void run_kind(cu_join_kind kind)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (unsigned bits = 0; bits < 16; bits++) {
            shape s = {.kind = kind,
                       .residual = bits & 1,
                       .null_safe = bits & 2,
                       .cross = bits & 4,
                       .interval = bits & 8};
            if ((s.cross || s.interval) && (s.null_safe || seed > SEEDS / 2))
                continue;
            run(&s, seed * 16 + bits);
        }
}

Test(join_random, inner_equals_recomputation)
{
    run_kind(CU_JOIN_INNER);
}

Test(join_random, left_equals_recomputation)
{
    run_kind(CU_JOIN_LEFT);
}

Test(join_random, right_equals_recomputation)
{
    run_kind(CU_JOIN_RIGHT);
}

Test(join_random, full_equals_recomputation)
{
    run_kind(CU_JOIN_FULL);
}

Test(join_random, semi_equals_recomputation)
{
    run_kind(CU_JOIN_SEMI);
}

Test(join_random, anti_equals_recomputation)
{
    run_kind(CU_JOIN_ANTI);
}
