/* Reads Avro records by a plan that is compiled once per schema. */
#ifndef CU_SCHEMAS_AVRO_H
#define CU_SCHEMAS_AVRO_H

#include "schemas/int.h"

/* Lays out how records of `schema` (JSON text) fill the columns of `d` that
 * come from the value.  CU_USAGE for a schema that is none, and for a
 * column whose field it does not have. */
int cu_avro_plan_new(cu_decoder *d, const char *schema, bool framed,
                     cu_avro_plan **out, cu_err *err);
void cu_avro_plan_free(cu_avro_plan *p);
/* Writes columns of the row at hand and slots; false with a fault when the
 * value is no record of the schema. */
bool cu_avro_read(cu_avro_plan *p, cu_call *c);

#endif
