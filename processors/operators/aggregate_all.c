/* All values of a group in one: string_agg, array_agg, jsonb_agg,
 * jsonb_object_agg.
 *
 * The values are in the state in the order of the call.  The result is made
 * by reading them all, once per commit that touched them: these are the
 * aggregates whose cost is the size of their output.  Without ORDER BY the
 * order is that of the values (PostgreSQL's is that of arrival), so that
 * the answer is a function of the rows.
 *
 * What was made is kept while it is small; a group that was loaded anew
 * makes it again from the state, which at the first touch is still that of
 * the last commit.
 */
#include "processors/operators/aggregate_values.h"
#include "rows/array.h"

enum { MOST_KEPT = 64 << 10, MOST_BYTES = 1 << 30 };

typedef struct making {
    const cu_acc_call *c;
    cu_arena *arena;
    cu_buf text;
    cu_value *items; /* array_agg; heap */
    size_t n, cap;
} making;

static int too_large(const making *m, cu_err *err)
{
    int rc = cu_fail(err, CU_DATA, 0, "the result of %s is larger than 1 GB",
                     m->c->call->func->name);
    if (err)
        err->sqlstate = CU_SQLSTATE('5', '4', '0', '0', '0');
    return rc;
}

static int bad_name(const char *why, cu_err *err)
{
    int rc = cu_fail(err, CU_DATA, 0, "%s", why);
    if (err)
        err->sqlstate = CU_SQLSTATE('2', '2', '0', '2', '3');
    return rc;
}

static int put_member(making *m, const cu_value *v, cu_err *err)
{
    if (v[0].null)
        return bad_name("field name must not be null", err);
    if (m->n)
        cu_buf_put_str(&m->text, ", ");
    if (!cu_jsonb_put_name(&v[0], m->arena, &m->text))
        return bad_name("key value must be scalar, not array, composite, or "
                        "json",
                        err);
    cu_buf_put_str(&m->text, ": ");
    cu_jsonb_put(&v[1], m->arena, &m->text);
    return 0;
}

/* The value outlives its walk. */
static void put_item(making *m, const cu_value *v)
{
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 64;
        m->items = cu_realloc(m->items, m->cap * sizeof(*m->items));
    }
    cu_value kept = *v;
    if (!v->null && cu_type_is_slice(v->type))
        kept.s = cu_arena_slice(m->arena, v->s);
    else if (!v->null && v->type.kind == CU_T_NUMERIC)
        kept.num = cu_numeric_copy(&v->num, m->arena);
    m->items[m->n] = kept;
}

static int put_one(making *m, const cu_value *v, cu_err *err)
{
    int rc = 0;
    switch (m->c->call->func->agg) {
    case CU_AGG_STRING_AGG:
        if (m->n && !v[1].null)
            cu_buf_put_slice(&m->text, v[1].s);
        cu_buf_put_slice(&m->text, v[0].s);
        break;
    case CU_AGG_JSONB_AGG:
        if (m->n)
            cu_buf_put_str(&m->text, ", ");
        cu_jsonb_put(&v[0], m->arena, &m->text);
        break;
    case CU_AGG_JSONB_OBJECT_AGG:
        rc = put_member(m, v, err);
        break;
    default:
        put_item(m, v);
        break;
    }
    m->n++;
    return !rc && m->text.len + m->n > MOST_BYTES ? too_large(m, err) : rc;
}

static int put_all(making *m, cu_counted *v, cu_values_walk *w, cu_err *err)
{
    bool once = m->c->call->distinct ||
                m->c->call->func->agg == CU_AGG_JSONB_OBJECT_AGG;
    cu_buf last = {0};
    int rc = 0;
    while (!rc && cu_values_next(v, m->c->set, w)) {
        cu_slice sort = cu_slice_n(w->key.data, w->sort_len);
        if (m->c->call->distinct) {
            if (m->n && cu_slice_eq(sort, cu_buf_slice(&last)))
                continue;
            cu_buf_clear(&last);
            cu_buf_put_slice(&last, sort);
        }
        for (int64_t i = once ? 1 : w->count; i > 0 && !rc; i--)
            rc = put_one(m, w->values, err);
    }
    cu_buf_free(&last);
    return rc;
}

static void finish(making *m, cu_value *out)
{
    unsigned agg = m->c->call->func->agg;
    *out = (cu_value){.type = m->c->call->result, .null = m->n == 0};
    if (m->n == 0)
        return;
    if (agg == CU_AGG_ARRAY_AGG)
        out->s = cu_array_make(m->arena, CU_TYPE(m->c->arg.kind), m->items,
                               (uint32_t)m->n);
    else
        out->s = cu_arena_slice(m->arena, cu_buf_slice(&m->text));
}

static int make(cu_counted *v, const cu_acc_call *c, const cu_group *g,
                cu_arena *a, cu_value *out, cu_err *err)
{
    making m = {.c = c, .arena = a};
    unsigned agg = c->call->func->agg;
    cu_values_walk w;
    if (agg == CU_AGG_JSONB_AGG || agg == CU_AGG_JSONB_OBJECT_AGG)
        cu_buf_put_u8(&m.text, agg == CU_AGG_JSONB_AGG ? '[' : '{');
    int rc = cu_values_open(v, g, c->set, CU_NULL_SLICE, false, &w, err);
    if (!rc) {
        rc = put_all(&m, v, &w, err);
        int closed = cu_values_close(v, &w, rc ? NULL : err);
        rc = rc ? rc : closed;
    }
    if (agg == CU_AGG_JSONB_AGG || agg == CU_AGG_JSONB_OBJECT_AGG)
        cu_buf_put_u8(&m.text, agg == CU_AGG_JSONB_AGG ? ']' : '}');
    if (!rc)
        finish(&m, out);
    cu_buf_free(&m.text);
    cu_free(m.items);
    return rc;
}

int cu_all_result(cu_counted *v, const cu_acc_call *c, cu_group *g, cu_arena *a,
                  cu_value *out, cu_err *err)
{
    cu_acc_all *acc = cu_group_acc(g, c);
    if (acc->known) {
        *out = acc->value;
        return 0;
    }
    int rc = make(v, c, g, a, out, err);
    if (rc)
        return rc;
    acc->known = out->null || out->s.len <= MOST_KEPT;
    if (acc->known)
        cu_value_keep(&acc->value, out);
    else
        cu_value_drop(&acc->value);
    return 0;
}
