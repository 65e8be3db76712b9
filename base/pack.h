/* Bytes made smaller: LZ4, fast enough to be paid by what is not written.
 *
 * Thread: any; nothing is shared.
 */
#ifndef CU_BASE_PACK_H
#define CU_BASE_PACK_H

#include "base/bytes.h"

/* Appends `in` in packed form; false, and `out` as it was, when that would
 * save less than an eighth. */
bool cu_pack(cu_slice in, cu_buf *out);

/* Exactly `len` bytes of packed ones; false: `packed` is not that. */
bool cu_unpack(cu_slice packed, char *out, size_t len);

/* No honest packed form is further from its bytes than this. */
enum { CU_PACK_MOST = 256 };

#endif
