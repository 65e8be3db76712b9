#!/usr/bin/env python3
"""Checks what a program can check of STYLE.md and docs/architecture.md.

    tidy.py [ROOT [BUILD…]]

Prints one line per rule that holds, "not ok file:line: what; instead" per
finding, and "N passed, N failed" (rules) at the end.  A BUILD is a folder
with libcu_*.a or the binary cupel: its symbols are looked at as well.
"""

import collections
import os
import re
import shutil
import subprocess
import sys

import scan
import tables

Finding = collections.namedtuple("Finding", "path line what instead")
RULES = []


def rule(name):
    """Registers a rule: a generator of findings over a Tree."""
    def add(function):
        RULES.append((name, function))
        return function
    return add


class Skip(Exception):
    """A rule that cannot be checked here, and why."""


class Tree:
    """The project's files, read once."""

    def __init__(self, root, builds=()):
        self.root = root
        self.builds = list(builds)
        self.paths = scan.all_files(root)
        self.text = {}
        for path in self.paths:
            with open(f"{root}/{path}", "rb") as f:
                raw = f.read()
            if b"\0" not in raw:
                self.text[path] = raw.decode("utf-8", "replace")
        self.sources = [scan.Source(p, t) for p, t in self.text.items()
                        if p.endswith((".c", ".h", ".cc")) and not data(p)]

    def product(self):
        return [s for s in self.sources if not is_test(s.path)]

    def texts(self, *endings):
        for path, text in self.text.items():
            if path.endswith(endings) and not data(path):
                yield path, text


def is_test(path):
    return path.startswith("tests/")


def data(path):
    """In a folder of data, where bytes are what they are."""
    return any(part in tables.DATA_FOLDERS
               for part in os.path.dirname(path).split("/"))


def matches(path, patterns):
    return any(re.fullmatch(p, path) for p in patterns)


def inside(path, folder):
    return path.startswith(folder + "/")


def owner(path):
    """The folder of the house that a project header belongs to."""
    best = ""
    for folder in tables.FOLDERS:
        if inside(path, folder) and len(folder) > len(best):
            best = folder
    return best


# --- includes ----------------------------------------------------------------

@rule("a folder includes only the floors below it")
def floors(tree):
    for s in tree.product():
        home = owner(s.path)
        if not home:
            continue
        allowed = tables.FOLDERS[home]
        for line, system, name in s.includes():
            if system:
                continue
            folder = os.path.dirname(name)
            if folder != home and folder not in allowed:
                yield Finding(
                    s.path, line, f'{home} may not include "{name}"',
                    f"it may include {', '.join([home] + allowed)}")


@rule("includes are rooted at the repository")
def rooted(tree):
    for s in tree.sources:
        for line, system, name in s.includes():
            if not system and not os.path.exists(f"{tree.root}/{name}"):
                yield Finding(s.path, line,
                              f'"{name}" is not a path from the top',
                              "write the folder: #include \"rows/batch.h\"")


@rule("foreign headers stay behind their door")
def foreign(tree):
    for s in tree.sources:
        for line, system, name in s.includes():
            if not system or name in tables.PLAIN_HEADERS:
                continue
            known = tables.FOREIGN.get(name)
            if known is None:
                yield Finding(s.path, line, f"<{name}> is not known",
                              "a line in tests/tidy/tables.py, with its file")
            elif not matches(s.path, known[0]):
                yield Finding(s.path, line, f"<{name}> does not belong here",
                              known[1])


@rule("a source includes its own header first")
def own_first(tree):
    for s in tree.product():
        own = re.sub(r"\.cc?$", ".h", s.path)
        if s.is_header or own not in tree.text:
            continue
        line, first = next(((line, name) for line, system, name in s.includes()
                            if not system), (1, ""))
        # A folder's int.h includes the public headers of the folder itself.
        if first != own and not (os.path.dirname(first) == s.folder and
                                 re.search(tables.PRIVATE, first)):
            yield Finding(s.path, line, "the own header is not first",
                          f'#include "{own}"')


@rule("private headers are included in their own folder")
def private(tree):
    for s in tree.sources:
        for line, system, name in s.includes():
            if system:
                continue
            hidden = (re.search(tables.PRIVATE, name)
                      or name in tables.PRIVATE_NAMES)
            folder = os.path.dirname(name)
            tests = "tests/unit/" + os.path.basename(folder)
            if hidden and s.folder not in (folder, tests):
                yield Finding(s.path, line, f'"{name}" is private to {folder}',
                              "the folder's public header")


