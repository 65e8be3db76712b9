/* Which peers count as private. Folder-private; see http.h. */
#ifndef CU_BASE_HTTP_ADDRESS_H
#define CU_BASE_HTTP_ADDRESS_H

#include <stdbool.h>

struct sockaddr;

/* True for everything that is not plain public unicast: private, loopback,
 * link-local, unique-local, multicast, reserved, documentation, and forms of
 * IPv6 that carry such an IPv4 address.  Other families too. */
bool cu_http_address_private(const struct sockaddr *address);
/* The same for "10.0.0.1", "fe80::1%eth0"; what does not parse is private. */
bool cu_http_text_private(const char *address);

#endif
