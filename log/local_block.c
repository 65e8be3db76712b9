/* Blocks: many records in one value of the store.
 *
 * A record of its own per key would cost a key, a memtable node and a
 * checksum each; a block shares them, and readers decode it in place.
 *
 *     0  u8     format, 1
 *     1  u64le  XXH3 of everything behind it
 *     9  u32le  n, records
 *    13  u64le  span: the next block starts at base + span
 *    21  u64le  first_ms   29 max_ms   37 high_ms   45 written_ms
 *    53  u32le  bytes of the records; more than follow: they are packed
 *    57  n times:
 *        u8      bits: 1 same headers as before  2 a gap before
 *                      4 same time as before     8 null key  16 null value
 *        varint  offsets skipped            (bit 2: compaction leaves gaps)
 *        svarint time - time before         (unless bit 4)
 *        varint  n headers, each lslice name, lslice value (unless bit 1)
 *        varint  key length, key            (unless bit 8)
 *        varint  value length, value        (unless bit 16)
 *
 * "Before" the first record stand time 0, no headers, offset base - 1.
 * Encoders bring no offsets of their own: the base is known at commit and
 * stands in the key.
 *
 * high_ms never falls along a partition, so that a search by time can
 * bisect.  written_ms is the commit's clock: tombstones expire by it, since
 * record timestamps are event times and may be years old.
 *
 * A full block is packed (base/pack.h): it goes through the store's log, its
 * memtable and every merge as a fraction of itself.
 *
 * B1 n > 0 and 0 < span; every offset lies in [base, base + span).
 * B2 the decoder trusts nothing: each length is checked against the end,
 *    though the checksum came out right.
 */
#include "log/local_block.h"

#include "base/assert.h"
#include "base/pack.h"

enum {
    FORMAT = 1,
    HEAD = 57,
    LEAST_PACKED = 512, /* bytes of records */
    CHECKED = 9,        /* the checksum covers the bytes from here */
    VARINT_MAX = 10,
};

enum {
    SAME_HEADERS = 1,
    GAP = 2,
    SAME_TIME = 4,
    NULL_KEY = 8,
    NULL_VALUE = 16,
    ALL_BITS = 31,
};

/* --- encoding ---------------------------------------------------------- */

static inline char *put_varint(char *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (char)(v | 0x80);
        v >>= 7;
    }
    *p++ = (char)v;
    return p;
}

static inline uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline char *put_bytes(char *p, cu_slice s)
{
    p = put_varint(p, s.len);
    if (s.len)
        memcpy(p, s.data, s.len);
    return p + s.len;
}

/* Absent: 0, else length + 1. */
static inline char *put_lslice(char *p, cu_slice s)
{
    if (!s.data)
        return put_varint(p, 0);
    p = put_varint(p, (uint64_t)s.len + 1);
    if (s.len)
        memcpy(p, s.data, s.len);
    return p + s.len;
}

static void put_le(char *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(v >> 8 * i);
}

void cu_block_start(cu_block_writer *w, cu_buf *out)
{
    *w = (cu_block_writer){.out = out, .at = out->len};
    w->info.max_ms = INT64_MIN;
    cu_buf_reserve(out, HEAD);
    out->len += HEAD;
}

static size_t largest(const cu_record *r)
{
    size_t size = 1 + 5 * VARINT_MAX + r->key.len + r->value.len;
    for (uint32_t i = 0; i < r->n_headers; i++) {
        const cu_header *h = &r->headers[i];
        size += 2 * VARINT_MAX + h->name.len + h->value.len;
    }
    return size;
}

/* Writes the header section at p, or takes it back when the record before
 * has the same one: *same, and p stays. */
static char *put_headers(cu_block_writer *w, char *p, const cu_record *r,
                         bool *same)
{
    char *start = w->out->data + w->at;
    if (r->n_headers == 0 && w->n_bytes == 0) {
        *same = true;
        return p;
    }
    char *q = p;
    if (r->n_headers > 0)
        q = put_varint(q, r->n_headers);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        q = put_lslice(q, r->headers[i].name);
        q = put_lslice(q, r->headers[i].value);
    }
    size_t n = (size_t)(q - p);
    if (n == w->n_bytes && !memcmp(p, start + w->headers, n)) {
        *same = true;
        return p;
    }
    *same = false;
    w->headers = (size_t)(p - start);
    w->n_bytes = n;
    return n ? q : put_varint(p, 0);
}

