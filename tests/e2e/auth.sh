#!/bin/bash
# A broker that wants to know who asks: Kafka 3.9.2 with four kinds of login
# and permissions that are checked.
#
#   auth.sh RELEASE_DIR DEBUG_DIR
#
#   the same pipeline (an exchange, two views) with SASL PLAIN and SCRAM, by
#     options, by a file with Java's names, by the SQL and a user mapping; and
#     with TLS and a client certificate
#   a wrong password, an unknown CA, no client certificate, the wrong kind of
#     listener: one error that says what to set, exit 1
#   the list of `cupel doctor --acls` is enough; without a line of it there is
#     one error that names what is missing
#   topics that are there already and not as they should be; rows that are too
#     large for them
#   no secret is in anything that was said
#
# ALL=1 takes every permission away in turn, not one of each kind.
. "$(dirname "$0")/lib.sh"
canary=canary-$RANDOM$RANDOM
cd "$work" || exit 1

# --- certificates -----------------------------------------------------------

authority() { # name
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
        -nodes -keyout "$1.key" -out "$1.pem" -days 2 -subj "/CN=$1"
}

certificate() { # name extension
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" &&
        echo "$2" >"$1.ext" &&
        openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key \
            -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt"
}

certificates() {
    authority ca && authority stranger &&
        certificate broker "subjectAltName=IP:127.0.0.1" &&
        certificate client "extendedKeyUsage=clientAuth" &&
        cat broker.key broker.crt >broker.pem &&
        openssl pkcs12 -export -in client.crt -inkey client.key \
            -out client.p12 -passout "pass:$canary"
}

command -v openssl >/dev/null || {
    skip "openssl is not installed"
    finish
}
certificates >certificates.out 2>&1 || {
    not_ok "certificates are made" certificates.out
    finish
}

# --- the broker -------------------------------------------------------------

port=$(python3 "$here/ports.py" 4)
plain=127.0.0.1:$port sasl=127.0.0.1:$((port + 2)) tls=127.0.0.1:$((port + 3))
login=org.apache.kafka.common.security
export CUPEL_KAFKA_SCRAM="SCRAM-SHA-512=[name=scram,password=$canary-scram]"
start_broker \
    "listeners=PLAINTEXT://$plain,SASL_PLAINTEXT://$sasl,SSL://$tls,CONTROLLER://127.0.0.1:$((port + 1))" \
    "advertised.listeners=PLAINTEXT://$plain,SASL_PLAINTEXT://$sasl,SSL://$tls" \
    "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,CONTROLLER:PLAINTEXT" \
    "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512" \
    "listener.name.sasl_plaintext.plain.sasl.jaas.config=$login.plain.PlainLoginModule required user_plain=\"$canary-plain\" user_app=\"$canary-app\";" \
    "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;" \
    "ssl.keystore.type=PEM" "ssl.keystore.location=$work/broker.pem" \
    "ssl.truststore.type=PEM" "ssl.truststore.location=$work/ca.pem" \
    "ssl.client.auth=required" \
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer" \
    "super.users=User:ANONYMOUS;User:plain;User:scram;User:CN=client" ||
    finish

# --- the pipeline -----------------------------------------------------------

pipeline_in() { # folder server-options
    mkdir -p "$1"
    cat >"$1/pipeline.sql" <<SQL
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka $2;
${3:-}
CREATE FOREIGN TABLE sale (id bigint NOT NULL, shop text, amount bigint)
  SERVER kafka OPTIONS (topic 'sales', format 'json');
CREATE MATERIALIZED VIEW shops AS
SELECT shop, count(*) AS n, sum(amount) AS total FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW sizes AS
SELECT n % 7 AS size, count(*) AS shops, sum(total) AS total
FROM shops GROUP BY n % 7;
COPY (SELECT * FROM shops ORDER BY shop)
  TO 'shops.csv' WITH (FORMAT csv, HEADER);
SQL
}

at=0
produce() { # how many
    awk -v a="$at" -v n="$1" 'BEGIN {
        for (i = a + 1; i <= a + n; i++)
            printf "{\"id\":%d,\"shop\":\"s%d\",\"amount\":%d}\n", i, i % 17, i
    }' | "$cupel" produce sales --brokers "$plain" --key-field id -q
    at=$((at + $1))
}

