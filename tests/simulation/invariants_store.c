/* Stores against the changelogs that they are made of, byte by byte.
 *
 *   'C' stage name                        -> u32le number
 *   'S' | number u32 | partition u16 | ff ff -> u8 1 | u8 flags | u64le applied
 *                                            | progress bytes
 *   'S' | number u32 | partition u16 | key of the changelog -> its value
 */
#include "tests/simulation/invariants_int.h"

#include "base/alloc.h"

enum { HEAD_BYTES = 7, META_BYTES = 9 };

typedef struct fold {
    cu_omap *rows; /* key of the changelog -> record */
    const cu_record *progress;
} fold;

/* What is committed before `until`. */
static fold fold_part(const sim_part *p, int64_t until)
{
    fold f = {cu_omap_new(), NULL};
    for (int64_t i = 0; p && i < until && i < p->end; i++) {
        sim_entry *e = &p->at[i];
        if (e->control || e->txn->state != SIM_COMMITTED)
            continue;
        bool fresh;
        if (sim_is_progress(e))
            f.progress = &e->r;
        else if (e->r.value.data == NULL)
            cu_omap_del(f.rows, e->r.key);
        else
            cu_onode_set(cu_omap_put(f.rows, e->r.key, &fresh), &e->r);
    }
    return f;
}

static cu_slice space_key(uint32_t number, int32_t partition, cu_buf *b)
{
    cu_buf_clear(b);
    cu_buf_put_u8(b, 'S');
    cu_buf_put_u32be(b, number);
    cu_buf_put_u16be(b, (uint16_t)partition);
    return cu_buf_slice(b);
}

/* The number of a stage in a store; 0: it knows none. */
static uint32_t number_of(sim_invariants *v, cu_kv *kv, const cu_stage *s)
{
    cu_slice value;
    cu_err err = {0};
    char *key = cu_arena_printf(v->a, "C%s", s->name);
    if (kv->vt->get(kv, cu_slice_of(key), v->a, &value, &err) || !value.data)
        return 0;
    cu_scan scan = cu_scan_of(value);
    return cu_scan_u32le(&scan);
}

static uint64_t sequence_of(sim_invariants *v, cu_slice progress)
{
    cu_progress p = {0};
    cu_err err = {0};
    return progress.data && cu_progress_decode(progress, v->a, &p, &err) == 0
               ? p.sequence
               : 0;
}

/* Where the store of a space ends, with the progress it holds. */
static int64_t applied_of(sim_invariants *v, cu_kv *kv, cu_slice prefix,
                          cu_slice *progress)
{
    cu_buf key = {0};
    cu_slice value;
    cu_err err = {0};
    cu_buf_put(&key, prefix.data, prefix.len);
    cu_buf_put_u16be(&key, 0xFFFF);
    *progress = CU_NULL_SLICE;
    int rc = kv->vt->get(kv, cu_buf_slice(&key), v->a, &value, &err);
    cu_buf_free(&key);
    if (rc || value.data == NULL)
        return 0;
    cu_scan scan = cu_scan_of(value);
    cu_scan_u8(&scan);
    bool has = cu_scan_u8(&scan) & 1;
    int64_t applied = (int64_t)cu_scan_u64le(&scan);
    if (has)
        *progress = cu_slice_n(value.data + 10, value.len - 10);
    return applied;
}

/* The rows of a space are those of the fold; the first that is not. */
static bool same_rows(cu_kv *kv, cu_slice prefix, const fold *f)
{
    cu_kv_iter *it;
    cu_err err = {0};
    cu_slice key, value;
    cu_onode *at = cu_omap_seek(f->rows, CU_LIT(""), false);
    bool same = true;
    if (kv->vt->iter(kv, prefix, CU_LIT("T"), &it, &err))
        return false;
    while (same && kv->vt->iter_next(it, &key, &value)) {
        if (key.len < HEAD_BYTES || memcmp(key.data, prefix.data, prefix.len))
            break;
        if (key.len == META_BYTES && memcmp(key.data + 7, "\xff\xff", 2) == 0)
            continue;
        cu_slice row = cu_slice_n(key.data + HEAD_BYTES, key.len - HEAD_BYTES);
        const cu_record *r = at ? cu_onode_value(at) : NULL;
        same = r && cu_slice_eq(r->key, row) && cu_slice_eq(r->value, value);
        at = at ? cu_onode_next(at) : NULL;
    }
    kv->vt->iter_close(it, &err);
    return same && at == NULL;
}

