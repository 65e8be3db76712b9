#!/bin/bash
# The 660,000 track events end to end: files to clean tables, joined with the
# weather, to reports, by the binary on the embedded log.
#
#   tracks.sh CUPEL [ROWS]
#
# Prints wall and CPU time beside 27 s, and the most memory beside 256 MB. The
# budget in seconds is for two cores that nobody else uses.
set -eu
cupel=$(realpath "$1")
rows=${2:-660000}
cd "$(dirname "$0")/../.."
work=$(mktemp -d -t cupel-tracks-XXXXXX)
trap 'rm -rf "$work"' EXIT

cp pipelines/tier-tracks-weather/pipeline.sql "$work/"
python3 tests/pipelines/generate.py tier-tracks-weather "$work/data" \
    --rows "$rows" >/dev/null
TIMEFORMAT='%R %U %S'
took=$({ time "$cupel" run "$work/pipeline.sql" --app tracks \
    --state "$work/state" --drain >"$work/out" 2>&1; } 2>&1) || {
    tail -5 "$work/out" >&2
    exit 1
}
read -r wall user system <<<"$took"
megabytes=$(sed -nE 's/^.* s, ([0-9]+) MB resident at most$/\1/p' "$work/out")
events=$(($(wc -l <"$work/reports/track_events.csv") - 1))
awk -v rows="$rows" -v events="$events" -v wall="$wall" -v user="$user" \
    -v sys="$system" -v mb="$megabytes" 'BEGIN {
        printf "tier_tracks  %d events, %d of them once: %.1f s (budget 27), ",
            rows, events, wall
        printf "%.1f s of CPU, %d MB (budget 256)\n", user + sys, mb }'
