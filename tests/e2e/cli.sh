#!/bin/bash
# Every command and every message of the command line, on a small pipeline of
# its own: stopped, and inside a running process through its socket.
#
#   cli.sh RELEASE_DIR DEBUG_DIR
#
#   data/books.csv, data/loans.jsonl ──files──> books, loans ──> two views
#   orders: a topic that `cupel produce` fills
. "$(dirname "$0")/lib.sh"
export LC_ALL=C.UTF-8
unset "${!CUPEL_@}"
cd "$work" || exit 1

# --- asking -----------------------------------------------------------------

rc=0 out="" err=""
go() { # arguments of cupel; sets rc, out, err
    timeout 240 "$cupel" "$@" >"$work/out" 2>"$work/err" </dev/null
    rc=$?
    out=$(cat "$work/out") err=$(cat "$work/err")
}

told() { # what went differently
    not_ok "$1"
    printf '    %s\n' "${@:2}"
}

# The last command ended with this code, said this, exactly.
gave() { # name code out err
    if [ "$rc" != "$2" ]; then
        told "$1" "exit code $rc, not $2" "$out" "$err"
    elif [ "$out" != "$3" ]; then
        told "$1" "stdout:" "$out" "should be:" "$3"
    elif [ "$err" != "$4" ]; then
        told "$1" "stderr:" "$err" "should be:" "$4"
    else
        ok "$1"
    fi
}

# The same with patterns of bash.
like() { # name code out err
    if [ "$rc" != "$2" ]; then
        told "$1" "exit code $rc, not $2" "$out" "$err"
    # shellcheck disable=SC2053
    elif [[ $out != $3 ]]; then
        told "$1" "stdout:" "$out" "should be like:" "$3"
    # shellcheck disable=SC2053
    elif [[ $err != $4 ]]; then
        told "$1" "stderr:" "$err" "should be like:" "$4"
    else
        ok "$1"
    fi
}

truth() { # name command…
    local name=$1
    shift
    if "$@"; then ok "$name"; else not_ok "$name"; fi
}

# --- the pipeline -----------------------------------------------------------

mkdir -p lib/data
cat >lib/pipeline.sql <<'SQL'
CREATE SERVER inbox FOREIGN DATA WRAPPER files OPTIONS (path 'data');
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE books (
  id bigint NOT NULL, title text NOT NULL, author text, year int
) SERVER inbox OPTIONS (
  glob 'books*.csv', format 'csv', mode 'upsert', key 'id',
  topic 'bronze.books');
CREATE FOREIGN TABLE loans (
  book bigint NOT NULL, reader text, days int,
  CONSTRAINT days_positive CHECK (days > 0)
) SERVER inbox OPTIONS (
  glob 'loans*.jsonl', format 'json', mode 'append', topic 'bronze.loans');
CREATE FOREIGN TABLE orders (id bigint NOT NULL, book bigint, n int)
  SERVER kafka OPTIONS (topic 'orders', format 'json', mode 'append');
CREATE MATERIALIZED VIEW by_author AS
SELECT author, count(*) AS books FROM books GROUP BY author;
CREATE MATERIALIZED VIEW days_by_reader AS
SELECT reader, sum(days) AS days FROM loans GROUP BY reader;
CREATE MATERIALIZED VIEW ordered AS
SELECT book, sum(n) AS n FROM orders GROUP BY book;
COPY (SELECT author, books FROM by_author ORDER BY author)
  TO 'reports/by_author.csv' WITH (FORMAT csv, HEADER);
SQL
cat >lib/data/books.csv <<'CSV'
id,title,author,year
1,Emma,Austen,1815
2,Persuasion,Austen,1817
3,Dracula,Stoker,1897
CSV
cat >lib/data/loans.jsonl <<'JSON'
{"book":1,"reader":"Ann","days":14}
{"book":3,"reader":"Bob","days":-1}
{"book":2,"reader":"Ann","days":7}
broken
JSON
mkdir wrong
echo 'CREATE FOREIGN TABLE t (id bigint) SERVER nowhere;' >wrong/a.sql

# --- usage ------------------------------------------------------------------

