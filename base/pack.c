#include "base/pack.h"

#include <limits.h>
#include <lz4.h>

bool cu_pack(cu_slice in, cu_buf *out)
{
    if (in.len > LZ4_MAX_INPUT_SIZE)
        return false;
    size_t room = in.len - in.len / 8;
    char *to = cu_buf_reserve(out, room);
    int n = LZ4_compress_default(in.data, to, (int)in.len, (int)room);
    out->len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

bool cu_unpack(cu_slice packed, char *out, size_t len)
{
    return packed.len <= INT_MAX && len <= INT_MAX &&
           LZ4_decompress_safe(packed.data, out, (int)packed.len, (int)len) ==
               (int)len;
}
