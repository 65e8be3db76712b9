/* Paths into JSON: `$`, `$.a.b`, `$.a[0]`, `$["key.with.dots"]`. */
#ifndef CU_SCHEMAS_JSON_PATH_H
#define CU_SCHEMAS_JSON_PATH_H

#include "base/arena.h"
#include "base/err.h"

enum { CU_PATH_STEPS = 32 };

typedef struct cu_path_step {
    cu_slice name;  /* a member; absent: an array element */
    uint32_t index; /* of the element, from 0 */
} cu_path_step;

typedef struct cu_path {
    uint32_t n;
    cu_path_step steps[CU_PATH_STEPS];
} cu_path;

/* Names borrow from the text, or from the arena when they had escapes.
 * CU_USAGE with the text and the byte where it stops making sense. */
int cu_path_parse(cu_slice text, cu_arena *a, cu_path *out, cu_err *err);
/* The value there in a valid JSON text (the last of duplicate names), with
 * its quotes if it is a string; absent when there is none. */
cu_slice cu_path_get(const cu_path *path, cu_slice json, cu_arena *a);

#endif
