# Sourced by run.sh: what is checked of the running cluster.
#
#   edition 1 with one worker, with three        the reports, PostgreSQL
#   edition 2 while a worker is killed -9        corrections, deletes
#   two workers; the broker is killed -9         still the same
#   edition 1 again                              corrected back
#   stop, down -v                                exit 0, nothing left
#
# What must come out is computed by tests/e2e/reports.py without cupel; topics
# are read by kcat under read_committed, tables by psql.
# shellcheck shell=bash

e2e=$root_dir/tests/e2e
passed=0 failed=0
reports="books_by_year avg_books_by_year fantasy_author_books
    fantasy_books_per_year"
cluster=$work/cluster # what a run leaves to look at

# Ports, pace and edition of this run; the file's own defaults are for people.
export COMPOSE_PROJECT_NAME=cupel-test EDITION=1 RATE_LIMIT=50/s
export COLLECT_EVERY='3 seconds'

dc() {
    docker compose --ansi never --progress quiet -f "$compose" \
        -f "$here/compose.test.yml" "$@"
}

down() { dc down -v --remove-orphans --timeout 30; }

check() { # name command…
    local name=$1
    shift
    if "$@" 3>&1 >"$cluster/check.out" 2>&1; then
        passed=$((passed + 1))
        say "ok $name"
    else
        failed=$((failed + 1))
        say "not ok $name"
        tail -15 "$cluster/check.out" | sed 's/^/    /'
    fi
}

# Repeats a check until it holds; the last try tells why it did not.
within() { # seconds command…
    local end=$((SECONDS + $1)) out
    shift
    while ! out=$("$@" 2>&1); do
        [ $SECONDS -lt $end ] || {
            echo "$out"
            return 1
        }
        sleep 1
    done
    echo "$out"
}

# --- what is there ----------------------------------------------------------------

each() { dc ps -q collector worker; } # containers of cupel

kcat_topic() { # topic
    kcat -b "127.0.0.1:$KAFKA_PORT" -C -t "$1" -o beginning -e -q -J \
        -X isolation.level=read_committed -X check.crcs=true
}

topic_of() { # view
    [ "$1" = works ] && echo silver.openlibrary.works || echo "open-library.$1"
}

psql_() {
    dc exec -T postgres psql -U cupel -d warehouse -qAtX -v ON_ERROR_STOP=1 \
        -c "$1"
}

table_csv() { # columns table order
    psql_ "COPY (SELECT $1 FROM $2 ORDER BY $3) TO STDOUT WITH (FORMAT csv, HEADER)"
}

metric() { # container name: its samples added up, 0 when there is none
    docker exec "$1" bash -c 'exec 3<>/dev/tcp/127.0.0.1/9464
        printf "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n" >&3
        cat <&3' | awk -v name="cupel_$2" '
        $1 == name || index($1, name "{") == 1 { n += $2 }
        END { print n + 0 }'
}

metrics() { # name: of all containers
    local c n=0
    for c in $(each); do
        n=$((n + $(metric "$c" "$1")))
    done
    echo $n
}

# --- what is checked ---------------------------------------------------------------

# The table of a view in PostgreSQL is the report, byte for byte.
table_is() { # want view columns order
    table_csv "$3" "$2" "$4" | diff "$1/$2.csv" -
}

tables_are() { # want
    local c='COLLATE "C"' bad=0
    table_is "$1" avg_books_by_year 'author, average' "author $c" || bad=1
    table_is "$1" fantasy_author_books 'key, title, first_publish_year, author,
        author_firstname, author_lastname' "key $c, author $c" || bad=1
    table_is "$1" fantasy_books_per_year \
        'author, books, distinct_years, average' "author $c" || bad=1
    table_is "$1" books_by_year 'author, nullif(year, 0) AS year, books' \
        "author $c, nullif(year, 0)" || bad=1
    [ $bad = 0 ]
}

# A topic, folded by an independent reader, is the report; no record repeats
# what the one before it said.
topics_are() { # want
    local name
    for name in $reports; do
        kcat_topic "$(topic_of "$name")" >"$cluster/$name.topic" &&
            python3 "$here/rows.py" "$1/$name.csv" >"$cluster/$name.want" &&
            python3 "$e2e/check.py" folded "$cluster/$name.want" \
                "$cluster/$name.topic" || {
            echo "topic of $name"
            return 1
        }
    done
    kcat_topic silver.openlibrary.works >"$cluster/works.topic" &&
        python3 "$e2e/check.py" folded "$1/silver.jsonl" \
            "$cluster/works.topic" -fetched_at
}

nothing_twice() {
    local name
    for name in works $reports; do
        kcat_topic "$(topic_of "$name")" >"$cluster/$name.topic" &&
            python3 "$e2e/check.py" steady "$cluster/$name.topic" || {
            echo "topic of $name"
            return 1
        }
    done
}

view_is_topic() {
    dc exec -T collector cupel query /pipelines/open-library/pipeline.sql \
        /pipelines/open-library/postgres/sink.sql --set=schema=public \
        --set=partitions=4 -o jsonl 'SELECT * FROM works' >"$cluster/view" &&
        kcat_topic silver.openlibrary.works >"$cluster/works.topic" &&
        python3 "$e2e/check.py" folded "$cluster/view" "$cluster/works.topic"
}

bronze_counts() { # pages
    local n
    n=$(kcat_topic bronze.openlibrary.subjects | wc -l)
    echo "$n pages"
    [ "$n" = "$1" ]
}