void cu_block_add(cu_block_writer *w, int64_t rel, const cu_record *r)
{
    CU_ASSERT(rel >= w->next_rel); /* L1 */
    char *first = cu_buf_reserve(w->out, largest(r));
    char *p = first + 1;
    unsigned bits = 0;
    if (rel > w->next_rel) {
        bits |= GAP;
        p = put_varint(p, (uint64_t)(rel - w->next_rel));
    }
    if (r->timestamp_ms == w->last_ms)
        bits |= SAME_TIME;
    else
        p = put_varint(p, zigzag((int64_t)((uint64_t)r->timestamp_ms -
                                           (uint64_t)w->last_ms)));
    bool same;
    p = put_headers(w, p, r, &same);
    bits |= same ? SAME_HEADERS : 0;
    if (r->key.data)
        p = put_bytes(p, r->key);
    else
        bits |= NULL_KEY;
    if (r->value.data)
        p = put_bytes(p, r->value);
    else
        bits |= NULL_VALUE;
    *first = (char)bits;
    w->out->len += (size_t)(p - first);

    w->last_ms = r->timestamp_ms;
    w->next_rel = rel + 1;
    if (w->info.n++ == 0)
        w->info.first_ms = r->timestamp_ms;
    if (r->timestamp_ms > w->info.max_ms)
        w->info.max_ms = r->timestamp_ms;
    w->info.span = w->next_rel;
}

void cu_block_end(cu_block_writer *w)
{
    size_t raw = cu_block_size_bytes(w) - HEAD;
    CU_ASSERT(raw <= UINT32_MAX);
    w->info.n_bytes = (uint32_t)raw;
    if (raw < LEAST_PACKED)
        return;
    size_t end = w->out->len;
    cu_buf_reserve(w->out, raw); /* before anybody points into it */
    char *records = w->out->data + w->at + HEAD;
    if (!cu_pack(cu_slice_n(records, raw), w->out))
        return;
    size_t packed = w->out->len - end;
    memmove(records, w->out->data + end, packed);
    w->out->len = w->at + HEAD + packed;
}

void cu_block_seal(char *block, size_t len, const cu_block_info *info)
{
    CU_ASSERT(len > HEAD);
    CU_ASSERT(info->n > 0 && info->span >= info->n); /* B1 */
    block[0] = FORMAT;
    put_le(block + 9, info->n, 4);
    put_le(block + 13, (uint64_t)info->span, 8);
    put_le(block + 21, (uint64_t)info->first_ms, 8);
    put_le(block + 29, (uint64_t)info->max_ms, 8);
    put_le(block + 37, (uint64_t)info->high_ms, 8);
    put_le(block + 45, (uint64_t)info->written_ms, 8);
    put_le(block + 53, info->n_bytes, 4);
    put_le(block + 1, cu_hash(cu_slice_n(block + CHECKED, len - CHECKED)), 8);
}

/* --- decoding ---------------------------------------------------------- */

static int corrupt(cu_part part, int64_t offset, const char *why, cu_err *err)
{
    return cu_fail(err, CU_CORRUPT, 0,
                   "embedded log: block of %s[%d] at offset %lld %s; restore "
                   "the folder from a backup or delete the records up to the "
                   "next block",
                   part.topic, (int)part.partition, (long long)offset, why);
}

int cu_block_peek(cu_slice block, cu_part part, int64_t base,
                  cu_block_info *out, cu_err *err)
{
    cu_scan s = cu_scan_of(block);
    uint8_t format = cu_scan_u8(&s);
    cu_scan_u64le(&s);
    out->n = cu_scan_u32le(&s);
    out->span = (int64_t)cu_scan_u64le(&s);
    out->first_ms = (int64_t)cu_scan_u64le(&s);
    out->max_ms = (int64_t)cu_scan_u64le(&s);
    out->high_ms = (int64_t)cu_scan_u64le(&s);
    out->written_ms = (int64_t)cu_scan_u64le(&s);
    out->n_bytes = cu_scan_u32le(&s);
    if (s.bad)
        return corrupt(part, base, "is cut short", err);
    if (format != FORMAT)
        return corrupt(part, base, "has an unknown format", err);
    if (out->n == 0 || out->span < out->n || out->span > INT64_MAX - base)
        return corrupt(part, base, "has a damaged head", err);
    return 0;
}

/* The records as they were, `n` bytes; false: that is not in them. */
static bool unpack(cu_slice *records, size_t n, cu_buf *space)
{
    if (n == records->len)
        return true;
    if (n / CU_PACK_MOST > records->len)
        return false;
    cu_buf_clear(space);
    char *to = cu_buf_reserve(space, n);
    bool ok = cu_unpack(*records, to, n);
    *records = cu_slice_n(to, n);
    return ok;
}

