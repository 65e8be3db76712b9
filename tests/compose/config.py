#!/usr/bin/env python3
"""What can be said of docker-compose.yml and Dockerfile without running them.

    config.py [ROOT]      one line per finding; the last line adds up

Reads the two files by line, not as YAML: no parser of it comes with Python.
Before the files are judged the rules are: each must find what is made wrong
for it in a copy.
"""
import fnmatch
import os
import re
import sys

RULES = []


def rule(name, *breaks):
    """breaks: (file, old, new) that the rule has to notice."""
    def take(function):
        RULES.append((name, function, breaks))
        return function
    return take


class Files:
    def __init__(self, root, change=None):
        self.root = root
        self.text = {}
        for name in ("docker-compose.yml", "Dockerfile", ".dockerignore"):
            with open(os.path.join(root, name), encoding="utf-8") as f:
                self.text[name] = f.read()
        for path in ("tests/compose/kafka/Dockerfile",
                     "tests/compose/postgres/Dockerfile"):
            with open(os.path.join(root, path), encoding="utf-8") as f:
                self.text[path] = f.read()
        if change:
            name, old, new = change
            assert old in self.text[name], change
            self.text[name] = self.text[name].replace(old, new, 1)
        self.compose = self.text["docker-compose.yml"]

    def block(self, name):
        """The lines below a key of the first column."""
        m = re.search(r"^%s:\n((?:[ #].*\n|\n)*)" % name, self.compose, re.M)
        return m.group(1) if m else ""

    def keys(self, name):
        return re.findall(r"^  ([a-z-]+):", self.block(name), re.M)

    def dockerfiles(self):
        return [(n, t) for n, t in self.text.items() if n.endswith("file")]


@rule("services, volumes and images are as expected",
      ("docker-compose.yml", "  worker:\n", "  wrker:\n"),
      ("docker-compose.yml", "  reports:\n", "  reprts:\n"))
def names(files):
    wanted = ["kafka", "postgres", "openlibrary", "collector", "worker"]
    got = files.keys("services")
    if got != wanted:
        yield "services are %s, not %s" % (got, wanted)
    volumes = set(files.keys("volumes"))
    used = set(re.findall(r"^      - ([a-z-]+):/", files.compose, re.M))
    for name in used ^ volumes:
        yield "volume %s is used and not declared, or the reverse" % name


@rule("every image has a tag that stays",
      ("docker-compose.yml", "kafka:3.9.2", "kafka:latest"),
      ("docker-compose.yml", "image: cupel:local", "image: cupel"),
      ("Dockerfile", "BASE=debian:bookworm-slim", "BASE=debian"))
def tags(files):
    images = re.findall(r"^ *image: *(\S+)", files.compose, re.M)
    for _, text in files.dockerfiles():
        images += re.findall(r"^ARG BASE=(\S+)", text, re.M)
        images += [i for i in re.findall(r"^FROM (\S+)", text, re.M)
                   if not i.startswith("${")]
    for image in images:
        if ":" not in image or image.endswith(":latest"):
            yield "image %s" % image


@rule("published ports are bound to loopback",
      ("docker-compose.yml", '"127.0.0.1:${KAFKA_PORT', '"${KAFKA_PORT'))
def ports(files):
    for lines in re.findall(r"^ *ports:\n((?: *- .*\n)+)", files.compose,
                            re.M):
        for line in lines.splitlines():
            if not line.strip().startswith('- "127.0.0.1:'):
                yield line.strip()


@rule("every variable has a default",
      ("docker-compose.yml", "${EDITION:-1}", "${EDITION}"))
def defaults(files):
    for name in re.findall(r"\$\{?[A-Za-z_]+(?!\w|:-)", files.compose):
        yield name


@rule("depends_on names services, and waits for their health",
      ("docker-compose.yml", "    kafka:\n      condition: service_healthy",
       "    kafka:\n      condition: service_started"),
      ("docker-compose.yml", "    postgres:\n      con", "    pg:\n      con"))
