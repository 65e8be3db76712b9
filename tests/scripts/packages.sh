#!/bin/bash
# Installs the Debian packages that a verb needs, and only those missing.
#
#   packages.sh build   compiler and libraries
#   packages.sh test    the same, and what the tests run against
#   packages.sh fuzz    the same as build, and clang with its fuzzer
#
# Works as root or with sudo; says what it would need when it has neither.
set -eu

build="gcc g++ make cmake pkg-config ca-certificates python3 tzdata
  librdkafka-dev librocksdb-dev libcurl4-openssl-dev libavro-dev
  libsimdjson-dev libjansson-dev libpg-query-dev libprotobuf-c-dev
  libmicrohttpd-dev libpq-dev libxxhash-dev
  libpcre2-dev liblz4-dev libjemalloc-dev"
test="$build libcriterion-dev kcat postgresql clang-format git curl util-linux"
fuzz="$build clang libclang-rt-dev"

case ${1:-build} in
build) wanted=$build ;;
test) wanted=$test ;;
fuzz) wanted=$fuzz ;;
*) sed -n '2,8p' "$0"; exit 2 ;;
esac

missing=""
for package in $wanted; do
    state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    case $state in *"ok installed") ;; *) missing="$missing $package" ;; esac
done

# A Java for the Kafka broker of the tests: any 17 or newer will do.
if [ "${1:-build}" = test ]; then
    command -v java >/dev/null || missing="$missing openjdk-17-jre-headless"
    command -v mvn >/dev/null || missing="$missing maven"
fi
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
    sudo=sudo
    command -v sudo >/dev/null || {
        echo "packages: neither root nor sudo; please install:$missing" >&2
        exit 1
    }
fi
command -v apt-get >/dev/null || {
    echo "packages: no apt-get here; please install the equivalents of:" \
        "$missing" >&2
    exit 1
}
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends $missing >/dev/null
