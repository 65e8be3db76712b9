#!/usr/bin/env python3
"""A small Open Library on loopback, for tests and demonstrations.

Serves GET /subjects/{slug}.json as the real one does, with all that makes it
hard to collect: soft failures, missing and null fields, works on two pages,
rate limits, outages.  Everything is a function of the command line; no
network but loopback, nothing but the standard library.  See README.md.
"""

import argparse
import json
import os
import re
import signal
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import works as made  # noqa: E402  (beside this file)

DROPPED = set(";/?:@&=+$,<>#%\"{}|\\^[]`")
TOO_MANY = {
    "status": 429,
    "message": "Too Many Requests. Consider using "
               "https://openlibrary.org/developers/dumps.",
}
FORBIDDEN = ("<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>"
             "\r\n<center><h1>403 Forbidden</h1></center>\r\n<hr><center>nginx"
             "</center>\r\n</body>\r\n</html>\r\n")
OFFLINE = ("<html><body><h1>Open Library is temporarily offline</h1>"
           "</body></html>\n")
FAULTS = ("403", "404", "429", "429+", "500", "502", "503", "cut", "hang",
          "slow", "drop", "soft", "short", "html", "badjson", "repeat")


def slug_of(name):
    """Open Library's normal form of a subject name."""
    name = name.lower().replace(" ", "_")
    return "".join(c for c in name if c not in DROPPED)


def load_pages(path, subject):
    """A stored answer as the works of a subject."""
    with open(path, encoding="utf-8") as f:
        body = json.load(f)
    return slug_of(subject), body["works"]


def parse_faults(args):
    """{request number or (offset, nth): fault name}"""
    faults = {}
    lines = list(args.fault)
    if args.script:
        with open(args.script, encoding="utf-8") as f:
            lines += [l.split("#")[0].strip() for l in f]
    for line in filter(None, lines):
        where, _, what = line.partition("=")
        name = what.split(":")[0]
        if name not in FAULTS:
            sys.exit("fault %r: expected NUMBER=NAME with one of %s"
                     % (line, ", ".join(FAULTS)))
        first, _, last = where.partition("-")
        try:
            numbers = range(int(first), int(last or first) + 1)
        except ValueError:
            sys.exit("fault %r: %r is no request number" % (line, where))
        for n in numbers:
            faults[n] = what
    return faults


class Library:
    """What all requests share; guarded by one lock."""

    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.requests = 0
        self.seen = {}  # path with query -> how often
        self.faults = parse_faults(args)
        self.log = open(args.log, "a", encoding="utf-8") if args.log else None
        self.subjects = made.subjects(args.edition)
        for spec in args.works:
            path, _, subject = spec.rpartition("=")
            slug, works = load_pages(path, subject)
            self.subjects[slug] = works

    def count(self, line):
        with self.lock:
            self.requests += 1
            self.seen[line] = self.seen.get(line, 0) + 1
            return self.requests, self.seen[line]

    def fault_of(self, number):
        every = self.args.rate_429
        if every and number % every == 0:
            return "429+" if self.args.retry_after else "429"
        return self.faults.get(number)

    def note(self, **entry):
        if not self.log:
            return
        with self.lock:
            self.log.write(json.dumps(entry, sort_keys=True) + "\n")
            self.log.flush()


class Refused(Exception):
    """422, with the parameter that is wrong."""


def whole(query, name, default, least, most):
    text = query.get(name, [str(default)])[-1]
    try:
        value = int(text)
    except ValueError:
        raise Refused({"type": "int_parsing", "loc": ["query", name],
                       "msg": "Input should be a valid integer, unable to "
                              "parse string as an integer", "input": text})
    if value < least:
        raise Refused({"type": "greater_than_equal", "loc": ["query", name],
                       "msg": "Input should be greater than or equal to %d"
                              % least, "input": text})
    if most is not None and value > most:
        raise Refused({"type": "less_than_equal", "loc": ["query", name],
                       "msg": "Input should be less than or equal to %d"
                              % most, "input": text})
    return value


def counted(works, pick):
    """[{key, name, count}] in order of count, then key."""
    seen = {}
    for work in works:
        for key, name in pick(work):
            seen.setdefault(key, [name, 0])[1] += 1
    rows = sorted(seen.items(), key=lambda kv: (-kv[1][1], kv[0]))[:25]
    return [{"key": k, "name": n, "count": c} for k, (n, c) in rows]


