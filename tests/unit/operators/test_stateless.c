#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const cu_pos nowhere = {-1, -1};

static cu_expr *col(rig *r, const cu_node *input, uint32_t c)
{
    return cu_expr_col(r->arena, c, input->schema->fields[c].type, nowhere);
}

static cu_expr *number(rig *r, int32_t v)
{
    cu_value value = {.type = CU_TYPE(CU_T_INT4), .i4 = v};
    return cu_expr_const(r->arena, &value, nowhere);
}

static cu_expr *call(rig *r, const char *name, cu_expr *a, cu_expr *b)
{
    cu_expr **args = cu_arena_calloc(r->arena, 2, sizeof(*args));
    cu_expr *out;
    char hint[120];
    args[0] = a;
    args[1] = b;
    int rc = cu_expr_call(r->arena, name, args, b ? 2 : 1, nowhere, &out, hint,
                          &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    return out;
}

static const char *const two = "a:int b:int";

/* WHERE 10 / a > b */
static cu_node *dividing_filter(rig *r)
{
    cu_node *in = rig_source(r, two);
    cu_node *n = rig_node(r, CU_N_FILTER, two, in);
    n->filter.predicate = call(
        r, ">", call(r, "/", number(r, 10), col(r, in, 0)), col(r, in, 1));
    return n;
}

Test(filter, only_true_rows_pass)
{
    rig r;
    rig_open(&r, 1);
    rig_start(&r, dividing_filter(&r));
    rig_push(&r, 0, "+1 | 2 4\n+1 | 2 5\n+1 | 2 null\n+1 | 1 9\n");
    rig_expect(&r, rig_commit(&r), two, "2 4\n1 9\n");
    rig_push(&r, 0, "-1 | 1 9\n-1 | 2 5\n");
    rig_expect(&r, rig_commit(&r), two, "-1 | 1 9\n");
    cr_assert_str_eq(r.letters, "");
    rig_close(&r);
}

Test(filter, a_failing_row_gets_one_letter_and_its_neighbours_go_on)
{
    rig r;
    rig_open(&r, 2);
    rig_start(&r, dividing_filter(&r));
    rig_push(&r, 0, "+1 | 2 4\n+1 | 0 4\n+2 | 0 4\n+1 | 5 1\n-1 | 0 4\n");
    rig_expect(&r, rig_commit(&r), two, "2 4\n5 1\n");
    cr_assert_str_eq(r.letters, "filter - 22012 division by zero\n"
                                "filter - 22012 division by zero\n");
    rig_close(&r);
}

static cu_node *projection(rig *r, const char *schema)
{
    cu_node *in = rig_source(r, two);
    cu_node *n = rig_node(r, CU_N_PROJECT, schema, in);
    cu_expr **e = cu_arena_calloc(r->arena, 2, sizeof(*e));
    e[0] = col(r, in, 1);
    e[1] = call(r, "/", col(r, in, 1), col(r, in, 0));
    n->project.exprs = e;
    return n;
}

Test(project, computes_columns_and_drops_failing_rows)
{
    const char *schema = "b:int q:int";
    rig r;
    rig_open(&r, 3);
    rig_start(&r, projection(&r, schema));
    rig_push(&r, 0, "+1 | 2 10\n+1 | 0 3\n+2 | null 4\n-1 | 0 9\n");
    rig_expect(&r, rig_commit(&r), schema, "10 5\n+2 | 4 null\n");
    cr_assert_str_eq(r.letters, "project q 22012 division by zero\n");
    rig_close(&r);
}

typedef struct seen {
    int64_t marks[8];
    uint32_t origins[8];
    unsigned n;
} seen;

static int look(void *ctx, const cu_batch *b, cu_err *err)
{
    seen *s = ctx;
    (void)err;
    for (uint32_t i = 0; i < b->n_sel; i++, s->n++) {
        s->marks[s->n] = b->marks[cu_batch_row(b, i)];
        s->origins[s->n] = b->origins[cu_batch_row(b, i)];
    }
    return 0;
}

static void push_marked(rig *r, const char *schema, const char *rows)
{
    static const int64_t marks[] = {100, 101, 102, 103};
    static const uint32_t origins[] = {7, 8, 9, 10};
    cu_batch *b;
    cr_assert_eq(cu_batch_parse(r->arena, schema, rows, &b, &r->err), 0);
    b->schema = r->pipeline->entries[0].node->schema;
    b->marks = marks;
    b->origins = origins;
    cr_assert_eq(cu_op_push(r->pipeline->entries[0].op, 0, b, &r->err), 0);
}

Test(project, marks_and_origins_stay_with_their_rows)
{
    rig r;
    seen s = {.n = 0};
    rig_open(&r, 4);
    rig_start(&r, projection(&r, "b:int q:int"));
    cu_op *tap = cu_tap_new(look, NULL, &s);
    cu_op_connect(r.pipeline->root, tap, 0);
    push_marked(&r, two, "1 1\n0 1\n2 2\n");
    cr_assert_eq(s.n, 2);
    cr_assert_eq(s.marks[1], 102);
    cr_assert_eq(s.origins[1], 9);
    cu_op_close(tap);
    r.pipeline->root->n_outs = 1;
    rig_close(&r);
}

/* --- flatmap ------------------------------------------------------------- */

static cu_node *unnest(rig *r, const char *schema, bool ordinality, bool outer)
{
    cu_node *in = rig_source(r, "k:int l:int[]");
    cu_node *n = rig_node(r, CU_N_FLATMAP, schema, in);
    cu_expr *arg = col(r, in, 1);
    cu_type result;
    char hint[120];
    n->flatmap.args = cu_arena_dup(r->arena, &arg, sizeof(arg));
    n->flatmap.n_args = 1;
    int rc = cu_func_resolve(r->arena, "unnest", CU_FUNC_SET, n->flatmap.args,
                             1, &n->flatmap.func, &result, hint, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    n->flatmap.ordinality = ordinality;
    n->flatmap.outer = outer;
    return n;
}

Test(flatmap, a_row_for_each_element_with_the_weight_of_its_row)
{
    const char *schema = "k:int l:int[] v:int o:int8";
    rig r;
    rig_open(&r, 5);
    rig_start(&r, unnest(&r, schema, true, false));
    rig_push(&r, 0, "+2 | 1 {5,null}\n+1 | 2 {}\n+1 | 3 null\n+1 | 4 {7}\n");
    rig_expect(&r, rig_commit(&r), schema,
               "+2 | 1 {5,NULL} 5 1\n+2 | 1 {5,NULL} null 2\n+1 | 4 {7} 7 1\n");
    rig_push(&r, 0, "-1 | 1 {5,null}\n");
    rig_expect(&r, rig_commit(&r), schema,
               "-1 | 1 {5,NULL} 5 1\n-1 | 1 {5,NULL} null 2\n");
    rig_close(&r);
}

Test(flatmap, outer_keeps_rows_without_elements)
{
    const char *schema = "k:int l:int[] v:int o:int8";
    rig r;
    rig_open(&r, 6);
    rig_start(&r, unnest(&r, schema, true, true));
    rig_push(&r, 0, "1 {}\n2 null\n3 {4}\n");
    rig_expect(&r, rig_commit(&r), schema,
               "1 {} null null\n2 null null null\n3 {4} 4 1\n");
    rig_close(&r);
}

Test(flatmap, many_elements_leave_in_several_batches)
{
    const char *schema = "k:int l:int[] v:int";
    static char rows[40000];
    rig r;
    size_t len = 0;
    rig_open(&r, 7);
    rig_start(&r, unnest(&r, schema, false, false));
    for (int row = 0; row < 2; row++) {
        len += (size_t)sprintf(rows + len, "%d {0", row);
        for (int i = 1; i < 1500; i++)
            len += (size_t)sprintf(rows + len, ",%d", i);
        len += (size_t)sprintf(rows + len, "}\n");
    }
    rig_push(&r, 0, rows);
    cr_assert_eq(r.emitted, 3000);
    unsigned sum = 0;
    for (uint32_t i = 0; i < r.n_out; i++)
        for (uint32_t k = 0; k < r.out[i]->n_rows; k++)
            sum += (unsigned)CU_COL(&r.out[i]->cols[2], int32_t)[k];
    cr_assert_eq(sum, 1500 * 1499);
    rig_commit(&r);
    rig_close(&r);
}

Test(flatmap, origins_follow_the_rows)
{
    rig r;
    seen s = {.n = 0};
    rig_open(&r, 8);
    rig_start(&r, unnest(&r, "k:int l:int[] v:int", false, false));
    cu_op *tap = cu_tap_new(look, NULL, &s);
    cu_op_connect(r.pipeline->root, tap, 0);
    push_marked(&r, "k:int l:int[]", "1 {1}\n2 {1,2}\n");
    cr_assert_eq(s.n, 3);
    cr_assert_eq(s.origins[0], 7);
    cr_assert_eq(s.origins[1], 8);
    cr_assert_eq(s.origins[2], 8);
    cr_assert_eq(s.marks[2], 101);
    cu_op_close(tap);
    r.pipeline->root->n_outs = 1;
    rig_close(&r);
}

/* --- union, values, pipelines -------------------------------------------- */

static cu_node *values_of(rig *r, const char *schema, unsigned n)
{
    cu_node *v = rig_node(r, CU_N_VALUES, schema, NULL);
    v->values.rows = cu_arena_calloc(r->arena, n, sizeof(cu_expr **));
    v->values.n = n;
    for (unsigned i = 0; i < n; i++) {
        cu_expr **row = cu_arena_calloc(r->arena, 2, sizeof(*row));
        row[0] = number(r, (int32_t)i);
        row[1] = number(r, (int32_t)(i * i));
        v->values.rows[i] = row;
    }
    return v;
}

static cu_node *united(rig *r, cu_node *a, cu_node *b, cu_node *c)
{
    cu_node *n = rig_node(r, CU_N_UNION, two, a);
    n->inputs[n->n_inputs++] = b;
    n->inputs[n->n_inputs++] = c;
    return n;
}

Test(union_all, passes_all_rows_and_the_lowest_watermark)
{
    rig r;
    rig_open(&r, 9);
    rig_start(&r, united(&r, rig_source(&r, two), rig_source(&r, two),
                         values_of(&r, two, 3)));
    cr_assert_eq(r.pipeline->n_entries, 2);
    cr_assert_eq(cu_pipeline_first_start(r.pipeline, &r.err), 0);
    rig_push(&r, 0, "7 7\n");
    rig_push(&r, 1, "+1 | 8 8\n-1 | 7 7\n");
    rig_expect(&r, rig_commit(&r), two, "0 0\n1 1\n2 4\n8 8\n");
    cu_op *a = r.pipeline->entries[0].op, *b = r.pipeline->entries[1].op;
    cr_assert_eq(cu_op_watermark(a, 0, 50, &r.err), 0);
    cr_assert_eq(r.watermark, INT64_MIN);
    cr_assert_eq(cu_op_watermark(b, 0, 40, &r.err), 0);
    cr_assert_eq(r.watermark, 40);
    cr_assert_eq(cu_op_watermark(b, 0, 70, &r.err), 0);
    cr_assert_eq(r.watermark, 50);
    rig_close(&r);
}

Test(values, more_rows_than_a_batch_holds)
{
    rig r;
    rig_open(&r, 10);
    rig_start(&r, values_of(&r, two, 2500));
    cr_assert_eq(cu_pipeline_first_start(r.pipeline, &r.err), 0);
    cr_assert_eq(r.emitted, 2500);
    cr_assert_eq(r.n_out, 3);
    rig_commit(&r);
    rig_close(&r);
}

Test(pipeline, sources_are_not_operators)
{
    rig r;
    cu_op *op;
    rig_open(&r, 11);
    cr_assert_eq(cu_op_open(rig_source(&r, two), &r.env, &op, &r.err),
                 CU_UNSUPPORTED);
    rig_start(&r, rig_source(&r, two));
    rig_push(&r, 0, "1 2\n");
    rig_expect(&r, rig_commit(&r), two, "1 2\n");
    rig_close(&r);
}

Test(pipeline, a_shared_input_is_one_operator)
{
    rig r;
    rig_open(&r, 12);
    cu_node *in = rig_source(&r, two);
    rig_start(&r, united(&r, in, in, in));
    cr_assert_eq(r.pipeline->n_ops, 2);
    rig_push(&r, 0, "1 2\n");
    rig_expect(&r, rig_commit(&r), two, "+3 | 1 2\n");
    rig_close(&r);
}

/* How many groups have how many rows: a commit of the inner aggregate must
 * reach the outer one before it commits. */
Test(pipeline, aggregates_of_aggregates_stay_exact)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        rig r;
        int now[6] = {0}, committed[6] = {0};
        rig_open(&r, seed);
        cu_node *inner = rig_aggregate(&r, "a:int c:int8", rig_source(&r, two),
                                       "0");
        rig_call(&r, inner, CU_AGG_COUNT_STAR, -1, false, -1);
        cu_node *outer = rig_aggregate(&r, "c:int8 n:int8 hi:int", inner, "1");
        rig_call(&r, outer, CU_AGG_COUNT_STAR, -1, false, -1);
        rig_call(&r, outer, CU_AGG_MAX, 0, false, -1);
        rig_start(&r, outer);
        for (int round = 0; round < 30; round++) {
            char text[512];
            size_t len = 0;
            for (int i = 0; i < 8; i++) {
                int g = (int)rig_draw(&r, 6);
                int w = now[g] && rig_draw(&r, 2) ? -1 : 1;
                now[g] += w;
                len += (size_t)sprintf(text + len, "%+d | %d 0\n", w, g);
            }
            rig_push(&r, 0, text);
            if (rig_draw(&r, 5) == 0) {
                rig_abort(&r);
                memcpy(now, committed, sizeof(now));
                continue;
            }
            rig_commit(&r);
            memcpy(committed, now, sizeof(now));
            text[0] = 0;
            len = 0;
            for (int c = 1; c < 300; c++) {
                int n = 0, hi = 0;
                for (int g = 0; g < 6; g++)
                    if (now[g] == c)
                        n++, hi = g;
                if (n)
                    len += (size_t)sprintf(text + len, "%d %d %d\n", c, n, hi);
            }
            rig_expect(&r, rig_integral(&r), "c:int8 n:int8 hi:int", text);
        }
        rig_close(&r);
    }
}