usage() {
    go
    like "cupel alone lists the commands" 0 "*run *check *explain *query*" ""
    for command in run check explain query collect tail produce topics dlq \
        offsets state doctor completion version help; do
        go help $command
        like "help tells of $command" 0 "cupel $command*--brokers LIST*" ""
        go $command --help
        gave "$command --help is the same" 0 "$out" ""
    done
    go --version
    like "--version" 0 "cupel [0-9]*librdkafka*rocksdb*" ""
    go version -o json
    like "version for programs" 0 '\[{"name":"cupel","version":"[0-9]*"}*\]' ""
    go topcs
    gave "a misspelt command" 2 "" 'error: there is no command "topcs"; did you mean topics?
try: cupel help'
    go frobnicate
    gave "an unknown command" 2 "" 'error: there is no command "frobnicate"
try: cupel help'
    go run lib --drian
    gave "a misspelt option" 2 "" 'error: run does not take --drian; did you mean --drain?
try: cupel help run'
    go query lib --drain
    gave "an option of another command" 2 "" 'error: query does not take --drain
try: cupel help query'
    go run lib --memory many
    gave "a size that is none" 2 "" 'error: --memory wants a size like 256MB, not "many"
try: cupel help run'
    go run lib --workers -3
    gave "a count that is none" 2 "" 'error: --workers wants a number, not "-3"
try: cupel help run'
    go query lib -o xml
    gave "a choice that is none" 2 "" 'error: --output is one of: text json jsonl csv; not "xml"
try: cupel help query'
    go run lib --state
    gave "an option without its value" 2 "" 'error: --state wants a value
try: cupel help run'
    go run lib --set novalue
    gave "a variable without its value" 2 "" 'error: --set wants NAME=VALUE, not "novalue"
try: cupel help run'
    CUPEL_WORKERS=some go check lib
    gave "the environment is read" 2 "" 'error: --workers wants a number, not "some"
try: cupel help
the value is from the environment: CUPEL_WORKERS'
    go run
    gave "run without a path" 2 "" 'error: run wants the path of a pipeline: a folder or file of SQL
try: cupel help run'
    go run nosuch
    gave "a missing path" 1 "" 'error: cannot read nosuch: no such file; name a file of SQL, or a folder that holds *.sql files'
    go query nosuch 'SELECT 1'
    gave "a missing path in front of a query" 2 "" 'error: there is no file or folder "nosuch"
try: cupel help query'
    go run lib wrong
    gave "two paths" 2 "" 'error: several paths need --app NAME
try: cupel help run'
    go dlq
    gave "a verb is missing" 2 "" 'error: dlq wants one of: list show
try: cupel help dlq'
    go dlq empty lib
    gave "an unknown verb" 2 "" 'error: dlq knows: list show; not "empty"
try: cupel help dlq'
    go topics list
    gave "topics of nothing" 2 "" 'error: topics wants --brokers LIST (Kafka), or --app NAME (an embedded log)
try: cupel help topics'
    go tail by_author
    gave "tail of nothing" 2 "" 'error: tail wants the path of a pipeline, or --brokers LIST (Kafka), or --app NAME (an embedded log)
try: cupel help tail'
    go state show
    gave "state of nothing" 2 "" 'error: state show wants the path of a pipeline, --app NAME or --state DIR
try: cupel help state'
    go query lib 'SELECT 1' --command-config nosuch.properties
    gave "a missing properties file" 1 "" 'error: --command-config: cannot open nosuch.properties: No such file or directory; check the path'
    printf 'a=b\nnonsense\n' >bad.properties
    go query lib 'SELECT 1' --command-config bad.properties
    gave "a bad properties file" 2 "" 'error: bad.properties:2: this is not NAME=VALUE
try: cupel help query'
}

# --- before the first run ---------------------------------------------------

