#include <criterion/criterion.h>

#include "base/alloc.h"
#include "tests/unit/expr/mini.h"

/* One program over a text table, with everything that it needs. */
typedef struct fixture {
    cu_arena *a;
    cu_batch *b;
    cu_prog *p;
    cu_col out[4];
    cu_row_faults faults;
    cu_expr_env env;
} fixture;

static fixture f;

static void compile(const char *schema, const char *rows,
                    const char *const *exprs, uint32_t n)
{
    cu_expr *trees[4];
    cu_err err;
    f.a = cu_arena_new(0);
    cr_assert_eq(cu_batch_parse(f.a, schema, rows, &f.b, &err), 0, "%s",
                 err.msg);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(
            mini_parse(f.a, exprs[i], f.b->schema, &trees[i], NULL, &err), 0,
            "%s: %s", exprs[i], err.msg);
    cr_assert_eq(cu_prog_compile(trees, n, f.b->schema, &f.env, &f.p, &err), 0);
}

static void run(const char *schema, const char *rows, const char *expr)
{
    compile(schema, rows, &expr, 1);
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
}

static void done(void)
{
    cu_prog_free(f.p);
    cu_arena_free(f.a);
    memset(&f, 0, sizeof(f));
}

/* The live rows of result 0, separated by blanks; faulty rows as !. */
static const char *results(void)
{
    cu_buf text = {0};
    for (uint32_t i = 0; i < f.b->n_sel; i++) {
        uint32_t row = cu_batch_row(f.b, i);
        if (i)
            cu_buf_put_u8(&text, ' ');
        if (f.faults.rows[row >> 6] >> (row & 63) & 1) {
            cr_expect(cu_col_is_null(&f.out[0], row));
            cu_buf_put_u8(&text, '!');
        } else if (cu_col_is_null(&f.out[0], row)) {
            cu_buf_put_u8(&text, '-');
        } else {
            cu_col_out(&f.out[0], row, NULL, &text);
        }
    }
    const char *s = cu_arena_strn(f.a, text.data ? text.data : "", text.len);
    cu_buf_free(&text);
    return s;
}

static const char *code(void)
{
    cu_buf text = {0};
    cu_prog_print(f.p, &text);
    const char *s = cu_arena_strn(f.a, text.data, text.len);
    cu_buf_free(&text);
    return s;
}

/* --- faults -------------------------------------------------------------- */

Test(prog, a_failing_row_leaves_its_neighbours_alone)
{
    run("x:int y:int", "6 2\n1 0\n9 3\n5 0", "x / y");
    cr_assert_str_eq(results(), "3 ! 3 !");
    cr_assert_eq(f.faults.n, 2);
    cr_assert_eq(f.faults.at[0].row, 1);
    cr_assert_eq(f.faults.at[0].sqlstate, CU_SQLSTATE('2', '2', '0', '1', '2'));
    cr_assert_str_eq(f.faults.at[0].message, "division by zero");
    done();
}

Test(prog, a_failing_row_fails_the_same_way_again)
{
    run("x:int", "2147483647\n1", "x + 1");
    cr_assert_str_eq(results(), "! 2");
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
    cr_assert_str_eq(results(), "! 2");
    cr_assert_eq(f.faults.n, 1);
    cr_assert_str_eq(f.faults.at[0].message, "integer out of range");
    done();
}

Test(prog, a_fault_names_the_expression_and_the_first_one_counts)
{
    const char *exprs[] = {"x + 1", "1 / x", "x::text::bool"};
    compile("x:int", "0\n5", exprs, 3);
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
    cr_assert_eq(f.faults.n, 2);
    cr_assert_eq(f.faults.at[0].row, 0);
    cr_assert_eq(f.faults.at[0].expr, 1);
    cr_assert_eq(f.faults.at[1].row, 1);
    cr_assert_eq(f.faults.at[1].expr, 2);
    done();
}

