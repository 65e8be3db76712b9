#!/bin/bash
# Random plans through the whole binary: a real broker and the embedded log.
#
#   random_kafka.sh RELEASE_DIR DEBUG_DIR
#
#   SEED=n repeats the plans and the moments of the kills; PLANS=n (10) is how
#   many cases of the oracle (tests/oracle, level 2) make the app
#
# The cases' tables and views become one app, their changes go into topics of
# up to three partitions in six pieces.  Meanwhile the app runs:
#
#   Kafka      two processes with two workers each; after each piece one of
#              them is killed -9 and started again
#   embedded   one process with two workers, killed -9 with each piece
#
# Before, the first piece is drained; then a run is drained and time ends.  Every
# view, as `cupel query` shows it and as kcat reads
# its topic under read_committed, is what PostgreSQL says.  Kills use the
# release binary: ASan's slow start would have most of them hit nothing.
. "$(dirname "$0")/lib.sh"
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
plans=${PLANS:-10}
pieces=6
RANDOM=$((seed % 32768))
cupel=$release/cupel
oracle=$debug/tests/oracle/oracle
app=$work/random
brokers=

plan() {
    mkdir -p "$app"
    SEED=$seed "$root/tests/oracle/run.sh" "$release" "$debug" \
        plans "$plans" "$app" >"$work/plan.said" 2>&1
    case $? in
    0) ;;
    77)
        skip "$(grep SKIPPED "$work/plan.said")"
        finish
        ;;
    *)
        not_ok "the oracle draws plans" "$work/plan.said"
        finish
        ;;
    esac
    python3 "$here/random_plans.py" question "$app/expected.jsonl" \
        >"$work/question"
}

feed() { # piece brokers|state WHERE
    SEED=$seed "$oracle" feed "$plans" "$1" "$pieces" "$2" "$3"
}

pause() { # most milliseconds
    local ms=$((RANDOM % $1))
    sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
}

# Sets pid.
start() { # state option…
    "$cupel" run "$app/pipeline.sql" --app random --state "$1" --workers 2 \
        ${brokers:+--brokers "$brokers"} "${@:2}" >>"$1.said" 2>&1 &
    pid=$!
    mine $pid
}

answers() { # state
    "$cupel" query "$app/pipeline.sql" --app random --state "$1" \
        ${brokers:+--brokers "$brokers"} -o jsonl "$(cat "$work/question")" \
        >"$1.answer" || return 1
    python3 "$here/random_plans.py" answer "$app/expected.jsonl" "$1.answer"
}

views() {
    python3 -c 'import json, sys
for line in open(sys.argv[1]):
    print(json.loads(line)["view"])' "$app/expected.jsonl"
}

kafka_topics() {
    local v
    mkdir -p "$work/topics"
    for v in $(views); do
        kcat -b "$brokers" -C -t "random.$v" -o beginning -e -q -J \
            -X isolation.level=read_committed >"$work/topics/$v" || return 1
    done
    python3 "$here/random_plans.py" topics "$app/expected.jsonl" \
        "$work/topics"
}

local_topics() { # state
    local v
    mkdir -p "$work/local"
    for v in $(views); do
        "$cupel" tail "random.$v" --state "$1" --from-beginning --until-end \
            -o jsonl >"$work/local/$v" 2>"$1.tail" || return 1
    done
    python3 "$here/random_plans.py" topics "$app/expected.jsonl" \
        "$work/local"
}

on_kafka() {
    local n one two
    feed 0 brokers "$brokers" || return 1
    start "$work/x" --instance x --drain
    ended "$pid" "$work/x.said" || return 1
    start "$work/x" --instance x
    one=$pid
    start "$work/y" --instance y
    two=$pid
    for n in $(seq $((pieces - 1))); do
        pause 2500
        feed "$n" brokers "$brokers" || return 1
        pause 500
        if [ $((RANDOM % 2)) = 0 ]; then
            kill_it "$one" "$work/x.said" || return 1
            start "$work/x" --instance x
            one=$pid
        else
            kill_it "$two" "$work/y.said" || return 1
            start "$work/y" --instance y
            two=$pid
        fi
    done
    pause 2500
    hit TERM "$one"
    hit TERM "$two"
    ended "$one" "$work/x.said" && ended "$two" "$work/y.said" || return 1
    start "$work/x" --instance x --drain --final
    ended "$pid" "$work/x.said"
}

embedded() {
    local n
    feed 0 state "$work/local.state" || return 1
    start "$work/local.state" --drain
    ended "$pid" "$work/local.state.said" || return 1
    for n in $(seq $((pieces - 1))); do
        feed "$n" state "$work/local.state" || return 1
        start "$work/local.state"
        pause 1200
        kill_it "$pid" "$work/local.state.said" || return 1
    done
    start "$work/local.state" --drain --final
    ended "$pid" "$work/local.state.said"
}

echo "seed $seed"
plan
check "random plans run on the embedded log, with kills" embedded
check "its views are PostgreSQL's (seed $seed)" answers "$work/local.state"
check "and so are their topics" local_topics "$work/local.state"
start_broker || finish
check "they run on a broker, in two processes, with kills" on_kafka
check "the views are PostgreSQL's (seed $seed)" answers "$work/x"
check "and so are their topics, read by kcat" kafka_topics
finish
