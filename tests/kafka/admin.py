#!/usr/bin/env python3
"""admin.py HOST:PORT PRINCIPAL < lines: permissions and topics of a broker.

    add|remove topic|group|transactional-id literal|prefixed NAME OPERATION
    make TOPIC PARTITIONS [name=value ...]

The words of the first form are those of `cupel doctor --acls`.  A few requests
in all; Kafka's own tools would take a JVM for each line, and librdkafka 2.0
knows no permissions on transactional ids.
"""

import socket
import struct
import sys

TYPES = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
PATTERNS = {"literal": 3, "prefixed": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Describe": 8,
              "DescribeConfigs": 10}
ALLOW = 3
CREATE_TOPICS, CREATE_ACLS, DELETE_ACLS = 19, 30, 31


def text(s):
    raw = s.encode()
    return struct.pack(">h", len(raw)) + raw


def read(s, n):
    out = b""
    while len(out) < n:
        part = s.recv(n - len(out))
        if not part:
            sys.exit("admin.py: the broker hung up")
        out += part
    return out


def ask(s, api, version, body):
    body = struct.pack(">hhi", api, version, 7) + text("admin.py") + body
    s.sendall(struct.pack(">i", len(body)) + body)
    return read(s, struct.unpack(">i", read(s, 4))[0])


def result(answer, at):
    """An error code and a message; where the next one begins."""
    code, length = struct.unpack_from(">hh", answer, at)
    at += 4 + max(length, 0)
    if code:
        why = answer[at - max(length, 0):at].decode()
        sys.exit(f"admin.py: error {code}: {why}")
    return at


def acls(s, api, entries):
    answer = ask(s, api, 1, struct.pack(">i", len(entries)) + b"".join(entries))
    at = 12  # correlation id, throttle time, number of results
    for _ in entries:
        at = result(answer, at)
        if api == DELETE_ACLS:
            at = skip_matches(answer, at)


def make(s, name, partitions, *configs):
    body = struct.pack(">i", 1) + text(name)
    body += struct.pack(">ihii", int(partitions), -1, 0, len(configs))
    for config in configs:
        for part in config.split("=", 1):
            body += text(part)
    answer = ask(s, CREATE_TOPICS, 4, body + struct.pack(">ib", 20000, 0))
    result(answer, 12 + len(text(name)))


def skip_matches(answer, at):
    (n,) = struct.unpack_from(">i", answer, at)
    at += 4
    if n == 0:
        sys.exit("admin.py: there is no such permission to take")
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
    topics = []
    for line in sys.stdin:
        if line.startswith("make "):
            topics.append(line.split()[1:])
            continue
        verb, kind, pattern, name, operation = line.split()
        lists[verb].append(
            struct.pack(">b", TYPES[kind]) + text(name) +
            struct.pack(">b", PATTERNS[pattern]) + text(sys.argv[2]) +
            text("*") + struct.pack(">bb", OPERATIONS[operation], ALLOW))
    with socket.create_connection((host, int(port)), 20) as s:
        for topic in topics:
            make(s, *topic)
        if lists["remove"]:
            acls(s, DELETE_ACLS, lists["remove"])
        if lists["add"]:
            acls(s, CREATE_ACLS, lists["add"])


main()