@rule("headers have guards named after their path")
def guards(tree):
    seen = {}
    for s in tree.sources:
        if not s.is_header:
            continue
        found = re.search(r"#ifndef (\w+)\n#define (\w+)\n", s.code)
        stem = os.path.basename(s.path)[:-2].upper()
        if not found or found.group(1) != found.group(2):
            yield Finding(s.path, 1, "no include guard",
                          f"#ifndef CU_…_{stem}_H, #define, #endif")
            continue
        guard, line = found.group(1), s.line_of(found.start())
        if not re.fullmatch(rf"CU_(\w+_)?{stem}_H", guard):
            yield Finding(s.path, line, f"guard {guard} is another file's",
                          f"CU_…_{stem}_H")
        elif guard in seen:
            yield Finding(s.path, line,
                          f"guard {guard} is that of {seen[guard]}",
                          "the folder's name in it")
        seen.setdefault(guard, s.path)


# --- names -------------------------------------------------------------------

@rule("what a file exports carries cu_ and stands in a header")
def exported(tree):
    headers = collections.defaultdict(str)
    for s in tree.sources:
        if s.is_header:
            headers[s.folder] += s.code
    for s in tree.product():
        if s.is_header:
            continue
        for first, _, name, static in s.functions():
            if static or name == "main" or s.path.endswith(".cc"):
                continue
            if not name.startswith("cu_"):
                yield Finding(s.path, first, f"{name}() has no prefix",
                              f"static, or cu_{name}()")
            elif not re.search(rf"\b{name}\b", headers[s.folder]):
                yield Finding(s.path, first,
                              f"{name}() is in no header of {s.folder}",
                              "static, or a line in the folder's header")


@rule("types carry cu_ in headers, and nobody's _t")
def types(tree):
    tail = re.compile(r"^\}\s*(\w+);|^typedef\s+[^;{(]*?\b(\w+);", re.M)
    for s in tree.product():
        for m in tail.finditer(s.code):
            name = m.group(1) or m.group(2)
            line = s.line_of(m.start())
            if name.startswith("rd_kafka"):  # its types, by name only
                continue
            if name.startswith("cu_") and name.endswith("_t"):
                yield Finding(s.path, line, f"{name}: POSIX owns _t",
                              name[:-2])
            public = s.is_header and not re.search(tables.PRIVATE, s.path) \
                and s.path not in tables.PRIVATE_NAMES
            if public and not name.startswith("cu_"):
                yield Finding(s.path, line, f"type {name} has no prefix",
                              f"cu_{name}, or a private header")


@rule("the only label is out:")
def labels(tree):
    for s in tree.sources:
        for m in re.finditer(r"^[ \t]*([A-Za-z_]\w*):[ \t]*$", s.code, re.M):
            if m.group(1) not in ("out", "default", "public", "private"):
                yield Finding(s.path, s.line_of(m.start()),
                              f"label {m.group(1)}:", "one exit label, out:")


# --- calls -------------------------------------------------------------------

@rule("banned calls stay behind their door")
def banned(tree):
    for names, doors, instead in tables.BANNED:
        call = re.compile(
            r"(?<![\w.>])(" + "|".join(names.split()) + r")[ \t]*\(")
        for s in tree.sources:
            if matches(s.path, doors):
                continue
            for m in call.finditer(s.code):
                name = m.group(1)
                if is_test(s.path) and name in tables.TESTS_MAY:
                    continue
                if _declares(s.code, m.start()):
                    continue
                yield Finding(s.path, s.line_of(m.start()), f"{name}()",
                              instead)


def _declares(code, at):
    """A function of the file's own by that name: "int random(" or a member
    "(*time)("."""
    before = code[code.rfind("\n", 0, at) + 1:at]
    if re.search(r"\(\*\s*$", before):
        return True
    word = re.search(r"([A-Za-z_]\w*)[\s*]*$", before)
    return bool(word) and word.group(1) not in (
        "return", "else", "do", "case", "goto", "sizeof")


# --- sizes -------------------------------------------------------------------

