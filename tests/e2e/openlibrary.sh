#!/bin/bash
# The Open Library pipeline, the whole binary over HTTP, on the embedded log.
#
#   openlibrary.sh RELEASE_DIR DEBUG_DIR
#
#   the stored page of the real site gives the published reports
#   generated pages give what reports.py computes, through every mood of the
#     server, and once only
#   a second run over unchanged pages publishes nothing
#   a run over the second edition corrects, retracts, deletes
#   the demo's job is fast and small
#   a refused page is a dead letter, and the others are reported
. "$(dirname "$0")/lib.sh"
data=${CUPEL_SHARED_DATA:-$root/../shared/data}/open-library

# --- the stored page --------------------------------------------------------

stored_page() {
    local page=$data/subjects_science_fiction_limit12.json a=$work/stored name
    [ -s "$page" ] || {
        skip "the stored page of the real site is not in $data" \
            "(CUPEL_SHARED_DATA says where)"
        return
    }
    serve --works "$page=science_fiction"
    pipeline "$a"
    check "the stored page goes through" drain "$a" \
        --set subjects=science_fiction
    for name in authors_and_titles books_by_year avg_books_by_year; do
        check "the stored page gives the published $name" \
            python3 "$here/check.py" same "$data/expected/$name.csv" \
            "$a/open-library/reports/$name.csv"
    done
    python3 "$here/reports.py" "$work/want0" "$page=science_fiction"
    check "the stored page gives the five computed reports" \
        reports_equal "$work/want0" "$a"
    end "$server"
}

# --- entities: numbers by first appearance -----------------------------------

# The published tables as the page that they were made from.
page_of() { # processed.csv
    python3 - "$1" <<'P'
import csv, json, sys
works = {}
for r in csv.DictReader(open(sys.argv[1], encoding="utf-8")):
    w = works.setdefault(r["key"], {
        "key": "/works/" + r["key"], "title": r["title"],
        "first_publish_year": int(r["first_publish_year"])
        if r["first_publish_year"] else None, "authors": []})
    w["authors"].append({"key": "/authors/x", "name": r["author"]})
print(json.dumps({"work_count": len(works), "works": list(works.values())}))
P
}

# The same columns of the published table and of the report, as they stand.
published_table() { # published.csv columns report.csv
    python3 - "$@" <<'P'
import csv, sys
def rows(path, names):
    got = [[r[n] for n in names] for r in csv.DictReader(open(path))]
    return [list(x) for x in dict.fromkeys(map(tuple, got))]
names = [c.split("=") for c in sys.argv[2].split(",")]
want = rows(sys.argv[1], [n[0] for n in names])
got = rows(sys.argv[3], [n[-1] for n in names])
sys.exit(0 if want == got and want else f"want {want}\ngot {got}")
P
}

entities() {
    local a=$work/entities from=$data/fantasy_processed_2024-09-17.csv
    [ -s "$from" ] || {
        skip "the published tables are not in $data"
        return
    }
    page_of "$from" >"$work/fantasy.json"
    serve --works "$work/fantasy.json=fantasy"
    pipeline "$a"
    check "the published tables' page goes through" drain "$a" \
        --set subjects=fantasy
    check "authors have the published numbers" published_table \
        "$data/fantasy_authors_2024-09-17.csv" \
        author_id,author=full_name,author_firstname=first_name,author_lastname=last_name \
        "$a/open-library/reports/authors.csv"
    check "books have the published numbers" published_table \
        "$data/fantasy_books_2024-09-17.csv" \
        book_id,key=book_key,title=name,first_publish_year \
        "$a/open-library/reports/books.csv"
    check "a book has all its authors" diff \
        <(cut -d, -f7,8 "$from" | tr -d '\r' | tail -n +2 |
            awk -F, '{ print $2 "," $1 }' | sort -t, -k1n -k2n -u) \
        <(tail -n +2 "$a/open-library/reports/books_authors.csv")
    cp "$a/open-library/reports/authors.csv" "$a/authors.before"
    check "a reload goes through" drain "$a" --set subjects=fantasy
    check "and changes no number" cmp "$a/authors.before" \
        "$a/open-library/reports/authors.csv"
    end "$server"
}

