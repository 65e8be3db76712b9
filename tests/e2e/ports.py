#!/usr/bin/env python3
"""ports.py N: prints the first of N free ports of loopback in a row.

They lie outside the range that the kernel takes ports of connections from:
until whoever asked listens there, no connection can come to have one, not even
one to itself, which is what asking a port there for an answer may become.
"""

import random
import socket
import sys

LEAST, MOST = 20000, 65000


def candidates(n):
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range",
                  encoding="ascii") as f:
            low, high = map(int, f.read().split())
    except OSError:
        low, high = 32768, 60999
    outside = [p for p in range(LEAST, MOST) if p + n <= low or p > high]
    return outside or range(LEAST, MOST)


def free(first, n):
    held = []
    try:
        for port in range(first, first + n):
            held.append(socket.socket())
            held[-1].bind(("127.0.0.1", port))
    except OSError:
        return False
    finally:
        for s in held:
            s.close()
    return True


def main():
    n = int(sys.argv[1])
    firsts = list(candidates(n))
    random.shuffle(firsts)
    print(next(p for p in firsts if free(p, n)))


main()
