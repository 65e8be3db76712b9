/* Private to ops: kcat's format words, for tail -f.
 *
 *   %s value   %S its length, -1 for none    %k key   %K its length
 *   %t topic   %p partition   %o offset      %T milliseconds since 1970
 *   %h headers name=value,…                  %% a percent sign
 *   \n \r \t \\ \xNN
 */
#ifndef CU_OPS_FORMAT_H
#define CU_OPS_FORMAT_H

#include "log/log.h"

/* CU_USAGE names the word that is unknown. */
int cu_format_check(const char *format, cu_err *err);
void cu_format_record(const char *format, const cu_record *r, cu_buf *out);

#endif
