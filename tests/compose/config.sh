#!/bin/bash
# The cheap part of tests/compose, for `make test`: nothing is started.
#
#   config.sh [RELEASE_DIR DEBUG_DIR]      the folders are not looked at
#
# docker compose reads the file where it is installed; config.py judges it, and
# the Dockerfiles, always.
set -u
cd "$(dirname "$0")/../.."
said=$(python3 tests/compose/config.py .)
echo "$said" | sed '$d'
read -r passed _ failed _ <<<"$(echo "$said" | tail -1)"
if ! docker compose version >/dev/null 2>&1; then
    echo "(docker compose is not installed here: it did not read the file)"
elif why=$(docker compose -f docker-compose.yml config -q 2>&1) &&
    why=$(docker compose -f docker-compose.yml \
        -f tests/compose/compose.test.yml config -q 2>&1); then
    echo "ok docker compose reads it"
    passed=$((passed + 1))
else
    echo "not ok docker compose reads it"
    echo "    $why"
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
