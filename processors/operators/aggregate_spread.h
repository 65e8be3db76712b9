/* Variances and their kin, and the parts that accumulators share. */
#ifndef CU_OPERATORS_AGGREGATE_SPREAD_H
#define CU_OPERATORS_AGGREGATE_SPREAD_H

#include "processors/operators/aggregate.h"

/* --- variances: aggregate_spread.c --------------------------------------- */

void cu_variance_add(cu_acc_variance *a, const cu_numeric *v, int32_t w,
                     cu_arena *scratch);
void cu_spread_add(cu_acc_spread *a, double v, int32_t w);
void cu_pair_add(cu_acc_pair *a, double y, double x, int32_t w);
int cu_variance_result(const cu_acc_call *c, const cu_acc_variance *a,
                       cu_arena *arena, cu_value *out, cu_err *err);
int cu_spread_result(const cu_acc_call *c, const cu_acc_spread *a,
                     cu_value *out, cu_err *err);
int cu_pair_result(const cu_acc_call *c, const cu_acc_pair *a, cu_value *out,
                   cu_err *err);

/* Parts that several accumulators have; aggregate_acc.c, _result.c. */
void cu_acc_add_numeric(cu_acc_numeric *a, const cu_numeric *v, int32_t w,
                        cu_arena *scratch);
void cu_acc_add_float(cu_acc_float *a, double v, int32_t w);
int64_t cu_acc_numeric_count(const cu_acc_numeric *a);
int64_t cu_acc_float_count(const cu_acc_float *a);
/* NaN and infinities where there are some. */
double cu_acc_float_sum(const cu_acc_float *a);
int cu_out_of_range(const char *what, cu_err *err);
/* Months, days and microseconds with fractions, as PostgreSQL multiplies and
 * divides intervals. */
cu_interval cu_interval_of(double months, double days, double us);

#endif
