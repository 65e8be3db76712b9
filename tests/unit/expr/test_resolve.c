#include <criterion/criterion.h>

#include "processors/expr/int.h"
#include "rows/array.h"
#include "tests/unit/expr/mini.h"

#include <stdio.h>

/* The error and hint of an expression that does not resolve. */
static const char *refusal(cu_arena *a, const char *text, char hint[120])
{
    cu_expr *e;
    cu_err err = {.code = CU_OK};
    hint[0] = '\0';
    cr_assert_neq(mini_parse(a, text, NULL, &e, hint, &err), 0, "%s", text);
    char state[6];
    return cu_arena_printf(a, "%s %s", cu_sqlstate_text(err.sqlstate, state),
                           err.msg);
}

Test(resolve, unknown_names_get_the_nearest_one)
{
    cu_arena *a = cu_arena_new(0);
    char hint[120];
    cr_expect_str_eq(refusal(a, "lenght('abc')", hint),
                     "42883 function lenght(unknown) does not exist");
    cr_expect_str_eq(hint, "length");
    refusal(a, "date_trun('day', '2024-01-01'::date)", hint);
    cr_expect_str_eq(hint, "date_trunc");
    refusal(a, "frobnicate_everything(1)", hint);
    cr_expect_str_eq(hint, "");
    cu_arena_free(a);
}

Test(resolve, wrong_arguments_get_a_signature)
{
    cu_arena *a = cu_arena_new(0);
    char hint[120];
    cr_expect_str_eq(refusal(a, "split_part('a', 1)", hint),
                     "42883 function split_part(unknown, integer) does not "
                     "exist");
    cr_expect_str_eq(hint, "split_part(text, text, integer)");
    cr_expect_str_eq(refusal(a, "1 + true", hint),
                     "42883 operator does not exist: integer + boolean");
    cr_expect_str_eq(hint, "");
    cu_arena_free(a);
}

Test(resolve, too_many_arguments_are_refused)
{
    cu_arena *a = cu_arena_new(0);
    cu_expr *args[200];
    const cu_func *f;
    cu_type t;
    cu_err err;
    for (int i = 0; i < 200; i++)
        args[i] = cu_expr_literal(a, CU_LIT("x"), (cu_pos){0, 0});
    cr_assert_eq(cu_func_resolve(a, "concat", CU_FUNC_SCALAR, args, 200, &f, &t,
                                 NULL, &err),
                 CU_UNSUPPORTED);
    cu_arena_free(a);
}

static const cu_func *find(cu_arena *a, const char *name, unsigned kinds,
                           const cu_type *types, uint32_t n, cu_type *result,
                           cu_err *err)
{
    cu_expr *args[4];
    const cu_func *f = NULL;
    for (uint32_t i = 0; i < n; i++)
        args[i] = cu_expr_col(a, i, types[i], (cu_pos){0, 0});
    return cu_func_resolve(a, name, kinds, args, n, &f, result, NULL, err)
               ? NULL
               : f;
}

Test(resolve, aggregates_return_what_postgresql_returns)
{
    static const struct {
        const char *name;
        uint8_t arg, result, agg;
    } all[] = {
        {"sum", CU_T_INT2, CU_T_INT8, CU_AGG_SUM},
        {"sum", CU_T_INT4, CU_T_INT8, CU_AGG_SUM},
        {"sum", CU_T_INT8, CU_T_NUMERIC, CU_AGG_SUM},
        {"sum", CU_T_FLOAT4, CU_T_FLOAT4, CU_AGG_SUM},
        {"sum", CU_T_INTERVAL, CU_T_INTERVAL, CU_AGG_SUM},
        {"avg", CU_T_INT4, CU_T_NUMERIC, CU_AGG_AVG},
        {"avg", CU_T_FLOAT4, CU_T_FLOAT8, CU_AGG_AVG},
        {"min", CU_T_TEXT, CU_T_TEXT, CU_AGG_MIN},
        {"max", CU_T_DATE, CU_T_DATE, CU_AGG_MAX},
        {"count", CU_T_JSONB, CU_T_INT8, CU_AGG_COUNT},
        {"every", CU_T_BOOL, CU_T_BOOL, CU_AGG_BOOL_AND},
    };
    cu_arena *a = cu_arena_new(0);
    cu_type t;
    cu_err err;
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        const cu_func *f = find(a, all[i].name, CU_FUNC_AGGREGATE,
                                &CU_TYPE(all[i].arg), 1, &t, &err);
        cr_assert(f, "%s", all[i].name);
        cr_expect_eq(f->agg, all[i].agg);
        cr_expect_eq(t.kind, all[i].result, "%s", all[i].name);
    }
    const cu_func *f = find(a, "count", CU_FUNC_AGGREGATE, NULL, 0, &t, &err);
    cr_assert(f && f->agg == CU_AGG_COUNT_STAR);
    cr_assert_null(
        find(a, "max", CU_FUNC_AGGREGATE, &CU_TYPE(CU_T_BOOL), 1, &t, &err));
    cr_assert_str_eq(err.msg, "function max(boolean) does not exist");
    cr_assert_null(
        find(a, "sum", CU_FUNC_SCALAR, &CU_TYPE(CU_T_INT4), 1, &t, &err));
    cr_assert(cu_func_exists("sum", CU_FUNC_AGGREGATE));
    cr_assert_not(cu_func_exists("sum", CU_FUNC_SCALAR));
    cu_arena_free(a);
}