wanted() {
    echo shop,n,total
    awk -v n="$at" 'BEGIN {
        for (i = 1; i <= n; i++) { k = "s" i % 17; c[k]++; t[k] += i }
        for (k in c) print k "," c[k] "," t[k] }' | sort
}

# Drains and compares; what was said is kept for the search for secrets.
runs() { # folder option…
    local folder=$1
    timeout 240 "$cupel" run "$folder" --drain --state "$folder/state" \
        "${@:2}" >>"$folder.said" 2>&1 </dev/null || {
        tail -5 "$folder.said"
        return 1
    }
    wanted | diff - "$folder/shops.csv"
}

# One line, an error, without waiting for ever.  A login that the machine was too
# busy to answer in time is no answer, and tried again.
refused() { # name exit-code pattern option…
    local name=$1 code=$2 pattern=$3 got lines
    shift 3
    for _ in 1 2 3 4 5; do
        timeout 120 "$cupel" run refused --drain --state refused.state "$@" \
            >refused.out 2>refused.err </dev/null
        got=$?
        cat refused.err >>refused.said
        [ $got = 4 ] && [ "$code" != 4 ] || break
    done
    lines=$(wc -l <refused.err)
    # shellcheck disable=SC2053
    if [ $got = "$code" ] && [ "$lines" = 1 ] &&
        [[ $(<refused.err) == $pattern ]]; then
        ok "$name"
    else
        echo "exit $got" >>refused.err
        not_ok "$name" refused.err
    fi
}

logins() {
    local s=security.protocol
    "$cupel" topics create sales --partitions 2 --brokers "$plain" -q \
        >/dev/null 2>&1
    produce 300
    pipeline_in plain ""
    check "SASL PLAIN, by options" runs plain --brokers "$sasl" \
        -X $s=SASL_PLAINTEXT -X sasl.mechanism=PLAIN -X sasl.username=plain \
        -X "sasl.password=$canary-plain"
    cat >java.properties <<P
bootstrap.servers=$sasl
security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=$login.scram.ScramLoginModule required \\
  username="scram" password="$canary-scram";
P
    pipeline_in scram ""
    check "SCRAM, by a file with Java's names" runs scram \
        --command-config java.properties
    printf '%s-scram' "$canary" >sql.password
    mkdir -p sql && cp sql.password sql/
    pipeline_in sql "OPTIONS (brokers '$sasl',
  \"security.protocol\" 'SASL_PLAINTEXT', \"sasl.mechanism\" 'SCRAM-SHA-512')" \
        "CREATE USER MAPPING FOR CURRENT_USER SERVER kafka
  OPTIONS (username 'scram', password_file 'sql.password');"
    check "SCRAM, by the SQL and a user mapping" runs sql
    pipeline_in mtls ""
    check "TLS with a client certificate, by options" runs mtls \
        --brokers "$tls" -X $s=SSL -X ssl.ca.location=ca.pem \
        -X ssl.certificate.location=client.crt -X ssl.key.location=client.key
    cat >tls.properties <<P
security.protocol=SSL
ssl.truststore.type=PEM
ssl.truststore.location=$work/ca.pem
ssl.keystore.type=PKCS12
ssl.keystore.location=$work/client.p12
ssl.keystore.password=$canary
P
    pipeline_in java ""
    # librdkafka 2.0 never frees what it reads from such a store.
    cupel=$release/cupel check \
        "TLS with a PKCS 12 store, by a file with Java's names" runs java \
        --brokers "$tls" --command-config tls.properties
}

