/* Hashes and checks over whole slices: XXH3, murmur2, UTF-8, near names.
 *
 * The only file that sees xxhash, inlined, so that no symbol of it leaks.
 */
#include "base/bytes.h"

#include "base/alloc.h"
#include "base/assert.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t cu_hash(cu_slice s)
{
    return XXH3_64bits(s.data ? s.data : "", s.len);
}

uint32_t cu_murmur2(cu_slice s)
{
    const uint32_t m = 0x5bd1e995;
    const unsigned char *p = (const unsigned char *)s.data;
    uint32_t h = 0x9747b28c ^ (uint32_t)s.len;
    size_t left = s.len;

    for (; left >= 4; left -= 4, p += 4) {
        uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
                     (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    if (left > 2)
        h ^= (uint32_t)p[2] << 16;
    if (left > 1)
        h ^= (uint32_t)p[1] << 8;
    if (left > 0) {
        h ^= p[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

int32_t cu_partition_of(cu_slice key, int32_t n_partitions)
{
    CU_ASSERT(n_partitions > 0);
    return (int32_t)(cu_murmur2(key) & 0x7fffffff) % n_partitions;
}

/* --- UTF-8 ------------------------------------------------------------- */

/* Eight bytes that are all ASCII and not NUL. */
static bool plain8(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    uint64_t zeros = v - 0x0101010101010101u;
    return ((v | zeros) & 0x8080808080808080u) == 0;
}

/* Length of the character at p, 0 when it is malformed: no overlong forms,
 * no surrogates, nothing above U+10FFFF, no NUL. */
static size_t character(const unsigned char *p, size_t left)
{
    unsigned char c = p[0];
    unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
    size_t len = 2;

    if (c < 0x80)
        return c != 0;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    if (c >= 0xf0) {
        len = 4;
        low = c == 0xf0 ? 0x90 : low;
        high = c == 0xf4 ? 0x8f : high;
    } else if (c >= 0xe0) {
        len = 3;
        low = c == 0xe0 ? 0xa0 : low;
        high = c == 0xed ? 0x9f : high;
    }
    if (left < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

size_t cu_utf8_valid_prefix(cu_slice s)
{
    const unsigned char *p = (const unsigned char *)s.data;
    size_t at = 0;
    while (at < s.len) {
        if (s.len - at >= 8 && plain8(p + at)) {
            at += 8;
            continue;
        }
        size_t len = character(p + at, s.len - at);
        if (!len)
            break;
        at += len;
    }
    return at;
}

/* --- near names -------------------------------------------------------- */

static size_t min2(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Three rows of the usual table; names are short, so no cleverness. */
size_t cu_edit_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t width = lb + 1;
    size_t *rows = cu_calloc(3 * width, sizeof(size_t));
    size_t *before = rows, *last = rows + width, *now = rows + 2 * width;

    for (size_t j = 0; j < width; j++)
        last[j] = j;
    for (size_t i = 1; i <= la; i++) {
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t cost = a[i - 1] != b[j - 1];
            size_t best = min2(last[j], now[j - 1]) + 1;
            best = min2(best, last[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = min2(best, before[j - 2] + 1);
            now[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    size_t distance = last[lb];
    cu_free(rows);
    return distance;
}
