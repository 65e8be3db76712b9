/* Results: ORDER BY, LIMIT, OFFSET and columns of COPY and query. */
#include "base/alloc.h"
#include "processors/runtime/runtime.h"

#include <criterion/criterion.h>

typedef struct rig {
    cu_arena *a;
    cu_batch *rows;
    cu_view_def view;
    cu_copy_def copy;
} rig;

static const uint16_t both[] = {0, 1};

static rig rig_new(const char *rows)
{
    rig r = {.a = cu_arena_new(0)};
    cu_err err = {0};
    int rc = cu_batch_parse(r.a, "i:int s:text", rows, &r.rows, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    r.view.schema = r.rows->schema;
    r.copy = (cu_copy_def){.limit = -1, .n_cols = 2, .cols = both};
    return r;
}

static void expect(rig *r, const char *want)
{
    cu_err err = {0};
    r->copy.view = &r->view;
    cu_result *res = cu_result_new(&r->copy);
    cu_result_add(res, r->rows, &err);
    cu_buf out = {0};
    const cu_batch *b;
    while ((b = cu_result_next(res)) != NULL)
        cu_batch_print(b, &out);
    cu_buf_put_u8(&out, 0);
    cr_expect_str_eq(out.data, want);
    cu_buf_free(&out);
    cu_result_free(res);
    cu_arena_free(r->a);
}

Test(result, rows_are_sorted_by_the_keys_of_order_by)
{
    rig r = rig_new("2 b\n1 z\nnull a\n1 c");
    const cu_key_col order[] = {{0, CU_DESC | CU_NULLS_FIRST}, {1, 0}};
    r.copy.order = order;
    r.copy.n_order = 2;
    expect(&r, "+1 | null a\n+1 | 2 b\n+1 | 1 c\n+1 | 1 z\n");
}

Test(result, limit_and_offset_cut_the_sorted_rows)
{
    rig r = rig_new("5 e\n4 d\n3 c\n2 b\n1 a");
    const cu_key_col order[] = {{0, 0}};
    r.copy.order = order;
    r.copy.n_order = 1;
    r.copy.limit = 2;
    r.copy.offset = 1;
    expect(&r, "+1 | 2 b\n+1 | 3 c\n");
}

Test(result, a_row_of_weight_three_stands_there_three_times)
{
    rig r = rig_new("+3 | 1 a\n+1 | 2 b");
    expect(&r, "+1 | 1 a\n+1 | 1 a\n+1 | 1 a\n+1 | 2 b\n");
}

Test(result, hidden_columns_sort_but_are_not_shown)
{
    rig r = rig_new("2 a\n1 b");
    const cu_key_col order[] = {{0, 0}};
    static const uint16_t second[] = {1};
    r.copy.order = order;
    r.copy.n_order = 1;
    r.copy.cols = second;
    r.copy.n_cols = 1;
    expect(&r, "+1 | b\n+1 | a\n");
}

Test(result, an_empty_result_has_no_batches)
{
    rig r = rig_new("1 a");
    r.copy.limit = 0;
    expect(&r, "");
}
