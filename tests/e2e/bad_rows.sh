#!/bin/bash
# Bad rows of every kind: each becomes a dead letter with reason and position,
# its neighbours go on, and the summary adds up.
#
#   bad_rows.sh RELEASE_DIR DEBUG_DIR
#
# JSON lines and CSV by the files collector, records by `cupel produce`; views
# whose expressions fail.  bad_rows.py knows the rows and their codes.
. "$(dirname "$0")/lib.sh"
a=$work/bad
on=(--state "$a/state" --app bad)

sql() {
    cat >"$a/pipeline.sql" <<'SQL'
CREATE SERVER inbox FOREIGN DATA WRAPPER files OPTIONS (path 'data');
CREATE SERVER log FOREIGN DATA WRAPPER kafka;

CREATE FOREIGN TABLE reading (
  id bigint NOT NULL, small int, big numeric, ratio double precision,
  at timestamptz, flag boolean, note text,
  CONSTRAINT small_limit CHECK (small > -10)
) SERVER inbox OPTIONS (glob 'readings*.jsonl', format 'json',
  topic 'bronze.readings');
CREATE FOREIGN TABLE person (
  id bigint NOT NULL, name text, born date
) SERVER inbox OPTIONS (glob 'people*.csv', format 'csv',
  topic 'bronze.people');
CREATE FOREIGN TABLE event (
  id bigint NOT NULL, kind text NOT NULL, n int, body jsonb,
  CONSTRAINT n_limit CHECK (n < 1000)
) SERVER log OPTIONS (topic 'events', format 'json');

CREATE MATERIALIZED VIEW shares AS
SELECT id, 100 / small AS share, big FROM reading;
CREATE MATERIALIZED VIEW numbers AS
SELECT id, (body->>'n')::int AS number FROM event;

COPY (SELECT id, name, born FROM person ORDER BY id)
  TO 'reports/people.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT id, share, big FROM shares ORDER BY id)
  TO 'reports/shares.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT id, number FROM numbers ORDER BY id)
  TO 'reports/numbers.csv' WITH (FORMAT csv, HEADER);
SQL
}

run() {
    timeout 240 "$cupel" run "$a" "${on[@]}" --drain >"$a/out" 2>"$a/said"
}

neighbours() {
    printf '%s\n' id,share,big 1,14,1.50 4,11, 7,12, \
        18,100,12345678901234567890123456789.000000001 28,, 29,25, 31,20, \
        33,50, | diff - "$a/reports/shares.csv" || return 1
    printf '%s\n' id,name,born 1,Ann,1990-01-02 '9,"",' '10,"I' \
        'J",2000-02-29' 11,Kim,1990-01-02 | diff - "$a/reports/people.csv" ||
        return 1
    printf '%s\n' id,number 1,1 7,2 | diff - "$a/reports/numbers.csv"
}

# in = applied + late + dead, and each number is the one that was made.
adds_up() { # in applied dead, of reading, person, event
    local table word got bad=0
    for table in reading person event; do
        for word in in applied dead; do
            got=$(cell "$a/said" table $table $word)
            [ "$got" = "$1" ] || {
                echo "$table: $word is ${got:-absent}, not $1"
                bad=1
            }
            shift
        done
        [ "$(cell "$a/said" table $table late)" = 0 ] || bad=1
    done
    grep -n 'add up' "$a/said" && bad=1
    return $bad
}

rejected() { # view n
    [ "$(cell "$a/said" view "$1" rejected)" = "$2" ] || {
        tail "$a/said"
        return 1
    }
}

letters() {
    topic "$a" bad.dlq >"$a/letters" || return 1
    python3 "$here/bad_rows.py" judge "$a/letters"
}

# `dlq list` counts what the topic holds.
listed() {
    "$cupel" dlq list "$a" "${on[@]}" -o jsonl >"$a/list" 2>"$a/list.said"
    python3 - "$a/letters" "$a/list" <<'P'
import collections, json, sys
want, got = collections.Counter(), collections.Counter()
for line in open(sys.argv[1]):
    h = json.loads(line)["headers"]
    want[h["cupel.error.code"], h.get("cupel.error.table"),
         h.get("cupel.error.view")] += 1
for line in open(sys.argv[2]):
    r = json.loads(line)
    got[r["code"], r["table"], r["view"]] += r["n"]
print("topic:", want - got, "list:", got - want)
sys.exit(want != got or not want)
P
}

shows() { # words that one letter must have; options before --
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    "$cupel" dlq show "$a" "${on[@]}" "${options[@]}" >"$a/show" 2>&1
    local word
    for word in "$@"; do
        grep -qF -- "$word" "$a/show" || {
            echo "no \"$word\" in:"
            cut -c1-200 "$a/show"
            return 1
        }
    done
}

again() {
    topic "$a" bad.dlq >"$a/before"
    run || return 1
    topic "$a" bad.dlq >"$a/after"
    cmp "$a/before" "$a/after"
}

produce_refuses_what_is_too_long() {
    head -c 17000000 /dev/zero | tr '\0' x |
        "$cupel" produce events "${on[@]}" >"$a/long" 2>&1
    [ $? = 1 ] && grep -q 'line 1' "$a/long"
}

mkdir -p "$a"
sql
python3 "$here/bad_rows.py" make "$a"
check "a topic is made before the app ran" \
    "$cupel" topics create events "${on[@]}"
check "lines become records" "$cupel" produce events "${on[@]}" <"$a/events"
check "bad rows do not stop the run" run
check "each bad row is a letter with reason, position and its bytes" letters
check "their neighbours are in the reports" neighbours
check "the summary adds up, table by table" adds_up 32 9 23 12 4 8 7 3 4
check "a row that a view rejects is counted there" rejected shares 1
check "and so is one whose cast fails" rejected numbers 1
check "dlq list counts them" listed
check "dlq show says where it stood and why" shows --code 23514 \
    --view reading -- small_limit readings.jsonl 'small' 21 23514
check "dlq show tells of a view's letter" shows --view shares -- \
    22012 'division by zero' shares
check "a second run repeats no letter" again
check "and applies nothing" adds_up 0 0 0 0 0 0 0 0 0
check "a line too long for a topic is refused by its number" \
    produce_refuses_what_is_too_long
finish