static void gives(cu_arena *a, const char *name, const cu_type *types,
                  uint32_t n, cu_agg agg, cu_type want)
{
    cu_type t;
    cu_err err = {0};
    const cu_func *f = find(a, name, CU_FUNC_AGGREGATE, types, n, &t, &err);
    cr_assert(f, "%s: %s", name, err.msg);
    cr_expect_eq(f->agg, agg);
    cr_expect(cu_type_same(t, want), "%s: %d of %d", name, t.kind, t.elem);
}

static cu_type array_of(cu_kind elem)
{
    return (cu_type){.kind = CU_T_ARRAY, .elem = (uint8_t)elem, .scale = -1};
}

/* As PostgreSQL 15 resolves them; of ordered-set ones the direct arguments
 * come first. */
Test(resolve, statistics_and_ordered_sets_are_aggregates)
{
    cu_arena *a = cu_arena_new(0);
    const cu_type f8 = CU_TYPE(CU_T_FLOAT8), text = CU_TYPE(CU_T_TEXT),
                  i4 = CU_TYPE(CU_T_INT4), num = CU_TYPE(CU_T_NUMERIC),
                  iv = CU_TYPE(CU_T_INTERVAL), json = CU_TYPE(CU_T_JSONB);
    const cu_type f8s = array_of(CU_T_FLOAT8);
    gives(a, "stddev", &i4, 1, CU_AGG_STDDEV_SAMP, num);
    gives(a, "var_pop", &CU_TYPE(CU_T_FLOAT4), 1, CU_AGG_VAR_POP, f8);
    gives(a, "bit_and", &CU_TYPE(CU_T_INT2), 1, CU_AGG_BIT_AND,
          CU_TYPE(CU_T_INT2));
    gives(a, "corr", (cu_type[]){i4, num}, 2, CU_AGG_CORR, f8);
    gives(a, "regr_count", (cu_type[]){f8, f8}, 2, CU_AGG_REGR_COUNT,
          CU_TYPE(CU_T_INT8));
    gives(a, "string_agg", (cu_type[]){text, text}, 2, CU_AGG_STRING_AGG, text);
    gives(a, "array_agg", &i4, 1, CU_AGG_ARRAY_AGG, array_of(CU_T_INT4));
    gives(a, "jsonb_agg", &iv, 1, CU_AGG_JSONB_AGG, json);
    gives(a, "jsonb_object_agg", (cu_type[]){text, i4}, 2,
          CU_AGG_JSONB_OBJECT_AGG, json);
    gives(a, "percentile_cont", (cu_type[]){num, i4}, 2, CU_AGG_PERCENTILE_CONT,
          f8);
    gives(a, "percentile_cont", (cu_type[]){f8, iv}, 2, CU_AGG_PERCENTILE_CONT,
          iv);
    gives(a, "percentile_cont", (cu_type[]){f8s, iv}, 2, CU_AGG_PERCENTILE_CONT,
          array_of(CU_T_INTERVAL));
    gives(a, "percentile_disc", (cu_type[]){num, text}, 2,
          CU_AGG_PERCENTILE_DISC, text);
    gives(a, "percentile_disc", (cu_type[]){f8s, text}, 2,
          CU_AGG_PERCENTILE_DISC, array_of(CU_T_TEXT));
    gives(a, "mode", &text, 1, CU_AGG_MODE, text);
    gives(a, CU_AGG_FIRST_NAME, &json, 1, CU_AGG_FIRST, json);
    gives(a, CU_AGG_SINGLE_NAME, &f8s, 1, CU_AGG_SINGLE, f8s);
    cu_arena_free(a);
}