static void check_space(sim_invariants *v, const char *who, cu_kv *kv,
                        const cu_stage *s, uint32_t number, int32_t n)
{
    cu_buf b = {0};
    cu_slice prefix = space_key(number, n, &b), progress;
    int64_t applied = applied_of(v, kv, prefix, &progress);
    sim_part *p = sim_part_of(v->broker, (cu_part){s->changelog, n});
    if (applied > 0 && p && applied < p->compacted) {
        cu_buf_free(&b); /* half restored from what compaction left */
        return;
    }
    fold f = fold_part(p, applied);
    uint64_t have = sequence_of(v, progress);
    uint64_t want = f.progress ? sequence_of(v, f.progress->value) : 0;
    sim_holds(v, applied == 0 || (p && applied <= p->end),
              "I6 %s: %s[%d] has applied %lld of a changelog that ends before",
              who, s->name, (int)n, (long long)applied);
    sim_holds(v, have <= want,
              "I6 %s: %s[%d] is at commit %llu, the log at %llu", who, s->name,
              (int)n, (unsigned long long)have, (unsigned long long)want);
    sim_holds(v, have == want && same_rows(kv, prefix, &f),
              "I5 %s: %s[%d] is not its changelog up to %lld (commit %llu, "
              "the log's %llu)",
              who, s->name, (int)n, (long long)applied,
              (unsigned long long)have, (unsigned long long)want);
    cu_omap_free(f.rows);
    cu_buf_free(&b);
}

void sim_invariants_store(sim_invariants *v, const char *who, cu_kv *kv)
{
    for (uint32_t i = 0; i < v->stages->n && !v->w->failed; i++) {
        const cu_stage *s = v->stages->at[i];
        uint32_t number = number_of(v, kv, s);
        for (int32_t n = 0; number && n < s->partitions; n++)
            check_space(v, who, kv, s, number, n);
    }
}

void sim_invariants_left(sim_invariants *v, uint32_t n, cu_kv *kv)
{
    cu_buf b = {0};
    cu_slice progress;
    for (uint32_t i = 0; i < v->stages->n; i++) {
        const cu_stage *s = v->stages->at[i];
        uint32_t number = kv ? number_of(v, kv, s) : 0;
        for (int32_t p = 0; p < s->partitions; p++)
            v->at[i][p].left[n] = number ? applied_of(v, kv,
                                                      space_key(number, p, &b),
                                                      &progress)
                                         : 0;
    }
    cu_buf_free(&b);
}

void sim_invariants_restore(sim_invariants *v, uint32_t n, cu_kv *kv,
                            cu_part part, int64_t from)
{
    const cu_stage *s = sim_changelog_of(v, part.topic);
    uint32_t number = s ? number_of(v, kv, s) : 0;
    if (number == 0)
        return;
    cu_buf b = {0};
    cu_slice progress;
    int64_t applied = applied_of(v, kv, space_key(number, part.partition, &b),
                                 &progress);
    int64_t left = v->at[s->index][part.partition].left[n];
    sim_holds(v, from == applied && from >= left,
              "I18 p%u: %s[%d] is restored from %lld, its store ends at %lld, "
              "and ended at %lld",
              n, s->name, (int)part.partition, (long long)from,
              (long long)applied, (long long)left);
    cu_buf_free(&b);
}

/* --- the same in every run ------------------------------------------------ */

void sim_invariants_state(sim_invariants *v, cu_buf *out)
{
    for (uint32_t i = 0; i < v->stages->n; i++)
        for (int32_t n = 0; n < v->stages->at[i]->partitions; n++) {
            const cu_stage *s = v->stages->at[i];
            sim_part *p = sim_part_of(v->broker, (cu_part){s->changelog, n});
            fold f = fold_part(p, p ? p->end : 0);
            cu_buf_printf(out, "\n%s[%d]", s->name, (int)n);
            for (cu_onode *at = cu_omap_seek(f.rows, CU_LIT(""), false); at;
                 at = cu_onode_next(at)) {
                const cu_record *r = cu_onode_value(at);
                cu_buf_put_lslice(out, r->key);
                cu_buf_put_lslice(out, r->value);
            }
            cu_omap_free(f.rows);
        }
}

void sim_invariants_views(sim_invariants *v, cu_buf *out)
{
    for (uint32_t i = 0; i < v->stages->n; i++)
        for (int32_t n = 0; n < v->stages->at[i]->partitions; n++) {
            const cu_stage *s = v->stages->at[i];
            if (s->exchange_topic || s->view->topic == NULL)
                continue;
            sim_part *p = sim_part_of(v->broker, (cu_part){s->view->topic, n});
            fold f = fold_part(p, p ? p->end : 0);
            cu_buf_printf(out, "\n%s[%d]", s->name, (int)n);
            for (int64_t k = 0; p && k < p->end; k++)
                if (!p->at[k].control && p->at[k].r.key.data == NULL &&
                    p->at[k].txn->state == SIM_COMMITTED)
                    cu_buf_put_lslice(out, p->at[k].r.value);
            for (cu_onode *at = cu_omap_seek(f.rows, CU_LIT(" "), false); at;
                 at = cu_onode_next(at)) {
                const cu_record *r = cu_onode_value(at);
                cu_buf_put_lslice(out, r->key);
                cu_buf_put_lslice(out, r->value);
            }
            cu_omap_free(f.rows);
        }
}
