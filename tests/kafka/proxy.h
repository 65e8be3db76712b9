/* A proxy between client and broker that delays the end of transactions. */
#ifndef CU_TESTS_KAFKA_PROXY_H
#define CU_TESTS_KAFKA_PROXY_H

#include <stdint.h>

typedef struct cu_proxy cu_proxy;

/* Listens on loopback port `from`, connects to loopback port `to`. */
cu_proxy *cu_proxy_open(uint16_t from, uint16_t to);
/* Holds the next EndTxn request back until it is released. */
void cu_proxy_hold(cu_proxy *p);
void cu_proxy_release(cu_proxy *p);
/* Holds the next EndTxn request back until another one comes. */
void cu_proxy_hold_until_resent(cu_proxy *p);
/* How many EndTxn requests, and requests of any kind, came by. */
int cu_proxy_seen(const cu_proxy *p);
int cu_proxy_requests(const cu_proxy *p);

#endif
