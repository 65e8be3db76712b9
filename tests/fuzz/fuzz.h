/* What the fuzz programs share: a decoder over the input, and the invariants
 * of decoding: one row, or at least one fault, or no record; and a decoder
 * that keeps every second column says and gives the same. */
#ifndef CU_TESTS_FUZZ_H
#define CU_TESTS_FUZZ_H

#include "base/assert.h"
#include "rows/batch.h"
#include "schemas/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct fuzz_table {
    cu_arena *a, *batches;
    cu_schema *schema;
    cu_codec_col cols[32];
    cu_codec_spec spec;
    cu_decoder *d, *narrow;
    bool kept[32];
} fuzz_table;

static inline void fuzz_table_init(fuzz_table *t, const char *columns)
{
    t->a = cu_arena_new(0);
    t->batches = cu_arena_new(0);
    CU_ASSERT(!cu_schema_parse(t->a, columns, &t->schema, NULL));
    for (uint32_t i = 0; i < t->schema->n; i++) {
        t->cols[i].name = t->schema->fields[i].name;
        t->cols[i].type = t->schema->fields[i].type;
        t->cols[i].not_null = t->schema->fields[i].not_null;
    }
    t->spec.cols = t->cols;
    t->spec.n_cols = t->schema->n;
}

static inline void fuzz_table_open(fuzz_table *t)
{
    CU_ASSERT(!cu_decoder_open(&t->spec, t->schema, &t->d, NULL));
    CU_ASSERT(!cu_decoder_open(&t->spec, t->schema, &t->narrow, NULL));
    for (uint32_t i = 0; i < t->spec.n_cols; i++)
        t->kept[i] = i % 2;
    cu_decoder_keep(t->narrow, t->kept);
}

static inline void fuzz_table_narrow(fuzz_table *t, cu_input in,
                                     const cu_batch *all, const cu_faults *want)
{
    cu_faults faults;
    cu_batch *b = cu_batch_new_some(t->batches, t->schema, 2, t->kept);
    bool row = cu_decode(t->narrow, &in, b, &faults);
    CU_ASSERT(row == (all->n_rows == 1));
    CU_ASSERT(faults.n == want->n);
    for (uint32_t i = 0; i < faults.n && i < 16; i++) {
        const cu_fault_item *f = &faults.items[i], *w = &want->items[i];
        CU_ASSERT(f->sqlstate == w->sqlstate);
        CU_ASSERT(!strcmp(f->message, w->message));
        CU_ASSERT((f->column == NULL) == (w->column == NULL));
        CU_ASSERT(f->column == NULL || !strcmp(f->column, w->column));
    }
    cu_batch_seal(b);
    cu_batch *shown = cu_arena_dup(t->batches, all, sizeof(*all));
    shown->cols = cu_arena_dup(t->batches, all->cols,
                               all->n_cols * sizeof(*all->cols));
    for (uint32_t i = 0; i < all->n_cols; i++)
        if (!t->kept[i])
            shown->cols[i] = b->cols[i];
    cu_buf got = {0}, wanted = {0};
    cu_batch_print(b, &got);
    cu_batch_print(shown, &wanted);
    CU_ASSERT(cu_slice_eq(cu_buf_slice(&got), cu_buf_slice(&wanted)));
    cu_buf_free(&got);
    cu_buf_free(&wanted);
}

static inline void fuzz_table_take(fuzz_table *t, cu_input in)
{
    cu_faults faults;
    cu_batch *b = cu_batch_new(t->batches, t->schema, 2);
    bool row = cu_decode(t->d, &in, b, &faults);
    CU_ASSERT(row == (b->n_rows == 1));
    CU_ASSERT(!(row && faults.n));
    for (uint32_t i = 0; i < faults.n && i < 16; i++) {
        cu_slice m = cu_slice_of(faults.items[i].message);
        CU_ASSERT(m.len > 0);
        CU_ASSERT(cu_utf8_valid_prefix(m) == m.len);
    }
    cu_batch_seal(b);
    cu_buf out = {0};
    cu_batch_print(b, &out); /* touches every value */
    cu_buf_free(&out);
    fuzz_table_narrow(t, in, b, &faults);
    cu_arena_reset(t->batches);
}

#endif