Test(resolve, the_catalog_is_sorted_and_complete)
{
    uint32_t n;
    const cu_func *const *all = cu_func_all(&n);
    cr_assert_gt(n, 300);
    for (uint32_t i = 0; i < n; i++) {
        const cu_func *f = all[i];
        bool runs = f->kind == CU_FUNC_SCALAR || f->kind == CU_FUNC_OPERATOR ||
                    f->kind == CU_FUNC_CAST;
        cr_expect_eq(runs, f->kernel != NULL, "%s", f->name);
        cr_expect(f->kind == CU_FUNC_CAST || f->doc[0], "%s", f->name);
        cr_expect(f->result, "%s", f->name);
        if (i)
            cr_expect_leq(strcmp(all[i - 1]->name, f->name), 0);
        for (uint32_t k = 0; i && k < 1; k++)
            cr_expect_not(
                !strcmp(all[i - 1]->name, f->name) &&
                    all[i - 1]->kind == f->kind &&
                    all[i - 1]->n_args == f->n_args &&
                    all[i - 1]->result == f->result &&
                    !memcmp(all[i - 1]->args, f->args, sizeof(f->args)),
                "%s twice", f->name);
    }
}

Test(resolve, every_cast_that_the_rules_allow_has_a_kernel)
{
    for (uint8_t from = CU_T_BOOL; from < CU_KINDS; from++)
        for (uint8_t to = CU_T_BOOL; to < CU_KINDS; to++) {
            cu_type x = CU_TYPE(from), y = CU_TYPE(to);
            if (from == CU_T_ARRAY)
                x.elem = CU_T_INT4;
            if (to == CU_T_ARRAY)
                y.elem = CU_T_INT8;
            if (from == to && from != CU_T_ARRAY)
                continue;
            cr_expect_eq(cu_cast_exists(x, y, CU_CAST_EXPLICIT),
                         cu_cast_find(x, y, CU_CAST_EXPLICIT) != NULL,
                         "%u -> %u", from, to);
        }
}

/* --- set-returning functions ---------------------------------------------- */

/* Rows as "a,b a,b", or the error. */
static const char *rows_of(cu_arena *a, const char *name, const cu_value *args,
                           uint32_t n)
{
    cu_type types[4], t;
    cu_field cols[CU_FUNC_ARGS];
    cu_set_rows out = {0};
    cu_err err = {.code = CU_OK};
    cu_buf text = {0};
    char state[6];
    for (uint32_t i = 0; i < n; i++)
        types[i] = args[i].type;
    const cu_func *f = find(a, name, CU_FUNC_SET, types, n, &t, &err);
    cr_assert(f, "%s", err.msg);
    uint32_t n_cols = cu_set_columns(f, types, n, cols);
    if (cu_set_call(f, args, n, a, &out, &err))
        return cu_arena_printf(a, "%s %s",
                               cu_sqlstate_text(err.sqlstate, state), err.msg);
    cr_assert_eq(out.n_cols, n_cols);
    for (uint32_t i = 0; i < out.n * n_cols; i++) {
        cr_assert(cu_type_same(out.values[i].type, cols[i % n_cols].type));
        if (i)
            cu_buf_put_u8(&text, i % n_cols ? ',' : ' ');
        if (out.values[i].null)
            cu_buf_put_u8(&text, '-');
        cu_value_out(&out.values[i], NULL, &text);
    }
    const char *s = cu_arena_strn(a, text.data ? text.data : "", text.len);
    cu_buf_free(&text);
    return s;
}

static const char *json_rows(cu_arena *a, const char *name, const char *json)
{
    cu_value v = {.type = CU_TYPE(CU_T_JSONB), .s = cu_slice_of(json)};
    return rows_of(a, name, &v, 1);
}

