#include <criterion/criterion.h>

#include "processors/expr/int.h"
#include "tests/unit/expr/mini.h"

static const char schema_text[] = "x:int y:int s:text w:jsonb t:timestamptz";

static cu_expr *parse(cu_arena *a, const char *text)
{
    cu_schema *schema;
    cu_expr *e;
    cu_err err;
    cr_assert_eq(cu_schema_parse(a, schema_text, &schema, &err), 0);
    cr_assert_eq(mini_parse(a, text, schema, &e, NULL, &err), 0, "%s: %s", text,
                 err.msg);
    return e;
}

static const char *printed(cu_arena *a, const cu_expr *e)
{
    cu_schema *schema;
    cu_err err;
    cu_buf text = {0};
    cu_schema_parse(a, schema_text, &schema, &err);
    cu_expr_print(e, schema, &text);
    const char *s = cu_arena_strn(a, text.data, text.len);
    cu_buf_free(&text);
    return s;
}

Test(expr, prints_as_sql)
{
    static const char *const pairs[][2] = {
        {"x + y * 2", "(x + (y * 2))"},
        {"-x", "(- x)"},
        {"w ->> 'a'", "(w ->> 'a')"},
        {"(w ->> 'it''s')::int", "(w ->> 'it''s')::integer"},
        {"x::numeric(12,2)", "x::numeric::numeric(12,2)"},
        {"s is not null", "(s IS NOT NULL)"},
        {"not x = y", "(NOT (x = y))"},
        {"x is distinct from y", "(x IS DISTINCT FROM y)"},
        {"x = any(array[1, y])", "(x = ANY (ARRAY[1, y]))"},
        {"x > 1 and y > 2 or s = 'a'", "(((x > 1) AND (y > 2)) OR (s = 'a'))"},
        {"case when x > 1 then s else null end",
         "CASE WHEN (x > 1) THEN s ELSE NULL END"},
        {"coalesce(s, 'none')", "COALESCE(s, 'none')"},
        {"t > '2024-01-02'",
         "(t > '2024-01-02 00:00:00+00'::timestamp with time zone)"},
        {"now() - t", "(now() - t)"},
        {"left(s, 3)", "left(s, 3)"},
        {"1.50 > 2", "(1.50 > 2::numeric)"},
    };
    cu_arena *a = cu_arena_new(0);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        cr_expect_str_eq(printed(a, parse(a, pairs[i][0])), pairs[i][1]);
    cu_arena_free(a);
}

Test(expr, without_names_columns_are_numbers)
{
    cu_arena *a = cu_arena_new(0);
    cu_buf text = {0};
    cu_expr_print(parse(a, "y + 1"), NULL, &text);
    cr_assert(cu_slice_is(cu_buf_slice(&text), "($2 + 1)"));
    cu_buf_free(&text);
    cu_arena_free(a);
}

Test(expr, same_structure_is_same)
{
    cu_arena *a = cu_arena_new(0);
    cr_assert(cu_expr_same(parse(a, "x + y * 2"), parse(a, "x + y*2")));
    cr_assert_not(cu_expr_same(parse(a, "x + y"), parse(a, "y + x")));
    cr_assert_not(cu_expr_same(parse(a, "x + 1"), parse(a, "x + 2")));
    cr_assert_not(cu_expr_same(parse(a, "1.0"), parse(a, "1.00")));
    cr_assert_not(cu_expr_same(parse(a, "x - y"), parse(a, "x + y")));
    cr_assert(cu_expr_same(parse(a, "s = 'a'"), parse(a, "s = 'a'")));
    cr_assert(cu_expr_same(parse(a, "null::int"), parse(a, "null::int")));
    cr_assert_not(cu_expr_same(parse(a, "null::int"), parse(a, "null::text")));
    cr_assert(cu_expr_same(parse(a, "'1 day'::interval"),
                           parse(a, "'1 day'::interval")));
    cr_assert_not(cu_expr_same(parse(a, "'1 day'::interval"),
                               parse(a, "'24:00'::interval")));
    cu_arena_free(a);
}

