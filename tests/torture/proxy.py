#!/usr/bin/env python3
"""A proxy that understands Kafka's framing, for faults.

    proxy.py LISTEN UPSTREAM

Rules come on stdin, one a line, and replace those before; `-` is none:

    26 0.3 hold:2.6 delay:3      requests with api key 26 (EndTxn, 1 is Fetch,
                                 -1 any), 3 in 10, one of these at random
  drop-request  cut both connections instead of forwarding it
  drop-reply    forward it, cut the client instead of answering
  delay:S       answer S seconds late, with all that stands behind it
  hold:S        keep the request, forward it S seconds later on a connection
                of its own: a packet that was late
  cut           forward it, cut the client at once

Each fault is a line on stdout: api, fault, and what a held request came to.
"""
import random
import socket
import struct
import sys
import threading
import time

RULE = (0, 0.0, [])
LOCK = threading.Lock()


def say(*words):
    with LOCK:
        print(*words, flush=True)


def exactly(s, n):
    parts, left = [], n
    while left:
        b = s.recv(min(left, 1 << 20))
        if not b:
            raise OSError("closed")
        parts.append(b)
        left -= len(b)
    return b"".join(parts)


def frame(s):
    head = exactly(s, 4)
    return head + exactly(s, struct.unpack(">i", head)[0])


def close(*sockets):
    for s in sockets:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()


def late(request, seconds, upstream):
    time.sleep(seconds)
    try:
        s = socket.create_connection(("127.0.0.1", upstream), 10)
        s.sendall(request)
        s.settimeout(10)
        reply = frame(s)
        say("held", struct.unpack(">h", reply[12:14])[0])
        s.close()
    except (OSError, struct.error) as e:
        say("held", repr(e))


class Connection:
    def __init__(self, client, upstream):
        self.client, self.upstream = client, upstream
        self.faults = {}  # correlation id -> what becomes of the reply
        self.server = socket.create_connection(("127.0.0.1", upstream), 10)
        self.server.settimeout(None)
        for s in (client, self.server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def replies(self):
        try:
            while True:
                f = frame(self.server)
                what = self.faults.pop(f[4:8], None)
                if what == "drop-reply":
                    break
                if what:
                    time.sleep(float(what[6:]))
                self.client.sendall(f)
        except OSError:
            pass
        close(self.client, self.server)

    def request(self, f):
        """False when the connection ends with it"""
        api, likely, faults = RULE
        key = struct.unpack(">h", f[4:6])[0]
        what = None
        if faults and api in (key, -1) and random.random() < likely:
            what = random.choice(faults)
            say("fault", key, what)
        if what == "drop-request":
            return False
        if what and what.startswith("hold:"):
            threading.Thread(target=late, daemon=True, args=(
                f, float(what[5:]), self.upstream)).start()
            return True
        if what and what != "cut":
            self.faults[f[8:12]] = what
        self.server.sendall(f)
        if what == "cut":
            time.sleep(0.002)
        return what != "cut"

    def serve(self):
        threading.Thread(target=self.replies, daemon=True).start()
        try:
            while self.request(frame(self.client)):
                pass
        except (OSError, struct.error):
            pass
        close(self.client, self.server)


def accept(client, upstream):
    try:
        Connection(client, upstream).serve()
    except OSError:
        close(client)


def listen(port, upstream):
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    door.listen(64)
    say("listening")
    while True:
        threading.Thread(target=accept, args=(door.accept()[0], upstream),
                         daemon=True).start()


def main():
    global RULE
    threading.Thread(target=listen, daemon=True,
                     args=(int(sys.argv[1]), int(sys.argv[2]))).start()
    for line in sys.stdin:
        words = line.split()
        RULE = ((int(words[0]), float(words[1]), words[2:])
                if len(words) > 2 else (0, 0.0, []))


main()
