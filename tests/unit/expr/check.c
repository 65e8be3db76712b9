/* Compares what our programs give with what PostgreSQL gave. */
#include "base/alloc.h"
#include "base/env.h"
#include "tests/unit/expr/mini.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { MOST_CONSTS = 64 };

/* Which constants of the tree become columns. */
typedef enum mode { FOLDED, ALL, FIRST, LAST } mode;

typedef struct spread {
    cu_arena *a;
    cu_value values[MOST_CONSTS];
    uint32_t n, seen, total;
    mode mode;
} spread;

static uint32_t count_consts(const cu_expr *e)
{
    uint32_t n = e->kind == CU_E_CONST;
    for (uint32_t i = 0; i < e->n_args; i++)
        n += count_consts(e->args[i]);
    return n;
}

static cu_expr *spread_consts(spread *s, const cu_expr *e)
{
    cu_expr *out = cu_arena_dup(s->a, e, sizeof(*e));
    if (e->kind == CU_E_CONST) {
        uint32_t at = s->seen++;
        bool take = s->mode == ALL || (s->mode == FIRST && at == 0) ||
                    (s->mode == LAST && at + 1 == s->total);
        if (!take)
            return out;
        s->values[s->n] = e->value;
        return cu_expr_col(s->a, s->n++, e->type, e->pos);
    }
    out->args = cu_arena_calloc(s->a, e->n_args, sizeof(*out->args));
    for (uint32_t i = 0; i < e->n_args; i++)
        out->args[i] = spread_consts(s, e->args[i]);
    return out;
}

/* Rows: value, NULL, value; five of them with the last dead. */
static cu_batch *rows_of(spread *s)
{
    cu_schema *schema = cu_schema_new(s->a, s->n);
    for (uint32_t i = 0; i < s->n; i++)
        schema->fields[i] = (cu_field){.name = "c", .type = s->values[i].type};
    cu_batch *b = cu_batch_new(s->a, schema, 8);
    for (uint32_t row = 0; row < 5; row++) {
        cu_batch_add(b, 1);
        for (uint32_t i = 0; row != 1 && i < s->n; i++) {
            cu_value v = s->values[i];
            v.type = schema->fields[i].type;
            cu_col_set(s->a, &b->cols[i], row, b->capacity, &v);
        }
    }
    cu_batch_seal(b);
    if (s->mode == LAST)
        return b;
    uint16_t *sel = cu_arena_alloc(s->a, 3 * sizeof(*sel));
    sel[0] = 0;
    sel[1] = 1;
    sel[2] = 3;
    return cu_batch_select(s->a, b, sel, 3);
}

static const char *fault_text(cu_arena *a, uint32_t sqlstate,
                              const char *message)
{
    char code[6];
    return cu_arena_printf(a, "%s %s", cu_sqlstate_text(sqlstate, code),
                           message);
}

static const char *shown(cu_arena *a, const cu_col *c, uint32_t row)
{
    cu_buf text = {0};
    cu_value v = cu_col_value(c, row);
    if (v.null)
        return "NULL";
    cu_value_out(&v, NULL, &text);
    const char *out = cu_arena_strn(a, text.data ? text.data : "", text.len);
    cu_buf_free(&text);
    return out;
}

static const char *answer(cu_arena *a, const cu_col *c,
                          const cu_row_faults *faults, uint32_t row)
{
    for (uint32_t i = 0; i < faults->n; i++)
        if (faults->at[i].row == row)
            return fault_text(a, faults->at[i].sqlstate, faults->at[i].message);
    return shown(a, c, row);
}

/* A message may say more after PostgreSQL's words, and very long ones are
 * cut. */
static bool agrees(const char *got, const pg_case *k)
{
    size_t n = strlen(k->value);
    if (k->type[0])
        return !strcmp(got, k->value);
    if (n > 150)
        return !strncmp(got, k->value, 150);
    return !strncmp(got, k->value, n) && (!got[n] || strchr(": ", got[n]));
}

/* False when an answer was wrong. */
static bool check_mode(const pg_case *k, const cu_expr *e, mode m, cu_arena *a,
                       const cu_expr_env *env)
{
    bool right = true;
    spread s = {.a = a, .mode = m, .total = count_consts(e)};
    cu_expr *root = spread_consts(&s, e);
    cu_batch *b = rows_of(&s);
    cu_prog *p;
    cu_col out;
    cu_err err;
    cu_row_faults *faults = cu_arena_alloc(a, sizeof(*faults));
    cr_assert_eq(cu_prog_compile(&root, 1, b->schema, env, &p, &err), 0);
    cu_prog_run(p, b, a, &out, faults);
    for (uint32_t i = 0; i < b->n_sel; i++) {
        uint32_t row = cu_batch_row(b, i);
        if (row == 1 && s.n)
            continue; /* the NULL row: it only must not disturb the others */
        const char *got = answer(a, &out, faults, row);
        right = right && agrees(got, k);
        cr_expect(right, "%s [mode %d, row %u]\n  ours: %s\n  PG:   %s", k->sql,
                  m, row, got, k->value);
        if (!right)
            break;
    }
    cu_prog_free(p);
    return right;
}

static void check_case(const pg_case *k, const cu_expr_env *env)
{
    cu_arena *a = cu_arena_new(0);
    cu_expr *e;
    cu_err err = {.code = CU_OK};
    char hint[120], name[64];
    if (mini_parse(a, k->sql, NULL, &e, hint, &err)) {
        const char *got = fault_text(a, err.sqlstate, err.msg);
        cr_expect(!k->type[0] && agrees(got, k),
                  "%s\n  ours: %s\n  PG:   %s %s", k->sql, got, k->type,
                  k->value);
        cu_arena_free(a);
        return;
    }
    if (k->type[0]) {
        cu_type t = CU_TYPE(e->type.kind);
        t.elem = e->type.elem;
        cr_expect_str_eq(cu_type_name(t, name), k->type,
                         "%s\n  ours: %s\n  PG:   %s", k->sql,
                         cu_type_name(t, name), k->type);
    }
    for (mode m = FOLDED; m <= LAST; m++)
        if (!check_mode(k, e, m, a, env))
            break;
    cu_arena_free(a);
}

void check_cases(const pg_case *cases, size_t n)
{
    cu_env *world = cu_env_real(false);
    cu_expr_env env = {.env = world, .zone = cu_zone_utc()};
    for (size_t i = 0; i < n; i++)
        check_case(&cases[i], &env);
    world->vt->close(world);
}
