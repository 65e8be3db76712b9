/* Blocks of records: what the embedded log stores per commit and partition.
 *
 * A block is immutable bytes; its place (topic, partition, base offset) is
 * its key.  Picture of the bytes: local_block.c.  Thread: one owner.
 */
#ifndef CU_LOG_LOCAL_BLOCK_H
#define CU_LOG_LOCAL_BLOCK_H

#include "log/log.h"

typedef struct cu_block_info {
    uint32_t n;         /* records */
    uint32_t n_bytes;   /* of them, before they are packed */
    int64_t span;       /* offsets covered: the block after starts there */
    int64_t first_ms;   /* timestamp of the first record */
    int64_t max_ms;     /* largest timestamp in the block */
    int64_t high_ms;    /* largest timestamp of the partition up to here */
    int64_t written_ms; /* wall clock of the commit */
} cu_block_info;

/* Encoding: start, add records in ascending offset, end, seal. */
typedef struct cu_block_writer {
    cu_buf *out;
    size_t at;        /* where the block starts in `out` */
    size_t n_bytes;   /* of the last full header section */
    size_t headers;   /* where it starts, from `at`; 0: none yet */
    int64_t last_ms;  /* timestamp of the record before */
    int64_t next_rel; /* offset expected next, relative to the base */
    cu_block_info info;
} cu_block_writer;

void cu_block_start(cu_block_writer *w, cu_buf *out);
/* `rel`: offset minus base. Copies. */
void cu_block_add(cu_block_writer *w, int64_t rel, const cu_record *r);
static inline size_t cu_block_size_bytes(const cu_block_writer *w)
{
    return w->out->len - w->at;
}
/* No more records: packs them when that pays, which moves the end of `out`. */
void cu_block_end(cu_block_writer *w);
/* Fills the block's head and checksum; `block` is the whole of it. */
void cu_block_seal(char *block, size_t len, const cu_block_info *info);

/* Decoding.  The bytes, and the space that they were unpacked into, must
 * outlive the reader and its records. */
typedef struct cu_block_reader {
    cu_block_info info;
    cu_part part;
    int64_t base;
    int64_t next; /* offset of the record that comes next */
    int64_t last_ms;
    uint32_t left; /* records not yet read */
    const char *p, *end;
    cu_header *headers; /* of the record before */
    uint32_t n_headers;
} cu_block_reader;

/* Only the head, unchecked but for its format: retention, search by time.
 * CU_CORRUPT names the place. */
int cu_block_peek(cu_slice block, cu_part part, int64_t base,
                  cu_block_info *out, cu_err *err);
/* Checks the whole block: CU_CORRUPT with topic, partition and offset.
 * `space` is overwritten when the block is packed. */
int cu_block_open(cu_block_reader *r, cu_slice block, cu_part part,
                  int64_t base, cu_buf *space, cu_err *err);
/* The next up to `max` records with an offset >= `from`; headers come from
 * `a`, which must live as long as the block is read, since neighbours share
 * them. *n == 0: the block is read. */
int cu_block_read(cu_block_reader *r, int64_t from, cu_record *out, size_t max,
                  cu_arena *a, size_t *n, cu_err *err);

#endif
