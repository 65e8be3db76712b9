/* A table under test: rows and faults of its decoder as text.
 *
 * Every record goes through decoders that keep every second column, the
 * others, and none as well: they must say the same of it, and give the same
 * values in what they keep.
 */
#ifndef CU_TESTS_SCHEMAS_DECODE_H
#define CU_TESTS_SCHEMAS_DECODE_H

#include "base/arena.h"
#include "schemas/codec.h"

#include <criterion/criterion.h>

enum { MASKS = 3 };

typedef struct table {
    cu_arena *a;
    cu_schema *schema;
    cu_codec_col cols[64];
    cu_codec_spec spec;
    cu_decoder *d; /* opened by the first record */
    cu_decoder *narrow[MASKS];
    bool kept[MASKS][64];
    cu_batch *batch;
    cu_faults faults;
    cu_input in; /* what is not the value */
    cu_buf out;
    cu_err err;
} table;

/* Columns "id:bigint not null, name:text" without the comma; JSON. */
table *table_new(const char *columns);
void table_free(table *t);
cu_codec_col *table_col(table *t, const char *name);
/* "" or the message of cu_decoder_open(). */
const char *table_open(table *t);
/* What one record gives: rows as cu_batch_print() does ("+1 | 7 a\n"), a line
 * "! SQLSTATE column: message\n" per fault, "" for no row. Kept until the next
 * call. The bytes are given in a heap block of just their size, so that the
 * sanitizer sees a read behind them. */
const char *table_take(table *t, const void *value, size_t len);
const char *table_say(table *t, const char *value);
/* `b` as a decoder shows it that keeps only some columns. */
cu_batch *narrowed(cu_arena *a, const cu_batch *b, const bool *kept);
/* Faults as lines, behind what is in `out`. */
void put_faults(const cu_faults *f, cu_buf *out);
/* A null value with this key. */
const char *table_delete(table *t, const char *key);
void table_key(table *t, const char *key);

/* name is the header; freed with the table. */
void table_header(table *t, const char *name, const char *value);

#define expect_text(actual, expected)                                    \
    do {                                                                 \
        const char *a_ = (actual), *e_ = (expected);                     \
        cr_expect(strcmp(a_, e_) == 0, "got\n%s\nexpected\n%s", a_, e_); \
    } while (0)
#define expect(t, value, expected) expect_text(table_say(t, value), expected)

/* Path of a sample data file in the table's arena, or NULL (said loudly). */
char *sample_path(cu_arena *a, const char *name);
/* Its content. */
bool sample(cu_arena *a, const char *name, cu_slice *out);

/* A small seeded generator. */
typedef struct dice {
    uint64_t s;
} dice;
uint32_t roll(dice *d, uint32_t n);
/* Flips, cuts, doubles, inserts: one change of `b`. */
void mutate(dice *d, cu_buf *b, const char *spice);

#endif