int cu_block_open(cu_block_reader *r, cu_slice block, cu_part part,
                  int64_t base, cu_buf *space, cu_err *err)
{
    *r = (cu_block_reader){.part = part, .base = base, .next = base};
    int rc = cu_block_peek(block, part, base, &r->info, err);
    if (rc)
        return rc;
    cu_scan s = cu_scan_of(cu_slice_n(block.data + 1, 8));
    cu_slice body = cu_slice_n(block.data + CHECKED, block.len - CHECKED);
    if (cu_scan_u64le(&s) != cu_hash(body))
        return corrupt(part, base, "does not match its checksum", err);
    cu_slice records = cu_slice_n(block.data + HEAD, block.len - HEAD);
    if (!unpack(&records, r->info.n_bytes, space))
        return corrupt(part, base, "does not unpack", err);
    r->left = r->info.n;
    r->p = records.data;
    r->end = records.data + records.len;
    return 0;
}

/* NULL: malformed or past the end. */
static inline const char *get_varint(const char *p, const char *end,
                                     uint64_t *v)
{
    if (p < end && !((unsigned char)*p & 0x80)) {
        *v = (unsigned char)*p;
        return p + 1;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
        unsigned char c = (unsigned char)*p++;
        value |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            *v = value;
            return p;
        }
    }
    return NULL;
}

static inline const char *get_bytes(const char *p, const char *end, cu_slice *s)
{
    uint64_t len = 0;
    p = get_varint(p, end, &len);
    if (!p || len > (uint64_t)(end - p))
        return NULL;
    *s = cu_slice_n(p, (size_t)len);
    return p + len;
}

static const char *get_lslice(const char *p, const char *end, cu_slice *s)
{
    uint64_t len = 0;
    p = get_varint(p, end, &len);
    if (!p)
        return NULL;
    *s = CU_NULL_SLICE;
    if (len-- == 0)
        return p;
    if (len > (uint64_t)(end - p))
        return NULL;
    *s = cu_slice_n(p, (size_t)len);
    return p + len;
}

static const char *get_headers(cu_block_reader *r, const char *p, cu_arena *a)
{
    uint64_t n = 0;
    p = get_varint(p, r->end, &n);
    if (!p || n > (uint64_t)(r->end - p))
        return NULL;
    r->headers = n ? cu_arena_calloc(a, (size_t)n, sizeof(*r->headers)) : NULL;
    r->n_headers = (uint32_t)n;
    for (uint64_t i = 0; i < n && p; i++) {
        p = get_lslice(p, r->end, &r->headers[i].name);
        if (p)
            p = get_lslice(p, r->end, &r->headers[i].value);
    }
    return p;
}

/* One record at r->p into *out; false: malformed. */
static inline bool get_record(cu_block_reader *r, cu_record *out, cu_arena *a)
{
    const char *p = r->p;
    if (p >= r->end)
        return false;
    unsigned bits = (unsigned char)*p++;
    uint64_t v = 0;
    if (bits > ALL_BITS)
        return false;
    if (bits & GAP) {
        p = get_varint(p, r->end, &v);
        if (!p || v > (uint64_t)r->info.span)
            return false;
        r->next += (int64_t)v;
    }
    if (!(bits & SAME_TIME)) {
        p = get_varint(p, r->end, &v);
        if (!p)
            return false;
        uint64_t delta = v >> 1 ^ (0 - (v & 1));
        r->last_ms = (int64_t)((uint64_t)r->last_ms + delta);
    }
    if (!(bits & SAME_HEADERS)) {
        p = get_headers(r, p, a);
        if (!p)
            return false;
    }
    out->key = out->value = CU_NULL_SLICE;
    if (!(bits & NULL_KEY))
        p = get_bytes(p, r->end, &out->key);
    if (p && !(bits & NULL_VALUE))
        p = get_bytes(p, r->end, &out->value);
    if (!p || r->next >= r->base + r->info.span)
        return false;
    out->part = r->part;
    out->offset = r->next++;
    out->timestamp_ms = r->last_ms;
    out->headers = r->headers;
    out->n_headers = r->n_headers;
    r->p = p;
    r->left--;
    return true;
}

int cu_block_read(cu_block_reader *r, int64_t from, cu_record *out, size_t max,
                  cu_arena *a, size_t *n, cu_err *err)
{
    size_t got = 0;
    while (got < max && r->left > 0) {
        if (!get_record(r, &out[got], a))
            return corrupt(r->part, r->next, "is malformed", err);
        got += out[got].offset >= from;
    }
    *n = got;
    return 0;
}
