/* A tiny HTTP server on loopback that misbehaves on request. */
#ifndef CU_TESTS_SERVER_H
#define CU_TESTS_SERVER_H

typedef struct cu_server cu_server;

/* Paths: /ok /echo /cut /chunkcut /reset /garbage /slow /big /gzip /bomb
 * /badgzip /redirect /busy /keep /manyheaders /empty */
cu_server *cu_server_new(void);
int cu_server_port(const cu_server *s);
void cu_server_free(cu_server *s);

#endif
