/* Makers of nodes: schema, key, append-only-ness and times derived from the
 * inputs. */
#ifndef CU_SQL_BIND_NODE_H
#define CU_SQL_BIND_NODE_H

#include "processors/sql/int.h"

cu_node *cu_node_source(cu_sql *s, const cu_table_def *t, cu_pos pos);
cu_node *cu_node_view(cu_sql *s, const cu_view_def *v, cu_pos pos);
cu_node *cu_node_values(cu_sql *s, const cu_schema *schema, cu_expr ***rows,
                        uint32_t n, cu_pos pos);
cu_node *cu_node_filter(cu_sql *s, cu_node *in, cu_expr *predicate);
cu_node *cu_node_project(cu_sql *s, cu_node *in, cu_expr **exprs,
                         const char *const *names, uint32_t n);
/* The key of a projection anew, when its input's was found later. */
void cu_node_project_key(cu_sql *s, cu_node *n);
cu_node *cu_node_flatmap(cu_sql *s, cu_node *in, const cu_func *f,
                         cu_expr **args, uint32_t n_args,
                         const cu_field *fields, uint32_t n_fields,
                         bool ordinality, bool outer);
cu_node *cu_node_aggregate(cu_sql *s, cu_node *in, uint32_t n_group,
                           const cu_agg_call *calls, uint32_t n_calls,
                           bool global);
cu_node *cu_node_distinct(cu_sql *s, cu_node *in);
cu_node *cu_node_rank(cu_sql *s, cu_node *in, const uint16_t *partition,
                      uint32_t n_partition, const cu_key_col *order,
                      uint32_t n_order, int64_t limit, int64_t offset,
                      bool numbered);
cu_node *cu_node_union(cu_sql *s, cu_node **inputs, uint32_t n,
                       const cu_schema *schema);

#endif