refusals() {
    local on=(--brokers "$sasl" -X security.protocol=SASL_PLAINTEXT
        -X sasl.username=plain)
    local over=(--brokers "$tls" -X security.protocol=SSL)
    pipeline_in refused ""
    refused "a wrong password" 1 \
        "error: *Invalid username or password; correct sasl.username*" \
        "${on[@]}" -X sasl.mechanism=PLAIN -X "sasl.password=$canary-wrong"
    refused "a wrong password with SCRAM" 1 \
        "error: *invalid credentials*; correct sasl.username*" \
        "${on[@]}" -X sasl.mechanism=SCRAM-SHA-512 \
        -X "sasl.password=$canary-wrong"
    refused "a mechanism that is not there" 1 "error: *set sasl.mechanism to*" \
        "${on[@]}" -X sasl.mechanism=SCRAM-SHA-256 \
        -X "sasl.password=$canary-plain"
    refused "no mechanism" 2 "error: *sasl.mechanism is not set*" "${on[@]}"
    refused "a CA that did not sign" 1 "error: *set ssl.ca.location to the CA*" \
        "${over[@]}" -X ssl.ca.location=stranger.pem
    refused "a CA that is not there" 1 \
        "error: broker property ssl.ca.location: *no.pem*" \
        "${over[@]}" -X ssl.ca.location=no.pem
    refused "no client certificate" 1 \
        "error: *set ssl.certificate.location and ssl.key.location*" \
        "${over[@]}" -X ssl.ca.location=ca.pem
    refused "TLS to a listener without" 1 "error: *speaks no TLS*" \
        --brokers "$plain" -X security.protocol=SSL -X ssl.ca.location=ca.pem
    refused "no login to a listener that wants one" 4 \
        "error: no broker answers *security.protocol*" --brokers "$sasl"
}

acl() { python3 "$root/tests/kafka/admin.py" "$plain" User:app; }

# --- permissions ------------------------------------------------------------


app=(--brokers "$sasl" -X security.protocol=SASL_PLAINTEXT
    -X sasl.mechanism=PLAIN -X sasl.username=app)

# With one permission less: an error that names it, or a warning.
without() { # line
    local line=$1 code=1 name got what
    name=$(cut -d' ' -f3 <<<"$line")
    what="*error: *${line##* }*"
    case $line in
    *"$name Write") what="*error: *lacks *Write* on topic $name*" ;;
    *"$name DescribeConfigs")
        what="*warning: *lacks DescribeConfigs on topic $name*" code=0
        ;;
    *"$name Delete") what="*warning: *lacks Delete on topic $name*" code=0 ;;
    esac
    case $line in
    transactional-id*) what="*error: *lacks Write on the transactional id*" ;;
    group*) what="*error: *lacks Read on the group*" ;;
    esac
    echo "remove $line" | acl || return 1
    produce 40
    echo '{"id":"none"}' | "$cupel" produce sales --brokers "$plain" -q
    timeout 240 "$cupel" run acls --drain --state acls/state "${app[@]}" \
        -X "sasl.password=$canary-app" >acls.out 2>acls.err </dev/null
    got=$?
    echo "add $line" | acl || return 1
    cat acls.err >>acls.said
    # shellcheck disable=SC2053
    [ $got = $code ] && [[ $(<acls.err) == $what ]] && return
    echo "exit $got, $code is wanted, with $what"
    cat acls.err
    return 1
}

