"""Reading C well enough for tidy: code without comments and texts, functions,
includes.  No parser: clang-format keeps the shapes that this relies on (a
function's braces stand alone in the first column)."""

import os
import re
import subprocess

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
_NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")


def blank(text):
    """The same text with spaces for whatever is not a line break."""
    return re.sub(r"[^\n]", " ", text)


class Source:
    """One C file: its lines, and two copies of the same shape."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self.folder = os.path.dirname(path)
        self.code = _TOKEN.sub(self._hide, text)  # no comments, no texts
        self.is_header = path.endswith(".h")
        self._functions = None

    @staticmethod
    def _hide(match):
        token = match.group()
        if token[0] in "\"'":
            return token[0] + blank(token[1:-1]) + token[0]
        return blank(token)

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def includes(self):
        """(line, system, name) of every include that is not in a comment."""
        found = []
        for m in _INCLUDE.finditer(self.text):
            if "include" in self.code[m.start():m.end()]:
                found.append((self.line_of(m.start()), m.group(1) == "<",
                              m.group(2)))
        return found

    def functions(self):
        """(first line, last line, name, static) of every function body."""
        if self._functions is None:
            self._functions = list(self._find_functions())
        return self._functions

    def _find_functions(self):
        code = self.code.split("\n")
        for i, line in enumerate(code):
            if line.rstrip() != "{":
                continue
            first = self._signature(code, i)
            head = " ".join(code[first:i])
            if "(" not in head:
                continue
            end = self._closing(code, i)
            name = _NAME.search(re.sub(r"__attribute__\s*\(\(.*?\)\)", "",
                                       head))
            yield (first + 1, end + 1, name.group(1) if name else "?",
                   bool(re.match(r"\s*(static|Test|TestSuite|Param)", head)))

    @staticmethod
    def _signature(code, brace):
        """Index of the first line of what stands before a brace."""
        first = brace
        while first > 0:
            before = code[first - 1].rstrip()
            if not before or before[-1] in ";}{" or before.startswith("#"):
                break
            first -= 1
        return first

    @staticmethod
    def _closing(code, brace):
        depth = 0
        for i in range(brace, len(code)):
            depth += code[i].count("{") - code[i].count("}")
            if depth <= 0:
                return i
        return len(code) - 1


def all_files(root):
    """Paths below root that belong to the project, sorted."""
    try:
        out = subprocess.run(
            ["git", "-C", root, "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], capture_output=True, check=True)
        names = out.stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = _walk(root)
    return sorted(n for n in names if n and os.path.isfile(f"{root}/{n}"))


def _walk(root):
    """Without git (an unpacked archive): everything but what builds make."""
    for folder, folders, files in os.walk(root):
        here = os.path.relpath(folder, root)
        here = "" if here == "." else here + "/"
        folders[:] = [f for f in folders
                      if f not in (".git", ".cupel", "reports")
                      and not (not here and re.match(r"build(-|$)", f))]
        for name in files:
            yield here + name
