#!/bin/bash
# One memory budget: 20 views of many keys under --memory 256MB.
#
#   memory.sh RELEASE_DIR DEBUG_DIR [long]
#
#   aggregates, joins and top-N over one input; the most that the process had
#     resident stays under the budget and what no budget counts (code, stacks,
#     allocator: EXTRA_MB), and nothing is lost
#
# ROWS=n keys, and a tenth more rows (200,000).  The long form has 750,000: five
# million rows of state in the views; then one view of five million keys that
# come in no order.  A quarter of an hour and more.
# shellcheck disable=SC2154
. "$(dirname "$0")/lib.sh"
cupel=$release/cupel # a sanitizer's memory is not ours
long=${3:-}
rows=${ROWS:-$([ "$long" = long ] && echo 750000 || echo 200000)}
budget_mb=256 extra_mb=${EXTRA_MB:-96}
cd "$work" || exit 1

views() {
    local i
    cat <<'SQL'
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE e (k bigint NOT NULL, g bigint, shop text, amount bigint)
  SERVER kafka OPTIONS (topic 'events', format 'json');
SQL
    for i in 1 2 3 4 5 6; do # every key; few rows of a key
        echo "CREATE MATERIALIZED VIEW a$i AS SELECT k, count(*) AS n," \
            "sum(amount + $i) AS total, max(shop) AS shop FROM e GROUP BY k;"
    done
    for i in 1 2 3 4; do # groups of a hundred keys
        echo "CREATE MATERIALIZED VIEW b$i AS SELECT g + $i AS g," \
            "count(*) AS n, count(DISTINCT shop) AS shops, min(amount) AS least" \
            "FROM e GROUP BY g + $i;"
    done
    for i in 1 2 3 4; do # views of views
        echo "CREATE MATERIALIZED VIEW c$i AS SELECT n, count(*) AS keys," \
            "sum(total) AS total FROM a$i GROUP BY n;"
    done
    for i in 1 2 3; do # joins
        echo "CREATE MATERIALIZED VIEW j$i AS SELECT a.k, a.total," \
            "b.total AS other FROM a$i a JOIN a$((i + 1)) b ON a.k = b.k" \
            "WHERE a.k % 4 = $i;"
    done
    for i in 1 2 3; do # top-N
        echo "CREATE MATERIALIZED VIEW t$i AS SELECT g, r, k, amount FROM (" \
            "SELECT g, k, amount, row_number() OVER (PARTITION BY g" \
            "ORDER BY amount DESC, k) AS r FROM e) x WHERE r <= $i;"
    done
    echo "COPY (SELECT sum(total) AS total, sum(keys) AS keys FROM c1)" \
        "TO 'sum.csv' WITH (FORMAT csv);"
}

one_view() {
    cat <<'SQL'
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE e (k bigint NOT NULL, g bigint, shop text, amount bigint)
  SERVER kafka OPTIONS (topic 'events', format 'json');
CREATE MATERIALIZED VIEW a AS SELECT k, count(*) AS n, sum(amount + 1) AS total,
  max(shop) AS shop FROM e GROUP BY k;
CREATE MATERIALIZED VIEW c AS SELECT n, count(*) AS keys, sum(total) AS total
  FROM a GROUP BY n;
COPY (SELECT sum(total) AS total, sum(keys) AS keys FROM c)
  TO 'sum.csv' WITH (FORMAT csv);
SQL
}

make_rows() { # keys, step from key to key
    python3 -c '
import sys
n, step = int(sys.argv[1]), int(sys.argv[2])
w = sys.stdout.write
for i in range(n + n // 10):
    k = i * step % n
    w("{\"k\":%d,\"g\":%d,\"shop\":\"shop number %d\",\"amount\":%d}\n"
      % (k, k // 100, k * 7919 % 100003, i * 31 % 1000))' "$@"
}

stays_in_memory() { # folder, what, keys, step
    local app=$1 what=$2 rows=$3 step=$4 status start took mb wanted
    check "the app of $what is made" \
        "$cupel" run "$app" --drain --state state-"$app"
    make_rows "$rows" "$step" |
        "$cupel" produce events --app "$app" --state state-"$app" -q \
            >produce.said 2>&1 || {
        not_ok "rows are made" produce.said
        finish
    }
    start=$SECONDS
    "$cupel" run "$app" --drain --state state-"$app" \
        --memory ${budget_mb}MB >out 2>said </dev/null
    status=$?
    took=$((SECONDS - start))
    mb=$(sed -n 's/.* \([0-9]*\) MB resident at most.*/\1/p' said)
    echo "$rows keys, $what: ${mb:-?} MB resident at most, $took s;" \
        "budget $budget_mb MB and $extra_mb MB"
    if [ $status = 0 ]; then
        ok "$what of $rows keys: they go through"
    else
        not_ok "$what of $rows keys: they go through (exit $status)" said
    fi
    wanted=$(python3 -c '
import sys
n = int(sys.argv[1])
print("%d,%d" % (sum(i * 31 % 1000 + 1 for i in range(n + n // 10)), n))' \
        "$rows")
    if [ "$(cat "$app"/sum.csv)" = "$wanted" ]; then
        ok "and nothing is lost"
    else
        not_ok "and nothing is lost: $(cat "$app"/sum.csv), not $wanted"
    fi
    if [ "${mb:-99999}" -le $((budget_mb + extra_mb)) ]; then
        ok "and stay in $((budget_mb + extra_mb)) MB"
    else
        not_ok "and stay in $((budget_mb + extra_mb)) MB: ${mb:-?} MB" said
    fi
}

mkdir memory && views >memory/pipeline.sql
stays_in_memory memory "20 views" "$rows" 1
if [ "$long" = long ]; then
    mkdir one && one_view >one/pipeline.sql
    stays_in_memory one "one view" 5000000 7919
fi
finish
