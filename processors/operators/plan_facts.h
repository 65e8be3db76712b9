/* What a plan says of the changes that reach a node.
 *
 * Thread: any; plans do not change.
 */
#ifndef CU_OPERATORS_PLAN_FACTS_H
#define CU_OPERATORS_PLAN_FACTS_H

#include "processors/plan/plan.h"

/* `cols` of the node include a key that an aggregate or a rank of one row keeps
 * unique, with only functions of its rows in between. */
bool cu_keeps_unique(const cu_node *node, const uint16_t *cols, uint32_t n);
/* Its changes come through an exchange and take rows back: the old row of a
 * key and the new one may come from two partitions, in any order. */
bool cu_is_gathered(const cu_node *node);

#endif