Test(prog, rows_that_are_dead_or_null_cannot_fail)
{
    const char *expr = "x / y";
    compile("x:int y:int", "6 2\n1 0\nnull 0\n8 4", &expr, 1);
    uint16_t live[] = {0, 2, 3};
    f.b = cu_batch_select(f.a, f.b, live, 3);
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
    cr_assert_str_eq(results(), "3 - 2");
    cr_assert_eq(f.faults.n, 0);
    done();
}

Test(prog, a_constant_that_fails_fails_only_the_rows_that_reach_it)
{
    run("x:int", "1\n2\n3", "case when x = 2 then 1 / 0 else x end");
    cr_assert_str_eq(results(), "1 ! 3");
    done();
    run("x:int", "1\n2", "x + 1 / 0");
    cr_assert_str_eq(results(), "! !");
    cr_assert_eq(f.faults.n, 2);
    done();
}

/* --- arms ----------------------------------------------------------------- */

Test(prog, case_evaluates_an_arm_only_where_it_is_taken)
{
    run("x:int", "0\n4\nnull\n5", "case when x <> 0 then 100 / x else -1 end");
    cr_assert_str_eq(results(), "-1 25 -1 20");
    cr_assert_eq(f.faults.n, 0);
    done();
}

Test(prog, a_condition_is_not_asked_about_rows_that_were_taken)
{
    run("x:int", "0\n2\n10",
        "case when x = 0 then 'zero' when 10 / x > 2 then 'big' "
        "else 'small' end");
    cr_assert_str_eq(results(), "zero big small");
    done();
}

Test(prog, and_or_stop_when_decided)
{
    run("x:int", "0\n1\n20\nnull", "x <> 0 and 10 / x > 0");
    cr_assert_str_eq(results(), "f t f -");
    done();
    run("x:int", "0\n1\n20\nnull", "x = 0 or 10 / x > 0");
    cr_assert_str_eq(results(), "t t f -");
    done();
    run("x:int y:int", "0 0\n5 0\n0 5\n5 5",
        "x <> 0 and y <> 0 and x / y = 1 and y / x = 1");
    cr_assert_str_eq(results(), "f f f t");
    cr_assert_eq(f.faults.n, 0);
    done();
}

Test(prog, null_does_not_decide_but_what_follows_may)
{
    run("a:bool x:int", "null 0\nnull 5\nf 0\nt 0\nt 5", "a and 1 / x = 0");
    cr_assert_str_eq(results(), "! - f ! t");
    done();
    run("a:bool b:bool", "null null\nnull t\nnull f\nt null\nf null\nt f",
        "a and b");
    cr_assert_str_eq(results(), "- - f - f f");
    done();
    run("a:bool b:bool", "null null\nnull t\nnull f\nt null\nf null\nt f",
        "a or b");
    cr_assert_str_eq(results(), "- t - t - t");
    done();
}

Test(prog, coalesce_evaluates_what_follows_only_for_nulls)
{
    run("x:int y:int", "1 0\nnull 2\nnull 0\nnull null",
        "coalesce(x, 10 / y, -1)");
    cr_assert_str_eq(results(), "1 5 ! -1");
    done();
}

Test(prog, nested_arms_see_the_rows_of_both)
{
    run("x:int y:int", "1 0\n1 2\n0 0\n0 4",
        "case when x = 1 then case when y = 0 then 0 else 10 / y end "
        "else case when y = 0 then -1 else 100 / y end end");
    cr_assert_str_eq(results(), "0 5 -1 25");
    cr_assert_eq(f.faults.n, 0);
    done();
}

Test(prog, arms_respect_the_live_rows_of_the_batch)
{
    const char *expr = "case when x > 1 then x * 10 else x end";
    compile("x:int", "1\n2\n3\n4", &expr, 1);
    uint16_t live[] = {1, 3};
    f.b = cu_batch_select(f.a, f.b, live, 2);
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
    cr_assert_str_eq(results(), "20 40");
    done();
}

Test(prog, an_empty_arm_is_skipped)
{
    run("x:int", "5\n6", "case when x < 0 then 1 / (x - 5) else x end");
    cr_assert_str_eq(results(), "5 6");
    done();
    run("x:int s:text", "1 a", "x < 0 and s::int = 1 and s::bool");
    cr_assert_str_eq(results(), "f");
    done();
}

