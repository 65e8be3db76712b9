/* Letters: what is put aside, and the same read back. */
#ifndef CU_RUNTIME_LETTERS_H
#define CU_RUNTIME_LETTERS_H

#include "processors/runtime/int.h"

int cu_letter_record(void *worker, const cu_table_def *t, const cu_record *r,
                     const cu_faults *faults, cu_err *err);
int cu_letter_row(void *instance, const cu_letter *l, cu_err *err);
/* A row that is stamped beyond the clock + max_future. */
int cu_letter_future(cu_worker *w, const cu_table_def *t, const cu_record *r,
                     int64_t ts_us, cu_err *err);
int cu_late_row(void *instance, const cu_late *l, cu_err *err);

/* letter_read.c: records of a letter topic as rows. */
typedef struct cu_letter_reader cu_letter_reader;
int cu_letter_reader_open(const cu_table_def *t, cu_letter_reader **out,
                          cu_err *err);
void cu_letter_reader_close(cu_letter_reader *l);
/* As cu_decode(); false without faults: somebody else's letter. */
bool cu_letter_read(cu_letter_reader *l, const cu_record *r, const cu_input *in,
                    cu_batch *to, cu_faults *faults);

#endif
