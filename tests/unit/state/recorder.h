/* A writer that keeps what is appended: the changelog of a test. */
#ifndef CU_TESTS_STATE_RECORDER_H
#define CU_TESTS_STATE_RECORDER_H

#include "state/state.h"

typedef struct recorder {
    cu_writer writer; /* must be first */
    cu_kv *kv;
    cu_arena *arena;
    cu_record *records;
    size_t n, cap;
    size_t fail_at; /* the append that fails; 0: none */
    size_t limit;   /* bytes of a record; 0: any */
} recorder;

recorder *recorder_new(cu_kv *kv);
void recorder_free(recorder *r);

/* What one committed transaction of a space does, in the order of the
 * runtime: changelog, kv write, committed. */
void commit_space(cu_space *s, recorder *r, const cu_progress *p);
/* Reads the changelog from `from` into the space in steps of `step`. */
void restore_space(cu_space *s, const recorder *r, size_t from, size_t step);

#endif