Test(set, jsonb_functions_give_rows)
{
    cu_arena *a = cu_arena_new(0);
    cr_expect_str_eq(json_rows(a, "jsonb_array_elements", "[1, \"a\", null]"),
                     "1 \"a\" null");
    cr_expect_str_eq(
        json_rows(a, "jsonb_array_elements_text", "[1, \"a\", null]"), "1 a -");
    cr_expect_str_eq(json_rows(a, "jsonb_array_elements", "[]"), "");
    cr_expect_str_eq(
        json_rows(a, "jsonb_each", "{\"bb\": 1, \"a\": [2], \"a\": null}"),
        "a,null bb,1");
    cr_expect_str_eq(
        json_rows(a, "jsonb_each_text", "{\"b\": \"x\", \"a\": null}"),
        "a,- b,x");
    cr_expect_str_eq(json_rows(a, "jsonb_object_keys", "{\"b\": 1, \"a\": 2}"),
                     "a b");
    cu_arena_free(a);
}

Test(set, wrong_json_has_postgresqls_words)
{
    static const char *const all[][3] = {
        {"jsonb_array_elements", "{}",
         "22023 cannot extract elements from an object"},
        {"jsonb_array_elements", "1",
         "22023 cannot extract elements from a scalar"},
        {"jsonb_each", "[1]", "22023 cannot call jsonb_each on a non-object"},
        {"jsonb_each_text", "1",
         "22023 cannot call jsonb_each_text on a non-object"},
        {"jsonb_object_keys", "[1]",
         "22023 cannot call jsonb_object_keys on an array"},
        {"jsonb_object_keys", "1",
         "22023 cannot call jsonb_object_keys on a scalar"},
    };
    cu_arena *a = cu_arena_new(0);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        cr_expect_str_eq(json_rows(a, all[i][0], all[i][1]), all[i][2]);
    cu_arena_free(a);
}

static cu_value int4(int32_t v)
{
    return (cu_value){.type = CU_TYPE(CU_T_INT4), .i4 = v};
}

Test(set, series_and_arrays_give_rows)
{
    cu_arena *a = cu_arena_new(0);
    cu_value up[] = {int4(1), int4(4)};
    cu_value down[] = {int4(5), int4(1), int4(-2)};
    cu_value none[] = {int4(5), int4(1)};
    cu_value zero[] = {int4(5), int4(1), int4(0)};
    cu_value edge[] = {int4(2147483646), int4(2147483647)};
    cr_expect_str_eq(rows_of(a, "generate_series", up, 2), "1 2 3 4");
    cr_expect_str_eq(rows_of(a, "generate_series", down, 3), "5 3 1");
    cr_expect_str_eq(rows_of(a, "generate_series", none, 2), "");
    cr_expect_str_eq(rows_of(a, "generate_series", zero, 3),
                     "22023 step size cannot equal zero");
    cr_expect_str_eq(rows_of(a, "generate_series", edge, 2),
                     "2147483646 2147483647");
    up[1].null = true;
    cr_expect_str_eq(rows_of(a, "generate_series", up, 2), "");
    cu_value list[] = {int4(7), int4(8), int4(9)};
    list[1].null = true;
    cu_value array = {.type = cu_array_type(CU_T_INT4)};
    array.s = cu_array_make(a, CU_TYPE(CU_T_INT4), list, 3);
    cr_expect_str_eq(rows_of(a, "unnest", &array, 1), "7 - 9");
    cu_arena_free(a);
}

Test(set, columns_have_names_and_types)
{
    cu_arena *a = cu_arena_new(0);
    cu_type t, jsonb = CU_TYPE(CU_T_JSONB);
    cu_field cols[CU_FUNC_ARGS];
    cu_err err;
    const cu_func *f = find(a, "jsonb_each", CU_FUNC_SET, &jsonb, 1, &t, &err);
    cr_assert_eq(cu_set_columns(f, &jsonb, 1, cols), 2);
    cr_assert_str_eq(cols[0].name, "key");
    cr_assert_str_eq(cols[1].name, "value");
    cr_assert_eq(cols[1].type.kind, CU_T_JSONB);
    cu_type texts = cu_array_type(CU_T_TEXT);
    f = find(a, "unnest", CU_FUNC_SET, &texts, 1, &t, &err);
    cr_assert_eq(cu_set_columns(f, &texts, 1, cols), 1);
    cr_assert_str_eq(cols[0].name, "unnest");
    cr_assert_eq(cols[0].type.kind, CU_T_TEXT);
    cu_arena_free(a);
}
