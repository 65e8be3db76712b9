#!/bin/bash
# The shipped pipelines that read files, the whole binary, on the embedded log
# and on a real broker.
#
#   pipelines.sh RELEASE_DIR DEBUG_DIR [PIPELINE…]
#
#   the shipped sample gives the shipped reports, twice
#   the published results come out of the real data, where it is
#   files that come later are read, and correct the reports
#   the same on Apache Kafka
. "$(dirname "$0")/lib.sh"
shared=${CUPEL_SHARED_DATA:-$root/../shared/data}
generate=$root/tests/pipelines/generate.py
compute=$root/tests/pipelines/reports.py
chosen=("${@:3}")
[ ${#chosen[@]} -gt 0 ] ||
    chosen=(window-events purchases-scd2 tier-tracks-weather books-movies
        fleet-sensors)

# A folder with the pipeline and, unless told otherwise, no data.
place() { # pipeline folder [with-data]
    mkdir -p "$2"
    cp "$root/pipelines/$1/pipeline.sql" "$2/"
    mkdir -p "$2/data"
    [ $# -lt 3 ] || cp -r "$root/pipelines/$1/data/." "$2/data/"
}

run() { # pipeline folder [option…]
    local p=$1 folder=$2
    shift 2
    timeout 240 "$cupel" run "$folder" --app "$p" --state "$folder.state" \
        --drain "$@" >"$folder.out" 2>"$folder.said" || {
        tail -20 "$folder.said"
        return 1
    }
}

# Every report that WANT has, byte for byte.
same_reports() { # want folder
    local file bad=0
    for file in "$1"/*.csv; do
        diff "$file" "$2/reports/$(basename "$file")" || bad=1
    done
    return $bad
}

# in = applied + late + dead, in every table of the summary.
adds_up() { # said
    awk '$1 == "table" { for (i = 1; i <= NF; i++) at[$i] = i; on = 1; n = 0; next }
         $1 == "view" { on = 0 }
         on && at["in"] { n++; if ($at["in"] != $at["applied"] + $at["late"] + $at["dead"]) { print; bad = 1 } }
         END { exit bad || !n }' "$1"
}

sample() { # pipeline log-name [option…]
    local p=$1 on=$2 a=$work/$1.$2
    shift 2
    place "$p" "$a" with-data
    check "$p, $on: the sample goes through" run "$p" "$a" "$@"
    check "$p, $on: and gives the shipped reports" \
        same_reports "$root/pipelines/$p/expected" "$a"
    check "$p, $on: in = applied + late + dead" adds_up "$a.said"
    check "$p, $on: a second run goes through" run "$p" "$a" "$@"
    check "$p, $on: and gives the same reports" \
        same_reports "$root/pipelines/$p/expected" "$a"
}

# The published answer; said when the data is not here.
have() { # folder
    [ -d "$shared/$1" ] && return
    skip "$shared/$1 is not there: CUPEL_SHARED_DATA says where the seeds'" \
        "data is"
    return 1
}

# --- the published results ---------------------------------------------------

published_window-events() {
    have window-events || return
    local a=$work/windows want=$work/windows.want
    place window-events "$a"
    python3 "$generate" window-events "$a/data" \
        --windows "$shared/window-events/expected_windows_10min.csv"
    python3 "$compute" window-events "$a/data" "$want"
    check "window-events: 100,000 events go through" run window-events "$a"
    check "window-events: the mean of the windows is the published one" \
        grep -qx 319.4888178913738 "$a/reports/average.csv"
    check "window-events: all reports are the computed ones" \
        same_reports "$want" "$a"
    check "window-events: nothing is late" grep -Eq 'events +100000 +100000' \
        "$a.said"
}

published_purchases-scd2() {
    have purchases-scd2 || return
    local a=$work/purchases day
    place purchases-scd2 "$a"
    for day in 1 2; do
        cp "$shared/purchases-scd2/snapshot_day$day.csv" \
            "$a/data/purchases_$day.csv"
        check "purchases-scd2: day $day goes through" run purchases-scd2 "$a"
        check "purchases-scd2: the history after day $day" diff \
            <(tail -n +2 "$shared/purchases-scd2/expected_after_day$day.csv") \
            <(tail -n +2 "$a/reports/history.csv")
    done
    check "purchases-scd2: as of a day" grep -qx \
        1002313004,14,1003433,2023-07-21,1 "$a/reports/as_of.csv"
}

published_tier-tracks-weather() {
    have tier-tracks-weather || return
    local a=$work/tier from=$shared/tier-tracks-weather
    place tier-tracks-weather "$a"
    cp "$from/weather.sample.json" "$a/data/weather.json"
    cp "$from/track_events.sample.json" "$a/data/track_events.json"
    python3 "$compute" tier-tracks-weather "$a/data" "$a.want"
    check "tier-tracks-weather: the seed's records go through" \
        run tier-tracks-weather "$a"
    check "tier-tracks-weather: and give the computed reports" \
        same_reports "$a.want" "$a"
    check "tier-tracks-weather: no digit is lost" grep -q \
        'Zurich,29.09,0.43,0.0305,0.01,rain,29.09,10.12,1.94' \
        "$a/reports/weather.csv"
}

published_books-movies() {
    have books-movies || return
    local a=$work/books f
    place books-movies "$a"
    cp "$shared"/books-movies/*.csv "$a/data/"
    for f in authors books reviews; do
        cp "$shared/books-movies/$f.json" "$a/data/"
    done
    python3 "$compute" books-movies "$a/data" "$a.want"
    check "books-movies: the real dumps go through" run books-movies "$a"
    check "books-movies: the six questions are right" \
        same_reports "$a.want" "$a"
    check "books-movies: 93.41, 4, 3, 722.27, 0.94, 714" diff - \
        <(tail -qn 1 "$a"/reports/q[2-6]*.csv && sed -n 2p "$a/reports/q1_based_on_books.csv") <<'W'
4
3
722.27
0.94
714
t,93.41
W
    check "books-movies: the seed's own numbers" diff - \
        "$a/reports/seed_answers.csv" <<'W'
question,answer
2,3
3,0
4,722.26
5,0.94
6,234
W
    second_dump "$a"
}

# An author is gone, a book was moved, a review edited: nothing is lost.
second_dump() { # folder
    python3 - "$1/data" <<'P'
import json, sys
def edit(name, change):
    path = f"{sys.argv[1]}/{name}.json"
    rows = json.load(open(path, encoding="utf-8"))
    change(rows)
    json.dump(rows, open(path, "w", encoding="utf-8"))
edit("authors", lambda r: r.pop(0))
edit("books", lambda r: r[0].update(publisher="Moved House"))
def review(r):
    r[0]["rating"]["rate"] = 4
    r[0]["updated"] = "2022-01-01T00:00:00.000+0100"
edit("reviews", review)
P
    check "books-movies: the second dump goes through" run books-movies "$1"
    check "books-movies: the same counts" diff "$1.want/counts.csv" \
        "$1/reports/counts.csv"
    "$cupel" query "$1" --app books-movies --state "$1.state" -o csv \
        "SELECT (SELECT count(*) FROM authors WHERE name = 'josh johnston'),
                (SELECT publisher FROM books WHERE name = 'an evil cradling'),
                (SELECT rate FROM reviews ORDER BY created, rate LIMIT 1)" \
        >"$1.edited" 2>&1
    "$cupel" query "$1" --app books-movies --state "$1.state" -o csv \
        "SELECT count(*) FROM reviews WHERE updated = '2022-01-01 00:00+01'
         AND rate = 4" >>"$1.edited" 2>&1
    check "books-movies: the author stays, edits are current" \
        grep -q '^1,moved house,' "$1.edited"
    check "books-movies: the edited review is current" grep -qx 1 "$1.edited"
    check "books-movies: bronze has both dumps" test \
        "$("$cupel" tail bronze.books --app books-movies --state "$1.state" \
            --from-beginning --until-end -o jsonl 2>/dev/null |
            grep -c 'An Evil Cradling')" = 2
}

# The first day without the sensor and its statement: then both come, and what
# was counted goes on.
published_fleet-sensors() {
    local a=$work/fleet from=$root/pipelines/fleet-sensors
    place fleet-sensors "$a"
    cp "$from/data/readings_1.json" "$a/data/"
    sed -e '/^-- The sensor that came later/,/^GROUP BY truck;$/d' \
        -e '/^COPY (SELECT truck, readings, without/,/tyres.csv/d' \
        "$from/pipeline.sql" >"$a/pipeline.sql"
    check "fleet-sensors: a day without the sensor" run fleet-sensors "$a"
    check "fleet-sensors: knows no tyres" \
        test -z "$(grep -l tyre "$a"/reports/*.csv)"
    cp "$from/pipeline.sql" "$a/"
    cp "$from/data/readings_2.json" "$a/data/"
    check "fleet-sensors: the sensor and its ALTER come" run fleet-sensors "$a"
    check "fleet-sensors: and what was counted goes on" \
        same_reports "$from/expected" "$a"
    check "fleet-sensors: a second run reads nothing again" \
        run fleet-sensors "$a"
    check "fleet-sensors: and says so" grep -Eq '^readings +0 +0 +0 +0$' \
        "$a.said"
}

for p in "${chosen[@]}"; do
    sample "$p" embedded
    "published_$p"
done

# --- the same on Kafka -----------------------------------------------------------

start_broker || finish
for p in "${chosen[@]}"; do
    sample "$p" kafka --brokers "$brokers"
done
finish
