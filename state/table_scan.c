/* Scans: the overlay merged with the kv, forwards or backwards.
 *
 *   overlay   a3 --- c- d1 ------- f2      (- : deleted)
 *   kv        a1 b1 c1 ---- e1
 *   merged    a3 b1    d1 e1 f2
 *
 * Both sides are sorted; the smaller key (larger, when backwards) goes first
 * and the overlay wins a tie.  Clean entries stand in both and are harmless.
 */
#include "state/int.h"

#include "base/alloc.h"

struct cu_table_iter {
    cu_table *table;
    cu_kv_iter *kv;
    cu_buf lo, hi; /* the caller's bounds */
    bool bounded;  /* `hi` counts */
    bool backwards;
    cu_onode *node; /* next of the overlay, or NULL */
    bool has_kv;    /* the next of the kv stands in key, value */
    bool lent_kv;   /* that one is with the caller, or was passed over */
    cu_slice kv_key, kv_value;
};

static bool inside(const cu_table_iter *it, cu_onode *node)
{
    if (!node)
        return false;
    if (it->backwards)
        return cu_slice_cmp(cu_onode_key(node), cu_buf_slice(&it->lo)) >= 0;
    return !it->bounded ||
           cu_slice_cmp(cu_onode_key(node), cu_buf_slice(&it->hi)) < 0;
}

static void step_overlay(cu_table_iter *it)
{
    cu_omap *rows = it->table->rows;
    it->node = it->backwards ? cu_omap_before(rows, cu_onode_key(it->node))
                             : cu_onode_next(it->node);
    if (!inside(it, it->node))
        it->node = NULL;
}

static void step_kv(cu_table_iter *it)
{
    const cu_kv_vt *vt = it->table->space->store->kv->vt;
    it->has_kv = it->backwards
                     ? vt->iter_prev(it->kv, &it->kv_key, &it->kv_value)
                     : vt->iter_next(it->kv, &it->kv_key, &it->kv_value);
    if (it->has_kv) {
        it->kv_key.data += KEY_PREFIX_BYTES;
        it->kv_key.len -= KEY_PREFIX_BYTES;
    }
}

static int open_kv(cu_table_iter *it, cu_err *err)
{
    cu_space *s = it->table->space;
    cu_kv *kv = s->store->kv;
    cu_buf lo = {0}, hi = {0};
    if (it->bounded) {
        cu_space_put_key(s, it->table->number, cu_buf_slice(&it->hi), &hi);
    } else {
        cu_space_bounds(s, it->table->number, &lo, &hi);
        cu_buf_clear(&lo);
    }
    cu_space_put_key(s, it->table->number, cu_buf_slice(&it->lo), &lo);
    int rc = kv->vt->iter(kv, cu_buf_slice(&lo), cu_buf_slice(&hi), &it->kv,
                          err);
    cu_buf_free(&lo);
    cu_buf_free(&hi);
    return rc;
}

static void iter_free(cu_table_iter *it)
{
    cu_buf_free(&it->lo);
    cu_buf_free(&it->hi);
    cu_free(it);
}

int cu_table_scan(cu_table *t, cu_slice lo, cu_slice hi, bool backwards,
                  cu_table_iter **out, cu_err *err)
{
    cu_table_iter *it = cu_calloc(1, sizeof(*it));
    it->table = t;
    it->backwards = backwards;
    it->bounded = hi.data != NULL;
    cu_buf_put_slice(&it->lo, lo);
    cu_buf_put_slice(&it->hi, hi);
    int rc = open_kv(it, err);
    if (rc) {
        iter_free(it);
        return rc;
    }
    it->node = backwards ? cu_omap_before(t->rows, hi)
                         : cu_omap_seek(t->rows, cu_buf_slice(&it->lo), false);
    if (!inside(it, it->node))
        it->node = NULL;
    step_kv(it);
    *out = it;
    return 0;
}

/* <0: the overlay is next, >0: the kv, 0: both at the same key. */
static int which(const cu_table_iter *it)
{
    if (!it->node || !it->has_kv)
        return it->node ? -1 : 1;
    int order = cu_slice_cmp(cu_onode_key(it->node), it->kv_key);
    return it->backwards ? -order : order;
}

bool cu_table_iter_next(cu_table_iter *it, cu_slice *key, cu_slice *value)
{
    /* What was lent by the kv moves on only now. */
    for (;;) {
        if (it->lent_kv) {
            it->lent_kv = false;
            step_kv(it);
        }
        if (!it->node && !it->has_kv)
            return false;
        int order = which(it);
        if (order > 0) {
            *key = it->kv_key;
            *value = it->kv_value;
            it->lent_kv = true;
            return true;
        }
        const entry *e = cu_onode_value(it->node);
        *key = cu_onode_key(it->node);
        *value = current_of(e);
        step_overlay(it);
        it->lent_kv = order == 0;
        if (value->data)
            return true;
    }
}

int cu_table_iter_close(cu_table_iter *it, cu_err *err)
{
    cu_kv *kv = it->table->space->store->kv;
    int rc = kv->vt->iter_close(it->kv, err);
    iter_free(it);
    return rc;
}
