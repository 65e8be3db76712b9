/* A stretch of a partition in memory, read as it is needed. */
#ifndef CU_OPERATORS_OVER_ROWS_H
#define CU_OPERATORS_OVER_ROWS_H

#include "base/assert.h"
#include "processors/operators/op.h"

enum { CU_OVER_CHUNK = 128 };

/* Decoded rows, in one arena. */
typedef struct cu_over_chunk {
    struct cu_over_chunk *next;
    cu_arena *arena;
    cu_batch *batch;
    int64_t end; /* the number behind its last row */
} cu_over_chunk;

typedef enum cu_over_status {
    CU_OVER_FRESH,   /* nothing was emitted yet */
    CU_OVER_SHOWN,   /* with these outputs */
    CU_OVER_REFUSED, /* a call failed for it: a letter was written */
} cu_over_status;

/* A row of the partition, by its number in the pass. */
typedef struct cu_over_row {
    cu_slice key, order, bytes; /* order: partition | order */
    cu_slice shown, state;      /* as stored */
    uint8_t status;
    cu_over_chunk *chunk;
    uint32_t at; /* in the chunk's batch */
    int64_t group;
} cu_over_row;

typedef struct cu_over_rows {
    cu_op *op;
    cu_table *table;
    cu_table_iter *iter;
    cu_buf from, to; /* where to read on, and the partition's end */
    bool bounded;    /* `to` is there */
    bool done;       /* the partition has no more */
    bool top;        /* row `first` is the partition's first */
    cu_over_row *ring;
    size_t mask;
    int64_t begin;       /* the first row of this pass */
    int64_t first, next; /* in memory: [first, next) */
    cu_over_chunk *head, *tail, *spare;
    uint64_t read; /* rows, ever */
} cu_over_rows;

void cu_over_rows_open(cu_over_rows *r, cu_op *op, cu_table *table);
void cu_over_rows_close(cu_over_rows *r);
/* Starts to read at `from` up to the end of the partition. */
void cu_over_rows_start(cu_over_rows *r, cu_slice from, cu_slice partition);
/* Row `i`, read if need be; *out NULL behind the last row. */
int cu_over_rows_at(cu_over_rows *r, int64_t i, cu_over_row **out, cu_err *err);
/* A row that is in memory. */
static inline cu_over_row *cu_over_rows_get(const cu_over_rows *r, int64_t i)
{
    CU_ASSERT(i >= r->first && i < r->next);
    return &r->ring[(size_t)i & r->mask];
}
static inline cu_value cu_over_value(const cu_over_row *row, uint32_t col)
{
    return cu_batch_value(row->chunk->batch, row->at, col);
}
/* Rows before `i` are not needed any more. */
void cu_over_rows_drop(cu_over_rows *r, int64_t i);
/* The table is about to change: the scan ends, and goes on behind the last
 * row that was read when more is asked for. */
int cu_over_rows_pause(cu_over_rows *r, cu_err *err);
/* The parts of a stored value. */
bool cu_over_row_parse(cu_slice key, cu_slice value, cu_over_row *out);

#endif
