#!/bin/bash
# Views loaded into a real PostgreSQL, the whole binary.
#
#   postgres.sh RELEASE_DIR DEBUG_DIR      SEED=n repeats the kills
#
#   every type, as `cupel query` and PostgreSQL write it; updates and deletes
#   a run again writes nothing; a table that does not fit is told of
#   a row that PostgreSQL refuses is a dead letter, its neighbours are there
#   PostgreSQL stops and starts in the middle
#   kill -9, twenty times, during a load; positions that lost their log
#   two processes on Kafka, of one and of four partitions; the pipeline
#   tier-tracks-weather
#
# The server is this script's own: a temporary folder, a free port of loopback.
. "$(dirname "$0")/lib.sh"
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$((seed % 32768))
asan=$cupel

# --- a server -----------------------------------------------------------------

bin=
for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    [ -x "$dir/initdb" ] && bin=$dir && break
done
[ -n "$bin" ] && command -v psql >/dev/null || {
    skip "no PostgreSQL server programs (Debian: postgresql-15)." \
        "NOTHING WAS LOADED INTO POSTGRESQL."
    finish
}
user=() # initdb refuses to run as root
if [ "$(id -u)" = 0 ]; then
    name=nobody
    id postgres >/dev/null 2>&1 && name=postgres
    user=(setpriv --reuid "$name" --regid "$(id -g "$name")" --clear-groups)