/* --- the compiler --------------------------------------------------------- */

Test(prog, common_parts_are_computed_once)
{
    const char *exprs[] = {"(x + y) * (x + y)", "x + y"};
    compile("x:int y:int", "1 2", exprs, 2);
    cr_assert_str_eq(code(), "v2 = + $1 $2\nv3 = * v2 v2\nout v3 v2\n");
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
    cr_assert_str_eq(results(), "9");
    done();
}

Test(prog, a_part_of_an_arm_is_not_used_outside_it)
{
    const char *exprs[] = {"case when x > 0 then 10 / x else 0 end", "10 / x"};
    compile("x:int", "5\n0", exprs, 2);
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
    cr_assert_eq(f.faults.n, 1);
    cr_assert_eq(f.faults.at[0].row, 1);
    cr_assert_eq(f.faults.at[0].expr, 1);
    cr_assert_eq(CU_COL(&f.out[0], int32_t)[1], 0);
    cr_assert_not(cu_col_is_null(&f.out[0], 1));
    done();
    const char *twice[] = {"10 / x", "case when x > 0 then 10 / x else 0 end"};
    compile("x:int", "5", twice, 2);
    cr_assert_null(strstr(strstr(code(), "/") + 1, "/"));
    done();
}

Test(prog, constants_are_folded)
{
    const char *expr = "x + (1 + 2) * length('abc')";
    compile("x:int", "1", &expr, 1);
    cr_assert_str_eq(code(), "v6 = + $1 9\nout v6\n");
    done();
    const char *known[] = {"case when true then x else 1 / x end",
                           "coalesce(null, x, 1 / x)", "x > 0 and false",
                           "x + null"};
    compile("x:int", "1", known, 1);
    cr_assert_str_eq(code(), "out $1\n");
    done();
    compile("x:int", "1", known + 2, 2);
    cr_assert_str_eq(code(), "out false NULL\n");
    done();
}

Test(prog, what_folding_left_over_does_not_run)
{
    run("x:int", "0", "1 / x > 0 and false");
    cr_assert_str_eq(results(), "f");
    cr_assert_eq(f.faults.n, 0);
    done();
    run("x:int", "0", "1 / x + null::int");
    cr_assert_str_eq(results(), "-");
    done();
}

Test(prog, columns_are_lent_not_copied)
{
    run("s:text", "abc\nde", "s");
    cr_assert_eq(f.out[0].data, f.b->cols[0].data);
    done();
}

Test(prog, now_is_the_clock_of_the_commit)
{
    f.env.now_us = 0;
    run("x:int", "1\n2", "now() + '1 hour'::interval");
    cr_assert_str_eq(results(),
                     "2000-01-01 01:00:00+00 2000-01-01 01:00:00+00");
    f.env.now_us = INT64_C(86400000000);
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
    cr_assert_str_eq(results(),
                     "2000-01-02 01:00:00+00 2000-01-02 01:00:00+00");
    done();
}

Test(prog, constant_columns_stay_constant_and_fail_all_rows)
{
    const char *expr = "x + 1";
    compile("x:int", "7\n7\n7", &expr, 1);
    cu_value v = cu_batch_value(f.b, 0, 0);
    f.b->cols[0] = cu_col_const(f.a, &v);
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
    cr_assert_eq(f.out[0].form, CU_CONST);
    cr_assert_str_eq(results(), "8 8 8");
    v.i4 = INT32_MAX;
    f.b->cols[0] = cu_col_const(f.a, &v);
    cu_prog_run(f.p, f.b, f.a, f.out, &f.faults);
    cr_assert_str_eq(results(), "! ! !");
    cr_assert_eq(f.faults.n, 3);
    done();
}

Test(prog, no_memory_is_taken_from_the_heap_once_settled)
{
    const char *expr = "upper(s) || '-' || (n * 2)::text";
    compile("s:text n:numeric", "abc 1.5\ndef 22.75", &expr, 1);
    cu_arena *a = cu_arena_new(0);
    size_t used[3];
    for (int i = 0; i < 3; i++) {
        cu_arena_reset(a);
        cu_prog_run(f.p, f.b, a, f.out, &f.faults);
        used[i] = cu_arena_used_bytes(a);
    }
    cr_assert_eq(used[1], used[2]);
    cr_assert_str_eq(results(), "ABC-3.0 DEF-45.50");
    cu_arena_free(a);
    done();
}

