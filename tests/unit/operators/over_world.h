/* Nodes of window functions, and their answers computed the slow way. */
#ifndef CU_TESTS_OPERATORS_OVER_WORLD_H
#define CU_TESTS_OPERATORS_OVER_WORLD_H

#include "rows/numeric.h"
#include "tests/unit/operators/rig.h"

/* `order`: columns, ascending. */
cu_node *over_node(rig *r, const char *schema, cu_node *input,
                   const char *partition, const char *order);
/* One more call, resolved by the catalog; its frame is the default one. */
cu_over_frame *over_add(rig *r, cu_node *over, const char *name,
                        const char *args);
const cu_value *over_int(rig *r, cu_kind kind, int64_t v);
const cu_value *over_interval(rig *r, const char *text);

/* Random calls, frames and changes; the integral of the output is compared
 * with a recomputation by definition after every commit. */
void over_compare(uint64_t seed, unsigned rounds);

#endif