fi
pg=$work/pg
pgport=$(python3 "$here/ports.py" 1)
mkdir "$pg"
chmod 711 "$work"
[ ${#user[@]} = 0 ] || chown "$name" "$pg"

pg_start() {
    (cd "$pg" && exec "${user[@]}" "$bin/postgres" -D "$pg/data" -k "$pg" \
        -p "$pgport" -c listen_addresses=127.0.0.1 -c fsync=off -c jit=off \
        -c autovacuum=off -c shared_buffers=32MB -c max_connections=30 \
        -c timezone=America/New_York -c datestyle='SQL, DMY' \
        -c log_min_messages=fatal) >>"$pg.log" 2>&1 &
    server=$!
    wait_for "$bin/pg_isready" -q -h 127.0.0.1 -p "$pgport"
}

# Not killed at the end as others are: it would leave its shared memory.
pg_stop() {
    hit INT "$server"
    wait "$server" 2>/dev/null
    true
}
at_end+=(pg_stop)

(cd "$pg" && "${user[@]}" "$bin/initdb" -D "$pg/data" -U cupel -A trust -N \
    --encoding=UTF8 --locale=C.UTF-8) >"$pg.log" 2>&1 && pg_start || {
    not_ok "a PostgreSQL server starts" "$pg.log"
    finish
}

sql() { # statement…: unaligned, without headers
    local s=()
    for line in "$@"; do
        s+=(-c "$line")
    done
    PGTZ=UTC PGDATESTYLE='ISO, YMD' psql -h 127.0.0.1 -p "$pgport" -U cupel \
        -d postgres -qAtX -v ON_ERROR_STOP=1 "${s[@]}"
}

rows() { # table order: as CSV with a header
    PGTZ=UTC PGDATESTYLE='ISO, YMD' psql -h 127.0.0.1 -p "$pgport" -U cupel \
        -d postgres -qX -v ON_ERROR_STOP=1 \
        -c "COPY (SELECT * FROM $1 ORDER BY $2) TO STDOUT WITH (FORMAT csv, HEADER)"
}

# Which rows were written by which transaction: changes when any is written.
stamp() { # table
    sql "SELECT md5(string_agg(ctid::text || xmin::text, ',' ORDER BY ctid))
         FROM $1"
}

# --- running --------------------------------------------------------------------

place() { # folder: server and files, then the rest from stdin
    mkdir -p "$1/data"
    {
        cat <<S
CREATE SERVER inbox FOREIGN DATA WRAPPER files OPTIONS (path 'data');
CREATE SERVER pg FOREIGN DATA WRAPPER postgres
  OPTIONS (host '127.0.0.1', port '$pgport', dbname 'postgres');
CREATE USER MAPPING FOR CURRENT_USER SERVER pg OPTIONS (username 'cupel');
S
        cat
    } >"$1/p.sql"
}

run() { # folder [option…]
    local folder=$1
    shift
    timeout 240 "$cupel" run "$folder/p.sql" --state "$folder/state" --drain \
        "$@" >"$folder/out" 2>"$folder/said" || {
        echo "exit $?"
        tail -20 "$folder/said"
        return 1
    }
}

query() { # folder select
    "$cupel" query "$1/p.sql" --state "$1/state" -o csv "$2"
}

same() { # folder view table order
    diff <(query "$1" "SELECT * FROM $2 ORDER BY $4") <(rows "$3" "$4")
}

# --- every type -----------------------------------------------------------------

a=$work/types
columns='id bigint NOT NULL, b bool, i2 smallint, i4 int, i8 bigint, f4 real,
  f8 double precision, n numeric, m numeric(12,2), t text, v varchar(9),
  raw bytea, d date, tm time, ts timestamp, tz timestamptz, iv interval,
  u uuid, j jsonb, ai bigint[], at text[], an numeric[]'
place "$a" <<S
CREATE FOREIGN TABLE source ($columns) SERVER inbox OPTIONS (glob '*.json',
  format 'json', mode 'upsert', key 'id', envelope 'key_value');
CREATE FOREIGN TABLE sunk ($columns, PRIMARY KEY (id)) SERVER pg
  OPTIONS (table 'public."All Types"', mode 'upsert');
CREATE FOREIGN TABLE by_text (t text, n bigint, total numeric,
  PRIMARY KEY (t)) SERVER pg OPTIONS (table 'by_text', mode 'upsert');
CREATE MATERIALIZED VIEW v WITH (into = 'sunk') AS SELECT * FROM source;
CREATE MATERIALIZED VIEW texts WITH (into = 'by_text') AS
SELECT t, count(*), sum(n) FROM source WHERE t IS NOT NULL GROUP BY t;
S
cat >"$a/data/1.json" <<'J'
{"key":{"id":1},"value":{"id":1,"b":true,"i2":-32768,"i4":2147483647,"i8":-9223372036854775808,"f4":1.1,"f8":0.1,"n":1.0,"m":"3.005","t":"tab\there, back\\slash, line\nfeed, \r, \"quotes\", ä€😀","v":"nine char","raw":"\\x00ff5c0a","d":"2024-02-29","tm":"23:59:59.999999","ts":"2024-01-02 03:04:05.678901","tz":"2024-06-01T12:00:00+02:00","iv":"1 mon 2 days 03:04:05.5","u":"00112233-4455-6677-8899-aabbccddeeff","j":{"a":[1,2.50,"x\\y\n"],"b":null},"ai":[1,null,-3],"at":["a b","c,\"d\"","\\","NULL",null,""],"an":[1.10,"NaN"]}}
{"key":{"id":2},"value":{"id":2,"f4":"NaN","f8":"-Infinity","n":"NaN","d":"infinity","ts":"-infinity","tz":"infinity","t":"","at":[],"j":"\\N"}}
{"key":{"id":3},"value":{"id":3,"n":"123456789012345678901234567890123456789012345678901234567890.000000000000000000000000000000000000000100","f8":1e308,"f4":1e-40,"i8":9007199254740993,"t":"\\N","v":"\\.","raw":"\\x","d":"0044-03-15 BC","iv":"-00:00:00.000001","j":[]}}
{"key":{"id":4},"value":{"id":4,"t":"gone soon"}}
J
check "every type is loaded" run "$a"
check "and PostgreSQL writes it as cupel query does" \
    same "$a" v '"All Types"' id
check "numerics keep their scale" test \
    "$(sql 'SELECT n, m, scale(n) FROM "All Types" WHERE id = 1')" = '1.0|3.01|1'
check "an aggregate is loaded" same "$a" texts by_text t
check "the summary counts rows" test \
    "$(cell "$a/said" sink v written)" = 4
before=$(stamp '"All Types"')
check "a run again goes through" run "$a"
check "and writes nothing" test "$before" = "$(stamp '"All Types"')"
cat >"$a/data/2.json" <<'J'
{"key":{"id":4},"value":null}
{"key":{"id":2},"value":{"id":2,"t":"new","n":1.00}}
{"key":{"id":5},"value":{"id":5,"t":"new","n":2.50}}
{"key":{"id":9},"value":null}
J
check "updates and deletes go through" run "$a"
check "rows are changed and deleted" same "$a" v '"All Types"' id
check "in aggregates too" same "$a" texts by_text t
check "the summary counts deletes" test \
    "$(cell "$a/said" sink v deleted)" = 1

# --- append, refusals, misfits ------------------------------------------------------

b=$work/append
place "$b" <<'S'
CREATE FOREIGN TABLE source (id bigint NOT NULL, price numeric, name text)
  SERVER inbox OPTIONS (glob '*.json', format 'json', mode 'append');
CREATE FOREIGN TABLE journal (id bigint, price numeric, name text)
  SERVER pg OPTIONS (table 'public.journal');
CREATE FOREIGN TABLE prices (id bigint, price numeric, name text,
  PRIMARY KEY (id)) SERVER pg OPTIONS (table 'prices', mode 'upsert',
  create 'false');
CREATE MATERIALIZED VIEW added WITH (into = 'journal') AS
SELECT * FROM source;
CREATE MATERIALIZED VIEW latest WITH (into = 'prices') AS
SELECT DISTINCT ON (id) * FROM source ORDER BY id, price;
CREATE MATERIALIZED VIEW refused AS
SELECT error_code, count(*) AS n FROM dead_letters(latest) GROUP BY error_code;
S
python3 - >"$b/data/1.json" <<'P'
import json
for n in range(3000):
    print(json.dumps({"id": n, "price": n % 700 + 0.25, "name": "n%d" % n}))
P
check "a table that must be there, and is not, is told of" bash -c \
    '! timeout 240 "$1" run "$2/p.sql" --state "$2/state" --drain >"$2/said" 2>&1 &&
     grep -q "there is no table \"prices\"" "$2/said"' - "$cupel" "$b"
sql "CREATE TABLE prices (id bigint PRIMARY KEY, price numeric(5,2), name text)"
misfit() { # what is expected
    timeout 240 "$cupel" run "$b/p.sql" --state "$b/state" --drain >"$b/said" 2>&1
    [ $? = 2 ] && grep -qF "$1" "$b/said" &&
        [ "$(sql 'SELECT count(*) FROM prices')" = 0 ] && return
    tail -5 "$b/said"
    return 1
}
check "a column that would lose digits is told of" misfit \
    'column "price" is of type numeric(5,2) there'
sql "ALTER TABLE prices ALTER price TYPE numeric, DROP name"
check "a column that is missing is told of" misfit 'column "name" is missing'
sql "ALTER TABLE prices ADD name varchar(4), ADD more int NOT NULL"
check "a column that must not be empty is told of" misfit \
    'column "more" is NOT NULL'
sql "ALTER TABLE prices DROP more, DROP CONSTRAINT prices_pkey"
check "a key without an index is told of" misfit 'no unique index on (id)'
sql "ALTER TABLE prices ADD UNIQUE (id), ADD CHECK (id <> 123)"
check "PostgreSQL refuses some rows, the run goes through" run "$b"
check "the refused rows are counted" test \
    "$(cell "$b/said" sink latest rejected)" = 2001
check "a view over them has all after the one drain" test \
    "$(query "$b" 'SELECT * FROM refused ORDER BY n' | tail -2 | tr '\n' ' ')" = \
    '23514,1 22001,2000 '
check "their neighbours are there" test \
    "$(sql 'SELECT count(*), sum(id) FROM prices')" = '999|499377'
check "appended rows are all there, once" test \
    "$(sql 'SELECT count(*), sum(id), sum(price) FROM journal')" = \
    '3000|4498500|999250.00'
letters_right() {
    "$cupel" tail p.dlq --state "$b/state" --from-beginning --until-end \
        -o jsonl >"$b/letters" 2>/dev/null
    python3 - "$b/letters" <<'P'
import json, sys
letters = [json.loads(line) for line in open(sys.argv[1])]
by_id = {r["value"]["id"]: r["headers"] for r in letters}
assert len(letters) == 2001, len(letters)
assert sorted(by_id) == [123] + list(range(1000, 3000)), sorted(by_id)[:9]
for id, h in by_id.items():
    assert h["cupel.error.stage"] == "sink", h
    assert h["cupel.error.view"] == "latest", h
    assert h["cupel.error.sink"] == "prices", h
    assert h["cupel.error.code"] == ("23514" if id == 123 else "22001"), h
    assert h.get("cupel.error.column") == (None if id == 123 else "name"), h
P
}
check "letters say who, where and why" letters_right
before=$(stamp prices)$(stamp journal)
check "a run again goes through" run "$b"
check "and writes nothing, nor letters" test \
    "$before$(cell "$b/said" sink latest rejected)" = \
    "$(stamp prices)$(stamp journal)0"

# --- a log that is gone ---------------------------------------------------------

rm -rf "${b:?}/state"
check "an append that would double stops" bash -c \
    '! timeout 240 "$1" run "$2/p.sql" --state "$2/state" --drain >"$2/said" 2>&1 &&
     grep -q "was loaded from an earlier topic" "$2/said"' - "$cupel" "$b"
check "and stops again" bash -c \
    '! timeout 240 "$1" run "$2/p.sql" --state "$2/state" --drain >"$2/said" 2>&1 &&
     grep -q "was loaded from an earlier topic" "$2/said"' - "$cupel" "$b"
sql "TRUNCATE journal" "DELETE FROM cupel_offsets WHERE view = 'added'"
check "emptied, it is loaded anew" run "$b"
check "an upsert is written again, once" test \
    "$(sql 'SELECT count(*), sum(id) FROM prices' \
        'SELECT count(*) FROM journal' | tr '\n' ' ')" = '999|499377 3000 '
sql "DROP TABLE journal"
check "a table that was dropped is made and loaded again" run "$b"
check "with every row" test "$(sql 'SELECT count(*) FROM journal')" = 3000

# --- PostgreSQL stops in the middle ---------------------------------------------

follow() { # folder option…: sets pid
    "$cupel" run "$1/p.sql" --state "$1/state" --listen 127.0.0.1:0 "${@:2}" \
        >>"$1/out" 2>>"$1/said" &
    pid=$!
    mine $pid
}

says() { # statement result
    [ "$(sql "$1" 2>/dev/null)" = "$2" ]
}

until_sql() { # statement result
    wait_for says "$@" && return
    echo "$1 is $(sql "$1")"
    return 1
}

# A process that was followed answers, and has a connection to PostgreSQL.
until_loads() { # folder
    wait_for grep -q 'http://' "$1/said" &&
        wait_for curl -sf -o "$1/ready" "$(grep -o 'http://[^/]*' "$1/said" |
            tail -1)/ready" &&
        until_sql "SELECT count(*) > 0 FROM pg_stat_activity
            WHERE backend_type = 'client backend'
            AND pid <> pg_backend_pid()" t
}

paused() { # sets seen
    seen=$(query "$a" 'SELECT count(*) FROM v WHERE id = 77' 2>/dev/null |
        tail -1)
    [ "$seen" = 1 ] &&
        grep -q 'sink v: postgres pg: .*; trying again' "$a/said"
}

outage() {
    : >"$a/said"
    follow "$a"
    until_loads "$a" || return 1
    pg_stop
    echo '{"key":{"id":77},"value":{"id":77,"t":"after the outage"}}' \
        >"$a/data/3.json"
    wait_for paused || {
        echo "the view has '$seen'"
        tail "$a/said"
        return 1
    }
    pg_start || return 1
    until_sql 'SELECT t FROM "All Types" WHERE id = 77' "after the outage" ||
        return 1
    hit TERM $pid
    wait $pid
}
check "an outage pauses the sink, not the view; then it goes on" outage
check "nothing was lost or doubled" same "$a" v '"All Types"' id

# --- kill -9 --------------------------------------------------------------------

cupel=$release/cupel
k=$work/kill
place "$k" <<'S'
CREATE FOREIGN TABLE source (id bigint NOT NULL, grp int, amount numeric)
  SERVER inbox OPTIONS (glob '*.json', format 'json', mode 'append');
CREATE FOREIGN TABLE k_journal (id bigint, grp int, amount numeric)
  SERVER pg OPTIONS (table 'k_journal');
CREATE FOREIGN TABLE k_groups (grp int, n bigint, total numeric, least bigint,
  PRIMARY KEY (grp)) SERVER pg OPTIONS (table 'k_groups', mode 'upsert');
CREATE MATERIALIZED VIEW journal WITH (into = 'k_journal') AS
SELECT * FROM source;
CREATE MATERIALIZED VIEW groups WITH (into = 'k_groups') AS
SELECT grp, count(*) AS n, sum(amount) AS total, min(id) FROM source
GROUP BY grp;
S
more() { # first last
    python3 - "$1" "$2" >"$k/data/$1.tmp" <<'P'
import random, sys
first, last = map(int, sys.argv[1:])
r = random.Random(first)
for n in range(first, last):
    print('{"id":%d,"grp":%d,"amount":%d.%02d}' %
          (n, r.randrange(5000), r.randrange(1000), r.randrange(100)))
P
    mv "$k/data/$1.tmp" "$k/data/$1.json"
}
killed() {
    local hits=0 tries=0 n=0
    while [ $hits -lt 20 ] && [ $tries -lt 80 ]; do
        tries=$((tries + 1))
        [ $n -ge 20000 ] || {
            more $n $((n + 1000))
            n=$((n + 1000))
        }
        "$cupel" run "$k/p.sql" --state "$k/state" --listen 127.0.0.1:0 \
            >>"$k/out" 2>>"$k/killed" &
        pid=$!
        mine $pid
        sleep "$(printf '0.%03d' $((50 + RANDOM % 400)))"
        hit KILL $pid && hits=$((hits + 1))
        wait $pid 2>/dev/null
    done
    while [ $n -lt 20000 ]; do
        more $n $((n + 1000))
        n=$((n + 1000))
    done
    echo "$hits kills"
    [ $hits = 20 ] && run "$k"
}
totals_right() {
    [ "$(sql 'SELECT count(*), count(DISTINCT id), sum(id) FROM k_journal')" = \
        '20000|20000|199990000' ] || {
        sql 'SELECT count(*), count(DISTINCT id), sum(id) FROM k_journal'
        return 1
    }
    diff <(query "$k" "SELECT sum(amount) FROM journal" | tail -1) \
        <(sql "SELECT sum(amount) FROM k_journal") &&
        same "$k" groups k_groups grp
}
check "twenty kills during a load (seed $seed)" killed
check "every row is there once" totals_right
before=$(stamp k_groups)$(stamp k_journal)
check "a run again goes through" run "$k"
check "and writes nothing" test "$before" = "$(stamp k_groups)$(stamp k_journal)"

# The letter is in the log, PostgreSQL's transaction is not committed.
between() {
    sql "ALTER TABLE k_journal ADD CHECK (id <> 20003) NOT VALID"
    more 20000 20010
    CUPEL_CRASH_AT=sink_before_commit:1 timeout 240 "$cupel" run "$k/p.sql" \
        --state "$k/state" --drain >"$k/out" 2>&1 && {
        echo "it did not die"
        return 1
    }
    run "$k" || return 1
    local letters
    letters=$("$cupel" tail p.dlq --state "$k/state" --from-beginning \
        --until-end -o jsonl 2>/dev/null | wc -l)
    echo "$letters letters"
    [ "$letters" = 1 ] && [ "$(sql 'SELECT count(*) FROM k_journal')" = 20009 ]
}
check "a letter is written once, whenever the process dies" between

# SIGTERM in the middle of a load ends it, and nothing is lost.
terminated() {
    sql "TRUNCATE k_journal, k_groups, cupel_offsets"
    local began n
    for n in 1 2 3; do
        follow "$k"
        sleep "$(printf '0.%03d' $((200 + RANDOM % 300)))"
        began=$SECONDS
        hit TERM $pid
        wait $pid || {
            echo "exit $?"
            tail -3 "$k/said"
            return 1
        }
        [ $((SECONDS - began)) -le 60 ] || return 1
    done
    run "$k" || return 1
    sql 'SELECT count(*), count(DISTINCT id) FROM k_journal' |
        tee "$k/counts"
    grep -qxF '20009|20009' "$k/counts"
}
check "SIGTERM ends a load, the next run finishes it" terminated

# --- the pipeline ---------------------------------------------------------------

cupel=$asan
tier=$root/pipelines/tier-tracks-weather
c=$work/tier
mkdir -p "$c/postgres"
cp -r "$tier/pipeline.sql" "$tier/data" "$c/"
cp "$tier/postgres/sink.sql" "$c/postgres/"
sql "CREATE SCHEMA tier"
tier_run() { # option…
    timeout 240 "$cupel" run "$c/pipeline.sql" "$c/postgres/sink.sql" \
        --app tier-tracks-weather --state "$c/state" --drain \
        --set host=127.0.0.1 --set "port=$pgport" --set dbname=postgres \
        --set user=cupel "$@" >"$c/out" 2>"$c/said" || {
        tail -20 "$c/said"
        return 1
    }
}
check "tier-tracks-weather: the sample is loaded" tier_run
tier_right() {
    local cols t
    for t in weather track_events; do
        cols=$(head -1 "$tier/expected/$t.csv")
        diff <(tail -n +2 "$tier/expected/$t.csv" | LC_ALL=C sort) \
            <(sql "COPY (SELECT $cols FROM tier.$t) TO STDOUT (FORMAT csv)" |
                LC_ALL=C sort) || return 1
    done
}
check "tier-tracks-weather: both tables are the expected ones" tier_right
check "tier-tracks-weather: the journal has what was read, once" test \
    "$(sql 'SELECT count(*) FROM tier.track_events_raw')" = \
    "$(cell "$c/said" table track_events_file applied)"
before=$(stamp tier.weather)$(stamp tier.track_events)
check "tier-tracks-weather: a second run goes through" tier_run
check "tier-tracks-weather: and writes nothing" test "$before" = \
    "$(stamp tier.weather)$(stamp tier.track_events)"

# --- Kafka ----------------------------------------------------------------------

start_broker || finish
cupel=$release/cupel
on_kafka() { # n option…: process n
    "$cupel" run "$k/p.sql" --app pgk --brokers "$brokers" \
        --state "$work/k$1" --instance "p$1" --listen 127.0.0.1:0 \
        >>"$k/out" 2>>"$work/k$1.said" &
    pid=$!
    mine $pid
}
two_processes() {
    sql "DROP TABLE k_journal, k_groups" "DELETE FROM cupel_offsets"
    local one two n
    for n in 1 2 3; do
        on_kafka 1
        one=$pid
        on_kafka 2
        two=$pid
        sleep $((3 + n))
        hit KILL $one
        wait $one 2>/dev/null
        sleep "$(printf '0.%03d' $((RANDOM % 900)))"
        hit KILL $two
        wait $two 2>/dev/null
    done
    timeout 240 "$cupel" run "$k/p.sql" --app pgk --brokers "$brokers" \
        --state "$work/k1" --instance p1 --drain >>"$k/out" 2>"$work/last" || {
        tail "$work/last"
        return 1
    }
    sql 'SELECT count(*), count(DISTINCT id) FROM k_journal' \
        'SELECT sum(n) FROM k_groups' | tr '\n' ' ' | tee "$k/counts"
    [ "$(cat "$k/counts")" = '20010|20010 20010 ' ]
}
check "Kafka: two processes, killed by turns, load every row once" \
    two_processes

# --- four partitions ------------------------------------------------------------

f=$work/four
place "$f" <<'S'
CREATE SERVER k FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE paid (id bigint NOT NULL, grp int, amount numeric)
  SERVER k OPTIONS (topic 'paid', format 'json');
CREATE FOREIGN TABLE f_journal (id bigint, grp int, amount numeric)
  SERVER pg OPTIONS (table 'f_journal');
CREATE FOREIGN TABLE f_groups (grp int, n bigint, total numeric,
  PRIMARY KEY (grp)) SERVER pg OPTIONS (table 'f_groups', mode 'upsert');
CREATE MATERIALIZED VIEW journal WITH (into = 'f_journal') AS
SELECT * FROM paid;
CREATE MATERIALIZED VIEW groups WITH (into = 'f_groups') AS
SELECT grp, count(*) AS n, sum(amount) AS total FROM paid GROUP BY grp;
CREATE MATERIALIZED VIEW refused AS
SELECT error_code, count(*) AS n FROM dead_letters(journal)
GROUP BY error_code;
S
four() { # n: process n, without an end
    "$cupel" run "$f/p.sql" --app four --brokers "$brokers" \
        --state "$work/f$1" --instance "f$1" --listen 127.0.0.1:0 \
        >>"$f/out" 2>>"$f/said$1" &
    pids[$1]=$!
    mine $!
}
paid() { # first last
    python3 - "$1" "$2" <<'P' | "$cupel" produce paid \
        --brokers "$brokers" --key-field id -q
import sys
for n in range(int(sys.argv[1]), int(sys.argv[2])):
    print('{"id":%d,"grp":%d,"amount":%d.%02d}' % (n, n % 701, n % 97, n % 100))
P
}
four_partitions() {
    "$cupel" topics create paid --partitions 4 --brokers "$brokers" -q
    sql "CREATE TABLE f_journal (id bigint CHECK (id % 1000 <> 7), grp int,
         amount numeric)"
    local pids=() n victim hits=0
    for n in 1 2; do
        four $n
    done
    for n in $(seq 0 9); do
        paid $((n * 1000)) $((n * 1000 + 1000)) || return 1
        sleep "$(printf '1.%03d' $((RANDOM % 900)))"
        victim=$((1 + n % 2))
        hit KILL ${pids[victim]} && hits=$((hits + 1))
        wait ${pids[victim]} 2>/dev/null
        four $victim
    done
    for n in 1 2; do
        hit KILL ${pids[n]} && hits=$((hits + 1))
        wait ${pids[n]} 2>/dev/null
    done
    echo "$hits kills"
    [ $hits = 12 ] || return 1
    timeout 240 "$cupel" run "$f/p.sql" --app four --state "$work/f1" \
        --brokers "$brokers" --instance f1 --drain >>"$f/out" \
        2>"$f/last" || {
        tail "$f/last"
        return 1
    }
    sql 'SELECT count(*), count(DISTINCT id) FROM f_journal' \
        'SELECT count(*), sum(n), sum(total) FROM f_groups' |
        tr '\n' ' ' | tee "$f/counts"
    [ "$(cat "$f/counts")" = "9990|9990 701|10000|$(python3 -c '
print("%.2f" % (sum(n % 97 * 100 + n % 100 for n in range(10000)) / 100))') " ]
}
check "Kafka: four partitions, two processes, twelve kills: every row once" \
    four_partitions
four_letters() {
    "$cupel" query "$f/p.sql" --app four --brokers "$brokers" \
        --state "$work/f1" -o csv 'SELECT * FROM refused' | tee "$f/counts"
    [ "$(tail -1 "$f/counts")" = 23514,10 ]
}
check "and every refused row has one letter" four_letters
finish
