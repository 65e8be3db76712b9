/* Batches: the only thing that moves between operators.
 *
 * Up to 1,024 rows in columns, each row with a signed weight: +1 says the
 * row came, -1 says it went, an update is (-1 old)(+1 new).
 *
 *   row      0    1    2    3        sel  = [0, 2]      live rows
 *   key      a    b    c    d        weights = [1, 1, -1, 1]
 *   books    1    2    3    4
 *
 * A batch is lent for the call; the callee copies what it keeps.  Strings
 * may point into a fetched record or a state value until the batch's
 * lender takes it back.  Everything per row (data, valid, weights, marks,
 * origins) is indexed by the row, never by the position in `sel`.
 *
 * B1 sealed (passed on) batches do not change.  B2 no weight is 0.
 * B3 every column has n_rows values.  B4 no row depends on its neighbour.
 */
#ifndef CU_ROWS_BATCH_H
#define CU_ROWS_BATCH_H

#include "rows/type.h"

enum { CU_BATCH_ROWS = 1024 };

enum cu_col_form {
    CU_FLAT,  /* one value per row */
    CU_CONST, /* data[0] and valid bit 0 stand for every row */
};

typedef struct cu_col {
    cu_type type;
    uint8_t form;
    uint64_t *valid; /* bit set: a value; NULL: no nulls */
    void *data;
} cu_col;

struct cu_record; /* log/log.h; carried, never looked into here */

typedef struct cu_batch {
    const cu_schema *schema;
    uint32_t n_rows;
    uint32_t n_cols;
    uint32_t capacity;
    uint32_t n_sel;          /* live rows: n_rows when sel is NULL */
    const uint16_t *sel;     /* ascending row numbers, or NULL: all */
    const int32_t *weights;  /* NULL: all +1 */
    const int64_t *marks;    /* watermark of the row's source partition before
                                the row, microseconds since 2000; or NULL */
    const uint32_t *origins; /* index into `records`; NULL: derived rows */
    const struct cu_record *records;
    cu_col *cols;
    cu_arena *arena; /* where it and what is made from it may live */
} cu_batch;

/* --- reading ------------------------------------------------------------ */

/* The row number of the i-th live row. */
static inline uint32_t cu_batch_row(const cu_batch *b, uint32_t i)
{
    return b->sel ? b->sel[i] : i;
}
static inline int32_t cu_batch_weight(const cu_batch *b, uint32_t row)
{
    return b->weights ? b->weights[row] : 1;
}
/* Index into data: 0 for a constant column. */
static inline uint32_t cu_col_at(const cu_col *c, uint32_t row)
{
    return c->form == CU_CONST ? 0 : row;
}
static inline bool cu_col_is_null(const cu_col *c, uint32_t row)
{
    uint32_t at = cu_col_at(c, row);
    return c->valid && !(c->valid[at >> 6] >> (at & 63) & 1);
}
#define CU_COL(c, ctype) ((ctype *)(c)->data)

/* Slow, for tests and cold paths. Slices are lent. */
cu_value cu_col_value(const cu_col *c, uint32_t row);
static inline cu_value cu_batch_value(const cu_batch *b, uint32_t row,
                                      uint32_t col)
{
    return cu_col_value(&b->cols[col], row);
}

/* --- making ------------------------------------------------------------- */

/* An empty batch with flat columns of `capacity` (<= CU_BATCH_ROWS) rows;
 * `valid` bitmaps are made when the first null is set. */
cu_batch *cu_batch_new(cu_arena *a, const cu_schema *schema, uint32_t capacity);
/* The same, but columns that are not `kept` (NULL: all are) take no memory:
 * constant NULLs, which nobody may write to. */
cu_batch *cu_batch_new_some(cu_arena *a, const cu_schema *schema,
                            uint32_t capacity, const bool *kept);
/* Back to zero rows; drops bitmaps and weights. The arena is not reset. */
void cu_batch_clear(cu_batch *b);
/* Adds a row of NULLs with weight `w` (weights appear when w != 1); returns
 * its number. The batch must have room. */
uint32_t cu_batch_add(cu_batch *b, int32_t w);
/* Fixes n_sel; to be called before a batch made here is passed on. */
void cu_batch_seal(cu_batch *b);

void cu_col_set_null(cu_arena *a, cu_col *c, uint32_t row, uint32_t capacity);
void cu_col_set_valid(cu_col *c, uint32_t row);
/* Type must match; slices are borrowed, not copied. */
void cu_col_set(cu_arena *a, cu_col *c, uint32_t row, uint32_t capacity,
                const cu_value *v);
/* Copies one value between columns of the same type; slices borrowed. */
void cu_col_copy(cu_arena *a, cu_col *to, uint32_t to_row, uint32_t capacity,
                 const cu_col *from, uint32_t from_row);
/* Appends row `row` of `from` (same schema) with weight `w`, marks and
 * origins dropped; slices borrowed. */
void cu_batch_append(cu_batch *to, const cu_batch *from, uint32_t row,
                     int32_t w);
/* `n` values of `from` at `rows[i]` into a new flat column (gather). */
cu_col cu_col_gather(cu_arena *a, const cu_col *from, const uint16_t *rows,
                     uint32_t n);
/* A flat copy of `n` rows (a CONST column is spread). */
cu_col cu_col_flatten(cu_arena *a, const cu_col *from, uint32_t n);
/* A constant column. */
cu_col cu_col_const(cu_arena *a, const cu_value *v);

/* A deep copy of the live rows into `a`: nothing borrowed but `records`. */
cu_batch *cu_batch_copy(cu_arena *a, const cu_batch *b);
/* The same batch with other live rows (shares the columns). */
cu_batch *cu_batch_select(cu_arena *a, const cu_batch *b, const uint16_t *sel,
                          uint32_t n_sel);
/* Adds up the weights of byte-equal rows over several batches and drops
 * what cancels; the result is sorted by row bytes, in batches of at most
 * CU_BATCH_ROWS. Returns how many batches were put into *out. */
uint32_t cu_batch_consolidate(cu_arena *a, const cu_batch *const *in,
                              uint32_t n, cu_batch ***out);
/* Bytes that the live rows hold in memory, roughly. */
size_t cu_batch_bytes(const cu_batch *b);
/* Invariants B1-B3 of a sealed batch; CU_ASSERTs. */
void cu_batch_check(const cu_batch *b);

/* --- text tables for tests ---------------------------------------------- */

/* schema "i:int s:text n:numeric(12,2)"; rows one a line, "[+w|-w] | v v v",
 * the weight part optional ("+1 |"); words may be 'quoted text' ('' inside),
 * null is a bare `null`. Values go through the types' input functions. */
int cu_schema_parse(cu_arena *a, const char *text, cu_schema **out,
                    cu_err *err);
int cu_batch_parse(cu_arena *a, const char *schema, const char *rows,
                   cu_batch **out, cu_err *err);
/* The same form back, live rows in order: "+1 | 7 a\n". */
void cu_batch_print(const cu_batch *b, cu_buf *out);

#endif
