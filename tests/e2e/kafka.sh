#!/bin/bash
# The same SQL on a real broker: Kafka 3.9.2, started by this script.
#
#   kafka.sh RELEASE_DIR DEBUG_DIR
#
#   the Open Library pipeline gives the same reports, and its silver topic,
#     folded by kcat under read_committed, is the view
#   a second run publishes nothing; the second edition corrects and deletes
#   a re-keyed GROUP BY over four partitions gives one answer: in one process,
#     in two with two workers each, and when one of them is killed -9 and
#     started again while records arrive
#   delivery at_least_once: the same totals, no transactions
#
# SEED=n repeats the moments of the kills.
. "$(dirname "$0")/lib.sh"
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$((seed % 32768))

start_broker || finish

# A topic as an independent consumer sees it, what was aborted left out.
kcat_topic() { # topic
    kcat -b "$brokers" -C -t "$1" -o beginning -e -q -J \
        -X isolation.level=read_committed -X check.crcs=true
}

# --- Open Library -----------------------------------------------------------

published() { # into
    local t
    for t in bronze.openlibrary.subjects silver.openlibrary.works \
        open-library.books_by_year open-library.avg_books_by_year \
        open-library.fantasy_author_books open-library.fantasy_books_per_year
    do
        echo "== $t"
        kcat_topic "$t"
    done >"$1"
}

silver_is_the_view() { # want.jsonl folder
    kcat_topic silver.openlibrary.works >"$2/silver"
    arguments "$2"
    "$cupel" query "${args[@]}" --brokers "$brokers" 'SELECT * FROM works' \
        -o jsonl >"$2/view"
    python3 "$here/check.py" folded "$2/view" "$2/silver" &&
        python3 "$here/check.py" folded "$1" "$2/silver" -fetched_at &&
        python3 "$here/check.py" steady "$2/silver"
}

deletes() { # topic
    local n
    n=$(kcat_topic "$1" | grep -c '"payload":null')
    echo "$n deletes"
    [ "$n" -gt 10 ]
}

open_library() {
    local a=$work/library
    local on=(--brokers "$brokers" --set page_size=20)
    python3 "$here/reports.py" "$work/want1" 1
    python3 "$here/reports.py" "$work/want2" 1 2
    serve --rate-429 5 --retry-after 0 --soft-failures 1
    pipeline "$a"
    check "the pipeline runs on a broker" drain "$a" "${on[@]}"
    check "and gives the same reports" reports_equal "$work/want1" "$a"
    check "its silver topic, folded by kcat, is the view" \
        silver_is_the_view "$work/want1/silver.jsonl" "$a"
    published "$a/before"
    check "a second run goes through" drain "$a" "${on[@]}"
    published "$a/after"
    check "and publishes nothing" cmp "$a/before" "$a/after"
    check "and gives the same reports again" \
        reports_equal "$work/want1" "$a"
    end "$server"

    serve --edition 2
    rm -rf "$a/state"
    check "the second edition goes through, without the state folder" \
        drain "$a" "${on[@]}"
    check "and corrects the reports" reports_equal "$work/want2" "$a"
    check "and the silver topic" \
        silver_is_the_view "$work/want2/silver.jsonl" "$a"
    check "rows that are gone are deleted from their topic" \
        deletes open-library.books_by_year
    end "$server"
}

# --- two processes, an exchange, kills --------------------------------------

sales_sql() { # folder
    mkdir -p "$1"
    cat >"$1/pipeline.sql" <<'SQL'
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE sale (id bigint NOT NULL, shop text, amount bigint)
  SERVER kafka OPTIONS (topic :'topic', format 'json');
CREATE MATERIALIZED VIEW shops AS
SELECT shop, count(*) AS n, sum(amount) AS total,
       count(DISTINCT amount) AS amounts, min(id) AS first, max(id) AS last
FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW sizes AS
SELECT n % 7 AS size, count(*) AS shops, sum(total) AS total
FROM shops GROUP BY n % 7;
COPY (SELECT * FROM shops ORDER BY shop)
  TO 'reports/shops.csv' WITH (FORMAT csv, HEADER);
COPY (SELECT * FROM sizes ORDER BY size)
  TO 'reports/sizes.csv' WITH (FORMAT csv, HEADER);
SQL
}

sales() { # first last: one JSON object a line
    awk -v a="$1" -v b="$2" 'BEGIN {
        for (i = a; i <= b; i++)
            printf "{\"id\":%d,\"shop\":\"shop %d\",\"amount\":%d}\n", i,
                (i * i + 7 * i) % 211, (i * 37) % 101 }'
}

sales_wanted() { # last folder
    mkdir -p "$2"
    sales 1 "$1" | python3 -c '
import json, sys
shops, out = {}, sys.argv[1]
for line in sys.stdin:
    r = json.loads(line)
    s = shops.setdefault(r["shop"], [0, 0, set(), r["id"], r["id"]])
    s[0] += 1; s[1] += r["amount"]; s[2].add(r["amount"]); s[4] = r["id"]
sizes = {}
for n, total, *_ in shops.values():
    z = sizes.setdefault(n % 7, [0, 0])
    z[0] += 1; z[1] += total
with open(out + "/shops.csv", "w") as f:
    print("shop,n,total,amounts,first,last", file=f)
    for k, s in sorted(shops.items()):
        print(k, s[0], s[1], len(s[2]), s[3], s[4], sep=",", file=f)
with open(out + "/sizes.csv", "w") as f:
    print("size,shops,total", file=f)
    for k, z in sorted(sizes.items()):
        print(k, *z, sep=",", file=f)
' "$2"
}

