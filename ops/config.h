/* Private to ops: --command-config, a properties file of Kafka's tools. */
#ifndef CU_OPS_CONFIG_H
#define CU_OPS_CONFIG_H

#include "ops/cli.h"

/* Reads the file into c->o.properties, in front of those of -X (which win);
 * bootstrap.servers becomes --brokers unless that was given.  An exit code;
 * what is wrong was told with file and line. */
int cu_config_load(cu_cmd *c);
/* The options of the program's kafka servers (and of their user mappings) in
 * front of all those, which win. */
void cu_config_of_program(cu_cmd *c, const cu_program *p);
/* One property of Java's clients as librdkafka's: up to two of them into
 * `out`, 0 when it means nothing to us.  CU_UNSUPPORTED for a JKS store. */
int cu_config_translate(const char *name, const char *value, cu_arena *a,
                        cu_property out[2], uint32_t *n, cu_err *err);

#endif
