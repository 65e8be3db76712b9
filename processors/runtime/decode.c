/* Records of one table -> accepted rows, or rejects.
 *
 * Acceptance belongs to the table, not to the views (decision 9): the codec
 * casts every declared column, then generated columns are computed, then
 * NOT NULL and CHECK constraints are judged.  A record that fails anywhere
 * gives no row and one reject that lists its faults.
 *
 *   record -> codec -> generated columns -> checks -> row, origin = record
 */
#include "processors/runtime/decode.h"

#include "processors/runtime/letters.h"
#include "schemas/source.h"

struct cu_decode_ctx {
    const cu_table_def *table;
    const cu_expr_env *env;
    bool *kept;           /* NULL: all columns */
    cu_decode_ctx *whole; /* keeps all; made when it is asked for */
    cu_decoder *decoder;
    cu_letter_reader *letters; /* instead, for tables of letters */
    cu_prog *generated;        /* or NULL */
    uint32_t n_generated;
    uint16_t *generated_cols;
    cu_prog *checks; /* or NULL */
    cu_row_faults faults;
    cu_faults record_faults;
};

static int compile_generated(cu_decode_ctx *d, const cu_expr_env *env,
                             cu_err *err)
{
    const cu_table_def *t = d->table;
    if (t->generated == NULL)
        return 0;
    cu_expr **exprs = cu_calloc(t->schema->n, sizeof(*exprs));
    d->generated_cols = cu_calloc(t->schema->n, sizeof(*d->generated_cols));
    for (uint32_t i = 0; i < t->schema->n; i++) {
        if (t->generated[i] == NULL)
            continue;
        d->generated_cols[d->n_generated] = (uint16_t)i;
        exprs[d->n_generated++] = t->generated[i];
    }
    int rc = 0;
    if (d->n_generated)
        rc = cu_prog_compile(exprs, d->n_generated, t->schema, env,
                             &d->generated, err);
    cu_free(exprs);
    return rc;
}

static int compile_checks(cu_decode_ctx *d, const cu_expr_env *env, cu_err *err)
{
    const cu_table_def *t = d->table;
    if (t->n_checks == 0)
        return 0;
    cu_expr **exprs = cu_calloc(t->n_checks, sizeof(*exprs));
    for (uint32_t i = 0; i < t->n_checks; i++)
        exprs[i] = t->checks[i].predicate;
    int rc = cu_prog_compile(exprs, t->n_checks, t->schema, env, &d->checks,
                             err);
    cu_free(exprs);
    return rc;
}

/* Whether a row is good does not depend on `kept`: what generated columns and
 * checks read is among it. */
static void keep(cu_decode_ctx *d, const bool *kept)
{
    uint32_t n = d->table->schema->n, n_kept = 0;
    for (uint32_t i = 0; kept && i < n; i++)
        n_kept += kept[i];
    if (kept == NULL || n_kept == n || d->decoder == NULL)
        return;
    d->kept = cu_calloc(n, sizeof(*d->kept));
    memcpy(d->kept, kept, n * sizeof(*d->kept));
    cu_decoder_keep(d->decoder, d->kept);
}

int cu_decode_open(const cu_table_def *t, const cu_expr_env *env,
                   const bool *kept, cu_decode_ctx **out, cu_err *err)
{
    cu_decode_ctx *d = cu_calloc(1, sizeof(*d));
    d->table = t;
    d->env = env;
    int rc = t->letters == CU_LETTERS_NONE
                 ? cu_decoder_open(&t->codec, t->schema, &d->decoder, err)
                 : cu_letter_reader_open(t, &d->letters, err);
    if (rc == 0)
        rc = compile_generated(d, env, err);
    if (rc == 0)
        rc = compile_checks(d, env, err);
    if (rc) {
        cu_err_note(err, "table %s: ", t->name);
        cu_decode_close(d);
        return rc;
    }
    keep(d, kept);
    *out = d;
    return 0;
}

void cu_decode_close(cu_decode_ctx *d)
{
    if (d == NULL)
        return;
    cu_decode_close(d->whole);
    cu_free(d->kept);
    if (d->decoder)
        cu_decoder_close(d->decoder);
    cu_letter_reader_close(d->letters);
    if (d->generated)
        cu_prog_free(d->generated);
    if (d->checks)
        cu_prog_free(d->checks);
    cu_free(d->generated_cols);
    cu_free(d);
}

cu_slice cu_snapshot_mark(const cu_record *r)
{
    return cu_record_header(r, CU_H_SNAPSHOT);
}

cu_input cu_input_of(const cu_record *r)
{
    return (cu_input){.key = r->key,
                      .value = r->value,
                      .topic = r->part.topic,
                      .partition = r->part.partition,
                      .offset = r->offset,
                      .timestamp_ms = r->timestamp_ms,
                      .headers = r->headers,
                      .n_headers = r->n_headers};
}

/* One batch being judged. */
typedef struct judge {
    cu_decode_ctx *d;
    const cu_record *records;
    const uint32_t *origins;
    cu_reject *reject;
    void *ctx;
    cu_pending *counts;
    bool bad[CU_BATCH_ROWS];
} judge;

static int reject_row(judge *j, uint32_t row, const char *column,
                      uint32_t sqlstate, const char *message, cu_err *err)
{
    if (j->bad[row])
        return 0;
    j->bad[row] = true;
    j->counts->applied--;
    j->counts->dead++;
    if (j->reject == NULL)
        return 0;
    cu_faults f = {.n = 1};
    f.items[0] = (cu_fault_item){column, sqlstate, message};
    return j->reject(j->ctx, j->d->table, &j->records[j->origins[row]], &f,
                     err);
}

