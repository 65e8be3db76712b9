#!/bin/bash
# make fuzz: everything that reads untrusted bytes, under libFuzzer.
#
#   fuzz.sh [BUILD_DIR [NAME …]]
#
# Builds tests/fuzz with clang in BUILD_DIR (build/fuzz) and runs each program,
# or those named, for FUZZ_SECONDS (60).  What they find that is new stays in
# BUILD_DIR/corpus and is where the next run goes on; tests/fuzz/corpus is what
# the first one starts from.  An input that crashes is written to BUILD_DIR and
# named.
#
# The last line is "N passed, N failed".  Exit 77: clang is missing.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
build=${1:-build/fuzz}
[ $# -eq 0 ] || shift
seconds=${FUZZ_SECONDS:-60}
kept=tests/fuzz/corpus

mkdir -p "$build"
build=$(cd "$build" && pwd)
probe() {
    echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && 0 * n; }' \
        >"$build/probe.c"
    clang -fsanitize=fuzzer,address "$build/probe.c" -o "$build/probe" \
        >"$build/probe.log" 2>&1
}
if ! probe; then
    echo "SKIPPED: no clang with libFuzzer (Debian: clang)." \
        "NOTHING WAS FUZZED." >&2
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
fi

cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang \
    -DCMAKE_CXX_COMPILER=clang++ -DCUPEL_TESTS=ON >"$build/cmake.log" 2>&1 &&
    cmake --build "$build" -j "${JOBS:-2}" --target fuzz \
        >"$build/build.log" 2>&1 || {
    grep -hE 'error|Error' "$build/cmake.log" "$build/build.log" | head -20
    echo "0 passed, 1 failed"
    exit 1
}

names=("$@")
[ $# -gt 0 ] || names=($(cd tests/fuzz && ls fuzz_*.c | sed 's/\.c$//'))
passed=0 failed=0
for name in "${names[@]}"; do
    program=$build/tests/fuzz/$name
    mine=$build/corpus/$name
    theirs=$kept/$name
    mkdir -p "$mine"
    [ -d "$theirs" ] || theirs=
    rc=0
    "$program" -max_total_time="$seconds" -max_len=4096 -timeout=60 \
        -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$build/$name-" "$mine" $theirs \
        >"$build/$name.log" 2>&1 || rc=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
    if [ $rc = 0 ]; then
        echo "ok $name: ${runs:-?} inputs in $seconds s"
        passed=$((passed + 1))
    else
        echo "not ok $name"
        grep -aE 'ERROR|SUMMARY|assert|Test unit|#[0-9]+ 0x' \
            "$build/$name.log" | head -30
        echo "    (all of it: $build/$name.log)"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
