/* What the fuzz programs share: a decoder over the input, and the invariant
 * of decoding: one row, or at least one fault, or no record. */
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
    cu_decoder *d;
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
    cu_arena_reset(t->batches);
}

#endif
