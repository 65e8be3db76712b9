#include "tests/unit/operators/rig.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const two = "a:int b:numeric(12,2)";

typedef struct tree {
    cu_node *source, *filter, *aggregate, *rank, *top;
} tree;

static cu_expr *positive(rig *r, int32_t than)
{
    const cu_pos nowhere = {-1, -1};
    cu_value v = {.type = CU_TYPE(CU_T_INT4), .i4 = than};
    cu_expr *args[] = {cu_expr_col(r->arena, 0, CU_TYPE(CU_T_INT4), nowhere),
                       cu_expr_const(r->arena, &v, nowhere)};
    cu_expr *out;
    char hint[120];
    int rc = cu_expr_call(r->arena, ">", args, 2, nowhere, &out, hint, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    return out;
}

static void number_nodes(tree *t)
{
    cu_node *all[] = {t->source, t->filter, t->aggregate, t->rank, t->top};
    for (uint32_t i = 0; i < 5; i++)
        all[i]->id = i;
}

static tree make(rig *r)
{
    tree t;
    cu_key_col *order = cu_arena_calloc(r->arena, 1, sizeof(*order));
    t.source = rig_source(r, two);
    t.source->append_only = true;
    t.filter = rig_node(r, CU_N_FILTER, two, t.source);
    t.filter->filter.predicate = positive(r, 3);
    t.aggregate = rig_aggregate(r, "a:int n:int8 s:numeric", t.filter, "0");
    rig_call(r, t.aggregate, CU_AGG_COUNT_STAR, -1, false, -1);
    rig_call(r, t.aggregate, CU_AGG_SUM, 1, true, -1);
    t.rank = rig_node(r, CU_N_RANK, "a:int n:int8 s:numeric", t.aggregate);
    order->col = 1;
    order->flags = CU_DESC;
    t.rank->rank.order = order;
    t.rank->rank.n_order = 1;
    t.rank->rank.limit = 5;
    t.top = rig_node(r, CU_N_MATERIALIZE, "a:int n:int8 s:numeric", t.rank);
    t.top->key = rig_cols(r, "0", &t.top->n_key);
    number_nodes(&t);
    return t;
}

static void finish(rig *r)
{
    rig_start(r, rig_source(r, two));
    rig_close(r);
}

Test(plan, prints_as_an_indented_tree)
{
    rig r;
    cu_buf text = {0};
    rig_open(&r, 1);
    cu_node_print(make(&r).top, &text);
    cu_buf_put_u8(&text, 0);
    cr_assert_str_eq(
        text.data,
        "materialize -> a integer, n bigint, s numeric key(a)\n"
        "  rank by() order(n desc) limit 5 -> a integer, n bigint, s numeric\n"
        "    aggregate by(a) count(*) sum(distinct b) -> a integer, n bigint, "
        "s numeric\n"
        "      filter where((a > 3)) -> a integer, b numeric(12,2)\n"
        "        source ? -> a integer, b numeric(12,2) append-only\n",
        "%s", text.data);
    cu_buf_free(&text);
    finish(&r);
}

Test(plan, hash_changes_with_meaning_and_with_nothing_else)
{
    rig r;
    rig_open(&r, 2);
    tree a = make(&r), b = make(&r);
    uint64_t hash = cu_node_hash(a.top);
    cr_assert_eq(cu_node_hash(b.top), hash);
    b.source->pos = (cu_pos){1, 99};
    b.filter->filter.predicate->pos = (cu_pos){1, 99};
    cr_assert_eq(cu_node_hash(b.top), hash);
    b.filter->filter.predicate = positive(&r, 4);
    cr_assert_neq(cu_node_hash(b.top), hash);
    b = make(&r);
    b.rank->rank.limit = 6;
    cr_assert_neq(cu_node_hash(b.top), hash);
    b = make(&r);
    ((cu_agg_call *)b.aggregate->aggregate.calls)[1].distinct = false;
    cr_assert_neq(cu_node_hash(b.top), hash);
    b = make(&r);
    b.top->key = rig_cols(&r, "1", &b.top->n_key);
    cr_assert_neq(cu_node_hash(b.top), hash);
    b = make(&r);
    b.source->schema = rig_schema(&r, "a:int b:numeric(12,3)");
    cr_assert_neq(cu_node_hash(b.top), hash);
    b = make(&r);
    b.top->single = true;
    cr_assert_neq(cu_node_hash(b.top), hash);
    b = make(&r);
    b.rank->id = 77;
    cr_assert_neq(cu_node_hash(b.top), hash);
    finish(&r);
}

static bool note_kind(void *ctx, cu_node *n)
{
    cu_buf_printf(ctx, "%s ", cu_node_kind_name(n->kind));
    return n->kind != CU_N_RANK;
}

Test(plan, is_walked_children_first_until_told_to_stop)
{
    rig r;
    cu_buf kinds = {0};
    rig_open(&r, 3);
    cr_assert_not(cu_node_walk(make(&r).top, note_kind, &kinds));
    cr_assert(
        cu_slice_is(cu_buf_slice(&kinds), "source filter aggregate rank "));
    cu_buf_free(&kinds);
    finish(&r);
}
