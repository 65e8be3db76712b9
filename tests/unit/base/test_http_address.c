#include "base/http_address.h"

#include <criterion/criterion.h>
#include <sys/socket.h>

Test(http_address, only_public_unicast_is_public)
{
    static const char *const closed[] = {"0.0.0.0",
                                         "10.1.2.3",
                                         "100.64.0.1",
                                         "100.127.255.255",
                                         "127.0.0.1",
                                         "127.255.255.255",
                                         "169.254.169.254",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.0.0.1",
                                         "192.0.2.1",
                                         "192.168.1.1",
                                         "198.18.0.1",
                                         "198.19.255.1",
                                         "198.51.100.7",
                                         "203.0.113.7",
                                         "224.0.0.1",
                                         "239.1.1.1",
                                         "240.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "::7f00:1",
                                         "::ffff:127.0.0.1",
                                         "::ffff:10.0.0.1",
                                         "64:ff9b::10.0.0.1",
                                         "64:ff9b:1::1",
                                         "100::1",
                                         "2001::1",
                                         "2001:db8::1",
                                         "2002:7f00:1::",
                                         "2002:a00:1::1",
                                         "fc00::1",
                                         "fd12::1",
                                         "fe80::1",
                                         "fe80::1%eth0",
                                         "fec0::1",
                                         "ff02::1",
                                         "3fff::1",
                                         "not an address",
                                         ""};
    static const char *const open[] = {
        "1.1.1.1",          "9.255.255.255",   "11.0.0.1",
        "100.63.255.255",   "100.128.0.1",     "172.15.0.1",
        "172.32.0.1",       "192.0.1.1",       "192.167.0.1",
        "198.17.0.1",       "198.20.0.1",      "223.255.255.255",
        "2606:4700::1111",  "2a00:1450::1",    "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8", "2002:808:808::1", "2001:4860:4860::8888"};
    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
        cr_assert(cu_http_text_private(closed[i]), "%s", closed[i]);
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        cr_assert(!cu_http_text_private(open[i]), "%s", open[i]);
}

Test(http_address, other_families_are_private)
{
    struct sockaddr_storage a = {.ss_family = AF_UNIX};
    cr_assert(cu_http_address_private((struct sockaddr *)&a));
}