/* --- filters -------------------------------------------------------------- */

static uint32_t filter(const char *schema, const char *rows, const char *expr,
                       uint16_t *sel)
{
    compile(schema, rows, &expr, 1);
    return cu_prog_filter(f.p, f.b, f.a, sel, &f.faults);
}

Test(prog, a_filter_keeps_rows_that_are_true)
{
    uint16_t sel[CU_BATCH_ROWS];
    uint32_t n = filter("x:int", "1\n5\nnull\n7", "x > 3", sel);
    cr_assert_eq(n, 2);
    cr_assert_eq(sel[0], 1);
    cr_assert_eq(sel[1], 3);
    done();
    cr_assert_eq(filter("x:int", "1\n5", "true", sel), 2);
    done();
    cr_assert_eq(filter("x:int", "1\n5", "null::bool", sel), 0);
    done();
}

Test(prog, a_filter_drops_faulty_rows)
{
    uint16_t sel[CU_BATCH_ROWS];
    uint32_t n = filter("x:int", "0\n5", "1 / x >= 0 or x = 0", sel);
    cr_assert_eq(n, 1);
    cr_assert_eq(sel[0], 1);
    cr_assert_eq(f.faults.n, 1);
    done();
}

/* --- many rows: dense loops against the rows one by one ------------------- */

Test(prog, a_full_batch_gives_what_single_rows_give)
{
    const char *exprs[] = {"x + y * 2 - 7", "x % 7 = 3 and y > 100",
                           "case when y % 3 = 0 then x / (y % 5) else y end",
                           "coalesce(nullif(x, y), -x)"};
    cu_err err;
    cu_schema *schema;
    f.a = cu_arena_new(0);
    cr_assert_eq(cu_schema_parse(f.a, "x:int y:int", &schema, &err), 0);
    cu_batch *all = cu_batch_new(f.a, schema, CU_BATCH_ROWS);
    cu_expr *trees[4];
    for (uint32_t i = 0; i < CU_BATCH_ROWS; i++) {
        cu_value v = {.type = CU_TYPE(CU_T_INT4), .i4 = (int32_t)(i * 37)};
        cu_batch_add(all, 1);
        if (i % 11)
            cu_col_set(f.a, &all->cols[0], i, CU_BATCH_ROWS, &v);
        v.i4 = (int32_t)(i * i % 1009);
        if (i % 13)
            cu_col_set(f.a, &all->cols[1], i, CU_BATCH_ROWS, &v);
    }
    cu_batch_seal(all);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(mini_parse(f.a, exprs[i], schema, &trees[i], NULL, &err),
                     0);
    cr_assert_eq(cu_prog_compile(trees, 4, schema, NULL, &f.p, &err), 0);
    cu_prog_run(f.p, all, f.a, f.out, &f.faults);
    cr_assert_gt(f.faults.n, 50);
    for (uint16_t row = 0; row < CU_BATCH_ROWS; row++) {
        cu_batch *one = cu_batch_select(f.a, all, &row, 1);
        cu_col out[4];
        cu_row_faults *faults = cu_arena_alloc(f.a, sizeof(*faults));
        cu_prog_run(f.p, one, f.a, out, faults);
        cr_assert_eq(faults->n, f.faults.rows[row / 64] >> (row % 64) & 1);
        for (int i = 0; i < 4; i++) {
            cu_value x = cu_col_value(&f.out[i], row);
            cu_value y = cu_col_value(&out[i], row);
            cr_assert_eq(x.null, y.null, "row %u of %s", row, exprs[i]);
            if (!x.null && x.type.kind == CU_T_BOOL)
                cr_assert_eq(x.b, y.b);
            else if (!x.null)
                cr_assert_eq(x.i4, y.i4);
        }
    }
    done();
}