before() {
    go check lib
    gave "check" 0 "" 'lib: good: 3 tables, 3 materialized views, 1 report'
    go check wrong
    gave "check of wrong SQL" 2 "" "wrong/a.sql:1:43: error: server \"nowhere\" does not exist [42704]
    CREATE FOREIGN TABLE t (id bigint) SERVER nowhere;
                                              ^
1 error; nothing was started"
    go explain lib
    like "explain" 0 "app lib, consumer group lib*table books*key id*view by_author*aggregate by(author)*reads topic bronze.books*state table*" ""
    go explain lib by_author -o json
    truth "explain for programs" python3 -c '
import json, sys
x = json.load(open("out"))
v = x["views"]
assert [i["view"] for i in v] == ["by_author"], v
assert v[0]["key"] == ["author"] and v[0]["topic"] == "lib.by_author"
assert v[0]["stages"][0]["feeds"][0]["topic"] == "bronze.books"
'
    go explain lib by_autor
    gave "explain of a misspelt view" 2 "" 'error: there is no view "by_autor"; did you mean by_author?
try: cupel help explain'
    go collect lib --dry-run --limit 2
    gave "a dry run shows what it finds" 0 "reads lib/data/books.csv from byte 0
1,Emma,Austen,1815
2,Persuasion,Austen,1817
reads lib/data/loans.jsonl from byte 0
{\"book\":1,\"reader\":\"Ann\",\"days\":14}
{\"book\":3,\"reader\":\"Bob\",\"days\":-1}" ""
    truth "check, explain and a dry run leave no trace" [ ! -e .cupel ]
    for command in "query lib SELECT" "tail lib by_author" "dlq list lib" \
        "offsets show lib" "topics list --app lib" "produce orders --app lib"
    do
        # shellcheck disable=SC2086
        go $command
        gave "no app yet: $command" 1 "" 'error: there is no app in .cupel/lib; run one first (cupel run PATH), or name its folder with --state'
    done
    go state show lib
    gave "no app yet: state show" 1 "" 'error: there is no state in .cupel/lib; run the app first, or name its folder with --state'
    truth "asking makes no folder" [ ! -e .cupel ]
    go collect lib nothing
    gave "collect of an unknown table" 2 "" 'error: there is no table "nothing"
try: cupel help collect'
    rm -rf .cupel
    go collect lib orders --dry-run
    gave "collect of a table that is not collected" 2 "" 'error: table "orders" is not collected: its server is neither http nor files
try: cupel help collect'
    go doctor lib
    like "doctor" 0 "verdict*ok *librdkafka*ok *state *ok *disk *memory *operators 48*limits*clock*embedded log*" "*0 failed"
    truth "doctor leaves no trace" [ ! -e .cupel ]
}

# --- a drained run ----------------------------------------------------------

drained() {
    go collect lib books
    gave "collect of one table" 0 "collector  requests  retries  published  unchanged  dead
books             0        0          3          0     0" ""
    go run lib --drain
    like "run --drain" 0 "" "*books    3        3     0     0
loans    4        2     0     2
orders   0        0     0     0
*by_author *2 *0  lib.by_author
*report lib/reports/by_author.csv
*resident at most"
    truth "the report is written" diff - lib/reports/by_author.csv <<'CSV'
author,books
Austen,2
Stoker,1
CSV
    go run lib --drain -o json -q
    truth "a second run counts nothing twice, for programs" python3 -c '
import json
x = json.load(open("out"))
assert x["adds_up"] is True
assert [t["in"] for t in x["tables"]] == [0, 0, 0], x
assert [c["published"] for c in x["collectors"]] == [0, 0], x
'
    go run lib --drain -q
    gave "-q says nothing" 0 "" ""
    python3 - "$cupel" <<'PY' >terminal 2>&1
import pty, sys
sys.exit(pty.spawn([sys.argv[1], "run", "lib", "--drain"]) >> 8)
PY
    truth "a terminal gets a status block, redrawn" \
        grep -q $'lib  [0-9]*:[0-9][0-9] .*commits .* MB.*' terminal
    truth "and wiped" grep -q $'\033\[.*A\033\[J' terminal
}

# --- each question, stopped and running -------------------------------------

questions() { # "stopped" or "running"
    local n=$1
    go query lib 'SELECT author, books FROM by_author ORDER BY author'
    gave "$n: query" 0 'author  books
Austen      2
Stoker      1' ""
    go query lib 'SELECT author, books FROM by_author ORDER BY author' -o json
    gave "$n: query -o json" 0 '[{"author":"Austen","books":2},
 {"author":"Stoker","books":1}]' ""
    go query lib 'SELECT author, books FROM by_author ORDER BY author' -o jsonl
    gave "$n: query -o jsonl" 0 '{"author":"Austen","books":2}
{"author":"Stoker","books":1}' ""
    go query lib 'SELECT title, year FROM books ORDER BY year' -o csv
    gave "$n: query of a table, -o csv" 0 'title,year
Emma,1815
Persuasion,1817
Dracula,1897' ""
    go query lib 'SELECT * FROM by_autor'
    gave "$n: query of a misspelt view" 2 "" 'error: relation "by_autor" does not exist [42P01]
LINE 1: SELECT * FROM by_autor
                      ^
hint: Perhaps you meant "by_author".'
    go query lib
    gave "$n: query without a query" 2 "" 'error: query wants one SELECT behind the path, in quotes
try: cupel help query'
    go tail lib days_by_reader --from-beginning --until-end
    gave "$n: tail of a view" 0 $'{"reader":"Ann"}\t{"reader":"Ann","days":21}' ""
    go tail bronze.books --app lib --from-beginning -n 1 -f '%t %p %o %S %K %s|%%\n'
    gave "$n: tail -f" 0 'bronze.books 0 0 18 -1 1,Emma,Austen,1815|%' ""
    go tail lib books --from-beginning -n 2 -f '%h\n'
    like "$n: tail shows headers" 0 "*cupel.file=books.csv*cupel.line=2*" ""
    go tail lib by_author --from-beginning --until-end -o jsonl
    truth "$n: tail -o jsonl" python3 -c '
import json
x = [json.loads(line) for line in open("out")]
assert [r["value"]["books"] for r in x] == [2, 1], x
assert x[0]["key"] == {"author": "Austen"} and x[0]["topic"] == "lib.by_author"
'
    go tail lib by_author --from-beginning --until-end -o json
    truth "$n: tail -o json" python3 -c '
import json
assert len(json.load(open("out"))) == 2'
    go tail lib loans --from-beginning --until-end -o csv
    like "$n: tail -o csv" 0 'topic,partition,offset,timestamp,key,value
bronze.loans,0,0,*,,"{""book"":1,""reader"":""Ann"",""days"":14}"*' ""
    go tail lib by_author --until-end
    gave "$n: tail begins at the end" 0 "" 'nothing new; --from-beginning starts at the oldest record'
    go tail lib by_autor
    gave "$n: tail of a misspelt view" 1 "" 'error: there is no topic "by_autor"; did you mean by_author?'
    go tail lib by_author -f '%q'
    gave "$n: an unknown format word" 2 "" 'error: -f does not know "%q"; it knows %s %S %k %K %t %p %o %T %h %%
try: cupel help tail'
    go tail lib
    gave "$n: tail without a name" 2 "" 'error: tail wants the name of one topic or view
try: cupel help tail'
    go topics describe bronze.loans --app lib
    gave "$n: topics describe" 0 'topic         partition  oldest  end  records
bronze.loans          0       0    4        4' ""
    go topics list --app lib -o csv
    like "$n: topics list" 0 "topic,partitions,records,cleanup,retention
bronze.books,1,3,delete,0
bronze.loans,1,4,delete,0
*lib.by_author,1,2,compact,0
*lib.dlq,1,2,delete,0
*orders,1,*" ""
    go topics list lib --app lib
    gave "$n: topics list takes no path" 2 "" 'error: topics list wants no more words; an app is named with --app
try: cupel help topics'
    go topics create orders --app lib
    gave "$n: topics create of one that is there" 3 "" 'error: topic orders exists already, with 1 partition'
    go topics create extra --app lib --partitions 3
    gave "$n: topics create" 0 "" 'made topic extra with 3 partitions'
    go topics delete extra --app lib
    gave "$n: topics delete asks" 3 "" 'this would delete topic extra with its 0 records; nothing was changed: say --yes to do it'
    go topics delete extra --app lib --yes
    gave "$n: topics delete" 0 "" 'deleted topic extra with its 0 records'
    go topics describe extra --app lib
    gave "$n: a topic that is gone" 1 "" 'error: there is no topic "extra"; cupel topics list shows all, cupel topics create extra makes it'
    go dlq list lib -o csv
    like "$n: dlq list" 0 'code,stage,table,view,n,newest,message
22P02,decode,loans,,1,*Z,"invalid input syntax for type json: token ""broken"" is invalid*"
23514,decode,loans,,1,*Z,"new row for relation ""loans"" violates check constraint ""days_positive"""' ""
    go dlq list lib --code 23514
    like "$n: dlq list --code" 0 "*23514*" "1 dead letter"
    go dlq list lib --view orders
    gave "$n: dlq list --view" 0 "" "no dead letters"
    go dlq show lib --code 22P02
    like "$n: dlq show" 0 "letter    1, lib.dlq\[0\] offset *
code      22P02
message   invalid input syntax for type json: *
stage     decode
table     loans
from      bronze.loans\[0\] offset 3
*header    cupel.line=4
*key       null
value     broken" ""
    go dlq show lib all -o jsonl
    truth "$n: dlq show all for programs" python3 -c '
import json
x = [json.loads(line) for line in open("out")]
assert sorted(r["headers"]["cupel.error.code"] for r in x) == ["22P02", "23514"]
assert [r["n"] for r in x] == [2, 1]
assert "broken" in [r["value"] for r in x]
'
    go dlq show lib 7
    gave "$n: dlq show of one too many" 1 "" "there are only 2 letters"
    go dlq show lib x
    gave "$n: dlq show of nonsense" 2 "" 'error: dlq show wants a number (1 is the newest letter) or "all", not "x"
try: cupel help dlq'
    go offsets show lib -o csv
    like "$n: offsets show" 0 "group,topic,partition,position,end,lag,oldest
lib,bronze.books,0,3,3,0,0
lib,bronze.loans,0,4,4,0,0
lib,orders,0,*" ""
    go offsets show --app lib --group lib
    like "$n: offsets show --group" 0 "*lib    bronze.books          0         3    3    0       0*" "lag 0"
    go offsets show --app lib --group other
    gave "$n: offsets of an unknown group" 1 "" 'error: group "other" has no positions here'
    go state show lib
    like "$n: state show" 0 "folder  stage *by_author  *aggregate *2 *materialize *2 *" "*keys, * bytes; folder .cupel/lib has * bytes"
    go collect lib --dry-run books
    gave "$n: a dry run that finds nothing new" 0 "" ""
}

# Lines in, by hand, so that stdin is the test's.
produce() { # text arguments…
    printf "$1" | timeout 240 "$cupel" produce "${@:2}" >out 2>err
    rc=$?
    out=$(cat out) err=$(cat err)
}

producing() { # "stopped" or "running"; the id of its first order
    local n=$1 id=$2
    produce "{\"id\":$id,\"book\":$id,\"n\":2}\n\n{\"id\":$((id + 1)),\"book\":$id,\"n\":3}" orders --app lib
    gave "$n: produce skips empty lines, and ends without a line feed" 0 "" "2 records to orders"
    produce "{\"id\":$((id + 2)),\"book\":$id,\"n\":4}\r\n" orders --app lib --key-field id
    gave "$n: produce with a key" 0 "" "1 record to orders"
    produce "{\"id\":$((id + 3)),\"book\":$id,\"n\":5}\n{\"n\":1}\n{\"id\":9,\"n\":6}\n" orders --app lib --key-field id
    gave "$n: a line without the key" 1 "" "1 record to orders
error: line 2 has no field \"id\""
    produce "oops\n" orders --app lib --key-field id
    gave "$n: a line that is no JSON" 1 "" '0 records to orders
error: line 1 is no JSON object, so it has no field "id"'
    produce "x\n" oders --app lib
    gave "$n: produce to a misspelt topic" 1 "" 'error: there is no topic "oders"; did you mean orders?'
    go tail orders --app lib --from-beginning --until-end -f '%k:%s\n'
    like "$n: what was produced is there" 0 "*:{\"id\":$id,\"book\":$id,\"n\":2}
:{\"id\":$((id + 1)),\"book\":$id,\"n\":3}
$((id + 2)):{\"id\":$((id + 2)),\"book\":$id,\"n\":4}
$((id + 3)):{\"id\":$((id + 3)),\"book\":$id,\"n\":5}" ""
}

# --- while it runs ----------------------------------------------------------

start() { # option…
    "$cupel" run lib "$@" >run.out 2>run.err &
    runner=$!
    mine $runner
    wait_for grep -q '/metrics' run.err || not_ok "the app starts" run.err
}

stop() {
    kill -TERM $runner
    wait $runner
    stopped=$?
}

ordered() { # book n
    go query lib "SELECT n FROM ordered WHERE book = $1" -o csv
    [ "$out" = "n
$2" ]
}

serving() {
    local metrics
    url=$(grep -o 'http://[^/]*' run.err)
    wait_for curl -sf "$url/ready" >ready
    truth "ready" [ "$(cat ready)" = ready ]
    truth "health" [ "$(curl -s "$url/health")" = ok ]
    metrics=$(curl -s "$url/metrics")
    truth "metrics count rows" grep -q '^cupel_rows_in_total{table="orders"} [1-9]' <<<"$metrics"
    truth "metrics count commits" grep -q '^cupel_commits_total [1-9]' <<<"$metrics"
    truth "metrics tell the lag" grep -q '^cupel_lag_records [0-9]' <<<"$metrics"
    truth "metrics have a type and a help each" [ \
        "$(grep -c '^# HELP' <<<"$metrics")" = "$(grep -c '^# TYPE' <<<"$metrics")" ]
    truth "another host's name is refused" [ \
        "$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "$url/metrics")" = 403 ]
    truth "another path is not found" [ \
        "$(curl -s -o /dev/null -w '%{http_code}' "$url/nosuch")" = 404 ]
    truth "POST is refused" [ \
        "$(curl -s -o /dev/null -w '%{http_code}' -d x "$url/metrics")" = 405 ]
}

has_lines() { # n file
    [ "$(wc -l <"$2")" -ge "$1" ]
}

# True when a process has a connection through a socket of a path.
is_connected() { # pid
    local fd inode
    for fd in "/proc/$1/fd"/*; do
        inode=$(readlink "$fd")
        inode=${inode#socket:\[}
        awk -v inode="${inode%]}" '$6 == "03" && $7 == inode { n++ }
            END { exit !n }' /proc/net/unix && return
    done
    return 1
}

running() {
    start
    truth "the socket is the owner's alone" [ "$(stat -c %a .cupel/lib/socket)" = 600 ]
    questions running
    producing running 200
    truth "what is produced reaches the view" wait_for ordered 200 14
    go collect lib
    gave "running: collect is refused" 3 "" 'refused: the app lib is running and collects by itself; stop it first, or look with --dry-run'
    go topics delete orders --app lib --yes
    gave "running: deleting a topic in use is refused" 3 "" 'refused: the running app lib uses topic orders; stop it first'
    go run lib
    gave "a second process names the first" 3 "" "error: app lib is already running: .cupel/lib/lock is held by process $runner; stop it first, or choose another folder"
    go query wrong 'SELECT 1' --state .cupel/lib
    gave "a folder of another app" 1 "" 'error: the process that holds .cupel/lib runs the app "lib", not "wrong"; name another folder with --state'
    go doctor lib
    like "doctor sees the process" 0 "*lock *is held by process $runner *" "*"
    (cd / && "$cupel" query "$work/lib" 'SELECT count(*) AS n FROM books' \
        --state "$work/.cupel/lib" -o csv >"$work/out" 2>"$work/err")
    truth "asked from another folder" [ "$(tr '\n' ' ' <out)" = "n 3 " ]
    CUPEL_OUTPUT=csv go query lib 'SELECT count(*) AS n FROM books'
    gave "the asker's environment counts" 0 "n
3" ""
    local tail before
    before=$("$cupel" tail lib orders --from-beginning --until-end | wc -l)
    "$cupel" tail lib orders --from-beginning -n $((before + 2)) -f '%s\n' \
        >followed 2>&1 &
    tail=$!
    mine $tail
    truth "tail shows what is there" wait_for has_lines $before followed
    produce '{"id":301,"book":301,"n":1}\n' orders --app lib
    truth "tail follows" wait_for has_lines $((before + 1)) followed
    produce '{"id":302,"book":302,"n":1}\n' orders --app lib
    truth "and ends with -n" wait $tail
    truth "tail shows what came" [ "$(tail -2 followed)" = '{"id":301,"book":301,"n":1}
{"id":302,"book":302,"n":1}' ]
    "$cupel" tail lib orders >/dev/null 2>&1 &
    tail=$!
    mine $tail
    hit INT $tail
    wait $tail
    truth "an interrupted tail ends with 130" [ $? = 130 ]
    "$cupel" tail lib orders --from-beginning 2>/dev/null | head -1 >first
    truth "tail ends when nobody reads it" [ -s first ]
    serving
    "$cupel" tail lib orders >/dev/null 2>tail.err &
    tail=$!
    mine $tail
    wait_for is_connected $tail
    stop
    truth "SIGTERM ends a run with 0" [ "$stopped" = 0 ]
    truth "and with a summary" grep -q '^orders .*' run.err
    truth "in = applied + late + dead" awk '
        /^table / { on = 1; next } /^view / { on = 0 }
        on && $2 != $3 + $4 + $5 { bad = 1 } END { exit bad }' run.err
    wait $tail
    truth "a tail ends with the process it asked" [ $? != 0 ]
    truth "the socket is gone" [ ! -e .cupel/lib/socket ]
}

killed() {
    start
    kill -9 $runner
    wait $runner 2>/dev/null
    truth "a killed process leaves its socket" [ -S .cupel/lib/socket ]
    go query lib 'SELECT count(*) AS n FROM books' -o csv
    gave "a stale socket is no obstacle to a query" 0 "n
3" ""
    start
    truth "nor to a run" ordered 200 14
    stop
    truth "which ends well" [ "$stopped" = 0 ]
}

# --- trouble ----------------------------------------------------------------

trouble() {
    go tail orders --brokers 127.0.0.1:1
    like "no broker" 4 "" 'error: no broker answers at 127.0.0.1:1 *Connection refused*is it running? check --brokers'
    go doctor lib --brokers 127.0.0.1:1
    like "doctor without a broker" 1 "*fail *brokers *no broker answers at 127.0.0.1:1*" "*1 failed"
    go run lib --drain --brokers 127.0.0.1:1 --state away
    like "a run without a broker" 4 "" "*no broker answers at 127.0.0.1:1*"
    go run lib --listen nonsense --state other
    gave "a bad --listen" 2 "" 'error: --listen wants HOST:PORT, like 127.0.0.1:9100, not "nonsense"'
    python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True); time.sleep(600)' >port &
    local taken=$!
    mine $taken
    wait_for [ -s port ]
    go run lib --listen "127.0.0.1:$(cat port)" --state other
    gave "a port that is taken" 1 "" "error: cannot listen on 127.0.0.1:$(cat port): Address already in use; choose another port with --listen HOST:PORT"
    end $taken
    echo text >file
    go run lib --drain --state file
    like "a state folder that is a file" 1 "" "error: cannot make the folder file: Not a directory*"
    local deep
    deep=$(printf 'd%.0s' $(seq 101))
    go run lib --drain --state "$deep"
    like "a path too long for a socket is a warning" 0 "" "warning: $deep/socket is too long for a socket (107 bytes at most)*"
    truth "and there is none" [ ! -e "$deep/socket" ]
    go run lib --drain --log-format json --state "$deep"
    truth "talk for programs" python3 -c '
import json
x = json.loads(open("err").readline())
assert x["level"] == "warning" and "too long" in x["message"], x'
}

denied() {
    local other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    mkdir -p locked
    if [ "$(id -u)" = 0 ]; then
        chmod 755 "$work" locked
        "${other[@]}" "$cupel" version >/dev/null 2>&1 || {
            skip "an unprivileged user cannot run $cupel: no permission is" \
                "not tested"
            return
        }
    else
        other=(env)
        chmod 500 locked
    fi
    "${other[@]}" "$cupel" run lib --drain --state locked/state >out 2>err
    rc=$? out=$(cat out) err=$(cat err)
    gave "no permission on the state folder" 1 "" "error: cannot make the folder locked/state: Permission denied; check its owner and permissions"
    "${other[@]}" "$cupel" doctor lib --state locked/state >out 2>err
    rc=$? out=$(cat out) err=$(cat err)
    like "doctor without permission" 1 "*fail *state *Permission denied*give this user the folder*" "*failed"
    if [ "$(id -u)" = 0 ]; then
        "${other[@]}" "$cupel" query lib 'SELECT 1' --state .cupel/lib >out 2>err
        rc=$? out=$(cat out) err=$(cat err)
        like "somebody else's state folder" 1 "" "error: cannot lock .cupel/lib/lock: Permission denied; check its owner and permissions"
    fi
    chmod 700 locked
}

full_disk() {
    mkdir -p full many/data
    mount -t tmpfs -o size=6m none full 2>/dev/null || {
        skip "a small tmpfs cannot be mounted here: a full disk is not tested"
        return
    }
    at_end+=("umount $work/full")
    cat >many/pipeline.sql <<'SQL'
CREATE SERVER inbox FOREIGN DATA WRAPPER files OPTIONS (path 'data');
CREATE FOREIGN TABLE t (id bigint NOT NULL, s text) SERVER inbox
  OPTIONS (glob '*.csv', format 'csv', mode 'append', topic 'bronze.t');
CREATE MATERIALIZED VIEW v AS SELECT s, count(*) AS n FROM t GROUP BY s;
SQL
    python3 -c '
import random
random.seed(1)
print("id,s")
for i in range(100000):
    print(f"{i},{random.getrandbits(160):x}")' >many/data/a.csv
    go run many --drain --state full/state
    like "a full disk is named" 1 "" "*error: *No space left on device*free some space*"
    mount -o remount,size=200m none full
    go run many --drain --state full/state -q
    gave "with more space it goes on" 0 "" ""
    go query many 'SELECT count(*) AS n, count(DISTINCT id) AS ids FROM t' \
        --state full/state -o csv
    gave "and nothing is lost or twice" 0 "n,ids
100000,100000" ""
}

# One view for two others: kept once, read from its state, published nowhere.
shared() {
    mkdir -p both/data
    printf '%s\n' item,shop,n tea,1,2 tea,2,3 rum,1,4 >both/data/sales.csv
    cat >both/a.sql <<'SQL'
CREATE SERVER inbox FOREIGN DATA WRAPPER files OPTIONS (path 'data');
CREATE FOREIGN TABLE sales (item text, shop int, n int) SERVER inbox
  OPTIONS (glob 'sales*.csv', format 'csv');
CREATE VIEW sold WITH (shared) AS
SELECT item, sum(n) AS n FROM sales GROUP BY item;
CREATE MATERIALIZED VIEW most AS SELECT max(n) AS n FROM sold;
COPY (SELECT item, n FROM sold ORDER BY item)
  TO 'sold.csv' WITH (FORMAT csv, HEADER);
SQL
    go check both
    gave "check counts shared views" 0 "" \
        'both: good: 1 table, 1 materialized view, 1 shared view, 1 report'
    go run both --drain -q
    gave "a shared view runs" 0 "" ""
    truth "a report reads it" diff - both/sold.csv <<'CSV'
item,n
rum,4
tea,5
CSV
    go query both 'SELECT s.item, m.n FROM sold s JOIN most m USING (n)' -o csv
    gave "so does a query" 0 $'item,n\ntea,5' ""
    go tail both sold --from-beginning --until-end
    gave "it has no topic" 1 "" 'error: shared view "sold" has no topic: it is fed to its readers in memory; CREATE MATERIALIZED VIEW publishes'
    go topics list --app both -o csv
    truth "nor is there one" bash -c 'grep -q both.most out && ! grep sold out'
    echo 'CREATE MATERIALIZED VIEW few AS SELECT item, n FROM sold WHERE n < 5;' \
        >both/b.sql
    echo cup,1,1 >>both/data/sales.csv
    go run both --drain -q
    gave "a reader comes later" 0 "" ""
    go query both 'SELECT item, n FROM few ORDER BY item' -o csv
    gave "and has all rows" 0 $'item,n\ncup,1\nrum,4' ""
    sed -i 's/VIEW sold WITH (shared)/MATERIALIZED VIEW sold/' both/a.sql
    go run both --drain -q
    like "it is not published from the middle on" 3 "" \
        "*view sold was changed since its state was made*"
}

completions() {
    "$cupel" completion bash >cupel.bash
    truth "completion in bash" bash -c '
        source ./cupel.bash
        complete() { COMP_WORDS=("${@:2}"); COMP_CWORD=$1; _cupel; }
        complete 1 cupel top; [ "${COMPREPLY[*]}" = topics ] || exit
        complete 2 cupel topics d
        [[ "${COMPREPLY[*]}" == "describe delete"* ]] || exit
        complete 2 cupel run --dra; [ "${COMPREPLY[0]}" = --drain ] || exit
        complete 3 cupel query --output js
        [ "${COMPREPLY[*]}" = "json jsonl" ]'
    go completion zsh
    like "completion in zsh" 0 "#compdef cupel*'run:collect*" ""
    go completion fish
    like "completion in fish" 0 "complete -c cupel -n __fish_use_subcommand -a run*" ""
    go completion tcsh
    gave "completion in another shell" 2 "" 'error: completion knows: bash zsh fish; not "tcsh"
try: cupel help completion'
}

usage
before
drained
questions stopped
producing stopped 100
running
killed
trouble
denied
full_disk
shared
completions
finish
