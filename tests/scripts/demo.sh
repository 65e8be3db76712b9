#!/bin/bash
# make demo: the Open Library pipeline, end to end, on this machine.
#
# Serves generated pages from a small loopback server (tests/openlibrary),
# runs the pipeline to the end on the embedded log, and shows the reports.
# Nothing leaves the machine; no broker, no account, no set-up.
set -eu
cd "$(dirname "$0")/../.."
cupel=build/cupel
demo=build/demo
mkdir -p "$demo"

python3 tests/openlibrary/server.py --port 0 --rate-429 3 --soft-failures 1 \
    >"$demo/port" 2>"$demo/server.log" &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    [ -s "$demo/port" ] && break
    sleep 0.05
done
port=$(head -1 "$demo/port")
[ -n "$port" ] || { cat "$demo/server.log" >&2; exit 1; }

# The shipped pipeline, in a folder of the demo's own, so that its reports and
# state lie together and a second run goes on where this one stopped.
mkdir -p "$demo/open-library"
cp pipelines/open-library/pipeline.sql "$demo/open-library/"
url="http://127.0.0.1:$port"
options=(--state "$demo/state"
    --set openlibrary_url="$url" --set allow_private=true
    --set rate_limit=200/s --set timeout='5 seconds' --set backoff='20ms')

echo
echo "cupel run pipelines/open-library --drain    (pages from $url)"
echo
"$cupel" run "$demo/open-library" --drain "${options[@]}"

for report in authors_and_titles books_by_year avg_books_by_year; do
    echo
    echo "$report"
    python3 tests/scripts/show_csv.py "$demo/open-library/reports/$report.csv" 8
done

cat <<NEXT

What happened: pages were collected over HTTP into the topic
bronze.openlibrary.subjects, deduplicated into silver.openlibrary.works, and
three reports were kept up to date from it. Try next:

  make demo                          again: nothing is counted twice
  $cupel query $demo/open-library --state $demo/state \\
      'SELECT subject, count(*) FROM works GROUP BY subject'
  $cupel tail silver.openlibrary.works --state $demo/state --from-beginning \\
      --until-end -n 3
  $cupel explain pipelines/open-library
  less pipelines/open-library/pipeline.sql

Against the real site (one request a second, with your own address in the
User-Agent, as its owners ask):

  $cupel run pipelines/open-library --drain \\
      --set user_agent='cupel (you@example.org)' --set subjects='fantasy'
NEXT
