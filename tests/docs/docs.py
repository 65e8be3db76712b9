#!/usr/bin/env python3
"""Runs what the pages say: docs.py CUPEL [FUNCTIONS]; --write CUPEL FUNCTIONS.

CUPEL is the binary, FUNCTIONS the program that prints docs/functions.md.
Checked are, in README.md and docs/*.md:

  ```console        lines with "$ " are run in a copy of the tree; what
                    follows must be printed ("..." stands for anything).
                    no-run: shown only; exit=N: of the last command
  ```sql            goes through `cupel check`.  name=a: others may build on
                    it, with=a,b; refused: must end with 0A000; error=CODE;
                    fragment: not a statement
  any, file=PATH    is written there for the commands behind it
  option tables     behind <!-- options: KIND WHO --> name exactly the options
                    that the sources know
  errors.md         every code and SQLSTATE of the sources
  cli.md            what `cupel help` prints (--write makes the page)
  functions.md      what the catalog holds (the same)
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

TIMEOUT_S = 240
# A tree that is already built does not build again.
INSTEAD = {"make demo": "tests/scripts/demo.sh"}


class Report:
    """Counts, and tells what went wrong."""

    def __init__(self):
        self.passed = self.failed = 0

    def say(self, good, where, what=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"not ok - {where}: {what}")


class Fence:
    """One fenced block: where, language, words behind it, text."""

    def __init__(self, page, line, info, text):
        words = info.split()
        self.page, self.line, self.text = page, line, text
        self.language = words[0] if words else ""
        self.flags = {w for w in words[1:] if "=" not in w}
        self.values = dict(w.split("=", 1) for w in words[1:] if "=" in w)
        self.where = f"{page}:{line}"


def fences(page):
    found, start, info = [], 0, None
    with open(page, encoding="utf-8") as f:
        lines = f.read().split("\n")
    for i, line in enumerate(lines, 1):
        if line.startswith("```") and info is None:
            info, start = line[3:], i
        elif line.startswith("```"):
            text = "\n".join(lines[start:i - 1]) + "\n"
            found.append(Fence(page, start, info, text))
            info = None
    return found


def run(command, folder, cupel):
    """Exit code and both streams of a shell command."""
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    for name in list(environment):
        if name.startswith("CUPEL_"):
            del environment[name]
    environment["PATH"] = f"{folder}/bin:{environment['PATH']}"
    try:
        p = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return None, f"still running after {TIMEOUT_S} s"
    return p.returncode, p.stdout.decode("utf-8", "replace")


def copy_of_tree(cupel):
    """A folder with what commands in the pages use."""
    folder = tempfile.mkdtemp()
    for name in ("pipelines", "tests/openlibrary", "tests/scripts"):
        shutil.copytree(name, f"{folder}/{name}",
                        ignore=shutil.ignore_patterns("reports", ".cupel"))
    for name in ("bin", "build"):
        os.makedirs(f"{folder}/{name}")
        os.symlink(os.path.abspath(cupel), f"{folder}/{name}/cupel")
    return folder


# --- console ------------------------------------------------------------------

def pattern(shown):
    """What was shown as a regular expression; "..." is anything."""
    parts = []
    for line in shown:
        if line.strip() == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(".*?".join(re.escape(p) for p in line.split("..."))
                         + r"[ ]*\n")
    return re.compile("".join(parts))


def commands(text):
    """[(command, shown lines)] of a console block."""
    found = []
    for line in text.rstrip("\n").split("\n"):
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1][0] += "\n" + line
        elif found:
            found[-1][1].append(line)
    return found


def check_console(page_fences, cupel, report):
    folder = copy_of_tree(cupel)
    try:
        for f in page_fences:
            if "file" in f.values:
                path = f"{folder}/{f.values['file']}"
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as out:
                    out.write(f.text)
            if f.language != "console" or "no-run" in f.flags:
                continue
            todo = commands(f.text)
            for i, (command, shown) in enumerate(todo):
                last = i == len(todo) - 1
                wanted = int(f.values.get("exit", 0)) if last else 0
                code, out = run(INSTEAD.get(command, command), folder, cupel)
                if code != wanted:
                    report.say(False, f.where, f"{command}: exit code {code}, "
                               f"expected {wanted}:\n{out}")
                elif shown and not pattern(shown).fullmatch(
                        out if out.endswith("\n") or not out else out + "\n"):
                    report.say(False, f.where, f"{command}: printed:\n{out}")
                else:
                    report.say(True, f.where)
    finally:
        shutil.rmtree(folder)


# --- sql ----------------------------------------------------------------------

def with_others(f, named):
    text = ""
    for name in filter(None, f.values.get("with", "").split(",")):
        text += with_others(named[name], named)
    return text + f.text


def check_sql(page_fences, cupel, report):
    named = {f.values["name"]: f for f in page_fences if "name" in f.values}
    folder = tempfile.mkdtemp()
    for f in page_fences:
        if f.language != "sql" or "fragment" in f.flags:
            continue
        with open(f"{folder}/example.sql", "w", encoding="utf-8") as out:
            out.write(with_others(f, named))
        p = subprocess.run([os.path.abspath(cupel), "check", "example.sql"],
                           cwd=folder, capture_output=True, text=True,
                           timeout=TIMEOUT_S, check=False)
        wanted = f.values.get("error", "0A000" if "refused" in f.flags else "")
        if wanted:
            good = p.returncode == 2 and f"[{wanted}]" in p.stderr
            what = f"must end with {wanted}"
        else:
            good, what = p.returncode == 0, "is not accepted"
        report.say(good, f.where, f"{what}:\n{p.stdout}{p.stderr}")
    shutil.rmtree(folder)


# --- options ------------------------------------------------------------------

SOURCES = {"server": "ddl_server.c", "table": "ddl_table.c",
           "column": "ddl_column.c", "view": "ddl_view.c",
           "mapping": "ddl_server.c", "copy": "ddl_copy.c"}
WHO = {"kafka": {"K", "KAFKA", "READ", "ALL"},
       "http": {"H", "HTTP", "READ", "ALL"},
       "files": {"F", "FILES", "READ", "ALL"},
       "postgres": {"P", "PG", "ALL"}, "blackhole": {"B", "ALL"},
       "materialized": {"MV"}, "shared": {"SHARED"}, "report": {"1"}}
SPEC = re.compile(r'\[([A-Z]+)_\w+(?: \+ \d+)?\]\s*=\s*\{\s*"(\w+)",\s*'
                  r'CU_OPT_(\w+),\s*([A-Z1| ]+?),')


def known_options(kind, who):
    """(supported, later) names of options in the sources."""
    with open(f"processors/sql/{SOURCES[kind]}", encoding="utf-8") as f:
        text = f.read()
    now, later = set(), set()
    for prefix, name, form, where in SPEC.findall(text):
        if (prefix == "M") != (kind == "mapping"):
            continue
        if WHO[who] & set(re.split(r"[| ]+", where)):
            (later if form == "LATER" else now).add(name)
    return now, later


def check_options(page, report):
    with open(page, encoding="utf-8") as f:
        lines = f.read().split("\n")
    for i, line in enumerate(lines):
        m = re.match(r"<!-- options: (\w+) (\w+) -->", line)
        if not m:
            continue
        now, _ = known_options(*m.groups())
        told = set()
        for row in lines[i + 1:]:
            if not row.startswith("|"):
                if told or row:
                    break
                continue
            told |= set(re.findall(r"`(\w+)`", row.split("|")[1]))
        missing, extra = sorted(now - told), sorted(told - now)
        report.say(now and not missing and not extra, f"{page}:{i + 1}",
                   f"options of {' '.join(m.groups())}: not told {missing}, "
                   f"not known {extra}")


# --- errors -------------------------------------------------------------------

def sources():
    for folder in ("base", "rows", "log", "schemas", "state", "processors",
                   "producers", "ops"):
        for where, _, names in os.walk(folder):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield f"{where}/{name}"


def check_errors(page, report):
    with open(page, encoding="utf-8") as f:
        told = f.read()
    with open("base/err.h", encoding="utf-8") as f:
        codes = re.findall(r"^    CU_(\w+),\s*/\*", f.read(), re.M)
    for code in codes:
        name = code.lower()
        report.say(f"`{name}`" in told, page, f"code {name} is not told")
    states = {}
    for path in sources():
        with open(path, encoding="utf-8") as f:
            for m in re.finditer(r"STATE\(((?:'.',?\s*){5})\)", f.read()):
                state = "".join(re.findall(r"'(.)'", m.group(1)))
                states.setdefault(state, path)
    for state, path in sorted(states.items()):
        report.say(f"`{state}`" in told, page,
                   f"SQLSTATE {state} of {path} is not told")


# --- pages that are made ------------------------------------------------------

CLI = """# The command line