@rule("files fit the limits")
def file_sizes(tree):
    for s in tree.sources:
        n = len(s.lines) - 1
        most, why = tables.FILE_LINES, tables.LONG_FILES
        if s.is_header:
            most, why = tables.HEADER_LINES, tables.LONG_HEADERS
        most = why.get(s.path, (most, ""))[0]
        if n > most:
            yield Finding(s.path, most + 1, f"{n} lines, {most} allowed",
                          "two files, one subject each")


@rule("functions fit a screen")
def function_sizes(tree):
    for s in tree.sources:
        for first, last, name, _ in s.functions():
            n = last - first + 1
            usual = (tables.TEST_LINES if name.startswith("Test")
                     else tables.FUNCTION_LINES)
            most = tables.LONG_FUNCTIONS.get(f"{s.path}:{name}",
                                             (usual, ""))[0]
            if n > most:
                yield Finding(s.path, first,
                              f"{name}() has {n} lines, {most} allowed",
                              "leaf functions; control flow in the parent")


@rule("lines fit 80 columns")
def columns(tree):
    for path, text in tree.texts(".c", ".h", ".cc", ".py"):
        for i, line in enumerate(text.split("\n"), 1):
            if len(line) <= tables.COLUMNS or "://" in line:
                continue
            # A literal that cannot be cut may pass the edge alone.
            if re.match(r'^\s*[\w\s(={,*&.]{0,40}f?"[^"]*"[^"]{0,4}$', line) \
                    and is_test(path):
                continue
            yield Finding(path, i, f"{len(line)} columns",
                          "a line break (make format)")


# --- bytes -------------------------------------------------------------------

@rule("texts end with one line break and hold no tabs")
def white(tree):
    endings = (".c", ".h", ".cc", ".py", ".sh", ".md", ".sql", ".txt",
               ".cmake", ".yml", ".xml")
    for path, text in tree.texts(*endings):
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield Finding(path, text.count("\n") + 1, "the end of the file",
                          "exactly one line break")
        for i, line in enumerate(text.split("\n"), 1):
            if "\t" in line:
                yield Finding(path, i, "a tab", "spaces, or \\t in a literal")
            elif line != line.rstrip():
                yield Finding(path, i, "blanks or CR at the end of the line",
                              "nothing there")


@rule("nothing is left over")
def leftovers(tree):
    mine = ("tests/tidy/", "STYLE.md")
    for path, text in tree.texts(""):
        if path.startswith(mine):
            continue
        for i, line in enumerate(text.split("\n"), 1):
            m = re.search(tables.LEFTOVERS, line)
            if m:
                yield Finding(path, i, m.group(), "do it, or an issue")


@rule("no paths or hosts of somebody's machine")
def machines(tree):
    for path, text in tree.texts(""):
        if path.startswith("tests/tidy/"):
            continue
        for i, line in enumerate(text.split("\n"), 1):
            m = (re.search(tables.MACHINE_PATHS, line)
                 or re.search(tables.REGISTRIES, line))
            if m:
                yield Finding(path, i, m.group(),
                              "a path below the project, or an option")


@rule("clang-format agrees")
def formatted(tree):
    tool = shutil.which("clang-format")
    if not tool:
        raise Skip("clang-format is not installed")
    names = [s.path for s in tree.sources]
    if not names:
        return
    out = subprocess.run([tool, "--dry-run", "-Werror"] + names,
                         cwd=tree.root, capture_output=True, text=True,
                         check=False)
    seen = set()
    for line in out.stderr.split("\n"):
        m = re.match(r"(\S+?):(\d+):\d+: error: code should be", line)
        if m and m.group(1) not in seen:
            seen.add(m.group(1))
            yield Finding(m.group(1), int(m.group(2)), "not formatted",
                          "make format")


# --- pages -------------------------------------------------------------------

@rule("every folder has a README that names its files")
def readmes(tree):
    folders = collections.defaultdict(list)
    for path in tree.paths:
        folder, name = os.path.split(path)
        if not name.startswith(".") and name != "README.md":
            folders[folder].append(name)
    for folder, names in sorted(folders.items()):
        if folder.startswith("."):
            continue
        page = f"{folder}/README.md".lstrip("/")
        if page not in tree.text:
            if not _above(tree, folder):
                yield Finding(page, 1, f"{folder}/ has no README.md",
                              "an introduction and a line per file")
            continue
        for name in names:
            if f"`{name}`" not in tree.text[page]:
                yield Finding(page, 1, f"{name} is not named",
                              f"- `{name}` - what it is, in one line")


