#!/bin/bash
# What README.md and docs/ say, tried: run.sh RELEASE_DIR DEBUG_DIR
#
# Commands and SQL of the pages run against RELEASE_DIR/cupel; the page of
# functions is compared with what DEBUG_DIR/tests/docs/functions prints.
set -u
release=$(cd "$1" && pwd) debug=$(cd "$2" && pwd) || exit 1
cd "$(dirname "$0")/../.." || exit 1
[ -x "$release/cupel" ] || {
    echo "not ok - $1/cupel is not built (make build)"
    echo "0 passed, 1 failed"
    exit 1
}
functions=$debug/tests/docs/functions
[ -x "$functions" ] || functions=
export PYTHONDONTWRITEBYTECODE=1
exec python3 tests/docs/docs.py "$release/cupel" ${functions:+"$functions"}
