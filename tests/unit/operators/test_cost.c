/* The cost law: what a change costs does not grow with its group, partition or
 * key, but with what it makes.  The counter is of bytes that the state is asked
 * for and given, and of rows; the cache is small, so that nothing hides in it.
 * (Joins, sessions, window functions and history count by themselves.) */
#include "tests/unit/operators/aggregates.h"

#include "base/kv.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { SMALL = 1000, CHANGES = 60, CHUNK = 250 };

/* --- a kv that counts ----------------------------------------------------- */

static const cu_kv_vt *real;
static cu_kv_vt counting;
static uint64_t bytes;

static int get(cu_kv *kv, cu_slice key, cu_arena *a, cu_slice *v, cu_err *err)
{
    int rc = real->get(kv, key, a, v, err);
    bytes += key.len + v->len;
    return rc;
}

static int multi_get(cu_kv *kv, size_t n, const cu_slice *keys, cu_arena *a,
                     cu_slice *values, cu_err *err)
{
    int rc = real->multi_get(kv, n, keys, a, values, err);
    for (size_t i = 0; i < n; i++)
        bytes += keys[i].len + values[i].len;
    return rc;
}

static int write(cu_kv *kv, const cu_kv_batch *b, bool sync, cu_err *err)
{
    bytes += b->ops.len;
    return real->write(kv, b, sync, err);
}

static bool next(cu_kv_iter *it, cu_slice *key, cu_slice *value)
{
    bool is = real->iter_next(it, key, value);
    bytes += is ? key->len + value->len : 0;
    return is;
}

static bool prev(cu_kv_iter *it, cu_slice *key, cu_slice *value)
{
    bool is = real->iter_prev(it, key, value);
    bytes += is ? key->len + value->len : 0;
    return is;
}

static void count(cu_kv *kv)
{
    real = kv->vt;
    counting = *real;
    counting.get = get;
    counting.multi_get = multi_get;
    counting.write = write;
    counting.iter_next = next;
    counting.iter_prev = prev;
    kv->vt = &counting;
}

/* --- one operator --------------------------------------------------------- */

typedef struct costing {
    const char *what;
    cu_node *(*node)(rig *r);
    unsigned fill;       /* the entry that gets the many rows */
    const char *row;     /* of them, with the number */
    const char *first;   /* into the other entry before; NULL: nothing */
    unsigned at;         /* the entry of the changes */
    const char *changes; /* one commit, and */
    const char *back;    /* the next */
} costing;

static uint64_t cost(const costing *c, int n)
{
    rig r;
    char text[CHUNK * 40];
    rig_open(&r, 12);
    r.env.cache_bytes = 2000;
    count(r.kv);
    rig_start(&r, c->node(&r));
    if (c->first)
        rig_push(&r, !c->fill, c->first);
    for (int i = 0; i < n;) {
        size_t len = 0;
        for (int k = 0; k < CHUNK; k++, i++)
            len += (size_t)sprintf(text + len, c->row, i + 10);
        rig_push(&r, c->fill, text);
        rig_commit(&r);
    }
    rig_reopen(&r);
    bytes = 0;
    for (int i = 0; i < CHANGES; i++) {
        rig_push(&r, c->at, i % 2 ? c->back : c->changes);
        rig_commit(&r);
    }
    uint64_t out = bytes + 8 * cu_op_work(r.pipeline->root);
    rig_close(&r);
    return out;
}

static void check(const costing *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t small = cost(&cases[i], SMALL);
        uint64_t large = cost(&cases[i], 2 * SMALL);
        cr_expect_gt(small, CHANGES * 20, "%s: %lu", cases[i].what, small);
        cr_expect_lt(small, CHANGES * 3000, "%s: %lu", cases[i].what, small);
        cr_expect_lt(large, small + small / 5, "%s: %lu, then %lu",
                     cases[i].what, small, large);
    }
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof(*(cases)))

/* --- aggregates ----------------------------------------------------------- */

static cu_node *aggregate(rig *r, agg_call c, const char *type)
{
    char schema[40];
    snprintf(schema, sizeof(schema), "g:int a:%s", type);
    return agg_node(r, "g:int v:int", "0", schema, &c, 1);
}

static cu_node *sum_node(rig *r)
{
    return aggregate(r, (agg_call){.name = "sum", .arg = 1}, "int8");
}

static cu_node *min_node(rig *r)
{
    return aggregate(r, (agg_call){.name = "min", .arg = 1}, "int");
}

static cu_node *distinct_node(rig *r)
{
    return aggregate(r, (agg_call){.name = "count", .arg = 1, .distinct = true},
                     "int8");
}

static cu_node *mode_node(rig *r)
{
    return aggregate(r, (agg_call){.name = "mode", .arg = -1, .order = "2"},
                     "int");
}

static cu_node *first_node(rig *r)
{
    return aggregate(
        r, (agg_call){.name = "first value", .arg = 1, .order = "2"}, "int");
}

Test(cost, of_aggregates)
{
    static const costing cases[] = {
        {"sum", sum_node, 0, "1 %d\n", NULL, 0, "+1 | 1 5\n", "-1 | 1 5\n"},
        {"min", min_node, 0, "1 %d\n", NULL, 0, "-1 | 1 10\n", "+1 | 1 10\n"},
        {"count(DISTINCT)", distinct_node, 0, "1 %d\n", NULL, 0,
         "-1 | 1 500\n+1 | 1 3\n", "+1 | 1 500\n-1 | 1 3\n"},
        {"mode", mode_node, 0, "1 %d\n", NULL, 0, "+2 | 1 600\n",
         "-2 | 1 600\n"},
        {"first by an order", first_node, 0, "1 %d\n", NULL, 0, "-1 | 1 10\n",
         "+1 | 1 10\n"},
    };
    CHECK(cases);
}

