#!/bin/bash
# make test: builds, runs every suite, adds up.
#
#   test.sh RELEASE_DIR DEBUG_DIR
#
# Each suite prints its own failures; the last line is "N passed, N failed".
# What cannot run here (no Java, no PostgreSQL, no shared data) is skipped
# loudly and counted as skipped.
set -u
cd "$(dirname "$0")/../.."
release=$1 debug=$2
jobs=${JOBS:-2}
out=$debug/results
seed=${SEED:-}
[ "$seed" != random ] || seed=$(od -An -N4 -tu4 /dev/urandom | tr -d " ")
seed=${seed:-20261121}
export SEED=$seed CUPEL_SEED=$seed
passed=0 failed=0 skipped=0
failures="" unsteady=""

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

build() { # what dir flags…
    local what=$1 dir=$2
    shift 2
    say "building $what"
    cmake -S . -B "$dir" "$@" >"$dir/cmake.log" 2>&1 &&
        cmake --build "$dir" -j "$jobs" >"$dir/build.log" 2>&1 && return
    grep -E 'error|Error' "$dir/cmake.log" "$dir/build.log" | head -40
    echo "0 passed, 1 failed"
    exit 1
}

# Takes the last "N passed, N failed[, N skipped]" of a suite's output, or
# Criterion's synthesis line.
count() { # name exit-code file
    local name=$1 rc=$2 file=$3 p=0 f=0 s=0 line
    line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$file" | tail -1)
    if [ -n "$line" ]; then
        read -r p f s < <(echo "$line, 0 skipped" |
            sed -E 's/^([0-9]+) [a-z]+, ([0-9]+) [a-z]+,? ?([0-9]*).*/\1 \2 \3/')
    else
        line=$(grep -a 'Synthesis: Tested' "$file" | tail -1 |
            sed 's/\x1b\[[0-9;]*m//g')
        p=$(echo "$line" | sed -E 's/.*Passing: ([0-9]+).*/\1/')
        f=$(echo "$line" | sed -E 's/.*Failing: ([0-9]+).*/\1/')
    fi
    p=${p:-0} f=${f:-0} s=${s:-0}
    case "$p$f$s" in *[!0-9]*) p=0 f=1 s=0 ;; esac
    # Criterion passes a test whose process leaked: the report decides.
    if grep -aqE '(Leak|Address|Thread)Sanitizer|runtime error:' "$file"; then
        f=$((f + 1))
    fi
    if [ "$rc" = 77 ]; then
        s=$((s + 1))
    elif [ "$rc" != 0 ] && [ "$f" = 0 ]; then
        f=1
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    say "$name: $p passed, $f failed, $s skipped"
    if [ "$f" != 0 ]; then
        failures="$failures $name"
        # What failed, and the indented lines that tell why.
        awk '/not ok/ { told = 1; print; next }
            told && /^ / { print; next }
            { told = 0 }
            /FAIL|\[----\]|ERROR: |runtime error|SUMMARY|seed/' "$file" |
            head -60
        echo "    (all of it: $file)"
    elif [ "$s" != 0 ]; then
        grep -aiE 'skip' "$file" | head -5
    fi
}

suite() { # name command…
    local name=$1
    shift
    timeout 900 "$@" >"$out/$name.log" 2>&1
    count "$name" $? "$out/$name.log"
}

# A suite with a real broker: a machine that stalls for seconds can break one.
# What failed is told, kept, and run once more; that run counts.  Reports of
# sanitizers and wrong results of the chaos runs are never tried again.
broker_suite() { # name command…
    local name=$1 first=$out/$1.first.log rc=0
    shift
    timeout 900 "$@" >"$first" 2>&1 || rc=$?
    if [ $rc != 0 ] && [ $rc != 77 ] && ! grep -aqE \
        'Sanitizer|runtime error:|what consumers read is wrong' "$first"; then
        unsteady="$unsteady $name"
        say "$name: UNSTEADY, tried once more; the first run said:"
        grep -aE -A3 'not ok|FAIL' "$first" | head -20
        echo "    (all of it: $first)"
        suite "$name" "$@"
        return
    fi
    mv "$first" "$out/$name.log"
    count "$name" $rc "$out/$name.log"
}

mkdir -p "$release" "$debug" "$out"
say "seed $seed (make test SEED=$seed replays the random suites)"
build "the release binary" "$release" -DCMAKE_BUILD_TYPE=Release
build "the tests, with ASan and UBSan" "$debug" -DCMAKE_BUILD_TYPE=Debug \
    -DCUPEL_TESTS=ON -DCUPEL_SANITIZE=address,undefined

export CUPEL_SHARED_DATA=${CUPEL_SHARED_DATA:-$PWD/../shared/data}
export CUPEL_RELEASE=$PWD/$release/cupel CUPEL_DEBUG=$PWD/$debug/cupel
suite tidy tests/tidy/tidy.sh
for program in "$debug"/tests/unit_*; do
    [ -x "$program" ] && suite "$(basename "$program")" "$program"
done
suite simulation "$debug/tests/simulation/simulation" 150
suite cluster "$debug/tests/simulation/simulation" --cluster 30
suite sabotage "$debug/tests/simulation/simulation" --sabotage
for version in 3.9.2 4.3.1; do
    broker_suite "kafka_$version" tests/kafka/run.sh "$version" 19592 \
        "$debug/tests/kafka/kafka_conformance"
done
for script in tests/oracle/run.sh tests/tsan/run.sh tests/fuzz/run.sh \
    tests/docs/run.sh tests/compose/config.sh tests/torture/run.sh \
    tests/e2e/*.sh; do
    [ -x "$script" ] && [ "$(basename "$script")" != lib.sh ] || continue
    folder=$(basename "$(dirname "$script")")
    case $folder in
    e2e | torture) run=broker_suite ;;
    *) run=suite ;;
    esac
    $run "${folder}_$(basename "$script" .sh)" "$script" "$release" "$debug"
done

[ -z "$unsteady" ] || say "passed only when tried again, or not then:$unsteady"
[ -z "$failures" ] || say "failed:$failures"
if [ "$skipped" = 0 ]; then
    echo "$passed passed, $failed failed"
else
    echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
