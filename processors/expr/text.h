/* UTF-8 helpers of the text kernels. Text is valid UTF-8 (see rows/type.h),
 * so they only look at lead bytes. */
#ifndef CU_EXPR_TEXT_H
#define CU_EXPR_TEXT_H

#include "base/bytes.h"

/* Characters in the text. */
size_t cu_utf8_length(cu_slice s);
/* Bytes of the first n characters (all when there are fewer). */
size_t cu_utf8_bytes(cu_slice s, size_t n);
/* Bytes before the last n characters. */
size_t cu_utf8_bytes_before_last(cu_slice s, size_t n);
/* Bytes of the character that begins at p. */
static inline size_t cu_utf8_size(const char *p)
{
    const unsigned char b = (unsigned char)*p;
    return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}
/* The code point at p. */
uint32_t cu_utf8_get(const char *p);
/* Appends a code point. */
void cu_utf8_put(cu_buf *out, uint32_t code);
/* First occurrence at or after `from`; SIZE_MAX when there is none. */
size_t cu_find(cu_slice in, cu_slice what, size_t from);

/* Simple case mapping, as the C.UTF-8 locale's towlower/towupper. */
uint32_t cu_lower(uint32_t code);
uint32_t cu_upper(uint32_t code);
bool cu_alnum(uint32_t code);
void cu_lower_text(cu_slice s, cu_buf *out);

#endif
