/* Metrics and health on --listen (libmicrohttpd).
 *
 *   GET /metrics   Prometheus text
 *   GET /health    200 "ok" while the process works
 *   GET /ready     200 when partitions are assigned, 503 before
 */
#ifndef CU_OPS_HTTP_H
#define CU_OPS_HTTP_H

#include "ops/run.h"

typedef struct cu_http_server cu_http_server;

/* `listen` "HOST:PORT"; NULL: 127.0.0.1 and a free port.  Says where. */
int cu_http_serve(cu_running *r, const char *listen, cu_http_server **out,
                  cu_err *err);
void cu_http_stop(cu_http_server *s);

/* The text of /metrics. */
void cu_metrics_print(cu_running *r, cu_buf *out);
/* May a request with this Host header be answered on loopback? */
bool cu_host_allowed(const char *header, const char *listen_host);

#endif
