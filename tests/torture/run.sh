#!/bin/bash
# Chaos on a real broker.
#
#   run.sh RELEASE_DIR DEBUG_DIR          the short form, of `make test`
#   run.sh RELEASE_DIR DEBUG_DIR long     all of it, of `make torture`
#
#   SEED=n repeats the random moments; KEEP=1 leaves the folder of what failed
#   ROWS=n (1000000) is how many input rows the long form takes at least
#
# Faults hit the release binary: the one with ASan is too slow to be hit where
# it matters.  Sabotages need the switches of a test build.
set -u
[ $# -ge 2 ] || {
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
release=$(cd "$1" && pwd) debug=$(cd "$2" && pwd)
form=${3:-short}
export CUPEL_KAFKA_JARS=${CUPEL_KAFKA_JARS:-$release/kafka}
unset CUPEL_APP CUPEL_BROKERS CUPEL_INSTANCE CUPEL_STATE CUPEL_WORKERS
passed=0 failed=0
said=$(mktemp -t cupel-torture-XXXXXX)
trap 'rm -f "$said"' EXIT

part() { # title argument…
    echo "== $1"
    shift
    python3 "$here/torture.py" ${KEEP:+--keep} "$@" | tee "$said"
    local code=${PIPESTATUS[0]} p f
    if [ "$code" = 77 ]; then
        echo "0 passed, 0 failed, 1 skipped"
        exit 77
    fi
    read -r p f < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' \
        "$said" | tail -1)
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1}))
}

if [ "$form" = long ]; then
    for version in 3.9.2 4.3.1; do
        part "Kafka $version" --cupel "$release/cupel" --kafka $version \
            --long "${ROWS:-1000000}"
        part "sabotages on Kafka $version" --test-cupel "$debug/cupel" \
            --kafka $version --sabotage all
    done
else
    part "the scenarios that matter most" --short --jobs 3 \
        --cupel "$release/cupel" --test-cupel "$debug/cupel" \
        --sabotage restore-to-lso
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
