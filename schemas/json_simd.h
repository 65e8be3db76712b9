/* simdjson behind plain C types: the first of its two stages.
 *
 * Stage 1 checks that the bytes are UTF-8, that strings end and hold no
 * control characters, and lists where every token starts.  It reads only
 * the `len` bytes that it is given, so nothing is copied or padded.
 * Thread: one owner.
 */
#ifndef CU_SCHEMAS_JSON_SIMD_H
#define CU_SCHEMAS_JSON_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cu_simd cu_simd;

/* A larger document leaves memory that should be given back. */
enum { CU_SIMD_KEPT = 1024 * 1024 };

typedef enum cu_simd_result {
    CU_SIMD_OK,
    CU_SIMD_EMPTY,  /* nothing but white space */
    CU_SIMD_BROKEN, /* not UTF-8, an open string, a control character */
    CU_SIMD_LARGE,  /* more than 1 GiB, or no memory for its index */
} cu_simd_result;

/* The positions of `{ } [ ] : ,`, of opening quotes and of the first byte of
 * every other run of bytes; at[n] == len.  Valid until the next call. */
typedef struct cu_simd_index {
    const uint32_t *at;
    uint32_t n;
} cu_simd_index;

cu_simd *cu_simd_new(void);
void cu_simd_free(cu_simd *s);
cu_simd_result cu_simd_scan(cu_simd *s, const char *p, size_t len,
                            cu_simd_index *out);
/* Gives back the memory that an unusually large document took. */
void cu_simd_trim(cu_simd *s);
/* Valid UTF-8 (U+0000 is). */
bool cu_simd_utf8(const char *p, size_t len);
/* Which of simdjson's kernels runs: "haswell", "icelake", "fallback", … */
const char *cu_simd_kernel(const cu_simd *s);

#ifdef __cplusplus
}
#endif

#endif
