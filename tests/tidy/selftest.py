#!/usr/bin/env python3
"""Every rule of tidy.py must catch its own violation, and nothing else.

A small tree that breaks no rule is made in a temporary folder; each case
changes one file of it and says which rule must speak up, and where.
"""

import os
import shutil
import subprocess
import sys
import tempfile

import tidy

HEADER = """/* Sums. */
#ifndef CU_ROWS_SUM_H
#define CU_ROWS_SUM_H

typedef struct cu_sum cu_sum;

/* The sum of both; no overflow check. */
int cu_sum_of(int a, int b);

#endif
"""
SOURCE = """#include "rows/sum.h"

#include "base/word.h"

#include <stddef.h>

static int twice(int a)
{
    return 2 * a;
}

/* malloc("text") in a comment, and TODAY, are no findings. */
int cu_sum_of(int a, int b)
{
    const char *text = "free(strcpy(1)) {";
    if (text == NULL)
        goto out;
    return twice(a) + b;
out:
    return cu_word();
}
"""
GOOD = {
    "README.md": "# x\n\n- `STYLE.md` - rules\n\n[the rules](STYLE.md)\n",
    "STYLE.md": "# Style\n",
    "base/README.md": "# base\n\n- `word.h` - words\n",
    "base/word.h": "#ifndef CU_BASE_WORD_H\n#define CU_BASE_WORD_H\n"
                   "int cu_word(void);\n#endif\n",
    "rows/README.md": "# rows\n\n- `sum.h`, `sum.c` - sums\n"
                      "- `int.h` - inside\n\nSamples are in `data/`.\n",
    "rows/int.h": "#ifndef CU_ROWS_INT_H\n#define CU_ROWS_INT_H\n#endif\n",
    "rows/sum.h": HEADER,
    "rows/sum.c": SOURCE,
    "rows/data/odd.csv": "a,b\r\n\t1  \n",
}


def insert(path, line, text):
    """A change: text as a new line number `line` of the file."""
    def change(files):
        lines = files[path].split("\n")
        lines.insert(line - 1, text)
        files[path] = "\n".join(lines)
    return change


def replace(path, old, new):
    def change(files):
        assert old in files[path], f"{path} lacks {old}"
        files[path] = files[path].replace(old, new, 1)
    return change


def add(path, text, *more):
    def change(files):
        files[path] = text
        for p, t in zip(more[::2], more[1::2]):
            files[p] = t
    return change


BODY = "    a++;\n"
LONG = "int cu_sum_of(int a, int b)\n{\n" + BODY * 80 + "    return a;\n}\n"
CALLS = ["cu_sum * p = malloc(1)", "free(text)", "a = time(NULL)",
         "a = rand()", "text = getenv(text)", "printf(text)",
         "strcpy(text, text)", "sprintf(text, text)", "strcat(text, text)",
         "localtime(NULL)", "setjmp(a)", "fopen(text, text)", "exit(1)",
         "assert(a)", "usleep(1)", "signal(1, NULL)", "unlink(text)"]

