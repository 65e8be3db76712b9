#!/bin/bash
# The fuzz programs for a moment, as a part of `make test`.
#
#   run.sh RELEASE_DIR DEBUG_DIR
#
# Builds them in DEBUG_DIR/fuzz and runs each for FUZZ_SECONDS (5).  Without
# clang the suite is skipped: 77.
set -u
[ $# -eq 2 ] || {
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
export FUZZ_SECONDS=${FUZZ_SECONDS:-5}
exec "$(dirname "$0")/../scripts/fuzz.sh" "$2/fuzz"
