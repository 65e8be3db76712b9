#include "base/http_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

static bool private4(const uint8_t *p)
{
    /* From the registry of special-purpose addresses. */
    static const struct {
        uint8_t net[4];
        unsigned bits;
    } closed[] = {
        {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10},
        {{127, 0, 0, 0}, 8},    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},
        {{192, 0, 0, 0}, 24},   {{192, 0, 2, 0}, 24},   {{192, 88, 99, 0}, 24},
        {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15},  {{198, 51, 100, 0}, 24},
        {{203, 0, 113, 0}, 24}, {{224, 0, 0, 0}, 3},
    };
    uint32_t ip = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
                  (uint32_t)p[2] << 8 | p[3];
    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
        const uint8_t *n = closed[i].net;
        uint32_t net = (uint32_t)n[0] << 24 | (uint32_t)n[1] << 16 |
                       (uint32_t)n[2] << 8 | n[3];
        if ((ip ^ net) >> (32 - closed[i].bits) == 0)
            return true;
    }
    return false;
}

/* Public unicast is 2000::/3 alone; inside it some blocks are closed and
 * some carry an IPv4 address. */
static bool private6(const uint8_t *p)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (!memcmp(p, mapped, 12) || !memcmp(p, nat64, 12))
        return private4(p + 12);
    if ((p[0] & 0xe0) != 0x20)
        return true;
    if (p[0] == 0x20 && p[1] == 0x02) /* 6to4 */
        return private4(p + 2);
    bool documentation = !memcmp(p, "\x20\x01\x0d\xb8", 4) ||
                         (!memcmp(p, "\x3f\xff", 2) && p[2] < 0x10);
    bool special = !memcmp(p, "\x20\x01", 2) && p[2] < 0x02; /* Teredo, ... */
    return documentation || special;
}

bool cu_http_address_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return private4((const uint8_t *)&in.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof(in));
        return private6(in.sin6_addr.s6_addr);
    }
    return true;
}

bool cu_http_text_private(const char *address)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    size_t len = strcspn(address, "%");
    if (len >= sizeof(text))
        return true;
    memcpy(text, address, len);
    text[len] = 0;
    if (inet_pton(AF_INET, text, bytes) == 1)
        return private4(bytes);
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return private6(bytes);
    return true;
}
