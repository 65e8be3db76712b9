#!/bin/bash
# cupel offsets and cupel state verify, on the embedded log and on Kafka.
#
#   offsets.sh RELEASE_DIR DEBUG_DIR
#
#   a reset app has the views of a fresh computation over its input from the
#     new positions on, and its topics got what differs: tombstones for keys
#     that are gone, no row twice
#   the undo file brings the views back; a reset to where they are says nothing
#   kill -9 at random moments of resets and of rebuilds changes nothing
#   a state folder from before the reset finds out
#   on Kafka: the same numbers and files as kafka-consumer-groups.sh; refused
#     while members are active; state verify; a topic that gains partitions
#
# SEED=n repeats the moments of the kills.
. "$(dirname "$0")/lib.sh"
. "$here/app.sh"

sql() { # folder
    mkdir -p "$1"
    cat >"$1/pipeline.sql" <<'SQL'
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE sale (id bigint NOT NULL, shop text, amount bigint)
  SERVER kafka OPTIONS (topic 'sales', format 'json', partitions '4');
CREATE MATERIALIZED VIEW shops AS
SELECT shop, count(*) AS n, sum(amount) AS total,
       count(DISTINCT amount) AS amounts
FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW sizes AS
SELECT n % 7 AS size, count(*) AS shops, sum(total) AS total
FROM shops GROUP BY n % 7;
CREATE MATERIALIZED VIEW big AS
SELECT id, amount FROM sale WHERE amount > 90;
COPY (SELECT * FROM shops ORDER BY shop)
  TO 'reports/shops.csv' WITH (FORMAT csv, HEADER);
SQL
}

# The first hundred sales are of shops that are never heard of again.
sales() { # first last
    awk -v a="$1" -v b="$2" 'BEGIN {
        for (i = a; i <= b; i++)
            printf "{\"id\":%d,\"shop\":\"%s %d\",\"amount\":%d}\n", i,
                i <= 100 ? "old" : "shop", (i * i + 7 * i) % 211,
                (i * 37) % 101 }'
}

topic_of() { # topic: JSON lines
    if [ "$kind" = kafka ]; then
        kcat -b "$brokers" -C -t "$1" -o beginning -e -q -J \
            -X isolation.level=read_committed
    else
        at tail "$1" --from-beginning --until-end -o jsonl -q
    fi
}

run() { timeout 240 "$cupel" run "$a" "${on[@]}" --drain -q "$@"; }

reset() { timeout 240 "$cupel" offsets reset "$a" "${on[@]}" -q "$@"; }

# The views, reports and topics are those of the input from FROM.csv on.
is_fresh() { # from.csv
    topic_of sales >"$a/input"
    python3 "$here/offsets.py" want "$a/input" "$1" "$a/want" || return 1
    topic_of "$app.shops" >"$a/shops"
    python3 "$here/check.py" folded "$a/want.shops" "$a/shops" || return 1
    python3 "$here/check.py" steady "$a/shops" || return 1
    topic_of "$app.big" >"$a/big"
    python3 "$here/offsets.py" bag "$a/want.big" "$a/big" || return 1
    at query "$a" 'SELECT * FROM shops' -o jsonl -q >"$a/view" || return 1
    python3 "$here/check.py" folded "$a/want.shops" "$a/view" || return 1
    at query "$a" 'SELECT sum(shops) AS s, sum(total) AS t FROM sizes' -o csv \
        -q >"$a/sizes" || return 1
    python3 - "$a/want.shops" "$a/sizes" "$a/reports/shops.csv" <<'P'
import csv, json, sys
want = [json.loads(l) for l in open(sys.argv[1])]
sizes = list(csv.reader(open(sys.argv[2])))[1]
assert sizes == [str(len(want)), str(sum(r["total"] for r in want))], sizes
report = list(csv.reader(open(sys.argv[3])))[1:]
assert report == [[r["shop"], str(r["n"]), str(r["total"]),
                   str(r["amounts"])] for r in want], report[:3]
P
}

positions() { # offset: of each partition
    local p
    for p in 0 1 2 3; do echo "sales,$p,$1"; done
}

