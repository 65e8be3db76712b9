#!/bin/bash
# Builds one target and shows how far it is: one line, redrawn on a terminal.
#
#   build.sh DIR JOBS TARGET
#
# What the compiler says stands in DIR/build.log; errors are shown.
set -u
dir=$1 jobs=$2 target=$3
log=$dir/build.log
unset MAKEFLAGS MFLAGS MAKELEVEL

show() {
    local last=-1 line percent
    while IFS= read -r line; do
        [[ $line =~ ^\[\ *([0-9]+)%\] ]] || continue
        percent=${BASH_REMATCH[1]}
        if [ -t 2 ]; then
            printf '\rbuilding %s: %3d %%' "$target" "$percent" >&2
        elif [ $((percent / 20)) != $((last / 20)) ]; then
            printf 'building %s: %d %%\n' "$target" "$percent" >&2
        fi
        last=$percent
    done
    [ ! -t 2 ] || printf '\r%60s\r' '' >&2
}

cmake --build "$dir" -j "$jobs" --target "$target" 2>&1 | tee "$log" | show
status=${PIPESTATUS[0]}
[ "$status" = 0 ] || {
    grep -E 'error|Error|undefined' -A 3 "$log" | head -40 >&2
    echo "the build failed; all of it is in $log" >&2
}
exit "$status"
