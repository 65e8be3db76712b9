#include "tests/unit/state/recorder.h"

#include "base/alloc.h"

#include <criterion/criterion.h>

static int append(cu_writer *w, const cu_record *from, cu_err *err)
{
    recorder *r = (recorder *)w;
    if (r->fail_at && r->n + 1 == r->fail_at)
        return cu_fail(err, CU_NETWORK, CU_ABORT, "no broker");
    if (r->limit && from->key.len + from->value.len > r->limit)
        return cu_fail(err, CU_LIMIT, 0, "the record is too large");
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->records = cu_realloc(r->records, r->cap * sizeof(*r->records));
    }
    cu_record *to = &r->records[r->n];
    *to = *from;
    to->offset = (int64_t)r->n++;
    to->key = cu_arena_slice(r->arena, from->key);
    to->value = from->value.data ? cu_arena_slice(r->arena, from->value)
                                 : CU_NULL_SLICE;
    return 0;
}

recorder *recorder_new(cu_kv *kv)
{
    static const cu_log_vt vt = {.append = append};
    recorder *r = cu_calloc(1, sizeof(*r));
    r->writer.vt = &vt;
    r->kv = kv;
    r->arena = cu_arena_new(0);
    return r;
}

void recorder_free(recorder *r)
{
    cu_arena_free(r->arena);
    cu_free(r->records);
    cu_free(r);
}

void commit_space(cu_space *s, recorder *r, const cu_progress *p)
{
    cu_err err = {0};
    cu_kv_batch batch = {0};
    cu_part part = {"changelog", 0};
    int rc = cu_space_log_changes(s, &r->writer, part, 1000, p, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    cu_space_to_batch(s, (int64_t)r->n, p, &batch);
    cu_kv *kv = r->kv;
    rc = kv->vt->write(kv, &batch, false, &err);
    cr_assert_eq(rc, 0, "%s", err.msg);
    cu_kv_batch_free(&batch);
    cu_space_committed(s, (int64_t)r->n);
}

void restore_space(cu_space *s, const recorder *r, size_t from, size_t step)
{
    cu_err err = {0};
    for (size_t i = from; i < r->n; i++) {
        int rc = cu_space_restore(s, &r->records[i], &err);
        cr_assert_eq(rc, 0, "%s", err.msg);
        if ((i + 1) % step && i + 1 < r->n)
            continue;
        rc = cu_space_restored(s, (int64_t)i + 1, &err);
        cr_assert_eq(rc, 0, "%s", err.msg);
    }
}
