#!/bin/bash
# One Apache Kafka broker (KRaft, one node) for tests, from its published
# jars.  No root, no container; it listens on loopback only.
#
#   broker.sh start VERSION PORT DATA [key=value ...]
#                        fetch the jars once, format once, start, wait
#   broker.sh again DATA start it once more as it was
#   broker.sh stop DATA  SIGTERM and wait: a clean shutdown
#   broker.sh kill DATA  SIGKILL: a crash
#   broker.sh wipe DATA  kill, then delete the data
#
# PORT is what clients use, PORT+1 is the controller's.  key=value lines go
# to the end of server.properties and win.  All that it knows about a broker
# is in DATA: pid, port, version,
# server.properties, out (what the broker said).
#
# CUPEL_KAFKA_JARS        where jars are kept (build/kafka beside the tree)
# CUPEL_KAFKA_HEAP        Java heap, 512m
# CUPEL_KAFKA_ADVERTISED  host:port that clients are told, for a proxy
# CUPEL_KAFKA_SCRAM       a SCRAM user, as kafka-storage.sh --add-scram wants it
#
# Exit codes: 0 done, 1 it failed, 2 wrong usage, 77 this machine lacks
# what it takes (the message says what); ctest counts 77 as skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
jars=${CUPEL_KAFKA_JARS:-$here/../../build/kafka}
patience=180 # seconds; a busy machine takes long to start Java
cluster_id=Y3VwZWwtdGVzdC1jbHVzdA # 16 bytes in base64url, any will do

say() { echo "broker.sh: $*" >&2; }
die() {
    say "$*"
    exit 1
}

skip() {
    say "SKIPPED: $*"
    exit 77
}

need_java() {
    command -v java >/dev/null ||
        skip "java is not installed; a real broker needs Java 17" \
            "(Debian: openjdk-17-jre-headless)"
    local major
    major=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
    [ "${major:-0}" -ge 17 ] ||
        skip "java is version ${major:-unknown}, a broker needs 17 or later"
}

# Sets `lib`; the stamp is written last, so that a cut download starts again.
fetch_jars() { # version
    lib=$jars/$1
    [ ! -e "$lib/.complete" ] || return 0
    command -v mvn >/dev/null ||
        skip "the jars of Kafka $1 are not in $lib and mvn is not installed" \
            "to fetch them (Debian: maven)"
    say "fetching the jars of Kafka $1 into $lib"
    rm -rf "$lib"
    mkdir -p "$lib"
    mvn -q -B -f "$here/pom.xml" -Dkafka.version="$1" \
        dependency:copy-dependencies -DoutputDirectory="$lib" >&2 ||
        skip "Maven cannot fetch Kafka $1 (is there a network?)"
    touch "$lib/.complete"
}

write_properties() { # version port data
    cat <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($2 + 1))
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$(($2 + 1))
advertised.listeners=PLAINTEXT://${CUPEL_KAFKA_ADVERTISED:-127.0.0.1:$2}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$3/log
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
socket.request.max.bytes=104857600
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.threads=1
num.network.threads=2
num.io.threads=4
background.threads=2
P
    # Without heartbeats for so long a broker is fenced and its partitions have
    # no leader: a machine that stands still does that.  A crashed broker may
    # only start again when its old session is over; who crashes none can say
    # more.
    echo broker.session.timeout.ms=9000
    echo broker.heartbeat.interval.ms=500
    case $1 in
    4.*)
        echo share.coordinator.state.topic.replication.factor=1
        echo share.coordinator.state.topic.min.isr=1
        echo share.coordinator.state.topic.num.partitions=1
        ;;
    esac
}

jvm() { # main class and arguments
    exec java -Xms128m -Xmx"${CUPEL_KAFKA_HEAP:-512m}" -XX:+UseSerialGC \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
        -Dorg.slf4j.simpleLogger.showDateTime=true \
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS" \
        -cp "$lib/*" "$@"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# True while somebody listens there: a process that ends has no command line
# any more before its sockets are closed.
holds() { answers "$1" || answers $(($1 + 1)); }

# True when the process of DATA/pid lives and is ours: pids are used again.
alive() { # data
    local pid
    [ -s "$1/pid" ] || return 1
    pid=$(cat "$1/pid")
    kill -0 "$pid" 2>/dev/null &&
        tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null |
        grep -qF "$1/server.properties"
}

format_once() { # data
    [ ! -e "$1/log/meta.properties" ] || return 0
    (jvm kafka.tools.StorageTool format -t "$cluster_id" \
        -c "$1/server.properties" \
        ${CUPEL_KAFKA_SCRAM:+--add-scram "$CUPEL_KAFKA_SCRAM"}) \
        >"$1/format.out" 2>&1 || {
        cat "$1/format.out" >&2
        die "the storage tool cannot format $1/log"
    }
}

wait_for() { # port data
    local deadline=$((SECONDS + patience))
    until answers "$1"; do
        alive "$2" || {
            tail -20 "$2/out" >&2
            die "the broker ended; the rest of its output is in $2/out"
        }
        [ $SECONDS -lt $deadline ] || die "no answer on port $1 after $patience s"
        sleep 0.1
    done
}

launch() { # data
    (jvm kafka.Kafka "$1/server.properties") </dev/null >>"$1/out" 2>&1 &
    echo $! >"$1/pid"
    # Until the child has become java its command line is this script's.
    until alive "$1" || ! jobs -pr | grep -qx "$(cat "$1/pid")"; do
        sleep 0.1
    done
    wait_for "$(cat "$1/port")" "$1"
}

start() { # version port data key=value...
    [ $# -ge 3 ] || usage
    local version=$1 port=$2 data
    mkdir -p "$3"
    data=$(cd "$3" && pwd)
    shift 3
    alive "$data" && die "a broker already runs there, pid $(cat "$data/pid")"
    need_java
    fetch_jars "$version"
    answers "$port" && die "port $port is taken; choose another one"
    {
        write_properties "$version" "$port" "$data"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$data/server.properties"
    echo "$version" >"$data/version"
    echo "$port" >"$data/port"
    format_once "$data"
    launch "$data"
}

again() { # data
    [ -s "$1/version" ] || die "no broker was ever started in $1"
    local data
    data=$(cd "$1" && pwd)
    alive "$data" && die "it runs, pid $(cat "$data/pid")"
    need_java
    fetch_jars "$(cat "$data/version")"
    launch "$data"
}

end() { # signal data
    [ -d "$2" ] || return 0
    local data deadline=$((SECONDS + patience))
    data=$(cd "$2" && pwd)
    if alive "$data"; then
        kill -"$1" "$(cat "$data/pid")"
        while alive "$data" || holds "$(cat "$data/port")"; do
            [ $SECONDS -lt $deadline ] ||
                die "pid $(cat "$data/pid") does not end within $patience s"
            sleep 0.1
        done
    fi
    rm -f "$data/pid"
}

usage() {
    sed -n '2,23s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
verb=$1
shift
case $verb in
start) start "$@" ;;
again) again "$1" ;;
stop) end TERM "$1" ;;
kill) end KILL "$1" ;;
wipe)
    end KILL "$1"
    rm -rf "$1"
    ;;
*) usage ;;
esac
