#!/bin/bash
# Runs the programs for the thread sanitizer.
#
#   run.sh RELEASE_DIR DEBUG_DIR
#
# Builds them in DEBUG_DIR/tsan.  Without a compiler that has the sanitizer
# the suite is skipped: 77.
set -u
[ $# -eq 2 ] || {
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$2/tsan
mkdir -p "$build"
build=$(cd "$build" && pwd)
export TSAN_OPTIONS="suppressions=$root/tests/tsan/suppressions.txt exitcode=66 print_suppressions=0 second_deadlock_stack=1"

echo 'int main(void) { return 0; }' >"$build/probe.c"
if ! ${CC:-cc} -fsanitize=thread "$build/probe.c" -o "$build/probe" \
    2>"$build/probe.log"; then
    echo "SKIPPED: this compiler has no thread sanitizer (Debian: libtsan2)." \
        "NO RACES WERE LOOKED FOR." >&2
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
fi
# Kernels that spread addresses wider than the sanitizer's map expects.
run=()
if ! "$build/probe" >/dev/null 2>&1; then
    run=(setarch -R)
    "${run[@]}" "$build/probe" || {
        echo "SKIPPED: the thread sanitizer does not run on this kernel." >&2
        echo "0 passed, 0 failed, 1 skipped"
        exit 77
    }
fi

cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Debug -DCUPEL_TESTS=ON \
    -DCUPEL_SANITIZE=thread >"$build/cmake.log" 2>&1 &&
    cmake --build "$build" -j "${JOBS:-2}" --target tsan \
        >"$build/build.log" 2>&1 || {
    grep -hE 'error|Error' "$build/cmake.log" "$build/build.log" | head -20
    echo "0 passed, 1 failed"
    exit 1
}

passed=0 failed=0
try() { # name program [arguments]
    local name=$1 rc=0
    shift
    timeout 400 ${run[@]+"${run[@]}"} "$@" >"$build/$name.log" 2>&1 || rc=$?
    if [ $rc = 0 ]; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "not ok $name (exit $rc)"
        head -60 "$build/$name.log"
        failed=$((failed + 1))
    fi
}

try local_log "$build/tests/tsan/tsan_local_log"
try engine_memory "$build/tests/tsan/tsan_engine"
try engine_rocks "$build/tests/tsan/tsan_engine" rocks
echo "$passed passed, $failed failed"
[ $failed = 0 ]