/* --- ranks ---------------------------------------------------------------- */

static cu_node *rank(rig *r, int64_t limit, cu_rank_fn fn, bool numbered)
{
    cu_node *n = rig_node(r, CU_N_RANK,
                          numbered ? "p:int o:int n:int8" : "p:int o:int",
                          rig_source(r, "p:int o:int"));
    cu_key_col *order = cu_arena_calloc(r->arena, 1, sizeof(*order));
    order->col = 1;
    n->rank.partition = rig_cols(r, "0", &n->rank.n_partition);
    n->rank.order = order;
    n->rank.n_order = 1;
    n->rank.limit = limit;
    n->rank.fn = fn;
    n->rank.numbered = numbered;
    return n;
}

static cu_node *top_node(rig *r)
{
    return rank(r, 3, CU_RANK_ROW_NUMBER, true);
}

static cu_node *dense_node(rig *r)
{
    return rank(r, 3, CU_RANK_DENSE_RANK, false);
}

static cu_node *one_node(rig *r)
{
    return rank(r, 1, CU_RANK_ROW_NUMBER, false);
}

static cu_node *first_row_node(rig *r)
{
    cu_node *n = rank(r, 1, CU_RANK_ROW_NUMBER, false);
    n->inputs[0]->append_only = true;
    return n;
}

Test(cost, of_ranks)
{
    static const costing cases[] = {
        {"top 3", top_node, 0, "1 %d\n", NULL, 0, "-1 | 1 10\n", "+1 | 1 10\n"},
        {"below the top 3", top_node, 0, "1 %d\n", NULL, 0, "-1 | 1 700\n",
         "+1 | 1 700\n"},
        {"dense_rank", dense_node, 0, "1 %d\n", NULL, 0, "-1 | 1 11\n",
         "+1 | 1 11\n"},
        {"DISTINCT ON", one_node, 0, "1 %d\n", NULL, 0, "-1 | 1 10\n",
         "+1 | 1 10\n"},
        {"DISTINCT ON what is only added", first_row_node, 0, "1 %d\n", NULL, 0,
         "+1 | 1 900\n", "+1 | 1 901\n"},
    };
    CHECK(cases);
}

/* What shows every row again must: the counter sees it. */
static cu_node *all_node(rig *r)
{
    return rank(r, -1, CU_RANK_ROW_NUMBER, true);
}

Test(cost, that_grows_is_seen)
{
    static const costing all = {"row_number()", all_node,     0,
                                "1 %d\n",       NULL,         0,
                                "-1 | 1 10\n",  "+1 | 1 10\n"};
    uint64_t small = cost(&all, SMALL);
    cr_expect_gt(cost(&all, 2 * SMALL), small + small / 2);
}

/* --- joins in time -------------------------------------------------------- */

static cu_node *asof_node(rig *r)
{
    cu_node *n = rig_join(r, CU_N_ASOF, CU_JOIN_LEFT,
                          "k:int ts:date k2:int ts2:date",
                          rig_source(r, "k:int ts:date"),
                          rig_source(r, "k:int ts:date"), "0", "0");
    n->join.left_time = n->join.right_time = 2;
    return n;
}

static cu_node *lookup_node(rig *r)
{
    return rig_join(r, CU_N_LOOKUP, CU_JOIN_LEFT, "k:int v:int k2:int w:int",
                    rig_source(r, "k:int v:int"), rig_source(r, "k:int w:int"),
                    "0", "0");
}

Test(cost, of_joins_in_time)
{
    static const costing cases[] = {
        {"asof: a row among many versions", asof_node, 1, "1 %04d-01-01\n",
         NULL, 0, "+1 | 1 0500-06-01\n", "-1 | 1 0500-06-01\n"},
        {"lookup: one of many rows", lookup_node, 0, "1 %d\n", "1 7\n", 0,
         "-1 | 1 500\n", "+1 | 1 500\n"},
        {"lookup: the right of many rows", lookup_node, 0, "1 %d\n", "1 7\n", 1,
         "+1 | 1 8\n", "-1 | 1 8\n"},
    };
    CHECK(cases);
}

/* --- rows that stay ------------------------------------------------------- */

static cu_node *keyed_node(rig *r)
{
    cu_node *n = rig_node(r, CU_N_MATERIALIZE, "k:int v:int",
                          rig_source(r, "k:int v:int"));
    n->key = rig_cols(r, "1", &n->n_key);
    return n;
}

static cu_node *bag_node(rig *r)
{
    cu_node *n = rig_node(r, CU_N_MATERIALIZE, "k:int v:int",
                          rig_source(r, "k:int v:int"));
    n->materialize.bag = true;
    return n;
}

static cu_node *numbers_node(rig *r)
{
    cu_node *n = rig_node(r, CU_N_SURROGATE, "k:int v:int id:int8",
                          rig_source(r, "k:int v:int"));
    n->surrogate.key = rig_cols(r, "0", &n->surrogate.n_key);
    return n;
}

Test(cost, of_what_keeps_rows)
{
    static const costing cases[] = {
        {"materialize by key", keyed_node, 0, "1 %d\n", NULL, 0,
         "-1 | 1 500\n+1 | 2 500\n", "-1 | 2 500\n+1 | 1 500\n"},
        {"materialize, a bag", bag_node, 0, "1 %d\n", NULL, 0, "+1 | 1 500\n",
         "-1 | 1 500\n"},
        {"surrogate", numbers_node, 0, "1 %d\n", NULL, 0, "+1 | 1 5\n",
         "-1 | 1 5\n"},
    };
    CHECK(cases);
}
