/* Shared by the files of rows/ only: failures, decimal helpers. */
#ifndef CU_ROWS_INT_H
#define CU_ROWS_INT_H

#include "base/assert.h"
#include "rows/type.h"

typedef unsigned __int128 u128;
typedef __int128 i128;

#define STATE_BAD_TEXT     CU_SQLSTATE('2', '2', 'P', '0', '2')
#define STATE_RANGE        CU_SQLSTATE('2', '2', '0', '0', '3')
#define STATE_BAD_TIME     CU_SQLSTATE('2', '2', '0', '0', '7')
#define STATE_TIME_RANGE   CU_SQLSTATE('2', '2', '0', '0', '8')
#define STATE_ZONE_RANGE   CU_SQLSTATE('2', '2', '0', '0', '9')
#define STATE_DIV_ZERO     CU_SQLSTATE('2', '2', '0', '1', '2')
#define STATE_TOO_LONG     CU_SQLSTATE('2', '2', '0', '0', '1')
#define STATE_PARAMETER    CU_SQLSTATE('2', '2', '0', '2', '3')
#define STATE_ENCODING     CU_SQLSTATE('2', '2', '0', '2', '1')
#define STATE_POWER        CU_SQLSTATE('2', '2', '0', '1', 'F')
#define STATE_LOGARITHM    CU_SQLSTATE('2', '2', '0', '1', 'E')
#define STATE_ARRAY_BOUNDS CU_SQLSTATE('2', '2', '0', '2', 'E')
#define STATE_NO_FEATURE   CU_SQLSTATE('0', 'A', '0', '0', '0')

static inline int with_state(int code, cu_err *err, uint32_t state)
{
    if (err)
        err->sqlstate = state;
    return code;
}

/* Bad data with PostgreSQL's SQLSTATE and words. */
#define BAD_DATA(err, state, ...) \
    with_state(cu_fail((err), CU_DATA, 0, __VA_ARGS__), (err), (state))

/* How much of an input a message shows: whole characters, at most 160. */
static inline int shown_len(cu_slice s)
{
    size_t n = s.len;
    if (n > 160) {
        n = 160;
        while (n > 0 && ((unsigned char)s.data[n] & 0xC0) == 0x80)
            n--;
    }
    return (int)n;
}
/* For "%.*s". */
#define SHOWN(s) shown_len(s), ((s).data ? (s).data : "")

static inline bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline cu_slice trim(cu_slice s)
{
    while (s.len && is_space(s.data[0]))
        s.data++, s.len--;
    while (s.len && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}
/* `word` is lower case. */
static inline bool is_word(cu_slice s, const char *word)
{
    size_t i = 0;
    for (; i < s.len && word[i]; i++)
        if (to_lower(s.data[i]) != word[i])
            return false;
    return i == s.len && !word[i];
}

/* Little-endian machines only; x86-64 and arm64 are what Debian has. */
static inline uint64_t load64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
static inline void store32be(char *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}
static inline void store64be(char *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

/* --- parts that key.c, row.c and array.c share -------------------------- */

/* Bytes of a fixed-width value in row and array bytes; 0: slice, numeric. */
static inline size_t fixed_width(uint8_t kind)
{
    static const uint8_t widths[CU_KINDS] = {
        [CU_T_BOOL] = 1,      [CU_T_INT2] = 2,        [CU_T_INT4] = 4,
        [CU_T_INT8] = 8,      [CU_T_FLOAT4] = 4,      [CU_T_FLOAT8] = 8,
        [CU_T_DATE] = 4,      [CU_T_TIME] = 8,        [CU_T_TIMESTAMP] = 8,
        [CU_T_INTERVAL] = 16, [CU_T_TIMESTAMPTZ] = 8, [CU_T_UUID] = 16,
    };
    return widths[kind];
}

/* cu_type_width() without the call. */
static inline size_t cell_width(uint8_t kind)
{
    static const uint8_t widths[CU_KINDS] = {
        [CU_T_NULL] = 1,
        [CU_T_BOOL] = 1,
        [CU_T_INT2] = 2,
        [CU_T_INT4] = 4,
        [CU_T_INT8] = 8,
        [CU_T_FLOAT4] = 4,
        [CU_T_FLOAT8] = 8,
        [CU_T_NUMERIC] = sizeof(cu_numeric),
        [CU_T_TEXT] = sizeof(cu_slice),
        [CU_T_BYTEA] = sizeof(cu_slice),
        [CU_T_DATE] = 4,
        [CU_T_TIME] = 8,
        [CU_T_TIMESTAMP] = 8,
        [CU_T_TIMESTAMPTZ] = 8,
        [CU_T_INTERVAL] = sizeof(cu_interval),
        [CU_T_UUID] = 16,
        [CU_T_JSONB] = sizeof(cu_slice),
        [CU_T_ARRAY] = sizeof(cu_slice),
    };
    return widths[kind];
}

/* memcpy with the widths that exist, each a few instructions. */
static inline void copy_fixed(void *to, const void *from, size_t width)
{
    switch (width) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    case 16:
        memcpy(to, from, 16);
        break;
    default:
        memcpy(to, from, 32);
        break;
    }
}

/* Counts a row whose columns are filled in already; returns its number. */
struct cu_batch;
uint32_t cu_rows_new_row(struct cu_batch *b, int32_t w);

/* Where the payload of a boxed value lies. */
static inline const void *value_ptr(const cu_value *v)
{
    return &v->num; /* the union's address */
}

static inline char *put_varint(char *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (char)(v | 0x80);
        v >>= 7;
    }
    *p++ = (char)v;
    return p;
}

#endif
