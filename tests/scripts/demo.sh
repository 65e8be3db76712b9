#!/bin/bash
# make demo: the Open Library pipeline, end to end, on this machine.
#
# Serves generated pages from a small loopback server (tests/openlibrary),
# runs the pipeline to the end on the embedded log, and shows the reports.
# Nothing leaves the machine; no broker, no account, no set-up.
#
#   make demo EDITION=2     the same catalogue, a month later
set -eu
cd "$(dirname "$0")/../.."
cupel=build/cupel
demo=build/demo
app=$demo/open-library
mkdir -p "$app"

# Each page fails once and each third request is refused, as in real life.
rm -f "$demo/port"
python3 tests/openlibrary/server.py --port 0 --rate-429 3 --soft-failures 1 \
    --edition "${EDITION:-1}" >"$demo/port" 2>"$demo/server.log" &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 200); do
    [ -s "$demo/port" ] && break
    sleep 0.05
done
[ -s "$demo/port" ] || {
    cat "$demo/server.log" >&2
    exit 1
}
url=http://127.0.0.1:$(head -1 "$demo/port")

# The shipped pipeline, in a folder of the demo's own, so that its reports and
# state lie together and the next run goes on where this one stopped.
cp pipelines/open-library/pipeline.sql "$app/"
echo
echo "\$ cupel run pipelines/open-library --drain    (pages from $url)"
echo
"$cupel" run "$app" --drain --state "$demo/state" \
    --set openlibrary_url="$url" --set allow_private=true \
    --set rate_limit=200/s --set timeout='5 seconds' --set backoff='20ms'

show() { # report title
    echo
    echo "$2"
    echo
    python3 tests/scripts/show_csv.py "$app/reports/$1.csv" 8
}
show authors_and_titles "Authors and titles: one row per work and author"
show books_by_year "Books by year: works of an author name in a year"
show avg_books_by_year "Average: mean of an author's yearly counts"

cat <<NEXT

What happened: pages were collected over HTTP into the topic
bronze.openlibrary.subjects, deduplicated into silver.openlibrary.works, and
eleven reports were written from it. All of that is one file of SQL:
pipelines/open-library/pipeline.sql. Try next:

  make demo                 again: nothing is counted twice
  make demo EDITION=2       a month later: rows change, appear and vanish

  $cupel query $app --state $demo/state \\
      'SELECT subject, count(*) FROM works GROUP BY subject'
  $cupel tail silver.openlibrary.works --state $demo/state \\
      --from-beginning --until-end -n 3
  $cupel explain pipelines/open-library

Against the real site, one request a second; its owners ask for your own
address in the User-Agent:

  $cupel run pipelines/open-library --drain \\
      --set user_agent='cupel (you@example.org)' --set subjects=fantasy
NEXT
