/* Rows that are too large for a record of the changelog: drawn in long.c. */
#ifndef CU_STATE_LONG_H
#define CU_STATE_LONG_H

#include "state/int.h"

/* The slots that the kv knows. */
int cu_long_load(cu_space *s, cu_err *err);
void cu_long_free(cu_space *s);

/* A row's change into the changelog: as `r`, or in pieces where the topic does
 * not take that. */
int cu_long_append(cu_space *s, cu_writer *w, cu_record *r, const entry *e,
                   uint64_t sequence, cu_err *err);
/* Refused for its size alone; the transaction is still good. */
bool cu_long_too_large(int rc, const cu_err *err);
/* The slots of the open commit: into its batch, kept, or forgotten. */
void cu_long_to_batch(cu_space *s, cu_kv_batch *out);
void cu_long_committed(cu_space *s);
void cu_long_revert(cu_space *s);

/* A record under LONG_TABLE. */
int cu_long_restore(cu_space *s, const cu_record *r, cu_err *err);
/* Another record; `row`: of which row (table and key), or empty. */
void cu_long_interrupt(cu_space *s, cu_slice row);
/* How far the kv may say that it has come. */
int64_t cu_long_position(const cu_space *s, int64_t position);

#endif
