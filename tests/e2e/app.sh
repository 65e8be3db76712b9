# Sourced by offsets.sh and repartition.sh, behind lib.sh: one app at a time,
# in folder $a, under the name $app, living where the options `on` say.
#
# SEED=n repeats the moments of the kills.
# shellcheck shell=bash disable=SC2154

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$((seed % 32768))
echo "seed $seed"

at() { "$cupel" "$@" "${on[@]}"; }

# On Kafka: the folder of the state, and who works in it.
lives_in() { # folder [instance]
    on=(--state "$1" --brokers "$brokers" --instance "${2:-one}")
}

# Killed at a random moment; that it ended before is no error.
killed() { # least-ms range-ms command…
    "${@:3}" >>"$a/said.kills" 2>&1 &
    mine $!
    sleep "$(printf '0.%03d' $((RANDOM % $2 + $1)))"
    hit KILL $!
    wait $! 2>/dev/null
}

# What the command says is in $a/refused.
refused() { # want-code command…
    "${@:2}" >"$a/refused" 2>&1
    local code=$?
    cat "$a/refused"
    [ $code = "$1" ]
}

# --- Kafka's own tools -------------------------------------------------------

groups() {
    "$root/tests/kafka/tools.sh" ConsumerGroupCommand \
        --bootstrap-server "$brokers" "$@"
}

grow() { # topic partitions
    "$root/tests/kafka/tools.sh" TopicCommand --bootstrap-server "$brokers" \
        --alter --topic "$1" --partitions "$2" >/dev/null 2>&1
}

has_member() {
    groups --group "$app" --describe --members 2>/dev/null |
        grep -q "$app.one"
}

# Sets active (pid): a process of the app that the group knows.
start_active() {
    "$cupel" run "$a" "${on[@]}" >"$a/said.active" 2>&1 &
    active=$!
    mine $active
    wait_for has_member
}

# Runs a command with a broker and these tools, where they can be had.
with_kafka() { # command…
    start_broker || return
    groups --version >"$work/tools" 2>&1
    if [ $? = 77 ]; then
        skip "Kafka's tools cannot be fetched here"
    else
        "$@"
    fi
}