Test(expr, substitute_inlines_a_projection)
{
    cu_arena *a = cu_arena_new(0);
    cu_expr *cols[5];
    for (uint32_t i = 0; i < 5; i++)
        cols[i] = parse(a, "y * 10");
    cu_expr *e = parse(a, "x + 1");
    cr_assert_str_eq(printed(a, cu_expr_substitute(a, e, cols, 5)),
                     "((y * 10) + 1)");
    cr_assert_str_eq(printed(a, e), "(x + 1)");
    uint32_t map[] = {1, 0, 2, 3, 4};
    cr_assert_str_eq(printed(a, cu_expr_remap(a, parse(a, "x - y"), map)),
                     "(y - x)");
    cu_arena_free(a);
}

Test(expr, knows_what_it_depends_on)
{
    cu_arena *a = cu_arena_new(0);
    bool used[5] = {false};
    cu_expr_columns(parse(a, "case when y > 0 then s end"), used, 5);
    cr_assert(!used[0] && used[1] && used[2] && !used[3]);
    cr_assert(cu_expr_is_const(parse(a, "1 + length('a')")));
    cr_assert_not(cu_expr_is_const(parse(a, "x + 1")));
    cr_assert_not(cu_expr_is_const(parse(a, "now()")));
    cr_assert(cu_expr_uses_clock(parse(a, "now() - t > '1 day'")));
    cr_assert_not(cu_expr_uses_clock(parse(a, "t")));
    cr_assert_not(cu_expr_is_volatile(parse(a, "x + y")));
    cu_arena_free(a);
}

Test(expr, fold_gives_values_and_errors)
{
    cu_arena *a = cu_arena_new(0);
    cu_value v;
    cu_err err = {.code = CU_OK};
    cr_assert_eq(cu_expr_fold(a, parse(a, "upper('a') || 'b'"), &v, &err), 0);
    cr_assert(cu_slice_is(v.s, "Ab"));
    cr_assert_eq(cu_expr_fold(a, parse(a, "1.5 * 2"), &v, &err), 0);
    cr_assert_eq(v.num.scale, 1);
    cr_assert_eq(cu_expr_fold(a, parse(a, "1 / 0"), &v, &err), CU_SQL);
    cr_assert_str_eq(err.msg, "division by zero");
    cr_assert_neq(cu_expr_fold(a,
                               parse(a, "'2024-01-01'::timestamp at time "
                                        "zone 'Europe/Oslo'"),
                               &v, &err),
                  0);
    cr_assert_eq(cu_expr_fold(a, parse(a, "1 / 0"), &v, &err), CU_SQL);
    cr_assert_eq(err.sqlstate, CU_SQLSTATE('2', '2', '0', '1', '2'));
    cu_arena_free(a);
}

/* --- casts ---------------------------------------------------------------- */

static int cast(cu_arena *a, const char *text, const char *type,
                cu_cast_context ctx, cu_err *err)
{
    cu_type t;
    cu_expr *out;
    cr_assert_eq(cu_type_parse(cu_slice_of(type), &t, err), 0);
    int rc = cu_expr_cast(a, parse(a, text), t, ctx, &out, err);
    if (!rc) {
        cr_assert(cu_type_same(out->type, t));
        cr_assert_eq(out->type.precision, t.precision);
    }
    return rc;
}