Made by `tests/docs/docs.py --write` from what `cupel help` prints; a test
compares. `docs/operations.md` says how to run cupel for long.

A pipeline is a folder or file of SQL. The app's name is `--app`, else the name
of the folder or file; it is the consumer group and the prefix of the app's own
topics. The first words that exist as paths are the pipeline; several need
`--app`.

Data goes to stdout, talk to stderr. `-o json`, `jsonl` and `csv` are for
programs. Exit codes are in [errors.md](errors.md). Every option with a value
can be given as `CUPEL_<OPTION>` in the environment (`CUPEL_BROKERS`), except
`--set` and `--property`; the command line wins.
"""


def printed(cupel, *words):
    p = subprocess.run([cupel, "help", *words], capture_output=True, text=True,
                       timeout=TIMEOUT_S, check=True)
    return re.sub(r" +\n", "\n", p.stdout)


def cli_page(cupel):
    everywhere = "\noptions everywhere:\n"
    overview = printed(cupel)
    names = re.findall(r"^  (\w+)  +\S", overview, re.M)
    page = CLI + f"\n```\n{overview}```\n"
    for name in names:
        text, _, options = printed(cupel, name).partition(everywhere)
        page += f"\n## {name}\n\n```\n{text}```\n"
    return page + f"\n## Options everywhere\n\n```\n{options}```\n"


def made_pages(cupel, functions):
    yield "docs/cli.md", cli_page(cupel)
    if functions:
        out = subprocess.run([functions], capture_output=True, text=True,
                             check=True, timeout=TIMEOUT_S)
        yield "docs/functions.md", out.stdout


def check_made(cupel, functions, report):
    if not functions:
        report.say(False, "docs/functions.md",
                   "the program that prints it is not built (target functions)")
    for path, text in made_pages(cupel, functions):
        with open(path, encoding="utf-8") as f:
            same = f.read() == text
        report.say(same, path, "is not up to date: python3 tests/docs/docs.py "
                   "--write CUPEL FUNCTIONS")


# --- running ------------------------------------------------------------------

def main():
    words = sys.argv[1:]
    write = words[:1] == ["--write"]
    cupel, *rest = words[1:] if write else words
    functions = rest[0] if rest else None
    if write:
        for path, text in made_pages(cupel, functions):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return 0
    report = Report()
    pages = ["README.md"] + sorted(
        f"docs/{n}" for n in os.listdir("docs") if n.endswith(".md"))
    for page in pages:
        found = fences(page)
        check_sql(found, cupel, report)
        check_console(found, cupel, report)
        check_options(page, report)
    check_errors("docs/errors.md", report)
    check_made(cupel, functions, report)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
