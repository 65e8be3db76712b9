#!/usr/bin/env python3
"""acls.py HOST:PORT PRINCIPAL < lines: gives and takes permissions.

Lines: add|remove topic|group|transactional-id literal|prefixed NAME
OPERATION, the words of `cupel doctor --acls`.  All lines are two requests to
the broker; kafka-acls.sh would take a JVM for each, and librdkafka 2.0 knows
no permissions on transactional ids.
"""

import socket
import struct
import sys

TYPES = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
PATTERNS = {"literal": 3, "prefixed": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Describe": 8,
              "DescribeConfigs": 10}
ALLOW = 3
CREATE_ACLS, DELETE_ACLS = 30, 31


def text(s):
    raw = s.encode()
    return struct.pack(">h", len(raw)) + raw


def read(s, n):
    out = b""
    while len(out) < n:
        part = s.recv(n - len(out))
        if not part:
            sys.exit("acls.py: the broker hung up")
        out += part
    return out


def call(s, api, entries):
    body = struct.pack(">hhi", api, 1, 7) + text("acls.py")
    body += struct.pack(">i", len(entries)) + b"".join(entries)
    s.sendall(struct.pack(">i", len(body)) + body)
    answer = read(s, struct.unpack(">i", read(s, 4))[0])
    at = 12  # correlation id, throttle time, number of results
    for _ in entries:
        code, length = struct.unpack_from(">hh", answer, at)
        at += 4
        why = answer[at:at + max(length, 0)].decode()
        at += max(length, 0)
        if code:
            sys.exit(f"acls.py: error {code}: {why}")
        if api == DELETE_ACLS:
            at = skip_matches(answer, at)


def skip_matches(answer, at):
    (n,) = struct.unpack_from(">i", answer, at)
    at += 4
    if n == 0:
        sys.exit("acls.py: there is no such permission to take")
    for _ in range(n):
        at += 2 + 2 + max(struct.unpack_from(">h", answer, at + 2)[0], 0) + 1
        at += 2 + struct.unpack_from(">h", answer, at)[0] + 1
        for _ in range(2):  # principal, host
            at += 2 + struct.unpack_from(">h", answer, at)[0]
        at += 2
    return at


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    lists = {"add": [], "remove": []}
    for line in sys.stdin:
        verb, kind, pattern, name, operation = line.split()
        lists[verb].append(
            struct.pack(">b", TYPES[kind]) + text(name) +
            struct.pack(">b", PATTERNS[pattern]) + text(sys.argv[2]) +
            text("*") + struct.pack(">bb", OPERATIONS[operation], ALLOW))
    with socket.create_connection((host, int(port)), 20) as s:
        if lists["remove"]:
            call(s, DELETE_ACLS, lists["remove"])
        if lists["add"]:
            call(s, CREATE_ACLS, lists["add"])


main()
