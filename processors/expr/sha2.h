/* SHA-2 of some bytes. */
#ifndef CU_EXPR_SHA2_H
#define CU_EXPR_SHA2_H

#include "base/bytes.h"

/* `bits`: 224, 256, 384 or 512; bits / 8 bytes are written. */
void cu_sha2(cu_slice s, unsigned bits, uint8_t digest[64]);

#endif