Test(expr, contexts_allow_what_postgresql_allows)
{
    cu_arena *a = cu_arena_new(0);
    cu_err err;
    const cu_cast_context i = CU_CAST_IMPLICIT, s = CU_CAST_ASSIGNMENT,
                          x = CU_CAST_EXPLICIT;
    cr_expect_eq(cast(a, "x", "bigint", i, &err), 0);
    cr_expect_eq(cast(a, "x", "numeric(12,2)", i, &err), 0);
    cr_expect_neq(cast(a, "x", "smallint", i, &err), 0);
    cr_expect_eq(cast(a, "x", "smallint", s, &err), 0);
    cr_expect_neq(cast(a, "x", "text", i, &err), 0);
    cr_expect_eq(cast(a, "x", "text", s, &err), 0);
    cr_expect_neq(cast(a, "s", "int", s, &err), 0);
    cr_expect_eq(cast(a, "s", "int", x, &err), 0);
    cr_expect_neq(cast(a, "x", "boolean", s, &err), 0);
    cr_expect_eq(cast(a, "x", "boolean", x, &err), 0);
    cr_expect_neq(cast(a, "w", "int", s, &err), 0);
    cr_expect_eq(cast(a, "w", "int", x, &err), 0);
    cr_expect_eq(cast(a, "array[x]", "bigint[]", i, &err), 0);
    cr_expect_neq(cast(a, "array[x]", "smallint[]", i, &err), 0);
    cr_expect_eq(cast(a, "'2024-01-01'::date", "timestamptz", i, &err), 0);
    cr_expect_neq(cast(a, "x", "date", x, &err), 0);
    cr_expect_str_eq(err.msg, "cannot cast type integer to date");
    cr_expect_eq(err.sqlstate, CU_SQLSTATE('4', '2', '8', '4', '6'));
    cu_arena_free(a);
}

Test(expr, varchar_cuts_when_asked_and_refuses_in_assignments)
{
    cu_arena *a = cu_arena_new(0);
    cu_type t;
    cu_expr *out;
    cu_value v;
    cu_err err;
    cr_assert_eq(cu_type_parse(CU_LIT("varchar(3)"), &t, &err), 0);
    cr_assert_eq(
        cu_expr_cast(a, parse(a, "'abcdef'"), t, CU_CAST_EXPLICIT, &out, &err),
        0);
    cr_assert(cu_slice_is(out->value.s, "abc"));
    cr_assert_neq(cu_expr_cast(a, parse(a, "'abcdef'"), t, CU_CAST_ASSIGNMENT,
                               &out, &err),
                  0);
    cr_assert_str_eq(err.msg, "value too long for type character varying(3)");
    cr_assert_eq(err.sqlstate, CU_SQLSTATE('2', '2', '0', '0', '1'));
    cr_assert_eq(cu_expr_cast(a, parse(a, "'abc   '::text"), t,
                              CU_CAST_ASSIGNMENT, &out, &err),
                 0);
    cr_assert_eq(cu_expr_fold(a, out, &v, &err), 0);
    cr_assert(cu_slice_is(v.s, "abc"));
    cu_arena_free(a);
}

Test(expr, unify_finds_the_common_type)
{
    cu_arena *a = cu_arena_new(0);
    cu_type t;
    cu_err err;
    cu_expr *list[3] = {parse(a, "x"), parse(a, "null"), parse(a, "2.5")};
    cr_assert_eq(cu_expr_unify(a, list, 3, "UNION", &t, &err), 0);
    cr_assert_eq(t.kind, CU_T_NUMERIC);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(list[i]->type.kind, CU_T_NUMERIC);
    cu_expr *texts[2] = {parse(a, "null"), parse(a, "'a'")};
    cr_assert_eq(cu_expr_unify(a, texts, 2, "VALUES", &t, &err), 0);
    cr_assert_eq(t.kind, CU_T_TEXT);
    cu_expr *clash[2] = {parse(a, "x"), parse(a, "s")};
    cr_assert_eq(cu_expr_unify(a, clash, 2, "UNION", &t, &err), CU_SQL);
    cr_assert_str_eq(err.msg, "UNION types integer and text cannot be matched");
    cu_expr *typed[2] = {parse(a, "1::numeric(5,2)"),
                         parse(a, "2::numeric(5,2)")};
    cr_assert_eq(cu_expr_unify(a, typed, 2, "UNION", &t, &err), 0);
    cr_assert_eq(t.precision, 5);
    cu_arena_free(a);
}