def _above(tree, folder):
    """A data folder that a README above speaks of as `folder/`."""
    parts = folder.split("/")
    if not any(p in tables.DATA_FOLDERS for p in parts):
        return False
    for n in range(len(parts) - 1, 0, -1):
        page = "/".join(parts[:n]) + "/README.md"
        if page in tree.text:
            return f"`{parts[n]}/" in tree.text[page]
    return False


@rule("README lines name files that exist")
def named(tree):
    for path, text in tree.texts("README.md"):
        folder = os.path.dirname(path)
        for i, line in enumerate(text.split("\n"), 1):
            if not re.match(r"- `", line):
                continue
            head = re.split(r" - | — ", line, maxsplit=1)[0]
            for name in re.findall(r"`([\w./-]+\.\w+)`", head):
                if not os.path.exists(f"{tree.root}/{folder}/{name}"):
                    yield Finding(path, i, f"{name} is not there",
                                  "the file's name, or no line")


@rule("links between pages lead somewhere")
def links(tree):
    for path, text in tree.texts(".md"):
        folder = os.path.dirname(path)
        for i, line in enumerate(text.split("\n"), 1):
            for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", line):
                if "://" in target or target.startswith("mailto:"):
                    continue
                if not os.path.exists(f"{tree.root}/{folder}/{target}"):
                    yield Finding(path, i, f"{target} is not there",
                                  "a path relative to this page")


# --- builds ------------------------------------------------------------------

def _nm(*arguments):
    tool = shutil.which("nm")
    if not tool:
        raise Skip("nm is not installed")
    out = subprocess.run([tool, *arguments], capture_output=True, text=True,
                         check=False)
    return out.stdout.split("\n")


@rule("libraries define only cu_ symbols")
def symbols(tree):
    archives = [f"{b}/{n}" for b in tree.builds if os.path.isdir(b)
                for n in sorted(os.listdir(b))
                if re.fullmatch(r"libcu_\w+\.a", n) and n != "libcu_support.a"]
    if not archives:
        raise Skip("no build folder with libcu_*.a")
    for archive in archives:
        for line in _nm("-g", "--defined-only", archive):
            m = re.match(r"[0-9a-f]+ ([TDBRC]) (\S+)$", line)
            if m and not re.match(r"cu_|_*odr_asan|_Z", m.group(2)):
                yield Finding(os.path.basename(archive), 0, m.group(2),
                              "static, or cu_")


@rule("the binary exports nothing of PostgreSQL's")
def leaks(tree):
    binaries = [f"{b}/cupel" for b in tree.builds
                if os.path.isfile(f"{b}/cupel")]
    if not binaries:
        raise Skip("no build folder with cupel")
    for binary in binaries:
        names = [m.group(1) for line in _nm("-D", "--defined-only", binary)
                 for m in [re.match(r"[0-9a-f]+ [A-Z] (\S+)$", line)] if m]
        bad = [n for n in names
               if re.match(r"(palloc|pfree|lappend|errmsg|ereport|pg_query|"
                           r"raw_parser|MemoryContext|base_yy|list_|makeNode|"
                           r"errstart|errfinish|cu_)", n)]
        for name in bad[:5]:
            yield Finding(os.path.basename(binary), 0, f"{name} leaks",
                          "--exclude-libs,ALL (cmake/folders.cmake)")


# --- running -----------------------------------------------------------------

def check(tree, out):
    """Runs every rule; counts those that hold, those that do not, skips."""
    passed = failed = skipped = 0
    for name, function in RULES:
        try:
            findings = list(function(tree))
        except Skip as why:
            skipped += 1
            out(f"skipped: {name}: {why}")
            continue
        for f in findings:
            out(f"not ok {f.path}:{f.line}: {f.what}; instead: {f.instead}")
        if findings:
            failed += 1
            out(f"not ok - {name}: {len(findings)} findings")
        else:
            passed += 1
            out(f"ok - {name}")
    return passed, failed, skipped


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    passed, failed, skipped = check(Tree(root, sys.argv[2:]), print)
    more = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{more}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
