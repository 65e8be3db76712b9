#!/bin/bash
# Runs the oracle suite against a PostgreSQL server of its own.
#
#   run.sh RELEASE_DIR DEBUG_DIR [arguments of the program]
#
# The server lives in a temporary folder, listens on a Unix socket there and
# on nothing else, and ends with this script.  Without PostgreSQL's server
# programs the suite is skipped: 77.  SEED=n replays; ORACLE_EXPRS and
# ORACLE_VIEWS set how many random cases there are.
set -u
[ $# -ge 2 ] || {
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
program=$2/tests/oracle/oracle
[ -x "$program" ] || {
    echo "run.sh: $program is not built" >&2
    echo "0 passed, 1 failed"
    exit 1
}

bin=
for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    [ -x "$dir/initdb" ] && bin=$dir && break
done
if [ -z "$bin" ] && command -v initdb >/dev/null; then
    bin=$(dirname "$(command -v initdb)")
fi
if [ -z "$bin" ]; then
    echo "SKIPPED: no PostgreSQL server programs (Debian: postgresql-15)." \
        "NOTHING WAS COMPARED WITH POSTGRESQL." >&2
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
fi

# initdb refuses to run as root.
user=
if [ "$(id -u)" = 0 ]; then
    user=nobody
    id postgres >/dev/null 2>&1 && user=postgres
fi
as_user() {
    if [ -n "$user" ]; then
        setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
    else
        "$@"
    fi
}

data=$(mktemp -d -t cupel-oracle-XXXXXX) || exit 1
server=
finish() {
    if [ -n "$server" ]; then
        kill -INT "$server" 2>/dev/null
        for _ in $(seq 50); do
            kill -0 "$server" 2>/dev/null || break
            sleep 0.1
        done
        kill -QUIT "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    fi
    rm -rf "$data"
}
trap finish EXIT
trap 'exit 130' INT TERM
[ -z "$user" ] || chown "$user" "$data"

give_up() {
    echo "run.sh: $1" >&2
    tail -20 "$data"/*.log >&2
    echo "0 passed, 1 failed"
    exit 1
}

(cd "$data" && as_user env TZ=UTC "$bin/initdb" -D "$data/pg" \
    --lc-collate=C --lc-ctype=C.UTF-8 --encoding=UTF8 --locale=C.UTF-8 \
    -U cupel -A trust -N) >"$data/initdb.log" 2>&1 ||
    give_up "initdb failed"
(cd "$data" && exec env TZ=UTC setpriv ${user:+--reuid "$user" \
    --regid "$(id -g "$user")" --clear-groups} "$bin/postgres" -D "$data/pg" \
    -k "$data" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
    -c full_page_writes=off -c autovacuum=off -c timezone=UTC \
    -c shared_buffers=32MB -c max_connections=10 -c jit=off \
    -c log_min_messages=fatal) >"$data/server.log" 2>&1 &
server=$!

deadline=$((SECONDS + 120))
until as_user "$bin/pg_isready" -q -h "$data"; do
    kill -0 "$server" 2>/dev/null || give_up "the server did not start"
    [ $SECONDS -lt $deadline ] ||
        give_up "the server was not ready within 120 s"
    sleep 0.2
done

CUPEL_ORACLE_DSN="host=$data dbname=postgres user=cupel" "$program" "${@:3}"
