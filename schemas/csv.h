/* Reads CSV records: cells by header name or position. */
#ifndef CU_SCHEMAS_CSV_H
#define CU_SCHEMAS_CSV_H

#include "schemas/int.h"

/* The columns are those of d->fields that come from the value. */
cu_csv *cu_csv_new(cu_decoder *d, char delimiter, bool by_position,
                   cu_err *err);
void cu_csv_free(cu_csv *s);
/* Splits the value into the slots of the declared columns; false with faults
 * when the record is not UTF-8 or not well-formed. */
bool cu_csv_read(cu_csv *s, cu_call *c, cu_slice header);

#endif
