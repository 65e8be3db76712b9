/* hashtext() and its kin: PostgreSQL's hash functions, value for value, so
 * that a row goes to the same hash partition or shard as there.
 *
 *   a = b = c = 0x9e3779b9 + length + 3923095, the seed mixed in when there
 *   is one; twelve bytes a round; the last round's c is the 32-bit hash,
 *   b and c are the 64-bit one.
 *
 * Words are read as little endian.  Of the last round's bytes c's lowest
 * stays zero: it stands for the length.
 */
#include "processors/expr/lookup3.h"

#include "processors/expr/kernel.h"

typedef struct words {
    uint32_t a, b, c;
} words;

static uint32_t turn(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static void mix(words *w)
{
    w->a = (w->a - w->c) ^ turn(w->c, 4), w->c += w->b;
    w->b = (w->b - w->a) ^ turn(w->a, 6), w->a += w->c;
    w->c = (w->c - w->b) ^ turn(w->b, 8), w->b += w->a;
    w->a = (w->a - w->c) ^ turn(w->c, 16), w->c += w->b;
    w->b = (w->b - w->a) ^ turn(w->a, 19), w->a += w->c;
    w->c = (w->c - w->b) ^ turn(w->b, 4), w->b += w->a;
}

static uint64_t finish(words *w)
{
    w->c = (w->c ^ w->b) - turn(w->b, 14);
    w->a = (w->a ^ w->c) - turn(w->c, 11);
    w->b = (w->b ^ w->a) - turn(w->a, 25);
    w->c = (w->c ^ w->b) - turn(w->b, 16);
    w->a = (w->a ^ w->c) - turn(w->c, 4);
    w->b = (w->b ^ w->a) - turn(w->a, 14);
    w->c = (w->c ^ w->b) - turn(w->b, 24);
    return (uint64_t)w->b << 32 | w->c;
}

static words start(uint32_t len, uint64_t seed)
{
    const uint32_t first = 0x9e3779b9u + len + 3923095u;
    words w = {first, first, first};
    if (seed) {
        w.a += (uint32_t)(seed >> 32);
        w.b += (uint32_t)seed;
        mix(&w);
    }
    return w;
}

/* Up to four bytes as a word; bytes that are missing are zero. */
static uint32_t word_of(const unsigned char *p, size_t n)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n && i < 4; i++)
        v |= (uint32_t)p[i] << 8 * i;
    return v;
}

uint64_t cu_lookup3(cu_slice s, uint64_t seed)
{
    words w = start((uint32_t)s.len, seed);
    const unsigned char *p = (const unsigned char *)s.data;
    size_t left = s.len;
    for (; left >= 12; left -= 12, p += 12) {
        w.a += word_of(p, 4);
        w.b += word_of(p + 4, 4);
        w.c += word_of(p + 8, 4);
        mix(&w);
    }
    if (left)
        w.a += word_of(p, left);
    if (left > 4)
        w.b += word_of(p + 4, left - 4);
    if (left > 8)
        w.c += word_of(p + 8, left - 8) << 8;
    return finish(&w);
}

uint64_t cu_lookup3_word(uint32_t word, uint64_t seed)
{
    words w = start(4, seed);
    w.a += word;
    return finish(&w);
}

/* --- kernels --------------------------------------------------------- */

/* Equal numbers of different width have equal hashes. */
static uint32_t folded(int64_t v)
{
    const uint32_t low = (uint32_t)v, high = (uint32_t)((uint64_t)v >> 32);
    return low ^ (v >= 0 ? high : ~high);
}

static uint64_t of_text(cu_slice s, uint64_t seed)
{
    return cu_lookup3(s, seed);
}

static uint64_t of_uuid(cu_uuid u, uint64_t seed)
{
    return cu_lookup3(cu_slice_n(u.b, sizeof(u.b)), seed);
}

static uint64_t of_int(int64_t v, uint64_t seed)
{
    return cu_lookup3_word(folded(v), seed);
}

#define HASHES(name, T, of)                                                \
    static void name(cu_call *c)                                           \
    {                                                                      \
        CU_ARG(T, x, c, 0);                                                \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)                  \
            CU_OUT(int32_t, c)[r] = (int32_t)(uint32_t)of(CU_AT(x, r), 0); \
    }                                                                      \
    static void name##_extended(cu_call *c)                                \
    {                                                                      \
        CU_ARG(T, x, c, 0);                                                \
        CU_ARG(int64_t, seed, c, 1);                                       \
        for (uint32_t i = 0, r; cu_call_next(c, &i, &r);)                  \
            CU_OUT(int64_t, c)                                             \
        [r] = (int64_t)of(CU_AT(x, r), (uint64_t)CU_AT(seed, r));          \
    }

HASHES(text, cu_slice, of_text)
HASHES(uuid, cu_uuid, of_uuid)
HASHES(i2, int16_t, of_int)
HASHES(i4, int32_t, of_int)
HASHES(i8, int64_t, of_int)

#define PAIR(plain, extended, type, ker)                     \
    CU_FN(plain, CU_T_INT4, ker, "PostgreSQL's hash", type), \
        CU_FN(extended, CU_T_INT8, ker##_extended,           \
              "PostgreSQL's hash of 64 bits with a seed", type, CU_T_INT8)

static const cu_func list[] = {
    PAIR("hashtext", "hashtextextended", CU_T_TEXT, text),
    PAIR("uuid_hash", "uuid_hash_extended", CU_T_UUID, uuid),
    PAIR("hashint2", "hashint2extended", CU_T_INT2, i2),
    PAIR("hashint4", "hashint4extended", CU_T_INT4, i4),
    PAIR("hashint8", "hashint8extended", CU_T_INT8, i8),
};
CU_PART(cu_part_lookup3, list);