static int judge_generated(judge *j, cu_batch *b, cu_err *err)
{
    cu_decode_ctx *d = j->d;
    if (d->generated == NULL)
        return 0;
    cu_col *cols = cu_arena_calloc(b->arena, d->n_generated, sizeof(*cols));
    cu_prog_run(d->generated, b, b->arena, cols, &d->faults);
    for (uint32_t i = 0; i < d->faults.n; i++) {
        const cu_row_fault *f = &d->faults.at[i];
        uint16_t col = d->generated_cols[f->expr];
        int rc = reject_row(j, f->row, b->schema->fields[col].name, f->sqlstate,
                            f->message, err);
        if (rc)
            return rc;
    }
    for (uint32_t i = 0; i < d->n_generated; i++) {
        uint16_t col = d->generated_cols[i];
        b->cols[col] = cols[i];
        if (!b->schema->fields[col].not_null)
            continue;
        for (uint32_t row = 0; row < b->n_rows; row++) {
            if (!cu_col_is_null(&cols[i], row))
                continue;
            const char *name = b->schema->fields[col].name;
            const char *m = cu_arena_printf(
                b->arena,
                "null value in column \"%s\" violates not-null constraint",
                name);
            int rc = reject_row(j, row, name,
                                CU_SQLSTATE('2', '3', '5', '0', '2'), m, err);
            if (rc)
                return rc;
        }
    }
    return 0;
}

static int judge_checks(judge *j, cu_batch *b, cu_err *err)
{
    cu_decode_ctx *d = j->d;
    const cu_table_def *t = d->table;
    if (d->checks == NULL)
        return 0;
    cu_col *cols = cu_arena_calloc(b->arena, t->n_checks, sizeof(*cols));
    cu_prog_run(d->checks, b, b->arena, cols, &d->faults);
    for (uint32_t i = 0; i < d->faults.n; i++) {
        const cu_row_fault *f = &d->faults.at[i];
        int rc = reject_row(j, f->row, NULL, f->sqlstate, f->message, err);
        if (rc)
            return rc;
    }
    for (uint32_t k = 0; k < t->n_checks; k++) {
        for (uint32_t row = 0; row < b->n_rows; row++) {
            const cu_col *c = &cols[k];
            if (cu_batch_weight(b, row) < 0 || cu_col_is_null(c, row) ||
                CU_COL(c, uint8_t)[cu_col_at(c, row)])
                continue;
            const char *m = cu_arena_printf(
                b->arena,
                "new row for relation \"%s\" violates check constraint \"%s\"",
                t->name, t->checks[k].name);
            int rc = reject_row(j, row, NULL,
                                CU_SQLSTATE('2', '3', '5', '1', '4'), m, err);
            if (rc)
                return rc;
        }
    }
    return 0;
}

/* Deselects the rejected rows. */
static void drop_bad(judge *j, cu_batch *b)
{
    uint16_t *sel = cu_arena_alloc(b->arena, b->n_rows * sizeof(*sel) + 1);
    uint32_t n = 0;
    for (uint32_t row = 0; row < b->n_rows; row++)
        if (!j->bad[row])
            sel[n++] = (uint16_t)row;
    if (n == b->n_rows)
        return;
    b->sel = sel;
    b->n_sel = n;
}

int cu_decode_batch(cu_decode_ctx *d, const cu_record *records, uint32_t n,
                    cu_arena *a, cu_reject *reject, void *ctx,
                    cu_pending *counts, cu_batch **out, cu_err *err)
{
    CU_ASSERT(n <= CU_BATCH_ROWS);
    cu_batch *b = cu_batch_new_some(a, d->table->schema, n ? n : 1, d->kept);
    uint32_t *origins = cu_arena_alloc(a, (n ? n : 1) * sizeof(*origins));
    judge j = {.d = d,
               .records = records,
               .origins = origins,
               .reject = reject,
               .ctx = ctx,
               .counts = counts};
    for (uint32_t i = 0; i < n; i++) {
        cu_input in = cu_input_of(&records[i]);
        d->record_faults.n = 0;
        bool row = d->letters
                       ? cu_letter_read(d->letters, &records[i], &in, b,
                                        &d->record_faults)
                       : cu_decode(d->decoder, &in, b, &d->record_faults);
        if (row) {
            origins[b->n_rows - 1] = i;
            counts->in++;
            counts->applied++;
            continue;
        }
        if (d->record_faults.n == 0)
            continue;
        counts->in++;
        counts->dead++;
        int rc = reject == NULL ? 0
                                : reject(ctx, d->table, &records[i],
                                         &d->record_faults, err);
        if (rc)
            return rc;
    }
    b->origins = origins;
    b->records = records;
    cu_batch_seal(b);
    int rc = 0;
    if (b->n_rows) {
        rc = judge_generated(&j, b, err);
        drop_bad(&j, b);
        if (rc == 0)
            rc = judge_checks(&j, b, err);
        drop_bad(&j, b);
    }
    *out = b;
    return rc;
}

int cu_decode_whole(cu_decode_ctx *d, cu_arena *a, const cu_batch **b,
                    uint32_t *row, cu_err *err)
{
    const cu_batch *from = *b;
    if (d->kept == NULL || from->schema != d->table->schema ||
        from->origins == NULL || from->records == NULL)
        return 0;
    if (d->whole == NULL) {
        int rc = cu_decode_open(d->table, d->env, NULL, &d->whole, err);
        if (rc)
            return rc;
    }
    cu_pending ignored = {0};
    cu_batch *out;
    int rc = cu_decode_batch(d->whole, &from->records[from->origins[*row]], 1,
                             a, NULL, NULL, &ignored, &out, err);
    if (rc == 0 && out->n_sel == 1) {
        *row = cu_batch_row(out, 0);
        *b = out;
    }
    return rc;
}
