/* Private to ops: bytes over the socket of attach.h. */
#ifndef CU_OPS_WIRE_H
#define CU_OPS_WIRE_H

#include "base/bytes.h"

enum {
    CU_WIRE_VERSION = 1,
    CU_WIRE_REQUEST_BYTES = 1 << 20,
    CU_WIRE_PIECE_BYTES = 64 * 1024,
    CU_WIRE_PATH_BYTES = 107, /* sun_path without its NUL */
};

/* All of it, or false: the other side went away. */
bool cu_wire_send(int fd, cu_slice bytes);
bool cu_wire_recv(int fd, char *to, size_t len);
bool cu_wire_recv_u32(int fd, uint32_t *out);

#endif