# --- generated pages, once, twice, and a month later ------------------------

# Everything that was ever published, to compare before with after.
published() { # folder into
    local t
    for t in bronze.openlibrary.subjects silver.openlibrary.works \
        open-library.books_by_year open-library.avg_books_by_year \
        open-library.fantasy_author_books open-library.fantasy_books_per_year
    do
        topic "$1" "$t" >>"$2" || return 1
        echo "== $t" >>"$2"
    done
}

# Pages in bronze, "subject offset", in order.
pages() { # bronze.jsonl
    python3 -c '
import json, sys
for line in open(sys.argv[1]):
    h = json.loads(line)["headers"]
    print(h["cupel.param.subject"], h["cupel.param.page_offset"])
' "$1" | sort
}

each_page_once() { # folder
    topic "$1" bronze.openlibrary.subjects >"$1/bronze"
    pages "$1/bronze" >"$1/pages"
    {
        seq -f 'fantasy %.0f' 0 20 89
        seq -f 'science_fiction %.0f' 0 20 129
    } | sort | diff - "$1/pages"
}

counted() { # said, then table row column want, four by four
    local said=$1 got bad=0
    shift
    while [ $# -ge 4 ]; do
        got=$(cell "$said" "$1" "$2" "$3")
        [ "$got" = "$4" ] || {
            echo "$2: $3 is ${got:-absent}, not $4"
            bad=1
        }
        shift 4
    done
    return $bad
}

every_mood() { # said
    local mood bad=0
    # The server notes a hanging request when it lets go of it.
    wait_for grep -q hang "$work/requests"
    for mood in 500 cut 429+:0 429 html drop hang:1.5 short badjson 503:0; do
        grep -qF "\"fault\": \"$mood\"" "$work/requests" || {
            echo "the server never answered with $mood"
            bad=1
        }
    done
    # Ten moods, and the soft failure that each of twelve pages began with
    # unless a mood came instead of it.
    local n
    n=$(cell "$1" collector subject_pages retries)
    echo "$n retries"
    [ "$n" -ge 12 ] && return $bad
}

silver_is() { # want.jsonl folder
    topic "$2" silver.openlibrary.works >"$2/silver"
    python3 "$here/check.py" folded "$1" "$2/silver" -fetched_at
}

silver_is_the_view() { # folder
    arguments "$1"
    "$cupel" query "${args[@]}" 'SELECT * FROM works' -o jsonl >"$1/view"
    python3 "$here/check.py" folded "$1/view" "$1/silver"
}

never_repeats() { # folder
    local t bad=0
    for t in silver.openlibrary.works open-library.books_by_year \
        open-library.avg_books_by_year open-library.fantasy_author_books \
        open-library.fantasy_books_per_year; do
        topic "$1" "$t" >"$1/topic"
        python3 "$here/check.py" steady "$1/topic" || {
            echo "in $t"
            bad=1
        }
    done
    return $bad
}

# Rows of edition 1's report that edition 2 has not: the test tests something.
retracts() { # folder topic report
    topic "$1" "$2" | grep -c '"value":null' >"$1/deletes"
    local gone
    gone=$(comm -23 <(sort "$work/want1/$3.csv" | cut -d, -f1-2 | sort -u) \
        <(sort "$work/want2/$3.csv" | cut -d, -f1-2 | sort -u) | wc -l)
    echo "$gone rows are gone, $(cat "$1/deletes") deletes"
    [ "$gone" -gt 10 ] && [ "$(cat "$1/deletes")" -ge "$gone" ]
}

shipped_page() {
    python3 - "$url" "$root/pipelines/open-library/data/page.json" <<'P'
import json, sys, urllib.request
want = json.load(open(sys.argv[2], encoding="utf-8"))
for _ in range(2):  # the first answer is a soft failure
    got = json.load(urllib.request.urlopen(
        sys.argv[1] + "/subjects/fantasy.json?limit=3&offset=1"))
sys.exit(want != got)
P
}

generated() {
    local a=$work/generated
    local small=(--set page_size=20 --set 'timeout=1 second')
    python3 "$here/reports.py" "$work/want1" 1
    python3 "$here/reports.py" "$work/want2" 1 2
    serve --soft-failures 1 --retry-after 0 --fault 2=500 --fault 4=cut \
        --fault 6=429+:0 --fault 7=429 --fault 9=html --fault 11=drop \
        --fault 13=hang:1.5 --fault 15=short --fault 16=badjson \
        --fault 17=503:0 --log "$work/requests"
    pipeline "$a"
    # Which page meets which moods is up to chance: one may meet many.
    sed -i "s/retries '5'/retries '50'/" "$a/open-library/pipeline.sql"
    check "generated pages go through a moody server" drain "$a" "${small[@]}"
    check "and give the computed reports" reports_equal "$work/want1" "$a"
    check "which are those that ship with the pipeline" \
        reports_equal "$root/pipelines/open-library/expected" "$a"
    check "as is a page of the server" shipped_page
    check "every mood was met and retried" every_mood "$a/said"
    check "bronze has each page once" each_page_once "$a"
    check "silver is what was computed" silver_is "$work/want1/silver.jsonl" \
        "$a"
    check "the summary adds up" counted "$a/said" \
        collector subject_pages published 12 collector subject_pages dead 0 \
        table subject_pages in 12 table subject_pages applied 12 \
        table subject_pages dead 0

    published "$a" "$a/before"
    check "a second run goes through" drain "$a" "${small[@]}"
    published "$a" "$a/after"
    check "and publishes nothing at all" cmp "$a/before" "$a/after"
    check "and says so" counted "$a/said" \
        collector subject_pages published 0 \
        collector subject_pages unchanged 12 \
        table subject_pages in 0 view works published 0
    check "and gives the same reports" reports_equal "$work/want1" "$a"
    end "$server"

    serve --edition 2
    check "the second edition goes through" drain "$a" "${small[@]}"
    check "and corrects the reports" reports_equal "$work/want2" "$a"
    # Works that left the site stay: bronze keeps every page, so a work's
    # latest fetch is still there.
    check "silver has the latest fetch of each work" \
        silver_is "$work/want2/silver.jsonl" "$a"
    check "silver folded is the view" silver_is_the_view "$a"
    check "rows that are gone are deleted from their topic" \
        retracts "$a" open-library.books_by_year books_by_year
    check "no topic says the same twice" never_repeats "$a"
    end "$server"
}

# --- a page that is refused -------------------------------------------------

refused() {
    local a=$work/refused
    serve --fault 1=403
    pipeline "$a"
    check "a refused page does not stop the others" drain "$a"
    check "and is counted" counted "$a/said" \
        collector subject_pages dead 1
    arguments "$a"
    "$cupel" dlq list "${args[@]}" -o jsonl >"$a/letters" 2>&1
    check "and is a dead letter with its status" grep -q 403 "$a/letters"
    end "$server"
}

# --- the demo's job ---------------------------------------------------------

# The processor's time: how long it takes besides is the machine's affair.
measured() { # command…
    local TIMEFORMAT='%U %S'
    { time "$@"; } 2>"$work/cpu"
}

# "0.21 s, 34 MB resident at most"
small_and_fast() { # said
    echo "user and system time: $(cat "$work/cpu")"
    tail -1 "$1"
    awk '{ exit !($1 + $2 < 3) }' "$work/cpu" &&
        awk 'END { exit !($2 == "s," && $4 == "MB" && $3 < 64) }' "$1"
}

demonstration() {
    local a=$work/demo cupel=$release/cupel
    serve --rate-429 3 --soft-failures 1
    pipeline "$a"
    check "the demo's job, release build, goes through" measured drain "$a"
    check "and takes less than 3 s of a processor and 64 MB" small_and_fast "$a/said"
    check "and gives the reports that ship" \
        reports_equal "$root/pipelines/open-library/expected" "$a"
    end "$server"
}

stored_page
entities
generated
demonstration
refused
finish