# (rule, change, path, line)
CASES = [
    ("a folder includes only the floors below it",
     insert("base/word.h", 3, '#include "rows/sum.h"'), "base/word.h", 3),
    ("includes are rooted at the repository",
     insert("rows/sum.c", 4, '#include "sum.h"'), "rows/sum.c", 4),
    ("foreign headers stay behind their door",
     insert("rows/sum.c", 6, "#include <rocksdb/c.h>"), "rows/sum.c", 6),
    ("foreign headers stay behind their door",
     insert("rows/sum.c", 6, "#include <glib.h>"), "rows/sum.c", 6),
    ("a source includes its own header first",
     replace("rows/sum.c", '#include "rows/sum.h"\n\n#include "base/word.h"',
             '#include "base/word.h"\n\n#include "rows/sum.h"'),
     "rows/sum.c", 1),
    ("private headers are included in their own folder",
     add("log/a.h", "#ifndef CU_LOG_A_H\n#define CU_LOG_A_H\n"
         '#include "rows/int.h"\n#endif\n',
         "log/README.md", "# log\n\n- `a.h` - a\n"), "log/a.h", 3),
    ("headers have guards named after their path",
     replace("rows/sum.h", "#ifndef CU_ROWS_SUM_H\n#define CU_ROWS_SUM_H",
             "#ifndef SUM_H\n#define SUM_H"), "rows/sum.h", 2),
    ("headers have guards named after their path",
     replace("rows/int.h", "#ifndef CU_ROWS_INT_H", "#ifndef CU_ROWS_INT"),
     "rows/int.h", 1),
    ("what a file exports carries cu_ and stands in a header",
     replace("rows/sum.c", "static int twice", "int twice"), "rows/sum.c", 7),
    ("what a file exports carries cu_ and stands in a header",
     replace("rows/sum.c", "static int twice(int a)\n{",
             "int cu_lonely(int a)\n{"), "rows/sum.c", 7),
    ("types carry cu_ in headers, and nobody's _t",
     replace("rows/sum.h", "struct cu_sum cu_sum;", "struct cu_sum sum;"),
     "rows/sum.h", 5),
    ("types carry cu_ in headers, and nobody's _t",
     replace("rows/sum.h", "struct cu_sum cu_sum;", "struct cu_sum cu_sum_t;"),
     "rows/sum.h", 5),
    ("the only label is out:",
     replace("rows/sum.c", "goto out;\n    return twice(a) + b;\nout:",
             "goto end;\n    return twice(a) + b;\nend:"), "rows/sum.c", 19),
    ("files fit the limits",
     replace("rows/sum.h", "\n#endif", "\n" * 200 + "#endif"),
     "rows/sum.h", 201),
    ("files fit the limits",
     replace("rows/sum.c", "#include <stddef.h>\n",
             "#include <stddef.h>\n" + "\n/* Far away. */\n" * 400),
     "rows/sum.c", 801),
    ("functions fit a screen",
     add("rows/sum.c", '#include "rows/sum.h"\n\n' + LONG), "rows/sum.c", 3),
    ("lines fit 80 columns",
     insert("rows/sum.h", 8, "/* " + "long " * 20 + "*/"), "rows/sum.h", 8),
    ("texts end with one line break and hold no tabs",
     insert("rows/sum.h", 7, "/*\ttabs */"), "rows/sum.h", 7),
    ("texts end with one line break and hold no tabs",
     insert("STYLE.md", 2, "blanks  "), "STYLE.md", 2),
    ("texts end with one line break and hold no tabs",
     replace("STYLE.md", "# Style\n", "# Style"), "STYLE.md", 1),
    ("nothing is left over",
     insert("rows/sum.h", 7, "/* TODO: check */"), "rows/sum.h", 7),
    ("nothing is left over",
     insert("rows/sum.h", 7, "/* A stub for now. */"), "rows/sum.h", 7),
    ("no paths or hosts of somebody's machine",
     insert("rows/README.md", 2, "See /home/" + "someone/x."),
     "rows/README.md", 2),
    ("no paths or hosts of somebody's machine",
     insert("rows/README.md", 2, "From pypi" + ".org."),
     "rows/README.md", 2),
    ("clang-format agrees",
     replace("rows/sum.c", "return 2 * a;", "return 2*a;"), "rows/sum.c", 9),
    ("every folder has a README that names its files",
     add("rows/more.h", "#ifndef CU_ROWS_MORE_H\n#define CU_ROWS_MORE_H\n"
         "#endif\n"), "rows/README.md", 1),
    ("every folder has a README that names its files",
     add("tools/x.txt", "x\n"), "tools/README.md", 1),
    ("README lines name files that exist",
     insert("rows/README.md", 5, "- `gone.c` - away"), "rows/README.md", 5),
    ("links between pages lead somewhere",
     insert("rows/README.md", 2, "[there](../docs/none.md)"),
     "rows/README.md", 2),
] + [("banned calls stay behind their door",
      insert("rows/sum.c", 17, "    " + call + ";"), "rows/sum.c", 17)
     for call in CALLS]


def findings(files, builds=()):
    """{rule: findings} of a tree with these files."""
    root = tempfile.mkdtemp()
    try:
        for path, text in files.items():
            os.makedirs(os.path.dirname(f"{root}/{path}"), exist_ok=True)
            with open(f"{root}/{path}", "w", encoding="utf-8",
                      newline="") as f:
                f.write(text)
        shutil.copy(".clang-format", root)
        tree = tidy.Tree(root, builds)
        found = {}
        for name, function in tidy.RULES:
            try:
                found[name] = list(function(tree))
            except tidy.Skip:
                found[name] = None
        return found
    finally:
        shutil.rmtree(root)


def compiled(source, flags, name):
    """A build folder with one file made from C, or None without a compiler."""
    if not shutil.which("cc") or not shutil.which("ar"):
        return None
    folder = tempfile.mkdtemp()
    with open(f"{folder}/a.c", "w", encoding="utf-8") as f:
        f.write(source)
    target = f"{folder}/{name}"
    made = f"{folder}/a.o" if name.endswith(".a") else target
    subprocess.run(["cc", *flags, f"{folder}/a.c", "-o", made], check=True)
    if made != target:
        subprocess.run(["ar", "rcs", target, made], check=True)
    return folder


BUILDS = [
    ("libraries define only cu_ symbols", "int cu_a; int palloc0;",
     ["-c"], "libcu_a.a"),
    ("the binary exports nothing of PostgreSQL's",
     "int palloc(void) { return 1; } int main(void) { return 0; }",
     ["-rdynamic"], "cupel"),
]


def build_cases():
    for name, source, flags, target in BUILDS:
        folder = compiled(source, flags, target)
        if folder is None:
            continue
        found = findings(GOOD, [folder])[name]
        shutil.rmtree(folder)
        yield name, found is not None and len(found) == 1, found


def main():
    os.chdir(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
    passed = failed = 0

    def say(good, what, more=""):
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(f"not ok - selftest: {what} {more}")

    clean = findings(GOOD)
    for name, found in clean.items():
        if found:
            say(False, f"the good tree breaks \"{name}\":", found)
    for name, change, path, line in CASES:
        files = dict(GOOD)
        change(files)
        found = findings(files)
        mine = found.pop(name)
        if mine is None:
            continue
        hit = [f for f in mine if (f.path, f.line) == (path, line)]
        say(bool(hit), f'"{name}" must speak of {path}:{line}, said', mine)
    for name, good, found in build_cases():
        say(good, f'"{name}" must find one symbol, found', found)
    covered = {c[0] for c in CASES} | {b[0] for b in BUILDS}
    for name, _ in tidy.RULES:
        if name not in covered:
            say(False, f'"{name}" has no case')
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
