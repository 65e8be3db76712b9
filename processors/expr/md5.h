/* MD5 of some bytes: a checksum and a hash id, not a protection. */
#ifndef CU_EXPR_MD5_H
#define CU_EXPR_MD5_H

#include "base/bytes.h"

void cu_md5(cu_slice s, uint8_t digest[16]);

#endif
