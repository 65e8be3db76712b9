/* Bytes: borrowed slices, growing buffers, a bounds-checked scan, hashes.
 *
 * A slice borrows; `data == NULL` means "absent" (a null key, a tombstone),
 * which is not the empty slice.  A buffer owns heap memory and only grows
 * until it is cleared.  A scan reads untrusted bytes: it never passes the
 * end and remembers the first failure in `bad`, so that a decoder checks
 * once at the end.
 */
#ifndef CU_BASE_BYTES_H
#define CU_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct cu_slice {
    const char *data;
    size_t len;
} cu_slice;

#define CU_NULL_SLICE ((cu_slice){NULL, 0})
/* A slice over a string literal. */
#define CU_LIT(s) ((cu_slice){"" s, sizeof(s) - 1})

static inline cu_slice cu_slice_of(const char *s)
{
    return (cu_slice){s, s ? strlen(s) : 0};
}
static inline cu_slice cu_slice_n(const void *p, size_t len)
{
    return (cu_slice){(const char *)p, len};
}
/* A named value beside a record: Kafka headers, HTTP parameters. */
typedef struct cu_header {
    cu_slice name, value;
} cu_header;
/* Same length and bytes; absent equals only absent. */
bool cu_slice_eq(cu_slice a, cu_slice b);
/* memcmp order, shorter first on a tie: <0, 0, >0. */
int cu_slice_cmp(cu_slice a, cu_slice b);
bool cu_slice_is(cu_slice a, const char *s);

/* --- a growing buffer ------------------------------------------------- */

typedef struct cu_buf {
    char *data; /* heap; NULL while empty */
    size_t len, cap;
} cu_buf;

/* `(cu_buf){0}` is a ready, empty buffer. */
void cu_buf_free(cu_buf *b);
static inline void cu_buf_clear(cu_buf *b)
{
    b->len = 0;
}
/* Room for `extra` more bytes; returns the write position. */
char *cu_buf_reserve(cu_buf *b, size_t extra);
void cu_buf_put(cu_buf *b, const void *p, size_t len);
void cu_buf_put_slice(cu_buf *b, cu_slice s);
void cu_buf_put_str(cu_buf *b, const char *s);
void cu_buf_put_u8(cu_buf *b, uint8_t v);
void cu_buf_put_u16le(cu_buf *b, uint16_t v);
void cu_buf_put_u32le(cu_buf *b, uint32_t v);
void cu_buf_put_u64le(cu_buf *b, uint64_t v);
void cu_buf_put_u16be(cu_buf *b, uint16_t v);
void cu_buf_put_u32be(cu_buf *b, uint32_t v);
void cu_buf_put_u64be(cu_buf *b, uint64_t v);
/* LEB128; signed values are zigzagged first. */
void cu_buf_put_varint(cu_buf *b, uint64_t v);
void cu_buf_put_svarint(cu_buf *b, int64_t v);
/* varint length, then the bytes; absent slices are stored as such. */
void cu_buf_put_lslice(cu_buf *b, cu_slice s);
void cu_buf_printf(cu_buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline cu_slice cu_buf_slice(const cu_buf *b)
{
    return (cu_slice){b->data ? b->data : "", b->len};
}

/* --- reading untrusted bytes ------------------------------------------ */

typedef struct cu_scan {
    const char *p, *end;
    bool bad; /* a read passed the end or a varint was malformed */
} cu_scan;

cu_scan cu_scan_of(cu_slice s);
uint8_t cu_scan_u8(cu_scan *s);
uint16_t cu_scan_u16le(cu_scan *s);
uint32_t cu_scan_u32le(cu_scan *s);
uint64_t cu_scan_u64le(cu_scan *s);
uint16_t cu_scan_u16be(cu_scan *s);
uint32_t cu_scan_u32be(cu_scan *s);
uint64_t cu_scan_u64be(cu_scan *s);
uint64_t cu_scan_varint(cu_scan *s);
int64_t cu_scan_svarint(cu_scan *s);
/* `len` bytes, borrowed; empty and `bad` when there are fewer. */
cu_slice cu_scan_bytes(cu_scan *s, size_t len);
/* What cu_buf_put_lslice() wrote. */
cu_slice cu_scan_lslice(cu_scan *s);
static inline size_t cu_scan_left(const cu_scan *s)
{
    return (size_t)(s->end - s->p);
}

/* --- hashes and checks ------------------------------------------------ */

/* XXH3, 64 bits: tables in memory and block checksums. */
uint64_t cu_hash(cu_slice s);
/* Kafka's murmur2 as the Java client computes it (seed 0x9747b28c). */
uint32_t cu_murmur2(cu_slice s);
/* Partition of a key like the Java client: (murmur2 & 0x7fffffff) % n. */
int32_t cu_partition_of(cu_slice key, int32_t n_partitions);
/* Length of the longest valid UTF-8 prefix; == len when all is valid.
 * U+0000 is counted as invalid, as PostgreSQL does. */
size_t cu_utf8_valid_prefix(cu_slice s);
/* Smallest edit distance (insert, delete, replace, swap): "nearest name". */
size_t cu_edit_distance(const char *a, const char *b);

#endif