corrects() {
    positions 0 >"$a/zero"
    positions 400 >"$a/400"
    check "$kind: the app runs" run
    check "$kind: its views are those of its input" is_fresh "$a/zero"
    cp -r "$a/state" "$a/state.old"
    cp "$a/want.shops" "$a/before"
    at offsets export "$a" >"$a/was"
    reset --to-offset 400 >/dev/null
    at offsets export "$a" >"$a/now"
    check "$kind: a plan changes nothing" cmp "$a/was" "$a/now"
    check "$kind: the app is reset" reset --to-offset 400 --execute \
        --undo "$a/undo"
    at offsets export "$a" >"$a/now"
    check "$kind: and its group is there" cmp "$a/400" "$a/now"
    check "$kind: the next run goes through" run
    check "$kind: the views are those of the input from there on" \
        is_fresh "$a/400"
    check "$kind: keys that are gone have one tombstone each" python3 \
        "$here/offsets.py" tombstones "$a/before" "$a/want.shops" "$a/shops"
    topic_of "$app.shops" | sort >"$a/shops.1" # partitions in any order
    check "$kind: a reset to where the views begin" reset --to-offset 400 \
        --execute
    check "$kind: goes through" run
    topic_of "$app.shops" | sort >"$a/shops.2"
    check "$kind: and says nothing" cmp "$a/shops.1" "$a/shops.2"
    check "$kind: the undo file names where the views began" \
        cmp "$a/zero" "$a/undo"
    check "$kind: and is taken back" at offsets import "$a" "$a/undo" \
        --execute -q
    check "$kind: the run after it goes through" run
    check "$kind: and the views are as they were" is_fresh "$a/zero"
}

survives() {
    local n at
    for n in 1 2 3; do
        at=$((n * 150))
        killed 50 600 "$cupel" offsets reset "$a" "${on[@]}" --to-offset $at \
            --execute --undo "$a/undo.$n"
        killed 100 600 "$cupel" run "$a" "${on[@]}"
        killed 200 600 "$cupel" run "$a" "${on[@]}"
    done
    positions 450 >"$a/450"
    at run "$a" --drain -q || return 1 # over a fourth one, if it must be
    at offsets reset "$a" --to-offset 450 --execute -q \
        --undo "$a/undo.4" || return 1
    killed 300 600 "$cupel" run "$a" "${on[@]}"
    run && is_fresh "$a/450"
}

world() { # kind
    kind=$1 app=shop-$1 a=$work/$1/shop-$1
    sql "$a"
    on=(--state "$a/state")
    [ "$kind" = kafka ] && on+=(--brokers "$brokers" --instance one)
    at topics create sales --partitions 4 --app "$app" -q >/dev/null
    sales 1 4000 | at produce sales --key-field id --app "$app" -q
}

embedded() {
    world embedded
    corrects
    check "embedded: kills -9 change nothing (seed $seed)" survives
    check "embedded: state verify says whose the state is" \
        at state verify "$a"
}

# --- Kafka ------------------------------------------------------------------

# Kafka's own tool sees what cupel sees, of the app's group.
same_positions() {
    groups --group "$app" --describe 2>/dev/null |
        awk '$2 == "sales" { print $2 "," $3 "," $4 }' | sort >"$a/theirs"
    at offsets export "$a" | sort >"$a/ours"
    [ -s "$a/theirs" ] && diff "$a/theirs" "$a/ours"
}

is_empty() {
    groups --group "$app" --describe --state 2>/dev/null | grep -q Empty
}

# Theirs refuses while the session of a stopped process lasts.
same_export() {
    wait_for is_empty
    groups --group "$app" --reset-offsets --to-current --topic sales \
        --export --dry-run 2>/dev/null | grep . | sort >"$a/theirs"
    [ -s "$a/theirs" ] && diff "$a/theirs" "$a/ours"
}

# Their tables of four columns, which have no ends of lines.
table() {
    tr -s ' \n' '\n' | grep . | paste - - - - |
        awk '$2 == "sales" { print $3 "," $4 }'
}

