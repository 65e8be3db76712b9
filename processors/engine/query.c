/* One SELECT over the committed rows: cupel query.
 *
 * The query's plan is a pipeline like any view's, over a store of its own
 * in memory.  Each leaf is fed once with everything it has, then one
 * commit lets the rows out at the root.
 */
#include "processors/engine/engine.h"

#include "base/alloc.h"
#include "base/assert.h"

typedef struct running {
    cu_engine *e;
    cu_kv *kv;
    cu_store *store;
    cu_space *space;
    cu_expr_env expr_env;
    cu_op_env op_env;
    cu_pipeline *pipeline;
    cu_op *tap;
    cu_result *result;
} running;

static int letter(void *ctx, const cu_letter *l, cu_err *err)
{
    (void)ctx;
    cu_fail(err, CU_DATA, 0, "%s%s%s", l->column ? l->column : "",
            l->column ? ": " : "", l->message);
    err->sqlstate = l->sqlstate;
    return CU_DATA;
}

static int into_entry(void *entry, const cu_batch *b, cu_err *err)
{
    return cu_op_push(entry, 0, b, err);
}

static int feed(running *r, const cu_node *leaf, cu_op *op, cu_err *err)
{
    cu_runtime *rt = cu_engine_runtime(r->e);
    if (leaf->kind == CU_N_VIEW && cu_engine_embedded(r->e))
        return cu_view_scan(rt, leaf->view.view, into_entry, op, err);
    if (leaf->kind == CU_N_VIEW) /* other processes may keep some of it */
        return cu_view_fold(rt, leaf->view.view, into_entry, op, err);
    CU_ASSERT(leaf->kind == CU_N_SOURCE);
    return cu_table_read(rt, leaf->source.table, into_entry, op, err);
}

static int run(running *r, const cu_query *q, cu_err *err)
{
    int rc = cu_space_open(r->store, 1, 0, &r->space, err);
    if (rc)
        return rc;
    r->op_env = (cu_op_env){
        .space = r->space, .expr = &r->expr_env, .ctx = r, .letter = letter};
    rc = cu_pipeline_open(q->copy->view->root, &r->op_env, &r->pipeline, err);
    if (rc)
        return rc;
    r->tap = cu_tap_new(cu_result_add, NULL, r->result);
    cu_op_connect(r->pipeline->root, r->tap, 0);
    rc = cu_pipeline_first_start(r->pipeline, err);
    for (uint32_t i = 0; rc == 0 && i < r->pipeline->n_entries; i++)
        rc = feed(r, r->pipeline->entries[i].node, r->pipeline->entries[i].op,
                  err);
    return rc ? rc : cu_pipeline_commit(r->pipeline, err);
}

int cu_engine_query(cu_engine *e, const cu_query *q, cu_result **out,
                    cu_err *err)
{
    cu_env *env = cu_engine_env(e);
    running r = {.e = e, .kv = cu_kv_open_memory(1)};
    r.store = cu_store_new(r.kv, 0);
    r.expr_env = (cu_expr_env){.env = env, .zone = cu_zone_utc()};
    r.expr_env.now_us = cu_wall_us(env) - CU_PG_EPOCH_US;
    r.result = cu_result_new(q->copy);
    int rc = run(&r, q, err);
    if (r.pipeline)
        cu_pipeline_close(r.pipeline);
    if (r.tap)
        cu_op_close(r.tap);
    if (r.space)
        cu_space_close(r.space);
    cu_store_free(r.store);
    r.kv->vt->close(r.kv);
    if (rc) {
        cu_result_free(r.result);
        return rc;
    }
    *out = r.result;
    return 0;
}
