/* Begin and end records of snapshots, on their way to normalize.
 *
 *   begin   rows …   end
 *                     |  when?  snapshot_at 'purchases_([0-9-]+)'  ->
 * 2023-07-22 v         a column: its newest value (normalize knows) normalize:
 * changes, under that date; else the commit's clock
 *
 * A file whose name has no date where the table says that there is one is a
 * dead letter of its own, by its end record; its rows count, and nothing is
 * deleted by it: there is no telling when.
 *
 * An instance that was ahead when the worker started has heard all this.
 */
#include "processors/runtime/snapshot.h"

#include "processors/expr/regex.h"
#include "processors/operators/normalize.h"
#include "processors/runtime/letters.h"
#include "rows/text.h"

/* The date in the file's name; false: there is none. */
static bool date_of(const cu_table_def *t, cu_slice file, int64_t *us)
{
    cu_regex_span spans[CU_REGEX_GROUPS];
    cu_memo *memo = cu_memo_new();
    cu_regex *re;
    cu_err err = {0};
    bool hit = false;
    int rc = cu_regex_get(memo, cu_slice_of(t->snapshot_at), 0, &re, &err);
    if (rc == 0)
        rc = cu_regex_find(re, file, 0, spans, &hit, &err);
    hit = rc == 0 && hit && spans[1].from != SIZE_MAX;
    if (hit)
        hit = cu_timestamptz_in(cu_slice_n(file.data + spans[1].from,
                                           spans[1].to - spans[1].from),
                                NULL, us, &err) == 0 &&
              *us != CU_TS_INFINITY && *us != CU_TS_MINUS_INFINITY;
    cu_memo_free(memo);
    return hit;
}

static int undated(cu_worker *w, cu_feed_in *in, const cu_record *r,
                   cu_err *err)
{
    cu_faults f = {.n = 1};
    f.items[0] = (cu_fault_item){
        NULL, CU_SQLSTATE('2', '2', '0', '0', '7'),
        "snapshot_at finds no date in the file's name: nothing is deleted"};
    cu_record letter = *r; /* that is no mark itself */
    cu_header *kept = cu_arena_calloc(w->arena, r->n_headers + 1,
                                      sizeof(*kept));
    letter.headers = kept;
    letter.n_headers = 0;
    for (uint32_t i = 0; i < r->n_headers; i++)
        if (!cu_slice_is(r->headers[i].name, CU_H_SNAPSHOT))
            kept[letter.n_headers++] = r->headers[i];
    if (r->offset < in->settled)
        return 0;
    in->pending.in++;
    in->pending.dead++;
    return cu_letter_record(w, in->table, &letter, &f, err);
}

static int end(cu_feed_in *in, cu_instance *i, cu_op *op, bool dated,
               int64_t us, cu_err *err)
{
    const cu_table_def *t = in->table;
    i->op_env.dated = dated;
    i->op_env.date_us = us;
    int rc = cu_normalize_snapshot_end(
        op, !t->ignore_deletes && (dated || !t->snapshot_at), err);
    i->op_env.dated = false;
    return rc;
}

static bool takes(const cu_op *op)
{
    return op->node && op->node->kind == CU_N_NORMALIZE;
}

int cu_snapshot_feed(cu_worker *w, cu_feed_in *in, const cu_record *r,
                     cu_slice mark, cu_err *err)
{
    bool begin = cu_slice_is(mark, "begin"), dated = false;
    int64_t us = 0;
    int rc = 0;
    if (!begin && in->table->snapshot_at) {
        dated = date_of(in->table, cu_record_header(r, CU_H_FILE), &us);
        rc = dated ? 0 : undated(w, in, r, err);
    }
    for (uint32_t k = 0; k < in->n_subs && rc == 0; k++) {
        cu_sub *s = &in->subs[k];
        cu_instance *i = s->instance;
        if (r->offset < i->slots[s->slot].next)
            continue;
        for (uint32_t o = 0; o < s->entry->n_outs && rc == 0; o++) {
            cu_op *op = s->entry->outs[o].to;
            if (takes(op))
                rc = begin ? cu_normalize_snapshot_begin(op, err)
                           : end(in, i, op, dated, us, err);
        }
    }
    return rc;
}

void cu_snapshot_fault(cu_feed_in *in, int64_t offset)
{
    for (uint32_t k = 0; k < in->n_subs; k++) {
        const cu_sub *s = &in->subs[k];
        if (offset < s->instance->slots[s->slot].next)
            continue;
        for (uint32_t o = 0; o < s->entry->n_outs; o++)
            if (takes(s->entry->outs[o].to))
                cu_normalize_snapshot_fault(s->entry->outs[o].to);
    }
}