def details_of(works):
    years = {}
    for work in works:
        year = work["first_publish_year"]
        if year is not None:
            years[year] = years.get(year, 0) + 1
    return {
        "ebook_count": sum(1 for w in works if w["has_fulltext"]),
        "authors": counted(works, lambda w: [(a["key"], a["name"])
                                             for a in w["authors"]]),
        "subjects": counted(works, lambda w: [("/subjects/" + slug_of(s), s)
                                              for s in w["subject"]]),
        "publishers": [], "languages": [], "places": [], "people": [],
        "times": [],
        "publishing_history": [[y, n] for y, n in sorted(years.items())],
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    # --- answers ---------------------------------------------------------

    def send(self, status, body, kind="application/json", headers=()):
        self.status = status
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.sent = len(data)

    def send_json(self, status, value, headers=()):
        body = json.dumps(value, ensure_ascii=False)
        self.send(status, body, headers=headers)

    def do_GET(self):
        library = self.server.library
        line = self.path
        number, nth = library.count(line)
        self.status, self.sent = 0, 0
        fault = library.fault_of(number)
        started = time.monotonic()
        try:
            self.answer(line, nth, fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        library.note(n=number, path=line, nth=nth, fault=fault,
                     status=self.status, bytes=self.sent,
                     agent=self.headers.get("User-Agent", ""),
                     at=round(started - self.server.started, 4))

    def answer(self, line, nth, fault):
        url = urllib.parse.urlsplit(line)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        name, _, value = (fault or "").partition(":")
        if self.refuse(name, value):
            return
        path = urllib.parse.unquote(url.path)
        match = re.fullmatch(r"/subjects/([^/]+)\.json", path)
        if not match:
            self.send_json(404, {"detail": "Not Found"})
            return
        if path != path.lower():
            target = urllib.parse.quote(path.lower())
            if url.query:
                target += "?" + url.query
            self.send(301, "", "text/html", [("Location", target)])
            return
        try:
            body = self.page(match.group(1), query, nth, name)
        except Refused as refused:
            self.send_json(422, {"detail": [refused.args[0]]})
            return
        data = json.dumps(body, ensure_ascii=False).encode()
        self.deliver(data, name, value)

    def refuse(self, name, value):
        """Faults that need no page; True when it was one."""
        if name in ("429", "429+"):
            after = [("Retry-After", value or self.server.library.args
                      .retry_after or "1")] if name == "429+" else []
            self.send_json(429, TOO_MANY, after)
        elif name == "403":
            self.send(403, FORBIDDEN, "text/html")
        elif name == "404":
            self.send_json(404, {"detail": "Not Found"})
        elif name in ("500", "502"):
            self.send(int(name), OFFLINE, "text/html")
        elif name == "503":
            self.send(503, "<html><body><h1>503 Service Unavailable</h1>\nNo "
                      "server is available to handle this request.\n</body>"
                      "</html>\n", "text/html",
                      [("Retry-After", value)] if value else [])
        elif name == "html":
            self.send(200, OFFLINE, "text/html")
        elif name == "drop":
            self.close_connection = True
        elif name == "hang":
            self.server.stopping.wait(float(value or 3600))
            self.close_connection = True
        else:
            return False
        return True

    def deliver(self, data, name, value):
        if name == "badjson":
            self.send(200, data[:len(data) // 2])
        elif name == "cut":
            self.status = 200
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:len(data) // 2])
            self.wfile.flush()
            self.sent = len(data) // 2
            self.close_connection = True
        elif name == "slow":
            self.server.stopping.wait(float(value or 1))
            self.send(200, data)
        else:
            self.send(200, data)

    # --- pages -----------------------------------------------------------

    def page(self, slug, query, nth, fault):
        library = self.server.library
        limit = whole(query, "limit", 12, 0, 1000)
        offset = whole(query, "offset", 0, 0, None)
        details = query.get("details", ["false"])[-1].lower() in ("true", "1")
        works = library.subjects.get(slug_of(slug), [])
        body = {"key": "/subjects/" + slug, "name": slug.replace("_", " "),
                "subject_type": "subject", "solr_query": "subject_key:" + slug}
        soft = nth <= library.args.soft_failures or fault == "soft"
        if soft:
            return dict(body, work_count=None, works=[])
        page = works[offset:offset + limit]
        if fault == "short":
            page = []
        if fault == "repeat":
            page = works[:limit]
        body.update(work_count=len(works), works=page)
        if details:
            body.update(details_of(works))
        return body


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Clients that are killed are part of the tests."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
    allow_reuse_address = True


def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--port", type=int, default=8080,
                   help="0: a free one; the port is printed on stdout")
    p.add_argument("--host", default="127.0.0.1",
                   help="the address to listen on; a container needs 0.0.0.0")
    p.add_argument("--edition", type=int, default=1, metavar="K",
                   help="1, or 2: titles corrected, works added and removed")
    p.add_argument("--works", action="append", default=[],
                   metavar="FILE=SUBJECT", help="a stored answer as a subject")
    p.add_argument("--soft-failures", type=int, default=0, metavar="N",
                   help="the first N answers of each URL are soft failures")
    p.add_argument("--rate-429", type=int, default=0, metavar="N",
                   help="each Nth request gets 429")
    p.add_argument("--retry-after", metavar="SECONDS", nargs="?", const="1",
                   help="429 answers say Retry-After")
    p.add_argument("--fault", action="append", default=[], metavar="N=NAME",
                   help="what request N (or N-M) gets: " + ", ".join(FAULTS))
    p.add_argument("--script", metavar="FILE", help="faults, one a line")
    p.add_argument("--log", metavar="FILE",
                   help="one JSON object a request is appended")
    return p.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    server = Server((args.host, args.port), Handler)
    server.library = Library(args)
    server.started = time.monotonic()
    server.stopping = threading.Event()

    def stop(*_):
        server.stopping.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
