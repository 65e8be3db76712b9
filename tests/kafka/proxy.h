/* A proxy between client and broker that delays the end of transactions. */
#ifndef CU_TESTS_KAFKA_PROXY_H
#define CU_TESTS_KAFKA_PROXY_H

#include <stdint.h>

typedef struct cu_proxy cu_proxy;

/* Listens on loopback port `from`, connects to loopback port `to`. */
cu_proxy *cu_proxy_open(uint16_t from, uint16_t to);
/* Holds the next `n` EndTxn requests back for `ms` each. */
void cu_proxy_hold(cu_proxy *p, int n, int ms);
/* How many EndTxn requests came by. */
int cu_proxy_seen(const cu_proxy *p);

#endif
