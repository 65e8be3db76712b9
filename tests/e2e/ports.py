#!/usr/bin/env python3
"""ports.py N: prints the first of N free ports of loopback in a row."""

import socket
import sys

n = int(sys.argv[1])
while True:
    held = [socket.socket() for _ in range(n)]
    try:
        held[0].bind(("127.0.0.1", 0))
        first = held[0].getsockname()[1]
        for i, s in enumerate(held[1:], 1):
            s.bind(("127.0.0.1", first + i))
    except (OSError, OverflowError):
        continue
    finally:
        for s in held:
            s.close()
    print(first)
    break
