# Sourced by the scripts of this folder: `. "$(dirname "$0")/lib.sh"`.
#
# Sets root, release, debug (absolute), cupel (the binary with ASan), work (a
# folder of this script's own, gone at the end) and reports (the five names);
# ends, with the script, every process that `mine` was told of.  With KEEP=1
# the folder of a script that failed stays.
# shellcheck shell=bash

set -u
[ $# -ge 2 ] || {
    echo "usage: $(basename "$0") RELEASE_DIR DEBUG_DIR" >&2
    exit 2
}
unset CUPEL_APP CUPEL_BROKERS CUPEL_INSTANCE CUPEL_STATE CUPEL_WORKERS
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
release=$(cd "$1" && pwd)
debug=$(cd "$2" && pwd)
here=$root/tests/e2e
cupel=$debug/cupel
work=$(mktemp -d -t cupel-e2e-XXXXXX)
reports="authors_and_titles books_by_year avg_books_by_year
    fantasy_author_books fantasy_books_per_year"
passed=0 failed=0 skipped=0
owned=()
at_end=() # commands

for binary in "$release/cupel" "$cupel"; do
    [ -x "$binary" ] || {
        echo "not ok there is no $binary; make test builds it"
        echo "0 passed, 1 failed"
        exit 1
    }
done

mine() { owned+=("$1"); }

# The pid of a process that has ended may be somebody else's by now: only a
# job of this shell that still runs is ever signalled.
hit() { # signal pid
    jobs -pr | grep -qx "$2" || return
    [ "$1" = KILL ] || wait_for catches "$2"
    kill "-$1" "$2" 2>/dev/null
}

# Waits until a command succeeds, two minutes at most: nothing that a script of
# this folder waits for may depend on how busy the machine is.
wait_for() { # command…
    local deadline=$((SECONDS + 120))
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.05
    done
}

# True when a cupel that was just started catches SIGTERM and SIGINT (0x4002 of
# its mask): before that, it dies of one like any program, or ignores it.
catches() { # pid
    case $(readlink "/proc/$1/exe") in
    */bash) return 1 ;; # not yet what it is to be
    */cupel) grep -q '^SigCgt:.*[4-7c-f]..[2367abef]$' "/proc/$1/status" ;;
    esac
}

end() { # pid
    hit TERM "$1"
    wait "$1" 2>/dev/null
}

# Waits, minutes at most; false unless it ended with 0.
ended() { # pid file…: what it said
    timeout 240 tail --pid="$1" -s 0.05 -f /dev/null || {
        echo "it does not end"
        hit KILL "$1"
    }
    wait "$1" && return
    echo "it ended with $?"
    tail -n 5 "${@:2}"
    return 1
}

# Kills a process that has no reason to have ended by itself.
kill_it() { # pid file…: what it said
    hit KILL "$1" || {
        echo "it had ended before it was killed"
        tail -n 5 "${@:2}"
        return 1
    }
    wait "$1" 2>/dev/null
    return 0
}

leave() {
    local pid command
    for pid in "${owned[@]}"; do
        hit KILL "$pid" && wait "$pid" 2>/dev/null
    done
    for command in "${at_end[@]}"; do
        $command
    done
    if [ "$failed" != 0 ] && [ -n "${KEEP:-}" ]; then
        echo "kept: $work"
        return
    fi
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM

ok() {
    echo "ok $*"
    passed=$((passed + 1))
}

not_ok() { # name [file…]: the last lines of the files tell why
    echo "not ok $1"
    failed=$((failed + 1))
    local file
    for file in "${@:2}"; do
        [ ! -s "$file" ] || tail -15 "$file" | sed 's/^/    /'
    done
}

skip() {
    echo "SKIPPED: $*"
    skipped=$((skipped + 1))
}

# Runs a command; its output is shown when it fails.
check() { # name command…
    local name=$1
    shift
    if "$@" >"$work/check.out" 2>&1; then
        ok "$name"
    else
        not_ok "$name" "$work/check.out"
    fi
}

finish() {
    if [ "$skipped" = 0 ]; then
        echo "$passed passed, $failed failed"
    else
        echo "$passed passed, $failed failed, $skipped skipped"
    fi
    [ "$failed" = 0 ]
    exit
}

# Sets server (pid) and url.
serve() { # arguments of tests/openlibrary/server.py
    local said=$work/server.$RANDOM
    python3 "$root/tests/openlibrary/server.py" --port 0 "$@" \
        >"$said" 2>"$said.err" &
    server=$!
    mine $server
    wait_for [ -s "$said" ] || {
        not_ok "the loopback server starts" "$said.err"
        finish
    }
    url=http://127.0.0.1:$(head -1 "$said")
}

# A broker of this script's own; sets brokers, and port unless it is set.  False
# when there is none, which is told: skipped, or failed.
start_broker() { # line of server.properties…
    export CUPEL_KAFKA_JARS=${CUPEL_KAFKA_JARS:-$release/kafka}
    local said=$work/broker.said
    port=${port:-$(python3 "$here/ports.py" 2)}
    brokers=127.0.0.1:$port
    at_end+=("$root/tests/kafka/broker.sh wipe $work/broker")
    "$root/tests/kafka/broker.sh" start 3.9.2 "$port" "$work/broker" \
        broker.session.timeout.ms=120000 "$@" >"$said" 2>&1
    case $? in
    0) return ;;
    77) skip "$(tail -1 "$said")" ;;
    *) not_ok "a broker starts" "$said" ;;
    esac
    return 1
}

# A folder with the shipped pipeline, so that reports and state are its own.
pipeline() { # folder
    mkdir -p "$1/open-library"
    cp "$root/pipelines/open-library/pipeline.sql" "$1/open-library/"
}

# Sets args: what the shipped pipeline needs to run against `url`.
arguments() { # folder
    args=("$1/open-library" --state "$1/state" --set "openlibrary_url=$url"
        --set allow_private=true --set rate_limit=1000/s
        --set 'timeout=5 seconds' --set 'backoff=10ms')
}

# One drained run; what it says goes to FOLDER/said.
drain() { # folder [option…]
    local folder=$1
    shift
    arguments "$folder"
    timeout 240 "$cupel" run "${args[@]}" --drain "$@" >"$folder/out" \
        2>"$folder/said"
}

# A topic of the embedded log, as JSON lines; drops nothing, waits for nothing.
topic() { # folder topic
    "$cupel" tail "$2" --state "$1/state" --from-beginning --until-end \
        -o jsonl 2>"$1/tail.said"
}

# All five reports, byte for byte.
reports_equal() { # want-folder folder
    local name bad=0
    for name in $reports; do
        diff "$1/$name.csv" "$2/open-library/reports/$name.csv" || {
            echo "$name differs"
            bad=1
        }
    done
    return $bad
}

# A cell of a table that cupel printed: column NAME of the row of ROW.
cell() { # file table-name row column
    awk -v table="$2" -v row="$3" -v col="$4" '
        $1 == table { for (i = 1; i <= NF; i++) at[$i] = i; on = 1; next }
        on && $1 == row { print $(at[col]); exit }' "$1"
}