# A group of somebody else: cupel sets it, theirs reads, and back.
other_group() {
    local words
    at offsets reset --group billing --topic sales --to-offset 7 --execute \
        --undo "$a/b.undo" -q >/dev/null || return 1
    for words in "--shift-by 5" "--shift-by -50" "--to-offset 90000" \
        "--to-datetime 2020-01-01T00:00:00.000"; do
        # shellcheck disable=SC2086
        groups --group billing --topic sales --reset-offsets $words --dry-run \
            2>/dev/null | table | sort >"$a/theirs"
        # shellcheck disable=SC2086
        at offsets reset --group billing --topic sales $words -o csv -q |
            awk -F, '$2 == "sales" { print $3 "," $5 }' | sort >"$a/ours"
        [ -s "$a/theirs" ] && diff "$a/theirs" "$a/ours" || {
            echo "differs: $words"
            return 1
        }
    done
    at offsets reset --group billing --topic sales:1,2 --shift-by 5 --execute \
        --undo "$a/b.undo" -q >/dev/null || return 1
    at offsets export --group billing >"$a/ours"
    printf 'sales,%s\n' 0,7 1,12 2,12 3,7 | diff - "$a/ours" || return 1
    # Their tool takes our file, and we take theirs.
    groups --group billing --reset-offsets --from-file "$a/b.undo" \
        --execute >/dev/null 2>&1
    groups --group billing --reset-offsets --to-current --all-topics \
        --export --dry-run 2>/dev/null >"$a/theirs.csv"
    at offsets export --group billing >"$a/ours"
    printf 'sales,%s\n' 0,7 1,7 2,7 3,7 | diff - "$a/ours" || return 1
    at offsets reset --group billing --to-latest --execute \
        --undo "$a/b2.undo" -q >/dev/null &&
        at offsets import --group billing "$a/theirs.csv" --execute \
            --undo "$a/b3.undo" -q >/dev/null &&
        at offsets export --group billing >"$a/ours" &&
        printf 'sales,%s\n' 0,7 1,7 2,7 3,7 | diff - "$a/ours"
}

while_active() {
    start_active
    at offsets export "$a" >"$a/was"
    check "a running app of this folder refuses to be reset" \
        refused 3 reset --to-earliest --execute
    lives_in "$a/elsewhere" two
    check "and so it does from another folder" \
        refused 3 reset --to-earliest --execute
    check "and says what to do" grep -q "stop them" "$a/refused"
    lives_in "$a/state"
    at offsets export "$a" >"$a/now"
    check "and nothing changed" cmp "$a/was" "$a/now"
    check "an app is not reset as if it were any group" \
        refused 3 at offsets reset --group "$app" --to-earliest --execute
    end "$active"
}

old_folder() {
    lives_in "$a/state.old"
    run && is_fresh "$a/450" && at state verify "$a" -q >/dev/null
    local rc=$?
    lives_in "$a/state"
    return $rc
}

gains_partitions() {
    local b=$work/kafka/grown said
    sql "$b"
    sed -i 's/sales/grows/; s/partitions .4./partitions '"'2'"'/' \
        "$b/pipeline.sql"
    at topics create grows --partitions 2 -q >/dev/null
    sales 1 50 | at produce grows --key-field id -q
    timeout 240 "$cupel" run "$b" --brokers "$brokers" --state "$b/state" \
        --drain -q || return 1
    grow grows 4
    timeout 240 "$cupel" run "$b" --brokers "$brokers" --state "$b/state" \
        --drain -q >"$b/said" 2>&1
    [ $? = 3 ] || {
        cat "$b/said"
        return 1
    }
    cat "$b/said"
    grep -q 'has 4 partitions.*2' "$b/said" && grep -q -- '--app' "$b/said"
}

gains_while_running() {
    local b=$work/kafka/grows code
    sql "$b"
    sed -i 's/sales/more/; s/partitions .4./partitions '"'2'"'/' \
        "$b/pipeline.sql"
    at topics create more --partitions 2 -q >/dev/null
    sales 1 50 | at produce more --key-field id -q
    "$cupel" run "$b" --brokers "$brokers" --state "$b/state" --workers 1 \
        -X topic.metadata.refresh.interval.ms=500 >"$b/said" 2>&1 &
    local pid=$!
    mine $pid
    wait_for has_records grows.shops
    grow more 4
    timeout 240 tail --pid="$pid" -s 0.1 -f /dev/null
    hit TERM "$pid" && echo "it did not notice"
    wait "$pid"
    code=$?
    cat "$b/said"
    [ $code = 3 ] && grep -q 'more had 2 partitions' "$b/said"
}

has_records() { # topic
    [ -n "$("$cupel" tail "$1" --brokers "$brokers" --from-beginning \
        --until-end -q 2>/dev/null)" ]
}

on_kafka() {
    world kafka
    corrects
    check "kafka-consumer-groups.sh sees the same positions" same_positions
    check "and exports the same lines" same_export
    check "another group: the same plans and files as theirs" other_group
    while_active
    check "kafka: kills -9 change nothing (seed $seed)" survives
    check "kafka: restored from empty is what is kept" at state verify "$a"
    check "a state folder from before the resets finds out" old_folder
    check "an input that gained partitions is refused with what to do" \
        gains_partitions
    check "and so it is by a process that runs" gains_while_running
}

embedded
with_kafka on_kafka
finish