def waits(files):
    services = files.keys("services")
    for lines in re.findall(r"^  depends_on:\n((?: {4,}.*\n)+)", files.compose,
                            re.M):
        for name, how in re.findall(r"^    (\S+):\n      condition: (\S+)",
                                    lines, re.M):
            if name not in services or how != "service_healthy":
                yield "%s: %s" % (name, how)


@rule("--set names variables of the SQL, paths exist",
      ("docker-compose.yml", "--set=page_size", "--set=pagesize"),
      ("docker-compose.yml", "postgres/sink.sql", "postgres/sinks.sql"))
def variables(files):
    known = set()
    for path in re.findall(r"^  - /(pipelines/\S+)", files.compose, re.M):
        path = os.path.join(files.root, path)
        if not os.path.exists(path):
            yield "%s is missing" % path
            continue
        with open(path, encoding="utf-8") as f:
            known |= set(re.findall(r"^\\set (\w+)", f.read(), re.M))
    for name in re.findall(r"--set=(\w+)=", files.compose):
        if name not in known:
            yield "the SQL has no variable %s" % name


@rule("images are made of packages and of this tree alone",
      ("Dockerfile", "# cupel in", "# syntax=docker/dockerfile:1\n# cupel in"),
      ("Dockerfile", "&& useradd", "&& curl -O http://example.org && useradd"))
def downloads(files):
    for name, text in files.dockerfiles():
        for line in text.splitlines():
            if re.match(r"# *syntax *=", line) or re.search(
                    r"https?://|\b(curl|wget|pip3?|npm|git)\b", line):
                yield "%s: %s" % (name, line)


@rule("no image runs as root, each says how it is",
      ("Dockerfile", "USER cupel\n", ""),
      ("Dockerfile", "USER cupel\n", "USER root\n"),
      ("Dockerfile", "HEALTHCHECK --interval", "LABEL --interval"))
def stages(files):
    text = files.text["Dockerfile"]
    for stage in re.split(r"^FROM ", text, flags=re.M)[1:]:
        name = stage.splitlines()[0]
        if name.endswith(" AS build"):
            continue
        users = re.findall(r"^USER (\S+)", stage, re.M)
        if not users or users[-1] in ("root", "0"):
            yield "FROM %s: no USER" % name
        if "HEALTHCHECK" not in stage:
            yield "FROM %s: no HEALTHCHECK" % name


def ignored(path, patterns):
    """As the engine reads .dockerignore: the last pattern that fits decides."""
    out = False
    for p in patterns:
        keep = p.startswith("!")
        p = p.lstrip("!")
        if fnmatch.fnmatch(path, p) or path.startswith(p + "/"):
            out = not keep
    return out


@rule("what is copied exists and is not ignored",
      (".dockerignore", "!state\n", ""),
      ("Dockerfile", "COPY ops ops/", "COPY opz opz/"))
def copies(files):
    patterns = [p for p in files.text[".dockerignore"].split("\n")
                if p and not p.startswith("#")]
    for words in re.findall(r"^COPY (?!--from)(.*)", files.text["Dockerfile"],
                            re.M):
        for path in words.split()[:-1]:
            name = path.replace("*.py", "server.py")
            if not os.path.exists(os.path.join(files.root, name)):
                yield "%s is missing" % path
            if ignored(name, patterns):
                yield "%s is ignored" % path


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..")
    passed = failed = 0
    for name, judge, breaks in RULES:
        blind = [b for b in breaks if not list(judge(Files(root, b)))]
        findings = list(judge(Files(root)))
        good = not blind and not findings
        passed, failed = passed + good, failed + (not good)
        print("%s %s" % ("ok" if good else "not ok", name))
        for b in blind:
            print("    does not notice %r" % (b,))
        for f in findings:
            print("    " + f)
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0


sys.exit(main())
