#include "ops/wire.h"

#include <errno.h>
#include <sys/socket.h>

bool cu_wire_send(int fd, cu_slice bytes)
{
    while (bytes.len) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes.data += n;
        bytes.len -= (size_t)n;
    }
    return true;
}

bool cu_wire_recv(int fd, char *to, size_t len)
{
    while (len) {
        ssize_t n = recv(fd, to, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        len -= (size_t)n;
    }
    return true;
}

bool cu_wire_recv_u32(int fd, uint32_t *out)
{
    char bytes[4];
    if (!cu_wire_recv(fd, bytes, sizeof(bytes)))
        return false;
    cu_scan s = cu_scan_of(cu_slice_n(bytes, sizeof(bytes)));
    *out = cu_scan_u32le(&s);
    return true;
}
