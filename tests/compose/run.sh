#!/bin/bash
# docker-compose.yml, run for real: as many checks as a cluster deserves.
#
#   run.sh setup     a container engine from Debian's packages, of its own
#   run.sh images    the images that the file names, made here
#   run.sh test      up, scale, kill, stop, down
#   run.sh clean     stops the engine, takes back what it changed
#   run.sh all       all four (the default); clean even when something failed
#
# CUPEL_COMPOSE_WORK  where all of it lies (build/compose); kept between runs it
#                     saves most of the time.  About 2 GB.
# CUPEL_KAFKA_JARS    the jars of the broker (build/kafka)
#
# Root is needed, for the engine.  The last line is "N passed, N failed"; exit 77:
# it cannot run here, and the line above says why.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root_dir=$(cd "$here/../.." && pwd)
work=${CUPEL_COMPOSE_WORK:-$root_dir/build/compose}
mkdir -p "$work" && work=$(cd "$work" && pwd) || exit 1
export CUPEL_KAFKA_JARS=${CUPEL_KAFKA_JARS:-$root_dir/build/kafka}
base=debian:bookworm-slim
compose=$root_dir/docker-compose.yml
postgres=$(sed -n 's/^ *image: \(postgres:.*\)/\1/p' "$compose")
kafka_version=$(sed -n 's/^ *image: apache\/kafka:\(.*\)/\1/p' "$compose")

say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }
# shellcheck source=tests/compose/engine.sh
. "$here/engine.sh"
# shellcheck source=tests/compose/checks.sh
. "$here/checks.sh"

skip() {
    echo "SKIPPED: $*. THE LOCAL CLUSTER WAS NOT RUN."
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
}

possible() {
    local why
    why=$(cannot)
    [ -z "$why" ] || skip "$why"
}

setup() {
    possible
    install_packages >"$work/setup.log" 2>&1 && unpack_engine &&
        start_engine || {
        tail -3 "$work/setup.log" "$work/dockerd.log" 2>/dev/null
        stop_engine
        skip "no container engine starts here"
    }
    say "engine $(docker version --format '{{.Server.Version}}')," \
        "compose $(docker compose version --short)"
}

images() {
    kafka_jars >"$work/jars.log" 2>&1 || skip "$(tail -1 "$work/jars.log")"
    base_image && kafka_image && postgres_image && own_images
}

own_images() {
    say "making cupel:local and cupel-openlibrary:local"
    dc build -q collector openlibrary >"$work/build.log" 2>&1 || {
        tail -30 "$work/build.log"
        return 1
    }
    say "images are there"
}

broken() { # what
    echo "not ok $1"
    echo "0 passed, 1 failed"
    exit 1
}

clean() {
    engine_runs && down >/dev/null 2>&1
    stop_engine
}

case ${1:-all} in
setup) setup ;;
images) images || broken "the images can be made" ;;
test) run_checks ;;
clean) clean ;;
all)
    trap clean EXIT
    trap 'exit 130' INT TERM
    setup
    images || broken "the images can be made"
    run_checks
    ;;
*)
    sed -n '2,18s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
