#!/bin/bash
# kill -9 and SIGTERM at random moments of `cupel run`, on the embedded log.
#
#   kill.sh RELEASE_DIR DEBUG_DIR        SEED=n repeats the moments
#
# Five times, from nothing: the pages of a slow server are collected by runs
# that are killed five times before one may end; then the second edition's, in
# the same way over the same state.  After each: the five reports, silver,
# each bronze page once and counted once, each dead letter once, no record said
# twice.  Two of the works cannot be read, so that letters are at stake too.
#
# The kills use the release binary (ASan's slow start would have most of them
# hit nothing), SIGTERM the one with ASan, which looks for leaks at the end.
. "$(dirname "$0")/lib.sh"
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$((seed % 32768))
asan=$cupel
kills=0 unfinished=0

# A subject of six works: four fine and without authors, two not.
broken_works() {
    python3 - "$work/broken.json" "$work/broken.jsonl" <<'P'
import json, sys
works = [{"key": "/works/OL90000%dW" % n, "title": "Broken %d" % n,
          "edition_count": n, "first_publish_year": 1950 + n, "authors": []}
         for n in range(6)]
works[1]["first_publish_year"] = "soon"
works[5]["edition_count"] = 10 ** 12
with open(sys.argv[1], "w") as f:
    json.dump({"works": works}, f)
with open(sys.argv[2], "w") as f:
    for n in (0, 2, 3, 4):
        f.write(json.dumps(dict(works[n], subject="broken",
                                availability=None)) + "\n")
P
}

slow_server() { # edition
    serve --edition "$1" --works "$work/broken.json=broken" \
        --fault 1-20000=slow:0.03
}

# What every run of this script takes besides the shipped pipeline's own.
options=(--set page_size=5 --set 'subjects=science_fiction, fantasy, broken')

start() { # folder option…; sets pid
    arguments "$1"
    "$cupel" run "${args[@]}" "${options[@]}" "${@:2}" >>"$1/out" \
        2>>"$1/said" &
    pid=$!
    mine $pid
}

to_the_end() { # folder; the summary is in FOLDER/last
    arguments "$1"
    timeout 240 "$cupel" run "${args[@]}" "${options[@]}" --drain \
        >>"$1/out" 2>"$1/last" && return
    echo "the run to the end failed with $?"
    tail -5 "$1/last"
    return 1
}

# The shipped views take a page twice without harm: the latest fetch wins.
# These do not.
counting_pipeline() { # folder
    pipeline "$1"
    cat >>"$1/open-library/pipeline.sql" <<'SQL'

CREATE MATERIALIZED VIEW pages AS
SELECT subject, count(*) AS pages, sum(jsonb_array_length(body->'works')) AS n
FROM subject_pages GROUP BY subject;
COPY (SELECT subject, pages, n FROM pages ORDER BY subject)
  TO 'reports/pages.csv' WITH (FORMAT csv, HEADER);
SQL
}

pause() { # most milliseconds
    local ms=$((RANDOM % $1))
    sleep "$(printf '0.%03d' $ms)"
}

# Five kills that hit a living process.
kill_five() { # folder
    local hits=0 tries=0
    while [ $hits -lt 5 ] && [ $tries -lt 30 ]; do
        tries=$((tries + 1))
        start "$1" --drain
        pause 300
        if hit KILL $pid; then
            hits=$((hits + 1))
            kills=$((kills + 1))
        fi
        wait $pid 2>/dev/null
    done
}

