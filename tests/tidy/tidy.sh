#!/bin/bash
# The style rules that a program can check, and the check of the checks.
#
#   tidy.sh [BUILD_DIR…]     default: build and build/test where they exist
#
# The last line is "N passed, N failed[, N skipped]", counted in rules.
set -u
cd "$(dirname "$0")/../.."
builds=("$@")
if [ ${#builds[@]} = 0 ]; then
    for dir in build build/test; do
        [ -d "$dir" ] && builds+=("$dir")
    done
fi
export PYTHONDONTWRITEBYTECODE=1
self=$(python3 tests/tidy/selftest.py) && self_rc=0 || self_rc=1
echo "$self"
tree=$(python3 tests/tidy/tidy.py . ${builds[@]+"${builds[@]}"}) && tree_rc=0 ||
    tree_rc=1
echo "$tree" | sed '$d'

# The last lines of both, added.
printf '%s\n%s\n' "$(echo "$self" | tail -1)" "$(echo "$tree" | tail -1)" |
    awk '{ p += $1; f += $3; s += $5 }
        END { printf "%d passed, %d failed", p, f
              if (s) printf ", %d skipped", s
              print "" }'
[ $self_rc = 0 ] && [ $tree_rc = 0 ]
