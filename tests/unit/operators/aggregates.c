#include "tests/unit/operators/aggregates.h"

#include "rows/array.h"
#include "rows/text.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const cu_value *direct_value(rig *r, const agg_call *c)
{
    cu_value *v = cu_arena_calloc(r->arena, 1, sizeof(*v));
    cu_type t;
    int rc = cu_type_parse(
        cu_slice_of(c->direct_type ? c->direct_type : "float8"), &t, &r->err);
    v->type = t;
    v->null = !strcmp(c->direct, "null");
    if (!rc && !v->null)
        rc = cu_value_in(t, cu_slice_of(c->direct), NULL, r->arena, v, &r->err);
    cr_assert_eq(rc, 0, "%s", r->err.msg);
    return v;
}

static const cu_key_col *order_of(rig *r, const char *text, uint32_t *n)
{
    cu_key_col *cols = cu_arena_calloc(r->arena, 8, sizeof(*cols));
    *n = 0;
    while (text && *text) {
        char *end;
        long k = strtol(text, &end, 10);
        cols[*n].col = (uint16_t)(labs(k) - 1);
        cols[(*n)++].flags = k < 0 ? CU_DESC | CU_NULLS_FIRST : 0;
        text = *end ? end + 1 : end;
    }
    return cols;
}

void agg_add(rig *r, cu_node *n, agg_call c)
{
    uint32_t all;
    const cu_func *const *list = cu_func_all(&all);
    const cu_func *f = NULL;
    for (uint32_t i = 0; i < all && !f; i++)
        if (list[i]->kind == CU_FUNC_AGGREGATE &&
            !strcmp(list[i]->name, c.name))
            f = list[i];
    cr_assert(f, "%s", c.name);
    cu_agg_call *call = (cu_agg_call *)&n->aggregate
                            .calls[n->aggregate.n_calls];
    *call = (cu_agg_call){.func = f,
                          .arg = c.arg,
                          .filter = c.filter - 1,
                          .distinct = c.distinct,
                          .has_second = c.second > 0,
                          .second = (uint16_t)c.second};
    call->order = order_of(r, c.order, &call->n_order);
    if (c.direct)
        call->direct = direct_value(r, &c);
    call->result =
        n->schema->fields[n->aggregate.n_group + n->aggregate.n_calls].type;
    n->aggregate.n_calls++;
}

cu_node *agg_node(rig *r, const char *in, const char *group, const char *schema,
                  const agg_call *calls, unsigned n_calls)
{
    cu_node *n = rig_aggregate(r, schema, rig_source(r, in), group);
    for (unsigned i = 0; i < n_calls; i++)
        agg_add(r, n, calls[i]);
    return n;
}
