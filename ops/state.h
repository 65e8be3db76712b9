/* Private to ops: what lies in state folders. */
#ifndef CU_OPS_STATE_H
#define CU_OPS_STATE_H

#include "ops/cli.h"

enum { CU_MOST_FOLDERS = 64 };

/* Is there a store in the folder? */
bool cu_has_store(cu_cmd *c, const char *dir);
/* What a state table belongs to: "aggregate"; NULL: not in the SQL. */
const char *cu_operator_of(const cu_program *p, const char *stage,
                           uint16_t table);
/* cupel state verify (state_verify.c); an exit code. */
int cu_state_verify(cu_cmd *c);

/* The changelog of one stage and partition, read from empty.  `applied`: what
 * comes behind it is marked in `kv` as T | table | key. */
int cu_verify_read(cu_log *log, cu_part changelog, int64_t applied, cu_kv *kv,
                   cu_space *into, int64_t *end, cu_err *err);

typedef struct cu_verdict {
    int64_t rows;
    bool same;
    uint16_t table; /* of the first difference */
    cu_slice key, here, there;
} cu_verdict;
/* Rows of a space here and there, in key order; those that are marked in
 * `there` as changed since count as equal.  Slices in the arena. */
int cu_verify_compare(cu_kv *here, uint32_t stage, uint16_t partition,
                      cu_kv *there, uint32_t there_stage, cu_arena *a,
                      cu_verdict *out, cu_err *err);

#endif