# That many containers run, and each has partitions: it has committed.
working() { # containers
    local c n=0 all=0
    for c in $(each); do
        all=$((all + 1))
        [ "$(metric "$c" commits_total)" -gt 0 ] && n=$((n + 1))
    done
    echo "$n of $all work"
    [ "$all" = "$1" ] && [ "$n" = "$1" ]
}

# So many of them have published changes of views.
spread() { # containers
    local c n=0
    for c in $(each); do
        [ "$(metric "$c" view_changes_total)" -gt 0 ] && n=$((n + 1))
    done
    echo "$n have published"
    [ "$n" -ge "$1" ]
}

everything_is() { # want
    within 90 tables_are "$1" && within 30 topics_are "$1"
}

edition() { # n
    export EDITION=$1
    dc up -d --no-deps openlibrary
}

no_letters() {
    local n
    n=$(metrics rows_dead_total)
    echo "$n letters"
    [ "$n" = 0 ] && [ -z "$(kcat_topic open-library.dlq)" ]
}

not_root() {
    local c pid
    for c in $(each) $(dc ps -q openlibrary); do
        pid=$(docker inspect -f '{{.State.Pid}}' "$c")
        grep -E '^(Name|Uid|CapEff)' "/proc/$pid/status"
        [ "$(awk '$1 == "Uid:" { print $3 }' "/proc/$pid/status")" != 0 ] ||
            return 1
    done
    [ -n "$c" ]
}

loopback_only() {
    docker ps --format '{{.Ports}}' | tr ',' '\n' | grep -e '->' |
        tee "$cluster/ports"
    [ -s "$cluster/ports" ] && ! grep -v '127\.0\.0\.1:' "$cluster/ports" &&
        (exec 3<>"/dev/tcp/127.0.0.1/$KAFKA_PORT")
}

kill_one() { # service: -9, its container stays dead
    docker kill -s KILL "$(dc ps -q "$1" | tail -1)"
}

scaled() { # workers
    dc up -d --no-recreate --scale worker="$1"
}

stopped_cleanly() {
    local began=$SECONDS
    dc stop collector worker || return 1
    say "    stopped within $((SECONDS - began)) s" >&3
    dc ps -a --format '{{.Name}} {{.ExitCode}}' collector worker |
        tee "$cluster/exits"
    [ -s "$cluster/exits" ] && ! grep -v ' 0$' "$cluster/exits"
}

report_files_are() { # want
    local name
    rm -rf "$cluster/reports"
    docker cp -q "$(dc ps -aq collector)":/pipelines/open-library/reports \
        "$cluster/reports" || return 1
    for name in authors_and_titles $reports; do
        diff "$1/$name.csv" "$cluster/reports/$name.csv" || return 1
    done
}

nothing_left() {
    local label=label=com.docker.compose.project=$COMPOSE_PROJECT_NAME left
    left=$(docker ps -aq --filter $label
        docker volume ls -q
        docker network ls -q --filter $label)
    echo "$left"
    [ -z "$left" ]
}

# --- the run ------------------------------------------------------------------------

sizes() {
    docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' |
        grep -E '^(cupel|debian)' | sort | sed 's/^/    /'
}

run_checks() {
    rm -rf "$cluster" && mkdir -p "$cluster" || return 1
    command -v kcat >/dev/null || skip "there is no kcat"
    engine_runs || skip "there is no engine; run.sh setup starts one"
    KAFKA_PORT=$(python3 "$e2e/ports.py" 3)
    export KAFKA_PORT POSTGRES_PORT=$((KAFKA_PORT + 1))
    export METRICS_PORT=$((KAFKA_PORT + 2))
    python3 "$e2e/reports.py" "$cluster/want1" 1
    python3 "$e2e/reports.py" "$cluster/want2" 1 2
    python3 "$e2e/reports.py" "$cluster/want3" 1 2 1
    nothing_left >/dev/null || down >/dev/null 2>&1

    check "the file is well formed" dc config -q
    sizes
    check "the stack becomes healthy" dc up -d --wait --wait-timeout 240
    check "no process of it is root" not_root
    check "its ports are on loopback" loopback_only
    check "PostgreSQL and topics have the reports of edition 1" \
        everything_is "$cluster/want1"
    check "each page was collected once" bronze_counts 12
    check "three workers start" scaled 3
    check "and all of them have work" within 60 working 4
    check "edition 2 is collected" edition 2
    check "while a worker is killed -9" kill_one worker
    check "nothing is lost" everything_is "$cluster/want2"
    check "nothing is doubled" nothing_twice
    check "and the work was spread" spread 3
    check "back to two workers" scaled 2
    check "and both of them have work" within 60 working 3
    check "the broker is killed -9" kill_one kafka
    sleep 3
    check "it comes back" dc up -d --no-recreate --wait --wait-timeout 240 kafka
    check "edition 1 is collected again" edition 1
    check "nothing is lost" everything_is "$cluster/want3"
    check "nothing is doubled" nothing_twice
    check "a view that is asked for is its topic" view_is_topic
    check "no row became a dead letter" no_letters
    docker stats --no-stream --format '    {{.Name}} {{.MemUsage}}'
    check "SIGTERM ends them with exit 0" stopped_cleanly
    check "and the report files are written" report_files_are "$cluster/want3"
    dc logs --no-color >"$cluster/logs" 2>&1
    check "down -v goes through" down
    check "and leaves nothing" nothing_left
    echo "$passed passed, $failed failed"
    [ $failed = 0 ]
}