permissions() {
    local line kind seen=""
    pipeline_in acls ""
    check "the topics are made by another user" runs acls --brokers "$plain"
    "$cupel" doctor acls --brokers "$plain" --acls -o csv |
        awk -F, '$1 == "app" { print $2, $4, $3, $5 }' >acls.list
    sed 's/^/add /' acls.list | acl
    produce 40
    check "the $(wc -l <acls.list) permissions of doctor --acls are enough" \
        runs acls "${app[@]}" -X "sasl.password=$canary-app"
    while read -r line; do
        kind=$(sed 's/ acls\.[^ ]*\.\([a-z]*\) / \1 /
            s/ acls\.s[a-z]* / view /
            s/.* DescribeConfigs/DescribeConfigs/' <<<"$line")
        [ -z "${ALL:-}" ] && [[ $seen == *"$kind;"* ]] && continue
        # Nothing is there to be read before the app is repartitioned.
        [[ $line == *"acls.layout Read" ]] && continue
        seen="$seen$kind;"
        check "without $line" without "$line"
    done <acls.list
    check "with all of them it goes on" runs acls "${app[@]}" \
        -X "sasl.password=$canary-app"
}

# --- topics that are not as they should be ----------------------------------

warns() { # file pattern…
    local pattern
    for pattern in "${@:2}"; do
        # shellcheck disable=SC2053
        [[ $(<"$1") == $pattern ]] && continue
        echo "no $pattern in"
        cat "$1"
        return 1
    done
}

policies() {
    pipeline_in policy ""
    acl <<'T'
make policy.shops.changelog 2 cleanup.policy=delete retention.ms=60000
make policy.shops 2 cleanup.policy=delete retention.ms=-1
make policy.dlq 1 max.message.bytes=10000
T
    "$cupel" run policy --drain --state policy/state --brokers "$plain" \
        >policy.out 2>policy.said </dev/null
    echo "exit $?" >>policy.said
    check "a changelog that forgets is refused, with what mends it" \
        warns policy.said "*error: topic policy.shops.changelog*delete*\
*kafka-configs.sh*--entity-name policy.shops.changelog*policy=compact*exit 3"
    check "a view's topic that only grows is a warning" \
        warns policy.said "*warning: topic policy.shops *grows for ever*"
    "$cupel" doctor policy --brokers "$plain" >doctor.out 2>&1
    check "doctor tells all of them" warns doctor.out \
        "*fail *topics *policy.shops.changelog*" \
        "*warn *topics *policy.shops *" \
        "*warn *topics *policy.dlq *up to 10000 bytes*larger letters are cut*"
}

# Rows of 30 to 9,000 bytes; the topics take 10,000.  Those of 20,000 are
# letters of the exchange, and of the view whose topic is small.  State of 6,000
# goes into a changelog of 5,000, and comes back from there.
sizes_sql() { # folder
    mkdir -p "$1"
    cat >"$1/pipeline.sql" <<'SQL'
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;
CREATE FOREIGN TABLE note (id bigint NOT NULL, shop text, body text)
  SERVER kafka OPTIONS (topic 'notes', format 'json');
CREATE MATERIALIZED VIEW moved AS
SELECT shop, max(id) AS id, max(body) AS body FROM note GROUP BY shop;
CREATE MATERIALIZED VIEW plain AS
SELECT id, repeat(body, 2) AS body FROM note WHERE id % 10 = 0;
COPY (SELECT shop, id, length(body) AS n FROM moved ORDER BY shop)
  TO 'moved.csv' WITH (FORMAT csv, HEADER);
SQL
}

notes() {
    python3 -c '
for i in range(1, 201):
    n = 20000 if i % 50 == 0 else 30 if i % 7 else 6000
    print("{\"id\":%d,\"shop\":\"s%d\",\"body\":\"%0*d\"}" % (i, i, n, i))'
}

too_large() {
    local n
    sizes_sql large
    acl <<'T'
make notes 2 max.message.bytes=1000000
make large.moved.by_shop.repartition 2 max.message.bytes=10000
make large.plain 2 max.message.bytes=10000
make large.moved.changelog 2 cleanup.policy=compact max.message.bytes=5000
make large.dlq 1 max.message.bytes=10000
T
    notes | "$cupel" produce notes --brokers "$plain" --key-field id -q
    timeout 240 "$cupel" run large --drain --state large/state \
        --brokers "$plain" >large.out 2>large.said </dev/null || return 1
    # 50, 100, 150, 200 do not go through the exchange; of view plain also
    # 70 and 140, which are 12,000 bytes there.
    n=$(awk -F, 'NR > 1 { n++; if ($3 > 6000) bad = 1 }
        END { print n, bad + 0 }' large/moved.csv)
    [ "$n" = "196 0" ] || {
        echo "rows and too large ones in the report: $n"
        return 1
    }
    "$cupel" state verify large --state large/state --brokers "$plain" \
        >large.verify.out 2>&1 || return 1
    mv large/moved.csv large/state .
    timeout 240 "$cupel" run large --drain --state large/state \
        --brokers "$plain" >large.out 2>large.said </dev/null || return 1
    cmp moved.csv large/moved.csv || return 1
    "$cupel" dlq list large --brokers "$plain" >large.dlq.out 2>&1
    cat large.dlq.out
    "$cupel" dlq show large all --brokers "$plain" -o jsonl >large.letters.out
    [ "$(grep -c '"54000"' large.letters.out)" = 10 ] &&
        [ "$(grep -c '"exchange"' large.letters.out)" = 4 ] &&
        [ "$(grep -c '"publish"' large.letters.out)" = 6 ]
}

no_secrets() {
    ! grep -rl --include='*.said' --include='*.err' --include='*.out' \
        "$canary" .
}

logins
refusals
permissions
policies
check "rows that topics do not take are dead letters, state goes in pieces" \
    too_large
check "no secret was said" no_secrets
finish
