#!/bin/bash
# Runs a test program against a broker of its own.
#
#   run.sh VERSION PORT PROGRAM [arguments]
#
# The program finds CUPEL_TEST_BROKERS (HOST:PORT) and, for tests that put
# themselves between client and broker, CUPEL_TEST_BEHIND_PROXY: PORT+2 is a
# second listener that tells clients to come through PORT+3.  The command in
# CUPEL_TEST_CRASH_BROKER kills the broker and starts it again; where that may
# lose track of a transaction (KAFKA-20734), CUPEL_TEST_BROKER_FORGETS is set.
#
# Exit code: the program's, or 77 when this machine cannot run a broker.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 3 ] || {
    sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
version=$1 port=$2
shift 2
export CUPEL_KAFKA_JARS=${CUPEL_KAFKA_JARS:-${CUPEL_KAFKA_DEFAULT_JARS:-$here/../../build/kafka}}
data=$(mktemp -d -t cupel-kafka-XXXXXX)
trap '"$here/broker.sh" wipe "$data"' EXIT
trap 'exit 130' INT TERM

direct=127.0.0.1:$port
behind=127.0.0.1:$((port + 2))
proxy=127.0.0.1:$((port + 3))
control=127.0.0.1:$((port + 1))
"$here/broker.sh" start "$version" "$port" "$data" \
    "listeners=PLAINTEXT://$direct,PROXIED://$behind,CONTROLLER://$control" \
    "advertised.listeners=PLAINTEXT://$direct,PROXIED://$proxy" \
    "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT"

export CUPEL_TEST_BROKERS=$direct
export CUPEL_TEST_BEHIND_PROXY="$behind $proxy"
export CUPEL_TEST_CRASH_BROKER="$here/broker.sh kill $data && $here/broker.sh again $data"
case $version in 4.[123].*) export CUPEL_TEST_BROKER_FORGETS=1 ;; esac
status=0
"$@" || status=$?
[ $status -eq 0 ] || {
    echo "run.sh: what the broker said last:" >&2
    tail -20 "$data/out" >&2
}
exit $status
