#!/bin/bash
# cupel app repartition, on the embedded log and on Kafka.
#
#   repartition.sh RELEASE_DIR DEBUG_DIR
#
#   to 4 partitions and 1: joins, aggregates, ranks and windows give what a
#     fresh app over the same topics gives, and nothing is said that was said
#   kill -9 at random moments of the command and of what follows changes nothing
#   an input that gained partitions: refused with the command, which mends it
#   refused while the app runs
#
# SEED=n repeats the moments of the kills.
. "$(dirname "$0")/lib.sh"
. "$here/app.sh"
views="shops sizes named best minutes big"

sql() { # folder
    mkdir -p "$1"
    cat >"$1/pipeline.sql" <<'SQL'
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE sale (id bigint NOT NULL, shop bigint, amount bigint,
  at timestamptz OPTIONS (watermark '1 day'))
  SERVER kafka OPTIONS (topic 'sales', format 'json', partitions '2');
CREATE FOREIGN TABLE shop (shop bigint, name text)
  SERVER kafka OPTIONS (topic 'names', format 'json', partitions '2');
CREATE MATERIALIZED VIEW shops AS
SELECT shop, count(*) AS n, sum(amount) AS total FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW sizes AS
SELECT n % 7 AS size, count(*) AS shops, sum(total) AS total
FROM shops GROUP BY n % 7;
CREATE MATERIALIZED VIEW named AS
SELECT name, sum(amount) AS total FROM sale JOIN shop USING (shop)
GROUP BY name;
CREATE MATERIALIZED VIEW best AS
SELECT shop, id, amount, place FROM (
  SELECT shop, id, amount,
         row_number() OVER (PARTITION BY shop ORDER BY amount DESC, id) AS place
  FROM sale) s WHERE place <= 2;
CREATE MATERIALIZED VIEW minutes AS
SELECT window_start, shop % 10 AS tenth, count(*) AS n
FROM tumble(sale, at, interval '1 minute') GROUP BY window_start, shop % 10;
CREATE MATERIALIZED VIEW big AS
SELECT id, amount FROM sale WHERE amount > 90;
SQL
}

sales() { # first last
    awk -v a="$1" -v b="$2" 'BEGIN {
        for (i = a; i <= b; i++)
            printf "{\"id\":%d,\"shop\":%d,\"amount\":%d,\"at\":\"2024-01-01 " \
                "%02d:%02d:00Z\"}\n", i, (i * i + 7 * i) % 211, (i * 37) % 101,
                i % 600 / 60, i % 60 }'
}

names() {
    awk 'BEGIN { for (i = 0; i < 211; i++)
        printf "{\"shop\":%d,\"name\":\"name %d\"}\n", i, i % 17 }'
}

# A topic as JSON lines: all that is committed.
topic_of() { # topic
    at tail "$1" --from-beginning --until-end -o jsonl -q
}

# --leave: one that has stopped does not count for a session more.
run() { timeout 120 "$cupel" run "$a" "${on[@]}" --leave --drain -q; }

move() { timeout 120 "$cupel" app repartition "$a" "${on[@]}" "$@"; }

# The topics are what the records say.
is_fresh() {
    local view
    for view in $views; do
        topic_of "$app.$view" >"$a/$view"
    done
    topic_of sales >"$a/input"
    python3 "$here/repartition.py" "$a/input" "$a"
}

# And those of an app that never saw other partitions.
like_another_app() {
    local view f=$work/fresh
    mkdir -p "$f"
    timeout 120 "$cupel" run "$a" --app fresh --brokers "$brokers" \
        --state "$f/state" --leave --drain -q || return 1
    for view in $views; do
        topic_of "fresh.$view" >"$f/$view"
        topic_of "$app.$view" >"$a/$view"
        [ $view = big ] || python3 "$here/check.py" folded "$f/$view" \
            "$a/$view" || return 1
    done
}

count() { # what was said so far
    local view
    for view in $views; do
        topic_of "$app.$view" | wc -l
    done
}

# Sets sold: how many there are.
sell() { # how many
    sales $((sold + 1)) $((sold + $1)) |
        at produce sales --key-field id --app "$app" -q
    sold=$((sold + $1))
}

moves() { # what it gets, option…
    count >"$a/was"
    check "$kind: it gets $1" move "${@:2}"
    check "$kind: and runs" run
    count >"$a/now"
    check "$kind: nothing is said again" cmp "$a/was" "$a/now"
    sell 300
    check "$kind: it goes on" run
    check "$kind: with the views of its input" is_fresh
}

steps() {
    local n
    check "$kind: the app runs" run
    for n in $1; do
        moves "$n partitions" --partitions "$n"
    done
    check "$kind: what it has already changes nothing" said_nothing "$n"
}

said_nothing() {
    move --partitions "$1" >"$a/said" 2>&1 && grep -q already "$a/said"
}

survives() {
    local n
    count >"$a/was"
    for n in $1; do
        killed "$((n * 100))" 500 "$cupel" app repartition "$a" "${on[@]}" \
            --partitions "$n"
    done
    killed 200 500 "$cupel" run "$a" "${on[@]}"
    move --partitions 3 || return 1
    killed 400 500 "$cupel" run "$a" "${on[@]}" --instance two
    run || return 1
    # What a killed one left open hides what comes after it until it is ended.
    wait_for as_before
}

as_before() {
    count >"$a/now"
    cmp "$a/was" "$a/now" && is_fresh
}

world() { # kind
    kind=$1 app=shop-$1 a=$work/$1/shop-$1 sold=0
    sql "$a"
    on=(--state "$a/state")
    [ "$kind" = kafka ] && on+=(--brokers "$brokers" --instance one)
    at topics create sales --partitions 2 --app "$app" -q >/dev/null
    at topics create names --partitions 2 --app "$app" -q >/dev/null
    names | at produce names --key-field shop --app "$app" -q
    sell 1500
}

while_active() {
    start_active
    check "a running app of this folder is refused" \
        refused 3 move --partitions 7
    lives_in "$a/elsewhere" two
    check "and so it is from another folder" refused 3 move --partitions 7
    check "and says what to do" grep -q "stop them" "$a/refused"
    lives_in "$a/state"
    end "$active"
}

gains() {
    grow sales 3
    check "an input that gained partitions is refused" refused 3 run
    check "and the command is named" grep -q "app repartition" "$a/refused"
    moves "what its input gained"
    check "its views are those of an app that began with them" like_another_app
    check "state and changelogs are the same" at state verify "$a" -q
    check "a state folder that is empty finds out" elsewhere
}

elsewhere() {
    lives_in "$a/elsewhere.2"
    run && is_fresh
    local rc=$?
    lives_in "$a/state"
    return $rc
}

on_kafka() {
    world kafka
    steps "4 1"
    while_active
    check "kafka: kills -9 change nothing (seed $seed)" survives 4
    gains
}

world embedded
steps "1 4"
check "embedded: kills -9 change nothing (seed $seed)" survives "3 5"
with_kafka on_kafka
finish