produce() { # topic first last
    sales "$2" "$3" | "$cupel" produce "$1" --brokers "$brokers" \
        --key-field id -q
}

same_sales() { # want got
    diff "$1/shops.csv" "$2/reports/shops.csv" &&
        diff "$1/sizes.csv" "$2/reports/sizes.csv"
}

# One process of the group; sets pid.
start() { # app folder topic instance option…
    "$cupel" run "$2" --app "$1" --brokers "$brokers" \
        --state "$2/state.$4" --instance "$4" --set topic="$3" "${@:5}" \
        >>"$2/said.$4" 2>&1 &
    pid=$!
    mine $pid
}

# The topic of a view, folded, has the report's rows and says nothing twice.
view_topic_is() { # want app
    kcat_topic "$2.shops" >"$work/shops.topic"
    python3 - "$1/shops.csv" >"$work/shops.want" <<'P'
import csv, json, sys
for r in csv.DictReader(open(sys.argv[1])):
    print(json.dumps({k: v if k == "shop" else int(v) for k, v in r.items()}))
P
    python3 "$here/check.py" folded "$work/shops.want" "$work/shops.topic" &&
        python3 "$here/check.py" steady "$work/shops.topic"
}

one_process() {
    local a=$work/one
    sales_sql "$a"
    start one "$a" sales x --drain
    check "one process reads four partitions" ended "$pid" "$a"/said.x
    check "and re-keys them into the right totals" \
        same_sales "$work/want.sales" "$a"
}

two_processes() {
    local a=$work/two one two
    sales_sql "$a"
    start two "$a" sales x --drain --workers 2
    one=$pid
    start two "$a" sales y --drain --workers 2
    two=$pid
    check "two processes with two workers each: the first ends" ended "$one" \
        "$a"/said.x
    check "and so does the second" ended "$two" "$a"/said.y
    check "and the totals are those of one" \
        same_sales "$work/want.sales" "$a"
    check "and the topic is the view" view_topic_is "$work/want.sales" two
}

# Kills one process after the other while records arrive.
killed() {
    local a=$work/killed at=0 n kills=6 one two
    sales_sql "$a"
    "$cupel" topics create live --partitions 4 --brokers "$brokers" -q \
        >/dev/null 2>&1
    start killed "$a" live x --workers 2
    one=$pid
    start killed "$a" live y --workers 2
    two=$pid
    for n in $(seq $kills); do
        produce live $((at + 1)) $((at + 2000)) || return 1
        at=$((at + 2000))
        sleep "$((RANDOM % 3)).$((RANDOM % 900 + 100))"
        if [ $((n % 2)) = 1 ]; then
            kill_it "$one" "$a"/said.x || return 1
            start killed "$a" live x --workers 2
            one=$pid
        else
            kill_it "$two" "$a"/said.y || return 1
            start killed "$a" live y --workers 2
            two=$pid
        fi
    done
    produce live $((at + 1)) $((at + 2000)) || return 1
    at=$((at + 2000))
    hit TERM "$one"
    hit TERM "$two"
    ended "$one" "$a"/said.x && ended "$two" "$a"/said.y || return 1
    start killed "$a" live x --drain --workers 2
    ended "$pid" "$a"/said.x || return 1
    sales_wanted "$at" "$work/want.live"
    same_sales "$work/want.live" "$a"
}

# Offsets without holes: no transaction was ended in the topic.
no_markers() { # topic
    kcat -b "$brokers" -C -t "$1" -o beginning -e -q -f '%p %o\n' |
        sort -k1n -k2n | awk '
            $1 != part { part = $1; want = 0 }
            { n++; if ($2 != want++) { print "hole at", $0; bad = 1 } }
            END { print n " records"; exit bad || !n }'
}

at_least_once() {
    local a=$work/plain
    sales_sql "$a"
    sed -i "s/WRAPPER kafka;/WRAPPER kafka OPTIONS (delivery 'at_least_once');/" \
        "$a/pipeline.sql"
    start plain "$a" sales x --drain
    check "delivery at_least_once drains" ended "$pid" "$a"/said.x
    check "with the same totals when nothing fails" \
        same_sales "$work/want.sales" "$a"
    check "and without transactions" no_markers plain.shops
    produce sales 20001 20100
    sales_wanted 20100 "$work/want.more"
    start plain "$a" sales x --drain
    check "it goes on where it was" ended "$pid" "$a"/said.x
    check "and nothing is read twice" same_sales "$work/want.more" "$a"
}

exchange() {
    check "a topic of four partitions is made" "$cupel" topics create sales \
        --partitions 4 --brokers "$brokers"
    check "and filled" produce sales 1 20000
    sales_wanted 20000 "$work/want.sales"
    one_process
    two_processes
    check "kills -9 during the run change nothing (seed $seed)" killed
    check "and the topic is the view" view_topic_is "$work/want.live" killed
    at_least_once
}

echo "seed $seed"
open_library
exchange
finish