# Silver, bronze and letters; what is published is what was computed.
topics_right() { # folder want-folder passes
    topic "$1" silver.openlibrary.works >"$1/silver"
    cat "$2/silver.jsonl" "$work/broken.jsonl" >"$1/silver.want"
    python3 "$here/check.py" folded "$1/silver.want" "$1/silver" \
        -fetched_at || return 1
    local t
    for t in silver.openlibrary.works open-library.books_by_year \
        open-library.avg_books_by_year open-library.fantasy_author_books \
        open-library.pages; do
        topic "$1" "$t" >"$1/topic"
        python3 "$here/check.py" steady "$1/topic" || {
            echo "in $t"
            return 1
        }
    done
    topic "$1" bronze.openlibrary.subjects >"$1/bronze"
    topic "$1" open-library.dlq >"$1/letters"
    python3 - "$1" "$3" <<'P'
import json, sys
folder, passes = sys.argv[1], int(sys.argv[2])
pages, seen, counted, bad = {}, set(), {}, 0
for line in open(folder + "/bronze"):
    r = json.loads(line)
    page = (r["headers"]["cupel.param.subject"],
            int(r["headers"]["cupel.param.page_offset"]))
    body = json.dumps(r["value"], sort_keys=True)
    if (page, body) in seen:
        print("bronze has twice the same page", *page)
        bad = 1
    seen.add((page, body))
    pages[page] = pages.get(page, 0) + 1
    n = counted.setdefault(page[0], [0, 0])
    n[0] += 1
    n[1] += len(r["value"]["works"])
want = {("science_fiction", n) for n in range(0, 130, 5)}
want |= {("fantasy", n) for n in range(0, 90, 5)}
want |= {("broken", 0), ("broken", 5)}
if not want <= set(pages) or max(pages.values()) > passes:
    print("pages missing:", sorted(want - set(pages)), "most often:",
          max(pages.values()))
    bad = 1
report = ["%s,%d,%d\n" % (s, *n) for s, n in sorted(counted.items())]
with open(folder + "/open-library/reports/pages.csv") as f:
    if f.readlines()[1:] != report:
        print("pages.csv is not what bronze has:", *report)
        bad = 1
letters = [json.loads(line) for line in open(folder + "/letters")]
codes = sorted(r["headers"]["cupel.error.code"] for r in letters)
# A year that is no number is in the way of two views: works and books.
if codes != ["22003", "22P02", "22P02"]:
    print("dead letters:", codes)
    bad = 1
sys.exit(bad)
P
}

everything_right() { # folder want-folder passes
    reports_equal "$2" "$1" && topics_right "$@"
}

# One edition under kills, then to its end.
edition() { # folder number
    slow_server "$2"
    kill_five "$1"
    to_the_end "$1" || return 1
    end "$server"
    [ "$(cell "$1/last" collector subject_pages published)" = 0 ] ||
        unfinished=$((unfinished + 1))
    everything_right "$1" "$work/want$2" "$2"
}

killed() {
    local round a
    cupel=$release/cupel
    for round in 1 2 3 4 5; do
        a=$work/kill$round
        counting_pipeline "$a"
        check "round $round: killed five times, then all is right" \
            edition "$a" 1
        check "round $round: and so over the second edition" edition "$a" 2
        rm -rf "$a/state"
    done
    check "fifty kills hit a running process (seed $seed)" test $kills -ge 50
    check "and left $unfinished of 10 passes for the last run to finish" \
        test $unfinished -ge 1
}

# --- SIGTERM ----------------------------------------------------------------

# With --drain: 130, interrupted, or 0, it was done.  Without: always 0.
terminated() { # folder
    local n rc
    slow_server 1
    for n in $(seq 12); do
        if [ $((n % 2)) = 0 ]; then
            start "$1" --drain
        else
            start "$1" --listen 127.0.0.1:0
        fi
        # Before that it has nothing to lose.
        wait_for [ -e "$1/state/db/LOCK" ]
        sleep 0.15
        pause 400
        hit TERM $pid
        timeout 240 tail --pid=$pid -s 0.05 -f /dev/null || hit KILL $pid
        wait $pid
        rc=$?
        [ $rc = 0 ] || { [ $rc = 130 ] && [ $((n % 2)) = 0 ]; } || {
            echo "run $n ended with $rc on SIGTERM"
            tail -5 "$1/said"
            return 1
        }
    done
    to_the_end "$1" || return 1
    end "$server"
    everything_right "$1" "$work/want1" 1
}

terms() {
    cupel=$asan
    counting_pipeline "$work/term"
    check "twelve SIGTERMs lose and repeat nothing (seed $seed)" \
        terminated "$work/term"
}

echo "seed $seed"
python3 "$here/reports.py" "$work/want1" 1
python3 "$here/reports.py" "$work/want2" 1 2
broken_works
killed
terms
finish
